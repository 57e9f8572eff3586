//! The `copy` module: what runs on the host.
//!
//! The controller finds the source, decrypts it and makes a request of one of these forms: `content`
//! as it is; `_source` (a [`Source`]) for one file that the controller holds, which `template`
//! uses as well; `_manifest` (a list of [`Item`]s) for a folder, of which the host asks for those
//! files alone that differ; or, with `remote_src`, nothing more, for the source is on the host.

mod origin;
mod plan;
mod state;

use std::path::{Path, PathBuf};

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, Host, HostError, Module,
    Placement, Returned, Source,
    clock::local_time,
    content::{Algorithm, Digesting, file_digest},
    file_arguments::path_info,
    host::Links,
    path::split_words,
};
use protocol::{Diff, Json, JsonMap};

pub use plan::Item;
use plan::Plan;
use state::{Files, Node};

/// Copies files from the controller, or from one place on the host to another.
///
/// A file is replaced at once: readers see the old content or the new, whole. What a task leaves
/// out (owner, permissions, SELinux context) is kept of a file that is there.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["src", "content"]))]
pub struct Copy {
    /// File or folder in the controller, or on the host with `remote_src`. A folder whose path ends
    /// with `/` stands for what is in it.
    src: Option<PathBuf>,
    /// What the file holds, instead of `src`: text, or data, which is written as JSON.
    content: Option<String>,
    /// Where it goes. A path that ends with `/`, or that is a folder, takes the file in under its
    /// own name.
    dest: PathBuf,
    /// Whether the source is on the host.
    #[argument(default = false)]
    remote_src: bool,
    /// Whether a file with other content is replaced; without it, only what is not there is made.
    #[argument(default = true)]
    force: bool,
    /// Whether the old file is kept beside the new one, with the time in its name.
    #[argument(default = false)]
    backup: bool,
    /// A program that must succeed on the new file before it takes its place; `%s` is its path.
    validate: Option<String>,
    /// Permissions of folders that are made; what the umask allows where this is left out.
    directory_mode: Option<Json>,
    /// Whether a link at `dest` is followed; else it is replaced.
    #[argument(default = false)]
    follow: bool,
    /// Whether links in the source are followed; so it is where this is left out, but with
    /// `remote_src`. Links that lead in a circle stay links.
    local_follow: Option<bool>,
    /// SHA-1 that the content must have.
    checksum: Option<String>,
    /// Whether a source that ansible-vault encrypted is decrypted. The controller does it.
    #[argument(default = true)]
    #[expect(dead_code, reason = "the controller acts on it")]
    decrypt: bool,
    #[argument(flatten)]
    file: FileArguments,
    #[argument(internal)]
    source: Option<Source>,
    #[argument(internal)]
    manifest: Option<Vec<Item>>,
}

impl Documented for Copy {
    const NAME: &'static str = "ansible.builtin.copy";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Text",
            args: r#"{"dest": "/etc/motd", "content": "hello\n", "mode": "0644"}"#,
        },
        Example {
            title: "A file of the controller, checked before it is used, the old one kept",
            args: r#"{"src": "sudoers", "dest": "/etc/sudoers.d/ops", "mode": "0440", "owner": "root", "validate": "visudo -cf %s", "backup": true, "_source": {"digest": "4878ca0425c739fa427f7eda20fe845f6b2e46ba5fe2a14df5b1e32f50603215", "size": 4, "name": "sudoers"}}"#,
        },
        Example {
            title: "A file of the host, into a folder",
            args: r#"{"src": "/etc/hosts", "dest": "/srv/backup/", "remote_src": true}"#,
        },
        Example {
            title: "A folder of the host",
            args: r#"{"src": "/etc", "dest": "/srv", "remote_src": true}"#,
        },
        Example {
            title: "Only if it is not there",
            args: r#"{"dest": "/etc/hosts", "content": "x", "force": false}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("dest", "Where it went.", "always", r#""/etc/motd""#),
        Returned::new("src", "Where it came from.", "changed", r#""/srv/files/motd""#),
        Returned::new(
            "checksum",
            "SHA-1 of the file.",
            "for single files",
            r#""6e642bb8dd5c2e027bf21dd923337cbb4214f827""#,
        ),
        Returned::new(
            "md5sum",
            "MD5 of the file.",
            "changed",
            r#""2a5aeecc61dc98c4d780b14b330e3282""#,
        ),
        Returned::new(
            "backup_file",
            "Where the old file is.",
            "changed, with backup",
            r#""/etc/motd.12345.2026-11-21@05:27:26~""#,
        ),
    ];
}

impl Module for Copy {
    type State = Files;

    fn check(&self, host: &dyn Host) -> Result<Delta<Files>, Failure> {
        let plan = self.plan(host)?;
        let mut delta = Delta::new(Files::default(), Files::default());
        for wanted in &plan.wanted {
            let (actual, desired) = wanted.compare(self, host)?;
            if actual != desired {
                let key = wanted.path.display().to_string();
                delta.actual.0.insert(key.clone(), actual);
                delta.desired.0.insert(key, desired);
            }
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Files>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let plan = self.plan(host)?;
        let mut returned = JsonMap::new();
        let validate = self.validate_words()?;
        for wanted in &plan.wanted {
            let key = wanted.path.display().to_string();
            let (Some(actual), Some(desired)) =
                (delta.actual.0.get(&key), delta.desired.0.get(&key))
            else {
                continue;
            };
            let path = wanted.path.as_path();
            if actual.kind_and_content() != desired.kind_and_content() {
                match desired {
                    Node::Absent => {}
                    Node::Directory { .. } => {
                        host.make_dir(path, module::file_arguments::FOLDER_MODE)?
                    }
                    Node::Link { target, .. } => host.symlink(Path::new(target), path)?,
                    Node::File { attributes, .. } => {
                        find_folder(host, path)?;
                        if self.backup && matches!(actual, Node::File { .. }) {
                            let backup = back_up(host, path)?;
                            returned.insert("backup_file".into(), backup.into());
                        }
                        let placement = Placement {
                            validate: validate.clone(),
                            ..self.file.placement(attributes)?
                        };
                        let [sha1, md5] = self.place(wanted, host, &placement)?;
                        if plan.single().is_some() {
                            returned.insert("checksum".into(), sha1.into());
                            returned.insert("md5sum".into(), md5.into());
                        }
                    }
                }
            }
            if let Some(attributes) = desired.attributes() {
                let there = host.link_metadata(path)?;
                let (now, _) = wanted.arguments(self).compare(
                    host,
                    path,
                    there.as_ref(),
                    module::file_arguments::FILE_MODE,
                )?;
                let links = match desired {
                    Node::Link { .. } => Links::Keep,
                    _ => Links::Follow,
                };
                attributes.apply(&now, host, path, links)?;
            }
        }
        Ok(returned)
    }

    fn returned(&self, delta: &Delta<Files>, host: &dyn Host) -> Result<JsonMap, Failure> {
        self.returned_beside(&JsonMap::new(), delta, host)
    }

    fn returned_beside(
        &self,
        applied: &JsonMap,
        delta: &Delta<Files>,
        host: &dyn Host,
    ) -> Result<JsonMap, Failure> {
        let plan = self.plan(host)?;
        let mut map = JsonMap::new();
        map.insert("dest".into(), plan.dest.display().to_string().into());
        if let Some(origin) = self.origin_name() {
            map.insert("src".into(), origin.into());
        }
        map.extend(path_info(host, &plan.dest)?);
        // What was written was read to its end.
        if let Some(wanted) = plan.single().filter(|_| !applied.contains_key("checksum")) {
            let checksum = wanted.sha1(host)?;
            map.insert("checksum".into(), checksum.into());
            if !delta.is_settled()
                && host.metadata(&wanted.path)?.is_some_and(|found| found.is_file())
            {
                let md5 = file_digest(host, Algorithm::Md5, &wanted.path)?;
                map.insert("md5sum".into(), md5.into());
            }
        }
        Ok(map)
    }

    fn diff(&self, delta: &Delta<Files>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let plan = self.plan(host)?;
        let mut diffs = Vec::new();
        for wanted in &plan.wanted {
            let key = wanted.path.display().to_string();
            let (Some(actual), Some(desired)) =
                (delta.actual.0.get(&key), delta.desired.0.get(&key))
            else {
                continue;
            };
            diffs.push(wanted.diff(self, host, actual, desired)?);
        }
        Ok(diffs)
    }
}

impl Copy {
    fn validate_words(&self) -> Result<Option<Vec<String>>, Failure> {
        let Some(line) = &self.validate else { return Ok(None) };
        if !line.contains("%s") {
            return Err(Failure::new(format!("validate must contain %s: {line}")));
        }
        let words = split_words(line)
            .map_err(|why| Failure::new(format!("validate cannot be split: {why}: {line}")))?;
        Ok(Some(words))
    }

    /// Writes a file; returns its SHA-1 and MD5.
    fn place(
        &self,
        wanted: &plan::Wanted,
        host: &mut dyn Host,
        placement: &Placement,
    ) -> Result<[String; 2], Failure> {
        let content = wanted.open_whole(self, host)?;
        let mut content = Digesting::new(content, [Algorithm::Sha1, Algorithm::Md5]);
        match host.write(&wanted.path, &mut content, placement) {
            Err(HostError::Invalid { output }) => {
                let mut failure = Failure::new("failed to validate");
                failure = failure.with("exit_status", output.status);
                failure = failure.with("stdout", output.stdout_text());
                Err(failure.with("stderr", output.stderr_text()))
            }
            other => other.map(|()| content.finish()).map_err(Failure::from),
        }
    }

    /// Where the content came from, for people.
    fn origin_name(&self) -> Option<String> {
        match (&self.src, &self.source) {
            (Some(src), _) => Some(src.display().to_string()),
            (None, Some(source)) if !source.origin.is_empty() => Some(source.origin.clone()),
            _ => None,
        }
    }

    fn plan(&self, host: &dyn Host) -> Result<Plan, Failure> {
        Plan::make(self, host)
    }
}

/// Holds that there is a folder for a file. It is looked for when the file is written and not
/// before: in a check run, what a task before this one makes is not there yet.
fn find_folder(host: &dyn Host, path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if host.metadata(folder)?.is_none() => {
            Err(Failure::new(format!("Destination directory {} does not exist", folder.display())))
        }
        _ => Ok(()),
    }
}

/// Keeps a file under a name of its own with the time in it, with all its attributes, and returns
/// the name. The number before the time is Ansible's process; many files may be kept by one here.
pub fn back_up(host: &mut dyn Host, path: &Path) -> Result<String, Failure> {
    let suffix = local_time(host, host.now()).to_backup_suffix();
    let mut number = std::process::id();
    let mut backup = format!("{}.{number}.{suffix}", path.display());
    while host.metadata(Path::new(&backup))?.is_some() {
        number += 1;
        backup = format!("{}.{number}.{suffix}", path.display());
    }
    let Some(found) = host.metadata(path)? else {
        return Err(Failure::new(format!("there is no {} to keep", path.display())));
    };
    let placement = Placement {
        mode: Some(found.mode),
        uid: Some(found.uid),
        gid: Some(found.gid),
        ..Placement::default()
    };
    origin::copy_here(host, path, Path::new(&backup), &placement)?;
    Ok(backup)
}
