//! The `nmcli` module of the collection `community.general`.

mod arguments;
#[cfg(test)]
pub mod fake;
mod profile;

use module::{Documented, Example, Failure, Host, Program, Returned};
use protocol::{Diff, Json, JsonMap, diff::Side};

pub use self::arguments::Nmcli;
use self::{
    arguments::State,
    profile::{Settings, Shown, TUNNELS, Value, is_same, is_secret},
};
use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

impl Documented for Nmcli {
    const NAME: &'static str = "community.general.nmcli";
    const ALIASES: &'static [&'static str] = &["nmcli"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An address of its own",
            args: r#"{"conn_name": "lan", "ifname": "eth0", "type": "ethernet", "ip4": ["192.0.2.5/24"], "gw4": "192.0.2.1", "dns4": ["192.0.2.1"], "state": "present"}"#,
        },
        Example {
            title: "A bond",
            args: r#"{"conn_name": "bond0", "type": "bond", "mode": "active-backup", "miimon": 100, "state": "present"}"#,
        },
        Example { title: "No profile", args: r#"{"conn_name": "lan", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("conn_name", "The profile.", "always", r#""lan""#),
        Returned::new("state", "What was wanted.", "always", r#""present""#),
        Returned::new(
            "Exists",
            "What became of one that was there.",
            "present",
            r#""Connections already exist and no changes made""#,
        ),
        Returned::new(
            "Connection",
            "That one is added.",
            "present",
            r#""Connection lan of Type ethernet is being added""#,
        ),
    ];
}

/// Kinds that are made active at once where they are made with one of these settings.
const STARTED_WITH_MTU: &[&str] = &["bond", "dummy", "ethernet", "infiniband", "wifi"];

/// Settings of bonds that `nmcli` has no argument for.
const BOND_OPTIONS: &[&str] = &["xmit_hash_policy", "fail_over_mac"];

fn nmcli() -> Program {
    Program::new("nmcli")
}

/// Names in the form of `--terse`, in which colons and backslashes stand behind a backslash.
fn names(text: &str) -> Vec<String> {
    text.lines().map(|line| line.replace("\\:", ":").replace("\\\\", "\\")).collect()
}

impl Nmcli {
    fn connection(&self, verb: &str) -> Program {
        nmcli().args(["con", verb, &self.conn_name])
    }

    fn exists(&self, host: &dyn Host) -> Result<bool, Failure> {
        let said = tool::ask(host, &nmcli().args(["--fields", "name", "--terse", "con", "show"]))?;
        Ok(names(&said).contains(&self.conn_name))
    }

    fn is_active(&self, host: &dyn Host) -> Result<bool, Failure> {
        let words = ["--fields", "name", "--terse", "con", "show", "--active"];
        Ok(names(&tool::ask(host, &nmcli().args(words))?).contains(&self.conn_name))
    }

    fn shown(&self, host: &dyn Host) -> Result<Shown, Failure> {
        let program = nmcli().args(["--show-secrets", "con", "show", &self.conn_name]);
        Ok(Shown::parse(&tool::ask(host, &program)?))
    }

    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let kind = self.type_.as_deref().unwrap_or_default();
        let said = |msg: String| Err(Failure::new(msg));
        if let Some(own) = kind.strip_suffix("-slave") {
            if let Some(other) = self.slave_type.as_deref().filter(|other| *other != own) {
                return said(format!(
                    "Connection type '{kind}' cannot be combined with '{other}' slave-type. \
                     Allowed slave-type for '{kind}' is '{own}'."
                ));
            }
        } else if self.master.is_none() && self.slave_type.is_some() {
            return said("'master' option is required when 'slave_type' is specified.".into());
        }
        if kind == "team" && self.runner_hwaddr_policy.is_some() && self.runner != "activebackup" {
            return said("Runner-hwaddr-policy is only allowed for runner activebackup".into());
        }
        if kind == "team" && self.runner_fast_rate.is_some() && self.runner != "lacp" {
            return said("runner-fast-rate is only allowed for runner lacp".into());
        }
        if kind == "team-slave" || self.slave_type.as_deref() == Some("team") {
            if self.master.is_none() {
                return said(format!("Please specify a name for the master when type is {kind}"));
            }
            if self.ifname.is_none() {
                return said(format!(
                    "Please specify an interface name for the connection when type is {kind}"
                ));
            }
        }
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        let kind = self.type_.as_deref().unwrap_or_default();
        let mut all = Vec::new();
        if let Some(own) = kind.strip_suffix("-slave").filter(|_| self.slave_type.is_none()) {
            all.push(format!(
                "Connection 'slave-type' property automatically set to '{own}' because of using \
                 '{kind}' connection type."
            ));
        }
        if kind == "bridge-slave" {
            all.push(
                "Connection type as 'bridge-slave' implies 'ethernet' connection with 'bridge' \
                 slave-type. Consider using slave_type='bridge' with necessary type."
                    .into(),
            );
        }
        if self.wifi.as_ref().is_some_and(|wifi| wifi.contains_key("ssid")) {
            all.push("Ignoring option 'wifi.ssid', it must be specified with option 'ssid'".into());
        }
        all
    }

    /// Names of a setting's properties that this NetworkManager knows.
    fn known(&self, host: &dyn Host, setting: &str) -> Result<Vec<String>, Failure> {
        // The setting for security is not there until something of it is said.
        let begin = match setting {
            "802-11-wireless-security" => format!("set {setting}.psk FAKEVALUE\n"),
            _ => String::new(),
        };
        let program = nmcli()
            .args(["con", "edit", "type", "wifi"])
            .stdin(format!("{begin}print {setting}\nquit\nyes\n"));
        let said = tool::ask(host, &program)?;
        let head = format!("{setting}.");
        let lines = said.lines().filter_map(|line| line.strip_prefix(&head)?.split_once(':'));
        Ok(lines.map(|(name, _)| name.trim().to_owned()).collect())
    }

    /// Takes out what this NetworkManager does not know of a wireless network.
    fn without_unknown(
        &self,
        host: &dyn Host,
        settings: &mut Settings,
        warnings: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let dicts = [
            ("wifi", "802-11-wireless", self.wifi.as_ref()),
            ("wifi_sec", "802-11-wireless-security", self.wifi_sec.as_ref()),
        ];
        for (argument, setting, dict) in dicts {
            let Some(dict) = dict.filter(|dict| !dict.is_empty()) else { continue };
            let known = self.known(host, setting)?;
            let unknown: Vec<&String> =
                dict.keys().filter(|name| *name != "ssid" && !known.contains(name)).collect();
            if unknown.is_empty() {
                continue;
            }
            let named: Vec<String> =
                unknown.iter().map(|name| format!("\"{argument}.{name}\"")).collect();
            let msg = format!("Invalid or unsupported option(s): {}", named.join(", "));
            if !self.ignore_unsupported_suboptions {
                return Err(Failure::new(msg));
            }
            warnings.push(msg);
            let out: Vec<String> = unknown.iter().map(|name| format!("{setting}.{name}")).collect();
            settings.0.retain(|(key, _)| !out.contains(key));
        }
        Ok(())
    }

    /// The interface that is named to `nmcli`.
    fn interface(&self, is_new: bool) -> Option<String> {
        match (&self.ifname, self.type_.as_deref()) {
            (Some(name), _) => Some(name.clone()),
            (None, Some("vpn")) => None,
            (None, _) => is_new.then(|| self.conn_name.clone()),
        }
    }

    /// `nmcli` with settings, and what is said to its editor, since no argument may hold it.
    fn with_settings(
        &self,
        mut program: Program,
        is_new: bool,
        settings: &Settings,
    ) -> Result<Vec<Program>, Failure> {
        let mut edited = String::new();
        if let Some(name) = self.interface(is_new) {
            program = program.args(["connection.interface-name", &name]);
        }
        for (key, value) in &settings.0 {
            let word = value.word();
            if is_secret(key) {
                if word.contains(['\n', '\r']) {
                    return Err(Failure::new(format!("{key} has more than one line")));
                }
                edited.push_str(&format!("set {key} {word}\n"));
            } else if BOND_OPTIONS.contains(&key.as_str()) {
                program = program.args(["+bond.options", &format!("{key}={word}")]);
            } else {
                program = program.args([key.as_str(), &word]);
            }
        }
        let mut programs = vec![program];
        if !edited.is_empty() {
            programs.push(self.connection("edit").stdin(format!("{edited}save\nquit\n")));
        }
        Ok(programs)
    }

    fn add(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let Some(kind) = self.type_.as_deref() else {
            let name = &self.conn_name;
            return Err(Failure::new(format!("type is required: there is no connection {name}")));
        };
        let mut warnings = self.warnings();
        let mut settings = self.settings(kind)?;
        self.without_unknown(host, &mut settings, &mut warnings)?;
        // A new profile has this already.
        settings.0.retain(|(key, value)| !(key.ends_with(".mtu") && value.word() == "0"));
        let named = if TUNNELS.contains(&kind) { "ip-tunnel" } else { kind };
        let program = nmcli().args(["con", "add", "type", named, "con-name", &self.conn_name]);
        let mut programs = self.with_settings(program, true, &settings)?;
        let has_names = self.dns4.is_some() || self.dns6.is_some();
        let is_started = STARTED_WITH_MTU.contains(&kind) && (self.mtu.is_some() || has_names)
            || kind == "team" && has_names;
        if is_started {
            programs.push(self.connection("up"));
        }
        let msg = format!("Connection {} of Type {kind} is being added", self.conn_name);
        Ok(Steps { warnings, ..Steps::new(programs) }.with("Connection", msg))
    }

    fn modify(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let shown = self.shown(host)?;
        let kind = match (self.type_.as_deref(), shown.get("connection.type")) {
            (Some(kind), _) => kind,
            (None, Some("802-11-wireless")) => "wifi",
            (None, Some("802-3-ethernet")) => "ethernet",
            (None, kind) => kind.unwrap_or_default(),
        };
        let mut warnings = self.warnings();
        let mut settings = self.settings(kind)?;
        self.without_unknown(host, &mut settings, &mut warnings)?;
        let mut compared = settings.0.clone();
        if let Some(name) = &self.ifname {
            let key = "connection.interface-name".to_owned();
            compared.insert(0, (key, Value::Text(name.clone())));
        }
        let (mut before, mut after) = (JsonMap::new(), JsonMap::new());
        for (key, wanted) in &compared {
            let found = shown.value(key);
            if !is_same(key, found.as_ref(), wanted) {
                let hidden = |value: Json| if is_secret(key) { "********".into() } else { value };
                before.insert(key.clone(), hidden(found.map_or(Json::Null, |it| it.json())));
                after.insert(key.clone(), hidden(wanted.json()));
            }
        }
        if after.is_empty() {
            let msg = "Connections already exist and no changes made";
            return Ok(Steps { warnings, ..Steps::default() }.with("Exists", msg));
        }
        let mut programs = self.with_settings(self.connection("modify"), false, &settings)?;
        if self.conn_reload {
            programs.push(nmcli().args(["con", "reload"]));
        }
        let side = |map: JsonMap| Side::State(map.into());
        let diff = Diff { before: side(before), after: side(after), ..Diff::default() };
        let steps = Steps { warnings, diff: Some(diff), ..Steps::new(programs) };
        Ok(steps.with("Exists", "Connections do exist so we are modifying them"))
    }
}

impl Stepwise for Nmcli {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        self.refuse_what_cannot_be()?;
        let exists = self.exists(host)?;
        let reload = self.conn_reload.then(|| nmcli().args(["con", "reload"]));
        let steps = match (self.state, exists) {
            (State::Present, true) => self.modify(host)?,
            (State::Present, false) => self.add(host)?,
            (_, false) => Steps::default(),
            (State::Absent, true) => {
                let down = self.is_active(host)?.then(|| self.connection("down"));
                Steps::new(down.into_iter().chain([self.connection("del")]))
            }
            (State::Up, true) => Steps::new(reload.into_iter().chain([self.connection("up")])),
            (State::Down, true) => match self.is_active(host)? {
                true => Steps::new(reload.into_iter().chain([self.connection("down")])),
                false => Steps::default(),
            },
        };
        Ok(steps.with("conn_name", self.conn_name.clone()).with("state", self.state.as_str()))
    }

    fn failure(&self, failure: Failure) -> Failure {
        failure.with("name", self.conn_name.clone())
    }
}

#[cfg(test)]
mod tests;
