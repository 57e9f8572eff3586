//! TLS, and whom it trusts.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use module::{Failure, Host, host::Connection};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use super::Client;

/// Where systems keep the certificates that they trust.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes a connection a safe one.
///
/// # Errors
/// Certificates that cannot be read, and a server that is not trusted.
pub fn secure(
    client: &Client<'_>,
    name: &str,
    stream: Box<dyn Connection>,
) -> Result<Box<dyn Connection>, Failure> {
    let failed =
        |why: &dyn fmt::Display| Failure::new(format!("Request failed: TLS with {name}: {why}"));
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| failed(&why))?;
    let verifier: Arc<dyn ServerCertVerifier> = if client.arguments.validate_certs {
        let trusted = trusted(client)?;
        let mut roots = RootCertStore::empty();
        // Old roots that cannot be used do no harm.
        roots.add_parsable_certificates(trusted.iter().cloned());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|why| {
                failed(&format!("the host trusts no certificates that can be read: {why}"))
            })?;
        Arc::new(Pinning { inner, trusted })
    } else {
        Arc::new(Anyone(provider))
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let config = match &client.arguments.client_cert {
        Some(path) => {
            let (chain, key) = own_certificate(client, path)?;
            builder.with_client_auth_cert(chain, key).map_err(|why| failed(&why))?
        }
        None => builder.with_no_client_auth(),
    };
    let server = ServerName::try_from(name.to_owned()).map_err(|why| failed(&why))?;
    let connection = ClientConnection::new(Arc::new(config), server).map_err(|why| failed(&why))?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        let done = stream.conn.complete_io(&mut stream.sock);
        done.map_err(|why: io::Error| failed(&why))?;
    }
    Ok(Box::new(stream))
}

fn read_pem(host: &dyn Host, path: &Path) -> Result<Option<Vec<CertificateDer<'static>>>, Failure> {
    let Some(bytes) = host.read(path)? else { return Ok(None) };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let read = read.map_err(|why| {
        Failure::new(format!("{} holds no certificates in PEM: {why}", path.display()))
    })?;
    Ok(Some(read))
}

/// The certificates that the task or the host trusts.
fn trusted(client: &Client<'_>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    if let Some(path) = &client.ca_path {
        let read = read_pem(client.host, path)?.filter(|read| !read.is_empty());
        return read.ok_or_else(|| {
            Failure::new(format!("ca_path holds no certificate: {}", path.display()))
        });
    }
    let own = client.host.variable("SSL_CERT_FILE").map(PathBuf::from);
    for path in own.into_iter().chain(BUNDLES.iter().map(PathBuf::from)) {
        if let Some(found) = read_pem(client.host, &path)?.filter(|read| !read.is_empty()) {
            return Ok(found);
        }
    }
    Err(Failure::new(format!(
        "Request failed: the host trusts no certificates: none of these is there: {}; install ca-certificates",
        BUNDLES.join(", ")
    )))
}

fn own_certificate(
    client: &Client<'_>,
    path: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let chain = read_pem(client.host, path)?.filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| {
        Failure::new(format!("client_cert holds no certificate: {}", path.display()))
    })?;
    let key_path = client.arguments.client_key.as_deref().unwrap_or(path);
    let bytes = client.host.read(key_path)?.unwrap_or_default();
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|why| {
        Failure::new(format!("no private key in PEM in {}: {why}", key_path.display()))
    })?;
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
