//! Pages, laid side by side, are the whole.

use chinwag_core::access::Role;
use chinwag_core::event::Event;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::PAGE_MAX;
use chinwag_store::read::At;
use chinwag_store::write::{Refusal, Write};

use super::world::{World, body};

/// A channel with messages, notices, deletions and one's read marks between them.
fn storied(world: &World) -> (UserId, UserId, RoomId) {
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.channel(ann, &[bob]);
    for n in 0..40 {
        let sent = world.send(if n % 3 == 0 { bob } else { ann }, room, &n.to_string());
        if n % 5 == 0 {
            let write = Write::MessageDelete { room, target: sent.seq };
            world.write(ann, write).expect("ann owns the room");
        }
        if n % 7 == 0 {
            world.join(cleo, room);
            world.leave(cleo, room);
        }
    }
    (ann, bob, room)
}

fn timeline(world: &World, user: UserId, room: RoomId) -> Vec<Event> {
    let log = world.log(user, room).expect("the user is in it");
    log.into_iter().filter(|event| event.kind.in_timeline()).collect()
}

#[test]
fn pages_of_the_timeline_upwards_and_downwards_are_the_whole() {
    let world = super::open();
    let (_, bob, room) = storied(&world);
    let whole = timeline(&world, bob, room);
    assert!(whole.len() > 50 && whole.iter().any(|event| event.body.is_none()));
    for limit in [1, 2, 7, 50, 100] {
        let mut up: Vec<Event> = Vec::new();
        loop {
            let after = up.last().map_or(Seq::ZERO, |last| last.seq);
            let page = world.page(bob, room, At::After(after), limit).expect("bob is in it");
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            up.extend(page);
        }
        assert_eq!(up, whole);
        let mut down = world.page(bob, room, At::Newest, limit).expect("bob is in it");
        loop {
            let before = down[0].seq;
            let page = world.page(bob, room, At::Before(before), limit).expect("bob is in it");
            if page.is_empty() {
                break;
            }
            down.splice(0..0, page);
        }
        assert_eq!(down, whole);
    }
}

#[test]
fn a_page_around_a_message_has_half_on_either_side() {
    let world = super::open();
    let (_, bob, room) = storied(&world);
    let whole = timeline(&world, bob, room);
    let middle = whole.len() / 2;
    let at = At::Around(whole[middle].seq);
    let page = world.page(bob, room, at, 10).expect("bob is in it");
    assert_eq!(page, whole[middle - 4..middle + 6]);
    let page = world.page(bob, room, at, 1).expect("bob is in it");
    assert_eq!(page, whole[middle..=middle]);
    let page = world.page(bob, room, At::Around(whole[0].seq), 10).expect("bob is in it");
    assert_eq!(page, whole[..6]);
}

#[test]
fn a_page_at_a_time_is_that_around_the_first_since_then() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.channel(ann, &[bob]);
    for n in 0..30_u64 {
        // Several of one time, then none for a while; and what is no message between them.
        world.pass(n % 4 * 10);
        let sent = world.send(ann, room, &n.to_string());
        if n % 3 == 0 {
            let write = Write::MessageDelete { room, target: sent.seq };
            world.write(ann, write).expect("it is ann's");
        }
    }
    let whole = timeline(&world, bob, room);
    let (first, last) = (whole[0].at_ms, whole.last().expect("there is one").at_ms);
    for at_ms in (first - 2..=last).step_by(5).chain([0, first, last]) {
        let target = whole.iter().find(|event| event.at_ms >= at_ms).expect("the last is");
        let around = world.page(bob, room, At::Around(target.seq), 7);
        assert_eq!(world.page(bob, room, At::Time(at_ms), 7), around, "{at_ms}");
    }
    let newest = world.page(bob, room, At::Newest, 7);
    for at_ms in [last + 1, u64::MAX >> 1] {
        assert_eq!(world.page(bob, room, At::Time(at_ms), 7), newest, "nothing is so late");
    }
}

#[test]
fn a_time_before_ones_joining_is_ones_joining() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[]);
    let early = world.send(ann, room, "early").at_ms;
    world.pass(1_000);
    world.put(ann, room, bob, Role::Member).expect("ann owns the room");
    world.pass(1_000);
    world.send(ann, room, "late");
    let page = |user| world.page(user, room, At::Time(early), 50).expect("a member");
    assert_eq!(page(bob).iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(page(ann).len(), 5);
    let stranger = world.user("cleo");
    assert_eq!(world.page(stranger, room, At::Time(early), 50), Err(Refusal::NotFound));
}

#[test]
fn a_page_has_a_limit_whatever_is_asked() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let send = |_| (ann, world.key(), Write::MessageSend { room, body: body("x") });
    world.together((0..PAGE_MAX * 2).map(send).collect());
    let page = world.page(bob, room, At::Newest, usize::MAX).expect("bob is in it");
    assert_eq!(page.len(), PAGE_MAX);
    let log = world.read(move |reader| {
        let mut count = 0;
        let head = reader.log_page(bob, room, Seq::ZERO, usize::MAX, &mut |_| count += 1);
        (head, count)
    });
    assert_eq!(log, (Ok(Seq::new(PAGE_MAX as u64 * 2 + 3)), PAGE_MAX));
    assert_eq!(world.page(bob, room, At::Newest, 0), Ok(Vec::new()));
}

#[test]
fn what_i_wrote_is_exported_from_every_room_even_those_i_left() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let mut mine = Vec::new();
    for n in 0..5 {
        let room = world.group(ann, &[bob]);
        for m in 0..n {
            mine.push((room, world.send(bob, room, &m.to_string()).seq));
            world.send(ann, room, "not mine");
        }
        if n % 2 == 0 {
            world.leave(bob, room);
        }
    }
    for limit in [1, 3, 100] {
        let (mut exported, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = world.read(move |reader| {
                let mut page = Vec::new();
                let visit =
                    &mut |row: chinwag_core::event::EventRow<'_>| page.push((row.room, row.seq));
                let next = reader.export_messages(bob, after, limit, visit);
                (page, next)
            });
            assert!(page.len() <= limit);
            exported.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(exported, mine);
    }
}
