//! Elements that are worked out when somebody looks at them.

use std::sync::{Arc, OnceLock};

use super::Value;
use crate::{scope::ScopeHandle, tree::Tree};

/// An element of a list or dict: there, or still to be worked out.
#[derive(Clone)]
pub(crate) enum Element {
    Ready(Value),
    Lazy(Arc<Thunk>),
}

/// A trusted tree together with the scope it is to be rendered in; remembers its value.
pub(crate) struct Thunk {
    tree: Tree,
    scope: ScopeHandle,
    value: OnceLock<Value>,
}

impl Thunk {
    pub(crate) fn new(tree: Tree, scope: ScopeHandle) -> Arc<Self> {
        Arc::new(Self { tree, scope, value: OnceLock::new() })
    }

    /// The value; worked out at the first call. Two threads may both work it out: the first wins.
    pub(crate) fn force(&self) -> Value {
        if let Some(value) = self.value.get() {
            return value.clone();
        }
        let value = self.tree.instantiate(&self.scope.scope());
        self.value.get_or_init(|| value).clone()
    }
}

impl Element {
    /// The value itself.
    pub(crate) fn force(&self) -> Value {
        match self {
            Self::Ready(value) => value.clone(),
            Self::Lazy(thunk) => thunk.force(),
        }
    }
}

impl From<Value> for Element {
    fn from(value: Value) -> Self {
        Self::Ready(value)
    }
}
