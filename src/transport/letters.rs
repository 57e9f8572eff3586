//! Requests by ways that have no streams: one command a request.
//!
//! The remote is put in place as over other ways, under its digest, by a file that the connection
//! plugin brings. Each request is a start of it (`trueup-remote --letters`) that reads the request
//! from its input, or from a file where the plugin passes no input on, and prints its answer; both
//! are lines of text (`protocol::letter`), since plugins may not pass all bytes.
//!
//! A postman (`postman`) stands in for the stream that the rest of this room speaks on. What a module asks for
//! on its way cannot be handed to it: it is told that there is nothing, and the request is made
//! anew with the file inside. Modules ask before they change anything.

use std::{env, fs, io::Write, os::unix::fs::OpenOptionsExt, sync::Arc, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use protocol::{frame::READY, letter};
use tokio::sync::mpsc;

use crate::{
    Become, BecomeError, ConnectError, RawOutput, Remote, RemoteBinaries, RemoteError,
    become_::quote,
    boot::{self, Said},
    carrier::{Carrier, CarryError, Errand},
    dialogue::nonce,
    pipe::{PipeReader, PipeWriter},
    postman::Postman,
};

/// Where files are left for a moment on hosts.
const HALFWAY: &str = "/tmp/.trueup-";

/// Orders and answers that may wait.
const WAITING_MAX: usize = 16;

/// A connection of a plugin, for one thing after another.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) carrier: Arc<dyn Carrier>,
    /// The plugin's name.
    pub(crate) name: Arc<str>,
}

/// What is run on the host.
pub(crate) struct Script<'a> {
    pub(crate) text: &'a str,
    pub(crate) input: Vec<u8>,
    pub(crate) limit: Option<Duration>,
}

impl Post {
    /// Runs a command line as it is.
    pub(crate) async fn execute(
        &self,
        command: String,
        input: Option<Vec<u8>>,
        become_: Option<&Become>,
        limit: Option<Duration>,
    ) -> Result<RawOutput, ConnectError> {
        let carrier = Arc::clone(&self.carrier);
        let become_method = become_.map(|become_| become_.method.name());
        self.blocking(move || {
            let input = input.as_deref();
            carrier.execute(&Errand { command: &command, input, become_method, limit })
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CarryError> + Send + 'static,
    ) -> Result<T, ConnectError> {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => Ok(done?),
            Err(error) => Err(ConnectError::Lost { why: error.to_string() }),
        }
    }

    /// Ends the connection.
    pub(crate) async fn close(&self) {
        let carrier = Arc::clone(&self.carrier);
        let ended = self.blocking(move || {
            carrier.close();
            Ok(())
        });
        let _ = ended.await;
    }

    /// Brings bytes to a path of the host.
    async fn put(&self, content: Bytes, to: &str) -> Result<(), ConnectError> {
        let (carrier, to) = (Arc::clone(&self.carrier), to.to_owned());
        let name = nonce().map_err(|source| ConnectError::Spawn { source })?;
        let here = env::temp_dir().join(format!("trueup-letter-{name}"));
        self.blocking(move || {
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&here);
            let written = file.and_then(|mut file| file.write_all(&content));
            let put = match written {
                Ok(()) => carrier.put(&here, &to),
                Err(error) => Err(CarryError {
                    message: format!("{} cannot be written: {error}", here.display()),
                    is_unreachable: false,
                }),
            };
            let _ = fs::remove_file(&here);
            put
        })
        .await
    }

    /// Runs a command line without the remote, as a user.
    pub(crate) async fn raw(
        &self,
        command: &str,
        become_: Option<&Become>,
        stdin: &[u8],
        limit: Option<Duration>,
    ) -> Result<RawOutput, ConnectError> {
        if become_.is_none() {
            let input = (!stdin.is_empty()).then(|| stdin.to_vec());
            return self.execute(command.to_owned(), input, None, limit).await;
        }
        let text = format!("exec /bin/sh -c {}", quote(command));
        self.run(Script { text: &text, input: stdin.to_vec(), limit }, become_).await
    }

    /// Runs a script by a POSIX shell, as a user, and gives it its input.
    pub(crate) async fn run(
        &self,
        script: Script<'_>,
        become_: Option<&Become>,
    ) -> Result<RawOutput, ConnectError> {
        let nonce = nonce().map_err(|source| ConnectError::Spawn { source })?;
        let password = become_.and_then(|become_| become_.password.as_ref());
        let has_input = self.carrier.takes_input();
        if !has_input && password.is_some() {
            let method = become_.map_or("", |become_| become_.method.name());
            return Err(self.refused(format!(
                "the connection plugin '{}' passes no input on (has_pipelining), so that {method} \
                 cannot be told its password",
                self.name
            )));
        }
        let mut text = script.text.to_owned();
        let mut input = Vec::new();
        let mut halfway = None;
        if has_input {
            // What the method has not taken is passed over.
            if let Some(password) = password {
                input.extend(format!("{}\n{nonce}\n", password.reveal()).into_bytes());
                text = format!(
                    "while IFS= read -r l; do [ \"$l\" != {nonce} ] || break; done; {text}"
                );
            }
            input.extend(script.input);
        } else if !script.input.is_empty() {
            let file = self.leave(script.input, &nonce, become_).await?;
            text = format!("exec <{file}; {text}");
            halfway = Some(file);
        } else {
            text = format!("exec </dev/null; {text}");
        }
        let done = self.run_text(&text, become_, &nonce, (input, has_input), script.limit).await;
        if let Some(file) = halfway {
            let folder = file.trim_end_matches("/letter");
            let away = format!("/bin/sh -c {}", quote(&format!("rm -rf {folder}")));
            // What matters is what came of the letter.
            let _ = self.execute(away, None, None, None).await;
        }
        done
    }

    async fn run_text(
        &self,
        text: &str,
        become_: Option<&Become>,
        nonce: &str,
        (input, has_input): (Vec<u8>, bool),
        limit: Option<Duration>,
    ) -> Result<RawOutput, ConnectError> {
        let input = has_input.then_some(input);
        let Some(become_) = become_ else {
            let line = format!("/bin/sh -c {}", quote(text));
            return self.execute(line, input, None, limit).await;
        };
        let word = format!("{nonce} IN");
        let line =
            format!("/bin/sh -c {}", quote(&format!("printf \"\\n%s\\n\" \"{word}\"; {text}")));
        let call = become_.call(&line, nonce);
        if call.needs_terminal {
            let (method, heard) = (become_.method.name(), String::new());
            return Err(BecomeError::Terminal { method, heard }.into());
        }
        let mut output = self.execute(call.command, input, Some(become_), limit).await?;
        let mark = format!("\n{word}\n");
        match find(&output.stdout, mark.as_bytes()) {
            Some(at) => {
                output.stdout.drain(..at + mark.len());
            }
            // A plugin may not run what it is given.
            None if output.rc == 0 => {}
            None => {
                let mut heard = String::from_utf8_lossy(&output.stdout).into_owned();
                heard.push_str(&String::from_utf8_lossy(&output.stderr));
                let asked = become_.password.is_some();
                return Err(become_.refusal(&heard, asked, Some(output.rc)).into());
            }
        }
        Ok(output)
    }

    /// Leaves input in a file, for the user alone who is to read it.
    async fn leave(
        &self,
        input: Vec<u8>,
        nonce: &str,
        become_: Option<&Become>,
    ) -> Result<String, ConnectError> {
        let folder = format!("{HALFWAY}{nonce}");
        let file = format!("{folder}/letter");
        let made = self.shell(&format!("umask 77 && mkdir {folder}")).await?;
        if made.rc != 0 {
            return Err(self.refused(format!(
                "Failed to create temporary directory: {}",
                String::from_utf8_lossy(&made.stderr).trim()
            )));
        }
        if let Err(error) = self.put(input.into(), &file).await {
            // What matters is that it did not get there.
            let _ = self.shell(&format!("rm -rf {folder}")).await;
            return Err(error);
        }
        let Some(user) = become_.map(|become_| &become_.user).filter(|user| *user != "root") else {
            return Ok(file);
        };
        let user = quote(user);
        // Whoever may give files away needs no lists of access.
        let open = format!(
            "setfacl -m u:{user}:r-x {folder} 2>/dev/null && setfacl -m u:{user}:r-- {file} \
             2>/dev/null || chown {user} {folder} {file}"
        );
        let opened = self.shell(&open).await?;
        if opened.rc != 0 {
            let _ = self.shell(&format!("rm -rf {folder}")).await;
            return Err(self.refused(format!(
                "Failed to set permissions on the temporary files Ansible needs to create when \
                 becoming an unprivileged user (rc: {}, err: {})",
                opened.rc,
                String::from_utf8_lossy(&opened.stderr).trim()
            )));
        }
        Ok(file)
    }

    async fn shell(&self, text: &str) -> Result<RawOutput, ConnectError> {
        self.execute(format!("/bin/sh -c {}", quote(text)), None, None, None).await
    }

    fn refused(&self, message: String) -> ConnectError {
        CarryError { message, is_unreachable: false }.into()
    }

    /// Puts the remote of a user in place, and has a postman for it.
    pub(crate) async fn remote(
        &self,
        become_: Option<&Become>,
        binaries: &Arc<RemoteBinaries>,
        folders: &[String],
    ) -> Result<Remote, ConnectError> {
        let mut placed = self.boot(become_, binaries, folders, None).await?;
        if let Boot::Need { machine, gzip } = &placed {
            placed = self.bring(become_, binaries, folders, machine, *gzip).await?;
        }
        let Boot::At { path, spoken } = placed else {
            let why = "the script asks for the remote that it was brought".to_owned();
            return Err(RemoteError::Protocol { why }.into());
        };
        let (orders, orders_receiver) = mpsc::channel(WAITING_MAX);
        let (answers, answers_receiver) = mpsc::channel(WAITING_MAX);
        let text = format!("exec {} --letters", quote(&path));
        let postman = Postman::new(self.clone(), become_.cloned(), text, orders_receiver, answers);
        tokio::spawn(postman.run());
        let reader = PipeReader::Letters(answers_receiver);
        let writer = PipeWriter::Letters(Some(orders));
        Remote::start(reader, writer, spoken, Arc::clone(binaries)).await
    }

    /// Looks for the remote, or puts the one that was brought to a path in place.
    async fn boot(
        &self,
        become_: Option<&Become>,
        binaries: &RemoteBinaries,
        folders: &[String],
        brought: Option<&str>,
    ) -> Result<Boot, ConnectError> {
        let nonce = nonce().map_err(|source| ConnectError::Spawn { source })?;
        let brought = brought.unwrap_or_default();
        let text = boot::script(&nonce, binaries, folders, Some(brought));
        let script = Script { text: &text, input: Vec::new(), limit: None };
        let output = self.run(script, become_).await?;
        let mut heard = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in heard.lines() {
            let Some(said) = line.strip_prefix(&nonce) else { continue };
            match Said::parse(said.trim()) {
                Some(Said::Need { machine, gzip }) => return Ok(Boot::Need { machine, gzip }),
                Some(Said::Fail { kind, text }) => {
                    return Err(boot::failure(&kind, &text, binaries).into());
                }
                Some(Said::At { path }) => {
                    let mut spoken = BytesMut::from(&*letter::bytes(&output.stdout));
                    if !spoken.starts_with(READY) {
                        let heard = String::from_utf8_lossy(&output.stderr).into_owned();
                        return Err(RemoteError::Ended { rc: Some(output.rc), heard }.into());
                    }
                    spoken.advance(READY.len());
                    return Ok(Boot::At { path, spoken });
                }
                Some(Said::In) | None => {}
            }
        }
        heard.push_str(&String::from_utf8_lossy(&output.stderr));
        Err(RemoteError::NoShell { heard }.into())
    }

    async fn bring(
        &self,
        become_: Option<&Become>,
        binaries: &RemoteBinaries,
        folders: &[String],
        machine: &str,
        gzip: bool,
    ) -> Result<Boot, ConnectError> {
        let binary = binaries.find(machine).ok_or_else(|| RemoteError::Protocol {
            why: format!("the script asks for a remote for {machine}"),
        })?;
        let content: Bytes = match gzip {
            true => binary.gzip.clone(),
            false => binary
                .plain()
                .map_err(|error| RemoteError::Content {
                    why: format!("it cannot be decompressed: {error}"),
                })?
                .into(),
        };
        let nonce = nonce().map_err(|source| ConnectError::Spawn { source })?;
        let path = format!("{HALFWAY}{nonce}");
        self.put(content, &path).await?;
        if become_.is_some() {
            // It is no secret, and its digest is looked at by the user who is to run it.
            self.shell(&format!("chmod 644 {path}")).await?;
        }
        let placed = self.boot(become_, binaries, folders, Some(&path)).await;
        let _ = self.shell(&format!("rm -f {path}")).await;
        placed
    }
}

/// What the script that looks for the remote found.
enum Boot {
    /// It is at that path, and says who it is.
    At { path: String, spoken: BytesMut },
    /// It is to be brought.
    Need { machine: String, gzip: bool },
}

/// Where some bytes stand in others first.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
