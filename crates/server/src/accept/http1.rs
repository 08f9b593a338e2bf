//! HTTP/1.1 on each connection, on hyper's, until it becomes a WebSocket or ends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Method, Request, StatusCode, header};
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
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::spawn_local;
use tower::ServiceExt as _;

use super::pulse::{Answer, Answering, Pulse, Watched};
use super::{Phase, Place};
use crate::clock;
use crate::config::PublicUrl;
use crate::http;
use crate::http::answer::{self, Failure, harden};
use crate::http::extract::Peer;
use crate::http::origin;
use crate::shard::Shard;
use crate::shard::connection;
use crate::shard::inbox::{Accepted, Counted, Door};
use crate::stream::Stream;
use crate::tls::{Handshakes, Opened};

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
    handshakes: Option<Rc<Handshakes>>,
    /// Whether browsers are told to come by `https` alone for a year (RFC 6797). That holds for every
    /// port of a host: it is said only where the public URL is the whole host, and TLS is ours to say it of.
    is_strict: bool,
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
    /// It speaks plain HTTP to a port of TLS.
    is_astray: Cell<bool>,
    is_strict: bool,
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
    pub(crate) fn new(
        shard: Rc<Shard>,
        phase: watch::Receiver<Phase>,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let url = shard.app.config.public_url.as_ref();
        let is_strict = tls.is_some() && url.is_some_and(PublicUrl::is_whole_host);
        let handshakes = tls.map(|config| Rc::new(Handshakes::new(config)));
        let router = http::router(Arc::clone(&shard.app));
        let metrics = http::metrics_router(Arc::clone(&shard.app));
        let config = &shard.app.config;
        // Where proxies stand in front all come from their addresses: they count for themselves.
        let pending_max = match config.trusted_hops {
            0 => PENDING_PER_ADDRESS_MAX.div_ceil(usize::from(config.shards)),
            _ => usize::MAX,
        };
        Self {
            shard,
            router,
            metrics,
            phase,
            handshakes,
            is_strict,
            pending: Rc::default(),
            pending_max,
        }
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
        let (router, handshakes) = match door {
            Door::Main => (self.router.clone(), self.handshakes.clone()),
            Door::Metrics => (self.metrics.clone(), None),
        };
        let talk = Rc::new(Talk {
            shard: Rc::clone(&self.shard),
            door,
            router,
            peer,
            place: Rc::new(place),
            pulse: Pulse::new(),
            is_astray: Cell::new(false),
            is_strict: handshakes.is_some() && self.is_strict,
            after: Cell::new(After::End),
        });
        spawn_local(serve(talk, stream, handshakes, self.phase.clone(), counted));
    }
}

/// Answers what is asked until the client or a drain ends it, or it has become a WebSocket.
async fn serve(
    talk: Rc<Talk>,
    stream: TcpStream,
    handshakes: Option<Rc<Handshakes>>,
    phase: watch::Receiver<Phase>,
    counted: Counted,
) {
    let stream = match handshakes {
        None => Stream::Plain(stream),
        Some(handshakes) => match open(&talk, &handshakes, stream, phase.clone()).await {
            Some(stream) => stream,
            None => return,
        },
    };
    let stream = Rc::new(stream);
    let service = service_fn({
        let talk = Rc::clone(&talk);
        move |request| answer(Rc::clone(&talk), request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Who has said all that it has to say may still wait for the answer.
        .half_close(true)
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

/// Goes through the handshake, as far as a drain leaves the time for it.
async fn open(
    talk: &Talk,
    handshakes: &Handshakes,
    stream: TcpStream,
    mut phase: watch::Receiver<Phase>,
) -> Option<Stream> {
    let metrics = &talk.shard.app.metrics;
    let opened = tokio::select! {
        // On the heap, so that the connection has no room for it for the rest of its life.
        opened = Box::pin(handshakes.open(stream)) => opened,
        _ = phase.wait_for(|phase| *phase == Phase::Over) => return None,
    };
    match opened {
        Ok(Opened::Tls(session)) => Some(Stream::Tls(session)),
        Ok(Opened::Http(stream)) => {
            talk.is_astray.set(true);
            Some(Stream::Plain(stream))
        }
        Err(error) => {
            tracing::debug!(%error, "a handshake failed");
            metrics.handshakes_failed.inc();
            None
        }
    }
}

/// Waits for the drain, and then until the connection has been still for so long that nobody seems to
/// be about to ask on it. What is being answered, or heard, has the time of the whole drain.
async fn drained(pulse: &Pulse, stream: &Stream, mut phase: watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
    let began_ms = clock::monotonic_ms();
    loop {
        let still_since_ms = pulse.moved_ms().max(began_ms);
        let still_for = Duration::from_millis(clock::monotonic_ms() - still_since_ms);
        let left = STILL_FOR.saturating_sub(still_for);
        if left.is_zero() && pulse.is_idle() && !stream.has_unread() {
            return;
        }
        tokio::time::sleep(left.max(STILL_FOR / 10)).await;
    }
}

/// Says that nothing more comes, and listens until the peer says the same.
async fn linger(stream: &Stream) {
    if stream.end().is_err() {
        return;
    }
    let heard_out = async {
        let (mut ignored, mut left) = ([0; 1024], LINGER_BYTES_MAX);
        // Of TLS nothing has to be understood any more.
        while stream.tcp().readable().await.is_ok() {
            match stream.tcp().try_read(&mut ignored) {
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
    let is_astray = talk.is_astray.get() && !is_probe(request.uri().path());
    let mut response = if is_astray {
        harden(lead_to_https(&talk, &request)).await
    } else if talk.door == Door::Main && is_socket(request.uri().path()) {
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
    if talk.is_strict && !talk.is_astray.get() {
        let a_year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    // Whoever is answered during a drain is told not to ask here again.
    if app.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Answer { body, _answering: answering }))
}

/// Whoever typed an address without its `https` is led there. A request that would change something
/// has told its secrets in the open already: that must be seen, not mended.
fn lead_to_https(talk: &Talk, request: &Request<Incoming>) -> Response {
    let config = &talk.shard.app.config;
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = host.and_then(|host| format!("https://{host}{path}").parse().ok());
    match location {
        Some(location)
            if matches!(*request.method(), Method::GET | Method::HEAD)
                && origin::allowed(config, request).is_ok() =>
        {
            let headers: [(_, HeaderValue); 2] = [
                (header::LOCATION, location),
                (header::CONNECTION, HeaderValue::from_static("close")),
            ];
            (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
        }
        _ => {
            let problem = Problem::new(ErrorCode::Invalid, "this port speaks https, not http");
            let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
            (close, Failure(problem)).into_response()
        }
    }
}

/// A probe comes from beside the server, asks for nothing secret, and knows of no certificate.
fn is_probe(path: &str) -> bool {
    path == "/livez" || path == "/readyz"
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
