//! What the modules that edit text share: reading, what would change, and putting it in its place.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use module::{
    Delta, Failure, FileArguments, FileAttributes, Host, HostError, Placement,
    content::{Algorithm, bytes_digest},
    file_arguments::FILE_MODE,
    host::Links,
    path::split_words,
};
use protocol::{Diff, JsonMap, diff::Side};
use serde::Serialize;

use crate::{
    copy::back_up,
    encoding::{Encoding, Undecodable},
    text_diff::side,
};

/// Where bytes that are no UTF-8 are kept while a text is edited: the end of the last plane, which
/// is for private use.
const ESCAPED: u32 = 0x10_ff00;

/// A file that is edited, and how.
pub struct TextFile<'a> {
    /// As the task names it.
    pub path: &'a Path,
    /// Whether the old file is kept.
    pub backup: bool,
    /// A program that must accept the new text.
    pub validate: Option<&'a str>,
    /// Owner, permissions and the like.
    pub file: Cow<'a, FileArguments>,
    /// How the text is encoded, by Python's name.
    pub encoding: &'a str,
    /// Whether what a link leads to is edited, and not put in the link's place.
    pub follow: bool,
}

impl<'a> TextFile<'a> {
    /// A file in UTF-8, with what the task says of its owner, permissions and the like.
    pub fn new(path: &'a Path, file: &'a FileArguments) -> Self {
        let file = Cow::Borrowed(file);
        Self { path, backup: false, validate: None, file, encoding: "utf-8", follow: true }
    }

    /// A file in UTF-8, of which the task says nothing but its text.
    pub fn plain(path: &'a Path) -> Self {
        let file = Cow::Owned(FileArguments::default());
        Self { path, backup: false, validate: None, file, encoding: "utf-8", follow: true }
    }
}

/// What a file holds, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TextState {
    /// SHA-256 of the text; `None` where there is no file.
    pub digest: Option<String>,
    #[serde(flatten)]
    pub attributes: FileAttributes,
}

/// A text and the bytes that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text; of a file in UTF-8, bytes that are none are letters for private use.
    pub text: String,
    bytes: Vec<u8>,
}

/// Reads UTF-8 that may have other bytes in it.
fn decode(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let letters = chunk.invalid().iter();
        text.extend(letters.filter_map(|byte| char::from_u32(ESCAPED + u32::from(*byte))));
    }
    text
}

/// Writes UTF-8, with the other bytes that `old` had.
fn encode(old: &[u8], edited: &str) -> Vec<u8> {
    if std::str::from_utf8(old).is_ok() {
        return edited.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(edited.len());
    for letter in edited.chars() {
        match u8::try_from((letter as u32).wrapping_sub(ESCAPED)) {
            Ok(byte) if byte >= 0x80 => bytes.push(byte),
            _ => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Lines with their ends, as Python's `readlines` gives them.
pub fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

impl TextFile<'_> {
    /// The file itself, behind links.
    ///
    /// # Errors
    /// Links that cannot be followed.
    pub fn real_path(&self, host: &dyn Host) -> Result<PathBuf, Failure> {
        Ok(match host.link_metadata(self.path)? {
            Some(found) if found.is_link() && self.follow => host.real_path(self.path)?,
            _ => self.path.to_owned(),
        })
    }

    /// The text; `None` where there is no file.
    ///
    /// # Errors
    /// A folder, or a file that cannot be read.
    pub fn read(&self, host: &dyn Host) -> Result<Option<Text>, Failure> {
        if host.metadata(self.path)?.is_some_and(|found| found.is_dir()) {
            let path = self.path.display();
            return Err(Failure::new(format!("Path {path} is a directory !")).with("rc", 256));
        }
        let Some(bytes) = host.read(self.path)? else { return Ok(None) };
        let text = match Encoding::find(host, self.encoding)? {
            Encoding::Utf8 | Encoding::Ascii => decode(&bytes),
            encoding => encoding.decode(host, &bytes).map_err(|why| match why {
                Undecodable::Failure(failure) => failure,
                Undecodable::Misfit => {
                    let path = self.path.display();
                    Failure::new(format!("{path} is no text in {}", self.encoding))
                }
            })?,
        };
        Ok(Some(Text { text, bytes }))
    }

    /// An edited text as the file is to hold it.
    ///
    /// # Errors
    /// Letters that the encoding does not have.
    pub fn encode(
        &self,
        host: &dyn Host,
        before: Option<&Text>,
        edited: &str,
    ) -> Result<Vec<u8>, Failure> {
        match Encoding::find(host, self.encoding)? {
            Encoding::Utf8 | Encoding::Ascii => {
                Ok(encode(before.map(|text| text.bytes.as_slice()).unwrap_or_default(), edited))
            }
            encoding => encoding.encode(host, edited),
        }
    }

    /// What is and what should be, for a text that is edited to `after`; `None` leaves it.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn compare(
        &self,
        host: &dyn Host,
        before: Option<&Text>,
        after: Option<&[u8]>,
    ) -> Result<Delta<TextState>, Failure> {
        let digest = |bytes: &[u8]| bytes_digest(Algorithm::Sha256, bytes);
        let now = before.map(|text| digest(&text.bytes));
        if before.is_none() && after.is_none() {
            return Ok(Delta::new(TextState::default(), TextState::default()));
        }
        let there = host.metadata(self.path)?;
        let real = self.real_path(host)?;
        let (actual, desired) = self.file.compare(host, &real, there.as_ref(), FILE_MODE)?;
        Ok(Delta::new(
            TextState { digest: now.clone(), attributes: actual },
            TextState { digest: after.map(digest).or(now), attributes: desired },
        ))
    }

    /// Writes the text and sets the attributes; returns where the old file is kept.
    ///
    /// # Errors
    /// What could not be written, and a text that does not validate.
    pub fn apply(
        &self,
        host: &mut dyn Host,
        delta: &Delta<TextState>,
        after: Option<&[u8]>,
    ) -> Result<Option<String>, Failure> {
        let real = self.real_path(host)?;
        let mut backup = None;
        if delta.actual.digest != delta.desired.digest {
            let Some(mut after) = after else { return Ok(None) };
            let attributes = &delta.desired.attributes;
            let placement =
                Placement { validate: self.validate_words()?, ..self.file.placement(attributes)? };
            if self.backup && delta.actual.digest.is_some() {
                backup = Some(back_up(host, &real)?);
            }
            make_folders(host, &real)?;
            match host.write(&real, &mut after, &placement) {
                Err(HostError::Invalid { output }) => {
                    return Err(Failure::new(format!(
                        "failed to validate: rc:{} error:{}",
                        output.status,
                        output.stderr_text()
                    )));
                }
                other => other?,
            }
        }
        let there = host.metadata(&real)?;
        let (now, _) = self.file.compare(host, &real, there.as_ref(), FILE_MODE)?;
        delta.desired.attributes.apply(&now, host, &real, Links::Follow)?;
        Ok(backup)
    }

    /// What is now, beside what an edit was to make of it.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn look_again(
        &self,
        host: &dyn Host,
        done: &Delta<TextState>,
    ) -> Result<Delta<TextState>, Failure> {
        let now = self.read(host)?;
        let mut now = self.compare(host, now.as_ref(), None)?.actual;
        now.attributes.read_context(&done.desired.attributes, host, &self.real_path(host)?)?;
        Ok(Delta::new(now, done.desired.clone()))
    }

    fn validate_words(&self) -> Result<Option<Vec<String>>, Failure> {
        let Some(line) = self.validate else { return Ok(None) };
        if !line.contains("%s") {
            return Err(Failure::new(format!("validate must contain %s: {line}")));
        }
        let words = split_words(line)
            .map_err(|why| Failure::new(format!("validate cannot be split: {why}: {line}")))?;
        Ok(Some(words))
    }

    /// What differs, for people: the text, and the attributes.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn diff(
        &self,
        delta: &Delta<TextState>,
        before: Option<&Text>,
        after: Option<&[u8]>,
    ) -> Result<Vec<Diff>, Failure> {
        let path = self.path.display();
        let mut diffs = Vec::new();
        if delta.actual.digest != delta.desired.digest {
            let mut before = before.map(|text| text.bytes.as_slice()).unwrap_or_default();
            let mut after = after.unwrap_or_default();
            diffs.push(Diff {
                before_header: format!("{path} (content)"),
                after_header: format!("{path} (content)"),
                before: side(Some(&mut before), "the file on the host")?,
                after: side(Some(&mut after), "the new text")?,
                prepared: None,
            });
        }
        if delta.actual.attributes != delta.desired.attributes {
            let side = |attributes| serde_json::to_value(attributes).map(Side::State);
            let unwritable = |why| Failure::new(format!("attributes cannot be shown: {why}"));
            diffs.push(Diff {
                before_header: format!("{path} (file attributes)"),
                after_header: format!("{path} (file attributes)"),
                before: side(&delta.actual.attributes).map_err(unwritable)?,
                after: side(&delta.desired.attributes).map_err(unwritable)?,
                prepared: None,
            });
        }
        Ok(diffs)
    }
}

/// Makes the folders above a path that are missing.
///
/// # Errors
/// Folders that cannot be made.
pub fn make_folders(host: &mut dyn Host, path: &Path) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
    for folder in above {
        if host.metadata(folder)?.is_some() {
            break;
        }
        missing.push(folder);
    }
    for folder in missing.into_iter().rev() {
        host.make_dir(folder, module::file_arguments::FOLDER_MODE)?;
    }
    Ok(())
}

/// What the task did to the text, in words, and attributes besides.
pub fn message(delta: &Delta<TextState>, edit: &str) -> JsonMap {
    let mut map = JsonMap::new();
    let edited = delta.actual.digest != delta.desired.digest;
    let dressed =
        delta.actual.digest.is_some() && delta.actual.attributes != delta.desired.attributes;
    let msg = match (edited || !delta.is_change(), dressed) {
        (true, true) => format!("{edit} and ownership, perms or SE linux context changed"),
        (true, false) => edit.to_owned(),
        (false, _) => "ownership, perms or SE linux context changed".into(),
    };
    map.insert("msg".into(), msg.trim_start_matches(" and ").into());
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_survive_an_edit() {
        for bytes in
            [&b"plain\n"[..], b"caf\xe9\n\xff\xc3\x28x\n", "ünï\u{10ff80}\n".as_bytes(), b""]
        {
            assert_eq!(encode(bytes, &decode(bytes)), bytes);
        }
        let old = b"caf\xe9 old";
        assert_eq!(encode(old, &decode(old).replace("old", "ne\u{fc}")), b"caf\xe9 ne\xc3\xbc");
    }
}
