//! The `apt_repository` module.

mod sources;

use std::{collections::BTreeMap, path::Path};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement,
    Returned, mode::WantedMode,
};
use protocol::{Diff, Json, JsonMap, diff::Side};

use crate::apt::index::{self, Retries};
use sources::{Line, default_name, parse_file, parse_source, write_file};

const MAIN: &str = "/etc/apt/sources.list";
const FOLDER: &str = "/etc/apt/sources.list.d";

/// Permissions of a new file where the task says nothing.
const NEW_MODE: FileMode = FileMode::new(0o644);

/// Keeps a source of packages in apt's one-line files, or away.
///
/// A source that stands in a comment is taken out of it; one that is nowhere gets a file of its
/// own. Only files that change are written. Sources of the form `ppa:user/name` are refused, for
/// what they mean is only known to a server.
#[derive(Debug, Arguments)]
pub struct AptRepository {
    /// The line: `deb [options] address suite components`.
    repo: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: State,
    /// Permissions of a new file.
    mode: Option<Json>,
    /// Whether apt's index is updated after a change. Where that fails, the change is taken back.
    #[argument(default = true, aliases("update-cache"))]
    update_cache: bool,
    /// How often a failed update is tried again.
    #[argument(default = 5)]
    update_cache_retries: u32,
    /// Seconds that are waited between two tries at most.
    #[argument(default = 12)]
    update_cache_retry_max_delay: u32,
    /// Whether certificates are checked by what resolves `ppa:`; kept for old playbooks.
    #[argument(default = true)]
    #[expect(dead_code, reason = "nothing is fetched by the module itself")]
    validate_certs: bool,
    /// Name of a new file, to which `.list` is added; made of the address where it is left out.
    filename: Option<String>,
    /// Codename for `ppa:`; kept for old playbooks.
    #[expect(dead_code, reason = "it says something of ppa: sources alone, which are refused")]
    codename: Option<String>,
    /// Kept for old playbooks: no Python library is needed.
    #[argument(default = true)]
    #[expect(dead_code, reason = "no Python library is needed")]
    install_python_apt: bool,
}

/// Whether it should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
}

/// What files that change hold; `None` for no file.
type Files = BTreeMap<String, Option<String>>;

impl Documented for AptRepository {
    const NAME: &'static str = "ansible.builtin.apt_repository";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A source",
            args: r#"{"repo": "deb [signed-by=/etc/apt/keyrings/x.asc] https://dl.example.org/deb stable main", "filename": "example"}"#,
        },
        Example {
            title: "No such source",
            args: r#"{"repo": "deb http://deb.debian.org/debian bookworm main", "state": "absent", "update_cache": false}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("repo", "The line.", "always", r#""deb http://x y main""#),
        Returned::new("sources_added", "New files.", "always", "[]"),
        Returned::new("sources_removed", "Files that are gone.", "always", "[]"),
    ];
}

impl AptRepository {
    /// All files and their lines.
    fn read(host: &dyn Host) -> Result<BTreeMap<String, Vec<Line>>, Failure> {
        let mut paths = vec![MAIN.to_owned()];
        let listed = module::glob::find(host, &format!("{FOLDER}/*.list"))?;
        paths.extend(listed.iter().map(|path| path.display().to_string()));
        let mut files = BTreeMap::new();
        for path in paths {
            if let Some(bytes) = host.read(Path::new(&path))? {
                files.insert(path, parse_file(&String::from_utf8_lossy(&bytes)));
            }
        }
        Ok(files)
    }

    fn source(&self) -> Result<Line, Failure> {
        if self.repo.trim_start().starts_with("ppa:") {
            return Err(Failure::new(format!(
                "{} is not implemented, for its key comes from launchpad.net; give the line of the \
                 source, and put its key in place with get_url or deb822_repository",
                self.repo
            )));
        }
        parse_source(&self.repo).ok_or_else(|| {
            let shown = self.repo.trim().trim_start_matches('#');
            Failure::new(format!("Invalid repository string: {shown}"))
        })
    }

    fn new_file(&self, source: &Line) -> String {
        let name = match &self.filename {
            Some(name) => format!("{name}.list"),
            None => default_name(&source.text),
        };
        match name.strip_prefix('/') {
            Some(_) => name,
            None => format!("{FOLDER}/{name}"),
        }
    }

    fn write(
        &self,
        host: &mut dyn Host,
        files: &Files,
        mode: Option<FileMode>,
    ) -> Result<(), Failure> {
        for (path, text) in files {
            let path = Path::new(path);
            match text {
                Some(text) => {
                    let is_new = host.link_metadata(path)?.is_none();
                    let mode = if is_new { Some(mode.unwrap_or(NEW_MODE)) } else { None };
                    host.write(
                        path,
                        &mut text.as_bytes(),
                        &Placement { mode, ..Placement::default() },
                    )?;
                }
                None if host.link_metadata(path)?.is_some() => host.remove_file(path)?,
                None => {}
            }
        }
        Ok(())
    }

    fn wanted_mode(&self, host: &dyn Host) -> Result<Option<FileMode>, Failure> {
        let Some(mode) = &self.mode else { return Ok(None) };
        let umask = host.umask().bits();
        Ok(Some(WantedMode::parse(mode)?.resolve(NEW_MODE, false, umask)?))
    }
}

impl Module for AptRepository {
    type State = Files;

    fn check(&self, host: &dyn Host) -> Result<Delta<Files>, Failure> {
        let source = self.source()?;
        let before = Self::read(host)?;
        let mut after = before.clone();
        let same = |line: &Line| line.is_source && line.text == source.text;
        match self.state {
            State::Present => {
                let mut is_there = false;
                for line in after.values_mut().flatten().filter(|line| same(line)) {
                    line.is_enabled = true;
                    is_there = true;
                }
                if !is_there {
                    after.entry(self.new_file(&source)).or_default().push(source.clone());
                }
            }
            State::Absent => {
                for lines in after.values_mut() {
                    lines.retain(|line| !(same(line) && line.is_enabled));
                }
            }
        }
        let mut delta = Delta::new(Files::new(), Files::new());
        for (path, lines) in &after {
            let old = before.get(path);
            if old == Some(lines) {
                continue;
            }
            let is_kept = !lines.is_empty();
            let old_text = match old {
                Some(_) => host.read(Path::new(path))?,
                None => None,
            };
            let old_text = old_text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            delta.actual.insert(path.clone(), old_text);
            delta.desired.insert(path.clone(), is_kept.then(|| write_file(lines)));
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Files>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let folder = Path::new(FOLDER);
        if host.metadata(folder)?.is_none() {
            host.make_dir(folder, FileMode::new(0o755))?;
        }
        let mode = self.wanted_mode(host)?;
        self.write(host, &delta.desired, mode)?;
        if self.update_cache {
            let retries = Retries {
                count: self.update_cache_retries,
                delay_max_secs: self.update_cache_retry_max_delay,
            };
            if let Err(failure) = index::update(host, retries, &[]) {
                self.write(host, &delta.actual, None)?;
                return Err(failure);
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Files>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let gone = |left: &Files, right: &Files| -> Vec<String> {
            let is_there =
                |files: &Files, path: &String| files.get(path).is_some_and(Option::is_some);
            left.keys()
                .filter(|path| is_there(left, path) && !is_there(right, path))
                .cloned()
                .collect()
        };
        Ok(JsonMap::from_iter([
            ("repo".to_owned(), self.repo.clone().into()),
            ("sources_added".to_owned(), gone(&delta.desired, &delta.actual).into()),
            ("sources_removed".to_owned(), gone(&delta.actual, &delta.desired).into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]))
    }

    fn diff(&self, delta: &Delta<Files>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let header = |path: &String, text: &Option<String>| match text {
            Some(_) => path.clone(),
            None => "/dev/null".into(),
        };
        let side = |text: &Option<String>| Side::Text(text.clone().unwrap_or_default());
        let diffs = delta.desired.iter().map(|(path, after)| {
            let before = delta.actual.get(path).cloned().flatten();
            Diff {
                before_header: header(path, &before),
                after_header: header(path, after),
                before: side(&before),
                after: side(after),
                prepared: None,
            }
        });
        Ok(diffs.collect())
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use protocol::{Response, arguments::check};

    use super::*;
    use crate::CATALOGUE;

    const OWN: &str =
        "#comment\n\n#  deb http://dis/abled  x main # why\ndeb   http://a/b   c d #x\n";

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/apt/sources.list.d/own.list", OWN);
        host.put("/etc/apt/sources.list", "deb http://deb.debian.org/debian bookworm main\n");
        host
    }

    fn run(host: &mut FakeHost, args: &str) -> Response {
        let entry = CATALOGUE.find("apt_repository").unwrap();
        let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
        match check(&(entry.spec)().arguments, "apt_repository", &given) {
            Ok(args) => (entry.run)(&args, Mode { check: false, diff: true }, host),
            Err(errors) => Response::failure(format!("{errors:?}")),
        }
    }

    fn args(repo: &str, more: &str) -> String {
        format!(r#"{{"repo": "{repo}", "update_cache": false{more}}}"#)
    }

    #[test]
    fn files_are_those_of_ansible() {
        for (repo, more, path, expected) in [
            (
                "deb [arch=amd64 signed-by=/x] https://user:pw@dl.example.com/linux/deb stable main",
                "",
                "/etc/apt/sources.list.d/dl_example_com_linux_deb.list",
                Some(
                    "deb [arch=amd64 signed-by=/x] https://user:pw@dl.example.com/linux/deb stable main\n",
                ),
            ),
            (
                "deb http://dis/abled x main",
                "",
                "/etc/apt/sources.list.d/own.list",
                Some("# comment\n\ndeb http://dis/abled x main # why\ndeb http://a/b c d # x\n"),
            ),
            (
                "deb http://a/b c d",
                r#", "state": "absent""#,
                "/etc/apt/sources.list.d/own.list",
                Some("# comment\n\n# deb http://dis/abled x main # why\n"),
            ),
            (
                "deb http://x.y/z q main",
                r#", "filename": "my""#,
                "/etc/apt/sources.list.d/my.list",
                Some("deb http://x.y/z q main\n"),
            ),
            (
                "deb http://x.y/z",
                "",
                "/etc/apt/sources.list.d/x_y_z.list",
                Some("deb http://x.y/z\n"),
            ),
            (
                "deb http://deb.debian.org/debian bookworm main",
                r#", "state": "absent""#,
                "/etc/apt/sources.list",
                None,
            ),
        ] {
            let mut host = host();
            let args = args(repo, more);
            let response = run(&mut host, &args);
            assert!(response.changed && !response.failed, "{repo}: {response:?}");
            assert_eq!(host.files.text(path).as_deref(), expected, "{repo}");
            assert!(!run(&mut host, &args).changed, "{repo}");
        }
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let mut host = host();
        for (repo, more) in [
            ("deb http://a/b c d", ""),
            ("deb  http://a/b  c  d # other words", ""),
            ("deb http://no/no x main", r#", "state": "absent""#),
            ("deb http://dis/abled x main", r#", "state": "absent""#),
        ] {
            let response = run(&mut host, &args(repo, more));
            assert!(!response.changed && !response.failed, "{repo}: {response:?}");
        }
        assert_eq!(host.files.text("/etc/apt/sources.list.d/own.list").as_deref(), Some(OWN));
    }

    #[test]
    fn a_new_file_has_its_mode() {
        let mut host = host();
        let response =
            run(&mut host, &args("deb http://n/n x y", r#", "mode": "0600", "filename": "n""#));
        assert_eq!(
            response.returned["sources_added"],
            serde_json::json!(["/etc/apt/sources.list.d/n.list"])
        );
        let found = host.metadata(Path::new("/etc/apt/sources.list.d/n.list")).unwrap().unwrap();
        assert_eq!(found.mode.bits() & 0o7777, 0o600);
    }

    #[test]
    fn a_change_that_apt_does_not_like_is_taken_back() {
        let mut host = host();
        host.program("apt-get", |_, _| Output::failure(100, "E: no network\n"));
        let response =
            run(&mut host, r#"{"repo": "deb http://dis/abled x main", "update_cache_retries": 0}"#);
        assert_eq!(response.msg.as_deref(), Some("Failed to update apt cache: E: no network"));
        assert_eq!(host.files.text("/etc/apt/sources.list.d/own.list").as_deref(), Some(OWN));
        let response =
            run(&mut host, r#"{"repo": "deb http://n/n x y", "update_cache_retries": 0}"#);
        assert!(response.failed && host.files.text("/etc/apt/sources.list.d/n_n.list").is_none());
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for (repo, words) in [
            ("foo bar", "Invalid repository string: foo bar"),
            ("#deb http://x y z", "Invalid repository string: deb http://x y z"),
            ("", "Invalid repository string"),
            ("deb", "Invalid repository string: deb"),
            ("ppa:user/name", "not implemented"),
        ] {
            let response = run(&mut host(), &args(repo, ""));
            assert!(response.failed, "{repo}");
            let msg = response.msg.unwrap();
            assert!(msg.contains(words), "{repo}: {msg}");
        }
    }
}
