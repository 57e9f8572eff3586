//! Names that lead to collections: short names of what left Ansible, and `meta/runtime.yml`.

use std::path::Path;

use source::{Diagnostics, Node, SourceFile};

/// Filters that had short names before they moved, and where they are now.
const FILTERS: &[(&str, &[&str])] = &[
    ("google.cloud", &["gcp_kms_encrypt", "gcp_kms_decrypt"]),
    ("community.general", &["json_query", "random_mac"]),
    ("kubernetes.core", &["k8s_config_resource_name"]),
    (
        "ansible.netcommon",
        &[
            "cidr_merge",
            "ipaddr",
            "ipmath",
            "ipwrap",
            "ip4_hex",
            "ipv4",
            "ipv6",
            "ipsubnet",
            "next_nth_usable",
            "network_in_network",
            "network_in_usable",
            "reduce_on_network",
            "nthhost",
            "previous_nth_usable",
            "slaac",
            "hwaddr",
            "parse_cli",
            "parse_cli_textfsm",
            "parse_xml",
            "type5_pw",
            "hash_salt",
            "comp_type5",
            "vlan_parser",
        ],
    ),
];

/// Lookups of that kind.
const LOOKUPS: &[(&str, &[&str])] = &[
    ("amazon.aws", &["aws_account_attribute", "aws_secret", "aws_service_ip_ranges", "aws_ssm"]),
    (
        "community.general",
        &[
            "cartesian",
            "chef_databag",
            "consul_kv",
            "credstash",
            "cyberarkpassword",
            "dig",
            "dnstxt",
            "etcd",
            "filetree",
            "flattened",
            "hiera",
            "keyring",
            "lastpass",
            "lmdb_kv",
            "manifold",
            "nios",
            "nios_next_ip",
            "nios_next_network",
            "onepassword",
            "onepassword_raw",
            "passwordstore",
            "redis",
            "shelvefile",
        ],
    ),
    ("community.google", &["gcp_storage_file"]),
    ("community.grafana", &["grafana_dashboard"]),
    ("community.hashi_vault", &["hashi_vault"]),
    ("community.mongodb", &["mongodb"]),
    ("community.network", &["avi"]),
    ("community.rabbitmq", &["rabbitmq"]),
    ("community.skydive", &["skydive"]),
    ("community.windows", &["laps_password"]),
    ("cyberark.conjur", &["conjur_variable"]),
    ("kubernetes.core", &["k8s", "openshift"]),
    ("wti.remote", &["cpm_metering", "cpm_status"]),
];

/// Inventory plugins of that kind.
const INVENTORIES: &[(&str, &[&str])] = &[
    ("amazon.aws", &["aws_ec2", "aws_rds"]),
    ("awx.awx", &["tower"]),
    ("azure.azcollection", &["azure_rm"]),
    ("community.docker", &["docker_machine", "docker_swarm"]),
    (
        "community.general",
        &["gitlab_runners", "linode", "nmap", "online", "scaleway", "virtualbox"],
    ),
    ("community.kubevirt", &["kubevirt"]),
    ("community.vmware", &["vmware_vm_inventory"]),
    ("google.cloud", &["gcp_compute"]),
    ("hetzner.hcloud", &["hcloud"]),
    ("kubernetes.core", &["k8s", "openshift"]),
    ("ngine_io.vultr", &["vultr"]),
    ("openstack.cloud", &["openstack"]),
    ("theforeman.foreman", &["foreman"]),
];

/// Callbacks of that kind.
const CALLBACKS: &[(&str, &[&str])] = &[
    ("amazon.aws", &["aws_resource_actions"]),
    (
        "ansible.posix",
        &[
            "cgroup_perf_recap",
            "debug",
            "json",
            "profile_roles",
            "profile_tasks",
            "skippy",
            "timer",
        ],
    ),
    (
        "community.general",
        &[
            "cgroup_memory_recap",
            "context_demo",
            "counter_enabled",
            "dense",
            "full_skip",
            "hipchat",
            "jabber",
            "log_plays",
            "logdna",
            "logentries",
            "logstash",
            "mail",
            "nrdp",
            "null",
            "osx_say",
            "say",
            "selective",
            "slack",
            "splunk",
            "stderr",
            "sumologic",
            "syslog_json",
            "unixy",
            "yaml",
        ],
    ),
    ("community.grafana", &["grafana_annotations"]),
    ("theforeman.foreman", &["foreman"]),
];

/// Caches of that kind.
const CACHES: &[(&str, &[&str])] = &[
    ("community.general", &["memcached", "pickle", "redis", "yaml"]),
    ("community.mongodb", &["mongodb"]),
];

/// The full name of what had a short one; `kind` as folders are called.
pub fn of_short_name(kind: &str, name: &str) -> Option<String> {
    let families = match kind {
        "filter" => FILTERS,
        "lookup" => LOOKUPS,
        "cache" => CACHES,
        "callback" => CALLBACKS,
        "inventory" => INVENTORIES,
        _ => return None,
    };
    let (collection, _) = families.iter().find(|(_, names)| names.contains(&name))?;
    Some(format!("{collection}.{name}"))
}

/// What a collection says of one of its names.
#[derive(Debug, PartialEq)]
pub enum Routed {
    /// It is another: the full name.
    To(String),
    /// It is not there any more: why.
    Gone(String),
}

/// What the collection in a folder says of a name.
pub fn of_collection(folder: &Path, kind: &str, name: &str) -> Option<Routed> {
    let path = folder.join("meta/runtime.yml");
    let text = std::fs::read_to_string(&path).ok()?;
    // What is wrong with a collection's file is not the user's to mend: it counts as not there.
    let mut ignored = Diagnostics::default();
    let node = source::yaml::parse(&SourceFile::new(path, text), &mut ignored)?;
    let get = |node: &Node, key: &str| node.as_mapping().and_then(|map| map.get(key).cloned());
    let entry = get(&get(&get(&node, "plugin_routing")?, kind)?, name)?;
    if let Some(to) = get(&entry, "redirect").as_ref().and_then(Node::as_str) {
        return Some(Routed::To(to.to_owned()));
    }
    let tombstone = get(&entry, "tombstone")?;
    let why = get(&tombstone, "warning_text");
    let why = why.as_ref().and_then(Node::as_str).unwrap_or_default();
    Some(Routed::Gone(format!("{name} has been removed. {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_say_where_names_lead() {
        let folder = std::env::temp_dir().join(format!("trueup-routes-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("meta")).unwrap();
        let text = "plugin_routing:\n  filter:\n    old: {redirect: a.b.new}\n    \
                    dead: {tombstone: {warning_text: Use new.}}\n    soon: {deprecation: {}}\n";
        std::fs::write(folder.join("meta/runtime.yml"), text).unwrap();
        let routed = |kind, name| of_collection(&folder, kind, name);
        assert_eq!(routed("filter", "old"), Some(Routed::To("a.b.new".into())));
        let gone = "dead has been removed. Use new.";
        assert_eq!(routed("filter", "dead"), Some(Routed::Gone(gone.into())));
        for (kind, name) in [("filter", "soon"), ("filter", "new"), ("test", "old")] {
            assert_eq!(routed(kind, name), None, "{name}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn short_names_of_old_lead_to_collections() {
        let full = |kind, name| of_short_name(kind, name);
        assert_eq!(full("lookup", "dig").as_deref(), Some("community.general.dig"));
        assert_eq!(full("filter", "dig"), None);
        assert_eq!(full("test", "json_query"), None);
    }
}
