//! The `postgresql_user_obj_stat_info` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response};

use super::{Login, literal, number_things, text};

/// Reads what a server has counted of tables, indexes and functions.
#[derive(Debug, Arguments)]
pub struct PostgresqlUserObjStatInfo {
    /// What is read: `functions`, `indexes`, `tables`; all of them where nothing is said.
    filter: Option<Vec<String>>,
    /// The schema, every one where nothing is said.
    schema: Option<String>,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

/// A kind of things: its name, the view of the server, the column of a thing's name, and what is
/// asked beside the view's columns.
const KINDS: [(&str, &str, &str, &str); 3] = [
    ("functions", "pg_stat_user_functions", "funcname", ""),
    ("indexes", "pg_stat_user_indexes", "indexrelname", ", pg_relation_size(s.indexrelid) AS size"),
    (
        "tables",
        "pg_stat_user_tables",
        "relname",
        ", pg_relation_size(s.relid) AS size, pg_total_relation_size(s.relid) AS total_size",
    ),
];

impl Documented for PostgresqlUserObjStatInfo {
    const NAME: &'static str = "community.postgresql.postgresql_user_obj_stat_info";
    const ALIASES: &'static [&'static str] = &["postgresql_user_obj_stat_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Of all tables", args: r#"{"db": "app", "filter": "tables"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "functions",
            "By schema and name.",
            "success",
            r#"{"public": {"add": {"calls": 1}}}"#,
        ),
        Returned::new(
            "indexes",
            "By schema and name.",
            "success",
            r#"{"public": {"titles": {"idx_scan": 0, "size": 8192}}}"#,
        ),
        Returned::new(
            "tables",
            "By schema and name.",
            "success",
            r#"{"public": {"books": {"seq_scan": 2, "size": 8192, "total_size": 16384}}}"#,
        ),
    ];
}

impl Fact for PostgresqlUserObjStatInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let database = self.login_db.as_deref().unwrap_or_default();
        let mut response = Response::default();
        let schema = self.schema.as_deref().filter(|schema| !schema.is_empty());
        if let Some(schema) = schema {
            let query = format!(
                "SELECT 1 AS there FROM pg_catalog.pg_namespace WHERE nspname = {}",
                literal(schema)
            );
            if self.login.rows(host, database, &query)?.is_empty() {
                return Err(Failure::new(format!("Schema '{schema}' does not exist")));
            }
        }
        let wanted: Vec<&str> = self.filter.iter().flatten().map(|kind| kind.trim()).collect();
        for kind in &wanted {
            if !KINDS.iter().any(|(name, ..)| name == kind) {
                response.warnings.push(format!("Unknown filter option '{kind}'"));
            }
        }
        for (kind, view, name, more) in KINDS {
            let mut all = JsonMap::new();
            if wanted.is_empty() || wanted.contains(&kind) {
                let only =
                    schema.map(|schema| format!(" WHERE s.schemaname = {}", literal(schema)));
                let query = format!("SELECT s.*{more} FROM {view} s{}", only.unwrap_or_default());
                for mut row in self.login.rows(host, database, &query)? {
                    let (place, thing) = (text(&row, "schemaname"), text(&row, name));
                    number_things(&mut row, &["relid", "indexrelid", "funcid"]);
                    row.remove("schemaname");
                    row.remove(name);
                    let things = all.entry(place).or_insert_with(|| Json::Object(JsonMap::new()));
                    if let Json::Object(things) = things {
                        things.insert(thing, row.into());
                    }
                }
            }
            response.returned.insert(kind.to_owned(), all.into());
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn counts_are_read() {
        let mut host = FakeHost::default();
        host.program("psql", |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            if text.contains("nspname = 'none'") {
                return Output::success("");
            }
            if text.contains("pg_stat_user_tables") {
                assert!(text.contains("s.schemaname = 's'"), "{text}");
                return Output::success(
                    "{\"relid\":\"1\",\"schemaname\":\"s\",\"relname\":\"t\",\"seq_scan\":2,\"size\":8}\n",
                );
            }
            Output::success("{\"there\":1}\n")
        });
        let mut ask =
            |args| run("postgresql_user_obj_stat_info", &args, "", "", Mode::default(), &mut host);
        let response = ask(json!({"filter": "tables, nonsense", "schema": "s"}));
        assert_eq!(
            response.returned["tables"],
            json!({"s": {"t": {"relid": 1, "seq_scan": 2, "size": 8}}})
        );
        assert_eq!(response.returned["indexes"], json!({}));
        assert_eq!(response.warnings, ["Unknown filter option 'nonsense'"]);
        let gone = ask(json!({"schema": "none"}));
        assert!(gone.failed && gone.msg.unwrap().contains("Schema 'none' does not exist"));
    }
}
