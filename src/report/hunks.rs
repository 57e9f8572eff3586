//! Which lines two texts have in common, as Python's `difflib` finds them, so that differences are
//! cut as Ansible cuts them.
//!
//! The longest run of equal lines is taken first, then those before and behind it in the same way
//! (the gestalt approach of Ratcliff and Obershelp). In a text of 200 lines or more, a line that
//! makes up over a hundredth of it is no place to start from.

use std::{collections::HashMap, fmt, ops::Range};

/// Lines from which on frequent ones are no start.
const POPULAR_FROM: usize = 200;

/// Changes that lie close together, and the lines around them.
#[derive(Debug, PartialEq, Eq)]
pub struct Hunk {
    /// In the order of the text.
    pub changes: Vec<Change>,
    old: Range<usize>,
    new: Range<usize>,
}

/// Lines that stay, go or come, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Lines of the old text.
    Same(Range<usize>),
    /// Lines of the old text.
    Removed(Range<usize>),
    /// Lines of the new text.
    Added(Range<usize>),
}

/// `@@ -1,3 +1,4 @@`
impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |range: &Range<usize>| match range.len() {
            1 => (range.start + 1).to_string(),
            // What is empty lies behind a line.
            0 => format!("{},0", range.start),
            length => format!("{},{length}", range.start + 1),
        };
        write!(f, "@@ -{} +{} @@", range(&self.old), range(&self.new))
    }
}

/// The lines of a text with their ends.
pub fn lines_of(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What differs, with `context` lines around it.
pub fn hunks(old: &[&str], new: &[&str], context: usize) -> Vec<Hunk> {
    let mut blocks = matching_blocks(old, new);
    blocks.push(Block { old: old.len(), new: new.len(), length: 0 });
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut old_at, mut new_at) = (0, 0);
    for block in blocks {
        let (gone, come) = (old_at..block.old, new_at..block.new);
        if !gone.is_empty() || !come.is_empty() {
            // The equal lines before this change.
            let same_from = hunks.last().map_or(0, |hunk| hunk.old.end);
            let between = same_from..gone.start;
            let joins = !hunks.is_empty() && between.len() <= 2 * context;
            if !joins {
                if let Some(last) = hunks.last_mut() {
                    last.trail(context, old.len());
                }
                let lead = (gone.start - context.min(between.len()))..gone.start;
                let new_start = come.start - lead.len();
                hunks.push(Hunk {
                    changes: Vec::new(),
                    old: lead.start..lead.start,
                    new: new_start..new_start,
                });
            }
            if let Some(hunk) = hunks.last_mut() {
                hunk.add(Change::Same(hunk.old.end..gone.start));
                hunk.add(Change::Removed(gone));
                hunk.add(Change::Added(come));
            }
        }
        (old_at, new_at) = (block.old + block.length, block.new + block.length);
    }
    if let Some(last) = hunks.last_mut() {
        last.trail(context, old.len());
    }
    hunks
}

impl Hunk {
    fn add(&mut self, change: Change) {
        let (old, new) = match &change {
            Change::Same(range) => (range.len(), range.len()),
            Change::Removed(range) => (range.len(), 0),
            Change::Added(range) => (0, range.len()),
        };
        if old + new > 0 {
            self.old.end += old;
            self.new.end += new;
            self.changes.push(change);
        }
    }

    /// Adds the equal lines behind the last change.
    fn trail(&mut self, context: usize, length: usize) {
        let end = (self.old.end + context).min(length);
        self.add(Change::Same(self.old.end..end));
    }
}

/// A run of equal lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    old: usize,
    new: usize,
    length: usize,
}

/// Runs of equal lines, in their order; none touches the next.
fn matching_blocks(old: &[&str], new: &[&str]) -> Vec<Block> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if new.len() >= POPULAR_FROM {
        let most = new.len() / 100 + 1;
        places.retain(|_, places| places.len() <= most);
    }
    let mut blocks = Vec::new();
    let mut open = vec![(0..old.len(), 0..new.len())];
    while let Some((in_old, in_new)) = open.pop() {
        let block = longest(old, new, &places, &in_old, &in_new);
        if block.length == 0 {
            continue;
        }
        let (old_end, new_end) = (block.old + block.length, block.new + block.length);
        if in_old.start < block.old && in_new.start < block.new {
            open.push((in_old.start..block.old, in_new.start..block.new));
        }
        if old_end < in_old.end && new_end < in_new.end {
            open.push((old_end..in_old.end, new_end..in_new.end));
        }
        blocks.push(block);
    }
    blocks.sort_unstable();
    let mut joined: Vec<Block> = Vec::new();
    for block in blocks {
        match joined.last_mut() {
            Some(last)
                if last.old + last.length == block.old && last.new + last.length == block.new =>
            {
                last.length += block.length;
            }
            _ => joined.push(block),
        }
    }
    joined
}

/// The longest run of equal lines in two stretches: of several the one that starts first in the
/// old text, then in the new one.
fn longest(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    in_old: &Range<usize>,
    in_new: &Range<usize>,
) -> Block {
    let mut best = Block { old: in_old.start, new: in_new.start, length: 0 };
    // How long the run is that ends with a line of the new text and the old line before.
    let mut ending: HashMap<usize, usize> = HashMap::new();
    for (at, line) in old.iter().enumerate().take(in_old.end).skip(in_old.start) {
        let mut ending_here = HashMap::new();
        for place in places.get(line).into_iter().flatten().copied() {
            if place < in_new.start {
                continue;
            }
            if place >= in_new.end {
                break;
            }
            let before = place.checked_sub(1).and_then(|before| ending.get(&before));
            let length = before.copied().unwrap_or(0) + 1;
            ending_here.insert(place, length);
            if length > best.length {
                best = Block { old: at + 1 - length, new: place + 1 - length, length };
            }
        }
        ending = ending_here;
    }
    // Frequent lines start no run, but belong to one that they touch.
    while best.old > in_old.start
        && best.new > in_new.start
        && old.get(best.old - 1) == new.get(best.new - 1)
    {
        best = Block { old: best.old - 1, new: best.new - 1, length: best.length + 1 };
    }
    while best.old + best.length < in_old.end
        && best.new + best.length < in_new.end
        && old.get(best.old + best.length) == new.get(best.new + best.length)
    {
        best.length += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unified(old: &str, new: &str) -> String {
        let (old, new) = (lines_of(old), lines_of(new));
        let mut text = String::new();
        for hunk in hunks(&old, &new, 3) {
            text.push_str(&format!("{hunk}\n"));
            for change in hunk.changes {
                let (sign, part) = match change {
                    Change::Same(range) => (' ', &old[range]),
                    Change::Removed(range) => ('-', &old[range]),
                    Change::Added(range) => ('+', &new[range]),
                };
                part.iter().for_each(|line| text.push_str(&format!("{sign}{line}")));
            }
        }
        text
    }

    /// A line that is found everywhere is no place to start from: without that rule the first hunk
    /// would span lines 1 to 102. The expected hunks are those of Python's `difflib`.
    #[test]
    fn frequent_lines_are_no_start() {
        let line =
            |at: usize| if at.is_multiple_of(3) { "}\n".to_owned() } else { format!("{at}\n") };
        let old: String = (0..220).map(line).collect();
        for (braces, expected) in [
            (20, ["@@ -1,3 +1,143 @@", "@@ -59,162 +199,22 @@"]),
            (40, ["@@ -1,3 +1,163 @@", "@@ -59,162 +219,42 @@"]),
        ] {
            let frame = "}\n".repeat(braces);
            let inner: String = (100..220).chain(0..60).map(line).collect();
            let new = format!("{frame}{inner}{frame}");
            let found: Vec<String> = hunks(&lines_of(&old), &lines_of(&new), 3)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, expected);
        }
    }

    /// What Python's `difflib.unified_diff` gives for the same texts.
    #[test]
    fn hunks_are_cut_as_in_python() {
        for (old, new, expected) in [
            ("", "", ""),
            ("a\n", "a\n", ""),
            ("", "a\n", "@@ -0,0 +1 @@\n+a\n"),
            ("a\n", "", "@@ -1 +0,0 @@\n-a\n"),
            ("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"),
            (
                "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
                "1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n",
                "@@ -7,3 +7,4 @@\n 7\n 8\n 9\n+x\n",
            ),
            (
                "a\n1\n2\n3\n4\n5\n6\nb\n",
                "A\n1\n2\n3\n4\n5\n6\nB\n",
                "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n",
            ),
            (
                "a\n1\n2\n3\n4\n5\n6\n7\nb\n",
                "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
                "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n",
            ),
            // The longest run counts, not the fewest changes.
            ("x\n\ny\n\nz\n", "\n\n\nz\nx\n", "@@ -1,5 +1,5 @@\n-x\n \n-y\n+\n \n z\n+x\n"),
        ] {
            assert_eq!(unified(old, new), expected, "{old:?} to {new:?}");
        }
    }
}
