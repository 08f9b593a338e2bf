//! What clients send: frames, bodies, and the codecs below them.

use chinwag_core::limit::REF_MAX;
use chinwag_proto::parse;
use chinwag_proto::rest::{
    DraftPut, InviteCreate, Keyed, Login, MeDelete, MePatch, MemberPut, MessagePost,
    PasswordChange, PasswordReset, RankPut, Receipt, Refresh, Register, RoomCreate, RoomPatch,
    Typing,
};
use chinwag_proto::stream::{EventReader, Heard, TooLong};
use chinwag_proto::ws::{CONTROL_BYTES_MAX, Decoder, Limits, Role, Violation, handshake};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};

/// Understood in one way only, and the short way for what is said most says what the long one says.
pub(super) fn client_frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let understood = parse::client_frame(text);
    let long_way = parse::client_frame(&format!(" {text}"));
    match understood {
        Ok(frame) => {
            let written = serde_json::to_value(&frame).expect("a frame serialises");
            assert!(written["ref"].as_u64().is_none_or(|reference| reference <= REF_MAX));
            assert_eq!(parse::client_frame(&written.to_string()).as_ref(), Ok(&frame));
            assert_eq!(long_way, Ok(frame));
        }
        Err(wrong) => {
            let long_way = long_way.expect_err("it was not understood before");
            assert_eq!(long_way.reference, wrong.reference);
            assert_eq!(long_way.problem.field, wrong.problem.field);
        }
    }
}

/// What is wrong with a body is said with its field; no bytes are too wrong for that.
pub(super) fn bodies(bytes: &[u8]) {
    fn said<T: serde::de::DeserializeOwned>(bytes: &[u8]) {
        if let Err(problem) = parse::body::<T>(bytes) {
            assert!(problem.field.is_some_and(|field| !field.is_empty()));
        }
    }
    said::<Register>(bytes);
    said::<Login>(bytes);
    said::<Refresh>(bytes);
    said::<PasswordChange>(bytes);
    said::<PasswordReset>(bytes);
    said::<MePatch>(bytes);
    said::<MeDelete>(bytes);
    said::<RankPut>(bytes);
    said::<InviteCreate>(bytes);
    said::<RoomCreate>(bytes);
    said::<RoomPatch>(bytes);
    said::<Keyed>(bytes);
    said::<MemberPut>(bytes);
    said::<MessagePost>(bytes);
    said::<Receipt>(bytes);
    said::<DraftPut>(bytes);
    said::<Typing>(bytes);
}

/// The first byte says who reads, the second where the rest is cut.
pub(super) fn websocket(bytes: &[u8]) {
    let [role, cut, wire @ ..] = bytes else {
        return;
    };
    let role = if role & 1 == 0 { Role::Server } else { Role::Client };
    let whole = decode(role, [wire]);
    assert_eq!(decode(role, wire.chunks(usize::from(*cut).max(1))), whole);
    assert_eq!(decode(role, wire.chunks(1)), whole);
}

fn decode<'w>(
    role: Role,
    pieces: impl IntoIterator<Item = &'w [u8]>,
) -> (Vec<String>, Option<Violation>) {
    let limits = Limits { message_bytes: 400, fragments: 5 };
    let mut decoder = Decoder::new(role, limits);
    let mut messages = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            match decoder.next(&mut input) {
                Ok(Some(message)) => messages.push(format!("{message:?}")),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        assert!(input.is_empty());
        assert!(decoder.held_bytes() <= limits.message_bytes as usize + CONTROL_BYTES_MAX);
    }
    (messages, None)
}

/// A whole request head; what is accepted was asked for by a handshake, and is answered as one.
pub(super) fn handshake(bytes: &[u8]) {
    let Some((method, version, headers)) = head(bytes) else {
        return;
    };
    match handshake::check(&method, version, &headers) {
        Ok(accepted) => {
            assert_eq!((method, version), (Method::GET, Version::HTTP_11));
            let key = headers[header::SEC_WEBSOCKET_KEY].to_str().expect("base64").trim();
            let answer = accepted.headers();
            assert_eq!(answer[header::SEC_WEBSOCKET_ACCEPT], handshake::accept_key(key));
            let asked = headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
            assert_eq!(answer.contains_key(header::SEC_WEBSOCKET_PROTOCOL), asked);
        }
        Err(refused) => {
            assert_ne!(refused.status(), StatusCode::SWITCHING_PROTOCOLS);
            let _ = refused.headers();
        }
    }
}

fn head(bytes: &[u8]) -> Option<(Method, Version, HeaderMap)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    request.parse(bytes).ok()?.is_complete().then_some(())?;
    let version = if request.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
    let mut headers = HeaderMap::new();
    for field in request.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some((request.method?.parse().ok()?, version, headers))
}

/// The first byte says where the rest is cut.
pub(super) fn event_stream(bytes: &[u8]) {
    let Some((cut, body)) = bytes.split_first() else {
        return;
    };
    let whole = hear([body]);
    assert_eq!(hear(body.chunks(usize::from(*cut).max(1))), whole);
    assert_eq!(hear(body.chunks(1)), whole);
}

fn hear<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> (Vec<Heard>, Result<(), TooLong>) {
    let mut reader = EventReader::new(200);
    let mut heard = Vec::new();
    for piece in pieces {
        if let Err(long) = reader.take(piece, &mut heard) {
            return (heard, Err(long));
        }
    }
    (heard, Ok(()))
}
