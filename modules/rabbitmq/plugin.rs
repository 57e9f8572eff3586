//! The `rabbitmq_plugin` module of the collection `community.rabbitmq`.

use std::path::{Path, PathBuf};

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::spec::Support;

use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps which plugins of RabbitMQ are enabled.
#[derive(Debug, Arguments)]
pub struct RabbitmqPlugin {
    /// The plugins, with commas between them.
    #[argument(aliases("name"))]
    names: String,
    /// Whether other plugins stay enabled.
    #[argument(default = false)]
    new_only: bool,
    /// Whether they are enabled.
    #[argument(default = "enabled")]
    state: State,
    /// Whether a broker that runs is told.
    #[argument(default = "online", choices("online", "offline"))]
    broker_state: String,
    /// The folder that RabbitMQ was installed in.
    #[argument(kind = "path")]
    prefix: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Enabled,
    Disabled,
}

impl Documented for RabbitmqPlugin {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_plugin";
    const ALIASES: &'static [&'static str] = &["rabbitmq_plugin"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "The management plugin", args: r#"{"names": "rabbitmq_management"}"# },
        Example {
            title: "None of two",
            args: r#"{"names": "rabbitmq_shovel,rabbitmq_mqtt", "state": "disabled"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("enabled", "Plugins that were enabled.", "always", r#"["rabbitmq_mqtt"]"#),
        Returned::new("disabled", "Plugins that were disabled.", "always", "[]"),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl RabbitmqPlugin {
    fn program(&self, host: &dyn Host) -> Result<Program, Failure> {
        const NAME: &str = "rabbitmq-plugins";
        let Some(prefix) = &self.prefix else { return Ok(Program::new(NAME)) };
        for folder in ["bin", "sbin"] {
            let folder = prefix.join(folder);
            if host.metadata(Path::new(&folder))?.is_some_and(|found| found.is_dir()) {
                return Ok(Program::new(folder.join(NAME).display().to_string()));
            }
        }
        Err(Failure::new(format!("No binary folder in prefix {}", prefix.display())))
    }
}

impl Stepwise for RabbitmqPlugin {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let program = self.program(host)?;
        let said = tool::ask(host, &program.clone().args(["list", "-E", "-m"]))?;
        // Lines of several words are remarks.
        let now: Vec<&str> = said
            .lines()
            .take_while(|line| !line.is_empty())
            .filter(|line| !line.contains(' '))
            .collect();
        let names: Vec<&str> = self.names.split(',').map(str::trim).collect();
        let is_named = |plugin: &&&str| names.contains(plugin);
        let (enabled, disabled): (Vec<&str>, Vec<&str>) = match self.state {
            State::Enabled => (
                names.iter().filter(|name| !now.contains(name)).copied().collect(),
                now.iter().filter(|plugin| !self.new_only && !is_named(plugin)).copied().collect(),
            ),
            State::Disabled => (Vec::new(), now.iter().filter(is_named).copied().collect()),
        };
        let how = format!("--{}", self.broker_state);
        let step = |verb: &str, name: &&str| program.clone().args([verb, &how, *name]);
        let programs = disabled
            .iter()
            .map(|name| step("disable", name))
            .chain(enabled.iter().map(|name| step("enable", name)));
        Ok(Steps::new(programs).with("enabled", enabled.clone()).with("disabled", disabled.clone()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, rabbitmq::fake};

    #[test]
    fn plugins_are_kept() {
        for (args, enabled, disabled) in [
            (json!({"names": "a,b"}), json!([]), json!([])),
            (json!({"names": "a,c"}), json!(["c"]), json!(["b"])),
            (json!({"names": "c", "new_only": true}), json!(["c"]), json!([])),
            (json!({"name": "a, c", "state": "disabled"}), json!([]), json!(["a"])),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            host.put("/run/rabbit/plugins", "a\nb\n");
            let done = run("rabbitmq_plugin", &args, "", "", Mode::default(), &mut host);
            let changed = enabled != json!([]) || disabled != json!([]);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
            assert_eq!(done.returned["enabled"], enabled, "{args}");
            assert_eq!(done.returned["disabled"], disabled, "{args}");
            let again = run("rabbitmq_plugin", &args, "", "", Mode::default(), &mut host);
            assert!(!again.changed, "{args}");
        }
    }

    #[test]
    fn what_is_no_plugin_is_refused() {
        for (args, words) in [
            (json!({}), "missing required arguments: names"),
            (json!({"names": "a", "state": "on"}), "must be one of: enabled"),
            (json!({"names": "a", "prefix": "/opt/none"}), "No binary folder in prefix"),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            let done = run("rabbitmq_plugin", &args, "", "", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
