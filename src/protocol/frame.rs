//! Frames: a length and a MessagePack payload.
//!
//! ```text
//! +----------------+-------------------------------+
//! | u32 big endian | payload: MessagePack, named   |
//! +----------------+-------------------------------+
//! ```
//!
//! The remote prints [`READY`] once, before its first frame. Whatever stands before it on the
//! stream (a banner, a message of the day, sudo's lecture) is not part of the protocol.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The most bytes that the payload of one frame may have.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The bytes of a file that one [`Chunk`](crate::Chunk) carries at most.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// How many bytes of chunks may be under way before the receiver must have given credit.
pub const CREDIT_BYTES: usize = 1024 * 1024;

/// What the remote prints before its first frame.
pub const READY: &[u8] = b"\n\x01trueup-remote-ready\x01\n";

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed.
    #[error("the stream failed")]
    Stream(#[from] io::Error),
    /// The frame says that it is longer than [`FRAME_BYTES_MAX`].
    #[error("a frame of {bytes} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLong {
        /// What the frame says of its length.
        bytes: usize,
    },
    /// The payload is no message.
    #[error("a frame holds no message: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// The message cannot be written as MessagePack.
    #[error("a message cannot be written: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

/// Returns the message as a frame, its length included.
///
/// # Errors
/// [`FrameError::TooLong`] where the payload is over [`FRAME_BYTES_MAX`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    let mut serializer = rmp_serde::Serializer::new(&mut frame).with_struct_map();
    message.serialize(&mut serializer)?;
    let bytes = frame.len() - 4;
    if bytes > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong { bytes });
    }
    let length = u32::try_from(bytes).map_err(|_| FrameError::TooLong { bytes })?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// Reads the length that a frame starts with.
///
/// # Errors
/// [`FrameError::TooLong`] where it is over [`FRAME_BYTES_MAX`].
pub fn payload_length(header: [u8; 4]) -> Result<usize, FrameError> {
    let bytes = u32::from_be_bytes(header) as usize;
    if bytes > FRAME_BYTES_MAX { Err(FrameError::TooLong { bytes }) } else { Ok(bytes) }
}

/// Returns the message that a payload holds.
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameError> {
    Ok(rmp_serde::from_slice(payload)?)
}

/// Writes one frame to a blocking stream and flushes it.
pub fn write<T: Serialize>(stream: &mut impl Write, message: &T) -> Result<(), FrameError> {
    stream.write_all(&encode(message)?)?;
    Ok(stream.flush()?)
}

/// Reads one frame from a blocking stream, or `None` where the stream ended between frames.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut header = [0; 4];
    match stream.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut payload = vec![0; payload_length(header)?];
    stream.read_exact(&mut payload)?;
    Ok(Some(decode(&payload)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FromRemote, Order, Request, ToRemote};

    #[test]
    fn a_message_survives_the_way() {
        let request = Request { module: "ping".into(), ..Request::default() };
        let message = ToRemote { id: 7, order: Order::Run(Box::new(request)) };
        let mut stream = Vec::new();
        write(&mut stream, &message).unwrap();
        let read_back: ToRemote = read(&mut stream.as_slice()).unwrap().unwrap();
        assert_eq!(read_back, message);
    }

    #[test]
    fn the_end_between_frames_is_no_error() {
        assert!(read::<FromRemote>(&mut [].as_slice()).unwrap().is_none());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_it_is_read() {
        let error = read::<FromRemote>(&mut [0xff, 0xff, 0xff, 0xff].as_slice()).unwrap_err();
        assert!(matches!(error, FrameError::TooLong { bytes: 0xffff_ffff }));
    }

    #[test]
    fn a_payload_that_is_no_message_is_refused() {
        let error = read::<FromRemote>(&mut [0, 0, 0, 1, 0xc1].as_slice()).unwrap_err();
        assert!(matches!(error, FrameError::Decode(_)));
    }
}
