//! Lists, shared as in Python.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    Value,
    dict::Owner,
    thunk::{Element, Thunk},
};

/// A list. Clones are the same list: who appends to one appends to all.
///
/// Reading takes a snapshot; writing copies the elements only if a snapshot is still in use.
#[derive(Clone)]
pub struct List {
    cell: Arc<Cell>,
}

pub(crate) struct Cell {
    items: RwLock<Arc<Vec<Element>>>,
    owner: Option<Owner>,
}

impl List {
    /// The same object, not only an equal one.
    pub fn is_same(&self, other: &List) -> bool {
        Arc::ptr_eq(&self.cell, &other.cell)
    }

    /// An address that tells this list from others while both live.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.cell) as usize
    }

    pub(crate) fn from_elements(items: Vec<Element>) -> Self {
        Self { cell: Arc::new(Cell { items: RwLock::new(Arc::new(items)), owner: None }) }
    }

    pub(crate) fn snapshot(&self) -> Arc<Vec<Element>> {
        Arc::clone(&self.cell.items.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same elements as a list of its own: what belongs to a variable is handed out so, and
    /// what a template appends does not reach the variable.
    pub(crate) fn detached(&self, owner: Owner) -> Self {
        Self { cell: Arc::new(Cell { items: RwLock::new(self.snapshot()), owner: Some(owner) }) }
    }

    fn handed_out(&self, at: usize, value: Value) -> Value {
        match &self.cell.owner {
            None => value,
            Some(_) => Owner::hand_out_of_list(self, at, value),
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.snapshot().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at a place, counted from 0.
    pub fn get(&self, at: usize) -> Option<Value> {
        let value = self.snapshot().get(at)?.force();
        Some(self.handed_out(at, value))
    }

    /// The elements as they are now.
    pub fn to_vec(&self) -> Vec<Value> {
        self.snapshot()
            .iter()
            .enumerate()
            .map(|(at, item)| self.handed_out(at, item.force()))
            .collect()
    }

    /// Goes over the elements as they are now.
    pub fn iter(&self) -> impl Iterator<Item = Value> + use<> {
        self.to_vec().into_iter()
    }

    /// Adds an element at the end.
    pub fn push(&self, value: Value) {
        self.change(|items| items.push(value.into()));
    }

    /// Changes the elements in place, for all who share the list.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Vec<Element>) -> T) -> T {
        let result = {
            let mut items = self.cell.items.write().unwrap_or_else(PoisonError::into_inner);
            change(Arc::make_mut(&mut items))
        };
        if let Some(owner) = &self.cell.owner {
            // A list of its own, or parent and child would hold each other for ever.
            owner.take_back(Value::List(Self {
                cell: Arc::new(Cell { items: RwLock::new(self.snapshot()), owner: None }),
            }));
        }
        result
    }

    /// Replaces all elements.
    pub fn replace(&self, values: Vec<Value>) {
        self.change(|items| *items = values.into_iter().map(Element::from).collect());
    }

    pub(crate) fn put_back(&self, at: usize, value: Value) {
        self.change(|items| {
            if let Some(item) = items.get_mut(at) {
                *item = value.into();
            }
        });
    }
}

impl Default for List {
    fn default() -> Self {
        Self::from_elements(Vec::new())
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::from_elements(items.into_iter().map(Element::from).collect())
    }
}

impl FromIterator<Arc<Thunk>> for List {
    fn from_iter<I: IntoIterator<Item = Arc<Thunk>>>(items: I) -> Self {
        Self::from_elements(items.into_iter().map(Element::Lazy).collect())
    }
}
