//! What the modules of PostgreSQL share: how the server is reached, through `psql` beside it.

pub mod access;
pub mod alteration;
pub mod cluster;
pub mod copying;
pub mod database;
pub mod extension;
pub mod index;
pub mod keeping;
pub mod language;
pub mod membership;
pub mod owner;
pub mod password;
pub mod ping;
pub mod privileges;
pub mod publication;
pub mod query;
pub mod role;
pub mod schema;
pub mod sequence;
pub mod setting;
pub mod slot;
pub mod statistics;
pub mod subscription;
pub mod table;
pub mod tablespace;
pub mod written;

use std::path::PathBuf;

use module::{Arguments, Failure, Host, Output, Program};
use protocol::{Json, JsonMap, python};

/// How the server is reached, and as whom.
#[derive(Debug, Default, Arguments)]
pub struct Login {
    /// The host of the server; its socket where it is left out.
    #[argument(default = "", aliases("host"))]
    login_host: String,
    /// Folder of the server's socket.
    #[argument(default = "", aliases("unix_socket"))]
    login_unix_socket: String,
    /// The role that logs in.
    #[argument(default = "postgres", aliases("login"))]
    login_user: String,
    /// Its password.
    #[argument(default = "", no_log)]
    login_password: String,
    /// The port of the server.
    #[argument(default = 5432, aliases("login_port"))]
    port: u16,
    /// How far the connection must be secure.
    #[argument(
        default = "prefer",
        choices("allow", "disable", "prefer", "require", "verify-ca", "verify-full")
    )]
    ssl_mode: String,
    /// File of the authorities that the server is trusted by.
    #[argument(aliases("ssl_rootcert"))]
    ca_cert: Option<String>,
    /// File of the client's certificate.
    ssl_cert: Option<PathBuf>,
    /// File of the key to it.
    ssl_key: Option<PathBuf>,
    /// More settings of the connection.
    connect_params: Option<JsonMap>,
    /// The role that is taken after the login.
    session_role: Option<String>,
    /// Whether texts that become part of orders are trusted; without it, those that look like
    /// orders are refused.
    #[argument(default = true)]
    trust_input: bool,
}

impl Login {
    /// A client of the server, with its environment.
    pub fn client(&self, name: &str, database: &str) -> Program {
        let host = match self.login_unix_socket.as_str() {
            "" => self.login_host.as_str(),
            folder => folder,
        };
        let mut program = Program::new(name);
        let files = [
            ("PGSSLROOTCERT", self.ca_cert.clone()),
            ("PGSSLCERT", self.ssl_cert.as_ref().map(|path| path.display().to_string())),
            ("PGSSLKEY", self.ssl_key.as_ref().map(|path| path.display().to_string())),
        ];
        let given = [
            ("PGHOST", Some(host.to_owned())),
            ("PGUSER", Some(self.login_user.clone())),
            ("PGPASSWORD", Some(self.login_password.clone())),
            ("PGPORT", Some(self.port.to_string())),
            ("PGSSLMODE", Some(self.ssl_mode.clone())),
            ("PGDATABASE", Some(database.to_owned())),
        ];
        for (name, value) in given.into_iter().chain(files) {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                program = program.variable(name, value);
            }
        }
        program
    }

    /// `psql` with orders on its stdin, which ends at the first that fails.
    pub fn psql(&self, database: &str, orders: &str) -> Result<Program, Failure> {
        let mut program = self.client("psql", database);
        if let Some(params) = self.connect_params.as_ref().filter(|params| !params.is_empty()) {
            let words = params.iter().map(|(name, value)| {
                let text = python::text(value).replace('\\', "\\\\").replace('\'', "\\'");
                format!("{name}='{text}'")
            });
            program = program.args(["-d", &words.collect::<Vec<_>>().join(" ")]);
        }
        let role = match &self.session_role {
            Some(role) => format!("SET ROLE {};\n", identifier(role)),
            None => String::new(),
        };
        let words = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"];
        Ok(program.args(words).stdin(role + orders))
    }

    /// The rows of a query, each as a dict.
    pub fn rows(
        &self,
        host: &dyn Host,
        database: &str,
        query: &str,
    ) -> Result<Vec<JsonMap>, Failure> {
        let wrapped = format!("SELECT row_to_json(rows) FROM ({query}) AS rows;\n");
        let program = self.psql(database, &wrapped)?;
        let output = self.checked(&program, host.query(&program)?)?;
        output
            .stdout_text()
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                serde_json::from_str(line).map_err(|why| {
                    Failure::new(format!("psql gave a row that cannot be read: {why}"))
                })
            })
            .collect()
    }

    /// Runs orders.
    pub fn run(
        &self,
        host: &mut dyn Host,
        database: &str,
        orders: &str,
    ) -> Result<Output, Failure> {
        let program = self.psql(database, orders)?;
        let output = host.execute(&program)?;
        self.checked(&program, output)
    }

    /// The server's own words are the message.
    pub fn checked(&self, program: &Program, output: Output) -> Result<Output, Failure> {
        if output.is_success() {
            return Ok(output);
        }
        let said = output.stderr_text();
        let status = output.status;
        if said.contains("connection to server") || said.contains("could not connect") {
            return Err(Failure::new(format!("unable to connect to database: {}", said.trim())));
        }
        let msg = said.trim().trim_start_matches("psql:<stdin>:").to_owned();
        let failure = Failure::new(msg).with("rc", status).with("cmd", program.line());
        Err(failure.with("stdout", output.stdout_text()).with("stderr", said))
    }

    /// Refuses texts that look like orders, where they are not trusted.
    pub fn refuse_orders<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        if self.trust_input {
            return Ok(());
        }
        let words = [";", "--", "select", "union", "insert", "update", "delete", "drop", "create"];
        match texts.into_iter().find(|text| {
            let text = text.to_lowercase();
            words.iter().any(|word| match word.len() {
                0..=2 => text.contains(word),
                _ => text.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == *word),
            })
        }) {
            Some(text) => Err(Failure::new(format!(
                "Passed input '{text}' is potentially dangerous. Use trust_input: true if it is meant so"
            ))),
            None => Ok(()),
        }
    }
}

/// A failure of `psql` in the server's own words.
pub fn server_words(failure: Failure) -> Failure {
    let said = failure.returned.get("stderr").and_then(Json::as_str).unwrap_or_default().trim();
    match said.trim_start_matches("psql:<stdin>:") {
        "" => failure,
        words => Failure { msg: words.to_owned(), ..failure },
    }
}

/// A name as orders take it.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The parts of a name between its dots, without the quotes around them.
pub fn name_parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = name.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(last) = parts.last_mut() else { break };
        match letter {
            // Two quotes within quotes are one of the name.
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                last.push('"');
            }
            '"' if is_quoted || last.is_empty() => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            _ => last.push(letter),
        }
    }
    parts
}

/// A name that may have a schema before it, as orders take it.
pub fn dotted(name: &str) -> String {
    let parts: Vec<String> = name_parts(name).iter().map(|part| identifier(part)).collect();
    parts.join(".")
}

/// A text as orders take it.
pub fn literal(text: &str) -> String {
    match text.contains('\\') {
        true => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

/// Makes numbers of what the server numbers its things by, which JSON of its own has as texts.
pub fn number_things(row: &mut JsonMap, names: &[&str]) {
    for name in names {
        if let Some(value) = row.get_mut(*name)
            && let Some(number) = value.as_str().and_then(|text| text.parse::<u32>().ok())
        {
            *value = number.into();
        }
    }
}

/// What stands in a row under a name, as text.
pub fn text(row: &JsonMap, name: &str) -> String {
    match row.get(name) {
        None | Some(Json::Null) => String::new(),
        Some(value) => python::text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_break_out() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(dotted("a.b"), "\"a\".\"b\"");
        assert_eq!(dotted("\"a.b\".c\"d"), "\"a.b\".\"c\"\"d\"");
        assert_eq!(name_parts("\"x\"\"y\".z"), ["x\"y", "z"]);
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        let careful = Login { trust_input: false, ..Login::default() };
        for (text, refused) in [
            ("web", false),
            ("selector", false),
            ("x; DROP", true),
            ("a -- b", true),
            ("Union", true),
        ] {
            assert_eq!(careful.refuse_orders([text]).is_err(), refused, "{text}");
        }
    }
}
