//! Extensions of requests and certificates (RFC 5280, 4.2).

use module::{
    Failure,
    content::{Algorithm, bytes_digest},
};

use super::{
    der::{self, Node},
    naming,
};

pub const SUBJECT_KEY: &str = "2.5.29.14";
pub const KEY_USAGE: &str = "2.5.29.15";
pub const ALT_NAME: &str = "2.5.29.17";
pub const BASIC: &str = "2.5.29.19";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub const AUTHORITY_KEY: &str = "2.5.29.35";
pub const EXTENDED_USAGE: &str = "2.5.29.37";
pub const DISTRIBUTION_POINTS: &str = "2.5.29.31";
pub const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
pub const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";

/// Uses of a key, in the order of their bits, with their other names.
pub const KEY_USES: [(&str, &str); 9] = [
    ("digitalSignature", "Digital Signature"),
    ("nonRepudiation", "Non Repudiation"),
    ("keyEncipherment", "Key Encipherment"),
    ("dataEncipherment", "Data Encipherment"),
    ("keyAgreement", "Key Agreement"),
    ("keyCertSign", "Certificate Sign"),
    ("cRLSign", "CRL Sign"),
    ("encipherOnly", "Encipher Only"),
    ("decipherOnly", "Decipher Only"),
];

/// Further uses: OID and names.
pub const EXTENDED_USES: &[(&str, &[&str])] = &[
    ("1.3.6.1.5.5.7.3.1", &["serverAuth", "TLS Web Server Authentication"]),
    ("1.3.6.1.5.5.7.3.2", &["clientAuth", "TLS Web Client Authentication"]),
    ("1.3.6.1.5.5.7.3.3", &["codeSigning", "Code Signing"]),
    ("1.3.6.1.5.5.7.3.4", &["emailProtection", "E-mail Protection"]),
    ("1.3.6.1.5.5.7.3.8", &["timeStamping", "Time Stamping"]),
    ("1.3.6.1.5.5.7.3.9", &["OCSPSigning", "OCSP Signing"]),
    ("2.5.29.37.0", &["anyExtendedKeyUsage", "Any Extended Key Usage"]),
    ("1.3.6.1.5.5.7.3.5", &["ipsecEndSystem", "IPSec End System"]),
    ("1.3.6.1.5.5.7.3.6", &["ipsecTunnel", "IPSec Tunnel"]),
    ("1.3.6.1.5.5.7.3.7", &["ipsecUser", "IPSec User"]),
    ("1.3.6.1.4.1.311.20.2.2", &["msSmartcardLogin", "Microsoft Smartcardlogin"]),
];

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extension {
    pub oid: String,
    pub is_critical: bool,
    pub value: Vec<u8>,
}

impl Extension {
    pub fn new(oid: &str, is_critical: bool, value: Vec<u8>) -> Self {
        Self { oid: oid.to_owned(), is_critical, value }
    }

    fn encode(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(&self.oid).unwrap_or_default()];
        if self.is_critical {
            parts.push(der::value(der::BOOLEAN, &[0xff]));
        }
        parts.push(der::value(der::OCTET_STRING, &self.value));
        der::sequence(&parts)
    }

    fn parse(node: Node<'_>) -> Option<Self> {
        let parts = node.parts()?;
        let is_critical = parts.get(1)?.tag == der::BOOLEAN && parts.get(1)?.body != [0];
        Some(Self { oid: parts.first()?.oid()?, is_critical, value: parts.last()?.body.to_vec() })
    }
}

/// A SEQUENCE of extensions.
pub fn encode(all: &[Extension]) -> Vec<u8> {
    der::sequence(&all.iter().map(Extension::encode).collect::<Vec<_>>())
}

/// The extensions of a SEQUENCE.
pub fn parse(list: Node<'_>) -> Option<Vec<Extension>> {
    list.parts()?.into_iter().map(Extension::parse).collect()
}

/// Names besides the subject's.
///
/// # Errors
/// What is no name.
pub fn alt_names(names: &[String], is_critical: bool) -> Result<Extension, Failure> {
    let names: Result<Vec<_>, _> = names.iter().map(|name| naming::general(name)).collect();
    Ok(Extension::new(ALT_NAME, is_critical, der::sequence(&names?)))
}

/// What the key may be used for.
///
/// # Errors
/// A use that is none.
pub fn key_usage(uses: &[String], is_critical: bool) -> Result<Extension, Failure> {
    let mut bits = Vec::new();
    for name in uses {
        let at = KEY_USES
            .iter()
            .position(|(one, other)| one == name || other.eq_ignore_ascii_case(name))
            .or((name == "contentCommitment").then_some(1));
        bits.push(at.ok_or_else(|| Failure::new(format!("Unknown key usage {name:?}")))?);
    }
    Ok(Extension::new(KEY_USAGE, is_critical, der::named_bits(&bits)))
}

/// What else it may be used for.
///
/// # Errors
/// A use that is none.
pub fn extended_usage(uses: &[String], is_critical: bool) -> Result<Extension, Failure> {
    let mut oids = Vec::new();
    for name in uses {
        let known = EXTENDED_USES
            .iter()
            .find(|(_, names)| names.iter().any(|one| one.eq_ignore_ascii_case(name)));
        let oid = known.map_or(name.as_str(), |(oid, _)| oid);
        let oid = der::oid(oid)
            .ok_or_else(|| Failure::new(format!("Unknown extended key usage {name:?}")))?;
        oids.push(oid);
    }
    Ok(Extension::new(EXTENDED_USAGE, is_critical, der::sequence(&oids)))
}

/// Whether it is an authority's, and how long a chain below it may be.
///
/// # Errors
/// Words that say neither.
pub fn basic(words: &[String], is_critical: bool) -> Result<Extension, Failure> {
    let (mut is_authority, mut length) = (false, None);
    for word in words {
        let broken = || Failure::new(format!("Unknown basic constraint {word:?}"));
        match word.split_once(':').ok_or_else(broken)? {
            ("CA", value) => match value.trim().to_uppercase().as_str() {
                "TRUE" => is_authority = true,
                "FALSE" => is_authority = false,
                _ => return Err(broken()),
            },
            ("pathlen", value) => length = Some(value.trim().parse::<u32>().map_err(|_| broken())?),
            _ => return Err(broken()),
        }
    }
    let mut parts = Vec::new();
    if is_authority {
        parts.push(der::value(der::BOOLEAN, &[0xff]));
    }
    if let Some(length) = length {
        parts.push(der::integer(&length.to_be_bytes()));
    }
    Ok(Extension::new(BASIC, is_critical, der::sequence(&parts)))
}

/// That answers about its validity must come along.
pub fn must_staple(is_critical: bool) -> Extension {
    Extension::new(TLS_FEATURE, is_critical, der::sequence(&[der::integer(&[5])]))
}

/// Which names may stand in certificates below.
///
/// # Errors
/// What is no name.
pub fn name_constraints(
    permitted: &[String],
    excluded: &[String],
    is_critical: bool,
) -> Result<Extension, Failure> {
    let mut parts = Vec::new();
    for (number, names) in [(0, permitted), (1, excluded)] {
        let trees: Result<Vec<_>, Failure> =
            names.iter().map(|name| Ok(der::sequence(&[naming::constraint(name)?]))).collect();
        if !names.is_empty() {
            parts.push(der::list(der::inside(number), &trees?));
        }
    }
    Ok(Extension::new(NAME_CONSTRAINTS, is_critical, der::sequence(&parts)))
}

/// The identifier of a key (RFC 5280, 4.2.1.2, the first way).
pub fn key_identifier(public: &[u8]) -> Option<Vec<u8>> {
    let node = Node::only(public)?;
    let bits = node.part(1)?.bits()?;
    bytes_of(&bytes_digest(Algorithm::Sha1, bits))
}

/// Bytes of hexadecimal digits, with or without colons.
pub fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(|letter| *letter != ':')
        .map(|letter| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if digits.len() % 2 == 1 {
        return None;
    }
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect())
}

/// Which key it is.
pub fn subject_key(identifier: &[u8]) -> Extension {
    Extension::new(SUBJECT_KEY, false, der::value(der::OCTET_STRING, identifier))
}

/// Which key signs it.
///
/// # Errors
/// An issuer that is no name.
pub fn authority_key(
    identifier: Option<&[u8]>,
    issuers: &[String],
    serial: Option<u64>,
) -> Result<Extension, Failure> {
    let mut parts = Vec::new();
    if let Some(identifier) = identifier {
        parts.push(der::value(der::plain(0), identifier));
    }
    if !issuers.is_empty() {
        let names: Result<Vec<_>, _> = issuers.iter().map(|name| naming::general(name)).collect();
        parts.push(der::list(der::inside(1), &names?));
    }
    if let Some(serial) = serial {
        let number = der::integer(&serial.to_be_bytes());
        let body = Node::only(&number).map(|node| node.body.to_vec()).unwrap_or_default();
        parts.push(der::value(der::plain(2), &body));
    }
    Ok(Extension::new(AUTHORITY_KEY, false, der::sequence(&parts)))
}
