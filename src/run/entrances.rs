//! How containers, pods and other roots are entered: the command lines that the connection plugins
//! of the collections make, from the variables that they document.
//!
//! The remote is started over there by a program of the controller (`docker exec -i …`), once a
//! host, and answers over its standard streams as it does over SSH.

use template::Value;

use crate::connect::{ConnectSettingsError, Reader};

/// A connection plugin whose hosts are entered by a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    Docker,
    Podman,
    Buildah,
    /// `kubectl`, and `oc` with variables of its own.
    Kubectl,
    Oc,
    Chroot,
    /// `lxc-attach`, of classic LXC.
    Lxc,
    /// The client `lxc` of LXD.
    Lxd,
    Incus,
    Nsenter,
}

/// All of them, for messages and listings.
pub const ENTRANCES: &[&str] =
    &["buildah", "chroot", "docker", "incus", "kubectl", "lxc", "lxd", "nsenter", "oc", "podman"];

/// Options of `kubectl exec` and `oc exec` that have a value: the variable without its prefix
/// (`ansible_kubectl_`, `ansible_oc_`), and the option.
const CLUSTER_OPTIONS: &[(&[&str], &str)] = &[
    (&["namespace"], "--namespace"),
    (&["container"], "--container"),
    (&["kubeconfig", "config"], "--kubeconfig"),
    (&["context"], "--context"),
    (&["host", "server"], "--server"),
    (&["username", "user"], "--username"),
    (&["cert_file", "client_cert"], "--client-certificate"),
    (&["key_file", "client_key"], "--client-key"),
    (&["ssl_ca_cert", "ca_cert"], "--certificate-authority"),
];

/// Variables that these plugins would put on a command line that everybody on the controller can
/// read.
const CLUSTER_SECRETS: &[&str] = &["password", "token", "api_key"];

impl Entrance {
    /// The plugin of a name, with or without its collection.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (collection, short) = name.rsplit_once('.').unwrap_or(("", name));
        let (entrance, home) = match short {
            "docker" => (Self::Docker, "community.docker"),
            "podman" => (Self::Podman, "containers.podman"),
            "buildah" => (Self::Buildah, "containers.podman"),
            "kubectl" => (Self::Kubectl, "kubernetes.core"),
            "oc" => (Self::Oc, "community.okd"),
            "chroot" => (Self::Chroot, "community.general"),
            "lxc" => (Self::Lxc, "community.general"),
            "lxd" => (Self::Lxd, "community.general"),
            "incus" => (Self::Incus, "community.general"),
            "nsenter" => (Self::Nsenter, "community.docker"),
            _ => return None,
        };
        // Where plugins lived before: all of them in community.general or Ansible itself.
        let homes = ["", home, "community.general", "community.kubernetes", "ansible.builtin"];
        homes.contains(&collection).then_some(entrance)
    }

    /// The program and arguments before the shell. `host` is the name in the inventory, `address`
    /// what `ansible_host` says, `user` whom to be over there.
    pub(crate) fn arguments(
        self,
        reader: &Reader<'_>,
        host: &str,
        address: &str,
        user: Option<&str>,
    ) -> Result<Vec<String>, ConnectSettingsError> {
        let mut line = Line(Vec::new());
        // A name of its own for the container wins over `ansible_host`.
        let named = |own: &'static str| {
            reader.text(&[own], None).map(|name| name.unwrap_or_else(|| address.to_owned()))
        };
        match self {
            Self::Docker => {
                line.add(["docker"]);
                line.extra(reader, "ansible_docker_extra_args")?;
                line.add(["exec"]);
                if reader.truth(&["ansible_docker_privileged"], None)? == Some(true) {
                    line.add(["--privileged"]);
                }
                let own = reader.text(&["ansible_docker_user"], None)?;
                line.option("-u", own.as_deref().or(user));
                if let Some(Value::Dict(environment)) =
                    reader.value(&["ansible_docker_extra_env"], None)?
                {
                    for (name, value) in environment.entries() {
                        line.option("-e", Some(&format!("{name}={value}")));
                    }
                }
                let folder = reader.text(&["ansible_docker_working_dir"], None)?;
                line.option("-w", folder.as_deref());
                line.add(["-i", &named("ansible_docker_host")?]);
            }
            Self::Podman => {
                let program = reader.text(&["ansible_podman_executable"], None)?;
                line.add([program.as_deref().unwrap_or("podman")]);
                line.extra(reader, "ansible_podman_extra_args")?;
                line.add(["exec"]);
                line.option("--user", user);
                line.add(["-i", &named("ansible_podman_host")?]);
            }
            Self::Buildah => {
                line.add(["buildah", "run"]);
                line.option("--user", user);
                line.add(["--", address]);
            }
            Self::Kubectl => line.cluster(reader, "kubectl", host)?,
            Self::Oc => line.cluster(reader, "oc", host)?,
            Self::Chroot => {
                let program = reader.text(&["ansible_chroot_exe"], None)?;
                line.add([program.as_deref().unwrap_or("chroot"), address]);
            }
            Self::Lxc => line.add(["lxc-attach", "-n", &named("ansible_lxc_host")?, "--"]),
            Self::Lxd => {
                let name = named("ansible_lxd_host")?;
                line.instance(reader, "lxc", ["ansible_lxd_project", "ansible_lxd_remote"], &name)?;
                line.other_user(reader, "lxd_become_method", user)?;
            }
            Self::Incus => {
                let name = named("ansible_incus_host")?;
                let own = ["ansible_incus_project", "ansible_incus_remote"];
                line.instance(reader, "incus", own, &name)?;
                line.other_user(reader, "incus_become_method", user)?;
            }
            Self::Nsenter => {
                let pid = reader.text(&["ansible_nsenter_pid"], None)?;
                line.add(["nsenter", "--ipc", "--mount", "--net", "--pid", "--uts"]);
                line.add(["--preserve-credentials"]);
                line.add([&format!("--target={}", pid.as_deref().unwrap_or("1")), "--"]);
            }
        }
        Ok(line.0)
    }
}

/// A command line as it grows.
struct Line(Vec<String>);

impl Line {
    fn add<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(str::to_owned));
    }

    fn option(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add([name, value]);
        }
    }

    /// Arguments that a variable holds as one text, quoted as in a shell.
    fn extra(&mut self, reader: &Reader<'_>, name: &str) -> Result<(), ConnectSettingsError> {
        let Some(text) = reader.text(&[name], None)? else { return Ok(()) };
        let words =
            inventory::ini::shell_words(&text).map_err(|_| ConnectSettingsError::Value {
                name: name.to_owned(),
                value: text.clone(),
                wanted: "list of arguments: a quote is not closed",
            })?;
        self.0.extend(words);
        Ok(())
    }

    /// `kubectl` and `oc`: the pod is the host, unless it is named.
    fn cluster(
        &mut self,
        reader: &Reader<'_>,
        program: &'static str,
        host: &str,
    ) -> Result<(), ConnectSettingsError> {
        let text = |name: &str| reader.text(&[&format!("ansible_{program}_{name}")], None);
        for name in CLUSTER_SECRETS {
            if text(name)?.is_some() {
                return Err(ConnectSettingsError::Exposed {
                    name: format!("ansible_{program}_{name}"),
                    program,
                });
            }
        }
        self.add([program, "exec", "-i"]);
        for (names, option) in CLUSTER_OPTIONS {
            for name in *names {
                if let Some(value) = text(name)? {
                    self.add([option, &value]);
                    break;
                }
            }
        }
        for name in ["verify_ssl", "validate_certs"] {
            let name = format!("ansible_{program}_{name}");
            if let Some(checks) = reader.truth(&[&name], None)? {
                self.add([&format!("--insecure-skip-tls-verify={}", !checks)]);
                break;
            }
        }
        self.extra(reader, &format!("ansible_{program}_extra_args"))?;
        self.add([text("pod")?.as_deref().unwrap_or(host), "--"]);
        Ok(())
    }

    /// LXD and Incus: instances have no domain, and may be on another server.
    fn instance(
        &mut self,
        reader: &Reader<'_>,
        program: &str,
        [project, remote]: [&'static str; 2],
        name: &str,
    ) -> Result<(), ConnectSettingsError> {
        self.add([program]);
        self.option("--project", reader.text(&[project], None)?.as_deref());
        let remote = reader.text(&[remote], None)?;
        let remote = remote.as_deref().unwrap_or("local");
        let name = name.split('.').next().unwrap_or(name);
        self.add(["exec", &format!("{remote}:{name}"), "--"]);
        Ok(())
    }

    /// A user other than root is become over there. What follows on the line is then an argument
    /// of a shell of theirs.
    fn other_user(
        &mut self,
        reader: &Reader<'_>,
        method: &'static str,
        user: Option<&str>,
    ) -> Result<(), ConnectSettingsError> {
        let Some(user) = user.filter(|user| *user != "root") else { return Ok(()) };
        let program = reader.text(&[method], None)?;
        let program = program.as_deref().unwrap_or("/bin/su");
        // `su USER -c 'exec "$0" "$@"' WORD…` runs the words that follow as they are.
        self.add([program, user, "-s", "/bin/sh", "-c", "exec \"$0\" \"$@\""]);
        Ok(())
    }
}
