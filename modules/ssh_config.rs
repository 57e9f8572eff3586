//! The `ssh_config` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement, Returned,
    accounts::{User, group_by_name, user_by_name},
    host::Links,
};
use protocol::{Diff, Json, JsonMap};

use crate::{
    presence::Presence,
    text_file::lines,
    whole_text::{WholeText, diff},
};

/// The file of all users.
const SYSTEM_FILE: &str = "/etc/ssh/ssh_config";

/// Keywords that stand several times, each with a value of its own.
const REPEATED: [&str; 3] = ["identityfile", "localforward", "remoteforward"];

/// Keeps a host's settings in a file of the SSH client's. Settings that the task leaves out stay.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["user", "ssh_config_file"], ["proxycommand", "proxyjump"]))]
pub struct SshConfig {
    /// The user whose file it is.
    user: Option<String>,
    /// The group of the file; the user's own where it is left out.
    group: Option<String>,
    /// The host as people name it, or several with blanks between them.
    host: String,
    /// The file; that of all users where neither it nor a user is given.
    ssh_config_file: Option<PathBuf>,
    /// Whether the host has settings.
    #[argument(default = "present")]
    state: Presence,
    /// Its address.
    hostname: Option<String>,
    /// Its port.
    port: Option<String>,
    /// The user who logs in there.
    remote_user: Option<String>,
    /// The private key's file, which must be there.
    #[argument(kind = "path")]
    identity_file: Option<String>,
    /// Whether no other keys are tried.
    identities_only: Option<bool>,
    /// The file of known keys of hosts.
    user_known_hosts_file: Option<String>,
    /// What becomes of hosts that are not known.
    #[argument(choices("yes", "no", "ask", "accept-new"))]
    strict_host_key_checking: Option<String>,
    /// A program that makes the connection.
    proxycommand: Option<String>,
    /// A host that the connection goes through.
    proxyjump: Option<String>,
    /// Whether the agent can be used there.
    forward_agent: Option<bool>,
    /// Whether keys are added to the agent.
    add_keys_to_agent: Option<bool>,
    /// Kinds of keys of hosts.
    host_key_algorithms: Option<String>,
    /// Whether connections are shared.
    #[argument(choices("yes", "no", "ask", "auto", "autoask"))]
    controlmaster: Option<String>,
    /// The socket of the shared connection.
    controlpath: Option<String>,
    /// How long the shared connection stays.
    controlpersist: Option<String>,
    /// A port that is forwarded as the server is told.
    dynamicforward: Option<String>,
    /// More settings, by their names in small letters.
    other_options: Option<JsonMap>,
}

impl Documented for SshConfig {
    const NAME: &'static str = "community.general.ssh_config";
    const ALIASES: &'static [&'static str] = &["ssh_config"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A host behind another",
            args: r#"{"ssh_config_file": "/etc/ssh_config", "host": "inner", "hostname": "10.1.2.3", "proxyjump": "outer", "other_options": {"serveraliveinterval": "30"}}"#,
        },
        Example {
            title: "None",
            args: r#"{"ssh_config_file": "/etc/ssh_config", "host": "inner", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("hosts_added", "Hosts that came.", "success", r#"["inner"]"#),
        Returned::new("hosts_changed", "Hosts that changed.", "success", "[]"),
        Returned::new("hosts_removed", "Hosts that went.", "success", "[]"),
        Returned::new(
            "hosts_change_diff",
            "Settings before and after.",
            "success",
            r#"[{"inner": {"old": {"port": "22"}, "new": {"port": "2222"}}}]"#,
        ),
    ];
}

/// A line's keyword in small letters, and its value.
fn setting(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let at = line.find(|letter: char| letter.is_whitespace() || letter == '=')?;
    let (key, rest) = line.split_at(at);
    let rest = rest.trim_start();
    let value = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    Some((key.to_lowercase(), value))
}

/// The lines of a host's settings, its `Host` line among them: from there to the next block.
/// Remarks and empty lines at the end belong to what follows.
fn blocks(all: &[String], host: &str) -> Vec<std::ops::Range<usize>> {
    let heads: Vec<(usize, bool)> = all
        .iter()
        .enumerate()
        .filter_map(|(at, line)| {
            let (key, value) = setting(line)?;
            let is_meant = key == "host" && value.split_whitespace().eq(host.split_whitespace());
            matches!(key.as_str(), "host" | "match").then_some((at, is_meant))
        })
        .collect();
    let ends = heads.iter().skip(1).map(|(at, _)| *at).chain([all.len()]);
    heads
        .iter()
        .zip(ends)
        .filter(|((_, is_meant), _)| *is_meant)
        .map(|((start, _), end)| {
            let body = all.get(*start..end).unwrap_or_default();
            let used = body.iter().rposition(|line| setting(line).is_some()).unwrap_or(0);
            *start..start + used + 1
        })
        .collect()
}

/// Settings as they are returned.
fn settings(block: &[String]) -> JsonMap {
    let mut map = JsonMap::new();
    for (key, value) in block.iter().skip(1).filter_map(|line| setting(line)) {
        let is_repeated = REPEATED.contains(&key.as_str());
        match map.get_mut(&key) {
            Some(Json::Array(values)) => values.push(value.into()),
            Some(_) => {}
            None if is_repeated => drop(map.insert(key, Json::Array(vec![value.into()]))),
            None => drop(map.insert(key, value.into())),
        }
    }
    map
}

/// What became of the host.
#[derive(Debug, Default)]
struct Work {
    text: String,
    added: bool,
    removed: usize,
    changed: Vec<Json>,
}

impl SshConfig {
    /// The user whose file it is, and the file.
    fn place(&self, host: &dyn Host) -> Result<(Option<User>, PathBuf), Failure> {
        let user = match &self.user {
            None => None,
            Some(name) => Some(
                user_by_name(host, name)?
                    .ok_or_else(|| Failure::new(format!("there is no user {name}")))?,
            ),
        };
        let path = match (&user, &self.ssh_config_file) {
            (_, Some(path)) => path.clone(),
            (Some(user), None) => Path::new(&user.home).join(".ssh/config"),
            (None, None) => PathBuf::from(SYSTEM_FILE),
        };
        Ok((user, path))
    }

    /// The settings that the task gives, by their keywords.
    fn wanted(&self) -> Result<Vec<(String, String)>, Failure> {
        let switch = |given: Option<bool>| given.map(|on| if on { "yes" } else { "no" }.to_owned());
        let persist = self.controlpersist.as_deref().map(|text| match text {
            "True" => "yes".to_owned(),
            "False" => "no".to_owned(),
            other => other.to_owned(),
        });
        let named = [
            ("hostname", self.hostname.clone()),
            ("port", self.port.clone()),
            ("identityfile", self.identity_file.clone()),
            ("identitiesonly", switch(self.identities_only)),
            ("user", self.remote_user.clone()),
            ("stricthostkeychecking", self.strict_host_key_checking.clone()),
            ("userknownhostsfile", self.user_known_hosts_file.clone()),
            ("proxycommand", self.proxycommand.clone()),
            ("proxyjump", self.proxyjump.clone()),
            ("hostkeyalgorithms", self.host_key_algorithms.clone()),
            ("forwardagent", switch(self.forward_agent)),
            ("addkeystoagent", switch(self.add_keys_to_agent)),
            ("controlmaster", self.controlmaster.clone()),
            ("controlpath", self.controlpath.clone()),
            ("controlpersist", persist),
            ("dynamicforward", self.dynamicforward.clone()),
        ];
        let mut all: Vec<(String, String)> = named
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        for (key, value) in self.other_options.iter().flatten() {
            if key.to_lowercase() != *key {
                return Err(Failure::new(format!(
                    "The other_options key '{key}' must be lower case"
                )));
            }
            let key = key.replace('_', "");
            let Json::String(value) = value else {
                return Err(Failure::new(format!(
                    "The other_options value provided for key '{key}' must be a string"
                )));
            };
            if all.iter().any(|(known, _)| *known == key) {
                return Err(Failure::new(format!("Multiple values provided for key '{key}'")));
            }
            if key.is_empty() || key.contains(char::is_whitespace) {
                return Err(Failure::new(format!("'{key}' is no keyword of SSH's")));
            }
            if !value.is_empty() {
                all.push((key, value.clone()));
            }
        }
        let texts = all.iter().map(|(_, value)| value).chain([&self.host]);
        if texts.into_iter().any(|text| text.contains(['\n', '\r'])) {
            return Err(Failure::new("a setting is one line"));
        }
        Ok(all)
    }

    fn refuse_missing_key(&self, host: &dyn Host, config: &Path) -> Result<(), Failure> {
        let Some(key) = &self.identity_file else { return Ok(()) };
        let folder = config.parent().unwrap_or(Path::new("/"));
        match host.metadata(config)?.is_some() && host.metadata(&folder.join(key))?.is_none() {
            true => Err(Failure::new(format!("IdentityFile {key} does not exist"))),
            false => Ok(()),
        }
    }

    fn work(&self, before: &str) -> Result<Work, Failure> {
        let wanted = self.wanted()?;
        let mut all = lines(before);
        let mut work = Work::default();
        let found = blocks(&all, &self.host);
        // From the last, so that places stay.
        for range in found.iter().rev() {
            let block: Vec<String> = all.get(range.clone()).unwrap_or_default().to_vec();
            if !self.state.is_present() {
                work.removed += 1;
                all.splice(range.clone(), []);
                continue;
            }
            let (old, mut new) = (settings(&block), block);
            for (key, value) in &wanted {
                let is_set = match old.get(key) {
                    Some(Json::Array(values)) => values.iter().any(|one| one == value),
                    Some(one) => one == value,
                    None => false,
                };
                if is_set {
                    continue;
                }
                let line = format!("    {key} {value}\n");
                let is_it = |line: &String| setting(line).is_some_and(|(one, _)| one == *key);
                match new.iter().skip(1).position(is_it).map(|at| at + 1) {
                    Some(at) => {
                        let mut left = 0;
                        new.retain(|line| {
                            left += 1;
                            left <= at + 1 || !is_it(line)
                        });
                        if let Some(place) = new.get_mut(at) {
                            *place = line;
                        }
                    }
                    None => {
                        if let Some(last) = new.last_mut().filter(|line| !line.ends_with('\n')) {
                            last.push('\n');
                        }
                        new.push(line);
                    }
                }
            }
            let now = settings(&new);
            if now != old {
                let host = self.host.clone();
                work.changed.push(serde_json::json!({host: {"old": old, "new": now}}));
                all.splice(range.clone(), new);
            }
        }
        if found.is_empty() && self.state.is_present() && !wanted.is_empty() {
            if let Some(last) = all.last_mut().filter(|line| !line.ends_with('\n')) {
                last.push('\n');
            }
            all.push(format!("Host {}\n", self.host));
            all.extend(wanted.iter().map(|(key, value)| format!("    {key} {value}\n")));
            work.added = true;
        }
        work.text = all.concat();
        Ok(work)
    }
}

impl Module for SshConfig {
    type State = WholeText;

    fn check(&self, host: &dyn Host) -> Result<Delta<WholeText>, Failure> {
        let (_, path) = self.place(host)?;
        self.refuse_missing_key(host, &path)?;
        let actual = WholeText::read(host, &path)?;
        let text = self.work(actual.as_str())?.text;
        let is_same = text == actual.as_str();
        let desired = if is_same { actual.clone() } else { WholeText { text: Some(text) } };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<WholeText>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (user, path) = self.place(host)?;
        let returned = self.returned(delta, host)?;
        let mut gid = user.as_ref().map(|user| user.gid);
        if let Some(name) = &self.group {
            let group = group_by_name(host, name)?
                .ok_or_else(|| Failure::new(format!("there is no group {name}")))?;
            gid = Some(group.gid);
        }
        let uid = user.as_ref().map(|user| user.uid);
        let folder = path.parent().unwrap_or(Path::new("/"));
        if host.metadata(folder)?.is_none() {
            host.make_dir(folder, FileMode::new(0o700))?;
            host.set_owner(folder, uid, gid, Links::Follow)?;
        }
        let mode = if path == Path::new(SYSTEM_FILE) { 0o644 } else { 0o600 };
        let placement =
            Placement { mode: Some(FileMode::new(mode)), uid, gid, ..Placement::default() };
        host.write(&path, &mut delta.desired.as_str().as_bytes(), &placement)?;
        Ok(returned)
    }

    fn returned(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let work = self.work(delta.actual.as_str())?;
        let named = |count: usize| Json::Array(vec![self.host.clone().into(); count]);
        Ok(JsonMap::from_iter([
            ("hosts_added".to_owned(), named(usize::from(work.added))),
            ("hosts_changed".to_owned(), named(work.changed.len())),
            ("hosts_removed".to_owned(), named(work.removed)),
            ("hosts_change_diff".to_owned(), work.changed.into()),
        ]))
    }

    fn returned_beside(
        &self,
        applied: &JsonMap,
        delta: &Delta<WholeText>,
        host: &dyn Host,
    ) -> Result<JsonMap, Failure> {
        match applied.is_empty() {
            true => self.returned(delta, host),
            false => Ok(JsonMap::new()),
        }
    }

    fn diff(&self, delta: &Delta<WholeText>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        Ok(diff(delta, &self.place(host)?.1.display().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const FILE: &str = "# all\nUser me\n\nHost a\n  HostName 1.1.1.1\n  IdentityFile ~/.ssh/one\n  IdentityFile ~/.ssh/two\n\n# the other\nHost b c\n    port=22\nMatch all\n  User x\n";

    fn host(text: &str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/passwd", "bob:x:1000:1001::/home/bob:/bin/sh\n");
        host.put("/etc/group", "staff:x:50:\n");
        host.put_dirs("/home/bob");
        host.put("/etc/ssh/key", "x");
        host.put("/etc/ssh/ssh_config", text);
        host
    }

    #[test]
    fn hosts_are_kept() {
        for (args, old, new, key) in [
            (json!({"host": "a", "hostname": "1.1.1.1"}), "", "", ""),
            (
                json!({"host": "a", "hostname": "2.2.2.2"}),
                "  HostName 1.1.1.1",
                "    hostname 2.2.2.2",
                "hosts_changed",
            ),
            (
                json!({"host": "a", "port": 2222, "forward_agent": false}),
                "ssh/two\n",
                "ssh/two\n    port 2222\n    forwardagent no\n",
                "hosts_changed",
            ),
            (
                json!({"host": "a", "identity_file": "/etc/ssh/key"}),
                "  IdentityFile ~/.ssh/one\n  IdentityFile ~/.ssh/two\n",
                "    identityfile /etc/ssh/key\n",
                "hosts_changed",
            ),
            (
                json!({"host": "b c", "state": "absent"}),
                "Host b c\n    port=22\n",
                "",
                "hosts_removed",
            ),
            (json!({"host": "b", "state": "absent"}), "", "", ""),
            (
                json!({"host": "d", "other_options": {"server_alive_interval": "3"}}),
                "  User x\n",
                "  User x\nHost d\n    serveraliveinterval 3\n",
                "hosts_added",
            ),
        ] {
            let mut host = host(FILE);
            let done = run("ssh_config", &args, "", "", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, old != new), "{args}: {done:?}");
            let expected = if old == new { FILE.into() } else { FILE.replacen(old, new, 1) };
            assert_eq!(host.files.text("/etc/ssh/ssh_config"), Some(expected), "{args}");
            for list in ["hosts_added", "hosts_changed", "hosts_removed"] {
                let names = done.returned[list].as_array().unwrap();
                assert_eq!(names.len(), usize::from(list == key), "{args}: {list}");
            }
            let again = run("ssh_config", &args, "", "", Mode::default(), &mut host);
            assert!(!again.changed, "{args}");
        }
    }

    #[test]
    fn a_users_file_is_theirs() {
        let mut host = host("");
        let args = json!({"host": "a", "user": "bob", "group": "staff", "port": "1"});
        let done = run("ssh_config", &args, "", "", Mode::default(), &mut host);
        assert!(done.changed, "{done:?}");
        let path = std::path::Path::new("/home/bob/.ssh/config");
        let found = module::Host::metadata(&host, path).unwrap().unwrap();
        assert_eq!((found.mode, found.uid, found.gid), (module::FileMode::new(0o600), 1000, 50));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for (args, words) in [
            (json!({"user": "nobody"}), "there is no user nobody"),
            (json!({"user": "bob", "ssh_config_file": "/x"}), "mutually exclusive"),
            (json!({"identity_file": "/none"}), "IdentityFile /none does not exist"),
            (json!({"other_options": {"Port": "1"}}), "must be lower case"),
            (json!({"other_options": {"port": 1}}), "must be a string"),
            (json!({"port": "1", "other_options": {"port": "1"}}), "Multiple values"),
            (json!({"hostname": "a\nUser b"}), "one line"),
            (json!({"proxyjump": "a", "proxycommand": "b"}), "mutually exclusive"),
        ] {
            let done = run("ssh_config", &args, "host", "a", Mode::default(), &mut host(FILE));
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
