//! The `unarchive` module.

mod tar;
#[cfg(test)]
mod tests;
mod zip;

pub use zip::names_and_checksums as zip_directory;

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use module::{
    Action, Arguments, Documented, Example, Failure, FileArguments, Guard, Host, Mode, Returned,
    Source,
    file_arguments::{FILE_MODE, path_info},
    host::{Links, READ_BYTES_MAX},
};
use protocol::{Diff, JsonMap, Response, spec::Support};

use crate::{
    download::{Downloaded, temporary_folder},
    http::{Client, Follow, HttpArguments, Request},
};

/// Seconds to wait for a server that has an archive.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Unpacks an archive on the host.
///
/// Nothing is unpacked where all that is in the archive stands in the folder already. Archives of
/// tar, plain or packed with gzip, bzip2, xz or zstd, need GNU tar on the host and the program that
/// unpacks; archives of zip need `unzip`. What kind an archive is, is seen in it, not in its name.
///
/// A check run reads the archive, and tells what is missing or different. With `keep_newer` it
/// tells of files as well that would be kept.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["include", "exclude"]))]
pub struct Unarchive {
    /// The archive: of the controller, of the host with `remote_src`, or a URL.
    src: PathBuf,
    /// The folder to unpack it in, which must be there.
    dest: PathBuf,
    /// Whether the archive is on the host.
    #[argument(default = false)]
    remote_src: bool,
    /// The old name for the opposite of `remote_src`.
    copy: Option<bool>,
    /// Nothing is done where this is there.
    creates: Option<PathBuf>,
    /// Whether the names in the archive are returned.
    #[argument(default = false)]
    list_files: bool,
    /// Names and patterns of what is not unpacked.
    #[argument(default = [])]
    exclude: Vec<String>,
    /// What alone is unpacked.
    #[argument(default = [])]
    include: Vec<String>,
    /// Whether files that are newer than those of the archive are kept.
    #[argument(default = false)]
    keep_newer: bool,
    /// Words for the program that unpacks.
    #[argument(default = [])]
    extra_opts: Vec<String>,
    /// Whether a server that has the archive must prove who it is.
    #[argument(default = true)]
    validate_certs: bool,
    /// Bytes that are held at once. The programs that unpack choose by themselves.
    #[argument(default = 65536)]
    #[expect(dead_code, reason = "kept for old playbooks")]
    io_buffer_size: u64,
    /// Whether an archive that ansible-vault encrypted is decrypted. The controller does it.
    #[argument(default = true)]
    #[expect(dead_code, reason = "the controller acts on it")]
    decrypt: bool,
    #[argument(flatten)]
    file: FileArguments,
    #[argument(internal)]
    source: Option<Source>,
}

/// Kinds of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With tar's flag for how it is packed.
    Tar(Option<&'static str>),
    Zip,
}

/// An archive where programs can read it.
enum Archive<'a> {
    File(&'a Path),
    /// For check runs, which put nothing on the host.
    Bytes(&'a [u8]),
}

/// What is in an archive, and what of it is not on the host as it should be.
struct Comparison {
    files: Vec<String>,
    differences: Vec<String>,
}

impl Documented for Unarchive {
    const NAME: &'static str = "ansible.builtin.unarchive";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An archive of the controller",
            args: r#"{"src": "tool.tar.gz", "dest": "/srv", "owner": "root", "_source": {"digest": "4878ca0425c739fa427f7eda20fe845f6b2e46ba5fe2a14df5b1e32f50603215", "size": 4, "name": "tool.tar.gz"}}"#,
        },
        Example {
            title: "An archive of the host, without its outermost folder",
            args: r#"{"src": "/tmp/tool.tgz", "dest": "/srv", "remote_src": true, "extra_opts": ["--strip-components=1"], "creates": "/srv/bin"}"#,
        },
        Example {
            title: "An archive of a server",
            args: r#"{"src": "https://192.0.2.1/tool.zip", "dest": "/srv", "remote_src": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("dest", "The folder.", "always", r#""/srv""#),
        Returned::new("src", "The archive.", "always", r#""/tmp/tool.tgz""#),
        Returned::new("handler", "How it was unpacked.", "always", r#""TgzArchive""#),
        Returned::new("files", "Names in the archive.", "with list_files", r#"["bin/tool"]"#),
        Returned::new(
            "extract_results",
            "How the program that unpacked it ended.",
            "changed",
            r#"{"rc": 0}"#,
        ),
    ];
    const CHECK_MODE: Support = Support::Partial;
}

impl Action for Unarchive {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        if self.remote_src && self.copy == Some(true) {
            return Err(Failure::new("parameters are mutually exclusive: copy|remote_src"));
        }
        if let Some(creates) = &self.creates
            && host.link_metadata(creates)?.is_some()
        {
            let verb = if mode.check { "would be" } else { "is" };
            let msg =
                format!("skipped, since {} exists; nothing {verb} unpacked", creates.display());
            return Ok(Guard::Stay(Box::new(Response {
                msg: Some(msg),
                skipped: true,
                ..Response::default()
            })));
        }
        if !host.metadata(&self.dest)?.is_some_and(|found| found.is_dir()) {
            let dest = self.dest.display();
            return Err(Failure::new(format!("dest '{dest}' must be an existing dir")));
        }
        Ok(Guard::Go)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut bytes = Vec::new();
        let (mut content, size) = self.open(host)?;
        if size.is_some_and(|size| size > READ_BYTES_MAX) {
            return Ok(Response {
                skipped: true,
                msg: Some(format!(
                    "an archive of more than {READ_BYTES_MAX} bytes is not read in a check run"
                )),
                ..Response::default()
            });
        }
        (&mut *content).take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
        let kind = kind_of(&bytes);
        let archive = Archive::Bytes(&bytes);
        let found = self.compare(host, kind, &archive)?;
        self.response(host, kind, &self.src, &found, JsonMap::new())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        if let (None, true) = (self.url(), self.is_on_host()) {
            let src = self.src.clone();
            if !host.metadata(&src)?.is_some_and(|found| found.is_file()) {
                return Err(Failure::new(format!("Source '{}' does not exist", src.display())));
            }
            return self.unpack(host, &src);
        }
        let folder = temporary_folder(host, None)?;
        let (mut content, _) = self.open(host)?;
        let archive = Downloaded::receive(host, &folder, &mut *content)?;
        let done = self.unpack(host, &archive.path);
        archive.discard(host);
        done
    }
}

/// What kind an archive is, by its first bytes.
fn kind_of(start: &[u8]) -> Kind {
    let magics: [(&[u8], Kind); 8] = [
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"\x1f\x8b", Kind::Tar(Some("--gzip"))),
        (b"BZh", Kind::Tar(Some("--bzip2"))),
        (b"\xfd7zXZ\x00", Kind::Tar(Some("--xz"))),
        (b"\x28\xb5\x2f\xfd", Kind::Tar(Some("--zstd"))),
        (b"LZIP", Kind::Tar(Some("--lzip"))),
        (b"\x1f\x9d", Kind::Tar(Some("--compress"))),
    ];
    let found = magics.iter().find(|(magic, _)| start.starts_with(magic));
    found.map_or(Kind::Tar(None), |(_, kind)| *kind)
}

impl Kind {
    /// What Ansible calls it.
    fn handler(self) -> &'static str {
        match self {
            Self::Zip => "ZipArchive",
            Self::Tar(Some("--gzip")) => "TgzArchive",
            Self::Tar(Some("--bzip2")) => "TarBzipArchive",
            Self::Tar(Some("--xz")) => "TarXzArchive",
            Self::Tar(Some("--zstd")) => "TarZstdArchive",
            Self::Tar(_) => "TarArchive",
        }
    }
}

impl Unarchive {
    fn url(&self) -> Option<&str> {
        self.src.to_str().filter(|src| src.contains("://"))
    }

    fn is_on_host(&self) -> bool {
        self.remote_src || self.copy == Some(false)
    }

    /// The archive and, where it is known, its size.
    fn open(&self, host: &dyn Host) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
        if let Some(url) = self.url() {
            let arguments = HttpArguments::plain(url, self.validate_certs);
            let client = Client {
                host,
                arguments: &arguments,
                timeout: DOWNLOAD_TIMEOUT,
                follow: Follow::All,
                unix_socket: None,
                ca_path: None,
            };
            let request = Request { method: "GET".into(), url: url.into(), ..Request::default() };
            let answer = client.send(&request)?;
            if !(200..300).contains(&answer.status) {
                return Err(Failure::new(format!(
                    "Failure downloading {url}, {}",
                    answer.message()
                )));
            }
            return Ok((answer.content, None));
        }
        if self.is_on_host() {
            let gone = || Failure::new(format!("Source '{}' does not exist", self.src.display()));
            let size = host.metadata(&self.src)?.ok_or_else(gone)?.size;
            return Ok((host.open(&self.src)?.ok_or_else(gone)?, Some(size)));
        }
        let source = self.source.as_ref().ok_or_else(|| {
            let src = self.src.display();
            Failure::new(format!("the controller did not send {src}; with remote_src, the archive is that of the host"))
        })?;
        Ok((host.blob(&source.digest)?, Some(source.size)))
    }

    fn unpack(&self, host: &mut dyn Host, archive: &Path) -> Result<Response, Failure> {
        let mut start = Vec::new();
        if let Some(file) = host.open(archive)? {
            file.take(8).read_to_end(&mut start)?;
        }
        let kind = kind_of(&start);
        let file = Archive::File(archive);
        let found = self.compare(host, kind, &file)?;
        let mut returned = JsonMap::new();
        if !found.differences.is_empty() {
            let program = match kind {
                Kind::Zip => zip::extract(self, archive),
                Kind::Tar(flag) => tar::extract(self, flag, archive),
            };
            let output = host.execute(&program)?;
            let mut results = output.returned();
            results.insert(
                "cmd".into(),
                std::iter::once(program.name.clone()).chain(program.args.clone()).collect(),
            );
            if !output.is_success() {
                let said = output.stderr_text();
                let msg = format!(
                    "failed to unpack {} to {}: {}",
                    self.src.display(),
                    self.dest.display(),
                    said.trim()
                );
                return Err(Failure::new(msg).with("extract_results", results));
            }
            returned.insert("extract_results".into(), results.into());
            self.dress(host, &found.files)?;
            let rest = self.compare(host, kind, &file)?.differences;
            // What is kept on purpose still differs.
            if let (Some(first), false) = (rest.first(), self.keep_newer) {
                let msg = format!(
                    "the archive was unpacked, but {} things still differ: {first}",
                    rest.len()
                );
                return Err(Failure::new(msg).with("differences", rest));
            }
        }
        self.response(host, kind, archive, &found, returned)
    }

    fn compare(
        &self,
        host: &dyn Host,
        kind: Kind,
        archive: &Archive<'_>,
    ) -> Result<Comparison, Failure> {
        let program = match kind {
            Kind::Zip => "unzip",
            Kind::Tar(_) => "tar",
        };
        if host.which(program).is_none() {
            return Err(Failure::new(format!(
                "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\nUnable to find required '{program}' binary in the path.",
                self.src.display()
            )));
        }
        let mut found = match kind {
            Kind::Zip => zip::compare(self, host, archive)?,
            Kind::Tar(flag) => tar::compare(self, host, flag, archive)?,
        };
        if found.files.is_empty() {
            return Err(Failure::new(format!(
                "there is nothing to unpack in {}",
                self.src.display()
            )));
        }
        for name in &found.files {
            let path = self.dest.join(name);
            if let Some(there) = host.link_metadata(&path)? {
                let (actual, desired) = self.file.compare(host, &path, Some(&there), FILE_MODE)?;
                if actual != desired {
                    found.differences.push(format!("{name}: Attributes differ"));
                }
            }
        }
        Ok(found)
    }

    /// Sets what the task says of owner and permissions on all that was unpacked.
    fn dress(&self, host: &mut dyn Host, names: &[String]) -> Result<(), Failure> {
        for name in names {
            let path = self.dest.join(name);
            if let Some(there) = host.link_metadata(&path)? {
                let (actual, desired) = self.file.compare(host, &path, Some(&there), FILE_MODE)?;
                desired.apply(&actual, host, &path, Links::Keep)?;
            }
        }
        Ok(())
    }

    fn response(
        &self,
        host: &dyn Host,
        kind: Kind,
        archive: &Path,
        found: &Comparison,
        mut returned: JsonMap,
    ) -> Result<Response, Failure> {
        returned.extend(path_info(host, &self.dest)?);
        returned.insert("dest".into(), self.dest.display().to_string().into());
        returned.insert("src".into(), archive.display().to_string().into());
        returned.insert("handler".into(), kind.handler().into());
        if self.list_files {
            returned.insert("files".into(), found.files.clone().into());
        }
        let mut diff = Vec::new();
        if !found.differences.is_empty() {
            diff.push(Diff {
                prepared: Some(found.differences.join("\n") + "\n"),
                ..Diff::default()
            });
        }
        Ok(Response {
            changed: !found.differences.is_empty(),
            diff,
            returned,
            ..Response::default()
        })
    }
}
