//! How long things took: the callbacks `timer`, `profile_tasks` and `profile_roles`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use run::Event;

use crate::{Live, Show};

/// Says how long the run took.
pub struct Timer {
    live: Arc<Live>,
    start: Instant,
}

impl Timer {
    /// Starts the clock.
    pub fn new(live: Arc<Live>) -> Self {
        Self { live, start: Instant::now() }
    }
}

impl Show for Timer {
    fn pause(&mut self) {
        self.live.flush();
    }

    fn show(&mut self, event: &Event) {
        if let Event::RunEnded { .. } = event {
            let secs = self.start.elapsed().as_secs();
            self.live.print(&format!(
                "Playbook run took {} days, {} hours, {} minutes, {} seconds",
                secs / 86_400,
                secs / 3600 % 24,
                secs / 60 % 60,
                secs % 60
            ));
        }
    }
}

/// What times are added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileBy {
    Task,
    Role,
}

/// In which order tasks are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileOrder {
    Descending,
    Ascending,
    /// As they were run.
    None,
}

/// Says before each task when it starts, and at the end what took longest.
pub struct Profile {
    live: Arc<Live>,
    by: ProfileBy,
    order: ProfileOrder,
    /// How many tasks are listed.
    limit: usize,
    start: Instant,
    last: Instant,
    times: Vec<(String, Duration)>,
    current: Option<(String, Instant)>,
}

impl Profile {
    /// Starts the clock.
    pub fn new(live: Arc<Live>, by: ProfileBy, order: ProfileOrder, limit: usize) -> Self {
        let now = Instant::now();
        Self { live, by, order, limit, start: now, last: now, times: Vec::new(), current: None }
    }

    fn end_current(&mut self) {
        let Some((name, start)) = self.current.take() else { return };
        let took = start.elapsed();
        match self.times.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) if self.by == ProfileBy::Role => *sum += took,
            _ => self.times.push((name, took)),
        }
    }

    /// The time of day, how long the last task took and how long the run has gone on.
    fn stamp(&mut self) -> String {
        let now = Instant::now();
        let text = format!(
            "{} ({})       {}",
            local_time(),
            clock(now.duration_since(self.last)),
            clock(now.duration_since(self.start))
        );
        self.last = now;
        filled(&text, '*')
    }
}

impl Show for Profile {
    fn pause(&mut self) {
        self.live.flush();
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::TaskStarted { task, name, .. } | Event::HandlerStarted { task, name } => {
                self.end_current();
                let stamp = self.stamp();
                self.live.print(&stamp);
                let role = task.role().map(|role| role.full_name());
                let name = match self.by {
                    ProfileBy::Task => match role {
                        Some(role) => format!("{role} : {}", name.trim()),
                        None => name.trim().to_owned(),
                    },
                    ProfileBy::Role => role.unwrap_or_else(|| {
                        task.action.name.rsplit('.').next().unwrap_or("").to_owned()
                    }),
                };
                self.current = Some((name, Instant::now()));
            }
            Event::RunEnded { .. } => {
                self.end_current();
                let stamp = self.stamp();
                self.live.print(&stamp);
                self.live.print(&filled("", '='));
                let total: Duration = self.times.iter().map(|(_, took)| *took).sum();
                let mut times = std::mem::take(&mut self.times);
                match self.order {
                    ProfileOrder::Descending => times.sort_by_key(|(_, t)| std::cmp::Reverse(*t)),
                    ProfileOrder::Ascending => times.sort_by_key(|(_, took)| *took),
                    ProfileOrder::None => {}
                }
                for (name, took) in times.iter().take(self.limit) {
                    self.live.print(&line(name, *took));
                }
                if self.by == ProfileBy::Role {
                    self.live.print(&filled("", '~'));
                    self.live.print(&line("total", total));
                }
            }
            _ => {}
        }
    }
}

/// `name ------- 1.20s`
fn line(name: &str, took: Duration) -> String {
    format!("{:-<70}{:->9}", format!("{name} "), format!(" {:.2}s", took.as_secs_f64()))
}

fn filled(text: &str, fill: char) -> String {
    const WIDTH: usize = 79;
    const FILL_MIN: usize = 3;
    let text = if text.is_empty() { String::new() } else { format!("{text} ") };
    let width = WIDTH.saturating_sub(text.chars().count()).max(FILL_MIN);
    format!("{text}{} ", fill.to_string().repeat(width))
}

/// `0:00:01.234`
fn clock(duration: Duration) -> String {
    let secs = duration.as_secs();
    format!(
        "{}:{:02}:{:02}.{:03}",
        secs / 3600,
        secs / 60 % 60,
        secs % 60,
        duration.subsec_millis()
    )
}

fn local_time() -> String {
    chrono::Local::now().format("%A %d %B %Y  %H:%M:%S %z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_ansible_writes_them() {
        assert_eq!(clock(Duration::from_millis(3_723_004)), "1:02:03.004");
        assert_eq!(filled("x", '*'), format!("x {} ", "*".repeat(77)));
        assert_eq!(filled("", '='), format!("{} ", "=".repeat(79)));
        let shown = line("role : task", Duration::from_millis(1234));
        assert!(shown.starts_with("role : task ---") && shown.ends_with("--- 1.23s"), "{shown}");
        assert_eq!(shown.len(), 79);
    }
}
