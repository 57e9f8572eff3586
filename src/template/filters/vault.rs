//! The filters `vault` and `unvault`: with passwords that templates bring themselves.
//!
//! This room knows no cipher: see [`VaultCipher`](crate::surroundings::VaultCipher).

use std::sync::Arc;

use super::{filter, lenient};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    surroundings::VaultCipher,
    value::{Arguments, Text, Value},
};

pub(super) const FILTERS: &[Filter] = &[filter("vault", vault), lenient("unvault", unvault)];

fn failure(message: impl Into<String>) -> TemplateError {
    TemplateError::new(ErrorKind::Value, message)
}

fn cipher(call: &Call<'_>) -> Result<Arc<dyn VaultCipher>> {
    let cipher = call.scope.surroundings().vault.clone();
    cipher.ok_or_else(|| failure("nothing is encrypted from here"))
}

fn password(secret: Option<Value>) -> Result<String> {
    match secret {
        Some(Value::Str(secret)) if !secret.is_empty() => Ok(secret.to_string()),
        Some(Value::Str(_)) | None => Err(failure("A vault password must be specified")),
        Some(Value::Undefined(undefined)) => Err(undefined.error()),
        Some(other) => Err(failure(format!(
            "Secret passed is required to be a string, instead we got: {}",
            other.type_name()
        ))),
    }
}

fn text(value: &Value, what: &str) -> Result<Vec<u8>> {
    match value {
        Value::Str(text) => Ok(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        other => Err(failure(format!("{what}, instead we got: {}", other.type_name()))),
    }
}

fn vault(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let names = ["secret", "salt", "vault_id", "wrap_object", "vaultid"];
    let [secret, salt, id, wraps, old_id] = arguments.bind("vault", names, 0)?;
    let secret = password(secret)?;
    let plain = text(&value, "Can only vault strings")?;
    let given = |value: Option<Value>| value.filter(|value| !value.is_none());
    let id = given(old_id).or(given(id)).map(|id| id.to_string());
    let salt = given(salt).map(|salt| salt.to_string());
    let id = id.unwrap_or_else(|| "filter_default".to_owned());
    let encrypted = cipher(call)?
        .encrypt(&plain, secret.as_bytes(), Some(&id), salt.as_deref().map(str::as_bytes))
        .map_err(|why| failure(format!("Unable to encrypt: {why}")))?;
    if wraps.is_some_and(|wraps| wraps.truthy()) {
        let plain = String::from_utf8_lossy(&plain).into_owned();
        return Ok(Value::Str(Text::decrypted(plain.into(), encrypted.into())));
    }
    Ok(Value::from(encrypted))
}

fn unvault(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [secret, _id, _old_id] = arguments.bind("unvault", ["secret", "vault_id", "vaultid"], 0)?;
    let secret = password(secret)?;
    // A variable that was written as an encrypted text is decrypted with this password, whether or
    // not another one is at hand.
    let value = match (value, call.ciphertext()) {
        (Value::Str(text), _) => Value::from(text.ciphertext().unwrap_or(&text)),
        (_, Some(ciphertext)) => Value::from(ciphertext),
        (value, None) => value.defined()?,
    };
    let bytes = text(&value, "Vault should be in the form of a string")?;
    if !bytes.starts_with(b"$ANSIBLE_VAULT") {
        return Ok(value);
    }
    let encrypted = String::from_utf8_lossy(&bytes);
    let plain = cipher(call)?
        .decrypt(&encrypted, secret.as_bytes())
        .map_err(|why| failure(format!("Unable to decrypt: {why}")))?;
    String::from_utf8(plain)
        .map(Value::from)
        .map_err(|_| failure("Unable to decrypt: what is inside is no UTF-8 text"))
}
