//! Variables in layers, and what a template sees of them.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use indexmap::IndexMap;

use crate::{
    engine::Engine,
    error::{ErrorKind, Result, TemplateError},
    surroundings::Surroundings,
    template::Template,
    tree::{Tree, failed},
    value::{Object, Shape, Value, dict::detached},
};

/// How many variables may be rendered for the sake of one another.
const NESTING_MAX: usize = 64;

/// A layer of variables.
pub trait Variables: Send + Sync {
    /// The variable of a name, if this layer has it.
    fn get(&self, name: &str) -> Option<Tree>;

    /// All names of the layer.
    fn names(&self) -> Vec<Arc<str>>;

    /// Whether the layer only stands in where nobody said anything.
    fn is_fallback(&self) -> bool {
        false
    }
}

impl Variables for IndexMap<Arc<str>, Tree> {
    fn get(&self, name: &str) -> Option<Tree> {
        IndexMap::get(self, name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.keys().cloned().collect()
    }
}

/// Names that a text has set so far, with their values.
type SetByText = Arc<[(Arc<str>, Value)]>;

/// What a template sees: layers of variables, the nearest first, and its surroundings.
///
/// Cheap to clone; clones share what has been worked out. A variable that is a template is rendered
/// at its first use, in the scope that it is asked of, and remembered there.
#[derive(Clone)]
pub struct Scope {
    core: Arc<Core>,
    memo: Arc<Memo>,
    set_by_text: Option<SetByText>,
}

struct Core {
    engine: Arc<Engine>,
    surroundings: Arc<Surroundings>,
    layer: Option<Arc<dyn Variables>>,
    below: Option<Arc<Core>>,
}

#[derive(Default)]
struct Memo {
    values: Mutex<HashMap<Arc<str>, Option<Value>>>,
}

/// A scope as thunks keep it: the remembered values are not kept alive by it, or values and
/// scope would hold each other for ever.
pub(crate) struct ScopeHandle {
    core: Arc<Core>,
    memo: Weak<Memo>,
}

impl ScopeHandle {
    pub(crate) fn scope(&self) -> Scope {
        let memo = self.memo.upgrade().unwrap_or_default();
        Scope { core: Arc::clone(&self.core), memo, set_by_text: None }
    }
}

impl Scope {
    /// A scope without variables.
    pub fn new(engine: Arc<Engine>, surroundings: Arc<Surroundings>) -> Self {
        Self {
            core: Arc::new(Core { engine, surroundings, layer: None, below: None }),
            memo: Arc::default(),
            set_by_text: None,
        }
    }

    /// The scope with one more layer, nearer than all others. Nothing worked out is taken along,
    /// since any variable may depend on the new ones.
    #[must_use]
    pub fn push(&self, layer: Arc<dyn Variables>) -> Scope {
        Scope {
            core: Arc::new(Core {
                engine: Arc::clone(&self.core.engine),
                surroundings: Arc::clone(&self.core.surroundings),
                layer: Some(layer),
                below: Some(Arc::clone(&self.core)),
            }),
            memo: Arc::default(),
            set_by_text: None,
        }
    }

    /// The scope with one more layer of plain data.
    #[must_use]
    pub fn push_values<K: Into<Arc<str>>>(
        &self,
        values: impl IntoIterator<Item = (K, Value)>,
    ) -> Scope {
        let layer: IndexMap<Arc<str>, Tree> =
            values.into_iter().map(|(name, value)| (name.into(), Tree::Value(value))).collect();
        self.push(Arc::new(layer))
    }

    /// The scope with other surroundings, such as those of another task.
    #[must_use]
    pub fn with_surroundings(&self, surroundings: Arc<Surroundings>) -> Scope {
        Scope {
            core: Arc::new(Core {
                engine: Arc::clone(&self.core.engine),
                surroundings,
                layer: None,
                below: Some(Arc::clone(&self.core)),
            }),
            memo: Arc::default(),
            set_by_text: None,
        }
    }

    /// The scope as a filter or test of a text gets it that has set names at its top level. No
    /// variable sees those names; who asks for the context of the call does.
    #[must_use]
    pub(crate) fn with_set_by_text(&self, names: Vec<(Arc<str>, Value)>) -> Scope {
        Scope { set_by_text: Some(names.into()), ..self.clone() }
    }

    /// The names that the text which calls has set at its top level, in the order of the text.
    pub fn set_by_text(&self) -> &[(Arc<str>, Value)] {
        self.set_by_text.as_deref().unwrap_or_default()
    }

    /// The registry of filters, tests and lookups.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.core.engine
    }

    /// What lookups and includes may use.
    pub fn surroundings(&self) -> &Arc<Surroundings> {
        &self.core.surroundings
    }

    /// What was written for a variable, in the nearest layer that has it.
    pub fn tree(&self, name: &str) -> Option<Tree> {
        let mut core = Some(&self.core);
        while let Some(layer) = core {
            if let Some(tree) = layer.layer.as_ref().and_then(|layer| layer.get(name)) {
                return Some(tree);
            }
            core = layer.below.as_ref();
        }
        None
    }

    /// Whether a layer that is no fallback has a variable.
    pub fn says(&self, name: &str) -> bool {
        let mut core = Some(&self.core);
        while let Some(here) = core {
            let layer = here.layer.as_ref().filter(|layer| !layer.is_fallback());
            if layer.is_some_and(|layer| layer.get(name).is_some()) {
                return true;
            }
            core = here.below.as_ref();
        }
        false
    }

    /// The value of a variable, worked out at the first call. One whose template fails is
    /// [`Value::Undefined`], which knows why. `None` where no layer has the name.
    ///
    /// What a template does to the value (`append`, `update`) does not reach the variable.
    pub fn get(&self, name: &str) -> Option<Value> {
        if let Some(known) =
            self.memo.values.lock().unwrap_or_else(PoisonError::into_inner).get(name)
        {
            return known.clone().map(detached);
        }
        let value = match self.tree(name) {
            Some(Tree::Value(value)) => Some(value),
            Some(tree) => Some(match tree.instantiate(self) {
                Value::Undefined(undefined) => named(name, &tree, undefined.error()),
                value => value,
            }),
            None => self.magic(name),
        };
        self.memo
            .values
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), value.clone());
        value.map(detached)
    }

    /// Names that are there without a layer that sets them.
    fn magic(&self, name: &str) -> Option<Value> {
        match name {
            "omit" => Some(Value::Omit),
            "vars" => Some(Value::object(Everything(self.clone()))),
            _ => None,
        }
    }

    /// The value as a template gives it that is one expression.
    ///
    /// # Errors
    /// Something in the value is undefined.
    pub fn typed(&self, value: Value) -> Result<Value> {
        crate::eval::typing::of_expression(value, &self.surroundings().settings)
    }

    /// The names of all variables, the nearest layer's first, each once.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names = indexmap::IndexSet::new();
        let mut core = Some(&self.core);
        while let Some(layer) = core {
            if let Some(layer) = &layer.layer {
                names.extend(layer.names());
            }
            core = layer.below.as_ref();
        }
        names.into_iter().collect()
    }

    pub(crate) fn handle(&self) -> ScopeHandle {
        ScopeHandle { core: Arc::clone(&self.core), memo: Arc::downgrade(&self.memo) }
    }

    /// Renders a template for a variable: finds loops of variables that need each other.
    pub(crate) fn render(&self, template: &Arc<Template>) -> Result<Value> {
        let entry = (Arc::as_ptr(template) as usize, Arc::as_ptr(&self.core) as usize);
        let entered = ACTIVE.with_borrow_mut(|active| {
            if active.contains(&entry) || active.len() >= NESTING_MAX {
                return false;
            }
            active.push(entry);
            true
        });
        if !entered {
            return Err(TemplateError::new(
                ErrorKind::Recursion,
                format!("recursive loop detected in template string: {}", template.text()),
            )
            .at(template.span()));
        }
        let result = template.render(self);
        ACTIVE.with_borrow_mut(|active| active.pop());
        result
    }
}

thread_local! {
    /// The templates of variables that are being rendered, outermost first, each with its scope.
    static ACTIVE: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) };
}

/// The failure of a variable. Where it lacks another one it says so by its text, as in ansible-core.
fn named(name: &str, tree: &Tree, error: TemplateError) -> Value {
    match tree {
        Tree::Template(template) if error.is_undefined() => failed(template.text(), error),
        _ => failed(name, error),
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("names", &self.names().len()).finish()
    }
}

/// `vars`: all variables as a dict.
#[derive(Debug)]
struct Everything(Scope);

impl Object for Everything {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn get(&self, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?)
    }

    fn contains(&self, key: &Value) -> bool {
        key.as_str().is_some_and(|name| self.0.tree(name).is_some())
    }

    fn keys(&self) -> Vec<Value> {
        self.0.names().into_iter().map(Value::from).collect()
    }
}
