//! Long work that lets the server go first.

use std::time::{Duration, Instant};

/// How long it works before it rests: shorter than a person would notice.
const STRETCH: Duration = Duration::from_millis(5);
/// One rest is no longer than this, however long the disk took.
const REST_MAX: Duration = Duration::from_millis(500);

/// Works for a stretch, then rests for some times as long.
#[derive(Debug)]
pub struct Pace {
    rests: u32,
    since: Instant,
}

impl Pace {
    /// Rests `rests` times as long as it works; 0 is full speed.
    #[must_use]
    pub fn new(rests: u32) -> Self {
        Self { rests, since: Instant::now() }
    }

    /// Rests, if it is time to.
    pub(crate) fn breathe(&mut self) {
        if self.rests == 0 {
            return;
        }
        let worked = self.since.elapsed();
        if worked >= STRETCH {
            // Nobody wakes it; where somebody does, the next rest is as long.
            std::thread::park_timeout((worked * self.rests).min(REST_MAX));
            self.since = Instant::now();
        }
    }
}
