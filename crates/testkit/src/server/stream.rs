//! An event stream, as a client reads it whose WebSockets are broken on the way.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use chinwag_proto::stream::{self, EventReader};
use chinwag_proto::ws::CloseCode;
use serde_json::Value;

use super::http::is_timeout;
use super::{DEADLINE, Door, Heard, Request, Response, User, Wire};

/// `ready` with a page of a hundred rooms is the longest.
const EVENT_BYTES_MAX: usize = 16 << 20;

/// A client's end. It answers nothing: what it says goes by REST.
#[derive(Debug)]
pub struct Stream {
    door: Door,
    wire: Wire,
    /// What came of the body and is no whole chunk yet.
    raw: Vec<u8>,
    is_chunked: bool,
    reader: EventReader,
    heard: VecDeque<Heard>,
    /// The answer without its body.
    pub answer: Response,
}

impl Stream {
    /// Sends a request for a stream, which must be granted.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open(door: &Door, request: &Request) -> Self {
        let mut wire = Wire::connect(door);
        wire.write_all(&request.bytes()).expect("a request is taken");
        Self::of_answer(door, wire)
    }

    /// Reads the answer of a connection on which a stream was asked for.
    ///
    /// # Panics
    /// Where it is no stream.
    #[must_use]
    pub fn of_answer(door: &Door, mut wire: Wire) -> Self {
        wire.set_read_timeout(DEADLINE);
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            wire.read_exact(&mut byte).expect("an answer comes");
            head.push(byte[0]);
        }
        let answer = Response::of_head(&head).expect("an answer");
        assert_eq!(answer.status, 200, "{head:?}");
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let is_chunked = answer.header("transfer-encoding") == Some("chunked");
        Self {
            door: door.clone(),
            wire,
            raw: Vec::new(),
            is_chunked,
            reader: EventReader::new(EVENT_BYTES_MAX),
            heard: VecDeque::new(),
            answer,
        }
    }

    /// The connection, for one who lets it die.
    #[must_use]
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The next thing that is heard; a sign of life is a ping.
    ///
    /// # Panics
    /// Where nothing comes within [`DEADLINE`].
    #[expect(clippy::should_implement_trait, reason = "it never ends by itself")]
    pub fn next(&mut self) -> Heard {
        self.next_within(DEADLINE).expect("nothing was heard in time")
    }

    /// The same, or none where nothing comes in this time.
    pub fn next_within(&mut self, within: Duration) -> Option<Heard> {
        let until = Instant::now() + within;
        while self.heard.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.read(left);
        }
        self.heard.pop_front()
    }

    fn read(&mut self, within: Duration) {
        let mut chunk = vec![0; 64 * 1024];
        self.wire.set_read_timeout(within);
        let came = match self.wire.read(&mut chunk) {
            Ok(0) => return self.heard.push_back(Heard::Ended),
            Ok(count) => &chunk[..count],
            Err(error) if is_timeout(&error) => return,
            Err(_) => return self.heard.push_back(Heard::Ended),
        };
        self.door.hear(came);
        self.raw.extend_from_slice(came);
        if self.is_chunked {
            while let Some(part) = self.chunk() {
                self.events(&part);
            }
        } else {
            let part = std::mem::take(&mut self.raw);
            self.events(&part);
        }
    }

    /// Takes one whole chunk out of what came.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.raw.windows(2).position(|two| two == b"\r\n")?;
        let size = str::from_utf8(&self.raw[..line]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let end = line + 2 + size;
        if self.raw.len() < end + 2 {
            return None;
        }
        assert_eq!(&self.raw[end..end + 2], b"\r\n", "a chunk is as long as it says");
        let part = self.raw[line + 2..end].to_vec();
        self.raw.drain(..end + 2);
        if size == 0 {
            self.heard.push_back(Heard::Whole);
            return None;
        }
        Some(part)
    }

    fn events(&mut self, part: &[u8]) {
        let mut heard = Vec::new();
        self.reader.take(part, &mut heard).expect("no event is so long");
        self.heard.extend(heard.into_iter().map(|heard| match heard {
            stream::Heard::Frame(json) => {
                Heard::Frame(serde_json::from_str(&json).expect("a frame is JSON"))
            }
            stream::Heard::Beat => Heard::Ping(Vec::new()),
            stream::Heard::Closed(code, reason) => {
                Heard::Closed(code.map(CloseCode::number), reason)
            }
        }));
    }

    /// The next frame, whatever signs of life come before it.
    ///
    /// # Panics
    /// Where something else comes.
    pub fn frame(&mut self) -> Value {
        loop {
            match self.next() {
                Heard::Frame(frame) => return frame,
                Heard::Ping(_) => {}
                other => panic!("a frame was expected, not {other:?}"),
            }
        }
    }

    /// The next frame, which must be of this type.
    ///
    /// # Panics
    /// Where it is of another.
    pub fn expect(&mut self, kind: &str) -> Value {
        let frame = self.frame();
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// The frames before the first that is looked for, and it.
    pub fn until_one(&mut self, is_it: impl Fn(&Value) -> bool) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        loop {
            let frame = self.frame();
            if is_it(&frame) {
                return (before, frame);
            }
            before.push(frame);
        }
    }

    /// All frames that are due to this stream by now: see [`Socket::caught_up`](super::Socket::caught_up).
    pub fn caught_up(&mut self, user: &User) -> Vec<Value> {
        let seq = user.say(user.self_room(), "caught up?");
        let room = serde_json::json!(user.self_room());
        self.until_one(|frame| frame["room"] == room && frame["seq"] == seq).0
    }

    /// What is heard from now to the end of the connection.
    pub fn rest(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        loop {
            match self.next() {
                Heard::Ended => return heard,
                other => heard.push(other),
            }
        }
    }
}
