//! Comparing version numbers, by the schemes that Python's tools use.

use std::cmp::Ordering;

use crate::error::{Result, TemplateError};

/// How versions are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Numbers and words as they come: distutils' `LooseVersion`.
    Loose,
    /// `1.2[.3][a4]`: distutils' `StrictVersion`.
    Strict,
    /// semver.org, version 2.
    Semantic,
    /// Python packages.
    Pep440,
}

/// Compares two versions.
///
/// # Errors
/// One of them does not fit the scheme, or the two cannot be compared.
pub fn compare(a: &str, b: &str, scheme: Scheme) -> Result<Ordering> {
    match scheme {
        Scheme::Loose => loose(a, b),
        Scheme::Strict => Ok(strict(a)?.cmp(&strict(b)?)),
        Scheme::Semantic => Ok(semantic(a)?.cmp(&semantic(b)?)),
        Scheme::Pep440 => Ok(pep440(a)?.cmp(&pep440(b)?)),
    }
}

/// Orders two versions loosely, with an order even where Python has none.
pub fn loosely(a: &str, b: &str) -> Ordering {
    loose(a, b).unwrap_or_else(|_| a.cmp(b))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Number(u128),
    Word(String),
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_digit = c.is_ascii_digit();
        let is_word = c.is_ascii_lowercase();
        let length = rest
            .find(|next: char| {
                if is_digit {
                    !next.is_ascii_digit()
                } else if is_word {
                    !next.is_ascii_lowercase()
                } else {
                    next.is_ascii_digit() || next.is_ascii_lowercase() || next == '.'
                }
            })
            .filter(|at| *at > 0)
            .unwrap_or(if c == '.' { 1 } else { rest.len() });
        let (part, after) = rest.split_at(length);
        rest = after;
        if part == "." {
            continue;
        }
        parts.push(match part.parse() {
            Ok(number) if is_digit => Part::Number(number),
            _ => Part::Word(part.to_owned()),
        });
    }
    parts
}

fn loose(a: &str, b: &str) -> Result<Ordering> {
    let (left, right) = (parts(a), parts(b));
    for (x, y) in left.iter().zip(&right) {
        let order = match (x, y) {
            (Part::Number(x), Part::Number(y)) => x.cmp(y),
            (Part::Word(x), Part::Word(y)) => x.cmp(y),
            _ => {
                return Err(TemplateError::of_type(format!(
                    "Version comparison failed: '<' not supported between a number and a word in \
                     '{a}' and '{b}'"
                )));
            }
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(left.len().cmp(&right.len()))
}

fn wrong(what: &str, text: &str) -> TemplateError {
    TemplateError::of_value(format!("invalid {what} '{text}'"))
}

type StrictKey = (u64, u64, u64, bool, char, u64);

fn strict(text: &str) -> Result<StrictKey> {
    let fail = || wrong("version number", text);
    let at = text.find(['a', 'b']).unwrap_or(text.len());
    let (numbers, pre) = text.split_at(at);
    let parsed: Vec<u64> =
        numbers.split('.').map(|part| part.parse().map_err(|_| fail())).collect::<Result<_>>()?;
    let (major, minor, patch) = match parsed.as_slice() {
        [major, minor] => (*major, *minor, 0),
        [major, minor, patch] => (*major, *minor, *patch),
        _ => return Err(fail()),
    };
    let mut chars = pre.chars();
    match chars.next() {
        // What is no pre-release comes after those that are.
        None => Ok((major, minor, patch, true, ' ', 0)),
        Some(letter) => {
            let number = chars.as_str().parse().map_err(|_| fail())?;
            Ok((major, minor, patch, false, letter, number))
        }
    }
}

/// Words of a pre-release: numbers come before words; no pre-release comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u128),
    Word(String),
}

type SemanticKey = (u128, u128, u128, bool, Vec<Identifier>);

fn semantic(text: &str) -> Result<SemanticKey> {
    let fail = || wrong("semantic version", text);
    let (rest, _build) = text.split_once('+').unwrap_or((text, ""));
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let number = |part: &str| -> Result<u128> {
        if part.len() > 1 && part.starts_with('0') {
            return Err(fail());
        }
        part.parse().map_err(|_| fail())
    };
    let parsed: Vec<u128> = core.split('.').map(number).collect::<Result<_>>()?;
    let [major, minor, patch] = parsed.as_slice() else { return Err(fail()) };
    let identifiers = match pre {
        None => Vec::new(),
        Some(pre) => pre
            .split('.')
            .map(|part| {
                if part.is_empty() || !part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                    return Err(fail());
                }
                Ok(part.parse().map_or_else(|_| Identifier::Word(part.into()), Identifier::Number))
            })
            .collect::<Result<_>>()?,
    };
    Ok((*major, *minor, *patch, pre.is_none(), identifiers))
}

/// Epoch, release, pre-, post- and development release, local part, in an order that compares.
type Pep440Key = (u64, Vec<u64>, (i8, u64), (i8, u64), (i8, u64), Vec<Identifier>);

fn pep440(text: &str) -> Result<Pep440Key> {
    let fail = || wrong("version", text);
    let lower = text.trim().to_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let (public, local) = lower.split_once('+').unwrap_or((lower, ""));
    let (epoch, rest) = match public.split_once('!') {
        Some((epoch, rest)) => (epoch.parse().map_err(|_| fail())?, rest),
        None => (0, public),
    };
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let (numbers, mut tail) = rest.split_at(end);
    let mut release: Vec<u64> = numbers
        .trim_end_matches('.')
        .split('.')
        .map(|part| part.parse().map_err(|_| fail()))
        .collect::<Result<_>>()?;
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let (mut pre, mut post, mut dev) = (None, None, None);
    while !tail.is_empty() {
        let trimmed = tail.trim_start_matches(['.', '-', '_']);
        let word_end = trimmed.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(trimmed.len());
        let (word, after) = trimmed.split_at(word_end);
        let after = if word.is_empty() { after } else { after.trim_start_matches(['.', '-', '_']) };
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        if word.is_empty() && number.is_empty() {
            return Err(fail());
        }
        let number = if number.is_empty() { 0 } else { number.parse().map_err(|_| fail())? };
        match word {
            "a" | "alpha" => pre = Some((0, number)),
            "b" | "beta" => pre = Some((1, number)),
            "c" | "rc" | "pre" | "preview" => pre = Some((2, number)),
            "post" | "rev" | "r" => post = Some(number),
            "" if tail.starts_with('-') => post = Some(number),
            "dev" => dev = Some(number),
            _ => return Err(fail()),
        }
        tail = after;
    }
    // A development release of the release itself comes before its pre-releases.
    let pre_key = match (pre, post, dev) {
        (Some(pre), _, _) => pre,
        (None, None, Some(_)) => (-1, 0),
        _ => (3, 0),
    };
    let post_key = post.map_or((-1, 0), |number| (0, number));
    let dev_key = dev.map_or((1, 0), |number| (0, number));
    let local = local
        .split(['.', '-', '_'])
        .filter(|part| !part.is_empty())
        // Here words come before numbers.
        .map(|part| match part.parse::<u128>() {
            Ok(number) => Identifier::Word(format!("~{number:040}")),
            Err(_) => Identifier::Word(part.to_owned()),
        })
        .collect();
    Ok((epoch, release, pre_key, post_key, dev_key, local))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::{Scheme, compare};

    #[test]
    fn versions_compare_as_in_python() {
        let cases = [
            ("1.10", "1.9", Scheme::Loose, Greater),
            ("1.0", "1.0.0", Scheme::Loose, Less),
            ("2.0rc1", "2.0rc2", Scheme::Loose, Less),
            ("1.2.3-4ubuntu5", "1.2.3-4ubuntu10", Scheme::Loose, Less),
            ("1.0a1", "1.0", Scheme::Strict, Less),
            ("1.0.0", "1.0", Scheme::Strict, Equal),
            ("1.0.0-rc.1", "1.0.0", Scheme::Semantic, Less),
            ("1.0.0-2", "1.0.0-a", Scheme::Semantic, Less),
            ("1.0.0+a", "1.0.0+b", Scheme::Semantic, Equal),
            ("1.0", "1.0.0", Scheme::Pep440, Equal),
            ("1.0.dev1", "1.0a1", Scheme::Pep440, Less),
            ("1.0.post1", "1.0", Scheme::Pep440, Greater),
            ("1!1.0", "2.0", Scheme::Pep440, Greater),
            ("1.0rc1", "1.0b9", Scheme::Pep440, Greater),
        ];
        for (a, b, scheme, expect) in cases {
            assert_eq!(compare(a, b, scheme).unwrap(), expect, "{a} {b} {scheme:?}");
        }
    }

    #[test]
    fn what_fits_no_scheme_is_refused() {
        let cases = [
            ("1.a", "1.1", Scheme::Loose),
            ("1", "1.0", Scheme::Strict),
            ("1.0", "1.0.0", Scheme::Semantic),
            ("01.0.0", "1.0.0", Scheme::Semantic),
            ("x", "1", Scheme::Pep440),
        ];
        for (a, b, scheme) in cases {
            assert!(compare(a, b, scheme).is_err(), "{a} {b} {scheme:?}");
        }
    }
}
