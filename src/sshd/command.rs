//! A command that a client asked for, as a child process.

use std::{io, process::Stdio};

use bytes::Bytes;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, server::Msg};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
};

use crate::ServerSettings;

/// Bytes that are read from a child at once.
const READ_BYTES: usize = 32 * 1024;

/// What SSH calls the second stream of output.
const EXTENDED_DATA_STDERR: u32 = 1;

/// Runs a command until it ends or its client goes away, and says how it ended.
pub(crate) async fn run(
    settings: &ServerSettings,
    user: &str,
    command: &str,
    channel: Channel<Msg>,
) {
    let (reader, writer) = channel.split();
    if let Err(error) = attend(settings, user, command, reader, &writer).await {
        tracing::debug!(%error, command, "a command was given up");
    }
    // A client that is gone hears none of this.
    let _ = writer.close().await;
}

async fn attend(
    settings: &ServerSettings,
    user: &str,
    command: &str,
    mut reader: ChannelReadHalf,
    writer: &ChannelWriteHalf<Msg>,
) -> Result<(), russh::Error> {
    if let Some(refusal) = &settings.faults.refusal {
        writer.data_bytes(refusal.stdout.clone()).await?;
        writer.extended_data_bytes(EXTENDED_DATA_STDERR, refusal.stderr.clone()).await?;
        writer.eof().await?;
        return writer.exit_status(refusal.status).await;
    }
    if !settings.faults.noise.is_empty() {
        writer.data_bytes(settings.faults.noise.clone()).await?;
    }
    let mut child = match spawn(settings, user, command) {
        Ok(child) => child,
        Err(error) => {
            let text = format!("{}: {error}\n", settings.folder.display());
            writer.extended_data_bytes(EXTENDED_DATA_STDERR, text.into_bytes()).await?;
            return writer.exit_status(127).await;
        }
    };
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let output = async {
        let out = copy(stdout, writer, None);
        let err = copy(stderr, writer, Some(EXTENDED_DATA_STDERR));
        tokio::try_join!(out, err)?;
        Ok::<_, russh::Error>(child.wait().await)
    };
    let ended = tokio::select! {
        ended = output => Some(ended),
        // Nobody is at the other end any more.
        () = feed(stdin, &mut reader) => None,
    };
    if let (None | Some(Err(_)), Some(group)) = (&ended, group) {
        // A group that has ended by itself needs no end.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let Some(status) = ended else { return Ok(()) };
    let status = status??;
    writer.eof().await?;
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => writer.exit_status(u32::try_from(code).unwrap_or(255)).await,
        (None, Some(signal)) => writer.exit_status(128 + u32::try_from(signal).unwrap_or(0)).await,
        (None, None) => writer.exit_status(255).await,
    }
}

fn spawn(settings: &ServerSettings, user: &str, command: &str) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(&settings.folder)
        .env("HOME", &settings.folder)
        .env("USER", user)
        .env("LOGNAME", user)
        .envs(settings.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn copy(
    from: Option<impl AsyncRead + Unpin>,
    to: &ChannelWriteHalf<Msg>,
    kind: Option<u32>,
) -> Result<(), russh::Error> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        let bytes = Bytes::copy_from_slice(bytes);
        match kind {
            None => to.data_bytes(bytes).await?,
            Some(kind) => to.extended_data_bytes(kind, bytes).await?,
        }
    }
}

/// Hands what the client sends to the child; returns when the channel is gone.
async fn feed(mut stdin: Option<ChildStdin>, reader: &mut ChannelReadHalf) {
    while let Some(message) = reader.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                if let Some(open) = &mut stdin
                    && open.write_all(&data).await.is_err()
                {
                    stdin = None;
                }
            }
            ChannelMsg::Eof => stdin = None,
            ChannelMsg::Close | ChannelMsg::Signal { signal: Sig::KILL | Sig::TERM | Sig::HUP } => {
                return;
            }
            _ => {}
        }
    }
}
