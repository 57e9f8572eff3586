//! `source: build` of `docker_image`: by Docker's program beside the engine, which packs the folder
//! and minds what `.dockerignore` leaves out.

use std::path::PathBuf;

use module::{Arguments, Failure, Host, Program};
use protocol::JsonMap;

use super::{Engine, build::bytes, command_line::refused, words::Words};

/// How an image is built.
#[derive(Debug, Arguments)]
pub struct BuildOptions {
    /// The folder that it is built from.
    pub path: PathBuf,
    /// The file of orders in that folder.
    dockerfile: Option<String>,
    /// Arguments of the build.
    args: Option<JsonMap>,
    /// Images whose layers are taken where they fit.
    cache_from: Option<Vec<String>>,
    /// What the containers of the build may use.
    container_limits: Option<ContainerLimits>,
    /// Names of hosts with their addresses.
    etc_hosts: Option<JsonMap>,
    /// Seconds that the engine is waited for.
    http_timeout: Option<u64>,
    /// Labels of the image.
    labels: Option<JsonMap>,
    /// The network while it is built.
    network: Option<String>,
    /// Whether no old layer is taken.
    #[argument(default = false)]
    nocache: bool,
    /// System and machine: `linux/arm64`.
    platform: Option<String>,
    /// Whether the image that it is built on is asked for again.
    #[argument(default = false)]
    pull: bool,
    /// Whether containers of the build are taken away.
    #[argument(default = true)]
    rm: bool,
    /// Size of the shared memory: `64M`.
    shm_size: Option<String>,
    /// The stage that is built.
    target: Option<String>,
    /// Whether the settings of proxies of Docker's program count; it takes them by itself.
    use_config_proxy: Option<bool>,
}

/// What the containers of a build may use.
#[derive(Debug, Arguments)]
struct ContainerLimits {
    /// The processors: `0,1`.
    cpusetcpus: Option<String>,
    /// Their part of them.
    cpushares: Option<i64>,
    /// Memory: `512M`.
    memory: Option<String>,
    /// Memory with what is swapped out; `-1` is any.
    memswap: Option<String>,
}

impl BuildOptions {
    /// Refuses what Docker's program does not do, and what is not there.
    ///
    /// # Errors
    /// That.
    pub fn refuse_what_cannot_be(&self, host: &dyn Host) -> Result<(), Failure> {
        let path = &self.path;
        if !host.metadata(path)?.is_some_and(|found| found.is_dir()) {
            return Err(Failure::new(format!(
                "Requested build path {} could not be found or you do not have access.",
                path.display()
            )));
        }
        if self.use_config_proxy == Some(false) {
            return Err(Failure::new("build.use_config_proxy=false is not supported"));
        }
        Ok(())
    }

    /// The program that builds it.
    ///
    /// # Errors
    /// A size that is none.
    pub fn program(&self, engine: &Engine, full: &str) -> Result<Program, Failure> {
        let mut words = Words::new(["build", "--tag", full]);
        words.add(
            "--file",
            self.dockerfile.as_ref().map(|file| self.path.join(file).display().to_string()),
        );
        words.add_pairs("--build-arg", self.args.as_ref(), "=");
        words.add("--cache-from", self.cache_from.clone().unwrap_or_default());
        words.add_pairs("--add-host", self.etc_hosts.as_ref(), ":");
        words.add_pairs("--label", self.labels.as_ref(), "=");
        words.add("--network", self.network.clone());
        words.add("--platform", self.platform.clone());
        words.add("--target", self.target.clone());
        let size = self.shm_size.as_deref().map(bytes).transpose()?;
        words.add("--shm-size", size.map(|size| size.to_string()));
        if let Some(limits) = &self.container_limits {
            words.add("--cpuset-cpus", limits.cpusetcpus.clone());
            words.add("--cpu-shares", limits.cpushares.map(|shares| shares.to_string()));
            words.add("--memory", limits.memory.clone());
            words.add("--memory-swap", limits.memswap.clone());
        }
        words.add_flag(self.nocache, "--no-cache");
        words.add_flag(self.pull, "--pull");
        words.add_flag(!self.rm, "--rm=false");
        let words = words.on(&self.path);
        let mut program = engine.command_line().args(words);
        if let Some(secs) = self.http_timeout {
            program = program.variable("DOCKER_CLIENT_TIMEOUT", secs.to_string());
        }
        Ok(program)
    }
}

/// Builds an image; what was said of that is returned.
///
/// # Errors
/// What the program says.
pub fn build(
    options: &BuildOptions,
    engine: &Engine,
    host: &mut dyn Host,
    full: &str,
) -> Result<String, Failure> {
    let program = options.program(engine, full)?;
    let output = host.execute(&program)?;
    if !output.is_success() {
        let failure = refused(&program, &output);
        return Err(Failure { msg: format!("Error building {full} - {}", failure.msg), ..failure });
    }
    Ok(output.stdout_text() + &output.stderr_text())
}
