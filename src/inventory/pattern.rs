//! Host patterns: `web:&prod:!down`, `~regex`, `web[0:2]`, `*.example.org`.

use indexmap::IndexSet;
use pyregex::{Flags, Pattern};

use crate::{HostName, Inventory};

/// Names that stand for the machine that Trueup runs on.
pub const LOCALHOST: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Why a pattern is none.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PatternError {
    #[error("the regular expression of host pattern `{0}` is broken: {1}")]
    Regex(String, String),
    #[error("the subscript of host pattern `{0}` is out of range")]
    Subscript(String),
}

/// What a pattern found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matched {
    pub hosts: Vec<HostName>,
    /// Parts of the pattern that match no host and no group.
    pub unmatched: Vec<String>,
}

/// Splits a pattern at commas or, where there is none, at colons that are no part of an IPv6
/// address or of a range.
pub fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<String> = if pattern.contains(',') {
        pattern.split(',').map(str::to_owned).collect()
    } else if is_ipv6(pattern) || crate::host_range::split_port(pattern).1.is_some() {
        vec![pattern.to_owned()]
    } else {
        split_at_colons(pattern)
    };
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn split_at_colons(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0usize;
    for character in pattern.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

/// Finds the hosts that a list of patterns stands for: first all plain ones, then of those the
/// ones in each `&` pattern, then without those of each `!` pattern. A list that only narrows
/// starts from `all`.
///
/// # Errors
/// [`PatternError`] where a part is broken.
pub fn resolve(inventory: &Inventory, patterns: &[String]) -> Result<Matched, PatternError> {
    let parts: Vec<String> = patterns.iter().flat_map(|pattern| split(pattern)).collect();
    let starting = |prefix: char| parts.iter().filter(move |part| part.starts_with(prefix));
    let mut plain: Vec<&String> =
        parts.iter().filter(|part| !part.starts_with(['&', '!'])).collect();
    let all = String::from("all");
    if plain.is_empty() {
        plain.push(&all);
    }
    let mut matched = Matched::default();
    let mut hosts: IndexSet<HostName> = IndexSet::new();
    for part in plain {
        hosts.extend(resolve_part(inventory, part, &mut matched.unmatched)?);
    }
    for part in starting('&') {
        let kept = resolve_part(inventory, &part[1..], &mut matched.unmatched)?;
        hosts.retain(|host| kept.contains(host));
    }
    for part in starting('!') {
        let dropped = resolve_part(inventory, &part[1..], &mut matched.unmatched)?;
        hosts.retain(|host| !dropped.contains(host));
    }
    matched.hosts = hosts.into_iter().collect();
    Ok(matched)
}

fn resolve_part(
    inventory: &Inventory,
    part: &str,
    unmatched: &mut Vec<String>,
) -> Result<IndexSet<HostName>, PatternError> {
    let (name, subscript) = split_subscript(part);
    let mut hosts: IndexSet<HostName> = IndexSet::new();
    let mut is_known = matches!(name, "all" | "*");
    let matches = matcher(name)?;
    for group in inventory.groups.keys() {
        if matches(group.as_str()) {
            is_known = true;
            hosts.extend(inventory.hosts_of(group.as_str()));
        }
    }
    // A group's name stands for the group; only patterns look at hosts as well.
    let exact_group = inventory.groups.contains_key(name);
    if !exact_group {
        for host in inventory.hosts.values().filter(|host| !host.is_implicit) {
            if matches(host.name.as_str()) {
                is_known = true;
                hosts.insert(host.name.clone());
            }
        }
    }
    if hosts.is_empty() && LOCALHOST.contains(&name) {
        is_known = true;
        let implicit = inventory.hosts.values().find(|host| host.is_implicit);
        hosts.insert(implicit.map_or_else(|| HostName::from(name), |host| host.name.clone()));
    }
    if !is_known {
        unmatched.push(part.to_owned());
    }
    let Some(subscript) = subscript else { return Ok(hosts) };
    let hosts: Vec<HostName> = hosts.into_iter().collect();
    pick(&hosts, &subscript)
        .map(|hosts| hosts.into_iter().collect())
        .ok_or_else(|| PatternError::Subscript(part.to_owned()))
}

/// Says whether a name fits a part of a pattern.
type Matcher = Box<dyn Fn(&str) -> bool>;

fn matcher(name: &str) -> Result<Matcher, PatternError> {
    if let Some(expression) = name.strip_prefix('~') {
        let regex = Pattern::new(expression, Flags::default())
            .map_err(|error| PatternError::Regex(name.to_owned(), error.to_string()))?;
        return Ok(Box::new(move |text| matches!(regex.match_(text), Ok(Some(_)))));
    }
    let name = name.to_owned();
    if name.contains(['*', '?', '[']) {
        return Ok(Box::new(move |text| fnmatch(&name, text)));
    }
    Ok(Box::new(move |text| text == name))
}

/// Matches as the shell matches file names: `*`, `?`, `[abc]`, `[!a-c]`.
pub fn fnmatch(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match class(&pattern, p, text[t]) {
                Some((true, next)) => Some(next),
                Some((false, _)) => None,
                None => (text[t] == '[').then_some(p + 1),
            },
            Some(character) => (*character == text[t]).then_some(p + 1),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                t += 1;
            }
            (None, Some((after, from))) => {
                p = after;
                t = from + 1;
                star = Some((after, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|character| *character == '*')
}

/// Matches one character against the class that opens at `open`; `None` where it is not closed.
fn class(pattern: &[char], open: usize, character: char) -> Option<(bool, usize)> {
    let mut at = open + 1;
    let negated = matches!(pattern.get(at), Some('!'));
    if negated {
        at += 1;
    }
    let first = at;
    let mut found = false;
    loop {
        let current = *pattern.get(at)?;
        if current == ']' && at > first {
            return Some((found != negated, at + 1));
        }
        if pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|c| *c != ']') {
            found |= (current..=*pattern.get(at + 2)?).contains(&character);
            at += 3;
        } else {
            found |= current == character;
            at += 1;
        }
    }
}

enum Subscript {
    At(i64),
    Range(Option<i64>, Option<i64>),
}

/// `web[0]`, `web[-1]`, `web[0:2]`, `web[1:]`; a regular expression has none.
fn split_subscript(part: &str) -> (&str, Option<Subscript>) {
    if part.starts_with('~') || !part.ends_with(']') {
        return (part, None);
    }
    let Some(open) = part.rfind('[') else { return (part, None) };
    let inside = &part[open + 1..part.len() - 1];
    let number = |text: &str| text.parse::<i64>();
    let subscript = match inside.split_once([':', '-']) {
        _ if number(inside).is_ok() => number(inside).ok().map(Subscript::At),
        Some((begin, end)) => {
            let bound =
                |text: &str| if text.is_empty() { Ok(None) } else { number(text).map(Some) };
            match (bound(begin), bound(end)) {
                (Ok(begin), Ok(end)) if begin.is_some() || end.is_some() => {
                    Some(Subscript::Range(begin, end))
                }
                _ => None,
            }
        }
        None => None,
    };
    match subscript {
        Some(subscript) if open > 0 => (&part[..open], Some(subscript)),
        _ => (part, None),
    }
}

/// The end of a range is in it. `None` where a single subscript is out of range.
fn pick(hosts: &[HostName], subscript: &Subscript) -> Option<Vec<HostName>> {
    let length = i64::try_from(hosts.len()).ok()?;
    let absolute = |at: i64| if at < 0 { at + length } else { at };
    match subscript {
        Subscript::At(at) => {
            let at = usize::try_from(absolute(*at)).ok()?;
            hosts.get(at).map(|host| vec![host.clone()])
        }
        Subscript::Range(begin, end) => {
            let begin = absolute(begin.unwrap_or(0)).clamp(0, length);
            let end = absolute(end.unwrap_or(-1)).saturating_add(1).clamp(begin, length);
            let (begin, end) = (usize::try_from(begin).ok()?, usize::try_from(end).ok()?);
            Some(hosts.get(begin..end)?.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        let mut inventory = Inventory::default();
        for host in ["web1", "web2", "web3"] {
            inventory.add_host_to_group(host, "web");
        }
        inventory.add_host_to_group("db1.example.org", "db");
        inventory.add_host_to_group("web1", "prod");
        inventory.add_host_to_group("db1.example.org", "prod");
        inventory.add_host("fe80::1");
        inventory.reconcile();
        inventory
    }

    #[test]
    fn patterns_find_their_hosts() {
        let cases = [
            ("all", "fe80::1 web1 web2 web3 db1.example.org"),
            ("*", "fe80::1 web1 web2 web3 db1.example.org"),
            ("web", "web1 web2 web3"),
            ("web:db", "web1 web2 web3 db1.example.org"),
            ("web,db", "web1 web2 web3 db1.example.org"),
            ("web:&prod", "web1"),
            ("web:!web2", "web1 web3"),
            ("!web", "fe80::1 db1.example.org"),
            ("web[0]", "web1"),
            ("web[-1]", "web3"),
            ("web[0:1]", "web1 web2"),
            ("web[1:]", "web2 web3"),
            ("*.example.org", "db1.example.org"),
            ("~(web|db)1", "web1 db1.example.org"),
            ("web[12]", ""),
            ("fe80::1", "fe80::1"),
            ("localhost", "localhost"),
            ("nowhere", ""),
        ];
        for (pattern, expected) in cases {
            if pattern == "web[12]" {
                let error = resolve(&inventory(), &[pattern.into()]).unwrap_err();
                assert_eq!(error, PatternError::Subscript(pattern.into()));
                continue;
            }
            let matched = resolve(&inventory(), &[pattern.into()]).unwrap();
            let names: Vec<_> = matched.hosts.iter().map(HostName::to_string).collect();
            assert_eq!(names.join(" "), expected, "{pattern}");
            assert_eq!(matched.unmatched.is_empty(), pattern != "nowhere", "{pattern}");
        }
    }

    #[test]
    fn a_broken_expression_is_refused() {
        let error = resolve(&inventory(), &["~(".into()]).unwrap_err();
        assert!(matches!(error, PatternError::Regex(..)));
    }

    #[test]
    fn file_name_patterns_match_as_in_the_shell() {
        let cases = [
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("[ab]?", "bx", true),
            ("[!ab]?", "bx", false),
            ("[a-c]", "b", true),
            ("[", "[", true),
            ("**", "", true),
            ("a*b*c", "aXbYbZc", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(fnmatch(pattern, text), expected, "{pattern} {text}");
        }
    }
}
