//! One order for all: the checker of deliveries.
//!
//! Who sees a message first decides its place in the room's order; everybody else must see the same
//! at that place. So each member gets each message once, in one order, with none missing.
//!
//! A peer may promise less: each sender's own order ([`Promise::EachSender`]). It is held to that.

use std::collections::VecDeque;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// What must not happen, counted in deliveries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// In another order than others saw, or than their sender sent them.
    pub(crate) reordered: u64,
    /// Never sent, or not to this member.
    pub(crate) phantom: u64,
}

impl Faults {
    pub(crate) fn total(self) -> u64 {
        self.lost + self.doubled + self.reordered + self.phantom
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, more: Self) {
        self.lost += more.lost;
        self.doubled += more.doubled;
        self.reordered += more.reordered;
        self.phantom += more.phantom;
    }
}

/// What a delivery was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right {
        due_ns: u64,
        /// It was the last that was missing.
        everybody: bool,
        /// It does not stand before an earlier one of the same sender.
        own_order: bool,
    },
    Wrong(Faults),
}

/// Which order a server promises.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// One, which all members of a room see.
    #[default]
    OneForAll,
    /// A sender's messages in the order in which they were sent; members may see two senders differently.
    EachSender,
}

/// How far a member has come in a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Which of the room's members.
    pub(super) member: u32,
    /// The next place in the room's order that it has not seen.
    pub(super) position: u64,
}

/// A room's messages that are under way.
#[derive(Debug, Default)]
pub(super) struct Room {
    promise: Promise,
    /// What the server calls it.
    pub(super) name: String,
    /// Connections that are in it.
    pub(super) members: Vec<usize>,
    /// Messages by number, less those that everybody has.
    sent: VecDeque<Sent>,
    sent_first: u32,
    /// Numbers in the order that was seen, less those that everybody has.
    order: VecDeque<u32>,
    order_first: u64,
    /// By sender, one more than the last of its numbers in the order.
    ordered_of_sender: Vec<u32>,
}

#[derive(Debug)]
struct Sent {
    due_ns: u64,
    /// Members who do not have it.
    missing: u32,
    ordered: bool,
    /// The server said that nothing came of it.
    refused: bool,
    /// A bit for each member who has it, where there is no order to tell.
    had: Vec<u64>,
}

impl Sent {
    fn has(&self, member: u32) -> bool {
        self.had[member as usize / 64] >> (member % 64) & 1 == 1
    }
}

impl Room {
    pub(super) fn new(name: String, promise: Promise) -> Self {
        Self { name, promise, ..Self::default() }
    }

    /// Notes one more message, and gives its number.
    pub(super) fn send(&mut self, due_ns: u64) -> u32 {
        let missing = self.members.len() as u32;
        let words = match self.promise {
            Promise::OneForAll => 0,
            Promise::EachSender => self.members.len().div_ceil(64),
        };
        self.sent.push_back(Sent {
            due_ns,
            missing,
            ordered: false,
            refused: false,
            had: vec![0; words],
        });
        self.sent_first + self.sent.len() as u32 - 1
    }

    /// The connection that sends this message: members take turns.
    pub(super) fn sender(&self, number: u32) -> usize {
        self.members[number as usize % self.members.len()]
    }

    /// When a message was due; none once everybody has it.
    pub(super) fn due_ns(&self, number: u32) -> Option<u64> {
        let at = number.checked_sub(self.sent_first)?;
        self.sent.get(at as usize).map(|sent| sent.due_ns)
    }

    /// The server refused a message, so nobody may get it. False where somebody has.
    pub(super) fn refuse(&mut self, number: u32) -> bool {
        let at = number.checked_sub(self.sent_first).map(|at| at as usize);
        let Some(sent) = at.and_then(|at| self.sent.get_mut(at)) else {
            return false;
        };
        let nobody = sent.missing as usize == self.members.len();
        (sent.refused, sent.missing) = (true, 0);
        self.forget_sent();
        nobody
    }

    /// Judges the delivery of a message to a member who has come so far.
    pub(super) fn delivered(&mut self, number: u32, seen: &mut Seen) -> Verdict {
        match self.promise {
            Promise::OneForAll => self.next_in_order(number, &mut seen.position),
            Promise::EachSender => self.next_of_sender(number, seen.member),
        }
    }

    fn next_of_sender(&mut self, number: u32, member: u32) -> Verdict {
        let Some(at) = number.checked_sub(self.sent_first).map(|at| at as usize) else {
            return doubled();
        };
        let Some(sent) = self.sent.get_mut(at).filter(|sent| !sent.refused) else {
            return phantom();
        };
        if sent.has(member) {
            return doubled();
        }
        sent.had[member as usize / 64] |= 1 << (member % 64);
        sent.missing -= 1;
        let (due_ns, everybody) = (sent.due_ns, sent.missing == 0);
        let before = at.checked_sub(self.members.len()).and_then(|at| self.sent.get(at));
        let own_order = before.is_none_or(|sent| sent.has(member));
        self.forget_sent();
        Verdict::Right { due_ns, everybody, own_order }
    }

    fn next_in_order(&mut self, number: u32, position: &mut u64) -> Verdict {
        let Some(at) = number.checked_sub(self.sent_first) else {
            return doubled();
        };
        let Some(sent) = self.sent.get_mut(at as usize).filter(|sent| !sent.refused) else {
            return phantom();
        };
        let place = (*position - self.order_first) as usize;
        let mut own_order = true;
        match self.order.get(place) {
            Some(&expected) if expected == number => {}
            Some(_) => return self.out_of_place(number, place, position),
            None if sent.ordered => return doubled(),
            None => {
                sent.ordered = true;
                self.order.push_back(number);
                own_order = self.note_own_order(number);
            }
        }
        *position += 1;
        let sent = &mut self.sent[at as usize];
        sent.missing -= 1;
        let (due_ns, everybody) = (sent.due_ns, sent.missing == 0);
        if everybody {
            self.forget_finished();
        }
        Verdict::Right { due_ns, everybody, own_order }
    }

    fn note_own_order(&mut self, number: u32) -> bool {
        self.ordered_of_sender.resize(self.members.len(), 0);
        let last = &mut self.ordered_of_sender[number as usize % self.members.len()];
        let own_order = *last <= number;
        *last = number + 1;
        own_order
    }

    fn out_of_place(&self, number: u32, place: usize, position: &mut u64) -> Verdict {
        match self.order.iter().position(|&ordered| ordered == number) {
            Some(earlier) if earlier < place => doubled(),
            Some(later) => {
                let lost = (later - place) as u64;
                *position += lost + 1;
                Verdict::Wrong(Faults { lost, ..Faults::default() })
            }
            None => Verdict::Wrong(Faults { reordered: 1, ..Faults::default() }),
        }
    }

    fn forget_finished(&mut self) {
        while let Some(&number) = self.order.front() {
            let finished = number
                .checked_sub(self.sent_first)
                .is_none_or(|at| self.sent[at as usize].missing == 0);
            if !finished {
                break;
            }
            self.order.pop_front();
            self.order_first += 1;
            self.forget_sent();
        }
    }

    fn forget_sent(&mut self) {
        while self.sent.front().is_some_and(|sent| sent.missing == 0) {
            self.sent.pop_front();
            self.sent_first += 1;
        }
    }

    /// Deliveries that never came. Forgets them, so that the next phase begins clean.
    pub(super) fn give_up(&mut self) -> u64 {
        let missing = self.sent.iter().map(|sent| u64::from(sent.missing)).sum();
        self.sent_first += self.sent.len() as u32;
        self.sent.clear();
        self.order_first += self.order.len() as u64;
        self.order.clear();
        missing
    }

    /// Where a member stands who has everything.
    pub(super) fn position(&self) -> u64 {
        self.order_first + self.order.len() as u64
    }
}

fn phantom() -> Verdict {
    Verdict::Wrong(Faults { phantom: 1, ..Faults::default() })
}

fn doubled() -> Verdict {
    Verdict::Wrong(Faults { doubled: 1, ..Faults::default() })
}

#[cfg(test)]
mod tests {
    use super::{Faults, Promise, Room, Seen, Verdict};

    /// Three members; the messages 0 to 3 are sent. Each step is a member and what it gets.
    fn check(steps: &[(usize, u32)], expected: Faults) {
        check_promise(Promise::OneForAll, steps, expected);
    }

    fn check_promise(promise: Promise, steps: &[(usize, u32)], expected: Faults) {
        let mut room = Room::new("room".to_owned(), promise);
        room.members = vec![0, 1, 2];
        for _ in 0..4 {
            room.send(7);
        }
        let mut seen = [0, 1, 2].map(|member| Seen { member, position: 0 });
        let mut faults = Faults::default();
        for &(member, number) in steps {
            match room.delivered(number, &mut seen[member]) {
                Verdict::Right { own_order, .. } => faults.reordered += u64::from(!own_order),
                Verdict::Wrong(wrong) => faults += wrong,
            }
        }
        assert_eq!(faults, expected, "{steps:?}");
    }

    #[test]
    fn one_order_for_all_is_right_whichever_it_is() {
        check(&[(0, 1), (0, 0), (1, 1), (2, 1), (1, 0), (2, 0), (0, 2)], Faults::default());
    }

    #[test]
    fn a_second_time_is_doubled_also_when_everybody_had_it() {
        check(&[(0, 0), (0, 0)], Faults { doubled: 1, ..Faults::default() });
        check(&[(0, 0), (1, 0), (2, 0), (1, 0)], Faults { doubled: 1, ..Faults::default() });
    }

    #[test]
    fn what_others_saw_before_is_lost() {
        check(&[(0, 0), (0, 1), (0, 2), (1, 2)], Faults { lost: 2, ..Faults::default() });
    }

    #[test]
    fn another_order_than_others_saw_is_a_fault() {
        check(&[(0, 0), (0, 1), (1, 2)], Faults { reordered: 1, ..Faults::default() });
        check(
            &[(0, 0), (0, 1), (1, 1), (1, 0)],
            Faults { lost: 1, doubled: 1, ..Faults::default() },
        );
    }

    #[test]
    fn a_sender_is_seen_in_its_own_order() {
        check(&[(0, 3), (0, 0)], Faults { reordered: 1, ..Faults::default() });
    }

    #[test]
    fn what_was_refused_may_reach_nobody() {
        let mut room = Room::new("room".to_owned(), Promise::OneForAll);
        room.members = vec![0, 1];
        let mut seen = Seen { member: 0, position: 0 };
        let numbers = [room.send(0), room.send(0), room.send(0)];
        assert!(room.refuse(numbers[1]));
        assert!(matches!(room.delivered(numbers[0], &mut seen), Verdict::Right { .. }));
        assert_eq!(room.delivered(numbers[1], &mut seen), super::phantom());
        assert!(matches!(room.delivered(numbers[2], &mut seen), Verdict::Right { .. }));
        assert!(!room.refuse(numbers[2]), "somebody has it");
    }

    #[test]
    fn what_was_never_sent_is_a_phantom() {
        check(&[(0, 4)], Faults { phantom: 1, ..Faults::default() });
    }

    #[test]
    fn where_each_sender_has_an_order_of_its_own_two_may_be_seen_differently() {
        let check = |steps: &[_], faults| check_promise(Promise::EachSender, steps, faults);
        let right = [(0, 1), (0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (0, 3), (0, 2)];
        check(&right, Faults::default());
        check(&[(0, 3), (0, 0)], Faults { reordered: 1, ..Faults::default() });
        check(&[(0, 1), (0, 1)], Faults { doubled: 1, ..Faults::default() });
        check(&[(0, 0), (1, 0), (2, 0), (1, 0)], Faults { doubled: 1, ..Faults::default() });
        check(&[(0, 4)], Faults { phantom: 1, ..Faults::default() });
    }

    #[test]
    fn giving_up_counts_what_never_came_and_begins_anew() {
        let mut room = Room::new("room".to_owned(), Promise::OneForAll);
        room.members = vec![0, 1];
        let (first, mut seen) = (room.send(0), Seen { member: 0, position: 0 });
        assert!(matches!(
            room.delivered(first, &mut seen),
            Verdict::Right { everybody: false, .. }
        ));
        assert_eq!(room.give_up(), 1);
        seen.position = room.position();
        let second = room.send(0);
        assert!(matches!(room.delivered(second, &mut seen), Verdict::Right { .. }));
    }
}
