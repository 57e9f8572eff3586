//! The companion with the modules of [`modules::ENGINES`]: the remote starts it where it meets a
//! request for a module that it does not have, and hands the request on.

use std::process::ExitCode;

fn main() -> ExitCode {
    remote::run(remote::Assortment {
        program: "trueup-engines",
        modules: &[modules::ENGINES],
        rest: None,
    })
}
