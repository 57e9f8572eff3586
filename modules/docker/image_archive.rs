//! Images in archives: taken out of one by the engine, and put into one.

use std::path::Path;

use module::{Failure, Host, Placement, Program};
use protocol::Json;

use super::{Engine, escape};
use crate::tool;

/// What an archive with one image says of it.
#[derive(Debug, PartialEq)]
struct Archived {
    /// Digits of its ID.
    id: String,
    names: Vec<String>,
}

impl Archived {
    /// Reads the list of an archive; `None` where it has not one image.
    fn parse(manifest: &str) -> Option<Self> {
        let list: Vec<Json> = serde_json::from_str(manifest).ok()?;
        let [one] = list.as_slice() else { return None };
        // `0123.json`, or `blobs/sha256/0123` in archives of newer engines.
        let config = one.get("Config")?.as_str()?.trim_end_matches(".json");
        let id = config.rsplit('/').next()?.to_owned();
        let names = one.get("RepoTags").and_then(Json::as_array).cloned().unwrap_or_default();
        let names = names.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        Some(Self { id, names })
    }

    fn read(host: &dyn Host, path: &Path) -> Result<Option<Self>, Failure> {
        let path = path.display().to_string();
        let program = Program::new("tar").args(["-xOf", &path, "manifest.json"]);
        let text = tool::ask_whether(host, &program)?;
        Ok(text.as_deref().and_then(Self::parse))
    }
}

/// Why an archive is to be written; `None` where it has the image already. `image` is what the engine
/// knows of it, where it is there already.
///
/// # Errors
/// What cannot be read.
pub fn needs_archive(
    host: &dyn Host,
    path: &Path,
    full: &str,
    image: Option<&Json>,
) -> Result<Option<String>, Failure> {
    let shown = path.display();
    match host.metadata(path)? {
        None => {
            return Ok(Some(format!("Archived image {full} to {shown}, since none present")));
        }
        Some(found) if found.is_dir() => {
            return Err(Failure::new(format!("archive_path {shown} is a directory")));
        }
        Some(_) => {}
    }
    let Some(found) = Archived::read(host, path)? else {
        return Ok(Some(format!(
            "Archived image {full} to {shown}, overwriting an unreadable archive file"
        )));
    };
    let id = image.and_then(|image| image.get("Id")).and_then(Json::as_str).unwrap_or_default();
    if id.trim_start_matches("sha256:") == found.id && found.names == [full] {
        return Ok(None);
    }
    Ok(Some(format!(
        "Archived image {full} to {shown}, overwriting archive with image {} named {}",
        found.id,
        found.names.join(", ")
    )))
}

/// Writes an image into an archive.
///
/// # Errors
/// What the engine says, and what cannot be written.
pub fn archive(
    engine: &Engine,
    host: &mut dyn Host,
    full: &str,
    path: &Path,
) -> Result<(), Failure> {
    let mut content = engine.open(host, &format!("/images/{}/get", escape(full)))?;
    host.write(path, &mut *content, &Placement::default())?;
    Ok(())
}

/// Has the engine take an archive's images in; what it says of that is returned.
///
/// # Errors
/// An archive that is not there, that the engine cannot read, or that has not this image.
pub fn load(engine: &Engine, host: &dyn Host, full: &str, path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    if !host.metadata(path)?.is_some_and(|found| found.is_file()) {
        return Err(Failure::new(format!(
            "Error loading image {full} - path {shown} could not be found or is no file"
        )));
    }
    let said = engine.send_file(host, "/images/load", path.to_owned())?;
    let parts = match said {
        Json::Array(parts) => parts,
        one => vec![one],
    };
    if let Some(why) = parts.iter().find_map(|part| part.get("error")?.as_str()) {
        return Err(Failure::new(format!("Error loading image {full} - {why}")));
    }
    let text: String = parts.iter().filter_map(|part| part.get("stream")?.as_str()).collect();
    let loaded: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("Loaded image: ").or_else(|| line.strip_prefix("Loaded image ID: "))
        })
        .map(str::trim)
        .collect();
    if loaded.is_empty() {
        return Err(Failure::new(format!(
            "Detected no loaded images. Archive {shown} potentially corrupt? The engine said: {text}"
        )));
    }
    if !loaded.contains(&full) {
        let named: Vec<String> = loaded.iter().map(|name| format!("'{name}'")).collect();
        return Err(Failure::new(format!(
            "The archive did not contain image '{full}'. Instead, found {}.",
            named.join(", ")
        ))
        .with("stdout", text));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_archives_are_read() {
        for (manifest, expected) in [
            (
                r#"[{"Config": "ab12.json", "RepoTags": ["a:1"], "Layers": []}]"#,
                Some(("ab12", vec!["a:1"])),
            ),
            (r#"[{"Config": "blobs/sha256/ab12", "RepoTags": null}]"#, Some(("ab12", vec![]))),
            (r#"[{"Config": "a.json"}, {"Config": "b.json"}]"#, None),
            ("{}", None),
            ("", None),
        ] {
            let found = Archived::parse(manifest);
            let found = found.as_ref().map(|one| {
                (one.id.as_str(), one.names.iter().map(String::as_str).collect::<Vec<_>>())
            });
            assert_eq!(found, expected, "{manifest}");
        }
    }
}
