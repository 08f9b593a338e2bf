//! The WebSocket framing (RFC 6455), without I/O: bytes in, messages out, and the way back.
//!
//! Nothing here reads a socket, waits, or knows a connection. The driver reads into a scratch buffer
//! that all connections of a thread share, and hands each slice, of whatever size, to the connection's
//! [`Decoder`]; messages come out borrowed from that slice, unmasked in place.
//!
//! Invariants
//! - *Idle owns nothing.* Once [`Decoder::next`] has answered `None` between two messages, the decoder
//!   holds no memory beyond its own 64 bytes.
//! - *Only what arrived is kept.* A declared length is compared with [`Limits`], never allocated.
//! - *Splits do not show.* The messages and the [`Violation`] depend on the stream alone, not on where
//!   the network cut it.
//! - *Strict and early.* Text is refused at the first byte that cannot be UTF-8, in whatever fragment.
//!
//! Absent on purpose: extensions. `permessage-deflate` is never offered, so a set RSV bit is an error.
//!
//! Reading order: [`handshake`], [`Decoder`], [`encode`], [`CloseCode`].
//!
//! ```
//! use chinwag_proto::ws::{Decoder, Limits, Message, Opcode, Role, encode};
//!
//! let mut scratch = Vec::new();
//! encode::client_frame(&mut scratch, Opcode::Text, true, b"hi", [1, 2, 3, 4]);
//!
//! let mut decoder = Decoder::new(Role::Server, Limits::default());
//! let mut input = scratch.as_mut_slice();
//! while let Some(message) = decoder.next(&mut input)? {
//!     assert_eq!(message, Message::Text("hi"));
//! }
//! # Ok::<(), chinwag_proto::ws::Violation>(())
//! ```

pub mod handshake;

mod decode;
pub mod encode;

mod close;
mod header;
mod mask;
mod violation;

#[cfg(test)]
mod properties;

pub use close::CloseCode;
pub use decode::Decoder;
pub use header::Opcode;
pub use violation::Violation;

/// Longest payload of a ping, pong or close frame, in bytes (RFC 6455 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Which end of the connection this is; the other end's frames are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes masked frames alone (RFC 6455 5.1).
    Server,
    /// Takes unmasked frames alone.
    Client,
}

/// What a peer may send before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest message in bytes, all its fragments together. More is [`Violation::MessageTooBig`].
    pub message_bytes: u32,
    /// Most frames of one message, so that empty fragments cannot go on for ever.
    /// More is [`Violation::TooManyFragments`].
    pub fragments: u32,
}

impl Default for Limits {
    /// The wire's limits: 64 KiB, four times the longest text, and 1,024 frames.
    fn default() -> Self {
        Self { message_bytes: 64 * 1024, fragments: 1024 }
    }
}

/// One message or control frame, borrowed until the next call of [`Decoder::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// A whole text message.
    Text(&'m str),
    /// A whole binary message. The codec allows it; the door answers with [`CloseCode::UNSUPPORTED`].
    Binary(&'m [u8]),
    /// To be answered with [`encode::pong`] of the same payload, at most [`CONTROL_BYTES_MAX`].
    Ping(&'m [u8]),
    /// The answer to a ping, or an unasked sign of life.
    Pong(&'m [u8]),
    /// The peer's last word; the decoder swallows all that follows (RFC 6455 5.5.1).
    Close {
        /// `None` when the frame was empty; answer with [`encode::close_without_code`] then.
        code: Option<CloseCode>,
        /// For people, at most 123 bytes, often empty.
        reason: &'m str,
    },
}
