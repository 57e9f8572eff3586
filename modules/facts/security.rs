//! What the kernel enforces.

use module::Program;
use protocol::{Json, JsonMap};
use serde_json::json;

use super::Reader;

/// `apparmor`.
pub fn apparmor(reader: &Reader<'_>) -> JsonMap {
    let is_there = reader.exists("/sys/kernel/security/apparmor");
    let status = if is_there { "enabled" } else { "disabled" };
    JsonMap::from_iter([("apparmor".to_owned(), json!({"status": status}))])
}

/// `fips`.
pub fn fips(reader: &Reader<'_>) -> JsonMap {
    let is_on = reader.trimmed("/proc/sys/crypto/fips_enabled").as_deref() == Some("1");
    JsonMap::from_iter([("fips".to_owned(), is_on.into())])
}

/// `selinux`; `selinux_python_present` is always true, for nothing here needs Python's library.
pub fn selinux(reader: &Reader<'_>) -> JsonMap {
    let mut facts = JsonMap::from_iter([("selinux_python_present".to_owned(), true.into())]);
    let mounted = ["/sys/fs/selinux", "/selinux"];
    let Some(folder) = mounted.iter().find(|folder| reader.exists(format!("{folder}/enforce")))
    else {
        facts.insert("selinux".into(), json!({"status": "disabled"}));
        return facts;
    };
    let config = reader.assignments("/etc/selinux/config").unwrap_or_default();
    let configured = |key: &str| {
        let found = config.iter().find(|(known, _)| known == key);
        found.map_or("unknown", |(_, value)| value.as_str()).to_owned()
    };
    let mode = match reader.trimmed(format!("{folder}/enforce")).as_deref() {
        Some("1") => "enforcing",
        Some("0") => "permissive",
        _ => "unknown",
    };
    let version = reader.trimmed(format!("{folder}/policyvers"));
    let version = version.and_then(|text| text.parse::<u32>().ok());
    facts.insert(
        "selinux".into(),
        json!({
            "status": "enabled",
            "mode": mode,
            "config_mode": configured("SELINUX"),
            "type": configured("SELINUXTYPE"),
            "policyvers": version.map_or(Json::from("unknown"), Json::from),
        }),
    );
    facts
}

/// `system_capabilities` and `system_capabilities_enforced`, as `capsh` tells them.
pub fn capabilities(reader: &Reader<'_>) -> JsonMap {
    if !reader.has_program("capsh") {
        return JsonMap::new();
    }
    let output = reader.output(&Program::new("capsh").arg("--print"));
    let text = output.map(|output| output.stdout_text()).unwrap_or_default();
    let current = text.lines().find_map(|line| line.strip_prefix("Current:"));
    let (enforced, names): (&str, Vec<&str>) = match current.map(str::trim) {
        None => ("NA", Vec::new()),
        Some("=ep") => ("False", Vec::new()),
        Some(current) => {
            let names = current.split('=').nth(1).unwrap_or_default();
            ("True", names.split(',').map(str::trim).collect())
        }
    };
    JsonMap::from_iter([
        ("system_capabilities_enforced".to_owned(), enforced.into()),
        ("system_capabilities".to_owned(), names.into()),
    ])
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    #[test]
    fn selinux_is_read_from_its_file_system() {
        let mut host = FakeHost::default();
        assert_eq!(selinux(&Reader::new(&host))["selinux"], json!({"status": "disabled"}));
        host.put("/sys/fs/selinux/enforce", "1");
        host.put("/sys/fs/selinux/policyvers", "33");
        host.put("/etc/selinux/config", "# x\nSELINUX=permissive\nSELINUXTYPE=targeted\n");
        assert_eq!(
            selinux(&Reader::new(&host))["selinux"],
            json!({
                "status": "enabled", "mode": "enforcing", "config_mode": "permissive",
                "type": "targeted", "policyvers": 33,
            })
        );
    }

    #[test]
    fn capabilities_are_read() {
        let mut host = FakeHost::default();
        assert!(capabilities(&Reader::new(&host)).is_empty());
        for (said, enforced, names) in [
            ("Current: =ep\n", "False", json!([])),
            ("Current: =ep cap_sys_resource-ep\n", "True", json!(["ep cap_sys_resource-ep"])),
            ("Current: = cap_chown,cap_kill+ep\n", "True", json!(["cap_chown", "cap_kill+ep"])),
            ("", "NA", json!([])),
        ] {
            host.program("capsh", move |_, _| Output::success(said));
            let facts = capabilities(&Reader::new(&host));
            assert_eq!(facts["system_capabilities_enforced"], enforced, "{said}");
            assert_eq!(facts["system_capabilities"], names, "{said}");
        }
    }
}
