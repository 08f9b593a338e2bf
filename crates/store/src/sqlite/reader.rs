//! One reader's thread, and the snapshot that each read sees.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chinwag_core::access::{Action, Actor, History, Permit, RoomFacts, authorise};
use chinwag_core::event::EventRow;
use chinwag_core::id::{Epoch, RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension, Params, Result, Row};

use super::{row, statements as sql};
use crate::read::Visible;
use crate::statistics::add;
use crate::store::Shared;
use crate::write::Refusal;

/// Reads in one snapshot. Its methods answer with what there is; where the database fails one of
/// them, it answers with nothing and the whole read is [`Refusal::Unavailable`].
pub struct Reader {
    connection: Connection,
    pub(super) epoch: Epoch,
    shared: Arc<Shared>,
    failed: Cell<bool>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// What someone may see of a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) head: Seq,
    /// The first event that may be seen.
    pub(super) floor: Seq,
}

impl Reader {
    pub(super) fn new(connection: Connection, epoch: Epoch, shared: Arc<Shared>) -> Self {
        Self { connection, epoch, shared, failed: Cell::new(false) }
    }

    /// Works until the queue is closed and empty. A read that panics takes no other with it.
    pub(super) fn run(self) {
        while let Some(job) = self.shared.reads.take() {
            if catch_unwind(AssertUnwindSafe(|| job(&self))).is_err() {
                tracing::error!("a read panicked");
                self.end("ROLLBACK");
            }
        }
    }

    /// Runs `read` in one snapshot.
    pub(crate) fn snapshot<T>(&self, read: impl FnOnce(&Self) -> T) -> Visible<T> {
        self.failed.set(false);
        self.end("BEGIN DEFERRED");
        let result = read(self);
        self.end("COMMIT");
        add(&self.shared.counters.reads, 1);
        if self.failed.get() {
            add(&self.shared.counters.read_failures, 1);
            return Err(Refusal::Unavailable);
        }
        Ok(result)
    }

    fn end(&self, how: &str) {
        let done = self.connection.prepare_cached(how).and_then(|mut end| end.execute([]));
        self.ok(done.map(|_| ()));
    }

    /// The value, or nothing and a mark on the read where the database failed.
    pub(super) fn ok<T: Default>(&self, result: Result<T>) -> T {
        result.unwrap_or_else(|error| {
            self.failed.set(true);
            tracing::error!(error = &error as &dyn std::error::Error, "a read failed");
            T::default()
        })
    }

    /// The first row of a statement.
    pub(super) fn first<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        of: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Option<T> {
        let row = self.connection.prepare_cached(sql);
        self.ok(row.and_then(|mut statement| statement.query_row(params, of).optional()))
    }

    /// All rows of a statement.
    pub(super) fn all<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        of: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Vec<T> {
        let rows = self.connection.prepare_cached(sql);
        self.ok(rows.and_then(|mut statement| statement.query_map(params, of)?.collect()))
    }

    /// Shows the event of each row, until `visit` has seen enough.
    pub(super) fn events(
        &self,
        sql: &'static str,
        params: impl Params,
        mut visit: impl FnMut(EventRow<'_>) -> bool,
    ) {
        let visited = self.connection.prepare_cached(sql).and_then(|mut statement| {
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                if let Some(event) = row::event(row, 0, &self.shared.counters)?
                    && !visit(event)
                {
                    break;
                }
            }
            Ok(())
        });
        self.ok(visited);
    }

    /// The event in a row's columns from `first` on.
    pub(super) fn event<'r>(&self, row: &'r Row<'_>, first: usize) -> Result<Option<EventRow<'r>>> {
        row::event(row, first, &self.shared.counters)
    }

    /// Authorises `action` in this snapshot; what the user may see then.
    pub(super) fn sight(&self, user: UserId, room: RoomId, action: Action) -> Visible<Sight> {
        let params = [room.to_i64(), user.to_i64()];
        let found = self.first(sql::ROOM_SIGHT, params, |row| {
            let (kind, history, posting) = row::settings(row, [0, 2, 1])?;
            let role = row::role(row, 4)?;
            let join = row.get::<_, Option<i64>>(5)?.map_or(Seq::ZERO, Seq::from_i64);
            let head = Seq::from_i64(row.get(3)?);
            let floor = if history == History::All { Seq::ZERO } else { join };
            Ok((Actor { user, role }, RoomFacts { room, kind, posting }, Sight { head, floor }))
        });
        let (actor, facts, sight) = found.ok_or(Refusal::NotFound)?;
        let _: Permit = authorise(actor, facts, action)?;
        Ok(sight)
    }
}
