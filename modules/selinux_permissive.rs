//! The `selinux_permissive` module of the collection `community.general`.

use module::{Arguments, Documented, Example, Failure, Host, Program, Returned};
use protocol::spec::Support;

use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps whether SELinux only tells what it would refuse to the processes of a domain.
#[derive(Debug, Arguments)]
pub struct SelinuxPermissive {
    /// The domain.
    #[argument(aliases("name"))]
    domain: String,
    /// Whether it is so.
    permissive: bool,
    /// Whether the policy is not loaded anew.
    #[argument(default = false)]
    no_reload: bool,
    /// Name of the policy; that which is loaded where it is empty.
    #[argument(default = "")]
    store: String,
}

impl Documented for SelinuxPermissive {
    const NAME: &'static str = "community.general.selinux_permissive";
    const ALIASES: &'static [&'static str] = &["selinux_permissive"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A web server that is tried out",
        args: r#"{"name": "httpd_t", "permissive": true}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("domain", "The domain.", "always", r#""httpd_t""#),
        Returned::new("permissive", "Whether it is so.", "always", "true"),
        Returned::new("store", "Name of the policy.", "always", r#""""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Stepwise for SelinuxPermissive {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let mut program = Program::new("semanage").arg("permissive");
        if !self.store.is_empty() {
            program = program.args(["-S", &self.store]);
        }
        let text = tool::ask(host, &program.clone().args(["-l", "-n"]))?;
        let is_so = text.lines().any(|line| line.trim() == self.domain);
        if self.no_reload {
            program = program.arg("-N");
        }
        let verb = if self.permissive { "-a" } else { "-d" };
        let program = program.args([verb, &self.domain]);
        Ok(Steps::new((is_so != self.permissive).then_some(program))
            .with("domain", self.domain.clone())
            .with("permissive", self.permissive)
            .with("store", self.store.clone()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn domains_are_permissive_or_not() {
        for (args, words) in [
            (json!({"name": "httpd_t", "permissive": true}), ""),
            (json!({"name": "httpd_t", "permissive": false}), "permissive -d httpd_t"),
            (
                json!({"domain": "ntpd_t", "permissive": true, "no_reload": true, "store": "default"}),
                "permissive -S default -N -a ntpd_t",
            ),
            (json!({"name": "ntpd_t", "permissive": false}), ""),
        ] {
            let mut host = FakeHost::default();
            host.program("semanage", |files, program| {
                if program.args.contains(&"-l".to_owned()) {
                    return Output::success("\nhttpd_t\n");
                }
                files.put("/ran", program.args.join(" "));
                Output::success("")
            });
            for check in [true, false] {
                let mode = Mode { check, diff: false };
                let response = run("selinux_permissive", &args, "", "", mode, &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, !words.is_empty()),
                    "{args}: {response:?}"
                );
                let ran = host.files.text("/ran").unwrap_or_default();
                assert_eq!(ran, if check { "" } else { words }, "{args}");
            }
        }
        let args = json!({"name": "httpd_t", "permissive": true});
        let mut host = FakeHost::default();
        let response = run("selinux_permissive", &args, "", "", Mode::default(), &mut host);
        assert!(response.failed, "{response:?}");
    }
}
