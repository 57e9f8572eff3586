//! The `iptables_state` module of the collection `community.general`.

use std::{collections::BTreeMap, path::PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, FileMode, Guard, Host, Mode,
    Placement, Program, Returned, host::Access,
};
use protocol::{Json, JsonMap, Response, spec::Support};

use crate::{text_file::make_folders, tool};

/// Saves the rules of iptables in a file, or puts back those of one.
///
/// In check mode, rules are held against the text of the file: one that `iptables-save` has not
/// written may foretell a change that is none. Hosts that are reached over SSH are guarded while
/// rules are put back, whether or not the task is asynchronous.
#[derive(Debug, Arguments)]
pub struct IptablesState {
    /// Whether the counters of packets count.
    #[argument(default = false)]
    counters: bool,
    /// Whose rules.
    #[argument(default = "ipv4")]
    ip_version: Version,
    /// The program that loads modules of the kernel.
    modprobe: Option<PathBuf>,
    /// Whether rules that the file does not name stay.
    #[argument(default = false)]
    noflush: bool,
    /// The file.
    path: PathBuf,
    /// Whether the file holds the rules, or the rules are those of the file.
    state: State,
    /// One table; all where it is left out.
    table: Option<Table>,
    /// Seconds that the lock of iptables is waited for.
    wait: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Version {
    Ipv4,
    Ipv6,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Saved,
    Restored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Table {
    Filter,
    Nat,
    Mangle,
    Raw,
    Security,
}

impl Documented for IptablesState {
    const NAME: &'static str = "community.general.iptables_state";
    const ALIASES: &'static [&'static str] = &["iptables_state"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Keep the rules", args: r#"{"state": "saved", "path": "/etc/rules.v4"}"# },
        Example {
            title: "Put one table back",
            args: r#"{"state": "restored", "path": "/etc/rules.v4", "table": "filter"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("cmd", "The program.", "always", r#""iptables-save""#),
        Returned::new(
            "applied",
            "Whether the file's rules were taken.",
            "with state=restored",
            "true",
        ),
        Returned::new("initial_state", "Rules before.", "always", r#"["*filter", "COMMIT"]"#),
        Returned::new(
            "restored",
            "Rules after.",
            "with state=restored",
            r#"["*filter", "COMMIT"]"#,
        ),
        Returned::new(
            "saved",
            "Rules in the file.",
            "with state=saved",
            r#"["*filter", "COMMIT"]"#,
        ),
        Returned::new(
            "tables",
            "Rules before, by table.",
            "always",
            r#"{"filter": [":INPUT ACCEPT [0:0]"]}"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What `iptables-save` wrote, line by line, without the time and, where they do not count, the
/// counters.
fn lines(text: &str, counters: bool) -> Vec<String> {
    let without_time = |line: &str| match line.split_once(" on ") {
        Some((head, _)) if line.starts_with("# Generated") || line.starts_with("# Completed") => {
            head.to_owned()
        }
        _ => line.to_owned(),
    };
    let all = text.lines().filter(|line| !line.is_empty()).map(without_time);
    all.map(|line| if counters { line } else { without_counters(&line) }).collect()
}

/// `[12:345]` becomes `[0:0]`.
fn without_counters(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let inside = after.split_once(']').filter(|(inside, _)| {
            inside.split_once(':').is_some_and(|(packets, bytes)| {
                [packets, bytes]
                    .iter()
                    .all(|it| !it.is_empty() && it.bytes().all(|one| one.is_ascii_digit()))
            })
        });
        match inside {
            Some((_, next)) => {
                out.push_str("[0:0]");
                rest = next;
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    out + rest
}

/// Chains and rules by table.
fn tables(lines: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    let mut current: Option<(String, Vec<String>)> = None;
    for line in lines {
        if let Some(name) = line.strip_prefix('*') {
            current = Some((name.to_owned(), Vec::new()));
        } else if line == "COMMIT" {
            all.extend(current.take());
        } else if let Some((_, rules)) = current.as_mut().filter(|_| !line.starts_with('#')) {
            rules.push(line.clone());
        }
    }
    all
}

impl IptablesState {
    fn program(&self, verb: &str) -> Program {
        let name = match self.ip_version {
            Version::Ipv4 => "iptables",
            Version::Ipv6 => "ip6tables",
        };
        let modprobe = self.modprobe.iter().map(|path| path.display().to_string());
        let words = modprobe.flat_map(|path| ["--modprobe".to_owned(), path]);
        Program::new(format!("{name}-{verb}")).args(words)
    }

    fn for_table(&self, program: Program) -> Program {
        let program = if self.counters { program.arg("--counters") } else { program };
        match self.table {
            Some(table) => program.args(["--table", table.as_str()]),
            None => program,
        }
    }

    /// The rules there are, of the table that the task names.
    fn now(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        Ok(lines(&tool::ask(host, &self.save())?, self.counters))
    }

    fn save(&self) -> Program {
        self.for_table(self.program("save"))
    }

    fn restore(&self) -> Program {
        let mut program = self.for_table(self.program("restore"));
        if let Some(wait) = self.wait {
            program = program.args(["--wait", &wait.to_string()]);
        }
        if self.noflush {
            program = program.arg("--noflush");
        }
        program.arg(self.path.display().to_string())
    }

    /// The rules in the file.
    fn wanted(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let path = self.path.display();
        let fault = |why: &str| Failure::new(format!("Source {path} {why}"));
        match host.metadata(&self.path)? {
            None => return Err(fault("not found")),
            Some(found) if !found.is_file() => return Err(fault("not a file")),
            Some(_) if !host.may(Access::Read, &self.path) => return Err(fault("not readable")),
            Some(_) => {}
        }
        let text =
            String::from_utf8_lossy(&host.read(&self.path)?.unwrap_or_default()).into_owned();
        let wanted = lines(&text, self.counters);
        if let Some(table) = self.table
            && !wanted.iter().any(|line| line.strip_prefix('*') == Some(table.as_str()))
        {
            return Err(Failure::new(format!(
                "Table {} to restore not defined in {path}",
                table.as_str()
            )));
        }
        Ok(wanted)
    }

    /// Whether the host would have other rules with those of the file.
    fn differs(&self, wanted: &[String], now: &[String]) -> bool {
        let (wanted, now) = (tables(wanted), tables(now));
        let is_meant = |name: &str| self.table.is_none_or(|table| table.as_str() == name);
        wanted.iter().any(|(name, rules)| is_meant(name) && now.get(name) != Some(rules))
    }

    fn unsuitable(&self, failure: Failure) -> Failure {
        let msg = match failure.msg.contains("xtables lock") {
            true => failure.msg.clone(),
            false => format!(
                "Source {} is not suitable for input to {}: {}",
                self.path.display(),
                self.program("restore").name,
                failure.msg
            ),
        };
        Failure { msg, ..failure }.with("applied", false)
    }

    fn answer(&self, before: &[String], after: &[String], changed: bool) -> Response {
        let by_table: JsonMap =
            tables(before).into_iter().map(|(name, rules)| (name, rules.into())).collect();
        let key = if self.state == State::Saved { "saved" } else { "restored" };
        let mut returned = JsonMap::from_iter([
            ("tables".to_owned(), Json::from(by_table)),
            ("initial_state".to_owned(), before.to_vec().into()),
            (key.to_owned(), after.to_vec().into()),
        ]);
        let program = match self.state {
            State::Saved => self.save(),
            State::Restored => self.restore(),
        };
        returned.insert("cmd".into(), program.line().into());
        if self.state == State::Restored {
            returned.insert("applied".into(), true.into());
        }
        Response { changed, returned, ..Response::default() }
    }

    /// The rules as the file should hold them.
    fn text(lines: &[String]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Action for IptablesState {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        if let Some(path) = &self.modprobe {
            let fault = |why| Failure::new(format!("modprobe {} {why}", path.display()));
            match host.metadata(path)? {
                None => return Err(fault("not found")),
                Some(found) if !found.is_file() => return Err(fault("not a file")),
                Some(_) if !host.may(Access::Execute, path) => return Err(fault("not executable")),
                Some(_) => {}
            }
        }
        let now = self.now(host)?;
        let (after, stays) = match self.state {
            State::Saved => {
                let kept = host.read(&self.path)?;
                let stays = kept.is_some_and(|kept| kept == Self::text(&now).as_bytes());
                (now.clone(), stays)
            }
            State::Restored => {
                let wanted = self.wanted(host)?;
                let mut test = self.restore();
                test.args.insert(0, "--test".into());
                tool::ask(host, &test).map_err(|failure| self.unsuitable(failure))?;
                let stays = !self.noflush && !self.differs(&wanted, &now);
                (now.clone(), stays)
            }
        };
        Ok(match stays {
            true => Guard::Stay(Box::new(self.answer(&now, &after, false))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let now = self.now(host)?;
        let after = match self.state {
            State::Saved => now.clone(),
            State::Restored => self.wanted(host)?,
        };
        let differs = self.state == State::Saved || self.differs(&after, &now);
        Ok(self.answer(&now, &after, differs))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let before = self.now(host)?;
        if self.state == State::Saved {
            make_folders(host, &self.path)?;
            let mode = match host.metadata(&self.path)? {
                Some(_) => None,
                None => Some(FileMode::new(0o600)),
            };
            let placement = Placement { mode, ..Placement::default() };
            host.write(&self.path, &mut Self::text(&before).as_bytes(), &placement)?;
            return Ok(self.answer(&before, &before, true));
        }
        tool::run(host, &self.restore()).map_err(|failure| self.unsuitable(failure))?;
        let after = self.now(host)?;
        Ok(self.answer(&before, &after, tables(&before) != tables(&after)))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    const RULES: &str = "# Generated by iptables-save v1.8 on Sat Nov 21 14:00:00 2026\n*filter\n:INPUT ACCEPT [12:345]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n# Completed on Sat\n";

    /// iptables whose rules are a file.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/kernel", RULES);
        host.put("/kept", RULES.replace("12:345", "9:9").replace("14:00", "15:00"));
        host.put("/other", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
        host.put("/broken", "*filter\nwhat\n");
        host.program("iptables-save", |files, _| Output::success(files.text("/kernel").unwrap()));
        host.program("iptables-restore", |files, program| {
            let text = files.text(program.args.last().unwrap()).unwrap();
            if !text.contains("COMMIT") {
                return Output::failure(2, "line 2 failed");
            }
            if program.args[0] != "--test" {
                files.put("/kernel", text);
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn rules_are_saved_and_put_back() {
        let mut host = host();
        for (args, changed) in [
            (json!({"state": "saved", "path": "/new/rules"}), true),
            (json!({"state": "saved", "path": "/new/rules"}), false),
            (json!({"state": "restored", "path": "/kept"}), false),
            (json!({"state": "restored", "path": "/kept", "counters": true}), true),
            (json!({"state": "restored", "path": "/other", "table": "filter"}), true),
            (json!({"state": "restored", "path": "/other"}), false),
            (json!({"state": "restored", "path": "/new/rules", "wait": 5}), true),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("iptables_state", &args, "", "", check, &mut host);
            let done = run("iptables_state", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
        let kept = host.files.text("/new/rules").unwrap();
        assert!(
            kept.starts_with("# Generated by iptables-save v1.8\n*filter\n:INPUT ACCEPT [0:0]\n"),
            "{kept}"
        );
    }

    #[test]
    fn what_cannot_be_put_back_is_refused() {
        for (args, words) in [
            (json!({"state": "restored", "path": "/none"}), "Source /none not found"),
            (json!({"state": "restored", "path": "/"}), "Source / not a file"),
            (
                json!({"state": "restored", "path": "/kept", "table": "nat"}),
                "Table nat to restore not defined in /kept",
            ),
            (
                json!({"state": "restored", "path": "/broken"}),
                "is not suitable for input to iptables-restore",
            ),
            (
                json!({"state": "restored", "path": "/kept", "modprobe": "/none"}),
                "modprobe /none not found",
            ),
            (json!({"state": "kept", "path": "/kept"}), "value of state must be one of"),
        ] {
            let msg = run("iptables_state", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
