//! Executable inventories: `SCRIPT --list` prints JSON.
//!
//! ```json
//! {"web": {"hosts": ["web1"], "vars": {"tier": "front"}, "children": []},
//!  "db": ["db1"],
//!  "_meta": {"hostvars": {"web1": {"ansible_port": 2222}}}}
//! ```
//!
//! Without `_meta`, `SCRIPT --host NAME` is asked for each host.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use protocol::Json;
use source::{Diagnostic, Diagnostics};
use template::{Engine, Tree, Value};

use crate::{Inventory, load::codes};

/// Whether a file is to be run rather than read: it is executable and no data by its ending.
pub fn is_script(path: &Path) -> bool {
    let is_data = matches!(
        path.extension().and_then(|extension| extension.to_str()),
        Some("yml" | "yaml" | "json" | "toml" | "ini")
    );
    let is_executable = fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    // A data file on a file system without modes is executable too; what is run starts with `#!`
    // or is a binary.
    let starts_as_program =
        fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF"));
    !is_data && is_executable && starts_as_program
}

/// Runs `SCRIPT --list`.
///
/// # Errors
/// In words: it cannot be started, ends with another status than 0, or prints no JSON object.
pub fn run(path: &Path, environment: &[(String, String)]) -> Result<Json, String> {
    let json = execute(path, &["--list"], environment)?;
    let Json::Object(mut object) = json else {
        return Err("it printed no JSON object".into());
    };
    if !object.contains_key("_meta") {
        let mut hostvars = protocol::JsonMap::new();
        for host in hosts_in(&object) {
            let vars = execute(path, &["--host", &host], environment)?;
            hostvars.insert(host, vars);
        }
        object.insert("_meta".into(), serde_json::json!({ "hostvars": hostvars }));
    }
    Ok(Json::Object(object))
}

fn execute(path: &Path, args: &[&str], environment: &[(String, String)]) -> Result<Json, String> {
    let output = Command::new(path)
        .args(args)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, said.trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim().is_empty() && args.first() == Some(&"--host") {
        return Ok(Json::Object(Default::default()));
    }
    serde_json::from_str(&text).map_err(|error| format!("it printed no JSON: {error}"))
}

fn hosts_in(object: &protocol::JsonMap) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for group in object.values() {
        let list = match group {
            Json::Array(list) => Some(list),
            Json::Object(group) => group.get("hosts").and_then(Json::as_array),
            _ => None,
        };
        for host in list.into_iter().flatten().filter_map(Json::as_str) {
            if !hosts.iter().any(|known| known == host) {
                hosts.push(host.to_owned());
            }
        }
    }
    hosts
}

/// Reads what a script printed into an inventory.
pub fn read(
    json: &Json,
    path: &Path,
    engine: &Engine,
    inventory: &mut Inventory,
    diagnostics: &mut Diagnostics,
) {
    let Json::Object(object) = json else { return };
    let mut wrong = |what: String| {
        let message = format!("inventory script {}: {what}", path.display());
        diagnostics.push(Diagnostic::placeless(codes::SCRIPT, message));
    };
    let tree = |json: &Json| {
        let value = Value::from_json(json);
        Tree::from_trusted(&value, engine).unwrap_or(Tree::Value(value))
    };
    for (name, group) in object.iter().filter(|(name, _)| *name != "_meta") {
        let name = inventory.names.kept(name);
        inventory.add_group(&name);
        match group {
            Json::Array(hosts) => {
                for host in hosts.iter().filter_map(Json::as_str) {
                    inventory.add_host_to_group(host, &name);
                }
            }
            Json::Object(group) => {
                for host in list(group.get("hosts")) {
                    inventory.add_host_to_group(host, &name);
                }
                for (variable, value) in map(group.get("vars")) {
                    crate::load::set_group_var(inventory.add_group(&name), variable, tree(value));
                }
                for child in list(group.get("children")) {
                    if let Err(error) = inventory.add_child(&name, child) {
                        wrong(error.to_string());
                    }
                }
                let is_host = !["hosts", "vars", "children"].iter().any(|k| group.contains_key(*k));
                if is_host && !group.is_empty() {
                    // The oldest form: a group of one host with the variables in it.
                    inventory.add_host_to_group(&name, &name);
                    for (variable, value) in group {
                        let host = inventory.add_host(&name);
                        host.vars.insert(Arc::from(variable.as_str()), tree(value));
                    }
                }
            }
            _ => wrong(format!("the group {name} is neither a list nor an object")),
        }
    }
    let meta = map(object.get("_meta"));
    let hostvars = meta.into_iter().find(|(key, _)| *key == "hostvars").map(|(_, vars)| vars);
    for (host, vars) in map(hostvars) {
        for (variable, value) in map(Some(vars)) {
            if let Some(host) = inventory.hosts.get_mut(host.as_str()) {
                host.vars.insert(Arc::from(variable.as_str()), tree(value));
            }
        }
    }
}

fn list(json: Option<&Json>) -> Vec<&str> {
    json.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

fn map(json: Option<&Json>) -> Vec<(&String, &Json)> {
    json.and_then(Json::as_object).into_iter().flatten().collect()
}
