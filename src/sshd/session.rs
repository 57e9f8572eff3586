//! One connection to a server.

use std::{collections::HashMap, sync::Arc};

use russh::{
    Channel, ChannelId, MethodKind, MethodSet,
    server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, VerifiedPublicKey},
};
use tokio::net::TcpStream;

use crate::{Account, ServerSettings, command};

/// What all connections of a server share.
pub(crate) struct Shared {
    pub(crate) settings: ServerSettings,
}

impl Shared {
    pub(crate) fn new(settings: ServerSettings) -> Self {
        Self { settings }
    }

    fn account(&self, user: &str) -> Option<&Account> {
        self.settings.accounts.iter().find(|account| account.user == user)
    }
}

/// One connection.
pub(crate) struct Session {
    shared: Arc<Shared>,
    user: String,
    /// Channels on which nothing runs yet.
    idle: HashMap<ChannelId, Channel<Msg>>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, user: String::new(), idle: HashMap::new() }
    }

    /// A refusal that names the methods by which the account can log in.
    fn refuse(&self, user: &str) -> Auth {
        let mut methods = MethodSet::empty();
        methods.push(MethodKind::PublicKey);
        match self.shared.account(user) {
            Some(account) if account.is_asked_interactively => {
                methods.push(MethodKind::KeyboardInteractive);
            }
            Some(account) if account.password.is_some() => methods.push(MethodKind::Password),
            _ => {}
        }
        Auth::Reject { proceed_with_methods: Some(methods), partial_success: false }
    }

    fn accept(&mut self, user: &str) -> Auth {
        user.clone_into(&mut self.user);
        Auth::Accept
    }
}

impl Handler for Session {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        Ok(self.refuse(user))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let key = offer.public_key.key_data();
        let is_known = self.shared.account(user).is_some_and(|account| account.has_key(key));
        Ok(if is_known { Auth::Accept } else { self.refuse(user) })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        let key = key.public_key.key_data();
        let is_known = self.shared.account(user).is_some_and(|account| account.has_key(key));
        Ok(if is_known { self.accept(user) } else { self.refuse(user) })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let fits = self.shared.account(user).is_some_and(|account| {
            !account.is_asked_interactively && account.password.as_deref() == Some(password)
        });
        Ok(if fits { self.accept(user) } else { self.refuse(user) })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let account = self.shared.account(user).filter(|account| account.is_asked_interactively);
        let Some(password) = account.and_then(|account| account.password.clone()) else {
            return Ok(self.refuse(user));
        };
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            });
        };
        let fits = response.next().is_some_and(|answer| *answer == *password.as_bytes());
        Ok(if fits { self.accept(user) } else { self.refuse(user) })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        self.idle.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        let port = u16::try_from(port).ok().filter(|_| self.shared.settings.is_jump_host);
        let Some(port) = port else {
            reply.reject(russh::ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        match TcpStream::connect((host, port)).await {
            Ok(mut stream) => {
                reply.accept().await;
                tokio::spawn(async move {
                    let mut channel = channel.into_stream();
                    // Either side may hang up at any time.
                    let _ = tokio::io::copy_bidirectional(&mut channel, &mut stream).await;
                });
            }
            Err(_) => reply.reject(russh::ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut russh::server::Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.idle.remove(&id) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let command = String::from_utf8_lossy(command).into_owned();
        let (shared, user) = (self.shared.clone(), self.user.clone());
        tokio::spawn(async move { command::run(&shared.settings, &user, &command, channel).await });
        Ok(())
    }
}
