//! `trueup vault`, and `ansible-vault`: encrypts and decrypts files and strings.

use std::{
    fs,
    io::{IsTerminal, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use protocol::Secret;
use vault::Keyring;

use crate::{
    Failed,
    secrets::{self, Purpose, VaultSources},
    settings::Settings,
};

pub mod options;

use options::{
    CreateArgs, EditArgs, EncryptArgs, PasswordArgs, RekeyArgs, StringArgs, TransformArgs, ViewArgs,
};
pub use options::{VaultAction, VaultArgs};

/// Spaces before each line of an encrypted string, as Ansible indents it.
const STRING_INDENT: usize = 10;

/// Runs the command.
///
/// # Errors
/// A password or file that cannot be had, or what does not fit.
pub fn run(args: &VaultArgs, settings: &Settings) -> Result<u8, Failed> {
    let command = Vault { settings };
    match &args.action {
        VaultAction::Create(args) => command.create(args),
        VaultAction::Decrypt(args) => command.decrypt(args),
        VaultAction::Edit(args) => command.edit(args),
        VaultAction::View(args) => command.view(args),
        VaultAction::Encrypt(args) => command.encrypt(args),
        VaultAction::EncryptString(args) => command.encrypt_string(args),
        VaultAction::Rekey(args) => command.rekey(args),
    }
    .map(|()| 0)
}

struct Vault<'a> {
    settings: &'a Settings,
}

/// A password and the ID that it goes by.
struct Key {
    id: String,
    password: Secret<Vec<u8>>,
}

impl Vault<'_> {
    fn keyring(&self, args: &PasswordArgs, purpose: Purpose) -> Result<Keyring, Failed> {
        let sources = VaultSources {
            ids: args.vault_id.clone(),
            files: args.vault_password_file.clone(),
            asks: args.ask_vault_password,
            purpose,
        };
        let keyring = secrets::vault_keyring(&sources, self.settings).map_err(Failed::general)?;
        if keyring.ids().next().is_none() {
            return Err(Failed::general("A vault password is required to use Ansible's Vault"));
        }
        Ok(keyring)
    }

    /// The password to encrypt with: the one of an ID, or the first.
    fn key(&self, keyring: &Keyring, id: Option<&str>) -> Result<Key, Failed> {
        let setting = self.settings.get("DEFAULT_VAULT_ENCRYPT_IDENTITY");
        let id = id.map(str::to_owned).or(setting);
        let ids: Vec<&str> = keyring.ids().collect();
        if id.is_none() && ids.len() > 1 {
            return Err(Failed::option(format!(
                "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with \
                 --encrypt-vault-id",
                ids.join(",")
            )));
        }
        match keyring.password(id.as_deref()) {
            Some((id, password)) => Ok(Key { id: id.to_owned(), password: password.clone() }),
            None => Err(Failed::general(format!(
                "Did not find a match for --encrypt-vault-id={} in the known vault-ids [{}]",
                id.unwrap_or_default(),
                ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    fn encrypted(&self, plain: &[u8], key: &Key) -> Result<String, Failed> {
        let result = match self.settings.get("VAULT_ENCRYPT_SALT").filter(|salt| !salt.is_empty()) {
            Some(salt) => Ok(vault::encrypt_with_salt(
                plain,
                key.password.reveal(),
                Some(&key.id),
                salt.as_bytes(),
            )),
            None => vault::encrypt(plain, key.password.reveal(), Some(&key.id)),
        };
        result.map_err(|error| Failed::general(error.to_string()))
    }

    fn encrypt(&self, args: &EncryptArgs) -> Result<(), Failed> {
        let view = &args.transform.view;
        let output = one_output(&args.transform)?;
        let keyring = self.keyring(&view.passwords, Purpose::Encrypt)?;
        let key = self.key(&keyring, args.encrypt_vault_id.as_deref())?;
        for file in inputs(&view.files, "Reading plaintext input from stdin") {
            let plain = read(&file)?;
            if vault::is_encrypted(&plain) {
                return Err(Failed::general("input is already encrypted"));
            }
            let text = self.encrypted(&plain, &key)?;
            write(output.unwrap_or(&file), text.as_bytes())?;
        }
        say("Encryption successful");
        Ok(())
    }

    fn decrypt(&self, args: &TransformArgs) -> Result<(), Failed> {
        let output = one_output(args)?;
        let keyring = self.keyring(&args.view.passwords, Purpose::Decrypt)?;
        for file in inputs(&args.view.files, "Reading ciphertext input from stdin") {
            let plain = opened(&keyring, &file)?.plain;
            write(output.unwrap_or(&file), &plain)?;
        }
        say("Decryption successful");
        Ok(())
    }

    fn view(&self, args: &ViewArgs) -> Result<(), Failed> {
        let keyring = self.keyring(&args.passwords, Purpose::Decrypt)?;
        for file in inputs(&args.files, "Reading ciphertext input from stdin") {
            let plain = opened(&keyring, &file)?.plain;
            self.page(&plain)?;
        }
        Ok(())
    }

    /// Shows a text, by the pager where there is a terminal.
    fn page(&self, plain: &[u8]) -> Result<(), Failed> {
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            let pager = self.settings.get("PAGER").unwrap_or_else(|| "less".into());
            let child = Command::new("/bin/sh")
                .args(["-c", &pager])
                .env("LESS", self.settings.environment.get("LESS").map_or("FRSX", String::as_str))
                .stdin(Stdio::piped())
                .spawn();
            if let Ok(mut child) = child {
                if let Some(mut stdin) = child.stdin.take() {
                    let _ = stdin.write_all(plain);
                }
                let _ = child.wait();
                return Ok(());
            }
        }
        let mut stdout = stdout.lock();
        stdout
            .write_all(plain)
            .and_then(|()| if plain.ends_with(b"\n") { Ok(()) } else { stdout.write_all(b"\n") })
            .map_err(|error| Failed::general(format!("cannot write: {error}")))
    }

    fn create(&self, args: &CreateArgs) -> Result<(), Failed> {
        let view = &args.edit.view;
        let [file] = view.files.as_slice() else {
            return Err(Failed::option("ansible-vault create can take only one filename argument"));
        };
        let keyring = self.keyring(&view.passwords, Purpose::Encrypt)?;
        let key = self.key(&keyring, args.edit.encrypt_vault_id.as_deref())?;
        if !args.skip_tty_check && !std::io::stdout().is_terminal() {
            return Err(Failed::option("not a tty, editor cannot be opened"));
        }
        if Path::new(file).is_file() {
            return Err(Failed::general(format!("{file} exists, please use 'edit' instead")));
        }
        if let Some(folder) = Path::new(file).parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| {
                Failed::general(format!("cannot make the folder {}: {error}", folder.display()))
            })?;
        }
        let plain = self.edited(&[], file)?;
        let text = self.encrypted(&plain, &key)?;
        write(file, text.as_bytes())
    }

    fn edit(&self, args: &EditArgs) -> Result<(), Failed> {
        let keyring = self.keyring(&args.view.passwords, Purpose::Decrypt)?;
        if args.view.files.is_empty() {
            return Err(Failed::option("a file to edit is needed"));
        }
        for file in &args.view.files {
            let opened = opened(&keyring, file)?;
            let plain = self.edited(&opened.plain, file)?;
            let asks_for_id = args.encrypt_vault_id.is_some();
            if plain == opened.plain && !asks_for_id {
                continue;
            }
            let key = match &args.encrypt_vault_id {
                Some(id) => self.key(&keyring, Some(id))?,
                None => opened.key,
            };
            let text = self.encrypted(&plain, &key)?;
            write(file, text.as_bytes())?;
        }
        Ok(())
    }

    /// What is in a file after the editor has had it.
    fn edited(&self, plain: &[u8], name: &str) -> Result<Vec<u8>, Failed> {
        let folder = Scratch::make()?;
        let extension = Path::new(name).extension().map(|e| format!(".{}", e.to_string_lossy()));
        let path = folder.path.join(format!("edited{}", extension.unwrap_or_default()));
        write_new(&path, plain)?;
        let editor = self.settings.get("EDITOR").unwrap_or_else(|| "vi".into());
        let status = Command::new("/bin/sh")
            .args(["-c", &format!("{editor} \"$1\""), "sh"])
            .arg(&path)
            .status()
            .map_err(|error| {
                Failed::general(format!("Unable to execute the command '{editor}': {error}"))
            })?;
        if !status.success() {
            return Err(Failed::general(format!("the editor '{editor}' ended with {status}")));
        }
        fs::read(&path)
            .map_err(|error| Failed::general(format!("cannot read what was edited: {error}")))
    }

    fn rekey(&self, args: &RekeyArgs) -> Result<(), Failed> {
        let view = &args.edit.view;
        let keyring = self.keyring(&view.passwords, Purpose::Decrypt)?;
        if view.files.is_empty() {
            return Err(Failed::option("a file to rekey is needed"));
        }
        let sources = VaultSources {
            ids: args.new_vault_id.iter().cloned().collect(),
            files: args.new_vault_password_file.iter().cloned().collect(),
            asks: false,
            purpose: Purpose::Rekey,
        };
        let new = secrets::vault_keyring(&sources, self.settings).map_err(Failed::general)?;
        let key = self.key(&new, args.edit.encrypt_vault_id.as_deref())?;
        for file in &view.files {
            let opened = opened(&keyring, file)?;
            // Without an ID of its own the new password goes by the ID that the file has named.
            let id = if key.id == vault::DEFAULT_ID && args.new_vault_id.is_none() {
                opened.key.id
            } else {
                key.id.clone()
            };
            let key = Key { id, password: key.password.clone() };
            let text = self.encrypted(&opened.plain, &key)?;
            write(file, text.as_bytes())?;
        }
        say("Rekey successful");
        Ok(())
    }

    fn encrypt_string(&self, args: &StringArgs) -> Result<(), Failed> {
        let transform = &args.encrypt.transform;
        let mut given = transform.view.files.clone();
        let reads_stdin = given.iter().any(|arg| arg == "-")
            || args.stdin_name.is_some()
            || (given.is_empty() && !args.prompt);
        if reads_stdin && args.prompt {
            return Err(Failed::option(
                "The --prompt option is not supported if also reading input from stdin",
            ));
        }
        let keyring = self.keyring(&transform.view.passwords, Purpose::Encrypt)?;
        let key = self.key(&keyring, args.encrypt.encrypt_vault_id.as_deref())?;
        given.retain(|arg| arg != "-");
        let empty = |from: &str| {
            Failed::option(format!("The plaintext provided from {from} was empty, not encrypting"))
        };
        let mut strings: Vec<(Option<String>, Vec<u8>, &str)> = Vec::new();
        let mut names = args.names.iter().cloned();
        if args.prompt {
            let from = "the interactive prompt";
            let name = match names.next() {
                Some(name) => Some(name),
                None => Some(ask_line("Variable name (enter for no name): ")?)
                    .filter(|name| !name.is_empty()),
            };
            let hidden = if args.show_input { "" } else { " (hidden)" };
            let prompt = match &name {
                Some(name) => format!("String to encrypt{hidden} for variable \"{name}\": "),
                None => format!("String to encrypt{hidden}: "),
            };
            let text = if args.show_input {
                ask_line(&prompt)?
            } else {
                secrets::ask(&prompt).map_err(Failed::general)?.reveal().clone()
            };
            if text.is_empty() {
                return Err(empty(from));
            }
            strings.push((name, text.into_bytes(), from));
        }
        if reads_stdin {
            if std::io::stdin().is_terminal() {
                eprintln!(
                    "Reading plaintext input from stdin. (ctrl-d to end input, twice if your \
                     content does not already have a newline)"
                );
            }
            let plain = read("-")?;
            if plain.is_empty() {
                return Err(Failed::option("stdin was empty, not encrypting"));
            }
            strings.push((args.stdin_name.clone(), plain, "stdin"));
        }
        if !args.names.is_empty() && given.len() > names.len() && !args.prompt {
            eprintln!("The number of --name options do not match the number of args.");
            if let Some(last) = args.names.last() {
                eprintln!(
                    "The last named variable will be \"{last}\". The rest will not have names."
                );
            }
        }
        for text in given {
            let from = "the command line args";
            if text.is_empty() {
                return Err(empty(from));
            }
            strings.push((names.next(), text.into_bytes(), from));
        }
        let several = strings.len() > 1;
        let mut shown = String::new();
        for (number, (name, plain, from)) in strings.iter().enumerate() {
            if several {
                match name {
                    Some(name) => eprintln!(
                        "# The encrypted version of variable (\"{name}\", the string #{} from {from}).",
                        number + 1
                    ),
                    None => eprintln!(
                        "# The encrypted version of the string #{} from {from}.)",
                        number + 1
                    ),
                }
            }
            shown.push_str(&as_yaml(name.as_deref(), &self.encrypted(plain, &key)?));
        }
        write(transform.output.as_deref().unwrap_or("-"), shown.as_bytes())?;
        say("Encryption successful");
        Ok(())
    }
}

/// `name: !vault |` and the text below it.
fn as_yaml(name: Option<&str>, text: &str) -> String {
    let mut shown = match name {
        Some(name) => format!("{name}: !vault |\n"),
        None => "!vault |\n".to_owned(),
    };
    for line in text.lines() {
        shown.push_str(&" ".repeat(STRING_INDENT));
        shown.push_str(line);
        shown.push('\n');
    }
    shown
}

fn ask_line(prompt: &str) -> Result<String, Failed> {
    let mut line = String::new();
    eprint!("{prompt}");
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failed::general(format!("cannot read the answer: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// What was encrypted, and what it was encrypted with.
struct Opened {
    plain: Vec<u8>,
    key: Key,
}

fn opened(keyring: &Keyring, file: &str) -> Result<Opened, Failed> {
    let bytes = read(file)?;
    if !vault::is_encrypted(&bytes) {
        return Err(Failed::general(format!(
            "input is not vault encrypted data. {file} is not a vault encrypted file for {file}"
        )));
    }
    let text = String::from_utf8_lossy(&bytes);
    let (plain, id, password) =
        keyring.open(&text).map_err(|error| Failed::general(format!("{error} for {file}")))?;
    Ok(Opened { plain, key: Key { id, password } })
}

/// The files to work on: the standard input where none is named.
fn inputs(files: &[String], notice: &str) -> Vec<String> {
    if !files.is_empty() {
        return files.to_vec();
    }
    if std::io::stdin().is_terminal() {
        eprintln!("{notice}");
    }
    vec!["-".to_owned()]
}

fn one_output(args: &TransformArgs) -> Result<Option<&str>, Failed> {
    if args.output.is_some() && args.view.files.len() > 1 {
        return Err(Failed::option("At most one input file may be used with the --output option"));
    }
    Ok(args.output.as_deref())
}

fn read(file: &str) -> Result<Vec<u8>, Failed> {
    if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failed::general(format!("cannot read the input: {error}")))?;
        return Ok(bytes);
    }
    fs::read(file).map_err(|error| Failed::general(format!("cannot read {file}: {error}")))
}

/// Writes a result: to the standard output, or to a file that only its owner can read and that is
/// either the old one or the new one.
fn write(file: &str, bytes: &[u8]) -> Result<(), Failed> {
    let failed = |error: std::io::Error| Failed::general(format!("cannot write {file}: {error}"));
    if file == "-" {
        let mut stdout = std::io::stdout().lock();
        return stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(failed);
    }
    // A link is followed: it is the file behind it that is encrypted.
    let path = fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(file));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    write_new(&beside, bytes)?;
    fs::rename(&beside, &path).map_err(failed)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    let failed = |error: std::io::Error| {
        Failed::general(format!("cannot write {}: {error}", path.display()))
    };
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

/// A folder that nobody else can look into, gone with this value.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn make() -> Result<Self, Failed> {
        let path = std::env::temp_dir().join(format!("trueup-vault-{}", std::process::id()));
        let made = fs::create_dir(&path)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o700)));
        made.map_err(|error| {
            Failed::general(format!("cannot make the folder {}: {error}", path.display()))
        })?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn say(message: &str) {
    if std::io::stdout().is_terminal() {
        eprintln!("{message}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_indented_under_its_name() {
        let shown = as_yaml(Some("secret"), "$ANSIBLE_VAULT;1.1;AES256\n6162\n");
        assert_eq!(
            shown,
            "secret: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          6162\n"
        );
        assert!(as_yaml(None, "x\n").starts_with("!vault |\n"));
    }
}
