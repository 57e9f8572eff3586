//! A run as one JSON document, as the callback `json` prints it.

use std::sync::Arc;

use plan::TaskId;
use protocol::{Json, JsonMap};
use run::Event;

use crate::{Live, Show, json, result};

/// How verbose a result is that says how its module was called: this document always does.
const INVOCATION: u8 = 3;

/// Collects a run and prints it when it has ended.
pub struct JsonReport {
    live: Arc<Live>,
    plays: Vec<PlayRecord>,
    ids: Ids,
    global: JsonMap,
    per_host: JsonMap,
}

/// Numbers plays and tasks, in the form of UUIDs: no two of a run are the same, nor of two runs.
struct Ids {
    run: u64,
    last: u64,
}

impl Ids {
    fn new() -> Self {
        let nanos = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
        Self { run: nanos.cast_unsigned() ^ (u64::from(std::process::id()) << 40), last: 0 }
    }

    fn next(&mut self) -> String {
        self.last += 1;
        let (high, low) = (self.run >> 32, self.run & 0xffff_ffff);
        format!("{low:08x}-{:04x}-{:04x}-0000-{:012x}", high >> 16, high & 0xffff, self.last)
    }
}

struct PlayRecord {
    id: String,
    name: String,
    path: String,
    start: String,
    end: String,
    tasks: Vec<TaskRecord>,
}

struct TaskRecord {
    task: TaskId,
    id: String,
    name: String,
    path: String,
    start: String,
    end: String,
    hosts: JsonMap,
}

impl JsonReport {
    /// Starts with nothing.
    pub fn new(live: Arc<Live>) -> Self {
        Self {
            live,
            plays: Vec::new(),
            ids: Ids::new(),
            global: JsonMap::new(),
            per_host: JsonMap::new(),
        }
    }

    fn task_started(&mut self, task: &Arc<plan::Task>, name: &str) {
        let now = now();
        let role = task.role().map(|role| format!("{} : ", role.full_name())).unwrap_or_default();
        let record = TaskRecord {
            task: task.id,
            id: self.ids.next(),
            name: format!("{role}{}", name.trim()),
            path: result::place(task),
            start: now.clone(),
            end: now,
            hosts: JsonMap::new(),
        };
        if let Some(play) = self.plays.last_mut() {
            play.tasks.push(record);
        }
    }

    fn host_ended(&mut self, host: &str, task: &Arc<plan::Task>, shown: JsonMap) {
        let Some(play) = self.plays.last_mut() else { return };
        play.end = now();
        if let Some(record) = play.tasks.iter_mut().rev().find(|record| record.task == task.id) {
            record.end.clone_from(&play.end);
            record.hosts.insert(host.to_owned(), Json::Object(shown));
        }
    }
}

impl Show for JsonReport {
    fn pause(&mut self) {
        self.live.flush();
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::PlayStarted { play, name, .. } => {
                let now = now();
                self.plays.push(PlayRecord {
                    id: self.ids.next(),
                    name: name.trim().to_owned(),
                    path: format!("{}:{}", play.span.file.path.display(), play.span.start.line),
                    start: now.clone(),
                    end: now,
                    tasks: Vec::new(),
                });
            }
            Event::TaskStarted { task, name, .. } | Event::HandlerStarted { task, name } => {
                self.task_started(task, name);
            }
            Event::HostEnded { host, task, result, .. } => {
                let mut shown = result::visible(result, INVOCATION);
                shown.insert("action".into(), task.action.written.clone().into());
                if result.items.is_empty() {
                    shown.insert("_ansible_no_log".into(), result.no_log.into());
                }
                for (name, flag) in [
                    ("failed", result.failed),
                    ("skipped", result.skipped),
                    ("unreachable", result.unreachable),
                ] {
                    match flag {
                        true => drop(shown.insert(name.into(), Json::Bool(true))),
                        false => drop(shown.remove(name)),
                    }
                }
                self.host_ended(host.as_str(), task, shown);
            }
            Event::Including { host, task } => {
                let file = task.action.free_form.as_ref().or_else(|| task.action.args.get("file"));
                let shown = serde_json::json!({
                    "action": task.action.written,
                    "changed": false,
                    "include": file.map(plan::written),
                    "include_args": {},
                });
                let Json::Object(shown) = shown else { return };
                self.host_ended(host.as_str(), task, shown);
            }
            Event::Statistic { name, value, host, .. } => match host {
                None => {
                    self.global.insert(name.clone(), value.clone());
                }
                Some(host) => {
                    let entry = self.per_host.entry(host.to_string());
                    if let Json::Object(map) = entry.or_insert_with(|| Json::Object(JsonMap::new()))
                    {
                        map.insert(name.clone(), value.clone());
                    }
                }
            },
            Event::RunEnded { statistics } => {
                let mut stats = JsonMap::new();
                for (host, counts) in &statistics.hosts {
                    let counts = serde_json::json!({
                        "ok": counts.ok,
                        "changed": counts.changed,
                        "unreachable": counts.unreachable,
                        "failures": counts.failed,
                        "skipped": counts.skipped,
                        "rescued": counts.rescued,
                        "ignored": counts.ignored,
                    });
                    stats.insert(host.to_string(), counts);
                }
                let document = serde_json::json!({
                    "plays": self.plays.iter().map(PlayRecord::shown).collect::<Vec<_>>(),
                    "stats": stats,
                    "custom_stats": self.per_host,
                    "global_custom_stats": self.global,
                });
                self.live.print(&json::ascii(&json::pretty(&document, 4)));
            }
            _ => {}
        }
    }
}

impl PlayRecord {
    fn shown(&self) -> Json {
        let tasks: Vec<Json> = self
            .tasks
            .iter()
            .map(|task| {
                serde_json::json!({
                    "task": {
                        "id": task.id,
                        "name": task.name,
                        "path": task.path,
                        "duration": {"start": task.start, "end": task.end},
                    },
                    "hosts": task.hosts,
                })
            })
            .collect();
        serde_json::json!({
            "play": {
                "id": self.id,
                "name": self.name,
                "path": self.path,
                "duration": {"start": self.start, "end": self.end},
            },
            "tasks": tasks,
        })
    }
}

/// The time in UTC, as the callback writes it.
fn now() -> String {
    chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
