//! The `postgresql_privs` module of the collection `community.postgresql`.

use std::collections::BTreeSet;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{JsonMap, Response, spec::Support};

use super::{Login, identifier, literal};
use crate::presence::Presence;

/// What stands between what is before the orders and what is after them.
const BETWEEN: &str = "-- trueup --";

/// Gives privileges on things of a database to roles, and takes them away.
///
/// Whether anything changes is seen by giving the orders in a transaction: where the lists of
/// privileges are the same afterwards, and in check mode, it is rolled back.
#[derive(Debug, Arguments)]
pub struct PostgresqlPrivs {
    /// The database that is connected to.
    #[argument(aliases("db", "database"))]
    login_db: String,
    /// Whether the roles should have the privileges.
    #[argument(default = "present")]
    state: Presence,
    /// The privileges, with commas between them; none where roles become members of groups.
    #[argument(aliases("priv"))]
    privs: Option<String>,
    /// What kind of thing they are about.
    #[argument(default = "table", name = "type")]
    kind: Kind,
    /// The things, with commas between them; `ALL_IN_SCHEMA` for all of a schema, `ALL_DEFAULT` for
    /// every kind of default privileges. A function's arguments have colons between them.
    #[argument(aliases("obj"))]
    objs: Option<String>,
    /// The schema of the things; `not-specified` for none.
    schema: Option<String>,
    /// The roles, with commas between them; `PUBLIC` is everybody.
    #[argument(aliases("role"))]
    roles: String,
    /// Whether a role that is not there is a failure.
    #[argument(default = true)]
    fail_on_role: bool,
    /// Whose new things default privileges are about.
    target_roles: Option<String>,
    /// Whether the roles may pass the privileges on.
    #[argument(aliases("admin_option"))]
    grant_option: Option<bool>,
    /// Another name for `login_password`.
    #[argument(default = "", no_log)]
    password: String,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Table,
    Sequence,
    Function,
    Procedure,
    Database,
    Schema,
    Language,
    Tablespace,
    Group,
    DefaultPrivs,
    ForeignDataWrapper,
    ForeignServer,
    Type,
    Parameter,
}

/// What default privileges can be about, and which there are.
const DEFAULTS: [(&str, &[&str]); 5] = [
    ("FUNCTIONS", &["ALL", "EXECUTE"]),
    ("SCHEMAS", &["CREATE", "USAGE"]),
    ("SEQUENCES", &["ALL", "SELECT", "UPDATE", "USAGE"]),
    (
        "TABLES",
        &["ALL", "DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"],
    ),
    ("TYPES", &["ALL", "USAGE"]),
];

/// The privileges there are.
const PRIVILEGES: [&str; 16] = [
    "ALL",
    "ALTER_SYSTEM",
    "CONNECT",
    "CREATE",
    "DELETE",
    "EXECUTE",
    "INSERT",
    "REFERENCES",
    "SELECT",
    "SET",
    "TEMP",
    "TEMPORARY",
    "TRIGGER",
    "TRUNCATE",
    "UPDATE",
    "USAGE",
];

/// Roles that are in no list, and are not quoted.
const IMPLICIT: [&str; 4] = ["PUBLIC", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"];

impl Documented for PostgresqlPrivs {
    const NAME: &'static str = "community.postgresql.postgresql_privs";
    const ALIASES: &'static [&'static str] = &["postgresql_privs"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Two privileges on two tables",
            args: r#"{"db": "library", "privs": "SELECT,INSERT", "objs": "books,authors", "roles": "librarian,reader"}"#,
        },
        Example {
            title: "What is made later, too",
            args: r#"{"db": "library", "type": "default_privs", "privs": "SELECT", "objs": "TABLES", "roles": "reader"}"#,
        },
        Example {
            title: "No member of a group",
            args: r#"{"db": "library", "type": "group", "objs": "staff", "roles": "old", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "queries",
        "Orders that were given.",
        "success",
        r#"["REVOKE GRANT OPTION FOR INSERT ON TABLE \"books\" FROM \"reader\";"]"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// Words with commas between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Texts as one of SQL's arrays.
fn array(texts: &[String]) -> String {
    let all: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    format!("ARRAY[{}]::text[]", all.join(", "))
}

/// What the orders are about, once it is known.
struct Meant {
    /// Orders, each with its semicolon.
    orders: Vec<String>,
    /// The query that lists the privileges there are.
    listing: String,
    warnings: Vec<String>,
}

impl PostgresqlPrivs {
    fn has_schema(&self) -> bool {
        use Kind::{DefaultPrivs, Function, Procedure, Sequence, Table, Type};
        matches!(self.kind, Table | Sequence | Function | Procedure | Type | DefaultPrivs)
    }

    /// The schema of the things.
    fn schema(&self) -> Result<Option<String>, Failure> {
        let schema = self.schema.as_deref().filter(|schema| !schema.is_empty());
        if !self.has_schema() {
            return match schema {
                Some(_) => Err(Failure::new(format!(
                    "Argument \"schema\" is not allowed for type \"{}\".",
                    self.kind.as_str()
                ))),
                None => Ok(None),
            };
        }
        let is_none = self.objs.as_deref() == Some("schemas") || schema == Some("not-specified");
        Ok((!is_none).then(|| schema.unwrap_or("public").to_owned()))
    }

    /// The privileges in capitals, sorted.
    fn privileges(&self) -> Result<BTreeSet<String>, Failure> {
        let given = self.privs.as_deref().unwrap_or_default();
        let kind = self.kind.as_str();
        match (self.kind == Kind::Group, given.is_empty()) {
            (true, false) => {
                return Err(Failure::new("Argument \"privs\" is not allowed for type \"group\"."));
            }
            (false, true) => {
                return Err(Failure::new(format!(
                    "Argument \"privs\" is required for type \"{kind}\"."
                )));
            }
            _ => {}
        }
        let all: BTreeSet<String> = words(given).map(str::to_uppercase).collect();
        match all.iter().find(|one| !PRIVILEGES.contains(&one.as_str())) {
            Some(one) => Err(Failure::new(format!("Invalid privileges specified: {one}"))),
            None => Ok(all),
        }
    }

    /// The things as the task names them.
    fn things(&self) -> Result<Vec<String>, Failure> {
        let kind = self.kind.as_str();
        let given = match (self.objs.as_deref().filter(|objs| !objs.is_empty()), self.kind) {
            (Some(given), _) => given,
            (None, Kind::Database) => &self.login_db,
            (None, _) => {
                return Err(Failure::new(format!(
                    "Argument \"objs\" is required for type \"{kind}\"."
                )));
            }
        };
        let is_all = given == "ALL_IN_SCHEMA";
        if is_all
            && !matches!(self.kind, Kind::Table | Kind::Sequence | Kind::Function | Kind::Procedure)
        {
            return Err(Failure::new(format!(
                "Argument \"objs\": ALL_IN_SCHEMA can be used only for type: table, sequence, \
                 function or procedure, {kind} was passed."
            )));
        }
        let mut things: Vec<String> = given.split(',').map(str::to_owned).collect();
        if matches!(self.kind, Kind::Function | Kind::Procedure) {
            things = things.iter().map(|thing| thing.replace(':', ",")).collect();
        }
        Ok(things)
    }

    /// Kinds of default privileges.
    fn defaults(&self, privileges: &BTreeSet<String>) -> Result<Vec<&'static str>, Failure> {
        let given = self.things()?;
        let is_all = given.iter().any(|one| one == "ALL_DEFAULT");
        let mut kinds = Vec::new();
        for (name, known) in DEFAULTS {
            let is_given = given.iter().any(|one| one.to_uppercase() == name);
            if !(is_given || is_all && name != "SCHEMAS") {
                continue;
            }
            if let Some(one) = privileges.iter().find(|one| !known.contains(&one.as_str())) {
                return Err(Failure::new(format!(
                    "Invalid priv specified. {name} have no privilege {one} by default"
                )));
            }
            kinds.push(name);
        }
        let is_known = |one: &&String| {
            one.as_str() == "ALL_DEFAULT"
                || DEFAULTS.iter().any(|(name, _)| one.to_uppercase() == *name)
        };
        match given.iter().find(|one| !is_known(one)) {
            Some(one) => Err(Failure::new(format!("Invalid Object set specified: {one}"))),
            None => Ok(kinds),
        }
    }

    /// The roles as orders take them, and words for those that are not there.
    fn roles(&self, host: &dyn Host) -> Result<(Vec<String>, Vec<String>), Failure> {
        let given: Vec<String> = words(&self.roles).map(str::to_owned).collect();
        let query = format!(
            "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY({})",
            array(&given)
        );
        let known: Vec<String> = self
            .login
            .rows(host, &self.login_db, &query)?
            .iter()
            .map(|row| super::text(row, "rolname"))
            .collect();
        let (mut roles, mut warnings) = (Vec::new(), Vec::new());
        for role in given {
            let upper = role.to_uppercase();
            if IMPLICIT.contains(&upper.as_str()) {
                roles.push(upper);
            } else if known.contains(&role) {
                roles.push(identifier(&role));
            } else if self.fail_on_role {
                return Err(Failure::new(format!("Role '{role}' does not exist")));
            } else {
                warnings.push(format!("Role '{role}' does not exist, pass it"));
            }
        }
        if roles.is_empty() {
            warnings.push("No valid roles provided, nothing to do".into());
        }
        Ok((roles, warnings))
    }

    /// A thing's name as orders take it.
    fn quoted(&self, schema: Option<&str>, thing: &str) -> String {
        let before = schema.map(|schema| format!("{}.", identifier(schema))).unwrap_or_default();
        match self.kind {
            Kind::Function | Kind::Procedure => match thing.split_once('(') {
                Some((name, rest)) => format!("{before}{}({rest}", identifier(name)),
                None => format!("{before}{}", identifier(thing)),
            },
            Kind::Parameter => thing.split('.').map(identifier).collect::<Vec<_>>().join("."),
            _ => format!("{before}{}", identifier(thing)),
        }
    }

    /// The query that lists the privileges on the things, one thing a row.
    fn listing(&self, schema: Option<&str>, things: &[String]) -> String {
        let bare: Vec<String> = match self.kind {
            Kind::Function | Kind::Procedure => things
                .iter()
                .map(|thing| thing.split('(').next().unwrap_or_default().to_owned())
                .collect(),
            _ => things.to_vec(),
        };
        let is_all = self.objs.as_deref() == Some("ALL_IN_SCHEMA");
        let named = |column: &str| match is_all {
            true => "true".to_owned(),
            false => format!("{column} = ANY({})", array(&bare)),
        };
        let inside = |column: &str| match schema {
            Some(schema) => format!(
                " AND {column} IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {})",
                literal(schema)
            ),
            None => String::new(),
        };
        let relations = |kinds: &str| {
            format!(
                "pg_catalog.pg_class WHERE relkind IN ({kinds}) AND {}{}",
                named("relname"),
                inside("relnamespace")
            )
        };
        let (column, name, from) = match self.kind {
            Kind::Table => ("relacl", "relname", relations("'r','p','v','m','f'")),
            Kind::Sequence => ("relacl", "relname", relations("'S'")),
            Kind::Function | Kind::Procedure => (
                "proacl",
                "oid::text",
                format!("pg_catalog.pg_proc WHERE {}{}", named("proname"), inside("pronamespace")),
            ),
            Kind::Type => (
                "typacl",
                "oid::text",
                format!("pg_catalog.pg_type WHERE {}{}", named("typname"), inside("typnamespace")),
            ),
            Kind::DefaultPrivs => (
                "defaclacl",
                // A row that is emptied and filled again is another one.
                "concat(defaclrole, ' ', defaclnamespace, ' ', defaclobjtype)",
                format!("pg_catalog.pg_default_acl WHERE true{}", inside("defaclnamespace")),
            ),
            Kind::Database => {
                ("datacl", "datname", format!("pg_catalog.pg_database WHERE {}", named("datname")))
            }
            Kind::Schema => {
                ("nspacl", "nspname", format!("pg_catalog.pg_namespace WHERE {}", named("nspname")))
            }
            Kind::Language => {
                ("lanacl", "lanname", format!("pg_catalog.pg_language WHERE {}", named("lanname")))
            }
            Kind::Tablespace => (
                "spcacl",
                "spcname",
                format!("pg_catalog.pg_tablespace WHERE {}", named("spcname")),
            ),
            Kind::ForeignDataWrapper => (
                "fdwacl",
                "fdwname",
                format!("pg_catalog.pg_foreign_data_wrapper WHERE {}", named("fdwname")),
            ),
            Kind::ForeignServer => (
                "srvacl",
                "srvname",
                format!("pg_catalog.pg_foreign_server WHERE {}", named("srvname")),
            ),
            Kind::Parameter => (
                "paracl",
                "parname",
                format!("pg_catalog.pg_parameter_acl WHERE {}", named("parname")),
            ),
            Kind::Group => {
                return format!(
                    "SELECT roleid, member, admin_option FROM pg_catalog.pg_auth_members WHERE \
                     roleid IN (SELECT oid FROM pg_catalog.pg_roles WHERE {}) ORDER BY 1, 2, 3",
                    named("rolname")
                );
            }
        };
        // An order may put the same privileges in another order.
        format!(
            "SELECT {name}, {column} IS NULL, (SELECT string_agg(one::text, ' ' ORDER BY one::text) \
             FROM unnest({column}) AS one) FROM {from} ORDER BY 1"
        )
    }

    /// Orders for default privileges.
    fn default_orders(
        &self,
        schema: Option<&str>,
        privileges: &BTreeSet<String>,
        roles: &str,
    ) -> Result<Vec<String>, Failure> {
        let kinds = self.defaults(privileges)?;
        let whose = match self.target_roles.as_deref() {
            Some(given) => {
                let all: Vec<String> = words(given).map(identifier).collect();
                format!(" FOR ROLE {}", all.join(","))
            }
            None => String::new(),
        };
        let place = schema.map(|one| format!(" IN SCHEMA {}", identifier(one))).unwrap_or_default();
        let head = format!("ALTER DEFAULT PRIVILEGES{whose}{place}");
        let revoke = |kind: &&str| format!("{head} REVOKE ALL ON {kind} FROM {roles};");
        if !self.state.is_present() {
            return Ok(["TABLES", "FUNCTIONS", "SEQUENCES", "TYPES"].iter().map(revoke).collect());
        }
        let what: Vec<&str> = privileges.iter().map(String::as_str).collect();
        let option = if self.grant_option == Some(true) { " WITH GRANT OPTION" } else { "" };
        let grant =
            |kind: &&str| format!("{head} GRANT {} ON {kind} TO {roles}{option};", what.join(","));
        Ok(kinds.iter().map(revoke).chain(kinds.iter().map(grant)).collect())
    }

    fn meant(&self, host: &dyn Host) -> Result<Meant, Failure> {
        let texts = [Some(&self.roles), self.target_roles.as_ref(), self.schema.as_ref()];
        self.login.refuse_orders(texts.into_iter().flatten().map(String::as_str))?;
        let schema = self.schema()?;
        let schema = schema.as_deref();
        let things = self.things()?;
        let privileges = self.privileges()?;
        let (roles, mut warnings) = self.roles(host)?;
        let is_default = self.kind == Kind::DefaultPrivs;
        if self.target_roles.is_some() && !is_default {
            warnings.push("target_roles is for type: default_privs alone".into());
        }
        let listing = self.listing(schema, &things);
        if roles.is_empty() {
            return Ok(Meant { orders: Vec::new(), listing, warnings });
        }
        let roles = roles.join(",");
        if is_default {
            let orders = self.default_orders(schema, &privileges, &roles)?;
            return Ok(Meant { orders, listing, warnings });
        }
        let names: Vec<String> = things.iter().map(|thing| self.quoted(schema, thing)).collect();
        let names = names.join(",");
        let what: Vec<String> = privileges.iter().map(|one| one.replace('_', " ")).collect();
        let what = what.join(",");
        let kind = self.kind.as_str().replace('_', " ").to_uppercase();
        let what = match (self.kind, self.objs.as_deref()) {
            (Kind::Group, _) => names,
            (_, Some("ALL_IN_SCHEMA")) => {
                let schema = schema.ok_or_else(|| {
                    Failure::new("ALL_IN_SCHEMA takes a schema that is specified")
                })?;
                format!("{what} ON ALL {kind}S IN SCHEMA {}", identifier(schema))
            }
            _ => format!("{what} ON {kind} {names}"),
        };
        let option = if self.kind == Kind::Group { "ADMIN" } else { "GRANT" };
        let mut orders = Vec::new();
        match (self.state, self.grant_option) {
            (Presence::Absent, _) => orders.push(format!("REVOKE {what} FROM {roles};")),
            (_, Some(true)) => {
                orders.push(format!("GRANT {what} TO {roles} WITH {option} OPTION;"))
            }
            (_, Some(false)) => {
                orders.push(format!("GRANT {what} TO {roles};"));
                orders.push(format!("REVOKE {option} OPTION FOR {what} FROM {roles};"));
            }
            _ => orders.push(format!("GRANT {what} TO {roles};")),
        }
        Ok(Meant { orders, listing, warnings })
    }

    fn program(&self, meant: &Meant, end: &str) -> Result<Program, Failure> {
        let orders: String = meant.orders.iter().map(|order| format!("{order}\n")).collect();
        let listing = &meant.listing;
        let script = format!("BEGIN;\n{listing};\n\\echo {BETWEEN}\n{orders}{listing};\n{end};\n");
        let program = self.login.psql(&self.login_db, &script)?;
        Ok(match self.password.as_str() {
            "" => program,
            password => program.variable("PGPASSWORD", password),
        })
    }

    fn answer(meant: Meant, changed: bool) -> Response {
        let returned = JsonMap::from_iter([("queries".to_owned(), meant.orders.into())]);
        Response { changed, returned, warnings: meant.warnings, ..Response::default() }
    }
}

impl Action for PostgresqlPrivs {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let meant = self.meant(host)?;
        if meant.orders.is_empty() {
            return Ok(Guard::Stay(Box::new(Self::answer(meant, false))));
        }
        let program = self.program(&meant, "ROLLBACK")?;
        let output = self.login.checked(&program, host.query(&program)?)?;
        let said = output.stdout_text();
        let (before, after) = said.split_once(BETWEEN).unwrap_or((said.as_str(), ""));
        Ok(match before.trim() == after.trim() {
            true => Guard::Stay(Box::new(Self::answer(meant, false))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(Self::answer(self.meant(host)?, true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let meant = self.meant(host)?;
        let program = self.program(&meant, "COMMIT")?;
        let output = host.execute(&program)?;
        self.login.checked(&program, output)?;
        Ok(Self::answer(meant, true))
    }
}

#[cfg(test)]
mod tests;
