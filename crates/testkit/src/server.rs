//! A server in a box: the real one, in this process, in a folder and on a port of its own.
//!
//! Nothing here sleeps. What is waited for has a deadline ([`DEADLINE`]), and a test that reaches it
//! fails with what it waited for.
//!
//! Reading order: [`Server`], [`User`], [`Request`], [`Socket`], [`Stream`].

mod authority;
mod http;
mod socket;
mod stream;
mod user;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use chinwag_core::id::Key;
use chinwag_server::config::{Config, RawConfig};
use chinwag_server::run;
use rustls::ClientConfig;
use serde_json::json;
use tempfile::TempDir;

pub use authority::Authority;
pub use http::{Exchange, Request, Response};
pub use socket::{Heard, Socket};
pub use stream::Stream;
pub use user::{User, id};
pub use wire::{Wire, trust, write_certificate};

/// How long anything may take before the test fails: far above what the slowest machine needs.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The password of every user that [`Server::register`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// A running server with its folder. It is stopped, and the folder removed, when this is dropped.
#[derive(Debug)]
pub struct Server {
    running: Option<run::Server>,
    raw: RawConfig,
    folder: TempDir,
    door: Door,
}

/// Where a server listens, and all that its clients heard from it.
#[derive(Debug, Clone)]
pub struct Door {
    pub address: SocketAddr,
    /// What a client goes by where the door speaks TLS.
    pub trust: Option<Arc<ClientConfig>>,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Door {
    /// A door to this address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, trust: None, heard: Arc::default() }
    }

    /// A request, not yet sent.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.clone(), method, path)
    }

    fn hear(&self, bytes: &[u8]) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend_from_slice(bytes);
    }
}

impl Server {
    /// One shard, open registration, no rate limits.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same but for what `change` says.
    #[must_use]
    pub fn with(change: impl FnOnce(&mut RawConfig)) -> Self {
        watch_for_panics();
        let folder = tempfile::tempdir().expect("a folder of its own");
        let mut raw = RawConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            data: folder.path().join("data"),
            registration: None,
            rate_limits: false,
            metrics_listen: None,
            shards: Some(1),
            trusted_hops: 0,
            tls_cert: None,
            tls_key: None,
            acme: false,
            acme_contact: None,
            acme_directory: None,
            acme_root: None,
            traces: None,
        };
        change(&mut raw);
        let running = run(&raw);
        let mut door = Door::new(running.address());
        door.trust = raw.tls_cert.as_deref().map(trust);
        raw.listen = door.address;
        Self { running: Some(running), raw, folder, door }
    }

    /// The same over TLS, with a certificate of its own that its clients trust.
    #[must_use]
    pub fn with_tls() -> Self {
        Self::with(|raw| {
            let folder = raw.data.parent().expect("the data's folder is in the test's own");
            let (cert, key) = write_certificate(folder);
            (raw.tls_cert, raw.tls_key) = (Some(cert), Some(key));
        })
    }

    /// Where it listens; the same after [`Server::restart`].
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    #[must_use]
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// The port that answers `/metrics` alone, where the configuration named one.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.running.as_ref()?.metrics_address()
    }

    /// The folder that holds the database.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.raw.data
    }

    /// A folder of the test's own, removed with the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The start lines.
    #[must_use]
    pub fn welcome(&self) -> Vec<String> {
        self.running.as_ref().map(run::Server::welcome).unwrap_or_default()
    }

    /// Drains and stops as a signal would make it.
    ///
    /// # Panics
    /// Where a thread of a server panicked.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let panics = panics();
        assert!(panics.is_empty(), "a server panicked: {panics:?}");
    }

    /// Stops, then starts again on the same folder and port.
    pub fn restart(&mut self) {
        self.restart_with(|_| {});
    }

    /// The same with another configuration.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut RawConfig)) {
        self.stop();
        change(&mut self.raw);
        self.running = Some(run(&self.raw));
    }

    /// A request without a token.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.door.request(method, path)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str, body: &serde_json::Value) -> Request {
        self.request("POST", path).json(body)
    }

    /// Makes an account with [`PASSWORD`].
    #[must_use]
    pub fn register(&self, handle: &str) -> User {
        let body = json!({"handle": handle, "password": PASSWORD, "refresh": "body"});
        let answer = self.post("/v1/auth/register", &body).expect(201);
        User::of_tokens(&self.door, PASSWORD, &answer.json())
    }

    /// Makes several accounts.
    #[must_use]
    pub fn register_all<const COUNT: usize>(&self, handles: [&str; COUNT]) -> [User; COUNT] {
        handles.map(|handle| self.register(handle))
    }

    /// A WebSocket that has said nothing yet.
    #[must_use]
    pub fn socket(&self) -> Socket {
        Socket::open(&self.door)
    }

    /// One figure of `/metrics`, by the beginning of its line.
    #[must_use]
    pub fn figure(&self, name: &str) -> f64 {
        let text = self.get("/metrics").expect(200).text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|rest| rest.trim().parse().ok());
        value.unwrap_or_else(|| panic!("/metrics has no {name}"))
    }

    /// All bytes that clients of this server heard so far.
    #[must_use]
    pub fn heard(&self) -> Vec<u8> {
        let heard = self.door.heard.lock();
        heard.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test failed already; what it left open would only hold the drain up.
            drop(self.running.take());
        } else {
            self.stop();
        }
    }
}

fn run(raw: &RawConfig) -> run::Server {
    let config = Config::new(raw.clone()).expect("a good configuration");
    run::start(config).expect("the server starts")
}

/// A key that no other call gives.
#[must_use]
pub fn fresh_key() -> Key {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = since.map_or(0, |since| since.as_millis() as u64);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Key::new(now_ms, u128::from(number))
}

static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What panicked on a server's thread so far, in this process.
#[must_use]
pub fn panics() -> Vec<String> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A task that panics is caught by its runtime and leaves no trace but the hook's.
fn watch_for_panics() {
    const THREADS: [&str; 4] = ["shard-", "store-", "hash-", "accept"];
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or_default();
            if THREADS.iter().any(|prefix| name.starts_with(prefix)) {
                let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
                panics.push(format!("{name}: {info}"));
            }
            before(info);
        }));
    });
}
