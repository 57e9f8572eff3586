//! Filters, in families.

pub mod address;
pub mod comment;
mod community;
pub mod digest;
mod interchange;
pub mod numbers;
pub mod password;
pub mod paths;
mod pretty;
pub mod random;
pub mod regex;
mod sequences;
pub mod sets;
mod text;
mod text_split;
pub mod time;
pub mod truth;
mod urlize;
mod vault;
mod windows;
pub mod yaml;

use crate::{
    engine::{Call, Filter, Input},
    error::Result,
    value::{Arguments, Value},
};

/// Filters of the field that are not done, and why.
pub(crate) const NOT_DONE: &[(&str, &str)] = &[
    ("parse_cli", "network devices are not managed"),
    ("parse_cli_textfsm", "network devices are not managed"),
    ("parse_xml", "network devices are not managed"),
];

/// All filters.
pub(crate) fn all() -> impl Iterator<Item = &'static Filter> {
    [
        address::FILTERS,
        comment::FILTERS,
        community::FILTERS,
        digest::FILTERS,
        interchange::FILTERS,
        numbers::FILTERS,
        password::FILTERS,
        paths::FILTERS,
        random::FILTERS,
        regex::FILTERS,
        sequences::FILTERS,
        sets::FILTERS,
        text::FILTERS,
        text_split::FILTERS,
        time::FILTERS,
        truth::FILTERS,
        urlize::FILTERS,
        vault::FILTERS,
        windows::FILTERS,
    ]
    .into_iter()
    .flatten()
}

type Run = fn(&Call<'_>, Value, Arguments) -> Result<Value>;

/// A filter of ansible.builtin or Jinja that is never called with an undefined value.
const fn filter(name: &'static str, run: Run) -> Filter {
    Filter { name, home: "", run, input: Input::Defined }
}

/// A filter that looks at undefined values itself.
const fn lenient(name: &'static str, run: Run) -> Filter {
    Filter { name, home: "", run, input: Input::Any }
}

/// A filter of texts alone.
const fn of_text(name: &'static str, run: Run) -> Filter {
    Filter { name, home: "", run, input: Input::Text }
}

/// A filter of a collection.
const fn of(home: &'static str, name: &'static str, run: Run) -> Filter {
    Filter { name, home, run, input: Input::Defined }
}
