//! What can be said to `trueup vault`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub struct VaultArgs {
    #[command(subcommand)]
    pub action: VaultAction,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum VaultAction {
    /// Make a new encrypted file in the editor.
    Create(CreateArgs),
    /// Decrypt files.
    Decrypt(TransformArgs),
    /// Edit an encrypted file.
    Edit(EditArgs),
    /// Show encrypted files.
    View(ViewArgs),
    /// Encrypt files.
    Encrypt(EncryptArgs),
    /// Encrypt strings, to be put into YAML.
    #[command(name = "encrypt_string")]
    EncryptString(StringArgs),
    /// Encrypt files again with another password.
    Rekey(RekeyArgs),
}

/// Where passwords come from.
#[derive(Args, Clone, Debug, Default)]
pub struct PasswordArgs {
    /// Vault password by ID: ID@FILE or ID@prompt.
    #[arg(long = "vault-id", value_name = "ID@SOURCE")]
    pub vault_id: Vec<String>,
    /// Ask for the vault password.
    #[arg(short = 'J', long = "ask-vault-password", visible_alias = "ask-vault-pass")]
    pub ask_vault_password: bool,
    /// File (or program) that holds the vault password.
    #[arg(long = "vault-password-file", visible_alias = "vault-pass-file", value_name = "FILE")]
    pub vault_password_file: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ViewArgs {
    #[command(flatten)]
    pub passwords: PasswordArgs,
    /// Files; `-` for the standard input.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
}

#[derive(Args, Debug)]
pub struct TransformArgs {
    #[command(flatten)]
    pub view: ViewArgs,
    /// File to write to; `-` for the standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<String>,
}

#[derive(Args, Debug)]
pub struct EncryptArgs {
    #[command(flatten)]
    pub transform: TransformArgs,
    /// ID to encrypt with.
    #[arg(long = "encrypt-vault-id", value_name = "ID")]
    pub encrypt_vault_id: Option<String>,
}

#[derive(Args, Debug)]
pub struct EditArgs {
    #[command(flatten)]
    pub view: ViewArgs,
    /// ID to encrypt with.
    #[arg(long = "encrypt-vault-id", value_name = "ID")]
    pub encrypt_vault_id: Option<String>,
}

#[derive(Args, Debug)]
pub struct CreateArgs {
    #[command(flatten)]
    pub edit: EditArgs,
    /// Start the editor where there is no terminal, too.
    #[arg(long = "skip-tty-check")]
    pub skip_tty_check: bool,
}

#[derive(Args, Debug)]
pub struct RekeyArgs {
    #[command(flatten)]
    pub edit: EditArgs,
    /// File that holds the new password.
    #[arg(long = "new-vault-password-file", value_name = "FILE", conflicts_with = "new_vault_id")]
    pub new_vault_password_file: Option<PathBuf>,
    /// New password by ID: ID@FILE or ID@prompt.
    #[arg(long = "new-vault-id", value_name = "ID@SOURCE")]
    pub new_vault_id: Option<String>,
}

#[derive(Args, Debug)]
pub struct StringArgs {
    #[command(flatten)]
    pub encrypt: EncryptArgs,
    /// Ask for the string.
    #[arg(short = 'p', long)]
    pub prompt: bool,
    /// Show what is typed.
    #[arg(long = "show-input")]
    pub show_input: bool,
    /// Name of the variable, for each string.
    #[arg(short = 'n', long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Name of the variable that comes from the standard input.
    #[arg(long = "stdin-name", value_name = "NAME")]
    pub stdin_name: Option<String>,
}
