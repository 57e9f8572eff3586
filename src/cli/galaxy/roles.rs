//! Roles: installing, listing and removing them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use source::{Diagnostics, Node, SourceFile};

use super::{
    archive::Entry,
    fetch::{self, Scratch},
    requirements::{Origin, Wanted, role_of_text},
    servers::Server,
    version,
};
use crate::{Failed, settings::Settings};

/// What is noted of a role when it is installed.
const NOTE: &str = "meta/.galaxy_install_info";

/// How roles are installed.
pub struct Installation<'a> {
    pub settings: &'a Settings,
    /// Galaxy servers; the first that knows of roles counts.
    pub servers: Vec<Server>,
    /// The folder that they come into.
    pub folder: PathBuf,
    pub overwrites: bool,
    pub overwrites_dependencies: bool,
    pub takes_dependencies: bool,
    pub ignores_errors: bool,
    pub keeps_git: bool,
}

impl Installation<'_> {
    /// Installs roles, and what they depend on.
    ///
    /// # Errors
    /// The first that fails, unless errors are ignored.
    pub fn install(&self, wanted: Vec<Wanted>) -> Result<(), Failed> {
        const ROLES_MAX: usize = 1000;
        let mut waiting: std::collections::VecDeque<(Wanted, bool)> =
            wanted.into_iter().map(|wanted| (wanted, self.overwrites)).collect();
        let mut count = 0;
        while let Some((wanted, overwrites)) = waiting.pop_front() {
            count += 1;
            if count > ROLES_MAX {
                return Err(Failed::general(format!("more than {ROLES_MAX} roles are wanted")));
            }
            let name = wanted.name.clone().unwrap_or_default();
            match self.install_one(&wanted, &name, overwrites) {
                Ok(dependencies) if self.takes_dependencies => {
                    let known: Vec<Option<String>> =
                        waiting.iter().map(|(wanted, _)| wanted.name.clone()).collect();
                    for dependency in dependencies {
                        if !known.contains(&dependency.name) {
                            println!("- adding dependency: {}", shown(&dependency));
                            waiting.push_back((dependency, self.overwrites_dependencies));
                        }
                    }
                }
                Ok(_) => {}
                Err(failed) => {
                    eprintln!(
                        "[WARNING]: - {name} was NOT installed successfully: {}",
                        failed.message
                    );
                    if !self.ignores_errors {
                        return Err(Failed::general(
                            "- you can use --ignore-errors to skip failed roles and finish processing the list.",
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Installs a role; returns what it depends on.
    fn install_one(
        &self,
        wanted: &Wanted,
        name: &str,
        overwrites: bool,
    ) -> Result<Vec<Wanted>, Failed> {
        if super::archive::inside(Path::new(name)).is_none_or(|path| path.as_os_str().is_empty()) {
            return Err(Failed::general(format!("'{name}' cannot be the name of a role")));
        }
        let folder = self.folder.join(name);
        if folder.exists() && !overwrites {
            let there = installed_version(&folder);
            match (&wanted.version, there) {
                (Some(wanted), Some(there)) if *wanted != there => println!(
                    "- {name} ({there}) is already installed - use --force to change version to {wanted}"
                ),
                _ => println!("- {} is already installed, skipping.", shown(wanted)),
            }
            return Ok(Vec::new());
        }
        let scratch = Scratch::make()?;
        let mut wanted = wanted.clone();
        let entries = match &wanted.origin {
            Origin::Server => {
                let (version, entries) = self.of_server(&wanted, name, &scratch)?;
                wanted.version = Some(version);
                entries
            }
            Origin::Unknown(what) => {
                return Err(Failed::general(format!(
                    "{what} is not one that Trueup takes roles from"
                )));
            }
            Origin::Git { url, folder } => {
                let into = scratch.path().join("repository");
                fetch::clone(url, wanted.version.as_deref(), &into)?;
                fetch::walk(&into.join(folder), self.keeps_git)?
            }
            Origin::Path(path) | Origin::Folders(path) if Path::new(path).is_dir() => {
                fetch::walk(Path::new(path), self.keeps_git)?
            }
            Origin::Path(path) | Origin::Folders(path) => fetch::unpack(Path::new(path))?,
            Origin::Url(url) => {
                fetch::unpack(&fetch::download(url, scratch.path(), self.settings)?)?
            }
        };
        let entries = role_in(entries).ok_or_else(|| {
            Failed::general("this role does not appear to have a meta/main.yml file.")
        })?;
        println!("- extracting {name} to {}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| fetch::at(&folder, &error))?;
        }
        for entry in &entries {
            entry.write(&folder).map_err(|error| fetch::at(&folder, &error))?;
        }
        let note = folder.join(NOTE);
        let version = wanted.version.clone().unwrap_or_default();
        let text = format!("install_date: {}\nversion: '{}'\n", now(), version.replace('\'', "''"));
        fs::write(&note, text).map_err(|error| fetch::at(&note, &error))?;
        println!("- {} was installed successfully", shown(&wanted));
        dependencies_of(&folder)
    }
}

impl Installation<'_> {
    /// A role that a Galaxy server knows, from the place that it names: its version and what is in
    /// it.
    fn of_server(
        &self,
        wanted: &Wanted,
        name: &str,
        scratch: &Scratch,
    ) -> Result<(String, Vec<Entry>), Failed> {
        let known_as = wanted.known_as.as_deref().unwrap_or(name);
        let Some((owner, short)) = known_as.rsplit_once('.') else {
            return Err(Failed::general(format!(
                "Invalid role name ({known_as}). Specify role as format: username.rolename"
            )));
        };
        println!("- downloading role '{short}', owned by {owner}");
        let mut role = None;
        let mut refusal = None;
        for server in &self.servers {
            match server.role(known_as) {
                Ok(Some(found)) => {
                    role = Some((server, found));
                    break;
                }
                Ok(None) => {}
                Err(why) => refusal = Some(why),
            }
        }
        let Some((server, role)) = role else {
            let servers: Vec<String> = self.servers.iter().map(Server::shown).collect();
            return Err(refusal.unwrap_or_else(|| {
                Failed::general(format!("{known_as} was not found on {}", servers.join(", ")))
            }));
        };
        let names = || role.versions.iter().map(|(version, _)| version.as_str());
        let version = match (&wanted.version, names().max_by(|l, r| version::compare_tags(l, r))) {
            (Some(version), Some(_)) if !names().any(|known| known == version) => {
                return Err(Failed::general(format!(
                    "the specified version ({version}) of {known_as} was not found in the list of available versions ({}).",
                    names().collect::<Vec<_>>().join(", ")
                )));
            }
            (Some(version), _) => version.clone(),
            (None, Some(newest)) => newest.to_owned(),
            (None, None) => role.branch.clone().unwrap_or_else(|| "master".to_owned()),
        };
        let archive = role.versions.iter().find(|(known, _)| *known == version);
        let url = archive.and_then(|(_, url)| url.clone()).unwrap_or_else(|| {
            let (user, repository) = &role.repository;
            format!("https://github.com/{user}/{repository}/archive/{version}.tar.gz")
        });
        println!("- downloading role from {url}");
        let path = scratch.path().join("archive.tar.gz");
        server.download(&url, None, &path)?;
        Ok((version, fetch::unpack(&path)?))
    }
}

/// The time as it is noted, in UTC.
fn now() -> String {
    chrono::Utc::now().format("%a %b %d %H:%M:%S %Y").to_string()
}

fn shown(wanted: &Wanted) -> String {
    let name = wanted.name.as_deref().unwrap_or_default();
    match &wanted.version {
        Some(version) => format!("{name} ({version})"),
        None => name.to_owned(),
    }
}

/// The part of an archive or folder that is the role: where `meta/main.yml` is, nearest the root.
fn role_in(entries: Vec<Entry>) -> Option<Vec<Entry>> {
    let metas = ["meta/main.yml", "meta/main.yaml"];
    let root = entries
        .iter()
        .filter(|entry| metas.iter().any(|meta| entry.path().ends_with(meta)))
        .filter_map(|entry| Some(entry.path().parent()?.parent()?.to_owned()))
        .min_by_key(|root| root.components().count())?;
    let inside = entries.into_iter().filter_map(|entry| {
        let path = entry.path().strip_prefix(&root).ok()?.to_owned();
        (!path.as_os_str().is_empty()).then(|| entry.at(path))
    });
    Some(inside.collect())
}

fn read(path: &Path) -> Option<Node> {
    let file = SourceFile::new(path, fs::read_to_string(path).ok()?);
    source::yaml::parse(&file, &mut Diagnostics::default())
}

/// The version that was noted; `None` where none was, or the folder was not installed so.
fn installed_version(role: &Path) -> Option<String> {
    let node = read(&role.join(NOTE))?;
    let version = node.as_mapping()?.get("version")?;
    let version =
        version.as_str().map_or_else(|| version.span.text().trim().to_owned(), str::to_owned);
    (!version.is_empty()).then_some(version)
}

fn dependencies_of(role: &Path) -> Result<Vec<Wanted>, Failed> {
    let of_requirements = ["requirements.yml", "requirements.yaml"]
        .iter()
        .map(|name| role.join("meta").join(name))
        .find(|path| path.is_file());
    let mut all = match of_requirements {
        Some(path) => super::requirements::Requirements::read(&path)?.roles,
        None => Vec::new(),
    };
    let meta = read(&role.join("meta/main.yml")).or_else(|| read(&role.join("meta/main.yaml")));
    let listed = meta.as_ref().and_then(|meta| meta.as_mapping()?.get("dependencies"));
    for item in listed.and_then(Node::as_sequence).unwrap_or_default() {
        let said = |key: &str| item.as_mapping()?.get(key)?.as_str().map(str::to_owned);
        let source = item.as_str().map(str::to_owned).or_else(|| said("src"));
        let Some(source) = source.or_else(|| said("role")).or_else(|| said("name")) else {
            continue;
        };
        let mut wanted = role_of_text(&source);
        wanted.version = wanted.version.or_else(|| said("version"));
        // A name without a dot is of a role that stands beside this one.
        let is_beside = wanted.origin == Origin::Server && !source.contains('.');
        if !is_beside {
            all.push(wanted);
        }
    }
    Ok(all)
}

/// Lists the roles of folders.
///
/// # Errors
/// None of the folders is there.
pub fn list(folders: &[PathBuf], only: Option<&str>) -> Result<(), Failed> {
    let mut is_usable = false;
    let mut found = false;
    for folder in folders {
        let Ok(entries) = fs::read_dir(folder) else {
            eprintln!("[WARNING]: - the configured path {} does not exist.", folder.display());
            continue;
        };
        is_usable = true;
        if only.is_none() {
            println!("# {}", folder.display());
        }
        let mut roles: Vec<PathBuf> = entries.filter_map(Result::ok).map(|e| e.path()).collect();
        roles.retain(|path| {
            path.join("meta/main.yml").is_file() || path.join("meta/main.yaml").is_file()
        });
        roles.sort();
        for role in roles {
            let name = role.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if only.is_some_and(|only| only != name) {
                continue;
            }
            if only.is_some() && !found {
                println!("# {}", folder.display());
            }
            found = true;
            let version = installed_version(&role);
            println!("- {name}, {}", version.as_deref().unwrap_or("(unknown version)"));
        }
    }
    if !is_usable {
        return Err(Failed::general(
            "- None of the provided paths were usable. Please specify a valid path with --roles-path",
        ));
    }
    if let Some(only) = only.filter(|_| !found) {
        println!("- the role {only} was not found");
    }
    Ok(())
}

/// Removes roles from the first folder that has them.
///
/// # Errors
/// One cannot be removed.
pub fn remove(folders: &[PathBuf], names: &[String]) -> Result<(), Failed> {
    for name in names {
        let is_plain =
            super::archive::inside(Path::new(name)).is_some_and(|path| path == Path::new(name));
        let role =
            folders.iter().map(|folder| folder.join(name)).find(|role| role.join("meta").is_dir());
        match role.filter(|_| is_plain) {
            Some(role) => {
                fs::remove_dir_all(&role).map_err(|error| fetch::at(&role, &error))?;
                println!("- successfully removed {name}");
            }
            None => println!("- {name} is not installed, skipping."),
        }
    }
    Ok(())
}
