//! The `mysql_user` module of the collection `community.mysql`.

use std::collections::BTreeMap;

use module::{Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::{Json, JsonMap, python};
use serde::Serialize;

use super::{
    Login, Server,
    account::{self, Expiry, Requires},
    identifier, literal,
    privileges::{self, Privileges, Way},
    query::value,
};
use crate::presence::Presence;

mod identity;
use identity::native_hash;

/// Keeps a user of MySQL or MariaDB and what it may do.
///
/// Passwords are compared with the hash that the server keeps, where that is of
/// `mysql_native_password`; what plugins are given is set each time, unless `update_password` is
/// `on_create` or a `salt` is named.
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
    /// What else is kept of the user, of MySQL 8 alone; one that is null goes.
    attributes: Option<JsonMap>,
    /// When the password must be another.
    #[argument(choices("now", "never", "default", "interval"))]
    password_expire: Option<String>,
    /// The days of `interval`.
    password_expire_interval: Option<i64>,
    /// The 20 letters that `plugin_auth_string` is hashed with, for `caching_sha2_password` and
    /// `sha256_password`.
    salt: Option<String>,
    /// Whether names of columns in privileges are taken as they are written.
    column_case_sensitive: Option<bool>,
    /// Whether orders are given in the database `mysql`, for filters of replication.
    #[argument(default = false)]
    force_context: bool,
    /// Variables that are set for these orders.
    session_vars: Option<JsonMap>,
    /// Whether a login as `root` without a password is tried first.
    #[argument(default = false)]
    check_implicit_admin: bool,
    /// Whether changes go to the server's log.
    #[argument(default = true)]
    sql_log_bin: bool,
    #[argument(flatten)]
    login: Login,
}

impl Server for MysqlUser {
    fn login(&self) -> &Login {
        &self.login
    }

    fn tries_root(&self) -> bool {
        self.check_implicit_admin
    }

    fn head(&self) -> String {
        let mut head = String::new();
        if self.force_context {
            head.push_str("USE mysql;\n");
        }
        if !self.sql_log_bin {
            head.push_str("SET sql_log_bin = 0;\n");
        }
        for (name, one) in self.session_vars.iter().flatten() {
            head.push_str(&format!("SET SESSION {} = {};\n", identifier(name), value(one)));
        }
        head
    }
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
    requires: Option<Requires>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<Expiry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<JsonMap>,
    /// What is behind `IDENTIFIED` of a new one that takes the password of one from elsewhere.
    #[serde(skip)]
    reused: Option<String>,
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
        Returned::new("attributes", "What else is kept of the user.", "always", "{}"),
    ];
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
                literal(&self.host.to_lowercase())
            ),
        };
        let rows = self.rows(host, &query)?;
        Ok(rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }

    /// How the server would make the account again.
    fn creation(&self, host: &dyn Host, from: &str) -> Result<String, Failure> {
        let rows = self.rows(host, &format!("SHOW CREATE USER {}", self.account(from)))?;
        Ok(rows.into_iter().flatten().next().unwrap_or_default())
    }

    fn wanted_privileges(&self, now: Privileges) -> Result<Option<Privileges>, Failure> {
        let Some(given) = &self.privileges else { return Ok(None) };
        let mut wanted = privileges::parse(given)?;
        if self.column_case_sensitive != Some(true) {
            wanted = privileges::with_large_columns(wanted);
        }
        let way = match (self.append_privs, self.subtract_privs) {
            (_, true) => Way::Subtract,
            (true, _) => Way::Append,
            _ => Way::Replace,
        };
        Ok(Some(privileges::wanted(wanted, now, way)))
    }

    fn desired(&self, host: &dyn Host, actual: &Account, is_new: bool) -> Result<Account, Failure> {
        let sets_password = is_new || self.update_password == UpdatePassword::Always;
        let mut desired = Account { is_there: true, ..Account::default() };
        match self.password() {
            Some(_) => desired.has_password = Some(true).filter(|_| sets_password),
            None => desired.plugin = self.plugin.clone().filter(|_| sets_password),
        }
        if is_new && self.update_password == UpdatePassword::OnNewUsername {
            let is_mariadb = account::is_mariadb(self, host)?;
            let there = account::authentications(self, host, &self.name, None, is_mariadb)?;
            if let [(plugin, hash)] = there.as_slice() {
                (desired.has_password, desired.plugin) = (None, None);
                desired.reused = Some(format!("IDENTIFIED WITH {plugin} AS {}", literal(hash)));
            }
        }
        desired.is_locked = self.locked;
        desired.requires = Some(account::wanted_requires(self.tls_requires.as_ref()));
        desired.expiry = self.expiry()?;
        desired.privileges =
            self.wanted_privileges(actual.privileges.clone().unwrap_or_default())?;
        if let Some(limits) = self.resource_limits.as_ref().filter(|limits| !limits.is_empty()) {
            desired.limits = account::wanted_limits(limits, account::is_mariadb(self, host)?)?;
        }
        if let Some(given) = self.attributes.as_ref().filter(|given| !given.is_empty()) {
            let mut all = actual.attributes.clone().unwrap_or_default();
            for (name, value) in given {
                all.insert(name.clone(), value.clone());
            }
            all.retain(|_, value| !value.is_null());
            desired.attributes = Some(all);
        }
        Ok(desired)
    }

    fn actual(&self, host: &dyn Host, from: &str) -> Result<Account, Failure> {
        let mut actual = Account { is_there: true, ..Account::default() };
        let made = self.creation(host, from)?;
        if let Some(password) = self.password() {
            let wanted = if self.encrypted { password.clone() } else { native_hash(password) };
            actual.has_password = Some(made.to_uppercase().contains(&wanted.to_uppercase()));
        }
        if let Some(plugin) = self.plugin.as_ref().filter(|_| self.password().is_none()) {
            let now =
                made.split_once("IDENTIFIED VIA ").or_else(|| made.split_once("IDENTIFIED WITH "));
            let now = now.and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
            let now = now.trim_matches(['\'', '`']);
            // What is behind a plugin is compared where it can be seen.
            let fits = match self.plugin_hash().or_else(|| self.plugin_auth_string.clone()) {
                None => true,
                Some(hash) => {
                    let is_mariadb = account::is_mariadb(self, host)?;
                    let there =
                        account::authentications(self, host, &self.name, Some(from), is_mariadb)?;
                    there.iter().any(|(_, kept)| *kept == hash)
                }
            };
            actual.plugin = Some(if fits { now.to_owned() } else { format!("{now} (other)") });
            if now.eq_ignore_ascii_case(plugin) && fits {
                actual.plugin = Some(plugin.clone());
            }
        }
        if self.locked.is_some() {
            actual.is_locked = Some(made.contains("ACCOUNT LOCK"));
        }
        actual.requires = Some(account::requires(&made));
        if self.privileges.is_some() {
            let rows = self.rows(host, &format!("SHOW GRANTS FOR {}", self.account(from)))?;
            let lines = rows.into_iter().filter_map(|row| row.into_iter().next());
            let mut now = privileges::parse_grants(lines);
            if self.column_case_sensitive != Some(true) {
                now = privileges::with_large_columns(now);
            }
            actual.privileges = Some(now);
        }
        let place = (self.name.as_str(), from);
        if let Some(limits) = self.resource_limits.as_ref().filter(|limits| !limits.is_empty()) {
            let is_mariadb = account::is_mariadb(self, host)?;
            let wanted = account::wanted_limits(limits, is_mariadb)?;
            let now = account::limits(self, host, place, is_mariadb)?;
            let of = |name: &String| now.get(name).and_then(Json::as_f64).unwrap_or_default();
            actual.limits = wanted.keys().map(|name| (name.clone(), of(name) as i64)).collect();
        }
        if let Some(expiry) = self.expiry()? {
            actual.expiry = Some(account::expiry(self, host, place, &expiry)?);
        }
        if self.attributes.as_ref().is_some_and(|given| !given.is_empty()) {
            actual.attributes = Some(self.kept_attributes(host, from)?.unwrap_or_default());
        }
        Ok(actual)
    }

    /// Attributes as they are told: those that would be, or those that are there.
    fn told_attributes(
        &self,
        delta: &Delta<Accounts>,
        host: &dyn Host,
    ) -> Result<Option<Json>, Failure> {
        let Some((from, account)) = delta.desired.last().filter(|(_, account)| account.is_there)
        else {
            return Ok(None);
        };
        let all = match &account.attributes {
            Some(wanted) => Some(wanted.clone()),
            None => account::attributes(self, host, (&self.name, from))?,
        };
        // A server that keeps none is told to have an empty list of them.
        Ok(match all {
            Some(all) if all.is_empty() => None,
            Some(all) => Some(all.into()),
            None => Some(JsonMap::new().into()),
        })
    }

    /// Refuses attributes of a new account on a server that keeps none.
    fn kept_attributes_of_new(&self, host: &dyn Host) -> Result<(), Failure> {
        match self.attributes.as_ref().filter(|given| !given.is_empty()) {
            Some(_) => self.kept_attributes(host, &self.host).map(drop),
            None => Ok(()),
        }
    }

    /// Attributes of the account; a task that names some needs a server that keeps them.
    fn kept_attributes(&self, host: &dyn Host, from: &str) -> Result<Option<JsonMap>, Failure> {
        let kept = account::attributes(self, host, (&self.name, from))?;
        let asks = self.attributes.as_ref().is_some_and(|given| !given.is_empty());
        match (kept, asks) {
            (None, true) => Err(Failure::new(
                "user attributes were specified but the server does not support user attributes",
            )),
            (kept, _) => Ok(kept),
        }
    }

    /// Orders that make an account what it should be.
    fn orders(&self, from: &str, actual: &Account, desired: &Account) -> Vec<String> {
        let account = self.account(from);
        if !desired.is_there {
            return vec![format!("DROP USER {account}")];
        }
        let mut orders = Vec::new();
        let identification = desired.reused.clone().or_else(|| self.identification());
        let identification = identification.unwrap_or_default();
        let none = Requires::new();
        let (now, wanted) =
            (actual.requires.as_ref().unwrap_or(&none), desired.requires.as_ref().unwrap_or(&none));
        let mut tail = String::new();
        if now != wanted {
            tail.push_str(&format!(" REQUIRE {}", account::requires_words(wanted)));
        }
        let others =
            desired.limits.iter().filter(|(name, limit)| actual.limits.get(*name) != Some(limit));
        let others: Vec<String> = others.map(|(name, limit)| format!("{name} {limit}")).collect();
        if !others.is_empty() {
            tail.push_str(&format!(" WITH {}", others.join(" ")));
        }
        if !actual.is_there {
            let order = format!("CREATE USER {account} {identification}");
            orders.push(format!("{}{tail}", order.trim_end()));
        } else if (actual.has_password, &actual.plugin) != (desired.has_password, &desired.plugin) {
            orders.push(format!("ALTER USER {account} {identification}{tail}"));
        } else if !tail.is_empty() {
            orders.push(format!("ALTER USER {account}{tail}"));
        }
        if let Some(expiry) = desired.expiry.as_ref().filter(|_| actual.expiry != desired.expiry) {
            orders.push(format!("ALTER USER {account} {}", expiry.words()));
        }
        if let Some(locked) =
            desired.is_locked.filter(|locked| actual.is_locked.unwrap_or_default() != *locked)
        {
            let word = if locked { "LOCK" } else { "UNLOCK" };
            orders.push(format!("ALTER USER {account} ACCOUNT {word}"));
        }
        if let Some(wanted) = &desired.privileges {
            let none = Privileges::new();
            let now = actual.privileges.as_ref().unwrap_or(&none);
            orders.extend(privileges::orders(now, wanted, &account));
        }
        if desired.attributes != actual.attributes {
            let given = self.attributes.clone().unwrap_or_default();
            let given = literal(&Json::Object(given).to_string());
            orders.push(format!("ALTER USER {account} ATTRIBUTE {given}"));
        }
        orders
    }
}

impl Module for MysqlUser {
    type State = Accounts;

    fn check(&self, host: &dyn Host) -> Result<Delta<Accounts>, Failure> {
        self.refuse()?;
        let hosts = self.hosts(host)?;
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
            if self.host_all {
                return Err(Failure::new("host_all parameter cannot be used when adding a user"));
            }
            self.kept_attributes_of_new(host)?;
            let mut new = self.desired(host, &gone(), true)?;
            // Privileges that are taken away are none to give.
            new.privileges = new.privileges.filter(|_| !self.subtract_privs);
            return Ok(Delta::new(
                vec![(self.host.to_lowercase(), gone())],
                vec![(self.host.to_lowercase(), new)],
            ));
        }
        let mut delta = Delta::new(Accounts::new(), Accounts::new());
        for from in hosts {
            let mut actual = self.actual(host, &from)?;
            let desired = self.desired(host, &actual, false)?;
            if desired.has_password.is_none() {
                actual.has_password = None;
            }
            if desired.plugin.is_none() {
                actual.plugin = None;
            }
            delta.actual.push((from.clone(), actual));
            delta.desired.push((from, desired));
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Accounts>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let pairs = delta.actual.iter().zip(&delta.desired);
        let orders: Vec<String> = pairs
            .flat_map(|((from, actual), (_, desired))| self.orders(from, actual, desired))
            .collect();
        self.run(host, &orders)?;
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
            // What a plugin made of what it was given cannot be compared either.
            if self.plugin_auth_string.is_some() && self.salt.is_none() {
                account.plugin = None;
            }
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

    fn returned(&self, delta: &Delta<Accounts>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut msg = match (self.state.is_present(), delta.is_change()) {
            (true, _) => "User unchanged".to_owned(),
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
            password_changed |= match actual.is_there {
                true => is_other || actual.expiry != desired.expiry,
                false => desired.reused.is_none(),
            };
            if !actual.is_there {
                msg = "User added".into();
                continue;
            }
            if is_other {
                let is_native = self.password().is_some();
                msg = if is_native { "Password updated (new style)" } else { "User unchanged" }
                    .into();
            }
            if let (Some(now), Some(wanted)) = (&actual.privileges, &desired.privileges) {
                msg = privileges::told(now, wanted).unwrap_or(msg);
            }
            if actual.attributes != desired.attributes {
                let others = self.attributes.iter().flatten().filter(|(name, value)| {
                    actual.attributes.as_ref().and_then(|all| all.get(*name)) != Some(*value)
                });
                let others: Vec<String> = others
                    .map(|(name, value)| format!("{name}: {}", python::text(value)))
                    .collect();
                msg = format!("Attributes updated: {}", others.join(", "));
            }
            if let Some(locked) =
                desired.is_locked.filter(|_| actual.is_locked != desired.is_locked)
            {
                msg = if locked { "User locked" } else { "User unlocked" }.into();
            }
            if actual.requires != desired.requires {
                msg = "TLS requires updated".into();
            }
        }
        let attributes =
            self.told_attributes(delta, host)?.filter(|_| !is_new || self.attributes.is_some());
        Ok(JsonMap::from_iter([
            ("user".to_owned(), self.name.clone().into()),
            ("msg".to_owned(), msg.into()),
            ("password_changed".to_owned(), password_changed.into()),
            ("attributes".to_owned(), attributes.unwrap_or_default()),
        ]))
    }
}

#[cfg(test)]
mod tests;
