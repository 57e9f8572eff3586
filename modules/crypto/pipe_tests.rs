//! Keys, requests and certificates that are returned and lie in no file, by this machine's `openssl`.

use std::path::Path;

use protocol::{Json, Response};
use serde_json::json;

use super::tests::scratch;
use crate::real_host::run;

/// Checks, applies, and applies again with what was returned. Returns that.
fn settle(name: &str, args: &Json, key: &str) -> (Response, String) {
    let mut args = args.clone();
    let foretold = run(name, &args, true, Path::new(""));
    let did = run(name, &args, false, Path::new(""));
    assert_eq!((did.failed, did.changed, foretold.changed), (false, true, true), "{did:?}");
    assert!(foretold.returned.get(key).is_none_or(Json::is_null), "{foretold:?}");
    let made = did.returned[key].as_str().unwrap().to_owned();
    args["content"] = json!(made);
    let again = run(name, &args, false, Path::new(""));
    assert_eq!((again.failed, again.changed), (false, false), "{name} {args}: {again:?}");
    (did, made)
}

#[test]
fn what_is_piped_fits() {
    if scratch("pipes").is_none() {
        return;
    }
    let key_args = json!({"type": "ECC", "curve": "secp256r1", "return_current_key": true});
    let (done, key) = settle("openssl_privatekey_pipe", &key_args, "privatekey");
    assert!(key.starts_with("-----BEGIN EC PRIVATE KEY-----"), "{key}");
    assert_eq!(done.returned["curve"], "secp256r1");

    let request = json!({"privatekey_content": key, "common_name": "example.com"});
    let (done, csr) = settle("openssl_csr_pipe", &request, "csr");
    assert_eq!(done.returned["subjectAltName"], json!(["DNS:example.com"]));
    let other = json!({"privatekey_content": key, "common_name": "b", "content": csr});
    assert!(run("openssl_csr_pipe", &other, false, Path::new("")).changed);

    let own = json!({"provider": "selfsigned", "privatekey_content": key, "csr_content": csr});
    let (done, certificate) = settle("x509_certificate_pipe", &own, "certificate");
    assert!(done.returned["notAfter"].is_string(), "{done:?}");
    let mut forced = own.clone();
    forced["content"] = json!(certificate);
    forced["force"] = json!(true);
    assert!(run("x509_certificate_pipe", &forced, false, Path::new("")).changed);
}

#[test]
fn what_cannot_be_piped_is_refused() {
    if scratch("pipe-refusals").is_none() {
        return;
    }
    for (name, args, words) in [
        ("openssl_csr_pipe", json!({"common_name": "a"}), "one of the following is required"),
        ("openssl_csr_pipe", json!({"privatekey_path": "/none"}), "/none does not exist"),
        ("x509_certificate_pipe", json!({"provider": "acme"}), "must be one of"),
        ("x509_certificate_pipe", json!({"provider": "entrust"}), "entrust is not supported"),
        ("x509_certificate_pipe", json!({"provider": "selfsigned"}), "must be specified"),
        ("x509_certificate_pipe", json!({}), "missing required arguments: provider"),
        ("openssl_privatekey_pipe", json!({"type": "ECC"}), "curve"),
        ("openssl_privatekey_pipe", json!({"format": "raw"}), "not supported"),
        (
            "openssl_privatekey_pipe",
            json!({"content": "%", "content_base64": true}),
            "Cannot decode Base64",
        ),
    ] {
        let response = run(name, &args, false, Path::new(""));
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{name} {args}: {msg}");
    }
}
