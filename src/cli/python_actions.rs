//! Action plugins in Python: what they are told of their task.

use std::sync::Arc;

use plugins::{Answers, PythonAction};
use protocol::{Json, JsonMap};
use run::action_plugin::{ActionCall, ActionPlugin};
use serde_json::json;

use crate::callbacks::told;

/// Columns that what plugins display is made for.
const COLUMNS: usize = 79;

/// An action plugin, as a run knows it.
#[derive(Debug)]
pub struct Action(pub PythonAction);

impl ActionPlugin for Action {
    fn bypasses_host_loop(&self) -> bool {
        self.0.bypasses_host_loop()
    }

    fn run(
        &self,
        call: &ActionCall,
        ask: &dyn Fn(&str, &Json) -> Option<Json>,
    ) -> Result<JsonMap, String> {
        let surroundings = call.scope.surroundings();
        let search: Vec<String> =
            surroundings.search_folders.iter().map(|path| path.display().to_string()).collect();
        let check = call.state.get("check").and_then(Json::as_bool);
        let say = |encode: &plugins::WriteValue<'_>| {
            let args = call.args.iter().map(|(name, value)| (name.clone(), encode(value)));
            let mut said = JsonMap::new();
            said.insert("task".into(), told::task(&call.task, &call.task_name, check, encode));
            said.insert("args".into(), Json::Object(args.collect()));
            said.insert("state".into(), Json::Object(call.state.clone()));
            said.insert("host".into(), call.host.as_str().into());
            said.insert("search".into(), search.clone().into());
            said.insert("options".into(), options(&call.state));
            said.insert("colour".into(), false.into());
            said.insert("columns".into(), COLUMNS.into());
            let verbosity = call.state.get("verbosity").cloned().unwrap_or_default();
            said.insert("verbosity".into(), verbosity);
            said
        };
        self.0.run(&say, &call.scope, &Asked(ask))
    }
}

/// What `ansible.context.CLIARGS` has.
fn options(state: &JsonMap) -> Json {
    let of = |name: &str| state.get(name).cloned().unwrap_or_default();
    json!({
        "check": of("check"), "diff": of("diff"), "verbosity": of("verbosity"),
        "become": of("become"), "become_user": of("become_user"),
        "become_method": of("become_method"), "remote_user": of("remote_user"),
        "connection": of("connection"), "tags": ["all"], "skip_tags": [], "args": [],
        "start_at_task": null, "step": false, "force_handlers": false,
    })
}

/// Passes on what is asked of the host.
struct Asked<'a>(&'a dyn Fn(&str, &Json) -> Option<Json>);

impl Answers for Asked<'_> {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        (self.0)(what, said)
    }
}

/// An action of a name, if there is one.
pub fn find(plugins: &plugins::PythonPlugins, name: &str) -> Option<Arc<dyn ActionPlugin>> {
    plugins.action(name).map(|action| Arc::new(Action(action)) as Arc<dyn ActionPlugin>)
}
