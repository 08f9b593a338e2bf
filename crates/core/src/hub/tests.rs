//! The hub through its one door. Connections are slots of generation 1.

use super::*;
use crate::profile::{Hue, Profile};

const START_MS: u64 = 1_000_000;

fn user(number: u32) -> UserId {
    UserId::new(1_800_000_000_000, number)
}

fn room(number: u32) -> RoomId {
    RoomId::new(1_800_000_000_000, 1_000 + number)
}

fn session(number: u32) -> SessionId {
    SessionId::new(1_800_000_000_000, number)
}

fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 1 }
}

fn event(in_room: RoomId, seq: u64, kind: EventKind) -> Arc<Event> {
    Arc::new(Event {
        room: in_room,
        seq: Seq::new(seq),
        n: None,
        kind,
        from: user(1),
        at_ms: START_MS,
        key: None,
        rev: None,
        body: None,
    })
}

/// A hub with a clock, and what each connection was told.
struct World {
    hub: Hub,
    now_ms: u64,
    out: Outputs,
}

impl World {
    fn new() -> Self {
        Self { hub: Hub::new(), now_ms: START_MS, out: Outputs::default() }
    }

    fn handle(&mut self, input: Input) -> &mut Self {
        self.hub.handle(self.now_ms, input, &mut self.out);
        self
    }

    fn attach(&mut self, slot: u32, of: UserId) -> &mut Self {
        self.handle(Input::Attached { conn: conn(slot), user: of, session: session(slot) })
    }

    fn join(&mut self, slot: u32, heads: &[(RoomId, u64)]) -> &mut Self {
        let heads = heads.iter().map(|&(room, head)| (room, Seq::new(head))).collect();
        self.handle(Input::Joined { conn: conn(slot), heads, shares_read: true })
    }

    fn live(&mut self, slot: u32, of: UserId, heads: &[(RoomId, u64)]) -> &mut Self {
        self.attach(slot, of).join(slot, heads)
    }

    fn commit(&mut self, in_room: RoomId, seq: u64) -> &mut Self {
        self.commit_kind(in_room, seq, EventKind::Message)
    }

    fn commit_kind(&mut self, in_room: RoomId, seq: u64, kind: EventKind) -> &mut Self {
        self.handle(Input::Committed { event: event(in_room, seq, kind), origin: None })
    }

    /// The `seq`s of a room that a slot was told since the last call of `clear`, in order.
    fn told(&self, slot: u32, of: RoomId) -> Vec<u64> {
        let mut told = Vec::new();
        for output in &self.out.list {
            if let Output::Deliver { event, to } = output
                && event.room == of
                && self.out.slots[to.clone()].contains(&slot)
            {
                told.push(event.seq.get());
            }
        }
        told
    }

    fn listed(&self, want: impl Fn(&Output) -> bool) -> usize {
        self.out.list.iter().filter(|output| want(output)).count()
    }
}

#[test]
fn every_reader_is_told_once_and_in_order() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 4)]).live(1, user(2), &[(room(1), 4), (room(2), 0)]);
    world.commit(room(1), 5).commit(room(2), 1).commit(room(1), 6).commit(room(1), 6);
    assert_eq!((world.told(0, room(1)), world.told(1, room(1))), (vec![5, 6], vec![5, 6]));
    assert_eq!((world.told(0, room(2)), world.told(1, room(2))), (vec![], vec![1]));
}

#[test]
fn what_passes_while_the_snapshot_is_read_comes_after_it_once() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 4)]);
    world.attach(1, user(2)).commit(room(1), 5).commit(room(1), 6).commit(room(2), 1);
    world.join(1, &[(room(1), 5), (room(2), 0)]);
    world.commit(room(1), 7);
    assert_eq!(world.told(0, room(1)), [5, 6, 7]);
    assert_eq!(world.told(1, room(1)), [6, 7]);
    assert_eq!(world.told(1, room(2)), [1]);
}

#[test]
fn a_snapshot_ahead_of_the_stream_waits_for_it() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 4)]);
    world.live(1, user(2), &[(room(1), 6)]);
    world.commit(room(1), 5).commit(room(1), 6).commit(room(1), 7);
    assert_eq!(world.told(0, room(1)), [5, 6, 7]);
    assert_eq!(world.told(1, room(1)), [7]);
}

#[test]
fn a_room_opened_by_a_snapshot_ahead_does_not_starve_one_behind() {
    let mut world = World::new();
    world.attach(0, user(1)).attach(1, user(2));
    world.join(1, &[(room(1), 6)]).join(0, &[(room(1), 4)]);
    world.commit(room(1), 5).commit(room(1), 6).commit(room(1), 7);
    assert_eq!(world.told(0, room(1)), [5, 6, 7]);
    assert_eq!(world.told(1, room(1)), [7]);
}

#[test]
fn who_joins_reads_from_the_joining_on_and_who_leaves_not_the_leaving() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 1)]).live(1, user(2), &[]);
    world.commit(room(1), 2).commit_kind(room(1), 3, EventKind::MemberJoined { user: user(2) });
    world.commit(room(1), 4).commit_kind(room(1), 5, EventKind::MemberLeft { user: user(2) });
    world.commit(room(1), 6);
    assert_eq!(world.told(0, room(1)), [2, 3, 4, 5, 6]);
    assert_eq!(world.told(1, room(1)), [3, 4]);
    assert!(!world.hub.reads(conn(1), room(1)));
}

#[test]
fn membership_that_changes_while_the_snapshot_is_read_is_followed() {
    let mut world = World::new();
    world.attach(0, user(2));
    world.commit_kind(room(1), 3, EventKind::MemberJoined { user: user(2) }).commit(room(1), 4);
    world.commit_kind(room(2), 8, EventKind::MemberLeft { user: user(2) }).commit(room(2), 9);
    world.join(0, &[(room(2), 7)]).commit(room(1), 5).commit(room(2), 10);
    assert_eq!(world.told(0, room(1)), [3, 4, 5]);
    assert!(world.told(0, room(2)).is_empty());
}

#[test]
fn a_snapshot_that_knows_of_a_later_joining_outlives_the_leaving() {
    let mut world = World::new();
    world.live(0, user(2), &[(room(1), 9)]).live(1, user(1), &[(room(1), 6)]);
    world.commit_kind(room(1), 7, EventKind::MemberLeft { user: user(2) });
    world.commit_kind(room(1), 8, EventKind::MemberJoined { user: user(2) });
    world.commit(room(1), 9).commit(room(1), 10);
    assert_eq!(world.told(0, room(1)), [10]);
    assert_eq!(world.told(1, room(1)), [7, 8, 9, 10]);
}

#[test]
fn a_second_device_that_joins_late_gets_the_same() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 1)]);
    world.commit_kind(room(2), 1, EventKind::MemberJoined { user: user(1) });
    world.live(1, user(1), &[(room(1), 1), (room(2), 1)]).commit(room(2), 2);
    assert_eq!((world.told(0, room(2)), world.told(1, room(2))), (vec![1, 2], vec![2]));
}

#[test]
fn a_missing_event_is_awaited_then_read_from_the_log() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 1)]).commit(room(1), 4).commit(room(1), 3);
    assert!(world.told(0, room(1)).is_empty());
    let due = world.hub.next_deadline_ms().expect("a gap is open");
    assert_eq!(due, START_MS + 10);
    world.now_ms = due;
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| *o == Output::Fetch { room: room(1), after: Seq::new(1) }), 1);
    let events = vec![event(room(1), 2, EventKind::Message), event(room(1), 3, EventKind::Message)];
    world.handle(Input::Fetched { room: room(1), events });
    assert_eq!(world.told(0, room(1)), [2, 3, 4]);
    assert_eq!(world.hub.next_deadline_ms(), None);
}

#[test]
fn a_lost_last_event_is_found_by_the_check_of_heads() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 1)]);
    world.handle(Input::Head { room: room(1), head: Seq::new(2) });
    world.now_ms += 10;
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| matches!(o, Output::Fetch { .. })), 1);
    world.handle(Input::Fetched {
        room: room(1),
        events: vec![event(room(1), 2, EventKind::Message)],
    });
    assert_eq!(world.told(0, room(1)), [2]);
}

#[test]
fn the_reply_leaves_before_the_event_and_only_to_the_living() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 0)]);
    let origin =
        |generation| Origin { shard: 0, conn: ConnId { slot: 0, generation }, reference: 7 };
    let first = event(room(1), 1, EventKind::Message);
    world.handle(Input::Committed { event: first, origin: Some(origin(1)) });
    let replies = |world: &World| world.listed(|o| matches!(o, Output::Reply { reference: 7, .. }));
    assert!(matches!(world.out.list[..], [.., Output::Reply { .. }, Output::Deliver { .. }]));
    assert_eq!(replies(&world), 1);
    let second = event(room(1), 2, EventKind::Message);
    world.handle(Input::Committed { event: second, origin: Some(origin(0)) });
    assert_eq!(replies(&world), 1);
}

#[test]
fn nothing_is_kept_for_who_has_gone() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 0)]).attach(1, user(2));
    world.handle(Input::Watch { conn: conn(0), users: vec![user(2)], leavings: 0 });
    world.handle(Input::Closed { conn: conn(0) }).handle(Input::Closed { conn: conn(1) });
    world.commit(room(1), 1);
    assert!(world.told(0, room(1)).is_empty());
    assert_eq!(world.hub.connections(), 0);
    assert_eq!(world.hub.heads().count(), 0);
    assert_eq!(world.hub.joining, 0);
}

#[test]
fn more_than_can_be_held_sends_the_joining_one_back() {
    let mut world = World::new();
    world.attach(0, user(1));
    for seq in 1..=JOIN_HOLD_EVENTS_MAX as u64 + 1 {
        world.commit(room(1), seq);
    }
    let restarts = |o: &Output| matches!(o, Output::Close { why: Close::Restart, .. });
    assert_eq!(world.listed(restarts), 1);
}

#[test]
fn silence_is_asked_about_and_then_is_death() {
    let mut world = World::new();
    world.live(0, user(1), &[]);
    world.now_ms += PING_AFTER.as_millis() as u64;
    world.handle(Input::Tick).handle(Input::Tick);
    assert_eq!(world.listed(|o| matches!(o, Output::Ping { .. })), 1);
    world.handle(Input::Heard { conn: conn(0) });
    world.now_ms += DEAD_AFTER.as_millis() as u64 - 1;
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| matches!(o, Output::Close { .. })), 0);
    world.now_ms += 1;
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| matches!(o, Output::Close { why: Close::Dead, .. })), 1);
}

#[test]
fn a_revoked_session_is_closed_and_the_others_stay() {
    let mut world = World::new();
    world.live(0, user(1), &[]).live(1, user(1), &[]);
    world.handle(Input::Revoked { user: user(1), sessions: vec![session(1)] });
    assert_eq!(world.listed(|o| *o == Output::Close { conn: conn(1), why: Close::Revoked }), 1);
    assert_eq!(world.listed(|o| matches!(o, Output::Close { .. })), 1);
}

#[test]
fn typing_reaches_the_others_in_the_room_alone() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 0)]).live(1, user(2), &[(room(1), 0)]).live(2, user(3), &[]);
    world.handle(Input::Typing { conn: conn(2), room: room(1), on: true });
    world.handle(Input::Typing { conn: conn(0), room: room(1), on: true });
    let typing = Signal::Typing { room: room(1), user: user(1), on: true };
    assert_eq!(world.listed(|o| matches!(o, Output::Publish(Signal::Typing { .. }))), 1);
    world.handle(Input::Signal(typing));
    let Some(Output::Signal { to, .. }) = world.out.list.last() else { panic!("no signal") };
    assert_eq!(world.out.slots[to.clone()], [1]);
}

#[test]
fn a_new_profile_reaches_who_watches_and_ones_own_devices_once() {
    let mut world = World::new();
    world.live(0, user(1), &[]).live(1, user(1), &[]).live(2, user(2), &[]).live(3, user(3), &[]);
    world.handle(Input::Watch { conn: conn(0), users: vec![user(1)], leavings: 0 });
    world.handle(Input::Watch { conn: conn(2), users: vec![user(1), user(3)], leavings: 0 });
    let profile = Profile {
        user: user(1),
        handle: "ann".into(),
        display_name: "Ann".into(),
        hue: Hue::new(210).ok(),
    };
    world.handle(Input::Signal(Signal::Profile(Arc::new(profile))));
    let Some(Output::Signal { to, .. }) = world.out.list.last() else { panic!("no signal") };
    assert_eq!(world.out.slots[to.clone()], [0, 1, 2]);
}

#[test]
fn presence_follows_the_first_and_last_connection_with_grace() {
    let mut world = World::new();
    let presence = |online| Signal::Presence { user: user(2), online };
    world.live(0, user(1), &[]);
    world.handle(Input::Watch { conn: conn(0), users: vec![user(2)], leavings: 0 });
    assert_eq!(
        world.listed(|o| matches!(o, Output::Signal { signal, .. } if *signal == presence(false))),
        1
    );
    world.live(1, user(2), &[]);
    assert_eq!(world.listed(|o| *o == Output::Publish(presence(true))), 1);
    world.handle(Input::Signal(presence(true)));
    assert_eq!(
        world.listed(|o| matches!(o, Output::Signal { signal, .. } if *signal == presence(true))),
        1
    );
    world.handle(Input::Closed { conn: conn(1) });
    world.live(1, user(2), &[]);
    world.now_ms += 15_000;
    world.handle(Input::Tick);
    assert_eq!(
        world.listed(|o| *o == Output::Publish(presence(false))),
        0,
        "a reload is no absence"
    );
    world.handle(Input::Closed { conn: conn(1) });
    world.now_ms += 15_000;
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| *o == Output::Publish(presence(false))), 1);
}

#[test]
fn a_joining_that_comes_after_a_later_one_is_caught_up_from_the_log() {
    let mut world = World::new();
    world.live(0, user(1), &[]).live(1, user(2), &[]);
    world.commit_kind(room(1), 3, EventKind::MemberJoined { user: user(2) });
    world.commit_kind(room(1), 2, EventKind::MemberJoined { user: user(1) });
    assert_eq!((world.told(0, room(1)), world.told(1, room(1))), (vec![2], vec![3]));
    assert_eq!(world.listed(|o| *o == Output::Fetch { room: room(1), after: Seq::new(1) }), 1);
    world.handle(Input::Fetched {
        room: room(1),
        events: vec![event(room(1), 2, EventKind::Message)],
    });
    world.now_ms += 10;
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| *o == Output::Fetch { room: room(1), after: Seq::new(2) }), 1);
    world.handle(Input::Fetched {
        room: room(1),
        events: vec![event(room(1), 3, EventKind::Message)],
    });
    world.commit(room(1), 4);
    assert_eq!((world.told(0, room(1)), world.told(1, room(1))), (vec![2, 3, 4], vec![3, 4]));
    assert_eq!(world.hub.next_deadline_ms(), None);
}

#[test]
fn a_joining_again_that_comes_before_the_leaving_outlives_it() {
    for other_reader in [true, false] {
        let mut world = World::new();
        world.live(0, user(1), &[(room(1), 4)]);
        if other_reader {
            world.live(1, user(2), &[(room(1), 4)]);
        }
        world.commit_kind(room(1), 6, EventKind::MemberJoined { user: user(1) });
        world.commit_kind(room(1), 5, EventKind::MemberLeft { user: user(1) });
        world.commit(room(1), 7);
        assert_eq!(world.told(0, room(1)), [6, 7]);
        assert!(world.hub.reads(conn(0), room(1)));
    }
}

#[test]
fn what_passed_out_of_order_while_the_snapshot_was_read_is_found() {
    let mut world = World::new();
    world.attach(0, user(1)).commit(room(1), 6).commit(room(1), 5);
    world.join(0, &[(room(1), 4)]);
    assert_eq!(world.told(0, room(1)), [5]);
    world.now_ms = world.hub.next_deadline_ms().expect("something is missing");
    world.handle(Input::Tick);
    assert_eq!(world.listed(|o| *o == Output::Fetch { room: room(1), after: Seq::new(5) }), 1);
    world.handle(Input::Fetched {
        room: room(1),
        events: vec![event(room(1), 6, EventKind::Message)],
    });
    assert_eq!(world.told(0, room(1)), [5, 6]);
}

#[test]
fn who_was_told_of_a_room_and_never_of_the_joining_comes_back() {
    let own = RoomId::of_self(user(1));
    let added = EventKind::RoomAdded { room: room(1) };
    let restarts = |o: &Output| *o == Output::Close { conn: conn(0), why: Close::Restart };
    for (then, want) in [
        (None, 1),
        (Some((room(1), EventKind::MemberJoined { user: user(1) })), 0),
        (Some((own, EventKind::RoomRemoved { room: room(1) })), 0),
    ] {
        let mut world = World::new();
        world.live(0, user(1), &[(own, 0)]).commit_kind(own, 1, added);
        if let Some((in_room, kind)) = then {
            world.commit_kind(in_room, 2, kind);
        }
        world.now_ms += 1_000;
        world.handle(Input::Tick);
        assert_eq!(world.listed(restarts), want, "{then:?}");
    }
}

#[test]
fn a_room_with_a_gap_is_forgotten_once_the_gap_is_closed() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 4)]).commit(room(1), 6);
    world.handle(Input::Closed { conn: conn(0) });
    world.commit(room(1), 5);
    world.now_ms += 10;
    world.handle(Input::Tick);
    assert_eq!(world.hub.heads().count(), 0);
    assert_eq!(world.hub.next_deadline_ms(), None);
}

#[test]
fn who_left_the_last_common_room_is_watched_no_more() {
    let mut world = World::new();
    let shared = [(room(1), 0), (room(2), 0)];
    world.live(0, user(1), &shared).live(1, user(2), &shared);
    let watch =
        |of: u32, user, leavings| Input::Watch { conn: conn(of), users: vec![user], leavings };
    world.handle(watch(0, user(2), 0)).handle(watch(1, user(1), 0));
    let told = |world: &World, number, online| {
        let signal = Signal::Presence { user: user(number), online };
        world.listed(|o| matches!(o, Output::Signal { signal: told, .. } if *told == signal))
    };
    let change = |number| Input::Signal(Signal::Presence { user: user(number), online: true });
    let doubts = |world: &World, leavings| {
        world.listed(|o| matches!(o, Output::Doubt { leavings: at, .. } if *at == leavings))
    };

    // Each is asked about the other, and nobody is told of anyone until the answer is there.
    world.commit_kind(room(1), 1, EventKind::MemberLeft { user: user(2) });
    world.handle(change(1)).handle(change(2));
    assert_eq!((doubts(&world, 1), told(&world, 1, true), told(&world, 2, true)), (2, 0, 0));

    // A room is left that both read: the first is told how the second is now.
    let answer = |of: u32, users, leavings| Input::Watchable { conn: conn(of), users, leavings };
    world.handle(answer(0, vec![user(2)], 1));
    assert_eq!(told(&world, 2, true), 1);

    // An answer, or a wish, from before another leaving counts for nothing.
    world.commit_kind(room(2), 1, EventKind::MemberLeft { user: user(2) });
    world.handle(answer(0, vec![user(2)], 1)).handle(watch(1, user(1), 1));
    assert_eq!((told(&world, 2, true), told(&world, 1, true)), (1, 0));
    world.handle(answer(0, vec![], 2)).handle(answer(1, vec![], 2));
    world.handle(Input::Signal(Signal::Presence { user: user(2), online: false }));
    assert_eq!((told(&world, 2, true), told(&world, 1, true)), (1, 0));
    assert_eq!(told(&world, 2, false), 1, "it was told so at the start, and never again");
}

/// How far a room has come, to a delivered and a read mark.
fn receipt(of: RoomId, delivered: u64, read: u64) -> Input {
    use crate::receipt::Reach;
    let reach = |all| Some(Reach { from: Seq::new(1), all: Seq::new(all) });
    let receipts = Receipts { delivered: reach(delivered), read: reach(read) };
    Input::Signal(Signal::Receipt { room: of, receipts, delivered_moved: true })
}

/// The delivered and read marks that a connection was told, where it was told any.
fn ticks(world: &World, slot: u32) -> Vec<(u64, Option<u64>)> {
    let told = world.out.list.iter().filter_map(|output| match output {
        Output::Signal { signal: Signal::Receipt { receipts, .. }, to } => {
            world.out.slots[to.clone()].contains(&slot).then_some(*receipts)
        }
        _ => None,
    });
    let short =
        |it: Receipts| (it.delivered.map_or(0, |it| it.all.get()), it.read.map(|it| it.all.get()));
    told.map(short).collect()
}

#[test]
fn ticks_are_told_to_who_reads_the_room_and_reading_to_who_lets_it_be_known() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 5)]).live(1, user(2), &[(room(1), 5)]);
    world.live(2, user(3), &[(room(2), 5)]);
    world.handle(Input::ReadShared { user: user(2), on: false });
    world.handle(receipt(room(1), 5, 4));
    assert_eq!(ticks(&world, 0), [(5, Some(4))]);
    assert_eq!(ticks(&world, 1), [(5, None)]);
    assert_eq!(ticks(&world, 2), []);
    world.out.clear();
    let Input::Signal(Signal::Receipt { room: of, receipts, .. }) = receipt(room(1), 5, 5) else {
        unreachable!("it was just made")
    };
    let signal = Signal::Receipt { room: of, receipts, delivered_moved: false };
    world.handle(Input::Signal(signal));
    assert_eq!(ticks(&world, 0), [(5, Some(5))]);
    assert_eq!(ticks(&world, 1), [], "not even that somebody read");
}

#[test]
fn ticks_that_pass_while_a_snapshot_is_read_are_told_after_it() {
    let mut world = World::new();
    world.attach(0, user(1)).handle(receipt(room(1), 4, 3)).handle(receipt(room(1), 5, 3));
    world.handle(receipt(room(2), 5, 5));
    assert_eq!(ticks(&world, 0), []);
    world.join(0, &[(room(1), 5)]);
    assert_eq!(ticks(&world, 0), [(5, None), (5, Some(3))], "the last of each of its rooms");
    world.out.clear();
    world.live(1, user(2), &[(room(1), 5)]);
    assert_eq!(ticks(&world, 1), [], "what passed before is in the snapshot");
}

#[test]
fn ticks_from_before_a_snapshot_are_not_told_after_it_though_others_wait_for_theirs() {
    let mut world = World::new();
    world.attach(0, user(1)).handle(receipt(room(1), 4, 3));
    world.attach(1, user(2)).join(1, &[(room(1), 5)]);
    assert_eq!(ticks(&world, 1), [], "the snapshot may be newer");
    world.join(0, &[(room(1), 5)]);
    assert_eq!(ticks(&world, 0).last(), Some(&(4, Some(3))));
}

#[test]
fn who_joins_while_ticks_of_too_many_rooms_pass_comes_back() {
    let mut world = World::new();
    let most = JOIN_HOLD_EVENTS_MAX as u32;
    world.attach(0, user(1));
    for number in 0..most {
        world.handle(receipt(room(number), 4, 3));
    }
    world.attach(1, user(2)).join(0, &[]).handle(receipt(room(most), 4, 3));
    let closed = |world: &World| {
        world.out.list.iter().filter(|output| matches!(output, Output::Close { .. })).count()
    };
    assert_eq!(closed(&world), 0, "what only the first needed goes");
    for number in 0..=most {
        world.handle(receipt(room(number), 5, 3));
    }
    assert_eq!(closed(&world), 1);
}

/// The simulator found it (seed 9): such a reader never heard of it.
#[test]
fn ticks_are_told_to_who_stands_apart_too() {
    let mut world = World::new();
    world.live(0, user(1), &[(room(1), 4)]).live(1, user(2), &[(room(1), 6)]);
    world.handle(receipt(room(1), 4, 3));
    assert_eq!((ticks(&world, 0), ticks(&world, 1)), (vec![(4, Some(3))], vec![(4, Some(3))]));
}

#[test]
fn a_switch_that_is_newer_than_the_snapshot_holds() {
    let mut world = World::new();
    world.attach(0, user(1)).handle(Input::ReadShared { user: user(1), on: false });
    world.join(0, &[(room(1), 5)]).handle(receipt(room(1), 5, 4));
    assert_eq!(ticks(&world, 0), [(5, None)]);
}
