//! The `postgresql_sequence` module of the collection `community.postgresql`.

use module::{Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap};

use super::{
    Login, identifier,
    keeping::{Change, Keeping, Orders},
    literal, text,
};
use crate::presence::Presence;

/// Keeps a sequence of PostgreSQL.
///
/// How one counts is for its making alone.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["rename_to", "data_type"]),
    mutually_exclusive(["rename_to", "increment"]),
    mutually_exclusive(["rename_to", "minvalue"]),
    mutually_exclusive(["rename_to", "maxvalue"]),
    mutually_exclusive(["rename_to", "start"]),
    mutually_exclusive(["rename_to", "cache"]),
    mutually_exclusive(["rename_to", "cycle"]),
    mutually_exclusive(["rename_to", "cascade"]),
    mutually_exclusive(["rename_to", "owner"]),
    mutually_exclusive(["rename_to", "newschema"]),
    mutually_exclusive(["cascade", "data_type"]),
    mutually_exclusive(["cascade", "increment"]),
    mutually_exclusive(["cascade", "minvalue"]),
    mutually_exclusive(["cascade", "maxvalue"]),
    mutually_exclusive(["cascade", "start"]),
    mutually_exclusive(["cascade", "cache"]),
    mutually_exclusive(["cascade", "cycle"]),
    mutually_exclusive(["cascade", "owner"]),
    mutually_exclusive(["cascade", "newschema"])
)]
pub struct PostgresqlSequence {
    /// The sequence.
    #[argument(aliases("name"))]
    sequence: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// What it counts in, `bigint` by default.
    data_type: Option<Width>,
    /// How far a step is.
    increment: Option<i64>,
    /// Its least value.
    #[argument(aliases("min"))]
    minvalue: Option<i64>,
    /// Its greatest value.
    #[argument(aliases("max"))]
    maxvalue: Option<i64>,
    /// Where it begins.
    start: Option<i64>,
    /// How many values are taken at once.
    cache: Option<i64>,
    /// Whether it begins anew at its end.
    #[argument(default = false)]
    cycle: bool,
    /// Its schema.
    #[argument(default = "public")]
    schema: String,
    /// Whether what stands on it goes with it.
    #[argument(default = false)]
    cascade: bool,
    /// Its new name.
    rename_to: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// The schema that it goes to.
    newschema: Option<String>,
    /// The database.
    #[argument(default = "", aliases("db", "database"))]
    login_db: String,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Width {
    Bigint,
    Integer,
    Smallint,
}

impl Documented for PostgresqlSequence {
    const NAME: &'static str = "community.postgresql.postgresql_sequence";
    const ALIASES: &'static [&'static str] = &["postgresql_sequence"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A sequence", args: r#"{"db": "app", "name": "orders", "start": 100}"# },
        Example { title: "None", args: r#"{"db": "app", "name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("sequence", "The sequence.", "success", r#""orders""#),
        Returned::new("state", "Whether it is there.", "success", r#""present""#),
        Returned::new("schema", "Its schema.", "success", r#""public""#),
        Returned::new("data_type", "What it counts in.", "success", r#""bigint""#),
        Returned::new("increment", "How far a step is.", "success", r#""1""#),
        Returned::new("minvalue", "Its least value.", "success", r#""1""#),
        Returned::new("maxvalue", "Its greatest value.", "success", r#""32767""#),
        Returned::new("start", "Where it begins.", "success", r#""100""#),
        Returned::new("cycle", "Whether it begins anew at its end.", "success", r#""NO""#),
        Returned::new("owner", "Whose it is.", "success", r#""web""#),
        Returned::new("newname", "Its new name.", "on rename", r#""bills""#),
        Returned::new("newschema", "Its new schema.", "on change", r#""shop""#),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["CREATE SEQUENCE \"public\".\"orders\""]"#,
        ),
    ];
}

/// What is told of a sequence.
const FIELDS: [&str; 7] =
    ["data_type", "increment", "minvalue", "maxvalue", "start", "cycle", "owner"];

impl PostgresqlSequence {
    fn full_name(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.sequence))
    }

    fn creation(&self) -> String {
        let mut words = vec![format!("CREATE SEQUENCE {}", self.full_name())];
        words.extend(self.data_type.map(|width| format!("AS {}", width.as_str())));
        for (word, value) in [
            ("INCREMENT BY", self.increment),
            ("MINVALUE", self.minvalue),
            ("MAXVALUE", self.maxvalue),
            ("START WITH", self.start),
            ("CACHE", self.cache),
        ] {
            // Zero is no step and no cache; as a bound it is the server's own.
            words.extend(value.filter(|value| *value != 0).map(|value| format!("{word} {value}")));
        }
        words.extend(self.cycle.then(|| "CYCLE".to_owned()));
        words.join(" ")
    }

    fn query_of(schema: &str, name: &str) -> String {
        format!(
            "SELECT s.data_type, s.increment, s.minimum_value AS minvalue, s.maximum_value AS \
             maxvalue, s.start_value AS start, s.cycle_option AS cycle, \
             pg_get_userbyid(c.relowner) AS owner FROM information_schema.sequences s JOIN \
             pg_catalog.pg_namespace n ON n.nspname = s.sequence_schema JOIN \
             pg_catalog.pg_class c ON c.relname = s.sequence_name AND c.relnamespace = n.oid \
             WHERE s.sequence_schema = {} AND s.sequence_name = {}",
            literal(schema),
            literal(name)
        )
    }
}

impl Keeping for PostgresqlSequence {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        &self.login_db
    }

    fn query(&self) -> String {
        Self::query_of(&self.schema, &self.sequence)
    }

    fn query_after(&self) -> String {
        let schema = self.newschema.as_ref().unwrap_or(&self.schema);
        Self::query_of(schema, self.rename_to.as_ref().unwrap_or(&self.sequence))
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        let texts = [&self.rename_to, &self.owner, &self.newschema].into_iter().flatten();
        let texts = texts.chain([&self.sequence, &self.schema]);
        self.login.refuse_orders(texts.map(String::as_str))?;
        let name = self.full_name();
        if !self.state.is_present() {
            let cascade = if self.cascade { " CASCADE" } else { "" };
            return Ok(Orders::new(found.map(|_| format!("DROP SEQUENCE {name}{cascade}"))));
        }
        let mut orders = Orders::default();
        if found.is_none() {
            let missing = format!("Sequence '{}' does not exist", self.sequence);
            if self.rename_to.is_some() {
                return Err(Failure::new(format!("{missing}, nothing to rename")));
            }
            if self.newschema.is_some() {
                return Err(Failure::new(format!("{missing}, change of schema not possible")));
            }
            orders.texts.push(self.creation());
        }
        if let Some(new) = self.rename_to.as_ref().filter(|new| **new != self.sequence) {
            orders.texts.push(format!("ALTER SEQUENCE {name} RENAME TO {}", identifier(new)));
        }
        let now = found.map(|found| text(found, "owner"));
        if let Some(owner) = self.owner.as_ref().filter(|owner| now.as_ref() != Some(owner)) {
            orders.texts.push(format!("ALTER SEQUENCE {name} OWNER TO {}", identifier(owner)));
        }
        if let Some(new) = self.newschema.as_ref().filter(|new| **new != self.schema) {
            orders.texts.push(format!("ALTER SEQUENCE {name} SET SCHEMA {}", identifier(new)));
        }
        Ok(orders)
    }

    fn told(&self, change: &Change<'_>) -> JsonMap {
        let row = change.after.or(change.before);
        let field = |name: &&str| {
            let value = row.and_then(|row| row.get(*name)).cloned();
            ((*name).to_owned(), value.unwrap_or_else(|| "".into()))
        };
        let mut map: JsonMap = FIELDS.iter().map(field).collect();
        let state = if self.state.is_present() { "present" } else { "absent" };
        map.extend([
            ("sequence".to_owned(), Json::from(self.sequence.clone())),
            ("schema".to_owned(), self.schema.clone().into()),
            ("state".to_owned(), state.into()),
            ("queries".to_owned(), change.orders.to_vec().into()),
        ]);
        if self.state.is_present() && !change.orders.is_empty() {
            for (name, new, old) in [
                ("newname", &self.rename_to, &self.sequence),
                ("newschema", &self.newschema, &self.schema),
            ] {
                if let Some(new) = new.as_ref().filter(|new| *new != old) {
                    map.insert(name.into(), new.clone().into());
                }
            }
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::postgresql::keeping::tests::{ask, orders, refused};

    #[test]
    fn sequences_are_kept() {
        let name = "postgresql_sequence";
        orders(
            name,
            None,
            &[
                (
                    json!({"name": "s", "data_type": "smallint", "increment": -1, "min": 1, "max": 9, "start": 5, "cache": 2, "cycle": true}),
                    &[
                        "CREATE SEQUENCE \"public\".\"s\" AS smallint INCREMENT BY -1 MINVALUE 1 MAXVALUE 9 START WITH 5 CACHE 2 CYCLE",
                    ],
                ),
                (
                    json!({"name": "s", "owner": "o"}),
                    &[
                        "CREATE SEQUENCE \"public\".\"s\"",
                        "ALTER SEQUENCE \"public\".\"s\" OWNER TO \"o\"",
                    ],
                ),
                (json!({"name": "s", "state": "absent"}), &[]),
            ],
        );
        let row = json!({"owner": "o", "start": "1"});
        orders(
            name,
            Some(row.clone()),
            &[
                (json!({"name": "s", "owner": "o", "start": 7}), &[]),
                (
                    json!({"name": "s", "owner": "p"}),
                    &["ALTER SEQUENCE \"public\".\"s\" OWNER TO \"p\""],
                ),
                (
                    json!({"name": "s", "newschema": "x", "schema": "y"}),
                    &["ALTER SEQUENCE \"y\".\"s\" SET SCHEMA \"x\""],
                ),
                (
                    json!({"name": "s", "rename_to": "t"}),
                    &["ALTER SEQUENCE \"public\".\"s\" RENAME TO \"t\""],
                ),
                (
                    json!({"name": "s", "state": "absent", "cascade": true}),
                    &["DROP SEQUENCE \"public\".\"s\" CASCADE"],
                ),
            ],
        );
        let told = ask(name, &json!({"name": "s", "rename_to": "t"}), true, Some(&row)).returned;
        assert_eq!(
            (&told["newname"], &told["start"], &told["cycle"]),
            (&json!("t"), &json!("1"), &json!(""))
        );
        refused(
            name,
            None,
            &[
                (json!({"name": "s", "rename_to": "t"}), "does not exist, nothing to rename"),
                (json!({"name": "s", "newschema": "t"}), "change of schema not possible"),
                (json!({"name": "s", "rename_to": "t", "start": 1}), "mutually exclusive"),
                (json!({"name": "s", "data_type": "text"}), "must be one of"),
            ],
        );
    }
}
