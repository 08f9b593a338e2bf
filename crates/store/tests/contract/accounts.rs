//! Accounts, invites, passwords.

use chinwag_core::access::{Rank, Role};
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::limit::{INVITE_USES_MAX, INVITES_MAX};
use chinwag_core::profile::{Hue, Profile};
use chinwag_core::text::Handle;
use chinwag_store::committed::Told;
use chinwag_store::read::InviteRow;
use chinwag_store::write::{Admission, PasswordHash, Refusal, Write, Written};

use super::world::{World, body, name, password, token};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn the_first_account_owns_the_installation_and_general() {
    let world = super::open();
    assert!(world.store().is_empty());
    let (ann, outcome) = world.user_create("ann", Admission::Open);
    assert_eq!(outcome, Ok(Written::User { user: ann, rank: Rank::Owner }));
    let (bob, outcome) = world.user_create("bob", Admission::Open);
    assert_eq!(outcome, Ok(Written::User { user: bob, rank: Rank::Member }));
    assert!(!world.store().is_empty());
    let general = world.store().general();
    assert_eq!(world.role(ann, general), Some(Role::Owner));
    assert_eq!(world.role(bob, general), Some(Role::Member));
    assert_eq!(world.role(ann, RoomId::of_self(ann)), Some(Role::Owner));
    assert_eq!(world.row(bob, general).expect("bob is in it").name.as_deref(), Some("general"));
    world.send(bob, RoomId::of_self(bob), "a note to myself");
}

#[test]
fn a_handle_is_of_one_user() {
    let world = super::open();
    let ann = world.user("ann");
    assert_eq!(world.user_create("ann", Admission::Open).1, Err(Refusal::Taken));
    let row = world.read(move |reader| (reader.user_by_handle("ann"), reader.user(ann)));
    assert!(row.0.is_some() && row.0 == row.1);
    let found = world.read(|reader| reader.credentials("ann"));
    assert_eq!(found, Some((ann, password())));
    assert_eq!(world.read(|reader| reader.credentials("nobody")), None);
}

#[test]
fn of_two_in_one_batch_one_gets_the_handle() {
    let world = super::open();
    let create = |number| {
        let write = Write::UserCreate {
            handle: Handle::new("ann").expect("a good handle"),
            display_name: name("Ann"),
            password: password(),
            admission: Admission::Open,
            session: world.session(),
        };
        (UserId::from_i64(number), world.key(), write)
    };
    let outcomes = world.together(vec![create(10), create(11), create(10)]);
    assert!(matches!(outcomes[0], Ok(Written::User { rank: Rank::Owner, .. })));
    assert_eq!(outcomes[1..], [Err(Refusal::Taken), Err(Refusal::Taken)]);
}

#[test]
fn the_bootstrap_code_admits_one() {
    let mut world = super::open();
    let code = world.store().bootstrap_code().expect("nobody is there yet");
    world.reopen();
    let fresh = world.store().bootstrap_code().expect("nobody is there yet");
    assert_ne!(code, fresh, "another at each start");
    assert_eq!(world.user_create("ann", Admission::Invite(code)).1, Err(Refusal::Unauthorized));
    let (ann, outcome) = world.user_create("ann", Admission::Invite(fresh.clone()));
    assert_eq!(outcome, Ok(Written::User { user: ann, rank: Rank::Owner }));
    assert_eq!(world.store().bootstrap_code(), None);
    assert_eq!(world.user_create("bob", Admission::Invite(fresh)).1, Err(Refusal::Unauthorized));
}

/// Whoever comes after the last has gone owns the installation, so nothing that was given out before
/// may let anyone in.
#[test]
fn no_link_of_before_owns_an_installation_that_all_have_left() {
    let mut world = super::open();
    let code = world.store().bootstrap_code().expect("nobody is there yet");
    let by = |code: &str| Admission::Invite(code.to_owned());
    let (ann, outcome) = world.user_create("ann", by(&code));
    outcome.expect("it is the bootstrap code");
    invite(&world, ann, "welcome", 9).expect("ann may invite");
    let gone = || Write::UserDelete { verified: password() };
    assert_eq!(world.write(ann, gone()), Ok(Written::Done));
    assert!(world.store().is_empty());
    assert_eq!(world.store().bootstrap_code(), None);
    for old in [code.as_str(), "welcome"] {
        assert_eq!(world.user_create("eve", by(old)).1, Err(Refusal::Unauthorized), "{old}");
    }
    world.reopen();
    let fresh = world.store().bootstrap_code().expect("another at each start");
    for old in [code.as_str(), "welcome"] {
        assert_eq!(world.user_create("eve", by(old)).1, Err(Refusal::Unauthorized), "{old}");
    }
    let create = |number| {
        let write = Write::UserCreate {
            handle: Handle::new("bob").expect("a good handle"),
            display_name: name("Bob"),
            password: password(),
            admission: by(&fresh),
            session: world.session(),
        };
        (UserId::from_i64(number), world.key(), write)
    };
    let bob = UserId::from_i64(10);
    let outcomes = world.together(vec![create(10), (bob, world.key(), gone()), create(11)]);
    assert_eq!(outcomes[0], Ok(Written::User { user: bob, rank: Rank::Owner }));
    assert_eq!(outcomes[1..], [Ok(Written::Done), Err(Refusal::Unauthorized)], "in one batch too");
}

fn invite(world: &World, actor: UserId, code: &str, uses: u32) -> Result<Written, Refusal> {
    let (code, expires_at_ms) = (code.to_owned(), world.now_ms() + HOUR_MS);
    world.write(actor, Write::InviteCreate { code, expires_at_ms, uses })
}

fn invites(world: &World) -> Vec<InviteRow> {
    let now_ms = world.now_ms();
    world.read(move |reader| reader.invites(now_ms))
}

#[test]
fn an_invite_admits_exactly_so_many_in_one_batch_and_after() {
    let world = super::open();
    let ann = world.user("ann");
    assert_eq!(invite(&world, ann, "welcome", 3), Ok(Written::Done));
    let row = invites(&world).remove(0);
    assert_eq!((row.uses, row.uses_left, row.created_by), (3, 3, ann));
    let create = |number: i64| {
        let write = Write::UserCreate {
            handle: Handle::new(&format!("guest{number}")).expect("a good handle"),
            display_name: name("Guest"),
            password: password(),
            admission: Admission::Invite("welcome".to_owned()),
            session: world.session(),
        };
        (UserId::from_i64(100 + number), world.key(), write)
    };
    let outcomes = world.together((0..20).map(create).collect());
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    let refused = outcomes.iter().filter(|o| **o == Err(Refusal::Unauthorized)).count();
    assert_eq!(refused, 17);
    assert!(invites(&world).is_empty(), "what is used up is open no more");
}

#[test]
fn a_refused_account_uses_up_no_invite() {
    let world = super::open();
    let ann = world.user("ann");
    invite(&world, ann, "welcome", 1).expect("ann may invite");
    let welcome = || Admission::Invite("welcome".to_owned());
    assert_eq!(world.user_create("ann", welcome()).1, Err(Refusal::Taken));
    let now_ms = world.now_ms();
    assert!(world.read(move |reader| reader.invite_usable("welcome", now_ms)));
    assert!(world.user_create("bob", welcome()).1.is_ok());
    assert!(!world.read(move |reader| reader.invite_usable("welcome", now_ms)));
}

#[test]
fn an_invite_ends_by_time_or_by_hand() {
    let world = super::open();
    let ann = world.user("ann");
    invite(&world, ann, "soon", 5).expect("ann may invite");
    invite(&world, ann, "gone", 5).expect("ann may invite");
    assert_eq!(
        world.write(ann, Write::InviteDelete { code: "gone".to_owned() }),
        Ok(Written::Done)
    );
    let again = world.write(ann, Write::InviteDelete { code: "gone".to_owned() });
    assert_eq!(again, Err(Refusal::NotFound));
    assert_eq!(invites(&world).len(), 1);
    world.pass(HOUR_MS);
    assert!(invites(&world).is_empty());
    for code in ["soon", "gone", "never"] {
        let outcome = world.user_create("bob", Admission::Invite(code.to_owned())).1;
        assert_eq!(outcome, Err(Refusal::Unauthorized), "{code}");
    }
}

#[test]
fn invites_are_made_by_those_who_may_within_limits() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    assert!(matches!(invite(&world, bob, "mine", 1), Err(Refusal::Forbidden(_))));
    let by_nobody = invite(&world, UserId::from_i64(8), "mine", 1);
    assert_eq!(by_nobody, Err(Refusal::Unauthorized));
    for uses in [0, INVITE_USES_MAX + 1] {
        let outcome = invite(&world, ann, "mine", uses);
        assert!(matches!(outcome, Err(Refusal::Invalid { field: "uses", .. })));
    }
    let past = Write::InviteCreate { code: "p".to_owned(), expires_at_ms: world.now_ms(), uses: 1 };
    let past = world.write(ann, past);
    assert!(matches!(past, Err(Refusal::Invalid { field: "expires_at_ms", .. })));
    let many = (0..=INVITES_MAX).map(|n| {
        let (code, expires_at_ms) = (format!("code{n}"), world.now_ms() + HOUR_MS);
        (ann, world.key(), Write::InviteCreate { code, expires_at_ms, uses: 1 })
    });
    let outcomes = world.together(many.collect());
    let (last, rest) = outcomes.split_last().expect("there are many");
    assert!(rest.iter().all(Result::is_ok));
    assert!(matches!(last, Err(Refusal::Forbidden(_))));
    world.pass(HOUR_MS);
    assert!(invite(&world, ann, "fresh", 1).is_ok(), "spent ones make place");
    assert_eq!(invites(&world).len(), 1);
}

#[test]
fn the_owner_gives_ranks_and_may_give_the_installation_away() {
    let world = super::open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let set = |actor, user, rank| world.write(actor, Write::RankSet { user, rank });
    let rank = |user| world.read(move |reader| reader.user(user)).map(|row| row.rank);
    assert_eq!(set(ann, bob, Rank::Admin), Ok(Written::Done));
    assert_eq!(rank(bob), Some(Rank::Admin));
    let ranked = || {
        let mut users: Vec<UserId> = world
            .read(chinwag_store::read::Reader::users_ranked)
            .into_iter()
            .map(|row| row.id)
            .collect();
        users.sort();
        users
    };
    assert_eq!(ranked(), {
        let mut both = vec![ann, bob];
        both.sort();
        both
    });
    assert!(invite(&world, bob, "bobs", 1).is_ok());
    for (actor, user, to) in [
        (bob, cleo, Rank::Admin),
        (bob, bob, Rank::Owner),
        (cleo, cleo, Rank::Member),
        (ann, ann, Rank::Admin),
    ] {
        let outcome = set(actor, user, to);
        assert!(matches!(outcome, Err(Refusal::Forbidden(_))), "{outcome:?}");
    }
    assert_eq!(set(ann, UserId::from_i64(3), Rank::Owner), Err(Refusal::NotFound));
    let writes = [(bob, Rank::Owner), (ann, Rank::Member), (cleo, Rank::Admin)];
    let writes = writes.map(|(user, rank)| (ann, world.key(), Write::RankSet { user, rank }));
    let outcomes = world.together(writes.into());
    assert_eq!(outcomes[..2], [Ok(Written::Done), Ok(Written::Done)]);
    assert!(matches!(outcomes[2], Err(Refusal::Forbidden(_))), "she has just stepped down");
    assert_eq!((rank(ann), rank(bob)), (Some(Rank::Member), Some(Rank::Owner)));
    assert!(matches!(set(bob, bob, Rank::Member), Err(Refusal::Forbidden(_))));
    assert!(world.write(ann, Write::UserDelete { verified: password() }).is_ok());
    assert_eq!(set(bob, ann, Rank::Admin), Err(Refusal::NotFound), "who is gone has no rank");
    assert_eq!(ranked(), [bob]);
}

#[test]
fn a_profile_is_ones_own() {
    let world = super::open();
    let ann = world.user("ann");
    let set = |user, display_name: Option<&str>, hue: Option<u64>| {
        let display_name = display_name.map(name);
        let hue = hue.map(|hue| Hue::new(hue).expect("an angle"));
        world.write(user, Write::ProfileSet { display_name, hue })
    };
    let seen = || {
        let row = world.read(move |reader| reader.user(ann)).expect("she is there");
        (row.display_name, row.hue.map(Hue::degrees))
    };
    world.told();
    assert_eq!(set(ann, Some("Ann the First"), None), Ok(Written::Done));
    assert_eq!(seen(), ("Ann the First".to_owned(), None));
    assert_eq!(set(ann, None, Some(0)), Ok(Written::Done));
    assert_eq!(seen(), ("Ann the First".to_owned(), Some(0)), "what is left out stays");
    assert_eq!(set(ann, Some("Ann"), Some(359)), Ok(Written::Done));
    assert_eq!(set(ann, Some("Ann"), None), Ok(Written::Unchanged));
    assert_eq!(set(ann, None, None), Ok(Written::Unchanged));
    assert_eq!(set(UserId::from_i64(9), None, Some(1)), Err(Refusal::Unauthorized));
    let told = world.told().into_iter().map(|told| match told {
        Told::Profile(profile) => (profile.display_name.to_string(), profile.hue.map(Hue::degrees)),
        other => panic!("something else: {other:?}"),
    });
    let expected = [("Ann the First", None), ("Ann the First", Some(0)), ("Ann", Some(359))];
    let expected: Vec<_> = expected.map(|(name, hue)| (name.to_owned(), hue)).into();
    assert_eq!(told.collect::<Vec<_>>(), expected, "each change once, in order");
}

#[test]
fn an_erased_account_has_no_colour_and_others_are_told() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let hue = Hue::new(7).ok();
    world.write(bob, Write::ProfileSet { display_name: None, hue }).expect("it is bob's");
    world.told();
    world.write(bob, Write::UserDelete { verified: password() }).expect("bob is no owner");
    let nobody = Profile { user: bob, handle: "".into(), display_name: "".into(), hue: None };
    let is_told = |told: &Told| matches!(told, Told::Profile(profile) if **profile == nobody);
    assert!(world.told().iter().any(is_told));
    let seen = world.read(move |reader| reader.users_visible(ann, &[bob]));
    assert_eq!(seen[0].hue, None);
}

#[test]
fn a_reset_link_works_once_and_in_its_time() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let link = |actor, user, number| {
        let expires_at_ms = world.now_ms() + HOUR_MS;
        world.write(actor, Write::ResetCreate { user, token: token(number), expires_at_ms })
    };
    let new = || PasswordHash("$argon2id$second".to_owned());
    let reset =
        |number| world.write(bob, Write::ResetUse { token: token(number), password: new() });
    assert!(matches!(link(bob, ann, 1), Err(Refusal::Forbidden(_))));
    assert_eq!(link(ann, UserId::from_i64(3), 1), Err(Refusal::NotFound));
    assert!(link(ann, bob, 1).is_ok() && link(ann, bob, 2).is_ok());
    assert_eq!(reset(1), Err(Refusal::Unauthorized), "an older one ended");
    let now_ms = world.now_ms();
    let whose = world.read(move |reader| reader.reset_user(token(2), now_ms));
    assert_eq!(whose.map(|user| user.id), Some(bob));
    assert_eq!(reset(2), Ok(Written::Done));
    assert_eq!(world.read(move |reader| reader.password(bob)), Some(new()));
    let sessions = world.read(move |reader| reader.sessions(bob, now_ms));
    assert!(sessions.is_empty(), "whoever was signed in is no more");
    assert_eq!(reset(2), Err(Refusal::Unauthorized));
    assert!(link(ann, bob, 3).is_ok());
    world.pass(HOUR_MS);
    assert_eq!(reset(3), Err(Refusal::Unauthorized));
    assert!(link(ann, bob, 4).is_ok());
    let keep = world.session().id;
    let set = Write::PasswordSet { verified: new(), password: password(), keep };
    assert_eq!(world.write(bob, set), Ok(Written::Done));
    assert_eq!(reset(4), Err(Refusal::Unauthorized), "another password ends the link");
    let sender = world.room_id();
    let send = Write::MessageSend { room: sender, body: body("x") };
    assert_eq!(world.write(bob, send), Err(Refusal::NotFound));
}
