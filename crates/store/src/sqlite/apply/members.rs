//! Who comes, who goes, and who may what.

use std::sync::Arc;

use chinwag_core::access::{Action, Permit, Role, RoomKind, authorise};
use chinwag_core::body;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, UserId};
use chinwag_core::limit::{CHANNEL_MEMBERS_MAX, GROUP_MEMBERS_MAX, ROOMS_PER_USER_MAX};

use super::{drafts, repeated};
use crate::sqlite::batch::{Append, Applied, Applying, Batch, Joining};
use crate::sqlite::known::Room;
use crate::sqlite::statements as sql;
use crate::write::{Refusal, Submission, Written};

pub(super) fn join(batch: &mut Batch<'_>, s: &Submission, room: RoomId) -> Applying<Applied> {
    let mine = |first: &Event| first.kind == EventKind::MemberJoined { user: s.actor };
    if let Some(first) = repeated(batch, s, room, mine)? {
        return Ok(first);
    }
    let (room, actor) = batch.scene(room, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::Join)?;
    if batch.rank(s.actor)?.is_none() {
        return Err(Refusal::Unauthorized.into());
    }
    if is_full(&room) {
        return Err(Refusal::Forbidden("the room is full").into());
    }
    if has_too_many_rooms(batch, s.actor)? {
        return Err(Refusal::Forbidden("you are in as many rooms as one may be").into());
    }
    admit(batch, permit, s, s.actor, role_on_joining(&room))
}

/// Who comes into a room that all have left owns it: else nobody ever would.
pub(super) fn role_on_joining(room: &Room) -> Role {
    if room.members == 0 { Role::Owner } else { Role::Member }
}

/// Makes `user` a member.
pub(super) fn admit(
    batch: &mut Batch<'_>,
    permit: Permit,
    s: &Submission,
    user: UserId,
    role: Role,
) -> Applying<Applied> {
    let (room, by) = (permit.room(), permit.user());
    let joining = Joining { room, user, role, by, at_ms: s.at_ms };
    let (_, joined) = batch.member_join(&joining, Some(s.key))?;
    Ok(Applied::event(joined))
}

pub(super) fn is_full(room: &Room) -> bool {
    let max = match room.kind {
        RoomKind::Direct => 2,
        RoomKind::SelfRoom => 1,
        RoomKind::Group => GROUP_MEMBERS_MAX,
        RoomKind::Channel => CHANNEL_MEMBERS_MAX,
    };
    room.members >= max
}

pub(super) fn has_too_many_rooms(batch: &Batch<'_>, user: UserId) -> Applying<bool> {
    let rooms = batch.first(sql::MEMBER_ROOM_COUNT, [user.to_i64()], |row| row.get::<_, i64>(0))?;
    Ok(rooms.map_or(0, i64::cast_unsigned) >= ROOMS_PER_USER_MAX)
}

pub(super) fn leave(batch: &mut Batch<'_>, s: &Submission, room: RoomId) -> Applying<Applied> {
    let mine = |first: &Event| first.kind == EventKind::MemberLeft { user: s.actor };
    if let Some(first) = repeated(batch, s, room, mine)? {
        return Ok(first);
    }
    let (room, actor) = batch.scene(room, s.actor)?;
    let last_owner = actor.role == Some(Role::Owner)
        && room.members > 1
        && is_only_owner(batch, room.id, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::Leave { last_owner })?;
    dismiss(batch, permit, s, s.actor)
}

pub(super) fn is_only_owner(batch: &Batch<'_>, room: RoomId, user: UserId) -> Applying<bool> {
    Ok(!batch.any(sql::MEMBER_OWNER_OTHER, [room.to_i64(), user.to_i64()])?)
}

/// Ends a membership: tells the room, then the user's `self` room. A draft goes with it.
fn dismiss(
    batch: &mut Batch<'_>,
    permit: Permit,
    s: &Submission,
    user: UserId,
) -> Applying<Applied> {
    let left = end(batch, permit.room(), user, permit.user(), s.at_ms, Some(s.key))?;
    Ok(Applied::event(left))
}

pub(in crate::sqlite) fn end(
    batch: &mut Batch<'_>,
    room: RoomId,
    user: UserId,
    by: UserId,
    at_ms: u64,
    key: Option<Key>,
) -> Applying<Arc<Event>> {
    let draft = drafts::told(batch, room, user)?;
    let left = batch.member_leave(room, user, by, at_ms, key)?;
    let own = RoomId::of_self(user);
    batch.room(own)?;
    let removed = batch.append(Append {
        room: own,
        kind: EventKind::RoomRemoved { room },
        from: by,
        at_ms,
        key: None,
        body: body::room(room),
    })?;
    drafts::erase(batch, own, draft, removed.seq)?;
    Ok(left)
}

pub(super) fn put(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    user: UserId,
    role: Role,
) -> Applying<Applied> {
    let given = body::member(user, role);
    let same = |first: &Event| {
        let kinds = [EventKind::MemberJoined { user }, EventKind::MemberRole { user }];
        kinds.contains(&first.kind) && first.body.as_ref().is_none_or(|body| *body == given)
    };
    if let Some(first) = repeated(batch, s, room, same)? {
        return Ok(first);
    }
    match batch.role(room, user)? {
        None => add(batch, s, room, user, role),
        Some(from) => role_set(batch, s, room, user, (from, role)),
    }
}

fn add(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    user: UserId,
    role: Role,
) -> Applying<Applied> {
    let (room, actor) = batch.scene(room, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::MemberAdd { role })?;
    if batch.rank(user)?.is_none() {
        return Err(Refusal::Invalid { field: "user", why: "there is no such user" }.into());
    }
    if is_full(&room) {
        return Err(Refusal::Forbidden("the room is full").into());
    }
    if has_too_many_rooms(batch, user)? {
        let why = "is in as many rooms as one may be";
        return Err(Refusal::Invalid { field: "user", why }.into());
    }
    admit(batch, permit, s, user, role)
}

fn role_set(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    user: UserId,
    (from, to): (Role, Role),
) -> Applying<Applied> {
    let (room, actor) = batch.scene(room, s.actor)?;
    let last_owner = from == Role::Owner && is_only_owner(batch, room.id, user)?;
    let permit = authorise(actor, room.facts(), Action::RoleSet { from, to, last_owner })?;
    if from == to {
        return Ok(Applied::silent(Written::Unchanged));
    }
    let (room, by) = (permit.room(), permit.user());
    let event = batch.member_role(room, user, to, by, s.at_ms, Some(s.key))?;
    Ok(Applied::event(event))
}

pub(super) fn remove(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    user: UserId,
) -> Applying<Applied> {
    if user == s.actor {
        return leave(batch, s, room);
    }
    let theirs = |first: &Event| first.kind == EventKind::MemberLeft { user };
    if let Some(first) = repeated(batch, s, room, theirs)? {
        return Ok(first);
    }
    let (room, actor) = batch.scene(room, s.actor)?;
    let _: Permit = authorise(actor, room.facts(), Action::Read)?;
    let Some(role) = batch.role(room.id, user)? else {
        return Err(Refusal::NotFound.into());
    };
    let permit = authorise(actor, room.facts(), Action::MemberRemove { role })?;
    dismiss(batch, permit, s, user)
}
