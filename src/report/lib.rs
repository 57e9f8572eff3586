//! Events to what people and machines read.
//!
//! Start with [`Screen`] (events to lines, as Ansible's default callback words them), then [`diff`]
//! (differences as unified text), [`paint`] (colours) and [`live`] (the line that moves).
//!
//! This room decides nothing: leaving it out changes what is seen and not what is done.

pub mod adhoc;
pub mod custom_stats;
pub mod diff;
pub mod json;
pub mod live;
pub mod masks;
pub mod paint;
pub mod screen;

pub use adhoc::AdhocScreen;
pub use live::Live;
pub use masks::Masks;
pub use paint::Paint;
pub use screen::{Screen, ScreenSettings};

/// Shows events as they happen.
pub trait Show: Send {
    /// Shows one event.
    fn show(&mut self, event: &run::Event);
}
