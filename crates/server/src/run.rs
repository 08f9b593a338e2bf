//! A server's life: open, listen, serve, drain.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use chinwag_core::limit::DRAIN_WITHIN;
use rustls::ServerConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::accept::http1::Http;
use crate::accept::{Phase, Port};
use crate::app::App;
use crate::config::{Config, Registration};
use crate::shard::Shard;
use crate::shard::inbox::{Door, ToShard};
use crate::traces::Exporting;
use crate::{accept, admin, clock, online, receipts, tls};

/// How often rates and revocations that no longer matter are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How many who come back in a second a shard takes in beside the chat; a fifth of what it can
/// (docs/performance.md, `connect`).
const RETURNS_A_SECOND: f64 = 2_000.0;
/// The next server is there by then.
const RETURN_WITHIN_MIN: Duration = Duration::from_millis(500);
/// Time for the answers to those who waited when the disk failed: a connection that is kept is known to be
/// still after half a second (`accept/http1.rs`), and one that ends before that may cut a request off.
const FAILED_WITHIN: Duration = Duration::from_millis(900);
/// Of what the drain leaves, so much is for the last traces.
const TRACES_WITHIN: Duration = Duration::from_secs(1);
/// A client's way to and fro: who knocked just before a drain has come in by then.
const COMING_IN: Duration = Duration::from_millis(100);

/// A running server. Dropping it without [`Server::stop`] leaves its threads to the process's end.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    runtime: Runtime,
    shards: Vec<JoinHandle<()>>,
    phase: watch::Sender<Phase>,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    exporting: Exporting,
}

/// The disk failed a write, so the process must end. Started again, it has all that was answered as done.
#[derive(Debug, thiserror::Error)]
#[error("ended because of its disk: the log has the reason")]
pub struct DiskFailed;

/// Opens the store, starts the shards and listens where the configuration says.
pub fn start(config: Config) -> anyhow::Result<Server> {
    let port = open("--listen", config.listen)?;
    start_on(port, config)
}

/// The same on a port that somebody has opened who keeps it open when this server ends, such as a
/// service manager; `config.listen` is passed over. A restart refuses nobody then.
pub fn start_on_kept(listener: TcpListener, config: Config) -> anyhow::Result<Server> {
    let port = Port::adopt(listener).context("the port that was handed over is of no use")?;
    start_on(port, config)
}

fn start_on(port: Port, config: Config) -> anyhow::Result<Server> {
    let address = port.address()?;
    let config = Config { listen: address, ..config };
    let metrics_port =
        config.metrics_listen.map(|address| open("--metrics-listen", address)).transpose()?;
    let metrics_address = metrics_port.as_ref().map(Port::address).transpose()?;
    let tls = config.tls.as_ref().map(|tls| tls::Source::open(&config, tls)).transpose()?;
    let (source, tls) = tls.unzip();
    let app = Arc::new(App::open(config)?);
    revoked_before(&app)?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let shards = (0..app.config.shards)
        .map(|number| start_shard(Arc::clone(&app), number, phases.clone(), tls.clone()))
        .collect::<std::io::Result<Vec<_>>>()?;
    let runtime =
        Builder::new_multi_thread().worker_threads(1).thread_name("accept").enable_all().build()?;
    runtime.spawn(accept::run(Arc::clone(&app), Door::Main, port, phases.clone()));
    let exporting = Exporting::start(&runtime, &app.traces);
    runtime.spawn(forget(Arc::clone(&app)));
    runtime.spawn(receipts::run(Arc::clone(&app)));
    runtime.spawn(online::run(Arc::clone(&app)));
    {
        let _entered = runtime.enter();
        if let Some(operator) = admin::socket::Door::open(&app.config.data) {
            runtime.spawn(operator.serve(Arc::clone(&app), phases.clone()));
        }
        if let Some(source) = source {
            runtime.spawn(source.keep(signal(SignalKind::hangup())?));
        }
    }
    if let Some(port) = metrics_port {
        runtime.spawn(accept::run(Arc::clone(&app), Door::Metrics, port, phases));
    }
    Ok(Server { app, runtime, shards, phase, address, metrics_address, exporting })
}

fn open(flag: &str, address: SocketAddr) -> anyhow::Result<Port> {
    Port::open(address).with_context(|| format!("cannot listen on {address} ({flag})"))
}

/// The sessions whose last access token may still be about.
fn revoked_before(app: &App) -> anyhow::Result<()> {
    let now_ms = clock::wall_ms();
    let since = now_ms.saturating_sub(chinwag_core::limit::ACCESS_TOKEN_S * 1000);
    let runtime = Builder::new_current_thread().build()?;
    let sessions = runtime.block_on(app.store.read(move |reader| reader.revoked_since(since)))?;
    app.revoked.add(&sessions, now_ms);
    Ok(())
}

fn start_shard(
    app: Arc<App>,
    number: u16,
    phase: watch::Receiver<Phase>,
    tls: Option<Arc<ServerConfig>>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("shard-{number}")).spawn(move || {
        LocalSet::new().block_on(&runtime, async move {
            let shard = Shard::new(app, number);
            let http = Http::new(Rc::clone(&shard), phase, tls);
            shard.run(move |accepted| http.accept(accepted)).await;
        });
    })
}

async fn forget(app: Arc<App>) {
    let mut every = tokio::time::interval(FORGET_EVERY);
    loop {
        every.tick().await;
        app.throttle.forget_idle();
        app.revoked.forget_expired(clock::wall_ms());
    }
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// The sentences that tell the one who started it where to go and how one registers.
    #[must_use]
    pub fn welcome(&self) -> Vec<String> {
        let config = &self.app.config;
        let url = config.origin();
        let mut lines = vec![format!("Chinwag is at {url}")];
        lines.push(match (self.app.store.bootstrap_code(), self.app.registration()) {
            (Some(_), Registration::Open) => {
                "The first account will own this installation.".to_owned()
            }
            (Some(code), _) => format!(
                "Make the first account, which will own this installation, with this link, good \
                 once: {url}/#invite={code}"
            ),
            (None, Registration::Open) => {
                "Anyone who can reach this address may register.".to_owned()
            }
            (None, Registration::Invite) => "One registers by invite.".to_owned(),
            (None, Registration::Closed) => "Registration is closed.".to_owned(),
        });
        if !config.rate_limits {
            lines.push("Warning: rate limits are off; this is for benches and tests.".to_owned());
        }
        lines
    }

    /// Listens for a signal to stop, and calls `ready`: from then on one drains. Waits for it, calls
    /// `stopping`, then drains. An error where the disk failed instead: then what waited has been
    /// answered, and the process must end.
    pub fn run_until_signalled(
        self,
        ready: impl FnOnce(),
        stopping: impl FnOnce(),
    ) -> Result<(), DiskFailed> {
        let failed = self.runtime.block_on(async {
            let (terminate, interrupt) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
            ready();
            tokio::select! {
                () = told(terminate) => false,
                () = told(interrupt) => false,
                () = self.app.store.failure() => true,
            }
        });
        stopping();
        if failed {
            self.stop_within(FAILED_WITHIN);
            return Err(DiskFailed);
        }
        tracing::info!("draining");
        self.stop();
        Ok(())
    }

    /// Stops accepting, answers what is queued, says goodbye, and closes the store.
    pub fn stop(self) {
        self.stop_within(DRAIN_WITHIN);
    }

    fn stop_within(self, within: Duration) {
        let until = Instant::now() + within;
        self.app.begin_drain();
        let _ = self.phase.send(Phase::Draining);
        let return_within = return_within(self.app.shards.connections(), self.app.config.shards);
        self.app.shards.publish(&ToShard::Drain { return_within });
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(within, nobody_left(&self.app)).await;
        });
        let _ = self.phase.send(Phase::Over);
        let left = self.app.shards.connections();
        tracing::info!(connections = left, "drained");
        self.app.store.close();
        self.app.shards.publish(&ToShard::Stop);
        for shard in self.shards {
            if shard.join().is_err() {
                tracing::error!("a shard had panicked");
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        self.exporting.finish(&self.runtime, left.min(TRACES_WITHIN));
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// Over how long so many spread their coming back: few are back at once, and many are no storm.
fn return_within(connections: usize, shards: u16) -> Duration {
    let spread = connections as f64 / (RETURNS_A_SECOND * f64::from(shards));
    Duration::from_secs_f64(spread).clamp(RETURN_WITHIN_MIN, DRAIN_WITHIN)
}

/// Waits until every connection is over, and for those who were about to come in when the drain began.
async fn nobody_left(app: &App) {
    let mut look = tokio::time::interval_at(Instant::now() + COMING_IN, Duration::from_millis(20));
    loop {
        look.tick().await;
        if app.shards.connections() == 0 {
            return;
        }
    }
}

/// Waits for a signal; for ever where it cannot be listened for.
async fn told(signal: std::io::Result<Signal>) {
    match signal {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => {
            tracing::warn!(%error, "a signal to stop cannot be listened for");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_there_are_the_longer_they_spread_and_never_beyond_the_drain() {
        assert_eq!(return_within(0, 1), RETURN_WITHIN_MIN);
        assert_eq!(return_within(4_000, 1), Duration::from_secs(2));
        assert_eq!(return_within(4_000, 4), RETURN_WITHIN_MIN);
        assert_eq!(return_within(10_000, 1), DRAIN_WITHIN);
        assert_eq!(return_within(1_000_000, 2), DRAIN_WITHIN);
    }
}
