//! Events to what people and machines read.
//!
//! Start with [`Screen`] (events to lines, as Ansible's default callback words them), then [`diff`]
//! (differences as unified text), [`paint`] (colours) and [`live`] (the line that moves). What else
//! Ansible's callbacks show stands beside it, a file each: [`events_json`], [`junit`], [`profile`] …
//!
//! This room decides nothing: leaving it out changes what is seen and not what is done.

pub mod adhoc;
pub mod custom_stats;
pub mod diff;
pub mod events_json;
pub mod folder;
mod hunks;
pub mod json;
pub mod junit;
pub mod live;
pub mod log;
pub mod masks;
pub mod paint;
pub mod profile;
mod recap;
pub mod result;
pub mod result_format;
pub mod screen;
pub mod screen_settings;
pub mod several;
pub mod wrap;
pub mod yaml;

pub use adhoc::AdhocScreen;
pub use events_json::JsonReport;
pub use folder::ResultFolder;
pub use junit::{Junit, JunitSettings};
pub use live::Live;
pub use log::LogFile;
pub use masks::Masks;
pub use paint::{Paint, Tone};
pub use profile::{Profile, ProfileBy, ProfileOrder, Timer};
pub use result_format::ResultFormat;
pub use screen::Screen;
pub use screen_settings::ScreenSettings;
pub use several::{Nothing, Several};

/// Shows events as they happen.
pub trait Show: Send {
    /// Shows one event.
    fn show(&mut self, event: &run::Event);

    /// Nothing happens for now: what was shown must be there to be seen.
    fn pause(&mut self) {}
}
