//! New roles and collections: what stands in their folders at first.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{fetch, requirements::is_full_name};
use crate::Failed;

/// Makes a role.
///
/// # Errors
/// It is there, or its name is none.
pub fn role(name: &str, beside: &Path, overwrites: bool) -> Result<(), Failed> {
    let short = name.rsplit('/').next().unwrap_or(name);
    let is_name = short
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.'));
    if short.is_empty() || !is_name {
        return Err(Failed::general(format!("'{short}' cannot be the name of a role")));
    }
    let folder = beside.join(name);
    begin("role", name, &folder, overwrites)?;
    let list = |kind: &str| format!("---\n# {kind} of {short}\n");
    let meta = "---\ngalaxy_info:\n  author: your name\n  description: what the role does\n  \
                license: MIT\n  min_ansible_version: \"2.1\"\n  galaxy_tags: []\n\ndependencies: []\n";
    let readme = format!(
        "# {short}\n\nWhat the role does.\n\n## Variables\n\nThose that can be set, and their defaults.\n\n\
         ## Example\n\n    - hosts: servers\n      roles:\n        - {short}\n"
    );
    let test = format!("---\n- hosts: localhost\n  roles:\n    - {short}\n");
    let files = [
        ("README.md", readme),
        ("defaults/main.yml", list("defaults")),
        ("handlers/main.yml", list("handlers")),
        ("meta/main.yml", meta.to_owned()),
        ("tasks/main.yml", list("tasks")),
        ("tests/inventory", "localhost\n".to_owned()),
        ("tests/test.yml", test),
        ("vars/main.yml", list("vars")),
    ];
    write(&folder, &["files", "templates"], &files)?;
    println!("- Role {name} was created successfully");
    Ok(())
}

/// Makes a collection.
///
/// # Errors
/// It is there, or its name is none.
pub fn collection(name: &str, beside: &Path, overwrites: bool) -> Result<(), Failed> {
    if !is_full_name(name) {
        return Err(Failed::general(format!(
            "Invalid collection name '{name}', name must be in the format <namespace>.<collection>. Please make sure namespace and collection name contains characters from [a-zA-Z0-9_] only."
        )));
    }
    let (namespace, short) = name.split_once('.').unwrap_or_default();
    let folder = beside.join(namespace).join(short);
    begin("collection", name, &folder, overwrites)?;
    let galaxy = format!(
        "namespace: {namespace}\nname: {short}\nversion: 1.0.0\nreadme: README.md\nauthors:\n  \
         - your name <you@example.org>\ndescription: what the collection is for\nlicense:\n  \
         - MIT\ntags: []\ndependencies: {{}}\nrepository: https://example.org/repository\nbuild_ignore: []\n"
    );
    let files = [
        ("README.md", format!("# {name}\n\nWhat the collection is for.\n")),
        ("galaxy.yml", galaxy),
        ("meta/runtime.yml", "---\nrequires_ansible: \">=2.15\"\n".to_owned()),
    ];
    write(&folder, &["docs", "plugins", "roles"], &files)?;
    println!("- Collection {name} was created successfully");
    Ok(())
}

fn begin(kind: &str, name: &str, folder: &Path, overwrites: bool) -> Result<(), Failed> {
    let is_used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if (folder.is_file() || is_used) && !overwrites {
        return Err(Failed::general(format!(
            "- the directory {} already exists. You can use --force to re-initialize this directory, however it will reset any main.yml files that may have been modified there already. The {kind} {name} was not created.",
            folder.display()
        )));
    }
    Ok(())
}

fn write(folder: &Path, empty: &[&str], files: &[(&str, String)]) -> Result<(), Failed> {
    for name in empty {
        let path = folder.join(name);
        fs::create_dir_all(&path).map_err(|error| fetch::at(&path, &error))?;
    }
    for (name, text) in files {
        let path: PathBuf = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| fetch::at(parent, &error))?;
        fs::write(&path, text).map_err(|error| fetch::at(&path, &error))?;
    }
    Ok(())
}
