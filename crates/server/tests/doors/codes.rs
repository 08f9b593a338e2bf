//! Every error code on both doors, every close code. The lists are the wire's own: a code without a
//! case does not compile or fails.

use std::time::{Duration, Instant};

use chinwag_core::id::RoomId;
use chinwag_core::limit::{
    BATCH_MAX, FRAME_BYTES_MAX, FRAME_FRAGMENTS_MAX, IN_FLIGHT_MAX, WRITER_QUEUE_MAX,
};
use chinwag_proto::code::{CLOSE_CODES, CloseCode, ErrorCode};
use chinwag_proto::ws::Opcode;
use chinwag_testkit::server::{
    DEADLINE, Heard, PASSWORD, Request, Response, Server, Socket, User, fresh_key,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Ann owns a group in which bob may only read.
struct Scene {
    server: Server,
    ann: User,
    bob: User,
    group: RoomId,
    used: (chinwag_core::id::Key, &'static str),
}

impl Scene {
    fn new(rate_limits: bool) -> Self {
        let server = Server::with(|raw| raw.rate_limits = rate_limits);
        let [ann, bob] = server.register_all(["ann", "bob"]);
        let group = ann.group("ours", &[&bob]);
        ann.put_member(group, &bob, "reader");
        let used = (fresh_key(), "once");
        let path = format!("/v1/rooms/{group}/messages");
        ann.post(&path, &json!({"key": used.0, "text": used.1})).expect(201);
        Self { server, ann, bob, group, used }
    }

    fn path(&self) -> String {
        format!("/v1/rooms/{}/messages", self.group)
    }

    fn post(&self, text: &str) -> Request {
        self.ann.post(&self.path(), &json!({"key": fresh_key(), "text": text}))
    }

    fn send(&self, text: &str) -> Value {
        json!({"type": "message.send", "room": self.group, "key": fresh_key(), "text": text})
    }

    /// All that a refused request must leave as it is.
    fn state(&self) -> Value {
        let of = |user: &User| {
            json!([
                user.get("/v1/rooms").send().json()["rooms"],
                user.get("/v1/me").send().json(),
                user.get("/v1/sessions").send().json()["sessions"].as_array().map(Vec::len),
            ])
        };
        json!([of(&self.ann), of(&self.bob)])
    }

    /// Holds the database's write lock, as somebody's SQLite shell might.
    fn lock(&self) -> Connection {
        let shell = Connection::open(self.server.data().join("chinwag.db")).expect("it opens");
        shell.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        shell
    }
}

/// A problem as every refusal over REST is answered.
fn check_problem(code: ErrorCode, answer: &Response) {
    let body = answer.json();
    assert_eq!(answer.status, code.status(), "{code:?}: {body}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(body["code"], code.name());
    assert_eq!(body["status"], code.status());
    assert!(body["message"].as_str().is_some_and(|text| text.len() > 5), "{body}");
    let retries = matches!(code, ErrorCode::RateLimited | ErrorCode::Busy | ErrorCode::Unavailable);
    assert_eq!(body["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), retries, "{body}");
    let seconds = answer.header("retry-after").and_then(|text| text.parse::<u64>().ok());
    let wanted = body["retry_after_ms"].as_u64().map(|ms| ms.div_ceil(1000));
    assert_eq!(seconds, wanted, "Retry-After of {code:?}");
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge.is_some(), code == ErrorCode::Unauthorized, "{code:?}");
}

/// A request that is answered with this code, on a server that is well and has no rate limits.
fn rest(scene: &Scene, code: ErrorCode) -> Option<Response> {
    let (key, _) = scene.used;
    let request = match code {
        ErrorCode::Invalid => scene.post(""),
        ErrorCode::Unauthorized => scene.server.post(&scene.path(), &json!({"text": "hi"})),
        ErrorCode::Forbidden => scene.bob.post(&scene.path(), &json!({"text": "hi"})),
        ErrorCode::NotFound => {
            scene.ann.post("/v1/rooms/0000000000007/messages", &json!({"text": "hi"}))
        }
        ErrorCode::MethodNotAllowed => scene.ann.put("/v1/me", &json!({})),
        ErrorCode::KeyConflict => {
            scene.ann.post(&scene.path(), &json!({"key": key, "text": "other"}))
        }
        ErrorCode::Taken => {
            let body = json!({"handle": "ANN", "password": PASSWORD});
            scene.server.post("/v1/auth/register", &body)
        }
        ErrorCode::TooLarge => scene.post(&"x".repeat(FRAME_BYTES_MAX)),
        ErrorCode::RateLimited | ErrorCode::Busy | ErrorCode::Unavailable => return None,
    };
    Some(request.send())
}

/// What a socket hears: an error's code or the code of a close. None where a socket has no such case.
fn socket(scene: &Scene, code: ErrorCode) -> Option<String> {
    let (key, _) = scene.used;
    let mut ann = scene.ann.socket();
    let answer = match code {
        ErrorCode::Invalid => ann.command(&scene.send("")),
        ErrorCode::Unauthorized => {
            let mut stranger = scene.server.socket();
            stranger.send(&json!({"type": "hello", "token": "none"}));
            return Some(stranger.closed().to_string());
        }
        ErrorCode::Forbidden => scene.bob.socket().command(&scene.send("hi")),
        ErrorCode::NotFound => ann.command(&json!({"type": "room.get", "room": "0000000000007"})),
        ErrorCode::KeyConflict => ann.command(
            &json!({"type": "message.send", "room": scene.group, "key": key, "text": "other"}),
        ),
        ErrorCode::TooLarge => {
            ann.send(&scene.send(&"x".repeat(FRAME_BYTES_MAX)));
            return Some(ann.closed().to_string());
        }
        ErrorCode::MethodNotAllowed | ErrorCode::Taken => return None,
        ErrorCode::RateLimited | ErrorCode::Busy | ErrorCode::Unavailable => return None,
    };
    assert_eq!(answer["type"], "error", "{answer}");
    Some(answer["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn every_error_code_on_both_doors() {
    let scene = Scene::new(false);
    let before = scene.state();
    let events = scene.server.figure("chinwag_events_total");
    for &code in ErrorCode::ALL {
        if let Some(answer) = rest(&scene, code) {
            check_problem(code, &answer);
        }
        let wanted = match code {
            ErrorCode::Unauthorized => CloseCode::UNAUTHORIZED.to_string(),
            ErrorCode::TooLarge => CloseCode::TOO_BIG.to_string(),
            _ => code.name().to_owned(),
        };
        if let Some(heard) = socket(&scene, code) {
            assert_eq!(heard, wanted);
        }
        // What is refused changes nothing, and the next is taken.
        assert_eq!(scene.state(), before, "{code:?} changed something");
    }
    assert_eq!(scene.server.figure("chinwag_events_total"), events);
    scene.post("still there").expect(201);
}

#[test]
fn too_many_is_rate_limited_on_both_doors() {
    let scene = Scene::new(true);
    let refused = (0..100).map(|_| scene.post("more").send()).find(|answer| answer.status != 201);
    check_problem(ErrorCode::RateLimited, &refused.expect("a hundred are too many"));
    let mut ann = scene.ann.socket();
    let answer = ann.command(&scene.send("more"));
    assert_eq!(answer["code"], "rate_limited", "{answer}");
    assert!(answer["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0));
    // Others are not touched.
    let own = json!({"type": "message.send", "room": scene.bob.self_room(), "key": fresh_key(), "text": "hi"});
    assert_eq!(scene.bob.socket().command(&own)["type"], "reply");
}

/// The writer is held up and its queue is filled to the brim: what comes then is refused at once and
/// changes nothing, what was queued is answered, and in order.
#[test]
fn a_full_queue_is_busy_on_both_doors_and_loses_nothing() {
    let scene = Scene::new(false);
    let per_socket = IN_FLIGHT_MAX as usize;
    let count = (WRITER_QUEUE_MAX + BATCH_MAX).div_ceil(per_socket) + 1;
    let mut crowd: Vec<Socket> = (0..count).map(|_| scene.bob.socket()).collect();
    let mut ann = scene.ann.socket();
    let shell = scene.lock();
    let command =
        json!({"type": "message.delete", "room": "0000000000007", "key": fresh_key(), "target": 1});
    for socket in &mut crowd {
        for _ in 0..per_socket {
            socket.ask(&command);
        }
    }
    let until = Instant::now() + Duration::from_secs(4);
    while scene.server.figure(r#"chinwag_queue_depth{queue="writer"}"#) < WRITER_QUEUE_MAX as f64 {
        assert!(Instant::now() < until, "the queue was not filled before the lock gives way");
    }
    check_problem(ErrorCode::Busy, &scene.post("not now").send());
    let answer = ann.command(&scene.send("not now"));
    assert_eq!(answer["code"], "busy", "{answer}");
    assert!(answer["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0));
    drop(shell);
    for socket in &mut crowd {
        for reference in 1..=per_socket {
            let (_, answer) = socket.until_one(|frame| frame["type"] != "receipt");
            assert_eq!(answer["ref"], reference, "out of order: {answer}");
            assert!(answer["code"] == "not_found" || answer["code"] == "busy", "{answer}");
        }
    }
    assert_eq!(scene.ann.see(scene.group)["last"]["body"]["text"], scene.used.1);
    scene.post("now").expect(201);
}

/// The database refuses to be written for longer than the writer waits. The same key again does it
/// once it is back.
#[test]
fn a_database_out_of_reach_is_unavailable_on_both_doors() {
    let scene = Scene::new(false);
    let mut ann = scene.ann.socket();
    let (kept, sent) = (fresh_key(), fresh_key());
    let body = json!({"key": kept, "text": "by REST"});
    let send =
        json!({"type": "message.send", "room": scene.group, "key": sent, "text": "by socket"});
    let shell = scene.lock();
    let reference = ann.ask(&send);
    // What waits for the lock with others is not made to wait again alone.
    let crowd: Vec<u64> = (0..20).map(|_| ann.ask(&scene.send("lost"))).collect();
    check_problem(ErrorCode::Unavailable, &scene.ann.post(&scene.path(), &body).send());
    let answer = ann.answer(reference);
    assert!(crowd.into_iter().all(|reference| ann.answer(reference)["code"] == "unavailable"));
    assert_eq!(answer["code"], "unavailable", "{answer}");
    assert!(answer["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0));
    drop(shell);
    let posted = scene.ann.post(&scene.path(), &body).expect(201).json();
    assert_eq!(ann.command(&send)["type"], "reply");
    assert_eq!(scene.ann.post(&scene.path(), &body).expect(200).json(), posted);
}

/// More sign in at once than the hashing threads' queue holds.
#[test]
fn a_crowd_at_the_sign_in_is_busy() {
    let server = Server::start();
    let _ann = server.register("ann");
    let login = json!({"handle": "ann", "password": PASSWORD});
    let bytes = server.post("/v1/auth/login", &login).bytes();
    let mut crowd: Vec<std::net::TcpStream> = Vec::new();
    for _ in 0..2 * chinwag_core::limit::HASH_QUEUE_MAX + 100 {
        let mut stream = std::net::TcpStream::connect(server.address()).expect("it listens");
        std::io::Write::write_all(&mut stream, &bytes).expect("a request is taken");
        crowd.push(stream);
    }
    let mut answer = vec![0; 4_096];
    let last = crowd.last_mut().expect("a crowd");
    let length = std::io::Read::read(last, &mut answer).expect("the last is answered");
    let answer = String::from_utf8_lossy(&answer[..length]).to_lowercase();
    assert!(answer.starts_with("http/1.1 503") && answer.contains("retry-after:"), "{answer}");
    assert!(answer.contains(r#""code":"busy""#), "{answer}");
    drop(crowd);
    // Those who went away hold nobody up for long.
    let until = Instant::now() + DEADLINE;
    while server.post("/v1/auth/login", &login).send().status != 200 {
        assert!(Instant::now() < until, "nobody can sign in any more");
    }
}

/// Makes the server close with this code; false for one that it never sends.
fn close(server: &mut Server, ann: &User, code: CloseCode) -> bool {
    let mut socket = ann.socket();
    match code {
        CloseCode::NORMAL => socket.say(Opcode::Close, &1000_u16.to_be_bytes()),
        CloseCode::PROTOCOL => socket.say_bytes(b"\x81\x02hi"),
        CloseCode::UNSUPPORTED => socket.say(Opcode::Binary, b"{}"),
        CloseCode::INVALID_DATA => socket.say(Opcode::Text, b"\"\xff\""),
        CloseCode::POLICY => {
            socket.say_bytes(b"\x01\x80\0\0\0\0");
            socket.say_bytes(&b"\x00\x80\0\0\0\0".repeat(FRAME_FRAGMENTS_MAX));
        }
        CloseCode::TOO_BIG => socket.say(Opcode::Text, &vec![b' '; FRAME_BYTES_MAX + 1]),
        CloseCode::UNAUTHORIZED => {
            let other = ann.sign_in();
            socket = other.socket();
            other.request("POST", "/v1/auth/logout").expect(204);
        }
        CloseCode::RESTART => {
            let waits = std::thread::spawn(move || {
                assert_eq!(socket.expect("drain")["within_ms"], 500, "they are few");
                let code = socket.closed();
                drop(socket);
                code
            });
            server.restart();
            assert_eq!(waits.join().expect("it heard"), 1012);
            return true;
        }
        // Ten seconds and more: `absence.rs`.
        CloseCode::TIMED_OUT => return true,
        CloseCode::INTERNAL => return false,
        other => panic!("{other} has no case"),
    }
    let heard = socket.closed();
    assert_eq!(heard, code.number());
    socket.ended();
    true
}

#[test]
fn every_close_code() {
    let mut server = Server::start();
    let ann = server.register("ann");
    for (code, meaning) in CLOSE_CODES {
        if close(&mut server, &ann, *code) {
            continue;
        }
        // Promised for a later server; if this one sends it, it needs a case above.
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let found = mentions(std::path::Path::new(sources), "CloseCode::INTERNAL");
        assert!(!found, "{code} ({meaning}) is sent and has no case");
    }
    assert_eq!(ann.see(ann.general())["n"], 0);
}

fn mentions(folder: &std::path::Path, word: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("the sources are here");
    entries.filter_map(Result::ok).any(|entry| match entry.path() {
        path if path.is_dir() => mentions(&path, word),
        path => std::fs::read_to_string(path).is_ok_and(|text| text.contains(word)),
    })
}

#[test]
fn the_first_frame_is_hello() {
    let server = Server::start();
    let ann = server.register("ann");
    let long = "x".repeat(2_000);
    let firsts = [
        json!({"type": "ping"}).to_string(),
        json!({"type": "room.list", "ref": 1}).to_string(),
        json!({"type": "hello", "token": "none"}).to_string(),
        json!({"type": "hello", "token": long}).to_string(),
        json!({"type": "hello"}).to_string(),
        json!({"type": "hello", "token": ann.token, "cursors": [["x", 1]]}).to_string(),
        json!({"type": "hello", "token": ann.token, "epoch": 7}).to_string(),
        "[]".to_owned(),
        "hello".to_owned(),
        String::new(),
    ];
    for first in firsts {
        let mut socket = server.socket();
        socket.say(Opcode::Text, first.as_bytes());
        assert_eq!(socket.closed(), 4401, "{first:.80}");
    }
}

/// A `hello` that is nearly right is told what is wrong with it: it is no matter of the token.
#[test]
fn a_malformed_hello_names_the_field() {
    let server = Server::start();
    let ann = server.register("ann");
    let cases = [
        (json!({"cursors": [["x", 1]]}), "cursors[0][0]"),
        (json!({"cursors": 7}), "cursors"),
        (json!({"epoch": 7}), "epoch"),
    ];
    for (mut hello, field) in cases {
        hello["type"] = json!("hello");
        hello["token"] = json!(ann.token);
        let mut socket = server.socket();
        socket.send(&hello);
        let error = socket.expect("error");
        assert_eq!((&error["code"], &error["field"]), (&json!("invalid"), &json!(field)));
        assert!(matches!(socket.next(), Heard::Closed(Some(4401), _)));
    }
}

/// Where a request cannot become a WebSocket, the answer says what would be taken.
#[test]
fn a_refused_handshake_says_why() {
    let server = Server::start();
    let good = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let with = |method: &str, changed: &str, value: Option<&str>| {
        let mut request = server.request(method, "/v1/ws");
        for (name, usual) in good {
            match value {
                _ if name != changed => request = request.header(name, usual),
                Some(value) => request = request.header(name, value),
                None => {}
            }
        }
        request
    };
    let cases: [(&str, &str, Option<&str>, u16); 9] = [
        ("POST", "", None, 405),
        ("GET", "upgrade", None, 426),
        ("GET", "upgrade", Some("h2c"), 426),
        ("GET", "connection", Some("close"), 400),
        ("GET", "sec-websocket-version", Some("12"), 426),
        ("GET", "sec-websocket-version", None, 426),
        ("GET", "sec-websocket-key", None, 400),
        ("GET", "sec-websocket-key", Some("short"), 400),
        ("GET", "sec-websocket-protocol", Some("mqtt"), 400),
    ];
    for (method, changed, value, status) in cases {
        let mut request = with(method, changed, value);
        if changed == "sec-websocket-protocol" {
            request = request.header(changed, "mqtt");
        }
        let answer = request.expect(status);
        let body = answer.json();
        assert_eq!(body["status"], status, "{body}");
        let code = if status == 405 { "method_not_allowed" } else { "invalid" };
        assert_eq!(body["code"], code, "{body}");
        assert!(answer.header("content-security-policy").is_some());
        if status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        }
    }
}
