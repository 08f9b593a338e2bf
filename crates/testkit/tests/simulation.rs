//! The simulator over many seeds, and the checker against planted mistakes.
//!
//! A seed that fails is run again with `CHINWAG_SEED=… cargo test -p chinwag-testkit --test simulation`.

use chinwag_testkit::check::Promise;
use chinwag_testkit::world::{Bug, Report, run};

/// Seeds of each of the four parts.
const SEEDS: u64 = 150;
/// Within so many seeds a planted mistake must be found.
const SEEDS_TO_FIND: u64 = 200;

fn assert_kept(report: &Report) {
    let again = format!(
        "CHINWAG_SEED={} cargo test -p chinwag-testkit --test simulation one_seed",
        report.seed
    );
    let told: Vec<String> = report.violations.iter().take(10).map(ToString::to_string).collect();
    assert!(
        told.is_empty(),
        "seed {}: {} promises were broken, among them\n  {}\nagain: {again}",
        report.seed,
        report.violations.len(),
        told.join("\n  ")
    );
    assert!(
        report.converged_after_ms.is_some(),
        "seed {} never came together\nagain: {again}",
        report.seed
    );
}

fn run_part(part: u64) {
    for seed in part * SEEDS..(part + 1) * SEEDS {
        assert_kept(&run(seed, None));
    }
}

#[test]
fn every_promise_is_kept_part_1() {
    run_part(0);
}

#[test]
fn every_promise_is_kept_part_2() {
    run_part(1);
}

#[test]
fn every_promise_is_kept_part_3() {
    run_part(2);
}

#[test]
fn every_promise_is_kept_part_4() {
    run_part(3);
}

/// A frame of ticks died with its connection, and the room stood beyond the first page of the next
/// `ready`: only the list tells of it.
#[test]
fn ticks_lost_with_a_connection_come_with_the_list() {
    for seed in [0, 158, 302, 461] {
        assert_kept(&run(seed, None));
    }
}

/// My own room said how far I have read on another device, and a page of the list that was read before came
/// after it.
#[test]
fn a_list_does_not_take_back_what_was_read_elsewhere() {
    assert_kept(&run(58_936, None));
}

/// A page was on its way while one left a room and came back; meanwhile a message in it was erased.
#[test]
fn a_page_of_an_earlier_membership_shows_nothing_that_was_erased() {
    assert_kept(&run(95_541, None));
}

/// The room moved to the first page between the `ready` and the page that would have told of it.
#[test]
fn ticks_of_a_room_that_moves_up_while_the_list_is_read_are_asked_for() {
    assert_kept(&run(1_346, None));
}

/// The seed of `CHINWAG_SEED`, to look at one run.
#[test]
fn one_seed() {
    let seed = std::env::var("CHINWAG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let report = run(seed, None);
    println!(
        "{:?}, {} records, {:?}",
        report.counts,
        report.ledger.records().len(),
        report.converged_after_ms
    );
    assert_kept(&report);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        let (first, second) = (run(seed, None), run(seed, None));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.ledger.records(), second.ledger.records(), "seed {seed}");
        assert_ne!(first.trace, run(seed + 1, None).trace, "seed {seed}");
    }
}

/// Planted mistakes, each with the promise that it breaks.
macro_rules! found {
    ($($name:ident: $bug:ident breaks $promise:ident;)+) => {
        $(
            #[test]
            fn $name() {
                let breaks = |seed: &u64| {
                    let violations = run(*seed, Some(Bug::$bug)).violations;
                    violations.iter().any(|violation| violation.promise == Promise::$promise)
                };
                let seed = (0..SEEDS_TO_FIND).find(breaks);
                assert!(seed.is_some(), "{:?} stayed unseen for {SEEDS_TO_FIND} seeds", Bug::$bug);
            }
        )+

        #[test]
        fn every_planted_mistake_has_its_test() {
            assert_eq!(Bug::ALL, [$(Bug::$bug),+]);
        }
    };
}

found! {
    an_answer_before_the_commit_is_found: AckBeforeCommit breaks Durable;
    an_event_before_the_commit_is_found: BroadcastBeforeCommit breaks OneOrder;
    keys_kept_in_memory_are_found: DedupeInMemory breaks Idempotent;
    a_key_that_takes_any_body_is_found: KeyWithoutBody breaks Idempotent;
    an_unknown_outcome_told_as_a_refusal_is_found: UnknownAsRefused breaks NoPhantom;
    rights_checked_too_early_are_found: StaleRights breaks NoPhantom;
    a_hole_in_the_numbers_is_found: SeqHole breaks Dense;
    a_deletion_that_uncounts_is_found: DeletionUncounts breaks Unread;
    a_deletion_that_keeps_the_body_is_found: DeletionKeepsBody breaks Erased;
    a_history_of_drafts_is_found: DraftHistory breaks Erased;
    an_own_message_left_unread_is_found: OwnSendUnread breaks Unread;
    a_read_mark_that_moves_back_is_found: ReadMarkBack breaks Unread;
    history_from_before_the_joining_is_found: HistoryLeak breaks NoLeak;
    a_resume_from_one_too_far_is_found: ResumeOffByOne breaks NoGap;
    a_lost_lag_flag_is_found: LostLagFlag breaks NoGap;
    a_leaving_after_the_fan_out_is_found: LeaveAfterFanOut breaks NoLeak;
    a_window_between_snapshot_and_stream_is_found: JoinWindowLost breaks NoGap;
    what_was_missed_sent_twice_is_found: DoubleDelivery breaks ExactlyOnce;
    a_hole_that_is_filled_instead_of_read_is_found: GapSkipped breaks OneOrder;
    a_delivery_of_more_than_was_said_is_found: DeliveredToHead breaks Ticks;
    a_receipt_of_what_was_said_to_nobody_is_found: ReceiptOfNobody breaks Ticks;
    read_receipts_for_one_who_gives_none_are_found: ReadOfQuiet breaks NoLeak;
    ticks_that_a_slow_reader_never_gets_are_found: ReceiptDropped breaks Ticks;
}

#[test]
fn every_fault_happens() {
    let counts: Vec<_> = (0..60).map(|seed| run(seed, None).counts).collect();
    let total = |of: fn(&chinwag_testkit::world::Counts) -> u64| counts.iter().map(of).sum::<u64>();
    for (name, times) in [
        ("cuts", total(|counts| counts.cuts)),
        ("crashes", total(|counts| counts.crashes)),
        ("lagged", total(|counts| counts.lagged)),
        ("fetches", total(|counts| counts.fetches)),
        ("lost on the bus", total(|counts| counts.lost_on_bus)),
        ("repeated", total(|counts| counts.repeated)),
        ("rollbacks", total(|counts| counts.rollbacks)),
        ("unknown outcomes", total(|counts| counts.unknown)),
    ] {
        assert!(times > 0, "in 60 runs there were no {name}");
    }
}
