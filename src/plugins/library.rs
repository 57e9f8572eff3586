//! The texts of the other side: what runs plugins, and what they import where it is not installed.

/// Texts by path, put into the program.
macro_rules! texts {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("python/", $path)))),*] };
}

const FILES: &[(&str, &str)] = texts![
    "_trueup/__init__.py",
    "_trueup/action_methods.py",
    "_trueup/actions.py",
    "_trueup/caches.py",
    "_trueup/callbacks.py",
    "_trueup/connections.py",
    "_trueup/files.py",
    "_trueup/fragments.py",
    "_trueup/inventories.py",
    "_trueup/jinja.py",
    "_trueup/lookups.py",
    "_trueup/options.py",
    "_trueup/places.py",
    "_trueup/screen.py",
    "_trueup/settings.py",
    "_trueup/templar.py",
    "_trueup/told.py",
    "_trueup/variables.py",
    "_trueup/wire.py",
    "_trueup/work.py",
    "ansible/constants.py",
    "ansible/context.py",
    "ansible/errors/__init__.py",
    "ansible/executor/__init__.py",
    "ansible/executor/stats.py",
    "ansible/executor/task_result.py",
    "ansible/inventory/__init__.py",
    "ansible/inventory/data.py",
    "ansible/inventory/group.py",
    "ansible/inventory/host.py",
    "ansible/parsing/__init__.py",
    "ansible/parsing/ajson.py",
    "ansible/parsing/dataloader.py",
    "ansible/parsing/splitter.py",
    "ansible/parsing/utils/__init__.py",
    "ansible/parsing/utils/addresses.py",
    "ansible/parsing/vault/__init__.py",
    "ansible/parsing/yaml/__init__.py",
    "ansible/parsing/yaml/dumper.py",
    "ansible/parsing/yaml/loader.py",
    "ansible/parsing/yaml/objects.py",
    "ansible/playbook/__init__.py",
    "ansible/playbook/play.py",
    "ansible/playbook/role_include.py",
    "ansible/playbook/task.py",
    "ansible/playbook/task_include.py",
    "ansible/plugins/__init__.py",
    "ansible/plugins/action/__init__.py",
    "ansible/plugins/cache/__init__.py",
    "ansible/plugins/callback/__init__.py",
    "ansible/plugins/callback/default.py",
    "ansible/plugins/callback/minimal.py",
    "ansible/plugins/connection/__init__.py",
    "ansible/plugins/connection/local.py",
    "ansible/plugins/connection/ssh.py",
    "ansible/plugins/filter/__init__.py",
    "ansible/plugins/filter/core.py",
    "ansible/plugins/filter/encryption.py",
    "ansible/plugins/filter/mathstuff.py",
    "ansible/plugins/filter/urls.py",
    "ansible/plugins/filter/urlsplit.py",
    "ansible/plugins/inventory/__init__.py",
    "ansible/plugins/loader.py",
    "ansible/plugins/lookup/__init__.py",
    "ansible/plugins/test/__init__.py",
    "ansible/plugins/vars/__init__.py",
    "ansible/template/__init__.py",
    "ansible/utils/__init__.py",
    "ansible/utils/collection_loader/__init__.py",
    "ansible/utils/color.py",
    "ansible/utils/display.py",
    "ansible/utils/encrypt.py",
    "ansible/utils/fqcn.py",
    "ansible/utils/hashing.py",
    "ansible/utils/helpers.py",
    "ansible/utils/listify.py",
    "ansible/utils/path.py",
    "ansible/utils/unsafe_proxy.py",
    "ansible/utils/vars.py",
    "ansible/utils/version.py",
    "ansible/vars/__init__.py",
    "ansible/vars/clean.py",
    "jinja2/__init__.py",
    "jinja2/exceptions.py",
    "jinja2/filters.py",
    "jinja2/runtime.py",
    "jinja2/tests.py",
    "jinja2/utils.py",
];

/// The text of a file, by its path.
pub fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let below = folders.iter().flat_map(|folder| files_below(folder));
        files.into_iter().chain(below).collect()
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_library() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut there: Vec<String> = files_below(&folder)
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "py"))
            .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
            .filter(|path| path != "boot.py")
            .collect();
        there.sort();
        let listed: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, there);
        assert!(text("ansible/errors/__init__.py").unwrap().contains("class AnsibleError"));
        assert!(text("ansible/nothing.py").is_none());
    }
}
