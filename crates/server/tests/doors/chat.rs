//! People talk: messages over both doors, who sees what and when, marks, drafts, signals.

mod drafts;
mod messages;
mod receipts;
mod rooms;
mod signals;

use chinwag_core::id::RoomId;
use chinwag_testkit::server::fresh_key;
use serde_json::{Value, json};

/// A `message.send` with a key of its own.
fn send(room: RoomId, text: &str) -> Value {
    json!({"type": "message.send", "room": room, "key": fresh_key(), "text": text})
}

/// The texts of a list of messages.
fn texts(list: &[Value]) -> Vec<String> {
    let text = |event: &Value| event["body"]["text"].as_str().map(str::to_owned);
    list.iter().filter_map(text).collect()
}

/// The `seq` and `kind` of what was heard of a room.
fn heard_of(room: RoomId, frames: &[Value]) -> Vec<(u64, String)> {
    let of_room = |frame: &&Value| frame["type"] == "event" && frame["room"] == json!(room);
    let short = |frame: &Value| {
        let kind = frame["kind"].as_str().unwrap_or_default().to_owned();
        (frame["seq"].as_u64().unwrap_or_default(), kind)
    };
    frames.iter().filter(of_room).map(short).collect()
}

/// The kinds alone.
fn kinds_of(room: RoomId, frames: &[Value]) -> Vec<String> {
    let heard = heard_of(room, frames);
    heard.into_iter().map(|(_, kind)| kind).collect()
}
