//! `lookup('password')`: random passwords that are kept in files.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    filters::{password, random::Source},
    value::Value,
};

pub(super) const LOOKUPS: &[Lookup] = &[Lookup { name: "password", home: "", run }];

/// The longest password, in characters.
const LENGTH_MAX: usize = 4096;

/// What a password is made of.
struct Wanted {
    path: String,
    length: usize,
    chars: Vec<String>,
    encrypt: Option<String>,
    ident: Option<String>,
    seed: Option<Value>,
}

fn run(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut options = Vec::new();
    for name in ["length", "encrypt", "chars", "ident", "seed"] {
        if let Some(value) = call.option(name)? {
            options.push((name.to_owned(), value));
        }
    }
    let terms = call.text_terms()?;
    terms
        .iter()
        .map(|term| {
            let wanted = parse(term, &options)?;
            one(call, &wanted).map(Value::from)
        })
        .collect()
}

/// `path length=20 chars=ascii_letters,digits encrypt=sha512_crypt`
fn parse(term: &str, options: &[(String, Value)]) -> Result<Wanted> {
    let mut words: Vec<&str> = term.split(' ').collect();
    let mut pairs = options.to_vec();
    let mut tail = Vec::new();
    while let Some(word) = words.last() {
        match word.split_once('=') {
            Some((key, value)) if words.len() > 1 && !key.is_empty() => {
                tail.push((key.to_owned(), Value::from(value)));
                words.pop();
            }
            _ => break,
        }
    }
    tail.reverse();
    pairs.extend(tail);
    let mut wanted = Wanted {
        path: words.join(" "),
        length: 20,
        chars: vec!["ascii_letters".into(), "digits".into(), ".,:-_".into()],
        encrypt: None,
        ident: None,
        seed: None,
    };
    for (key, value) in pairs {
        match key.as_str() {
            "length" => {
                wanted.length = value
                    .to_string()
                    .parse()
                    .ok()
                    .filter(|length| *length <= LENGTH_MAX)
                    .ok_or_else(|| {
                        TemplateError::of_value(format!("the length '{value}' is no number"))
                    })?;
            }
            "encrypt" => {
                let name = value.to_string();
                wanted.encrypt = match name.as_str() {
                    "True" | "true" => Some("sha512_crypt".into()),
                    "False" | "false" | "" | "None" => None,
                    _ => Some(name),
                };
            }
            "ident" => wanted.ident = Some(value.to_string()),
            "seed" => wanted.seed = Some(value),
            "chars" => wanted.chars = character_sets(&value)?,
            other => {
                return Err(TemplateError::of_value(format!(
                    "Unrecognized parameter(s) given to password lookup: {other}"
                )));
            }
        }
    }
    Ok(wanted)
}

/// Names of sets or characters, with commas; two commas are one that counts.
fn character_sets(value: &Value) -> Result<Vec<String>> {
    if value.is_sequence() {
        return value.elements()?.into_iter().map(|item| Ok(item.defined()?.to_string())).collect();
    }
    let text = value.to_string();
    let mut sets = Vec::new();
    if text.contains(",,") {
        sets.push(",".to_owned());
    }
    sets.extend(
        text.replace(",,", ",").split(',').filter(|set| !set.is_empty()).map(ToOwned::to_owned),
    );
    Ok(sets)
}

/// The characters of Python's module `string` by name, or the text itself.
fn characters(set: &str) -> String {
    let lower = "abcdefghijklmnopqrstuvwxyz";
    let upper = lower.to_uppercase();
    let punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    match set {
        "ascii_letters" => format!("{lower}{upper}"),
        "ascii_lowercase" => lower.into(),
        "ascii_uppercase" => upper,
        "digits" => "0123456789".into(),
        "hexdigits" => "0123456789abcdefABCDEF".into(),
        "octdigits" => "01234567".into(),
        "punctuation" => punctuation.into(),
        "whitespace" => " \t\n\r\u{b}\u{c}".into(),
        "printable" => format!("0123456789{lower}{upper}{punctuation} \t\n\r\u{b}\u{c}"),
        other => other.replace(['"', '\''], ""),
    }
}

fn random_password(wanted: &Wanted) -> Result<String> {
    let all: Vec<char> =
        wanted.chars.iter().flat_map(|set| characters(set).chars().collect::<Vec<_>>()).collect();
    if all.is_empty() {
        return Err(TemplateError::of_value("no characters to choose a password from"));
    }
    let mut source = Source::of(wanted.seed.as_ref())?;
    (0..wanted.length)
        .map(|_| {
            let at = source.below(all.len() as u64)? as usize;
            Ok(all.get(at).copied().unwrap_or('x'))
        })
        .collect()
}

fn one(call: &LookupCall<'_>, wanted: &Wanted) -> Result<String> {
    let surroundings = call.scope.surroundings();
    if wanted.path == "/dev/null" {
        let plain = random_password(wanted)?;
        return finished(wanted, plain, None).map(|(text, _)| text);
    }
    let named = surroundings.expand_home(&wanted.path);
    let path = if named.is_absolute() { named } else { surroundings.playbook_folder.join(named) };
    let known = match fs::read_to_string(&path) {
        Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failure(&path, &error)),
    };
    let (plain, salt, ident) = match &known {
        Some(text) => split(text),
        None => (random_password(wanted)?, None, None),
    };
    let with_ident = Wanted {
        path: wanted.path.clone(),
        length: wanted.length,
        chars: wanted.chars.clone(),
        encrypt: wanted.encrypt.clone(),
        ident: wanted.ident.clone().or(ident),
        seed: wanted.seed.clone(),
    };
    let (text, used_salt) = finished(&with_ident, plain.clone(), salt.clone())?;
    let must_write = known.is_none() || (used_salt.is_some() && salt.is_none());
    if must_write {
        let mut content = plain;
        if let Some(salt) = &used_salt {
            content.push_str(&format!(" salt={salt}"));
            if let Some(ident) = &with_ident.ident {
                content.push_str(&format!(" ident={ident}"));
            }
        }
        write(&path, &format!("{content}\n"))?;
    }
    Ok(text)
}

/// Password, salt and ident as they are kept in the file.
fn split(text: &str) -> (String, Option<String>, Option<String>) {
    let (text, ident) = match text.rsplit_once(" ident=") {
        Some((text, ident)) => (text, Some(ident.to_owned())),
        None => (text, None),
    };
    match text.rsplit_once(" salt=") {
        Some((plain, salt)) => (plain.to_owned(), Some(salt.to_owned()), ident),
        None => (text.to_owned(), None, ident),
    }
}

/// What the lookup gives: the password, or its hash and the salt of it.
fn finished(
    wanted: &Wanted,
    plain: String,
    salt: Option<String>,
) -> Result<(String, Option<String>)> {
    let Some(algorithm) = &wanted.encrypt else { return Ok((plain, None)) };
    let salt = match salt {
        Some(salt) => salt,
        None => password::random_salt(algorithm)?,
    };
    let hash = password::hashed(&plain, algorithm, Some(&salt), None, wanted.ident.as_deref())?;
    Ok((hash, Some(salt)))
}

fn failure(path: &Path, error: &std::io::Error) -> TemplateError {
    TemplateError::new(
        ErrorKind::File,
        format!("the password file {} cannot be used: {error}", path.display()),
    )
}

/// Writes the file so that another process sees all of it or nothing.
fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failure(path, &error))?;
    let temporary = folder.join(format!(
        ".{}.{}",
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        std::process::id()
    ));
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| failure(path, &error))
}
