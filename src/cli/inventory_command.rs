//! `trueup inventory`, and `ansible-inventory`.

use std::sync::Arc;

use inventory::{GroupName, HostName, Inventory, pattern};
use protocol::{Json, JsonMap};
use run::Store;
use template::Tree;

use crate::{
    Failed, Program,
    args::InventoryArgs,
    session::{Places, Session},
    settings::Settings,
};

/// Shows the inventory.
///
/// # Errors
/// Anything that keeps it from being read.
pub fn run(args: InventoryArgs, settings: Settings, program: Program) -> Result<u8, Failed> {
    let chosen = [args.list, args.host.is_some(), args.graph].iter().filter(|c| **c).count();
    if chosen != 1 {
        return Err(Failed::option(
            "No action selected, at least one of --host, --graph or --list needs to be specified.",
        ));
    }
    let exports = args.export || settings.flag("INVENTORY_EXPORT")?.unwrap_or(false);
    let named = args.playbook_dir.clone().or_else(|| settings.path("PLAYBOOK_DIR"));
    let folder = named.clone().unwrap_or_else(|| settings.current_folder.clone());
    // Plugins are looked for beside a playbook that is named, and nowhere else.
    let places = Places { modules: &[], playbooks: named.as_slice() };
    let session = Session::open(&args.inventory, settings, program, &places)?;
    let mut inventory = session.inventory(&args.inventory)?;
    let run_settings = session.run_settings(&args.inventory, &Default::default())?;
    // The tree is always the whole one.
    if let Some(limit) = run_settings.limit.as_ref().filter(|_| !args.graph) {
        let allowed = pattern::resolve(&inventory, limit)
            .map_err(|error| Failed::general(error.to_string()))?;
        let dropped: Vec<HostName> =
            inventory.hosts.keys().filter(|host| !allowed.hosts.contains(host)).cloned().collect();
        for host in dropped {
            inventory.remove_host(host.as_str());
        }
    }
    let store = session.store(inventory, vec![folder])?;
    let inventory = store.inventory();
    let text = if let Some(host) = &args.host {
        let is_local = pattern::LOCALHOST.contains(&host.as_str());
        if !inventory.hosts.contains_key(host.as_str()) && !is_local {
            let message = format!("Could not match supplied host pattern, ignoring: {host}");
            match session.settings.get("HOST_PATTERN_MISMATCH").as_deref() {
                Some("error") => return Err(Failed::general(message)),
                Some("ignore") => {}
                _ => eprintln!("[WARNING]: {message}"),
            }
            return Err(Failed::option("You must pass a single valid host to --host parameter"));
        }
        hold_vars(&store, [HostName::from(host.as_str())].iter(), [].iter())?;
        let vars = if exports { own_vars(&store, host) } else { host_vars(&store, host) };
        write(&args, &Json::Object(vars))?
    } else if args.graph {
        let group = args.group.as_deref().unwrap_or("all");
        if !inventory.groups.contains_key(group) {
            return Err(Failed::option("Pattern must be valid group name when using --graph"));
        }
        if args.vars {
            hold_vars(&store, inventory.hosts.keys(), inventory.groups.keys())?;
        }
        let shown = |vars: JsonMap| -> Vec<(String, String)> {
            let mut vars: Vec<(String, String)> = vars
                .into_iter()
                .map(|(name, value)| (name, template::Value::from_json(&value).to_string()))
                .collect();
            vars.sort();
            vars
        };
        let group_vars = |group: &str| {
            if args.vars { shown(vars_of_group(&store, &inventory, group)) } else { Vec::new() }
        };
        let host_vars = |host: &str| {
            if args.vars { shown(host_vars(&store, host)) } else { Vec::new() }
        };
        inventory::show::graph(&inventory, group, &group_vars, &host_vars)
    } else {
        hold_vars(&store, inventory.hosts.keys(), inventory.groups.keys())?;
        let of_host =
            |host: &str| if exports { own_vars(&store, host) } else { host_vars(&store, host) };
        let of_group = |group: &str| {
            if exports { vars_of_group(&store, &inventory, group) } else { JsonMap::new() }
        };
        let shown = inventory::show::Shown {
            inventory: &inventory,
            host_vars: &of_host,
            group_vars: &of_group,
        };
        let json = if args.toml {
            if let Some(key) = &inventory.odd_name {
                return Err(Failed::general(format!(
                    "The source inventory contains a non-string key ({key}) which cannot be \
                     represented in TOML. Write it as a string where nothing expects another type."
                )));
            }
            shown.tables()
        } else if args.yaml {
            shown.tree()
        } else {
            shown.list()
        };
        write(&args, &json)?
    };
    match &args.output {
        Some(path) => std::fs::write(path, format!("{text}\n")).map_err(|error| {
            Failed::general(format!(
                "Unable to write to destination file ({}): {error}",
                path.display()
            ))
        })?,
        None => println!("{text}"),
    }
    Ok(0)
}

fn write(args: &InventoryArgs, json: &Json) -> Result<String, Failed> {
    let failed = |error: &dyn std::fmt::Display| Failed::general(error.to_string());
    if args.toml {
        let text = inventory::toml::write(json).map_err(|error| failed(&error))?;
        return Ok(text.trim_end().to_owned());
    }
    if args.yaml {
        let value = with_vaults(json);
        let text = template::printed_yaml(&value, 80).map_err(|error| failed(&error))?;
        return Ok(text.trim_end().to_owned());
    }
    Ok(report::json::pretty(json, 4))
}

/// The variables of a group as they were written, its priority among them where it was set.
fn vars_of_group(store: &Store, inventory: &Inventory, group: &str) -> JsonMap {
    const PRIORITY: i64 = 1;
    let mut vars = written(&store.group_vars(&group.into()).unwrap_or_default());
    let priority = inventory.groups.get(group).map_or(PRIORITY, |group| group.priority);
    if priority != PRIORITY {
        vars.insert("ansible_group_priority".into(), priority.into());
    }
    vars
}

/// The variables of a host and its groups as they were written: templates are rendered where they
/// are used.
fn host_vars(store: &Arc<Store>, host: &str) -> JsonMap {
    let layers = store.layers(&HostName::from(host));
    let mut vars = written(&layers.inventory);
    vars.extend(written(&store.extra));
    vars
}

fn own_vars(store: &Arc<Store>, host: &str) -> JsonMap {
    // What cannot be read has ended the command.
    written(&store.own_vars(&HostName::from(host)).unwrap_or_default())
}

/// Ends the command where variables that it shows cannot be read.
fn hold_vars<'a>(
    store: &Store,
    hosts: impl Iterator<Item = &'a HostName>,
    groups: impl Iterator<Item = &'a GroupName>,
) -> Result<(), Failed> {
    let of_hosts = hosts.filter_map(|host| store.broken_vars(host));
    match of_hosts.chain(groups.filter_map(|group| store.group_vars(group).err())).next() {
        Some(why) => Err(Failed::parser(why)),
        None => Ok(()),
    }
}

fn written(vars: &inventory::Vars) -> JsonMap {
    vars.iter().map(|(name, tree)| (name.to_string(), written_tree(tree))).collect()
}

/// A tree as it was written; what is encrypted stays so.
fn written_tree(tree: &Tree) -> Json {
    match tree {
        Tree::Value(value) => value.to_json().unwrap_or_else(|_| Json::String(value.to_string())),
        Tree::Template(template) => Json::String(template.text().to_string()),
        Tree::List(items) => items.iter().map(written_tree).collect(),
        Tree::Dict(entries) => Json::Object(
            entries.iter().map(|(name, tree)| (name.to_string(), written_tree(tree))).collect(),
        ),
        Tree::Secret(secret) => serde_json::json!({ VAULT: secret.ciphertext() }),
    }
}

/// How JSON says that a text is encrypted.
const VAULT: &str = "__ansible_vault";

/// A value for YAML, which has a tag for what is encrypted.
fn with_vaults(json: &Json) -> template::Value {
    use template::{Text, Value};
    match json {
        Json::Object(map) => match map.get(VAULT) {
            Some(Json::String(text)) if map.len() == 1 => {
                Value::Str(Text::decrypted("".into(), text.as_str().into()))
            }
            _ => Value::dict(map.iter().map(|(name, value)| (name.as_str(), with_vaults(value)))),
        },
        Json::Array(items) => Value::list(items.iter().map(with_vaults)),
        other => Value::from_json(other),
    }
}
