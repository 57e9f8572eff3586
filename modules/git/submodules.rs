//! Submodules of a working copy.

use module::{Failure, Host};

use super::repository::Repository;

/// The branch that submodules follow with `track_submodules`.
const TRACKED: &str = "master";

/// Fetches what is new in submodules; says whether any of them is missing or elsewhere than it
/// should be.
///
/// # Errors
/// What git refuses.
pub fn fetch(
    host: &mut dyn Host,
    repository: &Repository,
    remote: &str,
    tracks: bool,
) -> Result<bool, Failure> {
    let Some(bytes) = host.read(&repository.dest.join(".gitmodules"))? else { return Ok(false) };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    for line in text.lines().map(str::trim) {
        let Some((name, path)) = line.split_once('=') else { continue };
        if name.trim() == "path"
            && host.metadata(&repository.dest.join(path.trim()).join(".git"))?.is_none()
        {
            return Ok(true);
        }
    }
    let before = versions(host, repository, "HEAD")?;
    repository.run(host, &["submodule", "foreach", &format!("{} fetch", repository.git)])?;
    if tracks {
        return Ok(versions(host, repository, &format!("{remote}/{TRACKED}"))? != before);
    }
    let status = repository.ask(host, &["submodule", "status"])?;
    Ok(status.lines().any(|line| !line.starts_with(' ')))
}

fn versions(host: &dyn Host, repository: &Repository, version: &str) -> Result<String, Failure> {
    let command = format!("{} rev-parse {version}", repository.git);
    repository.ask(host, &["submodule", "foreach", &command]).map_err(|failure| Failure {
        msg: "Unable to determine hashes of submodules".into(),
        ..failure
    })
}

/// Puts submodules where they should be.
///
/// # Errors
/// What git refuses.
pub fn update(
    host: &mut dyn Host,
    repository: &Repository,
    tracks: bool,
    force: bool,
) -> Result<(), Failure> {
    repository.run(host, &["submodule", "sync"])?;
    let mut words = vec!["submodule", "update", "--init", "--recursive"];
    if tracks {
        words.push("--remote");
    }
    if force {
        words.push("--force");
    }
    repository.run(host, &words).map_err(|failure| Failure {
        msg: format!("Failed to init/update submodules: {}", failure.msg),
        ..failure
    })?;
    Ok(())
}
