//! Dicts, shared as in Python, in the order of insertion.

use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexMap;

use super::{List, Value, compare::TextKey, thunk::Element};

/// A dict. Clones are the same dict: who sets a key in one sets it in all.
///
/// Keys are equal as in Python: `1`, `1.0` and `True` are one key.
#[derive(Clone)]
pub struct Dict {
    cell: Arc<Cell>,
}

pub(crate) type Entries = IndexMap<Value, Element>;

struct Cell {
    entries: RwLock<Arc<Entries>>,
    owner: Option<Owner>,
    /// Whether keys that are not there may be there later.
    is_open: bool,
}

/// Where a list or dict was taken from that belongs to a variable.
///
/// Variables are shared by tasks and hosts, and Ansible templates see copies of them: so what
/// comes out of a variable is detached, and a change goes back only as far as the copy that this
/// template sees.
#[derive(Clone)]
pub(crate) enum Owner {
    /// It is the variable's value itself.
    Variable,
    Dict(Dict, Value),
    List(List, usize),
}

impl Owner {
    /// A container that came out of a container of a variable.
    pub(crate) fn hand_out_of_list(list: &List, at: usize, value: Value) -> Value {
        match value {
            Value::List(inner) => Value::List(inner.detached(Self::List(list.clone(), at))),
            Value::Dict(inner) => Value::Dict(inner.detached(Self::List(list.clone(), at))),
            other => other,
        }
    }

    fn hand_out_of_dict(dict: &Dict, key: &Value, value: Value) -> Value {
        match value {
            Value::List(inner) => {
                Value::List(inner.detached(Self::Dict(dict.clone(), key.clone())))
            }
            Value::Dict(inner) => {
                Value::Dict(inner.detached(Self::Dict(dict.clone(), key.clone())))
            }
            other => other,
        }
    }

    /// Puts a changed container back where it was taken from.
    pub(crate) fn take_back(&self, value: Value) {
        match self {
            Self::Variable => {}
            Self::Dict(dict, key) => dict.insert(key.clone(), value),
            Self::List(list, at) => list.put_back(*at, value),
        }
    }
}

/// A copy of a variable's value that a template may change without the variable noticing.
pub(crate) fn detached(value: Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.detached(Owner::Variable)),
        Value::Dict(dict) => Value::Dict(dict.detached(Owner::Variable)),
        other => other,
    }
}

impl Dict {
    /// The same object, not only an equal one.
    pub fn is_same(&self, other: &Dict) -> bool {
        Arc::ptr_eq(&self.cell, &other.cell)
    }

    /// An address that tells this dict from others while both live.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.cell) as usize
    }

    pub(crate) fn from_elements(entries: Entries) -> Self {
        Self::of_cell(Arc::new(entries), None, false)
    }

    fn of_cell(entries: Arc<Entries>, owner: Option<Owner>, is_open: bool) -> Self {
        Self { cell: Arc::new(Cell { entries: RwLock::new(entries), owner, is_open }) }
    }

    /// The same entries, of which some are not known until the run: asking for a key that is not
    /// there gives what is undefined as [`Missing::UntilRun`](crate::error::Missing).
    #[must_use]
    pub fn opened(&self) -> Self {
        Self::of_cell(self.snapshot(), None, true)
    }

    /// Whether keys that are not there are unknown until the run.
    pub fn is_open(&self) -> bool {
        self.cell.is_open
    }

    pub(crate) fn snapshot(&self) -> Arc<Entries> {
        Arc::clone(&self.cell.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn detached(&self, owner: Owner) -> Self {
        Self::of_cell(self.snapshot(), Some(owner), self.cell.is_open)
    }

    fn handed_out(&self, key: &Value, value: Value) -> Value {
        match &self.cell.owner {
            None => value,
            Some(_) => Owner::hand_out_of_dict(self, key, value),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.snapshot().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key that is a text. Allocates nothing for the key.
    pub fn get(&self, key: &str) -> Option<Value> {
        let entries = self.snapshot();
        let (key, element) = entries.get_key_value(&TextKey(key))?;
        Some(self.handed_out(key, element.force()))
    }

    /// The value of a key of any type.
    pub fn get_value(&self, key: &Value) -> Option<Value> {
        let entries = self.snapshot();
        let element = entries.get(key)?;
        Some(self.handed_out(key, element.force()))
    }

    /// Whether a key is there.
    pub fn contains(&self, key: &Value) -> bool {
        self.snapshot().contains_key(key)
    }

    /// The keys, in order.
    pub fn keys(&self) -> Vec<Value> {
        self.snapshot().keys().cloned().collect()
    }

    /// The values, in the order of the keys.
    pub fn values(&self) -> Vec<Value> {
        self.entries().into_iter().map(|(_, value)| value).collect()
    }

    /// Keys and values, in order.
    pub fn entries(&self) -> Vec<(Value, Value)> {
        self.snapshot()
            .iter()
            .map(|(key, element)| (key.clone(), self.handed_out(key, element.force())))
            .collect()
    }

    /// Goes over keys and values as they are now.
    pub fn iter(&self) -> impl Iterator<Item = (Value, Value)> + use<> {
        self.entries().into_iter()
    }

    /// Sets a key. An equal key that is there keeps its place.
    pub fn insert(&self, key: impl Into<Value>, value: Value) {
        let key = key.into();
        self.change(|entries| {
            entries.insert(key, value.into());
        });
    }

    /// Takes a key out and returns its value.
    pub fn remove(&self, key: &Value) -> Option<Value> {
        self.change(|entries| entries.shift_remove(key)).map(|element| element.force())
    }

    /// Changes the entries in place, for all who share the dict.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let result = {
            let mut entries = self.cell.entries.write().unwrap_or_else(PoisonError::into_inner);
            change(Arc::make_mut(&mut entries))
        };
        if let Some(owner) = &self.cell.owner {
            // A dict of its own, or parent and child would hold each other for ever.
            let copy = Self::of_cell(self.snapshot(), None, self.cell.is_open);
            owner.take_back(Value::Dict(copy));
        }
        result
    }
}

impl Default for Dict {
    fn default() -> Self {
        Self::from_elements(Entries::default())
    }
}

impl FromIterator<(Value, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(items: I) -> Self {
        Self::from_elements(items.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}
