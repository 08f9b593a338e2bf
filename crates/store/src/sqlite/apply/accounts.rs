//! Accounts: made, changed, erased.

use std::sync::Arc;

use chinwag_core::access::{Action, Actor, Rank, Role, RoomKind, authorise};
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::profile::{Hue, Profile};
use chinwag_core::text::{Handle, Name};
use rusqlite::params;

use super::audit::{self, By};
use super::members::{is_full, is_only_owner, role_on_joining};
use super::{Setting, installation, passwords, sessions};
use crate::read::UserRow;
use crate::sqlite::batch::{Applied, Applying, Batch, Entry, Joining};
use crate::sqlite::row;
use crate::sqlite::statements as sql;
use crate::write::{Admission, NewSession, PasswordHash, Refusal, Submission, Written};

/// An account that is to be; its number is the submission's actor.
pub(super) struct Account<'a> {
    pub(super) handle: &'a Handle,
    pub(super) display_name: &'a Name,
    pub(super) password: &'a PasswordHash,
}

pub(super) fn create(
    batch: &mut Batch<'_>,
    setting: &Setting,
    s: &Submission,
    account: &Account<'_>,
    admission: &Admission,
    session: &NewSession,
) -> Applying<Applied> {
    let first = !batch.any(sql::USER_ANY, [])?;
    let invite = installation::admission(batch, setting, s, admission, first)?;
    if batch.any(sql::USER_OF_HANDLE, [account.handle.as_str()])? {
        return Err(Refusal::Taken.into());
    }
    let self_room = RoomId::of_self(s.actor);
    let clash = batch.any(sql::USER_KNOWN, [s.actor.to_i64()])?
        || batch.any(sql::ROOM_EXISTS, [self_room.to_i64()])?
        || sessions::is_known(batch, session)?;
    if clash || s.actor == crate::installation_user() {
        return Err(Refusal::Busy.into());
    }
    if let Some(code) = invite {
        batch.run(sql::INVITE_USE, params![code, s.at_ms.cast_signed()])?;
    }
    let rank = if first { Rank::Owner } else { Rank::Member };
    insert(batch, s, account, rank)?;
    batch.room_insert(self_room, RoomKind::SelfRoom, None, s.at_ms)?;
    batch.member_of_self(s.actor, s.at_ms)?;
    general_join(batch, setting, s)?;
    sessions::insert(batch, s.actor, session, s.at_ms)?;
    batch.accounts_changed = true;
    Ok(Applied::silent(Written::User { user: s.actor, rank }))
}

fn insert(batch: &Batch<'_>, s: &Submission, account: &Account<'_>, rank: Rank) -> Applying<()> {
    batch.run(
        sql::USER_INSERT,
        params![
            s.actor.to_i64(),
            account.handle.as_str(),
            account.display_name.as_str(),
            rank.name(),
            account.password.0,
            s.at_ms.cast_signed()
        ],
    )?;
    Ok(())
}

/// Everyone starts in `general`, as long as it has room.
fn general_join(batch: &mut Batch<'_>, setting: &Setting, s: &Submission) -> Applying<()> {
    let (general, actor) = batch.scene(setting.general, s.actor)?;
    if is_full(&general) {
        return Ok(());
    }
    let permit = authorise(actor, general.facts(), Action::Join)?;
    let (room, user, role) = (permit.room(), permit.user(), role_on_joining(&general));
    let joining = Joining { room, user, role, by: user, at_ms: s.at_ms };
    batch.member_join(&joining, None)?;
    Ok(())
}

pub(super) fn profile_set(
    batch: &mut Batch<'_>,
    s: &Submission,
    display_name: Option<&Name>,
    hue: Option<Hue>,
) -> Applying<Applied> {
    let before = batch.first(sql::USER_GET, [s.actor.to_i64()], row::user)?;
    let before = before.filter(|user| !user.handle.is_empty()).ok_or(Refusal::Unauthorized)?;
    let name = display_name.map_or(before.display_name.as_str(), Name::as_str).to_owned();
    let after = UserRow { display_name: name, hue: hue.or(before.hue), ..before.clone() };
    if after == before {
        return Ok(Applied::silent(Written::Unchanged));
    }
    let hue = after.hue.map(Hue::degrees);
    batch.run(sql::USER_PROFILE_SET, params![s.actor.to_i64(), after.display_name, hue])?;
    batch.told.push(Entry::Profile(Arc::new(profile(after))));
    Ok(Applied::silent(Written::Done))
}

/// The rooms are told of too: their ticks are others now.
pub(super) fn privacy_set(
    batch: &mut Batch<'_>,
    s: &Submission,
    read_receipts: Option<bool>,
    last_seen: Option<bool>,
) -> Applying<Applied> {
    let user = s.actor.to_i64();
    let before = batch.first(sql::USER_GET, [user], row::user)?;
    let before = before.filter(|user| !user.handle.is_empty()).ok_or(Refusal::Unauthorized)?;
    let on = read_receipts.unwrap_or(before.read_receipts);
    let last_seen = last_seen.unwrap_or(before.last_seen);
    if (on, last_seen) == (before.read_receipts, before.last_seen) {
        return Ok(Applied::silent(Written::Unchanged));
    }
    batch.run(sql::USER_PRIVACY_SET, params![user, on, last_seen])?;
    if on != before.read_receipts {
        let rooms = batch.numbers(sql::MEMBER_ROOMS, [user])?;
        let rooms = rooms.into_iter().map(RoomId::from_i64).collect();
        batch.told.push(Entry::ReadShared { user: s.actor, on, rooms });
    }
    Ok(Applied::silent(Written::Done))
}

pub(super) fn seen_set(batch: &Batch<'_>, seen: &[(UserId, u64)]) -> Applying<Applied> {
    for (user, at_ms) in seen {
        batch.run(sql::USER_SEEN_SET, params![user.to_i64(), at_ms.cast_signed()])?;
    }
    Ok(Applied::silent(Written::Done))
}

fn profile(user: UserRow) -> Profile {
    Profile {
        user: user.id,
        handle: user.handle.into(),
        display_name: user.display_name.into(),
        hue: user.hue,
    }
}

/// Erases the actor's own account.
pub(super) fn delete(
    batch: &mut Batch<'_>,
    s: &Submission,
    verified: &PasswordHash,
) -> Applying<Applied> {
    passwords::check(batch, s.actor, verified)?;
    let rank = batch.rank(s.actor)?.ok_or(Refusal::Unauthorized)?;
    give_up(batch, s.actor, rank, s.at_ms)
}

/// Erases someone's account.
pub(super) fn remove(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    user: UserId,
) -> Applying<Applied> {
    let rank = batch.rank(user)?.ok_or(Refusal::NotFound)?;
    let erased = give_up(batch, user, rank, s.at_ms)?;
    audit::note(batch, s, by, "user.delete", Some(user), "")?;
    Ok(erased)
}

/// Erases an account that the installation can spare.
fn give_up(batch: &mut Batch<'_>, user: UserId, rank: Rank, at_ms: u64) -> Applying<Applied> {
    let last_owner = rank == Rank::Owner && installation::is_only_owner(batch, user)?;
    if last_owner && batch.any(sql::USER_OTHER, [user.to_i64()])? {
        return Err(Refusal::Forbidden("make someone else the installation's owner first").into());
    }
    if last_owner {
        // Nobody is left, and whoever comes next owns the installation: by no link of before.
        batch.run(sql::INVITES_ERASE, [])?;
    }
    erase(batch, user, at_ms)?;
    Ok(Applied::silent(Written::Done))
}

/// Erases an account, whatever becomes of what it owned. What it wrote stays, from a user without a name.
pub(in crate::sqlite) fn erase(batch: &mut Batch<'_>, user: UserId, at_ms: u64) -> Applying<()> {
    let id = user.to_i64();
    for room in batch.numbers(sql::MEMBER_ROOMS, [id])? {
        depart(batch, user, RoomId::from_i64(room), at_ms)?;
    }
    sessions::revoke_all(batch, user, None, at_ms)?;
    batch.run(sql::RESET_DELETE, [id])?;
    batch.run(sql::USER_ERASE, [id, at_ms.cast_signed()])?;
    let erased = Profile { user, handle: "".into(), display_name: "".into(), hue: None };
    batch.told.push(Entry::Profile(Arc::new(erased)));
    batch.accounts_changed = true;
    Ok(())
}

/// Takes someone whose account ends out of a room. This is no leave that one asks for: it holds in
/// direct rooms too, and for a last owner, whose place is passed on first.
fn depart(batch: &mut Batch<'_>, user: UserId, room: RoomId, at_ms: u64) -> Applying<()> {
    let (found, actor) = batch.scene(room, user)?;
    if room.is_self_of(user) {
        batch.run(sql::EVENTS_ERASE, [room.to_i64()])?;
        return batch.member_end(room, user, found.head);
    }
    pass_on(batch, room, actor, at_ms)?;
    batch.member_leave(room, user, user, at_ms, None)?;
    Ok(())
}

/// Where the actor is the room's last owner, the longest-standing of the highest other role becomes
/// one.
pub(in crate::sqlite) fn pass_on(
    batch: &mut Batch<'_>,
    room: RoomId,
    actor: Actor,
    at_ms: u64,
) -> Applying<()> {
    if actor.role != Some(Role::Owner) || !is_only_owner(batch, room, actor.user)? {
        return Ok(());
    }
    let (id, user) = (room.to_i64(), actor.user.to_i64());
    let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let heir = match batch.first(sql::MEMBER_ADMIN_OLDEST, [id], number)? {
        None => batch.first(sql::MEMBER_OLDEST, [id, user], number)?,
        admin => admin,
    };
    if let Some(heir) = heir.map(UserId::from_i64) {
        batch.member_role(room, heir, Role::Owner, actor.user, at_ms, None)?;
    }
    Ok(())
}
