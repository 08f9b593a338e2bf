//! What a member has begun to write: kept for the member's own devices, and no more of it than the last.

use std::sync::Arc;

use chinwag_core::access::{Action, authorise};
use chinwag_core::body;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::text::DraftText;
use rusqlite::params;

use super::repeated;
use crate::sqlite::batch::{Append, Applied, Applying, Batch};
use crate::sqlite::statements as sql;
use crate::write::{Submission, Written};

/// What is kept of a member's draft: its text, and where the member was told of it last.
#[derive(Default)]
struct Kept {
    text: Option<String>,
    told: Option<Seq>,
}

/// Keeps a draft and tells the member's own devices; its key lies there, in the `self` room.
pub(super) fn set(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    text: &DraftText,
    body: &Arc<str>,
) -> Applying<Applied> {
    // Where it was superseded since, its key alone tells that it is the same.
    let kind = EventKind::Draft { room };
    let same = |first: &Event| first.kind == kind && first.body.as_ref().is_none_or(|b| b == body);
    let own = RoomId::of_self(s.actor);
    if let Some(first) = repeated(batch, s, own, same)? {
        return Ok(first);
    }
    let (room, actor) = batch.scene(room, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::DraftSet)?;
    let (room, from) = (permit.room(), permit.user());
    let kept = kept(batch, room, from)?;
    if kept.text.as_deref() == text.as_option() {
        return Ok(Applied::silent(Written::Unchanged));
    }
    batch.room(own)?;
    let (key, body) = (Some(s.key), Arc::clone(body));
    let told = batch.append(Append { room: own, kind, from, at_ms: s.at_ms, key, body })?;
    erase(batch, own, kept.told, told.seq)?;
    let params = params![room.to_i64(), from.to_i64(), text.as_option(), told.seq.to_i64()];
    batch.run(sql::MEMBER_DRAFT_SET, params)?;
    Ok(Applied::event(told))
}

/// Clears what is kept of a member's draft, and tells the member's own devices.
pub(in crate::sqlite) fn clear(
    batch: &mut Batch<'_>,
    room: RoomId,
    user: UserId,
    at_ms: u64,
) -> Applying<()> {
    let (own, kept) = (RoomId::of_self(user), kept(batch, room, user)?);
    batch.room(own)?;
    let (kind, body) = (EventKind::Draft { room }, body::draft_none(room));
    let told = batch.append(Append { room: own, kind, from: user, at_ms, key: None, body })?;
    erase(batch, own, kept.told, told.seq)?;
    let params = params![room.to_i64(), user.to_i64(), None::<&str>, told.seq.to_i64()];
    batch.run(sql::MEMBER_DRAFT_SET, params)?;
    Ok(())
}

fn kept(batch: &Batch<'_>, room: RoomId, user: UserId) -> Applying<Kept> {
    let kept = batch.first(sql::MEMBER_DRAFT, [room.to_i64(), user.to_i64()], |row| {
        Ok(Kept { text: row.get(0)?, told: row.get::<_, Option<i64>>(1)?.map(Seq::from_i64) })
    })?;
    Ok(kept.unwrap_or_default())
}

/// Where the user was told of a draft in `room` last, for [`erase`] once the membership has ended.
pub(super) fn told(batch: &Batch<'_>, room: RoomId, user: UserId) -> Applying<Option<Seq>> {
    Ok(kept(batch, room, user)?.told)
}

/// Erases what a user's own log tells of a draft, which the event `by` superseded: the log keeps no
/// history of what somebody typed.
pub(super) fn erase(batch: &Batch<'_>, own: RoomId, told: Option<Seq>, by: Seq) -> Applying<()> {
    let Some(told) = told else {
        return Ok(());
    };
    match batch.event(own, false, told)? {
        Some(draft) => batch.event_rewrite(&draft, by, None),
        None => Ok(()),
    }
}
