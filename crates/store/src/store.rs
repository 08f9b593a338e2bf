//! The store as everyone else sees it: submit a write, read in a snapshot.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chinwag_core::access::Registration;
use chinwag_core::id::{Epoch, Key, RoomId, UserId};
use chinwag_core::limit::{READ_QUEUE_MAX, WRITER_QUEUE_MAX};
use tokio::sync::{oneshot, watch};

use crate::committed::Told;
use crate::queue::Queue;
use crate::read::Reader;
use crate::sqlite::{self, Facts, Progress};
use crate::statistics::Counters;
pub use crate::statistics::{COMMIT_BOUNDS_US, Statistics};
use crate::trace::Trace;
use crate::write::{Answer, Refusal, Submission, Write, Written};

/// Characters of the code that admits the first account: 100 random bits.
const BOOTSTRAP_CHARS: usize = 20;

/// What a store needs to open. Clock and randomness come in, so that a test can hold them.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the database lies; made with mode 0700 where there is none.
    pub folder: PathBuf,
    /// Threads that read; at least one.
    pub readers: usize,
    /// Unix milliseconds.
    pub now_ms: fn() -> u64,
    /// Fills with the system's randomness.
    pub random: fn(&mut [u8]),
}

/// Called on the writer's thread after each commit, in order, once a batch, where there is something
/// to tell. It must not wait.
pub type Publish = Box<dyn FnMut(&Arc<[Told]>) + Send>;

/// A key that access tokens are signed with (HS256).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    pub kid: String,
    pub secret: [u8; 32],
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{} is in use by {by}: stop it first, or name another folder", folder.display())]
    InUse { folder: PathBuf, by: String },
    #[error("{} cannot be made or opened", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("{} is on a file system without shared memory: use a local disk", folder.display())]
    NoWal { folder: PathBuf },
    #[error(
        "the database has the form {found} and this program knows up to {known}: use a newer program"
    )]
    Newer { found: usize, known: usize },
    #[error(
        "the database has the form {found} and this program makes {known}: a start of the server brings it over"
    )]
    Older { found: usize, known: usize },
    #[error("SQLite {version} is older than 3.51.3 and can lose data: build with the bundled one")]
    OldLibrary { version: String },
    #[error("a thread of the store cannot be started")]
    Thread(#[source] std::io::Error),
    #[error("the database cannot be opened")]
    Database(#[from] rusqlite::Error),
}

/// What the threads share.
pub(crate) struct Shared {
    pub(crate) inbox: Queue<Submission>,
    pub(crate) reads: Queue<Job>,
    /// Asks for a checkpoint; one request is as good as many.
    pub(crate) checkpoints: Queue<()>,
    pub(crate) counters: Counters,
    pub(crate) folder: PathBuf,
    /// Bytes that a page takes in the write-ahead log.
    pub(crate) frame_bytes: u64,
    pub(crate) progress: Progress,
    /// True once the disk has failed and everyone who waited was answered.
    pub(crate) over: watch::Sender<bool>,
    /// True while there is no account.
    pub(crate) empty: AtomicBool,
    /// As the writer's setting has it.
    pub(crate) bootstrap: Mutex<Option<String>>,
    /// As the database has it.
    pub(crate) registration: Mutex<Option<Registration>>,
}

impl Shared {
    /// The disk failed a write or an fsync. What was written before it is then unsure too, since the
    /// system may have thrown it away, and a second try would succeed over the loss: so nothing is
    /// tried again, and the process ends.
    pub(crate) fn fail(&self, error: &rusqlite::Error) {
        if !self.counters.failed.swap(true, Ordering::Relaxed) {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the disk failed a write: what waits is answered as unavailable, and the process ends"
            );
        }
        self.inbox.close();
    }

    fn close(&self) {
        self.inbox.close();
        self.reads.close();
        self.checkpoints.close();
    }
}

/// Starts the threads beside the writer.
fn start_others(
    folder: &Path,
    readers: usize,
    facts: &Facts,
    shared: &Arc<Shared>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let readers = (0..readers).map(|_| sqlite::start_reader(folder, facts, shared));
    readers.chain([sqlite::start_checkpoints(folder, shared)]).collect()
}

/// A read that waits for a reader; it sends its own answer.
pub(crate) type Job = Box<dyn FnOnce(&Reader) + Send>;

/// The threads, the writer last, and the lock on the folder.
struct Running {
    others: Vec<JoinHandle<()>>,
    writer: JoinHandle<rusqlite::Connection>,
    lock: File,
}

/// The log and the tables, open. See the crate's invariants.
pub struct Store {
    facts: Facts,
    database: PathBuf,
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("installation", &self.facts.installation)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database in a folder, making both on the first start, and starts the threads.
    pub fn open(options: Options, publish: Publish) -> Result<Self, StoreError> {
        let Options { folder, readers, now_ms, random } = options;
        sqlite::check_library()?;
        let lock = sqlite::lock(&folder)?;
        sqlite::create(&folder)?;
        let mut connection = sqlite::writing(&folder)?;
        sqlite::migrate(&mut connection)?;
        let facts = sqlite::facts(&mut connection, now_ms, random)?;
        let bootstrap = facts.is_empty.then(|| sqlite::word(random, BOOTSTRAP_CHARS));
        let shared = Arc::new(Shared {
            inbox: Queue::new(WRITER_QUEUE_MAX),
            reads: Queue::new(READ_QUEUE_MAX),
            checkpoints: Queue::new(1),
            counters: Counters::default(),
            folder: folder.clone(),
            frame_bytes: sqlite::frame_bytes(&connection)?,
            progress: Progress::default(),
            over: watch::Sender::new(false),
            empty: AtomicBool::new(facts.is_empty),
            bootstrap: Mutex::new(bootstrap.clone()),
            registration: Mutex::new(facts.registration),
        });
        let setting = sqlite::Setting { general: facts.general, bootstrap };
        let start = || {
            let others = start_others(&folder, readers.max(1), &facts, &shared)?;
            let writer = sqlite::start_writer(connection, setting, publish, &shared)?;
            Ok(Running { others, writer, lock })
        };
        // Threads that did start must not wait for ever for one that did not.
        let running = Mutex::new(Some(start().inspect_err(|_: &StoreError| shared.close())?));
        let mut database = folder;
        database.push(sqlite::FILE);
        Ok(Self { facts, database, shared, running })
    }

    /// Queues a write, or gives it back where the queue is full (`WRITER_QUEUE_MAX`) or the store is
    /// closing: nothing changed, the caller answers `busy`. Never blocks. A writer that sleeps goes
    /// on sleeping until [`Store::wake`], so that a run of writes becomes one batch.
    #[expect(clippy::result_large_err, reason = "what was not taken goes back to its owner")]
    pub fn submit(&self, submission: Submission) -> Result<(), Submission> {
        self.shared.inbox.add(submission)
    }

    /// Wakes the writer, if it sleeps while something is queued.
    pub fn wake(&self) {
        self.shared.inbox.wake();
    }

    /// Submits a write and waits for its outcome. Where the future is dropped, the write goes on.
    pub async fn write(
        &self,
        actor: UserId,
        key: Key,
        at_ms: u64,
        write: Write,
    ) -> Result<Written, Refusal> {
        self.write_traced(Trace::default(), actor, key, at_ms, write).await
    }

    /// The same of a command that may be traced.
    pub async fn write_traced(
        &self,
        trace: Trace,
        actor: UserId,
        key: Key,
        at_ms: u64,
        write: Write,
    ) -> Result<Written, Refusal> {
        let (sender, receiver) = oneshot::channel();
        let answer = Answer::Caller(sender);
        let submission = Submission { actor, key, at_ms, write, answer, trace };
        self.submit(submission).map_err(|_| Refusal::Busy)?;
        self.wake();
        receiver.await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// Runs `read` on a reader's thread in one snapshot. [`Refusal::Busy`] where too many wait
    /// (`READ_QUEUE_MAX`), [`Refusal::Unavailable`] where the database failed it.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |reader| {
            if !sender.is_closed() {
                // A caller that went away meanwhile wants no answer.
                let _ = sender.send(reader.snapshot(read));
            }
        });
        self.shared.reads.push(job).map_err(|_| Refusal::Busy)?;
        receiver.await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// Comes back once the disk has failed a write, or the writer has panicked: whoever waited has been
    /// answered with [`Refusal::Unavailable`], nothing is written any more, and the process must end.
    /// A restart brings back all that was ever answered as done.
    pub async fn failure(&self) {
        // The sender lives as long as this.
        let _ = self.shared.over.subscribe().wait_for(|over| *over).await;
    }

    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.facts.epoch
    }

    /// The installation's short random name, lower case, for the cookie's.
    #[must_use]
    pub fn installation(&self) -> &str {
        &self.facts.installation
    }

    /// What access tokens are signed with, the newest first; the others only verify.
    #[must_use]
    pub fn signing_keys(&self) -> Vec<SigningKey> {
        self.facts.keys.clone()
    }

    /// The channel that everyone starts in.
    #[must_use]
    pub fn general(&self) -> RoomId {
        self.facts.general
    }

    /// True while there is no account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.empty.load(Ordering::Acquire)
    }

    /// The code that admits the first account where registration is by invite; none once there was
    /// one, even if it is gone again. Another at each start.
    #[must_use]
    pub fn bootstrap_code(&self) -> Option<String> {
        self.shared.bootstrap.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who may register, as the operator set it; none where that was left to the configuration.
    #[must_use]
    pub fn registration(&self) -> Option<Registration> {
        *self.shared.registration.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The figures of this moment; takes no lock.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let shared = &self.shared;
        Statistics {
            writer_queue: shared.inbox.depth() as u64,
            writer_queue_max: shared.inbox.max() as u64,
            read_queue: shared.reads.depth() as u64,
            read_queue_max: shared.reads.max() as u64,
            db_bytes: std::fs::metadata(&self.database).map_or(0, |file| file.len()),
            ..shared.counters.statistics()
        }
    }

    /// Takes no more, finishes and answers what is queued, brings the log into the database and ends
    /// the threads. A second call does nothing. It waits, so call it off the async threads. After a
    /// failure of the disk it touches the disk no more, and waits for nobody who may be stuck on it.
    pub fn close(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Running { others, writer, lock }) = running.take() else {
            return;
        };
        self.shared.inbox.close();
        let connection = writer.join();
        self.shared.close();
        if self.shared.counters.failed.load(Ordering::Relaxed) {
            return connection.ok().into_iter().for_each(sqlite::abandon);
        }
        let ended = others.into_iter().map(JoinHandle::join).all(|end| end.is_ok());
        match connection {
            Ok(connection) if ended => sqlite::last_checkpoint(&connection, &self.shared),
            _ => tracing::error!("a thread of the store panicked"),
        }
        drop(lock);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
