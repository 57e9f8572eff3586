//! The `parted` module of the collection `community.general`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use crate::tool;

const UNITS_SI: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
const UNITS_IEC: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
const UNITS_OTHER: [&str; 5] = ["s", "%", "cyl", "chs", "compact"];

/// Keeps a partition of a disk, or reads them all.
///
/// In check mode, a partition whose disk is labelled or which is made anew is foretold by its first
/// step; its name and flags follow in a run.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["number"]), ("state", "absent", ["number"])))]
pub struct Parted {
    /// The disk.
    device: String,
    /// How new partitions are aligned.
    #[argument(default = "optimal")]
    align: Align,
    /// Number of the partition.
    number: Option<i64>,
    /// The unit of what is returned and of sizes that name none.
    #[argument(
        default = "KiB",
        choices(
            "s", "B", "KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB", "%", "cyl", "chs",
            "compact"
        )
    )]
    unit: String,
    /// The kind of table; a disk that has another is labelled anew, and loses all partitions.
    #[argument(
        default = "msdos",
        choices("aix", "amiga", "bsd", "dvh", "gpt", "loop", "mac", "msdos", "pc98", "sun")
    )]
    label: String,
    /// The kind of partition; on `gpt`, parted takes it for its name.
    #[argument(default = "primary", choices("extended", "logical", "primary"))]
    part_type: String,
    /// Where it starts: a number with a unit, from the disk's end where it is negative.
    #[argument(default = "0%")]
    part_start: String,
    /// Where it ends.
    #[argument(default = "100%")]
    part_end: String,
    /// Its name.
    name: Option<String>,
    /// Its flags; others are taken away where any is named.
    flags: Option<Vec<String>>,
    /// Whether it is there; `info` only reads.
    #[argument(default = "info")]
    state: State,
    /// What the table says that it holds; nothing is formatted.
    fs_type: Option<String>,
    /// Whether a partition that is there is made to end at `part_end`.
    #[argument(default = false)]
    resize: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Info,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Align {
    Cylinder,
    Minimal,
    None,
    Optimal,
    Undefined,
}

impl Documented for Parted {
    const NAME: &'static str = "community.general.parted";
    const ALIASES: &'static [&'static str] = &["parted"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "One partition over all of a disk",
            args: r#"{"device": "/dev/sdb", "number": 1, "label": "gpt", "state": "present"}"#,
        },
        Example { title: "What there is", args: r#"{"device": "/dev/sdb", "unit": "MiB"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("disk", "The disk.", "success", r#"{"dev": "/dev/sdb", "table": "gpt"}"#),
        Returned::new(
            "partitions",
            "Its partitions.",
            "success",
            r#"[{"num": 1, "begin": 1024.0}]"#,
        ),
        Returned::new("script", "What parted was told.", "success", r#""unit KiB print""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// A word as a shell would have it typed: parted wants quotes around names.
fn as_typed(word: &str) -> String {
    if word.starts_with('"') { format!("'{word}'") } else { word.to_owned() }
}

/// A number with a unit, which may be empty.
fn size(text: &str) -> Result<(f64, &str), Failure> {
    let is_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let bare = text.strip_prefix('-').unwrap_or(text);
    let at = bare.find(|letter| !is_number(letter)).unwrap_or(bare.len());
    let (number, unit) = bare.split_at(at);
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '%';
    match number.parse::<f64>() {
        Ok(number) if unit.trim_start().chars().all(is_word) => {
            let sign = if bare.len() == text.len() { 1.0 } else { -1.0 };
            Ok((sign * number, unit.trim_start()))
        }
        _ => Err(Failure::new(format!("Error interpreting parted size output: '{text}'"))),
    }
}

/// A size in bytes; units of geometry are taken for megabytes.
fn bytes(number: f64, unit: &str) -> i64 {
    let power = |units: &[&str]| units.iter().position(|one| *one == unit);
    let multiplier = match (power(&UNITS_SI), power(&UNITS_IEC)) {
        (Some(power), _) => 1000_f64.powi(power as i32),
        (_, Some(power)) => 1024_f64.powi(power as i32 + 1),
        _ if ["", "compact", "cyl", "chs"].contains(&unit) => 1_000_000.0,
        _ => 1.0,
    };
    (number * multiplier) as i64
}

/// A disk as parted tells it.
#[derive(Clone, Debug, PartialEq)]
struct Disk {
    disk: Json,
    size: f64,
    table: String,
    partitions: Vec<Partition>,
}

#[derive(Clone, Debug, PartialEq)]
struct Partition {
    number: i64,
    end: f64,
    name: String,
    flags: Vec<String>,
    told: Json,
}

impl Partition {
    /// One that has just been made.
    fn blank(number: i64) -> Self {
        Self { number, end: 0.0, name: String::new(), flags: Vec::new(), told: Json::Null }
    }
}

/// Where cylinders, heads and sectors are told, there is no number.
fn place(text: &str, is_chs: bool) -> Result<(f64, Json), Failure> {
    if is_chs {
        let parts: Vec<&str> = text.split(',').collect();
        let [cylinder, head, sector] = parts.as_slice() else {
            return Err(Failure::new(format!("Error interpreting parted size output: '{text}'")));
        };
        let number = |text: &&str| text.parse::<i64>().unwrap_or_default();
        let told =
            json!({"cylinder": number(cylinder), "head": number(head), "sector": number(sector)});
        return Ok((0.0, told));
    }
    let (number, _) = size(text)?;
    Ok((number, number.into()))
}

/// Reads what `parted -m` writes.
fn disk(text: &str, asked: &str) -> Result<Disk, Failure> {
    let mut lines =
        text.lines().map(|line| line.trim_end_matches(';')).filter(|line| !line.trim().is_empty());
    let unreadable = || Failure::new("Error while getting device information with parted");
    // The first line is about units.
    let first = lines.nth(1).ok_or_else(unreadable)?;
    let fields: Vec<&str> = first.split(':').collect();
    let [device, whole, _, logical, physical, table, model, ..] = fields.as_slice() else {
        return Err(unreadable());
    };
    let is_chs = asked == "chs";
    let unit = match is_chs {
        true => "chs".to_owned(),
        false => match size(whole)?.1 {
            "" => asked.to_lowercase(),
            unit => unit.to_lowercase(),
        },
    };
    let (size_number, size_told) = place(whole, is_chs)?;
    let number = |text: &str| text.parse::<i64>().unwrap_or_default();
    let mut told = json!({
        "dev": device, "size": size_told, "unit": unit, "table": table, "model": model,
        "logical_block": number(logical), "physical_block": number(physical),
    });
    if is_chs || unit == "cyl" {
        let geometry: Vec<&str> = lines.next().ok_or_else(unreadable)?.split(':').collect();
        let [cylinders, heads, sectors, each, ..] = geometry.as_slice() else {
            return Err(unreadable());
        };
        let (each, each_unit) = size(each)?;
        told["chs_info"] = json!({
            "cylinders": number(cylinders), "heads": number(heads), "sectors": number(sectors),
            "cyl_size": each, "cyl_size_unit": each_unit.to_lowercase(),
        });
    }
    let mut partitions = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split(':').collect();
        let (first, [length, rest @ ..]) = (fields.as_slice(), &fields[fields.len().min(3)..])
        else {
            return Err(unreadable());
        };
        let [number, begin, end, ..] = first else { return Err(unreadable()) };
        // Cylinders, heads and sectors come without a length.
        let (length, rest) = match is_chs {
            true => (json!(""), &fields[3..]),
            false => (size(length)?.0.into(), rest),
        };
        let [kind, name, flags, ..] = rest else { return Err(unreadable()) };
        let flags: Vec<String> = flags
            .split(", ")
            .map(str::trim)
            .filter(|flag| !flag.is_empty())
            .map(str::to_owned)
            .collect();
        let number = number.parse().map_err(|_| unreadable())?;
        let (_, begin) = place(begin, is_chs)?;
        let (end, end_told) = place(end, is_chs)?;
        let told = json!({
            "num": number, "begin": begin, "end": end_told, "size": length, "fstype": kind,
            "name": name, "flags": flags, "unit": unit,
        });
        partitions.push(Partition { number, end, name: (*name).to_owned(), flags, told });
    }
    Ok(Disk { disk: told, size: size_number, table: (*table).to_owned(), partitions })
}

impl Parted {
    fn read(&self, host: &dyn Host) -> Result<Disk, Failure> {
        let words = ["-s", "-m", &self.device, "--", "unit", &self.unit, "print"];
        let program = Program::new("parted").args(words);
        let output = host.query(&program)?;
        // A disk without a label is told all the same.
        let is_bare = output.stderr_text().contains("unrecognised disk label")
            || output.stdout_text().contains("unrecognised disk label");
        if !output.is_success() && !is_bare {
            return Err(Failure::new(format!(
                "Error while getting device information with parted script: '{}'",
                program.line()
            ))
            .with("rc", output.status)
            .with("out", output.stdout_text())
            .with("err", output.stderr_text()));
        }
        let text: String = output
            .stdout_text()
            .lines()
            .filter(|line| !line.starts_with("Error:"))
            .map(|line| format!("{line}\n"))
            .collect();
        disk(&text, &self.unit)
    }

    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        if self.number.is_some_and(|number| number < 1) {
            return Err(Failure::new("The partition number must be greater then 0."));
        }
        for (name, text) in [("part_start", &self.part_start), ("part_end", &self.part_end)] {
            let is_known = |unit: &str| {
                UNITS_SI.contains(&unit) || UNITS_IEC.contains(&unit) || UNITS_OTHER.contains(&unit)
            };
            let is_chs = text.split(',').count() == 3
                && text.split(',').all(|part| part.parse::<u64>().is_ok());
            if !is_chs && !size(text).is_ok_and(|(_, unit)| is_known(unit)) {
                return Err(Failure::new(format!(
                    "The argument '{name}' doesn't respect required format.The size unit is case sensitive."
                )));
            }
        }
        Ok(())
    }

    fn found<'a>(&self, disk: &'a Disk) -> Option<&'a Partition> {
        disk.partitions.iter().find(|one| Some(one.number) == self.number)
    }

    fn with_unit(&self, words: Vec<String>) -> Vec<String> {
        if words.is_empty() {
            return words;
        }
        ["unit".to_owned(), self.unit.clone()].into_iter().chain(words).collect()
    }

    /// The first step: the label, the partition and its end.
    fn layout(&self, disk: &Disk) -> Vec<String> {
        let number = self.number.unwrap_or_default().to_string();
        let mut words: Vec<String> = Vec::new();
        let is_other = disk.table != self.label;
        if is_other {
            words.extend(["mklabel".to_owned(), self.label.clone()]);
        }
        let found = self.found(disk);
        if is_other || found.is_none() {
            words.extend(["mkpart".to_owned(), self.part_type.clone()]);
            words.extend(self.fs_type.clone());
            words.extend([self.part_start.clone(), self.part_end.clone()]);
        }
        let mut words = self.with_unit(words);
        if let Some(found) = found.filter(|_| self.resize && !is_other) {
            let wanted = match size(&self.part_end) {
                Ok((share, "%")) => bytes((disk.size * share / 100.0).trunc(), &self.unit),
                Ok((number, unit)) => bytes(number, unit),
                Err(_) => 0,
            };
            if bytes(found.end, &self.unit) != wanted {
                words.extend(["resizepart".to_owned(), number, self.part_end.clone()]);
            }
        }
        words
    }

    /// The second step: the name and the flags.
    fn dress(&self, found: &Partition) -> Vec<String> {
        let number = found.number.to_string();
        let mut words: Vec<String> = Vec::new();
        if let Some(name) = self.name.as_ref().filter(|name| **name != found.name) {
            // parted takes away one pair of quotes itself.
            words.extend(["name".to_owned(), number.clone(), format!("\"{name}\"")]);
        }
        let mut wanted = self.flags.clone().unwrap_or_default();
        if !wanted.is_empty() {
            if wanted.iter().any(|flag| flag == "esp") && !wanted.iter().any(|flag| flag == "boot")
            {
                wanted.push("boot".into());
            }
            let mut set = |flag: &String, how: &str| {
                words.extend(["set".to_owned(), number.clone(), flag.clone(), how.to_owned()]);
            };
            wanted
                .iter()
                .filter(|flag| !found.flags.contains(flag))
                .for_each(|flag| set(flag, "on"));
            found
                .flags
                .iter()
                .filter(|flag| !wanted.contains(flag))
                .for_each(|flag| set(flag, "off"));
        }
        self.with_unit(words)
    }

    fn run(&self, host: &mut dyn Host, words: &[String]) -> Result<(), Failure> {
        let said = tool::ask(host, &Program::new("parted").arg("--version"))?;
        let version = said.lines().next().and_then(|line| line.split_whitespace().last());
        let parts: Vec<u32> =
            version.unwrap_or_default().split('.').map_while(|part| part.parse().ok()).collect();
        let mut program = Program::new("parted").arg("-s");
        // Older ones do not mend tables of disks that have grown.
        if parts >= vec![3, 4, 64] {
            program = program.arg("-f");
        }
        program = program.arg("-m");
        if self.align != Align::Undefined {
            program = program.args(["-a", self.align.as_str()]);
        }
        let program = program.args([&self.device, "--"]).args(words.to_vec());
        tool::run(host, &program).map(drop).map_err(|failure| {
            let msg = format!("Error while running parted script: {}", program.line());
            Failure { msg, ..failure }
        })
    }

    /// What is done first; nothing where all is as it should be.
    fn first(&self, disk: &Disk) -> Vec<String> {
        match (self.state, self.found(disk)) {
            (State::Info, _) | (State::Absent, None) => Vec::new(),
            (State::Absent, Some(found)) => vec!["rm".into(), found.number.to_string()],
            (State::Present, found) => {
                let words = self.layout(disk);
                match found {
                    Some(found) if words.is_empty() => self.dress(found),
                    _ => words,
                }
            }
        }
    }

    fn answer(&self, disk: Disk, words: &[String]) -> Response {
        let changed = !words.is_empty();
        let script = match self.state {
            State::Info => format!("unit '{}' print", self.unit),
            _ => words.iter().map(|word| as_typed(word)).collect::<Vec<_>>().join(" "),
        };
        let partitions: Vec<Json> = disk.partitions.into_iter().map(|one| one.told).collect();
        let returned = JsonMap::from_iter([
            ("disk".to_owned(), disk.disk),
            ("partitions".to_owned(), partitions.into()),
            ("script".to_owned(), script.into()),
        ]);
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for Parted {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        self.refuse_what_cannot_be()?;
        let disk = self.read(host)?;
        Ok(match self.first(&disk).is_empty() {
            true => Guard::Stay(Box::new(self.answer(disk, &[]))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let disk = self.read(host)?;
        let mut words = self.first(&disk);
        if self.state == State::Present && !self.layout(&disk).is_empty() {
            words.extend(self.dress(&Partition::blank(self.number.unwrap_or_default())));
        }
        Ok(self.answer(disk, &words))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut disk = self.read(host)?;
        let mut words = Vec::new();
        if self.state == State::Absent {
            words = self.first(&disk);
            self.run(host, &words)?;
            disk = self.read(host)?;
        } else {
            let layout = self.layout(&disk);
            if !layout.is_empty() {
                self.run(host, &layout)?;
                disk = self.read(host)?;
            }
            let found = self.found(&disk).ok_or_else(|| {
                Failure::new(format!(
                    "parted has made a partition of another number than {}",
                    self.number.unwrap_or_default()
                ))
                .with("script", layout.join(" "))
            })?;
            let dress = self.dress(found);
            if !dress.is_empty() {
                self.run(host, &dress)?;
                disk = self.read(host)?;
            }
            words.extend(layout.into_iter().chain(dress));
        }
        Ok(self.answer(disk, &words))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;
    use crate::{cases::run, fake_rare::put_parted};

    #[test]
    fn what_parted_writes_is_read() {
        let text = "BYT;\n/dev/sda:10485760kiB:scsi:512:4096:gpt:ATA Disk:;\n1:1024kiB:2048kiB:1024kiB:ext4:root:boot, esp;\n";
        let read = disk(text, "KiB").unwrap();
        assert_eq!(read.disk["unit"], "kib");
        assert_eq!(read.disk["physical_block"], 4096);
        assert_eq!(read.partitions[0].flags, ["boot", "esp"]);
        assert_eq!(read.partitions[0].told["begin"], 1024.0);
        let text = "CHS;\n/dev/sda:1305,80,62:scsi:512:512:msdos:Disk:;\n1305:255:63:8225kB;\n1:0,32,33:10,1,1:ext4::boot;\n";
        let read = disk(text, "chs").unwrap();
        assert_eq!(read.disk["chs_info"]["heads"], 255);
        assert_eq!(read.partitions[0].told["end"], json!({"cylinder": 10, "head": 1, "sector": 1}));
        for text in
            ["", "BYT;\n", "BYT;\n/dev/sda:x;\n", "BYT;\n/dev/sda:1kB:s:512:512:gpt:m:;\n1:2;\n"]
        {
            assert!(disk(text, "KiB").is_err(), "{text}");
        }
        assert_eq!((bytes(2.0, "KiB"), bytes(2.0, "MB"), bytes(7.0, "s")), (2048, 2_000_000, 7));
    }

    #[test]
    fn partitions_are_kept() {
        let mut host = FakeHost::default();
        put_parted(&mut host);
        for (args, script) in [
            (
                json!({"state": "present", "number": 1, "part_end": "50%"}),
                "unit KiB mklabel msdos mkpart primary 0% 50%",
            ),
            (json!({"state": "present", "number": 1, "part_end": "50%"}), ""),
            (json!({"state": "present", "number": 1, "flags": ["lvm"]}), "unit KiB set 1 lvm on"),
            (json!({"state": "present", "number": 1, "flags": ["lvm"]}), ""),
            (
                json!({"state": "present", "number": 1, "flags": ["esp"], "name": "a b"}),
                "unit KiB name 1 '\"a b\"' set 1 esp on set 1 boot on set 1 lvm off",
            ),
            (
                json!({"state": "present", "number": 1, "part_end": "75%", "resize": true}),
                "resizepart 1 75%",
            ),
            (json!({"state": "present", "number": 1, "part_end": "75%", "resize": true}), ""),
            (json!({"state": "absent", "number": 1}), "rm 1"),
            (json!({"state": "absent", "number": 1}), ""),
            (json!({}), "unit 'KiB' print"),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("parted", &args, "device", "/dev/sdb", check, &mut host);
            let done = run("parted", &args, "device", "/dev/sdb", Mode::default(), &mut host);
            assert!(!done.failed, "{args}: {done:?}");
            assert_eq!(
                (done.returned["script"].as_str(), foretold.changed),
                (Some(script), done.changed),
                "{args}"
            );
            assert_eq!(done.changed, !script.is_empty() && !script.ends_with("print"), "{args}");
        }
    }

    #[test]
    fn what_is_no_partition_is_refused() {
        for (args, words) in [
            (json!({"state": "present", "number": 0}), "number must be greater then 0"),
            (json!({"state": "present"}), "missing"),
            (json!({"part_end": "12 zib"}), "'part_end' doesn't respect required format"),
            (json!({"part_start": "12"}), "'part_start' doesn't respect required format"),
            (json!({"unit": "PB"}), "value of unit must be one of"),
        ] {
            let mut host = FakeHost::default();
            put_parted(&mut host);
            let msg = run("parted", &args, "device", "/dev/sdb", Mode::default(), &mut host).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
        let mut host = FakeHost::default();
        host.program("parted", |_, _| Output::failure(1, "Error: Could not stat device"));
        let failed = run("parted", &json!({}), "device", "/dev/none", Mode::default(), &mut host);
        assert!(failed.msg.unwrap_or_default().contains("Error while getting device information"));
    }
}
