//! What came over the wire and what the clients made of it.

use std::collections::{BTreeMap, BTreeSet};

use chinwag_core::access::RoomKind;
use chinwag_core::event::EventKind;
use chinwag_core::id::{Key, RoomId, Seq};

use super::{Facts, Promise, Violation, stored_hash};
use crate::ledger::{DeviceId, Entry};

/// What one device has seen so far.
#[derive(Default)]
struct Seen {
    /// On this connection.
    raw: BTreeSet<(RoomId, Seq)>,
    /// On this connection: from where on the log was asked for.
    synced: BTreeMap<RoomId, Seq>,
    applied: BTreeMap<RoomId, Seq>,
    shown: BTreeMap<RoomId, (Seq, u64, Seq, u64)>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut devices: BTreeMap<DeviceId, Seen> = BTreeMap::new();
    for record in facts.ledger.records() {
        let device = record.device;
        let seen = devices.entry(device).or_default();
        let mut wrong = |promise, room: RoomId, what: String| {
            let what = format!("{room}: {device:?} at {}: {what}", record.at_ms);
            found.push(Violation { promise, what });
        };
        match record.entry {
            Entry::Connected => {
                seen.raw.clear();
                seen.synced.clear();
            }
            Entry::Synced { room, after } => {
                let from = seen.synced.entry(room).or_insert(after);
                *from = (*from).min(after);
            }
            Entry::Received { room, seq, key, hash } => {
                if !seen.raw.insert((room, seq)) && seen.synced.get(&room).is_none_or(|&s| s >= seq)
                {
                    wrong(Promise::ExactlyOnce, room, format!("{seq} came twice unasked"));
                }
                if !facts.may_see(room, device.user, seq) {
                    wrong(Promise::NoLeak, room, format!("was told {seq}"));
                }
                if let Some(what) = differs(facts, room, seq, key, hash) {
                    wrong(Promise::OneOrder, room, what);
                }
            }
            Entry::Reported { room, head_seq, .. } => {
                let listed = facts.rooms.get(&room).is_some_and(|it| it.kind == RoomKind::Channel);
                if !listed && !facts.was_member(room, device.user, head_seq) {
                    wrong(Promise::NoLeak, room, format!("was told of it at {head_seq}"));
                }
            }
            Entry::Begun { room, cursor } => {
                seen.applied.insert(room, cursor);
            }
            Entry::Gone { room } => {
                seen.applied.remove(&room);
                seen.shown.remove(&room);
            }
            Entry::Applied { room, seq, key } => {
                let last = seen.applied.insert(room, seq);
                if last.is_none_or(|last| seq <= last) {
                    wrong(Promise::ExactlyOnce, room, format!("applied {seq} after {last:?}"));
                } else if last.is_some_and(|last| seq > last.next()) {
                    wrong(Promise::NoGap, room, format!("applied {seq} after {last:?}"));
                }
                if facts.event(room, seq).is_none_or(|event| event.key != key) {
                    wrong(Promise::OneOrder, room, format!("applied another {seq}"));
                }
            }
            Entry::Shown { room, head_seq, n, read_seq, read_n } => {
                let now = (head_seq, n, read_seq, read_n);
                let before = seen.shown.insert(room, now).unwrap_or_default();
                if now.0 < before.0 || now.1 < before.1 || now.2 < before.2 || now.3 < before.3 {
                    wrong(Promise::Monotone, room, format!("{before:?} became {now:?}"));
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with an event that came, held against the log.
fn differs(
    facts: &Facts<'_>,
    room: RoomId,
    seq: Seq,
    key: Option<Key>,
    hash: Option<u64>,
) -> Option<String> {
    let Some(event) = facts.event(room, seq) else {
        return Some(format!("{seq} is not in the log"));
    };
    if event.key != key {
        return Some(format!("{seq} has the key {key:?}, in the log {:?}", event.key));
    }
    if event.kind != EventKind::Message {
        return None;
    }
    let sent = key.and_then(|key| facts.postings.get(&(room, event.from, key)));
    let stored = stored_hash(event);
    let same = match hash {
        Some(_) => sent.is_some_and(|sent| Some(sent.hash) == hash),
        None => stored.is_none(),
    };
    (!same).then(|| format!("{seq} has another body than the log"))
}
