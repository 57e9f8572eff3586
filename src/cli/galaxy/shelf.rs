//! What collections can be had from: those given as files, those that are installed, and servers.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    collections::root,
    content::{self, Content, of_archive},
    fetch::{self, Scratch},
    resolution::{Offer, Offers},
    servers::{self, Release, Server, ServerArgs},
    version,
};
use crate::{Failed, settings::Settings};

/// All places that collections can be had from.
pub struct Shelf<'a> {
    pub settings: &'a Settings,
    args: ServerArgs,
    servers: Vec<Server>,
    /// Folders of collections that are installed; those that count first before others.
    folders: Vec<PathBuf>,
    given: Vec<Content>,
    /// Collections that come from one server alone.
    bound: BTreeMap<String, Server>,
    /// No server is asked.
    is_offline: bool,
    /// What is installed does not count.
    pub forgets_installed: bool,
    /// What servers have goes before what is installed.
    pub prefers_servers: bool,
    /// The same for these collections alone.
    pub renewed: BTreeSet<String>,
    pub takes_dependencies: bool,
    /// Versions by collection, with the number of the server that has them first.
    known: RefCell<BTreeMap<String, Vec<(String, usize)>>>,
    releases: RefCell<BTreeMap<(String, String), Release>>,
}

impl<'a> Shelf<'a> {
    /// What the settings and the command line say of servers, and folders of collections.
    ///
    /// # Errors
    /// The settings say something wrong of a server.
    pub fn new(
        settings: &'a Settings,
        args: &ServerArgs,
        folders: Vec<PathBuf>,
        is_offline: bool,
    ) -> Result<Self, Failed> {
        Ok(Self {
            settings,
            args: args.clone(),
            servers: servers::of(settings, args)?,
            folders,
            given: Vec::new(),
            bound: BTreeMap::new(),
            is_offline,
            forgets_installed: false,
            prefers_servers: false,
            renewed: BTreeSet::new(),
            takes_dependencies: true,
            known: RefCell::default(),
            releases: RefCell::default(),
        })
    }

    /// Puts a collection on the shelf that was given as a file, folder or repository.
    pub fn give(&mut self, content: Content) {
        self.given.push(content);
    }

    /// Takes a collection from one server alone: a name of the settings, or a URL.
    ///
    /// # Errors
    /// The settings say something wrong of the server.
    pub fn take_from(&mut self, name: &str, server: &str) -> Result<(), Failed> {
        let server = servers::named(self.settings, &self.args, server)?;
        self.bound.insert(name.to_owned(), server);
        Ok(())
    }

    /// Where a collection is installed, and in which version.
    pub fn installed(&self, name: &str) -> Option<(PathBuf, String)> {
        let (namespace, collection) = name.split_once('.')?;
        self.folders.iter().find_map(|folder| {
            let folder = root(folder).join(namespace).join(collection);
            let version = content::version_of(&folder)?;
            Some((folder, version))
        })
    }

    /// A collection in a version that is on offer.
    ///
    /// # Errors
    /// The server does not give it, or something else.
    pub fn content(&self, name: &str, version: &str) -> Result<Content, Failed> {
        let is_it = |content: &&Content| content.name == name && content.version == version;
        if let Some(content) = self.given.iter().find(is_it) {
            return Ok(content.clone());
        }
        let release = self.release(name, version)?;
        let server = self.server_of(name, version)?;
        println!("Downloading {}", release.url);
        let scratch = Scratch::make()?;
        let path = scratch.path().join("archive.tar.gz");
        server.download(&release.url, release.sha256.as_deref(), &path)?;
        let content = of_archive(fetch::unpack(&path)?)?;
        if content.name != name || content.version != version {
            return Err(Failed::general(format!(
                "{} holds {}:{}, and not {name}:{version}",
                release.url, content.name, content.version
            )));
        }
        Ok(content)
    }

    /// Whether what servers have goes before what is installed.
    fn is_renewed(&self, name: &str) -> bool {
        self.prefers_servers || self.renewed.contains(name)
    }

    /// What is installed, where that counts.
    fn counted(&self, name: &str) -> Option<Offer> {
        let (_, version) = self.installed(name).filter(|_| !self.forgets_installed)?;
        Some(Offer { version, is_given: true })
    }

    /// The versions of a collection that servers have, newest first.
    fn versions(&self, name: &str) -> Result<Vec<(String, usize)>, Failed> {
        if self.is_offline {
            return Ok(Vec::new());
        }
        if let Some(known) = self.known.borrow().get(name) {
            return Ok(known.clone());
        }
        let mut all: Vec<(String, usize)> = Vec::new();
        let mut failed = None;
        let asked: Vec<&Server> = match self.bound.get(name) {
            Some(server) => vec![server],
            None => self.servers.iter().collect(),
        };
        let count = asked.len();
        for (number, server) in asked.into_iter().enumerate() {
            match server.collection_versions(name) {
                Ok(versions) => {
                    for version in versions {
                        if !all.iter().any(|(known, _)| *known == version) {
                            all.push((version, number));
                        }
                    }
                }
                // Another one may have it.
                Err(why) if count > 1 => {
                    let message = &why.message;
                    eprintln!("[WARNING]: Skipping Galaxy server {}: {message}", server.shown());
                    failed = Some(why);
                }
                Err(why) => return Err(why),
            }
        }
        if let Some(why) = failed.filter(|_| all.is_empty()) {
            return Err(why);
        }
        all.sort_by(|(left, _), (right, _)| version::compare(right, left));
        self.known.borrow_mut().insert(name.to_owned(), all.clone());
        Ok(all)
    }

    fn server_of(&self, name: &str, version: &str) -> Result<&Server, Failed> {
        if let Some(server) = self.bound.get(name) {
            return Ok(server);
        }
        let versions = self.versions(name)?;
        let number = versions.iter().find(|(known, _)| known == version).map(|(_, number)| *number);
        number.and_then(|number| self.servers.get(number)).ok_or_else(|| {
            Failed::general(match self.is_offline {
                true => format!("{name}:{version} is on a server, and none is asked (--offline)"),
                false => format!("no Galaxy server has {name}:{version}"),
            })
        })
    }

    fn release(&self, name: &str, version: &str) -> Result<Release, Failed> {
        let key = (name.to_owned(), version.to_owned());
        if let Some(known) = self.releases.borrow().get(&key) {
            return Ok(known.clone());
        }
        let release = self.server_of(name, version)?.collection_release(name, version)?;
        self.releases.borrow_mut().insert(key, release.clone());
        Ok(release)
    }
}

impl Offers for Shelf<'_> {
    fn at_hand(&self, name: &str) -> Vec<Offer> {
        let given: Vec<Offer> = self
            .given
            .iter()
            .filter(|content| content.name == name)
            .map(|content| Offer { version: content.version.clone(), is_given: true })
            .collect();
        if !given.is_empty() || self.is_renewed(name) {
            return given;
        }
        self.counted(name).into_iter().collect()
    }

    fn elsewhere(&self, name: &str) -> Result<Vec<Offer>, Failed> {
        // What is given is not looked for.
        if self.given.iter().any(|content| content.name == name) {
            return Ok(Vec::new());
        }
        let versions = self.versions(name)?.into_iter();
        let mut all: Vec<Offer> =
            versions.map(|(version, _)| Offer { version, is_given: false }).collect();
        if let Some(there) = self.counted(name).filter(|_| self.is_renewed(name))
            && !all.iter().any(|known| known.version == there.version)
        {
            all.push(there);
        }
        Ok(all)
    }

    fn dependencies(&self, name: &str, version: &str) -> Result<BTreeMap<String, String>, Failed> {
        if !self.takes_dependencies {
            return Ok(BTreeMap::new());
        }
        let is_it = |content: &&Content| content.name == name && content.version == version;
        if let Some(content) = self.given.iter().find(is_it) {
            return Ok(content.dependencies.clone());
        }
        let installed = self.installed(name).filter(|_| !self.forgets_installed);
        if let Some((folder, _)) = installed.filter(|(_, there)| there == version) {
            return Ok(content::dependencies_of(&folder));
        }
        Ok(self.release(name, version)?.dependencies)
    }
}
