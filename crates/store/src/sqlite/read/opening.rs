//! What a connection needs to begin: one snapshot, and always the same few statements.

use chinwag_core::access::History;
use chinwag_core::event::Event;
use chinwag_core::id::{Epoch, RoomId, Seq, UserId};
use chinwag_core::limit::{CURSORS_MAX, RESUME_BYTES_MAX, RESUME_EVENTS_MAX, ROOM_PAGE_MAX};
use foldhash::HashMap;

use super::rooms::cursor;
use crate::read::{Missed, Opening, RoomCursor};
use crate::sqlite::Reader;
use crate::sqlite::row;
use crate::sqlite::statements as sql;

/// Bytes of an event's frame beside its body.
const ENVELOPE_BYTES: usize = 256;

/// One of the user's rooms.
#[derive(Debug, Clone, Copy)]
struct Mine {
    room: RoomId,
    active_at_ms: u64,
    head: Seq,
    floor: Seq,
}

/// A room with something after its cursor.
#[derive(Debug, Clone, Copy)]
struct Behind {
    room: RoomId,
    head: Seq,
    after: Seq,
}

impl Reader {
    /// What a connection of `user` begins with; none where there is no such account. Cursors of
    /// rooms that the user is not in are skipped, and those above `CURSORS_MAX`.
    #[must_use]
    pub fn opening(
        &self,
        user: UserId,
        epoch: Option<Epoch>,
        cursors: &[(RoomId, Seq)],
    ) -> Option<Opening> {
        let user = self.user(user).filter(|user| !user.handle.is_empty())?;
        let mine = self.rooms_of(user.id);
        let heads = mine.iter().map(|room| (room.room, room.head)).collect();
        let by_room: HashMap<RoomId, Mine> = mine.iter().map(|&room| (room.room, room)).collect();
        let cursors = &cursors[..cursors.len().min(CURSORS_MAX)];
        let reset = epoch.is_some_and(|epoch| epoch != self.epoch)
            || cursors.iter().any(|(room, at)| by_room.get(room).is_some_and(|r| *at > r.head));
        let missed = if reset { Vec::new() } else { self.missed(&behind(&by_room, cursors)) };
        let place = |mine: &Mine| RoomCursor { active_at_ms: mine.active_at_ms, room: mine.room };
        let places = mine.iter().take(ROOM_PAGE_MAX + 1).map(place).collect();
        let page = self.room_page(user.id, places, ROOM_PAGE_MAX);
        Some(Opening { epoch: self.epoch, reset, user, heads, page, missed })
    }

    /// The most recent first.
    fn rooms_of(&self, user: UserId) -> Vec<Mine> {
        self.all(sql::ROOMS_OPENING, [user.to_i64()], |row| {
            let RoomCursor { active_at_ms, room } = cursor(row)?;
            let history = row::named(row, 3, History::from_name)?;
            let floor = if history == History::All { 0 } else { row.get(4)? };
            let head = Seq::from_i64(row.get(2)?);
            Ok(Mine { room, active_at_ms, head, floor: Seq::from_i64(floor) })
        })
    }

    /// The events of those rooms that are not too far behind, as long as they fit; the others lag.
    fn missed(&self, behind: &[Behind]) -> Vec<Missed> {
        let near = |room: &&Behind| room.head.get() - room.after.get() <= RESUME_EVENTS_MAX as u64;
        let wanted: Vec<&Behind> = behind.iter().filter(near).collect();
        let (mut read, complete) = self.missed_events(&wanted);
        let missed = |room: &Behind| match read.remove(&room.room) {
            Some(mut events) if complete.contains(&room.room) => {
                events.sort_unstable_by_key(|event| event.seq);
                Missed::Events(events)
            }
            _ => Missed::Lagged { room: room.room, head_seq: room.head },
        };
        behind.iter().map(missed).collect()
    }

    /// The events after each cursor in one statement, and which rooms have all of theirs: it stops
    /// where `RESUME_BYTES_MAX` is reached, and rows come room by room.
    fn missed_events(&self, wanted: &[&Behind]) -> (HashMap<RoomId, Vec<Event>>, Vec<RoomId>) {
        let pair = |room: &&Behind| format!("[{},{}]", room.room.to_i64(), room.after.to_i64());
        let pairs = wanted.iter().map(pair).collect::<Vec<_>>().join(",");
        let mut events: HashMap<RoomId, Vec<Event>> = HashMap::default();
        let mut bytes = 0;
        self.events(sql::EVENTS_MISSED, [format!("[{pairs}]")], |event| {
            bytes += ENVELOPE_BYTES + event.body.map_or(0, str::len);
            if bytes <= RESUME_BYTES_MAX {
                events.entry(event.room).or_default().push(event.to_event());
            }
            bytes <= RESUME_BYTES_MAX
        });
        let count = |room: &Behind| events.get(&room.room).map_or(0, Vec::len) as u64;
        let complete = |room: &&&Behind| count(room) == room.head.get() - room.after.get();
        let complete = wanted.iter().filter(complete).map(|room| room.room).collect();
        (events, complete)
    }
}

/// The rooms of the user that have something after their cursor, each once.
fn behind(mine: &HashMap<RoomId, Mine>, cursors: &[(RoomId, Seq)]) -> Vec<Behind> {
    let mut seen = foldhash::HashSet::default();
    let behind = cursors.iter().filter_map(|(room, at)| {
        let Mine { room, head, floor, .. } = *mine.get(room)?;
        let after = (*at).max(Seq::new(floor.get().saturating_sub(1)));
        (after < head && seen.insert(room)).then_some(Behind { room, head, after })
    });
    behind.collect()
}
