//! People: accounts, sessions, passwords, and what is left when one goes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chinwag_core::limit::ACCESS_TOKEN_S;
use chinwag_testkit::server::{
    DEADLINE, Heard, PASSWORD, Response, Server, Socket, User, fresh_key,
};
use serde_json::{Value, json};

fn login(server: &Server, handle: &str, password: &str) -> Response {
    let body = json!({"handle": handle, "password": password, "refresh": "body"});
    server.post("/v1/auth/login", &body).send()
}

fn refresh(server: &Server, token: &Value) -> Response {
    server.post("/v1/auth/refresh", &json!({"refresh_token": token})).send()
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Response) -> String {
    let set = answer.header("set-cookie").expect("a cookie is set");
    set.split(';').next().unwrap_or_default().to_owned()
}

/// The socket is closed as unauthorized within a second.
fn assert_cut(socket: &mut Socket, since: Instant) {
    loop {
        match socket.next() {
            Heard::Closed(code, _) => {
                assert_eq!(code, Some(4401));
                assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
                return;
            }
            Heard::Ended => panic!("it ended without a word"),
            _ => {}
        }
    }
}

#[test]
fn the_first_account_owns_the_installation() {
    let server = Server::start();
    let installation = || server.get("/v1/installation").expect(200).json();
    assert_eq!(
        (&installation()["registration"], &installation()["empty"]),
        (&json!("open"), &json!(true))
    );
    assert!(server.welcome()[1].contains("will own"));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    assert_eq!(installation()["empty"], false);
    assert_eq!(ann.get("/v1/me").expect(200).json()["rank"], "owner");
    let me = bob.get("/v1/me").expect(200).json();
    assert_eq!((&me["rank"], &me["display_name"]), (&json!("member"), &json!("bob")));
    let taken = json!({"handle": " BOB ", "password": PASSWORD});
    assert_eq!(server.post("/v1/auth/register", &taken).expect(409).code(), "taken");
}

#[test]
fn of_many_who_want_a_handle_one_gets_it() {
    let server = Server::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let body = json!({"handle": "ann", "password": PASSWORD});
        let asks: Vec<_> = (0..8)
            .map(|_| server.post("/v1/auth/register", &body))
            .map(|request| scope.spawn(move || request.send().status))
            .collect();
        asks.into_iter().map(|ask| ask.join().expect("it was answered")).collect()
    });
    assert_eq!(statuses.iter().filter(|&&status| status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
}

#[test]
fn a_wrong_handle_and_a_wrong_password_are_answered_alike() {
    let server = Server::start();
    let _ann = server.register("ann");
    let wrong = login(&server, "ann", "not this one");
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "unauthorized"));
    for (handle, password) in
        [("nobody", PASSWORD), ("no such handle!", PASSWORD), ("ann", ""), ("", "")]
    {
        let other = login(&server, handle, password);
        assert_eq!((other.status, &other.body), (wrong.status, &wrong.body), "{handle}");
        assert!(other.header("set-cookie").is_none());
    }
    assert_eq!(login(&server, " Ann ", PASSWORD).status, 200);
}

#[test]
fn an_access_token_is_good_for_ten_minutes() {
    let server = Server::start();
    let _ann = server.register("ann");
    let tokens = login(&server, "ann", PASSWORD).json();
    assert_eq!(tokens["expires_in_s"], ACCESS_TOKEN_S);
}

#[test]
fn a_refresh_token_is_rotated_by_body_and_by_cookie() {
    let server = Server::start();
    let ann = server.register("ann");
    let first = login(&server, "ann", PASSWORD).json();
    let second = refresh(&server, &first["refresh_token"]).json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["user"]["id"], json!(ann.id));
    server.get("/v1/me").token(second["access_token"].as_str().unwrap_or_default()).expect(200);

    let body = json!({"handle": "ann", "password": PASSWORD});
    let answer = server.post("/v1/auth/login", &body).expect(200);
    assert_eq!(answer.json()["refresh_token"], Value::Null, "a cookie keeps it from scripts");
    let with =
        |cookie: &str| server.request("POST", "/v1/auth/refresh").header("cookie", cookie).send();
    let before = cookie(&answer);
    let next = with(&before);
    assert_eq!(next.status, 200);
    assert_ne!(cookie(&next), before);
    assert_eq!(with(&cookie(&next)).status, 200);
    assert_eq!(with("chinwag_other=x").status, 401);
    assert_eq!(refresh(&server, &json!("never given out")).status, 401);
    assert_eq!(server.request("POST", "/v1/auth/refresh").send().status, 401);
}

/// Two tabs, a lost answer: the last one used works once more, and gives another successor.
#[test]
fn the_previous_token_has_a_grace() {
    let server = Server::start();
    let _ann = server.register("ann");
    let first = login(&server, "ann", PASSWORD).json()["refresh_token"].clone();
    let second = refresh(&server, &first).json()["refresh_token"].clone();
    let other = refresh(&server, &first).json()["refresh_token"].clone();
    assert!(other.is_string() && other != second);
    assert_eq!(refresh(&server, &other).status, 200);
}

#[test]
fn a_token_used_twice_ends_the_session() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut stays = ann.socket();
    let device = ann.sign_in();
    let mut socket = device.socket();
    let first = json!(device.refresh_token);
    let second = refresh(&server, &first).json()["refresh_token"].clone();
    let third = refresh(&server, &second).json()["refresh_token"].clone();
    let since = Instant::now();
    assert_eq!(refresh(&server, &first).status, 401, "someone else has it");
    assert_cut(&mut socket, since);
    device.get("/v1/me").expect(401);
    assert_eq!(refresh(&server, &third).status, 401);
    assert!(stays.caught_up(&ann).is_empty(), "the other session stays");
}

#[test]
fn signing_out_ends_the_session_everywhere() {
    let mut server = Server::with(|raw| raw.shards = Some(2));
    let ann = server.register("ann");
    let device = ann.sign_in();
    let mut sockets = [device.socket(), device.socket(), device.socket()];
    let since = Instant::now();
    let answer = device.request("POST", "/v1/auth/logout").expect(204);
    assert!(answer.header("set-cookie").is_some_and(|set| set.contains("Max-Age=0")));
    for socket in &mut sockets {
        assert_cut(socket, since);
    }
    device.get("/v1/me").expect(401);
    assert_eq!(refresh(&server, &json!(device.refresh_token)).status, 401);
    drop(sockets);
    server.restart();
    device.get("/v1/me").expect(401);
    ann.get("/v1/me").expect(200);
}

/// The gate is passed with the header alone; a body may come long after it.
#[test]
fn a_session_that_ends_before_the_body_is_there_changes_nothing() {
    let server = Server::start();
    let ann = server.register("ann");
    let room = ann.self_room();
    let doors = [
        ("POST", format!("/v1/rooms/{room}/messages"), json!({"text": "too late"})),
        ("PUT", format!("/v1/rooms/{room}/typing"), json!({"on": true})),
    ];
    for (method, path, body) in doors {
        let device = ann.sign_in();
        let request = device.request(method, &path).json(&body);
        let bytes = request.header("expect", "100-continue").bytes();
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let mut stream = TcpStream::connect(server.address()).expect("the server listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket takes a timeout");
        stream.write_all(&bytes[..head]).expect("it is read");
        // Who asks is known, and now the body is asked for.
        let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut asked).expect("the body is asked for");
        device.request("POST", "/v1/auth/logout").expect(204);
        stream.write_all(&bytes[head..]).expect("it is read");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is answered");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{path}: {answer}");
    }
    assert_eq!(ann.see(room)["n"], 0);
}

#[test]
fn sessions_are_listed_and_revoked() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let body = json!({"handle": "ann", "password": PASSWORD, "refresh": "body"});
    let agent = "Browser 1.0 \t é";
    let device =
        server.post("/v1/auth/login", &body).header("user-agent", agent).expect(200).json();
    let mut socket = server.socket();
    socket.hello(&json!({"token": device["access_token"]}));
    let list = ann.get("/v1/sessions").expect(200).json();
    let list = list["sessions"].as_array().cloned().unwrap_or_default();
    assert_eq!(list.iter().filter(|session| session["current"] == true).count(), 1);
    let other = list.iter().find(|session| session["current"] == false).expect("the other");
    let label = other["label"].as_str().unwrap_or_default();
    assert!(
        label.starts_with("Browser 1.0") && label.bytes().all(|byte| (b' '..0x7f).contains(&byte)),
        "{label:?}"
    );
    let path = format!("/v1/sessions/{}", other["id"].as_str().unwrap_or_default());
    bob.delete(&path).expect(404);
    let since = Instant::now();
    ann.delete(&path).expect(204);
    assert_cut(&mut socket, since);
    ann.delete(&path).expect(404);
    assert_eq!(
        ann.get("/v1/sessions").expect(200).json()["sessions"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn another_password_ends_the_other_sessions() {
    let server = Server::start();
    let ann = server.register("ann");
    let other = ann.sign_in();
    let (mut mine, mut theirs) = (ann.socket(), other.socket());
    let change =
        |old: &str| ann.post("/v1/auth/password", &json!({"old": old, "new": "another horse"}));
    assert_eq!(change("not this one").expect(400).json()["field"], "old");
    other.get("/v1/me").expect(200);
    let since = Instant::now();
    change(PASSWORD).expect(204);
    assert_cut(&mut theirs, since);
    other.get("/v1/me").expect(401);
    assert!(mine.caught_up(&ann).is_empty());
    assert_eq!(login(&server, "ann", PASSWORD).status, 401);
    assert_eq!(login(&server, "ann", "another horse").status, 200);
}

#[test]
fn a_profile_is_changed_and_seen() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let patch = json!({"display_name": "  Ann\u{202e} of   the\u{7} Hill "});
    let me = ann.patch("/v1/me", &patch).expect(200).json();
    assert_eq!(me["display_name"], "Ann of the Hill");
    let seen = bob.get("/v1/users?handle=ANN").expect(200).json();
    assert_eq!(
        seen["users"][0],
        json!({"id": ann.id, "handle": "ann", "display_name": "Ann of the Hill"})
    );
    assert_eq!(ann.patch("/v1/me", &json!({})).expect(200).json(), me);
    bob.get("/v1/users?handle=nobody").expect(404);
    bob.get("/v1/users").expect(400);
    bob.get("/v1/users?handle=ann&ids=x").expect(400);
    ann.get("/v1/users?handle=ann&ranked=true").expect(400);
    ann.get("/v1/users?ranked=perhaps").expect(400);
}

#[test]
fn a_reset_link_works_once() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let make = || ann.request("POST", &format!("/v1/users/{}/reset", bob.id)).expect(201).json();
    let secret = |link: &Value| {
        let link = link["link"].as_str().unwrap_or_default().to_owned();
        link.split_once("#reset=").expect("the secret is behind #").1.to_owned()
    };
    let old = secret(&make());
    let made = make();
    let in_ms = made["expires_at_ms"].as_u64().unwrap_or_default();
    let now_ms = bob.socket_ready().1["now_ms"].as_u64().unwrap_or_default();
    let day_ms = 24 * 3_600_000;
    assert!((day_ms - 60_000..=day_ms).contains(&(in_ms - now_ms)));
    let set = |token: &str, new: &str| {
        server.post("/v1/auth/reset", &json!({"token": token, "new": new})).send()
    };
    assert_eq!(set(&old, "another horse").status, 400, "a newer link ends the older");
    let mut socket = bob.socket();
    let token = secret(&made);
    assert_eq!(set(&token, "short").json()["field"], "new", "and the link is not used up");
    let since = Instant::now();
    assert_eq!(set(&token, "another horse").status, 204);
    assert_cut(&mut socket, since);
    assert_eq!(set(&token, "a third horse").json()["field"], "token");
    assert_eq!(login(&server, "bob", PASSWORD).status, 401);
    assert_eq!(login(&server, "bob", "another horse").status, 200);
}

/// The log of what a user who left wrote stays, without a name.
#[test]
fn a_deleted_account_leaves_its_messages_and_nothing_else() {
    let mut server = Server::start();
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let group = bob.group("bob's", &[&ann, &eve]);
    bob.put_member(group, &eve, "admin");
    let direct = ann.direct(&bob);
    bob.say(group, "I was here");
    bob.say(direct, "between us");
    bob.say(bob.self_room(), "my diary");
    let (mut sees, mut own) = (ann.socket(), bob.socket());
    let delete = |password: &str| bob.delete("/v1/me").json(&json!({ "password": password }));
    assert_eq!(delete("not this one").expect(400).json()["field"], "password");
    let since = Instant::now();
    delete(PASSWORD).expect(204);
    assert_cut(&mut own, since);
    let heard = sees.caught_up(&ann);
    let left = heard.iter().filter(|frame| frame["kind"] == "member_left").count();
    assert_eq!(left, 3, "general, the group, the direct room: {heard:?}");
    assert_eq!(eve.see(group)["role"], "owner", "the admin takes the place of the last owner");
    for (room, text) in [(group, "I was here"), (direct, "between us")] {
        let page = ann.get(&format!("/v1/rooms/{room}/messages")).expect(200).text();
        assert!(page.contains(text));
        let members = ann.get(&format!("/v1/rooms/{room}/members")).expect(200).text();
        assert!(!members.contains(&bob.id.to_string()));
    }
    let seen = ann.get(&format!("/v1/users?ids={}", bob.id)).expect(200).json();
    assert_eq!(seen["users"][0]["handle"], "");
    assert!(!seen.to_string().contains("bob"));
    ann.get("/v1/users?handle=bob").expect(404);
    bob.get("/v1/me").expect(401);
    assert_eq!(login(&server, "bob", PASSWORD).status, 401);
    assert_eq!(refresh(&server, &json!(bob.refresh_token)).status, 401);
    // Another may take the handle, and is another.
    let again = server.register("bob");
    assert_ne!(again.id, bob.id);
    again.get(&format!("/v1/rooms/{group}")).expect(404);
    drop((sees, own));
    server.stop();
    let file = std::fs::read(server.data().join("chinwag.db")).expect("the database");
    let found = file.windows(8).any(|bytes| bytes == b"my diary");
    assert!(!found, "the diary is still in the file");
}

#[test]
fn the_installation_keeps_an_owner() {
    let server = Server::start();
    let ann = server.register("ann");
    let delete = |user: &User| user.delete("/v1/me").json(&json!({"password": PASSWORD})).send();
    let bob = server.register("bob");
    assert_eq!(delete(&ann).status, 403);
    ann.get("/v1/me").expect(200);
    let rank = |actor: &User, user: &User, rank: &str| {
        actor.put(&format!("/v1/users/{}/rank", user.id), &json!({ "rank": rank })).send()
    };
    assert_eq!(rank(&ann, &bob, "king").json()["field"], "rank");
    assert_eq!(rank(&ann, &ann, "member").status, 403, "nobody else owns it yet");
    assert_eq!(rank(&ann, &bob, "owner").status, 204);
    assert_eq!(bob.get("/v1/me").expect(200).json()["rank"], "owner");
    assert_eq!(delete(&ann).status, 204);
    assert_eq!(rank(&bob, &bob, "admin").status, 403, "now it is bob alone");
    assert_eq!(delete(&bob).status, 204);
    // Whoever comes then is the first again.
    let eve = server.register("eve");
    assert_eq!(eve.get("/v1/me").expect(200).json()["rank"], "owner");
}

#[test]
fn who_governs_is_listed_for_those_who_govern() {
    let server = Server::start();
    let [ann, bob, cid] = server.register_all(["ann", "bob", "cid"]);
    let rank = |user: &User, rank: &str| {
        ann.put(&format!("/v1/users/{}/rank", user.id), &json!({ "rank": rank })).expect(204);
    };
    let seen = |who: &User| {
        let users = who.get("/v1/users?ranked=true").expect(200).json()["users"].clone();
        let line = |user: &Value| format!("{} {}", user["handle"], user["rank"]).replace('"', "");
        users.as_array().into_iter().flatten().map(line).collect::<Vec<_>>()
    };
    assert_eq!(seen(&ann), ["ann owner"]);
    assert_eq!(bob.get("/v1/users?ranked=true").expect(403).json()["code"], "forbidden");
    rank(&bob, "admin");
    rank(&cid, "owner");
    assert_eq!(seen(&bob), ["ann owner", "cid owner", "bob admin"]);
    rank(&bob, "member");
    assert_eq!(seen(&cid), ["ann owner", "cid owner"]);
    bob.get("/v1/users?ranked=true").expect(403);
    cid.delete("/v1/me").json(&json!({"password": PASSWORD})).expect(204);
    assert_eq!(seen(&ann), ["ann owner"]);
    let other = bob.get("/v1/users?handle=ann").expect(200).json();
    assert_eq!(other["users"][0].get("rank"), None, "to others it is not told");
}

#[test]
fn an_export_has_all_that_is_mine() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    let texts: Vec<String> = (0..30).map(|number| format!("mine {number}")).collect();
    for text in &texts {
        ann.say(group, text);
        bob.say(group, "not mine");
    }
    let gone = ann.say(group, "deleted");
    let key = json!({"key": fresh_key()});
    ann.delete(&format!("/v1/rooms/{group}/messages/{gone}")).json(&key).expect(201);
    ann.say(ann.self_room(), "a note");
    ann.put(&format!("/v1/rooms/{group}/draft"), &json!({"text": "half a wor"})).expect(201);
    let left = bob.channel("left behind");
    ann.join(left);
    ann.leave(left);
    let invite = ann.post("/v1/invites", &json!({"uses": 2})).expect(201).json();
    let answer = ann.get("/v1/me/export").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert!(answer.header("content-disposition").is_some_and(|how| how.starts_with("attachment")));
    let lines: Vec<Value> = answer
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let of =
        |kind: &str| lines.iter().filter(|line| line["type"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!(of("account")[0]["account"]["handle"], "ann");
    assert_eq!((of("session").len(), of("room").len()), (1, 3));
    let drafts: Vec<Value> = of("room").iter().map(|line| line["draft"].clone()).collect();
    assert!(drafts.contains(&json!("half a wor")), "{drafts:?}");
    let (rooms_left, invites) = (of("room_left"), of("invite"));
    assert_eq!((rooms_left.len(), &rooms_left[0]["id"]), (1, &json!(left)));
    assert!(!answer.text().contains("left behind"), "its name is the room's");
    assert_eq!((invites.len(), &invites[0]["code"]), (1, &invite["code"]));
    let mut exported: Vec<String> = of("message")
        .iter()
        .filter_map(|line| line["message"]["body"]["text"].as_str().map(str::to_owned))
        .collect();
    exported.sort();
    let mut wanted = texts;
    wanted.push("a note".to_owned());
    wanted.sort();
    assert_eq!(exported, wanted);
}
