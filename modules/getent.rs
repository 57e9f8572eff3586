//! The `getent` module.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Program, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};

/// Reads a database of the host's name service (users, groups, hosts, services …) into facts.
#[derive(Debug, Arguments)]
pub struct Getent {
    /// The database: `passwd`, `group`, `hosts`, `services` or another that the host has.
    database: String,
    /// What to look for; left out, all there is.
    key: Option<String>,
    /// Which service is asked instead of those that the host is set to.
    service: Option<String>,
    /// What stands between fields; `:` for `passwd`, `shadow`, `group` and `gshadow`, else blanks.
    split: Option<String>,
    /// Whether a key that is not there is a failure.
    #[argument(default = true)]
    fail_key: bool,
}

impl Documented for Getent {
    const NAME: &'static str = "ansible.builtin.getent";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A user", args: r#"{"database": "passwd", "key": "root"}"# },
        Example {
            title: "Perhaps a group",
            args: r#"{"database": "group", "key": "nosuch", "fail_key": false}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "ansible_facts",
        "`getent_DATABASE`: what stands behind each key.",
        "always",
        r#"{"getent_passwd": {"root": ["x", "0", "0", "root", "/root", "/bin/bash"]}}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for Getent {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut program = Program::new("getent");
        if let Some(service) = &self.service {
            program = program.args(["-s", service]);
        }
        program = program.args(["--", &self.database]);
        if let Some(key) = &self.key {
            program = program.arg(key);
        }
        let output = host.query(&program)?;
        let entries = match output.status {
            0 => self.parse(&output.stdout_text()),
            2 if !self.fail_key => {
                let mut missing = JsonMap::new();
                missing.insert(self.key.clone().unwrap_or_default(), Json::Null);
                missing
            }
            status => {
                return Err(Failure::new(match status {
                    1 => "Missing arguments, or database unknown.".into(),
                    2 => "One or more supplied key could not be found in the database.".into(),
                    3 => "Enumeration not supported on this database.".into(),
                    other => {
                        format!("getent ended with status {other}: {}", output.stderr_text().trim())
                    }
                })
                .with("rc", status));
            }
        };
        let mut response = Response::default();
        response.facts.insert(format!("getent_{}", self.database), entries.into());
        Ok(response)
    }
}

impl Getent {
    fn parse(&self, text: &str) -> JsonMap {
        let colon = ["passwd", "shadow", "group", "gshadow"].contains(&self.database.as_str());
        let separator = self.split.as_deref().or(colon.then_some(":"));
        let mut entries = JsonMap::new();
        for line in text.lines() {
            let fields: Vec<&str> = match separator {
                Some(separator) => line.split(separator).collect(),
                None => line.split_whitespace().collect(),
            };
            let Some((key, rest)) = fields.split_first() else { continue };
            let rest = Json::from(rest.to_vec());
            // What comes several times becomes a list of its lines.
            match entries.get_mut(*key) {
                None => {
                    entries.insert((*key).into(), rest);
                }
                Some(Json::Array(known)) if known.first().is_some_and(Json::is_array) => {
                    known.push(rest);
                }
                Some(known) => *known = Json::Array(vec![known.take(), rest]),
            }
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.program("getent", |_, program| match program.args.join(" ").as_str() {
            "-- passwd root" => Output::success("root:x:0:0:root:/root:/bin/bash\n"),
            "-- services" => {
                Output::success("domain 53/tcp\nntp 123/udp\ndomain 53/udp\ndomain 53/x\n")
            }
            "-s files -- hosts a" => Output::success("127.0.0.1 a b\n"),
            "-- nosuch" => Output::failure(1, ""),
            _ => Output::failure(2, ""),
        });
        host
    }

    #[test]
    fn databases_become_facts() {
        for (args, expected) in [
            (
                json!({"database": "passwd", "key": "root"}),
                json!({"getent_passwd": {"root": ["x", "0", "0", "root", "/root", "/bin/bash"]}}),
            ),
            (
                json!({"database": "services"}),
                json!({"getent_services": {"domain": [["53/tcp"], ["53/udp"], ["53/x"]], "ntp": ["123/udp"]}}),
            ),
            (
                json!({"database": "hosts", "key": "a", "service": "files"}),
                json!({"getent_hosts": {"127.0.0.1": ["a", "b"]}}),
            ),
            (
                json!({"database": "group", "key": "x", "fail_key": false}),
                json!({"getent_group": {"x": null}}),
            ),
        ] {
            let response = run("getent", &args, "", "", Mode::default(), &mut host());
            assert_eq!(json!(response.facts), expected, "{response:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_a_failure() {
        for (args, expected) in [
            (json!({"database": "nosuch"}), "Missing arguments, or database unknown."),
            (
                json!({"database": "group", "key": "x"}),
                "One or more supplied key could not be found in the database.",
            ),
        ] {
            let response = run("getent", &args, "", "", Mode::default(), &mut host());
            assert_eq!((response.failed, response.msg.as_deref()), (true, Some(expected)));
        }
    }
}
