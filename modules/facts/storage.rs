//! Names by which the host is known to storage on the network.

use protocol::JsonMap;

use super::Reader;

/// `iscsi_iqn`.
pub fn iscsi(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/etc/iscsi/initiatorname.iscsi").unwrap_or_default();
    let name = text.lines().find_map(|line| line.trim().strip_prefix("InitiatorName="));
    JsonMap::from_iter([("iscsi_iqn".to_owned(), name.unwrap_or_default().trim().into())])
}

/// `hostnqn`.
pub fn nvme(reader: &Reader<'_>) -> JsonMap {
    let text = reader.text("/etc/nvme/hostnqn").unwrap_or_default();
    let name = text.lines().map(str::trim).find(|line| line.starts_with("nqn."));
    JsonMap::from_iter([("hostnqn".to_owned(), name.unwrap_or_default().into())])
}

/// `fibre_channel_wwn`.
pub fn fibre_channel(reader: &Reader<'_>) -> JsonMap {
    let folder = "/sys/class/fc_host";
    let names: Vec<String> = reader
        .names(folder)
        .iter()
        .filter_map(|host| reader.trimmed(format!("{folder}/{host}/port_name")))
        .map(|name| name.trim_start_matches("0x").to_owned())
        .collect();
    JsonMap::from_iter([("fibre_channel_wwn".to_owned(), names.into())])
}
