//! How tasks name images: by name and tag, by name and digest, or by ID.

use module::{Failure, Host};
use protocol::Json;

use super::{Engine, escape, is_image_id, joined, repository_and_tag};

/// The letters of a tag at most.
const TAG_LETTERS_MAX: usize = 128;

/// An image as a task names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageReference {
    /// `sha256:` and 64 digits.
    Id(String),
    /// By its name; a digest may take the tag's place.
    Named { repository: String, tag: String },
}

impl ImageReference {
    /// Reads a name; `tag` is for one that names none.
    ///
    /// # Errors
    /// A tag that is none.
    pub fn parse(name: &str, tag: &str) -> Result<Self, Failure> {
        if !tag.is_empty() && !is_tag(tag) && !is_image_id(tag) {
            return Err(Failure::new(format!("\"{tag}\" is not a valid docker tag")));
        }
        if is_image_id(name) {
            return Ok(Self::Id(name.to_owned()));
        }
        let (repository, own) = repository_and_tag(name);
        let tag = own.unwrap_or_else(|| if tag.is_empty() { "latest" } else { tag }.to_owned());
        Ok(Self::Named { repository, tag })
    }

    /// As the engine takes it.
    pub fn full(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Named { repository, tag } => joined(repository, tag),
        }
    }

    /// What the engine knows of it.
    ///
    /// # Errors
    /// What else the engine says.
    pub fn find(&self, engine: &Engine, host: &dyn Host) -> Result<Option<Json>, Failure> {
        engine.find(host, &format!("/images/{}/json", escape(&self.full())))
    }
}

/// Whether it is a tag as Docker takes them.
pub fn is_tag(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.len() <= TAG_LETTERS_MAX
        && text.starts_with(is_letter)
        && text.chars().all(|letter| is_letter(letter) || ".-".contains(letter))
}

/// The ID of an image that the engine has shown.
pub fn id(image: &Json) -> &str {
    image.get("Id").and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let id = format!("sha256:{}", "0a".repeat(32));
        let digest = format!("app@{id}");
        for (name, tag, expected) in [
            ("app", "latest", "app:latest"),
            ("app", "", "app:latest"),
            ("app:v1", "v2", "app:v1"),
            ("host:5000/app", "v2", "host:5000/app:v2"),
            (&id, "v2", &id),
            (&digest, "v2", &digest),
        ] {
            assert_eq!(ImageReference::parse(name, tag).unwrap().full(), expected);
        }
        for tag in ["a b", "-a", ".a", "a/b", &"x".repeat(129)] {
            let why = ImageReference::parse("app", tag).unwrap_err();
            assert!(why.msg.contains("is not a valid docker tag"), "{tag}: {why:?}");
        }
    }
}
