//! Whether a database is what it says it is: every row is read and every count is counted again.

use std::fmt;
use std::path::Path;

use chinwag_core::id::{Epoch, RoomId, Seq};

use crate::pace::Pace;
use crate::sqlite;
use crate::store::StoreError;

/// Findings that are kept; the others are counted.
pub(crate) const FINDINGS_MAX: usize = 1_000;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// The file itself: a page, an index, a column's constraint.
    File,
    /// Tables and indexes are not those that this program made.
    Schema,
    /// A row names another that there is not.
    Reference,
    /// A row of the log is not as it was written.
    Checksum,
    /// `seq` does not count 1, 2, 3 …
    Gap,
    /// `n` does not count the messages.
    Ordinal,
    /// A time that goes back.
    Time,
    /// The room's row is not what its log says.
    Head,
    /// The membership is not what the log says.
    Member,
    /// The read mark is not what the log says.
    ReadMark,
    /// The mark of delivery lies below the read mark, or beyond the log.
    DeliveryMark,
    /// A draft that the log does not tell, or one that was superseded and is still there.
    Draft,
    /// What was erased is there, or what is gone was not erased.
    Erased,
    /// A key that made two events.
    Key,
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub what: What,
    pub room: Option<RoomId>,
    pub seq: Option<Seq>,
    /// A sentence without anything that somebody wrote.
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(room) = self.room {
            write!(f, "room {room}")?;
            if let Some(seq) = self.seq {
                write!(f, ", seq {seq}")?;
            }
            write!(f, ": ")?;
        }
        write!(f, "{}", self.why)
    }
}

/// What was read, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub epoch: Epoch,
    /// Bytes of the database in this snapshot.
    pub bytes: u64,
    pub events: u64,
    pub rooms: u64,
    pub users: u64,
    /// The first of what is wrong, at most 1,000.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

/// Reads the whole database of a data folder in one snapshot, of a server that runs or not: it is one
/// more reader. SQLite's locks hold between processes, and a reader keeps nobody from writing.
pub fn folder(folder: &Path, pace: &mut Pace) -> Result<Verified, StoreError> {
    file(&folder.join(sqlite::FILE), pace)
}

/// The same for a file: a backup, say.
pub fn file(file: &Path, pace: &mut Pace) -> Result<Verified, StoreError> {
    sqlite::check_library()?;
    sqlite::verify(&sqlite::reading_file(file)?, pace)
}
