//! The same key gets the first answer again; with another command it is refused.

use chinwag_core::access::{Posting, Role, RoomKind};
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_store::write::{Refusal, Write, Written};

use super::world::{Outcome, World, body, event, name};

/// Does `write` twice with one key, in two transactions, in one, and after the store was opened
/// anew: the same answer each time, and one event.
fn check(prepare: impl Fn(&World, UserId, UserId) -> Write) {
    for together in [false, true] {
        let mut world = super::open();
        let [ann, bob] = world.users(["ann", "bob"]);
        let (key, write) = (world.key(), prepare(&world, ann, bob));
        world.told();
        let first = if together {
            let twice = vec![(ann, key, write.clone()), (ann, key, write.clone())];
            let outcomes = world.together(twice);
            same(&outcomes[0], &outcomes[1]);
            outcomes[0].clone()
        } else {
            world.write_keyed(ann, key, write.clone())
        };
        let appended = world.told_events().len();
        world.pass(10_000);
        same(&first, &world.write_keyed(ann, key, write.clone()));
        world.reopen();
        same(&first, &world.write_keyed(ann, key, write.clone()));
        let crashed = world.after_crash();
        same(&first, &crashed.write_keyed(ann, key, write));
        assert_eq!(world.told_events().len() + crashed.told_events().len(), 0);
        assert!(appended > 0, "the first time something happened");
    }
}

#[track_caller]
fn same(first: &Outcome, again: &Outcome) {
    match (first, again) {
        (Ok(Written::Event { event, .. }), Ok(Written::Event { event: other, repeated })) => {
            assert_eq!((event, *repeated), (other, true));
        }
        (Ok(Written::Room { room, .. }), Ok(Written::Room { room: other, created })) => {
            assert_eq!((room, *created), (other, false));
        }
        other => panic!("not the first answer: {other:?}"),
    }
}

#[test]
fn a_message_is_sent_once() {
    check(|world, ann, bob| Write::MessageSend { room: world.direct(ann, bob), body: body("hi") });
}

#[test]
fn a_deletion_is_made_once() {
    check(|world, ann, bob| {
        let room = world.direct(ann, bob);
        Write::MessageDelete { room, target: world.send(ann, room, "oops").seq }
    });
}

#[test]
fn a_room_is_made_once() {
    check(|world, _, bob| world.create(RoomKind::Group, &[bob]));
    check(|world, _, _| world.create(RoomKind::Channel, &[]));
    check(|world, _, bob| world.create(RoomKind::Direct, &[bob]));
}

#[test]
fn a_room_is_updated_once() {
    check(|world, ann, _| Write::RoomUpdate {
        room: world.group(ann, &[]),
        name: Some(name("another name")),
        history: None,
        posting: Some(Posting::Admins),
        body: r#"{"name":"another name"}"#.into(),
    });
}

#[test]
fn one_joins_and_leaves_once() {
    check(|world, _, bob| Write::RoomJoin { room: world.channel(bob, &[]) });
    check(|world, ann, bob| Write::RoomLeave { room: world.channel(bob, &[ann]) });
}

#[test]
fn a_member_is_added_changed_and_removed_once() {
    check(|world, ann, user| {
        let room = world.group(ann, &[]);
        Write::MemberPut { room, user, role: Role::Reader }
    });
    check(|world, ann, user| {
        let room = world.group(ann, &[user]);
        Write::MemberPut { room, user, role: Role::Admin }
    });
    check(|world, ann, user| Write::MemberRemove { room: world.group(ann, &[user]), user });
}

#[test]
fn a_key_with_another_command_is_refused_and_changes_nothing() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.group(ann, &[bob]);
    let key = world.key();
    let sent = event(&world.write_keyed(ann, key, Write::MessageSend { room, body: body("hi") }));
    let head = world.head(room);
    let settings = (None, Some(Posting::Admins));
    let others = [
        Write::MessageSend { room, body: body("ho") },
        Write::MessageDelete { room, target: sent.seq },
        Write::MemberPut { room, user: cleo, role: Role::Member },
        Write::MemberRemove { room, user: bob },
        Write::RoomLeave { room },
        Write::RoomUpdate {
            room,
            name: Some(name("new")),
            history: settings.0,
            posting: settings.1,
            body: "{}".into(),
        },
    ];
    for other in others {
        let outcome = world.write_keyed(ann, key, other.clone());
        assert_eq!(outcome, Err(Refusal::KeyConflict), "{other:?}");
    }
    assert_eq!(world.head(room), head);
}

#[test]
fn a_deletion_of_another_message_with_the_key_is_refused() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let (one, other) = (world.send(ann, room, "1").seq, world.send(ann, room, "2").seq);
    let key = world.key();
    let delete = |target| world.write_keyed(ann, key, Write::MessageDelete { room, target });
    assert!(delete(one).is_ok());
    assert_eq!(delete(other), Err(Refusal::KeyConflict));
}

#[test]
fn a_rooms_key_with_another_room_is_refused() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let key = world.key();
    let make = |members: &[UserId], kind: RoomKind, text: &str| {
        let members = members.to_vec();
        let (room, body) = (world.room_id(), text.into());
        let write = Write::RoomCreate { room, kind, name: Some(name("x")), members, body };
        world.write_keyed(ann, key, write)
    };
    let first = make(&[bob], RoomKind::Group, "{}");
    same(&first, &make(&[bob], RoomKind::Group, "{}"));
    assert_eq!(make(&[bob], RoomKind::Channel, "{}"), Err(Refusal::KeyConflict));
    assert_eq!(make(&[bob, cleo], RoomKind::Group, "{}"), Err(Refusal::KeyConflict));
    assert_eq!(make(&[cleo], RoomKind::Group, "{}"), Err(Refusal::KeyConflict));
    assert_eq!(make(&[], RoomKind::Group, "{}"), Err(Refusal::KeyConflict));
    assert_eq!(make(&[bob], RoomKind::Group, r#"{"a":1}"#), Err(Refusal::KeyConflict));
    let Ok(Written::Room { room, .. }) = first else { panic!("no room") };
    world.put(ann, room, cleo, Role::Member).expect("ann owns the room");
    same(&first, &make(&[bob], RoomKind::Group, "{}"));
}

#[test]
fn a_key_is_of_its_user_and_room() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (room, other) = (world.direct(ann, bob), world.group(ann, &[bob]));
    let key = world.key();
    let send = |actor, room| Write::MessageSend { room, body: body(&format!("{actor}")) };
    for (actor, room) in [(ann, room), (bob, room), (ann, other), (bob, other)] {
        let outcome = world.write_keyed(actor, key, send(actor, room));
        assert!(matches!(outcome, Ok(Written::Event { repeated: false, .. })));
    }
}

#[test]
fn after_its_erasure_a_message_is_known_by_its_key_alone() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let key = world.key();
    let send = |text| world.write_keyed(ann, key, Write::MessageSend { room, body: body(text) });
    let sent = event(&send("hi"));
    world.write(ann, Write::MessageDelete { room, target: sent.seq }).expect("it is ann's");
    for text in ["hi", "another"] {
        let Ok(Written::Event { event, repeated }) = send(text) else { panic!("no event") };
        assert_eq!((event.seq, repeated, event.body.as_deref()), (sent.seq, true, None));
    }
}

#[test]
fn the_first_answer_comes_again_after_leaving() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    let key = world.key();
    let send = || world.write_keyed(bob, key, Write::MessageSend { room, body: body("hi") });
    let sent = event(&send());
    world.leave(bob, room);
    assert_eq!(event(&send()).seq, sent.seq);
    assert_eq!(
        world.write(bob, Write::MessageSend { room, body: body("hi") }),
        Err(Refusal::NotFound)
    );
}

#[test]
fn a_key_far_from_its_time_is_as_good_as_any() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    for (at_ms, random) in [(0, 0), ((1 << 48) - 1, u128::MAX), (1, 1)] {
        let key = Key::new(at_ms, random);
        let write = || Write::MessageSend { room, body: body("hi") };
        let first = event(&world.write_keyed(ann, key, write()));
        assert_eq!(first.key, Some(key));
        assert_eq!(event(&world.write_keyed(ann, key, write())).seq, first.seq);
    }
    assert_eq!(world.head(room), Seq::new(6));
    assert!(world.log(ann, RoomId::of_self(ann)).is_ok());
}
