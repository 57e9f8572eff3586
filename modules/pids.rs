//! The `pids` module of the collection `community.general`.

use std::path::Path;

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{JsonMap, Response};
use pyregex::{Flags, Pattern};

/// Reads the IDs of processes by their names.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["name", "pattern"]), mutually_exclusive(["name", "pattern"]))]
pub struct Pids {
    /// The name, or the first word of the command; large and small letters are the same.
    name: Option<String>,
    /// A regular expression that is found in the name, the file's name or the command.
    pattern: Option<String>,
    /// Whether large and small letters are the same to the pattern.
    #[argument(default = false)]
    ignore_case: bool,
}

impl Documented for Pids {
    const NAME: &'static str = "community.general.pids";
    const ALIASES: &'static [&'static str] = &["pids"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "By name", args: r#"{"name": "python"}"# },
        Example {
            title: "By pattern",
            args: r#"{"pattern": "python(2|3)\\.\\d", "ignore_case": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("pids", "The IDs.", "always", "[100, 200]")];
}

/// A process.
struct Process {
    id: u32,
    name: String,
    /// The name of its file.
    file: String,
    command: Vec<String>,
}

/// Letters of a name that the kernel keeps.
const NAME_BYTES_MAX: usize = 15;

fn processes(host: &dyn Host) -> Result<Vec<Process>, Failure> {
    let mut all = Vec::new();
    for folder in host.list(Path::new("/proc"))? {
        let Some(id) = folder.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let place = Path::new("/proc").join(folder);
        // One that has ended meanwhile is none.
        let Ok(Some(command)) = host.read(&place.join("cmdline")) else { continue };
        let Ok(Some(name)) = host.read(&place.join("comm")) else { continue };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut command: Vec<String> = command.split(|byte| *byte == 0).map(text).collect();
        command.pop_if(|last| last.is_empty());
        let mut name = text(&name).trim_end().to_owned();
        // The kernel cuts names; the command may have the whole of it.
        let first = command.first().map(String::as_str).unwrap_or_default();
        let whole = first.rsplit('/').next().unwrap_or_default();
        if name.len() >= NAME_BYTES_MAX && whole.starts_with(&name) {
            whole.clone_into(&mut name);
        }
        let file = host.read_link(&place.join("exe")).ok();
        let file = file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
        let file = file.unwrap_or_default().into_owned();
        all.push(Process { id, name, file, command });
    }
    all.sort_by_key(|process| process.id);
    Ok(all)
}

impl Fact for Pids {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let pattern = match &self.pattern {
            None => None,
            Some(text) => {
                let flags = Flags { ignore_case: self.ignore_case, ..Flags::default() };
                Some(Pattern::new(text, flags).map_err(|why| {
                    Failure::new(format!("'{text}' is not a valid regular expression: {why}"))
                })?)
            }
        };
        let name = self.name.as_deref().unwrap_or_default().to_lowercase();
        let mut ids: Vec<u32> = Vec::new();
        for process in processes(host)? {
            let is_meant = match &pattern {
                None => {
                    let first = process.command.first().map(|word| word.to_lowercase());
                    process.name.to_lowercase() == name || first.as_ref() == Some(&name)
                }
                Some(pattern) => {
                    let texts = [process.name, process.file, process.command.join(" ")];
                    texts
                        .iter()
                        .any(|text| !text.is_empty() && pattern.is_match(text).unwrap_or(false))
                }
            };
            ids.extend(is_meant.then_some(process.id));
        }
        let returned = JsonMap::from_iter([("pids".to_owned(), ids.into())]);
        Ok(Response { returned, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn processes_are_found() {
        let mut host = FakeHost::default();
        for (id, name, command) in [
            (1, "systemd", "/sbin/init\0"),
            (20, "a-long-name-of-", "/usr/bin/a-long-name-of-a-daemon\0-x\0"),
            (30, "Python3", "python3.11\0/srv/app.py\0"),
            (40, "kworker", ""),
        ] {
            host.put(&format!("/proc/{id}/comm"), format!("{name}\n"));
            host.put(&format!("/proc/{id}/cmdline"), command);
        }
        host.put("/proc/self/comm", "x");
        for (args, ids) in [
            (json!({"name": "SYSTEMD"}), json!([1])),
            (json!({"name": "/sbin/init"}), json!([1])),
            (json!({"name": "a-long-name-of-a-daemon"}), json!([20])),
            (json!({"name": "python"}), json!([])),
            (json!({"pattern": "python3\\.\\d+ .*app"}), json!([30])),
            (json!({"pattern": "^python3$"}), json!([])),
            (json!({"pattern": "^PYTHON3$", "ignore_case": true}), json!([30])),
            (json!({"pattern": "worker|init"}), json!([1, 40])),
        ] {
            let done = run("pids", &args, "", "", Mode::default(), &mut host);
            assert_eq!(done.returned["pids"], ids, "{args}: {done:?}");
        }
        for (args, words) in [
            (json!({}), "name"),
            (json!({"name": "a", "pattern": "b"}), "mutually exclusive"),
            (json!({"pattern": "("}), "not a valid regular expression"),
        ] {
            let done = run("pids", &args, "", "", Mode::default(), &mut host);
            assert!(done.failed && done.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
