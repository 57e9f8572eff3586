//! Results of one module on hosts, as Ansible's `minimal` and `oneline` callbacks word them.

use std::sync::Arc;

use plan::Task;
use protocol::{Json, JsonMap};
use run::{Event, TaskResult};

use crate::{
    Live, Paint, Show, diff, json,
    log::DETAILS_FROM,
    paint::Tone,
    result::{exception, visible},
};

/// Shows results one host after the other.
pub struct AdhocScreen {
    pub live: Arc<Live>,
    pub paint: Paint,
    pub verbosity: u8,
    pub one_line: bool,
    pub shows_diff: bool,
    /// How many lines are shown around what differs.
    pub diff_context_lines: usize,
}

impl Show for AdhocScreen {
    fn pause(&mut self) {
        self.live.flush();
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::HostEnded { host, task, result, .. } => {
                if self.shows_diff && !result.no_log {
                    for diff in &result.diff {
                        let text = diff::show(diff, self.diff_context_lines, self.paint);
                        self.live.print(text.trim_end_matches('\n'));
                    }
                }
                for warning in &result.warnings {
                    self.live.print_error(&format!("[WARNING]: {warning}"));
                }
                if let Some(text) = exception(result, self.verbosity).filter(|_| result.failed) {
                    self.live.print(&self.paint.text(Tone::Failed, text.trim_end_matches('\n')));
                }
                self.live.print(&self.line(host.as_str(), task, result));
            }
            Event::Warning { message } => {
                self.live.print_error(&format!("[WARNING]: {message}"));
            }
            Event::Said { message } => self.live.print(message),
            Event::Detail { message } => {
                let line = self.paint.text(Tone::Verbose, message);
                self.live.detail(&line, DETAILS_FROM, self.verbosity);
            }
            _ => {}
        }
    }
}

impl AdhocScreen {
    fn line(&self, host: &str, task: &Task, result: &TaskResult) -> String {
        let is_command = task.does(&["command", "shell", "raw"]);
        let (word, tone) = if result.unreachable {
            ("UNREACHABLE!", Tone::Unreachable)
        } else if result.failed {
            ("FAILED", Tone::Failed)
        } else if result.skipped {
            return self.paint.text(Tone::Skipped, &format!("{host} | SKIPPED"));
        } else if result.changed {
            ("CHANGED", Tone::Changed)
        } else {
            ("SUCCESS", Tone::Ok)
        };
        let is_hidden = result.unreachable || result.no_log || (self.one_line && result.failed);
        let is_job = result.fields.contains_key("ansible_job_id");
        let text = if is_command && !is_hidden && !is_job {
            self.command(host, word, result)
        } else {
            let shown = self.dump(result, task.does(&["debug"]));
            let mark = if result.failed { "FAILED!" } else { word };
            format!("{host} | {mark} => {shown}")
        };
        self.paint.text(tone, &text)
    }

    fn command(&self, host: &str, word: &str, result: &TaskResult) -> String {
        let rc = result.fields.get("rc").and_then(Json::as_i64).unwrap_or(-1);
        let text = |name: &str| result.fields.get(name).and_then(Json::as_str).unwrap_or("");
        if self.one_line {
            let stdout = text("stdout").replace('\n', "\\n").replace('\r', "\\r");
            let stderr = text("stderr").replace('\n', "\\n").replace('\r', "\\r");
            let stderr = if stderr.is_empty() { stderr } else { format!(" (stderr) {stderr}") };
            return format!("{host} | {word} | rc={rc} | (stdout) {stdout}{stderr}");
        }
        format!("{host} | {word} | rc={rc} >>\n{}{}{}", text("stdout"), text("stderr"), text("msg"))
    }

    fn dump(&self, result: &TaskResult, is_debug: bool) -> String {
        let mut shown: JsonMap = visible(result, self.verbosity);
        for hidden in ["warnings", "deprecations", "exception", "failed", "skipped"] {
            shown.remove(hidden);
        }
        if self.verbosity < 3 {
            shown.remove("diff");
        }
        if is_debug && !self.one_line {
            shown.remove("changed");
        }
        let shown = Json::Object(shown);
        if self.one_line {
            // What would be lines, joined.
            let indent = if is_debug { 4 } else { 0 };
            json::pretty(&shown, indent).replace('\n', "")
        } else {
            json::pretty(&shown, 4)
        }
    }
}
