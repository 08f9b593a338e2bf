//! The live state of one shard: who is connected, what they read, and what each must be told.
//!
//! The **drain invariant**: after every [`Hub::handle`] the caller carries out all that stands in
//! [`Outputs`], in order, and clears it. The hub never waits, never does I/O and never asks the
//! time; `now_ms` is any clock that does not go back.
//!
//! A connection comes in three steps. [`Input::Attached`] says whose it is; from then on the hub
//! holds the committed events that pass. The driver reads the user's rooms and their heads from
//! the log in one snapshot and answers with [`Input::Joined`]. The hub then delivers exactly the
//! events above those heads, and the connection is live: no event is missed and none comes twice,
//! whichever of the two, the stream or the snapshot, was ahead.

mod presence;
mod receipts;
mod room;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use foldhash::HashMap;

use crate::event::{ConnId, Event, EventKind, Origin, Signal};
use crate::id::{RoomId, Seq, SessionId, UserId};
use crate::limit::{ADDED_WAIT, DEAD_AFTER, JOIN_HOLD_EVENTS_MAX, PING_AFTER};
use crate::receipt::Receipts;
use presence::Presence;
use room::{LocalRoom, Place};

/// What reaches a shard.
#[derive(Debug, Clone)]
pub enum Input {
    /// The connection's token was good. Its snapshot is read after this.
    Attached { conn: ConnId, user: UserId, session: SessionId },
    /// The snapshot: every room of the user, each with its head. The driver has already written
    /// `ready` and what the client missed up to those heads.
    /// `shares_read` is false where the user has switched read receipts off.
    Joined { conn: ConnId, heads: Vec<(RoomId, Seq)>, shares_read: bool },
    /// The connection is gone.
    Closed { conn: ConnId },
    /// Something came from the connection.
    Heard { conn: ConnId },
    /// An event is on disk.
    Committed { event: Arc<Event>, origin: Option<Origin> },
    /// What the log holds of a room after the event that was asked for in [`Output::Fetch`].
    Fetched { room: RoomId, events: Vec<Arc<Event>> },
    /// What the log says is the newest event of a room. It finds a lost last event.
    Head { room: RoomId, head: Seq },
    /// A signal from any shard of any node.
    Signal(Signal),
    /// A member of the room types, or stops.
    Typing { conn: ConnId, room: RoomId, on: bool },
    /// The users on the connection's screen, who may be seen by its user as a snapshot has it that
    /// was taken when [`Hub::leavings`] was this.
    Watch { conn: ConnId, users: Vec<UserId>, leavings: u64 },
    /// Those of [`Output::Doubt`] who may be seen all the same, in the same way.
    Watchable { conn: ConnId, users: Vec<UserId>, leavings: u64 },
    /// A user has switched read receipts on or off.
    ReadShared { user: UserId, on: bool },
    /// These sessions of a user are over.
    Revoked { user: UserId, sessions: Vec<SessionId> },
    /// Time has passed; comes about every second, and when [`Hub::next_deadline_ms`] is due.
    Tick,
}

/// What the driver must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Answer the command with the event that it made.
    Reply { conn: ConnId, reference: u64, event: Arc<Event> },
    /// Write the event to the connections in these [`Outputs::slots`].
    Deliver { event: Arc<Event>, to: Range<usize> },
    /// Write the signal to the connections in these [`Outputs::slots`].
    Signal { signal: Signal, to: Range<usize> },
    /// Tell every shard of every node, this one too.
    Publish(Signal),
    /// Read the room's log after this event, and come back with [`Input::Fetched`].
    Fetch { room: RoomId, after: Seq },
    /// Somebody left a room: find out which of these `user` still shares one with, and come back with
    /// [`Input::Watchable`]. Until then the connection is told nothing of them.
    Doubt { conn: ConnId, user: UserId, users: Vec<UserId>, leavings: u64 },
    /// Somebody reads the room from now on, and may have been told ticks from before: tell them again.
    Untold { room: RoomId },
    /// Ask the connection for a sign of life.
    Ping { conn: ConnId },
    /// Close the connection.
    Close { conn: ConnId, why: Close },
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// Its session was revoked.
    Revoked,
    /// It was silent for too long.
    Dead,
    /// More happened while its snapshot was read than can be held, or a joining was lost on the
    /// way here: come back.
    Restart,
}

/// The work that one or more calls of [`Hub::handle`] leave to the driver. It is cleared and used
/// again, so that a delivery allocates nothing.
#[derive(Debug, Default)]
pub struct Outputs {
    pub list: Vec<Output>,
    pub slots: Vec<u32>,
}

impl Outputs {
    pub fn clear(&mut self) {
        self.list.clear();
        self.slots.clear();
    }

    fn to(&mut self, slots: impl IntoIterator<Item = u32>) -> Range<usize> {
        let start = self.slots.len();
        self.slots.extend(slots);
        start..self.slots.len()
    }

    fn deliver(&mut self, event: &Arc<Event>, slots: &[u32]) {
        if slots.is_empty() {
            return;
        }
        let start = self.slots.len();
        self.slots.extend_from_slice(slots);
        self.list.push(Output::Deliver { event: Arc::clone(event), to: start..self.slots.len() });
    }

    fn signal(&mut self, signal: Signal, slots: impl IntoIterator<Item = u32>) {
        let to = self.to(slots);
        if !to.is_empty() {
            self.list.push(Output::Signal { signal, to });
        }
    }
}

/// A connection that has shown a good token.
#[derive(Debug)]
struct Conn {
    generation: u32,
    user: UserId,
    session: SessionId,
    heard_ms: u64,
    pinged: bool,
    /// While the snapshot is read: how far the stream had come when it began.
    joining_from: Option<u64>,
    /// The rooms it reads: those of its snapshot, and what the stream changed since.
    rooms: Vec<RoomId>,
    watched: Vec<UserId>,
    /// Whom it watched until somebody left a room, and may watch no more or again.
    doubted: Vec<UserId>,
    /// The number of the last ticks that passed before it was attached.
    receipts_from: u64,
    /// Whether the user gives and gets read receipts, once that is known.
    shares_read: Option<bool>,
}

/// The state of one shard. See the module.
#[derive(Debug, Default)]
pub struct Hub {
    conns: Vec<Option<Conn>>,
    /// The live connections of each user.
    users: HashMap<UserId, Vec<u32>>,
    rooms: HashMap<RoomId, LocalRoom>,
    /// The rooms in which an event is missing.
    gaps: BTreeSet<RoomId>,
    /// Who was told of which room, and by when the joining must have come too.
    added: Vec<(UserId, RoomId, u64)>,
    /// The events that passed while snapshots are being read; the first is number `held_from`.
    held: VecDeque<Arc<Event>>,
    held_from: u64,
    /// The ticks that passed meanwhile, the last of each room with its number.
    held_receipts: HashMap<RoomId, (u64, Receipts)>,
    receipts_passed: u64,
    joining: usize,
    presence: Presence,
    leavings: u64,
}

impl Hub {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one input and appends what is to be done about it.
    pub fn handle(&mut self, now_ms: u64, input: Input, out: &mut Outputs) {
        match input {
            Input::Attached { conn, user, session } => self.attached(now_ms, conn, user, session),
            Input::Joined { conn, heads, shares_read } => {
                if let Some(conn) = self.conn_mut(conn) {
                    // What was switched meanwhile is newer than the snapshot.
                    conn.shares_read.get_or_insert(shares_read);
                }
                self.joined(now_ms, conn, &heads, out);
            }
            Input::Closed { conn } => self.closed(now_ms, conn),
            Input::Heard { conn } => self.heard(now_ms, conn),
            Input::Committed { event, origin } => self.committed(now_ms, &event, origin, out),
            Input::Fetched { room, events } => self.fetched(now_ms, room, &events, out),
            Input::Head { room, head } => self.head(now_ms, room, head),
            Input::Signal(signal) => self.signal(signal, out),
            Input::Typing { conn, room, on } => self.typing(conn, room, on, out),
            Input::Watch { conn, users, leavings } => self.watch(conn, &users, leavings, out),
            Input::Watchable { conn, users, leavings } => {
                self.watchable(conn, &users, leavings, out);
            }
            Input::ReadShared { user, on } => self.read_shared(user, on),
            Input::Revoked { user, sessions } => self.revoked(user, &sessions, out),
            Input::Tick => self.tick(now_ms, out),
        }
    }

    /// Takes one committed event, which is what a busy shard mostly does.
    pub fn committed(
        &mut self,
        now_ms: u64,
        event: &Arc<Event>,
        origin: Option<Origin>,
        out: &mut Outputs,
    ) {
        if let Some(Origin { conn, reference, .. }) = origin
            && self.conn(conn).is_some()
        {
            out.list.push(Output::Reply { conn, reference, event: Arc::clone(event) });
        }
        if self.joining > 0 {
            self.hold(event, out);
        }
        self.arrive(now_ms, event, out);
    }

    /// When [`Input::Tick`] is due before the next second, if a gap waits to be fetched.
    #[must_use]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let due = |room| self.rooms.get(room).and_then(LocalRoom::fetch_due_ms);
        self.gaps.iter().filter_map(due).min()
    }

    /// True while the user of `conn` reads `room`. A cheap gate for signals; commands are decided
    /// by the writer.
    #[must_use]
    pub fn reads(&self, conn: ConnId, room: RoomId) -> bool {
        self.conn(conn).is_some_and(|conn| conn.rooms.contains(&room))
    }

    /// How often someone has left a room, as far as this shard was told. A snapshot taken before the
    /// last of them may still show users to each other who share no room any more.
    #[must_use]
    pub fn leavings(&self) -> u64 {
        self.leavings
    }

    /// Connections that have shown a good token.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.conns.iter().flatten().count()
    }

    /// The rooms that someone here reads, with the last event that went out: what a check of heads
    /// asks the log about.
    pub fn heads(&self) -> impl Iterator<Item = (RoomId, Seq)> {
        self.rooms.iter().map(|(&room, local)| (room, local.last()))
    }

    fn conn(&self, id: ConnId) -> Option<&Conn> {
        let conn = self.conns.get(id.slot as usize)?.as_ref()?;
        (conn.generation == id.generation).then_some(conn)
    }

    fn conn_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        let conn = self.conns.get_mut(id.slot as usize)?.as_mut()?;
        (conn.generation == id.generation).then_some(conn)
    }

    fn attached(&mut self, now_ms: u64, id: ConnId, user: UserId, session: SessionId) {
        let slot = id.slot as usize;
        if self.conns.len() <= slot {
            self.conns.resize_with(slot + 1, || None);
        }
        if self.joining == 0 {
            self.held.clear();
            self.held_receipts.clear();
        }
        self.joining += 1;
        let passed = self.held_from + self.held.len() as u64;
        self.conns[slot] = Some(Conn {
            generation: id.generation,
            user,
            session,
            heard_ms: now_ms,
            pinged: false,
            joining_from: Some(passed),
            receipts_from: self.receipts_passed,
            rooms: Vec::new(),
            watched: Vec::new(),
            doubted: Vec::new(),
            shares_read: None,
        });
    }

    fn hold(&mut self, event: &Arc<Event>, out: &mut Outputs) {
        self.held.push_back(Arc::clone(event));
        if self.held.len() <= JOIN_HOLD_EVENTS_MAX {
            return;
        }
        self.held.pop_front();
        self.held_from += 1;
        for (slot, conn) in self.conns.iter().enumerate() {
            if let Some(conn) = conn
                && conn.joining_from.is_some_and(|from| from + 1 == self.held_from)
            {
                let conn = ConnId { slot: slot as u32, generation: conn.generation };
                out.list.push(Output::Close { conn, why: Close::Restart });
            }
        }
    }

    fn joined(&mut self, now_ms: u64, id: ConnId, heads: &[(RoomId, Seq)], out: &mut Outputs) {
        let Some(conn) = self.conn_mut(id) else {
            return;
        };
        let Some(from) = conn.joining_from.take() else {
            return;
        };
        let user = conn.user;
        self.joining -= 1;
        let since: Vec<Arc<Event>> = match from.checked_sub(self.held_from) {
            Some(skip) => self.held.iter().skip(skip as usize).cloned().collect(),
            None => {
                return out.list.push(Output::Close { conn: id, why: Close::Restart });
            }
        };
        if self.joining == 0 {
            self.held_from += self.held.len() as u64;
            self.held.clear();
        }
        let heads = replay(user, heads, &since, id.slot, out);
        self.settle(user, id.slot, &heads, out);
        self.tell_receipts_passed(id.slot, out);
        for event in &since {
            self.head(now_ms, event.room, event.seq);
            if event.room.is_self_of(user) {
                self.note_added(now_ms, user, event);
            }
        }
    }

    /// Makes a connection live: a reader of each of its rooms from the event after the given one.
    fn settle(
        &mut self,
        user: UserId,
        slot: u32,
        positions: &HashMap<RoomId, Seq>,
        out: &mut Outputs,
    ) {
        let slots = self.users.entry(user).or_default();
        slots.push(slot);
        if slots.len() == 1 {
            self.presence.came(user, out);
        }
        let mut rooms: Vec<RoomId> = positions.keys().copied().collect();
        rooms.sort_unstable();
        for &room in &rooms {
            let position = positions[&room];
            let local = self.rooms.entry(room).or_insert_with(|| LocalRoom::new(position));
            local.add(slot, position);
            self.catch_up(room, out);
        }
        if let Some(conn) = &mut self.conns[slot as usize] {
            conn.rooms = rooms;
        }
    }

    fn closed(&mut self, now_ms: u64, id: ConnId) {
        if self.conn(id).is_none() {
            return;
        }
        let Some(conn) = self.conns[id.slot as usize].take() else {
            return;
        };
        self.presence.unwatch(id.slot, &conn.watched);
        self.joining -= usize::from(conn.joining_from.is_some());
        for &room in &conn.rooms {
            leave(&mut self.rooms, room, id.slot);
        }
        let Some(slots) = self.users.get_mut(&conn.user) else {
            return;
        };
        slots.retain(|&slot| slot != id.slot);
        if slots.is_empty() {
            self.users.remove(&conn.user);
            self.presence.went(now_ms, conn.user);
        }
    }

    fn heard(&mut self, now_ms: u64, id: ConnId) {
        if let Some(conn) = self.conn_mut(id) {
            conn.heard_ms = now_ms;
            conn.pinged = false;
        }
    }

    /// Takes an event as it comes, in whatever order.
    fn arrive(&mut self, now_ms: u64, event: &Arc<Event>, out: &mut Outputs) {
        let local = self.rooms.get(&event.room);
        if local.is_none_or(|local| local.is_before(event.seq)) {
            self.member_joined(event, out);
        }
        self.place(now_ms, event, out);
    }

    /// Puts an event in its place in its room: out now, held for those before it, or dropped.
    fn place(&mut self, now_ms: u64, event: &Arc<Event>, out: &mut Outputs) {
        let Some(local) = self.rooms.get_mut(&event.room) else {
            return;
        };
        match local.place(now_ms, event) {
            Place::Next => self.deliver(now_ms, event, out),
            Place::Old => self.deliver_late(event, out),
            Place::Held => drop(self.gaps.insert(event.room)),
        }
        let next = |hub: &mut Self| hub.rooms.get_mut(&event.room)?.take_next();
        while let Some(event) = next(self) {
            self.deliver(now_ms, &event, out);
        }
    }

    /// Delivers the next event of its room. Who joins by it sees it, who leaves by it does not.
    fn deliver(&mut self, now_ms: u64, event: &Arc<Event>, out: &mut Outputs) {
        match event.kind {
            EventKind::MemberJoined { .. } => self.member_joined(event, out),
            EventKind::MemberLeft { user } => {
                self.member_left(user, event);
                self.doubt(user, out);
            }
            EventKind::RoomAdded { .. } | EventKind::RoomRemoved { .. } => {
                if let Some(user) = self.reader_of(event.room) {
                    self.note_added(now_ms, user, event);
                }
            }
            _ => {}
        }
        if let Some(local) = self.rooms.get_mut(&event.room) {
            local.deliver(event, out);
        }
    }

    /// Delivers an event that is out already to those who stand behind it.
    fn deliver_late(&mut self, event: &Arc<Event>, out: &mut Outputs) {
        if let EventKind::MemberLeft { user } = event.kind {
            self.member_left(user, event);
            self.doubt(user, out);
        }
        if let Some(local) = self.rooms.get_mut(&event.room) {
            local.deliver(event, out);
        }
    }

    /// The user of a `self` room that is read here.
    fn reader_of(&self, room: RoomId) -> Option<UserId> {
        let slot = *self.rooms.get(&room)?.readers().first()?;
        let user = self.conns[slot as usize].as_ref()?.user;
        room.is_self_of(user).then_some(user)
    }

    /// Notes that a joining must come, or need not any more. Where nobody else here reads the room a
    /// joining that was lost on the way leaves no gap; but the user's own log tells of it.
    fn note_added(&mut self, now_ms: u64, user: UserId, event: &Event) {
        match event.kind {
            EventKind::RoomAdded { room } => {
                let due_ms = now_ms + ADDED_WAIT.as_millis() as u64;
                self.added.push((user, room, due_ms));
            }
            EventKind::RoomRemoved { room } => {
                self.added.retain(|&(of, added, _)| (of, added) != (user, room));
            }
            _ => {}
        }
    }

    /// If the event is a joining, all live connections of who joined read the room from it on.
    fn member_joined(&mut self, event: &Event, out: &mut Outputs) {
        let EventKind::MemberJoined { user } = event.kind else {
            return;
        };
        let before = Seq::new(event.seq.get().saturating_sub(1));
        for &slot in self.users.get(&user).map_or(&[][..], Vec::as_slice) {
            let Some(conn) = &mut self.conns[slot as usize] else {
                continue;
            };
            if !conn.rooms.contains(&event.room) {
                conn.rooms.push(event.room);
                let new = || LocalRoom::new(before);
                let room = self.rooms.entry(event.room).or_insert_with(new);
                room.add(slot, before);
                out.list.push(Output::Untold { room: event.room });
            }
        }
        self.catch_up(event.room, out);
    }

    /// Has the log read for readers who stand behind what has gone out.
    fn catch_up(&mut self, room: RoomId, out: &mut Outputs) {
        let Some(local) = self.rooms.get_mut(&room) else {
            return;
        };
        if !local.is_missing() {
            return;
        }
        self.gaps.insert(room);
        if let Some(after) = local.catch_up() {
            out.list.push(Output::Fetch { room, after });
        }
    }

    /// Takes the user's connections out of the room, but for those whose snapshot already knows of
    /// a later joining.
    fn member_left(&mut self, user: UserId, event: &Event) {
        for &slot in self.users.get(&user).map_or(&[][..], Vec::as_slice) {
            let Some(local) = self.rooms.get(&event.room) else {
                return;
            };
            if local.position(slot).is_some_and(|position| position < event.seq) {
                leave(&mut self.rooms, event.room, slot);
                if let Some(conn) = &mut self.conns[slot as usize] {
                    conn.rooms.retain(|&room| room != event.room);
                }
            }
        }
    }

    fn fetched(&mut self, now_ms: u64, room: RoomId, events: &[Arc<Event>], out: &mut Outputs) {
        for event in events {
            self.place(now_ms, event, out);
        }
        if let Some(local) = self.rooms.get_mut(&room) {
            local.fetched(now_ms);
        }
    }

    fn head(&mut self, now_ms: u64, room: RoomId, head: Seq) {
        let Some(local) = self.rooms.get_mut(&room) else {
            return;
        };
        local.note_head(now_ms, head);
        if local.is_missing() {
            self.gaps.insert(room);
        }
    }

    fn signal(&mut self, signal: Signal, out: &mut Outputs) {
        match signal {
            Signal::Typing { room, user, .. } => {
                let Some(local) = self.rooms.get(&room) else {
                    return;
                };
                let own = self.users.get(&user).map_or(&[][..], Vec::as_slice);
                let others = local.readers().iter().copied().filter(|slot| !own.contains(slot));
                out.signal(signal, others);
            }
            Signal::Presence { user, online } => self.presence.changed(user, online, out),
            Signal::Receipt { room, receipts, delivered_moved } => {
                self.receipt(room, receipts, delivered_moved, out);
            }
            Signal::Profile(ref profile) => {
                let own = self.users.get(&profile.user).map_or(&[][..], Vec::as_slice);
                let watching = self.presence.watchers(profile.user);
                let others = watching.iter().filter(|slot| !own.contains(slot));
                let to = own.iter().chain(others).copied();
                out.signal(signal.clone(), to);
            }
        }
    }

    fn typing(&self, conn: ConnId, room: RoomId, on: bool, out: &mut Outputs) {
        let Some(Conn { user, .. }) = self.conn(conn) else {
            return;
        };
        if self.reads(conn, room) {
            out.list.push(Output::Publish(Signal::Typing { room, user: *user, on }));
        }
    }

    fn watch(&mut self, id: ConnId, users: &[UserId], leavings: u64, out: &mut Outputs) {
        let Some(conn) = self.conn_mut(id) else {
            return;
        };
        conn.doubted = users.to_vec();
        let before = std::mem::take(&mut conn.watched);
        self.presence.unwatch(id.slot, &before);
        self.watchable(id, users, leavings, out);
    }

    /// Lets a connection watch those of its doubted users who may be seen, unless somebody left
    /// meanwhile: then it is asked again.
    fn watchable(&mut self, id: ConnId, users: &[UserId], leavings: u64, out: &mut Outputs) {
        let now = self.leavings;
        let Some(conn) = self.conn_mut(id) else {
            return;
        };
        if leavings != now {
            return ask(id.slot, conn, now, out);
        }
        let mut seen = std::mem::take(&mut conn.doubted);
        seen.retain(|user| users.contains(user));
        conn.watched.extend_from_slice(&seen);
        self.presence.watch(id.slot, &seen, out);
    }

    /// Who leaves a room may share none any more with those whom they watch, nor with those who watch
    /// them: nobody of these is told of the other until it is known.
    fn doubt(&mut self, left: UserId, out: &mut Outputs) {
        self.leavings += 1;
        let own = self.users.get(&left).map_or(&[][..], Vec::as_slice);
        for slot in [self.presence.watchers(left), own].concat() {
            let Some(conn) = &mut self.conns[slot as usize] else {
                continue;
            };
            let all = conn.user == left;
            let doubted: Vec<UserId> =
                conn.watched.extract_if(.., |user| all || *user == left).collect();
            self.presence.unwatch(slot, &doubted);
            conn.doubted.extend(doubted);
            ask(slot, conn, self.leavings, out);
        }
    }

    fn revoked(&self, user: UserId, sessions: &[SessionId], out: &mut Outputs) {
        for (slot, conn) in self.conns.iter().enumerate() {
            if let Some(conn) = conn
                && conn.user == user
                && sessions.contains(&conn.session)
            {
                let conn = ConnId { slot: slot as u32, generation: conn.generation };
                out.list.push(Output::Close { conn, why: Close::Revoked });
            }
        }
    }

    fn tick(&mut self, now_ms: u64, out: &mut Outputs) {
        self.presence.tick(now_ms, out);
        self.tick_gaps(now_ms, out);
        self.tick_added(now_ms, out);
        for (slot, conn) in self.conns.iter_mut().enumerate() {
            let Some(conn) = conn else { continue };
            let silent_ms = now_ms.saturating_sub(conn.heard_ms);
            let id = ConnId { slot: slot as u32, generation: conn.generation };
            if silent_ms >= DEAD_AFTER.as_millis() as u64 {
                out.list.push(Output::Close { conn: id, why: Close::Dead });
            } else if silent_ms >= PING_AFTER.as_millis() as u64 && !conn.pinged {
                conn.pinged = true;
                out.list.push(Output::Ping { conn: id });
            }
        }
    }

    fn tick_gaps(&mut self, now_ms: u64, out: &mut Outputs) {
        self.gaps.retain(|&room| {
            let Some(local) = self.rooms.get_mut(&room) else {
                return false;
            };
            if let Some(after) = local.fetch(now_ms) {
                out.list.push(Output::Fetch { room, after });
            }
            let missing = local.is_missing();
            if local.is_deserted() {
                self.rooms.remove(&room);
            }
            missing
        });
    }

    /// Sends back who was told of a room and never of the joining: the next snapshot knows of it.
    fn tick_added(&mut self, now_ms: u64, out: &mut Outputs) {
        let (users, conns) = (&self.users, &self.conns);
        self.added.retain(|&(user, room, due_ms)| {
            if due_ms > now_ms {
                return true;
            }
            for &slot in users.get(&user).map_or(&[][..], Vec::as_slice) {
                let Some(conn) = &conns[slot as usize] else {
                    continue;
                };
                if !conn.rooms.contains(&room) {
                    let conn = ConnId { slot, generation: conn.generation };
                    out.list.push(Output::Close { conn, why: Close::Restart });
                }
            }
            false
        });
    }
}

/// Has it found out whom of its doubted users the connection may watch.
fn ask(slot: u32, conn: &Conn, leavings: u64, out: &mut Outputs) {
    if conn.doubted.is_empty() {
        return;
    }
    let id = ConnId { slot, generation: conn.generation };
    let users = conn.doubted.clone();
    out.list.push(Output::Doubt { conn: id, user: conn.user, users, leavings });
}

/// Gives a joining connection what passed while its snapshot was read, and returns how far it has
/// come in each of its rooms.
fn replay(
    user: UserId,
    heads: &[(RoomId, Seq)],
    since: &[Arc<Event>],
    slot: u32,
    out: &mut Outputs,
) -> HashMap<RoomId, Seq> {
    let mut positions: HashMap<RoomId, Seq> = heads.iter().copied().collect();
    for event in since {
        match event.kind {
            EventKind::MemberJoined { user: joined } if joined == user => {
                let before = Seq::new(event.seq.get().saturating_sub(1));
                positions.entry(event.room).or_insert(before);
            }
            EventKind::MemberLeft { user: left }
                if left == user
                    && positions.get(&event.room).is_some_and(|&has| has < event.seq) =>
            {
                positions.remove(&event.room);
            }
            _ => {}
        }
        if let Some(position) = positions.get_mut(&event.room)
            && position.next() == event.seq
        {
            *position = event.seq;
            out.deliver(event, &[slot]);
        }
    }
    positions
}

/// Takes a reader out of a room, and the room out of the shard with its last reader.
fn leave(rooms: &mut HashMap<RoomId, LocalRoom>, room: RoomId, slot: u32) {
    let Some(local) = rooms.get_mut(&room) else {
        return;
    };
    local.remove(slot);
    if local.is_deserted() {
        rooms.remove(&room);
    }
}

#[cfg(test)]
mod tests;
