//! One task on one host: conditions, loop, arguments, retries, and what the result means.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use inventory::HostName;
use plan::{Condition, Key, Loop, Setting, Task};
use protocol::{
    Json, JsonMap, Request,
    spec::{FreeForm, ModuleSpec, Runs},
};
use template::{Scope, TemplateError, Tree, Value};
use transport::NoFiles;

use crate::{
    Event, EventSink, ItemEvent, Reach, TaskResult,
    action::{self, ActionContext},
    connect::{self, Way},
    outcome::{IncludeRole, IncludeTasks, RunOrder},
    scope::PlayContext,
};

/// Looks up what a module takes.
pub trait Specs: Send + Sync {
    /// The spec of a module by its fully qualified name.
    fn spec(&self, name: &str) -> Option<Arc<ModuleSpec>>;
}

/// Runs tasks of one play on hosts.
pub struct Executor {
    pub context: Arc<PlayContext>,
    pub reach: Arc<dyn Reach>,
    pub specs: Arc<dyn Specs>,
    pub events: EventSink,
}

/// A task as it stands for one host and one item, its settings rendered.
pub(crate) struct Settings {
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub timeout_secs: Option<u64>,
    pub environment: BTreeMap<String, String>,
    pub delegate_to: Option<String>,
}

impl Executor {
    /// Runs a task on a host, its loop included. What comes back is complete: it can be
    /// registered and shown.
    pub async fn execute(&self, task: &Arc<Task>, host: &HostName) -> TaskResult {
        let scope = self.context.scope(host, Some(task));
        let mut result = match self.loop_items(task, &scope) {
            Ok(None) => self.execute_once(task, host, &scope, None).await,
            Ok(Some(items)) if items.is_empty() => empty_loop(),
            Ok(Some(items)) => self.execute_loop(task, host, &scope, items).await,
            Err(failure) => match self.skipped(task, &scope) {
                Ok(Some(condition)) => TaskResult::skip(Some(condition)),
                _ => *failure,
            },
        };
        result.no_log |= self.flag(task, Key::NoLog, &scope).unwrap_or(false);
        result
    }

    /// The items of a task's loop; `None` where it has no loop.
    fn loop_items(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<Option<Vec<Value>>, Box<TaskResult>> {
        let fail = |error: &TemplateError, near| {
            Box::new(TaskResult::template_failure(error, "loop", near))
        };
        match &task.loop_ {
            None => Ok(None),
            Some(Loop::List(setting)) => {
                let value = match setting.tree.instantiate(scope) {
                    Value::Undefined(undefined) => {
                        return Err(fail(&undefined.error(), &setting.span));
                    }
                    value => value,
                };
                match &value {
                    Value::None => Ok(None),
                    Value::List(list) => Ok(Some(list.to_vec())),
                    Value::Tuple(items) => Ok(Some(items.to_vec())),
                    other => Err(Box::new(TaskResult::failure(format!(
                        "Invalid data passed to 'loop', it requires a list, got this instead: {other}. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup."
                    )))),
                }
            }
            Some(Loop::With { lookup, terms }) => {
                let value = terms.tree.instantiate(scope);
                let is_patient = matches!(lookup.rsplit('.').next(), Some("first_found"));
                let terms_list = match value {
                    Value::Undefined(undefined) if !is_patient => {
                        return Err(fail(&undefined.error(), &terms.span));
                    }
                    Value::Undefined(_) => Vec::new(),
                    Value::List(list) => list.to_vec(),
                    Value::Tuple(items) => items.to_vec(),
                    Value::None => Vec::new(),
                    other => vec![other],
                };
                match self.context.store.engine.run_lookup(lookup, terms_list, scope) {
                    Ok(items) => Ok(Some(items)),
                    Err(error) => Err(fail(&error, &terms.span)),
                }
            }
        }
    }

    async fn execute_loop(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        items: Vec<Value>,
    ) -> TaskResult {
        let control = &task.loop_control;
        let text = |setting: &Option<Setting>| -> Result<Option<String>, TemplateError> {
            match setting {
                Some(setting) => setting.tree.evaluate(scope).map(|value| Some(value.to_string())),
                None => Ok(None),
            }
        };
        let (loop_var, index_var) = match (text(&control.loop_var), text(&control.index_var)) {
            (Ok(loop_var), Ok(index_var)) => (loop_var.unwrap_or_else(|| "item".into()), index_var),
            (Err(error), _) | (_, Err(error)) => {
                return TaskResult::template_failure(&error, "loop_control", &task.span);
            }
        };
        let flag = |setting: &Option<Setting>| {
            setting
                .as_ref()
                .and_then(|s| s.tree.evaluate(scope).ok())
                .and_then(|v| crate::truth(&v))
        };
        let is_extended = flag(&control.extended).unwrap_or(false);
        let has_all_items = flag(&control.extended_allitems).unwrap_or(true);
        let pause = match &control.pause {
            Some(setting) => setting.tree.evaluate(scope).ok().and_then(|v| v.as_float()),
            None => None,
        };
        let mut results = Vec::with_capacity(items.len());
        // What an item sets is seen by the next one.
        let mut scope = scope.clone();
        for (index, item) in items.iter().enumerate() {
            if let Some(secs) = pause.filter(|secs| *secs > 0.0 && index > 0) {
                tokio::time::sleep(Duration::from_secs_f64(secs)).await;
            }
            let mut vars: Vec<(&str, Value)> = vec![
                (&loop_var, item.clone()),
                ("ansible_loop_var", Value::from(loop_var.as_str())),
            ];
            let position = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
            if let Some(index_var) = &index_var {
                vars.push((index_var, position.clone()));
                vars.push(("ansible_index_var", Value::from(index_var.as_str())));
            }
            if is_extended {
                vars.push(("ansible_loop", extended_loop(&items, index, has_all_items)));
            }
            let item_scope = scope.push_values(vars);
            let place = ItemPlace {
                loop_var: &loop_var,
                index_var: index_var.as_deref(),
                item,
                index,
                extended: is_extended.then(|| extended_loop(&items, index, has_all_items)),
            };
            let mut result = self.execute_once(task, host, &item_scope, Some(&place)).await;
            result.no_log |= self.flag(task, Key::NoLog, &item_scope).unwrap_or(false);
            let label = self.label(task, &item_scope, item);
            place.describe(&mut result);
            let ignored = result.failed && self.ignores_errors(task, &item_scope);
            // Includes speak for themselves once they are done.
            let is_include =
                !result.orders.is_empty() && task.does(&["include_tasks", "include_role"]);
            if !is_include {
                let _ = self.events.send(Event::Item(Box::new(ItemEvent {
                    host: host.clone(),
                    task: Arc::clone(task),
                    label,
                    result: result.clone(),
                    ignored,
                })));
            }
            let stops = !control.break_when.is_empty() && self.breaks(task, &item_scope, &result);
            if !result.variables.is_empty() {
                let set =
                    result.variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
                scope = scope.push_values(set);
            }
            results.push(result);
            if stops {
                break;
            }
        }
        aggregate(results)
    }

    fn breaks(&self, task: &Arc<Task>, scope: &Scope, result: &TaskResult) -> bool {
        let scope = match self.register_name(task, scope) {
            Some(name) => scope.push_values([(name.as_str(), result.registered())]),
            None => scope.clone(),
        };
        task.loop_control
            .break_when
            .iter()
            .all(|condition| condition.expression.is_true(&scope).unwrap_or(false))
    }

    fn label(&self, task: &Arc<Task>, scope: &Scope, item: &Value) -> Json {
        let label = match &task.loop_control.label {
            Some(setting) => setting.tree.evaluate(scope).unwrap_or_else(|_| item.clone()),
            None => item.clone(),
        };
        label.to_json().unwrap_or_else(|_| Json::String(label.to_string()))
    }

    /// The first condition that does not hold.
    fn skipped<'t>(
        &self,
        task: &'t Arc<Task>,
        scope: &Scope,
    ) -> Result<Option<&'t Condition>, Box<TaskResult>> {
        for condition in task.conditions() {
            match condition.expression.is_true(scope) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(condition)),
                Err(error) => {
                    let text = condition.expression.text();
                    let mut result = TaskResult::failure(format!(
                        "The conditional check '{text}' failed. The error was: error while evaluating conditional ({text}): {error}"
                    ));
                    let place = error.place().unwrap_or(&condition.span);
                    result.place = Some(place.to_string());
                    result.hint = error.hint().map(str::to_owned);
                    return Err(Box::new(result));
                }
            }
        }
        Ok(None)
    }

    async fn execute_once(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        item: Option<&ItemPlace<'_>>,
    ) -> TaskResult {
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
        let settings = match self.settings(task, scope) {
            Ok(settings) => settings,
            Err(failure) => return settled(*failure),
        };
        if task.does(&["include_tasks", "include_role"]) {
            return self.include(task, scope, item);
        }
        let attempts = match self.attempts(task, scope) {
            Ok(attempts) => attempts,
            Err(failure) => return settled(*failure),
        };
        let delay = self.delay(task, scope);
        let mut attempt = 1;
        loop {
            let mut result = self.attempt(task, host, scope, &settings).await;
            result.no_log |= settings.no_log;
            self.judge(task, scope, &mut result);
            if attempts == 1 {
                return self.finish(task, scope, &settings, result);
            }
            result.fields.insert("attempts".into(), Json::from(attempt));
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
                result.failed = true;
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

    /// How often a task is tried at most.
    fn attempts(&self, task: &Arc<Task>, scope: &Scope) -> Result<u64, Box<TaskResult>> {
        const DEFAULT_RETRIES: u64 = 3;
        let Some(setting) = &task.retries else {
            return Ok(if task.until.is_some() { 1 + DEFAULT_RETRIES } else { 1 });
        };
        let value = setting.tree.evaluate(scope).map_err(|error| {
            Box::new(TaskResult::template_failure(&error, "retries", &setting.span))
        })?;
        let retries = value.as_int().or_else(|| value.to_string().trim().parse().ok());
        let retries = retries.ok_or_else(|| {
            Box::new(TaskResult::failure(format!("retries is '{value}', which is no integer")))
        })?;
        Ok(1 + u64::try_from(retries).unwrap_or(0))
    }

    fn delay(&self, task: &Arc<Task>, scope: &Scope) -> Duration {
        const DEFAULT_DELAY_SECS: f64 = 5.0;
        let secs = task
            .delay
            .as_ref()
            .and_then(|setting| setting.tree.evaluate(scope).ok())
            .and_then(|value| value.as_float().or_else(|| value.to_string().trim().parse().ok()))
            .unwrap_or(DEFAULT_DELAY_SECS);
        Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or_default()
    }

    fn with_registered(&self, task: &Arc<Task>, scope: &Scope, result: &TaskResult) -> Scope {
        let mut seen = result.clone();
        seen.settle();
        match self.register_name(task, scope) {
            Some(name) => scope.push_values([(name.as_str(), seen.registered())]),
            None => scope.clone(),
        }
    }

    /// The name that `register` gives.
    pub(crate) fn register_name(&self, task: &Arc<Task>, scope: &Scope) -> Option<String> {
        let setting = task.register.as_ref()?;
        setting.tree.evaluate(scope).ok().map(|name| name.to_string())
    }

    fn all_hold(&self, conditions: &[Condition], scope: &Scope) -> Result<bool, Box<TaskResult>> {
        for condition in conditions {
            match condition.expression.is_true(scope) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => {
                    let text = condition.expression.text();
                    let mut result = TaskResult::failure(format!(
                        "The conditional check '{text}' failed. The error was: error while evaluating conditional ({text}): {error}"
                    ));
                    result.place = Some(error.place().unwrap_or(&condition.span).to_string());
                    return Err(Box::new(result));
                }
            }
        }
        Ok(true)
    }

    /// Applies `changed_when` and `failed_when`.
    fn judge(&self, task: &Arc<Task>, scope: &Scope, result: &mut TaskResult) {
        if result.unreachable {
            return;
        }
        if let Some(conditions) = task.changed_when.as_ref().filter(|list| !list.is_empty()) {
            let seen = self.with_registered(task, scope, result);
            match self.all_hold(conditions, &seen) {
                Ok(changed) => result.changed = changed,
                Err(failure) => {
                    result.failed = true;
                    let why = failure.fields.get("msg").cloned().unwrap_or_default();
                    result.fields.insert("changed_when_result".into(), why.clone());
                    result.fields.insert("msg".into(), why);
                }
            }
        }
        if let Some(conditions) = task.failed_when.as_ref().filter(|list| !list.is_empty()) {
            let seen = self.with_registered(task, scope, result);
            match self.all_hold(conditions, &seen) {
                Ok(failed) => {
                    result.failed = failed;
                    result.fields.insert("failed_when_result".into(), Json::Bool(failed));
                }
                Err(failure) => {
                    result.failed = true;
                    let why = failure.fields.get("msg").cloned().unwrap_or_default();
                    result.fields.insert("failed_when_result".into(), why.clone());
                    result.fields.insert("msg".into(), why);
                }
            }
        }
    }

    fn finish(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        settings: &Settings,
        mut result: TaskResult,
    ) -> TaskResult {
        if result.changed && !result.failed {
            for setting in task
                .parent
                .outermost_first()
                .flat_map(|frame| &frame.keywords.notify)
                .chain(&task.keywords.notify)
            {
                match setting.tree.evaluate(scope) {
                    Ok(Value::List(names)) => {
                        result.notify.extend(names.iter().map(|name| name.to_string()));
                    }
                    Ok(name) => result.notify.push(name.to_string()),
                    Err(error) => {
                        return settled(TaskResult::template_failure(
                            &error,
                            "notify",
                            &setting.span,
                        ));
                    }
                }
            }
        }
        result.delegated_to = settings.delegate_to.clone();
        result.settle();
        result
    }

    /// One try: arguments, and the action or the module.
    async fn attempt(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        scope: &Scope,
        settings: &Settings,
    ) -> TaskResult {
        let Some(spec) = self.specs.spec(&task.action.name) else {
            return TaskResult::failure(format!("there is no module {}", task.action.name));
        };
        let mut args = match self.arguments(task, scope) {
            Ok(args) => args,
            Err(failure) => return *failure,
        };
        let context = ActionContext { executor: self, task, host, scope, settings };
        if action::is_unchecked(&task.action.name) {
            return action::run(&context, args).await;
        }
        args.retain(|_, value| *value != Value::None || action::keeps_null(&task.action.name));
        let mut given = JsonMap::new();
        for (name, value) in &args {
            match value.to_json() {
                Ok(json) => {
                    given.insert(name.clone(), json);
                }
                Err(error) => {
                    let near = task.action.arg_spans.get(name.as_str()).unwrap_or(&task.span);
                    return TaskResult::template_failure(&error, name, near);
                }
            }
        }
        let checked = match protocol::arguments::check(&spec.arguments, &spec.name, &given) {
            Ok(checked) => checked,
            Err(errors) => {
                let messages: Vec<String> = errors.into_iter().map(|e| e.message).collect();
                return TaskResult::failure(messages.join(". "));
            }
        };
        if spec.runs == Runs::Controller || action::has_controller_half(&task.action.name) {
            return action::run_checked(&context, checked).await;
        }
        context.remote(checked, &NoFiles, Vec::new()).await
    }

    /// All arguments of a task, rendered: defaults of the module under `args` as one template under
    /// named ones. What is `omit` is left out.
    fn arguments(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<indexmap::IndexMap<String, Value>, Box<TaskResult>> {
        let mut args: indexmap::IndexMap<String, Value> = indexmap::IndexMap::new();
        let action = &task.action;
        self.module_defaults(task, scope, &mut args)?;
        if let Some(whole) = &action.whole {
            let value = whole.evaluate(scope).map_err(|error| {
                Box::new(TaskResult::template_failure(&error, "args", &action.span))
            })?;
            match value.entries() {
                Some(entries) => {
                    args.extend(entries.into_iter().map(|(key, value)| (key.to_string(), value)));
                }
                None if value.is_none() || matches!(value, Value::Omit) => {}
                None => {
                    return Err(Box::new(TaskResult::failure(format!(
                        "the arguments of '{}' are {}, not a dictionary",
                        action.written,
                        value.type_name()
                    ))));
                }
            }
        }
        if let Some(free_form) = &action.free_form {
            let value = self.render(free_form, scope, "free form", &action.span)?;
            args.insert("_raw_params".into(), value);
        }
        for (name, tree) in &action.args {
            if action::is_rendered_by_action(&action.name, name) {
                continue;
            }
            let near = action.arg_spans.get(name).unwrap_or(&action.span);
            let value = self.render(tree, scope, name, near)?;
            if name.contains("{{") {
                // `set_fact: {"{{ name }}": …}`
                let fail = |error: &TemplateError| {
                    Box::new(TaskResult::template_failure(error, name, near))
                };
                let key = Tree::from_text(name, scope.engine()).map_err(|error| fail(&error))?;
                let key = key.evaluate(scope).map_err(|error| fail(&error))?;
                args.insert(key.to_string(), without_omitted(value));
            } else if matches!(value, Value::Omit) {
                args.shift_remove(&**name);
            } else {
                args.insert(name.to_string(), without_omitted(value));
            }
        }
        Ok(args)
    }

    pub(crate) fn render(
        &self,
        tree: &Tree,
        scope: &Scope,
        what: &str,
        near: &source::Span,
    ) -> Result<Value, Box<TaskResult>> {
        tree.evaluate(scope)
            .map_err(|error| Box::new(TaskResult::template_failure(&error, what, near)))
    }

    /// `module_defaults`, the outermost first.
    fn module_defaults(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        args: &mut indexmap::IndexMap<String, Value>,
    ) -> Result<(), Box<TaskResult>> {
        let name: &str = &task.action.name;
        let short = name.rsplit('.').next().unwrap_or("");
        let settings = task
            .parent
            .outermost_first()
            .flat_map(|frame| &frame.keywords.module_defaults)
            .chain(&task.keywords.module_defaults);
        for setting in settings {
            let value = setting.tree.instantiate(scope);
            let Some(entries) = value.entries() else { continue };
            for (key, defaults) in entries {
                let key = key.to_string();
                if let Some(group) = key.strip_prefix("group/") {
                    return Err(Box::new(TaskResult::failure(format!(
                        "module_defaults for the action group '{group}' are not there yet; name the modules"
                    ))));
                }
                let legacy = format!("ansible.legacy.{short}");
                if key != name && key != short && key != legacy {
                    continue;
                }
                let defaults = defaults.forced().map_err(|error| {
                    Box::new(TaskResult::template_failure(&error, "module_defaults", &setting.span))
                })?;
                for (argument, value) in defaults.entries().unwrap_or_default() {
                    if !matches!(value, Value::Omit) {
                        args.insert(argument.to_string(), value);
                    }
                }
            }
        }
        Ok(())
    }

    /// The settings of a task that may be templates.
    fn settings(&self, task: &Arc<Task>, scope: &Scope) -> Result<Settings, Box<TaskResult>> {
        let flag = |key: Key, default: bool| match self.flag(task, key, scope) {
            Ok(value) => Ok(value),
            Err(Some(failure)) => Err(failure),
            Err(None) => Ok(default),
        };
        let run = &self.context.settings;
        let no_log = flag(Key::NoLog, false)?;
        let check = flag(Key::CheckMode, run.check)?;
        let diff = flag(Key::Diff, run.diff)?;
        let timeout = match task.setting(Key::Timeout) {
            Some(setting) => self.seconds(setting, scope, "timeout")?,
            None => run.task_timeout_secs,
        };
        // A job that is waited for is a task with a time limit.
        let timeout = match &task.async_ {
            Some(setting) => match self.seconds(setting, scope, "async")? {
                0 => timeout,
                secs => self.waited_for(task, scope).map(|()| secs)?,
            },
            None => timeout,
        };
        let delegate_to = match task.setting(Key::DelegateTo) {
            Some(setting) => {
                let value = self.render(&setting.tree, scope, "delegate_to", &setting.span)?;
                let name = value.to_string();
                (!matches!(value, Value::Omit | Value::None) && !name.is_empty()).then_some(name)
            }
            None => None,
        };
        Ok(Settings {
            check,
            diff,
            no_log,
            timeout_secs: (timeout > 0).then_some(timeout),
            environment: self.environment(task, scope)?,
            delegate_to,
        })
    }

    fn seconds(
        &self,
        setting: &Setting,
        scope: &Scope,
        what: &str,
    ) -> Result<u64, Box<TaskResult>> {
        let value = self.render(&setting.tree, scope, what, &setting.span)?;
        let secs = value.as_int().or_else(|| value.to_string().trim().parse().ok());
        let secs = secs.and_then(|secs| u64::try_from(secs).ok());
        secs.ok_or_else(|| {
            Box::new(TaskResult::failure(format!(
                "{what} is '{value}', which is no number of seconds"
            )))
        })
    }

    /// Refuses jobs that nobody waits for.
    fn waited_for(&self, task: &Arc<Task>, scope: &Scope) -> Result<(), Box<TaskResult>> {
        let Some(setting) = &task.poll else { return Ok(()) };
        if self.seconds(setting, scope, "poll")? > 0 {
            return Ok(());
        }
        Err(Box::new(TaskResult::failure(
            "async with `poll: 0` is not there yet: Trueup has no background jobs",
        )))
    }

    /// A boolean setting; `Err(None)` where nothing is said.
    fn flag(
        &self,
        task: &Arc<Task>,
        key: Key,
        scope: &Scope,
    ) -> Result<bool, Option<Box<TaskResult>>> {
        let Some(setting) = task.setting(key) else { return Err(None) };
        let value = setting.tree.evaluate(scope).map_err(|error| {
            Some(Box::new(TaskResult::template_failure(&error, key.name(), &setting.span)))
        })?;
        if matches!(value, Value::None | Value::Omit) {
            return Err(None);
        }
        crate::truth(&value).ok_or_else(|| {
            Some(Box::new(TaskResult::failure(format!(
                "the field '{}' has an invalid value ({value}), and could not be converted to bool",
                key.name()
            ))))
        })
    }

    /// Whether failures of a task are ignored.
    pub fn ignores_errors(&self, task: &Arc<Task>, scope: &Scope) -> bool {
        self.flag(task, Key::IgnoreErrors, scope).unwrap_or(false)
    }

    /// Whether a host that cannot be reached stays in the play.
    pub fn ignores_unreachable(&self, task: &Arc<Task>, scope: &Scope) -> bool {
        self.flag(task, Key::IgnoreUnreachable, scope).unwrap_or(false)
    }

    fn environment(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<BTreeMap<String, String>, Box<TaskResult>> {
        let mut environment = BTreeMap::new();
        let settings = task
            .parent
            .outermost_first()
            .flat_map(|frame| &frame.keywords.environment)
            .chain(&task.keywords.environment);
        for setting in settings {
            let value = self.render(&setting.tree, scope, "environment", &setting.span)?;
            if matches!(value, Value::None | Value::Omit) {
                continue;
            }
            let Some(entries) = value.entries() else {
                let mut failure = TaskResult::failure(format!(
                    "environment must be a dictionary, received {value} ({})",
                    value.type_name()
                ));
                failure.place = Some(setting.span.to_string());
                return Err(Box::new(failure));
            };
            for (name, value) in entries {
                if !matches!(value, Value::Omit) {
                    environment.insert(name.to_string(), value.to_string());
                }
            }
        }
        Ok(environment)
    }

    fn include(&self, task: &Arc<Task>, scope: &Scope, item: Option<&ItemPlace<'_>>) -> TaskResult {
        let args = match self.arguments(task, scope) {
            Ok(args) => args,
            Err(failure) => return settled(*failure),
        };
        let text = |name: &str| args.get(name).map(ToString::to_string).filter(|t| !t.is_empty());
        let item_vars = item.map(ItemPlace::variables).unwrap_or_default();
        let label =
            item.map(|place| self.label(task, scope, place.item)).map(|label| match label {
                Json::String(text) => text,
                other => other.to_string(),
            });
        let order = if task.does(&["include_tasks"]) {
            let Some(file) = text("_raw_params").or_else(|| text("file")) else {
                return settled(TaskResult::failure(
                    "No file specified for ansible.builtin.include_tasks",
                ));
            };
            RunOrder::IncludeTasks(IncludeTasks { file, item_vars, label })
        } else {
            let Some(name) = text("name").or_else(|| text("role")) else {
                return settled(TaskResult::failure(
                    "'name' is a required field for include_role.",
                ));
            };
            let flag = |name: &str| args.get(name).and_then(crate::truth);
            RunOrder::IncludeRole(IncludeRole {
                name,
                tasks_from: text("tasks_from"),
                vars_from: text("vars_from"),
                defaults_from: text("defaults_from"),
                handlers_from: text("handlers_from"),
                allow_duplicates: flag("allow_duplicates"),
                public: flag("public").unwrap_or(false),
                item_vars,
                label,
            })
        };
        let mut result = TaskResult { orders: vec![order], ..TaskResult::default() };
        result.settle();
        result
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
                    Some(role) => {
                        let role = role
                            .evaluate(scope)
                            .map_or_else(|_| plan::written(role), |r| r.to_string());
                        format!("{} : {role}", task.action.written)
                    }
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
                connect::resolve(host.as_str(), Some(task), scope, scope, &self.context.settings)
            }
            Some(delegate) => {
                let name = HostName::from(delegate.as_str());
                let delegate_scope = self.context.scope_of(&name, Some(&task.parent), Some(task));
                connect::resolve(
                    delegate,
                    Some(task),
                    &delegate_scope,
                    scope,
                    &self.context.settings,
                )
            }
        };
        resolved.map_err(|error| Box::new(TaskResult::failure(error.to_string())))
    }

    /// A request of a module under a task's settings.
    pub(crate) fn request(module: &str, args: JsonMap, settings: &Settings) -> Request {
        Request {
            module: module.to_owned(),
            args,
            check: settings.check,
            diff: settings.diff,
            environment: settings.environment.clone(),
            timeout_secs: settings.timeout_secs,
            files: Vec::new(),
        }
    }
}

/// An item and its place in the loop.
pub(crate) struct ItemPlace<'a> {
    loop_var: &'a str,
    index_var: Option<&'a str>,
    item: &'a Value,
    index: usize,
    extended: Option<Value>,
}

impl ItemPlace<'_> {
    /// The variables that the loop gives, as what is included sees them.
    fn variables(&self) -> Vec<(String, Json)> {
        let json = |value: &Value| value.to_json().unwrap_or(Json::Null);
        let mut variables = vec![
            (self.loop_var.to_owned(), json(self.item)),
            ("ansible_loop_var".to_owned(), Json::String(self.loop_var.to_owned())),
        ];
        if let Some(index_var) = self.index_var {
            variables.push((index_var.to_owned(), Json::from(self.index)));
            variables.push(("ansible_index_var".to_owned(), Json::String(index_var.to_owned())));
        }
        if let Some(extended) = &self.extended {
            variables.push(("ansible_loop".to_owned(), json(extended)));
        }
        variables
    }

    /// Says in a result which item it is of.
    fn describe(&self, result: &mut TaskResult) {
        for (name, value) in self.variables() {
            result.fields.insert(name, value);
        }
    }
}

fn settled(mut result: TaskResult) -> TaskResult {
    result.settle();
    result
}

fn empty_loop() -> TaskResult {
    let mut result = TaskResult { skipped: true, ..TaskResult::default() };
    result.fields.insert("skipped_reason".into(), "No items in the list".into());
    result.fields.insert("results".into(), Json::Array(Vec::new()));
    result.settle();
    result
}

/// Takes `omit` out of dictionaries inside an argument.
fn without_omitted(value: Value) -> Value {
    match value.entries() {
        Some(entries) if entries.iter().any(|(_, value)| matches!(value, Value::Omit)) => {
            Value::dict(entries.into_iter().filter(|(_, value)| !matches!(value, Value::Omit)))
        }
        _ => value,
    }
}

/// `ansible_loop` of `loop_control: {extended: true}`.
fn extended_loop(items: &[Value], index: usize, has_all_items: bool) -> Value {
    let length = items.len();
    let int = |value: usize| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let mut entries = vec![
        ("index", int(index + 1)),
        ("index0", int(index)),
        ("first", Value::Bool(index == 0)),
        ("last", Value::Bool(index + 1 == length)),
        ("length", int(length)),
        ("revindex", int(length - index)),
        ("revindex0", int(length - index - 1)),
    ];
    if has_all_items {
        entries.push(("allitems", Value::list(items.iter().cloned())));
    }
    if let Some(next) = items.get(index + 1) {
        entries.push(("nextitem", next.clone()));
    }
    if let Some(previous) = index.checked_sub(1).and_then(|previous| items.get(previous)) {
        entries.push(("previtem", previous.clone()));
    }
    Value::dict(entries)
}

/// What a loop as a whole has come to.
fn aggregate(items: Vec<TaskResult>) -> TaskResult {
    let mut total = TaskResult {
        changed: items.iter().any(|item| item.changed),
        failed: items.iter().any(|item| item.failed),
        unreachable: items.iter().any(|item| item.unreachable),
        skipped: items.iter().all(|item| item.skipped),
        no_log: items.iter().any(|item| item.no_log),
        ..TaskResult::default()
    };
    let msg = if total.failed || total.unreachable {
        "One or more items failed"
    } else if total.skipped {
        "All items skipped"
    } else {
        "All items completed"
    };
    let results = items.iter().map(|item| Json::Object(item.fields.clone())).collect();
    total.fields.insert("results".into(), Json::Array(results));
    total.fields.insert("msg".into(), msg.into());
    for item in &items {
        total.facts.extend(item.facts.iter().map(|(name, value)| (name.clone(), value.clone())));
        total.variables.extend(item.variables.iter().cloned());
        total.orders.extend(item.orders.iter().cloned());
        total.notify.extend(item.notify.iter().cloned());
        total.delegated_to = total.delegated_to.or_else(|| item.delegated_to.clone());
    }
    total.set_flags();
    total.items = items;
    total
}

/// Whether a module takes free text, for callers that build arguments.
pub fn takes_free_form(spec: &ModuleSpec) -> bool {
    spec.free_form == FreeForm::Raw
}
