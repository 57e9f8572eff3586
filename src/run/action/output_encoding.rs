//! How `template` writes a text that is to be no UTF-8, under the names that Python has for it.

/// Writes a text.
///
/// # Errors
/// A name that is not known here, and letters that the encoding does not have.
pub(crate) fn encode(name: &str, text: String) -> Result<Vec<u8>, String> {
    let plain = name.trim().to_lowercase().replace(['_', ' '], "-");
    let lacking =
        || format!("the rendered text has letters that the encoding {name} does not have");
    let units =
        |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    Ok(match plain.as_str() {
        "" | "utf-8" | "utf8" => text.into_bytes(),
        "utf-8-sig" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        "ascii" | "us-ascii" => match text.is_ascii() {
            true => text.into_bytes(),
            false => return Err(lacking()),
        },
        "latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" => text
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).ok())
            .collect::<Option<_>>()
            .ok_or_else(lacking)?,
        "utf-16" | "utf16" => [vec![0xff, 0xfe], units(u16::to_le_bytes)].concat(),
        "utf-16-le" | "utf-16le" => units(u16::to_le_bytes),
        "utf-16-be" | "utf-16be" => units(u16::to_be_bytes),
        "latin-9" | "latin9" | "l9" => by_table("iso-8859-15", &text)?.ok_or_else(lacking)?,
        other => by_table(other, &text)?.ok_or_else(lacking)?,
    })
}

/// By one of the tables of the web's encodings; `None` where letters are missing there.
fn by_table(name: &str, text: &str) -> Result<Option<Vec<u8>>, String> {
    let table = encoding_rs::Encoding::for_label(name.as_bytes())
        .filter(|table| table.output_encoding() == *table)
        .ok_or_else(|| format!("the output encoding {name} is not known"))?;
    let (bytes, _, is_lacking) = table.encode(text);
    Ok((!is_lacking).then(|| bytes.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn texts_are_written() {
        for (name, text, bytes) in [
            ("", "ä", "ä".as_bytes()),
            ("UTF-8", "ä", "ä".as_bytes()),
            ("utf-8-sig", "a", b"\xef\xbb\xbfa"),
            ("windows-1252", "\u{201c}", b"\x93"),
            ("cp1251", "Ж", b"\xc6"),
            ("latin_1", "é", b"\xe9"),
            ("iso8859-15", "€", b"\xa4"),
            ("gbk", "你", b"\xc4\xe3"),
            ("utf-16", "a", b"\xff\xfea\0"),
            ("utf_16_be", "a", b"\0a"),
        ] {
            assert_eq!(encode(name, text.into()).unwrap(), bytes, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        for (name, text, words) in [
            ("nosuch", "a", "the output encoding nosuch is not known"),
            ("ascii", "ä", "letters that the encoding ascii does not have"),
            ("latin-1", "€", "letters that the encoding latin-1 does not have"),
            ("cp1252", "你", "letters that the encoding cp1252 does not have"),
        ] {
            let why = encode(name, text.into()).unwrap_err();
            assert!(why.contains(words), "{name}: {why}");
        }
    }
}
