//! What is to be known of a tab: what it shows, what it waits for, how its connection ended.

use std::collections::BTreeMap;

use chinwag_client::sync::{Progress, Room};
use chinwag_core::id::{Key, RoomId, Seq};
use chinwag_proto::frame::Event;
use chinwag_testkit::check::{DeviceView, Line, RoomView};
use chinwag_testkit::ledger::text_hash;

use super::{Device, Parting};

impl Device {
    pub(crate) fn knows(&self, room: RoomId) -> bool {
        self.state.borrow().sync.room(room).is_some()
    }

    pub(crate) fn cursor(&self, room: RoomId) -> Option<Seq> {
        self.state.borrow().sync.room(room).map(Room::cursor)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.state.borrow().sync.is_ready()
    }

    /// The rooms and keys of what is unsent and so far.
    pub(crate) fn pending(&self, so_far: impl Fn(Progress) -> bool) -> Vec<(RoomId, Key)> {
        let state = self.state.borrow();
        let pending = state.sync.pending().iter().filter(|pending| so_far(pending.progress));
        pending.map(|pending| (pending.room, pending.key)).collect()
    }

    /// True once all that it said has come to its end.
    pub(crate) fn is_quiet(&self) -> bool {
        let unsent = self.pending(|progress| !matches!(progress, Progress::Failed { .. }));
        let state = self.state.borrow();
        state.sync.is_ready() && state.asked.is_empty() && unsent.is_empty()
    }

    /// Every room with what is shown of it: cursor, `n`, read mark.
    pub(crate) fn marks(&self) -> BTreeMap<RoomId, (Seq, u64, Seq, u64)> {
        let state = self.state.borrow();
        let mark = |room: &Room| {
            let info = room.info();
            (info.id, (room.cursor(), info.n, info.read_seq, info.read_n))
        };
        state.sync.rooms().map(mark).collect()
    }

    /// True once every message of every room has two ticks.
    pub(crate) fn shows_all_delivered(&self) -> bool {
        let state = self.state.borrow();
        state.sync.rooms().filter(|room| room.info().members > 1).all(|room| {
            let delivered = room.info().receipts.delivered_all;
            delivered == Some(room.info().head_seq)
        })
    }

    /// The rooms in which it was told that it lags, each with the head that was named last.
    pub(crate) fn lagged(&self) -> BTreeMap<RoomId, Seq> {
        self.state.borrow().lagged.clone()
    }

    /// From here on it is watched how this connection ends; what the server has been given is owed.
    pub(crate) fn settle_up(&self) {
        let state = &mut *self.state.borrow_mut();
        let owed = state.asked.range(..=state.written).map(|(&reference, _)| reference).collect();
        state.parting = Some(Parting { owed, ..Parting::default() });
    }

    pub(crate) fn has_parted(&self) -> bool {
        self.state.borrow().parting.as_ref().is_some_and(|parting| parting.is_over)
    }

    pub(crate) fn parting(&self) -> Option<Parting> {
        self.state.borrow_mut().parting.take()
    }

    /// What it shows.
    pub(crate) fn view(&self) -> DeviceView {
        let state = self.state.borrow();
        let rooms = state.sync.rooms().map(|room| RoomView {
            room: room.info().id,
            head_seq: room.cursor(),
            n: room.info().n,
            read_seq: room.info().read_seq,
            read_n: room.info().read_n,
            receipts: None,
            from: room.timeline().known_from().unwrap_or(room.cursor().next()),
            timeline: room.timeline().newest().map(line).collect(),
        });
        DeviceView { device: self.id.get(), rooms: rooms.collect() }
    }
}

/// An event as it is shown.
pub(crate) fn line(event: &Event) -> Line {
    let text = event.body.as_ref().and_then(|body| body.get("text")?.as_str());
    Line { seq: event.seq, key: event.key, hash: text.map(text_hash) }
}
