//! The distribution in the words of the Linux Standard Base.

use module::Program;
use protocol::{Json, JsonMap};

use super::Reader;

/// `lsb`: from /etc/lsb-release, else as `lsb_release` tells it; empty where there is neither.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let mut facts = JsonMap::new();
    for (key, value) in reader.assignments("/etc/lsb-release").unwrap_or_default() {
        let name = match key.as_str() {
            "DISTRIB_ID" => "id",
            "DISTRIB_RELEASE" => "release",
            "DISTRIB_DESCRIPTION" => "description",
            "DISTRIB_CODENAME" => "codename",
            _ => continue,
        };
        facts.insert(name.into(), value.into());
    }
    if facts.is_empty() && reader.has_program("lsb_release") {
        let output = reader.output(&Program::new("lsb_release").arg("-a"));
        let output = output.filter(module::Output::is_success);
        for line in output.map(|output| output.stdout_text()).unwrap_or_default().lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let name = match key.trim() {
                "Distributor ID" => "id",
                "Release" => "release",
                "Description" => "description",
                "Codename" => "codename",
                _ => continue,
            };
            facts.insert(name.into(), value.trim().trim_matches(['"', '\'']).into());
        }
    }
    if let Some(release) = facts.get("release").and_then(Json::as_str) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        facts.insert("major_release".into(), major.into());
    }
    JsonMap::from_iter([("lsb".to_owned(), facts.into())])
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;

    #[test]
    fn both_sources_are_read() {
        let mut host = FakeHost::default();
        assert_eq!(read(&Reader::new(&host))["lsb"], json!({}));
        host.program("lsb_release", |_, _| {
            Output::success(
                "Distributor ID:\tDebian\nDescription:\tDebian GNU/Linux 12 (bookworm)\n\
                 Release:\t12\nCodename:\tbookworm\n",
            )
        });
        assert_eq!(
            read(&Reader::new(&host))["lsb"],
            json!({
                "id": "Debian", "description": "Debian GNU/Linux 12 (bookworm)", "release": "12",
                "codename": "bookworm", "major_release": "12",
            })
        );
        host.put(
            "/etc/lsb-release",
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n\
             DISTRIB_DESCRIPTION=\"Ubuntu 22.04.4 LTS\"\n",
        );
        let facts = read(&Reader::new(&host));
        assert_eq!(facts["lsb"]["description"], "Ubuntu 22.04.4 LTS");
        assert_eq!(facts["lsb"]["major_release"], "22");
    }
}
