//! The `firewalld` module of the collection `ansible.posix`.

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
};
use protocol::{Json, JsonMap};
use serde::Serialize;

use crate::tool;

/// Keeps one service, port, source or other element of a zone of firewalld, or a zone itself.
///
/// It is kept in what runs, in what is kept over a start (`permanent`), or in both (`permanent` and
/// `immediate`). Where firewalld does not run, `offline` changes what is kept.
#[derive(Debug, Arguments)]
#[arguments(
    required_by(("interface", ["zone"]), ("target", ["zone"]), ("source", ["permanent"])),
    mutually_exclusive([
        "icmp_block", "icmp_block_inversion", "service", "protocol", "port", "port_forward",
        "rich_rule", "interface", "forward", "masquerade", "source", "target"
    ])
)]
pub struct Firewalld {
    /// A service that firewalld knows.
    service: Option<String>,
    /// A protocol of the network layer.
    protocol: Option<String>,
    /// A port or range of ports, and its protocol: `80/tcp`.
    port: Option<String>,
    /// A port that is forwarded; one at a time.
    port_forward: Option<Vec<PortForward>>,
    /// A rich rule.
    rich_rule: Option<String>,
    /// Addresses that the zone is for.
    source: Option<String>,
    /// An interface that the zone is for; it is taken from any other zone.
    interface: Option<String>,
    /// A kind of ICMP that is not let in.
    icmp_block: Option<String>,
    /// Whether only those kinds are let in; a truth value.
    icmp_block_inversion: Option<String>,
    /// The zone; the default one where it is left out.
    zone: Option<String>,
    /// Whether it is kept over a start.
    #[argument(default = false)]
    permanent: bool,
    /// Whether it is also changed now; so in any case where it is not permanent.
    #[argument(default = false)]
    immediate: bool,
    /// Whether the element is there: `present` and `absent` are for zones and their targets.
    state: State,
    /// Seconds after which the element goes again from what runs; 0 for never.
    #[argument(default = 0)]
    timeout: u32,
    /// Whether packets go from one interface of the zone to another; a truth value.
    forward: Option<String>,
    /// Whether addresses are hidden behind that of the host; a truth value.
    masquerade: Option<String>,
    /// Whether what is kept may be changed where firewalld does not run.
    #[argument(default = false)]
    offline: bool,
    /// What becomes of packets that nothing else speaks of.
    #[argument(choices("default", "ACCEPT", "DROP", "%%REJECT%%"))]
    target: Option<String>,
}

/// A port that is forwarded.
#[derive(Debug, Arguments)]
struct PortForward {
    /// The port.
    port: String,
    /// Its protocol.
    #[argument(choices("udp", "tcp"))]
    proto: String,
    /// The port that it leads to.
    toport: String,
    /// The address that it leads to; the host's own where it is left out.
    toaddr: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Disabled,
    Enabled,
    Present,
}

/// Whether an element is there, in what the task manages; the target of a zone as its text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Setting {
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permanent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Documented for Firewalld {
    const NAME: &'static str = "ansible.posix.firewalld";
    const ALIASES: &'static [&'static str] = &["firewalld"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A service, now and always",
            args: r#"{"service": "https", "permanent": true, "immediate": true, "state": "enabled"}"#,
        },
        Example {
            title: "No such port, in a zone",
            args: r#"{"port": "8081/tcp", "zone": "dmz", "permanent": true, "state": "disabled"}"#,
        },
        Example {
            title: "A zone",
            args: r#"{"zone": "own", "permanent": true, "state": "present"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[];
}

/// What is kept of a zone.
enum Thing {
    /// `--add-NAME=VALUE` or, without a value, `--add-NAME`; and whether it should be there.
    Element {
        name: &'static str,
        value: Option<String>,
        wanted: bool,
        shown: String,
    },
    Target(String),
    Zone,
}

/// Which firewall is changed: that which runs or that which is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Runtime,
    Permanent,
    /// What is kept, where firewalld does not run.
    Offline,
}

impl Firewalld {
    fn thing(&self) -> Result<Thing, Failure> {
        let is_enabled = self.state == State::Enabled;
        let element = |name, value: &Option<String>, label: &str| {
            value.as_ref().map(|value| Thing::Element {
                name,
                value: Some(value.clone()),
                wanted: is_enabled,
                shown: format!("{label} {value}"),
            })
        };
        let switch = |name, value: &Option<String>| -> Result<Option<Thing>, Failure> {
            let Some(value) = value else { return Ok(None) };
            let truth = match value.to_lowercase().as_str() {
                "yes" | "y" | "true" | "t" | "on" | "1" => true,
                "no" | "n" | "false" | "f" | "off" | "0" => false,
                other => {
                    return Err(Failure::new(format!(
                        "{name} must be a truth value, got: {other}"
                    )));
                }
            };
            Ok(Some(Thing::Element {
                name,
                value: None,
                wanted: is_enabled == truth,
                shown: format!("{name} {value}"),
            }))
        };
        let port = match &self.port {
            None => None,
            Some(port) => match port.trim().split_once('/') {
                Some((number, protocol)) if !number.is_empty() && !protocol.is_empty() => {
                    element("port", &Some(port.trim().to_owned()), "port")
                }
                _ => return Err(Failure::new("improper port format (missing protocol?)")),
            },
        };
        let forward = match self.port_forward.as_deref() {
            None | Some([]) => None,
            Some([one]) => {
                let mut text =
                    format!("port={}:proto={}:toport={}", one.port, one.proto, one.toport);
                if let Some(address) = &one.toaddr {
                    text.push_str(&format!(":toaddr={address}"));
                }
                let address = one.toaddr.as_deref().unwrap_or_default();
                let shown = format!(
                    "port_forward port={}:proto={}:toport={}:toaddr={address}",
                    one.port, one.proto, one.toport
                );
                let (name, wanted) = ("forward-port", is_enabled);
                Some(Thing::Element { name, value: Some(text), wanted, shown })
            }
            Some(_) => return Err(Failure::new("Only one port forward supported at a time")),
        };
        let found = element("icmp-block", &self.icmp_block, "icmp-block")
            .or(switch("icmp-block-inversion", &self.icmp_block_inversion)?)
            .or(element("service", &self.service, "service"))
            .or(element("protocol", &self.protocol, "protocol"))
            .or(element("source", &self.source, "source"))
            .or(port)
            .or(forward)
            .or(element("rich-rule", &self.rich_rule, "rich_rule"))
            .or(element("interface", &self.interface, "interface"))
            .or(switch("forward", &self.forward)?)
            .or(switch("masquerade", &self.masquerade)?);
        let is_of_zone = matches!(self.state, State::Absent | State::Present);
        match (found, &self.target) {
            (Some(_), _) if is_of_zone => Err(Failure::new(
                "absent and present state can only be used in zone level operations",
            )),
            (Some(found), _) => Ok(found),
            (None, Some(target)) => {
                let removes = matches!(self.state, State::Absent | State::Disabled);
                Ok(Thing::Target(if removes { "default".into() } else { target.clone() }))
            }
            (None, None) if !is_of_zone => Err(Failure::new(
                "a zone itself is present or absent, neither enabled nor disabled",
            )),
            (None, None) if !self.permanent || self.immediate => Err(Failure::new(
                "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the 'immediate' flag to 'true'.",
            )),
            (None, None) if self.zone.is_none() => {
                Err(Failure::new("zone is needed to keep a zone"))
            }
            (None, None) => Ok(Thing::Zone),
        }
    }

    /// Which firewalls are changed.
    fn sides(&self, host: &dyn Host, thing: &Thing) -> Result<Vec<Side>, Failure> {
        let is_running = host.query(&Program::new("firewall-cmd").arg("--state"))?.is_success();
        if self.offline && !self.permanent {
            return Err(Failure::new(
                "offline cannot be enabled unless permanent changes are allowed",
            ));
        }
        let immediate = (self.immediate && (is_running || !self.offline)) || !self.permanent;
        let mut sides = Vec::new();
        if immediate && !matches!(thing, Thing::Target(_) | Thing::Zone) {
            if !is_running {
                return Err(Failure::new(
                    "firewall is not currently running, unable to perform immediate actions without a running firewall daemon",
                ));
            }
            sides.push(Side::Runtime);
        }
        if self.permanent {
            match (is_running, self.offline) {
                (true, _) => sides.push(Side::Permanent),
                (false, true) => sides.push(Side::Offline),
                (false, false) => {
                    return Err(Failure::new(
                        "firewalld is not running; offline: true changes what it will start with",
                    ));
                }
            }
        } else if matches!(thing, Thing::Target(_)) {
            return Err(Failure::new(
                "the target of a zone can only be changed with permanent: true",
            ));
        }
        Ok(sides)
    }

    fn program(side: Side, zone: Option<&str>, words: &[String]) -> Program {
        let mut program = match side {
            Side::Runtime => Program::new("firewall-cmd"),
            Side::Permanent => Program::new("firewall-cmd").arg("--permanent"),
            Side::Offline => Program::new("firewall-offline-cmd"),
        };
        if let Some(zone) = zone {
            program = program.arg(format!("--zone={zone}"));
        }
        program.args(words.iter().cloned())
    }

    fn zone(&self, host: &dyn Host, side: Side) -> Result<String, Failure> {
        match &self.zone {
            Some(zone) => Ok(zone.clone()),
            None => {
                let program = Self::program(side, None, &["--get-default-zone".into()]);
                // The default zone is the same for both, and only asked for without more words.
                let program = if side == Side::Permanent {
                    Self::program(Side::Runtime, None, &program.args[1..])
                } else {
                    program
                };
                Ok(tool::ask(host, &program)?.trim().to_owned())
            }
        }
    }

    fn query(
        &self,
        host: &dyn Host,
        side: Side,
        zone: &str,
        word: String,
    ) -> Result<bool, Failure> {
        let program = Self::program(side, Some(zone), &[word]);
        let output = host.query(&program)?;
        match output.status {
            0 => Ok(true),
            1 => Ok(false),
            _ => {
                let why = module::host::succeeded(&program, output).err();
                Err(why.map_or_else(|| Failure::new("firewall-cmd failed"), Failure::from))
            }
        }
    }

    fn zones(host: &dyn Host, side: Side) -> Result<Vec<String>, Failure> {
        let text = tool::ask(host, &Self::program(side, None, &["--get-zones".into()]))?;
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }
}

impl Module for Firewalld {
    type State = Setting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        let thing = self.thing()?;
        let mut delta = Delta::new(Setting::default(), Setting::default());
        for side in self.sides(host, &thing)? {
            match &thing {
                Thing::Element { name, value, wanted, .. } => {
                    let zone = self.zone(host, side)?;
                    let word = match value {
                        Some(value) => format!("--query-{name}={value}"),
                        None => format!("--query-{name}"),
                    };
                    let is_there = self.query(host, side, &zone, word)?;
                    let (actual, desired) = (&mut delta.actual, &mut delta.desired);
                    match side {
                        Side::Runtime => {
                            (actual.runtime, desired.runtime) = (Some(is_there), Some(*wanted));
                        }
                        _ => {
                            (actual.permanent, desired.permanent) = (Some(is_there), Some(*wanted))
                        }
                    }
                }
                Thing::Target(target) => {
                    let zone = self.zone(host, side)?;
                    let program = Self::program(side, Some(&zone), &["--get-target".into()]);
                    delta.actual.target = Some(tool::ask(host, &program)?.trim().to_owned());
                    delta.desired.target = Some(target.clone());
                }
                Thing::Zone => {
                    let zone = self.zone.clone().unwrap_or_default();
                    let is_there = Self::zones(host, side)?.contains(&zone);
                    delta.actual.permanent = Some(is_there);
                    delta.desired.permanent = Some(self.state == State::Present);
                }
            }
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let thing = self.thing()?;
        for side in self.sides(host, &thing)? {
            let (actual, desired) = match side {
                Side::Runtime => (delta.actual.runtime, delta.desired.runtime),
                _ => (delta.actual.permanent, delta.desired.permanent),
            };
            if actual == desired && !matches!(thing, Thing::Target(_)) {
                continue;
            }
            let (zone, words) = match &thing {
                Thing::Element { name, value, wanted, .. } => {
                    let verb = match (wanted, *name) {
                        (true, "interface") => "change",
                        (true, _) => "add",
                        (false, _) => "remove",
                    };
                    let word = match value {
                        Some(value) => format!("--{verb}-{name}={value}"),
                        None => format!("--{verb}-{name}"),
                    };
                    let mut words = vec![word];
                    if self.timeout > 0 && side == Side::Runtime && *wanted {
                        words.push(format!("--timeout={}", self.timeout));
                    }
                    (Some(self.zone(host, side)?), words)
                }
                Thing::Target(target) => {
                    (Some(self.zone(host, side)?), vec![format!("--set-target={target}")])
                }
                Thing::Zone => {
                    let verb = if desired == Some(true) { "new" } else { "delete" };
                    (
                        None,
                        vec![format!("--{verb}-zone={}", self.zone.as_deref().unwrap_or_default())],
                    )
                }
            };
            tool::run(host, &Self::program(side, zone.as_deref(), &words))?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Setting>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut said = Vec::new();
        if delta.actual.permanent.is_some() || delta.actual.target.is_some() {
            said.push(match delta.actual.runtime.is_some() {
                true => "Permanent and Non-Permanent(immediate) operation".to_owned(),
                false => "Permanent operation".to_owned(),
            });
        } else {
            said.push("Non-permanent operation".to_owned());
        }
        if delta.is_change() {
            said.push(match self.thing()? {
                Thing::Element { name, value, wanted, shown } => {
                    let side = self.sides(host, &self.thing()?)?;
                    let side = side.first().copied().unwrap_or(Side::Permanent);
                    let zone = self.zone(host, side)?;
                    match (name, wanted, value.as_deref().unwrap_or(name)) {
                        ("interface", true, value) => format!("Changed {value} to zone {zone}"),
                        ("forward" | "masquerade" | "source", true, value) => {
                            format!("Added {value} to zone {zone}")
                        }
                        ("forward" | "masquerade" | "source" | "interface", false, value) => {
                            format!("Removed {value} from zone {zone}")
                        }
                        _ => format!("Changed {shown} to {}", self.state),
                    }
                }
                Thing::Target(target) => {
                    let zone = self.zone.as_deref().unwrap_or_default();
                    match self.state {
                        State::Absent | State::Disabled => {
                            format!("Reset zone {zone} target to default")
                        }
                        _ => format!("Set zone {zone} target to {target}"),
                    }
                }
                Thing::Zone => {
                    let verb = if self.state == State::Present { "Added" } else { "Removed" };
                    let zone = self.zone.as_deref().unwrap_or_default();
                    format!("{verb} zone {zone}, Changed zone {zone} to {}", self.state)
                }
            });
        }
        Ok(JsonMap::from_iter([("msg".to_owned(), Json::from(said.join(", ")))]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_firewalld};

    #[test]
    fn elements_are_kept() {
        let mut host = FakeHost::default();
        put_firewalld(&mut host);
        for (args, changed) in [
            (json!({"service": "https", "state": "enabled"}), true),
            (json!({"service": "https", "state": "enabled"}), false),
            (json!({"service": "https", "state": "enabled", "permanent": true}), true),
            (
                json!({"service": "https", "state": "enabled", "permanent": true, "immediate": true}),
                false,
            ),
            (json!({"port": "80-90/tcp", "zone": "dmz", "state": "enabled"}), true),
            (json!({"masquerade": "yes", "state": "enabled"}), true),
            (json!({"masquerade": "no", "state": "disabled"}), false),
            (json!({"masquerade": "no", "state": "enabled"}), true),
            (
                json!({"port_forward": [{"port": "1", "proto": "tcp", "toport": "2"}], "state": "enabled"}),
                true,
            ),
            (json!({"zone": "own", "state": "present", "permanent": true}), true),
            (json!({"zone": "own", "target": "DROP", "state": "enabled", "permanent": true}), true),
            (
                json!({"zone": "own", "target": "DROP", "state": "enabled", "permanent": true}),
                false,
            ),
            (json!({"zone": "own", "state": "absent", "permanent": true}), true),
            (
                json!({"service": "https", "state": "disabled", "permanent": true, "immediate": true}),
                true,
            ),
        ] {
            let response = run("firewalld", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
    }

    #[test]
    fn what_has_changed_is_told_as_firewalld_does() {
        let with = |key: &str, value: &str| json!({key: value, "zone": "own", "permanent": true});
        for (mut args, state, expected) in [
            (with("zone", "own"), "present", "Added zone own, Changed zone own to present"),
            (with("source", "10.0.0.0/8"), "enabled", "Added 10.0.0.0/8 to zone own"),
            (with("source", "10.0.0.0/8"), "disabled", "Removed 10.0.0.0/8 from zone own"),
            (with("interface", "eth9"), "enabled", "Changed eth9 to zone own"),
            (with("masquerade", "yes"), "enabled", "Added masquerade to zone own"),
            (with("masquerade", "yes"), "disabled", "Removed masquerade from zone own"),
            (with("service", "https"), "enabled", "Changed service https to enabled"),
            (with("target", "DROP"), "enabled", "Set zone own target to DROP"),
            (with("target", "DROP"), "disabled", "Reset zone own target to default"),
        ] {
            let mut host = FakeHost::default();
            put_firewalld(&mut host);
            args["state"] = json!(state);
            if state == "disabled" {
                let mut before = args.clone();
                before["state"] = json!("enabled");
                run("firewalld", &before, "", "", Mode::default(), &mut host);
            }
            let done = run("firewalld", &args, "", "", Mode::default(), &mut host);
            let msg = format!("Permanent operation, {expected}");
            assert_eq!(done.msg, Some(msg), "{args}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"port": "80", "state": "enabled"}), "improper port format"),
            (
                json!({"service": "https", "state": "present"}),
                "can only be used in zone level operations",
            ),
            (json!({"zone": "own", "state": "present"}), "Zone operations must be permanent"),
            (json!({"state": "present", "permanent": true}), "zone is needed"),
            (
                json!({"service": "x", "state": "enabled", "offline": true}),
                "offline cannot be enabled unless",
            ),
            (json!({"service": "x", "port": "1/tcp", "state": "enabled"}), "mutually exclusive"),
            (
                json!({"interface": "eth0", "state": "enabled"}),
                "missing parameter(s) required by 'interface': zone",
            ),
            (json!({"masquerade": "maybe", "state": "enabled"}), "must be a truth value"),
            (json!({"zone": "a", "state": "enabled"}), "neither enabled nor disabled"),
        ] {
            let mut host = FakeHost::default();
            put_firewalld(&mut host);
            let writes = host.writes;
            let response = run("firewalld", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
            assert_eq!(host.writes, writes);
        }
    }
}
