//! What is known of a setting.

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Text,
    /// As it is written.
    Raw,
    /// Words with commas between them.
    List,
    Path,
    /// A folder in which one of its own is made for each run.
    TmpPath,
    /// Paths with colons between them.
    PathSpec,
    /// Paths with commas between them.
    PathList,
    Dict,
}

impl Kind {
    /// The name that Ansible's listings have for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "boolean",
            Kind::Int => "integer",
            Kind::Float => "float",
            Kind::Text => "string",
            Kind::Raw => "raw",
            Kind::List => "list",
            Kind::Path => "path",
            Kind::TmpPath => "tmppath",
            Kind::PathSpec => "pathspec",
            Kind::PathList => "pathlist",
            Kind::Dict => "dict",
        }
    }
}

/// What becomes of a setting here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is followed.
    Here,
    /// It says how Ansible works inside, or how it looks: nothing is lost without it.
    Inside,
    /// It is not followed, which is said to whoever sets it.
    Nowhere,
}

/// A setting of ansible-core.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    /// As JSON.
    pub default: &'static str,
    pub meaning: Meaning,
    /// Environment variables; of several that are set the last counts.
    pub environment: &'static [&'static str],
    /// Sections and keys in the configuration file; of several the last counts.
    pub file: &'static [(&'static str, &'static str)],
    /// Variables of hosts that say it as well.
    pub variables: &'static [&'static str],
    /// All values there are; empty where any will do.
    pub choices: &'static [&'static str],
}

/// An option of a plugin that settings can say.
#[derive(Clone, Copy, Debug)]
pub struct PluginOption {
    /// `connection`, `become`, …
    pub plugin_kind: &'static str,
    pub plugin: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    /// As JSON.
    pub default: &'static str,
    pub environment: &'static [&'static str],
    pub file: &'static [(&'static str, &'static str)],
    pub variables: &'static [&'static str],
    pub choices: &'static [&'static str],
}

impl PluginOption {
    /// The option as a setting, by the option's own name.
    pub fn setting(&self) -> Setting {
        Setting {
            name: self.name,
            kind: self.kind,
            default: self.default,
            meaning: Meaning::Here,
            environment: self.environment,
            file: self.file,
            variables: self.variables,
            choices: self.choices,
        }
    }
}
