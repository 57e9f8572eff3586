//! What is put on hosts: frames in, modules run, frames out.
//!
//! Every host is sent `trueup-remote` (`main.rs`), which has the modules that most hosts need; those
//! that need others are sent `trueup-rare` (`rare.rs`) or `trueup-engines` (`engines.rs`) too. All are
//! this room with other modules.
//!
//! Start with [`session`] (the frames of one stream), then [`work`] (one request), [`courier`]
//! (files that stream beside it), [`inbox`] (what a request has been sent), [`detached`] (requests
//! that run on as jobs), [`guard`] (changes that are undone unless they are confirmed), [`companion`] (what few hosts need, and is not in the remote) and
//! [`relay`] (requests that a companion answers).
//!
//! One thread reads frames, one works off requests in the order of their arrival. Nothing here
//! knows a network, a template or a playbook. When the stream ends, children are killed and the
//! process ends; jobs alone go on.

mod companion;
mod courier;
mod detached;
mod guard;
mod inbox;
mod relay;
mod session;
mod work;

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    process::ExitCode,
};

use std::path::PathBuf;

use module::{Catalogue, Entry};

use crate::{relay::Relay, session::Ending};

const USAGE: &str = "\
answers trueup's controller on stdin and stdout

  PROGRAM               serve the frames on stdin
  PROGRAM --frames FILE serve the frames in a file, `-` for stdin, and end with their answers
  PROGRAM --letters     the same for stdin, with frames as lines of text
  PROGRAM --rare FILE   serve the frames on stdin; other modules are in that program, for tests
  PROGRAM --job         run the one request on stdin, and leave its result in a file
  PROGRAM --undo        undo the change on stdin unless it is confirmed
  PROGRAM --version     print the version
";

/// What one of the programs that are put on hosts has.
#[derive(Clone, Copy, Debug)]
pub struct Assortment {
    /// Its name.
    pub program: &'static str,
    /// Its modules.
    pub modules: &'static [Catalogue],
    /// Which companion has another module.
    pub rest: Option<fn(&str) -> &'static str>,
}

impl Assortment {
    fn find(&self, name: &str) -> Option<&'static Entry> {
        self.modules.iter().find_map(|catalogue| catalogue.find(name))
    }
}

/// One of the programs that are put on hosts, from its arguments to its end.
pub fn run(assortment: Assortment) -> ExitCode {
    let program = assortment.program;
    let mut relay = Relay::default();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    session::leave_closed_folder();
    let mut output: Box<dyn Write + Send> = Box::new(io::stdout());
    let mut ending = Ending::WithInput;
    let input: Box<dyn Read> = match words.as_slice() {
        [] => Box::new(io::stdin()),
        [session::LETTERS] => {
            relay = Relay::without_stream();
            ending = Ending::WithAnswers;
            output = Box::new(session::Letters(output));
            let mut text = Vec::new();
            if let Err(error) = io::stdin().read_to_end(&mut text) {
                let _ = writeln!(io::stderr(), "{program}: {error}");
                return ExitCode::FAILURE;
            }
            Box::new(io::Cursor::new(protocol::letter::bytes(&text)))
        }
        [session::FRAMES, "-"] => {
            ending = Ending::WithAnswers;
            Box::new(io::stdin())
        }
        ["--rare", path] => {
            relay = Relay::to(PathBuf::from(path));
            Box::new(io::stdin())
        }
        [session::FRAMES, path] => match File::open(path) {
            Ok(file) => {
                ending = Ending::WithAnswers;
                Box::new(file)
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "{program}: cannot open {path}: {error}");
                return ExitCode::FAILURE;
            }
        },
        [detached::FLAG] => {
            return match detached::serve(assortment, &mut io::stdin(), io::stdout()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            };
        }
        [guard::FLAG] => {
            return match guard::serve(&mut io::stdin(), io::stdout()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            };
        }
        ["--version"] => {
            let _ = writeln!(io::stdout(), "{}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        _ => {
            let _ = write!(io::stderr(), "{program}: {USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match session::serve(assortment, relay, BufReader::new(input), output, ending) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
