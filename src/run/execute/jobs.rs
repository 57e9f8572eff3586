//! Jobs: tasks with `async`, started on the host and asked for until they have ended.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plan::Task;
use protocol::{Json, JsonMap, request::JobOrder, spec::Runs};
use template::{Scope, Value};

use super::{Executor, Settings};
use crate::{
    Event, TaskResult,
    action::{self, ActionContext, async_status},
};

/// How a task is run as a job.
#[derive(Clone, Debug)]
pub(crate) struct JobSettings {
    pub order: JobOrder,
    /// Seconds between two looks at the job; 0 where nobody waits for it.
    pub poll_secs: u64,
}

impl Executor {
    /// `async` and `poll` of a task; `None` where it is no job.
    pub(super) fn job(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<Option<JobSettings>, Box<TaskResult>> {
        let Some(setting) = &task.async_ else { return Ok(None) };
        let limit_secs = self.seconds(setting, scope, "async")?;
        if limit_secs == 0 {
            return Ok(None);
        }
        let poll_secs = match &task.poll {
            Some(setting) => self.seconds(setting, scope, "poll")?,
            None => self.context.settings.poll_interval_secs,
        };
        let order = JobOrder { name: job_name(), folder: self.job_folder(scope), limit_secs };
        Ok(Some(JobSettings { order, poll_secs }))
    }

    /// Folder of the files of jobs.
    pub(crate) fn job_folder(&self, scope: &Scope) -> String {
        match scope.get("ansible_async_dir").map(|folder| folder.forced()) {
            Some(Ok(folder)) if !matches!(folder, Value::None | Value::Omit) => folder.to_string(),
            _ => self.context.settings.async_dir.clone(),
        }
    }

    /// What a job comes to, once it has been started: waits for it where the task wants that.
    pub(super) async fn follow(
        &self,
        context: &ActionContext<'_>,
        job: &JobSettings,
        started: TaskResult,
    ) -> TaskResult {
        if job.poll_secs == 0 || started.failed || started.skipped || started.unreachable {
            return started;
        }
        let Some(id) = started.fields.get("ansible_job_id").and_then(Json::as_str) else {
            return TaskResult::failure("No job id was returned by the async task");
        };
        let settings = Settings { job: None, timeout_secs: None, ..context.settings.clone() };
        let context = ActionContext { settings: &settings, ..*context };
        let result = self.poll(&context, job, id).await;
        let _ = self.events.send(Event::JobEnded {
            host: context.host.clone(),
            task: Arc::clone(context.task),
            job: id.to_owned(),
            failed: result.failed,
        });
        result
    }

    async fn poll(&self, context: &ActionContext<'_>, job: &JobSettings, id: &str) -> TaskResult {
        let ask = |mode: &str| {
            let mut args = JsonMap::new();
            args.insert("jid".into(), id.into());
            args.insert("mode".into(), mode.into());
            args
        };
        let is_done = |result: &TaskResult| {
            result.skipped || result.fields.get("finished").and_then(Json::as_u64) == Some(1)
        };
        let mut left_secs = job.order.limit_secs;
        let mut last = TaskResult::default();
        while left_secs > 0 {
            tokio::time::sleep(Duration::from_secs(job.poll_secs)).await;
            last = async_status::run(context, ask("status")).await;
            if is_done(&last) {
                break;
            }
            left_secs = left_secs.saturating_sub(job.poll_secs);
            if last.unreachable {
                // A host may be away for a while; the connection is made anew.
                self.reach.reset(context.host.as_str()).await;
                continue;
            }
            let _ = self.events.send(Event::JobPolled {
                host: context.host.clone(),
                task: Arc::clone(context.task),
                job: id.to_owned(),
                started: last.fields.get("started").and_then(Json::as_u64).unwrap_or(0),
                finished: last.fields.get("finished").and_then(Json::as_u64).unwrap_or(0),
            });
        }
        if last.unreachable {
            return last;
        }
        if !is_done(&last) {
            let limit_secs = job.order.limit_secs;
            let mut result = TaskResult::failure(format!(
                "async task did not complete within the requested time - {limit_secs}s"
            ));
            result.fields.insert("async_result".into(), Json::Object(last.fields));
            return result;
        }
        // Nobody looks at the file any more; where it cannot be removed it does no harm.
        let _ = async_status::run(context, ask("cleanup")).await;
        last
    }
}

/// Whether an action's work can be a job: all of it is the host's.
pub(super) fn can_be_job(name: &str, runs: Runs) -> bool {
    runs == Runs::Remote && (!action::has_controller_half(name) || name == "ansible.builtin.setup")
}

/// A name that no other job has, but for its process.
fn job_name() -> String {
    use std::hash::{BuildHasher, RandomState};
    const NAMES: u64 = 999_999_999_999;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("j{}", RandomState::new().hash_one(now.as_nanos()) % NAMES)
}
