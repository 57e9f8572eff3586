//! The `mysql_replication` module of the collection `community.mysql`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode as Run, Program,
    Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};

use super::{Login, Server, checked, literal};

/// Reads or sets how a server of MySQL or MariaDB is a copy of another.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["connection_name", "channel"]))]
pub struct MysqlReplication {
    /// What is done: read, start and stop it, say where the other server is, forget it.
    #[argument(default = "getreplica")]
    mode: Mode,
    /// The other server.
    #[argument(aliases("master_host"))]
    primary_host: Option<String>,
    /// The user there.
    #[argument(aliases("master_user"))]
    primary_user: Option<String>,
    /// The user's password there.
    #[argument(aliases("master_password"), no_log)]
    primary_password: Option<String>,
    /// The port there.
    #[argument(aliases("master_port"))]
    primary_port: Option<i64>,
    /// Seconds between attempts to reach it.
    #[argument(aliases("master_connect_retry"))]
    primary_connect_retry: Option<i64>,
    /// The file of its log.
    #[argument(aliases("master_log_file"))]
    primary_log_file: Option<String>,
    /// The place in that file.
    #[argument(aliases("master_log_pos"))]
    primary_log_pos: Option<i64>,
    /// The file of the log here.
    relay_log_file: Option<String>,
    /// The place in that file.
    relay_log_pos: Option<i64>,
    /// Seconds that the copy stays behind.
    #[argument(aliases("master_delay"))]
    primary_delay: Option<i64>,
    /// Whether it is reached by TLS.
    #[argument(aliases("master_ssl"))]
    primary_ssl: Option<bool>,
    /// File of the authorities that it is trusted by.
    #[argument(aliases("master_ssl_ca"))]
    primary_ssl_ca: Option<String>,
    /// Folder of such files.
    #[argument(aliases("master_ssl_capath"))]
    primary_ssl_capath: Option<String>,
    /// File of the certificate for it.
    #[argument(aliases("master_ssl_cert"))]
    primary_ssl_cert: Option<String>,
    /// File of the key to that.
    #[argument(aliases("master_ssl_key"))]
    primary_ssl_key: Option<String>,
    /// Ciphers for it, with colons between them.
    #[argument(aliases("master_ssl_cipher"))]
    primary_ssl_cipher: Option<String>,
    /// Whether its certificate must carry its name.
    primary_ssl_verify_server_cert: Option<bool>,
    /// Whether the servers find the place in the log by themselves.
    #[argument(default = false, aliases("master_auto_position"))]
    primary_auto_position: bool,
    /// How MariaDB finds it.
    #[argument(aliases("master_use_gtid"), choices("current_pos", "replica_pos", "disabled"))]
    primary_use_gtid: Option<String>,
    /// MariaDB's name of the connection.
    connection_name: Option<String>,
    /// MySQL's name of it.
    channel: Option<String>,
    /// Whether an order that the server refuses is a failure.
    #[argument(default = false)]
    fail_on_error: bool,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Mode {
    #[choice("changeprimary")]
    ChangePrimary,
    #[choice("changereplication")]
    ChangeReplication,
    #[choice("getprimary")]
    GetPrimary,
    #[choice("getreplica")]
    GetReplica,
    #[choice("startreplica")]
    StartReplica,
    #[choice("stopreplica")]
    StopReplica,
    #[choice("resetprimary")]
    ResetPrimary,
    #[choice("resetreplica")]
    ResetReplica,
    #[choice("resetreplicaall")]
    ResetReplicaAll,
}

impl Documented for MysqlReplication {
    const NAME: &'static str = "community.mysql.mysql_replication";
    const ALIASES: &'static [&'static str] = &["mysql_replication"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "How the copy does", args: r#"{"mode": "getreplica"}"# },
        Example {
            title: "Where the other server is",
            args: r#"{"mode": "changeprimary", "primary_host": "192.0.2.1", "primary_log_file": "mysql-bin.000009", "primary_log_pos": 4578}"#,
        },
        Example { title: "Starting", args: r#"{"mode": "startreplica"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "queries",
            "Orders that were given, without passwords.",
            "always",
            r#"["CHANGE MASTER TO MASTER_HOST='192.0.2.1'"]"#,
        ),
        Returned::new("Is_Replica", "Whether it is a copy.", "mode=getreplica", "true"),
        Returned::new("Is_Primary", "Whether it keeps a log.", "mode=getprimary", "true"),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

/// The words of a release.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Words {
    is_mariadb: bool,
    version: (u32, u32, u32),
}

impl Words {
    fn parse(version: &str) -> Self {
        let mut numbers = version
            .split(|letter: char| !letter.is_ascii_digit())
            .map(|part| part.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let version_of = (next(), next(), next());
        Self { is_mariadb: version.to_lowercase().contains("mariadb"), version: version_of }
    }

    /// What a copy is called.
    fn replica(self) -> &'static str {
        let since = if self.is_mariadb { (10, 5, 1) } else { (8, 0, 22) };
        if self.version >= since { "REPLICA" } else { "SLAVE" }
    }

    /// Whether the other server is the source, and no longer the master.
    fn has_sources(self) -> bool {
        !self.is_mariadb && self.version >= (8, 4, 0)
    }
}

impl MysqlReplication {
    fn words(&self, host: &dyn Host) -> Result<Words, Failure> {
        let rows = self.login.rows(host, "SELECT VERSION()")?;
        let version = rows.into_iter().next().and_then(|row| row.into_iter().next());
        Ok(Words::parse(&version.unwrap_or_default()))
    }

    /// What stands behind an order: MySQL's name of a connection.
    fn channel(&self) -> String {
        self.channel.as_ref().map_or(String::new(), |one| format!(" FOR CHANNEL {}", literal(one)))
    }

    /// What stands within an order: MariaDB's name of a connection.
    fn connection(&self) -> String {
        self.connection_name.as_ref().map_or(String::new(), |one| format!(" {}", literal(one)))
    }

    /// The settings of the other server; the password is given, or a mark in its place.
    fn settings(&self, prefix: &str, words: Words, shows: bool) -> String {
        let text = |value: &Option<String>| value.as_deref().map(literal);
        let number = |value: Option<i64>| value.map(|value| value.to_string());
        let switch = |value: Option<bool>| value.map(|on| u8::from(on).to_string());
        let password = match shows {
            true => text(&self.primary_password),
            false => self.primary_password.as_ref().map(|_| "'********'".to_owned()),
        };
        let named = [
            ("HOST", text(&self.primary_host)),
            ("USER", text(&self.primary_user)),
            ("PASSWORD", password),
            ("PORT", number(self.primary_port)),
            ("CONNECT_RETRY", number(self.primary_connect_retry)),
            ("LOG_FILE", text(&self.primary_log_file)),
            ("LOG_POS", number(self.primary_log_pos)),
            ("DELAY", number(self.primary_delay)),
        ];
        let relay = [
            ("RELAY_LOG_FILE", text(&self.relay_log_file)),
            ("RELAY_LOG_POS", number(self.relay_log_pos)),
        ];
        let secure = [
            ("SSL", switch(self.primary_ssl)),
            ("SSL_CA", text(&self.primary_ssl_ca)),
            ("SSL_CAPATH", text(&self.primary_ssl_capath)),
            ("SSL_CERT", text(&self.primary_ssl_cert)),
            ("SSL_KEY", text(&self.primary_ssl_key)),
            ("SSL_CIPHER", text(&self.primary_ssl_cipher)),
            ("SSL_VERIFY_SERVER_CERT", switch(self.primary_ssl_verify_server_cert)),
            ("AUTO_POSITION", self.primary_auto_position.then(|| "1".to_owned())),
        ];
        let own =
            |(name, value): (&str, Option<String>)| Some(format!("{prefix}_{name}={}", value?));
        let mut all: Vec<String> = named.into_iter().filter_map(own).collect();
        all.extend(
            relay.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))),
        );
        all.extend(secure.into_iter().filter_map(own));
        if let Some(gtid) = &self.primary_use_gtid {
            let gtid = match gtid.as_str() {
                "disabled" => "no",
                "replica_pos" if words.replica() == "SLAVE" => "slave_pos",
                other => other,
            };
            all.push(format!("MASTER_USE_GTID={gtid}"));
        }
        all.join(",")
    }

    /// The order of the mode; `None` where it only reads.
    fn order(&self, words: Words, shows: bool) -> Option<String> {
        let (replica, connection, channel) = (words.replica(), self.connection(), self.channel());
        Some(match self.mode {
            Mode::GetPrimary | Mode::GetReplica => return None,
            Mode::StartReplica => format!("START {replica}{connection}{channel}"),
            Mode::StopReplica => format!("STOP {replica}{connection}{channel}"),
            Mode::ResetReplica => format!("RESET {replica}{connection}{channel}"),
            Mode::ResetReplicaAll => format!("RESET {replica}{connection} ALL{channel}"),
            Mode::ResetPrimary if words.has_sources() => "RESET BINARY LOGS AND GTIDS".into(),
            Mode::ResetPrimary => "RESET MASTER".into(),
            Mode::ChangePrimary if !words.has_sources() => {
                let settings = self.settings("MASTER", words, shows);
                format!("CHANGE MASTER{connection} TO {settings}{channel}")
            }
            Mode::ChangePrimary | Mode::ChangeReplication => {
                let settings = self.settings("SOURCE", words, shows);
                format!("CHANGE REPLICATION SOURCE TO {settings}{channel}")
            }
        })
    }

    /// The one row of a status, by its columns.
    fn status(&self, host: &dyn Host, query: &str) -> Result<Option<JsonMap>, Failure> {
        let program: Program = self.login.program(host, &["--batch"], &format!("{query};\n"))?;
        let text = checked(&program, host.query(&program)?)?.stdout_text();
        let mut lines = text.lines();
        let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return Ok(None) };
        let value = |text: &str| match (text, text.parse::<i64>()) {
            ("NULL", _) => Json::Null,
            (_, Ok(number)) => number.into(),
            (text, _) => text.into(),
        };
        let row = names.split('\t').zip(values.split('\t'));
        Ok(Some(row.map(|(name, text)| (name.to_owned(), value(text))).collect()))
    }

    fn read(&self, host: &dyn Host, words: Words) -> Result<Response, Failure> {
        let (query, key, kind) = match self.mode {
            Mode::GetPrimary if words.has_sources() => {
                ("SHOW BINARY LOG STATUS".to_owned(), "Is_Primary", "primary")
            }
            Mode::GetPrimary => ("SHOW MASTER STATUS".to_owned(), "Is_Primary", "primary"),
            _ => {
                let (replica, connection) = (words.replica(), self.connection());
                let query = format!("SHOW {replica}{connection} STATUS{}", self.channel());
                (query, "Is_Replica", "replica")
            }
        };
        let mut response = Response::default();
        let status = self.status(host, &query)?;
        response.returned.insert(key.into(), status.is_some().into());
        match status {
            Some(status) => response.returned.extend(status),
            None => {
                let why = if kind == "primary" { " Meaning: Binary logs are disabled" } else { "" };
                let msg = format!("Server is not configured as mysql {kind}{why}");
                response.msg = Some(msg.replace("primary ", "primary. "));
            }
        }
        response.returned.insert("queries".into(), Json::Array(Vec::new()));
        Ok(response)
    }

    /// What is said of a mode that did what it should, and that did not.
    fn said(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.mode {
            Mode::StartReplica => {
                ("Replica started ", "Replica already started (Or cannot be started)")
            }
            Mode::StopReplica => ("Replica stopped", "Replica already stopped"),
            Mode::ResetPrimary => ("Primary reset", "Primary already reset"),
            Mode::ResetReplica | Mode::ResetReplicaAll => {
                ("Replica reset", "Replica already reset")
            }
            _ => return None,
        })
    }
}

impl Action for MysqlReplication {
    fn guard(&self, host: &dyn Host, _: Run) -> Result<Guard, Failure> {
        let is_read = matches!(self.mode, Mode::GetPrimary | Mode::GetReplica);
        match is_read {
            true => Ok(Guard::Stay(Box::new(self.read(host, self.words(host)?)?))),
            false => Ok(Guard::Go),
        }
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let orders: Vec<String> = self.order(self.words(host)?, false).into_iter().collect();
        let returned = JsonMap::from_iter([("queries".to_owned(), orders.into())]);
        Ok(Response { changed: true, returned, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let words = self.words(host)?;
        let order: Vec<String> = self.order(words, true).into_iter().collect();
        let shown: Vec<String> = self.order(words, false).into_iter().collect();
        let done = self.login.run(host, &order);
        let mut response = Response { changed: done.is_ok(), ..Response::default() };
        if let Some((did, did_not)) = self.said() {
            response.msg = Some(if response.changed { did } else { did_not }.to_owned());
        }
        if let Err(why) = done
            && (self.fail_on_error
                || self.said().is_none()
                || why.msg.contains("unable to connect"))
        {
            let order = shown.first().cloned().unwrap_or_default();
            return Err(Failure { msg: format!("{}. Query == {order}", why.msg), ..why });
        }
        response.returned.insert("queries".into(), shown.into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::Words;
    use crate::cases::run;

    fn host(version: &'static str) -> FakeHost {
        let mut host = FakeHost::default();
        host.program("mysql", move |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            if !["SHOW ", "SELECT "].iter().any(|head| text.starts_with(head)) {
                files.put("/order", text.clone());
            }
            match text.trim_end_matches(";\n") {
                "SELECT VERSION()" => Output::success(format!("{version}\n")),
                "SHOW REPLICA STATUS" => Output::success(
                    "Slave_IO_State\tMaster_Port\tLast_Error\nWaiting\t3306\tNULL\n",
                ),
                order if order.starts_with("SHOW ") => Output::success(""),
                order if order.starts_with("STOP ") => {
                    Output::failure(1, "ERROR 1199 (HY000): not a replica")
                }
                _ => Output::success(""),
            }
        });
        host
    }

    #[test]
    fn releases_have_their_words() {
        for (version, replica, sources) in [
            ("5.7.44", "SLAVE", false),
            ("8.0.21", "SLAVE", false),
            ("8.0.36-debian", "REPLICA", false),
            ("8.4.2", "REPLICA", true),
            ("10.4.34-MariaDB", "SLAVE", false),
            ("10.11.6-MariaDB-0+deb12u1", "REPLICA", false),
            ("", "SLAVE", false),
        ] {
            let words = Words::parse(version);
            assert_eq!((words.replica(), words.has_sources()), (replica, sources), "{version}");
        }
    }

    #[test]
    fn orders_are_those_of_the_release() {
        for (version, args, order) in [
            (
                "10.11.6-MariaDB",
                json!({"mode": "changeprimary", "master_host": "a", "primary_password": "it's", "primary_log_pos": 4, "connection_name": "c"}),
                "CHANGE MASTER 'c' TO MASTER_HOST='a',MASTER_PASSWORD='it''s',MASTER_LOG_POS=4",
            ),
            (
                "8.4.0",
                json!({"mode": "changeprimary", "primary_ssl": true, "channel": "x"}),
                "CHANGE REPLICATION SOURCE TO SOURCE_SSL=1 FOR CHANNEL 'x'",
            ),
            (
                "10.4.1-MariaDB",
                json!({"mode": "changeprimary", "primary_use_gtid": "replica_pos"}),
                "CHANGE MASTER TO MASTER_USE_GTID=slave_pos",
            ),
            ("5.7.1", json!({"mode": "startreplica"}), "START SLAVE"),
            ("8.0.30", json!({"mode": "resetreplicaall"}), "RESET REPLICA ALL"),
            ("8.4.0", json!({"mode": "resetprimary"}), "RESET BINARY LOGS AND GTIDS"),
        ] {
            let mut host = host(version);
            let done = run("mysql_replication", &args, "", "", Mode::default(), &mut host);
            assert!(done.changed, "{args}: {done:?}");
            assert_eq!(host.files.text("/order"), Some(format!("{order};\n")), "{args}");
            let shown = done.returned["queries"][0].as_str().unwrap();
            assert_eq!(shown, order.replace("it''s", "********"), "{args}");
        }
    }

    #[test]
    fn what_is_read_changes_nothing() {
        let mut host = host("10.11.6-MariaDB");
        let status = run("mysql_replication", &json!({}), "", "", Mode::default(), &mut host);
        assert_eq!(status.returned["Is_Replica"], true);
        assert_eq!(status.returned["Master_Port"], 3306);
        assert_eq!(status.returned["Last_Error"], json!(null));
        let args = json!({"mode": "getprimary"});
        let none = run("mysql_replication", &args, "", "", Mode::default(), &mut host);
        assert_eq!((none.failed, none.changed), (false, false));
        assert_eq!(
            none.msg.as_deref(),
            Some("Server is not configured as mysql primary. Meaning: Binary logs are disabled")
        );
    }

    #[test]
    fn what_the_server_refuses_fails_where_that_matters() {
        for (args, failed, words) in [
            (json!({"mode": "stopreplica"}), false, "Replica already stopped"),
            (json!({"mode": "stopreplica", "fail_on_error": true}), true, "not a replica"),
            (json!({"mode": "stopmaster"}), true, "must be one of: changeprimary"),
            (json!({"connection_name": "a", "channel": "b"}), true, "mutually exclusive"),
        ] {
            let mut host = host("10.11.6-MariaDB");
            let done = run("mysql_replication", &args, "", "", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (failed, false), "{args}");
            assert!(done.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
