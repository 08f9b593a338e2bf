//! A shard: a thread that owns its connections and its part of the hub, and shares neither.
//!
//! Every wake-up has the same form. What came is handled, which fills the [`wave::Wave`]; then each
//! connection that has something in it is written to once. Nothing in between waits.

pub(crate) mod connection;
pub(crate) mod events;
pub(crate) mod inbox;
mod opening;
mod socket;
mod wave;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chinwag_core::event::{ConnId, Origin, Signal};
use chinwag_core::hub::{Close, Hub, Input, Output, Outputs};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{
    BEAT_EVERY, DELIVERED_BATCH_MAX, DELIVERED_HELD_MAX, HELLO_WITHIN, IN_FLIGHT_MAX,
    JOINS_AT_ONCE_MAX, PAGE_MAX, STALLED_AFTER,
};
use chinwag_core::outbox::Class;
use chinwag_proto::code::{CLOSE_CODES, CloseCode};
use chinwag_proto::{encode, ws};
use chinwag_store::committed::Told;
use chinwag_store::write::{Delivered, Write};
use foldhash::HashMap;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;

use crate::accept::Place;
use crate::app::{self, App};
use crate::auth::Caller;
use crate::clock;
use crate::commands::UNASKED;
use crate::stream::Stream;
use crate::telemetry::{Dropped, ShardFigures};
use crate::traces::{Fanning, Reading};
use inbox::{Accepted, ToShard};
use socket::{Flushed, Form, Socket, Stage};
use wave::Wave;

/// How long a client may take to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// How often silence, deadlines and gaps are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A shard, for the tasks of its thread.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) app: Arc<App>,
    number: u16,
    live: RefCell<Live>,
    /// Snapshots being read.
    joins: Semaphore,
    /// Bytes are read into here by whichever connection is readable, and nowhere else.
    scratch: RefCell<Box<[u8]>>,
    /// When what is being read came.
    pub(crate) reading: Reading,
}

/// What changes with every input.
#[derive(Debug, Default)]
struct Live {
    hub: Hub,
    sockets: Vec<Option<Socket>>,
    free: Vec<u32>,
    generation: u32,
    wave: Wave,
    outputs: Outputs,
    /// Gaps that must be read from the log.
    gaps: Vec<(RoomId, Seq)>,
    /// Whom a connection may watch, to be read anew.
    doubts: Vec<Doubt>,
    /// Marks of delivery that wait for the next sweep.
    delivered: HashMap<(RoomId, UserId), Seq>,
    /// True while some are on their way to the writer.
    delivering: bool,
    draining: bool,
    fanning: Fanning,
}

/// Of these users a connection is told nothing until it is known that it still may: see
/// [`Output::Doubt`].
#[derive(Debug)]
struct Doubt {
    conn: ConnId,
    user: UserId,
    users: Vec<UserId>,
    leavings: u64,
}

impl Shard {
    pub(crate) fn new(app: Arc<App>, number: u16) -> Rc<Self> {
        Rc::new(Self {
            app,
            number,
            live: RefCell::default(),
            joins: Semaphore::new(JOINS_AT_ONCE_MAX),
            scratch: RefCell::new(vec![0; 64 * 1024].into()),
            reading: Reading::default(),
        })
    }

    /// Lives until it is told to stop and every connection is gone.
    pub(crate) async fn run(self: Rc<Self>, mut accept: impl FnMut(Accepted)) {
        let inbox = Arc::clone(&self.app.shards.inboxes()[usize::from(self.number)]);
        let mut came = Vec::new();
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let gap = self.live.borrow().hub.next_deadline_ms();
            tokio::select! {
                () = inbox.take(&mut came) => {}
                _ = sweep.tick() => self.sweep(),
                () = until(gap), if gap.is_some() => self.handle([Input::Tick]),
            }
            let stop = came.iter().any(|message| matches!(message, ToShard::Stop));
            self.take(&mut came, &mut accept);
            if stop {
                return;
            }
        }
    }

    /// One wake-up's worth of messages, then one flush.
    fn take(self: &Rc<Self>, came: &mut Vec<ToShard>, accept: &mut impl FnMut(Accepted)) {
        let now_ms = clock::monotonic_ms();
        let mut oldest: Option<Instant> = None;
        for message in came.drain(..) {
            match message {
                ToShard::Accepted(accepted) => accept(accepted),
                ToShard::Told(batch, since) => {
                    oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
                    self.told(now_ms, since, &batch);
                }
                ToShard::Signal(signal) => {
                    let live = &mut *self.live.borrow_mut();
                    live.hub.handle(now_ms, Input::Signal(signal), &mut live.outputs);
                }
                ToShard::Said(said) => events::said(self, said),
                ToShard::Lost => self.lost(),
                ToShard::Drain { return_within } => self.drain(return_within),
                ToShard::Stop => self.close_all(CloseCode::RESTART),
            }
        }
        self.settle();
        if let Some(since) = oldest {
            self.app.metrics.delivery_seconds.observe(since.elapsed().as_secs_f64());
        }
    }

    fn told(self: &Rc<Self>, now_ms: u64, since: Instant, batch: &[Told]) {
        let live = &mut *self.live.borrow_mut();
        live.fanning.take(batch, since);
        for told in batch {
            match told {
                Told::Committed(committed) => {
                    let origin = committed.origin().filter(|origin| origin.shard == self.number);
                    live.hub.committed(now_ms, committed.event(), origin, &mut live.outputs);
                }
                Told::Revoked { user, sessions } => {
                    let input = Input::Revoked { user: *user, sessions: sessions.clone() };
                    live.hub.handle(now_ms, input, &mut live.outputs);
                }
                Told::ReadShared { user, on, .. } => {
                    let input = Input::ReadShared { user: *user, on: *on };
                    live.hub.handle(now_ms, input, &mut live.outputs);
                }
                Told::Marked(_) => {}
                #[cfg(feature = "otlp")]
                Told::Traced(_) => {}
                Told::Profile(profile) => {
                    let signal = Signal::Profile(Arc::clone(profile));
                    live.hub.handle(now_ms, Input::Signal(signal), &mut live.outputs);
                }
                Told::Repeated { origin, event } => {
                    live.carry_out(&self.app, self.number);
                    live.answer(*origin, self.number, || {
                        encode::reply_frame(origin.reference, event.as_row())
                    });
                }
                Told::Unchanged { origin } => {
                    live.carry_out(&self.app, self.number);
                    live.answer(*origin, self.number, || {
                        encode::empty_reply_frame(origin.reference)
                    });
                }
                Told::Refused { origin, refusal } => {
                    live.carry_out(&self.app, self.number);
                    live.answer(*origin, self.number, || {
                        let problem = app::problem(refusal);
                        self.app.metrics.refused(problem.code);
                        encode::error_frame(Some(origin.reference), problem)
                    });
                }
            }
        }
    }

    /// Gives the hub something and does what it asks for.
    fn handle(self: &Rc<Self>, inputs: impl IntoIterator<Item = Input>) {
        let now_ms = clock::monotonic_ms();
        {
            let live = &mut *self.live.borrow_mut();
            for input in inputs {
                live.hub.handle(now_ms, input, &mut live.outputs);
            }
        }
        self.settle();
    }

    /// Carries out what the hub asked for and writes to everyone who has something waiting.
    fn settle(self: &Rc<Self>) {
        let live = &mut *self.live.borrow_mut();
        live.carry_out(&self.app, self.number);
        self.flush(live);
        for (room, after) in live.gaps.drain(..) {
            self.fetch(room, after);
        }
        for doubt in live.doubts.drain(..) {
            self.resolve(doubt);
        }
    }

    fn flush(self: &Rc<Self>, live: &mut Live) {
        live.fanning.writing();
        for place in 0..live.wave.dirty.len() {
            let slot = live.wave.dirty[place];
            let Some(Some(socket)) = live.sockets.get_mut(slot as usize) else {
                continue;
            };
            let flushed = socket.flush(&live.wave);
            live.fanning.written(flushed == Flushed::Done);
            if flushed != Flushed::Done {
                self.app.metrics.lost(socket.take_losses());
            }
            match flushed {
                Flushed::Done | Flushed::Queued => {}
                Flushed::Full => self.spawn_drain(slot, socket),
                Flushed::Overflow => self.drop_reader(socket, Dropped::Overflow),
                Flushed::Broken => self.drop_reader(socket, Dropped::Gone),
            }
            if flushed == Flushed::Done && matches!(socket.stage, Stage::Closing { .. }) {
                let _ = socket.stream.end();
            }
        }
        live.wave.clear();
        live.fanning.end(&self.app.traces, self.number);
    }

    /// Cuts a connection whose reader does not take what it is sent.
    fn drop_reader(&self, socket: &mut Socket, why: Dropped) {
        self.app.metrics.dropped(why);
        tracing::debug!(session = ?socket.session(), ?why, "a reader is cut");
        cut(socket);
    }

    /// Waits until a full socket is writable and empties its outbox.
    fn spawn_drain(self: &Rc<Self>, slot: u32, socket: &Socket) {
        let (shard, stream) = (Rc::clone(self), Rc::clone(&socket.stream));
        let generation = socket.generation;
        spawn_local(async move {
            loop {
                let writable = tokio::time::timeout(STALLED_AFTER, stream.tcp().writable()).await;
                let conn = ConnId { slot, generation };
                let live = &mut *shard.live.borrow_mut();
                let Some(socket) = live.socket(conn) else {
                    return;
                };
                let mut stale = Vec::new();
                let drained = socket.drain_outbox(&mut stale);
                shard.app.ticks.missed(stale);
                match (writable, drained) {
                    // Who takes what is sent lives, even while nothing of it is read here.
                    (Ok(Ok(())), Ok(false)) => shard.note_heard(live, conn),
                    (Ok(Ok(())), Ok(true)) => {
                        socket.answered.notify_one();
                        if matches!(socket.stage, Stage::Closing { .. }) {
                            let _ = stream.end();
                        }
                        return;
                    }
                    (Err(_), _) => return shard.drop_reader(socket, Dropped::Stalled),
                    _ => return shard.drop_reader(socket, Dropped::Gone),
                }
            }
        });
    }

    /// Reads a gap from the log.
    fn fetch(self: &Rc<Self>, room: RoomId, after: Seq) {
        let shard = Rc::clone(self);
        spawn_local(async move {
            let read = move |reader: &chinwag_store::read::Reader| {
                reader.events_after(room, after, PAGE_MAX)
            };
            let events = shard.app.store.read(read).await.unwrap_or_default();
            let events = events.into_iter().map(Arc::new).collect();
            shard.handle([Input::Fetched { room, events }]);
        });
    }

    /// Reads whom of the doubted a connection may still watch. Where it cannot be read it watches none
    /// of them until its client asks again.
    fn resolve(self: &Rc<Self>, Doubt { conn, user, users, leavings }: Doubt) {
        let shard = Rc::clone(self);
        spawn_local(async move {
            let read = move |reader: &chinwag_store::read::Reader| reader.watchable(user, &users);
            let users = shard.app.store.read(read).await.unwrap_or_default();
            shard.handle([Input::Watchable { conn, users, leavings }]);
        });
    }

    /// Once a second: deadlines, silence, gaps.
    fn sweep(self: &Rc<Self>) {
        let now_ms = clock::monotonic_ms();
        {
            let live = &mut *self.live.borrow_mut();
            for slot in 0..live.sockets.len() as u32 {
                let Some(socket) = &mut live.sockets[slot as usize] else {
                    continue;
                };
                match socket.stage {
                    Stage::Hello { until_ms } if until_ms <= now_ms => {
                        live.close(slot, CloseCode::TIMED_OUT);
                    }
                    Stage::Closing { until_ms } if until_ms <= now_ms => cut(socket),
                    Stage::Open(_) => live.beat(now_ms, slot),
                    _ => {}
                }
            }
            if live.draining {
                live.close_settled();
            }
        }
        self.handle([Input::Tick]);
        self.flush_delivered();
        self.observe();
    }

    /// Gathers a mark of delivery; whether it is theirs to say is decided by the writer. False where
    /// there is no place for it.
    pub(crate) fn delivered(&self, user: UserId, room: RoomId, seq: Seq) -> bool {
        let delivered = &mut self.live.borrow_mut().delivered;
        let is_taken =
            delivered.len() < DELIVERED_HELD_MAX || delivered.contains_key(&(room, user));
        if is_taken {
            let mark = delivered.entry((room, user)).or_insert(seq);
            *mark = (*mark).max(seq);
        }
        is_taken
    }

    /// Hands the gathered marks to the writer, one write after the other, so that who sends waits for
    /// one of them at most; where it is too busy they wait on.
    fn flush_delivered(self: &Rc<Self>) {
        let live = &mut *self.live.borrow_mut();
        if live.delivered.is_empty() || std::mem::replace(&mut live.delivering, true) {
            return;
        }
        let mark = |((room, user), seq)| Delivered { room, user, seq };
        let mut marks: Vec<Delivered> = live.delivered.drain().map(mark).collect();
        // Neighbours in the table are written together.
        marks.sort_unstable_by_key(|mark| (mark.room, mark.user));
        let shard = Rc::clone(self);
        spawn_local(async move {
            for marks in marks.chunks(DELIVERED_BATCH_MAX) {
                let write = Write::DeliveredSet { marks: marks.to_vec() };
                if !shard.app.write_unasked(write).await {
                    for mark in marks {
                        shard.delivered(mark.user, mark.room, mark.seq);
                    }
                }
            }
            shard.live.borrow_mut().delivering = false;
        });
    }

    fn observe(&self) {
        let live = self.live.borrow();
        let mut seen = ShardFigures::default();
        for socket in live.sockets.iter().flatten() {
            seen.connections += 1;
            seen.streams += usize::from(socket.form != Form::Socket);
            seen.outbox_bytes += socket.waiting_bytes();
            seen.waiting += usize::from(socket.is_full());
            seen.lagging += usize::from(socket.is_lagging());
        }
        self.app.metrics.shard(self.number, seen);
    }

    /// Says goodbye; each connection is closed as soon as nothing of it is in flight.
    fn drain(self: &Rc<Self>, return_within: Duration) {
        self.flush_delivered();
        let live = &mut *self.live.borrow_mut();
        live.draining = true;
        let within_ms = u64::try_from(return_within.as_millis()).unwrap_or(u64::MAX);
        let frame = live.wave.frame(encode::drain_frame(within_ms), Class::Reply);
        for slot in 0..live.sockets.len() as u32 {
            live.give(frame, slot);
        }
        live.close_settled();
    }

    /// Transactions were forgotten because this shard fell too far behind: everyone comes back and
    /// resumes from the log.
    fn lost(&self) {
        tracing::warn!(shard = self.number, "too far behind: its connections are sent back");
        self.app.metrics.inboxes_lost.inc();
        self.close_all(CloseCode::RESTART);
    }

    fn close_all(&self, code: CloseCode) {
        let live = &mut *self.live.borrow_mut();
        for slot in 0..live.sockets.len() as u32 {
            live.close(slot, code);
        }
    }

    /// Takes a connection that has become a WebSocket or an event stream.
    fn adopt(&self, stream: Rc<Stream>, form: Form, place: Option<Rc<Place>>) -> ConnId {
        let live = &mut *self.live.borrow_mut();
        live.generation = live.generation.wrapping_add(1);
        let until_ms = clock::monotonic_ms() + HELLO_WITHIN.as_millis() as u64;
        let socket = Socket::new(live.generation, stream, form, place, until_ms);
        let slot = live.free.pop().unwrap_or_else(|| {
            live.sockets.push(None);
            (live.sockets.len() - 1) as u32
        });
        live.sockets[slot as usize] = Some(socket);
        self.app.shards.opened();
        tracing::debug!(shard = self.number, slot, "a socket came");
        ConnId { slot, generation: live.generation }
    }

    /// Forgets a connection whose reading task has ended.
    fn release(self: &Rc<Self>, conn: ConnId) {
        self.handle([Input::Closed { conn }]);
        let live = &mut *self.live.borrow_mut();
        if live.socket(conn).is_some() {
            live.sockets[conn.slot as usize] = None;
            tracing::debug!(shard = self.number, slot = conn.slot, "a socket went");
            live.free.push(conn.slot);
            self.app.shards.closed();
        }
    }

    /// Writes one frame to one connection.
    fn send(self: &Rc<Self>, conn: ConnId, bytes: Bytes, class: Class) {
        {
            let live = &mut *self.live.borrow_mut();
            if live.socket(conn).is_none() {
                return;
            }
            let frame = live.wave.frame(bytes, class);
            live.give(frame, conn.slot);
        }
        self.settle();
    }

    fn close(self: &Rc<Self>, conn: ConnId, code: CloseCode) {
        {
            let live = &mut *self.live.borrow_mut();
            if live.socket(conn).is_some() {
                live.close(conn.slot, code);
            }
        }
        self.settle();
    }

    /// See [`Hub::leavings`].
    pub(crate) fn leavings(&self) -> u64 {
        self.live.borrow().hub.leavings()
    }

    fn stage(&self, conn: ConnId) -> Option<Stage> {
        self.live.borrow_mut().socket(conn).map(|socket| socket.stage)
    }

    /// Counts a command as in flight; false where the connection has as many as it may.
    pub(crate) fn begin(&self, conn: ConnId) -> bool {
        let live = &mut *self.live.borrow_mut();
        let Some(socket) = live.socket(conn) else {
            return false;
        };
        let may = socket.in_flight < IN_FLIGHT_MAX;
        socket.in_flight += u32::from(may);
        may
    }

    /// Takes back a command that the writer did not take.
    pub(crate) fn abandon(&self, conn: ConnId) {
        self.live.borrow_mut().answered(conn);
    }

    /// The reading task of the connection has something in hand.
    fn holds(&self, conn: ConnId) {
        if let Some(socket) = self.live.borrow_mut().socket(conn) {
            socket.holds = true;
        }
    }

    /// The reading task of the connection has handed on all that it read. Where the node leaves this
    /// is the moment to close it.
    fn rests(self: &Rc<Self>, conn: ConnId) {
        {
            let live = &mut *self.live.borrow_mut();
            let Some(socket) = live.socket(conn) else {
                return;
            };
            socket.holds = false;
            if !live.draining {
                return;
            }
            live.close_if_settled(conn.slot);
        }
        self.settle();
    }

    /// Waits until at most `left` commands of the connection are in flight.
    async fn in_flight_down_to(&self, conn: ConnId, left: u32) {
        loop {
            let answered = {
                let live = &mut *self.live.borrow_mut();
                let Some(socket) = live.socket(conn) else {
                    return;
                };
                if socket.in_flight <= left {
                    return;
                }
                Rc::clone(&socket.answered)
            };
            answered.notified().await;
        }
    }

    /// Waits until nothing waits for this reader any more; false where the connection is at its end.
    async fn caught_up(&self, conn: ConnId) -> bool {
        loop {
            let answered = {
                let live = &mut *self.live.borrow_mut();
                let Some(socket) = live.socket(conn) else {
                    return false;
                };
                if !matches!(socket.stage, Stage::Open(_)) || !socket.is_full() {
                    return matches!(socket.stage, Stage::Open(_));
                }
                Rc::clone(&socket.answered)
            };
            answered.notified().await;
        }
    }

    fn open(&self, conn: ConnId, caller: Caller) {
        if let Some(socket) = self.live.borrow_mut().socket(conn) {
            socket.stage = Stage::Open(caller);
            socket.place = None;
        }
    }

    #[cfg(feature = "conformance")]
    fn echo(&self, conn: ConnId) {
        if let Some(socket) = self.live.borrow_mut().socket(conn) {
            socket.stage = Stage::Echo;
        }
    }

    pub(crate) fn origin(&self, conn: ConnId, reference: u64) -> Origin {
        Origin { shard: self.number, conn, reference }
    }
}

impl Live {
    fn socket(&mut self, conn: ConnId) -> Option<&mut Socket> {
        let socket = self.sockets.get_mut(conn.slot as usize)?.as_mut()?;
        (socket.generation == conn.generation).then_some(socket)
    }

    fn give(&mut self, frame: u32, slot: u32) {
        if let Some(Some(socket)) = self.sockets.get_mut(slot as usize)
            && !matches!(socket.stage, Stage::Closing { .. })
        {
            let frame = match socket.form {
                Form::Socket => frame,
                Form::Events { framing, .. } => self.wave.piece(frame, framing),
            };
            self.wave.give(frame, slot, &mut socket.chain);
        }
    }

    /// Writes a sign of life to an event stream when one is due. Nothing is ever heard on it: it lives
    /// for as long as what is written to it is taken, which the kernel watches over.
    fn beat(&mut self, now_ms: u64, slot: u32) {
        let Some(Some(Socket { form: Form::Events { beat_ms, .. }, generation, .. })) =
            self.sockets.get_mut(slot as usize)
        else {
            return;
        };
        if now_ms < *beat_ms {
            return;
        }
        *beat_ms = now_ms + BEAT_EVERY.as_millis() as u64;
        let conn = ConnId { slot, generation: *generation };
        let frame = self.wave.frame(ws::encode::ping(b""), Class::Signal);
        self.give(frame, slot);
        self.hub.handle(now_ms, Input::Heard { conn }, &mut self.outputs);
    }

    /// Answers a command of a connection of this shard.
    fn answer(&mut self, origin: Origin, shard: u16, encode: impl FnOnce() -> Bytes) {
        if origin.shard != shard || self.socket(origin.conn).is_none() {
            return;
        }
        if origin.reference != UNASKED {
            let frame = self.wave.frame(encode(), Class::Reply);
            self.give(frame, origin.conn.slot);
        }
        self.answered(origin.conn);
    }

    fn answered(&mut self, conn: ConnId) {
        let Some(socket) = self.socket(conn) else {
            return;
        };
        socket.in_flight = socket.in_flight.saturating_sub(1);
        socket.answered.notify_one();
        if self.draining {
            self.close_if_settled(conn.slot);
        }
    }

    /// Turns what the hub asked for into frames of the wave.
    fn carry_out(&mut self, app: &App, shard: u16) {
        if self.outputs.list.is_empty() {
            return;
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.list.drain(..) {
            match output {
                Output::Deliver { event, to } => {
                    let class = Class::Event { room: event.room, seq: event.seq };
                    let frame = self.wave.frame(encode::event_frame(event.as_row()), class);
                    app.metrics.deliveries.inc_by(to.len() as u64);
                    self.fanning.delivered(event.room, event.seq, to.len());
                    for &slot in &outputs.slots[to] {
                        self.give(frame, slot);
                    }
                }
                Output::Reply { conn, reference, event } => {
                    let origin = Origin { shard, conn, reference };
                    self.fanning.replied(event.room, event.seq);
                    self.answer(origin, shard, || encode::reply_frame(reference, event.as_row()));
                }
                Output::Signal { signal, to } => {
                    let class = match signal {
                        Signal::Receipt { room, .. } => Class::Receipt { room },
                        _ => Class::Signal,
                    };
                    let frame = self.wave.frame(encode::signal_frame(&signal), class);
                    for &slot in &outputs.slots[to] {
                        self.give(frame, slot);
                    }
                }
                Output::Publish(signal) => drop(app.publish(signal)),
                Output::Fetch { room, after } => self.gaps.push((room, after)),
                Output::Doubt { conn, user, users, leavings } => {
                    self.doubts.push(Doubt { conn, user, users, leavings });
                }
                Output::Untold { room } => app.ticks.missed([room]),
                Output::Ping { conn } => {
                    let frame = self.wave.frame(ws::encode::ping(b""), Class::Reply);
                    self.give(frame, conn.slot);
                }
                Output::Close { conn, why } => self.end(conn, why),
            }
        }
        outputs.clear();
        self.outputs = outputs;
    }

    /// Closes a connection as the hub asks. Whose session is over and who does not read gets nothing of
    /// what still waits, not even the close frame behind it.
    fn end(&mut self, conn: ConnId, why: Close) {
        match self.socket(conn) {
            Some(socket) if why == Close::Revoked && socket.is_full() => cut(socket),
            _ => self.close(conn.slot, close_code(why)),
        }
    }

    /// Sends a close frame; the socket ends when the client answers, or soon anyway.
    fn close(&mut self, slot: u32, code: CloseCode) {
        let reason = CLOSE_CODES.iter().find(|row| row.0 == code).map_or("", |row| row.1);
        let frame = self.wave.frame(ws::encode::close(code, reason), Class::Reply);
        self.give(frame, slot);
        if let Some(Some(socket)) = self.sockets.get_mut(slot as usize)
            && !matches!(socket.stage, Stage::Closing { .. })
        {
            tracing::debug!(session = ?socket.session(), code = code.number(), reason, "a socket is closed");
            let until_ms = clock::monotonic_ms() + CLOSE_WITHIN.as_millis() as u64;
            socket.stage = Stage::Closing { until_ms };
            socket.answered.notify_one();
        }
    }

    fn close_settled(&mut self) {
        for slot in 0..self.sockets.len() as u32 {
            self.close_if_settled(slot);
        }
    }

    fn close_if_settled(&mut self, slot: u32) {
        let socket = self.sockets[slot as usize].as_ref();
        if socket.is_some_and(Socket::is_settled) {
            self.close(slot, CloseCode::RESTART);
        }
    }
}

fn close_code(why: Close) -> CloseCode {
    match why {
        Close::Revoked => CloseCode::UNAUTHORIZED,
        Close::Dead => CloseCode::TIMED_OUT,
        Close::Restart => CloseCode::RESTART,
    }
}

/// Ends a connection at once; its reading task sees the end and releases it.
fn cut(socket: &mut Socket) {
    socket.stage = Stage::Closing { until_ms: 0 };
    socket.answered.notify_one();
    socket.stream.cut();
}

async fn until(deadline_ms: Option<u64>) {
    let wait_ms = deadline_ms.unwrap_or(0).saturating_sub(clock::monotonic_ms());
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
}
