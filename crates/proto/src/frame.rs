//! The frames of the WebSocket: what a client says and what the server says.

use chinwag_core::id::{Epoch, Key, RoomId, Seq, SessionId, UserId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::code::ErrorCode;
use crate::rest::{Me, Receipts, Room, UserName};

/// The first frame of a client, within 10 s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Hello {
    /// The access token.
    pub token: String,
    /// The epoch that the cursors belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub epoch: Option<Epoch>,
    /// For each room that is to be resumed, the last `seq` that was applied. At most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<(RoomId, Seq)>>")]
    pub cursors: Vec<(RoomId, Seq)>,
}

/// Post a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct MessageSend {
    /// The client's own number for the command; its answer carries the same.
    #[serde(rename = "ref")]
    pub reference: u64,
    pub room: RoomId,
    pub key: Key,
    /// 1 to 16,384 bytes.
    pub text: String,
}

/// Erase a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct MessageDelete {
    #[serde(rename = "ref")]
    pub reference: u64,
    pub room: RoomId,
    pub key: Key,
    /// The message's `seq`.
    pub target: Seq,
}

/// The next page of my rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct RoomList {
    #[serde(rename = "ref")]
    pub reference: u64,
    /// `next` of the page before; the first page without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub after: Option<String>,
}

/// One room, as the list has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct RoomGet {
    #[serde(rename = "ref")]
    pub reference: u64,
    pub room: RoomId,
}

/// The room's log after a cursor: `event` frames in order, then the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct RoomSync {
    #[serde(rename = "ref")]
    pub reference: u64,
    pub room: RoomId,
    pub after: Seq,
    /// 1 to 100; 100 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// I have received, or read, up to here. One of the two is said at least; what was read was delivered.
/// A `delivered` alone and without a `ref` is gathered for up to a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct ReceiptSet {
    /// Without it no reply comes.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reference: Option<u64>,
    pub room: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub read: Option<Seq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub delivered: Option<Seq>,
}

/// What I have begun to write in a room, for my other devices; it replaces what was kept before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct DraftSet {
    #[serde(rename = "ref")]
    pub reference: u64,
    pub room: RoomId,
    pub key: Key,
    /// At most 16,384 bytes; empty where there is nothing any more.
    pub text: String,
}

/// I type, or stopped. True for 6 s; say it again every 3 s. Never answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct TypingSet {
    pub room: RoomId,
    pub on: bool,
}

/// These users are on my screen: tell me who is online, now and when it changes. At most 100; it
/// replaces the list before. Those I share no room with are left out. Never answered but by signals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct PresenceWatch {
    pub users: Vec<UserId>,
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, TS)]
#[serde(tag = "type")]
pub enum ClientFrame {
    #[serde(rename = "hello")]
    Hello(Hello),
    #[serde(rename = "message.send")]
    MessageSend(MessageSend),
    #[serde(rename = "message.delete")]
    MessageDelete(MessageDelete),
    #[serde(rename = "room.list")]
    RoomList(RoomList),
    #[serde(rename = "room.get")]
    RoomGet(RoomGet),
    #[serde(rename = "room.sync")]
    RoomSync(RoomSync),
    #[serde(rename = "receipt.set")]
    ReceiptSet(ReceiptSet),
    #[serde(rename = "draft.set")]
    DraftSet(DraftSet),
    #[serde(rename = "typing.set")]
    TypingSet(TypingSet),
    #[serde(rename = "presence.watch")]
    PresenceWatch(PresenceWatch),
    /// A sign of life; say it when nothing else was said for 20 s.
    #[serde(rename = "ping")]
    Ping,
}

/// The server's figures that a client must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Limits {
    pub text_bytes: u32,
    pub frame_bytes: u32,
    pub in_flight: u32,
    pub page: u32,
    pub cursors: u32,
    pub watch: u32,
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Ready {
    pub epoch: Epoch,
    /// True where the epoch or a cursor is not of this history: read everything afresh, keep what
    /// is unsent.
    pub reset: bool,
    pub session: SessionId,
    pub user: Me,
    /// My first 100 rooms, the most recent first.
    pub rooms: Vec<Room>,
    /// The names of those who appear in `rooms`.
    pub users: Vec<UserName>,
    /// Where there are more rooms: what `room.list` takes as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
    /// True where there are more rooms.
    pub more: bool,
    /// On an event stream: its name, for `/v1/stream/{stream}/…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub stream: Option<String>,
    pub limits: Limits,
    /// The server's clock, Unix milliseconds.
    pub now_ms: u64,
}

/// Something that happened in a room and is kept. See `docs/protocol.md` for the body of each kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Event {
    pub room: RoomId,
    /// Its number in the room: 1, 2, 3 … with no hole.
    pub seq: Seq,
    /// A message's ordinal among the room's messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub n: Option<u64>,
    pub id: String,
    /// The key that the sender gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub key: Option<Key>,
    /// `message`, `deletion`, `room_created`, `room_updated`, `member_joined`, `member_left`,
    /// `member_role`; in a `self` room also `room_added`, `room_removed`, `room_read`, `draft`. Skip
    /// what you do not know, but count its `seq`.
    pub kind: String,
    pub from: UserId,
    pub at_ms: u64,
    /// On a message in a page, or a draft that was superseded: the `seq` of the last change to it. Skip
    /// a change that is not above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rev: Option<Seq>,
    /// None where it was erased.
    #[schema(value_type = Option<Object>)]
    #[ts(type = "Record<string, unknown> | null")]
    pub body: Option<serde_json::Value>,
}

/// A command was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Reply {
    #[serde(rename = "ref")]
    pub reference: u64,
    /// Of the event that the command made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seq: Option<Seq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub n: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub at_ms: Option<u64>,
    /// Of `room.sync`: the room's newest event when the log was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub head_seq: Option<Seq>,
    /// Of `room.sync` and `room.list`: there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub more: Option<bool>,
    /// Of `room.list`: what gives the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
    /// Of `room.list` and `room.get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rooms: Option<Vec<Room>>,
    /// The names of those who appear in `rooms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub users: Option<Vec<UserName>>,
}

impl Reply {
    /// That it is done, and no more.
    #[must_use]
    pub fn to(reference: u64) -> Self {
        Self {
            reference,
            seq: None,
            n: None,
            id: None,
            at_ms: None,
            head_seq: None,
            more: None,
            next: None,
            rooms: None,
            users: None,
        }
    }
}

/// A command was refused, or a frame was not understood (then there may be no `ref`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct ErrorFrame {
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reference: Option<u64>,
    pub code: ErrorCode,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub retry_after_ms: Option<u64>,
}

/// Something that is true now and is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignalFrame {
    /// True for 6 s unless it is said again.
    Typing {
        room: RoomId,
        user: UserId,
        on: bool,
    },
    Presence {
        user: UserId,
        online: bool,
    },
    /// Someone on my screen, or I myself, is shown like this from now on.
    Profile {
        user: UserName,
    },
}

/// How far all the others in a room have come: what a message of mine from `…_from` to `…_all`, both
/// within, has of ticks. Two of a pair are there, or neither: then it is no message. At most once a
/// second a room, where it is not as before; a lower `…_all` than the last is old news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct ReceiptFrame {
    pub room: RoomId,
    #[serde(flatten)]
    #[ts(flatten)]
    pub receipts: Receipts,
}

/// You were too slow: sync this room from your cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Lagged {
    pub room: RoomId,
    pub head_seq: Seq,
}

/// The node is leaving: reconnect, at a random moment within this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Drain {
    pub within_ms: u64,
}

/// What the server says. Ignore a `type` that you do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    Ready(Ready),
    Event(Event),
    Reply(Reply),
    Error(ErrorFrame),
    Signal(SignalFrame),
    Receipt(ReceiptFrame),
    Lagged(Lagged),
    Drain(Drain),
    Pong,
}
