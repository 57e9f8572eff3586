//! `trueup doc`, and `ansible-doc`: the reference pages, from what the modules say of themselves.

use std::fmt::Write;

use playbook::{Catalogue, collections::Collections};
use protocol::{
    Json,
    spec::{Argument, FreeForm, ModuleSpec, Runs, Support},
};

use crate::{
    Failed, args::DocArgs, catalogue::Modules, custom_modules::ModuleFolders, settings::Settings,
};

/// Shows modules.
///
/// # Errors
/// A module that is not there.
pub fn run(args: DocArgs, _settings: Settings) -> Result<u8, Failed> {
    if args.kind != "module" {
        return plugins(&args);
    }
    let modules = Modules::new(Collections::default(), ModuleFolders::default(), String::new());
    if args.modules.is_empty() || args.list {
        for spec in modules.specs() {
            println!("{:<44} {}", spec.name, spec.summary);
        }
        return Ok(0);
    }
    let mut pages = serde_json::Map::new();
    for name in &args.modules {
        let Some(resolved) = modules.resolve(name, &[]) else {
            let names = modules.names();
            let near = source::nearest::nearest(name, names.iter().map(String::as_str));
            let hint = match near.as_slice() {
                [] => String::new(),
                near => format!(" (did you mean {}?)", near.join(" or ")),
            };
            return Err(Failed::general(format!("module {name} not found{hint}")));
        };
        if args.json {
            let page = serde_json::to_value(&*resolved.spec)
                .map_err(|error| Failed::general(error.to_string()))?;
            pages.insert(resolved.name.to_string(), page);
        } else if args.snippet {
            print!("{}", snippet(&resolved.spec));
        } else {
            print!("{}", page(&resolved.spec));
        }
    }
    if args.json {
        println!("{}", report::json::pretty(&Json::Object(pages), 4));
    }
    Ok(0)
}

/// Lists what there is of a kind besides modules: by name, since they have no pages.
fn plugins(args: &DocArgs) -> Result<u8, Failed> {
    let catalogue = template::Engine::new().catalogue();
    let names: Vec<&str> = match args.kind.as_str() {
        "filter" => catalogue.filters,
        "test" => catalogue.tests,
        "lookup" => catalogue.lookups,
        "become" => vec!["doas", "su", "sudo"],
        "cache" => vec!["jsonfile", "memory"],
        "callback" => crate::screens::names().collect(),
        "connection" => run::entrances::ENTRANCES.iter().copied().chain(["local", "ssh"]).collect(),
        "inventory" => inventory::load::KNOWN.to_vec(),
        "strategy" => run::dispatch::STRATEGIES.to_vec(),
        other => {
            return Err(Failed::option(format!(
                "nothing is known of the type '{other}': there are module, filter, test, lookup, \
                 become, cache, callback, connection, inventory and strategy"
            )));
        }
    };
    if let Some(name) = args.modules.iter().find(|_| !args.list) {
        let short = name.rsplit('.').next().unwrap_or(name);
        let is_there = names.contains(&short);
        return Err(Failed::general(if is_there {
            format!(
                "the {} {short} is there, and does what Ansible's does; it has no page",
                args.kind
            )
        } else {
            format!("{} {name} not found", args.kind)
        }));
    }
    let mut names = names;
    names.sort_unstable();
    if args.json {
        let names: serde_json::Map<String, Json> =
            names.iter().map(|name| ((*name).to_owned(), Json::String(String::new()))).collect();
        println!("{}", report::json::pretty(&Json::Object(names), 4));
    } else {
        names.iter().for_each(|name| println!("{name}"));
    }
    Ok(0)
}

/// The page of a module.
pub fn page(spec: &ModuleSpec) -> String {
    let mut text =
        format!("> {}\n\n  {}.\n", spec.name.to_uppercase(), spec.summary.trim_end_matches('.'));
    for paragraph in spec.description.iter().filter(|paragraph| !paragraph.is_empty()) {
        let _ = writeln!(text, "\n{}", indented(paragraph, 2));
    }
    let support = |support: Support| match support {
        Support::Full => "yes",
        Support::Partial => "partly",
        Support::None => "no",
    };
    let place = match spec.runs {
        Runs::Remote => "on the host",
        Runs::Controller => "in the controller",
    };
    let _ = writeln!(
        text,
        "\n  Runs {place}. Check mode: {}. Differences: {}.",
        support(spec.check_mode),
        support(spec.diff_mode)
    );
    if spec.free_form == FreeForm::Raw {
        text.push_str("  Takes a text outside of named arguments.\n");
    }
    text.push_str("\nOPTIONS (= is mandatory):\n");
    for argument in &spec.arguments.arguments {
        argument_lines(argument, 0, &mut text);
    }
    if !spec.returns.is_empty() {
        text.push_str("\nRETURN VALUES:\n");
        for value in &spec.returns {
            let _ = writeln!(text, "- {}\n{}", value.name, indented(&value.description, 8));
            if !value.returned.is_empty() {
                let _ = writeln!(text, "        returned: {}", value.returned);
            }
        }
    }
    if !spec.examples.is_empty() {
        text.push_str("\nEXAMPLES:\n");
        let short = spec.name.rsplit('.').next().unwrap_or(&spec.name);
        for (title, args) in &spec.examples {
            let _ = writeln!(text, "\n- name: {title}\n  {short}:\n{}", indented(args, 4));
        }
    }
    text.push('\n');
    text
}

fn argument_lines(argument: &Argument, depth: usize, text: &mut String) {
    if argument.name == "_raw_params" {
        return;
    }
    let pad = " ".repeat(depth * 8);
    let mark = if argument.required { '=' } else { '-' };
    let _ = writeln!(text, "\n{pad}{mark} {}", argument.name);
    let inner = depth * 8 + 8;
    if !argument.description.is_empty() {
        let _ = writeln!(text, "{}", indented(&argument.description, inner));
    }
    let pad = " ".repeat(inner);
    if !argument.aliases.is_empty() {
        let _ = writeln!(text, "{pad}aliases: {}", argument.aliases.join(", "));
    }
    if !argument.choices.is_empty() {
        let choices: Vec<String> = argument.choices.iter().map(report::json::line).collect();
        let _ = writeln!(text, "{pad}choices: {}", choices.join(", "));
    }
    if let Some(default) = &argument.default {
        let _ = writeln!(text, "{pad}default: {}", report::json::line(default));
    }
    let kind = format!("{:?}", argument.kind).to_lowercase();
    match argument.elements {
        Some(elements) => {
            let _ =
                writeln!(text, "{pad}type: {kind} of {}", format!("{elements:?}").to_lowercase());
        }
        None => {
            let _ = writeln!(text, "{pad}type: {kind}");
        }
    }
    for option in argument.options.iter().flat_map(|options| &options.arguments) {
        argument_lines(option, depth + 1, text);
    }
}

fn indented(paragraph: &str, by: usize) -> String {
    const COLUMNS: usize = 79;
    let pad = " ".repeat(by);
    let mut lines: Vec<String> = Vec::new();
    for source_line in paragraph.lines() {
        let own = source_line.len() - source_line.trim_start().len();
        let mut line = format!("{pad}{}", " ".repeat(own));
        let start = line.len();
        for word in source_line.split_whitespace() {
            if line.len() > start && line.len() + 1 + word.len() > COLUMNS {
                lines.push(std::mem::replace(&mut line, format!("{pad}{}", " ".repeat(own))));
            }
            if line.len() > start {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// A task to start from.
fn snippet(spec: &ModuleSpec) -> String {
    let short = spec.name.rsplit('.').next().unwrap_or(&spec.name);
    let mut text = format!("- name: {}\n  {short}:\n", spec.summary);
    for argument in spec.arguments.arguments.iter().filter(|a| a.name != "_raw_params") {
        let needed = if argument.required { " (required)" } else { "" };
        let first = argument.description.lines().next().unwrap_or("");
        let _ = writeln!(text, "      {}:   # {}{needed}", argument.name, first);
    }
    text
}
