//! The `postgresql_script` module of the collection `community.postgresql`.

use std::path::PathBuf;

use module::{Action, Arguments, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{Login, identifier, literal};
use crate::order_values;

/// Gives a file of orders to PostgreSQL, and returns the rows of the last.
///
/// Commands of psql are no orders, and are refused. Without orders of its own that begin or end a
/// transaction, a script is one.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["positional_args", "named_args"]))]
pub struct PostgresqlScript {
    /// The file, on the host.
    path: Option<PathBuf>,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    /// Values for `%s`, in their order.
    positional_args: Option<Vec<Json>>,
    /// Values for `%(name)s`.
    named_args: Option<JsonMap>,
    /// Encoding of the client.
    encoding: Option<String>,
    /// Schemas in which names are looked for.
    search_path: Option<Vec<String>>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlScript {
    const NAME: &'static str = "community.postgresql.postgresql_script";
    const ALIASES: &'static [&'static str] = &["postgresql_script"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A script with a value",
        args: r#"{"db": "app", "path": "/srv/app/schema.sql", "positional_args": ["web"]}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("query", "The script with its values.", "success", r#""SELECT 1 AS a""#),
        Returned::new(
            "statusmessage",
            "What the server says of the last.",
            "success",
            r#""SELECT 1""#,
        ),
        Returned::new("query_result", "Rows of the last.", "success", r#"[{"a": 1}]"#),
        Returned::new("rowcount", "How many rows.", "changed", "1"),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

/// A value as an order takes it; lists are arrays as the server writes them.
fn value(value: &Json) -> String {
    match value {
        Json::Null => "NULL".into(),
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) => number.to_string(),
        Json::Array(_) => {
            let shown = python::repr(value);
            literal(&format!("{{{}}}", shown.trim_matches(['[', ']'])))
        }
        other => literal(&python::text(other)),
    }
}

/// Takes a script apart at the semicolons that end its orders.
///
/// # Errors
/// A backslash outside of quotes, which psql would take for itself.
fn statements(script: &str) -> Result<Vec<String>, Failure> {
    let mut all = vec![String::new()];
    let mut rest = script;
    while let Some(letter) = rest.chars().next() {
        let width = match letter {
            ';' => {
                all.push(String::new());
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            '\\' => {
                return Err(Failure::new(
                    "the script has a backslash outside of quotes; commands of psql are no orders",
                ));
            }
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '\'' | '"' => {
                let before = all.last().map(String::as_str).unwrap_or_default();
                quoted(rest, letter, letter == '\'' && is_escaping(before))
            }
            '$' => dollar_quoted(rest).unwrap_or(1),
            other => other.len_utf8(),
        };
        let (head, tail) = rest.split_at_checked(width).unwrap_or((rest, ""));
        if let Some(last) = all.last_mut() {
            last.push_str(head);
        }
        rest = tail;
    }
    all.retain(|one| !bare(one).is_empty());
    Ok(all)
}

/// Whether a quote after this text begins one in which backslashes escape.
fn is_escaping(before: &str) -> bool {
    let mut letters = before.chars().rev();
    let is_word = |letter: Option<char>| letter.is_some_and(|one| one.is_alphanumeric());
    letters.next().is_some_and(|one| one.eq_ignore_ascii_case(&'e')) && !is_word(letters.next())
}

/// How far a comment goes, with those in it.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    let bytes = rest.as_bytes();
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// How far a text in quotes goes. Two quotes are two texts side by side, which is as good.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if escapes => drop(letters.next()),
            letter if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// How far a text between dollars goes; `None` where there is none.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let end = rest.get(1..)?.find('$')? + 2;
    let tag = rest.get(..end)?;
    let name = tag.trim_matches('$');
    let is_tag = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    let body = rest.get(end..).filter(|_| is_tag)?;
    Some(body.find(tag).map_or(rest.len(), |at| end + at + tag.len()))
}

/// An order without spaces and comments before it.
fn bare(order: &str) -> &str {
    let mut rest = order.trim();
    loop {
        let width = match rest {
            _ if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => comment(rest),
            _ => return rest,
        };
        rest = rest.get(width..).unwrap_or_default().trim_start();
    }
}

fn first_word(order: &str) -> String {
    let word = bare(order).trim_start_matches('(');
    let word: String = word.chars().take_while(|letter| letter.is_alphabetic()).collect();
    word.to_uppercase()
}

/// How the last order's rows are had.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rows {
    /// A query around it.
    Around,
    /// A query behind it, for it changes rows and tells of them.
    Behind,
    /// Lines of a plan.
    Plan,
    /// A setting.
    Setting,
    None,
}

fn rows_of(order: &str) -> Rows {
    let upper = order.to_uppercase();
    let changes = ["INSERT ", "UPDATE ", "DELETE "].iter().any(|word| upper.contains(word));
    let has_returning = upper.split_whitespace().any(|word| word == "RETURNING");
    match first_word(order).as_str() {
        "SELECT" | "VALUES" | "TABLE" => Rows::Around,
        "WITH" if !changes => Rows::Around,
        "INSERT" | "UPDATE" | "DELETE" if has_returning => Rows::Behind,
        "EXPLAIN" => Rows::Plan,
        "SHOW" => Rows::Setting,
        _ => Rows::None,
    }
}

impl PostgresqlScript {
    fn filled(&self, host: &dyn Host) -> Result<String, Failure> {
        let path = self.path.as_ref();
        let path = path.ok_or_else(|| Failure::new("path is needed: the file of the script"))?;
        let failed =
            |why: String| Failure::new(format!("Cannot read file '{}' : {why}", path.display()));
        let bytes = host.read(path).map_err(|why| failed(why.to_string()))?;
        let bytes = bytes.ok_or_else(|| failed("No such file or directory".into()))?;
        let script = String::from_utf8(bytes).map_err(|why| failed(why.to_string()))?;
        let positional = self.positional_args.as_deref().filter(|all| !all.is_empty());
        let named = self.named_args.as_ref().filter(|all| !all.is_empty());
        order_values::fill(&script, positional, named, &value)
    }

    /// The text for psql, which tells of the last order alone.
    fn text(&self, orders: &[String]) -> String {
        let mut text = String::new();
        if let Some(encoding) = &self.encoding {
            text.push_str(&format!("SET client_encoding TO {};\n", literal(encoding)));
        }
        if let Some(path) = &self.search_path {
            let path: Vec<String> = path.iter().map(|schema| identifier(schema.trim())).collect();
            text.push_str(&format!("SET search_path TO {};\n", path.join(", ")));
        }
        let Some((last, others)) = orders.split_last() else { return text };
        let controls = ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"];
        let is_own = orders.iter().any(|one| controls.contains(&first_word(one).as_str()));
        // One order is a transaction by itself, and some are not taken in another.
        let is_framed = !is_own && !others.is_empty();
        text.push_str("\\o /dev/null\n");
        if is_framed {
            text.push_str("BEGIN;\n");
        }
        for order in others {
            text.push_str(&format!("{order}\n;\n"));
        }
        text.push_str("\\o\n");
        text.push_str(&match rows_of(last) {
            Rows::Around => format!(
                "SELECT coalesce(json_agg(row_to_json(rows)), '[]') FROM ({last}\n) AS rows;\n"
            ),
            Rows::Behind => format!(
                "WITH rows AS ({last}\n) SELECT coalesce(json_agg(row_to_json(rows)), '[]') FROM rows;\n"
            ),
            Rows::Plan | Rows::Setting => format!("{last}\n;\n"),
            Rows::None => format!("\\set QUIET off\n{last}\n;\n\\set QUIET on\n"),
        });
        if is_framed {
            text.push_str("COMMIT;\n");
        }
        text
    }
}

/// What is returned of the last order, from what psql wrote of it.
fn told(last: &str, stdout: &str) -> (String, Vec<Json>, i64) {
    let lines = || stdout.lines().filter(|line| !line.is_empty());
    let word = first_word(last);
    let json = || -> Vec<Json> { serde_json::from_str(stdout).unwrap_or_default() };
    let column = |name: &str| -> Vec<Json> {
        let row = |line: &str| Json::Object(JsonMap::from_iter([(name.to_owned(), line.into())]));
        stdout.lines().map(row).collect()
    };
    let (status, rows) = match rows_of(last) {
        Rows::Around => {
            let rows = json();
            (format!("SELECT {}", rows.len()), rows)
        }
        Rows::Behind => {
            let rows = json();
            let zero = if word == "INSERT" { "0 " } else { "" };
            (format!("{word} {zero}{}", rows.len()), rows)
        }
        Rows::Plan => (word, column("QUERY PLAN")),
        Rows::Setting => {
            let name = bare(last).split_whitespace().nth(1).unwrap_or_default().to_lowercase();
            (word, column(&name))
        }
        Rows::None => {
            // An order may write more than its status, which is in capital letters.
            let is_status = |line: &&str| {
                let head = line.split_whitespace().next().unwrap_or_default();
                head.len() > 1 && head.bytes().all(|byte| byte.is_ascii_uppercase())
            };
            (lines().find(is_status).unwrap_or_default().to_owned(), Vec::new())
        }
    };
    let count = match rows.is_empty() {
        false => rows.len() as i64,
        true => status.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(-1),
    };
    (status, rows, count)
}

impl Action for PostgresqlScript {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.filled(host).map(|_| Response::default())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        self.login.refuse_orders(self.login.session_role.as_deref())?;
        let script = self.filled(host)?;
        let orders = statements(&script)?;
        let database = self.login_db.as_deref().unwrap_or_default();
        let Some(last) = orders.last() else {
            return Err(Failure::new("Cannot execute SQL '': can't execute an empty query"));
        };
        let program = self.login.psql(database, &self.text(&orders))?;
        let output = host.execute(&program)?;
        let output = self.login.checked(&program, output).map_err(|failure| Failure {
            msg: format!("Cannot execute SQL: {}", failure.msg),
            ..failure
        })?;
        if output.truncated {
            return Err(Failure::new("the server's answer is too long to be returned"));
        }
        let (status, rows, count) = told(last, &output.stdout_text());
        let rows = if rows.is_empty() { Json::Object(JsonMap::new()) } else { rows.into() };
        let mut response = Response { changed: true, ..Response::default() };
        response.returned = JsonMap::from_iter([
            ("query".to_owned(), script.into()),
            ("statusmessage".to_owned(), status.into()),
            ("query_result".to_owned(), rows),
            ("rowcount".to_owned(), count.into()),
        ]);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::{Rows, rows_of, statements, told};
    use crate::cases::run;

    #[test]
    fn scripts_are_taken_apart() {
        let script = "SELECT ';', \"a;b\", E'\\';'; -- a; comment\n/* ; /* ; */ ; */ SELECT $x$ ; $$ ; $x$, $1;\n;";
        let all = statements(script).unwrap();
        assert_eq!(all[0], "SELECT ';', \"a;b\", E'\\';'");
        assert!(all[1].ends_with("SELECT $x$ ; $$ ; $x$, $1"), "{all:?}");
        assert_eq!(all.len(), 2);
        assert!(statements("SELECT 1;\n\\connect x").is_err());
        assert_eq!(statements("SELECT 'a\\'; SELECT 2").unwrap().len(), 2);
    }

    #[test]
    fn answers_are_read() {
        for (order, rows) in [
            ("-- x\n(select 1)", Rows::Around),
            ("WITH a AS (DELETE FROM t RETURNING 1) SELECT 1", Rows::None),
            ("insert into t values (1) returning a", Rows::Behind),
            ("SHOW work_mem", Rows::Setting),
            ("EXPLAIN SELECT 1", Rows::Plan),
            ("CREATE TABLE t ()", Rows::None),
        ] {
            assert_eq!(rows_of(order), rows, "{order}");
        }
        for (order, said, status, rows, count) in [
            ("SELECT 1", "[{\"a\":1}, \n {\"a\":2}]\n", "SELECT 2", json!([{"a": 1}, {"a": 2}]), 2),
            ("UPDATE t SET a = 1", "UPDATE 3\n", "UPDATE 3", json!([]), 3),
            (
                "INSERT INTO t VALUES (1) RETURNING a",
                "[{\"a\":1}]",
                "INSERT 0 1",
                json!([{"a": 1}]),
                1,
            ),
            ("CREATE TABLE t ()", "CREATE TABLE\n", "CREATE TABLE", json!([]), -1),
            ("SHOW work_mem", "4MB\n", "SHOW", json!([{"work_mem": "4MB"}]), 1),
        ] {
            let told = told(order, said);
            assert_eq!((told.0.as_str(), json!(told.1), told.2), (status, rows, count), "{order}");
        }
    }

    #[test]
    fn a_script_is_one_transaction() {
        let mut host = FakeHost::default();
        host.put("/s.sql", "CREATE TABLE %(t)s (a int); SELECT 1 AS a WHERE %(n)s = 5;");
        host.program("psql", |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            assert!(
                text.contains("\\o /dev/null\nBEGIN;\nCREATE TABLE 't' (a int)\n;\n\\o\n"),
                "{text}"
            );
            assert!(text.contains("SELECT 1 AS a WHERE 5 = 5"), "{text}");
            Output::success("[{\"a\":1}]\n")
        });
        let args = json!({"path": "/s.sql", "named_args": {"t": "t", "n": 5}});
        let response = run("postgresql_script", &args, "", "", Mode::default(), &mut host);
        assert!(response.changed && !response.failed, "{response:?}");
        assert_eq!(response.returned["query_result"], json!([{"a": 1}]));
        for (args, words) in [
            (json!({"path": "/none"}), "Cannot read file '/none'"),
            (json!({}), "path is needed"),
            (json!({"path": "/s.sql", "named_args": {"t": 1}}), "named_args has no n"),
        ] {
            let response = run("postgresql_script", &args, "", "", Mode::default(), &mut host);
            assert!(response.failed && response.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
