//! `trueup demo` does what it says, with no host at hand.

use trueup_tests::{
    program::Scratch,
    recap::{Counts, recap},
};

/// The changes that a run's recap counts for each host, of the part of the demo under a heading.
fn changes(stdout: &str, heading: &str) -> Vec<u64> {
    let start = stdout.find(heading).unwrap_or_else(|| panic!("no part {heading}:\n{stdout}"));
    let part = stdout[start..].split("\n==> ").next().unwrap();
    let hosts: Vec<Counts> = recap(part).into_values().collect();
    for host in &hosts {
        assert_eq!((host.get("failed"), host.get("unreachable")), (0, 0), "{part}");
    }
    hosts.iter().map(|host| host.get("changed")).collect()
}

#[test]
fn the_demo_converges_finds_drift_and_corrects_it() {
    let scratch = Scratch::new("demo");
    let ran = scratch.trueup(&["demo"]);
    ran.expect_code(0);
    assert!(changes(&ran.stdout, "First run").iter().all(|changed| *changed > 0));
    assert!(changes(&ran.stdout, "Second run").iter().all(|changed| *changed == 0));
    // One host has drifted, and it alone.
    let drifted = changes(&ran.stdout, "A check run finds it");
    assert_eq!(drifted.iter().filter(|changed| **changed > 0).count(), 1, "{drifted:?}");
    let corrected = changes(&ran.stdout, "A run puts it right");
    assert_eq!(corrected.iter().filter(|changed| **changed > 0).count(), 1, "{corrected:?}");
    ran.expect_said(&["-server_name elsewhere", "+server_name web1", "trueup run -i"]);
}

#[test]
fn the_demo_has_a_number_of_hosts_that_is_its_own() {
    let scratch = Scratch::new("demo-hosts");
    for number in ["0", "51"] {
        scratch
            .trueup(&["demo", "--hosts", number])
            .expect_code(5)
            .expect_said(&["the demo has 1 to 50 hosts"]);
    }
}
