//! ansible-core's source package, and the two places that targets expect themselves in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The release whose targets are run.
pub const VERSION: &str = "2.18.0";

/// Where most targets expect to lie: a path with letters outside of ASCII, as Ansible's own runner
/// gives them. The others expect a plain one.
pub const UNUSUAL: &str = "ansible-ÅÑŚÌβŁÈ";
pub const PLAIN: &str = "ansible";

/// Folders to be laid over a host's files: the package's tests at either place.
pub struct Trees {
    pub unusual: PathBuf,
    pub plain: PathBuf,
    /// The targets, to be read here.
    pub targets: PathBuf,
}

/// Where the package and what came of targets are kept, outside of the repository.
pub fn folder() -> PathBuf {
    hosts::work_folder().join("conformance")
}

/// The package's tests, fetched where they are not there yet.
///
/// # Errors
/// pip, tar or the file system failed.
pub fn trees() -> Result<Trees, String> {
    let folder = folder();
    let trees = Trees {
        unusual: folder.join("unusual"),
        plain: folder.join("plain"),
        targets: folder.join("unusual/root").join(UNUSUAL).join("test/integration/targets"),
    };
    if trees.plain.is_dir() && trees.targets.is_dir() {
        return Ok(trees);
    }
    let part = folder.join("part");
    // What an earlier try has left is of no use.
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part).map_err(|why| format!("{}: {why}", part.display()))?;
    let package = fetch(&part)?;
    run(Command::new("tar").arg("-xzf").arg(&package).arg("-C").arg(&part))?;
    let unpacked = part.join(format!("ansible_core-{VERSION}"));
    for (tree, name) in [(&trees.unusual, UNUSUAL), (&trees.plain, PLAIN)] {
        let _ = fs::remove_dir_all(tree);
        let new = part.join(format!("tree-{name}"));
        let root = new.join("root").join(name);
        fs::create_dir_all(root.join("lib/ansible/modules"))
            .map_err(|why| format!("{}: {why}", root.display()))?;
        run(Command::new("cp").arg("-a").arg(unpacked.join("test")).arg(&root))?;
        // One target reads the text of a module.
        run(Command::new("cp")
            .arg(unpacked.join("lib/ansible/modules/ping.py"))
            .arg(root.join("lib/ansible/modules")))?;
        run(Command::new("chmod").arg("700").arg(new.join("root")))?;
        fs::rename(&new, tree).map_err(|why| format!("{}: {why}", tree.display()))?;
    }
    let _ = fs::remove_dir_all(&part);
    Ok(trees)
}

/// Fetches the source package with a pip of its own.
fn fetch(folder: &Path) -> Result<PathBuf, String> {
    let venv = folder.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let pip = venv.join("bin/pip");
    run(Command::new(&pip).args(["install", "--quiet", "setuptools<80", "wheel"]))?;
    run(Command::new(&pip)
        .args(["download", "--quiet", "--no-deps", "--no-build-isolation", "--no-binary", ":all:"])
        .arg(format!("ansible-core=={VERSION}"))
        .arg("--dest")
        .arg(folder))?;
    Ok(folder.join(format!("ansible_core-{VERSION}.tar.gz")))
}

/// Runs a program to its end.
///
/// # Errors
/// It cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|why| format!("{command:?}: {why}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}: {}", output.status, said.trim()))
}
