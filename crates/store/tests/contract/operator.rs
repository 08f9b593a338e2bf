//! What the operator does and sees, and the log of who did what.

use chinwag_core::access::{Rank, Registration, RoomKind};
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::limit::OPERATOR_PAGE_MAX;
use chinwag_store::committed::Told;
use chinwag_store::installation_user;
use chinwag_store::write::{Admission, Operation, PasswordHash, Refusal, Write, Written};

use super::world::{Outcome, World, token};

const HOUR_MS: u64 = 3_600_000;

fn operate(world: &World, operation: Operation) -> Outcome {
    world.write(installation_user(), Write::Operate(operation))
}

/// The log as (who, what, to whom, the rest), the oldest first.
fn audit(world: &World) -> Vec<(Option<UserId>, String, Option<UserId>, String)> {
    let mut lines = world.read(|reader| reader.audit(None, OPERATOR_PAGE_MAX));
    lines.reverse();
    lines.into_iter().map(|line| (line.actor, line.act, line.subject, line.detail)).collect()
}

fn rank(world: &World, user: UserId) -> Option<Rank> {
    world.read(move |reader| reader.user(user)).map(|row| row.rank)
}

#[test]
fn the_operator_needs_no_rank_and_an_owner_always_stays() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let set = |user, rank| operate(&world, Operation::RankSet { user, rank });
    assert!(matches!(set(ann, Rank::Member), Err(Refusal::Forbidden(_))), "the last owner");
    assert_eq!(set(UserId::from_i64(3), Rank::Admin), Err(Refusal::NotFound));
    assert_eq!(set(bob, Rank::Owner), Ok(Written::Done));
    assert_eq!(set(bob, Rank::Owner), Ok(Written::Unchanged));
    assert_eq!(set(ann, Rank::Member), Ok(Written::Done));
    assert_eq!((rank(&world, ann), rank(&world, bob)), (Some(Rank::Member), Some(Rank::Owner)));
    let line = |user, detail: &str| (None, "user.rank".to_owned(), Some(user), detail.to_owned());
    let log = [line(bob, "member to owner"), line(ann, "owner to member")];
    assert_eq!(audit(&world), log, "what was refused or changed nothing is no act");
}

#[test]
fn the_operator_ends_sessions_and_their_shards_are_told() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let now_ms = world.now_ms();
    let live = |user| world.read(move |reader| reader.sessions(user, now_ms));
    let session = live(bob)[0].id;
    world.told();
    assert_eq!(operate(&world, Operation::SessionRevoke { session }), Ok(Written::Done));
    let again = operate(&world, Operation::SessionRevoke { session });
    assert_eq!(again, Err(Refusal::NotFound));
    let told = world.told();
    let [Told::Revoked { user, sessions }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((*user, &sessions[..]), (bob, &[session][..]));
    assert!(live(bob).is_empty());
    assert_eq!(operate(&world, Operation::SessionsRevoke { user: ann }), Ok(Written::Done));
    assert!(live(ann).is_empty());
    let nobody = operate(&world, Operation::SessionsRevoke { user: UserId::from_i64(3) });
    assert_eq!(nobody, Err(Refusal::NotFound));
    let line = |user, detail: String| (None, "session.revoke".to_owned(), Some(user), detail);
    assert_eq!(audit(&world), [line(bob, session.to_string()), line(ann, "all".to_owned())]);
}

#[test]
fn the_operator_deletes_an_account_and_not_the_last_owner_among_others() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(bob, room, "hello");
    let delete = |user| operate(&world, Operation::UserDelete { user });
    assert!(matches!(delete(ann), Err(Refusal::Forbidden(_))));
    assert_eq!(delete(bob), Ok(Written::Done));
    assert_eq!(delete(bob), Err(Refusal::NotFound));
    assert_eq!(world.read(|reader| reader.user_by_handle("bob")), None);
    assert_eq!(world.role(bob, room), None);
    let kept = world.log(ann, room).expect("ann is in it");
    assert!(kept.iter().any(|event| event.from == bob), "what was written stays");
    assert!(world.seqs(ann, room).windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(audit(&world), [(None, "user.delete".to_owned(), Some(bob), String::new())]);
    assert_eq!(delete(ann), Ok(Written::Done), "nobody else is left");
    assert!(world.store().is_empty());
}

#[test]
fn the_operator_lets_people_in() {
    let world = super::open();
    let ann = world.user("ann");
    let expires_at_ms = world.now_ms() + HOUR_MS;
    let code = "a-code-of-22-characters".to_owned();
    let create = Operation::InviteCreate { code: code.clone(), expires_at_ms, uses: 1 };
    assert_eq!(operate(&world, create), Ok(Written::Done));
    assert!(world.user_create("bob", Admission::Invite(code.clone())).1.is_ok());
    let reset = Operation::ResetCreate { user: ann, token: token(1), expires_at_ms };
    assert_eq!(operate(&world, reset), Ok(Written::Done));
    let password = PasswordHash("$argon2id$second".to_owned());
    assert_eq!(world.write(ann, Write::ResetUse { token: token(1), password }), Ok(Written::Done));
    let delete = || Operation::InviteDelete { code: code.clone() };
    assert_eq!(operate(&world, delete()), Ok(Written::Done));
    assert_eq!(operate(&world, delete()), Err(Refusal::NotFound));
    let acts: Vec<String> = audit(&world).into_iter().map(|line| line.1).collect();
    assert_eq!(acts, ["invite.create", "user.reset", "invite.delete"]);
    let told = format!("{:?}", audit(&world));
    assert!(!told.contains(&code), "a code lets people in: {told}");
    assert!(told.contains(&code[..7]), "and its beginning names it: {told}");
}

#[test]
fn what_owner_and_admins_do_is_written_down() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let expires_at_ms = world.now_ms() + HOUR_MS;
    let writes = vec![
        (bob, world.key(), Write::RankSet { user: bob, rank: Rank::Owner }),
        (ann, world.key(), Write::RankSet { user: bob, rank: Rank::Admin }),
        (bob, world.key(), Write::InviteCreate { code: "abcdef".into(), expires_at_ms, uses: 3 }),
        (bob, world.key(), Write::InviteDelete { code: "abcdef".into() }),
        (ann, world.key(), Write::ResetCreate { user: bob, token: token(1), expires_at_ms }),
        (bob, world.key(), Write::ResetCreate { user: ann, token: token(2), expires_at_ms }),
    ];
    let outcomes: Vec<bool> = world.together(writes).iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [false, true, true, true, true, false]);
    let line =
        |who, act: &str, whom, detail: &str| (Some(who), act.to_owned(), whom, detail.to_owned());
    let log = [
        line(ann, "user.rank", Some(bob), "member to admin"),
        line(bob, "invite.create", None, "ab… for 3"),
        line(bob, "invite.delete", None, "ab…"),
        line(ann, "user.reset", Some(bob), ""),
    ];
    assert_eq!(audit(&world), log);
    let page = world.read(|reader| reader.audit(Some(3), 1));
    assert_eq!((page.len(), page[0].number, page[0].at_ms), (1, 2, world.now_ms()));
}

#[test]
fn registration_is_kept_and_told_at_once() {
    let mut world = super::open();
    let set =
        |world: &World, registration| operate(world, Operation::RegistrationSet { registration });
    assert_eq!(world.store().registration(), None);
    assert_eq!(set(&world, Some(Registration::Closed)), Ok(Written::Done));
    assert_eq!(set(&world, Some(Registration::Closed)), Ok(Written::Unchanged));
    assert_eq!(world.store().registration(), Some(Registration::Closed));
    world.reopen();
    assert_eq!(world.store().registration(), Some(Registration::Closed));
    assert_eq!(set(&world, None), Ok(Written::Done));
    assert_eq!(world.store().registration(), None);
    let line = |detail: &str| (None, "registration.set".to_owned(), None, detail.to_owned());
    assert_eq!(audit(&world), [line("closed"), line("default")]);
}

#[test]
fn the_operator_sees_everyone_and_every_room_by_pages() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "hi");
    operate(&world, Operation::UserDelete { user: cleo }).expect("she is no owner");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world.read(move |reader| reader.operator_users(after, 1));
        let Some(row) = page.first() else { break };
        after = Some(row.user.id);
        seen.push((row.user.id, row.seen_at_ms.is_some()));
    }
    let mut everyone = vec![(ann, true), (bob, true)];
    everyone.sort_unstable();
    assert_eq!(seen, everyone, "who is gone is no account");
    let rooms = world.read(|reader| reader.operator_rooms(None, 10));
    let kinds: Vec<_> = rooms.iter().map(|room| (room.id, room.kind, room.n)).collect();
    let general = (world.store().general(), RoomKind::Channel, 0);
    assert!(kinds.len() == 2 && kinds.contains(&general));
    assert!(kinds.contains(&(room, RoomKind::Direct, 1)));
    let own = RoomId::of_self(ann);
    assert!(world.read(move |reader| reader.operator_room(own)).is_none(), "notes are one's own");
    let members = world.read(move |reader| reader.operator_members(room, None, 10));
    assert_eq!(members.len(), 2);
    let now_ms = world.now_ms();
    let totals = world.read(move |reader| reader.totals(now_ms));
    assert_eq!((totals.users, totals.sessions, totals.messages), (2, 2, 1));
    assert_eq!((totals.invites, totals.audit_lines), (0, 1));
    assert!(totals.rooms.contains(&(RoomKind::SelfRoom, 3)), "{totals:?}");
}
