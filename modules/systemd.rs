//! The `systemd_service` module, which is also called `systemd`.

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::JsonMap;

use crate::service::{
    unit::{Enabled, Found, Scope, Unit},
    wanted::{Setting, State, missing, returned},
};

/// Keeps a unit of systemd running or not, and its start at boot.
///
/// One `systemctl show` tells all that is compared. Where systemd does not run (in a chroot, while
/// an image is built) units can still be enabled, disabled and masked.
#[derive(Debug, Arguments)]
#[arguments(
    required_one_of(["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]),
    required_by(("state", ["name"]), ("enabled", ["name"]), ("masked", ["name"]))
)]
pub struct Systemd {
    /// One unit; without a suffix it is a service.
    #[argument(aliases("service", "unit"))]
    name: Option<String>,
    /// `started` and `stopped` are kept; `restarted` and `reloaded` are done each time, to a unit
    /// that does not run as a start.
    state: Option<State>,
    /// Whether it is started at boot.
    enabled: Option<bool>,
    /// Whether links of other units are overwritten.
    force: Option<bool>,
    /// Whether it can be started at all.
    masked: Option<bool>,
    /// Whether systemd reads its files again before anything else is done.
    #[argument(default = false, aliases("daemon-reload"))]
    daemon_reload: bool,
    /// Whether systemd starts itself anew before anything else is done.
    #[argument(default = false, aliases("daemon-reexec"))]
    daemon_reexec: bool,
    /// Whose units: those of the system, of the user, or of all users.
    #[argument(default = "system")]
    scope: Scope,
    /// Whether only the queueing of the job is waited for.
    #[argument(default = false)]
    no_block: bool,
}

impl Documented for Systemd {
    const NAME: &'static str = "ansible.builtin.systemd_service";
    const ALIASES: &'static [&'static str] = &["systemd", "ansible.builtin.systemd"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Running", args: r#"{"name": "cron", "state": "started"}"# },
        Example {
            title: "Running, now and after each boot",
            args: r#"{"name": "ssh", "state": "started", "enabled": true}"#,
        },
        Example { title: "Never", args: r#"{"name": "cron.service", "masked": true}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The unit.", "always", r#""ssh""#),
        Returned::new("state", "Whether it runs.", "with `state`", r#""started""#),
        Returned::new("enabled", "Whether it is started at boot.", "with `enabled`", "true"),
        Returned::new(
            "status",
            "Its properties, as they were before.",
            "with `name`",
            r#"{"ActiveState": "active"}"#,
        ),
    ];
}

impl Systemd {
    fn unit(&self) -> Result<Unit, Failure> {
        let name = self.name.clone().unwrap_or_default();
        if let Some(letter) = name.chars().find(|letter| "*?[".contains(*letter)) {
            return Err(Failure::new(format!(
                "This module does not currently support using glob patterns, found '{letter}' in \
                 service name: {name}"
            )));
        }
        Ok(Unit {
            name,
            scope: self.scope,
            no_block: self.no_block,
            force: self.force.unwrap_or_default(),
        })
    }

    /// Whether the unit runs, and whether it is about to end.
    fn is_running(&self, host: &dyn Host, found: &Found) -> Result<Option<bool>, Failure> {
        match found.status.get("ActiveState").and_then(|state| state.as_str()) {
            Some("active" | "activating") => Ok(Some(true)),
            // It runs on yet, so that a stop is not done, nor a start superfluous.
            Some("deactivating") => Ok(Some(self.state == Some(State::Stopped))),
            Some("unknown" | "") | None if found.is_offline && is_chroot(host) => Ok(None),
            Some("unknown" | "") | None => {
                Err(Failure::new("Service is in unknown state")
                    .with("status", found.status.clone()))
            }
            Some(_) => Ok(Some(false)),
        }
    }
}

/// Whether the task works on the files of another system.
fn is_chroot(host: &dyn Host) -> bool {
    let facts = crate::facts::is_chroot(host);
    facts || host.variable("SYSTEMD_OFFLINE").as_deref() == Some("1")
}

impl Module for Systemd {
    type State = Setting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        let unit = self.unit()?;
        let mut delta = Delta::new(Setting::default(), Setting::default());
        for (asked, verb) in
            [(self.daemon_reexec, "daemon-reexec"), (self.daemon_reload, "daemon-reload")]
        {
            if asked {
                delta.quiet_steps.push(verb.into());
            }
        }
        if self.name.is_none() {
            return Ok(delta);
        }
        let found = unit.read(host)?;
        if let Some(masked) = self.masked {
            delta.actual.masked = Some(found.masked);
            delta.desired.masked = Some(masked);
        }
        if (self.enabled.is_some() || self.state.is_some()) && !found.is_known && !found.masked {
            return Err(missing(&unit.name));
        }
        if let Some(enabled) = self.enabled {
            delta.desired.enabled = Some(enabled);
            delta.actual.enabled = Some(match found.enabled {
                Enabled::Yes => true,
                Enabled::No => false,
                Enabled::Fixed => enabled,
            });
        }
        if let Some(state) = self.state {
            match self.is_running(host, &found)? {
                Some(is_running) => delta.steps.extend(state.action(is_running).map(str::to_owned)),
                None => delta.actual.seen.is_unknown = true,
            }
        }
        delta.actual.seen.status = found.status;
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let unit = self.unit()?;
        for verb in &delta.quiet_steps {
            unit.execute_manager(host, verb)?;
        }
        let (actual, desired) = (&delta.actual, &delta.desired);
        if actual.masked != desired.masked {
            unit.execute(host, if desired.masked == Some(true) { "mask" } else { "unmask" })?;
        }
        if actual.enabled != desired.enabled {
            unit.execute(host, if desired.enabled == Some(true) { "enable" } else { "disable" })?;
        }
        for verb in &delta.steps {
            unit.execute(host, verb)?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Setting>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let seen = &delta.actual.seen;
        let enabled = delta.desired.enabled;
        let mut map = returned(self.name.as_deref(), self.state, enabled, seen.status.clone());
        if seen.is_unknown {
            let warning = "Target is a chroot or systemd is offline. This can lead to false positives \
                           or prevent the init system tools from working.";
            map.insert("warnings".into(), vec![warning].into());
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use protocol::{Json, Response, arguments::check};

    use crate::CATALOGUE;

    /// A host with one unit, `web.service`, whose state is in files.
    pub fn host(active: &str, file: &str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/unit/active", active);
        host.put("/unit/file", file);
        host.program("systemctl", |files, program| {
            let words: Vec<&str> =
                program.args.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
            let text = |path: &str, files: &module::fake::Files| files.text(path).unwrap_or_default();
            let [verb, rest @ ..] = words.as_slice() else { return Output::failure(1, "no verb") };
            let is_known = rest.first().is_none_or(|name| name.trim_end_matches(".service") == "web");
            match *verb {
                "show" if !is_known => Output::success("LoadState=not-found\nActiveState=inactive\n"),
                "show" => {
                    let file = text("/unit/file", files);
                    let load = if file == "masked" { "masked" } else { "loaded" };
                    let active = text("/unit/active", files);
                    Output::success(format!(
                        "Id=web.service\nLoadState={load}\nActiveState={active}\nUnitFileState={file}\n"
                    ))
                }
                "start" if text("/unit/active", files) == "broken" => Output::failure(1, "Job failed\n"),
                "start" | "restart" => {
                    files.put("/unit/active", "active");
                    Output::success("")
                }
                "stop" => {
                    files.put("/unit/active", "inactive");
                    Output::success("")
                }
                "enable" => {
                    files.put("/unit/file", "enabled");
                    Output::success("")
                }
                "disable" | "unmask" => {
                    files.put("/unit/file", "disabled");
                    Output::success("")
                }
                "mask" => {
                    files.put("/unit/file", "masked");
                    Output::success("")
                }
                "reload" | "daemon-reload" | "daemon-reexec" => {
                    files.put("/unit/said", *verb);
                    Output::success("")
                }
                other => Output::failure(1, format!("Unknown verb {other}")),
            }
        });
        host
    }

    fn run(host: &mut FakeHost, name: &str, args: &str, is_check: bool) -> Response {
        let entry = CATALOGUE.find(name).unwrap();
        let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
        match check(&(entry.spec)().arguments, name, &given) {
            Ok(args) => (entry.run)(&args, Mode { check: is_check, diff: true }, host),
            Err(errors) => Response::failure(format!("{errors:?}")),
        }
    }

    #[test]
    fn units_are_brought_to_their_state() {
        for (active, file, args, is_changed, expected) in [
            (
                "inactive",
                "disabled",
                r#"{"name": "web", "state": "started"}"#,
                true,
                ("active", "disabled"),
            ),
            (
                "active",
                "disabled",
                r#"{"name": "web", "state": "started"}"#,
                false,
                ("active", "disabled"),
            ),
            (
                "activating",
                "disabled",
                r#"{"name": "web", "state": "started"}"#,
                false,
                ("activating", "disabled"),
            ),
            (
                "failed",
                "disabled",
                r#"{"name": "web", "state": "restarted"}"#,
                true,
                ("active", "disabled"),
            ),
            (
                "active",
                "enabled",
                r#"{"name": "web", "state": "stopped", "enabled": false}"#,
                true,
                ("inactive", "disabled"),
            ),
            (
                "inactive",
                "enabled",
                r#"{"name": "web", "state": "stopped"}"#,
                false,
                ("inactive", "enabled"),
            ),
            (
                "deactivating",
                "enabled",
                r#"{"name": "web", "state": "stopped"}"#,
                true,
                ("inactive", "enabled"),
            ),
            (
                "inactive",
                "static",
                r#"{"name": "web", "enabled": true}"#,
                false,
                ("inactive", "static"),
            ),
            (
                "inactive",
                "static",
                r#"{"name": "web", "enabled": false}"#,
                false,
                ("inactive", "static"),
            ),
            (
                "inactive",
                "indirect",
                r#"{"name": "web", "enabled": true}"#,
                true,
                ("inactive", "enabled"),
            ),
            (
                "active",
                "enabled",
                r#"{"unit": "web.service", "masked": true}"#,
                true,
                ("active", "masked"),
            ),
            (
                "inactive",
                "masked",
                r#"{"name": "web", "masked": false}"#,
                true,
                ("inactive", "disabled"),
            ),
            ("active", "enabled", r#"{"daemon-reload": true}"#, false, ("active", "enabled")),
            (
                "active",
                "enabled",
                r#"{"name": "web", "state": "reloaded"}"#,
                true,
                ("active", "enabled"),
            ),
        ] {
            let mut host = host(active, file);
            let before = host.files.clone();
            let foretold = run(&mut host, "systemd", args, true);
            assert_eq!(host.files, before, "{args}: check wrote");
            let response = run(&mut host, "systemd", args, false);
            assert!(!response.failed, "{args}: {response:?}");
            assert_eq!((foretold.changed, response.changed), (is_changed, is_changed), "{args}");
            let now =
                (host.files.text("/unit/active").unwrap(), host.files.text("/unit/file").unwrap());
            assert_eq!((now.0.as_str(), now.1.as_str()), expected, "{args}");
        }
    }

    #[test]
    fn systemd_reads_its_files_again_first() {
        let mut host = host("active", "enabled");
        run(
            &mut host,
            "systemd",
            r#"{"name": "web", "state": "started", "daemon_reload": true}"#,
            false,
        );
        assert_eq!(host.files.text("/unit/said").as_deref(), Some("daemon-reload"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (
                r#"{"name": "nosuch", "state": "started"}"#,
                "Could not find the requested service nosuch: host",
            ),
            (r#"{"name": "nosuch", "enabled": true}"#, "Could not find"),
            (r#"{"name": "we*", "state": "started"}"#, "glob patterns, found '*'"),
            (r#"{"name": "web", "state": "started"}"#, "Unable to start service web: Job failed"),
            (r#"{"state": "started"}"#, "name"),
            (r#"{"name": "web", "state": "running"}"#, "state"),
        ] {
            let response = run(&mut host("broken", "enabled"), "systemd", args, false);
            assert!(response.failed, "{args}");
            assert!(response.msg.unwrap().contains(words), "{args}");
        }
    }

    #[test]
    fn offline_units_are_enabled_by_links() {
        let mut host = FakeHost::default();
        host.put("/unit/file", "disabled");
        host.program("systemctl", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            match words.first() {
                Some(&"show") => Output::failure(
                    1,
                    "System has not been booted with systemd as init system (PID 1). Can't operate.\n",
                ),
                Some(&"is-enabled") => {
                    let state = files.text("/unit/file").unwrap();
                    let status = i32::from(state != "enabled");
                    Output { status, stdout: state.into_bytes(), ..Output::default() }
                }
                Some(&"enable") => {
                    files.put("/unit/file", "enabled");
                    Output::success("")
                }
                _ => Output::failure(1, "no"),
            }
        });
        let response = run(&mut host, "systemd", r#"{"name": "web", "enabled": true}"#, false);
        assert!(response.changed && !response.failed, "{response:?}");
        let started = r#"{"name": "web", "state": "started"}"#;
        let response = run(&mut host, "systemd", started, false);
        assert_eq!(response.msg.as_deref(), Some("Service is in unknown state"));
        host.set_variable("SYSTEMD_OFFLINE", "1");
        let response = run(&mut host, "systemd", started, false);
        assert!(!response.failed && response.warnings.len() == 1, "{response:?}");
    }
}
