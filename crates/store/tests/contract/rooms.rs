//! Rooms: made, found, changed, listed.

use chinwag_core::access::{History, Posting, Role, RoomKind};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{GROUP_MEMBERS_MAX, ROOM_MEMBERS_AT_START_MAX, ROOM_PAGE_MAX};
use chinwag_store::read::RoomCursor;
use chinwag_store::write::{Refusal, Write, Written};

use super::world::{Outcome, World, body, name};

fn made(outcome: &Outcome) -> (RoomId, bool) {
    match outcome {
        Ok(Written::Room { room, created }) => (*room, *created),
        other => panic!("no room: {other:?}"),
    }
}

#[test]
fn a_pair_has_one_direct_room_whoever_asks_and_in_whatever_batch() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let ask = |from, to| (from, world.key(), world.create(RoomKind::Direct, &[to]));
    let race = world.together(vec![ask(ann, bob), ask(bob, ann), ask(ann, bob), ask(ann, cleo)]);
    let rooms: Vec<_> = race.iter().map(made).collect();
    assert_eq!(rooms.iter().map(|room| room.1).collect::<Vec<_>>(), [true, false, false, true]);
    assert!(rooms[0].0 == rooms[1].0 && rooms[1].0 == rooms[2].0 && rooms[3].0 != rooms[0].0);
    let again = world.write(bob, world.create(RoomKind::Direct, &[ann]));
    assert_eq!(made(&again), (rooms[0].0, false));
    let row = world.row(ann, rooms[0].0).expect("ann is in it");
    assert_eq!((row.peer, row.members, row.role), (Some(bob), 2, Some(Role::Member)));
    assert_eq!(world.row(bob, rooms[0].0).expect("bob is in it").peer, Some(ann));
}

#[test]
fn a_room_has_the_shape_of_its_kind() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let nobody = UserId::from_i64(42);
    let field = |kind, members: &[UserId], named: bool| {
        let (room, body) = (world.room_id(), "{}".into());
        let name = named.then(|| name("x"));
        let members = members.to_vec();
        match world.write(ann, Write::RoomCreate { room, kind, name, members, body }) {
            Err(Refusal::Invalid { field, .. }) => field,
            Ok(_) => "made",
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(field(RoomKind::Direct, &[], false), "members");
    assert_eq!(field(RoomKind::Direct, &[ann], false), "members");
    assert_eq!(field(RoomKind::Direct, &[bob, cleo], false), "members");
    assert_eq!(field(RoomKind::Direct, &[nobody], false), "members");
    assert_eq!(field(RoomKind::Direct, &[bob], true), "name");
    assert_eq!(field(RoomKind::Group, &[bob, nobody], true), "members");
    assert_eq!(field(RoomKind::Channel, &[], false), "name");
    assert_eq!(field(RoomKind::SelfRoom, &[], true), "kind");
    let many: Vec<_> = (0..=ROOM_MEMBERS_AT_START_MAX as i64).map(UserId::from_i64).collect();
    assert_eq!(field(RoomKind::Group, &many, true), "members");
    world.pass(1);
    assert_eq!(field(RoomKind::Group, &[bob, bob, ann], false), "made");
    let list = world.read(move |reader| reader.room_list(ann, None, ROOM_PAGE_MAX));
    assert_eq!(list.rooms.len(), 3, "general, the self room and the one group");
    assert_eq!(list.rooms[0].members, 2, "named twice is a member once");
}

#[test]
fn a_stranger_makes_no_room_and_an_id_is_used_once() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let stranger = UserId::from_i64(4_242);
    let write = world.create(RoomKind::Group, &[ann]);
    assert_eq!(world.write(stranger, write.clone()), Err(Refusal::Unauthorized));
    assert!(world.write(ann, write.clone()).is_ok());
    assert_eq!(world.write(bob, write), Err(Refusal::Busy));
}

#[test]
fn names_and_settings_change_by_those_who_may() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.group(ann, &[bob]);
    let update = |actor, text: Option<&str>, history, posting| {
        let name = text.map(name);
        world.write(actor, Write::RoomUpdate { room, name, history, posting, body: "{}".into() })
    };
    assert!(matches!(update(bob, Some("mine"), None, None), Err(Refusal::Forbidden(_))));
    assert_eq!(update(cleo, Some("mine"), None, None), Err(Refusal::NotFound));
    world.put(ann, room, bob, Role::Admin).expect("ann owns the room");
    assert!(update(bob, Some("ours"), None, None).is_ok());
    let settings = (Some(History::All), Some(Posting::Admins));
    assert!(matches!(update(bob, None, settings.0, settings.1), Err(Refusal::Forbidden(_))));
    let both = update(bob, Some("no"), settings.0, None);
    assert!(matches!(both, Err(Refusal::Forbidden(_))));
    assert!(update(ann, None, settings.0, settings.1).is_ok());
    assert_eq!(update(ann, Some("ours"), settings.0, None), Ok(Written::Unchanged));
    let row = world.row(ann, room).expect("ann is in it");
    let expected = (Some("ours".to_owned()), History::All, Posting::Admins);
    assert_eq!((row.name, row.history, row.posting), expected);
    let direct = world.direct(ann, cleo);
    let rename = Write::RoomUpdate {
        room: direct,
        name: Some(name("x")),
        history: None,
        posting: None,
        body: "{}".into(),
    };
    assert!(matches!(world.write(ann, rename), Err(Refusal::Forbidden(_))));
}

#[test]
fn a_change_of_settings_holds_from_the_next_command_of_the_batch() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    let posting = Some(Posting::Admins);
    let update = Write::RoomUpdate { room, name: None, history: None, posting, body: "{}".into() };
    let send = || Write::MessageSend { room, body: body("hi") };
    let (a, b, c) = (world.key(), world.key(), world.key());
    let outcomes = world.together(vec![(bob, a, send()), (ann, b, update), (bob, c, send())]);
    assert!(outcomes[0].is_ok() && outcomes[1].is_ok());
    assert!(matches!(outcomes[2], Err(Refusal::Forbidden(_))));
}

#[test]
fn a_group_has_a_limit_of_members() {
    let world = super::open();
    let crowd = world.crowd(GROUP_MEMBERS_MAX as usize + 1);
    let (first, rest) = (crowd[0], &crowd[1..]);
    let room = world.group(first, &rest[..ROOM_MEMBERS_AT_START_MAX]);
    let put =
        |&user: &UserId| (first, world.key(), Write::MemberPut { room, user, role: Role::Member });
    let outcomes = world.together(rest[ROOM_MEMBERS_AT_START_MAX..].iter().map(put).collect());
    let (last, fit) = outcomes.split_last().expect("there are some");
    assert!(fit.iter().all(Result::is_ok));
    assert!(matches!(last, Err(Refusal::Forbidden(_))));
    assert_eq!(world.row(first, room).expect("it is there").members, GROUP_MEMBERS_MAX);
}

fn list_all(
    world: &World,
    page: impl Fn(&World, Option<RoomCursor>) -> chinwag_store::read::RoomPage,
) -> Vec<RoomId> {
    let (mut rooms, mut after) = (Vec::new(), None);
    loop {
        let page = page(world, after);
        rooms.extend(page.rooms.iter().map(|room| room.id));
        after = page.next;
        if after.is_none() {
            return rooms;
        }
        assert!(!page.rooms.is_empty());
    }
}

#[test]
fn my_rooms_are_listed_most_recent_first_in_pages() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let mut rooms = Vec::new();
    for n in 0..9 {
        world.pass(u64::from(n % 3 == 0));
        let members: &[UserId] = if n % 2 == 0 { &[bob] } else { &[] };
        rooms.push(world.group(ann, members));
    }
    world.pass(1);
    world.send(ann, rooms[3], "bump");
    for limit in [1, 2, 5, 100] {
        let listed = list_all(&world, |world, after| {
            world.read(move |reader| reader.room_list(ann, after.as_ref(), limit))
        });
        assert_eq!(listed.len(), 11, "nine groups, general and the self room");
        assert_eq!(listed[0], rooms[3]);
        let mut once = listed.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), listed.len());
    }
    let theirs = list_all(&world, |world, after| {
        world.read(move |reader| reader.room_list(bob, after.as_ref(), 2))
    });
    assert_eq!(theirs.len(), 7);
}

#[test]
fn a_list_names_those_who_appear_in_it() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    world.pass(1);
    world.direct(ann, bob);
    world.pass(1);
    let group = world.group(ann, &[cleo]);
    world.send(cleo, group, "hi");
    let page = world.read(move |reader| reader.room_list(ann, None, 2));
    let last = page.rooms[0].last.as_ref().expect("the group has a message");
    assert_eq!((last.from, last.body.as_deref()), (cleo, Some(r#"{"text":"hi"}"#)));
    let mut handles: Vec<_> = page.users.iter().map(|user| user.handle.as_str()).collect();
    handles.sort_unstable();
    assert_eq!(handles, ["ann", "bob", "cleo"]);
}

#[test]
fn all_channels_are_listed_and_a_stranger_sees_little_of_them() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let mut channels = vec![world.store().general()];
    for _ in 0..4 {
        world.pass(1);
        channels.push(world.channel(ann, &[]));
    }
    world.group(ann, &[bob]);
    world.pass(1);
    world.send(ann, channels[2], "news");
    let listed = list_all(&world, |world, after| {
        world.read(move |reader| reader.channel_list(bob, after.as_ref(), 2))
    });
    let expected = [channels[2], channels[4], channels[3], channels[1], channels[0]];
    assert_eq!(listed, expected);
    let page = world.read(move |reader| reader.channel_list(bob, None, 1));
    let row = &page.rooms[0];
    assert_eq!((row.role, &row.last, row.members), (None, &None, 1));
    assert_eq!((row.head_seq, row.n, row.read_seq, row.read_n), (Seq::ZERO, 0, Seq::ZERO, 0));
    let page = world.read(move |reader| reader.channel_list(ann, None, 1));
    assert_eq!((page.rooms[0].role, page.rooms[0].n), (Some(Role::Owner), 1));
}

#[test]
fn a_room_that_one_may_not_see_is_not_there() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (group, channel) = (world.group(ann, &[]), world.channel(ann, &[]));
    assert_eq!(world.row(bob, group), None);
    assert_eq!(world.row(bob, RoomId::of_self(ann)), None);
    assert!(world.row(bob, channel).is_some_and(|row| row.last.is_none() && row.n == 0));
    assert_eq!(world.row(ann, RoomId::from_i64(5)), None);
    let facts = world.read(move |reader| reader.room_facts(channel)).expect("it is there");
    assert_eq!((facts.kind, facts.posting), (RoomKind::Channel, Posting::Members));
}
