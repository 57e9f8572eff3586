//! Lookups of variables, settings and templates.

use std::sync::Arc;

use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    eval::typing,
    file::{FileOptions, set_option},
    filters::regex,
    managed,
    surroundings::Typing,
    value::{Text, TextKind, Value},
};

pub(super) const LOOKUPS: &[Lookup] = &[
    Lookup { name: "vars", home: "", run: vars },
    Lookup { name: "varnames", home: "", run: varnames },
    Lookup { name: "env", home: "", run: env },
    Lookup { name: "config", home: "", run: config },
    Lookup { name: "template", home: "", run: template },
    Lookup { name: "inventory_hostnames", home: "", run: inventory_hostnames },
];

fn vars(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let default = call.options.take("default");
    let mut values = Vec::new();
    for term in call.defined_terms()? {
        let Value::Str(name) = &term else {
            return Err(TemplateError::of_type(format!(
                "Invalid setting identifier, \"{term}\" is not a string, its a {}",
                term.type_name()
            )));
        };
        values.push(match (call.scope.get(name), &default) {
            (Some(Value::Undefined(undefined)), Some(default)) if undefined.fatal().is_none() => {
                default.clone()
            }
            (Some(value), _) => value.defined()?,
            (None, Some(default)) => default.clone(),
            (None, None) => {
                return Err(TemplateError::new(
                    ErrorKind::Undefined,
                    format!("No variable found with this name: {name}"),
                ));
            }
        });
    }
    Ok(values)
}

fn varnames(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let names = call.scope.names();
    let mut found = Vec::new();
    for term in call.defined_terms()? {
        let Value::Str(term) = &term else {
            return Err(TemplateError::new(
                ErrorKind::Lookup,
                format!(
                    "Invalid setting identifier, \"{term}\" is not a string, its a <class '{}'>",
                    term.type_name()
                ),
            ));
        };
        let pattern = regex::pattern(term, false, false).map_err(|error| {
            let why = error.message();
            let message = format!("Unable to use \"{term}\" as a search parameter: {why}");
            TemplateError::new(ErrorKind::Lookup, message)
        })?;
        for name in &names {
            if pattern.is_match(name).map_err(|error| regex::failure(term, &error))? {
                found.push(Value::from(std::sync::Arc::clone(name)));
            }
        }
    }
    Ok(found)
}

fn env(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let default = call.options.take("default");
    let environment = std::sync::Arc::clone(&call.scope.surroundings().environment);
    call.text_terms()?
        .iter()
        .map(|term| {
            let name = term.split_whitespace().next().unwrap_or("");
            match (environment.get(name), &default) {
                (Some(value), _) => Ok(Value::from(value.as_str())),
                (None, Some(default)) => {
                    // `default=undef()` says that there must be one.
                    match default {
                        Value::Undefined(_) => Err(TemplateError::new(
                            ErrorKind::Undefined,
                            format!("The '{name}' environment variable is not set"),
                        )),
                        default => Ok(default.clone()),
                    }
                }
                (None, None) => Ok(Value::from("")),
            }
        })
        .collect()
}

fn config(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let failure = |message: String| TemplateError::new(ErrorKind::Lookup, message);
    let on_missing = match call.option("on_missing")? {
        None => "error".to_owned(),
        Some(Value::Str(word)) if matches!(&*word, "error" | "warn" | "skip") => word.to_string(),
        Some(other) => {
            return Err(failure(format!(
                "Invalid value \"{other}\" for configuration option \"plugin_type: lookup plugin: \
                 config setting: on_missing \", valid values are: error, warn, skip"
            )));
        }
    };
    let kind = call.text_option("plugin_type")?;
    let name = call.text_option("plugin_name")?;
    let shows_origin = call.bool_option("show_origin", false)?;
    let plugin =
        match (&kind, &name) {
            (Some(kind), Some(name)) => Some(crate::surroundings::OfPlugin { kind, name }),
            (None, None) => None,
            _ => return Err(failure(
                "Both plugin_type and plugin_name are required, cannot use one without the other"
                    .into(),
            )),
        };
    let scope = call.scope;
    let variable = |name: &str| scope.get(name).filter(|value| !value.is_undefined());
    let configuration = std::sync::Arc::clone(&scope.surroundings().settings.config);
    let mut values = Vec::new();
    for term in call.defined_terms()? {
        let Value::Str(term) = &term else {
            return Err(failure(format!(
                "Invalid setting identifier, \"{term}\" is not a string, its a {}",
                term.type_name()
            )));
        };
        if matches!(&**term, "ConfigManager" | "config") {
            return Err(failure(format!("Invalid setting \"{term}\" attempted")));
        }
        match configuration.find(term, plugin, &variable).map_err(failure)? {
            Some(found) if shows_origin => {
                values.push(Value::list([found.value, Value::from(found.origin)]));
            }
            Some(found) => values.push(found.value),
            None if on_missing == "error" => {
                return Err(failure(format!("Unable to find setting {term}")));
            }
            None => {}
        }
    }
    Ok(values)
}

fn inventory_hostnames(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let pattern = call.text_terms()?.join(",");
    let Some(inventory) = &call.scope.surroundings().inventory else {
        return Err(TemplateError::new(ErrorKind::Lookup, "there is no inventory to ask"));
    };
    let hosts = inventory
        .matching(&pattern)
        .map_err(|message| TemplateError::new(ErrorKind::Lookup, message))?;
    Ok(hosts.into_iter().map(Value::from).collect())
}

fn template(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let converts = call.bool_option("convert_data", true)?;
    let extra = call.option("template_vars")?;
    let mut options = FileOptions::new("");
    for name in [
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
        "trim_blocks",
        "lstrip_blocks",
    ] {
        if let Some(value) = call.option(name)? {
            let value = match name {
                "trim_blocks" | "lstrip_blocks" => {
                    Value::Bool(crate::filters::truth::boolean(&value).unwrap_or(value.truthy()))
                }
                _ => value,
            };
            set_option(name, &value, &mut options.syntax, &mut options.newline_sequence)?;
        }
    }
    let is_native = call.bool_option("jinja2_native", false)?;
    let scope = match extra.as_ref().and_then(Value::entries) {
        Some(entries) => call
            .scope
            .push_values(entries.into_iter().map(|(name, value)| (name.to_string(), value))),
        None => call.scope.clone(),
    };
    let surroundings = scope.surroundings();
    let mut texts = Vec::new();
    for term in call.text_terms()? {
        let Some(path) = surroundings.find("templates", &term) else {
            return Err(TemplateError::new(
                ErrorKind::File,
                format!("the template file {term} could not be found for the lookup"),
            ));
        };
        let text = surroundings.read_text(&path)?;
        options.path.clone_from(&path);
        let place = surroundings.absolute(&path);
        let scope = scope.push(Arc::new(managed::variables(&scope, &place, &term, None)));
        let rendered = scope.engine().render_file(&text, &options, &scope)?;
        texts.push(match (surroundings.settings.typing, is_native) {
            (Typing::Literals, true) => typing::literal(Value::from(rendered)),
            // Types are made of texts all over, but not of this one.
            (Typing::Literals, false) => Value::Str(Text::new(rendered, TextKind::Final)),
            _ if converts && options.syntax.is_in(&text) => structured(rendered),
            _ => Value::Str(Text::new(rendered, TextKind::Final)),
        });
    }
    Ok(texts)
}

/// What a file that is a template gives: the newline at its end is no part of what it may read as.
fn structured(rendered: String) -> Value {
    let inner = rendered.strip_suffix('\n').unwrap_or(&rendered);
    match typing::structured(inner.into()) {
        Value::Str(_) => Value::from(rendered),
        other => other,
    }
}
