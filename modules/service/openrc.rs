//! Services that OpenRC runs.

use std::{path::Path, time::Duration};

use module::{Delta, Failure, Host, Program, path::split_words};
use protocol::JsonMap;

use super::wanted::{Setting, State, missing};

/// A service of OpenRC.
pub struct OpenRc {
    pub name: String,
    pub state: Option<State>,
    pub enabled: Option<bool>,
    pub runlevel: String,
    /// Seconds.
    pub sleep: Option<u32>,
    pub arguments: String,
}

impl OpenRc {
    /// What is and what should be.
    ///
    /// # Errors
    /// A service that is not there.
    pub fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        let script = format!("/etc/init.d/{}", self.name);
        if self.name.contains('/') || host.metadata(Path::new(&script))?.is_none() {
            return Err(missing(&self.name));
        }
        let mut delta = Delta::new(Setting::default(), Setting::default());
        if let Some(enabled) = self.enabled {
            let link = format!("/etc/runlevels/{}/{}", self.runlevel, self.name);
            delta.actual.enabled = Some(host.link_metadata(Path::new(&link))?.is_some());
            delta.desired.enabled = Some(enabled);
        }
        if let Some(state) = self.state {
            let status = host.query(&Program::new("rc-service").args([&self.name, "status"]))?;
            delta.steps.extend(state.action(status.is_success()).map(str::to_owned));
        }
        Ok(delta)
    }

    /// Does what the delta says.
    ///
    /// # Errors
    /// What OpenRC refuses.
    pub fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        if delta.actual.enabled != delta.desired.enabled {
            let verb = if delta.desired.enabled == Some(true) { "add" } else { "delete" };
            let program = Program::new("rc-update").args([verb, &self.name, &self.runlevel]);
            let output = host.execute(&program)?;
            module::host::succeeded(&program, output)?;
        }
        for verb in &delta.steps {
            match self.sleep {
                Some(secs) if verb == "restart" => {
                    self.execute(host, "stop")?;
                    host.pause(Duration::from_secs(secs.into()))?;
                    self.execute(host, "start")?;
                }
                _ => self.execute(host, verb)?,
            }
        }
        Ok(JsonMap::new())
    }

    fn execute(&self, host: &mut dyn Host, verb: &str) -> Result<(), Failure> {
        let words = split_words(&self.arguments).map_err(Failure::new)?;
        let program = Program::new("rc-service").arg(&self.name).args(words).arg(verb);
        let output = host.execute(&program)?;
        module::host::succeeded(&program, output)?;
        Ok(())
    }
}
