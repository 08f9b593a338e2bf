//! A WebSocket over plain TCP.

use std::collections::VecDeque;
use std::io;

use bytes::BytesMut;
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::ws::handshake::{accept_key, request_key};
use chinwag_proto::ws::{CloseCode, Decoder, Limits, Message, Opcode, Role, encode};
use chinwag_proto::{SUBPROTOCOL, encode as json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{LinkError, MESSAGE_BYTES_MAX, READ_BYTES, fill};

/// Bytes of the answer to the upgrade: more is no WebSocket server.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// One connection. Its futures may be dropped at any point: what was read or not yet written is kept.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    decoder: Decoder,
    arrived: BytesMut,
    frames: VecDeque<ServerFrame>,
    ended: Option<LinkError>,
    unwritten: BytesMut,
}

impl Socket {
    /// Opens a connection to `address` (`host:port`). The next thing to say is `hello`.
    pub(super) async fn open(address: &str) -> Result<Self, LinkError> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut random = [0; 16];
        fill(&mut random);
        let key = request_key(random);
        stream.write_all(request(address, &key).as_bytes()).await?;
        let limits = Limits { message_bytes: MESSAGE_BYTES_MAX as u32, ..Limits::default() };
        let arrived = upgraded(&mut stream, &accept_key(&key)).await?;
        let mut socket = Self {
            stream,
            decoder: Decoder::new(Role::Client, limits),
            arrived,
            frames: VecDeque::new(),
            ended: None,
            unwritten: BytesMut::new(),
        };
        socket.decode();
        Ok(socket)
    }

    /// Says something.
    pub(super) async fn send(&mut self, frame: &ClientFrame) -> Result<(), LinkError> {
        self.write(Opcode::Text, &json::json(frame));
        self.flush().await
    }

    /// The next that the server says. Frames of a type that this version does not know are skipped.
    pub(super) async fn receive(&mut self) -> Result<ServerFrame, LinkError> {
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
    pub(super) async fn close(mut self) -> Result<(), LinkError> {
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
