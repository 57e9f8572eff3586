//! The keys of a container: read, tried, added and removed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::{Failure, Host, Program};

use super::{LuksDevice, PassphraseEncoding, State, Work, cryptsetup, headers};

/// A key, as `cryptsetup` is given it.
#[derive(Clone)]
pub enum Key {
    File(String),
    Phrase(Vec<u8>),
}

impl Key {
    /// The file to read it from; `-` is the program's input.
    pub fn file(&self) -> &str {
        match self {
            Self::File(path) => path,
            Self::Phrase(_) => "-",
        }
    }

    /// Lets a program read it.
    pub fn give(&self, program: Program) -> Program {
        match self {
            Self::File(_) => program,
            Self::Phrase(bytes) => program.stdin(bytes.clone()),
        }
    }
}

impl LuksDevice {
    /// A key that is given as a file or a passphrase.
    fn key(&self, file: Option<&String>, phrase: Option<&String>) -> Result<Option<Key>, Failure> {
        let phrase = match (phrase, self.passphrase_encoding) {
            (None, _) => return Ok(file.cloned().map(Key::File)),
            (Some(text), PassphraseEncoding::Text) => text.clone().into_bytes(),
            (Some(text), PassphraseEncoding::Base64) => STANDARD
                .decode(text.trim())
                .map_err(|_| Failure::new("a passphrase is not encoded in Base64"))?,
        };
        Ok(Some(Key::Phrase(phrase)))
    }

    /// The key that opens the container.
    pub(super) fn own_key(&self) -> Result<Option<Key>, Failure> {
        self.key(self.keyfile.as_ref(), self.passphrase.as_ref())
    }

    /// Whether a key opens a container, or a slot of it.
    fn opens(
        &self,
        host: &dyn Host,
        device: &str,
        key: &Key,
        slot: Option<i64>,
    ) -> Result<bool, Failure> {
        let mut program = cryptsetup(["luksOpen", "--test-passphrase", device, "--key-file"]);
        program = program.arg(key.file());
        if let Some(slot) = slot {
            program = program.args(["--key-slot", &slot.to_string()]);
        }
        let output = host.query(&key.give(program))?;
        let said = output.stdout_text() + &output.stderr_text();
        let is_other = ["No key available with this passphrase", "No usable keyslot is available"]
            .iter()
            .any(|words| said.contains(words));
        match output.is_success() {
            true => Ok(true),
            false if is_other => Ok(false),
            false => Err(Failure::new(format!(
                "Error while testing whether keyslot exists on {device}: {}",
                output.stderr_text().trim()
            ))),
        }
    }

    /// A program that makes a key, told how.
    pub(super) fn with_derivation(&self, mut program: Program) -> Program {
        let Some(pbkdf) = &self.pbkdf else { return program };
        let number = |value: Option<i64>| value.map(|number| number.to_string());
        // The program counts milliseconds.
        let millis = pbkdf.iteration_time.map(|secs| format!("{:.0}", (secs * 1000.0).trunc()));
        for (name, value) in [
            ("--iter-time", millis),
            ("--pbkdf-force-iterations", number(pbkdf.iteration_count)),
            ("--pbkdf", pbkdf.algorithm.map(|name| name.as_str().to_owned())),
            ("--pbkdf-memory", number(pbkdf.memory)),
            ("--pbkdf-parallel", number(pbkdf.parallel)),
        ] {
            if let Some(value) = value {
                program = program.args([name, &value]);
            }
        }
        program
    }

    /// The further key that is not there yet.
    pub(super) fn addition(&self, device: &str, host: &dyn Host) -> Result<Option<Work>, Failure> {
        let new = self.key(self.new_keyfile.as_ref(), self.new_passphrase.as_ref())?;
        let (Some(key), Some(new)) = (self.own_key()?, new) else { return Ok(None) };
        if self.state == State::Absent {
            return Err(Failure::new(
                "Contradiction in setup: Asking to add a key to absent LUKS.",
            ));
        }
        if self.opens(host, device, &new, None)? {
            let elsewhere = match self.new_keyslot {
                Some(slot) => !self.opens(host, device, &new, Some(slot))?,
                None => false,
            };
            return match elsewhere {
                true => {
                    Err(Failure::new("Trying to add key that is already present in another slot"))
                }
                false => Ok(None),
            };
        }
        let mut program = self.with_derivation(cryptsetup(["luksAddKey", device]));
        if let Some(slot) = self.new_keyslot {
            program = program.args(["--key-slot", &slot.to_string()]);
        }
        program = program.args(["--key-file", key.file()]);
        // Both may come by the program's input, one behind the other.
        let mut input = Vec::new();
        if let Key::Phrase(bytes) = &key {
            program = program.args(["--keyfile-size", &bytes.len().to_string()]);
            input.extend(bytes);
        }
        if let Key::Phrase(bytes) = &new {
            input.extend(bytes);
        }
        Ok(Some(Work {
            programs: vec![program.arg(new.file()).stdin(input)],
            failed: format!("Error while adding new LUKS keyslot to {device}"),
            name: None,
        }))
    }

    /// The key that is still there and should not be.
    pub(super) fn reduction(&self, device: &str, host: &dyn Host) -> Result<Option<Work>, Failure> {
        let old = self.key(self.remove_keyfile.as_ref(), self.remove_passphrase.as_ref())?;
        if old.is_none() && self.remove_keyslot.is_none() {
            return Ok(None);
        }
        if self.state == State::Absent {
            return Err(Failure::new(
                "Contradiction in setup: Asking to remove a key from absent LUKS.",
            ));
        }
        let slots = headers::slots(host, device)?;
        let program = match (old, self.remove_keyslot) {
            (_, Some(slot)) => {
                let key = self.own_key()?.filter(|_| slots.contains(&slot));
                let Some(key) = key else { return Ok(None) };
                if self.opens(host, device, &key, Some(slot))? {
                    return Err(Failure::new(
                        "Cannot remove keyslot with keyfile or passphrase in same slot.",
                    ));
                }
                if !self.opens(host, device, &key, None)? {
                    return Ok(None);
                }
                cryptsetup(["luksKillSlot", device, "-q", &slot.to_string()])
            }
            (Some(old), None) => {
                if !self.opens(host, device, &old, None)? {
                    return Ok(None);
                }
                old.give(cryptsetup(["luksRemoveKey", device, "-q", "--key-file", old.file()]))
            }
            (None, None) => return Ok(None),
        };
        if !self.force_remove_last_key && slots.len() < 2 {
            return Err(Failure::new(format!(
                "LUKS device {device} has less than two active keyslots. To be able to remove a \
                 key, please set `force_remove_last_key` to `true`."
            )));
        }
        Ok(Some(Work {
            programs: vec![program],
            failed: format!("Error while removing LUKS key from {device}"),
            name: None,
        }))
    }
}
