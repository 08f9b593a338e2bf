//! What holds for every stream, not only for the ones that somebody thought of.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{
    CONTROL_BYTES_MAX, CloseCode, Decoder, Limits, Message, Opcode, Role, Violation, encode,
};

/// A message that outlives the decoder's loan.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseCode>, String),
}

impl From<Message<'_>> for Owned {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Message::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

/// All that came out of a stream, and how it ended.
type Outcome = (Vec<Owned>, Option<Violation>);

/// Feeds a stream in these pieces, through a scratch buffer as a driver does, and checks on the way
/// that memory stays within the limits and that an idle decoder holds none.
fn decode<'w>(role: Role, limits: Limits, pieces: impl IntoIterator<Item = &'w [u8]>) -> Outcome {
    let held_bytes_max = limits.message_bytes as usize + CONTROL_BYTES_MAX;
    let mut decoder = Decoder::new(role, limits);
    let mut messages = Vec::new();
    for piece in pieces {
        let mut scratch = piece.to_vec();
        let mut input = scratch.as_mut_slice();
        loop {
            match decoder.next(&mut input) {
                Ok(Some(message)) => messages.push(message.into()),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        assert!(input.is_empty());
        assert!(decoder.held_bytes() <= held_bytes_max);
    }
    (messages, None)
}

fn pieces<'w>(wire: &'w [u8], cuts: &[Index]) -> Vec<&'w [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
    cuts.extend([0, wire.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect()
}

/// A message to send: where it is cut into fragments, and what comes between them.
#[derive(Clone, Debug)]
struct Sent {
    message: Owned,
    cuts: Vec<Index>,
    between: Vec<Owned>,
    key: [u8; 4],
}

impl Sent {
    fn write(&self, wire: &mut Vec<u8>, expected: &mut Vec<Owned>) {
        let (opcode, payload) = match &self.message {
            Owned::Text(text) => (Opcode::Text, text.as_bytes()),
            Owned::Binary(bytes) => (Opcode::Binary, bytes.as_slice()),
            control => return control_write(control, self.key, wire, expected),
        };
        let fragments = pieces(payload, &self.cuts);
        let mut between = self.between.iter();
        for (at, fragment) in fragments.iter().enumerate() {
            let last = at + 1 == fragments.len();
            let opcode = if at == 0 { opcode } else { Opcode::Continuation };
            encode::client_frame(wire, opcode, last, fragment, self.key);
            if let (false, Some(control)) = (last, between.next()) {
                control_write(control, self.key, wire, expected);
            }
        }
        expected.push(self.message.clone());
    }
}

fn control_write(control: &Owned, key: [u8; 4], wire: &mut Vec<u8>, expected: &mut Vec<Owned>) {
    let (opcode, payload) = match control {
        Owned::Ping(bytes) => (Opcode::Ping, bytes),
        Owned::Pong(bytes) => (Opcode::Pong, bytes),
        other => panic!("{other:?} is no ping or pong"),
    };
    encode::client_frame(wire, opcode, true, payload, key);
    expected.push(control.clone());
}

fn controls() -> impl Strategy<Value = Owned> {
    let payload = || vec(any::<u8>(), 0..=CONTROL_BYTES_MAX);
    prop_oneof![payload().prop_map(Owned::Ping), payload().prop_map(Owned::Pong)]
}

fn messages() -> impl Strategy<Value = Owned> {
    prop_oneof![
        4 => "\\PC{0,80}".prop_map(Owned::Text),
        // Lengths on both sides of where the header changes its form.
        1 => prop_oneof![120..132_usize, 65_530..65_540_usize]
            .prop_map(|bytes| Owned::Text("x".repeat(bytes))),
        2 => vec(any::<u8>(), 0..300).prop_map(Owned::Binary),
        1 => controls(),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let cuts = prop_oneof![Just(Vec::new()), vec(any::<Index>(), 1..6)];
    (messages(), cuts, vec(controls(), 0..3), any::<[u8; 4]>())
        .prop_map(|(message, cuts, between, key)| Sent { message, cuts, between, key })
}

/// A stream that is nearly right: frames with any first byte and any length field, not always masked.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => prop::sample::select(vec![0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof!["\\PC{0,12}".prop_map(String::into_bytes), vec(any::<u8>(), 0..140)];
    let frame =
        (first, payload, any::<[u8; 4]>(), 0..20_u8).prop_map(|(first, payload, key, odd)| {
            let mut wire = Vec::new();
            encode::client_frame(&mut wire, Opcode::Binary, true, &payload, key);
            wire[0] = first;
            if odd == 0 {
                wire[1] ^= 0x80;
            } else if odd == 1 {
                wire[1] = wire[1].wrapping_add(1);
            }
            wire
        });
    vec(frame, 0..12).prop_map(|frames| frames.concat())
}

const SMALL: Limits = Limits { message_bytes: 400, fragments: 5 };

proptest! {
    #[test]
    fn whatever_is_sent_arrives_however_it_is_cut(
        sent in vec(sent(), 0..8),
        cuts in vec(any::<Index>(), 0..40),
    ) {
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for message in &sent {
            message.write(&mut wire, &mut expected);
        }
        let limits = Limits { message_bytes: 70_000, fragments: 16 };
        let arrived = decode(Role::Server, limits, pieces(&wire, &cuts));
        prop_assert_eq!(arrived, (expected, None));
    }

    #[test]
    fn a_server_is_understood_by_a_client(
        sent in vec(messages(), 0..8),
        reason in "\\PC{0,30}",
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let mut wire = Vec::new();
        for message in &sent {
            wire.extend_from_slice(&match message {
                Owned::Text(text) => encode::text(text.as_bytes()),
                Owned::Binary(bytes) => encode::binary(bytes),
                Owned::Ping(bytes) => encode::ping(bytes),
                Owned::Pong(bytes) => encode::pong(bytes),
                Owned::Close(..) => encode::close_without_code(),
            });
        }
        wire.extend_from_slice(&encode::close(CloseCode::RESTART, &reason));
        let mut expected = sent;
        expected.push(Owned::Close(Some(CloseCode::RESTART), reason));
        let limits = Limits { message_bytes: 70_000, fragments: 1 };
        prop_assert_eq!(decode(Role::Client, limits, pieces(&wire, &cuts)), (expected, None));
    }

    #[test]
    fn a_wrong_stream_is_refused_for_the_same_reason_however_it_is_cut(
        wire in prop_oneof![nearly_frames(), vec(any::<u8>(), 0..200)],
        cuts in vec(any::<Index>(), 0..40),
        role in prop_oneof![4 => Just(Role::Server), 1 => Just(Role::Client)],
    ) {
        let whole = decode(role, SMALL, [wire.as_slice()]);
        prop_assert_eq!(&decode(role, SMALL, pieces(&wire, &cuts)), &whole);
        prop_assert_eq!(&decode(role, SMALL, wire.chunks(1)), &whole);
    }
}

#[test]
fn every_two_cuts_of_a_stream_give_the_same() {
    let key = [0xa5, 0x00, 0x5a, 0xff];
    let mut wire = Vec::new();
    encode::client_frame(&mut wire, Opcode::Text, false, "größ".as_bytes(), key);
    encode::client_frame(&mut wire, Opcode::Ping, true, b"?", key);
    // The euro sign is cut between two fragments.
    encode::client_frame(&mut wire, Opcode::Continuation, false, b"e: \xe2\x82", key);
    encode::client_frame(&mut wire, Opcode::Continuation, true, b"\xac", key);
    encode::client_frame(&mut wire, Opcode::Binary, true, &[7; 126], key);
    let close = encode::close_payload(CloseCode::NORMAL, "bye");
    encode::client_frame(&mut wire, Opcode::Close, true, &close, key);
    let expected = vec![
        Owned::Ping(b"?".to_vec()),
        Owned::Text("größe: €".to_owned()),
        Owned::Binary(vec![7; 126]),
        Owned::Close(Some(CloseCode::NORMAL), "bye".to_owned()),
    ];
    for first in 0..=wire.len() {
        for second in first..=wire.len() {
            let pieces = [&wire[..first], &wire[first..second], &wire[second..]];
            let outcome = decode(Role::Server, Limits::default(), pieces);
            assert_eq!(outcome, (expected.clone(), None), "cut at {first} and {second}");
        }
    }
}
