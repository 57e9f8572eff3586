//! The `mysql_info` module of the collection `community.mysql`.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Program, Returned};
use protocol::{Json, JsonMap, Response};
use serde_json::json;

use super::{Login, NamedRow, Server, account, identifier, literal, privileges};

/// Reads what a server of MySQL or MariaDB is and has.
#[derive(Debug, Arguments)]
pub struct MysqlInfo {
    /// The database that is logged in to.
    login_db: Option<String>,
    /// What is read, or with `!` before it what is not; all of it where nothing is said.
    filter: Option<Vec<String>>,
    /// What is not read of databases: `db_size`, `db_table_count`.
    exclude_fields: Option<Vec<String>>,
    /// Whether databases without tables are told of.
    #[argument(default = false)]
    return_empty_dbs: bool,
    #[argument(flatten)]
    login: Login,
}

impl Server for MysqlInfo {
    fn login(&self) -> &Login {
        &self.login
    }

    fn head(&self) -> String {
        self.login_db.iter().map(|database| format!("USE {};\n", identifier(database))).collect()
    }
}

/// What can be read.
const SUBSETS: [&str; 10] = [
    "version",
    "databases",
    "settings",
    "global_status",
    "engines",
    "users",
    "users_info",
    "master_status",
    "slave_hosts",
    "slave_status",
];

impl Documented for MysqlInfo {
    const NAME: &'static str = "community.mysql.mysql_info";
    const ALIASES: &'static [&'static str] = &["mysql_info", "ansible.mysql.mysql_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Databases", args: r#"{"filter": ["databases", "engines"]}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("server_engine", "Which of both it is.", "always", r#""MariaDB""#),
        Returned::new("connector_name", "The client that asked.", "always", r#""mysql""#),
        Returned::new("connector_version", "Its version.", "always", r#""15.1""#),
        Returned::new(
            "version",
            "Its version.",
            "if not excluded by filter",
            r#"{"major": 10, "minor": 11, "release": 6, "suffix": "MariaDB", "full": "10.11.6-MariaDB"}"#,
        ),
        Returned::new(
            "databases",
            "By name.",
            "if not excluded by filter",
            r#"{"app": {"size": 65536, "tables": 4}}"#,
        ),
        Returned::new("settings", "Its variables.", "if not excluded by filter", "{}"),
        Returned::new("global_status", "Its counts.", "if not excluded by filter", "{}"),
        Returned::new("engines", "By name.", "if not excluded by filter", "{}"),
        Returned::new("users", "By host and name.", "if not excluded by filter", "{}"),
        Returned::new(
            "users_info",
            "As `mysql_user` takes them.",
            "if not excluded by filter",
            r#"[{"name": "web", "host": "%", "priv": "app.*:SELECT"}]"#,
        ),
        Returned::new("master_status", "Of its log.", "if it keeps one", "{}"),
        Returned::new("slave_hosts", "Its replicas, by number.", "if it has any", "{}"),
        Returned::new("slave_status", "By host, port and user.", "if it is a replica", "{}"),
    ];
}

/// A field as a number, where it is one.
fn converted(field: &Option<String>) -> Json {
    match field {
        None => Json::Null,
        Some(text) => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => text.as_str().into(),
        },
    }
}

/// A field by its name.
fn field(row: &NamedRow, name: &str) -> Option<String> {
    row.iter().find(|(column, _)| column == name).and_then(|(_, value)| value.clone())
}

/// A row without some of its columns.
fn without(row: &NamedRow, names: &[&str], write: impl Fn(&Option<String>) -> Json) -> JsonMap {
    let others = row.iter().filter(|(column, _)| !names.contains(&column.as_str()));
    others.map(|(column, value)| (column.clone(), write(value))).collect()
}

/// The map under a name, which is made where it is not there.
fn under<'a>(map: &'a mut JsonMap, name: &str) -> Option<&'a mut JsonMap> {
    map.entry(name.to_owned()).or_insert_with(|| Json::Object(JsonMap::new())).as_object_mut()
}

/// A version as the server words it, in its parts.
fn version(full: &str) -> Json {
    let mut parts = full.split('.');
    let mut number = || parts.next().unwrap_or_default();
    let (major, minor, rest) = (number(), number(), number());
    let (release, suffix) = rest.split_once('-').unwrap_or((rest, ""));
    let whole = |text: &str| text.parse::<u64>().ok();
    json!({
        "major": whole(major), "minor": whole(minor), "release": whole(release),
        "suffix": suffix, "full": full,
    })
}

impl MysqlInfo {
    fn includes(&self, name: &str) -> bool {
        !self.exclude_fields.iter().flatten().any(|field| field.trim() == name)
    }

    fn databases(&self, host: &dyn Host) -> Result<Json, Failure> {
        let query = "SELECT table_schema AS name, SUM(data_length + index_length) AS size, \
                     COUNT(table_name) AS tables FROM information_schema.TABLES GROUP BY \
                     table_schema";
        let shown = |row: &NamedRow| {
            let count = |name: &str| {
                let value = field(row, name).and_then(|value| value.parse::<i64>().ok());
                Json::from(value.unwrap_or_default())
            };
            let mut map = JsonMap::new();
            if self.includes("db_size") {
                map.insert("size".into(), count("size"));
            }
            if self.includes("db_table_count") {
                map.insert("tables".into(), count("tables"));
            }
            Json::Object(map)
        };
        let mut all = JsonMap::new();
        for row in self.named_rows(host, query)? {
            all.insert(field(&row, "name").unwrap_or_default(), shown(&row));
        }
        if self.return_empty_dbs {
            for name in self.rows(host, "SHOW DATABASES")?.into_iter().flatten() {
                all.entry(name).or_insert_with(|| shown(&NamedRow::new()));
            }
        }
        Ok(all.into())
    }

    /// `SHOW` of names and values.
    fn pairs(&self, host: &dyn Host, query: &str) -> Result<JsonMap, Failure> {
        let pair = |row: NamedRow| {
            let name = field(&row, "Variable_name").unwrap_or_default();
            (name, converted(&field(&row, "Value")))
        };
        Ok(self.named_rows(host, query)?.into_iter().map(pair).collect())
    }

    fn users(&self, host: &dyn Host) -> Result<Json, Failure> {
        let mut all = JsonMap::new();
        for row in self.named_rows(host, "SELECT * FROM mysql.user")? {
            let from = field(&row, "Host").unwrap_or_default();
            let name = field(&row, "User").unwrap_or_default();
            let mut user = without(&row, &["Host", "User"], converted);
            // The one number of a user that is no whole one.
            if let Some(time) = field(&row, "max_statement_time") {
                let time = time.parse::<f64>().map_or_else(|_| time.into(), Json::from);
                user.insert("max_statement_time".into(), time);
            }
            if let Some(there) = under(&mut all, &from) {
                there.insert(name, user.into());
            }
        }
        Ok(all.into())
    }

    fn users_told(
        &self,
        host: &dyn Host,
        is_mariadb: bool,
    ) -> Result<(Json, Vec<String>), Failure> {
        let (mut all, mut warnings) = (Vec::new(), Vec::new());
        for row in self.named_rows(host, "SELECT * FROM mysql.user")? {
            let from = field(&row, "Host").unwrap_or_default();
            let name = field(&row, "User").unwrap_or_default();
            let is_role = is_mariadb && from.is_empty();
            let account = match is_role {
                true => literal(&name),
                false => format!("{}@{}", literal(&name), literal(&from)),
            };
            let grants = self.rows(host, &format!("SHOW GRANTS FOR {account}"))?;
            let grants = grants.into_iter().filter_map(|row| row.into_iter().next());
            let told = privileges::as_told(grants);
            if told.is_empty() {
                warnings.push(format!("No privileges found for {name} on host {from}"));
                continue;
            }
            let place = (name.as_str(), from.as_str());
            let mut limits = account::limits(self, host, place, is_mariadb)?;
            limits.retain(|_, limit| limit.as_f64() != Some(0.0));
            let requires = match is_role {
                true => account::Requires::new(),
                false => {
                    let made = self.rows(host, &format!("SHOW CREATE USER {account}"))?;
                    let made = made.into_iter().flatten().next().unwrap_or_default();
                    if field(&row, "is_role").as_deref() == Some("N") {
                        all.push(json!({"locked": made.contains("ACCOUNT LOCK")}));
                    } else {
                        all.push(json!({}));
                    }
                    account::requires(&made)
                }
            };
            if is_role {
                all.push(json!({}));
            }
            let Some(user) = all.last_mut().and_then(Json::as_object_mut) else { continue };
            user.insert("name".into(), name.clone().into());
            user.insert("host".into(), from.clone().into());
            user.insert("priv".into(), told.into());
            if !limits.is_empty() {
                user.insert("resource_limits".into(), limits.into());
            }
            if !requires.is_empty() {
                user.insert("tls_requires".into(), json!(requires));
            }
            let of = Some(from.as_str()).filter(|from| !from.is_empty());
            let known = account::authentications(self, host, &name, of, is_mariadb)?;
            if let Some((plugin, hash)) = known.into_iter().next() {
                user.insert("plugin".into(), plugin.into());
                user.insert("plugin_auth_string".into(), hash.clone().into());
                user.insert("plugin_hash_string".into(), hash.into());
            }
        }
        Ok((all.into(), warnings))
    }

    /// The first of two orders that the server knows: newer ones have other words.
    fn either(&self, host: &dyn Host, old: &str, new: &str) -> Result<Vec<NamedRow>, Failure> {
        match self.named_rows(host, old) {
            Err(failure) if failure.msg.contains("ERROR 1064") => self.named_rows(host, new),
            other => other,
        }
    }

    fn replica(&self, host: &dyn Host) -> Result<Json, Failure> {
        let mut all = JsonMap::new();
        for row in self.either(host, "SHOW SLAVE STATUS", "SHOW REPLICA STATUS")? {
            let name = |part: &str| {
                let old = field(&row, &format!("Master_{part}"));
                old.or_else(|| field(&row, &format!("Source_{part}"))).unwrap_or_default()
            };
            let columns = [
                "Master_Host",
                "Master_Port",
                "Master_User",
                "Source_Host",
                "Source_Port",
                "Source_User",
            ];
            let told = without(&row, &columns, converted);
            let ports = under(&mut all, &name("Host"));
            let users = ports.and_then(|ports| under(ports, &name("Port")));
            if let Some(users) = users {
                users.insert(name("User"), told.into());
            }
        }
        Ok(all.into())
    }

    /// Rows by one of their columns.
    fn by_name(
        rows: &[NamedRow],
        column: &str,
        write: impl Fn(&Option<String>) -> Json + Copy,
    ) -> Json {
        let named = |row: &NamedRow| {
            (field(row, column).unwrap_or_default(), without(row, &[column], write).into())
        };
        Json::Object(rows.iter().map(named).collect())
    }

    fn read_subset(
        &self,
        host: &dyn Host,
        subset: &str,
        is_mariadb: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Json, Failure> {
        let plain = |value: &Option<String>| value.clone().map_or(Json::Null, Json::from);
        Ok(match subset {
            "version" => {
                let rows = self.rows(host, "SELECT @@version")?;
                version(&rows.into_iter().flatten().next().unwrap_or_default())
            }
            "databases" => self.databases(host)?,
            "settings" => self.pairs(host, "SHOW GLOBAL VARIABLES")?.into(),
            "global_status" => self.pairs(host, "SHOW GLOBAL STATUS")?.into(),
            "engines" => Self::by_name(&self.named_rows(host, "SHOW ENGINES")?, "Engine", plain),
            "users" => self.users(host)?,
            "users_info" => {
                let (users, more) = self.users_told(host, is_mariadb)?;
                warnings.extend(more);
                users
            }
            "master_status" => {
                let rows = self.either(host, "SHOW MASTER STATUS", "SHOW BINARY LOG STATUS")?;
                rows.iter().flat_map(|row| without(row, &[], converted)).collect::<JsonMap>().into()
            }
            "slave_hosts" => {
                let rows = self.either(host, "SHOW SLAVE HOSTS", "SHOW REPLICAS")?;
                Self::by_name(&rows, "Server_id", converted)
            }
            _ => self.replica(host)?,
        })
    }

    /// The client's name and version, from what it says of itself: `mysql  Ver 15.1 Distrib …`.
    fn client_version(&self, host: &dyn Host) -> Result<(String, String), Failure> {
        let program = self.login.client(host, &["mysql", "mariadb"])?;
        let output = host.query(&Program::new(&program.name).arg("--version"))?;
        let said = output.stdout_text();
        let version = said.split_once("Ver ").and_then(|(_, rest)| rest.split_whitespace().next());
        Ok((program.name.clone(), version.unwrap_or_default().to_owned()))
    }
}

impl Fact for MysqlInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut response = Response::default();
        let mut warnings = Vec::new();
        let (mut with, mut less) = (Vec::new(), Vec::new());
        for word in self.filter.iter().flatten().map(|word| word.trim()) {
            let bare = word.trim_start_matches('!');
            if !SUBSETS.contains(&bare) {
                warnings.push(format!("filter element: {word} is not allowable, ignored"));
            } else if bare == word {
                with.push(bare);
            } else {
                less.push(bare);
            }
        }
        let is_mariadb = account::is_mariadb(self, host)?;
        for subset in SUBSETS {
            let wanted =
                if with.is_empty() { !less.contains(&subset) } else { with.contains(&subset) };
            if wanted {
                let told = self.read_subset(host, subset, is_mariadb, &mut warnings)?;
                response.returned.insert(subset.to_owned(), told);
            }
        }
        let (name, version) = self.client_version(host)?;
        let engine = if is_mariadb { "MariaDB" } else { "MySQL" };
        response.returned.insert("server_engine".into(), engine.into());
        response.returned.insert("connector_name".into(), name.into());
        response.returned.insert("connector_version".into(), version.into());
        response.warnings = warnings;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::{Value, json};

    use super::version;
    use crate::cases::run;

    fn rows(fields: &[(&str, &str)]) -> String {
        let fields: String = fields
            .iter()
            .map(|(name, value)| format!("<field name=\"{name}\">{value}</field>"))
            .collect();
        format!("<resultset statement=\"x\"><row>{fields}</row></resultset>")
    }

    fn ask(args: &Value) -> (Value, Vec<String>) {
        let mut host = FakeHost::default();
        host.program("mysql", |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap_or_default()).unwrap();
            Output::success(match text {
                _ if text.is_empty() => "mysql  Ver 15.1 Distrib 10.11.6-MariaDB\n".into(),
                _ if text.contains("version") || text.contains("VERSION") => {
                    "10.11.6-MariaDB-0+deb12u1\n".into()
                }
                _ if text.contains("SHOW SLAVE HOSTS") => String::new(),
                _ if text.contains("SHOW SLAVE STATUS") => rows(&[
                    ("Master_Host", "h"),
                    ("Master_Port", "1"),
                    ("Master_User", "u"),
                    ("Connect_Retry", "60"),
                ]),
                _ if text.contains("VARIABLES") => {
                    rows(&[("Variable_name", "port"), ("Value", "3306")])
                }
                _ if text.contains("TABLES") => {
                    rows(&[("name", "app"), ("size", "5"), ("tables", "2")])
                }
                _ if text.contains("SHOW DATABASES") => "app\nbare\n".into(),
                _ if text.contains("SHOW GRANTS") => {
                    "GRANT USAGE ON *.* TO `u`@`%`\nGRANT SELECT ON `a`.* TO `u`@`%`\n".into()
                }
                _ if text.contains("SHOW CREATE USER") => {
                    "CREATE USER `u` REQUIRE SSL ACCOUNT LOCK\n".into()
                }
                _ if text.contains("max_questions") => "0\t5\t0\t0\t1.500000\n".into(),
                _ if text.contains("SELECT plugin") => "unix_socket\t\n".into(),
                _ if text.contains("SELECT * FROM mysql.user") => {
                    rows(&[("Host", "%"), ("User", "u"), ("is_role", "N"), ("max_updates", "5")])
                }
                _ => String::new(),
            })
        });
        let response = run("mysql_info", args, "", "", Mode::default(), &mut host);
        assert!(!response.failed, "{response:?}");
        (json!(response.returned), response.warnings)
    }

    #[test]
    fn a_server_is_told_of() {
        let (all, _) = ask(&json!({"return_empty_dbs": true, "exclude_fields": "db_size"}));
        assert_eq!(all["server_engine"], "MariaDB");
        assert_eq!(all["connector_version"], "15.1");
        assert_eq!(all["settings"], json!({"port": 3306}));
        assert_eq!(all["databases"], json!({"app": {"tables": 2}, "bare": {"tables": 0}}));
        assert_eq!(all["slave_status"], json!({"h": {"1": {"u": {"Connect_Retry": 60}}}}));
        assert_eq!(all["slave_hosts"], json!({}));
        assert_eq!(all["users"]["%"]["u"]["max_updates"], 5);
        assert_eq!(
            all["users_info"],
            json!([{
                "name": "u", "host": "%", "priv": "a.*:SELECT", "locked": true,
                "resource_limits": {"MAX_UPDATES_PER_HOUR": 5, "MAX_STATEMENT_TIME": 1.5},
                "tls_requires": {"SSL": null}, "plugin": "unix_socket",
                "plugin_auth_string": "", "plugin_hash_string": "",
            }])
        );
    }

    #[test]
    fn what_is_wanted_is_read() {
        let (some, warnings) = ask(&json!({"filter": "version, nonsense"}));
        assert_eq!(some["version"]["suffix"], "MariaDB-0+deb12u1");
        assert_eq!((some.get("settings"), warnings.len()), (None, 1));
        let (others, _) = ask(&json!({"filter": ["!users", "!settings"]}));
        assert!(others.get("users").is_none() && others.get("databases").is_some());
        assert_eq!(version("8.0.36")["release"], 36);
    }
}
