//! The `postgresql_ping` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response};
use serde_json::json;

use super::{Login, text};

/// Looks whether a server answers.
#[derive(Debug, Arguments)]
pub struct PostgresqlPing {
    /// The database that is logged in to.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlPing {
    const NAME: &'static str = "community.postgresql.postgresql_ping";
    const ALIASES: &'static [&'static str] = &["postgresql_ping"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "The server here", args: r#"{"db": "app"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("is_available", "Whether it answers.", "success", "true"),
        Returned::new(
            "server_version",
            "Its version.",
            "success",
            r#"{"major": 15, "minor": 8, "full": "15.8", "raw": "PostgreSQL 15.8 on x86_64"}"#,
        ),
        Returned::new("conn_err_msg", "Why it does not.", "success", r#""""#),
    ];
}

/// A version as `version()` words it, in its parts.
fn version(raw: &str) -> JsonMap {
    let full = raw.split_whitespace().nth(1).unwrap_or_default();
    let mut map = JsonMap::new();
    let numbers = full.split('.').map_while(|part| part.parse::<u64>().ok());
    // Releases before 10 have three parts.
    for (name, number) in ["major", "minor", "patch"].iter().zip(numbers) {
        map.insert((*name).to_owned(), number.into());
    }
    map.entry("minor").or_insert_with(|| 0.into());
    map.insert("full".into(), full.into());
    map.insert("raw".into(), raw.into());
    map
}

/// What the server's library says, without the names of those who pass it on.
fn bare(msg: &str) -> String {
    let msg = msg.trim_start_matches("unable to connect to database: ");
    format!("{}\n", msg.trim_start_matches("psql: error: "))
}

impl Fact for PostgresqlPing {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let database = self.login_db.as_deref().unwrap_or_default();
        let mut response = Response::default();
        let (found, why) = match self.login.rows(host, database, "SELECT version() AS raw") {
            Ok(rows) => (rows.first().map(|row| version(&text(row, "raw"))), String::new()),
            // A host without the client says nothing of the server.
            Err(failure)
                if !failure.returned.contains_key("rc")
                    && !failure.msg.contains("unable to connect") =>
            {
                return Err(failure);
            }
            Err(failure) => {
                response
                    .warnings
                    .push(format!("PostgreSQL server is unavailable: {}", failure.msg));
                (None, bare(&failure.msg))
            }
        };
        let is_available = found.is_some();
        let version = found.map_or_else(|| json!({}), Json::Object);
        response.returned = JsonMap::from_iter([
            ("is_available".to_owned(), is_available.into()),
            ("server_version".to_owned(), version),
            ("conn_err_msg".to_owned(), why.into()),
        ]);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn a_server_answers_or_not() {
        let ask = |output: Output| {
            let mut host = FakeHost::default();
            host.program("psql", move |_, _| output.clone());
            run("postgresql_ping", &json!({}), "", "", Mode::default(), &mut host)
        };
        let there = ask(Output::success("{\"raw\":\"PostgreSQL 15.8 (Debian) on x86\"}\n"));
        assert_eq!(there.returned["is_available"], true);
        assert_eq!(
            there.returned["server_version"],
            json!({"major": 15, "minor": 8, "full": "15.8", "raw": "PostgreSQL 15.8 (Debian) on x86"})
        );
        let old = ask(Output::success("{\"raw\":\"PostgreSQL 9.6.2 on x86\"}\n"));
        assert_eq!(old.returned["server_version"]["patch"], 2);
        let gone = ask(Output::failure(2, "psql: error: connection to server failed: refused"));
        assert_eq!((gone.failed, &gone.returned["is_available"]), (false, &json!(false)));
        assert!(gone.returned["conn_err_msg"].as_str().unwrap().contains("refused"));
        let bare =
            run("postgresql_ping", &json!({}), "", "", Mode::default(), &mut FakeHost::default());
        assert!(bare.failed && bare.msg.unwrap().contains("no program psql"));
    }
}
