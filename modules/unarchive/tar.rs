//! Archives of tar, by GNU tar.

use std::path::Path;

use module::{Failure, Host, Output, Program, host::succeeded};

use super::{Archive, Comparison, Unarchive};

fn program(task: &Unarchive, operation: &str, flag: Option<&str>) -> Program {
    let mut program = Program::new("tar");
    program = program.arg(operation).args(["-C"]).arg(task.dest.display().to_string());
    program = program.args(flag).args(task.extra_opts.iter().cloned());
    program.args(task.exclude.iter().map(|pattern| format!("--exclude={pattern}")))
}

/// Unpacks.
pub fn extract(task: &Unarchive, flag: Option<&str>, archive: &Path) -> Program {
    let mut program = program(task, "--extract", flag);
    if task.keep_newer {
        program = program.arg("--keep-newer-files");
    }
    program
        .arg("-f")
        .arg(archive.display().to_string())
        .arg("--")
        .args(task.include.iter().cloned())
}

/// What is in the archive, and what of it differs.
///
/// # Errors
/// No archive of tar, or no GNU tar.
pub fn compare(
    task: &Unarchive,
    host: &dyn Host,
    flag: Option<&str>,
    archive: &Archive<'_>,
) -> Result<Comparison, Failure> {
    let listing =
        program(task, "--list", flag).args(["--quoting-style=literal", "--show-transformed-names"]);
    let diffing = program(task, "--diff", flag).arg("--quoting-style=literal");
    let output = ask(task, host, listing, archive)?;
    if !output.is_success() {
        let said = output.stderr_text();
        return Err(Failure::new(format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed. {}",
            task.src.display(),
            said.trim()
        )));
    }
    let text = output.stdout_text();
    // Without its outermost folder, that folder itself has no name.
    let names = text.lines().map(str::to_owned).filter(|name| !name.is_empty());
    let files: Vec<String> = names.collect();
    let output = ask(task, host, diffing.clone(), archive)?;
    // 1 says that there are differences.
    if output.status > 1 {
        succeeded(&diffing, output.clone())?;
    }
    let is_root = host.effective_uid() == 0;
    let counts = |line: &str| {
        !(line.ends_with(": Uid differs") && (task.file.owner.is_some() || !is_root)
            || line.ends_with(": Gid differs") && (task.file.group.is_some() || !is_root)
            || line.ends_with(": Mode differs") && task.file.mode.is_some())
    };
    let said = output.stdout_text();
    let mut differences: Vec<String> = said
        .lines()
        .filter(|line| line.contains(" differ") && counts(line))
        .map(str::to_owned)
        .collect();
    let complaints = output.stderr_text();
    for line in complaints.lines().filter(|line| line.contains(": Warning: Cannot ")) {
        let line = line.split_once(": ").map_or(line, |(_, rest)| rest);
        if !line.starts_with(": ") {
            differences.push(line.replace("Warning: ", ""));
        }
    }
    Ok(Comparison { files, differences })
}

/// Options first, then the archive, then `--` and what is meant of it.
fn ask(
    task: &Unarchive,
    host: &dyn Host,
    program: Program,
    archive: &Archive<'_>,
) -> Result<Output, Failure> {
    let program = match archive {
        Archive::File(path) => program.arg("-f").arg(path.display().to_string()),
        Archive::Bytes(bytes) => program.args(["-f", "-"]).stdin(*bytes),
    };
    Ok(host.query(&program.arg("--").args(task.include.iter().cloned()))?)
}
