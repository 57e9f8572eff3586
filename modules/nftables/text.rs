//! A table as the text that `nft` reads.

use std::fmt::Write;

use module::Failure;
use protocol::{Json, python};

use super::{Chain, NfTables, Set};

/// How long a comment may be, in bytes; the kernel's own limit.
const COMMENT_BYTES_MAX: usize = 128;
/// How long a name may be, in bytes; the kernel's own limit is 255.
const NAME_BYTES_MAX: usize = 255;

/// The table alone.
///
/// # Errors
/// Names, comments, rules and elements that `nft` would read as something else than they are.
pub fn table(task: &NfTables) -> Result<String, Failure> {
    with_elements(task, &[])
}

/// The table in place of whatever table of that name is there, with the elements of sets that are
/// not the task's.
///
/// # Errors
/// As [`table`].
pub fn replacement(task: &NfTables, foreign: &[(&str, String)]) -> Result<String, Failure> {
    let (family, name) = (task.family, &task.table);
    // The first line makes the second one true where there is no table yet.
    let head = format!("table {family} {name}\ndelete table {family} {name}\n");
    Ok(head + &with_elements(task, foreign)?)
}

fn with_elements(task: &NfTables, foreign: &[(&str, String)]) -> Result<String, Failure> {
    let mut text = format!("table {} {} {{\n", task.family, task.table);
    let mut put = |line: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\t{line}");
    };
    if let Some(words) = &task.comment {
        put(&comment(words)?);
    }
    for set in task.sets.iter().flatten() {
        set_lines(set, Kind::Set, foreign)?.iter().for_each(|line| put(line));
    }
    for map in task.maps.iter().flatten() {
        set_lines(map, Kind::Map, foreign)?.iter().for_each(|line| put(line));
    }
    // `nft` makes all chains of a table before it adds rules, so that jumps may go forward.
    for chain in task.chains.iter().flatten() {
        chain_lines(chain)?.iter().for_each(|line| put(line));
    }
    text.push_str("}\n");
    Ok(text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Set,
    Map,
}

fn set_lines(set: &Set, kind: Kind, foreign: &[(&str, String)]) -> Result<Vec<String>, Failure> {
    let word = if kind == Kind::Set { "set" } else { "map" };
    check_name(word, &set.name)?;
    let mut lines = vec![format!("{word} {} {{", set.name)];
    for (key, given) in [("type", &set.r#type), ("typeof", &set.r#typeof)] {
        let Some(given) = given else { continue };
        check_statement(key, given)?;
        if given.contains(" : ") != (kind == Kind::Map) {
            return Err(Failure::new(match kind {
                Kind::Set => format!("the set {} has a type of maps: {given}", set.name),
                Kind::Map => format!(
                    "the map {} needs a {key} of both sides, such as 'ipv4_addr : verdict', got: {given}",
                    set.name
                ),
            }));
        }
        lines.push(format!("\t{key} {given}"));
    }
    if let Some(size) = set.size {
        lines.push(format!("\tsize {size}"));
    }
    if let Some(policy) = set.policy {
        lines.push(format!("\tpolicy {policy}"));
    }
    if let Some(flags) = set.flags.as_deref().filter(|flags| !flags.is_empty()) {
        let names: Vec<&str> = flags.iter().map(|flag| flag.as_str()).collect();
        lines.push(format!("\tflags {}", names.join(",")));
    }
    for (key, given) in [("timeout", &set.timeout), ("gc-interval", &set.gc_interval)] {
        if let Some(given) = given {
            check_statement(key, given)?;
            lines.push(format!("\t{key} {given}"));
        }
    }
    if set.counter {
        lines.push("\tcounter".into());
    }
    if set.auto_merge {
        lines.push("\tauto-merge".into());
    }
    if let Some(words) = &set.comment {
        lines.push(format!("\t{}", comment(words)?));
    }
    let elements = match &set.elements {
        Some(given) => elements(given)?.join(", "),
        None => {
            let kept = foreign.iter().find(|(name, _)| *name == set.name);
            kept.map(|(_, elements)| elements.clone()).unwrap_or_default()
        }
    };
    if !elements.is_empty() {
        lines.push(format!("\telements = {{ {elements} }}"));
    }
    lines.push("}".into());
    Ok(lines)
}

/// The elements as texts.
fn elements(given: &Json) -> Result<Vec<String>, Failure> {
    let pair = |(key, value): (&String, &Json)| format!("{key} : {}", python::text(value));
    let texts: Vec<String> = match given {
        Json::Object(pairs) => pairs.iter().map(pair).collect(),
        Json::Array(items) => items
            .iter()
            .flat_map(|item| match item {
                // `- 22 : accept` is a dict to YAML.
                Json::Object(pairs) => pairs.iter().map(pair).collect(),
                other => vec![python::text(other)],
            })
            .collect(),
        one => vec![python::text(one)],
    };
    for text in &texts {
        check_statement("an element", text)?;
    }
    Ok(texts)
}

fn chain_lines(chain: &Chain) -> Result<Vec<String>, Failure> {
    check_name("chain", &chain.name)?;
    let mut lines = vec![format!("chain {} {{", chain.name)];
    if let Some(words) = &chain.comment {
        lines.push(format!("\t{}", comment(words)?));
    }
    if let (Some(kind), Some(hook), Some(priority)) = (chain.r#type, chain.hook, &chain.priority) {
        let priority = python::text(priority);
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_+- ".contains(letter);
        if priority.is_empty() || !priority.chars().all(is_plain) {
            return Err(Failure::new(format!(
                "the chain {} needs a priority such as 0, filter or 'filter + 10', got: {priority}",
                chain.name
            )));
        }
        let mut line = format!("\ttype {kind} hook {hook}");
        if let Some(devices) = &chain.devices {
            let mut quoted = Vec::new();
            for device in devices {
                quoted.push(quoted_text("a device", device)?);
            }
            let _ = write!(line, " devices = {{ {} }}", quoted.join(", "));
        }
        let _ = write!(line, " priority {priority};");
        if let Some(policy) = chain.policy {
            let _ = write!(line, " policy {policy};");
        }
        lines.push(line);
    }
    for rule in &chain.rules {
        lines.push(format!("\t{}", rule_line(&chain.name, rule)?));
    }
    lines.push("}".into());
    Ok(lines)
}

fn rule_line(chain: &str, given: &Json) -> Result<String, Failure> {
    let (rule, words) = match given {
        Json::String(rule) => (rule.as_str(), None),
        Json::Object(entries) => {
            let known = ["rule", "comment"];
            if let Some(other) = entries.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(Failure::new(format!(
                    "a rule of the chain {chain} has an unknown key {other}; known are rule and comment"
                )));
            }
            let text = |key: &str| entries.get(key).filter(|value| !value.is_null());
            let rule = text("rule").and_then(Json::as_str);
            let rule = rule.ok_or_else(|| {
                Failure::new(format!("a rule of the chain {chain} lacks the key rule"))
            })?;
            (rule, text("comment").map(python::text))
        }
        other => {
            return Err(Failure::new(format!(
                "a rule of the chain {chain} is neither a text nor a dict: {}",
                python::text(other)
            )));
        }
    };
    let rule = rule.trim();
    if rule.is_empty() {
        return Err(Failure::new(format!("a rule of the chain {chain} is empty")));
    }
    check_statement("a rule", rule)?;
    Ok(match words {
        Some(words) => format!("{rule} {}", comment(&words)?),
        None => rule.to_owned(),
    })
}

fn comment(words: &str) -> Result<String, Failure> {
    if words.len() > COMMENT_BYTES_MAX {
        return Err(Failure::new(format!(
            "a comment is longer than {COMMENT_BYTES_MAX} bytes: {words}"
        )));
    }
    Ok(format!("comment {}", quoted_text("a comment", words)?))
}

fn quoted_text(what: &str, words: &str) -> Result<String, Failure> {
    if words.contains(['"', '\n', '\0']) {
        return Err(Failure::new(format!("{what} cannot hold quotes or line ends: {words}")));
    }
    Ok(format!("\"{words}\""))
}

/// Refuses a name that `nft` reads as anything but a name.
///
/// # Errors
/// Such a name.
pub fn check_name(what: &str, name: &str) -> Result<(), Failure> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    if !starts_well || !name.chars().all(is_plain) || name.len() > NAME_BYTES_MAX {
        return Err(Failure::new(format!(
            "the name of a {what} starts with a letter and goes on with letters, digits and _-./, got: {name:?}"
        )));
    }
    Ok(())
}

/// Refuses a text that ends before or after the place that it is put in: one statement is one
/// line, and closes what it opens.
fn check_statement(what: &str, text: &str) -> Result<(), Failure> {
    let wrong = |why: &str| Failure::new(format!("{what} {why}: {text}"));
    let mut open = 0_u32;
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\0' => return Err(wrong("goes over the end of its line")),
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            ';' => return Err(wrong("holds more than one statement")),
            '#' => return Err(wrong("holds a remark that hides its end")),
            '\\' => return Err(wrong("holds a backslash outside of quotes")),
            '{' => open += 1,
            '}' => {
                open = open
                    .checked_sub(1)
                    .ok_or_else(|| wrong("closes a brace that it did not open"))?
            }
            _ => {}
        }
    }
    if is_quoted {
        return Err(wrong("has a quote that does not end"));
    }
    if open > 0 {
        return Err(wrong("opens a brace that it does not close"));
    }
    Ok(())
}
