//! The file from which a table is loaded at boot.

use std::path::{Path, PathBuf};

use module::{Failure, FileMode, Host, Placement, glob};
use serde::Serialize;

use super::{NfTables, State, text};

/// Where tables are kept one by one.
const FOLDER: &str = "/etc/nftables.d";
/// What distributions load at boot.
const CONFIGS: [&str; 3] =
    ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf", "/etc/nftables.nft"];
/// What a host that has no such file is given. It does not flush what others have loaded.
const NEW_CONFIG: &str = "#!/usr/sbin/nft -f\n";

/// Where a table is kept.
pub struct Persistence {
    /// Its own file.
    pub path: PathBuf,
    /// The file that includes it.
    config: PathBuf,
}

/// A path, and what is there; `None` where that is nothing.
pub type KeptFile = (String, Option<String>);

/// Files and what they hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Files {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<KeptFile>,
}

impl Files {
    /// The files that differ, on both sides.
    pub fn both<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a KeptFile, &'a KeptFile)> {
        self.files.iter().zip(&other.files).filter(|(one, other)| one != other)
    }
}

impl Persistence {
    /// Where the task keeps its table; `None` where it does not.
    ///
    /// # Errors
    /// A path that cannot be found in an `include`.
    pub fn find(task: &NfTables, host: &dyn Host) -> Result<Option<Self>, Failure> {
        if !task.persist {
            return Ok(None);
        }
        let path = task.path.clone().unwrap_or_else(|| {
            // A table's name may hold slashes.
            let name = task.table.replace('/', "-");
            Path::new(FOLDER).join(format!("trueup-{}-{name}.nft", task.family))
        });
        if !path.is_absolute() || path.display().to_string().contains('"') {
            return Err(Failure::new(format!(
                "path must be absolute, and hold no quotes: {}",
                path.display()
            )));
        }
        let config = match &task.config {
            Some(config) => config.clone(),
            None => {
                let mut found = None;
                for known in CONFIGS {
                    if host.metadata(Path::new(known))?.is_some() {
                        found = Some(known);
                        break;
                    }
                }
                found.unwrap_or(CONFIGS[0]).into()
            }
        };
        Ok(Some(Self { path, config }))
    }

    /// What the files hold, and what they should hold.
    ///
    /// # Errors
    /// Files that cannot be read, and tables that cannot be written down.
    pub fn compare(&self, task: &NfTables, host: &dyn Host) -> Result<(Files, Files), Failure> {
        let read = |path: &Path| -> Result<Option<String>, Failure> {
            Ok(host.read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let now = read(&self.path)?;
        let key = self.path.display().to_string();
        if task.state == State::Absent {
            let side = |content| Files { files: vec![(key.clone(), content)] };
            return Ok((side(now), side(None)));
        }
        let wanted = format!(
            "# Kept by trueup: what is changed here is changed back.\n{}",
            text::replacement(task, &[])?
        );
        let config = read(&self.config)?;
        let wanted_config = match &config {
            Some(text) if self.is_included(text) => config.clone(),
            other => Some(self.with_include(other.as_deref())),
        };
        let config_key = self.config.display().to_string();
        Ok((
            Files { files: vec![(key.clone(), now), (config_key.clone(), config)] },
            Files { files: vec![(key, Some(wanted)), (config_key, wanted_config)] },
        ))
    }

    fn is_included(&self, config: &str) -> bool {
        config.lines().any(|line| {
            let included = line.trim().strip_prefix("include").map(str::trim);
            let included = included.map(|rest| rest.trim_matches(|letter| "\"';".contains(letter)));
            included
                .is_some_and(|pattern| glob::is_match(pattern, &self.path.display().to_string()))
        })
    }

    fn with_include(&self, config: Option<&str>) -> String {
        let mut text = config.unwrap_or(NEW_CONFIG).to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let pattern = match self.path.parent() {
            // A folder of nothing but tables is included whole.
            Some(folder)
                if self.path.extension().is_some_and(|end| end == "nft")
                    && folder.ends_with("nftables.d") =>
            {
                folder.join("*.nft")
            }
            _ => self.path.clone(),
        };
        text + &format!("\ninclude \"{}\"\n", pattern.display())
    }

    /// Writes what differs.
    ///
    /// # Errors
    /// What could not be written.
    pub fn apply(
        &self,
        actual: &Files,
        desired: &Files,
        host: &mut dyn Host,
    ) -> Result<(), Failure> {
        for ((path, before), (_, after)) in actual.both(desired) {
            let path = Path::new(path);
            let Some(after) = after else {
                host.remove_file(path)?;
                continue;
            };
            if let Some(folder) = path.parent()
                && host.metadata(folder)?.is_none()
            {
                host.make_dir(folder, FileMode::new(0o755))?;
            }
            let mode = match before {
                Some(_) => None,
                // The configuration names its own interpreter.
                None if path == self.config => Some(FileMode::new(0o755)),
                None => Some(FileMode::new(0o644)),
            };
            let placement = Placement { mode, ..Placement::default() };
            host.write(path, &mut after.as_bytes(), &placement)?;
        }
        Ok(())
    }
}
