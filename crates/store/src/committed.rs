//! The one ordered stream of what is now true.

use std::sync::Arc;

use chinwag_core::event::{Event, Origin};
use chinwag_core::id::{RoomId, SessionId, UserId};
use chinwag_core::profile::Profile;

use crate::write::Refusal;

/// An event that is on disk. Only this crate makes it, after the transaction is; nothing else may be
/// published.
#[derive(Debug, Clone)]
pub struct Committed {
    event: Arc<Event>,
    origin: Option<Origin>,
}

impl Committed {
    pub(crate) fn new(event: Arc<Event>, origin: Option<Origin>) -> Self {
        Self { event, origin }
    }

    #[must_use]
    pub fn event(&self) -> &Arc<Event> {
        &self.event
    }

    /// The connection whose command made the event, and which must be answered before it.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }
}

/// What one transaction came to, in order, for those who are told: every shard gets the same batch.
#[derive(Debug, Clone)]
pub enum Told {
    Committed(Committed),
    /// Answer a command that was done before: the event of then, to its sender alone.
    Repeated {
        origin: Origin,
        event: Arc<Event>,
    },
    /// Answer a command that had nothing to change.
    Unchanged {
        origin: Origin,
    },
    /// Answer a command that was refused.
    Refused {
        origin: Origin,
        refusal: Refusal,
    },
    /// These sessions are over: close their sockets, refuse their tokens.
    Revoked {
        user: UserId,
        sessions: Vec<SessionId>,
    },
    /// An account is shown like this from now on.
    Profile(Arc<Profile>),
    /// In these rooms somebody's marks moved, or somebody came or went: the ticks may be others.
    Marked(Vec<RoomId>),
    /// A user has switched read receipts on or off; `rooms` are all of theirs.
    ReadShared {
        user: UserId,
        on: bool,
        rooms: Vec<RoomId>,
    },
    /// When those of the transaction's commands that are traced came how far.
    #[cfg(feature = "otlp")]
    Traced(Arc<[crate::trace::Sent]>),
}
