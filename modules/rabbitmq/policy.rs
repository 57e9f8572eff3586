//! The `rabbitmq_policy` module of the collection `community.rabbitmq`.

use std::path::PathBuf;

use module::{Arguments, Documented, Example, Failure, Host};
use protocol::{Json, JsonMap, spec::Support};

use super::{Api, control, field, list};
use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// Keeps a policy of RabbitMQ: what holds for queues and exchanges of certain names.
#[derive(Debug, Arguments)]
pub struct RabbitmqPolicy {
    /// The policy.
    name: String,
    /// The virtual host.
    #[argument(default = "/")]
    vhost: String,
    /// Pattern of the names that it is for.
    pattern: Option<String>,
    /// What it is for.
    #[argument(
        default = "all",
        choices("all", "exchanges", "queues", "classic_queues", "quorum_queues", "streams")
    )]
    apply_to: String,
    /// What holds.
    tags: Option<JsonMap>,
    /// Which of several holds: the highest.
    #[argument(default = "0")]
    priority: String,
    /// The node.
    #[argument(default = "rabbit")]
    node: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// File of the authorities that the API is trusted by.
    ca_cert: Option<PathBuf>,
    /// File of the client's certificate for the API.
    client_cert: Option<PathBuf>,
    /// File of the key to it.
    client_key: Option<PathBuf>,
    #[argument(flatten)]
    api: Api,
}

impl Documented for RabbitmqPolicy {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_policy";
    const ALIASES: &'static [&'static str] = &["rabbitmq_policy"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Messages that end",
            args: r#"{"name": "ttl", "pattern": "^tmp\\.", "tags": {"message-ttl": 60000}}"#,
        },
        Example { title: "None", args: r#"{"name": "ttl", "state": "absent"}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What a listed policy defines: a text of JSON in most releases.
fn definition(row: &JsonMap) -> Json {
    match row.get("definition") {
        Some(Json::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
        }
        Some(other) => other.clone(),
        None => Json::Null,
    }
}

impl Stepwise for RabbitmqPolicy {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let warnings = self.api.refuse()?;
        if [&self.ca_cert, &self.client_cert, &self.client_key].into_iter().any(Option::is_some) {
            return Err(Failure::new(
                "ca_cert, client_cert and client_key are for login_host, which is not implemented",
            ));
        }
        let node = Some(self.node.as_str());
        let (name, vhost) = (self.name.as_str(), self.vhost.as_str());
        let all = list(host, node, &["list_policies", "-p", vhost])?;
        let found = all.iter().find(|row| field(row, "name") == name);
        let programs = match self.state.is_present() {
            true => {
                let (Some(pattern), Some(tags)) = (&self.pattern, &self.tags) else {
                    return Err(Failure::new("pattern and tags are required for state=present"));
                };
                let is_same = found.is_some_and(|row| {
                    field(row, "pattern") == *pattern
                        && field(row, "apply-to") == self.apply_to
                        && field(row, "priority") == self.priority
                        && definition(row) == Json::Object(tags.clone())
                });
                let tags = Json::Object(tags.clone()).to_string();
                let words = ["set_policy", "-p", vhost, name, pattern, &tags];
                let more = ["--priority", &self.priority, "--apply-to", &self.apply_to];
                (!is_same).then(|| control(node, &words).args(more))
            }
            false => found.map(|_| control(node, &["clear_policy", "-p", vhost, name])),
        };
        Ok(Steps { warnings, ..Steps::new(programs) }
            .with("name", name)
            .with("state", self.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, rabbitmq::fake};

    #[test]
    fn policies_are_kept() {
        let mut host = FakeHost::default();
        fake::put(&mut host);
        let tags = json!({"ha-mode": "all", "n": 1});
        for (args, changed) in [
            (json!({"pattern": ".*", "tags": tags}), true),
            (json!({"pattern": ".*", "tags": tags, "priority": 0}), false),
            (json!({"pattern": ".*", "tags": tags, "priority": 1}), true),
            (json!({"pattern": "^a", "tags": tags, "priority": 1}), true),
            (json!({"pattern": "^a", "tags": {"n": 1}, "priority": 1}), true),
            (json!({"pattern": "^a", "tags": {"n": 1}, "priority": 1, "apply_to": "queues"}), true),
            (json!({"state": "absent", "vhost": "/other"}), false),
            (json!({"state": "absent"}), true),
            (json!({"state": "absent"}), false),
        ] {
            let done = run("rabbitmq_policy", &args, "name", "ha", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for (args, words) in [
            (json!({"pattern": ".*"}), "pattern and tags are required"),
            (json!({"pattern": ".*", "tags": "x"}), "tags"),
            (json!({"login_host": "mq", "state": "absent"}), "not implemented"),
            (json!({"client_key": "/k", "state": "absent"}), "not implemented"),
            (json!({"apply_to": "nothing"}), "must be one of: all"),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            let done = run("rabbitmq_policy", &args, "name", "ha", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
