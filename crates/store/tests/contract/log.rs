//! The log: dense, in one order, told in that order.

use std::sync::Arc;

use chinwag_core::access::{Role, RoomKind};
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, Seq};
use chinwag_core::limit::BATCH_MAX;
use chinwag_store::committed::Told;
use chinwag_store::write::{Answer, Refusal, Write};

use super::world::{body, event, origin};

fn story(events: &[Arc<Event>]) -> Vec<(RoomId, u64, EventKind)> {
    events.iter().map(|event| (event.room, event.seq.get(), event.kind)).collect()
}

#[test]
fn messages_are_numbered_without_a_hole_in_one_batch_and_over_many() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let send = |n: usize| {
        let actor = if n.is_multiple_of(3) { bob } else { ann };
        (actor, world.key(), Write::MessageSend { room, body: body(&n.to_string()) })
    };
    for size in [1, 64, 2, 300] {
        let outcomes = world.together((0..size).map(send).collect());
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let log = world.log(bob, room).expect("bob is in the room");
    let seqs: Vec<u64> = log.iter().map(|event| event.seq.get()).collect();
    assert_eq!(seqs, (1..=370).collect::<Vec<_>>());
    let ns: Vec<u64> = log.iter().filter_map(|event| event.n).collect();
    assert_eq!(ns, (1..=367).collect::<Vec<_>>());
}

#[test]
fn what_is_told_is_what_is_in_the_log() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    world.told();
    let sent = world.send(ann, room, "hi");
    let told = world.told_events();
    assert_eq!(told, [Arc::clone(&sent)]);
    let log = world.log(ann, room).expect("ann is in the room");
    assert_eq!(log.last(), Some(&*sent));
    assert_eq!(sent.body.as_deref(), Some(r#"{"text":"hi"}"#));
    assert_eq!((sent.from, sent.n, sent.rev), (ann, Some(1), None));
}

#[test]
fn time_never_goes_back_in_a_room() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.pass(5_000);
    let late = world.send(ann, room, "late");
    let early = Write::MessageSend { room, body: body("early") };
    let early = world.block_on(world.store().write(bob, world.key(), 5, early));
    assert_eq!(event(&early).at_ms, late.at_ms);
}

#[test]
fn a_founding_is_told_founder_first_and_each_self_room_before_the_joining() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    world.told();
    let room = world.group(ann, &[bob, cleo]);
    let of = RoomId::of_self;
    let joined = |user| EventKind::MemberJoined { user };
    let added = EventKind::RoomAdded { room };
    let expected = [
        (of(ann), 2, added),
        (room, 1, EventKind::RoomCreated),
        (room, 2, joined(ann)),
        (of(bob), 2, added),
        (room, 3, joined(bob)),
        (of(cleo), 2, added),
        (room, 4, joined(cleo)),
    ];
    let told = world.told_events();
    assert_eq!(story(&told), expected);
    assert!(told.iter().all(|event| event.from == ann));
    let bodies: Vec<_> = told.iter().filter_map(|event| event.body.as_deref()).collect();
    assert_eq!(bodies[0], format!(r#"{{"room":"{room}"}}"#));
    assert_eq!(bodies[2], format!(r#"{{"user":"{ann}","role":"owner"}}"#));
    assert_eq!(bodies[6], format!(r#"{{"user":"{cleo}","role":"member"}}"#));
}

#[test]
fn coming_is_told_to_oneself_first_and_going_to_the_room_first() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.channel(ann, &[]);
    world.told();
    world.join(bob, room);
    world.leave(bob, room);
    let expected = [
        (RoomId::of_self(bob), 2, EventKind::RoomAdded { room }),
        (room, 3, EventKind::MemberJoined { user: bob }),
        (room, 4, EventKind::MemberLeft { user: bob }),
        (RoomId::of_self(bob), 3, EventKind::RoomRemoved { room }),
    ];
    assert_eq!(story(&world.told_events()), expected);
}

#[test]
fn a_new_account_is_told_of_general() {
    let world = super::open();
    let general = world.store().general();
    let ann = world.user("ann");
    let expected = [
        (RoomId::of_self(ann), 1, EventKind::RoomAdded { room: general }),
        (general, 2, EventKind::MemberJoined { user: ann }),
    ];
    assert_eq!(story(&world.told_events()), expected);
    let first = &world.log(ann, general).expect("ann is in general")[0];
    assert_eq!(first.kind, EventKind::RoomCreated);
    assert_eq!(first.from, chinwag_store::installation_user());
}

#[test]
fn a_socket_is_answered_by_exactly_one_entry_in_order() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.told();
    let key = world.key();
    let send = |key: Key| Write::MessageSend { room, body: body(&key.to_string()) };
    world.held(|| {
        let other = RoomId::from_i64(77);
        let commands = [
            (key, send(key)),
            (key, send(key)),
            (key, Write::MessageSend { room, body: body("another") }),
            (world.key(), Write::MessageSend { room: other, body: body("lost") }),
            (world.key(), Write::ReceiptSet { room, read: Some(Seq::new(1)), delivered: None }),
            (world.key(), world.create(RoomKind::Group, &[bob])),
            (world.key(), world.create(RoomKind::Direct, &[bob])),
        ];
        for (reference, (key, write)) in (1..).zip(commands) {
            let answer = Answer::Socket(origin(reference));
            world.submit(ann, key, write, answer).expect("there is room");
        }
    });
    world.send(bob, room, "the batch before this is told");
    let mut answers = Vec::new();
    for told in world.told() {
        match told {
            Told::Committed(committed) => {
                let Some(origin) = committed.origin() else {
                    continue;
                };
                answers.push((origin.reference, committed.event().kind.name().to_owned()));
            }
            Told::Repeated { origin, event } => {
                answers.push((origin.reference, format!("again {}", event.kind.name())));
            }
            Told::Unchanged { origin } => answers.push((origin.reference, "unchanged".to_owned())),
            Told::Refused { origin, refusal } => {
                answers.push((origin.reference, format!("{refusal:?}")));
            }
            Told::Revoked { .. } => panic!("nobody was signed out"),
            Told::Profile(_) | Told::ReadShared { .. } => panic!("nobody changed"),
            Told::Marked(_) => {}
            #[cfg(feature = "otlp")]
            Told::Traced(_) => {}
        }
    }
    let expected = [
        (1, "message"),
        (2, "again message"),
        (3, "KeyConflict"),
        (4, "NotFound"),
        (5, "unchanged"),
        (6, "room_added"),
        (7, "again room_added"),
    ];
    let expected: Vec<_> = expected.iter().map(|(n, text)| (*n, (*text).to_owned())).collect();
    assert_eq!(answers, expected);
}

#[test]
fn a_refusal_amid_a_batch_changes_nothing_and_hinders_nobody() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.group(ann, &[bob]);
    let before = world.store().statistics();
    let send = |actor| (actor, world.key(), Write::MessageSend { room, body: body("x") });
    let remove = Write::MemberRemove { room, user: bob };
    let writes =
        vec![send(ann), send(cleo), send(bob), (ann, world.key(), remove), send(bob), send(ann)];
    let outcomes = world.together(writes);
    let refused: Vec<_> = outcomes.iter().map(|o| o.as_ref().err().cloned()).collect();
    let not_found = Some(Refusal::NotFound);
    assert_eq!(refused, [None, not_found.clone(), None, None, not_found, None]);
    let log = world.log(ann, room).expect("ann is in the room");
    let seqs: Vec<u64> = log.iter().map(|event| event.seq.get()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7], "ann sees all that she founded, without a hole");
    let after = world.store().statistics();
    assert_eq!(
        (after.batches - before.batches, after.rollbacks),
        (2, 0),
        "the probe and the batch"
    );
    assert_eq!(after.events - before.events, 5, "three messages, one going and its self room");
}

#[test]
fn a_batch_is_told_once_however_large() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.told();
    let batches = world.store().statistics().batches;
    let send = |_| (ann, world.key(), Write::MessageSend { room, body: body("x") });
    world.together((0..BATCH_MAX).map(send).collect());
    assert_eq!(world.store().statistics().batches - batches, 2, "the probe and the batch");
    assert_eq!(world.told_events().len(), BATCH_MAX);
}

#[test]
fn heads_and_events_after_are_for_the_hub() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    world.put(ann, room, bob, Role::Admin).expect("ann owns the room");
    world.send(bob, room, "hi");
    let events = world.read(move |reader| reader.events_after(room, Seq::new(1), 3));
    let seqs: Vec<u64> = events.iter().map(|event| event.seq.get()).collect();
    assert_eq!(seqs, [2, 3, 4]);
    assert_eq!(world.head(room), Seq::new(5));
}
