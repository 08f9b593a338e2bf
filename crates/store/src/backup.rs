//! A copy of the whole database in one file, made while the server runs or not.

use std::path::{Path, PathBuf};

use crate::pace::Pace;
use crate::sqlite;
use crate::store::StoreError;
use crate::verify::Verified;

/// Why there is no backup. Nothing bears its name then that did not before.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} is there already: --force replaces it", file.display())]
    Exists { file: PathBuf },
    #[error("there is no database in {}", folder.display())]
    NoDatabase { folder: PathBuf },
    #[error("{} names no file", file.display())]
    NoName { file: PathBuf },
    #[error("another backup is writing {}", part.display())]
    Taken { part: PathBuf },
    #[error(
        "{} has room for {} MB and the backup needs {} MB",
        folder.display(), free_bytes / 1_000_000, bytes.div_ceil(1_000_000)
    )]
    NoRoom { folder: PathBuf, free_bytes: u64, bytes: u64 },
    #[error("the copy has {} faults, the first: {first}", verified.findings.len())]
    Damaged { first: String, verified: Box<Verified> },
    #[error("{} cannot be written", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Copies the database of a data folder, as it is at one moment, into `file`: everything that was
/// answered as done before the call is in it, and nothing half.
///
/// It reads as one more reader, so it may run beside the server: SQLite's locks hold between processes,
/// and a reader keeps nobody from writing. Until it ends the server's log cannot be brought over and
/// grows. The copy is written under another name (`.part`), verified, synced, and then named. Its mode is
/// 0600: the keys that sign people in are in it.
pub fn backup(
    folder: &Path,
    file: &Path,
    force: bool,
    pace: &mut Pace,
) -> Result<Verified, BackupError> {
    sqlite::check_library()?;
    sqlite::backup(folder, file, force, pace)
}
