//! The binary that is put on hosts: frames in, modules run, frames out.
//!
//! Start with [`session`] (the frames of one stream), then [`work`] (one request), [`courier`]
//! (files that stream beside it), [`inbox`] (what a request has been sent), [`detached`] (requests
//! that run on as jobs) and [`companion`] (what few hosts need, and is not in this binary).
//!
//! One thread reads frames, one works off requests in the order of their arrival. Nothing here
//! knows a network, a template or a playbook. When the stream ends, children are killed and the
//! process ends; jobs alone go on.

mod companion;
mod courier;
mod detached;
mod inbox;
mod session;
mod work;

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    process::ExitCode,
};

const USAGE: &str = "\
trueup-remote: answers trueup's controller on stdin and stdout

  trueup-remote               serve the frames on stdin
  trueup-remote --frames FILE serve the frames in a file, for tests
  trueup-remote --job         run the one request on stdin, and leave its result in a file
  trueup-remote --version     print the version
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let input: Box<dyn Read> = match words.as_slice() {
        [] => Box::new(io::stdin()),
        ["--frames", path] => match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                let _ = writeln!(io::stderr(), "trueup-remote: cannot open {path}: {error}");
                return ExitCode::FAILURE;
            }
        },
        [detached::FLAG] => {
            return match detached::serve(&mut io::stdin(), io::stdout()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            };
        }
        ["--version"] => {
            let _ = writeln!(io::stdout(), "{}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        _ => {
            let _ = write!(io::stderr(), "{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match session::serve(BufReader::new(input), Box::new(io::stdout())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "trueup-remote: {error}");
            ExitCode::FAILURE
        }
    }
}
