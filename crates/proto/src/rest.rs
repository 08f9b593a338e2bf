//! The bodies of the REST door.

use chinwag_core::id::{Epoch, Key, RoomId, Seq, SessionId, UserId};
use chinwag_core::receipt::Reach;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::frame::Event;

/// Bodies with a password or token in them never show it, not even in a log.
macro_rules! secret {
    ($($type:ty),+ $(,)?) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(…)"))
            }
        }
    )+};
}

secret!(Register, Login, Refresh, Tokens, PasswordChange, PasswordReset, MeDelete);

/// Make an account.
#[derive(Clone, Deserialize, ToSchema, TS)]
pub struct Register {
    /// 3 to 32 of `a-z`, `0-9`, `_` and `.`; unique.
    pub handle: String,
    /// At least 8 characters, at most 1,024 bytes.
    pub password: String,
    /// 1 to 64 characters; the handle without it.
    #[ts(optional)]
    pub display_name: Option<String>,
    /// The code of an invite, where registration asks for one.
    #[ts(optional)]
    pub invite: Option<String>,
    /// `body` for a program that cannot keep a cookie.
    #[ts(optional)]
    pub refresh: Option<RefreshBy>,
}

/// Sign in.
#[derive(Clone, Deserialize, ToSchema, TS)]
pub struct Login {
    pub handle: String,
    pub password: String,
    #[ts(optional)]
    pub refresh: Option<RefreshBy>,
}

/// How the refresh token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RefreshBy {
    /// In a cookie that no script can read.
    Cookie,
    /// In the body.
    Body,
}

/// Get a new access token. A browser sends its cookie and an empty object.
#[derive(Clone, Default, Deserialize, ToSchema, TS)]
pub struct Refresh {
    #[ts(optional)]
    pub refresh_token: Option<String>,
}

/// Signed in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Tokens {
    /// For `Authorization: Bearer` and `hello`.
    pub access_token: String,
    /// Seconds that it is good for.
    pub expires_in_s: u64,
    /// Where the body was asked for; use each once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub refresh_token: Option<String>,
    pub user: Me,
}

/// Change the password. All other sessions end.
#[derive(Clone, Deserialize, ToSchema, TS)]
pub struct PasswordChange {
    pub old: String,
    pub new: String,
}

/// Set a new password with an owner's reset link. All sessions end.
#[derive(Clone, Deserialize, ToSchema, TS)]
pub struct PasswordReset {
    /// What follows `#reset=` in the link.
    pub token: String,
    pub new: String,
}

/// Myself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Me {
    pub id: UserId,
    pub handle: String,
    pub display_name: String,
    /// In the installation: `member`, `admin` or `owner`.
    pub rank: String,
    pub created_at_ms: u64,
    /// The colour of the picture: 0 to 359 degrees of the wheel. Without it choose one by the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 359)]
    #[ts(optional)]
    pub hue: Option<u16>,
    /// Whether I give and get read receipts.
    #[serde(default = "yes")]
    #[ts(optional, as = "Option<bool>")]
    pub read_receipts: bool,
    /// Whether I say when I was last seen, and am told so of others.
    #[serde(default = "yes")]
    #[ts(optional, as = "Option<bool>")]
    pub last_seen: bool,
}

/// A switch that an older server does not know is on.
fn yes() -> bool {
    true
}

/// Change my profile; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct MePatch {
    #[ts(optional)]
    pub display_name: Option<String>,
    /// 0 to 359.
    #[schema(minimum = 0, maximum = 359)]
    #[ts(optional)]
    pub hue: Option<u64>,
    /// Off: I give no read receipts and get none.
    #[ts(optional)]
    pub read_receipts: Option<bool>,
    /// Off: I do not say when I was last seen, and am not told so of others.
    #[ts(optional)]
    pub last_seen: Option<bool>,
}

/// Delete my account.
#[derive(Clone, Deserialize, ToSchema, TS)]
pub struct MeDelete {
    pub password: String,
}

/// Someone whom I may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct UserName {
    pub id: UserId,
    /// Empty for an account that was deleted.
    pub handle: String,
    pub display_name: String,
    /// The colour of the picture: 0 to 359 degrees of the wheel. Without it choose one by the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 359)]
    #[ts(optional)]
    pub hue: Option<u16>,
    /// In the installation: `admin` or `owner`. In the list of `ranked=true` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rank: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Users {
    pub users: Vec<UserName>,
}

/// One signed-in device or browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Session {
    pub id: SessionId,
    /// True for the one that asks.
    pub current: bool,
    /// What its browser or program called itself, shortened.
    pub label: String,
    pub created_at_ms: u64,
    /// When it last asked for an access token.
    pub seen_at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Sessions {
    pub sessions: Vec<Session>,
}

/// Give a user a rank in the installation.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct RankPut {
    /// `member`, `admin` or `owner`.
    pub rank: String,
}

/// Make an invite to the installation.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, TS)]
pub struct InviteCreate {
    /// Seconds until it expires; a week without it, at most a year.
    #[ts(optional)]
    pub expires_in_s: Option<u64>,
    /// How many may register with it; one without it.
    #[ts(optional)]
    pub uses: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Invite {
    pub code: String,
    /// The link to pass on.
    pub link: String,
    pub created_by: UserId,
    pub created_at_ms: u64,
    pub expires_at_ms: u64,
    pub uses: u32,
    pub uses_left: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Invites {
    pub invites: Vec<Invite>,
}

/// An owner's link with which a user sets a new password. It works once, for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct ResetLink {
    pub link: String,
    pub expires_at_ms: u64,
}

/// Whether and how one may register here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Installation {
    /// `open`, `invite` or `closed`.
    pub registration: String,
    /// True until the first account, which will own the installation.
    pub empty: bool,
    pub version: String,
}

/// Under which addresses others reach this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Addresses {
    /// The best first, at most 16; none where it is reached from its own machine alone.
    pub urls: Vec<String>,
}

/// A room as its member sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Room {
    pub id: RoomId,
    /// `direct`, `group`, `channel` or `self`.
    pub kind: String,
    /// None for a direct room (show `peer`) and for one's own.
    pub name: Option<String>,
    /// What of the time before joining is seen: `all` or `since_join`.
    pub history: String,
    /// Who may post: `members` or `admins`.
    pub posting: String,
    /// My role: `reader`, `member`, `admin` or `owner`; none where I am no member.
    pub role: Option<String>,
    /// The other one in a direct room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub peer: Option<UserId>,
    pub members: u64,
    /// The newest event.
    pub head_seq: Seq,
    /// Messages so far; unread is `n` less `read_n`.
    pub n: u64,
    pub read_seq: Seq,
    pub read_n: u64,
    /// What I have received; say so where it is less than I have.
    #[serde(default)]
    #[ts(optional, as = "Option<Seq>")]
    pub delivered_seq: Seq,
    /// How far all the others have come.
    #[serde(default)]
    #[ts(optional, as = "Option<Receipts>")]
    pub receipts: Receipts,
    pub created_at_ms: u64,
    /// The newest in the timeline that I may see.
    pub last: Option<Event>,
    /// What I have begun to write here, on whichever device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub draft: Option<String>,
}

/// How far all the others in a room have come. Two of a pair are there, or neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Receipts {
    /// From the message with this `seq` on …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub delivered_from: Option<Seq>,
    /// … to this one all the others who were there have received each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub delivered_all: Option<Seq>,
    /// From the message with this `seq` on …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub read_from: Option<Seq>,
    /// … to this one all the others who were there, and let it be known, have read each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub read_all: Option<Seq>,
}

impl From<chinwag_core::receipt::Receipts> for Receipts {
    fn from(receipts: chinwag_core::receipt::Receipts) -> Self {
        Self {
            delivered_from: receipts.delivered.map(|reach| reach.from),
            delivered_all: receipts.delivered.map(|reach| reach.all),
            read_from: receipts.read.map(|reach| reach.from),
            read_all: receipts.read.map(|reach| reach.all),
        }
    }
}

impl From<Receipts> for chinwag_core::receipt::Receipts {
    fn from(receipts: Receipts) -> Self {
        let reach = |from: Option<Seq>, all: Option<Seq>| Some(Reach { from: from?, all: all? });
        Self {
            delivered: reach(receipts.delivered_from, receipts.delivered_all),
            read: reach(receipts.read_from, receipts.read_all),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Rooms {
    pub rooms: Vec<Room>,
    /// The names of those who appear in `rooms`.
    pub users: Vec<UserName>,
    /// What gives the next page as `after`; none where this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// Make a room. A direct room that exists is found (200).
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct RoomCreate {
    #[ts(optional)]
    pub key: Option<Key>,
    /// `direct`, `group` or `channel`.
    pub kind: String,
    /// Of a group or channel: 1 to 64 characters.
    #[ts(optional)]
    pub name: Option<String>,
    /// Of a direct room exactly the other one; of the others up to 100 who come in at once.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<UserId>>")]
    pub members: Vec<UserId>,
}

/// Change a room; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct RoomPatch {
    #[ts(optional)]
    pub key: Option<Key>,
    #[ts(optional)]
    pub name: Option<String>,
    #[ts(optional)]
    pub history: Option<String>,
    #[ts(optional)]
    pub posting: Option<String>,
}

/// Join or leave a room, or remove a member.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, TS)]
pub struct Keyed {
    #[ts(optional)]
    pub key: Option<Key>,
}

/// Add a member, or give one another role.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, TS)]
pub struct MemberPut {
    #[ts(optional)]
    pub key: Option<Key>,
    /// `reader`, `member` (without it), `admin` or `owner`.
    #[ts(optional)]
    pub role: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Member {
    pub user: UserName,
    pub role: String,
    pub joined_at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Members {
    pub members: Vec<Member>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// Post a message.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct MessagePost {
    /// Without one a retry makes a second message.
    #[ts(optional)]
    pub key: Option<Key>,
    /// 1 to 16,384 bytes.
    pub text: String,
}

/// The event that a command made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Posted {
    pub seq: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub n: Option<u64>,
    pub id: String,
    pub at_ms: u64,
}

/// A page of the timeline: each message in its current form, notices too, ascending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Messages {
    pub epoch: Epoch,
    pub messages: Vec<Event>,
    pub head_seq: Seq,
}

/// A page of the log, ascending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, TS)]
pub struct Events {
    pub epoch: Epoch,
    pub events: Vec<Event>,
    pub head_seq: Seq,
}

/// How far I have received, or read; one of the two at least.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct Receipt {
    #[ts(optional)]
    pub read: Option<Seq>,
    #[ts(optional)]
    pub delivered: Option<Seq>,
}

/// How far another member has come. Of a message with the `seq` s: not theirs where `from_seq` is above
/// s, read where `read_seq` is not below it, else delivered where `delivered_seq` is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct MemberReceipt {
    pub user: UserName,
    /// Where the membership begins.
    pub from_seq: Seq,
    pub delivered_seq: Seq,
    /// When that moved last, which is not before they received s; 0 where it is not known.
    pub delivered_at_ms: u64,
    /// None where one of us has switched read receipts off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub read_seq: Option<Seq>,
    /// When that moved last, which is not before they read s; 0 where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub read_at_ms: Option<u64>,
}

/// How far each of the others has come, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct MemberReceipts {
    pub receipts: Vec<MemberReceipt>,
}

/// What I have begun to write, for my other devices.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct DraftPut {
    #[ts(optional)]
    pub key: Option<Key>,
    /// At most 16,384 bytes; empty where there is nothing any more.
    pub text: String,
}

/// Whether someone is online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Presence {
    pub user: UserId,
    pub online: bool,
    /// When the last connection ended, Unix milliseconds; none where one of us does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last_seen_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, TS)]
pub struct Presences {
    pub presence: Vec<Presence>,
}

/// Whether I type.
#[derive(Debug, Clone, Deserialize, ToSchema, TS)]
pub struct Typing {
    pub on: bool,
}
