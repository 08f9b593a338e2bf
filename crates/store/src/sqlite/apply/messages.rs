//! Messages, and what changes them.

use std::sync::Arc;

use chinwag_core::access::{Action, Permit, authorise};
use chinwag_core::body;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{RoomId, Seq};

use super::repeated;
use crate::sqlite::batch::{Append, Applied, Applying, Batch};
use crate::sqlite::known::Room;
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
    let (who, n) = ((permit.room(), permit.user()), message.n.unwrap_or_default());
    batch.read_set(who, message.seq, n, message.at_ms);
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
