//! What rpm knows of the packages on a host; shared by all that install such.

use std::collections::BTreeSet;

use module::{Failure, Host, Program};

use crate::tool;

/// How a package is named whole.
const FORMAT: &str = "%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n";

/// The packages of a system, by their whole names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    all: BTreeSet<String>,
}

/// rpm of the system below `root`.
fn rpm(root: &str) -> Program {
    let program = Program::new("rpm");
    if root == "/" { program } else { program.args(["--root", root]) }
}

impl Installed {
    /// Reads all of them.
    ///
    /// # Errors
    /// A host without rpm.
    pub fn read(host: &dyn Host, root: &str) -> Result<Self, Failure> {
        let text = tool::ask(host, &rpm(root).args(["-qa", "--qf", FORMAT]))?;
        Ok(Self { all: text.lines().map(str::to_owned).collect() })
    }

    /// What came and went since, a line each.
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let came =
            self.all.difference(&before.all).map(|name| format!("Installed: {}", shown(name)));
        let went = before.all.difference(&self.all).map(|name| format!("Removed: {}", shown(name)));
        came.chain(went).collect()
    }
}

/// A name without an epoch that says nothing.
fn shown(name: &str) -> String {
    name.replacen("-0:", "-", 1)
}

/// Whether a package, or one that provides it, is installed: `name`, `name-version`,
/// `name >= version`, a path.
///
/// # Errors
/// A host without rpm.
pub fn is_installed(host: &dyn Host, root: &str, spec: &str) -> Result<bool, Failure> {
    for words in [&["-q", "--whatprovides"][..], &["-q"][..]] {
        let program = rpm(root).args(words.iter().copied()).args(["--", spec]);
        if host.query(&program)?.is_success() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a package of a pattern is installed: `name*`, `name-1.*`.
///
/// # Errors
/// A host without rpm.
pub fn is_any_installed(host: &dyn Host, root: &str, pattern: &str) -> Result<bool, Failure> {
    let output = host.query(&rpm(root).args(["-qa", "--", pattern]))?;
    Ok(output.is_success() && !output.stdout_text().trim().is_empty())
}

/// Name and `epoch:version-release` of a package file; nothing of what is none.
///
/// # Errors
/// A host without rpm.
pub fn of_file(host: &dyn Host, path: &str) -> Result<Option<(String, String)>, Failure> {
    let format = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n";
    let output = host.query(&Program::new("rpm").args(["-qp", "--qf", format, "--", path]))?;
    let text = output.stdout_text();
    let found = text.lines().next().and_then(|line| line.split_once(' '));
    Ok(found
        .filter(|_| output.is_success())
        .map(|(name, version)| (name.to_owned(), version.to_owned())))
}

/// Versions of the installed packages of that name, `epoch:version-release`.
///
/// # Errors
/// A host without rpm.
pub fn versions(host: &dyn Host, root: &str, name: &str) -> Result<Vec<String>, Failure> {
    let format = "%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n";
    let program = rpm(root).args(["-q", "--qf", format, "--", name]);
    let output = host.query(&program)?;
    let text = output.stdout_text();
    Ok(if output.is_success() { text.lines().map(str::to_owned).collect() } else { Vec::new() })
}

/// The order of two versions as rpm has it; an epoch that is left out is 0, a release that is left
/// out fits any.
pub fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    fn parts(text: &str) -> (u64, &str, Option<&str>) {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = rest
            .rsplit_once('-')
            .map_or((rest, None), |(version, release)| (version, Some(release)));
        (epoch.parse().unwrap_or_default(), version, release)
    }
    let ((left_epoch, left_version, left_release), (right_epoch, right_version, right_release)) =
        (parts(left), parts(right));
    left_epoch.cmp(&right_epoch).then_with(|| compare_part(left_version, right_version)).then_with(
        || match (left_release, right_release) {
            (Some(left), Some(right)) => compare_part(left, right),
            _ => std::cmp::Ordering::Equal,
        },
    )
}

/// Runs of digits and of letters in turn; `~` is before the end, `^` after it.
fn compare_part(left: &str, right: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let is_mark = |letter: char| !letter.is_ascii_alphanumeric() && letter != '~' && letter != '^';
    let (mut left, mut right) = (left, right);
    loop {
        left = left.trim_start_matches(is_mark);
        right = right.trim_start_matches(is_mark);
        match (left.chars().next(), right.chars().next()) {
            (Some('~'), Some('~')) | (Some('^'), Some('^')) => {
                left = left.get(1..).unwrap_or_default();
                right = right.get(1..).unwrap_or_default();
                continue;
            }
            (Some('~'), _) | (None, Some('^')) => return Less,
            (_, Some('~')) | (Some('^'), None) => return Greater,
            (Some('^'), Some(_)) => return Less,
            (Some(_), Some('^')) => return Greater,
            (None, None) => return Equal,
            (None, Some(_)) => return Less,
            (Some(_), None) => return Greater,
            (Some(first), Some(other)) => {
                let is_number = first.is_ascii_digit();
                let fits = |letter: char| match is_number {
                    true => letter.is_ascii_digit(),
                    false => letter.is_ascii_alphabetic(),
                };
                // Numbers are newer than letters.
                if !fits(other) {
                    return if is_number { Greater } else { Less };
                }
                let run = |text: &str| text.find(|letter| !fits(letter)).unwrap_or(text.len());
                let (left_run, left_rest) = left.split_at(run(left));
                let (right_run, right_rest) = right.split_at(run(right));
                let bare = |text: &'_ str| match is_number {
                    true => text.trim_start_matches('0').to_owned(),
                    false => text.to_owned(),
                };
                let (left_run, right_run) = (bare(left_run), bare(right_run));
                let order = match is_number {
                    true => left_run.len().cmp(&right_run.len()).then(left_run.cmp(&right_run)),
                    false => left_run.cmp(&right_run),
                };
                if order != Equal {
                    return order;
                }
                (left, right) = (left_rest, right_rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn versions_are_in_order() {
        for (left, right, expected) in [
            ("1.0", "1.0", Ordering::Equal),
            ("1.0", "1.1", Ordering::Less),
            ("1.10", "1.9", Ordering::Greater),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.0^git1", "1.0", Ordering::Greater),
            ("1.0^git1", "1.0.1", Ordering::Less),
            ("1.0a", "1.0", Ordering::Greater),
            ("1.0a", "1.0.1", Ordering::Less),
            ("1:0.1", "2.0", Ordering::Greater),
            ("1.0-1", "1.0-2", Ordering::Less),
            ("1.0-1", "1.0", Ordering::Equal),
            ("0:5.02-1", "5.2-1", Ordering::Equal),
        ] {
            assert_eq!(compare(left, right), expected, "{left} {right}");
            assert_eq!(compare(right, left), expected.reverse(), "{right} {left}");
        }
    }
}
