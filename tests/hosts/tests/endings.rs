//! Hosts end with their owner, however that ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what tests share may panic as tests do")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use hosts::{Fleet, HostSpec, available, machines_available};

/// Makes a test a process that owns a host and waits.
const OWNER: &str = "TRUEUP_HOSTS_OWNER";

/// What a host leaves on this machine: its folder, its namespace, its init, its control groups and
/// its disks.
struct Traces {
    folder: PathBuf,
    namespace: PathBuf,
    init: PathBuf,
    groups: Vec<PathBuf>,
}

impl Traces {
    fn of(folder: &Path) -> Self {
        let fleet = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let namespace = PathBuf::from(format!("/run/netns/tu{fleet}-1"));
        let pids = Command::new("ip").args(["netns", "pids", &format!("tu{fleet}-1")]).output();
        let pids = String::from_utf8(pids.unwrap().stdout).unwrap();
        let init = pids.split_whitespace().next().unwrap().to_owned();
        let groups = Command::new("sh").arg("-c").arg("cat \"$0\"/*/cgroups").arg(folder).output();
        let groups = String::from_utf8(groups.unwrap().stdout).unwrap();
        let groups = groups.lines().map(PathBuf::from).collect();
        let init = Path::new("/proc").join(init);
        Self { folder: folder.to_owned(), namespace, init, groups }
    }

    fn has_disks(&self) -> bool {
        let list = Command::new("losetup").args(["--list", "--output", "BACK-FILE"]).output();
        let list = String::from_utf8(list.unwrap().stdout).unwrap();
        list.contains(&format!("{}/", self.folder.display()))
    }

    fn all_there(&self) -> bool {
        let services = |group: &PathBuf| group.join("payload/system.slice").exists();
        let is_grouped = !self.groups.is_empty() && self.groups.iter().all(services);
        let is_running = self.namespace.exists() && self.init.exists() && is_grouped;
        self.folder.exists() && is_running && self.has_disks()
    }

    fn any_there(&self) -> bool {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        self.folder.exists()
            || self.namespace.exists()
            || self.init.exists()
            || self.has_disks()
            || self.groups.iter().any(|group| group.exists())
            || mounts.contains(&format!(" {}/", self.folder.display()))
    }

    fn wait_until_gone(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.any_there() {
            assert!(Instant::now() < end, "{} is still there", self.folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn hosts_end_with_their_fleet() {
    if !available("hosts_end_with_their_fleet") {
        return;
    }
    let mut fleet = Fleet::start().unwrap();
    let host = fleet.boot(&HostSpec { disks: 1, ..HostSpec::new("short") }).unwrap();
    assert_eq!(host.run("hostname").unwrap(), "short\n");
    let error = host.run("echo no; exit 3").unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && error.ends_with("no"), "{error}");
    let traces = Traces::of(fleet.folder());
    assert!(traces.all_there());
    drop(host);
    drop(fleet);
    traces.wait_until_gone();
}

#[test]
fn hosts_end_with_an_owner_that_is_killed() {
    if env::var_os(OWNER).is_some() {
        let mut fleet = Fleet::start().unwrap();
        let _host = fleet.boot(&HostSpec { disks: 1, ..HostSpec::new("orphan") }).unwrap();
        println!("\nfleet: {}", fleet.folder().display());
        loop {
            std::thread::park();
        }
    }
    if !available("hosts_end_with_an_owner_that_is_killed") {
        return;
    }
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "hosts_end_with_an_owner_that_is_killed", "--nocapture"])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("fleet: ").map(PathBuf::from));
    let traces = Traces::of(&folder.unwrap());
    assert!(traces.all_there());
    owner.kill().unwrap();
    owner.wait().unwrap();
    traces.wait_until_gone();
}

/// Processes of this machine that name a folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = format!("{}/", folder.display());
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let line = |path: PathBuf| {
        let bytes = fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let mut lines: Vec<String> = entries.map(line).collect();
    // The reaper names it too, and waits for the end.
    lines.retain(|line| line.contains(&folder));
    lines
}

/// A machine has a kernel and disks of its own, and ends with an owner that is killed.
#[test]
fn machines_end_with_an_owner_that_is_killed() {
    if env::var_os(OWNER).is_some() {
        let mut fleet = Fleet::start().unwrap();
        let spec = HostSpec { disks: 4, ..HostSpec::new("machine") };
        let machine = fleet.boot_machines(&[spec]).unwrap().pop().unwrap();
        println!("\nfleet: {}", fleet.folder().display());
        let call = "hostname; lsblk -dno NAME | grep -c '^vd'; modprobe dm_mod && dmsetup version | wc -l; getenforce";
        println!("\nsaid: {}", machine.run(call).unwrap().replace('\n', " "));
        machine.put("/root/put", b"it's\n\"this\"").unwrap();
        println!("\nput: {}", machine.run("md5sum < /root/put").unwrap());
        assert!(machine.run("exit 3").unwrap_err().to_string().contains("exit status: 3"));
        assert!(machine.leader().is_err());
        println!("\nready: yes");
        loop {
            std::thread::park();
        }
    }
    if !machines_available("machines_end_with_an_owner_that_is_killed") {
        return;
    }
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "machines_end_with_an_owner_that_is_killed", "--nocapture"])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<String> = lines.take_while(|line| line != "ready: yes").collect();
    let find = |start: &str| said.iter().find_map(|line| line.strip_prefix(start)).unwrap();
    let folder = PathBuf::from(find("fleet: "));
    assert_eq!(find("said: "), "machine 5 2 Permissive ");
    assert_eq!(find("put: "), "1d5a39c99c7e4aeb005c58f1d2ae517b  -");
    let machine = folder.join("machine");
    assert_eq!(processes_of(&machine).len(), 1);
    owner.kill().unwrap();
    owner.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while folder.exists() || !processes_of(&machine).is_empty() {
        assert!(Instant::now() < end, "{} is still there", folder.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    let fleet = folder.file_name().unwrap().to_str().unwrap();
    assert!(!Path::new(&format!("/sys/class/net/tu{fleet}v1")).exists());
}
