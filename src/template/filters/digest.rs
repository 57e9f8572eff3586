//! Filters that hash and encode.

use base64::{
    Engine as _,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, URL_SAFE},
    },
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::filter;
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    value::{Arguments, Value},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("hash", hash),
    filter("checksum", checksum),
    filter("sha1", sha1),
    filter("md5", md5),
    filter("b64encode", b64encode),
    filter("b64decode", b64decode),
    filter("to_uuid", to_uuid),
];

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        other => other.to_string().into_bytes(),
    }
}

/// The digest of a named algorithm, in hexadecimal; nothing for an unknown one.
pub(crate) fn named_digest(algorithm: &str, bytes: &[u8]) -> Option<String> {
    Some(match algorithm {
        "md5" => hex(&Md5::digest(bytes)),
        "sha1" => hex(&Sha1::digest(bytes)),
        "sha224" => hex(&Sha224::digest(bytes)),
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha384" => hex(&Sha384::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
        _ => return None,
    })
}

fn hash(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [algorithm] = arguments.bind("hash", ["hashtype"], 0)?;
    let algorithm = algorithm.map_or("sha1".to_owned(), |name| name.to_string());
    named_digest(&algorithm, &bytes_of(&value))
        .map(Value::from)
        .ok_or_else(|| TemplateError::of_value(format!("unsupported hash type {algorithm}")))
}

fn checksum(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("checksum")?;
    Ok(Value::from(hex(&Sha1::digest(bytes_of(&value)))))
}

fn sha1(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("sha1")?;
    Ok(Value::from(hex(&Sha1::digest(bytes_of(&value)))))
}

fn md5(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("md5")?;
    Ok(Value::from(hex(&Md5::digest(bytes_of(&value)))))
}

/// Bytes in an encoding that Ansible's filters name.
fn encoded(text: &str, encoding: &str) -> Result<Vec<u8>> {
    let units = || text.encode_utf16();
    Ok(match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => text.as_bytes().to_vec(),
        "utf-16-le" | "utf-16le" => units().flat_map(u16::to_le_bytes).collect(),
        "utf-16-be" | "utf-16be" => units().flat_map(u16::to_be_bytes).collect(),
        "utf-16" => [0xfeff].into_iter().chain(units()).flat_map(u16::to_le_bytes).collect(),
        "ascii" | "us-ascii" if text.is_ascii() => text.as_bytes().to_vec(),
        "latin-1" | "latin1" | "iso-8859-1" if text.chars().all(|c| u32::from(c) < 256) => {
            text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect()
        }
        other => {
            return Err(TemplateError::of_value(format!(
                "the text cannot be encoded as '{other}'"
            )));
        }
    })
}

fn decoded(bytes: &[u8], encoding: &str) -> Result<String> {
    let wide = |join: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(join)).collect();
        String::from_utf16_lossy(&units)
    };
    Ok(match encoding.to_lowercase().replace('_', "-").as_str() {
        // What is no UTF-8 is kept visible instead of refused.
        "utf-8" | "utf8" | "ascii" | "us-ascii" => String::from_utf8_lossy(bytes).into_owned(),
        "utf-16-le" | "utf-16le" => wide(u16::from_le_bytes),
        "utf-16-be" | "utf-16be" => wide(u16::from_be_bytes),
        "utf-16" => {
            let text = wide(u16::from_le_bytes);
            text.strip_prefix('\u{feff}').map_or(text.clone(), ToOwned::to_owned)
        }
        "latin-1" | "latin1" | "iso-8859-1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        other => return Err(TemplateError::of_value(format!("unknown encoding: {other}"))),
    })
}

fn b64encode(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [encoding, url_safe] = arguments.bind("b64encode", ["encoding", "urlsafe"], 0)?;
    let encoding = encoding.map_or("utf-8".to_owned(), |name| name.to_string());
    let bytes = match &value {
        Value::Bytes(bytes) => bytes.to_vec(),
        other => encoded(&other.to_string(), &encoding)?,
    };
    let url_safe = url_safe.is_some_and(|safe| safe.truthy());
    Ok(Value::from(if url_safe { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }))
}

fn b64decode(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [encoding, url_safe] = arguments.bind("b64decode", ["encoding", "urlsafe"], 0)?;
    let encoding = encoding.map_or("utf-8".to_owned(), |name| name.to_string());
    let url_safe = url_safe.is_some_and(|safe| safe.truthy());
    // Python skips what is not in the alphabet, such as newlines.
    let text: String = value
        .to_string()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '='))
        .collect();
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if url_safe { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD };
    let bytes = GeneralPurpose::new(alphabet, config)
        .decode(text)
        .map_err(|error| TemplateError::of_value(format!("this is not base64: {error}")))?;
    decoded(&bytes, &encoding).map(Value::from)
}

/// The namespace of the UUIDs that Ansible makes.
const UUID_NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

fn to_uuid(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [namespace] = arguments.bind("to_uuid", ["namespace"], 0)?;
    let namespace = namespace.map_or(UUID_NAMESPACE.to_owned(), |name| name.to_string());
    let digits: String = namespace.chars().filter(char::is_ascii_hexdigit).collect();
    let Ok(number) = u128::from_str_radix(&digits, 16) else {
        return Err(TemplateError::of_value(format!("Invalid value '{namespace}' for namespace")));
    };
    if digits.len() != 32 {
        return Err(TemplateError::of_value(format!("Invalid value '{namespace}' for namespace")));
    }
    let mut hasher = Sha1::new();
    hasher.update(number.to_be_bytes());
    hasher.update(value.to_string().as_bytes());
    let digest = hasher.finalize();
    let mut bytes = [0u8; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    // Version 5, the variant of RFC 4122.
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or("").to_owned();
    let parts = [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)];
    Ok(Value::from(parts.join("-")))
}
