//! Files that the host's own programs pack, by the ends of their names.

use std::path::Path;

use module::{Failure, Host, Program, host::Temporary};

use crate::tool;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    /// How a file of that name is packed; `None` where it is not.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension().and_then(|end| end.to_str())? {
            "gz" => Some(Self::Gzip),
            "bz2" => Some(Self::Bzip2),
            "xz" => Some(Self::Xz),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Bzip2 => "bz2",
            Self::Xz => "xz",
            Self::Zstd => "zst",
        }
    }

    fn program(self) -> Program {
        match self {
            Self::Gzip => Program::new("gzip"),
            Self::Bzip2 => Program::new("bzip2"),
            Self::Xz => Program::new("xz"),
            // It alone keeps what it has read, and talks.
            Self::Zstd => Program::new("zstd").args(["-q", "--rm"]),
        }
    }

    /// Has a plain file written, and puts it packed in its place. What is half done is seen by
    /// nobody else.
    ///
    /// # Errors
    /// What `write` says, and a program that is not there or fails.
    pub fn pack(
        self,
        host: &mut dyn Host,
        target: &Path,
        write: impl FnOnce(&mut dyn Host, &Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let folder = target.parent().unwrap_or(Path::new("/"));
        within(host, folder, |host, folder| {
            let plain = folder.join("dump");
            write(host, &plain)?;
            tool::run(host, &self.program().arg("-f").arg(plain.display().to_string()))?;
            Ok(host.rename(&folder.join(format!("dump.{}", self.end())), target)?)
        })
    }

    /// Unpacks a file beside itself for as long as `read` takes.
    ///
    /// # Errors
    /// What `read` says, and a program that is not there or fails.
    pub fn unpack(
        self,
        host: &mut dyn Host,
        packed: &Path,
        read: impl FnOnce(&mut dyn Host, &Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let packed = host.real_path(packed)?;
        within(host, Path::new("/tmp"), |host, folder| {
            // The programs go by names; a link has the right one.
            let link = folder.join(format!("dump.{}", self.end()));
            host.symlink(&packed, &link)?;
            let program = match self {
                Self::Zstd => Program::new("zstd").args(["-q", "-df"]),
                _ => self.program().arg("-dkf"),
            };
            tool::run(host, &program.arg(link.display().to_string()))?;
            read(host, &folder.join("dump"))
        })
    }
}

/// Works in a new folder that nobody else can look into, and takes it away at the end.
fn within(
    host: &mut dyn Host,
    parent: &Path,
    work: impl FnOnce(&mut dyn Host, &Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = host.make_temporary(&Temporary {
        folder: parent.to_owned(),
        prefix: ".trueup-".into(),
        suffix: String::new(),
        is_dir: true,
    })?;
    let done = work(host, &folder);
    let removed = host.remove_dir_all(&folder);
    done?;
    Ok(removed?)
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    /// A host whose gzip turns the bytes around.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/tmp");
        host.put_dirs("/srv");
        host.program("gzip", |files, program| {
            let path = program.args.last().unwrap();
            let Some(text) = files.text(path) else { return Output::failure(1, "no such file") };
            let turned: String = text.chars().rev().collect();
            match path.strip_suffix(".gz") {
                Some(plain) => files.put(plain, turned),
                None => {
                    files.put(&format!("{path}.gz"), turned);
                    files.remove(path.as_ref());
                }
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn files_are_packed_and_unpacked() {
        let mut host = host();
        let target = Path::new("/srv/a.sql.gz");
        let packing = Packing::of(target).unwrap();
        let write = |host: &mut dyn Host, path: &Path| {
            Ok(host.write(path, &mut &b"abc"[..], &module::Placement::default())?)
        };
        packing.pack(&mut host, target, write).unwrap();
        assert_eq!(host.files.text("/srv/a.sql.gz").as_deref(), Some("cba"));
        let mut found = None;
        let read = |host: &mut dyn Host, path: &Path| {
            found = host.read(path)?;
            Ok(())
        };
        packing.unpack(&mut host, target, read).unwrap();
        assert_eq!(found.as_deref(), Some(&b"abc"[..]));
        for folder in ["/srv", "/tmp"] {
            let names = host.list(Path::new(folder)).unwrap();
            assert!(names.iter().all(|name| name == "a.sql.gz"), "{names:?}");
        }
    }

    #[test]
    fn what_cannot_be_packed_is_refused() {
        for name in ["a.sql", "gz", "a.zip"] {
            assert_eq!(Packing::of(Path::new(name)), None, "{name}");
        }
        let mut host = host();
        let target = Path::new("/srv/a.xz");
        let nothing = |_: &mut dyn Host, _: &Path| Ok(());
        let failure = Packing::Xz.pack(&mut host, target, nothing).unwrap_err();
        assert!(failure.msg.contains("no program xz"), "{}", failure.msg);
        let failure = Packing::Gzip.unpack(&mut host, target, nothing).unwrap_err();
        assert!(failure.msg.contains("no such file"), "{}", failure.msg);
        assert!(host.list(Path::new("/srv")).unwrap().is_empty());
    }
}
