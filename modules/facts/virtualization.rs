//! Whether the host is a guest or has some.

use std::{collections::BTreeSet, path::Path};

use protocol::JsonMap;

use super::Reader;

/// `is_chroot`.
pub fn chroot(reader: &Reader<'_>) -> JsonMap {
    JsonMap::from_iter([("is_chroot".to_owned(), is_chroot(reader).into())])
}

/// Whether `/` is another folder than that of the first process.
pub fn is_chroot(reader: &Reader<'_>) -> bool {
    let root = |path: &str| reader.host.metadata(Path::new(path)).ok().flatten();
    if reader.host.variable("debian_chroot").is_some() {
        return true;
    }
    match (root("/"), root("/proc/1/root/.")) {
        (Some(own), Some(first)) => !own.is_same_file(&first),
        // Those are the numbers of roots on ext4, btrfs and xfs.
        (Some(own), None) => ![2, 128, 256].contains(&own.inode),
        _ => false,
    }
}

/// What was found: the first kind and role that fit, and all technologies.
#[derive(Default)]
struct Findings {
    first: Option<(String, &'static str)>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
}

impl Findings {
    fn guest(&mut self, kind: &str) {
        self.guest.insert(kind.to_owned());
        self.first.get_or_insert_with(|| (kind.to_owned(), "guest"));
    }

    fn host(&mut self, kind: &str) {
        self.host.insert(kind.to_owned());
        self.first.get_or_insert_with(|| (kind.to_owned(), "host"));
    }
}

/// `virtualization_type`, `virtualization_role`, `virtualization_tech_guest` and
/// `virtualization_tech_host`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let mut found = Findings::default();
    containers(reader, &mut found);
    xen(reader, &mut found);
    machines(reader, &mut found);
    hypervisors(reader, &mut found);
    let (kind, role) = found.first.unwrap_or_else(|| ("NA".into(), "NA"));
    let list = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
    JsonMap::from_iter([
        ("virtualization_type".to_owned(), kind.into()),
        ("virtualization_role".to_owned(), role.into()),
        ("virtualization_tech_guest".to_owned(), list(found.guest).into()),
        ("virtualization_tech_host".to_owned(), list(found.host).into()),
    ])
}

fn containers(reader: &Reader<'_>, found: &mut Findings) {
    let groups = reader.text("/proc/1/cgroup").unwrap_or_default();
    for line in groups.lines() {
        let is_scope =
            |name: &str| line.contains(&format!("/{name}/")) || line.contains(&format!("/{name}-"));
        if is_scope("docker") || line.contains("/actions_job/") {
            found.guest("docker");
        } else if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        } else if is_scope("kubepods") || line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    if reader.exists("/.dockerenv") || reader.exists("/.dockerinit") {
        found.guest("docker");
    }
    let environment = reader.text("/proc/1/environ").unwrap_or_default();
    let kind = environment.split('\0').find_map(|pair| pair.strip_prefix("container="));
    match kind {
        Some("lxc") => found.guest("lxc"),
        Some("podman") => found.guest("podman"),
        _ if reader.exists("/run/.containerenv") => found.guest("podman"),
        Some(kind) if !kind.is_empty() => found.guest("container"),
        _ => {}
    }
    if reader.exists("/proc/vz") && !reader.exists("/proc/lve") {
        if reader.exists("/proc/bc") { found.host("openvz") } else { found.guest("openvz") }
    }
    if let Some(kind) = reader.trimmed("/run/systemd/container") {
        found.guest(&kind);
        found.guest.insert("container".into());
    }
    if !found.guest.is_empty() {
        found.guest.insert("container".into());
    }
}

fn xen(reader: &Reader<'_>, found: &mut Findings) {
    if reader.exists("/proc/xen") {
        let rights = reader.text("/proc/xen/capabilities").unwrap_or_default();
        if rights.contains("control_d") { found.host("xen") } else { found.guest("xen") }
    }
}

/// What the firmware of virtual machines calls itself.
fn machines(reader: &Reader<'_>, found: &mut Findings) {
    let value = |name: &str| {
        reader.trimmed(format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default()
    };
    let (product, vendor, bios) =
        (value("product_name"), value("sys_vendor"), value("bios_vendor"));
    let family = value("product_family");
    match product.as_str() {
        "KVM" | "KVM Server" | "Bochs" | "AHV" | "Google Compute Engine" => found.guest("kvm"),
        "oVirt" | "oVirt Node" => found.guest("oVirt"),
        "RHV" | "RHEV Hypervisor" => found.guest("RHEV"),
        "VMware Virtual Platform" | "VMware7,1" | "VMware20,1" => found.guest("VMware"),
        "OpenStack Compute" | "OpenStack Nova" => found.guest("openstack"),
        _ => {}
    }
    match bios.as_str() {
        "Xen" => found.guest("xen"),
        "innotek GmbH" => found.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" => found.guest("kvm"),
        "BHYVE" => found.guest("bhyve"),
        _ => {}
    }
    match vendor.as_str() {
        "Microsoft Corporation" if product == "Virtual Machine" => found.guest("VirtualPC"),
        "Parallels Software International Inc." => found.guest("parallels"),
        "OpenStack Foundation" => found.guest("openstack"),
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Hetzner" | "Linode" | "Nutanix"
        | "Scaleway" | "UpCloud" => found.guest("kvm"),
        "oVirt" => found.guest("oVirt"),
        _ if family == "RHV" => found.guest("RHV"),
        _ => {}
    }
    let status = reader.text("/proc/self/status").unwrap_or_default();
    if let Some(id) = status.lines().find_map(|line| line.strip_prefix("VxID:")) {
        if id.trim() == "0" { found.host("linux_vserver") } else { found.guest("linux_vserver") }
    }
    let processors = reader.text("/proc/cpuinfo").unwrap_or_default();
    for line in processors.lines() {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        match key.trim() {
            "model name" if value.contains("QEMU Virtual CPU") => found.guest("kvm"),
            "vendor_id" if value.contains("User Mode Linux") => found.guest("uml"),
            "vendor_id" if value.contains("PowerVM Lx86") => found.guest("powervm_lx86"),
            "vendor_id" if value.contains("IBM/S390") => found.guest("PR/SM"),
            "machine" if value.contains("CHRP IBM pSeries (emulated by qemu)") => {
                found.guest("kvm")
            }
            "machine" if value.contains("CHRP IBM") => found.guest("phyp"),
            _ => {}
        }
    }
}

/// What the kernel can run guests with.
fn hypervisors(reader: &Reader<'_>, found: &mut Findings) {
    let modules = reader.text("/proc/modules").unwrap_or_default();
    let loaded: Vec<&str> =
        modules.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if loaded.contains(&"kvm") || reader.exists("/dev/kvm") {
        if reader.is_dir("/rhev") { found.host("RHEV") } else { found.host("kvm") }
    }
    if loaded.contains(&"vboxdrv") {
        found.host("virtualbox");
    }
    if loaded.contains(&"virtio") {
        found.guest("kvm");
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use serde_json::json;

    use super::*;

    #[test]
    fn guests_and_hosts_are_told_apart() {
        for (files, kind, role) in [
            (&[("/.dockerenv", ""), ("/dev/kvm", "")][..], "docker", "guest"),
            (&[("/proc/1/cgroup", "0::/docker/abc\n")], "docker", "guest"),
            (&[("/run/systemd/container", "systemd-nspawn\n")], "systemd-nspawn", "guest"),
            (&[("/proc/1/environ", "A=b\0container=lxc\0")], "lxc", "guest"),
            (
                &[
                    ("/proc/1/environ", "container=systemd-nspawn\0"),
                    ("/run/systemd/container", "systemd-nspawn\n"),
                ],
                "container",
                "guest",
            ),
            (&[("/sys/devices/virtual/dmi/id/sys_vendor", "QEMU\n")], "kvm", "guest"),
            (&[("/sys/devices/virtual/dmi/id/product_name", "VMware7,1\n")], "VMware", "guest"),
            (
                &[("/sys/devices/virtual/dmi/id/bios_vendor", "innotek GmbH\n")],
                "virtualbox",
                "guest",
            ),
            (
                &[
                    ("/sys/devices/virtual/dmi/id/sys_vendor", "Microsoft Corporation\n"),
                    ("/sys/devices/virtual/dmi/id/product_name", "Virtual Machine\n"),
                ],
                "VirtualPC",
                "guest",
            ),
            (&[("/proc/modules", "kvm 1 2 - Live 0x0\n")], "kvm", "host"),
            (&[("/proc/xen/capabilities", "control_d\n")], "xen", "host"),
            (&[("/proc/xen/x", "")], "xen", "guest"),
            (&[("/sys/devices/virtual/dmi/id/sys_vendor", "Dell Inc.\n")], "NA", "NA"),
        ] {
            let mut host = FakeHost::default();
            for (path, content) in files {
                host.put(path, *content);
            }
            let facts = read(&Reader::new(&host));
            assert_eq!(facts["virtualization_type"], kind, "{files:?}");
            assert_eq!(facts["virtualization_role"], role, "{files:?}");
        }
    }

    #[test]
    fn all_technologies_are_listed() {
        let mut host = FakeHost::default();
        host.put("/.dockerenv", "");
        host.put("/dev/kvm", "");
        let facts = read(&Reader::new(&host));
        assert_eq!(facts["virtualization_tech_guest"], json!(["container", "docker"]));
        assert_eq!(facts["virtualization_tech_host"], json!(["kvm"]));
        assert_eq!(chroot(&Reader::new(&host))["is_chroot"], false);
        host.set_variable("debian_chroot", "sid");
        assert_eq!(chroot(&Reader::new(&host))["is_chroot"], true);
    }
}
