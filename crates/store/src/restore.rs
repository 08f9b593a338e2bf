//! A backup in the place of the database.
//!
//! It is another history: it has a new epoch, so every client reads afresh, keeps what it has not sent, and
//! sends it once. What was taken away since the backup stays away as far as anybody can know. Where the
//! database of before is at hand it tells: messages that were deleted, drafts that were changed, accounts
//! that were deleted, memberships that ended, roles and ranks, passwords, sessions, invites, who may register.
//! The audit log goes on in it. Where it is lost nothing remembers them: then all sessions, invites and reset links end, so that nobody comes in
//! with what was withdrawn since, and deleted messages of after the backup are back.

use std::path::{Path, PathBuf};

use crate::backup::BackupError;
use crate::sqlite;
use crate::store::StoreError;
use crate::verify::Verified;

/// What is restored, and where.
#[derive(Debug, Clone)]
pub struct Restoring<'a> {
    pub file: &'a Path,
    /// The data folder. Its server must not run.
    pub folder: &'a Path,
    /// Puts a database that is there aside; without it there must be none.
    pub replace: bool,
    /// Does not ask it what was taken away since: it cannot be read, or is of another installation.
    pub without_old: bool,
    /// Unix milliseconds.
    pub now_ms: u64,
    /// Fills with the system's randomness.
    pub random: fn(&mut [u8]),
}

/// What was taken away anew, told by the database of before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    pub messages: u64,
    pub drafts: u64,
    pub accounts: u64,
    pub memberships: u64,
    pub roles: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub verified: Verified,
    /// None where nothing could tell: all sessions, invites and reset links have ended.
    pub carried: Option<Carried>,
    /// Where the database of before is now.
    pub aside: Option<PathBuf>,
}

/// Why nothing was restored. The database of before is in its place then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("{} is not there", file.display())]
    NoBackup { file: PathBuf },
    #[error("there is a database in {}: --replace puts it aside", folder.display())]
    NotEmpty { folder: PathBuf },
    #[error(
        "the database in {} is of another installation: use an empty folder, or --without-old",
        folder.display()
    )]
    OtherInstallation { folder: PathBuf },
    #[error(
        "the database in {} cannot tell what was deleted since the backup: with --without-old that \
         comes back, and everybody has to sign in again",
        folder.display()
    )]
    OldUnread { folder: PathBuf, source: StoreError },
    #[error("the backup cannot be used")]
    Backup(#[from] BackupError),
    #[error("{} cannot be written", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for RestoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Restores a backup. The folder is locked meanwhile; the database changes in one step, once the new one
/// was verified and is on the disk.
pub fn restore(restoring: &Restoring<'_>) -> Result<Restored, RestoreError> {
    sqlite::check_library()?;
    sqlite::restore(restoring)
}
