//! What is amiss and stops nothing.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use inventory::Inventory;
use template::surroundings::Warn;

use crate::{Failed, session::Session};

impl Session {
    /// Says of an inventory without hosts that there is only the local one, where a pattern may mean
    /// others.
    ///
    /// # Errors
    /// A setting that is wrong.
    pub fn warn_of_no_hosts(&self, inventory: &Inventory, pattern: &str) -> Result<(), Failed> {
        let is_local = inventory::pattern::LOCALHOST.contains(&pattern);
        let is_wanted = self.settings.flag("LOCALHOST_WARNING")?.unwrap_or(true);
        if inventory.hosts.is_empty() && self.program.is_ansible() && is_wanted && !is_local {
            self.warn(
                "provided hosts list is empty, only localhost is available. Note that the \
                 implicit localhost does not match 'all'",
            );
        }
        Ok(())
    }

    /// Says what is amiss, as wide as Ansible does where there is no terminal.
    pub(crate) fn warn(&self, message: &str) {
        tell(message);
    }
}

/// Says what templates pass over, each of it once.
pub fn each_once() -> Warn {
    let told: Mutex<HashSet<String>> = Mutex::default();
    Arc::new(move |message: &str| {
        if told.lock().unwrap_or_else(PoisonError::into_inner).insert(message.to_owned()) {
            tell(message);
        }
    })
}

fn tell(message: &str) {
    const COLUMNS: usize = 79;
    eprintln!("{}", report::wrap::wrap(&format!("[WARNING]: {message}"), COLUMNS));
}
