//! The `postgresql_publication` module of the collection `community.postgresql`.

use std::collections::{BTreeMap, BTreeSet};

use module::{Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, python};

use super::{
    Login, dotted, identifier,
    keeping::{Change, Keeping, Orders},
    literal, name_parts, text,
};
use crate::presence::Presence;

/// Keeps what a database tells its subscribers of.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["tables", "tables_in_schema", "columns"]),
    mutually_exclusive(["rowfilters", "tables_in_schema"])
)]
pub struct PostgresqlPublication {
    /// The publication.
    name: String,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Its tables; a new one without any is of all.
    tables: Option<Vec<String>>,
    /// Its schemas, with all tables in them.
    tables_in_schema: Option<Vec<String>>,
    /// Its tables, and which of their columns it tells of.
    columns: Option<JsonMap>,
    /// Which rows it tells of, by table.
    rowfilters: Option<JsonMap>,
    /// Its parameters: `{"publish": "insert,update"}`.
    parameters: Option<JsonMap>,
    /// Whose it is.
    owner: Option<String>,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    /// Whether what stands on it goes with it.
    #[argument(default = false)]
    cascade: bool,
    #[argument(flatten)]
    login: Login,
}

/// The first server that knows schemas, columns and rows of publications.
const DETAILS_SINCE: u64 = 150_000;

/// What a publication may tell of.
const EVENTS: [&str; 4] = ["insert", "update", "delete", "truncate"];

impl Documented for PostgresqlPublication {
    const NAME: &'static str = "community.postgresql.postgresql_publication";
    const ALIASES: &'static [&'static str] = &["postgresql_publication"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Of all tables", args: r#"{"db": "app", "name": "all_of_it"}"# },
        Example { title: "None", args: r#"{"db": "app", "name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("exists", "Whether it is there.", "success", "true"),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["DROP PUBLICATION \"old\""]"#,
        ),
        Returned::new("owner", "Whose it is.", "if it is there", r#""postgres""#),
        Returned::new("alltables", "Whether it is of all tables.", "if it is there", "true"),
        Returned::new("tables", "Its tables.", "if it is there", r#"["\"public\".\"t\""]"#),
        Returned::new("schemas", "Its schemas.", "if it is there", "[]"),
        Returned::new("columns", "Its columns, by table.", "if it is there", "{}"),
        Returned::new("rowfilters", "Its rows, by table.", "if it is there", "{}"),
        Returned::new("comment", "What is told of it.", "if it is there", r#""""#),
        Returned::new(
            "parameters",
            "Its parameters.",
            "if it is there",
            r#"{"publish": {"insert": true, "update": true, "delete": false}}"#,
        ),
    ];
}

/// A table as the server tells of it: its schema and name, in quotes.
fn full(table: &str) -> String {
    match name_parts(table).len() {
        1 => dotted(&format!("public.{}", table.trim())),
        _ => dotted(table),
    }
}

/// A filter without what the server does not keep.
fn filter_of(given: &Json) -> Option<String> {
    let given = python::text(given);
    let given = given.trim();
    let bare = match given.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("where") => given.get(5..).unwrap_or_default(),
        _ => given,
    };
    Some(bare.trim().to_owned()).filter(|bare| !bare.is_empty())
}

/// Whether two filters are the same but for quotes and spaces.
fn is_same(one: Option<&String>, other: Option<&String>) -> bool {
    let plain = |text: &String| text.replace(['"', ' '], "");
    one.map(plain) == other.map(plain)
}

/// A table of a publication.
#[derive(Clone, Debug, Default, PartialEq)]
struct Table {
    /// Its columns; all of them where it is nothing.
    columns: Option<BTreeSet<String>>,
    filter: Option<String>,
}

impl Table {
    /// The table as orders take it.
    fn words(&self, name: &str) -> String {
        let columns = self.columns.iter().map(|columns| {
            let columns: Vec<String> = columns.iter().map(|one| identifier(one)).collect();
            format!(" ({})", columns.join(", "))
        });
        let filter = self.filter.iter().map(|filter| format!(" WHERE {filter}"));
        columns.chain(filter).fold(name.to_owned(), |name, more| name + &more)
    }

    fn is_like(&self, other: &Self) -> bool {
        self.columns == other.columns && is_same(self.filter.as_ref(), other.filter.as_ref())
    }
}

type Tables = BTreeMap<String, Table>;

fn names(value: Option<&Json>) -> Vec<String> {
    value.and_then(Json::as_array).into_iter().flatten().map(python::text).collect()
}

/// The tables that the server tells of, in its order.
fn listed(row: &JsonMap) -> Vec<(String, &JsonMap)> {
    let all = row.get("tables").and_then(Json::as_array).into_iter().flatten();
    let named = |table: &JsonMap| {
        format!(
            "{}.{}",
            identifier(&text(table, "schemaname")),
            identifier(&text(table, "tablename"))
        )
    };
    all.filter_map(Json::as_object).map(|table| (named(table), table)).collect()
}

fn found_tables(row: &JsonMap) -> Tables {
    let read = |(name, table): (String, &JsonMap)| {
        let told: BTreeSet<String> = names(table.get("attnames")).into_iter().collect();
        let all: BTreeSet<String> = names(table.get("all_columns")).into_iter().collect();
        let filter = Some(text(table, "rowfilter")).filter(|filter| !filter.is_empty());
        let columns = Some(told).filter(|told| !told.is_empty() && *told != all);
        (name, Table { columns, filter })
    };
    listed(row).into_iter().map(read).collect()
}

impl PostgresqlPublication {
    fn filters(&self) -> BTreeMap<String, String> {
        let all = self.rowfilters.iter().flatten();
        all.filter_map(|(table, given)| Some((full(table), filter_of(given)?))).collect()
    }

    /// The tables that the task names, in its order.
    fn wanted_tables(&self) -> Vec<(String, Table)> {
        let filters = self.filters();
        let named = |table: &String, columns| {
            let name = full(table);
            let filter = filters.get(&name).cloned();
            (name, Table { columns, filter })
        };
        match &self.columns {
            Some(all) => all
                .iter()
                .map(|(table, columns)| {
                    let columns: BTreeSet<String> =
                        names(Some(columns)).iter().map(|one| one.trim().to_owned()).collect();
                    named(table, Some(columns).filter(|columns| !columns.is_empty()))
                })
                .collect(),
            None => self.tables.iter().flatten().map(|table| named(table, None)).collect(),
        }
    }

    fn creation(&self, name: &str) -> String {
        let tables = self.wanted_tables();
        let words: Vec<String> = tables.iter().map(|(name, table)| table.words(name)).collect();
        let schemas: Vec<String> =
            self.tables_in_schema.iter().flatten().map(|one| identifier(one)).collect();
        let what = if !words.is_empty() {
            format!("TABLE {}", words.join(", "))
        } else if !schemas.is_empty() {
            format!("TABLES IN SCHEMA {}", schemas.join(", "))
        } else {
            "ALL TABLES".to_owned()
        };
        let pairs = self.parameters.iter().flatten();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name} = {}", literal(&python::text(value))))
            .collect();
        let with =
            if pairs.is_empty() { String::new() } else { format!(" WITH ({})", pairs.join(", ")) };
        format!("CREATE PUBLICATION {name} FOR {what}{with}")
    }

    /// Orders about which tables it has.
    fn table_orders(&self, name: &str, row: &JsonMap) -> Vec<String> {
        let wanted = self.wanted_tables();
        if wanted.is_empty() {
            return Vec::new();
        }
        let now = found_tables(row);
        let all = || wanted.iter().map(|(name, table)| table.words(name)).collect::<Vec<_>>();
        let is_other =
            |(name, table): &(String, Table)| now.get(name).is_some_and(|now| !now.is_like(table));
        let is_of_all = row.get("alltables").and_then(Json::as_bool) == Some(true);
        if is_of_all || wanted.iter().any(is_other) {
            return vec![format!("ALTER PUBLICATION {name} SET TABLE {}", all().join(", "))];
        }
        let new = wanted.iter().filter(|(table, _)| !now.contains_key(table));
        let new = new
            .map(|(table, how)| format!("ALTER PUBLICATION {name} ADD TABLE {}", how.words(table)));
        let old = now.keys().filter(|old| !wanted.iter().any(|(table, _)| table == *old));
        new.chain(old.map(|old| format!("ALTER PUBLICATION {name} DROP TABLE {old}"))).collect()
    }

    /// Orders about which schemas it has.
    fn schema_orders(&self, name: &str, row: &JsonMap) -> Vec<String> {
        let Some(wanted) = &self.tables_in_schema else { return Vec::new() };
        let now = names(row.get("schemas"));
        let order = |verb: &str, schema: &String| {
            format!("ALTER PUBLICATION {name} {verb} TABLES IN SCHEMA {}", identifier(schema))
        };
        let new = wanted.iter().filter(|one| !now.contains(one)).map(|one| order("ADD", one));
        let old = now.iter().filter(|one| !wanted.contains(one)).map(|one| order("DROP", one));
        new.chain(old).collect()
    }

    fn parameter_orders(&self, name: &str, row: &JsonMap) -> Vec<String> {
        let flag = |column: &str| row.get(column).and_then(Json::as_bool).unwrap_or_default();
        let is_so = |(parameter, value): &(&String, &Json)| {
            let value = python::text(value);
            match parameter.as_str() {
                "publish" => {
                    let words: Vec<&str> = value.split(',').map(str::trim).collect();
                    EVENTS.iter().all(|event| words.contains(event) == flag(&format!("pub{event}")))
                }
                "publish_via_partition_root" => {
                    let wanted =
                        ["true", "on", "yes", "1"].contains(&value.to_lowercase().as_str());
                    wanted == flag("pubviaroot")
                }
                _ => false,
            }
        };
        let others = self.parameters.iter().flatten().filter(|pair| !is_so(pair));
        others
            .map(|(parameter, value)| {
                let value = literal(&python::text(value));
                format!("ALTER PUBLICATION {name} SET ({parameter} = {value})")
            })
            .collect()
    }
}

impl Keeping for PostgresqlPublication {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    // `json_agg` would write a line for each table, and a row is one line.
    fn query(&self) -> String {
        format!(
            "SELECT p.*, p.puballtables AS alltables, pg_get_userbyid(p.pubowner) AS owner, \
             coalesce(obj_description(p.oid, 'pg_publication'), '') AS comment, \
             current_setting('server_version_num')::int AS version, (SELECT \
             coalesce(jsonb_agg(t), '[]') FROM (SELECT t.*, (SELECT jsonb_agg(a.attname ORDER BY \
             a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = format('%I.%I', \
             t.schemaname, t.tablename)::regclass AND a.attnum > 0 AND NOT a.attisdropped) AS \
             all_columns FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname) t) \
             AS tables FROM pg_catalog.pg_publication p WHERE p.pubname = {}",
            literal(&self.name)
        )
    }

    fn read(&self, host: &dyn Host, query: &str) -> Result<Option<JsonMap>, Failure> {
        let row = self.login.rows(host, self.database(), query)?.into_iter().next();
        let Some(mut row) = row else { return Ok(None) };
        let version = row.get("version").and_then(Json::as_u64).unwrap_or_default();
        let asks = self.tables_in_schema.is_some() || self.columns.is_some();
        if version < DETAILS_SINCE && (asks || self.rowfilters.is_some()) {
            return Err(Failure::new(
                "Schemas, columns and rows of publications are supported by PostgreSQL 15 or greater",
            ));
        }
        if version >= DETAILS_SINCE {
            let query = format!(
                "SELECT n.nspname AS name FROM pg_catalog.pg_publication_namespace s JOIN \
                 pg_catalog.pg_namespace n ON n.oid = s.pnnspid JOIN pg_catalog.pg_publication p \
                 ON p.oid = s.pnpubid WHERE p.pubname = {}",
                literal(&self.name)
            );
            let rows = self.login.rows(host, self.database(), &query)?;
            let schemas: Vec<String> = rows.iter().map(|row| text(row, "name")).collect();
            row.insert("schemas".into(), schemas.into());
        }
        Ok(Some(row))
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        let pairs = self.parameters.iter().flatten();
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{name} = {}", python::text(value))).collect();
        let texts = [&self.owner, &self.comment].into_iter().flatten().chain([&self.name]);
        let texts = texts.chain(self.tables.iter().flatten()).chain(&pairs);
        self.login.refuse_orders(texts.map(String::as_str))?;
        let name = identifier(&self.name);
        let mut orders = Orders::default();
        if !self.state.is_present() {
            let ignored = [
                ("tables", self.tables.is_some()),
                ("parameters", self.parameters.is_some()),
                ("owner", self.owner.is_some()),
            ];
            let ignored = ignored.into_iter().filter(|(_, is_given)| *is_given);
            orders.warnings.extend(ignored.map(|(parameter, _)| {
                format!("parameter \"{parameter}\" is ignored when \"state=absent\"")
            }));
            let cascade = if self.cascade { " CASCADE" } else { "" };
            orders.texts.extend(found.map(|_| format!("DROP PUBLICATION {name}{cascade}")));
            return Ok(orders);
        }
        if self.cascade {
            orders.warnings.push("parameter \"cascade\" is ignored when \"state=present\"".into());
        }
        let mut now = JsonMap::new();
        match found {
            None => orders.texts.push(self.creation(&name)),
            Some(row) => {
                orders.texts.extend(self.table_orders(&name, row));
                orders.texts.extend(self.schema_orders(&name, row));
                orders.texts.extend(self.parameter_orders(&name, row));
                now.clone_from(row);
            }
        }
        if let Some(owner) = self.owner.as_ref().filter(|owner| text(&now, "owner") != **owner) {
            orders.texts.push(format!("ALTER PUBLICATION {name} OWNER TO {}", identifier(owner)));
        }
        if let Some(comment) = self.comment.as_ref().filter(|one| text(&now, "comment") != **one) {
            orders.texts.push(format!("COMMENT ON PUBLICATION {name} IS {}", literal(comment)));
        }
        Ok(orders)
    }

    /// A check run tells of the publication as it is.
    fn told(&self, change: &Change<'_>) -> JsonMap {
        let after = if change.is_check { change.before } else { change.after };
        let mut map = JsonMap::from_iter([
            ("exists".to_owned(), Json::from(after.is_some())),
            ("queries".to_owned(), change.orders.to_vec().into()),
        ]);
        if !self.state.is_present() && !change.is_check {
            return map;
        }
        let none = JsonMap::new();
        let row = after.unwrap_or(&none);
        let is_of_all = row.get("alltables").and_then(Json::as_bool).unwrap_or_default();
        let listed = if is_of_all { Vec::new() } else { listed(row) };
        let mut events = JsonMap::new();
        for event in EVENTS {
            let flag = row.get(&format!("pub{event}")).and_then(Json::as_bool);
            // Servers that know of no truncation say nothing of it.
            if let Some(flag) = flag.filter(|flag| *flag || event != "truncate") {
                events.insert(event.to_owned(), flag.into());
            }
        }
        let mut parameters = JsonMap::new();
        if after.is_some() {
            parameters.insert("publish".into(), events.into());
            map.insert("comment".into(), text(row, "comment").into());
        }
        let tables: Vec<String> = listed.iter().map(|(name, _)| name.clone()).collect();
        let (mut columns, mut filters) = (JsonMap::new(), JsonMap::new());
        for (name, table) in &listed {
            columns.extend(table.get("attnames").map(|all| (name.clone(), all.clone())));
            let filter = table.get("rowfilter").filter(|filter| !filter.is_null());
            filters.extend(filter.map(|filter| (name.clone(), filter.clone())));
        }
        let schemas = if is_of_all { Vec::new() } else { names(row.get("schemas")) };
        map.extend([
            ("alltables".to_owned(), Json::from(is_of_all)),
            ("tables".to_owned(), tables.into()),
            ("parameters".to_owned(), parameters.into()),
            ("owner".to_owned(), text(row, "owner").into()),
            ("schemas".to_owned(), schemas.into()),
            ("columns".to_owned(), columns.into()),
            ("rowfilters".to_owned(), filters.into()),
        ]);
        map
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::postgresql::keeping::tests::{ask, orders, refused};

    fn row() -> Value {
        json!({
            "alltables": false, "owner": "o", "comment": "", "version": 140000,
            "pubinsert": true, "pubupdate": true, "pubdelete": false, "pubtruncate": false,
            "tables": [
                {"schemaname": "public", "tablename": "a", "attnames": ["x"], "rowfilter": "(x > 1)", "all_columns": ["x", "y"]},
                {"schemaname": "s", "tablename": "b", "attnames": ["x"], "rowfilter": null, "all_columns": ["x"]},
            ],
        })
    }

    #[test]
    fn publications_are_kept() {
        let name = "postgresql_publication";
        orders(
            name,
            None,
            &[
                (
                    json!({"name": "p", "owner": "o", "comment": "c"}),
                    &[
                        "CREATE PUBLICATION \"p\" FOR ALL TABLES",
                        "ALTER PUBLICATION \"p\" OWNER TO \"o\"",
                        "COMMENT ON PUBLICATION \"p\" IS 'c'",
                    ],
                ),
                (
                    json!({"name": "p", "tables": ["a", "s.b"], "rowfilters": {"a": "where (x > 1)"}, "parameters": {"publish": "insert"}}),
                    &[
                        "CREATE PUBLICATION \"p\" FOR TABLE \"public\".\"a\" WHERE (x > 1), \"s\".\"b\" WITH (publish = 'insert')",
                    ],
                ),
                (
                    json!({"name": "p", "columns": {"a": ["x", "y"], "s.b": null}}),
                    &[
                        "CREATE PUBLICATION \"p\" FOR TABLE \"public\".\"a\" (\"x\", \"y\"), \"s\".\"b\"",
                    ],
                ),
                (
                    json!({"name": "p", "tables_in_schema": ["s", "t"]}),
                    &["CREATE PUBLICATION \"p\" FOR TABLES IN SCHEMA \"s\", \"t\""],
                ),
                (json!({"name": "p", "state": "absent"}), &[]),
            ],
        );
        orders(
            name,
            Some(row()),
            &[
                (
                    json!({"name": "p", "owner": "o", "parameters": {"publish": "update,insert"}}),
                    &[],
                ),
                (
                    json!({"name": "p", "owner": "q", "parameters": {"publish": "insert"}}),
                    &[
                        "ALTER PUBLICATION \"p\" SET (publish = 'insert')",
                        "ALTER PUBLICATION \"p\" OWNER TO \"q\"",
                    ],
                ),
                (
                    json!({"name": "p", "state": "absent", "cascade": true}),
                    &["DROP PUBLICATION \"p\" CASCADE"],
                ),
            ],
        );
        let told = ask(name, &json!({"name": "p"}), false, Some(&row())).returned;
        assert_eq!(told["tables"], json!(["\"public\".\"a\"", "\"s\".\"b\""]));
        assert_eq!(told["rowfilters"], json!({"\"public\".\"a\"": "(x > 1)"}));
        assert_eq!(
            told["parameters"],
            json!({"publish": {"insert": true, "update": true, "delete": false}})
        );
        let old = json!({"name": "p", "columns": {"a": ["x"]}});
        refused(
            name,
            Some(row()),
            &[
                (old, "PostgreSQL 15 or greater"),
                (
                    json!({"name": "p", "tables": ["a"], "columns": {"a": ["x"]}}),
                    "mutually exclusive",
                ),
            ],
        );
    }

    #[test]
    fn tables_come_and_go() {
        let mut new = row();
        new["version"] = 150_000.into();
        let name = "postgresql_publication";
        orders(
            name,
            Some(new),
            &[
                (
                    json!({"name": "p", "columns": {"a": ["x"], "s.b": null}, "rowfilters": {"a": "(\"x\">1)"}}),
                    &[],
                ),
                (
                    json!({"name": "p", "columns": {"a": ["x"], "c": ["z"]}, "rowfilters": {"a": "(x > 1)"}}),
                    &[
                        "ALTER PUBLICATION \"p\" ADD TABLE \"public\".\"c\" (\"z\")",
                        "ALTER PUBLICATION \"p\" DROP TABLE \"s\".\"b\"",
                    ],
                ),
                (
                    json!({"name": "p", "tables": ["a"]}),
                    &["ALTER PUBLICATION \"p\" SET TABLE \"public\".\"a\""],
                ),
                (
                    json!({"name": "p", "tables_in_schema": ["s"]}),
                    &[
                        "ALTER PUBLICATION \"p\" ADD TABLES IN SCHEMA \"s\"",
                        "ALTER PUBLICATION \"p\" DROP TABLES IN SCHEMA \"\"",
                    ],
                ),
            ],
        );
    }
}
