//! The `postgresql_tablespace` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, python};

use super::{
    Login, identifier,
    keeping::{Change, Keeping, Orders},
    literal, text,
};
use crate::presence::Presence;

/// Keeps a place on disk in which databases lay what they hold.
///
/// The server makes and drops tablespaces in no transaction, so that a check run of either tells of
/// the one that is there.
#[derive(Debug, Arguments)]
pub struct PostgresqlTablespace {
    /// The tablespace.
    #[argument(aliases("name"))]
    tablespace: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Its folder, which must be there and the server's.
    #[argument(aliases("path"), kind = "path")]
    location: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// Its options; `reset` takes one away.
    set: Option<JsonMap>,
    /// The database that is logged in to.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    /// Its new name.
    rename_to: Option<String>,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlTablespace {
    const NAME: &'static str = "community.postgresql.postgresql_tablespace";
    const ALIASES: &'static [&'static str] = &["postgresql_tablespace"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A place", args: r#"{"name": "fast", "location": "/srv/fast"}"# },
        Example { title: "None", args: r#"{"name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("tablespace", "The tablespace.", "success", r#""fast""#),
        Returned::new("state", "Whether it is there.", "success", r#""present""#),
        Returned::new("owner", "Whose it is.", "success", r#""postgres""#),
        Returned::new("options", "Its options.", "success", r#"{"seq_page_cost": "1"}"#),
        Returned::new("location", "Its folder.", "success", r#""/srv/fast""#),
        Returned::new("comment", "What is told of it.", "success", r#""""#),
        Returned::new("newname", "Its new name.", "on rename", r#""slow""#),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["CREATE TABLESPACE \"fast\" LOCATION '/srv/fast'"]"#,
        ),
    ];
}

/// Options as the server tells of them, by name.
fn options(row: &JsonMap) -> JsonMap {
    let all = row.get("options").and_then(Json::as_array).into_iter().flatten();
    let pair = |one: &Json| {
        let one = python::text(one);
        let (name, value) = one.split_once('=')?;
        Some((name.to_owned(), value.into()))
    };
    all.filter_map(pair).collect()
}

impl PostgresqlTablespace {
    fn query_of(name: &str) -> String {
        format!(
            "SELECT pg_get_userbyid(t.spcowner) AS owner, coalesce(t.spcoptions, '{{}}') AS \
             options, pg_tablespace_location(t.oid) AS location, \
             coalesce(shobj_description(t.oid, 'pg_tablespace'), '') AS comment FROM \
             pg_catalog.pg_tablespace t WHERE t.spcname = {}",
            literal(name)
        )
    }

    /// Options that are other than they should be.
    fn settings(&self, now: &JsonMap) -> Vec<String> {
        let name = identifier(&self.tablespace);
        let order = |(option, value): (&String, &Json)| {
            let value = python::text(value);
            let kept = now.get(option).map(python::text);
            match value.as_str() {
                "reset" => {
                    kept.map(|_| format!("ALTER TABLESPACE {name} RESET ({})", identifier(option)))
                }
                _ if kept.as_ref() == Some(&value) => None,
                _ => Some(format!(
                    "ALTER TABLESPACE {name} SET ({} = {})",
                    identifier(option),
                    literal(&value)
                )),
            }
        };
        self.set.iter().flatten().filter_map(order).collect()
    }
}

impl Keeping for PostgresqlTablespace {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn query(&self) -> String {
        Self::query_of(&self.tablespace)
    }

    fn query_after(&self) -> String {
        Self::query_of(self.rename_to.as_ref().unwrap_or(&self.tablespace))
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        let is_set = self.set.as_ref().is_some_and(|set| !set.is_empty());
        let given = [&self.location, &self.owner, &self.rename_to];
        if !self.state.is_present() && (is_set || given.iter().any(|one| one.is_some())) {
            return Err(Failure::new(
                "state=absent is mutually exclusive location, owner, rename_to, and set",
            ));
        }
        let settings = self.set.iter().flatten();
        let settings: Vec<String> =
            settings.map(|(name, value)| format!("{name} = {}", python::text(value))).collect();
        let texts = given.into_iter().chain([&self.comment]).flatten();
        let texts = texts.chain([&self.tablespace]).chain(&settings);
        self.login.refuse_orders(texts.map(String::as_str))?;
        let name = identifier(&self.tablespace);
        if !self.state.is_present() {
            return Ok(Orders::apart(found.map(|_| format!("DROP TABLESPACE {name}"))));
        }
        let mut orders = Orders::default();
        match (found, &self.location) {
            (Some(found), Some(location)) if text(found, "location") != *location => {
                return Err(Failure::new(format!(
                    "Tablespace '{}' exists with different location '{}'",
                    self.tablespace,
                    text(found, "location")
                )));
            }
            (None, _) if self.rename_to.is_some() => {
                return Err(Failure::new(format!(
                    "Tablespace {} does not exist, nothing to rename",
                    self.tablespace
                )));
            }
            (None, None) => {
                return Err(Failure::new(
                    "'location' parameter must be passed with state=present if the tablespace doesn't exist",
                ));
            }
            (None, Some(location)) => {
                let order = format!("CREATE TABLESPACE {name} LOCATION {}", literal(location));
                orders = Orders::apart([order]);
            }
            (Some(_), _) => {}
        }
        let now = |field: &str| found.map(|found| text(found, field)).unwrap_or_default();
        if let Some(owner) = self.owner.as_ref().filter(|owner| now("owner") != **owner) {
            orders.texts.push(format!("ALTER TABLESPACE {name} OWNER TO {}", identifier(owner)));
        }
        orders.texts.extend(self.settings(&found.map(options).unwrap_or_default()));
        if let Some(comment) = self.comment.as_ref().filter(|one| now("comment") != **one) {
            orders.texts.push(format!("COMMENT ON TABLESPACE {name} IS {}", literal(comment)));
        }
        if let Some(new) = self.rename_to.as_ref().filter(|new| **new != self.tablespace) {
            orders.texts.push(format!("ALTER TABLESPACE {name} RENAME TO {}", identifier(new)));
        }
        Ok(orders)
    }

    fn told(&self, change: &Change<'_>) -> JsonMap {
        let row = change.after.or(change.before);
        let mut map = row.cloned().unwrap_or_else(|| {
            JsonMap::from_iter([
                ("owner".to_owned(), Json::from("")),
                ("location".to_owned(), "".into()),
                ("comment".to_owned(), Json::Null),
            ])
        });
        let mut options = row.map(options).unwrap_or_default();
        // One that was taken away is told to have no value.
        for name in change.before.map(self::options).unwrap_or_default().keys() {
            options.entry(name.clone()).or_insert_with(Json::default);
        }
        let state = if self.state.is_present() { "present" } else { "absent" };
        map.extend([
            ("tablespace".to_owned(), Json::from(self.tablespace.clone())),
            ("state".to_owned(), state.into()),
            ("options".to_owned(), options.into()),
            ("queries".to_owned(), change.orders.to_vec().into()),
        ]);
        if let Some(new) = self.rename_to.as_ref().filter(|new| **new != self.tablespace) {
            map.insert("newname".into(), new.clone().into());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::postgresql::keeping::tests::{ask, orders, refused};

    #[test]
    fn tablespaces_are_kept() {
        let name = "postgresql_tablespace";
        orders(
            name,
            None,
            &[
                (
                    json!({"name": "s", "location": "/x", "owner": "o", "comment": "it's"}),
                    &[
                        "CREATE TABLESPACE \"s\" LOCATION '/x'",
                        "ALTER TABLESPACE \"s\" OWNER TO \"o\"",
                        "COMMENT ON TABLESPACE \"s\" IS 'it''s'",
                    ],
                ),
                (json!({"name": "s", "state": "absent"}), &[]),
            ],
        );
        let row = json!({"owner": "o", "location": "/x", "comment": "", "options": ["a=1", "b=2"]});
        orders(
            name,
            Some(row.clone()),
            &[
                (
                    json!({"name": "s", "location": "/x", "owner": "o", "set": {"a": 1, "c": "reset"}}),
                    &[],
                ),
                (
                    json!({"name": "s", "set": {"a": 2, "b": "reset"}}),
                    &[
                        "ALTER TABLESPACE \"s\" SET (\"a\" = '2')",
                        "ALTER TABLESPACE \"s\" RESET (\"b\")",
                    ],
                ),
                (
                    json!({"name": "s", "rename_to": "t"}),
                    &["ALTER TABLESPACE \"s\" RENAME TO \"t\""],
                ),
                (json!({"name": "s", "state": "absent"}), &["DROP TABLESPACE \"s\""]),
            ],
        );
        let told = ask(name, &json!({"name": "s"}), false, Some(&row)).returned;
        assert_eq!((&told["options"], &told["owner"]), (&json!({"a": "1", "b": "2"}), &json!("o")));
        refused(
            name,
            None,
            &[
                (json!({"name": "s"}), "'location' parameter must be passed"),
                (json!({"name": "s", "rename_to": "t"}), "does not exist, nothing to rename"),
                (json!({"name": "s", "state": "absent", "set": {"a": 1}}), "mutually exclusive"),
            ],
        );
        let elsewhere =
            [(json!({"name": "s", "location": "/y"}), "exists with different location '/x'")];
        refused(name, Some(row), &elsewhere);
    }
}
