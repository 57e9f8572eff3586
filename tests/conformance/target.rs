//! The targets, and how each is called.

use std::{fs, path::Path};

/// Targets that pass in such a sandbox with ansible-core itself, measured with it: name, category,
/// what it needs in the controller (`pyplug`: Python plugins, `pymod`: Python modules), seconds, and
/// how many tasks were `ok`.
const LIST: &str = include_str!("targets.tsv");

/// Those that pass with trueup, and must go on doing so.
const PASSING: &str = include_str!("passing.txt");

#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub category: String,
    pub needs: String,
    /// What ansible-core takes.
    pub reference_secs: f64,
    /// The sum of `ok=` over all recaps, with ansible-core.
    pub reference_ok: u64,
}

/// Seconds that a target has which the list says nothing of.
const UNLISTED_SECS: f64 = 120.0;

impl Target {
    /// A target of the package that is not in the list.
    pub fn unlisted(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            category: "unlisted".to_owned(),
            needs: "?".to_owned(),
            reference_secs: UNLISTED_SECS,
            reference_ok: 0,
        }
    }
}

/// All targets of the list.
///
/// # Errors
/// A line that cannot be read.
pub fn all() -> Result<Vec<Target>, String> {
    LIST.lines().filter(|line| !line.starts_with('#')).map(read).collect()
}

fn read(line: &str) -> Result<Target, String> {
    let broken = || format!("targets.tsv: {line}");
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, category, needs, secs, ok] = fields.as_slice() else { return Err(broken()) };
    Ok(Target {
        name: (*name).to_owned(),
        category: (*category).to_owned(),
        needs: (*needs).to_owned(),
        reference_secs: secs.parse().map_err(|_| broken())?,
        reference_ok: ok.parse().map_err(|_| broken())?,
    })
}

/// The names of the targets that must pass.
pub fn passing() -> Vec<&'static str> {
    PASSING.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// How a target wants to be called, as its folder says.
#[derive(Debug, Default)]
pub struct Call {
    /// A script that calls Ansible's commands itself; any other is a role.
    pub is_script: bool,
    /// Words of its `aliases`.
    pub(crate) aliases: Vec<String>,
}

impl Call {
    /// Reads the folder of a target.
    pub fn of(targets: &Path, name: &str) -> Self {
        let folder = targets.join(name);
        let aliases = fs::read_to_string(folder.join("aliases")).unwrap_or_default();
        let words = aliases.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        Self {
            is_script: folder.join("runme.sh").is_file(),
            aliases: words.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        }
    }

    fn says(&self, word: &str) -> bool {
        self.aliases.iter().any(|alias| alias == word)
    }

    /// Whether it expects a plain path.
    pub fn wants_plain_path(&self) -> bool {
        self.says("no/temp_unicode")
    }

    /// Whether its host is reached by SSH.
    pub fn wants_ssh(&self) -> bool {
        self.says("needs/ssh")
    }

    /// Whether a role's play gathers facts.
    pub fn wants_facts(&self) -> bool {
        !self.says("gather_facts/no")
    }

    /// Whether it does without an interpreter that the environment names.
    pub fn is_non_local(&self) -> bool {
        self.says("non_local")
    }

    /// Targets that must have run before it.
    pub fn setups(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().filter_map(|alias| {
            alias.strip_prefix("setup/always/").or_else(|| alias.strip_prefix("setup/once/"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_can_be_read() {
        let all = all().unwrap();
        assert!(all.len() > 100);
        for name in passing() {
            assert!(all.iter().any(|target| target.name == name), "{name} is in no list");
        }
        assert!(read("one\ttwo").is_err());
        assert!(read("name\tcli\t-\tsoon\t3").is_err());
    }
}
