//! One task on one host: conditions, loop, arguments, retries, and what the result means.

use std::{sync::Arc, time::Duration};

use inventory::HostName;
use plan::Task;
use protocol::{
    Json, JsonMap, Request,
    spec::{FreeForm, ModuleSpec, Runs},
};
use template::{Scope, Value};
use transport::NoFiles;

use crate::{
    Event, EventSink, Reach, TaskResult,
    action::{self, ActionContext},
    action_plugin::ActionPlugin,
    connect::{self, Way},
    custom_module::CustomModule,
    outcome::RaisedIn,
    prompting::Prompts,
    scope::PlayContext,
};

pub(crate) mod ahead;
mod arguments;
mod delegation;
mod inclusion;
mod jobs;
mod judgement;
pub(crate) mod line;
mod loops;
mod settings;

use ahead::Ahead;
use loops::{ItemPlace, empty_loop};
pub(crate) use settings::Settings;

/// Looks up what a module takes.
pub trait Specs: Send + Sync {
    /// The spec of a module by its fully qualified name.
    fn spec(&self, name: &str) -> Option<Arc<ModuleSpec>>;

    /// The module of that name that a user has written.
    fn custom(&self, name: &str) -> Option<Arc<CustomModule>>;

    /// The action of that name that a user has written.
    fn action(&self, name: &str) -> Option<Arc<dyn ActionPlugin>>;

    /// The fully qualified name of the module that a name stands for, whatever actions there are.
    fn module(&self, name: &str) -> Option<String>;

    /// Whether a module belongs to a group of actions; `None` where there is no such group.
    fn is_in_group(&self, group: &str, module: &str) -> Option<bool>;

    /// The fully qualified name that a name stands for.
    fn canonical(&self, name: &str) -> Option<String>;
}

/// Runs tasks of one play on hosts.
#[derive(Clone)]
pub struct Executor {
    pub context: Arc<PlayContext>,
    pub reach: Arc<dyn Reach>,
    pub specs: Arc<dyn Specs>,
    pub events: EventSink,
    pub prompts: Arc<dyn Prompts>,
    /// How the one task that this executor is for stands to those before it on its host.
    pub(crate) ahead: Option<Arc<Ahead>>,
}

/// What is said of a condition with `{{ }}` in it.
pub(crate) fn delimiters_warning(condition: &str) -> String {
    format!(
        "conditional statements should not include jinja2 templating delimiters such as {{{{ }}}} \
         or {{% %}}. Found: {condition}"
    )
}

impl Executor {
    /// Works a task out before its turn has come; what comes back is as that of
    /// [`execute`](Self::execute). `None` where it was not run: it depends on the tasks before it,
    /// or one of them has failed.
    pub(crate) async fn execute_ahead(
        &self,
        ahead: Ahead,
        task: &Arc<Task>,
        host: &HostName,
    ) -> Option<TaskResult> {
        let ahead = Arc::new(ahead);
        let executor = Self { ahead: Some(Arc::clone(&ahead)), ..self.clone() };
        let result = executor.execute(task, host).await;
        if ahead.is_void() || result.failed {
            // Its remote may not know of the failure.
            ahead.place.break_line();
        }
        (!ahead.is_void()).then_some(result)
    }

    /// Runs a task behind which others are sent before it has ended.
    pub(crate) async fn execute_leading(
        &self,
        ahead: Ahead,
        task: &Arc<Task>,
        host: &HostName,
    ) -> TaskResult {
        let ahead = Arc::new(ahead);
        let executor = Self { ahead: Some(Arc::clone(&ahead)), ..self.clone() };
        let result = executor.execute(task, host).await;
        if result.failed {
            ahead.place.break_line();
        }
        result
    }

    /// Runs a task on a host, its loop included. What comes back is complete: it can be
    /// registered and shown.
    pub async fn execute(&self, task: &Arc<Task>, host: &HostName) -> TaskResult {
        let mut scope = self.context.scope(host, Some(task));
        let broken = self.context.broken_vars_file.get().cloned();
        if let Some(why) = broken.or_else(|| self.context.store.broken_vars(host)) {
            return settled(TaskResult::failure(why));
        }
        if let Some(wire) = self.ahead.as_ref().and_then(|ahead| ahead.tripwire.clone()) {
            scope = scope.push(wire);
        }
        let mut result = match self.loop_items(task, &scope) {
            Ok(None) => self.execute_once(task, host, &scope, None).await,
            Ok(Some(items)) if items.is_empty() => empty_loop(),
            Ok(Some(items)) => self.execute_loop(task, host, &scope, items).await,
            // A list that lacks a variable is no matter where the task is not for this host.
            Err(failure) => match self.skipped(task, &scope) {
                Ok(Some(condition)) if failure.is_undefined() || failure.until_run => {
                    settled(TaskResult::skip(Some(condition)))
                }
                _ => settled(*failure),
            },
        };
        if let Some(raised) = result.raised.as_ref()
            && self.context.settings.points_as_ansible
        {
            let message = raised.as_ansible(result.msg().unwrap_or_default(), &task.span);
            result.fields.insert("msg".into(), message.into());
        }
        result.no_log |= self.hides(task, &scope);
        let takes_dictionary = task.does(&["add_host"]);
        if task.action.whole.is_some() && !takes_dictionary && self.context.settings.inject_facts {
            result.warnings.push(
                "Using a variable for a task's 'args' is unsafe in some situations (see \
                 https://docs.ansible.com/ansible/devel/reference_appendices/faq.html#argsplat-unsafe)"
                    .into(),
            );
        }
        for condition in task.conditions() {
            if condition.expression.is_delimited() {
                result.warnings.push(delimiters_warning(condition.expression.text()));
            }
        }
        result
    }

    /// Runs a task for one item, or for none.
    async fn execute_once(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        item: Option<&ItemPlace<'_>>,
    ) -> TaskResult {
        let mut result = self.carry_out(task, host, scope, item).await;
        // What fails before anything is sent was meant for that host all the same.
        if result.failed && result.delegated_to.is_none() {
            result.delegated_to = self.delegate(task, scope).ok().flatten();
        }
        result
    }

    async fn carry_out(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        item: Option<&ItemPlace<'_>>,
    ) -> TaskResult {
        // Known before the conditions are looked at, as in Ansible.
        if let Some(failure) = self.delegated_to_nobody(task, scope) {
            return settled(failure);
        }
        // Conditions see how the host that works is reached.
        let delegate = self.delegate(task, scope);
        let known = delegate.as_ref().ok().and_then(Option::as_deref);
        let delegated = known.map(|name| self.with_delegated(task, scope, name));
        let scope = delegated.as_ref().unwrap_or(scope);
        match self.skipped(task, scope) {
            Ok(None) => {}
            Ok(Some(condition)) => {
                let mut result = TaskResult::skip(Some(condition));
                result.settle();
                return result;
            }
            Err(failure) => {
                let mut result = *failure;
                result.settle();
                return result;
            }
        }
        if task.action.deferred.is_some() {
            return match self.named(task, scope) {
                // Once around: the action that comes back has a name.
                Ok(task) => Box::pin(self.carry_out(&task, host, scope, item)).await,
                Err(failure) => settled(*failure),
            };
        }
        let settings = delegate.and_then(|delegate| self.settings(task, scope, delegate));
        let mut settings = match settings {
            Ok(settings) => settings,
            Err(failure) => return settled(*failure),
        };
        settings.place = item.and_then(|item| item.place.clone());
        let broken = |name| self.context.store.broken_vars(&HostName::from(name));
        if let Some(why) = settings.delegate_to.as_deref().and_then(broken) {
            return settled(TaskResult::failure(why));
        }
        if task.does(&["include_tasks", "include_role"]) {
            return self.include(task, scope, item, settings.no_log);
        }
        let attempts = match self.attempts(task, scope) {
            Ok(attempts) => attempts,
            Err(failure) => return settled(*failure),
        };
        let delay = self.delay(task, scope);
        let mut attempt = 1;
        loop {
            let mut result = self.attempt(task, host, scope, &settings).await;
            let now;
            let scope = match &self.ahead {
                Some(ahead) if ahead.is_void() => return result,
                Some(ahead) if ahead.tripwire.is_some() => {
                    // What it means is said when its turn has come, by what is known then.
                    ahead.turn().await;
                    now = self.context.scope(host, Some(task));
                    &now
                }
                _ => scope,
            };
            result.no_log |= settings.no_log;
            result.hides_itself &= !settings.no_log;
            if result.raised.is_some() {
                return settled(result);
            }
            if attempts > 1 {
                result.fields.insert("attempts".into(), Json::from(attempt));
            }
            // Out of time is out of time, whatever the task says of failing.
            if result.fields.contains_key("timedout") {
                return self.finish(task, scope, &settings, result);
            }
            self.judge(task, scope, &mut result);
            if attempts == 1 {
                return self.finish(task, scope, &settings, result);
            }
            let is_done = match &task.until {
                Some(conditions) => {
                    let scope = self.with_registered(task, scope, &result);
                    match self.all_hold(conditions, &scope) {
                        Ok(holds) => holds,
                        Err(failure) => return settled(*failure),
                    }
                }
                None => !result.failed,
            };
            if is_done || result.unreachable {
                return self.finish(task, scope, &settings, result);
            }
            if attempt >= attempts {
                // Where the task says itself when it has failed, that counts.
                result.failed |= task.failed_when.as_ref().is_none_or(Vec::is_empty);
                result.fields.insert("attempts".into(), Json::from(attempts - 1));
                return self.finish(task, scope, &settings, result);
            }
            let _ = self.events.send(Event::Retrying {
                host: host.clone(),
                task: Arc::clone(task),
                name: self.name_of(task, scope),
                left: attempts - attempt,
                result: Box::new(result.clone()),
            });
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    /// The name that `register` gives.
    pub(crate) fn register_name(&self, task: &Arc<Task>, scope: &Scope) -> Option<String> {
        let setting = task.register.as_ref()?;
        setting.tree.evaluate(scope).ok().map(|name| name.to_string())
    }

    /// One try: arguments, and the action or the module.
    pub(crate) async fn attempt(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        settings: &Settings,
    ) -> TaskResult {
        if let Some(plugin) = self.specs.action(&task.action.name) {
            return self.attempt_plugin(plugin, task, host, scope, settings).await;
        }
        let Some(spec) = self.specs.spec(&task.action.name) else {
            return TaskResult::failure(format!("there is no module {}", task.action.name));
        };
        if settings.job.is_some() && !jobs::can_be_job(&task.action.name, spec.runs) {
            let action = &task.action.written;
            return TaskResult::failure(format!("This action ({action}) does not support async."));
        }
        let mut args = match self.arguments(task, scope) {
            Ok(args) => args,
            Err(failure) => return raised_by_arguments(*failure),
        };
        let context = ActionContext { executor: self, task, host, scope, settings };
        let tells = self.context.settings.tells_arguments;
        if action::is_unchecked(&task.action.name) {
            let told = tells.then(|| {
                let json = |value: &Value| value.to_json().unwrap_or_default();
                args.iter().map(|(name, value)| (name.clone(), json(value))).collect()
            });
            let mut result = action::run(&context, args).await;
            result.arguments = told;
            return result;
        }
        let keeps_null = action::keeps_null(&task.action.name)
            // To users' own modules, what is nothing is something that is said.
            || self.specs.custom(&task.action.name).is_some();
        args.retain(|_, value| *value != Value::None || keeps_null);
        let mut given = JsonMap::new();
        for (name, value) in &args {
            match value.to_json() {
                Ok(json) => {
                    given.insert(name.clone(), json);
                }
                Err(error) => {
                    let near = task.action.arg_spans.get(name.as_str()).unwrap_or(&task.span);
                    return raised_by_arguments(TaskResult::template_failure(&error, name, near));
                }
            }
        }
        let told = tells.then(|| given.clone());
        if spec.runs == Runs::Controller
            && let Some(why) = invalid_options(&task.action.written, &spec, &given)
        {
            return TaskResult::failure(why);
        }
        if let Some(setting) = settings.environment.get(UNSAFE_WRITES)
            && spec.arguments.arguments.iter().any(|argument| argument.name == "unsafe_writes")
        {
            given.entry("unsafe_writes").or_insert_with(|| Json::String(setting.clone()));
        }
        action::write_content(&spec.name, &mut given);
        if let Err(why) = action::choose_installer(&spec.name, scope, &mut given) {
            return TaskResult::failure(why);
        }
        let written = &task.action.written;
        let checked = match protocol::arguments::check(&spec.arguments, written, &given) {
            Ok(checked) => checked,
            Err(errors) => {
                if let Some(message) = action::missing_paths(&spec.name, &given) {
                    return TaskResult::failure(message);
                }
                let messages: Vec<String> = errors.into_iter().map(|e| e.message).collect();
                return TaskResult::failure(messages.join(". "));
            }
        };
        let work = async {
            if spec.runs == Runs::Controller || action::has_controller_half(&task.action.name) {
                action::run_checked(&context, checked).await
            } else if let Some(module) = self.specs.custom(&task.action.name) {
                action::custom_module::run(&context, &module, &checked).await
            } else {
                context.remote(checked, &NoFiles, Vec::new()).await
            }
        };
        let result = match settings.timeout_secs {
            None => work.await,
            // What is under way on the host is cancelled with it.
            Some(secs) => tokio::time::timeout(Duration::from_secs(secs), work)
                .await
                .unwrap_or_else(|_| out_of_time(&task.action.written, secs)),
        };
        let mut result = match &settings.job {
            Some(job) => self.follow(&context, job, result).await,
            None => result,
        };
        result.arguments = told;
        result
    }

    /// One try of an action that a user has written.
    async fn attempt_plugin(
        &self,
        plugin: Arc<dyn ActionPlugin>,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        settings: &Settings,
    ) -> TaskResult {
        if let Some(ahead) = &self.ahead {
            // What it does beside its task nobody knows: it is done in its turn.
            ahead.give_up();
            return TaskResult::default();
        }
        let args = match self.arguments(task, scope) {
            Ok(args) => args,
            Err(failure) => return raised_by_arguments(*failure),
        };
        let context = ActionContext { executor: self, task, host, scope, settings };
        let told = self.context.settings.tells_arguments.then(|| {
            let json = |value: &Value| value.to_json().unwrap_or_default();
            args.iter().map(|(name, value)| (name.clone(), json(value))).collect()
        });
        let work = action::brought::run(&context, plugin, args);
        let result = match settings.timeout_secs {
            None => work.await,
            Some(secs) => tokio::time::timeout(Duration::from_secs(secs), work)
                .await
                .unwrap_or_else(|_| out_of_time(&task.action.written, secs)),
        };
        let is_job = result.fields.contains_key("ansible_job_id");
        let mut result = match settings.job.as_ref().filter(|_| is_job) {
            Some(job) => self.follow(&context, job, result).await,
            None => result,
        };
        result.arguments = told;
        result
    }

    /// A task whose action's name is a template, with the action that it stands for.
    fn named(&self, task: &Arc<Task>, scope: &Scope) -> Result<Arc<Task>, Box<TaskResult>> {
        let Some(deferred) = &task.action.deferred else { return Ok(Arc::clone(task)) };
        let name = self.render(&deferred.name, scope, "action", &task.action.span)?.to_string();
        let folder = &self.context.playbook_dir;
        let action = self.context.includes.action(task, name.trim(), folder);
        let action = action.map_err(|why| Box::new(TaskResult::failure(why)))?;
        let short = action.name.strip_prefix("ansible.builtin.").unwrap_or_default();
        if short == "meta"
            || short.starts_with("import_")
            || short.starts_with("include_role")
            || short == "include_tasks"
        {
            let why = format!("the action '{name}' must be named without a template");
            return Err(Box::new(TaskResult::failure(why)));
        }
        let mut named = (**task).clone();
        named.action = action;
        Ok(Arc::new(named))
    }

    /// The name of a task, its templates rendered as far as they can be.
    pub fn name_of(&self, task: &Arc<Task>, scope: &Scope) -> String {
        match &task.keywords.name {
            Some(tree) => match tree.evaluate(scope) {
                Ok(value) => value.to_string(),
                Err(_) => plan::written(tree),
            },
            None => {
                let role = task.action.args.get("name").or_else(|| task.action.args.get("role"));
                match role.filter(|_| task.does(&["include_role", "import_role"])) {
                    // As it is written, for hosts may take different ones.
                    Some(role) => format!("{} : {}", task.action.written, plan::written(role)),
                    None => task.action.written.clone(),
                }
            }
        }
    }

    /// How a task reaches the host that its work is done on.
    pub(crate) fn way(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        settings: &Settings,
    ) -> Result<Way, Box<TaskResult>> {
        let resolved = match &settings.delegate_to {
            None => {
                let known = &self.context.settings;
                connect::resolve(host.as_str(), false, Some(task), scope, scope, known)
            }
            Some(delegate) => {
                let name = HostName::from(delegate.as_str());
                let delegate_scope = self.scope_of_delegate(task, host, &name);
                connect::resolve(
                    delegate,
                    true,
                    Some(task),
                    &delegate_scope,
                    scope,
                    &self.context.settings,
                )
            }
        };
        resolved.map_err(|error| {
            if let connect::ConnectSettingsError::Template { name, error } = &error {
                return Box::new(TaskResult::template_failure(error, name, &task.span));
            }
            let mut result = TaskResult::failure(error.to_string());
            // OpenSSH refuses them, and the host is not reached.
            if matches!(error, connect::ConnectSettingsError::SshArguments { .. }) {
                result.failed = false;
                result.unreachable = true;
            }
            Box::new(result)
        })
    }

    /// A request of a module under a task's settings.
    pub(crate) fn request(module: &str, args: JsonMap, settings: &Settings) -> Request {
        Request {
            module: module.to_owned(),
            args,
            check: settings.check,
            diff: settings.diff,
            environment: settings.environment.clone(),
            // The controller watches the time, that of the way to the host included.
            timeout_secs: None,
            files: Vec::new(),
            job: settings.job.as_ref().map(|job| job.order.clone()),
            guard: None,
            chain: None,
        }
    }
}

/// The variable of a task's environment that says whether files may be written in place, where the
/// task itself does not.
const UNSAFE_WRITES: &str = "ANSIBLE_UNSAFE_WRITES";

/// What an action of the controller says of arguments that it does not have.
fn invalid_options(action: &str, spec: &ModuleSpec, given: &JsonMap) -> Option<String> {
    let arguments = &spec.arguments;
    let is_known = |name: &String| {
        arguments.open
            || name == "_raw_params"
            || arguments
                .arguments
                .iter()
                .any(|known| known.name == *name || known.aliases.contains(name))
    };
    let unknown: Vec<&str> =
        given.keys().filter(|name| !is_known(name)).map(String::as_str).collect();
    if unknown.is_empty() {
        return None;
    }
    let unknown = unknown.join(", ");
    if action.rsplit('.').next() != Some("pause") {
        return Some(format!("Invalid options for {action}: {}", unknown.replace(", ", ",")));
    }
    let mut known: Vec<&str> = arguments.arguments.iter().map(|one| one.name.as_ref()).collect();
    known.sort_unstable();
    Some(format!(
        "Unsupported parameters for ({action}) module: {unknown}. Supported parameters include: {}.",
        known.join(", ")
    ))
}

fn out_of_time(action: &str, secs: u64) -> TaskResult {
    let mut result = TaskResult::failure(format!(
        "The {action} action failed to execute in the expected time frame ({secs}) and was terminated"
    ));
    let mut how = JsonMap::new();
    how.insert("period".into(), secs.into());
    result.fields.insert("timedout".into(), Json::Object(how));
    result
}

/// A failure to work the arguments of a task out.
pub(crate) fn raised_by_arguments(mut failure: TaskResult) -> TaskResult {
    if let Some(raised) = &mut failure.raised {
        raised.part = RaisedIn::Arguments;
    }
    failure
}

fn settled(mut result: TaskResult) -> TaskResult {
    result.settle();
    result
}

/// Whether a module takes free text, for callers that build arguments.
pub fn takes_free_form(spec: &ModuleSpec) -> bool {
    spec.free_form == FreeForm::Raw
}
