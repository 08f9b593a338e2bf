//! What is said on a WebSocket, said by REST; and the answer, as the frames of a WebSocket. The web app's
//! twin is `web/src/api/say.ts`.

use chinwag_proto::code::CloseCode;
use chinwag_proto::encode::json;
use chinwag_proto::frame::{ClientFrame, ErrorFrame, Reply, ServerFrame};
use chinwag_proto::rest::{Events, Posted, Room, Rooms};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::LinkError;

/// A request, and how its answer is understood.
#[derive(Debug)]
pub(super) struct Saying {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Vec<u8>>,
    reference: Option<u64>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// An event that was made, or nothing.
    Posted,
    List,
    Room,
    Log,
}

/// What this is by REST; `stream` is the name of the connection's own. None where REST has nothing to
/// say: the stream itself is the sign of life.
pub(super) fn say(frame: &ClientFrame, stream: Option<&str>) -> Option<Saying> {
    let posted = |method, path: String, body, reference| {
        let body = Some(json(&body));
        Some(Saying { method, path, body, reference, kind: Kind::Posted })
    };
    let asked = |path: String, reference, kind| {
        Some(Saying { method: "GET", path, body: None, reference: Some(reference), kind })
    };
    match frame {
        ClientFrame::MessageSend(it) => {
            let path = format!("/v1/rooms/{}/messages", it.room);
            posted("POST", path, json!({"key": it.key, "text": it.text}), Some(it.reference))
        }
        ClientFrame::MessageDelete(it) => {
            let path = format!("/v1/rooms/{}/messages/{}", it.room, it.target);
            posted("DELETE", path, json!({"key": it.key}), Some(it.reference))
        }
        ClientFrame::ReceiptSet(it) => {
            let path = format!("/v1/rooms/{}/receipt", it.room);
            posted("PUT", path, json!({"read": it.read, "delivered": it.delivered}), it.reference)
        }
        ClientFrame::DraftSet(it) => {
            let path = format!("/v1/rooms/{}/draft", it.room);
            posted("PUT", path, json!({"key": it.key, "text": it.text}), Some(it.reference))
        }
        ClientFrame::TypingSet(it) => {
            posted("PUT", format!("/v1/rooms/{}/typing", it.room), json!({"on": it.on}), None)
        }
        ClientFrame::PresenceWatch(it) => {
            posted("PUT", format!("/v1/stream/{}/watch", stream?), json!({"users": it.users}), None)
        }
        ClientFrame::RoomList(it) => {
            let after = it.after.as_deref().map(|after| format!("?after={}", escaped(after)));
            asked(format!("/v1/rooms{}", after.unwrap_or_default()), it.reference, Kind::List)
        }
        ClientFrame::RoomGet(it) => {
            asked(format!("/v1/rooms/{}", it.room), it.reference, Kind::Room)
        }
        ClientFrame::RoomSync(it) => {
            let limit = it.limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
            let path = format!("/v1/rooms/{}/events?after={}{limit}", it.room, it.after);
            asked(path, it.reference, Kind::Log)
        }
        ClientFrame::Hello(_) | ClientFrame::Ping => None,
    }
}

impl Saying {
    /// The answer as frames. An answer that is not the server's ends the connection.
    pub(super) fn answer(&self, status: u16, body: &[u8]) -> Result<Vec<ServerFrame>, LinkError> {
        if status >= 300 {
            return self.refused(status, body);
        }
        let Some(reference) = self.reference else {
            return Ok(Vec::new());
        };
        let mut reply = Reply::to(reference);
        let mut frames = Vec::new();
        match self.kind {
            Kind::Posted if status == 204 => {}
            Kind::Posted => {
                let posted: Posted = parse(body)?;
                (reply.seq, reply.n) = (Some(posted.seq), posted.n);
                (reply.id, reply.at_ms) = (Some(posted.id), Some(posted.at_ms));
            }
            Kind::List => {
                let page: Rooms = parse(body)?;
                (reply.more, reply.next) = (Some(page.next.is_some()), page.next);
                (reply.rooms, reply.users) = (Some(page.rooms), Some(page.users));
            }
            Kind::Room => {
                (reply.more, reply.rooms) = (Some(false), Some(vec![parse::<Room>(body)?]));
            }
            Kind::Log => {
                let page: Events = parse(body)?;
                let is_behind = page.events.last().is_some_and(|last| last.seq < page.head_seq);
                (reply.more, reply.head_seq) = (Some(is_behind), Some(page.head_seq));
                frames.extend(page.events.into_iter().map(ServerFrame::Event));
            }
        }
        frames.push(ServerFrame::Reply(reply));
        Ok(frames)
    }

    fn refused(&self, status: u16, body: &[u8]) -> Result<Vec<ServerFrame>, LinkError> {
        let problem = refusal(status, body)?;
        let error = ErrorFrame { reference: self.reference, ..problem };
        Ok(self.reference.map(|_| ServerFrame::Error(error)).into_iter().collect())
    }
}

/// What the server refused with. A token that is no good any more ends the connection, as it does on a
/// WebSocket.
pub(super) fn refusal(status: u16, body: &[u8]) -> Result<ErrorFrame, LinkError> {
    let problem: ErrorFrame = parse(body).map_err(|_| LinkError::Refused(status.to_string()))?;
    if status == 401 {
        let code = Some(CloseCode::UNAUTHORIZED);
        return Err(LinkError::Closed { code, reason: problem.message });
    }
    Ok(problem)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, LinkError> {
    serde_json::from_slice(body).map_err(|why| LinkError::Refused(why.to_string()))
}

/// All but letters, digits and a few signs in hexadecimal (RFC 3986, 2.1).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(frame: &serde_json::Value) -> (String, String) {
        let frame = chinwag_proto::parse::client_frame(&frame.to_string()).expect("a good frame");
        let saying = say(&frame, Some("0-1-2")).expect("it has a twin");
        let body = saying.body.map(|body| String::from_utf8(body).expect("JSON"));
        (format!("{} {}", saying.method, saying.path), body.unwrap_or_default())
    }

    #[test]
    fn each_command_is_said_by_its_twin() {
        let (room, key) = ("0000000000ann", "01890a5d-ac96-774b-bcce-b302099a8057");
        for (frame, line, body) in [
            (
                json!({"type": "message.send", "ref": 1, "room": room, "key": key, "text": "hi"}),
                "POST /v1/rooms/0000000000ann/messages",
                json!({"key": key, "text": "hi"}).to_string(),
            ),
            (
                json!({"type": "room.sync", "ref": 1, "room": room, "after": 7, "limit": 9}),
                "GET /v1/rooms/0000000000ann/events?after=7&limit=9",
                String::new(),
            ),
            (
                json!({"type": "room.list", "ref": 1, "after": "a b&c"}),
                "GET /v1/rooms?after=a%20b%26c",
                String::new(),
            ),
            (
                json!({"type": "presence.watch", "users": [room]}),
                "PUT /v1/stream/0-1-2/watch",
                json!({"users": [room]}).to_string(),
            ),
        ] {
            assert_eq!(asked(&frame), (line.to_owned(), body));
        }
        assert!(say(&ClientFrame::Ping, Some("0-1-2")).is_none());
    }

    #[test]
    fn an_answer_is_heard_as_frames() {
        let frame = json!({"type": "room.sync", "ref": 7, "room": "0000000000ann", "after": 0});
        let frame = chinwag_proto::parse::client_frame(&frame.to_string()).expect("a good frame");
        let sync = say(&frame, None).expect("it has a twin");
        let event = json!({
            "room": "0000000000ann", "seq": 1, "id": "x", "kind": "message",
            "from": "0000000000ann", "at_ms": 0, "body": {"text": "hi"},
        });
        let page = json!({"epoch": "0".repeat(32), "events": [event], "head_seq": 2});
        let frames = sync.answer(200, page.to_string().as_bytes()).expect("frames");
        let [ServerFrame::Event(event), ServerFrame::Reply(reply)] = &frames[..] else {
            panic!("{frames:?}");
        };
        assert_eq!((event.seq.get(), reply.reference, reply.more), (1, 7, Some(true)));
        let problem =
            json!({"code": "busy", "message": "later", "retry_after_ms": 5, "status": 503});
        let frames = sync.answer(503, problem.to_string().as_bytes()).expect("a frame");
        let [ServerFrame::Error(error)] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!((error.reference, error.retry_after_ms), (Some(7), Some(5)));
        let over = json!({"code": "unauthorized", "message": "over"}).to_string();
        assert!(sync.answer(401, over.as_bytes()).is_err_and(|why| why.is_unauthorized()));
        let proxy = sync.answer(502, b"<html>").map_err(|why| why.to_string());
        assert_eq!(proxy, Err("the server refused: 502".to_owned()));
    }
}
