//! Who is in which room, and what goes to them.

use anyhow::{Context, Result};
use bytes::Bytes;
use chinwag_proto::ws::encode;

use super::Kind;
use super::log::Log;
use super::socket::Socket;
use crate::poll::Poll;

/// Rooms that may be named.
const ROOMS_MAX: usize = 1_000_000;
/// Digits of a room's name.
const ROOM_DIGITS: usize = 8;

#[derive(Debug)]
pub(super) struct Hub {
    kind: Kind,
    /// Bytes that stand before each text, as another server's envelope would.
    envelope: Vec<u8>,
    log: Option<Log>,
    sockets: Vec<Option<Socket>>,
    rooms: Vec<Room>,
    /// Rooms with something to send, in the order in which it came.
    rooms_waiting: Vec<u32>,
    /// Sockets with something to send, where rooms overlap.
    sockets_waiting: Vec<usize>,
    /// What goes to one socket from several rooms.
    gathered: Vec<u8>,
}

#[derive(Debug, Default)]
struct Room {
    subscribers: Vec<usize>,
    waiting: Vec<u8>,
}

impl Hub {
    pub(super) fn new(kind: Kind, envelope_bytes: usize, log: Option<Log>) -> Self {
        Self {
            kind,
            envelope: vec![b' '; envelope_bytes],
            log,
            sockets: Vec::new(),
            rooms: Vec::new(),
            rooms_waiting: Vec::new(),
            sockets_waiting: Vec::new(),
            gathered: Vec::new(),
        }
    }

    pub(super) fn open(&mut self, at: usize, socket: Socket) {
        if at == self.sockets.len() {
            self.sockets.push(None);
        }
        self.sockets[at] = Some(socket);
    }

    pub(super) fn socket(&self, at: usize) -> Option<&Socket> {
        self.sockets[at].as_ref()
    }

    pub(super) fn close(&mut self, at: usize) {
        self.sockets[at] = None;
        for room in &mut self.rooms {
            room.subscribers.retain(|&subscriber| subscriber != at);
        }
    }

    pub(super) fn flush(&mut self, at: usize, poll: &Poll) -> Result<()> {
        let Some(socket) = &mut self.sockets[at] else {
            return Ok(());
        };
        if !socket.flush(poll)? {
            self.close(at);
        }
        Ok(())
    }

    pub(super) fn send(&mut self, at: usize, bytes: &[u8], poll: &Poll) -> Result<()> {
        let Some(socket) = &mut self.sockets[at] else {
            return Ok(());
        };
        if !socket.send(bytes, poll)? {
            self.close(at);
        }
        Ok(())
    }

    pub(super) fn join(&mut self, at: usize, names: &str, poll: &Poll) -> Result<()> {
        for name in names.as_bytes().chunks(ROOM_DIGITS) {
            let room = room_number(name)?;
            if room >= self.rooms.len() {
                self.rooms.resize_with(room + 1, Room::default);
            }
            self.rooms[room].subscribers.push(at);
        }
        self.send(at, &encode::text(b"J"), poll)
    }

    /// Sends a text at once, or keeps it until the wake-up's end.
    pub(super) fn publish(&mut self, text: &str, poll: &Poll) -> Result<()> {
        let room =
            room_number(text.as_bytes().get(..ROOM_DIGITS).context("a text without a room")?)?;
        let frame = self.frame(text);
        if self.kind == Kind::A {
            return self.write_each(room, &frame, poll);
        }
        if let Some(log) = &mut self.log {
            log.append(text.as_bytes());
        }
        let waiting = &mut self.rooms.get_mut(room).context("a room that nobody joined")?.waiting;
        if waiting.is_empty() {
            self.rooms_waiting.push(room as u32);
        }
        waiting.extend_from_slice(&frame);
        Ok(())
    }

    fn frame(&self, text: &str) -> Bytes {
        if self.envelope.is_empty() {
            return encode::text(text.as_bytes());
        }
        encode::text(&[&self.envelope, text.as_bytes()].concat())
    }

    /// The end of a wake-up: syncs, and sends all that waits.
    pub(super) fn deliver(&mut self, poll: &Poll) -> Result<()> {
        if let Some(log) = &mut self.log {
            log.commit()?;
        }
        match self.rooms_waiting[..] {
            [] => return Ok(()),
            [room] => {
                let waiting = std::mem::take(&mut self.rooms[room as usize].waiting);
                self.write_each(room as usize, &waiting, poll)?;
                self.rooms[room as usize].waiting = waiting;
            }
            _ => self.write_gathered(poll)?,
        }
        for room in self.rooms_waiting.drain(..) {
            self.rooms[room as usize].waiting.clear();
        }
        Ok(())
    }

    fn write_each(&mut self, room: usize, bytes: &[u8], poll: &Poll) -> Result<()> {
        let subscribers = std::mem::take(&mut self.rooms[room].subscribers);
        for &at in &subscribers {
            if let Some(socket) = &mut self.sockets[at]
                && !socket.send(bytes, poll)?
            {
                self.sockets[at] = None;
            }
        }
        self.rooms[room].subscribers = subscribers;
        Ok(())
    }

    fn write_gathered(&mut self, poll: &Poll) -> Result<()> {
        for &room in &self.rooms_waiting {
            for &at in &self.rooms[room as usize].subscribers {
                let Some(socket) = &mut self.sockets[at] else {
                    continue;
                };
                if socket.rooms_waiting.is_empty() {
                    self.sockets_waiting.push(at);
                }
                socket.rooms_waiting.push(room);
            }
        }
        for at in self.sockets_waiting.drain(..) {
            let Some(socket) = &mut self.sockets[at] else {
                continue;
            };
            let mut rooms = std::mem::take(&mut socket.rooms_waiting);
            let bytes = match rooms[..] {
                [room] => &self.rooms[room as usize].waiting,
                _ => {
                    self.gathered.clear();
                    for &room in &rooms {
                        self.gathered.extend_from_slice(&self.rooms[room as usize].waiting);
                    }
                    &self.gathered
                }
            };
            if socket.send(bytes, poll)? {
                rooms.clear();
                socket.rooms_waiting = rooms;
            } else {
                self.sockets[at] = None;
            }
        }
        Ok(())
    }
}

fn room_number(name: &[u8]) -> Result<usize> {
    let digits = std::str::from_utf8(name)?;
    let room = usize::from_str_radix(digits, 16).with_context(|| format!("no room: {digits}"))?;
    anyhow::ensure!(room < ROOMS_MAX, "room {room} is beyond {ROOMS_MAX}");
    Ok(room)
}
