//! The `postgresql_query` module of the collection `community.postgresql`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{Login, identifier, literal};
use crate::{order_values, tool};

/// Gives orders to PostgreSQL, and returns the rows of a query.
///
/// Orders that begin with `SELECT`, `WITH`, `VALUES` or `TABLE` are queries; rows of others
/// are not returned. A check run rolls everything back.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["positional_args", "named_args"]))]
pub struct PostgresqlQuery {
    /// The orders: a text or a list of texts, in which `%s` and `%(name)s` stand for values.
    query: Json,
    /// Values for `%s`, in their order.
    positional_args: Option<Vec<Json>>,
    /// Values for `%(name)s`.
    named_args: Option<JsonMap>,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    /// Whether each order stands for itself, outside of a transaction.
    #[argument(default = false)]
    autocommit: bool,
    /// Encoding of the client.
    encoding: Option<String>,
    /// Schemas in which names are looked for.
    search_path: Option<Vec<String>>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlQuery {
    const NAME: &'static str = "community.postgresql.postgresql_query";
    const ALIASES: &'static [&'static str] = &["postgresql_query"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A query",
        args: r#"{"login_db": "app", "query": "SELECT version FROM releases WHERE name = %s", "positional_args": ["web"]}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("query", "The last order.", "always", r#""SELECT 1 AS a""#),
        Returned::new("query_list", "All orders.", "always", r#"["SELECT 1 AS a"]"#),
        Returned::new("query_result", "Rows of the last.", "always", r#"[{"a": 1}]"#),
        Returned::new("query_all_results", "Rows of all.", "always", r#"[[{"a": 1}]]"#),
        Returned::new("rowcount", "How many rows.", "always", "1"),
        Returned::new(
            "statusmessage",
            "What the server says of the last.",
            "always",
            r#""SELECT 1""#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// A value as an order takes it.
fn value(value: &Json) -> String {
    match value {
        Json::Null => "NULL".into(),
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) => number.to_string(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            if items.is_empty() { "'{}'".into() } else { format!("ARRAY[{}]", items.join(", ")) }
        }
        other => literal(&python::text(other)),
    }
}

/// What stands for no rows.
fn empty() -> Json {
    Json::Object(JsonMap::new())
}

impl PostgresqlQuery {
    fn orders(&self) -> Result<Vec<String>, Failure> {
        let texts: Vec<String> = match &self.query {
            Json::Array(all) => all.iter().map(python::text).collect(),
            other => vec![python::text(other)],
        };
        texts.iter().map(|text| self.fill(text)).collect()
    }

    /// Puts values where they belong.
    fn fill(&self, text: &str) -> Result<String, Failure> {
        let text = text.trim().trim_end_matches(';');
        order_values::fill(text, self.positional_args.as_deref(), self.named_args.as_ref(), &value)
    }

    fn is_query(order: &str) -> bool {
        let word = order.trim_start_matches('(').split_whitespace().next().unwrap_or_default();
        let changes = order.to_uppercase();
        let changes = ["INSERT ", "UPDATE ", "DELETE "].iter().any(|word| changes.contains(word));
        match word.to_uppercase().as_str() {
            "SELECT" | "VALUES" | "TABLE" => true,
            "WITH" => !changes,
            _ => false,
        }
    }

    /// All of it as one text for psql: each order's answer is a line of JSON, or its status.
    fn script(&self, orders: &[String], keeps: bool) -> String {
        let mut script = String::new();
        if let Some(encoding) = &self.encoding {
            script.push_str(&format!("SET client_encoding TO {};\n", literal(encoding)));
        }
        if let Some(path) = &self.search_path {
            let path: Vec<String> = path.iter().map(|schema| identifier(schema)).collect();
            script.push_str(&format!("SET search_path TO {};\n", path.join(", ")));
        }
        let is_one = !self.autocommit || !keeps;
        if is_one {
            script.push_str("BEGIN;\n");
        }
        for order in orders {
            if Self::is_query(order) {
                script.push_str(&format!(
                    "SELECT coalesce(json_agg(row_to_json(rows)), '[]') FROM ({order}) AS rows;\n"
                ));
            } else {
                // Without `-q`, psql tells the status of an order.
                script.push_str(&format!("\\set QUIET off\n{order};\n\\set QUIET on\n"));
            }
        }
        if is_one {
            script.push_str(if keeps { "COMMIT;\n" } else { "ROLLBACK;\n" });
        }
        script
    }

    fn answer(&self, orders: &[String], stdout: &str) -> Response {
        let mut lines = stdout.lines().filter(|line| !line.is_empty()).peekable();
        let mut results: Vec<Json> = Vec::new();
        let (mut status, mut count, mut changed) = (String::new(), 0_u64, false);
        for order in orders {
            if Self::is_query(order) {
                let mut text = String::new();
                // Aggregated rows stand on several lines, which end with the list.
                for line in lines.by_ref() {
                    text.push_str(line);
                    if serde_json::from_str::<Json>(&text).is_ok() {
                        break;
                    }
                }
                let rows: Json =
                    serde_json::from_str(&text).unwrap_or_else(|_| Json::Array(Vec::new()));
                let rows_count = rows.as_array().map_or(0, Vec::len) as u64;
                count += rows_count;
                status = format!("SELECT {rows_count}");
                let is_empty = rows.as_array().is_some_and(Vec::is_empty);
                results.push(if is_empty { empty() } else { rows });
                continue;
            }
            let is_status = |line: &str| {
                line.split_whitespace().next().is_some_and(|word| {
                    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase())
                })
            };
            let said = lines.by_ref().find(|line| is_status(line)).unwrap_or_default();
            status = said.to_owned();
            let words: Vec<&str> = said.split_whitespace().collect();
            let number = words.last().and_then(|word| word.parse::<u64>().ok());
            let verb = words.first().copied().unwrap_or_default();
            changed |= match verb {
                "INSERT" | "UPDATE" | "DELETE" | "MERGE" => number.is_some_and(|number| number > 0),
                "SHOW" | "SET" | "BEGIN" | "COMMIT" | "ANALYZE" | "EXPLAIN" => false,
                _ => true,
            };
            count += number.unwrap_or_default();
            results.push(empty());
        }
        let mut response = Response { changed, ..Response::default() };
        let values: [(&str, Json); 6] = [
            ("query", orders.last().cloned().into()),
            ("query_list", orders.to_vec().into()),
            ("query_result", results.last().cloned().unwrap_or_else(empty)),
            ("query_all_results", results.into()),
            ("rowcount", count.into()),
            ("statusmessage", status.into()),
        ];
        response.returned.extend(values.map(|(name, value)| (name.to_owned(), value)));
        response
    }

    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or(&self.login.login_user)
    }
}

impl Action for PostgresqlQuery {
    fn guard(&self, _: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        self.orders().map(|_| Guard::Go)
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let orders = self.orders()?;
        // Rolled back, an order changes nothing but sequences.
        let program = self.login.psql(self.database(), &self.script(&orders, false))?;
        let stdout = tool::ask(host, &program)?;
        Ok(self.answer(&orders, &without_frame(&stdout)))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let orders = self.orders()?;
        let output = self.login.run(host, self.database(), &self.script(&orders, true))?;
        Ok(self.answer(&orders, &without_frame(&output.stdout_text())))
    }
}

/// What psql wrote without the answers to orders of ours.
fn without_frame(stdout: &str) -> String {
    let own = ["BEGIN", "COMMIT", "ROLLBACK", "SET"];
    stdout.lines().filter(|line| !own.contains(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn orders_are_filled_and_answers_read() {
        let mut host = FakeHost::default();
        host.program("psql", |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            assert!(
                text.contains("FROM (SELECT * FROM t WHERE a = 'x''y' AND b = 5) AS rows"),
                "{text}"
            );
            assert!(text.contains("UPDATE t SET c = NULL"), "{text}");
            Output::success("[{\"a\":1}, \n {\"a\":2}]\nUPDATE 3\n")
        });
        let args = json!({
            "query": ["SELECT * FROM t WHERE a = %(a)s AND b = %(b)s;", "UPDATE t SET c = %(c)s"],
            "named_args": {"a": "x'y", "b": 5, "c": null}, "db": "app",
        });
        let response = run("postgresql_query", &args, "", "", Mode::default(), &mut host);
        assert!(response.changed && !response.failed, "{response:?}");
        assert_eq!(response.returned["query_all_results"], json!([[{"a": 1}, {"a": 2}], {}]));
        assert_eq!(response.returned["rowcount"], json!(5));
        assert_eq!(response.returned["statusmessage"], json!("UPDATE 3"));
    }

    #[test]
    fn orders_without_their_values_are_refused() {
        for (args, words) in [
            (
                json!({"query": "SELECT %s", "positional_args": []}),
                "there are more %s than positional_args",
            ),
            (json!({"query": "SELECT %(x)s", "named_args": {}}), "named_args has no x"),
            (json!({"query": "SELECT 5 % 2", "positional_args": [1]}), "must be written as %%"),
            (json!({"query": "x", "positional_args": [], "named_args": {}}), "mutually exclusive"),
        ] {
            let response =
                run("postgresql_query", &args, "", "", Mode::default(), &mut FakeHost::default());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
