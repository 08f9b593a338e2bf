//! The bodies of the events that the server itself makes inside a transaction.
//!
//! They hold ids, numbers and names from closed lists, so that there is nothing in them to escape.
//! What a person wrote is put into its body by the door.

use std::sync::Arc;

use crate::access::Role;
use crate::id::{RoomId, Seq, UserId};

/// Of [`crate::event::EventKind::Deletion`].
#[must_use]
pub fn deletion(target: Seq) -> Arc<str> {
    format!(r#"{{"target":{target}}}"#).into()
}

/// Of [`crate::event::EventKind::MemberJoined`] and [`crate::event::EventKind::MemberRole`].
#[must_use]
pub fn member(user: UserId, role: Role) -> Arc<str> {
    format!(r#"{{"user":"{user}","role":"{}"}}"#, role.name()).into()
}

/// Of [`crate::event::EventKind::MemberLeft`].
#[must_use]
pub fn member_left(user: UserId) -> Arc<str> {
    format!(r#"{{"user":"{user}"}}"#).into()
}

/// Of [`crate::event::EventKind::RoomAdded`] and [`crate::event::EventKind::RoomRemoved`].
#[must_use]
pub fn room(room: RoomId) -> Arc<str> {
    format!(r#"{{"room":"{room}"}}"#).into()
}

/// Of [`crate::event::EventKind::Draft`], where nothing is left of it.
#[must_use]
pub fn draft_none(room: RoomId) -> Arc<str> {
    format!(r#"{{"room":"{room}","text":""}}"#).into()
}

/// Of [`crate::event::EventKind::RoomRead`].
#[must_use]
pub fn room_read(room: RoomId, read_seq: Seq, read_n: u64) -> Arc<str> {
    format!(r#"{{"room":"{room}","read_seq":{read_seq},"read_n":{read_n}}}"#).into()
}
