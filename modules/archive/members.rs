//! What an archive is made of: the things of the task, and what is below them.

use std::path::{Path, PathBuf};

use module::{Failure, Host, glob};

/// Something in an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub path: PathBuf,
    /// Its name in the archive, without a slash at the end.
    pub name: String,
    pub is_dir: bool,
}

/// The things that are packed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    /// What patterns stood for.
    pub expanded: Vec<String>,
    pub excluded: Vec<String>,
    pub has_patterns: bool,
    /// The things of the task, sorted, without those that are left out.
    pub paths: Vec<String>,
    /// Those that are there.
    pub found: Vec<String>,
    /// Those that are not.
    pub missing: Vec<String>,
    /// What names start from, with a slash at the end.
    pub root: String,
    /// All that is put into the archive.
    pub all: Vec<Member>,
}

fn expand(host: &dyn Host, paths: &[String]) -> Result<(Vec<String>, bool), Failure> {
    let (mut all, mut has_patterns) = (Vec::new(), false);
    for path in paths {
        if path.contains(['*', '?']) {
            has_patterns = true;
            let found = glob::find(host, path)?;
            all.extend(found.iter().map(|path| path.display().to_string()));
        } else {
            all.push(path.clone());
        }
    }
    Ok((all, has_patterns))
}

/// The folder that all have in common, with a slash at the end.
fn common(paths: &[String]) -> String {
    let folder = |path: &String| match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/"),
        None => String::new(),
    };
    let mut folders = paths.iter().map(folder);
    let Some(mut shared) = folders.next() else { return String::new() };
    for folder in folders {
        let same = shared.chars().zip(folder.chars()).take_while(|(one, other)| one == other);
        shared = same.map(|(one, _)| one).collect();
        // Half of a name is none.
        shared.truncate(shared.rfind('/').map_or(0, |at| at + 1));
    }
    shared
}

impl Members {
    /// Finds the things that a task names.
    ///
    /// # Errors
    /// Folders that cannot be listed.
    pub fn find(host: &dyn Host, paths: &[String], left_out: &[String]) -> Result<Self, Failure> {
        let (expanded, has_patterns) = expand(host, paths)?;
        let (excluded, _) = expand(host, left_out)?;
        let mut paths: Vec<String> =
            expanded.iter().filter(|path| !excluded.contains(path)).cloned().collect();
        paths.sort_unstable();
        paths.dedup();
        let root = common(&paths);
        Ok(Self { expanded, excluded, has_patterns, paths, root, ..Self::default() })
    }

    /// Looks at what is there, and below folders where an archive is made; `dest` itself is left
    /// out. Patterns fit the name in the archive, and in those of zip the whole path.
    ///
    /// # Errors
    /// What cannot be looked at.
    pub fn walk(
        mut self,
        host: &dyn Host,
        dest: &Path,
        patterns: &[String],
        fits_paths: bool,
        is_archive: bool,
    ) -> Result<Self, Failure> {
        for path in self.paths.clone() {
            match host.link_metadata(Path::new(&path))? {
                Some(_) => self.found.push(path),
                None => self.missing.push(path),
            }
        }
        if !is_archive {
            return Ok(self);
        }
        let mut queue: Vec<(PathBuf, bool)> =
            self.found.iter().rev().map(|path| (PathBuf::from(path), true)).collect();
        while let Some((path, is_first)) = queue.pop() {
            if path == dest {
                continue;
            }
            let Some(found) = host.link_metadata(&path)? else { continue };
            let is_dir = found.is_dir() || is_first && self.leads_to_folder(host, &path)?;
            if is_dir {
                let names = host.list(&path)?;
                queue.extend(names.iter().rev().map(|name| (path.join(name), false)));
            }
            // A folder of the task's is not in it itself, but all below.
            if is_first && is_dir {
                continue;
            }
            let text = path.display().to_string();
            let name = text.strip_prefix(&self.root).unwrap_or(&text).to_owned();
            let fitted = if fits_paths { &text } else { &name };
            if !patterns.iter().any(|pattern| glob::is_match(pattern, fitted)) {
                self.all.push(Member { path, name, is_dir: found.is_dir() });
            }
        }
        Ok(self)
    }

    fn leads_to_folder(&self, host: &dyn Host, path: &Path) -> Result<bool, Failure> {
        Ok(host.metadata(path)?.is_some_and(|found| found.is_dir()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_common_are_whole() {
        for (paths, expected) in [
            (vec!["/a/b"], "/a/"),
            (vec!["/a/b/"], "/a/b/"),
            (vec!["/a/bc/x", "/a/bd/y"], "/a/"),
            (vec!["/a/b/x", "/a/b/c/y"], "/a/b/"),
            (vec!["/a", "/b"], "/"),
            (vec!["x", "y"], ""),
            (vec![], ""),
        ] {
            let paths: Vec<String> = paths.into_iter().map(str::to_owned).collect();
            assert_eq!(common(&paths), expected, "{paths:?}");
        }
    }
}
