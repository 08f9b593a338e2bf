//! The one writer: takes what queued while the last commit ran, does it in one transaction, tells
//! what became true, and answers.
//!
//! What the disk refuses is of two kinds ([`Harm`]). While there is no room, commands are refused as
//! [`Refusal::Full`] and the writer looks for room by itself. A failed write or fsync is the end: all
//! who wait are told that the outcome is unknown, and the process ends ([`Shared::fail`]).

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use chinwag_core::access::Registration;
use chinwag_core::event::{Event, Origin};
use chinwag_core::id::RoomId;
use chinwag_core::limit::BATCH_MAX;
use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, Error};

use super::apply::{Setting, apply};
use super::batch::{Applied, Batch, Entry, Failure};
use super::checkpoint;
use super::disk::{self, Harm};
use super::known::Known;
use super::statements as sql;
use crate::committed::{Committed, Told};
use crate::statistics::add;
use crate::store::{Publish, Shared};
use crate::trace::Notes;
use crate::write::{Answer, Refusal, Submission};

/// What one command came to, before anyone is told.
struct Settled {
    outcome: Result<Applied, Refusal>,
    entries: Vec<Entry>,
}

impl Settled {
    fn refused(refusal: Refusal) -> Self {
        Self { outcome: Err(refusal), entries: Vec::new() }
    }
}

/// What a transaction changed of what all threads know.
#[derive(Default)]
struct Changed {
    /// The rooms whose ticks may be others.
    marked: Vec<RoomId>,
    /// Whether there is an account now.
    accounts: Option<bool>,
    registration: Option<Option<Registration>>,
}

/// The writer's thread.
pub(crate) struct Writer {
    pub(super) connection: Connection,
    pub(super) known: Known,
    pub(super) setting: Setting,
    pub(super) pressure: checkpoint::Pressure,
    pub(super) room: disk::Room,
    pub(super) shared: Arc<Shared>,
    pub(super) publish: Publish,
    /// The rooms whose ticks may be others since this was last told.
    pub(super) marked: Vec<RoomId>,
    pub(super) notes: Notes,
}

/// Closes the inbox when the writer's thread ends, by a panic too, and tells that the store is over
/// where it cannot go on: nobody waits for an answer that cannot come.
struct AtEnd(Arc<Shared>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.inbox.close();
        if std::thread::panicking() {
            let mut left = Vec::new();
            self.0.inbox.take_many(&mut left, usize::MAX, None);
            self.0.counters.failed.store(true, Ordering::Relaxed);
            tracing::error!(commands = left.len(), "the writer panicked: the process ends");
        }
        let failed = self.0.counters.failed.load(Ordering::Relaxed);
        self.0.over.send_replace(failed);
    }
}

impl Writer {
    /// Works until the inbox is closed and empty; gives the connection back for the last checkpoint.
    pub(crate) fn run(mut self) -> Connection {
        let _at_end = AtEnd(Arc::clone(&self.shared));
        let mut commands = Vec::with_capacity(BATCH_MAX);
        while self.shared.inbox.take_many(&mut commands, BATCH_MAX, self.room.patience()) {
            self.look_for_room();
            if !commands.is_empty() {
                let settled = self.settle(&commands);
                self.tell_and_answer(&mut commands, settled);
                self.pressure.relieve(&self.connection, &self.shared);
            }
        }
        self.connection
    }

    fn look_for_room(&mut self) {
        if self.room.is_back(&self.shared.folder) {
            self.shared.counters.read_only.store(false, Ordering::Relaxed);
            tracing::info!("the disk has room again: commands are taken");
        }
    }

    /// Does the commands in one transaction; where that fails, each in its own, so that one bad
    /// command cannot refuse its neighbours.
    fn settle(&mut self, commands: &[Submission]) -> Vec<Settled> {
        if let Some(refusal) = self.refusal() {
            return refuse_all(commands, &refusal);
        }
        let error = match self.commit(commands) {
            Ok(settled) => return settled,
            Err(error) => error,
        };
        self.note(&error);
        if let Some(refusal) = self.refusal() {
            return refuse_all(commands, &refusal);
        }
        if commands.len() == 1 || is_locked_out(&error) {
            return refuse_all(commands, &Refusal::Unavailable);
        }
        commands.iter().map(|command| self.settle_alone(command)).collect()
    }

    fn settle_alone(&mut self, command: &Submission) -> Settled {
        if let Some(refusal) = self.refusal() {
            return Settled::refused(refusal);
        }
        match self.commit(std::slice::from_ref(command)) {
            Ok(mut settled) => {
                settled.pop().unwrap_or_else(|| Settled::refused(Refusal::Unavailable))
            }
            Err(error) => {
                self.note(&error);
                Settled::refused(self.refusal().unwrap_or(Refusal::Unavailable))
            }
        }
    }

    /// Begins, applies, commits. On an error nothing of it is in the database.
    fn commit(&mut self, commands: &[Submission]) -> rusqlite::Result<Vec<Settled>> {
        let started = Instant::now();
        self.notes.begin();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let result = self.apply_all(commands);
        let result = result.and_then(|applied| {
            self.notes.committing();
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(applied)
        });
        match result {
            Ok((settled, changed)) => {
                self.marked.extend(changed.marked);
                self.registration_is(changed.registration);
                self.accounts_are(changed.accounts);
                self.committed(commands, &settled, started.elapsed());
                self.notes.committed(commands.len(), started);
                Ok(settled)
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    /// The outcomes, and what they change of what all threads know.
    fn apply_all(&mut self, commands: &[Submission]) -> rusqlite::Result<(Vec<Settled>, Changed)> {
        let Self { connection, known, shared, notes, .. } = self;
        let mut batch = Batch::new(connection, &shared.counters, known)?;
        let mut settled = Vec::with_capacity(commands.len());
        for command in commands {
            let applying = Notes::applying(command.trace);
            let outcome = match apply(&mut batch, &self.setting, command) {
                Ok(applied) => Ok(applied),
                Err(Failure::Refused(refusal)) => Err(refusal),
                Err(Failure::Database(error)) => return Err(error),
            };
            let answer = outcome.as_ref().ok().and_then(|applied| applied.answer.as_ref());
            notes.applied(&applying, outcome.is_err(), answer);
            settled.push(Settled { outcome, entries: std::mem::take(&mut batch.told) });
        }
        let marked = batch.flush()?;
        let accounts = batch.accounts_changed.then(|| batch.any(sql::USER_ANY, [])).transpose()?;
        Ok((settled, Changed { marked, accounts, registration: batch.registration_set }))
    }

    /// Notes what registration was set to, where it was.
    fn registration_is(&self, set: Option<Option<Registration>>) {
        if let Some(set) = set {
            *self.shared.registration.lock().unwrap_or_else(PoisonError::into_inner) = set;
        }
    }

    /// Notes whether there is an account now, where that may have changed.
    fn accounts_are(&mut self, any: Option<bool>) {
        let Some(any) = any else { return };
        self.setting.bootstrap = None;
        self.shared.bootstrap.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.shared.empty.store(!any, Ordering::Release);
        if !any {
            tracing::warn!(
                "the last account is gone: a restart prints the link for a new first one"
            );
        }
    }

    fn committed(&self, commands: &[Submission], settled: &[Settled], took: Duration) {
        let counters = &self.shared.counters;
        counters.commit_took(took);
        add(&counters.batches, 1);
        add(&counters.batch_size_sum, commands.len());
        let events = |one: &Settled| {
            one.entries.iter().filter(|entry| matches!(entry, Entry::Event(_))).count()
        };
        add(&counters.events, settled.iter().map(events).sum());
    }

    fn roll_back(&mut self) {
        self.known.forget();
        add(&self.shared.counters.rollbacks, 1);
        // Some errors roll back by themselves; then there is nothing to end.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            let cause = &error as &dyn std::error::Error;
            tracing::error!(error = cause, "a rollback failed");
        }
    }

    fn note(&mut self, error: &Error) {
        let cause = error as &dyn std::error::Error;
        match disk::harm(error, &self.shared.folder) {
            Harm::Broken => self.shared.fail(error),
            Harm::Full => {
                self.room.is_gone();
                if !self.shared.counters.read_only.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        error = cause,
                        "the disk is full: commands are refused until there is room, reads go on"
                    );
                }
            }
            Harm::None => {
                tracing::error!(error = cause, "a transaction failed and was rolled back");
            }
        }
    }

    /// What everyone is told while nothing can be written.
    fn refusal(&self) -> Option<Refusal> {
        if self.shared.counters.failed.load(Ordering::Relaxed) {
            return Some(Refusal::Unavailable);
        }
        self.room.patience().map(|_| Refusal::Full)
    }

    /// Publishes what is true now, in order and once, then answers those who wait.
    fn tell_and_answer(&mut self, commands: &mut Vec<Submission>, settled: Vec<Settled>) {
        let mut told = Vec::with_capacity(settled.len());
        let mut answers = Vec::new();
        let counters = &self.shared.counters;
        add(&counters.writes, settled.len());
        for (command, settled) in commands.drain(..).zip(settled) {
            add(&counters.refusals, usize::from(settled.outcome.is_err()));
            match command.answer {
                Answer::Socket(origin) => tell_socket(&mut told, origin, settled),
                Answer::Caller(caller) => {
                    told.extend(settled.entries.into_iter().map(|entry| told_of(entry, None)));
                    answers.push((caller, settled.outcome.map(|applied| applied.written)));
                }
            }
        }
        if !self.marked.is_empty() {
            told.push(Told::Marked(std::mem::take(&mut self.marked)));
        }
        self.notes.tell(&mut told);
        if !told.is_empty() {
            (self.publish)(&told.into());
        }
        for (caller, answer) in answers {
            // A caller that went away wants no answer; what it asked for is done all the same.
            let _ = caller.send(answer);
        }
    }
}

fn told_of(entry: Entry, origin: Option<Origin>) -> Told {
    match entry {
        Entry::Event(event) => Told::Committed(Committed::new(event, origin)),
        Entry::Revoked { user, sessions } => Told::Revoked { user, sessions },
        Entry::Profile(profile) => Told::Profile(profile),
        Entry::ReadShared { user, on, rooms } => Told::ReadShared { user, on, rooms },
    }
}

/// Tells what a socket's command came to, with exactly one entry that answers it.
fn tell_socket(told: &mut Vec<Told>, origin: Origin, settled: Settled) {
    let answer: Option<&Arc<Event>> =
        settled.outcome.as_ref().ok().and_then(|applied| applied.answer.as_ref());
    let mut answered = false;
    for entry in settled.entries {
        let answers = match (&entry, answer) {
            (Entry::Event(event), Some(answer)) => Arc::ptr_eq(event, answer),
            _ => false,
        };
        answered |= answers;
        told.push(told_of(entry, answers.then_some(origin)));
    }
    match settled.outcome {
        Err(refusal) => told.push(Told::Refused { origin, refusal }),
        Ok(_) if answered => {}
        Ok(Applied { answer: Some(event), .. }) => told.push(Told::Repeated { origin, event }),
        Ok(Applied { answer: None, .. }) => told.push(Told::Unchanged { origin }),
    }
}

fn refuse_all(commands: &[Submission], refusal: &Refusal) -> Vec<Settled> {
    commands.iter().map(|_| Settled::refused(refusal.clone())).collect()
}

/// True where another process has the lock: no one command is to blame, and each would wait for it
/// as long as all of them did.
fn is_locked_out(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn a_lock_is_nobody_s_fault() {
        let of = |code| Error::SqliteFailure(ffi::Error::new(code), None);
        assert!(is_locked_out(&of(ffi::SQLITE_BUSY)));
        assert!(!is_locked_out(&of(ffi::SQLITE_CONSTRAINT)));
    }
}
