//! Images in archives: taken out of one by the engine, and put into one.

use std::path::Path;

use module::{Failure, Host, Placement, Program};
use protocol::Json;

use super::{Engine, escape};
use crate::tool;

/// What an archive says of an image in it.
#[derive(Debug, PartialEq)]
pub struct Archived {
    /// Digits of its ID.
    pub id: String,
    /// The names that it has there, with their tags.
    pub names: Vec<String>,
}

impl Archived {
    /// Reads the list of an archive; `None` where that is none.
    fn parse(manifest: &str) -> Option<Vec<Self>> {
        let list: Vec<Json> = serde_json::from_str(manifest).ok()?;
        list.iter().map(Self::parse_one).collect()
    }

    fn parse_one(one: &Json) -> Option<Self> {
        // `0123.json`, or `blobs/sha256/0123` in archives of newer engines.
        let config = one.get("Config")?.as_str()?.trim_end_matches(".json");
        let id = config.rsplit('/').next()?.to_owned();
        let names = one.get("RepoTags").and_then(Json::as_array).cloned().unwrap_or_default();
        let names = names.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        Some(Self { id, names })
    }

    /// Reads which images an archive of the host has; `None` where it cannot be read.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub fn read(host: &dyn Host, path: &Path) -> Result<Option<Vec<Self>>, Failure> {
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
    let found = Archived::read(host, path)?;
    let Some([found]) = found.as_deref() else {
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

/// Writes images into an archive.
///
/// # Errors
/// What the engine says, and what cannot be written.
pub fn archive(
    engine: &Engine,
    host: &mut dyn Host,
    names: &[String],
    path: &Path,
) -> Result<(), Failure> {
    let place = match names {
        [one] => format!("/images/{}/get", escape(one)),
        all => {
            let words: Vec<String> =
                all.iter().map(|name| format!("names={}", escape(name))).collect();
            format!("/images/get?{}", words.join("&"))
        }
    };
    let mut content = engine.open(host, &place)?;
    host.write(path, &mut *content, &Placement::default())?;
    Ok(())
}

/// What the engine said when it took an archive in.
pub struct Loaded {
    /// Its words.
    pub said: String,
    /// Names, or IDs, of the images.
    pub names: Vec<String>,
}

/// Has the engine take in an archive's images. `what` names them in failures.
///
/// # Errors
/// An archive that is not there, or that the engine cannot read.
pub fn take_in(
    engine: &Engine,
    host: &dyn Host,
    path: &Path,
    what: &str,
) -> Result<Loaded, Failure> {
    if !host.metadata(path)?.is_some_and(|found| found.is_file()) {
        return Err(Failure::new(format!(
            "Error loading {what} - path {} could not be found or is no file",
            path.display()
        )));
    }
    let said = engine.send_file(host, "/images/load", path.to_owned())?;
    let parts = match said {
        Json::Array(parts) => parts,
        one => vec![one],
    };
    if let Some(why) = parts.iter().find_map(|part| part.get("error")?.as_str()) {
        return Err(Failure::new(format!("Error loading {what} - {why}")));
    }
    let said: String = parts.iter().filter_map(|part| part.get("stream")?.as_str()).collect();
    let names = said.lines().filter_map(|line| {
        line.strip_prefix("Loaded image: ").or_else(|| line.strip_prefix("Loaded image ID: "))
    });
    let names = names.map(|name| name.trim().to_owned()).collect();
    Ok(Loaded { said, names })
}

/// Has the engine take in an archive with one image; what it says of that is returned.
///
/// # Errors
/// As those of [`take_in`], and an archive that has not this image.
pub fn load(engine: &Engine, host: &dyn Host, full: &str, path: &Path) -> Result<String, Failure> {
    let Loaded { said, names } = take_in(engine, host, path, &format!("image {full}"))?;
    if names.is_empty() {
        return Err(Failure::new(format!(
            "Detected no loaded images. Archive {} potentially corrupt? The engine said: {said}",
            path.display()
        )));
    }
    if !names.iter().any(|name| name == full) {
        let named: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        return Err(Failure::new(format!(
            "The archive did not contain image '{full}'. Instead, found {}.",
            named.join(", ")
        ))
        .with("stdout", said));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_archives_are_read() {
        for (manifest, expected) in [
            (
                r#"[{"Config": "ab12.json", "RepoTags": ["a:1"], "Layers": []}]"#,
                Some(vec![("ab12", vec!["a:1"])]),
            ),
            (
                r#"[{"Config": "blobs/sha256/ab12", "RepoTags": null}]"#,
                Some(vec![("ab12", vec![])]),
            ),
            (
                r#"[{"Config": "a.json"}, {"Config": "b.json"}]"#,
                Some(vec![("a", vec![]), ("b", vec![])]),
            ),
            (r#"[{"Layers": []}]"#, None),
            ("{}", None),
            ("", None),
        ] {
            let found = Archived::parse(manifest);
            let found = found.as_ref().map(|all| {
                let shown = all.iter().map(|one| {
                    (one.id.as_str(), one.names.iter().map(String::as_str).collect::<Vec<_>>())
                });
                shown.collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{manifest}");
        }
    }
}
