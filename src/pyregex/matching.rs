//! Searching, splitting and substituting.

use crate::{Error, Pattern, Replacement};

/// A match: the whole and its groups, as byte ranges of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'t> {
    text: &'t str,
    groups: Vec<Option<Group>>,
}

/// A byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub start: usize,
    pub end: usize,
}

impl<'t> Found<'t> {
    fn new(text: &'t str, captures: &fancy_regex::Captures<'t>) -> Self {
        let groups = (0..captures.len())
            .map(|at| captures.get(at).map(|part| Group { start: part.start(), end: part.end() }))
            .collect();
        Self { text, groups }
    }

    /// Where the whole match starts, in bytes.
    pub fn start(&self) -> usize {
        self.span(0).map_or(0, |group| group.start)
    }

    /// Where the whole match ends, in bytes.
    pub fn end(&self) -> usize {
        self.span(0).map_or(0, |group| group.end)
    }

    /// The whole match.
    pub fn as_str(&self) -> &'t str {
        self.group(0).unwrap_or("")
    }

    /// The range of a group, if it took part; 0 is the whole match.
    pub fn span(&self, number: usize) -> Option<Group> {
        self.groups.get(number).copied().flatten()
    }

    /// The text of a group, if it took part; 0 is the whole match.
    pub fn group(&self, number: usize) -> Option<&'t str> {
        let group = self.span(number)?;
        self.text.get(group.start..group.end)
    }

    /// How many groups there are, the whole match included.
    pub fn count(&self) -> usize {
        self.groups.len()
    }
}

impl Pattern {
    /// The first match.
    ///
    /// # Errors
    /// The pattern goes back too often on this text.
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Found<'t>>, Error> {
        self.search_from(text, 0)
    }

    fn search_from<'t>(&self, text: &'t str, at: usize) -> Result<Option<Found<'t>>, Error> {
        find(&self.regex, text, at)
    }

    /// Whether there is a match anywhere.
    ///
    /// # Errors
    /// The pattern goes back too often on this text.
    pub fn is_match(&self, text: &str) -> Result<bool, Error> {
        self.regex.is_match(text).map_err(|_| Error::Backtracking)
    }

    /// A match at the start of the text: Python's `re.match`.
    ///
    /// # Errors
    /// The pattern goes back too often on this text.
    pub fn match_<'t>(&self, text: &'t str) -> Result<Option<Found<'t>>, Error> {
        // The leftmost match starts at the start if any does.
        Ok(self.search(text)?.filter(|found| found.start() == 0))
    }

    /// A match of all of the text.
    ///
    /// # Errors
    /// The pattern goes back too often on this text.
    pub fn fullmatch<'t>(&self, text: &'t str) -> Result<Option<Found<'t>>, Error> {
        let regex = crate::compile(&format!(r"\A(?:{})\z", self.source))?;
        find(&regex, text, 0)
    }

    /// All matches from left to right that do not overlap, empty ones too, up to `limit`; 0 is no
    /// limit.
    ///
    /// # Errors
    /// The pattern goes back too often on this text.
    pub fn find_all<'t>(&self, text: &'t str, limit: usize) -> Result<Vec<Found<'t>>, Error> {
        let mut all: Vec<Found<'t>> = Vec::new();
        let mut at = 0;
        let mut after_empty = false;
        while limit == 0 || all.len() < limit {
            let found =
                if after_empty { self.after_empty(text, at)? } else { self.search_from(text, at)? };
            let Some(found) = found else { break };
            after_empty = found.end() == found.start();
            at = found.end();
            all.push(found);
        }
        Ok(all)
    }

    /// The next match after an empty one at a place: there it must not be empty again.
    fn after_empty<'t>(&self, text: &'t str, at: usize) -> Result<Option<Found<'t>>, Error> {
        let filled = fancy_regex::RegexBuilder::new(&self.source)
            .backtrack_limit(crate::BACKTRACKS_MAX)
            .find_not_empty(true)
            .build();
        if let Ok(filled) = filled
            && let Some(found) = find(&filled, text, at)?
            && found.start() == at
        {
            return Ok(Some(found));
        }
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(c) => self.search_from(text, at + c.len_utf8()),
            None => Ok(None),
        }
    }

    /// Python's `re.split`: the parts between matches and what groups matched, up to `limit`
    /// splits; 0 is no limit. A group that took no part is `None`.
    ///
    /// # Errors
    /// The pattern goes back too often on this text.
    pub fn split<'t>(&self, text: &'t str, limit: usize) -> Result<Vec<Option<&'t str>>, Error> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in self.find_all(text, limit)? {
            parts.push(text.get(at..found.start()));
            parts.extend((1..found.count()).map(|number| found.group(number)));
            at = found.end();
        }
        parts.push(text.get(at..));
        Ok(parts)
    }

    /// Python's `re.subn`: the text with matches replaced, up to `limit` (0 is no limit), and how
    /// many were.
    ///
    /// # Errors
    /// The replacement does not fit the pattern, or the pattern goes back too often.
    pub fn substitute(
        &self,
        text: &str,
        replacement: &str,
        limit: usize,
    ) -> Result<(String, usize), Error> {
        let replacement = Replacement::parse(replacement, self)?;
        self.substitute_with(text, limit, |found| replacement.expand(found))
    }

    /// As [`Pattern::substitute`], with the replacement of each match worked out by a function.
    ///
    /// # Errors
    /// The pattern goes back too often.
    pub fn substitute_with(
        &self,
        text: &str,
        limit: usize,
        mut replace: impl FnMut(&Found<'_>) -> String,
    ) -> Result<(String, usize), Error> {
        let all = self.find_all(text, limit)?;
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for found in &all {
            out.push_str(text.get(at..found.start()).unwrap_or(""));
            out.push_str(&replace(found));
            at = found.end();
        }
        out.push_str(text.get(at..).unwrap_or(""));
        Ok((out, all.len()))
    }
}

fn find<'t>(
    regex: &fancy_regex::Regex,
    text: &'t str,
    at: usize,
) -> Result<Option<Found<'t>>, Error> {
    let captures = regex.captures_from_pos(text, at).map_err(|_| Error::Backtracking)?;
    Ok(captures.map(|captures| Found::new(text, &captures)))
}
