//! The `subversion` module.

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, Host, Output, Program, Returned,
    host::succeeded,
};
use protocol::{Json, Response};

/// Keeps a working copy of a Subversion repository at a revision.
///
/// Changes that were made in it are never lost without `force`. The password is given to `svn` on
/// its stdin, which takes Subversion 1.10 or newer.
#[derive(Debug, Arguments)]
pub struct Subversion {
    /// Address of the repository.
    #[argument(aliases("name", "repository"))]
    repo: String,
    /// Where the working copy is.
    dest: Option<PathBuf>,
    /// The revision.
    #[argument(default = "HEAD", aliases("rev", "version"))]
    revision: String,
    /// Whether changes in the working copy are thrown away.
    #[argument(default = false)]
    force: bool,
    /// Whether a folder that is no working copy is made one where it is.
    #[argument(default = false)]
    in_place: bool,
    /// User for the server.
    username: Option<String>,
    /// Password for the server.
    #[argument(no_log)]
    password: Option<String>,
    /// svn itself, where it is not in `PATH`.
    executable: Option<PathBuf>,
    /// Whether it is checked out where it is not there.
    #[argument(default = true)]
    checkout: bool,
    /// Whether it is updated.
    #[argument(default = true)]
    update: bool,
    /// Whether files are exported, without being a working copy.
    #[argument(default = false)]
    export: bool,
    /// Whether the working copy is switched to the address.
    #[argument(default = true)]
    switch: bool,
    /// Whether the server must prove who it is.
    #[argument(default = false)]
    validate_certs: bool,
}

impl Documented for Subversion {
    const NAME: &'static str = "ansible.builtin.subversion";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A working copy",
        args: r#"{"repo": "svn+ssh://svn.example.org/app", "dest": "/srv/app"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("before", "What was there.", "always", r#"["Revision: 1", "URL: svn://x"]"#),
        Returned::new(
            "after",
            "What is there now.",
            "always",
            r#"["Revision: 2", "URL: svn://x"]"#,
        ),
    ];
}

/// Whether a line of `svn` tells of a file that was touched.
fn tells_of_change(line: &str) -> bool {
    let mut letters = line.chars();
    letters.next().is_some_and(|letter| "ABDUCGE".contains(letter))
        && letters.next().is_some_and(char::is_whitespace)
}

/// A line `Revision: 5`, in whatever language.
fn revision_line(info: &str) -> Option<&str> {
    info.lines().find(|line| {
        line.split_once(':').is_some_and(|(word, number)| {
            let number = number.trim();
            let word = word.trim_end();
            !word.is_empty()
                && word.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

fn revision_number(line: &str) -> u64 {
    line.split_once(':').and_then(|(_, number)| number.trim().parse().ok()).unwrap_or_default()
}

impl Subversion {
    fn program(&self, words: &[&str]) -> Program {
        let name = self
            .executable
            .as_ref()
            .map_or_else(|| "svn".into(), |path| path.display().to_string());
        let mut program = Program::new(name).args(["--non-interactive", "--no-auth-cache"]);
        if !self.validate_certs {
            program = program.arg("--trust-server-cert");
        }
        if let Some(user) = &self.username {
            program = program.args(["--username", user]);
        }
        if let Some(password) = &self.password {
            program = program.arg("--password-from-stdin").stdin(password.clone());
        }
        program.args(words.iter().copied())
    }

    fn ask(&self, host: &dyn Host, words: &[&str]) -> Result<String, Failure> {
        let program = self.program(words);
        let output = host.query(&program)?;
        Ok(succeeded(&program, output)?.stdout_text())
    }

    fn run(&self, host: &mut dyn Host, words: &[&str]) -> Result<Output, Failure> {
        let program = self.program(words);
        let output = host.execute(&program)?;
        Ok(succeeded(&program, output)?)
    }

    /// Revision and address of the working copy.
    fn revision(&self, host: &dyn Host, dest: &str) -> Result<[String; 2], Failure> {
        let text = self.ask(host, &["info", dest])?;
        let revision = revision_line(&text).unwrap_or("Unable to get revision").to_owned();
        let url = text.lines().find(|line| line.starts_with("URL")).unwrap_or("Unable to get URL");
        Ok([revision, url.to_owned()])
    }

    fn has_changes(&self, host: &dyn Host, dest: &str) -> Result<bool, Failure> {
        let text = self.ask(host, &["status", "--quiet", "--ignore-externals", dest])?;
        Ok(text.lines().any(|line| !line.is_empty() && !line.starts_with(['?', 'X'])))
    }

    fn dest(&self) -> Result<Option<String>, Failure> {
        match &self.dest {
            Some(dest) => Ok(Some(dest.display().to_string())),
            None if self.checkout || self.update || self.export => Err(Failure::new(
                "the destination directory must be specified unless checkout=no, update=no, and export=no",
            )),
            None => Ok(None),
        }
    }

    /// What is known without doing anything; `None` where there is more to do.
    fn settled(&self, host: &dyn Host, dest: Option<&str>) -> Result<Option<Response>, Failure> {
        let mut response = Response::default();
        if !self.export && !self.update && !self.checkout {
            let text = self.ask(host, &["info", &self.repo])?;
            let after = revision_line(&text).unwrap_or("Unable to get remote revision");
            response.returned.insert("after".into(), after.into());
            return Ok(Some(response));
        }
        let is_there = self.is_there(host)?;
        let nothing = (!is_there && !self.export && !self.checkout)
            || (is_there && !self.export && !self.update && self.is_copy(host, dest)?);
        Ok(nothing.then_some(response))
    }

    fn is_there(&self, host: &dyn Host) -> Result<bool, Failure> {
        match &self.dest {
            Some(dest) => Ok(host.metadata(dest)?.is_some()),
            None => Ok(false),
        }
    }

    fn is_copy(&self, host: &dyn Host, dest: Option<&str>) -> Result<bool, Failure> {
        Ok(host.query(&self.program(&["info", dest.unwrap_or_default()]))?.is_success())
    }

    fn no_copy(&self, dest: &str) -> Failure {
        Failure::new(format!(
            "ERROR: {dest} folder already exists, but its not a subversion repository."
        ))
    }
}

impl Action for Subversion {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let dest = self.dest()?;
        if let Some(response) = self.settled(host, dest.as_deref())? {
            return Ok(response);
        }
        let dest = dest.unwrap_or_default();
        let mut response = Response { changed: true, ..Response::default() };
        if self.export || !self.is_there(host)? {
            return Ok(response);
        }
        if !self.is_copy(host, Some(&dest))? {
            return if self.in_place { Ok(response) } else { Err(self.no_copy(&dest)) };
        }
        let has_changes = self.has_changes(host, &dest)?;
        if has_changes && !self.force {
            return Err(Failure::new("ERROR: modified files exist in the repository."));
        }
        let [before, _] = self.revision(host, &dest)?;
        let text = self.ask(host, &["info", "-r", &self.revision, &dest])?;
        let after = revision_line(&text).unwrap_or("Unable to get revision");
        response.changed = has_changes || revision_number(&before) != revision_number(after);
        response.returned.insert("before".into(), before.into());
        response.returned.insert("after".into(), after.into());
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let dest = self.dest()?;
        if let Some(response) = self.settled(host, dest.as_deref())? {
            return Ok(response);
        }
        let dest = dest.unwrap_or_default();
        let (revision, repo) = (self.revision.as_str(), self.repo.as_str());
        let mut before = Json::Null;
        let mut changed = true;
        if self.export {
            let mut words = vec!["export"];
            if self.force {
                words.push("--force");
            }
            words.extend(["-r", revision, repo, &dest]);
            self.run(host, &words)?;
            return Ok(Response { changed, ..Response::default() });
        }
        if !self.is_there(host)? {
            self.run(host, &["checkout", "-r", revision, repo, &dest])?;
        } else if self.is_copy(host, Some(&dest))? {
            before = self.revision(host, &dest)?.to_vec().into();
            let has_changes = self.has_changes(host, &dest)?;
            if has_changes && !self.force {
                return Err(Failure::new("ERROR: modified files exist in the repository."));
            }
            changed = has_changes;
            let touched = |output: &Output| output.stdout_text().lines().any(tells_of_change);
            if self.switch {
                let output = self.run(host, &["switch", "--revision", revision, repo, &dest])?;
                changed |= touched(&output);
            }
            if has_changes {
                self.run(host, &["revert", "-R", &dest])?;
            }
            let output = self.run(host, &["update", "-r", revision, &dest])?;
            changed |= touched(&output);
        } else if self.in_place {
            self.run(host, &["checkout", "--force", "-r", revision, repo, &dest])?;
            if self.force && self.has_changes(host, &dest)? {
                self.run(host, &["revert", "-R", &dest])?;
            }
        } else {
            return Err(self.no_copy(&dest));
        }
        let mut response = Response { changed, ..Response::default() };
        response.returned.insert("before".into(), before);
        response.returned.insert("after".into(), self.revision(host, &dest)?.to_vec().into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        for (line, expected) in [
            ("A    file", true),
            ("U\tfile", true),
            ("At revision 5.", false),
            ("Updating '.':", false),
            (" U   .", false),
        ] {
            assert_eq!(tells_of_change(line), expected, "{line}");
        }
        for (text, expected) in [
            ("Path: x\nRevision: 12\nLast Changed Rev: 3\n", Some("Revision: 12")),
            ("Révision : 12\n", Some("Révision : 12")),
            ("URL: svn://x:12\n", None),
            ("Last Changed Rev: 3\n", None),
        ] {
            assert_eq!(revision_line(text), expected);
        }
        assert_eq!(revision_number("Revision: 12"), 12);
    }
}
