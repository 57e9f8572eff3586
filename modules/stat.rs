//! The `stat` module.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Documented, Example, Fact, Failure, FileKind, Host, Metadata, Program,
    Returned, accounts,
    content::{Algorithm, file_digest},
    host::Access,
};
use protocol::{Json, JsonMap, Response, spec::Support};

/// Reads what a host knows of a file.
#[derive(Debug, Arguments)]
pub struct Stat {
    /// The file.
    #[argument(aliases("dest", "name"))]
    path: PathBuf,
    /// Whether a link is followed, so that the answer is about what it leads to.
    #[argument(default = false)]
    follow: bool,
    /// Whether a digest of a regular file's content is made.
    #[argument(default = true)]
    get_checksum: bool,
    /// How it is made.
    #[argument(default = "sha1", aliases("checksum", "checksum_algo"))]
    checksum_algorithm: Digest,
    /// Whether `file` is asked what the content is.
    #[argument(default = true, aliases("mime", "mime_type", "mime-type"))]
    get_mime: bool,
    /// Whether `lsattr` is asked for the flags of the file system.
    #[argument(default = true, aliases("attr", "attributes"))]
    get_attributes: bool,
}

/// How a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Digest {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl From<Digest> for Algorithm {
    fn from(digest: Digest) -> Self {
        match digest {
            Digest::Md5 => Self::Md5,
            Digest::Sha1 => Self::Sha1,
            Digest::Sha224 => Self::Sha224,
            Digest::Sha256 => Self::Sha256,
            Digest::Sha384 => Self::Sha384,
            Digest::Sha512 => Self::Sha512,
        }
    }
}

impl Documented for Stat {
    const NAME: &'static str = "ansible.builtin.stat";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A file", args: r#"{"path": "/etc/hosts"}"# },
        Example {
            title: "Is it there at all?",
            args: r#"{"path": "/srv/x", "get_checksum": false, "get_mime": false, "get_attributes": false}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "stat",
        "All that is known; of what is not there, only `exists: false`.",
        "always",
        r#"{"exists": true, "mode": "0644", "size": 12}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for Stat {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found =
            if self.follow { host.metadata(&self.path)? } else { host.link_metadata(&self.path)? };
        let mut stat = JsonMap::new();
        stat.insert("exists".into(), found.is_some().into());
        if let Some(found) = found {
            self.describe(host, &found, &mut stat)?;
        }
        let mut response = Response::default();
        response.returned.insert("stat".into(), stat.into());
        Ok(response)
    }
}

impl Stat {
    fn describe(
        &self,
        host: &dyn Host,
        found: &Metadata,
        stat: &mut JsonMap,
    ) -> Result<(), Failure> {
        describe_metadata(&self.path, found, stat);
        if found.is_link() {
            let target = host.read_link(&self.path)?;
            stat.insert("lnk_target".into(), text(&target));
            if let Ok(source) = host.real_path(&self.path) {
                stat.insert("lnk_source".into(), text(&source));
            }
        }
        for (name, access) in [
            ("readable", Access::Read),
            ("writeable", Access::Write),
            ("executable", Access::Execute),
        ] {
            stat.insert(name.into(), host.may(access, &self.path).into());
        }
        if let Some(user) = accounts::user_by_id(host, found.uid)? {
            stat.insert("pw_name".into(), user.name.into());
        }
        if let Some(group) = accounts::group_by_id(host, found.gid)? {
            stat.insert("gr_name".into(), group.name.into());
        }
        if self.get_checksum && found.is_file() && host.may(Access::Read, &self.path) {
            let digest = file_digest(host, self.checksum_algorithm.into(), &self.path)?;
            stat.insert("checksum".into(), digest.into());
        }
        if self.get_mime {
            let (kind, charset) = self.query_mime(host)?;
            stat.insert("mimetype".into(), kind.into());
            stat.insert("charset".into(), charset.into());
        }
        if self.get_attributes {
            self.describe_flags(host, stat)?;
        }
        Ok(())
    }

    fn query_mime(&self, host: &dyn Host) -> Result<(String, String), Failure> {
        let unknown = || ("unknown".to_owned(), "unknown".to_owned());
        if host.which("file").is_none() {
            return Ok(unknown());
        }
        // What `file` would say of these without reading them.
        let plain = host.link_metadata(&self.path)?.and_then(|found| match found.kind {
            FileKind::Directory => Some("inode/directory"),
            FileKind::Link => Some("inode/symlink"),
            _ => None,
        });
        if let Some(kind) = plain {
            return Ok((kind.into(), "binary".into()));
        }
        let program =
            Program::new("file").args(["--mime-type", "--mime-encoding", "--brief", "--"]);
        let output = host.query(&program.arg(self.path.display().to_string()))?;
        let answer = output.stdout_text();
        Ok(match answer.trim().split_once("; charset=") {
            Some((kind, charset)) if output.is_success() => (kind.into(), charset.into()),
            _ => unknown(),
        })
    }

    fn describe_flags(&self, host: &dyn Host, stat: &mut JsonMap) -> Result<(), Failure> {
        let mut version = Json::Null;
        let (mut flags, mut words) = (String::new(), Vec::new());
        if host.which("lsattr").is_some() {
            let program = Program::new("lsattr").args(["-vd", "--"]);
            let output = host.query(&program.arg(self.path.display().to_string()))?;
            let answer = output.stdout_text();
            let mut fields = answer.split_whitespace().filter(|_| output.is_success());
            if let (Some(number), Some(letters)) = (fields.next(), fields.next()) {
                version = number.into();
                flags = letters.replace('-', "");
                words = flags.chars().filter_map(flag_word).collect();
            }
        }
        stat.insert("version".into(), version);
        stat.insert("attributes".into(), words.into());
        stat.insert("attr_flags".into(), flags.into());
        Ok(())
    }
}

/// What `stat` and `find` tell of a file without looking further.
pub fn describe_metadata(path: &Path, found: &Metadata, stat: &mut JsonMap) {
    let bits = found.mode.bits();
    let values: [(&str, Json); 32] = [
        ("path", text(path)),
        ("mode", format!("{bits:04o}").into()),
        ("isdir", found.is_dir().into()),
        ("ischr", (found.kind == FileKind::CharacterDevice).into()),
        ("isblk", (found.kind == FileKind::BlockDevice).into()),
        ("isreg", found.is_file().into()),
        ("isfifo", (found.kind == FileKind::Fifo).into()),
        ("islnk", found.is_link().into()),
        ("issock", (found.kind == FileKind::Socket).into()),
        ("uid", found.uid.into()),
        ("gid", found.gid.into()),
        ("size", found.size.into()),
        ("inode", found.inode.into()),
        ("dev", found.device.into()),
        ("nlink", found.links.into()),
        ("atime", found.accessed.as_secs_f64().into()),
        ("mtime", found.modified.as_secs_f64().into()),
        ("ctime", found.changed.as_secs_f64().into()),
        ("wusr", (bits & 0o200 != 0).into()),
        ("rusr", (bits & 0o400 != 0).into()),
        ("xusr", (bits & 0o100 != 0).into()),
        ("wgrp", (bits & 0o020 != 0).into()),
        ("rgrp", (bits & 0o040 != 0).into()),
        ("xgrp", (bits & 0o010 != 0).into()),
        ("woth", (bits & 0o002 != 0).into()),
        ("roth", (bits & 0o004 != 0).into()),
        ("xoth", (bits & 0o001 != 0).into()),
        ("isuid", (bits & 0o4000 != 0).into()),
        ("isgid", (bits & 0o2000 != 0).into()),
        ("blocks", found.blocks.into()),
        ("block_size", found.block_bytes.into()),
        ("device_type", found.special.into()),
    ];
    for (name, value) in values {
        stat.insert(name.into(), value);
    }
}

fn text(path: &Path) -> Json {
    path.display().to_string().into()
}

/// What a letter of `lsattr` means.
fn flag_word(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}
