//! The way to the server, over plain TCP: a WebSocket, or where those are broken on the way an event
//! stream; kept open, and opened again when it breaks.
//!
//! [`Link`] is one connection and knows no room. [`Session`] drives a [`Sync`](crate::sync::Sync) over one
//! link after another, and chooses the way. TLS is absent: the tests and the benchmark need none.

mod http;
mod say;
mod session;
mod socket;
mod stream;
mod way;

use std::io;
use std::time::Duration;

use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::id::Key;
use chinwag_proto::ws::{CloseCode, Violation};

use socket::Socket;
use stream::Stream;

pub use session::{Came, SendError, Session};
pub use way::Way;

/// Bytes read at once: a resume of one room, roughly.
const READ_BYTES: usize = 32 * 1_024;
/// A message of the server: `ready` with a hundred rooms and their last messages is the largest.
const MESSAGE_BYTES_MAX: usize = 8 * 1_024 * 1_024;
/// The first wait before a connection is tried again, and the longest.
const BACK_OFF_MIN: Duration = Duration::from_millis(500);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// Why there is no connection, or none any more. What to do differs.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Try again later.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The address answers, but not as a Chinwag server: status and reason.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server closed. By its code: refresh the token (4401), come back (1012), mend the client.
    #[error("the server closed with {code:?}: {reason}")]
    Closed { code: Option<CloseCode>, reason: String },
    /// The server broke the framing.
    #[error("the server broke the framing")]
    Violation(#[from] Violation),
}

impl LinkError {
    /// True where the same token will not do.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Closed { code: Some(CloseCode::UNAUTHORIZED), .. })
    }
}

/// One connection. Its futures may be dropped at any point: what was read or not yet written is kept.
#[derive(Debug)]
pub struct Link(Inner);

#[derive(Debug)]
enum Inner {
    Socket(Box<Socket>),
    Stream(Stream),
}

impl Link {
    /// Opens a WebSocket to `address` (`host:port`). The next thing to say is `hello`.
    pub async fn open(address: &str) -> Result<Self, LinkError> {
        Ok(Self(Inner::Socket(Box::new(Socket::open(address).await?))))
    }

    /// Gets ready for an event stream, which `hello` opens.
    #[must_use]
    pub fn by_stream(address: &str) -> Self {
        Self(Inner::Stream(Stream::new(address)))
    }

    /// Which way it goes.
    #[must_use]
    pub fn way(&self) -> Way {
        match self.0 {
            Inner::Socket(_) => Way::Socket,
            Inner::Stream(_) => Way::Stream,
        }
    }

    /// Says something.
    pub async fn send(&mut self, frame: &ClientFrame) -> Result<(), LinkError> {
        match &mut self.0 {
            Inner::Socket(socket) => socket.send(frame).await,
            Inner::Stream(stream) => stream.send(frame),
        }
    }

    /// The next that the server says. Frames of a type that this version does not know are skipped.
    pub async fn receive(&mut self) -> Result<ServerFrame, LinkError> {
        match &mut self.0 {
            Inner::Socket(socket) => socket.receive().await,
            Inner::Stream(stream) => stream.receive().await,
        }
    }

    /// Says goodbye and ends.
    pub async fn close(self) -> Result<(), LinkError> {
        match self.0 {
            Inner::Socket(socket) => socket.close().await,
            Inner::Stream(_) => Ok(()),
        }
    }
}

/// How long to wait before the next try: full jitter, so that those who were cut off together do not
/// come back together.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackOff {
    tries: u32,
}

impl BackOff {
    /// The next wait, from a random number: at most 0.5 s, then 1 s, 2 s … 30 s.
    pub fn next(&mut self, random: u32) -> Duration {
        let most = BACK_OFF_MIN.saturating_mul(1 << self.tries.min(10)).min(BACK_OFF_MAX);
        self.tries = self.tries.saturating_add(1);
        most.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// A connection was good: the next wait is short again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A key for a command, of now.
#[must_use]
pub fn new_key() -> Key {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut random = [0; 16];
    fill(&mut random);
    let at_ms = now.map_or(0, |since| since.as_millis() as u64);
    Key::new(at_ms, u128::from_ne_bytes(random))
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has randomness");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_a_bound_and_is_spread_over_all_of_it() {
        let mut back_off = BackOff::default();
        let most: Vec<u64> = (0..9).map(|_| back_off.next(u32::MAX).as_millis() as u64).collect();
        assert_eq!(most, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(back_off.next(0), Duration::ZERO);
        back_off.reset();
        assert!(back_off.next(u32::MAX / 2) <= BACK_OFF_MIN / 2);
    }
}
