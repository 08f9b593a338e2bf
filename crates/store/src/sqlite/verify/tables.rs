//! The file, and what hangs together by numbers.

use chinwag_core::id::{Epoch, RoomId, Seq, UserId};
use foldhash::HashMap;
use rusqlite::{Connection, Result};

use super::{Findings, Place};
use crate::pace::Pace;
use crate::sqlite::open::MIGRATIONS;
use crate::store::StoreError;
use crate::verify::What;

/// Every account's number, and whether it was deleted.
pub(super) type Users = HashMap<UserId, bool>;

/// Rows that name what there is not, each with why that is wrong. They give a room, or nothing.
const DANGLING: &[(&str, &str)] = &[
    (
        "SELECT DISTINCT m.room_id FROM members m WHERE NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = m.room_id)",
        "it has members and is not there",
    ),
    (
        "SELECT DISTINCT m.room_id FROM members m WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.user_id = m.user_id)",
        "a member has no account",
    ),
    (
        "SELECT d.room_id FROM directs d WHERE NOT EXISTS (
            SELECT 1 FROM rooms r JOIN members l ON l.room_id = r.room_id AND l.user_id = d.low_user
            JOIN members h ON h.room_id = r.room_id AND h.user_id = d.high_user
            WHERE r.room_id = d.room_id AND r.kind = 'direct')",
        "the pair's direct room is not theirs",
    ),
    (
        "SELECT r.room_id FROM rooms r WHERE r.kind = 'direct' AND NOT EXISTS (SELECT 1 FROM directs d WHERE d.room_id = r.room_id)",
        "no pair has this direct room",
    ),
    (
        "SELECT u.user_id FROM users u WHERE NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = u.user_id AND r.kind = 'self')",
        "an account is without its self room",
    ),
    (
        "SELECT general_room FROM installation WHERE NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = general_room)",
        "the channel that everyone starts in is not there",
    ),
    ("SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM signing_keys)", "there is no key to sign people in"),
];

pub(super) fn check(
    connection: &Connection,
    pace: &mut Pace,
    findings: &mut Findings,
) -> Result<()> {
    schema(connection, findings)?;
    file(connection, findings)?;
    pace.breathe();
    each(connection, "PRAGMA foreign_key_check", |row| {
        let (table, of): (String, String) = (row.get(0)?, row.get(2)?);
        let why = format!("a row of {table} names one of {of} that is not there");
        findings.add(What::Reference, Place::default(), why);
        Ok(())
    })?;
    for (sql, why) in DANGLING {
        pace.breathe();
        each(connection, sql, |row| {
            findings.add(What::Reference, RoomId::from_i64(row.get(0)?), *why);
            Ok(())
        })?;
    }
    keys(connection, findings)
}

/// Asks SQLite: each page, each entry of each index, each constraint.
pub(super) fn file(connection: &Connection, findings: &mut Findings) -> Result<()> {
    each(connection, "PRAGMA integrity_check(100)", |row| {
        let said: String = row.get(0)?;
        if said != "ok" {
            findings.add(What::File, Place::default(), said);
        }
        Ok(())
    })
}

/// Compares tables and indexes with those that the migrations make.
fn schema(connection: &Connection, findings: &mut Findings) -> Result<()> {
    let fresh = Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        fresh.execute_batch(migration)?;
    }
    let (expected, found) = (made(&fresh)?, made(connection)?);
    for (name, sql) in &expected {
        if found.get(name) != Some(sql) {
            findings.add(What::Schema, Place::default(), format!("{name} is not as it was made"));
        }
    }
    for name in found.keys().filter(|name| !expected.contains_key(*name)) {
        findings.add(What::Schema, Place::default(), format!("{name} is not ours"));
    }
    Ok(())
}

/// Each table and index with its text. Those that SQLite makes by itself are left out.
fn made(connection: &Connection) -> Result<HashMap<String, String>> {
    let mut made = HashMap::default();
    let sql = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    each(connection, sql, |row| {
        made.insert(row.get(0)?, row.get(1)?);
        Ok(())
    })?;
    Ok(made)
}

/// The index of keys says so by itself; it may have been replaced.
fn keys(connection: &Connection, findings: &mut Findings) -> Result<()> {
    let sql = "SELECT room_id, max(seq), count(*) FROM events WHERE key IS NOT NULL
        GROUP BY key, room_id, user_id HAVING count(*) > 1";
    each(connection, sql, |row| {
        let place = (RoomId::from_i64(row.get(0)?), Seq::from_i64(row.get(1)?));
        let why = format!("its key made {} events", row.get::<_, i64>(2)?);
        findings.add(What::Key, place, why);
        Ok(())
    })
}

pub(super) fn users(connection: &Connection) -> Result<Users> {
    let mut users = Users::default();
    each(connection, "SELECT user_id, deleted_at_ms IS NOT NULL FROM users", |row| {
        users.insert(UserId::from_i64(row.get(0)?), row.get(1)?);
        Ok(())
    })?;
    Ok(users)
}

pub(super) fn epoch(connection: &Connection) -> Result<Epoch, StoreError> {
    let sql = "SELECT epoch FROM installation WHERE id = 1";
    let epoch: String = connection.query_row(sql, [], |row| row.get(0))?;
    epoch.parse().map_err(|_| StoreError::Database(rusqlite::Error::InvalidQuery))
}

pub(super) fn each(
    connection: &Connection,
    sql: &str,
    mut of: impl FnMut(&rusqlite::Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        of(row)?;
    }
    Ok(())
}
