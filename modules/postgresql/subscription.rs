//! The `postgresql_subscription` module of the collection `community.postgresql`.

use std::collections::BTreeSet;

use module::{Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, python};

use super::{
    Login, identifier,
    keeping::{Change, Keeping, Orders},
    literal, text,
};

/// Keeps what a database takes from another's publications.
#[derive(Debug, Arguments)]
pub struct PostgresqlSubscription {
    /// The subscription.
    name: String,
    /// The database.
    #[argument(aliases("db"))]
    login_db: String,
    /// Whether it is there; `refresh` looks anew which tables the publications have.
    #[argument(default = "present")]
    state: State,
    /// The publications.
    publications: Option<Vec<String>>,
    /// How the other server is reached: `{"host": "db1", "dbname": "app"}`.
    connparams: Option<JsonMap>,
    /// Whether what stands on it goes with it.
    #[argument(default = false)]
    cascade: bool,
    /// Whose it is.
    owner: Option<String>,
    /// Its parameters; of one that is there `enabled`, `synchronous_commit` and `slot_name` are
    /// kept.
    subsparams: Option<JsonMap>,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Refresh,
}

impl Documented for PostgresqlSubscription {
    const NAME: &'static str = "community.postgresql.postgresql_subscription";
    const ALIASES: &'static [&'static str] = &["postgresql_subscription"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "All of another server's",
            args: r#"{"db": "app", "name": "mirror", "publications": "all_of_it", "connparams": {"host": "db1", "dbname": "app"}}"#,
        },
        Example { title: "None", args: r#"{"db": "app", "name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The subscription.", "success", r#""mirror""#),
        Returned::new("exists", "Whether it is there.", "success", "true"),
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["DROP SUBSCRIPTION \"mirror\""]"#,
        ),
        Returned::new("initial_state", "How it was.", "success", "{}"),
        Returned::new(
            "final_state",
            "How it is; `synccommit` says whether it is enabled, as that of Ansible's module does.",
            "success",
            r#"{"owner": "postgres", "enabled": true, "conninfo": {"host": "db1"}}"#,
        ),
    ];
}

/// A way to another server as one text.
fn connection(params: &JsonMap) -> String {
    let pair = |(name, value): (&String, &Json)| {
        let value = python::text(value);
        let is_plain = !value.is_empty()
            && !value.contains(|letter: char| letter.is_whitespace() || "'\\".contains(letter));
        match is_plain {
            true => format!("{name}={value}"),
            false => format!("{name}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'")),
        }
    };
    params.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// Numbers are numbers, be they written as texts or not.
fn number_or_text(value: &str) -> Json {
    value.parse::<i64>().map_or_else(|_| value.into(), Json::from)
}

/// The parts of a way to another server.
fn connection_parts(info: &str) -> JsonMap {
    let mut parts = JsonMap::new();
    let mut letters = info.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        let mut name = String::new();
        while let Some(letter) = letters.next_if(|letter| *letter != '=') {
            name.push(letter);
        }
        if letters.next().is_none() {
            return parts;
        }
        let is_quoted = letters.next_if(|letter| *letter == '\'').is_some();
        let mut value = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => value.extend(letters.next()),
                '\'' if is_quoted => break,
                letter if !is_quoted && letter.is_whitespace() => break,
                letter => value.push(letter),
            }
        }
        parts.insert(name.trim().to_owned(), number_or_text(&value));
    }
}

/// A parameter's value as orders take it.
fn parameter(value: &Json) -> String {
    match value {
        Json::Bool(flag) => flag.to_string(),
        other => match python::text(other) {
            none if none.eq_ignore_ascii_case("none") => "NONE".to_owned(),
            text => literal(&text),
        },
    }
}

/// What a flag's text says, as the server reads it.
fn flag(value: &Json) -> Option<bool> {
    match python::text(value).to_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// The state of a subscription as playbooks see it.
fn shown(row: Option<&JsonMap>) -> JsonMap {
    let field = |name: &str| row.and_then(|row| row.get(name)).cloned().unwrap_or_default();
    let info = row.map(|row| connection_parts(&text(row, "subconninfo"))).unwrap_or_default();
    JsonMap::from_iter([
        ("owner".to_owned(), field("owner")),
        ("enabled".to_owned(), field("subenabled")),
        ("synccommit".to_owned(), field("subenabled")),
        ("conninfo".to_owned(), info.into()),
        ("slotname".to_owned(), field("subslotname")),
        (
            "publications".to_owned(),
            row.map_or_else(|| Json::Array(Vec::new()), |_| field("subpublications")),
        ),
        ("comment".to_owned(), field("comment")),
    ])
}

impl PostgresqlSubscription {
    fn publications(&self) -> String {
        let all = self.publications.iter().flatten().map(|one| identifier(one));
        all.collect::<Vec<_>>().join(", ")
    }

    fn creation(&self, name: &str) -> Result<String, Failure> {
        let (Some(params), false) = (&self.connparams, self.publications().is_empty()) else {
            return Err(Failure::new(
                "a new subscription needs connparams and publications to be specified",
            ));
        };
        let pairs = self.subsparams.iter().flatten();
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{name} = {}", parameter(value))).collect();
        let with =
            if pairs.is_empty() { String::new() } else { format!(" WITH ({})", pairs.join(", ")) };
        Ok(format!(
            "CREATE SUBSCRIPTION {name} CONNECTION {} PUBLICATION {}{with}",
            literal(&connection(params)),
            self.publications()
        ))
    }

    /// Adds the orders for one that is there.
    fn update(&self, name: &str, row: &JsonMap, orders: &mut Orders) {
        let now = connection_parts(&text(row, "subconninfo"));
        if let Some(params) = self.connparams.as_ref().filter(|params| !params.is_empty()) {
            let plain = |(name, value): (&String, &Json)| {
                (name.clone(), number_or_text(&python::text(value)))
            };
            if now.is_empty() {
                orders.warnings.push(
                    "'connparams' is ignored: the server does not show those that are there".into(),
                );
            } else if params.iter().map(plain).collect::<JsonMap>() != now {
                let way = literal(&connection(params));
                orders.texts.push(format!("ALTER SUBSCRIPTION {name} CONNECTION {way}"));
            }
        }
        let there = row.get("subpublications").and_then(Json::as_array).into_iter().flatten();
        let there: BTreeSet<String> = there.map(python::text).collect();
        let wanted: BTreeSet<String> = self.publications.iter().flatten().cloned().collect();
        if !wanted.is_empty() && wanted != there {
            let all = self.publications();
            orders.texts.push(format!("ALTER SUBSCRIPTION {name} SET PUBLICATION {all}"));
        }
        let mut set = Vec::new();
        for (key, value) in self.subsparams.iter().flatten() {
            match key.as_str() {
                "enabled" => {
                    let is_enabled = row.get("subenabled").and_then(Json::as_bool);
                    if let Some(wanted) = flag(value).filter(|one| Some(*one) != is_enabled) {
                        let verb = if wanted { "ENABLE" } else { "DISABLE" };
                        orders.texts.push(format!("ALTER SUBSCRIPTION {name} {verb}"));
                    }
                }
                "synchronous_commit" => {
                    let now = row.get("subsynccommit").cloned().unwrap_or_default();
                    let is_same = match (flag(value), flag(&now)) {
                        (Some(wanted), Some(now)) => wanted == now,
                        _ => python::text(value) == python::text(&now),
                    };
                    if !is_same {
                        set.push(format!("{key} = {}", parameter(value)));
                    }
                }
                "slot_name" => {
                    let now = text(row, "subslotname");
                    let now = if now.is_empty() { "NONE".to_owned() } else { literal(&now) };
                    if parameter(value) != now {
                        set.push(format!("{key} = {}", parameter(value)));
                    }
                }
                _ => orders.warnings.push(format!(
                    "Parameter '{key}' is not in params supported for update, ignored"
                )),
            }
        }
        if !set.is_empty() {
            orders.texts.push(format!("ALTER SUBSCRIPTION {name} SET ({})", set.join(", ")));
        }
    }

    /// What only one that should be there can have.
    fn ignored(&self) -> Vec<String> {
        let given = [
            ("owner", self.owner.is_some()),
            ("publications", self.publications.is_some()),
            ("connparams", self.connparams.is_some()),
            ("subsparams", self.subsparams.is_some()),
            ("comment", self.comment.is_some()),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given
            .map(|(name, _)| format!("parameter '{name}' is ignored when state is not 'present'"))
            .collect()
    }
}

impl Keeping for PostgresqlSubscription {
    fn login(&self) -> &Login {
        &self.login
    }

    fn database(&self) -> &str {
        &self.login_db
    }

    fn query(&self) -> String {
        format!(
            "SELECT s.subenabled, s.subconninfo, s.subslotname, s.subsynccommit, \
             s.subpublications, pg_get_userbyid(s.subowner) AS owner, \
             coalesce(obj_description(s.oid, 'pg_subscription'), '') AS comment FROM \
             pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
             WHERE s.subname = {} AND d.datname = current_database()",
            literal(&self.name)
        )
    }

    fn orders(&self, found: Option<&JsonMap>, _: &dyn Host) -> Result<Orders, Failure> {
        let pairs = self.subsparams.iter().flatten();
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{name} = {}", parameter(value))).collect();
        let way = self.connparams.as_ref().map(connection);
        let texts = [&self.owner, &self.comment, &way].into_iter().flatten().chain([&self.name]);
        let texts = texts.chain(self.publications.iter().flatten()).chain(&pairs);
        self.login.refuse_orders(texts.map(String::as_str))?;
        let name = identifier(&self.name);
        // The other server's part of it belongs to no transaction.
        let mut orders = Orders::apart([]);
        match self.state {
            State::Absent => {
                orders.warnings = self.ignored();
                let cascade = if self.cascade { " CASCADE" } else { "" };
                orders.texts.extend(found.map(|_| format!("DROP SUBSCRIPTION {name}{cascade}")));
                return Ok(orders);
            }
            State::Refresh => {
                orders.warnings = self.ignored();
                if found.is_none() {
                    return Err(Failure::new(format!(
                        "Refresh failed: subscription '{}' does not exist",
                        self.name
                    )));
                }
                orders.texts.push(format!("ALTER SUBSCRIPTION {name} REFRESH PUBLICATION"));
                return Ok(orders);
            }
            State::Present => {}
        }
        if self.cascade {
            orders
                .warnings
                .push("parameter \"cascade\" is ignored when state is not absent".into());
        }
        match found {
            None => orders.texts.push(self.creation(&name)?),
            Some(row) => self.update(&name, row, &mut orders),
        }
        let now = |field: &str| found.map(|found| text(found, field)).unwrap_or_default();
        if let Some(owner) = self.owner.as_ref().filter(|owner| now("owner") != **owner) {
            orders.texts.push(format!("ALTER SUBSCRIPTION {name} OWNER TO {}", identifier(owner)));
        }
        if let Some(comment) = self.comment.as_ref().filter(|one| now("comment") != **one) {
            orders.texts.push(format!("COMMENT ON SUBSCRIPTION {name} IS {}", literal(comment)));
        }
        Ok(orders)
    }

    fn told(&self, change: &Change<'_>) -> JsonMap {
        let before = change.before.map(|row| shown(Some(row))).unwrap_or_default();
        JsonMap::from_iter([
            ("name".to_owned(), self.name.clone().into()),
            ("exists".to_owned(), change.after.is_some().into()),
            ("queries".to_owned(), change.orders.to_vec().into()),
            ("initial_state".to_owned(), before.into()),
            ("final_state".to_owned(), shown(change.after).into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{connection, connection_parts};
    use crate::postgresql::keeping::tests::{ask, orders, refused};

    #[test]
    fn ways_are_read_and_written() {
        let way = json!({"host": "db1", "port": 5433, "password": "it's \\ so", "options": ""});
        let way = way.as_object().unwrap();
        assert_eq!(&connection_parts(&connection(way)), way);
        assert_eq!(connection_parts("host=a  port=1").len(), 2);
    }

    #[test]
    fn subscriptions_are_kept() {
        let name = "postgresql_subscription";
        orders(
            name,
            None,
            &[
                (
                    json!({"name": "s", "db": "d", "publications": ["p", "q"], "connparams": {"host": "h", "port": 1}, "subsparams": {"connect": false, "slot_name": "NONE"}, "owner": "o"}),
                    &[
                        "CREATE SUBSCRIPTION \"s\" CONNECTION 'host=h port=1' PUBLICATION \"p\", \"q\" WITH (connect = false, slot_name = NONE)",
                        "ALTER SUBSCRIPTION \"s\" OWNER TO \"o\"",
                    ],
                ),
                (json!({"name": "s", "db": "d", "state": "absent"}), &[]),
            ],
        );
        let row = json!({
            "owner": "o", "subenabled": true, "subconninfo": "host=h port=1", "comment": "",
            "subslotname": "x", "subsynccommit": "off", "subpublications": ["p", "q"],
        });
        orders(
            name,
            Some(row.clone()),
            &[
                (
                    json!({"name": "s", "db": "d", "publications": "q,p", "connparams": {"host": "h", "port": "1"}, "subsparams": {"enabled": true, "synchronous_commit": false, "slot_name": "x"}}),
                    &[],
                ),
                (
                    json!({"name": "s", "db": "d", "publications": "p", "connparams": {"host": "i"}, "subsparams": {"enabled": false, "synchronous_commit": "local", "slot_name": "NONE"}, "comment": "c"}),
                    &[
                        "ALTER SUBSCRIPTION \"s\" CONNECTION 'host=i'",
                        "ALTER SUBSCRIPTION \"s\" SET PUBLICATION \"p\"",
                        "ALTER SUBSCRIPTION \"s\" DISABLE",
                        "ALTER SUBSCRIPTION \"s\" SET (synchronous_commit = 'local', slot_name = NONE)",
                        "COMMENT ON SUBSCRIPTION \"s\" IS 'c'",
                    ],
                ),
                (
                    json!({"name": "s", "db": "d", "state": "refresh"}),
                    &["ALTER SUBSCRIPTION \"s\" REFRESH PUBLICATION"],
                ),
                (
                    json!({"name": "s", "db": "d", "state": "absent", "cascade": true}),
                    &["DROP SUBSCRIPTION \"s\" CASCADE"],
                ),
            ],
        );
        let told = ask(name, &json!({"name": "s", "db": "d"}), false, Some(&row)).returned;
        assert_eq!(told["final_state"]["conninfo"], json!({"host": "h", "port": 1}));
        assert_eq!(told["initial_state"], told["final_state"]);
        refused(
            name,
            None,
            &[
                (json!({"name": "s", "db": "d"}), "needs connparams and publications"),
                (json!({"name": "s", "db": "d", "state": "refresh"}), "Refresh failed"),
                (json!({"name": "s"}), "missing required arguments: login_db"),
            ],
        );
    }
}
