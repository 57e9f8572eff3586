//! Who the remote is.

use module::accounts;
use protocol::JsonMap;

use super::Reader;

/// `user_id` and its like, and real and effective numbers.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let host = reader.host;
    let uid = host.effective_uid();
    let mut facts = JsonMap::new();
    // Several names may have one number; the environment says which of them is meant.
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .iter()
        .find_map(|name| host.variable(name).filter(|value| !value.is_empty()))
        .and_then(|name| accounts::user_by_name(host, &name).ok().flatten())
        .filter(|user| user.uid == uid);
    let user = named.or_else(|| accounts::user_by_id(host, uid).ok().flatten());
    if let Some(user) = user {
        facts.insert("user_id".into(), user.name.into());
        facts.insert("user_uid".into(), user.uid.into());
        facts.insert("user_gid".into(), user.gid.into());
        facts.insert("user_gecos".into(), user.comment.into());
        facts.insert("user_dir".into(), user.home.into());
        facts.insert("user_shell".into(), user.shell.into());
    }
    let status = reader.text("/proc/self/status").unwrap_or_default();
    let numbers = |key: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().split_whitespace().filter_map(|one| one.parse().ok()).collect()
    };
    let (users, groups) = (numbers("Uid:"), numbers("Gid:"));
    for (name, number) in [
        ("real_user_id", users.first()),
        ("effective_user_id", users.get(1).or(Some(&uid))),
        ("real_group_id", groups.first()),
        ("effective_group_id", groups.get(1)),
    ] {
        if let Some(number) = number {
            facts.insert(name.into(), (*number).into());
        }
    }
    facts
}
