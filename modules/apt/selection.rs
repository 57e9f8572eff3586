//! Which of the packages of a task apt has to be told of.

use std::collections::BTreeMap;

use module::{Failure, Host, glob::is_match};

use super::{
    State,
    index::{Policy, query_names, query_policies},
    installed::Installed,
    version::compare,
    wanted::{Wanted, WantedVersion},
};

/// What is asked of packages.
pub struct Selection<'a> {
    pub state: State,
    pub only_upgrade: bool,
    pub purge: bool,
    pub default_release: Option<&'a str>,
}

impl Selection<'_> {
    /// Works out what stands on apt's command line; nothing where all is as it should be.
    ///
    /// # Errors
    /// Names and versions that there are not.
    pub fn select(
        &self,
        host: &dyn Host,
        installed: &Installed,
        wanted: &[Wanted],
    ) -> Result<Vec<String>, Failure> {
        match self.state {
            State::Absent => Ok(self.select_removed(installed, wanted)),
            // What is needed to build a package, dpkg does not know.
            State::BuildDep => Ok(wanted.iter().map(|one| one.text.clone()).collect()),
            State::Latest | State::Present | State::Fixed => {
                self.select_installed(host, installed, wanted)
            }
        }
    }

    fn select_removed(&self, installed: &Installed, wanted: &[Wanted]) -> Vec<String> {
        let mut names = Vec::new();
        for one in wanted {
            for package in installed.find(one) {
                let is_there = package.is_installed || self.purge;
                let name = match &one.architecture {
                    Some(architecture) => format!("{}:{architecture}", package.name),
                    None => package.name.clone(),
                };
                if is_there && one.accepts(&package.version) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    fn select_installed(
        &self,
        host: &dyn Host,
        installed: &Installed,
        wanted: &[Wanted],
    ) -> Result<Vec<String>, Failure> {
        let wanted = expand(host, wanted)?;
        // Only what dpkg alone cannot answer is asked of apt, and all of it at once.
        let asked: Vec<&Wanted> =
            wanted.iter().filter(|one| !self.is_settled(installed, one)).collect();
        let names: Vec<String> = asked.iter().map(|one| one.full_name()).collect();
        let policies = query_policies(host, &names, self.default_release)?;
        let mut selected: Vec<String> = Vec::new();
        for one in asked {
            let chosen = self.choose(installed, one, &policies)?;
            selected.extend(chosen.filter(|text| !selected.contains(text)));
        }
        Ok(selected)
    }

    /// Whether what is installed will do, whatever apt could install.
    fn is_settled(&self, installed: &Installed, wanted: &Wanted) -> bool {
        match installed.get(wanted) {
            Some(package) => self.state != State::Latest && wanted.accepts(&package.version),
            // What others stand in for may be a package of its own, which apt knows.
            None => false,
        }
    }

    fn choose(
        &self,
        installed: &Installed,
        wanted: &Wanted,
        policies: &BTreeMap<String, Policy>,
    ) -> Result<Option<String>, Failure> {
        // apt leaves out the architecture of the host's own packages.
        let policy = policies.get(&wanted.full_name()).or_else(|| policies.get(&wanted.name));
        let is_real = policy.is_some_and(|policy| policy.candidate.is_some());
        let stands_in = || {
            wanted.version == WantedVersion::Any
                && installed.get(wanted).is_none()
                && installed.is_provided(&wanted.name)
        };
        if !is_real && stands_in() {
            return Ok(None);
        }
        let policy = policy.ok_or_else(|| {
            Failure::new(format!("No package matching '{}' is available", wanted.full_name()))
        })?;
        let package = installed.get(wanted);
        if self.only_upgrade && package.is_none() {
            return Ok(None);
        }
        let none =
            || Failure::new(format!("no available installation candidate for {}", wanted.text));
        match &wanted.version {
            WantedVersion::Any => match (&policy.candidate, package) {
                (Some(candidate), Some(package))
                    if compare(candidate, &package.version).is_le() =>
                {
                    Ok(None)
                }
                // apt says best what a name without a candidate is about.
                _ => Ok(Some(wanted.full_name())),
            },
            WantedVersion::AtLeast(_) => match &policy.candidate {
                Some(candidate) if wanted.accepts(candidate) => {
                    let is_newer =
                        package.is_none_or(|package| compare(candidate, &package.version).is_gt());
                    Ok(is_newer.then(|| wanted.full_name()))
                }
                _ => Err(none()),
            },
            WantedVersion::Fits(_) => {
                let best = policy
                    .versions
                    .iter()
                    .filter(|version| wanted.accepts(version))
                    .max_by(|left, right| compare(left, right))
                    .ok_or_else(none)?;
                let is_there = package.is_some_and(|package| package.version == *best);
                Ok((!is_there).then(|| format!("{}={best}", wanted.full_name())))
            }
        }
    }
}

/// Puts all names that apt knows and that fit a pattern in its place.
fn expand(host: &dyn Host, wanted: &[Wanted]) -> Result<Vec<Wanted>, Failure> {
    if !wanted.iter().any(Wanted::is_pattern) {
        return Ok(wanted.to_vec());
    }
    let names = query_names(host)?;
    let mut expanded = Vec::new();
    for one in wanted {
        if !one.is_pattern() {
            expanded.push(one.clone());
            continue;
        }
        let before = expanded.len();
        let fitting = names.iter().filter(|name| is_match(&one.name, name));
        expanded.extend(fitting.map(|name| Wanted { name: name.clone(), ..one.clone() }));
        if expanded.len() == before {
            return Err(Failure::new(format!("No package(s) matching '{}' available", one.name)));
        }
    }
    Ok(expanded)
}
