//! Modules whose work, or whose first half, is the controller's. One file each.

pub mod add_host;
pub mod assert;
pub mod async_status;
pub(crate) mod brought;
pub mod custom_module;
pub mod debug;
pub mod fail;
pub mod files;
pub mod group_by;
pub mod include_vars;
mod output_encoding;
pub mod pause;
pub mod raw;
pub mod reboot;
pub mod set_fact;
pub mod set_stats;
pub mod setup;
mod shutdown;
pub mod specs;
mod synchronize;
pub mod transfer;
mod tree;
pub mod validate_argument_spec;
pub mod wait_for_connection;

use std::sync::Arc;

use indexmap::IndexMap;
use inventory::HostName;
use plan::Task;
use protocol::{
    Json, JsonMap,
    request::{GuardStep, Guarded, InlineFile},
    spec::Runs,
};
use template::{Scope, Value};
use transport::Files;

use crate::{
    TaskResult,
    execute::{Executor, Settings},
    guard,
};

/// What an action may use.
pub(crate) struct ActionContext<'a> {
    pub executor: &'a Executor,
    pub task: &'a Arc<Task>,
    pub host: &'a HostName,
    pub scope: &'a Scope,
    pub settings: &'a Settings,
}

/// Actions whose arguments are no fixed set, or need more than their rendered values.
const UNCHECKED: &[&str] = &[
    "add_host",
    "assert",
    "debug",
    "include_vars",
    "meta",
    "set_fact",
    "set_stats",
    "validate_argument_spec",
];

/// Modules of which the controller does a part before the host does the rest.
const CONTROLLER_HALVES: &[&str] = &[
    "assemble",
    "async_status",
    "copy",
    "fetch",
    "gather_facts",
    "raw",
    "script",
    "setup",
    "template",
    "unarchive",
    "uri",
];

fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or("")
}

/// Whether an action takes its arguments as they are.
pub(crate) fn is_unchecked(name: &str) -> bool {
    UNCHECKED.contains(&short(name))
}

/// Whether an action has a controller's half.
pub(crate) fn has_controller_half(name: &str) -> bool {
    CONTROLLER_HALVES.contains(&short(name)) || [synchronize::NAME, transfer::PATCH].contains(&name)
}

/// Whether an action is one request to a host and nothing else: it neither looks at what other
/// requests have done nor does anything on the controller that they would see.
pub(crate) fn is_one_request(name: &str, runs: Runs) -> bool {
    /// Account changes end the remotes of their users.
    const MORE: &[&str] = &["async_status", "fetch", "gather_facts", "raw", "setup", "user"];
    runs != Runs::Controller
        && !is_unchecked(name)
        && !MORE.contains(&short(name))
        && name != synchronize::NAME
}

/// Whether null means something else to a module than leaving the argument out.
pub(crate) fn keeps_null(name: &str) -> bool {
    short(name) == "set_fact"
}

/// Arguments that an action must see as they were written.
pub(crate) fn is_rendered_by_action(name: &str, argument: &str) -> bool {
    matches!((short(name), argument), ("assert", "that") | ("debug", "var"))
}

/// Writes a `content` of `copy` that is data as JSON, before it is held to be a text.
pub(crate) fn write_content(module: &str, given: &mut JsonMap) {
    if module == transfer::COPY
        && let Some(content @ (Json::Array(_) | Json::Object(_))) = given.get_mut("content")
    {
        *content = Json::String(protocol::coerce::python_json(content));
    }
}

/// Has `package` take what `ansible_package_use` names, where the task names nothing.
///
/// # Errors
/// Why the variable cannot be rendered.
pub(crate) fn choose_installer(
    module: &str,
    scope: &Scope,
    given: &mut JsonMap,
) -> Result<(), String> {
    if module != "ansible.builtin.package"
        || given.get("use").is_some_and(|wanted| wanted.as_str() != Some("auto"))
    {
        return Ok(());
    }
    if let Some(named) = scope.get("ansible_package_use") {
        let named = named.forced().map_err(|error| error.to_string())?;
        given.insert("use".into(), named.to_string().into());
    }
    Ok(())
}

/// What the actions that carry files say where paths are missing.
pub(crate) fn missing_paths(name: &str, given: &JsonMap) -> Option<&'static str> {
    let lacks = |argument: &str| {
        given.get(argument).is_none_or(|value| value.is_null() || value.as_str() == Some(""))
    };
    match short(name) {
        "copy" if lacks("src") && lacks("content") => Some("src (or content) is required"),
        "copy" if lacks("dest") => Some("dest is required"),
        "fetch" | "template" if lacks("src") || lacks("dest") => Some("src and dest are required"),
        _ => None,
    }
}

/// Runs an action whose arguments are not checked against a spec.
pub(crate) async fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    match short(&context.task.action.name) {
        "add_host" => add_host::run(context, args),
        "assert" => assert::run(context, args),
        "debug" => debug::run(context, args),
        "include_vars" => include_vars::run(context, args),
        "set_fact" => set_fact::run(context, args),
        "set_stats" => set_stats::run(context, &args),
        "validate_argument_spec" => validate_argument_spec::run(context, args),
        name => TaskResult::failure(format!("the action {name} is not there yet")),
    }
}

/// Runs an action whose arguments have been checked.
pub(crate) async fn run_checked(context: &ActionContext<'_>, args: JsonMap) -> TaskResult {
    if *context.task.action.name == *synchronize::NAME {
        return synchronize::run(context, args).await;
    }
    if *context.task.action.name == *transfer::PATCH {
        return transfer::run(context, args).await;
    }
    if *context.task.action.name == *shutdown::NAME {
        return shutdown::run(context, &args).await;
    }
    match short(&context.task.action.name) {
        "assemble" | "copy" | "template" | "unarchive" | "script" | "fetch" | "uri" => {
            transfer::run(context, args).await
        }
        "async_status" => async_status::run(context, args).await,
        "fail" => fail::run(&args),
        "group_by" => group_by::run(context, &args),
        "pause" => pause::run(context, &args).await,
        "raw" => raw::run(context, &args).await,
        "reboot" => reboot::run(context, &args).await,
        "wait_for_connection" => wait_for_connection::run(context, &args).await,
        "setup" | "gather_facts" => setup::run(context, args).await,
        name => TaskResult::failure(format!("the action {name} is not there yet")),
    }
}

impl ActionContext<'_> {
    /// How the task reaches its host.
    pub fn way(&self) -> Result<crate::connect::Way, Box<TaskResult>> {
        self.executor.way(self.task, self.host, self.scope, self.settings)
    }

    /// How the task's host itself is reached, whomever the work is delegated to.
    pub fn own_way(&self) -> Result<crate::connect::Way, Box<TaskResult>> {
        let settings = Settings { delegate_to: None, ..self.settings.clone() };
        self.executor.way(self.task, self.host, self.scope, &settings)
    }

    /// What a result says of how its module was called: all arguments, those that were left out as
    /// null, without what must not be seen.
    fn invocation(&self, module: &str, args: &JsonMap) -> Json {
        let mut shown = args.clone();
        if let Some(spec) = self.executor.specs.spec(module) {
            hide(&spec.arguments, &mut shown);
            // What a file holds may be a secret, though its difference is shown where that is wanted.
            if let Some(content) = shown.get_mut("content").filter(|_| module == transfer::COPY) {
                *content = Json::String(HIDDEN.into());
            }
            for argument in &spec.arguments.arguments {
                shown.entry(argument.name.clone()).or_insert(Json::Null);
            }
        }
        if let Some(uses_shell) = match module {
            "ansible.builtin.command" => Some(false),
            "ansible.builtin.shell" => Some(true),
            _ => None,
        } {
            // Both are one module, which is told the command as free text.
            shown.remove("cmd");
            for (name, default) in
                [("_uses_shell", Json::Bool(uses_shell)), ("expand_argument_vars", true.into())]
            {
                let value = shown.entry(name).or_insert(Json::Null);
                if value.is_null() {
                    *value = default;
                }
            }
        }
        shown.retain(|name, _| {
            !name.starts_with('_') || matches!(name.as_str(), "_raw_params" | "_uses_shell")
        });
        serde_json::json!({ "module_args": shown })
    }

    /// The arguments of another module, checked and with its defaults.
    pub fn completed(&self, module: &str, args: JsonMap) -> Result<JsonMap, String> {
        let Some(spec) = self.executor.specs.spec(module) else {
            return Err(format!("there is no module {module}"));
        };
        protocol::arguments::check(&spec.arguments, module, &args).map_err(|errors| {
            errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(". ")
        })
    }

    /// Has the host's remote run the task's module.
    pub async fn remote(
        &self,
        args: JsonMap,
        files: &dyn Files,
        inline: Vec<InlineFile>,
    ) -> TaskResult {
        self.call(&self.task.action.name, args, files, inline, None).await
    }

    /// Has the host's remote run a module.
    pub async fn call(
        &self,
        module: &str,
        args: JsonMap,
        files: &dyn Files,
        inline: Vec<InlineFile>,
        sink: Option<transport::Sink>,
    ) -> TaskResult {
        let executor = self.executor;
        let way = match executor.way(self.task, self.host, self.scope, self.settings) {
            Ok(way) => way,
            Err(failure) => return *failure,
        };
        let mut args = args;
        if module == "ansible.builtin.pip" {
            match custom_module::named_python(self) {
                Ok(Some(python)) => {
                    args.insert("_interpreter".into(), python.into());
                }
                Ok(None) => {}
                Err(why) => return TaskResult::failure(why),
            }
        }
        let account = (module == "ansible.builtin.user" && !self.settings.check)
            .then(|| args.get("name").and_then(Json::as_str).map(str::to_owned))
            .flatten();
        let goes = args.get("state").and_then(Json::as_str) == Some("absent");
        if let Some(user) = account.as_deref().filter(|_| goes) {
            executor.reach.leave(&way, user).await;
        }
        let invocation = self.invocation(module, &args);
        let mut args = args;
        if module == "ansible.builtin.shell" && way.executable != "/bin/sh" {
            // `executable` of the settings, or `ansible_shell_executable`.
            let shell = args.entry("executable").or_insert(Json::Null);
            if shell.is_null() {
                *shell = way.executable.clone().into();
            }
        }
        let mut request = Executor::request(module, args, self.settings);
        request.files = inline;
        request.guard = match guard::order(self.scope, &way, &request) {
            Ok(order) => order.map(Box::new),
            Err(why) => return TaskResult::failure(why),
        };
        let order = request.guard.clone().filter(|order| order.step != GuardStep::Write);
        let ahead = executor.ahead.as_ref();
        if let (Some(_), Some(ahead)) = (&order, ahead)
            && ahead.tripwire.is_some()
        {
            // What may be undone is done in its turn, and nothing is sent behind it.
            ahead.give_up();
            return TaskResult::default();
        }
        if let Some(ahead) = ahead {
            request.chain = Some(ahead.chain);
            // On the controller's own machine a lookup may see what the task before has done.
            let may_see = ahead.tripwire.is_some() && way.remote().is_local;
            if ahead.is_void() || may_see {
                ahead.give_up();
                return TaskResult::default();
            }
        }
        let place = self.settings.place.as_ref().or_else(|| ahead.map(|ahead| &ahead.place));
        let sent = match place {
            None => None,
            Some(place) => {
                let remote = way.remote();
                if !place.turn(&remote).await {
                    ahead.inspect(|ahead| ahead.give_up());
                    return TaskResult::default();
                }
                let place = Arc::clone(place);
                let sent: transport::remote::Sent = Box::new(move || place.sent(remote));
                Some(sent)
            }
        };
        if let (Some(_), Some(ahead)) = (&order, ahead) {
            ahead.place.break_line();
        }
        match executor.reach.call(&way, request, files, sink, sent).await {
            Err(crate::reach::ReachError::Call(transport::CallError::NotRun)) => {
                ahead.inspect(|ahead| ahead.give_up());
                TaskResult::default()
            }
            Ok(mut response) => {
                let guarded = response.guarded.take();
                // Groups are given to a process when it begins.
                if let Some(user) = account.filter(|_| response.changed && !goes) {
                    executor.reach.leave(&way, &user).await;
                }
                if module == "ansible.builtin.setup" {
                    response.prefix_facts();
                }
                if response.is_lossy && executor.context.settings.strict_utf8 {
                    response.failed = true;
                    response.changed = false;
                    response.msg = Some(format!(
                        "MODULE FAILURE: Module \"{module}\" returned non UTF-8 data in the JSON response.\nSee stdout/stderr for the exact error"
                    ));
                }
                let mut result = TaskResult::from_response(response);
                result.lists_diffs = LISTING_DIFFS.contains(&module);
                result.until_run = result.skipped && self.settings.check;
                result.fields.entry("invocation").or_insert(invocation);
                match (&order, &guarded) {
                    (Some(order), Some(guarded)) => {
                        guard::confirm(&*executor.reach, &way, order, guarded, result).await
                    }
                    _ => result,
                }
            }
            // The answer itself was cut off: the host undoes the change, or is told to keep it.
            Err(error @ crate::reach::ReachError::Call(transport::CallError::Lost { .. }))
                if order.is_some() =>
            {
                let mut result = unanswered(&error, &executor.context.settings);
                if let Some(order) = order {
                    result.unreachable = false;
                    result =
                        guard::confirm(&*executor.reach, &way, &order, &Guarded::default(), result)
                            .await;
                    if !result.failed {
                        result.failed = true;
                        result.hint = None;
                    }
                }
                result
            }
            Err(error) => unanswered(&error, &executor.context.settings),
        }
    }
}

/// Puts a mark in place of what must not be seen.
fn hide(spec: &protocol::spec::ArgumentSpec, shown: &mut JsonMap) {
    for argument in &spec.arguments {
        let Some(value) = shown.get_mut(&argument.name).filter(|value| !value.is_null()) else {
            continue;
        };
        if argument.no_log {
            *value = HIDDEN.into();
        } else if let Some(options) = &argument.options {
            match value {
                Json::Object(inner) => hide(options, inner),
                Json::Array(items) => {
                    for inner in items.iter_mut().filter_map(Json::as_object_mut) {
                        hide(options, inner);
                    }
                }
                _ => {}
            }
        }
    }
}

/// What stands for what must not be seen.
const HIDDEN: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

/// Modules of which playbooks find differences in a list, also where there is but one.
const LISTING_DIFFS: [&str; 3] =
    ["ansible.builtin.blockinfile", "ansible.builtin.copy", "ansible.builtin.lineinfile"];

/// What it means that a host did not answer.
pub(crate) fn unanswered(
    error: &crate::reach::ReachError,
    settings: &crate::RunSettings,
) -> TaskResult {
    let mut why = error.chain();
    if error.is_unreachable() && error.is_of_ssh() && settings.points_as_ansible {
        // What people look for in logs.
        why = format!("Failed to connect to the host via ssh: {why}");
        // There is no line of its own for it.
        if let Some(hint) = error.hint() {
            why.push_str(&format!("; {hint}"));
        }
    }
    let mut result = TaskResult::failure(why);
    if error.is_unreachable() {
        result.failed = false;
        result.unreachable = true;
    }
    result.hint = error.hint();
    result
}
