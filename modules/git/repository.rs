//! A repository on the host, and what `git` says of it.

use std::path::{Path, PathBuf};

use module::{Failure, Host, Output, Placement, Program};
use protocol::Diff;

use crate::tool;

/// A repository and how git is run in it.
pub struct Repository {
    /// The program.
    pub git: String,
    /// The working copy, or the repository itself where it is bare.
    pub dest: PathBuf,
    /// Whether there is no working copy.
    pub is_bare: bool,
    /// What the transport needs.
    pub environment: Vec<(String, String)>,
    pub umask: Option<u32>,
}

impl Repository {
    /// A run of git in the working copy.
    pub fn program(&self, args: &[&str]) -> Program {
        let mut program = Program::new(&self.git).args(args.iter().copied());
        program.folder = Some(self.dest.clone());
        program.environment.clone_from(&self.environment);
        program.umask = self.umask;
        program
    }

    /// What git says, without writing as much as its index.
    pub fn ask(&self, host: &dyn Host, args: &[&str]) -> Result<String, Failure> {
        tool::ask(host, &self.program(args).variable("GIT_OPTIONAL_LOCKS", "0"))
    }

    /// Runs git, which must succeed.
    pub fn run(&self, host: &mut dyn Host, args: &[&str]) -> Result<Output, Failure> {
        tool::run(host, &self.program(args))
    }

    /// The commit that is checked out; nothing in a repository without commits.
    pub fn version(&self, host: &dyn Host) -> Result<String, Failure> {
        let output = host.query(&self.program(&["rev-parse", "HEAD"]))?;
        Ok(output.stdout_text().trim_end().to_owned())
    }

    /// Whether files that git knows differ from what is checked out.
    pub fn has_changes(&self, host: &dyn Host) -> Result<bool, Failure> {
        let text = self.ask(host, &["status", "--porcelain"])?;
        Ok(text.lines().any(|line| !line.starts_with("??")))
    }

    /// Where the far side is; nothing where none of that name is known.
    pub fn remote_url(&self, host: &dyn Host, remote: &str) -> Result<Option<String>, Failure> {
        let text = tool::ask_whether(host, &self.program(&["ls-remote", "--get-url", remote]))?;
        Ok(text.map(|text| text.trim_end().to_owned()))
    }

    /// Whether the far side has a branch of that name.
    pub fn has_remote_branch(
        &self,
        host: &dyn Host,
        remote: &str,
        name: &str,
    ) -> Result<bool, Failure> {
        self.has_remote(host, remote, "-h", &format!("refs/heads/{name}"))
    }

    /// Whether the far side has a tag of that name.
    pub fn has_remote_tag(
        &self,
        host: &dyn Host,
        remote: &str,
        name: &str,
    ) -> Result<bool, Failure> {
        self.has_remote(host, remote, "-t", &format!("refs/tags/{name}"))
    }

    fn has_remote(
        &self,
        host: &dyn Host,
        remote: &str,
        kind: &str,
        name: &str,
    ) -> Result<bool, Failure> {
        let text = self.ask(host, &["ls-remote", kind, remote, name])?;
        Ok(text.lines().any(|line| line.split_whitespace().nth(1) == Some(name)))
    }

    fn branches(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let text = self.ask(host, &["branch", "--no-color", "-a"])?;
        Ok(text
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// Whether a branch of that name is here.
    pub fn has_branch(&self, host: &dyn Host, name: &str) -> Result<bool, Failure> {
        let branches = self.branches(host)?;
        Ok(branches.iter().any(|line| line.trim_start_matches("* ") == name))
    }

    /// The branch that is checked out or, where none is, that of the far side's `HEAD`.
    pub fn head_branch(&self, host: &dyn Host, remote: &str) -> Result<String, Failure> {
        let is_detached = self.branches(host)?.iter().any(|line| {
            line.strip_prefix("* ").is_some_and(|rest| {
                ["no branch", "detached from", "detached at"]
                    .iter()
                    .any(|words| rest.contains(words))
            })
        });
        let folder = folder(host, &self.dest, self.is_bare)?;
        let path = match is_detached {
            true => folder.join("refs/remotes").join(remote).join("HEAD"),
            false => folder.join("HEAD"),
        };
        let text = host.read(&path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let name = text.as_deref().and_then(|text| {
            let reference = text.lines().next()?.strip_prefix("ref: ")?.trim();
            let far = format!("refs/remotes/{remote}/");
            reference.strip_prefix(&far).or_else(|| reference.strip_prefix("refs/heads/"))
        });
        name.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("Unable to split head from '{}'", text.unwrap_or_default().trim()))
        })
    }

    /// What differs between two commits, for people.
    pub fn difference(
        &self,
        host: &dyn Host,
        before: &str,
        after: &str,
    ) -> Result<Vec<Diff>, Failure> {
        if before == after {
            return Ok(Vec::new());
        }
        let output = host.query(&self.program(&["diff", before, after]))?;
        let text = output.stdout_text();
        let prepared = if !output.is_success() {
            let why = output.stderr_text();
            format!(">> Failed to get proper diff between {before} and {after}:\n>> {why}")
        } else if text.is_empty() {
            format!(">> No visual differences between {before} and {after}")
        } else {
            text
        };
        Ok(vec![Diff { prepared: Some(prepared), ..Diff::default() }])
    }
}

/// Where the repository of a working copy is: `.git`, or where a file of that name says.
///
/// # Errors
/// A file that says nothing, or leads to nothing.
pub fn folder(host: &dyn Host, dest: &Path, is_bare: bool) -> Result<PathBuf, Failure> {
    let path = if is_bare { dest.to_owned() } else { dest.join(".git") };
    if !host.metadata(&path)?.is_some_and(|found| found.is_file()) {
        return Ok(path);
    }
    let bytes = host.read(&path)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let named = text.trim_end().strip_prefix("gitdir: ").map(|named| dest.join(named));
    match named {
        Some(named) if host.metadata(&named)?.is_some_and(|found| found.is_dir()) => Ok(named),
        _ => Err(Failure::new(
            "Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path",
        )
        .with("details", text.trim_end())),
    }
}

/// Moves a repository, and leaves a file in the working copy that says where it is. Where that file
/// cannot be written, it is moved back.
///
/// # Errors
/// What cannot be moved.
pub fn relocate(
    host: &mut dyn Host,
    from: &Path,
    to: &Path,
    dest: Option<&Path>,
) -> Result<(), Failure> {
    let Some(dest) = dest else { return Ok(()) };
    let unable = |why: &dyn std::error::Error| {
        Failure::new(format!("Unable to move git dir. {}", module::failure::chain(why)))
    };
    // `mv`, for the new place may be on another file system.
    let program =
        Program::new("mv").arg("--").arg(from.display().to_string()).arg(to.display().to_string());
    tool::run(host, &program)?;
    let text = format!("gitdir: {}", to.display());
    if let Err(why) = host.write(&dest.join(".git"), &mut text.as_bytes(), &Placement::default()) {
        let failure = unable(&why);
        host.rename(to, from)?;
        return Err(failure);
    }
    Ok(())
}
