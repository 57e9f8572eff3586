//! What the screen shows, and how.

use crate::{Paint, ResultFormat, diff};

/// How events are shown.
#[derive(Clone, Debug)]
pub struct ScreenSettings {
    pub paint: Paint,
    pub verbosity: u8,
    /// Columns of the terminal, at least 79.
    pub columns: usize,
    pub shows_skipped: bool,
    pub shows_ok: bool,
    /// Whether failures go to the error stream.
    pub failures_to_stderr: bool,
    /// Whether failures are followed by their place in the file and what to do.
    pub explains: bool,
    /// Whether what `set_stats` has set is shown at the end.
    pub shows_custom_stats: bool,
    /// Whether a check run says so in its banners.
    pub marks_check: bool,
    /// Whether this is a check run.
    pub is_check: bool,
    /// Whether it is said when a host starts a task.
    pub shows_host_start: bool,
    /// Whether the place of a task is said where it fails.
    pub shows_path_on_failure: bool,
    /// How many lines are shown around what differs.
    pub diff_context_lines: usize,
    /// Whether banners of tasks hold their arguments.
    pub shows_arguments: bool,
    pub result_format: ResultFormat,
    /// Whether results are broken into lines; `None` for where the format would have it.
    pub is_pretty: Option<bool>,
}

impl Default for ScreenSettings {
    fn default() -> Self {
        Self {
            paint: Paint::Plain,
            verbosity: 0,
            columns: 79,
            shows_skipped: true,
            shows_ok: true,
            failures_to_stderr: false,
            explains: true,
            shows_custom_stats: false,
            marks_check: false,
            is_check: false,
            shows_host_start: false,
            shows_path_on_failure: false,
            diff_context_lines: diff::CONTEXT_LINES,
            shows_arguments: false,
            result_format: ResultFormat::Json,
            is_pretty: None,
        }
    }
}
