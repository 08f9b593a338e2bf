//! Ticks: how far all the others in a room have come.
//!
//! A member counts for a message only where they were there when it was said, and for reading only
//! while they let others know of it. Who comes in stands at their joining, so that nobody new holds
//! back what was said before; but they did not get it either, so a [`Reach`] begins only where a
//! second member was there.
//!
//! The smallest mark is taken over all who count, the asking one too. For one's own messages, the only
//! ones with ticks, that is the smallest of the *others*: who sends has got and read what they say.

use crate::access::RoomKind;
use crate::id::Seq;
use crate::limit::RECEIPT_MEMBERS_MAX;

/// Whether a room has ticks: among many they say nothing, and alone there is nobody to say them of.
#[must_use]
pub fn are_kept(kind: RoomKind, members: u64) -> bool {
    kind != RoomKind::SelfRoom && members <= RECEIPT_MEMBERS_MAX
}

/// How far one member has come, and since when they are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The first event of the membership.
    pub join: Seq,
    pub delivered: Seq,
    pub read: Seq,
    /// False where the member has switched read receipts off.
    pub shares_read: bool,
}

/// The messages that all the others have: from one `seq` to another, both within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reach {
    pub from: Seq,
    pub all: Seq,
}

impl Reach {
    #[must_use]
    pub fn covers(&self, seq: Seq) -> bool {
        (self.from..=self.all).contains(&seq)
    }
}

/// How far a room has come: what was delivered to all and what was read by all; none where that is
/// no message, since nobody else was there or lets it be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Receipts {
    pub delivered: Option<Reach>,
    pub read: Option<Reach>,
}

impl Receipts {
    /// Of the members that a room has now.
    #[must_use]
    pub fn of(members: impl IntoIterator<Item = Marks>) -> Self {
        let (mut delivered, mut read) = (Smallest::default(), Smallest::default());
        for marks in members {
            delivered.take(marks.join, marks.delivered);
            if marks.shares_read {
                read.take(marks.join, marks.read);
            }
        }
        Self { delivered: delivered.reach(), read: read.reach() }
    }

    /// What someone is told who has switched read receipts off: who gives none gets none.
    #[must_use]
    pub fn without_read(self) -> Self {
        Self { read: None, ..self }
    }
}

/// The two smallest joinings and the smallest mark of those taken.
#[derive(Debug, Default)]
struct Smallest {
    joins: [Option<Seq>; 2],
    mark: Option<Seq>,
}

impl Smallest {
    fn take(&mut self, join: Seq, mark: Seq) {
        self.mark = Some(self.mark.map_or(mark, |least| least.min(mark)));
        let [first, second] = &mut self.joins;
        match (*first, *second) {
            (None, _) => *first = Some(join),
            (Some(least), _) if join < least => (*first, *second) = (Some(join), Some(least)),
            (_, None) => *second = Some(join),
            (_, Some(next)) => *second = Some(next.min(join)),
        }
    }

    fn reach(&self) -> Option<Reach> {
        let (from, all) = (self.joins[1]?, self.mark?);
        (from <= all).then_some(Reach { from, all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(join: u64, delivered: u64, read: u64) -> Marks {
        let [join, delivered, read] = [join, delivered, read].map(Seq::new);
        Marks { join, delivered, read, shares_read: true }
    }

    fn reach(from: u64, all: u64) -> Option<Reach> {
        Some(Reach { from: Seq::new(from), all: Seq::new(all) })
    }

    #[test]
    fn it_is_as_far_as_the_last_of_them() {
        let receipts = Receipts::of([member(1, 9, 9), member(3, 8, 5), member(3, 7, 6)]);
        assert_eq!(receipts, Receipts { delivered: reach(3, 7), read: reach(3, 5) });
    }

    #[test]
    fn a_room_has_ticks_up_to_so_many_members() {
        assert!(are_kept(RoomKind::Channel, RECEIPT_MEMBERS_MAX));
        assert!(!are_kept(RoomKind::Channel, RECEIPT_MEMBERS_MAX + 1));
        assert!(!are_kept(RoomKind::SelfRoom, 1));
    }

    #[test]
    fn one_who_is_alone_has_no_ticks() {
        assert_eq!(Receipts::of([member(1, 9, 9)]), Receipts::default());
        assert_eq!(Receipts::of([]), Receipts::default());
    }

    #[test]
    fn a_newcomer_neither_holds_back_nor_stands_in_for_those_before() {
        let before = [member(1, 9, 9), member(3, 9, 4)];
        let with = Receipts::of(before.into_iter().chain([member(10, 10, 10)]));
        assert_eq!(with.read, reach(3, 4), "what was read stays read");
        let alone = Receipts::of([member(1, 12, 12), member(10, 12, 12)]);
        assert_eq!(alone.read, reach(10, 12), "nobody read what was said to nobody");
        assert!(!alone.read.is_some_and(|read| read.covers(Seq::new(9))));
    }

    #[test]
    fn who_keeps_reading_to_themselves_counts_for_delivery_alone() {
        let quiet = Marks { shares_read: false, ..member(3, 8, 8) };
        assert_eq!(
            Receipts::of([member(1, 9, 9), quiet]),
            Receipts { delivered: reach(3, 8), read: None }
        );
        let three = Receipts::of([member(1, 9, 9), quiet, member(3, 9, 6)]);
        assert_eq!(three.read, reach(3, 6));
        assert_eq!(three.without_read().read, None);
    }

    #[test]
    fn nothing_is_covered_before_the_second_came_that_far() {
        assert_eq!(Receipts::of([member(1, 4, 4), member(6, 6, 6)]).delivered, None);
    }
}
