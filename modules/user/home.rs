//! Home folders of accounts that are there without one.

use std::path::{Path, PathBuf};

use module::{Failure, FileMode, Host, Placement, accounts, host::Links};

use super::User;

/// Files that a skeleton may have.
const FILES_MAX: usize = 10_000;

impl User {
    /// Makes the home folder with what the skeleton holds, unless it is there.
    pub fn make_home(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let Some(user) = self.find(host)? else { return Ok(()) };
        let home = PathBuf::from(&user.home);
        if user.home.is_empty() || host.metadata(&home)?.is_some() {
            return Ok(());
        }
        let mut missing: Vec<&Path> = Vec::new();
        for above in home.ancestors().skip(1) {
            if host.metadata(above)?.is_some() {
                break;
            }
            missing.push(above);
        }
        for folder in missing.into_iter().rev() {
            host.make_dir(folder, FileMode::new(0o755))?;
        }
        host.make_dir(&home, FileMode::new(0o700))?;
        let skeleton = self.skeleton.clone().unwrap_or_else(|| "/etc/skel".into());
        if host.metadata(&skeleton)?.is_some_and(|found| found.is_dir()) {
            copy_skeleton(host, &skeleton, &home, &user)?;
        }
        host.set_owner(&home, Some(user.uid), Some(user.gid), Links::Keep)?;
        let mode = self.home_mode(host)?;
        Ok(host.set_mode(&home, mode)?)
    }

    /// Permissions of a home folder: `HOME_MODE` of /etc/login.defs, else what the umask leaves.
    fn home_mode(&self, host: &dyn Host) -> Result<FileMode, Failure> {
        let bytes = host.read(Path::new("/etc/login.defs"))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let setting = |name: &str| {
            text.lines().find_map(|line| {
                let mut words = line.split_whitespace();
                let value = words.next().filter(|word| *word == name).and(words.next())?;
                u32::from_str_radix(value, 8).ok()
            })
        };
        let umask = match &self.umask {
            Some(umask) => Some(u32::from_str_radix(umask, 8).map_err(|_| {
                Failure::new(format!("umask must be an octal number, got: {umask}"))
            })?),
            None => None,
        };
        Ok(FileMode::new(match (umask, setting("HOME_MODE"), setting("UMASK")) {
            (Some(umask), ..) | (None, None, Some(umask)) => 0o777 & !umask,
            (None, Some(mode), _) => mode,
            (None, None, None) => 0o755,
        }))
    }
}

fn copy_skeleton(
    host: &mut dyn Host,
    skeleton: &Path,
    home: &Path,
    user: &accounts::User,
) -> Result<(), Failure> {
    let mut folders = vec![(skeleton.to_owned(), home.to_owned())];
    let mut copied = 0;
    while let Some((from, to)) = folders.pop() {
        for name in host.list(&from)? {
            copied += 1;
            if copied > FILES_MAX {
                return Err(Failure::new(format!("the skeleton has more than {FILES_MAX} files")));
            }
            let (from, to) = (from.join(&name), to.join(&name));
            let Some(found) = host.link_metadata(&from)? else { continue };
            if found.is_dir() {
                host.make_dir(&to, found.mode)?;
                folders.push((from, to.clone()));
            } else if found.is_link() {
                let target = host.read_link(&from)?;
                host.symlink(&target, &to)?;
            } else if let Some(mut content) = host.open(&from)? {
                let placement = Placement { mode: Some(found.mode), ..Placement::default() };
                host.write(&to, &mut *content, &placement)?;
            }
            host.set_owner(&to, Some(user.uid), Some(user.gid), Links::Keep)?;
        }
    }
    Ok(())
}
