//! The `postgresql_info` module of the collection `community.postgresql`.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned, glob};
use protocol::{Json, JsonMap, Response};
use serde_json::json;

use super::{Login, number_things, text};

/// Reads what a server of PostgreSQL is and has.
#[derive(Debug, Arguments)]
pub struct PostgresqlInfo {
    /// What is read, by name or pattern, or with `!` before it what is not; all of it where nothing
    /// is said.
    filter: Option<Vec<String>>,
    /// The database that is logged in to.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlInfo {
    const NAME: &'static str = "community.postgresql.postgresql_info";
    const ALIASES: &'static [&'static str] = &["postgresql_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Who is there", args: r#"{"filter": ["ver*", "roles"]}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "version",
            "Its version.",
            "success",
            r#"{"major": 15, "minor": 8, "patch": null, "full": "15.8"}"#,
        ),
        Returned::new("in_recovery", "Whether it is a replica.", "success", "false"),
        Returned::new(
            "databases",
            "By name, with their schemas, extensions, languages, publications, subscriptions.",
            "success",
            r#"{"app": {"owner": "web", "encoding": "UTF8"}}"#,
        ),
        Returned::new("tablespaces", "By name.", "success", "{}"),
        Returned::new("replications", "By process.", "success", "{}"),
        Returned::new("repl_slots", "By name.", "success", "{}"),
        Returned::new("settings", "By name.", "success", r#"{"fsync": {"setting": "on"}}"#),
        Returned::new("roles", "By name.", "success", r#"{"web": {"superuser": false}}"#),
        Returned::new("pending_restart_settings", "That wait for a restart.", "success", "[]"),
    ];
}

/// What can be read.
const SUBSETS: [&str; 8] = [
    "version",
    "in_recovery",
    "tablespaces",
    "databases",
    "replications",
    "repl_slots",
    "settings",
    "roles",
];

/// Rows by one of their columns.
fn by_name(rows: Vec<JsonMap>, column: &str) -> Json {
    let mut all = JsonMap::new();
    for mut row in rows {
        let name = text(&row, column);
        row.remove(column);
        all.insert(name, row.into());
    }
    all.into()
}

/// The parts of an extension's version: `1.6`, `3.4.0`, `2-1`; none of one in other words.
fn extension_version(raw: &str) -> Json {
    let parts: Option<Vec<u64>> = raw.split(['.', '-']).map(|part| part.parse().ok()).collect();
    let part = |at: usize| parts.as_ref().and_then(|parts| parts.get(at));
    json!({"major": part(0), "minor": part(1), "raw": raw})
}

impl PostgresqlInfo {
    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn wants(&self, subset: &str) -> bool {
        let all: Vec<&str> = self.filter.iter().flatten().map(String::as_str).collect();
        let (without, with): (Vec<&str>, Vec<&str>) =
            all.into_iter().partition(|one| one.starts_with('!'));
        match with.is_empty() {
            false => with.iter().any(|pattern| glob::is_match(pattern, subset)),
            true => !without
                .iter()
                .any(|pattern| glob::is_match(pattern.trim_start_matches('!'), subset)),
        }
    }

    fn rows(&self, host: &dyn Host, query: &str) -> Result<Vec<JsonMap>, Failure> {
        self.login.rows(host, self.database(), query)
    }

    fn version(&self, host: &dyn Host) -> Result<Json, Failure> {
        let query = "SELECT current_setting('server_version_num') AS number, version() AS raw";
        let row = self.rows(host, query)?.into_iter().next().unwrap_or_default();
        let number: u64 = text(&row, "number").parse().unwrap_or_default();
        let (major, minor, patch) = (number / 10_000, number / 100 % 100, number % 100);
        let raw = text(&row, "raw");
        // Since 10, versions have two parts.
        Ok(match minor {
            0 => json!({
                "major": major, "minor": patch, "patch": null,
                "full": format!("{major}.{patch}"), "raw": raw,
            }),
            _ => json!({
                "major": major, "minor": minor, "patch": patch,
                "full": format!("{major}.{minor}.{patch}"), "raw": raw,
            }),
        })
    }

    /// Subscriptions by database and name; of their columns those that the role may read.
    fn subscriptions(&self, host: &dyn Host) -> Result<JsonMap, Failure> {
        let query = "SELECT column_name AS name FROM information_schema.columns WHERE table_schema \
                     = 'pg_catalog' AND table_name = 'pg_subscription'";
        let columns = self.rows(host, query)?;
        let columns: Vec<String> =
            columns.iter().map(|row| format!("s.{}", text(row, "name"))).collect();
        let mut all = JsonMap::new();
        if columns.is_empty() {
            return Ok(all);
        }
        let query = format!(
            "SELECT {}, pg_get_userbyid(s.subowner) AS ownername, d.datname AS dbname FROM \
             pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid",
            columns.join(", ")
        );
        for mut row in self.rows(host, &query)? {
            let (database, name) = (text(&row, "dbname"), text(&row, "subname"));
            number_things(&mut row, &["oid", "subdbid", "subowner"]);
            row.remove("dbname");
            row.remove("subname");
            let there = all.entry(database).or_insert_with(|| Json::Object(JsonMap::new()));
            if let Json::Object(there) = there {
                there.insert(name, row.into());
            }
        }
        Ok(all)
    }

    /// What is in a database.
    fn contents(&self, host: &dyn Host, database: &str) -> Result<JsonMap, Failure> {
        let named = |query: &str, column: &str| {
            Ok::<_, Failure>(by_name(self.login.rows(host, database, query)?, column))
        };
        let namespaces = named(
            "SELECT nspname, pg_get_userbyid(nspowner) AS nspowner, coalesce(nspacl::text, '') AS \
             nspacl FROM pg_catalog.pg_namespace",
            "nspname",
        )?;
        let languages = named(
            "SELECT lanname, pg_get_userbyid(lanowner) AS lanowner, coalesce(lanacl::text, '') AS \
             lanacl FROM pg_catalog.pg_language",
            "lanname",
        )?;
        let query = "SELECT p.*, pg_get_userbyid(p.pubowner) AS ownername FROM \
                     pg_catalog.pg_publication p";
        let mut publications = self.login.rows(host, database, query)?;
        for row in &mut publications {
            number_things(row, &["oid", "pubowner"]);
        }
        let query = "SELECT e.extname, e.extversion, n.nspname, obj_description(e.oid, \
                     'pg_extension') AS description FROM pg_catalog.pg_extension e LEFT JOIN \
                     pg_catalog.pg_namespace n ON n.oid = e.extnamespace";
        let mut extensions = self.login.rows(host, database, query)?;
        for row in &mut extensions {
            let version = extension_version(&text(row, "extversion"));
            row.insert("extversion".into(), version);
        }
        Ok(JsonMap::from_iter([
            ("namespaces".to_owned(), namespaces),
            ("extensions".to_owned(), by_name(extensions, "extname")),
            ("languages".to_owned(), languages),
            ("publications".to_owned(), by_name(publications, "pubname")),
        ]))
    }

    fn databases(&self, host: &dyn Host) -> Result<Json, Failure> {
        let query = "SELECT d.datname, pg_get_userbyid(d.datdba) AS owner, \
                     pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collate, \
                     d.datctype AS ctype, coalesce(array_to_string(d.datacl, E'\\n'), '') AS \
                     access_priv, CASE WHEN has_database_privilege(d.datname, 'CONNECT') THEN \
                     pg_database_size(d.datname)::text ELSE 'No Access' END AS size FROM \
                     pg_catalog.pg_database d WHERE d.datname != 'template0'";
        let mut subscriptions = self.subscriptions(host)?;
        let mut all = JsonMap::new();
        for mut row in self.rows(host, query)? {
            let name = text(&row, "datname");
            row.remove("datname");
            match self.contents(host, &name) {
                Ok(contents) => {
                    row.extend(contents);
                    let own = subscriptions.remove(&name);
                    row.insert("subscriptions".into(), own.unwrap_or_else(|| json!({})));
                }
                Err(failure) if failure.msg.contains("unable to connect") => {
                    for name in ["namespaces", "extensions", "languages"] {
                        row.insert(name.into(), json!({}));
                    }
                    row.insert("error".into(), "Could not connect to the database.".into());
                }
                Err(failure) => return Err(failure),
            }
            all.insert(name, row.into());
        }
        Ok(all.into())
    }

    /// Settings by name, and the names of those that wait for a restart.
    fn settings(&self, host: &dyn Host) -> Result<(Json, Vec<String>), Failure> {
        let query = "SELECT name, setting, coalesce(unit, '') AS unit, context, vartype, \
                     coalesce(boot_val, '') AS boot_val, coalesce(min_val, '') AS min_val, \
                     coalesce(max_val, '') AS max_val, coalesce(sourcefile, '') AS sourcefile, \
                     pending_restart, current_setting(name) AS pretty_val FROM \
                     pg_catalog.pg_settings";
        let mut rows = self.rows(host, query)?;
        let mut waiting = Vec::new();
        for row in &mut rows {
            let factor: i64 = match text(row, "unit").as_str() {
                "kB" => 1 << 10,
                "8kB" => 8 << 10,
                "MB" => 1 << 20,
                _ => 0,
            };
            let setting = text(row, "setting").parse::<i64>().ok().filter(|_| factor > 0);
            if let Some(setting) = setting {
                let bytes = setting.saturating_mul(factor).max(0);
                row.insert("val_in_bytes".into(), bytes.into());
            }
            if row.get("pending_restart") == Some(&Json::Bool(true)) {
                waiting.push(text(row, "name"));
            }
        }
        Ok((by_name(rows, "name"), waiting))
    }

    /// A subset that is rows of one query by name.
    fn subset(subset: &str) -> Option<(&'static str, &'static str)> {
        Some(match subset {
            "tablespaces" => (
                "SELECT spcname, pg_get_userbyid(spcowner) AS spcowner, coalesce(spcacl::text, '') \
                 AS spcacl, coalesce(spcoptions, '{}') AS spcoptions FROM pg_catalog.pg_tablespace",
                "spcname",
            ),
            "replications" => (
                "SELECT pid, pg_get_userbyid(usesysid) AS usename, coalesce(application_name, '') \
                 AS app_name, client_addr::text, coalesce(client_hostname, '') AS client_hostname, \
                 backend_start::text, state FROM pg_catalog.pg_stat_replication",
                "pid",
            ),
            "repl_slots" => (
                "SELECT slot_name, plugin, slot_type, database, active FROM \
                 pg_catalog.pg_replication_slots",
                "slot_name",
            ),
            "roles" => (
                "SELECT rolname, rolsuper AS superuser, rolcanlogin AS canlogin, \
                 coalesce(to_json(rolvaliduntil), '\"\"'::json) AS valid_until, ARRAY(SELECT b.rolname FROM \
                 pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON b.oid = m.roleid WHERE \
                 m.member = r.oid) AS member_of FROM pg_catalog.pg_roles r WHERE rolname !~ '^pg_'",
                "rolname",
            ),
            _ => return None,
        })
    }
}

impl Fact for PostgresqlInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut response = Response::default();
        let mut waiting = Vec::new();
        for subset in SUBSETS {
            let wanted = self.wants(subset);
            let told = match subset {
                "in_recovery" if !wanted => Json::Null,
                _ if !wanted => json!({}),
                "version" => self.version(host)?,
                "in_recovery" => {
                    let rows = self.rows(host, "SELECT pg_is_in_recovery() AS so")?;
                    rows.first().and_then(|row| row.get("so")).cloned().unwrap_or_default()
                }
                "databases" => self.databases(host)?,
                "settings" => {
                    let (settings, names) = self.settings(host)?;
                    waiting = names;
                    settings
                }
                _ => match Self::subset(subset) {
                    Some((query, column)) => by_name(self.rows(host, query)?, column),
                    None => json!({}),
                },
            };
            response.returned.insert(subset.to_owned(), told);
        }
        response.returned.insert("pending_restart_settings".to_owned(), waiting.into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::{Value, json};

    use super::extension_version;
    use crate::cases::run;

    fn ask(args: Value) -> Value {
        let mut host = FakeHost::default();
        host.program("psql", |_, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let database = program.environment.iter().find(|(name, _)| name == "PGDATABASE");
            let row = match text {
                _ if text.contains("server_version_num") => json!({"number": "150008", "raw": "PostgreSQL 15.8"}),
                _ if text.contains("pg_settings") => json!({"name": "work_mem", "unit": "8kB", "setting": "2", "pending_restart": true}),
                _ if text.contains("datacl") => json!({"datname": "app", "owner": "web"}),
                _ if text.contains("information_schema") => json!({"name": "subname"}),
                _ if text.contains("s.subname") => json!({"subname": "s", "dbname": "app", "subenabled": true, "oid": "7"}),
                _ if text.contains("pg_namespace n ON") => {
                    assert_eq!(database.map(|(_, value)| value.as_str()), Some("app"));
                    json!({"extname": "plpgsql", "extversion": "1.0", "nspname": "pg_catalog"})
                }
                _ if text.contains("pg_is_in_recovery") => json!({"so": false}),
                _ => return Output::success(""),
            };
            Output::success(format!("{row}\n"))
        });
        let response = run("postgresql_info", &args, "", "", Mode::default(), &mut host);
        assert!(!response.failed, "{response:?}");
        json!(response.returned)
    }

    #[test]
    fn a_server_is_told_of() {
        let all = ask(json!({}));
        assert_eq!(all["version"]["full"], "15.8");
        assert_eq!(all["version"]["patch"], Value::Null);
        assert_eq!(all["in_recovery"], false);
        assert_eq!(all["settings"]["work_mem"]["val_in_bytes"], 16384);
        assert_eq!(all["pending_restart_settings"], json!(["work_mem"]));
        assert_eq!(all["databases"]["app"]["owner"], "web");
        assert_eq!(all["databases"]["app"]["subscriptions"]["s"]["subenabled"], true);
        assert_eq!(all["databases"]["app"]["subscriptions"]["s"]["oid"], 7);
        assert_eq!(all["databases"]["app"]["extensions"]["plpgsql"]["extversion"]["major"], 1);
    }

    #[test]
    fn what_is_wanted_is_read() {
        let some = ask(json!({"filter": "ver*"}));
        assert_eq!((&some["in_recovery"], &some["settings"]), (&Value::Null, &json!({})));
        assert_eq!(some["version"]["major"], 15);
        let others = ask(json!({"filter": ["!version", "!s*"]}));
        assert_eq!((&others["version"], &others["in_recovery"]), (&json!({}), &json!(false)));
        for (raw, version) in [
            ("1.6", json!({"major": 1, "minor": 6, "raw": "1.6"})),
            ("1.0", json!({"major": 1, "minor": 0, "raw": "1.0"})),
            ("3", json!({"major": 3, "minor": null, "raw": "3"})),
            ("3.4.0dev", json!({"major": null, "minor": null, "raw": "3.4.0dev"})),
        ] {
            assert_eq!(extension_version(raw), version);
        }
    }
}
