//! Users and groups of a host.
//!
//! /etc/passwd and /etc/group are parsed here and never asked for through libc: a static glibc
//! crashes when it loads a name service. Who is not in the files (LDAP, systemd) is asked for with
//! `getent`.

use std::path::Path;

use crate::{Host, HostError, Program};

/// A line of /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// Full name and whatever else the comment holds.
    pub comment: String,
    pub home: String,
    pub shell: String,
}

/// A line of /etc/group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    /// Names of users whose group this is besides their own.
    pub members: Vec<String>,
}

/// The user of a line of /etc/passwd; `None` for comments and broken lines.
pub fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, comment, home, shell, ..] = fields.as_slice() else { return None };
    Some(User {
        name: (*name).into(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: (*comment).into(),
        home: (*home).into(),
        shell: (*shell).into(),
    })
}

/// The group of a line of /etc/group; `None` for comments and broken lines.
pub fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members, ..] = fields.as_slice() else { return None };
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
    Some(Group { name: (*name).into(), gid: gid.parse().ok()?, members: members.collect() })
}

/// The users in /etc/passwd.
///
/// # Errors
/// A file that cannot be read; one that is not there holds nobody.
pub fn local_users(host: &dyn Host) -> Result<Vec<User>, HostError> {
    Ok(text(host, "/etc/passwd")?.lines().filter_map(parse_user).collect())
}

/// The groups in /etc/group.
///
/// # Errors
/// A file that cannot be read; one that is not there holds none.
pub fn local_groups(host: &dyn Host) -> Result<Vec<Group>, HostError> {
    Ok(text(host, "/etc/group")?.lines().filter_map(parse_group).collect())
}

/// Finds a user by name.
///
/// # Errors
/// Files that cannot be read.
pub fn user_by_name(host: &dyn Host, name: &str) -> Result<Option<User>, HostError> {
    find_user(host, name, |user| user.name == name)
}

/// Finds a user by number.
///
/// # Errors
/// Files that cannot be read.
pub fn user_by_id(host: &dyn Host, uid: u32) -> Result<Option<User>, HostError> {
    find_user(host, &uid.to_string(), |user| user.uid == uid)
}

/// Finds a group by name.
///
/// # Errors
/// Files that cannot be read.
pub fn group_by_name(host: &dyn Host, name: &str) -> Result<Option<Group>, HostError> {
    find_group(host, name, |group| group.name == name)
}

/// Finds a group by number.
///
/// # Errors
/// Files that cannot be read.
pub fn group_by_id(host: &dyn Host, gid: u32) -> Result<Option<Group>, HostError> {
    find_group(host, &gid.to_string(), |group| group.gid == gid)
}

fn find_user(
    host: &dyn Host,
    key: &str,
    fits: impl Fn(&User) -> bool,
) -> Result<Option<User>, HostError> {
    if let Some(user) = local_users(host)?.into_iter().find(&fits) {
        return Ok(Some(user));
    }
    Ok(query_getent(host, "passwd", key)?.as_deref().and_then(parse_user).filter(fits))
}

fn find_group(
    host: &dyn Host,
    key: &str,
    fits: impl Fn(&Group) -> bool,
) -> Result<Option<Group>, HostError> {
    if let Some(group) = local_groups(host)?.into_iter().find(&fits) {
        return Ok(Some(group));
    }
    Ok(query_getent(host, "group", key)?.as_deref().and_then(parse_group).filter(fits))
}

/// One line of a database of the name service; `None` where it has none or there is no `getent`.
fn query_getent(host: &dyn Host, database: &str, key: &str) -> Result<Option<String>, HostError> {
    match host.query(&Program::new("getent").args([database, "--", key])) {
        Ok(output) if output.is_success() => {
            Ok(output.stdout_text().lines().next().map(str::to_owned))
        }
        Ok(_) | Err(HostError::NoProgram { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(host: &dyn Host, path: &str) -> Result<String, HostError> {
    let bytes = host.read(Path::new(path))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Output, fake::FakeHost};

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n# no user\nbroken:x:y:0:::\n");
        host.put("/etc/group", "root:x:0:\nadm:x:4:syslog,web\n");
        host.program("getent", |_, program| match program.args.last().map(String::as_str) {
            Some("ldap" | "5000") => Output::success("ldap:*:5000:5000:L:/home/ldap:/bin/sh\n"),
            _ => Output::failure(2, ""),
        });
        host
    }

    #[test]
    fn users_and_groups_are_found() {
        let host = host();
        assert_eq!(user_by_name(&host, "root").unwrap().unwrap().home, "/root");
        assert_eq!(user_by_id(&host, 5000).unwrap().unwrap().name, "ldap");
        assert_eq!(user_by_name(&host, "ldap").unwrap().unwrap().uid, 5000);
        assert_eq!(group_by_name(&host, "adm").unwrap().unwrap().members, ["syslog", "web"]);
        assert_eq!(group_by_id(&host, 4).unwrap().unwrap().name, "adm");
    }

    #[test]
    fn who_is_nowhere_is_not_found() {
        let host = host();
        assert_eq!(user_by_name(&host, "broken").unwrap(), None);
        assert_eq!(group_by_id(&host, 77).unwrap(), None);
        assert_eq!(user_by_name(&FakeHost::default(), "root").unwrap(), None);
    }
}
