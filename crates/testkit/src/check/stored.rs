//! The log against what was asked and answered.

use std::collections::{BTreeMap, BTreeSet};

use chinwag_core::event::EventKind;
use chinwag_core::id::{Key, RoomId, Seq, UserId};

use super::{Facts, Promise, RoomHistory, Violation, stored_hash};
use crate::ledger::{DeviceId, Entry};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for room in &facts.evidence.store {
        dense(room, found);
        erased(room, found);
        superseded(room, found);
        no_phantom(facts, room, found);
    }
    durable(facts, found);
    idempotent(facts, found);
    sender_order(facts, found);
}

fn dense(room: &RoomHistory, found: &mut Vec<Violation>) {
    let mut wrong = |what: String| {
        found.push(Violation { promise: Promise::Dense, what: format!("{}: {what}", room.room) });
    };
    let (mut seq, mut n, mut at_ms) = (Seq::ZERO, 0, 0);
    for event in &room.events {
        if event.seq != seq.next() {
            wrong(format!("{} follows {seq}", event.seq));
        }
        if event.kind == EventKind::Message {
            n += 1;
            if event.n != Some(n) {
                wrong(format!("message {} has n {:?}, it is the {n}th", event.seq, event.n));
            }
        }
        if event.at_ms < at_ms {
            wrong(format!("{} is older than the one before it", event.seq));
        }
        (seq, at_ms) = (event.seq, event.at_ms);
    }
    if room.head != seq {
        wrong(format!("the head is {}, the last event {seq}", room.head));
    }
}

fn erased(room: &RoomHistory, found: &mut Vec<Violation>) {
    for deletion in &room.events {
        let EventKind::Deletion { target } = deletion.kind else {
            continue;
        };
        let message = room.events.iter().find(|event| event.seq == target);
        if message.is_none_or(|message| message.body.is_some() || message.rev.is_none()) {
            let what =
                format!("{}: {target} was erased by {} and has a body", room.room, deletion.seq);
            found.push(Violation { promise: Promise::Erased, what });
        }
    }
}

/// Of what someone has begun to write in a room only the last is kept, and nothing once the room was
/// left.
fn superseded(room: &RoomHistory, found: &mut Vec<Violation>) {
    let mut later: BTreeMap<RoomId, Seq> = BTreeMap::new();
    for event in room.events.iter().rev() {
        let (EventKind::Draft { room: of } | EventKind::RoomRemoved { room: of }) = event.kind
        else {
            continue;
        };
        let by = later.insert(of, event.seq);
        if matches!(event.kind, EventKind::Draft { .. })
            && let Some(by) = by
            && event.body.is_some()
        {
            let what = format!("{}: the draft {} was superseded by {by}", room.room, event.seq);
            found.push(Violation { promise: Promise::Erased, what });
        }
    }
}

fn no_phantom(facts: &Facts<'_>, room: &RoomHistory, found: &mut Vec<Violation>) {
    let refused = refused_for_good(facts);
    let messages = room.events.iter().filter(|event| event.kind == EventKind::Message);
    for event in messages {
        let mut wrong = |what: &str| {
            let what = format!("{}: message {} of {}: {what}", room.room, event.seq, event.from);
            found.push(Violation { promise: Promise::NoPhantom, what });
        };
        let id = event.key.map(|key| (room.room, event.from, key));
        let Some(posting) = id.and_then(|id| facts.postings.get(&id)) else {
            wrong("nobody sent it");
            continue;
        };
        if stored_hash(event).is_some_and(|hash| hash != posting.hash) {
            wrong("it is not what was sent");
        }
        if id.is_some_and(|id| refused.get(&id).is_some_and(|&at| at > posting.last)) {
            wrong("it was refused");
        }
        if !facts.was_member(room.room, event.from, event.seq) {
            wrong("its sender was no member");
        }
    }
}

/// The commands that were refused and never answered as done, with the record of the last refusal. One
/// that was tried twice may have been refused the first time and done the second.
fn refused_for_good(facts: &Facts<'_>) -> BTreeMap<(RoomId, UserId, Key), usize> {
    let records = facts.ledger.records().iter().enumerate();
    let refusals = records.filter_map(|(place, record)| match record.entry {
        Entry::Refused { room, key, .. } => Some(((room, record.device.user, key), place)),
        _ => None,
    });
    let mut refused: BTreeMap<_, _> = refusals.collect();
    for record in facts.ledger.records() {
        if let Entry::Done { room, key, .. } = record.entry {
            refused.remove(&(room, record.device.user, key));
        }
    }
    refused
}

fn durable(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for record in facts.ledger.records() {
        let Entry::Done { room, key, seq: Some(seq) } = record.entry else {
            continue;
        };
        let mut wrong = |what: &str| {
            let what =
                format!("{room}: {} was told that {key} is {seq}: {what}", record.device.user);
            found.push(Violation { promise: Promise::Durable, what });
        };
        let Some(event) = facts.event(room, seq) else {
            wrong("there is no such event");
            continue;
        };
        if event.key != Some(key) || event.from != record.device.user {
            wrong("it is another event");
        }
    }
}

fn idempotent(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut wrong = |what: String| found.push(Violation { promise: Promise::Idempotent, what });
    let mut answers: BTreeMap<(RoomId, UserId, Key), Option<Seq>> = BTreeMap::new();
    for record in facts.ledger.records() {
        let user = record.device.user;
        match record.entry {
            Entry::ReuseTaken { room, key } => {
                wrong(format!("{room}: {key} of {user} was taken with another body"));
            }
            Entry::Done { room, key, seq } => {
                let first = *answers.entry((room, user, key)).or_insert(seq);
                if first != seq {
                    wrong(format!("{room}: {key} of {user} was answered {first:?}, then {seq:?}"));
                }
            }
            _ => {}
        }
    }
    for room in &facts.evidence.store {
        let mut keys = BTreeSet::new();
        let messages = room.events.iter().filter(|event| event.kind == EventKind::Message);
        for event in messages {
            if event.key.is_some_and(|key| !keys.insert((event.from, key))) {
                wrong(format!("{}: {} repeats the key of an earlier one", room.room, event.seq));
            }
        }
    }
}

/// What was tried again after a refusal is left out: then the person chose the order.
fn sender_order(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let records = facts.ledger.records().iter();
    let refusals = records.filter_map(|record| match record.entry {
        Entry::Refused { room, key, .. } => Some((room, record.device.user, key)),
        _ => None,
    });
    let refused: BTreeSet<_> = refusals.collect();
    for room in &facts.evidence.store {
        let mut last: BTreeMap<(UserId, u16), (usize, Seq, DeviceId)> = BTreeMap::new();
        for event in room.events.iter().filter(|event| event.kind == EventKind::Message) {
            let Some(key) = event.key else { continue };
            let id = (room.room, event.from, key);
            let Some(posting) = facts.postings.get(&id).filter(|_| !refused.contains(&id)) else {
                continue;
            };
            let device = posting.device;
            let now = (posting.first, event.seq, device);
            let before = last.insert((device.user, device.number), now);
            if let Some((place, seq, _)) = before.filter(|&(place, ..)| place > posting.first) {
                let what = format!(
                    "{}: {} was said before {seq} (records {} and {place}) and comes after it",
                    room.room, event.seq, posting.first
                );
                found.push(Violation { promise: Promise::SenderOrder, what });
            }
        }
    }
}
