//! Nothing outside one's visible set is sent, counted, found or named.

use chinwag_core::access::{History, Role};
use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_store::read::At;
use chinwag_store::write::{Refusal, Write};

use super::world::{World, body};

fn handles(world: &World, viewer: UserId, ids: &[UserId]) -> Vec<String> {
    let ids = ids.to_vec();
    let users = world.read(move |reader| reader.users_visible(viewer, &ids));
    users.into_iter().map(|user| user.handle).collect()
}

#[test]
fn a_group_is_seen_from_ones_joining_on_and_a_channel_from_its_start() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (group, channel) = (world.group(ann, &[]), world.channel(ann, &[]));
    for room in [group, channel] {
        world.send(ann, room, "before");
        world.put(ann, room, bob, Role::Member).expect("ann owns the room");
        world.send(ann, room, "after");
    }
    assert_eq!(world.seqs(bob, group), [4, 5]);
    assert_eq!(world.seqs(bob, channel), [1, 2, 3, 4, 5]);
    let page = world.page(bob, group, At::Newest, 50).expect("bob is in it");
    assert_eq!(page.len(), 2);
    let around = world.page(bob, group, At::Around(Seq::new(2)), 50).expect("bob is in it");
    assert_eq!(around.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [4, 5]);
    let before = world.page(bob, group, At::Before(Seq::new(4)), 50);
    assert_eq!(before, Ok(Vec::new()));
    assert_eq!(world.row(bob, group).expect("bob is in it").last, page.last().cloned());
}

#[test]
fn who_founds_a_group_sees_its_founding() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    assert_eq!(world.seqs(ann, room), [1, 2, 3]);
    assert_eq!(world.seqs(bob, room), [3]);
    let page = world.page(ann, room, At::Newest, 50).expect("ann is in it");
    assert_eq!(page[0].kind, EventKind::RoomCreated);
    world.put(ann, room, bob, Role::Owner).expect("ann owns the room");
    world.leave(ann, room);
    world.put(bob, room, ann, Role::Member).expect("bob owns the room");
    assert_eq!(world.seqs(ann, room), [6], "who comes back comes like anyone");
}

#[test]
fn an_owner_opens_and_closes_the_past() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[]);
    world.send(ann, room, "before");
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    let set = |history| {
        let (name, history, posting) = (None, Some(history), None);
        world.write(ann, Write::RoomUpdate { room, name, history, posting, body: "{}".into() })
    };
    assert!(set(History::All).is_ok());
    assert_eq!(world.seqs(bob, room)[0], 1);
    assert!(set(History::SinceJoin).is_ok());
    assert_eq!(world.seqs(bob, room)[0], 4);
}

#[test]
fn a_message_from_before_ones_time_cannot_be_deleted_or_marked_away() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[]);
    let old = world.send(ann, room, "before").seq;
    world.put(ann, room, bob, Role::Owner).expect("ann owns the room");
    let delete = Write::MessageDelete { room, target: old };
    assert_eq!(world.write(bob, delete), Err(Refusal::NotFound));
    world.write(ann, Write::MessageDelete { room, target: old }).expect("it is ann's");
    assert_eq!(world.seqs(bob, room), [4, 5], "the change has its place, so the log is dense");
}

#[test]
fn after_leaving_there_is_no_room() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    world.send(ann, room, "hi");
    world.leave(bob, room);
    assert_eq!(world.log(bob, room), Err(Refusal::NotFound));
    assert_eq!(world.page(bob, room, At::Newest, 5), Err(Refusal::NotFound));
    assert_eq!(world.row(bob, room), None);
    let list = world.read(move |reader| reader.room_list(bob, None, 100));
    assert!(list.rooms.iter().all(|row| row.id != room));
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    let again = world.seqs(bob, room);
    assert_eq!(again.first(), Some(&world.head(room).get()), "what was missed stays unseen");
}

#[test]
fn a_channel_is_read_by_members_alone() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.channel(ann, &[]);
    assert!(matches!(world.log(bob, room), Err(Refusal::Forbidden(_))));
    assert!(matches!(world.page(bob, room, At::Newest, 5), Err(Refusal::Forbidden(_))));
    assert_eq!(world.log(bob, RoomId::of_self(ann)), Err(Refusal::NotFound));
    assert_eq!(world.log(bob, RoomId::from_i64(9)), Err(Refusal::NotFound));
}

/// Everyone meets in `general`, so who is to be a stranger leaves it first.
fn strangers(world: &World) -> [UserId; 4] {
    let users = world.users(["ann", "bob", "cleo", "dan"]);
    let general = world.store().general();
    world.put(users[0], general, users[3], Role::Owner).expect("ann owns general");
    for user in users {
        let write = Write::RoomLeave { room: general };
        world.write(user, write).expect("everyone may leave");
    }
    users
}

#[test]
fn one_names_whom_one_meets_or_met() {
    let world = super::open();
    // They were all in `general` together, and that stays so.
    let [ann, bob, cleo, dan] = strangers(&world);
    assert_eq!(handles(&world, ann, &[bob, cleo, dan]), ["bob", "cleo", "dan"]);
    let eve = world.user("eve");
    world.leave(eve, world.store().general());
    // Eve came to `general` when the others were gone: its past names them to her, not her to them.
    assert_eq!(handles(&world, bob, &[eve, bob]), ["bob"]);
    assert_eq!(handles(&world, eve, &[bob]), ["bob"]);
    let room = world.group(bob, &[eve]);
    assert_eq!(handles(&world, bob, &[eve]), ["eve"]);
    world.leave(eve, room);
    assert_eq!(handles(&world, bob, &[eve]), ["eve"]);
    assert_eq!(handles(&world, bob, &[UserId::from_i64(3)]), Vec::<String>::new());
}

#[test]
fn in_a_group_one_names_only_those_of_ones_own_time() {
    let world = super::open();
    let ann = world.user("ann");
    let general = world.store().general();
    let leave = |user| world.leave(user, general);
    let room = world.group(ann, &[]);
    let bob = world.user("bob");
    leave(bob);
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    world.leave(bob, room);
    // The doors of `general` are shut to what was, so that only the group can name anyone.
    let write = Write::RoomUpdate {
        room: general,
        name: None,
        history: Some(History::SinceJoin),
        posting: None,
        body: "{}".into(),
    };
    world.write(ann, write).expect("ann owns general");
    let cleo = world.user("cleo");
    leave(cleo);
    world.put(ann, room, cleo, Role::Member).expect("ann owns the room");
    assert_eq!(handles(&world, cleo, &[bob]), Vec::<String>::new());
    assert_eq!(handles(&world, bob, &[cleo]), Vec::<String>::new());
    assert_eq!(handles(&world, cleo, &[ann, cleo]), ["ann", "cleo"]);
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    assert_eq!(handles(&world, cleo, &[bob]), ["bob"]);
}

#[test]
fn one_watches_those_of_a_common_room_now() {
    let world = super::open();
    let [ann, bob, cleo, dan] = strangers(&world);
    let room = world.group(ann, &[bob, cleo]);
    world.leave(cleo, room);
    let ids = [bob, cleo, dan, ann];
    let watchable = world.read(move |reader| reader.watchable(ann, &ids));
    assert_eq!(watchable, [bob, ann]);
    let watchable = world.read(move |reader| reader.watchable(dan, &ids));
    assert_eq!(watchable, [dan]);
}

#[test]
fn the_unread_of_a_group_begins_at_ones_joining() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[]);
    for n in 0..5 {
        world.write(ann, Write::MessageSend { room, body: body(&n.to_string()) }).expect("ann's");
    }
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    world.send(ann, room, "hi");
    assert_eq!(world.unread(bob, room), 1);
}
