//! The `mysql_user` module of the collection `community.mysql`.

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Returned,
    content::{Algorithm, bytes_digest},
};
use protocol::{Json, JsonMap, python};
use serde::Serialize;

use super::{
    Login, literal,
    privileges::{self, Privileges},
};
use crate::{hmac::digest, presence::Presence};

/// Keeps a user of MySQL or MariaDB and what it may do.
///
/// Passwords are compared with the hash that the server keeps, where that is of
/// `mysql_native_password`; with other plugins a password is set each time, unless
/// `update_password` is `on_create`.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["append_privs", "subtract_privs"]))]
pub struct MysqlUser {
    /// The user.
    #[argument(aliases("user"))]
    name: String,
    /// The user's password.
    #[argument(no_log)]
    password: Option<String>,
    /// Whether `password` is a hash of `mysql_native_password`.
    #[argument(default = false)]
    encrypted: bool,
    /// From where the user logs in.
    #[argument(default = "localhost")]
    host: String,
    /// Whether it is about the user from wherever.
    #[argument(default = false)]
    host_all: bool,
    /// Privileges: `db.table:PRIV,PRIV/...`, or a dict.
    #[argument(name = "priv")]
    privileges: Option<Json>,
    /// Whether other privileges stay.
    #[argument(default = false)]
    append_privs: bool,
    /// Whether the privileges are those that go.
    #[argument(default = false)]
    subtract_privs: bool,
    /// Whether the user is there.
    #[argument(default = "present")]
    state: Presence,
    /// When a password is set.
    #[argument(default = "always")]
    update_password: UpdatePassword,
    /// The plugin that the user is known by.
    plugin: Option<String>,
    /// What that plugin is given.
    #[argument(no_log)]
    plugin_auth_string: Option<String>,
    /// A hash that that plugin is given.
    #[argument(no_log)]
    plugin_hash_string: Option<String>,
    /// How a connection must be secure: `{"SSL": null}` and the like.
    tls_requires: Option<JsonMap>,
    /// What the user may take: `{"MAX_QUERIES_PER_HOUR": 10}`.
    resource_limits: Option<JsonMap>,
    /// Whether nobody may log in as the user.
    locked: Option<bool>,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum UpdatePassword {
    Always,
    OnCreate,
    OnNewUsername,
}

/// A user, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Account {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_password: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privileges: Option<Privileges>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_locked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires: Option<String>,
}

/// The accounts of all hosts that the task is about, by host.
type Accounts = Vec<(String, Account)>;

impl Documented for MysqlUser {
    const NAME: &'static str = "community.mysql.mysql_user";
    const ALIASES: &'static [&'static str] = &["mysql_user", "ansible.mysql.mysql_user"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A user of one database",
            args: r#"{"name": "web", "password": "secret", "priv": "app.*:ALL"}"#,
        },
        Example { title: "Nobody", args: r#"{"name": "", "host_all": true, "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("user", "The user.", "always", r#""web""#),
        Returned::new("password_changed", "Whether it is another.", "always", "true"),
        Returned::new("attributes", "None: they are not kept here.", "always", "{}"),
    ];
}

/// What `mysql_native_password` keeps.
fn native_hash(password: &str) -> String {
    let first = digest(Algorithm::Sha1, password.as_bytes());
    format!("*{}", bytes_digest(Algorithm::Sha1, &first).to_uppercase())
}

impl MysqlUser {
    fn account(&self, host: &str) -> String {
        format!("{}@{}", literal(&self.name), literal(host))
    }

    fn hosts(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let user = literal(&self.name);
        let query = match self.host_all {
            true => format!("SELECT Host FROM mysql.user WHERE User = {user} ORDER BY Host"),
            false => format!(
                "SELECT Host FROM mysql.user WHERE User = {user} AND Host = {}",
                literal(&self.host)
            ),
        };
        let rows = self.login.rows(host, &query)?;
        Ok(rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }

    /// How the server would make the account again.
    fn creation(&self, host: &dyn Host, from: &str) -> Result<String, Failure> {
        let rows = self.login.rows(host, &format!("SHOW CREATE USER {}", self.account(from)))?;
        Ok(rows.into_iter().flatten().next().unwrap_or_default())
    }

    fn requires(&self) -> Option<String> {
        let wanted = self.tls_requires.as_ref()?;
        let mut words: Vec<String> = wanted
            .iter()
            .map(|(name, value)| match value {
                Json::Null => name.to_uppercase(),
                other => format!("{} {}", name.to_uppercase(), literal(&python::text(other))),
            })
            .collect();
        words.sort();
        Some(if words.is_empty() { "NONE".into() } else { words.join(" AND ") })
    }

    /// What goes behind `IDENTIFIED`; nothing where the task says nothing.
    fn identification(&self) -> Option<String> {
        if let Some(plugin) = &self.plugin {
            let plugin =
                plugin.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_', "");
            return Some(match (&self.plugin_hash_string, &self.plugin_auth_string) {
                (Some(hash), _) => format!("IDENTIFIED WITH {plugin} AS {}", literal(hash)),
                (None, Some(text)) => format!("IDENTIFIED WITH {plugin} BY {}", literal(text)),
                (None, None) => format!("IDENTIFIED WITH {plugin}"),
            });
        }
        let password = self.password.as_ref()?;
        Some(match self.encrypted {
            true => format!("IDENTIFIED WITH mysql_native_password AS {}", literal(password)),
            false => format!("IDENTIFIED BY {}", literal(password)),
        })
    }

    fn desired(&self, actual: &Account, is_new: bool) -> Result<Account, Failure> {
        let sets_password = is_new || self.update_password == UpdatePassword::Always;
        let mut desired = Account { is_there: true, ..Account::default() };
        if self.plugin.is_none() {
            desired.has_password = self.password.as_ref().filter(|_| sets_password).map(|_| true);
        }
        desired.plugin.clone_from(&self.plugin);
        desired.is_locked = self.locked;
        desired.requires = self.requires();
        if let Some(given) = &self.privileges {
            let wanted = privileges::parse(given)?;
            let mut now = actual.privileges.clone().unwrap_or_default();
            desired.privileges = Some(if self.subtract_privs {
                for (place, words) in &wanted {
                    if let Some(there) = now.get_mut(place) {
                        there.retain(|word| !words.contains(word));
                    }
                }
                now.retain(|_, words| !words.is_empty());
                now
            } else if self.append_privs {
                for (place, words) in wanted {
                    let there = now.entry(place).or_default();
                    // Who may do all may do each.
                    if !there.contains("ALL") {
                        there.extend(words);
                    }
                }
                now
            } else {
                let mut wanted = wanted;
                for words in wanted.values_mut() {
                    words.remove("USAGE");
                }
                wanted.retain(|_, words| !words.is_empty());
                wanted
            });
        }
        Ok(desired)
    }

    fn actual(&self, host: &dyn Host, from: &str) -> Result<Account, Failure> {
        let mut actual = Account { is_there: true, ..Account::default() };
        let made = self.creation(host, from)?;
        if let Some(password) = &self.password {
            let wanted = if self.encrypted { password.clone() } else { native_hash(password) };
            actual.has_password = Some(match password.is_empty() {
                true => !made.contains(" AS '") && !made.contains("BY PASSWORD"),
                false => made.to_uppercase().contains(&wanted.to_uppercase()),
            });
        }
        if let Some(plugin) = &self.plugin {
            let now =
                made.split_once("IDENTIFIED VIA ").or_else(|| made.split_once("IDENTIFIED WITH "));
            let now = now.and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
            let now = now.trim_matches(['\'', '`']);
            // What is behind a plugin is compared where it can be seen.
            let fits = [&self.plugin_hash_string]
                .into_iter()
                .flatten()
                .all(|hash| made.contains(hash.as_str()));
            actual.plugin = Some(if fits { now.to_owned() } else { format!("{now} (other)") });
            if now.eq_ignore_ascii_case(plugin) && fits {
                actual.plugin = Some(plugin.clone());
            }
        }
        if self.locked.is_some() {
            actual.is_locked = Some(made.contains("ACCOUNT LOCK"));
        }
        if self.tls_requires.is_some() {
            let rest = made.split_once(" REQUIRE ").map(|(_, rest)| rest).unwrap_or("NONE");
            let end = [" WITH ", " PASSWORD ", " ACCOUNT "]
                .iter()
                .filter_map(|word| rest.find(word))
                .min();
            let mut words: Vec<&str> = rest
                .get(..end.unwrap_or(rest.len()))
                .unwrap_or_default()
                .split(" AND ")
                .map(str::trim)
                .collect();
            words.sort_unstable();
            actual.requires = Some(words.join(" AND "));
        }
        if self.privileges.is_some() {
            let rows = self.login.rows(host, &format!("SHOW GRANTS FOR {}", self.account(from)))?;
            let lines = rows.into_iter().filter_map(|row| row.into_iter().next());
            actual.privileges = Some(privileges::parse_grants(lines));
        }
        Ok(actual)
    }

    fn limits(&self) -> Result<String, Failure> {
        let mut words = String::new();
        for (name, value) in self.resource_limits.iter().flatten() {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let number = python::text(value).parse::<u64>().ok().filter(|_| is_name);
            let number = number
                .ok_or_else(|| Failure::new(format!("resource_limits: {name} is no limit")))?;
            words.push_str(&format!(" {} {number}", name.to_uppercase()));
        }
        Ok(if words.is_empty() { words } else { format!(" WITH{words}") })
    }
}

impl Module for MysqlUser {
    type State = Accounts;

    fn check(&self, host: &dyn Host) -> Result<Delta<Accounts>, Failure> {
        let hosts = self.hosts(host)?;
        self.limits()?;
        let gone = || Account::default();
        if !self.state.is_present() {
            let there =
                |from: &String| (from.clone(), Account { is_there: true, ..Account::default() });
            let desired = hosts.iter().map(|from| (from.clone(), gone())).collect();
            // What is gone is not found by a second look, and is no difference.
            let actual: Accounts = hosts.iter().map(there).collect();
            return Ok(Delta::new(actual, desired));
        }
        if hosts.is_empty() {
            let new = self.desired(&gone(), true)?;
            return Ok(Delta::new(
                vec![(self.host.clone(), gone())],
                vec![(self.host.clone(), new)],
            ));
        }
        let mut delta = Delta::new(Accounts::new(), Accounts::new());
        for from in hosts {
            let mut actual = self.actual(host, &from)?;
            let desired = self.desired(&actual, false)?;
            if desired.has_password.is_none() {
                actual.has_password = None;
            }
            delta.actual.push((from.clone(), actual));
            delta.desired.push((from, desired));
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Accounts>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let mut orders = Vec::new();
        for ((from, actual), (_, desired)) in delta.actual.iter().zip(&delta.desired) {
            let account = self.account(from);
            if !desired.is_there {
                orders.push(format!("DROP USER {account}"));
                continue;
            }
            let identification = self.identification().unwrap_or_default();
            let requires =
                desired.requires.as_ref().filter(|_| actual.requires != desired.requires);
            let mut tail = requires.map(|words| format!(" REQUIRE {words}")).unwrap_or_default();
            if !actual.is_there {
                tail.push_str(&self.limits()?);
                orders.push(
                    format!("CREATE USER {account} {identification}{tail}").trim_end().to_owned(),
                );
            } else if (actual.has_password, &actual.plugin)
                != (desired.has_password, &desired.plugin)
            {
                orders.push(format!("ALTER USER {account} {identification}{tail}"));
            } else if !tail.is_empty() {
                orders.push(format!("ALTER USER {account}{tail}"));
            }
            if let Some(locked) =
                desired.is_locked.filter(|_| actual.is_locked != desired.is_locked)
            {
                let word = if locked { "LOCK" } else { "UNLOCK" };
                orders.push(format!("ALTER USER {account} ACCOUNT {word}"));
            }
            if let Some(wanted) = &desired.privileges {
                let none = Privileges::new();
                let now = actual.privileges.as_ref().unwrap_or(&none);
                orders.extend(privileges::orders(now, wanted, &account));
            }
        }
        self.login.run(host, &orders)?;
        Ok(JsonMap::new())
    }

    /// Of a password that only the server can compare, nothing is known afterwards.
    fn look_again(
        &self,
        done: &Delta<Accounts>,
        host: &dyn Host,
    ) -> Result<Delta<Accounts>, Failure> {
        let mut delta = self.check(host)?;
        for (_, account) in delta.actual.iter_mut().chain(&mut delta.desired) {
            account.has_password = None;
        }
        // `ALL` of a place may be told as a list of its own.
        if done.desired.iter().any(|(_, account)| {
            account
                .privileges
                .as_ref()
                .is_some_and(|all| all.values().any(|words| words.contains("ALL")))
        }) {
            for (_, account) in delta.actual.iter_mut().chain(&mut delta.desired) {
                account.privileges = None;
            }
        }
        Ok(delta)
    }

    fn returned(&self, delta: &Delta<Accounts>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let mut msg = match (self.state.is_present(), delta.is_change()) {
            (true, false) => "User unchanged".to_owned(),
            (true, true) => "User changed".to_owned(),
            (false, true) => "User deleted".to_owned(),
            (false, false) => "User doesn't exist".to_owned(),
        };
        let (mut is_new, mut password_changed) = (false, false);
        for ((_, actual), (_, desired)) in delta.actual.iter().zip(&delta.desired) {
            if !desired.is_there {
                continue;
            }
            is_new |= !actual.is_there;
            let is_other =
                (actual.has_password, &actual.plugin) != (desired.has_password, &desired.plugin);
            password_changed |= is_other || !actual.is_there;
            if !actual.is_there {
                msg = "User added".into();
                continue;
            }
            if is_other {
                msg = "Password updated (new style)".into();
            }
            if let (Some(now), Some(wanted)) = (&actual.privileges, &desired.privileges) {
                msg = privileges::told(now, wanted).unwrap_or(msg);
            }
        }
        // Attributes are not kept here: a user that is there is told to have none.
        let attributes = match self.state.is_present() && !is_new {
            true => Json::Object(JsonMap::new()),
            false => Json::Null,
        };
        Ok(JsonMap::from_iter([
            ("user".to_owned(), self.name.clone().into()),
            ("msg".to_owned(), msg.into()),
            ("password_changed".to_owned(), password_changed.into()),
            ("attributes".to_owned(), attributes),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use super::native_hash;
    use crate::{cases::run, fake_databases::put_mysql};

    #[test]
    fn users_are_kept() {
        let mut host = FakeHost::default();
        put_mysql(&mut host);
        for (args, changed) in [
            (json!({"name": "web", "password": "pw", "priv": "app.*:SELECT"}), true),
            (json!({"name": "web", "password": "pw", "priv": "app.*:SELECT"}), false),
            (json!({"name": "web", "password": "new"}), true),
            (json!({"name": "web", "password": "pw", "update_password": "on_create"}), false),
            (json!({"name": "web", "priv": "app.*:INSERT", "append_privs": true}), true),
            (json!({"name": "web", "priv": "app.*:SELECT,INSERT"}), false),
            (json!({"name": "web", "priv": "app.*:INSERT", "subtract_privs": true}), true),
            (json!({"name": "web", "state": "absent"}), true),
            (json!({"name": "web", "state": "absent"}), false),
        ] {
            let response =
                run("mysql_user", &args, "", "", Mode { check: false, diff: true }, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
            assert!(!format!("{response:?}").contains("'pw'"));
        }
        assert_eq!(native_hash("password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    }

    #[test]
    fn what_is_no_user_is_refused() {
        for (args, words) in [
            (json!({"name": "a", "priv": "app.*"}), "invalid privileges string"),
            (json!({"name": "a", "resource_limits": {"x y": 1}}), "is no limit"),
            (
                json!({"name": "a", "append_privs": true, "subtract_privs": true}),
                "mutually exclusive",
            ),
            (json!({"name": "a", "password_expire": "now"}), "Unsupported parameters"),
        ] {
            let mut host = FakeHost::default();
            put_mysql(&mut host);
            let response = run("mysql_user", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
