//! Connection plugins: which of them there are, and their calls.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json, json};
use template::Scope;

use crate::{
    answers::{Both, InTemplate},
    interpreter::{Answers, CallError, Python},
    jinja::{Of, PythonPlugins},
};

/// How many interpreters connections have: each runs one command at a time, and the connections of
/// one host always meet the same.
const INTERPRETERS_MAX: usize = 16;

/// How long a command may be silent where its task says nothing: a week, in seconds.
const SILENT_SECS_MAX: u64 = 7 * 24 * 3600;

/// A connection plugin.
#[derive(Clone)]
pub struct PythonConnections {
    name: String,
    path: PathBuf,
    /// The name that it is imported by, if it is of a collection.
    module: Option<String>,
    python: Arc<Python>,
    interpreters: Arc<ConnectionInterpreters>,
}

/// What a plugin failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionTrouble {
    pub message: String,
    /// Whether the host counts as unreachable.
    pub is_unreachable: bool,
}

/// What a command left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl PythonPlugins {
    /// The connection plugin of a name: with its collection, or beside playbooks, in roles and in
    /// the folders of the settings.
    pub fn connection(&self, name: &str) -> Option<PythonConnections> {
        let (file, module) = self.file("connection", name)?;
        Some(PythonConnections {
            name: name.to_owned(),
            path: file.path.clone(),
            module,
            python: Arc::clone(&self.python),
            interpreters: Arc::clone(&self.connections),
        })
    }

    /// Whether there is a file of a short name beside playbooks, in roles or in the folders of the
    /// settings: it goes before a connection of Trueup's own.
    pub fn has_connection_file(&self, name: &str) -> bool {
        !name.contains('.') && self.files("connection").iter().any(|file| file.stem() == name)
    }
}

impl PythonConnections {
    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that it is in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn of(&self) -> Of<'_> {
        Of { what: "connection plugin", name: &self.name, file: &self.path }
    }

    fn said(&self, verb: &str) -> Map<String, Json> {
        let mut said = Map::new();
        said.insert("do".into(), format!("connections.{verb}").into());
        said.insert("name".into(), self.name.clone().into());
        said.insert("path".into(), self.path.display().to_string().into());
        said.insert("module".into(), self.module.clone().into());
        said
    }

    /// The variables that its options are set by, as its documentation says.
    ///
    /// # Errors
    /// In words: there is no interpreter, or the documentation cannot be read.
    pub fn variables(&self, scope: &Scope) -> Result<Vec<String>, String> {
        let answers = InTemplate { scope, objects: &self.python.objects };
        let request = Json::Object(self.said("declare")).to_string();
        let names = self.python.call(&request, &self.of(), &answers);
        let names = names.map_err(|error| trouble(error, &self.of()).message)?;
        let names = names.as_array().into_iter().flatten().filter_map(Json::as_str);
        Ok(names.map(ToOwned::to_owned).collect())
    }

    /// Makes a connection: `vars` are the variables that it is set by, `state` is what is known of
    /// the way to the host.
    ///
    /// # Errors
    /// The plugin cannot be loaded, or refuses.
    pub fn open(
        &self,
        vars: &Json,
        state: &Json,
        scope: &Scope,
        answers: &dyn Answers,
    ) -> Result<OpenConnection, ConnectionTrouble> {
        let mut request = self.said("open");
        request.insert("vars".into(), vars.clone());
        request.insert("state".into(), state.clone());
        let request = Json::Object(request).to_string();
        let seat = self.interpreters.seat();
        let open = OpenConnection { plugin: self.clone(), request, seat, made: Mutex::default() };
        let made = open.make(scope, answers)?;
        *open.made() = made;
        Ok(open)
    }
}

/// A connection that a plugin has made.
pub struct OpenConnection {
    plugin: PythonConnections,
    /// What made it, and makes it anew where its interpreter had to be stopped.
    request: String,
    seat: Seat,
    made: Mutex<Made>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Made {
    id: u64,
    takes_input: bool,
}

impl OpenConnection {
    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether commands can be given input.
    pub fn takes_input(&self) -> bool {
        self.made().takes_input
    }

    fn make(&self, scope: &Scope, answers: &dyn Answers) -> Result<Made, ConnectionTrouble> {
        let python = &self.seat.python;
        let both = Both { own: answers, others: InTemplate { scope, objects: &python.objects } };
        let of = self.plugin.of();
        let made = python.call(&self.request, &of, &both).map_err(|error| trouble(error, &of))?;
        Ok(Made {
            id: made.get("id").and_then(Json::as_u64).unwrap_or_default(),
            takes_input: made.get("input").and_then(Json::as_bool).unwrap_or_default(),
        })
    }

    fn call(
        &self,
        verb: &str,
        mut said: Json,
        limit: Option<Duration>,
        (scope, answers): (&Scope, &dyn Answers),
    ) -> Result<Json, ConnectionTrouble> {
        let limit = limit.unwrap_or(Duration::from_secs(SILENT_SECS_MAX));
        let python = &self.seat.python;
        let of = self.plugin.of();
        let mut is_anew = false;
        loop {
            let id = self.made().id;
            if let Some(said) = said.as_object_mut() {
                said.insert("do".into(), format!("connections.{verb}").into());
                said.insert("id".into(), id.into());
            }
            let others = InTemplate { scope, objects: &python.objects };
            let both = Both { own: answers, others };
            match python.call_within(limit, &said.to_string(), &of, &both) {
                Ok(done) => return Ok(done),
                Err(CallError::Raised(raised)) if raised.is("NoSuchConnection") && !is_anew => {
                    is_anew = true;
                    let made = self.make(scope, answers)?;
                    *self.made() = made;
                }
                Err(error) => return Err(trouble(error, &of)),
            }
        }
    }

    /// Runs a command line.
    ///
    /// # Errors
    /// The host cannot be reached, the plugin fails, or it is silent for too long.
    pub fn execute(
        &self,
        command: &str,
        input: Option<&[u8]>,
        become_method: Option<&str>,
        limit: Option<Duration>,
        within: (&Scope, &dyn Answers),
    ) -> Result<Ran, ConnectionTrouble> {
        let said = json!({
            "cmd": command,
            "in_data": input.map(|input| STANDARD.encode(input)),
            "become_method": become_method,
        });
        let done = self.call("execute", said, limit, within)?;
        let output = |name: &str| {
            let written = done.get(name).and_then(Json::as_str).unwrap_or_default();
            STANDARD.decode(written).unwrap_or_default()
        };
        let rc = done.get("rc").and_then(Json::as_i64).unwrap_or(-1);
        Ok(Ran {
            rc: i32::try_from(rc).unwrap_or(-1),
            stdout: output("stdout"),
            stderr: output("stderr"),
        })
    }

    /// Brings a file of the controller to the host.
    ///
    /// # Errors
    /// As [`OpenConnection::execute`].
    pub fn put(
        &self,
        from: &Path,
        to: &str,
        within: (&Scope, &dyn Answers),
    ) -> Result<(), ConnectionTrouble> {
        let said = json!({ "from": from.display().to_string(), "to": to });
        self.call("put", said, None, within).map(|_| ())
    }

    /// Ends it.
    ///
    /// # Errors
    /// As [`OpenConnection::execute`].
    pub fn close(&self, within: (&Scope, &dyn Answers)) -> Result<(), ConnectionTrouble> {
        self.call("close", json!({}), None, within).map(|_| ())
    }
}

/// What went wrong, as Ansible tells it.
fn trouble(error: CallError, of: &Of<'_>) -> ConnectionTrouble {
    match error {
        CallError::Raised(raised) if raised.is("AnsibleError") => ConnectionTrouble {
            is_unreachable: raised.is("AnsibleConnectionFailure"),
            message: raised.message,
        },
        CallError::Raised(raised) => ConnectionTrouble {
            message: format!("Unexpected failure during module execution: {}", raised.message),
            is_unreachable: false,
        },
        error @ CallError::Gone(_) => {
            ConnectionTrouble { message: format!("{error} ({of})"), is_unreachable: true }
        }
    }
}

/// The interpreters of connections, started as they are needed.
pub struct ConnectionInterpreters {
    like: Arc<Python>,
    all: Mutex<Vec<(Arc<Python>, Arc<()>)>>,
}

/// A place at an interpreter.
struct Seat {
    python: Arc<Python>,
    /// Counts those who sit there.
    _taken: Arc<()>,
}

impl ConnectionInterpreters {
    /// Interpreters like another one; none is there yet.
    pub fn new(like: Arc<Python>) -> Self {
        Self { like, all: Mutex::default() }
    }

    /// A place where the fewest sit.
    fn seat(&self) -> Seat {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = all.iter().any(|(_, seats)| Arc::strong_count(seats) == 1);
        if !is_free && all.len() < INTERPRETERS_MAX {
            all.push((Arc::new(self.like.another()), Arc::default()));
        }
        let emptiest = all.iter().min_by_key(|(_, seats)| Arc::strong_count(seats));
        let (python, seats) = match emptiest {
            Some((python, seats)) => (Arc::clone(python), Arc::clone(seats)),
            None => (Arc::clone(&self.like), Arc::default()),
        };
        Seat { python, _taken: seats }
    }
}
