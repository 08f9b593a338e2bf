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
    /// While it catches up: the highest `seq` that it must come to.
    behind: Option<u64>,
}

/// What a `seq` means to who has come so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many are missing before it.
    On { lost: u64 },
    /// It comes again, or will: its reader is catching up.
    Aside,
}

impl Place {
    pub(super) fn new(room: u32, member: u32) -> Self {
        Self { room, seen: Seen { member, position: 0 }, seq: 0, behind: None }
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn step(&mut self, seq: u64) -> Step {
        let expected = if self.seq == 0 { seq } else { self.seq + 1 };
        if let Some(head) = &mut self.behind
            && seq != expected
        {
            *head = seq.max(*head);
            return Step::Aside;
        }
        self.seq = self.seq.max(seq);
        Step::On { lost: seq.saturating_sub(expected) }
    }

    /// The server forgot what waited, up to this head. True where it was not catching up already.
    pub(super) fn fall_behind(&mut self, head_seq: u64) -> bool {
        let before = self.behind;
        self.behind = Some(before.unwrap_or_default().max(head_seq));
        before.is_none()
    }

    /// True when it has all, and is behind no more.
    pub(super) fn catch_up(&mut self) -> bool {
        if self.behind.is_some_and(|head| self.seq >= head) {
            self.behind = None;
        }
        self.behind.is_none()
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

    pub(super) fn place(&mut self, room: u32) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.room == room)
    }

    /// The poll was told to wait for room to write.
    pub(super) fn expect_writable(&mut self) {
        self.blocked = true;
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

#[cfg(test)]
mod tests {
    use super::{Place, Step};

    #[test]
    fn who_catches_up_sets_aside_what_is_above_the_gap_and_what_comes_again() {
        let mut place = Place::new(0, 0);
        assert_eq!(place.step(5), Step::On { lost: 0 });
        assert!(place.fall_behind(8), "it was not behind");
        assert!(!place.fall_behind(7), "it is behind already");
        assert_eq!(place.step(9), Step::Aside);
        assert_eq!([6, 7, 8].map(|seq| place.step(seq)), [const { Step::On { lost: 0 } }; 3]);
        assert!(!place.catch_up(), "9 is missing still");
        assert_eq!(place.step(8), Step::Aside);
        assert_eq!(place.step(9), Step::On { lost: 0 });
        assert!(place.catch_up());
        assert_eq!(place.step(12), Step::On { lost: 2 });
    }
}
