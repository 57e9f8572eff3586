//! Facts that a host may not set as variables: how it is reached and whom it is worked on by.
//!
//! A host that is not to be trusted any more could otherwise have the controller connect to somewhere
//! else, or run a program there. The names are those that ansible-core keeps back; under
//! `ansible_facts` all of them can still be read.

use std::borrow::Cow;

use protocol::{Json, JsonMap};

use crate::reached;

/// Connections whose variables begin with `ansible_` and their names.
const CONNECTIONS: &[&str] = &["local", "paramiko_ssh", "psrp", "ssh", "winrm"];

/// Names that are kept back as they are, beside those of [`reached`].
const NAMES: &[&str] = &[
    "add_group",
    "add_host",
    "ansible_become",
    "ansible_connection_user",
    "ansible_docker_extra_args",
    "ansible_facts",
    "ansible_module_compression",
    "ansible_network_os",
    "ansible_pipelining",
    "ansible_playbook_python",
    "ansible_rsync_path",
    "ansible_scp_extra_args",
    "ansible_sftp_extra_args",
    "ansible_shell_executable",
    "ansible_shell_type",
];

/// Whether a fact of that name does not become a variable.
pub(crate) fn is_restricted(name: &str) -> bool {
    if name.starts_with("ansible_ssh_host_key_") {
        return false;
    }
    let of_connections = || {
        let behind = name.strip_prefix("ansible_").unwrap_or_default();
        CONNECTIONS
            .iter()
            .any(|one| behind.strip_prefix(one).is_some_and(|rest| rest.starts_with('_')))
            && !name.ends_with("_bridge")
            && !name.ends_with("_gwbridge")
    };
    NAMES.contains(&name)
        || reached::is_named(name)
        || name.starts_with("ansible_become_")
        || (name.starts_with("ansible_") && name.ends_with("_interpreter"))
        || of_connections()
}

/// What is said of a fact that does not become a variable.
pub(crate) fn warning(name: &str) -> String {
    format!("Removed restricted key from module data: {name}")
}

/// A fact's value without what Ansible keeps for itself: keys that begin with `_ansible_`.
pub(crate) fn without_internal_keys(value: &Json) -> Cow<'_, Json> {
    if has_internal_keys(value) { Cow::Owned(cleaned(value)) } else { Cow::Borrowed(value) }
}

fn is_internal(key: &str) -> bool {
    key.starts_with("_ansible_")
}

fn has_internal_keys(value: &Json) -> bool {
    match value {
        Json::Object(map) => {
            map.iter().any(|(key, value)| is_internal(key) || has_internal_keys(value))
        }
        Json::Array(items) => items.iter().any(has_internal_keys),
        _ => false,
    }
}

fn cleaned(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !is_internal(key));
            let kept = kept.map(|(key, value)| (key.clone(), cleaned(value)));
            Json::Object(kept.collect::<JsonMap>())
        }
        Json::Array(items) => items.iter().map(cleaned).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_is_kept_back() {
        for name in [
            "ansible_host",
            "ansible_ssh_host",
            "ansible_connection",
            "ansible_user",
            "ansible_password",
            "ansible_become_pass",
            "ansible_become",
            "ansible_python_interpreter",
            "ansible_ssh_common_args",
            "ansible_ssh_anything",
            "ansible_facts",
            "ansible_private_key_file",
            "add_host",
        ] {
            assert!(is_restricted(name), "{name}");
        }
        for name in [
            "ansible_hostname",
            "ansible_ssh_host_key_rsa_public",
            "ansible_docker0",
            "ansible_local",
            "ansible_user_id",
            "ansible_python",
            "own",
        ] {
            assert!(!is_restricted(name), "{name}");
        }
    }
}
