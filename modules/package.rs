//! The `package` module.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, arguments::check, spec::ArgumentSpec};

use crate::{apt::Apt, facts};

/// Installs, updates and removes packages with whatever does so on the host.
///
/// All arguments besides `use` go to the module of that name, which checks them. Today that is
/// `apt`; other installers are refused by name.
#[derive(Debug, Arguments)]
#[arguments(open)]
pub struct Head {
    /// The packages, as the host's installer names them.
    #[expect(dead_code, reason = "the installer's module reads it")]
    name: Option<Json>,
    /// What should be of them, as the installer's module has it.
    #[expect(dead_code, reason = "the installer's module reads it")]
    state: Option<String>,
    /// The installer's module; `auto` looks at the host.
    #[argument(name = "use", default = "auto")]
    provider: String,
}

/// The arguments, and all of them as they were given.
#[derive(Debug)]
pub struct Package {
    head: Head,
    given: JsonMap,
}

impl Arguments for Package {
    fn description() -> Vec<&'static str> {
        Head::description()
    }

    fn spec() -> ArgumentSpec {
        Head::spec()
    }

    fn from_arguments(map: &JsonMap) -> Result<Self, String> {
        let mut given = map.clone();
        given.remove("use");
        Ok(Self { head: Head::from_arguments(map)?, given })
    }
}

impl Documented for Package {
    const NAME: &'static str = "ansible.builtin.package";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "mawk", "state": "present"}"# },
        Example {
            title: "Several, with an argument of the installer's own",
            args: r#"{"name": ["mawk", "sed"], "state": "present", "use": "apt", "install_recommends": false}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "stdout",
        "What the installer wrote; see its module for the rest.",
        "when run",
        r#""Reading package lists...""#,
    )];
}

impl Package {
    fn provider(&self, host: &dyn Host) -> Result<Apt, Failure> {
        let name = match self.head.provider.rsplit('.').next().unwrap_or_default() {
            "auto" => facts::package_manager(host)
                .ok_or_else(|| Failure::new("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option."))?,
            other => other,
        };
        if name != "apt" {
            return Err(Failure::new(format!(
                "packages installed by {name} are not implemented (package passes on to apt)"
            )));
        }
        let checked = check(&Apt::spec(), Apt::NAME, &self.given).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(|error| error.message.clone()).collect();
            Failure::new(all.join("; "))
        })?;
        Apt::from_arguments(&checked).map_err(Failure::new)
    }
}

impl Action for Package {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        self.provider(host)?.guard(host, mode)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.provider(host)?.foretell(host)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        self.provider(host)?.act(host)
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;
    use crate::CATALOGUE;

    fn run(host: &mut FakeHost, args: &str) -> Response {
        let entry = CATALOGUE.find("package").unwrap();
        let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
        match check(&(entry.spec)().arguments, "package", &given) {
            Ok(args) => (entry.run)(&args, Mode::default(), host),
            Err(errors) => Response::failure(format!("{errors:?}")),
        }
    }

    #[test]
    fn the_installer_is_found_by_looking() {
        let mut host = FakeHost::default();
        host.put("/etc/os-release", "ID=debian\nVERSION_ID=12\n");
        host.put("/usr/bin/apt-get", "");
        host.put(
            "/var/lib/dpkg/status",
            "Package: sed\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
        );
        host.program("apt-get", |_, _| Output::failure(1, "not needed"));
        let response = run(&mut host, r#"{"name": "sed", "state": "present", "purge": "no"}"#);
        assert!(!response.failed && !response.changed, "{response:?}");
    }

    #[test]
    fn other_installers_are_refused_by_name() {
        for (args, words) in [
            (
                r#"{"name": "sed", "state": "present", "use": "zypper"}"#,
                "zypper are not implemented",
            ),
            (r#"{"name": "sed", "state": "present"}"#, "Could not detect which package manager"),
            (r#"{"name": "sed", "state": "present", "use": "apt", "frob": 1}"#, "frob"),
            (r#"{"name": "sed", "state": "gone", "use": "apt"}"#, "state"),
        ] {
            let response = run(&mut FakeHost::default(), args);
            assert!(response.failed, "{args}");
            let msg = response.msg.unwrap();
            assert!(msg.contains(words), "{args}: {msg}");
        }
    }
}
