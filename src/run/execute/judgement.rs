//! What decides whether a task runs, runs again, has changed something, and has failed.

use std::{sync::Arc, time::Duration};

use plan::{Condition, Task};
use protocol::Json;
use template::{Scope, Value};

use super::{Executor, Settings, settled};
use crate::TaskResult;

impl Executor {
    /// How often a task is tried at most.
    pub(super) fn attempts(&self, task: &Arc<Task>, scope: &Scope) -> Result<u64, Box<TaskResult>> {
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

    pub(super) fn delay(&self, task: &Arc<Task>, scope: &Scope) -> Duration {
        const DEFAULT_DELAY_SECS: f64 = 5.0;
        let secs = task
            .delay
            .as_ref()
            .and_then(|setting| setting.tree.evaluate(scope).ok())
            .and_then(|value| value.as_float().or_else(|| value.to_string().trim().parse().ok()))
            .unwrap_or(DEFAULT_DELAY_SECS);
        Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or_default()
    }

    pub(super) fn with_registered(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        result: &TaskResult,
    ) -> Scope {
        let mut seen = result.clone();
        seen.settle();
        match self.register_name(task, scope) {
            Some(name) => scope.push_values([(name.as_str(), seen.registered())]),
            None => scope.clone(),
        }
    }

    pub(super) fn all_hold(
        &self,
        conditions: &[Condition],
        scope: &Scope,
    ) -> Result<bool, Box<TaskResult>> {
        for condition in conditions {
            match condition.expression.is_true(scope) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => {
                    let text = condition.expression.text().to_string();
                    let failure = TaskResult::condition_failure(&text, &error, &condition.span);
                    return Err(Box::new(failure));
                }
            }
        }
        Ok(true)
    }

    /// Applies `changed_when` and `failed_when`.
    pub(super) fn judge(&self, task: &Arc<Task>, scope: &Scope, result: &mut TaskResult) {
        if result.unreachable {
            return;
        }
        if let Some(conditions) = task.changed_when.as_ref().filter(|list| !list.is_empty()) {
            let seen = self.with_registered(task, scope, result);
            match self.all_hold(conditions, &seen) {
                Ok(changed) => result.changed = changed,
                Err(failure) if failure.until_run => {}
                Err(failure) => {
                    result.failed = true;
                    self.cannot_judge("changed_when_result", task, &failure, result);
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
                Err(failure) if failure.until_run => {}
                Err(failure) => {
                    result.failed = true;
                    self.cannot_judge("failed_when_result", task, &failure, result);
                }
            }
        }
    }

    /// Says in a result that a condition on it cannot be worked out.
    fn cannot_judge(
        &self,
        field: &str,
        task: &Task,
        failure: &TaskResult,
        result: &mut TaskResult,
    ) {
        let why = failure.msg().unwrap_or_default();
        let raised = failure.raised.as_ref().filter(|_| self.context.settings.points_as_ansible);
        match raised {
            // The message stays the module's.
            Some(raised) => {
                result.fields.insert(field.into(), raised.as_ansible(why, &task.span).into());
            }
            None => {
                result.fields.insert(field.into(), why.into());
                result.fields.insert("msg".into(), why.into());
            }
        }
    }

    pub(super) fn finish(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        settings: &Settings,
        mut result: TaskResult,
    ) -> TaskResult {
        // A loop notifies for all of its items once one of them has changed something.
        if (result.changed || task.loop_.is_some()) && !result.failed {
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
        if let Some(delegate) = &settings.delegate_to {
            let known = scope.get("ansible_delegated_vars").and_then(|all| all.get(delegate));
            let address = known.and_then(|vars| vars.get("ansible_host")).map(|at| at.to_string());
            result.delegated_address = address.filter(|address| address != delegate);
            result.delegated_to = Some(delegate.clone());
        }
        result.settle();
        result
    }

    /// The first condition that does not hold.
    pub(super) fn skipped<'t>(
        &self,
        task: &'t Arc<Task>,
        scope: &Scope,
    ) -> Result<Option<&'t Condition>, Box<TaskResult>> {
        for condition in task.conditions() {
            match condition.expression.is_true(scope) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(condition)),
                Err(error) => {
                    let text = condition.expression.text().to_string();
                    let failure = TaskResult::condition_failure(&text, &error, &condition.span);
                    return Err(Box::new(failure));
                }
            }
        }
        Ok(None)
    }
}
