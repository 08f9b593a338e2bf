//! Who calls: passwords, access and refresh tokens, and the sessions that are over.

pub(crate) mod cookie;
pub(crate) mod password;
pub(crate) mod revoked;
pub(crate) mod token;

use chinwag_core::id::{SessionId, UserId};

/// Someone whose access token was good and whose session was not revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub user: UserId,
    pub session: SessionId,
}
