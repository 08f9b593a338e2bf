//! The store on SQLite.
//!
//! One connection writes ([`writer`]), a few read ([`reader`]), one brings the write-ahead log into
//! the database beside them ([`checkpoint`]). Read `open`, `writer`, `known`, `batch` and `apply` in this order,
//! then `reader` and `read`; `statements` has all SQL, `row` what a row means.
//!
//! The log is clustered by `(room_id, timeline, seq)` rather than by `(room_id, seq)`: what is shown
//! in the timeline lies together, so a page of it is one range read however many changes and read
//! marks lie between, and no second index is written. The whole log is a merge of two ranges.

mod apply;
mod backup;
mod batch;
mod checkpoint;
mod disk;
mod examine;
mod known;
mod open;
#[cfg(test)]
mod plans;
mod read;
mod reader;
mod restore;
mod row;
mod statements;
mod verify;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

pub(crate) use self::apply::Setting;
pub(crate) use self::backup::backup;
pub(crate) use self::checkpoint::{Progress, last as last_checkpoint};
pub(crate) use self::examine::examine;
pub use self::examine::{Examined, Whole};
use self::known::Known;
pub use self::open::FILE;
pub(crate) use self::open::{
    Facts, abandon, check_library, create, facts, frame_bytes, lock, migrate, reading_file, word,
    writing,
};
pub use self::reader::Reader;
pub(crate) use self::restore::restore;
pub(crate) use self::verify::verify;
use self::writer::Writer;
use crate::store::{Publish, Shared, StoreError};
use crate::trace::Notes;

/// Starts the one writer.
pub(crate) fn start_writer(
    mut connection: Connection,
    setting: Setting,
    publish: Publish,
    shared: &Arc<Shared>,
) -> Result<JoinHandle<Connection>, StoreError> {
    open::watch_wal(&mut connection, shared)?;
    let pressure = checkpoint::Pressure::new();
    let shared = Arc::clone(shared);
    let known = Known::default();
    let room = disk::Room::default();
    let (marked, notes) = (Vec::new(), Notes::default());
    let writer =
        Writer { connection, known, setting, pressure, room, shared, publish, marked, notes };
    spawn("store-writer", move || writer.run())
}

/// Starts a reader.
pub(crate) fn start_reader(
    folder: &Path,
    facts: &Facts,
    shared: &Arc<Shared>,
) -> Result<JoinHandle<()>, StoreError> {
    let reader = Reader::new(open::reading(folder)?, facts.epoch, Arc::clone(shared));
    spawn("store-reader", move || reader.run())
}

/// Starts the thread that runs checkpoints.
pub(crate) fn start_checkpoints(
    folder: &Path,
    shared: &Arc<Shared>,
) -> Result<JoinHandle<()>, StoreError> {
    let (connection, shared) = (writing(folder)?, Arc::clone(shared));
    // The writer's is the last to be closed, and knows whether the disk may be written.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    spawn("store-checkpoint", move || {
        checkpoint::run(&connection, &shared);
    })
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StoreError> {
    Builder::new().name(name.to_owned()).spawn(work).map_err(StoreError::Thread)
}
