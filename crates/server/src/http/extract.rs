//! What a handler asks for in its arguments, and gets only if it is good.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use chinwag_core::limit::{BODY_WITHIN, FRAME_BYTES_MAX};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::parse;
use http::header;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use super::answer::Failure;
use crate::app::App;
use crate::auth::Caller;

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let caller = bearer(&parts.headers).and_then(|token| app.caller(token));
        let caller = caller.ok_or_else(|| Failure(Problem::unauthorized()))?;
        app.throttle.command(caller.user)?;
        Ok(caller)
    }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Someone whose address may knock at a door that needs no token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor(pub IpAddr);

/// The other end of the connection; put into every request by the accept loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub IpAddr);

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let address = visitor(&parts.headers, &parts.extensions, app.config.trusted_hops);
        app.throttle.address(address)?;
        Ok(Self(address))
    }
}

/// The other end of the connection.
pub(crate) fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0)
}

/// The entries of `X-Forwarded-For`: each proxy adds whom it was asked by at the end.
pub(crate) fn forwarded(headers: &HeaderMap) -> Vec<&str> {
    let lists = headers.get_all("x-forwarded-for").iter();
    let lists = lists.filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).collect()
}

/// The peer, or the n-th entry of `X-Forwarded-For` from the right where n proxies are trusted: what
/// stands further left, anyone may have written.
pub(crate) fn visitor(headers: &HeaderMap, extensions: &Extensions, trusted_hops: u8) -> IpAddr {
    let peer = peer(extensions);
    let Some(place) = usize::from(trusted_hops).checked_sub(1) else {
        return peer;
    };
    let entry = forwarded(headers).into_iter().rev().nth(place);
    entry.and_then(|entry| entry.parse().ok()).unwrap_or(peer)
}

/// A JSON body of at most 64 KiB.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Problem::invalid("content-type", "must be application/json").into());
        }
        Ok(Self(parse::body(&read(request, BODY_WITHIN).await?)?))
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub(crate) struct MaybeBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<App>> for MaybeBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Failure> {
        let is_json = is_json(request.headers());
        match read(request, BODY_WITHIN).await? {
            bytes if bytes.is_empty() => Ok(Self(T::default())),
            bytes if is_json => Ok(Self(parse::body(&bytes)?)),
            _ => Err(Problem::invalid("content-type", "must be application/json").into()),
        }
    }
}

/// The body of a request, at most 64 KiB, which must have come within this time.
pub(crate) async fn read(request: Request, within: Duration) -> Result<Bytes, Failure> {
    let body = Limited::new(request.into_body(), FRAME_BYTES_MAX).collect();
    match tokio::time::timeout(within, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("a body is at most {FRAME_BYTES_MAX} bytes");
            Err(Problem::new(ErrorCode::TooLarge, message).into())
        }
        Ok(Err(_)) => Err(Problem::invalid("body", "did not arrive whole").into()),
        Err(_) => Err(Problem::invalid("body", "did not arrive in time").into()),
    }
}

/// The ids in a path. What is no id names nothing, so it is not found.
#[derive(Debug)]
pub(crate) struct Ids<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Ids<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found().into())
    }
}

/// The fields behind the `?`.
#[derive(Debug)]
pub(crate) struct Fields<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Fields<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Failure> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(fields)) => Ok(Self(fields)),
            Err(error) => Err(query_problem(&error.body_text()).into()),
        }
    }
}

/// "Failed to deserialize query string: limit: invalid digit", or the same with "missing field
/// `users`", as a field and what is wrong with it.
pub(crate) fn query_problem(text: &str) -> Problem {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    if let Some(field) = missing {
        return Problem::invalid(field, "is missing");
    }
    match text.split_once(": ") {
        Some((field, why)) if !field.contains(' ') => Problem::invalid(field, why),
        _ => Problem::invalid("query", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(forwarded: &[&str]) -> Parts {
        let mut request = http::Request::new(());
        request.extensions_mut().insert(Peer(IpAddr::from([10, 0, 0, 9])));
        for list in forwarded {
            request.headers_mut().append("x-forwarded-for", list.parse().expect("a header"));
        }
        request.into_parts().0
    }

    #[test]
    fn only_what_a_trusted_proxy_wrote_is_believed() {
        let of = |forwarded: &[&str], hops| {
            let parts = parts(forwarded);
            visitor(&parts.headers, &parts.extensions, hops).to_string()
        };
        assert_eq!(of(&["1.1.1.1, 2.2.2.2"], 0), "10.0.0.9");
        assert_eq!(of(&["1.1.1.1, 2.2.2.2"], 1), "2.2.2.2");
        assert_eq!(of(&["1.1.1.1", "2.2.2.2"], 2), "1.1.1.1");
        assert_eq!(of(&["1.1.1.1"], 2), "10.0.0.9");
        assert_eq!(of(&["nonsense"], 1), "10.0.0.9");
    }
}
