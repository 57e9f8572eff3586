//! Docker's command line, for what the engine's socket does not do: builds by BuildKit, projects of
//! Compose.

use std::path::PathBuf;

use module::{Arguments, Failure, Host, Output, Program};
use protocol::Json;

use super::EngineTls;

/// How the engine is reached through the program.
#[derive(Debug, Arguments)]
pub struct CommandLine {
    /// The program; looked for where it is left out.
    docker_cli: Option<PathBuf>,
    /// Where the engine listens.
    #[argument(aliases("docker_url"))]
    docker_host: Option<String>,
    /// The context of the program that is taken.
    cli_context: Option<String>,
    /// Version of the engine's language: `auto` is the engine's own.
    #[argument(default = "auto", aliases("docker_api_version"))]
    api_version: String,
    #[argument(flatten)]
    tls: EngineTls,
}

impl CommandLine {
    /// The program with words of the caller's.
    ///
    /// # Errors
    /// Arguments that do not fit each other.
    pub fn program<S: Into<String>>(
        &self,
        words: impl IntoIterator<Item = S>,
    ) -> Result<Program, Failure> {
        if self.cli_context.is_some() && self.docker_host.is_some() {
            return Err(Failure::new("parameters are mutually exclusive: docker_host|cli_context"));
        }
        if self.tls.tls_hostname.is_some() {
            return Err(Failure::new(
                "tls_hostname is not supported: docker's program takes the name from docker_host",
            ));
        }
        let name = self.docker_cli.as_ref().map(|path| path.display().to_string());
        let mut program = Program::new(name.unwrap_or_else(|| "docker".into()));
        for (flag, value) in [("--host", &self.docker_host), ("--context", &self.cli_context)] {
            if let Some(value) = value {
                program = program.args([flag, value]);
            }
        }
        if self.tls.validate_certs {
            program = program.arg("--tlsverify");
        } else if self.tls.tls {
            program = program.arg("--tls");
        }
        for (flag, path) in [
            ("--tlscacert", &self.tls.ca_path),
            ("--tlscert", &self.tls.client_cert),
            ("--tlskey", &self.tls.client_key),
        ] {
            if let Some(path) = path {
                program = program.args([flag, &path.display().to_string()]);
            }
        }
        if self.api_version != "auto" {
            program = program.variable("DOCKER_API_VERSION", &self.api_version);
        }
        Ok(program.args(words))
    }

    /// What the engine knows of an image; `None` where it has none of that name.
    ///
    /// # Errors
    /// What the program says else.
    pub fn image(&self, host: &dyn Host, name: &str) -> Result<Option<Json>, Failure> {
        let program = self.program(["image", "inspect", name])?;
        let output = host.query(&program)?;
        if !output.is_success() {
            let said = output.stderr_text();
            let is_missing = said.to_lowercase().contains("no such image");
            return if is_missing { Ok(None) } else { Err(refused(&program, &output)) };
        }
        let all: Json = serde_json::from_slice(&output.stdout)
            .map_err(|why| Failure::new(format!("docker's answer cannot be read: {why}")))?;
        Ok(all.get(0).cloned())
    }

    /// The version of a plugin of the program: `buildx`, `compose`.
    ///
    /// # Errors
    /// A plugin that is not there.
    pub fn plugin(&self, host: &dyn Host, name: &str) -> Result<Version, Failure> {
        let program = self.program([name, "version"])?;
        let output = host.query(&program)?;
        let said = output.stdout_text();
        let version = said.split_whitespace().find_map(Version::parse);
        version.filter(|_| output.is_success()).ok_or_else(|| {
            Failure::new(format!(
                "Docker CLI {} does not have the {name} plugin installed",
                program.name
            ))
            .with("stderr", output.stderr_text())
        })
    }
}

/// What the program said when it failed.
pub fn refused(program: &Program, output: &Output) -> Failure {
    let said = output.stderr_text();
    let words = std::iter::once(&program.name).chain(&program.args);
    Failure::new(said.trim())
        .with("rc", output.status)
        .with("stdout", output.stdout_text())
        .with("stderr", said)
        .with("command", words.cloned().collect::<Vec<String>>())
}

/// A version, by its first three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `v2.29.1-desktop.1`; `None` for what does not start with two numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_start_matches('v').split('.').map(|part| {
            let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end).and_then(|digits| digits.parse::<u32>().ok())
        });
        Some(Self(parts.next()??, parts.next()??, parts.next().flatten().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("v2.29.1", Some(Version(2, 29, 1))),
            ("2.5", Some(Version(2, 5, 0))),
            ("0.11.2-docker", Some(Version(0, 11, 2))),
            ("v2.32.0-desktop.1", Some(Version(2, 32, 0))),
            ("version", None),
            ("github.com/docker/buildx", None),
            ("2", None),
        ] {
            assert_eq!(Version::parse(text), expected, "{text}");
        }
        assert!(Version(2, 9, 0) < Version(2, 19, 0));
    }
}
