//! Every durable change there is, and what becomes of it.

use std::sync::Arc;

use chinwag_core::access::{History, Posting, Rank, Registration, Role, RoomKind};
use chinwag_core::event::{Event, Origin};
use chinwag_core::id::{Key, RoomId, Seq, SessionId, UserId};
use chinwag_core::profile::Hue;
use chinwag_core::text::{DraftText, Handle, Name};
use tokio::sync::oneshot;

use crate::trace::Trace;

/// A change that someone asks for.
#[derive(Debug)]
pub struct Submission {
    pub actor: UserId,
    /// The key of a command that commits an event; the door makes one where the client gave none.
    pub key: Key,
    /// The door's clock, Unix milliseconds. The log's own times never go back.
    pub at_ms: u64,
    pub write: Write,
    pub answer: Answer,
    pub trace: Trace,
}

/// Where the outcome goes.
#[derive(Debug)]
pub enum Answer {
    /// To a connection, in the committed stream, so that reply and event leave in that order.
    Socket(Origin),
    /// To a caller who waits.
    Caller(oneshot::Sender<Result<Written, Refusal>>),
}

/// A durable change. What a user may not do is refused inside the transaction.
#[derive(Debug, Clone)]
pub enum Write {
    /// Append a message. `body` is its JSON object.
    MessageSend {
        room: RoomId,
        body: Arc<str>,
    },
    /// Erase the body of the message `target` and append a deletion.
    MessageDelete {
        room: RoomId,
        target: Seq,
    },
    /// Advance the actor's own marks; never moves one back. What was read was delivered. Where the
    /// read mark moved it appends `room_read` to the actor's `self` room, but for the mark of the
    /// `self` room itself; of a delivery no event tells.
    ReceiptSet {
        room: RoomId,
        read: Option<Seq>,
        delivered: Option<Seq>,
    },
    /// Advance the marks of delivery that were gathered of several users; at most
    /// `DELIVERED_BATCH_MAX`. Those of who is no member (any more) are skipped. `actor` is ignored.
    DeliveredSet {
        marks: Vec<Delivered>,
    },
    /// Keep what the actor has begun to write in `room`, or that there is nothing. `body` is that of the
    /// `draft` appended to the actor's `self` room; the one before it is erased. The same again changes
    /// nothing. The key lives in the actor's `self` room.
    DraftSet {
        room: RoomId,
        text: DraftText,
        body: Arc<str>,
    },
    /// Make a room with its first members. `body` is that of `room_created`. A direct room of the
    /// two that exists is found instead. The key lives in the actor's `self` room.
    RoomCreate {
        room: RoomId,
        kind: RoomKind,
        name: Option<Name>,
        members: Vec<UserId>,
        body: Arc<str>,
    },
    /// Change name or settings. `body` is that of `room_updated`.
    RoomUpdate {
        room: RoomId,
        name: Option<Name>,
        history: Option<History>,
        posting: Option<Posting>,
        body: Arc<str>,
    },
    /// Join a channel. Where nobody is left in it, who joins owns it.
    RoomJoin {
        room: RoomId,
    },
    RoomLeave {
        room: RoomId,
    },
    /// Add a member, or give one another role.
    MemberPut {
        room: RoomId,
        user: UserId,
        role: Role,
    },
    MemberRemove {
        room: RoomId,
        user: UserId,
    },

    /// Make an account with its `self` room, a member of `general`, signed in. The first owns the
    /// installation; who finds `general` empty owns that. `actor` of the submission is the new id.
    UserCreate {
        handle: Handle,
        display_name: Name,
        password: PasswordHash,
        admission: Admission,
        session: NewSession,
    },
    /// The actor's own profile; what is left out stays.
    ProfileSet {
        display_name: Option<Name>,
        hue: Option<Hue>,
    },
    /// Whether the actor gives and gets read receipts, and says and is told when one was last seen;
    /// what is left out stays.
    PrivacySet {
        read_receipts: Option<bool>,
        last_seen: Option<bool>,
    },
    /// When the last connection of each of these users ended; at most `DELIVERED_BATCH_MAX`. Kept only of
    /// those who say so. `actor` is ignored.
    SeenSet {
        seen: Vec<(UserId, u64)>,
    },
    /// Set the actor's password, if it is still `verified`; all sessions but `keep` end, and so does a
    /// reset link.
    PasswordSet {
        verified: PasswordHash,
        password: PasswordHash,
        keep: SessionId,
    },
    /// Erase the actor's account, if its password is still `verified`: sessions, memberships and profile go, the messages stay, from a
    /// nameless user. Where it was a room's last owner, the longest-standing of the highest other
    /// role becomes one.
    UserDelete {
        verified: PasswordHash,
    },

    /// Sign the actor in, if the password is still `verified`: it may have changed since it was read.
    /// Past the limit of sessions the one idle longest ends.
    SessionCreate {
        verified: PasswordHash,
        session: NewSession,
    },
    /// Rotate a refresh token, whose owner is the session's. `actor` of the submission is ignored.
    SessionRefresh {
        presented: TokenHash,
        next: TokenHash,
    },
    /// End one of the actor's sessions.
    SessionRevoke {
        session: SessionId,
    },

    /// Give a user another rank in the installation.
    RankSet {
        user: UserId,
        rank: Rank,
    },
    /// Make an invite to the installation.
    InviteCreate {
        code: String,
        expires_at_ms: u64,
        uses: u32,
    },
    InviteDelete {
        code: String,
    },
    /// Make a link with which `user` sets a new password; an older one of the user ends.
    ResetCreate {
        user: UserId,
        token: TokenHash,
        expires_at_ms: u64,
    },
    /// Set a new password with such a link; all the user's sessions end. `actor` is ignored.
    ResetUse {
        token: TokenHash,
        password: PasswordHash,
    },

    /// What the operator does, who needs no rank: only a door that the operator alone can reach makes
    /// one. `actor` of the submission is [`crate::installation_user`].
    Operate(Operation),
}

/// What whoever can read the database may do: all that the installation's owner may, and more.
#[derive(Debug, Clone)]
pub enum Operation {
    /// As [`Write::RankSet`]; an owner always stays.
    RankSet {
        user: UserId,
        rank: Rank,
    },
    /// As [`Write::UserDelete`], of any account and without its password.
    UserDelete {
        user: UserId,
    },
    ResetCreate {
        user: UserId,
        token: TokenHash,
        expires_at_ms: u64,
    },
    /// End one session, whosever it is.
    SessionRevoke {
        session: SessionId,
    },
    /// End all sessions of a user.
    SessionsRevoke {
        user: UserId,
    },
    InviteCreate {
        code: String,
        expires_at_ms: u64,
        uses: u32,
    },
    InviteDelete {
        code: String,
    },
    /// Say who may register where the configuration does not; none leaves it to the default again.
    RegistrationSet {
        registration: Option<Registration>,
    },
}

/// How far one user has received one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    pub room: RoomId,
    pub user: UserId,
    pub seq: Seq,
}

/// An Argon2id hash in its PHC form.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// SHA-256 of a random token of 256 bits; the token itself is never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// What may let a new account in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Registration is open.
    Open,
    /// An invite's code, checked and used up in the transaction; in an empty installation the
    /// bootstrap code that [`crate::Store::bootstrap_code`] tells.
    Invite(String),
}

/// A device or browser that signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    pub id: SessionId,
    pub refresh: TokenHash,
    /// What the browser or program called itself, at most 120 bytes.
    pub label: String,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// An event was appended; or was before by the same key, and nothing changed now.
    Event { event: Arc<Event>, repeated: bool },
    /// There was nothing to change.
    Unchanged,
    /// The room exists now; `created` is false where it did before (a direct room, or the same key).
    Room { room: RoomId, created: bool },
    /// The account exists and is signed in.
    User { user: UserId, rank: Rank },
    /// A new or refreshed session.
    Session { user: UserId, session: SessionId },
    /// Done, with nothing to tell.
    Done,
}

/// Why a change was refused. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is none that you may see")]
    NotFound,
    #[error("{0}")]
    Forbidden(&'static str),
    /// A field out of its range, which only the transaction could know.
    #[error("{field}: {why}")]
    Invalid { field: &'static str, why: &'static str },
    #[error("this key was used with another body")]
    KeyConflict,
    #[error("the handle is taken")]
    Taken,
    /// A password, refresh token, reset link or invite that is wrong, used, expired or revoked.
    #[error("it is wrong, used up or expired")]
    Unauthorized,
    /// The queue is full or the store is closing: nothing changed.
    #[error("too busy, try again")]
    Busy,
    /// The disk has no room: nothing changed, and nothing is written until there is some.
    #[error("the server's disk is full: nothing changed, try again later")]
    Full,
    /// The database failed; for this command nothing was committed as far as is known.
    #[error("the database cannot be reached, try again with the same key")]
    Unavailable,
}

impl From<chinwag_core::access::Denied> for Refusal {
    fn from(denied: chinwag_core::access::Denied) -> Self {
        match denied {
            chinwag_core::access::Denied::NotFound => Self::NotFound,
            chinwag_core::access::Denied::Forbidden(why) => Self::Forbidden(why),
        }
    }
}
