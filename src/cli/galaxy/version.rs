//! Versions of collections, and what requirements say of them.

use std::cmp::Ordering;

use semver::Version;

/// Whether a version is one that a requirement such as `>=1.0.0,<2.0.0` allows; `*` and nothing
/// allow all.
pub fn allows(requirement: &str, version: &str) -> bool {
    requirement.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "*").all(
        |part| {
            let operator = part.trim_start_matches(['<', '>', '=', '!']);
            let (operator, wanted) = part.split_at(part.len() - operator.len());
            let order = compare(version, wanted.trim());
            match operator {
                "" | "=" | "==" => order == Ordering::Equal,
                "!=" => order != Ordering::Equal,
                ">" => order == Ordering::Greater,
                ">=" => order != Ordering::Less,
                "<" => order == Ordering::Less,
                "<=" => order != Ordering::Greater,
                _ => false,
            }
        },
    )
}

/// Whether a version comes before a release: it has something behind a `-`.
pub fn is_prerelease(version: &str) -> bool {
    version.split('+').next().is_some_and(|version| version.contains('-'))
}

/// Whether a requirement asks for exactly this version.
pub fn pins(requirement: &str, version: &str) -> bool {
    requirement.split(',').map(str::trim).any(|part| {
        let wanted = part.trim_start_matches('=').trim();
        wanted.starts_with(|c: char| c.is_ascii_digit())
            && compare(wanted, version) == Ordering::Equal
    })
}

/// By the rules of semantic versioning; parts that are missing are 0, and what is no version comes
/// before all that are.
pub fn compare(left: &str, right: &str) -> Ordering {
    match (parsed(left), parsed(right)) {
        (Some(left), Some(right)) => left.cmp_precedence(&right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

fn parsed(text: &str) -> Option<Version> {
    let release = text.find(['-', '+']).unwrap_or(text.len());
    let (release, rest) = text.split_at(release);
    let missing = 2usize.saturating_sub(release.matches('.').count());
    Version::parse(&format!("{release}{}{rest}", ".0".repeat(missing))).ok()
}

/// Versions of roles, which are tags of any form: by their numbers and words from left to right.
pub fn compare_tags(left: &str, right: &str) -> Ordering {
    let parts = |tag: &str| -> Vec<Result<u64, String>> {
        let tag = tag.strip_prefix('v').unwrap_or(tag);
        let mut parts: Vec<String> = Vec::new();
        let mut before = None;
        for letter in tag.chars() {
            let kind = match letter {
                '0'..='9' => Some(true),
                letter if letter.is_alphabetic() => Some(false),
                _ => None,
            };
            match (kind, parts.last_mut()) {
                (None, _) => {}
                (Some(_), Some(part)) if kind == before => part.push(letter),
                (Some(_), _) => parts.push(letter.into()),
            }
            before = kind;
        }
        // Words come before numbers: `1.0rc1` comes before `1.0.1`.
        parts.into_iter().map(|part| part.parse().map_err(|_| part)).collect()
    };
    let rank = |part: &Result<u64, String>| part.is_ok();
    let (left, right) = (parts(left), parts(right));
    let unequal = left.iter().zip(&right).map(|(left, right)| match (left, right) {
        (Ok(left), Ok(right)) => left.cmp(right),
        (Err(left), Err(right)) => left.cmp(right),
        (left, right) => rank(left).cmp(&rank(right)),
    });
    unequal.into_iter().find(|order| order.is_ne()).unwrap_or(left.len().cmp(&right.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_allow_what_they_say() {
        let cases = [
            ("", "1.0.0", true),
            ("*", "0.0.1", true),
            ("1.2.0", "1.2.0", true),
            ("==1.2.0", "1.2.1", false),
            (">=1.0.0,<2.0.0", "1.9.9", true),
            (">=1.0.0,<2.0.0", "2.0.0", false),
            (">=1.10.0", "1.9.0", false),
            ("!=1.0.0", "1.0.0", false),
            (">1.0", "1.0.0", false),
            (">=2.0.0", "2.0.0-beta.1", false),
            ("<=2.0.0", "2.0.0-beta.1", true),
            ("~1.0", "1.0", false),
            (">=1.0.0-beta.2", "1.0.0-beta.10", true),
            (">=1.0", "nonsense", false),
        ];
        for (requirement, version, expected) in cases {
            assert_eq!(allows(requirement, version), expected, "{version} for {requirement:?}");
        }
    }
    #[test]
    fn tags_are_compared_by_their_numbers() {
        let cases = [
            ("1.10.0", "1.9.0", Ordering::Greater),
            ("v2.0", "1.9.9", Ordering::Greater),
            ("3.1.0", "3.1.0", Ordering::Equal),
            ("1.0", "1.0.1", Ordering::Less),
            ("1.0rc1", "1.0.1", Ordering::Less),
        ];
        for (left, right, expected) in cases {
            assert_eq!(compare_tags(left, right), expected, "{left} {right}");
            assert_eq!(compare_tags(right, left), expected.reverse(), "{right} {left}");
        }
    }

    #[test]
    fn only_an_exact_version_is_pinned() {
        assert!(pins("1.0.0-rc.1", "1.0.0-rc.1") && pins("==1.0.0-rc.1", "1.0.0-rc.1"));
        assert!(!pins(">=1.0.0-rc.1", "1.0.0-rc.1") && !pins("*", "1.0.0-rc.1"));
        assert!(is_prerelease("1.0.0-rc.1+build") && !is_prerelease("1.0.0+build-1"));
    }
}
