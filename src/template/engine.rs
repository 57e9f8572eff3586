//! The registry of filters, tests, lookups and functions.

use std::{collections::HashMap, fmt, sync::Arc};

use protocol::Secret;

use crate::{
    brought::{Found, Native, PluginKind, Plugins},
    error::{ErrorKind, Result, TemplateError},
    filters, functions,
    kept::KeptFiles,
    lookups, predicates,
    scope::Scope,
    value::{Arguments, Value},
};

/// Decrypts a vault text. The error is a message for people.
pub type Decrypt = Arc<dyn Fn(&str) -> Result<Secret<String>, String> + Send + Sync>;

/// What a filter, test or function may use besides its arguments.
pub struct Call<'a> {
    /// The scope of the template that calls.
    pub scope: &'a Scope,
    /// The name under which it was called, without a collection.
    pub name: &'a str,
    /// The variable that the value was written as, where it is one: what looks at encrypted texts
    /// wants to know how it was written.
    pub variable: Option<&'a str>,
}

impl Call<'_> {
    /// The encrypted text that the variable was written as.
    pub(crate) fn ciphertext(&self) -> Option<String> {
        match self.scope.tree(self.variable?)? {
            crate::Tree::Secret(secret) => Some(secret.ciphertext().to_owned()),
            _ => None,
        }
    }
}

/// A filter: a name and what it does to a value.
pub struct Filter {
    pub name: &'static str,
    /// The collection it is from; empty for ansible.builtin and Jinja's own.
    pub home: &'static str,
    pub run: fn(&Call<'_>, Value, Arguments) -> Result<Value>,
    pub input: Input,
}

/// What a filter is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It looks at undefined values itself.
    Any,
    /// Whatever is defined.
    Defined,
    /// Texts: of anything else it would make what its Python writes.
    Text,
}

impl Filter {
    /// Runs the filter. The text of one that makes texts to stay is marked as such.
    ///
    /// # Errors
    /// The filter fails.
    pub(crate) fn apply(
        &self,
        call: &Call<'_>,
        value: Value,
        arguments: Arguments,
    ) -> Result<Value> {
        if self.input == Input::Text && !matches!(value, Value::Str(_) | Value::Bytes(_)) {
            return Err(TemplateError::of_type(format!(
                "{} takes a text, not {}",
                self.name,
                value.type_name()
            )));
        }
        let made = (self.run)(call, value, arguments)?;
        let settings = &call.scope.surroundings().settings;
        Ok(match made {
            Value::Str(text) if settings.text_filters.iter().any(|name| name == self.name) => {
                Value::Str(text.finished())
            }
            made => made,
        })
    }
}

/// A test: a name and what it asks of a value.
pub struct Test {
    pub name: &'static str,
    /// The collection it is from; empty for ansible.builtin and Jinja's own.
    pub home: &'static str,
    pub run: fn(&Call<'_>, &Value, Arguments) -> Result<bool>,
    /// Whether it looks at undefined values itself.
    pub takes_undefined: bool,
}

/// A function that every template sees unless a variable has its name.
pub struct Function {
    pub name: &'static str,
    pub run: fn(&Call<'_>, Arguments) -> Result<Value>,
}

/// What a lookup is asked.
pub struct LookupCall<'a> {
    pub scope: &'a Scope,
    pub name: &'static str,
    /// The terms, as they were given.
    pub terms: Vec<Value>,
    /// The options given by keyword; what the lookup does not take out is refused.
    pub options: Arguments,
}

/// A lookup: a name and how it finds a list of values.
pub struct Lookup {
    pub name: &'static str,
    /// The collection it is from; empty for ansible.builtin.
    pub home: &'static str,
    pub run: fn(&mut LookupCall<'_>) -> Result<Vec<Value>>,
}

/// All filters, tests, lookups and functions by name, and how vault texts are decrypted.
pub struct Engine {
    decrypt: Decrypt,
    filters: HashMap<&'static str, &'static Filter>,
    tests: HashMap<&'static str, &'static Test>,
    functions: HashMap<&'static str, &'static Function>,
    lookups: HashMap<&'static str, &'static Lookup>,
    plugins: Option<Arc<dyn Plugins>>,
    files: KeptFiles,
}

impl Engine {
    /// An engine that knows everything of this room, and no vault password.
    pub fn new() -> Self {
        Self::with_decrypt(Arc::new(|_: &str| Err("there is no vault password".into())))
    }

    /// An engine that decrypts vault texts so.
    pub fn with_decrypt(decrypt: Decrypt) -> Self {
        Self {
            decrypt,
            filters: filters::all().map(|filter| (filter.name, filter)).collect(),
            tests: predicates::all().map(|test| (test.name, test)).collect(),
            functions: functions::all().map(|function| (function.name, function)).collect(),
            lookups: lookups::all().map(|lookup| (lookup.name, lookup)).collect(),
            plugins: None,
            files: KeptFiles::default(),
        }
    }

    /// An engine that knows no name at all: for reading literals.
    pub(crate) fn empty() -> Self {
        Self {
            decrypt: Arc::new(|_: &str| Err("there is no vault password".into())),
            filters: HashMap::new(),
            tests: HashMap::new(),
            functions: HashMap::new(),
            lookups: HashMap::new(),
            plugins: None,
            files: KeptFiles::default(),
        }
    }

    /// The engine with what users bring.
    #[must_use]
    pub fn with_plugins(mut self, plugins: Arc<dyn Plugins>) -> Self {
        self.plugins = Some(plugins);
        self
    }

    /// What users bring of a name, where it goes before what is native.
    fn brought<T>(
        &self,
        kind: PluginKind,
        name: &str,
        native: Option<&'static T>,
    ) -> Result<Option<Found<T>>> {
        let is_native = if native.is_some() { Native::There } else { Native::Missing };
        let brought = match &self.plugins {
            Some(plugins) => plugins.find(kind, name, is_native)?,
            None => None,
        };
        Ok(brought.map(Found::Brought).or(native.map(Found::Native)))
    }

    /// Files that were compiled.
    pub(crate) fn files(&self) -> &KeptFiles {
        &self.files
    }

    /// In how many places plugins are looked for.
    pub(crate) fn plugin_places(&self) -> usize {
        self.plugins.as_ref().map_or(0, |plugins| plugins.places())
    }

    /// How vault texts are decrypted.
    pub fn decrypt(&self) -> &Decrypt {
        &self.decrypt
    }

    /// The filter of a name, with or without its collection.
    ///
    /// # Errors
    /// There is none, it is one of Ansible's that Trueup does not do, or a user's cannot be loaded.
    pub fn filter(&self, name: &str) -> Result<Found<Filter>> {
        let native = find(&self.filters, name, |filter| filter.home);
        self.brought(PluginKind::Filter, name, native)?
            .ok_or_else(|| unknown("filter", name, self.filters.keys(), filters::NOT_DONE))
    }

    /// The test of a name, with or without its collection.
    ///
    /// # Errors
    /// There is none, it is one of Ansible's that Trueup does not do, or a user's cannot be loaded.
    pub fn test(&self, name: &str) -> Result<Found<Test>> {
        let native = find(&self.tests, name, |test| test.home);
        self.brought(PluginKind::Test, name, native)?
            .ok_or_else(|| unknown("test", name, self.tests.keys(), predicates::NOT_DONE))
    }

    /// The lookup of a name, with or without its collection.
    ///
    /// # Errors
    /// There is none, it is one of Ansible's that Trueup does not do, or a user's cannot be loaded.
    pub fn lookup(&self, name: &str) -> Result<Found<Lookup>> {
        let native = find(&self.lookups, name, |lookup| lookup.home);
        self.brought(PluginKind::Lookup, name, native)?
            .ok_or_else(|| unknown("lookup", name, self.lookups.keys(), lookups::NOT_DONE))
    }

    /// The function of a name.
    pub fn function(&self, name: &str) -> Option<&'static Function> {
        self.functions.get(name).copied()
    }

    /// Runs a lookup as `lookup(name, terms…)` with `wantlist=True` does, and as `with_NAME` does.
    ///
    /// # Errors
    /// The lookup is not known or fails.
    pub fn run_lookup(&self, name: &str, terms: Vec<Value>, scope: &Scope) -> Result<Vec<Value>> {
        lookups::run(&self.lookup(name)?, terms, Arguments::default(), scope)
    }

    /// Runs a lookup with the positional arguments as terms and the others as options.
    ///
    /// # Errors
    /// The lookup is not known or fails.
    pub fn look_up(&self, name: &str, arguments: Arguments, scope: &Scope) -> Result<Vec<Value>> {
        let options = Arguments { positional: Vec::new(), keyword: arguments.keyword };
        lookups::run(&self.lookup(name)?, arguments.positional, options, scope)
    }

    /// Names of filters, tests, lookups and functions, sorted: for documentation and completion.
    pub fn catalogue(&self) -> Catalogue {
        fn sorted<T>(map: &HashMap<&'static str, T>) -> Vec<&'static str> {
            let mut names: Vec<_> = map.keys().copied().collect();
            names.sort_unstable();
            names
        }
        Catalogue {
            filters: sorted(&self.filters),
            tests: sorted(&self.tests),
            functions: sorted(&self.functions),
            lookups: sorted(&self.lookups),
        }
    }
}

/// Everything an [`Engine`] knows, by name.
#[derive(Clone, Debug)]
pub struct Catalogue {
    pub filters: Vec<&'static str>,
    pub tests: Vec<&'static str>,
    pub functions: Vec<&'static str>,
    pub lookups: Vec<&'static str>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("filters", &self.filters.len()).finish_non_exhaustive()
    }
}

fn find<T>(
    map: &HashMap<&'static str, &'static T>,
    name: &str,
    home: impl Fn(&T) -> &'static str,
) -> Option<&'static T> {
    let Some((collection, short)) = name.rsplit_once('.') else { return map.get(name).copied() };
    let found = map.get(short)?;
    let fits = match home(found) {
        "" => matches!(collection, "ansible.builtin" | "ansible.legacy"),
        // These moved from one collection to the other.
        "ansible.utils" => matches!(collection, "ansible.utils" | "ansible.netcommon"),
        home => home == collection,
    };
    fits.then_some(*found)
}

fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a &'static str>,
    not_done: &[(&str, &str)],
) -> TemplateError {
    let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
    if let Some((_, why)) = not_done.iter().find(|(known, _)| *known == short) {
        return TemplateError::new(
            ErrorKind::Unsupported,
            format!("the {what} '{name}' is not supported: {why}"),
        );
    }
    if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
        return TemplateError::new(
            ErrorKind::UnknownName,
            format!(
                "TemplateSyntaxError: Could not load \"{name}\": 'invalid plugin name: \
                 ansible.builtin.{name}'"
            ),
        );
    }
    let error = TemplateError::new(ErrorKind::UnknownName, format!("there is no {what} '{name}'"));
    let near = source::nearest::nearest(short, known.copied());
    if near.is_empty() {
        error
    } else {
        error.with_hint(format!("did you mean {}?", near.join(" or ")))
    }
}
