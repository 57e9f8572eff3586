//! What the machine and its kernel are, and what the host is called.

use std::{path::Path, time::Duration};

use module::Program;
use protocol::JsonMap;

use super::Reader;

/// How long the name service may take.
const NAME_WAIT: Duration = Duration::from_secs(5);

/// `system`, `kernel`, `machine`, `architecture`, `hostname`, `fqdn`, `machine_id` and their like.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let kernel = reader.host.kernel();
    let mut facts = JsonMap::new();
    let bits = word_bits(reader);
    let architecture = match kernel.machine.as_str() {
        "i386" | "i486" | "i586" | "i686" | "i86pc" => "i386",
        other => other,
    };
    let (name, domain, full) = names(reader, &kernel.node);
    for (key, value) in [
        ("system", kernel.system.as_str()),
        ("kernel", &kernel.release),
        ("kernel_version", &kernel.version),
        ("machine", &kernel.machine),
        ("architecture", architecture),
        ("userspace_bits", bits),
        ("nodename", &kernel.node),
        ("hostname", &name),
        ("domain", &domain),
        ("fqdn", &full),
    ] {
        facts.insert(key.into(), value.into());
    }
    if matches!(architecture, "x86_64" | "i386") {
        let userspace = if bits == "64" { "x86_64" } else { "i386" };
        facts.insert("userspace_architecture".into(), userspace.into());
    }
    let id = ["/var/lib/dbus/machine-id", "/etc/machine-id"];
    if let Some(id) = id.iter().find_map(|path| reader.trimmed(path)) {
        facts.insert("machine_id".into(), id.lines().next().unwrap_or_default().into());
    }
    facts
}

/// How wide the words of the host's programs are, by the ELF class of its shell.
fn word_bits(reader: &Reader<'_>) -> &'static str {
    let mut head = [0; 5];
    let read = reader.host.open(Path::new("/bin/sh")).ok().flatten();
    match read.map(|mut file| std::io::Read::read_exact(&mut file, &mut head)) {
        Some(Ok(())) if head == *b"\x7fELF\x01" => "32",
        _ => "64",
    }
}

/// The short name, the domain and the whole name of a host of that name: the first name with a dot
/// under which the host knows its own address, as Python's `getfqdn` finds it.
pub fn names(reader: &Reader<'_>, node: &str) -> (String, String, String) {
    let short = node.split('.').next().unwrap_or_default().to_owned();
    let known = aliases(reader, node);
    let full = known
        .iter()
        .find(|name| name.contains('.'))
        .or(known.first())
        .map_or_else(|| node.to_owned(), Clone::clone);
    let domain = full.split_once('.').map_or("", |(_, domain)| domain).to_owned();
    (short, domain, full)
}

/// All names of the address that a name has, the canonical one first; by /etc/hosts where it is
/// there, as that costs no program.
fn aliases(reader: &Reader<'_>, node: &str) -> Vec<String> {
    let hosts = reader.text("/etc/hosts").unwrap_or_default();
    let lines: Vec<Vec<&str>> = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().split_whitespace().collect())
        .collect();
    let names_it = |line: &&Vec<&str>| line.iter().skip(1).any(|name| *name == node);
    if let Some(address) = lines.iter().find(names_it).and_then(|line| line.first()) {
        let same = lines.iter().find(|line| line.first() == Some(address));
        return same.into_iter().flatten().skip(1).map(|name| (*name).to_owned()).collect();
    }
    let ask = |words: [&str; 2]| {
        let program = Program::new("getent").args(words).timeout(NAME_WAIT);
        let output = reader.output(&program).filter(module::Output::is_success)?;
        let text = output.stdout_text();
        let line = text.lines().next()?;
        Some(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let Some(address) = ask(["ahosts", node]).and_then(|words| words.into_iter().next()) else {
        return Vec::new();
    };
    ask(["hosts", &address]).unwrap_or_default().into_iter().skip(1).collect()
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    fn full_name(host: &FakeHost, node: &str) -> (String, String, String) {
        names(&Reader::new(host), node)
    }

    #[test]
    fn names_come_from_the_hosts_file() {
        let mut host = FakeHost::default();
        for (hosts, node, expected) in [
            (
                "127.0.1.1 web1.example.org web1\n",
                "web1",
                ("web1", "example.org", "web1.example.org"),
            ),
            ("127.0.0.1 localhost\n127.0.0.1 vm\n", "vm", ("vm", "", "localhost")),
            ("127.0.1.1 db db.example.org # x\n", "db", ("db", "example.org", "db.example.org")),
            ("", "web1.example.org", ("web1", "example.org", "web1.example.org")),
            ("# 127.0.1.1 a.b a\n", "a", ("a", "", "a")),
        ] {
            host.put("/etc/hosts", hosts);
            let (short, domain, full) = full_name(&host, node);
            assert_eq!((short.as_str(), domain.as_str(), full.as_str()), expected, "{hosts}");
        }
    }

    #[test]
    fn names_come_from_the_name_service() {
        let mut host = FakeHost::default();
        host.program("getent", |_, program| match program.args.first().map(String::as_str) {
            Some("ahosts") => Output::success("10.0.0.5 STREAM web1\n10.0.0.5 DGRAM\n"),
            _ => Output::success("10.0.0.5 web1.example.net web1\n"),
        });
        assert_eq!(full_name(&host, "web1").2, "web1.example.net");
    }
}
