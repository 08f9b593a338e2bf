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

#[test]
fn nobody_goes_beyond_what_was_said_nor_back_nor_marks_where_they_are_not() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let (group, direct) = (ann.group("ours", &[&bob]), ann.direct(&bob));
    let (mut a, mut b, mut e) = (ann.socket(), bob.socket(), eve.socket());
    let seq = say(&mut a, group, "hi");
    b.send(&delivered(group, u64::MAX >> 12));
    a.until_one(is_receipt(group, "delivered_all", seq));
    b.command(&json!({"type": "receipt.set", "room": group, "read": u64::MAX >> 12}));
    a.until_one(is_receipt(group, "read_all", seq));
    // What comes after is in the same write or a later one.
    b.send(&delivered(group, 1));
    b.command(&json!({"type": "receipt.set", "room": group, "read": 1, "delivered": 1}));
    for room in [group, direct] {
        e.send(&delivered(room, 1));
        let refused = e.command(&json!({"type": "receipt.set", "room": room, "read": 1}));
        assert_eq!(refused["code"], "not_found");
        eve.put(&format!("/v1/rooms/{room}/receipt"), &json!({"delivered": 1})).expect(404);
    }
    e.send(&delivered(RoomId::from_i64(7), 1));
    let last = say(&mut a, direct, "alone?");
    b.send(&delivered(direct, last));
    a.until_one(is_receipt(direct, "delivered_all", last));
    let mine = bob.see(group);
    assert_eq!((&mine["delivered_seq"], &mine["read_seq"]), (&json!(seq), &json!(seq)));
    assert_eq!(receipts(&ann, group).len(), 1, "eve is in nobody's list");
    let heard = e.caught_up(&eve);
    assert!(heard.iter().all(|frame| frame["type"] != "receipt"), "{heard:?}");
}

#[test]
fn who_has_left_hears_no_more_of_it_and_holds_nothing_back() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, cleo] = server.register_all(["ann", "bob", "cleo"]);
    let room = ann.group("ours", &[&bob, &cleo]);
    let (mut a, mut b, mut c) = (ann.socket(), bob.socket(), cleo.socket());
    let seq = say(&mut a, room, "hi");
    c.send(&delivered(room, seq));
    bob.leave(room);
    a.until_one(is_receipt(room, "delivered_all", seq));
    let last = say(&mut a, room, "bob is gone");
    c.command(&json!({"type": "receipt.set", "room": room, "read": last}));
    b.send(&delivered(room, last));
    a.until_one(is_receipt(room, "read_all", last));
    let (before, _) = b.until_one(|frame| frame["kind"] == "room_removed");
    let after = b.caught_up(&bob);
    let of_room = |frame: &&Value| frame["type"] == "receipt" && frame["room"] == json!(room);
    assert_eq!(after.iter().find(of_room), None);
    let seen = before.iter().filter(of_room).filter_map(|frame| frame["delivered_all"].as_u64());
    assert!(seen.max() < Some(seq), "nothing of after it was told before it");
    bob.get(&format!("/v1/rooms/{room}/receipts")).expect(404);
}

#[test]
fn ticks_come_at_most_once_a_second_however_often_marks_move() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.direct(&bob);
    let (mut a, mut b) = (ann.socket(), bob.socket());
    let begun = std::time::Instant::now();
    let mut last = 0;
    for number in 0..30 {
        last = say(&mut a, room, &number.to_string());
        b.command(&json!({"type": "receipt.set", "room": room, "read": last}));
    }
    let (heard, _) = a.until_one(is_receipt(room, "read_all", last));
    let told = 1 + heard.iter().filter(|frame| frame["type"] == "receipt").count() as u64;
    assert!(told <= begun.elapsed().as_secs() + 1, "{told} in {:?}", begun.elapsed());
}

#[test]
fn what_is_said_by_itself_does_not_use_up_what_a_person_may_ask_for() {
    let server = Server::with(|raw| {
        raw.shards = Some(2);
        raw.rate_limits = true;
    });
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.direct(&bob);
    let (mut a, mut b) = (ann.socket(), bob.socket());
    let seq = say(&mut a, room, "hi");
    for _ in 0..900 {
        b.send(&delivered(room, seq));
    }
    b.command(&json!({"type": "receipt.set", "room": room, "read": seq}));
    for _ in 0..900 {
        b.send(&delivered(room, seq));
    }
    let (_, refused) = b.until_one(|frame| frame["type"] == "error");
    assert_eq!((refused.get("ref"), &refused["code"]), (None, &json!("rate_limited")));
    a.until_one(is_receipt(room, "read_all", seq));
}

#[test]
fn marks_are_as_they_were_after_a_restart() {
    let mut server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, cleo] = server.register_all(["ann", "bob", "cleo"]);
    let room = ann.group("ours", &[&bob, &cleo]);
    let (mut a, mut b, mut c) = (ann.socket(), bob.socket(), cleo.socket());
    let seq = say(&mut a, room, "hi");
    b.send(&delivered(room, seq));
    c.command(&json!({"type": "receipt.set", "room": room, "read": seq}));
    a.until_one(is_receipt(room, "delivered_all", seq));
    let before = (ann.see(room)["receipts"].clone(), receipts(&ann, room));
    server.restart();
    assert_eq!((ann.see(room)["receipts"].clone(), receipts(&ann, room)), before);
    // What was shown from the table, before anything was told, is told as soon as it is otherwise.
    let mut a = ann.socket();
    bob.leave(room);
    cleo.leave(room);
    a.until_one(|frame| frame["type"] == "receipt" && frame.get("delivered_all").is_none());
}

#[test]
fn one_is_told_when_others_were_last_seen_who_say_so() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    eve.leave(eve.general());
    let seen = |by: &User, of: &User| {
        let path = format!("/v1/presence?users={}", of.id);
        let list = by.get(&path).expect(200).json()["presence"].clone();
        list.get(0).and_then(|it| it.get("last_seen_ms")?.as_u64())
    };
    assert!(seen(&ann, &bob).is_some());
    assert_eq!((seen(&eve, &bob), seen(&bob, &eve)), (None, None), "they share no room");
    let set = |user: &User, on: bool| user.patch("/v1/me", &json!({"last_seen": on})).expect(200);
    set(&bob, false);
    assert_eq!((seen(&ann, &bob), seen(&bob, &ann)), (None, None));
    set(&bob, true);
    assert!(seen(&ann, &bob).is_some() && seen(&bob, &ann).is_some());
    let socket = bob.socket();
    assert_eq!(seen(&ann, &bob), None, "bob is here");
    drop(socket);
}
