//! One room as this client knows it.

use std::collections::BTreeMap;

use chinwag_proto::frame::Event;
use chinwag_proto::id::{Seq, UserId};
use chinwag_proto::receipt::{Reach, Receipts};
use chinwag_proto::rest;
use serde_json::Value;

use super::timeline::{self, Timeline};

/// Events of one room held because an earlier one is missing; those beyond come with the sync.
pub const HELD_EVENTS_MAX: usize = 256;

/// Rooms of more members have no ticks, by the contract.
const RECEIPT_MEMBERS_MAX: u64 = 1_024;

/// Where an arriving event stands.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    Next(Event),
    Old,
    Ahead,
}

/// A room: what the server reported of it, brought forward by the events since.
#[derive(Debug, Clone)]
pub struct Room {
    info: rest::Room,
    /// The head of the report that `info` came from: earlier events are in it already.
    reported: Seq,
    cursor: Seq,
    timeline: Timeline,
    held: BTreeMap<Seq, Event>,
    /// The server sends by itself what lies above the cursor.
    pub(super) resumed: bool,
    /// A read mark that the server has not confirmed.
    pub(super) read_wanted: Option<Seq>,
    /// What was said of delivery, and what of it the server has for sure.
    delivered_said: Seq,
    delivered_sure: Seq,
    /// False until this connection has said how far all have come: what moved while it was away may be
    /// told to nobody any more.
    pub(super) receipts_current: bool,
}

/// What has become of a message of mine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tick {
    /// It is in the log.
    Sent,
    /// All the others who were there have received it.
    Delivered,
    /// All of them who let it be known have read it.
    Read,
}

impl Room {
    /// A room that was not known.
    pub(super) fn begin(info: rest::Room, cursor: Seq) -> Self {
        Self {
            reported: info.head_seq,
            delivered_said: info.delivered_seq,
            delivered_sure: info.delivered_seq,
            cursor,
            info,
            timeline: Timeline::begin(cursor),
            held: BTreeMap::new(),
            resumed: true,
            read_wanted: None,
            receipts_current: true,
        }
    }

    /// The room as the wire describes it, as of now.
    #[must_use]
    pub fn info(&self) -> &rest::Room {
        &self.info
    }

    /// The last `seq` that was applied.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Messages that were not read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.info.n.saturating_sub(self.info.read_n)
    }

    /// What has become of my message with this `seq`.
    #[must_use]
    pub fn tick(&self, seq: Seq) -> Tick {
        let Receipts { delivered, read } = self.info.receipts.into();
        let has = |reach: Option<Reach>| reach.is_some_and(|reach| reach.covers(seq));
        match () {
            () if has(read) => Tick::Read,
            () if has(delivered) => Tick::Delivered,
            () => Tick::Sent,
        }
    }

    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(super) fn timeline_mut(&mut self) -> &mut Timeline {
        &mut self.timeline
    }

    pub(super) fn is_self(&self) -> bool {
        self.info.kind == "self"
    }

    /// True while the log is known to go on after the cursor.
    pub(super) fn is_behind(&self) -> bool {
        self.cursor < self.info.head_seq
    }

    /// Takes what the server says of a room that is known.
    pub(super) fn report(&mut self, mut info: rest::Room) {
        let old = &self.info;
        let (receipts, delivered) = (info.receipts, info.delivered_seq);
        let last = newest(old.last.clone(), info.last.take());
        let draft = info.draft.take();
        let (head_seq, n) = (old.head_seq.max(info.head_seq), old.n.max(info.n));
        let (read_seq, read_n) = (old.read_seq.max(info.read_seq), old.read_n.max(info.read_n));
        if info.head_seq >= self.reported.max(self.cursor) {
            self.reported = info.head_seq;
            self.info = info;
        }
        let info = &mut self.info;
        (info.head_seq, info.n, info.last, info.draft) = (head_seq, n, last, draft);
        (info.read_seq, info.read_n) = (read_seq, read_n);
        info.receipts = receipts;
        self.receipts_current = true;
        self.delivered_sure = self.delivered_sure.max(delivered);
        self.delivered_said = self.delivered_said.max(delivered);
    }

    /// A `ready` says what of my delivery the server has, and no more of what this connection's past said.
    pub(super) fn delivered_is(&mut self, seq: Seq) {
        (self.delivered_said, self.delivered_sure) = (seq, seq);
    }

    /// Takes how far all the others have come. What is not as far is old news; nothing at all is none.
    pub(super) fn take_receipts(&mut self, new: rest::Receipts) {
        self.receipts_current = true;
        let known = &mut self.info.receipts;
        if new.delivered_all.is_none() || new.delivered_all >= known.delivered_all {
            (known.delivered_from, known.delivered_all) = (new.delivered_from, new.delivered_all);
        }
        if new.read_all.is_none() || new.read_all >= known.read_all {
            (known.read_from, known.read_all) = (new.read_from, new.read_all);
        }
    }

    /// True where something was received that was not said. Before this connection was told of the room
    /// the server may well have it.
    pub(super) fn has_undelivered(&self) -> bool {
        let has_ticks = !self.is_self() && self.info.members <= RECEIPT_MEMBERS_MAX;
        has_ticks && self.receipts_current && self.cursor > self.delivered_said
    }

    /// What was said may be lost.
    pub(super) fn doubt_delivered(&mut self) {
        self.delivered_said = self.delivered_sure;
    }

    /// Up to where I say that I have received.
    pub(super) fn say_delivered(&mut self) -> Seq {
        self.delivered_said = self.cursor;
        self.cursor
    }

    pub(super) fn note_head(&mut self, head: Seq) {
        self.info.head_seq = self.info.head_seq.max(head);
    }

    /// Finds an event's place, and keeps it if it must wait.
    pub(super) fn place(&mut self, event: Event) -> Place {
        self.note_head(event.seq);
        if event.seq <= self.cursor {
            return Place::Old;
        }
        if event.seq == self.cursor.next() {
            return Place::Next(event);
        }
        hold(&mut self.held, event);
        Place::Ahead
    }

    /// The held event that is next.
    pub(super) fn take_next(&mut self) -> Option<Event> {
        self.held.retain(|&seq, _| seq > self.cursor);
        self.held.remove(&self.cursor.next())
    }

    /// Applies the event after the cursor.
    pub(super) fn apply(&mut self, me: UserId, event: &Event) {
        debug_assert_eq!(event.seq, self.cursor.next(), "events are applied in order");
        self.cursor = event.seq;
        self.note_head(event.seq);
        if let Some(n) = event.n {
            self.info.n = self.info.n.max(n);
            if event.from == me {
                self.mark_read(event.seq, n);
            }
        }
        if event.seq > self.reported {
            self.describe(me, event);
        }
        self.renew_last(event);
        self.timeline.append(event);
    }

    /// Moves the read mark, never back.
    pub(super) fn mark_read(&mut self, seq: Seq, n: u64) {
        self.info.read_seq = self.info.read_seq.max(seq);
        self.info.read_n = self.info.read_n.max(n);
        self.read_wanted = self.read_wanted.filter(|&wanted| wanted > seq);
    }

    /// Takes what I have begun to write, on whichever device; empty where there is nothing any more.
    pub(super) fn set_draft(&mut self, text: String) {
        self.info.draft = Some(text).filter(|text| !text.is_empty());
    }

    /// Moves the read mark before the server has; true where it moved.
    pub(super) fn want_read(&mut self, seq: Seq) -> bool {
        let seq = seq.min(self.info.head_seq);
        if seq <= self.info.read_seq {
            return false;
        }
        let at_head = (seq == self.info.head_seq).then_some(self.info.n);
        let n = at_head.or_else(|| self.timeline.n_at(seq)).unwrap_or(self.info.read_n);
        self.mark_read(seq, n);
        self.read_wanted = Some(seq);
        true
    }

    /// The connection is gone, and with it the reason to hold anything.
    pub(super) fn disconnect(&mut self) {
        self.held.clear();
        self.resumed = false;
        self.doubt_delivered();
    }

    /// What an event changes in the description of the room.
    fn describe(&mut self, me: UserId, event: &Event) {
        let text = |field: &str| event.body.as_ref()?.get(field)?.as_str().map(str::to_owned);
        let concerns_me = || text("user").is_some_and(|user| user.parse() == Ok(me));
        match event.kind.as_str() {
            "room_updated" => {
                self.info.name = text("name").or_else(|| self.info.name.take());
                self.info.history = text("history").unwrap_or_else(|| self.info.history.clone());
                self.info.posting = text("posting").unwrap_or_else(|| self.info.posting.clone());
            }
            "member_joined" => self.info.members += 1,
            "member_left" => self.info.members = self.info.members.saturating_sub(1),
            "member_role" if concerns_me() => self.info.role = text("role"),
            _ => {}
        }
    }

    fn renew_last(&mut self, event: &Event) {
        if timeline::in_timeline(&event.kind) {
            self.info.last = newest(self.info.last.take(), Some(event.clone()));
        }
        if let (Some(target), Some(last)) = (timeline::deletion_target(event), &mut self.info.last)
            && last.seq == target
        {
            timeline::erase(last, event.seq);
        }
    }
}

/// Holds an event; of too many the latest goes, since it is the last that will be of use.
pub(super) fn hold(held: &mut BTreeMap<Seq, Event>, event: Event) {
    held.insert(event.seq, event);
    if held.len() > HELD_EVENTS_MAX {
        held.pop_last();
    }
}

fn newest(known: Option<Event>, other: Option<Event>) -> Option<Event> {
    match (known, other) {
        (Some(known), Some(other)) if timeline::is_newer(&other, &known) => Some(other),
        (known, other) => known.or(other),
    }
}

/// A number in the body of an event.
pub(super) fn number(body: &Value, field: &str) -> Option<u64> {
    body.get(field)?.as_u64()
}
