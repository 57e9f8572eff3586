//! URLs.

use std::fmt::Write;

use module::Failure;

/// Where a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub is_tls: bool,
    /// User and password that stood before the host.
    pub user: Option<(String, String)>,
    /// Without brackets, where it is an IPv6 address.
    pub host: String,
    pub port: u16,
    /// Path and query, as they go over the wire.
    pub target: String,
}

impl Url {
    /// Reads `https://user:password@host:port/path?query#fragment`.
    ///
    /// # Errors
    /// Other schemes than `http` and `https`, and what has no host.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let bad = |why: &str| Failure::new(format!("{why}: {text}"));
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .ok_or_else(|| bad("the URL has no scheme such as https://"))?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            other => return Err(bad(&format!("{other} is not spoken, http and https are"))),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((decode(user), decode(password))), place)
            }
            None => (None, authority),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_:%".contains(letter);
        if host.is_empty() || !host.chars().all(is_plain) {
            return Err(bad("the URL has no host that can be looked up"));
        }
        let port = match port.filter(|port| !port.is_empty()) {
            Some(port) => port.parse().map_err(|_| bad("the URL has no port that there is"))?,
            None if is_tls => 443,
            None => 80,
        };
        let target =
            if target.starts_with('/') { encode(target) } else { format!("/{}", encode(target)) };
        Ok(Self { is_tls, user, host: host.to_ascii_lowercase(), port, target })
    }

    /// Where a `Location` leads to from here.
    ///
    /// # Errors
    /// As [`Url::parse`].
    pub fn join(&self, location: &str) -> Result<Self, Failure> {
        let location = location.trim();
        if location.contains("://") {
            return Self::parse(location);
        }
        let scheme = if self.is_tls { "https" } else { "http" };
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let target = location.split('#').next().unwrap_or_default();
        let path = self.target.split('?').next().unwrap_or_default();
        let target = match target {
            "" => self.target.clone(),
            absolute if absolute.starts_with('/') => encode(absolute),
            query if query.starts_with('?') => format!("{path}{}", encode(query)),
            relative => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                without_dots(&format!("{folder}/{}", encode(relative)))
            }
        };
        Ok(Self { target, ..self.clone() })
    }

    /// The host and, where it is not the usual one, the port.
    pub fn authority(&self) -> String {
        let usual = if self.is_tls { 443 } else { 80 };
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// All of it but the password.
    pub fn text(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.target)
    }

    /// The last part of the path, decoded; empty for a folder.
    pub fn file_name(&self) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        decode(path.rsplit('/').next().unwrap_or_default())
    }
}

/// Takes `.` and `..` out of a path; the query stays.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}{query}", parts.join("/"))
}

/// Writes what may not stand in a request line as `%20`; what is written so already stays.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Reads `%20`; what is no such thing stays.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let value = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, value) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text as a part of a form: spaces are `+`.
pub fn encode_form(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) => {
                out.push(char::from(byte))
            }
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (text, expected, name) in [
            ("http://h", "http://h/", ""),
            ("HTTPS://H:443/a/b%20c?x=1#f", "https://h/a/b%20c?x=1", "b c"),
            ("https://u:p%40@h:8443/a b", "https://h:8443/a%20b", "a b"),
            ("http://[::1]:80/ü", "http://[::1]/%C3%BC", "ü"),
            ("http://[::1]:81?q", "http://[::1]:81/?q", ""),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.text().as_str(), url.file_name().as_str()), (expected, name), "{text}");
        }
        assert_eq!(Url::parse("http://u:p%40@h").unwrap().user, Some(("u".into(), "p@".into())));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (text, expected) in [
            ("ftp://h/x", "ftp is not spoken"),
            ("h/x", "has no scheme"),
            ("http:///x", "has no host"),
            ("http://a b/", "has no host"),
            ("http://h:99999/", "has no port that there is"),
            ("http://h\r\nX: y/", "has no host"),
        ] {
            let msg = Url::parse(text).unwrap_err().msg;
            assert!(msg.contains(expected), "{text}: {msg}");
        }
    }

    #[test]
    fn locations_are_followed() {
        let base = Url::parse("https://h:8443/a/b?q=1").unwrap();
        for (location, expected) in [
            ("/x", "https://h:8443/x"),
            ("x", "https://h:8443/a/x"),
            ("../x?y", "https://h:8443/x?y"),
            ("./x/../z", "https://h:8443/a/z"),
            ("?n=2", "https://h:8443/a/b?n=2"),
            ("", "https://h:8443/a/b?q=1"),
            ("//o/x", "https://o/x"),
            ("http://o/x", "http://o/x"),
        ] {
            assert_eq!(base.join(location).unwrap().text(), expected, "{location}");
        }
    }
}
