//! The remotes that this program carries inside itself, and those of a folder beside it.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use transport::{RemoteBinaries, RemoteBinary, RemoteError};

/// Triple, SHA-256 and size of the binary, and the binary compressed with gzip. Made by `build.rs`.
const EMBEDDED: &[(&str, &str, usize, &[u8])] = include!(concat!(env!("OUT_DIR"), "/remotes.rs"));

/// The remotes' companions: program, triple, and it compressed with gzip with SHA-256 of that.
const COMPANIONS: &[(&str, &str, &str, &[u8])] =
    include!(concat!(env!("OUT_DIR"), "/companions.rs"));

/// The remotes of this program, and those of a folder (`TRUEUP_REMOTES_DIR`), which win.
///
/// # Errors
/// Where the folder or a remote in it cannot be read.
pub fn remotes(folder: Option<&Path>) -> Result<RemoteBinaries, RemoteError> {
    let mut remotes = RemoteBinaries::default();
    for (triple, digest, bytes, gzip) in EMBEDDED {
        remotes.add(RemoteBinary {
            triple: (*triple).to_owned(),
            gzip: (*gzip).into(),
            digest: (*digest).to_owned(),
            bytes: *bytes,
        });
    }
    for (_, _, digest, companion) in COMPANIONS {
        remotes.add_known_companion(digest, *companion);
    }
    if let Some(folder) = folder {
        remotes.add_folder(folder)?;
    }
    Ok(remotes)
}

/// Puts the companion that speaks TLS on this machine into a folder, unless it is there, and returns
/// where.
///
/// # Errors
/// There is none for this machine, or the folder cannot be written.
pub fn place_companion(folder: &Path) -> io::Result<PathBuf> {
    let own = format!("{}-", std::env::consts::ARCH);
    let found = COMPANIONS.iter().find(|(program, triple, ..)| {
        *program == "trueup-tls"
            && cfg!(target_os = "linux")
            && triple.starts_with(&own)
            && triple.contains("-linux-")
    });
    let (.., digest, gzip) = found.ok_or_else(|| {
        io::Error::new(io::ErrorKind::Unsupported, "TLS is spoken by controllers on Linux alone")
    })?;
    let place = folder.join(format!("tls-{digest}"));
    if place.is_file() {
        return Ok(place);
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = folder.join(format!("new.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o700)
        .open(&unfinished)?;
    io::copy(&mut GzDecoder::new(*gzip), &mut file)?;
    drop(file);
    fs::rename(&unfinished, &place)?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remote_of_this_machine_is_carried_as_it_was_built() {
        let remotes = remotes(None).unwrap();
        let machine = format!("Linux {}", std::env::consts::ARCH);
        let carried = remotes.find(&machine).unwrap();
        let checked = RemoteBinary::new(&carried.triple, carried.gzip.clone()).unwrap();
        assert_eq!((&checked.digest, checked.bytes), (&carried.digest, carried.bytes));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = remotes(Some(Path::new("/nowhere/at/all"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
