//! Reads a whole database and says what is wrong with it.
//!
//! [`rooms`] walks each room's log once and holds against it what is kept beside it: the room's row, its
//! members, their read marks and drafts. The `self` rooms come first, since they tell the read marks of
//! the others. [`tables`] asks SQLite about the file, and looks at what hangs together by numbers.

mod rooms;
mod tables;

use chinwag_core::id::{RoomId, Seq};
use rusqlite::{Connection, Result};

use super::open::{MIGRATIONS, form};
use crate::pace::Pace;
use crate::store::StoreError;
use crate::verify::{FINDINGS_MAX, Finding, Verified, What};

/// Bytes of the database that the connection reads.
pub(super) fn bytes(connection: &Connection) -> Result<u64> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok((number("PRAGMA page_count")? * number("PRAGMA page_size")?).cast_unsigned())
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings {
    kept: Vec<Finding>,
    more: u64,
}

impl Findings {
    fn add(&mut self, what: What, place: impl Into<Place>, why: impl Into<String>) {
        if self.kept.len() >= FINDINGS_MAX {
            self.more += 1;
            return;
        }
        let Place { room, seq } = place.into();
        self.kept.push(Finding { what, room, seq, why: why.into() });
    }

    /// Takes an error of the database for what it is: a part of the file that cannot be read.
    fn unread(&mut self, place: impl Into<Place>, read: Result<()>) {
        if let Err(error) = read {
            self.add(What::File, place, format!("it cannot be read: {error}"));
        }
    }
}

/// Where something is wrong.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    room: Option<RoomId>,
    seq: Option<Seq>,
}

impl From<RoomId> for Place {
    fn from(room: RoomId) -> Self {
        Self { room: Some(room), seq: None }
    }
}

impl From<(RoomId, Seq)> for Place {
    fn from((room, seq): (RoomId, Seq)) -> Self {
        Self { room: Some(room), seq: Some(seq) }
    }
}

/// The same of the file alone: of a database of an earlier form, whose tables this program knows only
/// once they are brought over.
pub(super) fn file_alone(connection: &Connection) -> Result<Verified, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let mut findings = Findings::default();
    tables::file(&snapshot, &mut findings)?;
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        snapshot.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
    };
    Ok(Verified {
        epoch: tables::epoch(&snapshot)?,
        bytes: bytes(&snapshot)?,
        events: count("events")?,
        rooms: count("rooms")?,
        users: count("users")?,
        findings: findings.kept,
        more: findings.more,
    })
}

/// Verifies what the connection reads, in one snapshot.
pub(crate) fn verify(connection: &Connection, pace: &mut Pace) -> Result<Verified, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let (found, known) = (form(&snapshot)?, MIGRATIONS.len());
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if found < known {
        return Err(StoreError::Older { found, known });
    }
    let mut findings = Findings::default();
    let epoch = tables::epoch(&snapshot)?;
    let users = tables::users(&snapshot)?;
    let checked = tables::check(&snapshot, pace, &mut findings);
    findings.unread(Place::default(), checked);
    let walked = rooms::check(&snapshot, &users, pace, &mut findings)?;
    Ok(Verified {
        epoch,
        bytes: bytes(&snapshot)?,
        events: walked.events,
        rooms: walked.rooms,
        users: users.len() as u64,
        findings: findings.kept,
        more: findings.more,
    })
}
