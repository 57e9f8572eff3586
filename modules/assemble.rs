//! The `assemble` module.
//!
//! With `remote_src: false` the controller puts the fragments together and makes a `copy` of them.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, Host, Module, Returned,
    content::{Algorithm, bytes_digest},
    file_arguments::path_info,
};
use protocol::{Diff, JsonMap};
use pyregex::{Flags, Pattern};

use crate::{
    lineinfile::{compile, gave_up},
    text_file::{TextFile, TextState},
};

/// Puts the files of a folder together into one, sorted by name.
///
/// Unlike Ansible's, a check run says what would change.
#[derive(Debug, Arguments)]
pub struct Assemble {
    /// Folder with the fragments.
    src: PathBuf,
    /// The file they make.
    dest: PathBuf,
    /// Whether the old file is kept beside the new one, with the time in its name.
    #[argument(default = false)]
    backup: bool,
    /// What stands between two fragments; `\n` and the like are understood.
    delimiter: Option<String>,
    /// Whether the folder is on the host.
    #[argument(default = true)]
    remote_src: bool,
    /// Python's regular expression that the names of fragments must contain.
    regexp: Option<String>,
    /// Whether names that start with a dot are left out.
    #[argument(default = false)]
    ignore_hidden: bool,
    /// A program that must succeed on the new file before it takes its place; `%s` is its path.
    validate: Option<String>,
    /// Whether fragments that ansible-vault encrypted are decrypted. The controller does it.
    #[argument(default = true)]
    #[expect(dead_code, reason = "the controller acts on it")]
    decrypt: bool,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for Assemble {
    const NAME: &'static str = "ansible.builtin.assemble";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Fragments with a line between",
            args: r##"{"src": "/etc", "dest": "/srv/all", "delimiter": "# ---", "regexp": "^(hosts|group)$"}"##,
        },
        Example {
            title: "Kept and with permissions",
            args: r#"{"src": "/etc", "dest": "/srv/all", "mode": "0600", "backup": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("dest", "The file.", "always", r#""/srv/all""#),
        Returned::new("src", "The folder.", "always", r#""/etc/fragments""#),
        Returned::new(
            "checksum",
            "SHA-1 of the file.",
            "always",
            r#""b52791126f96a21a8ba4d511c6f25a1c1eb6dc9e""#,
        ),
        Returned::new(
            "backup_file",
            "Where the old file is.",
            "changed, with backup",
            r#""/srv/all.12345.2026-11-21@05:27:26~""#,
        ),
    ];
}

impl Module for Assemble {
    type State = TextState;

    fn check(&self, host: &dyn Host) -> Result<Delta<TextState>, Failure> {
        let whole = self.assemble(host)?;
        let before = self.text_file().read(host)?;
        self.text_file().compare(host, before.as_ref(), Some(&whole))
    }

    fn apply(&self, delta: &Delta<TextState>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let whole = self.assemble(host)?;
        let mut map = JsonMap::new();
        if let Some(backup) = self.text_file().apply(host, delta, Some(&whole))? {
            map.insert("backup_file".into(), backup.into());
        }
        Ok(map)
    }

    fn returned(&self, _: &Delta<TextState>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let whole = self.assemble(host)?;
        let mut map = JsonMap::new();
        map.insert("src".into(), self.src.display().to_string().into());
        map.insert("dest".into(), self.dest.display().to_string().into());
        map.insert("checksum".into(), bytes_digest(Algorithm::Sha1, &whole).into());
        map.insert("md5sum".into(), bytes_digest(Algorithm::Md5, &whole).into());
        map.insert("msg".into(), "OK".into());
        map.extend(path_info(host, &self.dest)?);
        Ok(map)
    }

    fn diff(&self, delta: &Delta<TextState>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let before = self.text_file().read(host)?;
        self.text_file().diff(delta, before.as_ref(), Some(&self.assemble(host)?))
    }
}

impl Assemble {
    fn text_file(&self) -> TextFile<'_> {
        TextFile {
            backup: self.backup,
            validate: self.validate.as_deref(),
            ..TextFile::new(&self.dest, &self.file)
        }
    }

    fn assemble(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let shown = self.src.display();
        if !self.remote_src {
            return Err(Failure::new(
                "bug in trueup: assemble was sent to a host with a folder of the controller",
            ));
        }
        match host.metadata(&self.src)? {
            None => return Err(Failure::new(format!("Source ({shown}) does not exist"))),
            Some(found) if !found.is_dir() => {
                return Err(Failure::new(format!("Source ({shown}) is not a directory")));
            }
            Some(_) => {}
        }
        let pattern = self.regexp.as_deref();
        let pattern =
            pattern.map(|regexp| compile("regexp", regexp, Flags::default())).transpose()?;
        let mut whole: Vec<u8> = Vec::new();
        let (mut is_first, mut needs_newline) = (true, false);
        for name in host.list(&self.src)? {
            let text = name.to_string_lossy();
            let path = self.src.join(&name);
            if !self.is_fragment(&text, pattern.as_ref())?
                || !host.metadata(&path)?.is_some_and(|found| found.is_file())
            {
                continue;
            }
            let fragment = host.read(&path)?.unwrap_or_default();
            if needs_newline {
                whole.push(b'\n');
            }
            if let Some(delimiter) = self.delimiter.as_deref().filter(|_| !is_first) {
                whole.extend_from_slice(unescape(delimiter).as_bytes());
                if !whole.ends_with(b"\n") {
                    whole.push(b'\n');
                }
            }
            is_first = false;
            needs_newline = !fragment.ends_with(b"\n");
            whole.extend_from_slice(&fragment);
        }
        Ok(whole)
    }

    fn is_fragment(&self, name: &str, pattern: Option<&Pattern>) -> Result<bool, Failure> {
        if self.ignore_hidden && name.starts_with('.') {
            return Ok(false);
        }
        match pattern {
            Some(pattern) => pattern.is_match(name).map_err(|why| gave_up(&why)),
            None => Ok(true),
        }
    }
}

/// `\n`, `\t` and `\\` as what they stand for.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('\\') | None => out.push('\\'),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
            },
            (letter, false) => out.push(letter),
        }
    }
    out
}
