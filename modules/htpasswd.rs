//! The `htpasswd` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, FileAttributes, Host, Module,
    Returned, file_arguments::FILE_MODE, host::Links,
};
use protocol::{JsonMap, spec::Support};
use serde::Serialize;

use crate::{
    crypt::{Scheme, verify},
    presence::Presence,
    text_file::{Text, make_folders},
};

/// Keeps a user and a password in a file of Apache's kind, which other web servers read too.
///
/// A password that the file's hash fits is right, whichever scheme that hash has.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["password"])))]
pub struct HtPasswd {
    /// The file.
    #[argument(aliases("dest", "destfile"))]
    path: PathBuf,
    /// The user.
    #[argument(aliases("username"))]
    name: String,
    /// The password.
    #[argument(no_log)]
    password: Option<String>,
    /// How a new password is kept: `apr_md5_crypt`, `bcrypt`, `md5_crypt`, `sha256_crypt`,
    /// `sha512_crypt`, `ldap_sha1` or `plaintext`.
    #[argument(default = "apr_md5_crypt", aliases("crypt_scheme"))]
    hash_scheme: String,
    /// Whether the user should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether a file that is not there is made.
    #[argument(default = true)]
    create: bool,
    #[argument(flatten)]
    file: FileArguments,
}

/// The user's line, without any secret, and the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_fits: Option<bool>,
    #[serde(flatten)]
    attributes: FileAttributes,
}

impl Documented for HtPasswd {
    const NAME: &'static str = "community.general.htpasswd";
    const ALIASES: &'static [&'static str] = &["htpasswd"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A user of a web server",
            args: r#"{"path": "/etc/nginx/passwd", "name": "ada", "password": "secret", "mode": "0640"}"#,
        },
        Example {
            title: "No such user",
            args: r#"{"path": "/etc/nginx/passwd", "name": "ada", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("msg", "What was done.", "always", r#""ada already present""#)];
    const DIFF_MODE: Support = Support::Partial;
}

/// User and hash of a line.
fn user(line: &str) -> Option<(&str, &str)> {
    line.trim_end().split_once(':')
}

impl HtPasswd {
    fn text(&self, host: &dyn Host) -> Result<Option<Text>, Failure> {
        Ok(host.read(&self.path)?.map(|bytes| Text::decode(&bytes)))
    }

    fn scheme(&self) -> Result<Scheme, Failure> {
        Scheme::named(&self.hash_scheme).ok_or_else(|| {
            Failure::new(format!(
                "hash_scheme {} is not supported: one of apr_md5_crypt, bcrypt, md5_crypt, \
                 sha256_crypt, sha512_crypt, ldap_sha1 and plaintext is",
                self.hash_scheme
            ))
        })
    }

    fn message(&self, delta: &Delta<Entry>, is_new_file: bool) -> String {
        let (name, path) = (&self.name, self.path.display());
        let edited = (delta.actual.is_there, delta.actual.password_fits)
            != (delta.desired.is_there, delta.desired.password_fits);
        let words = match (self.state.is_present(), edited) {
            (true, true) if is_new_file => format!("Created {path} and added {name}"),
            (true, true) => format!("Add/update {name}"),
            (true, false) => format!("{name} already present"),
            (false, true) => format!("Remove {name}"),
            (false, false) => format!("{name} not present"),
        };
        match delta.actual.attributes != delta.desired.attributes && !is_new_file {
            true if edited => {
                format!("{words} and ownership, perms or SE linux context changed")
            }
            true => format!("{words}ownership, perms or SE linux context changed"),
            false => words,
        }
    }
}

impl Module for HtPasswd {
    type State = Entry;

    fn check(&self, host: &dyn Host) -> Result<Delta<Entry>, Failure> {
        self.scheme()?;
        if self.name.contains([':', '\n']) || self.name.is_empty() {
            return Err(Failure::new(format!("{:?} is no name of a user", self.name)));
        }
        let text = self.text(host)?;
        if text.is_none() && !self.state.is_present() {
            return Ok(Delta::new(Entry::default(), Entry::default()));
        }
        if text.is_none() && !self.create {
            let path = self.path.display();
            return Err(Failure::new(format!("Destination {path} does not exist")));
        }
        let there = host.metadata(&self.path)?;
        let (old, new) = self.file.compare(host, &self.path, there.as_ref(), FILE_MODE)?;
        let lines = text.as_ref().map(|text| text.text.as_str()).unwrap_or_default();
        let hash = lines.lines().filter_map(user).find(|(name, _)| *name == self.name);
        let password = self.password.as_deref().unwrap_or_default();
        let fits = hash.map(|(_, hash)| verify(hash, password));
        let mut delta = Delta::new(
            Entry { is_there: hash.is_some(), password_fits: None, attributes: old },
            Entry { is_there: self.state.is_present(), password_fits: None, attributes: new },
        );
        if self.state.is_present() {
            delta.actual.password_fits = fits;
            delta.desired.password_fits = Some(true);
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Entry>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let text = self.text(host)?;
        let is_new = text.is_none();
        let text = text.unwrap_or_else(|| Text::decode(b""));
        let is_right = self.state.is_present() && delta.actual.password_fits == Some(true);
        let (actual, desired) = (&delta.actual, &delta.desired);
        if !is_right && (actual.is_there || desired.is_there) {
            let mut line = None;
            if self.state.is_present() {
                let password = self.password.as_deref().unwrap_or_default();
                line = Some(format!("{}:{}", self.name, self.scheme()?.hash(host, password)?));
            }
            let mut edited = String::new();
            for old in text.text.lines().filter(|old| !old.trim().is_empty()) {
                let is_it = user(old).is_some_and(|(name, _)| name == self.name);
                let kept = if is_it { line.take() } else { Some(old.to_owned()) };
                edited.extend(kept.map(|kept| kept + "\n"));
            }
            edited.extend(line.map(|line| line + "\n"));
            let placement = self.file.placement(&desired.attributes)?;
            make_folders(host, &self.path)?;
            host.write(&self.path, &mut text.encode(&edited).as_slice(), &placement)?;
        }
        if host.metadata(&self.path)?.is_some() {
            let there = host.metadata(&self.path)?;
            let (now, _) = self.file.compare(host, &self.path, there.as_ref(), FILE_MODE)?;
            desired.attributes.apply(&now, host, &self.path, Links::Follow)?;
        }
        let msg = self.message(delta, is_new);
        Ok(JsonMap::from_iter([("msg".to_owned(), msg.into())]))
    }

    fn returned(&self, delta: &Delta<Entry>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let is_new = self.text(host)?.is_none();
        Ok(JsonMap::from_iter([("msg".to_owned(), self.message(delta, is_new).into())]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const PATH: &str = "/etc/web/users";

    fn host(text: Option<&str>) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/dev/urandom", (0..64).collect::<Vec<u8>>());
        if let Some(text) = text {
            host.put(PATH, text);
        }
        host
    }

    #[test]
    fn users_are_kept() {
        const APR: &str = "a:$apr1$rYVjkwmt$87VHKAFGFt8vZeuRxrqNn0\n";
        for (before, args, changed, rest) in [
            (None, json!({"password": "p"}), true, ""),
            (Some(APR), json!({"password": "secret"}), false, ""),
            (Some(APR), json!({"password": "secret", "hash_scheme": "sha256_crypt"}), false, ""),
            (Some(APR), json!({"password": "other"}), true, ""),
            (
                Some("b:x\n\n"),
                json!({"password": "p", "hash_scheme": "plaintext"}),
                true,
                "b:x\na:p\n",
            ),
            (Some("a:x\nb:y\n"), json!({"state": "absent"}), true, "b:y\n"),
            (Some("b:y\n"), json!({"state": "absent"}), false, "b:y\n"),
            (None, json!({"state": "absent"}), false, ""),
        ] {
            let mut host = host(before);
            let mut args = args.clone();
            args["name"] = "a".into();
            let response = run("htpasswd", &args, "path", PATH, Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
            let text = host.files.text(PATH).unwrap_or_default();
            assert!(rest.is_empty() || text == rest, "{args}: {text}");
            assert!(!run("htpasswd", &args, "path", PATH, Mode::default(), &mut host).changed);
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for (args, words) in [
            (json!({"name": "a"}), "password"),
            (json!({"name": "a:b", "password": "x"}), "no name of a user"),
            (json!({"name": "a", "password": "x", "create": false}), "does not exist"),
            (json!({"name": "a", "password": "x", "hash_scheme": "des_crypt"}), "not supported"),
        ] {
            let response = run("htpasswd", &args, "path", PATH, Mode::default(), &mut host(None));
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
