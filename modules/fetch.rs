//! The `fetch` module: what runs on the host.
//!
//! The controller works out where the file goes and has it sent: it asks first with
//! `_known: SHA-256 of what it holds`, and is sent the file only where that differs. The answer
//! says `sent` and `digest` (SHA-256) beside Ansible's own values.

use std::path::PathBuf;

use module::{
    Arguments, Documented, Example, Fact, Failure, Host, HostError, Returned,
    content::{Algorithm, file_digests},
};
use protocol::{Digest, Response};

/// Copies a file from the host to the controller.
///
/// As in Ansible, names that it does not know are ignored.
#[derive(Debug, Arguments)]
#[arguments(open)]
pub struct Fetch {
    /// The file on the host.
    src: PathBuf,
    /// Where it goes: a folder of the controller, in which the host's name and the whole path are
    /// made; with `flat`, the file itself or, with `/` at the end, its folder.
    #[expect(dead_code, reason = "the controller acts on it")]
    dest: String,
    /// Whether `dest` is taken as it is.
    #[argument(default = false)]
    #[expect(dead_code, reason = "the controller acts on it")]
    flat: bool,
    /// Whether a file that is not there, or cannot be read, is a failure.
    #[argument(default = true)]
    fail_on_missing: bool,
    /// Whether the copy is compared with the file. It always is, as its digest travels with it.
    #[argument(default = true)]
    #[expect(dead_code, reason = "what is streamed is always compared")]
    validate_checksum: bool,
    #[argument(internal)]
    known: Option<Digest>,
}

impl Documented for Fetch {
    const NAME: &'static str = "ansible.builtin.fetch";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A file of each host",
        args: r#"{"src": "/etc/hosts", "dest": "fetched"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("dest", "The copy.", "success", r#""fetched/web1/etc/hosts""#),
        Returned::new(
            "checksum",
            "SHA-1 of the copy.",
            "success",
            r#""b52791126f96a21a8ba4d511c6f25a1c1eb6dc9e""#,
        ),
        Returned::new(
            "remote_checksum",
            "SHA-1 of the file.",
            "success",
            r#""b52791126f96a21a8ba4d511c6f25a1c1eb6dc9e""#,
        ),
        Returned::new(
            "md5sum",
            "MD5 of the copy.",
            "success",
            r#""2a5aeecc61dc98c4d780b14b330e3282""#,
        ),
    ];
}

impl Fetch {
    /// The remote's user may not read the file.
    fn unreadable(&self, path: &str) -> Result<Response, Failure> {
        let msg = format!("file is not readable: {path}: Permission denied");
        if self.fail_on_missing {
            return Err(Failure::new(msg).with("file", path));
        }
        Ok(nothing(&format!("{msg}, not transferring, ignored"), path))
    }
}

impl Fact for Fetch {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let path = self.src.display().to_string();
        let there = match host.metadata(&self.src) {
            Err(HostError::File { source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                return self.unreadable(&path);
            }
            there => there?,
        };
        match there {
            None => {
                let msg = "the remote file does not exist, not transferring, ignored";
                return match self.fail_on_missing {
                    true => Err(Failure::new(msg)),
                    false => Ok(nothing(msg, &path)),
                };
            }
            Some(found) if found.is_dir() => {
                let msg = "remote file is a directory, fetch cannot work on directories";
                if self.fail_on_missing {
                    return Err(Failure::new(msg).with("file", path));
                }
                return Ok(nothing(&format!("{msg}, not transferring, ignored"), &path));
            }
            Some(_) => {}
        }
        let algorithms = [Algorithm::Blake3, Algorithm::Sha1, Algorithm::Md5];
        let [name, sha1, md5] = match file_digests(host, algorithms, &self.src) {
            Ok(digests) => digests.unwrap_or_default(),
            Err(HostError::File { source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                return self.unreadable(&path);
            }
            Err(error) if self.fail_on_missing => return Err(error.into()),
            Err(error) => {
                let why = module::failure::chain(&error);
                return Ok(nothing(&format!("{why}, not transferring, ignored"), &path));
            }
        };
        let mut response = Response::default();
        let returned = &mut response.returned;
        returned.insert("file".into(), path.into());
        returned.insert("checksum".into(), sha1.into());
        returned.insert("md5sum".into(), md5.into());
        let is_known = self.known.as_ref().is_some_and(|known| known.0 == name);
        returned.insert("digest".into(), name.into());
        returned.insert("sent".into(), (!is_known).into());
        if !is_known && let Some(mut content) = host.open(&self.src)? {
            host.send(&mut *content)?;
        }
        Ok(response)
    }
}

fn nothing(msg: &str, path: &str) -> Response {
    let mut response = Response { msg: Some(msg.into()), ..Response::default() };
    response.returned.insert("file".into(), path.into());
    response.returned.insert("sent".into(), false.into());
    response
}
