//! What the store counts: atomics that its threads add to, and the plain numbers that are shown.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of commit latency, microseconds; one more bucket has no bound.
pub const COMMIT_BOUNDS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 125_000, 250_000, 1_000_000,
    4_000_000,
];

/// The store's figures at one moment, for `/metrics` and `/readyz`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Commands that wait for the writer, and how many may.
    pub writer_queue: u64,
    pub writer_queue_max: u64,
    /// Reads that wait for a reader, and how many may.
    pub read_queue: u64,
    pub read_queue_max: u64,
    /// Transactions that were committed.
    pub batches: u64,
    /// Commands in them: `batch_size_sum / batches` is the mean batch.
    pub batch_size_sum: u64,
    /// Commands that were answered, by whatever.
    pub writes: u64,
    /// Of these, refused.
    pub refusals: u64,
    /// Events appended.
    pub events: u64,
    /// Reads done.
    pub reads: u64,
    /// Reads that the database failed.
    pub read_failures: u64,
    /// From the begin of a batch's transaction to the end of its commit: how many fell into each of
    /// [`COMMIT_BOUNDS_US`] and beyond the last, not cumulated.
    pub commit_buckets: Vec<u64>,
    pub commit_sum_us: u64,
    pub commit_count: u64,
    /// Transactions that were rolled back.
    pub rollbacks: u64,
    /// Checkpoints of the write-ahead log, and those that did not get through.
    pub checkpoints: u64,
    pub checkpoint_failures: u64,
    /// Bytes of the write-ahead log in use, and of the database's file.
    pub wal_bytes: u64,
    pub db_bytes: u64,
    /// Rows whose checksum was wrong when they were read.
    pub rows_corrupt: u64,
    /// True once the disk failed a write: nothing more is written, the process must end.
    pub failed: bool,
    /// True while the disk has no room: nothing is written, reads go on.
    pub read_only: bool,
}

/// What the threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) batches: AtomicU64,
    pub(crate) batch_size_sum: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) refusals: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) read_failures: AtomicU64,
    commit_buckets: [AtomicU64; COMMIT_BOUNDS_US.len() + 1],
    commit_sum_us: AtomicU64,
    commit_count: AtomicU64,
    pub(crate) rollbacks: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) checkpoint_failures: AtomicU64,
    pub(crate) wal_bytes: AtomicU64,
    pub(crate) rows_corrupt: AtomicU64,
    pub(crate) failed: AtomicBool,
    pub(crate) read_only: AtomicBool,
}

pub(crate) fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn commit_took(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = COMMIT_BOUNDS_US.partition_point(|&bound| bound < us);
        add(&self.commit_buckets[bucket], 1);
        add(&self.commit_count, 1);
        self.commit_sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Counts a row that is not what was written, and names the first of them in the log.
    pub(crate) fn row_corrupt(&self, room: i64, seq: i64) {
        if self.rows_corrupt.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(
                room.id = room,
                seq,
                "a row of the log is not as it was written: its body is withheld; restore a backup (later ones are only counted)"
            );
        }
    }

    /// The counted part of the figures.
    pub(crate) fn statistics(&self) -> Statistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            batches: read(&self.batches),
            batch_size_sum: read(&self.batch_size_sum),
            writes: read(&self.writes),
            refusals: read(&self.refusals),
            events: read(&self.events),
            reads: read(&self.reads),
            read_failures: read(&self.read_failures),
            commit_buckets: self.commit_buckets.iter().map(read).collect(),
            commit_sum_us: read(&self.commit_sum_us),
            commit_count: read(&self.commit_count),
            rollbacks: read(&self.rollbacks),
            checkpoints: read(&self.checkpoints),
            checkpoint_failures: read(&self.checkpoint_failures),
            wal_bytes: read(&self.wal_bytes),
            rows_corrupt: read(&self.rows_corrupt),
            failed: self.failed.load(Ordering::Relaxed),
            read_only: self.read_only.load(Ordering::Relaxed),
            ..Statistics::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_falls_into_the_first_bucket_that_holds_it() {
        let counters = Counters::default();
        for us in [100, 101, 5_000_000] {
            counters.commit_took(Duration::from_micros(us));
        }
        let statistics = counters.statistics();
        assert_eq!((statistics.commit_count, statistics.commit_sum_us), (3, 5_000_201));
        let buckets = &statistics.commit_buckets;
        assert_eq!((buckets[0], buckets[1], buckets[COMMIT_BOUNDS_US.len()]), (1, 1, 1));
    }
}
