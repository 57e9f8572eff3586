//! What the modules of RabbitMQ share: `rabbitmqctl` on the host.

pub mod limits;
pub mod parameter;
pub mod plugin;
pub mod policy;
pub mod user;
pub mod vhost;

use module::{Arguments, Failure, Host, Program};
use protocol::{Json, JsonMap};

use crate::tool;

/// How the management API is reached.
#[derive(Debug, Default, Arguments)]
pub struct Api {
    /// Who logs in to the API.
    #[argument(no_log)]
    login_user: Option<String>,
    /// The password to it.
    #[argument(no_log)]
    login_password: Option<String>,
    /// The host of the API; `rabbitmqctl` is used where it is left out.
    login_host: Option<String>,
    /// The port of the API.
    #[argument(default = "15672")]
    login_port: String,
    /// The protocol of the API.
    #[argument(default = "http", choices("http", "https"))]
    login_protocol: String,
}

impl Api {
    /// Refuses to go another way than by `rabbitmqctl`; returns what is to be warned of.
    ///
    /// # Errors
    /// A host that is given.
    pub fn refuse(&self) -> Result<Vec<String>, Failure> {
        if let Some(host) = &self.login_host {
            return Err(Failure::new(format!(
                "login_host={host} is not implemented: the management API over {} at port {} is \
                 not spoken; without it, rabbitmqctl on the host is used",
                self.login_protocol, self.login_port
            )));
        }
        let is_idle = self.login_user.is_some() || self.login_password.is_some();
        let why = "login_user and login_password mean nothing without login_host";
        Ok(is_idle.then(|| why.to_owned()).into_iter().collect())
    }
}

/// `rabbitmqctl` for a node, which says nothing but what it was asked.
pub fn control(node: Option<&str>, words: &[&str]) -> Program {
    let mut program = Program::new("rabbitmqctl").arg("-q");
    if let Some(node) = node {
        program = program.args(["-n", node]);
    }
    program.args(words.to_vec())
}

/// Rows that `rabbitmqctl` lists, by the names of their columns.
///
/// # Errors
/// A node that does not answer, and a release before 3.7.6, which knows no JSON.
pub fn list(host: &dyn Host, node: Option<&str>, words: &[&str]) -> Result<Vec<JsonMap>, Failure> {
    let program = control(node, words).args(["--formatter", "json"]);
    let said = tool::ask(host, &program)?;
    let text = said.trim();
    // Nothing at all is how some releases list nothing.
    let rows = if text.is_empty() { Ok(Vec::new()) } else { serde_json::from_str(text) };
    rows.map_err(|why| {
        Failure::new(format!("{} gave what is no list in JSON: {why}", program.line()))
    })
}

/// A field of a row as text.
pub fn field(row: &JsonMap, name: &str) -> String {
    match row.get(name) {
        None | Some(Json::Null) => String::new(),
        Some(value) => protocol::python::text(value),
    }
}

#[cfg(test)]
pub mod fake {
    //! `rabbitmqctl` and `rabbitmq-plugins` in memory.

    use module::{
        Output,
        fake::{FakeHost, Files},
    };
    use protocol::Json;
    use serde_json::json;

    const PLACE: &str = "/run/rabbit";

    fn rows(files: &Files, kind: &str) -> Vec<Json> {
        let text = files.text(&format!("{PLACE}/{kind}")).unwrap_or_else(|| "[]".into());
        serde_json::from_str(&text).unwrap()
    }

    fn keep(files: &mut Files, kind: &str, rows: &[Json]) {
        files.put(&format!("{PLACE}/{kind}"), serde_json::to_string(rows).unwrap());
    }

    /// Puts a row in the place of the one that has the same values under the keys.
    fn set(files: &mut Files, kind: &str, keys: &[&str], row: &Json, adds: bool) {
        let mut all = rows(files, kind);
        all.retain(|one| keys.iter().any(|key| one[key] != row[key]));
        all.extend(adds.then(|| row.clone()));
        keep(files, kind, &all);
    }

    /// Both programs.
    pub fn put(host: &mut FakeHost) {
        host.put_dirs(PLACE);
        host.program("rabbitmqctl", |files: &mut Files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let words = match words.as_slice() {
                ["-q", "-n", _, rest @ ..] | ["-q", rest @ ..] => rest,
                _ => return Output::failure(64, "usage"),
            };
            let name = |at: usize| words.get(at).copied().unwrap_or_default().to_owned();
            let one = |key: &str, value: String| json!({key: value});
            match words {
                [verb, .., "--formatter", "json"] if verb.starts_with("list_") => {
                    let mut all = rows(files, verb.trim_start_matches("list_"));
                    if let ["list_user_permissions" | "list_user_topic_permissions", user, ..] =
                        words
                    {
                        all.retain(|row| row["user"] == *user);
                    }
                    if let [_, "-p", vhost, ..] = words {
                        all.retain(|row| row["vhost"] == *vhost);
                    }
                    return Output::success(Json::Array(all).to_string());
                }
                ["add_user", user] => {
                    files.put(&format!("{PLACE}/password"), program.stdin.clone().unwrap());
                    set(files, "users", &["user"], &json!({"user": user, "tags": []}), true);
                }
                ["authenticate_user", _] => {
                    let known = files.text(&format!("{PLACE}/password")).unwrap_or_default();
                    let given = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
                    if known != given {
                        return Output::failure(65, "Error: failed to authenticate");
                    }
                }
                ["change_password", _] => {
                    files.put(&format!("{PLACE}/password"), program.stdin.clone().unwrap());
                }
                ["delete_user", user] => {
                    set(files, "users", &["user"], &one("user", (*user).into()), false);
                }
                ["set_user_tags", user, tags @ ..] => {
                    set(files, "users", &["user"], &json!({"user": user, "tags": tags}), true);
                }
                ["set_permissions", "-p", vhost, user, configure, write, read] => {
                    let row = json!({"user": user, "vhost": vhost, "configure": configure, "write": write, "read": read});
                    set(files, "user_permissions", &["user", "vhost"], &row, true);
                }
                ["clear_permissions", "-p", vhost, user] => {
                    let row = json!({"user": user, "vhost": vhost});
                    set(files, "user_permissions", &["user", "vhost"], &row, false);
                }
                ["set_topic_permissions", "-p", vhost, user, exchange, write, read] => {
                    let row = json!({"user": user, "vhost": vhost, "exchange": exchange, "write": write, "read": read});
                    let keys = ["user", "vhost", "exchange"];
                    set(files, "user_topic_permissions", &keys, &row, true);
                }
                ["clear_topic_permissions", "-p", vhost, user, exchange] => {
                    let row = json!({"user": user, "vhost": vhost, "exchange": exchange});
                    let keys = ["user", "vhost", "exchange"];
                    set(files, "user_topic_permissions", &keys, &row, false);
                }
                ["add_vhost" | "trace_off", ..] => {
                    let vhost = words.last().unwrap();
                    set(files, "vhosts", &["name"], &json!({"name": vhost, "tracing": false}), true);
                }
                ["trace_on", "-p", vhost] => {
                    set(files, "vhosts", &["name"], &json!({"name": vhost, "tracing": true}), true);
                }
                ["delete_vhost", vhost] => {
                    set(files, "vhosts", &["name"], &one("name", (*vhost).into()), false);
                }
                ["set_policy", "-p", vhost, policy, pattern, definition, "--priority", priority, "--apply-to", kind] => {
                    let row = json!({"vhost": vhost, "name": policy, "pattern": pattern, "apply-to": kind, "definition": definition, "priority": priority.parse::<u32>().unwrap()});
                    set(files, "policies", &["vhost", "name"], &row, true);
                }
                ["clear_policy", "-p", vhost, policy] => {
                    let row = json!({"vhost": vhost, "name": policy});
                    set(files, "policies", &["vhost", "name"], &row, false);
                }
                ["set_parameter", "-p", vhost, component, _, value] => {
                    let row = json!({"vhost": vhost, "component": component, "name": name(4), "value": value});
                    set(files, "parameters", &["vhost", "component", "name"], &row, true);
                }
                ["clear_parameter", "-p", vhost, component, _] => {
                    let row = json!({"vhost": vhost, "component": component, "name": name(4)});
                    set(files, "parameters", &["vhost", "component", "name"], &row, false);
                }
                ["set_global_parameter", _, value] => {
                    let row = json!({"name": name(1), "value": value});
                    set(files, "global_parameters", &["name"], &row, true);
                }
                ["clear_global_parameter", _] => {
                    set(files, "global_parameters", &["name"], &one("name", name(1)), false);
                }
                ["set_vhost_limits", "-p", vhost, limits] => {
                    let row = json!({"vhost": vhost, "limits": serde_json::from_str::<Json>(limits).unwrap()});
                    set(files, "vhost_limits", &["vhost"], &row, true);
                }
                ["clear_vhost_limits", "-p", vhost] => {
                    set(files, "vhost_limits", &["vhost"], &one("vhost", (*vhost).into()), false);
                }
                other => return Output::failure(64, format!("{other:?}")),
            }
            Output::success("")
        });
        host.program("rabbitmq-plugins", |files: &mut Files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let path = format!("{PLACE}/plugins");
            let text = files.text(&path).unwrap_or_default();
            match words.as_slice() {
                ["list", "-E", "-m"] => return Output::success(text),
                ["enable", _, name] => files.put(&path, format!("{text}{name}\n")),
                ["disable", _, name] => files.put(&path, text.replace(&format!("{name}\n"), "")),
                other => return Output::failure(64, format!("{other:?}")),
            }
            Output::success("")
        });
    }
}
