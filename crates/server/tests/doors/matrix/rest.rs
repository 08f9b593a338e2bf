//! The REST door's rows.

use chinwag_server::openapi::ROUTES;
use chinwag_testkit::server::{PASSWORD, Request, Stream};
use serde_json::{Value, json};

use super::world::{Object, PRINCIPALS, SECRET, World};
use super::{Row, check, row};

const OPEN: &str = "200 200 200 200 200 200 200 200 200 200";
const OPEN_INVALID: &str = "400 400 400 400 400 400 400 400 400 400";
const SIGNED_IN: &str = "401 200 200 200 200 200 200 200 401 200";
const MADE: &str = "401 201 201 201 201 201 201 201 401 201";
const DONE: &str = "401 204 204 204 204 204 204 204 401 204";
const INVALID: &str = "401 400 400 400 400 400 400 400 401 400";
const HIDDEN: &str = "401 404 404 404 404 404 404 404 401 404";

/// Columns: stranger, signed_in, not_yet, former, reader, member, admin, owner, revoked, host.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("GET /v1/installation", "", OPEN),
    row("GET /v1/addresses", "", SIGNED_IN),
    row("POST /v1/auth/register", "", OPEN_INVALID),
    row("POST /v1/auth/login", "", OPEN_INVALID),
    row("POST /v1/auth/refresh", "", "401 401 401 401 401 401 401 401 401 401"),
    row("POST /v1/auth/reset", "", OPEN_INVALID),
    row("POST /v1/auth/logout", "", DONE),
    row("POST /v1/auth/password", "wrong password", INVALID),
    row("GET /v1/me", "", SIGNED_IN),
    row("PATCH /v1/me", "", SIGNED_IN),
    row("DELETE /v1/me", "wrong password", INVALID),
    row("GET /v1/me/export", "", SIGNED_IN),
    row("GET /v1/sessions", "", SIGNED_IN),
    row("DELETE /v1/sessions/{session}", "own", DONE),
    row("DELETE /v1/sessions/{session}", "foreign", HIDDEN),
    row("DELETE /v1/sessions/{session}", "missing", HIDDEN),
    row("GET /v1/users", "by handle", SIGNED_IN),
    row("GET /v1/users", "by id", SIGNED_IN),
    row("GET /v1/users", "ranked",                "401 403 403 403 403 403 403 403 401 200"),
    row("GET /v1/presence", "", SIGNED_IN),
    row("PUT /v1/stream/{stream}/watch", "own", DONE),
    row("PUT /v1/stream/{stream}/watch", "foreign", HIDDEN),
    row("PUT /v1/stream/{stream}/watch", "missing", HIDDEN),
    row("POST /v1/stream/{stream}/ping", "own", DONE),
    row("POST /v1/stream/{stream}/ping", "foreign", HIDDEN),
    row("POST /v1/stream/{stream}/ping", "missing", HIDDEN),
    row("POST /v1/users/{user}/reset", "spare",   "401 403 403 403 403 403 403 403 401 201"),
    row("POST /v1/users/{user}/reset", "nobody",  "401 403 403 403 403 403 403 403 401 404"),
    row("PUT /v1/users/{user}/rank", "spare as admin",  "401 403 403 403 403 403 403 403 401 204"),
    row("PUT /v1/users/{user}/rank", "spare as member", "401 403 403 403 403 403 403 403 401 204"),
    row("PUT /v1/users/{user}/rank", "host as admin",   "401 403 403 403 403 403 403 403 401 403"),
    row("PUT /v1/users/{user}/rank", "nobody as owner", "401 403 403 403 403 403 403 403 401 404"),
    row("GET /v1/invites", "",                    "401 403 403 403 403 403 403 403 401 200"),
    row("POST /v1/invites", "",                   "401 403 403 403 403 403 403 403 401 201"),
    row("DELETE /v1/invites/{code}", "open",      "401 403 403 403 403 403 403 403 401 204"),
    row("DELETE /v1/invites/{code}", "missing",   "401 403 403 403 403 403 403 403 401 404"),
    row("GET /v1/rooms", "", SIGNED_IN),
    row("GET /v1/rooms", "listed", SIGNED_IN),
    row("POST /v1/rooms", "", MADE),

    row("GET /v1/rooms/{room}", "group",          "401 404 404 404 200 200 200 200 401 404"),
    row("GET /v1/rooms/{room}", "channel", SIGNED_IN),
    row("GET /v1/rooms/{room}", "direct",         "401 404 404 404 404 200 200 404 401 404"),
    row("GET /v1/rooms/{room}", "self",           "401 404 404 404 404 404 404 200 401 404"),
    row("GET /v1/rooms/{room}", "missing", HIDDEN),
    row("PATCH /v1/rooms/{room}", "group, name",     "401 404 404 404 403 403 201 201 401 404"),
    row("PATCH /v1/rooms/{room}", "group, settings", "401 404 404 404 403 403 403 201 401 404"),
    row("PATCH /v1/rooms/{room}", "channel, name",   "401 403 403 403 403 403 201 201 401 403"),
    row("PATCH /v1/rooms/{room}", "channel, settings", "401 403 403 403 403 403 403 201 401 403"),
    row("PATCH /v1/rooms/{room}", "direct, name",    "401 404 404 404 404 403 403 404 401 404"),
    row("PATCH /v1/rooms/{room}", "direct, settings", "401 404 404 404 404 403 403 404 401 404"),
    row("PATCH /v1/rooms/{room}", "self, name",      "401 404 404 404 404 404 404 403 401 404"),
    row("PATCH /v1/rooms/{room}", "missing, name", HIDDEN),
    row("POST /v1/rooms/{room}/join", "group",    "401 404 404 404 403 403 403 403 401 404"),
    row("POST /v1/rooms/{room}/join", "channel",  "401 201 201 201 403 403 403 403 401 201"),
    row("POST /v1/rooms/{room}/join", "direct",   "401 404 404 404 404 403 403 404 401 404"),
    row("POST /v1/rooms/{room}/join", "self",     "401 404 404 404 404 404 404 403 401 404"),
    row("POST /v1/rooms/{room}/join", "missing", HIDDEN),
    row("POST /v1/rooms/{room}/leave", "group",   "401 404 404 404 201 201 201 403 401 404"),
    row("POST /v1/rooms/{room}/leave", "channel", "401 403 403 403 201 201 201 403 401 403"),
    row("POST /v1/rooms/{room}/leave", "direct",  "401 404 404 404 404 403 403 404 401 404"),
    row("POST /v1/rooms/{room}/leave", "self",    "401 404 404 404 404 404 404 403 401 404"),
    row("POST /v1/rooms/{room}/leave", "missing", HIDDEN),
    row("GET /v1/rooms/{room}/members", "group",   "401 404 404 404 200 200 200 200 401 404"),
    row("GET /v1/rooms/{room}/members", "channel", "401 403 403 403 200 200 200 200 401 403"),
    row("GET /v1/rooms/{room}/members", "direct",  "401 404 404 404 404 200 200 404 401 404"),
    row("GET /v1/rooms/{room}/members", "self",    "401 404 404 404 404 404 404 200 401 404"),
    row("GET /v1/rooms/{room}/members", "missing", HIDDEN),

    row("PUT /v1/rooms/{room}/members/{user}", "group, spare as member",   "401 404 404 404 403 403 201 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, spare as reader",   "401 404 404 404 403 403 201 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, spare as admin",    "401 404 404 404 403 403 403 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, spare as owner",    "401 404 404 404 403 403 403 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, nobody as member",  "401 404 404 404 403 403 400 400 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, reader as member",  "401 404 404 404 403 403 201 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, reader as admin",   "401 404 404 404 403 403 403 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, member as reader",  "401 404 404 404 403 403 201 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, admin as member",   "401 404 404 404 403 403 403 201 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "group, owner as member",   "401 404 404 404 403 403 403 403 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "channel, spare as member", "401 403 403 403 403 403 201 201 401 403"),
    row("PUT /v1/rooms/{room}/members/{user}", "channel, spare as admin",  "401 403 403 403 403 403 403 201 401 403"),
    row("PUT /v1/rooms/{room}/members/{user}", "channel, reader as member", "401 403 403 403 403 403 201 201 401 403"),
    row("PUT /v1/rooms/{room}/members/{user}", "direct, spare as member",  "401 404 404 404 404 403 403 404 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "direct, member as owner",  "401 404 404 404 404 403 403 404 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "self, spare as member",    "401 404 404 404 404 404 404 403 401 404"),
    row("PUT /v1/rooms/{room}/members/{user}", "missing, spare as member", HIDDEN),

    row("DELETE /v1/rooms/{room}/members/{user}", "group, reader",   "401 404 404 404 201 403 201 201 401 404"),
    row("DELETE /v1/rooms/{room}/members/{user}", "group, member",   "401 404 404 404 403 201 201 201 401 404"),
    row("DELETE /v1/rooms/{room}/members/{user}", "group, admin",    "401 404 404 404 403 403 201 201 401 404"),
    row("DELETE /v1/rooms/{room}/members/{user}", "group, owner",    "401 404 404 404 403 403 403 403 401 404"),
    row("DELETE /v1/rooms/{room}/members/{user}", "group, spare", HIDDEN),
    row("DELETE /v1/rooms/{room}/members/{user}", "channel, member", "401 403 403 403 403 201 201 201 401 403"),
    row("DELETE /v1/rooms/{room}/members/{user}", "channel, spare",  "401 403 403 403 404 404 404 404 401 403"),
    row("DELETE /v1/rooms/{room}/members/{user}", "direct, member",  "401 404 404 404 404 403 403 404 401 404"),
    row("DELETE /v1/rooms/{room}/members/{user}", "self, owner",     "401 404 404 404 404 404 404 403 401 404"),
    row("DELETE /v1/rooms/{room}/members/{user}", "missing, member", HIDDEN),

    row("GET /v1/rooms/{room}/messages", "group",    "401 404 404 404 200 200 200 200 401 404"),
    row("GET /v1/rooms/{room}/messages", "channel",  "401 403 403 403 200 200 200 200 401 403"),
    row("GET /v1/rooms/{room}/messages", "direct",   "401 404 404 404 404 200 200 404 401 404"),
    row("GET /v1/rooms/{room}/messages", "self",     "401 404 404 404 404 404 404 200 401 404"),
    row("GET /v1/rooms/{room}/messages", "missing", HIDDEN),
    row("POST /v1/rooms/{room}/messages", "group",   "401 404 404 404 403 201 201 201 401 404"),
    row("POST /v1/rooms/{room}/messages", "group where admins post", "401 404 404 404 403 403 201 201 401 404"),
    row("POST /v1/rooms/{room}/messages", "channel", "401 403 403 403 403 201 201 201 401 403"),
    row("POST /v1/rooms/{room}/messages", "direct",  "401 404 404 404 404 201 201 404 401 404"),
    row("POST /v1/rooms/{room}/messages", "self",    "401 404 404 404 404 404 404 201 401 404"),
    row("POST /v1/rooms/{room}/messages", "missing", HIDDEN),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "group",   "401 404 404 404 403 201 201 201 401 404"),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "channel", "401 403 403 403 403 201 201 201 401 403"),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "direct",  "401 404 404 404 404 201 403 404 401 404"),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "self",    "401 404 404 404 404 404 404 201 401 404"),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "missing", HIDDEN),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "group, no message", HIDDEN),
    row("DELETE /v1/rooms/{room}/messages/{seq}", "channel, no message", "401 403 403 403 404 404 404 404 401 403"),
    row("GET /v1/rooms/{room}/events", "group",      "401 404 404 404 200 200 200 200 401 404"),
    row("GET /v1/rooms/{room}/events", "channel",    "401 403 403 403 200 200 200 200 401 403"),
    row("GET /v1/rooms/{room}/events", "direct",     "401 404 404 404 404 200 200 404 401 404"),
    row("GET /v1/rooms/{room}/events", "self",       "401 404 404 404 404 404 404 200 401 404"),
    row("GET /v1/rooms/{room}/events", "missing", HIDDEN),
    row("GET /v1/rooms/{room}/receipts", "group",    "401 404 404 404 200 200 200 200 401 404"),
    row("GET /v1/rooms/{room}/receipts", "channel",  "401 403 403 403 200 200 200 200 401 403"),
    row("GET /v1/rooms/{room}/receipts", "direct",   "401 404 404 404 404 200 200 404 401 404"),
    row("GET /v1/rooms/{room}/receipts", "self",     "401 404 404 404 404 404 404 200 401 404"),
    row("GET /v1/rooms/{room}/receipts", "missing", HIDDEN),
    row("PUT /v1/rooms/{room}/receipt", "group",     "401 404 404 404 204 204 204 204 401 404"),
    row("PUT /v1/rooms/{room}/receipt", "channel",   "401 403 403 403 204 204 204 204 401 403"),
    row("PUT /v1/rooms/{room}/receipt", "direct",    "401 404 404 404 404 204 204 404 401 404"),
    row("PUT /v1/rooms/{room}/receipt", "self",      "401 404 404 404 404 404 404 204 401 404"),
    row("PUT /v1/rooms/{room}/receipt", "missing", HIDDEN),
    row("PUT /v1/rooms/{room}/draft", "group",       "401 404 404 404 201 201 201 201 401 404"),
    row("PUT /v1/rooms/{room}/draft", "group where admins post", "401 404 404 404 201 201 201 201 401 404"),
    row("PUT /v1/rooms/{room}/draft", "channel",     "401 403 403 403 201 201 201 201 401 403"),
    row("PUT /v1/rooms/{room}/draft", "direct",      "401 404 404 404 404 201 201 404 401 404"),
    row("PUT /v1/rooms/{room}/draft", "self",        "401 404 404 404 404 404 404 201 401 404"),
    row("PUT /v1/rooms/{room}/draft", "missing", HIDDEN),
    row("PUT /v1/rooms/{room}/typing", "group",      "401 404 404 404 403 204 204 204 401 404"),
    row("PUT /v1/rooms/{room}/typing", "group where admins post", "401 404 404 404 403 403 204 204 401 404"),
    row("PUT /v1/rooms/{room}/typing", "channel",    "401 403 403 403 403 204 204 204 401 403"),
    row("PUT /v1/rooms/{room}/typing", "direct",     "401 404 404 404 404 204 204 404 401 404"),
    row("PUT /v1/rooms/{room}/typing", "self",       "401 404 404 404 404 404 404 204 401 404"),
    row("PUT /v1/rooms/{room}/typing", "missing", HIDDEN),

    row("GET /metrics", "", OPEN),
    row("GET /livez", "", OPEN),
    row("GET /readyz", "", OPEN),
    row("GET /openapi.json", "", OPEN),
    row("GET /asyncapi.json", "", OPEN),
];

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes: Vec<String> = ROUTES.iter().map(|route| format!("{route:?}")).collect();
    for route in &routes {
        let found = ROWS.iter().any(|row| row.what == route);
        assert!(found, "{route} has no row in the matrix");
    }
    for row in ROWS {
        assert!(routes.iter().any(|route| route == row.what), "{} is no route", row.what);
    }
}

#[test]
fn every_route_answers_each_principal_as_the_table_says() {
    let world = World::new();
    let mut wrong = Vec::new();
    for row in ROWS {
        let mut object = None;
        for (name, expected) in PRINCIPALS.iter().zip(row.cells()) {
            let to = *object.get_or_insert_with(|| object_of(&world, row));
            let stream = stream(&world, row, name);
            let to_stream = stream.as_ref().map_or("0-ffffff-1", |(_, name)| name);
            let answer = request(&world, row, name, to, to_stream).send();
            if answer.status.to_string() != expected {
                let cell = format!("{} [{}] as {name}", row.what, row.to);
                wrong.push(format!(
                    "{cell}: {} for {expected} {:.200}",
                    answer.status,
                    answer.text()
                ));
            }
            if answer.status == 404 && row.what.contains("{room}") {
                let other = request(&world, row, name, World::missing(), to_stream).send();
                assert_eq!(answer.body, other.body, "{} [{}] tells {name}", row.what, row.to);
            }
            let tells = answer.status >= 400 && answer.text().contains(SECRET);
            assert!(!tells, "{} tells {name}: {}", row.what, answer.text());
            // What was done must not decide the next cell.
            if answer.status < 300 && !row.what.starts_with("GET") {
                object = None;
            }
        }
    }
    check(&wrong);
}

fn object_of(world: &World, row: &Row) -> Object {
    if !row.what.contains("{room}") {
        return World::missing();
    }
    let kind = row.to.split([',', ' ']).next().unwrap_or_default();
    let mut object = world.room(kind);
    if row.to.ends_with("where admins post") {
        let path = format!("/v1/rooms/{}", object.room);
        let patch = json!({"posting": "admins"});
        world.user("owner").patch(&path, &patch).expect(201);
    }
    if row.to.ends_with("no message") {
        object.seq = 1_000_000;
    }
    object
}

/// The request of one cell.
fn request(world: &World, row: &Row, name: &str, object: Object, stream: &str) -> Request {
    let (method, template) = row.what.split_once(' ').expect("a method and a path");
    let mut path = template
        .replace("{room}", &object.room.to_string())
        .replace("{seq}", &object.seq.to_string())
        .replace("{user}", &target(world, row).0)
        .replace("{stream}", stream)
        .replace("{code}", &code(world, row));
    let mut token = world.token(name).map(str::to_owned);
    if row.what.ends_with("/logout") || row.what.contains("{session}") && row.to == "own" {
        let (path_of, fresh) = own_session(world, name, template);
        path = path_of;
        token = fresh.or(token);
    }
    path = path.replace("{session}", &session(world, row));
    path.push_str(&query(world, row));
    let mut request = world.server.request(method, &path);
    if let Some(token) = &token {
        request = request.token(token);
    }
    match body(world, row) {
        Some(body) => request.json(&body),
        None => request,
    }
}

/// An event stream of the principal or of somebody else, and its name.
fn stream(world: &World, row: &Row, name: &str) -> Option<(Stream, String)> {
    let whose = match row.to {
        "own" => world.valid(name)?,
        "foreign" => world.user("spare"),
        _ => return None,
    };
    let is_about_streams = row.what.contains("{stream}");
    is_about_streams.then(|| {
        let (stream, ready) = whose.stream_ready();
        (stream, ready["stream"].as_str().unwrap_or_default().to_owned())
    })
}

/// A session that may end without ending the principal's own.
fn own_session(world: &World, name: &str, template: &str) -> (String, Option<String>) {
    let Some(user) = world.valid(name) else {
        let path = template.replace("{session}", &World::no_session().to_string());
        return (path, None);
    };
    let other = user.sign_in();
    let sessions = other.get("/v1/sessions").expect(200).json();
    let sessions = sessions["sessions"].as_array().cloned().unwrap_or_default();
    let current = sessions.iter().find(|session| session["current"] == true);
    let id = current.expect("it is listed")["id"].as_str().unwrap_or_default().to_owned();
    let token = template.ends_with("/logout").then_some(other.token);
    (template.replace("{session}", &id), token)
}

fn session(world: &World, row: &Row) -> String {
    if row.to != "foreign" {
        return World::no_session().to_string();
    }
    let sessions = world.user("spare").get("/v1/sessions").expect(200).json();
    sessions["sessions"][0]["id"].as_str().unwrap_or_default().to_owned()
}

/// The user whom a case is about, and the role that is given.
fn target(world: &World, row: &Row) -> (String, Option<&'static str>) {
    let what = row.to.split(", ").last().unwrap_or_default();
    let (name, role) = match what.split_once(" as ") {
        Some((name, role)) => (name, Some(role)),
        None => (what, None),
    };
    let id = match name {
        "spare" | "reader" | "member" | "admin" | "owner" | "host" => world.user(name).id,
        _ => World::nobody(),
    };
    (id.to_string(), role)
}

fn code(world: &World, row: &Row) -> String {
    if row.to != "open" {
        return "no-such-code".to_owned();
    }
    let made = world.user("host").request("POST", "/v1/invites").expect(201);
    made.json()["code"].as_str().unwrap_or_default().to_owned()
}

fn query(world: &World, row: &Row) -> String {
    let spare = world.user("spare").id;
    match (row.what, row.to) {
        ("GET /v1/users", "by handle") => "?handle=spare".to_owned(),
        ("GET /v1/users", "ranked") => "?ranked=true".to_owned(),
        ("GET /v1/users", _) => format!("?ids={spare}"),
        ("GET /v1/presence", _) => format!("?users={spare}"),
        ("GET /v1/rooms", "listed") => "?listed=true".to_owned(),
        _ => String::new(),
    }
}

fn body(world: &World, row: &Row) -> Option<Value> {
    let (method, path) = row.what.split_once(' ').expect("a method and a path");
    Some(match (method, path) {
        ("POST", "/v1/auth/register" | "/v1/auth/login" | "/v1/auth/reset") => json!({}),
        ("POST", "/v1/auth/password") => json!({"old": "not this one", "new": PASSWORD}),
        ("PATCH", "/v1/me") => json!({}),
        ("DELETE", "/v1/me") => json!({"password": "not this one"}),
        ("POST", "/v1/rooms") => json!({"kind": "group", "name": "new"}),
        ("PATCH", _) if row.to.ends_with("settings") => {
            json!({"history": "all", "posting": "admins"})
        }
        ("PATCH", _) => json!({"name": "renamed"}),
        ("PUT", "/v1/stream/{stream}/watch") => json!({"users": [world.user("spare").id]}),
        ("PUT", "/v1/users/{user}/rank") => json!({"rank": target(world, row).1}),
        ("PUT", "/v1/rooms/{room}/members/{user}") => json!({"role": target(world, row).1}),
        ("POST", "/v1/rooms/{room}/messages") => json!({"text": "hi"}),
        ("PUT", "/v1/rooms/{room}/receipt") => json!({"read": 1}),
        ("PUT", "/v1/rooms/{room}/draft") => json!({"text": "hi"}),
        ("PUT", "/v1/rooms/{room}/typing") => json!({"on": true}),
        _ => return None,
    })
}
