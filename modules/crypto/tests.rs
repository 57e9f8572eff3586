//! Keys, requests and certificates on this machine, by its own `openssl` and `ssh-keygen`.

use std::path::Path;

use module::{Mode, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use crate::{
    cases,
    real_host::{Scratch, run},
};

/// A folder, where the programs are there.
fn scratch(name: &str) -> Option<Scratch> {
    let scratch = Scratch::new(&format!("crypto-{name}"));
    let has = scratch.shell("command -v openssl ssh-keygen >/dev/null");
    if !has {
        eprintln!("SKIPPED: {name}: this needs openssl and ssh-keygen");
    }
    has.then_some(scratch)
}

fn with(args: &Json, more: &Json) -> Json {
    let mut all = args.clone();
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// Checks, applies, and applies again.
fn settle(name: &str, args: &Json) -> Response {
    let foretold = run(name, args, true, Path::new(""));
    let did = run(name, args, false, Path::new(""));
    assert!(!did.failed, "{name} {args}: {did:?}");
    assert_eq!(foretold.changed, did.changed, "{name} {args}: {foretold:?}");
    let again = run(name, args, false, Path::new(""));
    assert_eq!((again.failed, again.changed), (false, false), "{name} {args}: {again:?}");
    did
}

#[test]
fn private_keys_are_made_where_they_do_not_fit() {
    let Some(scratch) = scratch("keys") else { return };
    let path = scratch.path("key.pem");
    for (more, changed, head) in [
        (json!({"size": 1024}), true, "-----BEGIN RSA PRIVATE KEY-----"),
        (json!({"size": 1024, "format": "pkcs8"}), true, "-----BEGIN PRIVATE KEY-----"),
        (json!({"size": 1024}), false, "-----BEGIN PRIVATE KEY-----"),
        (
            json!({"size": 1024, "format": "auto", "format_mismatch": "convert"}),
            true,
            "-----BEGIN RSA PRIVATE KEY-----",
        ),
        (json!({"type": "ECC", "curve": "secp256r1"}), true, "-----BEGIN EC PRIVATE KEY-----"),
        (json!({"type": "ECC", "curve": "secp384r1"}), true, "-----BEGIN EC PRIVATE KEY-----"),
        (json!({"type": "Ed25519"}), true, "-----BEGIN PRIVATE KEY-----"),
        (
            json!({"type": "Ed25519", "passphrase": "secret"}),
            true,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        ),
        (json!({"type": "Ed448", "regenerate": "never"}), true, "-----BEGIN PRIVATE KEY-----"),
    ] {
        if more["regenerate"] == "never" {
            std::fs::remove_file(&path).unwrap();
        }
        let args = with(&json!({"path": path}), &more);
        let did = settle("openssl_privatekey", &args);
        assert_eq!(did.changed, changed, "{args}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(head), "{args}: {text}");
        assert!(did.returned["fingerprint"]["sha256"].as_str().is_some_and(|it| it.len() == 95));
    }
    let keep = std::fs::read(&path).unwrap();
    for (more, words) in [
        (json!({"type": "RSA", "regenerate": "fail"}), "Key has wrong type and/or size"),
        (
            json!({"type": "Ed448", "passphrase": "x", "regenerate": "partial_idempotence"}),
            "Unable to read the key",
        ),
        (json!({"type": "ECC"}), "curve"),
        (json!({"format": "raw"}), "not supported"),
        (json!({"type": "Ed25519", "format": "pkcs1"}), "have no format pkcs1"),
    ] {
        let args = with(&json!({"path": path}), &more);
        let response = run("openssl_privatekey", &args, false, Path::new(""));
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), keep);
    let forced = json!({"path": path, "type": "Ed448", "force": true, "backup": true});
    let response = run("openssl_privatekey", &forced, false, Path::new(""));
    assert!(response.changed && response.returned.contains_key("backup_file"), "{response:?}");
}

#[test]
fn requests_and_certificates_are_what_openssl_reads() {
    let Some(scratch) = scratch("certificates") else { return };
    let path = |name: &str| scratch.path(name);
    for kind in [
        json!({"type": "RSA", "size": 2048}),
        json!({"type": "ECC", "curve": "secp256r1"}),
        json!({"type": "Ed25519"}),
    ] {
        settle(
            "openssl_privatekey",
            &with(&json!({"path": path("key"), "passphrase": "pw"}), &kind),
        );
        settle("openssl_privatekey", &with(&json!({"path": path("ca.key")}), &kind));
        let request = json!({
            "path": path("csr"), "privatekey_path": path("key"), "privatekey_passphrase": "pw",
            "common_name": "example.com", "country_name": "CH", "organization_name": "Übung",
            "subject": {"OU": ["a", "b"]},
            "subject_alt_name": ["DNS:example.com", "IP:10.0.0.1", "IP:fe80::1", "email:a@b.ch", "URI:https://x"],
            "key_usage": ["digitalSignature", "keyAgreement"], "key_usage_critical": true,
            "extended_key_usage": ["serverAuth", "1.2.3.4"],
            "basic_constraints": ["CA:TRUE", "pathlen:0"], "basic_constraints_critical": true,
            "ocsp_must_staple": true, "create_subject_key_identifier": true,
            "name_constraints_permitted": ["DNS:example.com", "IP:10.0.0.0/9"],
        });
        settle("openssl_csr", &request);
        assert!(scratch.shell(
            "openssl req -in csr -noout -verify -text >csr.text 2>&1 && grep -q 'verify OK' csr.text"
        ));
        let text = std::fs::read_to_string(scratch.0.join("csr.text")).unwrap();
        for words in [
            "DNS:example.com, IP Address:10.0.0.1, IP Address:FE80:0:0:0:0:0:0:1, email:a@b.ch, URI:https://x",
            "Digital Signature, Key Agreement",
            "TLS Web Server Authentication, 1.2.3.4",
            "CA:TRUE, pathlen:0",
            "status_request",
            "IP:10.0.0.0/255.128.0.0",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(settle("openssl_csr", &with(&request, &json!({"common_name": "other"}))).changed);
        let own = json!({
            "path": path("own.crt"), "provider": "selfsigned", "csr_path": path("csr"),
            "privatekey_path": path("key"), "privatekey_passphrase": "pw",
            "selfsigned_not_after": "+30d",
        });
        settle("x509_certificate", &own);
        assert!(scratch.shell("openssl x509 -in own.crt -noout -checkend 2500000 >/dev/null"));
        assert!(!scratch.shell("openssl x509 -in own.crt -noout -checkend 2600000 >/dev/null"));
        settle(
            "openssl_csr",
            &json!({
                "path": path("ca.csr"), "privatekey_path": path("ca.key"), "common_name": "Own CA",
                "use_common_name_for_san": false, "basic_constraints": ["CA:TRUE"],
                "basic_constraints_critical": true,
                "key_usage": ["keyCertSign"],
            }),
        );
        settle(
            "x509_certificate",
            &json!({
                "path": path("ca.crt"), "provider": "selfsigned", "csr_path": path("ca.csr"),
                "privatekey_path": path("ca.key"),
            }),
        );
        settle(
            "openssl_csr",
            &json!({
                "path": path("leaf.csr"), "privatekey_path": path("key"),
                "privatekey_passphrase": "pw", "common_name": "leaf.example.com",
            }),
        );
        settle(
            "x509_certificate",
            &json!({
                "path": path("leaf.crt"), "provider": "ownca", "csr_path": path("leaf.csr"),
                "ownca_path": path("ca.crt"), "ownca_privatekey_path": path("ca.key"),
            }),
        );
        assert!(
            scratch.shell("openssl verify -x509_strict -CAfile ca.crt leaf.crt >/dev/null"),
            "{kind}"
        );
        let told = run(
            "x509_certificate_info",
            &json!({
                "path": path("leaf.crt"), "valid_at": {"soon": "+1d", "late": "+9999d"},
            }),
            false,
            Path::new(""),
        );
        let said = &told.returned;
        assert_eq!(said["subject"]["commonName"], "leaf.example.com", "{told:?}");
        assert_eq!(said["issuer"]["commonName"], "Own CA");
        assert_eq!(said["subject_alt_name"], json!(["DNS:leaf.example.com"]));
        assert_eq!(said["valid_at"], json!({"soon": true, "late": false}));
        assert_eq!((&said["expired"], &said["version"]), (&json!(false), &json!(3)));
        // The key of another is none of this certificate's.
        let response = run(
            "x509_certificate",
            &with(
                &own,
                &json!({
                    "privatekey_path": path("ca.key"), "privatekey_passphrase": null,
                }),
            ),
            false,
            Path::new(""),
        );
        assert!(response.failed, "{response:?}");
        scratch.shell("rm -f key ca.key");
    }
}

#[test]
fn pairs_of_keys_are_made_where_they_do_not_fit() {
    let Some(scratch) = scratch("pairs") else { return };
    let path = scratch.path("id");
    for (more, changed) in [
        (json!({"type": "ed25519", "comment": "me"}), true),
        (json!({"type": "ed25519", "comment": "you and me"}), true),
        (json!({"type": "ed25519", "mode": "0640"}), true),
        (json!({"type": "ecdsa", "size": 384}), true),
        (json!({"type": "rsa", "size": 1024, "private_key_format": "pkcs8"}), true),
        (json!({"type": "rsa", "size": 1024}), false),
    ] {
        let args = with(&json!({"path": path}), &more);
        let did = settle("openssh_keypair", &args);
        assert_eq!(did.changed, changed, "{args}");
        assert!(did.returned["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
    }
    std::fs::remove_file(scratch.0.join("id.pub")).unwrap();
    assert!(
        settle("openssh_keypair", &json!({"path": path, "size": 1024, "comment": "x"})).changed
    );
    for (more, words) in [
        (json!({"size": 2048, "regenerate": "fail"}), "Key has wrong type"),
        (json!({"size": 512}), "minimum size is 1024"),
        (json!({"type": "ecdsa", "size": 100}), "three elliptic curve sizes"),
        (json!({"type": "rsa1"}), "not supported"),
        (json!({"path": "/nowhere/at/all/id"}), "The directory /nowhere/at/all does not exist"),
        (json!({"path": "/tmp"}), "is a directory"),
    ] {
        let args = with(&json!({"path": path}), &more);
        let response = run("openssh_keypair", &args, false, Path::new(""));
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
    let secret = |passphrase: &str| json!({"path": path, "size": 1024, "passphrase": passphrase});
    let anew = with(&secret("a pass 'phrase'"), &json!({"force": true}));
    run("openssh_keypair", &anew, false, Path::new(""));
    assert!(!settle("openssh_keypair", &secret("a pass 'phrase'")).changed);
    for wrong in ["", "another one"] {
        let response = run("openssh_keypair", &secret(wrong), false, Path::new(""));
        assert!(response.msg.unwrap_or_default().starts_with("Unable to read the key"));
    }
    let lines = run("openssh_keypair", &secret("two\nlines"), false, Path::new(""));
    let msg = lines.msg.unwrap_or_default();
    assert!(msg.contains("ends of lines") && !msg.contains("two"), "{msg}");
    scratch.shell("echo broken > id");
    let response = run("openssh_keypair", &json!({"path": path}), false, Path::new(""));
    assert!(response.msg.unwrap_or_default().starts_with("Unable to read the key"));
    settle(
        "openssh_keypair",
        &json!({"path": path, "size": 1024, "regenerate": "full_idempotence"}),
    );
    assert!(settle("openssh_keypair", &json!({"path": path, "state": "absent"})).changed);
    assert!(!scratch.0.join("id.pub").exists());
}

#[test]
fn what_cannot_be_said_in_a_request_is_refused() {
    let mut host = FakeHost::default();
    crate::fake_rare::put_openssl(&mut host);
    host.put("/key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (more, words) in [
        (json!({"subject_alt_name": ["example.com"]}), "Cannot parse the name"),
        (json!({"subject_alt_name": ["IP:1.2.3"]}), "Cannot parse the name"),
        (json!({"subject_alt_name": ["dirName:x"]}), "not supported"),
        (json!({"key_usage": ["flying"]}), "Unknown key usage"),
        (json!({"extended_key_usage": ["flying"]}), "Unknown extended key usage"),
        (json!({"basic_constraints": ["CA:PERHAPS"]}), "Unknown basic constraint"),
        (json!({"country_name": "Switzerland"}), "2 character country code"),
        (json!({"subject": {"shoe size": "44"}}), "Cannot find field shoe size"),
        (json!({"subject": {"O": ""}}), "texts that are not empty"),
        (json!({"subject_key_identifier": "xy"}), "Cannot parse subject_key_identifier"),
        (json!({"name_constraints_excluded": ["IP:10.0.0.0/33"]}), "Cannot parse the network"),
        (json!({"crl_distribution_points": [{}]}), "not supported"),
        (json!({"privatekey_path": "/none"}), "The private key file /none does not exist"),
        (json!({"privatekey_path": null}), "privatekey_path"),
    ] {
        let args = with(&json!({"privatekey_path": "/key"}), &more);
        let response = cases::run("openssl_csr", &args, "path", "/csr", Mode::default(), &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
        assert!(host.files.text("/csr").is_none());
    }
    for (args, words) in [
        (json!({"provider": "acme"}), "not supported"),
        (json!({"provider": "selfsigned"}), "must be specified for the selfsigned provider"),
        (json!({"provider": "ownca", "ownca_privatekey_path": "/key"}), "is required for ownca"),
        (
            json!({"provider": "selfsigned", "privatekey_path": "/key", "selfsigned_not_after": "soon"}),
            "is invalid",
        ),
        (
            json!({"provider": "selfsigned", "privatekey_path": "/key", "csr_content": "x"}),
            "cannot be read",
        ),
        (json!({}), "provider"),
    ] {
        let response =
            cases::run("x509_certificate", &args, "path", "/crt", Mode::default(), &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
}
