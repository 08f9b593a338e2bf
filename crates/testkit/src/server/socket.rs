//! A WebSocket on the wire's own codec.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use chinwag_proto::ws::encode::client_frame;
use chinwag_proto::ws::handshake::{accept_key, request_key};
use chinwag_proto::ws::{CloseCode, Decoder, Limits, Message, Opcode, Role};
use serde_json::{Value, json};

use super::http::is_timeout;
use super::{DEADLINE, Door, User, Wire};

/// A page of a hundred rooms is longer than a client's frame may be.
const LIMITS: Limits = Limits { message_bytes: 16 << 20, fragments: 1024 };

/// What a socket hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    Frame(Value),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame, and its reason.
    Closed(Option<u16>, String),
    /// The connection ended.
    Ended,
}

/// A client's end. It answers nothing by itself.
#[derive(Debug)]
pub struct Socket {
    door: Door,
    stream: Wire,
    decoder: Decoder,
    heard: VecDeque<Heard>,
    reference: u64,
}

impl Socket {
    /// Becomes a WebSocket, and says nothing yet.
    ///
    /// # Panics
    /// Where the server refuses.
    #[must_use]
    pub fn open(door: &Door) -> Self {
        let key = request_key(*b"sixteen bytes...");
        let mut stream = Wire::connect(door);
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\
             sec-websocket-protocol: chinwag.v1\r\n\r\n",
            door.address
        );
        let sent = stream.write_all(request.as_bytes());
        sent.expect("a request is taken");
        let answer = head(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let accept = format!("sec-websocket-accept: {}", accept_key(&key));
        assert!(answer.contains(&accept), "{answer}");
        Self {
            door: door.clone(),
            stream,
            decoder: Decoder::new(Role::Client, LIMITS),
            heard: VecDeque::new(),
            reference: 0,
        }
    }

    /// Says `hello` with this and gives back `ready`.
    pub fn hello(&mut self, hello: &Value) -> Value {
        let mut hello = hello.clone();
        hello["type"] = json!("hello");
        self.send(&hello);
        self.expect("ready")
    }

    pub fn send(&mut self, frame: &Value) {
        self.say(Opcode::Text, frame.to_string().as_bytes());
    }

    /// One whole frame.
    pub fn say(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        let key = (self.reference as u32 ^ 0x9e37_79b9).to_ne_bytes();
        client_frame(&mut bytes, opcode, true, payload, key);
        self.say_bytes(&bytes);
    }

    /// Bytes as they are. Where the server has gone, what follows will tell.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next thing that is heard.
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
        self.stream.set_read_timeout(within);
        let mut input = match self.stream.read(&mut chunk) {
            Ok(0) => return self.heard.push_back(Heard::Ended),
            Ok(count) => &mut chunk[..count],
            Err(error) if is_timeout(&error) => return,
            Err(_) => return self.heard.push_back(Heard::Ended),
        };
        self.door.hear(input);
        loop {
            let message = self.decoder.next(&mut input);
            let heard = match message.expect("the server keeps the framing") {
                None => return,
                Some(Message::Text(text)) => {
                    Heard::Frame(serde_json::from_str(text).expect("a frame is JSON"))
                }
                Some(Message::Binary(_)) => panic!("the wire has no binary frames"),
                Some(Message::Ping(payload)) => Heard::Ping(payload.to_vec()),
                Some(Message::Pong(payload)) => Heard::Pong(payload.to_vec()),
                Some(Message::Close { code, reason }) => {
                    Heard::Closed(code.map(CloseCode::number), reason.to_owned())
                }
            };
            self.heard.push_back(heard);
        }
    }

    /// The next frame.
    ///
    /// # Panics
    /// Where something else comes.
    pub fn frame(&mut self) -> Value {
        match self.next() {
            Heard::Frame(frame) => frame,
            other => panic!("a frame was expected, not {other:?}"),
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

    /// Skips frames until one of this type comes.
    pub fn until(&mut self, kind: &str) -> Value {
        self.until_one(|frame| frame["type"] == kind).1
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

    /// The code with which the server closes, whatever it says before.
    pub fn closed(&mut self) -> u16 {
        loop {
            match self.next() {
                Heard::Closed(code, _) => return code.unwrap_or(1005),
                Heard::Ended => panic!("it ended without a close frame"),
                _ => {}
            }
        }
    }

    /// Hears until the connection ends.
    pub fn ended(&mut self) {
        while self.next() != Heard::Ended {}
    }

    /// Gives a command a `ref`, sends it, and gives back its answer. Frames that come before it are
    /// heard later.
    pub fn command(&mut self, command: &Value) -> Value {
        let reference = self.ask(command);
        self.answer(reference)
    }

    /// Gives a command a `ref` and sends it.
    pub fn ask(&mut self, command: &Value) -> u64 {
        self.reference += 1;
        let mut command = command.clone();
        command["ref"] = json!(self.reference);
        self.send(&command);
        self.reference
    }

    /// The answer to a command. Frames that come before it are heard later.
    pub fn answer(&mut self, reference: u64) -> Value {
        let mut aside = Vec::new();
        let answer = loop {
            match self.next() {
                Heard::Frame(frame) if frame["ref"] == reference && frame["type"] != "event" => {
                    break frame;
                }
                Heard::Ended => panic!("it ended before the answer"),
                other => aside.push(other),
            }
        };
        for heard in aside.into_iter().rev() {
            self.heard.push_front(heard);
        }
        answer
    }

    /// All frames that are due to this socket by now: `user` writes a note to itself, and what was
    /// committed or said before it comes before it.
    pub fn caught_up(&mut self, user: &User) -> Vec<Value> {
        let seq = user.say(user.self_room(), "caught up?");
        let room = json!(user.self_room());
        let (before, _) = self.until_one(|frame| frame["room"] == room && frame["seq"] == seq);
        before
    }
}

/// An answer's header, up to its empty line and not a byte further.
fn head(stream: &mut Wire) -> String {
    stream.set_read_timeout(DEADLINE);
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer comes");
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}
