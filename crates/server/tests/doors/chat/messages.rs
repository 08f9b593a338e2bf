//! Messages: sent, retried, deleted, read.

use chinwag_core::limit::IN_FLIGHT_MAX;
use chinwag_testkit::server::{Server, Socket, User, fresh_key};
use serde_json::{Value, json};

use super::{heard_of, kinds_of, send, texts};

fn pair() -> (Server, User, User, chinwag_core::id::RoomId) {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    (server, ann, bob, group)
}

#[test]
fn what_is_said_through_either_door_is_heard_by_all_in_one_order() {
    let (_server, ann, bob, group) = pair();
    let mut sockets = [ann.socket(), ann.sign_in().socket(), bob.socket()];
    for number in 0..20 {
        let text = format!("message {number}");
        if number % 2 == 0 {
            ann.say(group, &text);
        } else {
            let mut own = bob.socket();
            assert_eq!(own.command(&send(group, &text))["type"], "reply");
        }
    }
    let heard = sockets.each_mut().map(|socket| {
        let mut heard: Vec<Value> = Vec::new();
        while heard.len() < 20 {
            let (_, event) = socket.until_one(|frame| frame["room"] == json!(group));
            heard.push(event);
        }
        heard
    });
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
    let seqs: Vec<u64> = heard_of(group, &heard[0]).into_iter().map(|(seq, _)| seq).collect();
    let first = seqs[0];
    assert_eq!(seqs, (first..first + 20).collect::<Vec<_>>());
    let wanted: Vec<String> = (0..20).map(|number| format!("message {number}")).collect();
    assert_eq!(texts(&heard[0]), wanted);
    // The log and the timeline say the same as the sockets.
    let page = bob.get(&format!("/v1/rooms/{group}/messages")).expect(200).json();
    assert_eq!(texts(page["messages"].as_array().expect("a list")), wanted);
}

#[test]
fn the_sender_hears_the_reply_then_the_event() {
    let (_server, ann, _, group) = pair();
    let mut socket = ann.socket();
    let mut command = send(group, "hi");
    command["ref"] = json!(7);
    socket.send(&command);
    let (reply, event) = (socket.frame(), socket.frame());
    assert_eq!((&reply["type"], &reply["ref"]), (&json!("reply"), &json!(7)));
    assert_eq!((&event["type"], &event["key"]), (&json!("event"), &command["key"]));
    for field in ["seq", "n", "id", "at_ms"] {
        assert_eq!(reply[field], event[field], "{field}");
    }
    assert_eq!(event["body"], json!({"text": "hi"}));
    assert_eq!(event["from"], json!(ann.id));
}

#[test]
fn the_same_key_gets_the_first_answer_through_either_door() {
    let (_server, ann, bob, group) = pair();
    let (mut socket, mut sees) = (ann.socket(), bob.socket());
    let command = send(group, "once");
    let body = json!({"key": command["key"], "text": "once"});
    let post = || ann.post(&format!("/v1/rooms/{group}/messages"), &body);
    let first = socket.command(&command);
    let again = socket.command(&command);
    let by_rest = post().expect(200).json();
    for field in ["seq", "n", "id", "at_ms"] {
        assert_eq!(first[field], again[field], "{field}");
        assert_eq!(first[field], by_rest[field], "{field}");
    }
    let other = json!({"key": command["key"], "text": "another"});
    ann.post(&format!("/v1/rooms/{group}/messages"), &other).expect(409);
    // A key is of one user and room: another's is another.
    let theirs =
        json!({"type": "message.send", "room": group, "key": command["key"], "text": "mine"});
    assert_eq!(bob.socket().command(&theirs)["type"], "reply");
    let heard = sees.caught_up(&bob);
    assert_eq!(kinds_of(group, &heard), ["message", "message"]);
    // And the other way round: first by REST, then on the socket.
    let body = json!({"key": fresh_key(), "text": "twice"});
    let posted = ann.post(&format!("/v1/rooms/{group}/messages"), &body).expect(201).json();
    let command =
        json!({"type": "message.send", "room": group, "key": body["key"], "text": "twice"});
    assert_eq!(socket.command(&command)["seq"], posted["seq"]);
}

#[test]
fn the_same_key_survives_a_restart() {
    let (mut server, ann, _, group) = pair();
    let body = json!({"key": fresh_key(), "text": "once"});
    let post = || ann.post(&format!("/v1/rooms/{group}/messages"), &body);
    let first = post().expect(201).json();
    server.restart();
    assert_eq!(post().expect(200).json(), first);
    assert_eq!(ann.see(group)["n"], 1);
}

/// Far more than may be in flight, of all that is answered in different ways.
#[test]
fn commands_are_answered_in_order() {
    let (_server, ann, _, group) = pair();
    let mut socket = ann.socket();
    let count = u64::from(IN_FLIGHT_MAX) * 4;
    let mut bytes_of = |number: u64| {
        let command = match number % 5 {
            0 => json!({"type": "room.sync", "room": group, "after": 0, "limit": 1}),
            1 => json!({"type": "room.get", "room": group}),
            2 => json!({"type": "no.such"}),
            _ => send(group, &number.to_string()),
        };
        socket.ask(&command)
    };
    let references: Vec<u64> = (0..count).map(&mut bytes_of).collect();
    let mut answered = Vec::new();
    while answered.len() < references.len() {
        let frame = socket.frame();
        answered.extend(frame["ref"].as_u64());
    }
    assert_eq!(answered, references);
}

/// A page read between two sends has the first and not the second.
#[test]
fn a_query_stands_between_the_commands_around_it() {
    let (_server, ann, _, group) = pair();
    let mut socket = ann.socket();
    let head = ann.see(group)["head_seq"].as_u64().expect("a head");
    let first = socket.ask(&send(group, "before"));
    let sync = socket.ask(&json!({"type": "room.sync", "room": group, "after": head}));
    let second = socket.ask(&send(group, "after"));
    assert_eq!(socket.answer(first)["seq"], head + 1);
    let reply = socket.answer(sync);
    assert_eq!((&reply["head_seq"], &reply["more"]), (&json!(head + 1), &json!(false)));
    assert_eq!(socket.answer(second)["seq"], head + 2);
}

#[test]
fn a_deleted_message_has_no_text_anywhere() {
    let (_server, ann, bob, group) = pair();
    let (mut sees, mut socket) = (bob.socket(), ann.socket());
    let seq = ann.say(group, "a slip of the tongue");
    let kept = ann.say(group, "kept");
    sees.caught_up(&bob);
    let delete =
        json!({"type": "message.delete", "room": group, "key": fresh_key(), "target": seq});
    let reply = socket.command(&delete);
    assert_eq!(reply["seq"], kept + 1);
    let heard = sees.caught_up(&bob);
    assert_eq!(heard[0]["kind"], "deletion");
    assert_eq!(heard[0]["body"], json!({"target": seq}));
    let page = bob.get(&format!("/v1/rooms/{group}/messages")).expect(200).json();
    let messages = page["messages"].as_array().expect("a list");
    let gone = messages.iter().find(|message| message["seq"] == seq).expect("its place stays");
    assert_eq!((&gone["body"], &gone["rev"]), (&Value::Null, &reply["seq"]));
    assert_eq!(texts(messages), ["kept"]);
    let log = bob.get(&format!("/v1/rooms/{group}/events")).expect(200).text();
    assert!(!log.contains("slip of the tongue"));
    // Again with the same key: the same answer. With another: there is nothing to change.
    assert_eq!(socket.command(&delete)["seq"], reply["seq"]);
    ann.delete(&format!("/v1/rooms/{group}/messages/{seq}")).expect(204);
    assert_eq!(ann.see(group)["n"], 2);
}

#[test]
fn what_is_unread_is_the_same_on_all_devices() {
    let (_server, ann, bob, group) = pair();
    let (mut phone, other) = (bob.socket(), bob.sign_in());
    let mut laptop = other.socket();
    let unread = |user: &User| {
        let room = user.see(group);
        room["n"].as_u64().unwrap_or_default() - room["read_n"].as_u64().unwrap_or_default()
    };
    let seqs: Vec<u64> = (0..5).map(|number| ann.say(group, &number.to_string())).collect();
    assert_eq!((unread(&ann), unread(&bob)), (0, 5), "sending is reading");
    let reply = phone.command(&json!({"type": "receipt.set", "room": group, "read": seqs[2]}));
    assert_eq!(reply["type"], "reply");
    assert_eq!(unread(&bob), 2);
    let (_, told) = laptop.until_one(|frame| frame["kind"] == "room_read");
    assert_eq!(told["room"], json!(bob.self_room()));
    assert_eq!(told["body"], json!({"room": group, "read_seq": seqs[2], "read_n": 3}));
    // It never goes back, and the same again is no event.
    for read in [seqs[0], seqs[2]] {
        other.put(&format!("/v1/rooms/{group}/receipt"), &json!({ "read": read })).expect(204);
    }
    assert_eq!(unread(&bob), 2);
    assert!(kinds_of(bob.self_room(), &laptop.caught_up(&bob)).is_empty());
    // A receipt without a ref is not answered.
    phone.send(&json!({"type": "receipt.set", "room": group, "read": seqs[4]}));
    let heard = phone.caught_up(&bob);
    assert!(heard.iter().all(|frame| frame["type"] != "reply"), "{heard:?}");
    assert_eq!(unread(&bob), 0);
    bob.socket().command(&send(group, "me too"));
    assert_eq!((unread(&ann), unread(&bob)), (1, 0));
}

#[test]
fn pages_of_history_fit_together() {
    let (_server, ann, bob, group) = pair();
    for number in 0..95 {
        ann.say(group, &number.to_string());
    }
    let page = |query: &str| -> Vec<Value> {
        let page = bob.get(&format!("/v1/rooms/{group}/messages?{query}")).expect(200).json();
        page["messages"].as_array().cloned().unwrap_or_default()
    };
    let seq = |event: &Value| event["seq"].as_u64().unwrap_or_default();
    let all = page("limit=100");
    let mut down: Vec<Value> = page("limit=7");
    loop {
        let older = page(&format!("limit=7&before={}", seq(&down[0])));
        if older.is_empty() {
            break;
        }
        down.splice(0..0, older);
    }
    let mut up: Vec<Value> = page("limit=7&after=0");
    loop {
        let newer = page(&format!("limit=7&after={}", up.last().map_or(0, seq)));
        if newer.is_empty() {
            break;
        }
        up.extend(newer);
    }
    assert_eq!(down, all);
    assert_eq!(up, all);
    let middle = seq(&all[40]);
    let around = page(&format!("limit=10&around={middle}"));
    assert_eq!(around, all[36..46], "half up to the point, half above it");
    let at_ms = |event: &Value| event["at_ms"].as_u64().unwrap_or_default();
    let since = at_ms(&all[40]);
    let first = all.iter().find(|event| at_ms(event) >= since).map_or(0, seq);
    let at = page(&format!("limit=10&at={since}"));
    assert_eq!(at, page(&format!("limit=10&around={first}")), "the same around the first of then");
    assert_eq!(page("limit=7&at=9007199254740991"), page("limit=7"), "nothing is so late");
    for (query, field) in
        [("at=-1", "at"), ("at=9223372036854775808", "at"), ("at=1&after=1", "before")]
    {
        let path = format!("/v1/rooms/{group}/messages?{query}");
        assert_eq!(bob.get(&path).expect(400).json()["field"], field, "{query}");
    }
    let both = bob.get(&format!("/v1/rooms/{group}/messages?before=3&after=1")).expect(400).json();
    assert_eq!(both["field"], "before");
}

/// A socket that says much and reads nothing for a while loses nothing of what it is owed.
#[test]
fn a_burst_is_answered_whole() {
    let (_server, ann, _, group) = pair();
    let mut socket: Socket = ann.socket();
    let references: Vec<u64> = (0..500).map(|_| socket.ask(&send(group, "x"))).collect();
    for reference in references {
        assert_eq!(socket.answer(reference)["type"], "reply");
    }
    assert_eq!(ann.see(group)["n"], 500);
}
