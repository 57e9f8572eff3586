//! Which versions of collections fit together: a search over what servers offer, with going back
//! where a choice turns out to be wrong.

use std::collections::BTreeMap;

use super::version;
use crate::Failed;

/// How many choices may be tried before the search is given up.
const CHOICES_MAX: usize = 20_000;

/// A collection that is asked for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    pub name: String,
    /// Such as `>=1.0.0,<2.0.0`; `*` is any version.
    pub range: String,
    /// The collection that depends on it, with its version; `None` where the user asks.
    pub by: Option<String>,
}

/// One version of a collection that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub version: String,
    /// Whether it counts although it comes before a release: it is there, or given as a file.
    pub is_given: bool,
}

/// Where versions come from.
pub trait Offers {
    /// What a collection can be had in without asking anyone, best first.
    fn at_hand(&self, name: &str) -> Vec<Offer>;

    /// What else it can be had in, best first; asked for where nothing at hand fits.
    ///
    /// # Errors
    /// A server that cannot be asked.
    fn elsewhere(&self, name: &str) -> Result<Vec<Offer>, Failed>;

    /// What a version depends on: names and ranges.
    ///
    /// # Errors
    /// As [`Offers::elsewhere`].
    fn dependencies(&self, name: &str, version: &str) -> Result<BTreeMap<String, String>, Failed>;
}

/// Finds a version for each collection that is asked for and for all that these depend on, in the
/// order in which they are met.
///
/// Versions before a release are taken where `takes_prereleases` says so, or where one is asked
/// for by its exact version.
///
/// # Errors
/// No versions fit together; what the offers say.
pub fn resolve(
    demands: Vec<Demand>,
    offers: &dyn Offers,
    takes_prereleases: bool,
) -> Result<Vec<(String, String)>, Failed> {
    let mut search =
        Search { offers, takes_prereleases, demands, chosen: Vec::new(), tried: 0, conflict: None };
    if search.go_on()? {
        return Ok(search.chosen);
    }
    let conflict = search.conflict.unwrap_or_default();
    let shown = |demand: &Demand| {
        let by = demand.by.as_ref();
        let by = by.map_or_else(|| "direct request".into(), |by| format!("dependency of {by}"));
        format!("\n* {}:{} ({by})", demand.name, demand.range)
    };
    let hint = match takes_prereleases {
        true => "",
        false => {
            "\nVersions before a release are taken only with `--pre`, or where they are asked for exactly."
        }
    };
    Err(Failed::general(format!(
        "Failed to resolve the requested dependencies map. Could not satisfy the following requirements:{}{hint}",
        conflict.iter().map(shown).collect::<String>()
    )))
}

struct Search<'a> {
    offers: &'a dyn Offers,
    takes_prereleases: bool,
    demands: Vec<Demand>,
    chosen: Vec<(String, String)>,
    tried: usize,
    /// The demands that could not be met when most had been chosen.
    conflict: Option<Vec<Demand>>,
}

impl Search<'_> {
    /// Chooses a version for the first collection that has none, and goes on; whether all have one
    /// in the end.
    fn go_on(&mut self) -> Result<bool, Failed> {
        let open = self.demands.iter().find(|demand| self.version_of(&demand.name).is_none());
        let Some(name) = open.map(|demand| demand.name.clone()) else { return Ok(true) };
        let mut deepest = None;
        let at_hand = self.offers.at_hand(&name);
        if self.try_each(&name, at_hand, &mut deepest)? {
            return Ok(true);
        }
        let elsewhere = self.offers.elsewhere(&name)?;
        if self.try_each(&name, elsewhere, &mut deepest)? {
            return Ok(true);
        }
        let conflict = deepest.unwrap_or_else(|| self.demands_of(&name));
        self.conflict.get_or_insert(conflict);
        Ok(false)
    }

    /// Goes on with each of some versions of a collection until all fits; `deepest` becomes what
    /// the first one breaks that does not.
    fn try_each(
        &mut self,
        name: &str,
        offers: Vec<Offer>,
        deepest: &mut Option<Vec<Demand>>,
    ) -> Result<bool, Failed> {
        for offer in offers {
            if !self.is_allowed(name, &offer) {
                continue;
            }
            self.tried += 1;
            if self.tried > CHOICES_MAX {
                return Err(Failed::general(format!(
                    "no versions were found that fit together among the first {CHOICES_MAX} choices; ask for narrower versions"
                )));
            }
            let by = format!("{name}:{}", offer.version);
            let needed: Vec<Demand> = self
                .offers
                .dependencies(name, &offer.version)?
                .into_iter()
                .map(|(name, range)| Demand { name, range, by: Some(by.clone()) })
                .collect();
            let broken = needed.iter().find(|demand| {
                self.version_of(&demand.name)
                    .is_some_and(|chosen| !version::allows(&demand.range, chosen))
            });
            if let Some(broken) = broken {
                let mut all = self.demands_of(&broken.name);
                all.push(broken.clone());
                deepest.get_or_insert(all);
                continue;
            }
            let demands_before = self.demands.len();
            self.demands.extend(needed);
            self.chosen.push((name.to_owned(), offer.version));
            if self.go_on()? {
                return Ok(true);
            }
            self.chosen.pop();
            self.demands.truncate(demands_before);
        }
        Ok(false)
    }

    fn version_of(&self, name: &str) -> Option<&str> {
        self.chosen.iter().find(|(known, _)| known == name).map(|(_, version)| version.as_str())
    }

    fn demands_of(&self, name: &str) -> Vec<Demand> {
        self.demands.iter().filter(|demand| demand.name == name).cloned().collect()
    }

    fn is_allowed(&self, name: &str, offer: &Offer) -> bool {
        let mut all = self.demands.iter().filter(|demand| demand.name == name);
        let is_early = version::is_prerelease(&offer.version);
        let is_pinned = || {
            let mut all = self.demands.iter().filter(|demand| demand.name == name);
            all.any(|demand| version::pins(&demand.range, &offer.version))
        };
        all.all(|demand| version::allows(&demand.range, &offer.version))
            && (!is_early || offer.is_given || self.takes_prereleases || is_pinned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Collections and what is asked of their versions.
    type Ranges = [(&'static str, &'static str)];

    /// Versions of collections with what they depend on, best first.
    struct Shelf(&'static [(&'static str, &'static str, &'static Ranges)]);

    impl Offers for Shelf {
        fn at_hand(&self, _: &str) -> Vec<Offer> {
            Vec::new()
        }

        fn elsewhere(&self, name: &str) -> Result<Vec<Offer>, Failed> {
            let all = self.0.iter().filter(|(known, ..)| *known == name);
            Ok(all.map(|(_, v, _)| Offer { version: (*v).into(), is_given: false }).collect())
        }

        fn dependencies(&self, name: &str, v: &str) -> Result<BTreeMap<String, String>, Failed> {
            let found = self.0.iter().find(|(known, version, _)| *known == name && *version == v);
            let all = found.map(|(.., needs)| *needs).unwrap_or_default();
            Ok(all.iter().map(|(name, range)| ((*name).into(), (*range).into())).collect())
        }
    }

    const SHELF: Shelf = Shelf(&[
        ("a.web", "2.0.0-rc.1", &[]),
        ("a.web", "1.1.0", &[("a.base", ">=2.0.0")]),
        ("a.web", "1.0.0", &[("a.base", "*")]),
        ("a.base", "2.1.0", &[]),
        ("a.base", "1.0.0", &[]),
        ("a.old", "1.0.0", &[("a.base", "<2.0.0")]),
        ("a.round", "1.0.0", &[("a.about", "*")]),
        ("a.about", "1.0.0", &[("a.round", ">=1.0.0")]),
        ("a.broken", "1.0.0", &[("a.missing", "*")]),
    ]);

    fn asked(names: &Ranges, early: bool) -> Result<Vec<String>, String> {
        let demands = names
            .iter()
            .map(|(name, range)| Demand { name: (*name).into(), range: (*range).into(), by: None })
            .collect();
        let found = resolve(demands, &SHELF, early).map_err(|failed| failed.message)?;
        Ok(found.into_iter().map(|(name, version)| format!("{name}:{version}")).collect())
    }

    #[test]
    fn the_newest_that_fit_together_are_taken() {
        let cases: &[(&Ranges, &[&str])] = &[
            (&[("a.web", "*")], &["a.web:1.1.0", "a.base:2.1.0"]),
            (&[("a.web", "1.0.0")], &["a.web:1.0.0", "a.base:2.1.0"]),
            // What comes later makes an earlier choice wrong.
            (&[("a.web", "*"), ("a.old", "*")], &["a.web:1.0.0", "a.base:1.0.0", "a.old:1.0.0"]),
            (&[("a.web", "==2.0.0-rc.1")], &["a.web:2.0.0-rc.1"]),
            (&[("a.round", "*")], &["a.round:1.0.0", "a.about:1.0.0"]),
        ];
        for (names, expected) in cases {
            let mut found = asked(names, false).unwrap();
            let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{names:?}");
        }
        assert_eq!(asked(&[("a.web", "*")], true).unwrap(), ["a.web:2.0.0-rc.1"]);
    }

    #[test]
    fn what_does_not_fit_is_named_with_those_who_ask() {
        let cases: &[(&Ranges, &[&str])] = &[
            (&[("a.web", ">=3.0.0")], &["* a.web:>=3.0.0 (direct request)", "--pre"]),
            (&[("a.none", "*")], &["* a.none:* (direct request)"]),
            (&[("a.broken", "*")], &["* a.missing:* (dependency of a.broken:1.0.0)"]),
            (
                &[("a.base", ">=2.0.0"), ("a.old", "*")],
                &[
                    "* a.base:>=2.0.0 (direct request)",
                    "* a.base:<2.0.0 (dependency of a.old:1.0.0)",
                ],
            ),
        ];
        for (names, says) in cases {
            let why = asked(names, false).unwrap_err();
            for text in *says {
                assert!(why.contains(text), "{names:?}: {why}");
            }
        }
    }
}
