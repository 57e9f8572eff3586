//! Hosts, groups, and their variables.
//!
//! Start with [`Inventory`] (the model), [`load`] (sources to inventory: INI, YAML, host lists,
//! scripts, folders; [`constructed`] and [`generator`] make more of them), [`pattern`] (`web:&prod:!down` to hosts) and [`vars_files`] (`group_vars` and
//! `host_vars`).
//!
//! Variables are kept as trees that have not been rendered: this room does not know in whose scope
//! they will be.

pub mod brought;
pub mod constructed;
pub mod generator;
pub mod group_names;
pub mod host_range;
pub mod ini;
pub mod layers;
pub mod load;
pub mod model;
pub mod pattern;
pub mod script;
pub mod show;
pub mod toml;
pub mod vars_files;
pub mod yaml;

pub use load::{InventoryError, LoadSettings};
pub use model::{Group, GroupName, Host, HostName, Inventory, Vars};
