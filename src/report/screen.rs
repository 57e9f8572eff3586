//! Events as lines, worded as Ansible's default callback words them, since people and scripts
//! look for these words.

use std::sync::Arc;

use plan::Task;
use protocol::{Json, JsonMap};
use run::{Event, Statistics, TaskResult};
use template::Value;

use crate::{
    Live, ScreenSettings, diff, json,
    log::DETAILS_FROM,
    paint::Tone,
    recap,
    result::{exception, place},
    wrap::wrap,
};

/// Shows events.
pub struct Screen {
    settings: ScreenSettings,
    live: Arc<Live>,
    hosts: usize,
    done: std::collections::HashSet<inventory::HostName>,
    failed: std::collections::HashSet<inventory::HostName>,
    running: usize,
    task: String,
    said: std::collections::HashSet<String>,
    /// Titles of the tasks that were announced, and the one shown last.
    titles: std::collections::HashMap<plan::TaskId, String>,
    shown: Option<plan::TaskId>,
    /// The task that was announced last, whether its banner was shown or waits.
    announced: Option<plan::TaskId>,
    names: std::collections::HashMap<plan::TaskId, String>,
    custom_stats: crate::custom_stats::CustomStats,
}

impl crate::Show for Screen {
    fn pause(&mut self) {
        self.live.flush();
    }

    fn show(&mut self, event: &Event) {
        for line in self.lines(event) {
            if line.is_error {
                self.live.print_error(&line.text);
            } else {
                self.live.print(&line.text);
            }
        }
        self.follow(event);
    }
}

/// A line and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub is_error: bool,
}

impl Screen {
    /// Makes a screen.
    pub fn new(settings: ScreenSettings, live: Arc<Live>) -> Self {
        Self {
            settings,
            live,
            hosts: 0,
            done: Default::default(),
            failed: Default::default(),
            running: 0,
            task: String::new(),
            said: Default::default(),
            titles: Default::default(),
            shown: None,
            announced: None,
            names: Default::default(),
            custom_stats: Default::default(),
        }
    }

    /// Keeps the live line true.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::PlayStarted { hosts, .. } => {
                self.hosts = hosts.len();
                self.failed.clear();
            }
            Event::TaskStarted { name, .. } | Event::HandlerStarted { name, .. } => {
                self.done.clear();
                self.task.clone_from(name);
            }
            Event::HostStarted { .. } => self.running += 1,
            Event::HostEnded { host, result, ignored, .. } => {
                self.running = self.running.saturating_sub(1);
                self.done.insert(host.clone());
                if (result.failed || result.unreachable) && !ignored {
                    self.failed.insert(host.clone());
                }
            }
            Event::RunEnded { .. } => {
                self.live.finish();
                return;
            }
            _ => return,
        }
        let failed = match self.failed.len() {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        self.live.show(format!(
            "{}: {}/{} hosts done, {} running{failed}",
            self.task,
            self.done.len(),
            self.hosts,
            self.running
        ));
    }

    /// The lines of an event.
    pub fn lines(&mut self, event: &Event) -> Vec<Line> {
        match event {
            Event::PlayStarted { play, name, .. } => {
                let name = name.trim();
                let title =
                    if name.is_empty() { "PLAY".to_owned() } else { format!("PLAY [{name}]") };
                let says = play.frame.keywords.get(plan::Key::CheckMode);
                let says = says.and_then(|setting| setting.tree.literal());
                let is_check = says.and_then(|value| value.as_bool());
                let mark = self.check_mark(is_check.unwrap_or(self.settings.is_check));
                vec![out(self.banner(&format!("{title}{mark}")))]
            }
            Event::NoHostsMatched { .. } => {
                vec![out(self.paint(Tone::Skipped, "skipping: no hosts matched"))]
            }
            Event::NoHostsRemaining => vec![out(self.banner("NO MORE HOSTS LEFT"))],
            Event::TaskStarted { task, name, check } => {
                let role = task.role().map(|role| format!("{} : ", role.full_name()));
                let full = format!("{}{}", role.unwrap_or_default(), name.trim());
                self.names.insert(task.id, full);
                let title = self.title("TASK", task, name, *check);
                self.announce(task, title)
            }
            Event::HandlerStarted { task, name } => {
                let title = self.title("RUNNING HANDLER", task, name, false);
                self.announce(task, title)
            }
            Event::HostStarted { task, host } if self.settings.shows_host_start => {
                let name = self.names.get(&task.id).cloned().unwrap_or_default();
                vec![out(self.paint(Tone::Ok, &format!(" [started TASK: {name} on {host}]")))]
            }
            Event::Statistic { .. } => {
                self.custom_stats.follow(event);
                Vec::new()
            }
            Event::RunStarted { playbooks, .. } => self.playbooks(playbooks),
            Event::Item(item) => {
                let lines = self.item(item);
                self.under_banner(item.task.id, lines)
            }
            Event::Retrying { host, name, left, .. } => {
                let text = format!("FAILED - RETRYING: [{host}]: {name} ({left} retries left).");
                vec![out(self.paint(Tone::Plain, &text))]
            }
            Event::JobPolled { host, job, started, finished, .. } => {
                let text = format!(
                    "ASYNC POLL on {host}: jid={job} started={started} finished={finished}"
                );
                vec![out(self.paint(Tone::Plain, &text))]
            }
            Event::JobEnded { host, job, failed, .. } => {
                let how = if *failed { "FAILED" } else { "OK" };
                vec![out(self.paint(Tone::Plain, &format!("ASYNC {how} on {host}: jid={job}")))]
            }
            Event::HostEnded { host, task, result, ignored } => {
                let lines = self.host_ended(host.as_str(), task, result, *ignored);
                self.under_banner(task.id, lines)
            }
            Event::Included { file, hosts, label, .. } => {
                let hosts: Vec<&str> = hosts.iter().map(|host| host.as_str()).collect();
                let label = label.as_ref().map(|l| format!(" => (item={l})")).unwrap_or_default();
                let text = format!("included: {file} for {}{label}", hosts.join(", "));
                let line = out(self.paint(Tone::Included, &text));
                let Some(task) = self.announced else { return vec![line] };
                self.under_banner(task, vec![line])
            }
            Event::Warning { message } => self.warning(message),
            Event::Said { message } => vec![out(message.clone())],
            // Said by the failure itself where failures explain themselves.
            Event::Mistake { .. } if self.settings.explains => Vec::new(),
            Event::Mistake { message } => {
                let text = self.paint(Tone::Failed, &format!("ERROR! {}", message.trim_end()));
                vec![Line { text, is_error: true }]
            }
            Event::Detail { message } => {
                let line = self.paint(Tone::Verbose, message);
                self.live.detail(&line, DETAILS_FROM, self.settings.verbosity);
                Vec::new()
            }
            Event::RunEnded { statistics } => self.recap(statistics),
            // Told for others.
            _ => Vec::new(),
        }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        self.settings.paint.text(tone, text)
    }

    fn banner(&self, title: &str) -> String {
        const STARS_MIN: usize = 3;
        let title = title.trim();
        let length = title.chars().count();
        let stars = self.settings.columns.saturating_sub(length).max(STARS_MIN);
        format!("\n{title} {}", "*".repeat(stars))
    }

    fn playbooks(&self, playbooks: &[(String, usize)]) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.settings.marks_check && self.settings.is_check {
            lines.push(out(self.banner("DRY RUN")));
        }
        if self.settings.verbosity < 2 {
            return lines;
        }
        for (path, plays) in playbooks {
            let name = path.rsplit('/').next().unwrap_or(path);
            lines.push(out(self.banner(&format!("PLAYBOOK: {name}"))));
            lines.push(out(self.paint(Tone::Verbose, &format!("{plays} plays in {path}"))));
        }
        lines
    }

    /// The banner of a task; where results may be hidden it waits for one that is shown.
    fn announce(&mut self, task: &Arc<Task>, title: String) -> Vec<Line> {
        self.titles.insert(task.id, title);
        (self.shown, self.announced) = (None, Some(task.id));
        if !(self.settings.shows_skipped && self.settings.shows_ok) {
            return Vec::new();
        }
        let mut lines = self.under_banner(task.id, Vec::new());
        if self.settings.verbosity >= 2 {
            lines.push(out(self.paint(Tone::Verbose, &format!("task path: {}", place(task)))));
        }
        lines
    }

    /// What is said of a task, under its banner where another one's stands there.
    fn under_banner(&mut self, task: plan::TaskId, lines: Vec<Line>) -> Vec<Line> {
        let is_hidden =
            lines.is_empty() && !(self.settings.shows_skipped && self.settings.shows_ok);
        if self.shown == Some(task) || is_hidden {
            return lines;
        }
        self.shown = Some(task);
        let banner = self.titles.get(&task).map(|title| out(self.banner(title)));
        banner.into_iter().chain(lines).collect()
    }

    fn title(&self, word: &str, task: &Arc<Task>, name: &str, check: bool) -> String {
        // An include of a role goes by its own name alone.
        let role = task.role().filter(|_| !task.does(&["include_role"]));
        let role = role.map(|role| format!("{} : ", role.full_name())).unwrap_or_default();
        // A task that may be hidden is: whether it is, only its hosts can tell.
        let is_open = task
            .setting(plan::Key::NoLog)
            .is_none_or(|said| said.tree.literal().is_some_and(|value| !value.truthy()));
        let arguments = match self.settings.shows_arguments && is_open {
            true => arguments_of(task),
            false => String::new(),
        };
        format!("{word} [{role}{}{arguments}]{}", name.trim(), self.check_mark(check))
    }

    fn check_mark(&self, is_check: bool) -> &'static str {
        if is_check && self.settings.marks_check { " [CHECK MODE]" } else { "" }
    }

    /// `host`, `host -> delegate` or `host -> delegate(address)`.
    fn host_label(host: &str, result: &TaskResult) -> String {
        match &result.delegated_to {
            Some(delegate) if delegate != host => match &result.delegated_address {
                Some(address) => format!("{host} -> {delegate}({address})"),
                None => format!("{host} -> {delegate}"),
            },
            _ => host.to_owned(),
        }
    }

    fn item(&mut self, item: &run::ItemEvent) -> Vec<Line> {
        let result = &item.result;
        let host = Self::host_label(item.host.as_str(), result);
        // Which item it was must not be seen either.
        let label = if result.no_log {
            "None".to_owned()
        } else {
            Value::from_json(&item.label).to_string()
        };
        let mut lines = self.warnings_of(result);
        lines.extend(self.diffs_of(result));
        if result.unreachable {
            let text = format!(
                "fatal: [{host}]: UNREACHABLE! => (item={label}) => {}",
                self.dump(&item.task, result)
            );
            lines.push(self.failure_line(Tone::Unreachable, &text));
        } else if result.failed {
            lines.extend(self.exception_of(result));
            let text =
                format!("failed: [{host}] (item={label}) => {}", self.dump(&item.task, result));
            lines.push(self.failure_line(Tone::Failed, &text));
            lines.extend(self.explanation(&item.task, result));
        } else if result.skipped {
            if self.settings.shows_skipped {
                let host = &item.host;
                let mut text = format!("skipping: [{host}] => (item={label}) ");
                text.push_str(until_run(result));
                if self.is_verbose(&item.task, result) {
                    text.push_str(&format!(" => {}", self.dump(&item.task, result)));
                }
                lines.push(out(self.paint(Tone::Skipped, &text)));
            }
        } else {
            let (word, tone) =
                if result.changed { ("changed", Tone::Changed) } else { ("ok", Tone::Ok) };
            if result.changed || self.settings.shows_ok {
                let mut text = format!("{word}: [{host}] => (item={label})");
                if self.is_verbose(&item.task, result) {
                    text.push_str(&format!(" => {}", self.dump(&item.task, result)));
                }
                lines.push(out(self.paint(tone, &text)));
            }
        }
        lines
    }

    fn host_ended(
        &mut self,
        host: &str,
        task: &Arc<Task>,
        result: &TaskResult,
        ignored: bool,
    ) -> Vec<Line> {
        // Where nothing was done, nobody did it for the host.
        let host = match result.skipped {
            true => host.to_owned(),
            false => Self::host_label(host, result),
        };
        let mut lines = self.warnings_of(result);
        // Of what must not be seen Ansible knows no items, and says how all of them ended.
        let has_items = !result.items.is_empty() && !result.no_log;
        if !has_items {
            lines.extend(self.diffs_of(result));
        }
        if result.unreachable {
            let text = format!("fatal: [{host}]: UNREACHABLE! => {}", self.dump(task, result));
            lines.push(self.failure_line(Tone::Unreachable, &text));
            lines.extend(self.explanation(task, result));
        } else if result.failed {
            // What debug says of all its items is shown too.
            if has_items && !task.does(&["debug"]) {
                if ignored {
                    lines.push(out(self.paint(Tone::Skipped, "...ignoring")));
                }
                return lines;
            }
            if self.settings.shows_path_on_failure && self.settings.verbosity < 2 {
                lines
                    .push(self.failure_line(Tone::Verbose, &format!("task path: {}", place(task))));
            }
            lines.extend(self.exception_of(result));
            let text = format!("fatal: [{host}]: FAILED! => {}", self.dump(task, result));
            lines.push(self.failure_line(Tone::Failed, &text));
            if !ignored {
                lines.extend(self.explanation(task, result));
            }
        } else if result.skipped {
            let all_items = result.items.iter().all(|item| item.skipped);
            if self.settings.shows_skipped && all_items {
                let mut text = format!("skipping: [{host}]{}", until_run(result));
                if self.is_verbose(task, result) {
                    text.push_str(&format!(" => {}", self.dump(task, result)));
                }
                lines.push(out(self.paint(Tone::Skipped, &text)));
            }
        } else if !has_items {
            let (word, tone) =
                if result.changed { ("changed", Tone::Changed) } else { ("ok", Tone::Ok) };
            if result.changed || self.settings.shows_ok {
                let mut text = format!("{word}: [{host}]");
                if self.is_verbose(task, result) {
                    text.push_str(&format!(" => {}", self.dump(task, result)));
                }
                lines.push(out(self.paint(tone, &text)));
            }
        }
        if ignored && (result.failed || result.unreachable) {
            lines.push(out(self.paint(Tone::Skipped, "...ignoring")));
        }
        lines
    }

    fn failure_line(&self, tone: Tone, text: &str) -> Line {
        Line { text: self.paint(tone, text), is_error: self.settings.failures_to_stderr }
    }

    fn exception_of(&self, result: &TaskResult) -> Option<Line> {
        let text = exception(result, self.settings.verbosity)?;
        Some(self.failure_line(Tone::Failed, text.trim_end_matches('\n')))
    }

    /// Facts are never shown, as they are many.
    fn is_verbose(&self, task: &Task, result: &TaskResult) -> bool {
        let is_asked = self.settings.verbosity > 0 && !task.does(&["setup", "gather_facts"]);
        is_asked || (result.verbose_always && !result.no_log)
    }

    /// The result as JSON: what people want to see of it.
    fn dump(&self, task: &Arc<Task>, result: &TaskResult) -> String {
        if result.no_log {
            let mut shown = JsonMap::new();
            let why = "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
            shown.insert("censored".into(), why.into());
            shown.extend(super::result::kept(result));
            return json::line(&Json::Object(shown));
        }
        let mut shown: JsonMap = result
            .fields
            .iter()
            .filter(|(name, _)| !name.starts_with("_ansible_"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        shown.remove("warnings");
        shown.remove("deprecations");
        shown.remove("exception");
        if self.settings.verbosity < 3 {
            shown.remove("invocation");
            shown.remove("diff");
        }
        // The line says both already.
        shown.remove("failed");
        shown.remove("skipped");
        if result.skipped {
            // Its items have lines of their own.
            shown.remove("results");
        }
        if task.does(&["debug"]) {
            if shown.contains_key("msg") {
                shown.retain(|name, _| matches!(name.as_str(), "msg"));
            } else {
                shown.retain(|name, _| {
                    !matches!(
                        name.as_str(),
                        "changed" | "skipped" | "failed" | "invocation" | "skip_reason"
                    )
                });
            }
        }
        let breaks = result.verbose_always || self.settings.verbosity > 2;
        self.settings.result_format.write(shown, breaks, self.settings.is_pretty)
    }

    fn explanation(&self, task: &Arc<Task>, result: &TaskResult) -> Vec<Line> {
        if !self.settings.explains {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let at = result.place.clone().unwrap_or_else(|| place(task));
        lines.push(format!("  at {at}"));
        if let Some(hint) = &result.hint {
            lines.push(format!("  help: {hint}"));
        }
        lines
            .into_iter()
            .map(|text| Line {
                text: self.paint(Tone::Failed, &text),
                is_error: self.settings.failures_to_stderr,
            })
            .collect()
    }

    fn diffs_of(&self, result: &TaskResult) -> Vec<Line> {
        if result.no_log || (!result.changed && !result.failed) {
            return Vec::new();
        }
        let mut lines = Vec::new();
        for diff in &result.diff {
            let text = diff::show(diff, self.settings.diff_context_lines, self.settings.paint);
            if !text.is_empty() {
                lines.push(out(text));
            }
        }
        lines
    }

    fn warnings_of(&mut self, result: &TaskResult) -> Vec<Line> {
        result.warnings.iter().flat_map(|message| self.warning(message)).collect()
    }

    fn warning(&mut self, message: &str) -> Vec<Line> {
        if !self.said.insert(message.to_owned()) {
            return Vec::new();
        }
        let text = format!("[WARNING]: {message}");
        let text = wrap(&text, self.settings.columns);
        vec![Line { text: self.paint(Tone::Warning, &text), is_error: true }]
    }

    fn recap(&self, statistics: &Statistics) -> Vec<Line> {
        let mut lines = vec![out(self.banner("PLAY RECAP"))];
        let mut hosts: Vec<_> = statistics.hosts.iter().collect();
        hosts.sort_by(|a, b| a.0.cmp(b.0));
        for (host, counts) in hosts {
            lines.push(out(recap::line(host.as_str(), counts, self.settings.paint)));
        }
        lines.push(out(String::new()));
        if self.settings.shows_custom_stats && !self.custom_stats.is_empty() {
            lines.push(out(self.banner("CUSTOM STATS: ")));
            for (of, stats) in self.custom_stats.all() {
                let stats = json::pretty(&Json::Object(stats.clone()), 1).replace('\n', "");
                lines.push(out(format!("\t{of}: {stats}")));
            }
            lines.push(out(String::new()));
        }
        if self.settings.marks_check && self.settings.is_check {
            lines.push(out(self.banner("DRY RUN")));
        }
        lines
    }
}

/// The arguments of a task as they were written.
fn arguments_of(task: &Task) -> String {
    let raw = task.action.free_form.as_ref().map(|tree| ("_raw_params", tree));
    let named = task.action.args.iter().map(|(name, tree)| (&**name, tree));
    let all: Vec<String> = raw
        .into_iter()
        .chain(named)
        .map(|(name, tree)| format!("{name}={}", plan::written(tree)))
        .collect();
    if all.is_empty() { String::new() } else { format!(" {}", all.join(", ")) }
}

/// Says of a skipped task that only a run can tell.
fn until_run(result: &TaskResult) -> &'static str {
    let reason = result.fields.get("skip_reason").and_then(Json::as_str);
    if result.until_run && reason.is_some() { " (unknown until run)" } else { "" }
}

fn out(text: String) -> Line {
    Line { text, is_error: false }
}
