//! Digests that tasks ask for.

use std::io::Read;

use module::{Failure, content::Algorithm};

use crate::http::{Client, Request, Url};

/// The bytes of a list of digests at most.
const LIST_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A digest that a file must have.
#[derive(Clone, Debug, PartialEq)]
pub struct Checksum {
    pub algorithm: Algorithm,
    /// In lower-case hexadecimal digits.
    pub digest: String,
}

impl Checksum {
    /// Reads `sha256:digest` or, where that is a URL, the list that is there; `None` for an empty
    /// text.
    ///
    /// # Errors
    /// An unknown algorithm, no digest, a list that cannot be had or does not name the file.
    pub fn find(text: &str, client: &Client<'_>, url: &str) -> Result<Option<Self>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let (name, rest) = text.split_once(':').ok_or_else(|| {
            Failure::new("The checksum parameter has to be in format <algorithm>:<checksum>")
        })?;
        let algorithm = match name.trim().to_ascii_lowercase().as_str() {
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha224" => Algorithm::Sha224,
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            other => {
                return Err(Failure::new(format!(
                    "checksums by {other} are not supported; by md5, sha1, sha224, sha256, sha384 and sha512 they are"
                )));
            }
        };
        let rest = rest.trim();
        let is_url =
            ["http://", "https://", "file://"].iter().any(|scheme| rest.starts_with(scheme));
        let digest = if is_url { listed(rest, client, url)? } else { rest.to_owned() };
        let digest: String = digest.chars().filter(char::is_ascii_alphanumeric).collect();
        let digest = digest.to_ascii_lowercase();
        if digest.is_empty() || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Failure::new("The checksum format is invalid"));
        }
        Ok(Some(Self { algorithm, digest }))
    }
}

fn listed(list: &str, client: &Client<'_>, url: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let mut content = match list.strip_prefix("file://") {
        Some(path) => {
            let file = client.host.open(std::path::Path::new(path))?;
            file.ok_or_else(|| Failure::new(format!("there is no list of digests at {path}")))?
        }
        None => {
            let request = Request { method: "GET".into(), url: list.into(), ..Request::default() };
            let answer = client.send(&request)?;
            if !(200..300).contains(&answer.status) {
                return Err(Failure::new(format!("Request failed: {list}: {}", answer.message())));
            }
            answer.content
        }
    };
    (&mut *content).take(LIST_BYTES_MAX).read_to_string(&mut text)?;
    let name = match Url::parse(url) {
        Ok(url) => url.file_name(),
        Err(_) => url.rsplit('/').next().unwrap_or_default().to_owned(),
    };
    find(&text, &name).ok_or_else(|| {
        Failure::new(format!("Unable to find a checksum for file '{name}' in '{list}'"))
    })
}

/// The digest of a file in a list as the tools of coreutils write them, or in one that has nothing
/// but a digest.
fn find(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let [line] = lines.as_slice()
        && !line.contains(char::is_whitespace)
    {
        return Some((*line).to_owned());
    }
    lines.iter().find_map(|line| {
        // `SHA256 (name) = digest`, as BSD writes it.
        if let Some((head, digest)) = line.split_once(") = ") {
            let (_, listed) = head.split_once(" (")?;
            return (base_name(listed) == name).then(|| digest.trim().to_owned());
        }
        let (digest, listed) = line.split_once(char::is_whitespace)?;
        let listed = listed.trim_start().trim_start_matches('*');
        (base_name(listed) == name).then(|| digest.to_owned())
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_in_lists() {
        for (text, expected) in [
            ("aa  f\nbb  g\n", Some("bb")),
            ("aa *f\nbb *./dir/g\n", Some("bb")),
            ("SHA256 (f) = aa\nSHA256 (g) = bb\n", Some("bb")),
            ("cc\n", Some("cc")),
            ("cc  g.sig\n", None),
            ("", None),
        ] {
            assert_eq!(find(text, "g").as_deref(), expected, "{text}");
        }
    }
}
