//! The `composer` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
    path::split_words,
};
use protocol::{Json, JsonMap, Response, spec::Support};

/// What Composer says where there was nothing to do.
const NOTHING: [&str; 2] = ["Nothing to install or update", "Nothing to install, update or remove"];

/// Runs Composer, which keeps packages of PHP.
#[derive(Debug, Arguments)]
#[arguments(required_if(("global_command", false, ["working_dir"])))]
pub struct Composer {
    /// What it is to do.
    #[argument(default = "install")]
    command: String,
    /// More words for that.
    #[argument(default = "")]
    arguments: String,
    /// The program of PHP.
    #[argument(aliases("php_path"))]
    executable: Option<PathBuf>,
    /// The program of Composer.
    composer_executable: Option<PathBuf>,
    /// The folder of the project.
    working_dir: Option<PathBuf>,
    /// Whether it is about packages for all.
    #[argument(default = false)]
    global_command: bool,
    /// Whether packages come from their sources.
    #[argument(default = false)]
    prefer_source: bool,
    /// Whether they come as archives.
    #[argument(default = false)]
    prefer_dist: bool,
    /// Whether what only development needs is left out.
    #[argument(default = true)]
    no_dev: bool,
    /// Whether scripts are not run.
    #[argument(default = false)]
    no_scripts: bool,
    /// Whether plugins are not loaded.
    #[argument(default = false)]
    no_plugins: bool,
    /// Whether classes are looked for faster.
    #[argument(default = true)]
    optimize_autoloader: bool,
    /// Whether they are looked for in its map alone.
    #[argument(default = false)]
    classmap_authoritative: bool,
    /// Whether APCu keeps where they are.
    #[argument(default = false)]
    apcu_autoloader: bool,
    /// Whether it does not count what the host lacks.
    #[argument(default = false)]
    ignore_platform_reqs: bool,
}

impl Documented for Composer {
    const NAME: &'static str = "community.general.composer";
    const ALIASES: &'static [&'static str] = &["composer"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What a project needs",
        args: r#"{"command": "install", "working_dir": "/srv/site"}"#,
    }];
    const RETURNS: &'static [Returned] =
        &[Returned::new("stdout", "What Composer said.", "always", r#""Nothing to install""#)];
    const DIFF_MODE: Support = Support::None;
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Composer {
    fn program(&self, words: Vec<String>) -> Program {
        let text = |path: &Option<PathBuf>, name: &str| {
            path.as_ref().map_or_else(|| name.to_owned(), |path| path.display().to_string())
        };
        Program::new(text(&self.executable, "php"))
            .arg(text(&self.composer_executable, "/usr/bin/composer"))
            .args(self.global_command.then_some("global"))
            .args(words)
    }

    /// `composer` itself, where the task does not say where it is.
    fn found(&self, host: &dyn Host, mut program: Program) -> Result<Program, Failure> {
        if self.composer_executable.is_none() {
            let path = host.which("composer");
            let path = path.ok_or_else(|| Failure::new("this host has no composer"))?;
            if let Some(word) = program.args.first_mut() {
                *word = path.display().to_string();
            }
        }
        Ok(program)
    }

    /// The options that the command takes.
    fn options(&self, host: &dyn Host) -> Result<JsonMap, Failure> {
        let words = ["help", &self.command, "--no-interaction", "--format=json"];
        let program = self.program(words.map(str::to_owned).to_vec());
        let output = host.query(&self.found(host, program)?)?;
        if !output.is_success() {
            return Err(Failure::new(one_line(&output.stderr_text())));
        }
        let told: Json = serde_json::from_slice(&output.stdout)
            .map_err(|why| Failure::new(format!("composer's help cannot be read: {why}")))?;
        let options = told.pointer("/definition/options").and_then(Json::as_object).cloned();
        Ok(options.unwrap_or_default())
    }

    fn line(&self, host: &dyn Host, is_check: bool) -> Result<Option<Program>, Failure> {
        if self.command.contains(char::is_whitespace) {
            return Err(Failure::new(
                "Use the 'arguments' param for passing arguments with the 'command'",
            ));
        }
        let known = self.options(host)?;
        let wanted = [
            (true, "no-ansi"),
            (true, "no-interaction"),
            (true, "no-progress"),
            (self.prefer_source, "prefer-source"),
            (self.prefer_dist, "prefer-dist"),
            (self.no_dev, "no-dev"),
            (self.no_scripts, "no-scripts"),
            (self.no_plugins, "no-plugins"),
            (self.apcu_autoloader, "apcu-autoloader"),
            (self.optimize_autoloader, "optimize-autoloader"),
            (self.classmap_authoritative, "classmap-authoritative"),
            (self.ignore_platform_reqs, "ignore-platform-reqs"),
        ];
        let mut words = vec![self.command.clone()];
        words.extend(
            wanted
                .iter()
                .filter(|(is_set, name)| *is_set && known.contains_key(*name))
                .map(|(_, name)| format!("--{name}")),
        );
        if is_check {
            if !known.contains_key("dry-run") {
                return Ok(None);
            }
            words.push("--dry-run".into());
        }
        if let Some(folder) = self.working_dir.as_ref().filter(|_| !self.global_command) {
            words.extend(["--working-dir".to_owned(), folder.display().to_string()]);
        }
        words.extend(
            split_words(&self.arguments)
                .map_err(|why| Failure::new(format!("arguments cannot be split: {why}")))?,
        );
        Ok(Some(self.found(host, self.program(words))?))
    }

    fn answer(output: &module::Output) -> Result<Response, Failure> {
        if !output.is_success() {
            let said = output.stderr_text();
            return Err(Failure::new(one_line(&said)).with("stdout", said));
        }
        let said = output.stdout_text() + &output.stderr_text();
        let msg = one_line(&said);
        Ok(Response {
            changed: !NOTHING.iter().any(|words| msg.contains(words)),
            returned: JsonMap::from_iter([("stdout".to_owned(), said.into())]),
            msg: Some(msg),
            ..Response::default()
        })
    }
}

impl Action for Composer {
    fn guard(&self, _: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        Ok(Guard::Go)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        match self.line(host, true)? {
            Some(program) => Self::answer(&host.query(&program)?),
            None => Ok(Response {
                skipped: true,
                msg: Some(format!(
                    "command '{}' does not support check mode, skipping",
                    self.command
                )),
                ..Response::default()
            }),
        }
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let Some(program) = self.line(host, false)? else { return Ok(Response::default()) };
        Self::answer(&host.execute(&program)?)
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.program("composer", |_, _| Output::success(""));
        host.program("php", |files, program| {
            let line = program.args.join(" ");
            if line.contains(" help ") {
                let options = match line.contains("create-project") {
                    true => json!({"no-dev": {}}),
                    false => json!({"no-dev": {}, "dry-run": {}, "no-interaction": {}}),
                };
                return Output::success(json!({"definition": {"options": options}}).to_string());
            }
            if files.text("/done").is_some() {
                return Output {
                    stderr: b"Nothing to install,\n update or remove".into(),
                    ..Output::default()
                };
            }
            if !line.contains("--dry-run") {
                files.put("/done", line);
            }
            Output::success("Installed")
        });
        host
    }

    #[test]
    fn what_composer_says_is_told() {
        let mut host = host();
        let args = json!({"working_dir": "/srv/a b", "arguments": "--x 'y z'"});
        for (check, changed) in [(true, true), (false, true), (true, false), (false, false)] {
            let mode = Mode { check, diff: false };
            let response = run("composer", &args, "", "", mode, &mut host);
            assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
        }
        assert_eq!(
            host.files.text("/done").as_deref(),
            Some(
                "/usr/bin/composer install --no-interaction --no-dev --working-dir /srv/a b --x y z"
            )
        );
    }

    #[test]
    fn what_cannot_be_is_refused_or_skipped() {
        for (args, words) in [
            (json!({}), "working_dir"),
            (json!({"working_dir": "/x", "command": "a b"}), "Use the 'arguments' param"),
            (json!({"working_dir": "/x", "arguments": "'"}), "cannot be split"),
        ] {
            let response = run("composer", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        let args = json!({"working_dir": "/x", "command": "create-project"});
        let mode = Mode { check: true, diff: false };
        assert!(run("composer", &args, "", "", mode, &mut host()).skipped);
    }
}
