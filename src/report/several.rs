//! More than one that shows.

use crate::Show;

/// Shows events to each in turn.
pub struct Several(pub Vec<Box<dyn Show>>);

impl Show for Several {
    fn show(&mut self, event: &run::Event) {
        for show in &mut self.0 {
            show.show(event);
        }
    }

    fn pause(&mut self) {
        self.0.iter_mut().for_each(|show| show.pause());
    }
}

/// Shows nothing.
pub struct Nothing;

impl Show for Nothing {
    fn show(&mut self, _: &run::Event) {}
}
