//! The `sysvinit` module.

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::JsonMap;

use crate::service::{
    sysv::SysV,
    wanted::{self, Setting, State},
};

/// Keeps a service that is an init script running or not, and its start at boot.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["state", "enabled"]))]
pub struct SysVInit {
    /// The service.
    #[argument(aliases("service"))]
    name: String,
    /// `started` and `stopped` are kept; `restarted` and `reloaded` are done each time, to a
    /// service that does not run as a start.
    state: Option<State>,
    /// Whether it is started at boot.
    enabled: Option<bool>,
    /// Seconds between stop and start of a restart.
    #[argument(default = 1)]
    sleep: u32,
    /// Words that stand in a line of `ps` where it runs, for scripts that cannot tell.
    pattern: Option<String>,
    /// Runlevels in which it is started; those that the script names where this is left out.
    runlevels: Option<Vec<String>>,
    /// Words for the init script.
    #[argument(aliases("args"))]
    arguments: Option<String>,
    /// Whether the script is detached, because it does not detach the service itself.
    #[argument(default = false)]
    daemonize: bool,
}

impl Documented for SysVInit {
    const NAME: &'static str = "ansible.builtin.sysvinit";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Running",
            args: r#"{"name": "web", "state": "started", "enabled": true}"#,
        },
        Example {
            title: "At boot, in some runlevels",
            args: r#"{"name": "web", "enabled": true, "runlevels": ["3", "5"]}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("name", "The service.", "always", r#""web""#)];
}

impl SysVInit {
    fn script(&self) -> SysV {
        SysV {
            name: self.name.clone(),
            state: self.state,
            enabled: self.enabled,
            sleep: Some(self.sleep),
            pattern: self.pattern.clone(),
            arguments: self.arguments.clone().unwrap_or_default(),
            runlevels: self.runlevels.clone().unwrap_or_default(),
            daemonize: self.daemonize,
        }
    }
}

impl Module for SysVInit {
    type State = Setting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        self.script().check(host)
    }

    fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.script().apply(delta, host)
    }

    fn returned(&self, delta: &Delta<Setting>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = wanted::returned(Some(&self.name), self.state, self.enabled, JsonMap::new());
        let mut status = JsonMap::new();
        if let Some(state) = self.state {
            let changed = serde_json::json!({"changed": !delta.steps.is_empty()});
            status.insert(state.as_str().into(), changed);
        }
        let changed = serde_json::json!({"changed": !delta.is_settled()});
        status.insert("enabled".into(), changed);
        map.insert("status".into(), status.into());
        Ok(map)
    }
}
