//! All that is kept of me: my account, sessions, invites, rooms with my drafts, those I left too, and
//! every message I wrote.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chinwag_core::id::{RoomId, Seq};
use chinwag_core::limit::ROOM_PAGE_MAX;
use chinwag_proto::encode;
use chinwag_store::read::Reader;
use chinwag_store::write::Refusal;
use http::header;
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::mpsc;

use super::convert;
use crate::app::App;
use crate::auth::Caller;
use crate::clock;
use crate::http::answer::Answer;

/// Messages read at once, so that no read holds its snapshot for long.
const CHUNK: usize = 1_000;

/// JSON lines: one `account`, a line for each `session`, `invite`, `room` and `room_left`, then a line
/// for each `message`.
pub(crate) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Answer<Response> {
    let now_ms = clock::wall_ms();
    let head = app.read(move |reader| head(reader, caller, now_ms)).await?;
    let head = head.ok_or(Refusal::Unauthorized)?;
    let (lines, body) = mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(2);
    tokio::spawn(async move {
        let mut chunk = Bytes::from(head);
        let mut after = None;
        loop {
            if lines.send(Ok(Frame::data(chunk))).await.is_err() {
                return;
            }
            match app.read(move |reader| messages(reader, caller, after)).await {
                Ok((json, next)) => {
                    chunk = json.into();
                    after = next;
                    if after.is_none() {
                        let _ = lines.send(Ok(Frame::data(chunk))).await;
                        return;
                    }
                }
                Err(_) => {
                    let _ = lines.send(Err(std::io::Error::other("the export was cut"))).await;
                    return;
                }
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"chinwag-export.jsonl\""),
    ];
    let body = StreamBody::new(crate::http::stream::Received(body));
    Ok((headers, Body::new(body)).into_response())
}

fn head(reader: &Reader, caller: Caller, now_ms: u64) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let account = convert::me(reader.user(caller.user)?);
    line(&mut json, &json!({"type": "account", "account": account}));
    for row in reader.sessions(caller.user, now_ms) {
        let (created_at_ms, seen_at_ms) = (row.created_at_ms, row.seen_at_ms);
        line(
            &mut json,
            &json!({"type": "session", "id": row.id, "label": row.label,
                "created_at_ms": created_at_ms, "seen_at_ms": seen_at_ms}),
        );
    }
    for row in reader.invites_of(caller.user) {
        line(
            &mut json,
            &json!({"type": "invite", "code": row.code, "created_at_ms": row.created_at_ms,
                "expires_at_ms": row.expires_at_ms, "uses": row.uses, "uses_left": row.uses_left}),
        );
    }
    rooms(reader, caller, &mut json);
    rooms_left(reader, caller, &mut json);
    Some(json)
}

fn rooms(reader: &Reader, caller: Caller, json: &mut Vec<u8>) {
    let mut after = None;
    loop {
        let page = reader.room_list(caller.user, after.as_ref(), ROOM_PAGE_MAX);
        after = page.next.clone();
        for room in convert::rooms(page).rooms {
            line(
                json,
                &json!({"type": "room", "id": room.id, "kind": room.kind, "name": room.name,
                    "role": room.role, "read_seq": room.read_seq, "draft": room.draft}),
            );
        }
        if after.is_none() {
            return;
        }
    }
}

/// Of a room that was left no more than what is kept of oneself.
fn rooms_left(reader: &Reader, caller: Caller, json: &mut Vec<u8>) {
    let mut after = RoomId::from_i64(0);
    loop {
        let page = reader.rooms_left(caller.user, after, ROOM_PAGE_MAX);
        for row in &page {
            line(
                json,
                &json!({"type": "room_left", "id": row.room, "role": row.role.name(),
                    "joined_at_ms": row.joined_at_ms, "read_seq": row.read_seq}),
            );
        }
        match page.last() {
            Some(last) => after = last.room,
            None => return,
        }
    }
}

fn messages(
    reader: &Reader,
    caller: Caller,
    after: Option<(RoomId, Seq)>,
) -> (Vec<u8>, Option<(RoomId, Seq)>) {
    let mut json = Vec::new();
    let next = reader.export_messages(caller.user, after, CHUNK, &mut |event| {
        json.extend_from_slice(br#"{"type":"message","message":"#);
        encode::append_event(&mut json, event);
        json.extend_from_slice(b"}\n");
    });
    (json, next)
}

fn line(json: &mut Vec<u8>, value: &serde_json::Value) {
    json.extend_from_slice(value.to_string().as_bytes());
    json.push(b'\n');
}
