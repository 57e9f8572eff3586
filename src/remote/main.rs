//! The program that every host is sent.

use std::process::ExitCode;

fn main() -> ExitCode {
    remote::run(remote::Assortment {
        program: "trueup-remote",
        modules: &[modules::COMMON, modules::INTERNAL],
        rest: Some(modules::companion_of),
    })
}
