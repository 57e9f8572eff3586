//! A running command: bytes in, bytes and an exit status out, over SSH or as a child process.

use std::{io, process::ExitStatus};

use bytes::{Bytes, BytesMut};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client::Msg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    runtime::Handle,
    sync::mpsc,
};

use crate::error::CallError;

/// What a running command does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// It prints.
    Stdout(Bytes),
    /// It complains.
    Stderr(Bytes),
    /// It has ended; 128 and the signal's number where a signal ended it.
    Exit(i32),
    /// The way to it has failed.
    Broken(CallError),
}

/// Bytes that are read from a child at once.
const READ_BYTES: usize = 64 * 1024;

/// What SSH calls the second stream of output.
const EXTENDED_DATA_STDERR: u32 = 1;

/// Both directions of a running command.
pub(crate) struct Pipe {
    pub(crate) reader: PipeReader,
    pub(crate) writer: PipeWriter,
}

/// What comes from a running command.
pub(crate) enum PipeReader {
    Ssh(ChannelReadHalf),
    Child(Box<ChildReader>),
    Letters(mpsc::Receiver<Output>),
}

/// What goes to a running command. Dropping it ends a child's input, and closes an SSH channel, so
/// that the server hangs up on the command.
pub(crate) enum PipeWriter {
    Ssh(OpenChannel),
    Child(Option<ChildStdin>),
    Letters(Option<mpsc::Sender<Bytes>>),
}

/// The writing half of a channel that is not closed yet.
pub(crate) struct OpenChannel(Option<ChannelWriteHalf<Msg>>);

impl Drop for OpenChannel {
    fn drop(&mut self) {
        // The library leaves a channel open that nobody holds. Where there is no runtime any more
        // there is no connection either.
        if let (Some(channel), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { drop(channel.close().await) });
        }
    }
}

pub(crate) struct ChildReader {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    ended: bool,
}

impl Pipe {
    /// Makes a pipe of a channel on which a command was started.
    pub(crate) fn of_channel(channel: Channel<Msg>) -> Self {
        let (reader, writer) = channel.split();
        let writer = PipeWriter::Ssh(OpenChannel(Some(writer)));
        Self { reader: PipeReader::Ssh(reader), writer }
    }

    /// Makes a pipe of a child process whose three streams are pipes.
    pub(crate) fn of_child(mut child: Child) -> Self {
        let writer = PipeWriter::Child(child.stdin.take());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let reader = ChildReader { child, stdout, stderr, ended: false };
        Self { reader: PipeReader::Child(Box::new(reader)), writer }
    }
}

impl PipeReader {
    /// Waits for the next thing that the command does; `None` once it is over. Dropping the future
    /// loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Output> {
        match self {
            Self::Child(child) => child.next().await,
            Self::Letters(answers) => answers.recv().await,
            Self::Ssh(channel) => loop {
                match channel.wait().await? {
                    ChannelMsg::Data { data } => return Some(Output::Stdout(data)),
                    ChannelMsg::ExtendedData { data, ext: EXTENDED_DATA_STDERR } => {
                        return Some(Output::Stderr(data));
                    }
                    ChannelMsg::ExitStatus { exit_status } => {
                        return Some(Output::Exit(i32::try_from(exit_status).unwrap_or(i32::MAX)));
                    }
                    ChannelMsg::ExitSignal { signal_name, .. } => {
                        return Some(Output::Exit(128 + signal_number(&signal_name)));
                    }
                    // The server will not run the command; it says nothing else.
                    ChannelMsg::Failure => return None,
                    _ => {}
                }
            },
        }
    }
}

impl ChildReader {
    async fn next(&mut self) -> Option<Output> {
        loop {
            if self.stdout.is_none() && self.stderr.is_none() {
                if self.ended {
                    return None;
                }
                let status = self.child.wait().await;
                self.ended = true;
                return status.ok().map(|status| Output::Exit(exit_code(status)));
            }
            let mut out = BytesMut::with_capacity(READ_BYTES);
            let mut err = BytesMut::with_capacity(READ_BYTES);
            // Reading into a buffer that is thrown away where the other branch wins loses nothing:
            // a branch that did not win has read nothing.
            tokio::select! {
                read = read_some(&mut self.stdout, &mut out) => match read {
                    Ok(bytes) if bytes > 0 => return Some(Output::Stdout(out.freeze())),
                    _ => self.stdout = None,
                },
                read = read_some(&mut self.stderr, &mut err) => match read {
                    Ok(bytes) if bytes > 0 => return Some(Output::Stderr(err.freeze())),
                    _ => self.stderr = None,
                },
            }
        }
    }
}

/// Reads from a stream that may have ended, which then never gets ready.
async fn read_some(
    stream: &mut Option<impl AsyncReadExt + Unpin>,
    buffer: &mut BytesMut,
) -> io::Result<usize> {
    match stream {
        Some(stream) => stream.read_buf(buffer).await,
        None => std::future::pending().await,
    }
}

impl PipeWriter {
    /// Writes all of it. A future that is dropped may have written a part.
    pub(crate) async fn write(&mut self, bytes: impl Into<Bytes>) -> io::Result<()> {
        let bytes = bytes.into();
        match self {
            Self::Ssh(OpenChannel(Some(channel))) => {
                channel.data_bytes(bytes).await.map_err(io::Error::other)
            }
            Self::Child(Some(stdin)) => {
                stdin.write_all(&bytes).await?;
                stdin.flush().await
            }
            Self::Letters(Some(orders)) => {
                orders.send(bytes).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
            Self::Ssh(OpenChannel(None)) | Self::Child(None) | Self::Letters(None) => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    /// Tells the command that nothing more will come.
    pub(crate) async fn end(&mut self) {
        match self {
            // A channel that is gone needs no end.
            Self::Ssh(OpenChannel(channel)) => {
                if let Some(channel) = channel {
                    drop(channel.eof().await);
                }
            }
            Self::Child(stdin) => drop(stdin.take()),
            Self::Letters(orders) => drop(orders.take()),
        }
    }

    /// Tells the server that nobody listens any more.
    pub(crate) async fn close(&mut self) {
        match self {
            Self::Ssh(OpenChannel(channel)) => {
                if let Some(channel) = channel.take() {
                    drop(channel.close().await);
                }
            }
            Self::Child(stdin) => drop(stdin.take()),
            Self::Letters(orders) => drop(orders.take()),
        }
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Numbers of the signals that SSH knows by name (RFC 4254, 6.10), as Linux has them.
fn signal_number(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        _ => 0,
    }
}
