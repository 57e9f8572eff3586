//! What a task sees that is delegated to another host.

use std::sync::Arc;

use plan::Task;
use template::{Object, Scope, Shape, Value};

use crate::{RunSettings, reached};

/// What a task that is delegated sees: `ansible_delegated_vars` has the variables of the other host
/// under its name, with the name of the host that the task is for, and how that one is reached is what
/// the connection's variables say.
pub(super) fn with_delegated(
    scope: &Scope,
    name: &str,
    settings: &RunSettings,
    task: &Arc<Task>,
) -> Scope {
    let known = scope.get("hostvars").and_then(|hosts| hosts.get(name));
    let known = known.filter(|vars| !vars.is_undefined());
    let scope = &reached::delegated(scope, name, known.as_ref(), settings, task);
    let inventory_hostname = scope.get("inventory_hostname").unwrap_or_else(|| Value::from(name));
    let vars = match known {
        Some(vars) => Value::object(Delegated { vars, inventory_hostname }),
        None => Value::dict([("inventory_hostname", inventory_hostname)]),
    };
    scope.push_values([("ansible_delegated_vars", Value::dict([(name, vars)]))])
}

/// The variables of a host that works for another.
#[derive(Debug)]
struct Delegated {
    vars: Value,
    inventory_hostname: Value,
}

impl Object for Delegated {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn get(&self, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "inventory_hostname" => Some(self.inventory_hostname.clone()),
            name => self.vars.get(name),
        }
    }

    fn keys(&self) -> Vec<Value> {
        self.vars.entries().unwrap_or_default().into_iter().map(|(key, _)| key).collect()
    }
}
