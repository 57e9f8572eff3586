//! SSH keys of users.

use std::path::{Path, PathBuf};

use module::{
    Failure, FileMode, Host, Program, accounts,
    host::{Links, succeeded},
};
use protocol::JsonMap;

use super::User;

/// The step that puts another key in the place of one that is there.
pub const ANOTHER: &str = "make another SSH key";

impl User {
    /// Whether there is a key, or what stands in the place of one: it is not overwritten unasked.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn has_key(&self, host: &dyn Host, user: &accounts::User) -> Result<bool, Failure> {
        let path = self.key_path(user);
        Ok(host.link_metadata(&path)?.is_some()
            || host.link_metadata(&with_suffix(&path))?.is_some())
    }

    /// The private key's file.
    pub fn key_path(&self, user: &accounts::User) -> PathBuf {
        let file = match &self.ssh_key_file {
            Some(file) => file.clone(),
            None => format!(".ssh/id_{}", self.ssh_key_type).into(),
        };
        let home = self.home.clone().unwrap_or_else(|| user.home.clone().into());
        home.join(file)
    }

    /// Makes the key, and the folder for it.
    pub fn make_key(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let Some(user) = self.find(host)? else {
            return Err(Failure::new(format!("User {} unknown", self.name)));
        };
        let path = self.key_path(&user);
        if self.force {
            for old in [path.clone(), with_suffix(&path)] {
                if host.link_metadata(&old)?.is_some() {
                    host.remove_file(&old)?;
                }
            }
        }
        if self.has_key(host, &user)? {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        let (uid, gid) = (Some(user.uid), Some(user.gid));
        if host.metadata(folder)?.is_none() {
            host.make_dir(folder, FileMode::new(0o700))?;
            host.set_owner(folder, uid, gid, Links::Keep)?;
        }
        let comment = match &self.ssh_key_comment {
            Some(comment) => comment.clone(),
            None => format!("ansible-generated on {}", read_host_name(host)?),
        };
        let mut program = Program::new("ssh-keygen").args(["-q", "-t", &self.ssh_key_type]);
        if let Some(bits) = self.ssh_key_bits.filter(|bits| *bits > 0) {
            program = program.args(["-b".to_owned(), bits.to_string()]);
        }
        let file = path.display().to_string();
        let program = program.args(["-C", &comment, "-f", &file]);
        let program = match self.ssh_key_passphrase.as_deref().filter(|one| !one.is_empty()) {
            // Not in its arguments, which other users of the host can see.
            Some(passphrase) => program.asked(&[passphrase, passphrase])?,
            None => program.args(["-N", ""]),
        };
        let output = host.execute(&program)?;
        succeeded(&program, output)?;
        host.set_owner(&path, uid, gid, Links::Keep)?;
        Ok(host.set_owner(&with_suffix(&path), uid, gid, Links::Keep)?)
    }

    /// Adds what is returned of a key.
    pub fn describe_key(&self, host: &dyn Host, map: &mut JsonMap) -> Result<(), Failure> {
        let Some(user) = self.find(host)? else { return Ok(()) };
        let path = self.key_path(&user);
        map.insert("ssh_key_file".into(), path.display().to_string().into());
        if let Some(public) = host.read(&with_suffix(&path))? {
            let text = String::from_utf8_lossy(&public).trim().to_owned();
            map.insert("ssh_public_key".into(), text.into());
            let file = path.display().to_string();
            let output = host.query(&Program::new("ssh-keygen").args(["-l", "-f", &file]))?;
            let said =
                if output.is_success() { output.stdout_text() } else { output.stderr_text() };
            map.insert("ssh_fingerprint".into(), said.trim().into());
        }
        Ok(())
    }
}

fn with_suffix(path: &Path) -> PathBuf {
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    public.into()
}

fn read_host_name(host: &dyn Host) -> Result<String, Failure> {
    let bytes = host.read(Path::new("/proc/sys/kernel/hostname"))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
