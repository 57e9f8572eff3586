//! The `selogin` module of the collection `community.general`.

use module::{Arguments, Documented, Example, Failure, Host, Program, Returned};

use crate::{
    presence::Presence,
    seport::must_be_on,
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps which user of SELinux an account is.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["seuser"])))]
pub struct SeLogin {
    /// The account; `%` and a group for those of the group, `__default__` for all others.
    login: String,
    /// The user of SELinux.
    seuser: Option<String>,
    /// Its range of levels.
    #[argument(default = "s0", aliases("serange"))]
    selevel: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the policy is loaded anew.
    #[argument(default = true)]
    reload: bool,
    /// Whether it is done where SELinux is off too.
    #[argument(default = false)]
    ignore_selinux_state: bool,
}

impl Documented for SeLogin {
    const NAME: &'static str = "community.general.selogin";
    const ALIASES: &'static [&'static str] = &["selogin"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "All accounts that nothing else is said of",
        args: r#"{"login": "__default__", "seuser": "guest_u", "ignore_selinux_state": true}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("login", "The account.", "always", r#""__default__""#),
        Returned::new("seuser", "The user of SELinux.", "always", r#""guest_u""#),
        Returned::new("serange", "Its range.", "always", r#""s0""#),
        Returned::new("state", "Whether it is there.", "always", r#""present""#),
    ];
}

/// User and range of an account, of lines `root  unconfined_u  s0-s0:c0.c1023  *`.
fn find<'a>(text: &'a str, login: &str) -> Option<(&'a str, &'a str)> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(login)).then_some(())?;
        Some((words.next()?, words.next().unwrap_or_default()))
    })
}

impl Stepwise for SeLogin {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        must_be_on(host, self.ignore_selinux_state)?;
        let text = tool::ask(host, &Program::new("semanage").args(["login", "-l", "-n"]))?;
        let found = find(&text, &self.login);
        let mut program = Program::new("semanage").arg("login");
        if !self.reload {
            program = program.arg("-N");
        }
        let wanted = self.seuser.as_deref().filter(|_| self.state.is_present());
        let range = self.selevel.as_str();
        let program = match (found, wanted) {
            (Some(found), Some(user)) if found == (user, range) => None,
            (None, None) => None,
            (Some(_), None) => Some(program.args(["-d", &self.login])),
            (found, Some(user)) => {
                let verb = if found.is_some() { "-m" } else { "-a" };
                Some(program.args([verb, "-s", user, "-r", range, &self.login]))
            }
        };
        Ok(Steps::new(program)
            .with("login", self.login.clone())
            .with("seuser", self.seuser.clone())
            .with("serange", range)
            .with("state", self.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn accounts_are_users_of_selinux() {
        for (args, words) in [
            (json!({"login": "root", "seuser": "unconfined_u", "selevel": "s0-s0:c0.c1023"}), ""),
            (json!({"login": "root", "seuser": "root"}), "-m -s root -r s0 root"),
            (json!({"login": "%adm", "seuser": "staff_u"}), "-a -s staff_u -r s0 %adm"),
            (json!({"login": "root", "state": "absent", "reload": false}), "-N -d root"),
            (json!({"login": "gone", "state": "absent"}), ""),
        ] {
            let mut host = FakeHost::default();
            host.put("/sys/fs/selinux/enforce", "0");
            host.program("semanage", |files, program| {
                if program.args.join(" ") == "login -l -n" {
                    return Output::success("root   unconfined_u   s0-s0:c0.c1023   *\n");
                }
                files.put("/ran", program.args[1..].join(" "));
                Output::success("")
            });
            for check in [true, false] {
                let mode = Mode { check, diff: false };
                let response = run("selogin", &args, "", "", mode, &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, !words.is_empty()),
                    "{args}: {response:?}"
                );
                let ran = host.files.text("/ran").unwrap_or_default();
                assert_eq!(ran, if check { "" } else { words }, "{args}");
            }
        }
        for (args, words) in [
            (
                json!({"login": "root"}),
                "state is present but all of the following are missing: seuser",
            ),
            (json!({"login": "root", "state": "absent"}), "SELinux is disabled on this host."),
        ] {
            let mut host = FakeHost::default();
            let response = run("selogin", &args, "", "", Mode::default(), &mut host);
            assert_eq!(response.msg.as_deref(), Some(words));
        }
    }
}
