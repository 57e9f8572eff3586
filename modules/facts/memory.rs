//! Memory and swap.

use std::collections::BTreeMap;

use protocol::{Json, JsonMap};
use serde_json::json;

use super::Reader;

/// `memtotal_mb`, `memfree_mb`, `swaptotal_mb`, `swapfree_mb` and `memory_mb`, in units of 1024
/// kilobytes.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let Some(text) = reader.text("/proc/meminfo") else { return JsonMap::new() };
    let sizes: BTreeMap<&str, u64> = text
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            Some((key, value.split_whitespace().next()?.parse::<u64>().ok()? / 1024))
        })
        .collect();
    let size = |key: &str| sizes.get(key).copied().unwrap_or_default();
    let (total, free) = (size("MemTotal"), size("MemFree"));
    let (swap_total, swap_free) = (size("SwapTotal"), size("SwapFree"));
    let free_for_programs = free + size("Cached") + size("Buffers");
    let facts = [
        ("memtotal_mb", total.into()),
        ("memfree_mb", free.into()),
        ("swaptotal_mb", swap_total.into()),
        ("swapfree_mb", swap_free.into()),
        (
            "memory_mb",
            json!({
                "real": {"total": total, "used": total.saturating_sub(free), "free": free},
                "nocache": {
                    "free": free_for_programs,
                    "used": total.saturating_sub(free_for_programs),
                },
                "swap": {
                    "total": swap_total,
                    "free": swap_free,
                    "used": swap_total.saturating_sub(swap_free),
                    "cached": size("SwapCached"),
                },
            }),
        ),
    ];
    facts.into_iter().map(|(name, value): (&str, Json)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn sizes_are_in_megabytes() {
        let mut host = FakeHost::default();
        host.put(
            "/proc/meminfo",
            "MemTotal:       2048000 kB\nMemFree:         512000 kB\nBuffers:  1024 kB\n\
             Cached:  102400 kB\nSwapTotal:       1024000 kB\nSwapFree:        1024000 kB\nx\n",
        );
        let facts = read(&Reader::new(&host));
        assert_eq!(facts["memtotal_mb"], 2000);
        assert_eq!(facts["memory_mb"]["nocache"], json!({"free": 601, "used": 1399}));
        assert_eq!(facts["memory_mb"]["swap"]["used"], 0);
    }
}
