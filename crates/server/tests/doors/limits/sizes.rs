//! How long, how many, how large.

use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{
    CURSORS_MAX, FRAME_BYTES_MAX, FRAME_FRAGMENTS_MAX, INVITE_USES_MAX, PAGE_DEFAULT, PAGE_MAX,
    PASSWORD_BYTES_MAX, REF_MAX, TEXT_BYTES_MAX, USER_LOOKUP_MAX, WATCH_MAX,
};
use chinwag_proto::ws::{Opcode, encode};
use chinwag_testkit::server::{Heard, PASSWORD, Server, User, fresh_key};
use serde_json::{Value, json};

fn scene() -> (Server, User, RoomId) {
    let server = Server::start();
    let ann = server.register("ann");
    let room = ann.group("ours", &[]);
    (server, ann, room)
}

/// A refusal of a field, from either door.
fn assert_invalid(field: &str, problem: &Value) {
    assert_eq!(
        (&problem["code"], &problem["field"]),
        (&json!("invalid"), &json!(field)),
        "{problem}"
    );
}

#[test]
fn a_text_is_1_to_16384_bytes() {
    let (_server, ann, room) = scene();
    let path = format!("/v1/rooms/{room}/messages");
    let mut socket = ann.socket();
    let quotes = "\"".repeat(TEXT_BYTES_MAX);
    let good = ["x", &"x".repeat(TEXT_BYTES_MAX), &"é".repeat(TEXT_BYTES_MAX / 2), &quotes];
    for text in good {
        ann.post(&path, &json!({ "text": text })).expect(201);
        let send = json!({"type": "message.send", "room": room, "key": fresh_key(), "text": text});
        assert_eq!(socket.command(&send)["type"], "reply");
        assert_eq!(ann.see(room)["last"]["body"]["text"], text);
    }
    let n = ann.see(room)["n"].clone();
    let over = "é".repeat(TEXT_BYTES_MAX / 2) + "x";
    let bad =
        ["", &"x".repeat(TEXT_BYTES_MAX + 1), &over, " \n", "\u{200b}", "a\u{0}b", "a\u{7f}b"];
    for text in bad {
        assert_invalid("text", &ann.post(&path, &json!({ "text": text })).expect(400).json());
        let send = json!({"type": "message.send", "room": room, "key": fresh_key(), "text": text});
        assert_invalid("text", &socket.command(&send));
    }
    assert_eq!(ann.see(room)["n"], n);
}

/// A body or frame of exactly this length.
fn padded(json: &Value, length: usize) -> Vec<u8> {
    let mut bytes = json.to_string().into_bytes();
    bytes.resize(length, b' ');
    bytes
}

#[test]
fn a_frame_and_a_body_are_at_most_64_kib() {
    let (_server, ann, room) = scene();
    let request = || ann.request("POST", &format!("/v1/rooms/{room}/messages"));
    let body = json!({"key": fresh_key(), "text": "hi"});
    let post = |length| request().body("application/json", padded(&body, length));
    post(FRAME_BYTES_MAX).expect(201);
    assert_eq!(post(FRAME_BYTES_MAX + 1).expect(413).code(), "too_large");

    let send =
        json!({"type": "message.send", "ref": 1, "room": room, "key": fresh_key(), "text": "hi"});
    let mut socket = ann.socket();
    socket.say(Opcode::Text, &padded(&send, FRAME_BYTES_MAX));
    assert_eq!(socket.until("reply")["ref"], 1);
    socket.say(Opcode::Text, &padded(&send, FRAME_BYTES_MAX + 1));
    assert_eq!(socket.closed(), 1009);
    // One that only says that it is long is refused before it comes.
    let mut socket = ann.socket();
    socket.say_bytes(b"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00");
    assert_eq!(socket.closed(), 1009);
    assert_eq!(ann.see(room)["n"], 2);
}

#[test]
fn a_chunked_body_has_the_same_limit() {
    let (server, ann, room) = scene();
    let head = format!(
        "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
         authorization: Bearer {}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n",
        server.address(),
        ann.token
    );
    let body = |length: usize| {
        let mut bytes = head.clone().into_bytes();
        for chunk in padded(&json!({"text": "hi"}), length).chunks(1_000) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        let exchange = chinwag_testkit::server::Exchange::of(
            &server.door(),
            &bytes,
            chinwag_testkit::server::DEADLINE,
        );
        String::from_utf8_lossy(&exchange.heard).into_owned()
    };
    assert!(body(FRAME_BYTES_MAX).starts_with("HTTP/1.1 201 "));
    assert!(body(FRAME_BYTES_MAX + 1).starts_with("HTTP/1.1 413 "));
    assert_eq!(ann.see(room)["n"], 1);
}

/// A text frame in this many fragments.
fn fragments(payload: &[u8], count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..count {
        let opcode = if number == 0 { Opcode::Text } else { Opcode::Continuation };
        let part = if number == 0 { payload } else { b" " };
        encode::client_frame(&mut bytes, opcode, number + 1 == count, part, [1, 2, 3, 4]);
    }
    bytes
}

#[test]
fn a_message_has_at_most_1024_fragments() {
    let (_server, ann, _) = scene();
    let mut socket = ann.socket();
    socket.say_bytes(&fragments(br#"{"type":"ping"}"#, FRAME_FRAGMENTS_MAX));
    socket.until("pong");
    socket.say_bytes(&fragments(br#"{"type":"ping"}"#, FRAME_FRAGMENTS_MAX + 1));
    assert_eq!(socket.closed(), 1008);
}

#[test]
fn a_header_is_at_most_16_kib_and_100_fields() {
    let server = Server::start();
    let long = "x".repeat(17 * 1024);
    let answer = server.get("/livez").header("x-long", &long).send();
    assert_eq!(answer.status, 431);
    let answer = server.get(&format!("/livez?{long}")).send();
    assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    let mut many = server.get("/livez");
    for number in 0..101 {
        many = many.header(&format!("x-{number}"), "y");
    }
    assert_eq!(many.send().status, 431);
    server.get("/livez").header("x-long", &"x".repeat(15 * 1024)).expect(200);
}

#[test]
fn a_page_is_1_to_100() {
    let (_server, ann, room) = scene();
    for number in 0..110 {
        ann.say(room, &number.to_string());
    }
    let mut socket = ann.socket();
    let of = |what: &str, query: &str| ann.get(&format!("/v1/rooms/{room}/{what}{query}"));
    for what in ["messages", "events"] {
        for limit in ["0", "101", "-1", "1.5", "x", "", "99999999999999999999"] {
            let refused = of(what, &format!("?limit={limit}")).expect(400);
            assert_invalid("limit", &refused.json());
        }
        for limit in [1, PAGE_MAX] {
            let page = of(what, &format!("?limit={limit}")).expect(200).json();
            assert_eq!(page[what].as_array().map(Vec::len), Some(limit));
        }
    }
    let count = |page: Value, what: &str| page[what].as_array().map(Vec::len);
    assert_eq!(count(of("messages", "").expect(200).json(), "messages"), Some(PAGE_DEFAULT));
    assert_eq!(count(of("events", "").expect(200).json(), "events"), Some(PAGE_MAX));
    for limit in [0, 101] {
        let sync = json!({"type": "room.sync", "room": room, "after": 0, "limit": limit});
        assert_invalid("limit", &socket.command(&sync));
    }
    let sync = json!({"type": "room.sync", "room": room, "after": 0});
    let reply = socket.command(&sync);
    assert_eq!(reply["more"], true);
    let heard = socket.caught_up(&ann);
    assert_eq!(heard.len(), PAGE_MAX);
}

/// Beyond JavaScript's safe integers there is no `seq`.
#[test]
fn a_seq_is_a_safe_integer() {
    let (_server, ann, room) = scene();
    let mut socket = ann.socket();
    let over = Seq::MAX.get() + 1;
    for field in ["before", "after", "around"] {
        let of = |seq: u64| ann.get(&format!("/v1/rooms/{room}/messages?{field}={seq}"));
        of(Seq::MAX.get()).expect(200);
        assert_invalid(field, &of(over).expect(400).json());
        assert_invalid(field, &of(u64::MAX).expect(400).json());
    }
    let log = |seq: u64| ann.get(&format!("/v1/rooms/{room}/events?after={seq}"));
    log(Seq::MAX.get()).expect(200);
    assert_invalid("after", &log(over).expect(400).json());
    assert_invalid(
        "after",
        &socket.command(&json!({"type": "room.sync", "room": room, "after": over})),
    );
    // These are capped or not found, which is as good.
    for seq in [over, u64::MAX] {
        let delete =
            json!({"type": "message.delete", "room": room, "key": fresh_key(), "target": seq});
        assert_eq!(socket.command(&delete)["code"], "not_found");
        ann.delete(&format!("/v1/rooms/{room}/messages/{seq}")).expect(404);
    }
    let head = ann.see(room)["head_seq"].clone();
    ann.put(&format!("/v1/rooms/{room}/receipt"), &json!({"read": u64::MAX})).expect(204);
    assert_eq!(ann.see(room)["read_seq"], head);
}

#[test]
fn a_ref_is_a_safe_integer() {
    let (_server, ann, room) = scene();
    let mut socket = ann.socket();
    let send = |reference: u64| json!({"type": "message.send", "ref": reference, "room": room, "key": fresh_key(), "text": "hi"});
    socket.send(&send(REF_MAX));
    assert_eq!(socket.until("reply")["ref"], REF_MAX);
    for over in [REF_MAX + 1, u64::MAX] {
        socket.send(&send(over));
        let refused = socket.until("error");
        assert_invalid("ref", &refused);
        assert_eq!(refused["ref"], over);
    }
    assert_eq!(ann.see(room)["n"], 1);
}

#[test]
fn a_hello_has_at_most_1000_cursors() {
    let (server, ann, room) = scene();
    let cursors = |count: usize| {
        let others = (1..count).map(|number| json!([RoomId::from_i64(number as i64), 0]));
        let all: Vec<Value> = others.chain([json!([room, 0])]).collect();
        json!({"type": "hello", "token": ann.token, "cursors": all})
    };
    let mut socket = server.socket();
    assert_eq!(socket.hello(&cursors(CURSORS_MAX))["reset"], false);
    assert_eq!(socket.expect("event")["seq"], 1, "from what one founded on");
    let mut socket = server.socket();
    socket.send(&cursors(CURSORS_MAX + 1));
    assert_invalid("cursors", &socket.expect("error"));
    assert!(matches!(socket.next(), Heard::Closed(Some(1008), _)));
}

#[test]
fn at_most_100_users_are_named() {
    let (_server, ann, _) = scene();
    let users =
        |count: usize| (0..count).map(|n| UserId::from_i64(n as i64 + 1)).collect::<Vec<_>>();
    let listed = |count: usize| {
        let all: Vec<String> = users(count).iter().map(ToString::to_string).collect();
        all.join(",")
    };
    ann.get(&format!("/v1/users?ids={}", listed(USER_LOOKUP_MAX))).expect(200);
    let refused = ann.get(&format!("/v1/users?ids={}", listed(USER_LOOKUP_MAX + 1))).expect(400);
    assert_invalid("ids", &refused.json());
    ann.get(&format!("/v1/presence?users={}", listed(WATCH_MAX))).expect(200);
    let refused = ann.get(&format!("/v1/presence?users={}", listed(WATCH_MAX + 1))).expect(400);
    assert_invalid("users", &refused.json());
    let mut socket = ann.socket();
    socket.send(&json!({"type": "presence.watch", "users": users(WATCH_MAX + 1)}));
    assert_invalid("users", &socket.expect("error"));
    socket.send(&json!({"type": "presence.watch", "users": users(WATCH_MAX)}));
    assert!(socket.caught_up(&ann).is_empty());
}

#[test]
fn numbers_have_ends() {
    let (_server, ann, _) = scene();
    let invite = |body: Value| ann.post("/v1/invites", &body);
    let year_s = 366 * 24 * 3600;
    for (field, bad) in [
        ("uses", vec![0, u64::from(INVITE_USES_MAX) + 1]),
        ("expires_in_s", vec![0, year_s + 1, u64::MAX]),
    ] {
        for value in bad {
            assert_invalid(field, &invite(json!({field: value})).expect(400).json());
        }
    }
    invite(json!({"uses": INVITE_USES_MAX, "expires_in_s": year_s})).expect(201);
    invite(json!({"uses": 1, "expires_in_s": 1})).expect(201);
}

#[test]
fn names_and_passwords_have_ends() {
    let (server, ann, room) = scene();
    let (long, longer) = ("h".repeat(32), "h".repeat(33));
    for handle in ["ab", longer.as_str(), "", "a b", "änn", ".ann", "ann!", "a\u{0}nn"] {
        let body = json!({"handle": handle, "password": PASSWORD});
        assert_invalid("handle", &server.post("/v1/auth/register", &body).expect(400).json());
    }
    for handle in ["abc", long.as_str()] {
        let body = json!({"handle": handle, "password": PASSWORD});
        server.post("/v1/auth/register", &body).expect(201);
    }
    let cluster = |marks: usize| format!("ß{}", "\u{0316}".repeat(marks));
    let good = ["x".repeat(64), "🦊".repeat(64), cluster(19), "x".to_owned()];
    let bad = ["x".repeat(65), "🦊".repeat(63) + "👩‍👩‍👧", cluster(20), String::new(), " ".to_owned()];
    let profile = |name: &str| ann.patch("/v1/me", &json!({"display_name": name}));
    let rename = |name: &str| ann.patch(&format!("/v1/rooms/{room}"), &json!({ "name": name }));
    for name in &good {
        assert_eq!(profile(name).expect(200).json()["display_name"], name.as_str());
        rename(name).expect(201);
        assert_eq!(ann.see(room)["name"], name.as_str());
    }
    for name in &bad {
        assert_invalid("display_name", &profile(name).expect(400).json());
        assert_invalid("name", &rename(name).expect(400).json());
        let body = json!({"kind": "group", "name": name});
        assert_invalid("name", &ann.post("/v1/rooms", &body).expect(400).json());
    }
    let (longest, too_long) = ("p".repeat(PASSWORD_BYTES_MAX), "p".repeat(PASSWORD_BYTES_MAX + 1));
    for password in ["", "sevenxx", too_long.as_str(), "password"] {
        let body = json!({"handle": "carol", "password": password});
        assert_invalid("password", &server.post("/v1/auth/register", &body).expect(400).json());
        let body = json!({"old": PASSWORD, "new": password});
        assert_invalid("new", &ann.post("/v1/auth/password", &body).expect(400).json());
    }
    for (handle, password) in [("carol", longest.as_str()), ("dave", "eight ch")] {
        let body = json!({"handle": handle, "password": password});
        server.post("/v1/auth/register", &body).expect(201);
        server.post("/v1/auth/login", &body).expect(200);
    }
}
