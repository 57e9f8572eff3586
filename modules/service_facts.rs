//! The `service_facts` module.

use std::{collections::BTreeMap, path::Path};

use module::{Arguments, Documented, Example, Fact, Failure, Host, Program, host::succeeded};
use protocol::{JsonMap, Response, spec::Support};

/// Words of a unit's line that say more than whether it is enabled.
const BAD_STATES: [&str; 3] = ["not-found", "masked", "failed"];

/// Tells which services there are, as the fact `services`: whether each runs, and whether it is
/// started at boot.
///
/// Asks systemd where it runs, OpenRC, and `service` about init scripts, which have no `status`
/// and, as under Ansible, stand beside the units that were made of them. On hosts with none of
/// these it is skipped, and says so.
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
    /// Whether it is started at boot; of init scripts that is not known.
    status: Option<String>,
    source: &'static str,
}

impl Fact for ServiceFacts {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let has = |program: &str| host.which(program).is_some();
        let mut services = BTreeMap::new();
        if has("rc-status") {
            services.extend(read_openrc(host)?);
        } else if has("service") && !has("chkconfig") {
            services.extend(read_scripts(host)?);
        }
        if has("systemctl") && is_booted_by_systemd(host)? {
            services.extend(read_systemd(host)?);
        }
        if services.is_empty() {
            return Ok(Response {
                skipped: true,
                msg: Some("Failed to find any services: neither systemd nor OpenRC runs on the host, and it has no init scripts".into()),
                ..Response::default()
            });
        }
        let services: JsonMap = services
            .into_iter()
            .map(|(name, service)| {
                let mut map = JsonMap::new();
                map.insert("name".into(), name.clone().into());
                map.insert("state".into(), service.state.into());
                if let Some(status) = service.status {
                    map.insert("status".into(), status.into());
                }
                map.insert("source".into(), service.source.into());
                (name, map.into())
            })
            .collect();
        let mut facts = JsonMap::new();
        facts.insert("services".into(), services.into());
        Ok(Response { facts, ..Response::default() })
    }
}

/// The folders that are there while systemd is the host's init, of any of its versions.
fn is_booted_by_systemd(host: &dyn Host) -> Result<bool, Failure> {
    for folder in ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"] {
        if host.metadata(Path::new(folder))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Init scripts, of which `service --status-all` tells in lines such as ` [ + ]  cron`: `+` runs,
/// `-` does not, and of `?` nothing is known.
fn read_scripts(host: &dyn Host) -> Result<BTreeMap<String, Service>, Failure> {
    let output = host.query(&Program::new("service").arg("--status-all"))?;
    let mut services = BTreeMap::new();
    for line in output.stdout_text().lines() {
        let Some((mark, name)) =
            line.trim_start().strip_prefix("[ ").and_then(|rest| rest.split_once(" ]"))
        else {
            continue;
        };
        let state = match mark {
            "+" => "running",
            "-" => "stopped",
            _ => continue,
        };
        let service = Service { state: state.into(), status: None, source: "sysv" };
        services.insert(name.trim().to_owned(), service);
    }
    Ok(services)
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
            status: Some(bad.map_or("unknown", |bad| bad).into()),
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
            Some(known) if known.status.as_deref().is_some_and(|s| BAD_STATES.contains(&s)) => {}
            Some(known) => known.status = Some(status.into()),
            None => {
                unloaded.push(name.to_owned());
                let status = Some(status.into());
                let service = Service { state: "unknown".into(), status, source: "systemd" };
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
        let status = Some("unknown".into());
        let service = Service { state: state.into(), status, source: "openrc" };
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
        host.put_dirs("/run/systemd/system");
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
        assert!(response.skipped && response.msg.unwrap().contains("neither systemd nor OpenRC"));
        let mut host = FakeHost::default();
        host.put_dirs("/run/systemd/system");
        host.program("systemctl", |_, _| {
            Output::failure(1, "System has not been booted with systemd")
        });
        assert!(run("service_facts", &json!({}), "", "", Mode::default(), &mut host).failed);
    }

    #[test]
    fn init_scripts_are_told_where_systemd_does_not_run() {
        let mut host = FakeHost::default();
        host.program("systemctl", |_, _| {
            Output::failure(1, "System has not been booted with systemd")
        });
        host.program("service", |_, _| {
            Output::success(" [ + ]  cron\n [ - ]  dbus\n [ ? ]  hwclock.sh\n")
        });
        let response = run("service_facts", &json!({}), "", "", Mode::default(), &mut host);
        assert_eq!(
            response.facts["services"],
            json!({
                "cron": {"name": "cron", "state": "running", "source": "sysv"},
                "dbus": {"name": "dbus", "state": "stopped", "source": "sysv"},
            })
        );
    }
}
