//! Figures as people and programs read them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::{
    meter::Taken,
    tool::{TOOLS, Tool},
    workload::Workload,
};

/// The row of OpenSSH's own programs.
pub const FLOOR: &str = "openssh";

/// One run.
#[derive(Clone, Debug)]
pub struct Sample {
    pub taken: Taken,
    /// What was not done.
    pub problem: Option<String>,
}

/// Rows on the screen, and raw figures in a file.
pub struct Table {
    csv: File,
}

impl Table {
    /// Begins, with what the machine is.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn create(csv: &Path, repeats: usize) -> io::Result<Self> {
        if let Some(folder) = csv.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut csv = File::create(csv)?;
        writeln!(csv, "workload,tool,wall_s,controller_cpu_s,hosts_cpu_s,peak_mib,problem")?;
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!(
            "# {cores} cores ({}), Linux {}; {repeats} runs each, alternating; wall is the best of \
             them, CPU (controller + hosts) and memory the median",
            model.map_or("unknown", |(_, model)| model),
            kernel.trim()
        );
        Ok(Self { csv })
    }

    /// Names a tool that takes part.
    pub fn tool(&mut self, tool: Tool, version: &str) {
        println!("# {tool}: {version}");
    }

    /// Shows a workload's figures, each beside those of Trueup.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn workload(
        &mut self,
        workload: &Workload,
        samples: &BTreeMap<String, Vec<Sample>>,
    ) -> io::Result<()> {
        println!("\n{} ({})", workload.about, workload.name);
        println!(
            "{:17}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}{:>8}",
            "", "wall s", "CPU s", "contr.", "hosts", "MiB", "x wall", "x CPU"
        );
        let own = samples.get(Tool::Trueup.name()).map(|samples| Summary::of(samples));
        let names = TOOLS.iter().map(|tool| tool.name()).chain([FLOOR]);
        for (name, samples) in names.filter_map(|name| Some((name, samples.get(name)?))) {
            for Sample { taken, problem } in samples {
                writeln!(
                    self.csv,
                    "{},{name},{:.3},{:.3},{:.3},{:.1},{}",
                    workload.name,
                    taken.wall_secs,
                    taken.controller_cpu_secs,
                    taken.hosts_cpu_secs,
                    mib(taken.peak_bytes),
                    problem.as_deref().unwrap_or_default().replace([',', '\n'], ";")
                )?;
            }
            let summary = Summary::of(samples);
            let problem = samples.iter().find_map(|sample| sample.problem.as_deref());
            let ratio = |mine: f64, other: f64| match mine {
                0.0 => "-".to_owned(),
                mine => format!("{:.1}", other / mine),
            };
            let (wall, cpu) = own.as_ref().map_or_else(Default::default, |own| {
                (ratio(own.wall, summary.wall), ratio(own.cpu(), summary.cpu()))
            });
            println!(
                "{name:17}{:9.2}{:9.2}{:9.2}{:9.2}{:9.0}{wall:>8}{cpu:>8}{}",
                summary.wall,
                summary.cpu(),
                summary.controller,
                summary.hosts,
                summary.peak_mib,
                problem.map(|why| format!("  NOT DONE: {}", why.trim())).unwrap_or_default()
            );
        }
        self.csv.flush()
    }
}

struct Summary {
    wall: f64,
    controller: f64,
    hosts: f64,
    peak_mib: f64,
}

impl Summary {
    fn of(samples: &[Sample]) -> Self {
        let all = |figure: fn(&Taken) -> f64| {
            let mut all: Vec<f64> = samples.iter().map(|sample| figure(&sample.taken)).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let median = |figure| {
            let all = all(figure);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        Self {
            wall: all(|taken| taken.wall_secs).first().copied().unwrap_or_default(),
            controller: median(|taken| taken.controller_cpu_secs),
            hosts: median(|taken| taken.hosts_cpu_secs),
            peak_mib: median(|taken| mib(taken.peak_bytes)),
        }
    }

    fn cpu(&self) -> f64 {
        self.controller + self.hosts
    }
}

#[allow(clippy::cast_precision_loss)]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
