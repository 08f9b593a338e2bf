//! Rooms: made, joined, left, and seen live by those whom it concerns.

use chinwag_testkit::server::{Server, fresh_key, id};
use serde_json::{Value, json};

use super::{heard_of, kinds_of, texts};

#[test]
fn there_is_one_direct_room_a_pair() {
    let server = Server::start();
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let mut sees = bob.socket();
    let make = |key: Value| json!({"key": key, "kind": "direct", "members": [bob.id]});
    let first = ann.post("/v1/rooms", &make(json!(fresh_key()))).expect(201).json();
    let room = id(&first["id"]);
    assert_eq!((&first["peer"], &first["name"]), (&json!(bob.id), &Value::Null));
    assert_eq!(
        ann.post("/v1/rooms", &make(json!(fresh_key()))).expect(200).json()["id"],
        first["id"]
    );
    let theirs = bob.post("/v1/rooms", &json!({"kind": "direct", "members": [ann.id]}));
    assert_eq!(theirs.expect(200).json()["peer"], json!(ann.id));
    assert_ne!(ann.direct(&eve), room);
    let heard = sees.caught_up(&bob);
    assert_eq!(kinds_of(bob.self_room(), &heard), ["room_added"]);
    assert_eq!(kinds_of(room, &heard), ["member_joined"], "from one's own joining on");
    for members in [json!([]), json!([ann.id]), json!([bob.id, eve.id]), json!(["0000000000007"])] {
        let body = json!({"kind": "direct", "members": members});
        assert_eq!(ann.post("/v1/rooms", &body).expect(400).json()["field"], "members");
    }
    // A pair that asks at once gets one room too.
    let [zoe, max] = server.register_all(["zoe", "max"]);
    let rooms = std::thread::scope(|scope| {
        let asks = [(&zoe, &max), (&max, &zoe), (&zoe, &max), (&max, &zoe)]
            .map(|(one, other)| scope.spawn(move || one.direct(other)));
        asks.map(|ask| ask.join().expect("it was answered"))
    });
    assert!(rooms.iter().all(|room| *room == rooms[0]), "{rooms:?}");
}

#[test]
fn the_same_key_makes_one_room() {
    let server = Server::start();
    let ann = server.register("ann");
    let body = json!({"key": fresh_key(), "kind": "group", "name": "ours"});
    let first = ann.post("/v1/rooms", &body).expect(201).json();
    assert_eq!(ann.post("/v1/rooms", &body).expect(200).json()["id"], first["id"]);
    let other = json!({"key": body["key"], "kind": "group", "name": "theirs"});
    assert_eq!(ann.post("/v1/rooms", &other).expect(409).code(), "key_conflict");
    let rooms = ann.get("/v1/rooms").expect(200).json();
    assert_eq!(rooms["rooms"].as_array().map(Vec::len), Some(3), "general, notes, ours");
}

#[test]
fn who_comes_and_goes_is_seen_live_by_the_right_people() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let (mut a, mut b, mut e) = (ann.socket(), bob.socket(), eve.socket());
    let group = ann.group("ours", &[]);
    ann.put_member(group, &bob, "member");
    ann.say(group, "welcome");
    ann.remove_member(group, &bob);
    ann.say(group, "without bob");
    ann.put_member(group, &bob, "reader");
    bob.leave(group);
    ann.say(group, "alone");

    let all = [
        "member_joined",
        "member_joined",
        "message",
        "member_left",
        "message",
        "member_joined",
        "member_left",
        "message",
    ];
    let heard = a.caught_up(&ann);
    assert_eq!(kinds_of(group, &heard), all);
    // Bob hears each joining and what follows until he has left; the leaving itself he does not see.
    let heard = b.caught_up(&bob);
    assert_eq!(
        heard_of(group, &heard),
        [
            (3, "member_joined".to_owned()),
            (4, "message".to_owned()),
            (7, "member_joined".to_owned()),
        ]
    );
    assert_eq!(
        kinds_of(bob.self_room(), &heard),
        ["room_added", "room_removed", "room_added", "room_removed"]
    );
    // One is told of the room before anything in it, and of its end after.
    let order: Vec<&str> = heard.iter().filter_map(|frame| frame["kind"].as_str()).collect();
    assert_eq!(order[0], "room_added");
    assert_eq!(order[order.len() - 1], "room_removed");
    assert!(kinds_of(group, &e.caught_up(&eve)).is_empty(), "eve is no member");
    bob.get(&format!("/v1/rooms/{group}")).expect(404);
}

#[test]
fn a_channel_is_found_joined_and_read_from_its_beginning() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let channel = ann.channel("news");
    ann.say(channel, "before bob");
    let mut sees = bob.socket();
    let listed = bob.get("/v1/rooms?listed=true").expect(200).json();
    let found = listed["rooms"].as_array().cloned().unwrap_or_default();
    let found = found.iter().find(|room| room["name"] == "news").expect("it is listed").clone();
    assert_eq!((&found["role"], &found["last"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&found["n"], &found["head_seq"]),
        (&json!(0), &json!(0)),
        "a stranger is told no figures"
    );
    bob.get(&format!("/v1/rooms/{channel}/messages")).expect(403);
    bob.join(channel);
    let joined = bob.see(channel);
    assert_eq!(
        joined["n"].as_u64().zip(joined["read_n"].as_u64()),
        Some((1, 1)),
        "joining is reading"
    );
    let page = bob.get(&format!("/v1/rooms/{channel}/messages")).expect(200).json();
    assert_eq!(texts(page["messages"].as_array().expect("a list")), ["before bob"]);
    ann.say(channel, "after bob");
    assert_eq!(kinds_of(channel, &sees.caught_up(&bob)), ["member_joined", "message"]);
    bob.request("POST", &format!("/v1/rooms/{channel}/join")).expect(403);
}

#[test]
fn a_group_hides_what_was_before_one_joined() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[]);
    let hidden = ann.say(group, "between us");
    ann.put_member(group, &bob, "member");
    ann.say(group, "hello bob");
    let all_of = |user: &chinwag_testkit::server::User| {
        let mut all = String::new();
        for path in
            ["messages", "events", "messages?after=0", "messages?around=1", "messages?before=4"]
        {
            all += &user.get(&format!("/v1/rooms/{group}/{path}")).expect(200).text();
        }
        let mut socket = server.socket();
        let ready = socket.hello(&json!({"token": user.token, "cursors": [[group, 0]]}));
        all += &ready.to_string();
        socket.command(&json!({"type": "room.sync", "room": group, "after": 0}));
        all += &json!(socket.caught_up(user)).to_string();
        all += &user.get("/v1/me/export").expect(200).text();
        all
    };
    assert!(all_of(&ann).contains("between us"));
    let seen = all_of(&bob);
    assert!(!seen.contains("between us") && seen.contains("hello bob"));
    // Nor can it be touched.
    bob.delete(&format!("/v1/rooms/{group}/messages/{hidden}")).expect(404);
    // The owner opens the past, and closes it again.
    let history =
        |history: &str| ann.patch(&format!("/v1/rooms/{group}"), &json!({"history": history}));
    history("all").expect(201);
    assert!(all_of(&bob).contains("between us"));
    history("since_join").expect(201);
    assert!(!all_of(&bob).contains("between us"));
    history("since_join").expect(204);
}

#[test]
fn settings_and_roles_are_told_and_hold_at_once() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    let mut sees = bob.socket();
    ann.patch(&format!("/v1/rooms/{group}"), &json!({"name": "theirs", "posting": "admins"}))
        .expect(201);
    let post = || bob.post(&format!("/v1/rooms/{group}/messages"), &json!({"text": "hi"}));
    post().expect(403);
    ann.put_member(group, &bob, "admin");
    post().expect(201);
    ann.put_member(group, &bob, "owner");
    ann.leave(group);
    let heard = sees.caught_up(&bob);
    assert_eq!(
        kinds_of(group, &heard),
        ["room_updated", "member_role", "message", "member_role", "member_left"]
    );
    assert_eq!(heard[0]["body"], json!({"name": "theirs", "posting": "admins"}));
    assert_eq!(bob.see(group)["role"], "owner");
    assert_eq!(bob.see(group)["members"], 1);
    // The last one out closes the door.
    bob.leave(group);
    bob.get(&format!("/v1/rooms/{group}")).expect(404);
}

#[test]
fn everyone_has_a_room_of_notes_and_general() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let (mut phone, mut laptop) = (ann.socket(), ann.sign_in().socket());
    let notes = ann.self_room();
    let seq = ann.say(notes, "milk");
    for socket in [&mut phone, &mut laptop] {
        let (_, event) = socket.until_one(|frame| frame["kind"] == "message");
        assert_eq!((&event["room"], &event["seq"]), (&json!(notes), &json!(seq)));
    }
    assert_eq!(ann.see(notes)["kind"], "self");
    bob.get(&format!("/v1/rooms/{notes}")).expect(404);
    assert_eq!(ann.general(), bob.general());
    assert_eq!(ann.see(ann.general())["role"], "owner", "the first account owns general");
    assert_eq!(bob.see(bob.general())["role"], "member");
}
