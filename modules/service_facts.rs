//! The `service_facts` module.

use std::collections::BTreeMap;

use module::{Arguments, Documented, Example, Fact, Failure, Host, Program, host::succeeded};
use protocol::{JsonMap, Response, spec::Support};

/// Words of a unit's line that say more than whether it is enabled.
const BAD_STATES: [&str; 3] = ["not-found", "masked", "failed"];

/// Tells which services there are, as the fact `services`: whether each runs, and whether it is
/// started at boot.
///
/// Asks systemd, or OpenRC. On hosts with another init it is skipped, and says so.
#[derive(Debug, Arguments)]
pub struct ServiceFacts {}

impl Documented for ServiceFacts {
    const NAME: &'static str = "ansible.builtin.service_facts";
    const EXAMPLES: &'static [Example] = &[Example { title: "What runs", args: "{}" }];
    const DIFF_MODE: Support = Support::None;
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
struct Service {
    state: String,
    status: String,
    source: &'static str,
}

impl Fact for ServiceFacts {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let services = if host.which("systemctl").is_some() {
            read_systemd(host)?
        } else if host.which("rc-status").is_some() {
            read_openrc(host)?
        } else {
            return Ok(Response {
                skipped: true,
                msg: Some("Failed to find any services: there is neither systemctl nor rc-status on the host".into()),
                ..Response::default()
            });
        };
        let services: JsonMap = services
            .into_iter()
            .map(|(name, service)| {
                let mut map = JsonMap::new();
                map.insert("name".into(), name.clone().into());
                map.insert("state".into(), service.state.into());
                map.insert("status".into(), service.status.into());
                map.insert("source".into(), service.source.into());
                (name, map.into())
            })
            .collect();
        let mut facts = JsonMap::new();
        facts.insert("services".into(), services.into());
        Ok(Response { facts, ..Response::default() })
    }
}

fn said(host: &dyn Host, program: &str, words: &[&str]) -> Result<String, Failure> {
    let program = Program::new(program).args(words.iter().copied());
    Ok(succeeded(&program, host.query(&program)?)?.stdout_text())
}

fn read_systemd(host: &dyn Host) -> Result<BTreeMap<String, Service>, Failure> {
    let mut services = BTreeMap::new();
    let units = [
        "list-units",
        "--no-pager",
        "--type",
        "service",
        "--all",
        "--plain",
        "--no-legend",
        "--full",
    ];
    for line in said(host, "systemctl", &units)?.lines() {
        let words: Vec<&str> =
            line.trim_start_matches(['●', '*', ' ']).split_whitespace().collect();
        let [name, _, _, sub, ..] = words.as_slice() else { continue };
        let bad = BAD_STATES.iter().find(|bad| words.iter().take(4).any(|word| word == *bad));
        let service = Service {
            state: if *sub == "running" { "running" } else { "stopped" }.into(),
            status: bad.map_or("unknown", |bad| bad).into(),
            source: "systemd",
        };
        services.insert((*name).to_owned(), service);
    }
    let files =
        ["list-unit-files", "--no-pager", "--type", "service", "--all", "--no-legend", "--full"];
    let mut unloaded = Vec::new();
    for line in said(host, "systemctl", &files)?.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(status)) = (words.next(), words.next()) else { continue };
        match services.get_mut(name) {
            Some(known) if BAD_STATES.contains(&known.status.as_str()) => {}
            Some(known) => known.status = status.into(),
            None => {
                unloaded.push(name.to_owned());
                let service =
                    Service { state: "unknown".into(), status: status.into(), source: "systemd" };
                services.insert(name.to_owned(), service);
            }
        }
    }
    // A template has no state, and systemd refuses to be asked for one.
    unloaded.retain(|name| !name.contains("@."));
    if !unloaded.is_empty() {
        let mut words = vec!["show", "--property=Id,ActiveState", "--"];
        words.extend(unloaded.iter().map(String::as_str));
        let text = said(host, "systemctl", &words)?;
        // Answers come in the order of the names; `Id` of an alias is another name.
        for (name, block) in unloaded.iter().zip(text.split("\n\n")) {
            let state = block.lines().find_map(|line| line.strip_prefix("ActiveState="));
            if let (Some(state), Some(service)) = (state, services.get_mut(name)) {
                service.state = state.trim().into();
            }
        }
    }
    Ok(services)
}

fn read_openrc(host: &dyn Host) -> Result<BTreeMap<String, Service>, Failure> {
    let mut services = BTreeMap::new();
    let enabled = said(host, "rc-status", &["--all", "--nocolor"])?;
    for line in enabled.lines() {
        let Some((name, rest)) = line.trim().split_once('[') else { continue };
        let state = rest.trim().trim_end_matches(']').split_whitespace().next().unwrap_or_default();
        let state = if state == "started" { "running" } else { state };
        let service = Service { state: state.into(), status: "unknown".into(), source: "openrc" };
        services.insert(name.trim().to_owned(), service);
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn services_are_facts() {
        let mut host = FakeHost::default();
        host.program("systemctl", |_, program| {
            Output::success(match program.args.first().map(String::as_str) {
                Some("list-units") => "ssh.service loaded active running OpenBSD Secure Shell server\ngone.service not-found inactive dead gone\n● bad.service loaded failed failed Bad\nonce.service loaded active exited Once\n",
                Some("list-unit-files") => "ssh.service enabled enabled\nbad.service enabled enabled\nonce.service static -\nidle.service disabled enabled\nalias.service alias -\ngetty@.service enabled enabled\n",
                _ => "Id=idle.service\nActiveState=inactive\n\nId=real.service\nActiveState=active\n",
            })
        });
        let response = run("service_facts", &json!({}), "", "", Mode::default(), &mut host);
        for (name, state, status) in [
            ("ssh.service", "running", "enabled"),
            ("gone.service", "stopped", "not-found"),
            ("bad.service", "stopped", "failed"),
            ("once.service", "stopped", "static"),
            ("idle.service", "inactive", "disabled"),
            ("alias.service", "active", "alias"),
            ("getty@.service", "unknown", "enabled"),
        ] {
            let expected =
                json!({"name": name, "state": state, "status": status, "source": "systemd"});
            assert_eq!(response.facts["services"][name], expected);
        }
    }

    #[test]
    fn hosts_without_a_known_init_are_skipped() {
        let response =
            run("service_facts", &json!({}), "", "", Mode::default(), &mut FakeHost::default());
        assert!(
            response.skipped && response.msg.unwrap().contains("neither systemctl nor rc-status")
        );
        let mut host = FakeHost::default();
        host.program("systemctl", |_, _| {
            Output::failure(1, "System has not been booted with systemd")
        });
        assert!(run("service_facts", &json!({}), "", "", Mode::default(), &mut host).failed);
    }
}
