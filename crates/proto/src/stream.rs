//! The frames of the WebSocket as an event stream (HTML, 9.2.6), for those whose WebSockets are broken on
//! the way.
//!
//! A text becomes an event without a name, a ping a comment, a close an event `close` with which the body
//! ends. The wire's JSON has no line break, so that each event has one line of data.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ws::{CloseCode, Opcode, encode};

/// How the body of the answer is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Each piece is a chunk (RFC 9112, 7.1).
    Chunked,
    /// By the end of the connection: HTTP/1.0 knows no chunks.
    Bare,
}

/// The data of the last event, `close`: the code and reason with which a WebSocket would be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamClose {
    pub code: u16,
    pub reason: String,
}

/// What these frames of a server are as one piece of the body.
#[must_use]
pub fn piece(frames: &[u8], framing: Framing) -> Bytes {
    let (mut events, mut is_last) = (Vec::with_capacity(frames.len() + 32), false);
    for (opcode, payload) in encode::frames(frames) {
        match opcode {
            Opcode::Text => append(&mut events, b"data: ", payload),
            Opcode::Ping => events.extend_from_slice(b":\n\n"),
            Opcode::Close => {
                append(&mut events, b"event: close\ndata: ", &close(payload));
                is_last = true;
            }
            Opcode::Pong | Opcode::Binary | Opcode::Continuation => {}
        }
    }
    match framing {
        Framing::Chunked if !events.is_empty() => chunk(&events, is_last),
        _ => events.into(),
    }
}

fn append(events: &mut Vec<u8>, before: &[u8], line: &[u8]) {
    debug_assert!(!line.iter().any(|byte| matches!(byte, b'\n' | b'\r')), "JSON on one line");
    events.extend_from_slice(before);
    events.extend_from_slice(line);
    events.extend_from_slice(b"\n\n");
}

fn close(payload: &[u8]) -> Vec<u8> {
    let (code, reason) = payload.split_first_chunk().unwrap_or((&[0, 0], b""));
    let reason = String::from_utf8_lossy(reason).into_owned();
    crate::encode::json(&StreamClose { code: u16::from_be_bytes(*code), reason })
}

fn chunk(events: &[u8], is_last: bool) -> Bytes {
    let mut chunk = format!("{:x}\r\n", events.len()).into_bytes();
    chunk.extend_from_slice(events);
    chunk.extend_from_slice(if is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" });
    chunk.into()
}

/// What is heard on an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A frame, as JSON.
    Frame(String),
    /// A sign of life.
    Beat,
    /// The server closes.
    Closed(Option<CloseCode>, String),
}

/// An event is longer than the reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is too long")]
pub struct TooLong;

/// The reader of an event stream. It holds what came of one event and no more.
#[derive(Debug)]
pub struct EventReader {
    line: Vec<u8>,
    name: String,
    data: String,
    bytes_max: usize,
}

impl EventReader {
    /// A reader that takes events of at most so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { line: Vec::new(), name: String::new(), data: String::new(), bytes_max }
    }

    /// Takes bytes of the body, cut anywhere, and appends what they say.
    pub fn take(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> Result<(), TooLong> {
        let mut lines = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(part) = lines.next() {
            if self.line.len() + self.data.len() + part.len() > self.bytes_max {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if lines.peek().is_some() {
                let line = std::mem::take(&mut self.line);
                heard.extend(self.line(&String::from_utf8_lossy(&line)));
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Option<Heard> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return self.end();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Heard::Beat),
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push_str(value),
            _ => {}
        }
        None
    }

    fn end(&mut self) -> Option<Heard> {
        let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        match name.as_str() {
            "" if !data.is_empty() => Some(Heard::Frame(data)),
            "close" => {
                let close: StreamClose = serde_json::from_str(&data).ok()?;
                Some(Heard::Closed(CloseCode::new(close.code), close.reason))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(frames: &[Bytes], framing: Framing) -> String {
        let piece = piece(&frames.concat(), framing);
        String::from_utf8(piece.to_vec()).expect("JSON is UTF-8")
    }

    #[test]
    fn each_frame_is_an_event_and_a_close_ends_the_body() {
        let frame = encode::text(br#"{"type":"pong"}"#);
        let twice = [frame.clone(), encode::ping(b""), frame];
        let bare = "data: {\"type\":\"pong\"}\n\n:\n\ndata: {\"type\":\"pong\"}\n\n";
        assert_eq!(text(&twice, Framing::Bare), bare);
        assert_eq!(text(&twice, Framing::Chunked), format!("31\r\n{bare}\r\n"));
        let close = [encode::close(CloseCode::RESTART, "come back")];
        let bare = "event: close\ndata: {\"code\":1012,\"reason\":\"come back\"}\n\n";
        assert_eq!(text(&close, Framing::Bare), bare);
        assert_eq!(text(&close, Framing::Chunked), format!("37\r\n{bare}\r\n0\r\n\r\n"));
    }

    /// An empty chunk would be the end of the body.
    #[test]
    fn what_says_nothing_is_no_chunk() {
        assert_eq!(text(&[encode::pong(b"")], Framing::Chunked), "");
    }

    #[test]
    fn an_event_is_bounded() {
        let mut reader = EventReader::new(100);
        let mut heard = Vec::new();
        assert_eq!(reader.take(&[b'x'; 60], &mut heard), Ok(()));
        assert_eq!(reader.take(&[b'x'; 60], &mut heard), Err(TooLong));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_wherever_it_is_cut(
            texts in prop::collection::vec("[a-zä\u{2028} :]{1,40}", 1..8),
            cuts in prop::collection::vec(1_usize..50, 1..40),
        ) {
            let frames: Vec<Bytes> = texts
                .iter()
                .flat_map(|text| [encode::text(text.as_bytes()), encode::ping(b"")])
                .chain([encode::close(CloseCode::UNAUTHORIZED, "no")])
                .collect();
            let body = piece(&frames.concat(), Framing::Bare);
            let (mut reader, mut heard, mut rest) = (EventReader::new(1_000), Vec::new(), &body[..]);
            for cut in cuts.iter().cycle() {
                let (part, after) = rest.split_at((*cut).min(rest.len()));
                reader.take(part, &mut heard).expect("a short event");
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            let expected: Vec<Heard> = texts
                .into_iter()
                .flat_map(|text| [Heard::Frame(text), Heard::Beat])
                .chain([Heard::Closed(Some(CloseCode::UNAUTHORIZED), "no".to_owned())])
                .collect();
            prop_assert_eq!(heard, expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut heard = Vec::new();
            let _ = EventReader::new(200).take(&bytes, &mut heard);
        }
    }
}
