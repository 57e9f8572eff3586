//! One target in one booted host.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use hosts::{Fleet, Host, HostSpec, Layer};

use crate::{
    source::{self, PLAIN, Trees, UNUSUAL},
    target::{Call, Target},
};

/// What hosts of targets have: tools that targets use, a Python of their own for modules, and a key
/// by which root reaches itself. There is no Ansible on them.
const TOOLS: Layer = Layer {
    name: "conformance-tools",
    packages: &[
        "python3",
        "python3-venv",
        "python3-pip",
        "python3-dev",
        "python3-apt",
        "python3-debian",
        "gcc",
        "git",
        "acl",
        "gnupg",
        "gpg-agent",
        "dirmngr",
        "curl",
        "wget",
        "unzip",
        "zip",
        "bzip2",
        "xz-utils",
        "zstd",
        "subversion",
        "cron",
        "iptables",
        "locales",
        "openssl",
        "expect",
        "rsync",
        "less",
        "file",
        "tmux",
        "openssh-client",
        "sshpass",
        "debconf-utils",
        "lsb-release",
        "jq",
        "make",
        "passwd",
        "e2fsprogs",
        "attr",
        "bc",
        "net-tools",
        "psmisc",
        "lsof",
        "kmod",
        "tzdata",
        "virtualenv",
        "man-db",
    ],
    script: "
sed -i 's/^# *en_US.UTF-8/en_US.UTF-8/' /etc/locale.gen
locale-gen
printf '[global]\\ncert = /etc/ssl/certs/ca-certificates.crt\\n' > /etc/pip.conf
python3 -m venv --system-site-packages /opt/python
/opt/python/bin/pip install -q -U pip 'setuptools<80'
/opt/python/bin/pip install -q PyYAML jinja2==3.1.6 packaging cryptography pexpect passlib
install -d -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
",
};

/// Names that the program is called by.
const NAMES: &[&str] = &[
    "ansible-playbook",
    "ansible",
    "ansible-inventory",
    "ansible-vault",
    "ansible-console",
    "ansible-config",
    "ansible-doc",
    "ansible-galaxy",
    "ansible-pull",
];

/// A target is given this many times what ansible-core takes, and never less than the seconds below.
const PATIENCE: f64 = 5.0;
const SECS_MIN: f64 = 90.0;

/// The part of ansible-core's `ok` that must be reached.
const OK_SHARE: f64 = 0.9;

/// What is called by Ansible's names.
pub enum Program {
    /// The program of that path.
    Under { test: PathBuf },
    /// ansible-core, of a folder to be laid over a host's files.
    Reference { tree: PathBuf },
}

/// Where ansible-core is on hosts that have it.
const REFERENCE: &str = "/opt/reference";

/// A folder with ansible-core, made on a host where it is not there yet.
///
/// # Errors
/// There was no host, or it has no way to packages.
pub fn reference() -> Result<PathBuf, String> {
    let tree = source::folder().join("reference");
    if tree.is_dir() {
        return Ok(tree);
    }
    let mut fleet = Fleet::start().map_err(|why| why.to_string())?;
    let mut spec = HostSpec::new("testhost");
    spec.layer = Some(TOOLS);
    let host = fleet.boot(&spec).map_err(|why| why.to_string())?;
    host.run(&format!(
        "python3 -m venv {REFERENCE}; {REFERENCE}/bin/pip install -q jinja2==3.1.6 passlib \
         ansible-core=={}",
        source::VERSION
    ))
    .map_err(|why| why.to_string())?;
    let part = source::folder().join("reference.part");
    // What an earlier try has left is of no use.
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(part.join("opt")).map_err(|why| fault(&part, why))?;
    let made = host.root().join(REFERENCE.trim_start_matches('/'));
    source::run(Command::new("cp").arg("-a").arg(&made).arg(part.join("opt")))?;
    fs::rename(&part, &tree).map_err(|why| fault(&tree, why))?;
    Ok(tree)
}

pub struct Sandbox<'a> {
    pub target: &'a Target,
    pub trees: &'a Trees,
    pub program: &'a Program,
    pub logs: &'a Path,
}

/// What came of a target.
pub enum Outcome {
    Ended {
        status: String,
        secs: f64,
        ok: u64,
        is_pass: bool,
    },
    /// There was no host for it.
    Broken(String),
}

impl Outcome {
    pub fn is_pass(&self) -> bool {
        matches!(self, Self::Ended { is_pass: true, .. })
    }

    pub fn line(&self, target: &Target) -> String {
        let Target { name, category, needs, reference_ok, .. } = target;
        match self {
            Self::Ended { status, secs, ok, is_pass } => {
                let word = if *is_pass { "PASS" } else { "FAIL" };
                format!(
                    "{word}    {name:<36} {category:<9}{needs:<7}{secs:>6.1} s  ok={ok} of \
                     {reference_ok}  status {status}"
                )
            }
            Self::Broken(why) => format!("BROKEN  {name:<36} {why}"),
        }
    }
}

impl Sandbox<'_> {
    /// Boots a host, runs the target in it, and ends the host.
    pub fn run(&self) -> Outcome {
        self.try_run().unwrap_or_else(Outcome::Broken)
    }

    fn try_run(&self) -> Result<Outcome, String> {
        let call = Call::of(&self.trees.targets, &self.target.name);
        let (tree, name) = if call.wants_plain_path() {
            (&self.trees.plain, PLAIN)
        } else {
            (&self.trees.unusual, UNUSUAL)
        };
        let mut fleet = Fleet::start().map_err(|why| why.to_string())?;
        let mut spec = HostSpec::new("testhost");
        spec.layer = Some(TOOLS);
        spec.overlays = vec![tree.clone()];
        if let Program::Reference { tree } = self.program {
            spec.overlays.push(tree.clone());
        }
        let host = fleet.boot(&spec).map_err(|why| why.to_string())?;
        let top = format!("/root/{name}");
        self.furnish(&host, &call, &top)?;
        let limit = (self.target.reference_secs * PATIENCE).max(SECS_MIN);
        let start = Instant::now();
        // Targets see nothing of this process's environment.
        let script = format!(
            "exec env -i HOME=/root USER=root LOGNAME=root timeout -k 10 {limit:.0} \
             /bin/bash -c 'bash /conformance/run.sh; echo $? > /conformance/status' \
             < /dev/null > /conformance/log 2>&1"
        );
        // How it ended stands in a file; a target that was cut off has left none.
        let _ = host.run(&script);
        let secs = start.elapsed().as_secs_f64();
        let read = |name: &str| {
            let bytes = fs::read(host.root().join("conformance").join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (log, status) = (read("log"), read("status"));
        self.keep("log", &log)?;
        self.keep("calls", &read("calls"))?;
        let ok = count_ok(&log);
        let enough = ok as f64 >= self.target.reference_ok as f64 * OK_SHARE;
        let status = match status.trim() {
            "" => "none: its time was up".to_owned(),
            status => status.to_owned(),
        };
        let is_pass = status == "0" && enough;
        Ok(Outcome::Ended { status, secs, ok, is_pass })
    }

    fn keep(&self, kind: &str, text: &str) -> Result<(), String> {
        let path = self.logs.join(format!("{}.{kind}", self.target.name));
        fs::write(&path, text).map_err(|why| format!("{}: {why}", path.display()))
    }

    /// Puts the program, its names and the script into the host.
    fn furnish(&self, host: &Host, call: &Call, top: &str) -> Result<(), String> {
        let root = host.root();
        let folder = root.join("conformance");
        for made in ["bin", "names"] {
            let path = folder.join(made);
            fs::create_dir_all(&path).map_err(|why| fault(&path, why))?;
        }
        let program = folder.join("program");
        if let Program::Under { test } = self.program {
            fs::copy(test, &program).map_err(|why| fault(&program, why))?;
        }
        for name in NAMES {
            let link = folder.join("names").join(name);
            let called = match self.program {
                Program::Under { .. } => "/conformance/program".to_owned(),
                Program::Reference { .. } => format!("{REFERENCE}/bin/{name}"),
            };
            std::os::unix::fs::symlink(called, &link).map_err(|why| fault(&link, why))?;
            let noting = format!(
                "#!/bin/bash\n/conformance/names/{name} \"$@\"; status=$?\n\
                 echo \"{name} $* -> $status\" >> /conformance/calls; exit $status\n"
            );
            write(&folder.join("bin").join(name), &noting, 0o755)?;
        }
        let injected = "#!/bin/sh\nexec /opt/python/bin/python \"$@\"\n";
        write(&folder.join("bin/python.py"), injected, 0o755)?;
        let tests = root.join(top.trim_start_matches('/'));
        let virtualenv = tests.join("test/lib/ansible_test/_util/target/injector/virtualenv.sh");
        let place = folder.join("bin/virtualenv.sh");
        fs::copy(&virtualenv, &place).map_err(|why| fault(&virtualenv, why))?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))
            .map_err(|why| fault(&place, why))?;
        write(&tests.join("test/integration/integration.cfg"), "", 0o644)?;
        let inventory = format!("[testgroup]\n{}\n", inventory_line(call));
        write(&tests.join("test/integration/inventory"), &inventory, 0o644)?;
        let key = fs::read_to_string(root.join("root/.ssh/id_ed25519.pub")).unwrap_or_default();
        let keys = root.join("root/.ssh/authorized_keys");
        let known = fs::read_to_string(&keys).unwrap_or_default();
        write(&keys, &format!("{known}{key}"), 0o600)?;
        write(&folder.join("run.sh"), &self.script(call, top), 0o644)
    }

    /// The script of the whole: the targets that it needs, then itself.
    fn script(&self, call: &Call, top: &str) -> String {
        let mut script = format!(
            "export LC_ALL=en_US.UTF-8 LANG=en_US.UTF-8 TERM=dumb PAGER=/bin/cat SSH_AUTH_SOCK=
export PATH=/conformance/bin:/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ANSIBLE_FORCE_COLOR=false ANSIBLE_FORCE_HANDLERS=true ANSIBLE_HOST_PATTERN_MISMATCH=error
export ANSIBLE_INVENTORY=/dev/null ANSIBLE_DEPRECATION_WARNINGS=false ANSIBLE_DEVEL_WARNING=false
export ANSIBLE_HOST_KEY_CHECKING=false ANSIBLE_RETRY_FILES_ENABLED=false ANSIBLE_LIBRARY=/dev/null
export ANSIBLE_CONFIG='{top}/test/integration/integration.cfg'
export INVENTORY_PATH='{top}/test/integration/inventory'
export ANSIBLE_TEST_CI= ANSIBLE_TEST_COVERAGE= ANSIBLE_TEST_PYTHON_VERSION=3.11
export ANSIBLE_TEST_PYTHON_INTERPRETER=/opt/python/bin/python
export PYTHONPATH= PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"
        );
        if !call.is_non_local() {
            script.push_str(
                "export ANSIBLE_PYTHON_INTERPRETER=/set/ansible_python_interpreter/in/inventory\n",
            );
        }
        for setup in call.setups() {
            let its = Call::of(&self.trees.targets, setup);
            script.push_str(&step(setup, &its, top));
            script.push_str(&format!(
                "[ $status = 0 ] || {{ echo 'the setup {setup} failed'; exit $status; }}\n"
            ));
        }
        script.push_str(&step(&self.target.name, call, top));
        script.push_str("exit $status\n");
        script
    }
}

/// How one target is run; sets `status`.
fn step(name: &str, call: &Call, top: &str) -> String {
    let integration = format!("{top}/test/integration");
    let head = format!(
        "export OUTPUT_DIR=/root/output-{name}\nrm -rf \"$OUTPUT_DIR\"; mkdir -p \"$OUTPUT_DIR\"\n"
    );
    if call.is_script {
        return format!(
            "{head}cd '{integration}/targets/{name}'\nexport ANSIBLE_PLAYBOOK_DIR=\"$PWD\"\n\
             unset ANSIBLE_ROLES_PATH\n./runme.sh -v; status=$?\n"
        );
    }
    let facts = call.wants_facts();
    format!(
        "{head}cd '{integration}'\n\
         export ANSIBLE_PLAYBOOK_DIR=\"$PWD\" ANSIBLE_ROLES_PATH='{integration}/targets'\n\
         cat > '{name}-run.yml' <<END\n\
         - hosts: testhost\n  gather_facts: {facts}\n  vars:\n    output_dir: \"$OUTPUT_DIR\"\n  \
         roles: [\"{name}\"]\n\
         END\n\
         ansible-playbook '{name}-run.yml' -i inventory -v; status=$?\n"
    )
}

fn inventory_line(call: &Call) -> String {
    let reached = if call.wants_ssh() {
        "ansible_connection=\"ssh\" ansible_pipelining=\"yes\" ansible_host=\"localhost\" \
         ansible_port=\"22\" ansible_user=\"root\" \
         ansible_ssh_private_key_file=\"/root/.ssh/id_ed25519\" \
         ansible_ssh_extra_args=\"-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no\""
    } else {
        "ansible_connection=\"local\" ansible_pipelining=\"yes\""
    };
    format!("testhost {reached} ansible_python_interpreter=\"/opt/python/bin/python\"")
}

fn fault(path: &Path, why: std::io::Error) -> String {
    format!("{}: {why}", path.display())
}

fn write(path: &PathBuf, text: &str, mode: u32) -> Result<(), String> {
    let written = fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
    written.map_err(|why| fault(path, why))
}

/// The sum of `ok=` over all lines of recaps.
fn count_ok(log: &str) -> u64 {
    let counts = log.lines().filter_map(|line| {
        let (_, counts) = line.split_once(" : ok=")?;
        counts.contains(" unreachable=").then_some(counts)
    });
    counts.filter_map(|counts| counts.split(' ').next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recaps_are_summed() {
        let log = "PLAY RECAP ***\n\
                   a    : ok=3    changed=0    unreachable=0    failed=0    skipped=0\n\
                   b    : ok=4    changed=1    unreachable=0    failed=0    skipped=0\n\
                   ok: [a] => { \"msg\": \" : ok=9 nothing\" }\n";
        assert_eq!(count_ok(log), 7);
    }

    #[test]
    fn scripts_and_roles_are_called_in_their_ways() {
        let script = Call { is_script: true, ..Call::default() };
        assert!(step("tags", &script, "/root/x").contains("./runme.sh -v"));
        let role = step("copy", &Call::default(), "/root/x");
        assert!(
            role.contains("roles: [\"copy\"]") && role.contains("gather_facts: true"),
            "{role}"
        );
    }
}
