//! The encoder: messages in, frames out, ready to be shared by every reader.

use bytes::Bytes;

use super::header::{Opcode, Written, length_read, opcode_read};
use super::{CONTROL_BYTES_MAX, CloseCode, Role, mask};

/// Most bytes of a server's header: two and a 64-bit length.
const SERVER_HEADER_BYTES_MAX: usize = 10;

/// A server's text frame with this payload, which MUST be UTF-8.
#[must_use]
pub fn text(payload: &[u8]) -> Bytes {
    debug_assert!(str::from_utf8(payload).is_ok(), "a text is UTF-8");
    server_frame(Opcode::Text, payload)
}

/// A server's binary frame. Chinwag's wire has none; conformance tests do.
#[must_use]
pub fn binary(payload: &[u8]) -> Bytes {
    server_frame(Opcode::Binary, payload)
}

/// A server's ping.
///
/// # Panics
/// If the payload is longer than [`CONTROL_BYTES_MAX`].
#[must_use]
pub fn ping(payload: &[u8]) -> Bytes {
    control(Opcode::Ping, payload)
}

/// A server's answer to a ping, with the ping's payload.
///
/// # Panics
/// If the payload is longer than [`CONTROL_BYTES_MAX`]; a decoded ping's is not.
#[must_use]
pub fn pong(payload: &[u8]) -> Bytes {
    control(Opcode::Pong, payload)
}

/// A server's close frame. A reason above 123 bytes is cut at a character's boundary.
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> Bytes {
    control(Opcode::Close, &close_payload(code, reason))
}

/// A server's answer to a close frame that carried no code.
#[must_use]
pub fn close_without_code() -> Bytes {
    control(Opcode::Close, &[])
}

/// The payload of a close frame, for [`client_frame`]. A reason above 123 bytes is cut.
#[must_use]
pub fn close_payload(code: CloseCode, reason: &str) -> Vec<u8> {
    let number = code.number().to_be_bytes();
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES_MAX - number.len())];
    [&number, reason.as_bytes()].concat()
}

/// Appends one client's frame to `out`, masked with `key`, which a client draws at random for each
/// frame (RFC 6455 5.3). `last` is false for all fragments of a message but its last.
pub fn client_frame(out: &mut Vec<u8>, opcode: Opcode, last: bool, payload: &[u8], key: [u8; 4]) {
    out.extend_from_slice(Written::new(opcode, last, payload.len(), Some(key)).as_slice());
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], key);
}

/// The frames in what this encoder wrote for a server, each with its payload.
pub fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (Opcode, &[u8])> {
    std::iter::from_fn(move || {
        let (opcode, _) = opcode_read(*bytes.first()?).ok()?;
        let (length, start) = length_read(bytes, opcode, Role::Client).ok()??;
        let (frame, rest) = bytes.split_at_checked(start + usize::try_from(length).ok()?)?;
        bytes = rest;
        Some((opcode, &frame[start..]))
    })
}

/// A server's text frame whose payload is written in place, then shared without a copy.
///
/// ```
/// let mut frame = chinwag_proto::ws::encode::TextFrame::with_capacity(64);
/// frame.push(b"{}");
/// assert_eq!(&frame.finish()[..], b"\x81\x02{}");
/// ```
#[derive(Debug)]
pub struct TextFrame {
    /// Room for the longest header, then the payload. The header is written last, against the payload.
    bytes: Vec<u8>,
}

impl TextFrame {
    /// An empty frame with room for this many bytes of payload.
    #[must_use]
    pub fn with_capacity(payload_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(SERVER_HEADER_BYTES_MAX + payload_bytes);
        bytes.resize(SERVER_HEADER_BYTES_MAX, 0);
        Self { bytes }
    }

    /// Appends to the payload, which MUST be UTF-8 when it is finished.
    pub fn push(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
    }

    /// The bytes that the payload is appended to. What stands in them already is room for the header.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The frame, header and payload in one.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        let payload = &self.bytes[SERVER_HEADER_BYTES_MAX..];
        debug_assert!(str::from_utf8(payload).is_ok(), "a text is UTF-8");
        let header = Written::new(Opcode::Text, true, payload.len(), None);
        let start = SERVER_HEADER_BYTES_MAX - header.as_slice().len();
        self.bytes[start..SERVER_HEADER_BYTES_MAX].copy_from_slice(header.as_slice());
        Bytes::from(self.bytes).slice(start..)
    }
}

fn control(opcode: Opcode, payload: &[u8]) -> Bytes {
    assert!(
        payload.len() <= CONTROL_BYTES_MAX,
        "a control frame carries at most {CONTROL_BYTES_MAX} bytes"
    );
    server_frame(opcode, payload)
}

fn server_frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let header = Written::new(opcode, true, payload.len(), None);
    Bytes::from([header.as_slice(), payload].concat())
}

#[cfg(test)]
mod tests {
    use super::{TextFrame, client_frame, close, close_without_code, ping, pong, text};
    use crate::ws::{CloseCode, Opcode};

    /// The examples of RFC 6455 5.7.
    #[test]
    fn the_examples_of_the_rfc_come_out_byte_for_byte() {
        assert_eq!(text(b"Hello")[..], *b"\x81\x05Hello");
        assert_eq!(ping(b"Hello")[..], *b"\x89\x05Hello");
        let mut masked = Vec::new();
        let key = [0x37, 0xfa, 0x21, 0x3d];
        client_frame(&mut masked, Opcode::Text, true, b"Hello", key);
        assert_eq!(masked, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }

    #[test]
    fn each_length_has_its_shortest_header() {
        let cases: [(usize, &[u8]); 7] = [
            (0, &[0x81, 0]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (255, &[0x81, 126, 0, 255]),
            (256, &[0x81, 126, 1, 0]),
            (65_535, &[0x81, 126, 255, 255]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for (length, header) in cases {
            let payload = vec![b'a'; length];
            let expected = [header, &payload].concat();
            assert_eq!(text(&payload)[..], expected, "{length}");
            let mut frame = TextFrame::with_capacity(0);
            frame.push(&payload);
            assert_eq!(frame.finish()[..], expected, "{length}, in place");
        }
    }

    #[test]
    fn the_frames_of_one_piece_come_out_again() {
        let long = "x".repeat(70_000);
        let middle = "y".repeat(300);
        let bytes =
            [text(b"hi"), text(long.as_bytes()), ping(b""), text(middle.as_bytes())].concat();
        let all: Vec<_> = super::frames(&bytes).collect();
        let expected: [(Opcode, &[u8]); 4] = [
            (Opcode::Text, b"hi"),
            (Opcode::Text, long.as_bytes()),
            (Opcode::Ping, b""),
            (Opcode::Text, middle.as_bytes()),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_close_frame_carries_its_code_and_a_reason_that_is_cut_between_characters() {
        assert_eq!(close_without_code()[..], [0x88, 0]);
        assert_eq!(close(CloseCode::RESTART, "bye")[..], *b"\x88\x05\x03\xf4bye");
        let frame = close(CloseCode::NORMAL, &"é".repeat(100));
        assert_eq!(frame[1], 2 + 122);
        assert_eq!(str::from_utf8(&frame[4..]), Ok("é".repeat(61).as_str()));
    }

    #[test]
    #[should_panic(expected = "at most 125 bytes")]
    fn a_control_frame_above_its_limit_is_a_mistake_of_ours() {
        drop(pong(&[0; 126]));
    }
}
