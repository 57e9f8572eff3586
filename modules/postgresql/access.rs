//! The `postgresql_pg_hba` module of the collection `community.postgresql`.

mod rule;

use std::path::PathBuf;

use module::{Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, Returned};
use protocol::{Json, JsonMap, python};

use crate::{
    editing::{Edited, Editing},
    presence::Presence,
    text_file::{TextFile, TextState},
};
use rule::{Line, Rule};

/// Keeps who may log in to a server of PostgreSQL from where, in its `pg_hba.conf`.
#[derive(Debug, Arguments)]
pub struct PostgresqlPgHba {
    /// The file.
    dest: PathBuf,
    /// Whether the file is made where it is not there.
    #[argument(default = false)]
    create: bool,
    /// The kind of connections; without it and `rules`, the file is only read.
    #[argument(choices("local", "host", "hostnossl", "hostssl", "hostgssenc", "hostnogssenc"))]
    contype: Option<String>,
    /// The databases, with commas between them; each has a rule of its own.
    #[argument(default = "all")]
    databases: String,
    /// The users, likewise.
    #[argument(default = "all")]
    users: String,
    /// Where connections come from: a network, a host's name or the end of it, or a keyword.
    #[argument(default = "samehost", aliases("source", "src"))]
    address: String,
    /// The mask of an address that has none.
    netmask: Option<String>,
    /// How users prove who they are.
    #[argument(
        default = "md5",
        choices(
            "cert",
            "gss",
            "ident",
            "krb5",
            "ldap",
            "md5",
            "pam",
            "password",
            "peer",
            "radius",
            "reject",
            "scram-sha-256",
            "sspi",
            "trust"
        )
    )]
    method: String,
    /// Options of that: `key=value`, with blanks between them.
    options: Option<String>,
    /// A remark behind the rule, or a line of its own where there is no kind.
    comment: Option<String>,
    /// Whether the rule should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Several rules: dicts of the arguments above.
    rules: Option<Vec<JsonMap>>,
    /// Whether those arguments stand for what rules leave out, or must not stand beside them.
    #[argument(default = "conflict")]
    rules_behavior: Behavior,
    /// Whether all other rules go.
    #[argument(default = false)]
    overwrite: bool,
    /// Whether narrow rules are put before wide ones.
    #[argument(default = true)]
    sort_rules: bool,
    /// Means nothing any more: remarks stay at their rules.
    #[argument(default = true)]
    #[expect(dead_code, reason = "it is an argument, and means nothing")]
    keep_comments_at_rules: bool,
    /// Whether the old file is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
    /// Under which name.
    backup_file: Option<String>,
    #[argument(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Behavior {
    Conflict,
    Combine,
}

impl Documented for PostgresqlPgHba {
    const NAME: &'static str = "community.postgresql.postgresql_pg_hba";
    const ALIASES: &'static [&'static str] = &["postgresql_pg_hba"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Two users of a network",
            args: r#"{"dest": "/etc/pg_hba.conf", "contype": "host", "users": "joe,simon", "source": "2001:db8::/48", "databases": "sales", "method": "scram-sha-256", "create": true}"#,
        },
        Example {
            title: "Nothing else",
            args: r#"{"dest": "/etc/pg_hba.conf", "overwrite": true, "create": true, "rules": [{"contype": "local", "users": "postgres", "method": "peer"}]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("msgs", "What was done, in words.", "success", r#"["Changed"]"#),
        Returned::new(
            "pg_hba",
            "The rules.",
            "success",
            r#"[{"db": "all", "method": "peer", "type": "local", "usr": "all"}]"#,
        ),
        Returned::new("pg_hba_string", "The file.", "success", r#""local\tall\tall\tpeer\n""#),
        Returned::new("backup_file", "Where the old file is.", "changed", r#""/a~""#),
    ];
}

/// What a rule says, by the names of arguments.
const KEYS: [&str; 9] = [
    "address",
    "comment",
    "contype",
    "databases",
    "method",
    "netmask",
    "options",
    "state",
    "users",
];

impl PostgresqlPgHba {
    /// What the task's own arguments say.
    fn own(&self) -> JsonMap {
        let text = |value: &Option<String>| value.clone().map_or(Json::Null, Json::String);
        JsonMap::from_iter([
            ("address".to_owned(), self.address.clone().into()),
            ("comment".to_owned(), text(&self.comment)),
            ("contype".to_owned(), text(&self.contype)),
            ("databases".to_owned(), self.databases.clone().into()),
            ("method".to_owned(), self.method.clone().into()),
            ("netmask".to_owned(), text(&self.netmask)),
            ("options".to_owned(), text(&self.options)),
            ("state".to_owned(), self.state.as_str().into()),
            ("users".to_owned(), self.users.clone().into()),
        ])
    }

    /// The rules that the task is about, as dicts of all their arguments.
    fn given(&self) -> Result<Vec<JsonMap>, Failure> {
        let own = self.own();
        let Some(rules) = self.rules.as_ref().filter(|rules| !rules.is_empty()) else {
            let is_given = self.contype.is_some() || self.comment.is_some();
            return Ok(is_given.then_some(own).into_iter().collect());
        };
        let defaults = JsonMap::from_iter([
            ("address".to_owned(), "samehost".into()),
            ("databases".to_owned(), "all".into()),
            ("method".to_owned(), "md5".into()),
            ("state".to_owned(), "present".into()),
            ("users".to_owned(), "all".into()),
        ]);
        let default = |key: &str| defaults.get(key).cloned().unwrap_or(Json::Null);
        if self.rules_behavior == Behavior::Conflict {
            let used: Vec<&str> =
                KEYS.into_iter().filter(|key| own.get(*key) != Some(&default(key))).collect();
            if !used.is_empty() {
                return Err(Failure::new(format!(
                    "conflict: either argument \"rules_behavior\" needs to be changed or \"rules\" must not be set or {} must not be set",
                    used.join(", ")
                )));
            }
        }
        let mut all = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let mut whole = JsonMap::new();
            for (key, value) in rule {
                let key = if key == "source" || key == "src" { "address" } else { key.as_str() };
                if !KEYS.contains(&key) {
                    return Err(Failure::new(format!(
                        "rule number {index} of the \"rules\" argument has an unknown key {key}"
                    )));
                }
                if whole.insert(key.to_owned(), value.clone()).is_some() {
                    return Err(Failure::new(format!(
                        "rule number {index} of the \"rules\" argument uses ambiguous settings: address, source and src are aliases, only one is allowed"
                    )));
                }
            }
            for key in KEYS {
                whole.entry(key).or_insert_with(|| match self.rules_behavior {
                    Behavior::Combine => own.get(key).cloned().unwrap_or(Json::Null),
                    Behavior::Conflict => default(key),
                });
            }
            all.push(whole);
        }
        Ok(all)
    }

    /// The lines that the task is about: each with whether it should be there.
    fn wanted(&self) -> Result<Vec<(Line, bool)>, Failure> {
        let fail = |why: String| Failure::new(format!("Error modifying rules:\n{why}"));
        let mut all = Vec::new();
        for map in self.given()? {
            let text = |key: &str| match map.get(key) {
                None | Some(Json::Null) => String::new(),
                Some(value) => python::text(value),
            };
            let is_present = match text("state").as_str() {
                "present" => true,
                "absent" => false,
                other => return Err(fail(format!("Unknown state {other}"))),
            };
            if text("contype").is_empty() {
                let comment = text("comment");
                if comment.contains('\n') {
                    return Err(fail("a comment is one line".into()));
                }
                if !comment.is_empty() {
                    all.push((Line::Comment(rule::mark(&comment)), is_present));
                }
                continue;
            }
            let split = |text: &str| -> Vec<String> {
                match text.starts_with('"') {
                    true => vec![text.to_owned()],
                    false => text.split(',').map(str::to_owned).collect(),
                }
            };
            for database in split(&text("databases")) {
                for user in split(&text("users")) {
                    for (what, name) in [("database", &database), ("users", &user)] {
                        if rule::words(name).map_err(fail)?.len() != 1 {
                            let why = format!("Invalid string for {what}: {name}");
                            return Err(Failure::new(why));
                        }
                    }
                    let rule = Rule::given(&map, &database, &user).map_err(fail)?;
                    all.push((Line::Rule(rule), is_present));
                }
            }
        }
        Ok(all)
    }

    /// Whether two lines are about the same.
    fn is_same(one: &Line, other: &Line) -> bool {
        match (one, other) {
            (Line::Rule(one), Line::Rule(other)) => one.is_same(other),
            (Line::Comment(one), Line::Comment(other)) => one.trim() == other.trim(),
            (one, other) => one == other,
        }
    }

    fn is_identical(one: &Line, other: &Line) -> bool {
        match (one, other) {
            (Line::Rule(one), Line::Rule(other)) => one.is_identical(other),
            _ => Self::is_same(one, other),
        }
    }

    /// Takes lines to what the task says; returns what was done, nothing where all was so.
    fn change(&self, all: &mut Vec<Line>) -> Result<Vec<String>, Failure> {
        let wanted = self.wanted()?;
        let mut msgs = Vec::new();
        if self.overwrite {
            let mut new: Vec<Line> = wanted.into_iter().map(|(line, _)| line).collect();
            if self.sort_rules {
                rule::sort(&mut new);
            }
            let is_same = new.len() == all.len()
                && new.iter().zip(all.iter()).all(|(one, other)| Self::is_identical(one, other));
            if !is_same {
                *all = new;
                msgs.push("Changed".to_owned());
            }
            return Ok(msgs);
        }
        for (line, is_present) in wanted {
            let shown = rule::write(std::slice::from_ref(&line));
            let shown = shown.trim_end();
            let place = all.iter().position(|one| Self::is_same(one, &line));
            match (place, is_present) {
                (None, true) => {
                    msgs.push(format!("Adding rule {shown}"));
                    all.push(line);
                }
                (Some(at), true) => {
                    if let Some(old) = all.get_mut(at).filter(|one| !Self::is_identical(one, &line))
                    {
                        msgs.push(format!("Updating rule {shown}"));
                        *old = line;
                    }
                }
                (Some(at), false) => {
                    msgs.push(format!("Removing rule {shown}"));
                    all.remove(at);
                }
                (None, false) => {}
            }
        }
        if !msgs.is_empty() {
            msgs.push("Changed".to_owned());
            if self.sort_rules {
                rule::sort(all);
            }
        }
        Ok(msgs)
    }
}

impl Editing for PostgresqlPgHba {
    fn text_file(&self) -> TextFile<'_> {
        TextFile { backup: self.backup, ..TextFile::new(&self.dest, &self.file) }
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        if let Some(name) = &self.backup_file {
            return Err(Failure::new(format!(
                "backup_file={name} is not implemented: backup=true keeps the old file under a name of its own"
            )));
        }
        let parsed = rule::parse(before.unwrap_or_default());
        let mut all = match parsed {
            Err(_) if self.overwrite => Vec::new(),
            parsed => parsed.map_err(|why| Failure::new(format!("Error reading file:\n{why}")))?,
        };
        let msgs = self.change(&mut all)?;
        let changed = !msgs.is_empty();
        if changed && before.is_none() && !self.create {
            return Err(Failure::new(format!(
                "pg_hba file '{}' doesn't exist. Use the create option to autocreate.",
                self.dest.display()
            )));
        }
        let rules = all.iter().filter_map(|line| match line {
            Line::Rule(rule) => Some(Json::Object(rule.returned())),
            _ => None,
        });
        let rules: Vec<Json> = rules.collect();
        let text = match changed {
            true => rule::write(&all),
            false => before.unwrap_or_default().to_owned(),
        };
        let returned = JsonMap::from_iter([
            ("msgs".to_owned(), msgs.into()),
            ("pg_hba".to_owned(), rules.into()),
            ("pg_hba_string".to_owned(), text.clone().into()),
        ]);
        Ok(Edited { after: changed.then_some(text), returned, ..Edited::default() })
    }

    fn returned(&self, _: &Delta<TextState>, edited: &Edited) -> JsonMap {
        edited.returned.clone()
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const FILE: &str = "# own\nlocal all postgres peer\n\nlocal   all all peer # all\nhost all all 127.0.0.1/32 md5\nhost all all ::1/128 scram-sha-256 map=x\n";

    #[test]
    fn rules_are_kept() {
        let local = json!({"contype": "local", "users": "postgres", "method": "peer"});
        for (args, after) in [
            (json!({}), FILE.to_owned()),
            (local.clone(), FILE.to_owned()),
            (json!({"contype": "host", "address": "127.0.0.1/32"}), FILE.to_owned()),
            (
                json!({"contype": "host", "address": "10.1.0.0/16", "users": "web", "databases": "b,a", "options": "z=1 y=2", "comment": "us"}),
                "# own\nlocal all postgres peer\nlocal   all all peer # all\nhost all all 127.0.0.1/32 md5\nhost all all ::1/128 scram-sha-256 map=x\nhost\ta\tweb\t10.1.0.0/16\tmd5\ty=2 z=1\t#us\nhost\tb\tweb\t10.1.0.0/16\tmd5\ty=2 z=1\t#us\n".to_owned(),
            ),
            (
                json!({"contype": "host", "address": "::1/128", "method": "trust", "sort_rules": false}),
                FILE.replace("host all all ::1/128 scram-sha-256 map=x", "host\tall\tall\t::1/128\ttrust"),
            ),
            (
                json!({"contype": "local", "state": "absent", "sort_rules": false}),
                FILE.replace("local   all all peer # all\n", ""),
            ),
            (
                json!({"overwrite": true, "rules": [{"contype": "host", "src": "10.0.0.7", "netmask": "255.255.255.0"}, local]}),
                "local\tall\tpostgres\tpeer\nhost\tall\tall\t10.0.0.0/24\tmd5\n".to_owned(),
            ),
            (
                json!({"comment": "note", "sort_rules": false}),
                format!("{FILE}#note\n"),
            ),
        ] {
            let mut host = FakeHost::default();
            host.put("/hba", FILE);
            let done = run("postgresql_pg_hba", &args, "dest", "/hba", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, after != FILE), "{args}: {done:?}");
            assert_eq!(host.files.text("/hba"), Some(after), "{args}");
            let again = run("postgresql_pg_hba", &args, "dest", "/hba", Mode::default(), &mut host);
            assert!(!again.changed, "{args}: {again:?}");
        }
    }

    #[test]
    fn narrow_rules_come_first() {
        let rules =
            ["all", "samehost", "10.0.0.0/8", "10.1.1.1/32", "::/0", "db.x", ".x", "samenet"]
                .map(|source| json!({"contype": "host", "address": source}));
        let args = json!({"rules": rules, "create": true});
        let mut host = FakeHost::default();
        let done = run("postgresql_pg_hba", &args, "dest", "/hba", Mode::default(), &mut host);
        let order: Vec<&str> = done.returned["pg_hba"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["src"].as_str().unwrap())
            .collect();
        assert_eq!(
            order,
            ["samehost", "10.1.1.1/32", "db.x", "samenet", ".x", "10.0.0.0/8", "::/0", "all"]
        );
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for (text, args, words) in [
            ("", json!({"contype": "host", "address": "10.0.0.1/8"}), "has host bits set"),
            ("", json!({"contype": "host", "address": "10.0.0.1"}), "needs to contain a netmask"),
            ("", json!({"contype": "host", "address": "10.0.0.256"}), "neither a valid IP"),
            (
                "",
                json!({"contype": "host", "address": "10.0.0.1", "netmask": "255.0.255.0"}),
                "1 after 0",
            ),
            (
                "",
                json!({"contype": "host", "address": "x", "netmask": "255.0.0.0"}),
                "can't contain a netmask",
            ),
            ("", json!({"contype": "local", "options": "x"}), "format 'key=value'"),
            ("", json!({"contype": "local", "users": "a b"}), "Invalid string for users"),
            ("", json!({"users": "a", "rules": [{"contype": "local"}]}), "conflict: either"),
            ("", json!({"rules": [{"contype": "local", "usr": "a"}]}), "unknown key usr"),
            (
                "",
                json!({"rules": [{"contype": "host", "src": "all", "address": "all"}]}),
                "aliases",
            ),
            ("", json!({"contype": "local", "backup_file": "/x"}), "is not implemented"),
            ("local all\n", json!({}), "Error in line 1: The rule has too few symbols"),
            ("remote all all md5\n", json!({}), "unknown connection-type remote"),
            ("local all \"a peer\n", json!({}), "Unterminated quote"),
        ] {
            let mut host = FakeHost::default();
            host.put("/hba", text);
            let done = run("postgresql_pg_hba", &args, "dest", "/hba", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
        let args = json!({"contype": "local"});
        let done = run(
            "postgresql_pg_hba",
            &args,
            "dest",
            "/none",
            Mode::default(),
            &mut FakeHost::default(),
        );
        assert!(done.msg.unwrap().contains("Use the create option"));
    }
}
