//! The way to the server: a WebSocket over plain TCP, kept open, and opened again when it breaks.
//!
//! [`Link`] is one connection and knows no room. [`Session`] drives a [`Sync`] over one link after
//! another. TLS, proxies and the event stream are absent: the tests and the benchmark need none.

mod session;

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::id::Key;
use chinwag_proto::ws::handshake::{accept_key, request_key};
use chinwag_proto::ws::{CloseCode, Decoder, Limits, Message, Opcode, Role, Violation, encode};
use chinwag_proto::{SUBPROTOCOL, encode as json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub use session::{Came, Session};

/// Bytes of the answer to the upgrade: more is no WebSocket server.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Bytes read at once: a resume of one room, roughly.
const READ_BYTES: usize = 32 * 1_024;
/// A message of the server: `ready` with a hundred rooms and their last messages is the largest.
const MESSAGE_BYTES_MAX: u32 = 8 * 1_024 * 1_024;
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
    #[error("the server refused the WebSocket: {0}")]
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
pub struct Link {
    stream: TcpStream,
    decoder: Decoder,
    arrived: BytesMut,
    frames: VecDeque<ServerFrame>,
    ended: Option<LinkError>,
    unwritten: BytesMut,
}

impl Link {
    /// Opens a connection to `address` (`host:port`). The next thing to say is `hello`.
    pub async fn open(address: &str) -> Result<Self, LinkError> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut random = [0; 16];
        fill(&mut random);
        let key = request_key(random);
        stream.write_all(request(address, &key).as_bytes()).await?;
        let limits = Limits { message_bytes: MESSAGE_BYTES_MAX, ..Limits::default() };
        let arrived = upgraded(&mut stream, &accept_key(&key)).await?;
        let mut link = Self {
            stream,
            decoder: Decoder::new(Role::Client, limits),
            arrived,
            frames: VecDeque::new(),
            ended: None,
            unwritten: BytesMut::new(),
        };
        link.decode();
        Ok(link)
    }

    /// Says something.
    pub async fn send(&mut self, frame: &ClientFrame) -> Result<(), LinkError> {
        self.write(Opcode::Text, &json::json(frame));
        self.flush().await
    }

    /// The next that the server says. Frames of a type that this version does not know are skipped.
    pub async fn receive(&mut self) -> Result<ServerFrame, LinkError> {
        loop {
            self.flush().await?;
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            if let Some(ended) = self.ended.take() {
                return Err(ended);
            }
            self.arrived.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.arrived).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.decode();
        }
    }

    /// Says goodbye and ends.
    pub async fn close(mut self) -> Result<(), LinkError> {
        self.write(Opcode::Close, &encode::close_payload(CloseCode::NORMAL, "bye"));
        self.flush().await?;
        Ok(self.stream.shutdown().await?)
    }

    async fn flush(&mut self) -> Result<(), LinkError> {
        Ok(self.stream.write_all_buf(&mut self.unwritten).await?)
    }

    fn write(&mut self, opcode: Opcode, payload: &[u8]) {
        let (mut mask, mut frame) = ([0; 4], Vec::new());
        fill(&mut mask);
        encode::client_frame(&mut frame, opcode, true, payload, mask);
        self.unwritten.extend_from_slice(&frame);
    }

    fn decode(&mut self) {
        let mut arrived = std::mem::take(&mut self.arrived);
        let mut input: &mut [u8] = &mut arrived;
        let mut pongs = Vec::new();
        while self.ended.is_none() {
            match self.decoder.next(&mut input) {
                Ok(Some(Message::Text(text))) => {
                    self.frames.extend(serde_json::from_str(text).ok());
                }
                Ok(Some(Message::Ping(payload))) => pongs.push(payload.to_vec()),
                Ok(Some(Message::Close { code, reason })) => {
                    self.ended = Some(LinkError::Closed { code, reason: reason.to_owned() });
                }
                Ok(Some(Message::Binary(_) | Message::Pong(_))) => {}
                Ok(None) => break,
                Err(violation) => self.ended = Some(violation.into()),
            }
        }
        for payload in pongs {
            self.write(Opcode::Pong, &payload);
        }
        arrived.clear();
        self.arrived = arrived;
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

fn request(address: &str, key: &str) -> String {
    format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
}

/// Reads the answer to the upgrade, and returns what came behind it.
async fn upgraded(stream: &mut TcpStream, accept: &str) -> Result<BytesMut, LinkError> {
    let mut arrived = BytesMut::with_capacity(READ_BYTES);
    loop {
        if stream.read_buf(&mut arrived).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut headers);
        let parsed = answer.parse(&arrived).map_err(|why| LinkError::Refused(why.to_string()))?;
        let httparse::Status::Complete(length) = parsed else {
            if arrived.len() > HEAD_BYTES_MAX {
                return Err(LinkError::Refused("the answer has no end".to_owned()));
            }
            continue;
        };
        check(&answer, accept)?;
        return Ok(arrived.split_off(length));
    }
}

fn check(answer: &httparse::Response<'_, '_>, accept: &str) -> Result<(), LinkError> {
    if answer.code != Some(101) {
        let (code, reason) = (answer.code.unwrap_or_default(), answer.reason.unwrap_or_default());
        return Err(LinkError::Refused(format!("{code} {reason}")));
    }
    let header = |name: &str| {
        let named = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value)
    };
    if header("sec-websocket-accept") != Some(accept.as_bytes()) {
        return Err(LinkError::Refused("it did not read the key".to_owned()));
    }
    Ok(())
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
