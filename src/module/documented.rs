//! What a module says of itself.

use protocol::spec::{FreeForm, ModuleSpec, ReturnSpec, Runs, Support};

use crate::Arguments;

/// A module's name and all that is known of it without a host. Its doc comment and those of its
/// fields are the rest of its page.
pub trait Documented: Arguments {
    /// Fully qualified name.
    const NAME: &'static str;
    /// Other names under which tasks find the module, besides the last part of its name and
    /// `ansible.legacy`.
    const ALIASES: &'static [&'static str] = &[];
    /// Shown on the module's page and run by the tests.
    const EXAMPLES: &'static [Example];
    /// What is returned besides `changed`, `failed`, `msg` and `diff`.
    const RETURNS: &'static [Returned] = &[];
    /// What a check run can tell.
    const CHECK_MODE: Support = Support::Full;
    /// Whether differences are shown.
    const DIFF_MODE: Support = Support::Full;
    /// What is taken outside of named arguments.
    const FREE_FORM: FreeForm = FreeForm::No;
    /// Where the work is done.
    const RUNS: Runs = Runs::Remote;
}

/// A titled task.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What it is for.
    pub title: &'static str,
    /// The arguments as JSON, which is YAML.
    pub args: &'static str,
}

/// A return value: name, meaning, and when it is there.
#[derive(Clone, Copy, Debug)]
pub struct Returned {
    /// Its key.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
    /// When it is there.
    pub when: &'static str,
    /// A sample, as JSON.
    pub sample: &'static str,
}

impl Returned {
    /// A return value with a sample in JSON.
    pub const fn new(
        name: &'static str,
        description: &'static str,
        when: &'static str,
        sample: &'static str,
    ) -> Self {
        Self { name, description, when, sample }
    }
}

/// All that is known of a module, as data.
pub fn spec_of<D: Documented>() -> ModuleSpec {
    let mut paragraphs = D::description().into_iter().map(str::to_owned);
    ModuleSpec {
        name: D::NAME.into(),
        summary: paragraphs.next().unwrap_or_default(),
        description: paragraphs.collect(),
        arguments: D::spec(),
        runs: D::RUNS,
        check_mode: D::CHECK_MODE,
        diff_mode: D::DIFF_MODE,
        free_form: D::FREE_FORM,
        returns: D::RETURNS
            .iter()
            .map(|one| ReturnSpec {
                name: one.name.into(),
                description: one.description.into(),
                returned: one.when.into(),
                sample: serde_json::from_str(one.sample).ok(),
            })
            .collect(),
        examples: D::EXAMPLES.iter().map(|one| (one.title.into(), one.args.into())).collect(),
    }
}
