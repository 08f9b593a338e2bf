//! What a command that is traced carries to the writer, and what the writer notes of it. Without the
//! feature `otlp` both have no size and do nothing.

use std::sync::Arc;
#[cfg(feature = "otlp")]
use std::time::Instant;

use chinwag_core::event::Event;
#[cfg(feature = "otlp")]
use chinwag_core::id::{RoomId, Seq};

use crate::committed::Told;

/// Rides on a submission. Most commands are not traced.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trace {
    #[cfg(feature = "otlp")]
    pub carried: Option<Carried>,
}

/// The trace of a command, and the spans that those who come later name.
#[cfg(feature = "otlp")]
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    pub trace: u128,
    /// The span of who took the command.
    pub taken: u64,
    /// The span of its commit, which who delivers it names as the one before.
    pub commit: u64,
    pub submitted: Instant,
}

/// When a traced command came how far in the writer.
#[cfg(feature = "otlp")]
#[derive(Debug, Clone)]
pub struct Sent {
    pub carried: Carried,
    /// The event that it made or had made before; none where it was refused or changed nothing.
    pub event: Option<(RoomId, Seq)>,
    pub refused: bool,
    /// Commands in the transaction.
    pub batch: usize,
    /// The transaction begins.
    pub begun: Instant,
    /// It is applied, from and to.
    pub applied: [Instant; 2],
    /// All of the transaction is applied, and then on disk.
    pub committed: [Instant; 2],
}

/// What the writer notes from one transaction to the next telling.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    #[cfg(feature = "otlp")]
    sent: Vec<Sent>,
    /// How many of them are on disk.
    #[cfg(feature = "otlp")]
    done: usize,
}

/// When a command began to be applied.
pub(crate) struct Applying {
    #[cfg(feature = "otlp")]
    traced: Option<(Carried, Instant)>,
}

#[cfg(feature = "otlp")]
impl Notes {
    /// A transaction begins: what one noted that was rolled back did not happen.
    pub(crate) fn begin(&mut self) {
        self.sent.truncate(self.done);
    }

    pub(crate) fn applying(trace: Trace) -> Applying {
        Applying { traced: trace.carried.map(|carried| (carried, Instant::now())) }
    }

    /// What became of it: refused, or the event that answers it.
    pub(crate) fn applied(
        &mut self,
        applying: &Applying,
        refused: bool,
        event: Option<&Arc<Event>>,
    ) {
        let Some((carried, from)) = applying.traced else {
            return;
        };
        self.sent.push(Sent {
            carried,
            event: event.map(|event| (event.room, event.seq)),
            refused,
            batch: 0,
            begun: from,
            applied: [from, Instant::now()],
            committed: [from; 2],
        });
    }

    /// Everything is applied; the disk comes next.
    pub(crate) fn committing(&mut self) {
        if self.sent.len() > self.done {
            let now = Instant::now();
            self.sent[self.done..].iter_mut().for_each(|sent| sent.committed[0] = now);
        }
    }

    /// The transaction is on disk.
    pub(crate) fn committed(&mut self, batch: usize, begun: Instant) {
        if self.sent.len() > self.done {
            let now = Instant::now();
            for sent in &mut self.sent[self.done..] {
                (sent.committed[1], sent.batch, sent.begun) = (now, batch, begun);
            }
            self.done = self.sent.len();
        }
    }

    /// Adds what was noted to what is told.
    pub(crate) fn tell(&mut self, told: &mut Vec<Told>) {
        self.sent.truncate(std::mem::take(&mut self.done));
        if !self.sent.is_empty() {
            told.push(Told::Traced(Arc::from(std::mem::take(&mut self.sent))));
        }
    }
}

#[cfg(not(feature = "otlp"))]
#[expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "the other one does")]
impl Notes {
    pub(crate) fn begin(&mut self) {}

    pub(crate) fn applying(_: Trace) -> Applying {
        Applying {}
    }

    pub(crate) fn applied(&mut self, _: &Applying, _: bool, _: Option<&Arc<Event>>) {}

    pub(crate) fn committing(&mut self) {}

    pub(crate) fn committed(&mut self, _: usize, _: std::time::Instant) {}

    pub(crate) fn tell(&mut self, _: &mut Vec<Told>) {}
}

#[cfg(all(test, not(feature = "otlp")))]
mod tests {
    use super::*;

    #[test]
    fn without_the_feature_a_trace_has_no_size() {
        assert_eq!([size_of::<Trace>(), size_of::<Notes>(), size_of::<Applying>()], [0; 3]);
    }
}
