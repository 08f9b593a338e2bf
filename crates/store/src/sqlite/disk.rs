//! What an error says of the disk below the database, and whether there is room again.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Error;
use rusqlite::ffi::{self, ErrorCode};
use rustix::fs::{FallocateFlags, fallocate};

/// Bytes for which there must be room before the writer tries again: those of a large transaction.
const ROOM_BYTES: u64 = 4 * 1024 * 1024;
/// Takes that room for a moment, to see whether it is there: a quota shows in no figure.
const ROOM_FILE: &str = "chinwag.room";
/// How often the writer looks for room while there is none.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What an error of the database says of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// Nothing that was written is in doubt.
    None,
    /// There is no room. What was to be written was rolled back, and all that was before it stands.
    Full,
    /// A write or an fsync failed. What was written before it is unsure too.
    Broken,
}

/// Judges an error of a connection that writes. SQLite tells a full disk (`ENOSPC`) from a broken one by
/// its code; a quota (`EDQUOT`), and a full disk below the index of the log, it calls a failed write.
pub(super) fn harm(error: &Error, folder: &Path) -> Harm {
    let Some(cause) = error.sqlite_error() else {
        return Harm::None;
    };
    match (cause.code, cause.extended_code) {
        (ErrorCode::DiskFull, _) => Harm::Full,
        (_, ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_NOMEM) => {
            Harm::None
        }
        (_, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE) if is_full(folder) => Harm::Full,
        (ErrorCode::SystemIoFailure, _) => Harm::Broken,
        _ => Harm::None,
    }
}

/// The writer's knowledge of whether there is room.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// When to look again; none while there is room.
    look_at: Option<Instant>,
}

impl Room {
    /// There is none.
    pub(super) fn is_gone(&mut self) {
        self.look_at = Some(Instant::now() + LOOK_EVERY);
    }

    /// For how long the writer may sleep before it looks.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.look_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Looks, where it is time to; true where there is room again.
    pub(super) fn is_back(&mut self, folder: &Path) -> bool {
        if self.look_at.is_none_or(|at| Instant::now() < at) {
            return false;
        }
        self.look_at = is_full(folder).then(|| Instant::now() + LOOK_EVERY);
        self.look_at.is_none()
    }
}

/// Whether the disk refuses [`ROOM_BYTES`] for want of room. Where it cannot tell, the next transaction
/// will.
fn is_full(folder: &Path) -> bool {
    let path = folder.join(ROOM_FILE);
    let taken = take(&path);
    // What is left of it is overwritten the next time.
    let _ = fs::remove_file(&path);
    let kind = taken.err().map(|error| error.kind());
    matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

fn take(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(true).write(true).mode(0o600).open(path)?;
    Ok(fallocate(&file, FallocateFlags::empty(), 0, ROOM_BYTES)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: std::ffi::c_int) -> Harm {
        let folder = tempfile::tempdir().expect("a folder of its own");
        harm(&Error::SqliteFailure(ffi::Error::new(code), None), folder.path())
    }

    #[test]
    fn a_write_or_sync_that_failed_is_for_good_and_a_full_disk_is_not() {
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_TRUNCATE] {
            assert_eq!(of(code), Harm::Broken, "{code}");
        }
        assert_eq!(of(ffi::SQLITE_FULL), Harm::Full);
        for code in [ffi::SQLITE_CONSTRAINT, ffi::SQLITE_IOERR_READ, ffi::SQLITE_BUSY] {
            assert_eq!(of(code), Harm::None, "{code}");
        }
    }

    #[test]
    fn looking_for_room_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let mut room = Room::default();
        assert!(!room.is_back(folder.path()) && room.patience().is_none(), "it was never gone");
        room.look_at = Some(Instant::now());
        assert!(room.is_back(folder.path()));
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
    }
}
