//! The `mysql_query` module of the collection `community.mysql`.

use module::{Action, Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{Login, NamedRow, Server, checked, identifier, literal};
use crate::{markup::unescaped, order_values};

/// What the client tells after each order.
const COUNTS: &str = "SELECT ROW_COUNT() AS trueup_rows, @@warning_count AS trueup_warnings;\n";

/// Gives orders to a server of MySQL or MariaDB, and returns its answers.
///
/// The client beside the server writes numbers and texts alike. Those of queries that a SELECT can
/// stand around are numbers where the server says that their columns hold such; answers to `SHOW`
/// and the like are texts.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["positional_args", "named_args"]))]
pub struct MysqlQuery {
    /// An order, or several.
    #[argument(kind = "raw")]
    query: Json,
    /// What stands for `%s`, in its order.
    positional_args: Option<Vec<Json>>,
    /// What stands for `%(name)s`.
    named_args: Option<JsonMap>,
    /// The database.
    login_db: Option<String>,
    /// Whether all orders are one transaction.
    #[argument(default = false)]
    single_transaction: bool,
    /// Variables that are set for these orders.
    session_vars: Option<JsonMap>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for MysqlQuery {
    const NAME: &'static str = "community.mysql.mysql_query";
    const ALIASES: &'static [&'static str] = &["mysql_query", "ansible.mysql.mysql_query"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A query with a value",
            args: r#"{"login_db": "shop", "query": "SELECT * FROM items WHERE id = %s", "positional_args": [1]}"#,
        },
        Example {
            title: "Two orders, both or none",
            args: r#"{"login_db": "shop", "single_transaction": true, "query": ["UPDATE items SET n = n + 1", "DELETE FROM old"]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("executed_queries", "The orders.", "always", r#"["SELECT 1"]"#),
        Returned::new("query_result", "Rows of each order.", "success", r#"[[{"id": 1}]]"#),
        Returned::new("rowcount", "Rows that each order gave or changed.", "success", "[1]"),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

/// A value as orders take it.
pub(super) fn value(value: &Json) -> String {
    match value {
        Json::Null => "NULL".into(),
        Json::Bool(flag) => u8::from(*flag).to_string(),
        Json::Number(number) => number.to_string(),
        Json::Array(all) => {
            format!("({})", all.iter().map(self::value).collect::<Vec<_>>().join(","))
        }
        other => literal(&python::text(other)),
    }
}

/// An answer of the client's: names and fields of each row, `None` for NULL.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) rows: Vec<NamedRow>,
}

impl Answer {
    fn count(&self, name: &str) -> Option<i64> {
        let row = self.rows.first()?;
        row.iter().find(|(field, _)| field == name)?.1.as_ref()?.parse().ok()
    }

    fn is_counts(&self) -> bool {
        self.count("trueup_warnings").is_some()
    }
}

/// Reads what `mysql --xml` writes.
pub(super) fn answers(text: &str) -> Vec<Answer> {
    let mut all = Vec::new();
    for part in text.split("<resultset ").skip(1) {
        let body = part.split("</resultset>").next().unwrap_or_default();
        let mut answer = Answer::default();
        for row in body.split("<row>").skip(1) {
            let mut fields = Vec::new();
            for field in row.split("<field name=\"").skip(1) {
                let Some((name, rest)) = field.split_once('"') else { continue };
                let content = match rest.split_once('>') {
                    Some((attributes, _)) if attributes.contains("xsi:nil=\"true\"") => None,
                    Some((_, content)) => {
                        Some(unescaped(content.split("</field>").next().unwrap_or_default()))
                    }
                    None => None,
                };
                fields.push((unescaped(name), content));
            }
            answer.rows.push(fields);
        }
        all.push(answer);
    }
    all
}

/// Names of the columns that hold whole numbers, and of those that hold others, in what the client
/// says with `--column-type-info`.
fn number_columns(text: &str) -> Vec<(String, bool)> {
    let mut name = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("Field ").filter(|(head, _)| head.is_empty()) {
            name =
                rest.split_once('`').and_then(|(_, rest)| rest.rsplit_once('`')).map(|(it, _)| it);
        }
        let Some(kind) = line.strip_prefix("Type:") else { continue };
        let is_whole =
            matches!(kind.trim(), "LONG" | "LONGLONG" | "TINY" | "SHORT" | "INT24" | "YEAR");
        let is_other = matches!(kind.trim(), "FLOAT" | "DOUBLE");
        if let Some(name) = name.take().filter(|_| is_whole || is_other) {
            found.push((name.to_owned(), is_whole));
        }
    }
    found
}

impl MysqlQuery {
    fn orders(&self) -> Result<Vec<String>, Failure> {
        let given: Vec<&str> = match &self.query {
            Json::String(one) => vec![one],
            Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        if given.is_empty() {
            return Err(Failure::new("the query option value must be a string or list"));
        }
        given.into_iter().map(|order| self.filled(order.trim().trim_end_matches(';'))).collect()
    }

    /// An order with its values.
    fn filled(&self, order: &str) -> Result<String, Failure> {
        order_values::fill(order, self.positional_args.as_deref(), self.named_args.as_ref(), &value)
    }

    /// What stands before the orders.
    fn head(&self) -> String {
        let mut head = String::new();
        if let Some(database) = &self.login_db {
            head.push_str(&format!("USE {};\n", identifier(database)));
        }
        for (name, one) in self.session_vars.iter().flatten() {
            head.push_str(&format!("SET SESSION {} = {};\n", identifier(name), value(one)));
        }
        head
    }

    /// Which columns of a query hold numbers; none where a SELECT cannot stand around it.
    fn numbers(&self, host: &dyn Host, order: &str) -> Result<Vec<(String, bool)>, Failure> {
        let word = order.trim_start_matches('(').split_whitespace().next().unwrap_or_default();
        if !["SELECT", "WITH", "TABLE", "VALUES"].contains(&word.to_uppercase().as_str()) {
            return Ok(Vec::new());
        }
        let asked = format!("{}SELECT * FROM ({order}) AS trueup LIMIT 0;\n", self.head());
        let program = self.login.program(host, &["--table", "--column-type-info"], &asked)?;
        let output = host.query(&program)?;
        Ok(if output.is_success() { number_columns(&output.stdout_text()) } else { Vec::new() })
    }
}

/// Rows as playbooks see them.
fn rows(answer: &Answer, numbers: &[(String, bool)]) -> Json {
    let field = |(name, text): &(String, Option<String>)| {
        let text = text.as_deref();
        let is_whole =
            numbers.iter().find(|(column, _)| column == name).map(|(_, is_whole)| *is_whole);
        let number: Option<Json> = text.and_then(|text| match is_whole? {
            true => text
                .parse::<i64>()
                .ok()
                .map(Json::from)
                .or(text.parse::<u64>().ok().map(Json::from)),
            false => text.parse::<f64>().ok().map(Json::from),
        });
        (name.clone(), number.or(text.map(Json::from)).unwrap_or_default())
    };
    let row = |row: &Vec<(String, Option<String>)>| -> Json {
        row.iter().map(field).collect::<JsonMap>().into()
    };
    answer.rows.iter().map(row).collect::<Vec<Json>>().into()
}

/// Whether an order with these counts has changed anything.
fn changes(order: &str, count: i64, warnings: i64) -> bool {
    let upper = order.to_uppercase();
    match upper.split_whitespace().next().unwrap_or_default() {
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "LOAD" => count > 0,
        "CREATE" | "DROP" | "ALTER" | "RENAME" | "TRUNCATE" => {
            // What was there already, or not, is told by a warning.
            !((upper.contains("IF EXISTS") || upper.contains("IF NOT EXISTS")) && warnings > 0)
        }
        "GRANT" | "REVOKE" | "CALL" | "SET" => {
            upper.starts_with("GRANT") || upper.starts_with("REVOKE")
        }
        _ => false,
    }
}

impl Action for MysqlQuery {
    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        self.orders().map(|_| Response::default())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let orders = self.orders()?;
        let numbers: Vec<_> =
            orders.iter().map(|order| self.numbers(host, order)).collect::<Result<_, _>>()?;
        let mut script = self.head();
        if self.single_transaction {
            script.push_str("START TRANSACTION;\n");
        }
        for order in &orders {
            script.push_str(&format!("{order};\n{COUNTS}"));
        }
        if self.single_transaction {
            script.push_str("COMMIT;\n");
        }
        let program = self.login.program(host, &["--xml"], &script)?;
        let output = host.execute(&program)?;
        let output = checked(&program, output).map_err(|failure| Failure {
            msg: format!("Cannot execute SQL: {}", failure.msg),
            ..failure
        })?;
        if output.truncated {
            return Err(Failure::new("the server's answer is too long to be returned"));
        }
        let mut told = answers(&output.stdout_text()).into_iter();
        let (mut results, mut counts, mut changed) = (Vec::new(), Vec::new(), false);
        for (order, numbers) in orders.iter().zip(&numbers) {
            let mut first = None;
            let (mut count, mut warnings) = (0, 0);
            for answer in told.by_ref() {
                if answer.is_counts() {
                    count = answer.count("trueup_rows").unwrap_or_default();
                    warnings = answer.count("trueup_warnings").unwrap_or_default();
                    break;
                }
                first = first.or(Some(answer));
            }
            // A query has no count of changed rows.
            if let Some(answer) = &first {
                count = answer.rows.len() as i64;
            }
            changed |= changes(order, count, warnings);
            results.push(rows(&first.unwrap_or_default(), numbers));
            counts.push(Json::from(count.max(0)));
        }
        let returned = JsonMap::from_iter([
            ("executed_queries".to_owned(), orders.into()),
            ("query_result".to_owned(), results.into()),
            ("rowcount".to_owned(), counts.into()),
        ]);
        Ok(Response { changed, returned, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    const NS: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";

    #[test]
    fn answers_are_read() {
        let mut host = FakeHost::default();
        host.program("mysql", |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            if program.args.contains(&"--column-type-info".to_owned()) {
                assert!(text.contains("SELECT * FROM (SELECT a, b FROM t WHERE c = 'x''y') AS trueup"));
                return Output::success("Field   1:  `a`\nType:       LONG\nField   2:  `b`\nType:       VAR_STRING\n");
            }
            assert!(text.starts_with("USE `shop`;\nSET SESSION `sql_mode` = 'ANSI';\n"), "{text}");
            let counts = |rows: i64| format!("<resultset statement=\"x\" {NS}>\n<row>\n<field name=\"trueup_rows\">{rows}</field>\n<field name=\"trueup_warnings\">0</field></row></resultset>\n");
            Output::success(format!(
                "<?xml version=\"1.0\"?>\n<resultset statement=\"s\" {NS}>\n  <row>\n\t<field name=\"a\">5</field>\n\t<field name=\"b\">7 &lt; &amp;amp;\n8</field>\n  </row>\n  <row>\n\t<field name=\"a\" xsi:nil=\"true\" />\n\t<field name=\"b\"></field>\n  </row>\n</resultset>\n{}{}",
                counts(-1),
                counts(3)
            ))
        });
        let args = json!({
            "login_db": "shop", "session_vars": {"sql_mode": "ANSI"}, "named_args": {"c": "x'y"},
            "query": ["SELECT a, b FROM t WHERE c = %(c)s;", "UPDATE t SET a = 1"],
        });
        let response = run("mysql_query", &args, "", "", Mode::default(), &mut host);
        assert!(response.changed && !response.failed, "{response:?}");
        assert_eq!(
            response.returned["query_result"],
            json!([[{"a": 5, "b": "7 < &amp;\n8"}, {"a": null, "b": ""}], []])
        );
        assert_eq!(response.returned["rowcount"], json!([2, 3]));
    }

    #[test]
    fn what_changes_is_known() {
        for (order, count, warnings, expected) in [
            ("SELECT 1", 1, 0, false),
            ("insert into t values (1)", 1, 0, true),
            ("UPDATE t SET a = 1", 0, 0, false),
            ("CREATE TABLE t (a int)", 0, 0, true),
            ("CREATE TABLE IF NOT EXISTS t (a int)", 0, 1, false),
            ("DROP TABLE IF EXISTS t", 0, 0, true),
            ("SET @a = 1", 0, 0, false),
            ("GRANT ALL ON *.* TO x", 0, 0, true),
        ] {
            assert_eq!(changes(order, count, warnings), expected, "{order}");
        }
    }

    #[test]
    fn orders_without_their_values_are_refused() {
        for (args, words) in [
            (json!({"query": {}}), "must be a string or list"),
            (json!({"query": "SELECT %s", "positional_args": []}), "there are more %s"),
            (json!({"query": "SELECT %(x)s", "named_args": {}}), "named_args has no x"),
            (json!({"query": "SELECT 5 % 2", "positional_args": [1]}), "must be written as %%"),
            (json!({"query": "x", "positional_args": [], "named_args": {}}), "mutually exclusive"),
        ] {
            let response =
                run("mysql_query", &args, "", "", Mode::default(), &mut FakeHost::default());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
