//! Callback plugins in Python: what of a run they are told, and what they ask.

use std::{collections::HashSet, sync::Arc};

use inventory::HostName;
use plan::{Play, Task, TaskId};
use plugins::{Answers, Callbacks, PythonCallbacks};
use protocol::Json;
use report::{Live, Show};
use run::{Event, RunSettings, Store, TaskResult};
use serde_json::json;
use template::{Scope, Value};

use crate::{Failed, session::Session};

pub mod told;

/// Columns of a screen that is no terminal.
const COLUMNS: usize = 79;

/// What callbacks stand on.
pub struct Surrounding<'a> {
    pub session: &'a Session,
    pub store: &'a Arc<Store>,
    pub run: &'a RunSettings,
    pub live: &'a Arc<Live>,
    pub is_painted: bool,
    /// The playbooks as they were given.
    pub playbooks: &'a [String],
}

/// Tells callbacks of events.
pub struct CallbackShow {
    callbacks: PythonCallbacks,
    answers: Said,
    /// Whether one of them is the screen.
    is_screen: bool,
    /// Why nothing is told any more.
    is_over: bool,
    playbooks: Vec<(String, usize)>,
    all_plays: Vec<Arc<Play>>,
    /// Plays that have been told of, in order.
    plays: Vec<Arc<Play>>,
    /// Playbooks that have been told of, by the number of plays before them.
    begun: HashSet<usize>,
    tasks: HashSet<TaskId>,
    warned: HashSet<String>,
}

/// Loads callbacks.
///
/// # Errors
/// The one of the screen cannot be loaded.
pub fn load(callbacks: &Callbacks, around: &Surrounding<'_>) -> Result<CallbackShow, Failed> {
    let session = around.session;
    let scope = Scope::new(Arc::clone(&session.engine), Arc::clone(&session.surroundings));
    let answers = Said { live: Arc::clone(around.live), store: Arc::clone(around.store) };
    let mut said = serde_json::Map::new();
    said.insert("verbosity".into(), around.run.verbosity.into());
    said.insert("colour".into(), around.is_painted.into());
    said.insert("columns".into(), COLUMNS.into());
    said.insert("options".into(), told::options(around));
    let plugins = Arc::clone(&session.plugins);
    let loaded = PythonCallbacks::load(plugins, scope, callbacks, said, &answers);
    Ok(CallbackShow {
        callbacks: loaded.map_err(Failed::general)?,
        answers,
        is_screen: callbacks.screen.is_some(),
        is_over: false,
        playbooks: Vec::new(),
        all_plays: Vec::new(),
        plays: Vec::new(),
        begun: HashSet::new(),
        tasks: HashSet::new(),
        warned: HashSet::new(),
    })
}

impl Show for CallbackShow {
    fn pause(&mut self) {
        self.answers.live.flush();
    }

    fn show(&mut self, event: &Event) {
        if self.is_screen {
            self.show_others(event);
        }
        match event {
            Event::RunStarted { playbooks, plays } => {
                self.playbooks.clone_from(playbooks);
                self.all_plays.clone_from(plays);
                // Where no play is, there is a playbook nevertheless.
                if plays.is_empty() {
                    self.playbooks_until(1);
                }
            }
            Event::PlayStarted { play, name, .. } => self.play(play, name),
            Event::Prompted { prompt, text, default } => {
                // A prompt stands before its play, and its playbook before that.
                self.playbooks_until(self.plays.len() + 1);
                self.tell(json!({
                    "on": "prompt", "name": prompt.name, "private": prompt.private,
                    "prompt": text, "encrypt": prompt.encrypt, "confirm": prompt.confirm,
                    "salt_size": prompt.salt_size, "salt": prompt.salt, "default": default,
                    "unsafe": prompt.unsafe_,
                }));
            }
            Event::NoHostsMatched { .. } => self.tell(json!({ "on": "no_hosts_matched" })),
            Event::NoHostsRemaining => self.tell(json!({ "on": "no_hosts_remaining" })),
            Event::TaskStarted { task, name, check } => {
                let task = self.full(task, name, Some(*check));
                self.tell(json!({ "on": "task", "task": task }));
            }
            Event::HandlerStarted { task, name } => {
                let task = self.full(task, name, None);
                self.tell(json!({ "on": "handler", "task": task }));
            }
            Event::HostStarted { task, host } => {
                let task = self.known(task);
                self.tell(json!({ "on": "host_start", "task": task, "host": host.as_str() }));
            }
            Event::Item(item) => {
                let result = &item.result;
                let method = if result.failed || result.unreachable {
                    "v2_runner_item_on_failed"
                } else if result.skipped {
                    "v2_runner_item_on_skipped"
                } else {
                    "v2_runner_item_on_ok"
                };
                let mut said = told::result(result, &self.callbacks);
                if let Some(fields) = said.get_mut("fields").and_then(Json::as_object_mut) {
                    let label = self.callbacks.json(&Value::from_json(&item.label));
                    fields.insert("_ansible_item_label".into(), label);
                }
                self.result(method, &item.host, &item.task, said, false);
            }
            Event::Retrying { host, task, left, result, .. } => {
                let mut said = told::result(result, &self.callbacks);
                if let Some(fields) = said.get_mut("fields").and_then(Json::as_object_mut) {
                    let attempts = fields.get("attempts").and_then(Json::as_u64).unwrap_or(1);
                    fields.insert("retries".into(), (attempts + left).into());
                    fields.insert("_ansible_retry".into(), true.into());
                }
                self.result("v2_runner_retry", host, task, said, false);
            }
            Event::JobPolled { host, task, job, started, finished } => {
                let said = json!({ "no_log": false, "fields": {
                    "ansible_job_id": job, "started": started, "finished": finished, "changed": false,
                }});
                self.result("v2_runner_on_async_poll", host, task, said, false);
            }
            Event::JobEnded { host, task, job, failed } => {
                let said = json!({ "no_log": false, "fields": { "ansible_job_id": job }});
                let method =
                    if *failed { "v2_runner_on_async_failed" } else { "v2_runner_on_async_ok" };
                self.result(method, host, task, said, false);
            }
            Event::HostEnded { host, task, result, ignored } => {
                self.ended(host, task, result, *ignored);
            }
            Event::Including { host, task } => {
                let said = json!({ "no_log": false, "fields": { "changed": false } });
                self.result("v2_runner_on_ok", host, task, said, false);
            }
            Event::Included { task, file, hosts, label } => {
                let hosts: Vec<&str> = hosts.iter().map(|host| host.as_str()).collect();
                let task = self.known(task);
                self.tell(json!({
                    "on": "include", "task": task, "file": file, "hosts": hosts, "label": label,
                }));
            }
            Event::Notified { handler, host } => {
                let task = self.known(handler);
                self.tell(json!({ "on": "notify", "task": task, "host": host.as_str() }));
            }
            Event::Statistic { name, value, host, aggregate } => {
                let value = self.callbacks.json(&Value::from_json(value));
                let host = host.as_ref().map(|host| host.as_str());
                self.tell(json!({
                    "on": "custom", "name": name, "value": value, "host": host, "aggregate": aggregate,
                }));
            }
            Event::RunEnded { statistics } => {
                let counts = told::counts(statistics);
                self.tell(json!({ "on": "stats", "hosts": counts }));
                self.end();
            }
            Event::Warning { .. }
            | Event::Said { .. }
            | Event::Mistake { .. }
            | Event::Detail { .. }
            | Event::Flush { .. } => {}
        }
    }
}

impl CallbackShow {
    /// What no callback shows: warnings and the like.
    fn show_others(&mut self, event: &Event) {
        let live = &self.answers.live;
        match event {
            Event::Warning { message } if self.warned.insert(message.clone()) => {
                live.print_error(&format!("[WARNING]: {message}"));
            }
            Event::Said { message } => live.print(message),
            Event::Mistake { message } => {
                live.print_error(&format!("ERROR! {}", message.trim_end()));
            }
            _ => {}
        }
    }

    fn tell(&mut self, event: Json) {
        if self.is_over {
            return;
        }
        if let Err(why) = self.callbacks.tell(event, &self.answers) {
            self.is_over = true;
            let message = format!("[WARNING]: callbacks are told nothing from here on: {why}");
            self.answers.live.print_error(&message);
        }
    }

    fn end(&mut self) {
        if !self.is_over
            && let Err(why) = self.callbacks.end(&self.answers)
        {
            self.answers.live.print_error(&format!("[WARNING]: {why}"));
        }
        self.is_over = true;
        self.answers.live.flush();
    }

    /// Tells of a play, and of its playbook before its first one.
    fn play(&mut self, play: &Arc<Play>, name: &str) {
        if !self.plays.iter().any(|known| Arc::ptr_eq(known, play)) {
            self.plays.push(Arc::clone(play));
            self.playbooks_until(self.plays.len());
        }
        self.tell(json!({ "on": "play_context" }));
        let play = told::play(play, name, &self.callbacks);
        self.tell(json!({ "on": "play", "play": play }));
    }

    /// Tells of the playbooks whose plays begin with the one of this number, counted from 1.
    fn playbooks_until(&mut self, play: usize) {
        let mut before = 0;
        for (path, count) in self.playbooks.clone() {
            if before + 1 == play && self.begun.insert(before) {
                let plays: Vec<Json> = self
                    .all_plays
                    .iter()
                    .skip(before)
                    .take(count)
                    .map(|play| told::play(play, &play.raw_name(), &self.callbacks))
                    .collect();
                self.tell(json!({ "on": "start", "file": path, "plays": plays }));
            }
            before += count;
        }
    }

    /// A task, told in full.
    fn full(&mut self, task: &Arc<Task>, name: &str, check: Option<bool>) -> Json {
        self.tasks.insert(task.id);
        told::task(task, name, check, &|value| self.callbacks.json(value))
    }

    /// A task, in full unless it was told of before.
    fn known(&mut self, task: &Arc<Task>) -> Json {
        match self.tasks.contains(&task.id) {
            true => json!({ "uuid": task.id.to_string() }),
            false => self.full(task, &told::written_name(task), None),
        }
    }

    fn ended(&mut self, host: &HostName, task: &Arc<Task>, result: &TaskResult, ignored: bool) {
        let said = told::result(result, &self.callbacks);
        let method = if result.unreachable {
            "v2_runner_on_unreachable"
        } else if result.failed {
            "v2_runner_on_failed"
        } else if result.skipped {
            "v2_runner_on_skipped"
        } else {
            let has_diff = |result: &TaskResult| !result.diff.is_empty();
            if has_diff(result) || result.items.iter().any(has_diff) {
                self.result("v2_on_file_diff", host, task, said.clone(), false);
            }
            "v2_runner_on_ok"
        };
        self.result(method, host, task, said, ignored);
    }

    fn result(
        &mut self,
        method: &str,
        host: &HostName,
        task: &Arc<Task>,
        result: Json,
        ignored: bool,
    ) {
        let task = self.known(task);
        self.tell(json!({
            "on": "result", "method": method, "host": host.as_str(), "task": task,
            "result": result, "ignored": ignored,
        }));
    }
}

/// Answers what callbacks ask: what they display, and of hosts.
struct Said {
    live: Arc<Live>,
    store: Arc<Store>,
}

impl Answers for Said {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        match what {
            "display" => self.display(said),
            "host" => return Some(json!({ "value": told::host(&self.store, text(said, "name")) })),
            "host_variables" => {
                let name = said.get("name").and_then(Json::as_str);
                return Some(json!({ "value": told::host_variables(&self.store, name) }));
            }
            "extra_vars" => {
                return Some(json!({ "value": told::variables(&self.store.extra) }));
            }
            _ => return None,
        }
        Some(json!({}))
    }
}

impl Said {
    fn display(&self, said: &Json) {
        let flag = |name: &str| said.get(name).and_then(Json::as_bool).unwrap_or(false);
        let text = text(said, "text");
        if flag("log_only") {
            self.live.log_text(text);
        } else if flag("stderr") {
            self.live.print_error(text.strip_suffix('\n').unwrap_or(text));
        } else {
            self.live.print_text(text, !flag("screen_only"));
        }
    }
}

fn text<'j>(said: &'j Json, key: &str) -> &'j str {
    said.get(key).and_then(Json::as_str).unwrap_or_default()
}
