//! Cloning, fetching, and switching to a version.

use module::{Failure, Host};

use super::{Git, Start, failure_of, repository::Repository, signature};
use crate::{text_file::make_folders, tool};

impl Git {
    /// Clones what is not there.
    ///
    /// # Errors
    /// What git refuses.
    pub(super) fn clone_it(&self, host: &mut dyn Host, start: &mut Start) -> Result<(), Failure> {
        let repository = start.repository();
        make_folders(host, &repository.dest)?;
        let above = repository.dest.parent().map(std::path::Path::to_owned);
        let outside =
            Repository { dest: above.unwrap_or_else(|| "/".into()), ..start.repository() };
        let (repo, version) = (start.repo.as_str(), self.version.as_str());
        let mut words: Vec<String> = vec!["clone".into()];
        if self.bare {
            words.push("--bare".into());
        } else {
            words.extend(["--origin".into(), self.remote.clone()]);
        }
        let is_named = version != "HEAD"
            && (outside.has_remote_branch(host, repo, version)?
                || outside.has_remote_tag(host, repo, version)?);
        let mut branch = None;
        if let Some(depth) = self.depth {
            if version == "HEAD" || self.refspec.is_some() || is_named {
                words.extend(["--depth".into(), depth.to_string()]);
                if version != "HEAD" && self.refspec.is_none() {
                    branch = Some(version);
                }
            } else {
                start.warnings.push(
                    "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec."
                        .into(),
                );
            }
        }
        if let Some(reference) = &self.reference {
            words.extend(["--reference".into(), reference.clone()]);
        }
        if self.single_branch {
            words.push("--single-branch".into());
            if is_named {
                branch = Some(version);
            }
        }
        if let Some(branch) = branch {
            words.extend(["--branch".into(), branch.into()]);
        }
        if let Some(folder) = &self.separate_git_dir {
            words.push(format!("--separate-git-dir={}", folder.display()));
        }
        words.extend([repo.to_owned(), repository.dest.display().to_string()]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        outside.run(host, &words)?;
        if self.bare && self.remote != "origin" {
            repository.run(host, &["remote", "add", &self.remote, repo])?;
        }
        if let Some(refspec) = &self.refspec {
            let depth = self.depth.map(|depth| depth.to_string());
            let mut words = vec!["fetch"];
            if let Some(depth) = &depth {
                words.extend(["--depth", depth]);
            }
            words.extend([self.remote.as_str(), refspec]);
            repository.run(host, &words)?;
        }
        if self.verify_commit {
            signature::verify(host, &repository, version, &self.gpg_allowlist)?;
        }
        Ok(())
    }

    /// Fetches what is new: with a depth, no more than the version needs, if it has a name.
    ///
    /// # Errors
    /// What git refuses.
    pub(super) fn fetch(
        &self,
        host: &mut dyn Host,
        repository: &Repository,
        repo: &str,
    ) -> Result<(), Failure> {
        let mut words: Vec<String> = vec!["fetch".into()];
        let mut wanted = match self.depth {
            Some(_) => self.shallow_references(host, repository, repo)?,
            None => Vec::new(),
        };
        match self.depth {
            Some(depth) if !wanted.is_empty() => {
                words.extend(["--depth".into(), depth.to_string()]);
            }
            _ => {
                if self.bare {
                    wanted.extend(
                        ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"].map(Into::into),
                    );
                } else {
                    words.push("--tags".into());
                }
                wanted.extend(self.refspec.clone());
            }
        }
        if self.force {
            words.push("--force".into());
        }
        words.push(self.remote.clone());
        words.extend(wanted);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        repository
            .run(host, &words)
            .map_err(|failure| failure_of("download remote objects and refs", failure))?;
        Ok(())
    }

    fn shallow_references(
        &self,
        host: &dyn Host,
        repository: &Repository,
        repo: &str,
    ) -> Result<Vec<String>, Failure> {
        let (remote, version) = (self.remote.as_str(), self.version.as_str());
        let current = repository.head_branch(host, remote)?;
        if let Some(refspec) = &self.refspec {
            return Ok(vec![refspec.clone()]);
        }
        if version == "HEAD" {
            return Ok(vec![current]);
        }
        let mut wanted = Vec::new();
        if repository.has_remote_branch(host, repo, version)? {
            if current != version {
                wanted.push(format!("+refs/heads/{version}:refs/heads/{version}"));
            }
            wanted.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
        } else if repository.has_remote_tag(host, repo, version)? {
            wanted.push(format!("+refs/tags/{version}:refs/tags/{version}"));
        }
        Ok(wanted)
    }

    /// Checks the version out.
    ///
    /// # Errors
    /// A version that is nowhere, and what git refuses.
    pub(super) fn switch(
        &self,
        host: &mut dyn Host,
        repository: &Repository,
    ) -> Result<(), Failure> {
        let (remote, version) = (self.remote.as_str(), self.version.as_str());
        let refused = |what: &str| {
            let what = what.to_owned();
            move |failure: Failure| Failure { msg: format!("Failed to checkout {what}"), ..failure }
        };
        if version == "HEAD" {
            let branch = repository.head_branch(host, remote)?;
            let words = format!("branch {branch}");
            repository.run(host, &["checkout", "--force", &branch]).map_err(refused(&words))?;
            let there = format!("{remote}/{branch}");
            repository.run(host, &["reset", "--hard", &there, "--"]).map_err(refused(&words))?;
        } else if repository.has_remote_branch(host, remote, version)? {
            let there = format!("{remote}/{version}");
            let mut is_here = repository.has_branch(host, version)?;
            if let Some(depth) = self.depth.filter(|_| !is_here) {
                // A shallow clone knows one branch alone.
                let words = [
                    "fetch".into(),
                    format!("--depth={depth}"),
                    remote.into(),
                    format!("+refs/heads/{version}:refs/heads/{version}"),
                    format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"),
                ];
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                repository.run(host, &words).map_err(|failure| Failure {
                    msg: format!("Failed to fetch branch from remote: {version}"),
                    ..failure
                })?;
                is_here = repository.has_branch(host, version)?;
            }
            if is_here {
                let words = format!("branch {version}");
                repository.run(host, &["checkout", "--force", version]).map_err(refused(&words))?;
                repository
                    .run(host, &["reset", "--hard", &there, "--"])
                    .map_err(refused(version))?;
            } else {
                repository
                    .run(host, &["checkout", "--track", "-b", version, &there])
                    .map_err(refused(version))?;
            }
        } else {
            repository.run(host, &["checkout", "--force", version]).map_err(refused(version))?;
        }
        if self.verify_commit {
            signature::verify(host, repository, version, &self.gpg_allowlist)?;
        }
        Ok(())
    }
}

/// Whether git knows that name, for signatures and archives.
///
/// # Errors
/// What cannot be asked.
pub fn is_annotated_tag(
    host: &dyn Host,
    repository: &Repository,
    name: &str,
) -> Result<bool, Failure> {
    let reference = format!("refs/tags/{name}");
    let program = repository.program(&["cat-file", "-t", &reference]);
    Ok(tool::ask_whether(host, &program)?.is_some_and(|kind| kind.trim() == "tag"))
}
