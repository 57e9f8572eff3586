//! The `postgresql_owner` module of the collection `community.postgresql`.

use module::{Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::spec::Support;

use super::{Login, identifier, literal, server_words, text};
use crate::stepwise::{Steps, Stepwise};

/// Keeps whose a thing of a database is.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["obj_name", "reassign_owned_by"]),
    required_one_of(["obj_name", "reassign_owned_by"]),
    required_together(["obj_name", "obj_type"])
)]
pub struct PostgresqlOwner {
    /// The role whose it should be.
    new_owner: String,
    /// The thing, with its schema and a dot before it where it is not in the path of schemas.
    obj_name: Option<String>,
    /// What it is.
    #[argument(aliases("type"))]
    obj_type: Option<Kind>,
    /// Roles who lose all that is theirs.
    reassign_owned_by: Option<Vec<String>>,
    /// Whether a role of these that is not there is a failure, and not only a warning.
    #[argument(default = true)]
    fail_on_role: bool,
    /// The database.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Aggregate,
    Collation,
    Conversion,
    Database,
    Domain,
    EventTrigger,
    ForeignDataWrapper,
    ForeignTable,
    Function,
    Language,
    LargeObject,
    Matview,
    Procedure,
    Publication,
    Routine,
    Schema,
    Sequence,
    Server,
    Statistics,
    Table,
    Tablespace,
    TextSearchConfiguration,
    TextSearchDictionary,
    Type,
    View,
}

impl Documented for PostgresqlOwner {
    const NAME: &'static str = "community.postgresql.postgresql_owner";
    const ALIASES: &'static [&'static str] = &["postgresql_owner"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A table",
            args: r#"{"db": "app", "new_owner": "web", "obj_name": "orders", "obj_type": "table"}"#,
        },
        Example {
            title: "All that was another's",
            args: r#"{"db": "app", "new_owner": "web", "reassign_owned_by": ["bob"]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "queries",
        "Orders that were given.",
        "success",
        r#"["ALTER TABLE \"orders\" OWNER TO \"web\""]"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// Where the owners of things of a kind stand.
struct Catalog {
    table: &'static str,
    /// The column of the owner.
    owner: &'static str,
    /// The column of the name.
    name: &'static str,
    /// The column of the schema, where the thing is in one.
    schema: Option<&'static str>,
    /// What else must hold.
    more: &'static str,
}

impl Kind {
    fn catalog(self) -> Catalog {
        let plain =
            |table, owner, name, schema| Catalog { table, owner, name, schema, more: "true" };
        let class = |more| Catalog {
            more,
            ..plain("pg_class", "relowner", "relname", Some("relnamespace"))
        };
        match self {
            Self::Table => class("x.relkind IN ('r', 'p')"),
            Self::View => class("x.relkind = 'v'"),
            Self::Matview => class("x.relkind = 'm'"),
            Self::Sequence => class("x.relkind = 'S'"),
            Self::ForeignTable => class("x.relkind = 'f'"),
            Self::Aggregate | Self::Function | Self::Procedure | Self::Routine => {
                plain("pg_proc", "proowner", "proname", Some("pronamespace"))
            }
            Self::Domain | Self::Type => {
                plain("pg_type", "typowner", "typname", Some("typnamespace"))
            }
            Self::Collation => {
                plain("pg_collation", "collowner", "collname", Some("collnamespace"))
            }
            Self::Conversion => plain("pg_conversion", "conowner", "conname", Some("connamespace")),
            Self::Statistics => {
                plain("pg_statistic_ext", "stxowner", "stxname", Some("stxnamespace"))
            }
            Self::TextSearchConfiguration => {
                plain("pg_ts_config", "cfgowner", "cfgname", Some("cfgnamespace"))
            }
            Self::TextSearchDictionary => {
                plain("pg_ts_dict", "dictowner", "dictname", Some("dictnamespace"))
            }
            Self::Database => plain("pg_database", "datdba", "datname", None),
            Self::Schema => plain("pg_namespace", "nspowner", "nspname", None),
            Self::Tablespace => plain("pg_tablespace", "spcowner", "spcname", None),
            Self::Language => plain("pg_language", "lanowner", "lanname", None),
            Self::EventTrigger => plain("pg_event_trigger", "evtowner", "evtname", None),
            Self::ForeignDataWrapper => {
                plain("pg_foreign_data_wrapper", "fdwowner", "fdwname", None)
            }
            Self::Server => plain("pg_foreign_server", "srvowner", "srvname", None),
            Self::Publication => plain("pg_publication", "pubowner", "pubname", None),
            Self::LargeObject => plain("pg_largeobject_metadata", "lomowner", "oid::text", None),
        }
    }

    /// The words of an order.
    fn words(self) -> String {
        match self {
            Self::Matview => "MATERIALIZED VIEW".into(),
            other => other.as_str().to_uppercase().replace('_', " "),
        }
    }

    fn takes_arguments(self) -> bool {
        matches!(self, Self::Aggregate | Self::Function | Self::Procedure | Self::Routine)
    }
}

impl PostgresqlOwner {
    fn database(&self) -> &str {
        self.login_db.as_deref().unwrap_or_default()
    }

    fn known(&self, host: &dyn Host, role: &str) -> Result<bool, Failure> {
        let query =
            format!("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = {}", literal(role));
        Ok(!self.login.rows(host, self.database(), &query)?.is_empty())
    }

    /// The order that makes a thing the role's; `None` where it is.
    fn of_thing(&self, host: &dyn Host, name: &str, kind: Kind) -> Result<Option<String>, Failure> {
        let Catalog { table, owner, name: column, schema, more } = kind.catalog();
        // What is in brackets are kinds of arguments.
        let (bare, arguments) = match name.find('(').filter(|_| kind.takes_arguments()) {
            Some(at) => name.split_at(at),
            None => (name, ""),
        };
        let (place, bare) = match bare.split_once('.').filter(|_| schema.is_some()) {
            Some((place, bare)) => (Some(place), bare),
            None => (None, bare),
        };
        let join = match schema {
            Some(schema) => format!("JOIN pg_catalog.pg_namespace n ON n.oid = x.{schema}"),
            None => String::new(),
        };
        let within = match place {
            Some(place) => format!("AND n.nspname = {}", literal(place)),
            None => String::new(),
        };
        let query = format!(
            "SELECT r.rolname FROM pg_catalog.{table} x JOIN pg_catalog.pg_roles r \
             ON r.oid = x.{owner} {join} WHERE x.{column} = {} AND {more} {within}",
            literal(bare)
        );
        let rows = self.login.rows(host, self.database(), &query)?;
        if rows.iter().any(|row| text(row, "rolname") == self.new_owner) {
            return Ok(None);
        }
        let shown = match (kind, place) {
            (Kind::LargeObject, _) if bare.chars().all(|one| one.is_ascii_digit()) => bare.into(),
            (_, Some(place)) => format!("{}.{}", identifier(place), identifier(bare)),
            (_, None) => identifier(bare),
        };
        let role = identifier(&self.new_owner);
        Ok(Some(format!("ALTER {} {shown}{arguments} OWNER TO {role}", kind.words())))
    }

    /// The order that takes all from roles; `None` where they have nothing.
    fn of_roles(
        &self,
        host: &dyn Host,
        roles: &[String],
        warnings: &mut Vec<String>,
    ) -> Result<Option<String>, Failure> {
        let mut owners = Vec::new();
        for role in roles {
            if !self.known(host, role)? {
                if self.fail_on_role {
                    return Err(Failure::new(format!("Role '{role}' does not exist")));
                }
                warnings.push(format!("Role '{role}' does not exist, pass"));
                continue;
            }
            let query = format!(
                "SELECT count(*) AS count FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r \
                 ON r.oid = d.refobjid WHERE d.refclassid = 'pg_authid'::regclass AND \
                 d.deptype = 'o' AND d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database \
                 WHERE datname = current_database())) AND r.rolname = {}",
                literal(role)
            );
            let rows = self.login.rows(host, self.database(), &query)?;
            if rows.first().is_some_and(|row| text(row, "count") != "0") {
                owners.push(identifier(role));
            }
        }
        let role = identifier(&self.new_owner);
        Ok((!owners.is_empty())
            .then(|| format!("REASSIGN OWNED BY {} TO {role}", owners.join(","))))
    }
}

impl Stepwise for PostgresqlOwner {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let texts = [Some(&self.new_owner), self.obj_name.as_ref()];
        let texts = texts.into_iter().flatten().chain(self.reassign_owned_by.iter().flatten());
        self.login.refuse_orders(texts.map(String::as_str))?;
        if !self.known(host, &self.new_owner)? {
            return Err(Failure::new(format!("Role '{}' does not exist", self.new_owner)));
        }
        let mut warnings = Vec::new();
        let order = match (&self.obj_name, self.obj_type, &self.reassign_owned_by) {
            (Some(name), Some(kind), _) => self.of_thing(host, name, kind)?,
            (_, _, Some(roles)) => self.of_roles(host, roles, &mut warnings)?,
            _ => None,
        };
        let program = match &order {
            Some(order) => Some(self.login.psql(self.database(), &format!("{order};\n"))?),
            None => None,
        };
        let orders: Vec<String> = order.into_iter().collect();
        Ok(Steps { warnings, ..Steps::new(program) }.with("queries", orders))
    }

    fn failure(&self, failure: Failure) -> Failure {
        server_words(failure)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// A server with the roles web and bob, where all is bob's until an order says otherwise.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/owner", "bob");
        host.program("psql", |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let owner = files.text("/owner").unwrap();
            if text.contains("pg_shdepend") {
                let name = text.rsplit('\'').nth(1).unwrap();
                return Output::success(format!("{{\"count\":{}}}\n", usize::from(name == owner)));
            }
            if text.contains("FROM pg_catalog.pg_roles WHERE") {
                let name = text.split('\'').nth(1).unwrap();
                let is_known = ["web", "bob"].contains(&name);
                return Output::success(if is_known { "{\"rolname\":\"x\"}\n" } else { "" });
            }
            if text.starts_with("SELECT") {
                return Output::success(format!("{{\"rolname\":\"{owner}\"}}\n"));
            }
            if text.contains("nothing") {
                return Output::failure(3, "psql:<stdin>:1: ERROR:  nothing like that");
            }
            files.put("/owner", text.rsplit('"').nth(1).unwrap());
            Output::success("")
        });
        host
    }

    #[test]
    fn things_are_given() {
        for (args, order) in [
            (
                json!({"obj_name": "app.orders", "obj_type": "table"}),
                "ALTER TABLE \"app\".\"orders\" OWNER TO \"web\"",
            ),
            (
                json!({"obj_name": "sum(integer, text)", "type": "function"}),
                "ALTER FUNCTION \"sum\"(integer, text) OWNER TO \"web\"",
            ),
            (
                json!({"obj_name": "a.b", "type": "database"}),
                "ALTER DATABASE \"a.b\" OWNER TO \"web\"",
            ),
            (
                json!({"obj_name": "m", "type": "matview"}),
                "ALTER MATERIALIZED VIEW \"m\" OWNER TO \"web\"",
            ),
            (
                json!({"obj_name": "7", "type": "large_object"}),
                "ALTER LARGE OBJECT 7 OWNER TO \"web\"",
            ),
            (json!({"reassign_owned_by": ["bob"]}), "REASSIGN OWNED BY \"bob\" TO \"web\""),
            (json!({"reassign_owned_by": ["web"]}), ""),
        ] {
            let mut host = host();
            let done =
                run("postgresql_owner", &args, "new_owner", "web", Mode::default(), &mut host);
            assert_eq!(done.msg, None, "{args}");
            let given = done.returned["queries"].as_array().unwrap();
            assert_eq!(given.first().and_then(|one| one.as_str()).unwrap_or(""), order);
            if !args["reassign_owned_by"].is_array() {
                let again =
                    run("postgresql_owner", &args, "new_owner", "web", Mode::default(), &mut host);
                assert!(!again.changed, "{args}");
            }
        }
    }

    #[test]
    fn what_cannot_be_given_is_refused() {
        for (args, words) in [
            (json!({"new_owner": "nosuch", "obj_name": "a", "type": "table"}), "Role 'nosuch'"),
            (json!({"new_owner": "web", "reassign_owned_by": ["nosuch"]}), "Role 'nosuch'"),
            (json!({"new_owner": "web"}), "obj_name"),
            (json!({"new_owner": "web", "obj_name": "a"}), "obj_type"),
            (json!({"new_owner": "web", "obj_name": "nothing", "type": "view"}), "1: ERROR:"),
        ] {
            let done = run("postgresql_owner", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
