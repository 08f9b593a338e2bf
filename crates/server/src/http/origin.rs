//! Requests that a page of another site makes a browser send.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chinwag_proto::code::{ErrorCode, Problem};
use http::uri::Authority;
use http::{Version, header};

use super::answer::Failure;
use crate::app::App;
use crate::config::{Config, PublicUrl};

/// Refuses what carries the `Origin` of another site. What carries none is no browser's script, and
/// needs a token all the same.
pub(crate) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match allowed(&app.config, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => Failure(problem).into_response(),
    }
}

/// `Host` must be this server's, or a page whose name was made to lead here (DNS rebinding) would be
/// of the same origin. `Origin`, where there is one, must have its host and port, or be the public URL.
pub(crate) fn allowed<B>(config: &Config, request: &Request<B>) -> Result<(), Problem> {
    let host = host(request)?;
    if !host.as_deref().is_none_or(|host| is_ours(config, host)) {
        return Err(refused("host"));
    }
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let is_public = config.public_url.as_ref().is_some_and(|url| url.origin() == origin);
    // A page that came in the open may be anyone's, though it names this host and port.
    let may_be_same = config.tls.is_none() || origin.starts_with("https:");
    let is_same = is_public || (may_be_same && is_at(&origin, host.as_deref().unwrap_or_default()));
    if is_same && origins.next().is_none() { Ok(()) } else { Err(refused("page's origin")) }
}

/// The one `Host`, in lower case; before HTTP/1.1 it may be missing (RFC 9112, 3.2).
fn host<B>(request: &Request<B>) -> Result<Option<String>, Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Ok(Some(host.to_str().unwrap_or_default().to_ascii_lowercase())),
        (None, None) if request.version() < Version::HTTP_11 => Ok(None),
        _ => Err(Problem::invalid("host", "must be there, once")),
    }
}

/// Whether the name leads to this server whatever anyone writes into a public DNS: the public URL's,
/// an address, `localhost`; and without a public URL what is of this network alone.
fn is_ours(config: &Config, host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let is_public = |url: &PublicUrl| bare(host, url.is_https()) == url.authority();
    let is_local =
        || config.public_url.is_none() && (!name.contains('.') || name.ends_with(".local"));
    !host.contains('@')
        && (config.public_url.as_ref().is_some_and(is_public)
            || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || is_local())
}

/// Whether a page of this origin comes from this host and port.
fn is_at(origin: &str, host: &str) -> bool {
    let Some((scheme @ ("http" | "https"), authority)) = origin.split_once("://") else {
        return false;
    };
    let https = scheme == "https";
    !authority.is_empty() && bare(authority, https) == bare(host, https)
}

/// Without the port that goes without saying.
fn bare(authority: &str, https: bool) -> &str {
    let port = if https { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

fn refused(what: &str) -> Problem {
    let message = format!(
        "the {what} is not this server's; if people reach it under another address, start it with \
         --public-url and that address, and let a proxy in front pass the Host on"
    );
    Problem::new(ErrorCode::Forbidden, message)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::config::{RawConfig, Registration};

    fn ok(public_url: Option<&str>, origin: &str, host: &str) -> bool {
        asked(public_url, &[(header::HOST, host), (header::ORIGIN, origin)]).is_ok()
    }

    fn asked(public_url: Option<&str>, headers: &[(HeaderName, &str)]) -> Result<(), Problem> {
        let config = Config::new(RawConfig {
            listen: "127.0.0.1:8080".parse().expect("an address"),
            public_url: public_url.map(str::to_owned),
            data: "x".into(),
            registration: Some(Registration::Open),
            rate_limits: true,
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
        });
        let mut request = http::Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(name, value.parse().expect("a header"));
        }
        allowed(&config.expect("a good configuration"), &request)
    }

    #[test]
    fn only_the_same_host_and_port_may() {
        let good = [
            ("http://localhost:8080", "localhost:8080"),
            ("http://LOCALHOST:8080", "localhost:8080"),
            ("https://chat", "chat:443"),
            ("http://chat.local:80", "chat.local"),
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

    #[test]
    fn a_name_that_anyone_may_point_here_is_not_ours() {
        let at = |url, host| asked(url, &[(header::HOST, host)]).is_ok();
        let near = ["127.0.0.1:8080", "[::1]:8080", "10.0.0.7", "localhost:8080", "a.localhost"];
        let url = Some("https://chat.example");
        for host in near {
            assert!(at(None, host) && at(url, host), "{host}");
        }
        for host in ["chat", "chat:8080", "Chat.Local:8080"] {
            assert!(at(None, host) && !at(url, host), "{host}");
        }
        for host in
            ["evil.example:8080", "", "a@localhost", "localhost.evil.example", "[::1", "x y"]
        {
            assert!(!at(None, host) && !at(url, host), "{host}");
        }
        assert!(at(url, "chat.example") && at(url, "CHAT.example:443"));
        assert!(!at(url, "chat.example:80") && !at(url, "evil.chat.example"));
        assert!(!ok(None, "http://evil.example:8080", "evil.example:8080"));
    }

    #[test]
    fn one_host_and_at_most_one_origin_are_named() {
        let code = |headers: &[(HeaderName, &str)]| asked(None, headers).err().map(|it| it.code);
        let (host, origin) = ((header::HOST, "chat"), (header::ORIGIN, "http://chat"));
        assert_eq!(code(&[]), Some(ErrorCode::Invalid));
        assert_eq!(code(&[host.clone(), host.clone()]), Some(ErrorCode::Invalid));
        assert_eq!(code(&[host.clone(), origin.clone()]), None);
        assert_eq!(code(&[host, origin.clone(), origin]), Some(ErrorCode::Forbidden));
    }
}
