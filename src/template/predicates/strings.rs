//! Tests of texts: patterns, versions, paths, addresses of the web.

use std::{cmp::Ordering, path::Path};

use super::test;
use crate::{
    engine::{Call, Test},
    error::{Result, TemplateError},
    filters::regex,
    value::{Arguments, Value},
    version,
};

pub(super) const TESTS: &[Test] = &[
    test("match", |_, value, arguments| matches(value, arguments, Some("match"))),
    test("search", |_, value, arguments| matches(value, arguments, Some("search"))),
    test("regex", |_, value, arguments| matches(value, arguments, None)),
    test("version", version_test),
    test("version_compare", version_test),
    test("file", |call, value, arguments| path(call, value, arguments, Path::is_file)),
    test("is_file", |call, value, arguments| path(call, value, arguments, Path::is_file)),
    test("directory", |call, value, arguments| path(call, value, arguments, Path::is_dir)),
    test("is_dir", |call, value, arguments| path(call, value, arguments, Path::is_dir)),
    test("exists", |call, value, arguments| path(call, value, arguments, Path::exists)),
    test("link", |call, value, arguments| path(call, value, arguments, Path::is_symlink)),
    test("is_link", |call, value, arguments| path(call, value, arguments, Path::is_symlink)),
    test("link_exists", |call, value, arguments| {
        path(call, value, arguments, |path| path.symlink_metadata().is_ok())
    }),
    test("mount", |call, value, arguments| path(call, value, arguments, is_mount)),
    test("is_mount", |call, value, arguments| path(call, value, arguments, is_mount)),
    test("same_file", same_file),
    test("is_same_file", same_file),
    test("abs", |_, value, arguments| {
        arguments.none("abs")?;
        Ok(value.to_string().starts_with('/'))
    }),
    test("is_abs", |_, value, arguments| {
        arguments.none("is_abs")?;
        Ok(value.to_string().starts_with('/'))
    }),
    test("url", |_, value, arguments| uri(value, arguments, true)),
    test("uri", |_, value, arguments| uri(value, arguments, false)),
    test("urn", |_, value, arguments| {
        arguments.none("urn")?;
        Ok(value.as_str().is_some_and(|text| text.to_lowercase().starts_with("urn:")))
    }),
    Test { name: "vault_encrypted", home: "", run: vault_encrypted, takes_undefined: true },
    test("vaulted_file", |call, value, arguments| {
        arguments.none("vaulted_file")?;
        let surroundings = call.scope.surroundings();
        let path = surroundings.absolute(&surroundings.expand_home(&value.to_string()));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes.starts_with(b"$ANSIBLE_VAULT")),
            Err(error) => Err(TemplateError::new(
                crate::ErrorKind::File,
                format!("could not read {}: {error}", path.display()),
            )),
        }
    }),
];

/// Whether a value was written as an encrypted text, whether or not a password fits.
fn vault_encrypted(call: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    arguments.none("vault_encrypted")?;
    match value {
        Value::Str(text) => Ok(text.ciphertext().is_some()),
        // One that no password fits is encrypted all the same.
        Value::Undefined(undefined) => match call.ciphertext() {
            Some(_) => Ok(true),
            None => Err(undefined.error()),
        },
        _ => Ok(false),
    }
}

/// `match`, `search` and `regex`: the last says by an argument which it is.
fn matches(value: &Value, arguments: Arguments, kind: Option<&str>) -> Result<bool> {
    let names = match kind {
        None => ["pattern", "ignorecase", "multiline", "match_type"],
        Some(_) => ["pattern", "ignorecase", "multiline", ""],
    };
    let [pattern, ignore_case, multi_line, match_type] = arguments.bind("match", names, 0)?;
    let flag = |value: Option<Value>| value.is_some_and(|value| value.truthy());
    let pattern = pattern.map_or(String::new(), |pattern| pattern.to_string());
    let kind = match (kind, match_type) {
        (Some(kind), _) => kind.to_owned(),
        (None, Some(kind)) => kind.to_string(),
        (None, None) => "search".to_owned(),
    };
    let compiled = regex::pattern(&pattern, flag(ignore_case), flag(multi_line))?;
    let text = value.to_string();
    let found = match kind.as_str() {
        "search" => compiled.is_match(&text),
        "match" => compiled.match_(&text).map(|found| found.is_some()),
        "fullmatch" => compiled.fullmatch(&text).map(|found| found.is_some()),
        other => {
            return Err(TemplateError::of_value(format!("Invalid match_type specified: {other}")));
        }
    };
    found.map_err(|error| regex::failure(&pattern, &error))
}

fn version_test(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    let [other, operator, strict, kind] =
        arguments.bind("version", ["version", "operator", "strict", "version_type"], 1)?;
    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_none());
    if is_set(&strict) && is_set(&kind) {
        return Err(TemplateError::of_value("Cannot specify both 'strict' and 'version_type'"));
    }
    let scheme = match (strict, kind.filter(|kind| !kind.is_none())) {
        (_, Some(kind)) => match kind.to_string().as_str() {
            "loose" => version::Scheme::Loose,
            "strict" => version::Scheme::Strict,
            "semver" | "semantic" => version::Scheme::Semantic,
            "pep440" => version::Scheme::Pep440,
            other => {
                return Err(TemplateError::of_value(format!(
                    "Invalid version type ({other}). Must be one of loose, strict, semver, \
                     semantic, pep440"
                )));
            }
        },
        (Some(strict), None) if strict.truthy() => version::Scheme::Strict,
        _ => version::Scheme::Loose,
    };
    let (mine, other) = (value.to_string(), other.unwrap_or_default().to_string());
    if mine.is_empty() {
        return Err(TemplateError::of_value("Input version value cannot be empty"));
    }
    if other.is_empty() {
        return Err(TemplateError::of_value(
            "Version parameter to compare against cannot be empty",
        ));
    }
    let order = version::compare(&mine, &other, scheme)?;
    let operator = operator.map_or("eq".to_owned(), |operator| operator.to_string());
    Ok(match operator.as_str() {
        "==" | "=" | "eq" => order == Ordering::Equal,
        "<" | "lt" => order == Ordering::Less,
        "<=" | "le" => order != Ordering::Greater,
        ">" | "gt" => order == Ordering::Greater,
        ">=" | "ge" => order != Ordering::Less,
        "!=" | "<>" | "ne" => order != Ordering::Equal,
        other => {
            return Err(TemplateError::of_value(format!(
                "Invalid operator type ({other}). Must be one of ==, =, eq, <, lt, <=, le, >, gt, \
                 >=, ge, !=, <>, ne"
            )));
        }
    })
}

fn path(
    call: &Call<'_>,
    value: &Value,
    arguments: Arguments,
    ask: fn(&Path) -> bool,
) -> Result<bool> {
    arguments.none(call.name)?;
    if !matches!(value, Value::Str(_) | Value::Bytes(_) | Value::Int(_) | Value::Bool(_)) {
        return Err(TemplateError::of_type(format!(
            "{}: path should be string, bytes, os.PathLike or integer, not {}",
            call.name,
            value.type_name()
        )));
    }
    let text = value.to_string();
    // Nothing is there under no name.
    Ok(!text.is_empty() && ask(&call.scope.surroundings().absolute(Path::new(&text))))
}

/// Whether a folder is the root of a file system.
fn is_mount(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    if path.is_symlink() {
        return false;
    }
    let (Ok(own), Ok(above)) = (path.metadata(), path.join("..").metadata()) else {
        return false;
    };
    own.dev() != above.dev() || own.ino() == above.ino()
}

fn same_file(call: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let [other] = arguments.bind("same_file", ["b"], 1)?;
    let surroundings = call.scope.surroundings();
    let look = |name: String| {
        let path = surroundings.absolute(Path::new(&name));
        path.metadata().map(|data| (data.dev(), data.ino())).map_err(|error| {
            TemplateError::new(
                crate::ErrorKind::File,
                format!("could not look at {}: {error}", path.display()),
            )
        })
    };
    Ok(look(value.to_string())? == look(other.unwrap_or_default().to_string())?)
}

/// A text as an address: its scheme, whether a host stands after `//`, and whether anything is
/// left. Anything may be an address without a scheme.
fn uri(value: &Value, arguments: Arguments, needs_host: bool) -> Result<bool> {
    let [schemes] = arguments.bind("uri", ["schemes"], 0)?;
    let text = match value {
        Value::Str(text) => &**text,
        // Nothing is a URI of nothing.
        Value::None => "",
        _ => return Ok(false),
    };
    let (scheme, rest) = split_scheme(text);
    let host = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if host.is_some_and(|host| host.contains('[') != host.contains(']')) {
        return Ok(false);
    }
    if let Some(schemes) = schemes.filter(|schemes| !schemes.is_none()) {
        let known = schemes.elements()?;
        if !known.iter().any(|known| known.as_str() == Some(&scheme)) {
            return Ok(false);
        }
    }
    let has_host = host.is_some_and(|host| !host.is_empty());
    Ok(!needs_host || has_host || scheme == "file")
}

/// The scheme in small letters, which may be empty, and what follows it.
fn split_scheme(text: &str) -> (String, &str) {
    if let Some((scheme, rest)) = text.split_once(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return (scheme.to_lowercase(), rest);
    }
    (String::new(), text)
}
