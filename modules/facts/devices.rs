//! Block devices and their partitions.

use std::collections::BTreeMap;

use protocol::{Json, JsonMap};
use serde_json::json;

use super::Reader;

/// Names of udev's folders of links, by what the fact calls them.
const LINKS: [(&str, &str); 3] = [("ids", "by-id"), ("uuids", "by-uuid"), ("labels", "by-label")];

/// The unit of sizes in /sys, whatever the device's own is.
const SECTOR_BYTES: u64 = 512;

/// Names by which devices go besides their own: kind of name, device, names.
type Names = BTreeMap<&'static str, BTreeMap<String, Vec<String>>>;

/// `devices` and `device_links`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let names = link_names(reader);
    let mut devices = JsonMap::new();
    for device in reader.names("/sys/block") {
        let folder = format!("/sys/block/{device}");
        let value = |name: &str| reader.trimmed(format!("{folder}/{name}"));
        let text = |name: &str| value(name).map_or(Json::Null, Json::from);
        let sectors = number(value("size"));
        let scheduler = value("queue/scheduler").unwrap_or_default();
        let chosen = scheduler.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        let discard = value("queue/discard_granularity").unwrap_or_else(|| "0".into());
        let mut facts = json!({
            // What it meant once, today's kernels do not say; playbooks see 1 everywhere.
            "virtual": 1,
            "links": links_of(&names, &device),
            "vendor": text("device/vendor"),
            "model": text("device/model"),
            "sas_address": text("device/sas_address"),
            "sas_device_handle": text("device/sas_device_handle"),
            "removable": text("removable"),
            "support_discard": discard,
            "partitions": partitions(reader, &names, &folder),
            "rotational": text("queue/rotational"),
            "scheduler_mode": chosen.map_or("", |(name, _)| name),
            "sectors": sectors,
            "sectorsize": value("queue/logical_block_size").unwrap_or_else(|| "512".into()),
            "size": human(sectors * SECTOR_BYTES),
            "host": "",
            "holders": holders(reader, &folder),
        });
        if let Json::Object(map) = &mut facts {
            for (fact, files) in
                [("serial", ["device/serial", "serial"]), ("wwn", ["wwid", "device/wwid"])]
            {
                if let Some(found) = files.iter().find_map(|file| value(file)) {
                    map.insert(fact.into(), found.into());
                }
            }
        }
        devices.insert(device, facts);
    }
    let by_kind = |kind: &str| json!(names.get(kind).cloned().unwrap_or_default());
    let links = json!({
        "ids": by_kind("ids"), "uuids": by_kind("uuids"), "labels": by_kind("labels"),
        "masters": by_kind("masters"),
    });
    JsonMap::from_iter([("devices".into(), devices.into()), ("device_links".into(), links)])
}

fn number(text: Option<String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn partitions(reader: &Reader<'_>, names: &Names, folder: &str) -> JsonMap {
    let mut found = JsonMap::new();
    for name in reader.names(folder) {
        let part = format!("{folder}/{name}");
        let Some(start) = reader.trimmed(format!("{part}/start")) else { continue };
        let sectors = number(reader.trimmed(format!("{part}/size")));
        let uuid = names.get("uuids").and_then(|all| all.get(&name)).and_then(|all| all.first());
        found.insert(
            name.clone(),
            json!({
                "links": links_of(names, &name),
                "start": start,
                "sectors": sectors,
                "sectorsize": SECTOR_BYTES,
                "size": human(sectors * SECTOR_BYTES),
                "uuid": uuid,
                "holders": holders(reader, &part),
            }),
        );
    }
    found
}

/// Devices that stand on this one; those of the device mapper by their own names.
fn holders(reader: &Reader<'_>, folder: &str) -> Vec<String> {
    let names = reader.names(format!("{folder}/holders")).into_iter();
    names.map(|name| reader.trimmed(format!("/sys/block/{name}/dm/name")).unwrap_or(name)).collect()
}

fn links_of(names: &Names, device: &str) -> Json {
    let of =
        |kind: &str| names.get(kind).and_then(|all| all.get(device)).cloned().unwrap_or_default();
    json!({
        "ids": of("ids"), "uuids": of("uuids"), "labels": of("labels"), "masters": of("masters"),
    })
}

fn link_names(reader: &Reader<'_>) -> Names {
    let mut names = Names::new();
    for (kind, folder) in LINKS {
        let folder = format!("/dev/disk/{folder}");
        for name in reader.names(&folder) {
            if let Some(device) = reader.link_name(format!("{folder}/{name}")) {
                names.entry(kind).or_default().entry(device).or_default().push(name);
            }
        }
    }
    for master in reader.names("/sys/block") {
        for device in reader.names(format!("/sys/block/{master}/slaves")) {
            names.entry("masters").or_default().entry(device).or_default().push(master.clone());
        }
    }
    names
}

/// A size for people.
fn human(bytes: u64) -> String {
    let units =
        [("EB", 60), ("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("Bytes", 0)];
    let (unit, shift) =
        units.into_iter().find(|(_, shift)| bytes >> shift > 0).unwrap_or(("Bytes", 0));
    // Rounded to two places, for people; the loss is far behind them.
    #[allow(clippy::cast_precision_loss)]
    let value = bytes as f64 / (1_u64 << shift) as f64;
    format!("{value:.2} {unit}")
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn devices_and_partitions_are_told() {
        let mut host = FakeHost::default();
        for (path, content) in [
            ("/sys/devices/pci0/sda/size", "2097152\n"),
            ("/sys/devices/pci0/sda/removable", "0\n"),
            ("/sys/devices/pci0/sda/device/model", "DISK  \n"),
            ("/sys/devices/pci0/sda/queue/scheduler", "none [mq-deadline] kyber\n"),
            ("/sys/devices/pci0/sda/queue/rotational", "1\n"),
            ("/sys/devices/pci0/sda/sda1/start", "2048\n"),
            ("/sys/devices/pci0/sda/sda1/size", "2095104\n"),
            ("/sys/devices/pci0/sda/sda1/holders/dm-0", ""),
            ("/sys/devices/virtual/dm-0/dm/name", "vg-root\n"),
            ("/sys/devices/virtual/dm-0/slaves/sda1", ""),
        ] {
            host.put(path, content);
        }
        host.put_link("/sys/block/sda", "/sys/devices/pci0/sda");
        host.put_link("/sys/block/dm-0", "/sys/devices/virtual/dm-0");
        host.put_link("/dev/disk/by-uuid/aa", "../../sda1");
        let facts = read(&Reader::new(&host));
        let sda = &facts["devices"]["sda"];
        assert_eq!((&sda["size"], &sda["model"]), (&json!("1.00 GB"), &json!("DISK")));
        assert_eq!((&sda["virtual"], &sda["scheduler_mode"]), (&json!(1), &json!("mq-deadline")));
        let part = &sda["partitions"]["sda1"];
        assert_eq!((&part["uuid"], &part["start"]), (&json!("aa"), &json!("2048")));
        assert_eq!(part["holders"], json!(["vg-root"]));
        assert_eq!(part["links"]["masters"], json!(["dm-0"]));
        assert_eq!(facts["devices"]["dm-0"]["virtual"], 1);
        assert_eq!(facts["device_links"]["uuids"], json!({"sda1": ["aa"]}));
    }

    #[test]
    fn sizes_are_written_for_people() {
        for (bytes, text) in [(0, "0.00 Bytes"), (1536, "1.50 KB"), (270_553_174_016, "251.97 GB")]
        {
            assert_eq!(human(bytes), text);
        }
    }
}
