//! The `package` module.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, arguments::check, spec::ArgumentSpec};

use crate::{apk::Apk, apt::Apt, dnf::Dnf, facts, pacman::Pacman, zypper::Zypper};

/// Installs, updates and removes packages with whatever does so on the host.
///
/// All arguments besides `use` go to the module of that name, which checks them: `apt`, `dnf` (also
/// as `dnf5` and `yum`), `apk`, `pacman` and `zypper`. Other installers are refused by name.
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
    /// The installer's module, and the arguments as it takes them.
    fn provider(&self, host: &dyn Host) -> Result<Box<dyn Installer>, Failure> {
        let name = match self.head.provider.rsplit('.').next().unwrap_or_default() {
            "auto" => facts::package_manager(host)
                .ok_or_else(|| Failure::new("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option."))?,
            other => other,
        };
        match name {
            "apt" => self.installer::<Apt>(),
            "dnf" | "dnf5" | "yum" | "yum4" | "dnf4" => self.installer::<Dnf>(),
            "apk" => self.installer::<Apk>(),
            "pacman" => self.installer::<Pacman>(),
            "zypper" => self.installer::<Zypper>(),
            other => Err(Failure::new(format!(
                "Could not find a matching action for the \"{other}\" package manager: package passes on to apt, dnf, apk, pacman and zypper"
            ))),
        }
    }

    fn installer<A: Action + 'static>(&self) -> Result<Box<dyn Installer>, Failure> {
        let checked = check(&A::spec(), A::NAME, &self.given).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(|error| error.message.clone()).collect();
            Failure::new(all.join("; "))
        })?;
        Ok(Box::new(A::from_arguments(&checked).map_err(Failure::new)?))
    }
}

/// A module that installs packages, whichever it is.
trait Installer {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure>;
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure>;
    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure>;
}

impl<A: Action> Installer for A {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        Action::guard(self, host, mode)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Action::foretell(self, host)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        Action::act(self, host)
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
                r#"{"name": "sed", "state": "present", "use": "portage"}"#,
                "matching action for the \"portage\" package manager",
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
