//! The `mysql_variables` module of the collection `community.mysql`.

use module::{Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::JsonMap;
use serde::Serialize;

use super::{Login, Server, identifier, literal};

/// Keeps a variable of a server of MySQL or MariaDB, or reads it.
#[derive(Debug, Arguments)]
pub struct MysqlVariables {
    /// The variable.
    variable: String,
    /// Its value; where it is left out, the variable is read and returned as `msg`.
    value: Option<String>,
    /// Whether it holds until the server stops (`global`), for ever (`persist`), or from the next
    /// start on (`persist_only`); the latter two are MySQL's alone.
    #[argument(default = "global")]
    mode: Keeping,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Keeping {
    Global,
    Persist,
    PersistOnly,
}

/// The variable's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    value: String,
}

impl Documented for MysqlVariables {
    const NAME: &'static str = "community.mysql.mysql_variables";
    const ALIASES: &'static [&'static str] = &["mysql_variables"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "What it is", args: r#"{"variable": "max_connections"}"# },
        Example {
            title: "More connections",
            args: r#"{"variable": "max_connections", "value": "300"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "queries",
        "Orders that were given.",
        "if executed",
        r#"["SET GLOBAL `max_connections` = 300"]"#,
    )];
}

/// Whether the server means the same by both.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| match text.to_uppercase().as_str() {
        "ON" | "TRUE" | "YES" => "1".to_owned(),
        "OFF" | "FALSE" | "NO" => "0".to_owned(),
        _ => text.to_owned(),
    };
    let (one, other) = (plain(one), plain(other));
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

impl MysqlVariables {
    fn read(&self, host: &dyn Host) -> Result<String, Failure> {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
        if self.variable.is_empty() || !self.variable.chars().all(is_name) {
            return Err(Failure::new(format!("invalid variable name \"{}\"", self.variable)));
        }
        let name = literal(&self.variable);
        if self.mode != Keeping::Global {
            let query = format!(
                "SELECT VARIABLE_VALUE FROM performance_schema.persisted_variables \
                 WHERE VARIABLE_NAME = {name}"
            );
            let rows = self.login.rows(host, &query)?;
            // What was never kept is as it runs.
            if let Some(value) = rows.into_iter().next().and_then(|row| row.into_iter().next()) {
                return Ok(value);
            }
            if self.mode == Keeping::PersistOnly {
                return Ok(String::new());
            }
        }
        let rows = self
            .login
            .rows(host, &format!("SHOW GLOBAL VARIABLES WHERE Variable_name = {name}"))?;
        rows.into_iter()
            .next()
            .and_then(|row| row.into_iter().nth(1))
            .ok_or_else(|| Failure::new(format!("Variable not available \"{}\"", self.variable)))
    }

    fn order(&self) -> String {
        let value = self.value.as_deref().unwrap_or_default();
        let is_number =
            value.parse::<i64>().is_ok() || value.parse::<f64>().is_ok_and(f64::is_finite);
        let is_word = matches!(
            value.to_uppercase().as_str(),
            "ON" | "OFF" | "TRUE" | "FALSE" | "DEFAULT" | "NULL"
        );
        let shown = if is_number || is_word { value.to_owned() } else { literal(value) };
        let mode = self.mode.as_str().to_uppercase();
        let name: Vec<String> = self.variable.split('.').map(identifier).collect();
        format!("SET {mode} {} = {shown}", name.join("."))
    }
}

impl Module for MysqlVariables {
    type State = Value;

    fn check(&self, host: &dyn Host) -> Result<Delta<Value>, Failure> {
        let actual = Value { value: self.read(host)? };
        let desired = match &self.value {
            Some(value) if !is_same(value, &actual.value) => Value { value: value.clone() },
            _ => actual.clone(),
        };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Value>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.login.run(host, &[self.order()])?;
        let msg = format!("Variable change succeeded prev_value={}", delta.actual.value);
        Ok(JsonMap::from_iter([("msg".to_owned(), msg.into())]))
    }

    fn returned(&self, delta: &Delta<Value>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let msg = match &self.value {
            None => delta.actual.value.clone(),
            Some(_) if delta.is_settled() => "Variable is already set to requested value.".into(),
            Some(_) => format!("Variable would change from {}", delta.actual.value),
        };
        let queries = if delta.is_settled() { Vec::new() } else { vec![self.order()] };
        Ok(JsonMap::from_iter([
            ("msg".to_owned(), msg.into()),
            ("queries".to_owned(), queries.into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn variables_are_kept() {
        let mut host = FakeHost::default();
        host.put("/max", "151");
        host.program("mysql", |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            if let Some((_, value)) =
                text.split_once(" = ").filter(|(head, _)| head.contains("SET GLOBAL"))
            {
                files.put("/max", value.trim().trim_end_matches(';').trim_matches('\''));
                return Output::success("");
            }
            match text.contains("'max'") {
                true => Output::success(format!("max\t{}\n", files.text("/max").unwrap())),
                false => Output::success(""),
            }
        });
        for (args, changed, msg) in [
            (json!({}), false, "151"),
            (json!({"value": "151"}), false, "Variable is already set to requested value."),
            (json!({"value": "300"}), true, "Variable change succeeded prev_value=151"),
            (json!({"value": "300.0"}), false, "Variable is already set to requested value."),
            (json!({"value": "OFF"}), true, "Variable change succeeded prev_value=300"),
            (json!({"value": "0"}), false, "Variable is already set to requested value."),
        ] {
            let said = run("mysql_variables", &args, "variable", "max", Mode::default(), &mut host);
            assert_eq!(
                (said.failed, said.changed, said.msg.as_deref()),
                (false, changed, Some(msg))
            );
        }
        for (args, words) in [
            (json!({"variable": "none"}), "Variable not available \"none\""),
            (json!({"variable": "a; DROP"}), "invalid variable name"),
            (json!({}), "missing required arguments: variable"),
        ] {
            let response = run("mysql_variables", &args, "", "", Mode::default(), &mut host);
            assert!(response.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
