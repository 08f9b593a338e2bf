//! The web app's files, as they are embedded.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use chinwag_assets::Asset;
use chinwag_proto::code::{ErrorCode, Problem};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use crate::http::answer::Failure;

/// What the app's documents may do: its own scripts and styles, its own origin, and nothing else.
/// Text becomes HTML nowhere: trusted types allow two policies, that of Svelte for its own templates and
/// that of the page for the address of its service worker.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types svelte-trusted-html chinwag-worker";

/// The app's document for every path that is not the API's, and its files.
pub(crate) async fn page(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/v1/") {
        return Failure(Problem::not_found()).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let problem = Problem::new(ErrorCode::MethodNotAllowed, "this path has other methods");
        return Failure(problem).into_response();
    }
    match chinwag_assets::asset(path) {
        Some(asset) => file(asset, request.headers()),
        None => Failure(Problem::not_found()).into_response(),
    }
}

fn file(asset: &Asset, asked: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    let lasting = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasting));
    // Weak, because the same tag stands for the compressed forms too (RFC 9110, 8.8.3).
    let etag = format!("W/{}", asset.etag);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let (bytes, encoding) = encoded(asset, asked);
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, bytes).into_response()
}

/// The smallest form that the browser takes.
fn encoded(asset: &Asset, asked: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let takes = asked.get(header::ACCEPT_ENCODING).and_then(|takes| takes.to_str().ok());
    let takes = |name: &str| {
        takes.is_some_and(|takes| {
            takes.split(',').any(|one| one.split(';').next().is_some_and(|one| one.trim() == name))
        })
    };
    match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if takes("br") => (bytes, Some("br")),
        (_, Some(bytes)) if takes("gzip") => (bytes, Some("gzip")),
        _ => (asset.bytes, None),
    }
}
