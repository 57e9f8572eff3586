//! The `filesize` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Documented, Example, Failure, FileArguments, FileAttributes, Guard, Host,
    Mode, Program, Returned,
    file_arguments::{FILE_MODE, path_info},
    host::Links,
};
use protocol::{Diff, Json, JsonMap, Response, diff::Side, python};
use serde_json::json;

use crate::tool;

/// Blocks of a file whose file system does not say how long its own are.
const BLOCK_BYTES: u64 = 4096;

/// Keeps a file of a size, by `dd`.
#[derive(Debug, Arguments)]
pub struct FileSize {
    /// The file.
    path: PathBuf,
    /// Its size: a number of blocks, or with a unit: `10 MB` are of a thousand, `10MiB` and `10M`
    /// of 1,024.
    size: Json,
    /// The size of blocks; that of the file system where it is left out.
    blocksize: Option<Json>,
    /// Where bytes come from.
    #[argument(default = "/dev/zero")]
    source: PathBuf,
    /// Whether it is written from its beginning each time.
    #[argument(default = false)]
    force: bool,
    /// Whether what is added takes no space.
    #[argument(default = false)]
    sparse: bool,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for FileSize {
    const NAME: &'static str = "community.general.filesize";
    const ALIASES: &'static [&'static str] = &["filesize"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A file to swap to",
            args: r#"{"path": "/srv/swap", "size": "1G", "mode": "0600"}"#,
        },
        Example {
            title: "A file with a hole",
            args: r#"{"path": "/srv/disk", "size": "8GiB", "sparse": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("cmd", "The line of dd.", "changed", r#""dd if=/dev/zero of=/srv/swap""#),
        Returned::new(
            "filesize",
            "The size in blocks, bytes and words.",
            "always",
            r#"{"blocks": 1, "blocksize": 4096, "bytes": 4096, "iec": "4.0 KiB", "si": "4.1 kB"}"#,
        ),
        Returned::new("size_diff", "Bytes more than before.", "always", "4096"),
        Returned::new("path", "The file, links followed.", "always", r#""/srv/swap""#),
    ];
}

/// Powers of units, by their letters.
const PREFIXES: &str = "KMGTPEZY";

/// The bytes of a unit; `None` for one that is none.
fn unit_bytes(unit: &str) -> Option<f64> {
    if unit == "B" {
        return Some(1.0);
    }
    let mut letters = unit.chars();
    let first = letters.next()?;
    let power = PREFIXES.find(first.to_ascii_uppercase())? + 1;
    let power = i32::try_from(power).ok()?;
    match letters.as_str() {
        "B" => Some(1000_f64.powi(power)),
        "" => Some(1024_f64.powi(power)),
        "iB" if first.is_ascii_uppercase() => Some(1024_f64.powi(power)),
        _ => None,
    }
}

/// A size as a task writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Amount {
    value: f64,
    /// The bytes of its unit; `None` where it has none.
    unit: Option<f64>,
}

impl Amount {
    fn parse(text: &str) -> Result<Self, Failure> {
        let unit: String =
            text.chars().filter(|letter| !letter.is_ascii_digit() && *letter != '.').collect();
        let unit = unit.trim();
        let number = text.replace(unit, "");
        let value: f64 = number
            .trim()
            .parse()
            .map_err(|_| Failure::new(format!("could not convert string to float: '{text}'")))?;
        let bytes = match unit {
            "" => None,
            unit => Some(unit_bytes(unit).ok_or_else(|| {
                Failure::new(format!(
                    "invalid size unit ({unit}): unit must be one of B, or K, M, G, T, P, E, Z or Y \
                     with B or iB behind it, or none."
                ))
            })?),
        };
        Ok(Self { value, unit: bytes })
    }

    fn bytes(self) -> u64 {
        whole((self.value * self.unit.unwrap_or(1.0)).round())
    }
}

/// A number that is none below zero, as bytes; what is too large is the largest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float ends at the limits"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[expect(clippy::cast_precision_loss, reason = "sizes in words are rounded")]
fn float(number: u64) -> f64 {
    number as f64
}

/// A size of whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Blocks {
    count: u64,
    bytes_each: u64,
}

impl Blocks {
    fn bytes(self) -> u64 {
        self.count.saturating_mul(self.bytes_each)
    }

    fn new(size: Amount, block_bytes: u64) -> Result<Self, Failure> {
        if block_bytes == 0 {
            return Err(Failure::new("block size cannot be equal to zero"));
        }
        let Some(unit) = size.unit else {
            return Ok(Self { count: whole(size.value.ceil()), bytes_each: block_bytes });
        };
        let bytes = size.bytes();
        let bytes_each = fitting(size.value, unit, bytes, block_bytes)?;
        Ok(Self { count: bytes.div_ceil(bytes_each), bytes_each })
    }

    fn told(self) -> Json {
        json!({
            "blocks": self.count,
            "blocksize": self.bytes_each,
            "bytes": self.bytes(),
            "iec": words(self.bytes(), 1024.0, "iB"),
            "si": words(self.bytes(), 1000.0, "B"),
        })
    }
}

/// The size of blocks of which a number is just as long.
fn fitting(value: f64, unit: f64, bytes: u64, block_bytes: u64) -> Result<u64, Failure> {
    const MEBI: f64 = 1024.0 * 1024.0;
    if bytes.is_multiple_of(block_bytes) {
        return Ok(block_bytes);
    }
    if value.fract() == 0.0 {
        let is_of_1024 = unit % 5.0 != 0.0;
        return Ok(whole(match unit > MEBI {
            true if is_of_1024 => MEBI,
            true => 1e6,
            false => unit,
        }));
    }
    if unit == 1.0 {
        return Err(Failure::new("byte is the smallest unit and requires an integer value"));
    }
    if bytes > 0 && bytes < block_bytes {
        return Ok(bytes);
    }
    let sizes = [1024, 1000, 512, 256, 128, 100, 64, 32, 16, 10, 8, 4, 2];
    Ok(sizes.into_iter().find(|size| bytes.is_multiple_of(*size)).unwrap_or(1))
}

/// A size for people, with two places.
fn words(bytes: u64, base: f64, ending: &str) -> String {
    let (mut value, mut prefix) = (float(bytes), None);
    for letter in PREFIXES.chars() {
        if value < base {
            break;
        }
        value /= base;
        prefix = Some(letter);
    }
    match prefix {
        None => format!("{bytes} B"),
        Some(letter) => {
            let letter = if base == 1000.0 && letter == 'K' { 'k' } else { letter };
            format!("{} {letter}{ending}", python::text(&json!((value * 100.0).round() / 100.0)))
        }
    }
}

/// The file, and what it should be.
struct Look {
    path: PathBuf,
    now: Option<u64>,
    wanted: Blocks,
    attributes: (FileAttributes, FileAttributes),
}

impl FileSize {
    fn look(&self, host: &dyn Host) -> Result<Look, Failure> {
        if self.sparse && self.force {
            return Err(Failure::new(
                "parameters values are mutually exclusive: force=true|sparse=true",
            ));
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        if host.metadata(folder)?.is_none() {
            return Err(Failure::new(
                "parent directory of the file must exist prior to run this module",
            ));
        }
        let amount = |given: &Json| match given {
            Json::String(_) | Json::Number(_) => Amount::parse(&python::text(given)),
            other => Err(Failure::new(format!(
                "invalid value type ({other}): size must be integer, float or string"
            ))),
        };
        let block_bytes = match self.blocksize.as_ref().filter(|given| !given.is_null()) {
            Some(given) => {
                let block = amount(given)?;
                if block.unit.is_none_or(|unit| unit == 1.0) && block.value.fract() != 0.0 {
                    return Err(Failure::new(
                        "invalid blocksize value: bytes require an integer value",
                    ));
                }
                block.bytes()
            }
            None => host.space(folder)?.map_or(BLOCK_BYTES, |space| space.fragment_bytes),
        };
        let wanted = Blocks::new(amount(&self.size)?, block_bytes)?;
        let there = host.metadata(&self.path)?;
        if there.as_ref().is_some_and(|found| !found.is_file()) {
            return Err(Failure::new(format!(
                "{} exists but is not a regular file",
                self.path.display()
            )));
        }
        let path = match &there {
            Some(_) => host.real_path(&self.path)?,
            None => self.path.clone(),
        };
        let attributes = self.file.compare(host, &path, there.as_ref(), FILE_MODE)?;
        Ok(Look { path, now: there.map(|found| found.size), wanted, attributes })
    }

    /// What makes it so long; `None` where it is.
    fn program(&self, look: &Look) -> Option<Program> {
        let (wanted, bytes_each) = (look.wanted, look.wanted.bytes_each);
        if look.now == Some(wanted.bytes()) && !self.force {
            return None;
        }
        let now = look.now.unwrap_or(0);
        let seek = match look.now {
            _ if self.sparse => wanted.count,
            None => 0,
            Some(_) if self.force => 0,
            Some(_) if now > wanted.bytes() => wanted.count,
            // A block that is half there is written over by the next whole one alone.
            Some(_) if (wanted.bytes() - now).is_multiple_of(bytes_each) => now / bytes_each,
            Some(_) => now / bytes_each + 1,
        };
        Some(Program::new("dd").args([
            format!("if={}", self.source.display()),
            format!("of={}", self.path.display()),
            format!("bs={bytes_each}"),
            format!("seek={seek}"),
            format!("count={}", wanted.count.saturating_sub(seek)),
        ]))
    }

    fn answer(&self, look: &Look) -> Response {
        let program = self.program(look);
        let (actual, desired) = &look.attributes;
        let bytes = look.wanted.bytes();
        let difference = i128::from(bytes) - i128::from(look.now.unwrap_or(0));
        let mut returned = JsonMap::from_iter([
            ("filesize".to_owned(), look.wanted.told()),
            ("size_diff".to_owned(), i64::try_from(difference).unwrap_or(i64::MAX).into()),
            ("path".to_owned(), look.path.display().to_string().into()),
        ]);
        if let Some(program) = &program {
            returned.insert("cmd".into(), program.line().into());
        }
        let side = |size: Option<u64>, attributes: &FileAttributes| {
            let mut side = json!(attributes);
            if let Some(map) = side.as_object_mut() {
                map.insert("size".into(), size.into());
            }
            Side::State(side)
        };
        let diff = Diff {
            before: side(look.now, actual),
            after: side(Some(bytes), desired),
            ..Diff::default()
        };
        Response {
            changed: program.is_some() || actual != desired,
            returned,
            diff: vec![diff],
            ..Response::default()
        }
    }
}

impl Action for FileSize {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let look = self.look(host)?;
        let mut answer = self.answer(&look);
        answer.returned.extend(path_info(host, &look.path)?);
        Ok(if answer.changed { Guard::Go } else { Guard::Stay(Box::new(answer)) })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let look = self.look(host)?;
        let mut answer = self.answer(&look);
        answer.returned.extend(path_info(host, &look.path)?);
        Ok(answer)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let look = self.look(host)?;
        let mut answer = self.answer(&look);
        if let Some(program) = self.program(&look) {
            let said = tool::run(host, &program)?;
            answer.returned.extend([
                ("rc".to_owned(), said.status.into()),
                ("stdout".to_owned(), said.stdout_text().into()),
                ("stderr".to_owned(), said.stderr_text().into()),
            ]);
            let now = host.metadata(&look.path)?.map(|found| found.size);
            if now != Some(look.wanted.bytes()) {
                return Err(Failure::new(format!(
                    "dd succeeded, but {} is {} bytes long",
                    look.path.display(),
                    now.unwrap_or(0)
                )));
            }
        }
        // A file that has just been made has an owner and permissions of its own.
        let there = host.metadata(&look.path)?;
        let (actual, desired) = self.file.compare(host, &look.path, there.as_ref(), FILE_MODE)?;
        desired.apply(&actual, host, &look.path, Links::Follow)?;
        answer.returned.extend(path_info(host, &look.path)?);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::{Amount, Blocks, words};
    use crate::cases::run;

    /// `dd`, whose blocks are letters.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/srv");
        host.program("dd", |files, program| {
            let of = |name: &str| -> String {
                let found = program.args.iter().find_map(|word| word.strip_prefix(name));
                found.unwrap_or_default().to_owned()
            };
            if of("if=") == "/none" {
                return Output::failure(1, "dd: failed to open '/none'");
            }
            let number = |name: &str| of(name).parse::<usize>().unwrap();
            let length = (number("seek=") + number("count=")) * number("bs=");
            files.put(&of("of="), "x".repeat(length));
            Output::success("")
        });
        host
    }

    #[test]
    fn files_have_the_size_that_is_wanted() {
        let mut host = host();
        for (args, changed, bytes) in [
            (json!({"size": "10kB", "mode": "0600"}), true, 10_000),
            (json!({"size": "10kB", "mode": "0600"}), false, 10_000),
            (json!({"size": "10kB", "mode": "0640"}), true, 10_000),
            (json!({"size": "1KiB"}), true, 1024),
            (json!({"size": 3, "blocksize": 100}), true, 300),
            (json!({"size": "3", "blocksize": "100B"}), false, 300),
            (json!({"size": "0.5k", "sparse": true}), true, 512),
            (json!({"size": "512 B", "force": true}), true, 512),
            (json!({"size": 0}), true, 0),
        ] {
            let check = Mode { check: true, diff: true };
            let foretold = run("filesize", &args, "path", "/srv/f", check, &mut host);
            let done = run("filesize", &args, "path", "/srv/f", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
            assert_eq!(done.returned["filesize"]["bytes"], bytes, "{args}");
            assert_eq!(host.files.text("/srv/f").map(|text| text.len()), Some(bytes), "{args}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for (args, words) in [
            (json!({"size": "1X"}), "invalid size unit (X)"),
            (json!({"size": "1kiB"}), "invalid size unit (kiB)"),
            (json!({"size": "M"}), "could not convert string to float"),
            (json!({"size": [1]}), "size must be integer, float or string"),
            (json!({"size": 1, "blocksize": 0}), "block size cannot be equal to zero"),
            (json!({"size": 1, "blocksize": "1.5"}), "bytes require an integer value"),
            (json!({"size": "1.5B"}), "byte is the smallest unit"),
            (json!({"size": 1, "force": true, "sparse": true}), "force=true|sparse=true"),
            (json!({"size": 1, "path": "/none/f"}), "parent directory of the file must exist"),
            (json!({"size": 1, "path": "/srv"}), "/srv exists but is not a regular file"),
            (json!({"size": 1, "source": "/none"}), "failed to open '/none'"),
        ] {
            let key = if args.get("path").is_some() { "" } else { "path" };
            let done = run("filesize", &args, key, "/srv/f", Mode::default(), &mut host());
            let msg = done.msg.unwrap_or_default();
            assert!(done.failed && msg.contains(words), "{args}: {msg}");
        }
    }

    #[test]
    fn blocks_are_as_long_as_they_must_be() {
        for (size, block, expected) in [
            ("10M", 4096, (2560, 4096)),
            ("8kB", 4096, (8, 1000)),
            ("1GB", 4096, (1000, 1_000_000)),
            ("1G", 3000, (1024, 1_048_576)),
            ("0.5k", 4096, (1, 512)),
            ("2.5k", 4096, (1, 2560)),
            ("4.5k", 4096, (9, 512)),
            ("7", 512, (7, 512)),
        ] {
            let found = Blocks::new(Amount::parse(size).unwrap(), block).unwrap();
            assert_eq!((found.count, found.bytes_each), expected, "{size}");
        }
        for (bytes, iec, si) in [
            (0, "0 B", "0 B"),
            (1000, "1000 B", "1.0 kB"),
            (4096, "4.0 KiB", "4.1 kB"),
            (1_073_741_824, "1.0 GiB", "1.07 GB"),
        ] {
            assert_eq!(
                (words(bytes, 1024.0, "iB"), words(bytes, 1000.0, "B")),
                (iec.into(), si.into())
            );
        }
    }
}
