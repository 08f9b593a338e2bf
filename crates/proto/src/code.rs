//! Error and close codes: what each means and who must do what. Codes are added, never reused.

use serde::{Deserialize, Serialize};

pub use crate::ws::CloseCode;

/// What went wrong with a request or command.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Malformed, of an unknown type, or with a field that is missing or out of its range. Mend it.
    Invalid,
    /// No token, or a wrong, expired or revoked one. Refresh or sign in.
    Unauthorized,
    /// You see it, but your role may not. Ask someone whose role may.
    Forbidden,
    /// There is none that you may see.
    NotFound,
    /// This path has other methods.
    MethodNotAllowed,
    /// This key was used with another body. Make a new key.
    KeyConflict,
    /// The handle is taken. Choose another.
    Taken,
    /// A frame or body over the limit.
    TooLarge,
    /// Too many for now. Wait `retry_after_ms`.
    RateLimited,
    /// A queue is full or the node drains: nothing changed. Try again.
    Busy,
    /// The database cannot be reached; what became of the command is not known. Try again with the
    /// same key.
    Unavailable,
}

impl ErrorCode {
    pub const ALL: &'static [Self] = &[
        Self::Invalid,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::KeyConflict,
        Self::Taken,
        Self::TooLarge,
        Self::RateLimited,
        Self::Busy,
        Self::Unavailable,
    ];

    /// The code on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::KeyConflict => "key_conflict",
            Self::Taken => "taken",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }

    /// The HTTP status of a REST answer (RFC 9110).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::KeyConflict | Self::Taken => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Busy | Self::Unavailable => 503,
        }
    }
}

/// Why the server closes a WebSocket, with the reason it sends along for the one who debugs a
/// client. Below 4000 the meaning is RFC 6455's.
pub const CLOSE_CODES: &[(CloseCode, &str)] = &[
    (CloseCode::NORMAL, "bye"),
    (CloseCode::PROTOCOL, "a broken frame"),
    (CloseCode::UNSUPPORTED, "text frames only"),
    (CloseCode::INVALID_DATA, "invalid UTF-8"),
    (CloseCode::POLICY, "too many fragments, control frames or cursors"),
    (CloseCode::TOO_BIG, "a message over 64 KiB"),
    (CloseCode::INTERNAL, "internal error"),
    (CloseCode::RESTART, "come back"),
    (CloseCode::UNAUTHORIZED, "no valid access token"),
    (CloseCode::TIMED_OUT, "no hello in time, or silent for too long"),
];

/// An error as REST answers it (`application/problem+json`, RFC 9457) and as a socket's `error`
/// frame carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Problem {
    pub code: ErrorCode,
    /// A sentence for the one who wrote the client, in English.
    pub message: String,
    /// The field that is wrong, as a path (`members[2]`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// Milliseconds after which trying again makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, retry_after_ms: None }
    }

    /// A field that is missing or out of its range.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorCode::Invalid, message) }
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is none that you may see")
    }

    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::Unauthorized, "a valid access token is needed")
    }

    /// Nothing changed; trying again after `retry_after_ms` makes sense.
    #[must_use]
    pub fn retry(code: ErrorCode, message: impl Into<String>, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(code, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_what_serialises() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_string(code).expect("a name serialises");
            assert_eq!(json, format!("\"{}\"", code.name()));
        }
    }
}
