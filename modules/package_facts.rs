//! The `package_facts` module.

use module::{Arguments, Choices, Documented, Example, Fact, Failure, Host, Program};
use protocol::{Json, JsonMap, Response, spec::Support};

/// Tells which packages are installed, as the fact `packages`: name, and a list of what there is
/// of it.
///
/// Asks dpkg, rpm, apk and pacman. The manager `pip` and those of other systems are not asked.
#[derive(Debug, Arguments)]
pub struct PackageFacts {
    /// Managers to ask: `auto` for those of the host, or names.
    #[argument(default = ["auto"])]
    manager: Vec<String>,
    /// Whether the first manager that is there is asked, or all.
    #[argument(default = "first")]
    strategy: Strategy,
}

/// How many managers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Strategy {
    First,
    All,
}

impl Documented for PackageFacts {
    const NAME: &'static str = "ansible.builtin.package_facts";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "What is installed", args: "{}" },
        Example {
            title: "What dpkg and pacman know",
            args: r#"{"manager": ["apt", "pacman"], "strategy": "all"}"#,
        },
    ];
    const DIFF_MODE: Support = Support::None;
}

/// Something that knows packages.
struct Manager {
    /// Ansible's names for it; the first is what a package's `source` is.
    names: &'static [&'static str],
    program: &'static str,
    words: &'static [&'static str],
    /// What stands between two packages.
    between: &'static str,
    read: fn(&str) -> Option<(String, JsonMap)>,
}

const MANAGERS: [Manager; 4] = [
    Manager {
        names: &["apt"],
        program: "dpkg-query",
        words: &[
            "-W",
            "-f",
            "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${Section}\n",
        ],
        between: "\n",
        read: read_dpkg,
    },
    Manager {
        names: &["rpm", "dnf", "dnf5", "yum", "zypper"],
        program: "rpm",
        words: &["-qa", "--queryformat", "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n"],
        between: "\n",
        read: read_rpm,
    },
    Manager {
        names: &["apk"],
        program: "apk",
        words: &["info", "-v"],
        between: "\n",
        read: read_apk,
    },
    Manager {
        names: &["pacman"],
        program: "pacman",
        words: &["-Qi"],
        between: "\n\n",
        read: read_pacman,
    },
];

fn entry<const COUNT: usize>(fields: [(&str, Json); COUNT]) -> JsonMap {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn read_dpkg(line: &str) -> Option<(String, JsonMap)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let ["installed", name, version, arch, section] = fields.as_slice() else { return None };
    let more = entry([
        ("name", (*name).into()),
        ("version", (*version).into()),
        ("arch", (*arch).into()),
        ("category", (*section).into()),
    ]);
    Some(((*name).into(), more))
}

fn read_rpm(line: &str) -> Option<(String, JsonMap)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, version, release, epoch, arch] = fields.as_slice() else { return None };
    let none = |text: &str| if text == "(none)" { Json::Null } else { text.into() };
    let epoch = epoch.parse::<i64>().map_or(Json::Null, Json::from);
    let more = entry([
        ("name", (*name).into()),
        ("version", (*version).into()),
        ("release", (*release).into()),
        ("epoch", epoch),
        ("arch", none(arch)),
    ]);
    Some(((*name).into(), more))
}

/// `name-with-dashes-1.2.3-r0`.
fn read_apk(line: &str) -> Option<(String, JsonMap)> {
    let (rest, release) = line.trim().rsplit_once("-r")?;
    let (name, version) = rest.rsplit_once('-')?;
    let more = entry([
        ("name", name.into()),
        ("version", version.into()),
        ("release", format!("r{release}").into()),
    ]);
    Some((name.into(), more))
}

/// Lines of `Name    : value`; a value that is too long for its line goes on below it.
fn read_pacman(text: &str) -> Option<(String, JsonMap)> {
    let (mut name, mut version, mut arch, mut provides) = (None, Json::Null, Json::Null, None);
    let mut is_of_provides = false;
    for line in text.lines() {
        let (key, value) = match line.split_once(" : ") {
            Some((key, value)) if !line.starts_with(' ') => (key.trim_end(), value.trim()),
            _ if is_of_provides => ("Provides", line.trim()),
            _ => continue,
        };
        is_of_provides = key == "Provides";
        match key {
            "Name" => name = Some(value.to_owned()),
            "Version" => version = value.into(),
            "Architecture" => arch = value.into(),
            "Provides" if value != "None" => {
                // What is provided may have a version, which is left out.
                let names = value.split_whitespace().filter_map(|one| one.split('=').next());
                provides.get_or_insert_with(Vec::new).extend(names.map(str::to_owned));
            }
            _ => {}
        }
    }
    let name = name?;
    let more = [
        ("name", name.as_str().into()),
        ("version", version),
        ("arch", arch),
        ("provides", provides.map_or(Json::Null, Json::from)),
    ];
    Some((name, entry(more)))
}

impl Fact for PackageFacts {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut wanted: Vec<&Manager> = Vec::new();
        for name in &self.manager {
            let name = name.to_lowercase();
            if name == "auto" {
                wanted.extend(MANAGERS.iter());
                continue;
            }
            let known = MANAGERS.iter().find(|one| one.names.contains(&name.as_str()));
            wanted.push(known.ok_or_else(|| {
                let names: Vec<&str> = MANAGERS.iter().flat_map(|one| one.names).copied().collect();
                Failure::new(format!(
                    "the package manager {name} is not supported; supported are auto, {}",
                    names.join(", ")
                ))
            })?);
        }
        let mut packages = JsonMap::new();
        let mut asked = 0;
        let mut warnings = Vec::new();
        let mut seen = Vec::new();
        for manager in wanted {
            if seen.contains(&manager.program) {
                continue;
            }
            seen.push(manager.program);
            if host.which(manager.program).is_none() {
                let asked_for = self
                    .manager
                    .iter()
                    .find(|name| manager.names.contains(&name.to_lowercase().as_str()));
                if let Some(name) = asked_for {
                    warnings.push(format!(
                        "Requested package manager {name} was not usable by this module: there is no {} on the host",
                        manager.program
                    ));
                }
                continue;
            }
            asked += 1;
            let program = Program::new(manager.program).args(manager.words.iter().copied());
            let output = host.query(&program)?;
            let source = manager.names.first().copied().unwrap_or_default();
            if !output.is_success() {
                warnings.push(format!(
                    "Failed to retrieve packages with {source}: Unable to list packages rc={} : {}",
                    output.status,
                    output.stderr_text()
                ));
                continue;
            }
            if output.truncated {
                return Err(Failure::new(format!(
                    "{} knows more packages than are read",
                    manager.program
                )));
            }
            for one in output.stdout_text().split(manager.between) {
                let Some((name, mut more)) = (manager.read)(one) else { continue };
                more.insert("source".into(), source.into());
                let list = packages.entry(name).or_insert_with(|| Json::Array(Vec::new()));
                if let Json::Array(list) = list {
                    list.push(more.into());
                }
            }
            if self.strategy == Strategy::First && !packages.is_empty() {
                break;
            }
        }
        if asked == 0 {
            let failure = Failure::new(
                "Could not detect a supported package manager from the following list: apt, rpm, apk, pacman",
            );
            return Err(match warnings.is_empty() {
                true => failure,
                false => failure.with("warnings", warnings),
            });
        }
        let mut facts = JsonMap::new();
        facts.insert("packages".into(), packages.into());
        Ok(Response { facts, warnings, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.program("dpkg-query", |_, _| {
            Output::success("installed\tbash\t5.2\tamd64\tshells\ninstalled\tlibc6\t2.36\tamd64\tlibs\ninstalled\tlibc6\t2.36\ti386\tlibs\nconfig-files\told\t1\tall\tmisc\n")
        });
        host.program("rpm", |_, _| Output::success("bash\t5.1\t6.el9\t(none)\tx86_64\nbind\t9\t1\t32\tx86_64\ngpg-pubkey\t1\t2\t(none)\t(none)\n"));
        host.program("pacman", |_, _| {
            Output::success(
                "Name            : sh\nVersion         : 1:5.2-1\nArchitecture    : x86_64\n\
                 Provides        : bash  posix=1\n                  posix2\nDepends On      : None\n\n\
                 Name            : a : b\nVersion         : 1-1\nArchitecture    : any\nProvides        : None\n\n",
            )
        });
        host.program("apk", |_, _| Output::success("alpine-baselayout-3.4.3-r1\nmusl-1.2.4-r2\n"));
        host
    }

    #[test]
    fn packages_are_facts() {
        for (args, name, expected) in [
            (
                json!({}),
                "bash",
                json!([{"name": "bash", "version": "5.2", "arch": "amd64", "category": "shells", "source": "apt"}]),
            ),
            (json!({}), "old", json!(null)),
            (
                json!({"manager": "rpm"}),
                "bind",
                json!([{"name": "bind", "version": "9", "release": "1", "epoch": 32, "arch": "x86_64", "source": "rpm"}]),
            ),
            (
                json!({"manager": "dnf"}),
                "gpg-pubkey",
                json!([{"name": "gpg-pubkey", "version": "1", "release": "2", "epoch": null, "arch": null, "source": "rpm"}]),
            ),
            (
                json!({"manager": "pacman"}),
                "sh",
                json!([{"name": "sh", "version": "1:5.2-1", "arch": "x86_64", "provides": ["bash", "posix", "posix2"], "source": "pacman"}]),
            ),
            (
                json!({"manager": "pacman"}),
                "a : b",
                json!([{"name": "a : b", "version": "1-1", "arch": "any", "provides": null, "source": "pacman"}]),
            ),
            (
                json!({"manager": "apk"}),
                "alpine-baselayout",
                json!([{"name": "alpine-baselayout", "version": "3.4.3", "release": "r1", "source": "apk"}]),
            ),
        ] {
            let response = run("package_facts", &args, "", "", Mode::default(), &mut host());
            let found = response.facts["packages"].get(name).cloned().unwrap_or_default();
            assert_eq!(found, expected, "{args}");
        }
        let all =
            run("package_facts", &json!({"strategy": "all"}), "", "", Mode::default(), &mut host());
        assert_eq!(all.facts["packages"]["bash"].as_array().unwrap().len(), 2);
        assert_eq!(all.facts["packages"]["libc6"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_manager_that_fails_is_warned_of() {
        let mut host = host();
        host.program("apk", |_, _| Output { status: 1, ..Output::default() });
        let args = json!({"manager": ["apk", "rpm", "dnf"], "strategy": "all"});
        let response = run("package_facts", &args, "", "", Mode::default(), &mut host);
        assert_eq!(response.facts["packages"]["bind"].as_array().unwrap().len(), 1);
        let expected = "Failed to retrieve packages with apk: Unable to list packages rc=1 : ";
        assert_eq!(response.warnings, [expected]);
    }

    #[test]
    fn managers_that_are_not_known_are_refused() {
        for (args, mut host, expected) in [
            (json!({"manager": "portage"}), host(), "portage is not supported"),
            (json!({}), FakeHost::default(), "Could not detect a supported package manager"),
            (json!({"strategy": "last"}), host(), "must be one of: first, all"),
        ] {
            let msg = run("package_facts", &args, "", "", Mode::default(), &mut host)
                .msg
                .unwrap_or_default();
            assert!(msg.contains(expected), "{args}: {msg}");
        }
    }
}
