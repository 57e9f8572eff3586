//! Owner, group, permissions and all else that every module that makes files lets a task say.

use std::path::Path;

use protocol::{Json, JsonMap};
use serde::Serialize;

use crate::{
    Arguments, Failure, FileMode, Host, Metadata, Placement, Program, accounts,
    host::{Links, succeeded},
    mode::WantedMode,
    selinux,
};

/// Permissions that a new file has before the umask.
pub const FILE_MODE: FileMode = FileMode::new(0o666);
/// Permissions that a new folder has before the umask.
pub const FOLDER_MODE: FileMode = FileMode::new(0o777);

/// The arguments that all modules that make files share.
#[derive(Clone, Debug, Default, Arguments)]
pub struct FileArguments {
    /// Name or number of the user who owns the file.
    pub owner: Option<String>,
    /// Name or number of the group that the file belongs to.
    pub group: Option<String>,
    /// Permissions: octal in quotes (`'0644'`, `'1777'`) or symbolic (`u=rw,g=r`, `a+X`). A plain
    /// number needs its leading zero; `644` without it is decimal, and refused. Left out, a new
    /// file gets what the umask allows and an old one keeps what it has.
    pub mode: Option<Json>,
    /// Flags of the file system as `chattr` takes them, such as `+i`; without `+` or `-` they are
    /// all there are to be.
    #[argument(aliases("attr"))]
    pub attributes: Option<String>,
    /// User part of the SELinux context; `_default` is that of the policy.
    pub seuser: Option<String>,
    /// Role part of the SELinux context; `_default` is that of the policy.
    pub serole: Option<String>,
    /// Type part of the SELinux context; `_default` is that of the policy.
    pub setype: Option<String>,
    /// Level part of the SELinux context; `_default` is that of the policy.
    pub selevel: Option<String>,
    /// Whether a file that cannot be replaced at once, such as the mount point of a container, may
    /// be written in place; readers may then see half of it.
    #[argument(default = false)]
    pub unsafe_writes: bool,
}

/// What a task says about a file, or what a file has of it; aspects that the task leaves out are
/// `None` in both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<FileMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secontext: Option<String>,
}

/// A user or group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Owner {
    /// One that the host knows, or a bare number.
    Id(u32),
    /// One that is not there. A check run shows it as a difference, for an earlier task may be the
    /// one that will make it; a real run fails.
    Missing(String),
}

impl Owner {
    fn id(&self, what: &str, kind: &str) -> Result<u32, Failure> {
        match self {
            Self::Id(id) => Ok(*id),
            Self::Missing(name) => {
                Err(Failure::new(format!("{what} failed: failed to look up {kind} {name}")))
            }
        }
    }
}

impl FileArguments {
    /// The user and the group that the host does not know, in words that warn of it.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn missing_owners(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let words = |kind: &str, id: &str, name: &str| {
            let with =
                if name.parse::<u32>().is_ok() { format!(" with {id}") } else { String::new() };
            let made = if kind == "user" { "Create user" } else { "Create group" };
            format!("failed to look up {kind}{with} {name}. {made} up to this point in real play")
        };
        let mut warnings = Vec::new();
        if let Some(name) = &self.owner {
            let known = match name.parse() {
                Ok(uid) => accounts::user_by_id(host, uid)?,
                Err(_) => accounts::user_by_name(host, name)?,
            };
            warnings.extend(known.is_none().then(|| words("user", "uid", name)));
        }
        if let Some(name) = &self.group {
            let known = match name.parse() {
                Ok(gid) => accounts::group_by_id(host, gid)?,
                Err(_) => accounts::group_by_name(host, name)?,
            };
            warnings.extend(known.is_none().then(|| words("group", "gid", name)));
        }
        Ok(warnings)
    }

    /// What the file has of the aspects that the task manages, and what it should have.
    ///
    /// `existing` is what stands at the path, `None` where the file will be new; `created_mode`
    /// are the permissions that it will be made with, before the umask.
    ///
    /// # Errors
    /// A mode that cannot be read, and what cannot be asked.
    pub fn compare(
        &self,
        host: &dyn Host,
        path: &Path,
        existing: Option<&Metadata>,
        created_mode: FileMode,
    ) -> Result<(FileAttributes, FileAttributes), Failure> {
        let mut actual = FileAttributes::default();
        let mut desired = FileAttributes::default();
        if let Some(name) = &self.owner {
            let found = accounts::user_by_name(host, name)?.map(|user| user.uid);
            desired.owner = Some(owner_of(name, found));
            actual.owner = existing.map(|metadata| Owner::Id(metadata.uid));
        }
        if let Some(name) = &self.group {
            let found = accounts::group_by_name(host, name)?.map(|group| group.gid);
            desired.group = Some(owner_of(name, found));
            actual.group = existing.map(|metadata| Owner::Id(metadata.gid));
        }
        // A link has no permissions of its own.
        if let Some(mode) = self.mode.as_ref().filter(|mode| mode.as_str() != Some(""))
            && !existing.is_some_and(Metadata::is_link)
        {
            let umask = host.umask().bits();
            let current = existing.map_or_else(
                || FileMode::new(created_mode.bits() & !umask),
                |metadata| metadata.mode,
            );
            let is_dir = existing.map_or(created_mode == FOLDER_MODE, Metadata::is_dir);
            desired.mode = Some(WantedMode::parse(mode)?.resolve(current, is_dir, umask)?);
            actual.mode = existing.map(|metadata| metadata.mode);
        }
        if let Some(wanted) = self.attributes.as_deref().filter(|flags| !flags.is_empty()) {
            let current = match existing {
                Some(_) => read_flags(host, path)?,
                None => String::new(),
            };
            desired.attributes = Some(wanted_flags(wanted, &current)?);
            actual.attributes = existing.map(|_| current);
        }
        self.compare_context(host, path, existing, &mut actual, &mut desired)?;
        Ok((actual, desired))
    }

    /// Whether the task says anything of the file's context.
    pub fn names_context(&self) -> bool {
        [&self.seuser, &self.serole, &self.setype, &self.selevel].iter().any(|part| part.is_some())
    }

    fn compare_context(
        &self,
        host: &dyn Host,
        path: &Path,
        existing: Option<&Metadata>,
        actual: &mut FileAttributes,
        desired: &mut FileAttributes,
    ) -> Result<(), Failure> {
        let wanted = [&self.seuser, &self.serole, &self.setype, &self.selevel];
        if !selinux::is_enabled(host)? {
            // As in Ansible, a context is without meaning where the kernel knows none.
            return Ok(());
        }
        let current = match existing {
            Some(_) => selinux::context(host, path)?,
            None => None,
        };
        let wants_default =
            wanted.iter().any(|part| part.as_deref() == Some("_default")) || existing.is_none();
        let policy = if wants_default { selinux::default_context(host, path)? } else { None };
        if wanted.iter().all(|part| part.is_none()) && existing.is_some() {
            return Ok(());
        }
        let Some(base) = current.clone().or_else(|| policy.clone()) else {
            return Ok(());
        };
        let part = |context: &str, index| {
            // The level may hold colons itself.
            context.splitn(4, ':').nth(index).map(str::to_owned)
        };
        let parts =
            wanted.iter().enumerate().filter_map(|(index, wanted)| match wanted.as_deref() {
                Some("_default") => policy.as_deref().and_then(|policy| part(policy, index)),
                Some(wanted) => Some(wanted.to_owned()),
                None => part(&base, index),
            });
        desired.secontext = Some(parts.collect::<Vec<_>>().join(":"));
        actual.secontext = current;
        Ok(())
    }

    /// How a new or replaced file is put in its place with those attributes.
    ///
    /// # Errors
    /// An owner or group that is not there.
    pub fn placement(&self, desired: &FileAttributes) -> Result<Placement, Failure> {
        Ok(Placement {
            mode: desired.mode,
            uid: desired.owner.as_ref().map(|owner| owner.id("chown", "user")).transpose()?,
            gid: desired.group.as_ref().map(|group| group.id("chgrp", "group")).transpose()?,
            context: desired.secontext.clone(),
            unsafe_writes: self.unsafe_writes,
            validate: None,
        })
    }
}

impl FileAttributes {
    /// Reads what context a file has where `desired` says one: a new file is given one even where
    /// its task says nothing of it, and then nobody else looks.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read_context(
        &mut self,
        desired: &Self,
        host: &dyn Host,
        path: &Path,
    ) -> Result<(), Failure> {
        if desired.secontext.is_some() && self.secontext.is_none() {
            self.secontext = selinux::context(host, path)?;
        }
        Ok(())
    }

    /// Sets what differs on a file that is there.
    ///
    /// # Errors
    /// An owner or group that is not there, and what could not be set.
    pub fn apply(
        &self,
        actual: &Self,
        host: &mut dyn Host,
        path: &Path,
        links: Links,
    ) -> Result<(), Failure> {
        // A file that must not be changed has to be freed first, and is locked last.
        if let Some(flags) = actual.attributes.as_deref().filter(|_| self.attributes.is_some())
            && self != actual
            && flags.contains(['i', 'a'])
        {
            change_flags(host, path, flags, "")?;
        }
        if let Some(context) = &self.secontext
            && actual.secontext.as_ref() != Some(context)
        {
            host.set_attribute(path, selinux::ATTRIBUTE, context.as_bytes())?;
        }
        if (&self.owner, &self.group) != (&actual.owner, &actual.group) {
            let uid = self.owner.as_ref().map(|owner| owner.id("chown", "user")).transpose()?;
            let gid = self.group.as_ref().map(|group| group.id("chgrp", "group")).transpose()?;
            host.set_owner(path, uid, gid, links)?;
        }
        if let Some(mode) = self.mode {
            // A change of the owner takes set-id bits away.
            let now = match links {
                Links::Follow => host.metadata(path)?,
                Links::Keep => host.link_metadata(path)?,
            };
            if now.is_some_and(|now| now.mode != mode && !now.is_link()) {
                host.set_mode(path, mode)?;
            }
        }
        if let Some(flags) = &self.attributes {
            let now = read_flags(host, path)?;
            if &now != flags {
                change_flags(host, path, &now, flags)?;
            }
        }
        Ok(())
    }
}

fn owner_of(name: &str, found: Option<u32>) -> Owner {
    match (found, name.parse()) {
        (Some(id), _) | (None, Ok(id)) => Owner::Id(id),
        (None, Err(_)) => Owner::Missing(name.into()),
    }
}

/// The flags of a file, sorted; none where its file system knows none.
///
/// # Errors
/// What cannot be run.
pub fn read_flags(host: &dyn Host, path: &Path) -> Result<String, Failure> {
    let program = Program::new("lsattr").args(["-d", "--"]).arg(path.display().to_string());
    let output = host.query(&program)?;
    let text = output.stdout_text();
    let flags = text.split_whitespace().next().filter(|_| output.is_success()).unwrap_or_default();
    // `e` says how blocks are mapped and is none that can be set.
    Ok(sorted(flags.chars().filter(|flag| !matches!(flag, '-' | 'e'))))
}

fn sorted(flags: impl Iterator<Item = char>) -> String {
    let mut flags: Vec<char> = flags.collect();
    flags.sort_unstable();
    flags.dedup();
    flags.into_iter().collect()
}

fn wanted_flags(wanted: &str, current: &str) -> Result<String, Failure> {
    let (operator, flags) = match wanted.as_bytes().first() {
        Some(b'+' | b'-' | b'=') => wanted.split_at(1),
        _ => ("=", wanted),
    };
    if !flags.bytes().all(|flag| flag.is_ascii_alphabetic()) {
        return Err(Failure::new(format!(
            "attributes must be letters that chattr knows, with one of +, - and = before them, got: {wanted}"
        )));
    }
    Ok(match operator {
        "+" => sorted(current.chars().chain(flags.chars())),
        "-" => sorted(current.chars().filter(|flag| !flags.contains(*flag))),
        _ => sorted(flags.chars().filter(|flag| *flag != 'e')),
    })
}

fn change_flags(host: &mut dyn Host, path: &Path, from: &str, to: &str) -> Result<(), Failure> {
    let taken: String = from.chars().filter(|flag| !to.contains(*flag)).collect();
    let given: String = to.chars().filter(|flag| !from.contains(*flag)).collect();
    let mut program = Program::new("chattr");
    if !taken.is_empty() {
        program = program.arg(format!("-{taken}"));
    }
    if !given.is_empty() {
        program = program.arg(format!("+{given}"));
    }
    if program.args.is_empty() {
        return Ok(());
    }
    let program = program.arg("--").arg(path.display().to_string());
    let output = host.execute(&program)?;
    succeeded(&program, output)?;
    Ok(())
}

/// What modules that make a file return about it: `uid`, `gid`, `owner`, `group`, `mode`, `size`,
/// `state` and, where there is SELinux, `secontext`; nothing where there is no file.
///
/// # Errors
/// What cannot be read.
pub fn path_info(host: &dyn Host, path: &Path) -> Result<JsonMap, Failure> {
    let mut map = JsonMap::new();
    let Some(metadata) = host.link_metadata(path)? else { return Ok(map) };
    let owner = accounts::user_by_id(host, metadata.uid)?
        .map_or_else(|| metadata.uid.to_string(), |user| user.name);
    let group = accounts::group_by_id(host, metadata.gid)?
        .map_or_else(|| metadata.gid.to_string(), |group| group.name);
    map.insert("uid".into(), metadata.uid.into());
    map.insert("gid".into(), metadata.gid.into());
    map.insert("owner".into(), owner.into());
    map.insert("group".into(), group.into());
    map.insert("mode".into(), metadata.mode.to_string().into());
    map.insert("state".into(), metadata.state().into());
    map.insert("size".into(), metadata.size.into());
    if selinux::is_enabled(host)?
        && let Some(context) = selinux::context(host, path)?
    {
        map.insert("secontext".into(), context.into());
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_added_taken_and_set() {
        for (wanted, current, expected) in [
            ("+i", "", "i"),
            ("+i", "i", "i"),
            ("-a", "ai", "i"),
            ("=A", "ai", "A"),
            ("ia", "", "ai"),
            ("ie", "", "i"),
        ] {
            assert_eq!(wanted_flags(wanted, current).unwrap(), expected, "{wanted} on {current}");
        }
        assert!(wanted_flags("+i -a", "").is_err());
    }
}
