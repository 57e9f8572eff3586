//! What the firmware says of the machine.

use protocol::JsonMap;

use super::Reader;

const FILES: [(&str, &str); 17] = [
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// Chassis by their numbers in the SMBIOS specification (DSP0134, 7.4.1).
const FORM_FACTORS: [&str; 37] = [
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

/// `bios_*`, `board_*`, `chassis_*`, `product_*`, `system_vendor` and `form_factor`; `NA` for what
/// only root may read, and where there is no such firmware.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let value = |name: &str| reader.trimmed(format!("/sys/devices/virtual/dmi/id/{name}"));
    let mut facts: JsonMap = FILES
        .iter()
        .map(|(fact, file)| ((*fact).to_owned(), value(file).unwrap_or_else(|| "NA".into()).into()))
        .collect();
    let form = value("chassis_type").map(|number| {
        let known = number.parse::<usize>().ok().and_then(|at| FORM_FACTORS.get(at));
        known.map_or(number.clone(), |name| (*name).to_owned())
    });
    facts.insert("form_factor".into(), form.unwrap_or_else(|| "NA".into()).into());
    facts
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn the_firmware_is_read() {
        let mut host = FakeHost::default();
        host.put("/sys/devices/virtual/dmi/id/chassis_type", "23\n");
        host.put("/sys/devices/virtual/dmi/id/sys_vendor", "Dell Inc.\n");
        host.put("/sys/devices/virtual/dmi/id/product_serial", " \n");
        let facts = read(&Reader::new(&host));
        assert_eq!(facts["form_factor"], "Rack Mount Chassis");
        assert_eq!(facts["system_vendor"], "Dell Inc.");
        assert_eq!(facts["product_serial"], "NA");
        host.put("/sys/devices/virtual/dmi/id/chassis_type", "99\n");
        assert_eq!(read(&Reader::new(&host))["form_factor"], "99");
    }
}
