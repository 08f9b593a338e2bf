//! The ticks of rooms: worked out where marks moved, at most once a second a room, told where they are
//! others than before, and kept at hand for those who open a connection.
//!
//! A receipt costs its column and a place in the set of rooms to look at, however many members the
//! room has; the look costs one range of rows. What is kept is written before it is told, so that a
//! connection that asks after it was attached to its hub misses nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chinwag_core::event::Signal;
use chinwag_core::id::RoomId;
use chinwag_core::limit::{RECEIPT_ROOMS_MAX, RECEIPTS_EVERY, RECEIPTS_KEPT_MAX};
use chinwag_core::receipt::{self, Receipts};
use chinwag_store::committed::Told;
use chinwag_store::read::{Reader, RoomPage, RoomRow};
use foldhash::HashMap;

use crate::app::App;

/// Why a room is looked at, the stronger above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// A mark moved: told where the ticks are others.
    Moved,
    /// Somebody missed what was told, perhaps a switch: told in any case, and as nothing first.
    Missed,
    /// A member switched read receipts: reading may be set back, which is believed only after nothing.
    Switched,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ticks(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    due: BTreeMap<RoomId, Why>,
    /// As they were told last, or shown before anything was told.
    kept: HashMap<RoomId, Receipts>,
    /// How often something that was told or shown was not kept.
    forgotten: u64,
}

impl Ticks {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the rooms in which marks moved.
    pub(crate) fn note(&self, batch: &[Told]) {
        for told in batch {
            match told {
                Told::Marked(rooms) => self.due(rooms, Why::Moved),
                Told::ReadShared { rooms, .. } => self.due(rooms, Why::Switched),
                _ => {}
            }
        }
    }

    /// Somebody was not told of these rooms.
    pub(crate) fn missed(&self, rooms: impl IntoIterator<Item = RoomId>) {
        let rooms: Vec<RoomId> = rooms.into_iter().collect();
        self.due(&rooms, Why::Missed);
    }

    /// Where too many wait, the others are read again when they are asked for, and told when their marks
    /// move next.
    fn due(&self, rooms: &[RoomId], why: Why) {
        let mut known = self.known();
        for &room in rooms {
            if known.due.len() < RECEIPTS_KEPT_MAX || known.due.contains_key(&room) {
                let due = known.due.entry(room).or_insert(why);
                *due = (*due).max(why);
            } else if known.kept.remove(&room).is_some() {
                known.forgotten += 1;
            }
        }
    }

    /// The ticks of these rooms as they were told last; of the others as the reader has them.
    pub(crate) fn fill(&self, reader: &Reader, shares_read: bool, page: &mut RoomPage) {
        let rooms: Vec<&mut RoomRow> =
            page.rooms.iter_mut().filter(|room| has_ticks(room)).collect();
        let (forgotten, kept): (u64, Vec<_>) = {
            let known = self.known();
            (known.forgotten, rooms.iter().map(|room| known.kept.get(&room.id).copied()).collect())
        };
        for (room, kept) in rooms.into_iter().zip(kept) {
            let receipts =
                kept.unwrap_or_else(|| self.shown(room.id, reader.receipts(room.id), forgotten));
            room.receipts = if shares_read { receipts } else { receipts.without_read() };
        }
    }

    /// Keeps what was just read to be shown, unless a round was ahead: then that is what to show. Where
    /// something was forgotten since `forgotten`, a round may have been ahead and it is not known.
    fn shown(&self, room: RoomId, read: Receipts, forgotten: u64) -> Receipts {
        let mut known = self.known();
        if let Some(&kept) = known.kept.get(&room) {
            return kept;
        }
        if known.forgotten == forgotten && known.kept.len() < RECEIPTS_KEPT_MAX {
            known.kept.insert(room, read);
        } else {
            known.forgotten += 1;
        }
        read
    }

    /// Keeps what a round read; what is to be told of it, in order.
    fn take(&self, room: RoomId, why: Why, receipts: Receipts) -> Vec<Signal> {
        let mut known = self.known();
        known.make_place();
        let untold = (known.forgotten == 0).then(Receipts::default);
        let before = known.kept.insert(room, receipts).or(untold);
        let moved = before.is_none_or(|before| before.delivered != receipts.delivered);
        let delivered_moved = moved || why != Why::Moved;
        let signal = |receipts| Signal::Receipt { room, receipts, delivered_moved };
        match why {
            Why::Moved if before == Some(receipts) => Vec::new(),
            Why::Missed | Why::Switched if receipts.read.is_some() => {
                vec![signal(receipts.without_read()), signal(receipts)]
            }
            _ => vec![signal(receipts)],
        }
    }
}

impl Known {
    fn make_place(&mut self) {
        if self.kept.len() >= RECEIPTS_KEPT_MAX {
            self.kept.clear();
            self.forgotten += 1;
        }
    }
}

fn has_ticks(room: &RoomRow) -> bool {
    room.role.is_some() && receipt::are_kept(room.kind, room.members)
}

/// Once a second: looks at the rooms in which marks moved.
pub(crate) async fn run(app: Arc<App>) {
    let mut every = tokio::time::interval(RECEIPTS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let due: Vec<_> = std::mem::take(&mut app.ticks.known().due).into_iter().collect();
        for rooms in due.chunks(RECEIPT_ROOMS_MAX) {
            look(&app, rooms.to_vec()).await;
        }
    }
}

async fn look(app: &App, rooms: Vec<(RoomId, Why)>) {
    let asked: Vec<RoomId> = rooms.iter().map(|&(room, _)| room).collect();
    let read = move |reader: &Reader| -> Vec<Receipts> {
        asked.iter().map(|&room| reader.receipts(room)).collect()
    };
    let Ok(read) = app.store.read(read).await else {
        for (room, why) in rooms {
            app.ticks.due(&[room], why);
        }
        return;
    };
    for ((room, why), receipts) in rooms.into_iter().zip(read) {
        for signal in app.ticks.take(room, why, receipts) {
            if !app.publish(signal) {
                app.ticks.missed([room]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chinwag_core::id::Seq;
    use chinwag_core::receipt::Reach;

    const NONE: Receipts = Receipts { delivered: None, read: None };

    fn room(number: u32) -> RoomId {
        RoomId::new(1_800_000_000_000, number)
    }

    fn up_to(all: u64) -> Receipts {
        let reach = Some(Reach { from: Seq::new(1), all: Seq::new(all) });
        Receipts { delivered: reach, read: reach }
    }

    /// What is told after a look that found these ticks.
    fn told(ticks: &Ticks, room: RoomId, why: Why, found: Receipts) -> Vec<Receipts> {
        let of = |signal| match signal {
            Signal::Receipt { receipts, .. } => receipts,
            other => panic!("not of ticks: {other:?}"),
        };
        ticks.take(room, why, found).into_iter().map(of).collect()
    }

    #[test]
    fn only_what_is_otherwise_than_it_was_told_or_shown_is_told() {
        let ticks = Ticks::default();
        assert_eq!(told(&ticks, room(1), Why::Moved, NONE), [], "nobody was told of any");
        assert_eq!(told(&ticks, room(1), Why::Moved, up_to(3)), [up_to(3)]);
        assert_eq!(told(&ticks, room(1), Why::Moved, up_to(3)), []);
        let again = [up_to(3).without_read(), up_to(3)];
        assert_eq!(told(&ticks, room(1), Why::Missed, up_to(3)), again);
        assert_eq!(ticks.shown(room(2), up_to(4), 0), up_to(4));
        assert_eq!(told(&ticks, room(2), Why::Moved, NONE), [NONE], "somebody was shown some");
    }

    #[test]
    fn a_switch_is_told_as_nothing_and_then_as_it_is() {
        let ticks = Ticks::default();
        told(&ticks, room(1), Why::Moved, up_to(3));
        let unread = up_to(3).without_read();
        assert_eq!(
            told(&ticks, room(1), Why::Switched, up_to(2)),
            [up_to(2).without_read(), up_to(2)]
        );
        assert_eq!(told(&ticks, room(1), Why::Switched, unread), [unread]);
    }

    #[test]
    fn a_round_that_was_ahead_of_a_read_is_what_is_shown() {
        let ticks = Ticks::default();
        told(&ticks, room(1), Why::Moved, up_to(5));
        assert_eq!(ticks.shown(room(1), up_to(4), 0), up_to(5));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_was_forgotten_is_told_again() {
        let ticks = Ticks::default();
        for number in 0..RECEIPTS_KEPT_MAX as u32 {
            ticks.shown(room(number), NONE, 0);
        }
        assert_eq!(ticks.shown(room(u32::MAX), up_to(4), 0), up_to(4), "there is no place for it");
        assert_eq!(told(&ticks, room(u32::MAX), Why::Moved, NONE), [NONE]);
        assert!(ticks.known().kept.len() <= RECEIPTS_KEPT_MAX);
        let forgotten = ticks.known().forgotten;
        assert_eq!(ticks.shown(room(1), up_to(2), forgotten - 1), up_to(2));
        assert!(!ticks.known().kept.contains_key(&room(1)), "a round may have been ahead of it");
    }

    #[test]
    fn where_too_many_rooms_wait_the_others_are_read_again() {
        let ticks = Ticks::default();
        told(&ticks, room(u32::MAX), Why::Moved, up_to(1));
        let many: Vec<RoomId> = (0..RECEIPTS_KEPT_MAX as u32).map(room).collect();
        ticks.due(&many, Why::Moved);
        ticks.due(&[room(u32::MAX), room(1)], Why::Switched);
        assert_eq!(ticks.known().due.len(), RECEIPTS_KEPT_MAX);
        assert_eq!(ticks.known().due.get(&room(1)), Some(&Why::Switched));
        assert!(!ticks.known().kept.contains_key(&room(u32::MAX)));
    }
}
