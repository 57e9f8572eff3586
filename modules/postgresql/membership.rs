//! The `postgresql_membership` module of the collection `community.postgresql`.

use module::{Arguments, Choices, Documented, Example, Failure, Host, Returned};
use protocol::{Json, JsonMap, spec::Support};

use super::{Login, identifier, literal, server_words, text};
use crate::stepwise::{Steps, Stepwise};

/// Keeps which roles are members of which.
#[derive(Debug, Arguments)]
pub struct PostgresqlMembership {
    /// The roles that have members.
    #[argument(aliases("group", "source_role", "source_roles"))]
    groups: Vec<String>,
    /// The members.
    #[argument(aliases("target_role", "users", "user"))]
    target_roles: Vec<String>,
    /// Whether a role that is not there is a failure, and not only a warning.
    #[argument(default = true)]
    fail_on_role: bool,
    /// Whether they are members; `exact`: and of no other role.
    #[argument(default = "present")]
    state: State,
    /// The database that is logged in to.
    #[argument(aliases("db"))]
    login_db: Option<String>,
    #[argument(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Exact,
    Present,
}

impl Documented for PostgresqlMembership {
    const NAME: &'static str = "community.postgresql.postgresql_membership";
    const ALIASES: &'static [&'static str] = &["postgresql_membership"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A reader",
            args: r#"{"group": "read_only", "target_roles": ["alice", "bob"]}"#,
        },
        Example {
            title: "No longer",
            args: r#"{"group": "read_only", "target_role": "alice", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "queries",
            "Orders that were given.",
            "success",
            r#"["GRANT \"read_only\" TO \"alice\""]"#,
        ),
        Returned::new(
            "granted",
            "Members that came, by role.",
            "state=present or exact",
            r#"{"read_only": ["alice"]}"#,
        ),
        Returned::new(
            "revoked",
            "Members that went, by role.",
            "state=absent or exact",
            r#"{"read_only": []}"#,
        ),
        Returned::new("state", "The state.", "success", r#""present""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl PostgresqlMembership {
    fn column(&self, host: &dyn Host, query: &str, name: &str) -> Result<Vec<String>, Failure> {
        let database = self.login_db.as_deref().unwrap_or_default();
        let rows = self.login.rows(host, database, query)?;
        Ok(rows.iter().map(|row| text(row, name)).collect())
    }

    /// The roles of a list that are there.
    fn known(
        &self,
        host: &dyn Host,
        names: &[String],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<String>, Failure> {
        let list: Vec<String> = names.iter().map(|name| literal(name)).collect();
        let query = format!(
            "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ({})",
            list.join(", ")
        );
        let found = self.column(host, &query, "rolname")?;
        let (known, gone): (Vec<String>, Vec<String>) =
            names.iter().cloned().partition(|name| found.contains(name));
        if let Some(name) = gone.first().filter(|_| self.fail_on_role) {
            return Err(Failure::new(format!("Role {name} does not exist")));
        }
        warnings.extend(gone.iter().map(|name| format!("Role {name} does not exist")));
        Ok(known)
    }
}

impl Stepwise for PostgresqlMembership {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let texts = self.groups.iter().chain(&self.target_roles);
        self.login.refuse_orders(texts.map(String::as_str))?;
        if self.groups.is_empty() || self.target_roles.is_empty() {
            return Err(Failure::new("groups and target_roles need a role each"));
        }
        let mut warnings = Vec::new();
        let groups = self.known(host, &self.groups, &mut warnings)?;
        let roles = self.known(host, &self.target_roles, &mut warnings)?;
        let (mut granted, mut revoked) = (JsonMap::new(), JsonMap::new());
        let mut orders = Vec::new();
        for role in &roles {
            let query = format!(
                "SELECT g.rolname FROM pg_catalog.pg_auth_members m \
                 JOIN pg_catalog.pg_roles g ON g.oid = m.roleid \
                 JOIN pg_catalog.pg_roles u ON u.oid = m.member WHERE u.rolname = {} \
                 ORDER BY g.rolname",
                literal(role)
            );
            let now = self.column(host, &query, "rolname")?;
            let (new, gone): (Vec<&String>, Vec<&String>) = match self.state {
                State::Present => {
                    (groups.iter().filter(|one| !now.contains(one)).collect(), vec![])
                }
                State::Absent => (vec![], groups.iter().filter(|one| now.contains(one)).collect()),
                State::Exact => (
                    groups.iter().filter(|one| !now.contains(one)).collect(),
                    now.iter().filter(|one| !groups.contains(one)).collect(),
                ),
            };
            let add = |map: &mut JsonMap, group: &String| {
                if let Json::Array(all) =
                    map.entry(group.clone()).or_insert_with(|| Json::Array(vec![]))
                {
                    all.push(role.clone().into());
                }
            };
            for group in gone {
                orders.push(format!("REVOKE {} FROM {}", identifier(group), identifier(role)));
                add(&mut revoked, group);
            }
            for group in new {
                orders.push(format!("GRANT {} TO {}", identifier(group), identifier(role)));
                add(&mut granted, group);
            }
        }
        for group in &groups {
            for map in [&mut granted, &mut revoked] {
                map.entry(group.clone()).or_insert_with(|| Json::Array(Vec::new()));
            }
        }
        let database = self.login_db.as_deref().unwrap_or_default();
        let all: String = orders.iter().map(|order| format!("{order};\n")).collect();
        let program = match orders.is_empty() {
            true => None,
            false => Some(self.login.psql(database, &format!("BEGIN;\n{all}COMMIT;\n"))?),
        };
        let mut steps = Steps { warnings, ..Steps::new(program) }
            .with("queries", orders)
            .with("groups", groups)
            .with("target_roles", roles)
            .with("state", self.state.as_str());
        if self.state != State::Absent {
            steps = steps.with("granted", granted);
        }
        Ok(if self.state == State::Present { steps } else { steps.with("revoked", revoked) })
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

    /// A server with the roles g, h, a and b; a is a member of h.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/members", "h a\n");
        host.program("psql", |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let members = files.text("/members").unwrap();
            let row = |name: &str| format!("{{\"rolname\":\"{name}\"}}\n");
            if text.contains("pg_auth_members") {
                let role = text.split('\'').nth(1).unwrap();
                let of = members.lines().filter_map(|line| line.split_once(' '));
                let of = of.filter(|(_, member)| *member == role).map(|(group, _)| row(group));
                return Output::success(of.collect::<String>());
            }
            if text.starts_with("SELECT") {
                let names = text.split('\'').skip(1).step_by(2);
                let known = names.filter(|name| ["g", "h", "a", "b"].contains(name)).map(row);
                return Output::success(known.collect::<String>());
            }
            let mut all: Vec<String> = members.lines().map(str::to_owned).collect();
            for order in text.lines().filter(|line| line.contains('"')) {
                let names: Vec<&str> = order.split('"').skip(1).step_by(2).collect();
                let line = names.join(" ");
                all.retain(|one| *one != line);
                all.extend(order.starts_with("GRANT").then_some(line));
            }
            files.put("/members", all.iter().map(|line| format!("{line}\n")).collect::<String>());
            Output::success("")
        });
        host
    }

    #[test]
    fn members_are_kept() {
        for (args, orders) in [
            (json!({"group": "h", "user": "a"}), json!([])),
            (
                json!({"groups": ["g", "h"], "users": ["a", "b"]}),
                json!(["GRANT \"g\" TO \"a\"", "GRANT \"g\" TO \"b\"", "GRANT \"h\" TO \"b\""]),
            ),
            (
                json!({"group": "g", "user": "a", "state": "exact"}),
                json!(["REVOKE \"h\" FROM \"a\"", "GRANT \"g\" TO \"a\""]),
            ),
            (
                json!({"group": ["g", "h"], "user": "a", "state": "absent"}),
                json!(["REVOKE \"h\" FROM \"a\""]),
            ),
            (json!({"group": "h", "user": "nosuch", "fail_on_role": false}), json!([])),
        ] {
            let mut host = host();
            let done = run("postgresql_membership", &args, "", "", Mode::default(), &mut host);
            assert_eq!(done.msg, None, "{args}");
            assert_eq!(done.returned["queries"], orders, "{args}");
            let again = run("postgresql_membership", &args, "", "", Mode::default(), &mut host);
            assert!(!again.changed, "{args}");
        }
    }

    #[test]
    fn roles_that_are_not_there_are_refused() {
        for (args, words) in [
            (json!({"group": "g", "user": "nosuch"}), "Role nosuch does not exist"),
            (json!({"group": "nosuch", "user": "a"}), "Role nosuch does not exist"),
            (json!({"group": "g"}), "missing required arguments: target_roles"),
            (json!({"group": [], "user": "a"}), "need a role each"),
        ] {
            let done = run("postgresql_membership", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
