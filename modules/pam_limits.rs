//! The `pam_limits` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Choices, Delta, Documented, Example, Failure, Returned};
use protocol::JsonMap;

use crate::{
    editing::{Edited, Editing},
    text_file::{TextFile, TextState, lines},
};

/// Words for no limit.
const UNLIMITED: [&str; 3] = ["unlimited", "infinity", "-1"];

/// Keeps a limit of what users may take of the host.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["use_max", "use_min"]))]
pub struct PamLimits {
    /// Of whom: a user, `@group`, `*` or a pattern of `limits.conf(5)`.
    domain: String,
    /// Whether users may raise it themselves.
    #[argument(choices("hard", "soft", "-"))]
    limit_type: String,
    /// Of what.
    limit_item: Item,
    /// The limit: a number or a word for none.
    value: String,
    /// Whether the old file is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
    /// Whether a lower limit stays.
    #[argument(default = false)]
    use_min: bool,
    /// Whether a higher limit stays.
    #[argument(default = false)]
    use_max: bool,
    /// The file.
    #[argument(default = "/etc/security/limits.conf")]
    dest: PathBuf,
    /// What people are told of it.
    #[argument(default = "")]
    comment: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Item {
    Core,
    Data,
    Fsize,
    Memlock,
    Nofile,
    Rss,
    Stack,
    Cpu,
    Nproc,
    As,
    Maxlogins,
    Maxsyslogins,
    Priority,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Chroot,
}

impl Documented for PamLimits {
    const NAME: &'static str = "community.general.pam_limits";
    const ALIASES: &'static [&'static str] = &["pam_limits"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Open files of a user",
        args: r#"{"domain": "db", "limit_type": "soft", "limit_item": "nofile", "value": "64000", "dest": "/etc/limits.conf"}"#,
    }];
    const RETURNS: &'static [Returned] =
        &[Returned::new("msg", "The line.", "always", r#""db\tsoft\tnofile\t64000\n""#)];
}

impl PamLimits {
    /// The limit that should hold beside the one that does.
    fn chosen(&self, old: &str) -> Result<String, Failure> {
        let is_of_order = matches!(self.limit_item, Item::Nice | Item::Priority);
        let is_free = |value: &str| !is_of_order && UNLIMITED.contains(&value);
        if !self.use_max && !self.use_min {
            return Ok(self.value.clone());
        }
        if is_free(old) || is_free(&self.value) {
            let keeps_old = is_free(old) == self.use_max;
            return Ok(if keeps_old { old.to_owned() } else { self.value.clone() });
        }
        let number = |text: &str| {
            text.parse::<i64>()
                .map_err(|_| Failure::new(format!("{text:?} cannot be compared with other limits")))
        };
        let (old_number, new_number) = (number(old)?, number(&self.value)?);
        let keeps_old =
            if self.use_max { old_number > new_number } else { old_number < new_number };
        Ok(if keeps_old { old.to_owned() } else { self.value.clone() })
    }
}

impl Editing for PamLimits {
    fn text_file(&self) -> TextFile<'_> {
        TextFile { backup: self.backup, ..TextFile::plain(&self.dest) }
    }

    /// What it says is the line.
    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        let is_value =
            UNLIMITED.contains(&self.value.as_str()) || self.value.parse::<i64>().is_ok();
        if !is_value {
            return Err(Failure::new(format!(
                "Value of {:?} for item {:?} is invalid. Value must be a number or one of 'unlimited', 'infinity', or '-1'.",
                self.value,
                self.limit_item.as_str()
            )));
        }
        if [&self.domain, &self.comment].iter().any(|text| text.contains('\n'))
            || self.domain.contains(char::is_whitespace)
        {
            return Err(Failure::new("a limit is one line, and its domain one word"));
        }
        let text = before.unwrap_or_default();
        let mut all = lines(text);
        let line = |value: &str, comment: &str| {
            let end = if comment.is_empty() { String::new() } else { format!("\t#{comment}") };
            let item = self.limit_item.as_str();
            format!("{}\t{}\t{item}\t{value}{end}\n", self.domain, self.limit_type)
        };
        let mut told = None;
        for one in &mut all {
            let (bare, old_comment) = one.split_once('#').unwrap_or((one, ""));
            let [domain, kind, item, value] = bare.split_whitespace().collect::<Vec<_>>()[..]
            else {
                continue;
            };
            if (domain, kind, item) != (&self.domain, &self.limit_type, self.limit_item.as_str()) {
                continue;
            }
            let wanted = self.chosen(value)?;
            if wanted != value {
                let comment = match self.comment.as_str() {
                    "" => old_comment.trim_end().to_owned(),
                    comment => comment.to_owned(),
                };
                *one = line(&wanted, &comment);
            }
            told = Some(one.clone());
        }
        let told = match told {
            Some(told) => told,
            None => {
                if let Some(last) = all.last_mut().filter(|line| !line.ends_with('\n')) {
                    last.push('\n');
                }
                let new = line(&self.value, &self.comment);
                all.push(new.clone());
                new
            }
        };
        let after = all.concat();
        Ok(if after == text { Edited::stays(told) } else { Edited::to(after, told) })
    }

    fn returned(&self, _: &Delta<TextState>, edited: &Edited) -> JsonMap {
        JsonMap::from_iter([("msg".to_owned(), edited.msg.clone().into())])
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::cases::run;

    fn apply(more: &Json, before: &str) -> (protocol::Response, Option<String>) {
        let mut args =
            json!({"domain": "db", "limit_type": "soft", "limit_item": "nofile", "value": "10"});
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        let mut host = FakeHost::default();
        host.put("/etc/security/limits.conf", before);
        let response = run("pam_limits", &args, "", "", Mode::default(), &mut host);
        (response, host.files.text("/etc/security/limits.conf"))
    }

    #[test]
    fn limits_are_kept() {
        for (more, before, after) in [
            (json!({}), "# x\n", "# x\ndb\tsoft\tnofile\t10\n"),
            (json!({}), "db soft nofile 10\n", "db soft nofile 10\n"),
            (json!({}), "db soft nofile 20 # why\n", "db\tsoft\tnofile\t10\t# why\n"),
            (json!({"comment": "new"}), "db soft nofile 20\n", "db\tsoft\tnofile\t10\t#new\n"),
            (json!({"use_max": true}), "db soft nofile 20\n", "db soft nofile 20\n"),
            (json!({"use_min": true}), "db soft nofile 20\n", "db\tsoft\tnofile\t10\n"),
            (json!({"use_max": true}), "db soft nofile unlimited\n", "db soft nofile unlimited\n"),
            (json!({"use_min": true}), "db soft nofile -1\n", "db\tsoft\tnofile\t10\n"),
            (
                json!({"value": "unlimited", "use_min": true}),
                "db soft nofile 5\n",
                "db soft nofile 5\n",
            ),
            (json!({}), "db hard nofile 20", "db hard nofile 20\ndb\tsoft\tnofile\t10\n"),
        ] {
            let (response, text) = apply(&more, before);
            assert_eq!(
                (response.failed, response.changed),
                (false, before != after),
                "{more} {before}"
            );
            assert_eq!(text.as_deref(), Some(after), "{more} {before}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for (more, words) in [
            (json!({"value": "many"}), "Value must be a number or one of"),
            (json!({"use_max": true, "use_min": true}), "mutually exclusive"),
            (json!({"domain": "a b"}), "its domain one word"),
            (json!({"limit_type": "firm"}), "must be one of: hard, soft, -"),
        ] {
            let (response, _) = apply(&more, "");
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{more}: {msg}");
        }
    }
}
