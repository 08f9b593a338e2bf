//! Accounts: made, changed, erased.

use std::sync::Arc;

use chinwag_core::access::{Action, Actor, Rank, Role, RoomKind, authorise};
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::profile::{Hue, Profile};
use chinwag_core::text::{Handle, Name};
use rusqlite::params;

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

fn profile(user: UserRow) -> Profile {
    Profile {
        user: user.id,
        handle: user.handle.into(),
        display_name: user.display_name.into(),
        hue: user.hue,
    }
}

/// Erases an account. What it wrote stays, from a user without a name.
pub(super) fn delete(
    batch: &mut Batch<'_>,
    s: &Submission,
    verified: &PasswordHash,
) -> Applying<Applied> {
    passwords::check(batch, s.actor, verified)?;
    let rank = batch.rank(s.actor)?.ok_or(Refusal::Unauthorized)?;
    let user = s.actor.to_i64();
    let last_owner = rank == Rank::Owner && installation::is_only_owner(batch, s.actor)?;
    if last_owner && batch.any(sql::USER_OTHER, [user])? {
        return Err(Refusal::Forbidden("make someone else the installation's owner first").into());
    }
    if last_owner {
        // Nobody is left, and whoever comes next owns the installation: by no link of before.
        batch.run(sql::INVITES_ERASE, [])?;
    }
    erase(batch, s)?;
    Ok(Applied::silent(Written::Done))
}

/// Erases the actor's account, whatever becomes of what it owned.
pub(in crate::sqlite) fn erase(batch: &mut Batch<'_>, s: &Submission) -> Applying<()> {
    let user = s.actor.to_i64();
    for room in batch.numbers(sql::MEMBER_ROOMS, [user])? {
        depart(batch, s, RoomId::from_i64(room))?;
    }
    sessions::revoke_all(batch, s.actor, None, s.at_ms)?;
    batch.run(sql::RESET_DELETE, [user])?;
    batch.run(sql::USER_ERASE, [user, s.at_ms.cast_signed()])?;
    let erased = Profile { user: s.actor, handle: "".into(), display_name: "".into(), hue: None };
    batch.told.push(Entry::Profile(Arc::new(erased)));
    batch.accounts_changed = true;
    Ok(())
}

/// Takes someone whose account ends out of a room. This is no leave that one asks for: it holds in
/// direct rooms too, and for a last owner, whose place is passed on first.
fn depart(batch: &mut Batch<'_>, s: &Submission, room: RoomId) -> Applying<()> {
    if room.is_self_of(s.actor) {
        let (room, _) = batch.scene(room, s.actor)?;
        batch.run(sql::EVENTS_ERASE, [room.id.to_i64()])?;
        return batch.member_end(room.id, s.actor, room.head);
    }
    let (_, actor) = batch.scene(room, s.actor)?;
    pass_on(batch, s, room, actor)?;
    batch.member_leave(room, s.actor, s.actor, s.at_ms, None)?;
    Ok(())
}

/// Where the actor is the room's last owner, the longest-standing of the highest other role becomes
/// one.
pub(in crate::sqlite) fn pass_on(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    actor: Actor,
) -> Applying<()> {
    if actor.role != Some(Role::Owner) || !is_only_owner(batch, room, s.actor)? {
        return Ok(());
    }
    let (id, user) = (room.to_i64(), s.actor.to_i64());
    let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let heir = match batch.first(sql::MEMBER_ADMIN_OLDEST, [id], number)? {
        None => batch.first(sql::MEMBER_OLDEST, [id, user], number)?,
        admin => admin,
    };
    if let Some(heir) = heir.map(UserId::from_i64) {
        batch.member_role(room, heir, Role::Owner, s.actor, s.at_ms, None)?;
    }
    Ok(())
}
