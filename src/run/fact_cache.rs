//! Facts that are kept between runs: by whoever keeps them, and as a file of JSON a host, as
//! Ansible's `jsonfile` cache has them.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use inventory::HostName;
use protocol::{Json, JsonMap};

/// Keeps facts of hosts, under the names that they were returned by.
pub trait KeepFacts: Send + Sync {
    /// The facts of a host; `None` where there are none that count.
    fn read(&self, host: &HostName) -> Option<JsonMap>;

    /// Keeps the facts of a host.
    ///
    /// # Errors
    /// They cannot be kept.
    fn write(&self, host: &HostName, facts: &JsonMap) -> io::Result<()>;

    /// Forgets the facts of a host.
    fn remove(&self, host: &HostName);
}

/// A folder of facts.
#[derive(Clone, Debug)]
pub struct FactCache {
    /// The folder; it is made where it is not there.
    pub folder: PathBuf,
    /// What names of files start with.
    pub prefix: String,
    /// Seconds after which facts count as unknown; 0 for never.
    pub timeout_secs: u64,
}

impl FactCache {
    fn path(&self, host: &HostName) -> PathBuf {
        // A host's name may be a path in no way.
        self.folder.join(format!("{}{}", self.prefix, host.as_str().replace('/', "_")))
    }
}

impl KeepFacts for FactCache {
    fn read(&self, host: &HostName) -> Option<JsonMap> {
        let path = self.path(host);
        if self.timeout_secs > 0 {
            let written = fs::metadata(&path).ok()?.modified().ok()?;
            let age = SystemTime::now().duration_since(written).unwrap_or_default();
            if age > Duration::from_secs(self.timeout_secs) {
                return None;
            }
        }
        match serde_json::from_slice(&fs::read(&path).ok()?) {
            Ok(Json::Object(facts)) => Some(facts),
            Ok(_) | Err(_) => {
                tracing::warn!(path = %path.display(), "the cached facts cannot be read");
                None
            }
        }
    }

    /// Readers see the old file or the new one, whole.
    fn write(&self, host: &HostName, facts: &JsonMap) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(host);
        let temporary = path.with_extension(format!("{}.part", std::process::id()));
        let mut text = serde_json::to_vec_pretty(facts)?;
        text.push(b'\n');
        fs::write(&temporary, text)?;
        fs::rename(&temporary, &path)
    }

    fn remove(&self, host: &HostName) {
        // What is not there need not be removed.
        let _ = fs::remove_file(self.path(host));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_kept_until_they_are_old() {
        let folder = std::env::temp_dir().join(format!("trueup-facts-{}", std::process::id()));
        let cache = FactCache { folder: folder.clone(), prefix: "p_".into(), timeout_secs: 60 };
        let host = HostName::from("web/1");
        assert!(cache.read(&host).is_none());
        let mut facts = JsonMap::new();
        facts.insert("ansible_x".into(), 3.into());
        cache.write(&host, &facts).unwrap();
        assert!(folder.join("p_web_1").is_file());
        assert_eq!(cache.read(&host), Some(facts));
        let old = SystemTime::now() - Duration::from_secs(61);
        fs::File::options()
            .write(true)
            .open(folder.join("p_web_1"))
            .and_then(|file| file.set_modified(old))
            .unwrap();
        assert!(cache.read(&host).is_none());
        fs::write(folder.join("p_web_1"), "[1]").unwrap();
        assert!(cache.read(&host).is_none());
        cache.remove(&host);
        assert!(!folder.join("p_web_1").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
