//! Bytes to what a client said: parsed once, into types that cannot be wrong.

use chinwag_core::limit::REF_MAX;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::code::Problem;
use crate::frame::{ClientFrame, MessageDelete, MessageSend};

/// A frame that was not understood: what to answer, and to which command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misunderstood {
    pub reference: Option<u64>,
    pub problem: Problem,
}

/// What every frame has; the rest depends on its type.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(rename = "ref", default)]
    reference: Option<u64>,
}

/// How a client begins that puts the type first, as all of ours do.
const MESSAGE_SEND: &str = r#"{"type":"message.send","#;

/// Parses one text frame of a client.
pub fn client_frame(text: &str) -> Result<ClientFrame, Misunderstood> {
    // What is said most is parsed once; what is wrong with it is found the long way.
    if text.starts_with(MESSAGE_SEND)
        && let Ok(send) = serde_json::from_str::<MessageSend>(text)
        && send.reference <= REF_MAX
    {
        return Ok(ClientFrame::MessageSend(send));
    }
    let wrong = |reference, problem| Misunderstood { reference, problem };
    let head: Head<'_> = object(text).map_err(|problem| wrong(None, problem))?;
    if head.reference.is_some_and(|reference| reference > REF_MAX) {
        let problem = Problem::invalid("ref", format!("must be at most {REF_MAX}"));
        return Err(wrong(head.reference, problem));
    }
    let frame = match &*head.kind {
        "message.send" => object::<MessageSend>(text).map(ClientFrame::MessageSend),
        "message.delete" => object::<MessageDelete>(text).map(ClientFrame::MessageDelete),
        "receipt.set" => object(text).map(ClientFrame::ReceiptSet),
        "room.sync" => object(text).map(ClientFrame::RoomSync),
        "room.list" => object(text).map(ClientFrame::RoomList),
        "room.get" => object(text).map(ClientFrame::RoomGet),
        "draft.set" => object(text).map(ClientFrame::DraftSet),
        "typing.set" => object(text).map(ClientFrame::TypingSet),
        "presence.watch" => object(text).map(ClientFrame::PresenceWatch),
        "ping" => Ok(ClientFrame::Ping),
        "hello" => object(text).map(ClientFrame::Hello),
        _ => Err(Problem::invalid("type", "is not one that this server knows")),
    };
    frame.map_err(|problem| wrong(head.reference, problem))
}

/// Parses a JSON object; what is wrong with it is said with the field's path.
pub fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    if !text.trim_start().starts_with('{') {
        return Err(Problem::invalid("body", "must be a JSON object"));
    }
    serde_json::from_str(text).map_err(|_| explain::<T>(text))
}

/// Parses the body of a request.
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problem::invalid("body", "must be JSON in UTF-8"))?;
    object(text)
}

/// Parses again, slowly, to find the field that is wrong.
fn explain<'a, T: Deserialize<'a>>(text: &'a str) -> Problem {
    let mut json = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        return Problem::invalid("body", "has something after its end");
    };
    let inner = error.inner();
    // What is no text where a name from a closed list must be is a syntax error to the parser.
    let no_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err();
    if (inner.is_syntax() || inner.is_eof()) && no_json() {
        return Problem::invalid("body", format!("must be JSON: {inner}"));
    }
    let path = error.path().to_string();
    let message = inner.to_string();
    match missing(&message) {
        Some(field) if path == "." => Problem::invalid(field, "is missing"),
        _ if path == "." => Problem::invalid("body", plain(&message)),
        _ => Problem::invalid(path, plain(&message)),
    }
}

/// The field in "missing field `room` at line 1 column 2".
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

/// The message without the place, which tells a person nothing.
fn plain(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: &str = "000000000001a";
    const KEY: &str = "018f4e9e-5b7a-7c3d-9e1f-0123456789ab";

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        let text = format!(
            r#"{{"type":"message.send","ref":7,"room":"{ROOM}","key":"{KEY}","text":"hi","later":1}}"#
        );
        let frame = client_frame(&text).expect("a good frame");
        let again = serde_json::to_string(&frame).expect("serialises");
        assert_eq!(client_frame(&again), Ok(frame));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_field_and_the_ref() {
        let cases = [
            (r#"{"type":"nope","ref":3}"#.to_owned(), Some(3), "type"),
            (r#"{"ref":3}"#.to_owned(), None, "type"),
            (r#"{"type":"message.send","ref":3}"#.to_owned(), Some(3), "room"),
            (
                format!(r#"{{"type":"message.send","ref":3,"room":7,"key":"{KEY}","text":""}}"#),
                Some(3),
                "room",
            ),
            (
                format!(r#"{{"type":"message.send","ref":3,"room":"{ROOM}","key":"x","text":""}}"#),
                Some(3),
                "key",
            ),
            (
                format!(r#"{{"type":"room.sync","ref":3,"room":"{ROOM}","after":-1}}"#),
                Some(3),
                "after",
            ),
            (r#"{"type":"presence.watch","users":["x"]}"#.to_owned(), None, "users[0]"),
            (r#"{"type":"ping","ref":1.5}"#.to_owned(), None, "ref"),
            (
                format!(
                    r#"{{"type":"message.send","ref":{},"room":"{ROOM}","key":"{KEY}","text":"hi"}}"#,
                    u64::MAX
                ),
                Some(u64::MAX),
                "ref",
            ),
            (
                format!(r#"{{"type":"room.get","ref":{},"room":"{ROOM}"}}"#, REF_MAX + 1),
                Some(REF_MAX + 1),
                "ref",
            ),
            ("[".to_owned(), None, "body"),
            ("[]".to_owned(), None, "body"),
            (r#"{"type":"ping"} x"#.to_owned(), None, "body"),
            ("[".repeat(10_000), None, "body"),
        ];
        for (text, reference, field) in cases {
            let wrong = client_frame(&text).expect_err("it is wrong");
            assert_eq!(
                (wrong.reference, wrong.problem.field.as_deref()),
                (reference, Some(field)),
                "{text:.80}"
            );
        }
    }
}
