//! The `service` module, and what it shares with `systemd_service`.

pub mod openrc;
pub mod sysv;
pub mod unit;
pub mod wanted;

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::{JsonMap, arguments::check, spec::ArgumentSpec};

use crate::{facts, systemd::Systemd};
use openrc::OpenRc;
use sysv::SysV;
use wanted::{Setting, State};

/// Keeps a service running or not, and its start at boot, by whatever runs services on the host.
///
/// systemd, OpenRC and init scripts are known, and found by looking, not by the name of the
/// distribution. With systemd, all arguments of `systemd_service` are taken as well.
#[derive(Debug, Arguments)]
#[arguments(open)]
pub struct Head {
    /// The service.
    name: Option<String>,
    /// `started` and `stopped` are kept; `restarted` and `reloaded` are done each time, to a
    /// service that does not run as a start.
    state: Option<State>,
    /// Whether it is started at boot.
    enabled: Option<bool>,
    /// Seconds between stop and start of a restart; not for systemd.
    sleep: Option<u32>,
    /// Where the service cannot tell whether it runs: words that stand in a line of `ps` where it
    /// does; not for systemd.
    pattern: Option<String>,
    /// OpenRC's runlevel to which the service belongs.
    #[argument(default = "default")]
    runlevel: String,
    /// Words for the init script; not for systemd.
    #[argument(aliases("args"), default = "")]
    arguments: String,
    /// What runs services: `auto` looks, `service` looks but not for systemd; else `systemd`,
    /// `openrc` or `sysvinit`.
    #[argument(name = "use", default = "auto")]
    provider: String,
}

/// The arguments, and all of them as they were given.
#[derive(Debug)]
pub struct Service {
    head: Head,
    given: JsonMap,
}

/// Arguments that mean nothing to systemd.
const UNUSED: [&str; 5] = ["use", "pattern", "runlevel", "sleep", "arguments"];

impl Arguments for Service {
    fn description() -> Vec<&'static str> {
        Head::description()
    }

    fn spec() -> ArgumentSpec {
        Head::spec()
    }

    fn from_arguments(map: &JsonMap) -> Result<Self, String> {
        Ok(Self { head: Head::from_arguments(map)?, given: map.clone() })
    }
}

impl Documented for Service {
    const NAME: &'static str = "ansible.builtin.service";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Running", args: r#"{"name": "cron", "state": "started"}"# },
        Example {
            title: "Running, now and after each boot",
            args: r#"{"name": "ssh", "state": "started", "enabled": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The service.", "always", r#""ssh""#),
        Returned::new("state", "Whether it runs.", "with `state`", r#""started""#),
        Returned::new("enabled", "Whether it is started at boot.", "with `enabled`", "true"),
        Returned::new("status", "What systemd says of it.", "with systemd", "{}"),
    ];
}

/// What runs the services of a host.
enum Provider {
    Systemd(Systemd),
    OpenRc(OpenRc),
    SysV(SysV),
}

impl Service {
    fn provider(&self, host: &dyn Host) -> Result<Provider, Failure> {
        let found = facts::service_manager(host);
        let short = self.head.provider.rsplit('.').next().unwrap_or_default();
        let is_free = matches!(short, "auto" | "service");
        match if is_free { found.as_str() } else { short } {
            "systemd" | "systemd_service" => self.systemd(),
            "openrc" => self.openrc(),
            // A first process that nobody knows says nothing of how services are run.
            "sysvinit" | "sysv" | "service" => self.sysv(),
            _ if is_free && host.which("systemctl").is_some() => self.systemd(),
            _ if is_free && host.which("rc-service").is_some() => {
                Err(refused("openrc below another first process", &found))
            }
            _ if is_free => self.sysv(),
            other => Err(refused(other, &found)),
        }
    }

    fn systemd(&self) -> Result<Provider, Failure> {
        let given = self.given.iter().filter(|(name, _)| !UNUSED.contains(&name.as_str()));
        let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        let checked = check(&Systemd::spec(), Systemd::NAME, &given).map_err(all_errors)?;
        Ok(Provider::Systemd(Systemd::from_arguments(&checked).map_err(Failure::new)?))
    }

    /// The name, for what runs services itself and takes no arguments but those of this module.
    fn name(&self) -> Result<String, Failure> {
        let spec = ArgumentSpec { open: false, ..Head::spec() };
        check(&spec, Service::NAME, &self.given).map_err(all_errors)?;
        if self.head.state.is_none() && self.head.enabled.is_none() {
            return Err(Failure::new("one of the following is required: state, enabled"));
        }
        self.head.name.clone().ok_or_else(|| Failure::new("missing required arguments: name"))
    }

    fn openrc(&self) -> Result<Provider, Failure> {
        Ok(Provider::OpenRc(OpenRc {
            name: self.name()?,
            state: self.head.state,
            enabled: self.head.enabled,
            runlevel: self.head.runlevel.clone(),
            sleep: self.head.sleep,
            arguments: self.head.arguments.clone(),
        }))
    }

    fn sysv(&self) -> Result<Provider, Failure> {
        Ok(Provider::SysV(SysV {
            name: self.name()?,
            state: self.head.state,
            enabled: self.head.enabled,
            sleep: self.head.sleep,
            pattern: self.head.pattern.clone(),
            arguments: self.head.arguments.clone(),
            runlevels: Vec::new(),
            daemonize: false,
        }))
    }

    /// What was said that systemd does not hear.
    fn unused(&self) -> Vec<String> {
        let head = &self.head;
        let said = [
            ("pattern", head.pattern.is_some()),
            ("sleep", head.sleep.is_some()),
            ("runlevel", head.runlevel != "default"),
            ("arguments", !head.arguments.is_empty()),
        ];
        let said = said.iter().filter(|(_, said)| *said);
        said.map(|(name, _)| format!("Ignoring \"{name}\" as it is not used in \"systemd\""))
            .collect()
    }
}

fn all_errors(errors: Vec<protocol::arguments::ArgumentError>) -> Failure {
    let all: Vec<String> = errors.into_iter().map(|error| error.message).collect();
    Failure::new(all.join("; "))
}

fn refused(name: &str, found: &str) -> Failure {
    Failure::new(format!(
        "services run by {name} are not implemented (this host has {found}; there are systemd, \
         openrc and sysvinit)"
    ))
}

impl Module for Service {
    type State = Setting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        match self.provider(host)? {
            Provider::Systemd(provider) => provider.check(host),
            Provider::OpenRc(provider) => provider.check(host),
            Provider::SysV(provider) => provider.check(host),
        }
    }

    fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        match self.provider(host)? {
            Provider::Systemd(provider) => provider.apply(delta, host),
            Provider::OpenRc(provider) => provider.apply(delta, host),
            Provider::SysV(provider) => provider.apply(delta, host),
        }
    }

    fn returned(&self, delta: &Delta<Setting>, host: &dyn Host) -> Result<JsonMap, Failure> {
        match self.provider(host)? {
            Provider::Systemd(provider) => {
                let mut map = provider.returned(delta, host)?;
                let unused = self.unused();
                if !unused.is_empty() {
                    map.insert("warnings".into(), unused.into());
                }
                Ok(map)
            }
            Provider::OpenRc(_) | Provider::SysV(_) => {
                let name = self.head.name.as_deref();
                let mut map =
                    wanted::returned(name, self.head.state, self.head.enabled, JsonMap::new());
                map.remove("status");
                Ok(map)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use protocol::{Json, Response, arguments::check};

    use crate::CATALOGUE;

    fn run(host: &mut FakeHost, args: &str) -> Response {
        let entry = CATALOGUE.find("service").unwrap();
        let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
        match check(&(entry.spec)().arguments, "service", &given) {
            Ok(args) => (entry.run)(&args, Mode { check: false, diff: true }, host),
            Err(errors) => Response::failure(format!("{errors:?}")),
        }
    }

    fn openrc() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/sbin/openrc", "");
        host.put("/etc/init.d/web", "");
        host.put("/etc/runlevels/default/sshd", "");
        host.put("/run/state", "stopped");
        host.program("rc-service", |files, program| {
            match program.args.last().map(String::as_str) {
                Some("status") => {
                    let state = files.text("/run/state").unwrap();
                    Output { status: if state == "started" { 0 } else { 3 }, ..Output::default() }
                }
                Some("start" | "restart") => {
                    files.put("/run/state", "started");
                    Output::success("")
                }
                Some("stop") => {
                    files.put("/run/state", "stopped");
                    Output::success("")
                }
                _ => Output::failure(1, "no such verb"),
            }
        });
        host.program("rc-update", |files, program| {
            let path = "/etc/runlevels/default/web";
            match program.args.first().map(String::as_str) {
                Some("add") => files.put(path, ""),
                _ => files.remove(std::path::Path::new(path)),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn openrc_runs_services() {
        let mut host = openrc();
        let args = r#"{"name": "web", "state": "started", "enabled": true}"#;
        let response = run(&mut host, args);
        assert!(response.changed && !response.failed, "{response:?}");
        assert_eq!(host.files.text("/run/state").as_deref(), Some("started"));
        assert!(host.files.text("/etc/runlevels/default/web").is_some());
        assert!(!run(&mut host, args).changed);
        assert!(run(&mut host, r#"{"name": "web", "enabled": false}"#).changed);
        assert!(host.files.text("/etc/runlevels/default/web").is_none());
        let response = run(&mut host, r#"{"name": "nosuch", "state": "started"}"#);
        assert!(response.msg.unwrap().contains("Could not find the requested service nosuch"));
    }

    fn sysv() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/init.d/web", "");
        host.put_mode("/etc/init.d/web", 0o755);
        host.put("/run/state", "stopped");
        host.program("/etc/init.d/web", |files, program| {
            match program.args.first().map(String::as_str) {
                Some("status") => {
                    let state = files.text("/run/state").unwrap();
                    Output { status: if state == "started" { 0 } else { 3 }, ..Output::default() }
                }
                Some("start") => {
                    files.put("/run/state", "started");
                    Output::success("")
                }
                Some("stop") => {
                    files.put("/run/state", "stopped");
                    Output::success("")
                }
                _ => Output::failure(1, "usage"),
            }
        });
        host.program("update-rc.d", |files, program| {
            match program.args.get(1).map(String::as_str) {
                Some("defaults" | "enable") => files.put("/etc/rc2.d/S01web", ""),
                _ => files.remove(std::path::Path::new("/etc/rc2.d/S01web")),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn init_scripts_run_services() {
        let mut host = sysv();
        let args = r#"{"name": "web", "state": "started", "enabled": true}"#;
        let response = run(&mut host, args);
        assert!(response.changed && !response.failed, "{response:?}");
        assert!(host.files.text("/etc/rc2.d/S01web").is_some());
        assert!(!run(&mut host, args).changed);
        // A restart is a stop and a start.
        let response = run(&mut host, r#"{"name": "web", "state": "restarted", "sleep": 2}"#);
        assert!(response.changed && !response.failed, "{response:?}");
        assert_eq!(host.paused.get().as_secs(), 2);
        let response = run(&mut host, r#"{"name": "web", "state": "reloaded"}"#);
        assert!(response.failed && response.msg.unwrap().contains("usage"));
    }

    #[test]
    fn other_managers_are_refused_by_name() {
        for (name, words) in [
            ("runit", "runit are not implemented"),
            ("upstart", "upstart are not"),
            ("", "not implemented"),
        ] {
            let args = format!(r#"{{"name": "web", "state": "started", "use": "{name}"}}"#);
            let response = run(&mut sysv(), &args);
            assert!(response.failed && response.msg.unwrap().contains(words), "{name}");
        }
        let response = run(&mut sysv(), r#"{"name": "web"}"#);
        assert!(response.failed);
    }
}
