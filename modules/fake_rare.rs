//! Programs of rarer families in memory, for examples and tests.

use module::{
    Output,
    fake::{FakeHost, Files},
};

/// Whether a line is the one that is meant.
type IsIt<'a> = Box<dyn Fn(&str) -> bool + 'a>;

/// All of them.
pub fn put_all(host: &mut FakeHost) {
    host.put("/dev/urandom", (0..=255).collect::<Vec<u8>>());
    put_capabilities(host);
    put_locales(host);
    put_openssl(host);
    put_ssh_keygen(host);
    put_semanage(host);
    put_parted(host);
    put_dpkg_divert(host);
    crate::rabbitmq::fake::put(host);
    crate::nmcli::fake::put_nmcli(host);
    host.put("/etc/network/interfaces", "iface eth1 inet dhcp\n");
    host.put(
        "/etc/bar.xml",
        "<business><rating subjective=\"true\">10</rating><beers/></business>",
    );
    crate::docker::fake_engine::serve(host);
    crate::docker::fake_compose::put(host, "2.30.0");
    host.put("/etc/pam.d/login", "auth required pam_unix.so deny=3\n");
    host.put("/srv/compose.yaml", "services: {}\n");
    put_sockets(host);
    host.put("/srv/Dockerfile", "FROM scratch\n");
}

/// `ss`, with one port, and `ps`, which knows nobody.
fn put_sockets(host: &mut FakeHost) {
    host.program("ss", |_, _| {
        Output::success(
            "Netid State Recv-Q Send-Q Local\ntcp LISTEN 0 1 [::]:22 [::]:* users:((\"sshd\",pid=7,fd=4))\n",
        )
    });
    host.program("ps", |_, _| Output::failure(1, ""));
}

/// `getcap` and `setcap`: a file's capabilities are the words of another file.
pub fn put_capabilities(host: &mut FakeHost) {
    fn place(path: &str) -> String {
        format!("/run/caps{path}")
    }
    host.program("getcap", |files: &mut Files, program| match program.args.as_slice() {
        [flag, path] if flag == "-v" => {
            let words = files.text(&place(path)).unwrap_or_default();
            Output::success(format!("{path} {words}\n"))
        }
        other => Output::failure(1, format!("{other:?}")),
    });
    host.program("setcap", |files: &mut Files, program| {
        let [words, path] = program.args.as_slice() else { return Output::failure(1, "usage") };
        let mut words: Vec<String> =
            words.split_whitespace().map(|word| word.replace('+', "=")).collect();
        words.retain(|word| word != "-r");
        words.sort();
        // Capabilities of the same flags stand together.
        let all = match words.as_slice() {
            [one, other] if one.split('=').nth(1) == other.split('=').nth(1) => {
                format!("{},{other}", one.split('=').next().unwrap_or_default())
            }
            _ => words.join(" "),
        };
        files.put(&place(path), all);
        Output::success("")
    });
}

/// `locale` and `locale-gen`, which reads Debian's list.
pub fn put_locales(host: &mut FakeHost) {
    let names = ["de_CH", "en_GB", "nl_NL"];
    let list: String = names.iter().map(|name| format!("# {name}.UTF-8 UTF-8\n")).collect();
    host.put("/etc/locale.gen", format!("# A remark, of several words.\n{list}"));
    host.put("/run/locales", "C\nC.utf8\nPOSIX\n");
    host.program("locale", |files: &mut Files, _| {
        Output::success(files.text("/run/locales").unwrap_or_default())
    });
    host.program("locale-gen", |files: &mut Files, _| {
        let mut known = String::from("C\nC.utf8\nPOSIX\n");
        for line in files.text("/etc/locale.gen").unwrap_or_default().lines() {
            if let Some((name, _)) = line.split_once(' ').filter(|_| !line.starts_with('#')) {
                known.push_str(&format!("{}\n", name.replace("UTF-8", "utf8")));
            }
        }
        files.put("/run/locales", known);
        Output::success("")
    });
}

/// What `openssl` says of the one key that it makes, which is in the clear.
fn public_key() -> Vec<u8> {
    let head = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
    head.into_iter().chain(0..32).collect()
}

/// `openssl`, which makes the same key each time, and signatures of zeros.
pub fn put_openssl(host: &mut FakeHost) {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIHAMHQCAQEwBQYDK2VwMAwxCjAIBgNVBAMMAWEwIBcNMjYxMTIxMTEyODU1WhgPMjEyNjEwMjgxMTI4NTVaMAwxCjAIBgNVBAMMAWEwKjAFBgMrZXADIQC5HOV4z2cpT5koU9kj7Macxu65/C9cWf3aNVBFhC85KjAFBgMrZXADQQCU6CVu8pm9/EEKSA+lpgpro+nrGG8WoE7nCJmhVZnHw494XCBVhenEzkHVOiX28/ph9RgL6AG/rx9cM3QVaH8A\n-----END CERTIFICATE-----\n";
    host.put_dirs("/etc/ssl/private");
    host.program("openssl", |_: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let key = program.handed.clone().unwrap_or_default();
        match words.as_slice() {
            ["genpkey", ..] => Output::success(KEY),
            ["pkey", "-pubout", ..] if key == KEY.as_bytes() => Output::success(public_key()),
            ["pkey", ..] if key == KEY.as_bytes() => Output::success(key),
            ["pkeyutl", "-sign", ..] => Output::success(vec![0; 64]),
            ["req", "-verify", ..] => Output { stderr: b"verify OK".to_vec(), ..Output::default() },
            ["s_client", .., "www.example.com"] => Output::success(CERTIFICATE),
            // A store is the text that it is made of.
            ["pkcs12", "-nodes", ..] => Output::success(key),
            ["pkcs12", "-export", ..] => {
                let name = words.iter().skip_while(|word| **word != "-name").nth(1);
                let head = name.map(|name| format!("friendlyName: {name}\n")).unwrap_or_default();
                Output::success([head.into_bytes(), key].concat())
            }
            ["dhparam", bits] => {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                let bytes = bits.parse::<usize>().unwrap() / 8;
                let mut prime = vec![0x30, 0x82, 1, 8, 2, 0x82, 1, 1, 0, 0xff];
                prime.extend(vec![1; bytes - 1]);
                prime.extend([2, 1, 2]);
                let body = STANDARD.encode(prime);
                Output::success(format!(
                    "-----BEGIN DH PARAMETERS-----\n{body}\n-----END DH PARAMETERS-----\n"
                ))
            }
            other => Output::failure(1, format!("{other:?}")),
        }
    });
}

/// `ssh-keygen`, which makes keys of ed25519 alone.
pub fn put_ssh_keygen(host: &mut FakeHost) {
    const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n";
    host.program("ssh-keygen", |files: &mut Files, program| {
        let after = |flag: &str| {
            let at = program.args.iter().position(|word| word == flag)?;
            program.args.get(at + 1).cloned()
        };
        let path = after("-f").unwrap_or_default();
        match program.args.first().map(String::as_str) {
            Some("-q") => {
                files.put(&path, KEY);
                let comment = after("-C").unwrap_or_default();
                files.put(&format!("{path}.pub"), format!("ssh-ed25519 AAAA {comment}\n"));
                Output::success("")
            }
            Some("-y") if program.handed.as_deref() == Some(KEY.as_bytes()) => {
                Output::success("ssh-ed25519 AAAA\n")
            }
            Some("-l") => Output::success("256 SHA256:abc x (ED25519)\n"),
            _ => Output::failure(1, "ssh-keygen: no such key"),
        }
    });
}

/// `semanage port` and `semanage fcontext`: ports and contexts are lines of files.
pub fn put_semanage(host: &mut FakeHost) {
    host.put("/run/se/port", "http_port_t tcp 80\nssh_port_t tcp 22\n");
    host.put("/run/se/fcontext", "");
    host.program("semanage", |files: &mut Files, program| {
        let words: Vec<&str> =
            program.args.iter().map(String::as_str).filter(|word| *word != "-N").collect();
        let after = |flag: &str| {
            let at = words.iter().position(|word| *word == flag)?;
            words.get(at + 1).copied()
        };
        let (Some(&kind), Some(&verb)) = (words.first(), words.get(1)) else {
            return Output::failure(2, "usage");
        };
        let place = format!("/run/se/{kind}");
        let text = files.text(&place).unwrap_or_default();
        if verb == "-l" {
            let all = match kind {
                "boolean" => "web  (off , on)  A switch\n".to_owned(),
                _ => text,
            };
            return Output::success(all);
        }
        let target = words.last().copied().unwrap_or_default();
        let listed = match after("-f") {
            Some("d") => "directory",
            _ => "all files",
        };
        let (line, is_it): (String, IsIt) = match (kind, after("-e")) {
            ("port", _) => (
                format!(
                    "{} {} {target}",
                    after("-t").unwrap_or_default(),
                    after("-p").unwrap_or_default()
                ),
                Box::new(move |line: &str| line.split_whitespace().nth(2) == Some(target)),
            ),
            (_, Some(other)) => (
                format!("{target} = {other}"),
                Box::new(move |line: &str| line.starts_with(&format!("{target} = "))),
            ),
            _ => (
                format!(
                    "{target}  {listed}  {}:object_r:{}:s0",
                    after("-s").unwrap_or("system_u"),
                    after("-t").unwrap_or_default()
                ),
                Box::new(move |line: &str| line.starts_with(&format!("{target}  {listed}"))),
            ),
        };
        if (verb == "-a") == text.lines().any(&is_it) {
            return Output::failure(1, format!("{verb} cannot be: {target}"));
        }
        let mut all: String =
            text.lines().filter(|line| !is_it(line)).map(|line| format!("{line}\n")).collect();
        if verb != "-d" {
            all.push_str(&format!("{line}\n"));
        }
        files.put(&place, all);
        Output::success("")
    });
}

/// `parted`, with one disk of 100 MiB, whose partitions are lines of a file.
pub fn put_parted(host: &mut FakeHost) {
    const DISK: &str = "/run/disk";
    host.put(DISK, "unknown\n");
    host.program("parted", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        if words == ["--version"] {
            return Output::success("parted (GNU parted) 3.5\n");
        }
        let text = files.text(DISK).unwrap_or_default();
        let (mut table, mut lines) = match text.split_once('\n') {
            Some((table, rest)) => (table.to_owned(), rest.lines().map(str::to_owned).collect()),
            None => (text, Vec::<String>::new()),
        };
        let whole = 102_400;
        let place = |text: &str| match text.strip_suffix('%') {
            Some(share) => whole * share.parse::<u32>().unwrap() / 100,
            None => text.parse().unwrap(),
        };
        let mut words = words.into_iter().skip_while(|word| *word != "--").skip(1);
        let field =
            |lines: &mut Vec<String>, number: &str, at: usize, new: &dyn Fn(&str) -> String| {
                for line in lines.iter_mut().filter(|line| line.starts_with(&format!("{number}:")))
                {
                    let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
                    fields[at] = new(&fields[at]);
                    *line = fields.join(":");
                }
            };
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default();
            match word {
                "unit" => drop(next()),
                "print" => {
                    let told: String = lines.iter().map(|line| format!("{line};\n")).collect();
                    return Output::success(format!(
                        "BYT;\n/dev/sdb:{whole}kiB:scsi:512:512:{table}:Disk:;\n{told}"
                    ));
                }
                "mklabel" => {
                    table = next().to_owned();
                    lines.clear();
                }
                "mkpart" => {
                    next();
                    let (start, end) = (place(next()), place(next()));
                    let number = lines.len() + 1;
                    lines.push(format!("{number}:{start}kiB:{end}kiB:{}kiB:::", end - start));
                }
                "rm" => {
                    let number = next();
                    lines.retain(|line| !line.starts_with(&format!("{number}:")));
                }
                "name" => {
                    let (number, name) = (next(), next());
                    field(&mut lines, number, 5, &|_| name.trim_matches('"').to_owned());
                }
                "resizepart" => {
                    let (number, end) = (next(), place(next()));
                    field(&mut lines, number, 2, &|_| format!("{end}kiB"));
                }
                "set" => {
                    let (number, flag, how) = (next(), next(), next());
                    field(&mut lines, number, 6, &|old| {
                        let mut all: Vec<&str> =
                            old.split(", ").filter(|one| !one.is_empty() && *one != flag).collect();
                        all.extend((how == "on").then_some(flag));
                        all.join(", ")
                    });
                }
                other => return Output::failure(1, format!("{other}?")),
            }
        }
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        files.put(DISK, format!("{table}\n{lines}"));
        Output::success("")
    });
}

/// `dpkg-divert`: a line of a file is a path, where it leads, and whose it is.
pub fn put_dpkg_divert(host: &mut FakeHost) {
    const LIST: &str = "/run/diversions";
    host.put(LIST, "");
    host.program("dpkg-divert", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let after = |flag: &str| {
            let at = words.iter().position(|word| *word == flag)?;
            words.get(at + 1).copied()
        };
        let path = words.last().copied().unwrap_or_default();
        let text = files.text(LIST).unwrap_or_default();
        let is_it = |line: &&str| line.split(' ').next() == Some(path);
        let found = text.lines().find(is_it).map(str::to_owned);
        let field = |at: usize| {
            found.as_ref().and_then(|line| line.split(' ').nth(at)).unwrap_or_default().to_owned()
        };
        let shift = |files: &mut Files, from: &str, to: &str| {
            if words.contains(&"--rename")
                && let Some(content) = files.text(from)
            {
                files.put(to, content);
                files.remove(from.as_ref());
            }
        };
        let rest: String =
            text.lines().filter(|line| !is_it(line)).map(|line| format!("{line}\n")).collect();
        if words.contains(&"--listpackage") {
            return Output::success(format!("{}\n", field(2)));
        } else if words.contains(&"--truename") {
            return Output::success(format!("{}\n", field(1)));
        } else if words.contains(&"--remove") {
            shift(files, &field(1), path);
            files.put(LIST, rest);
        } else if found.is_some() {
            return Output::failure(2, "dpkg-divert: clashes");
        } else {
            let divert = after("--divert").unwrap_or_default();
            let holder = after("--package").unwrap_or("LOCAL");
            shift(files, path, divert);
            files.put(LIST, format!("{rest}{path} {divert} {holder}\n"));
        }
        Output::success("")
    });
}
