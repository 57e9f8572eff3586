//! The `ansible.module_utils` that Trueup brings for modules of users: written for it, in the folder
//! `python`, from the documented interface and from how it is observed to behave.

use std::sync::OnceLock;

use run::custom_module::Packed;

/// Texts by path, put into the program.
macro_rules! texts {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("python/", $path)))),*] };
}

const FILES: &[(&str, &str)] = texts![
    "ansible/__init__.py",
    "ansible/module_utils/__init__.py",
    "ansible/module_utils/_text.py",
    "ansible/module_utils/_trueup/__init__.py",
    "ansible/module_utils/_trueup/arguments.py",
    "ansible/module_utils/_trueup/attributes.py",
    "ansible/module_utils/_trueup/connections.py",
    "ansible/module_utils/_trueup/journal.py",
    "ansible/module_utils/_trueup/labels.py",
    "ansible/module_utils/_trueup/masking.py",
    "ansible/module_utils/_trueup/modes.py",
    "ansible/module_utils/_trueup/multipart.py",
    "ansible/module_utils/_trueup/outcome.py",
    "ansible/module_utils/_trueup/placement.py",
    "ansible/module_utils/_trueup/programs.py",
    "ansible/module_utils/ansible_release.py",
    "ansible/module_utils/api.py",
    "ansible/module_utils/basic.py",
    "ansible/module_utils/common/__init__.py",
    "ansible/module_utils/common/_collections_compat.py",
    "ansible/module_utils/common/_utils.py",
    "ansible/module_utils/common/arg_spec.py",
    "ansible/module_utils/common/collections.py",
    "ansible/module_utils/common/dict_transformations.py",
    "ansible/module_utils/common/file.py",
    "ansible/module_utils/common/json.py",
    "ansible/module_utils/common/locale.py",
    "ansible/module_utils/common/network.py",
    "ansible/module_utils/common/parameters.py",
    "ansible/module_utils/common/process.py",
    "ansible/module_utils/common/respawn.py",
    "ansible/module_utils/common/sys_info.py",
    "ansible/module_utils/common/text/__init__.py",
    "ansible/module_utils/common/text/converters.py",
    "ansible/module_utils/common/text/formatters.py",
    "ansible/module_utils/common/validation.py",
    "ansible/module_utils/common/warnings.py",
    "ansible/module_utils/common/yaml.py",
    "ansible/module_utils/compat/__init__.py",
    "ansible/module_utils/compat/datetime.py",
    "ansible/module_utils/compat/importlib.py",
    "ansible/module_utils/compat/paramiko.py",
    "ansible/module_utils/compat/selectors.py",
    "ansible/module_utils/compat/selinux.py",
    "ansible/module_utils/compat/typing.py",
    "ansible/module_utils/compat/version.py",
    "ansible/module_utils/distro/__init__.py",
    "ansible/module_utils/distro/release_files.py",
    "ansible/module_utils/errors.py",
    "ansible/module_utils/facts/__init__.py",
    "ansible/module_utils/facts/sysctl.py",
    "ansible/module_utils/facts/system/__init__.py",
    "ansible/module_utils/facts/system/chroot.py",
    "ansible/module_utils/facts/utils.py",
    "ansible/module_utils/json_utils.py",
    "ansible/module_utils/parsing/__init__.py",
    "ansible/module_utils/parsing/convert_bool.py",
    "ansible/module_utils/pycompat24.py",
    "ansible/module_utils/service.py",
    "ansible/module_utils/six/__init__.py",
    "ansible/module_utils/splitter.py",
    "ansible/module_utils/urls.py",
    "ansible/release.py",
];

/// The text of a file of the library, by its path.
pub fn text(path: &str) -> Option<&'static str> {
    let at = FILES.binary_search_by_key(&path, |(known, _)| known).ok()?;
    FILES.get(at).map(|(_, text)| *text)
}

/// The whole library, as it travels to hosts.
pub fn packed() -> Packed {
    static PACKED: OnceLock<Packed> = OnceLock::new();
    let pack = || {
        let files = FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Packed::new(&files.collect())
    };
    PACKED.get_or_init(pack).clone()
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        path::{Path, PathBuf},
        process::Command,
    };

    use super::*;

    /// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
    const ORACLE: &str = "TRUEUP_TEST_ORACLE";

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let below = folders.iter().flat_map(|folder| files_below(folder));
        files.into_iter().chain(below).collect()
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_library() {
        let mut there: Vec<String> = files_below(&folder().join("ansible"))
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "py"))
            .map(|path| path.strip_prefix(folder()).unwrap().display().to_string())
            .collect();
        there.sort();
        let listed: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, there, "sorted, as they are searched");
        assert!(text("ansible/module_utils/basic.py").unwrap().contains("class AnsibleModule"));
        assert!(text("ansible/module_utils/connection.py").is_none());
    }

    #[test]
    fn every_package_says_that_it_is_one() {
        for (path, _) in FILES {
            let parents = Path::new(path).ancestors().skip(1);
            for parent in parents.filter(|parent| *parent != Path::new("")) {
                let init = parent.join("__init__.py");
                assert!(text(init.to_str().unwrap()).is_some(), "{} is missing", init.display());
            }
        }
    }

    fn check(python: &Path, words: &[&str]) {
        let output = Command::new(python)
            .arg(folder().join("tests/check.py"))
            .args(words)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        print!("{said}");
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn the_library_does_what_ansible_core_was_seen_to_do() {
        if Command::new("python3").arg("--version").output().is_err() {
            println!("SKIPPED: there is no python3 to run the library in");
            return;
        }
        check(Path::new("python3"), &[]);
    }

    /// What is expected was recorded by `check.py --installed --write`, and is compared here.
    #[test]
    fn what_ansible_core_was_seen_to_do_it_does() {
        let Some(oracle) = env::var_os(ORACLE).filter(|folder| !folder.is_empty()) else {
            println!("SKIPPED: ansible-core is compared with where {ORACLE} names its folder");
            return;
        };
        check(&PathBuf::from(oracle).join("python"), &["--installed"]);
    }
}
