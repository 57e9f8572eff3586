//! The `kernel_blacklist` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Placement, Returned};
use protocol::{Diff, JsonMap};

use crate::{
    presence::Presence,
    text_file::make_folders,
    whole_text::{WholeText, diff},
};

/// Keeps whether a module of the kernel may be loaded by itself.
#[derive(Debug, Arguments)]
pub struct KernelBlacklist {
    /// Name of the module.
    name: String,
    /// Whether it is on the list of those that may not.
    #[argument(default = "present")]
    state: Presence,
    /// The file of the list.
    #[argument(default = "/etc/modprobe.d/blacklist-ansible.conf")]
    blacklist_file: PathBuf,
}

impl Documented for KernelBlacklist {
    const NAME: &'static str = "community.general.kernel_blacklist";
    const ALIASES: &'static [&'static str] = &["kernel_blacklist"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "No floppies", args: r#"{"name": "floppy"}"# },
        Example { title: "Floppies again", args: r#"{"name": "floppy", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The module.", "always", r#""floppy""#),
        Returned::new("state", "Whether it is on the list.", "always", r#""present""#),
    ];
}

impl KernelBlacklist {
    fn names_it(&self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        (words.next(), words.next(), words.next()) == (Some("blacklist"), Some(&self.name), None)
    }
}

impl Module for KernelBlacklist {
    type State = WholeText;

    fn check(&self, host: &dyn Host) -> Result<Delta<WholeText>, Failure> {
        if self.name.is_empty() || self.name.contains(char::is_whitespace) {
            return Err(Failure::new(format!("{:?} is no name of a module", self.name)));
        }
        let actual = WholeText::read(host, &self.blacklist_file)?;
        let is_listed = actual.as_str().lines().any(|line| self.names_it(line));
        let text = match (self.state.is_present(), is_listed) {
            (true, false) => {
                let mut text = actual.as_str().to_owned();
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                Some(format!("{text}blacklist {}\n", self.name))
            }
            (false, true) => {
                let rest = actual.as_str().split_inclusive('\n');
                Some(rest.filter(|line| !self.names_it(line)).collect())
            }
            _ => actual.text.clone(),
        };
        Ok(Delta::new(actual, WholeText { text }))
    }

    fn apply(&self, delta: &Delta<WholeText>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        make_folders(host, &self.blacklist_file)?;
        let mut text = delta.desired.as_str().as_bytes();
        host.write(&self.blacklist_file, &mut text, &Placement::default())?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let lines: Vec<&str> = delta.desired.as_str().lines().collect();
        Ok(JsonMap::from_iter([
            ("filename".to_owned(), self.blacklist_file.display().to_string().into()),
            ("is_blacklisted".to_owned(), self.state.is_present().into()),
            ("lines".to_owned(), lines.into()),
            ("name".to_owned(), self.name.clone().into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]))
    }

    fn diff(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        Ok(diff(delta, &self.blacklist_file.display().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn lists_are_kept() {
        const PATH: &str = "/etc/modprobe.d/blacklist-ansible.conf";
        for (state, before, after) in [
            ("present", None, Some("blacklist x\n")),
            ("present", Some("# blacklist x"), Some("# blacklist x\nblacklist x\n")),
            ("present", Some("blacklist  x\n"), Some("blacklist  x\n")),
            ("present", Some("blacklist xy\n"), Some("blacklist xy\nblacklist x\n")),
            ("absent", Some("a\nblacklist x\nb\n"), Some("a\nb\n")),
            ("absent", None, None),
        ] {
            let mut host = FakeHost::default();
            if let Some(text) = before {
                host.put(PATH, text);
            }
            let args = json!({"name": "x"});
            let response =
                run("kernel_blacklist", &args, "state", state, Mode::default(), &mut host);
            assert_eq!((response.failed, response.changed), (false, before != after));
            assert_eq!(host.files.text(PATH).as_deref(), after);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "a b", "a\nb"] {
            let response = run(
                "kernel_blacklist",
                &json!({"name": name}),
                "",
                "",
                Mode::default(),
                &mut FakeHost::default(),
            );
            assert!(response.failed, "{name:?}");
        }
    }
}
