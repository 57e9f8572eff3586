//! Processors.

use std::collections::BTreeMap;

use protocol::{Json, JsonMap};

use super::Reader;

/// Keys of /proc/cpuinfo whose values are listed in `processor`.
const LISTED: [&str; 6] = ["model name", "Processor", "vendor_id", "cpu", "Vendor", "processor"];

/// `processor`, `processor_count`, `processor_cores`, `processor_threads_per_core`,
/// `processor_vcpus`, `processor_nproc` and `flags`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/proc/cpuinfo").unwrap_or_default();
    let mut facts = JsonMap::new();
    let mut listed: Vec<&str> = Vec::new();
    let (mut processors, mut models) = (0_u64, 0_u64);
    // Cores by socket, and threads by core.
    let mut sockets: BTreeMap<&str, u64> = BTreeMap::new();
    let mut cores: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut socket, mut core) = ("", "");
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        if LISTED.contains(&key) {
            listed.push(value);
        }
        match key {
            "processor" => processors += 1,
            "model name" | "Processor" | "cpu" => models += 1,
            "physical id" => {
                socket = value;
                sockets.entry(value).or_insert(1);
            }
            "core id" => {
                core = value;
                cores.entry(value).or_insert(1);
            }
            "cpu cores" => {
                sockets.insert(socket, value.parse().unwrap_or(1));
            }
            "siblings" => {
                cores.insert(core, value.parse().unwrap_or(1));
            }
            "flags" if !facts.contains_key("flags") => {
                let flags: Vec<&str> = value.split_whitespace().collect();
                facts.insert("flags".into(), flags.into());
            }
            _ => {}
        }
    }
    let is_other =
        ["arm", "aarch", "ppc"].iter().any(|start| reader.host.kernel().machine.starts_with(start));
    let seen = if is_other || models == 0 { processors } else { models };
    let count = if sockets.is_empty() { seen } else { sockets.len() as u64 };
    let per_socket = sockets.values().next().copied().unwrap_or(1).max(1);
    let siblings = cores.values().next().copied().unwrap_or(1);
    let threads = if sockets.is_empty() { 1 } else { (siblings / per_socket).max(1) };
    facts.insert("processor".into(), listed.into());
    for (name, number) in [
        ("processor_count", count),
        ("processor_cores", per_socket),
        ("processor_threads_per_core", threads),
        ("processor_vcpus", count * per_socket * threads),
        ("processor_nproc", allowed(reader).unwrap_or(processors)),
    ] {
        facts.insert(name.into(), Json::from(number));
    }
    facts
}

/// How many processors the remote may run on.
fn allowed(reader: &Reader<'_>) -> Option<u64> {
    let status = reader.text("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut count = 0;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        count += last.checked_sub(first)? + 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use serde_json::json;

    use super::*;

    fn facts(machine: &str, cpuinfo: &str) -> JsonMap {
        let mut host = FakeHost::default();
        host.kernel.machine = machine.into();
        host.put("/proc/cpuinfo", cpuinfo);
        host.put("/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-1,4\n");
        read(&Reader::new(&host))
    }

    #[test]
    fn sockets_cores_and_threads_are_counted() {
        let one = |number: usize, socket: usize, core: usize| {
            format!(
                "processor\t: {number}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\n\
                 physical id\t: {socket}\nsiblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\n\
                 flags\t\t: fpu vme\n\n"
            )
        };
        let text: String = (0..8).map(|number| one(number, number / 4, number % 2)).collect();
        let facts = facts("x86_64", &text);
        assert_eq!(facts["processor"].as_array().unwrap().len(), 24);
        assert_eq!(facts["processor"][1], "GenuineIntel");
        assert_eq!(facts["flags"], json!(["fpu", "vme"]));
        for (name, expected) in [
            ("processor_count", 2),
            ("processor_cores", 2),
            ("processor_threads_per_core", 2),
            ("processor_vcpus", 8),
            ("processor_nproc", 3),
        ] {
            assert_eq!(facts[name], expected, "{name}");
        }
    }

    #[test]
    fn processors_without_sockets_are_counted() {
        let text = "processor : 0\nBogoMIPS : 48\nprocessor : 1\nFeatures : fp\n";
        let facts = facts("aarch64", text);
        assert_eq!((&facts["processor_count"], &facts["processor_vcpus"]), (&2.into(), &2.into()));
        assert_eq!(facts["processor"], json!(["0", "1"]));
    }
}
