//! `trueup inventory`, and `ansible-inventory`.

use std::sync::Arc;

use inventory::{HostName, pattern};
use protocol::{Json, JsonMap};
use run::{Store, magic::host_scope};
use template::Scope;

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
    if args.toml {
        return Err(Failed::option("--toml is not there yet; use --yaml or JSON"));
    }
    let session = Session::open(&args.inventory, settings, program, &Places::default())?;
    let mut inventory = session.inventory(&args.inventory)?;
    let run_settings = session.run_settings(&args.inventory, &Default::default())?;
    if let Some(limit) = &run_settings.limit {
        let allowed = pattern::resolve(&inventory, limit)
            .map_err(|error| Failed::general(error.to_string()))?;
        let dropped: Vec<HostName> =
            inventory.hosts.keys().filter(|host| !allowed.hosts.contains(host)).cloned().collect();
        for host in dropped {
            inventory.remove_host(host.as_str());
        }
    }
    let folder = args
        .playbook_dir
        .clone()
        .or_else(|| session.settings.path("PLAYBOOK_DIR"))
        .unwrap_or_else(|| session.settings.current_folder.clone());
    let store = session.store(inventory, vec![folder])?;
    let inventory = store.inventory();
    let text = if let Some(host) = &args.host {
        if !inventory.hosts.contains_key(host.as_str()) {
            return Err(Failed::option("You must pass a single valid host to --host parameter"));
        }
        write(&args, &Json::Object(host_vars(&store, host)))?
    } else if args.graph {
        let group = args.group.as_deref().unwrap_or("all");
        if !inventory.groups.contains_key(group) {
            return Err(Failed::option("Pattern must be valid group name when using --graph"));
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
            if args.vars { shown(group_vars(&store, group)) } else { Vec::new() }
        };
        let host_vars = |host: &str| {
            if args.vars { shown(host_vars(&store, host)) } else { Vec::new() }
        };
        inventory::show::graph(&inventory, group, &group_vars, &host_vars)
    } else if args.yaml || args.export {
        return Err(Failed::option("--yaml and --export with --list are not there yet"));
    } else {
        write(&args, &inventory::show::list(&inventory, &|host| host_vars(&store, host)))?
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
    if args.yaml {
        let text =
            serde_yaml::to_string(json).map_err(|error| Failed::general(error.to_string()))?;
        return Ok(text.trim_end().to_owned());
    }
    Ok(report::json::pretty(json, 4))
}

/// The variables of a host, templates rendered as far as they can be.
fn host_vars(store: &Arc<Store>, host: &str) -> JsonMap {
    let layers = store.layers(&HostName::from(host));
    let names: Vec<Arc<str>> = layers.inventory.keys().chain(store.extra.keys()).cloned().collect();
    let scope = host_scope(store, layers);
    rendered(&scope, &names)
}

fn group_vars(store: &Arc<Store>, group: &str) -> JsonMap {
    let vars = store.group_vars(&group.into());
    let names: Vec<Arc<str>> = vars.keys().cloned().collect();
    let scope = Scope::new(Arc::clone(&store.engine), Arc::clone(&store.surroundings))
        .push(Arc::new(vars))
        .push(store.extra.clone());
    rendered(&scope, &names)
}

/// What cannot be rendered without a play is shown as it was written.
fn rendered(scope: &Scope, names: &[Arc<str>]) -> JsonMap {
    let mut vars = JsonMap::new();
    for name in names {
        let tree = scope.tree(name);
        let json = scope.get(name).and_then(|value| value.to_json().ok());
        let json = json.or_else(|| tree.map(|tree| Json::String(plan::written(&tree))));
        vars.insert(name.to_string(), json.unwrap_or(Json::Null));
    }
    vars
}
