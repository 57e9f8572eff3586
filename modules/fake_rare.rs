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
    crate::docker::fake_engine::serve(host);
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
    host.program("openssl", |_: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let key = program.handed.clone().unwrap_or_default();
        match words.as_slice() {
            ["genpkey", ..] => Output::success(KEY),
            ["pkey", "-pubout", ..] if key == KEY.as_bytes() => Output::success(public_key()),
            ["pkey", ..] if key == KEY.as_bytes() => Output::success(key),
            ["pkeyutl", "-sign", ..] => Output::success(vec![0; 64]),
            ["req", "-verify", ..] => Output { stderr: b"verify OK".to_vec(), ..Output::default() },
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
