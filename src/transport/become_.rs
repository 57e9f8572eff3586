//! Becoming another user on a host: what is called, what it asks, and what its refusals mean.

use protocol::Secret;

use crate::error::BecomeError;

/// Whom to become on a host, and by what means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Become {
    /// The means.
    pub method: BecomeMethod,
    /// The user to become.
    pub user: String,
    /// Answers the prompt of the method; for sudo and doas that is the password of the user who
    /// logged in, for su that of `user`.
    pub password: Option<Secret<String>>,
    /// Program to call instead of the method's own name.
    pub executable: Option<String>,
    /// Words added to the call, instead of the method's own defaults, as Ansible's
    /// `become_flags`. The shell reads them.
    pub flags: Option<String>,
}

/// By what means another user is become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BecomeMethod {
    /// `sudo`
    Sudo,
    /// `su`
    Su,
    /// `doas`
    Doas,
}

impl BecomeMethod {
    /// Name as Ansible has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }

    /// The method of that name, or `None` where there is none here.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sudo, Self::Su, Self::Doas].into_iter().find(|method| method.name() == name)
    }

    /// Flags where nobody says otherwise, as in Ansible.
    fn default_flags(self) -> &'static str {
        match self {
            Self::Sudo => "-H -S -n",
            Self::Su | Self::Doas => "",
        }
    }
}

/// How a command is run as another user.
pub(crate) struct Call {
    /// The command line, for a login shell.
    pub(crate) command: String,
    /// Whether the method can only ask for its password on a terminal.
    pub(crate) needs_terminal: bool,
    /// Whether the method may read before the command does, and take what was meant for that for
    /// a password. Where it does not, the command's input can be sent without waiting.
    pub(crate) reads_first: bool,
}

impl Become {
    /// The command line that runs `command`, itself a command line, as the other user. `nonce` is
    /// in sudo's prompt, so that nothing else is taken for it.
    pub(crate) fn call(&self, command: &str, nonce: &str) -> Call {
        let executable = self.executable.as_deref().unwrap_or(self.method.name());
        let flags = self.flags.as_deref().unwrap_or(self.method.default_flags());
        let asking = without_non_interactive(flags);
        let user = quote(&self.user);
        let parts = match (self.method, self.password.is_some()) {
            (BecomeMethod::Sudo, true) => {
                let prompt = quote(&prompt(nonce));
                format!("{asking} -S -p {prompt} -u {user} {command}")
            }
            (BecomeMethod::Sudo | BecomeMethod::Doas, false) => {
                format!("{asking} -n -u {user} {command}")
            }
            (BecomeMethod::Doas, true) => format!("{asking} -u {user} {command}"),
            (BecomeMethod::Su, _) => {
                format!("{flags} {user} -c {}", quote(&format!("exec {command}")))
            }
        };
        Call {
            command: format!("{executable} {}", parts.trim_start()),
            needs_terminal: self.method == BecomeMethod::Doas && self.password.is_some(),
            reads_first: self.method == BecomeMethod::Su || self.password.is_some(),
        }
    }

    /// Whether the end of what was printed is this method asking for its password.
    pub(crate) fn is_prompt(&self, heard: &str, nonce: &str) -> bool {
        match self.method {
            BecomeMethod::Sudo => heard.contains(&prompt(nonce)),
            BecomeMethod::Doas => {
                let line = last_line(heard);
                line.starts_with("doas (") && line.trim_end().ends_with("password:")
            }
            // su says it in the language of the host, and ends with a colon of that language.
            BecomeMethod::Su => {
                let line = last_line(heard).trim_end();
                line.ends_with(':') || line.ends_with('：')
            }
        }
    }

    /// Whether [`is_prompt`](Self::is_prompt) can be wrong about a text that is still growing.
    pub(crate) fn guesses_prompts(&self) -> bool {
        self.method == BecomeMethod::Su
    }

    /// What a method meant that ended before it ran anything. `asked` is whether the password was
    /// sent.
    pub(crate) fn refusal(&self, heard: &str, asked: bool, rc: Option<i32>) -> BecomeError {
        let method = self.method.name();
        let executable = self.executable.as_deref().unwrap_or(method);
        let says = |texts: &[&str]| texts.iter().any(|text| heard.contains(text));
        let user = self.user.clone();
        let kept = heard.trim().to_owned();
        if rc == Some(127) || says(&[&format!("{executable}: not found")]) {
            BecomeError::NoSuchProgram { program: executable.to_owned() }
        } else if says(&["unknown user", "does not exist", "No passwd entry", "Unknown id"]) {
            BecomeError::NoSuchUser { method, user, heard: kept }
        } else if says(&[
            "is not in the sudoers",
            "not allowed to",
            "may not run",
            "Operation not permitted",
            "Permission denied",
        ]) {
            BecomeError::NotAllowed { method, user, heard: kept }
        } else if asked {
            BecomeError::Incorrect { method }
        } else if says(&["password is required", "uthentication required", "no password was"]) {
            BecomeError::Missing { method }
        } else {
            BecomeError::Other { method, user, heard: kept }
        }
    }
}

/// Whether a method ended because it wants a terminal.
pub(crate) fn wants_terminal(heard: &str) -> bool {
    ["you must have a tty", "must be run from a terminal", "a tty is required", "no tty present"]
        .iter()
        .any(|text| heard.contains(text))
}

/// What sudo asks with.
fn prompt(nonce: &str) -> String {
    format!("[sudo for trueup {nonce}] password: ")
}

fn last_line(text: &str) -> &str {
    text.rsplit(['\n', '\r']).next().unwrap_or_default()
}

/// Flags without `-n`, alone or among other letters, and without its long form.
fn without_non_interactive(flags: &str) -> String {
    flags
        .split_whitespace()
        .filter_map(|flag| match flag {
            "-n" | "--non-interactive" => None,
            _ if flag.starts_with("--") || !flag.starts_with('-') => Some(flag.to_owned()),
            // An argument may hang on a letter, as in `-unobody`: only letters that take none.
            _ if flag[1..].bytes().all(|letter| b"AbEeHhKklnPSsiV".contains(&letter)) => {
                Some(flag.replace('n', ""))
            }
            _ => Some(flag.to_owned()),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Writes a text as one word for any shell: POSIX shells, csh and fish.
pub(crate) fn quote(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn become_(method: BecomeMethod, password: Option<&str>, flags: Option<&str>) -> Become {
        Become {
            method,
            user: "web".into(),
            password: password.map(|password| Secret::new(password.to_owned())),
            executable: None,
            flags: flags.map(str::to_owned),
        }
    }

    #[test]
    fn calls_are_those_that_ansible_makes() {
        use BecomeMethod::{Doas, Su, Sudo};
        for (method, password, flags, expect) in [
            (Sudo, None, None, "sudo -H -S -n -u web /bin/sh -c 'x'"),
            (
                Sudo,
                Some("p"),
                None,
                "sudo -H -S -S -p '[sudo for trueup N] password: ' -u web /bin/sh -c 'x'",
            ),
            (Sudo, None, Some("-i"), "sudo -i -n -u web /bin/sh -c 'x'"),
            (
                Sudo,
                Some("p"),
                Some("-Hn -C 5 --non-interactive"),
                "sudo -H -C 5 -S -p '[sudo for trueup N] password: ' -u web /bin/sh -c 'x'",
            ),
            (Su, None, None, r"su web -c 'exec /bin/sh -c '\''x'\'''"),
            (
                Su,
                Some("p"),
                Some("-s /bin/sh"),
                r"su -s /bin/sh web -c 'exec /bin/sh -c '\''x'\'''",
            ),
            (Doas, None, None, "doas -n -u web /bin/sh -c 'x'"),
            (Doas, Some("p"), None, "doas -u web /bin/sh -c 'x'"),
        ] {
            let call = become_(method, password, flags).call("/bin/sh -c 'x'", "N");
            assert_eq!(call.command, expect);
        }
    }

    #[test]
    fn a_password_never_stands_in_the_call() {
        for method in [BecomeMethod::Sudo, BecomeMethod::Su, BecomeMethod::Doas] {
            let call = become_(method, Some("hunter2"), None).call("true", "N");
            assert!(!call.command.contains("hunter2"), "{}", call.command);
            assert!(call.reads_first);
        }
    }

    #[test]
    fn prompts_are_known_from_noise() {
        for (method, heard, expect) in [
            (BecomeMethod::Sudo, "[sudo for trueup N] password: ", true),
            (BecomeMethod::Sudo, "We trust you\n[sudo for trueup N] password: ", true),
            (BecomeMethod::Sudo, "[sudo] password for me: ", false),
            (BecomeMethod::Sudo, "[sudo for trueup M] password: ", false),
            (BecomeMethod::Su, "Password: ", true),
            (BecomeMethod::Su, "Passwort: ", true),
            (BecomeMethod::Su, "密碼：", true),
            (BecomeMethod::Su, "Last login: today\n", false),
            (BecomeMethod::Su, "", false),
            (BecomeMethod::Doas, "\rdoas (me@host) password: ", true),
            (BecomeMethod::Doas, "Password: ", false),
        ] {
            let become_ = become_(method, Some("p"), None);
            assert_eq!(become_.is_prompt(heard, "N"), expect, "{method:?} {heard}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        use BecomeMethod::{Doas, Su, Sudo};
        let said = |method, heard: &str, asked, rc| {
            become_(method, None, None).refusal(heard, asked, Some(rc)).to_string()
        };
        for (method, heard, asked, rc, expect) in [
            (Sudo, "sudo: a password is required\n", false, 1, "Missing sudo password"),
            (Sudo, "Sorry, try again.\n", true, 1, "Incorrect sudo password"),
            (
                Sudo,
                "me is not in the sudoers file.\n",
                true,
                1,
                "sudo does not let this user become web; it said: me is not in the sudoers file.",
            ),
            (
                Sudo,
                "Sorry, user me is not allowed to execute '/bin/sh' as web on h.",
                false,
                1,
                "sudo does not let this user become web; it said: Sorry, user me is not allowed \
                 to execute '/bin/sh' as web on h.",
            ),
            (Sudo, "sh: 1: sudo: not found\n", false, 127, "the host has no program sudo"),
            (
                Sudo,
                "sudo: unknown user web\n",
                false,
                1,
                "sudo knows no user web; it said: sudo: unknown user web",
            ),
            (Su, "su: Authentication failure\n", true, 1, "Incorrect su password"),
            (
                Su,
                "su: user web does not exist or the user entry does not contain all the required \
                 fields\n",
                false,
                1,
                "su knows no user web; it said: su: user web does not exist or the user entry \
                 does not contain all the required fields",
            ),
            (Doas, "doas: Authentication required\n", false, 1, "Missing doas password"),
            (
                Doas,
                "doas: Operation not permitted\n",
                false,
                1,
                "doas does not let this user become web; it said: doas: Operation not permitted",
            ),
            (Sudo, "boom", false, 3, "sudo ended without becoming web; it said: boom"),
        ] {
            assert_eq!(said(method, heard, asked, rc), expect);
        }
    }
}
