//! The line that moves: how far the hosts of a play are.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{LogFile, Masks, log::Level};

/// A live line below the scrolling lines; nothing where output is no terminal.
pub struct Live {
    masks: Arc<Masks>,
    bar: Option<ProgressBar>,
    log: Option<LogFile>,
}

impl Live {
    /// Shows the line on the terminal, or nowhere. What goes through is masked.
    pub fn new(is_terminal: bool, masks: Arc<Masks>) -> Self {
        Self {
            log: None,
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
    pub fn with_log(self, log: Option<LogFile>) -> Self {
        Self { log, ..self }
    }

    /// Writes a line above.
    pub fn print(&self, line: &str) {
        let line = self.masks.apply(line);
        if let Some(log) = &self.log {
            log.add(Level::Info, &line);
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
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
