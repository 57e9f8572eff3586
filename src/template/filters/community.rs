//! Filters of community.general, and `unvault`.

use super::{filter, of, random::Source};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    functions::update,
    value::{Arguments, Dict, Value},
    version,
};

const HOME: &str = "community.general";

pub(super) const FILTERS: &[Filter] = &[
    of(HOME, "json_query", json_query),
    of(HOME, "dict", dict),
    of(HOME, "keep_keys", |call, value, arguments| sift_keys(call, value, arguments, true)),
    of(HOME, "remove_keys", |call, value, arguments| sift_keys(call, value, arguments, false)),
    of(HOME, "version_sort", version_sort),
    of(HOME, "random_mac", random_mac),
    of(HOME, "counter", counter),
    of(HOME, "groupby_as_dict", groupby_as_dict),
    of(HOME, "dict_kv", dict_kv),
    filter("unvault", unvault),
];

fn json_query(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [expression] = arguments.bind("json_query", ["expr"], 1)?;
    let expression = expression.unwrap_or_default().to_string();
    let wrong = |error: jmespath::JmespathError| {
        TemplateError::of_value(format!("JMESPathError in json_query filter plugin: {error}"))
    };
    let compiled = jmespath::compile(&expression).map_err(wrong)?;
    let json = value.to_json()?;
    let variable = jmespath::Variable::from_serializable(&json).map_err(wrong)?;
    let found = compiled.search(variable).map_err(wrong)?;
    let json = serde_json::to_value(&*found)
        .map_err(|error| TemplateError::of_value(error.to_string()))?;
    Ok(Value::from_json(&json))
}

fn dict(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("dict")?;
    let made = Dict::default();
    update(&made, &Value::list(value.elements()?))?;
    Ok(Value::Dict(made))
}

fn sift_keys(call: &Call<'_>, value: Value, arguments: Arguments, keeps: bool) -> Result<Value> {
    let [target, kind] = arguments.bind(call.name, ["target", "matching_parameter"], 1)?;
    let targets: Vec<String> = match target.unwrap_or_default() {
        Value::Str(text) => vec![text.to_string()],
        other => other.elements()?.iter().map(ToString::to_string).collect(),
    };
    let kind = kind.map_or("equal".to_owned(), |kind| kind.to_string());
    let pattern = match (kind.as_str(), targets.first()) {
        ("regex", Some(regex)) => Some(super::regex::pattern(regex, false, false)?),
        _ => None,
    };
    let fits = |key: &str| -> Result<bool> {
        Ok(match kind.as_str() {
            "equal" => targets.iter().any(|target| target == key),
            "starts_with" => targets.iter().any(|target| key.starts_with(target)),
            "ends_with" => targets.iter().any(|target| key.ends_with(target)),
            "regex" => match &pattern {
                Some(pattern) => {
                    pattern.is_match(key).map_err(|error| super::regex::failure("", &error))?
                }
                None => false,
            },
            other => {
                return Err(TemplateError::of_value(format!(
                    "{}: there is no matching_parameter '{other}'",
                    call.name
                )));
            }
        })
    };
    let mut items = Vec::new();
    for item in value.elements()? {
        let kept = Dict::default();
        for (key, value) in item.entries().ok_or_else(|| {
            TemplateError::of_type(format!("{} takes a list of dictionaries", call.name))
        })? {
            if fits(&key.to_string())? == keeps {
                kept.insert(key, value);
            }
        }
        items.push(Value::Dict(kept));
    }
    Ok(Value::list(items))
}

fn version_sort(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [reverse] = arguments.bind("version_sort", ["reverse"], 0)?;
    let mut items = value.elements()?;
    items.sort_by(|a, b| version::loosely(&a.to_string(), &b.to_string()));
    if reverse.is_some_and(|reverse| reverse.truthy()) {
        items.reverse();
    }
    Ok(Value::list(items))
}

fn random_mac(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [seed] = arguments.bind("random_mac", ["seed"], 0)?;
    let prefix = value.to_string().to_lowercase();
    let parts: Vec<&str> = prefix.split(':').collect();
    let is_octet = |part: &str| u8::from_str_radix(part, 16).is_ok() && part.len() <= 2;
    if parts.len() > 5 || !parts.iter().all(|part| is_octet(part)) {
        return Err(TemplateError::of_value(format!(
            "Invalid value ({value}) for random_mac: not hexadecimal bytes"
        )));
    }
    let mut octets: Vec<String> = parts
        .iter()
        .map(|part| format!("{:02x}", u8::from_str_radix(part, 16).unwrap_or(0)))
        .collect();
    let missing = 6 - octets.len();
    let mut source = Source::of(seed.as_ref())?;
    // Ten digits are drawn, whatever is missing, and the first of them are taken.
    const LOW: u64 = 0x10_0000_0000;
    const HIGH: u64 = 0xff_ffff_ffff;
    let drawn = format!("{:x}", LOW + source.below(HIGH - LOW + 1)?);
    let digits = drawn.get(..missing * 2).unwrap_or(&drawn);
    octets
        .extend(digits.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()));
    Ok(Value::from(octets.join(":")))
}

fn counter(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("counter")?;
    let counts = Dict::default();
    for item in value.elements()? {
        if !item.is_hashable() {
            return Err(TemplateError::of_type(format!(
                "community.general.counter needs to be applied to hashable elements, not {}",
                item.type_name()
            )));
        }
        let known = counts.get_value(&item).and_then(|count| count.as_int()).unwrap_or(0);
        counts.insert(item, Value::Int(known + 1));
    }
    Ok(Value::Dict(counts))
}

fn groupby_as_dict(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [attribute] = arguments.bind("groupby_as_dict", ["attribute"], 1)?;
    let attribute = attribute.unwrap_or_default().to_string();
    let made = Dict::default();
    for item in value.elements()? {
        let Some(key) = item.get(&attribute) else {
            return Err(TemplateError::of_value(format!(
                "attribute '{attribute}' not contained in {}",
                item.repr()
            )));
        };
        if made.contains(&key) {
            return Err(TemplateError::of_value(format!(
                "multiple sequence entries with attribute value {}",
                key.repr()
            )));
        }
        made.insert(key, item);
    }
    Ok(Value::Dict(made))
}

fn dict_kv(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [key] = arguments.bind("dict_kv", ["key"], 1)?;
    Ok(Value::dict([(key.unwrap_or_default(), value)]))
}

fn unvault(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [secret, id, _tag] = arguments.bind("unvault", ["secret", "vaultid", "vault_tag"], 0)?;
    if secret.is_some() || id.is_some() {
        return Err(TemplateError::new(
            ErrorKind::Unsupported,
            "unvault with a secret of its own is not supported: give the password to the run",
        ));
    }
    let text = value.to_string();
    if !text.starts_with("$ANSIBLE_VAULT;") {
        return Ok(value);
    }
    (call.scope.engine().decrypt())(&text)
        .map(|secret| Value::from(secret.reveal().as_str()))
        .map_err(|message| TemplateError::new(ErrorKind::Decrypt, message))
}
