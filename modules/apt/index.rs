//! What could be installed, as apt's index of its sources knows it.

use std::{
    collections::BTreeMap,
    path::Path,
    time::Duration,
};

use module::{Failure, Host, HostError, Program, host::succeeded, metadata::since_epoch};

/// Files by whose times apt's index is dated.
const STAMPS: [&str; 2] = ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"];

/// How an update of the index is tried.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    pub count: u32,
    pub delay_max_secs: u32,
}

/// When the index was last updated, in seconds since 1970; 0 for never.
///
/// # Errors
/// What cannot be looked at.
pub fn updated_secs(host: &dyn Host) -> Result<u64, Failure> {
    for path in STAMPS {
        if let Some(found) = host.metadata(Path::new(path))? {
            return Ok(found.modified.as_secs());
        }
    }
    Ok(0)
}

/// Whether the index is older than it may be.
///
/// # Errors
/// What cannot be looked at.
pub fn is_stale(host: &dyn Host, valid_secs: u64) -> Result<bool, Failure> {
    let now = since_epoch(host.now()).as_secs();
    Ok(updated_secs(host)?.saturating_add(valid_secs) <= now)
}

/// Updates the index, again and again with growing pauses where that fails.
///
/// # Errors
/// The complaint of the last try.
pub fn update(host: &mut dyn Host, retries: Retries, options: &[String]) -> Result<(), Failure> {
    let program = Program::new("apt-get")
        .arg("update")
        .args(options.iter().cloned())
        .variable("DEBIAN_FRONTEND", "noninteractive");
    let mut said = String::new();
    for attempt in 0..=retries.count {
        let output = host.execute(&program)?;
        // Sources that fail are warnings to apt, which goes on with what it has.
        let complaint = output.stderr_text();
        let is_broken = complaint.lines().any(|line| {
            line.starts_with("E:") || line.starts_with("W: Failed to fetch") || line.starts_with("W: Some index files failed")
        });
        if output.is_success() && !is_broken {
            return Ok(());
        }
        said = complaint.trim().to_owned();
        if attempt < retries.count {
            let secs = 2_u64.saturating_pow(attempt).min(retries.delay_max_secs.into());
            host.pause(Duration::from_secs(secs))?;
        }
    }
    let said = if said.is_empty() { "unknown reason".to_owned() } else { said };
    Err(Failure::new(format!("Failed to update apt cache: {said}")))
}

/// What `apt-cache policy` says of a package.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// What apt would install; `None` for a name that only others stand in for.
    pub candidate: Option<String>,
    /// Versions that there are, the best first.
    pub versions: Vec<String>,
}

/// Asks for several packages at once; names that apt does not know are not in the answer.
///
/// # Errors
/// A program that fails.
pub fn query_policies(
    host: &dyn Host,
    names: &[String],
    release: Option<&str>,
) -> Result<BTreeMap<String, Policy>, Failure> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut program = Program::new("apt-cache");
    if let Some(release) = release {
        program = program.args(["-o", &format!("APT::Default-Release={release}")]);
    }
    let program = program.arg("policy").args(names.iter().cloned());
    let output = succeeded(&program, host.query(&program)?)?;
    Ok(parse_policies(&output.stdout_text()))
}

fn parse_policies(text: &str) -> BTreeMap<String, Policy> {
    let mut policies: BTreeMap<String, Policy> = BTreeMap::new();
    let mut name = String::new();
    let mut is_table = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            name = line.trim_end_matches(':').to_owned();
            policies.insert(name.clone(), Policy::default());
            is_table = false;
            continue;
        }
        let Some(policy) = policies.get_mut(&name) else { continue };
        if let Some(candidate) = line.strip_prefix("  Candidate: ") {
            policy.candidate = Some(candidate.to_owned()).filter(|version| version != "(none)");
        } else if line.starts_with("  Version table:") {
            is_table = true;
        } else if is_table && !line.starts_with("        ") {
            // `     1.2-3 500` or ` *** 1.2-3 500`; where from stands deeper.
            let version = line.trim_start_matches([' ', '*']).split_whitespace().next();
            policy.versions.extend(version.map(str::to_owned));
        }
    }
    policies
}

/// All names that apt knows.
///
/// # Errors
/// A program that fails.
pub fn query_names(host: &dyn Host) -> Result<Vec<String>, HostError> {
    let program = Program::new("apt-cache").arg("pkgnames");
    let output = succeeded(&program, host.query(&program)?)?;
    let mut names: Vec<String> = output.stdout_text().lines().map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}


#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    #[test]
    fn policies_are_read() {
        let policies = parse_policies(
            "sl:\n  Installed: (none)\n  Candidate: 5.02-1+b1\n  Version table:\n     5.02-1+b1 500\n\
             \x20       500 http://deb.debian.org/debian bookworm/main amd64 Packages\n\
             awk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n\
             adduser:\n  Installed: 3.134\n  Candidate: 3.135\n  Version table:\n     3.135 500\n\
             \x20       500 http://x bookworm/main amd64 Packages\n *** 3.134 100\n        100 /var/lib/dpkg/status\n",
        );
        assert_eq!(policies.len(), 3);
        assert_eq!(policies["sl"].candidate.as_deref(), Some("5.02-1+b1"));
        assert_eq!(policies["sl"].versions, ["5.02-1+b1"]);
        assert_eq!(policies["awk"], Policy::default());
        assert_eq!(policies["adduser"].versions, ["3.135", "3.134"]);
        assert!(parse_policies("").is_empty());
    }

    #[test]
    fn updates_are_tried_again() {
        let mut host = FakeHost::default();
        host.put("/tries", "");
        host.program("apt-get", |files, _| {
            let tries = files.text("/tries").unwrap() + "x";
            files.put("/tries", tries.clone());
            match tries.len() {
                1 => Output::failure(100, "E: no network\n"),
                2 => Output { stderr: b"W: Failed to fetch http://x\n".to_vec(), ..Output::default() },
                _ => Output::success(""),
            }
        });
        let retries = Retries { count: 5, delay_max_secs: 12 };
        update(&mut host, retries, &[]).unwrap();
        assert_eq!(host.files.text("/tries").as_deref(), Some("xxx"));
        assert_eq!(host.paused.get().as_secs(), 1 + 2);
        host.put("/tries", "");
        let why = update(&mut host, Retries { count: 0, delay_max_secs: 12 }, &[]).unwrap_err();
        assert_eq!(why.msg, "Failed to update apt cache: E: no network");
    }
}
