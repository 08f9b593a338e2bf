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
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::accept::http1::Http;
use crate::accept::{self, Phase};
use crate::app::App;
use crate::clock;
use crate::config::{Config, Registration};
use crate::shard::Shard;
use crate::shard::inbox::{Door, ToShard};
use crate::tls::certificates::Certificates;

/// How often rates and revocations that no longer matter are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// Time for the answers to those who waited when the disk failed: a connection that is kept is known to be
/// still after half a second (`accept/http1.rs`), and one that ends before that may cut a request off.
const FAILED_WITHIN: Duration = Duration::from_millis(900);
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
}

/// The disk failed a write, so the process must end. Started again, it has all that was answered as done.
#[derive(Debug, thiserror::Error)]
#[error("ended because of its disk: the log has the reason")]
pub struct DiskFailed;

/// Opens the store, starts the shards and listens.
pub fn start(config: Config) -> anyhow::Result<Server> {
    let listener = listen("--listen", config.listen)?;
    let address = listener.local_addr()?;
    let config = Config { listen: address, ..config };
    let metrics_listener =
        config.metrics_listen.map(|address| listen("--metrics-listen", address)).transpose()?;
    let metrics_address = metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let certificates = match &config.tls {
        Some(files) => Some(Certificates::load(&config, files)?),
        None => None,
    };
    let tls = certificates.as_ref().map(Certificates::server_config).transpose()?;
    let app = Arc::new(App::open(config)?);
    revoked_before(&app)?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let shards = (0..app.config.shards)
        .map(|number| start_shard(Arc::clone(&app), number, phases.clone(), tls.clone()))
        .collect::<std::io::Result<Vec<_>>>()?;
    let runtime =
        Builder::new_multi_thread().worker_threads(1).thread_name("accept").enable_all().build()?;
    runtime.spawn(accept::run(Arc::clone(&app), Door::Main, listener, phases.clone()));
    runtime.spawn(forget(Arc::clone(&app)));
    if let Some(certificates) = certificates {
        let _entered = runtime.enter();
        runtime.spawn(certificates.watch(signal(SignalKind::hangup())?));
    }
    if let Some(listener) = metrics_listener {
        runtime.spawn(accept::run(Arc::clone(&app), Door::Metrics, listener, phases));
    }
    Ok(Server { app, runtime, shards, phase, address, metrics_address })
}

fn listen(flag: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    accept::listen(address).with_context(|| format!("cannot listen on {address} ({flag})"))
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
        let url = match &config.public_url {
            Some(url) => url.origin().to_owned(),
            None => format!("{}://{}", config.scheme(), named(self.address)),
        };
        let mut lines = vec![format!("Chinwag is at {url}")];
        lines.push(match (self.app.store.bootstrap_code(), config.registration) {
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

    /// Waits for a signal to stop, calls `stopping`, then drains. An error where the disk failed
    /// instead: then what waited has been answered, and the process must end.
    pub fn run_until_signalled(self, stopping: impl FnOnce()) -> Result<(), DiskFailed> {
        let failed = self.runtime.block_on(async {
            tokio::select! {
                () = signalled() => false,
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
        self.app.begin_drain();
        let _ = self.phase.send(Phase::Draining);
        self.app.shards.publish(&ToShard::Drain);
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
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
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

/// An address as one types it: every interface is also this machine.
fn named(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        return format!("localhost:{}", address.port());
    }
    address.to_string()
}

async fn signalled() {
    let terminate = signal(SignalKind::terminate());
    let Ok(mut terminate) = terminate else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
