//! The `interfaces_file` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Delta, Documented, Example, Failure, FileArguments, Returned};
use protocol::{Json, JsonMap};

use crate::{
    editing::{Edited, Editing},
    presence::Presence,
    text_file::{TextFile, TextState, lines},
};

/// Options that stand several times, each with a program of its own.
const HOOKS: [&str; 4] = ["pre-up", "up", "down", "post-up"];

/// Keeps an option of a network interface in a file of Debian's `ifupdown`, or reads them all.
#[derive(Debug, Arguments)]
#[arguments(required_by(("option", ["iface"])))]
pub struct InterfacesFile {
    /// The file.
    #[argument(default = "/etc/network/interfaces")]
    dest: PathBuf,
    /// The interface.
    iface: Option<String>,
    /// The family of its addresses, where it has a stanza for each.
    address_family: Option<String>,
    /// The option; all are only read where it is left out.
    option: Option<String>,
    /// Its value. Hooks such as `up` keep the values that they have beside it.
    value: Option<String>,
    /// Whether the option is set.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the old file is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for InterfacesFile {
    const NAME: &'static str = "community.general.interfaces_file";
    const ALIASES: &'static [&'static str] = &["interfaces_file"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The size of packets",
            args: r#"{"dest": "/etc/network/interfaces", "iface": "eth1", "option": "mtu", "value": "8000"}"#,
        },
        Example { title: "What is set", args: r#"{"dest": "/etc/network/interfaces"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("dest", "The file.", "success", r#""/etc/network/interfaces""#),
        Returned::new(
            "ifaces",
            "The interfaces with their options.",
            "success",
            r#"{"eth0": {"address_family": "inet", "method": "dhcp", "up": []}}"#,
        ),
    ];
}

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Other,
    /// The head of a stanza.
    Head {
        method: Option<String>,
    },
    Setting {
        name: String,
        value: String,
    },
}

/// A line, and the stanza that it belongs to.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    text: String,
    kind: Kind,
    iface: String,
    family: Option<String>,
}

/// What the lines after a word belong to.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Start,
    Interface,
    Other,
}

fn parse(text: &str) -> Result<Vec<Line>, Failure> {
    let mut all: Vec<Line> = Vec::new();
    let (mut section, mut iface, mut family) = (Section::Start, String::new(), None);
    for (at, text) in lines(text).into_iter().enumerate() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let kind = match words.as_slice() {
            [] => Kind::Other,
            [word, ..] if word.starts_with('#') => Kind::Other,
            ["iface", name, rest @ ..] => {
                section = Section::Interface;
                (*name).clone_into(&mut iface);
                family = rest.first().map(|word| (*word).to_owned());
                Kind::Head { method: rest.get(1).map(|word| (*word).to_owned()) }
            }
            [word, ..]
                if matches!(
                    *word,
                    "mapping"
                        | "source"
                        | "source-dir"
                        | "source-directory"
                        | "auto"
                        | "no-auto-down"
                        | "no-scripts"
                        | "iface"
                ) || word.starts_with("allow-") =>
            {
                section = Section::Other;
                Kind::Other
            }
            _ if section == Section::Other => Kind::Other,
            [name, ..] if section == Section::Interface => {
                let value = text.trim_start().strip_prefix(name).unwrap_or_default();
                Kind::Setting { name: (*name).to_owned(), value: value.trim().to_owned() }
            }
            _ => {
                let line = text.trim_end();
                return Err(Failure::new(format!("misplaced option {line} in line {}", at + 1)));
            }
        };
        all.push(Line { text, kind, iface: iface.clone(), family: family.clone() });
    }
    Ok(all)
}

/// The interfaces as they are returned. A stanza takes the place of one before it of the same name.
fn interfaces(all: &[Line]) -> JsonMap {
    let mut map = JsonMap::new();
    for line in all {
        match &line.kind {
            Kind::Other => {}
            Kind::Head { method } => {
                let text = |word: &Option<String>| word.clone().map_or(Json::Null, Json::String);
                let mut one = JsonMap::new();
                for hook in HOOKS {
                    one.insert(hook.to_owned(), Json::Array(Vec::new()));
                }
                one.insert("address_family".into(), text(&line.family));
                one.insert("method".into(), text(method));
                map.insert(line.iface.clone(), one.into());
            }
            Kind::Setting { name, value } => {
                let one = map.get_mut(&line.iface).and_then(Json::as_object_mut);
                match one.map(|one| one.entry(name.clone()).or_insert(Json::Null)) {
                    Some(Json::Array(hooks)) => hooks.push(value.clone().into()),
                    Some(place) => *place = value.clone().into(),
                    None => {}
                }
            }
        }
    }
    map
}

/// A line with another value in it: what stands around the value stays.
fn with_value(line: &str, name: &str, value: &str, new: &str) -> String {
    let head = line.find(name).map_or(0, |at| at + name.len());
    let (head, rest) = line.split_at(head);
    let lead: String = rest.chars().take_while(|letter| letter.is_whitespace()).collect();
    let tail = rest.get(lead.len() + value.len()..).unwrap_or("\n");
    let lead = if lead.trim_matches('\n').is_empty() { " " } else { lead.as_str() };
    format!("{head}{lead}{new}{tail}")
}

impl InterfacesFile {
    fn is_meant(&self, line: &Line) -> bool {
        Some(&line.iface) == self.iface.as_ref()
            && line.kind != Kind::Other
            && (self.address_family.is_none() || line.family == self.address_family)
    }

    /// A new line below another, which begins and ends as that does.
    fn added(&self, below: &Line, name: &str, value: &str) -> Line {
        let bare = below.text.trim_start();
        let mut lead = below.text.get(..below.text.len() - bare.len()).unwrap_or("").to_owned();
        if matches!(below.kind, Kind::Head { .. }) {
            lead.push_str("    ");
        }
        Line {
            text: format!("{lead}{name} {value}\n"),
            kind: Kind::Setting { name: name.to_owned(), value: value.to_owned() },
            ..below.clone()
        }
    }

    fn set(&self, all: &mut Vec<Line>, name: &str, value: &str) -> Result<(), Failure> {
        if name == "method" {
            for line in all.iter_mut().filter(|line| self.is_meant(line)) {
                if let Kind::Head { method: Some(method) } = &mut line.kind {
                    let bare = line.text.trim_end();
                    let end = line.text.get(bare.len()..).unwrap_or_default().to_owned();
                    let head = bare.strip_suffix(method.as_str()).unwrap_or(bare);
                    line.text = format!("{head}{value}{end}");
                    value.clone_into(method);
                }
            }
            return Ok(());
        }
        let places: Vec<usize> = (0..all.len())
            .filter(|at| {
                all.get(*at).is_some_and(|line| {
                    self.is_meant(line)
                        && matches!(&line.kind, Kind::Setting { name: one, .. } if one == name)
                })
            })
            .collect();
        let is_hook = HOOKS.contains(&name);
        let holds = |at: &usize| {
            let kind = all.get(*at).map(|line| &line.kind);
            matches!(kind, Some(Kind::Setting { value: one, .. }) if one == value)
        };
        match places.last() {
            Some(last) if is_hook => {
                if places.iter().any(holds) {
                    return Ok(());
                }
                let Some(new) = all.get(*last).map(|line| self.added(line, name, value)) else {
                    return Ok(());
                };
                all.insert(last + 1, new);
            }
            Some(last) if holds(last) => {}
            Some(last) => {
                if let Some(line) = all.get_mut(*last)
                    && let Kind::Setting { value: old, .. } = &mut line.kind
                {
                    line.text = with_value(&line.text, name, old, value);
                    value.clone_into(old);
                }
            }
            None => {
                let last = all.iter().rposition(|line| self.is_meant(line));
                let Some((last, line)) = last.and_then(|at| Some((at, all.get_mut(at)?))) else {
                    return Ok(());
                };
                if !line.text.ends_with('\n') {
                    line.text.push('\n');
                }
                let new = self.added(line, name, value);
                all.insert(last + 1, new);
            }
        }
        Ok(())
    }

    fn change(&self, all: &mut Vec<Line>) -> Result<(), Failure> {
        let Some(name) = &self.option else { return Ok(()) };
        if self.state.is_present() && self.value.is_none() {
            return Err(Failure::new(
                "Value must be set if option is defined and state is 'present'",
            ));
        }
        let texts = [Some(name), self.value.as_ref()];
        if texts.into_iter().flatten().any(|text| text.contains('\n')) {
            return Err(Failure::new("option and value are one line"));
        }
        if !all.iter().any(|line| self.is_meant(line)) {
            let iface = self.iface.as_deref().unwrap_or_default();
            return Err(Failure::new(format!("Error: interface {iface} not found")));
        }
        match (&self.value, self.state) {
            (Some(value), Presence::Present) => self.set(all, name, value),
            (value, _) => {
                let one = value.as_ref().filter(|_| HOOKS.contains(&name.as_str()));
                all.retain(|line| match &line.kind {
                    Kind::Setting { name: other, value } if self.is_meant(line) => {
                        other != name || one.is_some_and(|one| one != value)
                    }
                    _ => true,
                });
                Ok(())
            }
        }
    }
}

impl Editing for InterfacesFile {
    const RETURNS_FILE: bool = true;

    fn text_file(&self) -> TextFile<'_> {
        TextFile { backup: self.backup, ..TextFile::new(&self.dest, &self.file) }
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        let Some(before) = before else {
            return Err(Failure::new(format!("there is no file {}", self.dest.display())));
        };
        let mut all = parse(before)?;
        self.change(&mut all)?;
        let text: String = all.iter().map(|line| line.text.as_str()).collect();
        let after = (text != before).then_some(text);
        Ok(Edited { after, returned: interfaces(&all), ..Edited::default() })
    }

    fn returned(&self, _: &Delta<TextState>, edited: &Edited) -> JsonMap {
        JsonMap::from_iter([
            ("dest".to_owned(), self.dest.display().to_string().into()),
            ("ifaces".to_owned(), edited.returned.clone().into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const FILE: &str = "# net\nauto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n  address 1.2.3.4\n  up  route a\n  up route b\n\niface eth0 inet6 auto\n";

    #[test]
    fn options_are_kept() {
        for (args, old, new) in [
            (json!({"option": "address", "value": "5.6.7.8"}), "1.2.3.4", "5.6.7.8"),
            (json!({"option": "address", "value": "1.2.3.4"}), "", ""),
            (
                json!({"option": "mtu", "value": 9000, "address_family": "inet"}),
                "route b\n",
                "route b\n  mtu 9000\n",
            ),
            (
                json!({"option": "mtu", "value": "1", "address_family": "inet6"}),
                "inet6 auto\n",
                "inet6 auto\n    mtu 1\n",
            ),
            (json!({"option": "up", "value": "route b"}), "", ""),
            (json!({"option": "up", "value": "route c"}), "route b\n", "route b\n  up route c\n"),
            (json!({"option": "up", "value": "route a", "state": "absent"}), "  up  route a\n", ""),
            (json!({"option": "up", "state": "absent"}), "  up  route a\n  up route b\n", ""),
            (json!({"option": "mtu", "state": "absent"}), "", ""),
            (
                json!({"option": "method", "value": "dhcp", "address_family": "inet"}),
                "eth0 inet static",
                "eth0 inet dhcp",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put("/etc/network/interfaces", FILE);
            let done = run("interfaces_file", &args, "iface", "eth0", Mode::default(), &mut host);
            let changed = old != new;
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
            let expected = if changed { FILE.replacen(old, new, 1) } else { FILE.into() };
            assert_eq!(host.files.text("/etc/network/interfaces"), Some(expected), "{args}");
            let again = run("interfaces_file", &args, "iface", "eth0", Mode::default(), &mut host);
            assert!(!again.changed, "{args}");
        }
    }

    #[test]
    fn interfaces_are_read() {
        let mut host = FakeHost::default();
        host.put("/etc/network/interfaces", FILE.split("\niface eth0 inet6").next().unwrap());
        let done = run("interfaces_file", &json!({}), "", "", Mode::default(), &mut host);
        assert_eq!(
            done.returned["ifaces"]["eth0"],
            json!({
                "address_family": "inet", "method": "static", "address": "1.2.3.4",
                "up": ["route a", "route b"], "pre-up": [], "down": [], "post-up": []
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, args, words) in [
            (FILE, json!({"option": "mtu", "value": "1", "iface": "eth9"}), "eth9 not found"),
            (FILE, json!({"option": "mtu", "iface": "eth0"}), "Value must be set"),
            (FILE, json!({"option": "mtu", "value": "1"}), "iface"),
            ("mtu 1\n", json!({}), "misplaced option mtu 1 in line 1"),
            (FILE, json!({"dest": "/none"}), "no file /none"),
        ] {
            let mut host = FakeHost::default();
            host.put("/etc/network/interfaces", text);
            let done = run("interfaces_file", &args, "", "", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
