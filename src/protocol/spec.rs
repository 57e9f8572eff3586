//! What a module's arguments are: the data behind argument checks, `trueup doc` and
//! `validate_argument_spec`.

use serde::{Deserialize, Serialize};

use crate::{Json, JsonMap};

/// What a module is, as far as anyone who calls it must know.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModuleSpec {
    /// Fully qualified name, such as `ansible.builtin.copy`.
    pub name: String,
    /// One line.
    pub summary: String,
    /// The rest of the description, a paragraph each.
    pub description: Vec<String>,
    /// Arguments in the order of their documentation.
    pub arguments: ArgumentSpec,
    /// Where the work is done.
    pub runs: Runs,
    /// What a check run can tell.
    pub check_mode: Support,
    /// Whether differences are shown.
    pub diff_mode: Support,
    /// What the module takes outside of named arguments, as `command: ls /` does.
    pub free_form: FreeForm,
    /// What the module returns.
    pub returns: Vec<ReturnSpec>,
    /// Examples: a title and the arguments as YAML.
    pub examples: Vec<(String, String)>,
}

/// Where a module does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Runs {
    /// In the remote, on the host.
    #[default]
    Remote,
    /// In the controller; nothing is sent to the host, or nothing but requests of other modules.
    Controller,
}

/// How far something is supported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Support {
    /// In all cases.
    #[default]
    Full,
    /// In some, as the description says.
    Partial,
    /// Not at all.
    None,
}

/// What a module takes outside of named arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum FreeForm {
    /// Nothing: a string is read as `key=value` pairs.
    #[default]
    No,
    /// A text, kept whole under `_raw_params`, from which known `key=value` pairs are taken.
    Raw,
}

/// A set of arguments and the rules between them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArgumentSpec {
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// Of each of these groups at most one may be given.
    pub mutually_exclusive: Vec<Vec<String>>,
    /// Of each of these groups all or none must be given.
    pub required_together: Vec<Vec<String>>,
    /// Of each of these groups at least one must be given.
    pub required_one_of: Vec<Vec<String>>,
    /// Where an argument has a value, others must be given.
    pub required_if: Vec<RequiredIf>,
    /// Where an argument is given, others must be given.
    pub required_by: Vec<(String, Vec<String>)>,
    /// Whether arguments that are not listed are taken as they are.
    pub open: bool,
}

/// A rule: where `argument` is `value`, all (or any) of `required` must be given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequiredIf {
    /// The argument looked at.
    pub argument: String,
    /// The value it must have for the rule to hold.
    pub value: Json,
    /// What must then be given.
    pub required: Vec<String>,
    /// Whether one of them is enough.
    pub any: bool,
}

/// One argument.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Argument {
    /// Canonical name.
    pub name: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// What it holds.
    pub kind: Kind,
    /// What the elements of a list hold.
    pub elements: Option<Kind>,
    /// Whether it must be given.
    pub required: bool,
    /// What it is where it is not given.
    pub default: Option<Json>,
    /// The values it may have; empty for any. For lists: each element.
    pub choices: Vec<Json>,
    /// What is inside a dict, or inside each dict of a list.
    pub options: Option<Box<ArgumentSpec>>,
    /// Whether its value must not be shown.
    pub no_log: bool,
    /// What it means.
    pub description: String,
}

/// What an argument holds, by Ansible's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Str,
    Int,
    Float,
    Bool,
    List,
    Dict,
    Path,
    Raw,
    Json,
    /// JSON given as text or as data, kept as text.
    Jsonarg,
    /// A number with a unit: `10M`.
    Bytes,
    /// The same in bits.
    Bits,
}

/// One return value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReturnSpec {
    /// Its key.
    pub name: String,
    /// What it means.
    pub description: String,
    /// When it is there.
    pub returned: String,
    /// A sample.
    pub sample: Option<Json>,
}

/// Arguments as a task gives them.
pub type Given = JsonMap;
