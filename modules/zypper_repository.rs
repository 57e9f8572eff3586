//! The `zypper_repository` module of the collection `community.general`.

use module::{Arguments, Documented, Example, Failure, Host, Program};
use protocol::{Json, spec::Support};
use serde_json::json;

use crate::{
    markup::unescaped,
    presence::Presence,
    stepwise::{Steps, Stepwise},
    tool, yum_repository,
};

/// Keeps a repository of zypper's.
#[derive(Debug, Arguments)]
pub struct ZypperRepository {
    /// Its alias; `*` stands for all that are refreshed.
    name: Option<String>,
    /// Its address, or a file of the host's that ends with `.repo`.
    repo: Option<String>,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// What people are told of it.
    description: Option<String>,
    /// Whether its signatures are not looked at.
    #[argument(default = false)]
    disable_gpg_check: bool,
    /// Whether it is refreshed by itself.
    #[argument(default = true, aliases("refresh"))]
    autorefresh: bool,
    /// Its priority; the lowest number is taken first.
    priority: Option<i64>,
    /// Whether it takes the place of several.
    #[argument(default = false)]
    overwrite_multiple: bool,
    /// Whether its keys are trusted.
    #[argument(default = false)]
    auto_import_keys: bool,
    /// Whether it is refreshed now.
    #[argument(default = false)]
    runrefresh: bool,
    /// Whether it is used.
    #[argument(default = true)]
    enabled: bool,
}

impl Documented for ZypperRepository {
    const NAME: &'static str = "community.general.zypper_repository";
    const ALIASES: &'static [&'static str] = &["zypper_repository"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A repository with a priority",
            args: r#"{"name": "nvidia", "repo": "https://download.example/suse/15", "priority": 90}"#,
        },
        Example { title: "None", args: r#"{"name": "nvidia", "state": "absent"}"# },
        Example { title: "All anew", args: r#"{"repo": "*", "runrefresh": true}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

/// A repository, by zypper's own words for its settings.
#[derive(Clone, Debug, Default, PartialEq)]
struct Repository {
    alias: String,
    name: String,
    url: String,
    priority: String,
    enabled: String,
    autorefresh: String,
    gpgcheck: String,
}

/// Reads what `zypper --xmlout repos` writes.
fn repositories(text: &str) -> Vec<Repository> {
    let mut all = Vec::new();
    for part in text.split("<repo ").skip(1) {
        let (head, rest) = part.split_once('>').unwrap_or((part, ""));
        let head = format!(" {head}");
        let of = |name: &str| {
            let value =
                head.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
            unescaped(value.unwrap_or_default())
        };
        let url = rest.split("<url>").nth(1).and_then(|rest| rest.split("</url>").next());
        all.push(Repository {
            alias: of("alias"),
            name: of("name"),
            url: url.map_or_else(|| of("metalink"), |url| unescaped(url.trim())),
            priority: of("priority"),
            enabled: of("enabled"),
            autorefresh: of("autorefresh"),
            gpgcheck: of("gpgcheck"),
        });
    }
    all
}

fn zypper(words: &[&str]) -> Program {
    Program::new("zypper").args(["--quiet", "--non-interactive"]).args(words.to_vec())
}

fn flag(is_set: bool) -> String {
    u8::from(is_set).to_string()
}

impl ZypperRepository {
    fn known(host: &dyn Host) -> Result<Vec<Repository>, Failure> {
        let program = zypper(&["--xmlout", "repos"]);
        let output = host.query(&program)?;
        match output.status {
            0 => Ok(repositories(&output.stdout_text())),
            // There are none.
            6 => Ok(Vec::new()),
            _ => module::host::succeeded(&program, output).map(|_| Vec::new()).map_err(Into::into),
        }
    }

    /// What should be, and whether its keys are trusted; a file says more than the task.
    fn wanted(&self, host: &dyn Host) -> Result<(Repository, bool), Failure> {
        let mut wanted = Repository {
            alias: self.name.clone().unwrap_or_default(),
            name: self.description.clone().unwrap_or_default(),
            url: self.repo.clone().unwrap_or_default(),
            priority: self.priority.as_ref().map(i64::to_string).unwrap_or_default(),
            enabled: flag(self.enabled),
            autorefresh: flag(self.autorefresh),
            gpgcheck: flag(!self.disable_gpg_check),
        };
        if !wanted.url.ends_with(".repo") {
            return Ok((wanted, self.auto_import_keys));
        }
        if wanted.url.contains("://") {
            return Err(Failure::new(
                "files that end with .repo on other hosts are not implemented: fetch it with get_url, or give its baseurl",
            ));
        }
        let bytes = host.read(wanted.url.as_ref())?;
        let bytes =
            bytes.ok_or_else(|| Failure::new("Error opening .repo file from provided path"))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let sections = yum_repository::parse(&text);
        let [(section, values)] = sections.as_slice() else {
            return Err(Failure::new(format!(
                "Invalid format, .repo file contains {} repositories, expected 1",
                sections.len()
            )));
        };
        let of =
            |name: &str| values.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        wanted.alias.clone_from(section);
        wanted.url = of("baseurl").ok_or_else(|| Failure::new("No baseurl found in .repo file"))?;
        for (place, name) in [
            (&mut wanted.name, "name"),
            (&mut wanted.enabled, "enabled"),
            (&mut wanted.autorefresh, "autorefresh"),
            (&mut wanted.gpgcheck, "gpgcheck"),
        ] {
            *place = of(name).unwrap_or_else(|| std::mem::take(place));
        }
        Ok((wanted, self.auto_import_keys || of("gpgkey").is_some()))
    }

    /// An address with what zypper puts for names of the release and the machine.
    fn resolved(host: &dyn Host, url: &str) -> Result<String, Failure> {
        let mut url = url.trim_end_matches('/').to_owned();
        for (name, field) in [("$releasever", "%{version}"), ("$basearch", "%{arch}")] {
            if url.contains(name) {
                let ask = Program::new("rpm").args(["-q", "--qf", field, "-f", "/etc/os-release"]);
                url = url.replace(name, tool::ask(host, &ask)?.trim());
            }
        }
        Ok(url)
    }

    /// Whether a setting that the task names differs.
    fn differs(host: &dyn Host, known: &Repository, wanted: &Repository) -> Result<bool, Failure> {
        let pairs = [
            (&known.alias, &wanted.alias),
            (&known.name, &wanted.name),
            (&known.priority, &wanted.priority),
            (&known.enabled, &wanted.enabled),
            (&known.autorefresh, &wanted.autorefresh),
            (&known.gpgcheck, &wanted.gpgcheck),
        ];
        let other = pairs.iter().any(|(known, wanted)| !wanted.is_empty() && known != wanted);
        Ok(other || Self::resolved(host, &known.url)? != Self::resolved(host, &wanted.url)?)
    }

    fn refresh(trusts: bool, alias: Option<&str>) -> Program {
        let words: &[&str] =
            if trusts { &["--gpg-auto-import-keys", "refresh"] } else { &["refresh"] };
        let program = zypper(words).arg("--force");
        alias.map_or(program.clone(), |alias| program.args(["-r", alias]))
    }

    fn add(&self, wanted: &Repository) -> Program {
        let mut program = zypper(&["addrepo", "--check"]);
        for (option, value) in [("--name", &wanted.name), ("--priority", &wanted.priority)] {
            if !value.is_empty() {
                program = program.args([option, value]);
            }
        }
        if wanted.enabled == "0" {
            program = program.arg("--disable");
        }
        program = program.arg(if wanted.gpgcheck == "1" { "--gpgcheck" } else { "--no-gpgcheck" });
        if wanted.autorefresh == "1" {
            program = program.arg("--refresh");
        }
        match self.repo.as_deref().filter(|repo| repo.ends_with(".repo")) {
            Some(file) => program.arg(file),
            None => program.args([&wanted.url, &wanted.alias]),
        }
    }
}

impl Stepwise for ZypperRepository {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let is_all = [&self.name, &self.repo].iter().any(|name| name.as_deref() == Some("*"));
        if is_all {
            if !self.runrefresh {
                return Err(Failure::new("repo=* can only be used with the runrefresh option."));
            }
            let quiet = vec![Self::refresh(self.auto_import_keys, None)];
            return Ok(Steps { quiet, ..Steps::default() }.with("runrefresh", true));
        }
        let is_file = self.repo.as_deref().is_some_and(|repo| repo.ends_with(".repo"));
        match (self.state, &self.repo, &self.name) {
            (Presence::Present, None, _) => {
                return Err(Failure::new("Module option state=present requires repo"));
            }
            (Presence::Absent, None, None) => {
                return Err(Failure::new("Alias or repo parameter required when state=absent"));
            }
            (_, _, Some(_)) if is_file => {
                return Err(Failure::new(
                    "Incompatible option: 'name'. Do not use name when adding .repo files",
                ));
            }
            (Presence::Present, _, None) if !is_file => {
                return Err(Failure::new("Name required when adding non-repo files."));
            }
            _ => {}
        }
        let (wanted, trusts) = self.wanted(host)?;
        let known = Self::known(host)?;
        let is_it = |one: &&Repository| {
            (!wanted.alias.is_empty() && one.alias == wanted.alias)
                || (!wanted.url.is_empty() && one.url == wanted.url)
        };
        let found: Vec<&Repository> = known.iter().filter(is_it).collect();
        if found.len() > 1 && !self.overwrite_multiple && self.state.is_present() {
            let aliases: Vec<&str> = found.iter().map(|one| one.alias.as_str()).collect();
            return Err(Failure::new(format!(
                "More than one repo matched: {}. Use overwrite_multiple to allow more than one repo to be overwritten",
                aliases.join(", ")
            )));
        }
        let remove = |one: &&Repository| zypper(&["removerepo", &one.alias]);
        let mut steps = Steps::default();
        if !self.state.is_present() {
            steps.programs.extend(found.iter().map(remove));
        } else {
            let is_same = match found.as_slice() {
                [one] => !Self::differs(host, one, &wanted)?,
                _ => false,
            };
            if !is_same {
                steps.programs.extend(found.iter().map(remove));
                steps.programs.push(self.add(&wanted));
            }
            // A refresh by itself is no change.
            if self.runrefresh || trusts && !is_same {
                steps.quiet.push(Self::refresh(trusts, Some(&wanted.alias)));
            }
        }
        // What nobody named is nothing.
        let named = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let data: Json = json!({
            "url": named(&wanted.url), "alias": named(&wanted.alias), "name": named(&wanted.name),
            "priority": self.priority, "enabled": wanted.enabled, "gpgcheck": wanted.gpgcheck,
            "autorefresh": wanted.autorefresh,
        });
        Ok(steps.with("repodata", data).with("state", self.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};

    use super::*;
    use crate::cases::run;

    /// `zypper`, whose repositories are lines of a file.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/repos", "");
        host.put("/own.repo", "[own]\nname=Own & others\nbaseurl=https://x/own/\ngpgcheck=0\n");
        host.put("/two.repo", "[a]\n[b]\n");
        host.program("zypper", |files, program| {
            let words: Vec<&str> = program.args[2..].iter().map(String::as_str).collect();
            let text = files.text("/repos").unwrap();
            let last = words[words.len() - 1];
            match words[0] {
                "--xmlout" if text.is_empty() => return Output::failure(6, ""),
                "--xmlout" => return Output::success(format!("<?xml version='1.0'?><stream><repo-list>{text}</repo-list></stream>")),
                "refresh" | "--gpg-auto-import-keys" => files.put("/refreshed", words.join(" ")),
                "removerepo" => {
                    let kept: String = text.lines().filter(|line| !line.contains(&format!("alias=\"{last}\""))).map(|line| format!("{line}\n")).collect();
                    files.put("/repos", kept);
                }
                "addrepo" => {
                    let has = |flag: &str| words.contains(&flag);
                    let after = |flag: &str| words.iter().position(|word| *word == flag).map(|at| words[at + 1]);
                    let (alias, url) = if last.ends_with(".repo") { ("own", "https://x/own/") } else { (last, words[words.len() - 2]) };
                    let line = format!(
                        "<repo alias=\"{alias}\" name=\"{}\" priority=\"{}\" enabled=\"{}\" autorefresh=\"{}\" gpgcheck=\"{}\"><url>{url}</url></repo>\n",
                        after("--name").unwrap_or(alias).replace('&', "&amp;"),
                        after("--priority").unwrap_or("99"),
                        u8::from(!has("--disable")), u8::from(has("--refresh")), u8::from(has("--gpgcheck")),
                    );
                    files.put("/repos", text + &line);
                }
                other => return Output::failure(1, other),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn repositories_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"name": "a", "repo": "https://x/a", "priority": 80}), true),
            (json!({"name": "a", "repo": "https://x/a/", "priority": 80}), false),
            (json!({"name": "a", "repo": "https://x/a"}), false),
            (json!({"name": "a", "repo": "https://x/a", "enabled": false}), true),
            (
                json!({"name": "a", "repo": "https://x/a", "enabled": false, "runrefresh": true}),
                false,
            ),
            (json!({"repo": "/own.repo"}), true),
            (json!({"repo": "/own.repo"}), false),
            (json!({"repo": "*", "runrefresh": true, "auto_import_keys": true}), false),
            (json!({"name": "a", "state": "absent"}), true),
            (json!({"name": "a", "state": "absent"}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("zypper_repository", &args, "", "", check, &mut host);
            let done = run("zypper_repository", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
        assert_eq!(
            host.files.text("/refreshed").as_deref(),
            Some("--gpg-auto-import-keys refresh --force")
        );
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        for (args, words) in [
            (json!({"repo": "*"}), "only be used with the runrefresh option"),
            (json!({"name": "a"}), "state=present requires repo"),
            (json!({"state": "absent"}), "Alias or repo parameter required"),
            (json!({"repo": "https://x/a"}), "Name required"),
            (json!({"name": "a", "repo": "/own.repo"}), "Do not use name"),
            (json!({"repo": "/none.repo"}), "Error opening .repo file"),
            (json!({"repo": "/two.repo"}), "contains 2 repositories, expected 1"),
            (json!({"repo": "https://x/a.repo"}), "not implemented"),
        ] {
            let done = run("zypper_repository", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
