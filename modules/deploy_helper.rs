//! The `deploy_helper` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, FileArguments, FileAttributes, Guard,
    Host, Mode, Returned, clock::local_time, file_arguments::FOLDER_MODE, host::Links,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use crate::text_file::make_folders;

/// Digits of a time: year, month, day, hour, minute and second.
const STAMP_DIGITS: usize = 14;

/// Keeps the folders of a project whose releases stand side by side, one of them in use.
///
/// A release is made in a folder of its own with a file in it that says it is not finished, and is
/// taken into use by a link once it is.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "finalize", ["release"])))]
pub struct DeployHelper {
    /// The folder of the project.
    #[argument(aliases("dest"))]
    path: PathBuf,
    /// What is done: `present` makes the folders, `finalize` takes a release into use, `clean` has
    /// old and unfinished ones go, `absent` all of the project, and `query` only tells.
    #[argument(default = "present")]
    state: State,
    /// The release; the time where it is left out.
    release: Option<String>,
    /// The folder of releases, in that of the project.
    #[argument(default = "releases")]
    releases_path: String,
    /// The folder of what releases share; none where it is empty.
    #[argument(default = "shared")]
    shared_path: String,
    /// The link to the release that is in use.
    #[argument(default = "current")]
    current_path: String,
    /// The file that says that a release is not finished.
    #[argument(default = "DEPLOY_UNFINISHED")]
    unfinished_filename: String,
    /// Whether `finalize` has old ones go too.
    #[argument(default = true)]
    clean: bool,
    /// How many releases stay beside the one in use.
    #[argument(default = 5)]
    keep_releases: i64,
    #[argument(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Finalize,
    Absent,
    Clean,
    Query,
}

impl Documented for DeployHelper {
    const NAME: &'static str = "community.general.deploy_helper";
    const ALIASES: &'static [&'static str] = &["deploy_helper"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "The folders of a project", args: r#"{"path": "/srv/project"}"# },
        Example {
            title: "A release into use",
            args: r#"{"path": "/srv/project", "state": "finalize", "release": "v1"}"#,
        },
        Example { title: "No project", args: r#"{"path": "/srv/project", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("state", "What was done.", "success", r#""present""#),
        Returned::new(
            "ansible_facts",
            "The places of the project, as `deploy_helper`.",
            "with query, present and absent",
            r#"{"deploy_helper": {"new_release": "20261122060000"}}"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// Something that is to be done.
#[derive(Debug)]
enum Step {
    MakeFolder(PathBuf),
    SetAttributes(PathBuf),
    RemoveFile(PathBuf),
    RemoveFolder(PathBuf),
    Link { target: PathBuf, link: PathBuf },
}

impl DeployHelper {
    fn inside(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn releases(&self) -> PathBuf {
        self.inside(&self.releases_path)
    }

    fn new_release(&self, host: &dyn Host) -> Option<String> {
        match (&self.release, self.state) {
            (Some(release), _) if !release.is_empty() => Some(release.clone()),
            // `20261122055200`, as the host's clock on the wall says.
            (_, State::Query | State::Present) => {
                let text = local_time(host, host.now()).to_text();
                Some(text.chars().filter(char::is_ascii_digit).take(STAMP_DIGITS).collect())
            }
            _ => None,
        }
    }

    fn facts(&self, host: &dyn Host) -> Result<Json, Failure> {
        let current = self.inside(&self.current_path);
        let previous = host
            .link_metadata(&current)?
            .map(|_| host.real_path(&current).unwrap_or_else(|_| current.clone()));
        let name =
            |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let shown = |path: PathBuf| path.display().to_string();
        let release = self.new_release(host);
        let shared = (!self.shared_path.is_empty()).then(|| shown(self.inside(&self.shared_path)));
        Ok(json!({
            "project_path": shown(self.path.clone()),
            "current_path": shown(current),
            "releases_path": shown(self.releases()),
            "shared_path": shared,
            "previous_release": previous.as_ref().and_then(name),
            "previous_release_path": previous.map(shown),
            "new_release_path": release.as_ref().map(|one| shown(self.releases().join(one))),
            "new_release": release,
            "unfinished_filename": self.unfinished_filename,
        }))
    }

    fn attributes(
        &self,
        host: &dyn Host,
        path: &Path,
    ) -> Result<(FileAttributes, FileAttributes), Failure> {
        let there = host.metadata(path)?;
        self.file.compare(host, path, there.as_ref(), FOLDER_MODE)
    }

    /// Whether a folder is there; anything else in its place is refused.
    fn has_folder(host: &dyn Host, path: &Path) -> Result<bool, Failure> {
        if host.link_metadata(path)?.is_none() {
            return Ok(false);
        }
        match host.metadata(path)?.is_some_and(|found| found.is_dir()) {
            true => Ok(true),
            false => Err(Failure::new(format!("{} exists but is not a directory", path.display()))),
        }
    }

    fn folders(&self, host: &dyn Host) -> Result<Vec<Step>, Failure> {
        let current = self.inside(&self.current_path);
        if host.link_metadata(&current)?.is_some_and(|found| !found.is_link()) {
            return Err(Failure::new(format!(
                "{} exists but is not a symbolic link",
                current.display()
            )));
        }
        let mut wanted = vec![self.path.clone(), self.releases()];
        if !self.shared_path.is_empty() {
            wanted.push(self.inside(&self.shared_path));
        }
        let mut steps = Vec::new();
        for path in wanted {
            if !Self::has_folder(host, &path)? {
                steps.push(Step::MakeFolder(path));
                continue;
            }
            let (actual, desired) = self.attributes(host, &path)?;
            if actual != desired {
                steps.push(Step::SetAttributes(path));
            }
        }
        Ok(steps)
    }

    fn taking_into_use(&self, host: &dyn Host) -> Result<Vec<Step>, Failure> {
        if self.keep_releases <= 0 {
            return Err(Failure::new("'keep_releases' should be at least 1"));
        }
        let mut steps = Vec::new();
        let target = self.releases().join(self.release.as_deref().unwrap_or_default());
        let unfinished = target.join(&self.unfinished_filename);
        if host.link_metadata(&unfinished)?.is_some() {
            steps.push(Step::RemoveFile(unfinished));
        }
        let link = self.inside(&self.current_path);
        let is_in_use = match host.link_metadata(&link)? {
            None => false,
            Some(found) if found.is_link() => {
                let real = |path: &Path| host.real_path(path).ok();
                real(&link).is_some() && real(&link) == real(&target)
            }
            Some(_) => {
                return Err(Failure::new(format!(
                    "{} exists but is not a symbolic link",
                    link.display()
                )));
            }
        };
        if !is_in_use {
            steps.push(Step::Link { target, link });
        }
        Ok(steps)
    }

    /// What goes: releases that are not finished, and the oldest beyond those that stay.
    fn cleaning(&self, host: &dyn Host) -> Result<Vec<Step>, Failure> {
        let mut steps = Vec::new();
        if let Some(release) = &self.release {
            let name = format!("{release}.{}", self.unfinished_filename);
            let link = self.inside(&name);
            if host.metadata(&link)?.is_some() {
                steps.push(Step::RemoveFile(link));
            }
        }
        let folder = self.releases();
        if host.metadata(&folder)?.is_none() {
            return Ok(steps);
        }
        let mut finished = Vec::new();
        for name in host.list(&folder)? {
            let place = folder.join(&name);
            let Some(found) = host.metadata(&place)?.filter(|found| found.is_dir()) else {
                continue;
            };
            // The one that is to be taken into use has lost its mark by then.
            let is_own = self.release.as_deref() == name.to_str();
            let mark = host.metadata(&place.join(&self.unfinished_filename))?;
            if mark.is_some_and(|mark| mark.is_file()) && !(is_own && self.state == State::Finalize)
            {
                steps.push(Step::RemoveFolder(place));
            } else if !is_own {
                finished.push((found.changed, place));
            }
        }
        finished.sort_by_key(|(changed, _)| std::cmp::Reverse(*changed));
        let kept = usize::try_from(self.keep_releases).unwrap_or(0);
        steps.extend(finished.into_iter().skip(kept).map(|(_, place)| Step::RemoveFolder(place)));
        Ok(steps)
    }

    fn steps(&self, host: &dyn Host) -> Result<Vec<Step>, Failure> {
        match self.state {
            State::Query => Ok(Vec::new()),
            State::Present => self.folders(host),
            State::Clean => self.cleaning(host),
            State::Finalize => {
                let mut steps = self.taking_into_use(host)?;
                if self.clean {
                    steps.extend(self.cleaning(host)?);
                }
                Ok(steps)
            }
            State::Absent => Ok(match Self::has_folder(host, &self.path)? {
                true => vec![Step::RemoveFolder(self.path.clone())],
                false => Vec::new(),
            }),
        }
    }

    fn perform(&self, step: &Step, host: &mut dyn Host) -> Result<(), Failure> {
        match step {
            Step::MakeFolder(path) => {
                make_folders(host, path)?;
                host.make_dir(path, FOLDER_MODE)?;
                self.perform(&Step::SetAttributes(path.clone()), host)
            }
            Step::SetAttributes(path) => {
                let (actual, desired) = self.attributes(host, path)?;
                desired.apply(&actual, host, path, Links::Follow)
            }
            Step::RemoveFile(path) => Ok(host.remove_file(path)?),
            Step::RemoveFolder(path) => match host.link_metadata(path)? {
                Some(found) if found.is_link() => Ok(host.remove_file(path)?),
                Some(_) => Ok(host.remove_dir_all(path)?),
                None => Ok(()),
            },
            Step::Link { target, link } => {
                if host.link_metadata(target)?.is_none() {
                    return Err(Failure::new(format!(
                        "the symlink target {} doesn't exists",
                        target.display()
                    )));
                }
                let name = format!("{}.{}", link.display(), self.unfinished_filename);
                let new = PathBuf::from(name);
                if host.link_metadata(&new)?.is_some() {
                    host.remove_file(&new)?;
                }
                host.symlink(target, &new)?;
                Ok(host.rename(&new, link)?)
            }
        }
    }

    fn answer(&self, changed: bool, facts: Json) -> Response {
        let mut response = Response { changed, ..Response::default() };
        response.returned.insert("state".into(), self.state.as_str().into());
        let facts = match self.state {
            State::Query | State::Present => facts,
            State::Absent => json!([]),
            State::Finalize | State::Clean => return response,
        };
        response.facts = JsonMap::from_iter([("deploy_helper".to_owned(), facts)]);
        response
    }
}

impl Action for DeployHelper {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        Ok(match self.steps(host)?.is_empty() {
            true => Guard::Stay(Box::new(self.answer(false, self.facts(host)?))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(true, self.facts(host)?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        // The places are told as they were before: the release that was in use is the previous one.
        let facts = self.facts(host)?;
        for step in self.steps(host)? {
            self.perform(&step, host)?;
        }
        Ok(self.answer(true, facts))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::{Json, Response};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/srv");
        host
    }

    fn both(host: &mut FakeHost, args: &Json) -> (Response, Response) {
        let check = Mode { check: true, diff: false };
        let foretold = run("deploy_helper", args, "path", "/srv/p", check, host);
        (foretold, run("deploy_helper", args, "path", "/srv/p", Mode::default(), host))
    }

    #[test]
    fn releases_follow_each_other() {
        let mut host = host();
        let (_, made) = both(&mut host, &json!({"mode": "0750"}));
        assert!(made.changed && !made.failed, "{made:?}");
        let facts = &made.facts["deploy_helper"];
        assert_eq!(facts["new_release"].as_str().map(str::len), Some(14));
        assert_eq!(facts["shared_path"], "/srv/p/shared");
        assert_eq!(facts["previous_release"], Json::Null);
        assert!(!both(&mut host, &json!({})).1.changed);
        for name in ["v1", "v2", "v3", "v4"] {
            host.put(&format!("/srv/p/releases/{name}/DEPLOY_UNFINISHED"), "");
            let args = json!({"state": "finalize", "release": name, "keep_releases": 2});
            let (foretold, done) = both(&mut host, &args);
            assert!(foretold.changed && done.changed && !done.failed, "{name}: {done:?}");
            assert!(done.facts.is_empty());
            let (foretold, again) = both(&mut host, &args);
            assert!(!foretold.changed && !again.changed, "{name}: {again:?}");
        }
        let mut asked = both(&mut host, &json!({"state": "query", "release": "v5"})).1;
        let facts = asked.facts.remove("deploy_helper").unwrap();
        assert_eq!(facts["previous_release"], "v4");
        assert_eq!(facts["new_release_path"], "/srv/p/releases/v5");
        assert!(host.files.text("/srv/p/releases/v4/DEPLOY_UNFINISHED").is_none());
        host.put("/srv/p/releases/broken/DEPLOY_UNFINISHED", "");
        assert!(both(&mut host, &json!({"state": "clean"})).1.changed);
        assert!(host.files.text("/srv/p/releases/broken/DEPLOY_UNFINISHED").is_none());
        assert!(both(&mut host, &json!({"state": "absent"})).1.changed);
        let (_, gone) = both(&mut host, &json!({"state": "absent"}));
        assert_eq!((gone.changed, &gone.facts["deploy_helper"]), (false, &json!([])));
    }

    #[test]
    fn what_stands_in_the_way_is_refused() {
        for (args, words) in [
            (json!({"state": "finalize"}), "release"),
            (
                json!({"state": "finalize", "release": "v1", "keep_releases": 0}),
                "should be at least 1",
            ),
            (
                json!({"state": "finalize", "release": "none"}),
                "/srv/p/releases/none doesn't exists",
            ),
            (json!({"current_path": "file"}), "/srv/p/file exists but is not a symbolic link"),
            (json!({"shared_path": "file"}), "/srv/p/file exists but is not a directory"),
            (json!({"state": "query", "path": "relative", "keep_releases": "x"}), "keep_releases"),
        ] {
            let mut host = host();
            host.put("/srv/p/file", "");
            let (_, done) = both(&mut host, &args);
            let msg = done.msg.unwrap_or_default();
            assert!(done.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
