//! Services that are init scripts.

use std::{path::Path, time::Duration};

use module::{Delta, Failure, Host, Program, glob, path::split_words};
use protocol::JsonMap;

use super::wanted::{Setting, State, missing};

/// An init script.
pub struct SysV {
    pub name: String,
    pub state: Option<State>,
    pub enabled: Option<bool>,
    /// Seconds.
    pub sleep: Option<u32>,
    /// Words of the service's line in `ps`.
    pub pattern: Option<String>,
    pub arguments: String,
    /// Runlevels in which it is started; those of the script where there are none.
    pub runlevels: Vec<String>,
    /// Whether the script itself has to be detached.
    pub daemonize: bool,
}

impl SysV {
    fn script(&self) -> String {
        format!("/etc/init.d/{}", self.name)
    }

    /// What is and what should be.
    ///
    /// # Errors
    /// A script that is not there.
    pub fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        if self.name.contains('/') || host.metadata(Path::new(&self.script()))?.is_none() {
            return Err(missing(&self.name));
        }
        let mut delta = Delta::new(Setting::default(), Setting::default());
        if let Some(enabled) = self.enabled {
            let is_started_in = |levels: &str| -> Result<bool, Failure> {
                let links = glob::find(host, &format!("/etc/rc{levels}.d/S??{}", self.name))?;
                Ok(!links.is_empty())
            };
            let mut is_enabled = Some(is_started_in("[2345]")?);
            for (at, level) in self.runlevels.iter().enumerate() {
                let here = is_started_in(level)?;
                // Runlevels that do not agree are neither.
                is_enabled =
                    if at == 0 { Some(here) } else { is_enabled.filter(|all| *all == here) };
            }
            delta.actual.enabled = is_enabled;
            delta.desired.enabled = Some(enabled);
        }
        if let Some(state) = self.state {
            let is_running = self.is_running(host)?;
            delta.steps.extend(state.action(is_running).map(str::to_owned));
        }
        Ok(delta)
    }

    fn is_running(&self, host: &dyn Host) -> Result<bool, Failure> {
        if let Some(pattern) = &self.pattern {
            let output = host.query(&Program::new("ps").args(["-e", "-o", "pid,args"]))?;
            return Ok(output.stdout_text().lines().any(|line| line.contains(pattern.as_str())));
        }
        let output = host.query(&Program::new(self.script()).arg("status"))?;
        Ok(output.is_success())
    }

    /// Does what the delta says.
    ///
    /// # Errors
    /// What the script refuses.
    pub fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        if delta.actual.enabled != delta.desired.enabled {
            self.set_enabled(host, delta.desired.enabled == Some(true))?;
        }
        for verb in &delta.steps {
            // Scripts differ in what they make of a restart.
            if verb == "restart" {
                self.execute(host, "stop")?;
                host.pause(Duration::from_secs(self.sleep.unwrap_or_default().into()))?;
                self.execute(host, "start")?;
            } else {
                self.execute(host, verb)?;
            }
        }
        Ok(JsonMap::new())
    }

    fn set_enabled(&self, host: &mut dyn Host, enabled: bool) -> Result<(), Failure> {
        let name = self.name.as_str();
        let levels = self.runlevels.iter().map(String::as_str);
        let verb = if enabled { "enable" } else { "disable" };
        let programs = if host.which("update-rc.d").is_some() {
            match enabled {
                _ if !self.runlevels.is_empty() => {
                    vec![Program::new("update-rc.d").args([name, verb]).args(levels)]
                }
                true => vec![
                    Program::new("update-rc.d").args([name, "defaults"]),
                    Program::new("update-rc.d").args([name, "enable"]),
                ],
                false => vec![Program::new("update-rc.d").args([name, "disable"])],
            }
        } else if host.which("chkconfig").is_some() {
            let word = if enabled { "on" } else { "off" };
            let joined: String = levels.collect();
            let program = Program::new("chkconfig");
            let program =
                if joined.is_empty() { program } else { program.args(["--level", &joined]) };
            vec![program.args([name, word])]
        } else {
            return Err(Failure::new(format!(
                "cannot set the start of {} at boot: there is neither update-rc.d nor chkconfig",
                self.name
            )));
        };
        for program in programs {
            let output = host.execute(&program)?;
            module::host::succeeded(&program, output)?;
        }
        Ok(())
    }

    fn execute(&self, host: &mut dyn Host, verb: &str) -> Result<(), Failure> {
        let words = split_words(&self.arguments).map_err(Failure::new)?;
        let program = match self.daemonize {
            true => Program::new("setsid").arg("-f").arg(self.script()),
            false => Program::new(self.script()),
        };
        let program = program.arg(verb).args(words);
        let output = host.execute(&program)?;
        module::host::succeeded(&program, output)?;
        Ok(())
    }
}
