//! How what a task wrote becomes what a module is given: the checker over [`ArgumentSpec`].
//!
//! [`check`] turns the arguments of a task into those of the module: aliases give way to canonical
//! names, values take their kinds, what was left out has its default. It reports everything that
//! is wrong at once, in the words that users of Ansible search for. [`check_known`] does as much
//! of it as can be done while values are still templates.
//!
//! Names that start with `_` and are in no spec are refused like all others: the controller adds
//! its own arguments (see `module::Source`) after the check.

use crate::{
    Json, JsonMap,
    coerce::{coerce, kind_name, truth},
    python,
    spec::{Argument, ArgumentSpec, Kind, RequiredIf},
};

/// How deep sub-options may be nested.
const DEPTH_MAX: usize = 32;

/// One thing that is wrong with the arguments of a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ArgumentError {
    /// What is wrong, naming the argument.
    pub message: String,
    /// The argument as the task wrote it, with a dot before each sub-option; `None` where
    /// something is missing.
    pub argument: Option<String>,
    /// Names that the writer may have meant.
    pub nearest: Vec<String>,
}

/// Checks the arguments of a task and returns them as the module is given them.
///
/// `module` is the module's name as the task wrote it.
///
/// # Errors
/// All problems, in the order in which Ansible looks for them.
pub fn check(
    spec: &ArgumentSpec,
    module: &str,
    given: &JsonMap,
) -> Result<JsonMap, Vec<ArgumentError>> {
    let values = given.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    let (checked, errors) = run(spec, module, values);
    if errors.is_empty() { Ok(checked) } else { Err(errors) }
}

/// Checks arguments of which some values are not known yet (`None`), such as templates.
///
/// An unknown value may turn out as anything, and also as left out (`omit`): it satisfies whatever
/// asks for it and breaks no rule.
pub fn check_known(
    spec: &ArgumentSpec,
    module: &str,
    given: &[(String, Option<Json>)],
) -> Vec<ArgumentError> {
    run(spec, module, given.to_vec()).1
}

/// What is wrong with variables that are held to a spec, in the words of
/// `validate_argument_spec`: unsupported names come last, all together.
pub fn complaints(spec: &ArgumentSpec, given: &JsonMap) -> Vec<String> {
    let values = given.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    let mut level = Level { spec, place: Vec::new(), values, errors: Vec::new() };
    let mut unsupported = Vec::new();
    level.check(&mut unsupported);
    let mut messages: Vec<String> = level.errors.into_iter().map(|error| error.message).collect();
    if let Some(last) = unsupported.last() {
        let supported = last.supported.clone();
        let mut names: Vec<String> = unsupported.into_iter().map(|one| one.path).collect();
        names.sort();
        names.dedup();
        messages.push(format!("{}. Supported parameters include: {supported}.", names.join(", ")));
    }
    messages
}

fn run(
    spec: &ArgumentSpec,
    module: &str,
    given: Vec<(String, Option<Json>)>,
) -> (JsonMap, Vec<ArgumentError>) {
    let mut level = Level { spec, place: Vec::new(), values: given, errors: Vec::new() };
    let mut unsupported = Vec::new();
    level.check(&mut unsupported);
    let mut errors = level.errors;
    errors.extend(refuse_unsupported(module, unsupported));
    let checked =
        level.values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    (checked, errors)
}

/// A name that the spec of its level does not know.
struct Unsupported {
    path: String,
    name: String,
    supported: String,
    known: Vec<String>,
}

fn refuse_unsupported(module: &str, mut all: Vec<Unsupported>) -> Vec<ArgumentError> {
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all.dedup_by(|a, b| a.path == b.path);
    all.into_iter()
        .map(|one| ArgumentError {
            message: format!(
                "Unsupported parameters for ({module}) module: {}. Supported parameters include: {}.",
                one.path, one.supported
            ),
            nearest: nearest(&one.name, &one.known),
            argument: Some(one.path),
        })
        .collect()
}

/// Up to three known names within one edit in three letters.
fn nearest(name: &str, known: &[String]) -> Vec<String> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

/// Arguments at one depth: those of the module, or the sub-options of one argument.
struct Level<'a> {
    spec: &'a ArgumentSpec,
    /// The arguments above, outermost first.
    place: Vec<String>,
    values: Vec<(String, Option<Json>)>,
    errors: Vec<ArgumentError>,
}

impl Level<'_> {
    fn check(&mut self, unsupported: &mut Vec<Unsupported>) {
        self.resolve_aliases();
        if !self.spec.open {
            self.find_unsupported(unsupported);
        }
        self.check_exclusive();
        self.check_required();
        self.set_defaults();
        self.check_kinds();
        self.check_choices();
        self.check_rules();
        self.check_options(unsupported);
    }

    fn get(&self, name: &str) -> Option<&Option<Json>> {
        self.values.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn set(&mut self, name: &str, value: Option<Json>) {
        match self.values.iter_mut().find(|(given, _)| given == name) {
            Some(entry) => entry.1 = value,
            None => self.values.push((name.to_owned(), value)),
        }
    }

    fn path(&self, name: &str) -> String {
        self.place.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }

    /// ` found in a -> b`, or nothing at the outermost level.
    fn found_in(&self) -> String {
        if self.place.is_empty() {
            String::new()
        } else {
            format!(" found in {}", self.place.join(" -> "))
        }
    }

    fn error(&mut self, argument: Option<&str>, message: String) {
        let argument = argument.map(|name| self.path(name));
        self.errors.push(ArgumentError { message, argument, nearest: Vec::new() });
    }

    /// Values given under an alias move to the canonical name; of several the last alias of the
    /// spec counts.
    fn resolve_aliases(&mut self) {
        for argument in &self.spec.arguments {
            for alias in &argument.aliases {
                if let Some(at) = self.values.iter().position(|(name, _)| name == alias) {
                    let (_, value) = self.values.remove(at);
                    self.set(&argument.name, value);
                }
            }
        }
    }

    fn find_unsupported(&mut self, unsupported: &mut Vec<Unsupported>) {
        let known = |name: &str| self.spec.arguments.iter().any(|argument| argument.name == name);
        let (kept, unknown): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.values).into_iter().partition(|(name, _)| known(name));
        self.values = kept;
        for (name, _) in unknown {
            let path = self.path(&name);
            let supported = supported(self.spec);
            let known = self
                .spec
                .arguments
                .iter()
                .flat_map(|argument| argument.aliases.iter().chain([&argument.name]).cloned())
                .collect();
            unsupported.push(Unsupported { path, name, supported, known });
        }
    }

    fn check_exclusive(&mut self) {
        let spec = self.spec;
        let broken: Vec<String> = spec
            .mutually_exclusive
            .iter()
            .filter(|group| {
                group.iter().filter(|name| matches!(self.get(name), Some(Some(_)))).count() > 1
            })
            .map(|group| group.join("|"))
            .collect();
        if !broken.is_empty() {
            let place = self.found_in();
            let groups = broken.join(", ");
            self.error(None, format!("parameters are mutually exclusive: {groups}{place}"));
        }
    }

    fn check_required(&mut self) {
        let spec = self.spec;
        let mut missing: Vec<&str> = spec
            .arguments
            .iter()
            .filter(|argument| argument.required && !self.has(&argument.name))
            .map(|argument| argument.name.as_str())
            .collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            let place = self.found_in();
            self.error(None, format!("missing required arguments: {}{place}", missing.join(", ")));
        }
    }

    fn set_defaults(&mut self) {
        for argument in &self.spec.arguments {
            if let Some(default) = &argument.default
                && !self.has(&argument.name)
            {
                self.values.push((argument.name.clone(), Some(default.clone())));
            }
        }
    }

    fn check_kinds(&mut self) {
        for argument in &self.spec.arguments {
            let Some(Some(value)) = self.get(&argument.name) else { continue };
            if value.is_null() && !argument.required && argument.default.is_none() {
                continue;
            }
            let value = value.clone();
            match coerce(argument.kind, &value) {
                Ok(turned) => {
                    let turned = self.check_elements(argument, turned);
                    self.set(&argument.name, Some(turned));
                }
                Err(why) => {
                    let place = match self.place.as_slice() {
                        [] => String::new(),
                        place => format!(" found in '{}'.", place.join(" -> ")),
                    };
                    let message = format!(
                        "argument '{}' is of type <class '{}'>{place} and we were unable to \
                         convert to {}: {why}",
                        argument.name,
                        python::class(&value),
                        kind_name(argument.kind)
                    );
                    self.error(Some(&argument.name), message);
                    // Nothing more can be said of this value.
                    self.set(&argument.name, None);
                }
            }
        }
    }

    fn check_elements(&mut self, argument: &Argument, value: Json) -> Json {
        let (Some(kind), Json::Array(items)) = (argument.elements, &value) else { return value };
        let mut turned = Vec::with_capacity(items.len());
        for item in items {
            match coerce(kind, item) {
                Ok(item) => turned.push(item),
                Err(why) => {
                    let place = match self.place.as_slice() {
                        [] => String::new(),
                        place => format!(" found in '{}'", place.join(" -> ")),
                    };
                    let message = format!(
                        "Elements value for option '{}'{place} is of type <class '{}'> and we \
                         were unable to convert to {}: {why}",
                        argument.name,
                        python::class(item),
                        kind_name(kind)
                    );
                    self.error(Some(&argument.name), message);
                }
            }
        }
        Json::Array(turned)
    }

    fn check_choices(&mut self) {
        for argument in &self.spec.arguments {
            if argument.choices.is_empty() {
                continue;
            }
            let Some(Some(value)) = self.get(&argument.name) else { continue };
            let value = value.clone();
            let listed = texts(&argument.choices);
            let place = self.found_in();
            if let Json::Array(items) = &value {
                let unmatched: Vec<Json> =
                    items.iter().filter(|item| !argument.choices.contains(item)).cloned().collect();
                if !unmatched.is_empty() {
                    let got = texts(&unmatched);
                    let message = format!(
                        "value of {} must be one or more of: {listed}. Got no match for: {got}{place}",
                        argument.name
                    );
                    self.error(Some(&argument.name), message);
                }
            } else if !argument.choices.contains(&value) {
                if let Some(choice) = boolean_choice(&argument.choices, &value) {
                    self.set(&argument.name, Some(choice));
                    continue;
                }
                let known: Vec<String> = argument.choices.iter().map(python::text).collect();
                let got = python::text(&value);
                let message = format!(
                    "value of {} must be one of: {listed}, got: {got}{place}",
                    argument.name
                );
                self.errors.push(ArgumentError {
                    message,
                    argument: Some(self.path(&argument.name)),
                    nearest: nearest(&got, &known),
                });
            }
        }
    }

    fn check_rules(&mut self) {
        let spec = self.spec;
        let place = self.found_in();
        let mut broken = Vec::new();
        for group in &spec.required_together {
            let known = group.iter().any(|name| matches!(self.get(name), Some(Some(_))));
            if known && group.iter().any(|name| !self.has(name)) {
                broken.push(format!("parameters are required together: {}", group.join(", ")));
            }
        }
        for group in &spec.required_one_of {
            if !group.iter().any(|name| self.has(name)) {
                broken.push(format!("one of the following is required: {}", group.join(", ")));
            }
        }
        for rule in &spec.required_if {
            broken.extend(self.missing_if(rule));
        }
        for (argument, required) in &spec.required_by {
            let given = matches!(self.get(argument), Some(Some(value)) if !value.is_null());
            let missing: Vec<&str> = required
                .iter()
                .filter(|name| matches!(self.get(name), None | Some(Some(Json::Null))))
                .map(String::as_str)
                .collect();
            if given && !missing.is_empty() {
                let missing = missing.join(", ");
                broken.push(format!("missing parameter(s) required by '{argument}': {missing}"));
            }
        }
        for message in broken {
            self.error(None, format!("{message}{place}"));
        }
    }

    fn missing_if(&self, rule: &RequiredIf) -> Option<String> {
        match self.get(&rule.argument) {
            Some(Some(value)) if *value == rule.value => {}
            _ => return None,
        }
        let missing: Vec<&str> =
            rule.required.iter().filter(|name| !self.has(name)).map(String::as_str).collect();
        let broken =
            if rule.any { missing.len() == rule.required.len() } else { !missing.is_empty() };
        broken.then(|| {
            format!(
                "{} is {} but {} of the following are missing: {}",
                rule.argument,
                python::text(&rule.value),
                if rule.any { "any" } else { "all" },
                missing.join(", ")
            )
        })
    }

    fn check_options(&mut self, unsupported: &mut Vec<Unsupported>) {
        for argument in &self.spec.arguments {
            let Some(options) = &argument.options else { continue };
            let Some(Some(value)) = self.get(&argument.name) else { continue };
            let checked = match value.clone() {
                Json::Object(entries) => {
                    Json::Object(self.check_below(argument, options, entries, unsupported))
                }
                Json::Array(items) => items
                    .into_iter()
                    .map(|item| match item {
                        Json::Object(entries) => {
                            Json::Object(self.check_below(argument, options, entries, unsupported))
                        }
                        other => other,
                    })
                    .collect(),
                _ => continue,
            };
            self.set(&argument.name, Some(checked));
        }
    }

    fn check_below(
        &mut self,
        argument: &Argument,
        spec: &ArgumentSpec,
        entries: JsonMap,
        unsupported: &mut Vec<Unsupported>,
    ) -> JsonMap {
        if self.place.len() >= DEPTH_MAX {
            let message = format!("'{}' is nested deeper than {DEPTH_MAX} levels", argument.name);
            self.error(Some(&argument.name), message);
            return entries;
        }
        let place = self.place.iter().chain([&argument.name]).cloned().collect();
        let values = entries.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let mut below = Level { spec, place, values, errors: Vec::new() };
        below.check(unsupported);
        self.errors.extend(below.errors);
        below.values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn texts(values: &[Json]) -> String {
    values.iter().map(python::text).collect::<Vec<_>>().join(", ")
}

/// The names that a spec knows, sorted, with all aliases behind them in parentheses.
fn supported(spec: &ArgumentSpec) -> String {
    let mut names: Vec<&str> = spec.arguments.iter().map(|one| one.name.as_str()).collect();
    let mut aliases: Vec<&str> =
        spec.arguments.iter().flat_map(|one| &one.aliases).map(String::as_str).collect();
    names.sort_unstable();
    aliases.sort_unstable();
    let names = names.join(", ");
    if aliases.is_empty() { names } else { format!("{names} ({})", aliases.join(", ")) }
}

/// YAML turns a plain `yes` into a boolean even where `yes` is one of the choices: the one choice
/// that means the same is what was written.
fn boolean_choice(choices: &[Json], value: &Json) -> Option<Json> {
    let truth_of = match value {
        Json::Bool(value) => *value,
        Json::String(text) if text == "True" => true,
        Json::String(text) if text == "False" => false,
        _ => return None,
    };
    let mut same = choices.iter().filter(|choice| truth(choice) == Some(truth_of));
    match (same.next(), same.next()) {
        (Some(one), None) => Some(one.clone()),
        _ => None,
    }
}

/// Rewrites every path among the arguments, as `~` and `$HOME` ask for; the remote calls it, for
/// it alone knows what they stand for.
pub fn expand_paths(spec: &ArgumentSpec, values: &mut JsonMap, expand: &dyn Fn(&str) -> String) {
    for argument in &spec.arguments {
        let Some(value) = values.get_mut(&argument.name) else { continue };
        match value {
            Json::String(text) if argument.kind == Kind::Path => *text = expand(text),
            Json::Array(items) => {
                for item in items {
                    match (item, &argument.options) {
                        (Json::String(text), _) if argument.elements == Some(Kind::Path) => {
                            *text = expand(text);
                        }
                        (Json::Object(entries), Some(options)) => {
                            expand_paths(options, entries, expand);
                        }
                        _ => {}
                    }
                }
            }
            Json::Object(entries) => {
                if let Some(options) = &argument.options {
                    expand_paths(options, entries, expand);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
