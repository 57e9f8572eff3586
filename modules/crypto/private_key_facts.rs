//! The `openssl_privatekey_info` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};

use super::{
    der::Node,
    given,
    key::{Kind, PrivateKey, fingerprints},
    statement::{kind_name, number, public_data},
    to_pem,
};

/// Reads what a private key is.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["path", "content"]), mutually_exclusive(["path", "content"]))]
pub struct OpensslPrivatekeyInfo {
    /// Its file.
    path: Option<PathBuf>,
    /// The key itself.
    #[argument(no_log)]
    content: Option<String>,
    /// Its passphrase.
    #[argument(no_log)]
    passphrase: Option<String>,
    /// Whether its secret numbers are returned.
    #[argument(default = false)]
    return_private_key_data: bool,
    /// Whether it is tried that its numbers fit each other.
    #[argument(default = false)]
    check_consistency: bool,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

impl Documented for OpensslPrivatekeyInfo {
    const NAME: &'static str = "community.crypto.openssl_privatekey_info";
    const ALIASES: &'static [&'static str] = &["openssl_privatekey_info"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Its kind and digests",
        args: r#"{"content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("can_load_key", "Whether it could be read.", "always", "true"),
        Returned::new("can_parse_key", "Whether it is a key.", "always", "true"),
        Returned::new(
            "key_is_consistent",
            "Whether its numbers fit each other; null where that was not tried.",
            "always",
            "null",
        ),
        Returned::new("type", "Kind of key.", "success", r#""RSA""#),
        Returned::new("public_key", "Its public half.", "success", r#""-----BEGIN PUBLIC KEY""#),
        Returned::new(
            "public_key_fingerprints",
            "Digests of that.",
            "success",
            r#"{"sha256": "d4:b3"}"#,
        ),
        Returned::new("public_data", "Public numbers.", "success", r#"{"size": 4096}"#),
        Returned::new("private_data", "Secret numbers.", "when asked for", r#"{"p": "7"}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// Secret numbers of a key, in its old form as DER.
fn private_data(kind: Option<&Kind>, whole: &[u8]) -> Option<JsonMap> {
    let parts = Node::only(whole)?.parts()?;
    let at = |place: usize| parts.get(place).map(|node| number(node.body));
    let named: &[(&str, usize)] = match kind? {
        Kind::Rsa { .. } => &[("p", 4), ("q", 5), ("exponent", 3)],
        Kind::Dsa { .. } => &[("x", 5)],
        Kind::Ec { .. } => &[("multiplier", 1)],
        Kind::Plain(_) => &[],
    };
    named.iter().map(|(name, place)| Some(((*name).to_owned(), at(*place)?))).collect()
}

impl OpensslPrivatekeyInfo {
    /// Whether the numbers of the key fit each other.
    fn is_consistent(host: &dyn Host, key: &PrivateKey) -> Result<bool, Failure> {
        let program = key.openssl(&["pkey", "-check", "-noout", "-in"])?;
        Ok(host.query(&program)?.is_success())
    }

    fn refusal(msg: impl Into<String>, can_load: bool, can_parse: bool) -> Failure {
        Failure::new(msg.into())
            .with("can_load_key", can_load)
            .with("can_parse_key", can_parse)
            .with("key_is_consistent", Json::Null)
    }
}

impl Fact for OpensslPrivatekeyInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let pem = given(host, self.path.as_ref(), self.content.as_ref(), "private key")
            .map_err(|failure| Self::refusal(failure.msg, false, false))?;
        let key = PrivateKey {
            pem: pem.unwrap_or_default(),
            passphrase: self.passphrase.clone().filter(|text| !text.is_empty()),
        };
        let Some(public) = key.public(host)? else {
            return Err(Self::refusal(
                "the private key cannot be read: it is broken, or its passphrase another",
                true,
                false,
            ));
        };
        let mut map = JsonMap::from_iter([
            ("can_load_key".to_owned(), true.into()),
            ("can_parse_key".to_owned(), true.into()),
            ("key_is_consistent".to_owned(), Json::Null),
            ("type".to_owned(), kind_name(&public).into()),
        ]);
        let text = to_pem(&public, "PUBLIC KEY");
        map.insert("public_key".into(), String::from_utf8_lossy(&text).into_owned().into());
        map.insert("public_key_fingerprints".into(), fingerprints(&public).into());
        map.insert("public_data".into(), public_data(&public).into());
        if self.return_private_key_data {
            let old = key.openssl(&["pkey", "-traditional", "-outform", "DER", "-in"])?;
            let whole = host.query(&old)?.stdout;
            let data = private_data(Kind::of(&public).as_ref(), &whole);
            map.insert("private_data".into(), data.unwrap_or_default().into());
        }
        if self.check_consistency {
            let is_consistent = Self::is_consistent(host, &key)?;
            map.insert("key_is_consistent".into(), is_consistent.into());
            if !is_consistent {
                let failure = Failure::new(
                    "Private key is not consistent! (See https://blog.hboeck.de/archives/888-How-I-tricked-Symantec-with-a-Fake-Private-Key.html)",
                );
                return Err(map
                    .into_iter()
                    .fold(failure, |all, (name, value)| all.with(&name, value)));
            }
        }
        Ok(Response { returned: map, ..Response::default() })
    }
}
