//! A browser tab: the real client's state behind a real socket, its person, and what it writes into the
//! ledger.

mod person;
mod view;

pub(crate) use person::text;
pub(crate) use view::line;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use chinwag_client::sync::{Effect, Sync};
use chinwag_core::id::{Key, RoomId, Seq};
use chinwag_core::receipt::Receipts;
use chinwag_proto::code::ErrorCode;
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::rest;
use chinwag_proto::ws::CloseCode;
use chinwag_testkit::ledger::{DeviceId, Entry};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::journal::{Journal, count};
use crate::server::Life;
use crate::socket::{Heard, Socket};

/// How long a client rests after it was refused by a server that is up.
const REST: Duration = Duration::from_millis(10);

/// What was said under a `ref` and has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Message {
        room: RoomId,
        key: Key,
    },
    Deletion {
        room: RoomId,
        key: Key,
    },
    Receipt {
        room: RoomId,
        seq: Seq,
    },
    /// A question, which changes nothing.
    Question,
}

/// How a connection went, from the moment of [`Device::settle_up`] to its end.
#[derive(Debug, Default)]
pub(crate) struct Parting {
    /// Commands that the system had taken and that were not answered.
    pub(crate) owed: BTreeSet<u64>,
    pub(crate) drained: bool,
    pub(crate) closed: Option<Option<CloseCode>>,
    pub(crate) is_over: bool,
}

#[derive(Default)]
struct State {
    sync: Sync,
    asked: BTreeMap<u64, Asked>,
    outgoing: Vec<ClientFrame>,
    /// The last `ref` that the system has taken.
    written: u64,
    retry_at: Option<Instant>,
    deliver_at: Option<Instant>,
    /// When to come back to a server that leaves.
    return_at: Option<Instant>,
    lost_at: Option<Instant>,
    shown: BTreeMap<RoomId, (Seq, u64, Seq, u64)>,
    ticks: BTreeMap<RoomId, Receipts>,
    lagged: BTreeMap<RoomId, Seq>,
    parting: Option<Parting>,
}

/// A tab. It comes back whenever its connection ends.
pub(crate) struct Device {
    pub(crate) id: Cell<DeviceId>,
    token: String,
    journal: Rc<Journal>,
    state: RefCell<State>,
    wake: Notify,
    /// False while it leaves what comes unread.
    reading: Cell<bool>,
    cut: Cell<bool>,
    /// Bytes that its system holds unread.
    receive_bytes: Option<u32>,
}

impl Device {
    pub(crate) fn new(
        id: DeviceId,
        token: String,
        journal: Rc<Journal>,
        receive_bytes: Option<u32>,
    ) -> Rc<Self> {
        Rc::new(Self {
            id: Cell::new(id),
            token,
            journal,
            state: RefCell::default(),
            wake: Notify::new(),
            reading: Cell::new(true),
            cut: Cell::new(false),
            receive_bytes,
        })
    }

    /// Connects, and again after each end.
    pub(crate) async fn live(self: Rc<Self>, address: SocketAddr, mut life: Life) {
        while life.wait_for(Option::is_some).await.is_ok() {
            let return_at = self.state.borrow_mut().return_at.take();
            if let Some(return_at) = return_at {
                tokio::time::sleep_until(return_at).await;
            }
            match Socket::open(address, self.receive_bytes).await {
                Ok(socket) => self.connection(socket).await,
                Err(_) => crate::rest(REST).await,
            }
        }
    }

    async fn connection(&self, mut socket: Socket) {
        self.note(Entry::Connected);
        count(&self.journal.connections);
        self.act(|sync| sync.connect(&self.token));
        let mut heard = Vec::new();
        let mut is_open = true;
        while is_open && !self.cut.take() {
            is_open = self.hand_over(&mut socket);
            let (retry_at, deliver_at) = {
                let state = self.state.borrow();
                (state.retry_at, state.deliver_at)
            };
            tokio::select! {
                turned = socket.turn(self.reading.get(), &mut heard) => is_open &= turned.is_ok(),
                () = self.wake.notified() => {}
                () = until(retry_at), if retry_at.is_some() => {
                    self.state.borrow_mut().retry_at = None;
                    self.act(Sync::retry);
                }
                () = until(deliver_at), if deliver_at.is_some() => {
                    self.state.borrow_mut().deliver_at = None;
                    self.act(Sync::deliver);
                }
            }
            for heard in heard.drain(..) {
                is_open &= self.hear(heard);
            }
            self.journal.changed();
        }
        self.disconnected();
    }

    /// Gives the socket what is to be said; false where it takes nothing any more.
    fn hand_over(&self, socket: &mut Socket) -> bool {
        let state = &mut *self.state.borrow_mut();
        let said = state.outgoing.drain(..).all(|frame| socket.say(&frame).is_ok());
        if socket.is_flushed() {
            state.written = state.asked.keys().next_back().copied().unwrap_or(state.written);
        }
        said
    }

    fn disconnected(&self) {
        {
            let state = &mut *self.state.borrow_mut();
            let unknown = state.asked.values().filter(|&&asked| asked != Asked::Question).count();
            self.journal.unknown.set(self.journal.unknown.get() + unknown as u64);
            state.asked.clear();
            state.outgoing.clear();
            state.retry_at = None;
            state.deliver_at = None;
            state.lost_at = Some(Instant::now());
            state.sync.disconnect();
            if let Some(parting) = &mut state.parting {
                parting.is_over = true;
            }
        }
        self.journal.changed();
    }

    fn note(&self, entry: Entry) {
        self.journal.note(self.id.get(), entry);
    }

    /// Does something with the client's state and carries out what that asks for.
    fn act(&self, act: impl FnOnce(&mut Sync) -> Vec<Effect>) {
        let state = &mut *self.state.borrow_mut();
        let effects = act(&mut state.sync);
        self.carry(state, effects);
        self.write_shown(state);
        self.wake.notify_one();
    }

    fn carry(&self, state: &mut State, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.carry_frame(state, frame),
                Effect::Retry { after_ms } => {
                    let at = Instant::now() + Duration::from_millis(after_ms);
                    state.retry_at = Some(state.retry_at.map_or(at, |known| known.min(at)));
                }
                Effect::Deliver { after_ms } => {
                    state.deliver_at = Some(Instant::now() + Duration::from_millis(after_ms));
                }
                Effect::Begun { room, cursor } => self.note(Entry::Begun { room, cursor }),
                Effect::Applied { room, seq, key } => self.note(Entry::Applied { room, seq, key }),
                Effect::Gone { room } => self.note(Entry::Gone { room }),
            }
        }
    }

    fn carry_frame(&self, state: &mut State, frame: ClientFrame) {
        let asked = match &frame {
            ClientFrame::MessageSend(send) => {
                Some((send.reference, Asked::Message { room: send.room, key: send.key }))
            }
            ClientFrame::MessageDelete(delete) => {
                Some((delete.reference, Asked::Deletion { room: delete.room, key: delete.key }))
            }
            ClientFrame::ReceiptSet(receipt) => {
                let seq = receipt.read.unwrap_or_default();
                let asked = Asked::Receipt { room: receipt.room, seq };
                receipt.reference.map(|reference| (reference, asked))
            }
            ClientFrame::RoomSync(sync) => {
                self.note(Entry::Synced { room: sync.room, after: sync.after });
                Some((sync.reference, Asked::Question))
            }
            ClientFrame::RoomGet(get) => Some((get.reference, Asked::Question)),
            ClientFrame::RoomList(list) => Some((list.reference, Asked::Question)),
            _ => None,
        };
        state.asked.extend(asked);
        state.outgoing.push(frame);
    }

    /// Takes what came; false where it is the end of the connection.
    fn hear(&self, heard: Heard) -> bool {
        let state = &mut *self.state.borrow_mut();
        match heard {
            Heard::Frame(frame) => {
                self.write_down(state, &frame);
                let effects = state.sync.apply(*frame);
                self.carry(state, effects);
                self.write_shown(state);
                true
            }
            Heard::Closed(code) => {
                if let Some(parting) = &mut state.parting {
                    parting.closed = Some(code);
                }
                false
            }
        }
    }

    fn write_down(&self, state: &mut State, frame: &ServerFrame) {
        match frame {
            ServerFrame::Event(event) => self.journal.note_received(self.id.get(), event),
            ServerFrame::Ready(ready) => {
                if let Some(lost_at) = state.lost_at.take() {
                    self.journal.returned(lost_at.elapsed());
                }
                self.write_rooms(&ready.rooms);
            }
            ServerFrame::Reply(reply) => {
                self.write_rooms(reply.rooms.as_deref().unwrap_or_default());
                let asked = state.take(reply.reference);
                self.write_done(asked, reply.seq);
            }
            ServerFrame::Error(error) => {
                let asked = error.reference.and_then(|reference| state.take(reference));
                if !is_for_now(error.code)
                    && let Some(Asked::Message { room, key } | Asked::Deletion { room, key }) =
                        asked
                {
                    self.note(Entry::Refused { room, key, code: error.code });
                }
            }
            ServerFrame::Lagged(lagged) => drop(state.lagged.insert(lagged.room, lagged.head_seq)),
            ServerFrame::Drain(drain) => {
                let spread_ms = self.journal.draw(|random| random.below(drain.within_ms + 1));
                state.return_at = Some(Instant::now() + Duration::from_millis(spread_ms));
                count(&self.journal.drains);
                if let Some(parting) = &mut state.parting {
                    parting.drained = true;
                }
            }
            ServerFrame::Signal(_) | ServerFrame::Receipt(_) | ServerFrame::Pong => {}
        }
    }

    fn write_done(&self, asked: Option<Asked>, seq: Option<Seq>) {
        match asked {
            Some(Asked::Message { room, key } | Asked::Deletion { room, key }) => {
                count(&self.journal.done);
                self.note(Entry::Done { room, key, seq });
            }
            Some(Asked::Receipt { room, seq }) => self.note(Entry::ReadDone { room, seq }),
            Some(Asked::Question) | None => {}
        }
    }

    fn write_rooms(&self, rooms: &[rest::Room]) {
        for room in rooms {
            let (id, head_seq, n, read_n) = (room.id, room.head_seq, room.n, room.read_n);
            self.note(Entry::Reported { room: id, head_seq, n, read_n });
        }
    }

    /// Writes down what changed on the screen.
    fn write_shown(&self, state: &mut State) {
        for room in state.sync.rooms() {
            let info = room.info();
            let now = (info.head_seq, info.n, info.read_seq, info.read_n);
            if state.shown.insert(info.id, now) != Some(now) {
                let (head_seq, n, read_seq, read_n) = now;
                self.note(Entry::Shown { room: info.id, head_seq, n, read_seq, read_n });
            }
            let receipts: Receipts = info.receipts.into();
            if state.ticks.insert(info.id, receipts).unwrap_or_default() != receipts {
                self.note(Entry::Ticks { room: info.id, receipts });
            }
        }
    }
}

impl State {
    /// The command or question under this `ref`, now that it is answered.
    fn take(&mut self, reference: u64) -> Option<Asked> {
        if let Some(parting) = &mut self.parting {
            parting.owed.remove(&reference);
        }
        self.asked.remove(&reference)
    }
}

fn is_for_now(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Busy | ErrorCode::Unavailable | ErrorCode::RateLimited)
}

/// Waits for a moment; for ever where there is none.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
