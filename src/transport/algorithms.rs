//! Which algorithms are offered to a server.

use std::{borrow::Cow, str::FromStr};

use russh::{Preferred, cipher, kex, keys::Algorithm, mac};

use crate::{
    hop::AlgorithmLists,
    known_hosts::HostKeys,
    pattern,
    ssh_config::{ConfigError, Origin},
};

/// Ciphers in order of what they cost on machines with AES instructions.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Works out what is offered: the lists of the configuration, where there are any, and the kinds
/// of host key that are known of the host before others, so that a key that is known is seen.
///
/// # Errors
/// Where a list names nothing that is known here.
pub(crate) fn preferred(lists: &AlgorithmLists, host: &HostKeys) -> Result<Preferred, ConfigError> {
    let mut preferred = Preferred::DEFAULT;
    preferred.cipher = Cow::Borrowed(CIPHERS);
    if let Some(list) = &lists.ciphers {
        let known = cipher::ALL_CIPHERS
            .iter()
            .map(|name| **name)
            .filter(|name| *name != cipher::CLEAR && *name != cipher::NONE);
        preferred.cipher = Cow::Owned(choose("Ciphers", list, CIPHERS, known.collect())?);
    }
    if let Some(list) = &lists.kex {
        let (extensions, own): (Vec<_>, Vec<_>) =
            preferred.kex.iter().partition(|name| is_extension(name));
        let known = kex::ALL_KEX_ALGORITHMS.iter().map(|name| **name);
        let known = known.filter(|name| *name != kex::NONE).collect();
        let mut chosen = choose("KexAlgorithms", list, &own, known)?;
        chosen.extend(extensions);
        preferred.kex = Cow::Owned(chosen);
    }
    if let Some(list) = &lists.macs {
        let known = mac::ALL_MAC_ALGORITHMS.iter().map(|name| **name);
        let known = known.filter(|name| *name != mac::NONE).collect();
        preferred.mac = Cow::Owned(choose("MACs", list, &preferred.mac, known)?);
    }
    let mut keys = preferred.key.to_vec();
    if let Some(list) = &lists.host_keys {
        let own: Vec<AlgorithmName> = keys.iter().cloned().map(AlgorithmName::from).collect();
        let mut known = own.clone();
        known.extend(Algorithm::from_str("ssh-rsa").ok().map(AlgorithmName::from));
        let chosen = choose("HostKeyAlgorithms", list, &own, known)?;
        keys = chosen.into_iter().map(|name| name.algorithm).collect();
    } else {
        let known = host.algorithms();
        // All signatures of one RSA key have the same kind of key.
        keys.sort_by_key(|algorithm| !known.iter().any(|known| is_same_key(known, algorithm)));
    }
    if host.has_authority() {
        preferred.host_key_certificates = Cow::Owned(keys.clone());
    }
    preferred.key = Cow::Owned(keys);
    Ok(preferred)
}

fn is_same_key(one: &Algorithm, other: &Algorithm) -> bool {
    matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })) || one == other
}

fn is_extension(name: &kex::Name) -> bool {
    let name = name.as_ref();
    name.starts_with("ext-info-") || name.starts_with("kex-strict-")
}

#[derive(Clone, Debug)]
struct AlgorithmName {
    name: String,
    algorithm: Algorithm,
}

impl From<Algorithm> for AlgorithmName {
    fn from(algorithm: Algorithm) -> Self {
        Self { name: algorithm.to_string(), algorithm }
    }
}

impl AsRef<str> for AlgorithmName {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// Reads a list as ssh_config(5) has it: names separated by commas, with a leading `+` (added to
/// the default), `-` (taken from it, with patterns) or `^` (put before it).
fn choose<T: AsRef<str> + Clone>(
    keyword: &str,
    list: &str,
    default: &[T],
    known: Vec<T>,
) -> Result<Vec<T>, ConfigError> {
    let find = |names: &str| -> Vec<T> {
        let names = names.split(',').map(str::trim);
        names
            .filter_map(|name| known.iter().find(|known| known.as_ref() == name))
            .cloned()
            .collect()
    };
    let without = |names: &[T]| -> Vec<T> {
        let is_kept = |own: &&T| !names.iter().any(|name| name.as_ref() == own.as_ref());
        default.iter().filter(is_kept).cloned().collect()
    };
    let chosen = if let Some(names) = list.strip_prefix('+') {
        let added = find(names);
        [without(&added), added].concat()
    } else if let Some(names) = list.strip_prefix('^') {
        let added = find(names);
        [added.clone(), without(&added)].concat()
    } else if let Some(names) = list.strip_prefix('-') {
        let is_kept = |own: &&T| !pattern::list_matches(names.split(','), own.as_ref());
        default.iter().filter(is_kept).cloned().collect()
    } else {
        find(list)
    };
    if chosen.is_empty() {
        return Err(ConfigError::Value {
            origin: Origin::Option,
            keyword: keyword.to_owned(),
            value: list.to_owned(),
            why: format!(
                "none of them is known here; known are {}",
                known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
            ),
        });
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        for (list, expect) in [
            ("b,a", Ok("b a")),
            ("a,z", Ok("a")),
            ("+d", Ok("a b c d")),
            ("+a", Ok("b c a")),
            ("-b*", Ok("a c")),
            ("^c,d", Ok("c d a b")),
            ("z", Err("X z: none of them is known here; known are a, b, c, d")),
            ("-*", Err("X -*: none of them is known here; known are a, b, c, d")),
        ] {
            let chosen = choose("X", list, &["a", "b", "c"], vec!["a", "b", "c", "d"]);
            match (chosen, expect) {
                (Ok(chosen), Ok(expect)) => assert_eq!(chosen.join(" "), expect, "{list}"),
                (Err(error), Err(expect)) => {
                    assert!(error.to_string().ends_with(expect), "{list}: {error}");
                }
                (chosen, expect) => panic!("{list}: {chosen:?} instead of {expect:?}"),
            }
        }
    }
}
