//! What `user` compares.

use std::{fmt, path::Path};

use module::{Delta, Failure, Host, accounts};
use serde::{Serialize, Serializer};

use super::{UpdatePassword, User};

/// What a task says of an account, or what an account has of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Account {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<FirstGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_is_there: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Whether it is the one that the task gives; the hash itself is shown to nobody.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hide_password")]
    pub password: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_lock: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_expire_max: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_expire_min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_expire_warn: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_expire_account_disable: Option<i64>,
    /// In days since 1970; -1 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_day: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_key_is_there: Option<bool>,
}

/// The first group of an account.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FirstGroup {
    Id(u32),
    /// The name of one that is not there yet. In a check run a task before this one may make it.
    ToCome(String),
}

impl fmt::Display for FirstGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::ToCome(name) => name.fmt(f),
        }
    }
}

fn hide_password<S: Serializer>(
    is_wanted: &Option<bool>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *is_wanted == Some(true) {
        "(as the task says)"
    } else {
        "(another)"
    })
}

/// A line of /etc/shadow.
struct Shadow {
    password: String,
    /// Least, most, warning, closing and expiry, in days; -1 where nothing is said.
    days: [i64; 5],
}

fn read_shadow(host: &dyn Host, name: &str) -> Result<Option<Shadow>, Failure> {
    let bytes = host.read(Path::new("/etc/shadow"))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [known, password, _, days @ ..] = fields.as_slice()
            && *known == name
        {
            let day = |at: usize| days.get(at).and_then(|day| day.parse().ok()).unwrap_or(-1);
            let days = [day(0), day(1), day(2), day(3), day(4)];
            return Ok(Some(Shadow { password: (*password).into(), days }));
        }
    }
    Ok(None)
}

impl User {
    /// What the account has of what the task says, and what it should have.
    pub fn compare(
        &self,
        host: &dyn Host,
        there: Option<&accounts::User>,
    ) -> Result<Delta<Option<Account>>, Failure> {
        let mut desired = Account {
            uid: self.uid,
            group: self.group.as_deref().map(|name| match find_group(host, name) {
                Ok(id) => FirstGroup::Id(id),
                Err(_) => FirstGroup::ToCome(name.to_owned()),
            }),
            comment: self.comment.clone(),
            home: self.home.as_ref().map(|home| home.display().to_string()),
            shell: self.shell.as_ref().map(|shell| shell.display().to_string()),
            password_lock: self.password_lock,
            password_expire_max: self.password_expire_max,
            password_expire_min: self.password_expire_min,
            password_expire_warn: self.password_expire_warn,
            password_expire_account_disable: self.password_expire_account_disable,
            expires_day: self.expires_day(),
            home_is_there: self.create_home.then_some(true),
            ssh_key_is_there: self.generate_ssh_key.then_some(true),
            ..Account::default()
        };
        let sets_password = there.is_none() || self.update_password == UpdatePassword::Always;
        desired.password = self.password.as_ref().filter(|_| sets_password).map(|_| true);
        let current = current_groups(host, &self.name, there)?;
        desired.groups = self.wanted_groups(host, &current)?;
        let Some(user) = there else { return Ok(Delta::new(None, Some(desired))) };
        let shadow = read_shadow(host, &self.name)?;
        // A mark with nothing behind it locks nothing away that could be given back.
        let has_nothing = |password: &str| password.trim_start_matches('!').is_empty();
        let is_kept_out = self.password_lock == Some(false);
        let locked = |shadow: &Shadow| {
            shadow.password.starts_with('!') && !(is_kept_out && has_nothing(&shadow.password))
        };
        let day = |wanted: Option<i64>, at: usize| {
            let found = shadow.as_ref().and_then(|shadow| shadow.days.get(at)).copied();
            wanted.map(|_| found.unwrap_or(-1))
        };
        let actual = Account {
            uid: desired.uid.map(|_| user.uid),
            group: desired.group.as_ref().map(|_| FirstGroup::Id(user.gid)),
            groups: desired.groups.as_ref().map(|_| current),
            comment: desired.comment.as_ref().map(|_| user.comment.clone()),
            home: desired.home.as_ref().map(|_| user.home.clone()),
            shell: desired.shell.as_ref().map(|_| user.shell.clone()),
            password: desired.password.map(|_| {
                let bare = |hash: &str| hash.trim_start_matches('!').to_owned();
                let wanted = self.password.as_deref().unwrap_or_default();
                shadow.as_ref().is_some_and(|shadow| bare(&shadow.password) == bare(wanted))
            }),
            password_lock: desired.password_lock.map(|_| shadow.as_ref().is_some_and(locked)),
            password_expire_min: day(desired.password_expire_min, 0),
            password_expire_max: day(desired.password_expire_max, 1),
            password_expire_warn: day(desired.password_expire_warn, 2),
            password_expire_account_disable: day(desired.password_expire_account_disable, 3),
            // Where there is no line in /etc/shadow, one has to be made that says so.
            expires_day: desired.expires_day.and(shadow.as_ref()).map(|shadow| shadow.days[4]),
            home_is_there: match desired.home_is_there {
                Some(_) => {
                    let home = desired.home.as_ref().unwrap_or(&user.home);
                    // An account without a home, or whose home is about to move, has none to miss.
                    let moves = self.move_home && *home != user.home;
                    Some(home.is_empty() || moves || host.metadata(Path::new(home))?.is_some())
                }
                None => None,
            },
            ssh_key_is_there: match desired.ssh_key_is_there {
                Some(_) => Some(self.has_key(host, user)?),
                None => None,
            },
        };
        let has_key = actual.ssh_key_is_there == Some(true);
        let mut delta = Delta::new(Some(actual), Some(desired));
        if self.force && has_key {
            delta.steps.push(super::key::ANOTHER.into());
        }
        Ok(delta)
    }

    /// The further groups that the account should have.
    fn wanted_groups(
        &self,
        host: &dyn Host,
        current: &[String],
    ) -> Result<Option<Vec<String>>, Failure> {
        let Some(groups) = &self.groups else { return Ok(None) };
        let mut wanted = if self.append { current.to_vec() } else { Vec::new() };
        for name in groups.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            // A group that is not there yet may be made by a task before this one: a check run shows it
            // as a difference, and `apply` refuses it.
            let Ok(id) = find_group(host, name) else {
                wanted.push(name.to_owned());
                continue;
            };
            let known = accounts::group_by_id(host, id)?;
            let known = known.map_or_else(|| name.to_owned(), |group| group.name);
            // Groups may share an ID; the name that the task gives is the one that counts.
            let by_name = accounts::group_by_name(host, name)?.map(|group| group.name);
            wanted.push(by_name.unwrap_or(known));
        }
        wanted.sort();
        wanted.dedup();
        Ok(Some(wanted))
    }

    fn expires_day(&self) -> Option<i64> {
        const DAY_SECS: f64 = 86_400.0;
        #[allow(clippy::cast_possible_truncation)] // Floats are cut at the ends of i64.
        self.expires.map(|secs| if secs < 0.0 { -1 } else { (secs / DAY_SECS).floor() as i64 })
    }
}

/// The ID of a group that must be there.
pub(super) fn find_group(host: &dyn Host, name: &str) -> Result<u32, Failure> {
    if let Some(group) = accounts::group_by_name(host, name)? {
        return Ok(group.gid);
    }
    if let Ok(gid) = name.parse()
        && accounts::group_by_id(host, gid)?.is_some()
    {
        return Ok(gid);
    }
    Err(Failure::new(format!("Group {name} does not exist")))
}

/// The groups that list the user among their members, but for the first one.
fn current_groups(
    host: &dyn Host,
    name: &str,
    there: Option<&accounts::User>,
) -> Result<Vec<String>, Failure> {
    let Some(user) = there else { return Ok(Vec::new()) };
    let all = accounts::local_groups(host)?.into_iter();
    let mine = all
        .filter(|group| group.gid != user.gid && group.members.iter().any(|member| member == name));
    let mut names: Vec<String> = mine.map(|group| group.name).collect();
    names.sort();
    Ok(names)
}
