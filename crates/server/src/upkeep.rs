//! What is done to a database beside its server: it is backed up, restored, verified.

use std::path::Path;

use chinwag_store::Pace;
pub use chinwag_store::backup::BackupError;
pub use chinwag_store::restore::{Carried, RestoreError, Restored};
pub use chinwag_store::verify::{Finding, Verified};
use chinwag_store::{StoreError, backup, restore, verify};

use crate::clock;

/// How much longer a backup rests than it works: what it leaves to the server. `chinwag-bench --only backup`
/// measures what a send takes beside it.
const BACKUP_RESTS: u32 = 3;
/// A verification reads only, and the system has most of that in memory.
const VERIFY_RESTS: u32 = 1;

/// Reads the whole database of a data folder, or of a file, and says what is wrong with it.
pub fn verify(folder: &Path, file: Option<&Path>) -> Result<Verified, StoreError> {
    step_back();
    let mut pace = Pace::new(VERIFY_RESTS);
    match file {
        Some(file) => verify::file(file, &mut pace),
        None => verify::folder(folder, &mut pace),
    }
}

/// Copies the database of a data folder into `file`, whether its server runs or not.
pub fn backup(folder: &Path, file: &Path, force: bool) -> Result<Verified, BackupError> {
    step_back();
    backup::backup(folder, file, force, &mut Pace::new(BACKUP_RESTS))
}

/// Puts a backup in the place of the database of a data folder, whose server does not run.
pub fn restore(
    folder: &Path,
    file: &Path,
    replace: bool,
    without_old: bool,
) -> Result<Restored, RestoreError> {
    let (now_ms, random) = (clock::wall_ms(), clock::random);
    let restoring = restore::Restoring { file, folder, replace, without_old, now_ms, random };
    restore::restore(&restoring)
}

/// Lets the server have the processors first.
fn step_back() {
    if let Err(error) = rustix::process::nice(19) {
        tracing::debug!(%error, "the program stays as urgent as others");
    }
}
