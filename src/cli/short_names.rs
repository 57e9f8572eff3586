//! Modules that had short names before they moved into collections.

use playbook::collections::Collections;

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

/// The full name of a module that is in a collection now, where that is installed.
pub fn installed(name: &str, collections: &Collections) -> Option<String> {
    candidates(name)
        .chain(REST.iter().copied())
        .find(|collection| collections.has_module(collection, name))
        .map(|collection| format!("{collection}.{name}"))
}

/// The full name that a module of a known family probably has.
pub fn likely(name: &str) -> Option<String> {
    candidates(name).next().map(|collection| format!("{collection}.{name}"))
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
        fs::remove_dir_all(root).unwrap();
    }
}
