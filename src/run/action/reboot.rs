//! `reboot`: restarts a host and waits until it is back, which another boot ID shows.

use std::time::{Duration, Instant};

use protocol::{Json, JsonMap};
use transport::ConnectionKind;

use super::ActionContext;
use crate::{TaskResult, connect::Way};

/// Seconds where the task does not say.
const REBOOT_TIMEOUT_SECS: u64 = 600;

/// The longest wait between two looks at a host.
const RETRY_SECS_MAX: u64 = 12;

/// How long one command may take, so that a host that hangs is asked again.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

const BOOT_TIME_COMMAND: &str = "cat /proc/sys/kernel/random/boot_id";
const TEST_COMMAND: &str = "whoami";
const MESSAGE: &str = "Reboot initiated by Ansible";
const SEARCH_PATHS: &[&str] = &["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"];

pub(crate) async fn run(context: &ActionContext<'_>, args: &JsonMap) -> TaskResult {
    let mut way = match context.way() {
        Ok(way) => way,
        Err(failure) => return *failure,
    };
    let action = &context.task.action.written;
    if way.target.connection == ConnectionKind::Local {
        let msg = format!("Running {action} with local connection would reboot the control node.");
        let mut result = TaskResult::failure(msg);
        result.fields.insert("elapsed".into(), 0.into());
        result.fields.insert("rebooted".into(), Json::Bool(false));
        return result;
    }
    if context.settings.check {
        return rebooted(0);
    }
    let reboot = Reboot { context, args };
    let secs = |name: &str| reboot.secs(name);
    let before = match reboot.boot_id(&way).await {
        Ok(before) => before,
        Err(Fault::Unreachable(error)) => {
            return super::unanswered(&error, &context.executor.context.settings);
        }
        Err(Fault::Other(why)) => {
            let mut result = TaskResult::failure(why);
            result.fields.insert("reboot".into(), Json::Bool(false));
            return result;
        }
    };
    let started = Instant::now();
    if let Err(why) = reboot.order(&way).await {
        let mut result = TaskResult::failure(why);
        result.fields.insert("rebooted".into(), Json::Bool(false));
        result.fields.insert("elapsed".into(), started.elapsed().as_secs().into());
        return result;
    }
    if let Some(timeout) = secs("connect_timeout") {
        way.target.connect_timeout_secs = timeout;
    }
    tokio::time::sleep(Duration::from_secs(secs("post_reboot_delay").unwrap_or(0))).await;
    match reboot.wait(&way, &before).await {
        Ok(()) => rebooted(started.elapsed().as_secs()),
        Err(why) => {
            let mut result = TaskResult::failure(why);
            result.fields.insert("rebooted".into(), Json::Bool(true));
            result.fields.insert("elapsed".into(), started.elapsed().as_secs().into());
            result
        }
    }
}

fn rebooted(elapsed_secs: u64) -> TaskResult {
    let mut result = TaskResult { changed: true, ..TaskResult::default() };
    result.fields.insert("rebooted".into(), Json::Bool(true));
    result.fields.insert("elapsed".into(), elapsed_secs.into());
    result
}

/// Why a command did not succeed.
enum Fault {
    Unreachable(crate::reach::ReachError),
    Other(String),
}

impl Fault {
    fn into_text(self) -> String {
        match self {
            Fault::Unreachable(error) => error.chain(),
            Fault::Other(why) => why,
        }
    }
}

struct Reboot<'a> {
    context: &'a ActionContext<'a>,
    args: &'a JsonMap,
}

impl Reboot<'_> {
    fn secs(&self, name: &str) -> Option<u64> {
        let value = self.args.get(name)?.as_i64()?;
        Some(u64::try_from(value).unwrap_or(0))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.args.get(name).and_then(Json::as_str)
    }

    async fn execute(&self, way: &Way, command: &str) -> Result<transport::RawOutput, Fault> {
        let reach = &self.context.executor.reach;
        reach.raw(way, command, Some(COMMAND_TIMEOUT)).await.map_err(Fault::Unreachable)
    }

    async fn boot_id(&self, way: &Way) -> Result<String, Fault> {
        let command = self.text("boot_time_command").unwrap_or(BOOT_TIME_COMMAND);
        let output = self.execute(way, command).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.rc != 0 {
            return Err(Fault::Other(format!(
                "{}: failed to get host boot time info, rc: {}, stdout: {}, stderr: {}",
                self.context.task.action.written,
                output.rc,
                text(&output.stdout),
                text(&output.stderr)
            )));
        }
        Ok(text(&output.stdout))
    }

    /// Tells the host to restart. That the connection goes away over it is as it should be.
    async fn order(&self, way: &Way) -> Result<(), String> {
        let command = match self.text("reboot_command") {
            Some(command) => command.to_owned(),
            None => self.shutdown_command(),
        };
        match self.execute(way, &command).await {
            Err(_) => Ok(()),
            Ok(output) if output.rc == 0 => Ok(()),
            // The shell was killed by the shutdown that it ordered.
            Ok(output) if output.rc < 0 || output.rc > 128 => Ok(()),
            Ok(output) => Err(format!(
                "Reboot command failed. Error was: '{}, {}'",
                String::from_utf8_lossy(&output.stdout).trim(),
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }

    /// `shutdown`, looked for in the search paths; where there is none, as on Alpine, `reboot`.
    fn shutdown_command(&self) -> String {
        let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let paths: Vec<String> = match self.args.get("search_paths").and_then(Json::as_array) {
            Some(paths) if !paths.is_empty() => {
                paths.iter().filter_map(Json::as_str).map(str::to_owned).collect()
            }
            _ => SEARCH_PATHS.iter().map(|path| (*path).to_owned()).collect(),
        };
        let folders: Vec<String> = paths.iter().map(|path| quote(path)).collect();
        let minutes = self.secs("pre_reboot_delay").unwrap_or(0) / 60;
        let message = quote(self.text("msg").unwrap_or(MESSAGE));
        let folders = folders.join(" ");
        format!(
            "for d in {folders}; do if [ -x \"$d/shutdown\" ]; then exec \"$d/shutdown\" -r \
             {minutes} {message}; fi; done; for d in {folders}; do if [ -x \"$d/reboot\" ]; then \
             exec \"$d/reboot\"; fi; done; echo 'Unable to find command \"shutdown\" in search \
             paths' >&2; exit 127"
        )
    }

    /// Waits until another boot has come up and the test command succeeds.
    async fn wait(&self, way: &Way, before: &str) -> Result<(), String> {
        let timeout_secs = self.secs("reboot_timeout").unwrap_or(REBOOT_TIMEOUT_SECS);
        let mut delay_secs = 1;
        let deadline = Instant::now() + Duration::from_secs(timeout_secs);
        let late = |what: &str| format!("Timed out waiting for {what} (timeout={timeout_secs})");
        loop {
            // What was open before the restart must not be asked.
            self.context.executor.reach.reset(&way.target.name).await;
            match self.boot_id(way).await {
                Ok(now) if !now.is_empty() && now != before => break,
                Ok(_) => tracing::debug!("the host has not restarted yet"),
                Err(fault) => tracing::debug!(why = fault.into_text(), "the host is away"),
            }
            self.pause(deadline, &mut delay_secs)
                .await
                .map_err(|()| late("last boot time check"))?;
        }
        delay_secs = 1;
        let deadline = Instant::now() + Duration::from_secs(timeout_secs);
        let command = self.text("test_command").unwrap_or(TEST_COMMAND);
        loop {
            match self.execute(way, command).await {
                Ok(output) if output.rc == 0 => return Ok(()),
                Ok(_) => {}
                Err(_) => self.context.executor.reach.reset(&way.target.name).await,
            }
            self.pause(deadline, &mut delay_secs)
                .await
                .map_err(|()| late("post-reboot test command"))?;
        }
    }

    /// Waits longer each time; an error where there is no time left.
    async fn pause(&self, deadline: Instant, delay_secs: &mut u64) -> Result<(), ()> {
        tokio::time::sleep(Duration::from_secs(*delay_secs)).await;
        *delay_secs = (*delay_secs * 2).min(RETRY_SECS_MAX);
        if Instant::now() >= deadline { Err(()) } else { Ok(()) }
    }
}
