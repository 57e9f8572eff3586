//! The settings of a task that may be templates, as they stand for one host and item.

use std::{collections::BTreeMap, sync::Arc};

use plan::{Key, Setting, Task};
use template::{Scope, Tree, Value};

use super::{Executor, jobs::JobSettings, line::Place};
use crate::TaskResult;

/// A task as it stands for one host and one item, its settings rendered.
#[derive(Clone)]
pub(crate) struct Settings {
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub timeout_secs: Option<u64>,
    pub environment: BTreeMap<String, String>,
    pub delegate_to: Option<String>,
    /// How it is run as a job, if it is one.
    pub job: Option<JobSettings>,
    /// Where it stands among requests that are sent ahead.
    pub place: Option<Arc<Place>>,
}

impl Executor {
    /// The settings of a task that may be templates. Whom it is delegated to is known: a template may
    /// say another each time.
    pub(super) fn settings(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        delegate_to: Option<String>,
    ) -> Result<Settings, Box<TaskResult>> {
        let flag = |key: Key, default: bool| match self.flag(task, key, scope) {
            Ok(value) => Ok(value),
            Err(Some(failure)) => Err(failure),
            Err(None) => Ok(default),
        };
        let run = &self.context.settings;
        let no_log = flag(Key::NoLog, run.hides_results)?;
        let check = flag(Key::CheckMode, run.check)?;
        let diff = flag(Key::Diff, run.diff)?;
        let timeout = match task.setting_in(Key::Timeout, scope) {
            Some(setting) => self.seconds(setting, scope, "timeout")?,
            None => run.task_timeout_secs,
        };
        Ok(Settings {
            check,
            diff,
            no_log,
            timeout_secs: (timeout > 0).then_some(timeout),
            environment: self.environment(task, scope)?,
            job: self.job(task, scope)?,
            delegate_to,
            place: None,
        })
    }

    /// The host that a task is delegated to.
    pub(super) fn delegate(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<Option<String>, Box<TaskResult>> {
        let Some(setting) = task.setting_in(Key::DelegateTo, scope) else { return Ok(None) };
        let value = self.render(&setting.tree, scope, "delegate_to", &setting.span)?;
        let name = value.to_string();
        Ok((!matches!(value, Value::Omit | Value::None) && !name.is_empty()).then_some(name))
    }

    /// The failure of a task that is delegated to a host whose name comes out empty. One that is
    /// written as nothing is delegated to none.
    pub(super) fn delegated_to_nobody(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Option<TaskResult> {
        let setting = task.setting_in(Key::DelegateTo, scope)?;
        let Tree::Template(template) = &setting.tree else { return None };
        let value = setting.tree.instantiate(scope);
        let is_empty = matches!(&value, Value::Str(name) if name.is_empty());
        is_empty.then(|| {
            let text = template.text();
            let why = format!("Empty hostname produced from delegate_to: \"{text}\"");
            TaskResult::failure(why)
        })
    }

    pub(super) fn seconds(
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

    /// Whether the result of a task is shown to nobody.
    pub(super) fn hides(&self, task: &Arc<Task>, scope: &Scope) -> bool {
        self.flag(task, Key::NoLog, scope).unwrap_or(self.context.settings.hides_results)
    }

    /// A boolean setting; `Err(None)` where nothing is said.
    pub(super) fn flag(
        &self,
        task: &Arc<Task>,
        key: Key,
        scope: &Scope,
    ) -> Result<bool, Option<Box<TaskResult>>> {
        let Some(setting) = task.setting_in(key, scope) else { return Err(None) };
        let value = setting.tree.evaluate(scope).map_err(|error| {
            Some(Box::new(TaskResult::template_failure(&error, key.name(), &setting.span)))
        })?;
        if matches!(value, Value::None | Value::Omit) {
            return Err(None);
        }
        crate::truth(&value).ok_or_else(|| {
            Some(Box::new(TaskResult::failure(format!(
                "the field '{}' has an invalid value ({value}), and could not be converted to bool. The error was: The value '{value}' is not a valid boolean. Valid booleans include: 'y', 'yes', 'on', '1', 'true', 't', 'n', 'no', 'off', '0', 'false', 'f'",
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

    /// What can be rendered of a dictionary's entries.
    fn known_entries(&self, tree: &Tree, scope: &Scope) -> Value {
        let entries = tree.instantiate(scope).entries().unwrap_or_default();
        Value::dict(
            entries.into_iter().filter_map(|(key, value)| Some((key, value.forced().ok()?))),
        )
    }

    fn environment(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<BTreeMap<String, String>, Box<TaskResult>> {
        let mut environment = BTreeMap::new();
        let gathers = task.does(&["gather_facts", "setup"]);
        let settings = task
            .parent
            .outermost_first()
            .flat_map(|frame| &frame.keywords.environment)
            .chain(&task.keywords.environment);
        for setting in settings {
            let value = match self.render(&setting.tree, scope, "environment", &setting.span) {
                Ok(value) => value,
                // Facts may be what the environment needs.
                Err(_) if gathers => self.known_entries(&setting.tree, scope),
                Err(failure) => return Err(failure),
            };
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
}
