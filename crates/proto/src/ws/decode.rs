//! The decoder: slices of a stream in, messages out.

use super::header::{self, Opcode};
use super::{CONTROL_BYTES_MAX, Limits, Message, Role, Violation, close::CloseCode, mask};

/// First allocation for a message that did not arrive in one piece, in bytes: most are shorter.
const PARTIAL_BYTES_MIN: usize = 256;

/// One connection's side of the framing, from bytes to messages. 64 bytes, and more only while a
/// message or header is incomplete (at most `Limits::message_bytes` and a control frame).
///
/// The driver reads into a buffer that all its connections share and calls [`next`](Self::next) until
/// it answers `None`; the buffer is then free for the next connection.
#[derive(Debug)]
pub struct Decoder {
    /// What arrived and is not yet whole: `message_bytes` of the message begun, unmasked, then the
    /// beginning of a header, or of a control frame's payload that came between fragments.
    partial: Vec<u8>,
    limits: Limits,
    /// The frame whose header was read and whose payload was not, or not all of it.
    frame: Option<Frame>,
    message_bytes: u32,
    fragments: u32,
    /// What the message begun is.
    message: Option<DataKind>,
    /// Bytes at the end of a text that are the beginning of a character, 0 to 3.
    open_bytes: u8,
    role: Role,
    /// The end of `partial` was lent out by the last call.
    lent: bool,
    /// A close frame or a violation was the last thing taken from this stream.
    ended: bool,
}

const _: () = assert!(size_of::<Decoder>() <= 64, "every idle connection holds one of these");

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Bytes of the payload that are still to come.
    remaining: u32,
    /// Rotated to the position reached.
    key: [u8; 4],
    kind: FrameKind,
    last: bool,
}

/// What a frame's payload belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameKind {
    Data(DataKind),
    Control(ControlKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataKind {
    Text,
    Binary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ControlKind {
    Close,
    Ping,
    Pong,
}

/// What one turn came to. It does not borrow the decoder, so a violation can still be noted.
enum Turn<'i> {
    /// A frame lay in the input from end to end.
    Whole(Message<'i>),
    /// The pieces in `partial` are complete.
    Assembled(FrameKind),
    /// The input is used up.
    Wanting,
}

impl Decoder {
    /// A decoder at the beginning of a stream, just after the handshake.
    #[must_use]
    pub const fn new(role: Role, limits: Limits) -> Self {
        Self {
            partial: Vec::new(),
            limits,
            frame: None,
            message_bytes: 0,
            fragments: 0,
            message: None,
            open_bytes: 0,
            role,
            lent: false,
            ended: false,
        }
    }

    /// The next message in `input`, which moves past the bytes that were taken; `None` once all of it
    /// was taken and more is needed.
    ///
    /// After a [`Message::Close`] or a violation all further input is swallowed (RFC 6455 7.1.7).
    ///
    /// # Errors
    /// The peer broke a rule; answer with a close frame of [`Violation::close_code`].
    pub fn next<'m, 'i: 'm>(
        &'m mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Message<'m>>, Violation> {
        if std::mem::take(&mut self.lent) {
            self.partial.truncate(self.message_bytes as usize);
        }
        if self.ended {
            *input = &mut [];
            self.partial = Vec::new();
            return Ok(None);
        }
        match self.turn(input) {
            Ok(Turn::Whole(message)) => {
                self.ended = matches!(message, Message::Close { .. });
                Ok(Some(message))
            }
            Ok(Turn::Assembled(kind)) => self.lend(kind).map(Some),
            Ok(Turn::Wanting) => {
                if self.partial.is_empty() {
                    self.partial = Vec::new();
                }
                Ok(None)
            }
            Err(violation) => {
                self.ended = true;
                Err(violation)
            }
        }
    }

    /// Bytes of memory held for what is not complete; 0 when idle.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.partial.capacity()
    }

    fn turn<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Turn<'i>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.frame_begin(input)? {
                    Some(frame) => frame,
                    None => return Ok(Turn::Wanting),
                },
            };
            if let Some(turn) = self.payload_read(frame, input)? {
                return Ok(turn);
            }
        }
    }

    /// Reads a header, from the input alone when it lies there whole.
    fn frame_begin(&mut self, input: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        let kept = self.message_bytes as usize;
        if self.partial.len() == kept
            && let Some((frame, end)) = self.header_read(input)?
        {
            take(input, end);
            return Ok(Some(self.admit(frame)));
        }
        while !input.is_empty() {
            self.keep(take(input, 1));
            if let Some((frame, _)) = self.header_read(&self.partial[kept..])? {
                self.partial.truncate(kept);
                return Ok(Some(self.admit(frame)));
            }
        }
        Ok(None)
    }

    /// Checks a header byte by byte in the order of the wire, so that where the stream was cut cannot
    /// change what is found; `None` while bytes are missing.
    fn header_read(&self, bytes: &[u8]) -> Result<Option<(Frame, usize)>, Violation> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        let (opcode, last) = header::opcode_read(first)?;
        let kind = self.kind_check(opcode)?;
        let Some((length, end)) = header::length_read(bytes, opcode, self.role)? else {
            return Ok(None);
        };
        let remaining = self.length_check(kind, length)?;
        let (key, end) = match (self.role, bytes[end..].first_chunk()) {
            (Role::Server, Some(key)) => (*key, end + key.len()),
            (Role::Server, None) => return Ok(None),
            (Role::Client, _) => (mask::NONE, end),
        };
        let frame = Frame { remaining, key, kind, last };
        Ok(Some((frame, end)))
    }

    /// Whether a frame of this opcode may come now (RFC 6455 5.4).
    fn kind_check(&self, opcode: Opcode) -> Result<FrameKind, Violation> {
        let data = match (opcode, self.message) {
            (Opcode::Close, _) => return Ok(FrameKind::Control(ControlKind::Close)),
            (Opcode::Ping, _) => return Ok(FrameKind::Control(ControlKind::Ping)),
            (Opcode::Pong, _) => return Ok(FrameKind::Control(ControlKind::Pong)),
            (Opcode::Text, None) => DataKind::Text,
            (Opcode::Binary, None) => DataKind::Binary,
            (Opcode::Continuation, Some(begun)) => begun,
            (Opcode::Continuation, None) => return Err(Violation::NothingToContinue),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::MessageNotEnded),
        };
        if self.fragments >= self.limits.fragments {
            return Err(Violation::TooManyFragments);
        }
        Ok(FrameKind::Data(data))
    }

    fn length_check(&self, kind: FrameKind, length: u64) -> Result<u32, Violation> {
        let room = match kind {
            FrameKind::Data(_) => self.limits.message_bytes - self.message_bytes,
            FrameKind::Control(_) => CONTROL_BYTES_MAX as u32,
        };
        match u32::try_from(length) {
            Ok(length) if length <= room => Ok(length),
            _ => Err(Violation::MessageTooBig),
        }
    }

    fn admit(&mut self, frame: Frame) -> Frame {
        if let FrameKind::Data(kind) = frame.kind {
            self.message = Some(kind);
            self.fragments += 1;
        }
        frame
    }

    /// Takes what has arrived of a frame's payload; `None` when the frame was not the last of its
    /// message, or is itself incomplete and the next call goes on.
    fn payload_read<'i>(
        &mut self,
        mut frame: Frame,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Turn<'i>>, Violation> {
        let wanted = frame.remaining as usize;
        let chunk = take(input, wanted.min(input.len()));
        mask::apply(chunk, frame.key);
        let complete = chunk.len() == wanted;
        if complete && frame.last && self.kept_bytes(frame.kind) == 0 {
            self.frame_end(frame.kind);
            return whole(frame.kind, chunk).map(|message| Some(Turn::Whole(message)));
        }
        self.payload_keep(frame.kind, chunk)?;
        if !complete {
            frame.remaining -= chunk.len() as u32;
            frame.key = mask::advance(frame.key, chunk.len());
            self.frame = Some(frame);
            return Ok(Some(Turn::Wanting));
        }
        if !frame.last {
            return Ok(None);
        }
        if self.open_bytes > 0 && frame.kind == FrameKind::Data(DataKind::Text) {
            return Err(Violation::TextNotUtf8);
        }
        self.frame_end(frame.kind);
        Ok(Some(Turn::Assembled(frame.kind)))
    }

    /// Bytes in `partial` that go before the payload at hand.
    fn kept_bytes(&self, kind: FrameKind) -> usize {
        match kind {
            FrameKind::Data(_) => self.message_bytes as usize,
            FrameKind::Control(_) => self.partial.len() - self.message_bytes as usize,
        }
    }

    fn payload_keep(&mut self, kind: FrameKind, chunk: &[u8]) -> Result<(), Violation> {
        self.keep(chunk);
        if let FrameKind::Data(kind) = kind {
            self.message_bytes += chunk.len() as u32;
            if kind == DataKind::Text {
                self.text_check(chunk.len())?;
            }
        }
        Ok(())
    }

    /// Checks the `fresh` bytes at the end of a text, with the character that was open before them.
    fn text_check(&mut self, fresh: usize) -> Result<(), Violation> {
        let start = self.partial.len() - fresh - usize::from(self.open_bytes);
        let unchecked = &self.partial[start..];
        self.open_bytes = match simdutf8::compat::from_utf8(unchecked) {
            Ok(_) => 0,
            Err(error) if error.error_len().is_none() => {
                (unchecked.len() - error.valid_up_to()) as u8
            }
            Err(_) => return Err(Violation::TextNotUtf8),
        };
        Ok(())
    }

    /// Appends what must outlive the shared buffer. Room grows with what has arrived, never with what
    /// was declared, and never above the limits.
    fn keep(&mut self, bytes: &[u8]) {
        let needed = self.partial.len() + bytes.len();
        if needed > self.partial.capacity() {
            let most = self.limits.message_bytes as usize + CONTROL_BYTES_MAX;
            let doubled = (self.partial.capacity() * 2).max(PARTIAL_BYTES_MIN);
            let room = doubled.min(most).max(needed);
            self.partial.reserve_exact(room - self.partial.len());
        }
        self.partial.extend_from_slice(bytes);
    }

    /// A message ended: the next one begins at the beginning. Its bytes stay in `partial` until they
    /// were lent.
    fn frame_end(&mut self, kind: FrameKind) {
        if matches!(kind, FrameKind::Data(_)) {
            self.message = None;
            self.message_bytes = 0;
            self.fragments = 0;
        }
    }

    fn lend(&mut self, kind: FrameKind) -> Result<Message<'_>, Violation> {
        self.lent = true;
        // A close that turns out to be a violation ends the stream as well; a text was checked before.
        self.ended = kind == FrameKind::Control(ControlKind::Close);
        whole(kind, &self.partial[self.message_bytes as usize..])
    }
}

fn take<'i>(input: &mut &'i mut [u8], bytes: usize) -> &'i mut [u8] {
    let (head, tail) = std::mem::take(input).split_at_mut(bytes);
    *input = tail;
    head
}

fn whole(kind: FrameKind, payload: &[u8]) -> Result<Message<'_>, Violation> {
    match kind {
        FrameKind::Data(DataKind::Text) => simdutf8::basic::from_utf8(payload)
            .map(Message::Text)
            .map_err(|_| Violation::TextNotUtf8),
        FrameKind::Data(DataKind::Binary) => Ok(Message::Binary(payload)),
        FrameKind::Control(ControlKind::Ping) => Ok(Message::Ping(payload)),
        FrameKind::Control(ControlKind::Pong) => Ok(Message::Pong(payload)),
        FrameKind::Control(ControlKind::Close) => close_read(payload),
    }
}

fn close_read(payload: &[u8]) -> Result<Message<'_>, Violation> {
    let (code, reason) = match payload {
        [] => (None, payload),
        [_] => return Err(Violation::CloseCodeCut),
        [high, low, reason @ ..] => {
            let number = u16::from_be_bytes([*high, *low]);
            let code = CloseCode::new(number).ok_or(Violation::CloseCodeInvalid)?;
            (Some(code), reason)
        }
    };
    let reason = str::from_utf8(reason).map_err(|_| Violation::ReasonNotUtf8)?;
    Ok(Message::Close { code, reason })
}

#[cfg(test)]
mod tests {
    use super::{Decoder, Limits, Message, Opcode, Role, Violation};
    use crate::ws::{CloseCode, encode};

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// A client's frames, one after the other.
    fn frames(frames: &[(Opcode, bool, &[u8])]) -> Vec<u8> {
        let mut wire = Vec::new();
        for (opcode, last, payload) in frames {
            encode::client_frame(&mut wire, *opcode, *last, payload, KEY);
        }
        wire
    }

    fn server() -> Decoder {
        Decoder::new(Role::Server, Limits::default())
    }

    /// The violation that ends this stream, and how many bytes of it were fed until then.
    fn violation_of(mut decoder: Decoder, wire: &[u8]) -> Option<(Violation, usize)> {
        for (at, byte) in wire.iter().enumerate() {
            let mut byte = [*byte];
            let mut input = byte.as_mut_slice();
            loop {
                match decoder.next(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(violation) => return Some((violation, at + 1)),
                }
            }
        }
        None
    }

    #[test]
    fn each_broken_frame_is_refused_by_its_name_with_its_code() {
        use Opcode::{Binary, Close, Continuation, Ping, Text};
        let begun = |then: Opcode| frames(&[(Text, false, b"a"), (then, true, b"b")]);
        let cases: [(Vec<u8>, Violation, u16); 24] = [
            (vec![0xc1, 0x80], Violation::ReservedBit, 1002),
            (vec![0xa1, 0x80], Violation::ReservedBit, 1002),
            (vec![0x91, 0x80], Violation::ReservedBit, 1002),
            (vec![0x83, 0x80], Violation::ReservedOpcode, 1002),
            (vec![0x87, 0x80], Violation::ReservedOpcode, 1002),
            (vec![0x8b, 0x80], Violation::ReservedOpcode, 1002),
            (vec![0x8f, 0x80], Violation::ReservedOpcode, 1002),
            (vec![0x81, 0x01], Violation::Unmasked, 1002),
            (vec![0x81, 0xfe, 0, 125], Violation::LengthNotShortest, 1002),
            (length_of(65_535), Violation::LengthNotShortest, 1002),
            (length_of(u64::MAX), Violation::LengthNegative, 1002),
            (length_of(1 << 63), Violation::LengthNegative, 1002),
            (length_of((1 << 63) - 1), Violation::MessageTooBig, 1009),
            (length_of(1 << 31), Violation::MessageTooBig, 1009),
            (length_of(65_537), Violation::MessageTooBig, 1009),
            (vec![0x89, 0xfe], Violation::ControlTooLong, 1002),
            (vec![0x88, 0xff], Violation::ControlTooLong, 1002),
            (frames(&[(Ping, false, b"")]), Violation::ControlFragmented, 1002),
            (frames(&[(Continuation, true, b"")]), Violation::NothingToContinue, 1002),
            (begun(Text), Violation::MessageNotEnded, 1002),
            (begun(Binary), Violation::MessageNotEnded, 1002),
            (frames(&[(Close, true, &[3])]), Violation::CloseCodeCut, 1002),
            (frames(&[(Close, true, &[3, 237])]), Violation::CloseCodeInvalid, 1002),
            (frames(&[(Close, true, &[3, 232, 0xff])]), Violation::ReasonNotUtf8, 1007),
        ];
        for (mut wire, violation, code) in cases {
            assert_eq!(violation.close_code().number(), code);
            assert!(violation.to_string().len() <= 123, "fits a close frame");
            let at = violation_of(server(), &wire).map(|(violation, _)| violation);
            assert_eq!(at, Some(violation), "{wire:x?} byte by byte");
            let mut decoder = server();
            let mut input = wire.as_mut_slice();
            let refused = std::iter::from_fn(|| match decoder.next(&mut input) {
                Ok(Some(_)) => Some(None),
                Ok(None) => None,
                Err(violation) => Some(Some(violation)),
            });
            assert_eq!(refused.flatten().next(), Some(violation));
        }
    }

    fn length_of(bytes: u64) -> Vec<u8> {
        [&[0x82, 0xff][..], &bytes.to_be_bytes()].concat()
    }

    #[test]
    fn a_client_refuses_what_is_masked() {
        let decoder = Decoder::new(Role::Client, Limits::default());
        let wire = frames(&[(Opcode::Text, true, b"a")]);
        assert_eq!(violation_of(decoder, &wire), Some((Violation::Masked, 2)));
    }

    /// The header has 6 bytes; the text is refused at the first byte that cannot follow.
    #[test]
    fn text_is_refused_at_the_first_bad_byte() {
        let cases: [(&[u8], usize); 9] = [
            (b"\xff.....", 1),
            (b"ok\x80...", 3),
            (b"\xc0\xaf....", 1),
            (b"\xe0\x9f\x80...", 2),
            (b"\xed\xa0\x80...", 2),
            (b"\xf0\x8f....", 2),
            (b"\xf4\x90....", 2),
            (b"\xf5.....", 1),
            (b"\xe2\x82....", 3),
        ];
        for (payload, bad) in cases {
            let wire = frames(&[(Opcode::Text, true, payload)]);
            let expected = Some((Violation::TextNotUtf8, 6 + bad));
            assert_eq!(violation_of(server(), &wire), expected, "{payload:x?}");
            let mut decoder = server();
            let mut wire = wire;
            let answer = decoder.next(&mut wire.as_mut_slice());
            assert_eq!(answer, Err(Violation::TextNotUtf8), "{payload:x?} in one");
        }
        let cut = frames(&[(Opcode::Text, false, b"\xf4"), (Opcode::Continuation, true, b"\x90")]);
        assert_eq!(violation_of(server(), &cut), Some((Violation::TextNotUtf8, 14)));
    }

    #[test]
    fn text_that_ends_within_a_character_is_refused_at_its_end() {
        let fragments: [(Opcode, bool, &[u8]); 2] =
            [(Opcode::Text, false, b"\xe2\x82"), (Opcode::Continuation, true, b"")];
        for wire in [frames(&[(Opcode::Text, true, b"\xe2\x82")]), frames(&fragments)] {
            let expected = Some((Violation::TextNotUtf8, wire.len()));
            assert_eq!(violation_of(server(), &wire), expected);
        }
    }

    #[test]
    fn binary_is_not_looked_into() {
        let mut wire =
            frames(&[(Opcode::Binary, false, b"\xff"), (Opcode::Continuation, true, b"\xfe")]);
        let answer = Ok(Some(Message::Binary(b"\xff\xfe")));
        assert_eq!(server().next(&mut wire.as_mut_slice()), answer);
    }

    #[test]
    fn a_message_at_the_limit_is_taken_and_one_byte_more_is_not() {
        let (half, rest) = (vec![b'a'; 40_000], vec![b'a'; 25_537]);
        for (over, violation) in [(0, None), (1, Some(Violation::MessageTooBig))] {
            let rest = &rest[1 - over..];
            let wire = frames(&[(Opcode::Text, false, &half), (Opcode::Continuation, true, rest)]);
            let found = violation_of(server(), &wire).map(|(violation, _)| violation);
            assert_eq!(found, violation);
        }
    }

    #[test]
    fn empty_fragments_end_at_the_limit_and_hold_no_memory() {
        let mut decoder = server();
        let mut opcode = Opcode::Text;
        for _ in 0..Limits::default().fragments {
            let mut wire = frames(&[(opcode, false, b"")]);
            assert_eq!(decoder.next(&mut wire.as_mut_slice()), Ok(None));
            assert_eq!(decoder.held_bytes(), 0);
            opcode = Opcode::Continuation;
        }
        let mut wire = frames(&[(Opcode::Continuation, true, b"")]);
        let refused = decoder.next(&mut wire.as_mut_slice());
        assert_eq!(refused, Err(Violation::TooManyFragments));
        assert_eq!(Violation::TooManyFragments.close_code(), CloseCode::POLICY);
    }

    #[test]
    fn a_declared_length_is_not_allocated() {
        let mut decoder = server();
        let mut wire = frames(&[(Opcode::Text, true, &[b'a'; 65_536])]);
        assert_eq!(decoder.next(&mut &mut wire[..100]), Ok(None));
        assert!(decoder.held_bytes() <= 256, "{}", decoder.held_bytes());
    }

    #[test]
    fn an_idle_decoder_holds_no_memory() {
        let mut wire = frames(&[(Opcode::Text, true, &[b'a'; 1000])]);
        let mut decoder = server();
        let (head, mut tail) = wire.split_at_mut(500);
        assert_eq!(decoder.next(&mut &mut *head), Ok(None));
        assert!(decoder.held_bytes() >= 492);
        assert!(matches!(decoder.next(&mut tail), Ok(Some(Message::Text(_)))));
        assert_eq!(decoder.next(&mut tail), Ok(None));
        assert_eq!(decoder.held_bytes(), 0);
    }

    #[test]
    fn whole_frames_are_taken_where_they_lie() {
        let mut wire = frames(&[(Opcode::Text, true, &[b'a'; 1000]), (Opcode::Ping, true, b"?")]);
        let mut decoder = server();
        let mut input = wire.as_mut_slice();
        assert!(matches!(decoder.next(&mut input), Ok(Some(Message::Text(_)))));
        assert_eq!(decoder.next(&mut input), Ok(Some(Message::Ping(b"?"))));
        assert_eq!(decoder.held_bytes(), 0);
    }

    #[test]
    fn nothing_is_taken_after_a_close_or_a_violation() {
        let ends: [(Opcode, bool, &[u8]); 5] = [
            (Opcode::Close, true, b""),
            (Opcode::Close, true, b"\x03\xe8bye"),
            (Opcode::Close, true, b"\x03\xed"),
            (Opcode::Text, true, b"\xe2\x82"),
            (Opcode::Continuation, true, b""),
        ];
        for end in ends {
            let wire = frames(&[end, (Opcode::Text, true, b"more")]);
            for piece_bytes in [1, wire.len()] {
                let mut decoder = server();
                let mut taken = 0;
                for piece in wire.clone().chunks_mut(piece_bytes) {
                    let mut input = piece;
                    while decoder.next(&mut input) != Ok(None) {
                        taken += 1;
                    }
                    assert!(input.is_empty());
                }
                assert_eq!((taken, decoder.held_bytes()), (1, 0), "{end:x?} in {piece_bytes}");
            }
        }
    }
}
