//! The copy behind [`crate::backup`]: page by page by SQLite's own backup, inside a snapshot.
//!
//! Without the snapshot it would begin again with each commit of the server. `VACUUM INTO` reads a snapshot
//! too, but builds every tree anew in one go: it cannot rest on the way.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::ffi::{self, ErrorCode};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with, statvfs};
use rustix::io::Errno;

use super::open::{FILE, reading, reading_file};
use super::verify::verify;
use crate::backup::BackupError;
use crate::pace::Pace;
use crate::store::StoreError;
use crate::verify::Verified;

/// Pages that are copied between two rests: a millisecond or two.
const PAGES: std::ffi::c_int = 64;
/// Bytes after which the copy is synced: what the system writes at once keeps the server's fsync waiting.
const SYNC_BYTES: u64 = 4 * 1024 * 1024;
/// Room that is left beside the copy.
const SPARE_BYTES: u64 = 1024 * 1024;

pub(crate) fn backup(
    folder: &Path,
    file: &Path,
    force: bool,
    pace: &mut Pace,
) -> Result<Verified, BackupError> {
    if !force && fs::symlink_metadata(file).is_ok() {
        return Err(BackupError::Exists { file: file.to_owned() });
    }
    if !folder.join(FILE).exists() {
        return Err(BackupError::NoDatabase { folder: folder.to_owned() });
    }
    let name = file.file_name().ok_or_else(|| BackupError::NoName { file: file.to_owned() })?;
    let mut part = name.to_owned();
    part.push(".part");
    let part = Part::open(&file.with_file_name(part))?;
    let copied = part.fill(&reading(folder)?, pace).and_then(|()| part.verified(pace));
    let named = copied.and_then(|verified| part.name(file, force).map(|()| verified));
    if named.is_err() {
        // It is overwritten the next time if it cannot be removed now.
        let _ = fs::remove_file(&part.path);
    }
    named
}

/// The copy while it has not its name yet.
pub(super) struct Part {
    pub(super) path: PathBuf,
    file: File,
}

impl Part {
    /// Begins an empty one, in the place of one that was broken off. It is nobody's else to read, and no
    /// link to somewhere.
    pub(super) fn open(path: &Path) -> Result<Self, BackupError> {
        let failed = |source| BackupError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(BackupError::Taken { part: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn failed(&self, source: io::Error) -> BackupError {
        BackupError::Io { path: self.path.clone(), source }
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// Copies what the connection reads at this moment.
    pub(super) fn fill(&self, source: &Connection, pace: &mut Pace) -> Result<(), BackupError> {
        let snapshot = source.unchecked_transaction()?;
        let bytes = super::verify::bytes(&snapshot)?;
        self.has_room(bytes)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut target = Connection::open_with_flags(&self.path, flags)?;
        // Who breaks off begins anew, and the file is synced here.
        target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        let copied = self.copy(&snapshot, &mut target, pace);
        drop(target);
        copied.map_err(|error| match error {
            Copying::Database(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                self.has_room(bytes).err().unwrap_or_else(|| error.into())
            }
            Copying::Database(error) => error.into(),
            Copying::Sync(source) => self.failed(source),
        })?;
        // A copy is closed: one file, without a log beside it.
        let closed = Connection::open_with_flags(&self.path, flags)?;
        closed.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        drop(closed);
        self.file.sync_all().map_err(|source| self.failed(source))
    }

    fn copy(
        &self,
        source: &Connection,
        target: &mut Connection,
        pace: &mut Pace,
    ) -> Result<(), Copying> {
        let backup = Backup::new(source, target)?;
        let (mut synced, mut pages) = (0, 0);
        let page_bytes: i64 = source.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        loop {
            match backup.step(PAGES)? {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                _ => return Err(Copying::Database(locked())),
            }
            pages += u64::from(PAGES.unsigned_abs());
            let bytes = pages * page_bytes.cast_unsigned();
            if bytes >= synced + SYNC_BYTES {
                self.file.sync_data()?;
                synced = bytes;
            }
            pace.breathe();
        }
    }

    fn has_room(&self, bytes: u64) -> Result<(), BackupError> {
        let found = statvfs(self.folder()).map_err(|error| self.failed(error.into()))?;
        let free_bytes = found.f_bavail * found.f_frsize;
        if free_bytes < bytes + SPARE_BYTES {
            let folder = self.folder().to_owned();
            return Err(BackupError::NoRoom { folder, free_bytes, bytes });
        }
        Ok(())
    }

    /// Verifies the copy: all of it, or as far as this program can where an earlier one made it.
    pub(super) fn verified(&self, pace: &mut Pace) -> Result<Verified, BackupError> {
        let verified = match verify(&reading_file(&self.path)?, pace) {
            Err(StoreError::Older { .. }) => super::verify::file_alone(&reading_file(&self.path)?)?,
            verified => verified?,
        };
        match verified.findings.first().map(ToString::to_string) {
            Some(first) => Err(BackupError::Damaged { first, verified: Box::new(verified) }),
            None => Ok(verified),
        }
    }

    /// Gives it its name, over a file that is there only where it may.
    fn name(&self, file: &Path, force: bool) -> Result<(), BackupError> {
        let failed = |source: io::Error| BackupError::Io { path: file.to_owned(), source };
        let flags = if force { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        match renameat_with(CWD, &self.path, CWD, file, flags) {
            Err(Errno::EXIST) => return Err(BackupError::Exists { file: file.to_owned() }),
            // This file system cannot promise it; a moment ago nothing was there.
            Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(file).is_err() => {
                fs::rename(&self.path, file).map_err(failed)?;
            }
            renamed => renamed.map_err(|error| failed(error.into()))?,
        }
        sync_folder(self.folder()).map_err(failed)
    }
}

/// Makes names last that were given in a folder.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

enum Copying {
    Database(rusqlite::Error),
    Sync(io::Error),
}

impl From<rusqlite::Error> for Copying {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<io::Error> for Copying {
    fn from(error: io::Error) -> Self {
        Self::Sync(error)
    }
}

fn locked() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None)
}
