//! What pacman knows.

use std::collections::{BTreeMap, BTreeSet};

use module::{Failure, Host, Program};

use super::Reason;
use crate::tool;

/// Packages that are there and that could be.
pub struct Database {
    /// Versions of installed packages.
    pub installed: BTreeMap<String, String>,
    /// Why they are.
    pub reasons: BTreeMap<String, Reason>,
    /// Packages of repositories.
    pub available: BTreeSet<String>,
    /// Groups and their members.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// Old and new versions of packages that can be upgraded.
    pub upgradable: BTreeMap<String, (String, String)>,
}

impl Database {
    /// Asks for all of it.
    ///
    /// # Errors
    /// A host without pacman.
    pub fn read(program: &dyn Fn(&[&str]) -> Program, host: &dyn Host) -> Result<Self, Failure> {
        let ask = |words: &[&str]| tool::ask(host, &program(words));
        let may_be_none = |words: &[&str]| {
            tool::ask_whether(host, &program(words)).map(Option::unwrap_or_default)
        };
        let pairs = |text: &str| -> Vec<(String, String)> {
            let pair = |line: &str| {
                let (left, right) = line.trim().split_once(char::is_whitespace)?;
                Some((left.to_owned(), right.trim().to_owned()))
            };
            text.lines().filter_map(pair).collect()
        };
        let installed = pairs(&ask(&["--query"])?).into_iter().collect();
        let mut reasons = BTreeMap::new();
        for (word, reason) in [("--explicit", Reason::Explicit), ("--deps", Reason::Dependency)] {
            let found = pairs(&may_be_none(&["--query", word])?);
            reasons.extend(found.into_iter().map(|(name, _)| (name, reason)));
        }
        let list = ask(&["--sync", "--list"])?;
        let names = list.lines().filter_map(|line| line.split_whitespace().nth(1));
        let available = names.map(str::to_owned).collect();
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (group, member) in pairs(&ask(&["--sync", "--groups", "--groups"])?) {
            groups.entry(group).or_default().insert(member);
        }
        let upgradable = may_be_none(&["--query", "--upgrades"])?;
        let upgradable = upgradable
            .lines()
            .filter(|line| !line.contains("[ignored]"))
            .filter_map(|line| {
                let [name, old, "->", new] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                    return None;
                };
                Some((name.to_owned(), (old.to_owned(), new.to_owned())))
            })
            .collect();
        Ok(Self { installed, reasons, available, groups, upgradable })
    }
}
