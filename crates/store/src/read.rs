//! What can be read: the shapes, and [`Reader`] which reads them in one snapshot.

use chinwag_core::access::{History, Posting, Rank, Role, RoomKind};
use chinwag_core::event::{Event, EventRow};
use chinwag_core::id::{Epoch, RoomId, Seq, SessionId, UserId};
use chinwag_core::profile::Hue;
use chinwag_core::receipt::Receipts;

pub use crate::sqlite::Reader;
use crate::write::Refusal;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    /// Empty for a deleted account.
    pub handle: String,
    pub display_name: String,
    pub rank: Rank,
    pub created_at_ms: u64,
    /// The colour of the picture, where one was chosen.
    pub hue: Option<Hue>,
    /// Gives and gets read receipts.
    pub read_receipts: bool,
    /// Says when they were last seen, and is told so of others.
    pub last_seen: bool,
}

/// One signed-in device or browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub user: UserId,
    pub label: String,
    pub created_at_ms: u64,
    pub seen_at_ms: u64,
}

/// A room as `user` sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomRow {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: Option<String>,
    pub history: History,
    pub posting: Posting,
    pub role: Option<Role>,
    pub peer: Option<UserId>,
    pub members: u64,
    pub head_seq: Seq,
    pub n: u64,
    pub read_seq: Seq,
    pub read_n: u64,
    pub delivered_seq: Seq,
    /// How far all the others have come; empty until whoever shows the room fills it in.
    pub receipts: Receipts,
    pub created_at_ms: u64,
    /// The newest in the timeline that the user may see.
    pub last: Option<Event>,
    /// What the user has begun to write there.
    pub draft: Option<String>,
}

/// A page of the list of rooms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoomPage {
    pub rooms: Vec<RoomRow>,
    /// Those who appear in `rooms`: peers, and senders of `last`.
    pub users: Vec<UserRow>,
    /// What gives the next page.
    pub next: Option<RoomCursor>,
}

/// A place in a list of rooms: after the room of this last activity (or name) and id. As text it is
/// opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCursor {
    pub active_at_ms: u64,
    pub room: RoomId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub user: UserRow,
    pub role: Role,
    pub joined_at_ms: u64,
}

/// How far another member of a room has come, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    pub user: UserRow,
    /// The first event of the membership: they got nothing before it.
    pub join: Seq,
    pub delivered: Seq,
    pub delivered_at_ms: u64,
    /// None where one of the two has switched read receipts off.
    pub read: Option<(Seq, u64)>,
}

/// What is still kept of someone in a room that was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRow {
    pub room: RoomId,
    pub role: Role,
    pub joined_at_ms: u64,
    pub read_seq: Seq,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    pub code: String,
    pub created_by: UserId,
    pub created_at_ms: u64,
    pub expires_at_ms: u64,
    pub uses: u32,
    pub uses_left: u32,
}

/// An account as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorUser {
    pub user: UserRow,
    /// When a session of it was used last, where there was one.
    pub seen_at_ms: Option<u64>,
}

/// A room as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRoom {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: Option<String>,
    pub history: History,
    pub posting: Posting,
    pub members: u64,
    /// Messages.
    pub n: u64,
    pub created_at_ms: u64,
    pub active_at_ms: u64,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub number: u64,
    pub at_ms: u64,
    /// None where it was the operator.
    pub actor: Option<UserId>,
    pub act: String,
    /// To whom it was done, where it was to someone.
    pub subject: Option<UserId>,
    pub detail: String,
}

/// How much of everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub users: u64,
    /// Those that live.
    pub sessions: u64,
    /// Those that are open.
    pub invites: u64,
    pub rooms: Vec<(RoomKind, u64)>,
    pub messages: u64,
    pub audit_lines: u64,
}

/// Which part of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Newest,
    /// Exclusive.
    Before(Seq),
    /// Exclusive.
    After(Seq),
    /// Half before it and it, half after.
    Around(Seq),
    /// Around the first at this time or later (Unix milliseconds); the newest page where there is none.
    Time(u64),
}

/// What a connection needs to begin, from one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    pub epoch: Epoch,
    /// True where the epoch was another or a cursor was above its room's head.
    pub reset: bool,
    pub user: UserRow,
    /// Every room of the user, its `self` room too, with its head.
    pub heads: Vec<(RoomId, Seq)>,
    /// The first page of rooms.
    pub page: RoomPage,
    /// For each cursor with something after it: the missed events in order, or only the head where
    /// they are more than `RESUME_EVENTS_MAX` or do not fit `RESUME_BYTES_MAX`. Empty on reset.
    pub missed: Vec<Missed>,
}

/// What one room has after a cursor.
#[derive(Debug, Clone, PartialEq)]
pub enum Missed {
    Events(Vec<Event>),
    Lagged { room: RoomId, head_seq: Seq },
}

/// The result of a read that someone's rights bound.
pub type Visible<T> = Result<T, Refusal>;

/// A visitor of a page's rows in ascending order; each row's body lies in the database's page.
pub type Visit<'a> = &'a mut dyn FnMut(EventRow<'_>);
