//! Passwords: asked for, or read from files and programs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use protocol::Secret;
use vault::Keyring;

use crate::{args::InventoryOptions, settings::Settings};

/// Asks for a password on the terminal.
///
/// # Errors
/// There is no terminal to ask on.
pub fn ask(prompt: &str) -> Result<Secret<String>, String> {
    rpassword::prompt_password(prompt)
        .map(Secret::new)
        .map_err(|error| format!("cannot ask for a password: {error}"))
}

/// Reads a password from a file, or from what a program prints.
///
/// # Errors
/// In words.
pub fn read(path: &Path) -> Result<Secret<String>, String> {
    let meta = fs::metadata(path).map_err(|error| {
        format!("The password file {} was not found or cannot be read: {error}", path.display())
    })?;
    let bytes = if meta.permissions().mode() & 0o111 != 0 {
        // A bare name is a file here, and no program of the search path.
        let program = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let output = Command::new(program).stderr(Stdio::inherit()).output().map_err(|error| {
            format!("cannot run the password program {}: {error}", path.display())
        })?;
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

/// Collects the vault passwords of options and settings.
///
/// # Errors
/// A password that cannot be had.
pub fn keyring(options: &InventoryOptions, settings: &Settings) -> Result<Keyring, String> {
    let mut keyring = Keyring::default();
    keyring.match_ids = settings
        .flag("DEFAULT_VAULT_ID_MATCH")
        .map_err(|error| error.to_string())?
        .unwrap_or(false);
    let mut ids: Vec<String> = settings.list("DEFAULT_VAULT_IDENTITY_LIST").unwrap_or_default();
    ids.extend(options.vault_id.iter().cloned());
    for id in ids {
        let (name, source) = id.split_once('@').unwrap_or((vault::DEFAULT_ID, &id));
        let name = if name.is_empty() { vault::DEFAULT_ID } else { name };
        let password = match source {
            "prompt" | "prompt_ask_vault_pass" => ask(&format!("Vault password ({name}): "))?,
            path => read(&settings.expand(path))?,
        };
        keyring.add(name, Secret::new(password.reveal().as_bytes().to_vec()));
    }
    let mut files: Vec<_> = options
        .vault_password_file
        .iter()
        .map(|path| settings.expand(&path.to_string_lossy()))
        .collect();
    if files.is_empty() {
        files.extend(settings.path("DEFAULT_VAULT_PASSWORD_FILE"));
    }
    for file in files {
        let password = read(&file)?;
        keyring.add(vault::DEFAULT_ID, Secret::new(password.reveal().as_bytes().to_vec()));
    }
    let asks = options.ask_vault_password
        || settings.flag("DEFAULT_ASK_VAULT_PASS").map_err(|e| e.to_string())?.unwrap_or(false);
    if asks {
        let password = ask("Vault password: ")?;
        keyring.add(vault::DEFAULT_ID, Secret::new(password.reveal().as_bytes().to_vec()));
    }
    Ok(keyring)
}
