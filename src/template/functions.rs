//! Functions that every template sees: `range`, `lookup`, `namespace` and their kin.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use indexmap::IndexMap;

use crate::{
    engine::{Call, Function},
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    lookups,
    scope::Scope,
    value::{Arguments, Dict, Object, Value},
};

/// The longest list that `range` makes.
const RANGE_MAX: i64 = 10_000_000;

const FUNCTIONS: &[Function] = &[
    Function { name: "range", run: range },
    Function { name: "dict", run: dict },
    Function { name: "namespace", run: namespace },
    Function { name: "cycler", run: cycler },
    Function { name: "joiner", run: joiner },
    Function { name: "lipsum", run: lipsum },
    Function { name: "lookup", run: lookup },
    Function { name: "query", run: query },
    Function { name: "q", run: query },
    Function { name: "undef", run: undef },
    Function { name: "now", run: now },
];

/// All functions.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter()
}

/// A function as a value.
pub(crate) fn as_object(function: &'static Function) -> Arc<dyn Object> {
    Arc::new(FunctionObject(function))
}

struct FunctionObject(&'static Function);

impl fmt::Debug for FunctionObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.0.name)
    }
}

impl Object for FunctionObject {
    fn type_name(&self) -> &str {
        "function"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }

    fn call(&self, arguments: Arguments, scope: &Scope) -> Result<Value> {
        (self.0.run)(&Call { scope, name: self.0.name, variable: None }, arguments)
    }
}

fn range(_: &Call<'_>, arguments: Arguments) -> Result<Value> {
    arguments.all_defined()?;
    let [first, second, step] = arguments.bind("range", ["start", "stop", "step"], 1)?;
    let number = |value: Option<Value>, default: i64| match value {
        Some(value) => match value.as_int() {
            Some(number) => Ok(number),
            None => Err(TemplateError::of_type(format!(
                "'{}' object cannot be interpreted as an integer",
                value.type_name()
            ))),
        },
        None => Ok(default),
    };
    let (start, stop) = match second {
        Some(stop) => (number(first, 0)?, number(Some(stop), 0)?),
        None => (0, number(first, 0)?),
    };
    let step = number(step, 1)?;
    if step == 0 {
        return Err(TemplateError::of_value("range() arg 3 must not be zero"));
    }
    let span = i128::from(stop) - i128::from(start);
    if span / i128::from(step) > i128::from(RANGE_MAX) {
        return Err(TemplateError::new(ErrorKind::Limit, "range() is too long"));
    }
    let mut items = Vec::new();
    let mut at = start;
    while if step > 0 { at < stop } else { at > stop } {
        items.push(Value::Int(at));
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(Value::list(items))
}

fn dict(_: &Call<'_>, arguments: Arguments) -> Result<Value> {
    let made = Dict::default();
    if arguments.positional.len() > 1 {
        return Err(TemplateError::of_type(format!(
            "dict expected at most 1 argument, got {}",
            arguments.positional.len()
        )));
    }
    if let Some(value) = arguments.positional.into_iter().next() {
        update(&made, &value.defined()?)?;
    }
    for (name, value) in arguments.keyword {
        made.insert(name, value);
    }
    Ok(Value::Dict(made))
}

/// Sets the keys of a dict from a mapping or from pairs, as `dict.update` does.
pub(crate) fn update(dict: &Dict, from: &Value) -> Result<()> {
    if let Some(entries) = from.entries() {
        for (key, value) in entries {
            dict.insert(key, value);
        }
        return Ok(());
    }
    for (at, pair) in from.elements()?.into_iter().enumerate() {
        let items = pair.elements().map_err(|_| {
            TemplateError::of_type(format!(
                "cannot convert dictionary update sequence element #{at} to a sequence"
            ))
        })?;
        let [key, value] = items.as_slice() else {
            return Err(TemplateError::of_value(format!(
                "dictionary update sequence element #{at} has length {}; 2 is required",
                items.len()
            )));
        };
        if !key.is_hashable() {
            return Err(TemplateError::of_type(format!("unhashable type: '{}'", key.type_name())));
        }
        dict.insert(key.clone(), value.clone());
    }
    Ok(())
}

/// `namespace()`: a value whose attributes templates may set.
struct Namespace(Mutex<IndexMap<Arc<str>, Value>>);

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = attributes.iter().map(|(name, value)| (name.clone(), value.clone()));
        write!(f, "<Namespace {}>", Value::dict(entries).repr())
    }
}

impl Object for Namespace {
    fn type_name(&self) -> &str {
        "Namespace"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let attributes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attributes.get(key.as_str()?).cloned()
    }

    fn set_attribute(&self, name: &str, value: Value) -> Result<()> {
        let mut attributes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attributes.insert(name.into(), value);
        Ok(())
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn namespace(call: &Call<'_>, arguments: Arguments) -> Result<Value> {
    let Value::Dict(start) = dict(call, arguments)? else { return Ok(Value::None) };
    let attributes = start.iter().map(|(name, value)| (name.to_string().into(), value)).collect();
    Ok(Value::object(Namespace(Mutex::new(attributes))))
}

/// `cycler(a, b, …)`
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Object for Cycler {
    fn type_name(&self) -> &str {
        "Cycler"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "current" => self.items.get(self.at.load(Ordering::Relaxed)).cloned(),
            _ => None,
        }
    }

    fn call_method(&self, name: &str, _: Arguments, _: &Scope) -> Option<Result<Value>> {
        match name {
            "next" => {
                let at = self.at.load(Ordering::Relaxed);
                self.at.store((at + 1) % self.items.len().max(1), Ordering::Relaxed);
                Some(Ok(self.items.get(at).cloned().unwrap_or_default()))
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Some(Ok(Value::None))
            }
            _ => None,
        }
    }
}

fn cycler(_: &Call<'_>, arguments: Arguments) -> Result<Value> {
    if arguments.positional.is_empty() {
        return Err(TemplateError::of_type("at least one item has to be provided"));
    }
    Ok(Value::object(Cycler { items: arguments.positional, at: AtomicUsize::new(0) }))
}

/// `joiner(sep)`: nothing at the first call, then the separator.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    calls: AtomicUsize,
}

impl Object for Joiner {
    fn type_name(&self) -> &str {
        "Joiner"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, arguments: Arguments, _: &Scope) -> Result<Value> {
        arguments.none("joiner")?;
        if self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            return Ok(Value::from(""));
        }
        Ok(self.separator.clone())
    }
}

fn joiner(_: &Call<'_>, arguments: Arguments) -> Result<Value> {
    let [separator] = arguments.bind("joiner", ["sep"], 0)?;
    let separator = separator.unwrap_or_else(|| Value::from(", "));
    Ok(Value::object(Joiner { separator, calls: AtomicUsize::new(0) }))
}

fn lipsum(_: &Call<'_>, _: Arguments) -> Result<Value> {
    Err(TemplateError::new(ErrorKind::Unsupported, "lipsum() is not supported"))
}

fn lookup(call: &Call<'_>, arguments: Arguments) -> Result<Value> {
    dynamic_lookup(call, arguments, false)
}

fn query(call: &Call<'_>, arguments: Arguments) -> Result<Value> {
    dynamic_lookup(call, arguments, true)
}

/// A lookup whose name was worked out at run time.
fn dynamic_lookup(call: &Call<'_>, mut arguments: Arguments, wants_list: bool) -> Result<Value> {
    if arguments.positional.is_empty() {
        return Err(TemplateError::of_type(format!("{}() needs the name of a lookup", call.name)));
    }
    let name = arguments.positional.remove(0).defined()?;
    let found = call.scope.engine().lookup(&name.to_string())?;
    lookups::call(&found, wants_list, arguments, call.scope)
}

fn undef(_: &Call<'_>, arguments: Arguments) -> Result<Value> {
    let [hint] = arguments.bind("undef", ["hint"], 0)?;
    let hint = match hint {
        Some(Value::None) | None => "Mandatory variable has not been overridden".to_owned(),
        Some(hint) => hint.to_string(),
    };
    Ok(Value::Undefined(Undefined::new(Missing::Hint(hint.into()))))
}

fn now(_: &Call<'_>, arguments: Arguments) -> Result<Value> {
    let [utc, format] = arguments.bind("now", ["utc", "fmt"], 0)?;
    let utc = utc.is_some_and(|utc| utc.truthy());
    let moment = crate::value::Moment::now(utc);
    match format {
        Some(format) if !format.is_none() => moment.format(&format.to_string()).map(Value::from),
        _ => Ok(Value::object(moment)),
    }
}
