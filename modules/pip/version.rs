//! Versions of Python packages and what may be asked of them (PEP 440), as far as a check run needs.

use std::cmp::Ordering;

/// A version in the order of PEP 440.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    epoch: u64,
    release: Vec<u64>,
    /// What comes before a release and after it: `dev` alone, then `a`, `b`, `rc`, then none.
    pre: (i8, u64),
    post: Option<u64>,
    /// A development version comes before what it leads to.
    dev: u64,
    local: Vec<String>,
}

/// That there is no development version of it.
const NO_DEV: u64 = u64::MAX;

impl Version {
    /// Reads a version; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (text, local) = match text.split_once('+') {
            Some((text, local)) => {
                (text, local.split(['.', '-', '_']).map(str::to_owned).collect())
            }
            None => (text, Vec::new()),
        };
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, text)) => (epoch.parse().ok()?, text),
            None => (0, text),
        };
        let end = text
            .char_indices()
            .find(|(at, letter)| {
                let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
                let is_dot = *letter == '.' && next.is_some_and(|next| next.is_ascii_digit());
                !letter.is_ascii_digit() && !is_dot
            })
            .map_or(text.len(), |(at, _)| at);
        let (release, mut rest) = text.split_at(end);
        let release: Option<Vec<u64>> =
            release.split('.').map(|number| number.parse().ok()).collect();
        let mut release = release?;
        while release.len() > 1 && release.last() == Some(&0) {
            release.pop();
        }
        let (mut pre, mut post, mut dev) = (None, None, NO_DEV);
        while !rest.is_empty() {
            let bare = rest.trim_start_matches(['.', '-', '_']);
            let letters =
                bare.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(bare.len());
            let (word, tail) = bare.split_at(letters);
            let tail =
                if word.is_empty() { tail } else { tail.trim_start_matches(['.', '-', '_']) };
            let digits = tail.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(tail.len());
            let (number, next) = tail.split_at(digits);
            if word.is_empty() && number.is_empty() {
                return None;
            }
            let number = if number.is_empty() { 0 } else { number.parse().ok()? };
            match word {
                "a" | "alpha" => pre = Some((-3, number)),
                "b" | "beta" => pre = Some((-2, number)),
                "rc" | "c" | "pre" | "preview" => pre = Some((-1, number)),
                "post" | "rev" | "r" => post = Some(number),
                "" if rest.starts_with('-') => post = Some(number),
                "dev" => dev = number,
                _ => return None,
            }
            rest = next;
        }
        let pre = match pre {
            Some(pre) => pre,
            None if post.is_none() && dev != NO_DEV => (-4, 0),
            None => (0, 0),
        };
        Some(Self { epoch, release, pre, post, dev, local })
    }
}

/// Whether a version is what a specifier asks for: `>=1.2,<2`.
pub fn satisfies(version: &str, specifier: &str) -> bool {
    let Some(found) = Version::parse(version) else {
        return specifier.trim() == format!("==={version}");
    };
    specifier.split(',').map(str::trim).filter(|one| !one.is_empty()).all(|one| {
        let end = one.find(|letter: char| !"<>=!~".contains(letter)).unwrap_or(one.len());
        let (operator, wanted) = one.split_at(end);
        fits(&found, version, operator, wanted.trim())
    })
}

fn fits(found: &Version, text: &str, operator: &str, wanted: &str) -> bool {
    if let Some(prefix) = wanted.strip_suffix(".*") {
        let is_below = Version::parse(prefix).is_some_and(|prefix| starts_with(found, &prefix));
        return (operator == "!=") != is_below;
    }
    if operator == "===" {
        return text == wanted;
    }
    let Some(version) = Version::parse(wanted) else { return false };
    let mut bare = found.clone();
    if version.local.is_empty() {
        bare.local.clear();
    }
    let order = bare.cmp(&version);
    match operator {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        ">=" => order != Ordering::Less,
        "<=" => order != Ordering::Greater,
        // What was mended after a release is no later release.
        ">" => {
            let is_mended = version.post.is_none() && found.post.is_some();
            order == Ordering::Greater && !(is_mended && found.release == version.release)
        }
        "<" => {
            order == Ordering::Less
                && (version.pre != (0, 0)
                    || found.pre == (0, 0)
                    || found.release != version.release)
        }
        "~=" => {
            let parts = wanted.split('.').count();
            let series =
                wanted.split('.').take(parts.saturating_sub(1)).collect::<Vec<_>>().join(".");
            order != Ordering::Less
                && Version::parse(&series).is_some_and(|series| starts_with(found, &series))
        }
        _ => false,
    }
}

/// Whether a version is of a series: `1.2.3` of `1.2`.
fn starts_with(version: &Version, series: &Version) -> bool {
    let mut numbers = version.release.iter().copied().chain(std::iter::repeat(0));
    version.epoch == series.epoch && series.release.iter().all(|one| numbers.next() == Some(*one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_order() {
        let all = [
            "1.0.dev1",
            "1.0a1.dev2",
            "1.0a1",
            "1.0b2",
            "1.0rc1",
            "1.0",
            "1.0+local",
            "1.0.post1",
            "1.1.dev3",
            "1.1",
            "1!0.1",
        ];
        for pair in all.windows(2) {
            let [low, high] = pair else { panic!() };
            assert!(Version::parse(low) < Version::parse(high), "{low} {high}");
        }
        for text in ["", "x", "1.x", "1..2"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn specifiers_ask() {
        for (version, specifier, expected) in [
            ("1.2.3", "", true),
            ("1.2.3", ">=1.2,<2", true),
            ("2.0", ">=1.2,<2", false),
            ("1.2.0", "==1.2", true),
            ("1.2.3", "==1.2.*", true),
            ("1.3", "==1.2.*", false),
            ("1.3", "!=1.2.*", true),
            ("1.4.7", "~=1.4.2", true),
            ("1.5", "~=1.4.2", false),
            ("1.5", "~=1.4", true),
            ("1.0+cu1", "==1.0", true),
            ("1.0.post1", ">1.0", false),
            ("2.0rc1", "<2.0", false),
            ("1.0", "=>1.0", false),
        ] {
            assert_eq!(satisfies(version, specifier), expected, "{version} {specifier}");
        }
    }
}
