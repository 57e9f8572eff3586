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
}

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
                    && source != src
                {
                    return Err(Failure::new(format!(
                        "Ephemeral mount point is already mounted with a different source: {source} at {}",
                        self.path.display()
                    )));
                }
            }
            Wanted::Absent | Wanted::Unmounted => {
                actual.is_mounted = Some(is_mounted.is_some());
                desired.is_mounted = Some(false);
            }
            Wanted::Remounted | Wanted::Present | Wanted::AbsentFromFstab => {}
        }
        if self.state == Wanted::Absent {
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
            } else {
                let made = self.make_folder(host)?;
                if let Err(why) = self.execute(host, self.mount_program()) {
                    // A line that cannot be mounted would hold up the next boot.
                    if changes_table && let Some(before) = &actual.table.text {
                        host.write(&self.fstab, &mut before.as_bytes(), &Placement::default())?;
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
        if desired.has_folder == Some(false) && actual.has_folder == Some(true) {
            self.refuse_full_folder(host)?;
            host.remove_dir_all(&self.path)?;
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

    /// What is mounted there; `None` for nothing.
    fn mounted_source(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        let bytes = host.read(Path::new("/proc/mounts"))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let real = host.real_path(&self.path).unwrap_or_else(|_: HostError| self.path.clone());
        // The last one lies on top.
        let mut mounts = text.lines().filter_map(|line| {
            let mut fields = line.split(' ');
            let (source, path) = (fields.next()?, fields.next()?);
            (Path::new(&unescape(path)) == real).then(|| unescape(source))
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
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_mount};

    fn host(table: &str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/fstab", table);
        put_mount(&mut host);
        host
    }

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("mount", args, "", "", Mode::default(), host)
    }

    #[test]
    fn tables_and_mounts_are_kept() {
        let base =
            |state: &str| json!({"path": "/m", "src": "/dev/x", "fstype": "ext4", "state": state});
        let with = |state: &str, key: &str, value: Json| {
            let mut args = base(state);
            args[key] = value;
            args
        };
        let line = "/dev/x /m ext4 defaults 0 0\n";
        for (args, table, is_mounted, after, stays_mounted, changed) in [
            (base("present"), "", false, line, false, true),
            (
                base("present"),
                "/dev/x\t/m\text4  defaults 0 0\n",
                false,
                "/dev/x\t/m\text4  defaults 0 0\n",
                false,
                false,
            ),
            (base("mounted"), "# x\n", false, "# x\n/dev/x /m ext4 defaults 0 0\n", true, true),
            (base("mounted"), line, true, line, true, false),
            (
                with("mounted", "opts", json!("ro")),
                line,
                true,
                "/dev/x /m ext4 ro 0 0\n",
                true,
                true,
            ),
            (
                with("present", "boot", json!(false)),
                "",
                false,
                "/dev/x /m ext4 defaults,noauto 0 0\n",
                false,
                true,
            ),
            (
                with("present", "src", json!("//h/a b")),
                "",
                false,
                "//h/a\\040b /m ext4 defaults 0 0\n",
                false,
                true,
            ),
            (base("unmounted"), line, true, line, false, true),
            (base("absent"), line, true, "", false, true),
            (base("absent_from_fstab"), line, true, "", true, true),
            (base("ephemeral"), "", false, "", true, true),
        ] {
            let mut host = host(table);
            if is_mounted {
                host.put_dirs("/m");
                host.put("/proc/mounts", "/dev/x /m ext4 rw 0 0\n");
            }
            let response = apply(&args, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
            assert_eq!(host.files.text("/etc/fstab").as_deref(), Some(after), "{args}");
            let mounts = host.files.text("/proc/mounts").unwrap();
            assert_eq!(mounts.contains(" /m "), stays_mounted, "{args}: {mounts}");
            assert!(!apply(&args, &mut host).changed, "{args}");
        }
        let mut host = host(line);
        host.put("/proc/mounts", "/dev/x /m ext4 rw 0 0\n");
        assert!(apply(&base("remounted"), &mut host).changed);
    }

    #[test]
    fn what_cannot_be_mounted_is_refused() {
        for (args, expected) in [
            (
                json!({"path": "/m", "state": "mounted"}),
                "state is mounted but all of the following are missing: src, fstype",
            ),
            (json!({"path": "/m"}), "missing required arguments: state"),
            (
                json!({"path": "/m", "src": "nosuch", "fstype": "x", "state": "mounted"}),
                "Error mounting /m",
            ),
            (
                json!({"path": "/m", "src": "a\nb", "fstype": "x", "state": "present"}),
                "goes over a line end",
            ),
            (
                json!({"path": "/m", "src": "a", "fstype": "x", "opts": "a b", "state": "present"}),
                "cannot hold blanks",
            ),
            (
                json!({"path": "/full", "state": "absent"}),
                "Error rmdir /full: the folder is not empty",
            ),
            (json!({"path": "/m", "state": "remounted"}), "is not mounted"),
            (
                json!({"path": "/busy", "src": "b", "fstype": "x", "state": "ephemeral"}),
                "already mounted with a different source: a",
            ),
        ] {
            let mut host = host("");
            host.put("/full/x", "");
            host.put("/proc/mounts", "a /busy x rw 0 0\n");
            let response = apply(&args, &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(expected), "{args}: {msg}");
        }
    }
}
