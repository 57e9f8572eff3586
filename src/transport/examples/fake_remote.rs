//! A remote for tests of the wire: answers frames, and knows modules that put the wire to use.

#![allow(clippy::unwrap_used, reason = "a part of tests may panic as they do")]

use std::{
    collections::HashSet,
    io::{Read, Write, stdin, stdout},
    process::exit,
    sync::mpsc,
};

use flate2::read::DeflateDecoder;
use protocol::{
    Answer, Chunk, Digest, FromRemote, Hello, Order, Request, Response, ToRemote,
    frame::{self, CHUNK_BYTES_MAX, CREDIT_BYTES, READY},
};

fn main() {
    let mut out = stdout().lock();
    out.write_all(READY).unwrap();
    let user = std::env::var("USER").unwrap_or_default();
    let home = std::env::var("HOME").unwrap_or_default();
    let hello = Hello { version: "fake".into(), pid: std::process::id(), uid: 0, user, home };
    say(&mut out, 0, Answer::Hello(hello));
    let (orders, inbox) = mpsc::channel();
    std::thread::spawn(move || {
        let mut input = stdin().lock();
        while let Ok(Some(message)) = frame::read::<ToRemote>(&mut input) {
            if orders.send(message).is_err() {
                return;
            }
        }
    });
    let mut fake = Fake { out, inbox, cancelled: HashSet::new(), later: Vec::new() };
    while let Some(message) = fake.next() {
        match message.order {
            Order::Run(request) => {
                let response = fake.run(message.id, &request);
                say(&mut fake.out, message.id, Answer::Done(Box::new(response)));
            }
            Order::Cancel => {
                fake.cancelled.insert(message.id);
            }
            _ => {}
        }
    }
}

fn say(out: &mut impl Write, id: u64, answer: Answer) {
    frame::write(out, &FromRemote { id, answer }).unwrap();
}

struct Fake<W> {
    out: W,
    inbox: mpsc::Receiver<ToRemote>,
    cancelled: HashSet<u64>,
    later: Vec<ToRemote>,
}

impl<W: Write> Fake<W> {
    fn next(&mut self) -> Option<ToRemote> {
        if self.later.is_empty() { self.inbox.recv().ok() } else { Some(self.later.remove(0)) }
    }

    /// Waits for the next order of one request; others wait in turn.
    fn of(&mut self, id: u64) -> Order {
        loop {
            let Ok(message) = self.inbox.recv() else { exit(0) };
            if message.id == id {
                return message.order;
            }
            self.later.push(message);
        }
    }

    fn run(&mut self, id: u64, request: &Request) -> Response {
        let number = |name: &str| request.args.get(name).and_then(serde_json::Value::as_u64);
        let text = |name: &str| {
            request.args.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let mut response = Response::default();
        let mut put = |name: &str, value: serde_json::Value| {
            response.returned.insert(name.to_owned(), value);
        };
        match request.module.as_str() {
            "ping" => put("ping", "pong".into()),
            "env" => put("value", std::env::var(text("name")).unwrap_or_default().into()),
            "cwd" => put("cwd", std::env::current_dir().unwrap().display().to_string().into()),
            // Asks for a file, and counts it.
            "want" => {
                say(&mut self.out, id, Answer::Want(Digest(text("digest"))));
                let (mut bytes, mut sum, mut most, mut ahead) = (0u64, 0u64, 0, 0usize);
                let mut packed = 0u64;
                let slow = std::time::Duration::from_millis(number("slow_ms").unwrap_or_default());
                loop {
                    match self.of(id) {
                        Order::Chunk(chunk) => {
                            let mut plain = chunk.bytes.clone();
                            if chunk.deflated {
                                plain.clear();
                                let mut decoder = DeflateDecoder::new(chunk.bytes.as_slice());
                                decoder.read_to_end(&mut plain).unwrap();
                                packed += 1;
                            }
                            bytes += plain.len() as u64;
                            sum += plain.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                            ahead += chunk.bytes.len();
                            most = most.max(ahead);
                            // Credit is given late, so that a sender that does not wait is seen.
                            if ahead >= CREDIT_BYTES {
                                std::thread::sleep(slow);
                                say(&mut self.out, id, Answer::Credit(ahead as u32));
                                ahead = 0;
                            }
                            if chunk.last {
                                break;
                            }
                        }
                        Order::Refuse(why) => return Response::failure(why),
                        Order::Cancel => return Response::failure("cancelled"),
                        _ => {}
                    }
                }
                put("bytes", bytes.into());
                put("packed", packed.into());
                put("sum", sum.into());
                put("most", most.into());
            }
            // Sends a file of so many bytes.
            "send" => {
                let mut left = number("bytes").unwrap_or_default() as usize;
                let mut credit = CREDIT_BYTES as i64;
                loop {
                    while credit <= 0 {
                        match self.of(id) {
                            Order::Credit(bytes) => credit += i64::from(bytes),
                            Order::Cancel => return Response::failure("cancelled"),
                            _ => {}
                        }
                    }
                    let part = left.min(CHUNK_BYTES_MAX);
                    left -= part;
                    credit -= part as i64;
                    let chunk = Chunk { bytes: vec![7; part], last: left == 0, deflated: false };
                    say(&mut self.out, id, Answer::Chunk(chunk));
                    if left == 0 {
                        break;
                    }
                }
            }
            // Runs until it is cancelled.
            "wait" => match self.of(id) {
                Order::Cancel => {
                    self.cancelled.insert(id);
                }
                order => return Response::failure(format!("{order:?}")),
            },
            "cancelled" => put("count", self.cancelled.len().into()),
            "die" => {
                eprintln!("I was told to");
                exit(3);
            }
            // Says something that is no frame.
            "babble" => {
                self.out.write_all(&[0xff; 64]).unwrap();
                self.out.flush().unwrap();
                let _ = std::io::stdin().lock().read(&mut [0; 1]);
            }
            other => return Response::failure(format!("no module {other}")),
        }
        response
    }
}
