//! A place of its own for each host among the control groups of this machine.
//!
//! A container that keeps the unit it was started from puts its processes in `payload`, below the
//! group of who starts it. Two systemds that were started from one group would have one tree, and
//! each takes away the groups that the other one's services are about to enter (`219/CGROUP`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shell::{HostsError, at};

/// The groups called `name`, below the group of this process, in each tree that a container takes
/// its own from: that of version 2, and the one of version 1 that is called `systemd`. They are
/// made where they are not there yet; a process is in them that writes its number to their
/// `cgroup.procs`.
///
/// # Errors
/// Where this machine has neither tree, or a group cannot be made.
pub(crate) fn make(name: &str) -> Result<Vec<PathBuf>, HostsError> {
    let [mounts, own] = ["/proc/self/mountinfo", "/proc/self/cgroup"]
        .map(|path| fs::read_to_string(path).map_err(at(Path::new(path))));
    let groups = groups(&mounts?, &own?, name);
    if groups.is_empty() {
        let why = "neither cgroup2 nor systemd's own tree is mounted".to_owned();
        return Err(HostsError::File { path: "/sys/fs/cgroup".into(), why });
    }
    for group in &groups {
        fs::create_dir_all(group).map_err(at(group))?;
    }
    Ok(groups)
}

/// Formats: proc_pid_mountinfo(5) and cgroups(7).
fn groups(mounts: &str, own: &str, name: &str) -> Vec<PathBuf> {
    let own = |tree: &str| {
        own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == tree).then(|| path.to_owned())
        })
    };
    let Some(own) = own("").or_else(|| own("name=systemd")) else { return Vec::new() };
    let trees = mounts.lines().filter_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        let (root, point) = (words.next()?, words.next()?);
        let mut words = filesystem.split(' ');
        let (kind, options) = (words.next()?, words.nth(1)?);
        let is_tree = kind == "cgroup2"
            || kind == "cgroup" && options.split(',').any(|option| option == "name=systemd");
        let inside = Path::new(&own).strip_prefix(root).ok()?;
        is_tree.then(|| Path::new(point).join(inside).join(name))
    });
    trees.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_below_that_of_the_process() {
        let unified = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
        let own = "0::/user.slice/session-1.scope\n";
        let expected = "/sys/fs/cgroup/user.slice/session-1.scope/host";
        assert_eq!(groups(unified, own, "host"), [PathBuf::from(expected)]);
        let hybrid = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      40 31 0:37 / /sys/fs/cgroup/systemd rw shared:3 - cgroup cgroup rw,name=systemd\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let own = "9:name=systemd:/\n8:pids:/\n0::/\n";
        let expected = ["/sys/fs/cgroup/systemd/host", "/sys/fs/cgroup/unified/host"];
        assert_eq!(groups(hybrid, own, "host"), expected.map(PathBuf::from));
        assert!(groups("", own, "host").is_empty());
    }
}
