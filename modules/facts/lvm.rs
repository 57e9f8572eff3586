//! Volumes of the logical volume manager.

use module::Program;
use protocol::{Json, JsonMap};
use serde_json::json;

use super::Reader;

const OPTIONS: [&str; 7] =
    ["--noheadings", "--nosuffix", "--units", "g", "--separator", ",", "--readonly"];

/// `lvm`; `N/A` to users other than root, and where its tools are missing.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let lvm = if reader.host.effective_uid() == 0 && reader.has_program("vgs") {
        volumes(reader)
    } else {
        "N/A".into()
    };
    JsonMap::from_iter([("lvm".to_owned(), lvm)])
}

fn volumes(reader: &Reader<'_>) -> Json {
    let rows = |tool: &str, fields: &str| -> Vec<Vec<String>> {
        let program = Program::new(tool).args(OPTIONS).args(["-o", fields]);
        let output = reader.output(&program).filter(module::Output::is_success);
        let text = output.map(|output| output.stdout_text()).unwrap_or_default();
        text.lines().map(|line| line.trim().split(',').map(str::to_owned).collect()).collect()
    };
    let (mut groups, mut logical, mut physical) = (JsonMap::new(), JsonMap::new(), JsonMap::new());
    for row in rows("vgs", "vg_name,pv_count,lv_count,vg_size,vg_free") {
        if let [name, pvs, lvs, size, free] = row.as_slice() {
            groups.insert(
                name.clone(),
                json!({"size_g": size, "free_g": free, "num_lvs": lvs, "num_pvs": pvs}),
            );
        }
    }
    if groups.is_empty() {
        return json!({"lvs": {}, "vgs": {}, "pvs": {}});
    }
    for row in rows("lvs", "lv_name,vg_name,lv_size") {
        if let [name, group, size] = row.as_slice() {
            logical.insert(name.clone(), json!({"size_g": size, "vg": group}));
        }
    }
    for row in rows("pvs", "pv_name,vg_name,pv_size,pv_free") {
        if let [name, group, size, free] = row.as_slice() {
            physical.insert(name.clone(), json!({"size_g": size, "free_g": free, "vg": group}));
        }
    }
    json!({"lvs": logical, "vgs": groups, "pvs": physical})
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    #[test]
    fn volumes_are_told() {
        let mut host = FakeHost::default();
        assert_eq!(read(&Reader::new(&host))["lvm"], "N/A");
        host.program("vgs", |_, _| Output::success("  vg0,1,2,9.50,0.50\n"));
        host.program("lvs", |_, _| Output::success("  root,vg0,8.00\n  swap,vg0,1.00\n"));
        host.program("pvs", |_, _| Output::success("  /dev/sda2,vg0,9.50,0.50\n"));
        let facts = read(&Reader::new(&host));
        assert_eq!(facts["lvm"]["vgs"]["vg0"]["num_lvs"], "2");
        assert_eq!(facts["lvm"]["lvs"]["swap"], json!({"size_g": "1.00", "vg": "vg0"}));
        assert_eq!(facts["lvm"]["pvs"]["/dev/sda2"]["vg"], "vg0");
    }
}
