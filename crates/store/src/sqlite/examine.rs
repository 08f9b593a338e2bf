//! A look at a database that changes nothing, for the one who asks what is wrong: in a given time, so
//! part of it is a sample.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, Result};

use super::open::{self, FILE};
use super::{row, statements as sql};
use crate::statistics::Counters;
use crate::store::StoreError;

/// Rooms whose newest events are looked at, spread over all of them.
const ROOMS_MAX: usize = 64;
/// Events of each.
const EVENTS_MAX: i64 = 100;
/// Complaints of SQLite's that are told.
const COMPLAINTS_MAX: usize = 10;
/// Steps of SQLite's machine between two looks at the time.
const STEPS_BETWEEN: std::ffi::c_int = 10_000;

/// What there is to say of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The form of the database, and the newest that this program knows.
    pub form: usize,
    pub form_known: usize,
    pub whole: Whole,
    pub db_bytes: u64,
    pub wal_bytes: u64,
    /// Rows of the log whose checksum was looked at, and those that had another.
    pub rows: u64,
    pub rows_corrupt: u64,
    /// The time of the newest event, Unix milliseconds.
    pub newest_at_ms: u64,
}

/// Whether SQLite's own structures are whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    Yes,
    /// What SQLite says.
    No(Vec<String>),
    /// There was not time enough to see all of it.
    Unfinished,
}

/// Looks at the database in a folder, which a server may have open.
pub(crate) fn examine(folder: &Path, within: Duration) -> Result<Examined, StoreError> {
    let log = folder.join(format!("{FILE}-wal"));
    if log.exists() {
        return look(open::reading(folder)?, folder, within);
    }
    let found = look(open::reading_still(folder)?, folder, within);
    match log.exists() {
        false => found,
        // A server has started meanwhile, and what was seen may be neither before nor after.
        true => look(open::reading(folder)?, folder, within),
    }
}

fn look(
    mut connection: Connection,
    folder: &Path,
    within: Duration,
) -> Result<Examined, StoreError> {
    let (form, form_known) = (open::form(&connection)?, open::form_known());
    let counters = Counters::default();
    // Of a form that it does not know it says no more than that.
    let (rows, newest_at_ms) = match form == form_known {
        true => (sample(&connection, &counters)?, newest(&connection)?),
        false => (0, 0),
    };
    let whole = whole(&mut connection, within)?;
    let bytes = |suffix| {
        std::fs::metadata(folder.join(format!("{FILE}{suffix}"))).map_or(0, |file| file.len())
    };
    let rows_corrupt = counters.statistics().rows_corrupt;
    let (db_bytes, wal_bytes) = (bytes(""), bytes("-wal"));
    Ok(Examined { form, form_known, whole, db_bytes, wal_bytes, rows, rows_corrupt, newest_at_ms })
}

/// SQLite's quick check: all but whether each index has what its table has.
fn whole(connection: &mut Connection, within: Duration) -> Result<Whole> {
    let until = Instant::now() + within;
    connection.progress_handler(STEPS_BETWEEN, Some(move || Instant::now() > until))?;
    let said = connection
        .prepare(&format!("PRAGMA quick_check({COMPLAINTS_MAX})"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<String>>>();
    match said {
        Ok(said) if said == ["ok"] => Ok(Whole::Yes),
        Ok(said) => Ok(Whole::No(said)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(Whole::Unfinished),
            Some(ErrorCode::DatabaseCorrupt) => Ok(Whole::No(vec![error.to_string()])),
            _ => Err(error),
        },
    }
}

/// Reads the newest events of rooms from all over the database; how many there were. Those with a
/// wrong checksum are counted.
fn sample(connection: &Connection, counters: &Counters) -> Result<u64> {
    let mut rooms = connection.prepare(sql::EXAMINE_ROOMS)?;
    let rooms = rooms.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>>>()?;
    let mut page = connection.prepare(sql::TIMELINE_DOWN)?;
    let mut count = 0;
    for &room in rooms.iter().step_by(rooms.len().div_ceil(ROOMS_MAX).max(1)) {
        let mut rows = page.query((room, 0, i64::MAX, EVENTS_MAX))?;
        while let Some(found) = rows.next()? {
            row::event(found, 0, counters)?;
            count += 1;
        }
    }
    Ok(count)
}

fn newest(connection: &Connection) -> Result<u64> {
    connection.query_row(sql::EXAMINE_NEWEST, [], |row| row::unsigned(row, 0))
}
