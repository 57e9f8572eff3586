//! `cargo xtask test`: everything that must hold before a change is taken.
//!
//! Steps run one after another and all of them do, whatever the ones before found. What cannot run
//! on this machine is skipped aloud and counted. The last line is for people and machines:
//! `N passed, N failed, N skipped`.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use hosts::{
    install_requirements, machine::is_accelerated, machine_requirements, requirements, work_folder,
};

/// How much is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    All,
    /// What needs no hosts.
    Quick,
}

/// Test targets of the workspace's `tests` that need booted hosts; each test in them says at its
/// start by `TRUEUP_TEST_HOSTS` whether it may boot any.
const HOSTS_VARIABLE: &str = "TRUEUP_TEST_HOSTS";

/// Says that they may boot virtual machines as well: where the processor runs those, they answer in
/// seconds, and where qemu plays the processor, in minutes, which nobody waits for unasked.
const MACHINES_VARIABLE: &str = "TRUEUP_TEST_MACHINES";

/// Where tests find ansible-core to compare with.
const ORACLE_VARIABLE: &str = "TRUEUP_TEST_ORACLE";

/// The version of ansible-core that behaviour is compared with, and what hashes passwords for it.
const ORACLE: [&str; 2] = ["ansible-core==2.18.*", "passlib"];

/// How many of ansible-core's own targets are run each time.
const SAMPLE: &str = "12";

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: Vec<String>,
    broken: Vec<String>,
}

pub fn run(scope: Scope) -> ExitCode {
    let mut tally = Tally::default();
    let all = ["--workspace", "--all-targets"];
    tally.step("formatting", cargo(&["fmt", "--all", "--check"]));
    let clippy = [&["clippy", "--quiet"], all.as_slice(), &["--", "-D", "warnings"]].concat();
    tally.step("clippy", cargo(&clippy));
    let (hosts, oracle) = match scope {
        Scope::All => (tally.hosts(), tally.oracle()),
        Scope::Quick => {
            tally.skip("real hosts: --quick was given");
            tally.skip("the oracle: --quick was given");
            (false, None)
        }
    };
    match scope {
        Scope::All => {
            let folder = workspace().join("target/remotes").display().to_string();
            tally.step("the remote's size", cargo(&["xtask", "remotes", &folder]));
        }
        Scope::Quick => tally.skip("the remote's size: --quick was given"),
    }
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.env(HOSTS_VARIABLE, if hosts { "1" } else { "" });
    // Who asks for machines by the variable has them in any case.
    if hosts && is_accelerated() && machine_requirements().is_empty() {
        tests.env(MACHINES_VARIABLE, "1");
    }
    match &oracle {
        Some(folder) => tests.env(ORACLE_VARIABLE, folder),
        None => tests.env_remove(ORACLE_VARIABLE),
    };
    tally.tests(tests);
    if hosts {
        tally.conformance();
    }
    tally.close()
}

fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(workspace());
    // What cargo told this program of its own package would have crates that look at it built anew.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    command
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

impl Tally {
    /// Runs a step that passes or fails as one.
    fn step(&mut self, name: &str, mut command: Command) {
        let start = Instant::now();
        eprintln!("== {name}");
        let passed = command.status().is_ok_and(|status| status.success());
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.broken.push(name.to_owned());
        }
        let end = if passed { "passed" } else { "FAILED" };
        eprintln!("== {name} {end} after {} s", start.elapsed().as_secs());
    }

    /// Runs tests and counts what they say of themselves. A test that cannot run here prints a line
    /// that starts with `SKIPPED: `.
    fn tests(&mut self, mut command: Command) {
        let start = Instant::now();
        eprintln!("== tests");
        // Skips are printed by tests that pass, whose output is otherwise swallowed.
        command.args(["--", "--show-output"]).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            self.failed += 1;
            self.broken.push("tests: cargo cannot be started".to_owned());
            return;
        };
        let mut target = String::new();
        let output = child.stdout.take();
        for line in output.into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let Ok(line) = line else { break };
            if let Some(counts) = line.strip_prefix("test result: ") {
                self.passed += count(counts, "passed");
                self.failed += count(counts, "failed");
                let ignored = count(counts, "ignored");
                if ignored > 0 {
                    self.skipped.push(format!("{ignored} ignored tests"));
                }
            } else if let Some(why) = line.strip_prefix("SKIPPED: ") {
                self.skipped.push(why.to_owned());
                // It passed only by name.
                self.passed = self.passed.saturating_sub(1);
            } else if let Some(test) =
                line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"))
            {
                test.clone_into(&mut target);
                self.broken.push(target.clone());
            }
            println!("{line}");
        }
        let passed = child.wait().is_ok_and(|status| status.success());
        if !passed && self.failed == 0 {
            // They did not even build.
            self.failed += 1;
            self.broken.push("building the tests".to_owned());
        }
        eprintln!("== tests done after {} s", start.elapsed().as_secs());
    }

    /// Some of ansible-core's own targets; where none can be run at all, that is a skip.
    fn conformance(&mut self) {
        const CANNOT_RUN: i32 = 2;
        let name = "a sample of ansible-core's targets";
        let start = Instant::now();
        eprintln!("== {name}");
        let mut command = cargo(&["run", "--quiet", "--package", "trueup-conformance", "--"]);
        command.args(["--expect", "--sample", SAMPLE]);
        match command.status().ok().and_then(|status| status.code()) {
            Some(0) => self.passed += 1,
            Some(CANNOT_RUN) => self.skip(name),
            _ => {
                self.failed += 1;
                self.broken.push(name.to_owned());
            }
        }
        eprintln!("== {name} done after {} s", start.elapsed().as_secs());
    }

    fn skip(&mut self, why: &str) {
        eprintln!("SKIPPED: {why}");
        self.skipped.push(why.to_owned());
    }

    /// Whether hosts can be booted; installs what is missing where that is possible.
    fn hosts(&mut self) -> bool {
        if requirements().iter().any(|missing| missing.contains("package"))
            && let Err(error) = install_requirements()
        {
            eprintln!("{error}");
        }
        let missing = requirements();
        if missing.is_empty() {
            return true;
        }
        self.skip(&format!("real hosts: {}", missing.join("; ")));
        false
    }

    /// The folder with ansible-core's programs; installs them where that is possible.
    fn oracle(&mut self) -> Option<PathBuf> {
        let folder = work_folder().join("oracle");
        let programs = folder.join("bin");
        let mut python = Command::new(programs.join("python"));
        let python = python.args(["-c", "import ansible, passlib"]).stderr(Stdio::null());
        if python.status().is_ok_and(|status| status.success()) {
            return Some(programs);
        }
        let venv = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        let pip = || {
            let mut pip = Command::new(programs.join("pip"));
            pip.args(["install", "--quiet"]).args(ORACLE).status()
        };
        let is_made =
            venv.is_ok_and(|status| status.success()) && pip().is_ok_and(|status| status.success());
        if is_made {
            return Some(programs);
        }
        self.skip(
            "the oracle: ansible-core cannot be installed (python3-venv and PyPI are needed)",
        );
        None
    }

    fn close(self) -> ExitCode {
        if !self.broken.is_empty() {
            eprintln!("\nFAILED:");
            self.broken.iter().for_each(|name| eprintln!("  {name}"));
        }
        if !self.skipped.is_empty() {
            eprintln!("\nSKIPPED, and so not known to work here:");
            self.skipped.iter().for_each(|why| eprintln!("  {why}"));
        }
        let (passed, failed) = (self.passed, self.failed);
        println!("\n{passed} passed, {failed} failed, {} skipped", self.skipped.len());
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The number before a word in `ok. 12 passed; 0 failed; …`.
fn count(text: &str, word: &str) -> u64 {
    let parts = text.split([';', '.']).map(str::trim);
    parts.filter_map(|part| part.strip_suffix(word)?.trim().parse().ok()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted() {
        let line = "FAILED. 28 passed; 4 failed; 1 ignored; 0 measured; 0 filtered out; finished \
                    in 27.20s";
        for (word, expect) in [("passed", 28), ("failed", 4), ("ignored", 1), ("skipped", 0)] {
            assert_eq!(count(line, word), expect, "{word}");
        }
        assert_eq!(count("ok. 7 passed; 0 failed", "passed"), 7);
    }
}
