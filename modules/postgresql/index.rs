//! The `postgresql_idx` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap};

use super::{
    Login, identifier,
    keeping::{Change, Keeping, Orders},
    literal,
};
use crate::presence::Presence;

/// Kinds of indexes.
const KINDS: [&str; 6] = ["BTREE", "HASH", "GIST", "SPGIST", "GIN", "BRIN"];

/// Keeps an index of PostgreSQL.
///
/// One that is there under its name is left as it is.
#[derive(Debug, Arguments)]
pub struct PostgresqlIdx {
    /// The index.
    #[argument(aliases("name"))]
    idxname: String,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether others may write while it is made or dropped.
    #[argument(default = true)]
    concurrent: bool,
    /// Whether what it covers is there but once.
    #[argument(default = false)]
    unique: bool,
    /// The table.
    table: Option<String>,
    /// What kind it is of, `btree` by default.
    #[argument(aliases("type"))]
    idxtype: Option<String>,
    /// What it covers.
    #[argument(aliases("column"))]
    columns: Option<Vec<String>>,
    /// Which rows it covers.
    cond: Option<String>,
    /// The tablespace that it lies in.
    tablespace: Option<String>,
    /// Parameters of its storage: `fillfactor=10`.
    storage_params: Option<Vec<String>>,
    /// Whether what stands on it goes with it.
    #[argument(default = false)]
    cascade: bool,
    /// Schema of the index and of its table, `public` by default.
    schema: Option<String>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlIdx {
    const NAME: &'static str = "community.postgresql.postgresql_idx";
    const ALIASES: &'static [&'static str] = &["postgresql_idx"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An index",
            args: r#"{"db": "app", "name": "titles", "table": "books", "columns": "title"}"#,
        },
        Example { title: "None", args: r#"{"db": "app", "name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The index.", "success", r#""titles""#),
        Returned::new("state", "Whether it is there.", "success", r#""present""#),
        Returned::new("schema", "Its schema.", "success", r#""public""#),
        Returned::new("tblname", "Its table.", "success", r#""books""#),
        Returned::new("tblspace", "Where it lies.", "success", r#""""#),
        Returned::new("query", "The order that was given.", "success", r#""DROP INDEX x""#),
        Returned::new("storage_params", "Of its storage.", "success", r#"["fillfactor=10"]"#),
        Returned::new("valid", "Whether it can be used.", "success", "true"),
    ];
}

impl PostgresqlIdx {
    fn schema(&self) -> &str {
        self.schema.as_deref().filter(|schema| !schema.is_empty()).unwrap_or("public")
    }

    fn refuse(&self) -> Result<(), Failure> {
        let kind = self.idxtype.as_deref().unwrap_or("btree");
        let has_columns = self.columns.as_ref().is_some_and(|columns| !columns.is_empty());
        let is_named = [&self.table, &self.cond, &self.idxtype, &self.tablespace];
        let name = &self.idxname;
        let why = if self.concurrent && self.cascade {
            "Concurrent mode and cascade parameters are mutually exclusive".to_owned()
        } else if self.unique && kind != "btree" {
            "Only btree currently supports unique indexes".to_owned()
        } else if self.state.is_present() && self.table.is_none() {
            "Table must be specified".to_owned()
        } else if self.state.is_present() && !has_columns {
            "At least one column must be specified".to_owned()
        } else if !self.state.is_present()
            && (has_columns || is_named.iter().any(|one| one.is_some()))
        {
            format!(
                "Index {name} is to be removed: a table, columns, conditions, an index type or a tablespace have no meaning"
            )
        } else if self.cascade && self.state.is_present() {
            "cascade parameter used only with state=absent".to_owned()
        } else if !KINDS.contains(&kind.to_uppercase().as_str()) {
            format!("Index type '{kind}' of {name} is not in valid types")
        } else {
            return Ok(());
        };
        Err(Failure::new(why))
    }

    fn creation(&self) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let way = if self.concurrent { " CONCURRENTLY" } else { "" };
        let columns = self.columns.iter().flatten().cloned().collect::<Vec<_>>().join(",");
        let mut order = format!(
            "CREATE {unique}INDEX{way} {} ON {}.{} USING {} ({columns})",
            identifier(&self.idxname),
            identifier(self.schema()),
            identifier(self.table.as_deref().unwrap_or_default()),
            self.idxtype.as_deref().unwrap_or("BTREE"),
        );
        if let Some(params) = self.storage_params.as_ref().filter(|params| !params.is_empty()) {
            order.push_str(&format!(" WITH ({})", params.join(",")));
        }
        if let Some(place) = &self.tablespace {
            order.push_str(&format!(" TABLESPACE {}", identifier(place)));
        }
        if let Some(cond) = &self.cond {
            order.push_str(&format!(" WHERE {cond}"));
        }
        order
    }
}

impl Keeping for PostgresqlIdx {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn query(&self) -> String {
        format!(
            "SELECT n.nspname AS schema, t.relname AS tblname, coalesce(s.spcname::text, '') AS tblspace, \
             i.indisvalid AS valid, coalesce(c.reloptions, '{{}}') AS storage_params FROM \
             pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN \
             pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON \
             n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace \
             WHERE n.nspname = {} AND c.relname = {}",
            literal(self.schema()),
            literal(&self.idxname)
        )
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        self.refuse()?;
        let texts = [&self.schema, &self.table, &self.tablespace, &self.cond];
        let texts = texts.into_iter().flatten().chain([&self.idxname]);
        let lists = self.columns.iter().chain(&self.storage_params).flatten();
        self.login.refuse_orders(texts.chain(lists).map(String::as_str))?;
        let order = match (self.state.is_present(), found) {
            (true, None) => Some(self.creation()),
            (false, Some(_)) => {
                let way = if self.concurrent { " CONCURRENTLY" } else { "" };
                let cascade = if self.cascade { " CASCADE" } else { "" };
                let (schema, name) = (identifier(self.schema()), identifier(&self.idxname));
                Some(format!("DROP INDEX{way} {schema}.{name}{cascade}"))
            }
            _ => None,
        };
        let mut orders = if self.concurrent { Orders::apart(order) } else { Orders::new(order) };
        let is_valid = found.and_then(|found| found.get("valid")).and_then(Json::as_bool);
        if is_valid == Some(false) {
            orders.warnings.push(format!("Index {} is invalid!", self.idxname));
        }
        Ok(orders)
    }

    /// A check run tells of the index as it is.
    fn told(&self, change: &Change<'_>) -> JsonMap {
        let after = if change.is_check { change.before } else { change.after };
        let mut map = after.or(change.before).cloned().unwrap_or_else(|| {
            JsonMap::from_iter([
                ("schema".to_owned(), Json::from("")),
                ("tblname".to_owned(), "".into()),
                ("tblspace".to_owned(), "".into()),
                ("valid".to_owned(), true.into()),
                ("storage_params".to_owned(), Json::Array(Vec::new())),
            ])
        });
        let order = change.orders.first().filter(|_| !change.is_check).cloned();
        map.insert("name".into(), self.idxname.clone().into());
        map.insert("state".into(), if after.is_some() { "present" } else { "absent" }.into());
        map.insert("query".into(), order.unwrap_or_default().into());
        map
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::postgresql::keeping::tests::{ask, refused};

    #[test]
    fn indexes_are_kept() {
        let row = json!({"schema": "public", "tblname": "t", "tblspace": "", "valid": false, "storage_params": []});
        let there = Some(&row);
        for (args, row, order) in [
            (
                json!({"name": "i", "table": "t", "columns": "a,b"}),
                None,
                "CREATE INDEX CONCURRENTLY \"i\" ON \"public\".\"t\" USING BTREE (a,b)",
            ),
            (
                json!({"name": "i", "table": "t", "columns": ["lower(a)"], "type": "btree", "unique": true, "concurrent": false, "schema": "s", "cond": "a > 1", "tablespace": "x", "storage_params": ["fillfactor=10"]}),
                None,
                "CREATE UNIQUE INDEX \"i\" ON \"s\".\"t\" USING btree (lower(a)) WITH (fillfactor=10) TABLESPACE \"x\" WHERE a > 1",
            ),
            (json!({"name": "i", "table": "t", "columns": "a"}), there, ""),
            (json!({"name": "i", "state": "absent"}), None, ""),
            (
                json!({"name": "i", "state": "absent"}),
                there,
                "DROP INDEX CONCURRENTLY \"public\".\"i\"",
            ),
            (
                json!({"name": "i", "state": "absent", "concurrent": false, "cascade": true}),
                there,
                "DROP INDEX \"public\".\"i\" CASCADE",
            ),
        ] {
            let response = ask("postgresql_idx", &args, false, row);
            assert_eq!((response.failed, response.changed), (false, !order.is_empty()), "{args}");
            assert_eq!(response.returned["query"], order, "{args}");
            assert_eq!(response.warnings.len(), usize::from(row.is_some()), "{args}");
            let foretold = ask("postgresql_idx", &args, true, row);
            assert_eq!(
                (foretold.changed, &foretold.returned["query"]),
                (response.changed, &json!(""))
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        refused(
            "postgresql_idx",
            None,
            &[
                (
                    json!({"name": "i", "cascade": true, "state": "absent"}),
                    "Concurrent mode and cascade",
                ),
                (json!({"name": "i", "unique": true, "type": "gin"}), "Only btree"),
                (json!({"name": "i"}), "Table must be specified"),
                (json!({"name": "i", "table": "t"}), "At least one column"),
                (json!({"name": "i", "table": "t", "state": "absent"}), "is to be removed"),
                (
                    json!({"name": "i", "table": "t", "columns": "a", "cascade": true, "concurrent": false}),
                    "only with state=absent",
                ),
                (
                    json!({"name": "i", "table": "t", "columns": "a", "type": "x"}),
                    "not in valid types",
                ),
            ],
        );
    }
}
