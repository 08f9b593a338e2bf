//! Ticks: two for all who have it, coloured for all who read it, and to whom they are told.

use chinwag_core::id::RoomId;
use chinwag_testkit::server::{Server, Socket, User};
use serde_json::{Value, json};

use super::send;

fn say(socket: &mut Socket, room: RoomId, text: &str) -> u64 {
    socket.command(&send(room, text))["seq"].as_u64().expect("it is in the log")
}

fn is_receipt(room: RoomId, field: &str, all: u64) -> impl Fn(&Value) -> bool {
    move |frame| {
        frame["type"] == "receipt" && frame["room"] == json!(room) && frame[field] == json!(all)
    }
}

fn receipts(user: &User, room: RoomId) -> Vec<Value> {
    let list = user.get(&format!("/v1/rooms/{room}/receipts")).expect(200).json();
    list["receipts"].as_array().cloned().unwrap_or_default()
}

fn delivered(room: RoomId, seq: u64) -> Value {
    json!({"type": "receipt.set", "room": room, "delivered": seq})
}

#[test]
fn two_ticks_when_all_have_it_and_coloured_ones_when_all_have_read_it() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, cleo] = server.register_all(["ann", "bob", "cleo"]);
    let room = ann.group("ours", &[&bob, &cleo]);
    let (mut a, mut b, mut c) = (ann.socket(), bob.socket(), cleo.socket());
    let seq = say(&mut a, room, "hi");
    b.send(&delivered(room, seq));
    c.send(&delivered(room, seq));
    a.until_one(is_receipt(room, "delivered_all", seq));
    assert_eq!(ann.see(room)["receipts"]["delivered_all"], json!(seq), "the list has it too");
    b.command(&json!({"type": "receipt.set", "room": room, "read": seq}));
    let rows = receipts(&ann, room);
    let read = |row: &Value| row["read_seq"].as_u64().is_some_and(|read| read >= seq);
    assert_eq!((rows.len(), rows.iter().filter(|row| read(row)).count()), (2, 1));
    assert!(rows.iter().all(|row| row["delivered_at_ms"].as_u64() > Some(0)), "{rows:?}");
    cleo.put(&format!("/v1/rooms/{room}/receipt"), &json!({"read": seq})).expect(204);
    a.until_one(is_receipt(room, "read_all", seq));
    // Who comes back has it with the first frame.
    let (_, ready) = ann.socket_ready();
    let mine =
        ready["rooms"].as_array().and_then(|rooms| rooms.iter().find(|it| it["id"] == json!(room)));
    assert_eq!(mine.map(|room| room["receipts"]["read_all"].clone()), Some(json!(seq)));
    assert_eq!(ann.see(room)["head_seq"], json!(seq), "no receipt is an event of the room");
}

#[test]
fn receipts_are_for_members_alone() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let room = ann.group("ours", &[&bob]);
    let (mut a, mut e) = (ann.socket(), eve.socket());
    let seq = say(&mut a, room, "hi");
    e.send(&delivered(room, seq));
    bob.put(&format!("/v1/rooms/{room}/receipt"), &json!({"delivered": seq})).expect(204);
    a.until_one(is_receipt(room, "delivered_all", seq));
    let heard = e.caught_up(&eve);
    assert!(heard.iter().all(|frame| frame["type"] != "receipt"), "{heard:?}");
    eve.get(&format!("/v1/rooms/{room}/receipts")).expect(404);
    let missing = bob.put(&format!("/v1/rooms/{room}/receipt"), &json!({})).expect(400).json();
    assert_eq!(missing["field"], "read");
}

#[test]
fn who_switches_read_receipts_off_gives_none_and_gets_none() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.direct(&bob);
    let (mut a, mut b) = (ann.socket(), bob.socket());
    let first = say(&mut a, room, "hi");
    b.command(&json!({"type": "receipt.set", "room": room, "read": first}));
    a.until_one(is_receipt(room, "read_all", first));
    let me = bob.patch("/v1/me", &json!({"read_receipts": false})).expect(200).json();
    assert_eq!((&me["read_receipts"], &me["last_seen"]), (&json!(false), &json!(true)));
    let no_read = |frame: &Value| frame["type"] == "receipt" && frame.get("read_all").is_none();
    a.until_one(no_read);
    let second = say(&mut a, room, "are you there?");
    b.command(&json!({"type": "receipt.set", "room": room, "read": second}));
    let (_, told) = a.until_one(is_receipt(room, "delivered_all", second));
    assert_eq!(told.get("read_all"), None);
    let answer = say(&mut b, room, "yes");
    a.command(&json!({"type": "receipt.set", "room": room, "read": answer}));
    let (_, told) = b.until_one(is_receipt(room, "delivered_all", answer));
    assert_eq!(told.get("read_all"), None, "and bob is not told that ann has read");
    for user in [&ann, &bob] {
        assert_eq!(user.see(room)["receipts"].get("read_all"), None);
        assert!(receipts(user, room).iter().all(|row| row.get("read_seq").is_none()));
    }
    bob.patch("/v1/me", &json!({"read_receipts": true})).expect(200);
    a.until_one(is_receipt(room, "read_all", answer));
}
