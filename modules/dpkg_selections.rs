//! The `dpkg_selections` module.

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
};
use protocol::JsonMap;

use crate::tool;

/// Keeps what dpkg is meant to do with a package: `hold` keeps it as it is through upgrades.
#[derive(Debug, Arguments)]
pub struct DpkgSelections {
    /// The package.
    name: String,
    /// What is meant to be done with it.
    selection: Selection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Selection {
    Install,
    Hold,
    Deinstall,
    Purge,
}

impl Documented for DpkgSelections {
    const NAME: &'static str = "ansible.builtin.dpkg_selections";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A package that no upgrade touches",
        args: r#"{"name": "bash", "selection": "hold"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("before", "What was meant.", "always", r#""install""#),
        Returned::new("after", "What is meant now.", "always", r#""hold""#),
    ];
}

impl Module for DpkgSelections {
    type State = String;

    fn check(&self, host: &dyn Host) -> Result<Delta<String>, Failure> {
        let program = Program::new("dpkg").args(["--get-selections", &self.name]);
        let output = host.query(&program)?;
        if output.stderr_text().contains("no packages found matching") {
            return Err(Failure::new(format!(
                "Failed to find package '{}' to perform selection '{}'.",
                self.name, self.selection
            )));
        }
        let output = module::host::succeeded(&program, output)?;
        let text = output.stdout_text();
        let now = text.split_whitespace().nth(1).unwrap_or("not present");
        Ok(Delta::new(now.into(), self.selection.as_str().into()))
    }

    fn apply(&self, _: &Delta<String>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let line = format!("{} {}\n", self.name, self.selection);
        tool::run(host, &Program::new("dpkg").arg("--set-selections").stdin(line))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<String>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("before".to_owned(), delta.actual.clone().into()),
            ("after".to_owned(), delta.desired.clone().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_dpkg};

    #[test]
    fn selections_are_kept() {
        let mut host = FakeHost::default();
        put_dpkg(&mut host);
        for (selection, changed) in
            [("install", false), ("hold", true), ("hold", false), ("purge", true)]
        {
            let args = json!({"name": "bash", "selection": selection});
            let response = run("dpkg_selections", &args, "", "", Mode::default(), &mut host);
            assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
            assert_eq!(response.returned["after"], json!(selection));
        }
        for (args, words) in [
            (json!({"name": "nosuch", "selection": "hold"}), "Failed to find package 'nosuch'"),
            (json!({"name": "bash", "selection": "keep"}), "must be one of: install"),
            (json!({"name": "bash"}), "missing required arguments: selection"),
        ] {
            let response = run("dpkg_selections", &args, "", "", Mode::default(), &mut host);
            assert!(response.failed && response.msg.unwrap().contains(words), "{args}");
        }
    }
}
