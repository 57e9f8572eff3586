//! Archives of zip: their directory is read here, and `unzip` unpacks them.
//!
//! Source of the format: APPNOTE.TXT of PKWARE, 4.3.12 and 4.3.16.

use std::path::Path;

use flate2::Crc;
use module::{Failure, Host, Program, glob};

use super::{Archive, Comparison, Unarchive};

const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const DIRECTORY_END: &[u8] = b"PK\x05\x06";
/// How far from its end an archive says where its directory is: a comment may follow.
const END_BYTES_MAX: usize = 22 + 65_535;
const COPY_BYTES: usize = 64 * 1024;
const KIND_BITS: u32 = 0o170_000;
const LINK_BITS: u32 = 0o120_000;

/// Something in an archive.
#[derive(Debug, PartialEq)]
struct Member {
    name: String,
    crc: u32,
    size: u64,
    /// As the system that made it has it; 0 where that knows none.
    mode: u32,
}

/// Unpacks.
pub fn extract(task: &Unarchive, archive: &Path) -> Program {
    let how = if task.keep_newer { "-uo" } else { "-o" };
    let mut program = Program::new("unzip").arg(how).args(task.extra_opts.iter().cloned());
    program = program.arg(archive.display().to_string()).args(task.include.iter().cloned());
    if !task.exclude.is_empty() {
        program = program.arg("-x").args(task.exclude.iter().cloned());
    }
    program.arg("-d").arg(task.dest.display().to_string())
}

/// What is in the archive, and what of it differs.
///
/// # Errors
/// What is no archive of zip, or one that leads out of the folder.
pub fn compare(
    task: &Unarchive,
    host: &dyn Host,
    archive: &Archive<'_>,
) -> Result<Comparison, Failure> {
    let members = match archive {
        Archive::Bytes(bytes) => directory(bytes),
        Archive::File(path) => directory(&host.read(path)?.unwrap_or_default()),
    };
    let members = members.ok_or_else(|| {
        Failure::new(format!("the directory of the archive {} cannot be read", task.src.display()))
    })?;
    let is_meant = |member: &&Member| {
        let fits = |pattern: &String| {
            glob::is_match(pattern, &member.name)
                || glob::is_match(pattern, member.name.trim_end_matches('/'))
        };
        !task.exclude.iter().any(fits) && (task.include.is_empty() || task.include.iter().any(fits))
    };
    let mut found = Comparison { files: Vec::new(), differences: Vec::new() };
    for member in members.iter().filter(is_meant) {
        if member.name.starts_with('/') || member.name.split('/').any(|part| part == "..") {
            return Err(Failure::new(format!(
                "the archive leads out of the folder: {}",
                member.name
            )));
        }
        found.files.push(member.name.clone());
        if let Some(difference) = difference(task, host, member)? {
            found.differences.push(format!("{}: {difference}", member.name));
        }
    }
    Ok(found)
}

fn difference(
    task: &Unarchive,
    host: &dyn Host,
    member: &Member,
) -> Result<Option<&'static str>, Failure> {
    let path = task.dest.join(&member.name);
    let Some(there) = host.link_metadata(&path)? else { return Ok(Some("Missing")) };
    if member.mode & KIND_BITS == LINK_BITS {
        if !there.is_link() {
            return Ok(Some("File type differs"));
        }
        let mut crc = Crc::new();
        crc.update(host.read_link(&path)?.as_os_str().as_encoded_bytes());
        return Ok((crc.sum() != member.crc).then_some("Symlink differs"));
    }
    if member.name.ends_with('/') {
        return Ok((!there.is_dir()).then_some("File type differs"));
    }
    if !there.is_file() {
        return Ok(Some("File type differs"));
    }
    if there.size != member.size {
        return Ok(Some("Size differs"));
    }
    let mut crc = Crc::new();
    if let Some(mut file) = host.open(&path)? {
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            crc.update(buffer.get(..count).unwrap_or_default());
        }
    }
    if crc.sum() != member.crc {
        return Ok(Some("Contents differ"));
    }
    // `unzip` sets them as they stand in the archive, whatever the umask.
    let wanted = member.mode & 0o777;
    let is_dressed = member.mode == 0 || task.file.mode.is_some();
    Ok((!is_dressed && there.mode.bits() & 0o777 != wanted).then_some("Mode differs"))
}

/// Names and checksums of what is in an archive; `None` for what is none.
pub fn names_and_checksums(bytes: &[u8]) -> Option<Vec<(String, u32)>> {
    Some(directory(bytes)?.into_iter().map(|member| (member.name, member.crc)).collect())
}

/// What an archive says is in it; `None` where it cannot be read (or has more than 4 GiB or 65,535
/// members, for which the format has other words).
fn directory(bytes: &[u8]) -> Option<Vec<Member>> {
    let from = bytes.len().saturating_sub(END_BYTES_MAX);
    let tail = bytes.get(from..)?;
    let end = from + tail.windows(4).rposition(|four| four == DIRECTORY_END)?;
    let count = short(bytes, end + 10)?;
    let mut at = usize::try_from(long(bytes, end + 16)?).ok()?;
    if count == u16::MAX || at == u32::MAX as usize {
        return None;
    }
    let mut members = Vec::new();
    for _ in 0..count {
        if bytes.get(at..at + 4)? != DIRECTORY_ENTRY {
            return None;
        }
        let is_unix = short(bytes, at + 4)? >> 8 == 3;
        let [name, extra, comment] = [28, 30, 32].map(|field| short(bytes, at + field));
        let (name, extra, comment) =
            (usize::from(name?), usize::from(extra?), usize::from(comment?));
        let text = bytes.get(at + 46..at + 46 + name)?;
        members.push(Member {
            name: String::from_utf8_lossy(text).into_owned(),
            crc: long(bytes, at + 16)?,
            size: u64::from(long(bytes, at + 24)?),
            mode: if is_unix { long(bytes, at + 38)? >> 16 } else { 0 },
        });
        at += 46 + name + extra + comment;
    }
    Some(members)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_has_no_directory() {
        for bytes in
            [&b""[..], b"PK\x05\x06", b"PK\x05\x06aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &[0; 100]]
        {
            assert_eq!(directory(bytes), None);
        }
        assert_eq!(directory(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Some(vec![]));
    }
}
