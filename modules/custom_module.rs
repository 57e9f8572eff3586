//! Modules that users have written: programs of the controller that speak Ansible's protocol.
//!
//! The controller finds the program and says how it is called; here it is put into a folder of its
//! own, run, and what it prints is read. Nothing of it stays.

use std::{collections::BTreeMap, path::Path, path::PathBuf};

use module::{
    Action, Arguments, Documented, Example, Failure, FileMode, Host, Placement, Program, Source,
    host::{Access, Temporary},
    program::Locale,
};
use protocol::{Digest, JsonMap, Response};
use serde::Deserialize;

/// Runs a module that a user has written.
#[derive(Debug, Arguments)]
pub struct CustomModule {
    /// The files, by path below the folder that they are put into, as a JSON object of texts; or
    /// one program as it is.
    #[argument(internal)]
    source: Source,
    /// Files that programs share, as a JSON object of texts. They stay on the host.
    #[argument(internal)]
    library: Option<Source>,
    /// How it is called.
    #[argument(internal)]
    call: Call,
}

/// How a program is called.
#[derive(Debug, Deserialize)]
struct Call {
    /// What is in the source.
    content: Content,
    /// Programs that may run it, the first of which that is there is taken; where there is none,
    /// it runs by itself.
    interpreters: Vec<String>,
    /// What stands between the interpreter and the program.
    options: Vec<String>,
    /// The program, below the folder.
    program: String,
    /// What stands in the file whose path the program is given.
    arguments: String,
    /// Whether what the program complains about is part of its result.
    keeps_stderr: bool,
}

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Content {
    /// A program.
    Program,
    /// Texts by path.
    Files,
}

impl Documented for CustomModule {
    const NAME: &'static str = "trueup.custom_module";
    const EXAMPLES: &'static [Example] = &[];
}

/// The name of the file that holds the arguments.
const ARGUMENTS_FILE: &str = "args";

/// The name of a library's folder, where it does not stay.
const LIBRARY_FOLDER: &str = "library";

/// The folder that the remote runs from, which is its user's alone, where it can be written.
fn remote_folder(host: &dyn Host) -> Option<PathBuf> {
    let program = host.real_path(Path::new("/proc/self/exe")).ok()?;
    let folder = program.parent()?.to_owned();
    host.may(Access::Write, &folder).then_some(folder)
}

impl CustomModule {
    /// A folder that programs may be run from.
    fn folder(&self, host: &dyn Host) -> PathBuf {
        let temporary = host.variable("TMPDIR").filter(|path| !path.is_empty());
        remote_folder(host)
            .filter(|_| self.call.interpreters.is_empty())
            .unwrap_or_else(|| temporary.unwrap_or_else(|| "/tmp".into()).into())
    }

    /// Where the library is. It is put beside the remote when it is first needed, or where that
    /// cannot be, into the folder of this run.
    fn place_library(
        &self,
        host: &mut dyn Host,
        library: &Source,
        folder: &Path,
    ) -> Result<PathBuf, Failure> {
        let Some(own) = remote_folder(host) else {
            let place = folder.join(LIBRARY_FOLDER);
            host.make_dir(&place, FileMode::new(0o700))?;
            put_files(host, &library.digest, &place)?;
            return Ok(place);
        };
        let place = own.join(format!("library-{}", library.digest.0));
        if host.metadata(&place)?.is_some() {
            return Ok(place);
        }
        let unfinished = host.make_temporary(&Temporary {
            folder: own,
            prefix: "new.".into(),
            suffix: ".library".into(),
            is_dir: true,
        })?;
        let done = put_files(host, &library.digest, &unfinished)
            .and_then(|()| Ok(host.rename(&unfinished, &place)?));
        if let Err(why) = done {
            host.remove_dir_all(&unfinished)?;
            // Another task of this host may have been faster.
            if host.metadata(&place)?.is_none() {
                return Err(why);
            }
        }
        Ok(place)
    }

    fn put(&self, host: &mut dyn Host, folder: &Path) -> Result<(), Failure> {
        match self.call.content {
            Content::Program => {
                let mut content = host.blob(&self.source.digest)?;
                host.write(&folder.join(&self.call.program), &mut *content, &private(0o700))?;
            }
            Content::Files => put_files(host, &self.source.digest, folder)?,
        }
        let arguments = self.call.arguments.as_bytes();
        host.write(&folder.join(ARGUMENTS_FILE), &mut &*arguments, &private(0o600))?;
        Ok(())
    }

    fn run(&self, host: &mut dyn Host, folder: &Path) -> Result<Response, Failure> {
        self.put(host, folder)?;
        let path = |name: &str| folder.join(name).display().to_string();
        let is_there = |name: &&String| match name.starts_with('/') {
            true => host.may(Access::Execute, Path::new(name)),
            false => host.which(name).is_some(),
        };
        let interpreters = &self.call.interpreters;
        let program = match interpreters.iter().find(is_there) {
            Some(interpreter) => {
                Program::new(interpreter).args(&self.call.options).arg(path(&self.call.program))
            }
            None if interpreters.is_empty() => Program::new(path(&self.call.program)),
            None => {
                return Err(Failure::new(format!(
                    "The module interpreter '{}' was not found.",
                    interpreters.join("', '")
                ))
                .with("rc", 127)
                .with("module_stdout", "")
                .with("module_stderr", ""));
            }
        };
        let mut program = program.arg(path(ARGUMENTS_FILE));
        if let Some(library) = &self.library {
            let place = self.place_library(host, library, folder)?;
            program = program.arg(place.display().to_string());
        }
        program.locale = Locale::Inherited;
        let output = host.execute(&program)?;
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        match read_result(&stdout) {
            Ok((mut result, warnings)) => {
                if self.call.keeps_stderr && !stderr.is_empty() {
                    result.insert("stderr".into(), stderr.into());
                }
                let mut response = Response::from_result(result);
                response.warnings.extend(warnings);
                Ok(response)
            }
            Err(why) => {
                let mut failure = Failure::new(format!(
                    "MODULE FAILURE: {why}\nSee stdout/stderr for the exact error"
                ))
                .with("rc", output.status);
                if let Some(trace) =
                    [&stderr, &stdout].into_iter().find(|text| text.starts_with("Traceback"))
                {
                    failure = failure.with("exception", trace.clone());
                }
                if self.call.keeps_stderr {
                    failure = failure.with("stderr", stderr.clone());
                }
                Err(failure.with("module_stdout", stdout).with("module_stderr", stderr))
            }
        }
    }
}

/// A file for its user alone.
fn private(mode: u32) -> Placement {
    Placement { mode: Some(FileMode::new(mode)), ..Placement::default() }
}

/// Puts texts by path into a folder.
fn put_files(host: &mut dyn Host, digest: &Digest, folder: &Path) -> Result<(), Failure> {
    let content = host.blob(digest)?;
    let files: BTreeMap<String, String> = serde_json::from_reader(content)
        .map_err(|error| Failure::new(format!("bug in trueup: {error}")))?;
    for (name, text) in files {
        let path = folder.join(&name);
        make_parents(host, folder, &path)?;
        host.write(&path, &mut text.as_bytes(), &private(0o600))?;
    }
    Ok(())
}

/// Makes the folders between a folder and a file in it.
fn make_parents(host: &mut dyn Host, folder: &Path, file: &Path) -> Result<(), Failure> {
    let Some(parent) = file.parent().filter(|parent| *parent != folder) else { return Ok(()) };
    if !parent.starts_with(folder) {
        return Err(Failure::new("bug in trueup: a file of a module is outside of its folder"));
    }
    make_parents(host, folder, parent)?;
    if host.metadata(parent)?.is_none() {
        host.make_dir(parent, FileMode::new(0o700))?;
    }
    Ok(())
}

/// Finds the result in what a module has printed: lines before its object are passed over, lines
/// behind it are warned of.
fn read_result(stdout: &str) -> Result<(JsonMap, Vec<String>), String> {
    let lines: Vec<&str> = stdout.lines().collect();
    let Some(first) = lines.iter().position(|line| line.trim_start().starts_with('{')) else {
        return Err("No start of json char found".into());
    };
    let lines = lines.get(first..).unwrap_or_default();
    let Some(last) = lines.iter().rposition(|line| line.trim_end().ends_with('}')) else {
        return Err("No end of json char found".into());
    };
    let (text, rest) = lines.split_at(last + 1);
    let result = serde_json::from_str(&text.join("\n")).map_err(|error| error.to_string())?;
    let has_junk = rest.iter().any(|line| !line.trim().is_empty());
    let warnings = has_junk
        .then(|| format!("Module invocation had junk after the JSON data: {}", rest.join("\n")));
    Ok((result, warnings.into_iter().collect()))
}

impl Action for CustomModule {
    /// Never asked for: the module itself is told of a check run, as under Ansible.
    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Err(Failure::new("bug in trueup: a custom module is not foretold"))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let folder = host.make_temporary(&Temporary {
            folder: self.folder(host),
            prefix: ".trueup-module-".into(),
            suffix: String::new(),
            is_dir: true,
        })?;
        let result = self.run(host, &folder);
        // Nothing is left behind, whatever became of the module.
        let removed = host.remove_dir_all(&folder);
        let response = result?;
        removed?;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::read_result;

    #[test]
    fn results_are_found_among_other_lines() {
        let (result, warnings) = read_result("{\"a\": 1}\n").unwrap();
        assert!(result["a"] == 1 && warnings.is_empty());
        let (result, warnings) = read_result("junk\n[1]\n {\"a\":\n2}\nmore\n").unwrap();
        assert_eq!(result["a"], 2);
        assert_eq!(warnings, ["Module invocation had junk after the JSON data: more"]);
    }

    #[test]
    fn what_is_no_result_is_refused() {
        for (text, why) in [
            ("", "No start of json char found"),
            ("nothing\n[1]", "No start of json char found"),
            ("{\"a\": 1", "No end of json char found"),
        ] {
            assert_eq!(read_result(text).unwrap_err(), why);
        }
        assert!(read_result("{a}").is_err());
    }
}
