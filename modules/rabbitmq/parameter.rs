//! The `rabbitmq_parameter` and `rabbitmq_global_parameter` modules of the collection
//! `community.rabbitmq`.

use module::{Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, spec::Support};

use super::{control, field, list};
use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// Keeps a parameter of a component of RabbitMQ.
#[derive(Debug, Arguments)]
pub struct RabbitmqParameter {
    /// The component: `federation`, for one.
    component: String,
    /// The parameter.
    name: String,
    /// Its value, as JSON.
    value: Option<String>,
    /// The virtual host.
    #[argument(default = "/")]
    vhost: String,
    /// The node.
    #[argument(default = "rabbit")]
    node: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
}

/// Keeps a parameter of RabbitMQ that holds for all virtual hosts.
#[derive(Debug, Arguments)]
pub struct RabbitmqGlobalParameter {
    /// The parameter.
    name: String,
    /// Its value, as JSON.
    value: Option<String>,
    /// The node.
    #[argument(default = "rabbit")]
    node: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
}

impl Documented for RabbitmqParameter {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_parameter";
    const ALIASES: &'static [&'static str] = &["rabbitmq_parameter"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A name for federation",
            args: r#"{"component": "federation", "name": "local-username", "value": "\"guest\""}"#,
        },
        Example {
            title: "None",
            args: r#"{"component": "federation", "name": "local-username", "state": "absent"}"#,
        },
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Documented for RabbitmqGlobalParameter {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_global_parameter";
    const ALIASES: &'static [&'static str] = &["rabbitmq_global_parameter"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The name of a cluster",
            args: r#"{"name": "cluster_name", "value": "\"mq-cluster\""}"#,
        },
        Example { title: "None", args: r#"{"name": "cluster_name", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The parameter.", "success", r#""cluster_name""#),
        Returned::new("value", "Its value.", "changed", r#""the-cluster-name""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

fn parsed(given: Option<&String>) -> Result<Json, Failure> {
    let text = given.map_or("null", String::as_str);
    serde_json::from_str(text)
        .map_err(|why| Failure::new(format!("value is no JSON: {text:?}: {why}")))
}

/// A listed value, which is a text of JSON in most releases.
fn listed(row: &JsonMap) -> Json {
    match row.get("value") {
        Some(Json::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
        }
        Some(other) => other.clone(),
        None => Json::Null,
    }
}

impl Stepwise for RabbitmqParameter {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let node = Some(self.node.as_str());
        let value = parsed(self.value.as_ref())?;
        let all = list(host, node, &["list_parameters", "-p", &self.vhost])?;
        let found = all.iter().find(|row| {
            field(row, "component") == self.component && field(row, "name") == self.name
        });
        let program =
            |verb: &str| control(node, &[verb, "-p", &self.vhost, &self.component, &self.name]);
        let programs = match (self.state, found) {
            (Presence::Present, Some(row)) if listed(row) == value => None,
            (Presence::Present, _) => Some(program("set_parameter").arg(value.to_string())),
            (Presence::Absent, found) => found.map(|_| program("clear_parameter")),
        };
        Ok(Steps::new(programs)
            .with("component", self.component.clone())
            .with("name", self.name.clone())
            .with("vhost", self.vhost.clone())
            .with("state", self.state.as_str()))
    }
}

impl Stepwise for RabbitmqGlobalParameter {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let node = Some(self.node.as_str());
        let value = parsed(self.value.as_ref())?;
        let all = list(host, node, &["list_global_parameters"])?;
        let found = all.iter().find(|row| field(row, "name") == self.name);
        let program = |verb: &str| control(node, &[verb, &self.name]);
        let programs = match (self.state, found) {
            (Presence::Present, Some(row)) if listed(row) == value => None,
            (Presence::Present, _) => Some(program("set_global_parameter").arg(value.to_string())),
            (Presence::Absent, found) => found.map(|_| program("clear_global_parameter")),
        };
        Ok(Steps::new(programs)
            .with("name", self.name.clone())
            .with("value", value)
            .with("state", self.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, rabbitmq::fake};

    #[test]
    fn parameters_are_kept() {
        for (module, more) in [
            ("rabbitmq_parameter", json!({"component": "federation"})),
            ("rabbitmq_global_parameter", json!({})),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            for (given, changed) in [
                (json!({"value": "\"guest\""}), true),
                (json!({"value": "\"guest\""}), false),
                (json!({"value": "{\"a\": [1, 2]}"}), true),
                (json!({"value": "{\"a\":[1,2]}"}), false),
                (json!({"value": "7"}), true),
                (json!({"state": "absent"}), true),
                (json!({"state": "absent"}), false),
            ] {
                let mut args = more.clone();
                for (name, value) in given.as_object().unwrap() {
                    args[name] = value.clone();
                }
                let done = run(module, &args, "name", "n", Mode::default(), &mut host);
                assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
            }
        }
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for (module, args, words) in [
            ("rabbitmq_parameter", json!({"value": "1"}), "missing required arguments: component"),
            ("rabbitmq_parameter", json!({"component": "c", "value": "guest"}), "value is no JSON"),
            ("rabbitmq_global_parameter", json!({"value": "{"}), "value is no JSON"),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            let done = run(module, &args, "name", "n", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
