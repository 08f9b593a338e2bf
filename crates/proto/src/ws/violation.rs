//! What a peer can do wrong, and with which code it is told.

use super::CloseCode;

/// Why a stream was refused. Its `Display` is short enough for a close frame's reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// RSV1, RSV2 or RSV3 is set, though no extension was agreed (RFC 6455 5.2).
    #[error("a reserved bit is set")]
    ReservedBit,
    /// Opcodes 3 to 7 and 11 to 15 have no meaning (RFC 6455 5.2).
    #[error("the opcode is reserved")]
    ReservedOpcode,
    /// A client must mask (RFC 6455 5.1).
    #[error("the frame is not masked")]
    Unmasked,
    /// A server must not mask (RFC 6455 5.1).
    #[error("the frame is masked")]
    Masked,
    /// The length is not in its shortest form (RFC 6455 5.2).
    #[error("the length is not in its shortest form")]
    LengthNotShortest,
    /// The highest bit of a 64-bit length is set (RFC 6455 5.2).
    #[error("the length is negative")]
    LengthNegative,
    /// A control frame carries at most 125 bytes (RFC 6455 5.5).
    #[error("the control frame is longer than 125 bytes")]
    ControlTooLong,
    /// A control frame has no fragments (RFC 6455 5.5).
    #[error("the control frame is fragmented")]
    ControlFragmented,
    /// A continuation without a message to continue (RFC 6455 5.4).
    #[error("there is no message to continue")]
    NothingToContinue,
    /// A new message before the last one ended (RFC 6455 5.4).
    #[error("the message before has not ended")]
    MessageNotEnded,
    /// A close frame's payload is one byte, half a code (RFC 6455 5.5.1).
    #[error("the close frame holds half a code")]
    CloseCodeCut,
    /// A close code that may not stand on the wire (RFC 6455 7.4).
    #[error("the close code is not valid")]
    CloseCodeInvalid,
    /// A close frame's reason is not UTF-8 (RFC 6455 5.5.1).
    #[error("the close reason is not UTF-8")]
    ReasonNotUtf8,
    /// A text message is not UTF-8 (RFC 6455 8.1).
    #[error("the text is not UTF-8")]
    TextNotUtf8,
    /// More bytes than [`Limits::message_bytes`](super::Limits::message_bytes).
    #[error("the message is too big")]
    MessageTooBig,
    /// More frames than [`Limits::fragments`](super::Limits::fragments).
    #[error("the message has too many fragments")]
    TooManyFragments,
}

impl Violation {
    /// The code of the close frame that answers it: 1002, 1007, 1008 or 1009.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBit
            | Self::ReservedOpcode
            | Self::Unmasked
            | Self::Masked
            | Self::LengthNotShortest
            | Self::LengthNegative
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::NothingToContinue
            | Self::MessageNotEnded
            | Self::CloseCodeCut
            | Self::CloseCodeInvalid => CloseCode::PROTOCOL,
            Self::ReasonNotUtf8 | Self::TextNotUtf8 => CloseCode::INVALID_DATA,
            Self::MessageTooBig => CloseCode::TOO_BIG,
            // Each fragment was well formed; it is their number that is not put up with.
            Self::TooManyFragments => CloseCode::POLICY,
        }
    }
}
