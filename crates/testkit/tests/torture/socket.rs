//! A client's end of one WebSocket: the real codec on a socket that can be left unread.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::ws::encode::{client_frame, close_payload};
use chinwag_proto::ws::handshake::{SUBPROTOCOL, accept_key, request_key};
use chinwag_proto::ws::{CloseCode, Decoder, Limits, Message, Opcode, Role};
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};

/// What a client takes: `ready` with a hundred rooms is the longest.
const LIMITS: Limits = Limits { message_bytes: 16 << 20, fragments: 1_024 };
/// Any key masks; these clients hide nothing from a proxy.
const MASK: [u8; 4] = [0x5a, 0x11, 0xc3, 0x7e];
const REQUEST_KEY: [u8; 16] = *b"not a secret key";
const SCRATCH_BYTES: usize = 64 * 1_024;

/// What came.
pub(crate) enum Heard {
    Frame(Box<ServerFrame>),
    Closed(Option<CloseCode>),
}

pub(crate) struct Socket {
    stream: TcpStream,
    decoder: Decoder,
    scratch: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Socket {
    /// Connects and upgrades. With `receive_bytes` the system holds no more of what is not read.
    pub(crate) async fn open(address: SocketAddr, receive_bytes: Option<u32>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let key = request_key(REQUEST_KEY);
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        );
        let mut this = Self {
            stream,
            decoder: Decoder::new(Role::Client, LIMITS),
            scratch: vec![0; SCRATCH_BYTES],
            outgoing: request.into_bytes(),
        };
        let answer = this.answer().await?;
        let upgraded = answer.starts_with("HTTP/1.1 101 ") && answer.contains(&accept_key(&key));
        if upgraded { Ok(this) } else { Err(io::Error::other(answer)) }
    }

    /// The answer to the request. Nothing follows it before `hello` was said.
    async fn answer(&mut self) -> io::Result<String> {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let interest = self.interest(true).unwrap_or(Interest::READABLE);
            let ready = self.stream.ready(interest).await?;
            self.flush()?;
            if ready.is_readable() {
                let count = self.read()?;
                answer.extend_from_slice(&self.scratch[..count]);
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Queues a frame and writes what can be written.
    pub(crate) fn say(&mut self, frame: &ClientFrame) -> io::Result<()> {
        let json = serde_json::to_vec(frame).expect("frames are JSON");
        client_frame(&mut self.outgoing, Opcode::Text, true, &json, MASK);
        self.flush()
    }

    /// True where all that was said is with the system.
    pub(crate) fn is_flushed(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Waits until something can be read (where `reading`) or written, and does it once. May be
    /// dropped while it waits.
    pub(crate) async fn turn(&mut self, reading: bool, heard: &mut Vec<Heard>) -> io::Result<()> {
        let Some(interest) = self.interest(reading) else {
            return std::future::pending().await;
        };
        let ready = self.stream.ready(interest).await?;
        self.flush()?;
        if !reading || !ready.is_readable() {
            return Ok(());
        }
        let count = self.read()?;
        self.decode(count, heard)
    }

    fn interest(&self, reading: bool) -> Option<Interest> {
        let writing = (!self.outgoing.is_empty()).then_some(Interest::WRITABLE);
        match (reading, writing) {
            (true, Some(writing)) => Some(Interest::READABLE | writing),
            (true, None) => Some(Interest::READABLE),
            (false, writing) => writing,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match self.stream.try_write(&self.outgoing) {
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<usize> {
        match self.stream.try_read(&mut self.scratch) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }

    fn decode(&mut self, count: usize, heard: &mut Vec<Heard>) -> io::Result<()> {
        let mut input = &mut self.scratch[..count];
        loop {
            let message = self.decoder.next(&mut input).expect("the server keeps RFC 6455");
            match message {
                None => return self.flush(),
                Some(Message::Text(text)) => {
                    let frame = serde_json::from_str(text);
                    let frame = frame.unwrap_or_else(|error| panic!("{error}: {text}"));
                    heard.push(Heard::Frame(Box::new(frame)));
                }
                Some(Message::Ping(payload)) => {
                    client_frame(&mut self.outgoing, Opcode::Pong, true, payload, MASK);
                }
                Some(Message::Close { code, .. }) => {
                    heard.push(Heard::Closed(code));
                    let payload = code.map(|code| close_payload(code, "")).unwrap_or_default();
                    client_frame(&mut self.outgoing, Opcode::Close, true, &payload, MASK);
                }
                Some(Message::Pong(_)) => {}
                Some(Message::Binary(_)) => panic!("the server sends no binary"),
            }
        }
    }
}
