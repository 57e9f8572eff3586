//! Action plugins: which of them there are, and their calls.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value as Json};
use template::{Scope, Value};

use crate::{
    answers::{Both, InTemplate},
    folders::PluginFile,
    interpreter::{Answers, CallError, Python},
    jinja::{Of, PythonPlugins},
};

/// How many actions are at work at once: each has an interpreter of its own, since it waits for its
/// host.
const AT_ONCE_MAX: usize = 16;

/// An action plugin.
pub struct PythonAction {
    name: String,
    path: PathBuf,
    /// The name that it is imported by, if it is of a collection.
    module: Option<String>,
    bypasses_host_loop: bool,
    interpreters: Arc<Interpreters>,
}

impl fmt::Debug for PythonAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action {} of {}", self.name, self.path.display())
    }
}

impl PythonPlugins {
    /// The action plugin of a name: with its collection, or beside playbooks, in roles and in the
    /// folders of the settings.
    pub fn action(&self, name: &str) -> Option<PythonAction> {
        let (file, module) = self.file("action", name)?;
        Some(PythonAction {
            name: name.to_owned(),
            path: file.path.clone(),
            module,
            bypasses_host_loop: bypasses_host_loop(&file),
            interpreters: Arc::clone(&self.actions),
        })
    }
}

/// Whether the class says that it runs once for all hosts.
fn bypasses_host_loop(file: &PluginFile) -> bool {
    let Ok(text) = std::fs::read_to_string(&file.path) else { return false };
    text.lines().any(|line| {
        let said = line.split_once('=');
        said.is_some_and(|(name, value)| {
            name.trim() == "BYPASS_HOST_LOOP" && value.trim() == "True"
        })
    })
}

/// Writes a value down for the interpreter.
pub type WriteValue<'a> = dyn Fn(&Value) -> Json + 'a;

impl PythonAction {
    /// Whether it runs once for all hosts.
    pub fn bypasses_host_loop(&self) -> bool {
        self.bypasses_host_loop
    }

    /// The file that it is in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it and waits for it; `say` makes what it is told out of what writes values. What it
    /// asks of the host, `answers` has.
    ///
    /// # Errors
    /// In words: there is no interpreter, it ended or took too long, or the plugin cannot be loaded.
    pub fn run(
        &self,
        say: &dyn Fn(&WriteValue<'_>) -> Map<String, Json>,
        scope: &Scope,
        answers: &dyn Answers,
    ) -> Result<Map<String, Json>, String> {
        let taken = self.interpreters.take();
        let python = &taken.python;
        let objects = &python.objects;
        let mut request = say(&|value| objects.json(value));
        request.insert("do".into(), "actions.run".into());
        request.insert("name".into(), self.name.clone().into());
        request.insert("path".into(), self.path.display().to_string().into());
        request.insert("module".into(), self.module.clone().into());
        let of = Of { what: "action plugin", name: &self.name, file: &self.path };
        let both = Both { own: answers, others: InTemplate { scope, objects } };
        match python.call(&Json::Object(request).to_string(), &of, &both) {
            Ok(made) => match objects.decode(&made).to_json() {
                Ok(Json::Object(result)) => Ok(result),
                Ok(_) => Err(format!("{of} gave no dictionary")),
                Err(error) => Err(format!("{of} gave what is no data: {}", error.message())),
            },
            Err(CallError::Raised(raised)) if raised.is("AnsibleError") => Err(raised.message),
            Err(error @ CallError::Raised(_)) => Err(format!("{error} ({of})")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Interpreters of actions, started as they are needed and used again.
pub struct Interpreters {
    like: Arc<Python>,
    state: Mutex<Idle>,
    freed: Condvar,
}

#[derive(Default)]
struct Idle {
    idle: Vec<Arc<Python>>,
    count: usize,
}

/// An interpreter that is nobody else's until this is dropped.
struct Taken<'a> {
    from: &'a Interpreters,
    python: Arc<Python>,
}

impl Interpreters {
    /// Interpreters like another one; none is there yet.
    pub fn new(like: Arc<Python>) -> Self {
        Self { like, state: Mutex::default(), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Taken<'_> {
        let mut state = self.lock();
        loop {
            if let Some(python) = state.idle.pop() {
                return Taken { from: self, python };
            }
            if state.count < AT_ONCE_MAX {
                state.count += 1;
                return Taken { from: self, python: Arc::new(self.like.another()) };
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.from.lock().idle.push(Arc::clone(&self.python));
        self.from.freed.notify_one();
    }
}
