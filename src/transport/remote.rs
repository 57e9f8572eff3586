//! Requests to a remote.
//!
//! Two tasks serve a remote: one writes whole frames, so that a request whose caller goes away
//! leaves no half of one behind; the other reads frames and hands answers to the calls that they
//! belong to. Streams of files hold back by [`CREDIT_BYTES`](frame::CREDIT_BYTES): neither side has more than that of
//! one file under way, and frames of other requests go in between.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use protocol::{Answer, Digest, FromRemote, Hello, Order, Request, Response, ToRemote, frame};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    error::{CallError, ConnectError, RemoteError},
    outgoing::Outgoing,
    pipe::{Output, PipeReader, PipeWriter},
    remotes::RemoteBinaries,
};

/// Frames that may wait to be written. A call that has more waits itself.
const FRAMES_WAITING_MAX: usize = 16;

/// Once that many bytes are to be written, no more frames are put with them: SSH's packets are not
/// larger.
const BYTES_TOGETHER_MAX: usize = 32 * 1024;

/// Seconds that a remote has, over a request's own timeout, to end it.
const TIMEOUT_GRACE_SECS: u64 = 30;

/// Seconds that a remote has to say who it is, and to end when it is told to.
const HELLO_SECS: u64 = 30;
const END_SECS: u64 = 5;

/// How much of what a remote complains of is kept for messages, from its end.
const STDERR_BYTES_MAX: usize = 4096;

/// Where the content of a file that a remote asks for comes from.
pub trait Files: Send + Sync {
    /// Opens the file that has this digest. Reading happens on a thread that may block.
    ///
    /// # Errors
    /// Where there is none or it cannot be read; the message reaches the user by the remote.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;
}

/// No files at all.
pub struct NoFiles;

impl Files for NoFiles {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no file has digest {}", digest.0)))
    }
}

/// Where the content of a file that a remote sends goes. Writing happens on a thread that may
/// block; it is flushed at the end of the file.
pub type Sink = Box<dyn Write + Send>;

/// Is told that a request is on its way, behind all that were sent before it.
pub type Sent = Box<dyn FnOnce() + Send>;

/// What went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames to the remote.
    pub frames_sent: u64,
    /// Bytes of these frames.
    pub bytes_sent: u64,
    /// Frames from the remote.
    pub frames_received: u64,
    /// Bytes of these frames.
    pub bytes_received: u64,
    /// Round trips on the critical path: how many requests were sent each of which could wait for
    /// the answer to the one before it.
    pub round_trips: u64,
}

/// A running remote of one user on one host. Dropping it ends its input, upon which it ends.
pub struct Remote {
    hello: Hello,
    frames: mpsc::Sender<Vec<u8>>,
    urgent: mpsc::UnboundedSender<Vec<u8>>,
    shared: Arc<Shared>,
    next_id: AtomicU64,
    binaries: Arc<RemoteBinaries>,
    end: Mutex<Option<oneshot::Sender<()>>>,
    ended: watch::Receiver<bool>,
}

/// What the tasks of a remote and its calls share.
#[derive(Default)]
struct Shared {
    calls: Mutex<Calls>,
    frames_sent: AtomicU64,
    bytes_sent: AtomicU64,
    frames_received: AtomicU64,
    bytes_received: AtomicU64,
}

#[derive(Default)]
struct Calls {
    /// The queue of each is bounded by the credit that the call gives; the number counts the round
    /// trips up to its answer.
    open: HashMap<u64, (mpsc::UnboundedSender<Answer>, u64)>,
    /// Round trips up to the answers that have come.
    round_trips: u64,
    /// Why the remote has ended.
    end: Option<CallError>,
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self) -> CallError {
        let end = self.calls().end.clone();
        end.unwrap_or_else(|| CallError::Lost { why: "it was closed".to_owned() })
    }
}

impl Remote {
    /// Takes over a stream on which a remote has said that it is ready. `buffer` is what was read
    /// after that.
    pub(crate) async fn start(
        reader: PipeReader,
        writer: PipeWriter,
        buffer: BytesMut,
        binaries: Arc<RemoteBinaries>,
    ) -> Result<Self, ConnectError> {
        let shared = Arc::new(Shared::default());
        let (hello_sender, hello) = oneshot::channel();
        let (frames, frames_receiver) = mpsc::channel(FRAMES_WAITING_MAX);
        let (urgent, urgent_receiver) = mpsc::unbounded_channel();
        let (end, end_receiver) = oneshot::channel();
        let (ended_sender, ended) = watch::channel(false);
        let writing = Writing {
            writer,
            frames: frames_receiver,
            urgent: urgent_receiver,
            end: end_receiver,
            ended: ended.clone(),
            shared: shared.clone(),
        };
        let reading = Reading {
            reader,
            buffer,
            shared: shared.clone(),
            hello: Some(hello_sender),
            stderr: Vec::new(),
            exit: None,
        };
        tokio::spawn(writing.run());
        tokio::spawn(async move {
            let shared = reading.shared.clone();
            let end = reading.run().await;
            let mut calls = shared.calls();
            calls.end = Some(end);
            calls.open.clear();
            drop(calls);
            ended_sender.send_replace(true);
        });
        let hello = tokio::time::timeout(Duration::from_secs(HELLO_SECS), hello).await;
        let hello = match hello {
            Ok(Ok(hello)) => hello,
            Ok(Err(_)) => {
                let why = match shared.lost() {
                    CallError::Lost { why } => why,
                    error => error.to_string(),
                };
                return Err(RemoteError::Protocol { why }.into());
            }
            Err(_) => {
                let step = "the remote's first word";
                return Err(ConnectError::Timeout { step, secs: HELLO_SECS });
            }
        };
        Ok(Self {
            hello,
            frames,
            urgent,
            shared,
            next_id: AtomicU64::new(1),
            binaries,
            end: Mutex::new(Some(end)),
            ended,
        })
    }

    /// Sends a request and waits for its response. Files that the remote asks for come from
    /// `files`; a file that it sends goes into `sink`. Calls may run side by side; the remote
    /// works them off in the order of their arrival. Dropping the future cancels the request.
    ///
    /// # Errors
    /// [`CallError::Lost`] where the connection or the remote ends first, which leaves open how
    /// far the request got; the others say what was wrong with the request itself.
    pub async fn call(
        &self,
        request: Request,
        files: &dyn Files,
        sink: Option<Sink>,
    ) -> Result<Response, CallError> {
        self.call_in_line(request, files, sink, None).await
    }

    /// The same, for callers that have more to send behind it.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_in_line(
        &self,
        request: Request,
        files: &dyn Files,
        sink: Option<Sink>,
        sent: Option<Sent>,
    ) -> Result<Response, CallError> {
        match request.timeout_secs {
            None => self.call_untimed(request, files, sink, sent).await,
            Some(secs) => {
                let secs = secs.saturating_add(TIMEOUT_GRACE_SECS);
                let call = self.call_untimed(request, files, sink, sent);
                tokio::time::timeout(Duration::from_secs(secs), call)
                    .await
                    .unwrap_or(Err(CallError::Timeout { secs }))
            }
        }
    }

    async fn call_untimed(
        &self,
        request: Request,
        files: &dyn Files,
        mut sink: Option<Sink>,
        sent: Option<Sent>,
    ) -> Result<Response, CallError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = frame::encode(&ToRemote { id, order: Order::Run(Box::new(request)) })
            .map_err(|error| CallError::Request { why: error.to_string() })?;
        let (sender, mut answers) = mpsc::unbounded_channel();
        {
            let mut calls = self.shared.calls();
            if calls.end.is_none() {
                let round_trips = calls.round_trips + 1;
                calls.open.insert(id, (sender, round_trips));
            }
        }
        let mut call = OpenCall { id, remote: self, done: false };
        self.send_frame(frame).await?;
        if let Some(sent) = sent {
            sent();
        }
        let mut outgoing: Option<Outgoing> = None;
        loop {
            let answer = match &mut outgoing {
                Some(stream) if stream.credit > 0 => match answers.try_recv() {
                    Ok(answer) => Some(answer),
                    Err(_) => {
                        let order = stream.next_order().await;
                        if stream.is_over {
                            outgoing = None;
                        }
                        self.send(id, order).await?;
                        continue;
                    }
                },
                _ => answers.recv().await,
            };
            match answer {
                None => {
                    call.done = true;
                    return Err(self.shared.lost());
                }
                Some(Answer::Done(response)) => {
                    call.done = true;
                    return Ok(*response);
                }
                Some(Answer::NotRun) => {
                    call.done = true;
                    return Err(CallError::NotRun);
                }
                Some(Answer::Want(digest)) => match self.open_file(&digest, files) {
                    Ok(content) => outgoing = Some(Outgoing::new(content)),
                    Err(error) => self.send(id, Order::Refuse(error.to_string())).await?,
                },
                Some(Answer::Credit(bytes)) => {
                    if let Some(stream) = &mut outgoing {
                        stream.credit(bytes);
                    }
                }
                Some(Answer::Chunk(chunk)) => {
                    let target = sink.take().ok_or(CallError::Unasked)?;
                    let bytes = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
                    sink = Some(store(target, chunk).await?);
                    self.send(id, Order::Credit(bytes)).await?;
                }
                // A remote says this once, and that was before the call.
                Some(Answer::Hello(_)) => {}
            }
        }
    }

    /// A file of the request, or a companion of the remote.
    fn open_file(&self, digest: &Digest, files: &dyn Files) -> io::Result<Box<dyn Read + Send>> {
        match self.binaries.companion(&digest.0) {
            Some(companion) => Ok(Box::new(io::Cursor::new(companion.clone()))),
            None => files.open(digest),
        }
    }

    /// What the remote said of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What went over the wire so far.
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            frames_sent: read(&self.shared.frames_sent),
            bytes_sent: read(&self.shared.bytes_sent),
            frames_received: read(&self.shared.frames_received),
            bytes_received: read(&self.shared.bytes_received),
            round_trips: self.shared.calls().round_trips,
        }
    }

    /// Whether the remote or its connection has ended, so that no call can succeed any more.
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Ends the remote's input and waits until it has ended, for a while. Calls under way are
    /// lost.
    pub(crate) async fn close(&self) {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(end);
        let mut ended = self.ended.clone();
        let wait = ended.wait_for(|ended| *ended);
        if tokio::time::timeout(Duration::from_secs(END_SECS), wait).await.is_err() {
            tracing::debug!(pid = self.hello.pid, "the remote did not end in time");
        }
    }

    async fn send(&self, id: u64, order: Order) -> Result<(), CallError> {
        let frame = frame::encode(&ToRemote { id, order })
            .map_err(|error| CallError::Request { why: error.to_string() })?;
        self.send_frame(frame).await
    }

    async fn send_frame(&self, frame: Vec<u8>) -> Result<(), CallError> {
        let Err(_) = self.frames.send(frame).await else { return Ok(()) };
        // The writer has ended before the reader could say why; the reader follows at once.
        let mut ended = self.ended.clone();
        let wait = ended.wait_for(|ended| *ended);
        let _ = tokio::time::timeout(Duration::from_secs(END_SECS), wait).await;
        Err(self.shared.lost())
    }
}

/// A request that is under way. Cancels it where it is dropped before its response.
struct OpenCall<'a> {
    id: u64,
    remote: &'a Remote,
    done: bool,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.remote.shared.calls().open.remove(&self.id);
        if self.done {
            return;
        }
        if let Ok(frame) = frame::encode(&ToRemote { id: self.id, order: Order::Cancel }) {
            // A writer that is gone has nothing to cancel.
            let _ = self.remote.urgent.send(frame);
        }
    }
}

/// Writes a part of a file that the remote sends.
async fn store(mut sink: Sink, chunk: protocol::Chunk) -> Result<Sink, CallError> {
    let stored = tokio::task::spawn_blocking(move || {
        sink.write_all(&chunk.bytes)?;
        if chunk.last {
            sink.flush()?;
        }
        Ok::<_, io::Error>(sink)
    });
    match stored.await {
        Ok(Ok(sink)) => Ok(sink),
        Ok(Err(error)) => Err(CallError::Sink { why: error.to_string() }),
        Err(error) => Err(CallError::Sink { why: error.to_string() }),
    }
}

/// The task that writes frames.
struct Writing {
    writer: PipeWriter,
    frames: mpsc::Receiver<Vec<u8>>,
    urgent: mpsc::UnboundedReceiver<Vec<u8>>,
    end: oneshot::Receiver<()>,
    ended: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

impl Writing {
    async fn run(mut self) {
        loop {
            let frame = tokio::select! {
                biased;
                // Either the remote is to be closed or it was dropped.
                _ = &mut self.end => break,
                _ = self.ended.wait_for(|ended| *ended) => break,
                Some(frame) = self.urgent.recv() => frame,
                Some(frame) = self.frames.recv() => frame,
                else => break,
            };
            let mut bytes = frame;
            let mut frames = 1;
            // What waits travels together.
            while bytes.len() < BYTES_TOGETHER_MAX
                && let Ok(frame) = self.frames.try_recv()
            {
                bytes.extend_from_slice(&frame);
                frames += 1;
            }
            self.shared.frames_sent.fetch_add(frames, Ordering::Relaxed);
            self.shared.bytes_sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            let written = tokio::select! {
                written = self.writer.write(Bytes::from(bytes)) => written,
                // A remote that has ended takes no more, and would be waited for in vain.
                _ = self.ended.wait_for(|ended| *ended) => break,
            };
            if let Err(error) = written {
                tracing::debug!(%error, "a frame could not be written");
                break;
            }
        }
        self.writer.end().await;
        // The channel stays until the remote has ended, or it would be killed.
        let ended = self.ended.wait_for(|ended| *ended);
        let _ = tokio::time::timeout(Duration::from_secs(END_SECS), ended).await;
        self.writer.close().await;
    }
}

/// The task that reads frames.
struct Reading {
    reader: PipeReader,
    buffer: BytesMut,
    shared: Arc<Shared>,
    hello: Option<oneshot::Sender<Hello>>,
    stderr: Vec<u8>,
    exit: Option<i32>,
}

impl Reading {
    /// Reads until the end, and says why that came.
    async fn run(mut self) -> CallError {
        loop {
            if let Err(why) = self.take_frames() {
                return CallError::Lost { why };
            }
            match self.reader.next().await {
                Some(Output::Stdout(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Output::Stderr(bytes)) => {
                    self.stderr.extend_from_slice(&bytes);
                    let over = self.stderr.len().saturating_sub(STDERR_BYTES_MAX);
                    self.stderr.drain(..over);
                }
                Some(Output::Exit(rc)) => self.exit = Some(rc),
                Some(Output::Broken(error)) => return error,
                None => return CallError::Lost { why: self.epitaph() },
            }
        }
    }

    fn take_frames(&mut self) -> Result<(), String> {
        while let Some(header) = self.buffer.first_chunk::<4>() {
            let length = frame::payload_length(*header).map_err(|error| error.to_string())?;
            if self.buffer.len() < 4 + length {
                self.buffer.reserve(4 + length - self.buffer.len());
                break;
            }
            self.buffer.advance(4);
            let payload = self.buffer.split_to(length);
            self.shared.frames_received.fetch_add(1, Ordering::Relaxed);
            self.shared.bytes_received.fetch_add(4 + length as u64, Ordering::Relaxed);
            let message: FromRemote = frame::decode(&payload).map_err(|error| error.to_string())?;
            self.hand_over(message);
        }
        Ok(())
    }

    fn hand_over(&mut self, message: FromRemote) {
        if let Answer::Hello(hello) = message.answer {
            if let Some(sender) = self.hello.take() {
                // Nobody waits where the start was given up.
                let _ = sender.send(hello);
            }
            return;
        }
        let mut calls = self.shared.calls();
        // Answers to a call that was given up are let go.
        if let Some((call, round_trips)) = calls.open.get(&message.id) {
            let _ = call.send(message.answer);
            calls.round_trips = calls.round_trips.max(*round_trips);
        }
    }

    fn epitaph(&self) -> String {
        let mut why = match self.exit {
            Some(rc) => format!("the remote ended with status {rc}"),
            None => "the host hung up".to_owned(),
        };
        let said = String::from_utf8_lossy(&self.stderr);
        if !said.trim().is_empty() {
            why.push_str("; it said: ");
            why.push_str(said.trim());
        }
        why
    }
}
