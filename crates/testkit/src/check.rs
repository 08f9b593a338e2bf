//! The judge: whether what a ledger and the histories tell keeps every promise.
//!
//! It shares nothing with the server but the types of the wire and the log. It is given the ledger, the
//! log as it lies in the store, what each member is shown by the API, and what each client shows; every
//! suite that moves messages ends here. A violation names the promise and the evidence.

mod received;
mod shown;
mod stored;
mod ticks;

use std::collections::BTreeMap;
use std::fmt;

use chinwag_core::access::{History, RoomKind};
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_core::receipt::Receipts;

use crate::ledger::{DeviceId, Entry, Ledger, text_hash};

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// What was answered as done is in the log.
    Durable,
    /// What is in the log was asked for, by one who might, and was not refused.
    NoPhantom,
    /// `seq` and `n` count 1, 2, 3 …
    Dense,
    /// All see the same event under the same number.
    OneOrder,
    /// No event is applied twice, or sent twice without being asked for.
    ExactlyOnce,
    /// No event is left out, and at the end everyone has all.
    NoGap,
    /// Nobody is told what is not theirs to see.
    NoLeak,
    /// What one device said in one room keeps its order.
    SenderOrder,
    /// What a client shows of a room never goes back.
    Monotone,
    /// The same key is done once; with another body it is refused.
    Idempotent,
    /// Counts and read marks are what a recount gives.
    Unread,
    /// What was erased is gone everywhere.
    Erased,
    /// Ticks say no more than what was received and read, and at the end all of it.
    Ticks,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub promise: Promise,
    /// Who, where and what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.what)
    }
}

/// What is true at the end, besides the ledger.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The log of every room, as it lies in the store.
    pub store: Vec<RoomHistory>,
    /// What the API shows each user. Users without rooms are in it too.
    pub members: Vec<MemberView>,
    /// What each client that is online shows.
    pub devices: Vec<DeviceView>,
    /// Those who have switched read receipts off from the beginning.
    pub quiet: Vec<UserId>,
}

/// The whole log of a room.
#[derive(Debug, Clone)]
pub struct RoomHistory {
    pub room: RoomId,
    pub kind: RoomKind,
    pub history: History,
    /// As the room's row has it.
    pub head: Seq,
    /// Ascending, in their current form.
    pub events: Vec<Event>,
}

#[derive(Debug, Clone)]
pub struct MemberView {
    pub user: UserId,
    pub rooms: Vec<RoomView>,
}

#[derive(Debug, Clone)]
pub struct DeviceView {
    pub device: DeviceId,
    /// Of a device `head_seq` is its cursor.
    pub rooms: Vec<RoomView>,
}

/// A room as somebody is shown it.
#[derive(Debug, Clone)]
pub struct RoomView {
    pub room: RoomId,
    pub head_seq: Seq,
    pub n: u64,
    pub read_seq: Seq,
    pub read_n: u64,
    /// How far all the others have come, where the suite waits for it.
    pub receipts: Option<Receipts>,
    /// From where on `timeline` is whole.
    pub from: Seq,
    /// Messages and notices, ascending.
    pub timeline: Vec<Line>,
}

/// One event as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub seq: Seq,
    pub key: Option<Key>,
    /// [`text_hash`] of its text; none where it has none or was erased.
    pub hash: Option<u64>,
}

/// Judges. Empty where every promise was kept.
#[must_use]
pub fn check(ledger: &Ledger, evidence: &Evidence) -> Vec<Violation> {
    let facts = Facts::new(ledger, evidence);
    let mut found = Vec::new();
    stored::check(&facts, &mut found);
    received::check(&facts, &mut found);
    shown::check(&facts, &mut found);
    ticks::check(&facts, &mut found);
    found
}

/// The time that someone was a member: from the joining event on, up to the leaving event, which is not
/// seen.
#[derive(Debug, Clone, Copy)]
struct Interval {
    joined: Seq,
    left: Option<Seq>,
}

/// A posting as the ledger tells it.
#[derive(Debug, Clone, Copy)]
struct Posting {
    device: DeviceId,
    hash: u64,
    /// The records of the first and of the last asking.
    first: usize,
    last: usize,
}

/// The evidence, in the order in which it is looked up.
struct Facts<'a> {
    ledger: &'a Ledger,
    evidence: &'a Evidence,
    rooms: BTreeMap<RoomId, &'a RoomHistory>,
    intervals: BTreeMap<(RoomId, UserId), Vec<Interval>>,
    postings: BTreeMap<(RoomId, UserId, Key), Posting>,
}

impl<'a> Facts<'a> {
    fn new(ledger: &'a Ledger, evidence: &'a Evidence) -> Self {
        Self {
            ledger,
            evidence,
            rooms: evidence.store.iter().map(|room| (room.room, room)).collect(),
            intervals: intervals(&evidence.store),
            postings: postings(ledger),
        }
    }

    /// The stored event of this number.
    fn event(&self, room: RoomId, seq: Seq) -> Option<&'a Event> {
        let events = &self.rooms.get(&room)?.events;
        let place = events.binary_search_by_key(&seq, |event| event.seq).ok()?;
        Some(&events[place])
    }

    fn intervals(&self, room: RoomId, user: UserId) -> &[Interval] {
        self.intervals.get(&(room, user)).map_or(&[], Vec::as_slice)
    }

    /// True where the user was a member when the event of this number happened.
    fn was_member(&self, room: RoomId, user: UserId, seq: Seq) -> bool {
        let within = |interval: &Interval| {
            interval.joined <= seq && interval.left.is_none_or(|left| seq < left)
        };
        room.is_self_of(user) || self.intervals(room, user).iter().any(within)
    }

    /// The interval that is open at the end.
    fn is_member(&self, room: RoomId, user: UserId) -> Option<Seq> {
        if room.is_self_of(user) {
            return Some(Seq::ZERO);
        }
        let last = self.intervals(room, user).last()?;
        last.left.is_none().then_some(last.joined)
    }

    /// True where the user might ever be told of this event.
    fn may_see(&self, room: RoomId, user: UserId, seq: Seq) -> bool {
        let all = self.rooms.get(&room).is_some_and(|room| room.history == History::All);
        let before_left = |interval: &Interval| interval.left.is_none_or(|left| seq < left);
        self.was_member(room, user, seq)
            || (all && self.intervals(room, user).iter().any(before_left))
    }
}

/// The text's hash of a stored message, if it has a body.
fn stored_hash(event: &Event) -> Option<u64> {
    if event.kind != EventKind::Message {
        return None;
    }
    let body: serde_json::Value = serde_json::from_str(event.body.as_deref()?).ok()?;
    Some(text_hash(body.get("text")?.as_str()?))
}

/// True where the event is the joining of who founded the room, and who sees the founding too: the
/// second event, by who made the first.
fn is_founder(store: &[RoomHistory], joined: &Event) -> bool {
    let room = store.iter().find(|room| room.room == joined.room);
    let first = room.and_then(|room| room.events.first());
    let founded = |first: &Event| first.kind == EventKind::RoomCreated && first.from == joined.from;
    joined.seq == Seq::new(2)
        && joined.kind == EventKind::MemberJoined { user: joined.from }
        && first.is_some_and(founded)
}

fn intervals(store: &[RoomHistory]) -> BTreeMap<(RoomId, UserId), Vec<Interval>> {
    let mut all: BTreeMap<(RoomId, UserId), Vec<Interval>> = BTreeMap::new();
    for event in store.iter().flat_map(|room| &room.events) {
        match event.kind {
            EventKind::MemberJoined { user } => {
                let joined = if is_founder(store, event) { Seq::ZERO.next() } else { event.seq };
                let interval = Interval { joined, left: None };
                all.entry((event.room, user)).or_default().push(interval);
            }
            EventKind::MemberLeft { user } => {
                if let Some(last) = all.get_mut(&(event.room, user)).and_then(|of| of.last_mut()) {
                    last.left = last.left.or(Some(event.seq));
                }
            }
            _ => {}
        }
    }
    all
}

fn postings(ledger: &Ledger) -> BTreeMap<(RoomId, UserId, Key), Posting> {
    let mut all: BTreeMap<(RoomId, UserId, Key), Posting> = BTreeMap::new();
    for (place, record) in ledger.records().iter().enumerate() {
        if let Entry::Asked { room, key, hash } = record.entry {
            let device = record.device;
            let posting = Posting { device, hash, first: place, last: place };
            all.entry((room, device.user, key)).or_insert(posting).last = place;
        }
    }
    all
}
