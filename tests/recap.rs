//! What a run says it did: results of tasks, and the recap.

use std::collections::BTreeMap;

/// The counts of one host in the recap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// One of `ok`, `changed`, `unreachable`, `failed`, `skipped`, `rescued`, `ignored`.
    ///
    /// # Panics
    /// Where the recap has no such count.
    #[track_caller]
    pub fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("there is no {name} in {:?}", self.0))
    }
}

/// The first recap in a text, by host.
///
/// # Panics
/// Where there is none.
#[track_caller]
pub fn recap(stdout: &str) -> BTreeMap<String, Counts> {
    let (_, text) =
        stdout.split_once("PLAY RECAP").unwrap_or_else(|| panic!("no recap:\n{stdout}"));
    let mut hosts = BTreeMap::new();
    for line in text.lines().skip(1).take_while(|line| !line.trim().is_empty()) {
        let Some((host, counts)) = line.split_once(':') else { continue };
        let pairs = counts.split_whitespace().filter_map(|count| count.split_once('='));
        let counts = pairs.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
        hosts.insert(host.trim().to_owned(), Counts(counts.collect()));
    }
    hosts
}

/// What became of each task on a host, in order: the task's heading, and the first words of all
/// lines about that host (`ok`, `changed`, `skipping`, `fatal`, …).
pub fn outcomes(stdout: &str, host: &str) -> Vec<(String, Vec<String>)> {
    let mut outcomes: Vec<(String, Vec<String>)> = Vec::new();
    let mut heading = String::new();
    for line in stdout.lines() {
        if let Some(start) =
            ["TASK [", "RUNNING HANDLER ["].iter().find(|start| line.starts_with(**start))
        {
            let name = line.strip_prefix(*start).unwrap_or_default();
            heading = name.rsplit_once(']').map_or(name, |(name, _)| name).to_owned();
        }
        let Some((word, rest)) = line.split_once(": [") else { continue };
        let is_about = rest.split([']', ' ']).next() == Some(host);
        if !is_about || word.contains(' ') {
            continue;
        }
        match outcomes.last_mut() {
            Some((last, words)) if *last == heading => words.push(word.to_owned()),
            _ => outcomes.push((heading.clone(), vec![word.to_owned()])),
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
TASK [base : a [b]] ****
changed: [one] => (item=x)
ok: [one] => (item=y)
ok: [two]

RUNNING HANDLER [reload] ****
fatal: [one]: FAILED! => {\"msg\": \"no\"}

PLAY RECAP ****
one    : ok=1    changed=1    unreachable=0    failed=1    skipped=0
two    : ok=1    changed=0    unreachable=0    failed=0    skipped=0
";

    #[test]
    fn recaps_and_outcomes_are_read() {
        let recap = recap(OUTPUT);
        assert_eq!(recap.len(), 2);
        assert_eq!((recap["one"].get("failed"), recap["two"].get("changed")), (1, 0));
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let expect: Vec<(String, Vec<String>)> = vec![
            ("base : a [b]".into(), words(&["changed", "ok"])),
            ("reload".into(), words(&["fatal"])),
        ];
        assert_eq!(outcomes(OUTPUT, "one"), expect);
        assert_eq!(outcomes(OUTPUT, "on"), []);
    }
}
