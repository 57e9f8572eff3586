//! The `rabbitmq_vhost_limits` module of the collection `community.rabbitmq`.

use module::{Arguments, Documented, Example, Failure, Host};
use protocol::{Json, spec::Support};
use serde_json::json;

use super::{control, field, list};
use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// No limit.
const NONE: i64 = -1;

/// Keeps the limits of a virtual host of RabbitMQ.
#[derive(Debug, Arguments)]
pub struct RabbitmqVhostLimits {
    /// The virtual host.
    #[argument(default = "/")]
    vhost: String,
    /// The most connections at once; -1 for any number.
    #[argument(default = -1)]
    max_connections: i64,
    /// The most queues; -1 for any number.
    #[argument(default = -1)]
    max_queues: i64,
    /// The node.
    node: Option<String>,
    /// Whether there are limits.
    #[argument(default = "present")]
    state: Presence,
}

impl Documented for RabbitmqVhostLimits {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_vhost_limits";
    const ALIASES: &'static [&'static str] = &["rabbitmq_vhost_limits"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Both",
            args: r#"{"vhost": "/", "max_connections": 64, "max_queues": 256}"#,
        },
        Example { title: "None", args: r#"{"vhost": "/", "state": "absent"}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Stepwise for RabbitmqVhostLimits {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let given = self.max_connections.min(self.max_queues);
        let is_present = self.state.is_present();
        if is_present && given < NONE {
            return Err(Failure::new("max_connections and max_queues are -1 or more"));
        }
        let node = self.node.as_deref();
        let rows = list(host, node, &["list_vhost_limits", "-p", &self.vhost])?;
        // A release lists them as a dict, or as a text of JSON.
        let now = rows.iter().find_map(|row| match row.get("limits") {
            Some(Json::Object(map)) => Some(map.clone()),
            Some(Json::String(text)) => serde_json::from_str(text).ok(),
            _ => None,
        });
        let now = now.unwrap_or_default();
        let limit = |name: &str| field(&now, name).parse().unwrap_or(NONE);
        let has = (limit("max-connections"), limit("max-queues"));
        let vhost = self.vhost.as_str();
        let program = match is_present {
            true if has == (self.max_connections, self.max_queues) => None,
            true => {
                let limits =
                    json!({"max-connections": self.max_connections, "max-queues": self.max_queues});
                let words = ["set_vhost_limits", "-p", vhost, &limits.to_string()];
                Some(control(node, &words))
            }
            false if has == (NONE, NONE) => None,
            false => Some(control(node, &["clear_vhost_limits", "-p", vhost])),
        };
        Ok(Steps::new(program))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, rabbitmq::fake};

    #[test]
    fn limits_are_kept() {
        let mut host = FakeHost::default();
        fake::put(&mut host);
        for (args, changed) in [
            (json!({"state": "absent"}), false),
            (json!({}), false),
            (json!({"max_queues": 3}), true),
            (json!({"max_queues": 3, "max_connections": -1}), false),
            (json!({"max_queues": 3, "max_connections": 1}), true),
            (json!({"state": "absent"}), true),
            (json!({"state": "absent"}), false),
        ] {
            let done = run("rabbitmq_vhost_limits", &args, "", "", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
        }
        let args = json!({"max_queues": -2});
        let done = run("rabbitmq_vhost_limits", &args, "", "", Mode::default(), &mut host);
        assert!(done.msg.unwrap_or_default().contains("-1 or more"));
    }
}
