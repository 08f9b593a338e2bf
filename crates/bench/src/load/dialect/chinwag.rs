//! Chinwag's wire, read by its form.

use anyhow::{Context, Result, bail};
use chinwag_core::id::Key;

use super::super::TEXT_BYTES;
use super::{Incoming, numbers};

/// What every event begins with; its room's id follows.
const EVENT: &[u8] = br#"{"type":"event","room":""#;
const ROOM_ID_BYTES: usize = 13;
const SEQ: &[u8] = br#"","seq":"#;
/// What stands before and behind the text, at the end of a message's event.
const TEXT: &[u8] = br#""text":""#;
const TEXT_END: &[u8] = br#""}}"#;
const REPLY: &[u8] = br#"{"type":"reply","ref":"#;
const ERROR: &[u8] = br#"{"type":"error","ref":"#;
const BUSY: &[u8] = br#""code":"busy""#;
const LAGGED: &[u8] = br#"{"type":"lagged","room":""#;
const HEAD_SEQ: &[u8] = br#"","head_seq":"#;
/// In a `ref` that belongs to a `room.sync` and to no message.
const SYNC: u64 = 1 << 52;

pub(super) fn hello(access_token: &str) -> String {
    format!(r#"{{"type":"hello","token":"{access_token}"}}"#)
}

pub(super) fn publish(room: &str, reference: u64, text: &str, random: [u64; 2]) -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let at_ms = now.map_or(0, |since| since.as_millis() as u64);
    let key = Key::new(at_ms, u128::from(random[0]) << 64 | u128::from(random[1]));
    format!(
        r#"{{"type":"message.send","ref":{reference},"room":"{room}","key":"{key}","text":"{text}"}}"#
    )
    .into_bytes()
}

pub(super) fn sync(room: &str, room_number: u32, after: u64) -> String {
    let reference = SYNC | u64::from(room_number) << 32;
    format!(
        r#"{{"type":"room.sync","ref":{reference},"room":"{room}","after":{after},"limit":100}}"#
    )
}

/// Reads a frame by its form, which the wire's encoder keeps; one that looks otherwise is told from
/// a message by its kind, so that a change of form is an error here and not a loss.
pub(super) fn read(payload: &[u8], room_ids: &[String]) -> Result<Incoming> {
    if let Some(rest) = payload.strip_prefix(EVENT) {
        let Some((id, rest)) = rest.split_first_chunk::<ROOM_ID_BYTES>() else {
            bail!("an event without a room");
        };
        return event(id, rest, room_ids);
    }
    if let Some(rest) = payload.strip_prefix(REPLY) {
        return reply(rest);
    }
    if let Some(rest) = payload.strip_prefix(ERROR)
        && payload.windows(BUSY.len()).any(|window| window == BUSY)
    {
        return busy(rest);
    }
    if let Some(rest) = payload.strip_prefix(LAGGED) {
        return lagged(rest, room_ids);
    }
    if payload.starts_with(br#"{"type":"ready""#) {
        return Ok(Incoming::Ready);
    }
    if payload.starts_with(br#"{"type":"error""#) {
        return Ok(Incoming::Refused(String::from_utf8_lossy(payload).into_owned()));
    }
    Ok(Incoming::Other)
}

fn event(id: &[u8], rest: &[u8], room_ids: &[String]) -> Result<Incoming> {
    let text = rest.strip_suffix(TEXT_END).and_then(|rest| rest.split_last_chunk::<TEXT_BYTES>());
    let Some((_, text)) = text.filter(|(before, _)| before.ends_with(TEXT)) else {
        if rest.windows(16).any(|window| window == br#""kind":"message""#) {
            bail!("a message in another form: {}", String::from_utf8_lossy(rest));
        }
        return Ok(Incoming::Other);
    };
    let seq = rest.strip_prefix(SEQ).and_then(leading_number).context("an event without a seq")?;
    let (room, number) = numbers(text)?;
    match room_ids.get(room as usize) {
        Some(expected) if expected.as_bytes() == id => {
            Ok(Incoming::Delivery { room, number, seq: Some(seq) })
        }
        _ => bail!("a message of room {room} came as one of {}", String::from_utf8_lossy(id)),
    }
}

fn reply(rest: &[u8]) -> Result<Incoming> {
    let reference = leading_number(rest).context("a reply without a ref")?;
    let (room, number) = message(reference);
    if reference & SYNC == 0 {
        return Ok(Incoming::Answered { room, number });
    }
    Ok(Incoming::Synced { room, more: !rest.ends_with(br#""more":false}"#) })
}

/// A message is not sent again; a page is asked for again.
fn busy(rest: &[u8]) -> Result<Incoming> {
    let reference = leading_number(rest).context("an error without a ref")?;
    let (room, number) = message(reference);
    if reference & SYNC == 0 {
        return Ok(Incoming::Busy { room, number });
    }
    Ok(Incoming::Synced { room, more: true })
}

fn lagged(rest: &[u8], room_ids: &[String]) -> Result<Incoming> {
    let (id, rest) = rest.split_first_chunk::<ROOM_ID_BYTES>().context("no room lags")?;
    let room = room_ids.iter().position(|room| room.as_bytes() == id);
    let room = room.context("a room lags that nobody is in")? as u32;
    let head_seq = rest.strip_prefix(HEAD_SEQ).and_then(leading_number).context("no head_seq")?;
    Ok(Incoming::Lagged { room, head_seq })
}

/// The room's and the message's number in a `ref`.
fn message(reference: u64) -> (u32, u32) {
    (((reference & !SYNC) >> 32) as u32, reference as u32)
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let number =
        digits.fold(0_u64, |number, digit| number.wrapping_mul(10) + u64::from(digit - b'0'));
    text.first().is_some_and(u8::is_ascii_digit).then_some(number)
}

#[cfg(test)]
mod tests {
    use chinwag_core::event::{EventKind, EventRow};
    use chinwag_core::id::{Key, RoomId, Seq, UserId};
    use chinwag_proto::code::{ErrorCode, Problem};
    use chinwag_proto::encode;

    use super::super::super::frame::{Frame, next};
    use super::super::tests::{all, delivery};
    use super::super::{Dialect, Incoming, text};

    fn chinwag(room: RoomId) -> Dialect {
        Dialect::Chinwag { access_tokens: [].into(), room_ids: [room.to_string()].into() }
    }

    #[test]
    fn what_the_wire_promises_is_read_by_its_form() {
        let room = RoomId::from_i64(42);
        let body = format!(r#"{{"text":"{}"}}"#, text(0, 0xbeef));
        let row = EventRow {
            room,
            seq: Seq::new(71),
            n: Some(3),
            kind: EventKind::Message,
            from: UserId::from_i64(5),
            at_ms: 1_800_000_000_000,
            key: Some(Key::new(1, 2)),
            rev: None,
            body: Some(&body),
        };
        let cases = [
            (encode::event_frame(row), delivery(0, 0xbeef, Some(71))),
            (encode::reply_frame(5 << 32 | 9, row), Incoming::Answered { room: 5, number: 9 }),
            (encode::pong_frame(), Incoming::Other),
            (encode::lagged_frame(room, Seq::new(9)), Incoming::Lagged { room: 0, head_seq: 9 }),
            (
                encode::sync_reply_frame(super::SYNC | 3 << 32, Seq::new(9), true),
                Incoming::Synced { room: 3, more: true },
            ),
            (
                encode::sync_reply_frame(super::SYNC, Seq::new(9), false),
                Incoming::Synced { room: 0, more: false },
            ),
            (
                encode::error_frame(Some(5 << 32 | 9), Problem::new(ErrorCode::Busy, "later")),
                Incoming::Busy { room: 5, number: 9 },
            ),
        ];
        for (frame, expected) in cases {
            let mut stream = &frame[..];
            let Ok(Some(Frame::Data(payload))) = next(&mut stream) else {
                panic!("no text frame");
            };
            assert_eq!(all(&chinwag(room), payload), [expected]);
        }
    }

    #[test]
    fn a_message_in_another_form_is_an_error_and_no_loss() {
        let dialect = chinwag(RoomId::from_i64(42));
        let other =
            br#"{"type":"event","room":"000000000001a","seq":1,"kind":"message","body":{}}"#;
        assert!(dialect.read(&mut &other[..]).is_err());
    }
}
