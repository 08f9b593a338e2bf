//! The server's own parsers of bytes from outside, held to their promises whatever the bytes are: for the
//! tests below and for `cargo xtask fuzz`. The others are in `testkit/src/parsers.rs`.

use std::net::IpAddr;

use axum::extract::Query;
use chinwag_core::id::{SessionId, UserId};
use chinwag_core::limit::USER_LOOKUP_MAX;
use chinwag_store::SigningKey;
use http::{HeaderName, HeaderValue, Request, Uri, Version};
use serde::de::DeserializeOwned;

use crate::auth::Caller;
use crate::auth::cookie;
use crate::auth::token::AccessTokens;
use crate::config::{Config, RawConfig};
use crate::http::extract::{self, Peer};
use crate::http::origin;
use crate::queries::{convert, log, members, presence, rooms, timeline, users};
use crate::shard::events::Name;

const PUBLIC: &str = "https://chat.example";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

/// The headers of a request, one a line. Nobody is let in from another site, and nobody chooses the address
/// that they are counted under.
pub fn request_head(bytes: &[u8]) {
    let Some(request) = request(bytes) else {
        return;
    };
    let (headers, extensions) = (request.headers(), request.extensions());
    assert_eq!(extract::visitor(headers, extensions, 0), PEER);
    let entries = extract::forwarded(headers);
    for hops in 1..=3_u8 {
        let entry = entries.len().checked_sub(usize::from(hops)).map(|place| entries[place]);
        let believed = entry.and_then(|entry| entry.parse().ok()).unwrap_or(PEER);
        assert_eq!(extract::visitor(headers, extensions, hops), believed);
    }
    if let Some(token) = cookie::get(headers, "chinwag_x") {
        assert!(!token.is_empty() && !token.contains(';'));
    }
    let _ = (extract::is_json(headers), extract::bearer(headers));
    let config = Config::new(raw()).expect("a good configuration");
    if origin::allowed(&config, &request).is_ok() {
        only_ours(&request);
    }
}

/// What stands in `Origin` where it was allowed is the public URL or the page's own host.
fn only_ours(request: &Request<()>) {
    let said = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = said("origin").map(str::to_ascii_lowercase) else {
        return;
    };
    let host = said("host").unwrap_or_default().to_ascii_lowercase();
    let name = |text: &str| text.split_once("://").map_or(text, |(_, rest)| rest).to_owned();
    let bare = |text: String| {
        let text = text.strip_suffix(":443").map_or(text.clone(), str::to_owned);
        text.strip_suffix(":80").map_or(text.clone(), str::to_owned)
    };
    assert!(origin == PUBLIC || bare(name(&origin)) == bare(host.clone()), "{origin} at {host}");
}

fn request(bytes: &[u8]) -> Option<Request<()>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut request = Request::new(());
    *request.version_mut() = Version::HTTP_11;
    for line in text.split('\n').take(64) {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        request.headers_mut().append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    request.extensions_mut().insert(Peer(PEER));
    Some(request)
}

fn raw() -> RawConfig {
    RawConfig {
        listen: ([127, 0, 0, 1], 8080).into(),
        public_url: Some(PUBLIC.to_owned()),
        data: "x".into(),
        registration: None,
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
    }
}

/// A query string, and what stands in its fields: cursors, ids, the name of a stream.
pub fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    fields::<log::Page>(&text);
    fields::<timeline::Page>(&text);
    fields::<members::Page>(&text);
    fields::<presence::Which>(&text);
    fields::<rooms::Which>(&text);
    fields::<users::Which>(&text);
    if let Ok(cursor) = convert::room_cursor(&text) {
        let written = format!("{}.{}", cursor.active_at_ms, cursor.room);
        let again = convert::room_cursor(&written).expect("what the server writes");
        assert_eq!((again.active_at_ms, again.room), (cursor.active_at_ms, cursor.room));
    }
    if let Ok(ids) = users::parse_ids("ids", &text) {
        assert!((1..=USER_LOOKUP_MAX).contains(&ids.len()));
    }
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.to_string().parse(), Ok(name));
    }
}

fn fields<T: DeserializeOwned>(text: &str) {
    let Ok(uri) = format!("/v1/x?{text}").parse::<Uri>() else {
        return;
    };
    if let Err(error) = Query::<T>::try_from_uri(&uri) {
        let problem = extract::query_problem(&error.body_text());
        assert!(problem.field.is_some_and(|field| !field.is_empty()));
    }
}

/// An access token: what this server did not sign is nobody's. `%` in the case stands for a good token.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let tokens = tokens_of(7);
    let (user, session) = (UserId::from_i64(1), SessionId::from_i64(2));
    let good = tokens.issue(Caller { user, session }, 4_000_000_000_000);
    let offered = text.replace('%', &good);
    let caller = tokens.check(&offered);
    assert_eq!(caller.is_some(), offered == good, "{offered}");
    assert_eq!(tokens_of(8).check(&offered), None);
}

fn tokens_of(secret: u8) -> AccessTokens {
    let key = SigningKey { kid: "a".to_owned(), secret: [secret; 32] };
    AccessTokens::new(&[key], "home")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chinwag_testkit::parsers::{Parser, hold_over};

    #[test]
    fn no_bytes_break_a_parser_of_the_servers_own() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
        for (name, hold, cases) in [
            ("request_head", super::request_head as fn(&[u8]), 10_000),
            ("query", super::query, 10_000),
            ("token", super::token, 1_000),
        ] {
            hold_over(Parser { name, hold }, &seeds, cases).expect("it holds");
        }
    }
}
