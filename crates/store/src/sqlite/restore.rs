//! The steps behind [`crate::restore`]. [`carry`] has what the database of before tells.

mod carry;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chinwag_core::id::Epoch;
use rusqlite::{Connection, OpenFlags};

use super::backup::{Part, sync_folder};
use super::known::Known;
use super::open::{FILE, drawn, lock, migrate, reading_file, settled, writing};
use super::verify::verify;
use crate::backup::BackupError;
use crate::pace::Pace;
use crate::restore::{Carried, RestoreError, Restored, Restoring};
use crate::statistics::Counters;
use crate::store::StoreError;
use crate::verify::Verified;

/// The new database until it takes its place.
const RESTORING: &str = "chinwag.db.restoring";

pub(crate) fn restore(restoring: &Restoring<'_>) -> Result<Restored, RestoreError> {
    let Restoring { file, folder, replace, without_old, .. } = *restoring;
    if !file.is_file() {
        return Err(RestoreError::NoBackup { file: file.to_owned() });
    }
    let _lock = lock(folder)?;
    let old = folder.join(FILE);
    let has_old = old.exists();
    if has_old && !replace {
        return Err(RestoreError::NotEmpty { folder: folder.to_owned() });
    }
    let tells = has_old && !without_old;
    if tells {
        let unread = |source| RestoreError::OldUnread { folder: folder.to_owned(), source };
        settle(folder).map_err(unread)?;
    }
    let part = Part::open(&folder.join(RESTORING))?;
    let made = make(restoring, &part, tells.then_some(old.as_path()));
    let placed = made.and_then(|(verified, carried)| {
        let aside = has_old.then(|| put_aside(restoring)).transpose()?;
        let failed = |source| RestoreError::Io { path: old.clone(), source };
        fs::rename(&part.path, &old).and_then(|()| sync_folder(folder)).map_err(failed)?;
        Ok(Restored { verified, carried, aside })
    });
    if placed.is_err() {
        // It is overwritten the next time if it cannot be removed now.
        let _ = fs::remove_file(&part.path);
    }
    placed
}

/// Brings the database of before to this program's form, and its log into its one file.
fn settle(folder: &Path) -> Result<(), StoreError> {
    let mut old = writing(folder)?;
    migrate(&mut old)?;
    old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| match row.get::<_, i64>(0)? {
        0 => Ok(()),
        // Somebody's SQLite shell looks at it.
        _ => Err(rusqlite::Error::InvalidQuery),
    })?;
    Ok(())
}

/// Makes the new database: copied, brought to this form, verified, changed, verified again.
fn make(
    restoring: &Restoring<'_>,
    part: &Part,
    old: Option<&Path>,
) -> Result<(Verified, Option<Carried>), RestoreError> {
    let mut pace = Pace::new(0);
    part.fill(&reading_file(restoring.file)?, &mut pace)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut new = settled(Connection::open_with_flags(&part.path, flags)?)?;
    new.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")?;
    migrate(&mut new)?;
    sound(&new, &mut pace)?;
    let carried = change(restoring, &new, old)?;
    let verified = sound(&new, &mut pace)?;
    // Whoever closes a file gives up the locks that SQLite has on it, so it is closed first.
    drop(new);
    let synced = fs::File::open(&part.path).and_then(|file| file.sync_all());
    synced.map_err(|source| RestoreError::Io { path: part.path.clone(), source })?;
    Ok((verified, carried))
}

fn sound(new: &Connection, pace: &mut Pace) -> Result<Verified, RestoreError> {
    let verified = verify(new, pace)?;
    match verified.findings.first().map(ToString::to_string) {
        Some(first) => Err(BackupError::Damaged { first, verified: Box::new(verified) }.into()),
        None => Ok(verified),
    }
}

/// Begins another history, without what was taken away since.
fn change(
    restoring: &Restoring<'_>,
    new: &Connection,
    old: Option<&Path>,
) -> Result<Option<Carried>, RestoreError> {
    if let Some(old) = old {
        new.execute("ATTACH ?1 AS old", [old.to_string_lossy()])?;
        let same =
            "SELECT (SELECT name FROM old.installation) IS (SELECT name FROM main.installation)";
        if !new.query_row(same, [], |row| row.get::<_, bool>(0))? {
            let folder = restoring.folder.to_owned();
            return Err(RestoreError::OtherInstallation { folder });
        }
    }
    let transaction = new.unchecked_transaction()?;
    let epoch = Epoch::new(u128::from_le_bytes(drawn(restoring.random)));
    transaction.execute("UPDATE main.installation SET epoch = ?1", [epoch.to_string()])?;
    let (counters, mut known) = (Counters::default(), Known::default());
    let carried = match old {
        Some(_) => Some(carry::all(&transaction, &counters, &mut known, restoring.now_ms)?),
        None => {
            carry::nothing(&transaction, restoring.now_ms)?;
            None
        }
    };
    transaction.commit()?;
    if old.is_some() {
        new.execute_batch("DETACH old")?;
    }
    Ok(carried)
}

/// Gives the database of before another name, and leaves it its own until the new one takes that: whoever
/// starts the server in between finds one.
fn put_aside(restoring: &Restoring<'_>) -> Result<PathBuf, RestoreError> {
    let Restoring { folder, now_ms, .. } = *restoring;
    let aside = folder.join(format!("chinwag-replaced-{now_ms}.db"));
    let named = |suffix: &str| {
        let mut path = aside.clone().into_os_string();
        path.push(suffix);
        PathBuf::from(path)
    };
    let failed = |source| RestoreError::Io { path: aside.clone(), source };
    // A log is there only where nobody could read the database; it belongs to that.
    for suffix in ["-wal", "-shm"] {
        match fs::rename(folder.join(format!("{FILE}{suffix}")), named(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    let old = folder.join(FILE);
    fs::hard_link(&old, &aside).or_else(|_| fs::rename(&old, &aside)).map_err(failed)?;
    Ok(aside)
}
