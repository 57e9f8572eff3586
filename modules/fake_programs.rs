//! Programs of hosts in memory that tests of several modules need.

use std::path::Path;

use crate::fake_databases;
use module::{
    Output, Program,
    fake::{FakeHost, Files},
};

/// `nft`, and the `unshare` that it is tried in: tables are kept as texts and are never out of
/// normal form.
pub fn put_nft(host: &mut FakeHost) {
    fn stdin(program: &Program) -> String {
        String::from_utf8_lossy(program.stdin.as_deref().unwrap_or_default()).into_owned()
    }
    fn place(family: &str, table: &str) -> String {
        format!("/run/fake-nft/{family}-{table}")
    }
    host.program("unshare", |_, program| Output::success(stdin(program)));
    host.program("nft", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["-s", "list", "table", family, table] | ["list", "table", family, table] => {
                match files.text(&place(family, table)) {
                    Some(text) => Output::success(text),
                    None => Output::failure(1, "Error: No such file or directory\n"),
                }
            }
            ["-c", "-f", "-"] => Output::success(""),
            ["-f", "-"] => {
                let text = stdin(program);
                let (head, body) = match text.split_once("{\n") {
                    Some((head, body)) => (head, Some(body)),
                    None => (text.as_str(), None),
                };
                let line = head.lines().next_back().unwrap_or_default();
                let words: Vec<&str> = line.split_whitespace().collect();
                match (words.as_slice(), body) {
                    (["table", family, table], Some(body)) => {
                        files.put(&place(family, table), format!("{line}{{\n{body}"));
                    }
                    (["delete", "table", family, table], None) => {
                        files.remove(Path::new(&place(family, table)));
                    }
                    _ => return Output::failure(1, format!("Error: {text}")),
                }
                Output::success("")
            }
            _ => Output::failure(1, format!("Error: {words:?}")),
        }
    });
}

/// All of them.
pub fn put_all(host: &mut FakeHost) {
    host.put_dirs("/root");
    put_nft(host);
    put_iptables(host);
    put_modprobe(host);
    put_sysctl(host);
    put_dpkg(host);
    put_debconf(host);
    put_init_script(host);
    put_firewalld(host);
    put_alternatives(host);
    put_lvm(host);
    put_blkid(host);
    fake_databases::put_psql(host);
    fake_databases::put_mysql(host);
    put_rpm(host, "4.18.0");
    put_crontab(host);
    put_mount(host);
    put_hostname(host);
}

/// `iptables` and `ip6tables`: a chain is a file of its policy and its rules, a line each.
pub fn put_iptables(host: &mut FakeHost) {
    for name in ["iptables", "ip6tables"] {
        let folder = format!("/run/fake-{name}");
        host.put(&format!("{folder}/filter/INPUT"), "ACCEPT\n");
        host.put(&format!("{folder}/filter/FORWARD"), "ACCEPT\n");
        host.program(name, move |files: &mut Files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let ["-t", table, operation, rest @ ..] = words.as_slice() else {
                return Output::failure(2, "iptables: bad words");
            };
            let (chain, rest) =
                rest.split_first().map_or(("INPUT", rest), |(chain, rest)| (*chain, rest));
            let path = format!("{folder}/{table}/{chain}");
            let rule = rest.join(" ");
            if rule.contains("bad option") {
                return Output::failure(2, "iptables: bad option");
            }
            let missing = || Output::failure(1, "iptables: No chain/target/match by that name.");
            let now = match (*operation, files.text(&path)) {
                ("-N", None) => {
                    files.put(&path, "-\n");
                    return Output::success("");
                }
                (_, None) => return missing(),
                (_, Some(text)) => text,
            };
            let mut lines: Vec<String> = now.lines().map(str::to_owned).collect();
            let at = lines.iter().skip(1).position(|line| *line == rule).map(|at| at + 1);
            match (*operation, at) {
                ("-C", Some(_)) => return Output::success(""),
                ("-C", None) => return Output::failure(1, "iptables: Bad rule"),
                ("-L", _) => {
                    return Output::success(format!(
                        "Chain {chain} (policy {} 0 packets)\n",
                        lines[0]
                    ));
                }
                ("-S", _) => {
                    let rules: String =
                        lines[1..].iter().map(|line| format!("-A {chain} {line}\n")).collect();
                    return Output::success(format!("-P {chain} {}\n{rules}", lines[0]));
                }
                ("-X", _) => {
                    files.remove(Path::new(&path));
                    return Output::success("");
                }
                ("-F", _) => lines.truncate(1),
                ("-P", _) => lines[0] = rule,
                ("-A", _) => lines.push(rule),
                ("-D", Some(at)) => {
                    lines.remove(at);
                }
                ("-I", _) => match rule
                    .split_once(' ')
                    .and_then(|(number, rule)| Some((number.parse().ok()?, rule)))
                {
                    Some((number, rule)) => lines.insert(number, rule.into()),
                    None => lines.insert(1, rule),
                },
                _ => return missing(),
            }
            files.put(&path, lines.join("\n") + "\n");
            Output::success("")
        });
    }
}

/// `modprobe`, which knows any module but `nosuch`.
pub fn put_modprobe(host: &mut FakeHost) {
    host.put("/proc/modules", "");
    host.put("/proc/sys/kernel/osrelease", "6.1.0\n");
    host.put("/lib/modules/6.1.0/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
    host.program("modprobe", |files: &mut Files, program| {
        let loaded = files.text("/proc/modules").unwrap_or_default();
        match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["nosuch", ..] => {
                return Output::failure(1, "modprobe: FATAL: Module nosuch not found");
            }
            ["-r", name] => {
                let kept: String = loaded
                    .lines()
                    .filter(|line| line.split(' ').next() != Some(name))
                    .map(|line| format!("{line}\n"))
                    .collect();
                files.put("/proc/modules", kept);
            }
            [name, ..] => files.put(
                "/proc/modules",
                format!("{loaded}{} 1 0 - Live 0x0\n", name.replace('-', "_")),
            ),
            [] => return Output::failure(1, "modprobe: missing parameters"),
        }
        Output::success("")
    });
}

/// `sysctl`, which knows a few settings.
pub fn put_sysctl(host: &mut FakeHost) {
    host.put("/proc/sys/net/ipv4/ip_forward", "0\n");
    host.put_dirs("/etc/sysctl.d");
    host.program("sysctl", |files: &mut Files, program| {
        if let ["-w", setting] =
            program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
            && let Some((name, value)) = setting.split_once('=')
        {
            files.put(&format!("/proc/sys/{}", name.replace('.', "/")), format!("{value}\n"));
        }
        Output::success("")
    });
}

/// `dpkg-query`, which knows one package.
pub fn put_dpkg(host: &mut FakeHost) {
    host.program("dpkg-query", |_, _| Output::success("installed\tbash\t5.2\tamd64\tshells\n"));
    host.put("/run/selection", "install");
    host.program("dpkg", |files: &mut Files, program| {
        match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["--get-selections", "bash"] => {
                let now = files.text("/run/selection").unwrap_or_default();
                Output::success(format!("bash\t{now}\n"))
            }
            ["--set-selections"] => {
                let line = String::from_utf8(program.stdin.clone().unwrap_or_default());
                let line = line.unwrap_or_default();
                files.put("/run/selection", line.split_whitespace().nth(1).unwrap_or_default());
                Output::success("")
            }
            _ => Output {
                stderr: b"dpkg: no packages found matching it\n".to_vec(),
                ..Output::success("")
            },
        }
    });
}

/// debconf's programs: an answer is a line of a file, a secret one a stanza of another.
pub fn put_debconf(host: &mut FakeHost) {
    const ANSWERS: &str = "/run/answers";
    const PASSWORDS: &str = "/var/cache/debconf/passwords.dat";
    host.put(ANSWERS, "");
    host.program("debconf-show", |files: &mut Files, _| {
        Output::success(files.text(ANSWERS).unwrap_or_default())
    });
    host.program("debconf-set-selections", |files: &mut Files, program| {
        let line = String::from_utf8(program.stdin.clone().unwrap_or_default()).unwrap_or_default();
        let mut words = line.trim_end().splitn(4, ' ');
        let (_, question) = (words.next(), words.next().unwrap_or_default());
        let (kind, value) = (words.next(), words.next().unwrap_or_default());
        let mut shown = value;
        if kind == Some("password") {
            files.put(PASSWORDS, format!("Name: {question}\nTemplate: x\nValue: {value}\n\n"));
            shown = "(password omitted)";
        }
        let head = format!("* {question}:");
        let old = files.text(ANSWERS).unwrap_or_default();
        let kept = old.lines().filter(|line| !line.starts_with(&head));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        files.put(ANSWERS, format!("{kept}{head} {shown}\n"));
        Output::success("")
    });
}

/// `crontab`, for any user but `nosuch`.
pub fn put_crontab(host: &mut FakeHost) {
    host.put_dirs("/etc/cron.d");
    host.program("crontab", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let (user, operation) = match words.as_slice() {
            ["-u", "nosuch", ..] => return Output::failure(2, "user unknown"),
            ["-u", user, operation] => (*user, *operation),
            [operation] => ("root", *operation),
            _ => return Output::failure(2, "crontab: usage"),
        };
        let path = format!("/var/spool/cron/{user}");
        match (operation, files.text(&path)) {
            ("-l", Some(text)) => Output::success(text),
            ("-l", None) => Output::failure(1, format!("no crontab for {user}")),
            _ => {
                files.put(&path, program.stdin.clone().unwrap_or_default());
                Output::success("")
            }
        }
    });
}

/// `mount` and `umount`: what is mounted is what `/proc/mounts` says.
pub fn put_mount(host: &mut FakeHost) {
    host.put("/proc/mounts", "");
    host.program("mount", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let mounts = files.text("/proc/mounts").unwrap_or_default();
        let line = match words.as_slice() {
            [] => return Output::success(""),
            ["-o", "remount", path] => {
                return if mounts.contains(&format!(" {path} ")) {
                    Output::success("")
                } else {
                    Output::failure(32, "not mounted")
                };
            }
            ["-t", kind, "-o", _, source, path] => format!("{source} {path} {kind} rw 0 0\n"),
            [path] => {
                let table = files.text("/etc/fstab").unwrap_or_default();
                match table.lines().find(|line| line.split_whitespace().nth(1) == Some(path)) {
                    Some(line) => format!("{line}\n"),
                    None => return Output::failure(32, "mount: not in fstab"),
                }
            }
            _ => return Output::failure(1, "mount: bad usage"),
        };
        if line.starts_with("nosuch ") {
            return Output::failure(32, "mount: special device nosuch does not exist.");
        }
        files.put("/proc/mounts", mounts + &line);
        Output::success("")
    });
    host.program("umount", |files: &mut Files, program| {
        let path = format!(" {} ", program.args.last().map(String::as_str).unwrap_or_default());
        let mounts = files.text("/proc/mounts").unwrap_or_default();
        let kept: String = mounts
            .lines()
            .filter(|line| !line.contains(&path))
            .map(|line| format!("{line}\n"))
            .collect();
        files.put("/proc/mounts", kept);
        Output::success("")
    });
}

/// `hostname` and `hostnamectl`.
pub fn put_hostname(host: &mut FakeHost) {
    const RUNNING: &str = "/proc/sys/kernel/hostname";
    host.put(RUNNING, "a\n");
    host.program("hostname", |files: &mut Files, program| {
        files.put(RUNNING, format!("{}\n", program.args.join(" ")));
        Output::success("")
    });
    host.program("hostnamectl", |files: &mut Files, program| {
        match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [which @ .., "set-hostname", name] => {
                let is_running = which == ["--transient"];
                let path = if is_running { RUNNING } else { "/etc/hostname" };
                files.put(path, format!("{name}\n"));
                Output::success("")
            }
            _ => Output::failure(1, "hostnamectl: bad words"),
        }
    });
}

/// `rpm` and its keys: those of one file that was imported.
pub fn put_rpm(host: &mut FakeHost, version: &'static str) {
    const KEYS: &str = "/run/rpm-keys";
    let drop = |files: &mut Files| {
        files.remove(Path::new(KEYS));
        Output::success("")
    };
    host.put_dirs("/run");
    host.program("rpm", move |files: &mut Files, program| {
        match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["--version"] => Output::success(format!("RPM version {version}\n")),
            ["-q", "gpg-pubkey", ..] => match files.text(KEYS) {
                Some(text) => Output::success(text),
                None => Output::failure(1, "package gpg-pubkey is not installed"),
            },
            ["--import", path] => {
                let text = files.text(path).unwrap_or_default();
                files.put(KEYS, text);
                Output::success("")
            }
            ["--erase", "--allmatches", name] if name.starts_with("gpg-pubkey-") => drop(files),
            _ => Output::failure(1, "rpm: bad words"),
        }
    });
    host.program("rpmkeys", move |files: &mut Files, program| match program.args.len() {
        2 => drop(files),
        _ => Output::failure(1, "rpmkeys: bad words"),
    });
}

/// An init script `web`, and `update-rc.d`.
pub fn put_init_script(host: &mut FakeHost) {
    const STATE: &str = "/run/web-state";
    host.put("/etc/init.d/web", "");
    host.put_dirs("/etc/rc3.d");
    host.put_dirs("/run");
    host.program("/etc/init.d/web", |files, program| {
        match program.args.first().map(String::as_str) {
            Some("status") => match files.text(STATE) {
                Some(_) => Output::success(""),
                None => Output::failure(3, ""),
            },
            Some("start") => {
                files.put(STATE, "");
                Output::success("")
            }
            _ => {
                files.remove(Path::new(STATE));
                Output::success("")
            }
        }
    });
    host.program("update-rc.d", |files, program| {
        let verb = program.args.get(1).map(String::as_str);
        for level in ["3", "5"] {
            let path = format!("/etc/rc{level}.d/S01web");
            if verb == Some("disable") {
                files.remove(Path::new(&path));
            } else {
                files.put(&path, "");
            }
        }
        Output::success("")
    });
}

/// firewalld, which runs: an element is a file, by where it is kept and its zone.
pub fn put_firewalld(host: &mut FakeHost) {
    host.put("/run/fw/permanent/zones", "public dmz");
    host.program("firewall-cmd", |files: &mut Files, program| {
        let mut words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let side = match words.first() {
            Some(&"--permanent") => words.remove(0).trim_start_matches('-'),
            _ => "runtime",
        };
        let zone = match words.first().and_then(|word| word.strip_prefix("--zone=")) {
            Some(zone) => {
                words.remove(0);
                zone
            }
            None => "public",
        };
        let zones = files.text("/run/fw/permanent/zones").unwrap_or_default();
        let target = format!("/run/fw/target-{zone}");
        let word = words.first().copied().unwrap_or_default().trim_start_matches('-');
        let path = |rest: &str| format!("/run/fw/{side}/{zone}/{}", rest.replace('/', "_"));
        match word {
            "state" => return Output::success("running\n"),
            "get-default-zone" => return Output::success("public\n"),
            "get-zones" => return Output::success(zones),
            "get-target" => {
                return Output::success(files.text(&target).unwrap_or("default".into()));
            }
            _ => {}
        }
        if let Some(new) = word.strip_prefix("set-target=") {
            files.put(&target, new);
        } else if let Some(name) = word.strip_prefix("new-zone=") {
            files.put("/run/fw/permanent/zones", format!("{zones} {name}"));
        } else if let Some(name) = word.strip_prefix("delete-zone=") {
            files.put("/run/fw/permanent/zones", zones.replace(name, ""));
        } else if let Some(rest) = word.strip_prefix("query-") {
            let is_there = files.text(&path(rest)).is_some();
            return if is_there { Output::success("yes\n") } else { Output::failure(1, "") };
        } else if let Some(rest) = word.strip_prefix("add-").or(word.strip_prefix("change-")) {
            files.put(&path(rest), "");
        } else if let Some(rest) = word.strip_prefix("remove-") {
            files.remove(Path::new(&path(rest)));
        } else {
            return Output::failure(2, "firewall-cmd: bad words");
        }
        Output::success("success\n")
    });
}

/// SELinux with one switch, `web`.
pub fn put_selinux(host: &mut FakeHost) {
    const VALUE: &str = "/sys/fs/selinux/booleans/web";
    host.put("/sys/fs/selinux/enforce", "1");
    host.put(VALUE, "0 0");
    host.put("/run/kept", "off");
    host.program("semanage", |files: &mut Files, _| {
        let kept = files.text("/run/kept").unwrap_or_default();
        Output::success(format!(
            "SELinux boolean   State  Default Description\n\nweb    (off  ,  {kept})  Web\n"
        ))
    });
    host.program("setsebool", |files: &mut Files, program| {
        let word = program.args.last().map(String::as_str).unwrap_or_default();
        files.put(VALUE, if word == "on" { "1 1" } else { "0 0" });
        if program.args.first().map(String::as_str) == Some("-P") {
            files.put("/run/kept", word);
        }
        Output::success("")
    });
}

/// `update-alternatives` with one name, `editor`: its choice and a line a program.
pub fn put_alternatives(host: &mut FakeHost) {
    const CHOICE: &str = "/run/choice";
    const KNOWN: &str = "/run/editors";
    for name in ["nano", "vim", "ed"] {
        host.put(&format!("/usr/bin/{name}"), "");
    }
    host.put(CHOICE, "auto");
    host.put(KNOWN, "/usr/bin/nano 40\n/usr/bin/vim 30\n");
    host.program("update-alternatives", |files: &mut Files, program| {
        let known = files.text(KNOWN).unwrap_or_default();
        let choice = files.text(CHOICE).unwrap_or_default();
        let rank = |line: &str| -> i64 {
            line.split(' ').nth(1).and_then(|rank| rank.parse().ok()).unwrap_or_default()
        };
        let without = |path: &str| -> String {
            let kept = known.lines().filter(|line| line.split(' ').next() != Some(path));
            kept.map(|line| format!("{line}\n")).collect()
        };
        match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["--query", "editor"] => {
                let best = known.lines().max_by_key(|line| rank(line)).unwrap_or_default();
                let value = match choice.as_str() {
                    "auto" => best.split(' ').next().unwrap_or_default(),
                    chosen => chosen,
                };
                let mode = if choice == "auto" { "auto" } else { "manual" };
                let mut text = format!(
                    "Name: editor\nLink: /usr/bin/editor\nStatus: {mode}\nBest: x\nValue: {value}\n"
                );
                for line in known.lines() {
                    let path = line.split(' ').next().unwrap_or_default();
                    text.push_str(&format!("\nAlternative: {path}\nPriority: {}\n", rank(line)));
                }
                return Output::success(text);
            }
            ["--query", _] => return Output::failure(2, "error: no alternatives for it"),
            ["--install", _, "editor", path, priority, ..] => {
                files.put(KNOWN, format!("{}{path} {priority}\n", without(path)));
            }
            ["--set", "editor", path] => files.put(CHOICE, *path),
            ["--auto", "editor"] => files.put(CHOICE, "auto"),
            ["--remove", "editor", path] => files.put(KNOWN, without(path)),
            _ => return Output::failure(2, "update-alternatives: bad words"),
        }
        Output::success("")
    });
}

/// LVM: a line of `/run/pvs` is a device and its group; `full` has one volume, `web` of 100 MB.
pub fn put_lvm(host: &mut FakeHost) {
    const DEVICES: &str = "/run/pvs";
    for name in ["sda1", "sdb1", "used"] {
        host.put(&format!("/dev/{name}"), "");
    }
    host.put(DEVICES, "/dev/used;full\n");
    let set = |files: &mut Files, device: &str, group: Option<&str>| {
        let old = files.text(DEVICES).unwrap_or_default();
        let kept = old.lines().filter(|line| line.split(';').next() != Some(device));
        let mut text: String = kept.map(|line| format!("{line}\n")).collect();
        if let Some(group) = group {
            text.push_str(&format!("{device};{group}\n"));
        }
        files.put(DEVICES, text);
    };
    host.program("pvs", |files: &mut Files, _| {
        Output::success(files.text(DEVICES).unwrap_or_default())
    });
    host.program("vgs", |files: &mut Files, program| {
        let devices = files.text(DEVICES).unwrap_or_default();
        let mut groups: Vec<&str> = devices
            .lines()
            .filter_map(|line| line.split(';').nth(1))
            .filter(|name| !name.is_empty())
            .collect();
        groups.dedup();
        let asked = program.args.last().map(String::as_str).unwrap_or_default();
        if asked != ";" {
            return match groups.contains(&asked) {
                true => Output::success(format!("  {asked};1000.00;500.00;4.00\n")),
                false => Output::failure(5, "Volume group not found"),
            };
        }
        let count = |name: &str| usize::from(name == "full");
        Output::success(
            groups.iter().map(|name| format!("  {name};{}\n", count(name))).collect::<String>(),
        )
    });
    host.program("lvs", |_, _| Output::success("  web;100.00;-wi-a-----\n"));
    for name in ["lvcreate", "lvextend", "lvreduce", "lvremove", "lvchange"] {
        host.program(name, |_, _| Output::success(""));
    }
    host.program("pvcreate", move |files: &mut Files, program| {
        set(files, program.args.last().map(String::as_str).unwrap_or_default(), Some(""));
        Output::success("")
    });
    for name in ["vgcreate", "vgextend"] {
        host.program(name, move |files: &mut Files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let at = words.iter().position(|word| word.starts_with("/dev/")).unwrap_or(words.len());
            let group = words.get(at.wrapping_sub(1)).copied().unwrap_or_default();
            for device in words.get(at..).unwrap_or_default() {
                set(files, device, Some(group));
            }
            Output::success("")
        });
    }
    host.program("vgreduce", move |files: &mut Files, program| {
        for device in program.args.iter().filter(|word| word.starts_with("/dev/")) {
            set(files, device, Some(""));
        }
        Output::success("")
    });
    host.program("vgremove", move |files: &mut Files, program| {
        let group = program.args.last().cloned().unwrap_or_default();
        let text = files.text(DEVICES).unwrap_or_default();
        files.put(DEVICES, text.replace(&format!(";{group}\n"), ";\n"));
        Output::success("")
    });
}

/// A device `/dev/sdb1` that may hold a file system, which its content says.
pub fn put_blkid(host: &mut FakeHost) {
    host.put("/dev/sdb1", "");
    host.put("/usr/share/zoneinfo/Asia/Tokyo", "TZif");
    host.program("blkid", |files: &mut Files, _| {
        match files.text("/dev/sdb1").unwrap_or_default() {
            kind if kind.is_empty() => Output::failure(2, ""),
            kind => Output::success(format!("{kind}\n")),
        }
    });
    host.program("mkfs.ext4", |files: &mut Files, _| {
        files.put("/dev/sdb1", "ext4");
        Output::success("")
    });
}
