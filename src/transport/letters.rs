//! Requests by ways that have no streams: one command a request.
//!
//! The remote is put in place as over other ways, under its digest, by a file that the connection
//! plugin brings. Each request is a start of it (`trueup-remote --letters`) that reads the request
//! from its input, or from a file where the plugin passes no input on, and prints its answer; both
//! are lines of text (`protocol::letter`), since plugins may not pass all bytes.
//!
//! A postman stands in for the stream that the rest of this room speaks on. What a module asks for
//! on its way cannot be handed to it: it is told that there is nothing, and the request is made
//! anew with the file inside. Modules ask before they change anything.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    env, fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    sync::Arc,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use flate2::read::DeflateDecoder;
use protocol::{
    Answer, Chunk, Digest, FromRemote, Order, Request, Response, ToRemote,
    frame::{self, CHUNK_BYTES_MAX, FRAME_BYTES_MAX, READY},
    letter,
    request::InlineFile,
};
use tokio::sync::mpsc;

use crate::{
    Become, BecomeError, ConnectError, RawOutput, Remote, RemoteBinaries, RemoteError,
    become_::quote,
    boot::{self, Said},
    carrier::{Carrier, CarryError, Errand},
    dialogue::nonce,
    pipe::{Output, PipeReader, PipeWriter},
};

/// Where files are left for a moment on hosts.
const HALFWAY: &str = "/tmp/.trueup-";

/// How many files one request may ask for.
const FILES_MAX: usize = 64;

/// How much of what a remote complains of is kept for messages, from its end.
const STDERR_BYTES_MAX: usize = 4096;

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
struct Script<'a> {
    text: &'a str,
    input: Vec<u8>,
    limit: Option<Duration>,
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
    async fn run(
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
        self.put(input.into(), &file).await?;
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
        let postman = Postman {
            post: self.clone(),
            become_: become_.cloned(),
            text: format!("exec {} --letters", quote(&path)),
            orders: orders_receiver,
            buffer: BytesMut::new(),
            waiting: VecDeque::new(),
            answers,
        };
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

/// Takes the orders of a [`Remote`] and has each performed by a start of the binary.
struct Postman {
    post: Post,
    become_: Option<Become>,
    /// The script that starts the remote for one request.
    text: String,
    orders: mpsc::Receiver<Bytes>,
    buffer: BytesMut,
    waiting: VecDeque<ToRemote>,
    answers: mpsc::Sender<Output>,
}

impl Postman {
    async fn run(mut self) {
        // Chains of which a request has failed, and its place.
        let mut broken: HashMap<u64, u64> = HashMap::new();
        while let Some(ToRemote { id, order }) = self.next().await {
            let Order::Run(request) = order else { continue };
            if self.is_cancelled(id) {
                continue;
            }
            let chain = request.chain;
            let is_held_back = chain
                .is_some_and(|chain| broken.get(&chain.id).is_some_and(|at| *at < chain.position));
            let answers = match is_held_back {
                true => vec![Answer::NotRun],
                false => match self.perform(id, *request).await {
                    Ok(answers) => answers,
                    Err(error) => {
                        // Nobody is left to be told.
                        let _ = self.answers.send(Output::Broken(error.into())).await;
                        return;
                    }
                },
            };
            for answer in answers {
                if let (Some(chain), Answer::Done(response)) = (chain, &answer)
                    && (response.failed || response.is_lossy)
                {
                    broken.entry(chain.id).or_insert(chain.position);
                }
                if !self.answer(id, answer).await {
                    return;
                }
            }
        }
    }

    async fn answer(&self, id: u64, answer: Answer) -> bool {
        let frame = frame::encode(&FromRemote { id, answer }).unwrap_or_else(|error| {
            let why = format!("the module's answer cannot be passed on: {error}");
            let answer = Answer::Done(Box::new(Response::failure(why)));
            frame::encode(&FromRemote { id, answer }).unwrap_or_default()
        });
        self.answers.send(Output::Stdout(frame.into())).await.is_ok()
    }

    /// The next order; `None` once there are no more.
    async fn next(&mut self) -> Option<ToRemote> {
        loop {
            while let Ok(bytes) = self.orders.try_recv() {
                self.buffer.extend_from_slice(&bytes);
            }
            self.sort();
            if let Some(order) = self.waiting.pop_front() {
                return Some(order);
            }
            let bytes = self.orders.recv().await?;
            self.buffer.extend_from_slice(&bytes);
        }
    }

    fn sort(&mut self) {
        while let Some(header) = self.buffer.first_chunk::<4>() {
            // They are our own.
            let length = u32::from_be_bytes(*header) as usize;
            if self.buffer.len() < 4 + length {
                return;
            }
            self.buffer.advance(4);
            let payload = self.buffer.split_to(length);
            if let Ok(order) = frame::decode(&payload) {
                self.waiting.push_back(order);
            }
        }
    }

    /// Whether a request was taken back before its turn came.
    fn is_cancelled(&self, id: u64) -> bool {
        self.waiting.iter().any(|other| other.id == id && matches!(other.order, Order::Cancel))
    }

    /// Has a request performed, anew for each file that it turns out to need.
    async fn perform(
        &mut self,
        id: u64,
        mut request: Request,
    ) -> Result<Vec<Answer>, ConnectError> {
        let mut given: HashSet<Digest> = HashSet::new();
        let failed = |why: String| Ok(vec![Answer::Done(Box::new(Response::failure(why)))]);
        loop {
            let limit =
                request.timeout_secs.map(|secs| Duration::from_secs(secs + TIMEOUT_GRACE_SECS));
            let order = ToRemote { id, order: Order::Run(Box::new(request.clone())) };
            let input = match frame::encode(&order) {
                Ok(frame) => letter::line(&frame).into_bytes(),
                Err(_) => {
                    return failed(format!(
                        "a request with its files has over {FRAME_BYTES_MAX} bytes, and the \
                         connection plugin '{}' is given no more at once",
                        self.post.name
                    ));
                }
            };
            let script = Script { text: &self.text, input, limit };
            let output = self.post.run(script, self.become_.as_ref()).await?;
            let answers = answers(&output.stdout).map_err(|why| RemoteError::Protocol { why })?;
            let wanted = answers.iter().find_map(|answer| match answer {
                Answer::Want(digest) if !given.contains(digest) => Some(digest.clone()),
                _ => None,
            });
            let Some(digest) = wanted else {
                let told: Vec<Answer> = answers
                    .into_iter()
                    .filter(|one| matches!(one, Answer::Done(_) | Answer::Chunk(_)))
                    .collect();
                if told.iter().any(|answer| matches!(answer, Answer::Done(_))) {
                    return Ok(told);
                }
                let kept = output.stderr.len().saturating_sub(STDERR_BYTES_MAX);
                let heard = output.stderr.get(kept..).unwrap_or_default();
                let heard = String::from_utf8_lossy(heard).into_owned();
                return Err(RemoteError::Ended { rc: Some(output.rc), heard }.into());
            };
            if given.len() >= FILES_MAX {
                return failed(format!("the module asks for more than {FILES_MAX} files"));
            }
            match self.fetch(id, &digest).await {
                Some(Ok(bytes)) => request.files.push(InlineFile { digest: digest.clone(), bytes }),
                Some(Err(why)) => return failed(why),
                None => return Err(ConnectError::Lost { why: "it was closed".to_owned() }),
            }
            given.insert(digest);
        }
    }

    /// Asks whoever sent a request for a file; `None` where they are gone.
    async fn fetch(&mut self, id: u64, digest: &Digest) -> Option<Result<Vec<u8>, String>> {
        if !self.answer(id, Answer::Want(digest.clone())).await {
            return None;
        }
        let mut content = Vec::new();
        let mut others = VecDeque::new();
        let result = loop {
            let order = self.next().await?;
            if order.id != id {
                others.push_back(order);
                continue;
            }
            match order.order {
                Order::Chunk(chunk) => {
                    let travelled = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
                    let last = chunk.last;
                    match unpacked(chunk) {
                        Ok(bytes) => content.extend(bytes),
                        Err(error) => break Some(Err(error.to_string())),
                    }
                    if last {
                        break Some(Ok(content));
                    }
                    if content.len() > FRAME_BYTES_MAX {
                        break Some(Err(format!(
                            "a file has over {FRAME_BYTES_MAX} bytes, and the connection plugin \
                             '{}' is given no more at once",
                            self.post.name
                        )));
                    }
                    self.answer(id, Answer::Credit(travelled)).await;
                }
                Order::Refuse(why) => break Some(Err(why)),
                Order::Cancel => break Some(Err("the task was cancelled".to_owned())),
                Order::Run(_) | Order::Credit(_) => {}
            }
        };
        others.append(&mut self.waiting);
        self.waiting = others;
        result
    }
}

/// Seconds that a remote has, over a request's own timeout, to end it.
const TIMEOUT_GRACE_SECS: u64 = 30;

fn unpacked(chunk: Chunk) -> io::Result<Vec<u8>> {
    if !chunk.deflated {
        return Ok(chunk.bytes);
    }
    let mut bytes = Vec::new();
    DeflateDecoder::new(&*chunk.bytes).take(CHUNK_BYTES_MAX as u64 * 2).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a start of the remote answered.
fn answers(stdout: &[u8]) -> Result<Vec<Answer>, String> {
    let spoken = letter::bytes(stdout);
    let mut rest = spoken.strip_prefix(READY).unwrap_or(&spoken);
    let mut answers = Vec::new();
    while let Some(message) =
        frame::read::<FromRemote>(&mut rest).map_err(|error| error.to_string())?
    {
        answers.push(message.answer);
    }
    Ok(answers)
}

/// Where some bytes stand in others first.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
