//! Events to bytes: the envelope is spliced around the body as it lies in the log, which is copied
//! and not parsed.

use bytes::Bytes;
use chinwag_core::event::{EventRow, Signal};
use chinwag_core::id::{RoomId, Seq};
use chinwag_core::profile::{Hue, Profile};
use serde::Serialize;

use crate::code::Problem;
use crate::frame::{Drain, ErrorFrame, Lagged, ReceiptFrame, ServerFrame, SignalFrame};
use crate::rest::UserName;
use crate::ws;
use crate::ws::encode::TextFrame;

/// Most bytes of an envelope without its body: every number and id at its longest.
const ENVELOPE_BYTES: usize = 320;

/// An event as one shared WebSocket frame.
#[must_use]
pub fn event_frame(event: EventRow<'_>) -> Bytes {
    let body_bytes = event.body.map_or(4, str::len);
    let mut frame = TextFrame::with_capacity(ENVELOPE_BYTES + body_bytes);
    frame.push(br#"{"type":"event","#);
    append_fields(frame.payload(), event);
    frame.finish()
}

/// Appends an event as a JSON object, for a page or a list.
pub fn append_event(json: &mut Vec<u8>, event: EventRow<'_>) {
    json.push(b'{');
    append_fields(json, event);
}

/// Digits are written straight into the bytes: through `fmt` they were a quarter of a page.
fn append_fields(json: &mut Vec<u8>, event: EventRow<'_>) {
    let (room, seq) = (event.room.digits(), event.seq.get());
    append(json, [br#""room":""#, &room[..], br#"","seq":"#]);
    append_number(json, seq);
    if let Some(n) = event.n {
        json.extend_from_slice(br#","n":"#);
        append_number(json, n);
    }
    append(json, [br#","id":""#, &room[..], b"-"]);
    append_number(json, seq);
    if let Some(key) = event.key {
        append(json, [br#"","key":""#, &key.digits()[..], b""]);
    }
    append(json, [br#"","kind":""#, event.kind.name().as_bytes(), br#"","from":""#]);
    append(json, [&event.from.digits()[..], br#"","at_ms":"#, b""]);
    append_number(json, event.at_ms);
    if let Some(rev) = event.rev {
        json.extend_from_slice(br#","rev":"#);
        append_number(json, rev.get());
    }
    append(json, [br#","body":"#, event.body.unwrap_or("null").as_bytes(), b"}"]);
}

fn append(json: &mut Vec<u8>, parts: [&[u8]; 3]) {
    for part in parts {
        json.extend_from_slice(part);
    }
}

fn append_number(json: &mut Vec<u8>, number: u64) {
    json.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The id of an event: opaque to clients, made from what never changes.
#[must_use]
pub fn event_id(room: RoomId, seq: Seq) -> String {
    format!("{room}-{seq}")
}

/// The reply to a command that made an event.
#[must_use]
pub fn reply_frame(reference: u64, event: EventRow<'_>) -> Bytes {
    let mut frame = TextFrame::with_capacity(ENVELOPE_BYTES);
    let json = frame.payload();
    json.extend_from_slice(br#"{"type":"reply","ref":"#);
    append_number(json, reference);
    json.extend_from_slice(br#","seq":"#);
    append_number(json, event.seq.get());
    if let Some(n) = event.n {
        json.extend_from_slice(br#","n":"#);
        append_number(json, n);
    }
    append(json, [br#","id":""#, &event.room.digits()[..], b"-"]);
    append_number(json, event.seq.get());
    json.extend_from_slice(br#"","at_ms":"#);
    append_number(json, event.at_ms);
    json.push(b'}');
    frame.finish()
}

/// The reply to a command that changed nothing.
#[must_use]
pub fn empty_reply_frame(reference: u64) -> Bytes {
    ws::encode::text(format!(r#"{{"type":"reply","ref":{reference}}}"#).as_bytes())
}

/// The reply that closes the events of `room.sync`.
#[must_use]
pub fn sync_reply_frame(reference: u64, head_seq: Seq, more: bool) -> Bytes {
    let json =
        format!(r#"{{"type":"reply","ref":{reference},"head_seq":{head_seq},"more":{more}}}"#);
    ws::encode::text(json.as_bytes())
}

#[must_use]
pub fn error_frame(reference: Option<u64>, problem: Problem) -> Bytes {
    let Problem { code, message, field, retry_after_ms } = problem;
    frame(&ServerFrame::Error(ErrorFrame { reference, code, message, field, retry_after_ms }))
}

#[must_use]
pub fn signal_frame(signal: &Signal) -> Bytes {
    frame(&ServerFrame::Signal(match signal {
        &Signal::Typing { room, user, on } => SignalFrame::Typing { room, user, on },
        &Signal::Presence { user, online } => SignalFrame::Presence { user, online },
        Signal::Profile(profile) => SignalFrame::Profile { user: user_name(profile) },
        &Signal::Receipt { room, receipts, .. } => {
            return frame(&ServerFrame::Receipt(ReceiptFrame { room, receipts: receipts.into() }));
        }
    }))
}

fn user_name(profile: &Profile) -> UserName {
    UserName {
        id: profile.user,
        handle: profile.handle.as_ref().to_owned(),
        display_name: profile.display_name.as_ref().to_owned(),
        hue: profile.hue.map(Hue::degrees),
        rank: None,
    }
}

#[must_use]
pub fn lagged_frame(room: RoomId, head_seq: Seq) -> Bytes {
    frame(&ServerFrame::Lagged(Lagged { room, head_seq }))
}

#[must_use]
pub fn drain_frame(within_ms: u64) -> Bytes {
    frame(&ServerFrame::Drain(Drain { within_ms }))
}

#[must_use]
pub fn pong_frame() -> Bytes {
    frame(&ServerFrame::Pong)
}

/// Any frame, for those that are not on the way of a delivery.
#[must_use]
pub fn frame(frame: &ServerFrame) -> Bytes {
    ws::encode::text(&json(frame))
}

/// A wire type as JSON.
#[must_use]
pub fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire types have string keys and finite numbers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chinwag_core::event::EventKind;
    use chinwag_core::id::{Key, UserId};

    fn row(body: Option<&str>) -> EventRow<'_> {
        EventRow {
            room: RoomId::from_i64(42),
            seq: Seq::new(7),
            n: Some(3),
            kind: EventKind::Message,
            from: UserId::from_i64(5),
            at_ms: 1_800_000_000_000,
            key: Some(Key::new(1, 2)),
            rev: None,
            body,
        }
    }

    /// The JSON of an unmasked frame, behind its header of 2 or 4 bytes.
    fn payload(frame: &Bytes) -> serde_json::Value {
        let header = if frame[1] < 126 { 2 } else { 4 };
        serde_json::from_slice(&frame[header..]).expect("a frame holds JSON")
    }

    #[test]
    fn the_spliced_envelope_is_the_type_that_is_promised() {
        let mut spliced = Vec::new();
        append_event(&mut spliced, row(Some(r#"{"text":"hi"}"#)));
        let event: crate::frame::Event = serde_json::from_slice(&spliced).expect("an event");
        assert_eq!(spliced, json(&event));
        assert_eq!(payload(&event_frame(row(None)))["body"], serde_json::Value::Null);
        assert_eq!(payload(&event_frame(row(None)))["type"], "event");
    }

    #[test]
    fn replies_are_the_type_that_is_promised() {
        for frame in [
            reply_frame(9, row(None)),
            empty_reply_frame(9),
            sync_reply_frame(9, Seq::new(99), true),
        ] {
            let reply: crate::frame::Reply =
                serde_json::from_value(payload(&frame)).expect("a reply");
            assert_eq!(reply.reference, 9);
            assert_eq!(payload(&frame)["type"], "reply");
        }
    }
}
