//! `nmcli` in memory, for examples and tests: a profile is a file of the lines that it shows.

use std::path::Path;

use module::{
    Output,
    fake::{FakeHost, Files},
};

const FOLDER: &str = "/run/nm";

/// What it was called with, a line a call.
const ARGUMENTS: &str = "/run/nm/arguments";

fn set(text: &mut String, key: &str, value: &str) {
    let value = if value.is_empty() { "--" } else { value };
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.split_once(':').is_none_or(|(one, _)| one != key))
        .map(str::to_owned)
        .collect();
    lines.push(format!("{key}: {value}"));
    *text = lines.join("\n") + "\n";
}

/// Sets what `nmcli` is told by arguments.
fn tell(text: &mut String, words: &[&str]) {
    for pair in words.chunks(2) {
        let [key, value] = pair else { continue };
        match *key {
            "mode" | "miimon" | "downdelay" | "updelay" | "primary" | "+bond.options" => {
                let old = text.lines().find_map(|line| line.strip_prefix("bond.options: "));
                let mut options = old.unwrap_or_default().to_owned();
                let one = match *key {
                    "+bond.options" => (*value).to_owned(),
                    _ => format!("{key}={value}"),
                };
                let name = one.split('=').next().unwrap_or_default().to_owned() + "=";
                let kept: Vec<&str> = options
                    .split(',')
                    .filter(|option| !option.is_empty() && !option.starts_with(&name))
                    .collect();
                options = kept.into_iter().chain([one.as_str()]).collect::<Vec<_>>().join(",");
                set(text, "bond.options", &options);
            }
            "802-3-ethernet.mtu" if *value == "0" => set(text, key, "auto"),
            "ipv6.ip6-privacy" => set(text, key, &format!("{value} (enabled, somehow)")),
            _ => set(text, key, value),
        }
    }
}

pub fn put_nmcli(host: &mut FakeHost) {
    host.put_dirs(FOLDER);
    host.program("nmcli", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        // Questions leave nothing behind.
        if words.first() == Some(&"con") && !words.starts_with(&["con", "edit", "type"]) {
            let told = files.text(ARGUMENTS).unwrap_or_default();
            files.put(ARGUMENTS, format!("{told}{}\n", words.join(" ")));
        }
        let profile = |name: &str| format!("{FOLDER}/{name}");
        let active = |name: &str| format!("{FOLDER}/{name}.active");
        match words.as_slice() {
            ["--fields", "name", "--terse", "con", "show", rest @ ..] => {
                let names = ["lan", "bond0", "a:b", "wlan", "up"];
                let is_shown = |name: &&&str| {
                    let path = if rest.is_empty() { profile(name) } else { active(name) };
                    files.text(&path).is_some()
                };
                let lines =
                    names.iter().filter(is_shown).map(|name| name.replace(':', "\\:") + "\n");
                Output::success(lines.collect::<String>())
            }
            ["--show-secrets", "con", "show", name] => match files.text(&profile(name)) {
                Some(text) => Output::success(text),
                None => Output::failure(10, "Error: no such connection profile."),
            },
            ["con", "add", "type", kind, "con-name", name, rest @ ..] => {
                let kind = if *kind == "ethernet" { "802-3-ethernet" } else { kind };
                let mut text = format!("connection.id: {name}\nconnection.type: {kind}\n");
                tell(&mut text, rest);
                files.put(&profile(name), text);
                Output::success("")
            }
            ["con", "modify", name, rest @ ..] => {
                let mut text = files.text(&profile(name)).unwrap_or_default();
                tell(&mut text, rest);
                files.put(&profile(name), text);
                Output::success("")
            }
            ["con", "edit", "type", "wifi"] => Output::success(
                "802-11-wireless.hidden: no\n802-11-wireless-security.psk: x\n\
                 802-11-wireless-security.key-mgmt: --\n",
            ),
            ["con", "edit", name] => {
                let orders = String::from_utf8(program.stdin.clone().unwrap_or_default());
                let mut text = files.text(&profile(name)).unwrap_or_default();
                for order in orders.unwrap_or_default().lines() {
                    if let Some((key, value)) =
                        order.strip_prefix("set ").and_then(|rest| rest.split_once(' '))
                    {
                        set(&mut text, key, value);
                    }
                }
                files.put(&profile(name), text);
                Output::success("")
            }
            ["con", "del", name] => {
                files.remove(Path::new(&profile(name)));
                Output::success("")
            }
            ["con", "up", name] => {
                files.put(&active(name), "");
                Output::success("")
            }
            ["con", "down", name] => {
                files.remove(Path::new(&active(name)));
                Output::success("")
            }
            ["con", "reload"] => Output::success(""),
            other => Output::failure(2, format!("{other:?}")),
        }
    });
}
