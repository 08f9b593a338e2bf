//! A write or an fsync that fails while everyone talks. After it nobody can trust what the system still
//! holds, so all who wait are told that nothing is known, the process ends, and the next one has all that
//! was answered as done.

use crate::calls;
use crate::house::{House, post_on};

const ERRORS: u64 = 6;
const ERRORS_IN_FULL: u64 = 100;
const PEOPLE: usize = 4;
const A_SECOND: u32 = 400;
/// What fails: a call, and whether it is about the database's own file, which only checkpoints write.
const CALLS: [(&str, bool); 3] = [("fdatasync", false), ("pwrite64", false), ("pwrite64", true)];
/// How many of the calls of a thread go well first, so that it is up when one fails.
const CALLS_BEFORE: std::ops::RangeInclusive<u64> = 20..=200;
/// What the log says of it, once.
const LINE: &str = "the disk failed a write";

#[test]
fn a_failed_write_ends_the_process_and_loses_nothing() {
    crate::on_one_thread(async {
        if !calls::can_tamper() {
            return;
        }
        let mut house = House::open(crate::seed(), PEOPLE).await;
        house.furnish().await;
        house.type_on(A_SECOND);
        let rooms = vec![house.caller(0).create("group", &house.users(1)).await];
        for person in 0..PEOPLE {
            let (caller, rooms) = (house.caller(person), rooms.clone());
            house.spawn(|stop| post_on(caller, rooms, stop));
        }
        let (status, _) = house.server.terminate().await;
        assert!(status.success());
        for number in 0..crate::size(ERRORS, ERRORS_IN_FULL) {
            let (call, database) = CALLS[number as usize % CALLS.len()];
            let file = database.then(|| house.server.database());
            let before = if database { 1..=10 } else { CALLS_BEFORE };
            let when = house.journal.draw(|random| random.between(before));
            let unanswered = house.journal.requests.unanswered();
            let inject = format!("{call}:error=EIO:when={when}");
            house.server.start_tampered(&inject, file.as_deref()).await;
            let status = house.server.end().await;
            let log = house.server.log();
            assert_eq!(status.code(), Some(1), "{call} {when}: it ended with {status}:\n{log}");
            assert_eq!(log.matches(LINE).count(), 1, "{call} {when}:\n{log}");
            let lost = house.journal.requests.unanswered() - unanswered;
            assert_eq!(lost, 0, "{call} {when}: requests without an answer");
            house.judge_log();
            house.server.command(&["verify"]).await;
        }
        assert!(house.journal.unavailable.get() > 0, "nobody ever waited for a write that failed");
        house.server.start().await;
        house.judge().await;
    });
}
