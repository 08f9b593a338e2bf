//! How the rest of the node speaks to the shards: one bounded queue each, and one wake-up however
//! much was put in.

use std::net::IpAddr;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chinwag_core::event::Signal;
use chinwag_core::limit::INBOX_MAX;
use chinwag_store::committed::Told;
use tokio::sync::Notify;

/// Which of the server's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Main,
    /// `/metrics` and nothing else.
    Metrics,
}

/// A connection that was accepted at a door.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub door: Door,
    pub stream: TcpStream,
    pub peer: IpAddr,
    pub counted: Counted,
}

/// A connection that counts among those of the node until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Shards>);

impl Counted {
    pub(crate) fn new(shards: &Arc<Shards>) -> Self {
        shards.opened();
        Self(Arc::clone(shards))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// What a shard is told from outside.
#[derive(Debug)]
pub(crate) enum ToShard {
    Accepted(Accepted),
    /// A transaction is on disk, since then.
    Told(Arc<[Told]>, Instant),
    Signal(Signal),
    /// Transactions were forgotten here, because the shard is too far behind.
    Lost,
    /// Say goodbye to everyone; close when nothing is in flight any more.
    Drain {
        return_within: Duration,
    },
    /// Close everything now.
    Stop,
}

/// One shard's queue of at most [`INBOX_MAX`] messages. What is beyond them is refused to its sender,
/// but for two: transactions, of which all that wait are forgotten and [`ToShard::Lost`] stands in
/// their place, and presence, which counts up and down and is at most two signals an account in
/// [`OFFLINE_AFTER`](chinwag_core::limit::OFFLINE_AFTER).
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    queue: Mutex<Vec<ToShard>>,
    wake: Notify,
}

impl Inbox {
    /// Puts something in; false where it is refused.
    pub(crate) fn push(&self, message: ToShard) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = queue.is_empty();
        if queue.len() >= INBOX_MAX {
            match &message {
                ToShard::Accepted(..) | ToShard::Signal(Signal::Typing { .. }) => return false,
                ToShard::Told(..) => forget_told(&mut queue),
                _ => {}
            }
        }
        queue.push(message);
        drop(queue);
        if was_empty {
            self.wake.notify_one();
        }
        true
    }

    /// Waits until there is something, then takes all of it into `into`, which is empty.
    pub(crate) async fn take(&self, into: &mut Vec<ToShard>) {
        while !self.try_take(into) {
            self.wake.notified().await;
        }
    }

    fn try_take(&self, into: &mut Vec<ToShard>) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *queue, into);
        !into.is_empty()
    }

    /// How much waits.
    pub(crate) fn len(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Forgets the transactions that wait. [`ToShard::Lost`] comes first: whose connection is taken after
/// it reads a snapshot that knows of them.
fn forget_told(queue: &mut Vec<ToShard>) {
    queue.retain(|message| !matches!(message, ToShard::Told(..) | ToShard::Lost));
    queue.insert(0, ToShard::Lost);
}

/// The inboxes of all shards of this node.
#[derive(Debug)]
pub(crate) struct Shards {
    inboxes: Vec<Arc<Inbox>>,
    connections: AtomicUsize,
}

impl Shards {
    pub(crate) fn new(count: u16) -> Self {
        Self {
            inboxes: (0..count).map(|_| Arc::default()).collect(),
            connections: AtomicUsize::new(0),
        }
    }

    /// Connections on all shards now, of HTTP and WebSocket.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Messages that wait in all inboxes.
    pub(crate) fn depth(&self) -> usize {
        self.inboxes.iter().map(|inbox| inbox.len()).sum()
    }

    pub(crate) fn inboxes(&self) -> &[Arc<Inbox>] {
        &self.inboxes
    }

    /// Tells every shard the same; how many refused it.
    pub(crate) fn publish(&self, message: &ToShard) -> u64 {
        let taken = self.inboxes.iter().filter(|inbox| match message {
            ToShard::Told(batch, since) => inbox.push(ToShard::Told(Arc::clone(batch), *since)),
            ToShard::Signal(signal) => inbox.push(ToShard::Signal(signal.clone())),
            &ToShard::Drain { return_within } => inbox.push(ToShard::Drain { return_within }),
            ToShard::Stop => inbox.push(ToShard::Stop),
            ToShard::Accepted(..) | ToShard::Lost => true,
        });
        (self.inboxes.len() - taken.count()) as u64
    }
}

#[cfg(test)]
mod tests {
    use chinwag_core::id::{RoomId, UserId};

    use super::*;

    #[test]
    fn a_shard_that_is_too_far_behind_is_told_so_instead() {
        let shards = Shards::new(2);
        let told = ToShard::Told(Arc::new([]), Instant::now());
        let (room, user) = (RoomId::new(1_800_000_000_000, 1), UserId::new(1_800_000_000_000, 2));
        let typing = ToShard::Signal(Signal::Typing { room, user, on: true });
        let online = ToShard::Signal(Signal::Presence { user, online: true });
        let mut came = Vec::new();
        for _ in 0..INBOX_MAX {
            assert_eq!(shards.publish(&told), 0);
        }
        assert!(shards.inboxes()[1].try_take(&mut came), "the second keeps up");
        assert_eq!(shards.publish(&typing), 1, "the first has no room for it");
        assert_eq!(shards.publish(&online), 0, "presence is counted, so none is dropped");
        shards.publish(&told);
        came.clear();
        assert!(shards.inboxes()[0].try_take(&mut came));
        let [first, second, third] = &came[..] else { panic!("{} wait", came.len()) };
        assert!(matches!(first, ToShard::Lost) && matches!(third, ToShard::Told(..)));
        assert!(matches!(second, ToShard::Signal(Signal::Presence { .. })));
    }
}
