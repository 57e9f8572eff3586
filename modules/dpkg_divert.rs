//! The `dpkg_divert` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Program, Returned};
use protocol::{Json, JsonMap};
use serde::Serialize;

use crate::{presence::Presence, tool};

/// Keeps a diversion: what packages bring under a path is put under another.
#[derive(Debug, Arguments)]
pub struct DpkgDivert {
    /// The path.
    path: PathBuf,
    /// Whether it is diverted.
    #[argument(default = "present")]
    state: Presence,
    /// The package whose own file stays at the path; `LOCAL`, and nothing, for none.
    holder: Option<String>,
    /// The other path; the first with `.distrib` behind it where it is left out.
    divert: Option<PathBuf>,
    /// Whether the file that is there moves too.
    #[argument(default = false)]
    rename: bool,
    /// Whether a file that stands in the way of that goes.
    #[argument(default = false)]
    force: bool,
}

/// The diversion.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diversion {
    path: String,
    state: &'static str,
    divert: Option<String>,
    holder: Option<String>,
}

impl Documented for DpkgDivert {
    const NAME: &'static str = "community.general.dpkg_divert";
    const ALIASES: &'static [&'static str] = &["dpkg_divert"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A program of one's own",
            args: r#"{"path": "/usr/bin/busybox", "rename": true}"#,
        },
        Example {
            title: "That of the package again",
            args: r#"{"path": "/usr/bin/busybox", "state": "absent", "rename": true, "force": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "diversion",
            "The diversion.",
            "always",
            r#"{"path": "/bin/x", "state": "absent"}"#,
        ),
        Returned::new(
            "commands",
            "What is run for it.",
            "on success",
            r#"["dpkg-divert --remove /bin/x"]"#,
        ),
    ];
}

impl DpkgDivert {
    fn read(&self, host: &dyn Host) -> Result<Diversion, Failure> {
        let path = self.path.display().to_string();
        let ask = |word: &str| -> Result<String, Failure> {
            let said = tool::ask(host, &Program::new("dpkg-divert").args([word, &path]))?;
            Ok(said.trim_end().to_owned())
        };
        let holder = ask("--listpackage")?;
        if holder.is_empty() {
            return Ok(Diversion { path, state: "absent", ..Diversion::default() });
        }
        let divert = Some(ask("--truename")?);
        Ok(Diversion { path, state: "present", divert, holder: Some(holder) })
    }

    fn wanted(&self) -> Diversion {
        let path = self.path.display().to_string();
        if !self.state.is_present() {
            return Diversion { path, state: "absent", ..Diversion::default() };
        }
        let divert = match &self.divert {
            Some(divert) => divert.display().to_string(),
            None => format!("{path}.distrib"),
        };
        let holder = self.holder.clone().filter(|holder| !holder.is_empty());
        let holder = holder.unwrap_or_else(|| "LOCAL".into());
        Diversion { path, state: "present", divert: Some(divert), holder: Some(holder) }
    }

    fn add(wanted: &Diversion, rename: &str) -> Program {
        let program = Program::new("dpkg-divert").arg(rename);
        let program = match wanted.holder.as_deref() {
            None | Some("LOCAL") => program.arg("--local"),
            Some(holder) => program.args(["--package", holder]),
        };
        let divert = wanted.divert.clone().unwrap_or_default();
        program.args(["--divert", &divert, "--add", &wanted.path])
    }

    /// What is run. One that is there is taken away first, for it cannot be changed.
    fn programs(&self, actual: &Diversion, wanted: &Diversion) -> Vec<Program> {
        let remove =
            |rename: &str| Program::new("dpkg-divert").args([rename, "--remove", &wanted.path]);
        let rename = if self.rename { "--rename" } else { "--no-rename" };
        match (actual.state, wanted.state) {
            _ if actual == wanted => Vec::new(),
            (_, "absent") => vec![remove(rename)],
            ("absent", _) => vec![Self::add(wanted, rename)],
            _ => vec![remove("--no-rename"), Self::add(wanted, "--no-rename")],
        }
    }

    /// The file that stands where another should be moved to.
    fn obstacle(
        &self,
        host: &dyn Host,
        delta: &Delta<Diversion>,
    ) -> Result<Option<PathBuf>, Failure> {
        let (actual, desired) = (&delta.actual, &delta.desired);
        if !self.rename || actual.state == desired.state {
            return Ok(None);
        }
        let other = actual.divert.as_ref().or(desired.divert.as_ref());
        let other = PathBuf::from(other.cloned().unwrap_or_default());
        let both = host.metadata(&self.path)?.is_some() && host.metadata(&other)?.is_some();
        let goes = if desired.state == "present" { other } else { self.path.clone() };
        Ok(both.then_some(goes))
    }
}

impl Module for DpkgDivert {
    type State = Diversion;

    fn check(&self, host: &dyn Host) -> Result<Delta<Diversion>, Failure> {
        let delta = Delta::new(self.read(host)?, self.wanted());
        if !self.force && self.obstacle(host, &delta)?.is_some() {
            return Err(Failure::new("Set 'force' param to True to force renaming of files."));
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Diversion>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        if let Some(path) = self.obstacle(host, delta)? {
            host.remove_file(&path)?;
        }
        let mut messages = Vec::new();
        for program in self.programs(&delta.actual, &delta.desired) {
            messages.push(tool::run(host, &program)?.stdout_text().trim_end().to_owned());
        }
        // The file of a diversion that leads elsewhere now goes along.
        if let (Some(old), Some(new)) = (&delta.actual.divert, &delta.desired.divert)
            && old != new
            && host.metadata(Path::new(old))?.is_some()
            && host.metadata(Path::new(new))?.is_none()
        {
            host.rename(Path::new(old), Path::new(new))?;
        }
        Ok(JsonMap::from_iter([("messages".to_owned(), messages.into())]))
    }

    fn returned(&self, delta: &Delta<Diversion>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let diversion = serde_json::to_value(&delta.desired)
            .map_err(|why| Failure::new(format!("the diversion cannot be shown: {why}")))?;
        let commands: Vec<Json> = self
            .programs(&delta.actual, &delta.desired)
            .iter()
            .map(|program| program.line().into())
            .collect();
        Ok(JsonMap::from_iter([
            ("diversion".to_owned(), diversion),
            ("commands".to_owned(), commands.into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_rare::put_dpkg_divert};

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        put_dpkg_divert(&mut host);
        host.put("/bin/x", "packaged");
        host
    }

    #[test]
    fn diversions_are_kept() {
        let mut host = host();
        for (args, changed, place) in [
            (json!({"rename": true}), true, "/bin/x.distrib"),
            (json!({"rename": true}), false, "/bin/x.distrib"),
            (json!({"divert": "/bin/y"}), true, "/bin/y"),
            (json!({"divert": "/bin/y", "holder": "own"}), true, "/bin/y"),
            (json!({"divert": "/bin/y", "holder": "own"}), false, "/bin/y"),
            (json!({"state": "absent", "rename": true}), true, "/bin/x"),
            (json!({"state": "absent", "rename": true}), false, "/bin/x"),
        ] {
            let check = Mode { check: true, diff: true };
            let foretold = run("dpkg_divert", &args, "path", "/bin/x", check, &mut host);
            let done = run("dpkg_divert", &args, "path", "/bin/x", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
            assert_eq!(host.files.text(place).as_deref(), Some("packaged"), "{args}");
        }
    }

    #[test]
    fn files_in_the_way_stay_unless_forced() {
        let mut host = host();
        host.put("/bin/x.distrib", "in the way");
        let args = json!({"rename": true});
        for check in [true, false] {
            let mode = Mode { check, diff: false };
            let refused = run("dpkg_divert", &args, "path", "/bin/x", mode, &mut host);
            assert!(refused.msg.unwrap_or_default().contains("Set 'force' param"));
        }
        let args = json!({"rename": true, "force": true});
        let done = run("dpkg_divert", &args, "path", "/bin/x", Mode::default(), &mut host);
        assert!(done.changed && !done.failed, "{done:?}");
        assert_eq!(host.files.text("/bin/x.distrib").as_deref(), Some("packaged"));
        let unnamed = run("dpkg_divert", &json!({}), "", "", Mode::default(), &mut host);
        assert!(unnamed.msg.unwrap_or_default().contains("missing required arguments: path"));
    }
}
