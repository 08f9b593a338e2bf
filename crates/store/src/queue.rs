//! A bounded queue between threads: a lock around plain data, and a wake only for one who waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Work that waits, at most `max` pieces of it.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    depth: AtomicUsize,
    max: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// Takers that sleep and that nobody has woken yet.
    waiting: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(max: usize) -> Self {
        let state = State { items: VecDeque::new(), waiting: 0, closed: false };
        Self { state: Mutex::new(state), ready: Condvar::new(), depth: AtomicUsize::new(0), max }
    }

    /// Adds a piece of work and wakes one who waits for some, or gives it back where the queue is
    /// full or closed. Never waits.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        self.add(item)?;
        self.wake();
        Ok(())
    }

    /// Adds a piece of work of several; [`Queue::wake`] follows the last.
    pub(crate) fn add(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed || state.items.len() >= self.max {
            return Err(item);
        }
        state.items.push_back(item);
        self.depth.store(state.items.len(), Ordering::Relaxed);
        Ok(())
    }

    /// Wakes one who waits, if there is work.
    pub(crate) fn wake(&self) {
        if self.depth() == 0 {
            return;
        }
        let mut state = self.lock();
        let wake = state.waiting > 0 && !state.items.is_empty();
        state.waiting -= usize::from(wake);
        drop(state);
        if wake {
            self.ready.notify_one();
        }
    }

    /// Waits for work and takes one piece; none once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.wait(None);
        let item = state.items.pop_front();
        self.depth.store(state.items.len(), Ordering::Relaxed);
        item
    }

    /// Waits for work, at most for `patience`, and moves all there is, at most `max` pieces, into
    /// `into`; false once the queue is closed and empty.
    pub(crate) fn take_many(
        &self,
        into: &mut Vec<T>,
        max: usize,
        patience: Option<Duration>,
    ) -> bool {
        let mut state = self.wait(patience);
        let count = state.items.len().min(max);
        into.extend(state.items.drain(..count));
        self.depth.store(state.items.len(), Ordering::Relaxed);
        count > 0 || !state.closed
    }

    /// Takes no more; what is queued is still given out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    fn wait(&self, patience: Option<Duration>) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        if let Some(patience) = patience {
            return self.wait_within(state, patience);
        }
        while state.items.is_empty() && !state.closed {
            state.waiting += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Only where there is one taker: one whose time is over does not know whether it was counted as
    /// woken.
    fn wait_within<'q>(
        &'q self,
        mut state: MutexGuard<'q, State<T>>,
        patience: Duration,
    ) -> MutexGuard<'q, State<T>> {
        let until = Instant::now() + patience;
        while state.items.is_empty() && !state.closed {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            state.waiting = 1;
            let woken = self.ready.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting = 0;
        }
        state
    }

    /// Nothing in here panics half-way through a change, so a poisoned lock guards good data.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_full_queue_gives_back() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(3)));
        assert_eq!(queue.depth(), 2);
        assert_eq!(queue.take(), Some(1));
        assert_eq!(queue.push(3), Ok(()));
    }

    #[test]
    fn a_closed_queue_still_gives_out_what_it_has() {
        let queue = Queue::new(8);
        assert_eq!(queue.push(1), Ok(()));
        queue.close();
        assert_eq!(queue.push(2), Err(2));
        let mut taken = Vec::new();
        assert!(queue.take_many(&mut taken, 8, None) && !queue.take_many(&mut taken, 8, None));
        assert_eq!(taken, [1]);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn one_whose_patience_is_over_goes_on_without() {
        let queue = Queue::new(8);
        let mut taken = Vec::new();
        assert!(queue.take_many(&mut taken, 8, Some(Duration::ZERO)), "it is open");
        assert_eq!(queue.push(1), Ok(()));
        assert!(queue.take_many(&mut taken, 8, Some(Duration::MAX / 4)));
        assert_eq!(taken, [1]);
        queue.close();
        assert!(!queue.take_many(&mut taken, 8, Some(Duration::ZERO)));
    }

    #[test]
    fn every_piece_reaches_one_of_several_takers() {
        let queue = Arc::new(Queue::new(10_000));
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || std::iter::from_fn(|| queue.take()).sum::<u64>())
            })
            .collect();
        for number in 1..=1_000 {
            assert_eq!(queue.push(number), Ok(()));
        }
        queue.close();
        let sum: u64 = takers.into_iter().map(|t| t.join().expect("no taker panics")).sum();
        assert_eq!(sum, 500_500);
    }
}
