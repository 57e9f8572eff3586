//! The `crypttab` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Choices, Delta, Documented, Example, Failure, Returned};
use protocol::{Json, JsonMap};

use crate::{
    editing::{Edited, Editing},
    text_file::{TextFile, TextState, lines},
};

/// Keeps an encrypted device in the list of those that are opened at the start.
#[derive(Debug, Arguments)]
pub struct CryptTab {
    /// The name of the device once it is open; `/dev/mapper/` before it is left out.
    name: String,
    /// Whether the device is listed, or options of it are.
    state: State,
    /// The device, or `UUID=` and its UUID; needed for a new line.
    backing_device: Option<String>,
    /// The file of the passphrase; people are asked for it where it is left out, or `none` or `-`.
    #[argument(kind = "path")]
    password: Option<String>,
    /// Options, with commas between them.
    opts: Option<String>,
    /// The file.
    #[argument(default = "/etc/crypttab")]
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    OptsAbsent,
    OptsPresent,
    Present,
}

impl Documented for CryptTab {
    const NAME: &'static str = "community.general.crypttab";
    const ALIASES: &'static [&'static str] = &["crypttab"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A device with a file of keys",
            args: r#"{"name": "luks-home", "state": "present", "backing_device": "UUID=8afb", "password": "/etc/keys/home", "opts": "discard,cipher=aes-cbc-essiv:sha256"}"#,
        },
        Example { title: "None", args: r#"{"name": "/dev/mapper/luks-home", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("msg", "What was done, in words.", "always", r#""added line""#)];
}

/// A line that names a device.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    name: String,
    device: String,
    password: Option<String>,
    options: Vec<String>,
}

/// Options without those that say the same key again.
fn options(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for option in text.split(',') {
        set_option(&mut all, option);
    }
    all
}

fn key(option: &str) -> &str {
    option.split_once('=').map_or(option, |(key, _)| key)
}

fn set_option(all: &mut Vec<String>, option: &str) {
    match all.iter_mut().find(|one| key(one) == key(option)) {
        Some(one) => option.clone_into(one),
        None => all.push(option.to_owned()),
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, device, rest @ ..] = words.as_slice() else { return None };
        if line.starts_with('#') || rest.len() > 2 {
            return None;
        }
        Some(Self {
            name: (*name).to_owned(),
            device: (*device).to_owned(),
            password: rest.first().map(|word| (*word).to_owned()),
            options: rest.get(1).map(|text| options(text)).unwrap_or_default(),
        })
    }

    fn text(&self) -> String {
        let mut words = vec![self.name.clone(), self.device.clone()];
        if self.password.is_some() || !self.options.is_empty() {
            words.push(self.password.clone().unwrap_or_else(|| "none".into()));
        }
        if !self.options.is_empty() {
            words.push(self.options.join(","));
        }
        words.join(" ") + "\n"
    }
}

impl CryptTab {
    fn name(&self) -> &str {
        self.name.strip_prefix("/dev/mapper/").unwrap_or(&self.name)
    }

    fn refuse(&self) -> Result<(), Failure> {
        let (device, password) = (&self.backing_device, &self.password);
        let is_of_options = matches!(self.state, State::OptsAbsent | State::OptsPresent);
        let is_bare = device.is_none() && password.is_none() && self.opts.is_none();
        if self.state != State::Absent && is_bare {
            return Err(Failure::new(
                "expected one or more of 'backing_device', 'password' or 'opts'",
            ));
        }
        if is_of_options && (device.is_some() || password.is_some()) {
            return Err(Failure::new(format!(
                "cannot update 'backing_device' or 'password' when state={}",
                self.state.as_str()
            )));
        }
        let given = [
            ("name", Some(&self.name)),
            ("backing_device", device.as_ref()),
            ("password", password.as_ref()),
            ("opts", self.opts.as_ref()),
        ];
        let is_bad = |text: &&String| text.is_empty() || text.contains([' ', '\t', '\n']);
        match given.into_iter().find(|(_, text)| text.as_ref().is_some_and(is_bad)) {
            Some((name, _)) => {
                Err(Failure::new(format!("invalid '{name}': contains white space or is empty")))
            }
            None => Ok(()),
        }
    }

    /// The line as it should be, and what is said of it.
    fn changed(&self, line: &Line) -> (Option<Line>, &'static str) {
        let mut new = line.clone();
        match self.state {
            State::Absent => (None, "removed line"),
            State::Present => {
                if let Some(device) = &self.backing_device {
                    new.device.clone_from(device);
                }
                if self.password.is_some() {
                    new.password.clone_from(&self.password);
                }
                if let Some(text) = &self.opts {
                    let wanted = options(text);
                    let sorted = |all: &[String]| {
                        let mut all = all.to_vec();
                        all.sort();
                        all
                    };
                    // Their order means nothing.
                    if sorted(&wanted) != sorted(&new.options) {
                        new.options = wanted;
                    }
                }
                (Some(new), "updated line")
            }
            State::OptsPresent => {
                for option in options(self.opts.as_deref().unwrap_or_default()) {
                    set_option(&mut new.options, &option);
                }
                (Some(new), "updated options")
            }
            State::OptsAbsent => {
                let gone = options(self.opts.as_deref().unwrap_or_default());
                new.options.retain(|one| !gone.iter().any(|gone| key(gone) == key(one)));
                (Some(new), "removed options")
            }
        }
    }
}

impl Editing for CryptTab {
    const RETURNS_FILE: bool = true;

    fn text_file(&self) -> TextFile<'_> {
        TextFile::plain(&self.path)
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        self.refuse()?;
        let mut all = lines(before.unwrap_or_default());
        let place = all.iter().enumerate().find_map(|(at, text)| {
            Line::parse(text).filter(|line| line.name == self.name()).map(|line| (at, line))
        });
        let Some((at, line)) = place else {
            if matches!(self.state, State::Absent | State::OptsAbsent) {
                return Ok(Edited::stays("?"));
            }
            let Some(device) = &self.backing_device else {
                return Err(Failure::new("'backing_device' required to add a new entry"));
            };
            let new = Line {
                name: self.name().to_owned(),
                device: device.clone(),
                password: self.password.clone(),
                options: self.opts.as_deref().map(options).unwrap_or_default(),
            };
            if let Some(last) = all.last_mut().filter(|line| !line.ends_with('\n')) {
                last.push('\n');
            }
            all.push(new.text());
            return Ok(Edited::to(all.concat(), "added line"));
        };
        let (new, msg) = self.changed(&line);
        match new {
            Some(new) if new == line => return Ok(Edited::stays(msg)),
            Some(new) => {
                if let Some(text) = all.get_mut(at) {
                    *text = new.text();
                }
            }
            None => drop(all.remove(at)),
        }
        Ok(Edited::to(all.concat(), msg))
    }

    fn returned(&self, _: &Delta<TextState>, edited: &Edited) -> JsonMap {
        let text = |value: &Option<String>| value.clone().map_or(Json::Null, Json::String);
        JsonMap::from_iter([
            ("msg".to_owned(), edited.msg.clone().into()),
            ("name".to_owned(), self.name.clone().into()),
            ("state".to_owned(), self.state.as_str().into()),
            ("backing_device".to_owned(), text(&self.backing_device)),
            ("password".to_owned(), text(&self.password)),
            ("opts".to_owned(), text(&self.opts)),
            ("path".to_owned(), self.path.display().to_string().into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn devices_are_kept() {
        let host = "# open\nhome UUID=1 none luks,a=1\n";
        for (args, after) in [
            (json!({"state": "present", "opts": "a=1,luks"}), host),
            (json!({"state": "present", "opts": "b"}), "# open\nhome UUID=1 none b\n"),
            (
                json!({"state": "present", "password": "/k", "backing_device": "/dev/sdb"}),
                "# open\nhome /dev/sdb /k luks,a=1\n",
            ),
            (json!({"state": "opts_present", "opts": "a=1"}), host),
            (
                json!({"state": "opts_present", "opts": "a=2,c"}),
                "# open\nhome UUID=1 none luks,a=2,c\n",
            ),
            (json!({"state": "opts_absent", "opts": "a,x"}), "# open\nhome UUID=1 none luks\n"),
            (json!({"state": "absent"}), "# open\n"),
            (json!({"state": "absent", "name": "other"}), host),
            (json!({"state": "absent", "name": "/dev/mapper/home"}), "# open\n"),
            (
                json!({"state": "present", "name": "new", "backing_device": "LABEL=x", "opts": "a,a=2"}),
                "# open\nhome UUID=1 none luks,a=1\nnew LABEL=x none a=2\n",
            ),
        ] {
            let mut fake = FakeHost::default();
            fake.put("/etc/crypttab", host);
            let name = args["name"].as_str().unwrap_or("home").to_owned();
            let done = run("crypttab", &args, "name", &name, Mode::default(), &mut fake);
            assert_eq!((done.failed, done.changed), (false, after != host), "{args}: {done:?}");
            assert_eq!(fake.files.text("/etc/crypttab").as_deref(), Some(after), "{args}");
        }
    }

    #[test]
    fn what_is_no_device_is_refused() {
        for (args, words) in [
            (json!({"state": "present"}), "expected one or more of"),
            (json!({"state": "present", "opts": "a"}), "'backing_device' required"),
            (json!({"state": "opts_present", "opts": "a", "password": "/k"}), "cannot update"),
            (json!({"state": "present", "backing_device": "a b"}), "invalid 'backing_device'"),
            (json!({"state": "present", "opts": ""}), "invalid 'opts'"),
            (json!({"state": "opened"}), "must be one of: absent"),
        ] {
            let mut fake = FakeHost::default();
            fake.put_dirs("/etc");
            let done = run("crypttab", &args, "name", "home", Mode::default(), &mut fake);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
