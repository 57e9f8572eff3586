//! The `locale_gen` module of the collection `community.general`.

use std::{collections::BTreeMap, path::Path};

use module::{
    Arguments, Delta, Documented, Example, Failure, Host, Module, Placement, Program, Returned,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::{presence::Presence, tool, whole_text::WholeText};

/// What is generated, on Debian and its kin.
const LIST: &str = "/etc/locale.gen";
/// The same on old releases of Ubuntu.
const LEGACY_LIST: &str = "/var/lib/locales/supported.d/local";
const LEGACY_FOLDER: &str = "/var/lib/locales/supported.d";
/// All that could be generated.
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

/// Keeps which locales the host knows.
#[derive(Debug, Arguments)]
pub struct LocaleGen {
    /// The locales: `de_CH.UTF-8`.
    name: Vec<String>,
    /// Whether they should be there.
    #[argument(default = "present")]
    state: Presence,
}

/// Whether each locale is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Generated {
    locales: BTreeMap<String, bool>,
}

impl Documented for LocaleGen {
    const NAME: &'static str = "community.general.locale_gen";
    const ALIASES: &'static [&'static str] = &["locale_gen"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Swiss German", args: r#"{"name": "de_CH.UTF-8"}"# },
        Example {
            title: "Two less",
            args: r#"{"name": ["en_GB.UTF-8", "nl_NL.UTF-8"], "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("mechanism", "How locales are generated.", "always", r#""glibc""#),
        Returned::new("name", "The locales.", "always", r#"["de_CH.UTF-8"]"#),
    ];
}

/// A name as it is compared: `locale -a` writes the encoding in its own way.
fn folded(name: &str) -> String {
    let (name, modifier) = match name.split_once('@') {
        Some((name, modifier)) => (name, format!("@{modifier}")),
        None => (name, String::new()),
    };
    match name.split_once('.') {
        Some((place, code)) => {
            let code = code.to_lowercase().replace(['-', '_'], "");
            format!("{place}.{code}{modifier}")
        }
        None => format!("{name}{modifier}"),
    }
}

/// Name and encoding of a line of a list, be it a remark or not.
fn entry(line: &str) -> Option<(bool, &str, &str)> {
    let bare = line.trim();
    let is_remark = bare.starts_with('#');
    let mut words = bare.trim_start_matches('#').split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(name), Some(code), None) => Some((is_remark, name, code)),
        _ => None,
    }
}

impl LocaleGen {
    fn is_legacy(host: &dyn Host) -> Result<bool, Failure> {
        if host.metadata(Path::new(LIST))?.is_some() {
            return Ok(false);
        }
        match host.metadata(Path::new(LEGACY_FOLDER))?.is_some() {
            true => Ok(true),
            false => Err(Failure::new(format!(
                "{LEGACY_FOLDER} and {LIST} are missing. Is the package \"locales\" installed?"
            ))),
        }
    }

    fn known(host: &dyn Host) -> Result<Vec<String>, Failure> {
        let text = tool::ask(host, &Program::new("locale").arg("-a"))?;
        Ok(text.lines().map(folded).collect())
    }

    fn list(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            match entry(line) {
                Some((is_remark, name, code))
                    if is_remark == self.state.is_present()
                        && self.name.iter().any(|wanted| wanted == name) =>
                {
                    let mark = if self.state.is_present() { "" } else { "# " };
                    out.push_str(&format!("{mark}{name} {code}\n"));
                }
                _ => out.push_str(line),
            }
        }
        out
    }

    /// The list with locales that no line of it names, not even as a remark.
    fn list_with_new(&self, text: &str, supported: &str) -> String {
        let mut out = self.list(text);
        if !self.state.is_present() {
            return out;
        }
        for wanted in &self.name {
            let is_listed = out.lines().filter_map(entry).any(|(_, name, _)| name == wanted);
            let line = supported.lines().filter_map(entry).find(|(_, name, _)| name == wanted);
            if let (false, Some((_, name, code))) = (is_listed, line) {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
                out.push_str(&format!("{name} {code}\n"));
            }
        }
        out
    }
}

impl Module for LocaleGen {
    type State = Generated;

    fn check(&self, host: &dyn Host) -> Result<Delta<Generated>, Failure> {
        Self::is_legacy(host)?;
        let known = Self::known(host)?;
        let is_known = |name: &String| known.contains(&folded(name));
        let supported = WholeText::read(host, Path::new(SUPPORTED))?;
        let listed = WholeText::read(host, Path::new(LIST))?;
        let all: Vec<&str> = supported
            .as_str()
            .lines()
            .chain(listed.as_str().lines())
            .filter_map(|line| Some(entry(line)?.1))
            .collect();
        let missing: Vec<&str> = self
            .name
            .iter()
            .filter(|name| !all.contains(&name.as_str()) && !is_known(name))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(Failure::new(format!(
                "The following locales you have entered are not available on your system: {}",
                missing.join(", ")
            )));
        }
        let of = |state: &dyn Fn(&String) -> bool| Generated {
            locales: self.name.iter().map(|name| (name.clone(), state(name))).collect(),
        };
        Ok(Delta::new(of(&is_known), of(&|_| self.state.is_present())))
    }

    fn apply(&self, _: &Delta<Generated>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        if Self::is_legacy(host)? {
            let mut program = Program::new("locale-gen");
            if self.state.is_present() {
                program = program.args(self.name.clone());
            } else {
                let list = Path::new(LEGACY_LIST);
                let old = WholeText::read(host, list)?;
                let rest = old.as_str().split_inclusive('\n').filter(|line| {
                    entry(line).is_none_or(|(_, name, _)| !self.name.iter().any(|one| one == name))
                });
                let text: String = rest.collect();
                host.write(list, &mut text.as_bytes(), &Placement::default())?;
                program = program.arg("--purge");
            }
            tool::run(host, &program)?;
            return Ok(JsonMap::new());
        }
        let path = Path::new(LIST);
        let old = WholeText::read(host, path)?;
        let supported = WholeText::read(host, Path::new(SUPPORTED))?;
        let text = self.list_with_new(old.as_str(), supported.as_str());
        if text != old.as_str() {
            host.write(path, &mut text.as_bytes(), &Placement::default())?;
        }
        tool::run(host, &Program::new("locale-gen"))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Generated>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mechanism = if Self::is_legacy(host)? { "ubuntu_legacy" } else { "glibc" };
        Ok(JsonMap::from_iter([
            ("mechanism".to_owned(), mechanism.into()),
            ("name".to_owned(), self.name.clone().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use super::folded;
    use crate::{cases::run, fake_rare::put_locales};

    #[test]
    fn encodings_are_compared_as_they_are_meant() {
        for (one, other, same) in [
            ("de_CH.UTF-8", "de_CH.utf8", true),
            ("de_DE.ISO-8859-15@euro", "de_DE.iso885915@euro", true),
            ("de_DE@euro", "de_DE@euro", true),
            ("de_DE.UTF-8", "de_AT.utf8", false),
            ("de_DE.UTF-8@x", "de_DE.utf8", false),
        ] {
            assert_eq!(folded(one) == folded(other), same, "{one} {other}");
        }
    }

    #[test]
    fn locales_are_generated_once() {
        let mut host = FakeHost::default();
        put_locales(&mut host);
        for (names, state, changed) in [
            (json!(["de_CH.UTF-8"]), "present", true),
            (json!(["de_CH.UTF-8"]), "present", false),
            (json!(["de_CH.UTF-8", "nl_NL.UTF-8"]), "present", true),
            (json!(["C.UTF-8"]), "present", false),
            (json!(["nl_NL.UTF-8", "en_GB.UTF-8"]), "absent", true),
            (json!(["nl_NL.UTF-8"]), "absent", false),
        ] {
            let response = run(
                "locale_gen",
                &json!({"name": names}),
                "state",
                state,
                Mode::default(),
                &mut host,
            );
            assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
        }
        let list = host.files.text("/etc/locale.gen").unwrap();
        assert!(list.contains("\nde_CH.UTF-8 UTF-8\n") && list.contains("# nl_NL.UTF-8 UTF-8\n"));
    }

    #[test]
    fn what_is_not_available_is_refused() {
        let mut host = FakeHost::default();
        put_locales(&mut host);
        let args = json!({"name": ["xx_XX.UTF-8", "de_CH.UTF-8"]});
        let response = run("locale_gen", &args, "", "", Mode::default(), &mut host);
        assert!(response.msg.unwrap().ends_with("are not available on your system: xx_XX.UTF-8"));
        let mut bare = FakeHost::default();
        let response = run("locale_gen", &args, "", "", Mode::default(), &mut bare);
        assert!(response.msg.unwrap().contains("are missing. Is the package"));
    }
}
