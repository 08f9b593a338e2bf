//! One connection's way out: straight to the kernel while it takes all.

use std::io::{self, Write};
use std::net::TcpStream;

use crate::poll::Poll;

/// Bytes that wait for a slow reader; beyond it the reader is cut off, and the load sees a loss.
const OUTBOX_BYTES_MAX: usize = 64 * 1_024 * 1_024;

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) token: usize,
    /// What the kernel did not take.
    outbox: Vec<u8>,
    /// Rooms with something to send in this wake-up; owned between wake-ups for its capacity.
    pub(super) rooms_waiting: Vec<u32>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, token: usize) -> Self {
        Self { stream, token, outbox: Vec::new(), rooms_waiting: Vec::new() }
    }

    /// Writes, or keeps what cannot be written now. False when the connection is lost.
    pub(super) fn send(&mut self, bytes: &[u8], poll: &Poll) -> io::Result<bool> {
        if !self.outbox.is_empty() {
            self.outbox.extend_from_slice(bytes);
            return Ok(self.outbox.len() <= OUTBOX_BYTES_MAX);
        }
        let Some(written) = write(&self.stream, bytes) else {
            return Ok(false);
        };
        if written < bytes.len() {
            self.outbox.extend_from_slice(&bytes[written..]);
            poll.want_writable(&self.stream, self.token, true)?;
        }
        Ok(true)
    }

    /// Goes on with what was kept. False when the connection is lost.
    pub(super) fn flush(&mut self, poll: &Poll) -> io::Result<bool> {
        let Some(written) = write(&self.stream, &self.outbox) else {
            return Ok(false);
        };
        self.outbox.drain(..written);
        if self.outbox.is_empty() {
            self.outbox = Vec::new();
            poll.want_writable(&self.stream, self.token, false)?;
        }
        Ok(true)
    }
}

/// Bytes that the kernel took; none when the connection is lost.
fn write(mut stream: &TcpStream, bytes: &[u8]) -> Option<usize> {
    match stream.write(bytes) {
        Ok(written) => Some(written),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}
