//! The script that puts the remote in place, and what it says.
//!
//! One command of the login shell does everything:
//!
//! ```text
//! exec /bin/sh -c 'printf "\n%s\n" "NONCE IN"; eval "$(head -c BYTES)"'
//! ```
//!
//! The script itself follows on standard input, so that the command line has neither newlines
//! nor nested quotes and any login shell (csh and fish too) can run it, and so that another user
//! can be become first. It says one of:
//!
//! ```text
//! NONCE IN                    the shell runs; sent before anything is read
//! NONCE NEED gzip|plain M     no usable binary is there; a line with the number of bytes and
//!                             then the bytes are to follow, compressed or not; M is `uname -sm`
//! NONCE FAIL kind text        it cannot be done
//! READY                       the remote itself speaks, and frames follow
//! ```
//!
//! A binary lies in `FOLDER/trueup-UID/SHA256`. That folder and the binary must belong to the
//! user alone (mode 0700, no link), or they are not used: FOLDER may be `/tmp`. A user who is
//! become gets an own copy by the same way; nothing that another user could write to is run.

use std::fmt::Write;

use crate::{error::RemoteError, remotes::RemoteBinaries};

const SCRIPT: &str = include_str!("boot.sh");

/// A folder without room for the binary and this many KiB besides is passed over.
const SPARE_KIB: usize = 64;

/// Something that the script says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The shell runs, and waits for the script.
    In,
    /// The binary is to be sent.
    Need {
        /// What `uname -sm` says.
        machine: String,
        /// Whether the host can decompress it.
        gzip: bool,
    },
    /// The binary is there; said only where it answers by letters.
    At {
        /// Where it is.
        path: String,
    },
    /// It cannot be done.
    Fail {
        /// `machine`, `tool`, `folder` or `content`.
        kind: String,
        /// What is wrong.
        text: String,
    },
}

impl Said {
    /// Reads what stands on a line after the nonce.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "IN" => Some(Self::In),
            "NEED" => {
                let (way, machine) = rest.split_once(' ')?;
                Some(Self::Need { machine: machine.to_owned(), gzip: way == "gzip" })
            }
            "AT" => Some(Self::At { path: rest.to_owned() }),
            "FAIL" => {
                let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
                Some(Self::Fail { kind: kind.to_owned(), text: text.to_owned() })
            }
            _ => None,
        }
    }
}

/// The line for a shell that starts to listen for a script of so many bytes. Has no single quotes
/// but the outer ones.
pub(crate) fn listener(nonce: &str, script_bytes: usize) -> String {
    format!("/bin/sh -c 'printf \"\\n%s\\n\" \"{nonce} IN\"; eval \"$(head -c {script_bytes})\"'")
}

/// The script for one start. `letters` is for a remote that answers by letters: the file in which
/// it was brought, or nothing.
pub(crate) fn script(
    nonce: &str,
    remotes: &RemoteBinaries,
    folders: &[String],
    letters: Option<&str>,
) -> String {
    let argument = if letters.is_some() { "--letters" } else { "" };
    let brought = letters.unwrap_or_default();
    let mut script = format!("N={nonce}\nA={argument}\nG={brought}\n");
    script.push_str("pick() {\n  case $1 in\n");
    for (machine, binary) in remotes.by_machine() {
        let kib = binary.bytes / 1024 + SPARE_KIB;
        // Writing to a string does not fail.
        let _ =
            writeln!(script, "    '{machine}') h={} n={} k={kib} ;;", binary.digest, binary.bytes);
    }
    script.push_str("    *) return 1 ;;\n  esac\n}\nfolders() {\n");
    for folder in folders {
        let _ = writeln!(script, "  \"$1\" {}", folder_word(folder));
    }
    script.push_str("}\n");
    script.push_str(SCRIPT);
    script
}

/// What a failure of the script means.
pub(crate) fn failure(kind: &str, text: &str, remotes: &RemoteBinaries) -> RemoteError {
    let text = text.trim().trim_end_matches(';').to_owned();
    match kind {
        "machine" => RemoteError::Machine {
            machine: text,
            at_hand: remotes.by_machine().map(|(machine, _)| machine.to_owned()).collect(),
        },
        "folder" => RemoteError::NoFolder { why: text },
        "tool" => RemoteError::Content { why: format!("the host has no program {text}") },
        _ => RemoteError::Content { why: text },
    }
}

/// Writes a folder as one word of the shell, in which a leading `~` and plain variables
/// (`$USER`, `${USER}`) mean what they do in a shell, as they do in Ansible's `remote_tmp`, and
/// nothing else does.
fn folder_word(folder: &str) -> String {
    let mut word = String::new();
    let rest = match folder.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            word.push_str("\"${HOME:-/}");
            rest
        }
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (user, path) = rest.split_at(end);
            if user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
                word.push('~');
                word.push_str(user);
                if path.is_empty() {
                    return word;
                }
                word.push_str("/\"");
                path.trim_start_matches('/')
            } else {
                word.push('"');
                folder
            }
        }
        None => {
            word.push('"');
            folder
        }
    };
    for (at, character) in rest.char_indices() {
        match character {
            '"' | '\\' | '`' => {
                word.push('\\');
                word.push(character);
            }
            '$' if !is_plain_variable(&rest[at + 1..]) => word.push_str("\\$"),
            _ => word.push(character),
        }
    }
    word.push('"');
    word
}

/// Whether what follows a `$` is a name, bare or in braces.
fn is_plain_variable(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').is_some_and(|(name, _)| is_name(name)),
        None => text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_expand_what_a_remote_tmp_may_hold_and_nothing_else() {
        for (folder, word) in [
            ("~/.ansible/tmp", r#""${HOME:-/}/.ansible/tmp""#),
            ("~", r#""${HOME:-/}""#),
            ("~deploy/tmp dir", r#"~deploy/"tmp dir""#),
            ("~deploy", "~deploy"),
            ("~a b/x", r#""~a b/x""#),
            ("/tmp/.ansible-${USER}/tmp", r#""/tmp/.ansible-${USER}/tmp""#),
            ("/tmp/$USER", r#""/tmp/$USER""#),
            ("$HOME/x", r#""$HOME/x""#),
            ("/tmp/$(reboot)", r#""/tmp/\$(reboot)""#),
            ("/tmp/${USER:-`id`}", r#""/tmp/\${USER:-\`id\`}""#),
            ("/tmp/$1", r#""/tmp/\$1""#),
            ("/tmp/a\"b\\c", r#""/tmp/a\"b\\c""#),
            ("/tmp/$", r#""/tmp/\$""#),
        ] {
            assert_eq!(folder_word(folder), word, "{folder}");
        }
    }

    #[test]
    fn lines_of_the_script_are_read() {
        for (line, said) in [
            ("IN", Some(Said::In)),
            (
                "NEED gzip Linux x86_64",
                Some(Said::Need { machine: "Linux x86_64".into(), gzip: true }),
            ),
            (
                "NEED plain Linux armv7l",
                Some(Said::Need { machine: "Linux armv7l".into(), gzip: false }),
            ),
            (
                "FAIL folder /tmp: full; ",
                Some(Said::Fail { kind: "folder".into(), text: "/tmp: full; ".into() }),
            ),
            ("AT /tmp/a b", Some(Said::At { path: "/tmp/a b".into() })),
            ("FAIL tool", Some(Said::Fail { kind: "tool".into(), text: String::new() })),
            ("NEED", None),
            ("INN", None),
            ("", None),
        ] {
            assert_eq!(Said::parse(line), said, "{line}");
        }
    }
}
