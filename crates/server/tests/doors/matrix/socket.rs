//! The socket's rows.

use std::collections::HashMap;

use chinwag_server::asyncapi::SOCKET;
use chinwag_testkit::server::{Socket, fresh_key};
use serde_json::{Value, json};

use super::world::{Object, PRINCIPALS, World};
use super::{Row, check, row};

const HIDDEN: &str =
    "4401 not_found not_found not_found not_found not_found not_found not_found 4401 not_found";
const SIGNED_IN: &str = "4401 ok ok ok ok ok ok ok 4401 ok";

/// Columns: stranger, signed_in, not_yet, former, reader, member, admin, owner, revoked, host.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("hello", "", "4401 ready ready ready ready ready ready ready 4401 ready"),
    row("hello", "again", "4401 invalid invalid invalid invalid invalid invalid invalid 4401 invalid"),
    row("ping", "", "4401 pong pong pong pong pong pong pong 4401 pong"),
    row("room.list", "", SIGNED_IN),
    row("room.get", "group",   "4401 not_found not_found not_found ok ok ok ok 4401 not_found"),
    row("room.get", "channel", SIGNED_IN),
    row("room.get", "direct",  "4401 not_found not_found not_found not_found ok ok not_found 4401 not_found"),
    row("room.get", "self",    "4401 not_found not_found not_found not_found not_found not_found ok 4401 not_found"),
    row("room.get", "missing", HIDDEN),
    row("room.sync", "group",   "4401 not_found not_found not_found ok ok ok ok 4401 not_found"),
    row("room.sync", "channel", "4401 forbidden forbidden forbidden ok ok ok ok 4401 forbidden"),
    row("room.sync", "direct",  "4401 not_found not_found not_found not_found ok ok not_found 4401 not_found"),
    row("room.sync", "self",    "4401 not_found not_found not_found not_found not_found not_found ok 4401 not_found"),
    row("room.sync", "missing", HIDDEN),
    row("message.send", "group",   "4401 not_found not_found not_found forbidden ok ok ok 4401 not_found"),
    row("message.send", "channel", "4401 forbidden forbidden forbidden forbidden ok ok ok 4401 forbidden"),
    row("message.send", "direct",  "4401 not_found not_found not_found not_found ok ok not_found 4401 not_found"),
    row("message.send", "self",    "4401 not_found not_found not_found not_found not_found not_found ok 4401 not_found"),
    row("message.send", "missing", HIDDEN),
    row("message.delete", "group",   "4401 not_found not_found not_found forbidden ok ok ok 4401 not_found"),
    row("message.delete", "channel", "4401 forbidden forbidden forbidden forbidden ok ok ok 4401 forbidden"),
    row("message.delete", "direct",  "4401 not_found not_found not_found not_found ok forbidden not_found 4401 not_found"),
    row("message.delete", "self",    "4401 not_found not_found not_found not_found not_found not_found ok 4401 not_found"),
    row("message.delete", "missing", HIDDEN),
    row("receipt.set", "group",   "4401 not_found not_found not_found ok ok ok ok 4401 not_found"),
    row("receipt.set", "channel", "4401 forbidden forbidden forbidden ok ok ok ok 4401 forbidden"),
    row("receipt.set", "direct",  "4401 not_found not_found not_found not_found ok ok not_found 4401 not_found"),
    row("receipt.set", "self",    "4401 not_found not_found not_found not_found not_found not_found ok 4401 not_found"),
    row("receipt.set", "missing", HIDDEN),
    row("draft.set", "group",   "4401 not_found not_found not_found ok ok ok ok 4401 not_found"),
    row("draft.set", "channel", "4401 forbidden forbidden forbidden ok ok ok ok 4401 forbidden"),
    row("draft.set", "direct",  "4401 not_found not_found not_found not_found ok ok not_found 4401 not_found"),
    row("draft.set", "self",    "4401 not_found not_found not_found not_found not_found not_found ok 4401 not_found"),
    row("draft.set", "missing", HIDDEN),
    // What `revoked`, a member, sees of it with another session.
    row("typing.set", "group",   "4401 - - - - seen seen seen 4401 -"),
    row("typing.set", "channel", "4401 - - - - seen seen seen 4401 -"),
    row("typing.set", "missing", "4401 - - - - - - - 4401 -"),
    // Whether one is told how `member`, who is online, does.
    row("presence.watch", "", "4401 - seen seen seen seen seen seen 4401 seen"),
];

#[test]
fn every_command_has_a_row_and_every_row_a_command() {
    for command in SOCKET {
        let found = ROWS.iter().any(|row| row.what == command.name);
        assert!(found, "{} has no row in the matrix", command.name);
    }
    for row in ROWS {
        let found = SOCKET.iter().any(|command| command.name == row.what);
        assert!(found, "{} is no command", row.what);
    }
}

#[test]
fn every_command_answers_each_principal_as_the_table_says() {
    let world = World::new();
    let mut open: HashMap<&str, Socket> = HashMap::new();
    for name in PRINCIPALS {
        if let Some(user) = world.valid(name) {
            open.insert(name, user.socket());
        }
    }
    let mut wrong = Vec::new();
    for row in ROWS {
        let mut object = None;
        for (name, expected) in PRINCIPALS.iter().zip(row.cells()) {
            let kind = if row.to.is_empty() || row.to == "again" { "missing" } else { row.to };
            let to = *object.get_or_insert_with(|| world.room(kind));
            let got = match open.get_mut(name) {
                Some(_) if row.what == "hello" && row.to.is_empty() => hello(&world, name),
                Some(socket) => told(&world, socket, row, name, to),
                None => turned_away(&world, row, name, to),
            };
            if got != expected {
                wrong.push(format!("{} [{}] as {name}: {got} for {expected}", row.what, row.to));
            }
            if got == "ok" {
                object = None;
            }
        }
    }
    check(&wrong);
}

fn hello(world: &World, name: &str) -> String {
    let (_, ready) = world.user(name).socket_ready();
    ready["type"].as_str().unwrap_or_default().to_owned()
}

/// Without a good token the first frame is the last, be it the command or `hello`.
fn turned_away(world: &World, row: &Row, name: &str, object: Object) -> String {
    let mut socket = world.server.socket();
    match world.token(name) {
        Some(token) => socket.send(&json!({"type": "hello", "token": token})),
        None => socket.send(&command(world, row, object)),
    }
    socket.closed().to_string()
}

fn command(world: &World, row: &Row, Object { room, seq }: Object) -> Value {
    let kind = row.what;
    match kind {
        "hello" => json!({"type": kind, "token": "none"}),
        "message.send" => json!({"type": kind, "room": room, "key": fresh_key(), "text": "hi"}),
        "message.delete" => json!({"type": kind, "room": room, "key": fresh_key(), "target": seq}),
        "room.sync" => json!({"type": kind, "room": room, "after": 0}),
        "receipt.set" => json!({"type": kind, "room": room, "read": seq}),
        "draft.set" => json!({"type": kind, "room": room, "key": fresh_key(), "text": "hi"}),
        "typing.set" => json!({"type": kind, "room": room, "on": true}),
        "presence.watch" => json!({"type": kind, "users": [world.user("member").id]}),
        _ => json!({"type": kind, "room": room}),
    }
}

/// The outcome of a command on an open socket.
fn told(world: &World, socket: &mut Socket, row: &Row, name: &str, object: Object) -> String {
    let command = command(world, row, object);
    let answer = match row.what {
        "ping" => {
            socket.send(&command);
            return socket.until("pong")["type"].as_str().unwrap_or_default().to_owned();
        }
        "hello" => {
            socket.send(&command);
            socket.until("error")
        }
        "typing.set" => return typing(world, socket, &command, object),
        "presence.watch" => {
            socket.send(&command);
            let heard = socket.caught_up(world.user(name));
            return seen(heard.iter().any(|frame| frame["kind"] == "presence"));
        }
        _ => socket.command(&command),
    };
    match answer["type"].as_str() {
        Some("reply") => "ok".to_owned(),
        _ => answer["code"].as_str().unwrap_or_default().to_owned(),
    }
}

/// `revoked` is a member and has signed in again: does it see the signal before the next message?
fn typing(world: &World, socket: &mut Socket, command: &Value, object: Object) -> String {
    let witness = world.user("revoked").sign_in();
    let mut sees = witness.socket();
    socket.send(command);
    socket.send(&json!({"type": "ping"}));
    socket.until("pong");
    let heard = sees.caught_up(&witness);
    let room = json!(object.room);
    seen(heard.iter().any(|frame| frame["kind"] == "typing" && frame["room"] == room))
}

fn seen(seen: bool) -> String {
    if seen { "seen" } else { "-" }.to_owned()
}
