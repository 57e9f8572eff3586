//! The `filesystem` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
    path::split_words,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::{presence::Presence, tool};

/// Keeps a file system on a device.
///
/// A device that holds another one is never overwritten without `force`.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["fstype"])), mutually_exclusive(["resizefs", "uuid"]))]
pub struct FileSystem {
    /// The device, or a file that stands for one.
    #[argument(aliases("device"))]
    dev: PathBuf,
    /// What kind of file system.
    #[argument(aliases("type"))]
    fstype: Option<Kind>,
    /// Whether there is one at all.
    #[argument(default = "present")]
    state: Presence,
    /// Whether what is there may be overwritten.
    #[argument(default = false)]
    force: bool,
    /// Whether it grows to the size of its device.
    #[argument(default = false)]
    resizefs: bool,
    /// Arguments for the program that makes it.
    opts: Option<String>,
    /// Its UUID, where it is new.
    uuid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Bcachefs,
    Btrfs,
    Ext2,
    Ext3,
    Ext4,
    Ext4dev,
    F2fs,
    Lvm,
    Ocfs2,
    Reiserfs,
    Xfs,
    Vfat,
    Swap,
    Ufs,
}

impl Kind {
    /// What `blkid` calls it.
    fn signature(self) -> &'static str {
        match self {
            Self::Lvm => "LVM2_member",
            Self::Ext4dev => "ext4",
            other => other.as_str(),
        }
    }

    /// The program that makes it, and what makes it do so over something else.
    fn maker(self) -> Option<(&'static str, &'static [&'static str])> {
        Some(match self {
            Self::Bcachefs => ("mkfs.bcachefs", &["--force"]),
            Self::Btrfs => ("mkfs.btrfs", &["-f"]),
            Self::Ext2 => ("mkfs.ext2", &["-F"]),
            Self::Ext3 => ("mkfs.ext3", &["-F"]),
            Self::Ext4 | Self::Ext4dev => ("mkfs.ext4", &["-F"]),
            Self::F2fs => ("mkfs.f2fs", &["-f"]),
            Self::Lvm => ("pvcreate", &["-f"]),
            Self::Ocfs2 => ("mkfs.ocfs2", &["-Fx"]),
            Self::Reiserfs => ("mkfs.reiserfs", &["-q"]),
            Self::Xfs => ("mkfs.xfs", &["-f"]),
            Self::Vfat => ("mkfs.vfat", &[]),
            Self::Swap => ("mkswap", &["-f"]),
            Self::Ufs => return None,
        })
    }

    /// The option that gives it a UUID.
    fn uuid_option(self) -> Option<&'static str> {
        match self {
            Self::Ext2
            | Self::Ext3
            | Self::Ext4
            | Self::Ext4dev
            | Self::Btrfs
            | Self::Swap
            | Self::Bcachefs => Some("-U"),
            Self::Lvm => Some("--uuid"),
            _ => None,
        }
    }
}

/// What is on the device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Content {
    /// As `blkid` calls it; nothing where there is none.
    kind: Option<String>,
}

impl Documented for FileSystem {
    const NAME: &'static str = "community.general.filesystem";
    const ALIASES: &'static [&'static str] = &["filesystem"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "A file system", args: r#"{"dev": "/dev/sdb1", "fstype": "ext4"}"# }];
    const RETURNS: &'static [Returned] = &[];
}

impl FileSystem {
    fn dev(&self) -> String {
        self.dev.display().to_string()
    }

    /// Where the device is mounted.
    fn mounted_at(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        let bytes = host.read(Path::new("/proc/mounts"))?.unwrap_or_default();
        let real = host.real_path(&self.dev)?.display().to_string();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let found = lines.find(|words| {
            words.first().is_some_and(|device| *device == real || *device == self.dev())
        });
        Ok(found.and_then(|words| words.get(1).map(|path| (*path).to_owned())))
    }

    fn device_bytes(&self, host: &dyn Host) -> Result<u64, Failure> {
        let found = host.metadata(&self.dev)?;
        if let Some(found) = found.filter(module::Metadata::is_file) {
            return Ok(found.size);
        }
        let text = tool::ask(host, &Program::new("blockdev").args(["--getsize64", &self.dev()]))?;
        text.trim().parse().map_err(|_| Failure::new(format!("{} has no size", self.dev())))
    }

    /// How large the file system is, and the run that makes it larger.
    fn growth(&self, host: &dyn Host, kind: Kind) -> Result<Option<(u64, Program)>, Failure> {
        let dev = self.dev();
        let mounted = self.mounted_at(host)?;
        let need_mount = || {
            mounted.clone().ok_or_else(|| {
                Failure::new(format!("{dev} needs to be mounted for {kind} operations"))
            })
        };
        Ok(Some(match kind {
            Kind::Ext2 | Kind::Ext3 | Kind::Ext4 | Kind::Ext4dev => {
                let text = tool::ask(host, &Program::new("tune2fs").args(["-l", &dev]))?;
                let value = |key: &str| -> Option<u64> {
                    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
                    line.trim().parse().ok()
                };
                let size = value("Block count:").zip(value("Block size:"));
                let (count, size) = size.ok_or_else(|| Failure::new("tune2fs tells no size"))?;
                (count * size, Program::new("resize2fs").arg(dev))
            }
            Kind::Xfs => {
                let place = mounted.clone().unwrap_or_else(|| dev.clone());
                let text = tool::ask(host, &Program::new("xfs_info").arg(place))?;
                let line = text.lines().find(|line| line.starts_with("data")).unwrap_or_default();
                let value = |key: &str| -> Option<u64> {
                    let rest = line.split_once(key)?.1;
                    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
                };
                let size = value("bsize=").zip(value("blocks="));
                let (block, count) = size.ok_or_else(|| Failure::new("xfs_info tells no size"))?;
                (block * count, Program::new("xfs_growfs").arg(need_mount()?))
            }
            Kind::Btrfs => {
                let place = need_mount()?;
                let program = Program::new("btrfs").args(["filesystem", "usage", "-b", &place]);
                let text = tool::ask(host, &program)?;
                let line =
                    text.lines().find(|line| line.contains("Device size")).unwrap_or_default();
                let size =
                    line.split_whitespace().next_back().and_then(|number| number.parse().ok());
                let size = size.ok_or_else(|| Failure::new("btrfs tells no size"))?;
                (size, Program::new("btrfs").args(["filesystem", "resize", "max", &place]))
            }
            Kind::Lvm => {
                let words = ["--noheadings", "--nosuffix", "--units", "b", "-o", "pv_size", &dev];
                let text = tool::ask(host, &Program::new("pvs").args(words))?;
                let size = text.trim().parse().map_err(|_| Failure::new("pvs tells no size"))?;
                (size, Program::new("pvresize").arg(dev))
            }
            other => {
                return Err(Failure::new(format!(
                    "module does not support resizing {other} filesystem yet"
                )));
            }
        }))
    }
}

impl Module for FileSystem {
    type State = Content;

    fn check(&self, host: &dyn Host) -> Result<Delta<Content>, Failure> {
        let dev = self.dev();
        if host.metadata(&self.dev)?.is_none() {
            let is_wanted = self.state.is_present();
            return match is_wanted {
                true => Err(Failure::new(format!("Device {dev} not found."))),
                false => Ok(Delta::new(Content { kind: None }, Content { kind: None })),
            };
        }
        // The probe, not the cache, for the cache may be old.
        let program = Program::new("blkid").args(["-p", "-o", "value", "-s", "TYPE", &dev]);
        let found = tool::ask_whether(host, &program)?.map(|text| text.trim().to_owned());
        let kind = found.filter(|kind| !kind.is_empty());
        let actual = Content { kind: kind.clone() };
        let Some(wanted) = self.fstype.filter(|_| self.state.is_present()) else {
            if kind.is_some() && self.mounted_at(host)?.is_some() {
                return Err(Failure::new(format!("{dev} is mounted, and is not wiped")));
            }
            return Ok(Delta::new(actual, Content { kind: None }));
        };
        if wanted.maker().is_none() {
            return Err(Failure::new(format!("{wanted} file systems are not made on Linux")));
        }
        let mut delta = Delta::new(actual, Content { kind: Some(wanted.signature().into()) });
        match kind.as_deref() {
            Some(found) if found == wanted.signature() => {
                if self.resizefs
                    && let Some((now, _)) = self.growth(host, wanted)?
                    && now < self.device_bytes(host)?
                {
                    delta.steps.push("grow".into());
                }
            }
            Some(found) if !self.force => {
                return Err(Failure::new(format!(
                    "'{dev}' is already used as {found}, use force=true to overwrite"
                )));
            }
            _ => {}
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Content>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let dev = self.dev();
        if delta.actual != delta.desired {
            let Some((kind, (name, force))) = self
                .fstype
                .filter(|_| self.state.is_present())
                .and_then(|kind| Some((kind, kind.maker()?)))
            else {
                tool::run(host, &Program::new("wipefs").args(["--all", &dev]))?;
                return Ok(JsonMap::new());
            };
            let opts =
                split_words(self.opts.as_deref().unwrap_or_default()).map_err(Failure::new)?;
            let mut program = Program::new(name).args(force.iter().copied()).args(opts);
            if let Some(uuid) = &self.uuid {
                let option = kind.uuid_option().ok_or_else(|| {
                    Failure::new(format!("a UUID of {kind} file systems is not implemented"))
                })?;
                program = program.args([option, uuid]);
                if kind == Kind::Lvm {
                    program = program.arg("--norestorefile");
                }
            }
            tool::run(host, &program.arg(dev))?;
            return Ok(JsonMap::new());
        }
        if let Some((_, program)) =
            self.fstype.map(|kind| self.growth(host, kind)).transpose()?.flatten()
        {
            let output = tool::run(host, &program)?;
            return Ok(JsonMap::from_iter([("msg".to_owned(), output.stdout_text().into())]));
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Content>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// A device that may hold something, which its first line says.
    fn host(content: &str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/dev/sdb1", content);
        host.put("/proc/mounts", "/dev/sdb1 /data xfs rw 0 0\n");
        if content != "xfs" {
            host.put("/proc/mounts", "");
        }
        host.program("blkid", |files, _| match files.text("/dev/sdb1").unwrap().as_str() {
            "" => Output::failure(2, ""),
            kind => Output::success(format!("{kind}\n")),
        });
        for kind in ["ext4", "xfs"] {
            host.program(&format!("mkfs.{kind}"), move |files, _| {
                files.put("/dev/sdb1", kind);
                Output::success("")
            });
        }
        host.program("wipefs", |files, _| {
            files.put("/dev/sdb1", "");
            Output::success("")
        });
        host.program("tune2fs", |_, _| Output::success("Block count:   2\nBlock size:   1\n"));
        host.program("resize2fs", |_, _| Output::success("done"));
        host
    }

    #[test]
    fn file_systems_are_kept() {
        for (args, before, after) in [
            (json!({"fstype": "ext4"}), "", "ext4"),
            (json!({"fstype": "ext4"}), "ext4", "ext4"),
            (json!({"fstype": "xfs", "force": true}), "ext4", "xfs"),
            (json!({"state": "absent"}), "ext4", ""),
            (json!({"state": "absent"}), "", ""),
        ] {
            let mut host = host(before);
            let response = run("filesystem", &args, "dev", "/dev/sdb1", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, before != after),
                "{args}: {response:?}"
            );
            assert_eq!(host.files.text("/dev/sdb1").as_deref(), Some(after), "{args}");
        }
        let args = json!({"fstype": "ext4", "resizefs": true});
        assert!(
            run("filesystem", &args, "dev", "/dev/sdb1", Mode::default(), &mut host("ext4"))
                .changed
        );
    }

    #[test]
    fn what_is_there_is_never_lost() {
        for (args, before, words) in [
            (json!({"fstype": "xfs"}), "ext4", "'/dev/sdb1' is already used as ext4"),
            (json!({"state": "absent"}), "xfs", "is mounted, and is not wiped"),
            (json!({}), "", "state is present but all of the following are missing: fstype"),
            (json!({"fstype": "ufs"}), "", "are not made on Linux"),
            (json!({"fstype": "vfat", "resizefs": true}), "vfat", "does not support resizing vfat"),
        ] {
            let mut host = host(before);
            let response = run("filesystem", &args, "dev", "/dev/sdb1", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
            assert_eq!(host.writes, 0);
        }
        let args = json!({"fstype": "ext4"});
        let response =
            run("filesystem", &args, "dev", "/dev/nosuch", Mode::default(), &mut host(""));
        assert_eq!(response.msg.as_deref(), Some("Device /dev/nosuch not found."));
    }
}
