//! The `postgresql_table` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap};

use super::{
    Login, dotted, identifier,
    keeping::{Change, Keeping, Orders},
    literal, name_parts, text,
};
use crate::presence::Presence;

/// Keeps a table of PostgreSQL.
///
/// Columns and the rest of what a table is made of are for its making alone.
#[derive(Debug, Arguments)]
pub struct PostgresqlTable {
    /// The table, with its schema and a dot before it where that is not `public`.
    #[argument(aliases("name"))]
    table: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// The database.
    #[argument(default = "", aliases("db"))]
    login_db: String,
    /// The tablespace that it lies in.
    tablespace: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// Whether a new one is lost in a crash.
    #[argument(default = false)]
    unlogged: bool,
    /// The table that a new one is like.
    like: Option<String>,
    /// What it has of that one: `DEFAULTS,INDEXES`.
    including: Option<String>,
    /// Its new name.
    rename: Option<String>,
    /// Whether all its rows go.
    #[argument(default = false)]
    truncate: bool,
    /// Columns of a new one.
    columns: Option<Vec<String>>,
    /// Parameters of its storage: `fillfactor=10`.
    storage_params: Option<Vec<String>>,
    /// Whether what stands on it goes with it.
    #[argument(default = false)]
    cascade: bool,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlTable {
    const NAME: &'static str = "community.postgresql.postgresql_table";
    const ALIASES: &'static [&'static str] = &["postgresql_table"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A table",
            args: r#"{"db": "app", "name": "books", "columns": ["id int", "title text"]}"#,
        },
        Example { title: "None", args: r#"{"db": "app", "name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("table", "The table.", "success", r#""books""#),
        Returned::new("state", "Whether it is there.", "success", r#""present""#),
        Returned::new("owner", "Whose it is.", "success", r#""web""#),
        Returned::new("tablespace", "Where it lies.", "success", r#""fast""#),
        Returned::new("storage_params", "Of its storage.", "success", r#"["fillfactor=10"]"#),
        Returned::new("queries", "Orders that were given.", "success", r#"["DROP TABLE \"old\""]"#),
    ];
}

/// A tablespace as the server tells of it: the default one has no name.
fn place(name: &str) -> &str {
    if name == "pg_default" { "" } else { name }
}

impl PostgresqlTable {
    /// The query for a table of a name.
    fn query_of(name: &str) -> String {
        let mut parts = name_parts(name);
        let table = parts.pop().unwrap_or_default();
        let schema = parts.pop().unwrap_or_else(|| "public".to_owned());
        format!(
            "SELECT pg_get_userbyid(c.relowner) AS owner, coalesce(t.spcname::text, '') AS tablespace, \
             coalesce(c.reloptions, '{{}}') AS storage_params FROM pg_catalog.pg_class c JOIN \
             pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN \
             pg_catalog.pg_tablespace t ON t.oid = c.reltablespace WHERE c.relkind IN ('r', 'p') \
             AND n.nspname = {} AND c.relname = {}",
            literal(&schema),
            literal(&table)
        )
    }

    fn refuse(&self) -> Result<(), Failure> {
        let is_given = |one: &Option<String>| one.as_ref().is_some_and(|one| !one.is_empty());
        let is_list = |one: &Option<Vec<String>>| one.as_ref().is_some_and(|one| !one.is_empty());
        let has_more = is_given(&self.tablespace)
            || is_given(&self.owner)
            || self.unlogged
            || is_given(&self.like)
            || is_given(&self.including)
            || is_list(&self.columns)
            || is_list(&self.storage_params);
        let table = &self.table;
        let why = if !self.state.is_present()
            && (has_more || self.truncate || is_given(&self.rename))
        {
            "state=absent is mutually exclusive with: truncate, rename, columns, tablespace, including, like, storage_params, unlogged, owner"
        } else if self.truncate && (has_more || is_given(&self.rename)) {
            "truncate is mutually exclusive with: rename, columns, like, unlogged, including, storage_params, owner, tablespace"
        } else if is_given(&self.rename) && has_more {
            "rename is mutually exclusive with: columns, like, unlogged, including, storage_params, owner, tablespace"
        } else if is_given(&self.like) && is_list(&self.columns) {
            "like and columns params are mutually exclusive"
        } else if is_given(&self.including) && !is_given(&self.like) {
            "including param needs like param specified"
        } else {
            return Ok(());
        };
        Err(Failure::new(format!("{table}: {why}")))
    }

    /// The order that makes the table.
    fn creation(&self) -> String {
        let kind = if self.unlogged { "UNLOGGED TABLE" } else { "TABLE" };
        let body = match &self.like {
            Some(like) => {
                let including = self.including.iter().flat_map(|all| all.split(','));
                let including: String =
                    including.map(|what| format!(" INCLUDING {}", what.trim())).collect();
                format!("LIKE {}{including}", dotted(like))
            }
            None => self.columns.iter().flatten().cloned().collect::<Vec<_>>().join(","),
        };
        let mut order = format!("CREATE {kind} {} ({body})", dotted(&self.table));
        if let Some(params) = self.storage_params.as_ref().filter(|params| !params.is_empty()) {
            order.push_str(&format!(" WITH ({})", params.join(",")));
        }
        if let Some(place) = &self.tablespace {
            order.push_str(&format!(" TABLESPACE {}", identifier(place)));
        }
        order
    }
}

impl Keeping for PostgresqlTable {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        &self.login_db
    }

    fn query(&self) -> String {
        Self::query_of(&self.table)
    }

    fn query_after(&self) -> String {
        let Some(new) = &self.rename else { return self.query() };
        // The new name is in the schema of the old.
        let mut parts = name_parts(&self.table);
        parts.pop();
        let schema = parts.pop().map(|schema| format!("{}.", identifier(&schema)));
        Self::query_of(&format!("{}{}", schema.unwrap_or_default(), identifier(new)))
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        self.refuse()?;
        let texts = [&self.tablespace, &self.owner, &self.like, &self.including, &self.rename];
        let texts = texts.into_iter().flatten().chain([&self.table]);
        let lists = self.columns.iter().chain(&self.storage_params).flatten();
        self.login.refuse_orders(texts.chain(lists).map(String::as_str))?;
        let name = dotted(&self.table);
        if !self.state.is_present() {
            let cascade = if self.cascade { " CASCADE" } else { "" };
            return Ok(Orders::new(found.map(|_| format!("DROP TABLE {name}{cascade}"))));
        }
        let mut orders = Orders::default();
        if self.cascade {
            orders.warnings.push("cascade=true is ignored when state=present".into());
        }
        if self.truncate {
            orders.texts.push(format!("TRUNCATE TABLE {name}"));
            return Ok(orders);
        }
        if let Some(new) = &self.rename {
            orders.texts.push(format!("ALTER TABLE {name} RENAME TO {}", identifier(new)));
            return Ok(orders);
        }
        let owner = |owner: &String| format!("ALTER TABLE {name} OWNER TO {}", identifier(owner));
        let Some(found) = found else {
            orders.texts.push(self.creation());
            orders.texts.extend(self.owner.as_ref().map(owner));
            return Ok(orders);
        };
        let other = |wanted: &Option<String>, now: &str| {
            wanted.clone().filter(|wanted| place(wanted) != now)
        };
        if let Some(place) = other(&self.tablespace, &text(found, "tablespace")) {
            orders.texts.push(format!("ALTER TABLE {name} SET TABLESPACE {}", identifier(&place)));
        }
        orders.texts.extend(other(&self.owner, &text(found, "owner")).as_ref().map(owner));
        let now = found.get("storage_params").and_then(Json::as_array);
        let has = |param: &str| now.is_some_and(|now| now.iter().any(|one| one == param));
        let params = self.storage_params.iter().flatten().flat_map(|one| one.split(','));
        let params: Vec<&str> = params.map(str::trim).collect();
        if params.iter().any(|param| !has(param)) {
            orders.texts.push(format!("ALTER TABLE {name} SET ({})", params.join(",")));
        }
        Ok(orders)
    }

    /// A check run tells of the table as it is.
    fn told(&self, change: &Change<'_>) -> JsonMap {
        let after = if change.is_check { change.before } else { change.after };
        let mut map = after.or(change.before).cloned().unwrap_or_default();
        let state = match (after.is_some(), change.orders.is_empty()) {
            (true, _) => "present",
            (false, false) => "absent",
            (false, true) => "",
        };
        map.insert("table".into(), self.table.clone().into());
        map.insert("state".into(), state.into());
        map.insert("queries".into(), change.orders.to_vec().into());
        map
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::postgresql::keeping::tests::{orders, refused};

    #[test]
    fn tables_are_kept() {
        let name = "postgresql_table";
        orders(
            name,
            None,
            &[
                (
                    json!({"name": "t", "columns": ["a int", "b text"], "owner": "o\"x"}),
                    &["CREATE TABLE \"t\" (a int,b text)", "ALTER TABLE \"t\" OWNER TO \"o\"\"x\""],
                ),
                (json!({"name": "s.t"}), &["CREATE TABLE \"s\".\"t\" ()"]),
                (
                    json!({"name": "t", "like": "s.o", "including": "DEFAULTS, INDEXES", "unlogged": true, "storage_params": ["fillfactor=10"], "tablespace": "x"}),
                    &[
                        "CREATE UNLOGGED TABLE \"t\" (LIKE \"s\".\"o\" INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor=10) TABLESPACE \"x\"",
                    ],
                ),
                (json!({"name": "t", "state": "absent"}), &[]),
            ],
        );
        let row = json!({"owner": "web", "tablespace": "", "storage_params": ["fillfactor=10"]});
        orders(
            name,
            Some(row),
            &[
                (json!({"name": "t", "columns": ["a int"], "owner": "web"}), &[]),
                (
                    json!({"name": "t", "tablespace": "pg_default", "storage_params": ["fillfactor=10"]}),
                    &[],
                ),
                (
                    json!({"name": "t", "owner": "x", "tablespace": "y", "storage_params": ["fillfactor=11", "a=1"]}),
                    &[
                        "ALTER TABLE \"t\" SET TABLESPACE \"y\"",
                        "ALTER TABLE \"t\" OWNER TO \"x\"",
                        "ALTER TABLE \"t\" SET (fillfactor=11,a=1)",
                    ],
                ),
                (json!({"name": "t", "like": "o"}), &[]),
                (json!({"name": "t", "truncate": true}), &["TRUNCATE TABLE \"t\""]),
                (json!({"name": "t", "rename": "u"}), &["ALTER TABLE \"t\" RENAME TO \"u\""]),
                (
                    json!({"name": "t", "state": "absent", "cascade": true}),
                    &["DROP TABLE \"t\" CASCADE"],
                ),
            ],
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        refused(
            "postgresql_table",
            None,
            &[
                (
                    json!({"name": "t", "state": "absent", "owner": "x"}),
                    "t: state=absent is mutually",
                ),
                (json!({"name": "t", "truncate": true, "rename": "x"}), "t: truncate is mutually"),
                (json!({"name": "t", "rename": "x", "like": "y"}), "t: rename is mutually"),
                (json!({"name": "t", "like": "x", "columns": ["a int"]}), "like and columns"),
                (json!({"name": "t", "including": "ALL"}), "including param needs like"),
                (json!({"name": "t;", "trust_input": false}), "potentially dangerous"),
                (json!({}), "missing required arguments: table"),
            ],
        );
    }
}
