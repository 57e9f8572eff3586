//! Collections: installing, fetching, checking and listing them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{
    archive,
    content::{self, Content, of_archive, of_folder},
    fetch::{self, Scratch},
    requirements::{Origin, Wanted, is_full_name},
    resolution::{self, Demand},
    shelf::Shelf,
    version,
};
use crate::Failed;

/// How collections are installed.
pub struct Installation<'a> {
    pub shelf: Shelf<'a>,
    /// The folder whose `ansible_collections` they come into.
    pub folder: PathBuf,
    pub overwrites: bool,
    pub overwrites_dependencies: bool,
    pub takes_dependencies: bool,
    /// Whether what is there makes way for what is newer.
    pub upgrades: bool,
    pub takes_prereleases: bool,
}

impl Installation<'_> {
    /// Installs collections.
    ///
    /// # Errors
    /// One that cannot be had, or versions that do not fit together.
    pub fn install(mut self, wanted: Vec<Wanted>) -> Result<(), Failed> {
        println!("Starting galaxy collection install process");
        println!("Process install dependency map");
        let chosen = self.choose(wanted)?;
        let is_there = |name: &str, version: &str| {
            self.shelf.installed(name).is_some_and(|(_, there)| there == version)
        };
        let coming: Vec<&(String, String, bool)> = chosen
            .iter()
            .filter(|(name, version, is_direct)| {
                let overwrites = match is_direct {
                    true => self.overwrites,
                    false => self.overwrites_dependencies,
                };
                overwrites || !is_there(name, version)
            })
            .collect();
        if coming.is_empty() {
            println!(
                "Nothing to do. All requested collections are already installed. If you want to reinstall them, consider using `--force`."
            );
            return Ok(());
        }
        println!("Starting collection install process");
        for (name, version, _) in coming {
            let content = self.shelf.content(name, version)?;
            self.put(&content)?;
        }
        Ok(())
    }

    /// Fetches the archives of collections into a folder, with a file of requirements that names
    /// them.
    ///
    /// # Errors
    /// As [`Installation::install`].
    pub fn download(mut self, wanted: Vec<Wanted>) -> Result<(), Failed> {
        println!("Process install dependency map");
        self.shelf.forgets_installed = true;
        let chosen = self.choose(wanted)?;
        let folder = &self.folder;
        println!("Starting collection download process to '{}'", folder.display());
        fs::create_dir_all(folder).map_err(|error| fetch::at(folder, &error))?;
        let mut list = String::from("collections:\n");
        for (name, version, _) in &chosen {
            let content = self.shelf.content(name, version)?;
            let file = content.archive_name();
            let path = folder.join(&file);
            archive::write(&path, &content.entries).map_err(|error| fetch::at(&path, &error))?;
            list.push_str(&format!("- name: {file}\n  version: {version}\n"));
            println!("Collection '{name}:{version}' was downloaded successfully");
        }
        let path = folder.join("requirements.yml");
        fs::write(&path, list).map_err(|error| fetch::at(&path, &error))?;
        println!("Writing requirements.yml file of downloaded collections to '{}'", path.display());
        Ok(())
    }

    /// The versions that are to be there in the end, and whether the user asked for them by name.
    fn choose(&mut self, wanted: Vec<Wanted>) -> Result<Vec<(String, String, bool)>, Failed> {
        let mut demands = Vec::new();
        for wanted in wanted {
            if wanted.origin != Origin::Server {
                for content in self.given(&wanted)? {
                    let (name, range) = (content.name.clone(), format!("=={}", content.version));
                    self.shelf.give(content);
                    demands.push(Demand { name, range, by: None });
                }
                continue;
            }
            let name = wanted.name.unwrap_or_default();
            if !is_full_name(&name) {
                return Err(Failed::general(format!(
                    "'{name}' is no name of a collection, archive, folder or repository"
                )));
            }
            let range = wanted.version.unwrap_or_else(|| "*".to_owned());
            if let Some(server) = wanted.server {
                self.shelf.take_from(&name, &server)?;
            }
            demands.push(Demand { name, range, by: None });
        }
        let direct: BTreeSet<String> = demands.iter().map(|demand| demand.name.clone()).collect();
        // What is there stays, unless it is to be replaced by the best that can be had.
        if self.upgrades || self.overwrites_dependencies {
            self.shelf.prefers_servers = true;
        } else if self.overwrites {
            self.shelf.renewed.clone_from(&direct);
        }
        self.shelf.takes_dependencies = self.takes_dependencies;
        let chosen = resolution::resolve(demands, &self.shelf, self.takes_prereleases)?;
        let marked = chosen.into_iter().map(|(name, version)| {
            let is_direct = direct.contains(&name);
            (name, version, is_direct)
        });
        Ok(marked.collect())
    }

    /// Collections that come from elsewhere than a Galaxy server.
    fn given(&self, wanted: &Wanted) -> Result<Vec<Content>, Failed> {
        let scratch = Scratch::make()?;
        let mut found = match &wanted.origin {
            Origin::Git { url, folder } => {
                let into = scratch.path().join("repository");
                fetch::clone(url, wanted.version.as_deref(), &into)?;
                of_folder(&into.join(folder))?
            }
            Origin::Path(path) if Path::new(path).is_dir() => of_folder(Path::new(path))?,
            Origin::Path(path) => vec![of_archive(fetch::unpack(Path::new(path))?)?],
            Origin::Folders(path) => of_folder(Path::new(path))?,
            Origin::Url(url) => {
                let path = fetch::download(url, scratch.path(), self.shelf.settings)?;
                vec![of_archive(fetch::unpack(&path)?)?]
            }
            Origin::Unknown(what) => {
                return Err(Failed::general(format!("{what} is none that collections come from")));
            }
            Origin::Server => Vec::new(),
        };
        if let Some(name) = &wanted.name {
            found.retain(|content| content.name == *name);
            if found.is_empty() {
                return Err(Failed::general(format!("there is no collection {name} in it")));
            }
        }
        let is_git = matches!(wanted.origin, Origin::Git { .. });
        if let Some(version) = wanted.version.as_deref().filter(|_| !is_git)
            && let Some(other) =
                found.iter().find(|found| !version::allows(version, &found.version))
        {
            let (name, there) = (&other.name, &other.version);
            return Err(Failed::general(format!("{name} is wanted as {version}, and is {there}")));
        }
        Ok(found)
    }

    fn put(&self, content: &Content) -> Result<(), Failed> {
        let (namespace, name) = content.name.split_once('.').unwrap_or_default();
        let folder = root(&self.folder).join(namespace).join(name);
        let title = format!("{}:{}", content.name, content.version);
        println!("Installing '{title}' to '{}'", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| fetch::at(&folder, &error))?;
        }
        for entry in &content.entries {
            entry.write(&folder).map_err(|error| fetch::at(&folder, &error))?;
        }
        println!("{title} was installed successfully");
        Ok(())
    }
}

/// Makes the archive of the collection in a folder.
///
/// # Errors
/// The folder is no collection, or its archive is there already.
pub fn build(source: &Path, into: &Path, overwrites: bool) -> Result<(), Failed> {
    let content = content::of_source(source)?;
    let path = into.join(content.archive_name());
    if path.is_dir() || (path.exists() && !overwrites) {
        return Err(Failed::general(format!(
            "The file '{}' already exists. You can use --force to re-create the collection artifact.",
            path.display()
        )));
    }
    fs::create_dir_all(into).map_err(|error| fetch::at(into, &error))?;
    archive::write(&path, &content.entries).map_err(|error| fetch::at(&path, &error))?;
    println!("Created collection for {} at {}", content.name, path.display());
    Ok(())
}

/// Compares collections that are installed with what their server has, or with what they say of
/// themselves. All are compared before the first difference fails.
///
/// # Errors
/// One is not there, cannot be had, or differs.
pub fn verify(shelf: &mut Shelf<'_>, wanted: Vec<Wanted>, is_offline: bool) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for wanted in wanted {
        let name = wanted.name.filter(|_| wanted.origin == Origin::Server).unwrap_or_default();
        if !is_full_name(&name) {
            return Err(Failed::general(
                "Only names of collections, as namespace.name, can be verified",
            ));
        }
        let Some((folder, version)) = shelf.installed(&name) else {
            return Err(Failed::general(format!(
                "Collection {name} is not installed in any of the collection paths."
            )));
        };
        if let Some(range) = wanted.version.filter(|range| !version::allows(range, &version)) {
            wrong.push(format!(
                "{name} has the version '{version}' but is being compared to '{range}'"
            ));
            continue;
        }
        let title = format!("{name}:{version}");
        let differing: Vec<String> = match is_offline {
            // It is held to the sums that it brought along.
            true => match of_archive(fetch::walk(&folder, false)?) {
                Ok(_) => Vec::new(),
                Err(failed) => vec![failed.message],
            },
            false => {
                if let Some(server) = &wanted.server {
                    shelf.take_from(&name, server)?;
                }
                shelf.forgets_installed = true;
                let content = shelf.content(&name, &version)?;
                let paths = content::differences(&folder, &content.entries);
                paths.iter().map(|path| path.display().to_string()).collect()
            }
        };
        if differing.is_empty() {
            println!("Successfully verified that checksums for '{title}' match.");
            continue;
        }
        println!("Collection {title} contains modified content in the following files:");
        for one in &differing {
            println!("    {one}");
        }
        wrong.push(format!("{title} is not as it was published"));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Failed::general(wrong.join("\n"))),
    }
}

/// A path of collections, which may end in the folder of that name or hold it.
pub fn root(path: &Path) -> PathBuf {
    match path.ends_with("ansible_collections") {
        true => path.to_owned(),
        false => path.join("ansible_collections"),
    }
}

/// Collections of folders, with their versions, by folder.
pub fn installed_in(folders: &[PathBuf]) -> Vec<(PathBuf, BTreeMap<String, String>)> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let mut all = Vec::new();
    for folder in folders {
        let root = root(folder);
        let mut found = BTreeMap::new();
        for namespace in below(&root) {
            for collection in below(&namespace) {
                if let (Some(namespace), Some(name), Some(version)) =
                    (name(&namespace), name(&collection), content::version_of(&collection))
                {
                    found.insert(format!("{namespace}.{name}"), version);
                }
            }
        }
        if !found.is_empty() {
            all.push((root, found));
        }
    }
    all
}
