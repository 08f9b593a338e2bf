//! Making rooms and changing them.

use std::sync::Arc;

use chinwag_core::access::{Action, History, Posting, Role, RoomKind, authorise};
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::ROOM_MEMBERS_AT_START_MAX;
use chinwag_core::text::Name;
use rusqlite::params;

use super::members::has_too_many_rooms;
use super::repeated;
use crate::sqlite::batch::{Append, Applied, Applying, Batch, Joining};
use crate::sqlite::known::Room;
use crate::sqlite::statements as sql;
use crate::write::{Refusal, Submission, Written};

/// A room that is to be.
pub(super) struct Plan<'a> {
    pub(super) room: RoomId,
    pub(super) kind: RoomKind,
    pub(super) name: Option<&'a Name>,
    pub(super) members: &'a [UserId],
    pub(super) body: &'a Arc<str>,
}

/// Founds a room. Its key lies in the founder's `self` room, on the `room_added` of the new room.
///
/// Founding needs no right but an account; from its first event on the room's own rights hold.
pub(super) fn create(batch: &mut Batch<'_>, s: &Submission, plan: &Plan<'_>) -> Applying<Applied> {
    let others = others(s.actor, plan.members);
    if let Some(added) = batch.known(RoomId::of_self(s.actor), s.actor, s.key)? {
        return same_founding(batch, plan, &others, added);
    }
    if batch.rank(s.actor)?.is_none() {
        return Err(Refusal::Unauthorized.into());
    }
    check_shape(plan, &others)?;
    if let (RoomKind::Direct, [other]) = (plan.kind, others.as_slice())
        && let Some(found) = direct_found(batch, s.actor, *other)?
    {
        return Ok(found);
    }
    check_members(batch, s.actor, &others)?;
    if batch.any(sql::ROOM_EXISTS, [plan.room.to_i64()])? {
        return Err(Refusal::Busy.into());
    }
    found(batch, s, plan, &others)
}

/// Those named, each once, without the founder.
fn others(founder: UserId, members: &[UserId]) -> Vec<UserId> {
    let mut others: Vec<UserId> = Vec::with_capacity(members.len());
    for &member in members.iter().take(ROOM_MEMBERS_AT_START_MAX + 1) {
        if member != founder && !others.contains(&member) {
            others.push(member);
        }
    }
    others
}

fn check_shape(plan: &Plan<'_>, others: &[UserId]) -> Applying<()> {
    let invalid = |field, why| Err(Refusal::Invalid { field, why }.into());
    if plan.members.len() > ROOM_MEMBERS_AT_START_MAX {
        return invalid("members", "are at most 100 when a room is made");
    }
    match plan.kind {
        RoomKind::SelfRoom => invalid("kind", "a self room is made with its account"),
        RoomKind::Direct if others.len() != 1 || plan.members.len() != 1 => {
            invalid("members", "must be exactly one other user in a direct room")
        }
        RoomKind::Direct if plan.name.is_some() => invalid("name", "a direct room has none"),
        RoomKind::Channel if plan.name.is_none() => invalid("name", "a channel must have one"),
        RoomKind::Direct | RoomKind::Group | RoomKind::Channel => Ok(()),
    }
}

fn check_members(batch: &Batch<'_>, founder: UserId, others: &[UserId]) -> Applying<()> {
    if has_too_many_rooms(batch, founder)? {
        return Err(Refusal::Forbidden("you are in as many rooms as one may be").into());
    }
    for &other in others {
        if batch.rank(other)?.is_none() {
            let why = "name a user that there is not";
            return Err(Refusal::Invalid { field: "members", why }.into());
        }
        if has_too_many_rooms(batch, other)? {
            let why = "name a user who is in as many rooms as one may be";
            return Err(Refusal::Invalid { field: "members", why }.into());
        }
    }
    Ok(())
}

/// The outcome of then, where the key was for the same room: kind, body and first members.
fn same_founding(
    batch: &mut Batch<'_>,
    plan: &Plan<'_>,
    others: &[UserId],
    added: Arc<Event>,
) -> Applying<Applied> {
    let EventKind::RoomAdded { room } = added.kind else {
        return Err(Refusal::KeyConflict.into());
    };
    let kind = batch.room(room)?.map(|room| room.kind);
    let created = batch.event(room, true, Seq::ZERO.next())?;
    let body = created.and_then(|created| created.body.clone());
    // The first members follow the founder, who is the second event; those that came later bring a
    // key with them.
    let last = ROOM_MEMBERS_AT_START_MAX + 2;
    let mut then = batch.numbers(sql::MEMBERS_FOUNDING, params![room.to_i64(), last as i64])?;
    let mut now: Vec<i64> = others.iter().map(|other| other.to_i64()).collect();
    then.sort_unstable();
    now.sort_unstable();
    if kind != Some(plan.kind) || body.is_some_and(|body| body != *plan.body) || then != now {
        return Err(Refusal::KeyConflict.into());
    }
    Ok(Applied { written: Written::Room { room, created: false }, answer: Some(added) })
}

fn pair(one: UserId, other: UserId) -> (UserId, UserId) {
    if one < other { (one, other) } else { (other, one) }
}

/// The direct room of the two, where there is one; answered by the `room_added` of then.
fn direct_found(batch: &Batch<'_>, founder: UserId, other: UserId) -> Applying<Option<Applied>> {
    let (low, high) = pair(founder, other);
    let seqs = if founder == low { 1 } else { 2 };
    let row = batch.first(sql::DIRECT_GET, [low.to_i64(), high.to_i64()], |row| {
        Ok((RoomId::from_i64(row.get(0)?), Seq::from_i64(row.get(seqs)?)))
    })?;
    let Some((room, added)) = row else {
        return Ok(None);
    };
    let answer = batch.event(RoomId::of_self(founder), false, added)?;
    Ok(Some(Applied { written: Written::Room { room, created: false }, answer }))
}

fn found(
    batch: &mut Batch<'_>,
    s: &Submission,
    plan: &Plan<'_>,
    others: &[UserId],
) -> Applying<Applied> {
    let (room, by, at_ms) = (plan.room, s.actor, s.at_ms);
    batch.room_insert(room, plan.kind, plan.name.map(Name::as_str), at_ms)?;
    let (founder_role, role) = match plan.kind {
        RoomKind::Direct => (Role::Member, Role::Member),
        _ => (Role::Owner, Role::Member),
    };
    let founder = Joining { room, user: by, role: founder_role, by, at_ms };
    let added = batch.found(&founder, s.key, Arc::clone(plan.body))?;
    let mut last_added = Seq::ZERO;
    for &user in others {
        let joining = Joining { room, user, role, by, at_ms };
        last_added = batch.member_join(&joining, None)?.0.seq;
    }
    if plan.kind == RoomKind::Direct {
        direct_insert(batch, room, (by, added.seq), (others[0], last_added))?;
    }
    Ok(Applied { written: Written::Room { room, created: true }, answer: Some(added) })
}

fn direct_insert(
    batch: &Batch<'_>,
    room: RoomId,
    one: (UserId, Seq),
    other: (UserId, Seq),
) -> Applying<()> {
    let (low, high) = if one.0 < other.0 { (one, other) } else { (other, one) };
    let (low_seq, high_seq) = (low.1.to_i64(), high.1.to_i64());
    let params = [low.0.to_i64(), high.0.to_i64(), room.to_i64(), low_seq, high_seq];
    batch.run(sql::DIRECT_INSERT, params)?;
    Ok(())
}

/// What of a room is to change.
pub(super) struct Change<'a> {
    pub(super) name: Option<&'a Name>,
    pub(super) history: Option<History>,
    pub(super) posting: Option<Posting>,
}

pub(super) fn update(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    change: &Change<'_>,
    body: &Arc<str>,
) -> Applying<Applied> {
    let same = |first: &Event| {
        first.kind == EventKind::RoomUpdated && first.body.as_ref().is_none_or(|b| b == body)
    };
    if let Some(first) = repeated(batch, s, room, same)? {
        return Ok(first);
    }
    let (room, actor) = batch.scene(room, s.actor)?;
    let settings = change.history.is_some() || change.posting.is_some();
    let mut permit = authorise(actor, room.facts(), Action::See)?;
    if change.name.is_some() || !settings {
        permit = authorise(actor, room.facts(), Action::Rename)?;
    }
    if settings {
        permit = authorise(actor, room.facts(), Action::SettingsSet)?;
    }
    if !changes(batch, &room, change)? {
        return Ok(Applied::silent(Written::Unchanged));
    }
    let mut next = room;
    next.history = change.history.unwrap_or(room.history);
    next.posting = change.posting.unwrap_or(room.posting);
    batch.room_settings_set(&next, change.name.map(Name::as_str))?;
    let event = batch.append(Append {
        room: permit.room(),
        kind: EventKind::RoomUpdated,
        from: permit.user(),
        at_ms: s.at_ms,
        key: Some(s.key),
        body: Arc::clone(body),
    })?;
    Ok(Applied::event(event))
}

fn changes(batch: &Batch<'_>, room: &Room, change: &Change<'_>) -> Applying<bool> {
    let settings = change.history.is_some_and(|history| history != room.history)
        || change.posting.is_some_and(|posting| posting != room.posting);
    let Some(name) = change.name else {
        return Ok(settings);
    };
    let before =
        batch.first(sql::ROOM_NAME, [room.id.to_i64()], |row| row.get::<_, Option<String>>(0))?;
    Ok(settings || before.flatten().as_deref() != Some(name.as_str()))
}
