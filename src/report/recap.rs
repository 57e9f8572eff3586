//! A line of the recap: how often a host did what.

use run::statistics::Counts;

use crate::{Paint, paint::Tone};

/// The line of one host. Names and counts have columns of their own.
pub fn line(host: &str, counts: &Counts, paint: Paint) -> String {
    let tone = if counts.failed > 0 || counts.unreachable > 0 {
        Tone::Failed
    } else if counts.changed > 0 {
        Tone::Changed
    } else {
        Tone::Ok
    };
    let field = |name: &str, count: u64, tone: Tone| {
        let text = format!("{name}={count:<4}");
        if count > 0 { paint.text(tone, &text) } else { text }
    };
    // Colour codes take room in the column, as they do in Ansible's.
    let name = paint.text(tone, &format!("{host:<26}"));
    format!(
        "{name} : {} {} {} {} {} {} {}",
        field("ok", counts.ok, Tone::Ok),
        field("changed", counts.changed, Tone::Changed),
        field("unreachable", counts.unreachable, Tone::Unreachable),
        field("failed", counts.failed, Tone::Failed),
        field("skipped", counts.skipped, Tone::Skipped),
        field("rescued", counts.rescued, Tone::Ok),
        field("ignored", counts.ignored, Tone::Warning),
    )
}
