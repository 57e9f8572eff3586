//! The `luks_device` module of the collection `community.crypto`.

mod headers;
mod keys;
#[cfg(test)]
mod tests;

use std::path::Path;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, FileKind, Host, Program, Returned,
};
use protocol::{Json, Response, spec::Support};

use crate::tool;

/// Keeps an encrypted container (LUKS) on a device: made, opened, closed or taken away, and its keys.
///
/// `cryptsetup` does the work. Passphrases are its input, and no arguments of it.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(
    ["keyfile", "passphrase"],
    ["new_keyfile", "new_passphrase"],
    ["remove_keyfile", "remove_passphrase", "remove_keyslot"]
))]
pub struct LuksDevice {
    /// The device; not needed where `label`, `uuid` or, for an open container, `name` tells it.
    device: Option<String>,
    /// What the container should be; a container that is not there yet is made for `opened` and
    /// `closed` too.
    #[argument(default = "present")]
    state: State,
    /// Name of the open container; `luks-` and its UUID where an opened one is given none.
    name: Option<String>,
    /// A file of the host whose content opens the container.
    #[argument(kind = "path")]
    keyfile: Option<String>,
    /// A passphrase that opens it.
    #[argument(no_log)]
    passphrase: Option<String>,
    /// A file of the host whose content becomes a further key.
    #[argument(kind = "path")]
    new_keyfile: Option<String>,
    /// A passphrase that becomes a further key.
    #[argument(no_log)]
    new_passphrase: Option<String>,
    /// A file of the host whose content opens it no more.
    #[argument(kind = "path")]
    remove_keyfile: Option<String>,
    /// A passphrase that opens it no more.
    #[argument(no_log)]
    remove_passphrase: Option<String>,
    /// How passphrases are given.
    #[argument(default = "text")]
    passphrase_encoding: PassphraseEncoding,
    /// The slot of the first key of a new container.
    keyslot: Option<i64>,
    /// The slot of the further key.
    new_keyslot: Option<i64>,
    /// A slot that is emptied, by a key of another one.
    remove_keyslot: Option<i64>,
    /// Whether the last key may go: what is in the container is lost with it.
    #[argument(default = false)]
    force_remove_last_key: bool,
    /// Bits of a new container's key.
    keysize: Option<i64>,
    /// Label of a new container; without `device`, that of the one that is meant.
    label: Option<String>,
    /// UUID of the container that is meant, without `device` and `label`.
    uuid: Option<String>,
    /// Format of a new container.
    #[argument(name = "type")]
    format: Option<Format>,
    /// Cipher of a new container.
    cipher: Option<String>,
    /// Hash function of a new container.
    hash: Option<String>,
    /// How keys are made of passphrases.
    pbkdf: Option<Derivation>,
    /// Bytes of a new container's sectors.
    sector_size: Option<i64>,
    /// Whether an opened container encrypts on the processor that asks for it.
    #[argument(default = false)]
    perf_same_cpu_crypt: bool,
    /// Whether an opened container writes where it encrypts.
    #[argument(default = false)]
    perf_submit_from_crypt_cpus: bool,
    /// Whether an opened container reads without a queue.
    #[argument(default = false)]
    perf_no_read_workqueue: bool,
    /// Whether an opened container writes without a queue.
    #[argument(default = false)]
    perf_no_write_workqueue: bool,
    /// Whether these, and `allow_discards`, are kept in the container for the next time.
    #[argument(default = false)]
    persistent: bool,
    /// Whether an opened container passes on what is free.
    #[argument(default = false)]
    allow_discards: bool,
}

/// How keys are made of passphrases.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["iteration_time", "iteration_count"]))]
struct Derivation {
    /// Seconds that it takes.
    iteration_time: Option<f64>,
    /// Rounds that it takes.
    iteration_count: Option<i64>,
    /// The function.
    algorithm: Option<Algorithm>,
    /// Kilobytes that it takes.
    memory: Option<i64>,
    /// Threads that it takes.
    parallel: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Closed,
    Opened,
    Present,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum PassphraseEncoding {
    Text,
    Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Format {
    Luks1,
    Luks2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Algorithm {
    Argon2i,
    Argon2id,
    Pbkdf2,
}

impl Documented for LuksDevice {
    const NAME: &'static str = "community.crypto.luks_device";
    const ALIASES: &'static [&'static str] = &["luks_device"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Open, and made where it is not there",
            args: r#"{"device": "/dev/sdc", "state": "opened", "name": "vault", "keyfile": "/etc/vault.key"}"#,
        },
        Example {
            title: "A further passphrase",
            args: r#"{"device": "/dev/sdc", "keyfile": "/etc/vault.key", "new_passphrase": "test"}"#,
        },
        Example { title: "Closed", args: r#"{"name": "vault", "state": "closed"}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "name",
        "Name of the container that is open, or was closed.",
        "always",
        r#""vault""#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// What a task may have to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Create,
    Open,
    Close,
    AddKey,
    RemoveKey,
    Remove,
}

const STAGES: [Stage; 6] =
    [Stage::Create, Stage::Open, Stage::Close, Stage::AddKey, Stage::RemoveKey, Stage::Remove];

/// What a stage does.
struct Work {
    programs: Vec<Program>,
    failed: String,
    name: Option<String>,
}

fn cryptsetup<'a>(words: impl IntoIterator<Item = &'a str>) -> Program {
    Program::new("cryptsetup").args(words)
}

/// The first line of what a program says, where it succeeds and says something.
fn line(host: &dyn Host, program: &Program) -> Result<Option<String>, Failure> {
    let text = tool::ask_whether(host, program)?.unwrap_or_default();
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    Ok(first.map(str::to_owned))
}

/// The device below an open container.
fn device_of(host: &dyn Host, name: &str) -> Result<Option<String>, Failure> {
    let text = tool::ask_whether(host, &cryptsetup(["status", name]))?.unwrap_or_default();
    let device = text.lines().find_map(|line| line.trim().strip_prefix("device:"));
    Ok(device.map(|path| path.trim().to_owned()))
}

/// Name of the container that is open on a device.
fn name_on(host: &dyn Host, device: &str) -> Result<Option<String>, Failure> {
    let text = tool::ask(host, &Program::new("lsblk").args([device, "-nlo", "type,name"]))?;
    let name = text.lines().find_map(|line| {
        let (kind, name) = line.trim().split_once(' ')?;
        (kind == "crypt").then(|| name.trim().to_owned())
    });
    Ok(name)
}

impl LuksDevice {
    /// The device that is meant, where that can be told.
    fn device(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        match (&self.device, &self.label, &self.uuid, &self.name) {
            (Some(path), ..) => {
                let kind = host.metadata(Path::new(path))?.map(|found| found.kind);
                match kind {
                    None => Err(Failure::new(format!("No such file or directory: '{path}'"))),
                    Some(FileKind::BlockDevice | FileKind::CharacterDevice) => {
                        Ok(Some(path.clone()))
                    }
                    Some(_) => Err(Failure::new(format!("{path} is not a device"))),
                }
            }
            (None, Some(label), ..) => line(host, &Program::new("blkid").args(["--label", label])),
            (None, None, Some(uuid), _) => {
                line(host, &Program::new("blkid").args(["--uuid", uuid]))
            }
            (None, None, None, Some(name)) => device_of(host, name),
            _ => Ok(None),
        }
    }

    /// Refuses what does not fit the container's format, or each other.
    fn validate(&self, host: &dyn Host, device: Option<&str>) -> Result<(), Failure> {
        if self.label.is_some() && self.format == Some(Format::Luks1) {
            return Err(Failure::new("You cannot combine type luks1 with the label option."));
        }
        let slots = [self.keyslot, self.new_keyslot, self.remove_keyslot];
        if slots.iter().all(Option::is_none) {
            return Ok(());
        }
        let found = device.map(|device| headers::format(host, device)).transpose()?.flatten();
        let format = found.or(self.format);
        if let (None, Some(slot)) = (format, self.keyslot) {
            if (8..32).contains(&slot) {
                return Err(Failure::new(
                    "You must specify type=luks2 when creating a new LUKS device to use keyslots 8-31.",
                ));
            }
            if !(0..8).contains(&slot) {
                return Err(Failure::new(
                    "When not specifying a type, only the keyslots 0-7 are allowed.",
                ));
            }
        }
        let limit = match format {
            Some(Format::Luks1) => 8,
            Some(Format::Luks2) => 32,
            None => i64::MAX,
        };
        if let Some(slot) = slots.iter().flatten().find(|slot| !(0..limit).contains(*slot)) {
            let name = if limit == 8 { "LUKS1" } else { "LUKS2" };
            let last = limit.min(32) - 1;
            return Err(Failure::new(format!(
                "{slot} must be between 0 and {last} when using {name}."
            )));
        }
        let needs_key = self.new_keyslot.is_some() || self.remove_keyslot.is_some();
        if needs_key && self.keyfile.is_none() && self.passphrase.is_none() {
            return Err(Failure::new(
                "Removing a keyslot requires the passphrase or keyfile of another slot.",
            ));
        }
        Ok(())
    }

    /// What a stage has to do on a device; nothing where all is well.
    fn work(&self, stage: Stage, device: &str, host: &dyn Host) -> Result<Option<Work>, Failure> {
        match stage {
            Stage::Create => self.creation(device, host),
            Stage::Open if self.state == State::Opened => self.opening(device, host),
            Stage::AddKey => self.addition(device, host),
            Stage::RemoveKey => self.reduction(device, host),
            Stage::Remove if self.state == State::Absent => Self::removal(device, host),
            _ => Ok(None),
        }
    }

    fn creation(&self, device: &str, host: &dyn Host) -> Result<Option<Work>, Failure> {
        let Some(key) = self.own_key()?.filter(|_| self.state != State::Absent) else {
            return Ok(None);
        };
        if headers::is_container(host, device)? {
            return Ok(None);
        }
        let mut program = cryptsetup(["luksFormat"]);
        let number = |value: Option<i64>| value.map(|number| number.to_string());
        for (name, value) in [
            ("--key-size", number(self.keysize)),
            ("--label", self.label.clone()),
            ("--type", self.format.map(|format| format.as_str().to_owned())),
            ("--cipher", self.cipher.clone()),
            ("--hash", self.hash.clone()),
            ("--key-slot", number(self.keyslot)),
            ("--sector-size", number(self.sector_size)),
        ] {
            if let Some(value) = value {
                program = program.args([name, &value]);
            }
        }
        let program = self.with_derivation(program).args(["-q", device, key.file()]);
        Ok(Some(Work {
            programs: vec![key.give(program)],
            failed: format!("Error while creating LUKS on {device}"),
            name: None,
        }))
    }

    fn opening(&self, device: &str, host: &dyn Host) -> Result<Option<Work>, Failure> {
        if let Some(found) = name_on(host, device)? {
            return match &self.name {
                Some(name) if *name != found => Err(Failure::new(format!(
                    "LUKS container is already opened under different name '{found}'."
                ))),
                _ => Ok(Some(Work {
                    programs: Vec::new(),
                    failed: String::new(),
                    name: Some(found),
                })),
            };
        }
        let Some(key) = self.own_key()? else { return Ok(None) };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => {
                let uuid = tool::ask(host, &cryptsetup(["luksUUID", device]))?;
                format!("luks-{}", uuid.trim())
            }
        };
        let mut program = cryptsetup(["--key-file", key.file()]);
        for (is_wanted, flag) in [
            (self.perf_same_cpu_crypt, "--perf-same_cpu_crypt"),
            (self.perf_submit_from_crypt_cpus, "--perf-submit_from_crypt_cpus"),
            (self.perf_no_read_workqueue, "--perf-no_read_workqueue"),
            (self.perf_no_write_workqueue, "--perf-no_write_workqueue"),
            (self.persistent, "--persistent"),
            (self.allow_discards, "--allow-discards"),
        ] {
            if is_wanted {
                program = program.arg(flag);
            }
        }
        let program = program.args(["open", "--type", "luks", device, &name]);
        Ok(Some(Work {
            programs: vec![key.give(program)],
            failed: format!("Error while opening LUKS container on {device}"),
            name: Some(name),
        }))
    }

    /// The container that is open, and closes.
    fn closing(&self, device: Option<&str>, host: &dyn Host) -> Result<Option<Work>, Failure> {
        let name = match (&self.name, device) {
            (Some(name), _) => device_of(host, name)?.map(|_| name.clone()),
            (None, Some(device)) => name_on(host, device)?,
            (None, None) => None,
        };
        Ok(name.map(|name| Work {
            programs: vec![cryptsetup(["close", &name])],
            failed: format!("Error while closing LUKS container {name}"),
            name: Some(name),
        }))
    }

    fn removal(device: &str, host: &dyn Host) -> Result<Option<Work>, Failure> {
        if !headers::is_container(host, device)? {
            return Ok(None);
        }
        let open = name_on(host, device)?.map(|name| cryptsetup(["close", &name]));
        let wipe = Program::new("wipefs").args(["--all", device]);
        Ok(Some(Work {
            programs: open.into_iter().chain([wipe]).collect(),
            failed: format!("Error while wiping LUKS container signatures for {device}"),
            name: None,
        }))
    }
}

/// The answer to a task that has done, or would do, what it names.
fn answer(changed: bool, name: Option<String>) -> Response {
    let mut response = Response { changed, ..Response::default() };
    response.returned.insert("name".into(), name.map_or(Json::Null, Json::String));
    response
}

impl Action for LuksDevice {
    /// A stage stands on what those before it have made: the first that would do something is all
    /// that can be told.
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let device = self.device(host)?;
        self.validate(host, device.as_deref())?;
        let mut name = None;
        for stage in STAGES {
            let Some(work) = self.stage(stage, device.as_deref(), host)? else { continue };
            name = work.name.or(name);
            if !work.programs.is_empty() {
                return Ok(answer(true, name));
            }
        }
        Ok(answer(false, name))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let device = self.device(host)?;
        self.validate(host, device.as_deref())?;
        let (mut name, mut changed) = (None, false);
        for stage in STAGES {
            let Some(work) = self.stage(stage, device.as_deref(), host)? else { continue };
            name = work.name.or(name);
            for program in &work.programs {
                let output = host.execute(program)?;
                if !output.is_success() {
                    let said = output.stderr_text();
                    return Err(Failure::new(format!(
                        "luks_device error: {}: {}",
                        work.failed,
                        said.trim()
                    )));
                }
                changed = true;
            }
            if let (Stage::Remove, Some(device)) = (stage, &device) {
                headers::wipe(host, device)?;
            }
        }
        Ok(answer(changed, name))
    }
}

impl LuksDevice {
    fn stage(
        &self,
        stage: Stage,
        device: Option<&str>,
        host: &dyn Host,
    ) -> Result<Option<Work>, Failure> {
        match (stage, device) {
            (Stage::Close, device) if self.state == State::Closed => self.closing(device, host),
            (_, Some(device)) => self.work(stage, device, host),
            (_, None) => Ok(None),
        }
    }
}
