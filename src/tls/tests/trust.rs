//! The tunnel under the `uri` module, against a server of this process, with certificates that
//! `openssl` makes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use module::{
    FileMode, Mode,
    machine::{Cancellation, Courier, Machine},
};
use protocol::{Digest, Json, Response, arguments::check};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::json;

use modules::CATALOGUE;

/// Has the program that these tests are about, and no files.
struct Companions;

impl Courier for Companions {
    fn companion(&self, name: &str) -> io::Result<PathBuf> {
        assert_eq!(name, "tls");
        Ok(env!("CARGO_BIN_EXE_trueup-tls").into())
    }

    fn fetch(&self, _: &Digest) -> io::Result<Box<dyn Read>> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn openssl(folder: &Path, words: &str) -> bool {
    Command::new("openssl")
        .args(words.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A server that answers one request a connection; returns its port.
fn serve(folder: &Path, certificate: &str, key: &str) -> u16 {
    let chain = CertificateDer::pem_file_iter(folder.join(certificate))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join(key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the process of the tests.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(connection) = ServerConnection::new(Arc::clone(&config)) else { return };
            let mut stream = StreamOwned::new(connection, stream);
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe");
                let _ = stream.flush();
            }
        }
    });
    port
}

fn ask(args: &Json, variables: Vec<(String, String)>) -> Response {
    let entry = CATALOGUE.find("uri").unwrap();
    let args = check(&(entry.spec)().arguments, "uri", args.as_object().unwrap()).unwrap();
    let cancellation = Arc::new(Cancellation::new().unwrap());
    let mut host = Machine::new(variables, FileMode::new(0o022), cancellation, &Companions);
    (entry.run)(&args, Mode::default(), &mut host)
}

#[test]
fn servers_must_prove_who_they_are() {
    let folder = Folder(std::env::temp_dir().join(format!("trueup-tls-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).unwrap();
    std::fs::write(folder.0.join("san"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    std::fs::write(folder.0.join("other"), "subjectAltName=DNS:other.example\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let made = openssl(
        &folder.0,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2"),
    ) && openssl(
        &folder.0,
        &format!(
            "req -x509 {key} -keyout self.key -out self.pem -subj /CN=self -days 2 -addext subjectAltName=IP:127.0.0.1"
        ),
    ) && openssl(
        &folder.0,
        &format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf"),
    ) && openssl(
        &folder.0,
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out leaf.pem",
    ) && openssl(
        &folder.0,
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile other -out other.pem",
    );
    if !made {
        eprintln!("SKIPPED: TLS: this needs openssl");
        return;
    }
    let port = |certificate: &str, key: &str| serve(&folder.0, certificate, key);
    let (good, own, other) =
        (port("leaf.pem", "leaf.key"), port("self.pem", "self.key"), port("other.pem", "leaf.key"));
    let path = |name: &str| folder.0.join(name).display().to_string();
    for (port, more, expected) in [
        (good, json!({"ca_path": path("ca.pem")}), ""),
        (good, json!({}), "UnknownIssuer"),
        (good, json!({"validate_certs": false}), ""),
        (good, json!({"ca_path": path("self.pem")}), "UnknownIssuer"),
        (good, json!({"ca_path": path("san")}), "ca_path holds no certificate"),
        (own, json!({"ca_path": path("self.pem")}), ""),
        (own, json!({"ca_path": path("ca.pem")}), "invalid peer certificate"),
        (other, json!({"ca_path": path("ca.pem")}), "not valid for name"),
        (other, json!({"validate_certs": false}), ""),
        (
            good,
            json!({"ca_path": path("ca.pem"), "client_cert": path("leaf.pem"), "client_key": path("leaf.key")}),
            "",
        ),
        (
            good,
            json!({"ca_path": path("ca.pem"), "client_cert": path("leaf.pem")}),
            "no private key in PEM",
        ),
    ] {
        let mut args = more.clone();
        args["url"] = json!(format!("https://127.0.0.1:{port}/"));
        args["return_content"] = json!(true);
        // Whatever this machine trusts is not what is tested.
        let response = ask(&args, vec![("SSL_CERT_FILE".into(), path("self.pem"))]);
        let msg = response.msg.clone().unwrap_or_default();
        if expected.is_empty() {
            assert_eq!(response.returned.get("content"), Some(&json!("safe")), "{more}: {msg}");
        } else {
            assert!(response.failed && msg.contains(expected), "{more}: {msg}");
        }
    }
    let trusted = ask(
        &json!({"url": format!("https://localhost:{good}/"), "return_content": true}),
        vec![("SSL_CERT_FILE".into(), path("ca.pem"))],
    );
    assert_eq!(trusted.returned.get("content"), Some(&json!("safe")), "{trusted:?}");
}
