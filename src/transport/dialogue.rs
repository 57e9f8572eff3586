//! What happens on a stream between the start of a command and the first frame of the remote, or
//! the start of a raw command: noise, prompts and the lines of the script.

use std::{fs::File, io::Read, time::Duration};

use bytes::{Buf, BytesMut};
use protocol::frame::READY;

use crate::{
    become_::{Become, wants_terminal},
    boot::{self, Said},
    error::{BecomeError, ConnectError, RemoteError},
    pipe::{Output, Pipe},
    remotes::RemoteBinaries,
};

/// The most bytes that may be printed before the remote speaks.
const NOISE_BYTES_MAX: usize = 1024 * 1024;

/// How much of what was printed is kept for messages, from its end.
const HEARD_BYTES_MAX: usize = 4096;

/// The slowest link that the binary is waited for on.
const SLOW_LINK_BYTES_PER_SEC: u64 = 4096;

/// How long nothing may follow on what looks like a prompt before it is taken for one.
const PROMPT_QUIET: Duration = Duration::from_millis(200);

/// Bytes of the binary that are handed over at once.
const UPLOAD_BYTES: usize = 64 * 1024;

/// A stream on which a command was started.
pub(crate) struct Dialogue {
    pub(crate) pipe: Pipe,
    nonce: String,
    /// Standard output that was not looked at yet.
    pub(crate) buffer: BytesMut,
    /// The end of what was printed on both streams and is not ours, for messages and prompts.
    heard: String,
    noise_bytes: usize,
    pub(crate) exit: Option<i32>,
    limit: Duration,
}

/// What is heard on the stream.
enum Heard {
    Said(Said),
    Ready,
    Prompt,
    Ended,
}

/// How far becoming another user got.
pub(crate) enum BecomeStep {
    /// The command runs as the other user.
    In,
    /// The method wants a terminal.
    WantsTerminal {
        /// What it printed.
        heard: String,
    },
}

impl Dialogue {
    /// Starts to listen. `limit` bounds every single wait.
    pub(crate) fn new(pipe: Pipe, nonce: String, limit: Duration) -> Self {
        Self {
            pipe,
            nonce,
            buffer: BytesMut::new(),
            heard: String::new(),
            noise_bytes: 0,
            exit: None,
            limit,
        }
    }

    /// Answers prompts until the command that was to be run as the other user says that it runs.
    pub(crate) async fn become_(&mut self, become_: &Become) -> Result<BecomeStep, ConnectError> {
        let mut asked = false;
        loop {
            match self.next(Some(become_)).await? {
                Heard::Said(Said::In) => return Ok(BecomeStep::In),
                Heard::Prompt => match &become_.password {
                    None => {
                        let method = become_.method.name();
                        return Err(BecomeError::Missing { method }.into());
                    }
                    // It asks again: the first answer was wrong. Another would be too.
                    Some(_) if asked => {
                        let method = become_.method.name();
                        return Err(BecomeError::Incorrect { method }.into());
                    }
                    Some(password) => {
                        asked = true;
                        self.heard.clear();
                        self.send(format!("{}\n", password.reveal()).into_bytes()).await?;
                    }
                },
                Heard::Ended if wants_terminal(&self.heard) => {
                    return Ok(BecomeStep::WantsTerminal { heard: self.heard.clone() });
                }
                Heard::Ended => {
                    return Err(become_.refusal(&self.heard, asked, self.exit).into());
                }
                // The script is sent after the other user was become.
                Heard::Said(_) | Heard::Ready => {
                    let why = "the script spoke before it was sent".to_owned();
                    return Err(RemoteError::Protocol { why }.into());
                }
            }
        }
    }

    /// Sees the script through until the remote is ready.
    pub(crate) async fn boot(&mut self, remotes: &RemoteBinaries) -> Result<(), ConnectError> {
        let mut is_in = false;
        let mut is_sent = false;
        loop {
            match self.next(None).await? {
                Heard::Ready => return Ok(()),
                Heard::Said(Said::In) => is_in = true,
                Heard::Said(Said::Need { machine, gzip }) => {
                    is_in = true;
                    is_sent = true;
                    self.upload(remotes, &machine, gzip).await?;
                }
                Heard::Said(Said::Fail { kind, text }) => {
                    return Err(boot::failure(&kind, &text, remotes).into());
                }
                Heard::Ended => {
                    let heard = self.heard.trim().to_owned();
                    return Err(match (is_in, is_sent, self.exit) {
                        (false, ..) => RemoteError::NoShell { heard },
                        (true, true, Some(1)) => RemoteError::Content { why: heard },
                        (true, _, rc) => RemoteError::Ended { rc, heard },
                    }
                    .into());
                }
                Heard::Said(Said::At { .. }) => {
                    let why = "the script says where the remote is, unasked".to_owned();
                    return Err(RemoteError::Protocol { why }.into());
                }
                // Nobody is become here.
                Heard::Prompt => {}
            }
        }
    }

    async fn upload(
        &mut self,
        remotes: &RemoteBinaries,
        machine: &str,
        gzip: bool,
    ) -> Result<(), ConnectError> {
        let binary = remotes.find(machine).ok_or_else(|| RemoteError::Protocol {
            why: format!("the script asks for a remote for {machine}"),
        })?;
        let bytes = if gzip {
            binary.gzip.clone()
        } else {
            let plain = binary.plain().map_err(|error| RemoteError::Content {
                why: format!("it cannot be decompressed: {error}"),
            })?;
            plain.into()
        };
        // What is sent waits in buffers on the way, so that the answer alone takes long.
        self.limit += Duration::from_secs(bytes.len() as u64 / SLOW_LINK_BYTES_PER_SEC);
        self.send(format!("{}\n", bytes.len()).into_bytes()).await?;
        for at in (0..bytes.len()).step_by(UPLOAD_BYTES) {
            self.send(bytes.slice(at..bytes.len().min(at + UPLOAD_BYTES))).await?;
        }
        Ok(())
    }

    /// Sends bytes. A command that has ended meanwhile is no error here: its end is read next.
    pub(crate) async fn send(
        &mut self,
        bytes: impl Into<bytes::Bytes>,
    ) -> Result<(), ConnectError> {
        let sent = tokio::time::timeout(self.limit, self.pipe.writer.write(bytes)).await;
        match sent {
            Ok(_) => Ok(()),
            Err(_) => Err(self.timeout("sending to the host")),
        }
    }

    async fn next(&mut self, become_: Option<&Become>) -> Result<Heard, ConnectError> {
        loop {
            match self.find(become_)? {
                Some(Heard::Prompt) if become_.is_some_and(|become_| become_.guesses_prompts()) => {
                    // A message that is still being written may look like a prompt so far.
                    match tokio::time::timeout(PROMPT_QUIET, self.pipe.reader.next()).await {
                        Ok(output) => {
                            if let Some(ended) = self.take(output)? {
                                return Ok(ended);
                            }
                            continue;
                        }
                        Err(_) => {
                            self.buffer.clear();
                            return Ok(Heard::Prompt);
                        }
                    }
                }
                Some(Heard::Prompt) => {
                    self.buffer.clear();
                    return Ok(Heard::Prompt);
                }
                Some(heard) => return Ok(heard),
                None => {}
            }
            let output = tokio::time::timeout(self.limit, self.pipe.reader.next())
                .await
                .map_err(|_| self.timeout("starting the remote"))?;
            if let Some(ended) = self.take(output)? {
                return Ok(ended);
            }
        }
    }

    /// Keeps what the command did; says so where it has ended.
    fn take(&mut self, output: Option<Output>) -> Result<Option<Heard>, ConnectError> {
        match output {
            Some(Output::Stdout(bytes)) => self.buffer.extend_from_slice(&bytes),
            Some(Output::Stderr(bytes)) => self.hear(&bytes)?,
            Some(Output::Exit(rc)) => self.exit = Some(rc),
            Some(Output::Broken(error)) => {
                return Err(ConnectError::Lost { why: error.to_string() });
            }
            None => {
                let rest = self.buffer.split();
                self.hear(&rest)?;
                return Ok(Some(Heard::Ended));
            }
        }
        Ok(None)
    }

    /// Looks for the next thing in what was printed, and takes it and all before it away; a prompt
    /// stays.
    fn find(&mut self, become_: Option<&Become>) -> Result<Option<Heard>, ConnectError> {
        let marker = format!("{} ", self.nonce);
        let ready = find(&self.buffer, READY);
        if let Some(start) = find(&self.buffer, marker.as_bytes())
            && ready.is_none_or(|ready| start < ready)
        {
            let line_start = start + marker.len();
            let line = self.buffer.get(line_start..).unwrap_or_default();
            let Some(length) = line.iter().position(|byte| *byte == b'\n') else {
                return Ok(None);
            };
            let noise = self.buffer.split_to(start);
            self.buffer.advance(marker.len());
            let line = self.buffer.split_to(length + 1);
            self.hear(&noise)?;
            let line = String::from_utf8_lossy(&line);
            return match Said::parse(line.trim_end()) {
                Some(said) => Ok(Some(Heard::Said(said))),
                None => self.find(become_),
            };
        }
        if let Some(start) = ready {
            let noise = self.buffer.split_to(start);
            self.buffer.advance(READY.len());
            self.hear(&noise)?;
            return Ok(Some(Heard::Ready));
        }
        if let Some(become_) = become_ {
            // A prompt comes on either stream, and has no line of its own.
            let tail = String::from_utf8_lossy(&self.buffer).into_owned();
            if become_.is_prompt(&self.heard, &self.nonce) || become_.is_prompt(&tail, &self.nonce)
            {
                return Ok(Some(Heard::Prompt));
            }
        }
        // Noise that cannot hold the start of anything of ours is let go, so that the buffer
        // stays small.
        let keep = READY.len().max(marker.len() + HEARD_BYTES_MAX);
        if self.buffer.len() > 4 * keep {
            let noise = self.buffer.split_to(self.buffer.len() - keep);
            self.hear(&noise)?;
        }
        Ok(None)
    }

    /// Keeps the end of what was printed.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), ConnectError> {
        self.noise_bytes += bytes.len();
        self.heard.push_str(&String::from_utf8_lossy(bytes));
        if self.heard.len() > HEARD_BYTES_MAX {
            let mut start = self.heard.len() - HEARD_BYTES_MAX;
            while !self.heard.is_char_boundary(start) {
                start += 1;
            }
            self.heard.drain(..start);
        }
        if self.noise_bytes > NOISE_BYTES_MAX {
            let heard = self.heard.trim().to_owned();
            return Err(RemoteError::Noise { limit_bytes: NOISE_BYTES_MAX, heard }.into());
        }
        Ok(())
    }

    fn timeout(&self, step: &'static str) -> ConnectError {
        ConnectError::Timeout { step, secs: self.limit.as_secs() }
    }
}

/// A random word of 16 letters and digits.
///
/// # Errors
/// Where the machine has no source of randomness.
pub(crate) fn nonce() -> std::io::Result<String> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where a word stands in a text first.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
