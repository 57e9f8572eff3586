//! The `alternatives` module of the collection `community.general`.

use std::{collections::BTreeMap, path::PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::tool;

/// Keeps which of several programs a common name stands for.
#[derive(Debug, Arguments)]
pub struct Alternatives {
    /// The common name.
    name: String,
    /// The program that it should stand for.
    path: Option<PathBuf>,
    /// The link that carries the name; needed for a name that is new.
    link: Option<PathBuf>,
    /// The rank of the program; 50 for a new one where it is left out.
    priority: Option<i64>,
    /// `present` knows the program, `selected` chooses it too, `auto` lets ranks decide, `absent`
    /// forgets it.
    #[argument(default = "selected")]
    state: State,
    /// Links that go with it.
    #[argument(aliases("slaves"))]
    subcommands: Option<Vec<Subcommand>>,
    /// A family of programs, on Red Hat's systems.
    family: Option<String>,
}

/// A link that goes with another.
#[derive(Debug, Arguments)]
struct Subcommand {
    /// Its name.
    name: String,
    /// The program.
    path: PathBuf,
    /// The link.
    link: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Selected,
    Auto,
    Absent,
}

/// What is known of the name, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Known {
    /// Whether the program is known.
    is_known: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subcommands: Option<BTreeMap<String, String>>,
    /// `auto`, or the program that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    selected: Option<String>,
}

impl Documented for Alternatives {
    const NAME: &'static str = "community.general.alternatives";
    const ALIASES: &'static [&'static str] = &["alternatives"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A choice", args: r#"{"name": "editor", "path": "/usr/bin/vim"}"# },
        Example {
            title: "One more, which may be chosen by its rank",
            args: r#"{"name": "editor", "path": "/usr/bin/ed", "link": "/usr/bin/editor", "priority": 7, "state": "present"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[];
}

/// What `--query` says.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    mode: String,
    link: String,
    value: String,
    /// Ranks and links of each program.
    all: BTreeMap<String, (i64, BTreeMap<String, String>)>,
}

fn parse(text: &str) -> Answer {
    let mut answer = Answer::default();
    let mut current: Option<String> = None;
    for line in text.lines() {
        // Lines of links stand below `Slaves:` with a blank in front.
        if let (Some(rest), Some(name)) = (line.strip_prefix(' '), &current) {
            if let (Some((slave, path)), Some((_, links))) =
                (rest.split_once(' '), answer.all.get_mut(name))
            {
                links.insert(slave.into(), path.trim().into());
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim().to_owned();
        match key {
            "Link" => answer.link = value,
            "Status" => answer.mode = value,
            "Value" => answer.value = value,
            "Alternative" => {
                answer.all.insert(value.clone(), (0, BTreeMap::new()));
                current = Some(value);
            }
            "Priority" => {
                if let Some(found) = current.as_ref().and_then(|name| answer.all.get_mut(name)) {
                    found.0 = value.parse().unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    answer
}

impl Alternatives {
    fn tool(host: &dyn Host) -> Result<&'static str, Failure> {
        ["update-alternatives", "alternatives"]
            .into_iter()
            .find(|name| host.which(name).is_some())
            .ok_or_else(|| Failure::new("this host has no update-alternatives"))
    }

    fn path(&self) -> Option<String> {
        self.path.as_ref().map(|path| path.display().to_string())
    }

    fn read(&self, host: &dyn Host) -> Result<Answer, Failure> {
        let program = Program::new(Self::tool(host)?).args(["--query", &self.name]);
        let output = host.query(&program)?;
        if output.is_success() {
            return Ok(parse(&output.stdout_text()));
        }
        // Red Hat's older program knows no such word.
        let said = output.stderr_text();
        if said.contains("no alternatives for") || said.trim().is_empty() {
            return Ok(Answer::default());
        }
        let display = Program::new(Self::tool(host)?).args(["--display", &self.name]);
        Ok(tool::ask_whether(host, &display)?.map(|text| parse_display(&text)).unwrap_or_default())
    }

    fn wanted_subcommands(&self) -> Option<BTreeMap<String, String>> {
        self.subcommands.as_ref().map(|all| {
            all.iter().map(|one| (one.name.clone(), one.path.display().to_string())).collect()
        })
    }
}

/// What Red Hat's `alternatives --display` says.
fn parse_display(text: &str) -> Answer {
    let mut answer = Answer::default();
    for line in text.lines() {
        if line.contains("status is auto") {
            answer.mode = "auto".into();
        } else if line.contains("status is manual") {
            answer.mode = "manual".into();
        } else if let Some(path) = line.trim().strip_prefix("link currently points to ") {
            answer.value = path.into();
        } else if let Some((path, rest)) = line.split_once(" - ")
            && path.starts_with('/')
        {
            let number = rest.split_whitespace().filter_map(|word| word.parse().ok()).next_back();
            answer.all.insert(path.into(), (number.unwrap_or_default(), BTreeMap::new()));
        }
    }
    answer
}

impl Module for Alternatives {
    type State = Known;

    fn check(&self, host: &dyn Host) -> Result<Delta<Known>, Failure> {
        let answer = self.read(host)?;
        let is_auto = answer.mode == "auto";
        let selection = || Some(if is_auto { "auto".into() } else { answer.value.clone() });
        let Some(path) = self.path() else {
            return match self.state {
                State::Auto => {
                    let actual = Known { selected: selection(), ..Known::default() };
                    Ok(Delta::new(
                        actual,
                        Known { selected: Some("auto".into()), ..Known::default() },
                    ))
                }
                other => Err(Failure::new(format!("path is required with state {other}"))),
            };
        };
        let found = answer.all.get(&path);
        let mut actual = Known { is_known: found.is_some(), ..Known::default() };
        let mut desired = Known { is_known: self.state != State::Absent, ..Known::default() };
        if self.state == State::Absent {
            return Ok(Delta::new(actual, desired));
        }
        if let Some((priority, links)) = found {
            actual.priority = self.priority.map(|_| *priority);
            actual.subcommands = self.subcommands.as_ref().map(|_| links.clone());
        } else {
            if host.metadata(std::path::Path::new(&path))?.is_none() {
                return Err(Failure::new(format!("Specified path {path} does not exist")));
            }
            if answer.link.is_empty() && self.link.is_none() {
                return Err(Failure::new(format!(
                    "Needed to install the alternative, but unable to do so as we are missing the link: {}",
                    self.name
                )));
            }
        }
        desired.priority = self.priority;
        desired.subcommands = self.wanted_subcommands();
        match self.state {
            State::Selected => {
                // What ranks have chosen may as well be chosen.
                actual.selected = Some(answer.value.clone());
                desired.selected = Some(path);
            }
            State::Auto => {
                actual.selected = selection();
                desired.selected = Some("auto".into());
            }
            _ => {}
        }
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Known>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let name = Self::tool(host)?;
        let answer = self.read(host)?;
        let path = self.path().unwrap_or_default();
        let (actual, desired) = (&delta.actual, &delta.desired);
        if self.state == State::Absent {
            tool::run(host, &Program::new(name).args(["--remove", &self.name, &path]))?;
            return Ok(JsonMap::new());
        }
        let is_new = (actual.is_known, actual.priority, &actual.subcommands)
            != (desired.is_known, desired.priority, &desired.subcommands);
        if is_new && self.path.is_some() {
            let link = match &self.link {
                Some(link) => link.display().to_string(),
                None => answer.link,
            };
            let there = answer.all.get(&path);
            let priority = self.priority.or(there.map(|(priority, _)| *priority)).unwrap_or(50);
            let priority = priority.to_string();
            let mut program =
                Program::new(name).args(["--install", &link, &self.name, &path, &priority]);
            if let Some(family) = &self.family {
                program = program.args(["--family", family]);
            }
            for one in self.subcommands.iter().flatten() {
                let (link, path) = (one.link.display().to_string(), one.path.display().to_string());
                program = program.args(["--slave", &link, &one.name, &path]);
            }
            tool::run(host, &program)?;
        }
        let now = self.read(host)?;
        match self.state {
            // One that was just made known is chosen by hand as well, so that another one does not
            // take its place by its priority.
            State::Selected if now.value != path || !actual.is_known => {
                tool::run(host, &Program::new(name).args(["--set", &self.name, &path]))?;
            }
            State::Auto if now.mode != "auto" => {
                tool::run(host, &Program::new(name).args(["--auto", &self.name]))?;
            }
            _ => {}
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Known>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_alternatives};

    #[test]
    fn choices_are_kept() {
        let mut host = FakeHost::default();
        put_alternatives(&mut host);
        for (args, changed) in [
            (json!({"name": "editor", "path": "/usr/bin/nano"}), false),
            (json!({"name": "editor", "path": "/usr/bin/vim"}), true),
            (json!({"name": "editor", "path": "/usr/bin/vim"}), false),
            (json!({"name": "editor", "path": "/usr/bin/vim", "priority": 30}), false),
            (json!({"name": "editor", "path": "/usr/bin/vim", "priority": 31}), true),
            (json!({"name": "editor", "state": "auto"}), true),
            (json!({"name": "editor", "path": "/usr/bin/ed", "state": "present"}), true),
            (json!({"name": "editor", "path": "/usr/bin/ed", "state": "absent"}), true),
            (json!({"name": "editor", "path": "/usr/bin/ed", "state": "absent"}), false),
        ] {
            let response = run("alternatives", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_chosen_is_refused() {
        for (args, words) in [
            (json!({"name": "editor"}), "path is required with state selected"),
            (
                json!({"name": "editor", "path": "/nowhere"}),
                "Specified path /nowhere does not exist",
            ),
            (json!({"name": "new", "path": "/usr/bin/ed"}), "we are missing the link"),
            (json!({"name": "editor", "path": "/x", "state": "gone"}), "must be one of: present"),
        ] {
            let mut host = FakeHost::default();
            put_alternatives(&mut host);
            let response = run("alternatives", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        let response = run(
            "alternatives",
            &json!({"name": "a", "path": "/b"}),
            "",
            "",
            Mode::default(),
            &mut FakeHost::default(),
        );
        assert!(response.msg.unwrap().contains("no update-alternatives"));
    }
}
