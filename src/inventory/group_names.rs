//! What becomes of names of groups that could not be names of variables.

/// What is done with such a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transform {
    /// It is kept, and that is said once.
    #[default]
    Never,
    /// It is kept, and nothing is said.
    Ignore,
    /// Underscores stand for what does not fit, and that is said once.
    Always,
    /// Underscores stand for what does not fit, and nothing is said.
    Silently,
}

/// The rule for names of groups, and whether it was needed.
#[derive(Clone, Debug, Default)]
pub struct GroupNames {
    pub transform: Transform,
    /// Names that do not fit, as they were written.
    pub unfit: Vec<String>,
}

impl GroupNames {
    /// The name of a group that a file or script names.
    pub fn kept(&mut self, name: &str) -> String {
        if is_fit(name) {
            return name.to_owned();
        }
        if !self.unfit.iter().any(|known| known == name) {
            self.unfit.push(name.to_owned());
        }
        match self.transform {
            Transform::Never | Transform::Ignore => name.to_owned(),
            Transform::Always | Transform::Silently => replaced(name),
        }
    }

    /// What there is to say once all names are known.
    pub fn warning(&self) -> Option<&'static str> {
        match self.transform {
            _ if self.unfit.is_empty() => None,
            Transform::Never => Some(
                "Invalid characters were found in group names but not replaced, use -vvvv to see \
                 details",
            ),
            Transform::Always => Some(
                "Invalid characters were found in group names and automatically replaced, use \
                 -vvvv to see details",
            ),
            Transform::Ignore | Transform::Silently => None,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_fit(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_numeric()) && name.chars().all(is_word)
}

/// The name with underscores for what does not fit: what no word has, and a digit at the start.
pub fn replaced(name: &str) -> String {
    name.chars()
        .enumerate()
        .map(|(at, c)| if !is_word(c) || (at == 0 && c.is_numeric()) { '_' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_or_replaced_and_it_is_said_once() {
        let cases = [
            (Transform::Never, "a-b", "a-b", Some("not replaced")),
            (Transform::Ignore, "a-b", "a-b", None),
            (Transform::Always, "1 a.b", "__a_b", Some("automatically replaced")),
            (Transform::Silently, "a-b", "a_b", None),
            (Transform::Always, "größe_1", "größe_1", None),
        ];
        for (transform, name, expected, warning) in cases {
            let mut names = GroupNames { transform, ..GroupNames::default() };
            assert_eq!(names.kept(name), expected);
            let said = names.warning();
            assert_eq!(said.is_some(), warning.is_some(), "{name} {transform:?}");
            assert!(said.unwrap_or("").contains(warning.unwrap_or("")), "{said:?}");
        }
    }
}
