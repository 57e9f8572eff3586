//! Orders about privileges, and refusals.

use module::{Mode, Output, fake::FakeHost};
use serde_json::json;

use crate::cases::run;

/// `psql` that knows roles but `ghost`, and keeps the last script that was committed.
fn host() -> FakeHost {
    let mut host = FakeHost::default();
    host.put_dirs("/run");
    host.program("psql", |files, program| {
        let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
        if text.contains("SELECT row_to_json") {
            let names = text.split('\'').skip(1).step_by(2).filter(|name| *name != "ghost");
            return Output::success(
                names.map(|name| format!("{{\"rolname\":\"{name}\"}}\n")).collect::<String>(),
            );
        }
        let orders: String = text
            .lines()
            .filter(|line| line.ends_with(';') && !line.starts_with("SELECT"))
            .collect();
        let orders = orders.replace("BEGIN;", "").replace("COMMIT;", "").replace("ROLLBACK;", "");
        let before = files.text("/run/given").unwrap_or_default();
        if text.ends_with("COMMIT;\n") {
            files.put("/run/given", orders.clone());
        }
        Output::success(format!("{before}\n-- trueup --\n{orders}\n"))
    });
    host
}

#[test]
fn orders_are_those_of_the_server() {
    for (args, orders) in [
        (
            json!({"privs": "select,INSERT", "objs": "books,a\"b", "roles": "r,PUBLIC"}),
            "GRANT INSERT,SELECT ON TABLE \"public\".\"books\",\"public\".\"a\"\"b\" TO \"r\",PUBLIC;",
        ),
        (
            json!({"privs": "ALL", "type": "database", "roles": "r", "grant_option": true}),
            "GRANT ALL ON DATABASE \"library\" TO \"r\" WITH GRANT OPTION;",
        ),
        (
            json!({"privs": "EXECUTE", "type": "function", "objs": "add(int:int)", "schema": "math", "roles": "r", "grant_option": false}),
            "GRANT EXECUTE ON FUNCTION \"math\".\"add\"(int,int) TO \"r\";REVOKE GRANT OPTION FOR EXECUTE ON FUNCTION \"math\".\"add\"(int,int) FROM \"r\";",
        ),
        (
            json!({"privs": "USAGE", "objs": "ALL_IN_SCHEMA", "type": "sequence", "roles": "r", "state": "absent"}),
            "REVOKE USAGE ON ALL SEQUENCES IN SCHEMA \"public\" FROM \"r\";",
        ),
        (
            json!({"type": "group", "objs": "staff", "roles": "r", "admin_option": true}),
            "GRANT \"staff\" TO \"r\" WITH ADMIN OPTION;",
        ),
        (
            json!({"type": "parameter", "privs": "ALTER_SYSTEM,SET", "objs": "work_mem", "roles": "r"}),
            "GRANT ALTER SYSTEM,SET ON PARAMETER \"work_mem\" TO \"r\";",
        ),
        (
            json!({"type": "default_privs", "privs": "SELECT", "objs": "TABLES", "target_roles": "maker", "roles": "r"}),
            "ALTER DEFAULT PRIVILEGES FOR ROLE \"maker\" IN SCHEMA \"public\" REVOKE ALL ON TABLES FROM \"r\";ALTER DEFAULT PRIVILEGES FOR ROLE \"maker\" IN SCHEMA \"public\" GRANT SELECT ON TABLES TO \"r\";",
        ),
        (
            json!({"privs": "SELECT", "objs": "t", "roles": "r,ghost", "fail_on_role": false}),
            "GRANT SELECT ON TABLE \"public\".\"t\" TO \"r\";",
        ),
    ] {
        let mut host = host();
        let check = Mode { check: true, diff: false };
        let foretold = run("postgresql_privs", &args, "db", "library", check, &mut host);
        let first = run("postgresql_privs", &args, "db", "library", Mode::default(), &mut host);
        let again = run("postgresql_privs", &args, "db", "library", Mode::default(), &mut host);
        assert_eq!(
            (first.failed, foretold.changed, first.changed, again.changed),
            (false, true, true, false),
            "{args}: {first:?}"
        );
        assert_eq!(host.files.text("/run/given").as_deref(), Some(orders), "{args}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (args, words) in [
        (json!({"objs": "t", "roles": "r"}), "\"privs\" is required for type \"table\""),
        (json!({"privs": "SELECT", "roles": "r"}), "\"objs\" is required for type \"table\""),
        (json!({"privs": "FLY", "objs": "t", "roles": "r"}), "Invalid privileges specified: FLY"),
        (
            json!({"privs": "ALL", "type": "group", "objs": "g", "roles": "r"}),
            "\"privs\" is not allowed for type \"group\"",
        ),
        (
            json!({"privs": "ALL", "type": "schema", "schema": "s", "objs": "g", "roles": "r"}),
            "\"schema\" is not allowed for type \"schema\"",
        ),
        (
            json!({"privs": "ALL", "type": "schema", "objs": "ALL_IN_SCHEMA", "roles": "r"}),
            "ALL_IN_SCHEMA can be used only for",
        ),
        (
            json!({"privs": "EXECUTE", "type": "default_privs", "objs": "TABLES", "roles": "r"}),
            "Invalid priv specified",
        ),
        (
            json!({"privs": "ALL", "type": "default_privs", "objs": "VIEWS", "roles": "r"}),
            "Invalid Object set specified: VIEWS",
        ),
        (json!({"privs": "ALL", "objs": "t", "roles": "ghost"}), "Role 'ghost' does not exist"),
        (
            json!({"privs": "ALL", "objs": "t", "roles": "a;drop", "trust_input": false}),
            "potentially dangerous",
        ),
    ] {
        let response =
            run("postgresql_privs", &args, "db", "library", Mode::default(), &mut host());
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
}
