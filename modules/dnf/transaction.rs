//! One run of dnf.

use std::collections::BTreeSet;

use module::{Failure, Host, Output, Program};

use super::{Backend, Dnf};

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
        for (wanted, setting) in [
            (!task.install_weak_deps, "install_weak_deps=False"),
            (!task.sslverify, "sslverify=False"),
            (task.best == Some(true) || task.nobest == Some(false), "best=True"),
            (task.best == Some(false) || task.nobest == Some(true), "best=False"),
            (verb == "remove" && !task.autoremove, "clean_requirements_on_remove=False"),
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
        let changes = matches!(verb, "install" | "upgrade" | "remove" | "autoremove");
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
        let mut program =
            Program::new(&self.tool.name).arg(answer).args(self.options.iter().cloned());
        program = match self.verb {
            // The first word of both versions, and none that the second knows by another name.
            "makecache" => program.arg("makecache"),
            verb => program.arg(verb),
        };
        // dnf reads no `--`: names that look like options are refused before.
        program.args(self.packages.iter().cloned())
    }

    /// What a run would do, a line each.
    ///
    /// # Errors
    /// What dnf refuses.
    pub fn foretell(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let program = self.program("--assumeno");
        let output = host.query(&program)?;
        let said = output.stdout_text() + &output.stderr_text();
        let is_refusal = !output.is_success() && !said.contains("Operation aborted");
        if is_refusal && self.missing(&said).is_none() && !said.contains("Is this ok") {
            return Err(self.failure(&program, &output));
        }
        if let Some(missing) = self.missing(&said) {
            return Err(missing);
        }
        Ok(if self.has_work(&output) { planned(&said) } else { Vec::new() })
    }

    /// Whether there was anything to do.
    pub fn has_work(&self, output: &Output) -> bool {
        let said = output.stdout_text() + &output.stderr_text();
        !NOTHING.iter().any(|words| said.contains(words))
    }

    /// Runs it.
    ///
    /// # Errors
    /// What dnf refuses.
    pub fn execute(&self, host: &mut dyn Host) -> Result<Output, Failure> {
        let program = self.program("--assumeyes");
        let output = host.execute(&program)?;
        let said = output.stdout_text() + &output.stderr_text();
        if let Some(missing) = self.missing(&said) {
            return Err(missing);
        }
        if output.is_success() { Ok(output) } else { Err(self.failure(&program, &output)) }
    }

    /// Packages that nobody has.
    fn missing(&self, said: &str) -> Option<Failure> {
        if self.verb != "install" || self.options.iter().any(|option| option == "--skip-broken") {
            return None;
        }
        let heads = ["No match for argument: ", "Unable to find a match: "];
        // It says so of each of its tries.
        let names: BTreeSet<&str> = said
            .lines()
            .filter_map(|line| heads.iter().find_map(|head| line.split_once(head)))
            .map(|(_, name)| name.trim())
            .collect();
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

/// The lines of a plan that dnf shows: below a heading, a package each, deeper than the heading.
fn planned(said: &str) -> Vec<String> {
    let mut heading = "";
    let mut all = Vec::new();
    for line in said.lines() {
        let bare = line.trim_end();
        if bare.ends_with(':') && !bare.starts_with(' ') {
            heading = bare.trim_end_matches(':');
        }
        let verb = match heading.split_whitespace().next() {
            Some("Installing" | "Upgrading" | "Downgrading" | "Reinstalling") => "Installed",
            Some("Removing") => "Removed",
            _ => continue,
        };
        let words: Vec<&str> = bare.split_whitespace().collect();
        if let ([name, arch, version, ..], true) = (words.as_slice(), bare.starts_with(' ')) {
            // Version 5 says what is replaced in lines of its own.
            if *name != "replacing" {
                all.push(format!("{verb}: {name}-{version}.{arch}"));
            }
        }
    }
    // A plan of a form that nobody knows is a plan yet.
    if all.is_empty() { vec!["packages would change".into()] } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read() {
        let said = "Dependencies resolved.\n====\n Package  Arch   Version  Repository  Size\n====\n\
                    Installing:\n foo      noarch 1.0-1    local       6 k\nInstalling dependencies:\n \
                    bar      noarch 2.0-1    local       6 k\nRemoving:\n old      noarch 1-1      @local 1\n\n\
                    Transaction Summary\n====\nInstall  2 Packages\n\nOperation aborted.\n";
        assert_eq!(
            planned(said),
            [
                "Installed: foo-1.0-1.noarch",
                "Installed: bar-2.0-1.noarch",
                "Removed: old-1-1.noarch"
            ]
        );
        assert_eq!(planned("Something else"), ["packages would change"]);
    }
}
