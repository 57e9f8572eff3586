//! Signatures of commits and tags.

use module::{Failure, Host};

use super::{checkout::is_annotated_tag, repository::Repository};

/// Where the fingerprint of the primary key stands in a line of `VALIDSIG`, by its words.
const PRIMARY: usize = 11;

/// Verifies the signature of a version.
///
/// # Errors
/// None, a bad one, or one by a key that is not among the allowed ones.
pub fn verify(
    host: &dyn Host,
    repository: &Repository,
    version: &str,
    allowed: &[String],
) -> Result<(), Failure> {
    let is_tag = is_annotated_tag(host, repository, version)?;
    let verb = if is_tag { "verify-tag" } else { "verify-commit" };
    let mut words = vec![verb];
    if !allowed.is_empty() {
        words.push("--raw");
    }
    words.push(version);
    let output = host.query(&repository.program(&words))?;
    let with = |failure: Failure| {
        failure
            .with("rc", output.status)
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text())
    };
    if !output.is_success() {
        let msg = format!("Failed to verify GPG signature of commit/tag \"{version}\"");
        return Err(with(Failure::new(msg)));
    }
    if allowed.is_empty() {
        return Ok(());
    }
    let key = fingerprint(&output.stderr_text()).unwrap_or_default();
    if allowed.contains(&key) {
        return Ok(());
    }
    let msg =
        format!("The gpg_allowlist does not include the public key \"{key}\" for this commit");
    Err(with(Failure::new(msg)))
}

/// The primary key that made a signature, of what gpg writes for programs.
fn fingerprint(status: &str) -> Option<String> {
    status.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["[GNUPG:]", "VALIDSIG", key, ..] = words.as_slice() else { return None };
        // A signature by a subkey names its primary key last.
        Some(words.get(PRIMARY).unwrap_or(key).to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_key_counts() {
        for (status, expected) in [
            ("[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG AA 2 3 4 5 6 7 8 9 BB\n", Some("BB")),
            ("[GNUPG:] VALIDSIG AA 2 3 4\n", Some("AA")),
            ("gpg: nothing\n", None),
            ("", None),
        ] {
            assert_eq!(fingerprint(status).as_deref(), expected, "{status}");
        }
    }
}
