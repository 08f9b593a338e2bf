//! The accept loop, and HTTP/1.1 on each connection until it becomes a WebSocket or ends.
//!
//! `axum::serve` has no header timeout, no limit of connections and no drain, so this is ours, on
//! hyper's connection.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Request, StatusCode, header};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chinwag_core::limit::{CONNECTIONS_MAX, HEADER_WITHIN, PENDING_PER_ADDRESS_MAX, STALLED_AFTER};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::ws::handshake;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::{Cell, RefCell};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tower::ServiceExt as _;

use crate::app::App;
use crate::http;
use crate::http::answer::{self, Failure, harden};
use crate::http::extract::Peer;
use crate::http::origin;
use crate::shard::Shard;
use crate::shard::connection;
use crate::shard::inbox::{Door, ToShard};

/// Bytes of a request's header, and fields in it.
const HEADER_BYTES_MAX: usize = 16 * 1024;
const HEADER_FIELDS_MAX: usize = 100;
/// How long the loop rests when the system has no descriptor left.
const EXHAUSTED_REST: Duration = Duration::from_millis(100);

/// Opens the port. The backlog holds those who come back all at once after a restart.
///
/// Every connection inherits the time within which its peer must take what is sent: past it the
/// kernel ends the connection, also where the peer is there and its window stays shut (`tcp(7)`,
/// `TCP_USER_TIMEOUT`), so that an answer that nobody reads is not held for ever.
pub(crate) fn listen(address: std::net::SocketAddr) -> std::io::Result<StdListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALLED_AFTER))?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Gives each new connection to a shard, in turn, until `stop`.
pub(crate) async fn run(
    app: Arc<App>,
    door: Door,
    listener: StdListener,
    mut stop: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the port cannot be polled"),
    };
    let inboxes = app.shards.inboxes();
    let mut turn = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                if app.shards.connections() >= CONNECTIONS_MAX {
                    app.metrics.accepts_refused.inc();
                    continue;
                }
                let _ = stream.set_nodelay(true);
                if let Ok(stream) = stream.into_std() {
                    let peer = peer.ip().to_canonical();
                    let taken = inboxes[turn].push(ToShard::Accepted(door, stream, peer));
                    let counter =
                        if taken { &app.metrics.accepted } else { &app.metrics.accepts_refused };
                    counter.inc();
                    turn = (turn + 1) % inboxes.len();
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted for a moment");
                app.metrics.accepts_refused.inc();
                tokio::time::sleep(EXHAUSTED_REST).await;
            }
        }
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves HTTP on one shard's thread.
pub(crate) struct Http {
    shard: Rc<Shard>,
    router: Router,
    metrics: Router,
    stop: watch::Receiver<bool>,
    /// Connections of each address on this shard that have not shown a token on a WebSocket.
    pending: Rc<RefCell<HashMap<IpAddr, usize>>>,
    /// This shard's part of [`PENDING_PER_ADDRESS_MAX`]; connections go to the shards in turn.
    pending_max: usize,
}

impl Http {
    pub(crate) fn new(shard: Rc<Shard>, stop: watch::Receiver<bool>) -> Self {
        let router = http::router(Arc::clone(&shard.app));
        let metrics = http::metrics_router(Arc::clone(&shard.app));
        let pending_max = PENDING_PER_ADDRESS_MAX.div_ceil(usize::from(shard.app.config.shards));
        Self { shard, router, metrics, stop, pending: Rc::default(), pending_max }
    }

    /// Takes an accepted connection.
    pub(crate) fn accept(&self, door: Door, stream: StdStream, peer: IpAddr) {
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        let Some(place) = Place::take(&self.pending, peer, self.pending_max) else {
            self.shard.app.metrics.accepts_refused.inc();
            return;
        };
        let place = Rc::new(place);
        let shard = Rc::clone(&self.shard);
        let router = match door {
            Door::Main => self.router.clone(),
            Door::Metrics => self.metrics.clone(),
        };
        let asked = Rc::new(Cell::new(false));
        let service = service_fn({
            let (place, asked) = (Rc::clone(&place), Rc::clone(&asked));
            move |request| {
                asked.set(true);
                serve(Rc::clone(&shard), door, router.clone(), request, peer, Rc::clone(&place))
            }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WITHIN)
            .max_header_size(HEADER_BYTES_MAX)
            .max_headers(HEADER_FIELDS_MAX);
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut stop = self.stop.clone();
        let shards = Arc::clone(&self.shard.app.shards);
        shards.opened();
        spawn_local(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                _ = connection.as_mut() => true,
                _ = stop.changed() => false,
            };
            // The kernel may hold a request; after a turn of the runtime the connection has read it.
            let ended = ended
                || tokio::select! {
                    biased;
                    _ = connection.as_mut() => true,
                    () = tokio::task::yield_now() => false,
                };
            // One that nothing was ever asked on would wait for its first request.
            if !ended && asked.get() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
            drop(place);
            shards.closed();
        });
    }
}

/// A place among the connections of one address, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pending: Rc<RefCell<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Place {
    fn take(
        pending: &Rc<RefCell<HashMap<IpAddr, usize>>>,
        address: IpAddr,
        max: usize,
    ) -> Option<Self> {
        let mut all = pending.borrow_mut();
        let count = all.entry(address).or_insert(0);
        if *count >= max && !address.is_loopback() {
            return None;
        }
        *count += 1;
        drop(all);
        Some(Self { pending: Rc::clone(pending), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.pending.borrow_mut();
        if let Some(count) = all.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.address);
            }
        }
    }
}

async fn serve(
    shard: Rc<Shard>,
    door: Door,
    router: Router,
    mut request: Request<Incoming>,
    peer: IpAddr,
    place: Rc<Place>,
) -> Result<Response, Infallible> {
    shard.app.metrics.requests.inc();
    if door == Door::Main && is_socket(request.uri().path()) {
        return Ok(harden(upgrade(&shard, request, place)).await);
    }
    request.extensions_mut().insert(Peer(peer));
    // A proxy in front may have seen the end of such a body elsewhere, and another request in what
    // follows: nothing may follow (RFC 9112, 6.1).
    let last = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = router.oneshot(request.map(Body::new)).await?;
    if last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn is_socket(path: &str) -> bool {
    path == "/v1/ws" || (cfg!(feature = "conformance") && path == "/conformance")
}

/// Answers a request to become a WebSocket.
fn upgrade(shard: &Rc<Shard>, mut request: Request<Incoming>, place: Rc<Place>) -> Response {
    if let Err(problem) = origin::allowed(&shard.app.config, &request) {
        return Failure(problem).into_response();
    }
    if shard.app.is_draining() {
        return Failure(crate::app::draining()).into_response();
    }
    let checked = handshake::check(request.method(), request.version(), request.headers());
    let accepted = match checked {
        Ok(accepted) => accepted,
        Err(refused) => {
            let code = match refused {
                handshake::Refused::Method => ErrorCode::MethodNotAllowed,
                _ => ErrorCode::Invalid,
            };
            let problem = Problem::new(code, refused.to_string());
            let mut response = answer::problem(problem, refused.status());
            response.headers_mut().extend(refused.headers());
            return response;
        }
    };
    #[cfg(feature = "conformance")]
    let echo = request.uri().path() == "/conformance";
    let upgrade = hyper::upgrade::on(&mut request);
    let shard = Rc::clone(shard);
    spawn_local(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
            return;
        };
        let (stream, early): (TcpStream, Bytes) = (parts.io.into_inner(), parts.read_buf);
        #[cfg(feature = "conformance")]
        if echo {
            return connection::echo(shard, stream, early).await;
        }
        // In a task of its own, which has no room for what this one went through.
        spawn_local(connection::serve(shard, stream, early, place));
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    *response.headers_mut() = accepted.headers();
    response
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write as _};

    use socket2::SockRef;

    use super::*;

    /// The kernel keeps the promise that [`listen`] relies on: a peer that is there and reads nothing
    /// is given up. What is inherited is asked for; the wait itself is shortened.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        let listener = listen(([127, 0, 0, 1], 0).into()).expect("a port");
        let silent = StdStream::connect(listener.local_addr().expect("an address"));
        listener.set_nonblocking(false).expect("it may wait");
        let (mut stream, _) = listener.accept().expect("a connection");
        let inherited = SockRef::from(&stream).tcp_user_timeout().expect("an option");
        assert_eq!(inherited, Some(STALLED_AFTER));

        let soon = Some(Duration::from_millis(300));
        SockRef::from(&stream).set_tcp_user_timeout(soon).expect("an option");
        let ended = loop {
            if let Err(error) = stream.write_all(&[0; 64 * 1024]) {
                break error;
            }
        };
        assert_eq!(ended.kind(), ErrorKind::TimedOut, "{ended}");
        drop(silent);
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let pending = Rc::default();
        let take = |last: u8| Place::take(&pending, IpAddr::from([192, 0, 2, last]), 2);
        let (first, second) = (take(1), take(1));
        assert!(first.is_some() && second.is_some() && take(1).is_none());
        assert!(take(2).is_some(), "another address");
        drop(first);
        assert!(take(1).is_some());
        let near = IpAddr::from([127, 0, 0, 1]);
        let all: Vec<_> = (0..9).map(|_| Place::take(&pending, near, 2)).collect();
        assert!(all.iter().all(Option::is_some), "loopback is a proxy or oneself");
    }
}
