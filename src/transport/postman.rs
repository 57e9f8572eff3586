//! What stands in for the stream to a remote that is started for each request.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::{self, Read},
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
    Become, ConnectError, RemoteError,
    letters::{Post, Script},
    pipe::Output,
};

/// How many files one request may ask for.
const FILES_MAX: usize = 64;

/// How much of what a remote complains of is kept for messages, from its end.
const STDERR_BYTES_MAX: usize = 4096;

/// Seconds that a remote has, over a request's own timeout, to end it.
const TIMEOUT_GRACE_SECS: u64 = 30;

/// Takes the orders of a [`Remote`](crate::Remote) and has each performed by a start of the binary.
pub(crate) struct Postman {
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
    /// A postman for the remote of one user, which `text` starts for a request.
    pub(crate) fn new(
        post: Post,
        become_: Option<Become>,
        text: String,
        orders: mpsc::Receiver<Bytes>,
        answers: mpsc::Sender<Output>,
    ) -> Self {
        let (buffer, waiting) = (BytesMut::new(), VecDeque::new());
        Self { post, become_, text, orders, buffer, waiting, answers }
    }

    /// Works until nobody has orders any more, or the way is broken.
    pub(crate) async fn run(mut self) {
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
