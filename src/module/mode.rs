//! Permissions: octal, symbolic, and how Ansible tells them apart.

use std::fmt;

use protocol::{Json, python};
use serde::{Serialize, Serializer};

use crate::Failure;

/// Permission bits of a file, set-id and sticky bits included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FileMode(u32);

impl FileMode {
    /// All bits there are.
    pub const ALL: u32 = 0o7777;

    /// Keeps the permission bits of a number.
    pub const fn new(bits: u32) -> Self {
        Self(bits & Self::ALL)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// `0644`, `01777`: as Ansible's return values write modes.
impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0{:03o}", self.0)
    }
}

impl Serialize for FileMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A mode as a task asks for it.
#[derive(Clone, Debug, PartialEq)]
pub enum WantedMode {
    /// Exactly this one.
    Exact(FileMode),
    /// Changes to the mode that a file has.
    Symbolic(String),
    /// That of the source.
    Preserve,
}

impl WantedMode {
    /// Reads the argument `mode`.
    ///
    /// # Errors
    /// What is neither octal nor symbolic, and a number that was surely meant in octal and is not.
    pub fn parse(value: &Json) -> Result<Self, Failure> {
        match value {
            Json::Number(number) => {
                let bits = number.as_u64().and_then(|bits| u32::try_from(bits).ok());
                let bits =
                    bits.ok_or_else(|| bad_mode(&number.to_string(), "it is no octal number"))?;
                refuse_decimal_trap(bits)?;
                Ok(Self::Exact(FileMode::new(bits)))
            }
            Json::String(text) if text == "preserve" => Ok(Self::Preserve),
            Json::String(text) => {
                let digits = text.trim();
                let digits = digits.strip_prefix("0o").unwrap_or(digits);
                if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    let bits = u32::from_str_radix(digits, 8)
                        .map_err(|_| bad_mode(text, "it is no octal number"))?;
                    return Ok(Self::Exact(FileMode::new(bits)));
                }
                // Tried on a file without permissions, so that a mistake shows early.
                apply_symbolic(text, FileMode::default(), false, 0)?;
                Ok(Self::Symbolic(text.clone()))
            }
            other => Err(bad_mode(&python::text(other), "write it as a text, such as '0644'")),
        }
    }

    /// The mode itself, for a file that has `current`; `Preserve` leaves it as it is.
    ///
    /// # Errors
    /// A symbolic mode that cannot be read.
    pub fn resolve(
        &self,
        current: FileMode,
        is_dir: bool,
        umask: u32,
    ) -> Result<FileMode, Failure> {
        match self {
            Self::Exact(mode) => Ok(*mode),
            Self::Preserve => Ok(current),
            Self::Symbolic(text) => apply_symbolic(text, current, is_dir, umask),
        }
    }
}

/// `mode: 644` in YAML is the decimal 644, which is 01204 and nobody's wish; `mode: 0644` is 420.
/// A number is refused where its decimal digits make a sensible mode and its bits do not.
fn refuse_decimal_trap(bits: u32) -> Result<(), Failure> {
    let Ok(meant) = u32::from_str_radix(&bits.to_string(), 8) else { return Ok(()) };
    if bits > FileMode::ALL || (is_sensible(meant) && !is_sensible(bits)) {
        return Err(Failure::new(format!(
            "mode {bits} is a decimal number, which would set the permissions 0{bits:o}; write \
             '0{meant:o}' in quotes, or with the leading zero that YAML takes for octal"
        )));
    }
    Ok(())
}

/// Whether nobody may do what the owner may not, and others no more than the group.
fn is_sensible(bits: u32) -> bool {
    let (owner, group, others) = (bits >> 6 & 7, bits >> 3 & 7, bits & 7);
    group & !owner == 0 && others & !group == 0
}

fn bad_mode(mode: &str, why: &str) -> Failure {
    Failure::new("mode must be in octal or symbolic form")
        .with("details", format!("bad permission for mode: {mode}: {why}"))
}

fn bad_symbolic(mode: &str) -> Failure {
    Failure::new("mode must be in octal or symbolic form")
        .with("details", format!("bad symbolic permission for mode: {mode}"))
}

/// Applies `u=rw,g-x,+X` to the mode that a file has.
fn apply_symbolic(
    text: &str,
    current: FileMode,
    is_dir: bool,
    umask: u32,
) -> Result<FileMode, Failure> {
    let mut bits = current.bits();
    for clause in text.split(',') {
        let operators = ['+', '-', '='];
        let first = clause.find(operators).ok_or_else(|| bad_symbolic(text))?;
        let (users, mut rest) = clause.split_at(first);
        // As in Ansible, `a` stands alone.
        if users != "a" && users.bytes().any(|user| !b"ugo".contains(&user)) {
            return Err(bad_symbolic(text));
        }
        // Without users all are meant, but for what the umask takes away.
        let masked = if users.is_empty() { umask } else { 0 };
        let users = if users.is_empty() || users == "a" { "ugo" } else { users };
        while let Some(operator) = rest.chars().next() {
            let tail = rest.get(1..).unwrap_or_default();
            let end = tail.find(operators).unwrap_or(tail.len());
            let (permissions, next) = tail.split_at(end);
            if permissions.bytes().any(|letter| !b"rwxXstugo".contains(&letter)) {
                return Err(bad_symbolic(text));
            }
            let before = bits;
            for user in users.bytes() {
                let given = permission_bits(permissions, user, before, is_dir) & !masked;
                let own = match user {
                    b'u' => 0o4700,
                    b'g' => 0o2070,
                    _ => 0o1007,
                };
                bits = match operator {
                    '+' => bits | given,
                    '-' => bits & !given,
                    _ => bits & !own | given,
                };
            }
            rest = next;
        }
    }
    Ok(FileMode::new(bits))
}

fn permission_bits(permissions: &str, user: u8, current: u32, is_dir: bool) -> u32 {
    let shift = match user {
        b'u' => 6,
        b'g' => 3,
        _ => 0,
    };
    permissions.bytes().fold(0, |bits, letter| {
        bits | match letter {
            b'r' => 4 << shift,
            b'w' => 2 << shift,
            b'x' => 1 << shift,
            b'X' if is_dir || current & 0o111 != 0 => 1 << shift,
            b's' if user == b'u' => 0o4000,
            b's' if user == b'g' => 0o2000,
            b't' if user == b'o' => 0o1000,
            b'u' => (current >> 6 & 7) << shift,
            b'g' => (current >> 3 & 7) << shift,
            b'o' => (current & 7) << shift,
            _ => 0,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn modes_are_read_as_ansible_reads_them() {
        for (value, current, is_dir, expected) in [
            (json!("0644"), 0, false, "0644"),
            (json!("644"), 0, false, "0644"),
            (json!("0o755"), 0, false, "0755"),
            (json!("1777"), 0, true, "01777"),
            (json!(420), 0, false, "0644"),
            (json!(493), 0, false, "0755"),
            (json!(1023), 0, true, "01777"),
            (json!(1533), 0, true, "02775"),
            (json!("u=rwx,g=rx,o="), 0, false, "0750"),
            (json!("u+x"), 0o644, false, "0744"),
            (json!("+x"), 0o644, false, "0755"),
            (json!("+w"), 0o444, false, "0644"),
            (json!("a+w"), 0o444, false, "0666"),
            (json!("u=rwX,g=rX,o=rX"), 0o600, false, "0644"),
            (json!("u=rwX,g=rX,o=rX"), 0o700, false, "0755"),
            (json!("u=rwX,g=rX,o=rX"), 0o600, true, "0755"),
            (json!("g=u,o-rwx"), 0o754, false, "0770"),
            (json!("u+s,g+s,+t"), 0o755, false, "07755"),
            (json!("u=r"), 0o4755, false, "0455"),
            (json!("u=rw+x"), 0, false, "0700"),
            (json!("preserve"), 0o640, false, "0640"),
        ] {
            let mode = WantedMode::parse(&value).unwrap();
            let mode = mode.resolve(FileMode::new(current), is_dir, 0o022).unwrap();
            assert_eq!(mode.to_string(), expected, "{value} on {current:o}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for (value, expected) in [
            (json!("foo"), "bad symbolic permission for mode: foo"),
            (json!("u+q"), "bad symbolic permission for mode: u+q"),
            (json!("z+r"), "bad symbolic permission for mode: z+r"),
            (json!("oa=r"), "bad symbolic permission for mode: oa=r"),
            (json!("u"), "bad symbolic permission for mode: u"),
            (json!("0888"), "bad permission for mode: 0888: it is no octal number"),
            (json!(true), "bad permission for mode: True: write it as a text, such as '0644'"),
            (json!(-1), "bad permission for mode: -1: it is no octal number"),
        ] {
            let failure = WantedMode::parse(&value).unwrap_err();
            assert_eq!(failure.msg, "mode must be in octal or symbolic form");
            assert_eq!(failure.returned["details"], expected);
        }
        for (decimal, meant) in
            [(644, "'0644'"), (755, "'0755'"), (1777, "'01777'"), (600, "'0600'")]
        {
            let failure = WantedMode::parse(&json!(decimal)).unwrap_err();
            assert!(failure.msg.contains(meant), "{}", failure.msg);
        }
    }
}
