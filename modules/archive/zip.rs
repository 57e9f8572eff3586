//! Archives of zip, which are written here: few hosts have a program for them.
//!
//! Source of the format: APPNOTE.TXT of PKWARE, 4.3.7 and 4.3.12 to 4.3.16.

use std::{
    io::{Read, Write},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use flate2::{Compression, Crc, write::DeflateEncoder};
use module::{Failure, Host, clock::local_time, host::READ_BYTES_MAX};

use super::{
    content,
    members::{Member, Members},
};
use crate::unarchive::zip_directory;

/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
const DEFLATED: u16 = 8;
const STORED: u16 = 0;
/// What made it: Unix, by version 2.0 of the format.
const MADE_BY: u16 = 3 << 8 | 20;
const NEEDED: u16 = 20;
const FOLDER_BIT: u32 = 0x10;
const COPY_BYTES: usize = 64 * 1024;

/// Whether an archive holds other names or contents.
///
/// # Errors
/// What cannot be read.
pub fn differs(host: &dyn Host, dest: &Path, members: &Members) -> Result<bool, Failure> {
    let bytes = host.read(dest)?.unwrap_or_default();
    let Some(mut kept) = zip_directory(&bytes) else { return Ok(true) };
    let mut wanted = Vec::new();
    for member in &members.all {
        let mut crc = Crc::new();
        if !member.is_dir {
            let mut file = content(host, &member.path)?;
            let mut buffer = vec![0; COPY_BYTES];
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    count => crc.update(buffer.get(..count).unwrap_or_default()),
                }
            }
        }
        wanted.push((entry_name(member), crc.sum()));
    }
    kept.sort_unstable();
    wanted.sort_unstable();
    Ok(kept != wanted)
}

fn entry_name(member: &Member) -> String {
    if member.is_dir { format!("{}/", member.name) } else { member.name.clone() }
}

/// Date and time as DOS has them, in steps of two seconds from 1980 on.
fn dos_time(host: &dyn Host, modified: Duration) -> (u16, u16) {
    let time = local_time(host, UNIX_EPOCH + modified);
    let year = u16::try_from((time.year - 1980).clamp(0, 127)).unwrap_or_default();
    let date = year << 9 | u16::from(time.month) << 5 | u16::from(time.day);
    let clock =
        u16::from(time.hour) << 11 | u16::from(time.minute) << 5 | u16::from(time.second / 2);
    (clock, date)
}

/// An archive in the making.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Writer {
    fn add(&mut self, host: &dyn Host, member: &Member) -> Result<(), Failure> {
        let too_large = || {
            Failure::new(format!(
                "an archive of zip with more than {READ_BYTES_MAX} bytes or 65534 members is not implemented; one of tar has no such limit"
            ))
        };
        let name = entry_name(member);
        let found = host.metadata(&member.path)?;
        let found =
            found.ok_or_else(|| Failure::new(format!("{} is gone", member.path.display())))?;
        let (clock, date) = dos_time(host, found.modified);
        let (mut crc, mut size, mut packed) = (Crc::new(), 0_u64, Vec::new());
        if !member.is_dir {
            let mut file = content(host, &member.path)?;
            let mut encoder = DeflateEncoder::new(&mut packed, Compression::default());
            let mut buffer = vec![0; COPY_BYTES];
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                let part = buffer.get(..count).unwrap_or_default();
                crc.update(part);
                size += count as u64;
                if size > u64::from(u32::MAX)
                    || self.bytes.len() as u64 + size / 1000 > READ_BYTES_MAX
                {
                    return Err(too_large());
                }
                encoder.write_all(part)?;
            }
            encoder.finish()?;
        }
        let at = self.bytes.len() as u64;
        if at + packed.len() as u64 > READ_BYTES_MAX || self.count == u16::MAX - 1 {
            return Err(too_large());
        }
        let method = if member.is_dir { STORED } else { DEFLATED };
        let length = u16::try_from(name.len()).map_err(|_| {
            Failure::new(format!("{name} is too long a name for an archive of zip"))
        })?;
        let mut head = Vec::new();
        for field in [NEEDED, FLAGS, method, clock, date] {
            head.extend(field.to_le_bytes());
        }
        for field in [u64::from(crc.sum()), packed.len() as u64, size] {
            head.extend((field as u32).to_le_bytes());
        }
        head.extend(length.to_le_bytes());
        // No extra field.
        head.extend([0; 2]);
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&head);
        // No comment, the first disk, no attributes of DOS.
        self.directory.extend([0; 6]);
        let kind = if member.is_dir { 0o040_000 } else { 0o100_000 };
        let mode = (kind | found.mode.bits()) << 16 | if member.is_dir { FOLDER_BIT } else { 0 };
        self.directory.extend(mode.to_le_bytes());
        self.directory.extend((at as u32).to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(head);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        self.count += 1;
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        let (at, size) = (self.bytes.len() as u32, self.directory.len() as u32);
        self.bytes.extend(self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0; 2]);
        self.bytes
    }
}

/// Makes the archive, in memory.
///
/// # Errors
/// What cannot be read, and what is too large.
pub fn pack(host: &dyn Host, members: &Members) -> Result<Vec<u8>, Failure> {
    let mut writer = Writer::default();
    for member in &members.all {
        writer.add(host, member)?;
    }
    Ok(writer.finish())
}
