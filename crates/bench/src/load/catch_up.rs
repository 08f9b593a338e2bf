//! Readers who do not read for a while, and how they come back: as the protocol's clients do.
//!
//! A server that forgot what waited for a slow reader says `lagged`. The reader then asks for what is
//! above its cursor, page by page, and drops what comes by itself above a gap until it has all.

use anyhow::Result;
use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::Load;

/// What the kernel keeps for a reader who does not read; it would be up to tens of MB.
const SLOW_BUFFER_BYTES: usize = 64 * 1_024;

impl Load {
    /// Each `every`th connection stops reading. What is sent meanwhile reaches everybody only later.
    pub(crate) fn pause(&mut self, every: usize) -> Result<()> {
        for at in (0..self.connections.len()).step_by(every) {
            let stream = &self.connections[at].stream;
            set_socket_recv_buffer_size(stream, SLOW_BUFFER_BYTES)?;
            self.poll.want_nothing(stream, at)?;
            self.paused.push(at);
        }
        Ok(())
    }

    /// They read again.
    pub(super) fn resume(&mut self) -> Result<()> {
        for at in self.paused.drain(..) {
            self.poll.want_writable(&self.connections[at].stream, at, true)?;
            self.connections[at].expect_writable();
        }
        Ok(())
    }

    pub(super) fn lagged(&mut self, at: usize, room: u32, head_seq: u64) {
        self.tally.lagged += 1;
        let Some(place) = self.connections[at].place(room) else {
            self.tally.faults.phantom += 1;
            return;
        };
        if place.fall_behind(head_seq) {
            self.ask(at, room);
        }
    }

    /// A page of what was missed is over.
    pub(super) fn synced(&mut self, at: usize, room: u32, more: bool) {
        if self.connections[at].place(room).is_some_and(|place| more || !place.catch_up()) {
            self.ask(at, room);
        }
    }

    fn ask(&mut self, at: usize, room: u32) {
        let connection = &mut self.connections[at];
        let Some(after) = connection.place(room).map(|place| place.seq()) else {
            return;
        };
        let name = &self.rooms[room as usize].name;
        let frame = self.dialect.sync(name, room, after);
        connection.text(frame.as_bytes(), self.random.next());
        self.writing.push(at);
    }
}
