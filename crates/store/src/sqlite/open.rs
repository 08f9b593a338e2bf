//! Opening: the folder, the lock, the connections, the migrations, and what a first start makes.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chinwag_core::access::{History, Posting, Registration, RoomKind};
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Epoch, RoomId, Seq};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{row, statements as sql};
use crate::store::{SigningKey, StoreError};

/// The database's file in its folder.
pub const FILE: &str = "chinwag.db";
/// Held by the one process that has the folder open; says in it which.
const LOCK_FILE: &str = "chinwag.lock";

/// How long a connection waits for another process' lock (somebody's SQLite shell).
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept by a connection: all of them.
const STATEMENTS_MAX: usize = 128;
/// KiB of pages that the writer's connection keeps.
const WRITER_CACHE_KIB: i64 = 8_192;
/// KiB of pages that each reader keeps; the system's own cache is behind it.
const READER_CACHE_KIB: i64 = 1_024;

/// Before it, a log that is reset while it is read can corrupt the database
/// (<https://sqlite.org/wal.html#walresetbug>).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// What a migration is: its text, run once, in order.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_start.sql"),
    include_str!("../../migrations/sqlite/0002_app.sql"),
    include_str!("../../migrations/sqlite/0003_audit.sql"),
    include_str!("../../migrations/sqlite/0004_receipts.sql"),
    include_str!("../../migrations/sqlite/0005_ranks.sql"),
];

/// `CHWG`, so that `file` and others know whose database this is.
const APPLICATION_ID: i64 = 0x4348_5747;

/// What there is once in an installation.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) installation: String,
    pub(crate) epoch: Epoch,
    pub(crate) general: RoomId,
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) is_empty: bool,
    pub(crate) registration: Option<Registration>,
}

/// Makes the folder if need be and locks it.
pub(crate) fn lock(folder: &Path) -> Result<File, StoreError> {
    let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    let mut file = options.open(folder.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(source)) => return Err(failed(source)),
        Err(TryLockError::WouldBlock) => {
            let mut by = String::new();
            file.read_to_string(&mut by).map_err(failed)?;
            return Err(StoreError::InUse { folder: folder.to_owned(), by: by.trim().to_owned() });
        }
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    // Where the disk is full the lock holds all the same, and does not say whose it is.
    match writeln!(file, "process {}", std::process::id()) {
        Err(source) if source.kind() != ErrorKind::StorageFull => Err(failed(source)),
        _ => Ok(file),
    }
}

/// Makes the database's file where there is none, its owner's alone. Before any connection: to close a
/// file is to give up every lock that the process has on it (POSIX), SQLite's own too.
pub(crate) fn create(folder: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    options.open(folder.join(FILE)).map_err(failed)?;
    for suffix in ["", "-wal", "-shm"] {
        hide(&folder.join(format!("{FILE}{suffix}"))).map_err(failed)?;
    }
    Ok(())
}

/// A connection that writes: the writer's, and the one that runs checkpoints.
pub(crate) fn writing(folder: &Path) -> Result<Connection, StoreError> {
    let path = folder.join(FILE);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::NoWal { folder: folder.to_owned() });
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
    )?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    settled(connection)
}

/// Takes a file away from others, to whom a copy or an archive may have given it: the signing keys are
/// in it.
fn hide(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            std::fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A connection that only reads.
pub(crate) fn reading(folder: &Path) -> Result<Connection, StoreError> {
    reading_file(&folder.join(FILE))
}

/// The same for a database in any file.
pub(crate) fn reading_file(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    settled(connection)
}

/// A connection that reads a file which nobody has open, and leaves nothing beside it: one that may be
/// written meanwhile would want a log and shared memory there.
pub(super) fn reading_still(folder: &Path) -> rusqlite::Result<Connection> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let mut uri = String::from("file:");
    for &byte in folder.join(FILE).as_os_str().as_bytes() {
        match plain(byte) {
            true => uri.push(char::from(byte)),
            false => uri += &format!("%{byte:02x}"),
        }
    }
    uri += "?immutable=1";
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

/// What holds for every connection: trust nothing that is in the file.
pub(super) fn settled(connection: Connection) -> Result<Connection, StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Else the planner looks at what is bound, and plans some statements anew for every new value:
    // that was two thirds of a send.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Closes a connection without bringing the log into the database: the disk has failed.
pub(crate) fn abandon(connection: Connection) {
    // Were it refused, closing would try a checkpoint, which reads what the disk still has.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    drop(connection);
}

/// Refuses a library that is known to lose data.
pub(crate) fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(StoreError::OldLibrary { version: rusqlite::version().to_owned() });
    }
    Ok(())
}

/// The form of a database: how many migrations it has had.
pub(super) fn form(connection: &Connection) -> rusqlite::Result<usize> {
    let form: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(form).unwrap_or(usize::MAX))
}

/// The newest form that this program knows.
pub(super) fn form_known() -> usize {
    MIGRATIONS.len()
}

/// Brings the tables to this program's form; refuses those of a later program.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let (done, known) = (form(&transaction)?, form_known());
    if done > known {
        return Err(StoreError::Newer { found: done, known });
    }
    for migration in &MIGRATIONS[done..] {
        transaction.execute_batch(migration)?;
    }
    if done < known {
        transaction.pragma_update(None, "user_version", known as i64)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(())
}

/// What the installation is; made where this is its first start.
pub(crate) fn facts(
    connection: &mut Connection,
    now_ms: fn() -> u64,
    random: fn(&mut [u8]),
) -> Result<Facts, StoreError> {
    let found = facts_found(connection)?;
    if let Some(facts) = found {
        return Ok(facts);
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    first_start(&transaction, now_ms(), random)?;
    transaction.commit()?;
    facts_found(connection)?.ok_or(StoreError::Database(rusqlite::Error::QueryReturnedNoRows))
}

fn facts_found(connection: &Connection) -> Result<Option<Facts>, StoreError> {
    let sql = "SELECT name, epoch, general_room FROM installation WHERE id = 1";
    let found = connection
        .query_row(sql, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((installation, epoch, general)) = found else {
        return Ok(None);
    };
    let epoch = epoch.parse().map_err(|_| StoreError::Database(rusqlite::Error::InvalidQuery))?;
    let mut keys = connection
        .prepare("SELECT kid, secret FROM signing_keys ORDER BY created_at_ms DESC, kid")?;
    let keys =
        keys.query_map([], |row| Ok(SigningKey { kid: row.get(0)?, secret: row.get(1)? }))?;
    let is_empty = !connection.prepare(sql::USER_ANY)?.exists([])?;
    let registration =
        connection.query_row(sql::REGISTRATION_GET, [], |row| row.get::<_, Option<String>>(0))?;
    Ok(Some(Facts {
        installation,
        epoch,
        general: RoomId::from_i64(general),
        keys: keys.collect::<Result<_, _>>()?,
        is_empty,
        registration: registration.as_deref().and_then(Registration::from_name),
    }))
}

/// Names the installation, begins its history, makes its first key and the channel `general`, whose
/// first event is from the installation itself.
fn first_start(
    connection: &Connection,
    now_ms: u64,
    random: fn(&mut [u8]),
) -> rusqlite::Result<()> {
    let general = RoomId::new(now_ms, u32::from_le_bytes(drawn(random)));
    let epoch = Epoch::new(u128::from_le_bytes(drawn(random)));
    let name = word(random, 10);
    connection.execute(
        "INSERT INTO installation (id, name, epoch, general_room) VALUES (1, ?1, ?2, ?3)",
        params![name, epoch.to_string(), general.to_i64()],
    )?;
    let secret: [u8; 32] = drawn(random);
    connection.execute(
        "INSERT INTO signing_keys (kid, secret, created_at_ms) VALUES (?1, ?2, ?3)",
        params![word(random, 8), secret, now_ms.cast_signed()],
    )?;
    general_insert(connection, general, now_ms)?;
    Ok(())
}

fn general_insert(connection: &Connection, general: RoomId, now_ms: u64) -> rusqlite::Result<()> {
    let (id, at_ms) = (general.to_i64(), now_ms.cast_signed());
    let kind = RoomKind::Channel;
    let (history, posting) = (History::default_of(kind).name(), Posting::Members.name());
    connection
        .execute(sql::ROOM_INSERT, params![id, kind.name(), "general", history, posting, at_ms])?;
    let event = Event {
        room: general,
        seq: Seq::ZERO.next(),
        n: None,
        kind: EventKind::RoomCreated,
        from: crate::installation_user(),
        at_ms: now_ms,
        key: None,
        rev: None,
        body: Some(r#"{"kind":"channel","name":"general"}"#.into()),
    };
    let (number, subject) = event.kind.to_row();
    let row = event.as_row();
    let sum = row::checksum(&row);
    connection.execute(
        sql::EVENT_INSERT,
        params![
            id,
            1,
            1,
            row.n.map(u64::cast_signed),
            number,
            subject,
            0,
            at_ms,
            None::<&[u8]>,
            None::<i64>,
            row.body,
            sum
        ],
    )?;
    connection.execute(sql::ROOM_HEAD_SET, params![id, 1, at_ms, 0, 1, at_ms, 0])?;
    Ok(())
}

pub(super) fn drawn<const N: usize>(random: fn(&mut [u8])) -> [u8; N] {
    let mut bytes = [0; N];
    random(&mut bytes);
    bytes
}

/// A random word of `length` characters, five bits each, that is easy to read aloud.
pub(crate) fn word(random: fn(&mut [u8]), length: usize) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = vec![0; length];
    random(&mut bytes);
    bytes.iter().map(|byte| char::from(DIGITS[usize::from(byte & 31)])).collect()
}

/// Bytes that a page takes in the write-ahead log, where it has a header of 24 bytes.
pub(crate) fn frame_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    Ok(page.cast_unsigned() + 24)
}

/// Keeps the length of the write-ahead log in view of everyone.
pub(crate) fn watch_wal(
    connection: &mut Connection,
    shared: &Arc<crate::store::Shared>,
) -> Result<(), StoreError> {
    let shared = Arc::clone(shared);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
        let bytes = u64::from(pages.unsigned_abs()) * shared.frame_bytes;
        shared.counters.wal_bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(())
}
