//! Who is believed to be the server, and what is shown to it.

use std::{fs, io, path::Path, sync::Arc};

use protocol::tunnel::{Trust, Tunnel};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

/// What TLS needs to know for a tunnel.
///
/// # Errors
/// Certificates or keys that cannot be read or used.
pub fn config(order: &Tunnel) -> Result<ClientConfig, String> {
    let failed = |why: &dyn std::fmt::Display| format!("TLS with {}: {why}", order.name);
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| failed(&why))?;
    let verifier: Arc<dyn ServerCertVerifier> = match trusted(&order.trust)? {
        Some(trusted) => {
            let mut roots = RootCertStore::empty();
            // Old roots that cannot be used do no harm.
            roots.add_parsable_certificates(trusted.iter().cloned());
            let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|why| {
                    failed(&format!("the host trusts no certificates that can be read: {why}"))
                })?;
            Arc::new(Pinning { inner, trusted })
        }
        None => Arc::new(Anyone(provider)),
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    match &order.client_cert {
        Some(path) => {
            let (chain, key) = own_certificate(path, order.client_key.as_deref())?;
            builder.with_client_auth_cert(chain, key).map_err(|why| failed(&why))
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

/// The certificates of a file; `None` where there is no such file.
fn read_pem(path: &Path) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let read =
        read.map_err(|why| format!("{} holds no certificates in PEM: {why}", path.display()))?;
    Ok(Some(read))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(format!("could not read {}: {why}", path.display())),
    }
}

/// The certificates that are trusted; `None` where any is.
fn trusted(trust: &Trust) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    let found = |path: &Path| Ok::<_, String>(read_pem(path)?.filter(|read| !read.is_empty()));
    match trust {
        Trust::Anyone => Ok(None),
        Trust::File(path) => found(path)?
            .map(Some)
            .ok_or_else(|| format!("ca_path holds no certificate: {}", path.display())),
        Trust::System(paths) => {
            for path in paths {
                if let Some(found) = found(path)? {
                    return Ok(Some(found));
                }
            }
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            Err(format!(
                "the host trusts no certificates: none of these is there: {}; install ca-certificates",
                paths.join(", ")
            ))
        }
    }
}

fn own_certificate(
    path: &Path,
    key: Option<&Path>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = read_pem(path)?.filter(|chain| !chain.is_empty());
    let chain =
        chain.ok_or_else(|| format!("client_cert holds no certificate: {}", path.display()))?;
    let key_path = key.unwrap_or(path);
    let bytes = read(key_path)?.unwrap_or_default();
    let key = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|why| format!("no private key in PEM in {}: {why}", key_path.display()))?;
    Ok((chain, key))
}

/// Trusts what the roots vouch for and, as OpenSSL does, the very certificates among them: a
/// server may show one that it signed itself.
#[derive(Debug)]
struct Pinning {
    inner: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Pinning {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match checked {
            // Only the doubt who signed it is put aside: not its age, and not its names.
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            )) if self.trusted.iter().any(|known| known.as_ref() == end_entity.as_ref()) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Trusts anyone who holds the key to what they show: `validate_certs: false`.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
