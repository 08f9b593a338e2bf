//! What this client asks the server, a bounded number at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chinwag_proto::id::{RoomId, Seq};

/// Questions that are unanswered at once: it hides the way to the server, and stays far below the
/// commands that a server holds for one connection (64).
pub const ASKS_IN_FLIGHT_MAX: usize = 16;

/// A question. One of a kind a room is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// The next page of the list of rooms.
    List {
        after: Option<String>,
    },
    Get {
        room: RoomId,
    },
    Sync {
        room: RoomId,
    },
    /// Tell my read mark.
    Receipt {
        room: RoomId,
    },
}

impl Ask {
    fn room(&self) -> Option<RoomId> {
        match *self {
            Self::List { .. } => None,
            Self::Get { room } | Self::Sync { room } | Self::Receipt { room } => Some(room),
        }
    }
}

/// The questions, and what they were about when they were asked: of a sync the cursor, of a receipt
/// the mark.
#[derive(Debug, Clone, Default)]
pub(super) struct Asks {
    waiting: VecDeque<Ask>,
    in_flight: BTreeMap<u64, (Ask, Seq)>,
    /// These wait for [`Asks::retry`].
    later: Vec<Ask>,
    paused: bool,
    /// Rooms that went while the list was being read, whose next page may still show them.
    gone: BTreeSet<RoomId>,
}

impl Asks {
    pub(super) fn ask(&mut self, ask: Ask) {
        if !self.all().any(|known| *known == ask) {
            self.waiting.push_back(ask);
        }
    }

    /// The next that may be asked.
    pub(super) fn next(&mut self) -> Option<Ask> {
        if self.paused || self.in_flight.len() >= ASKS_IN_FLIGHT_MAX {
            return None;
        }
        self.waiting.pop_front()
    }

    pub(super) fn asked(&mut self, reference: u64, ask: Ask, at: Seq) {
        self.in_flight.insert(reference, (ask, at));
    }

    pub(super) fn answered(&mut self, reference: u64) -> Option<(Ask, Seq)> {
        self.in_flight.remove(&reference)
    }

    /// Asks again at the next [`Asks::retry`].
    pub(super) fn put_off(&mut self, ask: Ask) {
        if !self.all().any(|known| *known == ask) {
            self.later.push(ask);
        }
    }

    /// The server asked to wait: nothing is asked before [`Asks::retry`].
    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    pub(super) fn retry(&mut self) {
        self.paused = false;
        self.waiting.extend(self.later.drain(..));
    }

    /// What has no answer is asked again.
    pub(super) fn timeout(&mut self) {
        let unanswered = std::mem::take(&mut self.in_flight);
        for (ask, _) in unanswered.into_values().rev() {
            self.waiting.push_front(ask);
        }
    }

    /// The connection is gone: only what nothing else will bring is asked again after the next
    /// `ready`, the rooms that I was added to.
    pub(super) fn disconnect(&mut self) {
        self.timeout();
        self.retry();
        self.waiting.retain(|ask| matches!(ask, Ask::Get { .. }));
        self.gone.clear();
    }

    /// The room is gone, and with it every question about it.
    pub(super) fn forget(&mut self, room: RoomId) {
        let about = |ask: &Ask| ask.room() == Some(room);
        self.waiting.retain(|ask| !about(ask));
        self.later.retain(|ask| !about(ask));
        self.in_flight.retain(|_, (ask, _)| !about(ask));
        if self.is_listing() {
            self.gone.insert(room);
        }
    }

    /// True for a room that went since the list began.
    pub(super) fn is_gone(&self, room: RoomId) -> bool {
        self.gone.contains(&room)
    }

    pub(super) fn list_ended(&mut self) {
        self.gone.clear();
    }

    pub(super) fn is_listing(&self) -> bool {
        self.all().any(|ask| matches!(ask, Ask::List { .. }))
    }

    fn all(&self) -> impl Iterator<Item = &Ask> {
        let in_flight = self.in_flight.values().map(|(ask, _)| ask);
        self.waiting.iter().chain(&self.later).chain(in_flight)
    }
}
