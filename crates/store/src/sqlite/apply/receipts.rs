//! How far each member of a room has come.

use chinwag_core::access::{Action, Actor, Permit, authorise};
use chinwag_core::body;
use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, Seq};

use crate::sqlite::batch::{Append, Applied, Applying, Batch};
use crate::sqlite::known::Room;
use crate::sqlite::statements as sql;
use crate::write::{Delivered, Submission, Written};

/// Advances the actor's own marks. It needs no key: the same again changes nothing.
pub(super) fn set(
    batch: &mut Batch<'_>,
    s: &Submission,
    room: RoomId,
    read: Option<Seq>,
    delivered: Option<Seq>,
) -> Applying<Applied> {
    let (room, actor) = batch.scene(room, s.actor)?;
    let permit = authorise(actor, room.facts(), Action::ReceiptSet)?;
    let Some(member) = batch.member(room.id, s.actor)? else {
        return Ok(Applied::silent(Written::Unchanged));
    };
    let delivered = delivered.filter(|_| room.has_ticks()).map(|seq| seq.min(room.head));
    let delivered = delivered.filter(|&seq| seq > member.delivered);
    if let Some(delivered) = delivered {
        batch.delivered_set((room.id, s.actor), delivered, s.at_ms);
    }
    let Some(read) = read.map(|seq| seq.min(room.head)).filter(|&seq| seq > member.read) else {
        let written = if delivered.is_some() { Written::Done } else { Written::Unchanged };
        return Ok(Applied::silent(written));
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
    batch.read_set((room, user), read, read_n, s.at_ms);
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

/// Advances what a shard has gathered. Who left meanwhile is skipped, and so is a room without ticks, which
/// may have a hundred thousand members: nobody waits for an answer.
pub(super) fn delivered(
    batch: &mut Batch<'_>,
    s: &Submission,
    marks: &[Delivered],
) -> Applying<Applied> {
    for &Delivered { room, user, seq } in marks {
        let Some(room) = batch.room(room)?.filter(Room::has_ticks) else {
            continue;
        };
        let Some(member) = batch.member(room.id, user)? else {
            continue;
        };
        let actor = Actor { user, role: member.role() };
        let seq = seq.min(room.head);
        if seq > member.delivered && authorise(actor, room.facts(), Action::ReceiptSet).is_ok() {
            batch.delivered_set((room.id, user), seq, s.at_ms);
        }
    }
    Ok(Applied::silent(Written::Done))
}
