//! Who may log in, and by what.

use russh::keys::{PublicKey, ssh_key::public::KeyData};

/// Somebody who may log in.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Name to log in as.
    pub user: String,
    /// Public keys, a line each as in `authorized_keys` but without options.
    pub authorized_keys: Vec<String>,
    /// Password; `None` for none that fits.
    pub password: Option<String>,
    /// Whether the password is asked for by keyboard-interactive instead.
    pub is_asked_interactively: bool,
}

impl Account {
    pub(crate) fn has_key(&self, key: &KeyData) -> bool {
        self.authorized_keys
            .iter()
            .filter_map(|line| PublicKey::from_openssh(line).ok())
            .any(|own| own.key_data() == key)
    }
}
