//! `cargo xtask bench`: builds what is measured and what measures, and runs that.

use std::{env, process::Command};

/// Runs the benches; the words are theirs (`--list` shows what there is).
///
/// # Errors
/// Where something does not build, and where a tool did not do its work.
pub fn run(words: &[&str]) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |before: &[&str], after: &[&str]| {
        let mut command = Command::new(&cargo);
        command.args(before).args(after);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("cargo {} ended with {status}", before.join(" "))),
            Err(error) => Err(error.to_string()),
        }
    };
    if !words.contains(&"--program") && !words.contains(&"--list") {
        run(&["build", "--release"], &[])?;
    }
    run(&["run", "--quiet", "--release", "--package", "trueup-bench", "--"], words)
}
