//! Bringing the write-ahead log into the database, off the writer as long as that keeps up.
//!
//! A snapshot that is kept for long (a backup, a verification) holds the log: what was written after
//! it cannot be brought over, and the log grows until it ends. Nobody can help that by waiting, so the
//! writer does not; what has gathered is then brought over beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::disk::{self, Harm};
use super::open::BUSY_TIMEOUT;
use crate::statistics::add;
use crate::store::Shared;

/// Bytes of write-ahead log at which a checkpoint runs beside the writer, and again for each more.
const PASSIVE_STEP_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes beyond which the writer itself brings over the rest and begins the log anew: readers look
/// through it, and the disk is no wider than it is.
const WAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The rest that the writer brings over itself: what gathers while a checkpoint runs beside it.
const REST_BYTES_MAX: u64 = 2 * PASSIVE_STEP_BYTES;
/// Bytes beyond which the checkpoints beside the writer do not keep up, so that it waits for one.
const WAL_BYTES_BEHIND: u64 = 4 * WAL_BYTES_MAX;
/// How long the writer waits for readers that still need the log; everyone waits with it.
const RESTART_WITHIN: Duration = Duration::from_millis(25);

/// How far the last checkpoint came.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done_bytes: AtomicU64,
    /// A reader's snapshot kept it from what was there when it began.
    is_held: AtomicBool,
}

impl Progress {
    fn note(&self, log: i64, done: i64, frame_bytes: u64) {
        self.done_bytes.store(done.max(0).cast_unsigned() * frame_bytes, Ordering::Relaxed);
        self.is_held.store(done < log, Ordering::Relaxed);
    }

    /// Whether the writer should bring over the rest of so many bytes of log by itself.
    fn asks_the_writer(&self, bytes: u64) -> bool {
        let rest = bytes.saturating_sub(self.done_bytes.load(Ordering::Relaxed));
        let is_held = self.is_held.load(Ordering::Relaxed);
        !is_held && (rest <= REST_BYTES_MAX || bytes >= WAL_BYTES_BEHIND)
    }
}

/// Runs one checkpoint.
fn checkpoint(connection: &Connection, mode: &str, shared: &Shared) {
    let counters = &shared.counters;
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let result = connection.query_row(&sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match result {
        Ok((busy, log, done)) => {
            let counter =
                if busy == 0 { &counters.checkpoints } else { &counters.checkpoint_failures };
            add(counter, 1);
            shared.progress.note(log, done, shared.frame_bytes);
            tracing::debug!(busy, log, done, mode, "a checkpoint has ended");
        }
        Err(error) => {
            add(&counters.checkpoint_failures, 1);
            if disk::harm(&error, &shared.folder) == Harm::Broken {
                return shared.fail(&error);
            }
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, mode, "a checkpoint failed");
        }
    }
}

/// The thread that runs checkpoints beside the writer, one for each time it is asked.
pub(crate) fn run(connection: &Connection, shared: &Arc<Shared>) {
    while shared.checkpoints.take().is_some() {
        checkpoint(connection, "PASSIVE", shared);
    }
}

/// The last one, when the writer has ended: leaves an empty log behind.
pub(crate) fn last(connection: &Connection, shared: &Shared) {
    checkpoint(connection, "TRUNCATE", shared);
    shared.counters.wal_bytes.store(0, Ordering::Relaxed);
}

/// The writer's watch over the length of the log.
#[derive(Debug)]
pub(crate) struct Pressure {
    next_bytes: u64,
}

impl Pressure {
    pub(crate) fn new() -> Self {
        Self { next_bytes: PASSIVE_STEP_BYTES }
    }

    /// Asks for a checkpoint where the log has grown by a step; beyond the bound does it itself, where
    /// that helps and is short.
    pub(crate) fn relieve(&mut self, connection: &Connection, shared: &Shared) {
        let bytes = shared.counters.wal_bytes.load(Ordering::Relaxed);
        if bytes + PASSIVE_STEP_BYTES < self.next_bytes {
            // The log began anew.
            self.next_bytes = PASSIVE_STEP_BYTES;
        }
        if bytes < self.next_bytes {
            return;
        }
        self.next_bytes = bytes + PASSIVE_STEP_BYTES;
        if bytes >= WAL_BYTES_MAX && shared.progress.asks_the_writer(bytes) {
            restart(connection, shared);
        } else {
            // One that is asked for already will see these pages too.
            let _ = shared.checkpoints.push(());
        }
    }
}

fn restart(connection: &Connection, shared: &Shared) {
    let patience = |time| {
        if let Err(error) = connection.busy_timeout(time) {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, "the busy timeout could not be set");
        }
    };
    patience(RESTART_WITHIN);
    checkpoint(connection, "RESTART", shared);
    patience(BUSY_TIMEOUT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_does_the_rest_where_it_is_short_and_nobody_holds_it() {
        let progress = Progress::default();
        let of = |log_mib: i64, done_mib: i64, now_mib: u64| {
            progress.note(log_mib, done_mib, 1024 * 1024);
            progress.asks_the_writer(now_mib * 1024 * 1024)
        };
        assert!(of(64, 64, 72), "the rest of 8 MiB");
        assert!(!of(64, 64, 100), "36 MiB would keep everyone waiting: beside the writer first");
        assert!(of(64, 64, 300), "it does not keep up");
        assert!(!of(64, 10, 72), "a snapshot holds it");
        assert!(!of(300, 10, 300), "however long");
    }
}
