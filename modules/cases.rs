//! How tests run a module by name.

use module::{Mode, fake::FakeHost};
use protocol::{Json, Response, arguments::check};

use crate::CATALOGUE;

/// Checks the arguments (with one more, unless its name is empty) and runs the module.
pub fn run(
    name: &str,
    args: &Json,
    key: &str,
    value: &str,
    mode: Mode,
    host: &mut FakeHost,
) -> Response {
    let entry = CATALOGUE.find(name).unwrap_or_else(|| panic!("no module {name}"));
    let mut given = args.as_object().cloned().unwrap_or_default();
    if !key.is_empty() {
        given.insert(key.into(), value.into());
    }
    match check(&(entry.spec)().arguments, name, &given) {
        Ok(args) => (entry.run)(&args, mode, host),
        Err(errors) => {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Response::failure(all.join("; "))
        }
    }
}
