//! The `mysql_db` module of the collection `community.mysql`.

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Placement, Program,
    Returned, path::split_words,
};
use protocol::JsonMap;
use serde::Serialize;

use super::{Login, Server, identifier, literal};
use crate::{packed_file::Packing, tool};

/// The bytes of a dump that are unpacked at most.
const DUMP_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Keeps databases of MySQL or MariaDB, or dumps and imports them.
#[derive(Debug, Arguments)]
pub struct MysqlDb {
    /// The databases; `all` for all of them, to dump or import.
    #[argument(aliases("db"))]
    name: Vec<String>,
    /// Whether they are there; `dump` and `import` are done each time.
    #[argument(default = "present")]
    state: State,
    /// Order of texts of a new database.
    #[argument(default = "")]
    collation: String,
    /// Encoding of a new database.
    #[argument(default = "")]
    encoding: String,
    /// The file of a dump: plain or, by the end of its name, packed with gzip, bzip2, xz or zstd.
    target: Option<PathBuf>,
    /// Whether an import goes on behind a fault.
    #[argument(default = false)]
    force: bool,
    /// Whether a dump is made in one transaction.
    #[argument(default = false)]
    single_transaction: bool,
    /// Whether a dump does not hold tables in memory.
    #[argument(default = true)]
    quick: bool,
    /// Tables that are not dumped, `database.table`.
    #[argument(default = [])]
    ignore_tables: Vec<String>,
    /// Whether binary fields are dumped as hexadecimal digits.
    #[argument(default = false)]
    hex_blob: bool,
    /// Whether tables are not locked for a dump.
    #[argument(default = false)]
    skip_lock_tables: bool,
    /// Whether the place in the server's log is dumped: not, as an order, as a remark.
    #[argument(default = 0)]
    master_data: u8,
    /// More arguments for the program that dumps.
    dump_extra_args: Option<String>,
    /// Kept for old playbooks: there is no shell.
    #[argument(default = false)]
    #[expect(dead_code, reason = "there is no shell")]
    use_shell: bool,
    /// Kept for old playbooks: a password is never among words.
    #[argument(default = false)]
    #[expect(dead_code, reason = "the password is in the environment")]
    unsafe_login_password: bool,
    /// Kept for old playbooks.
    #[argument(default = false)]
    #[expect(dead_code, reason = "arguments stand over the file in any case")]
    restrict_config_file: bool,
    /// Kept for old playbooks.
    #[argument(default = false)]
    #[expect(dead_code, reason = "what the task leaves out is the file's")]
    config_overrides_defaults: bool,
    /// Folder in which the programs run.
    chdir: Option<PathBuf>,
    /// Kept for old playbooks: there is no pipe that could fail.
    #[argument(default = false)]
    #[expect(dead_code, reason = "there is no pipe")]
    pipefail: bool,
    /// Whether a login as `root` without a password is tried first.
    #[argument(default = false)]
    check_implicit_admin: bool,
    /// Whether changes go to the server's log.
    #[argument(default = true)]
    sql_log_bin: bool,
    #[argument(flatten)]
    login: Login,
}

impl Server for MysqlDb {
    fn login(&self) -> &Login {
        &self.login
    }

    fn tries_root(&self) -> bool {
        self.check_implicit_admin
    }

    fn head(&self) -> String {
        if self.sql_log_bin { String::new() } else { "SET sql_log_bin = 0;\n".into() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Dump,
    Import,
    Present,
}

/// Which of the databases are there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Databases {
    there: BTreeSet<String>,
}

impl Documented for MysqlDb {
    const NAME: &'static str = "community.mysql.mysql_db";
    const ALIASES: &'static [&'static str] = &["mysql_db", "ansible.mysql.mysql_db"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A database", args: r#"{"name": "app", "encoding": "utf8mb4"}"# },
        Example { title: "None", args: r#"{"name": ["old", "older"], "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("db", "The databases, with commas between.", "always", r#""app""#),
        Returned::new("db_list", "The databases.", "always", r#"["app"]"#),
        Returned::new("executed_commands", "What was run.", "where run", "[]"),
    ];
}

impl MysqlDb {
    fn is_all(&self) -> bool {
        self.name.iter().any(|name| name == "all")
    }

    fn target(&self) -> Result<&Path, Failure> {
        self.target
            .as_deref()
            .ok_or_else(|| Failure::new(format!("with state={} target is required", self.state)))
    }

    fn there(&self, host: &dyn Host) -> Result<BTreeSet<String>, Failure> {
        let names: Vec<String> = self.name.iter().map(|name| literal(name)).collect();
        let query = format!(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name IN ({})",
            names.join(", ")
        );
        let rows = self.rows(host, &query)?;
        Ok(rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }

    fn dump(&self, host: &dyn Host, target: &Path) -> Result<Program, Failure> {
        let mut program = self.login.client(host, &["mysqldump", "mariadb-dump"])?;
        program.folder.clone_from(&self.chdir);
        let mut program = match self.is_all() {
            true => program.arg("--all-databases"),
            false => program.arg("--databases"),
        };
        for (wanted, word) in [
            (self.single_transaction, "--single-transaction=true"),
            (self.quick, "--quick"),
            (self.hex_blob, "--hex-blob"),
            (self.skip_lock_tables, "--skip-lock-tables"),
            (self.force, "--force"),
        ] {
            if wanted {
                program = program.arg(word);
            }
        }
        if self.master_data > 0 {
            program = program.arg(format!("--master-data={}", self.master_data));
        }
        program =
            program.args(self.ignore_tables.iter().map(|table| format!("--ignore-table={table}")));
        if let Some(words) = &self.dump_extra_args {
            program = program.args(split_words(words).map_err(Failure::new)?);
        }
        program = program.arg(format!("--result-file={}", target.display()));
        Ok(if self.is_all() { program } else { program.args(self.name.iter().cloned()) })
    }

    fn import(&self, host: &dyn Host, target: &Path) -> Result<Program, Failure> {
        let Some(mut file) = host.open(target)? else {
            return Err(Failure::new(format!(
                "target {} does not exist on the host",
                target.display()
            )));
        };
        let mut bytes = Vec::new();
        match target.extension().and_then(|end| end.to_str()) {
            Some("gz") => GzDecoder::new(file).take(DUMP_BYTES_MAX + 1).read_to_end(&mut bytes)?,
            _ => (&mut file).take(DUMP_BYTES_MAX + 1).read_to_end(&mut bytes)?,
        };
        if bytes.len() as u64 > DUMP_BYTES_MAX {
            return Err(Failure::new(format!(
                "{} holds more than {DUMP_BYTES_MAX} bytes",
                target.display()
            )));
        }
        let mut program = self.login.client(host, &["mysql", "mariadb"])?;
        program.folder.clone_from(&self.chdir);
        if self.force {
            program = program.arg("--force");
        }
        if let [one] = self.name.as_slice()
            && !self.is_all()
        {
            program = program.arg("--one-database").arg(one);
        }
        Ok(program.stdin(bytes))
    }

    fn creation(&self, name: &str) -> String {
        let mut order = format!("CREATE DATABASE {}", identifier(name));
        for (word, value) in [("CHARACTER SET", &self.encoding), ("COLLATE", &self.collation)] {
            if !value.is_empty() {
                order.push_str(&format!(" {word} {}", literal(value)));
            }
        }
        order
    }
}

impl Module for MysqlDb {
    type State = Databases;

    fn check(&self, host: &dyn Host) -> Result<Delta<Databases>, Failure> {
        if self.is_all() && matches!(self.state, State::Absent | State::Present) {
            return Err(Failure::new(format!(
                "name=all is not compatible with state={}",
                self.state
            )));
        }
        if self.master_data > 2 {
            return Err(Failure::new("value of master_data must be one of: 0, 1, 2"));
        }
        let there = if self.is_all() { BTreeSet::new() } else { self.there(host)? };
        let actual = Databases { there: there.clone() };
        let wanted: BTreeSet<String> = self.name.iter().cloned().collect();
        let mut delta = match self.state {
            State::Present => Delta::new(actual, Databases { there: wanted }),
            State::Absent => Delta::new(actual, Databases::default()),
            State::Import if !self.is_all() => Delta::new(actual, Databases { there: wanted }),
            State::Dump | State::Import => Delta::new(actual.clone(), actual),
        };
        match self.state {
            State::Dump => {
                let missing: Vec<&String> = self
                    .name
                    .iter()
                    .filter(|name| !self.is_all() && !there.contains(*name))
                    .collect();
                if let Some(missing) = missing.first() {
                    return Err(Failure::new(format!(
                        "Cannot dump database(s) '{missing}': not found"
                    )));
                }
                self.target()?;
                delta.steps.push("dump".into());
            }
            State::Import => {
                if self.name.len() > 1 {
                    return Err(Failure::new(
                        "Multiple databases are not supported with state=import",
                    ));
                }
                self.target()?;
                delta.steps.push("import".into());
            }
            _ => {}
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Databases>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (actual, desired) = (&delta.actual.there, &delta.desired.there);
        let mut orders: Vec<String> =
            desired.difference(actual).map(|name| self.creation(name)).collect();
        orders.extend(
            actual.difference(desired).map(|name| format!("DROP DATABASE {}", identifier(name))),
        );
        if !orders.is_empty() {
            self.run(host, &orders)?;
        }
        let mut run = |host: &mut dyn Host, program: Program| {
            orders.push(program.line());
            tool::run(host, &program).map(drop)
        };
        match self.state {
            State::Dump => {
                let target = self.target()?;
                let mut write = |host: &mut dyn Host, path: &Path| {
                    if host.metadata(path)?.is_none() {
                        // A dump may hold secrets: it is nobody else's from the beginning.
                        let mode = Some(module::FileMode::new(0o600));
                        let placement = Placement { mode, ..Placement::default() };
                        host.write(path, &mut &b""[..], &placement)?;
                    }
                    let program = self.dump(host, path)?;
                    run(host, program)
                };
                match Packing::of(target) {
                    Some(packing) => packing.pack(host, target, write)?,
                    None => write(host, target)?,
                }
            }
            State::Import => {
                let target = self.target()?;
                let mut read = |host: &mut dyn Host, path: &Path| {
                    let program = self.import(host, path)?;
                    run(host, program)
                };
                match Packing::of(target).filter(|packing| *packing != Packing::Gzip) {
                    Some(packing) if host.metadata(target)?.is_some() => {
                        packing.unpack(host, target, read)?;
                    }
                    _ => read(host, target)?,
                }
            }
            State::Absent | State::Present => {}
        }
        Ok(JsonMap::from_iter([("executed_commands".to_owned(), orders.into())]))
    }

    fn returned(&self, _: &Delta<Databases>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("db".to_owned(), self.name.join(" ").into()),
            ("db_list".to_owned(), self.name.clone().into()),
            ("executed_commands".to_owned(), Vec::<String>::new().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_databases::put_mysql};

    #[test]
    fn databases_are_kept() {
        let mut host = FakeHost::default();
        put_mysql(&mut host);
        for (args, changed) in [
            (json!({"name": "app"}), true),
            (json!({"name": "app"}), false),
            (json!({"name": ["app", "b`c"]}), true),
            (json!({"name": "app", "state": "absent"}), true),
            (json!({"name": "app", "state": "absent"}), false),
        ] {
            let response = run("mysql_db", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"name": "all"}), "name=all is not compatible with state=present"),
            (json!({"name": "app", "state": "dump"}), "Cannot dump database(s) 'app'"),
            (
                json!({"name": ["a", "b"], "state": "import", "target": "/x"}),
                "Multiple databases are not",
            ),
            (json!({"name": "a", "state": "import"}), "target is required"),
            (
                json!({"name": "a", "state": "import", "target": "/nowhere"}),
                "does not exist on the host",
            ),
            (json!({"name": "a", "master_data": 3}), "must be one of: 0, 1, 2"),
        ] {
            let mut host = FakeHost::default();
            put_mysql(&mut host);
            let response = run("mysql_db", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
