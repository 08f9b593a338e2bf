//! The one writer: takes what queued while the last commit ran, does it in one transaction, tells
//! what became true, and answers.

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
use super::known::Known;
use super::statements as sql;
use crate::committed::{Committed, Told};
use crate::statistics::add;
use crate::store::{Publish, Shared};
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
    pub(super) shared: Arc<Shared>,
    pub(super) publish: Publish,
    /// The rooms whose ticks may be others since this was last told.
    pub(super) marked: Vec<RoomId>,
}

/// Closes the inbox and fails what is in it when the writer's thread ends, by a panic too: nobody
/// waits for an answer that cannot come.
struct AtEnd(Arc<Shared>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.inbox.close();
        let mut left = Vec::new();
        if self.0.inbox.take_many(&mut left, usize::MAX) || std::thread::panicking() {
            self.0.counters.failed.store(true, Ordering::Relaxed);
            tracing::error!(commands = left.len(), "the writer ended early: restart");
        }
    }
}

impl Writer {
    /// Works until the inbox is closed and empty; gives the connection back for the last checkpoint.
    pub(crate) fn run(mut self) -> Connection {
        let _at_end = AtEnd(Arc::clone(&self.shared));
        let mut commands = Vec::with_capacity(BATCH_MAX);
        while self.shared.inbox.take_many(&mut commands, BATCH_MAX) {
            let settled = self.settle(&commands);
            self.tell_and_answer(&mut commands, settled);
            self.pressure.relieve(&self.connection, &self.shared);
        }
        self.connection
    }

    /// Does the commands in one transaction; where that fails, each in its own, so that one bad
    /// command cannot refuse its neighbours.
    fn settle(&mut self, commands: &[Submission]) -> Vec<Settled> {
        if self.is_failed() {
            return refuse_all(commands);
        }
        let error = match self.commit(commands) {
            Ok(settled) => return settled,
            Err(error) => error,
        };
        self.note(&error);
        if commands.len() == 1 || self.is_failed() || is_locked_out(&error) {
            return refuse_all(commands);
        }
        commands.iter().map(|command| self.settle_alone(command)).collect()
    }

    fn settle_alone(&mut self, command: &Submission) -> Settled {
        if self.is_failed() {
            return Settled::refused(Refusal::Unavailable);
        }
        match self.commit(std::slice::from_ref(command)) {
            Ok(mut settled) => {
                settled.pop().unwrap_or_else(|| Settled::refused(Refusal::Unavailable))
            }
            Err(error) => {
                self.note(&error);
                Settled::refused(Refusal::Unavailable)
            }
        }
    }

    /// Begins, applies, commits. On an error nothing of it is in the database.
    fn commit(&mut self, commands: &[Submission]) -> rusqlite::Result<Vec<Settled>> {
        let started = Instant::now();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let result = self.apply_all(commands);
        let result = result.and_then(|applied| {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(applied)
        });
        match result {
            Ok((settled, changed)) => {
                self.marked.extend(changed.marked);
                self.registration_is(changed.registration);
                self.accounts_are(changed.accounts);
                self.committed(commands, &settled, started.elapsed());
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
        let Self { connection, known, shared, .. } = self;
        let mut batch = Batch::new(connection, &shared.counters, known)?;
        let mut settled = Vec::with_capacity(commands.len());
        for command in commands {
            let outcome = match apply(&mut batch, &self.setting, command) {
                Ok(applied) => Ok(applied),
                Err(Failure::Refused(refusal)) => Err(refusal),
                Err(Failure::Database(error)) => return Err(error),
            };
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

    fn note(&self, error: &Error) {
        let cause = error as &dyn std::error::Error;
        if is_disk_failure(error) {
            self.shared.counters.failed.store(true, Ordering::Relaxed);
            tracing::error!(
                error = cause,
                "the disk failed a commit: nothing more is written until a restart"
            );
        } else {
            tracing::error!(error = cause, "a transaction failed and was rolled back");
        }
    }

    fn is_failed(&self) -> bool {
        self.shared.counters.failed.load(Ordering::Relaxed)
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

fn refuse_all(commands: &[Submission]) -> Vec<Settled> {
    commands.iter().map(|_| Settled::refused(Refusal::Unavailable)).collect()
}

/// True where the disk itself failed: what was written before is then unsure too, since a failed
/// fsync may have thrown pages away, so it is never tried again.
fn is_disk_failure(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
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

    #[test]
    fn only_a_disk_failure_is_for_good() {
        let of = |code| Error::SqliteFailure(ffi::Error::new(code), None);
        assert!(is_disk_failure(&of(ffi::SQLITE_IOERR_FSYNC)));
        assert!(is_disk_failure(&of(ffi::SQLITE_IOERR_WRITE)));
        assert!(!is_disk_failure(&of(ffi::SQLITE_FULL)));
        assert!(!is_disk_failure(&of(ffi::SQLITE_CONSTRAINT)));
    }
}
