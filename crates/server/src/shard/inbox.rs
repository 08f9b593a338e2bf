//! How the rest of the node speaks to the shards: one bounded-by-its-senders queue each, and one
//! wake-up however much was put in.

use std::net::IpAddr;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chinwag_core::event::Signal;
use chinwag_store::committed::Told;
use tokio::sync::Notify;

/// Which of the server's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Main,
    /// `/metrics` and nothing else.
    Metrics,
}

/// What a shard is told from outside.
#[derive(Debug)]
pub(crate) enum ToShard {
    /// A connection was accepted at a door.
    Accepted(Door, TcpStream, IpAddr),
    /// A transaction is on disk, since then.
    Told(Arc<[Told]>, Instant),
    Signal(Signal),
    /// Say goodbye to everyone; close when nothing is in flight any more.
    Drain,
    /// Close everything now.
    Stop,
}

/// One shard's queue. Its senders are bounded: sockets by the limit of connections, transactions by
/// the writer's pace and size, signals by each account's rate.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    queue: Mutex<Vec<ToShard>>,
    wake: Notify,
}

impl Inbox {
    pub(crate) fn push(&self, message: ToShard) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = queue.is_empty();
        queue.push(message);
        drop(queue);
        if was_empty {
            self.wake.notify_one();
        }
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

    /// Tells every shard the same.
    pub(crate) fn publish(&self, message: &ToShard) {
        for inbox in &self.inboxes {
            match message {
                ToShard::Told(batch, since) => {
                    inbox.push(ToShard::Told(Arc::clone(batch), *since));
                }
                ToShard::Signal(signal) => inbox.push(ToShard::Signal(signal.clone())),
                ToShard::Drain => inbox.push(ToShard::Drain),
                ToShard::Stop => inbox.push(ToShard::Stop),
                ToShard::Accepted(..) => {}
            }
        }
    }
}
