//! Frames of the socket: their JSON, and the framing below it.

use chinwag_core::id::{RoomId, UserId};
use chinwag_proto::ws::{Opcode, encode::client_frame};
use chinwag_testkit::server::{Heard, Socket, fresh_key};
use serde_json::{Map, Value, json};

use super::{AT_ONCE, Scene, json::no_objects, mutations};

/// What the good frames name.
pub(super) struct Names {
    room: RoomId,
    user: UserId,
}

impl Names {
    pub(super) fn any() -> Self {
        Self { room: RoomId::from_i64(1), user: UserId::from_i64(1) }
    }
}

/// A frame that would be taken, of each type.
fn good(kind: &str, Names { room, user }: &Names) -> Map<String, Value> {
    let frame = match kind {
        "hello" => json!({"token": "x", "epoch": "0".repeat(32), "cursors": [[room, 1]]}),
        "ping" => json!({}),
        "message.send" => json!({"ref": 1, "room": room, "key": fresh_key(), "text": "x"}),
        "message.delete" => json!({"ref": 1, "room": room, "key": fresh_key(), "target": 4}),
        "room.list" => json!({"ref": 1}),
        "room.get" => json!({"ref": 1, "room": room}),
        "room.sync" => json!({"ref": 1, "room": room, "after": 0, "limit": 1}),
        "receipt.set" => json!({"ref": 1, "room": room, "read": 1, "delivered": 1}),
        "draft.set" => json!({"ref": 1, "room": room, "key": fresh_key(), "text": "x"}),
        "typing.set" => json!({"room": room, "on": false}),
        "presence.watch" => json!({"users": [user]}),
        other => panic!("no good frame of the type {other}"),
    };
    let mut frame = frame.as_object().cloned().expect("an object");
    frame.insert("type".to_owned(), json!(kind));
    frame
}

/// What is said, and the field that the error names.
pub(super) fn cases(names: &Names) -> Vec<(String, String, Option<String>)> {
    let document = chinwag_server::asyncapi::document();
    let mut cases = Vec::new();
    for command in chinwag_server::asyncapi::SOCKET {
        let good = good(command.name, names);
        let schema = schema_of(&document, command.name);
        // A draft may be empty: then there is none any more.
        let is_taken = |field: &str, mutation: &str| {
            (command.name, field, mutation) == ("draft.set", "text", "an empty text")
        };
        for mutation in mutations::of_object(&document, &schema, &good, is_taken) {
            // A token of any text is a token; that hello was said already is another matter.
            if command.name == "hello"
                && mutation.field.as_deref() == Some("token")
                && mutation.name.contains("text")
            {
                continue;
            }
            cases.push((
                format!("{} in {}", mutation.name, command.name),
                mutation.text,
                mutation.field,
            ));
        }
    }
    for (name, text) in no_objects() {
        cases.push((name.to_owned(), String::from_utf8(text).expect("it is UTF-8"), None));
    }
    for kind in [
        "",
        "Ping",
        "ping ",
        "message",
        "message.send\u{0}",
        "room.create",
        "__proto__",
        "event",
        "ready",
    ] {
        let text = json!({"type": kind, "ref": 1}).to_string();
        cases.push((format!("the type {kind:?}"), text, Some("type".to_owned())));
    }
    cases
}

/// The fields of a frame, its `type` apart.
fn schema_of(document: &Value, kind: &str) -> Value {
    let frames = document["components"]["schemas"]["ClientFrame"]["oneOf"].as_array();
    let frame = frames
        .expect("an enum is a oneOf")
        .iter()
        .find(|frame| frame.to_string().contains(&format!("\"{kind}\"")));
    let pointer = frame.and_then(|frame| frame["allOf"][0]["$ref"].as_str());
    let pointer = pointer.map(|pointer| pointer.trim_start_matches('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).cloned().unwrap_or(json!({}))
}

#[test]
fn every_malformed_frame_is_an_error_and_the_connection_lives() {
    let scene = Scene::new();
    let mut socket = scene.ann.socket();
    let names = Names { room: scene.group, user: scene.bob.id };
    let mut wrong = Vec::new();
    for (what, text, field) in cases(&names) {
        socket.say(Opcode::Text, text.as_bytes());
        let heard = socket.next_within(AT_ONCE);
        let Some(Heard::Frame(error)) = heard else {
            panic!("{what}: {heard:?}");
        };
        let named = error["field"].as_str().unwrap_or_default();
        let right = match &field {
            Some(field) => named == field || named.starts_with(&format!("{field}[")),
            None => !named.is_empty(),
        };
        if error["type"] != "error" || error["code"] != "invalid" || !right {
            wrong.push(format!("{what}: {error}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are taken or blamed on another:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    socket.send(&json!({"type": "ping"}));
    assert_eq!(socket.frame(), json!({"type": "pong"}));
    drop(socket);
    scene.assert_unchanged();
}

/// Bytes of a client's frame, as they may not be, and the code of the close.
pub(super) fn broken() -> Vec<(String, Vec<u8>, u16)> {
    let frame = |opcode, last, payload: &[u8]| {
        let mut bytes = Vec::new();
        client_frame(&mut bytes, opcode, last, payload, [1, 2, 3, 4]);
        bytes
    };
    let mut all: Vec<(String, Vec<u8>, u16)> = Vec::new();
    let mut add = |what: &str, bytes: Vec<u8>, code| all.push((what.to_owned(), bytes, code));
    let ping = br#"{"type":"ping"}"#;
    for opcode in [3_u8, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        add(&format!("the opcode {opcode}"), vec![0x80 | opcode, 0x80, 0, 0, 0, 0], 1002);
    }
    for bit in [0x40_u8, 0x20, 0x10, 0x70] {
        add(&format!("the reserved bits {bit:#x}"), vec![0x81 | bit, 0x80, 0, 0, 0, 0], 1002);
    }
    for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
        add(&format!("a {opcode:?} in fragments"), frame(opcode, false, b""), 1002);
        let mut long = frame(Opcode::Text, true, &[b'x'; 126]);
        long[0] = 0x80 | opcode as u8;
        add(&format!("a {opcode:?} of 126 bytes"), long, 1002);
    }
    add("an unmasked text", b"\x81\x02{}".to_vec(), 1002);
    add("an unmasked close", b"\x88\x00".to_vec(), 1002);
    add("a continuation of nothing", frame(Opcode::Continuation, true, b"x"), 1002);
    add(
        "a text in a text",
        [frame(Opcode::Text, false, b"{"), frame(Opcode::Text, true, b"}")].concat(),
        1002,
    );
    add("a length of 16 bits that needs 7", b"\x81\xfe\x00\x02\0\0\0\0{}".to_vec(), 1002);
    add("a length of 64 bits that needs 7", b"\x81\xff\0\0\0\0\0\0\0\x02\0\0\0\0{}".to_vec(), 1002);
    add("a length with the highest bit", b"\x81\xff\x80\0\0\0\0\0\0\x02\0\0\0\0".to_vec(), 1002);
    add("a length of 2^62", b"\x81\xff\x40\0\0\0\0\0\0\0\0\0\0\0".to_vec(), 1009);
    add("a close of one byte", frame(Opcode::Close, true, b"\x03"), 1002);
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535] {
        add(
            &format!("the close code {code}"),
            frame(Opcode::Close, true, &code.to_be_bytes()),
            1002,
        );
    }
    add("a close whose reason is no text", frame(Opcode::Close, true, b"\x03\xe8\xff"), 1007);
    for (name, bytes) in [
        ("\\xff", &b"\xff"[..]),
        ("half a character", b"\xe2\x82"),
        ("an overlong slash", b"\xc0\xaf"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("beyond Unicode", b"\xf4\x90\x80\x80"),
    ] {
        add(
            &format!("a text with {name}"),
            frame(Opcode::Text, true, &[b"{\"a\":\"", bytes, b"\"}"].concat()),
            1007,
        );
    }
    add(
        "a text that ends in a character",
        [frame(Opcode::Text, false, b"\"\xe2"), frame(Opcode::Continuation, true, b"")].concat(),
        1007,
    );
    add("a binary frame", frame(Opcode::Binary, true, ping), 1003);
    add("an empty binary frame", frame(Opcode::Binary, true, b""), 1003);
    add("too much", frame(Opcode::Text, true, &vec![b' '; 65_537]), 1009);
    add(
        "too much in pieces",
        [
            frame(Opcode::Text, false, &[b' '; 65_000]),
            frame(Opcode::Continuation, true, &[b' '; 1_000]),
        ]
        .concat(),
        1009,
    );
    add("an HTTP request", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), 1002);
    all
}

#[test]
fn every_broken_frame_closes_with_its_code() {
    let scene = Scene::new();
    for (what, bytes, code) in broken() {
        for opened in [false, true] {
            let mut socket = if opened { scene.ann.socket() } else { scene.server.socket() };
            // What comes after it is not heard any more.
            let mut after = Vec::new();
            client_frame(&mut after, Opcode::Text, true, br#"{"type":"ping"}"#, [0; 4]);
            socket.say_bytes(&[bytes.clone(), after].concat());
            let heard = socket.next_within(AT_ONCE);
            assert!(
                matches!(heard, Some(Heard::Closed(Some(heard), _)) if heard == code),
                "{what}: {heard:?} for {code}"
            );
            assert_eq!(socket.next_within(AT_ONCE), Some(Heard::Ended), "{what}");
        }
    }
    scene.assert_unchanged();
    let connections = |socket: &mut Socket| {
        socket.send(&json!({"type": "ping"}));
        socket.until("pong");
    };
    connections(&mut scene.ann.socket());
}

/// A frame cut anywhere, or dribbled byte by byte, is the same frame.
#[test]
fn a_frame_in_pieces_is_whole() {
    let scene = Scene::new();
    let mut socket = scene.ann.socket();
    let mut bytes = Vec::new();
    let text = json!({"type": "room.get", "ref": 1, "room": scene.group}).to_string();
    client_frame(&mut bytes, Opcode::Text, true, text.as_bytes(), [7, 7, 7, 7]);
    for cut in 1..bytes.len() {
        socket.say_bytes(&bytes[..cut]);
        socket.say_bytes(&bytes[cut..]);
        assert_eq!(socket.expect("reply")["ref"], 1);
    }
    for byte in &bytes {
        socket.say_bytes(&[*byte]);
    }
    socket.expect("reply");
    // Control frames may come between the fragments of a text.
    let (mut first, mut last) = (Vec::new(), Vec::new());
    client_frame(&mut first, Opcode::Text, false, &text.as_bytes()[..10], [1; 4]);
    client_frame(&mut last, Opcode::Continuation, true, &text.as_bytes()[10..], [2; 4]);
    socket.say_bytes(&first);
    socket.say(Opcode::Ping, b"between");
    assert_eq!(socket.next(), Heard::Pong(b"between".to_vec()));
    socket.say_bytes(&last);
    socket.expect("reply");
}
