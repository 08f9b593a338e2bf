//! Who is online on this node, for those who ask by REST.

use std::sync::{Mutex, PoisonError};

use chinwag_core::event::Signal;
use chinwag_core::id::UserId;
use foldhash::HashMap;

/// How many shards say that they have each user. Touched only when someone comes or goes.
#[derive(Debug, Default)]
pub(crate) struct Online(Mutex<HashMap<UserId, u32>>);

impl Online {
    /// The user whom no shard has any more, where the signal says so of the last.
    pub(crate) fn note(&self, signal: &Signal) -> Option<UserId> {
        let &Signal::Presence { user, online } = signal else {
            return None;
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shards = all.entry(user).or_insert(0);
        *shards = if online { *shards + 1 } else { shards.saturating_sub(1) };
        let is_gone = *shards == 0;
        if is_gone {
            all.remove(&user);
        }
        is_gone.then_some(user)
    }

    pub(crate) fn has(&self, user: UserId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&user)
    }
}
