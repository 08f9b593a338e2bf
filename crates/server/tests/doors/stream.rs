//! The event stream: the same frames as on a WebSocket, under the same limits, and commands by REST.

use std::io::Write as _;
use std::time::{Duration, Instant};

use chinwag_core::id::RoomId;
use chinwag_core::limit::{CURSORS_MAX, FRAME_BYTES_MAX, OUTBOX_BYTES_MAX, TEXT_BYTES_MAX};
use chinwag_testkit::server::{DEADLINE, Exchange, Heard, Response, Server, Stream, User, Wire};
use serde_json::{Value, json};

use crate::resume::{fill, send_long};

fn scene() -> (Server, User, User, RoomId) {
    let server = Server::with(|raw| raw.shards = Some(2));
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    (server, ann, bob, group)
}

#[test]
fn it_says_what_a_socket_says() {
    for server in [Server::start(), Server::with_tls()] {
        let [ann, bob] = server.register_all(["ann", "bob"]);
        let group = ann.group("ours", &[&bob]);
        let (mut socket, mut by_socket) = bob.socket_ready();
        let (mut stream, mut by_stream) = bob.stream_ready();
        assert!(by_stream["stream"].is_string(), "{by_stream}");
        for ready in [&mut by_socket, &mut by_stream] {
            let ready = ready.as_object_mut().expect("an object");
            ready.remove("stream");
            ready.remove("now_ms");
        }
        assert_eq!(by_socket, by_stream);
        let seq = ann.say(group, "hi\n\u{2028}there");
        ann.delete(&format!("/v1/rooms/{group}/messages/{seq}")).expect(201);
        ann.put(&format!("/v1/rooms/{group}/typing"), &json!({"on": true})).expect(204);
        ann.remove_member(group, &bob);
        let (by_socket, by_stream) = (socket.caught_up(&bob), stream.caught_up(&bob));
        assert_eq!(by_socket.len(), 4, "{by_socket:?}");
        let last = by_stream.last().map(|frame| frame["body"]["text"].clone());
        assert_eq!(last, Some(json!("caught up?")), "the other's note came in between");
        assert_eq!(by_socket[..], by_stream[..by_stream.len() - 1]);
    }
}

#[test]
fn its_answer_is_not_kept_by_anyone_on_the_way() {
    for server in [Server::start(), Server::with_tls()] {
        let stream = server.register("ann").stream();
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(stream.answer.header(name), Some(value), "{name}");
        }
        assert!(stream.answer.header("date").is_some_and(|date| date.ends_with(" GMT")));
        assert_eq!(stream.answer.header("content-length"), None);
    }
}

#[test]
fn what_was_missed_comes_first() {
    let (_server, ann, bob, group) = scene();
    let cursor = bob.see(group)["head_seq"].as_u64().expect("a head");
    for number in 0..101 {
        ann.say(group, &number.to_string());
    }
    let resume = |after: u64| {
        let mut stream = Stream::open(bob.door(), &bob.stream_request(&json!([[group, after]])));
        stream.expect("ready");
        stream
    };
    let mut stream = resume(cursor + 1);
    for number in 2..=101 {
        assert_eq!(stream.expect("event")["seq"], cursor + number);
    }
    let lagged = resume(cursor).expect("lagged");
    assert_eq!((&lagged["room"], &lagged["head_seq"]), (&json!(group), &json!(cursor + 101)));
}

/// The field that a refused `hello` names.
fn refused(answer: &Response) -> (u16, Option<String>) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, answer.json()["field"].as_str().map(str::to_owned))
}

#[test]
fn a_bad_hello_is_refused_as_any_request_is() {
    let server = Server::start();
    let ann = server.register("ann");
    let ask = |hello: &Value| refused(&server.post("/v1/stream", hello).send());
    assert_eq!(ask(&json!({})), (400, Some("token".to_owned())));
    assert_eq!(ask(&json!({"token": ""})), (401, None));
    assert_eq!(ask(&json!({"token": "nonsense"})), (401, None));
    assert_eq!(ask(&json!({"token": 7})), (400, Some("token".to_owned())));
    assert_eq!(ask(&json!([])), (400, Some("body".to_owned())));
    let cursors = |count: usize| json!(vec![(ann.self_room(), 0); count]);
    let many = json!({"token": ann.token, "cursors": cursors(CURSORS_MAX + 1)});
    assert_eq!(ask(&many), (400, Some("cursors".to_owned())));
    let most = Stream::open(&server.door(), &ann.stream_request(&cursors(CURSORS_MAX)));
    assert_eq!(most.answer.status, 200);
    let long = json!({"token": ann.token, "more": "x".repeat(FRAME_BYTES_MAX)});
    assert_eq!(ask(&long), (413, None));
    let hello = json!({"token": ann.token});
    let plain = server.request("POST", "/v1/stream").body("text/plain", hello.to_string().into());
    assert_eq!(refused(&plain.send()), (400, Some("content-type".to_owned())));
    let foreign = server.post("/v1/stream", &hello).header("origin", "https://evil.example");
    assert_eq!(refused(&foreign.send()), (403, None));
    let got = server.get("/v1/stream").send();
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
    ann.request("POST", "/v1/auth/logout").expect(204);
    assert_eq!(ask(&hello), (401, None), "a session that is over");
}

/// Each kind of member, and who is none: what is heard is what one may see.
#[test]
fn nobody_hears_what_is_not_theirs() {
    let server = Server::start();
    let names = ["ann", "bob", "reader", "former", "outside"];
    let [ann, bob, reader, former, outside] = server.register_all(names);
    let group = ann.group("ours", &[&bob, &reader, &former]);
    ann.put_member(group, &reader, "reader");
    let mut streams = [&ann, &bob, &reader, &former, &outside].map(|user| (user, user.stream()));
    former.leave(group);
    ann.say(group, "hush");
    for (user, stream) in &mut streams {
        let heard = json!(stream.caught_up(user)).to_string();
        let inside = !["former", "outside"].contains(&user.handle.as_str());
        assert_eq!(heard.contains("hush"), inside, "{}", user.handle);
    }
    ann.remove_member(group, &bob);
    ann.say(group, "later");
    let (user, stream) = &mut streams[1];
    let heard = json!(stream.caught_up(user)).to_string();
    assert!(heard.contains("room_removed") && !heard.contains("later"), "{heard}");
}

#[test]
fn what_its_client_says_about_it_is_said_by_its_name() {
    let (server, ann, bob, group) = scene();
    let [eve] = server.register_all(["eve"]);
    let (mut stream, ready) = ann.stream_ready();
    let path = |what: &str| format!("/v1/stream/{}/{what}", ready["stream"].as_str().expect("one"));
    ann.request("POST", &path("ping")).expect(204);
    stream.expect("pong");
    let shows = bob.socket();
    let watch = json!({"users": [bob.id]});
    ann.put(&path("watch"), &watch).expect(204);
    let signal = stream.expect("signal");
    let online = json!({"type": "signal", "kind": "presence", "user": bob.id, "online": true});
    assert_eq!(signal, online);
    let named = json!({"users": vec![bob.id; 101]});
    let answer = ann.put(&path("watch"), &named).expect(400);
    assert_eq!(answer.json()["field"], "users");
    // Another's, another session's of the same user, one that is gone, a WebSocket's, and no name.
    eve.put(&path("watch"), &watch).expect(404);
    ann.sign_in().request("POST", &path("ping")).expect(404);
    for other in ["0-0-0", "7-0-0", "x", "0-fffffff-1"] {
        ann.request("POST", &format!("/v1/stream/{other}/ping")).expect(404);
    }
    ann.say(group, "no pong before this");
    assert_eq!(stream.expect("event")["kind"], "message");
    drop((stream, shows));
}

#[test]
fn without_chunks_the_connection_ends_the_body() {
    let (server, ann, bob, group) = scene();
    let request = bob.stream_request(&json!([])).bytes();
    let request = String::from_utf8(request).expect("ASCII").replace(" HTTP/1.1", " HTTP/1.0");
    let mut wire = Wire::connect(&server.door());
    wire.write_all(request.as_bytes()).expect("it is taken");
    let mut stream = Stream::of_answer(&server.door(), wire);
    assert_eq!(stream.answer.header("transfer-encoding"), None);
    stream.expect("ready");
    ann.say(group, "hi");
    assert_eq!(stream.expect("event")["body"]["text"], "hi");
    bob.request("POST", "/v1/auth/logout").expect(204);
    let reason = "no valid access token".to_owned();
    assert_eq!(stream.rest(), [Heard::Closed(Some(4401), reason)]);
}

#[test]
fn a_revoked_session_is_told_within_a_second() {
    let (_server, ann, bob, group) = scene();
    let (mut stream, since) = (bob.stream(), Instant::now());
    bob.request("POST", "/v1/auth/logout").expect(204);
    let reason = "no valid access token".to_owned();
    assert_eq!(stream.rest(), [Heard::Closed(Some(4401), reason), Heard::Whole]);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    ann.say(group, "to those who are there");
}

#[test]
fn who_leaves_by_a_drain_is_told_and_let_go() {
    let (mut server, ann, bob, group) = scene();
    let (mut stream, mut witness) = (bob.stream(), ann.socket());
    ann.say(group, "before");
    let stop = std::thread::spawn(move || server.stop());
    witness.until("drain");
    assert_eq!(stream.expect("event")["body"]["text"], "before");
    assert_eq!(stream.expect("drain")["within_ms"], 500);
    let reason = "come back".to_owned();
    assert_eq!(stream.rest(), [Heard::Closed(Some(1012), reason), Heard::Whole]);
    drop(witness);
    stop.join().expect("it stops");
}

/// During a drain nobody new is let in, by this door neither.
#[test]
fn a_node_that_leaves_takes_no_stream() {
    let mut server = Server::start();
    let ann = server.register("ann");
    let (mut witness, door) = (ann.socket(), server.door());
    let mut late = Wire::connect(&door);
    let stop = std::thread::spawn(move || server.stop());
    witness.until("drain");
    late.write_all(&ann.stream_request(&json!([])).bytes()).expect("it is taken");
    let mut heard = Vec::new();
    std::io::Read::read_to_end(&mut late, &mut heard).expect("an answer");
    let answer = Response::parse(&heard).expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
    drop(witness);
    stop.join().expect("it stops");
}

#[test]
fn one_connection_is_one_connection_in_all_counts() {
    let server = Server::start();
    let ann = server.register("ann");
    let count = |name: &str| server.figure(&format!(r#"{name}{{shard="0"}}"#));
    let opened = server.figure("chinwag_opened_sockets_total");
    let (stream, socket) = (ann.stream(), ann.socket());
    assert_eq!(server.figure("chinwag_opened_sockets_total"), opened + 2.0);
    let until = Instant::now() + DEADLINE;
    while (count("chinwag_connections"), count("chinwag_event_streams")) != (2.0, 1.0) {
        assert!(Instant::now() < until, "the figures of a second");
    }
    drop((stream, socket));
    while count("chinwag_connections") > 0.0 {
        assert!(Instant::now() < until, "who left is counted");
    }
}

/// What stands before the request on its connection is answered first, what stands behind it is let go.
#[test]
fn a_request_has_company_on_its_connection() {
    let (server, ann, bob, group) = scene();
    let mut wire = Wire::connect(&server.door());
    let before = bob.get("/v1/me").header("connection", "keep-alive").bytes();
    let request = bob.stream_request(&json!([])).header("connection", "keep-alive").bytes();
    let behind = bob.request("POST", "/v1/auth/logout").bytes();
    wire.write_all(&[before, request, behind].concat()).expect("it is taken");
    let first = Exchange::one(&server.door(), &mut wire);
    assert_eq!((first.status, &first.json()["handle"]), (200, &json!("bob")));
    let mut stream = Stream::of_answer(&server.door(), wire);
    stream.expect("ready");
    stream.wire().write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it is taken");
    ann.say(group, "hi");
    assert_eq!(stream.expect("event")["body"]["text"], "hi");
    bob.get("/v1/me").expect(200);
}

#[test]
fn a_slow_reader_lags_and_goes_on_by_the_same_stream() {
    let (server, ann, bob, group) = scene();
    let cursor = bob.see(group)["head_seq"].as_u64().expect("a head");
    let (mut slow, mut sender) = (bob.stream(), ann.socket());
    let mut sent = fill(&server, &mut sender, group);
    for _ in 0..OUTBOX_BYTES_MAX / TEXT_BYTES_MAX + 20 {
        send_long(&mut sender, group);
        sent += 1;
    }
    let waiting = server.figure(r#"chinwag_outbox_bytes{shard="0"}"#)
        + server.figure(r#"chinwag_outbox_bytes{shard="1"}"#);
    assert!(waiting <= 2.0 * OUTBOX_BYTES_MAX as f64, "{waiting} bytes wait");
    assert_eq!(server.figure("chinwag_forgotten_backlogs_total"), 1.0);
    let mut at = cursor;
    let head = loop {
        let frame = slow.frame();
        if frame["type"] == "lagged" {
            assert_eq!(frame["room"], json!(group));
            break frame["head_seq"].as_u64().expect("a head");
        }
        if frame["type"] == "receipt" {
            continue;
        }
        at += 1;
        assert_eq!((&frame["type"], &frame["seq"]), (&json!("event"), &json!(at)));
    };
    assert!(at < head && head <= cursor + sent, "{at} {head} {sent}");
    while at < cursor + sent {
        let page = bob.get(&format!("/v1/rooms/{group}/events?after={at}")).expect(200).json();
        for event in page["events"].as_array().expect("events") {
            at += 1;
            assert_eq!(event["seq"], at);
        }
    }
    let live = ann.say(group, "live again");
    let (_, event) = slow.until_one(|frame| frame["body"]["text"] == "live again");
    assert_eq!((live, &event["seq"]), (at + 1, &json!(at + 1)));
}

/// What waited for a reader whose session is over is forgotten, and the connection with it.
#[test]
fn a_slow_reader_whose_session_is_over_gets_nothing_more() {
    let (server, ann, bob, group) = scene();
    let (mut slow, mut sender) = (bob.stream(), ann.socket());
    let sent = fill(&server, &mut sender, group);
    bob.request("POST", "/v1/auth/logout").expect(204);
    let heard = slow.rest();
    assert!(!heard.iter().any(|it| matches!(it, Heard::Closed(..) | Heard::Whole)), "it waited");
    assert!((heard.len() as u64) < sent, "it read all {sent}");
}
