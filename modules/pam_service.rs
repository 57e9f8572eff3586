//! Services of PAM as their files say them: rules, and lines that are none.

use std::fmt::{self, Display, Formatter};

use module::Failure;

/// What a rule is for.
const KINDS: [&str; 4] = ["auth", "account", "session", "password"];

/// Words for what a rule's outcome means.
const CONTROLS: [&str; 7] =
    ["required", "requisite", "sufficient", "optional", "include", "substack", "definitive"];

/// Outcomes of a module, as `pam.conf(5)` lists them, and `default` for all others.
const OUTCOMES: [&str; 33] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
    "default",
];

/// What follows from an outcome, beside a number of rules that are passed over.
const ACTIONS: [&str; 6] = ["ignore", "bad", "die", "ok", "done", "reset"];

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    kind: String,
    control: String,
    module_path: String,
    /// What the module is told.
    pub arguments: Vec<String>,
}

/// A line of a file.
#[derive(Clone, Debug)]
enum Line {
    /// A rule, with its text where it stands in the file like that.
    Rule(Rule, Option<String>),
    /// A file that is read at this place.
    Include(String),
    /// A remark or nothing.
    Remark(String),
}

/// What a file says.
#[derive(Clone, Debug)]
pub struct Service {
    lines: Vec<Line>,
}

/// The parts of a line: what stands in brackets is one.
fn parts(line: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let bracket = rest.starts_with('[').then(|| rest.find(']')).flatten();
        let end = bracket
            .map(|at| at + 1)
            .or_else(|| rest.find(char::is_whitespace))
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(part.to_owned());
        rest = after.trim_start();
    }
    parts
}

/// What a module is told, one by one, of texts that may hold several.
///
/// # Errors
/// What would be read as another line.
pub fn arguments_of(texts: &[String]) -> Result<Vec<String>, Failure> {
    if texts.iter().any(|text| text.contains('\n')) {
        return Err(Failure::new("a rule, and what its module is told, is one line"));
    }
    Ok(texts.iter().flat_map(|text| parts(text)).collect())
}

/// An argument's name, and its value where it has one.
fn name_of(argument: &str) -> &str {
    argument.split_once('=').map_or(argument, |(name, _)| name)
}

impl Rule {
    /// A rule of its parts.
    ///
    /// # Errors
    /// Parts that are none.
    pub fn new(
        kind: &str,
        control: &str,
        module_path: &str,
        arguments: &[String],
    ) -> Result<Self, Failure> {
        let is_word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        let invalid = |what: &str, value: &str| {
            Failure::new(format!("{what}, {value}, is not valid in a rule of {module_path}"))
        };
        if !KINDS.contains(&kind.strip_prefix('-').unwrap_or(kind)) {
            return Err(invalid("Rule type", kind));
        }
        if !is_word(module_path) {
            return Err(Failure::new(format!("{module_path:?} is no path of a module")));
        }
        let brackets = control.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let control = match brackets {
            None if CONTROLS.contains(&control) => control.to_owned(),
            None => return Err(invalid("Rule control", control)),
            Some(inside) => {
                let inside = inside.replace(" =", "=").replace("= ", "=");
                let pairs: Vec<&str> = inside.split_whitespace().collect();
                for pair in &pairs {
                    let (outcome, action) = pair.split_once('=').unwrap_or((pair, ""));
                    if !OUTCOMES.contains(&outcome) {
                        return Err(invalid("Rule control value", outcome));
                    }
                    if !ACTIONS.contains(&action) && action.parse::<u32>().is_err() {
                        return Err(invalid("Rule control action", action));
                    }
                }
                format!("[{}]", pairs.join(" "))
            }
        };
        Ok(Self {
            kind: kind.to_owned(),
            control,
            module_path: module_path.to_owned(),
            arguments: arguments.to_vec(),
        })
    }

    /// Whether it is the same rule, whatever its module is told.
    fn is(&self, other: &Self) -> bool {
        (&self.kind, &self.control, &self.module_path)
            == (&other.kind, &other.control, &other.module_path)
    }

    /// The same rule, its module told something else.
    pub fn told(&self, arguments: Vec<String>) -> Self {
        Self { arguments, ..self.clone() }
    }

    /// Tells the module more: words that it is not told yet, and other values of names.
    pub fn add_arguments(&mut self, more: &[String]) {
        for one in more {
            let has_value = one.contains('=');
            let old = self.arguments.iter_mut().find(|old| match has_value {
                true => old.contains('=') && name_of(old) == name_of(one),
                false => *old == one,
            });
            match old {
                Some(old) => one.clone_into(old),
                None => self.arguments.push(one.clone()),
            }
        }
    }
}

impl Display for Rule {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{:<11}{} {}", self.kind, self.control, self.module_path)?;
        self.arguments.iter().try_for_each(|one| write!(out, " {one}"))
    }
}

impl Line {
    fn is_rule(&self, wanted: &Rule) -> bool {
        matches!(self, Self::Rule(rule, _) if rule.is(wanted))
    }
}

impl Service {
    /// Reads a file.
    ///
    /// # Errors
    /// A line that is neither a rule nor something that PAM passes over.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let line = |line: &str| -> Result<Line, Failure> {
            let start = line.trim_start();
            if start.is_empty() || start.starts_with('#') {
                return Ok(Line::Remark(line.to_owned()));
            }
            if start.starts_with("@include") {
                return Ok(Line::Include(line.to_owned()));
            }
            if line.trim_end().ends_with('\\') {
                return Err(Failure::new(format!(
                    "rules that go on in the next line are not understood: {line:?}"
                )));
            }
            let mut parts = parts(line).into_iter();
            let mut next = || parts.next().unwrap_or_default();
            let (kind, control, module_path) = (next(), next(), next());
            let arguments: Vec<String> = parts.collect();
            let rule = Rule::new(&kind, &control, &module_path, &arguments)?;
            Ok(Line::Rule(rule, Some(line.to_owned())))
        };
        Ok(Self { lines: text.lines().map(line).collect::<Result<_, _>>()? })
    }

    /// Changes rules, and says how many are other ones then.
    pub fn change(&mut self, wanted: &Rule, mut change: impl FnMut(&mut Rule)) -> usize {
        let mut count = 0;
        for line in &mut self.lines {
            let Line::Rule(rule, text) = line else { continue };
            if rule.is(wanted) {
                let before = rule.clone();
                change(rule);
                if *rule != before {
                    *text = None;
                    count += 1;
                }
            }
        }
        count
    }

    /// Takes rules away, and says how many.
    pub fn remove(&mut self, wanted: &Rule) -> usize {
        let before = self.lines.len();
        self.lines.retain(|line| !line.is_rule(wanted));
        before - self.lines.len()
    }

    /// Puts a rule before each of some rules that it does not stand before yet; what lies between
    /// them may be remarks alone.
    pub fn insert_before(&mut self, wanted: &Rule, new: &Rule) -> usize {
        self.lines.reverse();
        let count = self.insert_after(wanted, new);
        self.lines.reverse();
        count
    }

    /// As [`insert_before`](Self::insert_before), after them.
    pub fn insert_after(&mut self, wanted: &Rule, new: &Rule) -> usize {
        let mut count = 0;
        let mut lines = Vec::with_capacity(self.lines.len() + 1);
        let mut rest = self.lines.as_slice();
        while let Some((line, after)) = rest.split_first() {
            lines.push(line.clone());
            let next = after.iter().find(|line| !matches!(line, Line::Remark(_)));
            if line.is_rule(wanted) && !next.is_some_and(|next| next.is_rule(new)) {
                lines.push(Line::Rule(new.clone(), None));
                count += 1;
            }
            rest = after;
        }
        self.lines = lines;
        count
    }
}

impl Display for Service {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| match line {
            Line::Rule(_, Some(text)) | Line::Include(text) | Line::Remark(text) => {
                writeln!(out, "{text}")
            }
            Line::Rule(rule, None) => writeln!(out, "{rule}"),
        })
    }
}
