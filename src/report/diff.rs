//! Differences as unified text, as Ansible shows them.

use crate::{
    hunks::{Change, hunks, lines_of},
    paint::{Paint, Tone},
};
use protocol::{Diff, Json, diff::Side};

/// How many lines around a difference are shown unless settings say otherwise.
pub const CONTEXT_LINES: usize = 3;

/// Writes a difference with so many lines around it; empty where there is none.
pub fn show(diff: &Diff, context_lines: usize, paint: Paint) -> String {
    if let Some(prepared) = &diff.prepared {
        return format!("{prepared}\n");
    }
    let (before, before_hidden) = text(&diff.before);
    let (after, after_hidden) = text(&diff.after);
    if let Some(why) = before_hidden.or(after_hidden) {
        let what =
            if diff.after_header.is_empty() { &diff.before_header } else { &diff.after_header };
        return format!("diff skipped: {what} {why}\n").replace("  ", " ");
    }
    if before == after {
        return String::new();
    }
    let header = |word: &str, name: &str| {
        if name.is_empty() { word.to_owned() } else { format!("{word}: {name}") }
    };
    let mut lines = vec![
        paint.text(Tone::DiffRemove, &format!("--- {}", header("before", &diff.before_header))),
        paint.text(Tone::DiffAdd, &format!("+++ {}", header("after", &diff.after_header))),
    ];
    let (old, new) = (lines_of(&before), lines_of(&after));
    for hunk in hunks(&old, &new, context_lines) {
        lines.push(paint.text(Tone::DiffLines, &hunk.to_string()));
        for change in &hunk.changes {
            let (sign, tone, part) = match change {
                Change::Same(range) => (' ', Tone::Plain, old.get(range.clone())),
                Change::Removed(range) => ('-', Tone::DiffRemove, old.get(range.clone())),
                Change::Added(range) => ('+', Tone::DiffAdd, new.get(range.clone())),
            };
            for line in part.unwrap_or_default() {
                let shown = format!("{sign}{}", line.strip_suffix('\n').unwrap_or(line));
                lines.push(paint.text(tone, &shown));
                if !line.ends_with('\n') {
                    lines.push("\\ No newline at end of file".to_owned());
                }
            }
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn text(side: &Side) -> (String, Option<&str>) {
    match side {
        Side::Text(text) => (text.clone(), None),
        Side::State(state) => (state_text(state), None),
        Side::Hidden(why) => (String::new(), Some(why)),
    }
}

fn state_text(state: &Json) -> String {
    let mut text = crate::json::pretty(state, 4);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `difflib.unified_diff` writes it.
    #[test]
    fn so_many_lines_are_shown_around_as_are_wanted() {
        let diff = Diff {
            before: Side::Text("a\nb\nc\nd\ne\n".into()),
            after: Side::Text("a\nb\nX\nd\ne\n".into()),
            ..Diff::default()
        };
        for (lines, expected) in [
            (0, "@@ -3 +3 @@\n-c\n+X\n"),
            (1, "@@ -2,3 +2,3 @@\n b\n-c\n+X\n d\n"),
            (9, "@@ -1,5 +1,5 @@\n a\n b\n-c\n+X\n d\n e\n"),
        ] {
            let shown = show(&diff, lines, Paint::Plain);
            assert_eq!(shown, format!("--- before\n+++ after\n{expected}"));
        }
    }

    #[test]
    fn texts_are_compared_line_by_line() {
        let diff = Diff {
            before_header: "/etc/x".into(),
            after_header: "/etc/x".into(),
            before: Side::Text("a\nb\nc\n".into()),
            after: Side::Text("a\nB\nc".into()),
            prepared: None,
        };
        let expected = "--- before: /etc/x\n+++ after: /etc/x\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ No newline at end of file\n";
        assert_eq!(show(&diff, CONTEXT_LINES, Paint::Plain), expected);
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        let diff = Diff {
            before: Side::Hidden("is binary".into()),
            after: Side::Text("secret".into()),
            ..Diff::default()
        };
        assert!(!show(&diff, CONTEXT_LINES, Paint::Plain).contains("secret"));
    }
}
