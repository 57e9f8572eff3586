//! How texts that are no UTF-8 are encoded, under the names that Python has for it.
//!
//! What needs no table is read here; for all else the host's `iconv` is asked, since tables for
//! every encoding would make the remote half as large again.

use module::{Failure, Host, Program};

/// How a text is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// UTF-8 with a mark at its start that is no part of the text.
    Utf8Signed,
    Ascii,
    Latin1,
    /// UTF-16 in an order of bytes that a mark at its start tells; the low byte first without one.
    Utf16,
    Utf16Little,
    Utf16Big,
    /// One that `iconv` knows, by the name that it has there.
    Foreign(String),
}

/// Why bytes are no text.
#[derive(Debug)]
pub enum Undecodable {
    /// They are none in this encoding.
    Misfit,
    /// It cannot be told.
    Failure(Failure),
}

/// The mark at the start of a text, in UTF-8.
const SIGNATURE: &[u8] = b"\xef\xbb\xbf";

impl Encoding {
    /// Finds an encoding by Python's name.
    ///
    /// # Errors
    /// A name that nobody knows, and a host without `iconv` where that is needed.
    pub fn find(host: &dyn Host, name: &str) -> Result<Self, Failure> {
        let plain = name.to_lowercase().replace(['_', ' '], "-");
        Ok(match plain.as_str() {
            "utf-8" | "utf8" | "u8" | "cp65001" => Self::Utf8,
            "utf-8-sig" => Self::Utf8Signed,
            "ascii" | "us-ascii" | "646" => Self::Ascii,
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859"
            | "cp819" => Self::Latin1,
            "utf-16" | "utf16" | "u16" => Self::Utf16,
            "utf-16-le" | "utf-16le" => Self::Utf16Little,
            "utf-16-be" | "utf-16be" => Self::Utf16Big,
            _ => Self::find_foreign(host, name, &plain)?,
        })
    }

    fn find_foreign(host: &dyn Host, name: &str, plain: &str) -> Result<Self, Failure> {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || "-.:".contains(letter);
        if plain.is_empty() || plain.starts_with('-') || !plain.chars().all(is_word) {
            return Err(unknown(name));
        }
        if host.which(ICONV).is_none() {
            return Err(Failure::new(format!(
                "the encoding {name} is read with the program {ICONV}, which is not on the host"
            )));
        }
        // Python's spelling, and that of those names of which iconv has another.
        let other = match plain {
            "mac-roman" | "macroman" => "MACINTOSH".to_owned(),
            "shift-jis" | "shiftjis" | "sjis" => "SHIFT_JIS".to_owned(),
            "latin-9" | "latin9" | "l9" => "ISO-8859-15".to_owned(),
            _ => match plain.strip_prefix("iso8859-") {
                Some(part) => format!("ISO-8859-{part}"),
                None => plain.to_uppercase(),
            },
        };
        let probe = Program::new(ICONV).args(["-f", &other, "-t", "UTF-8"]).stdin("");
        match host.query(&probe)?.is_success() {
            true => Ok(Self::Foreign(other)),
            false => Err(unknown(name)),
        }
    }

    /// Reads bytes; all of them must be text.
    ///
    /// # Errors
    /// Bytes that are no text in this encoding.
    pub fn decode(&self, host: &dyn Host, bytes: &[u8]) -> Result<String, Undecodable> {
        let utf8 = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Undecodable::Misfit),
        };
        match self {
            Self::Utf8 => utf8(bytes),
            Self::Utf8Signed => utf8(bytes.strip_prefix(SIGNATURE).unwrap_or(bytes)),
            Self::Ascii if bytes.is_ascii() => utf8(bytes),
            Self::Ascii => Err(Undecodable::Misfit),
            Self::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Utf16 => match bytes {
                [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
                _ => utf16(bytes, u16::from_le_bytes),
            },
            Self::Utf16Little => utf16(bytes, u16::from_le_bytes),
            Self::Utf16Big => utf16(bytes, u16::from_be_bytes),
            Self::Foreign(name) => match convert(host, name, "UTF-8", bytes) {
                Ok(Some(text)) => utf8(&text),
                Ok(None) => Err(Undecodable::Misfit),
                Err(failure) => Err(Undecodable::Failure(failure)),
            },
        }
    }

    /// Writes a text.
    ///
    /// # Errors
    /// Letters that the encoding does not have.
    pub fn encode(&self, host: &dyn Host, text: &str) -> Result<Vec<u8>, Failure> {
        let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes);
        let lacking = || Failure::new(format!("the text has letters that {self} does not have"));
        Ok(match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf8Signed => [SIGNATURE, text.as_bytes()].concat(),
            Self::Ascii if text.is_ascii() => text.as_bytes().to_vec(),
            Self::Ascii => return Err(lacking()),
            Self::Latin1 => text
                .chars()
                .map(|letter| u8::try_from(u32::from(letter)).map_err(|_| lacking()))
                .collect::<Result<_, _>>()?,
            Self::Utf16 => [0xff, 0xfe].into_iter().chain(units(u16::to_le_bytes)).collect(),
            Self::Utf16Little => units(u16::to_le_bytes).collect(),
            Self::Utf16Big => units(u16::to_be_bytes).collect(),
            Self::Foreign(name) => {
                convert(host, "UTF-8", name, text.as_bytes())?.ok_or_else(lacking)?
            }
        })
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf-8",
            Self::Utf8Signed => "utf-8-sig",
            Self::Ascii => "ascii",
            Self::Latin1 => "latin-1",
            Self::Utf16 => "utf-16",
            Self::Utf16Little => "utf-16-le",
            Self::Utf16Big => "utf-16-be",
            Self::Foreign(name) => name,
        })
    }
}

const ICONV: &str = "iconv";

fn unknown(name: &str) -> Failure {
    Failure::new(format!("unknown encoding: {name}"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Undecodable> {
    let (pairs, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(Undecodable::Misfit);
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<_, _>>()
        .map_err(|_| Undecodable::Misfit)
}

/// What `iconv` makes of bytes; `None` where it cannot read them or has no letters for them.
fn convert(
    host: &dyn Host,
    from: &str,
    to: &str,
    bytes: &[u8],
) -> Result<Option<Vec<u8>>, Failure> {
    let program = Program::new(ICONV).args(["-f", from, "-t", to]).stdin(bytes);
    let output = host.query(&program)?;
    if output.truncated {
        let most = module::program::OUTPUT_BYTES_MAX;
        return Err(Failure::new(format!(
            "a text in {from} of more than {most} bytes is not read"
        )));
    }
    Ok(output.is_success().then_some(output.stdout))
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    /// A host whose `iconv` knows one letter of one encoding.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.program(ICONV, |_, program| {
            let bytes = program.stdin.as_deref().unwrap_or_default();
            match program.args.get(1).map_or("", String::as_str) {
                "GBK" => match bytes {
                    b"" | b"a" => Output::success(bytes),
                    b"\xc4\xe3" => Output::success("你"),
                    _ => Output::failure(1, "iconv: illegal input sequence"),
                },
                "UTF-8" if bytes == "你".as_bytes() => Output::success(b"\xc4\xe3"),
                _ => Output::failure(1, "iconv: conversion is not supported"),
            }
        });
        host
    }

    #[test]
    fn texts_are_read_and_written() {
        let host = host();
        for (name, bytes, text) in [
            ("UTF_8", "ä".as_bytes(), Some("ä")),
            ("utf-8-sig", b"\xef\xbb\xbfa", Some("a")),
            ("latin_1", b"caf\xe9", Some("café")),
            ("utf-16", b"\xff\xfea\0=\xd8\0\xde", Some("a\u{1f600}")),
            ("utf-16-be", b"\0a", Some("a")),
            ("gbk", b"\xc4\xe3", Some("你")),
            ("utf-8", b"\xe9", None),
            ("ascii", b"\xe9", None),
            ("utf-16-le", b"a", None),
            ("utf-16-le", b"\0\xde", None),
            ("gbk", b"\xff", None),
        ] {
            let encoding = Encoding::find(&host, name).unwrap();
            let found = encoding.decode(&host, bytes).ok();
            assert_eq!(found.as_deref(), text, "{name}");
            if let Some(text) = text {
                assert_eq!(encoding.encode(&host, text).unwrap(), bytes, "{name}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (name, words) in [
            ("nosuch", "unknown encoding: nosuch"),
            ("-l", "unknown encoding: -l"),
            ("a b;c", "unknown encoding: a b;c"),
        ] {
            assert_eq!(Encoding::find(&host(), name).unwrap_err().msg, words);
        }
        let bare = FakeHost::default();
        let msg = Encoding::find(&bare, "gbk").unwrap_err().msg;
        assert!(msg.contains("iconv, which is not on the host"), "{msg}");
        for (name, text) in [("ascii", "ä"), ("latin1", "你")] {
            let encoding = Encoding::find(&bare, name).unwrap();
            let msg = encoding.encode(&bare, text).unwrap_err().msg;
            assert!(msg.starts_with("the text has letters that"), "{msg}");
        }
    }
}
