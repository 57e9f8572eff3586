//! Values on their way: JSON, with a mark (`~`) on what JSON has no word for.
//!
//! | mark | value |
//! | --- | --- |
//! | `unsafe`, `vault`, `omit` | texts that are more than what they say |
//! | `tuple`, `dict` | a tuple; a dict that has keys other than texts, as pairs |
//! | `int`, `float`, `bytes` | integers past 64 bits, floats JSON lacks, bytes in base64 |
//! | `moment` | a point in time |
//! | `day` | a date |
//! | `undefined` | what is missing, with its message |
//! | `remote` | what this side makes on demand, by a number that is good for one call |
//! | `held` | what the other side holds, by its number |

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use template::{
    Arguments, Missing, Object, Result, Scope, Shape, TemplateError, Text, TextKind, Undefined,
    Value, value::big,
};

/// The mark, which no key of a plain object is.
const MARK: &str = "~";

/// How deep a value may be nested.
const DEPTH_MAX: usize = 200;

/// Values that the other side knows by number, and numbers of its own values that are free again.
#[derive(Default)]
pub struct Objects {
    lent: Mutex<Lent>,
    free: Arc<Mutex<Vec<u64>>>,
}

struct Lent {
    last: u64,
    values: HashMap<u64, Value>,
}

impl Default for Lent {
    fn default() -> Self {
        Self { last: WRITTEN_VARIABLES, values: HashMap::new() }
    }
}

/// The number that stands for the variables of the call that is under way.
pub const VARIABLES: u64 = 0;

/// The number that stands for them as they were written.
pub const WRITTEN_VARIABLES: u64 = 1;

impl Objects {
    /// Gives a value a number until the call ends.
    pub fn lend(&self, value: Value) -> u64 {
        let mut lent = lock(&self.lent);
        lent.last += 1;
        let number = lent.last;
        lent.values.insert(number, value);
        number
    }

    /// The value of a number.
    pub fn get(&self, number: u64) -> Option<Value> {
        lock(&self.lent).values.get(&number).cloned()
    }

    /// Forgets what was lent: the call has ended. Numbers are not given again.
    pub fn forget(&self) {
        lock(&self.lent).values.clear();
    }

    /// Numbers of the other side's values that nobody here has any more.
    pub fn take_free(&self) -> Vec<u64> {
        std::mem::take(&mut *lock(&self.free))
    }

    /// Writes a value.
    ///
    /// # Errors
    /// It is nested too deep.
    pub fn encode(&self, value: &Value, out: &mut String) -> Result<()> {
        self.encode_at(value, out, 0)
    }

    fn encode_at(&self, value: &Value, out: &mut String, depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err(TemplateError::of_value(format!(
                "a value for a plugin is nested deeper than {DEPTH_MAX}"
            )));
        }
        match value {
            Value::None => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Int(number) => out.push_str(&number.to_string()),
            Value::BigInt(number) => marked(out, "int", &number.to_string()),
            Value::Float(number) if number.is_finite() => {
                out.push_str(&Json::from(*number).to_string());
            }
            Value::Float(number) => marked(out, "float", &number.to_string()),
            Value::Str(text) => match text.kind() {
                TextKind::Untrusted | TextKind::UntrustedFinal => marked(out, "unsafe", text),
                TextKind::Decrypted => {
                    out.push_str(r#"{"~":"vault","v":"#);
                    quoted(out, text);
                    out.push_str(r#","c":"#);
                    quoted(out, text.ciphertext().unwrap_or_default());
                    out.push('}');
                }
                _ => quoted(out, text),
            },
            Value::Omit => marked(out, "omit", &value.to_string()),
            Value::Bytes(bytes) => marked(out, "bytes", &STANDARD.encode(bytes)),
            Value::List(list) => self.sequence(list.iter(), out, depth)?,
            Value::Tuple(items) => {
                out.push_str(r#"{"~":"tuple","v":"#);
                self.sequence(items.iter().cloned(), out, depth)?;
                out.push('}');
            }
            Value::Dict(dict) => self.entries(&dict.entries(), out, depth)?,
            Value::Undefined(undefined) => {
                out.push_str(r#"{"~":"undefined","v":"#);
                quoted(out, undefined.error().message());
                if let Missing::Name(name) = &undefined.missing {
                    out.push_str(r#","n":"#);
                    quoted(out, name);
                }
                out.push('}');
            }
            Value::Object(object) => self.object(object, value, out, depth)?,
        }
        Ok(())
    }

    fn object(
        &self,
        object: &Arc<dyn Object>,
        value: &Value,
        out: &mut String,
        depth: usize,
    ) -> Result<()> {
        if let Some(number) = object.foreign() {
            out.push_str(&format!(r#"{{"~":"held","v":{number}}}"#));
            return Ok(());
        }
        let mark = match object.type_name() {
            "date" => "day",
            "datetime" => "moment",
            _ => "",
        };
        if !mark.is_empty()
            && let Some(text) = object.json()
        {
            marked(out, mark, &text);
            return Ok(());
        }
        let is_mapping = match object.shape() {
            Shape::Sequence => return self.sequence(object.elements().into_iter(), out, depth),
            Shape::Mapping => true,
            Shape::Plain => false,
        };
        let number = self.lend(value.clone());
        out.push_str(&format!(r#"{{"~":"remote","v":{number},"m":{is_mapping},"t":"#));
        quoted(out, object.type_name());
        out.push('}');
        Ok(())
    }

    fn sequence(
        &self,
        items: impl Iterator<Item = Value>,
        out: &mut String,
        depth: usize,
    ) -> Result<()> {
        out.push('[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.encode_at(&item, out, depth + 1)?;
        }
        out.push(']');
        Ok(())
    }

    fn entries(&self, entries: &[(Value, Value)], out: &mut String, depth: usize) -> Result<()> {
        let is_plain = entries.iter().all(|(key, _)| {
            matches!(key, Value::Str(text)
                if matches!(text.kind(), TextKind::Plain | TextKind::Written) && &**text != MARK)
        });
        if !is_plain {
            out.push_str(r#"{"~":"dict","v":["#);
        } else {
            out.push('{');
        }
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            if is_plain {
                quoted(out, key.as_str().unwrap_or_default());
                out.push(':');
                self.encode_at(value, out, depth + 1)?;
            } else {
                out.push('[');
                self.encode_at(key, out, depth + 1)?;
                out.push(',');
                self.encode_at(value, out, depth + 1)?;
                out.push(']');
            }
        }
        out.push_str(if is_plain { "}" } else { "]}" });
        Ok(())
    }

    /// Writes values as a list.
    ///
    /// # Errors
    /// As [`Objects::encode`].
    pub fn encode_all(&self, values: &[Value], out: &mut String) -> Result<()> {
        self.sequence(values.iter().cloned(), out, 0)
    }

    /// Writes named values as an object.
    ///
    /// # Errors
    /// As [`Objects::encode`].
    pub fn encode_named(&self, named: &[(Arc<str>, Value)], out: &mut String) -> Result<()> {
        out.push('{');
        for (at, (name, value)) in named.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            quoted(out, name);
            out.push(':');
            self.encode(value, out)?;
        }
        out.push('}');
        Ok(())
    }

    /// A value as JSON with marks.
    pub fn json(&self, value: &Value) -> Json {
        let mut out = String::new();
        match self.encode(value, &mut out) {
            Ok(()) => serde_json::from_str(&out).unwrap_or_default(),
            Err(_) => Json::Null,
        }
    }

    /// Reads a value.
    pub fn decode(&self, sent: &Json) -> Value {
        match sent {
            Json::Null => Value::None,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(_) => Value::from_json(sent),
            Json::String(text) => Value::from(text.as_str()),
            Json::Array(items) => Value::list(items.iter().map(|item| self.decode(item))),
            Json::Object(entries) => match entries.get(MARK).and_then(Json::as_str) {
                Some(mark) => self.marked(mark, sent),
                None => Value::dict(
                    entries.iter().map(|(key, value)| (key.as_str(), self.decode(value))),
                ),
            },
        }
    }

    fn marked(&self, mark: &str, sent: &Json) -> Value {
        let inner = sent.get("v").unwrap_or(&Json::Null);
        let text = inner.as_str().unwrap_or_default();
        match mark {
            "unsafe" => Value::Str(Text::new(text, TextKind::Untrusted)),
            "vault" => {
                let ciphertext = sent.get("c").and_then(Json::as_str).unwrap_or_default();
                Value::Str(Text::decrypted(text.into(), ciphertext.into()))
            }
            "omit" => Value::Omit,
            "tuple" => {
                let items = inner.as_array().map(Vec::as_slice).unwrap_or_default();
                Value::tuple(items.iter().map(|item| self.decode(item)))
            }
            "dict" => {
                let pairs = inner.as_array().map(Vec::as_slice).unwrap_or_default();
                let pairs = pairs.iter().filter_map(|pair| {
                    Some((self.decode(pair.get(0)?), self.decode(pair.get(1)?)))
                });
                Value::dict(pairs)
            }
            "int" => text.parse().map_or(Value::None, big::value),
            "float" => Value::Float(text.parse().unwrap_or(f64::NAN)),
            "bytes" => Value::Bytes(STANDARD.decode(text).unwrap_or_default().into()),
            "day" => template::value::moment::from_timestamp(text),
            "moment" => template::Moment::from_iso(text).map_or(Value::from(text), Value::object),
            "undefined" => Value::Undefined(Undefined::new(Missing::Hint(text.into()))),
            "remote" => inner.as_u64().and_then(|number| self.get(number)).unwrap_or_default(),
            _ => {
                let said = |key: &str| sent.get(key).and_then(Json::as_str).unwrap_or_default();
                Value::object(HeldObject {
                    number: inner.as_u64().unwrap_or_default(),
                    class: said("t").to_owned(),
                    text: said("s").to_owned(),
                    free: Arc::clone(&self.free),
                })
            }
        }
    }
}

/// An object of Python that has no like here: it shows as its `str()`, and filters of users get it
/// back as it was.
struct HeldObject {
    number: u64,
    class: String,
    text: String,
    free: Arc<Mutex<Vec<u64>>>,
}

impl Object for HeldObject {
    fn type_name(&self) -> &str {
        &self.class
    }

    fn text(&self) -> Option<String> {
        Some(self.text.clone())
    }

    fn foreign(&self) -> Option<u64> {
        Some(self.number)
    }

    fn call(&self, _: Arguments, _: &Scope) -> Result<Value> {
        Err(TemplateError::of_type(format!("'{}' object is not callable", self.class)))
    }
}

impl fmt::Debug for HeldObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Drop for HeldObject {
    fn drop(&mut self) {
        lock(&self.free).push(self.number);
    }
}

fn marked(out: &mut String, mark: &str, text: &str) {
    out.push_str(r#"{"~":""#);
    out.push_str(mark);
    out.push_str(r#"","v":"#);
    quoted(out, text);
    out.push('}');
}

/// Writes a text in quotes.
pub fn quoted(out: &mut String, text: &str) {
    out.push_str(&Json::from(text).to_string());
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        let objects = Objects::default();
        let values = [
            Value::None,
            Value::Bool(true),
            Value::Int(i64::MIN),
            big::value("123456789012345678901234567890".parse().unwrap()),
            Value::Float(1.0),
            Value::Float(f64::INFINITY),
            Value::from("x \"quoted\" \u{1F600}\n"),
            Value::Bytes(Arc::from(&b"\xff\0"[..])),
            Value::list([Value::Int(1), Value::tuple([Value::from("a")])]),
            Value::dict([(Value::Int(1), Value::from("one"))]),
            Value::dict([("~", Value::from("a key like the mark"))]),
            Value::Omit,
        ];
        for value in values {
            let back = objects.decode(&objects.json(&value));
            assert_eq!(back.repr(), value.repr());
            assert_eq!(back.type_name(), value.type_name());
        }
    }

    #[test]
    fn texts_stay_what_they_are() {
        let objects = Objects::default();
        let back = |text: Text| match objects.decode(&objects.json(&Value::Str(text))) {
            Value::Str(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(back(Text::new("a", TextKind::Untrusted)).kind(), TextKind::Untrusted);
        assert_eq!(back(Text::new("a", TextKind::Written)).kind(), TextKind::Plain);
        let vaulted = back(Text::decrypted("plain".into(), "$ANSIBLE_VAULT;1.1".into()));
        assert_eq!((&*vaulted, vaulted.ciphertext()), ("plain", Some("$ANSIBLE_VAULT;1.1")));
    }

    #[test]
    fn what_is_missing_says_so_and_objects_have_numbers() {
        let objects = Objects::default();
        let missing = objects.json(&Value::undefined("nope"));
        assert_eq!(missing["v"], "'nope' is undefined");
        assert!(objects.decode(&missing).is_undefined());
        let held = serde_json::json!({"~": "held", "v": 7, "t": "IPv4Address", "s": "10.0.0.1"});
        let value = objects.decode(&held);
        assert_eq!((value.to_string().as_str(), value.type_name()), ("10.0.0.1", "IPv4Address"));
        assert_eq!(objects.json(&value), serde_json::json!({"~": "held", "v": 7}));
        drop(value);
        assert_eq!(objects.take_free(), [7]);
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let mut value = Value::None;
        for _ in 0..=DEPTH_MAX {
            value = Value::list([value]);
        }
        assert!(Objects::default().encode(&value, &mut String::new()).is_err());
    }
}
