//! Names in requests and certificates: distinguished ones and general ones (RFC 5280).

use std::net::IpAddr;

use module::Failure;
use protocol::Json;

use super::der::{self, Node};

/// Fields of a distinguished name: OID, long name, and other names.
const FIELDS: &[(&str, &str, &[&str])] = &[
    ("2.5.4.6", "countryName", &["C"]),
    ("2.5.4.8", "stateOrProvinceName", &["ST"]),
    ("2.5.4.7", "localityName", &["L"]),
    ("2.5.4.10", "organizationName", &["O"]),
    ("2.5.4.11", "organizationalUnitName", &["OU"]),
    ("2.5.4.3", "commonName", &["CN"]),
    ("1.2.840.113549.1.9.1", "emailAddress", &["E", "email"]),
    ("2.5.4.5", "serialNumber", &[]),
    ("2.5.4.4", "surname", &["SN"]),
    ("2.5.4.42", "givenName", &["GN"]),
    ("2.5.4.12", "title", &[]),
    ("2.5.4.44", "generationQualifier", &[]),
    ("2.5.4.46", "dnQualifier", &[]),
    ("2.5.4.65", "pseudonym", &[]),
    ("2.5.4.9", "streetAddress", &["street"]),
    ("2.5.4.17", "postalCode", &[]),
    ("2.5.4.43", "initials", &[]),
    ("0.9.2342.19200300.100.1.1", "userId", &["UID"]),
    ("0.9.2342.19200300.100.1.25", "domainComponent", &["DC"]),
];

/// The OID of a field by any of its names.
fn field_oid(name: &str) -> Option<String> {
    let known = FIELDS.iter().find(|(oid, long, short)| {
        *oid == name || long.eq_ignore_ascii_case(name) || short.contains(&name)
    });
    match known {
        Some((oid, ..)) => Some((*oid).to_owned()),
        None => der::oid(name).map(|_| name.to_owned()),
    }
}

/// A distinguished name of one field after the other.
///
/// # Errors
/// A field that is not known.
pub fn distinguished(fields: &[(String, String)]) -> Result<Vec<u8>, Failure> {
    let mut parts = Vec::new();
    for (name, text) in fields {
        parts.push(der::list(der::SET, &[field(name, text)?]));
    }
    Ok(der::sequence(&parts))
}

/// A field of a distinguished name and its text.
///
/// # Errors
/// A field that is not known.
pub fn field(name: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let oid = field_oid(name)
        .ok_or_else(|| Failure::new(format!("Cannot find field {name} of a subject")))?;
    let tag = match oid.as_str() {
        "2.5.4.6" | "2.5.4.5" | "2.5.4.46" => der::PRINTABLE_STRING,
        "1.2.840.113549.1.9.1" | "0.9.2342.19200300.100.1.25" => der::IA5_STRING,
        _ => der::UTF8_STRING,
    };
    if oid == "2.5.4.6" && text.chars().count() != 2 {
        return Err(Failure::new("Country name must be a 2 character country code"));
    }
    let oid = der::oid(&oid).unwrap_or_default();
    Ok(der::sequence(&[oid, der::value(tag, text.as_bytes())]))
}

/// The fields of a distinguished name, by their long names.
pub fn fields(name: Node<'_>) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    for set in name.parts()? {
        for pair in set.parts()? {
            let oid = pair.part(0)?.oid()?;
            let known = FIELDS.iter().find(|(one, ..)| *one == oid);
            let long = known.map_or(oid.clone(), |(_, long, _)| (*long).to_owned());
            fields.push((long, pair.part(1)?.text()));
        }
    }
    Some(fields)
}

/// The fields of a distinguished name, by the names that OpenSSL has for them.
pub fn short_fields(name: &[u8]) -> Option<Vec<(String, String)>> {
    let short = |long: String| {
        let known = FIELDS.iter().find(|(_, one, others)| *one == long && !others.is_empty());
        match known.filter(|(_, one, _)| *one != "emailAddress") {
            Some((_, _, others)) => others.first().map_or(long, |name| (*name).to_owned()),
            None => long,
        }
    };
    let all = fields(Node::only(name)?)?;
    Some(all.into_iter().map(|(name, text)| (short(name), text)).collect())
}

/// What a name says, whichever kinds of text it says it with.
pub fn same_distinguished(one: &[u8], other: &[u8]) -> bool {
    let read = |bytes| Node::only(bytes).and_then(fields);
    match (read(one), read(other)) {
        (Some(mut one), Some(mut other)) => {
            one.sort();
            other.sort();
            one == other
        }
        _ => false,
    }
}

/// Fields of a dict whose values are texts or lists of them.
///
/// # Errors
/// A value that is neither.
pub fn subject_of(map: &protocol::JsonMap, what: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut fields = Vec::new();
    for (name, value) in map {
        let values = match value {
            Json::Array(all) => all.clone(),
            other => vec![other.clone()],
        };
        for value in values {
            match value {
                Json::String(text) if !text.is_empty() => fields.push((name.clone(), text)),
                Json::Number(number) => fields.push((name.clone(), number.to_string())),
                _ => {
                    return Err(Failure::new(format!(
                        "Values for {name} of {what} must be texts that are not empty"
                    )));
                }
            }
        }
    }
    Ok(fields)
}

/// A general name, as `DNS:example.com` says it.
///
/// # Errors
/// What is none, and kinds that are not known here.
pub fn general(text: &str) -> Result<Vec<u8>, Failure> {
    let broken = || {
        Failure::new(format!(
            "Cannot parse the name {text:?}: DNS:, IP:, email:, URI: or RID: and a value is wanted"
        ))
    };
    let (kind, value) = text.trim().split_once(':').ok_or_else(broken)?;
    let value = value.trim();
    Ok(match kind {
        "DNS" => der::value(der::plain(2), value.as_bytes()),
        "email" => der::value(der::plain(1), value.as_bytes()),
        "URI" => der::value(der::plain(6), value.as_bytes()),
        "RID" => {
            let oid = der::oid(value).ok_or_else(broken)?;
            let body = Node::only(&oid).map(|node| node.body.to_vec());
            der::value(der::plain(8), &body.unwrap_or_default())
        }
        "IP" => match value.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => der::value(der::plain(7), &address.octets()),
            Ok(IpAddr::V6(address)) => der::value(der::plain(7), &address.octets()),
            Err(_) => return Err(broken()),
        },
        "dirName" | "otherName" => {
            return Err(Failure::new(format!("names of the kind {kind} are not supported")));
        }
        _ => return Err(broken()),
    })
}

/// A general name in a name constraint: addresses have masks there.
///
/// # Errors
/// Those of [`general`].
pub fn constraint(text: &str) -> Result<Vec<u8>, Failure> {
    let Some(network) = text.trim().strip_prefix("IP:") else { return general(text) };
    let broken = || Failure::new(format!("Cannot parse the network {text:?}"));
    let (address, bits) = network.split_once('/').ok_or_else(broken)?;
    let bits: u32 = bits.parse().map_err(|_| broken())?;
    let address: Vec<u8> = match address.parse::<IpAddr>().map_err(|_| broken())? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let length = u32::try_from(address.len() * 8).unwrap_or_default();
    if bits > length {
        return Err(broken());
    }
    let mask: Vec<u8> = (0..length / 8)
        .map(|at| {
            let left = bits.saturating_sub(at * 8).min(8);
            u8::try_from(0xff00_u32 >> left & 0xff).unwrap_or_default()
        })
        .collect();
    Ok(der::value(der::plain(7), &[address, mask].concat()))
}

/// A general name as people write it.
pub fn general_text(name: Node<'_>) -> String {
    match name.tag & 0x1f {
        1 => format!("email:{}", name.text()),
        2 => format!("DNS:{}", name.text()),
        6 => format!("URI:{}", name.text()),
        7 => match name.body.len() {
            4 => <[u8; 4]>::try_from(name.body)
                .map(|octets| format!("IP:{}", IpAddr::from(octets)))
                .unwrap_or_default(),
            16 => <[u8; 16]>::try_from(name.body)
                .map(|octets| format!("IP:{}", IpAddr::from(octets)))
                .unwrap_or_default(),
            _ => "IP:?".into(),
        },
        4 => {
            let inner = Node::only(name.body).and_then(fields).unwrap_or_default();
            let texts: Vec<String> =
                inner.iter().map(|(name, text)| format!("{name}={text}")).collect();
            format!("dirName:{}", texts.join(","))
        }
        8 => {
            let oid = der::value(der::OID, name.body);
            format!("RID:{}", Node::only(&oid).and_then(|node| node.oid()).unwrap_or_default())
        }
        other => format!("[{other}]"),
    }
}
