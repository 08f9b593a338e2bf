//! Killed at a system call: at the first of its kind that a thread makes, at the second, the third …, in
//! its start, in a commit, in a checkpoint, between the commit and the answer. After each death the log is
//! judged as it lies there.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::house::House;

/// By what the database, the answers and the word from one thread to another reach the system.
const CALLS: [&str; 5] = ["pwrite64", "fdatasync", "fcntl", "writev", "write"];
/// The last of each kind.
const WHEN_MAX: u64 = 200;
const POINTS: u64 = 15;
const POINTS_IN_FULL: u64 = 1_000;
/// Deaths in one house: the more there are, the longer is what the checker reads after each.
const POINTS_A_HOUSE: usize = 50;
const PEOPLE: usize = 4;
const A_SECOND: u32 = 400;

#[test]
fn killed_at_a_system_call() {
    if !can_tamper() {
        return;
    }
    let points = points(crate::size(POINTS, POINTS_IN_FULL));
    for (number, points) in points.chunks(POINTS_A_HOUSE).enumerate() {
        crate::on_one_thread(async {
            let mut house = House::open(crate::seed() + number as u64, PEOPLE).await;
            house.furnish().await;
            house.type_on(A_SECOND);
            house.server.kill();
            for &(call, when) in points {
                house.server.start_tampered(&format!("{call}:signal=KILL:when={when}"), None).await;
                let status = house.server.end().await;
                let by = status.signal();
                assert_eq!(by, Some(Signal::KILL.as_raw()), "{call} {when}: {status}");
                house.judge_log();
                house.server.command(&["verify"]).await;
            }
            house.server.start().await;
            house.judge().await;
            println!("{} system calls, the last {:?}", points.len(), points.last());
        });
    }
}

/// So many system calls, spread evenly over all of them.
fn points(count: u64) -> Vec<(&'static str, u64)> {
    let seed = crate::seed();
    let at = |number: u64| {
        let round = number / CALLS.len() as u64;
        let rounds = count.div_ceil(CALLS.len() as u64);
        let when = (round * WHEN_MAX / rounds + seed) % WHEN_MAX + 1;
        (CALLS[number as usize % CALLS.len()], when)
    };
    (0..count).map(at).collect()
}

/// Whether strace is here and may look into other processes; says so where not.
pub(crate) fn can_tamper() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "setpriv", "--pdeathsig", "KILL", "true"]);
    let done = strace.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let can = done.is_ok_and(|status| status.success());
    if !can {
        println!("left out: there is no strace, or it may not look into other processes");
    }
    can
}
