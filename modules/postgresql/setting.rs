//! The `postgresql_set` module of the collection `community.postgresql`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};
use serde_json::json;

use super::{Login, identifier, literal, text};

/// Keeps a setting of the server by `ALTER SYSTEM`.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["value", "reset"]))]
pub struct PostgresqlSet {
    /// The setting.
    name: String,
    /// Its value; `default` for the server's own.
    value: Option<String>,
    /// Whether it becomes what it was without this module.
    reset: Option<bool>,
    /// The database that is logged in to.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

impl Documented for PostgresqlSet {
    const NAME: &'static str = "community.postgresql.postgresql_set";
    const ALIASES: &'static [&'static str] = &["postgresql_set"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A value", args: r#"{"name": "work_mem", "value": "128MB"}"# },
        Example { title: "None of ours", args: r#"{"name": "wal_keep_segments", "reset": true}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The setting.", "always", r#""work_mem""#),
        Returned::new("value_pretty", "Its value after.", "always", r#""128MB""#),
        Returned::new("prev_val_pretty", "Its value before.", "always", r#""4MB""#),
        Returned::new(
            "value",
            "Its value in the unit it is counted in.",
            "always",
            r#"{"value": 134217728, "unit": "b"}"#,
        ),
        Returned::new("context", "Who may change it when.", "always", r#""user""#),
        Returned::new("restart_required", "Whether a restart is needed.", "always", "false"),
        Returned::new(
            "queries",
            "Orders that were given.",
            "always",
            r#"["ALTER SYSTEM SET work_mem = '128MB'"]"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// Settings whose value is a list of names.
pub(super) const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// What the server says of the setting.
struct Found {
    row: JsonMap,
}

/// A number with a unit as bytes; other texts as they are.
fn in_bytes(text: &str) -> Json {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let (Ok(number), unit) = (digits.parse::<i64>(), text.get(digits.len()..).unwrap_or_default())
    else {
        return match text.parse::<f64>() {
            Ok(number) => json!(number),
            Err(_) => text.into(),
        };
    };
    let factor = match unit {
        "" => return json!(number as f64),
        "B" => 1,
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1_i64 << 40,
        _ => return text.into(),
    };
    json!((number.saturating_mul(factor)) as f64)
}

impl Found {
    fn pretty(&self) -> String {
        text(&self.row, "pretty")
    }

    fn context(&self) -> String {
        text(&self.row, "context")
    }

    /// The value that `ALTER SYSTEM` has given, be it in force or not.
    fn kept(&self) -> Option<String> {
        self.row.get("kept").filter(|kept| !kept.is_null()).map(python::text)
    }

    /// The value in the unit that it is counted in.
    fn counted(&self) -> Json {
        let (raw, unit) = (text(&self.row, "setting"), text(&self.row, "unit"));
        let factor = match unit.as_str() {
            "kB" => 1 << 10,
            "MB" => 1 << 20,
            _ => {
                let unit = if unit.is_empty() { Json::Null } else { unit.into() };
                return json!({"value": raw, "unit": unit});
            }
        };
        let value = match raw.parse::<i64>() {
            Ok(number) if number > 0 => json!(number.saturating_mul(factor)),
            _ => raw.into(),
        };
        json!({"value": value, "unit": "b"})
    }
}

impl PostgresqlSet {
    fn resets(&self) -> bool {
        self.reset == Some(true)
    }

    /// The value as the server takes it: `1mb` is `1MB` to it, and Python's booleans are words.
    fn wanted(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        let unit = value.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let is_number = unit.len() < value.len();
        Some(match (value.as_str(), unit) {
            ("True", _) => "on".into(),
            ("False", _) => "off".into(),
            (_, "mb" | "gb" | "tb" | "b") if is_number => value.to_uppercase(),
            _ => value.clone(),
        })
    }

    fn read(&self, host: &dyn Host) -> Result<Found, Failure> {
        let query = format!(
            "SELECT name, setting, unit, context, current_setting(name) AS pretty, \
             (SELECT f.setting FROM pg_catalog.pg_file_settings f WHERE f.name = s.name AND \
             f.sourcefile LIKE '%postgresql.auto.conf' ORDER BY f.seqno DESC LIMIT 1) AS kept \
             FROM pg_catalog.pg_settings s WHERE name = {}",
            literal(&self.name)
        );
        let database = self.login_db.as_deref().unwrap_or_default();
        let row = self.login.rows(host, database, &query)?.into_iter().next();
        let row = row.ok_or_else(|| {
            Failure::new(format!(
                "No such parameter: {}. Please check its spelling or presence in your PostgreSQL version",
                self.name
            ))
        })?;
        Ok(Found { row })
    }

    fn is_same(&self, wanted: &str, other: &str) -> bool {
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(|one| one.trim_matches(['"', '\'', ' ']).to_owned()).collect()
        };
        if LISTS.contains(&self.name.as_str()) {
            return list(wanted) == list(other);
        }
        in_bytes(wanted) == in_bytes(other)
    }

    /// What is to be ordered; `None` where all is as it should be.
    fn order(&self, found: &Found) -> Option<String> {
        let name: Vec<String> = self.name.split('.').map(identifier).collect();
        // A plain name needs no quotes, and is told without.
        let is_plain =
            |letter: char| letter.is_ascii_lowercase() || "_0123456789.".contains(letter);
        let name = if self.name.chars().all(is_plain) { self.name.clone() } else { name.join(".") };
        let kept = found.kept();
        let Some(wanted) = self.wanted() else {
            return kept.map(|_| format!("ALTER SYSTEM RESET {name}"));
        };
        if wanted == "default" {
            return kept.map(|_| format!("ALTER SYSTEM SET {name} = DEFAULT"));
        }
        // What waits for a restart is set already.
        let now = kept.unwrap_or_else(|| found.pretty());
        if self.is_same(&wanted, &now) {
            return None;
        }
        let is_list = wanted.contains(',')
            && !["_command", "_prefix"].iter().any(|end| self.name.ends_with(end));
        let value = match is_list {
            true => {
                let parts = wanted.split(',').map(|part| literal(part.trim()));
                parts.collect::<Vec<_>>().join(",")
            }
            false => literal(&wanted),
        };
        Some(format!("ALTER SYSTEM SET {name} = {value}"))
    }

    /// The setting, once it is known that it can be kept.
    fn look(&self, host: &dyn Host) -> Result<Found, Failure> {
        let texts = [Some(&self.name), self.value.as_ref()];
        self.login.refuse_orders(texts.into_iter().flatten().map(String::as_str))?;
        let name = &self.name;
        if self.value.is_none() && !self.resets() {
            return Err(Failure::new(format!(
                "{name}: at least one of value or reset param must be specified"
            )));
        }
        if name == "shared_preload_libraries" && self.value.as_deref() == Some("") {
            return Err(Failure::new(
                "shared_preload_libraries cannot be set to an empty text, which the server would \
                 not start with; use value=default or reset=true",
            ));
        }
        let found = self.read(host)?;
        match found.context().as_str() {
            "internal" => {
                Err(Failure::new(format!("{name}: cannot be changed (internal context)")))
            }
            _ => Ok(found),
        }
    }

    fn answer(&self, before: &Found, after: &Found, order: Option<String>) -> Response {
        let needs_restart = before.context() == "postmaster";
        let wanted = self.wanted().filter(|value| needs_restart && value != "default");
        let pretty = wanted.filter(|_| order.is_some()).unwrap_or_else(|| after.pretty());
        let mut response = Response { changed: order.is_some(), ..Response::default() };
        if needs_restart && order.is_some() {
            response
                .warnings
                .push(format!("Restart of PostgreSQL is required for setting {}", self.name));
        }
        response.returned = JsonMap::from_iter([
            ("name".to_owned(), self.name.clone().into()),
            ("prev_val_pretty".to_owned(), before.pretty().into()),
            ("value_pretty".to_owned(), pretty.into()),
            ("value".to_owned(), after.counted()),
            ("context".to_owned(), before.context().into()),
            ("restart_required".to_owned(), needs_restart.into()),
            ("queries".to_owned(), order.into_iter().collect::<Vec<_>>().into()),
        ]);
        response
    }
}

impl Action for PostgresqlSet {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let found = self.look(host)?;
        Ok(match self.order(&found) {
            None => Guard::Stay(Box::new(self.answer(&found, &found, None))),
            Some(_) => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.look(host)?;
        let order = self.order(&found);
        let mut response = self.answer(&found, &found, order);
        if let Some(value) = self.wanted() {
            response.returned.insert("value_pretty".into(), value.into());
        }
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let before = self.look(host)?;
        let Some(order) = self.order(&before) else {
            return Ok(self.answer(&before, &before, None));
        };
        let database = self.login_db.as_deref().unwrap_or_default();
        let reload = match before.context().as_str() {
            "postmaster" => "",
            _ => "SELECT pg_reload_conf();\n",
        };
        self.login.run(host, database, &format!("{order};\n{reload}"))?;
        let after = self.read(host)?;
        Ok(self.answer(&before, &after, Some(order)))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// A server with `work_mem`, and one setting that waits for a restart.
    fn host(context: &'static str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/kept", "");
        host.program("psql", move |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let kept = files.text("/kept").unwrap();
            if text.starts_with("SELECT") {
                if !text.contains("'work_mem'") {
                    return Output::success("");
                }
                let kept = (!kept.is_empty()).then_some(kept);
                let shown = kept.clone().filter(|_| context != "postmaster");
                let row = json!({
                    "name": "work_mem", "setting": "4096", "unit": "kB", "context": context,
                    "pretty": shown.unwrap_or_else(|| "4MB".into()), "kept": kept
                });
                return Output::success(format!("{row}\n"));
            }
            assert_eq!(text.contains("pg_reload_conf"), context != "postmaster");
            match text.split('\'').nth(1) {
                Some(value) => files.put("/kept", value),
                None => files.put("/kept", ""),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn settings_are_kept() {
        for context in ["user", "postmaster"] {
            let mut host = host(context);
            for (args, order) in [
                (json!({"value": "4096kB"}), ""),
                (json!({"reset": true}), ""),
                (json!({"value": "8mb"}), "ALTER SYSTEM SET work_mem = '8MB'"),
                (json!({"value": "8192kB"}), ""),
                (json!({"value": "1GB"}), "ALTER SYSTEM SET work_mem = '1GB'"),
                (json!({"value": "default"}), "ALTER SYSTEM SET work_mem = DEFAULT"),
                (json!({"value": "default"}), ""),
                (json!({"value": "8MB"}), "ALTER SYSTEM SET work_mem = '8MB'"),
                (json!({"reset": true}), "ALTER SYSTEM RESET work_mem"),
            ] {
                let check = Mode { check: true, diff: false };
                let foretold = run("postgresql_set", &args, "name", "work_mem", check, &mut host);
                let done =
                    run("postgresql_set", &args, "name", "work_mem", Mode::default(), &mut host);
                assert_eq!(done.msg, None, "{args}");
                assert_eq!(
                    (foretold.changed, done.changed),
                    (!order.is_empty(), !order.is_empty())
                );
                let given = done.returned["queries"].as_array().unwrap();
                assert_eq!(given.first().and_then(|one| one.as_str()).unwrap_or(""), order);
                assert_eq!(done.returned["restart_required"], context == "postmaster");
                assert_eq!(done.returned["value"], json!({"value": 4_194_304, "unit": "b"}));
            }
        }
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        for (context, args, words) in [
            ("user", json!({"name": "work_mem"}), "at least one of value or reset"),
            (
                "user",
                json!({"name": "work_mem", "value": "1", "reset": true}),
                "mutually exclusive",
            ),
            ("user", json!({"name": "nosuch", "value": "1"}), "No such parameter: nosuch"),
            ("internal", json!({"name": "work_mem", "value": "1"}), "internal context"),
            (
                "user",
                json!({"name": "shared_preload_libraries", "value": ""}),
                "would not start with",
            ),
            (
                "user",
                json!({"name": "work_mem", "value": "1; DROP", "trust_input": false}),
                "potentially dangerous",
            ),
        ] {
            let done = run("postgresql_set", &args, "", "", Mode::default(), &mut host(context));
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
