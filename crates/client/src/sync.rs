//! What a client knows, and what it says and concludes when it is told something. Pure: no socket,
//! no clock, no randomness; the driver carries out the [`Effect`]s and brings the time and the keys.
//!
//! Rules, each with its number, are in `cases/sync/README.md` beside the cases that hold this and the
//! web app's twin to them. The invariants:
//!
//! - **one order**: a room's events are applied by `seq`, each once; what is ahead is held and the
//!   hole is read from the log.
//! - **one in flight**: of what this client says in a room only the first is unanswered, so that a
//!   refusal cannot reorder.
//! - **nothing said is lost**: a command leaves the outbox when its event is applied, when it had
//!   nothing to change, or when the person gives it up.

mod asks;
mod outbox;
mod room;
mod timeline;

use std::collections::BTreeMap;

use chinwag_proto::code::ErrorCode;
use chinwag_proto::frame::{
    ClientFrame, ErrorFrame, Event, Hello, Lagged, Ready, ReceiptFrame, ReceiptSet, Reply, RoomGet,
    RoomList, RoomSync, ServerFrame,
};
use chinwag_proto::id::{Epoch, Key, RoomId, Seq, UserId};
use chinwag_proto::rest::{self, Me, Messages, UserName};

use asks::{Ask, Asks};
use outbox::Outbox;
use room::Place;

pub use asks::ASKS_IN_FLIGHT_MAX;
pub use outbox::{Command, Full, Kept, PENDING_MAX, Pending, Progress};
pub use room::{HELD_EVENTS_MAX, Room, Tick};
pub use timeline::{PageAt, Stale, TIMELINE_EVENTS_MAX, Timeline};

/// Cursors in one `hello`, until a `ready` names the server's own limit.
const CURSORS_MAX: usize = 1_000;
/// Rooms that are not known and of which something came: a bound, since the server fills it.
const STRANGERS_MAX: usize = 1_000;
/// Milliseconds after which to try again where the server does not say.
const RETRY_AFTER_MS: u64 = 1_000;

/// What the driver must do, in order, or may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Say this.
    Send(ClientFrame),
    /// Call [`Sync::retry`] after this time; earlier does no harm.
    Retry { after_ms: u64 },
    /// Call [`Sync::deliver`] after this time, and not before: one receipt for all that came meanwhile.
    Deliver { after_ms: u64 },
    /// A room begins here: what lies after `cursor` will be applied.
    Begun { room: RoomId, cursor: Seq },
    /// The event was applied.
    Applied { room: RoomId, seq: Seq, key: Option<Key> },
    /// The room is no longer ours.
    Gone { room: RoomId },
    /// The command of this key was refused for good: it waits for [`Sync::resend`] or [`Sync::discard`].
    Refused { key: Key, code: ErrorCode },
}

/// Milliseconds in which what is received is gathered to one receipt a room.
const DELIVER_AFTER_MS: u64 = 1_000;
/// Rooms of which a receipt is said at one moment: below what the server takes of one account (200 at
/// once, 50 a second); the others a moment later.
const DELIVER_ROOMS_MAX: usize = 32;

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Offline,
    /// `hello` was said; `resuming` is true where it named cursors.
    Greeting {
        resuming: bool,
    },
    Ready,
}

/// A room that is not known, and what came of it.
#[derive(Debug, Clone, Default)]
struct Stranger {
    events: BTreeMap<Seq, Event>,
    head_seq: Seq,
    /// What my own room said of my draft there.
    draft: Option<String>,
    /// And of how far I have read: `seq` and `n`.
    read: Option<(Seq, u64)>,
}

/// The state of one client. See the module.
#[derive(Debug, Clone)]
pub struct Sync {
    stage: Stage,
    me: Option<Me>,
    epoch: Option<Epoch>,
    rooms: BTreeMap<RoomId, Room>,
    strangers: BTreeMap<RoomId, Stranger>,
    /// How far all have come in rooms that are not known yet.
    early_receipts: BTreeMap<RoomId, rest::Receipts>,
    users: BTreeMap<UserId, UserName>,
    outbox: Outbox,
    asks: Asks,
    cursors_max: usize,
    /// [`Effect::Deliver`] was asked for.
    delivering: bool,
    last_reference: u64,
}

impl Default for Sync {
    fn default() -> Self {
        Self::new()
    }
}

impl Sync {
    /// A client that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stage: Stage::Offline,
            me: None,
            epoch: None,
            rooms: BTreeMap::new(),
            strangers: BTreeMap::new(),
            early_receipts: BTreeMap::new(),
            users: BTreeMap::new(),
            outbox: Outbox::default(),
            asks: Asks::default(),
            cursors_max: CURSORS_MAX,
            delivering: false,
            last_reference: 0,
        }
    }

    /// True between `ready` and the end of the connection.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Myself, once a server has said who that is.
    #[must_use]
    pub fn me(&self) -> Option<&Me> {
        self.me.as_ref()
    }

    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    #[must_use]
    pub fn room(&self, room: RoomId) -> Option<&Room> {
        self.rooms.get(&room)
    }

    /// All rooms, by id.
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }

    /// All rooms, the most recent first.
    #[must_use]
    pub fn rooms_by_activity(&self) -> Vec<&Room> {
        let mut rooms: Vec<&Room> = self.rooms.values().collect();
        let at_ms = |room: &Room| room.info().last.as_ref().map_or(0, |last| last.at_ms);
        rooms.sort_by_key(|room| std::cmp::Reverse(at_ms(room)));
        rooms
    }

    /// The name of someone who was mentioned by the server.
    #[must_use]
    pub fn user(&self, user: UserId) -> Option<&UserName> {
        self.users.get(&user)
    }

    /// What is not yet in the log, in the order in which it goes out.
    #[must_use]
    pub fn pending(&self) -> &[Pending] {
        self.outbox.list()
    }

    /// A socket is open: greets. The token is the access token.
    pub fn connect(&mut self, token: &str) -> Vec<Effect> {
        let cursors = self.cursors();
        let resuming = !cursors.is_empty();
        for (room, _) in &cursors {
            if let Some(room) = self.rooms.get_mut(room) {
                room.resumed = true;
            }
        }
        self.stage = Stage::Greeting { resuming };
        let epoch = self.epoch.filter(|_| resuming);
        vec![Effect::Send(ClientFrame::Hello(Hello { token: token.to_owned(), epoch, cursors }))]
    }

    /// The socket is gone. What had no answer will be said again.
    pub fn disconnect(&mut self) {
        self.stage = Stage::Offline;
        self.outbox.unsend();
        self.outbox.retry();
        self.asks.disconnect();
        self.delivering = false;
        self.strangers.clear();
        self.early_receipts.clear();
        for room in self.rooms.values_mut() {
            room.disconnect();
        }
    }

    /// Takes what the server said. Signals and what concerns the connection are the driver's.
    pub fn apply(&mut self, frame: ServerFrame) -> Vec<Effect> {
        let mut out = Vec::new();
        match (self.stage, frame) {
            (Stage::Greeting { resuming }, ServerFrame::Ready(ready)) => {
                self.ready(ready, resuming, &mut out);
            }
            (Stage::Ready, ServerFrame::Event(event)) => self.event(event, &mut out),
            (Stage::Ready, ServerFrame::Reply(reply)) => self.reply(reply, &mut out),
            (Stage::Ready, ServerFrame::Error(error)) => self.error(&error, &mut out),
            (Stage::Ready, ServerFrame::Lagged(lagged)) => self.lagged(&lagged),
            (Stage::Ready, ServerFrame::Receipt(receipt)) => {
                self.receipt(receipt);
            }
            _ => {}
        }
        self.flush(&mut out);
        out
    }

    /// Takes what was unsent when the program ended, before anything else is said: it goes out first, in
    /// this order, under the same keys.
    pub fn restore(&mut self, kept: impl IntoIterator<Item = Kept>) {
        for Kept { room, key, command } in kept {
            // Who kept more than may wait is not this program.
            if self.outbox.push(room, key, command).is_err() {
                return;
            }
        }
    }

    /// Posts a message, now or when it can be. The key is new: a UUIDv7.
    pub fn send(&mut self, room: RoomId, key: Key, text: String) -> Result<Vec<Effect>, Full> {
        self.outbox.push(room, key, Command::Message { text })?;
        Ok(self.flushed())
    }

    /// Erases a message, now or when it can be. The key is new: a UUIDv7.
    pub fn delete(&mut self, room: RoomId, key: Key, target: Seq) -> Result<Vec<Effect>, Full> {
        self.outbox.push(room, key, Command::Deletion { target })?;
        Ok(self.flushed())
    }

    /// The person has seen all up to `seq`.
    pub fn read(&mut self, room: RoomId, seq: Seq) -> Vec<Effect> {
        if self.rooms.get_mut(&room).is_some_and(|room| room.want_read(seq)) && self.is_ready() {
            self.asks.ask(Ask::Receipt { room });
        }
        self.flushed()
    }

    /// The time that [`Effect::Deliver`] named is over: says what was received, without asking for an
    /// answer; what is lost on the way is said again after the next `ready`.
    pub fn deliver(&mut self) -> Vec<Effect> {
        self.delivering = false;
        if !self.is_ready() {
            return Vec::new();
        }
        let rooms = self.rooms.iter_mut().filter(|(_, room)| room.has_undelivered());
        let said = rooms.take(DELIVER_ROOMS_MAX).map(|(&room, state)| {
            let delivered = Some(state.say_delivered());
            let receipt = ReceiptSet { reference: None, room, read: None, delivered };
            Effect::Send(ClientFrame::ReceiptSet(receipt))
        });
        let mut out: Vec<Effect> = said.collect();
        self.flush(&mut out);
        out
    }

    /// Takes a page of a room's timeline that was asked for `at`, with at most `limit` messages.
    pub fn page(
        &mut self,
        room: RoomId,
        at: PageAt,
        limit: usize,
        page: Messages,
    ) -> Result<(), Stale> {
        let same_history = self.epoch == Some(page.epoch);
        let room = self.rooms.get_mut(&room).filter(|_| same_history).ok_or(Stale)?;
        room.timeline_mut().merge(at, limit, page)
    }

    /// The time that [`Effect::Retry`] named is over.
    pub fn retry(&mut self) -> Vec<Effect> {
        self.outbox.retry();
        self.asks.retry();
        self.flushed()
    }

    /// No answer came for too long: says again what has none.
    pub fn timeout(&mut self) -> Vec<Effect> {
        self.outbox.unsend();
        self.asks.timeout();
        self.flushed()
    }

    /// Tries a failed command again.
    pub fn resend(&mut self, key: Key) -> Vec<Effect> {
        self.outbox.resend(key);
        self.flushed()
    }

    /// Gives a failed command up.
    pub fn discard(&mut self, key: Key) {
        self.outbox.discard(key);
    }

    fn cursors(&self) -> Vec<(RoomId, Seq)> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.rooms.iter().partition(|(_, room)| room.is_self());
        if own.is_empty() {
            return Vec::new();
        }
        let all = own.into_iter().chain(others);
        all.take(self.cursors_max).map(|(&id, room)| (id, room.cursor())).collect()
    }

    fn ready(&mut self, ready: Ready, resuming: bool, out: &mut Vec<Effect>) {
        self.stage = Stage::Ready;
        let known = self.epoch.replace(ready.epoch);
        if ready.reset || !resuming || known != Some(ready.epoch) {
            self.begin_afresh(out);
        }
        for room in self.rooms.values_mut() {
            room.receipts_current = false;
        }
        self.cursors_max = ready.limits.cursors as usize;
        self.me = Some(ready.user);
        self.take_users(ready.users);
        for room in ready.rooms {
            let (id, cursor, delivered) = (room.id, room.head_seq, room.delivered_seq);
            self.report(room, cursor, out);
            if let Some(room) = self.rooms.get_mut(&id) {
                room.delivered_is(delivered);
            }
        }
        if ready.more {
            self.asks.ask(Ask::List { after: ready.next });
        }
        for (&room, state) in &self.rooms {
            if state.read_wanted.is_some() {
                self.asks.ask(Ask::Receipt { room });
            }
        }
    }

    /// Forgets the rooms and keeps what is unsent.
    fn begin_afresh(&mut self, out: &mut Vec<Effect>) {
        self.asks = Asks::default();
        for room in std::mem::take(&mut self.rooms).into_keys() {
            self.outbox.settle(room, Seq::MAX);
            out.push(Effect::Gone { room });
        }
    }

    fn take_users(&mut self, users: Vec<UserName>) {
        self.users.extend(users.into_iter().map(|user| (user.id, user)));
    }

    /// Takes what the server says of a room of mine after `ready`. My own begins at its beginning
    /// then: what it says of the others may be newer than what was listed of them. So may what it said
    /// of a draft already.
    fn report_late(&mut self, mut info: rest::Room, out: &mut Vec<Effect>) {
        if let Some(known) = self.rooms.get(&info.id) {
            info.draft.clone_from(&known.info().draft);
            if known.receipts_current {
                info.receipts = known.info().receipts;
            }
        }
        let cursor = if info.kind == "self" { Seq::ZERO } else { info.head_seq };
        self.report(info, cursor, out);
    }

    /// Takes what the server says of a room of mine, which begins at `cursor` if it is new.
    fn report(&mut self, info: rest::Room, cursor: Seq, out: &mut Vec<Effect>) {
        let (id, head_seq) = (info.id, info.head_seq);
        if let Some(room) = self.rooms.get_mut(&id) {
            room.report(info);
            if !std::mem::replace(&mut room.resumed, true) && room.is_behind() {
                self.asks.ask(Ask::Sync { room: id });
            }
            return;
        }
        let stranger = self.strangers.remove(&id).unwrap_or_default();
        let mut room = Room::begin(info, cursor);
        if let Some(receipts) = self.early_receipts.remove(&id) {
            room.take_receipts(receipts);
        }
        if let Some(draft) = stranger.draft {
            room.set_draft(draft);
        }
        if let Some((seq, n)) = stranger.read {
            room.mark_read(seq, n);
        }
        out.push(Effect::Begun { room: id, cursor: room.cursor() });
        self.outbox.settle(id, room.cursor());
        self.rooms.insert(id, room);
        for event in stranger.events.into_values() {
            self.event(event, out);
        }
        let head_seq = stranger.head_seq.max(head_seq);
        self.lagged(&Lagged { room: id, head_seq });
    }

    fn event(&mut self, event: Event, out: &mut Vec<Effect>) {
        let id = event.room;
        let Some(room) = self.rooms.get_mut(&id) else {
            let seq = event.seq;
            return self.stranger(id, seq, Some(event));
        };
        match room.place(event) {
            Place::Next(event) => self.advance(&event, out),
            Place::Ahead => self.asks.ask(Ask::Sync { room: id }),
            Place::Old => {}
        }
    }

    /// Applies an event and those that were held for it.
    fn advance(&mut self, event: &Event, out: &mut Vec<Effect>) {
        let id = event.room;
        self.applied(event, out);
        while let Some(event) = self.rooms.get_mut(&id).and_then(Room::take_next) {
            self.applied(&event, out);
        }
    }

    fn applied(&mut self, event: &Event, out: &mut Vec<Effect>) {
        let Some(me) = self.me.as_ref().map(|me| me.id) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&event.room) else {
            return;
        };
        room.apply(me, event);
        let own = room.is_self();
        if let (Some(key), true) = (event.key, event.from == me) {
            self.outbox.seen(event.room, key);
        }
        self.outbox.settle(event.room, event.seq);
        out.push(Effect::Applied { room: event.room, seq: event.seq, key: event.key });
        if own {
            self.own_event(event, out);
        }
    }

    /// An event of the `self` room, about another one.
    fn own_event(&mut self, event: &Event, out: &mut Vec<Effect>) {
        let Some(body) = &event.body else { return };
        let subject = body.get("room").and_then(|room| room.as_str());
        let Some(id) = subject.and_then(|room| room.parse().ok()) else {
            return;
        };
        match event.kind.as_str() {
            "room_added" if !self.rooms.contains_key(&id) => self.asks.ask(Ask::Get { room: id }),
            "room_removed" => self.gone(id, out),
            "room_read" => {
                let mark = (room::number(body, "read_seq"), room::number(body, "read_n"));
                if let (Some(seq), Some(n)) = mark {
                    self.read_elsewhere(id, Seq::new(seq), n);
                }
            }
            "draft" => {
                if let Some(text) = body.get("text").and_then(|text| text.as_str()) {
                    self.draft(id, text.to_owned());
                }
            }
            _ => {}
        }
    }

    /// My draft in a room, known or not yet: a list that is being read may be older than this.
    fn draft(&mut self, id: RoomId, text: String) {
        if let Some(room) = self.rooms.get_mut(&id) {
            return room.set_draft(text);
        }
        self.stranger(id, Seq::ZERO, None);
        if let Some(stranger) = self.strangers.get_mut(&id) {
            stranger.draft = Some(text);
        }
    }

    /// My read mark in a room, in the same way.
    fn read_elsewhere(&mut self, id: RoomId, seq: Seq, n: u64) {
        if let Some(room) = self.rooms.get_mut(&id) {
            return room.mark_read(seq, n);
        }
        self.stranger(id, Seq::ZERO, None);
        if let Some(stranger) = self.strangers.get_mut(&id) {
            stranger.read = stranger.read.max(Some((seq, n)));
        }
    }

    fn gone(&mut self, room: RoomId, out: &mut Vec<Effect>) {
        self.asks.forget(room);
        self.strangers.remove(&room);
        self.outbox.settle(room, Seq::MAX);
        if self.rooms.remove(&room).is_some() {
            out.push(Effect::Gone { room });
        }
    }

    /// Something came of a room that is not known: it is held until the room is.
    fn stranger(&mut self, room: RoomId, head_seq: Seq, event: Option<Event>) {
        if self.strangers.len() >= STRANGERS_MAX && !self.strangers.contains_key(&room) {
            return;
        }
        let stranger = self.strangers.entry(room).or_default();
        stranger.head_seq = stranger.head_seq.max(head_seq);
        if let Some(event) = event {
            room::hold(&mut stranger.events, event);
        }
        if !self.asks.is_listing() {
            self.asks.ask(Ask::Get { room });
        }
    }

    fn lagged(&mut self, lagged: &Lagged) {
        let &Lagged { room: id, head_seq } = lagged;
        let Some(room) = self.rooms.get_mut(&id) else {
            return self.stranger(id, head_seq, None);
        };
        room.note_head(head_seq);
        if room.cursor() < head_seq {
            self.asks.ask(Ask::Sync { room: id });
        }
    }

    /// How far all have come. What is said of a room that is not known is newer than what may be read of
    /// it by then, so it waits for it; where too many wait it is forgotten, and comes with the next.
    fn receipt(&mut self, ReceiptFrame { room, receipts }: ReceiptFrame) {
        if let Some(room) = self.rooms.get_mut(&room) {
            return room.take_receipts(receipts);
        }
        if self.early_receipts.len() < STRANGERS_MAX || self.early_receipts.contains_key(&room) {
            self.early_receipts.insert(room, receipts);
        }
    }

    fn reply(&mut self, reply: Reply, out: &mut Vec<Effect>) {
        if let Some(room) = self.outbox.replied(reply.reference, reply.seq) {
            let cursor = self.rooms.get(&room).map_or(Seq::MAX, Room::cursor);
            return self.outbox.settle(room, cursor);
        }
        let Some((ask, at)) = self.asks.answered(reply.reference) else {
            return;
        };
        self.take_users(reply.users.unwrap_or_default());
        let rooms = reply.rooms.unwrap_or_default();
        match ask {
            Ask::List { .. } => {
                let next = reply.next.filter(|_| reply.more == Some(true));
                self.list_page(rooms, next, out);
            }
            Ask::Get { room } => {
                match rooms.into_iter().find(|info| info.id == room && info.role.is_some()) {
                    Some(info) => self.report_late(info, out),
                    None => drop(self.strangers.remove(&room)),
                }
            }
            Ask::Sync { room } => self.synced(room, at, reply.head_seq, out),
            Ask::Receipt { room } => self.receipt_done(room, at),
        }
    }

    fn list_page(&mut self, rooms: Vec<rest::Room>, next: Option<String>, out: &mut Vec<Effect>) {
        for info in rooms {
            if !self.asks.is_gone(info.id) && info.role.is_some() {
                self.report_late(info, out);
            }
        }
        if next.is_some() {
            return self.asks.ask(Ask::List { after: next });
        }
        self.list_ended();
    }

    fn list_ended(&mut self) {
        self.asks.list_ended();
        for &room in self.strangers.keys() {
            self.asks.ask(Ask::Get { room });
        }
        // A room that moved up while the pages were read is in none of them.
        let unnamed = |state: &Room| !state.receipts_current && !state.is_self();
        for (&room, _) in self.rooms.iter().filter(|(_, state)| unnamed(state)) {
            self.asks.ask(Ask::Get { room });
        }
    }

    /// The log was read after `after`: reads on, or later again where it brought nothing.
    fn synced(&mut self, id: RoomId, after: Seq, head: Option<Seq>, out: &mut Vec<Effect>) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.note_head(head.unwrap_or_default());
        if !room.is_behind() {
            return;
        }
        if room.cursor() > after {
            return self.asks.ask(Ask::Sync { room: id });
        }
        self.asks.put_off(Ask::Sync { room: id });
        out.push(Effect::Retry { after_ms: RETRY_AFTER_MS });
    }

    fn receipt_done(&mut self, id: RoomId, mark: Seq) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.read_wanted = room.read_wanted.filter(|&wanted| wanted > mark);
        if room.read_wanted.is_some() {
            self.asks.ask(Ask::Receipt { room: id });
        }
    }

    fn error(&mut self, error: &ErrorFrame, out: &mut Vec<Effect>) {
        let Some(reference) = error.reference else {
            // It may be of what was received, which is said without one.
            if is_for_now(error.code) {
                self.rooms.values_mut().for_each(Room::doubt_delivered);
            }
            return;
        };
        if is_for_now(error.code) {
            let after_ms = error.retry_after_ms.unwrap_or(RETRY_AFTER_MS);
            if !self.outbox.put_off(reference) {
                let Some((ask, _)) = self.asks.answered(reference) else {
                    return;
                };
                self.asks.put_off(ask);
                self.asks.pause();
            }
            return out.push(Effect::Retry { after_ms });
        }
        if let Some(key) = self.outbox.failed(reference, error.code) {
            return out.push(Effect::Refused { key, code: error.code });
        }
        match self.asks.answered(reference) {
            Some((Ask::List { .. }, _)) => self.list_ended(),
            Some((Ask::Get { room }, _)) => drop(self.strangers.remove(&room)),
            Some((Ask::Receipt { room }, mark)) => self.receipt_done(room, mark),
            Some((Ask::Sync { .. }, _)) | None => {}
        }
    }

    fn flushed(&mut self) -> Vec<Effect> {
        let mut out = Vec::new();
        self.flush(&mut out);
        out
    }

    /// Says all that may be said now.
    fn flush(&mut self, out: &mut Vec<Effect>) {
        if !self.is_ready() {
            return;
        }
        while let Some(frame) = self.outbox.next(self.last_reference + 1) {
            self.last_reference += 1;
            out.push(Effect::Send(frame));
        }
        while let Some(ask) = self.asks.next() {
            self.ask(ask, out);
        }
        if !self.delivering && self.rooms.values().any(Room::has_undelivered) {
            self.delivering = true;
            out.push(Effect::Deliver { after_ms: DELIVER_AFTER_MS });
        }
    }

    fn ask(&mut self, ask: Ask, out: &mut Vec<Effect>) {
        let reference = self.last_reference + 1;
        let state = |room| self.rooms.get(room);
        let (frame, at) = match &ask {
            Ask::List { after } => {
                (ClientFrame::RoomList(RoomList { reference, after: after.clone() }), Seq::ZERO)
            }
            Ask::Get { room } if state(room).is_some_and(|room| room.receipts_current) => return,
            &Ask::Get { room } => (ClientFrame::RoomGet(RoomGet { reference, room }), Seq::ZERO),
            &Ask::Sync { room } => {
                let Some(after) = state(&room).filter(|room| room.is_behind()).map(Room::cursor)
                else {
                    return;
                };
                let sync = RoomSync { reference, room, after, limit: None };
                (ClientFrame::RoomSync(sync), after)
            }
            &Ask::Receipt { room } => {
                let Some(read) = state(&room).and_then(|room| room.read_wanted) else {
                    return;
                };
                let receipt = ReceiptSet {
                    reference: Some(reference),
                    room,
                    read: Some(read),
                    delivered: None,
                };
                (ClientFrame::ReceiptSet(receipt), read)
            }
        };
        self.last_reference = reference;
        self.asks.asked(reference, ask, at);
        out.push(Effect::Send(frame));
    }
}

/// True for a refusal that says nothing about the command itself.
fn is_for_now(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Busy | ErrorCode::Unavailable | ErrorCode::RateLimited | ErrorCode::Unauthorized
    )
}
