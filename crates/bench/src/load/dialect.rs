//! How a server is spoken to: the floors' few letters, Chinwag's wire, and what the peers speak.

mod chinwag;
mod nats;
mod socket_io;
mod xmpp;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use chinwag_proto::ws::handshake::{SUBPROTOCOL, request_key};

use super::TEXT_BYTES;
use super::order::{Promise, Room};
use crate::layout::Layout;

/// Digits of a room's number, and of a message's, at a text's beginning.
const DIGITS: usize = 8;

#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    /// The floors', and the room server on npm's `ws`.
    Floor,
    Chinwag {
        /// By user.
        access_tokens: Arc<[String]>,
        /// By room.
        room_ids: Arc<[String]>,
    },
    SocketIo,
    Nats,
    Xmpp,
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
    /// It has no room for this message now, and did nothing with it.
    Busy {
        room: u32,
        number: u32,
    },
    /// It forgot what waited for this reader.
    Lagged {
        room: u32,
        head_seq: u64,
    },
    /// A page of what was missed is over.
    Synced {
        room: u32,
        more: bool,
    },
    /// It waits for the next step of the greeting.
    Greeted,
    /// The connection is in one more of its rooms.
    Joined,
    /// The connection is in its rooms.
    Ready,
    /// It wants to hear this, or takes the connection for dead.
    Asks(&'static str),
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
            Self::Chinwag { room_ids, .. } => room_ids[room].clone(),
            Self::Floor | Self::SocketIo | Self::Nats | Self::Xmpp => format!("{room:08x}"),
        };
        (0..layout.rooms.len()).map(|room| Room::new(name(room), self.promise())).collect()
    }

    /// NATS gives each publisher's messages in order; two publishers' need not come alike to all.
    fn promise(&self) -> Promise {
        match self {
            Self::Nats => Promise::EachSender,
            Self::Floor | Self::Chinwag { .. } | Self::SocketIo | Self::Xmpp => Promise::OneForAll,
        }
    }

    /// What the server calls a room of the layout.
    pub(crate) fn room_id(&self, room: usize) -> Option<&str> {
        match self {
            Self::Chinwag { room_ids, .. } => room_ids.get(room).map(String::as_str),
            Self::Floor | Self::SocketIo | Self::Nats | Self::Xmpp => None,
        }
    }

    /// Whether a sender gets a reply; without one its own delivery tells that the message went.
    pub(super) fn answers(&self) -> bool {
        matches!(self, Self::Chinwag { .. })
    }

    pub(super) fn upgrade(&self, address: SocketAddr) -> String {
        let (path, subprotocol) = match self {
            Self::Floor | Self::Nats => ("/", SUBPROTOCOL),
            Self::Chinwag { .. } => ("/v1/ws", SUBPROTOCOL),
            Self::SocketIo => (socket_io::PATH, SUBPROTOCOL),
            Self::Xmpp => (xmpp::PATH, xmpp::SUBPROTOCOL),
        };
        let key = request_key([7; 16]);
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
        )
    }

    /// The frames of the greeting's step: 0 after the upgrade, one more each time that the server
    /// has [`Greeted`](Incoming::Greeted).
    pub(super) fn greeting(
        &self,
        step: u8,
        (at, user): (usize, usize),
        rooms: &[u32],
    ) -> Vec<String> {
        match self {
            Self::Floor => vec![rooms.iter().fold("J".to_owned(), |mut hello, room| {
                write!(hello, "{room:08x}").expect("memory takes all");
                hello
            })],
            Self::Chinwag { access_tokens, .. } => vec![chinwag::hello(&access_tokens[user])],
            Self::SocketIo => socket_io::greeting(step, rooms),
            Self::Nats => nats::greeting(step, rooms),
            Self::Xmpp => xmpp::greeting(step, at, rooms),
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
                let reference = u64::from(room_number) << 32 | u64::from(number);
                chinwag::publish(&room.name, reference, text, random)
            }
            Self::SocketIo => socket_io::publish(text),
            Self::Nats => nats::publish(&room.name, text),
            Self::Xmpp => xmpp::publish(&room.name, text),
        }
    }

    /// The frame that asks for what is above a cursor; only Chinwag says that something is missing.
    pub(super) fn sync(&self, room: &str, room_number: u32, after: u64) -> String {
        chinwag::sync(room, room_number, after)
    }

    /// The next thing that a frame says; none once all of it is taken.
    pub(super) fn read(&self, payload: &mut &[u8]) -> Result<Option<Incoming>> {
        if payload.is_empty() {
            return Ok(None);
        }
        if matches!(self, Self::Nats) {
            return nats::read(payload).map(Some);
        }
        let whole = std::mem::take(payload);
        let incoming = match self {
            Self::Floor if whole == b"J" => Ok(Incoming::Ready),
            Self::Floor => delivery(last_text(whole)?),
            Self::Chinwag { room_ids, .. } => chinwag::read(whole, room_ids),
            Self::SocketIo => socket_io::read(whole),
            Self::Nats | Self::Xmpp => xmpp::read(whole),
        };
        incoming.map(Some)
    }
}

/// A text that ends what came.
fn last_text(payload: &[u8]) -> Result<&[u8]> {
    let text = payload.last_chunk::<TEXT_BYTES>().context("a delivery is too short")?;
    Ok(text)
}

/// A delivery without a `seq`.
fn delivery(text: &[u8]) -> Result<Incoming> {
    let (room, number) = numbers(text)?;
    Ok(Incoming::Delivery { room, number, seq: None })
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
    use super::{Dialect, Incoming, text};

    /// All that a frame says.
    pub(super) fn all(dialect: &Dialect, payload: &[u8]) -> Vec<Incoming> {
        let (mut payload, mut said) = (payload, Vec::new());
        while let Some(incoming) = dialect.read(&mut payload).expect("it is understood") {
            said.push(incoming);
        }
        said
    }

    pub(super) fn delivery(room: u32, number: u32, seq: Option<u64>) -> Incoming {
        Incoming::Delivery { room, number, seq }
    }

    #[test]
    fn a_floors_text_is_found_behind_any_envelope() {
        let payload = format!("    {}", text(3, 4));
        assert_eq!(all(&Dialect::Floor, payload.as_bytes()), [delivery(3, 4, None)]);
    }
}
