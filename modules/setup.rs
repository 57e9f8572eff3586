//! The `setup` module.

use std::{path::PathBuf, time::Duration};

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned, glob::is_match};
use protocol::{JsonMap, Response, is_foreign, spec::Support};

use crate::facts::{Reader, Request, gather};

/// Reads what the host is: facts, which later tasks find as variables.
///
/// They come from files of the host and from its kernel. `ansible_python` is there where the host has
/// a Python, facts of `facter` and `ohai` where it has those programs.
#[derive(Debug, Arguments)]
pub struct Setup {
    /// Which facts: names of subsets or of facts, `all`, `min`, and with `!` in front what is left
    /// out. `!all` leaves the subset `min`, which only `!min` leaves out too.
    #[argument(default = ["all"])]
    gather_subset: Vec<String>,
    /// Patterns of names, with or without the prefix `ansible_`; only facts that fit one of them
    /// are returned. Empty for all.
    #[argument(default = [])]
    filter: Vec<String>,
    /// Folder of the user's own facts: `*.fact` files, JSON or INI, or programs that write such.
    #[argument(default = "/etc/ansible/facts.d")]
    fact_path: PathBuf,
    /// Seconds that a program may take which is asked for facts. The name service and file systems
    /// of the network have shorter limits of their own.
    #[argument(default = 10)]
    gather_timeout: u32,
    /// The interpreter of `ansible_python_interpreter`, where it names one.
    #[argument(internal)]
    python: Option<String>,
}

impl Documented for Setup {
    const NAME: &'static str = "ansible.builtin.setup";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "All facts", args: "{}" },
        Example {
            title: "Only the distribution",
            args: r#"{"gather_subset": ["!all", "!min", "distribution"]}"#,
        },
        Example { title: "By name", args: r#"{"filter": ["ansible_distribution*", "os_family"]}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "ansible_facts",
        "The facts.",
        "always",
        r#"{"ansible_distribution": "Debian"}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for Setup {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let patience = Duration::from_secs(self.gather_timeout.into());
        let reader = Reader { host, patience };
        let mut request = Request {
            reader: &reader,
            fact_path: Some(&self.fact_path),
            python: self.python.as_deref(),
            warnings: Vec::new(),
        };
        let facts = gather(&mut request, &self.gather_subset)?;
        let warnings = request.warnings;
        Ok(Response { facts: self.filtered(facts), warnings, ..Response::default() })
    }
}

impl Setup {
    fn filtered(&self, facts: JsonMap) -> JsonMap {
        let patterns: Vec<&str> =
            self.filter.iter().map(|one| one.trim()).filter(|one| !one.is_empty()).collect();
        if patterns.is_empty() {
            return facts;
        }
        let fits = |name: &str| {
            // These two alone go without the prefix.
            let is_bare = matches!(name, "gather_subset" | "module_setup") || is_foreign(name);
            let full = if is_bare { name.to_owned() } else { format!("ansible_{name}") };
            patterns.iter().any(|pattern| {
                let is_full =
                    ["ansible_", "facter", "ohai"].iter().any(|one| pattern.starts_with(one));
                is_match(pattern, &full)
                    || (!is_full && is_match(&format!("ansible_{pattern}"), &full))
            })
        };
        facts.into_iter().filter(|(name, _)| fits(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    fn names(filter: &[&str], subset: &[&str]) -> Vec<String> {
        let mut host = FakeHost::default();
        host.put("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        let module = Setup {
            gather_subset: subset.iter().map(|one| (*one).to_owned()).collect(),
            filter: filter.iter().map(|one| (*one).to_owned()).collect(),
            fact_path: "/etc/ansible/facts.d".into(),
            gather_timeout: 10,
            python: None,
        };
        let mut names: Vec<String> =
            module.read(&host).unwrap().facts.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn facts_are_filtered_by_name() {
        let subset = ["!all", "!min", "distribution"];
        assert_eq!(
            names(&["distribution_v*", "ansible_os_f?mily"], &subset),
            ["distribution_version", "os_family"]
        );
        assert_eq!(names(&["module_*"], &subset), ["module_setup"]);
        assert!(names(&["nosuch"], &subset).is_empty());
        assert!(names(&["*"], &["all"]).len() > 60);
        assert_eq!(names(&[""], &["!all", "!min"]), ["gather_subset", "module_setup"]);
    }
}
