//! What a file of cases says.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use trueup_tests::program::workspace;

/// Says which cases are run.
const VARIABLE: &str = "TRUEUP_MODULE_CASES";

/// Cases of a family that are run where nobody says which.
const SAMPLE_CASES: usize = 2;

/// Keywords of a task that may stand beside its module.
const KEYWORDS: &[&str] = &[
    "args",
    "async",
    "become",
    "become_user",
    "environment",
    "loop",
    "poll",
    "vars",
    "diff",
    "delegate_to",
    "failed_when",
    "changed_when",
    "no_log",
    "when",
    "name",
];

/// A family of modules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Name of its file.
    #[serde(skip)]
    pub name: String,
    /// Whether its modules are of collections, which a bare ansible-core does not have.
    #[serde(default)]
    pub needs_collections: bool,
    /// Which hosts its modules are run on.
    #[serde(default)]
    pub hosts: Hosts,
    /// Keys of what is returned whose lists have no order.
    #[serde(default)]
    pub unordered: Vec<String>,
    /// Shell that is run on both hosts before all cases.
    #[serde(default)]
    pub setup: String,
    /// Shell whose output is compared after each phase.
    #[serde(default)]
    pub watch: String,
    /// What differs in any case.
    #[serde(default)]
    pub differs: Vec<Differs>,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// What the hosts of a family have on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hosts {
    /// Small programs and four blank disks, `/dev/disk-a` and on.
    #[default]
    Bare,
    /// Servers, none of which runs.
    Servers,
    /// dnf.
    Dnf,
    /// zypper, pacman and flatpak.
    Packagers,
    /// A kernel of their own: virtual machines with four blank disks, `/dev/vdb` and on.
    Machines,
}

/// Some tasks and what they start from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is tried; unlike any other name of the family.
    pub name: String,
    /// Shell that is run in the folder of the case before all phases.
    #[serde(default)]
    pub setup: String,
    /// The tasks. `{{ here }}` is the folder of the case.
    pub steps: Vec<Map<String, Value>>,
    /// Whether times of what lies in the folder are compared too.
    #[serde(default)]
    pub times: bool,
    /// What differs, and why.
    #[serde(default)]
    pub differs: Vec<Differs>,
}

/// A difference that is meant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differs {
    /// Where: `PHASE.STEP.KEY…` of what is returned (`check.0.diff.before`), `PHASE.tree.PATH` or
    /// `PHASE.watch`, the phases being `check`, `first` and `second`. A `*` stands for any text.
    pub at: String,
    /// Why that is right.
    pub why: String,
    /// What ansible-core has there, where that is held.
    #[serde(default, deserialize_with = "given")]
    pub theirs: Option<Value>,
    /// What Trueup has there, where that is held; `null` for what is not there.
    #[serde(default, deserialize_with = "given")]
    pub ours: Option<Value>,
}

/// A value that is there, even where it is null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Which cases are run.
#[derive(Debug)]
pub enum Selection {
    /// The first few of each family: ansible-core takes a third of a second for each task.
    Sample,
    All,
    /// Those with a text in their names.
    Named(String),
}

impl Selection {
    pub fn from_environment() -> Self {
        match env::var(VARIABLE).as_deref() {
            Err(_) | Ok("") => Self::Sample,
            Ok("all") => Self::All,
            Ok(text) => Self::Named(text.to_owned()),
        }
    }

    /// The cases of a family that are run.
    pub fn of<'a>(&self, family: &'a Family) -> Vec<&'a Case> {
        let is_run = |(number, case): &(usize, &Case)| match self {
            Self::Sample => *number < SAMPLE_CASES,
            Self::All => true,
            Self::Named(text) => case.name.contains(text.as_str()),
        };
        let chosen = family.cases.iter().enumerate().filter(is_run);
        chosen.map(|(_, case)| case).collect()
    }
}

impl Family {
    /// Reads a file of cases.
    ///
    /// # Panics
    /// Where it is not of that form, or two cases have one name.
    pub fn read(name: &str) -> Self {
        let path = folder().join(format!("{name}.yml"));
        let text = fs::read_to_string(&path).unwrap();
        let mut family: Self =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}.yml: {error}"));
        name.clone_into(&mut family.name);
        let mut folders = BTreeSet::new();
        for case in &family.cases {
            assert!(
                folders.insert(case.folder_name()),
                "{name}.yml: {:?} is there twice",
                case.name
            );
            assert!(!case.steps.is_empty(), "{name}.yml: {:?} does nothing", case.name);
        }
        family
    }
}

impl Case {
    /// Names of the modules that its steps call.
    pub fn modules(&self) -> Vec<String> {
        let names = self.steps.iter().flat_map(Map::keys);
        names.filter(|name| !KEYWORDS.contains(&name.as_str())).cloned().collect()
    }

    /// Name of its folder below that of the cases.
    pub fn folder_name(&self) -> String {
        let letters =
            self.name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' });
        letters.collect()
    }
}

/// The folder with the files of cases.
pub fn folder() -> PathBuf {
    workspace().join("tests/module_oracle")
}
