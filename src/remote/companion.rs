//! Programs that stand beside the remote on hosts that need them.
//!
//! A companion is built before the remote, which carries its digest and no more. It is asked for
//! like any other file, by that digest, when a request first needs it; then it stays beside the
//! remote, in a folder of this user alone.

use std::{
    env, fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use module::machine::Courier;
use protocol::Digest;

/// The digest of each companion as it travels, compressed with gzip; the build sets it.
const COMPANIONS: &[(&str, Option<&str>)] = &[
    ("tls", option_env!("TRUEUP_TLS_DIGEST")),
    ("rare", option_env!("TRUEUP_RARE_DIGEST")),
    ("engines", option_env!("TRUEUP_ENGINES_DIGEST")),
];

/// The most bytes of a companion as it travels.
const GZIP_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where a companion is; it is fetched where it is not there yet.
///
/// # Errors
/// A remote that was built without it, a controller that does not have it, a folder that cannot be
/// written.
pub fn put_in_place(name: &str, courier: &dyn Courier) -> io::Result<PathBuf> {
    let known = COMPANIONS.iter().find(|(known, _)| *known == name);
    let digest = known.and_then(|(_, digest)| *digest).ok_or_else(|| {
        io::Error::other(format!("this remote was built without its companion trueup-{name}"))
    })?;
    let own = env::current_exe()?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    let place = folder.join(format!("{name}-{digest}"));
    if place.is_file() {
        return Ok(place);
    }
    let mut gzip = Vec::new();
    let content = courier.fetch(&Digest(digest.to_owned()))?;
    // To the very end, where the digest is checked.
    content.take(GZIP_BYTES_MAX).read_to_end(&mut gzip)?;
    let unfinished = folder.join(format!("new.{}.{name}", std::process::id()));
    let written = write(&unfinished, &gzip).and_then(|()| fs::rename(&unfinished, &place));
    if let Err(why) = written {
        // There may be none.
        let _ = fs::remove_file(&unfinished);
        return Err(why);
    }
    Ok(place)
}

fn write(path: &Path, gzip: &[u8]) -> io::Result<()> {
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o700).open(path)?;
    io::copy(&mut GzDecoder::new(gzip), &mut file)?;
    file.flush()
}
