//! The ledger of a run as it is written, its clock and its chance, and a way to wait for what happens.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag_core::id::Key;
use chinwag_proto::frame::Event;
use chinwag_testkit::ledger::{DeviceId, Entry, Ledger};
use chinwag_testkit::random::Random;
use tokio::sync::Notify;
use tokio::time::timeout_at;

/// What is waited for and has not come by then never comes.
const WITHIN: Duration = Duration::from_secs(60);

/// What the drivers of one run share.
pub(crate) struct Journal {
    ledger: RefCell<Ledger>,
    random: RefCell<Random>,
    changed: Notify,
    /// Commands that were answered with success.
    pub(crate) done: Cell<u64>,
    /// Commands that had no answer when their connection ended.
    pub(crate) unknown: Cell<u64>,
    /// Requests that were answered with `unavailable`: nobody knows what became of them.
    pub(crate) unavailable: Cell<u64>,
    /// Requests that turned out to have been done at an earlier try.
    pub(crate) repeated: Cell<u64>,
    /// Connections that were opened.
    pub(crate) connections: Cell<u64>,
    /// Connections that were told that the server leaves.
    pub(crate) drains: Cell<u64>,
    pub(crate) requests: Requests,
    /// From the end of a connection to the `ready` of the next.
    returns: RefCell<Vec<Duration>>,
}

/// The requests over REST.
#[derive(Default)]
pub(crate) struct Requests {
    /// Their connection ended without an answer.
    unanswered: Cell<u64>,
}

impl Requests {
    /// One that was sent, if not to its end, has come to its end.
    pub(crate) fn ended(&self, is_answered: bool) {
        if !is_answered {
            count(&self.unanswered);
        }
    }

    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.get()
    }
}

impl Journal {
    pub(crate) fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            ledger: RefCell::default(),
            random: RefCell::new(Random::new(seed)),
            changed: Notify::new(),
            done: Cell::new(0),
            unknown: Cell::new(0),
            unavailable: Cell::new(0),
            repeated: Cell::new(0),
            connections: Cell::new(0),
            drains: Cell::new(0),
            requests: Requests::default(),
            returns: RefCell::default(),
        })
    }

    pub(crate) fn note(&self, device: DeviceId, entry: Entry) {
        self.ledger.borrow_mut().write(self.now_ms(), device, entry);
    }

    pub(crate) fn note_received(&self, device: DeviceId, event: &Event) {
        self.ledger.borrow_mut().write_received(self.now_ms(), device, event);
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.borrow().clone()
    }

    /// Draws with the run's seed.
    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.random.borrow_mut())
    }

    pub(crate) fn key(&self) -> Key {
        let random =
            self.draw(|random| u128::from(random.draw()) << 64 | u128::from(random.draw()));
        Key::new(unix_ms(), random)
    }

    pub(crate) fn returned(&self, after: Duration) {
        self.returns.borrow_mut().push(after);
    }

    /// Within what time so many of a hundred came back, of those since this was asked last.
    pub(crate) fn returned_within(&self, of_a_hundred: usize) -> Duration {
        let mut returns = self.returns.take();
        returns.sort_unstable();
        let last = returns.len().saturating_sub(1);
        returns.get(last * of_a_hundred / 100).copied().unwrap_or_default()
    }

    /// Wakes those who wait in [`Journal::until`].
    pub(crate) fn changed(&self) {
        self.changed.notify_waiters();
    }

    /// Waits until it is true, looking whenever something has changed.
    pub(crate) async fn until(&self, what: &str, mut is_true: impl FnMut() -> bool) {
        let deadline = tokio::time::Instant::now() + WITHIN;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_true() {
                return;
            }
            let came = timeout_at(deadline, changed).await;
            assert!(came.is_ok(), "it never came to this: {what}");
        }
    }

    /// By the clock that the server writes into its events.
    fn now_ms(&self) -> u64 {
        unix_ms()
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    now.as_millis() as u64
}

/// Adds one.
pub(crate) fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}
