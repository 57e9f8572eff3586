//! Python's regular expressions.
//!
//! [`Pattern`] takes Python's syntax and behaves as Python's module `re`: [`Pattern::search`],
//! [`Pattern::match_`], [`Pattern::fullmatch`], [`Pattern::find_all`], [`Pattern::split`] and
//! [`Pattern::substitute`], with Python's rules for empty matches and replacement texts.
//!
//! [`translate`] turns Python's syntax into fancy-regex's; what cannot be translated is an error
//! that names it. The room is linked into the remote, so it uses no other crate than fancy-regex.

mod flags;
mod matching;
mod replacement;
mod translate;

use std::fmt;

pub use flags::Flags;
pub use matching::{Found, Group};
pub use replacement::{Replacement, escape};

/// How much a pattern may go back before it gives up.
const BACKTRACKS_MAX: usize = 1_000_000;

/// A compiled regular expression.
#[derive(Clone)]
pub struct Pattern {
    regex: fancy_regex::Regex,
    /// The same, for [`Pattern::match_`] and [`Pattern::fullmatch`].
    source: String,
    names: Vec<Option<String>>,
}

/// Why a pattern or replacement cannot be used, or a match could not be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The pattern is wrong.
    #[error("{message} at position {at}")]
    Pattern { message: String, at: usize },
    /// Python takes the pattern, but it is not supported here.
    #[error("{0} in regular expressions is not supported")]
    Unsupported(String),
    /// The replacement text is wrong.
    #[error("{0}")]
    Replacement(String),
    /// Matching went back too often.
    #[error("the regular expression takes too long on this text: it goes back too often")]
    Backtracking,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The pattern is wrong or uses what is not supported.
    pub fn new(pattern: &str, flags: Flags) -> Result<Self, Error> {
        let source = translate::translate(pattern, flags)?;
        let regex = compile(&source)?;
        let names = regex.capture_names().map(|name| name.map(ToOwned::to_owned)).collect();
        Ok(Self { regex, source, names })
    }

    /// How many groups the pattern has, without the whole match.
    pub fn groups(&self) -> usize {
        self.names.len().saturating_sub(1)
    }

    /// The number of a named group.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.as_deref() == Some(name))
    }

    /// The names of groups, with their numbers.
    pub fn group_names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.names.iter().enumerate().filter_map(|(at, name)| Some((at, name.as_deref()?)))
    }
}

fn compile(source: &str) -> Result<fancy_regex::Regex, Error> {
    fancy_regex::RegexBuilder::new(source).backtrack_limit(BACKTRACKS_MAX).build().map_err(
        |error| match error {
            fancy_regex::Error::ParseError(at, error) => {
                Error::Pattern { message: error.to_string(), at }
            }
            other => Error::Pattern { message: other.to_string(), at: 0 },
        },
    )
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}
