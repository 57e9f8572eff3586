//! Where two programs differ, and whether that is meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    case::{Case, Differs, Family},
    recorded::Recorded,
};

/// One place at which the two differ.
#[derive(Debug)]
pub struct Difference {
    case: String,
    at: String,
    theirs: Option<Value>,
    ours: Option<Value>,
}

/// Whether a place at which only Trueup has something, or at which a failure has other words, is no
/// difference to anyone: it may return more than ansible-core's module does (a diff where that has
/// none, what is known of a file), and tells of its failures in its own way. What a module says of
/// its outcome (`changed`, `failed`, `skipped`) and what lies on the host is always one.
fn is_more(at: &str, theirs: Option<&Value>, ours: Option<&Value>, both_failed: bool) -> bool {
    let mut parts = at.splitn(3, '.').skip(1);
    let (Some(place), Some(key)) = (parts.next(), parts.next()) else { return false };
    if ["tree", "watch"].contains(&place) {
        return false;
    }
    let first = key.split('.').next().unwrap_or(key);
    // One module of ansible-core shows diffs of what stays, another of its temporary files, one a
    // mapping, another a list. Where both show a text before and after, it is the same.
    if first == "diff" && (ours.is_none() || key.ends_with("_header")) {
        return true;
    }
    // A message without words is none.
    if key == "msg" && theirs == Some(&Value::String(String::new())) && ours.is_none() {
        return true;
    }
    let is_outcome = ["changed", "failed", "skipped", "unreachable"].contains(&key);
    match is_outcome {
        true => theirs.is_none() && ours == Some(&Value::Bool(false)),
        false => theirs.is_none() || both_failed,
    }
}

/// All places at which they differ.
pub fn between(theirs: &Recorded, ours: &Recorded) -> Vec<Difference> {
    let mut all = Vec::new();
    for (case, expected) in &theirs.cases {
        let found = &ours.cases[case];
        let places: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for at in places {
            let (theirs, ours) = (expected.get(at), found.get(at));
            let failed = |of: &BTreeMap<String, Value>| {
                let step = at.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
                of.get(&format!("{step}.failed")) == Some(&Value::Bool(true))
            };
            let both_failed = failed(expected) && failed(found);
            if theirs != ours && !is_more(at, theirs, ours, both_failed) {
                let (theirs, ours) = (theirs.cloned(), ours.cloned());
                all.push(Difference { case: case.clone(), at: at.clone(), theirs, ours });
            }
        }
    }
    all
}

/// What is to be said of differences: those that nobody means, and those that are meant and are
/// not there.
pub fn judge(family: &Family, cases: &[&Case], found: Vec<Difference>) -> Vec<String> {
    let mut met: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); cases.len()];
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for difference in found {
        let number = cases.iter().position(|case| case.name == difference.case);
        let own = number.and_then(|number| {
            let entry = cases[number].differs.iter().position(|entry| entry.means(&difference))?;
            met[number].insert(entry);
            Some(())
        });
        if own.is_some() || family.differs.iter().any(|entry| entry.means(&difference)) {
            continue;
        }
        let line = format!(
            "    {}\n        theirs {}\n        ours   {}",
            difference.at,
            shown(difference.theirs.as_ref()),
            shown(difference.ours.as_ref())
        );
        match said.last_mut() {
            Some((case, lines)) if *case == difference.case => lines.push(line),
            _ => said.push((difference.case, vec![line])),
        }
    }
    let mut judged: Vec<String> =
        said.into_iter().map(|(case, lines)| format!("{case:?}\n{}", lines.join("\n"))).collect();
    for (case, met) in cases.iter().zip(&met) {
        for (number, entry) in case.differs.iter().enumerate() {
            if !met.contains(&number) {
                judged.push(format!(
                    "{:?}\n    {}: is said to differ and does not",
                    case.name, entry.at
                ));
            }
        }
    }
    judged
}

impl Differs {
    /// Whether this is the difference that is meant.
    fn means(&self, difference: &Difference) -> bool {
        let null = Value::Null;
        let fits = |expected: &Option<Value>, found: &Option<Value>| {
            expected.as_ref().is_none_or(|value| value == found.as_ref().unwrap_or(&null))
        };
        matches(&self.at, &difference.at)
            && fits(&self.theirs, &difference.theirs)
            && fits(&self.ours, &difference.ours)
    }
}

/// Whether a text has the form of a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[test]
fn patterns_match_places() {
    for (pattern, text, expect) in [
        ("check.0.msg", "check.0.msg", true),
        ("check.0.msg", "check.0.msgs", false),
        ("*.msg", "first.12.msg", true),
        ("*.msg", "first.12.msgs", false),
        ("*.tree.*", "second.tree.ä/b.content", true),
        ("first.*.rc", "second.0.rc", false),
    ] {
        assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
    }
}
