//! What certificates, requests and keys say, as the modules of the collection return it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::Failure;
use protocol::{Json, JsonMap};
use serde_json::json;

use super::{
    der::{self, Node},
    extension::{self, Extension},
    key::{Kind, colons, fingerprints},
    naming, to_pem,
};

/// A number of DER, as large as it is: JSON has none so large, so that it becomes a text there.
pub fn number(digits: &[u8]) -> Json {
    let folded = digits.iter().try_fold(0_u64, |sum, byte| {
        sum.checked_mul(256).and_then(|sum| sum.checked_add(u64::from(*byte)))
    });
    folded.map_or_else(|| decimal(digits).into(), Json::from)
}

fn decimal(digits: &[u8]) -> String {
    let mut decimals = vec![0_u32];
    for byte in digits {
        let mut carry = u32::from(*byte);
        for digit in &mut decimals {
            carry += *digit * 256;
            *digit = carry % 10;
            carry /= 10;
        }
        while carry > 0 {
            decimals.push(carry % 10);
            carry /= 10;
        }
    }
    decimals.iter().rev().map(ToString::to_string).collect()
}

fn find<'a>(all: &'a [Extension], oid: &str) -> Option<&'a Extension> {
    all.iter().find(|one| one.oid == oid)
}

/// The identifier of the key, where extensions say one.
pub fn subject_key_identifier(all: &[Extension]) -> Option<Vec<u8>> {
    let value = &find(all, extension::SUBJECT_KEY)?.value;
    Node::only(value).map(|node| node.body.to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A distinguished name, as a dict and as a list of pairs.
pub fn put_name(map: &mut JsonMap, key: &str, name: &[u8]) {
    let fields = Node::only(name).and_then(naming::fields).unwrap_or_default();
    let pairs: Vec<Json> =
        fields.iter().map(|(name, text)| vec![name.clone(), text.clone()].into()).collect();
    let dict: JsonMap = fields.into_iter().map(|(name, text)| (name, text.into())).collect();
    map.insert(key.into(), dict.into());
    map.insert(format!("{key}_ordered"), pairs.into());
}

fn general_names(list: Node<'_>) -> Option<Vec<String>> {
    Some(list.parts()?.into_iter().map(naming::general_text).collect())
}

fn basic_constraints(value: &[u8]) -> Option<Vec<String>> {
    let parts = Node::only(value)?.parts()?;
    let is_authority = parts.iter().any(|part| part.tag == der::BOOLEAN && part.body != [0]);
    let mut words = vec![format!("CA:{}", if is_authority { "TRUE" } else { "FALSE" })];
    if let Some(length) = parts.iter().find(|part| part.tag == der::INTEGER) {
        words.push(format!("pathlen:{}", number(length.body)));
    }
    Some(words)
}

fn key_usage(value: &[u8]) -> Option<Vec<String>> {
    let node = Node::only(value)?;
    let bits = node.bits()?;
    let is_set = |at: usize| bits.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    let all = extension::KEY_USES.iter().enumerate().filter(|(at, _)| is_set(*at));
    let mut uses: Vec<String> = all.map(|(_, (_, name))| (*name).to_owned()).collect();
    uses.sort();
    Some(uses)
}

fn extended_key_usage(value: &[u8]) -> Option<Vec<String>> {
    let oids = Node::only(value)?.parts()?;
    let name = |oid: String| {
        let known = extension::EXTENDED_USES.iter().find(|(one, _)| *one == oid);
        known.and_then(|(_, names)| names.last()).map_or(oid, |name| (*name).to_owned())
    };
    let mut uses: Vec<String> = oids.iter().filter_map(Node::oid).map(name).collect();
    uses.sort();
    Some(uses)
}

/// Names of one of the two lists of a constraint: 0 are those that are permitted.
fn constrained(value: &[u8], list: u8) -> Option<Vec<String>> {
    let whole = Node::only(value)?;
    let parts = whole.parts()?;
    let trees = parts.iter().find(|part| part.tag == der::inside(list));
    let trees = trees.and_then(Node::parts).unwrap_or_default();
    Some(trees.iter().filter_map(|tree| tree.part(0)).map(naming::general_text).collect())
}

/// What extensions say; null where there are none of a kind.
pub fn put_extensions(map: &mut JsonMap, all: &[Extension]) {
    let mut put = |name: &str, oid: &str, read: fn(&[u8]) -> Option<Vec<String>>| {
        let found = find(all, oid);
        map.insert(format!("{name}_critical"), found.is_some_and(|one| one.is_critical).into());
        map.insert(name.to_owned(), found.and_then(|one| read(&one.value)).into());
    };
    let alt_names: fn(&[u8]) -> Option<Vec<String>> = |value| general_names(Node::only(value)?);
    put("subject_alt_name", extension::ALT_NAME, alt_names);
    put("basic_constraints", extension::BASIC, basic_constraints);
    put("key_usage", extension::KEY_USAGE, key_usage);
    put("extended_key_usage", extension::EXTENDED_USAGE, extended_key_usage);
    let staple = find(all, extension::TLS_FEATURE);
    let is_critical = staple.is_some_and(|one| one.is_critical);
    map.insert("ocsp_must_staple_critical".into(), is_critical.into());
    map.insert("ocsp_must_staple".into(), staple.map(|_| true).into());
    let identifier = subject_key_identifier(all).map(|bytes| colons(&hex(&bytes)));
    map.insert("subject_key_identifier".into(), identifier.into());
    let authority = find(all, extension::AUTHORITY_KEY).and_then(|one| Node::only(&one.value));
    let parts = authority.and_then(|node| node.parts()).unwrap_or_default();
    let part = |tag: u8| parts.iter().find(|part| part.tag == tag).copied();
    let own = part(der::plain(0)).map(|part| colons(&hex(part.body)));
    map.insert("authority_key_identifier".into(), own.into());
    let issuer = part(der::inside(1)).and_then(general_names);
    map.insert("authority_cert_issuer".into(), issuer.into());
    let serial = part(der::plain(2)).map(|part| number(part.body));
    map.insert("authority_cert_serial_number".into(), serial.into());
    let by_oid = all.iter().map(|one| {
        let value = json!({"critical": one.is_critical, "value": STANDARD.encode(&one.value)});
        (one.oid.clone(), value)
    });
    map.insert("extensions_by_oid".into(), by_oid.collect::<JsonMap>().into());
}

/// Where an authority answers about a certificate (OCSP), and where its own certificate is.
pub fn put_authority_access(map: &mut JsonMap, all: &[Extension]) {
    let found = find(all, extension::AUTHORITY_ACCESS).and_then(|one| Node::only(&one.value));
    let ways = found.and_then(|node| node.parts()).unwrap_or_default();
    for (name, oid) in [("ocsp_uri", "1.3.6.1.5.5.7.48.1"), ("issuer_uri", "1.3.6.1.5.5.7.48.2")] {
        let address = ways.iter().find_map(|way| {
            let is_meant = way.part(0)?.oid()? == oid;
            let place = way.part(1).filter(|place| is_meant && place.tag == der::plain(6))?;
            Some(place.text())
        });
        map.insert(name.to_owned(), address.into());
    }
}

/// Which names a request asks to be permitted and excluded.
pub fn put_name_constraints(map: &mut JsonMap, all: &[Extension]) {
    let found = find(all, extension::NAME_CONSTRAINTS);
    for (number, name) in [(0, "permitted"), (1, "excluded")] {
        let names = found.and_then(|one| constrained(&one.value, number));
        map.insert(format!("name_constraints_{name}"), names.into());
    }
    let is_critical = found.is_some_and(|one| one.is_critical);
    map.insert("name_constraints_critical".into(), is_critical.into());
}

/// A public key, from its SubjectPublicKeyInfo.
pub fn put_public_key(map: &mut JsonMap, public: &[u8]) {
    let pem = to_pem(public, "PUBLIC KEY");
    map.insert("public_key".into(), String::from_utf8_lossy(&pem).into_owned().into());
    map.insert("public_key_fingerprints".into(), fingerprints(public).into());
    map.insert("public_key_type".into(), kind_name(public).into());
    map.insert("public_key_data".into(), public_data(public).into());
}

/// What kind of key it is.
pub fn kind_name(public: &[u8]) -> String {
    Kind::of(public).map_or_else(|| "unknown".to_owned(), |kind| kind.name().to_owned())
}

/// The numbers of a public key.
pub fn public_data(public: &[u8]) -> JsonMap {
    let mut map = JsonMap::new();
    let Some(kind) = Kind::of(public) else { return map };
    let whole = Node::only(public);
    let key = whole.and_then(|node| node.part(1)).and_then(|key| key.bits()).unwrap_or_default();
    let mut put = |name: &str, value: Json| map.insert(name.to_owned(), value);
    match kind {
        Kind::Rsa { bits } => {
            put("size", bits.into());
            let numbers = Node::only(key).and_then(|node| node.parts()).unwrap_or_default();
            for (name, node) in ["modulus", "exponent"].into_iter().zip(numbers) {
                put(name, number(node.body));
            }
        }
        Kind::Dsa { bits } => {
            put("size", bits.into());
            let parameters = whole.and_then(|node| node.part(0)?.part(1)?.parts());
            for (name, node) in ["p", "q", "g"].into_iter().zip(parameters.unwrap_or_default()) {
                put(name, number(node.body));
            }
            put("y", Node::only(key).map_or(Json::Null, |node| number(node.body)));
        }
        Kind::Ec { curve } => {
            // A point that is not compressed: 4, and both coordinates.
            let point = key.get(1..).unwrap_or_default();
            let (x, y) = point.split_at(point.len() / 2);
            if key.first() == Some(&4) {
                put("x", number(x));
                put("y", number(y));
            }
            put("exponent_size", curve_bits(&curve, x.len()).into());
            put("curve", curve.into());
        }
        Kind::Plain(_) => {}
    }
    map
}

/// Bits of a curve: its name says them.
fn curve_bits(curve: &str, coordinate_bytes: usize) -> usize {
    let name = curve.trim_start_matches("brainpoolP");
    let digits: String = name
        .chars()
        .skip_while(|letter| !letter.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(coordinate_bytes * 8)
}

/// Refuses to tell names in letters of their own where they stand in those of the DNS.
///
/// # Errors
/// `name_encoding: unicode` where a name is encoded.
pub fn refuse_decoding(name_encoding: &str, told: &JsonMap) -> Result<(), Failure> {
    let names = ["subject_alt_name", "authority_cert_issuer"].map(|key| told.get(key));
    let is_encoded = names.into_iter().flatten().any(|value| value.to_string().contains("xn--"));
    match name_encoding == "unicode" && is_encoded {
        true => Err(Failure::new("name_encoding=unicode of names with xn-- is not supported")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_large_as_they_are() {
        assert_eq!(number(&[]), 0);
        assert_eq!(number(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), u64::MAX);
        assert_eq!(number(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), "18446744073709551616");
    }

    #[test]
    fn curves_say_their_bits() {
        for (curve, bits) in
            [("secp256r1", 256), ("brainpoolP384r1", 384), ("sect163k1", 163), ("secp521r1", 521)]
        {
            assert_eq!(curve_bits(curve, 66), bits, "{curve}");
        }
        assert_eq!(curve_bits("x", 32), 256);
    }

    #[test]
    fn encoded_names_are_not_told_in_their_letters() {
        let told = |name: &str| JsonMap::from_iter([("subject_alt_name".into(), json!([name]))]);
        assert!(refuse_decoding("unicode", &told("DNS:xn--mnchen-3ya.de")).is_err());
        assert!(refuse_decoding("unicode", &told("DNS:example.com")).is_ok());
        assert!(refuse_decoding("idna", &told("DNS:xn--mnchen-3ya.de")).is_ok());
    }
}
