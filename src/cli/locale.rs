//! The locale, as Ansible looks at it before all else: it must be there and write UTF-8.

use std::{collections::BTreeMap, path::Path};

use crate::Failed;

/// Where glibc keeps the locales of a machine.
const FOLDER: &str = "/usr/lib/locale";

/// Refuses a locale that is not there, or writes anything but UTF-8.
///
/// # Errors
/// As Ansible words it.
pub fn check(environment: &BTreeMap<String, String>) -> Result<(), Failed> {
    match wrong(environment, &is_installed) {
        None => Ok(()),
        Some(why) => Err(Failed::general(why)),
    }
}

fn wrong(
    environment: &BTreeMap<String, String>,
    is_installed: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let said = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let locale = said("LC_ALL").or_else(|| said("LC_CTYPE")).or_else(|| said("LANG"))?;
    let (name, codeset) = match locale.split_once('.') {
        Some((name, codeset)) => (name, codeset.split('@').next().unwrap_or(codeset)),
        None => (locale.as_str(), ""),
    };
    // Python takes UTF-8 for these, whatever they say.
    if matches!(name, "C" | "POSIX") && (codeset.is_empty() || is_utf8(codeset)) {
        return None;
    }
    if !is_installed(locale) {
        return Some(
            "Ansible could not initialize the preferred locale: unsupported locale setting".into(),
        );
    }
    // Without a codeset the old one of the language is meant.
    if is_utf8(codeset) {
        return None;
    }
    let detected = if codeset.is_empty() { "ISO8859-1" } else { codeset };
    Some(format!("Ansible requires the locale encoding to be UTF-8; Detected {detected}."))
}

fn is_utf8(codeset: &str) -> bool {
    matches!(normalized(codeset).as_str(), "utf8")
}

fn normalized(codeset: &str) -> String {
    codeset.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Whether a machine has a locale: as a folder, or in the archive of all.
fn is_installed(locale: &str) -> bool {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        // Not glibc: nothing is known.
        return true;
    }
    let kept = match locale.split_once('.') {
        Some((name, rest)) => {
            let (codeset, modifier) = match rest.split_once('@') {
                Some((codeset, modifier)) => (codeset, format!("@{modifier}")),
                None => (rest, String::new()),
            };
            format!("{name}.{}{modifier}", normalized(codeset))
        }
        None => locale.to_owned(),
    };
    if locale.contains('/') || [locale, kept.as_str()].iter().any(|name| folder.join(name).is_dir())
    {
        return true;
    }
    let Ok(archive) = std::fs::read(folder.join("locale-archive")) else { return false };
    let mut wanted = vec![0];
    wanted.extend_from_slice(kept.as_bytes());
    wanted.push(0);
    archive.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_must_be_there_and_write_utf_8() {
        let installed = |name: &str| name.starts_with("en_US");
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[], ""),
            (&[("LC_ALL", "C")], ""),
            (&[("LC_ALL", "C.UTF-8")], ""),
            (&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8")], ""),
            (&[("LC_ALL", "en_US.utf8"), ("LANG", "ham")], ""),
            (&[("LC_ALL", "ham_sandwich")], "could not initialize the preferred locale"),
            (&[("LANG", "en_US.ISO-8859-1")], "to be UTF-8; Detected ISO-8859-1."),
            (&[("LANG", "en_US")], "to be UTF-8; Detected ISO8859-1."),
        ];
        for (environment, expected) in cases {
            let environment =
                environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let why = wrong(&environment, &installed).unwrap_or_default();
            assert_eq!(why.is_empty(), expected.is_empty(), "{environment:?}: {why}");
            assert!(why.contains(expected), "{environment:?}: {why}");
        }
    }
}
