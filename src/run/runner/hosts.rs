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
        let allowed = match &self.settings.limit {
            Some(limit) => Some(pattern::resolve(&inventory, limit).ok()?.hosts),
            None => None,
        };
        let mut broken = BTreeSet::new();
        for play in plays {
            let patterns = self.play_vars(play).and_then(|vars| self.patterns(play, &vars));
            let Ok(patterns) = patterns else { continue };
            let Ok(matched) = pattern::resolve(&inventory, &patterns) else { continue };
            let mut hosts = matched.hosts;
            hosts.retain(|host| allowed.as_ref().is_none_or(|allowed| allowed.contains(host)));
            self.store.enter_playbook(&super::playbook_folder(play));
            self.store.prepare(&hosts);
            broken.extend(hosts.iter().filter_map(|host| self.store.broken_vars(host)));
        }
        (!broken.is_empty()).then(|| broken.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// What a play says of its hosts, rendered.
    ///
    /// # Errors
    /// It cannot be rendered, or nothing is left of it.
    pub(super) fn patterns(&self, play: &Play, vars: &Layer) -> Result<Vec<String>, String> {
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
