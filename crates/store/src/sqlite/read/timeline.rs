//! Pages of a room: its timeline, its log.

use std::ops::Range;

use chinwag_core::access::Action;
use chinwag_core::event::{Event, EventKind, EventRow};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{GAP_EVENTS_MAX, PAGE_MAX};

use crate::read::{At, Visible, Visit};
use crate::sqlite::reader::Sight;
use crate::sqlite::statements as sql;
use crate::sqlite::{Reader, row};

/// Rows that one call of [`Reader::export_messages`] looks at, so that it does not keep a reader
/// long in a room where others wrote most.
const EXPORT_ROWS_MAX: usize = 10_000;
/// Rooms that it looks into, for the same reason.
const EXPORT_ROOMS_MAX: usize = 200;

impl Reader {
    /// Messages as they are now (an erased one without a body) and notices, ascending, at most
    /// `limit` and `PAGE_MAX`; the room's head.
    pub fn timeline_page(
        &self,
        user: UserId,
        room: RoomId,
        at: At,
        limit: usize,
        visit: Visit<'_>,
    ) -> Visible<Seq> {
        let sight = self.sight(user, room, Action::Read)?;
        let limit = limit.min(PAGE_MAX);
        let up = |after: Seq, limit| (after.max(before(sight.floor)), limit);
        let at = match at {
            At::Time(at_ms) => self.first_at(room, sight, at_ms).map_or(At::Newest, At::Around),
            at => at,
        };
        let (down, up) = match at {
            At::Newest | At::Time(_) => (Some((Seq::MAX, limit)), None),
            At::Before(seq) => (Some((seq, limit)), None),
            At::After(seq) => (None, Some(up(seq, limit))),
            At::Around(seq) => (Some((seq.next(), limit - limit / 2)), Some(up(seq, limit / 2))),
        };
        if let Some((below, limit)) = down {
            self.timeline_down(room, sight.floor, below, limit, visit);
        }
        if let Some((after, limit)) = up {
            let params = (room.to_i64(), after.to_i64(), limit as i64);
            self.events(sql::TIMELINE_UP, params, |event| {
                visit(event);
                true
            });
        }
        Ok(sight.head)
    }

    /// The first in the timeline that is of this time or later and may be seen. Times in a room never
    /// go back, so it is found by halving: as many look-ups as the head has binary digits.
    fn first_at(&self, room: RoomId, sight: Sight, at_ms: u64) -> Option<Seq> {
        let (mut low, mut high) = (sight.floor.get(), sight.head.get() + 1);
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.first(sql::TIMELINE_TIME, [room.to_i64(), middle as i64], |row| {
                Ok((row::unsigned(row, 0)?, row::unsigned(row, 1)?))
            });
            match row {
                Some((seq, time)) if time < at_ms => low = seq + 1,
                Some((seq, _)) => (found, high) = (Some(Seq::new(seq)), middle),
                None => high = middle,
            }
        }
        found
    }

    /// The newest below `below`, shown ascending: read downwards, held, turned over.
    fn timeline_down(&self, room: RoomId, floor: Seq, below: Seq, limit: usize, visit: Visit<'_>) {
        let mut bodies = String::new();
        let mut held: Vec<(EventRow<'static>, Option<Range<usize>>)> = Vec::with_capacity(limit);
        let params = (room.to_i64(), floor.to_i64(), below.to_i64(), limit as i64);
        self.events(sql::TIMELINE_DOWN, params, |event| {
            let body = event.body.map(|body| {
                let from = bodies.len();
                bodies.push_str(body);
                from..bodies.len()
            });
            held.push((bare(&event), body));
            true
        });
        for (event, body) in held.into_iter().rev() {
            visit(EventRow { body: body.and_then(|body| bodies.get(body)), ..event });
        }
    }

    /// The log after `after`, ascending and without a hole from the first event that the user may
    /// see, at most `limit` and `PAGE_MAX`; the room's head.
    pub fn log_page(
        &self,
        user: UserId,
        room: RoomId,
        after: Seq,
        limit: usize,
        visit: Visit<'_>,
    ) -> Visible<Seq> {
        let sight = self.sight(user, room, Action::Read)?;
        let after = after.max(before(sight.floor));
        let params = (room.to_i64(), after.to_i64(), limit.min(PAGE_MAX) as i64);
        self.events(sql::LOG_UP, params, |event| {
            visit(event);
            true
        });
        Ok(sight.head)
    }

    /// The log after `after`, for a hub that misses a part; it asks for nobody's rights. At most
    /// `limit` and `GAP_EVENTS_MAX`.
    #[must_use]
    pub fn events_after(&self, room: RoomId, after: Seq, limit: usize) -> Vec<Event> {
        let mut events = Vec::new();
        let params = (room.to_i64(), after.to_i64(), limit.min(GAP_EVENTS_MAX) as i64);
        self.events(sql::LOG_UP, params, |event| {
            events.push(event.to_event());
            true
        });
        events
    }

    /// The user's own messages, room by room, in rooms that were left too; at most `limit` and
    /// `PAGE_MAX`. What to go on after (a page may be empty and yet have one), none at the end.
    pub fn export_messages(
        &self,
        user: UserId,
        after: Option<(RoomId, Seq)>,
        limit: usize,
        visit: Visit<'_>,
    ) -> Option<(RoomId, Seq)> {
        let (from_room, mut after) = after.unwrap_or((RoomId::from_i64(0), Seq::ZERO));
        let params = (user.to_i64(), from_room.to_i64(), EXPORT_ROOMS_MAX as i64 + 1);
        let rooms = self.all(sql::MEMBER_ROOMS_EVER, params, |row| row.get(0));
        let (mut rows_left, mut left) = (EXPORT_ROWS_MAX, limit.clamp(1, PAGE_MAX));
        for (place, room) in rooms.into_iter().map(RoomId::from_i64).enumerate() {
            let from = if room == from_room { after } else { Seq::ZERO };
            if place == EXPORT_ROOMS_MAX {
                return Some((room, from));
            }
            after = from;
            let params = (room.to_i64(), after.to_i64(), rows_left as i64);
            self.events(sql::TIMELINE_UP, params, |event| {
                (rows_left, after) = (rows_left - 1, event.seq);
                if event.kind == EventKind::Message && event.from == user {
                    left -= 1;
                    visit(event);
                }
                left > 0
            });
            if rows_left == 0 || left == 0 {
                return Some((room, after));
            }
        }
        None
    }
}

/// The event before the first that may be seen.
fn before(floor: Seq) -> Seq {
    Seq::new(floor.get().saturating_sub(1))
}

/// The row without its body, which lives on when the database's page is gone.
fn bare(event: &EventRow<'_>) -> EventRow<'static> {
    EventRow {
        room: event.room,
        seq: event.seq,
        n: event.n,
        kind: event.kind,
        from: event.from,
        at_ms: event.at_ms,
        key: event.key,
        rev: event.rev,
        body: None,
    }
}
