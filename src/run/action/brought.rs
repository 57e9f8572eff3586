//! Actions that users have written: they run on a thread of their own, and what they ask of the
//! host is done here.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use plan::Task;
use protocol::{Diff, Json, JsonMap, spec::Runs};
use serde_json::json;
use template::{Tree, Value};
use tokio::sync::{mpsc, oneshot};
use transport::{ConnectionKind, NoFiles};

use super::{ActionContext, async_status, custom_module, files::Offered, transfer};
use crate::{
    TaskResult,
    action_plugin::{ActionCall, ActionPlugin, displayed},
    execute::Settings,
};

/// Something that is asked for, and who waits for it.
struct Question {
    what: String,
    said: Json,
    reply: oneshot::Sender<Json>,
}

/// Runs an action and does what it asks for.
pub(crate) async fn run(
    context: &ActionContext<'_>,
    plugin: Arc<dyn ActionPlugin>,
    args: IndexMap<String, Value>,
) -> TaskResult {
    let state = match state(context) {
        Ok(state) => state,
        Err(failure) => return *failure,
    };
    let call = ActionCall {
        task: Arc::clone(context.task),
        task_name: context.executor.name_of(context.task, context.scope),
        host: context.host.clone(),
        scope: context.scope.clone(),
        args,
        state,
    };
    let (asks, mut asked) = mpsc::unbounded_channel::<Question>();
    let work = tokio::task::spawn_blocking(move || {
        let ask = |what: &str, said: &Json| {
            if !KNOWN.contains(&what) {
                return None;
            }
            let (reply, answer) = oneshot::channel();
            let question = Question { what: what.to_owned(), said: said.clone(), reply };
            asks.send(question).ok()?;
            answer.blocking_recv().ok()
        };
        plugin.run(&call, &ask)
    });
    while let Some(Question { what, said, reply }) = asked.recv().await {
        let answer = answer(context, &what, &said).await;
        // Whoever asked may be gone.
        let _ = reply.send(answer);
    }
    match work.await {
        Ok(Ok(fields)) => outcome(fields),
        Ok(Err(why)) => TaskResult::failure(why),
        Err(error) => TaskResult::failure(format!("a bug of Trueup: {error}")),
    }
}

/// What can be asked for.
const KNOWN: &[&str] = &["module", "action", "command", "put", "fetch", "display"];

/// The task's settings and how its host is reached.
fn state(context: &ActionContext<'_>) -> Result<JsonMap, Box<TaskResult>> {
    let way = context.way()?;
    let (settings, run) = (context.settings, &context.executor.context.settings);
    let become_ = way.become_.as_ref();
    let state = json!({
        "check": settings.check,
        "diff": settings.diff,
        "no_log": settings.no_log,
        "verbosity": run.verbosity,
        "environment": settings.environment,
        "delegate_to": settings.delegate_to,
        "async_val": settings.job.as_ref().map_or(0, |job| job.order.limit_secs),
        "poll": settings.job.as_ref().map_or(run.poll_interval_secs, |job| job.poll_secs),
        "connection": match way.target.connection {
            ConnectionKind::Local => "local",
            ConnectionKind::Ssh => "ssh",
            ConnectionKind::Entrance => way.target.entrance.first().map_or("", String::as_str),
            ConnectionKind::Plugin => {
                way.target.carriage.as_ref().map_or("", |carriage| carriage.name())
            }
        },
        "plugin": way.target.carriage.as_ref().map(|carriage| carriage.told()),
        "address": way.target.address,
        "port": way.target.port,
        "remote_user": way.target.user,
        "timeout": run.connection.timeout_secs,
        "executable": way.executable,
        "become": become_.is_some(),
        "become_user": become_.map(|become_| become_.user.clone()),
        "become_method": become_.map_or(run.connection.become_method.as_str(), |become_| {
            become_.method.name()
        }),
    });
    match state {
        Json::Object(state) => Ok(state),
        _ => Ok(JsonMap::new()),
    }
}

fn text<'j>(said: &'j Json, key: &str) -> Option<&'j str> {
    said.get(key).and_then(Json::as_str)
}

fn flag(said: &Json, key: &str) -> bool {
    said.get(key).and_then(Json::as_bool).unwrap_or(false)
}

async fn answer(context: &ActionContext<'_>, what: &str, said: &Json) -> Json {
    match what {
        "module" => results(module(context, said).await),
        "action" => results(Ok(action(context, said).await)),
        "command" => command(context, said).await,
        "put" => done(put(context, said).await),
        "fetch" => fetch(context, said).await,
        _ => {
            display(context, said);
            json!({})
        }
    }
}

/// A result as the action sees it.
fn results(result: Result<TaskResult, String>) -> Json {
    let mut result = match result {
        Ok(result) => result,
        Err(why) => return json!({ "wrong": why }),
    };
    result.settle();
    let mut fields = result.fields;
    if !result.failed {
        fields.remove("failed");
    }
    fields.insert("_ansible_parsed".into(), true.into());
    json!({ "value": Json::Object(fields) })
}

/// Whether something was done; nothing where it was.
fn done(result: TaskResult) -> Json {
    match result.failed || result.unreachable {
        false => json!({ "value": null }),
        true => wrong(&result),
    }
}

fn wrong(result: &TaskResult) -> Json {
    let kind = if result.unreachable { "unreachable" } else { "" };
    json!({ "wrong": result.msg().unwrap_or("it failed"), "kind": kind })
}

/// A task's settings for what is done beside its module: at once, in check runs too.
fn aside(settings: &Settings) -> Settings {
    Settings {
        check: false,
        diff: false,
        job: None,
        environment: Default::default(),
        ..settings.clone()
    }
}

/// Runs a module, of whatever kind.
async fn module(context: &ActionContext<'_>, said: &Json) -> Result<TaskResult, String> {
    let specs = &context.executor.specs;
    let written = text(said, "name").unwrap_or_default();
    let given = said.get("args").and_then(Json::as_object).cloned().unwrap_or_default();
    // The task's own name may need the collections that its play searches.
    let asked = match written == context.task.action.written {
        true => context.task.action.name.as_ref(),
        false => written,
    };
    let name = specs
        .module(asked)
        .ok_or_else(|| format!("The module {written} was not found in configured module paths"))?;
    let mut settings = context.settings.clone();
    settings.check = flag(said, "check");
    if !flag(said, "wrap_async") {
        settings.job = None;
    }
    let context = ActionContext { settings: &settings, ..*context };
    if let Some(module) = specs.custom(&name) {
        return Ok(custom_module::run(&context, &module, &given).await);
    }
    let Some(spec) = specs.spec(&name) else {
        return Err(format!("The module {written} was not found in configured module paths"));
    };
    if spec.runs == Runs::Controller {
        return Err(format!("{written} works in the controller, and is no module of hosts"));
    }
    let mut given: JsonMap = given.into_iter().filter(|(_, value)| !value.is_null()).collect();
    if name == transfer::COPY && given.contains_key("src") {
        // What the module is given lies on the host already.
        given.entry("remote_src").or_insert(Json::Bool(true));
        given.remove("_original_basename");
        given.remove("follow");
    }
    super::write_content(&name, &mut given);
    let checked = match protocol::arguments::check(&spec.arguments, written, &given) {
        Ok(checked) => checked,
        Err(errors) => {
            let all: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            return Ok(TaskResult::failure(all.join(". ")));
        }
    };
    if name == "ansible.builtin.async_status" {
        return Ok(async_status::run(&context, checked).await);
    }
    Ok(context.call(&name, checked, &NoFiles, Vec::new(), None).await)
}

/// Runs an action of our own, with arguments that were made in place of the task's.
async fn action(context: &ActionContext<'_>, said: &Json) -> TaskResult {
    let short = text(said, "name").unwrap_or_default();
    let mut task = Task::clone(context.task);
    task.action.name = format!("ansible.builtin.{short}").into();
    task.action.written = short.to_owned();
    task.action.whole = None;
    task.action.free_form = None;
    task.action.args.clear();
    let given = said.get("args").and_then(Json::as_object);
    for (name, value) in given.into_iter().flatten() {
        let tree = Tree::Value(Value::from_json(value));
        if name == "_raw_params" {
            task.action.free_form = Some(tree);
        } else if name != "_uses_shell" {
            task.action.args.insert(name.as_str().into(), tree);
        }
    }
    let mut settings = context.settings.clone();
    settings.check = flag(said, "check");
    settings.job = None;
    let task = Arc::new(task);
    let attempt = context.executor.attempt(&task, context.host, context.scope, &settings);
    Box::pin(attempt).await
}

/// Runs a command line.
async fn command(context: &ActionContext<'_>, said: &Json) -> Json {
    let mut given = JsonMap::new();
    given.insert("_raw_params".into(), text(said, "cmd").unwrap_or_default().into());
    given.insert("strip_empty_ends".into(), false.into());
    for (from, to) in [("executable", "executable"), ("chdir", "chdir"), ("in_data", "stdin")] {
        if let Some(text) = text(said, from) {
            given.insert(to.into(), text.into());
        }
    }
    given.insert("stdin_add_newline".into(), false.into());
    let name = "ansible.builtin.shell";
    let settings = aside(context.settings);
    let context = ActionContext { settings: &settings, ..*context };
    let result = match context.completed(name, given) {
        Ok(args) => context.call(name, args, &NoFiles, Vec::new(), None).await,
        Err(why) => TaskResult::failure(why),
    };
    let Some(rc) = result.fields.get("rc").filter(|_| !result.unreachable) else {
        return wrong(&result);
    };
    let text = |name: &str| result.fields.get(name).and_then(Json::as_str).unwrap_or_default();
    json!({ "value": { "rc": rc, "stdout": text("stdout"), "stderr": text("stderr") } })
}

/// Puts a file of the controller, or content, on the host.
async fn put(context: &ActionContext<'_>, said: &Json) -> TaskResult {
    let settings = aside(context.settings);
    let context = ActionContext { settings: &settings, ..*context };
    let dest = text(said, "dest").unwrap_or_default();
    let offered = Offered::default();
    let carried = match (text(said, "path"), text(said, "content")) {
        (Some(path), _) => {
            transfer::carry_file(&context, &offered, std::path::Path::new(path), false)
        }
        (None, Some(content)) => match STANDARD.decode(content) {
            Ok(bytes) => Ok(transfer::carry_bytes(&offered, bytes, "content", None, "content")),
            Err(error) => Err(error.to_string()),
        },
        (None, None) => Err("nothing is said to be put there".into()),
    };
    let carried = match carried {
        Ok(carried) => carried,
        Err(why) => return TaskResult::failure(why),
    };
    let mut given = JsonMap::new();
    given.insert("src".into(), dest.into());
    given.insert("dest".into(), dest.into());
    let mut args = match context.completed(transfer::COPY, given) {
        Ok(args) => args,
        Err(why) => return TaskResult::failure(why),
    };
    args.insert("_source".into(), carried.source);
    let inline = carried.inline.into_iter().collect();
    context.call(transfer::COPY, args, &offered, inline, None).await
}

/// Brings a file of the host, in base64.
async fn fetch(context: &ActionContext<'_>, said: &Json) -> Json {
    let settings = aside(context.settings);
    let context = ActionContext { settings: &settings, ..*context };
    let mut given = JsonMap::new();
    given.insert("src".into(), text(said, "path").unwrap_or_default().into());
    let name = "ansible.builtin.slurp";
    let result = match context.completed(name, given) {
        Ok(args) => context.call(name, args, &NoFiles, Vec::new(), None).await,
        Err(why) => TaskResult::failure(why),
    };
    match result.fields.get("content").filter(|_| !result.failed && !result.unreachable) {
        Some(content) => json!({ "value": content }),
        None => wrong(&result),
    }
}

/// Shows what the action displays.
fn display(context: &ActionContext<'_>, said: &Json) {
    if let Some(event) = displayed(said) {
        let _ = context.executor.events.send(event);
    }
}

/// What an action returned, as a result.
fn outcome(mut fields: JsonMap) -> TaskResult {
    let is = |fields: &JsonMap, name: &str| match fields.get(name) {
        Some(value) => protocol::coerce::truth(value).unwrap_or(!value.is_null()),
        None => false,
    };
    let mut result = TaskResult {
        changed: is(&fields, "changed"),
        failed: is(&fields, "failed"),
        skipped: is(&fields, "skipped"),
        unreachable: is(&fields, "unreachable"),
        no_log: is(&fields, "_ansible_no_log"),
        hides_itself: is(&fields, "_ansible_no_log"),
        verbose_always: is(&fields, "_ansible_verbose_always"),
        verbose_override: is(&fields, "_ansible_verbose_override"),
        ..TaskResult::default()
    };
    // What ran a program has failed where the program has.
    if !fields.contains_key("failed") {
        let rc = fields.get("rc").map(|rc| rc.to_string());
        result.failed = rc.is_some_and(|rc| !["0", "\"0\"", "null"].contains(&rc.as_str()));
    }
    if let Some(Json::Object(facts)) = fields.remove("ansible_facts") {
        result.facts = facts;
    }
    result.diff = match fields.get("diff") {
        Some(Json::Array(all)) => all.iter().filter_map(Diff::from_json).collect(),
        Some(one) => Diff::from_json(one).into_iter().collect(),
        None => Vec::new(),
    };
    result.lists_diffs = matches!(fields.get("diff"), Some(Json::Array(_)));
    if let Some(Json::Array(warnings)) = fields.get("warnings") {
        let texts = warnings.iter().filter_map(Json::as_str);
        result.warnings = texts.map(ToOwned::to_owned).collect();
    }
    fields.retain(|name, _| !name.starts_with("_ansible_"));
    result.fields = fields;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_actions_return_becomes_results() {
        for (returned, changed, failed, skipped, unreachable) in [
            (json!({}), false, false, false, false),
            (json!({"changed": true, "rc": 0}), true, false, false, false),
            (json!({"rc": 2}), false, true, false, false),
            (json!({"rc": 2, "failed": false}), false, false, false, false),
            (json!({"failed": "yes"}), false, true, false, false),
            (json!({"skipped": true, "msg": "not here"}), false, false, true, false),
            (json!({"unreachable": true}), false, false, false, true),
        ] {
            let Json::Object(fields) = returned.clone() else { panic!("{returned}") };
            let result = outcome(fields);
            let is = (result.changed, result.failed, result.skipped, result.unreachable);
            assert_eq!(is, (changed, failed, skipped, unreachable), "{returned}");
        }
    }

    #[test]
    fn facts_and_what_is_ansibles_own_are_taken_out() {
        let Json::Object(fields) = json!({
            "ansible_facts": {"a": 1}, "_ansible_parsed": true, "x": 2, "warnings": ["w"],
        }) else {
            panic!("no object")
        };
        let result = outcome(fields);
        assert_eq!(result.facts.get("a"), Some(&json!(1)));
        assert_eq!(result.warnings, ["w"]);
        assert!(result.fields.contains_key("x") && !result.fields.contains_key("_ansible_parsed"));
    }
}
