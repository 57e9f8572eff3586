//! The model: hosts and groups that know each other by name.

use std::{fmt, sync::Arc};

use indexmap::{IndexMap, IndexSet};
use template::Tree;

/// Name of a host in the inventory, which need not be its address.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Arc<str>);

/// Name of a group.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(Arc<str>);

macro_rules! name {
    ($type:ident) => {
        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name as shared text.
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(HostName);
name!(GroupName);

/// Variables of one host or group, in the order of their definition.
pub type Vars = IndexMap<Arc<str>, Tree>;

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: HostName,
    /// Variables set on the host itself.
    pub vars: Vars,
    /// Groups that name the host, not those around them.
    pub groups: IndexSet<GroupName>,
    /// The file, or the list of hosts, that named it first; none where a run added it.
    pub source: Option<Arc<str>>,
    /// Whether the host is `localhost` that no inventory names.
    pub is_implicit: bool,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: GroupName,
    pub vars: Vars,
    /// Hosts that the group names itself.
    pub hosts: IndexSet<HostName>,
    pub children: IndexSet<GroupName>,
    pub parents: IndexSet<GroupName>,
    /// `ansible_group_priority`; of two groups on one level the higher one counts.
    pub priority: i64,
}

/// All hosts and groups. There are always the groups `all` and `ungrouped`.
#[derive(Clone, Debug)]
pub struct Inventory {
    pub hosts: IndexMap<HostName, Host>,
    pub groups: IndexMap<GroupName, Group>,
    /// The sources as they were given.
    pub sources: Vec<String>,
    /// Folders beside which `group_vars` and `host_vars` are looked for, in the order of sources.
    pub folders: Vec<std::path::PathBuf>,
    /// What is being read: the file, or the list of hosts. Hosts that are added come from there.
    pub reading: Option<Arc<str>>,
    /// What becomes of names of groups that do not fit.
    pub names: crate::group_names::GroupNames,
    /// A name of a variable that stands in a source as something else than a text, such as `7.2`.
    pub odd_name: Option<Arc<str>>,
}

/// A group would be inside itself.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("Adding group '{child}' as child to '{parent}' creates a recursive dependency loop.")]
pub struct GroupLoop {
    pub parent: GroupName,
    pub child: GroupName,
}

impl Default for Inventory {
    fn default() -> Self {
        let mut inventory = Self {
            hosts: IndexMap::new(),
            groups: IndexMap::new(),
            sources: Vec::new(),
            folders: Vec::new(),
            reading: None,
            names: Default::default(),
            odd_name: None,
        };
        inventory.add_group("all");
        inventory.add_group("ungrouped");
        // Two new groups cannot make a loop.
        let _ = inventory.add_child("all", "ungrouped");
        inventory
    }
}

impl Inventory {
    /// Adds a group unless it is there.
    pub fn add_group(&mut self, name: &str) -> &mut Group {
        let name = GroupName::from(name);
        self.groups.entry(name.clone()).or_insert_with(|| Group {
            name,
            vars: Vars::new(),
            hosts: IndexSet::new(),
            children: IndexSet::new(),
            parents: IndexSet::new(),
            priority: 1,
        })
    }

    /// Adds a host unless it is there.
    pub fn add_host(&mut self, name: &str) -> &mut Host {
        let name = HostName::from(name);
        let reading = &self.reading;
        self.hosts.entry(name.clone()).or_insert_with(|| Host {
            name,
            vars: Vars::new(),
            groups: IndexSet::new(),
            source: reading.clone(),
            is_implicit: false,
        })
    }

    /// Puts a host into a group; both are added unless they are there.
    pub fn add_host_to_group(&mut self, host: &str, group: &str) {
        let group_name = GroupName::from(group);
        self.add_host(host).groups.insert(group_name);
        self.add_group(group).hosts.insert(HostName::from(host));
    }

    /// Puts a group into another; both are added unless they are there.
    ///
    /// # Errors
    /// [`GroupLoop`] where the parent is inside the child already.
    pub fn add_child(&mut self, parent: &str, child: &str) -> Result<(), GroupLoop> {
        self.add_group(parent);
        self.add_group(child);
        if parent == child || self.descendants(child).contains(parent) {
            return Err(GroupLoop { parent: parent.into(), child: child.into() });
        }
        self.add_group(parent).children.insert(child.into());
        self.add_group(child).parents.insert(parent.into());
        Ok(())
    }

    /// Takes a host out of the inventory.
    pub fn remove_host(&mut self, host: &str) {
        self.hosts.shift_remove(host);
        for group in self.groups.values_mut() {
            group.hosts.shift_remove(host);
        }
    }

    /// What holds once all sources are read: hosts that no group names are in `ungrouped`, groups
    /// that are in no other are in `all`.
    pub fn reconcile(&mut self) {
        let hosts: Vec<HostName> = self.hosts.keys().cloned().collect();
        for host in hosts {
            let own = |group: &GroupName| !matches!(group.as_str(), "all" | "ungrouped");
            let grouped = self
                .hosts
                .get(&host)
                .is_some_and(|host| host.is_implicit || host.groups.iter().any(own));
            if grouped {
                if let Some(group) = self.groups.get_mut("ungrouped") {
                    group.hosts.shift_remove(&host);
                }
                if let Some(host) = self.hosts.get_mut(&host) {
                    host.groups.shift_remove("ungrouped");
                }
            } else {
                self.add_host_to_group(host.as_str(), "ungrouped");
            }
        }
        let orphans: Vec<GroupName> = self
            .groups
            .values()
            .filter(|group| group.parents.is_empty() && group.name.as_str() != "all")
            .map(|group| group.name.clone())
            .collect();
        for orphan in orphans {
            // What has no parents cannot have `all` inside it unless `all` was made a child, which
            // `add_child` refused.
            let _ = self.add_child("all", orphan.as_str());
        }
    }

    /// All groups inside a group, itself left out.
    pub fn descendants(&self, group: &str) -> IndexSet<GroupName> {
        let mut found = IndexSet::new();
        let mut open = vec![GroupName::from(group)];
        while let Some(name) = open.pop() {
            let Some(group) = self.groups.get(&name) else { continue };
            for child in group.children.iter().rev() {
                if found.insert(child.clone()) {
                    open.push(child.clone());
                }
            }
        }
        found
    }

    /// The hosts of a group and of all groups inside it: first its own, then those of groups one
    /// step further in, and so on, as Ansible orders them; each where it is met first.
    pub fn hosts_of(&self, group: &str) -> Vec<HostName> {
        let mut groups: IndexSet<GroupName> = IndexSet::from([GroupName::from(group)]);
        let mut next = 0;
        while let Some(found) = groups.get_index(next).and_then(|name| self.groups.get(name)) {
            groups.extend(found.children.iter().cloned());
            next += 1;
        }
        let mut hosts: IndexSet<HostName> = IndexSet::new();
        for group in groups.iter().filter_map(|name| self.groups.get(name)) {
            hosts.extend(group.hosts.iter().cloned());
        }
        if group == "all" {
            hosts.extend(self.hosts.keys().cloned());
            hosts.retain(|name| self.hosts.get(name).is_some_and(|host| !host.is_implicit));
        }
        hosts.into_iter().collect()
    }

    /// All groups that a host is in, sorted as their variables are applied: by depth from `all`,
    /// then priority, then name.
    pub fn groups_of(&self, host: &str) -> Vec<GroupName> {
        let mut found: IndexSet<GroupName> = IndexSet::new();
        let Some(host) = self.hosts.get(host) else { return Vec::new() };
        let mut open: Vec<GroupName> = host.groups.iter().cloned().collect();
        if !host.is_implicit || open.is_empty() {
            open.push("all".into());
        }
        while let Some(name) = open.pop() {
            if let Some(group) = self.groups.get(&name) {
                open.extend(group.parents.iter().cloned());
                found.insert(name);
            }
        }
        let mut groups: Vec<(usize, i64, GroupName)> = found
            .into_iter()
            .map(|name| {
                let priority = self.groups.get(&name).map_or(1, |group| group.priority);
                (self.depth(&name), priority, name)
            })
            .collect();
        groups.sort();
        groups.into_iter().map(|(_, _, name)| name).collect()
    }

    /// How far a group is from the outermost one, by the longest way.
    pub fn depth(&self, group: &GroupName) -> usize {
        let Some(group) = self.groups.get(group) else { return 0 };
        group.parents.iter().map(|parent| self.depth(parent) + 1).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
        items.into_iter().map(|item| item.to_string()).collect()
    }

    fn sample() -> Inventory {
        let mut inventory = Inventory::default();
        inventory.add_host_to_group("web1", "web");
        inventory.add_host_to_group("web2", "web");
        inventory.add_host_to_group("db1", "db");
        inventory.add_host("lone");
        inventory.add_child("prod", "web").unwrap();
        inventory.add_child("prod", "db").unwrap();
        inventory.reconcile();
        inventory
    }

    #[test]
    fn a_group_has_the_hosts_of_the_groups_inside_it() {
        assert_eq!(names(sample().hosts_of("prod")), ["web1", "web2", "db1"]);
        assert_eq!(names(sample().hosts_of("ungrouped")), ["lone"]);
        assert_eq!(names(sample().hosts_of("all")), ["lone", "web1", "web2", "db1"]);
    }

    /// Seen with ansible-core 2.18.
    #[test]
    fn hosts_come_from_outside_in_and_say_where_they_are_named() {
        let mut inventory = Inventory { reading: Some("/i/first".into()), ..Inventory::default() };
        inventory.add_host_to_group("c1", "c");
        inventory.add_child("a", "c").unwrap();
        inventory.reading = Some("/i/second".into());
        inventory.add_host_to_group("z1", "z");
        inventory.add_host_to_group("c1", "z");
        inventory.add_host("lone");
        inventory.reading = None;
        inventory.add_host("later");
        inventory.reconcile();
        assert_eq!(names(inventory.hosts_of("all")), ["lone", "later", "z1", "c1"]);
        let source = |name: &str| inventory.hosts[&HostName::from(name)].source.as_deref();
        assert_eq!(["c1", "z1", "later"].map(source), [Some("/i/first"), Some("/i/second"), None]);
    }

    #[test]
    fn groups_of_a_host_come_in_the_order_of_their_variables() {
        let mut inventory = sample();
        inventory.add_host_to_group("web1", "aaa");
        inventory.reconcile();
        assert_eq!(names(inventory.groups_of("web1")), ["all", "aaa", "prod", "web"]);
        inventory.add_group("aaa").priority = 10;
        assert_eq!(names(inventory.groups_of("web1")), ["all", "prod", "aaa", "web"]);
    }

    #[test]
    fn a_group_cannot_be_inside_itself() {
        let mut inventory = sample();
        let error = inventory.add_child("web", "prod").unwrap_err();
        assert!(error.to_string().contains("'prod' as child to 'web'"));
        assert!(inventory.add_child("web", "web").is_err());
    }
}
