//! Plugins in Python, which users, roles and collections bring, run in the controller.
//!
//! Start with [`Python`]: one interpreter a run, started when something of it is first needed, and
//! spoken to in frames of JSON ([`interpreter`](Python)). What names mean is found in folders
//! (`folders`); values keep their types on the way (`wire`); while a call is under way the plugin
//! may ask for variables, filters, lookups and templates (`answers`). The folder `python` holds the
//! other side, and what plugins import of Ansible where Ansible is not installed.
//!
//! Nothing of it costs anything until a template names what is not native, or a folder of plugins
//! is there whose files have the name of something native in quotes.

mod actions;
mod answers;
mod caches;
mod callbacks;
mod connections;
mod documentation;
mod folders;
mod interpreter;
mod inventories;
mod jinja;
mod library;
mod lookup;
mod redirects;
mod settings;
mod variables;
mod wire;

pub use actions::{PythonAction, WriteValue};
pub use answers::written;
pub use caches::PythonCache;
pub use callbacks::{Callback, Callbacks, PythonCallbacks};
pub use connections::{ConnectionTrouble, OpenConnection, PythonConnections};
pub use interpreter::{Answers, Python};
pub use inventories::PythonInventories;
pub use jinja::{PythonPlugins, Setup};
pub use library::text as library;
pub use settings::OfPlugin;
pub use variables::PythonVars;
