//! Colours, by what they mean.

/// What a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Ok,
    Changed,
    Skipped,
    Failed,
    Unreachable,
    Warning,
    DiffAdd,
    DiffRemove,
    DiffLines,
    Verbose,
    Included,
}

/// Whether texts are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Colour,
    Plain,
}

impl Paint {
    /// A text in the colour of its tone.
    pub fn text(self, tone: Tone, text: &str) -> String {
        if self == Paint::Plain || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Ok | Tone::DiffAdd => "0;32",
            Tone::Changed => "0;33",
            Tone::Skipped | Tone::Included | Tone::DiffLines => "0;36",
            Tone::Failed | Tone::DiffRemove => "0;31",
            Tone::Unreachable => "1;31",
            Tone::Warning => "1;35",
            Tone::Verbose => "0;34",
        };
        // Each line on its own, so that pagers and `grep` keep them.
        let lines: Vec<String> =
            text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect();
        lines.join("\n")
    }
}
