//! Inventory plugins that users bring.
//!
//! A plugin reads a source and hands over what a script prints with `--list`: groups with hosts,
//! variables and children, and the variables of hosts.

use std::path::Path;

use protocol::Json;
use source::{Diagnostic, Diagnostics};
use template::Engine;

use crate::{Inventory, load::codes, script};

/// What a plugin makes of a source.
#[derive(Debug)]
pub enum Reading {
    /// There is no plugin of that name.
    Unknown,
    /// The source is none of its own.
    NotMine,
    /// What is in it.
    Read(Json),
    /// Why it could not be read.
    Failed(String),
}

/// Reads sources with plugins of users.
pub trait InventoryPlugins: Send + Sync {
    /// What the plugin of that name makes of a source, given what was read before it.
    fn read(&self, name: &str, source: &str, before: &Inventory) -> Reading;
}

/// Takes what a plugin made of a source into an inventory. Whether it was the plugin's to read.
pub(crate) fn take(
    reading: Reading,
    name: &str,
    source: &str,
    engine: &Engine,
    inventory: &mut Inventory,
    diagnostics: &mut Diagnostics,
) -> bool {
    match reading {
        Reading::Unknown | Reading::NotMine => false,
        Reading::Read(json) => {
            script::read(&json, Path::new(source), engine, inventory, diagnostics);
            true
        }
        Reading::Failed(why) => {
            let message = format!("Failed to parse {source} with {name} plugin: {why}");
            diagnostics.push(Diagnostic::placeless(codes::SCRIPT, message));
            true
        }
    }
}
