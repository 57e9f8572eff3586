//! The `archive` module of the collection `community.general`.

mod members;
mod zip;

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use flate2::read::MultiGzDecoder;
use module::{
    Action, Arguments, Choices, Documented, Example, Failure, FileArguments, FileMode, Guard, Host,
    Mode, Placement, Program, Returned,
    content::{Algorithm, bytes_digest, digest, file_digest},
    file_arguments::{FILE_MODE, path_info},
    host::{Links, Temporary},
};
use protocol::{Response, spec::Support};

use crate::{packed_file::Packing, tool};
use members::Members;

/// Packs files and folders into an archive, or one file by itself.
///
/// An archive that holds just what is there stays as it is: names, contents, and in those of tar
/// owners, permissions and times too.
#[derive(Debug, Arguments)]
pub struct Archive {
    /// What is packed; patterns of `*` and `?` are taken.
    #[argument(elements = "path")]
    path: Vec<String>,
    /// How it is packed.
    #[argument(default = "gz")]
    format: Format,
    /// The archive; needed but for one file that is packed by itself.
    dest: Option<PathBuf>,
    /// What is left out of `path`.
    #[argument(default = [], elements = "path")]
    exclude_path: Vec<String>,
    /// Patterns of names that are left out.
    #[argument(elements = "path")]
    exclusion_patterns: Option<Vec<String>>,
    /// Whether one file is put into an archive too.
    #[argument(default = false)]
    force_archive: bool,
    /// Whether what was packed is removed.
    #[argument(default = false)]
    remove: bool,
    #[argument(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Format {
    Bz2,
    Gz,
    Tar,
    Xz,
    Zip,
}

impl Documented for Archive {
    const NAME: &'static str = "community.general.archive";
    const ALIASES: &'static [&'static str] = &["archive"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A folder as a zip",
            args: r#"{"path": ["/etc"], "dest": "/srv/etc.zip", "format": "zip"}"#,
        },
        Example {
            title: "A folder as a tar, without some files",
            args: r#"{"path": ["/etc"], "dest": "/srv/etc.tgz", "exclusion_patterns": ["*.bak"]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("archived", "What was packed.", "success", r#"["/etc/hosts"]"#),
        Returned::new("arcroot", "What names in the archive start from.", "always", r#""/etc/""#),
        Returned::new("dest", "The archive.", "success", r#""/srv/etc.zip""#),
        Returned::new(
            "dest_state",
            "`archive`, `compress`, `incomplete` where something was missing, or `absent`.",
            "success",
            r#""archive""#,
        ),
        Returned::new("missing", "What was not there.", "success", "[]"),
        Returned::new("expanded_paths", "What patterns stood for.", "always", r#"["/etc"]"#),
        Returned::new("expanded_exclude_paths", "Likewise.", "always", "[]"),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What is to be packed, and where.
struct Work {
    members: Members,
    dest: PathBuf,
    is_archive: bool,
}

impl Archive {
    fn work(&self, host: &dyn Host) -> Result<Work, Failure> {
        let members = Members::find(host, &self.path, &self.exclude_path)?;
        let Some(first) = members.paths.first() else {
            let msg = "Error, no source paths were found";
            return Err(Failure::new(msg)
                .with("path", self.path.join(", "))
                .with("expanded_paths", members.expanded.join(", ")));
        };
        let is_dir = host.metadata(Path::new(first))?.is_some_and(|found| found.is_dir());
        let is_archive =
            self.force_archive || members.has_patterns || is_dir || members.paths.len() > 1;
        let dest = match &self.dest {
            Some(dest) => dest.clone(),
            None if is_archive => {
                let msg = "Error, must specify \"dest\" when archiving multiple files or trees";
                return Err(Failure::new(msg).with("path", self.path.join(", ")));
            }
            None => PathBuf::from(format!("{first}.{}", self.format.as_str())),
        };
        for path in members.paths.iter().filter(|_| self.remove) {
            let is_dir = host.metadata(Path::new(path))?.is_some_and(|found| found.is_dir());
            if is_dir && dest.starts_with(path) {
                return Err(Failure::new(
                    "Error, created archive can not be contained in source paths when remove=true",
                )
                .with("path", members.paths.join(", ")));
            }
        }
        let is_archive = is_archive || matches!(self.format, Format::Zip | Format::Tar);
        let patterns = self.exclusion_patterns.as_deref().unwrap_or_default();
        let members =
            members.walk(host, &dest, patterns, self.format == Format::Zip, is_archive)?;
        Ok(Work { members, dest, is_archive })
    }

    fn packing(&self) -> Option<Packing> {
        match self.format {
            Format::Gz => Some(Packing::Gzip),
            Format::Bz2 => Some(Packing::Bzip2),
            Format::Xz => Some(Packing::Xz),
            Format::Tar | Format::Zip => None,
        }
    }

    /// Whether the archive must be made anew.
    fn differs(&self, host: &dyn Host, work: &Work) -> Result<bool, Failure> {
        if host.metadata(&work.dest)?.is_none() {
            return Ok(true);
        }
        match (self.format, work.is_archive) {
            (Format::Zip, _) => zip::differs(host, &work.dest, &work.members),
            (_, true) => tar_differs(host, &work.dest, &work.members),
            (_, false) => self.packed_differs(host, work),
        }
    }

    /// Whether a file that is packed by itself holds something else.
    fn packed_differs(&self, host: &dyn Host, work: &Work) -> Result<bool, Failure> {
        let source = PathBuf::from(work.members.paths.first().cloned().unwrap_or_default());
        let wanted = file_digest(host, Algorithm::Sha256, &source)?;
        if self.format == Format::Gz {
            let Some(file) = host.open(&work.dest)? else { return Ok(true) };
            let kept = digest(Algorithm::Sha256, &mut MultiGzDecoder::new(file));
            // What cannot be read is not what it should be.
            return Ok(kept.ok() != wanted);
        }
        let name = if self.format == Format::Bz2 { "bzip2" } else { "xz" };
        let program = Program::new(name).args(["-dc", "--"]).arg(work.dest.display().to_string());
        let output = host.query(&program)?;
        if output.truncated {
            // It is too long to be held against the file: its time tells.
            let time = |path: &Path| -> Result<Duration, Failure> {
                Ok(host.metadata(path)?.map(|found| found.modified).unwrap_or_default())
            };
            return Ok(time(&work.dest)? < time(&source)?);
        }
        let kept = bytes_digest(Algorithm::Sha256, &output.stdout);
        Ok(!output.is_success() || Some(kept) != wanted)
    }

    /// What is to be done: whether the archive is made, dressed, and what was packed removed.
    fn changes(&self, host: &dyn Host, work: &Work) -> Result<bool, Failure> {
        let is_made = !work.members.found.is_empty() && self.differs(host, work)?;
        let removes = self.remove && !work.members.found.is_empty();
        Ok(is_made || removes || self.is_undressed(host, &work.dest)?)
    }

    fn is_undressed(&self, host: &dyn Host, dest: &Path) -> Result<bool, Failure> {
        let Some(there) = host.metadata(dest)? else { return Ok(false) };
        let (actual, desired) = self.file.compare(host, dest, Some(&there), FILE_MODE)?;
        Ok(actual != desired)
    }

    fn answer(&self, host: &dyn Host, work: &Work, changed: bool) -> Result<Response, Failure> {
        let members = &work.members;
        let is_there = host.metadata(&work.dest)?.is_some();
        let state = match (members.found.is_empty(), members.missing.is_empty()) {
            (true, _) if !is_there => "absent",
            (true, _) if is_archive_name(&work.dest) => "archive",
            (true, _) => "compress",
            (false, _) if !work.is_archive => "compress",
            (false, false) => "incomplete",
            (false, true) => "archive",
        };
        let archived: Vec<String> = match work.is_archive {
            true => members.all.iter().map(|one| one.path.display().to_string()).collect(),
            false => members.found.clone(),
        };
        let mut returned = path_info(host, &work.dest)?;
        returned.extend([
            ("archived".to_owned(), archived.into()),
            ("arcroot".to_owned(), members.root.clone().into()),
            ("dest".to_owned(), work.dest.display().to_string().into()),
            ("dest_state".to_owned(), state.into()),
            ("missing".to_owned(), members.missing.clone().into()),
            ("expanded_paths".to_owned(), members.expanded.clone().into()),
            ("expanded_exclude_paths".to_owned(), members.excluded.clone().into()),
        ]);
        Ok(Response { changed, returned, ..Response::default() })
    }

    fn make(&self, host: &mut dyn Host, work: &Work) -> Result<(), Failure> {
        if self.format == Format::Zip {
            let bytes = zip::pack(host, &work.members)?;
            return Ok(host.write(&work.dest, &mut bytes.as_slice(), &Placement::default())?);
        }
        let mode = match host.metadata(&work.dest)? {
            Some(there) => there.mode,
            None => FileMode::new(FILE_MODE.bits() & !host.umask().bits()),
        };
        match self.packing().filter(|_| !work.is_archive) {
            Some(packing) => {
                let source = PathBuf::from(work.members.paths.first().cloned().unwrap_or_default());
                packing.pack(host, &work.dest, |host, plain| {
                    let mut file = host
                        .open(&source)?
                        .ok_or_else(|| Failure::new(format!("{} is gone", source.display())))?;
                    Ok(host.write(plain, &mut file, &Placement::default())?)
                })?;
            }
            None => self.make_tar(host, work)?,
        }
        Ok(host.set_mode(&work.dest, mode)?)
    }

    fn make_tar(&self, host: &mut dyn Host, work: &Work) -> Result<(), Failure> {
        let folder = work.dest.parent().unwrap_or(Path::new("/"));
        let part = host.make_temporary(&Temporary {
            folder: folder.to_owned(),
            prefix: ".trueup-".into(),
            suffix: String::new(),
            is_dir: false,
        })?;
        let flag = match self.format {
            Format::Gz => Some("--gzip"),
            Format::Bz2 => Some("--bzip2"),
            Format::Xz => Some("--xz"),
            Format::Tar | Format::Zip => None,
        };
        let names: Vec<u8> = work
            .members
            .all
            .iter()
            .flat_map(|one| one.name.as_bytes().iter().copied().chain([0]))
            .collect();
        let program = Program::new("tar")
            .args(["--create", "--no-recursion", "--null", "--verbatim-files-from"])
            .args(flag)
            .args(["-C", &work.members.root, "-f", &part.display().to_string(), "-T", "-"])
            .stdin(names);
        let made = tool::run(host, &program);
        if let Err(failure) = made {
            host.remove_file(&part)?;
            return Err(Failure {
                msg: format!(
                    "Error when writing the archive {}: {}",
                    work.dest.display(),
                    failure.msg
                ),
                ..failure
            });
        }
        Ok(host.rename(&part, &work.dest)?)
    }
}

/// Whether the name says that it is an archive rather than one packed file.
fn is_archive_name(path: &Path) -> bool {
    let name = path.display().to_string().to_lowercase();
    [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Whether an archive of tar holds something else, or something is different now.
fn tar_differs(host: &dyn Host, dest: &Path, members: &Members) -> Result<bool, Failure> {
    let dest = dest.display().to_string();
    let list = Program::new("tar").args(["--list", "--quoting-style=literal", "-f", &dest]);
    let output = host.query(&list)?;
    let said = output.stdout_text();
    let mut kept: Vec<&str> = said.lines().map(|name| name.trim_end_matches('/')).collect();
    let mut wanted: Vec<&str> = members.all.iter().map(|one| one.name.as_str()).collect();
    kept.sort_unstable();
    wanted.sort_unstable();
    if !output.is_success() || output.truncated || kept != wanted {
        return Ok(true);
    }
    let diff = Program::new("tar").args(["--diff", "-C", &members.root, "-f", &dest]);
    Ok(!host.query(&diff)?.is_success())
}

impl Action for Archive {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let work = self.work(host)?;
        Ok(match self.changes(host, &work)? {
            true => Guard::Go,
            false => Guard::Stay(Box::new(self.answer(host, &work, false)?)),
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let work = self.work(host)?;
        self.answer(host, &work, true)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let work = self.work(host)?;
        if !work.members.found.is_empty() && self.differs(host, &work)? {
            self.make(host, &work)?;
        }
        if let Some(there) = host.metadata(&work.dest)? {
            let (actual, desired) = self.file.compare(host, &work.dest, Some(&there), FILE_MODE)?;
            desired.apply(&actual, host, &work.dest, Links::Follow)?;
        }
        if self.remove {
            for path in &work.members.found {
                let path = Path::new(path);
                match host.link_metadata(path)? {
                    Some(found) if found.is_dir() => host.remove_dir_all(path)?,
                    Some(_) => host.remove_file(path)?,
                    None => {}
                }
            }
        }
        self.answer(host, &work, true)
    }
}

/// All of a file in memory; for what is packed here.
fn content(host: &dyn Host, path: &Path) -> Result<Box<dyn Read>, Failure> {
    host.open(path)?.ok_or_else(|| Failure::new(format!("{} is gone", path.display())))
}

#[cfg(test)]
mod tests;
