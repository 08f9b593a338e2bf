//! `/openapi.json` and `/asyncapi.json` are held to what the server does.

use std::collections::BTreeSet;

use chinwag_core::id::RoomId;
use chinwag_server::openapi::{Holds, ROUTES};
use chinwag_testkit::server::{Heard, Response, Server, User, fresh_key};
use serde_json::{Value, json};

use crate::schema::errors;

#[test]
fn both_documents_are_served() {
    let server = Server::start();
    let openapi = server.get("/openapi.json").expect(200);
    assert_eq!(openapi.header("content-type"), Some("application/json"));
    assert_eq!(openapi.json(), chinwag_server::openapi::document());
    assert_eq!(
        server.get("/asyncapi.json").expect(200).json(),
        chinwag_server::asyncapi::document()
    );
}

#[test]
fn every_route_is_described() {
    let document = chinwag_server::openapi::document();
    let paths = document["paths"].as_object().expect("an object");
    let described: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().into_iter().flatten();
            methods.map(move |(method, _)| format!("{} {path}", method.to_ascii_uppercase()))
        })
        .collect();
    let mut routes: BTreeSet<String> = ROUTES.iter().map(|route| format!("{route:?}")).collect();
    routes.insert("POST /v1/stream".to_owned());
    assert_eq!(described, routes);
}

/// A good request for each route; the last of the table's order may end what the others need.
fn ask(
    server: &Server,
    ann: &User,
    bob: &User,
    room: RoomId,
    method: &str,
    path: &str,
) -> Response {
    let spare = server
        .register(&format!("spare{}", fresh_key().to_string().replace('-', "").split_off(20)));
    let login = json!({"handle": spare.handle, "password": spare.password});
    let reset = || {
        let made = ann.request("POST", &format!("/v1/users/{}/reset", spare.id)).expect(201).json();
        let link = made["link"].as_str().unwrap_or_default().to_owned();
        link.split_once('=').map(|(_, token)| token.to_owned()).unwrap_or_default()
    };
    let session = || {
        let sessions = spare.get("/v1/sessions").expect(200).json();
        sessions["sessions"][0]["id"].as_str().unwrap_or_default().to_owned()
    };
    let invite = || {
        ann.request("POST", "/v1/invites").expect(201).json()["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let full = path.replace("{room}", &room.to_string()).replace("{user}", &bob.id.to_string());
    let request = match (method, path) {
        ("POST", "/v1/auth/register") => {
            let handle = format!("{}x", spare.handle);
            server.post(path, &json!({"handle": handle, "password": "correct horse battery"}))
        }
        ("POST", "/v1/auth/login") => server.post(path, &login),
        ("POST", "/v1/auth/refresh") => {
            server.post(path, &json!({"refresh_token": spare.refresh_token}))
        }
        ("POST", "/v1/auth/reset") => {
            server.post(path, &json!({"token": reset(), "new": "another horse"}))
        }
        ("POST", "/v1/auth/logout") => spare.request(method, path),
        ("POST", "/v1/auth/password") => {
            spare.post(path, &json!({"old": spare.password, "new": "another horse"}))
        }
        ("PATCH", "/v1/me") => ann.patch(path, &json!({"display_name": "Ann", "hue": 210})),
        ("DELETE", "/v1/me") => spare.delete(path).json(&json!({"password": spare.password})),
        ("GET", "/v1/users") => ann.get(&format!("{path}?handle=bob")),
        ("GET", "/v1/presence") => ann.get(&format!("{path}?users={}", bob.id)),
        ("DELETE", "/v1/sessions/{session}") => {
            spare.delete(&path.replace("{session}", &session()))
        }
        ("DELETE", "/v1/invites/{code}") => ann.delete(&path.replace("{code}", &invite())),
        ("PUT", "/v1/users/{user}/rank") => ann.put(&full, &json!({"rank": "member"})),
        ("POST", "/v1/rooms") => ann.post(path, &json!({"kind": "group", "name": "x"})),
        ("PATCH", "/v1/rooms/{room}") => ann.patch(&full, &json!({"name": "y"})),
        ("POST", "/v1/rooms/{room}/join") => {
            let channel = ann.channel("open");
            bob.request(method, &path.replace("{room}", &channel.to_string()))
        }
        ("POST", "/v1/rooms/{room}/leave") => {
            let group = ann.group("left", &[bob]);
            bob.request(method, &path.replace("{room}", &group.to_string()))
        }
        ("PUT", "/v1/rooms/{room}/members/{user}") => ann.put(&full, &json!({"role": "reader"})),
        ("DELETE", "/v1/rooms/{room}/members/{user}") => {
            let group = ann.group("thinned", &[bob]);
            let path = path.replace("{user}", &bob.id.to_string());
            ann.delete(&path.replace("{room}", &group.to_string()))
        }
        ("POST", "/v1/rooms/{room}/messages") => ann.post(&full, &json!({"text": "hi"})),
        ("DELETE", "/v1/rooms/{room}/messages/{seq}") => {
            let seq = ann.say(room, "gone");
            ann.delete(&full.replace("{seq}", &seq.to_string()))
        }
        ("PUT", _) => ann.put(&full, &json!({"read": 1, "on": true, "text": "half a wor"})),
        _ => ann.request(method, &full),
    };
    request.send()
}

/// The same for a route that is about an event stream, while there is one.
fn ask_about_a_stream(ann: &User, bob: &User, method: &str, path: &str) -> Response {
    let (_stream, ready) = ann.stream_ready();
    let path = path.replace("{stream}", ready["stream"].as_str().unwrap_or_default());
    ann.request(method, &path).json(&json!({"users": [bob.id]})).send()
}

/// Each route, asked well, answers with one of the statuses and the body that its description has;
/// asked badly, with a problem.
#[test]
fn every_route_answers_as_it_is_described() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.group("ours", &[&bob]);
    let gone = ann.say(room, "gone");
    ann.say(room, "here");
    ann.delete(&format!("/v1/rooms/{room}/messages/{gone}")).expect(201);
    ann.request("POST", "/v1/invites").expect(201);
    let _ = ann.direct(&bob);
    let document = chinwag_server::openapi::document();
    for route in ROUTES {
        let answer = match route.path.contains("{stream}") {
            true => ask_about_a_stream(&ann, &bob, route.method, route.path),
            false => ask(&server, &ann, &bob, room, route.method, route.path),
        };
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{route:?} answers {} {:.300}", answer.status, answer.text());
        match response["content"]["application/json"].get("schema") {
            Some(schema) => {
                assert_eq!(answer.header("content-type"), Some("application/json"), "{route:?}");
                let wrong = errors(&document, schema, &answer.json());
                assert!(wrong.is_empty(), "{route:?}: {wrong:?}");
            }
            None if answer.status == 204 => assert!(answer.body.is_empty(), "{route:?}"),
            None => assert!(!answer.body.is_empty(), "{route:?}"),
        }
        let refused = server.request("TRACE", route.path).expect(405);
        let schema =
            &operation["responses"]["default"]["content"]["application/problem+json"]["schema"];
        let wrong = errors(&document, schema, &refused.json());
        assert!(wrong.is_empty(), "the problem of {route:?}: {wrong:?}");
    }
}

/// Every query field of the table is one that the route knows: another value is refused by its name.
#[test]
fn every_query_field_is_read() {
    let server = Server::start();
    let ann = server.register("ann");
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        for (field, holds, _) in route.query {
            let path = route.path.replace("{room}", &ann.self_room().to_string());
            let answer = ann.get(&format!("{path}?{field}=%21")).send();
            assert_eq!(answer.status, 400, "{field} of {route:?}: {}", answer.text());
            assert_eq!(answer.json()["field"], *field, "{route:?}");
            if let Holds::UpTo(most) = holds {
                ann.get(&format!("{path}?{field}={most}")).expect(200);
                ann.get(&format!("{path}?{field}={}", most + 1)).expect(400);
            }
        }
    }
}

/// What a route cannot do without it asks for by name; a body that may be missing may be empty too.
#[test]
fn what_is_missing_is_named() {
    let server = Server::start();
    let ann = server.register("ann");
    let answer = ann.get("/v1/presence").expect(400).json();
    assert_eq!((&answer["field"], &answer["message"]), (&json!("users"), &json!("is missing")));
    ann.request("POST", "/v1/invites").body("application/json", Vec::new()).expect(201);
    let answer = ann.request("POST", "/v1/invites").body("text/plain", b"{}".to_vec()).expect(400);
    assert_eq!(answer.json()["field"], "content-type");
}

/// All that a socket can say, each frame by the description.
#[test]
fn every_frame_is_as_it_is_described() {
    let mut server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.group("ours", &[&bob]);
    for number in 0..101 {
        ann.say(room, &number.to_string());
    }
    let mut socket = server.socket();
    socket.send(&json!({"type": "hello", "token": ann.token, "cursors": [[room, 1]]}));
    for command in [
        json!({"type": "room.get", "ref": 7, "room": "0000000000007"}),
        json!({"type": "ping"}),
        json!({"type": "room.list", "ref": 1}),
        json!({"type": "room.get", "ref": 2, "room": room}),
        json!({"type": "room.sync", "ref": 3, "room": room, "after": 0, "limit": 5}),
        json!({"type": "message.send", "ref": 4, "room": room, "key": fresh_key(), "text": "hi"}),
        json!({"type": "message.delete", "ref": 5, "room": room, "key": fresh_key(), "target": 5}),
        json!({"type": "receipt.set", "ref": 6, "room": room, "read": 5}),
        json!({"type": "draft.set", "ref": 8, "room": room, "key": fresh_key(), "text": "h"}),
        json!({"type": "presence.watch", "users": [bob.id]}),
    ] {
        socket.send(&command);
    }
    let mut typing = bob.socket();
    typing.send(&json!({"type": "typing.set", "room": room, "on": true}));
    typing.send(&json!({"type": "ping"}));
    typing.until("pong");
    bob.patch("/v1/me", &json!({"hue": 7})).expect(200);
    // The answer to the last command that has one, then what it and the others led to.
    let (mut heard, answer) = socket.until_one(|frame| frame["ref"] == 6);
    heard.push(answer);
    heard.extend(socket.caught_up(&ann));
    bob.put(&format!("/v1/rooms/{room}/receipt"), &json!({"read": 5})).expect(204);
    let (before, receipt) = socket.until_one(|frame| frame["type"] == "receipt");
    heard.extend(before);
    heard.push(receipt);
    let stop = std::thread::spawn(move || {
        let drain = socket.until("drain");
        drop(typing);
        drain
    });
    server.stop();
    let drain = stop.join().expect("it heard");

    let document = chinwag_server::asyncapi::document();
    let schema = &document["components"]["messages"]["server"]["payload"];
    let mut seen = BTreeSet::new();
    for frame in heard.iter().chain([&drain]) {
        let wrong = errors(&document, schema, frame);
        assert!(wrong.is_empty(), "{wrong:?}: {frame}");
        seen.insert(frame["type"].as_str().unwrap_or_default().to_owned());
    }
    let schemas = &document["components"]["schemas"];
    let described: BTreeSet<String> = types(&schemas["ServerFrame"]);
    assert_eq!(seen, described, "every type that is described was heard");
}

/// The same on an event stream, its last word included.
#[test]
fn what_a_stream_says_is_as_it_is_described() {
    let server = Server::start();
    let ann = server.register("ann");
    let (mut stream, ready) = ann.stream_ready();
    ann.say(ann.self_room(), "hi");
    let event = stream.expect("event");
    ann.request("POST", "/v1/auth/logout").expect(204);
    let Heard::Closed(code, reason) = stream.next() else { panic!("it goes on") };
    let close = json!({"code": code, "reason": reason});
    let document = chinwag_server::asyncapi::document();
    let messages = &document["components"]["messages"];
    for (message, said) in [("server", &ready), ("server", &event), ("close", &close)] {
        let wrong = errors(&document, &messages[message]["payload"], said);
        assert!(wrong.is_empty(), "{wrong:?}: {said}");
    }
}

/// The `type` of each variant.
fn types(frames: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(frames, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    let names = value["properties"]["type"]["enum"].as_array();
    found.extend(names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    for part in ["oneOf", "allOf"] {
        value[part].as_array().into_iter().flatten().for_each(|part| collect(part, found));
    }
}
