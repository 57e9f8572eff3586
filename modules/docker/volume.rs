//! The `docker_volume` module of the collection `community.docker`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Diff, Json, JsonMap, Response, diff::Side};
use serde_json::json;

use super::{Engine, at, escape, labels, texts};
use crate::presence::Presence;

/// Keeps a volume of the engine's.
#[derive(Debug, Arguments)]
pub struct DockerVolume {
    /// The volume.
    #[argument(aliases("name"))]
    volume_name: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Who keeps it.
    #[argument(default = "local")]
    driver: String,
    /// What that is told.
    driver_options: Option<JsonMap>,
    /// What is said of it.
    labels: Option<JsonMap>,
    /// Whether a volume that is there is made anew; what it holds is lost.
    #[argument(default = "never")]
    recreate: Recreate,
    #[argument(flatten)]
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Recreate {
    Always,
    Never,
    #[choice("options-changed")]
    OptionsChanged,
}

impl Documented for DockerVolume {
    const NAME: &'static str = "community.docker.docker_volume";
    const ALIASES: &'static [&'static str] = &["docker_volume"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A volume", args: r#"{"name": "db"}"# },
        Example { title: "No volume", args: r#"{"name": "db", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("volume", "What the engine knows of it.", "present", r#"{"Name": "db"}"#)];
}

impl DockerVolume {
    fn path(&self) -> String {
        format!("/volumes/{}", escape(&self.volume_name))
    }

    fn find(&self, host: &dyn Host) -> Result<Option<Json>, Failure> {
        self.engine.find(host, &self.path())
    }

    fn differs(&self, found: &Json) -> Result<bool, Failure> {
        let has_all = |wanted: Option<JsonMap>, place: &str| {
            wanted.into_iter().flatten().all(|(name, value)| at(found, &[place, &name]) == &value)
        };
        let wanted = self.labels.as_ref().map(|all| labels(all, "labels")).transpose()?;
        Ok(at(found, &["Driver"]) != &Json::from(self.driver.as_str())
            || !has_all(self.driver_options.as_ref().map(texts), "Options")
            || !has_all(wanted, "Labels"))
    }

    /// What is to be done, in words.
    fn steps(&self, found: Option<&Json>) -> Result<Vec<String>, Failure> {
        let removal = format!("Removed volume {}", self.volume_name);
        let creation = format!("Created volume {} with driver {}", self.volume_name, self.driver);
        let Some(found) = found else {
            return Ok(if self.state.is_present() { vec![creation] } else { Vec::new() });
        };
        if !self.state.is_present() {
            return Ok(vec![removal]);
        }
        let is_anew = match self.recreate {
            Recreate::Always => true,
            Recreate::Never => false,
            Recreate::OptionsChanged => self.differs(found)?,
        };
        Ok(if is_anew { vec![removal, creation] } else { Vec::new() })
    }

    fn answer(&self, steps: &[String], volume: Option<&Json>, had: bool, tells: bool) -> Response {
        let mut returned = JsonMap::new();
        if self.state.is_present() {
            returned.insert("volume".into(), volume.cloned().into());
        }
        if tells || self.engine.debug {
            returned.insert("actions".into(), steps.into());
        }
        let side = |exists: bool| Side::State(json!({"exists": exists}));
        let mut response = Response { changed: !steps.is_empty(), returned, ..Response::default() };
        if response.changed {
            let after = side(self.state.is_present());
            response.diff = vec![Diff { before: side(had), after, ..Diff::default() }];
        }
        response
    }
}

impl Action for DockerVolume {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        let found = self.find(host)?;
        let steps = self.steps(found.as_ref())?;
        if !steps.is_empty() {
            return Ok(Guard::Go);
        }
        let answer = self.answer(&steps, found.as_ref(), found.is_some(), mode.check);
        Ok(Guard::Stay(Box::new(answer)))
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.find(host)?;
        Ok(self.answer(&self.steps(found.as_ref())?, found.as_ref(), found.is_some(), true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let found = self.find(host)?;
        let steps = self.steps(found.as_ref())?;
        if found.is_some() {
            self.engine.delete(host, &self.path())?;
        }
        if self.state.is_present() {
            let mut body = json!({"Name": self.volume_name, "Driver": self.driver});
            if let Some(options) = &self.driver_options {
                body["DriverOpts"] = texts(options).into();
            }
            if let Some(all) = &self.labels {
                body["Labels"] = labels(all, "labels")?.into();
            }
            self.engine.post(host, "/volumes/create", &body)?;
        }
        let now = self.find(host)?;
        Ok(self.answer(&steps, now.as_ref(), found.is_some(), false))
    }
}
