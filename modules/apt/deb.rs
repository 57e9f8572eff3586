//! Package files.

use std::path::Path;

use module::{Failure, Host, Program, host::Temporary};

use super::{
    installed::Installed,
    version::compare,
    wanted::{Wanted, WantedVersion},
};

/// apt's own program that fetches a file.
const HELPER: &str = "/usr/lib/apt/apt-helper";

/// What a package file says of itself.
#[derive(Debug, PartialEq)]
pub struct DebFile {
    /// Absolute, by which apt takes it for a file.
    pub path: String,
    name: String,
    version: String,
    architecture: String,
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
        let program = Program::new("dpkg-deb").args(["--field", &path, "Package", "Version", "Architecture"]);
        let output = host.query(&program)?;
        if !output.is_success() {
            return Err(unable(output.stderr_text().trim().to_owned()));
        }
        let text = output.stdout_text();
        let field = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| *known == key).map(|(_, value)| value.trim().to_owned())
        };
        match (field("Package"), field("Version"), field("Architecture")) {
            (Some(name), Some(version), Some(architecture)) => {
                Ok(Self { path, name, version, architecture })
            }
            _ => Err(unable(format!("{path} does not say its name, version and architecture"))),
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

/// Fetches a package file to a new temporary one, and returns its path.
///
/// # Errors
/// What apt's helper complains about.
pub fn fetch(host: &mut dyn Host, address: &str) -> Result<String, Failure> {
    let wanted = Temporary {
        folder: "/tmp".into(),
        prefix: "trueup-".into(),
        suffix: String::new(),
        is_dir: true,
    };
    let folder = host.make_temporary(&wanted)?;
    let end = address.split(['?', '#']).next().unwrap_or_default();
    let name = end.rsplit('/').next().filter(|name| name.ends_with(".deb")).unwrap_or("package.deb");
    let path = folder.join(name).display().to_string();
    let output = host.execute(&Program::new(HELPER).args(["download-file", address, &path]))?;
    if output.is_success() {
        return Ok(path);
    }
    // Nothing is in it; what stays of it harms nobody.
    let _ = host.remove_dir_all(&folder);
    Err(Failure::new(format!("Failure downloading {address}, {}", output.stderr_text().trim())))
}
