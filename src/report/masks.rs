//! Texts that must not be seen: what a vault held, and passwords.

use std::sync::{PoisonError, RwLock};

/// What stands in place of a secret.
pub const MASK: &str = "********";

/// Shorter texts are left alone: masking them would riddle all other output.
const SECRET_CHARS_MIN: usize = 4;

/// Secrets that are known so far. More may come while a run goes on, as vault strings are decrypted
/// when they are first used.
#[derive(Debug, Default)]
pub struct Masks {
    secrets: RwLock<Vec<String>>,
}

impl Masks {
    /// Adds a secret, as it is and as JSON writes it; of a text of several lines each line.
    pub fn add(&self, secret: &str) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for line in std::iter::once(secret).chain(secret.lines()) {
            let line = line.trim();
            if line.chars().count() < SECRET_CHARS_MIN {
                continue;
            }
            let json = protocol::Json::String(line.to_owned()).to_string();
            let escaped = json.trim_matches('"').to_owned();
            for form in [line.to_owned(), escaped] {
                if !secrets.contains(&form) {
                    secrets.push(form);
                }
            }
        }
        // Longer ones first, so that a part of one does not leave the rest of it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// The text with all secrets masked.
    pub fn apply(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in secrets.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_every_form() {
        let masks = Masks::default();
        masks.add("pass\"word\nsecond line");
        masks.add("abc");
        let shown = masks.apply(r#"abc {"x": "pass\"word", "y": "second line"} pass"word"#);
        assert_eq!(shown, r#"abc {"x": "********", "y": "********"} ********"#);
    }
}
