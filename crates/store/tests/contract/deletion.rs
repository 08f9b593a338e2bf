//! What is deleted is gone: messages, and accounts.

use chinwag_core::access::{Rank, Role};
use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, Seq};
use chinwag_store::committed::Told;
use chinwag_store::read::At;
use chinwag_store::write::{Admission, Refusal, Write, Written};

use super::world::{body, event, password};

#[test]
fn a_deleted_message_keeps_its_place_and_nothing_else() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let sent = world.send(ann, room, "oops");
    let deletion = event(&world.write(ann, Write::MessageDelete { room, target: sent.seq }));
    assert_eq!(deletion.kind, EventKind::Deletion { target: sent.seq });
    assert_eq!(deletion.body.as_deref(), Some(format!(r#"{{"target":{}}}"#, sent.seq).as_str()));
    let page = world.page(bob, room, At::Newest, 1).expect("bob is in it");
    let tomb = &page[0];
    assert_eq!((tomb.seq, tomb.n, tomb.key), (sent.seq, sent.n, sent.key));
    assert_eq!((&tomb.body, tomb.rev), (&None, Some(deletion.seq)));
    assert_eq!(world.seqs(bob, room), [1, 2, 3, 4, 5]);
    let again = world.write(ann, Write::MessageDelete { room, target: sent.seq });
    assert_eq!(again, Ok(Written::Unchanged));
    assert_eq!(world.head(room), deletion.seq);
    assert_eq!(world.store().statistics().rows_corrupt, 0);
}

#[test]
fn a_message_is_deleted_by_its_author_or_an_admin() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.group(ann, &[bob]);
    let (mine, theirs) = (world.send(bob, room, "1").seq, world.send(ann, room, "2").seq);
    let delete = |actor, target| world.write(actor, Write::MessageDelete { room, target });
    assert!(matches!(delete(bob, theirs), Err(Refusal::Forbidden(_))));
    assert_eq!(delete(cleo, mine), Err(Refusal::NotFound));
    assert!(delete(ann, mine).is_ok());
    world.put(ann, room, bob, Role::Admin).expect("ann owns the room");
    assert!(delete(bob, theirs).is_ok());
}

#[test]
fn only_a_message_that_is_there_is_deleted() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let sent = world.send(ann, room, "1").seq;
    let deletion = event(&world.write(ann, Write::MessageDelete { room, target: sent })).seq;
    for target in [Seq::ZERO, Seq::new(1), Seq::new(3), deletion, deletion.next(), Seq::MAX] {
        let outcome = world.write(ann, Write::MessageDelete { room, target });
        assert_eq!(outcome, Err(Refusal::NotFound), "{target}");
    }
}

#[test]
fn no_byte_of_a_deleted_message_stays_in_the_files() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let secret = "quite-unmistakable-secret";
    let sent = world.send(ann, room, secret).seq;
    world.write(ann, Write::MessageDelete { room, target: sent }).expect("it is ann's");
    world.store().close();
    let mut files = 0;
    for entry in std::fs::read_dir(world.folder()).expect("the folder is there") {
        let bytes = std::fs::read(entry.expect("it is there").path()).expect("it can be read");
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        files += usize::from(!bytes.is_empty());
    }
    assert!(files > 0);
}

#[test]
fn an_erased_account_leaves_its_messages_and_no_name() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.group(ann, &[bob]);
    let direct = world.direct(ann, bob);
    world.send(bob, room, "from bob");
    world.send(bob, RoomId::of_self(bob), "a note");
    world.told();
    assert_eq!(world.write(bob, Write::UserDelete { verified: password() }), Ok(Written::Done));
    let told = world.told();
    assert!(told.iter().any(|told| matches!(told, Told::Revoked { user, sessions } if *user == bob && sessions.len() == 1)));
    for room in [room, direct, world.store().general()] {
        let log = world.log(ann, room).expect("ann stays");
        let last = log.last().expect("it has events");
        assert_eq!((last.kind, last.from), (EventKind::MemberLeft { user: bob }, bob));
        assert_eq!(world.role(bob, room), None);
    }
    let page = world.page(ann, room, At::Newest, 2).expect("ann stays");
    assert_eq!(page[0].body.as_deref(), Some(r#"{"text":"from bob"}"#));
    let seen = world.read(move |reader| reader.users_visible(ann, &[bob]));
    assert_eq!((seen[0].handle.as_str(), seen[0].display_name.as_str()), ("", ""));
    let gone = world.read(move |reader| {
        let notes = reader.events_after(RoomId::of_self(bob), Seq::ZERO, 10);
        let opening = reader.opening(bob, None, &[]);
        (reader.credentials("bob"), reader.password(bob), notes, opening)
    });
    assert_eq!(gone, (None, None, Vec::new(), None));
    assert_eq!(
        world.write(bob, Write::UserDelete { verified: password() }),
        Err(Refusal::Unauthorized)
    );
    let send = Write::MessageSend { room: RoomId::of_self(bob), body: body("me again") };
    assert_eq!(world.write(bob, send), Err(Refusal::NotFound));
    let (new, outcome) = world.user_create("bob", Admission::Open);
    assert!(outcome.is_ok() && new != bob, "the handle is free");
    let direct = world.direct(ann, new);
    assert_eq!(world.row(ann, direct).expect("it is there").peer, Some(new));
}

#[test]
fn a_room_of_an_erased_owner_passes_on() {
    let world = super::open();
    let [ann, bob, cleo, dan] = world.users(["ann", "bob", "cleo", "dan"]);
    let room = world.group(bob, &[ann, cleo, dan]);
    world.put(bob, room, cleo, Role::Reader).expect("bob owns the room");
    world.put(bob, room, dan, Role::Admin).expect("bob owns the room");
    let other = world.group(bob, &[]);
    world.pass(1);
    world.put(bob, other, cleo, Role::Reader).expect("bob owns the room");
    world.pass(1);
    world.put(bob, other, dan, Role::Member).expect("bob owns the room");
    world.pass(1);
    world.put(bob, other, ann, Role::Member).expect("bob owns the room");
    let shared = world.group(bob, &[ann]);
    world.put(bob, shared, ann, Role::Owner).expect("bob owns the room");
    let shared_head = world.head(shared);
    assert!(world.write(bob, Write::UserDelete { verified: password() }).is_ok());
    assert_eq!(world.role(dan, room), Some(Role::Owner), "an admin before the members");
    assert_eq!(world.role(dan, other), Some(Role::Owner), "the longest-standing member");
    assert_eq!(world.role(cleo, other), Some(Role::Reader), "a reader is below them");
    let kinds: Vec<_> = world.read(move |reader| {
        let events = reader.events_after(other, Seq::new(5), 10);
        events.iter().map(|event| event.kind).collect()
    });
    let expected = [EventKind::MemberRole { user: dan }, EventKind::MemberLeft { user: bob }];
    assert_eq!(kinds, expected);
    assert_eq!(
        world.head(shared),
        shared_head.next(),
        "where there is another owner, only a going"
    );
}

#[test]
fn the_installations_last_owner_goes_only_as_the_last() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    assert!(matches!(
        world.write(ann, Write::UserDelete { verified: password() }),
        Err(Refusal::Forbidden(_))
    ));
    assert!(world.write(bob, Write::UserDelete { verified: password() }).is_ok());
    assert!(world.write(ann, Write::UserDelete { verified: password() }).is_ok());
    assert!(world.store().is_empty());
    let (cleo, outcome) = world.user_create("cleo", Admission::Open);
    assert_eq!(outcome, Ok(Written::User { user: cleo, rank: Rank::Owner }));
    assert_eq!(world.role(cleo, world.store().general()), Some(Role::Owner));
}
