//! The writers: what queued while the last commit ran is the next group, one group at a time over all
//! nodes, as the locks of one database would have it. A commit can roll back, or come through
//! without its node knowing.

use std::rc::Rc;
use std::sync::Arc;

use chinwag_core::event::{ConnId, Event, Origin};
use chinwag_core::id::{Key, UserId};
use chinwag_core::outbox::Class;
use chinwag_proto::code::ErrorCode;

use super::bug::Bug;
use super::model::{Asker, Command, Model, Outcome};
use super::node::{refusal, reply};
use super::{Happening, World};

/// Commands that wait for one writer; beyond it they are refused as busy.
const QUEUE_MAX: usize = 24;

/// Where an outcome goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Socket { link: usize, reference: u64 },
    Caller { call: usize, attempt: u32 },
}

/// A change that waits for its writer.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    user: UserId,
    key: Key,
    command: Command,
    answer: Answer,
    was_allowed: bool,
}

impl Submission {
    pub(super) fn new(user: UserId, key: Key, command: Command, answer: Answer) -> Self {
        Self { user, key, command, answer, was_allowed: false }
    }
}

/// A transaction that has begun.
#[derive(Debug)]
pub(super) struct Commit {
    number: u64,
    node: usize,
    batch: Vec<Submission>,
    /// Only with a planted mistake: what was said before it was true, and what to go back to.
    early: Option<(Box<Model>, Vec<Done>)>,
}

type Done = (Outcome, Vec<Arc<Event>>);

impl World {
    pub(super) fn submit(&mut self, node: usize, mut submission: Submission) {
        if !self.nodes[node].up {
            return;
        }
        if self.nodes[node].queue.len() >= QUEUE_MAX {
            return self.tell(node, &submission.answer, &Outcome::Refused(ErrorCode::Busy));
        }
        if self.bug == Some(Bug::StaleRights)
            && let Command::Send { room, .. } = submission.command
        {
            submission.was_allowed = self.model.role(room, submission.user).is_some();
        }
        self.nodes[node].queue.push(submission);
        self.commit_begin();
    }

    fn commit_begin(&mut self) {
        if self.commit.is_some() {
            return;
        }
        let waiting: Vec<usize> = (0..self.nodes.len())
            .filter(|&node| self.nodes[node].up && !self.nodes[node].queue.is_empty())
            .collect();
        let Some(&node) = self.random.pick(&waiting) else {
            return;
        };
        let batch = std::mem::take(&mut self.nodes[node].queue);
        self.commits += 1;
        let number = self.commits;
        let early = self.too_early(node, &batch);
        self.commit = Some(Commit { number, node, batch, early });
        let delay_ms = self.random.between(1..=12);
        self.after(delay_ms, Happening::CommitEnd { number });
    }

    /// The planted mistakes that tell before the commit.
    fn too_early(&mut self, node: usize, batch: &[Submission]) -> Option<(Box<Model>, Vec<Done>)> {
        let (ack, broadcast) =
            (Some(Bug::AckBeforeCommit) == self.bug, Some(Bug::BroadcastBeforeCommit) == self.bug);
        if !ack && !broadcast {
            return None;
        }
        let before = Box::new(self.model.clone());
        let done: Vec<Done> =
            batch.iter().map(|submission| self.decide(node, submission)).collect();
        for (submission, (outcome, made)) in batch.iter().zip(&done) {
            if ack {
                self.tell(node, &submission.answer, outcome);
            }
            if broadcast {
                self.publish(node, made, None);
            }
        }
        Some((before, done))
    }

    fn decide(&mut self, node: usize, submission: &Submission) -> Done {
        let by = Asker {
            user: submission.user,
            key: submission.key,
            at_ms: self.now_ms,
            node: (node, self.nodes[node].boot),
            was_allowed: submission.was_allowed,
        };
        self.model.write(by, &submission.command)
    }

    pub(super) fn commit_end(&mut self, number: u64) {
        if self.commit.as_ref().is_none_or(|commit| commit.number != number) {
            return;
        }
        let Some(Commit { node, batch, early, .. }) = self.commit.take() else {
            return;
        };
        let Luck { rollback, unknown } = self.luck();
        match early {
            Some((before, _)) if rollback => self.model = *before,
            Some((_, done)) => self.finish(node, &batch, &done),
            None if rollback => self.one_by_one(node, &batch),
            None if unknown => self.lose_answer(node, &batch),
            None => {
                let done: Vec<Done> =
                    batch.iter().map(|submission| self.decide(node, submission)).collect();
                self.finish(node, &batch, &done);
            }
        }
        self.commit_begin();
    }

    fn luck(&mut self) -> Luck {
        let faults = self.faults;
        let chaos = !self.healing;
        Luck {
            rollback: self.random.chance(faults.rollback) && chaos,
            unknown: self.random.chance(faults.unknown) && chaos,
        }
    }

    /// Tells what is now true, in order: reply and event by the same way, a refusal alone.
    fn finish(&mut self, node: usize, batch: &[Submission], done: &[Done]) {
        for (submission, (outcome, made)) in batch.iter().zip(done) {
            let told = match self.bug {
                Some(Bug::AckBeforeCommit) => {
                    self.publish(node, made, None);
                    continue;
                }
                Some(Bug::BroadcastBeforeCommit) => false,
                _ => self.finish_one(node, submission, outcome, made),
            };
            if !told {
                self.tell(node, &submission.answer, outcome);
            }
        }
    }

    /// Publishes what a command made; true where its reply goes with its event.
    fn finish_one(
        &mut self,
        node: usize,
        submission: &Submission,
        outcome: &Outcome,
        made: &[Arc<Event>],
    ) -> bool {
        let origin = match (submission.answer, outcome) {
            (Answer::Socket { link, reference }, Outcome::Event { event, repeated: false }) => {
                self.conn_of(node, link).map(|conn| (Origin { shard: 0, conn, reference }, event))
            }
            _ => None,
        };
        self.publish(node, made, origin);
        origin.is_some()
    }

    fn conn_of(&self, node: usize, link: usize) -> Option<ConnId> {
        self.links[link].conn.filter(|&conn| self.link_of(node, conn) == Some(link))
    }

    fn publish(&mut self, node: usize, made: &[Arc<Event>], origin: Option<(Origin, &Arc<Event>)>) {
        for event in made {
            let of_this = origin.filter(|(_, of)| Arc::ptr_eq(of, event)).map(|(origin, _)| origin);
            if self.nodes[node].up {
                self.committed(node, event, of_this);
            }
            for other in 0..self.nodes.len() {
                if other != node {
                    self.send_over_bus(other, event);
                }
            }
        }
    }

    /// The bus forgets, doubles and mixes up.
    fn send_over_bus(&mut self, node: usize, event: &Arc<Event>) {
        let faults = self.faults;
        let chaos = !self.healing;
        if self.random.chance(faults.bus_loss) && chaos {
            self.counts.lost_on_bus += 1;
            return;
        }
        let times = 1 + u64::from(self.random.chance(faults.bus_double) && chaos);
        for _ in 0..times {
            let delay_ms = self.random.below(20);
            self.after(delay_ms, Happening::Bus { node, event: Arc::clone(event) });
        }
    }

    /// The group was rolled back: each is tried alone, and one or the other fails again.
    fn one_by_one(&mut self, node: usize, batch: &[Submission]) {
        self.counts.rollbacks += 1;
        if self.bug == Some(Bug::SeqHole)
            && let Some(Command::Send { room, .. }) = batch.first().map(|first| &first.command)
            && let Some(state) = self.model.rooms.get_mut(room)
        {
            state.head = state.head.next();
        }
        for submission in batch {
            if self.random.chance(200) {
                self.tell(node, &submission.answer, &Outcome::Refused(ErrorCode::Unavailable));
            } else {
                let done = self.decide(node, submission);
                self.finish(node, std::slice::from_ref(submission), &[done]);
            }
        }
    }

    /// The commit came through and its node does not know: nobody is told, and the askers must ask
    /// again with the same key.
    fn lose_answer(&mut self, node: usize, batch: &[Submission]) {
        self.counts.unknown += 1;
        let wrong = self.bug == Some(Bug::UnknownAsRefused);
        let code = if wrong { ErrorCode::Forbidden } else { ErrorCode::Unavailable };
        for submission in batch {
            self.decide(node, submission);
            self.tell(node, &submission.answer, &Outcome::Refused(code));
        }
    }

    /// The node died in the middle of a commit: it came through, or it did not.
    pub(super) fn commit_crashed(&mut self, node: usize) {
        if self.commit.as_ref().is_none_or(|commit| commit.node != node) {
            return;
        }
        let Some(Commit { batch, early, .. }) = self.commit.take() else {
            return;
        };
        let through = self.random.chance(500);
        match early {
            Some((before, _)) if !through => self.model = *before,
            None if through => {
                for submission in &batch {
                    self.decide(node, submission);
                }
            }
            Some(_) | None => {}
        }
        self.commit_begin();
    }

    /// An answer that goes without an event.
    fn tell(&mut self, node: usize, answer: &Answer, outcome: &Outcome) {
        self.counts.repeated += u64::from(matches!(outcome, Outcome::Event { repeated: true, .. }));
        match *answer {
            Answer::Socket { link, reference } => {
                if self.conn_of(node, link).is_none() {
                    return;
                }
                let frame = match outcome {
                    Outcome::Event { event, .. } => reply(reference, Some(event)),
                    Outcome::Unchanged | Outcome::Room(_) => reply(reference, None),
                    Outcome::Refused(code) => refusal(reference, *code),
                };
                self.write(link, Rc::new(frame), Class::Reply);
            }
            Answer::Caller { call, attempt } => {
                let delay_ms = self.random.below(5);
                let outcome = outcome.clone();
                self.after(delay_ms, Happening::CallEnd { call, attempt, outcome });
            }
        }
    }
}

/// What becomes of one commit.
struct Luck {
    rollback: bool,
    unknown: bool,
}
