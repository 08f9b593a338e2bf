//! Everything that a request may reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chinwag_core::event::Signal;
use chinwag_core::id::{Key, UserId};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_store::trace::Trace;
use chinwag_store::write::{Refusal, Write, Written};
use chinwag_store::{Options, Store};

use crate::auth::password::Passwords;
use crate::auth::revoked::Revoked;
use crate::auth::token::AccessTokens;
use crate::auth::{Caller, cookie};
use crate::clock;
use crate::config::{Config, Registration};
use crate::http::answer::Failure;
use crate::online::Online;
use crate::probe::Probes;
use crate::receipts::Ticks;
use crate::shard::inbox::{Shards, ToShard};
use crate::telemetry::Metrics;
use crate::throttle::Throttle;
use crate::traces::{Parent, Reading, Traces};

/// Readers of the database: a page takes about 15 µs, so two keep up with any number of shards that
/// fit a small machine, and one long read does not hold up the others.
const READERS_MIN: usize = 2;

#[derive(Debug)]
pub(crate) struct App {
    pub config: Config,
    pub store: Store,
    pub shards: Arc<Shards>,
    pub tokens: AccessTokens,
    pub revoked: Arc<Revoked>,
    pub passwords: Passwords,
    pub throttle: Throttle,
    pub metrics: Metrics,
    pub online: Online,
    pub probes: Probes,
    pub ticks: Arc<Ticks>,
    pub traces: Arc<Traces>,
    pub cookie_name: String,
    draining: AtomicBool,
}

impl App {
    /// Opens the store and wires the committed stream to the shards.
    pub(crate) fn open(config: Config) -> anyhow::Result<Self> {
        let shards = Arc::new(Shards::new(config.shards));
        let revoked = Arc::new(Revoked::default());
        let options = Options {
            folder: config.data.clone(),
            readers: usize::from(config.shards).max(READERS_MIN),
            now_ms: clock::wall_ms,
            random: clock::random,
        };
        let ticks = Arc::new(Ticks::default());
        let traces = Arc::new(Traces::new(config.traces.as_ref()));
        let noted = Arc::clone(&traces);
        let told = (Arc::clone(&shards), Arc::clone(&revoked), Arc::clone(&ticks));
        let store = Store::open(
            options,
            Box::new(move |batch| {
                told.1.note(batch, clock::wall_ms());
                told.2.note(batch);
                noted.note(batch);
                told.0.publish(&ToShard::Told(Arc::clone(batch), clock::instant()));
            }),
        )?;
        Ok(Self {
            tokens: AccessTokens::new(&store.signing_keys(), store.installation()),
            cookie_name: cookie::name(store.installation()),
            passwords: Passwords::start()?,
            throttle: Throttle::new(config.rate_limits),
            metrics: Metrics::new(),
            online: Online::default(),
            probes: Probes::default(),
            ticks,
            traces,
            draining: AtomicBool::new(false),
            config,
            store,
            shards,
            revoked,
        })
    }

    /// Who may make an account now.
    pub(crate) fn registration(&self) -> Registration {
        registration(&self.config, &self.store)
    }

    /// From now on commands are refused as `busy` and `/readyz` says no.
    pub(crate) fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Tells every shard something that is true now; false where one of them had no place for it.
    pub(crate) fn publish(&self, signal: Signal) -> bool {
        self.online.note(&signal, clock::wall_ms());
        let refused = self.shards.publish(&ToShard::Signal(signal));
        self.metrics.signals_dropped.inc_by(refused);
        refused == 0
    }

    /// Changes something that nobody asked for; false where the writer was too busy.
    pub(crate) async fn write_unasked(&self, write: Write) -> bool {
        let now_ms = clock::wall_ms();
        let key = Key::new(now_ms, clock::random_u128());
        let nobody = chinwag_store::installation_user();
        self.store.write(nobody, key, now_ms, write).await.is_ok()
    }

    /// The caller of an access token, if it is good and its session stands.
    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        self.tokens.check(token).filter(|caller| !self.revoked.contains(caller.session))
    }

    /// Refuses a caller whose session has ended since the request began: its body may have taken long.
    pub(crate) fn still(&self, caller: Caller) -> Result<(), Failure> {
        if self.revoked.contains(caller.session) {
            return Err(Failure(Problem::unauthorized()));
        }
        Ok(())
    }

    /// Asks for a durable change and waits for its outcome. A command without a key gets one, and
    /// no retry safety.
    pub(crate) async fn write(
        &self,
        caller: Caller,
        key: Option<Key>,
        write: Write,
    ) -> Result<Written, Failure> {
        self.still(caller)?;
        self.write_unsigned(caller.user, key, write).await
    }

    /// The same of a message, which may be traced. `reading` says when the request came.
    pub(crate) async fn write_message(
        &self,
        caller: Caller,
        key: Option<Key>,
        write: Write,
        (parent, reading): (Parent, Reading),
    ) -> Result<Written, Failure> {
        self.still(caller)?;
        let trace = self.traces.begin(parent, &reading);
        self.traces.received(trace, parent, &reading);
        self.submit(trace, caller.user, key, write).await
    }

    /// The same for someone who comes without a session: to begin one, or with a secret of its own.
    pub(crate) async fn write_unsigned(
        &self,
        actor: UserId,
        key: Option<Key>,
        write: Write,
    ) -> Result<Written, Failure> {
        self.submit(Trace::default(), actor, key, write).await
    }

    async fn submit(
        &self,
        trace: Trace,
        actor: UserId,
        key: Option<Key>,
        write: Write,
    ) -> Result<Written, Failure> {
        if self.is_draining() {
            return Err(Failure(draining()));
        }
        let now_ms = clock::wall_ms();
        let key = key.unwrap_or_else(|| Key::new(now_ms, clock::random_u128()));
        let outcome = self.store.write_traced(trace, actor, key, now_ms, write).await;
        outcome.map_err(|refusal| Failure(problem(&refusal)))
    }

    /// Reads from one snapshot of the database.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&chinwag_store::read::Reader) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.store.read(read).await.map_err(|refusal| Failure(problem(&refusal)))
    }
}

/// Who may make an account: as the configuration says, else as the operator set it, else the default.
pub(crate) fn registration(config: &Config, store: &Store) -> Registration {
    let set = store.registration().filter(|_| !config.registration_is_said);
    set.unwrap_or(config.registration)
}

/// After how long to try again while the disk is full: its writer looks for room each second.
const FULL_RETRY_MS: u64 = 2_000;

/// The node is leaving and takes no more commands.
pub(crate) fn draining() -> Problem {
    Problem::retry(ErrorCode::Busy, "this node is leaving, try again", 1_000)
}

/// A refusal of the store in the words of the wire.
pub(crate) fn problem(refusal: &Refusal) -> Problem {
    let message = refusal.to_string();
    match *refusal {
        Refusal::NotFound => Problem::not_found(),
        Refusal::Forbidden(why) => Problem::new(ErrorCode::Forbidden, why),
        Refusal::Invalid { field, why } => Problem::invalid(field, why),
        Refusal::KeyConflict => Problem::new(ErrorCode::KeyConflict, message),
        Refusal::Taken => Problem::new(ErrorCode::Taken, message),
        Refusal::Unauthorized => Problem::new(ErrorCode::Unauthorized, message),
        Refusal::Busy => Problem::retry(ErrorCode::Busy, message, 200),
        Refusal::Full => Problem::retry(ErrorCode::Busy, message, FULL_RETRY_MS),
        Refusal::Unavailable => Problem::retry(ErrorCode::Unavailable, message, 1_000),
    }
}
