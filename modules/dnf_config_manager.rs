//! The `dnf_config_manager` module of the collection `community.general`.

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::{Json, spec::Support};
use serde_json::json;

use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps which repositories of dnf's are enabled.
#[derive(Debug, Arguments)]
pub struct DnfConfigManager {
    /// The repositories' IDs.
    #[argument(default = [])]
    name: Vec<String>,
    /// Whether they are enabled.
    #[argument(default = "enabled")]
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Enabled,
    Disabled,
}

impl Documented for DnfConfigManager {
    const NAME: &'static str = "community.general.dnf_config_manager";
    const ALIASES: &'static [&'static str] = &["dnf_config_manager"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A repository", args: r#"{"name": "crb"}"# },
        Example {
            title: "None of two",
            args: r#"{"name": ["appstream", "zfs"], "state": "disabled"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("changed_repos", "Repositories that change.", "success", r#"["crb"]"#),
        Returned::new(
            "repo_states_pre",
            "All repositories before.",
            "success",
            r#"{"enabled": ["baseos"], "disabled": ["crb"]}"#,
        ),
        Returned::new(
            "repo_states_post",
            "All repositories after.",
            "success",
            r#"{"enabled": ["baseos", "crb"], "disabled": []}"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What `dnf repolist --all --verbose` says: an ID, and further below whether it is enabled.
fn parse(text: &str) -> Result<Vec<(String, bool)>, Failure> {
    let (mut all, mut id) = (Vec::new(), None);
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        match (key.trim_end(), value.trim(), id.take()) {
            ("Repo-id", value, None) => id = Some(value.to_owned()),
            ("Repo-status", status, Some(id)) => all.push((id, status == "enabled")),
            ("Repo-id" | "Repo-status", ..) => {
                return Err(Failure::new(
                    "dnf repolist parse failure: an id and a status in turn are expected",
                ));
            }
            (_, _, kept) => id = kept,
        }
    }
    Ok(all)
}

fn shown(all: &[(String, bool)]) -> Json {
    let of = |wanted: bool| {
        let mut ids: Vec<&str> =
            all.iter().filter(|(_, is)| *is == wanted).map(|(id, _)| id.as_str()).collect();
        ids.sort_unstable();
        ids
    };
    json!({"enabled": of(true), "disabled": of(false)})
}

impl DnfConfigManager {
    fn read(host: &dyn Host) -> Result<Vec<(String, bool)>, Failure> {
        if host.which("dnf").is_none() {
            return Err(Failure::new("/usr/bin/dnf was not found"));
        }
        parse(&tool::ask(host, &Program::new("dnf").args(["repolist", "--all", "--verbose"]))?)
    }
}

impl Stepwise for DnfConfigManager {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let now = Self::read(host)?;
        let is_enabled = self.state == State::Enabled;
        let (mut after, mut changed) = (now.clone(), Vec::new());
        for name in &self.name {
            let one = after.iter_mut().find(|(id, _)| id == name).ok_or_else(|| {
                Failure::new(format!(
                    "did not find repo with ID '{name}' in dnf repolist --all --verbose"
                ))
            })?;
            if one.1 != is_enabled {
                one.1 = is_enabled;
                changed.push(name.clone());
            }
        }
        let verb = format!("--set-{}", self.state.as_str());
        let program = (!changed.is_empty()).then(|| {
            let words = ["config-manager", "--assumeyes", &verb];
            Program::new("dnf").args(words).args(changed.iter().cloned())
        });
        Ok(Steps::new(program)
            .with("changed_repos", changed)
            .with("repo_states_pre", shown(&now))
            .with("repo_states_post", shown(&after)))
    }

    fn settled(&self, host: &dyn Host) -> Result<(), Failure> {
        let now = Self::read(host)?;
        let is_enabled = self.state == State::Enabled;
        match self.name.iter().find(|name| !now.contains(&((*name).clone(), is_enabled))) {
            None => Ok(()),
            Some(name) => Err(Failure::new(format!(
                "dnf config-manager failed to make '{name}' {}",
                self.state.as_str()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// `dnf`, which does not get `stuck` to change.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/on", "baseos\n");
        host.put("/usr/bin/dnf", "");
        host.program("dnf", |files, program| {
            let on = files.text("/on").unwrap();
            match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["repolist", ..] => Output::success(
                    ["baseos", "crb", "stuck"]
                        .map(|id| {
                            let is = if on.contains(id) { "enabled" } else { "disabled" };
                            format!("Repo-id            : {id}\nRepo-name : x: y\nRepo-status        : {is}\n\n")
                        })
                        .concat(),
                ),
                [_, _, "--set-enabled", ids @ ..] => {
                    let ids: String = ids.iter().filter(|id| **id != "stuck").copied().collect();
                    files.put("/on", format!("{on}{ids}\n"));
                    Output::success("")
                }
                [_, _, "--set-disabled", id] => {
                    files.put("/on", on.replace(id, ""));
                    Output::success("")
                }
                other => Output::failure(1, format!("{other:?}")),
            }
        });
        host
    }

    #[test]
    fn repositories_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"name": "crb"}), json!(["crb"])),
            (json!({"name": "crb"}), json!([])),
            (json!({"name": ["baseos"], "state": "disabled"}), json!(["baseos"])),
            (json!({}), json!([])),
        ] {
            let done = run("dnf_config_manager", &args, "", "", Mode::default(), &mut host);
            assert_eq!(done.returned["changed_repos"], changed, "{args}: {done:?}");
            assert_eq!(done.changed, changed != json!([]), "{args}");
        }
        let now = run("dnf_config_manager", &json!({}), "", "", Mode::default(), &mut host);
        assert_eq!(
            now.returned["repo_states_pre"],
            json!({"enabled": ["crb"], "disabled": ["baseos", "stuck"]})
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"name": "nosuch"}), "did not find repo with ID 'nosuch'"),
            (json!({"name": "stuck"}), "failed to make 'stuck' enabled"),
            (json!({"name": "crb", "state": "on"}), "must be one of: enabled"),
        ] {
            let done = run("dnf_config_manager", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
        let args = json!({"name": "crb"});
        let bare =
            run("dnf_config_manager", &args, "", "", Mode::default(), &mut FakeHost::default());
        assert!(bare.msg.unwrap_or_default().contains("was not found"));
    }
}
