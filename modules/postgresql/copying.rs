//! The `postgresql_copy` module of the collection `community.postgresql`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{Login, dotted, literal};

/// Copies rows between a table and a file or a program of the server's host.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["copy_from", "copy_to"]),
    mutually_exclusive(["copy_from", "src"]),
    mutually_exclusive(["copy_to", "dst"])
)]
pub struct PostgresqlCopy {
    /// The file or program that rows come from, to `dst`.
    #[argument(aliases("from"), kind = "path")]
    copy_from: Option<String>,
    /// The file or program that rows of `src` go to.
    #[argument(aliases("to"), kind = "path")]
    copy_to: Option<String>,
    /// The table or query whose rows go to `copy_to`.
    #[argument(aliases("source"))]
    src: Option<String>,
    /// The table that gets the rows of `copy_from`.
    #[argument(aliases("destination"))]
    dst: Option<String>,
    /// Columns of the table.
    #[argument(aliases("column"))]
    columns: Option<Vec<String>>,
    /// Options: `{"format": "csv"}`.
    options: Option<JsonMap>,
    /// Whether it is a program and no file.
    #[argument(default = false)]
    program: bool,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

/// Options whose values stand in quotes.
const QUOTED: [&str; 5] = ["DELIMITER", "NULL", "QUOTE", "ESCAPE", "ENCODING"];

impl Documented for PostgresqlCopy {
    const NAME: &'static str = "community.postgresql.postgresql_copy";
    const ALIASES: &'static [&'static str] = &["postgresql_copy"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "To a file",
            args: r#"{"db": "app", "src": "books", "copy_to": "/tmp/books.csv", "options": {"format": "csv"}}"#,
        },
        Example {
            title: "From a file",
            args: r#"{"db": "app", "copy_from": "/tmp/books.csv", "dst": "books"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("src", "Where the rows are from.", "success", r#""books""#),
        Returned::new("dst", "Where they went.", "success", r#""/tmp/books.csv""#),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["COPY \"books\" TO '/tmp/books.csv'"]"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What is copied: from where, to where, and the table or query.
struct Copying<'a> {
    src: &'a str,
    dst: &'a str,
    order: String,
    /// What stands behind `FROM` where only the table is looked at.
    looked_at: String,
}

fn is_query(src: &str) -> bool {
    src.to_uppercase().contains("SELECT ")
}

impl PostgresqlCopy {
    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn option_words(&self) -> Vec<String> {
        let word = |(name, value): (&String, &Json)| {
            let value = python::text(value);
            let is_quoted = QUOTED.contains(&name.to_uppercase().as_str());
            format!("{name} {}", if is_quoted { literal(&value) } else { value })
        };
        self.options.iter().flatten().map(word).collect()
    }

    /// What is to be done; nothing where the task names no file.
    fn copying(&self) -> Result<Option<Copying<'_>>, Failure> {
        let options = self.option_words();
        let texts = [&self.copy_to, &self.copy_from, &self.src, &self.dst].into_iter().flatten();
        let texts = texts.chain(self.columns.iter().flatten()).chain(&options);
        self.login.refuse_orders(texts.map(String::as_str))?;
        let (src, dst, table, is_from) = match (&self.copy_from, &self.copy_to) {
            (Some(from), _) => {
                let dst = self.dst.as_ref();
                let dst =
                    dst.ok_or_else(|| Failure::new("dst param is necessary with copy_from"))?;
                (from, dst, dst, true)
            }
            (None, Some(to)) => {
                let src = self.src.as_ref();
                let src = src.ok_or_else(|| Failure::new("src param is necessary with copy_to"))?;
                (src, to, src, false)
            }
            (None, None) => return Ok(None),
        };
        let what = match !is_from && is_query(table) {
            true => format!("({table})"),
            false => dotted(table),
        };
        let mut words = vec![format!("COPY {what}")];
        if let Some(columns) = self.columns.as_ref().filter(|columns| !columns.is_empty()) {
            words.push(format!("({})", columns.join(",")));
        }
        words.push(if is_from { "FROM" } else { "TO" }.to_owned());
        if self.program {
            words.push("PROGRAM".to_owned());
        }
        words.push(literal(if is_from { src } else { dst }));
        if !options.is_empty() {
            words.push(format!("({})", options.join(", ")));
        }
        let looked_at = if what.starts_with('(') { format!("{what} AS copied") } else { what };
        Ok(Some(Copying { src, dst, order: words.join(" "), looked_at }))
    }
}

fn answer(copying: Option<&Copying<'_>>) -> Response {
    let orders: Vec<String> = copying.iter().map(|copying| copying.order.clone()).collect();
    let mut response = Response { changed: copying.is_some(), ..Response::default() };
    response.returned = JsonMap::from_iter([
        ("src".to_owned(), copying.map(|one| one.src).unwrap_or_default().into()),
        ("dst".to_owned(), copying.map(|one| one.dst).unwrap_or_default().into()),
        ("queries".to_owned(), orders.into()),
    ]);
    response
}

impl Action for PostgresqlCopy {
    fn guard(&self, _: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        Ok(match self.copying()? {
            Some(_) => Guard::Go,
            None => Guard::Stay(Box::new(answer(None))),
        })
    }

    /// Only that the table is there is looked at.
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let copying = self.copying()?;
        if let Some(copying) = &copying {
            let query = format!("SELECT 1 AS there FROM {} LIMIT 0", copying.looked_at);
            self.login.rows(host, self.database(), &query)?;
        }
        Ok(answer(copying.as_ref()))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let copying = self.copying()?;
        if let Some(copying) = &copying {
            self.login.run(host, self.database(), &format!("{};\n", copying.order))?;
        }
        Ok(answer(copying.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::postgresql::keeping::tests::{orders, refused};

    #[test]
    fn rows_are_copied() {
        orders(
            "postgresql_copy",
            None,
            &[
                (
                    json!({"copy_from": "/a'b", "dst": "s.t", "columns": "a,b", "options": {"format": "csv", "delimiter": "|", "null": "it's"}}),
                    &[
                        "COPY \"s\".\"t\" (a,b) FROM '/a''b' (format csv, delimiter '|', null 'it''s')",
                    ],
                ),
                (
                    json!({"to": "gzip > /x", "src": "select 1", "program": true}),
                    &["COPY (select 1) TO PROGRAM 'gzip > /x'"],
                ),
                (json!({"to": "/x", "src": "t"}), &["COPY \"t\" TO '/x'"]),
                (json!({}), &[]),
            ],
        );
        refused(
            "postgresql_copy",
            None,
            &[
                (json!({"copy_from": "/x"}), "dst param is necessary"),
                (json!({"copy_to": "/x"}), "src param is necessary"),
                (json!({"copy_to": "/x", "dst": "t"}), "mutually exclusive"),
                (json!({"copy_to": "/x", "src": "t; x", "trust_input": false}), "dangerous"),
            ],
        );
    }
}
