//! What a run would stumble over, as far as the plan and the inventory show it before any host is
//! touched.
//!
//! Ansible meets these things when it gets there, and perhaps never: a task may be skipped, a file
//! may be written on the way. So they are warnings, and where something cannot be known nothing is
//! said. Only a module that can run nowhere is an error.

mod files;
mod handlers;
mod hosts;
mod names;
mod seen;

use std::{path::Path, sync::Arc};

use plan::Play;
use playbook::Compiler;
use run::Store;
use source::{Code, Diagnostic, Diagnostics};

use crate::catalogue::Modules;
use seen::{Seen, SeenTask};

/// A file that a task names and that is not there.
const MISSING_FILE: Code = "W0216";
/// A pattern that matches no host.
const NO_HOST: Code = "W0217";
/// A variable that nothing defines.
const UNDEFINED: Code = "W0218";
/// A mode that is written as a decimal number.
const DECIMAL_MODE: Code = "W0219";

/// What is looked through, and what is known beside it.
pub struct Sight<'a> {
    pub compiler: &'a Compiler,
    pub modules: &'a Modules,
    pub store: &'a Store,
    /// Whether the playbooks are about to be run with all variables that there will be; else what
    /// is missing may come from the command line.
    pub is_complete: bool,
}

/// Looks through plays.
pub fn look(sight: &Sight<'_>, plays: &[Arc<Play>]) -> Diagnostics {
    let mut found = Diagnostics::default();
    let seen: Vec<Seen> = plays.iter().map(|play| Seen::of(play, sight, &mut found)).collect();
    hosts::look(sight, &seen, &mut found);
    names::look(sight, &seen, &mut found);
    files::look(&seen, &mut found);
    for seen in &seen {
        handlers::look(seen, &mut found);
        for task in &seen.tasks {
            decimal_modes(task, &mut found);
            unusable_module(task, sight, &mut found);
        }
    }
    // A role that is used twice is told of once.
    let mut told = std::collections::HashSet::new();
    found.all.retain(|diagnostic| {
        let place = diagnostic.span.as_ref().map(ToString::to_string);
        told.insert((diagnostic.code, place, diagnostic.message.clone()))
    });
    found
}

/// `mode: 644` is the number six hundred and forty-four.
fn decimal_modes(seen: &SeenTask, found: &mut Diagnostics) {
    let action = &seen.task.action;
    if !action.name.starts_with("ansible.builtin.") {
        return;
    }
    for name in ["mode", "directory_mode"] {
        let Some(template::Value::Int(number)) = action.args.get(name).and_then(|t| t.literal())
        else {
            continue;
        };
        let Some(span) = action.arg_spans.get(name) else { continue };
        let written = span.text().trim();
        let looks_octal =
            matches!(written.len(), 3 | 4) && written.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if looks_octal && !written.starts_with('0') {
            let message =
                format!("{name} {written} is a decimal number, which is {number:04o} in octal");
            found.push(
                Diagnostic::warning(DECIMAL_MODE, span, message)
                    .hint(format!("write \"0{written}\", in quotes")),
            );
        }
    }
}

/// A module of Python some of whose imports are nowhere can run on no host.
fn unusable_module(seen: &SeenTask, sight: &Sight<'_>, found: &mut Diagnostics) {
    use run::{custom_module::Speech, execute::Specs};
    let action = &seen.task.action;
    let Some(module) = Specs::custom(sight.modules, &action.name) else { return };
    let Speech::Python(python) = &module.speech else { return };
    let Err(why) = python.bundle() else { return };
    let certain = !seen.is_forgiven && !seen.is_conditional();
    let say = if certain { Diagnostic::error } else { Diagnostic::warning };
    found.push(say(playbook::codes::UNKNOWN_MODULE, &action.span, why.to_owned()));
}

/// The folder of a playbook.
fn folder_of(play: &Play) -> &Path {
    play.playbook.parent().unwrap_or(Path::new(""))
}
