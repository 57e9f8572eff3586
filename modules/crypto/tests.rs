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
pub fn scratch(name: &str) -> Option<Scratch> {
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
        (json!({"crl_distribution_points": [{}]}), "one of the following is required"),
        (json!({"crl_distribution_points": [{"full_name": ["x"]}]}), "Cannot parse the name"),
        (json!({"crl_distribution_points": [{"relative_name": ["x"]}]}), "Cannot parse the name"),
        (
            json!({"crl_distribution_points": [{"crl_issuer": ["URI:x"], "reasons": ["mood"]}]}),
            "reasons",
        ),
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

#[test]
fn public_halves_and_stores_are_what_openssl_and_ssh_keygen_read() {
    let Some(scratch) = scratch("stores") else { return };
    let path = |name: &str| scratch.path(name);
    for (kind, has_line) in [
        (json!({"type": "RSA", "size": 1024}), true),
        (json!({"type": "DSA", "size": 1024}), true),
        (json!({"type": "ECC", "curve": "secp256r1"}), true),
        (json!({"type": "ECC", "curve": "brainpoolP256r1"}), false),
        (json!({"type": "Ed25519"}), true),
        (json!({"type": "X25519"}), false),
    ] {
        settle(
            "openssl_privatekey",
            &with(&json!({"path": path("key"), "passphrase": "pw"}), &kind),
        );
        let public = json!({"path": path("pub"), "privatekey_path": path("key"), "privatekey_passphrase": "pw"});
        let made = settle("openssl_publickey", &public);
        assert!(made.changed, "{kind}");
        assert!(scratch.shell("openssl pkey -pubin -in pub -noout"), "{kind}");
        let known =
            run("openssl_publickey_info", &json!({"path": path("pub")}), false, Path::new(""));
        assert_eq!(known.returned["fingerprints"], made.returned["fingerprint"], "{kind}");
        let asked = json!({"path": path("key"), "passphrase": "pw", "return_private_key_data": true, "check_consistency": true});
        let private = run("openssl_privatekey_info", &asked, false, Path::new(""));
        assert_eq!(private.returned["key_is_consistent"], true, "{kind}: {private:?}");
        assert_eq!(private.returned["public_data"], known.returned["public_data"], "{kind}");
        let ssh = with(&public, &json!({"path": path("ssh.pub"), "format": "OpenSSH"}));
        if !has_line {
            let refused = run("openssl_publickey", &ssh, false, Path::new(""));
            assert!(refused.msg.unwrap_or_default().contains("not known to OpenSSH"), "{kind}");
            continue;
        }
        settle("openssl_publickey", &ssh);
        let is_read = scratch.shell("ssh-keygen -l -f ssh.pub >/dev/null");
        assert!(is_read || kind["type"] == "DSA", "{kind}");
        scratch.shell("rm -f pub ssh.pub");
    }
    settle(
        "openssl_privatekey",
        &json!({"path": path("key"), "type": "ECC", "curve": "secp256r1"}),
    );
    let own =
        json!({"path": path("crt"), "privatekey_path": path("key"), "provider": "selfsigned"});
    settle("x509_certificate", &own);
    scratch.shell("openssl req -new -key key -subj /CN=a -addext nameConstraints=permitted\\;DNS:a.example -out csr");
    let listed = json!({
        "path": path("listed"), "privatekey_path": path("key"), "common_name": "a",
        "crl_distribution_points": [
            {"full_name": ["URI:https://a.example/list"], "reasons": ["key_compromise", "aa_compromise"]},
            {"relative_name": ["CN=list"], "crl_issuer": ["DNS:b.example"]},
        ],
    });
    assert!(settle("openssl_csr", &listed).changed);
    let is_there = |words: &str| {
        scratch.shell(&format!("openssl req -in listed -noout -text | grep -q '{words}'"))
    };
    for words in [
        "URI:https://a.example/list",
        "Key Compromise, AA Compromise",
        "CN = list",
        "DNS:b.example",
    ] {
        assert!(is_there(words), "{words}");
    }
    let request = run("openssl_csr_info", &json!({"path": path("csr")}), false, Path::new(""));
    assert_eq!(request.returned["signature_valid"], true, "{request:?}");
    assert_eq!(request.returned["name_constraints_permitted"], json!(["DNS:a.example"]));
    scratch.shell("sed -i '3s/./A/g' csr");
    let broken = run("openssl_csr_info", &json!({"path": path("csr")}), false, Path::new(""));
    assert!(broken.failed);
    let store = json!({
        "path": path("p12"), "friendly_name": "web", "passphrase": "it's secret",
        "privatekey_path": path("key"), "certificate_path": path("crt"),
        "other_certificates": [path("crt")],
    });
    assert!(settle("openssl_pkcs12", &store).changed);
    for (more, changed) in [
        (json!({"friendly_name": "other"}), true),
        (json!({"passphrase": "another"}), true),
        (json!({"passphrase": "another", "other_certificates": []}), true),
        (json!({"passphrase": "another", "other_certificates": [], "friendly_name": "web"}), false),
        (json!({"encryption_level": "compatibility2022", "iter_size": 10, "force": true}), true),
    ] {
        if more.get("force").is_some() {
            assert!(!run("openssl_pkcs12", &with(&store, &more), false, Path::new("")).failed);
        } else {
            let did = run("openssl_pkcs12", &with(&store, &more), false, Path::new(""));
            let again = run("openssl_pkcs12", &with(&store, &more), false, Path::new(""));
            assert_eq!((did.failed, again.changed), (false, false), "{more}: {did:?}");
            assert!(did.changed || !changed, "{more}");
        }
    }
    let apart = json!({"path": path("pem"), "action": "parse", "src": path("p12"), "passphrase": "it's secret"});
    assert!(settle("openssl_pkcs12", &apart).changed);
    assert!(scratch.shell("openssl pkey -in pem -noout && openssl x509 -in pem -noout"));
    for (args, words) in [
        (with(&apart, &json!({"passphrase": "wrong"})), "cannot be opened"),
        (with(&apart, &json!({"src": "/nowhere"})), "does not exist"),
        (json!({"path": path("x"), "action": "parse"}), "src"),
        (json!({"path": path("x"), "privatekey_path": path("key")}), "Friendly_name is required"),
        (json!({"path": path("x"), "friendly_name": "x"}), "neither a key nor a certificate"),
        (with(&store, &json!({"maciter_size": 7})), "maciter_size is supported"),
        (with(&store, &json!({"certificate_path": path("key")})), "cannot be read"),
        (with(&store, &json!({"other_certificates": [path("key")]})), "cannot be read"),
    ] {
        let response = run("openssl_pkcs12", &args, false, Path::new(""));
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
}

#[test]
fn certificates_of_servers_are_read() {
    let Some(scratch) = scratch("served") else { return };
    let path = |name: &str| scratch.path(name);
    settle(
        "openssl_privatekey",
        &json!({"path": path("key"), "type": "ECC", "curve": "secp256r1"}),
    );
    let request = json!({"path": path("csr"), "privatekey_path": path("key"), "common_name": "a.example", "country_name": "DE"});
    settle("openssl_csr", &request);
    settle(
        "x509_certificate",
        &json!({"path": path("crt"), "csr_path": path("csr"), "privatekey_path": path("key"), "provider": "selfsigned"}),
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut server = std::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")])
        .args(["-cert", &path("crt"), "-key", &path("key")])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let ask = |more: Json| {
        run(
            "get_certificate",
            &with(&json!({"host": "127.0.0.1", "port": port}), &more),
            false,
            Path::new(""),
        )
    };
    let asked = (0..100).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ask(json!({"get_certificate_chain": true}))
    });
    let found = asked.into_iter().find(|response| !response.failed);
    let trusted = ask(json!({"ca_cert": path("crt"), "server_name": "a.example"}));
    scratch.shell(
        "openssl req -x509 -newkey ed25519 -nodes -keyout k -out other -subj /CN=x 2>/dev/null",
    );
    let distrusted = ask(json!({"ca_cert": path("other")}));
    server.kill().unwrap();
    server.wait().unwrap();
    let found = found.unwrap();
    assert_eq!(found.returned["subject"], json!({"C": "DE", "CN": "a.example"}), "{found:?}");
    assert_eq!(
        (&found.returned["version"], &found.returned["expired"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(found.returned["unverified_chain"][0], found.returned["cert"]);
    let known = json!({"path": path("crt")});
    let known = run("x509_certificate_info", &known, false, Path::new(""));
    for key in ["not_after", "serial_number", "signature_algorithm"] {
        assert_eq!(found.returned[key], known.returned[key], "{key}");
    }
    assert!(!trusted.failed, "{trusted:?}");
    for (response, words) in [
        (distrusted, "Failed to get cert from 127.0.0.1"),
        (ask(json!({})), "Failed to get cert from 127.0.0.1"),
        (ask(json!({"ca_cert": "/nowhere"})), "ca_cert file does not exist"),
        (ask(json!({"tls_ctx_options": ["OP_ALL"]})), "not supported"),
        (ask(json!({"asn1_base64": false})), "not supported"),
        (ask(json!({"starttls": "smtp"})), "starttls"),
    ] {
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{msg}");
    }
}
