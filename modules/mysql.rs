//! What the modules of MySQL and MariaDB share: how the server is reached, through the client
//! beside it.

pub mod account;
pub mod database;
pub mod privileges;
pub mod query;
pub mod replication;
pub mod role;
pub mod status;
pub mod user;
pub mod variable;

use std::path::PathBuf;

use module::{Arguments, Failure, Host, Output, Program, host::succeeded};

/// Rows as lines, fields with tabs between them, and nothing else.
const BATCH: &[&str] = &["--batch", "--skip-column-names"];

/// How the server is reached, and as whom.
#[derive(Debug, Default, Arguments)]
pub struct Login {
    /// The user who logs in.
    login_user: Option<String>,
    /// The user's password.
    #[argument(no_log)]
    login_password: Option<String>,
    /// The host of the server.
    #[argument(default = "localhost")]
    login_host: String,
    /// The port of the server.
    #[argument(default = 3306)]
    login_port: u16,
    /// The server's socket.
    login_unix_socket: Option<String>,
    /// Seconds that a connection is waited for.
    #[argument(default = 30)]
    connect_timeout: u32,
    /// A file of settings of the client.
    #[argument(default = "~/.my.cnf", kind = "path")]
    config_file: PathBuf,
    /// File of the authorities that the server is trusted by.
    #[argument(aliases("ssl_ca"))]
    ca_cert: Option<PathBuf>,
    /// File of the client's certificate.
    #[argument(aliases("ssl_cert"))]
    client_cert: Option<PathBuf>,
    /// File of the key to it.
    #[argument(aliases("ssl_key"))]
    client_key: Option<PathBuf>,
    /// Whether the server's certificate must carry its name.
    check_hostname: Option<bool>,
}

impl Login {
    /// A client program with the words that reach the server.
    ///
    /// # Errors
    /// What cannot be looked at.
    pub fn client(&self, host: &dyn Host, names: &[&str]) -> Result<Program, Failure> {
        let name = names.iter().find(|name| host.which(name).is_some()).or(names.first());
        let mut program = Program::new(name.copied().unwrap_or_default());
        // Its place is before all other words.
        if host.metadata(&self.config_file)?.is_some() {
            program = program.arg(format!("--defaults-extra-file={}", self.config_file.display()));
        }
        program = match &self.login_unix_socket {
            Some(socket) => program.arg(format!("--socket={socket}")),
            None => program.args([
                format!("--host={}", self.login_host),
                format!("--port={}", self.login_port),
            ]),
        };
        if let Some(user) = &self.login_user {
            program = program.arg(format!("--user={user}"));
        }
        if let Some(password) = &self.login_password {
            program = program.variable("MYSQL_PWD", password);
        }
        for (option, path) in [
            ("ssl-ca", &self.ca_cert),
            ("ssl-cert", &self.client_cert),
            ("ssl-key", &self.client_key),
        ] {
            if let Some(path) = path {
                program = program.arg(format!("--{option}={}", path.display()));
            }
        }
        Ok(match self.check_hostname {
            Some(true) => program.arg("--ssl-mode=VERIFY_IDENTITY"),
            _ => program,
        })
    }
}

/// A server as a module speaks with it.
pub trait Server {
    /// How it is reached.
    fn login(&self) -> &Login;

    /// Whether a login as `root` without a password is tried first.
    fn tries_root(&self) -> bool {
        false
    }

    /// What is said before all orders, each with its semicolon.
    fn head(&self) -> String {
        String::new()
    }

    /// The client with words of the caller's and orders on its stdin.
    ///
    /// # Errors
    /// What cannot be looked at.
    fn program(&self, host: &dyn Host, words: &[&str], orders: &str) -> Result<Program, Failure> {
        let login = self.login();
        let mut program = login.client(host, &["mysql", "mariadb"])?;
        if self.tries_root() {
            let mut bare =
                Program::new(&program.name).args(["--user=root", "--batch", "-e", "DO 0"]);
            if let Some(socket) = &login.login_unix_socket {
                bare = bare.arg(format!("--socket={socket}"));
            }
            if host.query(&bare)?.is_success() {
                program.args.retain(|word| !word.starts_with("--user="));
                program.environment.retain(|(name, _)| name != "MYSQL_PWD");
                program = program.arg("--user=root");
            }
        }
        let program = program.arg(format!("--connect-timeout={}", login.connect_timeout));
        Ok(program.args(words.to_vec()).stdin(format!("{}{orders}", self.head())))
    }

    /// The rows of a query; what a field cannot hold as it is has been unescaped.
    ///
    /// # Errors
    /// What the server refuses.
    fn rows(&self, host: &dyn Host, query: &str) -> Result<Vec<Vec<String>>, Failure> {
        let program = self.program(host, BATCH, &format!("{query};\n"))?;
        let output = checked(&program, host.query(&program)?)?;
        let text = output.stdout_text();
        Ok(text.lines().map(|line| line.split('\t').map(unescape).collect()).collect())
    }

    /// The rows of a query with the names of their columns; `None` is NULL.
    ///
    /// # Errors
    /// What the server refuses.
    fn named_rows(&self, host: &dyn Host, query: &str) -> Result<Vec<NamedRow>, Failure> {
        let program = self.program(host, &["--xml"], &format!("{query};\n"))?;
        let output = checked(&program, host.query(&program)?)?;
        if output.truncated {
            return Err(Failure::new("the server's answer is too long to be returned"));
        }
        Ok(query::answers(&output.stdout_text()).into_iter().flat_map(|one| one.rows).collect())
    }

    /// Gives orders, one a text.
    ///
    /// # Errors
    /// What the server refuses.
    fn run(&self, host: &mut dyn Host, orders: &[String]) -> Result<(), Failure> {
        let all: String = orders.iter().map(|order| format!("{order};\n")).collect();
        let program = self.program(host, BATCH, &all)?;
        let output = host.execute(&program)?;
        checked(&program, output).map(drop)
    }
}

impl Server for Login {
    fn login(&self) -> &Login {
        self
    }
}

/// Names and fields of a row; `None` is NULL.
pub type NamedRow = Vec<(String, Option<String>)>;

/// What the client wrote; the server's own words are the message.
///
/// # Errors
/// What the server refused.
pub fn checked(program: &Program, output: Output) -> Result<Output, Failure> {
    if output.is_success() {
        return Ok(output);
    }
    let said = output.stderr_text().trim().to_owned();
    let is_login = ["ERROR 1045", "ERROR 2002", "ERROR 2003", "ERROR 1698"]
        .iter()
        .any(|code| said.contains(code));
    let msg = match is_login {
        true => format!(
            "unable to connect to database, check login_user and login_password are correct or the config_file has the credentials: {said}"
        ),
        false => said,
    };
    let failure = succeeded(program, output).err().map(Failure::from);
    Err(failure.map_or_else(|| Failure::new(&msg), |why| Failure { msg: msg.clone(), ..why }))
}

/// What `--batch` escapes.
fn unescape(field: &str) -> String {
    let mut out = String::new();
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('0') => out.push('\0'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

/// A name as orders take it.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as orders take it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_break_out() {
        assert_eq!(identifier("a`b"), "`a``b`");
        assert_eq!(literal("it's \\"), "'it''s \\\\'");
        assert_eq!(unescape("a\\tb\\\\n\\"), "a\tb\\n\\");
    }
}
