//! HTTP/1.1 on each connection, on hyper's, until it becomes a WebSocket or ends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Shutdown};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Request, StatusCode, header};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::limit::{HEADER_WITHIN, PENDING_PER_ADDRESS_MAX};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::ws::handshake;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::spawn_local;
use tower::ServiceExt as _;

use super::pulse::{Answer, Answering, Pulse, Watched};
use super::{Phase, Place};
use crate::clock;
use crate::http;
use crate::http::answer::{self, Failure, harden};
use crate::http::extract::Peer;
use crate::http::origin;
use crate::shard::Shard;
use crate::shard::connection;
use crate::shard::inbox::{Accepted, Counted, Door};

/// Bytes of a request's header, and fields in it.
const HEADER_BYTES_MAX: usize = 16 * 1024;
const HEADER_FIELDS_MAX: usize = 100;
/// How long a connection must have been still before a drain closes it. A request may be on its way
/// when the server decides to go, and HTTP/1.1 has no word to its client but the answer to it.
const STILL_FOR: Duration = Duration::from_millis(500);
/// How long, and for how many bytes, one listens on after one's own last word. A socket that is closed
/// with something unread resets the connection, and takes the answer along that is on its way.
const LINGER_FOR: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// Serves HTTP on one shard's thread.
pub(crate) struct Http {
    shard: Rc<Shard>,
    router: Router,
    metrics: Router,
    phase: watch::Receiver<Phase>,
    /// Connections of each address on this shard that have not shown a token on a WebSocket.
    pending: Rc<RefCell<HashMap<IpAddr, usize>>>,
    /// This shard's part of [`PENDING_PER_ADDRESS_MAX`]; connections go to the shards in turn.
    pending_max: usize,
}

/// A connection as its requests know it.
struct Talk {
    shard: Rc<Shard>,
    door: Door,
    router: Router,
    peer: IpAddr,
    place: Rc<Place>,
    pulse: Rc<Pulse>,
    after: Cell<After>,
}

/// What becomes of a connection when the HTTP on it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    End,
    Socket,
    #[cfg(feature = "conformance")]
    Echo,
}

impl Http {
    pub(crate) fn new(shard: Rc<Shard>, phase: watch::Receiver<Phase>) -> Self {
        let router = http::router(Arc::clone(&shard.app));
        let metrics = http::metrics_router(Arc::clone(&shard.app));
        let pending_max = PENDING_PER_ADDRESS_MAX.div_ceil(usize::from(shard.app.config.shards));
        Self { shard, router, metrics, phase, pending: Rc::default(), pending_max }
    }

    /// Takes an accepted connection.
    pub(crate) fn accept(&self, accepted: Accepted) {
        let Accepted { door, stream, peer, counted } = accepted;
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        let Some(place) = Place::take(&self.pending, peer, self.pending_max) else {
            self.shard.app.metrics.accepts_refused.inc();
            return;
        };
        let router = match door {
            Door::Main => self.router.clone(),
            Door::Metrics => self.metrics.clone(),
        };
        let talk = Rc::new(Talk {
            shard: Rc::clone(&self.shard),
            door,
            router,
            peer,
            place: Rc::new(place),
            pulse: Pulse::new(),
            after: Cell::new(After::End),
        });
        spawn_local(serve(talk, Rc::new(stream), self.phase.clone(), counted));
    }
}

/// Answers what is asked until the client or a drain ends it, or it has become a WebSocket.
async fn serve(
    talk: Rc<Talk>,
    stream: Rc<TcpStream>,
    phase: watch::Receiver<Phase>,
    counted: Counted,
) {
    let service = service_fn({
        let talk = Rc::clone(&talk);
        move |request| answer(Rc::clone(&talk), request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_header_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX);
    let watched = Watched { stream: Rc::clone(&stream), pulse: Rc::clone(&talk.pulse) };
    let mut connection = builder.serve_connection(TokioIo::new(watched), service);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended.is_ok(),
        () = drained(&talk.pulse, &stream, phase) => false,
    };
    let early = connection.into_parts().read_buf;
    match talk.after.get() {
        After::Socket if ended => {
            let (shard, place) = (Rc::clone(&talk.shard), Rc::clone(&talk.place));
            connection::begin(shard, stream, early, place);
        }
        #[cfg(feature = "conformance")]
        After::Echo if ended => connection::begin_echo(Rc::clone(&talk.shard), stream, early),
        _ => {
            drop(early);
            linger(&stream).await;
        }
    }
    drop(counted);
}

/// Waits for the drain, and then until the connection has been still for so long that nobody seems to
/// be about to ask on it. What is being answered, or heard, has the time of the whole drain.
async fn drained(pulse: &Pulse, stream: &TcpStream, mut phase: watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
    let began_ms = clock::monotonic_ms();
    loop {
        let still_since_ms = pulse.moved_ms().max(began_ms);
        let still_for = Duration::from_millis(clock::monotonic_ms() - still_since_ms);
        let left = STILL_FOR.saturating_sub(still_for);
        if left.is_zero() && pulse.is_idle() && !has_unread(stream) {
            return;
        }
        tokio::time::sleep(left.max(STILL_FOR / 10)).await;
    }
}

/// Whether the kernel has something of the peer that was not read.
fn has_unread(stream: &TcpStream) -> bool {
    let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
    peeked.is_ok_and(|bytes| bytes > 0)
}

/// Says that nothing more comes, and listens until the peer says the same.
async fn linger(stream: &TcpStream) {
    if SockRef::from(stream).shutdown(Shutdown::Write).is_err() {
        return;
    }
    let heard_out = async {
        let (mut ignored, mut left) = ([0; 1024], LINGER_BYTES_MAX);
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut ignored) {
                Ok(count) if count > 0 && left > 0 => left = left.saturating_sub(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_FOR, Box::pin(heard_out)).await;
}

async fn answer(
    talk: Rc<Talk>,
    mut request: Request<Incoming>,
) -> Result<::http::Response<Answer>, Infallible> {
    let answering = Answering::begin(&talk.pulse);
    let app = &talk.shard.app;
    app.metrics.requests.inc();
    let mut response = if talk.door == Door::Main && is_socket(request.uri().path()) {
        harden(upgrade(&talk, &request)).await
    } else {
        request.extensions_mut().insert(Peer(talk.peer));
        // A proxy in front may have seen the end of such a body elsewhere, and another request in what
        // follows: nothing may follow (RFC 9112, 6.1).
        let last = request.headers().contains_key(header::TRANSFER_ENCODING);
        let mut response = talk.router.clone().oneshot(request.map(Body::new)).await?;
        if last {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    };
    // Whoever is answered during a drain is told not to ask here again.
    if app.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Answer { body, _answering: answering }))
}

fn is_socket(path: &str) -> bool {
    path == "/v1/ws" || (cfg!(feature = "conformance") && path == "/conformance")
}

/// Answers a request to become a WebSocket.
fn upgrade(talk: &Talk, request: &Request<Incoming>) -> Response {
    let app = &talk.shard.app;
    if let Err(problem) = origin::allowed(&app.config, request) {
        return Failure(problem).into_response();
    }
    if app.is_draining() {
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
    talk.after.set(After::Socket);
    #[cfg(feature = "conformance")]
    if request.uri().path() == "/conformance" {
        talk.after.set(After::Echo);
    }
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    *response.headers_mut() = accepted.headers();
    response
}
