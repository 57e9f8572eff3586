//! `cargo xtask bench`: Trueup beside its peers, on the same hosts, in one run.
//!
//! Runs of the tools alternate, so that what else the machine does meets all of them; ratios of one
//! run are what counts. After each run the hosts are read: a tool that did not do the work has no
//! figure. Needs root on Debian, and PyPI for the peers.

mod ground;
mod meter;
mod step;
mod table;
mod tool;
mod workload;

mod relay;

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use crate::{
    ground::{Ground, Reach},
    meter::{Meter, Taken},
    table::{FLOOR, Sample, Table},
    tool::{Job, TOOLS, Tool, Toolbox},
    workload::Workload,
};

const USAGE: &str = "\
usage: cargo xtask bench [--workloads a,b] [--tools a,b] [--repeats N] [--program FILE] [--csv FILE] [--list]

  --workloads  some of those that --list shows; all without it
  --tools      trueup, ansible-default, ansible-tuned, mitogen, pyinfra, ansible-core-rs
  --repeats    runs of each; 3 without it. Best of them for wall clock, median for CPU
  --program    the program that is measured; target/release/trueup without it
  --csv        where raw figures go; target/bench.csv without it
";

struct Options {
    workloads: Option<Vec<String>>,
    tools: Vec<Tool>,
    repeats: usize,
    program: PathBuf,
    csv: PathBuf,
    lists: bool,
}

fn main() -> ExitCode {
    match options().and_then(|options| bench(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        workloads: None,
        tools: TOOLS.to_vec(),
        repeats: 3,
        program: "target/release/trueup".into(),
        csv: "target/bench.csv".into(),
        lists: false,
    };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--list" {
            options.lists = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} what?\n{USAGE}"))?;
        let names = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match word.as_str() {
            "--workloads" => options.workloads = Some(names()),
            "--tools" => {
                let find = |name: String| {
                    let tool = TOOLS.into_iter().find(|tool| tool.name() == name);
                    tool.ok_or_else(|| format!("there is no tool {name}\n{USAGE}"))
                };
                options.tools = names().into_iter().map(find).collect::<Result<_, _>>()?;
            }
            "--repeats" => {
                let count = value.parse().ok().filter(|count| *count > 0);
                options.repeats = count.ok_or_else(|| format!("--repeats {value}?\n{USAGE}"))?;
            }
            "--program" => options.program = value.into(),
            "--csv" => options.csv = value.into(),
            _ => return Err(format!("{word}?\n{USAGE}")),
        }
    }
    Ok(options)
}

/// Whether every tool did all of the work that it was given.
fn bench(options: &Options) -> Result<bool, String> {
    let known = workload::all();
    if options.lists {
        for workload in known {
            println!("{:14} {}", workload.name, workload.about);
        }
        return Ok(true);
    }
    let chosen: Vec<Workload> = match &options.workloads {
        None => known,
        Some(names) => {
            let find = |name: &String| {
                let found = known.iter().find(|workload| workload.name == name).cloned();
                found.ok_or_else(|| format!("there is no workload {name}; --list shows them"))
            };
            names.iter().map(find).collect::<Result<_, _>>()?
        }
    };
    let missing = hosts::requirements();
    if !missing.is_empty() {
        return Err(format!("hosts cannot be booted here: {}", missing.join("; ")));
    }
    let say = |error: io::Error| error.to_string();
    let program = fs::canonicalize(&options.program).map_err(|error| {
        format!("{}: {error} (cargo build --release)", options.program.display())
    })?;
    let toolbox = Toolbox { program, folder: hosts::work_folder().join("bench") };
    fs::create_dir_all(&toolbox.folder).map_err(say)?;
    let mut table = Table::create(&options.csv, options.repeats).map_err(say)?;
    for tool in &options.tools {
        table.tool(*tool, &toolbox.prepare(*tool).map_err(say)?);
    }
    let meter = Meter::new().map_err(say)?;
    let booted = |workload: &Workload| match workload.reach {
        Reach::None => 0,
        Reach::Booted(count) => count,
        Reach::OneHangs(count) => count - 1,
        Reach::Addresses(_) | Reach::Far => 1,
    };
    let count = chosen.iter().map(booted).max().unwrap_or_default();
    let ground = Ground::new(&meter, count).map_err(|error| error.to_string())?;
    let mut all_done = true;
    for workload in &chosen {
        let bench = Bench { options, toolbox: &toolbox, meter: &meter, ground: &ground, workload };
        let samples = bench.run().map_err(say)?;
        all_done &= samples.values().flatten().all(|sample| sample.problem.is_none());
        table.workload(workload, &samples).map_err(say)?;
    }
    Ok(all_done)
}

/// One workload, by all tools.
struct Bench<'a> {
    options: &'a Options,
    toolbox: &'a Toolbox,
    meter: &'a Meter,
    ground: &'a Ground,
    workload: &'a Workload,
}

impl Bench<'_> {
    fn run(&self) -> io::Result<BTreeMap<String, Vec<Sample>>> {
        let folder = env::temp_dir().join(format!("trueup-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let samples = self.run_in(&folder);
        fs::remove_dir_all(&folder)?;
        samples
    }

    fn run_in(&self, folder: &Path) -> io::Result<BTreeMap<String, Vec<Sample>>> {
        let workload = self.workload;
        eprintln!("== {}: {}", workload.name, workload.about);
        workload.write(folder)?;
        self.ground.write_inventories(workload.reach, folder)?;
        let proof = workload.proof(folder)?;
        let tools = self.options.tools.iter().filter(|tool| !workload.without.contains(tool));
        let tools: Vec<Tool> = tools.copied().collect();
        if workload.is_converged && matches!(workload.job, Job::Run) {
            // Each brings what it keeps on hosts.
            for tool in &tools {
                let (_, problem) = self.once(*tool, folder, &proof)?;
                if let Some(problem) = problem {
                    eprintln!("{tool}: {problem}");
                }
            }
        }
        let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for _ in 0..self.options.repeats {
            if let Some(script) = workload.floor() {
                let (taken, problem) = self.floor(script, folder)?;
                samples.entry(FLOOR.to_owned()).or_default().push(Sample { taken, problem });
            }
            for tool in &tools {
                let (taken, problem) = self.once(*tool, folder, &proof)?;
                eprintln!(
                    "   {:16} {:8.2} s, CPU {:.2} + {:.2} s{}",
                    tool.name(),
                    taken.wall_secs,
                    taken.controller_cpu_secs,
                    taken.hosts_cpu_secs,
                    problem.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
                );
                samples.entry(tool.name().to_owned()).or_default().push(Sample { taken, problem });
            }
        }
        Ok(samples)
    }

    /// One run of a tool, and what was not done, if anything.
    fn once(&self, tool: Tool, folder: &Path, proof: &str) -> io::Result<(Taken, Option<String>)> {
        let workload = self.workload;
        let hosts = self.ground.hosts(workload.reach);
        if !workload.undo.is_empty() {
            for host in hosts {
                host.run(workload.undo).map_err(io::Error::other)?;
            }
        }
        self.toolbox.configure(tool, folder)?;
        // Nothing of an earlier run is left in memory: facts, bytecode of the workload.
        let home = folder.join("home");
        fs::create_dir_all(&home)?;
        let words = self.toolbox.words(tool, &workload.job);
        let variables = [
            ("HOME".to_owned(), home.display().to_string()),
            ("ANSIBLE_CONFIG".to_owned(), folder.join("ansible.cfg").display().to_string()),
            ("PYTHONDONTWRITEBYTECODE".to_owned(), String::new()),
        ];
        let taken = self.meter.run(&words, folder, &variables)?;
        let output = fs::read_to_string(folder.join("output.log")).unwrap_or_default();
        let hangs = matches!(workload.reach, Reach::OneHangs(_));
        let problem = if !hangs && taken.status != Some(0) {
            let last = output.trim_end().lines().last().unwrap_or_default();
            Some(format!("exit {:?}: {last}", taken.status))
        } else if !output.contains(workload.said(tool)) {
            Some("did not say what was asked".to_owned())
        } else if proof.is_empty() {
            None
        } else {
            let prove = |host: &hosts::Host| {
                let why = host.run(proof).err()?.to_string();
                Some(why.lines().last().unwrap_or_default().to_owned())
            };
            thread::scope(|scope| {
                let all: Vec<_> =
                    hosts.iter().map(|host| scope.spawn(move || prove(host))).collect();
                all.into_iter().find_map(|one| one.join().ok().flatten())
            })
        };
        if problem.is_some() {
            let kept = self.options.csv.with_extension(format!("{}-{tool}.log", workload.name));
            let _ = fs::write(kept, &output);
        }
        Ok((taken, problem))
    }

    /// What OpenSSH's own programs take.
    fn floor(&self, script: &str, folder: &Path) -> io::Result<(Taken, Option<String>)> {
        let addresses = fs::read_to_string(folder.join("hosts.ini"))?;
        let words = addresses.split_whitespace();
        let all: Vec<&str> = words.filter_map(|word| word.strip_prefix("ansible_host=")).collect();
        let options = format!(
            "-q -i {} -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -l root",
            self.ground.key_file().display()
        );
        let copy = options.replace(" -l root", " -o User=root");
        let variables = [
            ("SSH".to_owned(), format!("ssh {options}")),
            ("SCP".to_owned(), format!("scp {copy}")),
            ("FIRST".to_owned(), all.first().copied().unwrap_or_default().to_owned()),
            ("ALL".to_owned(), all.join(" ")),
        ];
        if !self.workload.undo.is_empty() {
            for host in self.ground.hosts(self.workload.reach) {
                host.run(self.workload.undo).map_err(io::Error::other)?;
            }
        }
        let words = ["sh", "-c", script].map(str::to_owned);
        let taken = self.meter.run(&words, folder, &variables)?;
        let problem = (taken.status != Some(0)).then(|| format!("exit {:?}", taken.status));
        Ok((taken, problem))
    }
}
