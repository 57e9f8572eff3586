//! Archives of a version.

use std::path::Path;

use module::{
    Failure, Host,
    content::{Algorithm, file_digest},
    host::Temporary,
};

use super::repository::Repository;
use crate::{download::temporary_folder, tool};

/// The format that a file's name asks for.
fn format_of(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "zip" => Some("zip"),
        "gz" => Some("tar.gz"),
        "tar" => Some("tar"),
        "tgz" => Some("tgz"),
        _ => None,
    }
}

/// Makes the archive; says whether the one that was there differed.
///
/// # Errors
/// A name without a format that git knows, and what git refuses.
pub fn make(
    host: &mut dyn Host,
    repository: &Repository,
    repo: &str,
    path: &Path,
    prefix: Option<&str>,
    version: &str,
) -> Result<bool, Failure> {
    let Some(format) = format_of(path) else {
        return Err(Failure::new(format!(
            "Unable to get file extension from archive file name : {}",
            path.display()
        ))
        .with(
            "details",
            "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', 'zip', 'tgz']",
        ));
    };
    if host.metadata(path)?.is_none() {
        write(host, repository, path, format, prefix, version)?;
        return Ok(true);
    }
    let wanted = Temporary {
        folder: temporary_folder(host, None)?,
        prefix: ".trueup-git-".into(),
        suffix: String::new(),
        is_dir: true,
    };
    let folder = host.make_temporary(&wanted)?;
    let name = repo.rsplit('/').next().unwrap_or_default().replace(".git", "");
    let new = folder.join(format!("{name}.{format}"));
    let result = replace(host, repository, path, &new, format, prefix, version);
    let cleared = host.remove_dir_all(&folder);
    let changed = result?;
    cleared?;
    Ok(changed)
}

fn replace(
    host: &mut dyn Host,
    repository: &Repository,
    path: &Path,
    new: &Path,
    format: &str,
    prefix: Option<&str>,
    version: &str,
) -> Result<bool, Failure> {
    write(host, repository, new, format, prefix, version)?;
    let digest = |host: &dyn Host, path| file_digest(host, Algorithm::Sha256, path);
    if digest(host, path)? == digest(host, new)? {
        return Ok(false);
    }
    let words = ["--".to_owned(), new.display().to_string(), path.display().to_string()];
    tool::run(host, &module::Program::new("mv").args(words))?;
    Ok(true)
}

fn write(
    host: &mut dyn Host,
    repository: &Repository,
    path: &Path,
    format: &str,
    prefix: Option<&str>,
    version: &str,
) -> Result<(), Failure> {
    let path = path.display().to_string();
    let mut words = vec!["archive", "--format", format, "--output", &path];
    if let Some(prefix) = prefix {
        words.extend(["--prefix", prefix]);
    }
    words.push(version);
    repository.run(host, &words).map_err(|failure| {
        let details = format!(
            "Git archive command failed to create archive {path} using {} directory.Error: {}",
            repository.dest.display(),
            failure.msg
        );
        Failure { msg: "Failed to perform archive operation".into(), ..failure }
            .with("details", details)
    })?;
    Ok(())
}
