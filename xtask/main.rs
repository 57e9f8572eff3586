//! Chores as commands: `cargo xtask test`, `cargo xtask bench`, `cargo xtask hosts`, `cargo xtask
//! remotes`.

mod bench_command;
mod hosts_command;
mod remotes_command;
mod test_command;

use std::{env, process::ExitCode};

use remotes_command::Aim;

const USAGE: &str = "\
usage: cargo xtask test [--quick]     all tests; --quick leaves real hosts and the oracle out
       cargo xtask hosts up N [--python] [--sudo-user NAME [--sudo-password WORD]]
                                      boots N hosts and leaves them running
       cargo xtask hosts list         hosts that `up` has booted
       cargo xtask hosts down [PID]   ends them, or those of one keeper
       cargo xtask remotes [--quick] FOLDER
                                      builds the programs that go to hosts into a folder: small,
                                      or soon
       cargo xtask bench [WORDS]      measures Trueup beside its peers; `--list` shows the workloads";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => return test_command::run(test_command::Scope::All),
        ["test", "--quick"] => return test_command::run(test_command::Scope::Quick),
        ["bench", rest @ ..] => bench_command::run(rest),
        ["hosts", "up", rest @ ..] => hosts_command::up(rest),
        ["hosts", "keep", rest @ ..] => hosts_command::keep(rest),
        ["hosts", "list"] => hosts_command::list(),
        ["hosts", "down"] => hosts_command::down(None),
        ["hosts", "down", keeper] => hosts_command::down(Some(keeper)),
        ["remotes", "--quick", folder] => remotes_command::build(folder, Aim::Quick),
        ["remotes", folder] => remotes_command::build(folder, Aim::Small),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
