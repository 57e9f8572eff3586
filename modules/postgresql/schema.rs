//! The `postgresql_schema` module of the collection `community.postgresql`.

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::JsonMap;
use serde::Serialize;

use super::{Login, identifier, literal, text};
use crate::presence::Presence;

/// Keeps a schema of a database.
#[derive(Debug, Arguments)]
pub struct PostgresqlSchema {
    /// The schema.
    #[argument(aliases("schema"))]
    name: String,
    /// The database.
    #[argument(default = "postgres", aliases("db", "database"))]
    login_db: String,
    /// Whose it is.
    #[argument(default = "")]
    owner: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether what is in it goes with it.
    #[argument(default = false)]
    cascade_drop: bool,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    #[argument(flatten)]
    login: Login,
}

/// The schema, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Schema {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl Documented for PostgresqlSchema {
    const NAME: &'static str = "community.postgresql.postgresql_schema";
    const ALIASES: &'static [&'static str] = &["postgresql_schema"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A schema", args: r#"{"name": "acme", "db": "app"}"# },
        Example { title: "None", args: r#"{"name": "acme", "db": "app", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("schema", "The schema.", "success", r#""acme""#),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["DROP SCHEMA \"acme\""]"#,
        ),
    ];
}

impl PostgresqlSchema {
    fn orders(&self, delta: &Delta<Schema>) -> Vec<String> {
        let name = identifier(&self.name);
        let (actual, desired) = (&delta.actual, &delta.desired);
        let mut orders = Vec::new();
        let owner = desired.owner.as_ref().filter(|_| actual.owner != desired.owner);
        match (actual.is_there, desired.is_there) {
            (true, false) => {
                let cascade = if self.cascade_drop { " CASCADE" } else { "" };
                return vec![format!("DROP SCHEMA {name}{cascade}")];
            }
            (false, false) => return orders,
            (false, true) => {
                let owner = owner.map(|one| format!(" AUTHORIZATION {}", identifier(one)));
                orders.push(format!("CREATE SCHEMA {name}{}", owner.unwrap_or_default()));
            }
            (true, true) => orders.extend(
                owner.map(|one| format!("ALTER SCHEMA {name} OWNER TO {}", identifier(one))),
            ),
        }
        if let Some(comment) =
            desired.comment.as_ref().filter(|_| actual.comment != desired.comment)
        {
            orders.push(format!("COMMENT ON SCHEMA {name} IS {}", literal(comment)));
        }
        orders
    }
}

impl Module for PostgresqlSchema {
    type State = Schema;

    fn check(&self, host: &dyn Host) -> Result<Delta<Schema>, Failure> {
        let texts = [Some(&self.name), Some(&self.owner), self.comment.as_ref()];
        self.login.refuse_orders(texts.into_iter().flatten().map(String::as_str))?;
        let query = format!(
            "SELECT r.rolname, obj_description(n.oid, 'pg_namespace') AS comment FROM \
             pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner \
             WHERE nspname = {}",
            literal(&self.name)
        );
        let found = self.login.rows(host, &self.login_db, &query)?.into_iter().next();
        let mut actual = Schema { is_there: found.is_some(), ..Schema::default() };
        if !self.state.is_present() {
            return Ok(Delta::new(actual, Schema::default()));
        }
        let owner = Some(self.owner.clone()).filter(|owner| !owner.is_empty());
        let desired = Schema { is_there: true, owner, comment: self.comment.clone() };
        if let Some(found) = &found {
            actual.owner = desired.owner.as_ref().map(|_| text(found, "rolname"));
            actual.comment = desired.comment.as_ref().map(|_| text(found, "comment"));
        }
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Schema>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let orders: String = self.orders(delta).iter().map(|order| format!("{order};\n")).collect();
        self.login.run(host, &self.login_db, &format!("BEGIN;\n{orders}COMMIT;\n"))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Schema>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("schema".to_owned(), self.name.clone().into()),
            ("queries".to_owned(), self.orders(delta).into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn schemas_are_kept() {
        let mut host = FakeHost::default();
        host.program("psql", |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let now = files.text("/schema").unwrap_or_default();
            if text.starts_with("SELECT") {
                let row = json!({"rolname": now, "comment": null});
                return Output::success(if now.is_empty() {
                    String::new()
                } else {
                    format!("{row}\n")
                });
            }
            let owner = text.split('"').nth(3).unwrap_or("postgres");
            files.put("/schema", if text.contains("DROP") { "" } else { owner });
            Output::success("")
        });
        for (args, orders) in [
            (json!({}), "CREATE SCHEMA \"s\""),
            (json!({"owner": "postgres"}), ""),
            (json!({"owner": "web"}), "ALTER SCHEMA \"s\" OWNER TO \"web\""),
            (json!({"state": "absent", "cascade_drop": true}), "DROP SCHEMA \"s\" CASCADE"),
            (json!({"state": "absent"}), ""),
            (json!({"owner": "web"}), "CREATE SCHEMA \"s\" AUTHORIZATION \"web\""),
        ] {
            let response = run("postgresql_schema", &args, "name", "s", Mode::default(), &mut host);
            let given = response.returned["queries"].as_array().unwrap();
            let given: Vec<&str> = given.iter().filter_map(|one| one.as_str()).collect();
            assert_eq!((response.failed, given.join("; ").as_str()), (false, orders), "{args}");
            assert_eq!(response.changed, !orders.is_empty(), "{args}");
        }
        for (args, words) in [
            (json!({}), "missing required arguments: name"),
            (
                json!({"name": "x", "owner": "a -- b", "trust_input": false}),
                "potentially dangerous",
            ),
        ] {
            let response = run("postgresql_schema", &args, "", "", Mode::default(), &mut host);
            assert!(response.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
