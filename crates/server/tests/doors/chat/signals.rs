//! What is true now and is not kept: typing, presence.

use chinwag_testkit::server::Server;
use serde_json::{Value, json};

fn signals(kind: &str, frames: &[Value]) -> Vec<Value> {
    let of_kind = |frame: &&Value| frame["type"] == "signal" && frame["kind"] == kind;
    frames.iter().filter(of_kind).cloned().collect()
}

#[test]
fn others_see_that_one_types_through_either_door() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let group = ann.group("ours", &[&bob]);
    let (mut a, mut b, mut e) = (ann.socket(), bob.socket(), eve.socket());
    a.send(&json!({"type": "typing.set", "room": group, "on": true}));
    a.send(&json!({"type": "ping"}));
    a.until("pong");
    ann.put(&format!("/v1/rooms/{group}/typing"), &json!({"on": false})).expect(204);
    let seen = signals("typing", &b.caught_up(&bob));
    let told = |on: bool| json!({"type": "signal", "kind": "typing", "room": group, "user": ann.id, "on": on});
    assert_eq!(seen, [told(true), told(false)]);
    assert!(signals("typing", &a.caught_up(&ann)).is_empty(), "not to oneself");
    assert!(signals("typing", &e.caught_up(&eve)).is_empty(), "not to strangers");
    assert_eq!(ann.see(group)["head_seq"], 3, "nothing of it is kept");
}

#[test]
fn a_new_profile_is_told_to_who_watches_and_to_ones_own_devices() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let (mut a, mut b, mut e) = (ann.socket(), bob.sign_in().socket(), eve.socket());
    a.send(&json!({"type": "presence.watch", "users": [bob.id]}));
    a.caught_up(&ann);
    assert_eq!(bob.get("/v1/me").expect(200).json().get("hue"), None, "none was chosen");
    let patch = |body: Value| bob.patch("/v1/me", &body);
    let me = patch(json!({"hue": 210})).expect(200).json();
    assert_eq!((&me["hue"], &me["display_name"]), (&json!(210), &json!("bob")));
    patch(json!({"display_name": "Bob B.", "hue": null})).expect(200);
    patch(json!({"display_name": "Bob B.", "hue": 210})).expect(200);
    patch(json!({})).expect(200);
    let told = |name: &str| json!({"type": "signal", "kind": "profile", "user": {"id": bob.id, "handle": "bob", "display_name": name, "hue": 210}});
    let both = [told("bob"), told("Bob B.")];
    assert_eq!(signals("profile", &a.caught_up(&ann)), both, "each change once");
    assert_eq!(signals("profile", &b.caught_up(&bob)), both);
    assert!(signals("profile", &e.caught_up(&eve)).is_empty(), "not to who does not look");
    let seen = ann.get("/v1/users?handle=bob").expect(200).json();
    assert_eq!(seen["users"][0], told("Bob B.")["user"]);
    for hue in [360, 65_536] {
        let refused = patch(json!({"hue": hue, "display_name": "B"})).expect(400).json();
        assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid"), &json!("hue")));
        assert_eq!(refused["message"], "must be 0 to 359");
    }
    assert_eq!(bob.get("/v1/me").expect(200).json()["display_name"], "Bob B.");
}

#[test]
fn whom_one_watches_is_told_now_and_when_it_changes() {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    eve.leave(eve.general());
    let mut a = ann.socket();
    a.send(&json!({"type": "presence.watch", "users": [bob.id, eve.id]}));
    let seen = signals("presence", &a.caught_up(&ann));
    let told = |online: bool| json!({"type": "signal", "kind": "presence", "user": bob.id, "online": online});
    assert_eq!(seen, [told(false)], "of eve, with whom ann shares no room, nothing");
    let (phone, _laptop, _eve) = (bob.socket(), bob.sign_in().socket(), eve.socket());
    let (_, came) = a.until_one(|frame| frame["kind"] == "presence");
    assert_eq!(came, told(true));
    drop(phone);
    assert!(signals("presence", &a.caught_up(&ann)).is_empty(), "a device is left");
    let asked = ann.get(&format!("/v1/presence?users={},{}", bob.id, eve.id)).expect(200).json();
    assert_eq!(asked, json!({"presence": [{"user": bob.id, "online": true}]}));
    // Another list replaces the first.
    a.send(&json!({"type": "presence.watch", "users": []}));
    a.send(&json!({"type": "presence.watch", "users": [bob.id]}));
    assert_eq!(signals("presence", &a.caught_up(&ann)), [told(true)]);
}

/// Who shares no room any more is watched no more; who still shares one is.
#[test]
fn a_stranger_again_is_watched_no_more() {
    let server = Server::start();
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    bob.leave(bob.general());
    let (first, second) = (ann.group("first", &[&bob]), eve.group("second", &[&ann, &bob]));
    let (mut a, mut e) = (ann.socket(), eve.socket());
    let is_presence = |frame: &Value| frame["kind"] == "presence";
    for socket in [&mut a, &mut e] {
        socket.send(&json!({"type": "presence.watch", "users": [bob.id]}));
        socket.until_one(is_presence);
    }
    ann.remove_member(first, &bob);
    let (_, told) = a.until_one(is_presence);
    assert_eq!((&told["user"], &told["online"]), (&json!(bob.id), &json!(false)));
    ann.leave(second);
    a.caught_up(&ann);
    let _bob = bob.socket();
    e.until_one(|frame| is_presence(frame) && frame["online"] == true);
    assert!(signals("presence", &a.caught_up(&ann)).is_empty(), "ann shares no room with bob");
}
