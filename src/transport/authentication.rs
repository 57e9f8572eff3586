//! Logging in to an SSH server: keys, the agent, passwords, in OpenSSH's order.

use std::{path::Path, sync::Arc, time::Duration};

use protocol::Secret;
use russh::{
    MethodKind,
    client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive},
    keys::{
        Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey,
        agent::{
            AgentIdentity,
            client::{AgentClient, AgentStream},
        },
        load_openssh_certificate,
    },
};
use tokio::time::timeout;

use crate::{
    error::ConnectError,
    hop::{Hop, Named},
    session::Events,
};

/// Rounds of questions that are answered before it is given up.
const INTERACTIVE_ROUNDS_MAX: usize = 8;

/// The most bytes that a file with a private key may have.
const KEY_BYTES_MAX: u64 = 1024 * 1024;

type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// Something to log in with.
enum Credential {
    /// A key in a file, and a certificate for it.
    File { path: String, key: Arc<PrivateKey>, certificate: Option<Certificate> },
    /// A key that the agent holds.
    Agent(AgentIdentity),
}

/// Logs in.
pub(crate) struct Login<'a> {
    hop: &'a Hop,
    handle: &'a mut Handle<Events>,
    limit: Duration,
    tried: Vec<String>,
    /// Methods that the server takes, once it has said so.
    allowed: Option<Vec<MethodKind>>,
    /// Whether the host may not be the one it should be, and is told no password.
    is_doubtful: bool,
}

impl<'a> Login<'a> {
    pub(crate) fn new(hop: &'a Hop, handle: &'a mut Handle<Events>, is_doubtful: bool) -> Self {
        let limit = Duration::from_secs(hop.connect_timeout_secs.max(10));
        Self { hop, handle, limit, tried: Vec::new(), allowed: None, is_doubtful }
    }

    /// Tries every method of the hop's list that the server takes, and stops at the first success.
    pub(crate) async fn run(mut self) -> Result<(), ConnectError> {
        for method in self.hop.authentications.clone() {
            let succeeded = match method.as_str() {
                "publickey" => self.public_key().await?,
                "keyboard-interactive" => self.interactive().await?,
                "password" => self.password().await?,
                _ => false,
            };
            if succeeded {
                return Ok(());
            }
        }
        // A server may let somebody in without any of it.
        if self.tried.is_empty() {
            let user = self.hop.user.clone();
            let result = within(self.limit, self.handle.authenticate_none(user)).await?;
            if self.take(result, "none") {
                return Ok(());
            }
            self.tried.clear();
        }
        Err(self.refused())
    }

    fn refused(self) -> ConnectError {
        let mut tried = self.tried;
        if self.handle.is_closed() {
            tried.push("then the server hung up".to_owned());
        }
        let allowed = self.allowed.unwrap_or_default();
        ConnectError::Authentication {
            user: self.hop.user.clone(),
            address: self.hop.address.clone(),
            tried,
            allowed: allowed.iter().map(|kind| <&str>::from(kind).to_owned()).collect(),
        }
    }

    fn is_allowed(&self, kind: MethodKind) -> bool {
        !self.handle.is_closed()
            && self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&kind))
    }

    /// Notes how an attempt ended.
    fn take(&mut self, result: AuthResult, what: &str) -> bool {
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, partial_success } => {
                let end =
                    if partial_success { "was taken, and more is wanted" } else { "was refused" };
                self.tried.push(format!("{what} {end}"));
                if !remaining_methods.is_empty() {
                    self.allowed = Some(remaining_methods.to_vec());
                }
                false
            }
        }
    }

    async fn public_key(&mut self) -> Result<bool, ConnectError> {
        if !self.is_allowed(MethodKind::PublicKey) {
            return Ok(false);
        }
        let mut agent = self.open_agent().await;
        for credential in self.credentials(agent.as_mut()).await {
            if !self.is_allowed(MethodKind::PublicKey) {
                break;
            }
            let succeeded = match credential {
                Credential::File { path, key, certificate } => {
                    self.key_file(&path, key, certificate).await?
                }
                Credential::Agent(identity) => match agent.as_mut() {
                    Some(agent) => self.agent_key(identity, agent).await?,
                    None => false,
                },
            };
            if succeeded {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn open_agent(&mut self) -> Option<Agent> {
        let socket = self.hop.agent_socket.as_deref()?;
        match timeout(self.limit, AgentClient::connect_uds(socket)).await {
            Ok(Ok(agent)) => Some(agent.dynamic()),
            Ok(Err(error)) => {
                self.tried.push(format!("agent {} cannot be asked ({error})", socket.display()));
                None
            }
            Err(_) => {
                self.tried.push(format!("agent {} did not answer", socket.display()));
                None
            }
        }
    }

    /// What there is to log in with, in OpenSSH's order: keys of the agent that belong to identity
    /// files, other keys of the agent, then files.
    async fn credentials(&mut self, agent: Option<&mut Agent>) -> Vec<Credential> {
        let mut held = Vec::new();
        if let Some(agent) = agent {
            match timeout(self.limit, agent.request_identities()).await {
                Ok(Ok(identities)) => held = identities,
                Ok(Err(error)) => self.tried.push(format!("the agent lists no keys ({error})")),
                Err(_) => self.tried.push("the agent did not list its keys in time".to_owned()),
            }
        }
        let mut first = Vec::new();
        let mut files = Vec::new();
        for (path, named) in self.hop.identity_files.clone() {
            let name = path.display().to_string();
            // A public key beside the private one, or in its place, is enough to ask the agent.
            let public = read_public_key(&path);
            let by_agent = public.as_ref().and_then(|public| {
                held.iter().position(|held| held.public_key().key_data() == public.key_data())
            });
            if let Some(at) = by_agent {
                first.push(Credential::Agent(held.remove(at)));
                continue;
            }
            let passphrase = self.hop.passphrase.as_ref().map(|secret| secret.reveal().clone());
            let read = {
                let path = path.clone();
                // Deriving a key from a passphrase takes its time.
                tokio::task::spawn_blocking(move || read_private_key(&path, passphrase.as_deref()))
            };
            match read.await.unwrap_or_else(|error| Err(KeyError::Unusable(error.to_string()))) {
                Ok(key) => {
                    let certificate = self.certificate(&path, &key);
                    files.push(Credential::File { path: name, key: Arc::new(key), certificate });
                }
                Err(KeyError::Missing) if named == Named::ByDefault => {}
                Err(KeyError::Missing) => self.tried.push(format!("key {name} is not there")),
                Err(KeyError::Encrypted) => self
                    .tried
                    .push(format!("key {name} is encrypted, and there is no passphrase for it")),
                Err(KeyError::WrongPassphrase) => {
                    self.tried.push(format!("key {name} does not open with the passphrase"));
                }
                Err(KeyError::Unusable(why)) => {
                    self.tried.push(format!("key {name} cannot be used ({why})"));
                }
            }
        }
        if !self.hop.identities_only {
            first.extend(held.into_iter().map(Credential::Agent));
        }
        first.extend(files);
        first
    }

    fn certificate(&mut self, path: &Path, key: &PrivateKey) -> Option<Certificate> {
        let beside =
            path.with_file_name(format!("{}-cert.pub", path.file_name()?.to_string_lossy()));
        let paths = self.hop.certificate_files.iter().cloned().chain([beside]);
        let certificates = paths.filter_map(|path| load_openssh_certificate(path).ok());
        certificates
            .into_iter()
            .find(|certificate| certificate.public_key() == key.public_key().key_data())
    }

    async fn key_file(
        &mut self,
        path: &str,
        key: Arc<PrivateKey>,
        certificate: Option<Certificate>,
    ) -> Result<bool, ConnectError> {
        let user = self.hop.user.clone();
        if let Some(certificate) = certificate {
            let attempt =
                self.handle.authenticate_openssh_cert(user.clone(), key.clone(), certificate);
            let result = within(self.limit, attempt).await?;
            if self.take(result, &format!("certificate of key {path}")) {
                return Ok(true);
            }
        }
        let hash = self.rsa_hash(key.algorithm().is_rsa()).await?;
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let result = within(self.limit, self.handle.authenticate_publickey(user, key)).await?;
        Ok(self.take(result, &format!("key {path}")))
    }

    async fn agent_key(
        &mut self,
        identity: AgentIdentity,
        agent: &mut Agent,
    ) -> Result<bool, ConnectError> {
        let user = self.hop.user.clone();
        let comment = identity.comment().to_owned();
        let hash = self.rsa_hash(identity.public_key().algorithm().is_rsa()).await?;
        let attempt = async {
            match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    self.handle.authenticate_publickey_with(user, key, hash, agent).await
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    self.handle.authenticate_certificate_with(user, certificate, hash, agent).await
                }
            }
        };
        let result = timeout(self.limit, attempt).await;
        match result {
            Ok(Ok(result)) => Ok(self.take(result, &format!("agent's key {comment}"))),
            // An agent that does not sign leaves the other ways.
            Ok(Err(error)) => {
                self.tried.push(format!("the agent does not sign with {comment} ({error})"));
                Ok(false)
            }
            Err(_) => Err(slow(self.limit)),
        }
    }

    /// The hash that RSA signatures are made with.
    async fn rsa_hash(&self, is_rsa: bool) -> Result<Option<HashAlg>, ConnectError> {
        if !is_rsa {
            return Ok(None);
        }
        // A server that does not say what it takes is given what all take since 2016.
        let best = within(self.limit, self.handle.best_supported_rsa_hash()).await?;
        Ok(best.unwrap_or(Some(HashAlg::Sha256)))
    }

    /// The password, where there is one that the host may be told.
    fn tellable_password(&mut self) -> Option<Secret<String>> {
        let password = self.hop.password.clone()?;
        if !self.is_doubtful {
            return Some(password);
        }
        let why = "no password was tried, because the host key is not the known one";
        if self.tried.last().is_none_or(|last| last != why) {
            self.tried.push(why.to_owned());
        }
        None
    }

    async fn password(&mut self) -> Result<bool, ConnectError> {
        let Some(password) = self.tellable_password() else { return Ok(false) };
        if !self.is_allowed(MethodKind::Password) {
            return Ok(false);
        }
        let user = self.hop.user.clone();
        let attempt = self.handle.authenticate_password(user, password.reveal().clone());
        let result = within(self.limit, attempt).await?;
        Ok(self.take(result, "the password"))
    }

    async fn interactive(&mut self) -> Result<bool, ConnectError> {
        let Some(password) = self.tellable_password() else { return Ok(false) };
        if !self.is_allowed(MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        let user = self.hop.user.clone();
        let start = self.handle.authenticate_keyboard_interactive_start(user, None::<String>);
        let mut answer = within(self.limit, start).await?;
        let mut is_asked = false;
        for _ in 0..INTERACTIVE_ROUNDS_MAX {
            match answer {
                Interactive::Success => return Ok(true),
                Interactive::Failure { remaining_methods, partial_success } => {
                    let result = AuthResult::Failure { remaining_methods, partial_success };
                    let what = "the password (keyboard-interactive)";
                    return Ok(self.take(result, what));
                }
                Interactive::InfoRequest { prompts, .. } => {
                    // One password answers one question: a second one wants a code of some device.
                    let has_password_prompt = prompts.iter().any(|prompt| !prompt.echo);
                    let responses = prompts
                        .iter()
                        .map(|prompt| match (prompt.echo, is_asked) {
                            (false, false) => password.reveal().clone(),
                            _ => String::new(),
                        })
                        .collect();
                    if is_asked && has_password_prompt {
                        self.tried
                            .push("keyboard-interactive asks for more than a password".to_owned());
                    }
                    is_asked |= has_password_prompt;
                    let respond = self.handle.authenticate_keyboard_interactive_respond(responses);
                    answer = within(self.limit, respond).await?;
                }
            }
        }
        self.tried.push("keyboard-interactive asks without end".to_owned());
        Ok(false)
    }
}

async fn within<T>(
    limit: Duration,
    attempt: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, ConnectError> {
    match timeout(limit, attempt).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => Err(ConnectError::Lost { why: format!("while logging in: {error}") }),
        Err(_) => Err(slow(limit)),
    }
}

fn slow(limit: Duration) -> ConnectError {
    ConnectError::Timeout { step: "logging in", secs: limit.as_secs() }
}

/// Why a key file is of no use.
#[derive(Debug, PartialEq, Eq)]
enum KeyError {
    Missing,
    Encrypted,
    WrongPassphrase,
    Unusable(String),
}

fn read_public_key(path: &Path) -> Option<PublicKey> {
    let mut name = path.file_name()?.to_owned();
    name.push(".pub");
    PublicKey::read_openssh_file(path.with_file_name(name))
        .or_else(|_| PublicKey::read_openssh_file(path))
        .ok()
}

fn read_private_key(path: &Path, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    let unusable = |error: &dyn std::fmt::Display| KeyError::Unusable(error.to_string());
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(KeyError::Missing);
        }
        Err(error) => return Err(unusable(&error)),
        Ok(metadata) if metadata.len() > KEY_BYTES_MAX => {
            return Err(KeyError::Unusable(format!("it has over {KEY_BYTES_MAX} bytes")));
        }
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    match russh::keys::decode_secret_key(&text, None) {
        Ok(key) if !key.is_encrypted() => return Ok(key),
        Ok(_) | Err(russh::keys::Error::KeyIsEncrypted) => {}
        // Formats other than OpenSSH's say in many ways that they are encrypted.
        Err(_) if text.contains("ENCRYPTED") => {}
        Err(error) => return Err(unusable(&error)),
    }
    let passphrase = passphrase.ok_or(KeyError::Encrypted)?;
    match russh::keys::decode_secret_key(&text, Some(passphrase)) {
        Ok(key) if !key.is_encrypted() => Ok(key),
        _ => Err(KeyError::WrongPassphrase),
    }
}
