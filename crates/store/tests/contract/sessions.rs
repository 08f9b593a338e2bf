//! Sessions and their refresh tokens.

use chinwag_core::id::{SessionId, UserId};
use chinwag_core::limit::{REFRESH_GRACE_S, SESSION_IDLE_DAYS, SESSIONS_PER_USER_MAX};
use chinwag_store::committed::Told;
use chinwag_store::write::{NewSession, PasswordHash, Refusal, TokenHash, Write, Written};

use super::world::{World, password, token};

const DAY_MS: u64 = 24 * 3_600_000;

fn sign_in(world: &World, user: UserId) -> NewSession {
    let session = world.session();
    let written =
        world.write(user, Write::SessionCreate { verified: password(), session: session.clone() });
    assert_eq!(written, Ok(Written::Session { user, session: session.id }));
    session
}

/// Rotates; the actor of a refresh is nobody, the token tells whose it is.
fn refresh(world: &World, presented: TokenHash, next: u64) -> Result<TokenHash, Refusal> {
    let next = token(next);
    let written = world.write(UserId::from_i64(0), Write::SessionRefresh { presented, next })?;
    assert!(matches!(written, Written::Session { .. }));
    Ok(next)
}

fn is_live(world: &World, session: SessionId) -> bool {
    let now_ms = world.now_ms();
    world.read(move |reader| reader.session_live(session, now_ms)).is_some()
}

fn revoked(world: &World) -> Vec<SessionId> {
    let sessions = |told| match told {
        Told::Revoked { sessions, .. } => sessions,
        _ => Vec::new(),
    };
    world.told().into_iter().flat_map(sessions).collect()
}

#[test]
fn a_session_lives_through_its_rotations() {
    let mut world = super::open();
    let ann = world.user("ann");
    let session = sign_in(&world, ann);
    let mut presented = session.refresh;
    for n in 1_000..1_100 {
        world.pass(DAY_MS);
        presented = refresh(&world, presented, n).expect("it is the current one");
    }
    world.reopen();
    presented = refresh(&world, presented, 2_000).expect("it is the current one");
    let now_ms = world.now_ms();
    let row = world.read(move |reader| reader.session_live(session.id, now_ms));
    let row = row.expect("it lives");
    assert_eq!((row.user, row.seen_at_ms, row.label.as_str()), (ann, now_ms, "a browser"));
    assert!(refresh(&world, presented, 2_001).is_ok());
    assert!(revoked(&world).is_empty());
}

#[test]
fn a_token_that_was_never_given_out_is_refused_and_ends_nothing() {
    let world = super::open();
    let ann = world.user("ann");
    let session = sign_in(&world, ann);
    assert_eq!(refresh(&world, token(99_999), 1), Err(Refusal::Unauthorized));
    assert!(is_live(&world, session.id));
}

#[test]
fn the_last_used_token_works_for_a_minute_more() {
    let world = super::open();
    let session = sign_in(&world, world.user("ann"));
    let first = refresh(&world, session.refresh, 1_000).expect("it is the current one");
    world.pass(REFRESH_GRACE_S * 1_000);
    let second = refresh(&world, session.refresh, 1_001).expect("it is in its minute");
    assert_ne!(first, second);
    assert!(is_live(&world, session.id));
    world.pass(1);
    assert_eq!(refresh(&world, session.refresh, 1_002), Err(Refusal::Unauthorized));
    assert!(!is_live(&world, session.id), "after its minute it is a reuse");
    assert_eq!(revoked(&world), [session.id]);
    assert_eq!(refresh(&world, second, 1_003), Err(Refusal::Unauthorized));
}

#[test]
fn an_old_token_ends_the_session() {
    let world = super::open();
    let session = sign_in(&world, world.user("ann"));
    let first = refresh(&world, session.refresh, 1_000).expect("it is the current one");
    let second = refresh(&world, first, 1_001).expect("it is the current one");
    assert_eq!(refresh(&world, session.refresh, 1_002), Err(Refusal::Unauthorized));
    assert_eq!(revoked(&world), [session.id]);
    assert_eq!(refresh(&world, second, 1_003), Err(Refusal::Unauthorized));
    assert!(revoked(&world).is_empty(), "it is over once");
    let (now_ms, id) = (world.now_ms(), session.id);
    assert_eq!(world.read(move |reader| reader.revoked_since(now_ms)), [id]);
    assert_eq!(world.read(move |reader| reader.revoked_since(now_ms + 1)), []);
}

/// However many come at once with one token, and whichever of the answers the browser keeps: one
/// line lives on.
#[test]
fn a_hundred_refreshes_at_once_leave_one_line() {
    for kept in [0, 57, 99] {
        let world = super::open();
        let session = sign_in(&world, world.user("ann"));
        let presented = session.refresh;
        let refreshes = (0..100).map(|n| {
            let next = token(1_000 + n);
            (UserId::from_i64(0), world.key(), Write::SessionRefresh { presented, next })
        });
        let outcomes = world.together(refreshes.collect());
        assert!(outcomes.iter().all(Result::is_ok));
        world.pass(600_000);
        let outcome = refresh(&world, token(1_000 + kept), 5_000);
        if kept < 50 {
            assert_eq!(outcome, Err(Refusal::Unauthorized), "only the last fifty are kept");
            assert!(is_live(&world, session.id));
            continue;
        }
        let line = outcome.expect("it was given out");
        let next = refresh(&world, line, 5_001).expect("the line goes on");
        assert_eq!(refresh(&world, token(1_000 + 60), 5_002), Err(Refusal::Unauthorized));
        assert!(!is_live(&world, session.id), "another of the hundred is a reuse");
        assert_eq!(refresh(&world, next, 5_003), Err(Refusal::Unauthorized));
    }
}

#[test]
fn an_idle_session_is_over() {
    let world = super::open();
    let ann = world.user("ann");
    let session = sign_in(&world, ann);
    world.pass(SESSION_IDLE_DAYS * DAY_MS - 1);
    assert!(is_live(&world, session.id));
    world.pass(1);
    assert!(!is_live(&world, session.id));
    assert_eq!(refresh(&world, session.refresh, 1_000), Err(Refusal::Unauthorized));
    let now_ms = world.now_ms();
    assert!(world.read(move |reader| reader.sessions(ann, now_ms)).is_empty());
}

#[test]
fn one_ends_ones_own_sessions() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let session = sign_in(&world, ann);
    let revoke = |actor| world.write(actor, Write::SessionRevoke { session: session.id });
    assert_eq!(revoke(bob), Err(Refusal::NotFound));
    assert_eq!(revoke(ann), Ok(Written::Done));
    assert_eq!(revoked(&world), [session.id]);
    assert_eq!(revoke(ann), Err(Refusal::NotFound));
    assert!(!is_live(&world, session.id));
}

#[test]
fn past_the_limit_the_one_idle_longest_ends() {
    let world = super::open();
    let ann = world.user("ann");
    let mut sessions = Vec::new();
    for _ in 1..SESSIONS_PER_USER_MAX {
        world.pass(1);
        sessions.push(sign_in(&world, ann));
    }
    world.pass(1);
    refresh(&world, sessions[0].refresh, 9_000).expect("it is the current one");
    world.told();
    world.pass(1);
    sign_in(&world, ann);
    let first = revoked(&world);
    assert_eq!(first.len(), 1, "the one that came with the account");
    assert!(!sessions.iter().any(|session| first.contains(&session.id)));
    world.pass(1);
    sign_in(&world, ann);
    assert_eq!(revoked(&world), [sessions[1].id]);
    assert!(is_live(&world, sessions[0].id));
    let now_ms = world.now_ms();
    let live = world.read(move |reader| reader.sessions(ann, now_ms));
    assert_eq!(live.len() as u64, SESSIONS_PER_USER_MAX);
    assert!(live.windows(2).all(|pair| pair[0].seen_at_ms >= pair[1].seen_at_ms));
}

#[test]
fn a_new_password_ends_all_sessions_but_one() {
    let world = super::open();
    let ann = world.user("ann");
    let (keep, other) = (sign_in(&world, ann), sign_in(&world, ann));
    let new = PasswordHash("$argon2id$new".to_owned());
    let write = Write::PasswordSet { verified: password(), password: new.clone(), keep: keep.id };
    assert_eq!(world.write(ann, write), Ok(Written::Done));
    assert!(is_live(&world, keep.id) && !is_live(&world, other.id));
    let mut ended = revoked(&world);
    ended.sort_unstable();
    assert_eq!(ended.len(), 2, "the other one and the one that came with the account");
    assert_eq!(world.read(move |reader| reader.password(ann)), Some(new));
    let nobody = UserId::from_i64(0);
    let write = Write::SessionCreate { verified: password(), session: world.session() };
    assert_eq!(world.write(nobody, write), Err(Refusal::Unauthorized));
}

/// A sign-in reads the hash, waits while it is compared, and only then comes to the writer.
#[test]
fn what_rests_on_an_old_password_is_refused_once_there_is_a_new_one() {
    let world = super::open();
    let ann = world.user("ann");
    let keep = sign_in(&world, ann).id;
    let new = PasswordHash("$argon2id$new".to_owned());
    let set = |verified| Write::PasswordSet { verified, password: new.clone(), keep };
    let late = || Write::SessionCreate { verified: password(), session: world.session() };
    let writes =
        [set(password()), late(), set(password()), Write::UserDelete { verified: password() }];
    let writes = writes.into_iter().map(|write| (ann, world.key(), write)).collect();
    let outcomes = world.together(writes);
    assert_eq!(outcomes[0], Ok(Written::Done));
    assert_eq!(outcomes[1..], [(); 3].map(|()| Err(Refusal::Unauthorized)));
    let now_ms = world.now_ms();
    let live = world.read(move |reader| reader.sessions(ann, now_ms));
    assert_eq!(live.iter().map(|session| session.id).collect::<Vec<_>>(), [keep]);
    assert_eq!(world.write(ann, set(new.clone())), Ok(Written::Done));
}
