//! What each write does. Every function decides first, by reading, and only then writes: a refusal
//! leaves nothing behind, so a batch needs no savepoints.
//!
//! A right is asked for in one way, `chinwag_core::access::authorise`, and what changes a room takes
//! the [`Permit`](chinwag_core::access::Permit) that it gives.

pub(super) mod accounts;
mod audit;
pub(super) mod drafts;
mod installation;
pub(super) mod members;
mod messages;
mod passwords;
mod receipts;
mod rooms;
mod sessions;

use chinwag_core::event::Event;
use chinwag_core::id::RoomId;

pub(super) use sessions::idle_before_ms;

use self::audit::By;
use super::batch::{Applied, Applying, Batch};
use crate::write::{Operation, Refusal, Submission, Write};

/// What a write must know that is in none of its tables' rows.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The channel that everyone is in.
    pub(crate) general: RoomId,
    /// What lets the first account in where registration is by invite. It is spent once there was
    /// one, whether it came by it or not.
    pub(crate) bootstrap: Option<String>,
}

/// Does one command in the batch's transaction.
pub(super) fn apply(
    batch: &mut Batch<'_>,
    setting: &Setting,
    submission: &Submission,
) -> Applying<Applied> {
    let s = submission;
    match &s.write {
        Write::MessageSend { room, body } => messages::send(batch, s, *room, body),
        Write::MessageDelete { room, target } => messages::delete(batch, s, *room, *target),
        Write::ReceiptSet { room, read, delivered } => {
            receipts::set(batch, s, *room, *read, *delivered)
        }
        Write::DeliveredSet { marks } => receipts::delivered(batch, s, marks),
        Write::DraftSet { room, text, body } => drafts::set(batch, s, *room, text, body),
        Write::RoomCreate { room, kind, name, members, body } => {
            let name = name.as_ref();
            rooms::create(batch, s, &rooms::Plan { room: *room, kind: *kind, name, members, body })
        }
        Write::RoomUpdate { room, name, history, posting, body } => {
            let change =
                rooms::Change { name: name.as_ref(), history: *history, posting: *posting };
            rooms::update(batch, s, *room, &change, body)
        }
        Write::RoomJoin { room } => members::join(batch, s, *room),
        Write::RoomLeave { room } => members::leave(batch, s, *room),
        Write::MemberPut { room, user, role } => members::put(batch, s, *room, *user, *role),
        Write::MemberRemove { room, user } => members::remove(batch, s, *room, *user),
        Write::UserCreate { handle, display_name, password, admission, session } => {
            let account = accounts::Account { handle, display_name, password };
            accounts::create(batch, setting, s, &account, admission, session)
        }
        Write::ProfileSet { display_name, hue } => {
            accounts::profile_set(batch, s, display_name.as_ref(), *hue)
        }
        Write::PrivacySet { read_receipts, last_seen } => {
            accounts::privacy_set(batch, s, *read_receipts, *last_seen)
        }
        Write::SeenSet { seen } => accounts::seen_set(batch, seen),
        Write::PasswordSet { verified, password, keep } => {
            passwords::set(batch, s, verified, password, *keep)
        }
        Write::UserDelete { verified } => accounts::delete(batch, s, verified),
        Write::SessionCreate { verified, session } => sessions::create(batch, s, verified, session),
        Write::SessionRefresh { presented, next } => sessions::refresh(batch, s, *presented, *next),
        Write::SessionRevoke { session } => sessions::revoke(batch, s, *session),
        Write::RankSet { user, rank } => {
            installation::rank_set(batch, s, By::User(s.actor), *user, *rank)
        }
        Write::InviteCreate { code, expires_at_ms, uses } => {
            let by = By::User(s.actor);
            installation::invite_create(batch, s, by, code, *expires_at_ms, *uses)
        }
        Write::InviteDelete { code } => {
            installation::invite_delete(batch, s, By::User(s.actor), code)
        }
        Write::ResetCreate { user, token, expires_at_ms } => {
            let by = By::User(s.actor);
            passwords::reset_create(batch, s, by, *user, *token, *expires_at_ms)
        }
        Write::ResetUse { token, password } => passwords::reset_use(batch, s, *token, password),
        Write::Operate(operation) => operate(batch, s, operation),
    }
}

/// Does what the operator asks for.
fn operate(batch: &mut Batch<'_>, s: &Submission, operation: &Operation) -> Applying<Applied> {
    let by = By::Operator;
    match operation {
        Operation::RankSet { user, rank } => installation::rank_set(batch, s, by, *user, *rank),
        Operation::UserDelete { user } => accounts::remove(batch, s, by, *user),
        Operation::ResetCreate { user, token, expires_at_ms } => {
            passwords::reset_create(batch, s, by, *user, *token, *expires_at_ms)
        }
        Operation::SessionRevoke { session } => sessions::remove(batch, s, by, *session),
        Operation::SessionsRevoke { user } => sessions::remove_all(batch, s, by, *user),
        Operation::InviteCreate { code, expires_at_ms, uses } => {
            installation::invite_create(batch, s, by, code, *expires_at_ms, *uses)
        }
        Operation::InviteDelete { code } => installation::invite_delete(batch, s, by, code),
        Operation::RegistrationSet { registration } => {
            installation::registration_set(batch, s, by, *registration)
        }
    }
}

/// The first outcome of a command whose key was used before in `room`: again where `same` finds it
/// the same command, refused where it is another.
fn repeated(
    batch: &Batch<'_>,
    s: &Submission,
    room: RoomId,
    same: impl FnOnce(&Event) -> bool,
) -> Applying<Option<Applied>> {
    match batch.known(room, s.actor, s.key)? {
        None => Ok(None),
        Some(first) if same(&first) => Ok(Some(Applied::repeated(first))),
        Some(_) => Err(Refusal::KeyConflict.into()),
    }
}
