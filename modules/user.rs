//! The `user` module.

mod account;
mod home;
mod key;
mod tools;

use std::path::PathBuf;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Returned, accounts,
};
use protocol::JsonMap;

use crate::lineinfile::State as Presence;
use account::Account;

/// Keeps a user account present with what the task says of it, or absent.
///
/// Passwords are given as hashes, reach the host's tools through their stdin, and are in no
/// difference, log or argument vector.
#[derive(Debug, Arguments)]
pub struct User {
    /// Name of the user.
    #[argument(aliases("user"))]
    name: String,
    /// Whether the account should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Numeric ID. Left out, an account that is there keeps its own and a new one gets the next.
    uid: Option<u32>,
    /// Whether another account may have the same ID.
    #[argument(default = false)]
    non_unique: bool,
    /// First group, by name or ID; it must be there.
    group: Option<String>,
    /// Further groups, by name; they must be there. An empty list takes the user out of all.
    groups: Option<Vec<String>>,
    /// Whether the user stays in groups that `groups` does not name.
    #[argument(default = false)]
    append: bool,
    /// Full name or whatever else describes the account.
    comment: Option<String>,
    /// Home folder.
    home: Option<PathBuf>,
    /// Whether what is in the old home is moved where `home` changes.
    #[argument(default = false)]
    move_home: bool,
    /// Whether the home folder is made where it is not there.
    #[argument(default = true, aliases("createhome"))]
    create_home: bool,
    /// What a new home folder is filled with; `/etc/skel` where it is left out.
    skeleton: Option<PathBuf>,
    /// Login shell.
    shell: Option<PathBuf>,
    /// Hash of the password as it stands in /etc/shadow, such as `password_hash` makes it.
    #[argument(no_log)]
    password: Option<String>,
    /// Whether an account that is there gets the password too.
    #[argument(default = "always")]
    update_password: UpdatePassword,
    /// Whether the password is locked; other ways to log in stay open.
    password_lock: Option<bool>,
    /// Most days between changes of the password.
    password_expire_max: Option<i64>,
    /// Least days between changes of the password.
    password_expire_min: Option<i64>,
    /// Days of warning before the password expires.
    password_expire_warn: Option<i64>,
    /// Days after the password has expired until the account is closed.
    password_expire_account_disable: Option<i64>,
    /// Seconds since 1970 after which the account is closed; negative for never.
    expires: Option<f64>,
    /// Whether a new account gets its ID from those of the system.
    #[argument(default = false)]
    system: bool,
    /// With `absent`, whether the account goes even if it is in use; with `generate_ssh_key`,
    /// whether a key that is there is replaced.
    #[argument(default = false)]
    force: bool,
    /// With `absent`, whether home and mail go too.
    #[argument(default = false)]
    remove: bool,
    /// Whether the user gets an SSH key.
    #[argument(default = false)]
    generate_ssh_key: bool,
    /// Its size in bits.
    ssh_key_bits: Option<u32>,
    /// Its kind.
    #[argument(default = "rsa")]
    ssh_key_type: String,
    /// Its file, below the home folder unless the path is absolute; `.ssh/id_TYPE` where it is left
    /// out.
    ssh_key_file: Option<PathBuf>,
    /// Its comment; `ansible-generated on HOST` where it is left out.
    ssh_key_comment: Option<String>,
    /// What it is encrypted with; `ssh-keygen` reads it from its input.
    #[argument(no_log)]
    ssh_key_passphrase: Option<String>,
    /// SELinux user that the login is mapped to.
    seuser: Option<String>,
    /// Permissions that new files of a new home folder do not get.
    umask: Option<String>,
    /// Least ID for a new account.
    uid_min: Option<u32>,
    /// Greatest ID for a new account.
    uid_max: Option<u32>,
    /// Whether the account is one of the host's own files alone, kept with the programs of libuser
    /// (`luseradd` …), whatever directory of accounts the host uses besides.
    #[argument(default = false)]
    local: bool,
    /// For other systems than Linux; without meaning here.
    #[expect(dead_code, reason = "it has no meaning on Linux")]
    hidden: Option<bool>,
    /// For other systems than Linux; without meaning here.
    #[expect(dead_code, reason = "it has no meaning on Linux")]
    login_class: Option<String>,
    /// For other systems than Linux; without meaning here.
    #[expect(dead_code, reason = "it has no meaning on Linux")]
    authorization: Option<String>,
    /// For other systems than Linux; without meaning here.
    #[expect(dead_code, reason = "it has no meaning on Linux")]
    profile: Option<String>,
    /// For other systems than Linux; without meaning here.
    #[expect(dead_code, reason = "it has no meaning on Linux")]
    role: Option<String>,
}

/// When a password is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum UpdatePassword {
    Always,
    OnCreate,
}

impl Documented for User {
    const NAME: &'static str = "ansible.builtin.user";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "An account", args: r#"{"name": "deploy", "comment": "Deployment"}"# },
        Example {
            title: "An account with all that operators ask for",
            args: r#"{"name": "ops", "uid": 1500, "group": "root", "groups": ["adm"], "append": true, "shell": "/bin/bash", "home": "/srv/ops", "password": "$6$salt$hash", "password_expire_max": 90, "expires": 1893456000}"#,
        },
        Example {
            title: "An account of the system, without a home",
            args: r#"{"name": "agent", "system": true, "create_home": false, "shell": "/usr/sbin/nologin", "password_lock": true}"#,
        },
        Example {
            title: "No such account",
            args: r#"{"name": "games", "state": "absent", "remove": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "Name of the user.", "always", r#""deploy""#),
        Returned::new("state", "What the task wants.", "always", r#""present""#),
        Returned::new("uid", "Numeric ID.", "present", "1500"),
        Returned::new("group", "ID of the first group.", "present", "1500"),
        Returned::new(
            "groups",
            "Further groups that the task names.",
            "with groups",
            r#""adm,sudo""#,
        ),
        Returned::new("append", "Whether other groups stay.", "present", "true"),
        Returned::new("comment", "What describes the account.", "present", r#""Deployment""#),
        Returned::new("home", "Home folder.", "present", r#""/home/deploy""#),
        Returned::new("shell", "Login shell.", "present", r#""/bin/bash""#),
        Returned::new("move_home", "Whether the home is moved.", "present", "false"),
        Returned::new("remove", "Whether home and mail went.", "absent", "true"),
        Returned::new("force", "Whether it went even if in use.", "absent", "false"),
        Returned::new(
            "ssh_key_file",
            "The private key.",
            "with generate_ssh_key",
            r#""/home/deploy/.ssh/id_rsa""#,
        ),
        Returned::new(
            "ssh_public_key",
            "The public key.",
            "with generate_ssh_key",
            r#""ssh-rsa AAAA deploy""#,
        ),
        Returned::new(
            "ssh_fingerprint",
            "Its fingerprint.",
            "with generate_ssh_key",
            r#""3072 SHA256:aYN deploy (RSA)""#,
        ),
    ];
}

impl User {
    /// Takes the account from what it is to what it should be.
    fn take(&self, delta: &Delta<Option<Account>>, host: &mut dyn Host) -> Result<(), Failure> {
        if delta.desired.is_some() {
            let all = self.group.iter().chain(self.groups.iter().flatten());
            for group in all.map(|group| group.trim()) {
                if !group.is_empty() {
                    account::find_group(host, group)?;
                }
            }
        }
        match (&delta.actual, &delta.desired) {
            (_, None) => self.delete(host)?,
            (None, Some(desired)) => self.add(host, desired)?,
            (Some(actual), Some(desired)) => self.modify(host, actual, desired)?,
        }
        if let Some(desired) = &delta.desired {
            self.apply_ageing(host, delta.actual.as_ref(), desired)?;
            self.apply_password(host, delta.actual.as_ref(), desired)?;
            if desired.home_is_there == Some(true) {
                self.make_home(host)?;
            }
            let has_key =
                delta.actual.as_ref().and_then(|actual| actual.ssh_key_is_there) == Some(true);
            if desired.ssh_key_is_there == Some(true)
                && (!has_key || delta.steps.iter().any(|step| step == key::ANOTHER))
            {
                self.make_key(host)?;
            }
        }
        Ok(())
    }
}

impl Module for User {
    /// `None`: there is no such account.
    type State = Option<Account>;

    fn check(&self, host: &dyn Host) -> Result<Delta<Self::State>, Failure> {
        self.refuse_what_cannot_be()?;
        let there = self.find(host)?;
        if self.state == Presence::Absent {
            let actual = there.map(|_| Account::default());
            return Ok(Delta::new(actual, None));
        }
        self.compare(host, there.as_ref())
    }

    fn apply(&self, delta: &Delta<Self::State>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let applied = self.take(delta, host);
        applied.map_err(|failure| failure.with("name", self.name.clone()))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Self::State>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("name".into(), self.name.clone().into());
        map.insert("state".into(), self.state.as_str().into());
        if self.state == Presence::Absent {
            map.insert("remove".into(), self.remove.into());
            map.insert("force".into(), self.force.into());
            return Ok(map);
        }
        if delta.actual.is_none() {
            map.insert("system".into(), self.system.into());
            map.insert("create_home".into(), self.create_home.into());
        } else {
            map.insert("append".into(), self.append.into());
            map.insert("move_home".into(), self.move_home.into());
        }
        if let Some(groups) = &self.groups {
            map.insert("groups".into(), groups.join(",").into());
        }
        if self.password.is_some() {
            map.insert("password".into(), "NOT_LOGGING_PASSWORD".into());
        }
        if let Some(user) = self.find(host)? {
            map.insert("uid".into(), user.uid.into());
            map.insert("group".into(), user.gid.into());
            map.insert("comment".into(), user.comment.into());
            map.insert("home".into(), user.home.into());
            map.insert("shell".into(), user.shell.into());
        }
        if self.generate_ssh_key {
            self.describe_key(host, &mut map)?;
        }
        let mut warnings = Vec::new();
        if !self.password.as_deref().is_none_or(is_hashed) {
            warnings.push(
                "The input password appears not to have been hashed. The 'password' \
                 argument must be encrypted for this module to work properly.",
            );
        }
        if self.append && self.groups.is_none() {
            warnings.push(
                "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.",
            );
        }
        if !warnings.is_empty() {
            map.insert("warnings".into(), warnings.into());
        }
        Ok(map)
    }
}

impl User {
    /// The account, if there is one.
    fn find(&self, host: &dyn Host) -> Result<Option<accounts::User>, Failure> {
        if !self.local {
            return Ok(accounts::user_by_name(host, &self.name)?);
        }
        Ok(accounts::local_users(host)?.into_iter().find(|user| user.name == self.name))
    }

    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        for (name, is_given) in [
            ("umask", self.umask.is_some()),
            ("uid_min", self.uid_min.is_some()),
            ("uid_max", self.uid_max.is_some()),
        ] {
            if self.local && is_given {
                return Err(Failure::new(format!("'{name}' can not be used with 'local'")));
            }
        }
        if self.password.as_deref().is_some_and(|hash| hash.contains([':', '\n'])) {
            return Err(Failure::new("a password hash holds neither a colon nor a line end"));
        }
        Ok(())
    }
}

/// Whether a password looks like a hash, or like what keeps everybody out.
fn is_hashed(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return true;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let (Some(method), Some(hash)) = (fields.get(1), fields.get(2..).and_then(<[&str]>::last))
    else {
        return false;
    };
    let length = match *method {
        "1" => Some(22),
        "5" | "y" => Some(43),
        "6" => Some(86),
        _ => None,
    };
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    !password.contains([':', '*', '!'])
        && hash.bytes().all(|byte| is_digit(byte) || byte == b'=')
        && length.is_none_or(|length| hash.len() == length)
}

#[cfg(test)]
#[path = "user/tests.rs"]
mod tests;
