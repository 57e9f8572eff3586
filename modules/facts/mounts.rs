//! What is mounted where.

use std::path::{Path, PathBuf};

use protocol::{Json, JsonMap};
use serde_json::json;

use super::Reader;

/// `mounts`: what stands on a device or comes over the network, with sizes in bytes; and what could
/// not be asked for its size.
pub fn read(reader: &Reader<'_>) -> (JsonMap, Vec<String>) {
    let table = reader.text("/etc/mtab").or_else(|| reader.text("/proc/mounts"));
    let table = table.unwrap_or_default();
    let roots = mounted_parts(reader);
    let mut warnings = Vec::new();
    let mut mounts = Vec::new();
    for line in table.lines() {
        let words: Vec<String> = line.split_whitespace().map(unescape).collect();
        let [device, mount, kind, options, rest @ ..] = words.as_slice() else { continue };
        let is_real = device.starts_with(['/', '\\']) || device.contains(":/");
        if !is_real || kind == "none" {
            continue;
        }
        let number =
            |at: usize| rest.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        let is_part = roots.iter().any(|(point, root)| point == mount && root != "/");
        let options = if is_part { format!("{options},bind") } else { options.clone() };
        let mut entry = JsonMap::from_iter([
            ("mount".to_owned(), Json::from(mount.as_str())),
            ("device".to_owned(), device.as_str().into()),
            ("fstype".to_owned(), kind.as_str().into()),
            ("options".to_owned(), options.into()),
            ("dump".to_owned(), number(0).into()),
            ("passno".to_owned(), number(1).into()),
            ("uuid".to_owned(), uuid(reader, device).into()),
        ]);
        match reader.host.space(Path::new(mount)) {
            Ok(Some(space)) => entry.extend(sizes(&space)),
            Ok(None) => {}
            Err(error) => warnings.push(module::failure::chain(&error)),
        }
        mounts.push(Json::Object(entry));
    }
    (JsonMap::from_iter([("mounts".to_owned(), mounts.into())]), warnings)
}

/// How large a file system is, and how much of it is taken.
pub fn sizes(space: &module::kernel::Space) -> JsonMap {
    let bytes = |blocks: u64| blocks.saturating_mul(space.fragment_bytes);
    let facts = json!({
        "size_total": bytes(space.blocks),
        "size_available": bytes(space.blocks_available),
        "block_size": space.block_bytes,
        "block_total": space.blocks,
        "block_available": space.blocks_available,
        "block_used": space.blocks.saturating_sub(space.blocks_available),
        "inode_total": space.inodes,
        "inode_available": space.inodes_available,
        "inode_used": space.inodes.saturating_sub(space.inodes_available),
    });
    match facts {
        Json::Object(facts) => facts,
        _ => JsonMap::new(),
    }
}

/// Where something is mounted, and which part of its file system: `/` for the whole.
fn mounted_parts(reader: &Reader<'_>) -> Vec<(String, String)> {
    let text = reader.text("/proc/self/mountinfo").unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(3);
            let root = unescape(words.next()?);
            Some((unescape(words.next()?), root))
        })
        .collect()
}

/// The identifier of a device's file system, by udev's links.
pub fn uuid(reader: &Reader<'_>, device: &str) -> String {
    let folder = Path::new("/dev/disk/by-uuid");
    let real = |path: &Path| -> Option<PathBuf> { reader.host.real_path(path).ok() };
    let wanted = real(Path::new(device));
    reader
        .names(folder)
        .into_iter()
        .find(|name| wanted.is_some() && real(&folder.join(name)) == wanted)
        .unwrap_or_else(|| "N/A".into())
}

/// Octal escapes, by which blanks stand in the table.
pub fn unescape(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use module::{fake::FakeHost, kernel::Space};

    use super::*;

    #[test]
    fn what_is_mounted_is_told() {
        let mut host = FakeHost::default();
        host.put(
            "/proc/mounts",
            "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw,relatime 0 1\n\
             nas:/vol /mnt/with\\040blank nfs4 ro 0 0\n/dev/sda1 /srv ext4 rw 0 0\nbroken\n",
        );
        host.put(
            "/proc/self/mountinfo",
            "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 1 8:1 /data /srv rw - ext4 /dev/sda1 rw\n",
        );
        host.put("/dev/sda1", "");
        host.put_link("/dev/disk/by-uuid/aa-bb", "../../sda1");
        host.spaces.insert(
            "/".into(),
            Space {
                block_bytes: 4096,
                fragment_bytes: 4096,
                blocks: 100,
                blocks_available: 40,
                inodes: 10,
                inodes_available: 3,
            },
        );
        let (facts, warnings) = read(&Reader::new(&host));
        assert!(warnings.is_empty());
        let mounts = facts["mounts"].as_array().unwrap();
        assert_eq!(mounts.len(), 3);
        assert_eq!(
            mounts[0],
            json!({
                "mount": "/", "device": "/dev/sda1", "fstype": "ext4", "options": "rw,relatime",
                "dump": 0, "passno": 1, "uuid": "aa-bb", "size_total": 409_600,
                "size_available": 163_840, "block_size": 4096, "block_total": 100,
                "block_available": 40, "block_used": 60, "inode_total": 10, "inode_available": 3,
                "inode_used": 7,
            })
        );
        assert_eq!(mounts[1]["mount"], "/mnt/with blank");
        assert_eq!(mounts[1]["uuid"], "N/A");
        assert_eq!(mounts[2]["options"], "rw,bind");
    }
}
