//! What a collection is made of: its files and its manifests, from archives and folders.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use protocol::Json;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use source::{Diagnostics, Kind, Node, Scalar, SourceFile};

use super::{archive::Entry, fetch, requirements::is_full_name};
use crate::Failed;

/// A collection with all that is in it.
#[derive(Clone, Debug)]
pub struct Content {
    /// `namespace.name`
    pub name: String,
    pub version: String,
    /// Names and ranges of versions.
    pub dependencies: BTreeMap<String, String>,
    pub entries: Vec<Entry>,
}

impl Content {
    /// The name of its archive.
    pub fn archive_name(&self) -> String {
        format!("{}-{}.tar.gz", self.name.replacen('.', "-", 1), self.version)
    }
}

/// The version that a collection says of itself.
pub fn version_of(folder: &Path) -> Option<String> {
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

/// The collection in an archive, held to its own sums.
///
/// # Errors
/// It is none, or a file of it is not what it says.
pub fn of_archive(entries: Vec<Entry>) -> Result<Content, Failed> {
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
    let dependencies = named_ranges(&manifest);
    Ok(Content { name, version: said("version"), dependencies, entries })
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

/// SHA-256, in hexadecimal digits.
fn digest(content: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The collection that a folder is, or those that it holds.
///
/// # Errors
/// None, or one that is not whole.
pub fn of_folder(folder: &Path) -> Result<Vec<Content>, Failed> {
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
///
/// # Errors
/// There is no `galaxy.yml`, or it lacks something.
pub fn of_source(folder: &Path) -> Result<Content, Failed> {
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
    Ok(Content { name, version: said("version"), dependencies, entries })
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

/// What a collection that is installed depends on.
pub fn dependencies_of(folder: &Path) -> BTreeMap<String, String> {
    let manifest = fs::read_to_string(folder.join("MANIFEST.json")).ok();
    let manifest: Json = manifest.and_then(|text| text.parse().ok()).unwrap_or_default();
    named_ranges(&manifest)
}

fn named_ranges(manifest: &Json) -> BTreeMap<String, String> {
    let all = manifest.pointer("/collection_info/dependencies").and_then(Json::as_object);
    let text = |value: &Json| value.as_str().unwrap_or("*").to_owned();
    all.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The files of an installed collection that are not what `wanted` has under their names, in their
/// order.
pub fn differences(folder: &Path, wanted: &[Entry]) -> Vec<PathBuf> {
    let differs = |entry: &&Entry| match entry {
        Entry::File { path, content, .. } => {
            fs::read(folder.join(path)).map_or(true, |there| there != *content)
        }
        Entry::Folder { path } => !folder.join(path).is_dir(),
        Entry::Link { path, target } => {
            fs::read_link(folder.join(path)).map_or(true, |there| there != *target)
        }
    };
    wanted.iter().filter(differs).map(|entry| entry.path().to_owned()).collect()
}
