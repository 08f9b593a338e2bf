//! How far each has come, and how far all have: never back, never beyond, and to nobody who gives none.

use chinwag_core::access::Role;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{DELIVERED_BATCH_MAX, RECEIPT_MEMBERS_MAX};
use chinwag_core::receipt::{Reach, Receipts};
use chinwag_store::committed::Told;
use chinwag_store::write::{Delivered, Refusal, Write, Written};

use super::world::World;

fn reach(from: Seq, all: Seq) -> Option<Reach> {
    Some(Reach { from, all })
}

fn receipts(world: &World, room: RoomId) -> Receipts {
    world.read(move |reader| reader.receipts(room))
}

fn delivered(world: &World, user: UserId, room: RoomId, seq: Seq) {
    delivered_to(world, &[user], room, seq);
}

fn delivered_to(world: &World, users: &[UserId], room: RoomId, seq: Seq) {
    let nobody = chinwag_store::installation_user();
    for users in users.chunks(DELIVERED_BATCH_MAX) {
        let marks = users.iter().map(|&user| Delivered { room, user, seq }).collect();
        assert_eq!(world.write(nobody, Write::DeliveredSet { marks }), Ok(Written::Done));
    }
}

fn read(world: &World, user: UserId, room: RoomId, seq: Seq) {
    let write = Write::ReceiptSet { room, read: Some(seq), delivered: None };
    assert!(world.write(user, write).is_ok());
}

fn share_read(world: &World, user: UserId, on: bool) {
    let write = Write::PrivacySet { read_receipts: Some(on), last_seen: None };
    assert_eq!(world.write(user, write), Ok(Written::Done));
}

#[test]
fn all_are_as_far_as_the_last_of_them() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.group(ann, &[bob, cleo]);
    let from = Seq::new(3);
    let said: Vec<Seq> = (0..3).map(|n| world.send(ann, room, &n.to_string()).seq).collect();
    delivered(&world, bob, room, said[2]);
    delivered(&world, cleo, room, said[1]);
    assert_eq!(receipts(&world, room).delivered, reach(from, said[1]));
    read(&world, bob, room, said[1]);
    assert!(receipts(&world, room).read.is_none_or(|read| read.all < said[0]), "cleo has not");
    read(&world, cleo, room, said[0]);
    let now = receipts(&world, room);
    assert_eq!((now.delivered, now.read), (reach(from, said[1]), reach(from, said[0])));
    read(&world, cleo, room, said[2]);
    assert_eq!(receipts(&world, room).delivered, reach(from, said[2]), "what is read is delivered");
}

#[test]
fn a_mark_of_delivery_only_grows_stays_within_the_room_and_is_no_event() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let said = world.send(ann, room, "1").seq;
    let heads = || (world.head(room), world.head(RoomId::of_self(bob)));
    let before = heads();
    delivered(&world, bob, room, Seq::MAX);
    assert_eq!(world.row(bob, room).map(|row| row.delivered_seq), Some(said));
    delivered(&world, bob, room, Seq::new(1));
    let by_hand = Write::ReceiptSet { room, read: None, delivered: Some(Seq::new(2)) };
    assert_eq!(world.write(bob, by_hand), Ok(Written::Unchanged));
    assert_eq!(world.row(bob, room).map(|row| row.delivered_seq), Some(said));
    assert_eq!(heads(), before);
}

#[test]
fn who_is_no_member_marks_nothing() {
    let mut world = super::open();
    let [ann, bob, eve] = world.users(["ann", "bob", "eve"]);
    let room = world.group(ann, &[bob]);
    let said = world.send(ann, room, "1").seq;
    delivered(&world, eve, room, said);
    delivered(&world, eve, RoomId::from_i64(7), said);
    world.leave(bob, room);
    delivered(&world, bob, room, said);
    assert_eq!(receipts(&world, room), Receipts::default(), "ann is alone");
    world.reopen();
    assert_eq!(receipts(&world, room), Receipts::default());
}

#[test]
fn who_comes_and_who_goes_change_nothing_of_what_was() {
    let world = super::open();
    let [ann, bob, cleo, dan] = world.users(["ann", "bob", "cleo", "dan"]);
    let room = world.channel(ann, &[bob]);
    let first = world.send(ann, room, "to bob").seq;
    read(&world, bob, room, first);
    let before = receipts(&world, room).read;
    assert!(before.is_some_and(|read| read.covers(first)));
    world.join(cleo, room);
    assert_eq!(receipts(&world, room).read, before, "cleo holds nothing back");
    let second = world.send(ann, room, "to both").seq;
    read(&world, cleo, room, second);
    assert!(!receipts(&world, room).read.is_some_and(|read| read.covers(second)), "bob has not");
    world.leave(bob, room);
    assert!(receipts(&world, room).read.is_some_and(|read| read.covers(second)), "bob is gone");
    world.leave(cleo, room);
    assert_eq!(receipts(&world, room), Receipts::default());
    let third = world.send(ann, room, "to nobody").seq;
    let joined = world.join(dan, room).seq;
    read(&world, ann, room, joined);
    let now = receipts(&world, room);
    assert_eq!(now.read, reach(joined, joined));
    assert!(!now.delivered.is_some_and(|delivered| delivered.covers(third)));
}

#[test]
fn who_gives_no_read_receipts_gets_none_and_holds_none_back() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let (direct, group) = (world.direct(ann, bob), world.group(ann, &[bob, cleo]));
    for room in [direct, group] {
        let said = world.send(ann, room, "1").seq;
        read(&world, bob, room, said);
    }
    assert!(receipts(&world, direct).read.is_some());
    world.told();
    share_read(&world, bob, false);
    let told = world.told();
    let rooms = told.iter().find_map(|told| match told {
        Told::ReadShared { user, on: false, rooms } if *user == bob => Some(rooms.clone()),
        _ => None,
    });
    assert!(rooms.is_some_and(|rooms| rooms.contains(&direct) && rooms.contains(&group)));
    let now = receipts(&world, direct);
    assert_eq!((now.read, now.delivered.is_some()), (None, true));
    let said = world.send(ann, group, "2").seq;
    read(&world, cleo, group, said);
    assert!(receipts(&world, group).read.is_some_and(|read| read.covers(said)), "bob is left out");
    let list = |viewer, room| world.read(move |reader| reader.receipt_list(viewer, room));
    let reads = |viewer, room| -> Vec<bool> {
        list(viewer, room).expect("a member").iter().map(|row| row.read.is_some()).collect()
    };
    assert_eq!(reads(ann, direct), [false]);
    assert_eq!(reads(bob, group), [false, false], "and bob is told of nobody");
    assert_eq!(reads(cleo, group).iter().filter(|&&read| read).count(), 1);
    share_read(&world, bob, true);
    assert_eq!(reads(ann, direct), [true]);
}

#[test]
fn who_has_what_and_since_when_is_for_members() {
    let world = super::open();
    let [ann, bob, eve] = world.users(["ann", "bob", "eve"]);
    let room = world.group(ann, &[bob]);
    let said = world.send(ann, room, "1").seq;
    world.pass(5_000);
    delivered(&world, bob, room, said);
    let received_ms = world.now_ms();
    world.pass(5_000);
    read(&world, bob, room, said);
    let list = |viewer| world.read(move |reader| reader.receipt_list(viewer, room));
    let rows = list(ann).expect("ann is a member");
    let [row] = &rows[..] else { panic!("only the other: {rows:?}") };
    assert_eq!((row.user.id, row.delivered), (bob, said));
    let (read, read_ms) = row.read.expect("bob lets it be known");
    assert_eq!(read, said);
    assert!(row.delivered_at_ms.abs_diff(received_ms) < 1_000 && read_ms >= received_ms + 4_000);
    assert_eq!(list(eve), Err(Refusal::NotFound));
}

#[test]
fn who_comes_later_learns_nothing_of_when_the_others_came_so_far() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.group(ann, &[bob]);
    let before = world.send(ann, room, "before").seq;
    world.pass(5_000);
    read(&world, bob, room, before);
    world.put(ann, room, cleo, Role::Member).expect("ann owns the room");
    let marks = |of: UserId| {
        let rows = world.read(move |reader| reader.receipt_list(cleo, room)).expect("a member");
        let row = rows.into_iter().find(|row| row.user.id == of).expect("a member too");
        (row.delivered, row.delivered_at_ms, row.read)
    };
    let nothing = (Seq::ZERO, 0, Some((Seq::ZERO, 0)));
    assert_eq!((marks(ann), marks(bob)), (nothing, nothing));
    world.pass(5_000);
    let after = world.send(ann, room, "after").seq;
    delivered(&world, bob, room, after);
    assert_eq!(marks(bob), (after, world.now_ms(), Some((Seq::ZERO, 0))));
    read(&world, bob, room, after);
    assert_eq!(marks(bob).2, Some((after, world.now_ms())));
}

#[test]
fn a_room_of_1_024_has_ticks_and_one_of_1_025_has_none() {
    let world = super::open();
    let ann = world.user("ann");
    // Everyone who comes is in it.
    let room = world.store().general();
    let crowd = world.crowd(RECEIPT_MEMBERS_MAX as usize - 1);
    let list = || world.read(move |reader| reader.receipt_list(ann, room));
    let first = world.send(ann, room, "to all").seq;
    delivered_to(&world, &crowd, room, first);
    assert!(receipts(&world, room).delivered.is_some_and(|delivered| delivered.covers(first)));
    assert_eq!(list().map(|rows| rows.len()), Ok(crowd.len()));
    let zoe = world.user("zoe");
    assert_eq!(receipts(&world, room), Receipts::default());
    assert!(matches!(list(), Err(Refusal::Forbidden(why)) if why.contains("1,024")));
    world.told();
    let second = world.send(ann, room, "to one more").seq;
    delivered_to(&world, &crowd, room, second);
    let by_hand = Write::ReceiptSet { room, read: None, delivered: Some(second) };
    assert_eq!(world.write(crowd[0], by_hand), Ok(Written::Unchanged));
    assert_eq!(world.row(crowd[0], room).map(|row| row.delivered_seq), Some(first));
    let marked = |told: &Told| matches!(told, Told::Marked(rooms) if rooms.contains(&room));
    assert!(!world.told().iter().any(marked), "there is nothing to look at");
    world.leave(zoe, room);
    assert!(world.told().iter().any(marked));
    assert!(receipts(&world, room).delivered.is_some_and(|delivered| delivered.all == first));
    delivered_to(&world, &crowd, room, second);
    assert!(receipts(&world, room).delivered.is_some_and(|delivered| delivered.covers(second)));
}

#[test]
fn marks_outlive_a_crash_and_a_new_role() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    let said = world.send(ann, room, "1").seq;
    read(&world, bob, room, said);
    let before = receipts(&world, room);
    assert!(world.put(ann, room, bob, Role::Admin).is_ok());
    assert_eq!(receipts(&world, room), before);
    assert_eq!(receipts(&world.after_crash(), room), before);
}

#[test]
fn one_was_last_seen_where_both_say_so() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let seen = |viewer, of| world.read(move |reader| reader.last_seen(viewer, &[of]));
    world.pass(60_000);
    let at_ms = world.now_ms();
    let gone = || world.write(ann, Write::SeenSet { seen: vec![(bob, at_ms)] });
    assert_eq!(gone(), Ok(Written::Done));
    assert_eq!(seen(ann, bob), [(bob, at_ms)]);
    let set = |user, on| {
        world.write(user, Write::PrivacySet { read_receipts: None, last_seen: Some(on) })
    };
    assert_eq!(set(ann, false), Ok(Written::Done));
    assert!(seen(ann, bob).is_empty(), "ann does not say so");
    assert_eq!(set(ann, true), Ok(Written::Done));
    assert_eq!(set(bob, false), Ok(Written::Done));
    assert_eq!(gone(), Ok(Written::Done));
    assert!(seen(ann, bob).is_empty());
    assert_eq!(set(bob, true), Ok(Written::Done));
    assert!(seen(ann, bob).iter().all(|&(_, ms)| ms < at_ms), "it was not even kept");
}
