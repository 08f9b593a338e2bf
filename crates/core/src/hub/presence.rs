//! Who is online, told to those who have them on the screen.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::{Output, Outputs};
use crate::event::Signal;
use crate::id::UserId;
use crate::limit::OFFLINE_AFTER;

/// Who is online anywhere, as far as this shard was told, and who watches whom here.
///
/// Each shard says when it got a user's first connection and when it has had none for a while;
/// someone is online while at least one shard says so.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// How many shards have each user.
    online: HashMap<UserId, u32>,
    watchers: HashMap<UserId, Vec<u32>>,
    /// Users whose last connection here closed, and when.
    leaving: BTreeMap<UserId, u64>,
}

impl Presence {
    /// The user's first connection on this shard is live.
    pub(super) fn came(&mut self, user: UserId, out: &mut Outputs) {
        if self.leaving.remove(&user).is_none() {
            out.list.push(Output::Publish(Signal::Presence { user, online: true }));
        }
    }

    /// The user's last connection on this shard closed.
    pub(super) fn went(&mut self, now_ms: u64, user: UserId) {
        self.leaving.insert(user, now_ms);
    }

    pub(super) fn tick(&mut self, now_ms: u64, out: &mut Outputs) {
        let grace_ms = OFFLINE_AFTER.as_millis() as u64;
        self.leaving.retain(|&user, &mut since| {
            let gone = now_ms.saturating_sub(since) >= grace_ms;
            if gone {
                out.list.push(Output::Publish(Signal::Presence { user, online: false }));
            }
            !gone
        });
    }

    /// A shard, this one or another, says that it has the user or has not.
    pub(super) fn changed(&mut self, user: UserId, online: bool, out: &mut Outputs) {
        let shards = self.online.entry(user).or_insert(0);
        let before = *shards;
        *shards = if online { before + 1 } else { before.saturating_sub(1) };
        let after = *shards;
        if after == 0 {
            self.online.remove(&user);
        }
        if (before == 0) != (after == 0)
            && let Some(slots) = self.watchers.get(&user)
        {
            out.signal(Signal::Presence { user, online }, slots.iter().copied());
        }
    }

    /// Tells a connection how the users on its screen are, now and whenever it changes.
    pub(super) fn watch(&mut self, slot: u32, users: &[UserId], out: &mut Outputs) {
        for &user in users {
            self.watchers.entry(user).or_default().push(slot);
            let online = self.online.contains_key(&user);
            out.signal(Signal::Presence { user, online }, [slot]);
        }
    }

    /// The connections that are told of a user.
    pub(super) fn watchers(&self, user: UserId) -> &[u32] {
        self.watchers.get(&user).map_or(&[], Vec::as_slice)
    }

    pub(super) fn unwatch(&mut self, slot: u32, users: &[UserId]) {
        for user in users {
            let Some(slots) = self.watchers.get_mut(user) else {
                continue;
            };
            slots.retain(|&watcher| watcher != slot);
            if slots.is_empty() {
                self.watchers.remove(user);
            }
        }
    }
}
