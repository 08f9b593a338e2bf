//! What happened and is kept (events), and what is true now and is not (signals).

use std::sync::Arc;

use crate::id::{Key, RoomId, Seq, UserId};
use crate::profile::Profile;
use crate::receipt::Receipts;

/// What kind of thing happened, with what the server itself must know of it. Numbers and meanings
/// never change; new ones are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A message. The only kind with an ordinal `n`.
    Message,
    /// The body of the message `target` was erased.
    Deletion { target: Seq },
    /// The room was made.
    RoomCreated,
    /// The room's name or settings changed.
    RoomUpdated,
    /// `user` is a member from this event on, and sees it.
    MemberJoined { user: UserId },
    /// `user` is no member from this event on, and does not see it.
    MemberLeft { user: UserId },
    /// `user` has another role from this event on.
    MemberRole { user: UserId },
    /// In a `self` room: its user was added to `room`.
    RoomAdded { room: RoomId },
    /// In a `self` room: its user left or was removed from `room`.
    RoomRemoved { room: RoomId },
    /// In a `self` room: its user has read on in `room`.
    RoomRead { room: RoomId },
    /// In a `self` room: its user has begun, changed or cleared what is to be said in `room`. The body
    /// of the one before it is erased.
    Draft { room: RoomId },
}

impl EventKind {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Deletion { .. } => "deletion",
            Self::RoomCreated => "room_created",
            Self::RoomUpdated => "room_updated",
            Self::MemberJoined { .. } => "member_joined",
            Self::MemberLeft { .. } => "member_left",
            Self::MemberRole { .. } => "member_role",
            Self::RoomAdded { .. } => "room_added",
            Self::RoomRemoved { .. } => "room_removed",
            Self::RoomRead { .. } => "room_read",
            Self::Draft { .. } => "draft",
        }
    }

    /// True for what is shown in the timeline: messages, and notices about members and the room.
    /// Changes to a message, and what a `self` room keeps for the user's devices, are in the log
    /// alone.
    #[must_use]
    pub fn in_timeline(self) -> bool {
        match self {
            Self::Message
            | Self::RoomCreated
            | Self::RoomUpdated
            | Self::MemberJoined { .. }
            | Self::MemberLeft { .. }
            | Self::MemberRole { .. } => true,
            Self::Deletion { .. }
            | Self::RoomAdded { .. }
            | Self::RoomRemoved { .. }
            | Self::RoomRead { .. }
            | Self::Draft { .. } => false,
        }
    }

    /// The number and subject that the databases keep.
    #[must_use]
    pub fn to_row(self) -> (i64, Option<i64>) {
        match self {
            Self::Message => (1, None),
            Self::Deletion { target } => (2, Some(target.to_i64())),
            Self::RoomCreated => (3, None),
            Self::RoomUpdated => (4, None),
            Self::MemberJoined { user } => (5, Some(user.to_i64())),
            Self::MemberLeft { user } => (6, Some(user.to_i64())),
            Self::MemberRole { user } => (7, Some(user.to_i64())),
            Self::RoomAdded { room } => (8, Some(room.to_i64())),
            Self::RoomRemoved { room } => (9, Some(room.to_i64())),
            Self::RoomRead { room } => (10, Some(room.to_i64())),
            Self::Draft { room } => (11, Some(room.to_i64())),
        }
    }

    /// The kind that [`EventKind::to_row`] gave, or none for a row that this version does not know.
    #[must_use]
    pub fn from_row(number: i64, subject: Option<i64>) -> Option<Self> {
        Some(match (number, subject) {
            (1, None) => Self::Message,
            (2, Some(target)) => Self::Deletion { target: Seq::from_i64(target) },
            (3, None) => Self::RoomCreated,
            (4, None) => Self::RoomUpdated,
            (5, Some(user)) => Self::MemberJoined { user: UserId::from_i64(user) },
            (6, Some(user)) => Self::MemberLeft { user: UserId::from_i64(user) },
            (7, Some(user)) => Self::MemberRole { user: UserId::from_i64(user) },
            (8, Some(room)) => Self::RoomAdded { room: RoomId::from_i64(room) },
            (9, Some(room)) => Self::RoomRemoved { room: RoomId::from_i64(room) },
            (10, Some(room)) => Self::RoomRead { room: RoomId::from_i64(room) },
            (11, Some(room)) => Self::Draft { room: RoomId::from_i64(room) },
            _ => return None,
        })
    }
}

/// Something that happened in a room. Its number and kind never change; its body can be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub room: RoomId,
    pub seq: Seq,
    /// A message's ordinal among the room's messages.
    pub n: Option<u64>,
    pub kind: EventKind,
    /// Who did it.
    pub from: UserId,
    /// Unix milliseconds at the server that took it; never less than the event's before it.
    pub at_ms: u64,
    pub key: Option<Key>,
    /// On a message or a draft that was superseded: the `seq` of the last change to it.
    pub rev: Option<Seq>,
    /// A JSON object, as the door wrote it; none where it was erased.
    pub body: Option<Arc<str>>,
}

impl Event {
    /// The event with its body borrowed.
    #[must_use]
    pub fn as_row(&self) -> EventRow<'_> {
        EventRow {
            room: self.room,
            seq: self.seq,
            n: self.n,
            kind: self.kind,
            from: self.from,
            at_ms: self.at_ms,
            key: self.key,
            rev: self.rev,
            body: self.body.as_deref(),
        }
    }
}

/// An [`Event`] as it lies in the database's page: copied from there to the wire, not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRow<'a> {
    pub room: RoomId,
    pub seq: Seq,
    pub n: Option<u64>,
    pub kind: EventKind,
    pub from: UserId,
    pub at_ms: u64,
    pub key: Option<Key>,
    pub rev: Option<Seq>,
    pub body: Option<&'a str>,
}

impl EventRow<'_> {
    /// The event with a body of its own.
    #[must_use]
    pub fn to_event(&self) -> Event {
        Event {
            room: self.room,
            seq: self.seq,
            n: self.n,
            kind: self.kind,
            from: self.from,
            at_ms: self.at_ms,
            key: self.key,
            rev: self.rev,
            body: self.body.map(Arc::from),
        }
    }
}

/// The connection and `ref` that a command came from, so that its reply can leave just before its
/// event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The shard that owns the connection.
    pub shard: u16,
    pub conn: ConnId,
    /// The client's own number for the command.
    pub reference: u64,
}

/// A place in a shard's table of connections, with the generation that tells its tenants apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnId {
    pub slot: u32,
    pub generation: u32,
}

/// Something that is true now and is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    Typing {
        room: RoomId,
        user: UserId,
        on: bool,
    },
    Presence {
        user: UserId,
        online: bool,
    },
    /// Someone is shown like this from now on.
    Profile(Arc<Profile>),
    /// How far all the others in a room have come. `delivered_moved` is false where nothing but reading
    /// did: then it is not for those who read unseen.
    Receipt {
        room: RoomId,
        receipts: Receipts,
        delivered_moved: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_row() {
        let (user, room) = (UserId::new(1_800_000_000_000, 1), RoomId::new(1_800_000_000_000, 2));
        let kinds = [
            EventKind::Message,
            EventKind::Deletion { target: Seq::new(7) },
            EventKind::RoomCreated,
            EventKind::RoomUpdated,
            EventKind::MemberJoined { user },
            EventKind::MemberLeft { user },
            EventKind::MemberRole { user },
            EventKind::RoomAdded { room },
            EventKind::RoomRemoved { room },
            EventKind::RoomRead { room },
            EventKind::Draft { room },
        ];
        for kind in kinds {
            let (number, subject) = kind.to_row();
            assert_eq!(EventKind::from_row(number, subject), Some(kind));
        }
        assert_eq!(EventKind::from_row(99, None), None);
        assert_eq!(EventKind::from_row(5, None), None);
    }
}
