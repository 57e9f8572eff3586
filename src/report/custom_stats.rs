//! What `set_stats` has set, for the end of a run.

use std::collections::BTreeMap;

use protocol::{Json, JsonMap};
use run::Event;

/// Statistics of hosts, and of the run as a whole.
#[derive(Clone, Debug, Default)]
pub struct CustomStats {
    hosts: BTreeMap<String, JsonMap>,
    run: JsonMap,
}

impl CustomStats {
    /// Takes in what was set.
    pub fn follow(&mut self, event: &Event) {
        let Event::Statistic { name, value, host, aggregate } = event else { return };
        let stats = match host {
            Some(host) => self.hosts.entry(host.as_str().to_owned()).or_default(),
            None => &mut self.run,
        };
        match stats.get_mut(name).filter(|_| *aggregate) {
            Some(known) => add(known, value),
            None => {
                stats.insert(name.clone(), value.clone());
            }
        }
    }

    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.run.is_empty()
    }

    /// The statistics of each host, sorted by name, then those of the run.
    pub fn all(&self) -> impl Iterator<Item = (&str, &JsonMap)> {
        let hosts = self.hosts.iter().map(|(host, stats)| (host.as_str(), stats));
        hosts.chain((!self.run.is_empty()).then_some(("RUN", &self.run)))
    }
}

/// Adds a value to one of its kind: numbers, texts and lists; dictionaries are put together. What
/// is of another kind changes nothing.
fn add(known: &mut Json, more: &Json) {
    match (known, more) {
        (Json::Object(known), Json::Object(more)) => {
            for (name, value) in more {
                match (known.get_mut(name), value) {
                    (Some(inner @ Json::Object(_)), Json::Object(_)) => add(inner, value),
                    (_, value) => {
                        known.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Json::Array(known), Json::Array(more)) => known.extend(more.iter().cloned()),
        (Json::String(known), Json::String(more)) => known.push_str(more),
        (known @ Json::Number(_), Json::Number(more)) => {
            let sum = match (known.as_i64(), more.as_i64()) {
                (Some(known), Some(more)) => known.checked_add(more).map(Json::from),
                (None, None) => known.as_f64().zip(more.as_f64()).map(|(a, b)| Json::from(a + b)),
                _ => None,
            };
            if let Some(sum) = sum {
                *known = sum;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_a_kind_are_added() {
        let cases = [
            (json!(10), json!(15), json!(25)),
            (json!(1.5), json!(1.0), json!(2.5)),
            (json!("a"), json!("b"), json!("ab")),
            (json!([1]), json!([2]), json!([1, 2])),
            (
                json!({"a": {"x": 1}, "b": 1}),
                json!({"a": {"y": 2}, "b": 5}),
                json!({"a": {"x": 1, "y": 2}, "b": 5}),
            ),
            (json!(1), json!("b"), json!(1)),
            (json!(1), json!(1.5), json!(1)),
        ];
        for (known, more, expected) in cases {
            let mut sum = known.clone();
            add(&mut sum, &more);
            assert_eq!(sum, expected, "{known} + {more}");
        }
    }

    #[test]
    fn what_is_not_to_be_added_takes_the_place() {
        let mut stats = CustomStats::default();
        for (value, aggregate) in [(10, false), (15, true), (3, false)] {
            stats.follow(&Event::Statistic {
                name: "n".into(),
                value: json!(value),
                host: None,
                aggregate,
            });
        }
        assert_eq!(stats.all().next().unwrap().1.get("n"), Some(&json!(3)));
        assert!(stats.all().count() == 1 && !stats.is_empty());
    }
}
