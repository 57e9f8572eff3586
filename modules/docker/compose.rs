//! What the modules of Compose's projects share.

pub mod event;
pub mod pulling;
pub mod services;

use std::path::PathBuf;

use module::{Arguments, Failure, Host, Output, Program};
use protocol::{Json, JsonMap, Response};

use super::command_line::{CommandLine, Version, refused};
use event::Event;

/// The oldest Compose that is spoken to: the first that can try without doing.
const OLDEST: Version = Version(2, 18, 0);
/// Names that files of projects have where none is given.
const FILES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// A project.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["definition", "project_src"], ["definition", "files"]),
    required_one_of(["definition", "project_src"]),
    required_by(("definition", ["project_name"]))
)]
pub struct Project {
    /// The folder of the project.
    project_src: Option<PathBuf>,
    /// Its name; that of the folder where it is left out.
    project_name: Option<String>,
    /// Its files, as seen from the folder.
    #[argument(elements = "path")]
    files: Option<Vec<String>>,
    /// What would stand in its file; paths are seen from `/`.
    definition: Option<JsonMap>,
    /// Files of variables.
    #[argument(elements = "path")]
    env_files: Option<Vec<String>>,
    /// Profiles that are taken.
    profiles: Option<Vec<String>>,
    /// Whether a folder without a file of the usual names is a failure.
    #[argument(default = true)]
    check_files_existing: bool,
    #[argument(flatten)]
    client: CommandLine,
}

/// A project that has been looked at.
pub struct Session<'a> {
    project: &'a Project,
    pub version: Version,
}

/// What has come of orders.
#[derive(Debug, Default)]
pub struct Told {
    pub events: Vec<Event>,
    stdout: String,
    stderr: String,
}

impl Project {
    /// Looks at the project and at Compose.
    ///
    /// # Errors
    /// Files that are missing, and a Compose that is missing or too old.
    pub fn open(&self, host: &dyn Host) -> Result<Session<'_>, Failure> {
        let version = self.client.plugin(host, "compose")?;
        if version < OLDEST {
            return Err(Failure::new(format!(
                "Docker CLI has the compose plugin with version {}.{}.{}; need version {}.{}.{} or later",
                version.0, version.1, version.2, OLDEST.0, OLDEST.1, OLDEST.2
            )));
        }
        if let Some(folder) = &self.project_src {
            let shown = folder.display();
            if !host.metadata(folder)?.is_some_and(|found| found.is_dir()) {
                return Err(Failure::new(format!("\"{shown}\" is not a directory")));
            }
            for file in self.files.iter().flatten() {
                if host.metadata(&folder.join(file))?.is_none() {
                    return Err(Failure::new(format!(
                        "Cannot find Compose file \"{file}\" relative to project directory \"{shown}\""
                    )));
                }
            }
            if self.files.as_ref().is_none_or(Vec::is_empty) && self.check_files_existing {
                let mut found = false;
                for name in FILES {
                    found |= host.metadata(&folder.join(name))?.is_some();
                }
                if !found {
                    return Err(Failure::new(format!(
                        "\"{shown}\" does not contain compose.yaml, compose.yml, docker-compose.yaml, or docker-compose.yml"
                    )));
                }
            }
        }
        Ok(Session { project: self, version })
    }
}

impl Session<'_> {
    fn tells_json(&self) -> bool {
        self.version >= Version(2, 29, 0)
    }

    fn program(&self, words: &[String]) -> Result<Program, Failure> {
        let project = self.project;
        let mut all: Vec<String> = vec!["compose".into(), "--ansi".into(), "never".into()];
        if self.tells_json() {
            all.extend(["--progress".to_owned(), "json".to_owned()]);
        } else if self.version >= Version(2, 19, 0) {
            all.extend(["--progress".to_owned(), "plain".to_owned()]);
        }
        let folder = project.project_src.clone().unwrap_or_else(|| "/".into());
        all.extend(["--project-directory".to_owned(), folder.display().to_string()]);
        let given = |flag: &'static str, values: Option<&Vec<String>>| {
            values
                .into_iter()
                .flatten()
                .flat_map(move |value| [flag.to_owned(), value.clone()])
                .collect::<Vec<_>>()
        };
        if let Some(name) = &project.project_name {
            all.extend(["--project-name".to_owned(), name.clone()]);
        }
        if project.definition.is_some() {
            all.extend(["--file".to_owned(), "-".to_owned()]);
        }
        all.extend(given("--file", project.files.as_ref()));
        all.extend(given("--env-file", project.env_files.as_ref()));
        all.extend(given("--profile", project.profiles.as_ref()));
        let mut program = project.client.program(all)?.args(words.to_vec());
        program.folder = Some(folder);
        Ok(match &project.definition {
            // What is JSON is YAML.
            Some(definition) => program.stdin(Json::from(definition.clone()).to_string()),
            None => program,
        })
    }

    /// Gives an order, or has it tried.
    ///
    /// # Errors
    /// What Compose says went wrong.
    pub fn order(
        &self,
        told: &mut Told,
        words: &[String],
        mut run: impl FnMut(&Program) -> Result<Output, Failure>,
    ) -> Result<(), Failure> {
        let program = self.program(words)?;
        let output = run(&program)?;
        let stderr = output.stderr_text();
        let events = match self.tells_json() {
            true => event::from_json(&stderr),
            false => event::from_lines(&stderr),
        };
        let errors: Vec<String> =
            events.iter().filter(|event| event.status == "Error").map(Event::complaint).collect();
        if !output.is_success() || !errors.is_empty() {
            let failure = refused(&program, &output);
            let msg = if errors.is_empty() { failure.msg.clone() } else { errors.join("\n") };
            let msg = if msg.is_empty() { "Return code is non-zero".to_owned() } else { msg };
            return Err(Failure { msg, ..failure }.with("actions", actions(&events)));
        }
        told.events.extend(events);
        told.stdout.push_str(&output.stdout_text());
        told.stderr.push_str(&stderr);
        Ok(())
    }

    fn values(&self, host: &dyn Host, words: &[&str]) -> Result<Vec<Json>, Failure> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let program = self.program(&words)?;
        let output = host.query(&program)?;
        if !output.is_success() {
            return Err(refused(&program, &output));
        }
        let mut values = Vec::new();
        for value in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Json>() {
            match value {
                Ok(Json::Array(all)) => values.extend(all),
                // Compose 2.37 and later names images.
                Ok(Json::Object(map)) if map.values().all(Json::is_object) && !map.is_empty() => {
                    values.extend(map.into_iter().map(|(_, value)| value));
                }
                Ok(value) => values.push(value),
                Err(why) => {
                    return Err(Failure::new(format!("docker's answer cannot be read: {why}")));
                }
            }
        }
        Ok(values)
    }

    /// The project's containers, as Compose lists them.
    ///
    /// # Errors
    /// What Compose says.
    pub fn containers(&self, host: &dyn Host) -> Result<Vec<Json>, Failure> {
        let mut words = vec!["ps", "--format", "json", "--all"];
        if self.version >= Version(2, 23, 0) {
            words.push("--no-trunc");
        }
        let list = |text: Option<&str>| -> Json {
            text.unwrap_or_default().split(',').map(Json::from).collect::<Vec<_>>().into()
        };
        let mut all = self.values(host, &words)?;
        for one in all.iter_mut().filter_map(Json::as_object_mut) {
            let text = |name: &str| one.get(name).and_then(Json::as_str).map(str::to_owned);
            let labels: JsonMap = text("Labels")
                .iter()
                .flat_map(|labels| labels.split(','))
                .filter(|label| !label.is_empty())
                .map(|label| label.split_once('=').unwrap_or((label, "")))
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            let names = list(text("Names").or(text("Name")).as_deref());
            let networks = list(text("Networks").as_deref());
            one.insert("Labels".into(), labels.into());
            one.insert("Names".into(), names);
            one.insert("Networks".into(), networks);
            if one.get("Publishers").is_none_or(Json::is_null) {
                one.insert("Publishers".into(), Json::Array(Vec::new()));
            }
        }
        Ok(all)
    }

    /// The images of its containers.
    ///
    /// # Errors
    /// What Compose says.
    pub fn images(&self, host: &dyn Host) -> Result<Vec<Json>, Failure> {
        self.values(host, &["images", "--format", "json"])
    }
}

/// What was done, as playbooks see it.
fn actions(events: &[Event]) -> Vec<Json> {
    let mut all: Vec<Json> = Vec::new();
    for event in events.iter().filter(|event| event.is_work() || event.is_layer_work()) {
        let action = serde_json::json!({
            "what": event.what, "id": event.id, "status": event.status,
        });
        // Layers tell of their progress many times.
        if !(event.is_layer_work() && all.contains(&action)) {
            all.push(action);
        }
    }
    all
}

impl Told {
    /// The answer. What is said to be ignored does not count as a change.
    pub fn answer(self, ignores: impl Fn(&Event) -> bool) -> Response {
        let changes = |event: &Event| event.is_layer_work() || event.is_work() && !ignores(event);
        let mut response =
            Response { changed: self.events.iter().any(changes), ..Response::default() };
        response.returned.insert("actions".into(), actions(&self.events).into());
        for (name, text) in [("stdout", self.stdout), ("stderr", self.stderr)] {
            if !text.is_empty() {
                response.returned.insert(name.into(), text.into());
            }
        }
        let warnings = self.events.iter().filter(|event| event.status == "Warning");
        response.warnings = warnings.map(Event::complaint).collect();
        response
    }
}
