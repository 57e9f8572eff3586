//! How a struct is a module's arguments, and a type the kind of one.

use std::{borrow::Cow, path::PathBuf};

use protocol::{
    Json, JsonMap, python,
    spec::{ArgumentSpec, Kind},
};
use serde::de::DeserializeOwned;

use crate::shape::Literal;

/// A set of arguments; implemented by `#[derive(Arguments)]`.
pub trait Arguments: Sized {
    /// The paragraphs of the struct's doc comment; the first is the summary.
    fn description() -> Vec<&'static str>;

    /// What the arguments are.
    fn spec() -> ArgumentSpec;

    /// Reads arguments that have been checked against [`Arguments::spec`].
    ///
    /// # Errors
    /// A sentence that names the argument that does not fit its type.
    fn from_arguments(map: &JsonMap) -> Result<Self, String>;
}

/// A type that an argument can have.
pub trait ArgumentValue: Sized {
    /// The kind that Ansible knows it by.
    const KIND: Kind;
    /// Whether the argument may be left out without a default.
    const OPTIONAL: bool = false;

    /// What the elements of a list hold.
    const ELEMENTS: Option<Kind> = None;
    /// The values there are, where they can be listed.
    const CHOICES: &'static [Literal] = &[];
    /// What is inside, where it is a dict or a list of dicts.
    const OPTIONS: Option<fn() -> ArgumentSpec> = None;

    /// What an argument that was left out is, where the type knows.
    fn left_out() -> Option<Self> {
        None
    }

    /// Reads the value, which has the right kind already.
    ///
    /// # Errors
    /// What it must be, without the name of the argument.
    fn from_json(value: &Json) -> Result<Self, String>;
}

macro_rules! scalar {
    ($type:ty, $kind:ident, $read:expr) => {
        impl ArgumentValue for $type {
            const KIND: Kind = Kind::$kind;
            fn from_json(value: &Json) -> Result<Self, String> {
                let read: fn(&Json) -> Option<Self> = $read;
                read(value).ok_or_else(|| {
                    format!("must be a {}, got: {}", stringify!($type), python::text(value))
                })
            }
        }
    };
}

scalar!(String, Str, |value| value.as_str().map(Into::into));
scalar!(bool, Bool, Json::as_bool);
scalar!(i64, Int, Json::as_i64);
scalar!(u64, Int, Json::as_u64);
scalar!(u32, Int, |value| value.as_u64()?.try_into().ok());
scalar!(i32, Int, |value| value.as_i64()?.try_into().ok());
scalar!(u16, Int, |value| value.as_u64()?.try_into().ok());
scalar!(u8, Int, |value| value.as_u64()?.try_into().ok());
scalar!(f64, Float, Json::as_f64);
scalar!(PathBuf, Path, |value| value.as_str().map(Into::into));
scalar!(Json, Raw, |value| Some(value.clone()));
scalar!(JsonMap, Dict, |value| value.as_object().cloned());

impl<T: ArgumentValue> ArgumentValue for Option<T> {
    const KIND: Kind = T::KIND;
    const OPTIONAL: bool = true;
    const ELEMENTS: Option<Kind> = T::ELEMENTS;
    const CHOICES: &'static [Literal] = T::CHOICES;
    const OPTIONS: Option<fn() -> ArgumentSpec> = T::OPTIONS;

    fn left_out() -> Option<Self> {
        Some(None)
    }

    fn from_json(value: &Json) -> Result<Self, String> {
        T::from_json(value).map(Some)
    }
}

impl<T: ArgumentValue> ArgumentValue for Vec<T> {
    const KIND: Kind = Kind::List;
    const ELEMENTS: Option<Kind> = Some(T::KIND);
    const CHOICES: &'static [Literal] = T::CHOICES;
    const OPTIONS: Option<fn() -> ArgumentSpec> = T::OPTIONS;

    fn from_json(value: &Json) -> Result<Self, String> {
        match value {
            Json::Array(items) => items.iter().map(T::from_json).collect(),
            other => Err(format!("must be a list, got: {}", python::text(other))),
        }
    }
}

/// Reads one argument; what was left out is its default. The derive calls it for each field, so it
/// is kept small, and out of line.
///
/// # Errors
/// A sentence that names the argument.
#[inline(never)]
pub fn read_argument<T: ArgumentValue>(
    map: &JsonMap,
    name: &'static str,
    default: Option<Literal>,
) -> Result<T, String> {
    let value = match map.get(name).filter(|value| !value.is_null()) {
        Some(value) => Cow::Borrowed(value),
        None => match default {
            Some(default) => Cow::Owned(default.to_json()),
            None => return T::left_out().ok_or_else(|| missing(name)),
        },
    };
    T::from_json(&value).map_err(|why| misfit(name, &why))
}

#[cold]
fn missing(name: &str) -> String {
    format!("missing required arguments: {name}")
}

#[cold]
fn misfit(name: &str, why: &str) -> String {
    format!("argument '{name}' {why}")
}

/// Reads a choice; the derive of enums calls it.
///
/// # Errors
/// What it must be, without the name of the argument.
pub fn read_choice<T: Copy>(choices: &[Literal], all: &[T], value: &Json) -> Result<T, String> {
    let text = value.as_str().unwrap_or_default();
    let names = choices.iter().map(|choice| match choice {
        Literal::Str(name) => *name,
        _ => "",
    });
    let found = names.clone().zip(all).find(|(name, _)| *name == text);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = names.collect();
        format!("must be one of: {}, got: {}", names.join(", "), python::text(value))
    })
}

/// Reads a dict of arguments; the derive calls it for what is nested.
///
/// # Errors
/// What it must be, without the name of the argument.
pub fn read_dict<T: Arguments>(value: &Json) -> Result<T, String> {
    match value {
        Json::Object(map) => T::from_arguments(map),
        other => Err(format!("must be a dict, got: {}", python::text(other))),
    }
}

/// Reads an argument that the controller sets; the derive calls it.
///
/// # Errors
/// A sentence that names the argument. It is a bug of the controller.
pub fn read_internal<T: DeserializeOwned>(map: &JsonMap, key: &str) -> Result<T, String> {
    let value = map.get(key).cloned().unwrap_or_default();
    serde_json::from_value(value)
        .map_err(|why| format!("the controller's own argument '{key}' does not fit: {why}"))
}

#[cfg(test)]
mod tests {
    use derive::{Arguments, Choices};
    use serde_json::json;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Choices)]
    enum State {
        #[choice("present", "installed")]
        Present,
        HalfDone,
    }

    #[derive(Debug, PartialEq, Arguments)]
    struct Inner {
        /// A port.
        #[argument(default = 80)]
        port: u16,
    }

    #[derive(Debug, PartialEq, Arguments)]
    #[arguments(mutually_exclusive(["src", "ports"]), required_by(("src", ["type"])))]
    struct Flat {
        src: Option<PathBuf>,
    }

    /// Does a thing.
    ///
    /// And says
    /// so.
    #[derive(Debug, PartialEq, Arguments)]
    #[arguments(
        required_if(("state", "half_done", ["src"]), ("state", "present", ["a", "b"], any)),
        required_one_of(["type"]),
        open
    )]
    struct Sample {
        /// Its name.
        #[argument(aliases("pkg", "package"))]
        name: Vec<String>,
        #[argument(default = "installed")]
        state: State,
        #[argument(default = ["a"], elements = "path", no_log)]
        ports: Vec<String>,
        #[argument(choices("x", "y"))]
        r#type: Option<String>,
        inner: Option<Vec<Inner>>,
        #[argument(flatten)]
        flat: Flat,
        #[argument(internal)]
        source: Option<u64>,
    }

    #[test]
    fn a_struct_is_a_spec() {
        let spec = Sample::spec();
        assert_eq!(Sample::description(), ["Does a thing.", "And says so."]);
        let names: Vec<&str> = spec.arguments.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["name", "state", "ports", "type", "inner", "src"]);
        let [name, state, ports, kind, inner, src] = spec.arguments.as_slice() else { panic!() };
        assert_eq!((name.kind, name.elements), (Kind::List, Some(Kind::Str)));
        assert_eq!((name.required, name.description.as_str()), (true, "Its name."));
        assert_eq!(name.aliases, ["pkg", "package"]);
        assert_eq!(state.choices, [json!("present"), json!("installed"), json!("half_done")]);
        assert_eq!((state.required, &state.default), (false, &Some(json!("installed"))));
        assert_eq!((ports.elements, ports.no_log), (Some(Kind::Path), true));
        assert_eq!((kind.required, kind.choices.len()), (false, 2));
        let port = &inner.options.as_ref().unwrap().arguments[0];
        assert_eq!((port.name.as_str(), port.kind), ("port", Kind::Int));
        assert_eq!(src.kind, Kind::Path);
        assert!(spec.open);
        assert_eq!(spec.mutually_exclusive, [["src", "ports"]]);
        assert!(spec.required_if[1].any && !spec.required_if[0].any);
    }

    #[test]
    fn a_map_is_a_struct() {
        let Json::Object(map) = json!({
            "name": ["vim"], "type": "x", "inner": [{}, {"port": 8080}], "_source": 5,
        }) else {
            panic!()
        };
        assert_eq!(
            Sample::from_arguments(&map).unwrap(),
            Sample {
                name: vec!["vim".into()],
                state: State::Present,
                ports: vec!["a".into()],
                r#type: Some("x".into()),
                inner: Some(vec![Inner { port: 80 }, Inner { port: 8080 }]),
                flat: Flat { src: None },
                source: Some(5),
            }
        );
    }

    #[test]
    fn what_does_not_fit_names_the_argument() {
        for (given, expected) in [
            (json!({}), "missing required arguments: name"),
            (json!({"name": 5}), "argument 'name' must be a list, got: 5"),
            (
                json!({"name": [], "state": "gone"}),
                "argument 'state' must be one of: present, installed, half_done, got: gone",
            ),
            (
                json!({"name": [], "inner": [{"port": 70000}]}),
                "argument 'inner' argument 'port' must be a u16, got: 70000",
            ),
        ] {
            let Json::Object(map) = given else { panic!() };
            assert_eq!(Sample::from_arguments(&map).unwrap_err(), expected);
        }
    }
}
