//! `/asyncapi.json`: the WebSocket described, made from the types of the wire and the table of
//! commands.

use std::collections::BTreeMap;

use axum::response::Response;
use chinwag_proto::code::CLOSE_CODES;
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use serde_json::{Value, json};

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
                 Commands: {}. The server closes with {}. docs/protocol.md tells the rest.",
                chinwag_proto::SUBPROTOCOL, commands.join(", "), closes.join("; "),
            ),
        },
        "channels": {
            "socket": {
                "address": "/v1/ws",
                "messages": {
                    "client": { "$ref": "#/components/messages/client" },
                    "server": { "$ref": "#/components/messages/server" },
                },
            },
        },
        "operations": {
            "say": {
                "action": "receive",
                "channel": { "$ref": "#/channels/socket" },
                "messages": [{ "$ref": "#/channels/socket/messages/client" }],
            },
            "hear": {
                "action": "send",
                "channel": { "$ref": "#/channels/socket" },
                "messages": [{ "$ref": "#/channels/socket/messages/server" }],
            },
        },
        "components": {
            "messages": {
                "client": { "contentType": "application/json", "payload": client },
                "server": { "contentType": "application/json", "payload": server },
            },
            "schemas": schemas,
        },
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
