//! What an account is known by: its password or plugin, and how long a password is good.

use module::{
    Failure,
    content::{Algorithm, bytes_digest},
};

use super::MysqlUser;
use crate::{
    crypt,
    hmac::digest,
    mysql::{account::Expiry, literal},
};

/// What `mysql_native_password` keeps.
pub(super) fn native_hash(password: &str) -> String {
    let first = digest(Algorithm::Sha1, password.as_bytes());
    format!("*{}", bytes_digest(Algorithm::Sha1, &first).to_uppercase())
}

impl MysqlUser {
    /// What the plugin is given, as the server keeps it; `None` where that cannot be known.
    pub(super) fn plugin_hash(&self) -> Option<String> {
        let salted = || {
            let text = self.plugin_auth_string.as_ref()?;
            Some(crypt::mysql_sha256(text.as_bytes(), self.salt.as_ref()?))
        };
        self.plugin_hash_string.clone().or_else(salted)
    }

    /// The password; an empty one is none.
    pub(super) fn password(&self) -> Option<&String> {
        self.password.as_ref().filter(|password| !password.is_empty())
    }

    /// What goes behind the account; nothing where the task says nothing.
    pub(super) fn identification(&self) -> Option<String> {
        if let Some(password) = self.password() {
            let hash = if self.encrypted { password.clone() } else { native_hash(password) };
            return Some(format!("IDENTIFIED WITH mysql_native_password AS {}", literal(&hash)));
        }
        let plugin = self.plugin.as_ref()?;
        let plugin =
            plugin.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_', "");
        let text = self.plugin_auth_string.as_ref();
        Some(match (&self.plugin_hash_string, text, plugin.as_str()) {
            (Some(hash), ..) => format!("IDENTIFIED WITH {plugin} AS {}", literal(hash)),
            (None, Some(text), "pam") => {
                format!("IDENTIFIED WITH {plugin} USING {}", literal(text))
            }
            (None, Some(text), "ed25519") => {
                format!("IDENTIFIED WITH {plugin} USING PASSWORD({})", literal(text))
            }
            (None, Some(text), _) => match self.salt.as_ref().and_then(|_| self.plugin_hash()) {
                Some(hash) => {
                    let digits: String = hash.bytes().map(|byte| format!("{byte:02X}")).collect();
                    format!("IDENTIFIED WITH {plugin} AS 0x{digits}")
                }
                None => format!("IDENTIFIED WITH {plugin} BY {}", literal(text)),
            },
            (None, None, _) => format!("IDENTIFIED WITH {plugin}"),
        })
    }

    pub(super) fn expiry(&self) -> Result<Option<Expiry>, Failure> {
        let days = self.password_expire_interval;
        if days.is_some_and(|days| days < 1) {
            return Err(Failure::new("password_expire_interval value should be positive number"));
        }
        Ok(match self.password_expire.as_deref() {
            None => None,
            Some("now") => Some(Expiry::Now),
            Some("never") => Some(Expiry::Never),
            Some("default") => Some(Expiry::Default),
            Some(_) => Some(Expiry::Days(days.ok_or_else(|| {
                Failure::new("password_expire=interval needs password_expire_interval")
            })?)),
        })
    }

    /// Refuses arguments that do not fit each other.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        let plugin = self.plugin.as_deref().unwrap_or_default();
        let is_hash = |text: &str| {
            let digits = text.strip_prefix('*').unwrap_or_default();
            digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let why = match &self.salt {
            Some(_) if self.plugin_auth_string.is_none() => "salt requires plugin_auth_string",
            Some(salt) if salt.len() != 20 => "salt must be 20 characters long",
            Some(_) if !["caching_sha2_password", "sha256_password"].contains(&plugin) => {
                "salt requires caching_sha2_password or sha256_password plugin"
            }
            _ if self.encrypted && self.password().is_some_and(|one| !is_hash(one)) => {
                "encrypted was specified however it does not appear to be a valid hash expecting: *SHA1(SHA1(your_password))"
            }
            _ => return self.expiry().map(drop),
        };
        Err(Failure::new(why))
    }
}
