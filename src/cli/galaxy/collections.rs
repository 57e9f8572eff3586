//! Collections: installing, listing and building them.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use protocol::Json;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use source::{Diagnostics, Kind, Node, Scalar, SourceFile};

use super::{
    archive::Entry,
    fetch::{self, Scratch},
    requirements::{Origin, Wanted, is_full_name},
    version,
};
use crate::{Failed, settings::Settings};

/// How collections are installed.
pub struct Installation<'a> {
    pub settings: &'a Settings,
    /// The folder whose `ansible_collections` they come into.
    pub folder: PathBuf,
    /// Where others may be that they depend on.
    pub others: Vec<PathBuf>,
    pub overwrites: bool,
    pub takes_dependencies: bool,
}

/// A collection that is about to be installed.
struct Candidate {
    name: String,
    version: String,
    dependencies: BTreeMap<String, String>,
    entries: Vec<Entry>,
}

impl Installation<'_> {
    /// Installs collections.
    ///
    /// # Errors
    /// One that cannot be had, or that needs another which is not there.
    pub fn install(&self, wanted: Vec<Wanted>) -> Result<(), Failed> {
        println!("Starting galaxy collection install process");
        println!("Process install dependency map");
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut waiting: VecDeque<Wanted> = wanted.into();
        while let Some(wanted) = waiting.pop_front() {
            if wanted.origin == Origin::Server {
                let name = wanted.name.clone().unwrap_or_default();
                if !is_full_name(&name) {
                    return Err(Failed::general(format!(
                        "'{name}' is no name of a collection, archive, folder or repository"
                    )));
                }
                let allowed = wanted.version.as_deref().unwrap_or_default();
                let is_there = self.installed(&name).is_some_and(|v| version::allows(allowed, &v));
                if !is_there || self.overwrites {
                    return Err(super::needs_server(&name));
                }
                continue;
            }
            candidates.extend(self.candidates(&wanted)?);
        }
        if self.takes_dependencies {
            for candidate in &candidates {
                self.check_dependencies(candidate, &candidates)?;
            }
        }
        let mut told = HashSet::new();
        candidates.retain(|candidate| {
            let is_there = self.installed(&candidate.name).as_ref() == Some(&candidate.version);
            told.insert(candidate.name.clone()) && (self.overwrites || !is_there)
        });
        if candidates.is_empty() {
            println!(
                "Nothing to do. All requested collections are already installed. If you want to reinstall them, consider using `--force`."
            );
            return Ok(());
        }
        println!("Starting collection install process");
        candidates.iter().try_for_each(|candidate| self.put(candidate))
    }

    fn check_dependencies(&self, candidate: &Candidate, all: &[Candidate]) -> Result<(), Failed> {
        for (name, requirement) in &candidate.dependencies {
            let comes = all.iter().find(|other| other.name == *name).map(|o| o.version.clone());
            let Some(there) = comes.or_else(|| self.installed(name)) else {
                return Err(Failed::general(format!(
                    "{} needs {name} ({requirement}). {}",
                    candidate.name,
                    super::needs_server(name).message
                )));
            };
            if !version::allows(requirement, &there) {
                return Err(Failed::general(format!(
                    "{} needs {name} ({requirement}), and there is {there}",
                    candidate.name
                )));
            }
        }
        Ok(())
    }

    /// The version of a collection that is installed.
    fn installed(&self, name: &str) -> Option<String> {
        let (namespace, collection) = name.split_once('.')?;
        std::iter::once(&self.folder)
            .chain(&self.others)
            .find_map(|folder| version_of(&root(folder).join(namespace).join(collection)))
    }

    fn candidates(&self, wanted: &Wanted) -> Result<Vec<Candidate>, Failed> {
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
                let path = fetch::download(url, scratch.path(), self.settings)?;
                vec![of_archive(fetch::unpack(&path)?)?]
            }
            Origin::Unknown(what) => {
                return Err(Failed::general(format!("{what} is none that collections come from")));
            }
            Origin::Server => Vec::new(),
        };
        if let Some(name) = &wanted.name {
            found.retain(|candidate| candidate.name == *name);
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

    fn put(&self, candidate: &Candidate) -> Result<(), Failed> {
        let (namespace, name) = candidate.name.split_once('.').unwrap_or_default();
        let folder = root(&self.folder).join(namespace).join(name);
        let title = format!("{}:{}", candidate.name, candidate.version);
        println!("Installing '{title}' to '{}'", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| fetch::at(&folder, &error))?;
        }
        for entry in &candidate.entries {
            entry.write(&folder).map_err(|error| fetch::at(&folder, &error))?;
        }
        println!("{title} was installed successfully");
        Ok(())
    }
}

/// A path of collections, which may end in the folder of that name or hold it.
fn root(path: &Path) -> PathBuf {
    match path.ends_with("ansible_collections") {
        true => path.to_owned(),
        false => path.join("ansible_collections"),
    }
}

/// The version that a collection says of itself.
fn version_of(folder: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(folder.join("MANIFEST.json")) {
        let manifest: Json = text.parse().ok()?;
        return manifest.pointer("/collection_info/version")?.as_str().map(str::to_owned);
    }
    let node = read_yaml(&folder.join("galaxy.yml"))?;
    text(&node, "version").or_else(|| Some("*".to_owned()))
}

fn read_yaml(path: &Path) -> Option<Node> {
    let file = SourceFile::new(path, fs::read_to_string(path).ok()?);
    source::yaml::parse(&file, &mut Diagnostics::default())
}

fn text(node: &Node, key: &str) -> Option<String> {
    let node = node.as_mapping()?.get(key).filter(|node| !node.is_null())?;
    Some(node.as_str().map_or_else(|| node.span.text().trim().to_owned(), str::to_owned))
}

fn of_archive(entries: Vec<Entry>) -> Result<Candidate, Failed> {
    let manifest = entries.iter().find_map(|entry| match entry {
        Entry::File { path, content, .. } if path == Path::new("MANIFEST.json") => Some(content),
        _ => None,
    });
    let Some(manifest) = manifest else {
        return Err(Failed::general("it is no collection: it has no MANIFEST.json"));
    };
    let manifest: Json = serde_json::from_slice(manifest)
        .map_err(|error| Failed::general(format!("MANIFEST.json: {error}")))?;
    check_sums(&manifest, &entries)?;
    let said = |key: &str| {
        let value = manifest.pointer(&format!("/collection_info/{key}"));
        value.and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let name = format!("{}.{}", said("namespace"), said("name"));
    if !is_full_name(&name) {
        return Err(Failed::general(format!("MANIFEST.json: '{name}' is no collection")));
    }
    let dependencies = manifest.pointer("/collection_info/dependencies").and_then(Json::as_object);
    let dependencies = dependencies.into_iter().flatten();
    let text = |value: &Json| value.as_str().unwrap_or("*").to_owned();
    let dependencies = dependencies.map(|(name, value)| (name.clone(), text(value))).collect();
    Ok(Candidate { name, version: said("version"), dependencies, entries })
}

/// Holds the files of an archive to what it says of them.
fn check_sums(manifest: &Json, entries: &[Entry]) -> Result<(), Failed> {
    let content = |wanted: &str| {
        entries.iter().find_map(|entry| match entry {
            Entry::File { path, content, .. } if path == Path::new(wanted) => Some(content),
            _ => None,
        })
    };
    let differs = |name: &str, sum: Option<&Json>, content: Option<&Vec<u8>>| {
        let sum = sum.and_then(Json::as_str);
        let is_right = match (sum, content) {
            (Some(sum), Some(content)) => sum == digest(content),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if is_right {
            Ok(())
        } else {
            Err(Failed::general(format!("{name} is not what the archive says of it")))
        }
    };
    let list = content("FILES.json");
    differs("FILES.json", manifest.pointer("/file_manifest_file/chksum_sha256"), list)?;
    let list: Json = list.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default();
    for file in list.get("files").and_then(Json::as_array).into_iter().flatten() {
        if file.get("ftype").and_then(Json::as_str) == Some("file") {
            let name = file.get("name").and_then(Json::as_str).unwrap_or_default();
            differs(name, file.get("chksum_sha256"), content(name))?;
        }
    }
    Ok(())
}

fn digest(content: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The collection that a folder is, or those that it holds.
fn of_folder(folder: &Path) -> Result<Vec<Candidate>, Failed> {
    if folder.join("galaxy.yml").is_file() {
        return Ok(vec![of_source(folder)?]);
    }
    if folder.join("MANIFEST.json").is_file() {
        return Ok(vec![of_archive(fetch::walk(folder, false)?)?]);
    }
    let inside = fs::read_dir(folder).map_err(|error| fetch::at(folder, &error))?;
    let mut inside: Vec<PathBuf> =
        inside.filter_map(Result::ok).map(|entry| entry.path()).collect();
    inside.retain(|path| path.join("galaxy.yml").is_file());
    inside.sort();
    if inside.is_empty() {
        return Err(Failed::general(format!(
            "{} is no collection and holds none: there is no galaxy.yml",
            folder.display()
        )));
    }
    inside.iter().map(|folder| of_source(folder)).collect()
}

/// What a collection has of the folder that it is written in, with its manifests.
fn of_source(folder: &Path) -> Result<Candidate, Failed> {
    let path = folder.join("galaxy.yml");
    let node = read_yaml(&path)
        .ok_or_else(|| Failed::general(format!("{} cannot be read", path.display())))?;
    let missing = ["namespace", "name", "version", "readme", "authors"]
        .iter()
        .find(|key| node.as_mapping().and_then(|all| all.get(key)).is_none_or(Node::is_null));
    if let Some(missing) = missing {
        let path = path.display();
        return Err(Failed::general(format!(
            "The collection galaxy.yml at '{path}' is missing the following mandatory keys: {missing}"
        )));
    }
    let said = |key: &str| text(&node, key).unwrap_or_default();
    let name = format!("{}.{}", said("namespace"), said("name"));
    if !is_full_name(&name) {
        return Err(Failed::general(format!("{}: '{name}' is no collection", path.display())));
    }
    let ignored = strings(&node, "build_ignore");
    let archives = format!("{}-{}-*.tar.gz", said("namespace"), said("name"));
    let mut entries = fetch::walk(folder, false)?;
    entries.retain(|entry| is_built(entry.path(), &ignored, &archives));
    let dependencies: BTreeMap<String, String> = pairs(&node, "dependencies");
    let files = files_json(&entries);
    let sum = digest(files.as_bytes());
    let optional = |key: &str| text(&node, key).filter(|text| !text.is_empty());
    let manifest = json!({
        "collection_info": {
            "namespace": said("namespace"), "name": said("name"), "version": said("version"),
            "authors": strings(&node, "authors"), "readme": said("readme"),
            "tags": strings(&node, "tags"), "description": optional("description"),
            "license": strings(&node, "license"), "license_file": optional("license_file"),
            "dependencies": &dependencies, "repository": optional("repository"),
            "documentation": optional("documentation"), "homepage": optional("homepage"),
            "issues": optional("issues"),
        },
        "file_manifest_file": {
            "name": "FILES.json", "ftype": "file", "chksum_type": "sha256",
            "chksum_sha256": sum, "format": 1,
        },
        "format": 1,
    });
    let manifest = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    for (name, text) in [("FILES.json", files), ("MANIFEST.json", manifest)] {
        let path = PathBuf::from(name);
        entries.push(Entry::File { path, content: text.into_bytes(), is_executable: false });
    }
    Ok(Candidate { name, version: said("version"), dependencies, entries })
}

fn files_json(entries: &[Entry]) -> String {
    let folder = |name: &str| json!({"name": name, "ftype": "dir", "chksum_type": null, "chksum_sha256": null, "format": 1});
    let mut files = vec![folder(".")];
    for entry in entries {
        let name = entry.path().display().to_string();
        files.push(match entry {
            Entry::File { content, .. } => json!({
                "name": name, "ftype": "file", "chksum_type": "sha256",
                "chksum_sha256": digest(content), "format": 1,
            }),
            Entry::Folder { .. } | Entry::Link { .. } => folder(&name),
        });
    }
    let all = json!({"files": files, "format": 1});
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

/// Whether a file of the source is part of the collection.
fn is_built(path: &Path, ignored: &[String], archives: &str) -> bool {
    let own = [
        "MANIFEST.json",
        "FILES.json",
        "galaxy.yml",
        "galaxy.yaml",
        ".git",
        "tests/output",
        archives,
    ];
    let everywhere = ["*.pyc", "*.retry", ".git"];
    let matches = |pattern: &str, path: &Path| {
        inventory::pattern::fnmatch(pattern, &path.display().to_string())
    };
    path.ancestors().filter(|part| !part.as_os_str().is_empty()).all(|part| {
        let name = part.file_name().map(Path::new).unwrap_or(part);
        let is_ignored =
            ignored.iter().any(|pattern| matches(pattern, part) || matches(pattern, name));
        !is_ignored
            && !own.iter().any(|pattern| matches(pattern, part))
            && !everywhere.iter().any(|pattern| matches(pattern, name))
    })
}

fn strings(node: &Node, key: &str) -> Vec<String> {
    let Some(node) = node.as_mapping().and_then(|all| all.get(key)) else { return Vec::new() };
    match &node.kind {
        Kind::Sequence(items) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        Kind::Scalar(Scalar::Str { text, .. }) if !text.is_empty() => vec![text.to_string()],
        _ => Vec::new(),
    }
}

fn pairs(node: &Node, key: &str) -> BTreeMap<String, String> {
    let Some(all) = node.as_mapping().and_then(|all| all.get(key)?.as_mapping().cloned()) else {
        return BTreeMap::new();
    };
    let pair = |entry: &source::Entry| {
        let value = entry.value.as_str().unwrap_or("*").to_owned();
        Some((entry.key.as_str()?.to_owned(), value))
    };
    all.entries.iter().filter_map(pair).collect()
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
                    (name(&namespace), name(&collection), version_of(&collection))
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
