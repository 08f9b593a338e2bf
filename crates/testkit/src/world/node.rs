//! A node: the real hub, and the driver that carries out what it asks for.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use chinwag_core::event::{ConnId, Event, EventKind, Origin, Signal};
use chinwag_core::hub::{Hub, Input, Output, Outputs};
use chinwag_core::id::{Key, RoomId, Seq, SessionId, UserId};
use chinwag_core::outbox::Class;
use chinwag_core::receipt::Receipts;
use chinwag_proto::code::ErrorCode;
use chinwag_proto::frame::{
    ClientFrame, ErrorFrame, Hello, Lagged, Limits, Ready, ReceiptFrame, ReceiptSet, Reply,
    ServerFrame,
};
use chinwag_proto::rest::Me;

use super::bug::Bug;
use super::model::Command;
use super::reading::{self, LOG_PAGE, Missed, Opening};
use super::writer::{Answer, Submission};
use super::{Happening, START_MS, World};

/// Milliseconds for which the planted mistake goes on telling someone who left.
const LEAVE_LATE_MS: u64 = 300;

/// One running server, or one that is down.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub up: bool,
    /// How often it was started.
    pub boot: u32,
    pub hub: Hub,
    pub queue: Vec<Submission>,
    /// Marks of delivery that wait for the second; a crash loses them.
    delivered: BTreeMap<(RoomId, UserId), Seq>,
    /// The ticks that were told last.
    told: BTreeMap<RoomId, Receipts>,
    /// The connection in each slot of the hub.
    slots: Vec<Option<usize>>,
    generation: u32,
    wake_at_ms: Option<u64>,
    out: Outputs,
    /// Those who are told too long, where that is the planted mistake: link, room, until when.
    leaving: Vec<(usize, RoomId, u64)>,
}

impl Node {
    /// A node that died; it remembers nothing but how often it was started.
    pub(super) fn down(boot: u32) -> Self {
        Self { boot, ..Self::default() }
    }

    fn place(&mut self, link: usize) -> ConnId {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(link);
        self.generation += 1;
        ConnId { slot: slot as u32, generation: self.generation }
    }

    /// A reader was not told of a room's ticks: everyone is told again.
    pub(super) fn receipt_missed(&mut self, room: RoomId) {
        self.told.remove(&room);
    }

    pub(super) fn vacate(&mut self, conn: ConnId) {
        self.slots[conn.slot as usize] = None;
    }
}

impl World {
    pub(super) fn is_up(&self, node: usize, boot: u32) -> bool {
        self.nodes[node].up && self.nodes[node].boot == boot
    }

    pub(super) fn node_start(&mut self, node: usize) {
        let boot = self.nodes[node].boot + 1;
        self.nodes[node] = Node { up: true, boot, ..Node::default() };
        self.after(1_000, Happening::Second { node, boot });
    }

    /// Gives the hub something and carries out what it answers.
    pub(super) fn handle(&mut self, node: usize, input: Input) {
        let now_ms = self.now_ms;
        let at = &mut self.nodes[node];
        at.hub.handle(now_ms, input, &mut at.out);
        self.settle(node);
    }

    pub(super) fn committed(&mut self, node: usize, event: &Arc<Event>, origin: Option<Origin>) {
        if self.bug == Some(Bug::LeaveAfterFanOut) {
            self.linger(node, event);
        }
        let now_ms = self.now_ms;
        let at = &mut self.nodes[node];
        at.hub.committed(now_ms, event, origin, &mut at.out);
        self.settle(node);
    }

    fn settle(&mut self, node: usize) {
        let mut out = std::mem::take(&mut self.nodes[node].out);
        for output in &out.list {
            self.carry_out(node, output, &out.slots);
        }
        out.clear();
        self.nodes[node].out = out;
        let due = self.nodes[node].hub.next_deadline_ms();
        if let Some(due) = due.filter(|_| due != self.nodes[node].wake_at_ms) {
            self.nodes[node].wake_at_ms = Some(due);
            let boot = self.nodes[node].boot;
            self.after(due.saturating_sub(self.now_ms), Happening::Wake { node, boot });
        }
    }

    fn carry_out(&mut self, node: usize, output: &Output, slots: &[u32]) {
        match output {
            Output::Reply { conn, reference, event } => {
                let frame = Rc::new(reply(*reference, Some(event)));
                if let Some(link) = self.link_of(node, *conn) {
                    self.write(link, frame, Class::Reply);
                }
            }
            Output::Deliver { event, to } => self.deliver(node, event, &slots[to.clone()]),
            Output::Fetch { room, after } => {
                self.counts.fetches += 1;
                let boot = self.nodes[node].boot;
                let delay_ms = self.random.between(1..=10);
                self.after(delay_ms, Happening::Fetch { node, boot, room: *room, after: *after });
            }
            Output::Ping { conn } => {
                if let Some(link) = self.link_of(node, *conn) {
                    self.after(5, Happening::Heard { link });
                }
            }
            Output::Close { conn, .. } => {
                if let Some(link) = self.link_of(node, *conn) {
                    self.cut(link);
                }
            }
            Output::Signal { signal: Signal::Receipt { room, receipts, .. }, to } => {
                let receipts = (*receipts).into();
                let frame = Rc::new(ServerFrame::Receipt(ReceiptFrame { room: *room, receipts }));
                for &slot in &slots[to.clone()] {
                    if let Some(link) = self.nodes[node].slots[slot as usize] {
                        self.write(link, Rc::clone(&frame), Class::Receipt { room: *room });
                    }
                }
            }
            Output::Untold { room } => self.nodes[node].receipt_missed(*room),
            Output::Signal { .. } | Output::Publish(_) | Output::Doubt { .. } => {}
        }
    }

    fn deliver(&mut self, node: usize, event: &Arc<Event>, slots: &[u32]) {
        let frame = Rc::new(ServerFrame::Event(reading::wire(event)));
        let class = Class::Event { room: event.room, seq: event.seq };
        let mut links: Vec<usize> =
            slots.iter().filter_map(|&slot| self.nodes[node].slots[slot as usize]).collect();
        let now_ms = self.now_ms;
        for &(link, room, until_ms) in &self.nodes[node].leaving {
            if room == event.room && now_ms < until_ms && !links.contains(&link) {
                links.push(link);
            }
        }
        for link in links {
            self.write(link, Rc::clone(&frame), class);
        }
    }

    fn linger(&mut self, node: usize, event: &Event) {
        let EventKind::MemberLeft { user } = event.kind else {
            return;
        };
        let until_ms = self.now_ms + LEAVE_LATE_MS;
        let links = self.nodes[node].slots.iter().flatten().copied();
        let theirs = links.filter(|&link| self.devices[self.links[link].device].id.user == user);
        let leaving: Vec<_> = theirs.map(|link| (link, event.room, until_ms)).collect();
        self.nodes[node].leaving.extend(leaving);
    }

    pub(super) fn link_of(&self, node: usize, conn: ConnId) -> Option<usize> {
        let link = (*self.nodes[node].slots.get(conn.slot as usize)?)?;
        (self.links[link].conn == Some(conn)).then_some(link)
    }

    pub(super) fn wake(&mut self, node: usize, boot: u32) {
        if self.is_up(node, boot) {
            self.nodes[node].wake_at_ms = None;
            self.handle(node, Input::Tick);
        }
    }

    /// Once a second: the clock, and the check of heads that finds a lost last event.
    pub(super) fn second(&mut self, node: usize, boot: u32) {
        if !self.is_up(node, boot) {
            return;
        }
        self.handle(node, Input::Tick);
        let mut rooms: Vec<RoomId> = self.nodes[node].hub.heads().map(|(room, _)| room).collect();
        rooms.sort_unstable();
        for room in rooms {
            // With a planted mistake the hub may know of a room that never came to be.
            if let Some(head) = self.model.rooms.get(&room).map(|state| state.head) {
                self.handle(node, Input::Head { room, head });
            }
        }
        self.receipts(node);
        self.after(1_000, Happening::Second { node, boot });
    }

    /// Writes what was gathered, and tells the ticks that are not as they were told.
    fn receipts(&mut self, node: usize) {
        for ((room, user), seq) in std::mem::take(&mut self.nodes[node].delivered) {
            self.model.delivered(room, user, seq);
        }
        let mut rooms: Vec<RoomId> = self.nodes[node].hub.heads().map(|(room, _)| room).collect();
        rooms.sort_unstable();
        for room in rooms {
            let receipts = self.model.receipts(room);
            let before = self.nodes[node].told.insert(room, receipts);
            if before != Some(receipts) {
                let delivered_moved = before.is_none_or(|it| it.delivered != receipts.delivered);
                let signal = Signal::Receipt { room, receipts, delivered_moved };
                self.handle(node, Input::Signal(signal));
            }
        }
    }

    pub(super) fn bus(&mut self, node: usize, event: &Arc<Event>) {
        if self.nodes[node].up {
            self.committed(node, event, None);
        }
    }

    pub(super) fn fetch(&mut self, node: usize, boot: u32, room: RoomId, after: Seq) {
        if !self.is_up(node, boot) {
            return;
        }
        let mut events = self.model.events_after(room, after, LOG_PAGE);
        if self.bug == Some(Bug::GapSkipped) {
            let filler = |event: Arc<Event>| Event { key: None, body: None, ..(*event).clone() };
            events = events.into_iter().map(filler).map(Arc::new).collect();
        }
        self.handle(node, Input::Fetched { room, events });
    }

    /// Takes what a client said.
    pub(super) fn serve(&mut self, link: usize, frame: ClientFrame) {
        let node = self.links[link].node;
        if let Some(conn) = self.links[link].conn {
            self.handle(node, Input::Heard { conn });
        }
        match frame {
            ClientFrame::Hello(hello) => self.greet(link, hello),
            ClientFrame::MessageSend(send) => {
                let text = serde_json::json!({ "text": send.text });
                let command = Command::Send { room: send.room, body: text.to_string().into() };
                self.submit_from(link, send.reference, send.key, command);
            }
            ClientFrame::MessageDelete(delete) => {
                let command = Command::Delete { room: delete.room, target: delete.target };
                self.submit_from(link, delete.reference, delete.key, command);
            }
            ClientFrame::ReceiptSet(ReceiptSet { room, delivered: Some(seq), .. }) => {
                let user = self.devices[self.links[link].device].id.user;
                let mark = self.nodes[node].delivered.entry((room, user)).or_default();
                *mark = (*mark).max(seq);
            }
            ClientFrame::ReceiptSet(receipt) => {
                let seq = receipt.read.unwrap_or_default();
                let command = Command::Read { room: receipt.room, seq };
                let key = Key::new(self.now_ms, u128::from(self.random.draw()));
                self.submit_from(link, receipt.reference.unwrap_or_default(), key, command);
            }
            query => {
                let delay_ms = self.random.below(15);
                self.after(delay_ms, Happening::Query { link, frame: Box::new(query) });
            }
        }
    }

    fn submit_from(&mut self, link: usize, reference: u64, key: Key, command: Command) {
        let user = self.devices[self.links[link].device].id.user;
        let answer = Answer::Socket { link, reference };
        self.submit(self.links[link].node, Submission::new(user, key, command, answer));
    }

    fn greet(&mut self, link: usize, hello: Hello) {
        let node = self.links[link].node;
        let conn = self.nodes[node].place(link);
        self.links[link].conn = Some(conn);
        let user = self.devices[self.links[link].device].id.user;
        let session = SessionId::new(START_MS, link as u32);
        self.handle(node, Input::Attached { conn, user, session });
        let delay_ms = self.random.below(20);
        self.after(delay_ms, Happening::Snapshot { link, cursors: hello.cursors });
    }

    pub(super) fn snapshot(&mut self, link: usize, cursors: &[(RoomId, Seq)]) {
        if !self.links[link].open {
            return;
        }
        let user = self.devices[self.links[link].device].id.user;
        let opening = Box::new(self.model.opening(user, cursors, self.faults.own_in_ready));
        let delay_ms = self.random.below(20);
        self.after(delay_ms, Happening::Join { link, opening });
    }

    pub(super) fn join(&mut self, link: usize, opening: Opening) {
        let (true, Some(conn)) = (self.links[link].open, self.links[link].conn) else {
            return;
        };
        let device = self.links[link].device;
        let user = self.devices[device].id.user;
        let mut heads = opening.heads;
        if self.bug == Some(Bug::JoinWindowLost) {
            heads = self.model.opening(user, &[], true).heads;
        }
        self.write(link, Rc::new(ready(user, opening.rooms, opening.next)), Class::Reply);
        let times = if self.bug == Some(Bug::DoubleDelivery) { 2 } else { 1 };
        for _ in 0..times {
            for missed in &opening.missed {
                self.write_missed(link, missed);
            }
        }
        let quiet = self.model.quiet.contains(&user) && self.bug != Some(Bug::ReadOfQuiet);
        let joined = Input::Joined { conn, heads, shares_read: !quiet };
        self.handle(self.links[link].node, joined);
    }

    fn write_missed(&mut self, link: usize, missed: &Missed) {
        match missed {
            Missed::Events(events) => {
                for event in events {
                    self.write(link, Rc::new(ServerFrame::Event(event.clone())), Class::Reply);
                }
            }
            &Missed::Lagged(room, head_seq) => {
                let frame = ServerFrame::Lagged(Lagged { room, head_seq });
                self.write(link, Rc::new(frame), Class::Reply);
            }
        }
    }

    /// Reads in a snapshot of now; the answer takes its time.
    pub(super) fn query(&mut self, link: usize, frame: &ClientFrame) {
        if !self.links[link].open {
            return;
        }
        let frames = self.read(link, frame);
        let delay_ms = self.random.below(10);
        self.after(delay_ms, Happening::Answer { link, frames });
    }

    fn read(&self, link: usize, frame: &ClientFrame) -> Vec<ServerFrame> {
        let user = self.devices[self.links[link].device].id.user;
        match frame {
            ClientFrame::RoomList(list) => {
                let (rooms, next) = self.model.room_page(user, list.after.as_deref());
                let more = Some(next.is_some());
                let reply = Reply { rooms: Some(rooms), next, more, ..Reply::to(list.reference) };
                vec![ServerFrame::Reply(reply)]
            }
            ClientFrame::RoomGet(get) => match self.model.room_info(user, get.room) {
                Some(info) => {
                    let rooms = Some(vec![info]);
                    vec![ServerFrame::Reply(Reply { rooms, ..Reply::to(get.reference) })]
                }
                None => vec![refusal(get.reference, ErrorCode::NotFound)],
            },
            ClientFrame::RoomSync(sync) => {
                match self.model.log_page(user, sync.room, sync.after, LOG_PAGE) {
                    Some((events, head, more)) => {
                        let mut frames: Vec<ServerFrame> =
                            events.into_iter().map(ServerFrame::Event).collect();
                        let (head_seq, more) = (Some(head), Some(more));
                        let reply = Reply { head_seq, more, ..Reply::to(sync.reference) };
                        frames.push(ServerFrame::Reply(reply));
                        frames
                    }
                    None => vec![refusal(sync.reference, ErrorCode::NotFound)],
                }
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn answer(&mut self, link: usize, frames: Vec<ServerFrame>) {
        for frame in frames {
            self.write(link, Rc::new(frame), Class::Reply);
        }
    }
}

pub(super) fn reply(reference: u64, event: Option<&Event>) -> ServerFrame {
    ServerFrame::Reply(Reply {
        seq: event.map(|event| event.seq),
        n: event.and_then(|event| event.n),
        at_ms: event.map(|event| event.at_ms),
        ..Reply::to(reference)
    })
}

pub(super) fn refusal(reference: u64, code: ErrorCode) -> ServerFrame {
    ServerFrame::Error(ErrorFrame {
        reference: Some(reference),
        code,
        message: String::new(),
        field: None,
        retry_after_ms: Some(50),
    })
}

fn ready(user: UserId, rooms: Vec<chinwag_proto::rest::Room>, next: Option<String>) -> ServerFrame {
    ServerFrame::Ready(Ready {
        epoch: reading::epoch(),
        reset: false,
        session: SessionId::new(START_MS, 0),
        user: Me {
            id: user,
            handle: String::new(),
            display_name: String::new(),
            rank: "member".to_owned(),
            created_at_ms: START_MS,
            hue: None,
            read_receipts: true,
            last_seen: true,
        },
        rooms,
        users: Vec::new(),
        more: next.is_some(),
        next,
        stream: None,
        limits: Limits {
            text_bytes: 16_384,
            frame_bytes: 65_536,
            in_flight: 64,
            page: LOG_PAGE as u32,
            cursors: 1_000,
            watch: 100,
        },
        now_ms: START_MS,
    })
}
