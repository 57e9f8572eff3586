//! The `rabbitmq_user` module of the collection `community.rabbitmq`.

use std::collections::BTreeMap;

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program};
use protocol::{Json, JsonMap, spec::Support};

use super::{Api, control, field, list};
use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// Keeps a user of RabbitMQ.
#[derive(Debug, Arguments)]
pub struct RabbitmqUser {
    /// The user.
    #[argument(aliases("username", "name"))]
    user: String,
    /// The password.
    #[argument(no_log)]
    password: Option<String>,
    /// Tags, with commas between them; others go.
    tags: Option<String>,
    /// What the user may do in virtual hosts: dicts of `vhost`, `configure_priv`, `write_priv` and
    /// `read_priv`; nothing is left to the user in others.
    permissions: Option<Vec<Permission>>,
    /// What the user may do with topics: dicts of `vhost`, `exchange`, `write_priv` and
    /// `read_priv`; nothing else is left.
    topic_permissions: Option<Vec<TopicPermission>>,
    /// The virtual host, where `permissions` are left out.
    #[argument(default = "/")]
    vhost: String,
    /// Pattern of what the user may configure there.
    #[argument(default = "^$")]
    configure_priv: String,
    /// Pattern of what the user may write to there.
    #[argument(default = "^$")]
    write_priv: String,
    /// Pattern of what the user may read there.
    #[argument(default = "^$")]
    read_priv: String,
    /// The node.
    #[argument(default = "rabbit")]
    node: String,
    /// Whether a user who is there is removed first.
    #[argument(default = false)]
    force: bool,
    /// Whether the password of a user who is there is kept too.
    #[argument(default = "on_create")]
    update_password: Update,
    /// Whether the user should be there.
    #[argument(default = "present")]
    state: Presence,
    #[argument(flatten)]
    api: Api,
}

/// What a user may do in a virtual host.
#[derive(Clone, Debug, Arguments)]
struct Permission {
    /// The virtual host.
    #[argument(default = "/")]
    vhost: String,
    /// Pattern of what may be configured.
    #[argument(default = "^$")]
    configure_priv: String,
    /// Pattern of what may be written to.
    #[argument(default = "^$")]
    write_priv: String,
    /// Pattern of what may be read.
    #[argument(default = "^$")]
    read_priv: String,
}

/// What a user may do with topics of an exchange.
#[derive(Clone, Debug, Arguments)]
struct TopicPermission {
    /// The virtual host.
    #[argument(default = "/")]
    vhost: String,
    /// The exchange.
    exchange: String,
    /// Pattern of what may be written to.
    #[argument(default = "^$")]
    write_priv: String,
    /// Pattern of what may be read.
    #[argument(default = "^$")]
    read_priv: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Update {
    OnCreate,
    Always,
}

impl Documented for RabbitmqUser {
    const NAME: &'static str = "community.rabbitmq.rabbitmq_user";
    const ALIASES: &'static [&'static str] = &["rabbitmq_user"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "One who may do all in a virtual host",
            args: r#"{"user": "web", "password": "pw", "vhost": "/app", "configure_priv": ".*", "write_priv": ".*", "read_priv": ".*"}"#,
        },
        Example { title: "None", args: r#"{"user": "guest", "state": "absent"}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

/// Patterns by where they hold.
type Granted = BTreeMap<Vec<String>, Vec<String>>;

fn granted(rows: &[JsonMap], places: &[&str], patterns: &[&str]) -> Granted {
    let texts = |row: &JsonMap, names: &[&str]| names.iter().map(|name| field(row, name)).collect();
    rows.iter().map(|row| (texts(row, places), texts(row, patterns))).collect()
}

impl RabbitmqUser {
    fn control(&self, words: &[&str]) -> Program {
        control(Some(&self.node), words)
    }

    fn rows(&self, host: &dyn Host, words: &[&str]) -> Result<Vec<JsonMap>, Failure> {
        list(host, Some(&self.node), words)
    }

    /// A program that reads the password where it is not seen.
    fn with_password(&self, verb: &str) -> Result<Program, Failure> {
        let password = self.password.as_deref().unwrap_or_default();
        self.control(&[verb, &self.user]).lines(&[password])
    }

    fn wanted_tags(&self) -> Vec<String> {
        let text = self.tags.as_deref().unwrap_or_default().replace(' ', "");
        text.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    }

    /// Programs that make one list of permissions of another.
    fn shift(&self, now: &Granted, wanted: &Granted, kind: &str) -> Vec<Program> {
        let words = |verb: &str, place: &[String], patterns: &[String]| {
            let vhost = place.first().map(String::as_str).unwrap_or_default();
            let rest = place.iter().skip(1).chain(patterns).cloned();
            self.control(&[verb, "-p", vhost, &self.user]).args(rest)
        };
        let gone = now.keys().filter(|place| !wanted.contains_key(*place));
        let clear = gone.map(|place| words(&format!("clear_{kind}"), place, &[]));
        let new = wanted.iter().filter(|(place, patterns)| now.get(*place) != Some(*patterns));
        clear
            .chain(new.map(|(place, patterns)| words(&format!("set_{kind}"), place, patterns)))
            .collect()
    }

    fn permissions(&self, host: &dyn Host, is_there: bool) -> Result<Vec<Program>, Failure> {
        let given = self.permissions.clone().unwrap_or_default();
        let is_of_one = given.is_empty();
        let all = if is_of_one {
            vec![Permission {
                vhost: self.vhost.clone(),
                configure_priv: self.configure_priv.clone(),
                write_priv: self.write_priv.clone(),
                read_priv: self.read_priv.clone(),
            }]
        } else {
            given
        };
        let wanted: Granted = all
            .into_iter()
            .map(|one| (vec![one.vhost], vec![one.configure_priv, one.write_priv, one.read_priv]))
            .collect();
        let mut now = match is_there {
            true => granted(
                &self.rows(host, &["list_user_permissions", &self.user])?,
                &["vhost"],
                &["configure", "write", "read"],
            ),
            false => Granted::new(),
        };
        now.retain(|place, _| !is_of_one || wanted.contains_key(place));
        let mut programs = self.shift(&now, &wanted, "permissions");
        let topics: Granted = self
            .topic_permissions
            .iter()
            .flatten()
            .map(|one| {
                let place = vec![one.vhost.clone(), one.exchange.clone()];
                (place, vec![one.write_priv.clone(), one.read_priv.clone()])
            })
            .collect();
        let now = match is_there {
            true => granted(
                &self.rows(host, &["list_user_topic_permissions", &self.user])?,
                &["vhost", "exchange"],
                &["write", "read"],
            ),
            false => Granted::new(),
        };
        programs.extend(self.shift(&now, &topics, "topic_permissions"));
        Ok(programs)
    }
}

impl Stepwise for RabbitmqUser {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let warnings = self.api.refuse()?;
        let is_bulk = self.permissions.as_ref().is_some_and(|all| !all.is_empty());
        let own = [&self.configure_priv, &self.write_priv, &self.read_priv];
        if is_bulk && (self.vhost != "/" || own.iter().any(|pattern| *pattern != "^$")) {
            return Err(Failure::new(
                "You can either provide permissions or any of the parameters: configure_priv, read_priv, vhost, write_priv",
            ));
        }
        let users = self.rows(host, &["list_users"])?;
        let found = users.iter().find(|row| field(row, "user") == self.user);
        let mut programs = Vec::new();
        if !self.state.is_present() {
            programs.extend(found.map(|_| self.control(&["delete_user", &self.user])));
        } else {
            let stays = found.is_some() && !self.force;
            if found.is_some() && self.force {
                programs.push(self.control(&["delete_user", &self.user]));
            }
            if !stays {
                programs.push(self.with_password("add_user")?);
            } else if self.update_password == Update::Always {
                let fits = host.query(&self.with_password("authenticate_user")?)?.is_success();
                programs
                    .extend((!fits).then(|| self.with_password("change_password")).transpose()?);
            }
            let mut wanted = self.wanted_tags();
            let tags = found.filter(|_| stays).and_then(|row| row.get("tags"));
            let mut now: Vec<String> = match tags {
                Some(Json::Array(tags)) => tags.iter().map(protocol::python::text).collect(),
                _ => Vec::new(),
            };
            wanted.sort();
            wanted.dedup();
            now.sort();
            if wanted != now {
                programs.push(self.control(&["set_user_tags", &self.user]).args(wanted));
            }
            programs.extend(self.permissions(host, stays)?);
        }
        Ok(Steps { warnings, ..Steps::new(programs) }
            .with("user", self.user.clone())
            .with("state", self.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, rabbitmq::fake};

    #[test]
    fn users_are_kept() {
        let mut host = FakeHost::default();
        fake::put(&mut host);
        let all = json!({"vhost": "/app", "configure_priv": ".*", "write_priv": ".*"});
        for (args, changed) in [
            (json!({"password": "a"}), true),
            (json!({"password": "a"}), false),
            (json!({"password": "b"}), false),
            (json!({"password": "b", "update_password": "always"}), true),
            (json!({"password": "b", "update_password": "always"}), false),
            (json!({"tags": "administrator, monitoring"}), true),
            (json!({"tags": "monitoring,administrator"}), false),
            (json!({}), true),
            (json!({"vhost": "/app", "read_priv": ".*"}), true),
            // The other virtual host is not looked at.
            (json!({}), false),
            (json!({"permissions": [all]}), true),
            (json!({"permissions": [all]}), false),
            (
                json!({"permissions": [all], "topic_permissions": [{"vhost": "/", "exchange": "x", "read_priv": ".*"}]}),
                true,
            ),
            (json!({"permissions": [all]}), true),
            (json!({"permissions": [all], "force": true}), true),
            (json!({"state": "absent"}), true),
            (json!({"state": "absent"}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("rabbitmq_user", &args, "user", "web", check, &mut host);
            let done = run("rabbitmq_user", &args, "user", "web", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (args, words) in [
            (json!({"login_host": "mq"}), "login_host=mq is not implemented"),
            (
                json!({"permissions": [{"vhost": "/a"}], "read_priv": ".*"}),
                "You can either provide",
            ),
            (json!({"topic_permissions": [{"vhost": "/"}]}), "exchange"),
            (json!({"password": "a\nb"}), "ends of lines"),
            (json!({"update_password": "never"}), "must be one of: on_create"),
        ] {
            let mut host = FakeHost::default();
            fake::put(&mut host);
            let done = run("rabbitmq_user", &args, "user", "web", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
