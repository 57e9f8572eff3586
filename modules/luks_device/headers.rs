//! What stands at the start of a device with a container.

use std::{io::Read, path::Path};

use module::{Failure, Host, Program};

use super::{Format, cryptsetup};
use crate::tool;

/// What the first header of a container starts with, and the second of LUKS2
/// (`LUKS2 On-Disk Format`, 2.1).
const MAGICS: [&[u8; 6]; 2] = [b"LUKS\xba\xbe", b"SKUL\xba\xbe"];

/// Where the second header may stand: behind a first one of any size that there is.
const SECONDS: [usize; 9] =
    [0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x10_0000, 0x20_0000, 0x40_0000];

/// Whether there is a container on a device.
pub fn is_container(host: &dyn Host, device: &str) -> Result<bool, Failure> {
    Ok(tool::ask_whether(host, &cryptsetup(["isLuks", device]))?.is_some())
}

/// The format of a device's container, where there is one.
pub fn format(host: &dyn Host, device: &str) -> Result<Option<Format>, Failure> {
    let text = tool::ask_whether(host, &cryptsetup(["luksDump", device]))?.unwrap_or_default();
    let version = text.lines().find_map(|line| line.strip_prefix("Version:"));
    Ok(match version.map(str::trim) {
        Some("1") => Some(Format::Luks1),
        Some("2") => Some(Format::Luks2),
        _ => None,
    })
}

/// The slots of a device's container that have a key.
pub fn slots(host: &dyn Host, device: &str) -> Result<Vec<i64>, Failure> {
    Ok(parse_slots(&tool::ask(host, &cryptsetup(["luksDump", device]))?))
}

/// `Key Slot 0: ENABLED` in LUKS1; in LUKS2 a line `  0: luks2` below `Keyslots:`.
pub fn parse_slots(text: &str) -> Vec<i64> {
    let (mut slots, mut is_below) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Key Slot ") {
            let number =
                rest.strip_suffix(": ENABLED").and_then(|number| number.parse::<i64>().ok());
            slots.extend(number);
        } else if !line.starts_with([' ', '\t']) {
            is_below = line.starts_with("Keyslots:");
        } else if is_below && line.starts_with("  ") && !line.starts_with("   ") {
            let number =
                line.trim().split(':').next().and_then(|number| number.parse::<i64>().ok());
            slots.extend(number);
        }
    }
    slots
}

/// Takes away what `wipefs` leaves of headers.
pub fn wipe(host: &mut dyn Host, device: &str) -> Result<(), Failure> {
    let mut start = Vec::new();
    let last = SECONDS[SECONDS.len() - 1] as u64;
    if let Some(file) = host.open(Path::new(device))? {
        let read = file.take(last + 6).read_to_end(&mut start);
        read.map_err(|error| Failure::new(format!("{device} cannot be read: {error}")))?;
    }
    let stands = |at: usize, magic: &[u8; 6]| start.get(at..at + 6) == Some(magic.as_slice());
    let first = stands(0, MAGICS[0]).then_some(0);
    let seconds = SECONDS.into_iter().filter(|at| stands(*at, MAGICS[1]));
    for at in first.into_iter().chain(seconds) {
        let target = format!("of={device}");
        let words = ["if=/dev/zero", &target, "bs=1", "count=6", "conv=notrunc", "status=none"];
        let program = Program::new("dd").args(words).arg(format!("seek={at}"));
        tool::run(host, &program)?;
    }
    Ok(())
}
