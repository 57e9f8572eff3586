//! What has to be compiled during a run, by whoever can.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use plan::{Action, Frame, Item, Layer, Role, Task};
use source::SourceFile;
use template::Tree;

use crate::outcome::{IncludeRole, IncludeTasks};

/// Why something cannot be included.
#[derive(Clone, Debug)]
pub enum IncludeError {
    /// It is not there, or cannot be used here: the task that includes it fails.
    Missing(String),
    /// It is wrong: the run ends, as nobody can rescue a playbook that is wrong.
    Wrong(String),
}

impl From<String> for IncludeError {
    fn from(why: String) -> Self {
        Self::Missing(why)
    }
}

/// Compiles what tasks include during a run. An error is all of what is wrong, rendered.
pub trait Includes: Send + Sync {
    /// Compiles a file of tasks, under the frame of the include.
    fn tasks(
        &self,
        include: &IncludeTasks,
        frame: &Arc<Frame>,
        are_handlers: bool,
        playbook_dir: &Path,
    ) -> Result<IncludedTasks, IncludeError>;

    /// Compiles a role, under the frame of the include.
    fn role(
        &self,
        include: &IncludeRole,
        frame: &Arc<Frame>,
        params: Layer,
        playbook_dir: &Path,
    ) -> Result<IncludedRole, IncludeError>;

    /// Compiles the action of a task whose name was a template, and is known now.
    fn action(&self, task: &Task, name: &str, playbook_dir: &Path) -> Result<Action, String>;

    /// Reads a file of variables of a play: a dictionary, or a list of them.
    fn play_vars(&self, path: &Path) -> Result<Vec<(String, Tree)>, String>;

    /// Reads a file of variables.
    fn vars(&self, path: &Path) -> Result<Vec<(String, Tree)>, String>;

    /// Reads a text file, decrypted where it is a vault file.
    fn text(&self, path: &Path) -> Result<Arc<SourceFile>, String>;

    /// Reads any file, decrypted where it is a vault file and that is wanted.
    fn bytes(&self, path: &Path, decrypts: bool) -> Result<Vec<u8>, String>;
}

/// A file of tasks and what it brings.
#[derive(Clone, Debug)]
pub struct IncludedTasks {
    /// The file, as it was found.
    pub path: PathBuf,
    pub items: Vec<Item>,
    /// Handlers of the roles that it imports.
    pub handlers: Vec<Item>,
}

/// A role and what it brings.
#[derive(Clone, Debug)]
pub struct IncludedRole {
    pub role: Arc<Role>,
    pub items: Vec<Item>,
    pub handlers: Vec<Item>,
}
