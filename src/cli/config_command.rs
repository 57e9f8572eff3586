//! `trueup config`, and `ansible-config`: what is set, where, and what could be.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use protocol::{Json, JsonMap};
use template::Value;

use crate::{
    Failed,
    settings::{
        GalaxyServer, InForce, Setting, Settings, catalogue,
        in_force::{all, described},
        plugins,
    },
};

#[derive(Args, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub action: ConfigAction,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// List all settings: types, defaults, and where they can be said.
    List(Chosen),
    /// Show what is in force, and where it comes from.
    Dump(DumpArgs),
    /// Show the configuration file.
    View(Chosen),
    /// Write a configuration file to start from.
    Init(InitArgs),
    /// Check the configuration file for what nobody knows.
    Validate(Chosen),
}

#[derive(Args, Debug)]
pub struct Chosen {
    /// Configuration file, instead of the first that is found.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Kind of plugin: base, all, become, connection, shell, …
    #[arg(short = 't', long = "type", value_name = "KIND", default_value = "base")]
    pub kind: String,
    /// How it is written.
    #[arg(short = 'f', long = "format", value_name = "FORMAT")]
    pub format: Option<String>,
    /// Plugins of that kind.
    #[arg(value_name = "PLUGIN")]
    pub plugins: Vec<String>,
}

#[derive(Args, Debug)]
pub struct DumpArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Only what is not the default.
    #[arg(long = "only-changed", visible_alias = "changed-only")]
    pub only_changed: bool,
}

#[derive(Args, Debug)]
pub struct InitArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Write all as comments.
    #[arg(long)]
    pub disabled: bool,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or a setting that is wrong.
pub fn run(args: &ConfigArgs, settings: Settings) -> Result<u8, Failed> {
    let chosen = match &args.action {
        ConfigAction::List(chosen)
        | ConfigAction::View(chosen)
        | ConfigAction::Validate(chosen) => chosen,
        ConfigAction::Dump(dump) => &dump.chosen,
        ConfigAction::Init(init) => &init.chosen,
    };
    let settings = match &chosen.config {
        Some(path) => {
            let path = settings.expand(&path.to_string_lossy());
            let path = std::path::absolute(&path).unwrap_or(path);
            if !path.is_file() {
                return Err(Failed::option(format!(
                    "The provided configuration file is missing or not accessible: {}",
                    path.display()
                )));
            }
            let ending = path.extension().and_then(|ending| ending.to_str());
            if !matches!(ending, Some("ini" | "cfg")) {
                return Err(Failed::option(format!(
                    "Unsupported configuration file extension for {}: {}",
                    path.display(),
                    ending.unwrap_or_default()
                )));
            }
            settings.with_file(path)?
        }
        None => settings,
    };
    if chosen.kind == "base" && !chosen.plugins.is_empty() {
        return Err(Failed::option("Specific plugins need the kind of plugin: say it with -t"));
    }
    if args.verbose > 0 {
        println!("{}", settings.file_words());
    }
    let text = match &args.action {
        ConfigAction::List(chosen) => list(chosen)?,
        ConfigAction::Dump(dump) => dumped(dump, &settings)?,
        ConfigAction::View(_) => match settings.text_of_file()? {
            Some((_, text)) => text.trim_end().to_owned(),
            None => return Err(Failed::general("Invalid or no config file was supplied")),
        },
        ConfigAction::Init(init) => initial(init)?,
        ConfigAction::Validate(chosen) => return validate(&settings, chosen),
    };
    println!("{text}");
    Ok(0)
}

/// The settings or options of a choice, by group: the base's have no name.
fn groups(chosen: &Chosen) -> Result<Vec<(String, Vec<Setting>)>, Failed> {
    let mut groups: Vec<(String, Vec<Setting>)> = Vec::new();
    if matches!(chosen.kind.as_str(), "base" | "all") {
        groups.push((String::new(), catalogue::ALL.to_vec()));
    }
    let mut is_known = !groups.is_empty();
    for option in plugins::ALL {
        if chosen.kind != "all" && option.plugin_kind != chosen.kind {
            continue;
        }
        is_known = true;
        if !chosen.plugins.is_empty() && !chosen.plugins.iter().any(|name| name == option.plugin) {
            continue;
        }
        let name = format!("{}/{}", option.plugin_kind, option.plugin);
        match groups.last_mut().filter(|(last, _)| *last == name) {
            Some((_, options)) => options.push(option.setting()),
            None => groups.push((name, vec![option.setting()])),
        }
    }
    if !is_known {
        return Err(Failed::option(format!(
            "settings of {} plugins are not known here",
            chosen.kind
        )));
    }
    Ok(groups)
}

fn yaml(json: &Json) -> Result<String, Failed> {
    let text = serde_yaml::to_string(json).map_err(|error| Failed::general(error.to_string()))?;
    Ok(text.trim_end().to_owned())
}

fn list(chosen: &Chosen) -> Result<String, Failed> {
    let mut shown = JsonMap::new();
    for (group, settings) in groups(chosen)? {
        let mut entries = JsonMap::new();
        for known in &settings {
            entries.insert(known.name.to_owned(), Json::Object(described(known)));
        }
        if group.is_empty() {
            shown.extend(entries);
        } else {
            shown.insert(group, Json::Object(entries));
        }
    }
    match chosen.format.as_deref() {
        None | Some("yaml") => yaml(&Json::Object(shown)),
        Some("json") => Ok(report::json::pretty(&Json::Object(shown), 4)),
        Some(other) => Err(Failed::option(format!("the format is '{other}': it is json or yaml"))),
    }
}

/// The configuration file, as it stands among the settings.
fn file_of(settings: &Settings) -> Json {
    settings.file.as_ref().map_or(Json::Null, |path| path.display().to_string().into())
}

fn dumped(dump: &DumpArgs, settings: &Settings) -> Result<String, Failed> {
    let mut shown: Vec<(String, Vec<(String, InForce)>)> = Vec::new();
    for (group, known) in groups(&dump.chosen)? {
        let mut values: Vec<(String, InForce)> = Vec::new();
        if group.is_empty() {
            for (known, value) in all(settings)? {
                values.push((known.name.to_owned(), value));
            }
            let file = InForce { value: file_of(settings), origin: String::new() };
            values.push(("CONFIG_FILE".into(), file));
            values.sort_by(|a, b| a.0.cmp(&b.0));
        } else {
            for known in &known {
                values.push((known.name.to_owned(), settings.in_force(known)?));
            }
        }
        if dump.only_changed {
            values.retain(|(_, value)| value.is_changed());
        }
        if !values.is_empty() {
            shown.push((group, values));
        }
    }
    let mut servers = Vec::new();
    if matches!(dump.chosen.kind.as_str(), "base" | "all") {
        servers = settings.galaxy_servers()?;
        if dump.only_changed {
            servers.iter_mut().for_each(|(_, keys)| keys.retain(|(_, value)| value.is_changed()));
        }
    }
    let entry = |(name, value): &(String, InForce)| serde_json::json!({"name": name, "origin": value.origin, "value": value.value});
    match dump.chosen.format.as_deref() {
        None | Some("display") => {
            let mut lines = Vec::new();
            let mut last_kind = String::new();
            for (group, values) in &shown {
                if let Some((kind, plugin)) = group.split_once('/') {
                    if kind != last_kind {
                        lines.push(format!(
                            "\n{}:\n{}",
                            kind.to_uppercase(),
                            "=".repeat(kind.len())
                        ));
                        kind.clone_into(&mut last_kind);
                    }
                    lines.push(format!("\n{plugin}:\n{}", "_".repeat(plugin.len())));
                }
                for (name, value) in values {
                    let text = Value::from_json(&value.value).to_string();
                    lines.push(format!("{name}({}) = {text}", value.origin));
                }
            }
            if !servers.is_empty() {
                lines.push("\nGALAXY_SERVERS:\n".to_owned());
            }
            for (server, keys) in &servers {
                lines.push(format!("\n{server}\n{}", "=".repeat(server.len())));
                for (key, value) in keys {
                    let text = Value::from_json(&value.value).to_string();
                    lines.push(format!("{key}({}) = {text}", value.origin));
                }
            }
            Ok(lines.join("\n"))
        }
        Some(format @ ("json" | "yaml")) => {
            let mut items: Vec<Json> = Vec::new();
            for (group, values) in &shown {
                let entries: Vec<Json> = values.iter().map(entry).collect();
                match group.split_once('/') {
                    None => items.extend(entries),
                    Some((_, plugin)) => items.push(serde_json::json!({ plugin: entries })),
                }
            }
            if !servers.is_empty() {
                let servers: JsonMap = servers.iter().map(server).collect();
                items.push(serde_json::json!({ "GALAXY_SERVERS": servers }));
            }
            let items = Json::Array(items);
            if format == "json" { Ok(report::json::pretty(&items, 4)) } else { yaml(&items) }
        }
        Some(other) => {
            Err(Failed::option(format!("the format is '{other}': it is json, yaml or display")))
        }
    }
}

/// A server, each key with its name, value and origin, and a type that is not told.
fn server((name, keys): &GalaxyServer) -> (String, Json) {
    let key = |(key, value): &(&str, InForce)| {
        ((*key).to_owned(), serde_json::json!([key, value.value, value.origin, null]))
    };
    (name.clone(), Json::Object(keys.iter().map(key).collect()))
}

/// A default as it is written into a file.
fn written(known: &Setting) -> String {
    let json: Json = serde_json::from_str(known.default).unwrap_or(Json::Null);
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.replace("{home}", "~/.ansible"),
        Json::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|i| Value::from_json(i).to_string()).collect();
            items.join(", ")
        }
        other => Value::from_json(&other).to_string(),
    }
}

fn initial(init: &InitArgs) -> Result<String, Failed> {
    let format = init.chosen.format.as_deref().unwrap_or("ini");
    let all: Vec<Setting> = groups(&init.chosen)?.into_iter().flat_map(|(_, all)| all).collect();
    let mut lines: Vec<String> = Vec::new();
    match format {
        "ini" => {
            let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
            // Options of several plugins may be one key.
            let mut seen = std::collections::HashSet::new();
            for known in &all {
                let Some((section, key)) = known.file.last() else { continue };
                if !seen.insert((*section, *key)) {
                    continue;
                }
                let mark = if init.disabled { ";" } else { "" };
                let entry = format!(
                    "# ({}) {}\n{mark}{key}={}\n",
                    known.kind.name(),
                    known.name,
                    written(known)
                );
                match sections.iter_mut().find(|(name, _)| name == section) {
                    Some((_, entries)) => entries.push(entry),
                    None => sections.push((section, vec![entry])),
                }
            }
            for (section, entries) in sections {
                lines.push(format!("[{section}]"));
                lines.extend(entries);
            }
        }
        "env" | "vars" => {
            for known in &all {
                let names = if format == "env" { known.environment } else { known.variables };
                let Some(name) = names.last() else { continue };
                let mark = if init.disabled { "#" } else { "" };
                let text = written(known);
                let line = if format == "env" {
                    let quoted = if text
                        .contains(|c: char| !c.is_ascii_alphanumeric() && !"._-/".contains(c))
                    {
                        format!("'{}'", text.replace('\'', r"'\''"))
                    } else {
                        text
                    };
                    format!("{mark}{name}={quoted}")
                } else {
                    format!("{mark}{name}: {text}")
                };
                lines.push(format!("# {} ({})\n{line}\n", known.name, known.kind.name()));
            }
        }
        other => {
            return Err(Failed::option(format!("the format is '{other}': it is ini, env or vars")));
        }
    }
    Ok(lines.join("\n").trim_end().to_owned())
}

fn validate(settings: &Settings, chosen: &Chosen) -> Result<u8, Failed> {
    let mut wrong: Vec<String> = Vec::new();
    match chosen.format.as_deref() {
        None | Some("ini") => {
            for (section, key) in settings.unknown_keys() {
                wrong.push(format!(
                    "Found unknown configuration entry '{key}' in section '{section}'"
                ));
            }
        }
        Some("env") => {
            for name in settings.unknown_variables() {
                wrong.push(format!("Found unknown environment variable '{name}'"));
            }
        }
        Some(other) => {
            return Err(Failed::option(format!("the format is '{other}': it is ini or env")));
        }
    }
    for known in catalogue::ALL {
        if let Err(error) = settings.in_force(known) {
            wrong.push(error.to_string());
        }
    }
    if wrong.is_empty() {
        println!("All configurations seem valid!");
        return Ok(0);
    }
    Err(Failed::general(wrong.join("\n")))
}
