//! What a command took: wall clock, CPU of its processes and of the hosts' apart, peak memory.
//!
//! CPU is read from control groups (version 1 or 2), so that what is started in the background,
//! such as the SSH client's masters, counts as well.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How often memory is looked at.
const LOOK_MS: u64 = 50;

/// Where control groups are, newest last.
const ROOTS: [&str; 3] = ["/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// Two control groups: what runs on the controller's side, and the hosts.
#[derive(Debug)]
pub struct Meter {
    root: PathBuf,
}

/// What one run took.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub wall_secs: f64,
    /// Of the command and all that it started.
    pub controller_cpu_secs: f64,
    pub hosts_cpu_secs: f64,
    /// The largest sum of resident memory of the command's processes, shared pages counted once.
    pub peak_bytes: u64,
    pub status: Option<i32>,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Controller,
    Hosts,
}

impl Meter {
    /// Makes the groups.
    ///
    /// # Errors
    /// Where control groups cannot be made: this needs root.
    pub fn new() -> io::Result<Self> {
        let counts = |root: &Path| {
            root.join("cpuacct.usage").exists() || root.join("cgroup.controllers").exists()
        };
        let root = ROOTS.iter().map(Path::new).find(|root| counts(root));
        let root =
            root.ok_or_else(|| io::Error::other("there are no control groups that count CPU"))?;
        // What runs that were killed have left.
        for entry in fs::read_dir(root)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(pid) = name.strip_prefix("trueup-bench-")
                && !Path::new("/proc").join(pid).exists()
            {
                remove_groups(&entry.path());
            }
        }
        let meter = Self { root: root.join(format!("trueup-bench-{}", std::process::id())) };
        for side in [Side::Controller, Side::Hosts] {
            fs::create_dir_all(meter.folder(side))?;
        }
        Ok(meter)
    }

    fn folder(&self, side: Side) -> PathBuf {
        self.root.join(match side {
            Side::Controller => "controller",
            Side::Hosts => "hosts",
        })
    }

    fn cpu_secs(&self, side: Side) -> f64 {
        let folder = self.folder(side);
        if let Ok(nanos) = fs::read_to_string(folder.join("cpuacct.usage")) {
            return nanos.trim().parse::<f64>().unwrap_or_default() / 1e9;
        }
        let stat = fs::read_to_string(folder.join("cpu.stat")).unwrap_or_default();
        let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
        micros.and_then(|micros| micros.trim().parse::<f64>().ok()).unwrap_or_default() / 1e6
    }

    /// Does something, such as booting hosts, with all that it starts among the hosts.
    ///
    /// # Errors
    /// Where this process cannot be moved between groups.
    pub fn among_hosts<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let own = std::process::id().to_string();
        fs::write(self.folder(Side::Hosts).join("cgroup.procs"), &own)?;
        let done = work();
        let back = self.root.parent().unwrap_or(&self.root);
        fs::write(back.join("cgroup.procs"), &own)?;
        Ok(done)
    }

    /// Runs a command to its end, its output in `output.log` of the folder, and ends what it left
    /// running.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn run(
        &self,
        words: &[String],
        folder: &Path,
        variables: &[(String, String)],
    ) -> io::Result<Taken> {
        let group = self.folder(Side::Controller).join("cgroup.procs");
        let log = fs::File::create(folder.join("output.log"))?;
        let before = (self.cpu_secs(Side::Controller), self.cpu_secs(Side::Hosts));
        let start = Instant::now();
        let mut child = Command::new("sh")
            .args(["-c", "echo $$ >\"$0\"; exec \"$@\""])
            .arg(&group)
            .args(words)
            .current_dir(folder)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let peak_bytes = AtomicU64::new(0);
        let has_ended = AtomicBool::new(false);
        let (status, wall_secs) = thread::scope(|scope| {
            scope.spawn(|| {
                while !has_ended.load(Ordering::Relaxed) {
                    peak_bytes.fetch_max(self.resident_bytes(), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(LOOK_MS));
                }
            });
            let status = child.wait();
            let wall_secs = start.elapsed().as_secs_f64();
            has_ended.store(true, Ordering::Relaxed);
            (status, wall_secs)
        });
        let status = status?;
        self.end_all();
        // What hosts still do for a session that has ended is part of the price.
        thread::sleep(Duration::from_millis(300));
        Ok(Taken {
            wall_secs,
            controller_cpu_secs: self.cpu_secs(Side::Controller) - before.0,
            hosts_cpu_secs: self.cpu_secs(Side::Hosts) - before.1,
            peak_bytes: peak_bytes.into_inner(),
            status: status.code(),
        })
    }

    fn pids(&self) -> Vec<i32> {
        let path = self.folder(Side::Controller).join("cgroup.procs");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    fn resident_bytes(&self) -> u64 {
        let share = |pid: i32| {
            let rollup =
                fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kib =
                line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
            kib.unwrap_or_default() * 1024
        };
        self.pids().into_iter().map(share).sum()
    }

    /// Ends processes that the command left behind, such as masters of SSH connections, so that the
    /// next run starts cold.
    fn end_all(&self) {
        for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
            for _ in 0..50 {
                let pids = self.pids();
                if pids.is_empty() {
                    return;
                }
                for pid in pids.into_iter().filter_map(rustix::process::Pid::from_raw) {
                    let _ = rustix::process::kill_process(pid, signal);
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.end_all();
        // The hosts' group has some of its own where the hosts' init makes them; they are empty
        // when the hosts have ended.
        for _ in 0..100 {
            for side in [Side::Controller, Side::Hosts] {
                remove_groups(&self.folder(side));
            }
            if fs::remove_dir(&self.root).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Removes a group and those below it; files in them are the kernel's and go with them.
fn remove_groups(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}
