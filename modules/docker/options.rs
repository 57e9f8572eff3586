//! What a task may say of a container, and how the engine writes it.

mod ports;
mod wishes;

use std::path::PathBuf;

use module::Arguments;
use protocol::{Json, JsonMap};

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
