//! What is promised: the wire. Frames, REST bodies, error and close codes, the WebSocket codec, and
//! the documents that describe them.
//!
//! Everything here is additive: fields and types are added, never changed; unknown fields are
//! ignored by both sides. Ids are core's; all else is converted by hand, so that a change inside
//! never changes the wire unseen.

pub mod code;
pub mod encode;
pub mod frame;
pub mod parse;
pub mod rest;
pub mod stream;
pub mod typescript;
pub mod ws;

/// The ids on the wire, for those who may not use the core.
pub use chinwag_core::id;
/// What has become of a message, for the same.
pub use chinwag_core::receipt;

/// The subprotocol of the WebSocket.
pub const SUBPROTOCOL: &str = "chinwag.v1";
