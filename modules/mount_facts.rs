//! The `mount_facts` module.

use std::{collections::BTreeSet, io::ErrorKind, path::Path, time::Duration};

use module::{
    Arguments, Choices, Documented, Example, Fact, Failure, Host, HostError, Program, Returned,
    glob,
};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use crate::{
    facts::{Reader, mounts as mounted},
    tool,
};

/// Files that say what is mounted now.
const DYNAMIC: [&str; 3] = ["/etc/mtab", "/proc/mounts", "/etc/mnttab"];
/// Files that say what should be.
const STATIC: [&str; 3] = ["/etc/fstab", "/etc/vfstab", "/etc/filesystems"];

/// The source that is a program's answer.
const PROGRAM: &str = "mount";

/// Tells what is mounted, or should be, with sizes, from sources that can be chosen.
///
/// Files of the form of `fstab` are read; those of systems that are no Linux are passed over. The
/// size of a file system is waited for 5 s at most.
#[derive(Debug, Arguments)]
pub struct MountFacts {
    /// Patterns of devices that are told of.
    devices: Option<Vec<String>>,
    /// Patterns of kinds of file systems that are told of.
    fstypes: Option<Vec<String>>,
    /// Files, `mount` for the program, and `all`, `static` and `dynamic` for what is usual.
    sources: Option<Vec<String>>,
    /// The program that is asked where no file says what is mounted; an empty text for none.
    #[argument(default = "mount")]
    mount_binary: Option<Json>,
    /// Seconds that the program may take.
    timeout: Option<f64>,
    /// What becomes of the task where something takes too long.
    #[argument(default = "error")]
    on_timeout: OnTimeout,
    /// Whether mounts that others lie over are told of too.
    include_aggregate_mounts: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum OnTimeout {
    Error,
    Warn,
    Ignore,
}

impl Documented for MountFacts {
    const NAME: &'static str = "ansible.builtin.mount_facts";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "What is mounted and should be", args: "{}" },
        Example {
            title: "What comes over the network",
            args: r#"{"sources": ["dynamic"], "fstypes": ["nfs*", "cifs"]}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "ansible_facts",
        "`mount_points` by path, and `aggregate_mounts`.",
        "always",
        r#"{"mount_points": {"/": {"device": "/dev/sda1", "fstype": "ext4"}}}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// One line of a source.
struct Entry {
    source: String,
    line: String,
    fields: JsonMap,
}

impl Entry {
    fn text(&self, name: &str) -> String {
        self.fields.get(name).map(python::text).unwrap_or_default()
    }
}

/// The entries of a file of the form of `fstab`; none where a line has another form.
fn read_table(source: &str, text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(mounted::unescape).collect();
        let [device, mount, kind, options, rest @ ..] = words.as_slice() else { return None };
        let mut fields = JsonMap::new();
        for (name, value) in
            [("device", device), ("mount", mount), ("fstype", kind), ("options", options)]
        {
            fields.insert(name.into(), value.clone().into());
        }
        for (name, word) in ["dump", "passno"].into_iter().zip(rest) {
            fields.insert(name.into(), word.parse::<i64>().ok()?.into());
        }
        Some(Entry { source: source.into(), line: line.trim().into(), fields })
    };
    let lines =
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
    lines.map(entry).collect::<Option<Vec<Entry>>>().unwrap_or_default()
}

/// The entries of lines such as `/dev/sda1 on / type ext4 (rw,relatime)`.
fn read_program(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let (device, rest) = line.split_once(" on ")?;
        let (mount, rest) = rest.rsplit_once(" type ")?;
        let (kind, options) = rest.split_once(" (")?;
        let fields = [
            ("device", device),
            ("mount", mount),
            ("fstype", kind),
            ("options", options.split(')').next().unwrap_or_default()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.into()));
        Some(Entry {
            source: PROGRAM.into(),
            line: line.into(),
            fields: fields.into_iter().collect(),
        })
    };
    text.lines().filter_map(entry).collect()
}

impl MountFacts {
    fn sources(&self) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        let given = self.sources.as_deref().filter(|sources| !sources.is_empty());
        for source in given.unwrap_or(&["all".to_owned()]) {
            match source.as_str() {
                "" => return Err(Failure::new("sources contains an empty string")),
                "dynamic" => all.extend(DYNAMIC.map(str::to_owned)),
                "static" => all.extend(STATIC.map(str::to_owned)),
                "all" => all.extend(DYNAMIC.into_iter().chain(STATIC).map(str::to_owned)),
                other => all.push(other.to_owned()),
            }
        }
        Ok(all)
    }

    fn run(&self, host: &dyn Host) -> Result<Vec<Entry>, Failure> {
        let name = match &self.mount_binary {
            None | Some(Json::Null) => {
                return Err(Failure::new("mount_binary is needed for the source mount"));
            }
            Some(Json::String(name)) => name,
            Some(other) => {
                return Err(Failure::new(format!(
                    "argument 'mount_binary' must be a string or null, not {}",
                    python::text(other)
                )));
            }
        };
        let mut program = Program::new(name);
        if let Some(secs) = self.timeout {
            program = program.timeout(Duration::from_secs_f64(secs));
        }
        tool::ask(host, &program).map(|text| read_program(&text))
    }

    /// All entries of all sources, in their order, each source once.
    fn entries(&self, host: &dyn Host, warnings: &mut Vec<String>) -> Result<Vec<Entry>, Failure> {
        let sources = self.sources()?;
        let unique: BTreeSet<&String> = sources.iter().collect();
        if unique.len() < sources.len() {
            warnings.push(format!(
                "mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: {sources:?}"
            ));
        }
        let is_dynamic = |source: &str| DYNAMIC.contains(&source);
        let has_program = match &self.mount_binary {
            None | Some(Json::Null) => false,
            Some(Json::String(name)) => !name.is_empty(),
            Some(_) => true,
        };
        let mut falls_back = has_program && sources.iter().any(|source| is_dynamic(source));
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for source in &sources {
            let path = Path::new(source);
            let real = host
                .real_path(path)
                .map_or_else(|_| source.clone(), |real| real.display().to_string());
            if !seen.insert(if source == PROGRAM { source.clone() } else { real }) {
                continue;
            }
            let found = if source == PROGRAM {
                self.run(host)?
            } else {
                let bytes = host.read(path).ok().flatten().unwrap_or_default();
                read_table(source, &String::from_utf8_lossy(&bytes))
            };
            if !found.is_empty() && (source == PROGRAM || is_dynamic(source)) {
                falls_back = false;
            }
            all.extend(found);
        }
        if falls_back {
            all.extend(self.run(host)?);
        }
        Ok(all)
    }
}

impl Fact for MountFacts {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        if let Some(secs) = self.timeout.filter(|secs| *secs <= 0.0) {
            return Err(Failure::new(format!(
                "argument 'timeout' must be a positive number or null, not {secs}"
            )));
        }
        let mut warnings = Vec::new();
        let fits = |patterns: &Option<Vec<String>>, text: &str| match patterns.as_deref() {
            None | Some([]) => true,
            Some(all) => all.iter().any(|pattern| glob::is_match(pattern, text)),
        };
        let (mut points, mut all) = (JsonMap::new(), Vec::new());
        let mut repeated: BTreeSet<String> = BTreeSet::new();
        let mut met: BTreeSet<(String, String)> = BTreeSet::new();
        for mut entry in self.entries(host, &mut warnings)? {
            let (mut device, kind) = (entry.text("device"), entry.text("fstype"));
            let named = device.strip_prefix("UUID=").map(str::to_owned);
            if let Some(uuid) = &named {
                let link = Path::new("/dev/disk/by-uuid").join(uuid);
                if let Some(real) = host.real_path(&link).ok().filter(|real| *real != link) {
                    device = real.display().to_string();
                }
            }
            if !fits(&self.devices, &device) || !fits(&self.fstypes, &kind) {
                continue;
            }
            let mount = entry.text("mount");
            match host.space(Path::new(&mount)) {
                Ok(Some(space)) => entry.fields.extend(mounted::sizes(&space)),
                Err(HostError::File { source, .. }) if source.kind() == ErrorKind::TimedOut => {
                    let msg =
                        format!("Timed out getting mount size for mount {mount} (type {kind})");
                    match self.on_timeout {
                        OnTimeout::Error => return Err(Failure::new(msg)),
                        OnTimeout::Warn => warnings.push(msg),
                        OnTimeout::Ignore => {}
                    }
                }
                Ok(None) | Err(_) => {}
            }
            let uuid = named.unwrap_or_else(|| mounted::uuid(&Reader::new(host), &device));
            entry.fields.insert("uuid".into(), uuid.into());
            let context = serde_json::json!({"source": entry.source, "source_data": entry.line});
            entry.fields.insert("ansible_context".into(), context);
            if !met.insert((entry.source.clone(), mount.clone())) {
                repeated.insert(format!("{} ({mount})", entry.source));
            }
            if self.include_aggregate_mounts == Some(true) {
                all.push(Json::Object(entry.fields.clone()));
            }
            points.entry(mount).or_insert(Json::Object(entry.fields));
        }
        if !repeated.is_empty() && self.include_aggregate_mounts.is_none() {
            let repeated: Vec<String> = repeated.into_iter().collect();
            warnings.push(format!(
                "mount_facts: ignoring repeat mounts in the following sources: {}. You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False.",
                repeated.join(", ")
            ));
        }
        let mut response = Response { warnings, ..Response::default() };
        response.facts.insert("mount_points".into(), points.into());
        response.facts.insert("aggregate_mounts".into(), all.into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/proc/mounts", "/dev/sda1 / ext4 rw 0 0\nnas:/v /mnt/a\\040b nfs4 ro 0 0\n");
        host.put_link("/etc/mtab", "/proc/mounts");
        host.put("/etc/fstab", "# x\nUUID=aa / ext4 defaults 0 1\n/dev/sdb1 /data xfs defaults\n");
        host.put("/dev/sda1", "");
        host.put_link("/dev/disk/by-uuid/aa", "../../sda1");
        host.program("mount", |_, _| Output::success("tmpfs on /tmp type tmpfs (rw,nosuid)\n"));
        host
    }

    #[test]
    fn sources_are_read_in_their_order() {
        for (args, points, source) in [
            (json!({}), vec!["/", "/mnt/a b", "/data"], "/etc/mtab"),
            (json!({"sources": ["static"]}), vec!["/", "/data"], "/etc/fstab"),
            (json!({"sources": ["mount"]}), vec!["/tmp"], "mount"),
            (json!({"fstypes": ["nfs*"]}), vec!["/mnt/a b"], "/etc/mtab"),
            (json!({"sources": ["/etc/fstab"], "devices": ["/dev/sda1"]}), vec!["/"], "/etc/fstab"),
        ] {
            let response = run("mount_facts", &args, "", "", Mode::default(), &mut host());
            let found = response.facts["mount_points"].as_object().unwrap();
            assert_eq!(found.keys().collect::<Vec<_>>(), points, "{args}");
            assert_eq!(found[points[0]]["ansible_context"]["source"], source, "{args}");
        }
        let response = run("mount_facts", &json!({}), "", "", Mode::default(), &mut host());
        assert_eq!(response.facts["mount_points"]["/"]["uuid"], json!("aa"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (args, words) in [
            (json!({"sources": [""]}), "sources contains an empty string"),
            (json!({"timeout": 0}), "must be a positive number or null"),
            (json!({"sources": ["mount"], "mount_binary": ["x"]}), "must be a string or null"),
            (json!({"on_timeout": "panic"}), "must be one of: error, warn, ignore"),
        ] {
            let response = run("mount_facts", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
