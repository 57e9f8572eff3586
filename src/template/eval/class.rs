//! `__class__`: the type of a value, as Python names it.

use std::fmt;

use crate::value::{Object, Value};

/// A Python class.
struct Class {
    /// The module it is from; empty for Python's own.
    module: &'static str,
    name: String,
}

/// The class of a value.
pub(super) fn of(value: &Value) -> Value {
    let module = match value.class_name() {
        "AnsibleUnicode" | "AnsibleVaultEncryptedUnicode" => "ansible.parsing.yaml.objects",
        "AnsibleUnsafeText" | "NativeJinjaUnsafeText" => "ansible.utils.unsafe_proxy",
        "NativeJinjaText" => "ansible.utils.native_jinja",
        "date" | "datetime" | "timedelta" => "datetime",
        _ => "",
    };
    Value::object(Class { module, name: value.class_name().to_owned() })
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.module {
            "" => write!(f, "<class '{}'>", self.name),
            module => write!(f, "<class '{module}.{}'>", self.name),
        }
    }
}

impl Object for Class {
    fn type_name(&self) -> &str {
        "type"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "__name__" | "__qualname__" => Some(Value::from(self.name.as_str())),
            "__module__" if self.module.is_empty() => Some(Value::from("builtins")),
            "__module__" => Some(Value::from(self.module)),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}
