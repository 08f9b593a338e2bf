//! `POST /v1/stream`: the frames of the WebSocket as the body of an answer, for those whose WebSockets are
//! broken on the way.
//!
//! The request is read by hyper, with all its limits, and refused like any other. A good one is not
//! answered there: the connection is taken from hyper, as one that becomes a WebSocket is, and the shard
//! writes to it itself. So a reader of this kind has the same outbox, is found to be stalled and is told
//! that it lags in the same way, and costs as little while it waits.

use std::cell::RefCell;
use std::convert::Infallible;

use ::http::{HeaderValue, Method, Request, Version, header};
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chinwag_core::limit::HELLO_WITHIN;
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::parse;
use chinwag_proto::stream::Framing;
use hyper::body::Incoming;
use tokio::sync::Notify;

use crate::app::{self, App};
use crate::clock;
use crate::http::answer::{Answer, Failure, harden};
use crate::http::extract;
use crate::http::origin;
use crate::shard::events::{Greeting, check};

pub(super) const PATH: &str = "/v1/stream";

/// A good request of a connection, until the connection is taken for it.
#[derive(Debug, Default)]
pub(super) struct Turn {
    greeting: RefCell<Option<Greeting>>,
    came: Notify,
}

impl Turn {
    /// Hands the connection over. What is asked on it is answered by another.
    pub(super) async fn give(&self, greeting: Greeting) -> Infallible {
        *self.greeting.borrow_mut() = Some(greeting);
        self.came.notify_one();
        std::future::pending().await
    }

    /// Waits until a connection is handed over.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    pub(super) fn take(&self) -> Option<Greeting> {
        self.greeting.take()
    }
}

/// Reads a request for an event stream.
pub(super) async fn ask(
    app: &App,
    is_strict: bool,
    request: Request<Incoming>,
) -> Answer<Greeting> {
    origin::allowed(&app.config, &request)?;
    if app.is_draining() {
        return Err(app::draining().into());
    }
    if request.method() != Method::POST {
        let problem = Problem::new(ErrorCode::MethodNotAllowed, "a stream is asked for by POST");
        return Err(problem.into());
    }
    if !extract::is_json(request.headers()) {
        return Err(Problem::invalid("content-type", "must be application/json").into());
    }
    let framing = match request.version() {
        Version::HTTP_11 => Framing::Chunked,
        _ => Framing::Bare,
    };
    let body = extract::read(request.map(Body::new), HELLO_WITHIN).await?;
    let hello = parse::body(&body)?;
    let caller = check(app, &hello)?;
    Ok(Greeting { caller, hello, framing, head: head(framing, is_strict).await })
}

pub(super) async fn refused(failure: Failure) -> Response {
    let is_method = failure.0.code == ErrorCode::MethodNotAllowed;
    let mut response = harden(failure.into_response()).await;
    if is_method {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// The answer up to its body. No proxy may keep the body back until there is more of it.
async fn head(framing: Framing, is_strict: bool) -> Bytes {
    let mut response = harden(().into_response()).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.remove(header::CONTENT_LENGTH);
    if framing == Framing::Chunked {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if is_strict {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, super::http1::STRICT);
    }
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    for (name, value) in &*headers {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend(format!("date: {}\r\n\r\n", httpdate::fmt_http_date(clock::wall())).bytes());
    head.into()
}
