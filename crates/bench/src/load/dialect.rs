//! How a server is spoken to: the floors' few letters, or Chinwag's wire.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chinwag_core::id::Key;
use chinwag_proto::ws::handshake::{SUBPROTOCOL, request_key};

use super::TEXT_BYTES;
use super::order::Room;
use crate::layout::Layout;

/// Digits of a room's number, and of a message's, at a text's beginning.
const DIGITS: usize = 8;
/// What every event begins with; its room's id follows.
const EVENT: &[u8] = br#"{"type":"event","room":""#;
const ROOM_ID_BYTES: usize = 13;
const SEQ: &[u8] = br#"","seq":"#;
/// What stands before and behind the text, at the end of a message's event.
const TEXT: &[u8] = br#""text":""#;
const TEXT_END: &[u8] = br#""}}"#;
const REPLY: &[u8] = br#"{"type":"reply","ref":"#;

#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    Floor,
    Chinwag {
        /// By user.
        access_tokens: Arc<[String]>,
        /// By room.
        room_ids: Arc<[String]>,
    },
}

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Delivery {
        room: u32,
        number: u32,
        seq: Option<u64>,
    },
    /// The sender's reply: it is on disk.
    Answered {
        room: u32,
        number: u32,
    },
    /// The connection is in its rooms.
    Ready,
    Refused(String),
    Other,
}

/// A message's text: its room, its number, and what fills it up.
pub(super) fn text(room: u32, number: u32) -> String {
    let mut text = String::with_capacity(TEXT_BYTES);
    write!(text, "{room:08x}{number:08x} ").expect("memory takes all");
    while text.len() < TEXT_BYTES {
        text.push_str("the quick brown fox jumps over the lazy dog, ");
    }
    text.truncate(TEXT_BYTES);
    text
}

impl Dialect {
    pub(super) fn rooms(&self, layout: &Layout) -> Vec<Room> {
        let name = |room: usize| match self {
            Self::Floor => format!("{room:08x}"),
            Self::Chinwag { room_ids, .. } => room_ids[room].clone(),
        };
        (0..layout.rooms.len()).map(|room| Room::new(name(room))).collect()
    }

    /// What the server calls a room of the layout.
    pub(crate) fn room_id(&self, room: usize) -> Option<&str> {
        match self {
            Self::Floor => None,
            Self::Chinwag { room_ids, .. } => room_ids.get(room).map(String::as_str),
        }
    }

    /// Whether a sender gets a reply; without one its own delivery tells that the message went.
    pub(super) fn answers(&self) -> bool {
        matches!(self, Self::Chinwag { .. })
    }

    pub(super) fn upgrade(&self, address: SocketAddr) -> String {
        let path = match self {
            Self::Floor => "/",
            Self::Chinwag { .. } => "/v1/ws",
        };
        let key = request_key([7; 16]);
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        )
    }

    /// The first frame.
    pub(super) fn hello(&self, user: usize, rooms: &[u32]) -> String {
        match self {
            Self::Floor => rooms.iter().fold("J".to_owned(), |mut hello, room| {
                write!(hello, "{room:08x}").expect("memory takes all");
                hello
            }),
            Self::Chinwag { access_tokens, .. } => {
                format!(r#"{{"type":"hello","token":"{}"}}"#, access_tokens[user])
            }
        }
    }

    /// The frame that sends a text, with a `ref` that tells the message when the reply comes.
    pub(super) fn publish(
        &self,
        room: &Room,
        room_number: u32,
        number: u32,
        text: &str,
        random: [u64; 2],
    ) -> Vec<u8> {
        match self {
            Self::Floor => [b"P", text.as_bytes()].concat(),
            Self::Chinwag { .. } => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let at_ms = now.map_or(0, |since| since.as_millis() as u64);
                let key = Key::new(at_ms, u128::from(random[0]) << 64 | u128::from(random[1]));
                let (name, reference) =
                    (&room.name, u64::from(room_number) << 32 | u64::from(number));
                format!(
                    r#"{{"type":"message.send","ref":{reference},"room":"{name}","key":"{key}","text":"{text}"}}"#
                )
                .into_bytes()
            }
        }
    }

    pub(super) fn read(&self, payload: &[u8]) -> Result<Incoming> {
        match self {
            Self::Floor if payload == b"J" => Ok(Incoming::Ready),
            Self::Floor => {
                let text =
                    payload.len().checked_sub(TEXT_BYTES).context("a delivery is too short")?;
                let (room, number) = numbers(&payload[text..])?;
                Ok(Incoming::Delivery { room, number, seq: None })
            }
            Self::Chinwag { room_ids, .. } => read_chinwag(payload, room_ids),
        }
    }
}

/// Reads a frame by its form, which the wire's encoder keeps; one that looks otherwise is told from
/// a message by its kind, so that a change of form is an error here and not a loss.
fn read_chinwag(payload: &[u8], room_ids: &[String]) -> Result<Incoming> {
    if let Some(rest) = payload.strip_prefix(EVENT) {
        let Some((id, rest)) = rest.split_first_chunk::<ROOM_ID_BYTES>() else {
            bail!("an event without a room");
        };
        return event(id, rest, room_ids);
    }
    if let Some(rest) = payload.strip_prefix(REPLY) {
        let reference = leading_number(rest).context("a reply without a ref")?;
        let (room, number) = ((reference >> 32) as u32, reference as u32);
        return Ok(Incoming::Answered { room, number });
    }
    if payload.starts_with(br#"{"type":"ready""#) {
        return Ok(Incoming::Ready);
    }
    if payload.starts_with(br#"{"type":"error""#) || payload.starts_with(br#"{"type":"lagged""#) {
        return Ok(Incoming::Refused(String::from_utf8_lossy(payload).into_owned()));
    }
    Ok(Incoming::Other)
}

fn event(id: &[u8], rest: &[u8], room_ids: &[String]) -> Result<Incoming> {
    let text = rest.strip_suffix(TEXT_END).and_then(|rest| rest.split_last_chunk::<TEXT_BYTES>());
    let Some((_, text)) = text.filter(|(before, _)| before.ends_with(TEXT)) else {
        if rest.windows(16).any(|window| window == br#""kind":"message""#) {
            bail!("a message in another form: {}", String::from_utf8_lossy(rest));
        }
        return Ok(Incoming::Other);
    };
    let seq = rest.strip_prefix(SEQ).and_then(leading_number).context("an event without a seq")?;
    let (room, number) = numbers(text)?;
    match room_ids.get(room as usize) {
        Some(expected) if expected.as_bytes() == id => {
            Ok(Incoming::Delivery { room, number, seq: Some(seq) })
        }
        _ => bail!("a message of room {room} came as one of {}", String::from_utf8_lossy(id)),
    }
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let number =
        digits.fold(0_u64, |number, digit| number.wrapping_mul(10) + u64::from(digit - b'0'));
    text.first().is_some_and(u8::is_ascii_digit).then_some(number)
}

fn numbers(text: &[u8]) -> Result<(u32, u32)> {
    let room = hexadecimal(&text[..DIGITS]).context("a text without a room")?;
    let number = hexadecimal(&text[DIGITS..2 * DIGITS]).context("a text without a number")?;
    Ok((room, number))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use chinwag_core::event::{EventKind, EventRow};
    use chinwag_core::id::{Key, RoomId, Seq, UserId};
    use chinwag_proto::encode;

    use super::{Dialect, Incoming, text};

    fn chinwag(room: RoomId) -> Dialect {
        Dialect::Chinwag { access_tokens: [].into(), room_ids: [room.to_string()].into() }
    }

    #[test]
    fn what_the_wire_promises_is_read_by_its_form() {
        let room = RoomId::from_i64(42);
        let body = format!(r#"{{"text":"{}"}}"#, text(0, 0xbeef));
        let row = EventRow {
            room,
            seq: Seq::new(71),
            n: Some(3),
            kind: EventKind::Message,
            from: UserId::from_i64(5),
            at_ms: 1_800_000_000_000,
            key: Some(Key::new(1, 2)),
            rev: None,
            body: Some(&body),
        };
        let cases = [
            (
                encode::event_frame(row),
                Incoming::Delivery { room: 0, number: 0xbeef, seq: Some(71) },
            ),
            (encode::reply_frame(5 << 32 | 9, row), Incoming::Answered { room: 5, number: 9 }),
            (encode::pong_frame(), Incoming::Other),
        ];
        for (frame, expected) in cases {
            let mut stream = &frame[..];
            let Ok(Some(super::super::frame::Frame::Text(payload))) =
                super::super::frame::next(&mut stream)
            else {
                panic!("no text frame");
            };
            assert_eq!(chinwag(room).read(payload).expect("it is understood"), expected);
        }
    }

    #[test]
    fn a_message_in_another_form_is_an_error_and_no_loss() {
        let dialect = chinwag(RoomId::from_i64(42));
        let other =
            br#"{"type":"event","room":"000000000001a","seq":1,"kind":"message","body":{}}"#;
        assert!(dialect.read(other).is_err());
    }

    #[test]
    fn a_floors_text_is_found_behind_any_envelope() {
        let payload = format!("    {}", text(3, 4));
        let read = Dialect::Floor.read(payload.as_bytes()).expect("it is understood");
        assert_eq!(read, Incoming::Delivery { room: 3, number: 4, seq: None });
    }
}
