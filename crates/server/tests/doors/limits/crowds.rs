//! Limits that only many reach.

use chinwag_core::id::UserId;
use chinwag_core::limit::{
    INVITES_MAX, MEMBER_PAGE_MAX, ROOM_MEMBERS_AT_START_MAX, ROOM_PAGE_MAX, SESSIONS_PER_USER_MAX,
};
use chinwag_testkit::server::{Server, User};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<String> {
    let all = list.as_array().cloned().unwrap_or_default();
    let id = |one: &Value| one["id"].as_str().unwrap_or_default().to_owned();
    all.iter().map(id).collect()
}

/// All pages by REST, each at most a page long.
fn rooms_by_rest(user: &User, listed: bool) -> Vec<String> {
    let (mut all, mut query) = (Vec::new(), format!("?listed={listed}"));
    loop {
        let page = user.get(&format!("/v1/rooms{query}")).expect(200).json();
        let rooms = ids(&page["rooms"]);
        assert!(rooms.len() <= ROOM_PAGE_MAX);
        all.extend(rooms);
        match page["next"].as_str() {
            Some(next) => query = format!("?listed={listed}&after={next}"),
            None => return all,
        }
    }
}

#[test]
fn rooms_come_in_pages() {
    const ROOMS: usize = 250;
    let server = Server::start();
    let ann = server.register("ann");
    for number in 0..ROOMS {
        let _ = ann.channel(&format!("channel {number}"));
    }
    let by_rest = rooms_by_rest(&ann, false);
    // And `general`, and the room of notes.
    assert_eq!(by_rest.len(), ROOMS + 2);
    assert_eq!(rooms_by_rest(&ann, true).len(), ROOMS + 1);

    let (mut socket, ready) = ann.socket_ready();
    assert_eq!(ids(&ready["rooms"]).len(), ROOM_PAGE_MAX);
    assert_eq!(ready["more"], true);
    let (mut by_socket, mut next) = (ids(&ready["rooms"]), ready["next"].clone());
    let first = socket.command(&json!({"type": "room.list"}));
    assert_eq!(ids(&first["rooms"]), by_socket);
    while !next.is_null() {
        let page = socket.command(&json!({"type": "room.list", "after": next}));
        assert_eq!(page["more"], page["next"].is_string());
        by_socket.extend(ids(&page["rooms"]));
        next = page["next"].clone();
    }
    assert_eq!(by_socket, by_rest);
    by_socket.sort();
    by_socket.dedup();
    assert_eq!(by_socket.len(), ROOMS + 2, "a room comes twice");

    for after in ["x", "1", "1.x", "99999999999999999999.0000000000007", "-1.0000000000007"] {
        ann.get(&format!("/v1/rooms?after={after}")).expect(400);
        let answer = socket.command(&json!({"type": "room.list", "after": after}));
        assert_eq!(answer["field"], "after", "{answer}");
    }
}

#[test]
fn members_come_in_pages() {
    let server = Server::start();
    let ann = server.register("ann");
    let crowd: Vec<UserId> =
        (0..MEMBER_PAGE_MAX).map(|number| server.register(&format!("user{number}")).id).collect();
    let group = |members: &[UserId]| {
        ann.post("/v1/rooms", &json!({"kind": "group", "name": "crowd", "members": members}))
    };
    let first = &crowd[..ROOM_MEMBERS_AT_START_MAX];
    let over = group(&crowd[..=ROOM_MEMBERS_AT_START_MAX]).expect(400).json();
    assert_eq!(over["field"], "members", "{over}");
    let made = group(first).expect(201).json();
    assert_eq!(made["members"], ROOM_MEMBERS_AT_START_MAX + 1);

    // The channel that everyone is in has one more than a page.
    let path = format!("/v1/rooms/{}/members", ann.general());
    let page = ann.get(&path).expect(200).json();
    let users = |page: &Value| -> Vec<String> {
        let all = page["members"].as_array().cloned().unwrap_or_default();
        all.iter().map(|member| member["user"]["id"].to_string()).collect()
    };
    assert_eq!(users(&page).len(), MEMBER_PAGE_MAX);
    let next = page["next"].as_str().expect("there is one more");
    let last = ann.get(&format!("{path}?after={next}")).expect(200).json();
    assert_eq!((users(&last).len(), &last["next"]), (1, &Value::Null));
    assert!(!users(&page).contains(&users(&last)[0]));
    ann.get(&format!("{path}?after=x")).expect(400);
}

#[test]
fn the_session_idle_longest_makes_place() {
    let server = Server::start();
    let ann = server.register("ann");
    let second = ann.sign_in();
    // So the first was used last, and the second is the one idle longest.
    let body = json!({"refresh_token": ann.refresh_token});
    server.post("/v1/auth/refresh", &body).expect(200);
    let mut open = second.socket();
    for _ in 2..SESSIONS_PER_USER_MAX {
        let _ = ann.sign_in();
    }
    let count = |user: &User| {
        let sessions = user.get("/v1/sessions").expect(200).json();
        sessions["sessions"].as_array().map_or(0, Vec::len) as u64
    };
    assert_eq!(count(&second), SESSIONS_PER_USER_MAX);
    let last = ann.sign_in();
    assert_eq!(count(&last), SESSIONS_PER_USER_MAX);
    second.get("/v1/me").expect(401);
    assert_eq!(open.closed(), 4401);
    ann.get("/v1/me").expect(200);
}

#[test]
fn open_invites_are_bounded() {
    let server = Server::start();
    let ann = server.register("ann");
    let make = || ann.request("POST", "/v1/invites");
    let first = make().expect(201).json();
    for _ in 1..INVITES_MAX {
        make().expect(201);
    }
    assert_eq!(make().expect(403).code(), "forbidden");
    let code = first["code"].as_str().unwrap_or_default();
    ann.delete(&format!("/v1/invites/{code}")).expect(204);
    make().expect(201);
}
