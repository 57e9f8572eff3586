//! What came of a task on a host, as Ansible registers it.

use plan::Condition;
use protocol::{Diff, Json, JsonMap, Response};
use source::Span;
use template::TemplateError;

/// What came of a task on one host, or of one item of its loop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskResult {
    pub changed: bool,
    pub failed: bool,
    pub skipped: bool,
    pub unreachable: bool,
    /// Whether it is skipped because only a run can tell what would come of it.
    pub until_run: bool,
    /// All that is registered: `changed`, `failed`, `msg` and the module's own values among it.
    pub fields: JsonMap,
    pub diff: Vec<Diff>,
    /// Facts to be kept, under the names that they are returned by.
    pub facts: JsonMap,
    /// Variables to be set on the host (`set_fact`), templates rendered.
    pub variables: Vec<(String, template::Value)>,
    pub warnings: Vec<String>,
    /// Whether nothing of the result may be shown.
    pub no_log: bool,
    /// Whether that is what an action says, and not the task.
    pub hides_itself: bool,
    /// Names of handlers and topics to be notified, where something changed.
    pub notify: Vec<String>,
    /// What is to be done to the run itself.
    pub orders: Vec<RunOrder>,
    /// The results of a loop's items.
    pub items: Vec<TaskResult>,
    /// The arguments as they were rendered, where the run's settings want them told.
    pub arguments: Option<JsonMap>,
    /// What to do about a failure.
    pub hint: Option<String>,
    /// Where the text stands that is to blame, if it is not the task as a whole.
    pub place: Option<String>,
    /// What of the task could not be worked out, so that nothing was done. It ends a loop, and
    /// neither `failed_when` nor another try makes it good.
    pub raised: Option<Box<Raised>>,
    /// The host that the work was delegated to.
    pub delegated_to: Option<String>,
    /// That host's address, where the inventory gives it one.
    pub delegated_address: Option<String>,
    /// Whether more than `msg` is shown without being asked for.
    pub verbose_always: bool,
    /// Fields of debug's result that are shown.
    pub verbose_override: bool,
    /// Whether differences are registered as a list also where there is one.
    pub lists_diffs: bool,
}

/// What of a task cannot be worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// Where in the task.
    pub part: RaisedIn,
    /// What is wrong, in the words of the templates.
    pub error: String,
    pub is_undefined: bool,
}

/// Where in a task something cannot be worked out.
#[derive(Clone, Debug, PartialEq)]
pub enum RaisedIn {
    Arguments,
    Keyword(String),
    /// A condition, and where it stands.
    Condition(Span),
}

impl Raised {
    /// The message in ansible-core's words; `message` is that of Trueup, `task` where the task
    /// stands.
    pub(crate) fn as_ansible(&self, message: &str, task: &Span) -> String {
        let Self { part, error, is_undefined } = self;
        match part {
            RaisedIn::Condition(span) => format!("{message}{}", span.pointed_at()),
            RaisedIn::Arguments if *is_undefined => format!(
                "The task includes an option with an undefined variable.. {error}{}",
                task.pointed_at()
            ),
            RaisedIn::Arguments => message.to_owned(),
            RaisedIn::Keyword(name) if *is_undefined => match name.as_str() {
                "loop" | "delegate_to" | "free form" => error.clone(),
                "environment" => format!(
                    "The field 'environment' has an invalid value, which includes an undefined \
                     variable.. {error}{}",
                    task.pointed_at()
                ),
                name => format!(
                    "The field '{name}' has an invalid value, which includes an undefined \
                     variable.. {error}"
                ),
            },
            RaisedIn::Keyword(_) => message.to_owned(),
        }
    }
}

/// What a task asks of the run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOrder {
    GroupBy { group: String, parents: Vec<String> },
    IncludeTasks(IncludeTasks),
    IncludeRole(IncludeRole),
    IncludeVars { name: Option<String>, vars: Vec<(String, IncludedVar)> },
    Statistic { name: String, value: Json, per_host: bool, aggregate: bool },
    CacheFacts { facts: JsonMap },
}

/// A variable that a file brought: a trusted tree, compared by its text.
#[derive(Clone, Debug)]
pub struct IncludedVar(pub template::Tree);

impl PartialEq for IncludedVar {
    fn eq(&self, other: &Self) -> bool {
        plan::written(&self.0) == plan::written(&other.0)
    }
}

/// `include_tasks`, its name rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct IncludeTasks {
    pub file: String,
    /// Variables of the loop that hold inside.
    pub item_vars: Vec<(String, Json)>,
    pub label: Option<String>,
}

/// `include_role`, its names rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct IncludeRole {
    pub name: String,
    pub tasks_from: Option<String>,
    pub vars_from: Option<String>,
    pub defaults_from: Option<String>,
    pub handlers_from: Option<String>,
    pub allow_duplicates: Option<bool>,
    pub public: bool,
    /// Whether its argument specs are checked.
    pub validates: bool,
    pub item_vars: Vec<(String, Json)>,
    pub label: Option<String>,
}

/// Whether a field of a skipped module says nothing: `rc: 0`, `stdout: ""`.
fn is_placeholder(name: &str, value: &Json) -> bool {
    match value {
        Json::Number(_) => name == "rc",
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

impl TaskResult {
    /// A failure that says why.
    pub fn failure(msg: impl Into<String>) -> Self {
        let mut result = Self { failed: true, ..Self::default() };
        result.fields.insert("msg".into(), Json::String(msg.into()));
        result
    }

    /// A success that says something.
    pub fn message(msg: impl Into<Json>) -> Self {
        let mut result = Self::default();
        result.fields.insert("msg".into(), msg.into());
        result
    }

    /// A task that a condition keeps from running.
    pub fn skip(condition: Option<&Condition>) -> Self {
        let mut result = Self { skipped: true, ..Self::default() };
        result.fields.insert("skip_reason".into(), "Conditional result was False".into());
        if let Some(condition) = condition {
            let text = condition.expression.text().to_string();
            let shown = match text.as_str() {
                "True" => Json::Bool(true),
                "False" => Json::Bool(false),
                _ => Json::String(text),
            };
            result.fields.insert("false_condition".into(), shown);
        }
        result
    }

    /// A task that a check run skips because it needs what only a run can tell.
    pub fn skip_until_run(error: &TemplateError) -> Self {
        let mut result = Self { skipped: true, until_run: true, ..Self::default() };
        result.fields.insert("skip_reason".into(), "Unknown until run".into());
        result.fields.insert("unknown".into(), error.to_string().into());
        result
    }

    /// A failure to render something of a task.
    pub fn template_failure(error: &TemplateError, what: &str, near: &Span) -> Self {
        if error.is_until_run() {
            return Self::skip_until_run(error);
        }
        let mut result = if error.is_undefined() {
            Self::failure(format!(
                "The task includes an option with an undefined variable. The error was: {error}"
            ))
        } else {
            Self::failure(error.to_string())
        };
        // Python raises these where Ansible does not expect them.
        if error.kind() == template::ErrorKind::Arithmetic {
            result = Self::failure(format!("Unexpected failure during module execution: {error}"));
            let exception = format!("ZeroDivisionError: {error}");
            result.fields.insert("exception".into(), exception.into());
        }
        let place = error.place().unwrap_or(near);
        result.place = Some(format!("{place} ({what})"));
        // What Python raises there is the item's failure alone.
        if error.kind() != template::ErrorKind::Arithmetic {
            result.raised = Some(Box::new(Raised {
                part: RaisedIn::Keyword(what.to_owned()),
                error: error.to_string(),
                is_undefined: error.is_undefined(),
            }));
        }
        result.hint = error.hint().map(str::to_owned);
        result
    }

    /// A condition that cannot be worked out; `near` is where it stands.
    pub fn condition_failure(text: &str, error: &TemplateError, near: &Span) -> Self {
        if error.is_until_run() {
            return Self::skip_until_run(error);
        }
        let mut result = Self::failure(format!(
            "The conditional check '{text}' failed. The error was: error while evaluating \
             conditional ({text}): {error}"
        ));
        let place = error.place().unwrap_or(near);
        result.place = Some(place.to_string());
        result.hint = error.hint().map(str::to_owned);
        result.raised = Some(Box::new(Raised {
            part: RaisedIn::Condition(near.clone()),
            error: error.to_string(),
            is_undefined: error.is_undefined(),
        }));
        result
    }

    /// What a remote answered.
    pub fn from_response(response: Response) -> Self {
        let Response { changed, failed, skipped, msg, diff, facts, returned, warnings, .. } =
            response;
        let mut result =
            Self { changed, failed, skipped, diff, facts, warnings, ..Self::default() };
        // Whoever prints a result expects the flag first; its value is settled later.
        result.fields.insert("changed".into(), Json::Bool(changed));
        result.fields.extend(returned);
        if let Some(msg) = msg {
            result.fields.insert("msg".into(), Json::String(msg));
        }
        result
    }

    /// Whether something that is not defined kept the task from being worked out.
    pub fn is_undefined(&self) -> bool {
        self.raised.as_ref().is_some_and(|raised| raised.is_undefined)
    }

    /// The message, if there is one that is text.
    pub fn msg(&self) -> Option<&str> {
        self.fields.get("msg").and_then(Json::as_str)
    }

    /// Puts the flags, and what follows from other fields, where templates look for them.
    pub fn settle(&mut self) {
        for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
            if let Some(Json::String(content)) = self.fields.get(text)
                && !self.fields.contains_key(lines)
            {
                let split = content.lines().map(|line| Json::String(line.to_owned())).collect();
                self.fields.insert(lines.to_owned(), Json::Array(split));
            }
        }
        self.set_flags();
        if !self.facts.is_empty() {
            self.fields.insert("ansible_facts".into(), Json::Object(self.facts.clone()));
        }
        if !self.diff.is_empty() {
            let diff: Vec<Json> = self.diff.iter().map(Diff::to_json).collect();
            self.fields.insert(
                "diff".into(),
                match diff.as_slice() {
                    [one] if !self.lists_diffs => one.clone(),
                    _ => diff.into(),
                },
            );
        }
        if !self.warnings.is_empty() && !self.fields.contains_key("warnings") {
            let warnings = self.warnings.iter().cloned().map(Json::String).collect();
            self.fields.insert("warnings".into(), Json::Array(warnings));
        }
    }

    /// The same without what Ansible does not say of an include that goes well: how its items and
    /// itself have ended.
    pub(crate) fn of_include(&self) -> Self {
        let mut result = self.clone();
        result.fields.shift_remove("failed");
        if let Some(Json::Array(items)) = result.fields.get_mut("results") {
            for fields in items.iter_mut().filter_map(Json::as_object_mut) {
                fields.shift_remove("changed");
                fields.shift_remove("failed");
            }
        }
        result
    }

    /// Writes the flags into the fields.
    pub fn set_flags(&mut self) {
        // Nothing was done, so nothing is said of it.
        if self.raised.is_none() {
            self.fields.insert("changed".into(), Json::Bool(self.changed));
        }
        // A task that conditions leave out says nothing of failing; a module that skips itself does.
        let reasons = ["skip_reason", "skipped_reason"];
        let is_left_out = self.skipped && reasons.iter().any(|key| self.fields.contains_key(*key));
        if self.failed || !is_left_out {
            self.fields.insert("failed".into(), Json::Bool(self.failed));
        }
        if self.skipped {
            self.fields.insert("skipped".into(), Json::Bool(true));
        }
        if self.unreachable {
            self.fields.insert("unreachable".into(), Json::Bool(true));
        }
    }

    /// The value that `register` keeps.
    pub fn registered(&self) -> template::Value {
        let mut fields = self.fields.clone();
        strip_internal(&mut fields);
        // Items of loops keep it, as in Ansible.
        fields.remove("invocation");
        if self.until_run {
            // What stands in for an answer is none.
            fields.retain(|name, value| name == "item" || !is_placeholder(name, value));
        }
        // What the playbook itself says of variables is no host's word.
        let is_own = !self.variables.is_empty()
            || self.orders.iter().any(|order| matches!(order, RunOrder::IncludeVars { .. }));
        let fields = Json::Object(fields);
        let value = if is_own {
            template::Value::from_json(&fields)
        } else {
            template::Value::from_result(&fields)
        };
        let Some(dict) = value.as_dict() else { return value };
        if self.items.iter().any(|item| item.until_run) {
            let items = self.items.iter().map(Self::registered);
            dict.insert("results", template::Value::list(items));
        }
        if self.until_run { dict.opened().into() } else { value }
    }
}
/// Takes out what is said to the run and not to the playbook, of items too.
fn strip_internal(fields: &mut JsonMap) {
    fields.retain(|name, _| !name.starts_with("_ansible_"));
    if let Some(Json::Array(items)) = fields.get_mut("results") {
        items.iter_mut().filter_map(Json::as_object_mut).for_each(strip_internal);
    }
}
