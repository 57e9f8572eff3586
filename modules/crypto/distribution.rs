//! Where lists of withdrawn certificates are (RFC 5280, 4.2.1.13).

use module::{Arguments, Choices, Failure};

use super::{
    der,
    extension::{DISTRIBUTION_POINTS, Extension},
    naming,
};

/// One place of a list.
#[derive(Debug, Arguments)]
#[arguments(
    required_one_of(["full_name", "relative_name", "crl_issuer"]),
    mutually_exclusive(["full_name", "relative_name"])
)]
pub struct DistributionPoint {
    /// Its addresses: `URI:https://ca.example.com/revocations.crl`.
    full_name: Option<Vec<String>>,
    /// What is behind the issuer's name: `CN=example.com`.
    relative_name: Option<Vec<String>>,
    /// Who signs the list, where it is not the authority.
    crl_issuer: Option<Vec<String>>,
    /// What is told there; all where it is left out.
    reasons: Option<Vec<Reason>>,
}

/// Why a certificate is withdrawn, in the order of its bits from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Reason {
    KeyCompromise = 1,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    PrivilegeWithdrawn,
    AaCompromise,
}

fn general_names(tag: u8, names: &[String]) -> Result<Vec<u8>, Failure> {
    let names: Result<Vec<_>, _> = names.iter().map(|name| naming::general(name)).collect();
    Ok(der::list(tag, &names?))
}

impl DistributionPoint {
    fn encode(&self) -> Result<Vec<u8>, Failure> {
        let mut parts = Vec::new();
        if let Some(names) = &self.full_name {
            let names = general_names(der::inside(0), names)?;
            parts.push(der::value(der::inside(0), &names));
        }
        if let Some(fields) = &self.relative_name {
            let pairs = fields.iter().map(|field| {
                let pair = field.split_once('=').ok_or_else(|| {
                    Failure::new(format!(
                        "Cannot parse the name {field:?}: CN=example.com is wanted"
                    ))
                })?;
                naming::field(pair.0.trim(), pair.1.trim())
            });
            let pairs: Result<Vec<_>, Failure> = pairs.collect();
            let names = der::list(der::inside(1), &pairs?);
            parts.push(der::value(der::inside(0), &names));
        }
        if let Some(reasons) = &self.reasons {
            let bits: Vec<usize> = reasons.iter().map(|reason| *reason as usize).collect();
            let mut bits = der::named_bits(&bits);
            if let Some(tag) = bits.first_mut() {
                *tag = der::plain(1);
            }
            parts.push(bits);
        }
        if let Some(issuer) = &self.crl_issuer {
            parts.push(general_names(der::inside(2), issuer)?);
        }
        Ok(der::sequence(&parts))
    }
}

/// The places of all lists.
///
/// # Errors
/// What is no name.
pub fn points(all: &[DistributionPoint]) -> Result<Extension, Failure> {
    let points: Result<Vec<_>, _> = all.iter().map(DistributionPoint::encode).collect();
    Ok(Extension::new(DISTRIBUTION_POINTS, false, der::sequence(&points?)))
}
