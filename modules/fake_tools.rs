//! Fakes of the tools that keep accounts, for tests: they edit the files that the real ones edit,
//! and refuse what those refuse.

use module::{
    Output, Program,
    fake::{FakeHost, Files},
};

/// Gives a host `useradd`, `usermod`, `userdel`, `groupadd`, `groupmod`, `groupdel`, `chage`,
/// `chpasswd`, what libuser has of them, and `ssh-keygen`.
pub fn with_account_tools(host: &mut FakeHost) {
    for prefix in ["", "l"] {
        host.program(&format!("{prefix}useradd"), |files, program| {
            add_user(files, program).unwrap_or_else(|out| out)
        });
        host.program(&format!("{prefix}usermod"), |files, program| {
            modify_user(files, program).unwrap_or_else(|out| out)
        });
        host.program(&format!("{prefix}userdel"), |files, program| {
            let name = name(program);
            for file in ["/etc/passwd", "/etc/shadow"] {
                edit(files, file, |line| (field(line, 0) != name).then(|| line.to_owned()));
            }
            set_groups(files, &name, "");
            Output::success("")
        });
    }
    host.program("lgroupmod", |files, program| {
        let [option, user, group] = program.args.as_slice() else {
            return Output::failure(1, "lgroupmod: usage");
        };
        edit(files, "/etc/group", |line| {
            let members = field(line, 3);
            let mut members: Vec<&str> = members.split(',').filter(|one| !one.is_empty()).collect();
            if field(line, 0) == *group {
                members.retain(|member| member != user);
                members.extend((option == "-M").then_some(user.as_str()));
            }
            Some(set(line, 3, &members.join(",")))
        });
        Output::success("")
    });
    host.program("lchage", |files, program| {
        let day = option(program, "-E").unwrap_or_default();
        set_field(files, "/etc/shadow", &name(program), 7, day.trim_start_matches("-1"));
        Output::success("")
    });
    host.program("ssh-keygen", |files, program| {
        let Some(path) = option(program, "-f") else { return Output::failure(1, "no file") };
        let told = String::from_utf8_lossy(program.stdin.as_deref().unwrap_or_default());
        let words: Vec<&str> = told.lines().collect();
        let passphrase = match (option(program, "-N"), words.as_slice()) {
            (Some(passphrase), _) => passphrase,
            (None, [first, second, ..]) if first == second => (*first).to_owned(),
            (None, _) => return Output::failure(1, "Passphrases do not match."),
        };
        if passphrase.len() < 5 && !passphrase.is_empty() {
            return Output::failure(1, "Saving key failed: passphrase is too short");
        }
        files.put(&path, format!("key with passphrase {passphrase:?}\n"));
        files.put(&format!("{path}.pub"), "ssh-rsa AAAA\n");
        Output::success("")
    });
    host.program("groupadd", |files, program| {
        let gid = option(program, "-g").unwrap_or_else(|| next_id(files, "/etc/group"));
        let taken = text(files, "/etc/group").lines().any(|line| field(line, 2) == gid);
        if taken && !program.args.contains(&"-o".to_owned()) {
            return Output::failure(4, "groupadd: GID already exists");
        }
        append(files, "/etc/group", &format!("{}:x:{gid}:", name(program)));
        Output::success("")
    });
    host.program("groupmod", |files, program| {
        let (name, gid) = (name(program), option(program, "-g").unwrap_or_default());
        edit(files, "/etc/group", |line| {
            Some(if field(line, 0) == name { set(line, 2, &gid) } else { line.to_owned() })
        });
        Output::success("")
    });
    host.program("groupdel", |files, program| {
        let name = name(program);
        edit(files, "/etc/group", |line| (field(line, 0) != name).then(|| line.to_owned()));
        Output::success("")
    });
    host.program("chage", |files, program| {
        let name = name(program);
        for (letter, at) in [("-m", 3), ("-M", 4), ("-W", 5), ("-I", 6)] {
            if let Some(value) = option(program, letter) {
                set_field(files, "/etc/shadow", &name, at, &value);
            }
        }
        Output::success("")
    });
    host.program("chpasswd", |files, program| {
        assert_eq!(program.args, ["-e"]);
        let line = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
        let (name, hash) = line.trim_end().split_once(':').unwrap();
        set_field(files, "/etc/shadow", name, 1, hash);
        Output::success("")
    });
}

fn add_user(files: &mut Files, program: &Program) -> Result<Output, Output> {
    let name = name(program);
    let uid = option(program, "-u").unwrap_or_else(|| next_id(files, "/etc/passwd"));
    let gid = option(program, "-g").unwrap_or_else(|| {
        if !program.args.contains(&"-N".to_owned()) {
            append(files, "/etc/group", &format!("{name}:x:{uid}:"));
            return uid.clone();
        }
        "100".into()
    });
    let home = option(program, "-d").unwrap_or_else(|| format!("/home/{name}"));
    let shell = option(program, "-s").unwrap_or_else(|| "/bin/sh".into());
    let comment = option(program, "-c").unwrap_or_default();
    append(files, "/etc/passwd", &format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}"));
    append(files, "/etc/shadow", &format!("{name}:!:1:0:99999:7:::"));
    if let Some(groups) = option(program, "-G") {
        set_groups(files, &name, &groups);
    }
    set_expiry(files, program, &name);
    if program.args.contains(&"-m".to_owned()) {
        files.put_dirs(home.as_ref());
    }
    Ok(Output::success(""))
}

fn modify_user(files: &mut Files, program: &Program) -> Result<Output, Output> {
    let name = name(program);
    if let Some(uid) = option(program, "-u") {
        let taken = text(files, "/etc/passwd").lines().any(|line| field(line, 2) == uid);
        if taken {
            return Err(Output::failure(4, "usermod: UID already exists"));
        }
    }
    for (letter, at) in [("-u", 2), ("-g", 3), ("-c", 4), ("-d", 5), ("-s", 6)] {
        if let Some(value) = option(program, letter) {
            set_field(files, "/etc/passwd", &name, at, &value);
        }
    }
    if let Some(groups) = option(program, "-G") {
        set_groups(files, &name, &groups);
    }
    set_expiry(files, program, &name);
    let hash = text(files, "/etc/shadow");
    let hash = hash.lines().find(|line| field(line, 0) == name).map(|line| field(line, 1));
    let hash = hash.unwrap_or_default();
    match program.args.first().map(String::as_str) {
        Some("-L") => set_field(files, "/etc/shadow", &name, 1, &format!("!{hash}")),
        Some("-U") => set_field(files, "/etc/shadow", &name, 1, hash.trim_start_matches('!')),
        _ => {}
    }
    Ok(Output::success(""))
}

fn set_expiry(files: &mut Files, program: &Program, name: &str) {
    let Some(date) = option(program, "-e") else { return };
    // Only dates that tests use.
    let day = match date.as_str() {
        "2030-01-01" => "21915",
        "" => "",
        other => panic!("the fake does not know the day of {other}"),
    };
    set_field(files, "/etc/shadow", name, 7, day);
}

fn name(program: &Program) -> String {
    program.args.last().cloned().unwrap_or_default()
}

fn option(program: &Program, letter: &str) -> Option<String> {
    let at = program.args.iter().position(|arg| arg == letter)?;
    program.args.get(at + 1).cloned()
}

fn text(files: &Files, path: &str) -> String {
    files.text(path).unwrap_or_default()
}

fn field(line: &str, at: usize) -> String {
    line.split(':').nth(at).unwrap_or_default().to_owned()
}

fn set(line: &str, at: usize, value: &str) -> String {
    let mut fields: Vec<&str> = line.split(':').collect();
    fields[at] = value;
    fields.join(":")
}

fn edit(files: &mut Files, path: &str, change: impl Fn(&str) -> Option<String>) {
    let lines: Vec<String> = text(files, path).lines().filter_map(change).collect();
    let end = if lines.is_empty() { "" } else { "\n" };
    files.put(path, format!("{}{end}", lines.join("\n")));
}

fn append(files: &mut Files, path: &str, line: &str) {
    let text = format!("{}{line}\n", text(files, path));
    files.put(path, text);
}

fn set_field(files: &mut Files, path: &str, name: &str, at: usize, value: &str) {
    edit(files, path, |line| {
        Some(if field(line, 0) == name { set(line, at, value) } else { line.to_owned() })
    });
}

fn set_groups(files: &mut Files, name: &str, groups: &str) {
    let user = text(files, "/etc/passwd");
    let gid = user.lines().find(|line| field(line, 0) == name).map(|line| field(line, 3));
    edit(files, "/etc/group", |line| {
        let members = field(line, 3);
        let mut members: Vec<&str> = members.split(',').filter(|one| !one.is_empty()).collect();
        let is_first = gid.as_ref() == Some(&field(line, 2));
        if is_first && members.contains(&name) {
            return Some(line.to_owned());
        }
        members.retain(|member| *member != name);
        if groups.split(',').any(|group| group == field(line, 0)) {
            members.push(name);
        }
        Some(set(line, 3, &members.join(",")))
    });
}

fn next_id(files: &Files, path: &str) -> String {
    let text = text(files, path);
    let ids = text.lines().filter_map(|line| field(line, 2).parse::<u32>().ok());
    (ids.max().unwrap_or(0).max(999) + 1).to_string()
}
