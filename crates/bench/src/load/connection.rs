//! One socket of the load.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Result, ensure};
use chinwag_proto::ws::{Opcode, encode};

use super::order::Seen;
use crate::poll::Poll;

/// Bytes that wait because a server does not read; beyond it the server has failed.
const OUTGOING_BYTES_MAX: usize = 1_024 * 1_024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Upgrading,
    Joining,
    Live,
}

/// How far a connection is in one of its rooms.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: u32,
    pub(super) seen: Seen,
    /// The last `seq` that it saw; 0 before the first.
    seq: u64,
}

impl Place {
    pub(super) fn new(room: u32, member: u32) -> Self {
        Self { room, seen: Seen { member, position: 0 }, seq: 0 }
    }

    /// Events that are missing before this one.
    pub(super) fn skipped(&mut self, seq: u64) -> u64 {
        let expected = if self.seq == 0 { seq } else { self.seq + 1 };
        self.seq = self.seq.max(seq);
        seq.saturating_sub(expected)
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) user: usize,
    pub(super) stage: Stage,
    /// The next step of the greeting.
    pub(super) step: u8,
    /// Rooms that it is in, where the server tells of each.
    pub(super) joined: usize,
    /// The beginning of a frame whose end has not come.
    pub(super) held: Vec<u8>,
    pub(super) outgoing: Vec<u8>,
    /// The kernel did not take all, and we wait for it.
    blocked: bool,
    /// A connection is in few rooms: looking through them is quicker than a map.
    pub(super) places: Vec<Place>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, user: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            user,
            stage: Stage::Upgrading,
            step: 0,
            joined: 0,
            held: Vec::new(),
            outgoing: Vec::new(),
            blocked: false,
            places: Vec::new(),
        })
    }

    /// Queues a text frame. The mask is the low half of `random`.
    pub(super) fn text(&mut self, payload: &[u8], random: u64) {
        let key = (random as u32).to_be_bytes();
        encode::client_frame(&mut self.outgoing, Opcode::Text, true, payload, key);
    }

    pub(super) fn pong(&mut self, payload: &[u8], random: u64) {
        let key = (random as u32).to_be_bytes();
        encode::client_frame(&mut self.outgoing, Opcode::Pong, true, payload, key);
    }

    /// Writes what is queued; the rest goes when there is room.
    pub(super) fn flush(&mut self, token: usize, poll: &Poll) -> Result<()> {
        if !self.outgoing.is_empty() {
            match (&self.stream).write(&self.outgoing) {
                Ok(written) if written == self.outgoing.len() => self.outgoing.clear(),
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        let waiting = self.outgoing.len();
        ensure!(waiting <= OUTGOING_BYTES_MAX, "the server reads no more: {waiting} bytes wait");
        if self.blocked == (waiting == 0) {
            self.blocked = waiting > 0;
            poll.want_writable(&self.stream, token, self.blocked)?;
        }
        Ok(())
    }
}
