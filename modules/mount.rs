//! The `mount` module of the collection `ansible.posix`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, HostError, Module, Placement,
    Program, Returned, file_arguments::FOLDER_MODE, host::succeeded,
};
use protocol::{Diff, JsonMap, diff::Side};
use serde::Serialize;

use crate::{copy::back_up, whole_text::WholeText};

/// Keeps a file system mounted, or its line in the table that is read at boot, or both.
#[derive(Debug, Arguments)]
#[arguments(required_if(
    ("state", "mounted", ["src", "fstype"]),
    ("state", "present", ["src", "fstype"]),
    ("state", "ephemeral", ["src", "fstype"])
))]
pub struct Mount {
    /// Where it is mounted; `none` for swap.
    #[argument(aliases("name"))]
    path: PathBuf,
    /// What is mounted: a device, `UUID=…`, a share, a folder.
    src: Option<String>,
    /// Kind of file system.
    fstype: Option<String>,
    /// Options, with commas between them.
    #[argument(default = "defaults")]
    opts: String,
    /// Whether options are kept out of what is shown. What is shown of them here is the table.
    #[argument(default = false)]
    opts_no_log: bool,
    /// Fifth field of the table: whether `dump` saves it.
    #[argument(default = "0")]
    dump: String,
    /// Sixth field of the table: when it is checked at boot.
    #[argument(default = "0")]
    passno: String,
    /// `present` is about the table alone, `mounted` about both; `unmounted` leaves the table,
    /// `absent` takes line and mount point away, `absent_from_fstab` the line; `ephemeral` mounts
    /// without a line; `remounted` mounts again what is mounted.
    state: Wanted,
    /// The table.
    #[argument(default = "/etc/fstab")]
    fstab: PathBuf,
    /// Whether it is mounted at boot; without it, the option `noauto` is added.
    #[argument(default = true)]
    boot: bool,
    /// Whether the old table is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
}

/// What is wanted of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Wanted {
    Absent,
    AbsentFromFstab,
    Mounted,
    Present,
    Unmounted,
    Remounted,
    Ephemeral,
}

/// What a task manages of a mount.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mounting {
    #[serde(skip)]
    table: WholeText,
    /// The line in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    /// Whether it is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_mounted: Option<bool>,
    /// Whether the mount point is there, where it is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_folder: Option<bool>,
    /// Options that are wanted of what is mounted without a line, and not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lacks: Vec<String>,
}

/// Options that the kernel tells of any mount, and what each takes away.
const FLAGS: &[(&str, &str)] = &[
    ("ro", "rw"),
    ("rw", "ro"),
    ("nosuid", "suid"),
    ("suid", "nosuid"),
    ("nodev", "dev"),
    ("dev", "nodev"),
    ("noexec", "exec"),
    ("exec", "noexec"),
    ("noatime", "relatime"),
    ("relatime", "noatime"),
];

impl Documented for Mount {
    const NAME: &'static str = "ansible.posix.mount";
    const ALIASES: &'static [&'static str] = &["mount"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A share, now and after each boot",
            args: r#"{"path": "/srv/share", "src": "192.0.2.1:/share", "fstype": "nfs", "opts": "ro,noatime", "state": "mounted"}"#,
        },
        Example {
            title: "After the next boot",
            args: r#"{"path": "/srv/data", "src": "UUID=b3e48f45", "fstype": "ext4", "passno": "2", "state": "present"}"#,
        },
        Example {
            title: "Until the next boot",
            args: r#"{"path": "/srv/ram", "src": "tmpfs", "fstype": "tmpfs", "state": "ephemeral"}"#,
        },
        Example { title: "Never", args: r#"{"path": "/srv/old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "Where it is mounted.", "always", r#""/srv/share""#),
        Returned::new("fstab", "The table.", "always", r#""/etc/fstab""#),
        Returned::new(
            "backup_file",
            "Where the old table is.",
            "changed, with backup",
            r#""/etc/fstab.12345.2026-11-21@05:27:26~""#,
        ),
    ];
}

/// Blanks in fields of the table are written in octal.
fn escape(field: &str) -> String {
    field.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011")
}

fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

impl Module for Mount {
    type State = Mounting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Mounting>, Failure> {
        let fields = [
            self.src.as_deref(),
            self.fstype.as_deref(),
            Some(&self.opts),
            Some(&self.dump),
            Some(&self.passno),
            self.path.to_str(),
        ];
        if let Some(broken) = fields
            .into_iter()
            .flatten()
            .find(|field| field.is_empty() || field.contains(['\n', '\r']))
        {
            return Err(Failure::new(format!(
                "a field of the table is empty or goes over a line end: {broken:?}"
            )));
        }
        if [self.fstype.as_deref(), Some(&self.opts), Some(&self.dump), Some(&self.passno)]
            .into_iter()
            .flatten()
            .any(|field| field.contains([' ', '\t']))
        {
            return Err(Failure::new("fstype, opts, dump and passno cannot hold blanks"));
        }
        let table = WholeText::read(host, &self.fstab)?;
        let mut actual = Mounting { table: table.clone(), ..Mounting::default() };
        let mut desired = actual.clone();
        match self.state {
            Wanted::Present | Wanted::Mounted => {
                actual.line = self.find_line(&table);
                let wanted = self.line();
                let is_same = actual
                    .line
                    .as_deref()
                    .is_some_and(|line| line.split_whitespace().eq(wanted.split_whitespace()));
                if is_same {
                    desired.line.clone_from(&actual.line);
                } else {
                    desired.table = self.edited(&table, Some(&wanted));
                    desired.line = Some(wanted);
                }
            }
            Wanted::Absent | Wanted::AbsentFromFstab => {
                actual.line = self.find_line(&table);
                if actual.line.is_some() {
                    desired.table = self.edited(&table, None);
                }
            }
            Wanted::Unmounted | Wanted::Remounted | Wanted::Ephemeral => {}
        }
        let is_mounted = self.mounted_source(host)?;
        match self.state {
            Wanted::Mounted | Wanted::Ephemeral => {
                actual.is_mounted = Some(is_mounted.is_some());
                desired.is_mounted = Some(true);
                if let (Wanted::Ephemeral, Some(source), Some(src)) =
                    (self.state, &is_mounted, &self.src)
                    && !Self::is_same_source(host, source, src)?
                {
                    return Err(Failure::new(format!(
                        "Ephemeral mount point is already mounted with a different source: {source} at {}",
                        self.path.display()
                    )));
                }
            }
            Wanted::Absent | Wanted::Unmounted if self.is_ours(&actual) => {
                actual.is_mounted = Some(is_mounted.is_some());
                desired.is_mounted = Some(false);
            }
            _ => {}
        }
        if self.state == Wanted::Ephemeral && is_mounted.is_some() {
            actual.lacks = self.lacking(host)?;
        }
        if self.state == Wanted::Absent && self.is_ours(&actual) {
            actual.has_folder = Some(host.metadata(&self.path)?.is_some());
            desired.has_folder = Some(false);
            if is_mounted.is_none() {
                self.refuse_full_folder(host)?;
            }
        }
        let mut delta = Delta::new(actual, desired);
        if self.state == Wanted::Remounted {
            if is_mounted.is_none() {
                return Err(Failure::new(format!(
                    "{} is not mounted, and cannot be remounted",
                    self.path.display()
                )));
            }
            delta.steps.push(format!("mount {} again", self.path.display()));
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Mounting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (actual, desired) = (&delta.actual, &delta.desired);
        let mut returned = JsonMap::new();
        let changes_table = actual.table != desired.table;
        if desired.is_mounted == Some(false) && actual.is_mounted == Some(true) {
            self.execute(host, Program::new("umount").arg(self.path.display().to_string()))?;
        }
        // The line goes last: it tells a second run that there is still something to do.
        if desired.has_folder == Some(false) && actual.has_folder == Some(true) {
            self.refuse_full_folder(host)?;
            host.remove_dir_all(&self.path)?;
        }
        if changes_table {
            if self.backup && actual.table.text.is_some() {
                returned.insert("backup_file".into(), back_up(host, &self.fstab)?.into());
            }
            host.write(&self.fstab, &mut desired.table.as_str().as_bytes(), &Placement::default())?;
        }
        if desired.is_mounted == Some(true) {
            if actual.is_mounted == Some(true) {
                if changes_table {
                    self.mount_again(host)?;
                }
                if !actual.lacks.is_empty() {
                    let options = format!("remount,{}", self.opts);
                    let path = self.path.display().to_string();
                    self.execute(host, Program::new("mount").args(["-o", &options, &path]))?;
                }
            } else {
                let made = self.make_folder(host)?;
                if let Err(why) = self.execute(host, self.mount_program()) {
                    // A line that cannot be mounted would hold up the next boot.
                    match &actual.table.text {
                        _ if !changes_table => {}
                        Some(before) => {
                            let mut before = before.as_bytes();
                            host.write(&self.fstab, &mut before, &Placement::default())?;
                        }
                        None => host.remove_file(&self.fstab)?,
                    }
                    for folder in made.iter().rev() {
                        host.remove_dir_all(folder)?;
                    }
                    return Err(why);
                }
            }
        }
        if self.state == Wanted::Remounted {
            self.mount_again(host)?;
        }
        Ok(returned)
    }

    fn returned(&self, _: &Delta<Mounting>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("name".into(), self.path.display().to_string().into());
        map.insert("fstab".into(), self.fstab.display().to_string().into());
        map.insert("src".into(), self.src.clone().into());
        map.insert("fstype".into(), self.fstype.clone().into());
        if !self.opts_no_log {
            map.insert("opts".into(), self.opts.clone().into());
        }
        map.insert("dump".into(), self.dump.clone().into());
        map.insert("passno".into(), self.passno.clone().into());
        Ok(map)
    }

    fn diff(&self, delta: &Delta<Mounting>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        if !self.opts_no_log {
            return Ok(vec![delta.state_diff()?]);
        }
        let hidden = || Side::Hidden("the options are not to be shown".into());
        Ok(vec![Diff { before: hidden(), after: hidden(), ..Diff::default() }])
    }
}

impl Mount {
    /// Whether two texts name one source: the kernel calls volumes by names of its mapper, which
    /// those of `/dev/GROUP` lead to.
    fn is_same_source(host: &dyn Host, mounted: &str, wanted: &str) -> Result<bool, Failure> {
        if mounted == wanted {
            return Ok(true);
        }
        if !mounted.starts_with("/dev/") || !wanted.starts_with("/dev/") {
            return Ok(false);
        }
        Ok(host.real_path(Path::new(mounted))? == host.real_path(Path::new(wanted))?)
    }

    fn line(&self) -> String {
        let mut opts = self.opts.clone();
        if !self.boot && !opts.split(',').any(|one| one == "noauto") {
            opts.push_str(",noauto");
        }
        format!(
            "{} {} {} {opts} {} {}",
            escape(self.src.as_deref().unwrap_or_default()),
            escape(&self.path.display().to_string()),
            self.fstype.as_deref().unwrap_or_default(),
            self.dump,
            self.passno
        )
    }

    /// Whether a line of the table is about this mount; lines of swap differ by their source.
    fn is_meant(&self, line: &str) -> bool {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [source, path, kind, ..] = fields.as_slice() else { return false };
        if source.starts_with('#') || Path::new(&unescape(path)) != self.path {
            return false;
        }
        let is_swap = *path == "none" && *kind == "swap";
        !is_swap || self.src.as_deref().is_none_or(|src| unescape(source) == src)
    }

    fn find_line(&self, table: &WholeText) -> Option<String> {
        table.as_str().lines().find(|line| self.is_meant(line)).map(str::to_owned)
    }

    /// The table with the line once, where it first was, or without it.
    fn edited(&self, table: &WholeText, line: Option<&str>) -> WholeText {
        let mut line = line;
        let mut text = String::new();
        for old in table.as_str().lines() {
            let new = if self.is_meant(old) { line.take() } else { Some(old) };
            if let Some(new) = new {
                text.push_str(new);
                text.push('\n');
            }
        }
        if let Some(new) = line {
            text.push_str(new);
            text.push('\n');
        }
        WholeText { text: Some(text) }
    }

    /// Whether what is mounted there is the task's to unmount: `absent` means what the table has.
    fn is_ours(&self, actual: &Mounting) -> bool {
        self.state == Wanted::Unmounted || actual.line.is_some()
    }

    /// What is mounted there; `None` for nothing.
    fn mounted_source(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        Ok(self.mounted(host)?.map(|(source, _)| source))
    }

    /// The options of the task that what is mounted there does not have, of those that are told of
    /// any mount.
    fn lacking(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let Some((_, found)) = self.mounted(host)? else { return Ok(Vec::new()) };
        let has = |flag: &str| found.split(',').any(|one| one == flag);
        let is_lacking = |word: &&str| {
            let flag = FLAGS.iter().find(|(flag, _)| flag == word);
            flag.is_some_and(|(flag, other)| !has(flag) && (has(other) || flag.starts_with("no")))
        };
        Ok(self.opts.split(',').filter(is_lacking).map(str::to_owned).collect())
    }

    /// Source and options of what is mounted there.
    fn mounted(&self, host: &dyn Host) -> Result<Option<(String, String)>, Failure> {
        let bytes = host.read(Path::new("/proc/mounts"))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let real = host.real_path(&self.path).unwrap_or_else(|_: HostError| self.path.clone());
        // The last one lies on top.
        let mut mounts = text.lines().filter_map(|line| {
            let mut fields = line.split(' ');
            let (source, path, options) = (fields.next()?, fields.next()?, fields.nth(1)?);
            let is_meant = Path::new(&unescape(path)) == real;
            is_meant.then(|| (unescape(source), options.to_owned()))
        });
        Ok(mounts.next_back())
    }

    fn mount_program(&self) -> Program {
        let path = self.path.display().to_string();
        let mount = Program::new("mount");
        if self.state == Wanted::Ephemeral {
            let kind = self.fstype.clone().unwrap_or_default();
            let source = self.src.clone().unwrap_or_default();
            return mount.args(["-t".into(), kind, "-o".into(), self.opts.clone(), source, path]);
        }
        self.with_table(mount).arg(path)
    }

    fn with_table(&self, mount: Program) -> Program {
        if self.fstab == Path::new("/etc/fstab") {
            mount
        } else {
            mount.arg("-T").arg(self.fstab.display().to_string())
        }
    }

    fn execute(&self, host: &mut dyn Host, program: Program) -> Result<(), Failure> {
        let output = host.execute(&program)?;
        succeeded(&program, output).map_err(|why| {
            let failure = Failure::from(why);
            Failure {
                msg: format!("Error mounting {}: {}", self.path.display(), failure.msg),
                ..failure
            }
        })?;
        Ok(())
    }

    /// Remounts; what cannot change under way is unmounted first.
    fn mount_again(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let path = self.path.display().to_string();
        let remount = self.with_table(Program::new("mount")).args(["-o", "remount", &path]);
        if host.execute(&remount)?.is_success() {
            return Ok(());
        }
        self.execute(host, Program::new("umount").arg(&path))?;
        self.execute(host, self.with_table(Program::new("mount")).arg(path))
    }

    /// Makes the mount point, and returns what it has made: the upper before the lower.
    fn make_folder(&self, host: &mut dyn Host) -> Result<Vec<PathBuf>, Failure> {
        let mut missing = Vec::new();
        for folder in self.path.ancestors() {
            if folder.as_os_str().is_empty() || host.metadata(folder)?.is_some() {
                break;
            }
            missing.push(folder.to_owned());
        }
        missing.reverse();
        for folder in &missing {
            host.make_dir(folder, FOLDER_MODE)?;
        }
        Ok(missing)
    }

    /// A mount point that holds something is not taken away.
    fn refuse_full_folder(&self, host: &dyn Host) -> Result<(), Failure> {
        if host.metadata(&self.path)?.is_some_and(|found| found.is_dir())
            && !host.list(&self.path)?.is_empty()
        {
            return Err(Failure::new(format!(
                "Error rmdir {}: the folder is not empty",
                self.path.display()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
