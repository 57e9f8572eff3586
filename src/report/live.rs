//! The line that moves: how far the hosts of a play are.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{LogFile, Masks, log::Level};

/// A live line below the scrolling lines; nothing where output is no terminal.
pub struct Live {
    masks: Arc<Masks>,
    bar: Option<ProgressBar>,
    log: Option<LogFile>,
    /// Lines that wait for [`flush`](Self::flush), where nobody watches them come.
    waiting: Mutex<String>,
}

/// Lines are held back until they are that many bytes.
const WAITING_BYTES_MAX: usize = 16 * 1024;

impl Live {
    /// Shows the line on the terminal, or nowhere. What goes through is masked.
    pub fn new(is_terminal: bool, masks: Arc<Masks>) -> Self {
        Self {
            log: None,
            waiting: Mutex::default(),
            masks,
            bar: is_terminal.then(|| {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                    bar.set_style(style);
                }
                bar
            }),
        }
    }

    /// Writes all that is shown to a log as well.
    #[must_use]
    pub fn with_log(mut self, log: Option<LogFile>) -> Self {
        self.log = log;
        self
    }

    /// Writes a line above.
    pub fn print(&self, line: &str) {
        let line = self.masks.apply(line);
        if let Some(log) = &self.log {
            log.add(Level::Info, &line);
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.push_str(&line);
                waiting.push('\n');
                if waiting.len() >= WAITING_BYTES_MAX {
                    write_out(&mut waiting);
                }
            }
        }
    }

    /// Writes a text as it is: it may be less than a line, or several.
    pub fn print_text(&self, text: &str, is_logged: bool) {
        let text = self.masks.apply(text);
        if let Some(log) = self.log.as_ref().filter(|_| is_logged && !text.trim().is_empty()) {
            log.add(Level::Info, text.trim_end_matches('\n'));
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| print!("{text}")),
            None => {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.push_str(&text);
                if waiting.len() >= WAITING_BYTES_MAX {
                    write_out(&mut waiting);
                }
            }
        }
    }

    /// Writes a text to the log alone.
    pub fn log_text(&self, text: &str) {
        if let Some(log) = &self.log {
            log.add(Level::Info, self.masks.apply(text).trim_end_matches('\n'));
        }
    }

    /// Lets all lines out that wait.
    pub fn flush(&self) {
        write_out(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes what is shown from so much verbosity on: it is shown where `verbosity` is as much, and
    /// logged where the log takes it.
    pub fn detail(&self, line: &str, from: u8, verbosity: u8) {
        if verbosity >= from {
            self.print(line);
        } else if let Some(log) = self.log.as_ref().filter(|log| log.takes(from)) {
            log.add(Level::Info, &self.masks.apply(line));
        }
    }

    /// Writes a line to the error stream, above.
    pub fn print_error(&self, line: &str) {
        let line = self.masks.apply(line);
        if let Some(log) = &self.log {
            let is_warning = line.contains("[WARNING]") || line.contains("[DEPRECATION");
            log.add(if is_warning { Level::Warning } else { Level::Error }, &line);
        }
        // Both streams may lead to one place.
        self.flush();
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Says how far things are.
    pub fn show(&self, message: String) {
        const TICK: Duration = Duration::from_millis(120);
        if let Some(bar) = &self.bar {
            bar.enable_steady_tick(TICK);
            bar.set_message(message);
        }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write_out(waiting: &mut String) {
    if !waiting.is_empty() {
        let mut output = io::stdout().lock();
        // Where nobody reads any more, the run goes on nevertheless.
        let _ = output.write_all(waiting.as_bytes()).and_then(|()| output.flush());
        waiting.clear();
    }
}
