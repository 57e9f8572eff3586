//! Which hosts plays are for.

use std::{collections::BTreeSet, sync::Arc};

use inventory::{HostName, pattern};
use plan::{Layer, Play};

use super::Runner;
use crate::{Event, settings::Mismatch};

impl Runner {
    /// What is wrong with the variables of hosts that the plays are for, as far as these are known
    /// before the first one.
    pub(super) fn broken_vars(&self, plays: &[Arc<Play>]) -> Option<String> {
        let inventory = self.store.inventory();
        let mut hosts: Vec<HostName> = plays
            .iter()
            .filter_map(|play| self.patterns(play, &self.play_vars(play).ok()?).ok())
            .filter_map(|patterns| pattern::resolve(&inventory, &patterns).ok())
            .flat_map(|matched| matched.hosts)
            .collect();
        if let Some(limit) = &self.settings.limit {
            let allowed = pattern::resolve(&inventory, limit).ok()?;
            hosts.retain(|host| allowed.hosts.contains(host));
        }
        hosts.sort();
        hosts.dedup();
        self.store.prepare(&hosts);
        let broken: BTreeSet<String> =
            hosts.iter().filter_map(|host| self.store.broken_vars(host)).collect();
        (!broken.is_empty()).then(|| broken.into_iter().collect::<Vec<_>>().join("; "))
    }

    fn patterns(&self, play: &Play, vars: &Layer) -> Result<Vec<String>, String> {
        let value = self.play_value(&play.hosts, vars)?;
        let patterns: Vec<String> = match value.as_list() {
            Some(list) => list.iter().map(|part| part.to_string()).collect(),
            None => vec![value.to_string()],
        };
        if patterns.iter().all(|pattern| pattern.trim().is_empty()) {
            return Err(format!(
                "{}: Hosts list cannot be empty. Please check your playbook",
                play.hosts.span
            ));
        }
        Ok(patterns)
    }

    /// The hosts of a play, narrowed by `--limit`, in the order that the play wants.
    pub fn hosts(&self, play: &Play, vars: &Layer) -> Result<Vec<HostName>, String> {
        let patterns = self.patterns(play, vars)?;
        let inventory = self.store.inventory();
        let matched = pattern::resolve(&inventory, &patterns).map_err(|error| error.to_string())?;
        for part in &matched.unmatched {
            let message = format!("Could not match supplied host pattern, ignoring: {part}");
            match self.settings.host_pattern_mismatch {
                Mismatch::Ignore => {}
                Mismatch::Warning => {
                    let _ = self.events.send(Event::Warning { message });
                }
                Mismatch::Error => {
                    return Err(format!("Could not match supplied host pattern: {part}"));
                }
            }
        }
        let mut hosts = matched.hosts;
        if let Some(limit) = &self.settings.limit {
            let allowed = pattern::resolve(&inventory, limit).map_err(|error| error.to_string())?;
            hosts.retain(|host| allowed.hosts.contains(host));
        }
        match &play.order {
            None => {}
            Some(setting) => match self.play_value(setting, vars)?.to_string().as_str() {
                "inventory" | "" => {}
                "reverse_inventory" => hosts.reverse(),
                "sorted" => hosts.sort(),
                "reverse_sorted" => {
                    hosts.sort();
                    hosts.reverse();
                }
                "shuffle" => shuffle(&mut hosts),
                other => {
                    return Err(format!(
                        "{}: Invalid 'order' specified for inventory hosts: {other}",
                        setting.span
                    ));
                }
            },
        }
        Ok(hosts)
    }
}

/// Puts hosts into an order that nobody chose.
fn shuffle(hosts: &mut [HostName]) {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new();
    hosts.sort_by_key(|host| random.hash_one(host));
}
