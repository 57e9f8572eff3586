//! Hosts to play with: `cargo xtask hosts up|list|down`.
//!
//! Hosts end with the process that owns them, so `up` leaves a keeper behind: this program again,
//! which boots the hosts, writes an inventory and waits to be ended.

use std::{
    env, fs,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use hosts::{Fleet, Host, HostSpec, Operator, Sudo, requirements, work_folder};
use rustix::process::{Pid, Signal, kill_process};

/// Seconds that hosts have to be up, the making of the base included.
const UP_SECS: u64 = 900;

/// Seconds that a keeper has to end its hosts.
const DOWN_SECS: u64 = 30;

fn keepers() -> PathBuf {
    work_folder().join("keepers")
}

pub fn up(words: &[&str]) -> Result<(), String> {
    specs(words)?;
    let missing = requirements();
    if !missing.is_empty() {
        return Err(format!("hosts cannot be booted here: {}", missing.join("; ")));
    }
    let folder = keepers();
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let log = folder.join(format!("{}.log", std::process::id()));
    let log_file = fs::File::create(&log).map_err(|error| error.to_string())?;
    let mut keeper = Command::new(program)
        .args(["hosts", "keep"])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(log_file))
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())?;
    let inventory = folder.join(format!("{}.ini", keeper.id()));
    let end = Instant::now() + Duration::from_secs(UP_SECS);
    while Instant::now() < end {
        if let Ok(text) = fs::read_to_string(&inventory) {
            print!("{text}");
            println!("\ninventory: {}", inventory.display());
            return fs::remove_file(&log).map_err(|error| error.to_string());
        }
        if let Ok(Some(status)) = keeper.try_wait() {
            let said = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("the keeper ended with {status}: {said}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("hosts were not up within {UP_SECS} s; see {}", log.display()))
}

pub fn keep(words: &[&str]) -> Result<(), String> {
    let specs = specs(words)?;
    let mut fleet = Fleet::start().map_err(|error| error.to_string())?;
    let hosts = fleet.boot_all(&specs).map_err(|error| error.to_string())?;
    let path = keepers().join(format!("{}.ini", std::process::id()));
    let part = path.with_extension("part");
    let write = fs::write(&part, inventory(&fleet, &hosts)).and_then(|()| fs::rename(&part, &path));
    write.map_err(|error| format!("{}: {error}", path.display()))?;
    // `down` ends this process by a signal, and the fleet's reaper does the rest.
    loop {
        std::thread::park();
    }
}

pub fn list() -> Result<(), String> {
    for (pid, path) in running()? {
        println!("# {} (keeper {})", path.display(), pid.as_raw_nonzero());
        print!("{}", fs::read_to_string(&path).unwrap_or_default());
    }
    Ok(())
}

pub fn down(keeper: Option<&str>) -> Result<(), String> {
    let running = running()?;
    let is_meant =
        |pid: &Pid| keeper.is_none_or(|keeper| pid.as_raw_nonzero().to_string() == keeper);
    if let Some(keeper) = keeper.filter(|_| !running.iter().any(|(pid, _)| is_meant(pid))) {
        return Err(format!("no keeper {keeper} runs; `hosts list` names those that do"));
    }
    for (pid, path) in running.into_iter().filter(|(pid, _)| is_meant(pid)) {
        kill_process(pid, Signal::TERM).map_err(|error| error.to_string())?;
        let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        let end = Instant::now() + Duration::from_secs(DOWN_SECS);
        while process.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("ended {}", path.display());
    }
    Ok(())
}

/// Keepers that run, with their inventories; those of others are cleared away.
fn running() -> Result<Vec<(Pid, PathBuf)>, String> {
    let mut running = Vec::new();
    for entry in fs::read_dir(keepers()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "ini") {
            continue;
        }
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let pid = name.parse().ok().and_then(Pid::from_raw);
        let command = fs::read_to_string(format!("/proc/{name}/cmdline")).unwrap_or_default();
        match pid {
            Some(pid) if command.contains("hosts\0keep") => running.push((pid, path)),
            _ => fs::remove_file(&path).map_err(|error| error.to_string())?,
        }
    }
    Ok(running)
}

fn inventory(fleet: &Fleet, hosts: &[Host]) -> String {
    let mut text = String::from("[all]\n");
    for host in hosts {
        text.push_str(&format!("{} ansible_host={}\n", host.name(), host.address()));
    }
    text.push_str(&format!(
        "\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file={}\n\
         ansible_ssh_common_args=-o UserKnownHostsFile={}\n",
        fleet.key_file().display(),
        fleet.known_hosts_file().display()
    ));
    text
}

fn specs(words: &[&str]) -> Result<Vec<HostSpec>, String> {
    let mut count: Option<u8> = None;
    let mut has_python = false;
    let mut operator: Option<Operator> = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match *word {
            "--python" => has_python = true,
            "--sudo-user" => {
                let name = (*value()?).to_owned();
                operator = Some(Operator { name, password: None, sudo: Sudo::WithoutPassword });
            }
            "--sudo-password" => {
                let password = (*value()?).to_owned();
                let operator = operator.as_mut().ok_or("--sudo-user comes first")?;
                operator.password = Some(password);
                operator.sudo = Sudo::WithPassword;
            }
            word => {
                let number = word.parse().ok().filter(|number| (1..=100).contains(number));
                count = Some(number.ok_or(format!("{word} is no number from 1 to 100"))?);
            }
        }
    }
    let count = count.ok_or("how many hosts?")?;
    let spec = |number| HostSpec {
        name: format!("host{number}"),
        layer: has_python.then_some(hosts::PYTHON),
        operator: operator.clone(),
        ..HostSpec::default()
    };
    Ok((1..=count).map(spec).collect())
}
