//! The `debconf` module.

use std::{collections::BTreeMap, path::Path};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
};
use protocol::{Json, JsonMap, python};

use crate::tool;

/// Where debconf keeps answers that are secret.
const PASSWORDS: &str = "/var/cache/debconf/passwords.dat";

/// Keeps the answer to a question that a package asks while it is installed or configured.
///
/// A package that is installed already has to be configured anew (`dpkg-reconfigure`) to take
/// notice. Without a question, all answers of the package are read.
#[derive(Debug, Arguments)]
#[arguments(required_together(["question", "vtype", "value"]))]
pub struct Debconf {
    /// The package.
    #[argument(aliases("pkg"))]
    name: String,
    /// The question.
    #[argument(aliases("selection", "setting"))]
    question: Option<String>,
    /// The kind of its answer.
    vtype: Option<Kind>,
    /// Its answer; several for `multiselect` as a list.
    #[argument(aliases("answer"))]
    value: Option<Json>,
    /// Whether the question still counts as not asked.
    #[argument(default = false)]
    unseen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Boolean,
    Error,
    Multiselect,
    Note,
    Password,
    Seen,
    Select,
    String,
    Text,
    Title,
}

/// Answers by question; those that are secret as a word that says whether they fit.
type Answers = BTreeMap<String, String>;

impl Documented for Debconf {
    const NAME: &'static str = "ansible.builtin.debconf";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An answer",
            args: r#"{"name": "locales", "question": "locales/default_environment_locale", "value": "C.UTF-8", "vtype": "select"}"#,
        },
        Example { title: "All answers", args: r#"{"name": "locales"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("current", "What holds now.", "always", r#"{"locales/x": "C.UTF-8"}"#),
        Returned::new("previous", "What held before.", "changed", r#"{"locales/x": ""}"#),
    ];
}

impl Debconf {
    fn read(&self, host: &dyn Host) -> Result<Answers, Failure> {
        let text = tool::ask(host, &Program::new("debconf-show").arg(&self.name))?;
        Ok(text
            .lines()
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.trim_matches(['*', ' ']).to_owned(), value.trim().to_owned()))
            })
            .collect())
    }

    /// The answer as debconf keeps it.
    fn answer(&self) -> Result<String, Failure> {
        let text = |value: &Json| match (self.vtype, value) {
            (_, Json::String(text)) => Ok(text.clone()),
            (Some(Kind::Multiselect), other) => Err(Failure::new(format!(
                "Invalid value provided for 'multiselect': {} is no string",
                python::text(other)
            ))),
            (_, other) => Ok(python::text(other)),
        };
        Ok(match (&self.value, self.vtype) {
            (Some(Json::Array(items)), Some(Kind::Multiselect)) => {
                let all: Result<Vec<String>, Failure> = items.iter().map(text).collect();
                all?.join(", ")
            }
            (Some(value), Some(Kind::Boolean)) => text(value)?.to_lowercase(),
            (Some(value), _) => python::text(value),
            (None, _) => String::new(),
        })
    }

    /// Whether what is there is the wanted answer.
    fn fits(
        &self,
        host: &dyn Host,
        question: &str,
        now: &str,
        wanted: &str,
    ) -> Result<bool, Failure> {
        Ok(match self.vtype {
            Some(Kind::Boolean) => now.to_lowercase() == wanted,
            Some(Kind::Password) => secret(host, question)?.as_deref() == Some(wanted),
            Some(Kind::Multiselect) if matches!(self.value, Some(Json::Array(_))) => {
                sorted(now) == sorted(wanted)
            }
            _ => now == wanted,
        })
    }
}

fn sorted(list: &str) -> Vec<&str> {
    let mut all: Vec<&str> = list.split(',').map(str::trim).collect();
    all.sort_unstable();
    all
}

/// A secret answer.
fn secret(host: &dyn Host, question: &str) -> Result<Option<String>, Failure> {
    let bytes = host.read(Path::new(PASSWORDS))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let name = format!("Name: {question}");
    let stanza = text.split("\n\n").find(|stanza| stanza.lines().any(|line| line == name));
    Ok(stanza.and_then(|stanza| {
        let value = stanza.lines().find_map(|line| line.strip_prefix("Value:"))?;
        Some(value.trim().to_owned())
    }))
}

impl Module for Debconf {
    type State = Answers;

    fn check(&self, host: &dyn Host) -> Result<Delta<Answers>, Failure> {
        let all = self.read(host)?;
        let Some(question) = &self.question else { return Ok(Delta::new(all.clone(), all)) };
        let wanted = self.answer()?;
        let now = all.get(question).cloned();
        let fits = match &now {
            Some(now) => self.fits(host, question, now, &wanted)?,
            None => false,
        };
        let mut actual = all;
        actual.entry(question.clone()).or_default();
        let mut desired = actual.clone();
        if !fits {
            let is_secret = self.vtype == Some(Kind::Password);
            let shown = if is_secret { "(password)".to_owned() } else { wanted };
            desired.insert(question.clone(), shown);
        }
        let mut delta = Delta::new(actual, desired);
        // An answer that is empty is still to be given.
        if now.is_none() && delta.is_settled() {
            delta.steps.push(format!("answer {question}"));
        }
        Ok(delta)
    }

    fn apply(&self, _: &Delta<Answers>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (Some(question), Some(kind)) = (&self.question, self.vtype) else {
            return Ok(JsonMap::new());
        };
        let answer = self.answer()?;
        if [&self.name, question, &answer].iter().any(|text| text.contains('\n')) {
            return Err(Failure::new("an answer to debconf cannot hold line ends"));
        }
        let mut program = Program::new("debconf-set-selections");
        if self.unseen {
            program = program.arg("-u");
        }
        let line = format!("{} {question} {kind} {answer}\n", self.name);
        let output = tool::run(host, &program.stdin(line))?;
        Ok(JsonMap::from_iter([("msg".to_owned(), output.stdout_text().into())]))
    }

    // What is kept of an answer depends on its kind: a `seen` is no answer at all.
    fn look_again(
        &self,
        done: &Delta<Answers>,
        host: &dyn Host,
    ) -> Result<Delta<Answers>, Failure> {
        match self.vtype {
            Some(
                Kind::Boolean | Kind::Password | Kind::Multiselect | Kind::Select | Kind::String,
            ) => self.check(host),
            _ => Ok(Delta::new(done.desired.clone(), done.desired.clone())),
        }
    }

    fn returned(&self, delta: &Delta<Answers>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let current = match &self.question {
            Some(question) if delta.is_change() => {
                // As the task wrote it.
                let value = match (self.vtype, &self.value) {
                    (Some(Kind::Boolean), _) => self.answer()?.into(),
                    (Some(Kind::Password), _) => "(password)".into(),
                    (_, value) => value.clone().unwrap_or_default(),
                };
                Json::Object(JsonMap::from_iter([(question.clone(), value)]))
            }
            _ => serde_json::json!(delta.actual),
        };
        let mut map = JsonMap::from_iter([("current".to_owned(), current)]);
        if delta.is_change() {
            map.insert("previous".into(), serde_json::json!(delta.actual));
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_debconf};

    #[test]
    fn answers_are_kept() {
        let mut host = FakeHost::default();
        put_debconf(&mut host);
        for (question, kind, value, changed) in [
            ("a/b", "string", json!("x y"), true),
            ("a/b", "string", json!("x y"), false),
            ("a/b", "string", json!("z"), true),
            ("a/flag", "boolean", json!(true), true),
            ("a/flag", "boolean", json!("True"), false),
            ("a/list", "multiselect", json!(["b", "a"]), true),
            ("a/list", "multiselect", json!(["a", "b"]), false),
            ("a/list", "multiselect", json!("b, a"), false),
            ("a/key", "password", json!("secret"), true),
            ("a/key", "password", json!("secret"), false),
            ("a/key", "password", json!("other"), true),
        ] {
            let args = json!({"name": "a", "question": question, "vtype": kind, "value": value});
            let response =
                run("debconf", &args, "", "", Mode { check: false, diff: true }, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
            assert!(!format!("{:?}", response.diff).contains("secret"));
        }
        let response = run("debconf", &json!({"name": "a"}), "", "", Mode::default(), &mut host);
        assert!(!response.changed);
        assert_eq!(response.returned["current"]["a/b"], json!("z"));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (args, words) in [
            (json!({"name": "a", "question": "a/b"}), "required together"),
            (
                json!({"name": "a", "question": "a/b", "vtype": "line", "value": "x"}),
                "must be one of: boolean",
            ),
            (
                json!({"name": "a", "question": "a/b", "vtype": "string", "value": "x\ny"}),
                "cannot hold line ends",
            ),
            (
                json!({"name": "a", "question": "a/b", "vtype": "multiselect", "value": [1]}),
                "Invalid value provided for 'multiselect'",
            ),
        ] {
            let mut host = FakeHost::default();
            put_debconf(&mut host);
            let response = run("debconf", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
