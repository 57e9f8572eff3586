//! Filters over paths and addresses of the web.

use std::path::Path;

use super::{filter, of_text};
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    value::{Arguments, Value},
};

pub(super) const FILTERS: &[Filter] = &[
    of_text("basename", basename),
    of_text("dirname", dirname),
    of_text("expanduser", expanduser),
    of_text("expandvars", expandvars),
    of_text("realpath", realpath),
    of_text("relpath", relpath),
    of_text("normpath", normpath_filter),
    filter("path_join", path_join),
    filter("commonpath", commonpath),
    of_text("splitext", splitext),
    of_text("fileglob", fileglob),
    filter("quote", quote),
    of_text("urlsplit", urlsplit),
    of_text("urldecode", urldecode),
];

/// Folder and name of a path, as Python's `os.path.split`.
fn split(path: &str) -> (&str, &str) {
    let (head, tail) = match path.rfind('/') {
        Some(at) => path.split_at(at + 1),
        None => ("", path),
    };
    let trimmed = head.trim_end_matches('/');
    (if trimmed.is_empty() { head } else { trimmed }, tail)
}

fn basename(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("basename")?;
    Ok(Value::from(split(&value.to_string()).1))
}

fn dirname(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("dirname")?;
    Ok(Value::from(split(&value.to_string()).0))
}

fn expanduser(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("expanduser")?;
    let path = call.scope.surroundings().expand_home(&value.to_string());
    Ok(Value::from(path.to_string_lossy().into_owned()))
}

fn expandvars(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("expandvars")?;
    let environment = &call.scope.surroundings().environment;
    let text = value.to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or(""));
        let after = rest.get(at + 1..).unwrap_or("");
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.find('}')) {
            Some(end) => (after.get(1..=end).unwrap_or(""), end + 2),
            None => {
                let end = after
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                (after.get(..end).unwrap_or(""), end)
            }
        };
        match environment.get(name) {
            Some(found) if !name.is_empty() => out.push_str(found),
            _ => {
                out.push('$');
                out.push_str(after.get(..length).unwrap_or(""));
            }
        }
        rest = after.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    Ok(Value::from(out))
}

/// Python's `os.path.normpath`.
pub(crate) fn normpath(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    // Two slashes at the start, and only two, mean something of their own.
    let slashes = match path.len() - path.trim_start_matches('/').len() {
        0 => 0,
        2 => 2,
        _ => 1,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                None if slashes > 0 => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let normal = format!("{}{}", "/".repeat(slashes), parts.join("/"));
    if normal.is_empty() { ".".into() } else { normal }
}

fn normpath_filter(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("normpath")?;
    Ok(Value::from(normpath(&value.to_string())))
}

fn absolute(call: &Call<'_>, path: &str) -> String {
    let folder = &call.scope.surroundings().current_folder;
    normpath(&folder.join(path).to_string_lossy())
}

fn realpath(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("realpath")?;
    let path = absolute(call, &value.to_string());
    // What exists is resolved; what does not is kept as it is.
    let mut existing = Path::new(&path);
    let mut missing = Vec::new();
    loop {
        if let Ok(real) = existing.canonicalize() {
            let mut full = real;
            full.extend(missing.iter().rev());
            return Ok(Value::from(full.to_string_lossy().into_owned()));
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                existing = parent;
            }
            _ => return Ok(Value::from(path.as_str())),
        }
    }
}

fn relpath(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [start] = arguments.bind("relpath", ["start"], 0)?;
    let path = absolute(call, &value.to_string());
    let start = absolute(call, &start.map_or(String::new(), |start| start.to_string()));
    let split = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
    };
    let (path, start) = (split(&path), split(&start));
    let common = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let mut parts: Vec<&str> = vec![".."; start.len() - common];
    parts.extend(path.iter().skip(common).map(String::as_str));
    Ok(Value::from(if parts.is_empty() { ".".to_owned() } else { parts.join("/") }))
}

fn path_join(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("path_join")?;
    let parts = match &value {
        Value::Str(text) => vec![text.to_string()],
        other if other.is_sequence() => other.elements()?.iter().map(ToString::to_string).collect(),
        other => {
            return Err(TemplateError::of_type(format!(
                "|path_join expects string or sequence, got {} instead.",
                other.type_name()
            )));
        }
    };
    let mut path = String::new();
    for part in parts {
        if part.starts_with('/') {
            path = part;
        } else {
            if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
        }
    }
    Ok(Value::from(path))
}

fn commonpath(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("commonpath")?;
    let paths: Vec<String> = value.elements()?.iter().map(ToString::to_string).collect();
    let Some(first) = paths.first() else {
        return Err(TemplateError::of_value("commonpath() arg is an empty sequence"));
    };
    let is_absolute = first.starts_with('/');
    if paths.iter().any(|path| path.starts_with('/') != is_absolute) {
        return Err(TemplateError::of_value("Can't mix absolute and relative paths"));
    }
    let split = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(ToOwned::to_owned)
            .collect()
    };
    let mut common = split(first);
    for path in &paths {
        let parts = split(path);
        let length = common.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        common.truncate(length);
    }
    Ok(Value::from(format!("{}{}", if is_absolute { "/" } else { "" }, common.join("/"))))
}

fn splitext(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("splitext")?;
    let path = value.to_string();
    let name_start = path.rfind('/').map_or(0, |at| at + 1);
    let name = path.get(name_start..).unwrap_or("");
    let dots = name.len() - name.trim_start_matches('.').len();
    let at = match name.rfind('.') {
        Some(dot) if dot >= dots && dot > 0 => name_start + dot,
        _ => path.len(),
    };
    let (root, extension) = path.split_at(at);
    Ok(Value::tuple([Value::from(root), Value::from(extension)]))
}

fn fileglob(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("fileglob")?;
    let pattern = absolute(call, &value.to_string());
    let found = crate::lookups::glob(&pattern);
    Ok(Value::list(found.into_iter().filter(|path| Path::new(path).is_file()).map(Value::from)))
}

/// A text as one word of a POSIX shell, as Python's `shlex.quote`.
pub(crate) fn shell_quoted(text: &str) -> String {
    let is_safe = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '@' | '%' | '+' | '=' | ':' | ',' | '.' | '/' | '-' | '_')
    };
    if !text.is_empty() && text.chars().all(is_safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

fn quote(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("quote")?;
    let text = if value.is_none() { String::new() } else { value.to_string() };
    Ok(Value::from(shell_quoted(&text)))
}

fn urldecode(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("urldecode")?;
    let text = value.to_string().replace('+', " ");
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(Value::from(String::from_utf8_lossy(&out).into_owned()))
}

fn urlsplit(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [query] = arguments.bind("urlsplit", ["query"], 0)?;
    let url = value.to_string();
    let (rest, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let (rest, question) = rest.split_once('?').unwrap_or((rest, ""));
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_lowercase(), rest),
        _ => (String::new(), rest),
    };
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = match netloc.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, netloc),
    };
    let (username, password) = match user.map(|user| user.split_once(':').unwrap_or((user, "\0"))) {
        Some((name, "\0")) => (Value::from(name), Value::None),
        Some((name, password)) => (Value::from(name), Value::from(password)),
        None => (Value::None, Value::None),
    };
    let (name, port) = match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':').unwrap_or("")),
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let port = match port {
        "" => Value::None,
        port => match port.parse::<u16>() {
            Ok(port) => Value::from(port),
            Err(_) => {
                return Err(TemplateError::of_value(format!(
                    "Port could not be cast to integer value as '{port}'"
                )));
            }
        },
    };
    let hostname = if name.is_empty() { Value::None } else { Value::from(name.to_lowercase()) };
    let parts = [
        ("fragment", Value::from(fragment)),
        ("hostname", hostname),
        ("netloc", Value::from(netloc)),
        ("password", password),
        ("path", Value::from(path)),
        ("port", port),
        ("query", Value::from(question)),
        ("scheme", Value::from(scheme)),
        ("username", username),
    ];
    match query.map(|query| query.to_string()).filter(|query| !query.is_empty()) {
        None => Ok(Value::dict(parts)),
        Some(wanted) => {
            parts.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value).ok_or_else(
                || TemplateError::of_value(format!("urlsplit: unknown URL component: {wanted}")),
            )
        }
    }
}
