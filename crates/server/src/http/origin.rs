//! Requests that a page of another site makes a browser send.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chinwag_proto::code::{ErrorCode, Problem};
use http::{HeaderMap, header};

use super::answer::Failure;
use crate::app::App;
use crate::config::Config;

/// Refuses what carries the `Origin` of another site. What carries none is no browser's script, and
/// needs a token all the same.
pub(crate) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match allowed(&app.config, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => Failure(problem).into_response(),
    }
}

/// `Origin` must have the host and port of `Host`, or be the public URL.
pub(crate) fn allowed(config: &Config, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    if config.public_url.as_ref().is_some_and(|url| url.origin() == origin) {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let same = match origin.split_once("://") {
        Some((scheme @ ("http" | "https"), authority)) => {
            let port = if scheme == "https" { ":443" } else { ":80" };
            let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_owned();
            !authority.is_empty() && bare(authority) == bare(&host)
        }
        _ => false,
    };
    if same { Ok(()) } else { Err(refused()) }
}

fn refused() -> Problem {
    let message = "the page's origin is not this server's; if people reach it under another \
                   address (a proxy?), start it with --public-url and that address";
    Problem::new(ErrorCode::Forbidden, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RawConfig, Registration};

    fn ok(public_url: Option<&str>, origin: &str, host: &str) -> bool {
        let config = Config::new(RawConfig {
            listen: "127.0.0.1:8080".parse().expect("an address"),
            public_url: public_url.map(str::to_owned),
            data: "x".into(),
            registration: Some(Registration::Open),
            rate_limits: true,
            metrics_listen: None,
            shards: Some(1),
            trusted_hops: 0,
        });
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().expect("a header"));
        headers.insert(header::HOST, host.parse().expect("a header"));
        allowed(&config.expect("a good configuration"), &headers).is_ok()
    }

    #[test]
    fn only_the_same_host_and_port_may() {
        let good = [
            ("http://localhost:8080", "localhost:8080"),
            ("http://LOCALHOST:8080", "localhost:8080"),
            ("https://chat.example", "chat.example:443"),
            ("http://chat.example:80", "chat.example"),
            ("http://[::1]:8080", "[::1]:8080"),
        ];
        for (origin, host) in good {
            assert!(ok(None, origin, host), "{origin} at {host}");
        }
        let bad = [
            ("https://evil.example", "localhost:8080"),
            ("null", "localhost:8080"),
            ("", "localhost:8080"),
            ("http://", ""),
            ("http://localhost:8080.evil.example", "localhost:8080"),
            ("http://evil-localhost:8080", "localhost:8080"),
            ("http://localhost:9090", "localhost:8080"),
            ("http://localhost", "localhost:8080"),
            ("http://ann@localhost:8080", "localhost:8080"),
            ("file://localhost:8080", "localhost:8080"),
            ("chrome-extension://localhost:8080", "localhost:8080"),
            ("http://localhost:8080/", "localhost:8080"),
            ("http://xn--lcalhost-c6a:8080", "localhost:8080"),
        ];
        for (origin, host) in bad {
            assert!(!ok(None, origin, host), "{origin} at {host}");
        }
    }

    #[test]
    fn the_public_url_may_behind_a_proxy() {
        let url = Some("https://chat.example");
        assert!(ok(url, "https://chat.example", "127.0.0.1:8080"));
        assert!(!ok(url, "http://chat.example", "127.0.0.1:8080"));
        assert!(!ok(url, "https://chat.example.evil", "127.0.0.1:8080"));
    }
}
