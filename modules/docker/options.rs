//! What a task may say of a container, and how the engine writes it.

use std::path::{Path, PathBuf};

use module::{Arguments, Failure, Host, path::split_words};
use protocol::{Json, JsonMap, python};
use serde_json::json;

use super::{labels, texts};

/// How a wish is compared with what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    Value,
    /// In their order.
    List,
    Set,
    Dict,
}

/// One thing that a task says of a container.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The argument.
    pub option: &'static str,
    /// Where the engine has it, in what it is told; what it tells has all but `HostConfig` and
    /// `NetworkingConfig` inside of `Config`.
    pub place: &'static [&'static str],
    pub value: Json,
    pub compared: Compared,
    /// Whether it can be changed while the container is there.
    pub is_update: bool,
}

/// What a container is made with.
#[derive(Debug, Arguments)]
pub struct Options {
    /// Whether it goes when it ends.
    auto_remove: Option<bool>,
    /// Weight of its use of devices, from 10 to 1000.
    blkio_weight: Option<i64>,
    /// Capabilities that it has besides.
    capabilities: Option<Vec<String>>,
    /// Capabilities that it lacks.
    cap_drop: Option<Vec<String>>,
    /// The group of processes above it.
    cgroup_parent: Option<String>,
    /// Whose groups of processes it sees.
    #[argument(choices("host", "private"))]
    cgroupns_mode: Option<String>,
    /// What is run: words, or a line of them.
    command: Option<Json>,
    /// What is run before that.
    entrypoint: Option<Vec<String>>,
    /// Microseconds in which its time is counted.
    cpu_period: Option<i64>,
    /// Microseconds that it has of them.
    cpu_quota: Option<i64>,
    /// Weight of its use of processors.
    cpu_shares: Option<i64>,
    /// How many processors' time it has.
    cpus: Option<f64>,
    /// Which processors.
    cpuset_cpus: Option<String>,
    /// Which nodes of memory.
    cpuset_mems: Option<String>,
    /// Rules for devices.
    device_cgroup_rules: Option<Vec<String>>,
    /// Bytes a second that are read from devices at most.
    device_read_bps: Option<Vec<ByteRate>>,
    /// Bytes a second that are written at most.
    device_write_bps: Option<Vec<ByteRate>>,
    /// Reads a second at most.
    device_read_iops: Option<Vec<CountRate>>,
    /// Writes a second at most.
    device_write_iops: Option<Vec<CountRate>>,
    /// Devices by what they can do.
    device_requests: Option<Vec<DeviceRequest>>,
    /// Devices: `/dev/sda:/dev/xvda:rwm`.
    devices: Option<Vec<String>>,
    /// Options for looking up names.
    dns_opts: Option<Vec<String>>,
    /// Domains in which they are looked up.
    dns_search_domains: Option<Vec<String>>,
    /// Servers of names.
    dns_servers: Option<Vec<String>>,
    /// Its domain.
    domainname: Option<String>,
    /// Variables.
    env: Option<JsonMap>,
    /// A file of more of them, a line each.
    env_file: Option<PathBuf>,
    /// Names and addresses that it knows.
    etc_hosts: Option<JsonMap>,
    /// Ports that it offers.
    #[argument(aliases("exposed", "expose"))]
    exposed_ports: Option<Vec<String>>,
    /// Groups that it belongs to.
    groups: Option<Vec<String>>,
    /// How it is known whether it is well.
    healthcheck: Option<HealthCheck>,
    /// Its name as a host.
    hostname: Option<String>,
    /// Whether a small init runs in it.
    init: Option<bool>,
    /// Whether its input stays open.
    interactive: Option<bool>,
    /// With whom it shares memory.
    ipc_mode: Option<String>,
    /// Memory of the kernel at most.
    kernel_memory: Option<String>,
    /// What is said of it.
    labels: Option<JsonMap>,
    /// Other containers, by names of their own: `db:database`.
    links: Option<Vec<String>>,
    /// Who keeps what it says.
    log_driver: Option<String>,
    /// What that is told.
    #[argument(aliases("log_opt"))]
    log_options: Option<JsonMap>,
    /// Its hardware address.
    mac_address: Option<String>,
    /// Memory at most: `512M`.
    memory: Option<String>,
    /// Memory that it should make do with.
    memory_reservation: Option<String>,
    /// Memory and swap at most; `unlimited` for no end.
    memory_swap: Option<String>,
    /// How readily it is swapped, from 0 to 100.
    memory_swappiness: Option<i64>,
    /// What is mounted in it.
    mounts: Option<Vec<Mount>>,
    /// Its network: `bridge`, `host`, `none`, a network or `container:NAME`.
    pub network_mode: Option<String>,
    /// Whether it is killed where memory ends.
    oom_killer: Option<bool>,
    /// How readily.
    oom_score_adj: Option<i64>,
    /// Whose processes it sees.
    pid_mode: Option<String>,
    /// How many processes it has at most.
    pids_limit: Option<i64>,
    /// System and machine of its image.
    pub platform: Option<String>,
    /// Whether it may do all that the host may.
    privileged: Option<bool>,
    /// Whether all ports that it offers are published.
    publish_all_ports: Option<bool>,
    /// Ports that are published: `8080:80`, `127.0.0.1:53:53/udp`.
    #[argument(aliases("ports"))]
    published_ports: Option<Vec<String>>,
    /// Where ports are published that name no address.
    default_host_ip: Option<String>,
    /// Whether its files cannot be changed.
    read_only: Option<bool>,
    /// When it is started again.
    #[argument(choices("no", "on-failure", "always", "unless-stopped"))]
    restart_policy: Option<String>,
    /// How often at most.
    restart_retries: Option<i64>,
    /// What runs it.
    runtime: Option<String>,
    /// Options of security.
    security_opts: Option<Vec<String>>,
    /// Size of `/dev/shm`.
    shm_size: Option<String>,
    /// The signal that it is stopped with.
    stop_signal: Option<String>,
    /// Seconds that it has to stop.
    pub stop_timeout: Option<i64>,
    /// Options of its storage.
    storage_opts: Option<JsonMap>,
    /// Parameters of the kernel.
    sysctls: Option<JsonMap>,
    /// Folders in memory: `/run:size=64m`.
    tmpfs: Option<Vec<String>>,
    /// Whether it has a terminal.
    tty: Option<bool>,
    /// Limits: `nofile:1024:2048`.
    ulimits: Option<Vec<String>>,
    /// The user who runs it.
    user: Option<String>,
    /// Whose users it has.
    userns_mode: Option<String>,
    /// Whose name as a host it has.
    uts: Option<String>,
    /// Who keeps its volumes.
    volume_driver: Option<String>,
    /// Folders of the host and volumes: `/srv:/data:ro`.
    volumes: Option<Vec<String>>,
    /// Containers whose volumes it has.
    volumes_from: Option<Vec<String>>,
    /// Folder in which it begins.
    working_dir: Option<String>,
}

/// A limit in bytes.
#[derive(Debug, Arguments)]
struct ByteRate {
    /// The device.
    path: String,
    /// Bytes a second: `10mb`.
    rate: String,
}

/// A limit in operations.
#[derive(Debug, Arguments)]
struct CountRate {
    /// The device.
    path: String,
    /// Operations a second.
    rate: i64,
}

/// Devices by what they can do.
#[derive(Debug, Arguments)]
struct DeviceRequest {
    /// Lists of what they can do, one of which must hold.
    capabilities: Option<Vec<Json>>,
    /// How many; -1 for all.
    count: Option<i64>,
    /// Which.
    device_ids: Option<Vec<String>>,
    /// Who knows them.
    driver: Option<String>,
    /// What that is told.
    options: Option<JsonMap>,
}

/// How it is known whether a container is well.
#[derive(Debug, Arguments)]
struct HealthCheck {
    /// A program: words, or a line for a shell; `NONE` for none.
    test: Option<Json>,
    /// Whether a `test` that is left out keeps the image's.
    #[argument(default = false)]
    test_cli_compatible: bool,
    /// Time between two looks: `1m30s`.
    interval: Option<String>,
    /// Time that a look may take.
    timeout: Option<String>,
    /// Looks that may fail.
    retries: Option<i64>,
    /// Time in which they do not count.
    start_period: Option<String>,
    /// Time between two looks in that time.
    start_interval: Option<String>,
}

/// Something that is mounted.
#[derive(Debug, Arguments)]
struct Mount {
    /// Where.
    target: String,
    /// What.
    source: Option<String>,
    /// Kind of it.
    #[argument(
        name = "type",
        default = "volume",
        choices("bind", "npipe", "tmpfs", "volume", "cluster", "image")
    )]
    kind: String,
    /// How soon writes are seen.
    #[argument(choices("cached", "consistent", "default", "delegated"))]
    consistency: Option<String>,
    /// Whether a folder that is not there is made.
    create_mountpoint: Option<bool>,
    /// What is said of a new volume.
    labels: Option<JsonMap>,
    /// Whether a new volume begins empty.
    no_copy: Option<bool>,
    /// Whether mounts below it are left out.
    non_recursive: Option<bool>,
    /// How mounts below it are passed on.
    #[argument(choices("private", "rprivate", "shared", "rshared", "slave", "rslave"))]
    propagation: Option<String>,
    /// Whether it cannot be changed.
    read_only: Option<bool>,
    /// Whether this must hold for mounts below it.
    read_only_force_recursive: Option<bool>,
    /// Whether this does not hold for them.
    read_only_non_recursive: Option<bool>,
    /// A folder inside of a volume.
    subpath: Option<String>,
    /// Permissions of a folder in memory.
    tmpfs_mode: Option<String>,
    /// More options of it; not supported.
    tmpfs_options: Option<Vec<JsonMap>>,
    /// Its size.
    tmpfs_size: Option<String>,
    /// Who keeps a new volume.
    volume_driver: Option<String>,
    /// What that is told.
    volume_options: Option<JsonMap>,
}

/// Bytes, of `512M`, `1.5g` or `1073741824`.
///
/// # Errors
/// What is no number of bytes.
pub fn bytes(text: &str, what: &str) -> Result<i64, Failure> {
    let lower = text.trim().to_lowercase();
    let digits = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = lower.get(digits.len()..).unwrap_or_default();
    let unit = unit.trim_end_matches('b').trim_end_matches('i');
    let broken = || Failure::new(format!("Failed to convert {what} to bytes: {text}"));
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(broken()),
    };
    let number: f64 = digits.parse().map_err(|_| broken())?;
    Ok((number * 1024_f64.powi(power)) as i64)
}

/// Nanoseconds of `1m30s`.
fn nanoseconds(text: &str, what: &str) -> Result<i64, Failure> {
    let broken = || Failure::new(format!("Invalid time duration: {what}: {text}"));
    let mut sum = 0_i64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(broken());
    }
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(broken)?;
        let (number, behind) = rest.split_at(end);
        let number: i64 = number.parse().map_err(|_| broken())?;
        let units = [
            ("ms", 1_000_000),
            ("us", 1000),
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
        ];
        let (unit, factor) =
            units.iter().find(|(unit, _)| behind.starts_with(unit)).ok_or_else(broken)?;
        sum = number.checked_mul(*factor).and_then(|n| n.checked_add(sum)).ok_or_else(broken)?;
        rest = behind.get(unit.len()..).unwrap_or_default();
    }
    Ok(sum)
}

/// A port with its protocol.
fn with_protocol(port: &str, protocol: Option<&str>) -> String {
    format!("{port}/{}", protocol.unwrap_or("tcp"))
}

/// All ports of `80-82`.
fn ports(range: &str) -> Result<Vec<u16>, Failure> {
    let broken = || Failure::new(format!("{range:?} is no port, and no range of them"));
    let number = |text: &str| text.parse::<u16>().map_err(|_| broken());
    match range.split_once('-') {
        None => Ok(vec![number(range)?]),
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            if from > to { Err(broken()) } else { Ok((from..=to).collect()) }
        }
    }
}

impl Mount {
    fn body(&self) -> Result<Json, Failure> {
        if self.tmpfs_options.is_some() {
            return Err(Failure::new("tmpfs_options of mounts is not supported"));
        }
        let mut body = json!({"Target": self.target, "Type": self.kind});
        let mut put = |path: [&str; 2], value: Option<Json>| {
            if let Some(value) = value {
                match path {
                    ["", name] => body[name] = value,
                    [group, name] => body[group][name] = value,
                }
            }
        };
        put(["", "Source"], self.source.clone().map(Json::from));
        put(["", "ReadOnly"], self.read_only.map(Json::from));
        put(["", "Consistency"], self.consistency.clone().map(Json::from));
        put(["BindOptions", "Propagation"], self.propagation.clone().map(Json::from));
        put(["BindOptions", "NonRecursive"], self.non_recursive.map(Json::from));
        put(["BindOptions", "CreateMountpoint"], self.create_mountpoint.map(Json::from));
        put(
            ["BindOptions", "ReadOnlyForceRecursive"],
            self.read_only_force_recursive.map(Json::from),
        );
        put(["BindOptions", "ReadOnlyNonRecursive"], self.read_only_non_recursive.map(Json::from));
        put(["VolumeOptions", "NoCopy"], self.no_copy.map(Json::from));
        put(["VolumeOptions", "Subpath"], self.subpath.clone().map(Json::from));
        if let Some(all) = &self.labels {
            put(["VolumeOptions", "Labels"], Some(labels(all, "labels of mounts")?.into()));
        }
        if self.volume_driver.is_some() || self.volume_options.is_some() {
            let options = self.volume_options.as_ref().map(texts).unwrap_or_default();
            let driver = json!({"Name": self.volume_driver, "Options": options});
            put(["VolumeOptions", "DriverConfig"], Some(driver));
        }
        if let Some(size) = &self.tmpfs_size {
            put(["TmpfsOptions", "SizeBytes"], Some(bytes(size, "tmpfs_size")?.into()));
        }
        if let Some(mode) = &self.tmpfs_mode {
            let number = i64::from_str_radix(mode, 8)
                .map_err(|_| Failure::new(format!("tmpfs_mode of {} is not octal", self.target)))?;
            put(["TmpfsOptions", "Mode"], Some(number.into()));
        }
        Ok(body)
    }
}

impl HealthCheck {
    fn body(&self) -> Result<Json, Failure> {
        let mut body = json!({});
        let test = match &self.test {
            None => None,
            Some(Json::Array(words)) => Some(Json::from(words.clone())),
            Some(other) => match python::text(other).trim() {
                "NONE" => Some(json!(["NONE"])),
                line => Some(json!(["CMD-SHELL", line])),
            },
        };
        if let Some(test) = test {
            body["Test"] = test;
        } else if !self.test_cli_compatible {
            return Err(Failure::new(
                "test of healthcheck is required without test_cli_compatible",
            ));
        }
        for (name, key, text) in [
            ("interval", "Interval", &self.interval),
            ("timeout", "Timeout", &self.timeout),
            ("start_period", "StartPeriod", &self.start_period),
            ("start_interval", "StartInterval", &self.start_interval),
        ] {
            if let Some(text) = text {
                body[key] = nanoseconds(text, name)?.into();
            }
        }
        if let Some(retries) = self.retries {
            body["Retries"] = retries.into();
        }
        Ok(body)
    }
}

/// A line of words, or words.
fn words(value: &Json) -> Result<Json, Failure> {
    match value {
        Json::Array(all) => Ok(all.iter().map(|one| Json::from(python::text(one))).collect()),
        other => {
            let line = python::text(other);
            let words = split_words(&line)
                .map_err(|why| Failure::new(format!("command cannot be split: {why}")))?;
            Ok(words.into())
        }
    }
}

/// Variables of a file, a line each.
fn env_lines(host: &dyn Host, path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let bytes = host.read(path)?;
    let bytes = bytes.ok_or_else(|| {
        Failure::new(format!("Error: Can not find environment file at {}", path.display()))
    })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut variables = Vec::new();
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (name, value) = line.split_once('=').ok_or_else(|| {
            Failure::new(format!("Invalid line in environment file {}:\n{line}", path.display()))
        })?;
        variables.push((name.to_owned(), value.to_owned()));
    }
    Ok(variables)
}

/// The wishes of a task.
struct Wishes(Vec<Wish>);

impl Wishes {
    fn put(
        &mut self,
        option: &'static str,
        place: &'static [&'static str],
        compared: Compared,
        value: Option<Json>,
    ) {
        const UPDATES: &[&str] = &[
            "blkio_weight",
            "cpu_period",
            "cpu_quota",
            "cpu_shares",
            "cpus",
            "cpuset_cpus",
            "cpuset_mems",
            "kernel_memory",
            "memory",
            "memory_reservation",
            "memory_swap",
            "restart_policy",
        ];
        if let Some(value) = value {
            let is_update = UPDATES.contains(&option);
            self.0.push(Wish { option, place, value, compared, is_update });
        }
    }
}

impl Options {
    /// All that the task says.
    ///
    /// # Errors
    /// What cannot be said to the engine.
    pub fn wishes(&self, host: &dyn Host) -> Result<Vec<Wish>, Failure> {
        use Compared::{Dict, List, Set, Value};
        let mut all = Wishes(Vec::new());
        let flag = |value: Option<bool>| value.map(Json::from);
        let number = |value: Option<i64>| value.map(Json::from);
        let text = |value: &Option<String>| value.clone().map(Json::from);
        let list = |value: &Option<Vec<String>>| value.clone().map(Json::from);
        macro_rules! host_config {
            ($name:literal) => {
                &["HostConfig", $name]
            };
        }
        all.put("auto_remove", host_config!("AutoRemove"), Value, flag(self.auto_remove));
        all.put("blkio_weight", host_config!("BlkioWeight"), Value, number(self.blkio_weight));
        all.put("capabilities", host_config!("CapAdd"), Set, list(&self.capabilities));
        all.put("cap_drop", host_config!("CapDrop"), Set, list(&self.cap_drop));
        all.put("cgroup_parent", host_config!("CgroupParent"), Value, text(&self.cgroup_parent));
        all.put("cgroupns_mode", host_config!("CgroupnsMode"), Value, text(&self.cgroupns_mode));
        all.put("command", &["Cmd"], List, self.command.as_ref().map(words).transpose()?);
        all.put("entrypoint", &["Entrypoint"], List, list(&self.entrypoint));
        all.put("cpu_period", host_config!("CpuPeriod"), Value, number(self.cpu_period));
        all.put("cpu_quota", host_config!("CpuQuota"), Value, number(self.cpu_quota));
        all.put("cpu_shares", host_config!("CpuShares"), Value, number(self.cpu_shares));
        let nano = self.cpus.map(|cpus| Json::from((cpus * 1e9).round() as i64));
        all.put("cpus", host_config!("NanoCpus"), Value, nano);
        all.put("cpuset_cpus", host_config!("CpusetCpus"), Value, text(&self.cpuset_cpus));
        all.put("cpuset_mems", host_config!("CpusetMems"), Value, text(&self.cpuset_mems));
        let rules = list(&self.device_cgroup_rules);
        all.put("device_cgroup_rules", host_config!("DeviceCgroupRules"), Set, rules);
        self.put_devices(&mut all)?;
        all.put("dns_opts", host_config!("DnsOptions"), Set, list(&self.dns_opts));
        all.put(
            "dns_search_domains",
            host_config!("DnsSearch"),
            List,
            list(&self.dns_search_domains),
        );
        all.put("dns_servers", host_config!("Dns"), List, list(&self.dns_servers));
        all.put("domainname", &["Domainname"], Value, text(&self.domainname));
        all.put("env", &["Env"], Set, self.env_list(host)?);
        let hosts = self.etc_hosts.as_ref().map(|map| {
            let lines = texts(map).into_iter();
            lines.map(|(name, address)| format!("{name}:{}", python::text(&address))).collect()
        });
        all.put(
            "etc_hosts",
            host_config!("ExtraHosts"),
            Set,
            hosts.map(|all: Vec<String>| all.into()),
        );
        all.put("groups", host_config!("GroupAdd"), Set, list(&self.groups));
        let check = self.healthcheck.as_ref().map(HealthCheck::body).transpose()?;
        all.put("healthcheck", &["Healthcheck"], Dict, check);
        all.put("hostname", &["Hostname"], Value, text(&self.hostname));
        all.put("init", host_config!("Init"), Value, flag(self.init));
        all.put("interactive", &["OpenStdin"], Value, flag(self.interactive));
        all.put("ipc_mode", host_config!("IpcMode"), Value, text(&self.ipc_mode));
        let said = self.labels.as_ref().map(|map| labels(map, "labels")).transpose()?;
        all.put("labels", &["Labels"], Dict, said.map(Json::from));
        all.put("links", host_config!("Links"), Set, list(&self.links));
        all.put("log_driver", &["HostConfig", "LogConfig", "Type"], Value, text(&self.log_driver));
        let log_options = self.log_options.as_ref().map(|map| texts(map).into());
        all.put("log_options", &["HostConfig", "LogConfig", "Config"], Dict, log_options);
        all.put("mac_address", &["MacAddress"], Value, text(&self.mac_address));
        let size = |text: &Option<String>, what: &str| -> Result<Option<Json>, Failure> {
            match text.as_deref() {
                None => Ok(None),
                Some("unlimited" | "-1") => Ok(Some((-1).into())),
                Some(text) => Ok(Some(bytes(text, what)?.into())),
            }
        };
        all.put(
            "kernel_memory",
            host_config!("KernelMemory"),
            Value,
            size(&self.kernel_memory, "kernel_memory")?,
        );
        all.put("memory", host_config!("Memory"), Value, size(&self.memory, "memory")?);
        let reservation = size(&self.memory_reservation, "memory_reservation")?;
        all.put("memory_reservation", host_config!("MemoryReservation"), Value, reservation);
        all.put(
            "memory_swap",
            host_config!("MemorySwap"),
            Value,
            size(&self.memory_swap, "memory_swap")?,
        );
        all.put(
            "memory_swappiness",
            host_config!("MemorySwappiness"),
            Value,
            number(self.memory_swappiness),
        );
        let mounts: Result<Vec<Json>, Failure> =
            self.mounts.iter().flatten().map(Mount::body).collect();
        all.put(
            "mounts",
            host_config!("Mounts"),
            Set,
            self.mounts.as_ref().map(|_| mounts).transpose()?.map(Json::from),
        );
        all.put("network_mode", host_config!("NetworkMode"), Value, text(&self.network_mode));
        all.put("oom_killer", host_config!("OomKillDisable"), Value, flag(self.oom_killer));
        all.put("oom_score_adj", host_config!("OomScoreAdj"), Value, number(self.oom_score_adj));
        all.put("pid_mode", host_config!("PidMode"), Value, text(&self.pid_mode));
        all.put("pids_limit", host_config!("PidsLimit"), Value, number(self.pids_limit));
        all.put("privileged", host_config!("Privileged"), Value, flag(self.privileged));
        all.put(
            "publish_all_ports",
            host_config!("PublishAllPorts"),
            Value,
            flag(self.publish_all_ports),
        );
        self.put_ports(&mut all)?;
        all.put("read_only", host_config!("ReadonlyRootfs"), Value, flag(self.read_only));
        if let Some(policy) = &self.restart_policy {
            let mut body = json!({"Name": policy});
            if let Some(retries) = self.restart_retries {
                body["MaximumRetryCount"] = retries.into();
            }
            all.put("restart_policy", host_config!("RestartPolicy"), Dict, Some(body));
        }
        all.put("runtime", host_config!("Runtime"), Value, text(&self.runtime));
        all.put("security_opts", host_config!("SecurityOpt"), Set, list(&self.security_opts));
        all.put("shm_size", host_config!("ShmSize"), Value, size(&self.shm_size, "shm_size")?);
        all.put("stop_signal", &["StopSignal"], Value, text(&self.stop_signal));
        all.put("stop_timeout", &["StopTimeout"], Value, number(self.stop_timeout));
        all.put(
            "storage_opts",
            host_config!("StorageOpt"),
            Dict,
            self.storage_opts.as_ref().map(|map| texts(map).into()),
        );
        all.put(
            "sysctls",
            host_config!("Sysctls"),
            Dict,
            self.sysctls.as_ref().map(|map| texts(map).into()),
        );
        let folders = self.tmpfs.as_ref().map(|all| {
            let one = |line: &String| {
                let (path, options) = line.split_once(':').unwrap_or((line, ""));
                (path.to_owned(), Json::from(options))
            };
            Json::from(all.iter().map(one).collect::<JsonMap>())
        });
        all.put("tmpfs", host_config!("Tmpfs"), Dict, folders);
        all.put("tty", &["Tty"], Value, flag(self.tty));
        all.put("ulimits", host_config!("Ulimits"), Set, self.ulimit_list()?);
        all.put("user", &["User"], Value, text(&self.user));
        all.put("userns_mode", host_config!("UsernsMode"), Value, text(&self.userns_mode));
        all.put("uts", host_config!("UTSMode"), Value, text(&self.uts));
        all.put("volume_driver", host_config!("VolumeDriver"), Value, text(&self.volume_driver));
        self.put_volumes(&mut all);
        all.put("volumes_from", host_config!("VolumesFrom"), Set, list(&self.volumes_from));
        all.put("working_dir", &["WorkingDir"], Value, text(&self.working_dir));
        Ok(all.0)
    }

    fn put_devices(&self, all: &mut Wishes) -> Result<(), Failure> {
        let devices = self.devices.as_ref().map(|devices| -> Json {
            let one = |device: &String| {
                let parts: Vec<&str> = device.split(':').collect();
                let on_host = parts.first().copied().unwrap_or_default();
                let inside = parts.get(1).copied().unwrap_or(on_host);
                let permissions = parts.get(2).copied().unwrap_or("rwm");
                json!({"PathOnHost": on_host, "PathInContainer": inside, "CgroupPermissions": permissions})
            };
            devices.iter().map(one).collect()
        });
        all.put("devices", &["HostConfig", "Devices"], Compared::Set, devices);
        let in_bytes = |rates: &Option<Vec<ByteRate>>| -> Result<Option<Json>, Failure> {
            let Some(rates) = rates else { return Ok(None) };
            let one = |rate: &ByteRate| -> Result<Json, Failure> {
                Ok(json!({"Path": rate.path, "Rate": bytes(&rate.rate, "rate")?}))
            };
            Ok(Some(Json::Array(rates.iter().map(one).collect::<Result<_, _>>()?)))
        };
        let in_counts = |rates: &Option<Vec<CountRate>>| -> Option<Json> {
            let rates = rates.as_ref()?;
            Some(rates.iter().map(|rate| json!({"Path": rate.path, "Rate": rate.rate})).collect())
        };
        let set = Compared::Set;
        all.put(
            "device_read_bps",
            &["HostConfig", "BlkioDeviceReadBps"],
            set,
            in_bytes(&self.device_read_bps)?,
        );
        all.put(
            "device_write_bps",
            &["HostConfig", "BlkioDeviceWriteBps"],
            set,
            in_bytes(&self.device_write_bps)?,
        );
        all.put(
            "device_read_iops",
            &["HostConfig", "BlkioDeviceReadIOps"],
            set,
            in_counts(&self.device_read_iops),
        );
        all.put(
            "device_write_iops",
            &["HostConfig", "BlkioDeviceWriteIOps"],
            set,
            in_counts(&self.device_write_iops),
        );
        let requests = self.device_requests.as_ref().map(|requests| -> Json {
            let one = |request: &DeviceRequest| {
                json!({
                    "Driver": request.driver.clone().unwrap_or_default(),
                    "Count": request.count.unwrap_or_default(),
                    "DeviceIDs": request.device_ids, "Capabilities": request.capabilities,
                    "Options": request.options.as_ref().map(texts).unwrap_or_default(),
                })
            };
            requests.iter().map(one).collect()
        });
        all.put("device_requests", &["HostConfig", "DeviceRequests"], set, requests);
        Ok(())
    }

    fn put_volumes(&self, all: &mut Wishes) {
        let Some(volumes) = &self.volumes else { return };
        let (mut binds, mut anonymous) = (Vec::new(), JsonMap::new());
        for volume in volumes {
            match volume.split(':').collect::<Vec<_>>()[..] {
                [path] => {
                    anonymous.insert(path.to_owned(), json!({}));
                }
                [from, to] => binds.push(format!("{from}:{to}:rw")),
                _ => binds.push(volume.clone()),
            }
        }
        if !binds.is_empty() || anonymous.is_empty() {
            all.put("volumes", &["HostConfig", "Binds"], Compared::Set, Some(binds.into()));
        }
        if !anonymous.is_empty() {
            all.put("volumes", &["Volumes"], Compared::Dict, Some(anonymous.into()));
        }
    }

    fn env_list(&self, host: &dyn Host) -> Result<Option<Json>, Failure> {
        if self.env.is_none() && self.env_file.is_none() {
            return Ok(None);
        }
        let mut variables = match &self.env_file {
            Some(path) => env_lines(host, path)?,
            None => Vec::new(),
        };
        for (name, value) in self.env.iter().flatten() {
            let Json::String(value) = value else {
                return Err(Failure::new(format!(
                    "Non-string value found for env option. Ambiguous env options must be wrapped \
                     in quotes to avoid them being interpreted. Key: {name}"
                )));
            };
            variables.retain(|(known, _)| known != name);
            variables.push((name.clone(), value.clone()));
        }
        let lines: Vec<String> =
            variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Some(lines.into()))
    }

    fn ulimit_list(&self) -> Result<Option<Json>, Failure> {
        let Some(limits) = &self.ulimits else { return Ok(None) };
        let mut all = Vec::new();
        for limit in limits {
            let parts: Vec<&str> = limit.split(':').collect();
            let broken = || Failure::new(format!("Invalid ulimits value: {limit}"));
            let number = |text: &str| text.trim().parse::<i64>().map_err(|_| broken());
            let (name, soft, hard) = match parts[..] {
                [name, soft] => (name, number(soft)?, number(soft)?),
                [name, soft, hard] => (name, number(soft)?, number(hard)?),
                _ => return Err(broken()),
            };
            all.push(json!({"Name": name, "Soft": soft, "Hard": hard}));
        }
        Ok(Some(all.into()))
    }

    fn put_ports(&self, all: &mut Wishes) -> Result<(), Failure> {
        let mut exposed = JsonMap::new();
        for port in self.exposed_ports.iter().flatten() {
            let (range, protocol) = match port.split_once('/') {
                Some((range, protocol)) => (range, Some(protocol)),
                None => (port.as_str(), None),
            };
            for port in ports(range)? {
                exposed.insert(with_protocol(&port.to_string(), protocol), json!({}));
            }
        }
        if let Some(published) = &self.published_ports {
            let mut bindings = JsonMap::new();
            for one in published {
                self.bind(one, &mut bindings)?;
            }
            for port in bindings.keys() {
                exposed.insert(port.clone(), json!({}));
            }
            let bindings = Json::from(bindings);
            all.put(
                "published_ports",
                &["HostConfig", "PortBindings"],
                Compared::Dict,
                Some(bindings),
            );
        }
        if !exposed.is_empty() {
            all.put("exposed_ports", &["ExposedPorts"], Compared::Dict, Some(exposed.into()));
        }
        Ok(())
    }

    /// One of `published_ports`: `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`.
    fn bind(&self, text: &str, bindings: &mut JsonMap) -> Result<(), Failure> {
        let (rest, protocol) = match text.split_once('/') {
            Some((rest, protocol)) => (rest, Some(protocol)),
            None => (text, None),
        };
        let mut address = self.default_host_ip.clone().unwrap_or_default();
        let (front, inside) = match rest.rsplit_once(':') {
            Some((front, inside)) => (Some(front), inside),
            None => (None, rest),
        };
        let outside = match front {
            None => None,
            Some(front) => match front.rsplit_once(':') {
                Some((given, outside)) => {
                    address = given.trim_matches(['[', ']']).to_owned();
                    Some(outside)
                }
                None if front.contains('.') => {
                    address = front.to_owned();
                    None
                }
                None => Some(front),
            },
        };
        let inside = ports(inside)?;
        let outside = match outside.filter(|outside| !outside.is_empty()) {
            None => None,
            Some(range) => {
                let outside = ports(range)?;
                if outside.len() != inside.len() && inside.len() != 1 {
                    return Err(Failure::new(format!(
                        "Invalid port mapping {text}: the ranges differ"
                    )));
                }
                Some(outside)
            }
        };
        for (at, port) in inside.iter().enumerate() {
            let chosen = match &outside {
                None => String::new(),
                Some(outside) if inside.len() == 1 && outside.len() > 1 => {
                    let (first, last) = (outside.first(), outside.last());
                    format!(
                        "{}-{}",
                        first.copied().unwrap_or_default(),
                        last.copied().unwrap_or_default()
                    )
                }
                Some(outside) => outside.get(at).copied().unwrap_or_default().to_string(),
            };
            let key = with_protocol(&port.to_string(), protocol);
            let binding = json!({"HostIp": address, "HostPort": chosen});
            match bindings.get_mut(&key).and_then(Json::as_array_mut) {
                Some(known) => known.push(binding),
                None => {
                    bindings.insert(key, json!([binding]));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read() {
        for (text, expected) in [
            ("512M", 536_870_912),
            ("1.5g", 1_610_612_736),
            ("10kb", 10_240),
            ("7", 7),
            ("2MiB", 2_097_152),
        ] {
            assert_eq!(bytes(text, "x").unwrap(), expected, "{text}");
        }
        for text in ["", "M", "1x", "one"] {
            assert!(bytes(text, "x").is_err(), "{text}");
        }
        for (text, expected) in
            [("1m30s", 90_000_000_000_i64), ("5s", 5_000_000_000), ("1h1ms", 3_600_001_000_000)]
        {
            assert_eq!(nanoseconds(text, "x").unwrap(), expected, "{text}");
        }
        for text in ["", "5", "s", "5d"] {
            assert!(nanoseconds(text, "x").is_err(), "{text}");
        }
    }
}
