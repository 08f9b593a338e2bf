//! What someone has begun to write: for the own devices, and no more of it than the last.

use std::sync::Arc;

use chinwag_core::access::Role;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_core::text::DraftText;
use chinwag_store::read::At;
use chinwag_store::write::{Refusal, Write, Written};

use super::world::{Outcome, World, event, password};

fn body(room: RoomId, text: &str) -> Arc<str> {
    format!(r#"{{"room":"{room}","text":"{text}"}}"#).into()
}

fn write(room: RoomId, text: &str) -> Write {
    let body = body(room, text);
    Write::DraftSet { room, text: DraftText::new(text.to_owned()).expect("a good draft"), body }
}

fn set(world: &World, user: UserId, room: RoomId, text: &str) -> Outcome {
    world.write(user, write(room, text))
}

fn draft(world: &World, user: UserId, room: RoomId) -> Option<String> {
    world.row(user, room).expect("the user is in it").draft
}

/// What the user's own log says of drafts: `seq`, and whether the body is still there.
fn own_log(world: &World, user: UserId) -> Vec<(u64, Option<String>)> {
    let log = world.log(user, RoomId::of_self(user)).expect("it is the user's own");
    let drafts = log.iter().filter(|event| matches!(event.kind, EventKind::Draft { .. }));
    drafts.map(|event| (event.seq.get(), event.body.as_deref().map(str::to_owned))).collect()
}

#[test]
fn a_draft_is_kept_told_to_oneself_alone_and_cleared() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let head = world.head(room);
    let told = event(&set(&world, ann, room, "hal"));
    assert_eq!((told.room, told.kind), (RoomId::of_self(ann), EventKind::Draft { room }));
    assert_eq!(told.body, Some(body(room, "hal")));
    assert_eq!(
        (draft(&world, ann, room).as_deref(), draft(&world, bob, room)),
        (Some("hal"), None)
    );
    assert_eq!(world.head(room), head, "the room is told nothing");
    let notes = world.page(ann, RoomId::of_self(ann), At::Newest, 50);
    assert_eq!(notes, Ok(Vec::new()), "it is in no timeline");
    let cleared = event(&set(&world, ann, room, ""));
    assert_eq!(cleared.seq, told.seq.next());
    assert_eq!(draft(&world, ann, room), None);
}

#[test]
fn the_same_draft_again_changes_nothing() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    assert_eq!(set(&world, ann, room, ""), Ok(Written::Unchanged), "there was none");
    set(&world, ann, room, "hal").expect("ann is in it");
    let head = world.head(RoomId::of_self(ann));
    assert_eq!(set(&world, ann, room, "hal"), Ok(Written::Unchanged));
    set(&world, ann, room, "").expect("ann is in it");
    assert_eq!(set(&world, ann, room, ""), Ok(Written::Unchanged));
    assert_eq!(world.head(RoomId::of_self(ann)), head.next());
}

#[test]
fn the_own_log_keeps_no_history_of_what_was_typed() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (room, other) = (world.direct(ann, bob), world.group(ann, &[]));
    let first = event(&set(&world, ann, room, "h")).seq.get();
    set(&world, ann, other, "elsewhere").expect("ann is in it");
    set(&world, ann, room, "ha").expect("ann is in it");
    set(&world, ann, room, "hal").expect("ann is in it");
    let text = |room, text| Some(body(room, text).to_string());
    let last = text(room, "hal");
    let expected = [
        (first, None),
        (first + 1, text(other, "elsewhere")),
        (first + 2, None),
        (first + 3, last),
    ];
    assert_eq!(own_log(&world, ann), expected);
    let superseded = world.read(move |reader| {
        let after = Seq::new(first - 1);
        reader.events_after(RoomId::of_self(ann), after, 1).remove(0).rev
    });
    assert_eq!(superseded, Some(Seq::new(first + 2)), "it says what superseded it");
    set(&world, ann, room, "").expect("ann is in it");
    assert_eq!(own_log(&world, ann).pop(), Some((first + 4, text(room, ""))));
    assert_eq!(own_log(&world, ann)[3], (first + 3, None));
    let opening = world.read(move |reader| {
        reader.opening(ann, None, &[(RoomId::of_self(ann), Seq::new(first - 1))])
    });
    let page = opening.expect("ann is there").page;
    let drafts: Vec<_> = page.rooms.iter().filter_map(|row| row.draft.as_deref()).collect();
    assert_eq!(drafts, ["elsewhere"]);
    assert_eq!(world.store().statistics().rows_corrupt, 0);
}

#[test]
fn drafts_of_one_batch_supersede_each_other() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let one = |text| (ann, world.key(), write(room, text));
    let outcomes = world.together(vec![one("a"), one("a"), one("ab"), one(""), one("abc")]);
    assert_eq!(outcomes[1], Ok(Written::Unchanged));
    let bodies: Vec<bool> = own_log(&world, ann).iter().map(|(_, body)| body.is_some()).collect();
    assert_eq!(bodies, [false, false, false, true]);
    assert_eq!(draft(&world.after_crash(), ann, room).as_deref(), Some("abc"));
    let told = world.told_events();
    let live = |event: &&Arc<Event>| matches!(event.kind, EventKind::Draft { .. });
    assert!(told.iter().filter(live).all(|event| event.body.is_some()), "as each was said");
}

#[test]
fn the_key_of_a_draft_gives_its_first_answer_for_ever() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (room, other) = (world.direct(ann, bob), world.group(ann, &[]));
    let key = world.key();
    let keyed = |key: Key, write| world.write_keyed(ann, key, write);
    let first = event(&keyed(key, write(room, "hal")));
    assert_eq!(keyed(key, write(room, "half")), Err(Refusal::KeyConflict));
    assert_eq!(keyed(key, write(other, "hal")), Err(Refusal::KeyConflict));
    set(&world, ann, room, "half").expect("ann is in it");
    let again = keyed(key, write(room, "hal"));
    assert!(
        matches!(&again, Ok(Written::Event { event, repeated: true }) if event.seq == first.seq)
    );
    assert_eq!(
        draft(&world, ann, room).as_deref(),
        Some("half"),
        "a late retry takes nothing back"
    );
}

#[test]
fn only_members_keep_a_draft_and_readers_may() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let (group, channel) = (world.group(ann, &[]), world.channel(ann, &[]));
    assert_eq!(set(&world, bob, group, "x"), Err(Refusal::NotFound));
    assert_eq!(set(&world, bob, RoomId::from_i64(9), "x"), Err(Refusal::NotFound));
    assert_eq!(set(&world, bob, RoomId::of_self(ann), "x"), Err(Refusal::NotFound));
    assert!(matches!(set(&world, bob, channel, "x"), Err(Refusal::Forbidden(_))));
    world.put(ann, group, bob, Role::Reader).expect("ann owns the room");
    set(&world, bob, group, "if I could").expect("it is nobody else's");
    world.put(ann, group, bob, Role::Member).expect("ann owns the room");
    assert_eq!(draft(&world, bob, group).as_deref(), Some("if I could"), "another role keeps it");
    let own = RoomId::of_self(ann);
    set(&world, ann, own, "a note").expect("it is ann's");
    assert_eq!(draft(&world, ann, own).as_deref(), Some("a note"));
}

#[test]
fn who_leaves_or_is_removed_leaves_no_draft() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.channel(ann, &[bob]);
    for removed in [false, true] {
        set(&world, bob, room, "unsaid").expect("bob is in it");
        if removed {
            world.write(ann, Write::MemberRemove { room, user: bob }).expect("ann owns the room");
        } else {
            world.leave(bob, room);
        }
        assert!(own_log(&world, bob).iter().all(|(_, body)| body.is_none()));
        world.join(bob, room);
        assert_eq!(draft(&world, bob, room), None);
    }
    set(&world, bob, room, "again").expect("bob is in it");
    assert_eq!(draft(&world, bob, room).as_deref(), Some("again"));
    assert_eq!(world.store().statistics().rows_corrupt, 0);
}

#[test]
fn no_byte_of_a_superseded_draft_stays_in_the_files() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let (direct, group) = (world.direct(ann, bob), world.group(ann, &[bob, cleo]));
    let secret = "quite-unmistakable-secret";
    for (user, room) in [(ann, direct), (bob, group), (cleo, group)] {
        set(&world, user, room, secret).expect("a member");
    }
    set(&world, ann, direct, "something else").expect("ann is in it");
    world.leave(bob, group);
    world.write(cleo, Write::UserDelete { verified: password() }).expect("cleo is no owner");
    world.store().close();
    for entry in std::fs::read_dir(world.folder()).expect("the folder is there") {
        let bytes = std::fs::read(entry.expect("it is there").path()).expect("it can be read");
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}
