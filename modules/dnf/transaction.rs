//! One run of dnf.

use std::collections::BTreeSet;

use module::{Failure, Host, HostError, Output, Program};

use super::{Backend, Dnf, wanted::Kind};
use crate::rpm;

/// The program, and which version of its options it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    is_five: bool,
}

/// Finds the program.
///
/// # Errors
/// A host that has none.
pub fn tool(task: &Dnf, host: &dyn Host) -> Result<Tool, Failure> {
    let candidates: &[&str] = match task.use_backend {
        Backend::Auto | Backend::Yum => &["dnf", "dnf5", "yum"],
        Backend::Dnf => &["dnf"],
        Backend::Dnf4 | Backend::Yum4 => &["dnf-3", "dnf"],
        Backend::Dnf5 => &["dnf5"],
    };
    let name = candidates.iter().find(|name| host.which(name).is_some()).ok_or_else(|| {
        Failure::new(format!(
            "this host does not install packages with dnf: there is none of {}",
            candidates.join(", ")
        ))
    })?;
    // Version 5 may be called `dnf` as well.
    let is_five = *name == "dnf5" || *name == "dnf" && host.which("dnf5").is_some();
    Ok(Tool { name: (*name).to_owned(), is_five })
}

/// A run.
#[derive(Clone, Debug)]
pub struct Transaction {
    tool: Tool,
    verb: &'static str,
    options: Vec<String>,
    packages: Vec<String>,
}

/// What it writes where there was nothing to do.
const NOTHING: [&str; 2] = ["Nothing to do", "No packages marked for"];

impl Transaction {
    /// A run for a task.
    pub fn of(task: &Dnf, tool: &Tool, verb: &'static str, packages: Vec<String>) -> Self {
        let mut options: Vec<String> = Vec::new();
        let mut push = |option: String| options.push(option);
        if let Some(file) = &task.conf_file {
            push(format!("--config={file}"));
        }
        if task.installroot != "/" {
            push(format!("--installroot={}", task.installroot));
        }
        if let Some(release) = &task.releasever {
            push(format!("--releasever={release}"));
        }
        for (name, all) in [
            ("enablerepo", &task.enablerepo),
            ("disablerepo", &task.disablerepo),
            ("disableplugin", &task.disable_plugin),
            ("enableplugin", &task.enable_plugin),
            ("exclude", &task.exclude),
        ] {
            for one in all.iter().flat_map(|all| all.split(',')).filter(|one| !one.is_empty()) {
                push(format!("--{name}={one}"));
            }
        }
        let is_stream = |name: &String| name.starts_with('@') && name.contains(':');
        let fetches = matches!(verb, "install" | "upgrade" | "group upgrade");
        for (wanted, setting) in [
            (!task.install_weak_deps, "install_weak_deps=False"),
            (!task.sslverify, "sslverify=False"),
            (task.best == Some(true) || task.nobest == Some(false), "best=True"),
            (task.best == Some(false) || task.nobest == Some(true), "best=False"),
            (verb == "remove" && !task.autoremove, "clean_requirements_on_remove=False"),
            // Signatures are looked at unless the task says otherwise, those of files too.
            (fetches && !task.disable_gpg_check, "gpgcheck=True"),
            // A module that is named with its stream may be switched to it.
            (verb == "install" && packages.iter().any(is_stream), "module_stream_switch=True"),
            (fetches && !task.disable_gpg_check, "localpkg_gpgcheck=True"),
        ] {
            if wanted {
                push(format!("--setopt={setting}"));
            }
        }
        if let Some(excludes) = &task.disable_excludes {
            match tool.is_five {
                true => push(format!(
                    "--setopt=disable_excludes={}",
                    if excludes == "all" { "*" } else { excludes }
                )),
                false => push(format!("--disableexcludes={excludes}")),
            }
        }
        let no_check = if tool.is_five { "--no-gpgchecks" } else { "--nogpgcheck" };
        let changes = fetches || matches!(verb, "remove" | "autoremove");
        for (wanted, option) in [
            (task.disable_gpg_check, no_check),
            (task.cacheonly, "--cacheonly"),
            (changes && task.skip_broken, "--skip-broken"),
            (changes && task.allowerasing, "--allowerasing"),
            (changes && task.download_only, "--downloadonly"),
            (verb == "upgrade" && task.security, "--security"),
            (verb == "upgrade" && task.bugfix, "--bugfix"),
            (verb == "makecache" && tool.is_five, "--refresh"),
        ] {
            if wanted {
                push(option.to_owned());
            }
        }
        if let Some(folder) = task.download_dir.as_ref().filter(|_| changes) {
            match tool.is_five {
                true => push(format!("--setopt=destdir={folder}")),
                false => push(format!("--downloaddir={folder}")),
            }
        }
        Self { tool: tool.clone(), verb, options, packages }
    }

    fn program(&self, answer: &str) -> Program {
        let program = Program::new(&self.tool.name).arg(answer).args(self.options.iter().cloned());
        // dnf reads no `--`: names that look like options are refused before.
        program.args(self.verb.split(' ')).args(self.packages.iter().cloned())
    }

    /// Runs the program, and once more without a repository that was to be used and is not there:
    /// that is no failure.
    fn tried(
        &self,
        answer: &str,
        run: &mut dyn FnMut(&Program) -> Result<Output, HostError>,
    ) -> Result<(Program, Output), Failure> {
        let mut transaction = self.clone();
        loop {
            let program = transaction.program(answer);
            let output = run(&program)?;
            let said = output.stdout_text() + &output.stderr_text();
            let unknown = said.lines().find_map(|line| {
                let (_, rest) = line.split_once("Unknown repo: '")?;
                Some(format!("--enablerepo={}", rest.trim_end().trim_end_matches('\'')))
            });
            let known = transaction.options.len();
            transaction.options.retain(|option| Some(option) != unknown.as_ref());
            if transaction.options.len() == known {
                return Ok((program, output));
            }
        }
    }

    /// What a run would do.
    ///
    /// # Errors
    /// What dnf refuses.
    pub fn foretell(&self, host: &dyn Host, root: &str) -> Result<Foretold, Failure> {
        let mut asking = self.clone();
        // dnf makes the folder even where it is told not to go on, and it looks for keys before
        // it knows whether a package needs one.
        let is_for_packages = |option: &String| {
            ["--downloaddir=", "--setopt=gpgcheck="].iter().any(|start| option.starts_with(start))
        };
        asking.options.retain(|option| !is_for_packages(option));
        asking.options.push("--setopt=gpgcheck=False".to_owned());
        let (program, output) = asking.tried("--assumeno", &mut |program| host.query(program))?;
        let said = output.stdout_text() + &output.stderr_text();
        let is_refusal = !output.is_success() && !said.contains("Operation aborted");
        if let Some(missing) = self.missing(&said) {
            return Err(missing);
        }
        if is_refusal && !said.contains("Is this ok") {
            return Err(self.failure(&program, &output));
        }
        let has_work = !NOTHING.iter().any(|words| said.contains(words));
        let mut lines = self.passed_over(&said);
        if has_work {
            for one in planned(&said) {
                if let Replaced::Itself(name) = &one.replaces {
                    let versions = rpm::versions(host, root, name)?;
                    let old = versions.iter().map(|old| old.strip_prefix("0:").unwrap_or(old));
                    lines.extend(old.map(|old| format!("Removed: {name}-{old}.{}", one.arch)));
                }
                lines.push(one.line);
            }
        }
        Ok(Foretold { has_work, lines })
    }

    /// Runs it; returns what is to be said of names that were passed over.
    ///
    /// # Errors
    /// What dnf refuses.
    pub fn execute(&self, host: &mut dyn Host) -> Result<Vec<String>, Failure> {
        let (program, output) = self.tried("--assumeyes", &mut |program| host.execute(program))?;
        let said = output.stdout_text() + &output.stderr_text();
        if let Some(missing) = self.missing(&said) {
            return Err(missing);
        }
        if output.is_success() {
            Ok(self.passed_over(&said))
        } else {
            Err(self.failure(&program, &output))
        }
    }

    /// Asks for packages that a name stands for: name and `epoch:version-release`.
    ///
    /// # Errors
    /// What dnf refuses.
    pub fn ask(
        task: &Dnf,
        tool: &Tool,
        host: &dyn Host,
        spec: &str,
        kind: Kind,
    ) -> Result<Vec<(String, String)>, Failure> {
        let which = if kind == Kind::Available { "--available" } else { "--installed" };
        let format = "--queryformat=%{name} %{epoch}:%{version}-%{release}\n";
        let asking = Self::of(task, tool, "repoquery", Vec::new());
        let text = asking.read(host, &[which, format, spec])?;
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
    }

    /// What a run that only reads says.
    ///
    /// # Errors
    /// What dnf refuses.
    pub fn read(mut self, host: &dyn Host, words: &[&str]) -> Result<String, Failure> {
        self.options.push("--quiet".to_owned());
        self.packages.extend(words.iter().copied().map(str::to_owned));
        let (program, output) = self.tried("--assumeno", &mut |program| host.query(program))?;
        if output.is_success() {
            Ok(output.stdout_text())
        } else {
            Err(self.failure(&program, &output))
        }
    }

    /// Names that nobody has, where that is no failure.
    fn passed_over(&self, said: &str) -> Vec<String> {
        if self.verb != "install" || !self.is_lenient() {
            return Vec::new();
        }
        nobody_has(said).iter().map(|name| format!("No package {name} available.")).collect()
    }

    fn is_lenient(&self) -> bool {
        self.options.iter().any(|option| option == "--skip-broken")
    }

    /// Packages that nobody has.
    fn missing(&self, said: &str) -> Option<Failure> {
        if self.verb != "install" || self.is_lenient() {
            return None;
        }
        let names = nobody_has(said);
        (!names.is_empty()).then(|| {
            let failures: Vec<String> =
                names.iter().map(|name| format!("No package {name} available.")).collect();
            Failure::new("Failed to install some of the specified packages")
                .with("failures", failures)
                .with("rc", 1)
        })
    }

    fn failure(&self, program: &Program, output: &Output) -> Failure {
        let said = output.stderr_text();
        let said = if said.trim().is_empty() { output.stdout_text() } else { said };
        Failure::new(format!("'{}' failed: {}", program.line(), said.trim()))
            .with("rc", output.status)
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text())
            .with("results", Vec::<String>::new())
    }
}

/// What a run would do.
pub struct Foretold {
    /// Whether there is anything to do.
    pub has_work: bool,
    /// What that is, a line each.
    pub lines: Vec<String>,
}

/// Names that dnf says nobody has. It says so of each of its tries.
fn nobody_has(said: &str) -> BTreeSet<&str> {
    let heads = ["No match for argument: ", "Unable to find a match: "];
    said.lines()
        .filter_map(|line| heads.iter().find_map(|head| line.split_once(head)))
        .map(|(_, name)| name.trim())
        .collect()
}

/// Whether a group is installed, be it named by its ID or by what people call it.
///
/// # Errors
/// A host without the program.
pub fn is_group_there(
    task: &Dnf,
    tool: &Tool,
    host: &dyn Host,
    name: &str,
) -> Result<bool, Failure> {
    let bare = name.trim_start_matches('@').trim();
    let words = ["group", "list", "--installed", "--hidden", bare];
    let output = host.query(&read_only(task, tool, &words))?;
    let text = output.stdout_text();
    // Headings of what was found stand at the margin; what was not found is named there as well.
    Ok(output.is_success() && text.lines().any(|line| line.starts_with(' ')))
}

/// What a name with `@` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouped {
    /// A group or an environment.
    Group,
    /// A module that no stream of is enabled.
    Module,
    /// A module, by its name alone, a stream of which is enabled.
    EnabledModule(String),
    Unknown,
}

/// Finds out what a name with `@` stands for.
///
/// # Errors
/// A host without the program.
pub fn grouped(task: &Dnf, tool: &Tool, host: &dyn Host, name: &str) -> Result<Grouped, Failure> {
    let bare = name.trim_start_matches('@').trim();
    let module = bare.split([':', '/']).next().unwrap_or(bare);
    let output = host.query(&read_only(task, tool, &["module", "list", module]))?;
    let text = output.stdout_text();
    let mut streams = text
        .lines()
        .filter(|line| line.split_whitespace().next() == Some(module))
        .map(|line| line.contains("[e]"))
        .peekable();
    if output.is_success() && streams.peek().is_some() {
        return Ok(match streams.any(|is_enabled| is_enabled) {
            true => Grouped::EnabledModule(module.to_owned()),
            false => Grouped::Module,
        });
    }
    let output = host.query(&read_only(task, tool, &["group", "info", bare]))?;
    let is_group = output.is_success() && !output.stdout_text().trim().is_empty();
    Ok(if is_group { Grouped::Group } else { Grouped::Unknown })
}

/// A run that changes nothing, on the system that a task is about.
fn read_only(task: &Dnf, tool: &Tool, words: &[&str]) -> Program {
    let mut program = Program::new(&tool.name).arg("--quiet");
    if let Some(file) = &task.conf_file {
        program = program.arg(format!("--config={file}"));
    }
    if task.installroot != "/" {
        program = program.arg(format!("--installroot={}", task.installroot));
    }
    program.args(words.iter().copied())
}

/// A line of a plan.
#[derive(Debug, PartialEq)]
struct Planned {
    line: String,
    arch: String,
    replaces: Replaced,
}

/// Which package goes where another comes.
#[derive(Debug, PartialEq)]
enum Replaced {
    Nothing,
    /// What is installed of the package of this name.
    Itself(String),
}

/// The lines of a plan that dnf shows: below a heading, a package each, deeper than the heading.
fn planned(said: &str) -> Vec<Planned> {
    let mut heading = "";
    let mut all = Vec::new();
    let plain = |line: String| Planned { line, arch: String::new(), replaces: Replaced::Nothing };
    for line in said.lines() {
        let bare = line.trim_end();
        if bare.ends_with(':') && !bare.starts_with(' ') {
            heading = bare.trim_end_matches(':');
        }
        let (verb, is_other_version) = match heading.split_whitespace().next() {
            Some("Upgrading" | "Downgrading") => ("Installed", true),
            Some("Installing" | "Reinstalling") => ("Installed", false),
            Some("Removing") => ("Removed", false),
            _ => continue,
        };
        let words: Vec<&str> = bare.split_whitespace().collect();
        match words.as_slice() {
            _ if !bare.starts_with(' ') => {}
            // Version 4 says which other package goes, version 5 also which of the same name.
            ["replacing", name, version] => {
                if let Some((name, arch)) = name.rsplit_once('.') {
                    all.push(plain(format!("Removed: {name}-{version}.{arch}")));
                }
            }
            ["replacing", ..] => {}
            [name, arch, version, ..] => all.push(Planned {
                line: format!("{verb}: {name}-{version}.{arch}"),
                arch: (*arch).to_owned(),
                replaces: match is_other_version {
                    true => Replaced::Itself((*name).to_owned()),
                    false => Replaced::Nothing,
                },
            }),
            _ => {}
        }
    }
    // A plan of a form that nobody knows is a plan yet.
    if all.is_empty() { vec![plain("packages would change".into())] } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read() {
        let said = "Dependencies resolved.\n====\n Package  Arch   Version  Repository  Size\n====\n\
                    Installing:\n foo      noarch 1.0-1    local       6 k\nInstalling dependencies:\n \
                    bar      noarch 2.0-1    local       6 k\n     replacing  gone.noarch 1.0-1\nRemoving:\n old      noarch 1-1      @local 1\n\n\
                    Transaction Summary\n====\nInstall  2 Packages\n\nOperation aborted.\n";
        let lines = |said| planned(said).into_iter().map(|one| one.line).collect::<Vec<_>>();
        assert_eq!(
            lines(said),
            [
                "Installed: foo-1.0-1.noarch",
                "Installed: bar-2.0-1.noarch",
                "Removed: gone-1.0-1.noarch",
                "Removed: old-1-1.noarch"
            ]
        );
        assert_eq!(lines("Something else"), ["packages would change"]);
        let upgrade = planned("Upgrading:\n foo  noarch  2:2.0-1  local  6 k\n");
        assert_eq!(upgrade[0].line, "Installed: foo-2:2.0-1.noarch");
        assert_eq!(upgrade[0].replaces, Replaced::Itself("foo".to_owned()));
    }
}
