//! The ticks of rooms: worked out where marks moved, at most once a second a room, told where they are
//! others than before, and kept at hand for those who open a connection.
//!
//! A receipt costs its column and a place in the set of rooms to look at, however many members the
//! room has; the look costs one range of rows. What is kept is written before it is told, so that a
//! connection that asks after it was attached to its hub misses nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chinwag_core::access::RoomKind;
use chinwag_core::event::Signal;
use chinwag_core::id::RoomId;
use chinwag_core::limit::{
    RECEIPT_MEMBERS_MAX, RECEIPT_ROOMS_MAX, RECEIPTS_EVERY, RECEIPTS_KEPT_MAX,
};
use chinwag_core::receipt::Receipts;
use chinwag_store::committed::Told;
use chinwag_store::read::{Reader, RoomPage, RoomRow};
use foldhash::HashMap;

use crate::app::App;

/// Members of a room whose ticks are read each time: fewer rows than the room's last message costs.
const SMALL_MEMBERS_MAX: u64 = 64;

/// Why a room is looked at, the stronger above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// A mark moved: told where the ticks are others.
    Moved,
    /// Somebody missed what was told: told in any case.
    Missed,
    /// A member switched read receipts: what was told before holds no more.
    Switched,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ticks(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    due: BTreeMap<RoomId, Why>,
    kept: HashMap<RoomId, Receipts>,
    /// Something that was told is not in `kept` any more.
    has_forgotten: bool,
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

    /// Where too many wait, those are looked at when their marks move next.
    fn due(&self, rooms: &[RoomId], why: Why) {
        let mut known = self.known();
        for &room in rooms {
            if known.due.len() < RECEIPTS_KEPT_MAX || known.due.contains_key(&room) {
                let due = known.due.entry(room).or_insert(why);
                *due = (*due).max(why);
            }
        }
    }

    /// The ticks of these rooms: of small ones as the reader's snapshot has them, of others as they were
    /// told last, if they were.
    pub(crate) fn fill(&self, reader: &Reader, shares_read: bool, page: &mut RoomPage) {
        for room in page.rooms.iter_mut().filter(|room| has_ticks(room)) {
            let is_small = room.members <= SMALL_MEMBERS_MAX;
            let kept = if is_small { None } else { self.known().kept.get(&room.id).copied() };
            let receipts = kept.unwrap_or_else(|| reader.receipts(room.id));
            room.receipts = if shares_read { receipts } else { receipts.without_read() };
        }
    }

    /// Keeps what a round read; what is to be told of it, in order.
    fn take(&self, room: RoomId, why: Why, receipts: Receipts) -> Vec<Signal> {
        let mut known = self.known();
        known.make_place();
        let untold = (!known.has_forgotten).then(Receipts::default);
        let before = known.kept.insert(room, receipts).or(untold);
        let moved = before.is_none_or(|before| before.delivered != receipts.delivered);
        let delivered_moved = moved || why != Why::Moved;
        let signal = |receipts| Signal::Receipt { room, receipts, delivered_moved };
        match why {
            Why::Moved if before == Some(receipts) => Vec::new(),
            Why::Moved | Why::Missed => vec![signal(receipts)],
            Why::Switched => vec![signal(receipts.without_read()), signal(receipts)],
        }
    }
}

impl Known {
    fn make_place(&mut self) {
        if self.kept.len() >= RECEIPTS_KEPT_MAX {
            self.kept.clear();
            self.has_forgotten = true;
        }
    }
}

fn has_ticks(room: &RoomRow) -> bool {
    let few = room.members <= RECEIPT_MEMBERS_MAX;
    few && room.role.is_some() && room.kind != RoomKind::SelfRoom
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
