//! A run as one JSON document, as the callback `json` prints it.

use std::sync::Arc;

use plan::TaskId;
use protocol::{Json, JsonMap};
use run::Event;

use crate::{Live, Show, json, result};

/// Collects a run and prints it when it has ended.
pub struct JsonReport {
    live: Arc<Live>,
    verbosity: u8,
    plays: Vec<PlayRecord>,
    global: JsonMap,
    per_host: JsonMap,
}

struct PlayRecord {
    name: String,
    path: String,
    start: String,
    end: String,
    tasks: Vec<TaskRecord>,
}

struct TaskRecord {
    id: TaskId,
    name: String,
    path: String,
    start: String,
    end: String,
    hosts: JsonMap,
}

impl JsonReport {
    /// Starts with nothing.
    pub fn new(live: Arc<Live>, verbosity: u8) -> Self {
        Self {
            live,
            verbosity,
            plays: Vec::new(),
            global: JsonMap::new(),
            per_host: JsonMap::new(),
        }
    }

    fn task_started(&mut self, task: &Arc<plan::Task>, name: &str) {
        let now = now();
        let role = task.role().map(|role| format!("{} : ", role.full_name())).unwrap_or_default();
        let record = TaskRecord {
            id: task.id,
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
                let mut shown = result::visible(result, self.verbosity);
                shown.insert("action".into(), task.action.written.clone().into());
                for (name, flag) in [
                    ("failed", result.failed),
                    ("skipped", result.skipped),
                    ("unreachable", result.unreachable),
                ] {
                    if flag {
                        shown.insert(name.into(), Json::Bool(true));
                    }
                }
                let Some(play) = self.plays.last_mut() else { return };
                play.end = now();
                if let Some(record) = play.tasks.iter_mut().rev().find(|t| t.id == task.id) {
                    record.end.clone_from(&play.end);
                    record.hosts.insert(host.to_string(), Json::Object(shown));
                }
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
                self.live.print(&json::pretty(&document, 4));
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
