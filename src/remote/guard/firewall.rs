//! The kernel's rules for packets, kept and put back.
//!
//! Tables of nft's are put back one by one, each in one transaction; those that `iptables` keeps
//! there hold what `nft` cannot write down, and are put back by `iptables-restore`.

use module::{Host, HostError, Program, failure::chain};
use serde::{Deserialize, Serialize};

/// Tables of `iptables`, and the chains that each has of its own.
const BUILT_IN: &[(&str, &[&str])] = &[
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
    ("raw", &["PREROUTING", "OUTPUT"]),
    ("security", &["INPUT", "FORWARD", "OUTPUT"]),
];

/// The rules that were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Firewall {
    /// Tables of nft's own; `None` without `nft`.
    nft: Option<Vec<Table>>,
    /// What `iptables-save` and `ip6tables-save` say, where they are there.
    legacy: Vec<(String, String)>,
}

/// A table of nft's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Table {
    family: String,
    name: String,
    /// As `nft` lists it.
    rules: String,
}

fn ask(host: &dyn Host, program: &Program) -> Result<Option<String>, String> {
    match host.query(program) {
        Ok(output) if output.is_success() => Ok(Some(output.stdout_text())),
        Ok(output) => Err(format!("{}: {}", program.line(), output.stderr_text().trim())),
        Err(HostError::NoProgram { .. }) => Ok(None),
        Err(error) => Err(chain(&error)),
    }
}

/// Whether a table is kept by `iptables`.
fn is_foreign(text: &str) -> bool {
    text.contains("managed by iptables-nft")
        || text.contains(" xt match ")
        || text.contains(" xt target ")
}

/// The tables of nft's own; `None` without `nft`.
fn tables(host: &dyn Host) -> Result<Option<Vec<Table>>, String> {
    let Some(list) = ask(host, &Program::new("nft").args(["list", "tables"]))? else {
        return Ok(None);
    };
    let mut tables = Vec::new();
    for line in list.lines() {
        let ["table", family, name] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            continue;
        };
        let program = Program::new("nft").args(["list", "table", family, name]);
        let output = host.query(&program).map_err(|error| chain(&error))?;
        // What `nft` warns of is on its stderr in some releases.
        let text = output.stdout_text();
        if !output.is_success() || is_foreign(&text) || is_foreign(&output.stderr_text()) {
            continue;
        }
        tables.push(Table { family: family.to_owned(), name: name.to_owned(), rules: text });
    }
    Ok(Some(tables))
}

impl Firewall {
    /// Reads the rules.
    ///
    /// # Errors
    /// What the programs that list them say.
    pub fn take(host: &dyn Host) -> Result<Self, String> {
        let mut legacy = Vec::new();
        for name in ["iptables", "ip6tables"] {
            // A kernel without IPv6 has no tables of it.
            if let Ok(Some(text)) = ask(host, &Program::new(format!("{name}-save"))) {
                legacy.push((name.to_owned(), text));
            }
        }
        Ok(Self { nft: tables(host)?, legacy })
    }

    /// Puts the rules back. What cannot be is told.
    pub fn put_back(&self, host: &mut dyn Host, trouble: &mut Vec<String>) {
        if let Some(before) = &self.nft {
            match tables(host) {
                Ok(now) => {
                    let text = nft_orders(before, &now.unwrap_or_default());
                    if !text.is_empty() {
                        run(host, Program::new("nft").args(["-f", "-"]).stdin(text), trouble);
                    }
                }
                Err(why) => trouble.push(why),
            }
        }
        for (name, before) in &self.legacy {
            let now = ask(host, &Program::new(format!("{name}-save"))).ok().flatten();
            let now = now.unwrap_or_default();
            if rules(&now) != rules(before) {
                let text = legacy_orders(before, &now);
                run(host, Program::new(format!("{name}-restore")).stdin(text), trouble);
            }
        }
    }
}

fn run(host: &mut dyn Host, program: Program, trouble: &mut Vec<String>) {
    match host.execute(&program) {
        Ok(output) if output.is_success() => {}
        Ok(output) => trouble.push(format!("{}: {}", program.line(), output.stderr_text().trim())),
        Err(error) => trouble.push(chain(&error)),
    }
}

/// The lines that say something: no remarks, and no counts of packets.
fn rules(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(" [").next().unwrap_or_default().to_owned()).collect()
}

/// What takes the tables that are now to those that were, in one transaction.
fn nft_orders(before: &[Table], now: &[Table]) -> String {
    let mut text = String::new();
    for table in now.iter().filter(|table| !before.contains(table)) {
        text.push_str(&format!("delete table {} {}\n", table.family, table.name));
    }
    for table in before.iter().filter(|table| !now.contains(table)) {
        text.push_str(&table.rules);
        if !table.rules.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

/// What `iptables-restore` is told: the tables that were, and those that are new without rules.
fn legacy_orders(before: &str, now: &str) -> String {
    let has = |text: &str, table: &str| text.lines().any(|line| line == format!("*{table}"));
    let mut text = before.to_owned();
    for (table, chains) in BUILT_IN {
        if has(now, table) && !has(before, table) {
            text.push_str(&format!("*{table}\n"));
            for chain in *chains {
                text.push_str(&format!(":{chain} ACCEPT [0:0]\n"));
            }
            text.push_str("COMMIT\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, rules: &str) -> Table {
        let rules = format!("table inet {name} {{ {rules} }}\n");
        Table { family: "inet".into(), name: name.into(), rules }
    }

    #[test]
    fn tables_are_put_back_as_they_were() {
        for (before, now, expected) in [
            (vec![table("a", "x")], vec![table("a", "x")], ""),
            (vec![], vec![table("a", "x")], "delete table inet a\n"),
            (vec![table("a", "x")], vec![], "table inet a { x }\n"),
            (
                vec![table("a", "x"), table("b", "y")],
                vec![table("a", "z"), table("b", "y")],
                "delete table inet a\ntable inet a { x }\n",
            ),
        ] {
            assert_eq!(nft_orders(&before, &now), expected);
        }
    }

    #[test]
    fn tables_that_came_are_emptied() {
        let before = "*filter\n:INPUT ACCEPT [1:2]\nCOMMIT\n";
        let now = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n*raw\n:OUTPUT DROP [0:0]\nCOMMIT\n";
        assert_eq!(
            legacy_orders(before, now),
            format!("{before}*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")
        );
        assert_eq!(rules(before), rules("# Today\n*filter\n:INPUT ACCEPT [9:9]\nCOMMIT\n"));
        assert_ne!(rules(before), rules(now));
    }
}
