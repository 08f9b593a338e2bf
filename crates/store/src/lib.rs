//! What is kept: the log and the tables.
//!
//! One contract, [`Store`], whose suite of tests (`tests/contract.rs`) says nothing of the database
//! below. Its invariants, by the names that `ARCHITECTURE.md` uses:
//!
//! - **one writer**: nothing durable changes but by a [`write::Write`] through [`Store::submit`].
//! - **decided inside**: the writer asks `chinwag_core::access::authorise` in the transaction that
//!   applies the write, on what is true there.
//! - **committed**: only this crate makes a [`committed::Committed`], and only after the
//!   transaction is on disk.
//!
//! Bodies of events are opaque here: JSON objects as the door wrote them.

pub mod backup;
pub mod committed;
mod pace;
mod queue;
pub mod read;
pub mod restore;
mod sqlite;
mod statistics;
mod store;
pub mod trace;
pub mod verify;
pub mod write;

use std::path::Path;
use std::time::Duration;

use chinwag_core::id::UserId;

pub use pace::Pace;
pub use sqlite::{Examined, FILE as DATABASE_FILE, Whole};
pub use store::{COMMIT_BOUNDS_US, Options, Publish, SigningKey, Statistics, Store, StoreError};

/// Looks at the database in a folder, which a server may have open, and changes nothing. What takes
/// long is broken off after the time given.
pub fn examine(folder: &Path, within: Duration) -> Result<Examined, StoreError> {
    sqlite::examine(folder, within)
}

/// The installation itself, where it acts: it made the channel `general`. No account has its number.
#[must_use]
pub fn installation_user() -> UserId {
    UserId::from_i64(0)
}
