//! The `snap` module of the collection `community.general`.

use std::collections::BTreeMap;

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::{Json, spec::Support};

use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps snaps.
#[derive(Debug, Arguments)]
pub struct Snap {
    /// The snaps, or files that hold them.
    name: Vec<String>,
    /// Whether they are there, and can be started.
    #[argument(default = "present")]
    state: State,
    /// Whether they are not confined.
    #[argument(default = false)]
    classic: bool,
    /// The channel that they follow.
    channel: Option<String>,
    /// Settings: `key=value`, with `snap:` before it for one of several.
    options: Option<Vec<String>>,
    /// Whether files without a signature are taken.
    #[argument(default = false)]
    dangerous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Enabled,
    Disabled,
}

impl Documented for Snap {
    const NAME: &'static str = "community.general.snap";
    const ALIASES: &'static [&'static str] = &["snap"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Two snaps", args: r#"{"name": ["foo", "bar"]}"# },
        Example {
            title: "A setting, and a channel",
            args: r#"{"name": ["foo"], "channel": "latest/edge", "options": ["port=80"]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("snaps_installed", "Snaps that come.", "where any comes", r#"["foo"]"#),
        Returned::new("snaps_removed", "Snaps that go.", "where any goes", r#"["foo"]"#),
        Returned::new(
            "options_changed",
            "Settings that change.",
            "where any does",
            r#"["foo:port=80"]"#,
        ),
        Returned::new("channel", "The channel.", "with state=present", r#""stable""#),
        Returned::new("classic", "Whether they are not confined.", "with state=present", "false"),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// A snap that is there.
#[derive(Clone, Debug, PartialEq)]
struct Installed {
    channel: String,
    is_enabled: bool,
}

/// What `snap list` says: name, version, revision, channel, publisher and notes.
fn installed(text: &str) -> BTreeMap<String, Installed> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _, _, channel, rest @ ..] = words.as_slice() else { return None };
        let notes = rest.last().copied().unwrap_or_default();
        let is_enabled = !notes.split(',').any(|note| note == "disabled");
        Some(((*name).to_owned(), Installed { channel: (*channel).to_owned(), is_enabled }))
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// Settings in a tree as `a.b` and its text.
fn flat(value: &Json, prefix: &str, out: &mut BTreeMap<String, String>) {
    match value {
        Json::Object(map) => {
            for (name, value) in map {
                let name =
                    if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flat(value, &name, out);
            }
        }
        other => drop(out.insert(prefix.to_owned(), protocol::python::text(other))),
    }
}

impl Snap {
    /// The snap's own name: that in the file, where it is one.
    fn own_name(&self, host: &dyn Host, name: &str) -> Result<String, Failure> {
        if self.state != State::Present || !name.contains('/') {
            return Ok(name.to_owned());
        }
        let said = tool::ask(host, &Program::new("snap").args(["info", name]))?;
        let found = said.lines().find_map(|line| line.strip_prefix("name:"));
        found
            .map(|name| name.trim().to_owned())
            .ok_or_else(|| Failure::new(format!("Snaps not found: [{name}].")))
    }

    fn install(&self, verb: &str, names: &[String]) -> Vec<Program> {
        let mut program = Program::new("snap").arg(verb);
        if self.classic {
            program = program.arg("--classic");
        }
        if let Some(channel) = &self.channel {
            program = program.args(["--channel", channel]);
        }
        if self.dangerous {
            program = program.arg("--dangerous");
        }
        // These words are for one snap alone.
        match self.classic || self.channel.is_some() || self.dangerous {
            true => names.iter().map(|name| program.clone().arg(name)).collect(),
            false if names.is_empty() => Vec::new(),
            false => vec![program.args(names.iter().cloned())],
        }
    }

    /// Settings of a snap that differ.
    fn settings(
        &self,
        host: &dyn Host,
        name: &str,
        is_there: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut now = BTreeMap::new();
        if is_there {
            let said = tool::ask_whether(host, &Program::new("snap").args(["get", "-d", name]))?;
            let tree = said.and_then(|said| serde_json::from_str::<Json>(&said).ok());
            tree.iter().for_each(|tree| flat(tree, "", &mut now));
        }
        let mut changed = Vec::new();
        for option in self.options.iter().flatten() {
            let unreadable = || Failure::new(format!("Cannot parse set option '{option}'"));
            let (key, value) = option.split_once('=').ok_or_else(unreadable)?;
            let (key, value) = (key.trim(), value.trim());
            let (owner, key) = match key.split_once(':') {
                Some((owner, key)) => (Some(owner), key),
                None => (None, key),
            };
            if key.is_empty() || value.is_empty() {
                return Err(unreadable());
            }
            if owner.is_some_and(|owner| !self.name.iter().any(|name| name == owner)) {
                return Err(Failure::new(format!(
                    "Snap option '{option}' refers to snap which is not in the list of snap names"
                )));
            }
            let is_meant = owner.is_none_or(|owner| owner == name);
            if is_meant && now.get(key).is_none_or(|now| now != value) {
                changed.push(format!("{key}={value}"));
            }
        }
        Ok(changed)
    }

    fn present(
        &self,
        host: &dyn Host,
        now: &BTreeMap<String, Installed>,
    ) -> Result<Steps, Failure> {
        let (mut new, mut moved) = (Vec::new(), Vec::new());
        for given in &self.name {
            let own = self.own_name(host, given)?;
            let follows = |one: &Installed| {
                self.channel.as_ref().is_none_or(|channel| {
                    one.channel == *channel || one.channel == format!("latest/{channel}")
                })
            };
            match now.get(&own) {
                None => new.push(given.clone()),
                Some(one) if !follows(one) => moved.push(given.clone()),
                Some(_) => {}
            }
        }
        let mut programs = self.install("refresh", &moved);
        programs.extend(self.install("install", &new));
        let mut options = Vec::new();
        for given in &self.name {
            let own = self.own_name(host, given)?;
            let changed = self.settings(host, &own, now.contains_key(&own))?;
            if !changed.is_empty() {
                options.extend(changed.iter().map(|one| format!("{own}:{one}")));
                programs.push(Program::new("snap").args(["set", &own]).args(changed));
            }
        }
        let mut steps = Steps::new(programs)
            .with("classic", self.classic)
            .with("channel", self.channel.clone().unwrap_or_else(|| "stable".into()));
        let came: Vec<String> = moved.into_iter().chain(new).collect();
        if !came.is_empty() {
            steps = steps.with("snaps_installed", came);
        }
        Ok(if options.is_empty() { steps } else { steps.with("options_changed", options) })
    }
}

impl Stepwise for Snap {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let now = installed(&tool::ask(host, &Program::new("snap").arg("list"))?);
        let is_meant = |name: &&String| match (self.state, now.get(*name)) {
            (State::Absent, found) => found.is_some(),
            (State::Enabled, found) => found.is_some_and(|one| !one.is_enabled),
            (_, found) => found.is_some_and(|one| one.is_enabled),
        };
        let (verb, key) = match self.state {
            State::Present => return self.present(host, &now),
            State::Absent => ("remove", "snaps_removed"),
            State::Enabled => ("enable", "snaps_enabled"),
            State::Disabled => ("disable", "snaps_disabled"),
        };
        if self.state != State::Absent
            && let Some(name) = self.name.iter().find(|name| !now.contains_key(*name))
        {
            return Err(Failure::new(format!("snap \"{name}\" is not installed")));
        }
        let names: Vec<String> = self.name.iter().filter(is_meant).cloned().collect();
        // Only the first of these takes several names.
        let programs = match verb {
            "remove" if !names.is_empty() => {
                vec![Program::new("snap").arg(verb).args(names.iter().cloned())]
            }
            _ => names.iter().map(|name| Program::new("snap").args([verb, name])).collect(),
        };
        let steps = Steps::new(programs);
        Ok(if names.is_empty() { steps } else { steps.with(key, names) })
    }

    fn failure(&self, failure: Failure) -> Failure {
        let said = failure.returned.get("stderr").and_then(Json::as_str).unwrap_or_default();
        let name = said
            .strip_prefix("error: This revision of snap \"")
            .filter(|_| said.contains("classic confinement"))
            .and_then(|rest| rest.split('"').next());
        match name {
            Some(name) => {
                let msg =
                    format!("Couldn't install {name} because it requires classic confinement");
                Failure { msg, ..failure }
            }
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// `snap`, with a line for each that is there.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/snaps", "core 1 1 latest/stable canonical base\n");
        host.program("snap", |files, program| {
            let text = files.text("/snaps").unwrap();
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let channel = words.iter().position(|word| *word == "--channel").map_or("latest/stable", |at| words[at + 1]);
            let names: Vec<&str> = words[1..].iter().copied().filter(|word| !word.starts_with('-') && *word != channel).collect();
            let without = |text: &str| -> String {
                text.lines().filter(|line| !names.contains(&line.split(' ').next().unwrap())).map(|line| format!("{line}\n")).collect()
            };
            match words[0] {
                "list" => return Output::success(format!("Name Version Rev Tracking Publisher Notes\n{text}")),
                "get" => return match files.text("/settings") {
                    Some(text) => Output::success(text),
                    None => Output::failure(1, "error: snap has no configuration"),
                },
                "info" => return Output::success("name: own\nsummary: x\n"),
                "set" => {
                    assert_eq!(words, ["set", "foo", "a.port=80"]);
                    files.put("/settings", r#"{"a": {"port": 80}}"#);
                }
                "install" | "refresh" => {
                    if names.contains(&"wild") {
                        return Output::failure(1, "error: This revision of snap \"wild\" was published using classic confinement\n");
                    }
                    let own = |name: &str| if name.contains('/') { "own".to_owned() } else { name.to_owned() };
                    let new: String = names.iter().map(|name| format!("{} 1 1 {channel} me -\n", own(name))).collect();
                    files.put("/snaps", without(&text) + &new);
                }
                "remove" => files.put("/snaps", without(&text)),
                "disable" => files.put("/snaps", text.replace("me -", "me disabled,classic")),
                "enable" => files.put("/snaps", text.replace("me disabled,classic", "me -")),
                other => return Output::failure(1, other),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn snaps_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"name": ["foo", "bar"]}), true),
            (json!({"name": ["foo", "bar"]}), false),
            (json!({"name": ["foo"], "channel": "stable"}), false),
            (json!({"name": ["foo"], "channel": "edge", "classic": true}), true),
            (json!({"name": ["foo"], "options": ["a.port = 80"]}), true),
            (json!({"name": ["foo"], "options": ["foo:a.port=80"]}), false),
            (json!({"name": ["foo"], "state": "disabled"}), true),
            (json!({"name": ["foo"], "state": "disabled"}), false),
            (json!({"name": ["foo"], "state": "enabled"}), true),
            (json!({"name": ["foo", "bar", "none"], "state": "absent"}), true),
            (json!({"name": ["foo"], "state": "absent"}), false),
            (json!({"name": ["/tmp/own_1.snap"], "dangerous": true}), true),
            (json!({"name": ["/tmp/own_1.snap"], "dangerous": true}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("snap", &args, "", "", check, &mut host);
            let done = run("snap", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for (args, words) in [
            (
                json!({"name": ["wild"]}),
                "Couldn't install wild because it requires classic confinement",
            ),
            (json!({"name": ["core"], "options": ["x"]}), "Cannot parse set option 'x'"),
            (json!({"name": ["core"], "options": ["foo:x=1"]}), "not in the list of snap names"),
            (json!({"name": ["none"], "state": "enabled"}), "snap \"none\" is not installed"),
            (json!({}), "missing required arguments: name"),
        ] {
            let msg = run("snap", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
