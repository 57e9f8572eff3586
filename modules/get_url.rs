//! The `get_url` module.

mod checksum;

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use module::{
    Action, Arguments, Documented, Example, Failure, FileArguments, Host, Returned,
    content::{Algorithm, file_digest},
    file_arguments::path_info,
};
use protocol::{Json, JsonMap, Response};

use crate::{
    copy::back_up,
    download::{Downloaded, dress, http_date, place, temporary_folder},
    http::{Answer, Client, Follow, HttpArguments, Request, Url},
};
use checksum::Checksum;

/// Downloads a file to the host.
///
/// A file that has the right `checksum` is not asked for again; without one, the server is asked
/// whether it has a newer file, and the old one is replaced only by another content. Permissions
/// and owner are set in any case.
///
/// A check run asks the server for the file's head alone.
#[derive(Debug, Arguments)]
pub struct GetUrl {
    #[argument(flatten)]
    http: HttpArguments,
    /// Where the file goes. In a folder it gets the name that the server gives it, or that of the
    /// URL.
    dest: PathBuf,
    /// Folder for the file while it comes in.
    tmp_dest: Option<PathBuf>,
    /// Digest that the file must have, as `sha256:…`; or, behind the colon, the URL of a list of
    /// digests in which the file is named.
    #[argument(default = "")]
    checksum: String,
    /// Whether the old file is kept beside the new one, with the time in its name.
    #[argument(default = false)]
    backup: bool,
    /// Seconds to wait for the server.
    #[argument(default = 10)]
    timeout: u64,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for GetUrl {
    const NAME: &'static str = "ansible.builtin.get_url";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A file that is what it should be",
            args: r#"{"url": "http://192.0.2.1/tool", "dest": "/tmp/tool", "mode": "0755", "checksum": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
        },
        Example {
            title: "From a server that wants to know who asks, always",
            args: r#"{"url": "https://192.0.2.1/dump", "dest": "/tmp/", "force": true, "url_username": "ops", "url_password": "x", "force_basic_auth": true, "timeout": 60}"#,
        },
        Example {
            title: "From another place on the host",
            args: r#"{"url": "file:///etc/hosts", "dest": "/tmp/hosts"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("dest", "Where the file is.", "always", r#""/tmp/tool""#),
        Returned::new("url", "Where it came from.", "always", r#""http://192.0.2.1/tool""#),
        Returned::new(
            "src",
            "Where it was while it came in.",
            "downloaded",
            r#""/tmp/.trueup-download-1f""#,
        ),
        Returned::new("status_code", "Status of the answer.", "always", "200"),
        Returned::new("elapsed", "Seconds that it took.", "always", "1"),
        Returned::new(
            "checksum_src",
            "SHA-1 of what came in.",
            "downloaded",
            r#""a94a8fe5ccb19ba61c4c0873d391e987982fbbd3""#,
        ),
        Returned::new("checksum_dest", "SHA-1 of the old file.", "downloaded", "null"),
        Returned::new(
            "md5sum",
            "MD5 of the file.",
            "downloaded",
            r#""098f6bcd4621d373cade4e832627b4f6""#,
        ),
        Returned::new(
            "backup_file",
            "Where the old file is.",
            "changed, with backup",
            r#""/tmp/tool.12345.2026-11-21@05:27:26~""#,
        ),
    ];
    const CHECK_MODE: protocol::spec::Support = protocol::spec::Support::Partial;
    const DIFF_MODE: protocol::spec::Support = protocol::spec::Support::None;
}

/// What came over the wire, or from another place on the host.
struct Incoming {
    status: Option<u16>,
    msg: String,
    url: String,
    file_name: Option<String>,
    content: Box<dyn Read>,
}

impl Action for GetUrl {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut returned = self.returned();
        if let Some(response) = self.settled(host, &mut returned)? {
            let there = host.metadata(&self.dest)?;
            let mode = module::file_arguments::FILE_MODE;
            let (actual, desired) = self.file.compare(host, &self.dest, there.as_ref(), mode)?;
            return Ok(Response { changed: actual != desired, returned, ..response });
        }
        let incoming = self.ask(host, "HEAD", true).map_err(|why| with(why, &returned))?;
        returned.insert("status_code".into(), incoming.status.into());
        Ok(Response {
            changed: incoming.status != Some(304),
            msg: Some(incoming.msg),
            returned,
            ..Response::default()
        })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let start = host.now();
        let mut returned = self.returned();
        if let Some(response) = self.settled(host, &mut returned)? {
            let changed = dress(host, &self.file, &self.dest)?;
            returned.extend(path_info(host, &self.dest)?);
            return Ok(Response { changed, returned, ..response });
        }
        let incoming = self.ask(host, "GET", self.checksum.is_empty());
        let elapsed = host.now().duration_since(start).unwrap_or_default().as_secs();
        returned.insert("elapsed".into(), elapsed.into());
        let mut incoming = incoming.map_err(|why| with(why, &returned))?;
        returned.insert("status_code".into(), incoming.status.into());
        if incoming.status == Some(304) {
            let changed = dress(host, &self.file, &self.dest)?;
            returned.extend(path_info(host, &self.dest)?);
            return Ok(Response {
                changed,
                msg: Some(incoming.msg),
                returned,
                ..Response::default()
            });
        }
        let dest = self.destination(host, &incoming)?;
        returned.insert("dest".into(), dest.display().to_string().into());
        let folder = temporary_folder(host, self.tmp_dest.as_deref())?;
        let downloaded =
            Downloaded::receive(host, &folder, &mut *incoming.content).map_err(|why| {
                with(
                    Failure::new(format!("failed to create temporary content file: {}", why.msg)),
                    &returned,
                )
            })?;
        returned.insert("src".into(), downloaded.path.display().to_string().into());
        let kept = self.keep(host, &downloaded.path, &dest, &mut returned);
        downloaded.discard(host);
        let changed = kept.map_err(|why| with(why, &returned))?;
        returned.extend(path_info(host, &dest)?);
        Ok(Response { changed, msg: Some(incoming.msg), returned, ..Response::default() })
    }
}

/// A failure with what is known so far.
fn with(mut failure: Failure, returned: &JsonMap) -> Failure {
    for (key, value) in returned {
        failure.returned.entry(key.clone()).or_insert_with(|| value.clone());
    }
    failure
}

impl GetUrl {
    fn returned(&self) -> JsonMap {
        let mut map = JsonMap::new();
        map.insert("dest".into(), self.dest.display().to_string().into());
        map.insert("url".into(), shown(&self.http.url).into());
        map.insert("elapsed".into(), 0.into());
        map
    }

    fn client<'a>(&'a self, host: &'a dyn Host) -> Client<'a> {
        Client {
            host,
            arguments: &self.http,
            timeout: Duration::from_secs(self.timeout.max(1)),
            follow: Follow::All,
            unix_socket: None,
            ca_path: None,
        }
    }

    fn wanted_checksum(&self, host: &dyn Host) -> Result<Option<Checksum>, Failure> {
        Checksum::find(&self.checksum, &self.client(host), &self.http.url)
    }

    /// The answer where there is nothing to download: the file has the right digest.
    fn settled(
        &self,
        host: &dyn Host,
        returned: &mut JsonMap,
    ) -> Result<Option<Response>, Failure> {
        self.http.refuse_what_cannot_be()?;
        let there = host.metadata(&self.dest)?;
        if !there.as_ref().is_some_and(module::Metadata::is_dir) {
            let folder = self.dest.parent().unwrap_or(Path::new("/"));
            if !host.metadata(folder)?.is_some_and(|found| found.is_dir()) {
                let msg = format!("Destination {} does not exist", folder.display());
                return Err(with(Failure::new(msg), returned));
            }
        }
        let checksum = self.wanted_checksum(host).map_err(|why| with(why, returned))?;
        let Some(checksum) = checksum else { return Ok(None) };
        if !there.is_some_and(|found| found.is_file()) || self.http.force {
            return Ok(None);
        }
        let found = file_digest(host, checksum.algorithm, &self.dest)?;
        if found.as_ref() != Some(&checksum.digest) {
            return Ok(None);
        }
        returned.insert("checksum_src".into(), Json::Null);
        returned.insert("checksum_dest".into(), Json::Null);
        Ok(Some(Response { msg: Some("file already exists".into()), ..Response::default() }))
    }

    /// Asks the server, or opens the other file of the host.
    fn ask(&self, host: &dyn Host, method: &str, may_be_old: bool) -> Result<Incoming, Failure> {
        if let Some(path) = self.http.url.strip_prefix("file://") {
            let path = Path::new(path);
            let gone = || Failure::new(format!("Request failed: no such file: {}", path.display()));
            let size = host.metadata(path)?.ok_or_else(gone)?.size;
            return Ok(Incoming {
                status: None,
                msg: format!("OK ({size} bytes)"),
                url: self.http.url.clone(),
                file_name: None,
                content: host.open(path)?.ok_or_else(gone)?,
            });
        }
        let there = host.metadata(&self.dest)?.filter(module::Metadata::is_file);
        let mut headers = Vec::new();
        match there {
            Some(there) if may_be_old && !self.http.force => {
                let date = http_date(UNIX_EPOCH + there.modified);
                headers.push(("If-Modified-Since".to_owned(), date));
            }
            Some(_) => headers.push(("Cache-Control".to_owned(), "no-cache".to_owned())),
            None => {}
        }
        let request =
            Request { method: method.into(), url: self.http.url.clone(), headers, body: None };
        let answer = self.client(host).send(&request)?;
        let msg = answer.message();
        if answer.status != 304 && !(200..300).contains(&answer.status) {
            return Err(Failure::new("Request failed")
                .with("response", msg)
                .with("status_code", answer.status));
        }
        Ok(Incoming {
            status: Some(answer.status),
            msg,
            file_name: named_by_server(&answer),
            url: answer.url,
            content: answer.content,
        })
    }

    /// The file itself, where `dest` is a folder.
    fn destination(&self, host: &dyn Host, incoming: &Incoming) -> Result<PathBuf, Failure> {
        if !host.metadata(&self.dest)?.is_some_and(|found| found.is_dir()) {
            return Ok(self.dest.clone());
        }
        let from_url = match incoming.url.strip_prefix("file://") {
            Some(path) => path.rsplit('/').next().unwrap_or_default().to_owned(),
            None => Url::parse(&incoming.url)?.file_name(),
        };
        let name = incoming.file_name.clone().unwrap_or(from_url);
        let name = if name.is_empty() { "index.html".to_owned() } else { name };
        if name.contains('/') || name == ".." || name == "." {
            return Err(Failure::new(format!(
                "the server gives the file a name that leads elsewhere: {name}"
            )));
        }
        Ok(self.dest.join(name))
    }

    /// Puts what came in into its place, where it is another content; says whether anything
    /// changed.
    fn keep(
        &self,
        host: &mut dyn Host,
        downloaded: &Path,
        dest: &Path,
        returned: &mut JsonMap,
    ) -> Result<bool, Failure> {
        if let Some(wanted) = self.wanted_checksum(host)? {
            let found = file_digest(host, wanted.algorithm, downloaded)?.unwrap_or_default();
            if found != wanted.digest {
                return Err(Failure::new(format!(
                    "The checksum for {} did not match {}; it was {found}.",
                    downloaded.display(),
                    wanted.digest
                )));
            }
        }
        let new = file_digest(host, Algorithm::Sha1, downloaded)?;
        let old = file_digest(host, Algorithm::Sha1, dest)?;
        returned.insert("checksum_src".into(), new.clone().into());
        returned.insert("checksum_dest".into(), old.clone().into());
        returned.insert("md5sum".into(), file_digest(host, Algorithm::Md5, downloaded)?.into());
        let differs = new != old;
        if differs {
            if self.backup && old.is_some() {
                let backup = back_up(host, dest)?;
                returned.insert("backup_file".into(), backup.into());
            }
            let Some(mut content) = host.open(downloaded)? else {
                return Err(Failure::new(format!("{} is gone", downloaded.display())));
            };
            place(host, &self.file, dest, &mut *content)?;
        }
        Ok(dress(host, &self.file, dest)? || differs)
    }
}

/// A URL without its password.
fn shown(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (user, place))) if !user.contains('/') => format!("{scheme}://{place}"),
        _ => url.to_owned(),
    }
}

/// The name in `Content-Disposition: attachment; filename="…"`.
fn named_by_server(answer: &Answer) -> Option<String> {
    let header = answer.header("content-disposition")?;
    let (_, rest) = header.split_once("filename=")?;
    let name = match rest.trim_start().strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?.trim(),
    };
    // Only its last part: a server does not choose folders.
    let name = name.rsplit(['/', '\\']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
