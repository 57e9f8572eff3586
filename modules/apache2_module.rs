//! The `apache2_module` module of the collection `community.general`.

use module::{Arguments, Documented, Example, Failure, Host, Program, Returned};
use protocol::spec::Support;

use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// Keeps a module of Apache's enabled, with the tools of Debian and of SUSE.
#[derive(Debug, Arguments)]
pub struct Apache2Module {
    /// The module, as `a2enmod` knows it.
    name: String,
    /// The module, as `apache2ctl -M` lists it; guessed where it is left out.
    identifier: Option<String>,
    /// Whether one that Debian needs is disabled too.
    #[argument(default = false)]
    force: bool,
    /// Whether it is enabled.
    #[argument(default = "present")]
    state: Presence,
    /// Whether a configuration that Apache refuses is passed over; nothing is taken for enabled then.
    #[argument(default = false)]
    ignore_configcheck: bool,
    /// Whether it is warned of an Apache without a module for its processes.
    #[argument(default = true)]
    warn_mpm_absent: bool,
}

impl Documented for Apache2Module {
    const NAME: &'static str = "community.general.apache2_module";
    const ALIASES: &'static [&'static str] = &["apache2_module"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A module", args: r#"{"name": "wsgi"}"# },
        Example {
            title: "Not this one, which Debian needs",
            args: r#"{"name": "autoindex", "state": "absent", "force": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("result", "What it is now.", "always", r#""Module wsgi enabled""#)];
    const DIFF_MODE: Support = Support::None;
}

/// How Apache lists a module that `a2enmod` knows by a name.
fn identifier(name: &str) -> String {
    let digits = |rest: &str| {
        rest.chars().take_while(|one| one.is_ascii_digit() || *one == '.').collect::<String>()
    };
    match name {
        _ if name.contains("shib") => "mod_shib".into(),
        _ if name.contains("evasive") => "evasive20_module".into(),
        // From version 8 on, PHP's has no number.
        _ if name.starts_with("php8") => "php_module".into(),
        _ => match name.strip_prefix("php").map(digits) {
            Some(version) if version.contains('.') => {
                format!("php{}_module", version.split('.').next().unwrap_or_default())
            }
            _ => format!("{name}_module"),
        },
    }
}

impl Apache2Module {
    fn control(host: &dyn Host) -> Result<Program, Failure> {
        let names = ["apache2ctl", "apachectl"];
        let found = names.into_iter().find(|name| host.which(name).is_some());
        found.map(Program::new).ok_or_else(|| {
            Failure::new(
                "Neither of apache2ctl nor apachectl found. At least one apache control binary is necessary.",
            )
        })
    }

    fn is_enabled(&self, host: &dyn Host, warnings: &mut Vec<String>) -> Result<bool, Failure> {
        let program = Self::control(host)?.arg("-M");
        let output = host.query(&program)?;
        let said = output.stderr_text();
        if output.is_success() {
            let own = self.identifier.clone().unwrap_or_else(|| identifier(&self.name));
            let listed = output.stdout_text();
            return Ok(listed.lines().any(|line| line.split_whitespace().next() == Some(&own)));
        }
        let msg = format!("Error executing {}: {said}", program.name);
        if !self.ignore_configcheck {
            return Err(Failure::new(msg));
        }
        let lacks_processes = said.contains("AH00534") && self.name.contains("mpm_");
        match (lacks_processes, self.warn_mpm_absent) {
            (true, false) => {}
            (true, true) => warnings.push(
                "No MPM module loaded! apache2 reload AND other module actions will fail if no MPM module is loaded immediately."
                    .into(),
            ),
            (false, _) => warnings.push(msg),
        }
        Ok(false)
    }
}

impl Stepwise for Apache2Module {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        if self.name == "cgi" && self.state.is_present() {
            let output = host.query(&Self::control(host)?.arg("-V"))?;
            let said = output.stdout_text();
            let is_threaded = said.lines().any(|line| {
                line.trim()
                    .strip_prefix("threaded:")
                    .is_some_and(|rest| rest.trim().starts_with("yes"))
            });
            if is_threaded {
                return Err(Failure::new(
                    "Your MPM seems to be threaded, therefore enabling cgi module is not allowed.",
                ));
            }
        }
        let mut warnings = Vec::new();
        let wanted = self.state.is_present();
        let is_so = self.is_enabled(host, &mut warnings)? == wanted;
        let (tool, word) = if wanted { ("a2enmod", "enabled") } else { ("a2dismod", "disabled") };
        let mut steps = Steps { warnings, ..Steps::default() };
        if !is_so {
            if host.which(tool).is_none() {
                return Err(Failure::new(format!(
                    "{tool} not found. Perhaps this system does not use {tool} to manage apache"
                )));
            }
            let force = (!wanted && self.force).then_some("-f");
            steps.programs.push(Program::new(tool).args(force).arg(&self.name));
        }
        Ok(steps.with("result", format!("Module {} {word}", self.name)))
    }

    fn settled(&self, host: &dyn Host) -> Result<(), Failure> {
        let wanted = self.state.is_present();
        match self.is_enabled(host, &mut Vec::new())? == wanted || self.ignore_configcheck {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "Failed to set module {} to {}: maybe the module identifier ({}) was guessed incorrectly. Consider setting the \"identifier\" option.",
                self.name,
                if wanted { "enabled" } else { "disabled" },
                self.identifier.clone().unwrap_or_else(|| identifier(&self.name))
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/mods", "core_module php7_module ");
        host.program("apache2ctl", |files, program| match program.args[0].as_str() {
            "-V" => {
                Output::success("Server MPM:     event\n  threaded:     yes (fixed thread count)\n")
            }
            _ if files.text("/broken").is_some() => Output::failure(1, "AH00534: no MPM"),
            _ => {
                let all: String = files
                    .text("/mods")
                    .unwrap()
                    .split_whitespace()
                    .map(|one| format!(" {one} (shared)\n"))
                    .collect();
                Output::success(format!("Loaded Modules:\n{all}"))
            }
        });
        for (tool, is_added) in [("a2enmod", true), ("a2dismod", false)] {
            host.program(tool, move |files, program| {
                let name = program.args.last().unwrap();
                let now = files.text("/mods").unwrap();
                let own =
                    if name == "odd" { "strange_module".to_owned() } else { identifier(name) };
                let rest = now.replace(&format!("{own} "), "");
                files.put("/mods", if is_added { format!("{rest}{own} ") } else { rest });
                Output::success("")
            });
        }
        host
    }

    #[test]
    fn modules_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"name": "wsgi"}), true),
            (json!({"name": "wsgi"}), false),
            (json!({"name": "php7.4"}), false),
            (json!({"name": "odd", "identifier": "strange_module"}), true),
            (json!({"name": "odd", "identifier": "strange_module"}), false),
            (json!({"name": "wsgi", "state": "absent", "force": true}), true),
            (json!({"name": "wsgi", "state": "absent"}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("apache2_module", &args, "", "", check, &mut host);
            let done = run("apache2_module", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
        host.put("/broken", "");
        let args = json!({"name": "mpm_event", "ignore_configcheck": true});
        let done = run("apache2_module", &args, "", "", Mode::default(), &mut host);
        assert!(done.changed && done.warnings[0].contains("No MPM module loaded!"), "{done:?}");
    }

    #[test]
    fn what_cannot_be_enabled_is_refused() {
        for (name, expected) in [
            ("php8.2", "php_module"),
            ("php5", "php5_module"),
            ("shib2", "mod_shib"),
            ("ssl", "ssl_module"),
        ] {
            assert_eq!(identifier(name), expected);
        }
        for (args, words) in [
            (json!({"name": "cgi"}), "seems to be threaded"),
            (json!({"name": "odd"}), "was guessed incorrectly"),
            (json!({}), "missing required arguments: name"),
        ] {
            let done = run("apache2_module", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
        let done = run(
            "apache2_module",
            &json!({"name": "x"}),
            "",
            "",
            Mode::default(),
            &mut FakeHost::default(),
        );
        assert!(done.msg.unwrap_or_default().contains("Neither of apache2ctl nor apachectl found"));
    }
}
