//! Lookups: values from outside of the inventory.

mod csv;
mod files;
mod ini;
mod inline;
mod lists;
mod password;
mod programs;
mod subelements;
mod variables;
mod web;

pub(crate) use files::glob;

use crate::{
    brought::Found,
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    scope::Scope,
    value::{Arguments, Text, TextKind, Value},
};

/// Lookups of the field that are not done, and why.
pub(crate) const NOT_DONE: &[(&str, &str)] = &[
    ("dig", "name servers are not asked from templates"),
    ("passwordstore", "the program pass is not driven"),
    ("collection_version", "collections are not installed"),
    ("hashi_vault", "the service is not spoken to"),
    ("aws_secret", "the service is not spoken to"),
    ("aws_ssm", "the service is not spoken to"),
    ("redis", "the service is not spoken to"),
    ("etcd", "the service is not spoken to"),
    ("keyring", "the keyring is not asked"),
    ("onepassword", "the service is not spoken to"),
    ("bitwarden", "the service is not spoken to"),
];

/// All lookups.
pub(crate) fn all() -> impl Iterator<Item = &'static Lookup> {
    [
        csv::LOOKUPS,
        files::LOOKUPS,
        ini::LOOKUPS,
        lists::LOOKUPS,
        password::LOOKUPS,
        programs::LOOKUPS,
        variables::LOOKUPS,
        web::LOOKUPS,
    ]
    .into_iter()
    .flatten()
}

/// Runs a lookup for `lookup()` or, with `wants_list`, for `query()`.
///
/// # Errors
/// The lookup fails and `errors=` does not say otherwise.
pub(crate) fn call(
    lookup: &Found<Lookup>,
    wants_list: bool,
    mut arguments: Arguments,
    scope: &Scope,
) -> Result<Value> {
    let wants_list = match arguments.take("wantlist") {
        Some(value) => value.defined()?.truthy(),
        None => wants_list,
    };
    let on_error = arguments.take("errors");
    let terms = std::mem::take(&mut arguments.positional);
    match run(lookup, terms, arguments, scope) {
        Ok(values) if wants_list => Ok(Value::list(values)),
        Ok(mut values) if values.len() == 1 => Ok(values.remove(0)),
        // What lookups return is joined, unless it is no text.
        Ok(values)
            if !values.is_empty() && values.iter().all(|value| matches!(value, Value::Str(_))) =>
        {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            let kind = match values.first() {
                Some(Value::Str(first)) => first.kind(),
                _ => TextKind::Untrusted,
            };
            Ok(Value::Str(Text::new(texts.join(","), kind)))
        }
        Ok(values) => Ok(Value::list(values)),
        Err(error) => match on_error.as_ref().and_then(Value::as_str) {
            Some(how @ ("ignore" | "warn")) if !error.is_undefined() => {
                if let Some(warn) = scope.surroundings().warn.as_ref().filter(|_| how == "warn") {
                    let why = error.message();
                    warn(&format!("Lookup failed but the error is being ignored: {why}"));
                }
                Ok(if wants_list { Value::empty_list() } else { Value::None })
            }
            _ => Err(match error.kind() {
                ErrorKind::Undefined | ErrorKind::Unsupported => error,
                _ => TemplateError::new(
                    ErrorKind::Lookup,
                    format!("the lookup '{}' failed: {}", lookup.name(), error.message()),
                )
                .because(error),
            }),
        },
    }
}

/// Runs a lookup. Options that it does not have are passed over, as Ansible does.
///
/// # Errors
/// The lookup fails; the message is the lookup's own, as loops show it.
pub(crate) fn run(
    lookup: &Found<Lookup>,
    terms: Vec<Value>,
    options: Arguments,
    scope: &Scope,
) -> Result<Vec<Value>> {
    let found = lookup.values(terms, options, scope)?;
    Ok(found.into_iter().map(Value::untrusted).collect())
}

impl LookupCall<'_> {
    /// Takes an option out; undefined counts as not given.
    ///
    /// # Errors
    /// Its value is undefined.
    pub(crate) fn option(&mut self, name: &str) -> Result<Option<Value>> {
        match self.options.take(name) {
            None | Some(Value::None) => Ok(None),
            Some(value) => value.defined().map(Some),
        }
    }

    /// Takes out an option that is a text.
    pub(crate) fn text_option(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.option(name)?.map(|value| value.to_string()))
    }

    /// Takes out an option that is a boolean; `yes` and `no` count.
    pub(crate) fn bool_option(&mut self, name: &str, default: bool) -> Result<bool> {
        match self.option(name)? {
            None => Ok(default),
            Some(value) => {
                Ok(crate::filters::truth::boolean(&value).unwrap_or_else(|| value.truthy()))
            }
        }
    }

    /// The terms, none of which may be undefined.
    pub(crate) fn defined_terms(&mut self) -> Result<Vec<Value>> {
        std::mem::take(&mut self.terms).into_iter().map(Value::defined).collect()
    }

    /// The terms as texts, lists among them flattened.
    pub(crate) fn text_terms(&mut self) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for term in self.defined_terms()? {
            if term.is_sequence() {
                for item in term.elements()? {
                    texts.push(item.defined()?.to_string());
                }
            } else {
                texts.push(term.to_string());
            }
        }
        Ok(texts)
    }
}
