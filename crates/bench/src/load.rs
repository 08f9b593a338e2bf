//! The load: one thread, epoll, thousands of sockets. It sends, and looks at every delivery.
//!
//! A text says which room it belongs to and which of the room's messages it is, so each delivery is
//! held to one order that all members must see ([`order`]), and its latency counts from the moment
//! when the message was due, not from when it could be sent.

mod catch_up;
mod connection;
mod dialect;
mod frame;
mod order;
mod phase;

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

pub(crate) use self::dialect::Dialect;
pub(crate) use self::order::Faults;
pub(crate) use self::phase::{Outcome, Pace, Phase};

use self::connection::{Connection, Place, Stage, Step};
use self::dialect::Incoming;
use self::frame::Frame;
use self::order::{Room, Verdict};
use self::phase::Tally;
use crate::layout::Layout;
use crate::poll::Poll;
use crate::random::Random;

/// Bytes of every text: the first 16 say which it is.
pub(crate) const TEXT_BYTES: usize = 128;
/// Bytes read from a socket in one call, what was held of a frame included.
const SCRATCH_BYTES: usize = 256 * 1_024;
/// Connections that are being opened at once; servers bound how many may wait without a token.
const OPENING_MAX: usize = 64;
/// A server that does nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections to one server, and what is under way on them.
#[derive(Debug)]
pub(crate) struct Load {
    poll: Poll,
    origin: Instant,
    dialect: Dialect,
    address: SocketAddr,
    connections: Vec<Connection>,
    rooms: Vec<Room>,
    tally: Tally,
    /// Connections that have something to write at the end of the turn.
    writing: Vec<usize>,
    /// Connections that do not read.
    paused: Vec<usize>,
    next_room: usize,
    outstanding: u32,
    scratch: Vec<u8>,
    random: Random,
}

/// What connecting cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connected {
    pub(crate) connections: usize,
    pub(crate) elapsed: Duration,
}

impl Load {
    /// Opens every connection of the layout and waits until each may speak.
    pub(crate) fn connect(
        address: SocketAddr,
        dialect: Dialect,
        layout: &Layout,
    ) -> Result<(Self, Connected)> {
        let mut load = Self {
            poll: Poll::new()?,
            origin: Instant::now(),
            rooms: dialect.rooms(layout),
            dialect,
            address,
            connections: Vec::with_capacity(layout.connections),
            tally: Tally::default(),
            writing: Vec::new(),
            paused: Vec::new(),
            next_room: 0,
            outstanding: 0,
            scratch: vec![0; SCRATCH_BYTES],
            random: Random::new()?,
        };
        let connected = load.open_all(layout)?;
        Ok((load, connected))
    }

    fn open_all(&mut self, layout: &Layout) -> Result<Connected> {
        let started = Instant::now();
        let rooms_of_users = layout.rooms_of_users();
        let mut progress = (0, Instant::now());
        loop {
            while self.connections.len() < layout.connections
                && self.connections.len() - self.tally.ready < OPENING_MAX
            {
                let user = self.connections.len() % layout.users;
                self.open(user, &rooms_of_users[user])?;
            }
            if self.tally.ready == layout.connections {
                break;
            }
            self.turn(Some(Duration::from_millis(100)))?;
            if self.tally.ready > progress.0 {
                progress = (self.tally.ready, Instant::now());
            }
            ensure!(
                progress.1.elapsed() < PATIENCE,
                "only {} of {} connections became ready",
                self.tally.ready,
                layout.connections
            );
        }
        Ok(Connected { connections: layout.connections, elapsed: started.elapsed() })
    }

    fn open(&mut self, user: usize, rooms: &[usize]) -> Result<()> {
        let at = self.connections.len();
        let mut connection = Connection::open(self.address, user)
            .with_context(|| format!("connection {at} of this load"))?;
        self.poll.add(&connection.stream, at)?;
        for &room in rooms {
            let members = &mut self.rooms[room].members;
            connection.places.push(Place::new(room as u32, members.len() as u32));
            members.push(at);
        }
        connection.outgoing = self.dialect.upgrade(self.address).into_bytes();
        self.connections.push(connection);
        self.connections[at].flush(at, &self.poll)
    }

    /// Answers pings and takes what comes, for so long, without sending anything.
    pub(crate) fn rest(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.turn(Some(left))?;
        }
    }

    /// Answers the pings that came, and does not wait.
    pub(crate) fn look(&mut self) -> Result<()> {
        self.turn(Some(Duration::ZERO))
    }

    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// One wake-up: reads what came, then writes what that led to.
    fn turn(&mut self, timeout: Option<Duration>) -> Result<()> {
        let count = self.poll.wait(timeout)?;
        for at in 0..count {
            let ready = self.poll.ready(at);
            if ready.writable {
                self.connections[ready.token].flush(ready.token, &self.poll)?;
            }
            if ready.readable {
                self.receive(ready.token)?;
            }
        }
        self.write_all()
    }

    fn write_all(&mut self) -> Result<()> {
        for at in self.writing.drain(..) {
            self.connections[at].flush(at, &self.poll)?;
        }
        Ok(())
    }

    fn receive(&mut self, at: usize) -> Result<()> {
        let connection = &mut self.connections[at];
        let held = connection.held.len();
        ensure!(held < SCRATCH_BYTES, "a frame longer than {SCRATCH_BYTES} bytes");
        self.scratch[..held].copy_from_slice(&connection.held);
        connection.held.clear();
        let bytes = match (&connection.stream).read(&mut self.scratch[held..]) {
            Ok(0) => bail!("the server closed connection {at}"),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error).with_context(|| format!("connection {at}")),
        };
        self.tally.bytes += bytes as u64;
        let now_ns = self.now_ns();
        let scratch = std::mem::take(&mut self.scratch);
        let taken = self.take(at, &scratch[..held + bytes], now_ns);
        self.scratch = scratch;
        taken
    }

    fn take(&mut self, at: usize, mut input: &[u8], now_ns: u64) -> Result<()> {
        if self.connections[at].stage == Stage::Upgrading {
            let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
                self.connections[at].held.extend_from_slice(input);
                return Ok(());
            };
            ensure!(
                input.starts_with(b"HTTP/1.1 101 "),
                "no WebSocket: {}",
                String::from_utf8_lossy(&input[..end])
            );
            input = &input[end + 4..];
            self.greet(at);
        }
        while let Some(frame) = frame::next(&mut input)? {
            match frame {
                Frame::Data(payload) => self.data(at, payload, now_ns)?,
                Frame::Ping(payload) => {
                    self.connections[at].pong(payload, self.random.next());
                    self.writing.push(at);
                }
                Frame::Close(payload) => bail!(
                    "the server closed connection {at}: {:?} {}",
                    payload.first_chunk().map(|code| u16::from_be_bytes(*code)),
                    String::from_utf8_lossy(payload.get(2..).unwrap_or_default())
                ),
            }
        }
        self.connections[at].held.extend_from_slice(input);
        Ok(())
    }

    /// Says the next step of the greeting.
    fn greet(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        let rooms: Vec<u32> = connection.places.iter().map(|place| place.room).collect();
        let frames = self.dialect.greeting(connection.step, (at, connection.user), &rooms);
        connection.stage = Stage::Joining;
        connection.step += 1;
        for frame in &frames {
            connection.text(frame.as_bytes(), self.random.next());
        }
        self.writing.push(at);
    }

    fn ready(&mut self, at: usize) {
        self.connections[at].stage = Stage::Live;
        self.tally.ready += 1;
    }

    fn data(&mut self, at: usize, mut payload: &[u8], now_ns: u64) -> Result<()> {
        while let Some(incoming) = self.dialect.read(&mut payload)? {
            self.incoming(at, incoming, now_ns)?;
        }
        Ok(())
    }

    fn incoming(&mut self, at: usize, incoming: Incoming, now_ns: u64) -> Result<()> {
        match incoming {
            Incoming::Delivery { room, number, seq } => {
                self.delivered(at, room, number, seq, now_ns);
            }
            Incoming::Answered { room, number } => {
                self.tally.acked += 1;
                let sent = self.rooms.get(room as usize).and_then(|room| room.due_ns(number));
                if let Some(due_ns) = sent {
                    self.tally.ack.record(now_ns.saturating_sub(due_ns));
                }
            }
            Incoming::Busy { room, number } => self.refused(room, number),
            Incoming::Lagged { room, head_seq } => self.lagged(at, room, head_seq),
            Incoming::Synced { room, more } => self.synced(at, room, more),
            Incoming::Greeted => self.greet(at),
            Incoming::Joined => {
                let connection = &mut self.connections[at];
                connection.joined += 1;
                if connection.joined == connection.places.len() {
                    self.ready(at);
                }
            }
            Incoming::Ready => self.ready(at),
            Incoming::Asks(answer) => {
                self.connections[at].text(answer.as_bytes(), self.random.next());
                self.writing.push(at);
            }
            Incoming::Refused(why) => {
                bail!("the server refused what connection {at} said: {why}")
            }
            Incoming::Other => {}
        }
        Ok(())
    }

    fn refused(&mut self, room: u32, number: u32) {
        let room = self.rooms.get_mut(room as usize);
        if room.is_some_and(|room| room.refuse(number)) {
            self.tally.refused += 1;
            self.outstanding -= 1;
        } else {
            self.tally.faults.phantom += 1;
        }
    }

    fn delivered(&mut self, at: usize, room: u32, number: u32, seq: Option<u64>, now_ns: u64) {
        let Some(place) = self.connections[at].place(room) else {
            self.tally.faults.phantom += 1;
            return;
        };
        if let Some(seq) = seq {
            match place.step(seq) {
                Step::On { lost } => self.tally.faults.lost += lost,
                Step::Aside => return,
            }
        }
        match self.rooms[room as usize].delivered(number, &mut place.seen) {
            Verdict::Right { due_ns, everybody, own_order } => {
                let latency_ns = now_ns.saturating_sub(due_ns);
                self.tally.deliveries += 1;
                self.tally.delivery.record(latency_ns);
                self.tally.faults.reordered += u64::from(!own_order);
                if everybody {
                    self.tally.completed += 1;
                    self.outstanding -= 1;
                }
                if !self.dialect.answers() && self.rooms[room as usize].sender(number) == at {
                    self.tally.acked += 1;
                    self.tally.ack.record(latency_ns);
                }
            }
            Verdict::Wrong(faults) => self.tally.faults += faults,
        }
    }

    /// Queues the next message, in the room whose turn it is, from the member whose turn it is.
    fn send_next(&mut self, due_ns: u64) -> Result<()> {
        let room = self.next_room;
        self.next_room = (room + 1) % self.rooms.len();
        let number = self.rooms[room].send(due_ns);
        let at = self.rooms[room].sender(number);
        let text = dialect::text(room as u32, number);
        let random = [self.random.next(), self.random.next()];
        let payload = self.dialect.publish(&self.rooms[room], room as u32, number, &text, random);
        let connection = &mut self.connections[at];
        if connection.outgoing.is_empty() {
            self.writing.push(at);
        }
        connection.text(&payload, random[0]);
        self.outstanding += 1;
        Ok(())
    }
}
