//! What waits for one slow reader: bounded, and forgotten rather than grown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::id::{RoomId, Seq};
use crate::limit::{LAGGED_ROOMS_MAX, OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX};

/// What a frame is to its reader, which decides what becomes of it when the outbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A reply or control frame: kept to the last.
    Reply,
    /// An event of a room's log: can be read again, so the reader is told that it lags.
    Event { room: RoomId, seq: Seq },
    /// How far a room has come: can be asked again, so it is dropped and its room noted.
    Receipt { room: RoomId },
    /// True now and not kept: dropped first.
    Signal,
}

/// What became of a frame that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits.
    Queued,
    /// It was forgotten; if it was an event the reader will be told that it lags.
    Dropped,
    /// Not even replies fit any more, or more rooms lag than can be named: close the connection,
    /// its client resumes by `hello`.
    Overflow,
}

/// What full outboxes let go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// Backlogs of events forgotten: each is one reader that is told to sync.
    pub backlogs: u64,
    /// Signals dropped.
    pub signals: u64,
}

/// The frames that wait for one reader, oldest first. `F` is the driver's frame (shared bytes).
///
/// While the outbox is full its events are forgotten and their rooms noted; once it is empty again
/// [`Outbox::take_lagged`] names the rooms, and the reader syncs each from its own cursor.
#[derive(Debug)]
pub struct Outbox<F> {
    frames: VecDeque<(F, Class)>,
    bytes: usize,
    lagged: BTreeMap<RoomId, Seq>,
    stale: BTreeSet<RoomId>,
    losses: Losses,
}

impl<F> Default for Outbox<F> {
    fn default() -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            lagged: BTreeMap::new(),
            stale: BTreeSet::new(),
            losses: Losses::default(),
        }
    }
}

impl<F: AsRef<[u8]>> Outbox<F> {
    /// Adds a frame behind those that wait.
    pub fn push(&mut self, frame: F, class: Class) -> Pushed {
        let bytes = frame.as_ref().len();
        if let Class::Event { room, seq } = class
            && !self.lagged.is_empty()
        {
            return self.lag(room, seq);
        }
        let full = |outbox: &Self| {
            outbox.bytes + bytes > OUTBOX_BYTES_MAX || outbox.frames.len() >= OUTBOX_FRAMES_MAX
        };
        if full(self) {
            self.forget();
            match class {
                Class::Signal => {
                    self.losses.signals += 1;
                    return Pushed::Dropped;
                }
                Class::Receipt { room } => return self.stale(room),
                Class::Event { room, seq } => return self.lag(room, seq),
                Class::Reply if full(self) => return Pushed::Overflow,
                Class::Reply => {}
            }
        }
        self.bytes += bytes;
        self.frames.push_back((frame, class));
        Pushed::Queued
    }

    /// Puts back what a partial write left of a frame that had begun: it must be completed.
    pub fn push_remainder(&mut self, frame: F) {
        self.bytes += frame.as_ref().len();
        self.frames.push_front((frame, Class::Reply));
    }

    /// The frames that wait, in the order in which they must leave.
    pub fn frames(&self) -> impl Iterator<Item = &F> {
        self.frames.iter().map(|(frame, _)| frame)
    }

    /// Takes the oldest frame.
    pub fn pop(&mut self) -> Option<F> {
        let (frame, _) = self.frames.pop_front()?;
        self.bytes -= frame.as_ref().len();
        Some(frame)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Once nothing waits: the rooms in which the reader must sync, each with its newest `seq`.
    pub fn take_lagged(&mut self) -> BTreeMap<RoomId, Seq> {
        if self.frames.is_empty() { std::mem::take(&mut self.lagged) } else { BTreeMap::new() }
    }

    /// Once nothing waits: the rooms whose ticks were dropped, and must be told again.
    pub fn take_stale(&mut self) -> BTreeSet<RoomId> {
        if self.frames.is_empty() { std::mem::take(&mut self.stale) } else { BTreeSet::new() }
    }

    /// True while events are forgotten and the reader is not yet told.
    #[must_use]
    pub fn is_lagging(&self) -> bool {
        !self.lagged.is_empty()
    }

    /// What was let go since this was last asked.
    pub fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// Forgets all signals and events, and notes the rooms of the events.
    fn forget(&mut self) {
        let Self { frames, bytes, lagged, losses, stale } = self;
        let was_lagging = !lagged.is_empty();
        frames.retain(|(_, class)| {
            match class {
                Class::Event { room, seq } => drop(lagged.insert(*room, *seq)),
                Class::Receipt { room } => drop(stale.insert(*room)),
                Class::Signal => losses.signals += 1,
                Class::Reply => {}
            }
            *class == Class::Reply
        });
        losses.backlogs += u64::from(!was_lagging && !lagged.is_empty());
        *bytes = frames.iter().map(|(frame, _)| frame.as_ref().len()).sum();
    }

    /// Notes a room whose ticks the reader was not told. Of too many it hears by its next `hello`.
    fn stale(&mut self, room: RoomId) -> Pushed {
        self.stale.insert(room);
        if self.stale.len() > LAGGED_ROOMS_MAX { Pushed::Overflow } else { Pushed::Dropped }
    }

    fn lag(&mut self, room: RoomId, seq: Seq) -> Pushed {
        self.losses.backlogs += u64::from(self.lagged.is_empty());
        self.lagged.insert(room, seq);
        if self.lagged.len() > LAGGED_ROOMS_MAX { Pushed::Overflow } else { Pushed::Dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(number: u32) -> RoomId {
        RoomId::new(1_800_000_000_000, number)
    }

    fn event(room_number: u32, seq: u64) -> Class {
        Class::Event { room: room(room_number), seq: Seq::new(seq) }
    }

    #[test]
    fn what_waits_leaves_in_order() {
        let mut outbox = Outbox::default();
        outbox.push("reply", Class::Reply);
        outbox.push("event", event(1, 1));
        assert_eq!(
            [outbox.pop(), outbox.pop(), outbox.pop()],
            [Some("reply"), Some("event"), None]
        );
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn a_full_outbox_forgets_events_and_names_their_rooms() {
        let mut outbox = Outbox::default();
        let big = "x".repeat(OUTBOX_BYTES_MAX / 2);
        assert_eq!(outbox.push(big.clone(), event(1, 1)), Pushed::Queued);
        assert_eq!(outbox.push("reply".to_owned(), Class::Reply), Pushed::Queued);
        assert_eq!(outbox.push(big.clone(), event(2, 5)), Pushed::Dropped);
        assert_eq!(outbox.push("small".to_owned(), event(1, 2)), Pushed::Dropped);
        assert!(outbox.take_lagged().is_empty(), "the reply still waits");
        assert!(outbox.is_lagging());
        assert_eq!(outbox.take_losses(), Losses { backlogs: 1, signals: 0 });
        assert_eq!(outbox.pop().as_deref(), Some("reply"));
        let lagged = outbox.take_lagged();
        assert_eq!(
            lagged.into_iter().collect::<Vec<_>>(),
            [(room(1), Seq::new(2)), (room(2), Seq::new(5))]
        );
        assert_eq!(outbox.push("live again".to_owned(), event(1, 3)), Pushed::Queued);
    }

    #[test]
    fn ticks_that_are_dropped_are_named_once_nothing_waits() {
        let mut outbox = Outbox::default();
        let receipt = |number| Class::Receipt { room: room(number) };
        outbox.push("waits".to_owned(), receipt(1));
        outbox.push("x".repeat(OUTBOX_BYTES_MAX), Class::Reply);
        assert_eq!(outbox.push("late".to_owned(), receipt(2)), Pushed::Dropped);
        assert!(outbox.take_stale().is_empty(), "the reply still waits");
        assert_eq!(outbox.pop().map(|reply| reply.len()), Some(OUTBOX_BYTES_MAX));
        assert_eq!(outbox.take_stale().into_iter().collect::<Vec<_>>(), [room(1), room(2)]);
        assert!(outbox.take_stale().is_empty() && outbox.take_lagged().is_empty());
    }

    #[test]
    fn who_misses_the_ticks_of_too_many_rooms_comes_back() {
        let mut outbox = Outbox::default();
        outbox.push("x".repeat(OUTBOX_BYTES_MAX), Class::Reply);
        let mut miss =
            |number| outbox.push("late".to_owned(), Class::Receipt { room: room(number) });
        let most = LAGGED_ROOMS_MAX as u32;
        assert!((0..most).all(|number| miss(number) == Pushed::Dropped));
        assert_eq!((miss(0), miss(most)), (Pushed::Dropped, Pushed::Overflow));
    }

    #[test]
    fn replies_alone_can_overflow() {
        let mut outbox = Outbox::default();
        let big = "x".repeat(OUTBOX_BYTES_MAX);
        assert_eq!(outbox.push(big.clone(), Class::Reply), Pushed::Queued);
        assert_eq!(outbox.push("s".to_owned(), Class::Signal), Pushed::Dropped);
        assert_eq!(outbox.take_losses(), Losses { backlogs: 0, signals: 1 });
        assert_eq!(outbox.push(big, Class::Reply), Pushed::Overflow);
    }

    #[test]
    fn memory_is_bounded_in_frames_too() {
        let mut outbox = Outbox::default();
        for seq in 0..2 * OUTBOX_FRAMES_MAX as u64 {
            outbox.push("", event(1, seq));
        }
        assert!(outbox.frames().count() <= OUTBOX_FRAMES_MAX);
        assert_eq!(outbox.take_lagged().into_values().collect::<Vec<_>>(), [Seq::new(8_191)]);
    }
}
