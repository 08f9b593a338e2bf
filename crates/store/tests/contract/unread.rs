//! How many are unread: the room's messages less those up to one's read mark.

use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, Seq};
use chinwag_store::write::{Refusal, Write, Written};

use super::world::{body, event};

#[test]
fn messages_of_others_are_unread_and_ones_own_are_not() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "1");
    world.send(ann, room, "2");
    assert_eq!((world.unread(ann, room), world.unread(bob, room)), (0, 2));
    world.send(bob, room, "3");
    assert_eq!((world.unread(ann, room), world.unread(bob, room)), (1, 0));
}

#[test]
fn what_is_no_message_is_not_unread() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.channel(ann, &[bob]);
    world.send(ann, room, "1");
    world.join(cleo, room);
    let target = world.send(ann, room, "2").seq;
    world.write(ann, Write::MessageDelete { room, target }).expect("it is ann's");
    assert_eq!((world.unread(bob, room), world.unread(cleo, room)), (2, 1));
}

#[test]
fn who_joins_has_read_all() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.channel(ann, &[]);
    for n in 0..5 {
        world.send(ann, room, &n.to_string());
    }
    let joined = world.join(bob, room);
    assert_eq!(world.unread(bob, room), 0);
    let row = world.row(bob, room).expect("bob is in it");
    assert_eq!((row.read_seq, row.read_n, row.n), (joined.seq, 5, 5));
}

#[test]
fn a_read_mark_only_grows_and_stays_within_the_room() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let seqs: Vec<Seq> = (0..4).map(|n| world.send(ann, room, &n.to_string()).seq).collect();
    let read =
        |read| world.write(bob, Write::ReceiptSet { room, read: Some(read), delivered: None });
    let marked = event(&read(seqs[1]));
    assert_eq!((marked.kind, marked.room), (EventKind::RoomRead { room }, RoomId::of_self(bob)));
    let expected = format!(r#"{{"room":"{room}","read_seq":{},"read_n":2}}"#, seqs[1]);
    assert_eq!(marked.body.as_deref(), Some(expected.as_str()));
    assert_eq!(world.unread(bob, room), 2);
    for back in [seqs[1], seqs[0], Seq::ZERO] {
        assert_eq!(read(back), Ok(Written::Unchanged));
    }
    assert_eq!(world.unread(bob, room), 2);
    assert!(read(Seq::MAX).is_ok());
    let row = world.row(bob, room).expect("bob is in it");
    assert_eq!((row.read_seq, row.read_n), (world.head(room), 4));
    assert_eq!(read(Seq::MAX), Ok(Written::Unchanged));
}

#[test]
fn to_have_read_ones_own_room_is_no_news_in_it() {
    let world = super::open();
    let ann = world.user("ann");
    let (room, at) = (RoomId::of_self(ann), world.head(RoomId::of_self(ann)));
    let read = || world.write(ann, Write::ReceiptSet { room, read: Some(at), delivered: None });
    world.told();
    assert_eq!(read(), Ok(Written::Done));
    assert_eq!(world.row(ann, room).map(|row| (row.read_seq, row.head_seq)), Some((at, at)));
    assert_eq!(read(), Ok(Written::Unchanged));
    assert!(world.told_events().is_empty());
}

#[test]
fn a_mark_between_messages_counts_those_below() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.channel(ann, &[bob]);
    world.send(ann, room, "1");
    let notice = world.join(cleo, room).seq;
    world.send(ann, room, "2");
    world.send(ann, room, "3");
    assert!(
        world.write(bob, Write::ReceiptSet { room, read: Some(notice), delivered: None }).is_ok()
    );
    assert_eq!(world.unread(bob, room), 2);
}

#[test]
fn only_members_set_a_mark() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (group, channel) = (world.group(ann, &[]), world.channel(ann, &[]));
    let read = |room| {
        world.write(bob, Write::ReceiptSet { room, read: Some(Seq::new(1)), delivered: None })
    };
    assert_eq!(read(group), Err(Refusal::NotFound));
    assert!(matches!(read(channel), Err(Refusal::Forbidden(_))));
}

#[test]
fn marks_and_messages_of_one_batch_add_up() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let send = |actor| (actor, world.key(), Write::MessageSend { room, body: body("x") });
    let read = |read| {
        (bob, world.key(), Write::ReceiptSet { room, read: Some(Seq::new(read)), delivered: None })
    };
    let outcomes =
        world.together(vec![send(ann), send(ann), read(4), send(ann), read(5), read(4), send(ann)]);
    let marked = outcomes.iter().filter(|o| matches!(o, Ok(Written::Event { .. }))).count();
    assert_eq!(marked, 6, "the mark that would go back changes nothing");
    assert_eq!((world.unread(bob, room), world.unread(ann, room)), (2, 0));
    let row = world.row(bob, room).expect("bob is in it");
    assert_eq!((row.read_seq.get(), row.read_n), (5, 2));
}
