//! What a certificate says, and the `x509_certificate_info` module of the collection
//! `community.crypto`.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{
    der::{self, Node},
    extension::{self, Extension},
    from_pem, given,
    key::fingerprints,
    statement,
};

const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
const DAY_SECS: i64 = 86_400;

/// Names of signatures.
const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ed25519"),
    ("1.3.101.113", "ed448"),
];

/// A second, as certificates write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Since 1970.
    secs: i64,
}

impl Moment {
    /// What a task says: `+3650d`, `-1w2h`, or `20300101000000Z`. `now_secs` is since 1970.
    ///
    /// # Errors
    /// What is neither.
    pub fn given(text: &str, now_secs: i64) -> Result<Self, Failure> {
        let broken = || {
            Failure::new(format!("The time spec \"{text}\" is invalid: +DAYSd or YYYYMMDDHHMMSSZ"))
        };
        let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(rest), _) => (1, rest),
            (_, Some(rest)) => (-1, rest),
            _ => return Self::parse(text).ok_or_else(broken),
        };
        let (mut secs, mut number) = (0_i64, None::<i64>);
        let mut units = "wdhms".chars();
        for letter in rest.chars() {
            if let Some(digit) = letter.to_digit(10) {
                let old = number.unwrap_or_default();
                number = Some(
                    old.checked_mul(10)
                        .and_then(|n| n.checked_add(i64::from(digit)))
                        .ok_or_else(broken)?,
                );
                continue;
            }
            let unit = match units.find(|unit| *unit == letter.to_ascii_lowercase()) {
                Some('w') => 7 * DAY_SECS,
                Some('d') => DAY_SECS,
                Some('h') => 3600,
                Some('m') => 60,
                Some(_) => 1,
                None => return Err(broken()),
            };
            let count = number.take().ok_or_else(broken)?;
            secs = count.checked_mul(unit).and_then(|n| n.checked_add(secs)).ok_or_else(broken)?;
        }
        if number.is_some() || rest.is_empty() {
            return Err(broken());
        }
        let secs = now_secs.checked_add(sign * secs).ok_or_else(broken)?;
        Ok(Self { secs })
    }

    /// The second of a time.
    pub fn of_time(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { secs: i64::try_from(since.as_secs()).unwrap_or_default() }
    }

    /// `YYYYMMDDHHMM[SS]Z`.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_suffix('Z').filter(|digits| matches!(digits.len(), 12 | 14))?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = |from: usize, to: usize| -> Option<i64> { digits.get(from..to)?.parse().ok() };
        let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
        let (hour, minute) = (number(8, 10)?, number(10, 12)?);
        let second = if digits.len() == 14 { number(12, 14)? } else { 0 };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
            return None;
        }
        let moment = Self {
            secs: days_since_epoch(year, month, day) * DAY_SECS
                + hour * 3600
                + minute * 60
                + second,
        };
        moment.text().starts_with(digits.get(..12)?).then_some(moment)
    }

    fn of(node: Node<'_>) -> Option<Self> {
        let text = node.text();
        match node.tag {
            der::UTC_TIME => {
                let year: u32 = text.get(..2)?.parse().ok()?;
                Self::parse(&format!("{}{text}", if year < 50 { "20" } else { "19" }))
            }
            der::GENERALIZED_TIME => Self::parse(&text),
            _ => None,
        }
    }

    /// As a certificate has it: years from 2050 on are written in full.
    pub fn encode(self) -> Vec<u8> {
        let text = self.text();
        match ("1950".."2050").contains(&text.get(..4).unwrap_or_default()) {
            true => der::value(der::UTC_TIME, text.get(2..).unwrap_or_default().as_bytes()),
            false => der::value(der::GENERALIZED_TIME, text.as_bytes()),
        }
    }

    /// `YYYYMMDDHHMMSSZ`.
    pub fn text(self) -> String {
        let (year, month, day) = date_of(self.secs.div_euclid(DAY_SECS));
        let second = self.secs.rem_euclid(DAY_SECS);
        format!(
            "{year:04}{month:02}{day:02}{:02}{:02}{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the odd day is the last.
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that many days from 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Certificate {
    whole: Vec<u8>,
    serial: Vec<u8>,
    signature: String,
    version: u64,
    pub issuer: Vec<u8>,
    pub subject: Vec<u8>,
    pub public: Vec<u8>,
    pub not_before: Moment,
    pub not_after: Moment,
    pub extensions: Vec<Extension>,
}

impl Certificate {
    /// Reads a certificate in PEM.
    pub fn parse(pem: &[u8]) -> Option<Self> {
        let whole = from_pem(pem, &LABELS)?;
        let node = Node::only(&whole)?;
        let mut parts = node.part(0)?.parts()?;
        let mut version = 1;
        if parts.first()?.tag == der::inside(0) {
            let number = *parts.first()?.part(0)?.body.first()?;
            version = u64::from(number) + 1;
            parts.remove(0);
        }
        let times = parts.get(3)?;
        let extensions = parts.iter().skip(6).find(|part| part.tag == der::inside(3));
        let extensions = match extensions {
            Some(part) => extension::parse(part.part(0)?)?,
            None => Vec::new(),
        };
        Some(Self {
            serial: parts.first()?.body.to_vec(),
            signature: parts.get(1)?.part(0)?.oid()?,
            version,
            issuer: parts.get(2)?.whole.to_vec(),
            not_before: Moment::of(times.part(0)?)?,
            not_after: Moment::of(times.part(1)?)?,
            subject: parts.get(4)?.whole.to_vec(),
            public: parts.get(5)?.whole.to_vec(),
            extensions,
            whole: whole.clone(),
        })
    }

    /// The identifier of its key, where it says one.
    pub fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        statement::subject_key_identifier(&self.extensions)
    }

    /// How it is signed.
    pub fn signature_algorithm(&self) -> &str {
        let known = SIGNATURES.iter().find(|(oid, _)| *oid == self.signature);
        known.map_or(self.signature.as_str(), |(_, name)| name)
    }

    /// Its version, 3 for most.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its number, as large as it is.
    pub fn serial_number(&self) -> Json {
        statement::number(&self.serial)
    }
}

/// Reads a certificate into values.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["path", "content"]), mutually_exclusive(["path", "content"]))]
pub struct X509CertificateInfo {
    /// Its file.
    path: Option<PathBuf>,
    /// The certificate itself.
    content: Option<String>,
    /// Points in time by names: for each it is told whether the certificate holds then.
    valid_at: Option<JsonMap>,
    /// How names of many scripts are told; `unicode` is refused where there are such.
    #[argument(default = "ignore", choices("ignore", "idna", "unicode"))]
    name_encoding: String,
    /// Taken and not used.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

impl Documented for X509CertificateInfo {
    const NAME: &'static str = "community.crypto.x509_certificate_info";
    const ALIASES: &'static [&'static str] = &["x509_certificate_info"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How long it holds",
        args: r#"{"content": "-----BEGIN CERTIFICATE-----\nMIHAMHQCAQEwBQYDK2VwMAwxCjAIBgNVBAMMAWEwIBcNMjYxMTIxMTEyODU1WhgPMjEyNjEwMjgxMTI4NTVaMAwxCjAIBgNVBAMMAWEwKjAFBgMrZXADIQC5HOV4z2cpT5koU9kj7Macxu65/C9cWf3aNVBFhC85KjAFBgMrZXADQQCU6CVu8pm9/EEKSA+lpgpro+nrGG8WoE7nCJmhVZnHw494XCBVhenEzkHVOiX28/ph9RgL6AG/rx9cM3QVaH8A\n-----END CERTIFICATE-----\n", "valid_at": {"week": "+1w"}}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("subject", "Its subject.", "always", r#"{"commonName": "a"}"#),
        Returned::new("issuer", "Who signed it.", "always", r#"{"commonName": "a"}"#),
        Returned::new("not_before", "From when it holds.", "always", r#""20260101000000Z""#),
        Returned::new("not_after", "Until when it holds.", "always", r#""20360101000000Z""#),
        Returned::new("expired", "Whether that is past.", "always", "false"),
        Returned::new("valid_at", "Whether it holds then.", "always", r#"{"week": true}"#),
        Returned::new("subject_alt_name", "Further names.", "always", r#"["DNS:a"]"#),
        Returned::new("serial_number", "Its number.", "always", "1"),
        Returned::new("version", "Its version.", "always", "3"),
        Returned::new("fingerprints", "Its digests.", "always", r#"{"sha1": "d4:b3"}"#),
        Returned::new("ocsp_uri", "Where it is asked about.", "always", "null"),
        Returned::new("issuer_uri", "Where its authority's is.", "always", "null"),
        Returned::new("public_key_type", "Kind of key.", "always", r#""RSA""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for X509CertificateInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let pem = given(host, self.path.as_ref(), self.content.as_ref(), "certificate")?;
        let found = pem.as_deref().and_then(Certificate::parse);
        let found = found.ok_or_else(|| Failure::new("the certificate cannot be read"))?;
        let since = host.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_secs()).unwrap_or_default();
        let mut map = JsonMap::new();
        statement::put_name(&mut map, "subject", &found.subject);
        statement::put_name(&mut map, "issuer", &found.issuer);
        statement::put_extensions(&mut map, &found.extensions);
        statement::put_authority_access(&mut map, &found.extensions);
        statement::refuse_decoding(&self.name_encoding, &map)?;
        map.insert("not_before".into(), found.not_before.text().into());
        map.insert("not_after".into(), found.not_after.text().into());
        map.insert("expired".into(), (found.not_after < Moment { secs: now }).into());
        let mut valid = JsonMap::new();
        for (name, at) in self.valid_at.iter().flatten() {
            let at = Moment::given(&python::text(at), now)?;
            valid.insert(name.clone(), (found.not_before <= at && at <= found.not_after).into());
        }
        map.insert("valid_at".into(), valid.into());
        map.insert("serial_number".into(), found.serial_number());
        map.insert("version".into(), found.version.into());
        map.insert("signature_algorithm".into(), found.signature_algorithm().into());
        map.insert("fingerprints".into(), fingerprints(&found.whole).into());
        statement::put_public_key(&mut map, &found.public);
        Ok(Response { returned: map, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, expected) in [
            ("+0s", "20231114221320Z"),
            ("+1d", "20231115221320Z"),
            ("-1w2h", "20231107201320Z"),
            ("+30d12h30m5s", "20231215104325Z"),
            ("20240229120000Z", "20240229120000Z"),
            ("204912312359Z", "20491231235900Z"),
            ("+9999d", "20510331221320Z"),
        ] {
            assert_eq!(Moment::given(text, 1_700_000_000).unwrap().text(), expected, "{text}");
        }
        for text in [
            "",
            "+",
            "+d",
            "+1",
            "+1x",
            "+1d1w",
            "20230229120000Z",
            "2023",
            "+99999999999999999999d",
        ] {
            assert!(Moment::given(text, 0).is_err(), "{text}");
        }
        assert_eq!(
            Moment::given("20491231000000Z", 0).unwrap().encode().first(),
            Some(&der::UTC_TIME)
        );
        assert_eq!(
            Moment::given("20500101000000Z", 0).unwrap().encode().first(),
            Some(&der::GENERALIZED_TIME)
        );
    }
}
