//! The `mysql_role` module of the collection `community.mysql`.

use std::collections::BTreeSet;

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::{Json, JsonMap};
use serde::Serialize;

use super::{
    Login, Server, account, literal,
    privileges::{self, Privileges, Way},
};
use crate::presence::Presence;

/// Keeps a role of MySQL or MariaDB, what it may do and who has it.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["append_members", "detach_members"]),
    mutually_exclusive(["admin", "members"]),
    mutually_exclusive(["admin", "append_members"]),
    mutually_exclusive(["admin", "detach_members"]),
    mutually_exclusive(["append_privs", "subtract_privs"])
)]
pub struct MysqlRole {
    /// The role.
    name: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Who may give a new role to others, of MariaDB alone; by default who makes it.
    admin: Option<String>,
    /// Privileges: `db.table:PRIV,PRIV/...`, or a dict.
    #[argument(name = "priv")]
    privileges: Option<Json>,
    /// Whether other privileges stay.
    #[argument(default = false)]
    append_privs: bool,
    /// Whether the privileges are those that go.
    #[argument(default = false)]
    subtract_privs: bool,
    /// Who has it: users `name@host`, and roles.
    members: Option<Vec<String>>,
    /// Whether other members stay.
    #[argument(default = false)]
    append_members: bool,
    /// Whether the members are those that lose it.
    #[argument(default = false)]
    detach_members: bool,
    /// Whether a member that is not there is a failure, and not left out.
    #[argument(default = true)]
    members_must_exist: bool,
    /// Whether new members have all their roles from their login on; of MySQL alone.
    #[argument(default = true)]
    set_default_role_all: bool,
    /// Whether names of columns in privileges are taken as they are written.
    column_case_sensitive: Option<bool>,
    /// Whether a login as `root` without a password is tried first.
    #[argument(default = false)]
    check_implicit_admin: bool,
    #[argument(flatten)]
    login: Login,
}

impl Server for MysqlRole {
    fn login(&self) -> &Login {
        &self.login
    }

    fn tries_root(&self) -> bool {
        self.check_implicit_admin
    }
}

/// A user and from where, or a role of MariaDB and nothing.
type Member = (String, String);

/// The role, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Role {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<BTreeSet<Member>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privileges: Option<Privileges>,
}

impl Documented for MysqlRole {
    const NAME: &'static str = "community.mysql.mysql_role";
    const ALIASES: &'static [&'static str] = &["mysql_role", "ansible.mysql.mysql_role"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A role", args: r#"{"name": "readers", "priv": "app.*:SELECT"}"# },
        Example { title: "None", args: r#"{"name": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[];
}

/// A user or role as orders take it.
fn account_of((user, from): &Member) -> String {
    match from.as_str() {
        "" => literal(user),
        from => format!("{}@{}", literal(user), literal(from)),
    }
}

impl MysqlRole {
    /// A member as the task names it.
    fn member(&self, text: &str, is_mariadb: bool) -> Result<Member, Failure> {
        let text = text.trim();
        let (user, from) = match text.rsplit_once('@') {
            Some((user, from)) => (user, from.to_lowercase()),
            // Roles of MySQL are users from anywhere.
            None => (text, if is_mariadb { String::new() } else { "%".to_owned() }),
        };
        let bare = |text: &str| text.trim_matches(['\'', '"', '`']).to_owned();
        let user = bare(user);
        if user.is_empty() {
            return Err(Failure::new("Member's name cannot be empty."));
        }
        Ok((user, bare(&from)))
    }

    /// The members that the task names; those that are not there fail, or are left out.
    fn wanted_members(
        &self,
        host: &dyn Host,
        names: &[String],
        must_exist: bool,
        is_mariadb: bool,
    ) -> Result<BTreeSet<Member>, Failure> {
        let rows = self.rows(host, "SELECT User, Host FROM mysql.user")?;
        let pair = |row: Vec<String>| {
            let mut fields = row.into_iter();
            (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
        };
        let there: BTreeSet<Member> = rows.into_iter().map(pair).collect();
        let mut all = BTreeSet::new();
        for name in names {
            let member = self.member(name, is_mariadb)?;
            match there.contains(&member) {
                true => drop(all.insert(member)),
                false if must_exist => {
                    return Err(Failure::new(format!(
                        "User / role `{}` with host `{}` does not exist",
                        member.0, member.1
                    )));
                }
                false => {}
            }
        }
        Ok(all)
    }

    /// The role as grants name it.
    fn account(&self, is_mariadb: bool) -> String {
        let from = if is_mariadb { "" } else { "%" };
        account_of(&(self.name.clone(), from.to_owned()))
    }

    fn is_there(&self, host: &dyn Host, is_mariadb: bool) -> Result<bool, Failure> {
        let more = if is_mariadb { "is_role = 'Y'" } else { "Host = '%'" };
        let name = literal(&self.name);
        let rows = self
            .rows(host, &format!("SELECT User FROM mysql.user WHERE User = {name} AND {more}"))?;
        Ok(!rows.is_empty())
    }

    fn actual(&self, host: &dyn Host, is_mariadb: bool) -> Result<Role, Failure> {
        let name = literal(&self.name);
        let mut actual = Role { is_there: self.is_there(host, is_mariadb)?, ..Role::default() };
        if !actual.is_there {
            return Ok(actual);
        }
        if self.members.is_some() {
            let query = match is_mariadb {
                true => format!("SELECT User, Host FROM mysql.roles_mapping WHERE Role = {name}"),
                false => format!(
                    "SELECT TO_USER, TO_HOST FROM mysql.role_edges WHERE FROM_USER = {name}"
                ),
            };
            let pair = |row: Vec<String>| {
                let mut fields = row.into_iter();
                (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
            };
            actual.members = Some(self.rows(host, &query)?.into_iter().map(pair).collect());
        }
        if self.privileges.is_some() {
            let query = format!("SHOW GRANTS FOR {}", self.account(is_mariadb));
            let rows = self.rows(host, &query)?;
            let mut now =
                privileges::parse_grants(rows.into_iter().filter_map(|row| row.into_iter().next()));
            if self.column_case_sensitive != Some(true) {
                now = privileges::with_large_columns(now);
            }
            actual.privileges = Some(now);
        }
        Ok(actual)
    }

    fn desired(&self, host: &dyn Host, actual: &Role, is_mariadb: bool) -> Result<Role, Failure> {
        let mut desired = Role { is_there: true, ..Role::default() };
        if let Some(names) = self.members.as_ref().filter(|names| !names.is_empty()) {
            let named = self.wanted_members(host, names, self.members_must_exist, is_mariadb)?;
            let now = actual.members.clone().unwrap_or_default();
            desired.members = Some(if self.detach_members {
                now.difference(&named).cloned().collect()
            } else if self.append_members || named.is_empty() {
                now.union(&named).cloned().collect()
            } else {
                // Who made the role keeps it.
                let root = ("root".to_owned(), "localhost".to_owned());
                let maker = now.contains(&root).then_some(root);
                named.into_iter().chain(maker).collect()
            });
        } else {
            desired.members.clone_from(&actual.members);
        }
        if let Some(given) = &self.privileges {
            let mut wanted = privileges::parse(given)?;
            if self.column_case_sensitive != Some(true) {
                wanted = privileges::with_large_columns(wanted);
            }
            let way = match (self.append_privs, self.subtract_privs) {
                (_, true) => Way::Subtract,
                (true, _) => Way::Append,
                _ => Way::Replace,
            };
            let now = actual.privileges.clone().unwrap_or_default();
            desired.privileges = Some(privileges::wanted(wanted, now, way));
        }
        Ok(desired)
    }

    fn orders(&self, delta: &Delta<Role>, is_mariadb: bool) -> Result<Vec<String>, Failure> {
        let (actual, desired) = (&delta.actual, &delta.desired);
        let account = self.account(is_mariadb);
        let mut orders = Vec::new();
        if !desired.is_there {
            orders.push(format!("DROP ROLE {}", literal(&self.name)));
            return Ok(orders);
        }
        if !actual.is_there {
            let admin = match &self.admin {
                Some(admin) => {
                    format!(" WITH ADMIN {}", account_of(&self.member(admin, is_mariadb)?))
                }
                None => String::new(),
            };
            orders.push(format!("CREATE ROLE {}{admin}", literal(&self.name)));
        }
        let none = BTreeSet::new();
        let now = actual.members.as_ref().unwrap_or(&none);
        let wanted = desired.members.as_ref().unwrap_or(&none);
        for member in wanted.difference(now) {
            let member = account_of(member);
            orders.push(format!("GRANT {account} TO {member}"));
            if self.set_default_role_all && !is_mariadb {
                orders.push(format!("SET DEFAULT ROLE ALL TO {member}"));
            }
        }
        for member in now.difference(wanted) {
            orders.push(format!("REVOKE {account} FROM {}", account_of(member)));
        }
        if let Some(wanted) = &desired.privileges {
            let none = Privileges::new();
            let now = actual.privileges.as_ref().unwrap_or(&none);
            orders.extend(privileges::orders(now, wanted, &account));
        }
        Ok(orders)
    }
}

impl Module for MysqlRole {
    type State = Role;

    fn check(&self, host: &dyn Host) -> Result<Delta<Role>, Failure> {
        let is_mariadb = account::is_mariadb(self, host)?;
        if let Some(admin) = &self.admin {
            if !is_mariadb {
                return Err(Failure::new("The \"admin\" option can be used only with MariaDB."));
            }
            self.wanted_members(host, std::slice::from_ref(admin), true, is_mariadb)?;
        }
        if !self.state.is_present() {
            let is_there = self.is_there(host, is_mariadb)?;
            return Ok(Delta::new(Role { is_there, ..Role::default() }, Role::default()));
        }
        let actual = self.actual(host, is_mariadb)?;
        let mut desired = self.desired(host, &actual, is_mariadb)?;
        if !actual.is_there {
            // What is taken away from a new one is nothing that it gets.
            desired.members = desired.members.filter(|_| !self.detach_members);
            desired.privileges = desired.privileges.filter(|_| !self.subtract_privs);
        }
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Role>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let orders = self.orders(delta, account::is_mariadb(self, host)?)?;
        self.run(host, &orders)?;
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Role>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }

    /// `ALL` of a place may be told as a list of its own.
    fn look_again(&self, done: &Delta<Role>, host: &dyn Host) -> Result<Delta<Role>, Failure> {
        let mut delta = self.check(host)?;
        let has_all = |all: &Privileges| all.values().any(|words| words.contains("ALL"));
        if done.desired.privileges.as_ref().is_some_and(has_all) {
            delta.actual.privileges = None;
            delta.desired.privileges = None;
        }
        Ok(delta)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::{Value, json};

    use crate::cases::run;

    /// A server with a role `r` of root's and `a`'s, and a user `b`; what it is ordered is kept.
    fn server(version: &'static str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/orders", "");
        host.program("mysql", move |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            if text.starts_with("SELECT") || text.starts_with("SHOW") {
                let is_changed = !files.text("/orders").unwrap().is_empty();
                return Output::success(match text {
                    _ if text.contains("VERSION") => version,
                    _ if text.starts_with("SELECT User, Host FROM mysql.user") => {
                        "root\tlocalhost\na\t%\nb\t10.%\n"
                    }
                    _ if text.contains("User = 'r'") && !is_changed => "r\n",
                    _ if text.contains("roles_mapping") || text.contains("role_edges") => {
                        "root\tlocalhost\na\t%\n"
                    }
                    _ if text.contains("GRANTS") => "GRANT SELECT ON `d`.* TO `r`\n",
                    _ => "",
                });
            }
            files.put("/orders", text);
            Output::success("")
        });
        host
    }

    fn orders(version: &'static str, args: &Value) -> String {
        let mut host = server(version);
        let said = run("mysql_role", args, "", "", Mode { check: true, diff: false }, &mut host);
        assert!(!said.failed, "{args}: {said:?}");
        let did = run("mysql_role", args, "", "", Mode::default(), &mut host);
        assert_eq!(said.changed, did.changed || did.failed, "{args}: {did:?}");
        host.files.text("/orders").unwrap().trim().replace(";\n", "; ")
    }

    #[test]
    fn roles_are_kept() {
        for (version, args, given) in [
            ("10.11-MariaDB", json!({"name": "r"}), ""),
            ("10.11-MariaDB", json!({"name": "r", "members": ["a@%"]}), ""),
            (
                "10.11-MariaDB",
                json!({"name": "r", "members": ["nobody@x"], "members_must_exist": false}),
                "",
            ),
            (
                "10.11-MariaDB",
                json!({"name": "r", "members": ["b@10.%"]}),
                "GRANT 'r' TO 'b'@'10.%'; REVOKE 'r' FROM 'a'@'%';",
            ),
            (
                "10.11-MariaDB",
                json!({"name": "r", "members": ["a@%"], "detach_members": true}),
                "REVOKE 'r' FROM 'a'@'%';",
            ),
            (
                "8.0",
                json!({"name": "r", "members": ["b@10.%"], "append_members": true}),
                "GRANT 'r'@'%' TO 'b'@'10.%'; SET DEFAULT ROLE ALL TO 'b'@'10.%';",
            ),
            ("10.11-MariaDB", json!({"name": "r", "priv": "d.*:SELECT"}), ""),
            (
                "10.11-MariaDB",
                json!({"name": "r", "priv": "d.*:INSERT"}),
                "REVOKE SELECT ON `d`.* FROM 'r'; GRANT INSERT ON `d`.* TO 'r';",
            ),
            ("10.11-MariaDB", json!({"name": "r", "state": "absent"}), "DROP ROLE 'r';"),
            ("10.11-MariaDB", json!({"name": "n", "state": "absent"}), ""),
            (
                "10.11-MariaDB",
                json!({"name": "n", "admin": "b@10.%", "priv": "d.*:ALL"}),
                "CREATE ROLE 'n' WITH ADMIN 'b'@'10.%'; GRANT ALL ON `d`.* TO 'n';",
            ),
        ] {
            assert_eq!(orders(version, &args), given, "{args}");
        }
    }

    #[test]
    fn what_is_no_member_is_refused() {
        for (version, args, words) in [
            (
                "10.11-MariaDB",
                json!({"name": "r", "members": ["c@%"]}),
                "User / role `c` with host `%` does not exist",
            ),
            ("8.0", json!({"name": "r", "admin": "a@%"}), "only with MariaDB"),
            ("8.0", json!({"name": "r", "admin": "a@%", "members": ["a"]}), "mutually exclusive"),
            ("8.0", json!({"name": "r", "priv": "d.*"}), "invalid privileges string"),
        ] {
            let mut host = server(version);
            let response = run("mysql_role", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
