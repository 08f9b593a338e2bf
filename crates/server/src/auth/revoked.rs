//! The sessions that are over while an access token of theirs may still be about.

use std::sync::RwLock;

use chinwag_core::id::SessionId;
use chinwag_core::limit::ACCESS_TOKEN_S;
use chinwag_store::committed::Told;
use foldhash::HashMap;

/// Revoked sessions, each until its last access token has expired.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    until_ms: RwLock<HashMap<SessionId, u64>>,
}

impl Revoked {
    /// Takes the revocations out of what a transaction came to.
    pub(crate) fn note(&self, batch: &[Told], now_ms: u64) {
        for told in batch {
            if let Told::Revoked { user, sessions } = told {
                tracing::info!(%user, ?sessions, "sessions ended");
                self.add(sessions, now_ms);
            }
        }
    }

    pub(crate) fn add(&self, sessions: &[SessionId], now_ms: u64) {
        let until = now_ms + (ACCESS_TOKEN_S + 60) * 1000;
        let mut all = self.until_ms.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.extend(sessions.iter().map(|&session| (session, until)));
    }

    pub(crate) fn contains(&self, session: SessionId) -> bool {
        let all = self.until_ms.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.contains_key(&session)
    }

    /// Forgets those whose tokens have all expired; called about once a minute.
    pub(crate) fn forget_expired(&self, now_ms: u64) {
        let mut all = self.until_ms.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.retain(|_, &mut until| until > now_ms);
    }
}
