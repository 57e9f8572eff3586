//! Connections that users have written, as a run has to know them.

use std::{fmt, sync::Arc};

use protocol::JsonMap;
use transport::Carriage;

use crate::Event;

/// Is told what plugins display.
pub type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// All connection plugins of a run.
pub trait ConnectionPlugins: Send + Sync + fmt::Debug {
    /// Whether a file beside playbooks, in roles or in the folders of the settings has a short
    /// name: it goes before what is native.
    fn goes_before_native(&self, name: &str) -> bool;

    /// The plugin of a name.
    fn find(&self, name: &str) -> Option<Arc<dyn ConnectionPlugin>>;

    /// Says whom to tell what plugins display; until then it goes to standard error.
    fn listen(&self, tell: Tell);
}

/// A connection plugin.
pub trait ConnectionPlugin: Send + Sync + fmt::Debug {
    /// The variables that its options are set by.
    ///
    /// # Errors
    /// In words: its documentation cannot be read.
    fn variables(&self) -> Result<Vec<String>, String>;

    /// The way to one host: what variables say that the plugin declares, and what is known of the
    /// way otherwise, under the names that Ansible's play context has. Nothing is started yet.
    fn carriage(&self, variables: JsonMap, state: JsonMap) -> Arc<dyn Carriage>;
}
