//! The `rabbitmq_vhost` module of the collection `community.rabbitmq`.

use std::path::PathBuf;

use module::{Arguments, Documented, Example, Failure, Host};
use protocol::spec::Support;

use super::{Api, control, field, list};
use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// Keeps a virtual host of RabbitMQ.
#[derive(Debug, Arguments)]
pub struct RabbitmqVhost {
    /// The virtual host.
    #[argument(aliases("vhost"))]
    name: String,
    /// The node.
    #[argument(default = "rabbit")]
    node: String,
    /// Whether messages are traced.
    #[argument(default = false, aliases("trace"))]
    tracing: bool,
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

impl Documented for RabbitmqVhost {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_vhost";
    const ALIASES: &'static [&'static str] = &["rabbitmq_vhost"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "One for a program", args: r#"{"name": "/app"}"# },
        Example { title: "None", args: r#"{"name": "/app", "state": "absent"}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Stepwise for RabbitmqVhost {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let warnings = self.api.refuse()?;
        if [&self.ca_cert, &self.client_cert, &self.client_key].into_iter().any(Option::is_some) {
            return Err(Failure::new(
                "ca_cert, client_cert and client_key are for login_host, which is not implemented",
            ));
        }
        let node = Some(self.node.as_str());
        let name = self.name.as_str();
        let all = list(host, node, &["list_vhosts", "name", "tracing"])?;
        let found = all.iter().find(|row| field(row, "name") == name);
        let traces = found.map(|row| field(row, "tracing").eq_ignore_ascii_case("true"));
        let mut programs = Vec::new();
        match (self.state.is_present(), traces) {
            (true, traces) => {
                if traces.is_none() {
                    programs.push(control(node, &["add_vhost", name]));
                }
                if traces.unwrap_or(false) != self.tracing {
                    let verb = if self.tracing { "trace_on" } else { "trace_off" };
                    programs.push(control(node, &[verb, "-p", name]));
                }
            }
            (false, Some(_)) => programs.push(control(node, &["delete_vhost", name])),
            (false, None) => {}
        }
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
    fn virtual_hosts_are_kept() {
        let mut host = FakeHost::default();
        fake::put(&mut host);
        for (args, changed) in [
            (json!({}), true),
            (json!({}), false),
            (json!({"tracing": true}), true),
            (json!({"trace": true}), false),
            (json!({}), true),
            (json!({"state": "absent"}), true),
            (json!({"state": "absent"}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("rabbitmq_vhost", &args, "name", "/app", check, &mut host);
            let done = run("rabbitmq_vhost", &args, "name", "/app", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn another_way_is_refused() {
        for (args, words) in [
            (json!({"login_host": "mq"}), "login_host=mq is not implemented"),
            (json!({"ca_cert": "/ca.pem"}), "login_host, which is not implemented"),
            (json!({"state": "gone"}), "must be one of: absent"),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            let done = run("rabbitmq_vhost", &args, "name", "/", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
