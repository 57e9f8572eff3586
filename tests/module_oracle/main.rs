//! Each module beside ansible-core's own: the same tasks by both programs on twin hosts, in check
//! mode, for good and once more. What they return, what they leave in a folder of the case and what
//! else a family watches is compared; where the two differ on purpose, a case says why.
//!
//! A family of modules is one file of this folder ([`case`] says its form), run in one play a program
//! and phase. By default the first cases of each family are run; `TRUEUP_MODULE_CASES=all` runs them
//! all, and any other value those with that text in their names.

mod case;
mod difference;
mod page;
mod recorded;
mod twins;

use case::{Family, Hosts, Selection};
use twins::{Twins, twins};

/// Runs the cases of a family by both programs and holds that nothing differs but what they say.
fn compare(name: &str) {
    let family = Family::read(name);
    if family.hosts == Hosts::Machines && !hosts::machines_available(name) {
        return;
    }
    let Some(oracle) = twins::oracle(name) else { return };
    let selection = Selection::from_environment();
    let cases = selection.of(&family);
    if cases.is_empty() {
        println!("SKIPPED: {name}: no case has {selection:?} in its name");
        return;
    }
    let oracle = if family.needs_collections {
        let Some(folder) = twins::oracle_with_collections(name) else { return };
        folder
    } else {
        oracle
    };
    let twins: &Twins = &twins(family.hosts);
    let (theirs, ours) = twins.run(&family, &cases, &oracle);
    let found = difference::between(&theirs, &ours);
    let judged = difference::judge(&family, &cases, found);
    assert!(
        judged.is_empty(),
        "{name}: {} of {} cases differ:\n{}",
        judged.len(),
        cases.len(),
        judged.join("\n")
    );
}

macro_rules! families {
    ($($family:ident),* $(,)?) => {
        /// The families, each a file of this folder.
        const FAMILIES: &[&str] = &[$(stringify!($family)),*];

        $(#[test]
        fn $family() {
            compare(stringify!($family));
        })*
    };
}

families!(
    files,
    text,
    accounts,
    network,
    packages,
    services,
    facts,
    collections,
    certificates,
    databases,
    storage,
    disks,
    firewall,
    kernel,
    machine,
    selinux,
    rpm,
    suse,
    arch,
    flatpaks,
);

#[test]
fn each_file_of_cases_is_run() {
    let mut there: Vec<String> = std::fs::read_dir(case::folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".yml").map(str::to_owned)
        })
        .collect();
    there.sort();
    let mut run = FAMILIES.to_vec();
    run.sort_unstable();
    assert_eq!(there, run);
}

#[test]
fn the_page_of_differences_is_fresh() {
    page::hold(FAMILIES);
}
