//! What happened while one was away comes back, complete and once.

use chinwag_core::id::RoomId;
use chinwag_core::limit::{OUTBOX_BYTES_MAX, RESUME_BYTES_MAX, RESUME_EVENTS_MAX, TEXT_BYTES_MAX};
use chinwag_testkit::server::{Heard, Server, Socket, User};
use serde_json::{Value, json};

fn scene() -> (Server, User, User, RoomId) {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    (server, ann, bob, group)
}

fn resume(server: &Server, user: &User, room: RoomId, after: u64) -> (Socket, Value) {
    let mut socket = server.socket();
    let ready = socket.hello(&json!({"token": user.token, "cursors": [[room, after]]}));
    (socket, ready)
}

#[test]
fn a_hundred_missed_events_come_by_themselves() {
    let (server, ann, bob, group) = scene();
    let cursor = bob.see(group)["head_seq"].as_u64().expect("a head");
    for number in 0..RESUME_EVENTS_MAX {
        ann.say(group, &number.to_string());
    }
    let (mut socket, ready) = resume(&server, &bob, group, cursor);
    assert_eq!(ready["reset"], false);
    ann.say(group, "and on");
    for number in 1..=RESUME_EVENTS_MAX as u64 + 1 {
        assert_eq!(socket.expect("event")["seq"], cursor + number);
    }
    // One more than that, and one is told to sync; what follows comes live all the same.
    let (mut socket, _) = resume(&server, &bob, group, cursor);
    let head = cursor + RESUME_EVENTS_MAX as u64 + 1;
    assert_eq!(socket.expect("lagged"), json!({"type": "lagged", "room": group, "head_seq": head}));
    let next = ann.say(group, "live");
    assert_eq!(socket.expect("event")["seq"], next);
    let reply = socket.command(&json!({"type": "room.sync", "room": group, "after": cursor}));
    assert_eq!((&reply["head_seq"], &reply["more"]), (&json!(next), &json!(true)));
    let synced = socket.caught_up(&bob);
    assert_eq!(synced.len(), 100);
}

#[test]
fn what_is_too_much_to_send_is_lagged() {
    let (server, ann, bob, group) = scene();
    let other = ann.group("small", &[&bob]);
    let cursor = bob.see(group)["head_seq"].as_u64().expect("a head");
    for _ in 0..RESUME_BYTES_MAX / TEXT_BYTES_MAX + 2 {
        ann.say(group, &"x".repeat(TEXT_BYTES_MAX));
    }
    ann.say(other, "little");
    let mut socket = server.socket();
    socket.hello(&json!({"token": bob.token, "cursors": [[other, 3], [group, cursor]]}));
    let heard = socket.caught_up(&bob);
    let lagged = heard.iter().find(|frame| frame["type"] == "lagged");
    assert_eq!(lagged.map(|frame| &frame["room"]), Some(&json!(group)));
    assert!(heard.iter().any(|frame| frame["body"]["text"] == "little"), "the other is whole");
    // A page by bytes, too: sync says that there is more.
    let reply = socket.command(&json!({"type": "room.sync", "room": group, "after": cursor}));
    assert_eq!(reply["more"], true);
    let mut at = cursor;
    let mut more = true;
    while more {
        for frame in socket.caught_up(&bob) {
            at += 1;
            assert_eq!(frame["seq"], at);
        }
        more = socket.command(&json!({"type": "room.sync", "room": group, "after": at}))["more"]
            == true;
    }
    for frame in socket.caught_up(&bob) {
        at += 1;
        assert_eq!(frame["seq"], at);
    }
    assert_eq!(bob.see(group)["head_seq"], at);
}

#[test]
fn changes_of_membership_are_missed_and_come_back_too() {
    let (server, ann, bob, group) = scene();
    let self_head = bob.see(bob.self_room())["head_seq"].as_u64().expect("a head");
    ann.remove_member(group, &bob);
    let new = ann.group("new", &[&bob]);
    let mut socket = server.socket();
    let cursors = json!([[group, 2], [bob.self_room(), self_head]]);
    let ready = socket.hello(&json!({"token": bob.token, "cursors": cursors}));
    assert!(!ready["rooms"].to_string().contains(&group.to_string()));
    let heard = socket.caught_up(&bob);
    let kinds: Vec<_> = heard.iter().map(|frame| frame["kind"].clone()).collect();
    assert_eq!(kinds, ["room_removed", "room_added"]);
    assert_eq!(heard[1]["body"]["room"], json!(new));
    assert!(
        heard.iter().all(|frame| frame["room"] != json!(group)),
        "nothing of the room one left"
    );
}

#[test]
fn another_history_is_read_afresh() {
    let (mut server, ann, bob, group) = scene();
    ann.say(group, "hi");
    let (_, ready) = bob.socket_ready();
    let epoch = ready["epoch"].clone();
    let hello = |server: &Server, epoch: &Value, at: u64| {
        let mut socket = server.socket();
        socket.hello(&json!({"token": bob.token, "epoch": epoch, "cursors": [[group, at]]}))
    };
    assert_eq!(hello(&server, &epoch, 1)["reset"], false);
    assert_eq!(hello(&server, &json!("0".repeat(32)), 1)["reset"], true);
    assert_eq!(hello(&server, &epoch, 1_000)["reset"], true, "a cursor above the head");
    assert_eq!(hello(&server, &Value::Null, u64::MAX)["reset"], true);
    server.restart();
    assert_eq!(hello(&server, &epoch, 1)["reset"], false, "a restart is the same history");
}

/// Everyone is connected while the server restarts, comes back with its cursor, and has all of it.
#[test]
fn a_restart_loses_nothing() {
    let (mut server, ann, bob, group) = scene();
    let mut socket = bob.socket();
    ann.say(group, "before");
    let (_, event) = socket.until_one(|frame| frame["kind"] == "message");
    let cursor = event["seq"].as_u64().expect("a seq");
    drop(socket);
    server.restart();
    ann.say(group, "after");
    let (mut socket, ready) = resume(&server, &bob, group, cursor);
    assert_eq!(ready["reset"], false);
    let missed = socket.expect("event");
    assert_eq!((&missed["seq"], &missed["body"]["text"]), (&json!(cursor + 1), &json!("after")));
}

pub(crate) fn send_long(sender: &mut Socket, room: RoomId) {
    let text = "x".repeat(TEXT_BYTES_MAX);
    let key = chinwag_testkit::server::fresh_key();
    sender.command(&json!({"type": "message.send", "room": room, "key": key, "text": text}));
}

/// Sends until someone who reads nothing has something waiting; how many messages it took. The
/// kernel takes some megabytes before the server's own queue begins to fill.
pub(crate) fn fill(server: &Server, sender: &mut Socket, room: RoomId) -> u64 {
    let waiting = |shard| server.figure(&format!(r#"chinwag_waiting_readers{{shard="{shard}"}}"#));
    let mut sent = 0;
    while waiting(0) + waiting(1) < 1.0 {
        for _ in 0..50 {
            send_long(sender, room);
            sent += 1;
        }
        assert!(sent < 5_000, "the kernel takes everything");
    }
    sent
}

/// What waited for a reader whose session is over is forgotten, and the socket with it.
#[test]
fn a_slow_reader_whose_session_is_over_gets_nothing_more() {
    let (server, ann, bob, group) = scene();
    let (mut slow, mut sender) = (bob.socket(), ann.socket());
    let sent = fill(&server, &mut sender, group);
    bob.request("POST", "/v1/auth/logout").expect(204);
    let mut heard = 0;
    loop {
        match slow.next() {
            Heard::Frame(_) => heard += 1,
            Heard::Ended => break,
            other => panic!("{other:?} waited with the rest"),
        }
    }
    assert!(heard < sent, "it read all {sent}");
}

/// Someone who does not read for a while costs a bounded memory, is told of the hole, and fills it.
#[test]
fn a_slow_reader_is_told_that_it_lags() {
    let (server, ann, bob, group) = scene();
    let cursor = bob.see(group)["head_seq"].as_u64().expect("a head");
    let mut slow = bob.socket();
    let mut sender = ann.socket();
    let mut sent = fill(&server, &mut sender, group);
    for _ in 0..OUTBOX_BYTES_MAX / TEXT_BYTES_MAX + 20 {
        send_long(&mut sender, group);
        sent += 1;
    }
    let waiting = server.figure(r#"chinwag_outbox_bytes{shard="0"}"#)
        + server.figure(r#"chinwag_outbox_bytes{shard="1"}"#);
    assert!(waiting <= 2.0 * OUTBOX_BYTES_MAX as f64, "{waiting} bytes wait");
    assert_eq!(server.figure("chinwag_forgotten_backlogs_total"), 1.0);
    // It reads on: first what was on its way, in order, then that it lags.
    let mut at = cursor;
    let head = loop {
        match slow.next() {
            Heard::Frame(frame) if frame["type"] == "event" => {
                at += 1;
                assert_eq!(frame["seq"], at);
            }
            Heard::Frame(frame) if frame["type"] == "receipt" => {}
            Heard::Frame(frame) if frame["type"] == "lagged" => {
                assert_eq!(frame["room"], json!(group));
                break frame["head_seq"].as_u64().expect("a head");
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(at < head && head <= cursor + sent, "{at} {head} {sent}");
    loop {
        let reply = slow.command(&json!({"type": "room.sync", "room": group, "after": at}));
        for frame in slow.caught_up(&bob) {
            if frame["seq"] == at + 1 {
                at += 1;
            }
        }
        if reply["more"] == false {
            break;
        }
    }
    assert_eq!(at, cursor + sent);
    assert_eq!(ann.say(group, "live again"), at + 1);
    let (_, live) = slow.until_one(|frame| frame["kind"] == "message");
    assert_eq!(live["seq"], at + 1);
}
