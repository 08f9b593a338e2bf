//! Who is online on this node, for those who ask by REST, and when those were last here who are not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chinwag_core::event::Signal;
use chinwag_core::id::UserId;
use chinwag_core::limit::{DELIVERED_BATCH_MAX, OFFLINE_AFTER, RECEIPTS_EVERY, SEEN_HELD_MAX};
use chinwag_store::write::Write;
use foldhash::HashMap;

use crate::app::App;

/// Touched only when someone comes or goes.
#[derive(Debug, Default)]
pub(crate) struct Online(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How many shards say that they have each user.
    shards: HashMap<UserId, u32>,
    /// Who has gone since that was last on disk, and when.
    gone: BTreeMap<UserId, u64>,
}

impl Online {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, signal: &Signal, now_ms: u64) {
        let &Signal::Presence { user, online } = signal else {
            return;
        };
        let Known { shards, gone } = &mut *self.known();
        let count = shards.entry(user).or_insert(0);
        *count = if online { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            shards.remove(&user);
            if gone.len() < SEEN_HELD_MAX {
                gone.insert(user, now_ms.saturating_sub(OFFLINE_AFTER.as_millis() as u64));
            }
        }
    }

    pub(crate) fn has(&self, user: UserId) -> bool {
        self.known().shards.contains_key(&user)
    }

    /// When someone went of whom it is not on disk yet.
    pub(crate) fn gone_at_ms(&self, user: UserId) -> Option<u64> {
        self.known().gone.get(&user).copied()
    }

    fn forget(&self, seen: &[(UserId, u64)]) {
        let gone = &mut self.known().gone;
        for (user, at_ms) in seen {
            if gone.get(user) == Some(at_ms) {
                gone.remove(user);
            }
        }
    }
}

/// Once a second: writes down when those were here who have gone; where the writer is too busy they wait.
pub(crate) async fn run(app: Arc<App>) {
    let mut every = tokio::time::interval(RECEIPTS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let gone: Vec<_> = app.online.known().gone.iter().map(|(&user, &at)| (user, at)).collect();
        for seen in gone.chunks(DELIVERED_BATCH_MAX) {
            if app.write_unasked(Write::SeenSet { seen: seen.to_vec() }).await {
                app.online.forget(seen);
            }
        }
    }
}
