//! Package files.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use module::{Failure, Host, Program, host::Temporary};

use crate::http::{Client, Follow, HttpArguments, Request};

use super::{
    installed::Installed,
    version::compare,
    wanted::{Wanted, WantedVersion},
};

/// apt's own program that fetches a file.
const HELPER: &str = "/usr/lib/apt/apt-helper";

/// How much of a package file is read to learn what it is: what mostly holds that, and what
/// always does.
const HEAD_BYTES: [u64; 2] = [256 * 1024, 32 * 1024 * 1024];

/// For connecting to its server, and for each read.
const PEEK_TIMEOUT: Duration = Duration::from_secs(30);

/// What a package file says of itself.
#[derive(Debug, PartialEq)]
pub struct DebFile {
    /// Absolute, by which apt takes it for a file; or an address.
    pub path: String,
    name: String,
    version: String,
    architecture: String,
}

/// Whether a package file is on a web server.
pub fn is_address(path: &str) -> bool {
    path.contains("://")
}

fn fields_of(path: &str) -> [&str; 5] {
    ["--field", path, "Package", "Version", "Architecture"]
}

impl DebFile {
    /// Reads the head of a package file.
    ///
    /// # Errors
    /// A file that is not there, or is no package.
    pub fn read(host: &dyn Host, path: &str) -> Result<Self, Failure> {
        let unable = |why: String| Failure::new(format!("Unable to install package: {why}"));
        if host.metadata(Path::new(path))?.is_none() {
            return Err(unable(format!(
                "E:Could not open file {path} - open (2: No such file or directory)"
            )));
        }
        let path = host.real_path(Path::new(path))?.display().to_string();
        let output = host.query(&Program::new("dpkg-deb").args(fields_of(&path)))?;
        if !output.is_success() {
            return Err(unable(output.stderr_text().trim().to_owned()));
        }
        Self::of_fields(&output.stdout_text(), path)
    }

    /// Reads the head of a package file on a web server, and no more of it than that.
    ///
    /// # Errors
    /// A server that does not answer well, and what is no package.
    pub fn peek(host: &dyn Host, address: &str) -> Result<Self, Failure> {
        let unable = |why: String| Failure::new(format!("Failure downloading {address}, {why}"));
        let arguments = HttpArguments::plain(address, true);
        let client = Client {
            host,
            arguments: &arguments,
            timeout: PEEK_TIMEOUT,
            follow: Follow::All,
            unix_socket: None,
            ca_path: None,
        };
        let request = Request { method: "GET".into(), url: address.into(), ..Request::default() };
        let mut answer = client.send(&request).map_err(|why| unable(why.msg))?;
        if answer.status >= 300 {
            return Err(unable(answer.message()));
        }
        let mut head = Vec::new();
        // What describes a package stands before its files.
        for bytes in HEAD_BYTES {
            let before = head.len() as u64;
            (&mut *answer.content)
                .take(bytes - before)
                .read_to_end(&mut head)
                .map_err(|why| unable(why.to_string()))?;
            let mut program = Program::new("dpkg-deb").args(fields_of("-"));
            program.stdin = Some(head.clone());
            let output = host.query(&program)?;
            if output.is_success() {
                return Self::of_fields(&output.stdout_text(), address.to_owned());
            }
            if (head.len() as u64) < bytes {
                return Err(unable(output.stderr_text().trim().to_owned()));
            }
        }
        Err(unable("it does not say what it holds".to_owned()))
    }

    fn of_fields(text: &str, path: String) -> Result<Self, Failure> {
        let field = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| *known == key).map(|(_, value)| value.trim().to_owned())
        };
        match (field("Package"), field("Version"), field("Architecture")) {
            (Some(name), Some(version), Some(architecture)) => {
                Ok(Self { path, name, version, architecture })
            }
            _ => Err(Failure::new(format!(
                "Unable to install package: {path} does not say its name, version and architecture"
            ))),
        }
    }

    /// Whether it has to be installed.
    ///
    /// # Errors
    /// A newer version is installed, and may not be replaced.
    pub fn is_wanted(&self, installed: &Installed, may_downgrade: bool) -> Result<bool, Failure> {
        let wanted = Wanted {
            text: self.name.clone(),
            name: self.name.clone(),
            architecture: Some(self.architecture.clone()).filter(|name| name != "all"),
            version: WantedVersion::Any,
        };
        let Some(package) = installed.get(&wanted) else { return Ok(true) };
        match compare(&self.version, &package.version) {
            std::cmp::Ordering::Equal => Ok(false),
            std::cmp::Ordering::Less if !may_downgrade => Err(Failure::new(format!(
                "Unable to install package: a later version is already installed: {} {} (the file \
                 has {})",
                self.name, package.version, self.version
            ))),
            _ => Ok(true),
        }
    }
}

/// Fetches a package file into a new folder, and returns the folder and the file's path.
///
/// # Errors
/// What apt's helper complains about.
pub fn fetch(host: &mut dyn Host, address: &str) -> Result<(PathBuf, String), Failure> {
    let wanted = Temporary {
        folder: "/tmp".into(),
        prefix: "trueup-".into(),
        suffix: String::new(),
        is_dir: true,
    };
    let folder = host.make_temporary(&wanted)?;
    let end = address.split(['?', '#']).next().unwrap_or_default();
    let name =
        end.rsplit('/').next().filter(|name| name.ends_with(".deb")).unwrap_or("package.deb");
    let path = folder.join(name).display().to_string();
    let output = host.execute(&Program::new(HELPER).args(["download-file", address, &path]))?;
    if output.is_success() {
        return Ok((folder, path));
    }
    // Nothing is in it; what stays of it harms nobody.
    let _ = host.remove_dir_all(&folder);
    Err(Failure::new(format!("Failure downloading {address}, {}", output.stderr_text().trim())))
}
