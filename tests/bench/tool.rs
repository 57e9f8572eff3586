//! Trueup and its peers: how each is installed, configured and called.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// A tool, or a way to run one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Trueup,
    /// ansible-core as it is installed.
    Default,
    /// ansible-core with pipelining, connections that persist, and 50 forks.
    Tuned,
    /// The same with Mitogen's strategy.
    Mitogen,
    Pyinfra,
    /// ansible-core-rs.
    Rs,
}

/// All, in the order that they are shown in.
pub const TOOLS: [Tool; 6] =
    [Tool::Trueup, Tool::Default, Tool::Tuned, Tool::Mitogen, Tool::Pyinfra, Tool::Rs];

impl Tool {
    /// The name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Trueup => "trueup",
            Tool::Default => "ansible-default",
            Tool::Tuned => "ansible-tuned",
            Tool::Mitogen => "mitogen",
            Tool::Pyinfra => "pyinfra",
            Tool::Rs => "ansible-core-rs",
        }
    }

    /// The virtual environment that it lies in, and the packages of that.
    fn environment(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Tool::Trueup => None,
            Tool::Default | Tool::Tuned | Tool::Mitogen => {
                Some(("ansible", &["ansible-core", "mitogen"]))
            }
            Tool::Pyinfra => Some(("pyinfra", &["pyinfra"])),
            Tool::Rs => Some(("ansible-core-rs", &["ansible-core-rs"])),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where tools are installed.
#[derive(Clone, Debug)]
pub struct Toolbox {
    /// The program that is measured.
    pub program: PathBuf,
    /// Folder of the virtual environments.
    pub folder: PathBuf,
}

/// What a tool is to do: the files of the workload lie in its folder.
#[derive(Clone, Debug)]
pub enum Job {
    /// `site.yml` or `deploy.py` over `hosts.ini` or `hosts.py`.
    Run,
    /// `--list-tasks` of `site.yml`.
    ListTasks,
    Version,
    /// The `setup` module on all hosts.
    Facts,
}

impl Toolbox {
    /// Installs a tool where it is not yet, and says which version it is.
    ///
    /// # Errors
    /// Where pip fails.
    pub fn prepare(&self, tool: Tool) -> io::Result<String> {
        if let Some((name, packages)) = tool.environment() {
            let home = self.folder.join(name);
            if !home.join("ready").exists() {
                eprintln!("installing {}", packages.join(" "));
                succeed(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
                succeed(
                    Command::new(home.join("bin/pip"))
                        .args(["install", "--quiet", "--disable-pip-version-check"])
                        .args(packages),
                )?;
                fs::write(home.join("ready"), "")?;
            }
        }
        let words = self.words(tool, &Job::Version);
        let (program, arguments) =
            words.split_first().ok_or_else(|| io::Error::other("no words"))?;
        let output = Command::new(program).args(arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = text.lines().next().unwrap_or_default().to_owned();
        Ok(match tool {
            Tool::Mitogen => format!("{first}, mitogen {}", self.mitogen_version()),
            _ => first,
        })
    }

    fn mitogen_version(&self) -> String {
        let script = "import mitogen; print('.'.join(map(str, mitogen.__version__)))";
        let python = self.folder.join("ansible/bin/python");
        let output = Command::new(python).args(["-c", script]).output();
        output.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default()
    }

    /// How a tool is called for a job, in the folder of a workload.
    pub fn words(&self, tool: Tool, job: &Job) -> Vec<String> {
        let bin = |environment: &str, program: &str| {
            self.folder.join(environment).join("bin").join(program).display().to_string()
        };
        let trueup = || self.program.display().to_string();
        let (program, words): (String, Vec<&str>) = match (tool, job) {
            (Tool::Trueup, Job::Run) => (trueup(), vec!["run", "-i", "hosts.ini", "site.yml"]),
            (Tool::Trueup, Job::ListTasks) => {
                (trueup(), vec!["run", "-i", "hosts.ini", "--list-tasks", "site.yml"])
            }
            (Tool::Trueup, Job::Version) => (trueup(), vec!["--version"]),
            (Tool::Trueup, Job::Facts) => {
                (trueup(), vec!["exec", "all", "-i", "hosts.ini", "-m", "setup"])
            }
            (Tool::Pyinfra, Job::Version) => (bin("pyinfra", "pyinfra"), vec!["--version"]),
            (Tool::Pyinfra, _) => (bin("pyinfra", "pyinfra"), vec!["-y", "hosts.py", "deploy.py"]),
            (Tool::Rs, Job::Run) => (
                bin("ansible-core-rs", "ansible"),
                vec!["playbook", "-i", "hosts.ini", "-f", "50", "site.yml"],
            ),
            // It has no listing of tasks.
            (Tool::Rs, Job::ListTasks | Job::Version) => {
                (bin("ansible-core-rs", "ansible"), vec!["--version"])
            }
            (Tool::Rs, Job::Facts) => {
                (bin("ansible-core-rs", "ansible"), vec!["-i", "hosts.ini", "-m", "setup", "all"])
            }
            (_, Job::Run) => {
                (bin("ansible", "ansible-playbook"), vec!["-i", "hosts.ini", "site.yml"])
            }
            (_, Job::ListTasks) => (
                bin("ansible", "ansible-playbook"),
                vec!["-i", "hosts.ini", "--list-tasks", "site.yml"],
            ),
            (_, Job::Version) => (bin("ansible", "ansible-playbook"), vec!["--version"]),
            (_, Job::Facts) => {
                (bin("ansible", "ansible"), vec!["all", "-i", "hosts.ini", "-m", "setup"])
            }
        };
        [vec![program], words.into_iter().map(str::to_owned).collect()].concat()
    }

    /// Writes a tool's configuration into the folder of a workload.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn configure(&self, tool: Tool, folder: &Path) -> io::Result<()> {
        let path = folder.join("ansible.cfg");
        let mut text =
            "[defaults]\nhost_key_checking = False\nretry_files_enabled = False\n".to_owned();
        if tool == Tool::Mitogen {
            let script =
                "import ansible_mitogen, os; print(os.path.dirname(ansible_mitogen.__file__))";
            let python = self.folder.join("ansible/bin/python");
            let output = Command::new(python).args(["-c", script]).output()?;
            let package = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            text += &format!(
                "strategy_plugins = {package}/plugins/strategy\nstrategy = mitogen_linear\n"
            );
        }
        if tool != Tool::Default {
            text += "forks = 50\n";
        }
        // The path of a control socket is short, whatever the folder's is.
        text += "[ssh_connection]\ncontrol_path_dir = /tmp/tb-cp\n";
        if tool != Tool::Default {
            text +=
                "pipelining = True\nssh_args = -C -o ControlMaster=auto -o ControlPersist=60s\n";
        }
        fs::write(path, text)
    }
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?}: {said}")))
}
