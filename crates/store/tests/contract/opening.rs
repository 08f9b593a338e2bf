//! What a connection begins with, and what it missed.

use chinwag_core::access::Role;
use chinwag_core::id::{Epoch, RoomId, Seq, UserId};
use chinwag_core::limit::{RESUME_BYTES_MAX, RESUME_EVENTS_MAX, ROOM_PAGE_MAX};
use chinwag_store::read::{Missed, Opening};
use chinwag_store::write::Write;

use super::world::{World, body};

fn opening(
    world: &World,
    user: UserId,
    epoch: Option<Epoch>,
    cursors: &[(RoomId, Seq)],
) -> Opening {
    let cursors = cursors.to_vec();
    let opening = world.read(move |reader| reader.opening(user, epoch, &cursors));
    opening.expect("the account lives")
}

fn send_many(world: &World, user: UserId, room: RoomId, count: usize, text: &str) {
    let send = |_| (user, world.key(), Write::MessageSend { room, body: body(text) });
    world.together((0..count).map(send).collect());
}

#[test]
fn it_has_the_user_every_room_and_the_first_page() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let rooms: Vec<_> = (0..ROOM_PAGE_MAX + 5).map(|_| world.group(ann, &[])).collect();
    let opening = opening(&world, ann, None, &[]);
    assert_eq!(opening.user.handle, "ann");
    assert_eq!((opening.epoch, opening.reset), (world.store().epoch(), false));
    assert_eq!(opening.heads.len(), rooms.len() + 2, "general and the self room too");
    assert!(opening.heads.contains(&(RoomId::of_self(ann), Seq::new(rooms.len() as u64 + 1))));
    assert_eq!((opening.page.rooms.len(), opening.page.next.is_some()), (ROOM_PAGE_MAX, true));
    assert!(opening.missed.is_empty());
    assert!(!opening.heads.iter().any(|(room, _)| room.is_self_of(bob)));
    let nobody = UserId::from_i64(7);
    assert_eq!(world.read(move |reader| reader.opening(nobody, None, &[])), None);
}

#[test]
fn what_was_missed_comes_in_order_for_each_cursor() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let (one, other) = (world.direct(ann, bob), world.group(ann, &[bob]));
    let (quiet, secret) = (world.group(ann, &[bob]), world.group(ann, &[cleo]));
    let cursors = [one, other, quiet, secret].map(|room| (room, world.head(room)));
    world.send(ann, other, "x");
    let target = world.send(ann, one, "1").seq;
    world.write(ann, Write::MessageDelete { room: one, target }).expect("it is ann's");
    world.send(bob, one, "2");
    let epoch = Some(world.store().epoch());
    let opening = opening(&world, bob, epoch, &cursors);
    let missed: Vec<(RoomId, Vec<u64>)> = opening
        .missed
        .iter()
        .map(|missed| match missed {
            Missed::Events(events) => {
                (events[0].room, events.iter().map(|event| event.seq.get()).collect())
            }
            Missed::Lagged { .. } => panic!("nothing lags"),
        })
        .collect();
    assert_eq!(missed, [(one, vec![4, 5, 6]), (other, vec![4])]);
    assert!(!opening.reset);
}

#[test]
fn too_much_lags_and_exactly_the_limit_does_not() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (fits, lags) = (world.direct(ann, bob), world.group(ann, &[bob]));
    let cursors = [fits, lags].map(|room| (room, world.head(room)));
    send_many(&world, ann, fits, RESUME_EVENTS_MAX, "x");
    send_many(&world, ann, lags, RESUME_EVENTS_MAX + 1, "x");
    let opening = opening(&world, bob, None, &cursors);
    let [Missed::Events(events), Missed::Lagged { room, head_seq }] = opening.missed.as_slice()
    else {
        panic!("one fits and one lags")
    };
    assert_eq!(events.len(), RESUME_EVENTS_MAX);
    assert_eq!((*room, *head_seq), (lags, world.head(lags)));
}

#[test]
fn the_bytes_of_all_that_was_missed_are_bounded() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let rooms: Vec<RoomId> = (0..6).map(|_| world.group(ann, &[bob])).collect();
    let cursors: Vec<_> = rooms.iter().map(|&room| (room, world.head(room))).collect();
    let text = "x".repeat(RESUME_BYTES_MAX / 40);
    for &room in &rooms {
        send_many(&world, ann, room, 10, &text);
    }
    let opening = opening(&world, bob, None, &cursors);
    let (mut bytes, mut whole) = (0, 0);
    for missed in &opening.missed {
        if let Missed::Events(events) = missed {
            assert_eq!(events.len(), 10, "a room is whole or it lags");
            bytes += events
                .iter()
                .filter_map(|event| event.body.as_ref())
                .map(|b| b.len())
                .sum::<usize>();
            whole += 1;
        }
    }
    assert_eq!((opening.missed.len(), whole), (6, 3));
    assert!(bytes <= RESUME_BYTES_MAX);
}

#[test]
fn what_was_missed_honours_what_one_may_see() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    let cursor = (room, world.head(room));
    world.leave(bob, room);
    send_many(&world, ann, room, 5, "unseen");
    assert!(opening(&world, bob, None, &[cursor]).missed.is_empty());
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    world.send(ann, room, "seen");
    let missed = opening(&world, bob, None, &[cursor]).missed;
    let [Missed::Events(events)] = missed.as_slice() else { panic!("one room has news") };
    let seqs: Vec<u64> = events.iter().map(|event| event.seq.get()).collect();
    assert_eq!(seqs, [10, 11], "from the second joining on");
}

#[test]
fn another_history_resets() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let cursor = [(room, Seq::ZERO)];
    let other = Some(Epoch::new(1));
    let fresh = opening(&world, bob, other, &cursor);
    assert!(fresh.reset && fresh.missed.is_empty() && fresh.page.rooms.len() == 3);
    let above = [(room, world.head(room).next())];
    let above = opening(&world, bob, Some(world.store().epoch()), &above);
    assert!(above.reset && above.missed.is_empty());
    let stranger = [(RoomId::from_i64(5), Seq::MAX)];
    assert!(!opening(&world, bob, None, &stranger).reset, "a room that one is not in says nothing");
    let missed = opening(&world, bob, None, &cursor).missed;
    assert!(matches!(missed.as_slice(), [Missed::Events(events)] if events.len() == 3));
}

#[test]
fn a_cursor_given_twice_counts_once() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let cursors = [(room, Seq::ZERO), (room, Seq::new(1))];
    assert_eq!(opening(&world, bob, None, &cursors).missed.len(), 1);
}
