//! Frames as lines of text, for ways that carry whole messages and no stream of bytes.
//!
//! ```text
//! trueup:BASE64\n
//! ```
//!
//! Each line has some bytes; all of them together are what a stream would have carried. Lines
//! without the mark are nobody's: whatever a shell, a banner or a connection plugin says besides,
//! and a password that nobody asked for.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What a line starts with.
pub const MARK: &str = "trueup:";

/// The line that carries some bytes, its newline included.
pub fn line(bytes: &[u8]) -> String {
    let mut line = MARK.to_owned();
    STANDARD.encode_string(bytes, &mut line);
    line.push('\n');
    line
}

/// The bytes of all lines of a text that have the mark; of one that is no base64, nothing is
/// taken. A line may end in a carriage return too.
pub fn bytes(text: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(written) = line.strip_prefix(MARK.as_bytes())
            && let Ok(bytes) = STANDARD.decode(written.trim_ascii_end())
        {
            found.extend(bytes);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_read_back_and_nothing_else() {
        let mut text = b"Welcome\nsecret\n".to_vec();
        text.extend(line(&[0, 255, 10, 13]).into_bytes());
        text.extend(b"lost trueup:AAAA\ntrueup:no base64!\n");
        text.extend(line(b"more").replace('\n', "\r\n").into_bytes());
        assert_eq!(bytes(&text), b"\x00\xff\n\rmore");
        assert_eq!(bytes(b""), b"");
        assert_eq!(bytes(b"trueup:AA"), b"");
    }
}
