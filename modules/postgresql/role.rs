//! The `postgresql_user` module of the collection `community.postgresql`.

use std::collections::BTreeMap;

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::{Json, JsonMap, python};
use serde::Serialize;

use super::{Login, identifier, literal, password, text};
use crate::presence::Presence;

/// What a role may do, and where `pg_roles` keeps it.
const FLAGS: [(&str, &str); 7] = [
    ("SUPERUSER", "rolsuper"),
    ("CREATEROLE", "rolcreaterole"),
    ("CREATEDB", "rolcreatedb"),
    ("INHERIT", "rolinherit"),
    ("LOGIN", "rolcanlogin"),
    ("REPLICATION", "rolreplication"),
    ("BYPASSRLS", "rolbypassrls"),
];

/// Keeps a role of PostgreSQL that people log in as.
///
/// Passwords are compared with the hash that the server keeps, which takes a superuser; where it
/// cannot be seen, a password is set each time. Privileges are kept with `postgresql_privs`.
#[derive(Debug, Arguments)]
pub struct PostgresqlUser {
    /// The role.
    #[argument(aliases("user"))]
    name: String,
    /// Its password, plain or as the server keeps it; an empty text takes it away.
    #[argument(no_log)]
    password: Option<String>,
    /// The database that is connected to.
    #[argument(default = "", aliases("db"))]
    login_db: String,
    /// Whether a role that cannot be removed is a failure.
    #[argument(default = true, aliases("fail_on_role"))]
    fail_on_user: bool,
    /// Privileges of the old form, which are not kept here.
    #[argument(name = "priv")]
    priv_: Option<String>,
    /// What it may do: `CREATEDB,NOSUPERUSER`.
    #[argument(default = "")]
    role_attr_flags: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Kept for old playbooks: the server always encrypts.
    #[argument(default = true)]
    #[expect(dead_code, reason = "no server keeps plain passwords any more")]
    encrypted: bool,
    /// Until when its password is good.
    expires: Option<String>,
    /// Whether the password of a role that is there is left alone.
    #[argument(default = false)]
    no_password_changes: bool,
    /// How many may be connected as it.
    conn_limit: Option<i64>,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    /// Settings of its sessions.
    configuration: Option<JsonMap>,
    /// Whether settings that are not named go.
    #[argument(default = false)]
    reset_unspecified_configuration: bool,
    /// Whether values of settings are quoted.
    #[argument(default = true)]
    quote_configuration_values: bool,
    #[argument(flatten)]
    login: Login,
}

/// The role, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Role {
    is_there: bool,
    /// Whether the password is the wanted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_password: Option<bool>,
    flags: BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn_limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    configuration: BTreeMap<String, String>,
}

impl Documented for PostgresqlUser {
    const NAME: &'static str = "community.postgresql.postgresql_user";
    const ALIASES: &'static [&'static str] = &["postgresql_user"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A role", args: r#"{"name": "web"}"# },
        Example { title: "None", args: r#"{"name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "queries",
        "Orders that were given.",
        "always",
        r#"["DROP USER \"old\""]"#,
    )];
}

impl PostgresqlUser {
    fn database(&self) -> &str {
        if self.login_db.is_empty() { "postgres" } else { &self.login_db }
    }

    fn flags(&self) -> Result<BTreeMap<String, bool>, Failure> {
        let mut flags = BTreeMap::new();
        for word in self.role_attr_flags.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let word = word.to_uppercase();
            let known = |name: &str| FLAGS.iter().any(|(flag, _)| *flag == name);
            match word.strip_prefix("NO").filter(|bare| known(bare)) {
                Some(bare) => flags.insert(bare.to_owned(), false),
                None if known(&word) => flags.insert(word, true),
                None => {
                    return Err(Failure::new(format!("Invalid role_attr_flags specified: {word}")));
                }
            };
        }
        Ok(flags)
    }

    fn find(&self, host: &dyn Host) -> Result<Option<JsonMap>, Failure> {
        let name = literal(&self.name);
        let expires = match &self.expires {
            Some(expires) => format!("{}::timestamptz = rolvaliduntil", literal(expires)),
            None => "NULL".into(),
        };
        let query = format!(
            "SELECT r.*, shobj_description(r.oid, 'pg_authid') AS comment, ({expires}) AS expires_so \
             FROM pg_roles r WHERE rolname = {name}"
        );
        Ok(self.login.rows(host, self.database(), &query)?.into_iter().next())
    }

    /// What the server keeps of the password; `None` where it cannot be seen.
    fn kept_password(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        let query =
            format!("SELECT rolpassword FROM pg_authid WHERE rolname = {}", literal(&self.name));
        match self.login.rows(host, self.database(), &query) {
            Ok(rows) => Ok(rows.first().map(|row| text(row, "rolpassword"))),
            Err(failure) if failure.msg.contains("permission denied") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether something is the role's own or names it, so that it cannot go.
    fn is_held(&self, host: &dyn Host) -> Result<bool, Failure> {
        let query = format!(
            "SELECT 1 AS held FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND \
             refobjid = (SELECT oid FROM pg_roles WHERE rolname = {}) LIMIT 1",
            literal(&self.name)
        );
        Ok(!self.login.rows(host, self.database(), &query)?.is_empty())
    }

    fn wanted_configuration(&self) -> BTreeMap<String, String> {
        let pair = |(name, value): (&String, &Json)| (name.to_lowercase(), python::text(value));
        self.configuration.iter().flatten().map(pair).collect()
    }

    /// The orders that make what is into what should be.
    fn orders(&self, actual: &Role, desired: &Role) -> Vec<String> {
        let name = identifier(&self.name);
        let mut orders = Vec::new();
        if !desired.is_there {
            return if actual.is_there { vec![format!("DROP USER {name}")] } else { orders };
        }
        let mut words = Vec::new();
        if actual.has_password != desired.has_password {
            words.push(match self.password.as_deref() {
                None | Some("") => "WITH PASSWORD NULL".to_owned(),
                Some(password) => format!("WITH ENCRYPTED PASSWORD {}", literal(password)),
            });
        }
        for (flag, wanted) in &desired.flags {
            if actual.flags.get(flag) != Some(wanted) {
                words.push(format!("{}{flag}", if *wanted { "" } else { "NO" }));
            }
        }
        if actual.expires != desired.expires {
            words.push(format!(
                "VALID UNTIL {}",
                literal(desired.expires.as_deref().unwrap_or("infinity"))
            ));
        }
        if let Some(limit) =
            desired.conn_limit.as_ref().filter(|_| actual.conn_limit != desired.conn_limit)
        {
            words.push(format!("CONNECTION LIMIT {limit}"));
        }
        let verb = if actual.is_there { "ALTER" } else { "CREATE" };
        if !words.is_empty() || !actual.is_there {
            orders.push(format!("{verb} USER {name} {}", words.join(" ")).trim_end().to_owned());
        }
        if let Some(comment) =
            desired.comment.as_ref().filter(|_| actual.comment != desired.comment)
        {
            orders.push(format!("COMMENT ON ROLE {name} IS {}", literal(comment)));
        }
        for (setting, value) in &desired.configuration {
            if actual.configuration.get(setting) != Some(value) {
                let value =
                    if self.quote_configuration_values { literal(value) } else { value.clone() };
                orders.push(format!("ALTER ROLE {name} SET {} TO {value}", identifier(setting)));
            }
        }
        for setting in
            actual.configuration.keys().filter(|one| !desired.configuration.contains_key(*one))
        {
            orders.push(format!("ALTER ROLE {name} RESET {}", identifier(setting)));
        }
        orders
    }
}

impl Module for PostgresqlUser {
    type State = Role;

    fn check(&self, host: &dyn Host) -> Result<Delta<Role>, Failure> {
        if self.priv_.is_some() {
            return Err(Failure::new(
                "priv is not implemented: privileges are kept with community.postgresql.postgresql_privs",
            ));
        }
        let texts = [Some(&self.name), self.expires.as_ref(), self.comment.as_ref()];
        self.login.refuse_orders(texts.into_iter().flatten().map(String::as_str))?;
        let found = self.find(host)?;
        let mut actual = Role { is_there: found.is_some(), ..Role::default() };
        let mut desired = Role { is_there: self.state.is_present(), ..Role::default() };
        if !self.state.is_present() {
            if actual.is_there && !self.fail_on_user && self.is_held(host)? {
                desired.is_there = true;
            }
            return Ok(Delta::new(actual, desired));
        }
        desired.flags = self.flags()?;
        desired.conn_limit = self.conn_limit.map(|limit| limit.to_string());
        desired.expires.clone_from(&self.expires);
        desired.comment.clone_from(&self.comment);
        desired.configuration = self.wanted_configuration();
        desired.has_password = self.password.as_ref().map(|_| true);
        let Some(found) = found else { return Ok(Delta::new(actual, desired)) };
        if self.no_password_changes {
            desired.has_password = None;
        } else if let Some(wanted) = &self.password {
            let kept = self.kept_password(host)?;
            // One that cannot be seen is set; the second look cannot see it either.
            actual.has_password =
                Some(kept.is_none_or(|kept| password::fits(wanted, &self.name, &kept)));
        }
        for flag in desired.flags.keys() {
            let column = FLAGS.iter().find(|(name, _)| name == flag).map(|(_, column)| *column);
            let now = column.and_then(|column| found.get(column)).and_then(Json::as_bool);
            actual.flags.insert(flag.clone(), now.unwrap_or_default());
        }
        actual.conn_limit = desired.conn_limit.as_ref().map(|_| text(&found, "rolconnlimit"));
        actual.comment = desired.comment.as_ref().map(|_| text(&found, "comment"));
        actual.expires = match found.get("expires_so").and_then(Json::as_bool) {
            Some(true) => desired.expires.clone(),
            _ => desired.expires.as_ref().map(|_| text(&found, "rolvaliduntil")),
        };
        for setting in found.get("rolconfig").and_then(Json::as_array).into_iter().flatten() {
            let setting = python::text(setting);
            let Some((name, value)) = setting.split_once('=') else { continue };
            let name = name.to_lowercase();
            if desired.configuration.contains_key(&name) || self.reset_unspecified_configuration {
                actual.configuration.insert(name, value.to_owned());
            }
        }
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Role>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let orders = self.orders(&delta.actual, &delta.desired);
        let all: String = orders.iter().map(|order| format!("{order};\n")).collect();
        self.login.run(host, self.database(), &format!("BEGIN;\n{all}COMMIT;\n"))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Role>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let hidden = self.password.as_deref().filter(|password| !password.is_empty());
        let show = |order: String| match hidden {
            Some(password) => order.replace(&literal(password), "********"),
            None => order,
        };
        let queries: Vec<String> =
            self.orders(&delta.actual, &delta.desired).into_iter().map(show).collect();
        let mut map = JsonMap::from_iter([
            ("user".to_owned(), self.name.clone().into()),
            ("queries".to_owned(), queries.into()),
        ]);
        if !self.state.is_present() && delta.actual.is_there {
            map.insert("user_removed".into(), (!delta.desired.is_there).into());
            if delta.desired.is_there {
                map.insert("msg".into(), "Unable to remove user".into());
            }
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_databases::put_psql};

    #[test]
    fn what_is_no_role_is_refused() {
        for (args, words) in [
            (
                json!({"name": "a", "role_attr_flags": "FLY"}),
                "Invalid role_attr_flags specified: FLY",
            ),
            (json!({"name": "a", "priv_": "ALL"}), "Unsupported parameters"),
            (json!({"name": "a", "priv": "ALL"}), "priv is not implemented"),
            (json!({"name": "a; DROP", "trust_input": false}), "is potentially dangerous"),
            (json!({}), "missing required arguments: name"),
        ] {
            let mut host = FakeHost::default();
            put_psql(&mut host);
            let response = run("postgresql_user", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }

    #[test]
    fn roles_are_kept() {
        let mut host = FakeHost::default();
        put_psql(&mut host);
        let args =
            json!({"name": "web", "role_attr_flags": "CREATEDB,NOSUPERUSER", "password": "p'w"});
        let response =
            run("postgresql_user", &args, "", "", Mode { check: true, diff: true }, &mut host);
        assert!(response.changed && !response.failed, "{response:?}");
        assert_eq!(
            response.returned["queries"],
            json!(["CREATE USER \"web\" WITH ENCRYPTED PASSWORD ******** CREATEDB NOSUPERUSER"])
        );
        assert!(!format!("{response:?}").contains("p''w"));
        for (args, changed) in [
            (json!({"name": "web"}), true),
            (json!({"name": "web"}), false),
            (json!({"name": "web", "state": "absent"}), true),
            (json!({"name": "web", "state": "absent"}), false),
        ] {
            let response = run("postgresql_user", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
    }
}
