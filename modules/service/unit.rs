//! What systemd says of a unit, and what is done about it.

use module::{Failure, Host, HostError, Program};
use protocol::JsonMap;
use serde::Serialize;

/// Which of systemd's managers is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, module::Choices)]
pub enum Scope {
    #[default]
    System,
    User,
    Global,
}

/// A unit of one manager.
#[derive(Clone, Debug)]
pub struct Unit {
    pub name: String,
    pub scope: Scope,
    /// Whether only the queueing of jobs is waited for.
    pub no_block: bool,
    /// Whether links of others are overwritten.
    pub force: bool,
}

/// What a unit is like now.
#[derive(Clone, Debug)]
pub struct Found {
    /// All properties, empty where the manager does not run.
    pub status: JsonMap,
    /// Whether there is a unit or an init script of that name.
    pub is_known: bool,
    /// Whether no manager answers, but links can be read and set.
    pub is_offline: bool,
    pub masked: bool,
    pub enabled: Enabled,
}

/// Whether a unit is started at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Enabled {
    Yes,
    No,
    /// It has no `[Install]` section: others start it, and it can be neither enabled nor disabled.
    Fixed,
}

impl Unit {
    /// The words that stand before a verb.
    pub fn systemctl(&self) -> Program {
        let program = Program::new("systemctl");
        match self.scope {
            Scope::System => program,
            Scope::User => program.arg("--user"),
            Scope::Global => program.arg("--global"),
        }
    }

    /// A verb about this unit.
    fn verb(&self, verb: &str) -> Program {
        let mut program = self.systemctl();
        if self.no_block {
            program = program.arg("--no-block");
        }
        if self.force {
            program = program.arg("--force");
        }
        program.args([verb, "--", &self.name])
    }

    /// Asks once for all there is to know.
    ///
    /// # Errors
    /// No `systemctl`, or a manager that refuses to speak.
    pub fn read(&self, host: &dyn Host) -> Result<Found, Failure> {
        // The users' manager of all users has links and no state.
        let mut found = if self.scope == Scope::Global {
            self.read_links(host)?
        } else {
            let output = host.query(&self.systemctl().args(["show", "--", &self.name]))?;
            let text = output.stdout_text();
            let said = format!("{text}{}", output.stderr_text());
            if output.is_success() && !is_ignored(&said) && text.contains("LoadState=") {
                self.parse(host, &text)?
            } else if is_offline(&said) {
                self.read_links(host)?
            } else {
                return Err(Failure::from(HostError::Status {
                    line: self.systemctl().args(["show", &self.name]).line(),
                    status: output.status,
                    stdout: text,
                    stderr: output.stderr_text(),
                }));
            }
        };
        found.is_known |= self.scope == Scope::System && has_init_script(host, &self.name)?;
        Ok(found)
    }

    fn parse(&self, host: &dyn Host, text: &str) -> Result<Found, Failure> {
        let status = parse_status(text);
        let value =
            |key: &str| status.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        let load = value("LoadState");
        let masked = load == "masked";
        let enabled = match value("UnitFileState") {
            "enabled" => Enabled::Yes,
            "static" | "transient" => Enabled::Fixed,
            "disabled" | "masked" | "masked-runtime" | "enabled-runtime" | "linked"
            | "linked-runtime" | "bad" => Enabled::No,
            // Other units stand for it: it is enabled where links to them are there.
            "indirect" | "alias" => self.query_links(host)?,
            // Links of init scripts are not the manager's own.
            _ if load != "not-found" => self.query_enabled(host)?,
            _ => Enabled::No,
        };
        // A template's instance and such are known without a file.
        let is_known = !matches!(load, "not-found" | "error" | "bad-setting");
        Ok(Found { is_known, is_offline: false, masked, enabled, status })
    }

    /// What links alone tell.
    fn read_links(&self, host: &dyn Host) -> Result<Found, Failure> {
        let output = host.query(&self.systemctl().args(["is-enabled", "--", &self.name]))?;
        let text = output.stdout_text();
        let state = text.lines().last().unwrap_or_default().trim().to_owned();
        let enabled = parse_enabled(&state, output.is_success());
        Ok(Found {
            status: JsonMap::new(),
            is_known: !state.is_empty() && state != "not-found",
            is_offline: true,
            masked: state.starts_with("masked"),
            enabled,
        })
    }

    fn query_links(&self, host: &dyn Host) -> Result<Enabled, Failure> {
        let program = self.systemctl().args(["is-enabled", "--full", "--", &self.name]);
        let output = host.query(&program)?;
        let has_links = output.is_success() && output.stdout_text().trim_end().contains('\n');
        Ok(if has_links { Enabled::Yes } else { Enabled::No })
    }

    fn query_enabled(&self, host: &dyn Host) -> Result<Enabled, Failure> {
        let output = host.query(&self.systemctl().args(["is-enabled", "--", &self.name]))?;
        let text = output.stdout_text();
        let state = text.lines().last().unwrap_or_default().trim();
        Ok(parse_enabled(state, output.is_success()))
    }

    /// Runs a verb about this unit.
    ///
    /// # Errors
    /// What systemd refuses.
    pub fn execute(&self, host: &mut dyn Host, verb: &str) -> Result<(), Failure> {
        let output = host.execute(&self.verb(verb))?;
        if output.is_success() {
            return Ok(());
        }
        let said = format!("{}{}", output.stdout_text(), output.stderr_text());
        Err(Failure::new(format!("Unable to {verb} service {}: {said}", self.name)))
    }

    /// Runs a verb about the manager itself.
    ///
    /// # Errors
    /// What systemd refuses; a manager that does not run has nothing to read again.
    pub fn execute_manager(&self, host: &mut dyn Host, verb: &str) -> Result<(), Failure> {
        let program = self.systemctl().arg(verb);
        let output = host.execute(&program)?;
        let said = format!("{}{}", output.stdout_text(), output.stderr_text());
        if !output.is_success() && is_offline(&said) {
            return Ok(());
        }
        match output.is_success() {
            true => Ok(()),
            false => {
                let (status, why) = (output.status, output.stderr_text());
                Err(Failure::new(format!("failure {status} during {verb}: {why}")))
            }
        }
    }
}

fn is_ignored(said: &str) -> bool {
    said.contains("ignoring request") || said.contains("ignoring command")
}

fn is_offline(said: &str) -> bool {
    is_ignored(said)
        || said.contains("System has not been booted with systemd")
        || said.contains("Failed to connect to bus")
        || said.contains("Failed to get D-Bus connection")
}

fn parse_enabled(state: &str, is_success: bool) -> Enabled {
    match state {
        "static" | "transient" => Enabled::Fixed,
        "indirect" | "alias" | "enabled-runtime" => Enabled::No,
        _ if is_success => Enabled::Yes,
        _ => Enabled::No,
    }
}

/// Whether an init script of that name is there, which systemd makes a unit of.
fn has_init_script(host: &dyn Host, name: &str) -> Result<bool, Failure> {
    let name = name.strip_suffix(".service").unwrap_or(name);
    if name.is_empty() || name.contains('/') {
        return Ok(false);
    }
    let path = format!("/etc/init.d/{name}");
    Ok(host.metadata(std::path::Path::new(&path))?.is_some())
}

/// `KEY=value` lines; values of the `Exec` family go on over several lines where they hold such.
fn parse_status(text: &str) -> JsonMap {
    let mut status = JsonMap::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((key, mut value)) = open.take() {
            value.push('\n');
            value.push_str(line);
            if line.trim_end().ends_with('}') {
                status.insert(key, value.trim().into());
            } else {
                open = Some((key, value));
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let is_open = key.starts_with("Exec")
            && value.trim_start().starts_with('{')
            && !value.trim_end().ends_with('}');
        if is_open {
            open = Some((key.to_owned(), value.to_owned()));
        } else {
            status.insert(key.to_owned(), value.trim().into());
        }
    }
    if let Some((key, value)) = open {
        status.insert(key, value.trim().into());
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read() {
        let status = parse_status(
            "Id=a.service\nExecStart={ path=/bin/sh ; argv[]=/bin/sh -c a\nb ; }\nX=1=2\nbroken\nY=\n",
        );
        assert_eq!(status["ExecStart"], "{ path=/bin/sh ; argv[]=/bin/sh -c a\nb ; }");
        assert_eq!((&status["X"], &status["Y"]), (&"1=2".into(), &"".into()));
        assert_eq!(status.len(), 4);
    }

    #[test]
    fn states_of_unit_files_are_told_apart() {
        for (state, is_success, expected) in [
            ("enabled", true, Enabled::Yes),
            ("generated", true, Enabled::Yes),
            ("static", true, Enabled::Fixed),
            ("indirect", true, Enabled::No),
            ("alias", true, Enabled::No),
            ("disabled", false, Enabled::No),
            ("masked", false, Enabled::No),
            ("", false, Enabled::No),
        ] {
            assert_eq!(parse_enabled(state, is_success), expected, "{state}");
        }
    }
}
