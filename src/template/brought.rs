//! Filters, tests and lookups that users bring, beside those of this room.
//!
//! A name in a template is looked up once, when it is compiled: what it stands for is a native thing
//! of a table here, or a [`Plugin`] that another room found ([`Plugins`]) and runs.

use std::{fmt, sync::Arc};

use crate::{
    engine::{Call, Filter, Input, Lookup, LookupCall, Test},
    error::Result,
    scope::Scope,
    value::{Arguments, Value},
};

/// What kind of thing a name is looked up as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginKind {
    Filter,
    Test,
    Lookup,
}

impl PluginKind {
    /// The word for it, as folders and messages have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Lookup => "lookup",
        }
    }
}

/// Whether this room has a thing of the name that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Native {
    /// It has: only what is nearer to the playbook than Ansible itself goes before it.
    There,
    /// It has not: every place counts.
    Missing,
}

/// Finds what users bring.
pub trait Plugins: Send + Sync {
    /// The plugin of a name, with or without its collection; `None` where there is none.
    ///
    /// # Errors
    /// One of that name is there and cannot be loaded: the message names its file.
    fn find(&self, kind: PluginKind, name: &str, native: Native)
    -> Result<Option<Arc<dyn Plugin>>>;

    /// In how many places it looks. What is compiled is compiled anew once there are more.
    fn places(&self) -> usize;
}

/// A filter, test or lookup that a user brought. A filter or test takes its value as the first
/// positional argument.
pub trait Plugin: Send + Sync + fmt::Debug {
    /// The name that it was asked for by, without a collection.
    fn name(&self) -> &str;

    /// Runs a filter or test. What is undefined comes and goes as a value.
    ///
    /// # Errors
    /// What the plugin raised, or that it could not be run.
    fn call(&self, arguments: Arguments, scope: &Scope) -> Result<Value>;

    /// Runs a lookup for the terms that are the positional arguments, with the others as options.
    ///
    /// # Errors
    /// As [`Plugin::call`].
    fn look_up(&self, arguments: Arguments, scope: &Scope) -> Result<Vec<Value>>;
}

/// What a name stands for.
#[derive(Clone)]
pub enum Found<T: 'static> {
    Native(&'static T),
    Brought(Arc<dyn Plugin>),
}

impl Found<Filter> {
    /// The name without a collection.
    pub fn name(&self) -> &str {
        match self {
            Self::Native(filter) => filter.name,
            Self::Brought(plugin) => plugin.name(),
        }
    }

    /// The collection that a native one is from; empty for Ansible's own.
    pub fn home(&self) -> &str {
        match self {
            Self::Native(filter) => filter.home,
            Self::Brought(_) => "",
        }
    }

    /// Whether it looks at undefined values itself.
    pub(crate) fn takes_undefined(&self) -> bool {
        match self {
            Self::Native(filter) => filter.input == Input::Any,
            Self::Brought(_) => true,
        }
    }

    /// Runs the filter. `variable` is the one that the value was written as.
    ///
    /// # Errors
    /// The filter fails.
    pub fn apply(
        &self,
        scope: &Scope,
        variable: Option<&str>,
        value: Value,
        arguments: Arguments,
    ) -> Result<Value> {
        match self {
            Self::Native(filter) => {
                filter.apply(&Call { scope, name: filter.name, variable }, value, arguments)
            }
            Self::Brought(plugin) => plugin.call(with_value(value, arguments), scope),
        }
    }
}

impl Found<Test> {
    /// The name without a collection.
    pub fn name(&self) -> &str {
        match self {
            Self::Native(test) => test.name,
            Self::Brought(plugin) => plugin.name(),
        }
    }

    /// The collection that a native one is from; empty for Ansible's own.
    pub fn home(&self) -> &str {
        match self {
            Self::Native(test) => test.home,
            Self::Brought(_) => "",
        }
    }

    /// Whether it looks at undefined values itself.
    pub(crate) fn takes_undefined(&self) -> bool {
        match self {
            Self::Native(test) => test.takes_undefined,
            Self::Brought(_) => true,
        }
    }

    /// Asks the test.
    ///
    /// # Errors
    /// The test fails.
    pub fn ask(
        &self,
        scope: &Scope,
        variable: Option<&str>,
        value: &Value,
        arguments: Arguments,
    ) -> Result<bool> {
        match self {
            Self::Native(test) => {
                (test.run)(&Call { scope, name: test.name, variable }, value, arguments)
            }
            Self::Brought(plugin) => {
                let answer = plugin.call(with_value(value.clone(), arguments), scope)?;
                Ok(answer.defined()?.truthy())
            }
        }
    }
}

impl Found<Lookup> {
    /// The name without a collection.
    pub fn name(&self) -> &str {
        match self {
            Self::Native(lookup) => lookup.name,
            Self::Brought(plugin) => plugin.name(),
        }
    }

    /// The collection that a native one is from; empty for Ansible's own.
    pub fn home(&self) -> &str {
        match self {
            Self::Native(lookup) => lookup.home,
            Self::Brought(_) => "",
        }
    }

    pub(crate) fn values(
        &self,
        terms: Vec<Value>,
        options: Arguments,
        scope: &Scope,
    ) -> Result<Vec<Value>> {
        match self {
            Self::Native(lookup) => {
                (lookup.run)(&mut LookupCall { scope, name: lookup.name, terms, options })
            }
            Self::Brought(plugin) => {
                plugin.look_up(Arguments { positional: terms, keyword: options.keyword }, scope)
            }
        }
    }
}

fn with_value(value: Value, mut arguments: Arguments) -> Arguments {
    arguments.positional.insert(0, value);
    arguments
}
