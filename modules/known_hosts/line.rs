//! Lines of a file of known hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

use base64::{Engine, engine::general_purpose::STANDARD};
use module::content::Algorithm;

use crate::hmac::{digest, hmac};

/// One key of one or several hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// `@cert-authority` or `@revoked`.
    pub marker: Option<&'a str>,
    /// Names and patterns with commas between them, or a hash.
    pub hosts: &'a str,
    pub kind: &'a str,
    pub key: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` for comments and what is no key.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = words.next().filter(|word| !word.starts_with('#'))?;
        let (marker, hosts) = match first.starts_with('@') {
            true => (Some(first), words.next()?),
            false => (None, first),
        };
        Some(Self { marker, hosts, kind: words.next()?, key: words.next()? })
    }

    /// Whether it is about that host.
    pub fn is_of(&self, host: &str) -> bool {
        if let Some(hashed) = self.hosts.strip_prefix("|1|") {
            let Some((salt, hash)) = hashed.split_once('|') else { return false };
            let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else {
                return false;
            };
            return hmac(Algorithm::Sha1, &salt, host.as_bytes()) == hash;
        }
        let mut matches = false;
        for pattern in self.hosts.split(',') {
            match pattern.strip_prefix('!') {
                Some(not) if fits(not, host) => return false,
                Some(_) => {}
                None => matches |= fits(pattern, host),
            }
        }
        matches
    }

    /// Whether it is the same key for the same hosts; two hashes of a host differ by nature.
    pub fn is_same(&self, other: &Self) -> bool {
        let are_hashed = self.hosts.starts_with("|1|") && other.hosts.starts_with("|1|");
        (self.marker, self.kind, self.key) == (other.marker, other.kind, other.key)
            && (are_hashed || self.hosts == other.hosts)
    }
}

/// The line with a hash instead of its hosts. The salt is made of the key, so that the same key
/// always gives the same line.
pub fn hashed(host: &str, text: &str) -> String {
    let salt = digest(Algorithm::Sha1, text.trim().as_bytes());
    let hash = hmac(Algorithm::Sha1, &salt, host.as_bytes());
    let field = format!("|1|{}|{}", STANDARD.encode(&salt), STANDARD.encode(hash));
    let at = usize::from(text.trim_start().starts_with('@'));
    let words = text.split_whitespace().enumerate();
    words
        .map(|(index, word)| if index == at { field.as_str() } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// `*` is any letters, `?` one.
fn fits(pattern: &str, text: &str) -> bool {
    let mut letters = text.chars();
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern.get(1..).unwrap_or_default();
            fits(rest, text) || letters.next().is_some() && fits(pattern, letters.as_str())
        }
        Some(wanted) => {
            let rest = pattern.get(wanted.len_utf8()..).unwrap_or_default();
            let fits_one = |letter: char| wanted == '?' || wanted.eq_ignore_ascii_case(&letter);
            letters.next().is_some_and(fits_one) && fits(rest, letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found() {
        for (line, host, expected) in [
            ("a.example.com,10.0.0.1 ssh-rsa AA", "10.0.0.1", true),
            ("*.example.com,!bad.example.com ssh-rsa AA", "a.example.com", true),
            ("*.example.com,!bad.example.com ssh-rsa AA", "bad.example.com", false),
            ("a?c ssh-rsa AA", "abc", true),
            ("abc ssh-rsa AA", "ab", false),
            ("@revoked * ssh-rsa AA", "x", true),
            // Made by ssh-keygen -H.
            (
                "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AA",
                "192.168.1.61",
                true,
            ),
            (
                "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AA",
                "192.168.1.62",
                false,
            ),
            ("|1|x|y ssh-rsa AA", "x", false),
        ] {
            assert_eq!(Line::parse(line).unwrap().is_of(host), expected, "{line} {host}");
        }
        for line in ["# x y z", "", "host ssh-rsa", "@revoked host ssh-rsa"] {
            assert_eq!(Line::parse(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_hashed_is_found_again() {
        for text in ["host ssh-rsa AA remark", "@cert-authority host ssh-rsa AA"] {
            let line = hashed("host", text);
            let parsed = Line::parse(&line).unwrap();
            assert!(parsed.is_of("host") && !parsed.is_of("other"), "{line}");
            assert_eq!(hashed("host", text), line);
        }
    }
}
