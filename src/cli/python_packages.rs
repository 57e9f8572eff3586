//! Where the packages of Python are that may hold collections, found without starting Python.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::settings::Settings;

/// Programs whose installation may have collections beside it: the interpreter that plugins run
/// in, and Ansible's own.
const PROGRAMS: &[&str] = &["python3", "ansible-playbook"];

/// The folders of packages that hold `ansible_collections`: of the interpreter that plugins run in,
/// of an Ansible that is on the path (in a virtual environment, or put there by pipx), and the
/// user's own. Those that count first stand before others.
pub fn with_collections(settings: &Settings) -> Vec<PathBuf> {
    let path = settings.environment.get("PATH").map(String::as_str).unwrap_or_default();
    let named = settings.environment.get(crate::python_plugins::PROGRAM).map(PathBuf::from);
    let on_path = PROGRAMS.iter().filter_map(|program| {
        path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| file.is_file())
    });
    let mut roots = Vec::new();
    for program in named.into_iter().chain(on_path) {
        // A link in a virtual environment is of that environment, a link to one is too.
        let real = fs::canonicalize(&program).ok();
        for program in [Some(program), real].into_iter().flatten() {
            roots.extend(program.parent().and_then(Path::parent).map(Path::to_owned));
        }
    }
    roots.push(settings.home.join(".local"));
    let mut found = Vec::new();
    for folder in roots.iter().flat_map(|root| packages_of(root)) {
        if folder.join("ansible_collections").is_dir() && !found.contains(&folder) {
            found.push(folder);
        }
    }
    found
}

/// The folders of packages below an installation's root: `lib/python3.11/site-packages`, and
/// Debian's own.
fn packages_of(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for lib in [root.join("lib"), root.join("lib64"), root.join("local/lib")] {
        let entries = fs::read_dir(&lib).into_iter().flatten().filter_map(Result::ok);
        let mut versions: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(|n| n.starts_with("python3"))
            })
            .collect();
        // The newest first.
        versions.sort();
        versions.reverse();
        for version in versions {
            folders.push(version.join("site-packages"));
            folders.push(version.join("dist-packages"));
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn collections_of_packages_are_found_beside_programs() {
        let folder = std::env::temp_dir().join(format!("trueup-packages-{}", std::process::id()));
        let venv = folder.join("venv");
        let packages = venv.join("lib/python3.11/site-packages");
        fs::create_dir_all(packages.join("ansible_collections")).unwrap();
        fs::create_dir_all(venv.join("bin")).unwrap();
        fs::write(venv.join("bin/ansible-playbook"), "").unwrap();
        let home = folder.join("home/.local");
        fs::create_dir_all(home.join("bin")).unwrap();
        symlink(venv.join("bin/ansible-playbook"), home.join("bin/ansible-playbook")).unwrap();
        let users = home.join("lib/python3.9/site-packages");
        fs::create_dir_all(users.join("ansible_collections")).unwrap();
        let found = |path: PathBuf| {
            let environment = BTreeMap::from([
                ("PATH".to_owned(), path.display().to_string()),
                ("HOME".to_owned(), folder.join("home").display().to_string()),
            ]);
            with_collections(&Settings::read(environment, folder.clone()).unwrap())
        };
        let of_venv = fs::canonicalize(&packages).unwrap();
        assert_eq!(found(venv.join("bin")), [packages.clone(), users.clone()]);
        assert_eq!(found(home.join("bin")), [users.clone(), of_venv]);
        assert_eq!(found(folder.join("nowhere")), [users]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
