//! `/asyncapi.json`: the WebSocket and the event stream described, made from the types of the wire and the table of
//! commands.

use std::collections::BTreeMap;

use axum::response::Response;
use chinwag_proto::code::CLOSE_CODES;
use chinwag_proto::frame::{ClientFrame, Hello, ServerFrame};
use chinwag_proto::stream::StreamClose;
use serde_json::{Map, Value, json};

pub use crate::commands::{SOCKET, SocketCommand};
use crate::http::answer::json_bytes;
use crate::http::routes::shape;
use crate::openapi::reference;

pub(crate) async fn get() -> Response {
    json_bytes(document().to_string().into_bytes())
}

/// The document (AsyncAPI 3.0).
#[must_use]
pub fn document() -> Value {
    let mut schemas = BTreeMap::new();
    let client = reference(&mut schemas, shape::<ClientFrame>());
    let server = reference(&mut schemas, shape::<ServerFrame>());
    let hello = reference(&mut schemas, shape::<Hello>());
    let close = reference(&mut schemas, shape::<StreamClose>());
    let commands: Vec<&str> = SOCKET.iter().map(|command| command.name).collect();
    let closes: Vec<String> =
        CLOSE_CODES.iter().map(|(code, meaning)| format!("{}: {meaning}", code.number())).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Chinwag",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!(
                "JSON over WebSocket, subprotocol `{}`. The first frame is `hello`, within 10 s. \
                 Commands: {}. The server closes with {}. Where WebSockets are broken on the way, \
                 POST /v1/stream with `hello` as its body answers with the server's frames as an event \
                 stream, and commands go by REST. docs/protocol.md tells the rest.",
                chinwag_proto::SUBPROTOCOL, commands.join(", "), closes.join("; "),
            ),
        },
        "channels": {
            "stream": channel("/v1/stream", &["hello", "server", "close"]),
            "socket": channel("/v1/ws", &["client", "server"]),
        },
        "operations": {
            "ask": operation("receive", "stream", &["hello"]),
            "follow": operation("send", "stream", &["server", "close"]),
            "say": operation("receive", "socket", &["client"]),
            "hear": operation("send", "socket", &["server"]),
        },
        "components": {
            "messages": {
                "client": { "contentType": "application/json", "payload": client },
                "server": { "contentType": "application/json", "payload": server },
                "hello": { "contentType": "application/json", "payload": hello },
                "close": { "contentType": "application/json", "payload": close },
            },
            "schemas": schemas,
        },
    })
}

fn channel(address: &str, messages: &[&str]) -> Value {
    let all = messages.iter().map(|name| {
        let reference = format!("#/components/messages/{name}");
        ((*name).to_owned(), json!({ "$ref": reference }))
    });
    json!({ "address": address, "messages": all.collect::<Map<String, Value>>() })
}

fn operation(action: &str, channel: &str, messages: &[&str]) -> Value {
    let all = messages.iter().map(|name| {
        let reference = format!("#/channels/{channel}/messages/{name}");
        json!({ "$ref": reference })
    });
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{channel}") },
        "messages": all.collect::<Vec<Value>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document's own list of frame types, from the schema of `ClientFrame`.
    #[test]
    fn the_table_of_commands_is_the_wire_s() {
        let document = document();
        let frames = document["components"]["schemas"]["ClientFrame"]["oneOf"].as_array();
        let text = json!(frames.expect("an enum is a oneOf")).to_string();
        for command in SOCKET {
            assert!(text.contains(&format!("\"{}\"", command.name)), "{}", command.name);
        }
        assert_eq!(frames.map(Vec::len), Some(SOCKET.len()));
    }
}
