//! What a task sees that is delegated to another host.

use std::sync::Arc;

use inventory::HostName;
use plan::Task;
use template::{Object, Scope, Shape, Value};

use super::Executor;
use crate::reached;

impl Executor {
    /// What a task that is delegated sees: `ansible_delegated_vars` has the variables of the other
    /// host under its name, with the name of the host that the task is for; and how the other host
    /// is reached, where the task's own says nothing of that.
    pub(super) fn with_delegated(&self, task: &Arc<Task>, scope: &Scope, name: &str) -> Scope {
        let known = scope.get("hostvars").and_then(|hosts| hosts.get(name));
        let known = known.filter(|vars| !vars.is_undefined());
        let settings = &self.context.settings;
        let scope = &reached::delegated(scope, name, known.as_ref(), settings, task);
        let inventory_hostname =
            scope.get("inventory_hostname").unwrap_or_else(|| Value::from(name));
        let address = Value::from(name);
        let vars = match known {
            Some(vars) => Value::object(Delegated { vars, inventory_hostname, address }),
            None => {
                Value::dict([("inventory_hostname", inventory_hostname), ("ansible_host", address)])
            }
        };
        scope.push_values([("ansible_delegated_vars", Value::dict([(name, vars)]))])
    }

    /// The variables that say how a task's delegate is reached, and what runs Python there. They are
    /// the delegate's own, but for the name of the host, which is the one that the task is for.
    pub(crate) fn scope_of_delegate(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        delegate: &HostName,
    ) -> Scope {
        let scope = self.context.scope_of(delegate, Some(&task.parent), Some(task));
        scope.push_values([("inventory_hostname", Value::from(host.as_str()))])
    }
}

/// The variables of a host that works for another.
#[derive(Debug)]
struct Delegated {
    vars: Value,
    inventory_hostname: Value,
    /// How it is reached where no variable says so.
    address: Value,
}

impl Object for Delegated {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn get(&self, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "inventory_hostname" => Some(self.inventory_hostname.clone()),
            "ansible_host" => Some(self.vars.get("ansible_host").unwrap_or(self.address.clone())),
            name => self.vars.get(name),
        }
    }

    fn keys(&self) -> Vec<Value> {
        self.vars.entries().unwrap_or_default().into_iter().map(|(key, _)| key).collect()
    }
}
