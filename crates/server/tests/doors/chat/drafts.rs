//! What one has begun to write, on one's other devices and nobody else's.

use chinwag_core::id::RoomId;
use chinwag_core::limit::DRAFT_BYTES_MAX;
use chinwag_testkit::server::{Server, fresh_key};
use serde_json::{Value, json};

use super::kinds_of;

fn set(room: RoomId, text: &str) -> Value {
    json!({"type": "draft.set", "room": room, "key": fresh_key(), "text": text})
}

fn drafts(frames: &[Value]) -> Vec<Value> {
    frames.iter().filter(|frame| frame["kind"] == "draft").cloned().collect()
}

#[test]
fn a_draft_reaches_ones_other_devices_alone_through_either_door() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    let path = format!("/v1/rooms/{group}/draft");
    let (mut phone, mut laptop, mut b) = (ann.socket(), ann.sign_in().socket(), bob.socket());
    let reply = phone.command(&set(group, "half a wor"));
    assert_eq!(reply["type"], "reply", "{reply}");
    let key = fresh_key();
    let put = |text: &str| ann.put(&path, &json!({"key": key, "text": text}));
    let made = put("half a word").expect(201).json();
    assert_eq!(made["seq"], reply["seq"].as_u64().expect("a seq") + 1);
    assert_eq!(put("half a word").expect(200).json(), made, "the same key, the same answer");
    assert_eq!(put("another").expect(409).code(), "key_conflict");
    let heard = drafts(&laptop.caught_up(&ann));
    let bodies: Vec<&Value> = heard.iter().map(|event| &event["body"]).collect();
    let told = |text: &str| json!({"room": group, "text": text});
    assert_eq!(bodies, [&told("half a wor"), &told("half a word")]);
    assert_eq!(heard[0]["room"], json!(ann.self_room()));
    assert!(drafts(&b.caught_up(&bob)).is_empty());
    assert_eq!(ann.see(group)["draft"], "half a word");
    assert_eq!(bob.see(group).get("draft"), None);
    let listed = laptop.command(&json!({"type": "room.get", "room": group}));
    assert_eq!(listed["rooms"][0]["draft"], "half a word");
}

#[test]
fn the_same_draft_again_is_answered_with_nothing() {
    let server = Server::start();
    let ann = server.register("ann");
    let own = ann.self_room();
    let mut socket = ann.socket();
    assert!(socket.command(&set(own, "a note"))["seq"].is_u64());
    let again = socket.command(&set(own, "a note"));
    assert_eq!((&again["type"], again.get("seq")), (&json!("reply"), None));
    ann.put(&format!("/v1/rooms/{own}/draft"), &json!({"text": "a note"})).expect(204);
    assert!(socket.command(&set(own, ""))["seq"].is_u64());
    assert_eq!(ann.see(own).get("draft"), None);
    ann.put(&format!("/v1/rooms/{own}/draft"), &json!({"text": ""})).expect(204);
}

#[test]
fn who_was_away_finds_the_last_draft_and_none_of_those_before() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let direct = ann.direct(&bob);
    let own = ann.self_room();
    let cursor = ann.see(own)["head_seq"].as_u64().expect("a head");
    let mut phone = ann.socket();
    for text in ["h", "ha", "hal", "half"] {
        assert_eq!(phone.command(&set(direct, text))["type"], "reply");
    }
    let mut laptop = server.socket();
    let ready = laptop.hello(&json!({"token": ann.token, "cursors": [[own, cursor]]}));
    let rooms = ready["rooms"].as_array().expect("a list");
    let room = rooms.iter().find(|room| room["id"] == json!(direct)).expect("it is listed");
    assert_eq!(room["draft"], "half");
    let missed: Vec<Value> = (0..4).map(|_| laptop.expect("event")).collect();
    let bodies: Vec<&Value> = missed.iter().map(|event| &event["body"]).collect();
    let last = json!({"room": direct, "text": "half"});
    assert_eq!(bodies, [&Value::Null, &Value::Null, &Value::Null, &last]);
    assert_eq!(missed[0]["rev"], missed[1]["seq"], "it says what superseded it");
    assert_eq!(kinds_of(own, &missed), ["draft"; 4]);
}

#[test]
fn a_draft_is_as_long_as_a_message_may_be() {
    let server = Server::start();
    let ann = server.register("ann");
    let path = format!("/v1/rooms/{}/draft", ann.self_room());
    let put = |text: &str| ann.put(&path, &json!({ "text": text }));
    let longest = "\"".repeat(DRAFT_BYTES_MAX);
    put(&longest).expect(201);
    assert_eq!(ann.see(ann.self_room())["draft"], longest);
    for text in [&"x".repeat(DRAFT_BYTES_MAX + 1), "a\u{0}b"] {
        let refused = put(text).expect(400);
        assert_eq!(refused.json()["field"], "text");
        let mut socket = ann.socket();
        assert_eq!(socket.command(&set(ann.self_room(), text))["field"], "text");
    }
    assert_eq!(ann.see(ann.self_room())["draft"], longest, "nothing changed");
}
