//! Connection plugins in Python: how runs find them, and what they display.

use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use plugins::{Answers, ConnectionTrouble, OpenConnection, PythonConnections, PythonPlugins};
use protocol::{Json, JsonMap};
use run::{
    action_plugin::displayed,
    connection_plugin::{ConnectionPlugin, ConnectionPlugins, Tell},
};
use serde_json::json;
use template::Scope;
use transport::{Carriage, Carrier, CarryError, Errand, RawOutput};

use crate::session::Session;

/// The connection plugins of users.
pub struct Plugins {
    plugins: Arc<PythonPlugins>,
    around: Arc<Around>,
    /// By name; what a plugin declares is asked for once.
    known: Mutex<HashMap<String, Arc<Plugin>>>,
}

/// What calls of connection plugins go on in.
struct Around {
    /// What templates in options see: no host's variables.
    scope: Scope,
    tell: OnceLock<Tell>,
}

/// Answers what plugins ask besides.
struct Heard<'a>(&'a Around);

impl Answers for Heard<'_> {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        if what != "display" {
            return None;
        }
        if let Some(event) = displayed(said) {
            match self.0.tell.get() {
                Some(tell) => tell(event),
                None => eprint!("{}", said.get("text").and_then(Json::as_str).unwrap_or_default()),
            }
        }
        Some(json!({}))
    }
}

/// The connection plugins of a session.
pub fn of(session: &Session) -> Arc<dyn ConnectionPlugins> {
    let scope = Scope::new(Arc::clone(&session.engine), Arc::clone(&session.surroundings));
    Arc::new(Plugins {
        plugins: Arc::clone(&session.plugins),
        around: Arc::new(Around { scope, tell: OnceLock::new() }),
        known: Mutex::default(),
    })
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection plugins")
    }
}

impl ConnectionPlugins for Plugins {
    fn goes_before_native(&self, name: &str) -> bool {
        self.plugins.has_connection_file(name)
    }

    fn find(&self, name: &str) -> Option<Arc<dyn ConnectionPlugin>> {
        let found = self.plugins.connection(name)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = known.get(name).filter(|plugin| plugin.found.path() == found.path());
        if let Some(plugin) = fits {
            return Some(Arc::clone(plugin) as Arc<dyn ConnectionPlugin>);
        }
        let around = Arc::clone(&self.around);
        let plugin = Arc::new(Plugin { found, around, declared: OnceLock::new() });
        known.insert(name.to_owned(), Arc::clone(&plugin));
        Some(plugin)
    }

    fn listen(&self, tell: Tell) {
        // Who listens first goes on listening.
        let _ = self.around.tell.set(tell);
    }
}

struct Plugin {
    found: PythonConnections,
    around: Arc<Around>,
    declared: OnceLock<Result<Vec<String>, String>>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {} of {}", self.found.name(), self.found.path().display())
    }
}

impl ConnectionPlugin for Plugin {
    fn variables(&self) -> Result<Vec<String>, String> {
        self.declared.get_or_init(|| self.found.variables(&self.around.scope)).clone()
    }

    fn carriage(&self, variables: JsonMap, state: JsonMap) -> Arc<dyn Carriage> {
        let (variables, state) = (Json::Object(variables), Json::Object(state));
        let identity =
            json!([self.found.name(), self.found.path(), &variables, &state]).to_string();
        Arc::new(Way {
            found: self.found.clone(),
            around: Arc::clone(&self.around),
            variables,
            state,
            identity,
        })
    }
}

/// The way to one host by a plugin.
struct Way {
    found: PythonConnections,
    around: Arc<Around>,
    variables: Json,
    state: Json,
    identity: String,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it is told may be secret.
        write!(f, "the way of the connection plugin {}", self.found.name())
    }
}

impl Carriage for Way {
    fn name(&self) -> &str {
        self.found.name()
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn told(&self) -> Json {
        json!({
            "name": self.found.name(),
            "path": self.found.path(),
            "vars": self.variables,
            "state": self.state,
        })
    }

    fn open(&self) -> Result<Arc<dyn Carrier>, CarryError> {
        let (scope, heard) = (&self.around.scope, Heard(&self.around));
        let open = self.found.open(&self.variables, &self.state, scope, &heard).map_err(carried)?;
        Ok(Arc::new(Open { open, around: Arc::clone(&self.around) }))
    }
}

/// A connection that a plugin has made.
struct Open {
    open: OpenConnection,
    around: Arc<Around>,
}

impl Carrier for Open {
    fn takes_input(&self) -> bool {
        self.open.takes_input()
    }

    fn execute(&self, errand: &Errand<'_>) -> Result<RawOutput, CarryError> {
        let heard = Heard(&self.around);
        let Errand { command, input, become_method, limit } = *errand;
        let within: (&Scope, &dyn Answers) = (&self.around.scope, &heard);
        let ran = self.open.execute(command, input, become_method, limit, within);
        let ran = ran.map_err(carried)?;
        Ok(RawOutput { rc: ran.rc, stdout: ran.stdout, stderr: ran.stderr })
    }

    fn put(&self, from: &Path, to: &str) -> Result<(), CarryError> {
        let heard = Heard(&self.around);
        self.open.put(from, to, (&self.around.scope, &heard)).map_err(carried)
    }

    fn close(&self) {
        let heard = Heard(&self.around);
        if let Err(trouble) = self.open.close((&self.around.scope, &heard)) {
            tracing::debug!(%trouble.message, "a connection plugin did not close");
        }
    }
}

fn carried(trouble: ConnectionTrouble) -> CarryError {
    CarryError { message: trouble.message, is_unreachable: trouble.is_unreachable }
}
