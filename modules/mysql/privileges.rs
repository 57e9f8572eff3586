//! Privileges of MySQL and MariaDB, as tasks write them and as the server tells them.

use std::collections::{BTreeMap, BTreeSet};

use module::Failure;
use protocol::{Json, python};

/// What may be done, by where: `` `db`.`table` ``, `*.*`, `PROCEDURE ...`.
pub type Privileges = BTreeMap<String, BTreeSet<String>>;

/// Reads `db.table:PRIV,PRIV/...`, or a dict of the same.
///
/// # Errors
/// What has no place, or no privileges.
pub fn parse(given: &Json) -> Result<Privileges, Failure> {
    let mut all = Privileges::new();
    let pairs: Vec<(String, String)> = match given {
        Json::Object(map) => {
            map.iter().map(|(place, words)| (place.clone(), python::text(words))).collect()
        }
        other => {
            let text = python::text(other);
            let mut pairs = Vec::new();
            for part in text.trim().split('/') {
                let (place, words) = part.rsplit_once(':').ok_or_else(|| {
                    Failure::new(format!("invalid privileges string: {part:?} has no ':'"))
                })?;
                pairs.push((place.to_owned(), words.to_owned()));
            }
            pairs
        }
    };
    for (place, words) in pairs {
        let words: BTreeSet<String> = split(&words.to_uppercase_outside()).into_iter().collect();
        if words.is_empty() {
            return Err(Failure::new(format!("no privileges are named for {place}")));
        }
        all.entry(normal_place(&place)?).or_default().extend(words);
    }
    Ok(all)
}

/// What becomes of privileges that are there and not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They go.
    Replace,
    /// They stay.
    Append,
    /// They stay, and those that are named go.
    Subtract,
}

/// What should be allowed, where this is now.
pub fn wanted(mut wanted: Privileges, mut now: Privileges, way: Way) -> Privileges {
    match way {
        Way::Subtract => {
            for (place, words) in &wanted {
                if let Some(there) = now.get_mut(place) {
                    there.retain(|word| !words.contains(word));
                }
            }
            now.retain(|_, words| !words.is_empty());
            now
        }
        Way::Append => {
            for (place, words) in wanted {
                let there = now.entry(place).or_default();
                // Who may do all may do each.
                if !there.contains("ALL") {
                    there.extend(words);
                }
            }
            now
        }
        Way::Replace => {
            for words in wanted.values_mut() {
                words.remove("USAGE");
            }
            wanted.retain(|_, words| !words.is_empty());
            wanted
        }
    }
}

/// The same with the names of columns in capital letters, which are the same to a server.
pub fn with_large_columns(all: Privileges) -> Privileges {
    let large = |words: BTreeSet<String>| words.iter().map(|word| word.to_uppercase()).collect();
    all.into_iter().map(|(place, words)| (place, large(words))).collect()
}

/// What `SHOW GRANTS` tells, in its order and in the words of a task: `db.table:PRIV,PRIV/…`.
pub fn as_told(lines: impl Iterator<Item = String>) -> String {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        let Some((words, rest)) =
            line.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON "))
        else {
            continue;
        };
        let Some((place, tail)) = rest.split_once(" TO ") else { continue };
        let mut words: Vec<String> =
            split(words).into_iter().map(|word| word.replace('`', "")).collect();
        if words.iter().any(|word| word == "PROXY") {
            continue;
        }
        if tail.contains("WITH GRANT OPTION") {
            words.push("GRANT".into());
        }
        let place = place.replace(['`', '\''], "");
        match all.iter_mut().find(|(there, _)| *there == place) {
            Some((_, there)) => there.extend(words),
            None => all.push((place, words)),
        }
    }
    let mut told: Vec<String> =
        all.iter().map(|(place, words)| format!("{place}:{}", words.join(","))).collect();
    if told.len() > 1 {
        told.retain(|one| one != "*.*:USAGE");
    }
    told.join("/")
}

/// Capital letters but for the names of columns.
trait Outside {
    fn to_uppercase_outside(&self) -> String;
}

impl Outside for str {
    fn to_uppercase_outside(&self) -> String {
        let mut depth = 0;
        self.chars()
            .map(|letter| {
                match letter {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                if depth > 0 { letter } else { letter.to_ascii_uppercase() }
            })
            .collect()
    }
}

/// Privileges between commas that stand outside of parentheses, in one spelling.
fn split(words: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut depth = 0;
    for letter in words.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    all.iter().map(|word| normal(word)).filter(|word| !word.is_empty()).collect()
}

fn normal(word: &str) -> String {
    let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
    match word.as_str() {
        "ALL PRIVILEGES" => "ALL".into(),
        "GRANT OPTION" => "GRANT".into(),
        _ => match word.split_once('(') {
            // Columns in one order.
            Some((verb, columns)) => {
                let mut columns: Vec<String> = columns
                    .trim_end_matches(')')
                    .split(',')
                    .map(|column| column.trim().trim_matches('`').to_owned())
                    .collect();
                columns.sort();
                format!("{} (`{}`)", verb.trim(), columns.join("`, `"))
            }
            None => word,
        },
    }
}

/// `db.table` with quotes around its parts; `*` has none.
fn normal_place(place: &str) -> Result<String, Failure> {
    let place = place.trim();
    let (kind, rest) = match place.split_once(' ') {
        Some((kind @ ("FUNCTION" | "PROCEDURE" | "function" | "procedure"), rest)) => {
            (format!("{} ", kind.to_uppercase()), rest)
        }
        _ => (String::new(), place),
    };
    let at = if rest.starts_with('`') {
        rest.get(1..).and_then(|tail| tail.find("`.")).map(|at| at + 2)
    } else {
        rest.find('.')
    };
    let (database, table) = match at {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default()),
        None => {
            return Err(Failure::new(format!(
                "invalid privileges: {place:?} is no database.table"
            )));
        }
    };
    let quoted = |part: &str| match part.trim_matches('`') {
        "*" => "*".to_owned(),
        bare => format!("`{bare}`"),
    };
    Ok(format!("{kind}{}.{}", quoted(database), quoted(table)))
}

/// Reads what `SHOW GRANTS` tells.
pub fn parse_grants(lines: impl Iterator<Item = String>) -> Privileges {
    let mut all = Privileges::new();
    for line in lines {
        let Some((words, rest)) =
            line.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON "))
        else {
            continue;
        };
        let Some((place, tail)) = rest.split_once(" TO ") else { continue };
        let Ok(place) = normal_place(place) else { continue };
        let mut words: BTreeSet<String> = split(words).into_iter().collect();
        if tail.contains("WITH GRANT OPTION") {
            words.insert("GRANT".into());
        }
        words.remove("USAGE");
        if !words.is_empty() {
            all.entry(place).or_default().extend(words);
        }
    }
    all
}

/// What people are told of a difference; `None` where there is none.
pub fn told(actual: &Privileges, desired: &Privileges) -> Option<String> {
    let listed = |words: Vec<&String>| {
        let quoted: Vec<String> =
            words.iter().map(|word| format!("'{}'", word.replace('`', ""))).collect();
        format!("[{}]", quoted.join(", "))
    };
    let mut changed = desired.iter().filter_map(|(place, wanted)| {
        let now = actual.get(place).filter(|now| *now != wanted)?;
        let granted = listed(wanted.difference(now).collect());
        let revoked = listed(now.difference(wanted).collect());
        Some(format!("Privileges updated: granted {granted}, revoked {revoked}"))
    });
    let is_new = desired.keys().any(|place| !actual.contains_key(place));
    let is_gone = actual.keys().any(|place| !desired.contains_key(place));
    let others = [
        is_new.then(|| "New privileges granted".to_owned()),
        is_gone.then(|| "Privileges revoked".to_owned()),
    ];
    changed.next_back().or_else(|| others.into_iter().flatten().next())
}

/// Orders that take privileges away, and that give them.
pub fn orders(actual: &Privileges, desired: &Privileges, account: &str) -> Vec<String> {
    let none = BTreeSet::new();
    let mut orders = Vec::new();
    let mut order = |verb: &str, way: &str, place: &str, words: &BTreeSet<&String>| {
        let plain: Vec<&str> =
            words.iter().map(|word| word.as_str()).filter(|word| *word != "GRANT").collect();
        let has_option = words.iter().any(|word| *word == "GRANT");
        match verb {
            "REVOKE" => {
                if has_option {
                    orders.push(format!("REVOKE GRANT OPTION ON {place} FROM {account}"));
                }
                if !plain.is_empty() {
                    orders.push(format!("REVOKE {} ON {place} {way} {account}", plain.join(", ")));
                }
            }
            _ => {
                let words = if plain.is_empty() { "USAGE".to_owned() } else { plain.join(", ") };
                let tail = if has_option { " WITH GRANT OPTION" } else { "" };
                orders.push(format!("GRANT {words} ON {place} {way} {account}{tail}"));
            }
        }
    };
    for (place, old) in actual {
        let new = desired.get(place).unwrap_or(&none);
        let gone: BTreeSet<&String> = old.difference(new).collect();
        if !gone.is_empty() {
            order("REVOKE", "FROM", place, &gone);
        }
    }
    for (place, new) in desired {
        let old = actual.get(place).unwrap_or(&none);
        let added: BTreeSet<&String> = new.difference(old).collect();
        if !added.is_empty() {
            order("GRANT", "TO", place, &added);
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tasks_and_servers_say_the_same() {
        for (given, grants) in [
            (json!("app.*:ALL"), "GRANT ALL PRIVILEGES ON `app`.* TO `u`@`h`"),
            (json!("*.*:select,GRANT"), "GRANT SELECT ON *.* TO `u`@`h` WITH GRANT OPTION"),
            (
                json!({"app.t": "SELECT (b, a),insert"}),
                "GRANT INSERT, SELECT (`a`, `b`) ON `app`.`t` TO 'u'@'h'",
            ),
            (json!("PROCEDURE app.p:EXECUTE"), "GRANT EXECUTE ON PROCEDURE `app`.`p` TO `u`@`h`"),
        ] {
            assert_eq!(
                parse(&given).unwrap(),
                parse_grants([grants.to_owned()].into_iter()),
                "{given}"
            );
        }
        assert!(parse_grants(["GRANT USAGE ON *.* TO `u`@`h`".to_owned()].into_iter()).is_empty());
        let told = [
            "GRANT USAGE ON *.* TO `u`@`h`",
            "GRANT SELECT (`b`, `a`), INSERT ON `d`.`t` TO `u`@`h` WITH GRANT OPTION",
            "GRANT PROXY ON ''@'%' TO 'u'@'h'",
        ];
        assert_eq!(as_told(told.into_iter().map(str::to_owned)), "d.t:SELECT (a, b),INSERT,GRANT");
        for given in [json!("app.*"), json!("app:ALL"), json!("app.*:")] {
            assert!(parse(&given).is_err(), "{given}");
        }
    }

    #[test]
    fn differences_become_orders() {
        let old = parse(&json!("app.*:SELECT,INSERT/old.*:ALL")).unwrap();
        let new = parse(&json!("app.*:SELECT,UPDATE,GRANT")).unwrap();
        assert_eq!(
            orders(&old, &new, "'u'@'h'"),
            [
                "REVOKE INSERT ON `app`.* FROM 'u'@'h'",
                "REVOKE ALL ON `old`.* FROM 'u'@'h'",
                "GRANT UPDATE ON `app`.* TO 'u'@'h' WITH GRANT OPTION",
            ]
        );
        assert!(orders(&new, &new, "x").is_empty());
    }
}
