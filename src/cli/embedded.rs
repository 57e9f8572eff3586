//! The remotes that this program carries inside itself, and those of a folder beside it.

use std::{borrow::Cow, path::Path};

use transport::{RemoteBinaries, RemoteBinary, RemoteError};

/// Triple, SHA-256 and size of the binary, and the binary compressed with gzip. Made by `build.rs`.
const EMBEDDED: &[(&str, &str, usize, &[u8])] = include!(concat!(env!("OUT_DIR"), "/remotes.rs"));

/// The remotes' companions, compressed with gzip.
const COMPANIONS: &[&[u8]] = include!(concat!(env!("OUT_DIR"), "/companions.rs"));

/// The remotes of this program, and those of a folder (`TRUEUP_REMOTES_DIR`), which win.
///
/// # Errors
/// Where the folder or a remote in it cannot be read.
pub fn remotes(folder: Option<&Path>) -> Result<RemoteBinaries, RemoteError> {
    let mut remotes = RemoteBinaries::default();
    for (triple, digest, bytes, gzip) in EMBEDDED {
        remotes.add(RemoteBinary {
            triple: (*triple).to_owned(),
            gzip: Cow::Borrowed(gzip),
            digest: (*digest).to_owned(),
            bytes: *bytes,
        });
    }
    for companion in COMPANIONS {
        remotes.add_companion(*companion);
    }
    if let Some(folder) = folder {
        remotes.add_folder(folder)?;
    }
    Ok(remotes)
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
