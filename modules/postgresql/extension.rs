//! The `postgresql_ext` module of the collection `community.postgresql`.

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::JsonMap;
use serde::Serialize;

use super::{Login, identifier, literal, text};
use crate::presence::Presence;

/// Keeps an extension of a database.
#[derive(Debug, Arguments)]
pub struct PostgresqlExt {
    /// The extension.
    #[argument(aliases("ext"))]
    name: String,
    /// The database.
    #[argument(aliases("db"))]
    login_db: String,
    /// The schema that its things are in.
    schema: Option<String>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether what it needs comes with it, and what needs it goes with it.
    #[argument(default = false)]
    cascade: bool,
    /// Its version; `latest` is the one that the server offers.
    version: Option<String>,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    #[argument(flatten)]
    login: Login,
}

/// The extension, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Extension {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl Documented for PostgresqlExt {
    const NAME: &'static str = "community.postgresql.postgresql_ext";
    const ALIASES: &'static [&'static str] = &["postgresql_ext"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "An extension", args: r#"{"name": "hstore", "db": "app"}"# },
        Example {
            title: "None",
            args: r#"{"name": "hstore", "db": "app", "state": "absent", "cascade": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["DROP EXTENSION \"hstore\""]"#,
        ),
        Returned::new("prev_version", "Version before.", "success", r#""1.7""#),
        Returned::new("version", "Version after.", "success", r#""1.8""#),
    ];
}

impl PostgresqlExt {
    fn ask(&self, host: &dyn Host, query: &str) -> Result<Option<JsonMap>, Failure> {
        Ok(self.login.rows(host, &self.login_db, query)?.into_iter().next())
    }

    fn orders(&self, delta: &Delta<Extension>) -> Vec<String> {
        let name = identifier(&self.name);
        let (actual, desired) = (&delta.actual, &delta.desired);
        let cascade = if self.cascade { " CASCADE" } else { "" };
        let mut orders = Vec::new();
        match (actual.is_there, desired.is_there) {
            (true, false) => return vec![format!("DROP EXTENSION {name}{cascade}")],
            (false, false) => return orders,
            (false, true) => {
                let schema = self.schema.as_ref().map(|one| format!(" SCHEMA {}", identifier(one)));
                let version =
                    desired.version.as_ref().map(|one| format!(" VERSION {}", literal(one)));
                let (schema, version) = (schema.unwrap_or_default(), version.unwrap_or_default());
                orders.push(format!("CREATE EXTENSION {name}{schema}{version}{cascade}"));
            }
            (true, true) => {
                if let Some(version) =
                    desired.version.as_ref().filter(|_| actual.version != desired.version)
                {
                    orders.push(format!("ALTER EXTENSION {name} UPDATE TO {}", literal(version)));
                }
                if let Some(schema) =
                    desired.schema.as_ref().filter(|_| actual.schema != desired.schema)
                {
                    orders
                        .push(format!("ALTER EXTENSION {name} SET SCHEMA {}", identifier(schema)));
                }
            }
        }
        if let Some(comment) =
            desired.comment.as_ref().filter(|_| actual.comment != desired.comment)
        {
            orders.push(format!("COMMENT ON EXTENSION {name} IS {}", literal(comment)));
        }
        orders
    }
}

impl Module for PostgresqlExt {
    type State = Extension;

    fn check(&self, host: &dyn Host) -> Result<Delta<Extension>, Failure> {
        let texts =
            [Some(&self.name), self.schema.as_ref(), self.version.as_ref(), self.comment.as_ref()];
        self.login.refuse_orders(texts.into_iter().flatten().map(String::as_str))?;
        let name = literal(&self.name);
        let found = self.ask(
            host,
            &format!(
                "SELECT extversion, n.nspname, obj_description(e.oid, 'pg_extension') AS comment \
                 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n \
                 ON n.oid = e.extnamespace WHERE extname = {name}"
            ),
        )?;
        let mut actual = Extension { is_there: found.is_some(), ..Extension::default() };
        if !self.state.is_present() {
            return Ok(Delta::new(actual, Extension::default()));
        }
        let mut version = self.version.clone();
        let is_new = found.is_none();
        if is_new || version.as_deref() == Some("latest") {
            let offered = self.ask(
                host,
                &format!(
                    "SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = {name}"
                ),
            )?;
            let Some(offered) = offered else {
                return Err(Failure::new(format!("Extension {} is not available", self.name)));
            };
            if version.as_deref() == Some("latest") {
                version = Some(text(&offered, "default_version"));
            }
        }
        let desired = Extension {
            is_there: true,
            version,
            schema: self.schema.clone().filter(|_| !is_new),
            comment: self.comment.clone(),
        };
        if let Some(found) = &found {
            actual.version = desired.version.as_ref().map(|_| text(found, "extversion"));
            actual.schema = desired.schema.as_ref().map(|_| text(found, "nspname"));
            actual.comment = desired.comment.as_ref().map(|_| text(found, "comment"));
        }
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Extension>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let orders: String = self.orders(delta).iter().map(|order| format!("{order};\n")).collect();
        self.login.run(host, &self.login_db, &format!("BEGIN;\n{orders}COMMIT;\n"))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Extension>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let query = format!(
            "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = {}",
            literal(&self.name)
        );
        let now = self.ask(host, &query)?.map(|row| text(&row, "extversion")).unwrap_or_default();
        let before = match (delta.actual.is_there, &delta.actual.version) {
            (false, _) => String::new(),
            (true, Some(version)) => version.clone(),
            (true, None) => now.clone(),
        };
        Ok(JsonMap::from_iter([
            ("db".to_owned(), self.login_db.clone().into()),
            ("ext".to_owned(), self.name.clone().into()),
            ("queries".to_owned(), self.orders(delta).into()),
            ("prev_version".to_owned(), before.into()),
            ("version".to_owned(), now.into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn extensions_are_kept() {
        let mut host = FakeHost::default();
        host.program("psql", |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let now = files.text("/ext").unwrap_or_default();
            if text.contains("pg_available_extensions") {
                return Output::success("{\"default_version\":\"2\"}\n");
            }
            if text.starts_with("SELECT") {
                let row = json!({"extversion": now, "nspname": "public", "comment": null});
                return Output::success(if now.is_empty() {
                    String::new()
                } else {
                    format!("{row}\n")
                });
            }
            match text.split('\'').nth(1) {
                _ if text.contains("DROP") => files.put("/ext", ""),
                Some(version) => files.put("/ext", version),
                None => files.put("/ext", "1"),
            }
            Output::success("")
        });
        for (args, orders) in [
            (
                json!({"version": "1", "schema": "public", "cascade": true}),
                "CREATE EXTENSION \"h\" SCHEMA \"public\" VERSION '1' CASCADE",
            ),
            (json!({"schema": "public"}), ""),
            (json!({"version": "latest"}), "ALTER EXTENSION \"h\" UPDATE TO '2'"),
            (json!({"version": "latest", "comment": ""}), ""),
            (json!({"state": "absent"}), "DROP EXTENSION \"h\""),
            (json!({"state": "absent"}), ""),
        ] {
            let mut args = args.clone();
            args["db"] = json!("app");
            let response = run("postgresql_ext", &args, "name", "h", Mode::default(), &mut host);
            let given = response.returned["queries"].as_array().unwrap();
            let given: Vec<&str> = given.iter().filter_map(|one| one.as_str()).collect();
            assert_eq!((response.failed, given.join("; ").as_str()), (false, orders), "{args}");
            assert_eq!(response.changed, !orders.is_empty(), "{args}");
        }
        for (args, words) in [
            (json!({"name": "x"}), "missing required arguments: login_db"),
            (json!({"name": "x;", "db": "a", "trust_input": false}), "potentially dangerous"),
        ] {
            let response = run("postgresql_ext", &args, "", "", Mode::default(), &mut host);
            assert!(response.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
