//! How a host is reached, as templates see it where no variable says so.
//!
//! ansible-core gives templates of a task the connection's own settings under the names of their
//! variables, each under all its names, unless something sets one. Of a task that is delegated they
//! are those of the other host.

use std::sync::Arc;

use indexmap::IndexMap;
use inventory::HostName;
use plan::{Key, Layer, Task};
use template::{Scope, Tree, Value, Variables};

use crate::RunSettings;

// Variables that mean the same, the first that is set before the others.
pub(crate) const ADDRESS: &[&str] = &["ansible_ssh_host", "ansible_host"];
pub(crate) const USER: &[&str] = &["ansible_ssh_user", "ansible_user"];
pub(crate) const PORT: &[&str] = &["ansible_ssh_port", "ansible_port"];
pub(crate) const PASSWORD: &[&str] =
    &["ansible_ssh_pass", "ansible_ssh_password", "ansible_password"];
pub(crate) const KEY_FILE: &[&str] = &["ansible_private_key_file", "ansible_ssh_private_key_file"];
pub(crate) const TIMEOUT: &[&str] = &["ansible_ssh_timeout", "ansible_timeout"];
pub(crate) const CONNECTION: &[&str] = &["ansible_connection"];

/// Those variables, and what they say.
const REACHED: &[(&[&str], What)] = &[
    (CONNECTION, What::Connection),
    (ADDRESS, What::Address),
    (USER, What::User),
    (PORT, What::Port),
    (PASSWORD, What::Password),
    (KEY_FILE, What::KeyFile),
    (TIMEOUT, What::Timeout),
    (&["ansible_shell_executable"], What::Shell),
];

/// Whether a variable says how a host is reached.
pub(crate) fn is_named(name: &str) -> bool {
    REACHED.iter().any(|(names, _)| names.contains(&name))
}

/// The shell that Ansible assumes.
const SHELL: &str = "/bin/sh";

#[derive(Clone, Copy)]
enum What {
    Connection,
    Address,
    User,
    Port,
    Password,
    KeyFile,
    Timeout,
    Shell,
}

/// The layer below all others of a task on a host.
pub(crate) struct Reached {
    pub settings: Arc<RunSettings>,
    pub host: HostName,
    /// Whether no inventory names the host.
    pub is_implicit: bool,
    /// What the inventory says of it.
    pub inventory: Layer,
    pub task: Option<Arc<Task>>,
}

impl Variables for Reached {
    fn get(&self, name: &str) -> Option<Tree> {
        if !name.starts_with("ansible_") {
            return None;
        }
        let (names, what) = REACHED.iter().find(|(names, _)| names.contains(&name))?;
        if let Some(tree) = names.iter().find_map(|name| self.inventory.get(*name)) {
            return Some(tree.clone());
        }
        let address = match self.is_implicit {
            true => "127.0.0.1",
            false => self.host.as_str(),
        };
        said(*what, address, &self.settings, self.task.as_ref())
    }

    fn names(&self) -> Vec<Arc<str>> {
        let names = REACHED.iter().flat_map(|(names, _)| names.iter());
        names.filter(|name| self.get(name).is_some()).map(|name| Arc::from(*name)).collect()
    }

    fn is_fallback(&self) -> bool {
        true
    }
}

/// What keywords say, then the defaults.
fn said(
    what: What,
    address: &str,
    settings: &RunSettings,
    task: Option<&Arc<Task>>,
) -> Option<Tree> {
    let defaults = &settings.connection;
    let keyword =
        |key: Key| task.and_then(|task| task.setting(key)).map(|setting| setting.tree.clone());
    let text = |text: &str| Tree::Value(Value::from(text));
    match what {
        What::Connection => {
            keyword(Key::Connection).or_else(|| Some(text(defaults.connection.as_str())))
        }
        What::Address => Some(text(address)),
        What::User => keyword(Key::RemoteUser).or_else(|| defaults.user.as_deref().map(text)),
        // The keyword and the setting reach no template in ansible-core either.
        What::Port => None,
        What::Password => defaults.password.as_ref().map(|secret| text(secret.reveal().as_str())),
        What::KeyFile => {
            defaults.private_key_file.as_ref().map(|path| text(&path.display().to_string()))
        }
        What::Timeout => {
            i64::try_from(defaults.timeout_secs).ok().map(|secs| Tree::Value(Value::from(secs)))
        }
        What::Shell => Some(text(SHELL)),
    }
}

/// The scope of a task that another host works for, whose variables are `known`: how that one is
/// reached, where nothing says it of the task's own host.
pub(crate) fn delegated(
    scope: &Scope,
    delegate: &str,
    known: Option<&Value>,
    settings: &RunSettings,
    task: &Arc<Task>,
) -> Scope {
    let is_here = inventory::pattern::LOCALHOST.contains(&delegate);
    let mut values = IndexMap::new();
    for (names, what) in REACHED {
        let own = names.iter().find_map(|name| known.and_then(|vars| vars.get(name)));
        let value = match (own.filter(|value| !value.is_undefined()), what) {
            (Some(own), _) => Some(own),
            (None, What::Connection) if is_here => Some(Value::from("local")),
            (None, _) => said(*what, delegate, settings, Some(task))
                .and_then(|tree| tree.evaluate(scope).ok()),
        };
        for name in names.iter().filter(|name| !scope.says(name)) {
            // What is known of the host that the task is for is not that of the other.
            let value = value.clone().unwrap_or_else(|| Value::undefined(*name));
            values.insert(Arc::from(*name), Tree::Value(value));
        }
    }
    scope.push(Arc::new(Delegate(values)))
}

/// How a delegate is reached. It stands above what the task's own host sees, and no connection is
/// made by it: the way to that host may be asked for as well.
struct Delegate(IndexMap<Arc<str>, Tree>);

impl Variables for Delegate {
    fn get(&self, name: &str) -> Option<Tree> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    fn is_fallback(&self) -> bool {
        true
    }
}
