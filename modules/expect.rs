//! The `expect` module.

use std::{path::PathBuf, time::Duration};

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, HostError, Mode, Program,
    Returned,
    clock::{duration_text, local_time},
    path::split_words,
    program::Locale,
    terminal::Reply,
};
use protocol::{Json, JsonMap, Response, python, spec::Support};
use pyregex::{Flags, Pattern};

use crate::{command, execution::Execution};

/// Runs a program on a terminal and answers what it asks.
///
/// It runs each time unless `creates` or `removes` says that there is nothing to do; a check run
/// skips it. Words are split as a shell would; there is no shell.
#[derive(Debug, Arguments)]
pub struct Expect {
    /// The program and its arguments.
    command: String,
    /// It is not run where a file fits this path or pattern.
    creates: Option<PathBuf>,
    /// It is not run where no file fits this path or pattern.
    removes: Option<PathBuf>,
    /// Folder in which it runs.
    chdir: Option<PathBuf>,
    /// Answers by the regular expressions that questions fit, in Python's spelling; a list is
    /// answered from the first to the last.
    responses: JsonMap,
    /// Seconds that a question is waited for; `null` for no end.
    #[argument(default = 30)]
    timeout: Option<Json>,
    /// Whether answers stand in the output too.
    #[argument(default = false)]
    echo: bool,
}

impl Documented for Expect {
    const NAME: &'static str = "ansible.builtin.expect";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A password",
        args: r#"{"command": "passwd ops", "responses": {"(?i)password": "secret"}}"#,
    }];
    const RETURNS: &'static [Returned] = command::RETURNS;
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

/// A question, and what is still to be answered to it.
struct Question {
    text: String,
    pattern: Pattern,
    answers: Answers,
}

enum Answers {
    /// The same each time.
    Always(String),
    /// The next one last.
    Left(Vec<String>),
}

impl Question {
    fn parse(text: &str, answers: &Json) -> Result<Self, Failure> {
        // As for what follows a line end on a terminal, a dot is any letter.
        let flags = Flags { dot_all: true, ..Flags::default() };
        let pattern = Pattern::new(text, flags).map_err(|why| {
            Failure::new(format!("the question {text:?} is no regular expression: {why}"))
        })?;
        let line = |answer: &Json| format!("{}\n", python::text(answer).trim_end_matches('\n'));
        let answers = match answers {
            Json::Array(all) => Answers::Left(all.iter().rev().map(line).collect()),
            other => Answers::Always(line(other)),
        };
        Ok(Self { text: text.to_owned(), pattern, answers })
    }
}

impl Expect {
    fn execution(&self) -> Execution<'_> {
        Execution {
            shown: self.command.clone().into(),
            creates: self.creates.as_deref().and_then(|path| path.to_str()),
            removes: self.removes.as_deref().and_then(|path| path.to_str()),
            chdir: self.chdir.as_ref(),
            stdin: None,
            strip_empty_ends: true,
        }
    }

    fn timeout(&self) -> Result<Option<Duration>, Failure> {
        let secs = match &self.timeout {
            None | Some(Json::Null) => return Ok(None),
            Some(Json::Number(number)) => number.as_u64(),
            Some(other) => python::text(other).trim().parse().ok(),
        };
        match secs {
            Some(secs) => Ok(Some(Duration::from_secs(secs))),
            None => Err(Failure::new(format!(
                "argument 'timeout' is no number of seconds: {}",
                self.timeout.as_ref().map(python::text).unwrap_or_default()
            ))),
        }
    }
}

/// What is answered to what was said: to the question that begins first and, of several, to the
/// one that the task names first.
fn reply(questions: &mut [Question], said: &[u8]) -> Result<Reply, Failure> {
    let text = String::from_utf8_lossy(said);
    let mut first: Option<(usize, usize, &mut Question)> = None;
    for question in questions {
        let found = question.pattern.search(&text);
        let found = found.map_err(|why| {
            Failure::new(format!("the question {:?} cannot be looked for: {why}", question.text))
        })?;
        let Some(found) = found else { continue };
        if first.as_ref().is_none_or(|(start, ..)| found.start() < *start) {
            first = Some((found.start(), found.end(), question));
        }
    }
    let Some((_, end, question)) = first else { return Ok(Reply::Wait) };
    let answer = match &mut question.answers {
        Answers::Always(answer) => Some(answer.clone()),
        Answers::Left(left) => left.pop(),
    };
    // Letters that are no UTF-8 are as long as what stands for them only where there are none.
    let heard = text.get(..end).map_or(said.len(), |heard| match &text {
        std::borrow::Cow::Borrowed(_) => heard.len(),
        std::borrow::Cow::Owned(_) => said.len(),
    });
    match answer {
        Some(answer) => Ok(Reply::Say { heard, bytes: answer.into_bytes() }),
        None => Err(Failure::new(format!(
            "No remaining responses for '{}', output was '{}'",
            question.text,
            text.get(..end).unwrap_or_default()
        ))),
    }
}

impl Action for Expect {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        if mode.check {
            return Ok(Guard::Stay(Box::new(Response {
                skipped: true,
                msg: Some(
                    "remote module (ansible.builtin.expect) does not support check mode".into(),
                ),
                ..Response::default()
            })));
        }
        if self.command.trim().is_empty() {
            return Err(Failure::new("no command given").with("rc", 256));
        }
        self.timeout()?;
        self.execution().guard(host, mode)
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(self.execution().foretell())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let words = split_words(&self.command)
            .map_err(|why| Failure::new(format!("the command cannot be split: {why}")))?;
        let mut words = words.into_iter();
        let mut program = Program::new(words.next().unwrap_or_default()).args(words);
        program.folder.clone_from(&self.chdir);
        program.locale = Locale::Inherited;
        program.timeout = self.timeout()?;
        let mut questions = Vec::new();
        for (text, answers) in &self.responses {
            questions.push(Question::parse(text, answers)?);
        }
        let mut failure = None;
        let start = host.now();
        let talk = host.converse(&program, self.echo, &mut |said| {
            reply(&mut questions, said).unwrap_or_else(|why| {
                failure = Some(why);
                Reply::HangUp
            })
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        let talk = match talk {
            Ok(talk) => talk,
            Err(HostError::NoProgram { name }) if name == program.name => {
                return Err(Failure::new(format!(
                    "The command was not found or was not executable: {name}."
                )));
            }
            Err(error) => return Err(error.into()),
        };
        let end = host.now();
        let stdout = String::from_utf8_lossy(&talk.output);
        let took = end.duration_since(start).unwrap_or_default();
        let values: [(&str, Json); 6] = [
            ("cmd", self.command.clone().into()),
            ("stdout", stdout.trim_end_matches(['\r', '\n']).into()),
            ("rc", talk.status.into()),
            ("start", local_time(host, start).to_text().into()),
            ("end", local_time(host, end).to_text().into()),
            ("delta", duration_text(took).into()),
        ];
        let msg = match talk.status {
            None => Some("command exceeded timeout"),
            Some(0) => None,
            Some(_) => Some("non-zero return code"),
        };
        Ok(Response {
            changed: true,
            failed: msg.is_some(),
            msg: msg.map(str::to_owned),
            returned: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            is_lossy: std::str::from_utf8(&talk.output).is_err(),
            ..Response::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use protocol::Json;
    use serde_json::json;

    use crate::real_host::{Scratch, run};

    fn expect(args: Json) -> protocol::Response {
        run("expect", &args, false, Path::new("/dev/null"))
    }

    #[test]
    fn questions_are_answered() {
        let scratch = Scratch::new("expect");
        let script = scratch.path("ask");
        std::fs::write(
            &script,
            "[ -t 0 ] && [ -t 1 ] || exit 9\nprintf 'Name? '; read n\nprintf 'Name? '; read m\n\
             printf 'Sure\\n(y/n) '; read s </dev/tty\necho; echo \"$n+$m+$s\"; exit ${1:-0}\n",
        )
        .unwrap();
        let line = format!("sh {script}");
        for (responses, echo, words) in [
            (
                json!({"name": ["a", "b"], "(?i)NAME": ["a", "b"], r"Sure.*\(y": "y"}),
                false,
                "a+b+y",
            ),
            (json!({"Name": "x", r"^.*n\)": true}), true, "x+x+True"),
        ] {
            let response = expect(json!({"command": line, "responses": responses, "echo": echo}));
            assert!(response.changed && !response.failed, "{response:?}");
            let stdout = response.returned["stdout"].as_str().unwrap();
            assert!(stdout.ends_with(words), "{stdout}");
            assert_eq!(stdout.contains("? x"), echo, "{stdout:?}");
        }
        let failed = expect(json!({"command": format!("{line} 3"), "responses": {"": "x"}}));
        assert_eq!(failed.returned["rc"], json!(3), "{failed:?}");
        let silent = expect(json!({"command": line, "responses": {"never": "x"}, "timeout": 1}));
        assert_eq!(silent.msg.as_deref(), Some("command exceeded timeout"));
        let few = expect(json!({"command": line, "responses": {"Name": ["a"]}}));
        let msg = few.msg.unwrap();
        assert!(msg.starts_with("No remaining responses for 'Name', output was "), "{msg}");
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (args, words) in [
            (json!({"command": " ", "responses": {}}), "no command given"),
            (
                json!({"command": "nosuchprogram", "responses": {}}),
                "was not found or was not executable",
            ),
            (json!({"command": "true", "responses": {"(": "x"}}), "is no regular expression"),
            (
                json!({"command": "true", "responses": {}, "timeout": "x"}),
                "argument 'timeout' is no number",
            ),
            (json!({"command": "'", "responses": {}}), "No closing quotation"),
        ] {
            let response = expect(args.clone());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        let skipped = expect(json!({"command": "false", "responses": {}, "creates": "/"}));
        assert!(!skipped.changed && !skipped.failed);
    }
}
