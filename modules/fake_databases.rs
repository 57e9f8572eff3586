//! Clients of databases in memory, for examples and tests.

use std::path::Path;

use module::{
    Output,
    fake::{FakeHost, Files},
};

/// `psql`, which knows roles, databases, schemas and extensions by their names alone.
pub fn put_psql(host: &mut FakeHost) {
    host.put_dirs("/run/pg");
    host.program("psql", |files: &mut Files, program| {
        let text = String::from_utf8(program.stdin.clone().unwrap_or_default()).unwrap_or_default();
        let text = text.replace("\"public\".", "");
        let between = |head: &str, end: char| -> Option<String> {
            Some(text.split_once(head)?.1.split(end).next()?.to_owned())
        };
        // What is rehearsed is forgotten.
        if text.contains("ROLLBACK;") {
            return Output::success("");
        }
        if text.contains("pg_file_settings") {
            let now = files.text("/run/pg/setting").unwrap_or_else(|| "4096".into());
            return Output::success(format!(
                "{{\"vartype\":\"integer\",\"unit\":\"kB\",\"context\":\"user\",\"setting\":\"{now}\"}}\n"
            ));
        }
        if text.starts_with("ALTER SYSTEM") {
            files.put("/run/pg/setting", "131072");
        }
        if let Some(name) = between("_replication_slot('", '\'') {
            let path = format!("/run/pg/slot-{name}");
            match text.contains("pg_drop") {
                true => files.remove(Path::new(&path)),
                false => files.put(&path, ""),
            }
            return Output::success("");
        }
        let kinds = [
            ("c.relname = '", "TABLE", "table"),
            ("c.relname = '", "INDEX CONCURRENTLY", "table"),
            ("lanname = '", "LANGUAGE", "language"),
            ("sequence_name = '", "SEQUENCE", "sequence"),
            ("spcname = '", "TABLESPACE", "tablespace"),
            ("pubname = '", "PUBLICATION", "publication"),
            ("subname = '", "SUBSCRIPTION", "subscription"),
            ("slot_name = '", "SLOT", "slot"),
            ("rolname = '", "USER", "role"),
            ("datname = '", "DATABASE", "database"),
            ("extname = '", "EXTENSION", "extension"),
            ("nspname = '", "SCHEMA", "schema"),
        ];
        if text.contains("pg_available_extensions") {
            return Output::success("{\"default_version\":\"1.0\"}\n");
        }
        for (query, _, kind) in kinds {
            if let Some(name) = between(query, '\'').filter(|_| text.starts_with("SELECT")) {
                return match files.text(&format!("/run/pg/{kind}-{name}")) {
                    Some(_) => Output::success(
                        "{\"owner\":\"web\",\"rolsuper\":false,\"trusted\":false,\"location\":\"/srv/fast\",\"slot_type\":\"physical\",\"subconninfo\":\"host=db1 dbname=app\",\"subpublications\":[\"all_of_it\"]}\n",
                    ),
                    None => Output::success(""),
                };
            }
        }
        for (_, order, kind) in kinds {
            if let Some(name) = between(&format!("CREATE {order} \""), '"') {
                files.put(&format!("/run/pg/{kind}-{name}"), "");
            }
            if let Some(name) = between(&format!("DROP {order} \""), '"') {
                files.remove(Path::new(&format!("/run/pg/{kind}-{name}")));
            }
        }
        Output::success("")
    });
}

/// `mysql`: a user is a file of its hash and a line a grant.
pub fn put_mysql(host: &mut FakeHost) {
    host.put_dirs("/run/mysql");
    host.program("mysql", |files: &mut Files, program| {
        let text = String::from_utf8(program.stdin.clone().unwrap_or_default()).unwrap_or_default();
        let mut said = String::new();
        for order in text.lines().map(|line| line.trim_end_matches(';')) {
            let quoted: Vec<&str> = order.split('\'').skip(1).step_by(2).collect();
            let user = |name: &str| format!("/run/mysql/user-{name}");
            let base = |name: &str| format!("/run/mysql/db-{}", name.replace("``", "~"));
            let words: Vec<&str> = order.split(' ').collect();
            let account = order
                .split_once(" TO ")
                .or_else(|| order.split_once(" FROM "))
                .map(|(_, rest)| user(rest.split('\'').nth(1).unwrap_or_default()));
            match words.as_slice() {
                ["SHOW", "GLOBAL", "VARIABLES", ..] => {
                    let now = files.text("/run/mysql/variable").unwrap_or_else(|| "151".into());
                    said.push_str(&format!("{}\t{now}\n", quoted[0]));
                }
                ["SET", "GLOBAL", _, "=", value] => files.put("/run/mysql/variable", *value),
                ["SELECT", "schema_name", ..] => {
                    for name in quoted {
                        if files.text(&base(&name.replace('`', "``"))).is_some() {
                            said.push_str(&format!("{name}\n"));
                        }
                    }
                }
                ["SELECT", "Host", ..]
                    if files.text(&user(quoted.first().unwrap_or(&""))).is_some() =>
                {
                    said.push_str("localhost\n");
                }
                ["SELECT", "User", ..]
                    if order.contains("is_role") || order.contains("Host = '%'") =>
                {
                    let there = files.text(&format!("/run/mysql/role-{}", quoted[0])).is_some();
                    said.push_str(if there { "role\n" } else { "" });
                }
                ["CREATE", "ROLE", ..] => {
                    files.put(&format!("/run/mysql/role-{}", quoted[0]), "");
                    files.put(&user(quoted[0]), "\n");
                }
                ["DROP", "ROLE", ..] => {
                    files.remove(Path::new(&format!("/run/mysql/role-{}", quoted[0])));
                }
                ["SELECT", "attribute", ..] => {
                    return Output::failure(1, "ERROR 1109 (42S02): Unknown table");
                }
                ["SHOW", "CREATE", "USER", ..] => {
                    let text = files.text(&user(quoted[0])).unwrap_or_default();
                    let hash = text.lines().next().unwrap_or_default();
                    said.push_str(&format!(
                        "CREATE USER x IDENTIFIED WITH mysql_native_password AS '{hash}'\n"
                    ));
                }
                ["SHOW", "GRANTS", ..] => {
                    let text = files.text(&user(quoted[0])).unwrap_or_default();
                    for grant in text.lines().skip(1) {
                        said.push_str(&format!("GRANT {grant} TO `u`@`h`\n"));
                    }
                }
                [verb @ ("CREATE" | "DROP"), "DATABASE", name, ..] => {
                    let name = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
                    let path = base(name.unwrap_or_default());
                    match *verb {
                        "CREATE" => files.put(&path, ""),
                        _ => files.remove(Path::new(&path)),
                    }
                }
                ["DROP", "USER", ..] => files.remove(Path::new(&user(quoted[0]))),
                ["CREATE" | "ALTER", "USER", ..] => {
                    let old = files.text(&user(quoted[0])).unwrap_or_default();
                    let grants: String =
                        old.lines().skip(1).map(|line| format!("{line}\n")).collect();
                    let now = old.lines().next().unwrap_or_default();
                    let hash = quoted.get(2).filter(|_| order.contains("IDENTIFIED"));
                    let hash = hash.copied().unwrap_or(now);
                    files.put(&user(quoted[0]), format!("{hash}\n{grants}"));
                }
                ["GRANT" | "REVOKE", ..] => {
                    let path = account.unwrap_or_default();
                    let old = files.text(&path).unwrap_or_default();
                    let (words, rest) = order.split_once(" ON ").unwrap_or((order, ""));
                    let (verb, words) = words.split_once(' ').unwrap_or((words, ""));
                    let place = rest.split(' ').next().unwrap_or_default();
                    let line = format!("{words} ON {place}\n");
                    let new = if verb == "GRANT" { old + &line } else { old.replace(&line, "") };
                    files.put(&path, new);
                }
                _ => {}
            }
        }
        Output::success(said)
    });
}
