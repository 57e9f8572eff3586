//! The program: arguments, settings, commands, exit codes.
//!
//! Start with [`args`] (what can be said), [`settings`] (`ansible.cfg` and the environment),
//! [`session`] (what every command starts from), [`screens`] (what shows a run), and the commands:
//! [`run_command`], [`exec_command`], [`inventory_command`], [`vault_command`], [`config_command`],
//! [`pull_command`], [`doc_command`], [`explain`].
//!
//! This room alone reads the environment and the home folder, and alone knows every other room.

pub mod args;
mod callbacks;
pub mod catalogue;
pub mod collection_runtime;
mod compiling;
pub mod config_command;
pub mod custom_modules;
pub mod demo;
pub mod doc_command;
pub mod embedded;
pub mod exec_command;
pub mod explain;
pub mod extra_vars;
mod fact_caches;
mod foresight;
pub mod galaxy;
pub mod includes;
pub mod inventory_command;
pub mod listing;
pub mod locale;
mod moved;
pub mod program;
pub mod pull_command;
mod python_actions;
pub mod python_bundle;
mod python_connections;
pub mod python_imports;
pub mod python_library;
mod python_packages;
mod python_plugins;
pub mod rejected;
pub mod run_command;
pub mod running;
pub mod screens;
pub mod secrets;
pub mod session;
pub mod settings;
mod short_names;
mod terminal;
pub mod vault_command;
mod warnings;
pub mod world;

use std::{collections::BTreeMap, process::ExitCode};

use clap::{CommandFactory, Parser};
use source::Diagnostics;

pub use program::Program;

/// Why a command did not do what it should, and the exit code that says so.
#[derive(Debug)]
pub struct Failed {
    pub code: u8,
    pub message: String,
}

impl Failed {
    /// What Ansible calls an error: 1.
    pub fn general(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// What is read is wrong: 4.
    pub fn parser(message: impl Into<String>) -> Self {
        Self { code: 4, message: message.into() }
    }

    /// What was said on the command line or in settings is wrong: 5.
    pub fn option(message: impl Into<String>) -> Self {
        Self { code: 5, message: message.into() }
    }
}

impl From<settings::SettingsError> for Failed {
    fn from(error: settings::SettingsError) -> Self {
        Self::option(error.to_string())
    }
}

/// Runs the program under the name that it was called by.
pub fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    start_logging(&environment);
    end_without_reader();
    let program = Program::of(arguments.first().map_or("trueup", String::as_str));
    match dispatch(program, &arguments, environment) {
        Ok(code) => ExitCode::from(code),
        Err(failed) => {
            if !failed.message.is_empty() {
                eprintln!("{}", program.error(&failed.message));
            }
            ExitCode::from(failed.code)
        }
    }
}

/// Who reads no further (`| head`) has seen enough: the program ends as one that SIGPIPE ends, not
/// with the library's panic.
fn end_without_reader() {
    const STATUS: i32 = 128 + 13;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let words = payload.downcast_ref::<String>().map_or("", String::as_str);
        if words.starts_with("failed printing to std") && words.contains("os error 32") {
            std::process::exit(STATUS);
        }
        usual(panic);
    }));
}

/// `TRUEUP_LOG` chooses what is traced, as `RUST_LOG` does for other programs.
fn start_logging(environment: &BTreeMap<String, String>) {
    if let Some(filter) = environment.get("TRUEUP_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .try_init();
    }
}

fn dispatch(
    program: Program,
    arguments: &[String],
    environment: BTreeMap<String, String>,
) -> Result<u8, Failed> {
    if program.is_ansible() {
        // Said as Ansible says what is wrong before it is itself.
        if let Err(failed) = locale::check(&environment) {
            eprintln!("ERROR: {}", failed.message);
            return Err(Failed { message: String::new(), ..failed });
        }
    }
    let current_folder = std::env::current_dir()
        .map_err(|error| Failed::general(format!("there is no current folder: {error}")))?;
    let settings = || settings::Settings::read(environment, current_folder).map_err(Failed::from);
    match program {
        Program::Trueup => {
            let cli = args::Cli::try_parse_from(arguments);
            let cli = match cli {
                Ok(cli) => cli,
                Err(error) => return said(&error, 2),
            };
            let settings = settings()?;
            match cli.command {
                args::Command::Run(args) => run_command::run(*args, settings, program),
                args::Command::Exec(args) => exec_command::run(*args, settings, program),
                args::Command::Inventory(args) => inventory_command::run(*args, settings, program),
                args::Command::Doc(args) => doc_command::run(args, settings),
                args::Command::Vault(args) => vault_command::run(&args, &settings),
                args::Command::Config(args) => config_command::run(&args, settings),
                args::Command::Explain(args) => explain::run(&args),
                args::Command::Pull(args) => pull_command::run(*args, settings, program),
                args::Command::Galaxy(args) => galaxy::run(args, &settings),
                args::Command::Demo(args) => demo::run(&args, &settings),
            }
        }
        Program::AnsiblePlaybook => match parse::<args::RunArgs>(program, arguments)? {
            Ok(args) => run_command::run(args, settings()?, program),
            Err(code) => Ok(code),
        },
        Program::Ansible => match parse::<args::ExecArgs>(program, arguments)? {
            Ok(args) => exec_command::run(args, settings()?, program),
            Err(code) => Ok(code),
        },
        Program::AnsibleInventory => match parse::<args::InventoryArgs>(program, arguments)? {
            Ok(args) => inventory_command::run(args, settings()?, program),
            Err(code) => Ok(code),
        },
        Program::AnsibleDoc => match parse::<args::DocArgs>(program, arguments)? {
            Ok(args) => doc_command::run(args, settings()?),
            Err(code) => Ok(code),
        },
        Program::AnsibleVault => match parse::<vault_command::VaultArgs>(program, arguments)? {
            Ok(args) => vault_command::run(&args, &settings()?),
            Err(code) => Ok(code),
        },
        Program::AnsibleConfig => match parse::<config_command::ConfigArgs>(program, arguments)? {
            Ok(args) => config_command::run(&args, settings()?),
            Err(code) => Ok(code),
        },
        Program::AnsiblePull => match parse::<pull_command::PullArgs>(program, arguments)? {
            Ok(args) => pull_command::run(args, settings()?, program),
            Err(code) => Ok(code),
        },
        Program::AnsibleGalaxy => match parse::<galaxy::GalaxyArgs>(program, arguments)? {
            Ok(args) => galaxy::run(args, &settings()?),
            Err(code) => Ok(code),
        },
        Program::NotYet(name) => {
            Err(Failed::option(format!("Trueup does not stand in for {name} yet")))
        }
    }
}

/// Parses the options of one of Ansible's programs; `Ok(Err(code))` where all was said already.
fn parse<A: clap::Args>(program: Program, arguments: &[String]) -> Result<Result<A, u8>, Failed> {
    let version =
        format!("[core {}]\n  trueup {}", session::ANSIBLE_VERSION, env!("CARGO_PKG_VERSION"));
    let command =
        A::augment_args(clap::Command::new(program.name()).version(version).max_term_width(100));
    match command.try_get_matches_from(arguments) {
        Ok(matches) => match A::from_arg_matches(&matches) {
            Ok(args) => Ok(Ok(args)),
            Err(error) => said(&error, 2).map(Err),
        },
        Err(error) => said(&error, 2).map(Err),
    }
}

/// Prints what clap has to say: help and version are no errors.
fn said(error: &clap::Error, code: u8) -> Result<u8, Failed> {
    let _ = error.print();
    Ok(if error.use_stderr() { code } else { 0 })
}

/// Shows diagnostics on the error stream.
pub fn show(diagnostics: &Diagnostics) {
    for diagnostic in &diagnostics.all {
        eprint!("{}", diagnostic.render());
    }
}

/// Shows what was found in playbooks, in the form of the program that is called: Ansible's errors
/// start with a word that scripts look for.
pub fn show_as(program: Program, diagnostics: &Diagnostics) {
    for diagnostic in &diagnostics.all {
        let text = diagnostic.render();
        let word = match diagnostic.severity {
            source::Severity::Error => format!("error[{}]:", diagnostic.code),
            source::Severity::Warning => format!("warning[{}]:", diagnostic.code),
        };
        let own = match diagnostic.severity {
            source::Severity::Error => "ERROR!",
            source::Severity::Warning => "[WARNING]:",
        };
        match text.strip_prefix(&word).filter(|_| program.is_ansible()) {
            Some(rest) => eprint!("{own}{rest}"),
            None => eprint!("{text}"),
        }
    }
}

/// Diagnostics as text.
pub fn rendered(diagnostics: &Diagnostics) -> String {
    diagnostics.all.iter().map(source::Diagnostic::render).collect::<Vec<_>>().join("\n")
}

/// A text without one pair of quotes around it.
pub fn unquoted(text: &str) -> String {
    playbook::key_value::unquote(text)
}

/// The command line's definition, for documentation and tests.
pub fn command() -> clap::Command {
    args::Cli::command()
}
