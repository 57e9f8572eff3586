//! Passwords: asked for, or read from files and programs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use protocol::Secret;
use vault::Keyring;

use crate::{args::InventoryOptions, settings::Settings, terminal};

/// Asks for a password on the terminal.
///
/// # Errors
/// There is no terminal to ask on.
pub fn ask(prompt: &str) -> Result<Secret<String>, String> {
    if let Ok(answer) = terminal::hidden(prompt) {
        return Ok(Secret::new(answer));
    }
    // Without a terminal it is read from the standard input, as Python does.
    eprint!("{prompt}");
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(count) if count > 0 => Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())),
        _ => Err("cannot ask for a password: there is neither a terminal nor an answer".into()),
    }
}

/// Reads a password from a file, or from what a program prints.
///
/// # Errors
/// In words.
pub fn read(path: &Path) -> Result<Secret<String>, String> {
    read_from(path, &[])
}

fn read_from(path: &Path, arguments: &[&str]) -> Result<Secret<String>, String> {
    /// How a client says that it has no password for the ID.
    const UNKNOWN_ID: i32 = 2;
    let meta = fs::metadata(path).map_err(|error| {
        format!("The password file {} was not found or cannot be read: {error}", path.display())
    })?;
    let bytes = if meta.permissions().mode() & 0o111 != 0 {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut command = Command::new(&path);
        let output =
            command.args(arguments).stderr(Stdio::inherit()).output().map_err(|error| {
                format!("Problem running vault password script {}: {error}", path.display())
            })?;
        if let (Some(UNKNOWN_ID), [_, id]) = (output.status.code(), arguments) {
            return Err(format!(
                "Vault password client script {} did not find a secret for vault-id={id}",
                path.display()
            ));
        }
        if !output.status.success() {
            return Err(format!(
                "the password program {} ended with {}",
                path.display(),
                output.status
            ));
        }
        output.stdout
    } else {
        fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("the password in {} is not UTF-8", path.display()))?;
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(format!("Empty password was provided from file ({})", path.display()));
    }
    Ok(Secret::new(text))
}

/// What vault passwords are wanted for, which decides how they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read what is encrypted, if anything is.
    Run,
    /// To decrypt: at least one is needed.
    Decrypt,
    /// To encrypt: at least one is needed, and one that is typed is typed twice.
    Encrypt,
    /// To encrypt anew: settings name no new password.
    Rekey,
}

/// Where vault passwords come from, besides settings.
#[derive(Clone, Debug)]
pub struct VaultSources {
    /// `ID@SOURCE`, in order.
    pub ids: Vec<String>,
    pub files: Vec<PathBuf>,
    pub asks: bool,
    pub purpose: Purpose,
}

/// Collects the vault passwords of options and settings for a run.
///
/// # Errors
/// A password that cannot be had.
pub fn keyring(options: &InventoryOptions, settings: &Settings) -> Result<Keyring, String> {
    let sources = VaultSources {
        ids: options.vault_id.clone(),
        files: options.vault_password_file.clone(),
        asks: options.ask_vault_password,
        purpose: Purpose::Run,
    };
    vault_keyring(&sources, settings)
}

/// Collects vault passwords.
///
/// # Errors
/// A password that cannot be had.
pub fn vault_keyring(sources: &VaultSources, settings: &Settings) -> Result<Keyring, String> {
    let flag = |name: &str| settings.flag(name).map_err(|error| error.to_string());
    let mut keyring = Keyring::default();
    keyring.match_ids = flag("DEFAULT_VAULT_ID_MATCH")?.unwrap_or(false);
    let is_rekey = sources.purpose == Purpose::Rekey;
    let is_new = matches!(sources.purpose, Purpose::Encrypt | Purpose::Rekey);
    let mut ids: Vec<String> = Vec::new();
    if !is_rekey {
        ids.extend(settings.list("DEFAULT_VAULT_IDENTITY_LIST").unwrap_or_default());
    }
    ids.extend(sources.ids.iter().cloned());
    let default_id =
        settings.get("DEFAULT_VAULT_IDENTITY").unwrap_or_else(|| vault::DEFAULT_ID.to_owned());
    let add = |keyring: &mut Keyring, id: &str, password: &Secret<String>| {
        keyring.add(id, Secret::new(password.reveal().as_bytes().to_vec()));
    };
    let (mut has_any, mut lost) = (false, Vec::new());
    for id in &ids {
        let (name, source) = match id.split_once('@') {
            Some(("", source)) | Some((source, "")) => (default_id.as_str(), source),
            Some((name, source)) => (name, source),
            None => (default_id.as_str(), id.as_str()),
        };
        let password = match source {
            "prompt" if is_new => ask_twice(
                &format!("New vault password ({name}): "),
                &format!("Confirm new vault password ({name}): "),
            )?,
            "prompt" => ask(&format!("Vault password ({name}): "))?,
            "prompt_ask_vault_pass" => ask_default(is_new)?,
            path => {
                let path = settings.expand(path);
                match read_vault(&path, name, &keyring) {
                    Ok(password) => password,
                    Err(why) => {
                        lost.push(Lost::of(name, &path, why));
                        continue;
                    }
                }
            }
        };
        has_any = true;
        add(&mut keyring, name, &password);
    }
    let mut files: Vec<_> =
        sources.files.iter().map(|path| settings.expand(&path.to_string_lossy())).collect();
    if !is_rekey {
        files.extend(settings.path("DEFAULT_VAULT_PASSWORD_FILE"));
    }
    for file in &files {
        match read_vault(file, &default_id, &keyring) {
            Ok(password) => {
                has_any = true;
                add(&mut keyring, &default_id, &password);
            }
            Err(why) => lost.push(Lost::of(&default_id, file, why)),
        }
    }
    // One that is there may be the one that is needed.
    match lost.pop() {
        Some(last) if !has_any => return Err(last.why),
        Some(last) => lost.push(last),
        None => {}
    }
    for Lost { id, is_missing, why } in lost {
        let what = if is_missing {
            "getting vault password file"
        } else {
            "in vault password file loading"
        };
        eprintln!("[WARNING]: Error {what} ({id}): {why}");
    }
    let asks = sources.asks || (!is_rekey && flag("DEFAULT_ASK_VAULT_PASS")?.unwrap_or(false));
    let needs = sources.purpose != Purpose::Run && ids.is_empty() && files.is_empty();
    if asks || needs {
        add(&mut keyring, &default_id, &ask_default(is_new)?);
    }
    Ok(keyring)
}

/// A password that could not be had.
struct Lost {
    id: String,
    is_missing: bool,
    why: String,
}

impl Lost {
    fn of(id: &str, path: &Path, why: String) -> Self {
        Self { id: id.to_owned(), is_missing: !path.exists(), why }
    }
}

fn ask_default(is_new: bool) -> Result<Secret<String>, String> {
    if is_new {
        ask_twice("New Vault password: ", "Confirm New Vault password: ")
    } else {
        ask("Vault password: ")
    }
}

fn ask_twice(prompt: &str, confirm: &str) -> Result<Secret<String>, String> {
    let first = ask(prompt)?;
    let second = ask(confirm)?;
    if first.reveal() != second.reveal() {
        return Err("Passwords do not match".into());
    }
    Ok(first)
}

/// Reads a vault password. A program whose name ends with `-client` is told the ID that it is
/// wanted for. A file may be encrypted itself, with a password that was named before it.
fn read_vault(path: &Path, id: &str, known: &Keyring) -> Result<Secret<String>, String> {
    let is_client =
        path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client"));
    let password =
        if is_client { read_from(path, &["--vault-id", id])? } else { read_from(path, &[])? };
    if !vault::is_encrypted(password.reveal().as_bytes()) {
        return Ok(password);
    }
    let plain = known
        .decrypt(password.reveal())
        .map_err(|error| format!("cannot decrypt the password file {}: {error}", path.display()))?;
    let plain = String::from_utf8_lossy(&plain).trim().to_owned();
    Ok(Secret::new(plain))
}
