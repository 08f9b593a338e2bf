//! Bringing the write-ahead log into the database, off the writer as long as that keeps up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::Connection;

use super::open::BUSY_TIMEOUT;
use crate::statistics::{Counters, add};
use crate::store::Shared;

/// Bytes of write-ahead log at which a checkpoint runs beside the writer, and again for each more.
const PASSIVE_STEP_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes beyond which the writer itself waits for a checkpoint: readers look through the log, and
/// the disk is no wider than it is.
const WAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long the writer waits for readers that still need the log.
const RESTART_WITHIN: Duration = Duration::from_millis(250);

/// Runs one checkpoint; true where it brought over all there was.
fn checkpoint(connection: &Connection, mode: &str, counters: &Counters) -> bool {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let result = connection.query_row(&sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match result {
        Ok((0, ..)) => {
            add(&counters.checkpoints, 1);
            true
        }
        Ok((busy, log, done)) => {
            add(&counters.checkpoint_failures, 1);
            tracing::debug!(busy, log, done, mode, "a checkpoint was held up by readers");
            false
        }
        Err(error) => {
            add(&counters.checkpoint_failures, 1);
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, mode, "a checkpoint failed");
            false
        }
    }
}

/// The thread that runs checkpoints beside the writer, one for each time it is asked.
pub(crate) fn run(connection: &Connection, shared: &Arc<Shared>) {
    while shared.checkpoints.take().is_some() {
        checkpoint(connection, "PASSIVE", &shared.counters);
    }
}

/// The last one, when the writer has ended: leaves an empty log behind.
pub(crate) fn last(connection: &Connection, counters: &Counters) {
    checkpoint(connection, "TRUNCATE", counters);
    counters.wal_bytes.store(0, Ordering::Relaxed);
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

    /// Asks for a checkpoint where the log has grown by a step; does it itself beyond the bound.
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
        if bytes < WAL_BYTES_MAX {
            // One that is asked for already will see these pages too.
            let _ = shared.checkpoints.push(());
        } else {
            restart(connection, &shared.counters);
        }
    }
}

fn restart(connection: &Connection, counters: &Counters) {
    let patience = |time| {
        if let Err(error) = connection.busy_timeout(time) {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, "the busy timeout could not be set");
        }
    };
    patience(RESTART_WITHIN);
    checkpoint(connection, "RESTART", counters);
    patience(BUSY_TIMEOUT);
}
