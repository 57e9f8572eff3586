//! The `git` module.

mod archive;
mod checkout;
mod repository;
mod signature;
mod submodules;
mod transport;

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, Host, Returned,
    path::{expand, normalize},
};
use protocol::{Diff, Json, Response};

use repository::Repository;
use transport::Transport;

/// Keeps a working copy (or a bare one) of a git repository at a version.
///
/// The version is a branch, a tag, a commit, or `HEAD` for the branch that is checked out. Changes
/// that were made in the working copy are never lost without `force`. git 2.3 or newer is used for
/// what has to do with SSH; older ones are refused then.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["separate_git_dir", "bare"], ["accept_hostkey", "accept_newhostkey"]),
    required_by(("archive_prefix", ["archive"]))
)]
pub struct Git {
    /// Where the working copy is; may be left out with `clone: false`, where only the version of
    /// the far side is asked for.
    dest: Option<PathBuf>,
    /// Where it comes from: an address or a path.
    #[argument(aliases("name"))]
    repo: String,
    /// Branch, tag or commit; `HEAD` for the branch that is checked out.
    #[argument(default = "HEAD")]
    version: String,
    /// Name of the far side.
    #[argument(default = "origin")]
    remote: String,
    /// What is fetched besides, as `git fetch` takes it.
    refspec: Option<String>,
    /// A repository on the host whose objects are used.
    reference: Option<String>,
    /// Whether changes in the working copy are thrown away.
    #[argument(default = false)]
    force: bool,
    /// How many commits of a history are fetched.
    depth: Option<u32>,
    /// Whether it is cloned where it is not there.
    #[argument(default = true)]
    clone: bool,
    /// Whether new versions are fetched.
    #[argument(default = true)]
    update: bool,
    /// Whether the commit or tag must have a good signature.
    #[argument(default = false)]
    verify_commit: bool,
    /// Fingerprints of the keys that signatures must be made with; any where it is empty.
    #[argument(default = [], aliases("gpg_whitelist"))]
    gpg_allowlist: Vec<String>,
    /// Whether any SSH key of the far side is taken.
    #[argument(default = false)]
    accept_hostkey: bool,
    /// Whether an SSH key of the far side is taken where none is known yet.
    #[argument(default = false)]
    accept_newhostkey: bool,
    /// SSH key of the host that is shown to the far side.
    key_file: Option<PathBuf>,
    /// Options for SSH.
    ssh_opts: Option<String>,
    /// git itself, where it is not in `PATH`.
    executable: Option<PathBuf>,
    /// Whether the repository has no working copy.
    #[argument(default = false)]
    bare: bool,
    /// Whether submodules are cloned and updated.
    #[argument(default = true)]
    recursive: bool,
    /// Whether only the branch of the version is cloned.
    #[argument(default = false)]
    single_branch: bool,
    /// Whether submodules follow their own branch `master` instead of what the commit says.
    #[argument(default = false)]
    track_submodules: bool,
    /// Permissions that new files do not get, in octal digits and quotes.
    umask: Option<Json>,
    /// An archive that is made of the version: `.zip`, `.tar.gz`, `.tar` or `.tgz`.
    archive: Option<PathBuf>,
    /// What stands before each path in the archive.
    archive_prefix: Option<String>,
    /// Where the repository itself is, apart from the working copy.
    separate_git_dir: Option<PathBuf>,
}

impl Documented for Git {
    const NAME: &'static str = "ansible.builtin.git";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A branch",
            args: r#"{"repo": "https://git.example.org/app.git", "dest": "/srv/app", "version": "main"}"#,
        },
        Example {
            title: "What version is there",
            args: r#"{"repo": "https://git.example.org/app.git", "clone": false}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("before", "The commit that was there.", "always", r#""67c04ebe""#),
        Returned::new("after", "The commit that is there now.", "always", r#""4c020102""#),
        Returned::new(
            "remote_url_changed",
            "Whether the working copy belonged to another repository.",
            "where it was there",
            "false",
        ),
        Returned::new("submodules_changed", "Whether submodules changed.", "if so", "true"),
        Returned::new("git_dir_before", "Where the repository was.", "if moved", r#""/a/.git""#),
        Returned::new("git_dir_now", "Where it is.", "if moved", r#""/b""#),
    ];
}

impl Action for Git {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut state = self.begin(host)?;
        match &state.place {
            Some(place) if place.is_cloned => {}
            _ => return self.ask_remote(host, &state),
        }
        let moves = self.relocation(host, &state)?.is_some();
        let mut response = Response { changed: moves, ..Response::default() };
        let repository = state.repository();
        let before = repository.version(host)?;
        set(&mut response, "before", before.clone());
        let mut after = before.clone();
        if self.update {
            if self.has_forbidden_changes(host, &repository)? {
                response.changed = true;
            }
            let url = repository.remote_url(host, &self.remote)?;
            let differs =
                url.is_some_and(|url| url != state.repo && !same(host, &url, &state.repo));
            response.changed |= differs;
            set(&mut response, "remote_url_changed", differs);
            let asked = if differs { state.repo.clone() } else { self.remote.clone() };
            after = self.remote_version(host, &repository, &asked)?;
            response.changed |= before != after;
            response.diff = repository.difference(host, &before, &after)?;
        }
        set(&mut response, "after", after);
        if self.archive.is_some() {
            response.changed = true;
        }
        response.warnings.append(&mut state.warnings);
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut state = self.begin(host)?;
        let mut response = Response::default();
        if let Some((from, to)) = self.relocation(host, &state)? {
            repository::relocate(host, &from, &to, self.dest.as_deref())?;
            set(&mut response, "git_dir_before", from.display().to_string());
            set(&mut response, "git_dir_now", to.display().to_string());
            response.changed = true;
        }
        let is_cloned = match &state.place {
            None => return self.ask_remote(host, &state),
            Some(place) => place.is_cloned,
        };
        let repository = state.repository();
        let mut before = None;
        if !is_cloned {
            if !self.clone {
                return self.ask_remote(host, &state);
            }
            self.clone_it(host, &mut state)?;
        } else {
            let now = repository.version(host)?;
            before = Some(now.clone());
            if !self.update {
                set(&mut response, "before", now.clone());
                set(&mut response, "after", now);
                self.make_archive(host, &repository, &state.repo, &mut response)?;
                response.warnings.append(&mut state.warnings);
                return Ok(response);
            }
            if self.has_forbidden_changes(host, &repository)? {
                repository.run(host, &["reset", "--hard", "HEAD"])?;
                response.changed = true;
                response.msg = Some(format!(
                    "Local modifications exist in the destination: {}",
                    repository.dest.display()
                ));
            }
            let moved = self.set_remote_url(host, &repository, &state.repo)?;
            set(&mut response, "remote_url_changed", moved);
            response.changed |= moved;
            self.fetch(host, &repository, &state.repo)?;
        }
        if !self.bare {
            self.switch(host, &repository)?;
            if self.recursive
                && submodules::fetch(host, &repository, &self.remote, self.track_submodules)?
            {
                submodules::update(host, &repository, self.track_submodules, self.force)?;
                set(&mut response, "submodules_changed", true);
                response.changed = true;
            }
        }
        let after = repository.version(host)?;
        response.changed |= before.as_ref() != Some(&after);
        response.diff = match &before {
            Some(before) => repository.difference(host, before, &after)?,
            None => newly(&after),
        };
        set(&mut response, "before", before);
        set(&mut response, "after", after);
        self.make_archive(host, &repository, &state.repo, &mut response)?;
        response.warnings.append(&mut state.warnings);
        Ok(response)
    }
}

fn set(response: &mut Response, name: &str, value: impl Into<Json>) {
    response.returned.insert(name.into(), value.into());
}

fn newly(after: &str) -> Vec<Diff> {
    let prepared = Some(format!(">> Newly checked out {after}"));
    vec![Diff { prepared, ..Diff::default() }]
}

/// Whether two names of repositories are the same path.
fn same(host: &dyn Host, left: &str, right: &str) -> bool {
    let real = |name: &str| {
        let path = PathBuf::from(expand(host, name));
        let path = host.real_path(&path).unwrap_or(path);
        normalize(&path)
    };
    real(left) == real(right)
}

/// What is known before anything is done.
struct Start {
    repo: String,
    place: Option<Place>,
    is_bare: bool,
    transport: Transport,
    git: String,
    umask: Option<u32>,
    warnings: Vec<String>,
}

/// Where the working copy is to be.
struct Place {
    dest: PathBuf,
    /// Where the repository itself is.
    repository: PathBuf,
    is_cloned: bool,
}

impl Start {
    fn repository(&self) -> Repository {
        Repository {
            git: self.git.clone(),
            dest: self.place.as_ref().map_or_else(|| "/".into(), |place| place.dest.clone()),
            is_bare: self.is_bare,
            environment: self.transport.environment.clone(),
            umask: self.umask,
        }
    }
}

impl Git {
    fn begin(&self, host: &dyn Host) -> Result<Start, Failure> {
        let mut warnings = Vec::new();
        let git = self
            .executable
            .as_ref()
            .map_or_else(|| "git".into(), |path| path.display().to_string());
        let transport = Transport::of(self, host, &git, &mut warnings)?;
        let expanded = expand(host, &self.repo);
        let repo = if expanded.starts_with('/') {
            format!("file://{expanded}")
        } else {
            self.repo.clone()
        };
        let place = match &self.dest {
            None if self.clone => {
                return Err(Failure::new(
                    "the destination directory must be specified unless clone=no",
                ));
            }
            None => None,
            Some(dest) => {
                let folder = repository::folder(host, dest, self.bare)?;
                let is_cloned = host.metadata(&folder.join("config"))?.is_some();
                Some(Place { dest: dest.clone(), repository: folder, is_cloned })
            }
        };
        let umask = match &self.umask {
            None => None,
            Some(Json::String(text)) => Some(u32::from_str_radix(text, 8).map_err(|why| {
                Failure::new("umask must be an octal integer").with("details", why.to_string())
            })?),
            Some(_) => return Err(Failure::new("umask must be defined as a quoted octal integer")),
        };
        Ok(Start { repo, place, is_bare: self.bare, transport, git, umask, warnings })
    }

    /// From where to where the repository is moved, if it is.
    fn relocation(
        &self,
        host: &dyn Host,
        start: &Start,
    ) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        let (Some(wanted), Some(place)) = (&self.separate_git_dir, &start.place) else {
            return Ok(None);
        };
        let wanted = host.real_path(wanted).unwrap_or_else(|_| wanted.clone());
        if host.metadata(&place.repository)?.is_none() || place.repository == wanted {
            return Ok(None);
        }
        if host.metadata(&wanted)?.is_some() {
            let path = wanted.display();
            return Err(Failure::new(format!("Separate-git-dir path {path} already exists.")));
        }
        Ok(Some((place.repository.clone(), wanted)))
    }

    /// What the far side has, where nothing is cloned.
    fn ask_remote(&self, host: &dyn Host, start: &Start) -> Result<Response, Failure> {
        let repository = Repository { dest: "/".into(), ..start.repository() };
        let after = self.remote_version(host, &repository, &start.repo)?;
        let mut response = Response { changed: true, diff: newly(&after), ..Response::default() };
        set(&mut response, "before", Json::Null);
        set(&mut response, "after", after);
        response.warnings.extend(start.warnings.iter().cloned());
        Ok(response)
    }

    /// The commit that the wanted version is on the far side.
    fn remote_version(
        &self,
        host: &dyn Host,
        repository: &Repository,
        remote: &str,
    ) -> Result<String, Failure> {
        let version = &self.version;
        let is_cloning = remote != self.remote;
        let text = if version == "HEAD" {
            let name = if is_cloning {
                "HEAD".into()
            } else {
                format!("refs/heads/{}", repository.head_branch(host, &self.remote)?)
            };
            repository.ask(host, &["ls-remote", remote, &name])?
        } else if repository.has_remote_branch(host, remote, version)? {
            repository.ask(host, &["ls-remote", "-h", remote, &format!("refs/heads/{version}")])?
        } else if repository.has_remote_tag(host, remote, version)? {
            let text = repository
                .ask(host, &["ls-remote", "-t", remote, &format!("refs/tags/{version}*")])?;
            // An annotated tag stands for a commit of its own.
            let ends = [format!("refs/tags/{version}^{{}}"), format!("refs/tags/{version}")];
            ends.iter()
                .find_map(|end| text.lines().find(|line| line.ends_with(end)))
                .unwrap_or_default()
                .to_owned()
        } else {
            // It looks like a commit, which a far side cannot be asked for.
            return Ok(version.clone());
        };
        match text.split_whitespace().next() {
            Some(commit) => Ok(commit.to_owned()),
            None => Err(Failure::new(format!("Could not determine remote revision for {version}"))),
        }
    }

    /// Whether there are changes in the working copy.
    fn has_forbidden_changes(
        &self,
        host: &dyn Host,
        repository: &Repository,
    ) -> Result<bool, Failure> {
        if self.bare || !repository.has_changes(host)? {
            return Ok(false);
        }
        if self.force {
            return Ok(true);
        }
        let dest = repository.dest.display();
        let before = repository.version(host)?;
        Err(Failure::new(format!(
            "Local modifications exist in the destination: {dest} (force=no)."
        ))
        .with("before", before))
    }

    fn make_archive(
        &self,
        host: &mut dyn Host,
        repository: &Repository,
        repo: &str,
        response: &mut Response,
    ) -> Result<(), Failure> {
        let Some(path) = &self.archive else { return Ok(()) };
        let prefix = self.archive_prefix.as_deref();
        let changed = archive::make(host, repository, repo, path, prefix, &self.version)?;
        response.changed |= changed;
        Ok(())
    }

    fn set_remote_url(
        &self,
        host: &mut dyn Host,
        repository: &Repository,
        repo: &str,
    ) -> Result<bool, Failure> {
        let url = repository.remote_url(host, &self.remote)?;
        if url.as_ref().is_some_and(|url| url == repo || same(host, url, repo)) {
            return Ok(false);
        }
        repository.run(host, &["remote", "set-url", &self.remote, repo]).map_err(|failure| {
            failure_of(&format!("set a new url {repo} for {}", self.remote), failure)
        })?;
        Ok(url.is_some())
    }
}

/// A failure that says what was attempted.
fn failure_of(attempted: &str, failure: Failure) -> Failure {
    Failure { msg: format!("Failed to {attempted}: {}", failure.msg), ..failure }
}

#[cfg(test)]
mod tests;
