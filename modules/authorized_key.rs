//! The `authorized_key` module of the collection `ansible.posix`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement, Returned,
    accounts::{User, user_by_name},
    file_arguments::path_info,
};
use protocol::{Diff, JsonMap};

use crate::{
    http::{Client, Follow, HttpArguments, Request},
    lineinfile::State,
    whole_text::{WholeText, diff},
};

const TYPES: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
/// The bytes of keys from a server at most.
const KEYS_BYTES_MAX: u64 = 1024 * 1024;

/// Keeps keys with which a user may log in over SSH, or takes them away.
///
/// A key is the same by what it is, not by its comment. Remarks and lines that hold no key are left
/// alone.
#[derive(Debug, Arguments)]
pub struct AuthorizedKey {
    /// Whose keys they are.
    user: String,
    /// The keys, a line each, or a URL where they are.
    key: String,
    /// The file, if it is not `.ssh/authorized_keys` in the user's home.
    path: Option<PathBuf>,
    /// Whether the folder of the file is made, and made the user's own.
    #[argument(default = true)]
    manage_dir: bool,
    /// Whether the keys should be there.
    #[argument(default = "present")]
    state: State,
    /// Options that stand before each key.
    key_options: Option<String>,
    /// Whether all other keys are taken away.
    #[argument(default = false)]
    exclusive: bool,
    /// Whether a server that has the keys must prove who it is.
    #[argument(default = true)]
    validate_certs: bool,
    /// Comment behind each key, instead of its own.
    comment: Option<String>,
    /// Whether a file that is a link is edited where it leads to; else it is replaced.
    #[argument(default = false)]
    follow: bool,
}

impl Documented for AuthorizedKey {
    const NAME: &'static str = "ansible.posix.authorized_key";
    const ALIASES: &'static [&'static str] = &["authorized_key"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A key",
            args: r#"{"user": "root", "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGExample ops@example.com"}"#,
        },
        Example {
            title: "No other key, and no tunnels",
            args: r#"{"user": "root", "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGExample", "exclusive": true, "key_options": "no-port-forwarding"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("keyfile", "The file.", "always", r#""/root/.ssh/authorized_keys""#),
        Returned::new("user", "Whose keys they are.", "always", r#""root""#),
        Returned::new("state", "Whether they should be there.", "always", r#""present""#),
    ];
}

/// A line that holds a key.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    options: String,
    kind: String,
    blob: String,
    comment: String,
}

impl Key {
    /// Reads `[options] type blob [comment]`; `None` for what is no key.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (first, rest) = split_word(line);
        let (options, kind, rest) = if is_type(first) {
            ("", first, rest)
        } else {
            let (kind, rest) = split_word(rest);
            (first, kind, rest)
        };
        let (blob, comment) = split_word(rest);
        let is_blob = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if !is_type(kind) || blob.is_empty() || !blob.bytes().all(is_blob) {
            return None;
        }
        Some(Self {
            options: options.into(),
            kind: kind.into(),
            blob: blob.into(),
            comment: comment.trim().into(),
        })
    }

    fn line(&self) -> String {
        let parts = [&self.options, &self.kind, &self.blob, &self.comment];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}

fn is_type(word: &str) -> bool {
    TYPES.iter().any(|start| word.starts_with(start))
}

/// The first word, in which quotes hold blanks together, and what is behind it.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            letter if letter.is_whitespace() && !is_quoted => {
                let (word, rest) = text.split_at(at);
                return (word, rest.trim_start());
            }
            _ => {}
        }
    }
    (text, "")
}

impl Module for AuthorizedKey {
    type State = WholeText;

    fn check(&self, host: &dyn Host) -> Result<Delta<WholeText>, Failure> {
        let path = self.file(host)?;
        let actual = WholeText::read(host, &path)?;
        let wanted = self.wanted(host)?;
        let mut lines: Vec<String> = Vec::new();
        let mut met: Vec<bool> = vec![false; wanted.len()];
        for line in actual.as_str().lines() {
            let Some(old) = Key::parse(line) else {
                lines.push(line.into());
                continue;
            };
            let found = wanted.iter().position(|key| key.blob == old.blob);
            match (found.and_then(|at| Some((wanted.get(at)?, met.get_mut(at)?))), self.state) {
                (Some(_), State::Absent) => {}
                (Some((key, met)), State::Present) => {
                    // Once is enough.
                    if !*met {
                        *met = true;
                        lines.push(if *key == old { line.into() } else { key.line() });
                    }
                }
                (None, State::Present) if self.exclusive => {}
                (None, _) => lines.push(line.into()),
            }
        }
        if self.state == State::Present {
            let missing = wanted.iter().zip(&met).filter(|(_, met)| !**met);
            lines.extend(missing.map(|(key, _)| key.line()));
        }
        let is_same = lines.iter().map(String::as_str).eq(actual.as_str().lines());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let desired = if is_same { actual.clone() } else { WholeText { text: Some(text) } };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<WholeText>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let user = self.account(host)?;
        let path = self.file(host)?;
        if let Some(folder) = path.parent().filter(|_| self.manage_dir)
            && host.metadata(folder)?.is_none()
        {
            host.make_dir(folder, FileMode::new(0o700))?;
            host.set_owner(folder, Some(user.uid), Some(user.gid), module::host::Links::Follow)?;
        }
        if let Some(folder) = path.parent().filter(|_| self.manage_dir)
            && let Some(there) = host.metadata(folder)?
            && self.path.is_none()
            && (there.uid, there.gid) != (user.uid, user.gid)
        {
            host.set_owner(folder, Some(user.uid), Some(user.gid), module::host::Links::Follow)?;
        }
        let placement = Placement {
            mode: Some(FileMode::new(0o600)),
            uid: Some(user.uid),
            gid: Some(user.gid),
            ..Placement::default()
        };
        host.write(&path, &mut delta.desired.as_str().as_bytes(), &placement)?;
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<WholeText>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("keyfile".into(), self.file(host)?.display().to_string().into());
        map.insert("user".into(), self.user.clone().into());
        map.insert("key".into(), self.key.clone().into());
        map.insert("state".into(), self.state.as_str().into());
        map.insert("exclusive".into(), self.exclusive.into());
        let path = self.path.as_ref().map(|path| path.display().to_string());
        map.insert("path".into(), path.into());
        map.insert("comment".into(), self.comment.clone().into());
        map.insert("key_options".into(), self.key_options.clone().into());
        map.insert("manage_dir".into(), self.manage_dir.into());
        map.insert("follow".into(), self.follow.into());
        map.insert("validate_certs".into(), self.validate_certs.into());
        if let Some(path) = &self.path {
            map.extend(path_info(host, path)?);
        }
        Ok(map)
    }

    fn diff(&self, delta: &Delta<WholeText>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        Ok(diff(delta, &self.file(host)?.display().to_string()))
    }
}

impl AuthorizedKey {
    fn account(&self, host: &dyn Host) -> Result<User, Failure> {
        user_by_name(host, &self.user)?.ok_or_else(|| {
            Failure::new(format!("Failed to lookup user {}: there is no such user", self.user))
        })
    }

    fn file(&self, host: &dyn Host) -> Result<PathBuf, Failure> {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => PathBuf::from(self.account(host)?.home).join(".ssh/authorized_keys"),
        };
        Ok(if self.follow { host.real_path(&path)? } else { path })
    }

    /// The keys as they should stand in the file.
    fn wanted(&self, host: &dyn Host) -> Result<Vec<Key>, Failure> {
        let is_url = self.key.starts_with("http://") || self.key.starts_with("https://");
        let text = if is_url { self.download(host)? } else { self.key.clone() };
        let mut keys: Vec<Key> = Vec::new();
        for line in
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let mut key = Key::parse(line)
                .ok_or_else(|| Failure::new(format!("invalid key specified: {line}")))?;
            if let Some(options) = &self.key_options {
                options.trim().clone_into(&mut key.options);
            }
            if let Some(comment) = &self.comment {
                comment.trim().clone_into(&mut key.comment);
            }
            if key.line().contains(['\n', '\r']) {
                return Err(Failure::new("key_options and comment cannot hold line ends"));
            }
            if !keys.iter().any(|known| known.blob == key.blob) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    fn download(&self, host: &dyn Host) -> Result<String, Failure> {
        let arguments = HttpArguments::plain(&self.key, self.validate_certs);
        let client = Client {
            host,
            arguments: &arguments,
            timeout: std::time::Duration::from_secs(30),
            follow: Follow::All,
            unix_socket: None,
            ca_path: None,
        };
        let request = Request { method: "GET".into(), url: self.key.clone(), ..Request::default() };
        let answer = client.send(&request)?;
        if answer.status != 200 {
            return Err(Failure::new(format!(
                "Error getting key from: {}: {}",
                self.key,
                answer.message()
            )));
        }
        let mut text = String::new();
        std::io::Read::read_to_string(
            &mut std::io::Read::take(answer.content, KEYS_BYTES_MAX),
            &mut text,
        )?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::cases::run;

    const FILE: &str = "/home/bob/.ssh/authorized_keys";

    fn host(text: &str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/passwd", "bob:x:1000:1001::/home/bob:/bin/sh\n");
        host.put_dirs("/home/bob");
        host.serve("192.0.2.1:80", |_| {
            b"HTTP/1.1 200 OK\r\n\r\nssh-rsa AAAAnet\nssh-rsa AAAAtwo\n".to_vec()
        });
        if !text.is_empty() {
            host.put(FILE, text);
        }
        host
    }

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("authorized_key", args, "user", "bob", Mode::default(), host)
    }

    #[test]
    fn keys_are_given_and_taken() {
        for (args, before, after) in [
            (json!({"key": "ssh-rsa AAAAb b@c"}), "", "ssh-rsa AAAAb b@c\n"),
            (
                json!({"key": "ssh-rsa AAAAb b@c"}),
                "# x\nssh-rsa AAAAa\n",
                "# x\nssh-rsa AAAAa\nssh-rsa AAAAb b@c\n",
            ),
            (json!({"key": "ssh-rsa AAAAb"}), "ssh-rsa AAAAb\n", "ssh-rsa AAAAb\n"),
            (json!({"key": "ssh-rsa AAAAb new"}), "ssh-rsa AAAAb old\n", "ssh-rsa AAAAb new\n"),
            (
                json!({"key": "ssh-rsa AAAAb", "key_options": "command=\"a b\",no-pty"}),
                "ssh-rsa AAAAb\n",
                "command=\"a b\",no-pty ssh-rsa AAAAb\n",
            ),
            (
                json!({"key": "command=\"a \\\" b\" ssh-rsa AAAAb c"}),
                "command=\"a \\\" b\" ssh-rsa AAAAb c\n",
                "command=\"a \\\" b\" ssh-rsa AAAAb c\n",
            ),
            (
                json!({"key": "ssh-rsa AAAAb", "exclusive": true}),
                "# x\nssh-rsa AAAAa\nssh-dss AAAAd\n",
                "# x\nssh-rsa AAAAb\n",
            ),
            (
                json!({"key": "ssh-rsa AAAAb\n# y\nssh-ed25519 AAAAc z\n", "comment": "q"}),
                "",
                "ssh-rsa AAAAb q\nssh-ed25519 AAAAc q\n",
            ),
            (
                json!({"key": "ssh-rsa AAAAb other", "state": "absent"}),
                "ssh-rsa AAAAa\nno-pty ssh-rsa AAAAb x\n",
                "ssh-rsa AAAAa\n",
            ),
            // A list of keys may have none.
            (json!({"key": "# nobody yet\n"}), "ssh-rsa AAAAa\n", "ssh-rsa AAAAa\n"),
            (json!({"key": "", "exclusive": true}), "# x\nssh-rsa AAAAa\n", "# x\n"),
            (
                json!({"key": "http://192.0.2.1/bob.keys"}),
                "ssh-rsa AAAAtwo\n",
                "ssh-rsa AAAAtwo\nssh-rsa AAAAnet\n",
            ),
        ] {
            let mut host = host(before);
            let response = apply(&args, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, before != after),
                "{args}: {response:?}"
            );
            assert_eq!(host.files.text(FILE).as_deref(), Some(after), "{args}");
            assert!(!apply(&args, &mut host).changed, "{args}");
        }
        let mut host = host("");
        apply(&json!({"key": "ssh-rsa AAAAb"}), &mut host);
        for (path, mode) in [("/home/bob/.ssh", "0700"), (FILE, "0600")] {
            let found = module::Host::metadata(&host, std::path::Path::new(path)).unwrap().unwrap();
            assert_eq!((found.mode.to_string().as_str(), found.uid, found.gid), (mode, 1000, 1001));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (args, expected) in [
            (json!({"key": "nonsense"}), "invalid key specified: nonsense"),
            (json!({"key": "ssh-rsa"}), "invalid key specified"),
            (json!({"key": "ssh-rsa AAAAb\nx y z"}), "invalid key specified: x y z"),
            (json!({"key": "ssh-rsa AAAAb", "comment": "a\nb"}), "cannot hold line ends"),
            (json!({"key": "http://192.0.2.2/k"}), "could not connect"),
            (json!({}), "missing required arguments: key"),
        ] {
            let mut host = host("");
            let msg = apply(&args, &mut host).msg.unwrap_or_default();
            assert!(msg.contains(expected), "{args}: {msg}");
            assert_eq!(host.writes, 0);
        }
        let msg = run(
            "authorized_key",
            &json!({"key": "ssh-rsa A"}),
            "user",
            "eve",
            Mode::default(),
            &mut host(""),
        )
        .msg;
        assert!(msg.unwrap().contains("no such user"));
    }
}
