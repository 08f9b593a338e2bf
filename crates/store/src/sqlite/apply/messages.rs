//! Messages, what changes them, and how far they were read.

use std::sync::Arc;

use chinwag_core::access::{Action, Permit, authorise};
use chinwag_core::body;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{RoomId, Seq};

use super::repeated;
use crate::sqlite::batch::{Append, Applied, Applying, Batch};
use crate::sqlite::known::Room;
use crate::sqlite::statements as sql;
use crate::write::{Refusal, Submission, Written};

/// Nearly every message is new, so its key is not looked up first: the index of keys refuses one that
/// is taken, and only what was refused may be a retry.
pub(super) fn send(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    body: &Arc<str>,
) -> Applying<Applied> {
    let failure = match send_new(batch, s, room, body) {
        Err(failure) if failure.may_be_repeated() => failure,
        done => return done,
    };
    // Where the message was erased since, its key alone tells that it is the same.
    let same = |first: &Event| {
        first.kind == EventKind::Message && first.body.as_ref().is_none_or(|b| b == body)
    };
    repeated(batch, s, room, same)?.ok_or(failure)
}

fn send_new(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    body: &Arc<str>,
) -> Applying<Applied> {
    let (room, actor) = batch.scene(room, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::MessageSend)?;
    append(batch, permit, s, body)
}

/// Appends a message, and its sender has read up to it.
fn append(
    batch: &mut Batch<'_>,
    permit: Permit,
    s: &Submission,
    body: &Arc<str>,
) -> Applying<Applied> {
    let message = batch.append(Append {
        room: permit.room(),
        kind: EventKind::Message,
        from: permit.user(),
        at_ms: s.at_ms,
        key: Some(s.key),
        body: Arc::clone(body),
    })?;
    batch.read_set(permit.room(), permit.user(), message.seq, message.n.unwrap_or_default());
    Ok(Applied::event(message))
}

pub(super) fn delete(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    target: Seq,
) -> Applying<Applied> {
    let kind = EventKind::Deletion { target };
    if let Some(first) = repeated(batch, s, room, |first| first.kind == kind)? {
        return Ok(first);
    }
    let (room, actor) = batch.scene(room, s.actor)?;
    let _: Permit = authorise(actor, room.facts(), Action::Read)?;
    let Some(message) = visible_message(batch, s, &room, target)? else {
        return Err(Refusal::NotFound.into());
    };
    let permit = authorise(actor, room.facts(), Action::MessageDelete { author: message.from })?;
    if message.rev.is_some() && message.body.is_none() {
        return Ok(Applied::silent(Written::Unchanged));
    }
    change(batch, permit, s, &message, (kind, body::deletion(target)), None)
}

/// The message at `target`, where the actor may see it.
fn visible_message(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: &Room,
    target: Seq,
) -> Applying<Option<Arc<Event>>> {
    let floor = batch.member(room.id, s.actor)?.map(|member| member.floor(room));
    if target > room.head || floor.is_none_or(|floor| target < floor) {
        return Ok(None);
    }
    let event = batch.event(room.id, true, target)?;
    Ok(event.filter(|event| event.kind == EventKind::Message))
}

/// Changes a message: appends the change as an event of its own, and brings the message's row to
/// its current form, so that a page shows what one should see now and the log how it came so.
fn change(
    batch: &mut Batch<'_>,
    permit: Permit,
    s: &Submission,
    message: &Event,
    (kind, body): (EventKind, Arc<str>),
    current: Option<Arc<str>>,
) -> Applying<Applied> {
    let (room, from, key) = (permit.room(), permit.user(), Some(s.key));
    let change = batch.append(Append { room, kind, from, at_ms: s.at_ms, key, body })?;
    batch.event_rewrite(message, change.seq, current)?;
    Ok(Applied::event(change))
}

/// Advances the actor's own read mark. It needs no key: the same again changes nothing.
pub(super) fn receipt_set(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    read: Seq,
) -> Applying<Applied> {
    let (room, actor) = batch.scene(room, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::ReceiptSet)?;
    let read = read.min(room.head);
    let Some(member) = batch.member(room.id, s.actor)?.filter(|member| member.read < read) else {
        return Ok(Applied::silent(Written::Unchanged));
    };
    let read_n = message_n_at(batch, &room, read)?.max(member.read_n);
    mark(batch, permit, s, read, read_n)
}

fn message_n_at(batch: &Batch<'_>, room: &Room, read: Seq) -> Applying<u64> {
    if read == room.head {
        return Ok(room.n);
    }
    let params = [room.id.to_i64(), read.to_i64()];
    let n = batch.first(sql::MESSAGE_N_AT, params, |row| row.get::<_, i64>(0))?;
    Ok(n.map_or(0, i64::cast_unsigned))
}

fn mark(
    batch: &mut Batch<'_>,
    permit: Permit,
    s: &Submission,
    read: Seq,
    read_n: u64,
) -> Applying<Applied> {
    let (room, user) = (permit.room(), permit.user());
    batch.read_set(room, user, read, read_n);
    if room.is_self_of(user) {
        // An event there would be unread in its turn, and who acknowledges each event would never end.
        return Ok(Applied::silent(Written::Done));
    }
    batch.room(RoomId::of_self(user))?;
    let told = batch.append(Append {
        room: RoomId::of_self(user),
        kind: EventKind::RoomRead { room },
        from: user,
        at_ms: s.at_ms,
        key: None,
        body: body::room_read(room, read, read_n),
    })?;
    Ok(Applied::event(told))
}
