//! The checker bites here too: a run in which nothing went wrong is green, and red as soon as one line
//! of its ledger, or one row of what was found at the end, is another.

use std::collections::BTreeSet;

use chinwag_core::access::History;
use chinwag_core::event::EventKind;
use chinwag_core::id::Seq;
use chinwag_core::receipt::Receipts;
use chinwag_testkit::check::{Evidence, Promise, check};
use chinwag_testkit::ledger::{Entry, Ledger, Record};

use crate::house::House;

type Records = Vec<Record>;

/// A forgery, and the promise that it must be seen to break.
type Forgery = (&'static str, Promise, fn(&mut Records, &mut Evidence));

const FORGERIES: &[Forgery] = &[
    ("an applied event is left out", Promise::NoGap, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Applied { .. }));
        records.remove(at);
    }),
    ("an event is applied twice", Promise::ExactlyOnce, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Applied { .. }));
        records.insert(at, records[at].clone());
    }),
    ("an event comes twice", Promise::ExactlyOnce, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Received { .. }));
        records.insert(at, records[at].clone());
    }),
    ("a received text is another", Promise::OneOrder, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Received { hash: Some(_), .. }));
        if let Entry::Received { hash, .. } = &mut records[at].entry {
            *hash = Some(7);
        }
    }),
    ("a key is answered with two numbers", Promise::Idempotent, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Done { seq: Some(_), .. }));
        let mut second = records[at].clone();
        if let Entry::Done { seq: Some(seq), .. } = &mut second.entry {
            *seq = seq.next();
        }
        records.insert(at, second);
    }),
    ("a ticked message is not in the log", Promise::Durable, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Done { seq: Some(_), .. }));
        if let Entry::Done { seq, .. } = &mut records[at].entry {
            *seq = Some(Seq::new(1_000_000));
        }
    }),
    ("a message in the log was sent by nobody", Promise::NoPhantom, |records, _| {
        let at = middle(records, |entry| matches!(entry, Entry::Asked { .. }));
        records.remove(at);
    }),
    ("a row of the log is gone", Promise::Dense, |_, evidence| {
        let room = evidence.store.iter_mut().max_by_key(|room| room.events.len());
        let events = &mut room.expect("there are rooms").events;
        events.remove(events.len() / 2);
    }),
    ("two rows of the log have changed places", Promise::OneOrder, |_, evidence| {
        let room = evidence.store.iter_mut().max_by_key(|room| room.events.len());
        let events = &mut room.expect("there are rooms").events;
        let mut messages = events.iter_mut().filter(|event| event.kind == EventKind::Message);
        let pair = (messages.next(), messages.next());
        let (Some(one), Some(other)) = pair else { panic!("there are two messages") };
        std::mem::swap(&mut one.key, &mut other.key);
        std::mem::swap(&mut one.from, &mut other.from);
        std::mem::swap(&mut one.body, &mut other.body);
    }),
    ("a tab's second message was said before its first", Promise::SenderOrder, |records, _| {
        let (one, other) = said_by_one(records);
        let (first, second) = (records[one].entry.clone(), records[other].entry.clone());
        (records[one].entry, records[other].entry) = (second, first);
    }),
    ("the API leaves a message out", Promise::OneOrder, |_, evidence| {
        let rooms = evidence.members.iter_mut().flat_map(|member| &mut member.rooms);
        let room = rooms.max_by_key(|room| room.timeline.len()).expect("there are rooms");
        room.timeline.remove(room.timeline.len() / 2);
    }),
    ("a tab leaves a message out", Promise::NoGap, |_, evidence| {
        let rooms = evidence.devices.iter_mut().flat_map(|device| &mut device.rooms);
        let room = rooms.max_by_key(|room| room.timeline.len()).expect("there are rooms");
        room.timeline.remove(room.timeline.len() / 2);
    }),
    ("an unread count is one too high", Promise::Unread, |_, evidence| {
        let rooms = evidence.members.iter_mut().flat_map(|member| &mut member.rooms);
        rooms.max_by_key(|room| room.n).expect("there are rooms").n += 1;
    }),
    ("ticks are ahead of what was received", Promise::Ticks, |records, _| {
        let at = middle(records, is_delivery);
        if let Entry::Ticks { receipts: Receipts { delivered: Some(reach), .. }, .. } =
            &mut records[at].entry
        {
            reach.all = Seq::new(1_000_000);
        }
    }),
    ("ticks go back", Promise::Monotone, |records, _| {
        let at = middle(records, is_delivery);
        let mut back = records[at].clone();
        if let Entry::Ticks { receipts: Receipts { delivered: Some(reach), .. }, .. } =
            &mut back.entry
        {
            reach.all = Seq::ZERO;
        }
        records.insert(at + 1, back);
    }),
    ("one who is out was told of what came after", Promise::NoLeak, |records, evidence| {
        let left =
            |it: &&chinwag_core::event::Event| matches!(it.kind, EventKind::MemberLeft { .. });
        let groups = evidence.store.iter().filter(|room| room.history == History::SinceJoin);
        let left = groups.flat_map(|room| &room.events).find(left);
        let left = left.expect("someone left");
        let EventKind::MemberLeft { user } = left.kind else {
            return;
        };
        let of_user = |record: &&Record| record.device.user == user;
        let mut told = records.iter().find(of_user).expect("everyone has a device").clone();
        told.entry = Entry::Received { room: left.room, seq: left.seq, key: left.key, hash: None };
        records.push(told);
    }),
];

#[test]
fn the_checker_sees_each_forgery() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), 3).await;
        house.furnish().await;
        house.type_on(300);
        house.journal.until("enough is done", || house.journal.done.get() >= 600).await;
        house.quiet().await;
        house.all_delivered().await;
        house.converge().await;
        let evidence = house.evidence().await;
        let ledger = house.journal.ledger();
        assert_eq!(check(&ledger, &evidence), [], "nothing went wrong");
        for &(what, promise, forge) in FORGERIES {
            let (mut records, mut evidence) = (ledger.records().to_vec(), evidence.clone());
            forge(&mut records, &mut evidence);
            let mut forged = Ledger::new();
            for Record { at_ms, device, entry } in records {
                forged.write(at_ms, device, entry);
            }
            let found = check(&forged, &evidence);
            let seen = found.iter().any(|violation| violation.promise == promise);
            assert!(seen, "{what}: found only {:?}", found.iter().take(3).collect::<Vec<_>>());
        }
    });
}

fn is_delivery(entry: &Entry) -> bool {
    matches!(entry, Entry::Ticks { receipts, .. } if receipts.delivered.is_some())
}

/// The place of a record of this kind from the middle of the run, by whom it is.
fn middle(records: &[Record], is_wanted: fn(&Entry) -> bool) -> usize {
    let wanted = records.iter().enumerate().filter(|(_, record)| is_wanted(&record.entry));
    let places: Vec<usize> = wanted.map(|(place, _)| place).collect();
    places[places.len() / 2]
}

/// The places of two messages that one tab said in one room, one after the other, and that were taken.
fn said_by_one(records: &[Record]) -> (usize, usize) {
    let done = records.iter().filter_map(|record| match record.entry {
        Entry::Done { key, .. } => Some(key),
        _ => None,
    });
    let done: BTreeSet<_> = done.collect();
    let said = records.iter().enumerate().filter_map(|(place, record)| match record.entry {
        Entry::Asked { room, key, .. } if done.contains(&key) => Some((place, record.device, room)),
        _ => None,
    });
    let said: Vec<_> = said.collect();
    let pair = said.iter().enumerate().find_map(|(at, &(first, device, room))| {
        let mut later = said[at + 1..].iter();
        let &(second, ..) = later.find(|&&(_, by, within)| (by, within) == (device, room))?;
        Some((first, second))
    });
    pair.expect("a tab said two things in a room")
}
