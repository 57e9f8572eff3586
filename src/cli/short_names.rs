//! Modules that had short names before they moved into collections.

use playbook::collections::Collections;

use crate::moved;

/// What short names begin with, and the collections that such modules are in now.
const FAMILIES: &[(&str, &[&str])] = &[
    ("aci_", &["cisco.aci"]),
    ("asa_", &["cisco.asa"]),
    ("aws_", &["amazon.aws", "community.aws"]),
    ("azure_rm_", &["azure.azcollection"]),
    ("bigip_", &["f5networks.f5_modules"]),
    ("cloudformation", &["amazon.aws", "community.aws"]),
    ("consul", &["community.general", "community.consul"]),
    ("digital_ocean", &["community.digitalocean"]),
    ("docker_", &["community.docker"]),
    ("ec2", &["amazon.aws", "community.aws"]),
    ("ecs_", &["community.aws"]),
    ("elb_", &["amazon.aws", "community.aws"]),
    ("eos_", &["arista.eos"]),
    ("foreman", &["theforeman.foreman"]),
    ("gce", &["google.cloud", "community.google"]),
    ("gcp_", &["google.cloud"]),
    ("grafana_", &["community.grafana"]),
    ("hcloud_", &["hetzner.hcloud"]),
    ("helm", &["kubernetes.core", "community.kubernetes"]),
    ("iam_", &["amazon.aws", "community.aws"]),
    ("ios_", &["cisco.ios"]),
    ("iosxr_", &["cisco.iosxr"]),
    ("junos_", &["junipernetworks.junos"]),
    ("k8s", &["kubernetes.core", "community.kubernetes"]),
    ("mongodb_", &["community.mongodb"]),
    ("mysql_", &["community.mysql"]),
    ("na_ontap_", &["netapp.ontap"]),
    ("net_", &["ansible.netcommon"]),
    ("nxos_", &["cisco.nxos"]),
    ("os_", &["openstack.cloud"]),
    ("ovirt_", &["ovirt.ovirt"]),
    ("podman_", &["containers.podman"]),
    ("postgresql_", &["community.postgresql"]),
    ("proxysql_", &["community.proxysql"]),
    ("rabbitmq_", &["community.rabbitmq"]),
    ("rds", &["amazon.aws", "community.aws"]),
    ("route53", &["amazon.aws", "community.aws"]),
    ("s3_", &["amazon.aws", "community.aws"]),
    ("virt", &["community.libvirt"]),
    ("vmware_", &["community.vmware"]),
    ("vyos_", &["vyos.vyos"]),
    ("win_", &["ansible.windows", "community.windows"]),
    ("zabbix_", &["community.zabbix"]),
];

/// Where modules of all kinds went.
const REST: &[&str] =
    &["community.general", "ansible.posix", "community.crypto", "community.network"];

/// Modules that took another name when they moved.
const RENAMED: &[(&str, &str)] = &[
    ("github_webhook_facts", "community.general.github_webhook_info"),
    ("gitlab_hooks", "community.general.gitlab_hook"),
    ("hetzner_failover_ip", "community.hrobot.failover_ip"),
    ("hetzner_failover_ip_info", "community.hrobot.failover_ip_info"),
    ("hetzner_firewall", "community.hrobot.firewall"),
    ("hetzner_firewall_info", "community.hrobot.firewall_info"),
    ("openssl_certificate", "community.crypto.x509_certificate"),
    ("openssl_certificate_info", "community.crypto.x509_certificate_info"),
    ("os_client_config", "openstack.cloud.config"),
    ("os_flavor_info", "openstack.cloud.compute_flavor_info"),
    ("os_group", "openstack.cloud.identity_group"),
    ("os_group_info", "openstack.cloud.identity_group_info"),
    ("os_ironic", "openstack.cloud.baremetal_node"),
    ("os_ironic_inspect", "openstack.cloud.baremetal_inspect"),
    ("os_ironic_node", "openstack.cloud.baremetal_node_action"),
    ("os_keystone_domain", "openstack.cloud.identity_domain"),
    ("os_keystone_domain_info", "openstack.cloud.identity_domain_info"),
    ("os_keystone_endpoint", "openstack.cloud.endpoint"),
    ("os_keystone_role", "openstack.cloud.identity_role"),
    ("os_keystone_service", "openstack.cloud.catalog_service"),
    ("os_listener", "openstack.cloud.lb_listener"),
    ("os_member", "openstack.cloud.lb_member"),
    ("os_nova_flavor", "openstack.cloud.compute_flavor"),
    ("os_nova_host_aggregate", "openstack.cloud.host_aggregate"),
    ("os_pool", "openstack.cloud.lb_pool"),
    ("os_user", "openstack.cloud.identity_user"),
    ("os_user_group", "openstack.cloud.group_assignment"),
    ("os_user_info", "openstack.cloud.identity_user_info"),
    ("os_user_role", "openstack.cloud.role_assignment"),
    ("os_zone", "openstack.cloud.dns_zone"),
    ("routeros_command", "community.routeros.command"),
    ("routeros_facts", "community.routeros.facts"),
];

/// The full name of a module that has another one since it moved; whether it is to be had is
/// not asked.
pub fn renamed(name: &str) -> Option<String> {
    if let Some((_, full)) = RENAMED.iter().find(|(short, _)| *short == name) {
        return Some((*full).to_owned());
    }
    name.strip_prefix("os_").map(|module| format!("openstack.cloud.{module}"))
}

/// The full name of a module that is in a collection now, where that is installed.
pub fn installed(name: &str, collections: &Collections) -> Option<String> {
    candidates(name)
        .chain(REST.iter().copied())
        .find(|collection| collections.has_module(collection, name))
        .map(|collection| format!("{collection}.{name}"))
}

/// The full name that a module of a known family probably has.
pub fn likely(name: &str) -> Option<String> {
    let moved = [
        ("community.general", moved::GENERAL),
        ("community.crypto", moved::CRYPTO),
        ("ansible.posix", moved::POSIX),
    ];
    let is_in = |(_, names): &&(&str, &str)| names.split(' ').any(|known| known == name);
    let collection =
        candidates(name).next().or_else(|| moved.iter().find(is_in).map(|(home, _)| *home));
    collection.map(|collection| format!("{collection}.{name}"))
}

fn candidates(name: &str) -> impl Iterator<Item = &'static str> {
    let family = FAMILIES
        .iter()
        .filter(|(prefix, _)| name.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len());
    family.map_or(&[] as &[&str], |(_, collections)| collections).iter().copied()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn short_names_lead_to_collections_that_are_installed() {
        let root = std::env::temp_dir().join(format!("trueup-short-{}", std::process::id()));
        let collections = Collections { paths: vec![root.clone()] };
        let module = |collection: &str, name: &str| {
            let (namespace, collection) = collection.split_once('.').unwrap();
            let folder = root
                .join("ansible_collections")
                .join(namespace)
                .join(collection)
                .join("plugins/modules");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{name}.py")), "").unwrap();
        };
        module("community.windows", "win_scoop");
        module("community.general", "xattr");
        module("field.shop", "till");
        let installed = |name| super::installed(name, &collections);
        assert_eq!(installed("win_scoop").as_deref(), Some("community.windows.win_scoop"));
        assert_eq!(installed("xattr").as_deref(), Some("community.general.xattr"));
        assert_eq!(installed("win_feature"), None);
        assert_eq!(installed("till"), None, "other collections never had short names");
        assert_eq!(likely("win_feature").as_deref(), Some("ansible.windows.win_feature"));
        assert_eq!(likely("iosxr_config").as_deref(), Some("cisco.iosxr.iosxr_config"));
        assert_eq!(likely("till"), None);
        assert_eq!(likely("homebrew").as_deref(), Some("community.general.homebrew"));
        assert_eq!(
            likely("openssl_publickey").as_deref(),
            Some("community.crypto.openssl_publickey")
        );
        let full = "community.crypto.x509_certificate";
        assert_eq!(renamed("openssl_certificate").as_deref(), Some(full));
        assert_eq!(renamed("os_server").as_deref(), Some("openstack.cloud.server"));
        assert_eq!(renamed("x509_certificate"), None, "it has kept its name");
        fs::remove_dir_all(root).unwrap();
    }
}
