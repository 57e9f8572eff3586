//! ansible-core's own integration targets, run with `trueup` under Ansible's names.
//!
//! Start with [`options`] (what is asked for), then [`source`] (ansible-core's source package,
//! fetched with pip; nothing of it is kept in this repository), [`target`] (the list of targets and
//! how each is called) and [`sandbox`] (a booted host for each).
//!
//! A target passes when it ends with status 0 in its time and about as many tasks were `ok` as with
//! ansible-core itself, so that a program that does nothing passes none.

mod options;
mod sandbox;
mod source;
mod target;

use std::{
    fs,
    io::Write,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use options::{Options, USAGE};
use sandbox::{Outcome, Program, Sandbox};
use target::Target;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::read(&words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// The status where no target could be run at all: no hosts, no package, no network.
const CANNOT_RUN: u8 = 2;

/// Runs the targets that are asked for; whether all of those that must pass did.
fn run(options: &Options) -> Result<bool, String> {
    let targets = options.choose(&target::all()?);
    if targets.is_empty() {
        return Err("no target fits".to_owned());
    }
    let missing = hosts::requirements();
    if !missing.is_empty() {
        return Err(format!("hosts cannot be booted here: {}", missing.join("; ")));
    }
    let trees = source::trees()?;
    for target in &targets {
        if !trees.targets.join(&target.name).is_dir() {
            return Err(format!("ansible-core's package has no target {}", target.name));
        }
    }
    let program = if options.is_reference {
        Program::Reference { tree: sandbox::reference()? }
    } else {
        Program::Under { test: options.program()? }
    };
    let logs = options.logs.clone().unwrap_or_else(|| source::folder().join("logs"));
    fs::create_dir_all(&logs).map_err(|why| format!("{}: {why}", logs.display()))?;
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<(&Target, Outcome)>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let sandbox = Sandbox { target, trees: &trees, program: &program, logs: &logs };
                    let outcome = sandbox.run();
                    println!("{}", outcome.line(target));
                    let _ = std::io::stdout().flush();
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((target, outcome));
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("\nlogs: {}", logs.display());
    if let Some(why) = all_broken(&outcomes) {
        return Err(format!("no target could be run: {why}"));
    }
    for (title, fits) in groups() {
        let of: Vec<_> = outcomes.iter().filter(|(target, _)| fits(target)).collect();
        let passed = of.iter().filter(|(_, outcome)| outcome.is_pass()).count();
        if !of.is_empty() {
            println!("{title:<28} {passed:>4} of {:>4} pass", of.len());
        }
    }
    if !options.expects {
        return Ok(outcomes.iter().all(|(_, outcome)| outcome.is_pass()));
    }
    let passing = target::passing();
    let mut holds = true;
    for (target, outcome) in &outcomes {
        let is_expected = passing.contains(&target.name.as_str());
        match (is_expected, outcome.is_pass()) {
            (true, false) => {
                println!("LOST: {} is in passing.txt and does not pass", target.name);
                holds = false;
            }
            (false, true) => println!("NEW: {} passes and is not in passing.txt", target.name),
            _ => {}
        }
    }
    Ok(holds)
}

/// Why nothing could be run, where that is so.
fn all_broken<'a>(outcomes: &'a [(&Target, Outcome)]) -> Option<&'a str> {
    let mut whys = outcomes.iter().map(|(_, outcome)| match outcome {
        Outcome::Broken(why) => Some(why.as_str()),
        Outcome::Ended { .. } => None,
    });
    let first = whys.next().flatten();
    first.filter(|_| whys.all(|why| why.is_some()))
}

type Group = (String, Box<dyn Fn(&Target) -> bool>);

fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = vec![("all".to_owned(), Box::new(|_| true))];
    groups
        .push(("without a Python plugin".to_owned(), Box::new(|target| target.needs != "pyplug")));
    for category in ["language", "module", "cli", "unlisted"] {
        groups.push((category.to_owned(), Box::new(move |target| target.category == category)));
        for needs in ["-", "pymod", "pyplug"] {
            let title = format!("  {category}, needs {needs}");
            let fits = move |target: &Target| target.category == category && target.needs == needs;
            groups.push((title, Box::new(fits)));
        }
    }
    groups
}
