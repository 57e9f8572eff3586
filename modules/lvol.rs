//! The `lvol` module of the collection `community.general`.

mod size;

use module::{
    Action, Arguments, Documented, Example, Failure, Host, Program, Returned, path::split_words,
};
use protocol::Response;

use crate::{presence::Presence, tool};
use size::{Sign, Size};

/// Keeps a volume of LVM: plain, thin, a thin pool or a snapshot.
///
/// What could lose data (a removal, a smaller size) is done with `force` alone. LVM itself says in
/// a check run whether the work would succeed.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["lv", "thinpool"]))]
pub struct Lvol {
    /// The group.
    vg: String,
    /// The volume.
    lv: Option<String>,
    /// Its size: megabytes, a number with a unit, or `50%VG`, `100%FREE` and the like; with `+` or
    /// `-` in front, what it grows or shrinks by.
    size: Option<String>,
    /// Arguments for `lvcreate`.
    opts: Option<String>,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether data may be lost.
    #[argument(default = false)]
    force: bool,
    /// Whether a volume that is too large shrinks.
    #[argument(default = true)]
    shrink: bool,
    /// Whether it can be used.
    #[argument(default = true)]
    active: bool,
    /// A snapshot of the volume, which is then what is kept.
    snapshot: Option<String>,
    /// Devices that its data is on.
    pvs: Option<Vec<String>>,
    /// The pool of a thin volume; without `lv`, the pool is what is kept.
    thinpool: Option<String>,
    /// Whether the file system on it gets the new size too.
    #[argument(default = false)]
    resizefs: bool,
}

impl Documented for Lvol {
    const NAME: &'static str = "community.general.lvol";
    const ALIASES: &'static [&'static str] = &["lvol"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A volume", args: r#"{"vg": "data", "lv": "web", "size": "20g"}"# },
        Example {
            title: "All that is left",
            args: r#"{"vg": "data", "lv": "rest", "size": "100%FREE"}"#,
        },
        Example {
            title: "None",
            args: r#"{"vg": "data", "lv": "old", "state": "absent", "force": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("vg", "The group.", "where the volume was there", r#""data""#),
        Returned::new("lv", "The volume.", "where it was there", r#""web""#),
        Returned::new("size", "Its size before.", "where it was there", "512.0"),
    ];
}

/// A group, in the unit that was asked for.
struct Group {
    size: f64,
    free: f64,
    part: f64,
}

/// A volume.
struct Volume {
    name: String,
    size: f64,
    is_active: bool,
    /// Whether LVM leaves it as it is where it is to become active, as snapshots of thin volumes.
    is_skipped: bool,
    is_pool: bool,
    is_thin: bool,
}

/// What is to be done; nothing where the volume is well.
#[derive(Default)]
struct Work {
    programs: Vec<Program>,
    failed: String,
    msg: Option<String>,
    seen: Option<(String, f64)>,
    changes: bool,
    /// Whether the first program makes what the others need, so that these cannot be tested.
    creates: bool,
}

impl Lvol {
    fn group(&self, host: &dyn Host, unit: char) -> Result<Option<Group>, Failure> {
        let unit = unit.to_string();
        let fields = "vg_name,size,free,vg_extent_size";
        let words = [
            "--noheadings",
            "--nosuffix",
            "-o",
            fields,
            "--units",
            &unit,
            "--separator",
            ";",
            &self.vg,
        ];
        let text = tool::ask_whether(host, &Program::new("vgs").args(words))?.unwrap_or_default();
        let numbers: Vec<f64> = text
            .trim()
            .split(';')
            .skip(1)
            .filter_map(|number| number.trim().parse().ok())
            .collect();
        let [size, free, part] = numbers[..] else { return Ok(None) };
        Ok(Some(Group { size, free, part }))
    }

    fn volumes(&self, host: &dyn Host, unit: char) -> Result<Vec<Volume>, Failure> {
        let unit = unit.to_string();
        let words =
            ["-a", "--noheadings", "--nosuffix", "-o", "lv_name,size,lv_attr", "--units", &unit];
        let words = words.into_iter().chain(["--separator", ";", &self.vg]);
        let text = tool::ask(host, &Program::new("lvs").args(words))?;
        let volume = |line: &str| {
            let [name, size, flags] = line.trim().split(';').collect::<Vec<_>>()[..] else {
                return None;
            };
            Some(Volume {
                name: name.trim_matches(['[', ']']).to_owned(),
                size: size.trim().parse().ok()?,
                is_active: flags.chars().nth(4) == Some('a'),
                is_skipped: flags.chars().nth(9) == Some('k'),
                is_pool: flags.starts_with('t'),
                is_thin: flags.starts_with('V'),
            })
        };
        Ok(text.lines().filter_map(volume).collect())
    }

    fn work(&self, host: &dyn Host) -> Result<Work, Failure> {
        let wanted = self
            .size
            .as_deref()
            .map(|size| Size::parse(size, self.snapshot.is_some()))
            .transpose()?;
        let unit = wanted.as_ref().map_or('m', Size::unit);
        let nothing = Work {
            msg: Some(format!("Volume group {} does not exist.", self.vg)),
            ..Work::default()
        };
        let Some(group) = self.group(host, unit)? else {
            return if self.state.is_present() {
                Err(Failure::new(format!("Volume group {} does not exist.", self.vg)))
            } else {
                Ok(nothing)
            };
        };
        let volumes = self.volumes(host, unit)?;
        let find = |name: &str| volumes.iter().find(|one| one.name == name);
        let lv = self.lv.as_deref().map(|name| name.rsplit('/').next().unwrap_or(name));
        let name = match (&self.snapshot, &self.thinpool, lv) {
            (Some(snapshot), pool, Some(lv)) => {
                match find(lv) {
                    None => {
                        return Err(Failure::new(format!(
                            "Snapshot origin LV {lv} does not exist in volume group {}.",
                            self.vg
                        )));
                    }
                    Some(origin) if origin.is_pool || pool.is_some() => {
                        return Err(Failure::new("Snapshots of thin pool LVs are not supported."));
                    }
                    Some(_) => {}
                }
                snapshot.as_str()
            }
            (Some(_), _, None) => return Err(Failure::new("a snapshot needs lv, its origin")),
            (None, Some(pool), Some(lv)) => {
                if find(pool).is_none() {
                    return Err(Failure::new(format!(
                        "Thin pool LV {pool} does not exist in volume group {}.",
                        self.vg
                    )));
                }
                lv
            }
            (None, Some(pool), None) => pool.as_str(),
            (None, None, Some(lv)) => lv,
            (None, None, None) => return Err(Failure::new("one of lv and thinpool is needed")),
        };
        match (find(name), self.state) {
            (None, Presence::Absent) => Ok(Work::default()),
            (None, Presence::Present) => {
                let is_thin_origin = self.snapshot.is_some()
                    && lv.and_then(find).is_some_and(|origin| origin.is_thin);
                self.creation(lv, wanted.as_ref(), is_thin_origin)
            }
            (Some(volume), Presence::Absent) => {
                if !self.force {
                    return Err(Failure::new(format!(
                        "Sorry, no removal of logical volume {} without force=true.",
                        volume.name
                    )));
                }
                let path = format!("{}/{}", self.vg, volume.name);
                Ok(Work {
                    programs: vec![Program::new("lvremove").args(["--force", &path])],
                    failed: format!("Failed to remove logical volume {name}"),
                    changes: true,
                    ..Work::default()
                })
            }
            (Some(volume), Presence::Present) => self.change(&group, volume, wanted.as_ref()),
        }
    }

    fn creation(
        &self,
        lv: Option<&str>,
        size: Option<&Size>,
        is_thin_origin: bool,
    ) -> Result<Work, Failure> {
        let opts = split_words(self.opts.as_deref().unwrap_or_default()).map_err(Failure::new)?;
        if size.is_none() && !is_thin_origin {
            return Err(Failure::new("No size given."));
        }
        if let Some(Size { sign: Some(Sign::Minus), .. }) = size {
            return Err(Failure::new(format!(
                "Bad size specification of '{}' for creating LV",
                self.size.as_deref().unwrap_or_default()
            )));
        }
        let mut rest = Vec::new();
        let mut program = Program::new("lvcreate").arg("--yes");
        let sized = |program: Program, letter: Option<&str>| match size {
            Some(size) => program.args([letter.unwrap_or(size.option()), &size.text()]),
            None => program,
        };
        let lv = lv.unwrap_or_default();
        if let Some(snapshot) = &self.snapshot {
            program = sized(program, None).args(["-s", "-n", snapshot]).args(opts);
            program = program.arg(format!("{}/{lv}", self.vg));
        } else if let Some(pool) = &self.thinpool {
            if !lv.is_empty() {
                if size.is_some_and(|size| size.whole.is_some()) {
                    return Err(Failure::new("Thin volume sizing with percentage not supported."));
                }
                program = sized(program.args(["-n", lv]), Some("-V"));
            } else {
                program = sized(program, None);
            }
            program = program.args(opts).args(["-T", &format!("{}/{pool}", self.vg)]);
        } else {
            program = sized(program.args(["-n", lv]), None).args(opts).arg(&self.vg);
            program = program.args(self.pvs.iter().flatten());
        }
        if !self.active && self.snapshot.is_none() {
            let made =
                if lv.is_empty() { self.thinpool.as_deref().unwrap_or_default() } else { lv };
            rest.push(Program::new("lvchange").args(["-an", &format!("{}/{made}", self.vg)]));
        }
        Ok(Work {
            programs: [program].into_iter().chain(rest).collect(),
            failed: format!("Creating logical volume '{lv}' failed"),
            changes: true,
            creates: true,
            ..Work::default()
        })
    }

    fn change(&self, group: &Group, volume: &Volume, size: Option<&Size>) -> Result<Work, Failure> {
        let name = &volume.name;
        let mut work = Work { seen: Some((name.clone(), volume.size)), ..Work::default() };
        if let Some(size) = size {
            let wanted = size.resolve(volume.size, group.size, group.free, group.part);
            // A share of a group is rounded to its parts, and less than one of them too large is
            // no difference.
            let slack = if size.whole.is_some() { group.part } else { 0.0 };
            let tool = if wanted > volume.size {
                let missing = wanted - volume.size;
                if size.whole.is_some() && group.free < missing {
                    let unit = size.unit();
                    return Err(Failure::new(format!(
                        "Logical Volume {name} could not be extended. Not enough free space left ({missing}{unit} required / {}{unit} available)",
                        group.free
                    )));
                }
                Some(Program::new("lvextend"))
            } else if self.shrink && wanted + slack < volume.size {
                if wanted <= 0.0 {
                    return Err(Failure::new(format!(
                        "Sorry, no shrinking of {name} to 0 permitted."
                    )));
                }
                if !self.force {
                    return Err(Failure::new(format!(
                        "Sorry, no shrinking of {name} without force=true."
                    )));
                }
                Some(Program::new("lvreduce").arg("--force"))
            } else {
                None
            };
            if let Some(mut program) = tool {
                if self.resizefs {
                    program = program.arg("--resizefs");
                }
                program = program.args([size.option(), &size.signed_text()]);
                program =
                    program.arg(format!("{}/{name}", self.vg)).args(self.pvs.iter().flatten());
                work.programs.push(program);
                work.failed = format!("Unable to resize {name} to {}", size.text());
                work.msg = Some(format!("Volume {name} resized to {wanted}{}", size.unit()));
                work.changes = true;
            }
        }
        if volume.is_active != self.active && !(self.active && volume.is_skipped) {
            let word = if self.active { "-ay" } else { "-an" };
            work.programs
                .push(Program::new("lvchange").args([word, &format!("{}/{name}", self.vg)]));
            work.failed = format!("Failed to change logical volume {name}");
            work.changes = true;
        }
        Ok(work)
    }

    fn response(&self, work: &Work) -> Response {
        let mut response =
            Response { changed: work.changes, msg: work.msg.clone(), ..Response::default() };
        if let Some((name, size)) = &work.seen {
            response.returned.insert("vg".into(), self.vg.clone().into());
            response.returned.insert("lv".into(), name.clone().into());
            response.returned.insert("size".into(), (*size).into());
        }
        response
    }
}

/// What LVM says of a size that a volume has already.
const SAME: [&str; 2] = ["matches existing size", "not larger than existing size"];

impl Action for Lvol {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let work = self.work(host)?;
        let mut response = self.response(&work);
        let testable = if work.creates { 1 } else { work.programs.len() };
        for program in work.programs.iter().take(testable) {
            let output = host.query(&program.clone().arg("--test"))?;
            let said = output.stdout_text() + &output.stderr_text();
            if SAME.iter().any(|words| said.contains(words)) {
                response.changed = false;
            } else if !output.is_success() {
                return Err(Failure::new(&work.failed)
                    .with("rc", output.status)
                    .with("err", output.stderr_text()));
            }
        }
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let work = self.work(host)?;
        let mut response = self.response(&work);
        for program in &work.programs {
            let output = host.execute(program)?;
            let said = output.stdout_text() + &output.stderr_text();
            if SAME.iter().any(|words| said.contains(words)) {
                response.changed = false;
            } else if !output.is_success() || said.contains("Reached maximum COW size") {
                return Err(Failure::new(&work.failed)
                    .with("rc", output.status)
                    .with("err", output.stderr_text()));
            }
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_lvm};

    #[test]
    fn volumes_are_kept() {
        for (args, changed) in [
            (json!({"vg": "full", "lv": "web", "size": "100"}), false),
            (json!({"vg": "full", "lv": "web", "size": "200m"}), true),
            (json!({"vg": "full", "lv": "web", "size": "+10"}), true),
            (json!({"vg": "full", "lv": "web", "size": "50", "shrink": false}), false),
            (json!({"vg": "full", "lv": "web", "size": "50", "force": true}), true),
            (json!({"vg": "full", "lv": "web", "size": "10%VG"}), false),
            (json!({"vg": "full", "lv": "web", "active": false}), true),
            (json!({"vg": "full", "lv": "new", "size": "100%FREE"}), true),
            (json!({"vg": "full", "lv": "gone", "state": "absent"}), false),
            (json!({"vg": "nosuch", "lv": "gone", "state": "absent"}), false),
            (json!({"vg": "full", "lv": "web", "state": "absent", "force": true}), true),
        ] {
            let mut host = FakeHost::default();
            put_lvm(&mut host);
            for check in [true, false] {
                let response = run("lvol", &args, "", "", Mode { check, diff: false }, &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, changed),
                    "{args}: {response:?}"
                );
            }
        }
    }

    #[test]
    fn volumes_are_active_or_not_from_the_start() {
        for (flags, args, ran) in [
            ("", json!({"vg": "full", "lv": "new", "size": "5", "active": false}), "lvcreate -an"),
            (
                "",
                json!({"vg": "full", "thinpool": "new", "size": "5", "active": false}),
                "lvcreate -an",
            ),
            ("", json!({"vg": "full", "lv": "new", "size": "5"}), "lvcreate"),
            ("-wi-------", json!({"vg": "full", "lv": "new", "active": false}), ""),
            ("-wi-------", json!({"vg": "full", "lv": "new"}), "-ay"),
            // A snapshot of a thin volume, which LVM does not make active.
            ("Vwi---tz-k", json!({"vg": "full", "lv": "new"}), ""),
        ] {
            let mut host = FakeHost::default();
            put_lvm(&mut host);
            host.program("lvs", move |_, _| {
                let line =
                    if flags.is_empty() { String::new() } else { format!("  new;5.00;{flags}\n") };
                Output::success(line)
            });
            host.program("lvcreate", |files, program| {
                if !program.args.contains(&"--test".to_owned()) {
                    files.put("/ran", "lvcreate");
                }
                Output::success("")
            });
            host.program("lvchange", move |files, program| {
                assert_eq!(program.args[1], "full/new");
                let before = files.text("/ran").unwrap_or_default();
                if program.args.contains(&"--test".to_owned()) {
                    // What is not there yet cannot be tested.
                    assert!(!flags.is_empty());
                } else {
                    files.put("/ran", format!("{before} {}", program.args[0]).trim());
                }
                Output::success("")
            });
            for check in [true, false] {
                host.put("/ran", "");
                let response = run("lvol", &args, "", "", Mode { check, diff: false }, &mut host);
                assert_eq!((response.failed, response.changed), (false, !ran.is_empty()), "{args}");
            }
            assert_eq!(host.files.text("/ran").as_deref(), Some(ran), "{args}");
        }
    }

    #[test]
    fn what_would_lose_data_is_refused() {
        for (args, words) in [
            (
                json!({"vg": "full", "lv": "web", "size": "50"}),
                "no shrinking of web without force=true",
            ),
            (json!({"vg": "full", "lv": "web", "size": "0", "force": true}), "to 0 permitted"),
            (
                json!({"vg": "full", "lv": "web", "state": "absent"}),
                "no removal of logical volume web",
            ),
            (json!({"vg": "full", "lv": "new"}), "No size given."),
            (json!({"vg": "full", "lv": "new", "size": "-5"}), "Bad size specification of '-5'"),
            (json!({"vg": "full", "lv": "new", "size": "5x"}), "Bad size specification of '5x'"),
            (json!({"vg": "full", "lv": "new", "size": "150%VG"}), "cannot be larger than 100%"),
            (
                json!({"vg": "full", "lv": "new", "size": "50%ALL"}),
                "Specify extents as a percentage of",
            ),
            (
                json!({"vg": "nosuch", "lv": "new", "size": "5"}),
                "Volume group nosuch does not exist.",
            ),
            (
                json!({"vg": "full", "lv": "new", "snapshot": "s", "size": "5"}),
                "Snapshot origin LV new does not exist",
            ),
            (json!({"vg": "full", "size": "5"}), "one of the following is required: lv, thinpool"),
        ] {
            let mut host = FakeHost::default();
            put_lvm(&mut host);
            let response = run("lvol", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
