//! Tests: what stands behind `is`.

mod kinds;
mod network;
mod results;
mod strings;

use crate::engine::Test;

/// Tests of the field that are not done, and why.
pub(crate) const NOT_DONE: &[(&str, &str)] = &[
    ("fqdn_valid", "it needs a Python library"),
    ("a_module", "which modules there are is checked before the run"),
];

/// All tests.
pub(crate) fn all() -> impl Iterator<Item = &'static Test> {
    [kinds::TESTS, network::TESTS, results::TESTS, strings::TESTS].into_iter().flatten()
}

/// A test of what a value is, which what is missing just is not.
const fn of_any(
    name: &'static str,
    run: fn(
        &crate::engine::Call<'_>,
        &crate::value::Value,
        crate::value::Arguments,
    ) -> crate::error::Result<bool>,
) -> Test {
    Test { name, home: "", run, takes_undefined: true }
}

/// A test that is never asked about undefined values.
const fn test(
    name: &'static str,
    run: fn(
        &crate::engine::Call<'_>,
        &crate::value::Value,
        crate::value::Arguments,
    ) -> crate::error::Result<bool>,
) -> Test {
    Test { name, home: "", run, takes_undefined: false }
}

/// A test of ansible.utils.
const fn in_collection(
    name: &'static str,
    run: fn(
        &crate::engine::Call<'_>,
        &crate::value::Value,
        crate::value::Arguments,
    ) -> crate::error::Result<bool>,
) -> Test {
    Test { name, home: "ansible.utils", run, takes_undefined: false }
}
