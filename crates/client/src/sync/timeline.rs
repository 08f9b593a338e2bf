//! What is known of a room's timeline: the messages and notices, and between which of them nothing
//! is missing.

use std::collections::BTreeMap;

use chinwag_proto::frame::Event;
use chinwag_proto::id::Seq;
use chinwag_proto::rest::Messages;

/// Events of one room that are kept: some hundred screens. Beyond it the oldest go and are asked
/// for again when somebody scrolls there.
pub const TIMELINE_EVENTS_MAX: usize = 10_000;

/// Which page of a timeline was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAt {
    Newest,
    /// Exclusive.
    Before(Seq),
    /// Exclusive.
    After(Seq),
    Around(Seq),
}

/// The page is older than what is known: ask for it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page is older than what is known: ask for it again")]
pub struct Stale;

/// The events of a room that are shown, and the stretches of the log that they were taken from.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    events: BTreeMap<Seq, Event>,
    /// Stretches of the log, first and last `seq`, ascending, none touching another: every event of
    /// the timeline in them is in `events`.
    known: Vec<(Seq, Seq)>,
    /// The last change that was applied while its message was not known, or where the room began. A page
    /// from before it may still show the message unchanged, and be of an earlier membership.
    changed: Seq,
}

impl Timeline {
    /// One of which nothing is known, of a room that begins at `cursor`.
    pub(super) fn begin(cursor: Seq) -> Self {
        Self { changed: cursor, ..Self::default() }
    }

    /// The newest stretch without a hole, ascending.
    pub fn newest(&self) -> impl DoubleEndedIterator<Item = &Event> {
        let &(first, last) = self.known.last().unwrap_or(&(Seq::MAX, Seq::MAX));
        self.events.range(first..=last).map(|(_, event)| event)
    }

    /// One event, if it is known.
    #[must_use]
    pub fn event(&self, seq: Seq) -> Option<&Event> {
        self.events.get(&seq)
    }

    /// From where on, without a hole, the timeline is known; what lies before must be asked for.
    #[must_use]
    pub fn known_from(&self) -> Option<Seq> {
        self.known.last().map(|&(first, _)| first)
    }

    /// The `n` of the newest message at or before `seq`, if no message before it can be missing.
    #[must_use]
    pub fn n_at(&self, seq: Seq) -> Option<u64> {
        let &(first, last) = self.known.last()?;
        if seq < first || seq > last {
            return None;
        }
        self.events.range(first..=seq).rev().find_map(|(_, event)| event.n)
    }

    /// Takes an event of the log whose predecessor was taken.
    pub(super) fn append(&mut self, event: &Event) {
        if let Some(target) = deletion_target(event) {
            self.erase(target, event.seq);
        }
        if in_timeline(&event.kind) {
            self.insert(event.clone());
        }
        self.learn(event.seq, event.seq);
        self.trim();
    }

    /// Takes a page that was asked for `at`, with at most `limit` messages.
    pub(super) fn merge(&mut self, at: PageAt, limit: usize, page: Messages) -> Result<(), Stale> {
        if page.head_seq < self.changed {
            return Err(Stale);
        }
        if let Some((first, last)) = covered(at, limit, &page) {
            self.learn(first, last);
        }
        for event in page.messages {
            self.insert(event);
        }
        Ok(())
    }

    /// Keeps the form of the higher version: a page or a replay may be behind the log.
    fn insert(&mut self, event: Event) {
        let known = self.events.get(&event.seq);
        if known.is_none_or(|known| version(known) <= version(&event)) {
            self.events.insert(event.seq, event);
        }
    }

    fn erase(&mut self, target: Seq, by: Seq) {
        match self.events.get_mut(&target) {
            Some(event) => erase(event, by),
            None => self.changed = by,
        }
    }

    fn learn(&mut self, first: Seq, last: Seq) {
        if let Some((_, end)) = self.known.last_mut()
            && end.next() == first
        {
            *end = last;
            return;
        }
        let touches = |&(from, to): &(Seq, Seq)| from <= last.next() && first <= to.next();
        let (mut whole, mut apart) = ((first, last), Vec::new());
        for stretch in self.known.drain(..) {
            if touches(&stretch) {
                whole = (whole.0.min(stretch.0), whole.1.max(stretch.1));
            } else {
                apart.push(stretch);
            }
        }
        apart.push(whole);
        apart.sort_unstable();
        self.known = apart;
    }

    fn trim(&mut self) {
        while self.events.len() > TIMELINE_EVENTS_MAX {
            let Some((gone, _)) = self.events.pop_first() else {
                return;
            };
            self.known.retain(|&(_, last)| last > gone);
            if let Some((first, _)) = self.known.first_mut() {
                *first = (*first).max(gone.next());
            }
        }
    }
}

/// The version of an event: the last change to it, else itself.
fn version(event: &Event) -> Seq {
    event.rev.unwrap_or(event.seq)
}

/// Erases an event's body, unless it is of a later version already.
pub(super) fn erase(event: &mut Event, by: Seq) {
    if version(event) < by {
        event.body = None;
        event.rev = Some(by);
    }
}

/// True where `event` is the newer one of the two, or the newer form of the same.
pub(super) fn is_newer(event: &Event, than: &Event) -> bool {
    (event.seq, version(event)) > (than.seq, version(than))
}

/// The message that a deletion erases.
pub(super) fn deletion_target(event: &Event) -> Option<Seq> {
    if event.kind != "deletion" {
        return None;
    }
    event.body.as_ref()?.get("target")?.as_u64().map(Seq::new)
}

/// True for the kinds that are shown. Kinds of a later version are not: only their `seq` counts.
pub(super) fn in_timeline(kind: &str) -> bool {
    matches!(
        kind,
        "message"
            | "room_created"
            | "room_updated"
            | "member_joined"
            | "member_left"
            | "member_role"
    )
}

/// The stretch of the log that a page tells all about.
fn covered(at: PageAt, limit: usize, page: &Messages) -> Option<(Seq, Seq)> {
    let full = page.messages.len() >= limit;
    let first = page.messages.first().map(|event| event.seq);
    let last = page.messages.last().map(|event| event.seq);
    let from_start = first.filter(|_| full).unwrap_or(Seq::new(1));
    let to_end = last.filter(|_| full).unwrap_or(page.head_seq);
    let (from, to) = match at {
        PageAt::Newest => (from_start, page.head_seq),
        PageAt::Before(seq) => (from_start, Seq::new(seq.get().saturating_sub(1))),
        PageAt::After(seq) => (seq.next(), to_end),
        PageAt::Around(_) => (first?, last?),
    };
    (from <= to).then_some((from, to))
}
