//! One room on one shard: who reads it here, and the order in which its events leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Outputs;
use crate::event::Event;
use crate::id::Seq;
use crate::limit::{GAP_EVENTS_MAX, GAP_WAIT};

/// Where an arriving event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The next: it goes out.
    Next,
    /// One before it is missing: it waits.
    Held,
    /// It has gone out already; only readers who stand apart may still want it.
    Old,
}

/// A room that someone on this shard reads.
#[derive(Debug)]
pub(super) struct LocalRoom {
    /// The last event that went out. All `readers` have it and none after it.
    last: Seq,
    readers: Vec<u32>,
    /// Readers whose snapshot was ahead of the stream or behind it, each with the last event it
    /// has. They become `readers` as soon as the two meet; nearly always there is none.
    apart: Vec<(u32, Seq)>,
    gap: Option<Box<Gap>>,
    reading: Reading,
    /// The last event before this shard began to follow the room.
    since: Seq,
}

/// Whether the log is being read for what is missing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    No,
    /// At this moment, unless what is missing has come by then.
    Due(u64),
    Now,
}

/// What is known beyond a missing event.
#[derive(Debug)]
struct Gap {
    events: BTreeMap<Seq, Arc<Event>>,
    /// The newest event that is known to exist.
    head: Seq,
}

impl LocalRoom {
    pub(super) fn new(last: Seq) -> Self {
        Self {
            last,
            readers: Vec::new(),
            apart: Vec::new(),
            gap: None,
            reading: Reading::No,
            since: last,
        }
    }

    pub(super) fn last(&self) -> Seq {
        self.last
    }

    pub(super) fn readers(&self) -> &[u32] {
        &self.readers
    }

    /// The readers and those who stand apart: a tick is no event, and waits for none.
    pub(super) fn everyone(&self) -> impl Iterator<Item = u32> {
        self.readers.iter().copied().chain(self.apart.iter().map(|&(slot, _)| slot))
    }

    /// True where nobody reads it any more and no later joining can wait behind a gap.
    pub(super) fn is_deserted(&self) -> bool {
        self.readers.is_empty() && self.apart.is_empty() && self.gap.is_none()
    }

    /// True for an event of the time before this shard followed the room, so that it may never have
    /// been seen here.
    pub(super) fn is_before(&self, seq: Seq) -> bool {
        seq <= self.since
    }

    /// Adds a reader who has all events up to `position`.
    pub(super) fn add(&mut self, slot: u32, position: Seq) {
        if position == self.last {
            self.readers.push(slot);
        } else {
            self.apart.push((slot, position));
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(place) = self.readers.iter().position(|&reader| reader == slot) {
            self.readers.swap_remove(place);
        }
        self.apart.retain(|&(reader, _)| reader != slot);
    }

    /// The last event that this reader has.
    pub(super) fn position(&self, slot: u32) -> Option<Seq> {
        let apart = self.apart.iter().find(|&&(reader, _)| reader == slot);
        let among = || self.readers.contains(&slot).then_some(self.last);
        apart.map(|&(_, position)| position).or_else(among)
    }

    /// Finds an event's place, and keeps it if it must wait.
    pub(super) fn place(&mut self, now_ms: u64, event: &Arc<Event>) -> Place {
        if event.seq <= self.last {
            return Place::Old;
        }
        if event.seq == self.last.next() {
            return Place::Next;
        }
        let gap = self.open_gap(now_ms, event.seq);
        if gap.events.len() < GAP_EVENTS_MAX {
            gap.events.insert(event.seq, Arc::clone(event));
        }
        Place::Held
    }

    /// Sends an event to all for whom it is the next.
    pub(super) fn deliver(&mut self, event: &Arc<Event>, out: &mut Outputs) {
        if event.seq == self.last.next() {
            out.deliver(event, &self.readers);
            self.last = event.seq;
        }
        if !self.apart.is_empty() {
            self.deliver_apart(event, out);
        }
    }

    fn deliver_apart(&mut self, event: &Arc<Event>, out: &mut Outputs) {
        for (slot, position) in &mut self.apart {
            if position.next() == event.seq {
                *position = event.seq;
                out.deliver(event, &[*slot]);
            }
        }
        let (last, readers) = (self.last, &mut self.readers);
        self.apart.retain(|&(slot, position)| {
            if position == last {
                readers.push(slot);
            }
            position != last
        });
    }

    /// The held event that is next, now that those before it are out.
    pub(super) fn take_next(&mut self) -> Option<Arc<Event>> {
        let gap = self.gap.as_mut()?;
        gap.events.retain(|&seq, _| seq > self.last);
        let next = gap.events.remove(&self.last.next());
        if next.is_none() && gap.head <= self.last {
            self.gap = None;
        }
        next
    }

    /// Notes what the log says is the newest event.
    pub(super) fn note_head(&mut self, now_ms: u64, head: Seq) {
        if head > self.last {
            self.open_gap(now_ms, head);
        }
    }

    fn open_gap(&mut self, now_ms: u64, head: Seq) -> &mut Gap {
        if self.gap.is_none() && self.reading != Reading::Now {
            self.reading = Reading::Due(now_ms + GAP_WAIT.as_millis() as u64);
        }
        let new = || Box::new(Gap { events: BTreeMap::new(), head });
        let gap = self.gap.get_or_insert_with(new);
        gap.head = gap.head.max(head);
        gap
    }

    /// From after which event on something is missing here: behind a gap, or for a reader who
    /// stands behind what has gone out, which will not come again by itself.
    fn missing_after(&self) -> Option<Seq> {
        let positions = self.apart.iter().map(|&(_, position)| position);
        let behind = positions.filter(|&position| position < self.last).min();
        behind.or_else(|| self.gap.is_some().then_some(self.last))
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing_after().is_some()
    }

    pub(super) fn fetch_due_ms(&self) -> Option<u64> {
        match self.reading {
            Reading::Due(due) if self.is_missing() => Some(due),
            _ => None,
        }
    }

    /// If the log must be read now: from after which event.
    pub(super) fn fetch(&mut self, now_ms: u64) -> Option<Seq> {
        let Reading::Due(due) = self.reading else {
            return None;
        };
        let Some(after) = self.missing_after() else {
            self.reading = Reading::No;
            return None;
        };
        if due > now_ms {
            return None;
        }
        self.reading = Reading::Now;
        Some(after)
    }

    /// If the log must be read for a reader who stands behind: from after which event.
    pub(super) fn catch_up(&mut self) -> Option<Seq> {
        if self.reading == Reading::Now {
            return None;
        }
        let after = self.missing_after().filter(|&after| after < self.last)?;
        self.reading = Reading::Now;
        Some(after)
    }

    /// What was asked for has come. If something is still missing, the log is read again.
    pub(super) fn fetched(&mut self, now_ms: u64) {
        let due = Reading::Due(now_ms + GAP_WAIT.as_millis() as u64);
        self.reading = if self.is_missing() { due } else { Reading::No };
    }
}
