//! The `postgresql_db` module of the collection `community.postgresql`.

use std::{io::Read, path::Path};

use flate2::read::GzDecoder;
use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
    path::split_words,
};
use protocol::JsonMap;
use serde::Serialize;

use super::{Login, identifier, literal, text};
use crate::{packed_file::Packing, tool};

/// The bytes of a dump that are unpacked at most.
const DUMP_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Keeps a database of PostgreSQL, or dumps and restores it.
///
/// `psql` and its like are used on the host, so that no library is needed. Encoding and locales of
/// a database that is there cannot be changed, and a difference is a failure.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "rename", ["target"])))]
pub struct PostgresqlDb {
    /// The database.
    #[argument(aliases("db"))]
    name: String,
    /// Whether it is there; `dump` and `restore` are done each time, `rename` once.
    #[argument(default = "present")]
    state: State,
    /// The role that owns it.
    #[argument(default = "")]
    owner: String,
    /// The database that it is a copy of.
    #[argument(default = "")]
    template: String,
    /// Its encoding.
    #[argument(default = "")]
    encoding: String,
    /// Its order of texts.
    #[argument(default = "")]
    lc_collate: String,
    /// Its kinds of letters.
    #[argument(default = "")]
    lc_ctype: String,
    /// Who provides its locale: `libc` or `icu`.
    #[argument(default = "")]
    locale_provider: String,
    /// Its locale of ICU.
    #[argument(default = "")]
    icu_locale: String,
    /// How many may be connected.
    #[argument(default = "")]
    conn_limit: String,
    /// Where its files are.
    #[argument(default = "", kind = "path")]
    tablespace: String,
    /// What people are told of it; an empty text takes it away.
    comment: Option<String>,
    /// Whether those who are connected are thrown out where it goes.
    #[argument(default = false)]
    force: bool,
    /// The file of a dump (`.sql`, also with `.gz`, `.bz2`, `.xz` or `.zst` behind it, `.tar`, `.pgc`, `.dir`), or the new name.
    #[argument(default = "", kind = "path")]
    target: String,
    /// Arguments for the program that dumps or restores.
    #[argument(default = "")]
    target_opts: String,
    /// More arguments for the program that dumps.
    dump_extra_args: Option<String>,
    /// The database that is connected to for all this.
    #[argument(default = "postgres")]
    maintenance_db: String,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Dump,
    Present,
    Rename,
    Restore,
}

/// The database, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Database {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn_limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tablespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl Documented for PostgresqlDb {
    const NAME: &'static str = "community.postgresql.postgresql_db";
    const ALIASES: &'static [&'static str] = &["postgresql_db"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A database", args: r#"{"name": "app", "owner": "web"}"# },
        Example { title: "None", args: r#"{"name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "executed_commands",
        "What was run.",
        "always",
        r#"["CREATE DATABASE \"app\""]"#,
    )];
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl PostgresqlDb {
    fn find(&self, host: &dyn Host, name: &str) -> Result<Option<JsonMap>, Failure> {
        let query = format!(
            "SELECT rolname AS owner, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, \
             datctype AS ctype, datconnlimit AS connections, spcname AS tablespace, \
             shobj_description(d.oid, 'pg_database') AS comment \
             FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba \
             JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE datname = {}",
            literal(name)
        );
        Ok(self.login.rows(host, &self.maintenance_db, &query)?.into_iter().next())
    }

    fn refuse_what_is_fixed(&self, found: &JsonMap) -> Result<(), Failure> {
        let normal = |text: &str| text.to_lowercase().replace(['-', '_'], "");
        for (what, wanted, now) in [
            ("database encoding", &self.encoding, text(found, "encoding")),
            ("LC_COLLATE", &self.lc_collate, text(found, "collate")),
            ("LC_CTYPE", &self.lc_ctype, text(found, "ctype")),
        ] {
            if !wanted.is_empty() && normal(wanted) != normal(&now) {
                let word = if what == "database encoding" { "encoding" } else { what };
                return Err(Failure::new(format!(
                    "Changing {what} is not supported. Current {word}: {now}"
                )));
            }
        }
        Ok(())
    }

    /// The program that dumps, and its arguments.
    fn dump(&self, target: &str) -> Result<Program, Failure> {
        let mut program = self.login.client("pg_dump", "");
        let format = match () {
            () if target.ends_with(".tar") => Some("--format=t"),
            () if target.ends_with(".pgc") => Some("--format=c"),
            () if target.ends_with(".dir") => Some("--format=d"),
            () if target.ends_with(".gz") => Some("--compress=6"),
            () => None,
        };
        program = program.args(format);
        for words in [Some(&self.target_opts), self.dump_extra_args.as_ref()].into_iter().flatten()
        {
            program = program.args(split_words(words).map_err(Failure::new)?);
        }
        Ok(program.arg(format!("--file={target}")).arg(&self.name))
    }

    fn restore(&self, host: &dyn Host, target: &str) -> Result<Program, Failure> {
        if host.metadata(Path::new(target))?.is_none() {
            return Err(Failure::new(format!("target {target} does not exist")));
        }
        let options = split_words(&self.target_opts).map_err(Failure::new)?;
        if [".tar", ".pgc", ".dir"].iter().any(|end| target.ends_with(end)) {
            let mut program = self.login.client("pg_restore", "").args(options);
            program = program.arg(format!("--dbname={}", self.name));
            return Ok(program.arg(target));
        }
        let program =
            self.login.client("psql", &self.name).args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        let program = program.args(options);
        if target.ends_with(".gz") {
            let Some(file) = host.open(Path::new(target))? else { return Ok(program) };
            let mut bytes = Vec::new();
            GzDecoder::new(file).take(DUMP_BYTES_MAX + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > DUMP_BYTES_MAX {
                return Err(Failure::new(format!(
                    "{target} holds more than {DUMP_BYTES_MAX} bytes"
                )));
            }
            return Ok(program.args(["-f", "-"]).stdin(bytes));
        }
        Ok(program.arg(format!("--file={target}")))
    }

    /// Gives an order, and remembers it.
    fn run(
        &self,
        host: &mut dyn Host,
        given: &mut Vec<String>,
        order: String,
    ) -> Result<(), Failure> {
        self.login.run(host, &self.maintenance_db, &format!("{order};\n"))?;
        given.push(order);
        Ok(())
    }
}

impl Module for PostgresqlDb {
    type State = Database;

    fn check(&self, host: &dyn Host) -> Result<Delta<Database>, Failure> {
        let comment = self.comment.as_deref().unwrap_or_default();
        let texts = [&self.name, &self.owner, &self.template, &self.conn_limit, &self.tablespace];
        self.login.refuse_orders(texts.iter().map(|text| text.as_str()).chain([comment]))?;
        let found = self.find(host, &self.name)?;
        let is_there = found.is_some();
        let plain = |is_there| Database { is_there, ..Database::default() };
        let step = |step: &str| {
            let mut delta = Delta::new(plain(is_there), plain(is_there));
            delta.steps.push(step.into());
            delta
        };
        if matches!(self.state, State::Dump | State::Restore) && self.target.is_empty() {
            return Err(Failure::new(format!("target is required for state {}", self.state)));
        }
        match self.state {
            State::Absent => Ok(Delta::new(plain(is_there), plain(false))),
            State::Dump if !is_there => {
                Err(Failure::new(format!("target database {} does not exist", self.name)))
            }
            State::Dump => Ok(step("dump")),
            State::Restore => Ok(step("restore")),
            State::Rename => {
                let has_new = self.find(host, &self.target)?.is_some();
                match (is_there, has_new) {
                    (false, true) => Ok(Delta::new(plain(false), plain(false))),
                    (true, true) => Err(Failure::new(format!(
                        "Both the source and the target databases exist: {}, {}",
                        self.name, self.target
                    ))),
                    (false, false) => Err(Failure::new(format!(
                        "The source and the target databases don't exist: {}, {}",
                        self.name, self.target
                    ))),
                    (true, false) => Ok(Delta::new(plain(true), plain(false))),
                }
            }
            State::Present => {
                let mut desired = plain(true);
                desired.owner = given(&self.owner);
                desired.conn_limit = given(&self.conn_limit);
                desired.tablespace = given(&self.tablespace);
                desired.comment.clone_from(&self.comment);
                let Some(found) = found else { return Ok(Delta::new(plain(false), desired)) };
                self.refuse_what_is_fixed(&found)?;
                let now =
                    |wanted: &Option<String>, name| wanted.as_ref().map(|_| text(&found, name));
                let actual = Database {
                    is_there: true,
                    owner: now(&desired.owner, "owner"),
                    conn_limit: now(&desired.conn_limit, "connections"),
                    tablespace: now(&desired.tablespace, "tablespace"),
                    comment: now(&desired.comment, "comment"),
                };
                Ok(Delta::new(actual, desired))
            }
        }
    }

    fn apply(&self, delta: &Delta<Database>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let name = identifier(&self.name);
        let mut orders = Vec::new();
        match self.state {
            State::Absent => {
                if self.force {
                    self.run(
                        host,
                        &mut orders,
                        format!(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND pid <> pg_backend_pid()",
                            literal(&self.name)
                        ),
                    )?;
                }
                self.run(host, &mut orders, format!("DROP DATABASE {name}"))?;
            }
            State::Rename => {
                let new = identifier(&self.target);
                self.run(host, &mut orders, format!("ALTER DATABASE {name} RENAME TO {new}"))?;
            }
            State::Dump | State::Restore => {
                let mut lines = Vec::new();
                let target = Path::new(&self.target);
                let mut run = |host: &mut dyn Host, path: &Path| {
                    let path = path.display().to_string();
                    let program = match self.state {
                        State::Dump => self.dump(&path)?,
                        _ => self.restore(host, &path)?,
                    };
                    lines.push(program.line());
                    tool::run(host, &program).map(drop)
                };
                // What gzip packs, the program writes and we read.
                let packing = Packing::of(target).filter(|packing| *packing != Packing::Gzip);
                match (packing, self.state) {
                    (Some(packing), State::Dump) => packing.pack(host, target, run)?,
                    (Some(packing), _) if host.metadata(target)?.is_some() => {
                        packing.unpack(host, target, run)?;
                    }
                    _ => run(host, target)?,
                }
                orders = lines;
            }
            State::Present => {
                if !delta.actual.is_there {
                    let mut order = format!("CREATE DATABASE {name}");
                    for (word, value) in [
                        ("OWNER", given(&self.owner).map(|owner| identifier(&owner))),
                        ("TEMPLATE", given(&self.template).map(|one| identifier(&one))),
                        ("ENCODING", given(&self.encoding).map(|one| literal(&one))),
                        ("LC_COLLATE", given(&self.lc_collate).map(|one| literal(&one))),
                        ("LC_CTYPE", given(&self.lc_ctype).map(|one| literal(&one))),
                        ("LOCALE_PROVIDER", given(&self.locale_provider).map(|one| literal(&one))),
                        ("ICU_LOCALE", given(&self.icu_locale).map(|one| literal(&one))),
                        ("TABLESPACE", given(&self.tablespace).map(|one| identifier(&one))),
                        ("CONNECTION LIMIT", given(&self.conn_limit)),
                    ] {
                        if let Some(value) = value {
                            order.push_str(&format!(" {word} {value}"));
                        }
                    }
                    if self.conn_limit.parse::<i64>().is_err() && !self.conn_limit.is_empty() {
                        return Err(Failure::new(format!(
                            "conn_limit is no number: {}",
                            self.conn_limit
                        )));
                    }
                    self.run(host, &mut orders, order)?;
                }
                let (actual, desired) = (&delta.actual, &delta.desired);
                let is_new = !actual.is_there;
                for (now, wanted, word) in [
                    (&actual.owner, &desired.owner, "OWNER TO"),
                    (&actual.tablespace, &desired.tablespace, "SET TABLESPACE"),
                ] {
                    if let Some(wanted) = wanted.as_ref().filter(|_| !is_new && now != wanted) {
                        self.run(
                            host,
                            &mut orders,
                            format!("ALTER DATABASE {name} {word} {}", identifier(wanted)),
                        )?;
                    }
                }
                if let Some(limit) = desired
                    .conn_limit
                    .as_ref()
                    .filter(|_| !is_new && actual.conn_limit != desired.conn_limit)
                {
                    let limit: i64 = limit
                        .parse()
                        .map_err(|_| Failure::new(format!("conn_limit is no number: {limit}")))?;
                    self.run(
                        host,
                        &mut orders,
                        format!("ALTER DATABASE {name} CONNECTION LIMIT {limit}"),
                    )?;
                }
                if let Some(comment) =
                    desired.comment.as_ref().filter(|_| actual.comment != desired.comment)
                {
                    self.run(
                        host,
                        &mut orders,
                        format!("COMMENT ON DATABASE {name} IS {}", literal(comment)),
                    )?;
                }
            }
        }
        Ok(JsonMap::from_iter([("executed_commands".to_owned(), orders.into())]))
    }

    fn returned(&self, _: &Delta<Database>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("db".to_owned(), self.name.clone().into()),
            ("executed_commands".to_owned(), Vec::<String>::new().into()),
        ]))
    }
}
