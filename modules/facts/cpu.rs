//! Processors.

use protocol::{Json, JsonMap};

use super::Reader;

/// Keys of /proc/cpuinfo whose values are listed in `processor`.
const LISTED: [&str; 6] = ["model name", "Processor", "vendor_id", "cpu", "Vendor", "processor"];

/// What /proc/cpuinfo tells, in the words of the machine's kind.
#[derive(Default)]
struct Seen<'a> {
    /// Values of the keys in [`LISTED`], in the order of the file.
    listed: Vec<&'a str>,
    /// How often a processor, a model and a maker are named.
    processors: u64,
    models: u64,
    makers: u64,
    /// Cores by socket and threads by core, in the order of the file.
    sockets: Vec<(&'a str, u64)>,
    cores: Vec<(&'a str, u64)>,
    flags: Option<Vec<&'a str>>,
    /// s390x: processors, and threads of each.
    mainframe: (u64, u64),
    /// SPARC: processors that are at work.
    active: Option<u64>,
}

impl<'a> Seen<'a> {
    fn of(text: &'a str) -> Self {
        let mut seen = Self::default();
        let (mut socket, mut core) = ("", "");
        for line in text.lines() {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            if LISTED.contains(&key) {
                seen.listed.push(value);
            }
            let number = value.parse::<u64>();
            match key {
                "processor" => seen.processors += 1,
                "model name" => seen.models += 1,
                "vendor_id" => seen.makers += 1,
                "flags" => seen.flags = Some(value.split_whitespace().collect()),
                "physical id" => {
                    socket = value;
                    if !seen.sockets.iter().any(|(known, _)| *known == value) {
                        seen.sockets.push((value, 1));
                    }
                }
                "core id" => {
                    core = value;
                    if !seen.cores.iter().any(|(known, _)| *known == value) {
                        seen.cores.push((value, 1));
                    }
                }
                "cpu cores" => put(&mut seen.sockets, socket, number.unwrap_or(1)),
                "siblings" => put(&mut seen.cores, core, number.unwrap_or(1)),
                "# processors" => seen.mainframe.0 = number.unwrap_or(0),
                "max thread id" => seen.mainframe.1 = number.unwrap_or(0) + 1,
                "ncpus active" => seen.active = number.ok(),
                _ => {}
            }
        }
        seen
    }

    /// How many processors there are, where no socket is named.
    fn count(&self, machine: &str) -> u64 {
        if ["armv", "aarch", "ppc"].iter().any(|start| machine.starts_with(start)) {
            return self.processors;
        }
        if self.makers > 0 && self.makers == self.models {
            return self.makers;
        }
        self.active.unwrap_or(self.listed.len() as u64)
    }
}

fn put<'a>(map: &mut Vec<(&'a str, u64)>, key: &'a str, value: u64) {
    match map.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = value,
        None => map.push((key, value)),
    }
}

/// `processor`, `processor_count`, `processor_cores`, `processor_threads_per_core`,
/// `processor_vcpus`, `processor_nproc` and `flags`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/proc/cpuinfo").unwrap_or_default();
    let seen = Seen::of(&text);
    let machine = reader.host.kernel().machine;
    // A guest of Xen that is not fully virtual sees one core, and lacks a flag that all others have.
    let is_xen = || {
        reader.exists("/proc/xen")
            || reader.trimmed("/sys/hypervisor/type").is_some_and(|kind| kind == "xen")
    };
    let lacks_flag = seen.flags.as_ref().is_some_and(|flags| !flags.contains(&"vme"));
    let count = seen.count(&machine);
    let ratio = |of: u64, by: u64| (of as f64 / by.max(1) as f64).round_ties_even() as u64;
    let [count, cores, threads, total, named] = if machine == "s390x" {
        let (all, threads) = seen.mainframe;
        [1, ratio(all, threads), threads, all, all]
    } else if lacks_flag && is_xen() {
        [count, count, 1, count, count]
    } else {
        let sockets = if seen.sockets.is_empty() { count } else { seen.sockets.len() as u64 };
        let cores = seen.sockets.first().map_or(1, |(_, cores)| *cores).max(1);
        let siblings = seen.cores.first().map_or(cores, |(_, siblings)| *siblings);
        let threads = ratio(siblings, cores).max(1);
        [sockets, cores, threads, sockets * cores * threads, seen.processors]
    };
    let mut facts = JsonMap::new();
    if let Some(flags) = seen.flags {
        facts.insert("flags".into(), flags.into());
    }
    facts.insert("processor".into(), seen.listed.into());
    for (name, number) in [
        ("processor_count", count),
        ("processor_cores", cores),
        ("processor_threads_per_core", threads),
        ("processor_vcpus", total),
        ("processor_nproc", allowed(reader).unwrap_or(named)),
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

    #[test]
    fn processors_of_other_machines_are_counted() {
        let mainframe = "vendor_id       : IBM/S390\n# processors    : 4\nmax thread id   : 1\n\
                         processor 0: version = 00\nprocessor 1: version = 00\n";
        let found = facts("s390x", mainframe);
        assert_eq!(found["processor"], json!(["IBM/S390"]));
        for (name, expected) in [
            ("processor_count", 1),
            ("processor_cores", 2),
            ("processor_threads_per_core", 2),
            ("processor_vcpus", 4),
        ] {
            assert_eq!(found[name], expected, "{name}");
        }
        let sparc = "cpu\t\t: UltraSparc T5 (Niagara5)\nncpus probed\t: 24\nncpus active\t: 24\n";
        assert_eq!(facts("sparc64", sparc)["processor_vcpus"], 24);
    }

    #[test]
    fn guests_of_xen_see_their_processors() {
        let one = "processor : 0\nvendor_id : GenuineIntel\nmodel name : Xeon\nphysical id : 0\n\
                   siblings : 1\ncore id : 0\ncpu cores : 1\nflags : fpu tsc\n\n";
        let mut host = FakeHost::default();
        host.kernel.machine = "x86_64".into();
        host.put("/proc/cpuinfo", one.repeat(4));
        host.put("/sys/hypervisor/type", "xen\n");
        assert_eq!(read(&Reader::new(&host))["processor_vcpus"], 4);
        host.put("/sys/hypervisor/type", "none\n");
        assert_eq!(read(&Reader::new(&host))["processor_vcpus"], 1);
    }
}
