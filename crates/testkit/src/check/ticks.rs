//! Ticks: what a client shows of how far all the others have come is no more than they have, and
//! nothing that they keep to themselves.

use std::collections::BTreeMap;

use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::receipt::{Reach, Receipts};

use super::{Facts, Promise, Violation};
use crate::ledger::{DeviceId, Entry, Record};

/// How far each user may have received and read each room, so far as the ledger tells.
#[derive(Default)]
struct Most {
    received: BTreeMap<(RoomId, UserId), Seq>,
    read: BTreeMap<(RoomId, UserId), Seq>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut most = Most::default();
    let mut shown: BTreeMap<(DeviceId, RoomId), Receipts> = BTreeMap::new();
    for record in facts.ledger.records() {
        let user = record.device.user;
        match record.entry {
            Entry::Begun { room, cursor: seq } | Entry::Applied { room, seq, .. } => {
                raise(&mut most.received, room, user, seq);
            }
            Entry::Read { room, seq } => raise(&mut most.read, room, user, seq),
            Entry::Ticks { room, receipts } => {
                let before = shown.insert((record.device, room), receipts).unwrap_or_default();
                let mut wrong = |promise, what: String| {
                    let what = format!("{room}: {:?} at {}: {what}", record.device, record.at_ms);
                    found.push(Violation { promise, what });
                };
                if is_back(before.delivered, receipts.delivered)
                    || is_back(before.read, receipts.read)
                {
                    wrong(Promise::Monotone, format!("{before:?} became {receipts:?}"));
                }
                if let Some(what) = ahead(facts, &most, record, room, receipts) {
                    wrong(Promise::Ticks, what);
                }
                if receipts.read.is_some() && facts.evidence.quiet.contains(&user) {
                    wrong(Promise::NoLeak, "is told who read, and reads unseen".to_owned());
                }
            }
            Entry::Gone { room } => drop(shown.remove(&(record.device, room))),
            _ => {}
        }
    }
    at_the_end(facts, found);
}

fn raise(marks: &mut BTreeMap<(RoomId, UserId), Seq>, room: RoomId, user: UserId, seq: Seq) {
    let mark = marks.entry((room, user)).or_default();
    *mark = (*mark).max(seq);
}

fn is_back(before: Option<Reach>, now: Option<Reach>) -> bool {
    before.zip(now).is_some_and(|(before, now)| now.all < before.all)
}

/// What is said beyond what the others can have done by then.
fn ahead(
    facts: &Facts<'_>,
    most: &Most,
    record: &Record,
    room: RoomId,
    receipts: Receipts,
) -> Option<String> {
    let quiet = |user: UserId| facts.evidence.quiet.contains(&user);
    let delivered = receipts.delivered.and_then(|reach| {
        let has = |user| most.received.get(&(room, user)).max(most.read.get(&(room, user)));
        beyond(facts, record, room, reach, |_| true, &has)
    });
    let read = receipts.read.and_then(|reach| {
        let has = |user| most.read.get(&(room, user));
        beyond(facts, record, room, reach, |user| !quiet(user), &has)
    });
    delivered.or(read)
}

fn beyond<'a>(
    facts: &Facts<'_>,
    record: &Record,
    room: RoomId,
    reach: Reach,
    counts: impl Fn(UserId) -> bool,
    has: &impl Fn(UserId) -> Option<&'a Seq>,
) -> Option<String> {
    let others =
        facts.intervals.range((room, UserId::from_i64(0))..).take_while(|it| it.0.0 == room);
    let others: Vec<_> =
        others.filter(|((_, user), _)| *user != record.device.user && counts(*user)).collect();
    let was_there = |seq: Seq| others.iter().any(|(_, of)| of.iter().any(|it| it.joined <= seq));
    if !was_there(reach.from) {
        return Some(format!("{reach:?} begins where nobody else was"));
    }
    // Who never left and was there counts for certain.
    let stays = others.into_iter().filter_map(|(&(_, user), of)| {
        let last = of.last().filter(|last| last.left.is_none() && last.joined <= reach.all)?;
        Some((user, last.joined))
    });
    let late = stays.into_iter().find(|&(user, joined)| {
        let said = said_by(facts, room, user, record.at_ms);
        has(user).copied().unwrap_or_default().max(joined).max(said) < reach.all
    });
    late.map(|(user, _)| format!("{reach:?} is beyond {user}"))
}

/// The last message of a user at a time: who sends has received and read what was before it.
fn said_by(facts: &Facts<'_>, room: RoomId, user: UserId, at_ms: u64) -> Seq {
    let own = |event: &&Event| {
        event.from == user && event.kind == EventKind::Message && event.at_ms <= at_ms
    };
    let events = facts.rooms.get(&room).map_or(&[][..], |room| &room.events);
    events.iter().rev().find(own).map_or(Seq::ZERO, |event| event.seq)
}

/// Once all has come together every client shows what the log says.
fn at_the_end(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for view in &facts.evidence.devices {
        let member = facts.evidence.members.iter().find(|it| it.user == view.device.user);
        for room in &view.rooms {
            let by_api = member.and_then(|it| it.rooms.iter().find(|it| it.room == room.room));
            if let Some(by_api) = by_api
                && room.receipts.zip(by_api.receipts).is_some_and(|(here, there)| here != there)
            {
                let (here, there) = (room.receipts, by_api.receipts);
                let device = view.device;
                let what = format!("{} on {device:?}: {here:?}, by the API {there:?}", room.room);
                found.push(Violation { promise: Promise::Ticks, what });
            }
        }
    }
}
