//! The torture suite: the real program, killed, drained, stalled, stormed and crowded while people
//! talk, and at the end of each run the checker over all that was asked, answered and seen.
//!
//! The drivers are the real client's state behind the real codec. Nobody here waits by the clock: a run
//! goes on when what it waits for has happened, and fails at a deadline. What the clock does decide is
//! when something goes wrong, and that is drawn from a seed: `CHINWAG_SEED=7 cargo test -p
//! chinwag-testkit --test torture`. The program is built by the run; `CHINWAG_BIN` names another. The tests are
//! short; `cargo xtask prove` runs the same at full size.
//!
//! Those that tamper with the disk need `strace`, and leave to name spaces of one's own; where these are
//! missing they say that they are left out, and do nothing.
//!
//! Reading order: [`server`], [`device`], [`house`], then the runs.

mod caller;
mod device;
mod disk;
mod evidence;
mod house;
mod http;
mod journal;
mod line;
mod proxy;
mod server;
mod socket;

mod calls;
mod crowd;
mod cut;
mod descriptors;
mod doctored;
mod drain;
mod full;
mod handover;
mod io_error;
mod kill;
mod removal;
mod restore;
mod slow;
mod storm;
mod stream;

/// Lets time pass where time itself is meant: a server's hint, the pause between two attempts, the
/// moment of a kill. What can be waited for is waited for.
async fn rest(time: std::time::Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// The seed of `CHINWAG_SEED`, or the one that every run without it has.
fn seed() -> u64 {
    let seed = std::env::var("CHINWAG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("CHINWAG_SEED={seed}");
    seed
}

/// How much of something: as the tests have it, or in full (`CHINWAG_FULL=1`), as `cargo xtask prove` has it.
fn size<T>(short: T, full: T) -> T {
    if std::env::var_os("CHINWAG_FULL").is_some() { full } else { short }
}

/// Runs a scene on one thread, so that the ledger has one order.
fn on_one_thread(scene: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    tokio::task::LocalSet::new().block_on(&runtime, scene);
}
