//! Modules that may not be used: `plugin_filters_cfg`.
//!
//! ```yaml
//! filter_version: 1.0
//! module_rejectlist: [raw]
//! ```

use std::path::PathBuf;

use protocol::Json;

use crate::{Failed, settings::Settings};

/// Where the list is looked for unless settings say otherwise.
const DEFAULT_PATH: &str = "/etc/ansible/plugin_filters.yml";

/// Names of modules that the reject list holds.
///
/// # Errors
/// The file cannot be read, or rejects a module that nothing works without.
pub fn modules(settings: &Settings) -> Result<Vec<String>, Failed> {
    let named = settings.path("PLUGIN_FILTERS_CFG");
    let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_PATH));
    if !path.is_file() {
        if named.is_some() {
            eprintln!(
                "[WARNING]: The plugin filter file, {} does not exist. Skipping.",
                path.display()
            );
        }
        return Ok(Vec::new());
    }
    let wrong = |why: String| {
        Failed::general(format!("The plugin filter file, {} is wrong: {why}", path.display()))
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let names = parse(&text).map_err(wrong)?;
    if names.iter().any(|name| name == "stat") {
        return Err(Failed::general(format!(
            "The stat module was specified in the module reject list file, {}, but Ansible will not \
             function without the stat module.  Please remove stat from the reject list.",
            path.display()
        )));
    }
    Ok(names)
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let json: Json = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    match json.get("filter_version") {
        Some(Json::Number(number)) if number.as_f64() == Some(1.0) => {}
        Some(Json::String(version)) if version.trim() == "1.0" => {}
        Some(other) => return Err(format!("filter_version {other} is not understood")),
        None => return Err("filter_version is missing".into()),
    }
    match json.get("module_rejectlist").or_else(|| json.get("module_blacklist")) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(names)) => names
            .iter()
            .map(|name| match name {
                Json::String(name) => {
                    Ok(name.strip_prefix("ansible.builtin.").unwrap_or(name).to_owned())
                }
                other => Err(format!("module_rejectlist holds {other}, which is no name")),
            })
            .collect(),
        Some(other) => Err(format!("module_rejectlist is a list, this is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_what_is_wrong_is_said() {
        let good = "filter_version: 1.0\nmodule_rejectlist: [ansible.builtin.raw, copy]\n";
        assert_eq!(parse(good).unwrap(), ["raw", "copy"]);
        assert_eq!(parse("filter_version: '1.0'\nmodule_rejectlist:\n").unwrap(), [""; 0]);
        let cases = [
            ("module_rejectlist: []", "filter_version is missing"),
            ("filter_version: 2", "filter_version 2 is not understood"),
            ("filter_version: 1.0\nmodule_rejectlist: x", "is a list"),
            ("filter_version: 1.0\nmodule_rejectlist: [1]", "which is no name"),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
