//! Who comes, who goes, who may what.

use chinwag_core::access::Role;
use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, UserId};
use chinwag_store::write::{Refusal, Write, Written};

use super::world::{body, event};

#[test]
fn anyone_joins_a_channel_and_nobody_else_anything() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let (channel, group) = (world.channel(ann, &[]), world.group(ann, &[]));
    assert_eq!(world.join(bob, channel).kind, EventKind::MemberJoined { user: bob });
    assert_eq!(world.role(bob, channel), Some(Role::Member));
    let join = |user, room| world.write(user, Write::RoomJoin { room });
    assert!(matches!(join(bob, channel), Err(Refusal::Forbidden(_))));
    assert_eq!(join(bob, group), Err(Refusal::NotFound));
    assert_eq!(join(bob, RoomId::of_self(ann)), Err(Refusal::NotFound));
    assert_eq!(join(bob, world.direct(ann, cleo)), Err(Refusal::NotFound));
    assert_eq!(join(UserId::from_i64(5), channel), Err(Refusal::Unauthorized));
    assert_eq!(world.row(ann, channel).expect("it is there").members, 2);
}

#[test]
fn who_left_is_out_and_may_come_back() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.channel(ann, &[bob]);
    world.leave(bob, room);
    assert_eq!(world.role(bob, room), None);
    let send = Write::MessageSend { room, body: body("still here") };
    assert!(matches!(world.write(bob, send), Err(Refusal::Forbidden(_))));
    assert_eq!(world.row(ann, room).expect("it is there").members, 1);
    world.join(bob, room);
    world.send(bob, room, "back");
    assert_eq!(world.row(ann, room).expect("it is there").members, 2);
}

#[test]
fn the_last_owner_leaves_only_an_empty_room_behind() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    let leave = |user| world.write(user, Write::RoomLeave { room });
    assert!(matches!(leave(ann), Err(Refusal::Forbidden(_))));
    let oneself = world.write(ann, Write::MemberRemove { room, user: ann });
    assert!(matches!(oneself, Err(Refusal::Forbidden(_))));
    world.put(ann, room, bob, Role::Owner).expect("ann owns the room");
    assert!(leave(ann).is_ok());
    assert!(leave(bob).is_ok(), "alone one may always go");
    assert_eq!(leave(bob), Err(Refusal::NotFound));
}

#[test]
fn who_comes_into_an_empty_room_owns_it() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.channel(ann, &[]);
    world.leave(ann, room);
    let joined = world.join(bob, room);
    assert_eq!(joined.body, Some(chinwag_core::body::member(bob, Role::Owner)));
    world.join(ann, room);
    assert_eq!(
        (world.role(bob, room), world.role(ann, room)),
        (Some(Role::Owner), Some(Role::Member))
    );
    let general = world.store().general();
    world.leave(bob, general);
    world.leave(cleo, general);
    world.leave(ann, general);
    let dan = world.user("dan");
    assert_eq!(world.role(dan, general), Some(Role::Owner), "general is no other");
    world.join(ann, general);
    assert_eq!(world.role(ann, general), Some(Role::Member));
}

#[test]
fn roles_change_by_those_above() {
    let world = super::open();
    let [ann, bob, cleo, dan] = world.users(["ann", "bob", "cleo", "dan"]);
    let room = world.group(ann, &[bob, cleo]);
    world.put(ann, room, bob, Role::Admin).expect("ann owns the room");
    assert_eq!(world.role(bob, room), Some(Role::Admin));
    assert!(world.put(bob, room, cleo, Role::Reader).is_ok());
    let send = Write::MessageSend { room, body: body("hush") };
    assert!(matches!(world.write(cleo, send), Err(Refusal::Forbidden(_))));
    for (actor, user, role) in [
        (bob, cleo, Role::Admin),
        (bob, ann, Role::Member),
        (cleo, bob, Role::Member),
        (ann, ann, Role::Member),
        (bob, dan, Role::Owner),
    ] {
        let outcome = world.put(actor, room, user, role);
        assert!(matches!(outcome, Err(Refusal::Forbidden(_))), "{outcome:?}");
    }
    assert_eq!(world.put(dan, room, dan, Role::Member), Err(Refusal::NotFound));
    assert_eq!(world.put(ann, room, cleo, Role::Reader), Ok(Written::Unchanged));
    let added = event(&world.put(ann, room, dan, Role::Admin));
    assert_eq!(added.kind, EventKind::MemberJoined { user: dan });
    let nobody = UserId::from_i64(99);
    let outcome = world.put(ann, room, nobody, Role::Member);
    assert!(matches!(outcome, Err(Refusal::Invalid { field: "user", .. })));
}

#[test]
fn members_are_removed_by_those_above() {
    let world = super::open();
    let [ann, bob, cleo, dan] = world.users(["ann", "bob", "cleo", "dan"]);
    let room = world.group(ann, &[bob, cleo]);
    world.put(ann, room, bob, Role::Admin).expect("ann owns the room");
    let remove = |actor, user| world.write(actor, Write::MemberRemove { room, user });
    assert!(matches!(remove(cleo, bob), Err(Refusal::Forbidden(_))));
    assert!(matches!(remove(bob, ann), Err(Refusal::Forbidden(_))));
    assert_eq!(remove(dan, bob), Err(Refusal::NotFound));
    assert_eq!(remove(ann, dan), Err(Refusal::NotFound));
    let left = event(&remove(bob, cleo));
    assert_eq!((left.kind, left.from), (EventKind::MemberLeft { user: cleo }, bob));
    assert_eq!(world.role(cleo, room), None);
    let own = world.log(cleo, RoomId::of_self(cleo)).expect("one's own room");
    let last = own.last().expect("it has events");
    assert_eq!((last.kind, last.from), (EventKind::RoomRemoved { room }, bob));
}

#[test]
fn the_kinds_that_are_fixed_stay_so() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let direct = world.direct(ann, bob);
    for room in [direct, RoomId::of_self(ann)] {
        let writes = [
            Write::RoomLeave { room },
            Write::MemberPut { room, user: cleo, role: Role::Member },
            Write::MemberRemove { room, user: ann },
        ];
        for write in writes {
            let outcome = world.write(ann, write);
            assert!(matches!(outcome, Err(Refusal::Forbidden(_))), "{outcome:?}");
        }
    }
}

#[test]
fn members_are_listed_in_pages_to_members() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let crowd = world.crowd(20);
    let room = world.group(ann, &crowd);
    world.write(ann, Write::MemberRemove { room, user: crowd[3] }).expect("ann owns the room");
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = world.read(move |reader| reader.member_list(ann, room, after, 7));
        let (members, next) = page.expect("ann is in the room");
        listed.extend(members);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 20);
    assert!(listed.windows(2).all(|pair| pair[0].user.id < pair[1].user.id));
    assert!(listed.iter().all(|member| member.user.id != crowd[3]));
    assert_eq!(listed.iter().filter(|member| member.role == Role::Owner).count(), 1);
    let stranger = world.read(move |reader| reader.member_list(bob, room, None, 7));
    assert_eq!(stranger, Err(Refusal::NotFound));
}
