//! Tasks that could cut the branch they sit on: their changes are undone by the host unless it can
//! be reached again over a fresh connection.
//!
//! Which tasks these are is known by their modules and arguments: rules for packets, the SSH
//! server's configuration, addresses and routes. `trueup_guard_secs` sets the time (0 for no guard),
//! `trueup_guard` names what a task could cut where it cannot be known (`[firewall]` for a script),
//! or is false.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use protocol::{
    Json, JsonMap, Request,
    request::{Aspect, GUARD_MODULE, GuardOrder, GuardStep, Guarded},
};
use template::{Scope, Value};
use transport::ConnectionKind;

use crate::{TaskResult, connect::Way, reach::Reach};

/// Seconds for reaching a host again where nothing is said.
const GUARD_SECS: u64 = 30;

/// Seconds that one attempt may take at most.
const ATTEMPT_SECS_MAX: u64 = 10;

/// Where SSH servers listen that nothing is said of.
const SSH_PORT: u16 = 22;

/// How long it is waited between two attempts.
const RETRY: Duration = Duration::from_millis(500);

/// How much longer than the guard's own time a host is waited for that undoes a change.
const UNDO_SECS: u64 = 60;

/// Modules that change rules for packets, or addresses, at once.
const CHANGERS: &[(&str, Aspect)] = &[
    ("ansible.builtin.iptables", Aspect::Firewall),
    ("ansible.posix.firewalld", Aspect::Firewall),
    ("community.general.iptables_state", Aspect::Firewall),
    ("community.general.ufw", Aspect::Firewall),
    ("trueup.net.nftables", Aspect::Firewall),
    ("community.general.nmcli", Aspect::Network),
];

/// Modules that write files, and where they are told which.
const WRITERS: &[(&str, &[&str])] = &[
    ("ansible.builtin.copy", &["dest"]),
    ("ansible.builtin.template", &["dest"]),
    ("ansible.builtin.assemble", &["dest"]),
    ("ansible.builtin.get_url", &["dest"]),
    ("ansible.builtin.unarchive", &["dest"]),
    ("ansible.builtin.file", &["path"]),
    ("ansible.builtin.lineinfile", &["path"]),
    ("ansible.builtin.blockinfile", &["path"]),
    ("ansible.builtin.replace", &["path"]),
    ("community.general.ini_file", &["path"]),
    ("community.general.interfaces_file", &["dest"]),
];

/// Modules of services.
const SERVICES: &[&str] = &[
    "ansible.builtin.service",
    "ansible.builtin.systemd",
    "ansible.builtin.systemd_service",
    "ansible.builtin.sysvinit",
];

/// Where files are that services read which the way to a host depends on.
const PLACES: &[(&str, Aspect)] = &[
    ("/etc/ssh", Aspect::Sshd),
    ("/etc/nftables.conf", Aspect::Firewall),
    ("/etc/nftables.d", Aspect::Firewall),
    ("/etc/nftables", Aspect::Firewall),
    ("/etc/sysconfig/nftables.conf", Aspect::Firewall),
    ("/etc/iptables", Aspect::Firewall),
    ("/etc/sysconfig/iptables", Aspect::Firewall),
    ("/etc/sysconfig/ip6tables", Aspect::Firewall),
    ("/etc/ufw", Aspect::Firewall),
    ("/etc/default/ufw", Aspect::Firewall),
    ("/etc/firewalld", Aspect::Firewall),
    ("/etc/network", Aspect::Network),
    ("/etc/netplan", Aspect::Network),
    ("/etc/systemd/network", Aspect::Network),
    ("/etc/NetworkManager", Aspect::Network),
    ("/etc/sysconfig/network-scripts", Aspect::Network),
    ("/etc/sysconfig/network", Aspect::Network),
];

/// Services by their names.
const UNITS: &[(&str, Aspect)] = &[
    ("ssh", Aspect::Sshd),
    ("sshd", Aspect::Sshd),
    ("nftables", Aspect::Firewall),
    ("iptables", Aspect::Firewall),
    ("ip6tables", Aspect::Firewall),
    ("netfilter-persistent", Aspect::Firewall),
    ("ufw", Aspect::Firewall),
    ("firewalld", Aspect::Firewall),
    ("networking", Aspect::Network),
    ("network", Aspect::Network),
    ("systemd-networkd", Aspect::Network),
    ("NetworkManager", Aspect::Network),
    ("wicked", Aspect::Network),
];

/// How a request is guarded; `None` where it need not be.
///
/// # Errors
/// Variables that say what cannot be.
pub(crate) fn order(
    scope: &Scope,
    way: &Way,
    request: &Request,
) -> Result<Option<GuardOrder>, String> {
    if request.check || request.job.is_some() || way.target.connection != ConnectionKind::Ssh {
        return Ok(None);
    }
    let told = told_aspects(scope)?;
    let (aspects, step) = match told {
        Told::Off => return Ok(None),
        Told::These(aspects) => (aspects, GuardStep::Read),
        Told::Nothing => match known(&request.module, &request.args) {
            Some((aspect, step)) => (vec![aspect], step),
            None => return Ok(None),
        },
    };
    let secs = match value(scope, "trueup_guard_secs")? {
        None => GUARD_SECS,
        Some(value) => {
            let secs = value.as_int().or_else(|| value.to_string().trim().parse().ok());
            secs.and_then(|secs| u64::try_from(secs).ok()).ok_or_else(|| {
                format!("trueup_guard_secs is '{value}', which is no number of seconds")
            })?
        }
    };
    let random = RandomState::new();
    let id = format!("{:016x}{:016x}", random.hash_one(1), random.hash_one(2));
    Ok((secs > 0).then_some(GuardOrder { id, secs, aspects, step }))
}

/// Whether a module's requests may be guarded, whatever their arguments are.
pub(crate) fn is_likely(scope: &Scope, module: &str) -> bool {
    CHANGERS.iter().any(|(name, _)| *name == module)
        || SERVICES.contains(&module)
        || scope.get("trueup_guard").is_some()
}

/// What `trueup_guard` says.
enum Told {
    Nothing,
    Off,
    These(Vec<Aspect>),
}

fn value(scope: &Scope, name: &str) -> Result<Option<Value>, String> {
    match scope.get(name).map(|value| value.forced()) {
        None | Some(Ok(Value::None | Value::Omit)) => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(error)) => Err(format!("{name}: {error}")),
    }
}

fn told_aspects(scope: &Scope) -> Result<Told, String> {
    let Some(value) = value(scope, "trueup_guard")? else { return Ok(Told::Nothing) };
    let broken = || {
        format!(
            "trueup_guard is '{value}': a list of firewall, sshd and network is wanted, or false"
        )
    };
    let json = value.to_json().map_err(|_| broken())?;
    let words = match &json {
        Json::Array(all) => all.clone(),
        Json::Bool(false) => return Ok(Told::Off),
        Json::Bool(true) => return Ok(Told::Nothing),
        other => vec![other.clone()],
    };
    let aspects: Option<Vec<Aspect>> = words
        .iter()
        .map(|word| match word.as_str()? {
            "firewall" => Some(Aspect::Firewall),
            "sshd" => Some(Aspect::Sshd),
            "network" => Some(Aspect::Network),
            _ => None,
        })
        .collect();
    Ok(Told::These(aspects.filter(|all| !all.is_empty()).ok_or_else(broken)?))
}

/// What a module with these arguments could cut.
fn known(module: &str, args: &JsonMap) -> Option<(Aspect, GuardStep)> {
    let text = |name: &str| args.get(name).and_then(Json::as_str);
    if let Some((_, aspect)) = CHANGERS.iter().find(|(name, _)| *name == module) {
        return Some((*aspect, GuardStep::Change));
    }
    if SERVICES.contains(&module) {
        let name = text("name")?.trim_end_matches(".service");
        let (_, aspect) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        return text("state").map(|_| (*aspect, GuardStep::Read));
    }
    let (_, arguments) = WRITERS.iter().find(|(name, _)| *name == module)?;
    let path = arguments.iter().find_map(|name| text(name))?;
    let (_, aspect) = PLACES.iter().find(|(place, _)| {
        path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    Some((*aspect, GuardStep::Write))
}

/// What a host says of a guarded change.
enum Fate {
    Kept,
    Undone { trouble: Option<String> },
}

/// Reaches a host again over a fresh connection and confirms the change; a change that the host has
/// undone is a failure of the task.
pub(crate) async fn confirm(
    reach: &dyn Reach,
    way: &Way,
    order: &GuardOrder,
    guarded: &Guarded,
    result: TaskResult,
) -> TaskResult {
    let started = Instant::now();
    let secs = Duration::from_secs(order.secs);
    let mut why = String::new();
    loop {
        for way in ways(way, order, guarded) {
            match ask(reach, &way, order).await {
                Ok(Fate::Kept) => return result,
                Ok(Fate::Undone { trouble }) => return undone(order, &why, trouble, result),
                Err(error) => why = error,
            }
        }
        if started.elapsed() > 2 * secs + Duration::from_secs(UNDO_SECS) {
            return lost(order, &why, result);
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// The way to the host, and those to other ports that its SSH server listens at now.
fn ways(way: &Way, order: &GuardOrder, guarded: &Guarded) -> Vec<Way> {
    let mut own = way.clone();
    let secs = own.target.connect_timeout_secs.clamp(1, ATTEMPT_SECS_MAX);
    own.target.connect_timeout_secs = secs.min(order.secs);
    let mut ways = vec![own.clone()];
    let is_listened_at = own.target.port.is_none_or(|port| guarded.ssh_ports.contains(&port));
    let default = own.target.port.unwrap_or(SSH_PORT);
    if !guarded.ssh_ports.contains(&default) || !is_listened_at {
        ways.extend(guarded.ssh_ports.iter().map(|port| {
            let mut other = own.clone();
            other.target.port = Some(*port);
            // It is known by the key that it has at the port that was asked for.
            let known = match own.target.port {
                None | Some(SSH_PORT) => own.target.address.clone(),
                Some(port) => format!("[{}]:{port}", own.target.address),
            };
            other.target.ssh_options.push(("HostKeyAlias".into(), known));
            other
        }));
    }
    ways
}

async fn ask(reach: &dyn Reach, way: &Way, order: &GuardOrder) -> Result<Fate, String> {
    let mut args = JsonMap::new();
    args.insert("id".into(), order.id.clone().into());
    let request = Request {
        module: GUARD_MODULE.into(),
        args,
        timeout_secs: Some(UNDO_SECS),
        ..Request::default()
    };
    let limit = Duration::from_secs(ATTEMPT_SECS_MAX + UNDO_SECS);
    let response = match tokio::time::timeout(limit, reach.afresh(way, request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(error.chain()),
        Err(_) => return Err("nobody answered in time".into()),
    };
    let text = |name: &str| response.returned.get(name).and_then(Json::as_str).map(str::to_owned);
    match text("state").as_deref() {
        Some("kept") => Ok(Fate::Kept),
        Some("undone") => Ok(Fate::Undone { trouble: text("trouble") }),
        _ => Err(response.msg.unwrap_or_else(|| "the host knows of no such guard".into())),
    }
}

fn undone(
    order: &GuardOrder,
    why: &str,
    trouble: Option<String>,
    mut result: TaskResult,
) -> TaskResult {
    let rest = match &trouble {
        None => "has undone the change".to_owned(),
        Some(trouble) => format!("has undone the change, but for this: {trouble}"),
    };
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let msg = format!(
        "the change cut the host off: it could not be reached over a fresh connection within {} \
         s{why}, and {rest}",
        order.secs
    );
    failed(&mut result, msg);
    result
}

fn lost(order: &GuardOrder, why: &str, mut result: TaskResult) -> TaskResult {
    let msg = format!(
        "the change cut the host off: it could not be reached over a fresh connection ({why}), and \
         it has not said that it has undone the change within {} s",
        2 * order.secs + UNDO_SECS
    );
    failed(&mut result, msg);
    result
}

fn failed(result: &mut TaskResult, msg: String) {
    if let Some(said) = result.fields.get("msg").cloned().filter(|said| said.as_str() != Some("")) {
        result.fields.insert("module_msg".into(), said);
    }
    result.failed = true;
    result.fields.insert("msg".into(), msg.into());
    result.hint = Some(
        "trueup_guard_secs sets the time for the fresh connection; 0 makes such changes without a \
         guard"
            .into(),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_could_cut_the_way_is_known() {
        use Aspect::{Firewall, Network, Sshd};
        use GuardStep::{Change, Read, Write};
        for (module, args, expected) in [
            ("ansible.builtin.iptables", json!({}), Some((Firewall, Change))),
            ("trueup.net.nftables", json!({}), Some((Firewall, Change))),
            ("community.general.nmcli", json!({}), Some((Network, Change))),
            (
                "ansible.builtin.template",
                json!({"dest": "/etc/ssh/sshd_config"}),
                Some((Sshd, Write)),
            ),
            (
                "ansible.builtin.copy",
                json!({"dest": "/etc/nftables.conf"}),
                Some((Firewall, Write)),
            ),
            ("ansible.builtin.lineinfile", json!({"path": "/etc/ssh"}), Some((Sshd, Write))),
            (
                "ansible.builtin.file",
                json!({"path": "/etc/netplan/a.yaml"}),
                Some((Network, Write)),
            ),
            ("ansible.builtin.lineinfile", json!({"path": "/etc/sshd"}), None),
            ("ansible.builtin.copy", json!({"dest": "/srv/etc/ssh/x"}), None),
            ("ansible.builtin.copy", json!({}), None),
            (
                "ansible.builtin.service",
                json!({"name": "ssh", "state": "restarted"}),
                Some((Sshd, Read)),
            ),
            (
                "ansible.builtin.systemd",
                json!({"name": "nftables.service", "state": "started"}),
                Some((Firewall, Read)),
            ),
            ("ansible.builtin.service", json!({"name": "ssh", "enabled": true}), None),
            ("ansible.builtin.service", json!({"name": "nginx", "state": "restarted"}), None),
            ("ansible.builtin.command", json!({"_raw_params": "nft flush ruleset"}), None),
        ] {
            let args = args.as_object().unwrap();
            assert_eq!(known(module, args), expected, "{module} {args:?}");
        }
    }
}
