//! Versions of collections, and what requirements say of them.

use std::cmp::Ordering;

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

/// By numbers from left to right; what is before a release comes before it.
pub fn compare(left: &str, right: &str) -> Ordering {
    let parts = |version: &str| {
        let version = version.split('+').next().unwrap_or_default().to_owned();
        let (release, before) = match version.split_once('-') {
            Some((release, before)) => (release.to_owned(), Some(before.to_owned())),
            None => (version, None),
        };
        let numbers: Vec<u64> =
            release.split('.').map(|part| part.parse().unwrap_or_default()).collect();
        (numbers, before)
    };
    let ((left, left_before), (right, right_before)) = (parts(left), parts(right));
    let number = |numbers: &[u64], at: usize| numbers.get(at).copied().unwrap_or_default();
    let length = left.len().max(right.len());
    let by_release =
        (0..length).map(|at| number(&left, at).cmp(&number(&right, at))).find(|o| o.is_ne());
    by_release.unwrap_or_else(|| match (left_before, right_before) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => left.cmp(&right),
    })
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
        ];
        for (requirement, version, expected) in cases {
            assert_eq!(allows(requirement, version), expected, "{version} for {requirement:?}");
        }
    }
}
