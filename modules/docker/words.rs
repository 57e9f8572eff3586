//! The words of a command line of Docker's program.

use std::path::Path;

use protocol::{JsonMap, python};

use super::texts;

/// Words that are put together one option after another.
pub struct Words(Vec<String>);

impl Words {
    /// What a command line starts with.
    pub fn new<const N: usize>(first: [&str; N]) -> Self {
        Self(first.map(str::to_owned).to_vec())
    }

    /// An option, once for each of its values.
    pub fn add(&mut self, option: &str, values: impl IntoIterator<Item = String>) {
        self.0.extend(values.into_iter().flat_map(|value| [option.to_owned(), value]));
    }

    /// An option, once for each name with its value behind `between`.
    pub fn add_pairs(&mut self, option: &str, map: Option<&JsonMap>, between: &str) {
        let all = map.map(texts).unwrap_or_default();
        let pair = |(name, value)| format!("{name}{between}{}", python::text(value));
        self.add(option, all.iter().map(pair));
    }

    /// An option without a value, where it is set.
    pub fn add_flag(&mut self, is_set: bool, flag: &str) {
        if is_set {
            self.0.push(flag.to_owned());
        }
    }

    /// All of them, and a folder that is not taken for an option.
    pub fn on(mut self, folder: &Path) -> Vec<String> {
        self.0.extend(["--".to_owned(), folder.display().to_string()]);
        self.0
    }
}
