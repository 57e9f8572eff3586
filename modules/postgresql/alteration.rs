//! The `postgresql_alter_system` module of the collection `community.postgresql`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Diff, Json, JsonMap, Response, diff::Side, python, spec::Support};
use serde_json::json;

use super::{Login, identifier, literal, setting::LISTS, text};

/// Keeps a setting of the server by `ALTER SYSTEM`, compared by what it means.
#[derive(Debug, Arguments)]
pub struct PostgresqlAlterSystem {
    /// The setting.
    param: String,
    /// Its value, with its unit; `_RESET` takes away what was kept, and is always a change.
    value: String,
    /// The database that is logged in to.
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

/// The value that takes away what was kept.
const RESET: &str = "_RESET";

/// What does not change of a setting.
const ATTRIBUTES: [&str; 7] =
    ["context", "boot_val", "enumvals", "unit", "vartype", "min_val", "max_val"];

impl Documented for PostgresqlAlterSystem {
    const NAME: &'static str = "community.postgresql.postgresql_alter_system";
    const ALIASES: &'static [&'static str] = &["postgresql_alter_system"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "A value", args: r#"{"param": "work_mem", "value": "128MB"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "attrs",
            "What does not change of it.",
            "success",
            r#"{"context": "user", "unit": "kB", "vartype": "integer", "boot_val": 4096}"#,
        ),
        Returned::new(
            "diff",
            "Its value before and after.",
            "success",
            r#"{"before": {"setting": 4096, "pending_restart": false}, "after": {"setting": 8192, "pending_restart": false}}"#,
        ),
        Returned::new(
            "executed_queries",
            "Orders that were given.",
            "success",
            r#"["ALTER SYSTEM SET work_mem = '128MB'", "SELECT pg_reload_conf()"]"#,
        ),
        Returned::new("restart_required", "Whether a restart is needed.", "success", "false"),
    ];
    const DIFF_MODE: Support = Support::Full;
}

/// A value with its unit taken off, and that unit or the setting's own.
fn split(value: &str, unit: &str) -> (String, String) {
    let number = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    match value.get(number.len()..).filter(|tail| !tail.is_empty() && !number.is_empty()) {
        Some(tail) => (number.trim().to_owned(), tail.to_owned()),
        None => (value.to_owned(), unit.to_owned()),
    }
}

fn whole(value: &str) -> Result<i64, Failure> {
    let number = value.trim().parse();
    number.map_err(|_| Failure::new(format!("Value {value} cannot be converted to int")))
}

/// A number that says a float, where it is no whole one.
fn float(value: &str) -> Option<f64> {
    let number = value.parse::<f64>().ok()?;
    (value.contains('.') && number.fract() != 0.0).then_some(number)
}

/// Numbers of settings as numbers.
fn number(value: &Json) -> Json {
    let text = python::text(value);
    float(&text)
        .map(Json::from)
        .or(text.parse::<i64>().ok().map(Json::from))
        .unwrap_or(value.clone())
}

impl PostgresqlAlterSystem {
    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn read(&self, host: &dyn Host) -> Result<JsonMap, Failure> {
        let query = format!(
            "SELECT setting, unit, context, vartype, enumvals, boot_val, min_val, max_val, \
             pending_restart, (SELECT f.setting FROM pg_catalog.pg_file_settings f WHERE f.name = \
             s.name AND f.sourcefile LIKE '%postgresql.auto.conf' ORDER BY f.seqno DESC LIMIT 1) \
             AS kept FROM pg_catalog.pg_settings s WHERE name = {}",
            literal(&self.param)
        );
        let row = self.login.rows(host, self.database(), &query)?.into_iter().next();
        let row =
            row.ok_or_else(|| Failure::new(format!("Parameter {} does not exist", self.param)))?;
        match text(&row, "context").as_str() {
            "internal" => {
                Err(Failure::new(format!("{} cannot be changed (internal context)", self.param)))
            }
            _ => Ok(row),
        }
    }

    /// A value as it compares.
    fn meaning(&self, value: &str, row: &JsonMap) -> Result<Json, Failure> {
        let (unit, kind) = (text(row, "unit"), text(row, "vartype"));
        if value == "-1" {
            return Ok((-1).into());
        }
        let refused = |value: &str, units: &str| {
            Failure::new(format!(
                "invalid value for parameter \"{}\": \"{value}\", valid units for this parameter are {units}",
                self.param
            ))
        };
        Ok(match (unit.as_str(), kind.as_str()) {
            ("min" | "s" | "ms", _) => {
                let (count, unit) = split(value, &unit);
                let micros: i64 = match unit.as_str() {
                    "us" => 1,
                    "ms" => 1_000,
                    "s" => 1_000_000,
                    "min" => 60_000_000,
                    "h" => 3_600_000_000,
                    "d" => 86_400_000_000,
                    _ => return Err(refused(value, "us, ms, s, min, h, d")),
                };
                match count.parse::<f64>() {
                    // A share of a unit is taken by the server as well.
                    Ok(count) if count.fract() != 0.0 => ((count * micros as f64) as i64).into(),
                    _ => whole(&count)?.saturating_mul(micros).into(),
                }
            }
            ("B" | "kB" | "8kB" | "MB", "integer") => {
                let (count, unit) = split(value, &unit);
                let bytes: i64 = match unit.as_str() {
                    "B" => 1,
                    "kB" => 1 << 10,
                    "8kB" => 8 << 10,
                    "MB" => 1 << 20,
                    "GB" => 1 << 30,
                    "TB" => 1 << 40,
                    _ => return Err(refused(value, "B, kB, MB, GB, TB")),
                };
                whole(&count)?.saturating_mul(bytes).into()
            }
            (_, "integer") => whole(value)?.into(),
            (_, "real") => {
                let (count, _) = split(value, "");
                match float(&count) {
                    Some(number) => number.into(),
                    None => whole(count.trim_end_matches(".0"))?.into(),
                }
            }
            (_, "bool" | "enum") => match value {
                "True" => "on".into(),
                "False" => "off".into(),
                other => other.into(),
            },
            _ if LISTS.contains(&self.param.as_str()) => {
                let names = value.split(',').map(|name| name.trim_matches(['"', ' ']));
                names.collect::<Vec<_>>().join(", ").into()
            }
            _ => value.into(),
        })
    }

    fn order(&self) -> String {
        let is_plain =
            |letter: char| letter.is_ascii_lowercase() || "_0123456789.".contains(letter);
        let name = match self.param.chars().all(is_plain) {
            true => self.param.clone(),
            false => self.param.split('.').map(identifier).collect::<Vec<_>>().join("."),
        };
        if self.value == RESET {
            return format!("ALTER SYSTEM RESET {name}");
        }
        let is_list = self.value.contains(',')
            && !["_command", "_prefix"].iter().any(|end| self.param.ends_with(end));
        let value = match is_list {
            true => {
                let each = self.value.split(',').map(str::trim);
                let each = each.map(|one| match one.starts_with('"') {
                    true => one.to_owned(),
                    false => literal(one),
                });
                each.collect::<Vec<_>>().join(",")
            }
            false => literal(&self.value),
        };
        format!("ALTER SYSTEM SET {name} = {value}")
    }

    /// What is to be ordered; nothing where the setting means what it should.
    fn orders(&self, row: &JsonMap) -> Result<Vec<String>, Failure> {
        if self.value != RESET {
            let wanted = self.meaning(&self.value, row)?;
            // What waits for a restart is set already.
            let kept = row.get("kept").filter(|kept| !kept.is_null()).map(python::text);
            let waits = kept.filter(|_| row.get("pending_restart") == Some(&Json::Bool(true)));
            let now = waits.unwrap_or_else(|| text(row, "setting"));
            if self.meaning(&now, row).is_ok_and(|now| now == wanted) {
                return Ok(Vec::new());
            }
        }
        Ok(vec![self.order(), "SELECT pg_reload_conf()".to_owned()])
    }

    fn look(&self, host: &dyn Host) -> Result<(JsonMap, Vec<String>), Failure> {
        self.login.refuse_orders([self.param.as_str(), &self.value])?;
        if self.param == "shared_preload_libraries" && self.value.is_empty() {
            return Err(Failure::new(
                "shared_preload_libraries cannot be set to an empty text, which the server would \
                 not start with; use `value: _RESET` instead",
            ));
        }
        let row = self.read(host)?;
        let orders = self.orders(&row)?;
        Ok((row, orders))
    }
}

fn answer(before: &JsonMap, after: &JsonMap, orders: Vec<String>) -> Response {
    let is_number = ["integer", "real"].contains(&text(before, "vartype").as_str());
    let field = |row: &JsonMap, name: &str| {
        let value = row.get(name).cloned().unwrap_or_default();
        let is_value = ["setting", "boot_val", "min_val", "max_val"].contains(&name);
        if is_number && is_value { number(&value) } else { value }
    };
    let side = |row: &JsonMap| {
        Side::State(json!({
            "setting": field(row, "setting"),
            "pending_restart": field(row, "pending_restart"),
        }))
    };
    let attributes = ATTRIBUTES.map(|name| (name.to_owned(), field(before, name)));
    let mut response = Response { changed: !orders.is_empty(), ..Response::default() };
    response.diff = vec![Diff { before: side(before), after: side(after), ..Diff::default() }];
    response.returned = JsonMap::from_iter([
        ("attrs".to_owned(), Json::Object(attributes.into_iter().collect())),
        ("executed_queries".to_owned(), orders.into()),
        ("restart_required".to_owned(), field(after, "pending_restart")),
    ]);
    response
}

impl Action for PostgresqlAlterSystem {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let (row, orders) = self.look(host)?;
        Ok(match orders.is_empty() {
            true => Guard::Stay(Box::new(answer(&row, &row, orders))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let (row, orders) = self.look(host)?;
        Ok(answer(&row, &row, orders))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let (before, orders) = self.look(host)?;
        let script: String = orders.iter().map(|order| format!("{order};\n")).collect();
        self.login.run(host, self.database(), &script)?;
        let after = self.read(host)?;
        Ok(answer(&before, &after, orders))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::postgresql::keeping::tests::{ask, refused};

    const NAME: &str = "postgresql_alter_system";

    fn row(kind: &str, unit: &str, setting: &str) -> Value {
        json!({
            "vartype": kind, "unit": unit, "setting": setting, "context": "user", "boot_val": "4",
            "pending_restart": false, "min_val": "0.5", "max_val": null,
        })
    }

    #[test]
    fn settings_are_compared_by_what_they_mean() {
        let waits = json!({
            "vartype": "integer", "unit": "", "setting": "1", "context": "postmaster",
            "pending_restart": true, "kept": "2",
        });
        for (param, value, row, order) in [
            ("work_mem", "4MB", row("integer", "kB", "4096"), ""),
            ("work_mem", "8MB", row("integer", "kB", "4096"), "= '8MB'"),
            ("shared_buffers", "128MB", row("integer", "8kB", "16384"), ""),
            ("timeout", "1min", row("integer", "ms", "60000"), ""),
            ("timeout", "1h", row("integer", "s", "60"), "= '1h'"),
            ("limit", "-1", row("integer", "ms", "-1"), ""),
            ("cost", "4.0", row("real", "", "4"), ""),
            ("cost", "1.5", row("real", "", "4"), "= '1.5'"),
            ("fsync", "True", row("bool", "", "on"), ""),
            ("search_path", "\"a\",b", row("string", "", "a, b"), ""),
            ("search_path", "x, \"y\"", row("string", "", "a, b"), "= 'x',\"y\""),
            ("archive_command", "a, b", row("string", "", ""), "= 'a, b'"),
            ("slots", "2", waits, ""),
            ("work_mem", "_RESET", row("integer", "kB", "4096"), "RESET"),
        ] {
            for check in [true, false] {
                let args = json!({"param": param, "value": value});
                let response = ask(NAME, &args, check, Some(&row));
                assert!(!response.failed, "{response:?}");
                assert_eq!(response.changed, !order.is_empty(), "{args}");
                let orders = response.returned["executed_queries"].to_string().replace('\\', "");
                assert!(orders.contains(order), "{orders}");
            }
        }
    }

    #[test]
    fn a_setting_is_told() {
        let row = row("integer", "kB", "4096");
        let response = ask(NAME, &json!({"param": "work_mem", "value": "4MB"}), false, Some(&row));
        assert_eq!(response.returned["attrs"]["boot_val"], 4);
        assert_eq!(response.returned["attrs"]["min_val"], 0.5);
        assert_eq!(response.returned["attrs"]["max_val"], Value::Null);
        assert_eq!(response.diff[0].to_json()["before"]["setting"], 4096);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        refused(
            NAME,
            Some(row("integer", "kB", "1")),
            &[
                (json!({"param": "work_mem", "value": "4 apples"}), "valid units"),
                (json!({"param": "work_mem", "value": "many"}), "cannot be converted to int"),
                (json!({"param": "shared_preload_libraries", "value": ""}), "empty text"),
                (json!({"param": "work_mem"}), "missing required arguments: value"),
            ],
        );
        let args = json!({"param": "nosuch", "value": "1"});
        refused(NAME, None, &[(args, "Parameter nosuch does not exist")]);
    }
}
