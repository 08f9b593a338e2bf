//! Answers: JSON, problems, and the headers that every one has.

use axum::response::{IntoResponse, Response};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::encode;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::app;
use crate::auth::password::QueueFull;
use crate::throttle::TooMany;

/// A request that was refused.
#[derive(Debug)]
pub(crate) struct Failure(pub Problem);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<TooMany> for Failure {
    fn from(wait: TooMany) -> Self {
        Self(too_many(wait))
    }
}

impl From<QueueFull> for Failure {
    fn from(_: QueueFull) -> Self {
        Self(Problem::retry(ErrorCode::Busy, "too many sign in at once, try again", 2_000))
    }
}

impl From<chinwag_store::write::Refusal> for Failure {
    fn from(refusal: chinwag_store::write::Refusal) -> Self {
        Self(app::problem(&refusal))
    }
}

pub(crate) fn too_many(wait: TooMany) -> Problem {
    Problem::retry(ErrorCode::RateLimited, "too many for now", wait.retry_after_ms)
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::debug!(code = self.0.code.name(), field = self.0.field, "refused");
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        problem(self.0, status)
    }
}

/// A problem with a status of its own, where HTTP has a finer one than the code's.
pub(crate) fn problem(problem: Problem, status: StatusCode) -> Response {
    let Problem { code, message, field, retry_after_ms } = problem;
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": code.name(),
        "message": message,
    });
    if let Some(field) = field {
        body["field"] = field.into();
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(wait_ms) = retry_after_ms {
        body["retry_after_ms"] = wait_ms.into();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
    }
    if code == ErrorCode::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    (status, headers, body.to_string()).into_response()
}

/// A JSON answer of a wire type.
pub(crate) struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json_bytes(encode::json(&self.0))
    }
}

/// A JSON answer that is bytes already.
pub(crate) fn json_bytes(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

pub(crate) type Answer<T> = Result<T, Failure>;

/// Puts on what every answer has: nothing is framed, sniffed, cached or referred to unless its
/// handler said otherwise.
pub(crate) async fn harden(mut response: Response) -> Response {
    let common = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in common {
        let headers = response.headers_mut();
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
