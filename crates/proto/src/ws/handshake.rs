//! The opening handshake (RFC 6455 4.2): whether a request becomes a WebSocket, and the answer's headers.
//!
//! The size of the header block is the accept loop's limit; all here is one pass over it. `Origin` is
//! the door's to check, because it depends on the configuration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use sha1::{Digest, Sha1};

/// The subprotocol of this wire. Another version will have another name.
pub const SUBPROTOCOL: &str = "chinwag.v1";

/// Appended to the key before it is hashed (RFC 6455 1.3).
const KEY_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a key once it is decoded (RFC 6455 4.1).
const KEY_BYTES: usize = 16;

/// A request that may become a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    accept: String,
    subprotocol: bool,
}

/// Why a request is answered with an ordinary response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The method is not GET.
    #[error("a WebSocket is opened with GET")]
    Method,
    /// HTTP/1.0, which cannot upgrade, or HTTP/2, whose way to a WebSocket is not offered.
    #[error("a WebSocket is opened over HTTP/1.1")]
    HttpVersion,
    /// The request has a body, which would be taken for frames.
    #[error("a request for a WebSocket has no body")]
    Body,
    /// Not a handshake at all: `Upgrade` does not name `websocket`.
    #[error("this address speaks WebSocket: the header Upgrade must be websocket")]
    Upgrade,
    /// `Connection` does not name `upgrade`; a proxy that does not know WebSockets took it away.
    #[error("the header Connection must name upgrade")]
    Connection,
    /// `Sec-WebSocket-Version` is not one 13.
    #[error("the header Sec-WebSocket-Version must be 13")]
    WebSocketVersion,
    /// There is no `Sec-WebSocket-Key`, more than one, or it is not 16 bytes in base64.
    #[error("there must be one Sec-WebSocket-Key, of 16 bytes in base64")]
    Key,
    /// Subprotocols are offered, ours is not among them.
    #[error("the only subprotocol is {SUBPROTOCOL}")]
    Subprotocol,
}

/// Decides what a request for a WebSocket is answered with.
///
/// # Errors
/// The request is refused with [`Refused::status`] and [`Refused::headers`]; nothing is upgraded.
pub fn check(method: &Method, version: Version, headers: &HeaderMap) -> Result<Accepted, Refused> {
    if method != Method::GET {
        return Err(Refused::Method);
    }
    if version != Version::HTTP_11 {
        return Err(Refused::HttpVersion);
    }
    if has_body(headers) {
        return Err(Refused::Body);
    }
    if !lists(headers, &UPGRADE, "websocket") {
        return Err(Refused::Upgrade);
    }
    if !lists(headers, &CONNECTION, "upgrade") {
        return Err(Refused::Connection);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(Refused::WebSocketVersion);
    }
    let key = key_read(headers).ok_or(Refused::Key)?;
    let subprotocol = subprotocol_check(headers)?;
    Ok(Accepted { accept: accept_key(key), subprotocol })
}

/// The value of `Sec-WebSocket-Accept` that answers a key (RFC 6455 4.2.2). A client compares it with
/// what came back.
#[must_use]
pub fn accept_key(key: &str) -> String {
    let hash = Sha1::new().chain_update(key).chain_update(KEY_SUFFIX).finalize();
    STANDARD.encode(hash)
}

/// The value of a client's `Sec-WebSocket-Key`; the bytes are drawn at random for each connection.
#[must_use]
pub fn request_key(random: [u8; KEY_BYTES]) -> String {
    STANDARD.encode(random)
}

impl Accepted {
    /// The subprotocol to answer with: ours if it was offered, else none.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'static str> {
        self.subprotocol.then_some(SUBPROTOCOL)
    }

    /// The headers of the answer, whose status is 101.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let accept = HeaderValue::from_str(&self.accept).expect("base64 is visible ASCII");
        let mut headers = HeaderMap::from_iter([
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, accept),
        ]);
        if let Some(subprotocol) = self.subprotocol() {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
        }
        headers
    }
}

impl Refused {
    /// The status of the answer: 400, 405 or 426.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Upgrade | Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::HttpVersion | Self::Body | Self::Connection | Self::Key | Self::Subprotocol => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// The headers that the status requires: what would be accepted (RFC 9110 15.5.6 and 15.5.22,
    /// RFC 6455 4.4).
    #[must_use]
    pub fn headers(self) -> HeaderMap {
        match self {
            Self::Method => HeaderMap::from_iter([(ALLOW, HeaderValue::from_static("GET"))]),
            Self::Upgrade | Self::WebSocketVersion => HeaderMap::from_iter([
                (CONNECTION, HeaderValue::from_static("Upgrade")),
                (UPGRADE, HeaderValue::from_static("websocket")),
                (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
            ]),
            Self::HttpVersion | Self::Body | Self::Connection | Self::Key | Self::Subprotocol => {
                HeaderMap::new()
            }
        }
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let lengths = headers.get_all(CONTENT_LENGTH);
    headers.contains_key(TRANSFER_ENCODING) || lengths.iter().any(|length| length != "0")
}

/// The elements of a comma-separated header, over all its lines (RFC 9110 5.6.1).
fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Whether a header names this token, whatever its case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// The value of a header that may stand only once; `None` if it is absent or repeated.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => Some(line.as_bytes().trim_ascii()),
        _ => None,
    }
}

fn key_read(headers: &HeaderMap) -> Option<&str> {
    let key = str::from_utf8(only(headers, &SEC_WEBSOCKET_KEY)?).ok()?;
    // One byte over, so that a longer key is an error here and not a longer buffer.
    let mut decoded = [0; KEY_BYTES + 1];
    let bytes = STANDARD.decode_slice(key, &mut decoded).ok()?;
    (bytes == KEY_BYTES).then_some(key)
}

/// Whether to answer with our subprotocol. Its name is compared in its case (RFC 6455 4.1).
fn subprotocol_check(headers: &HeaderMap) -> Result<bool, Refused> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(false);
    }
    let mut offered = elements(headers, &SEC_WEBSOCKET_PROTOCOL);
    if offered.any(|name| name == SUBPROTOCOL.as_bytes()) {
        Ok(true)
    } else {
        Err(Refused::Subprotocol)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

    use super::{Accepted, Refused, accept_key, check, request_key};

    /// The request of RFC 6455 1.3, with our subprotocol.
    const GOOD: [(&str, &str); 5] = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chinwag.v1"),
    ];

    fn header_map<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a valid name");
            headers.append(name, HeaderValue::from_str(value).expect("a valid value"));
        }
        headers
    }

    /// The good request with all lines of one header replaced by these.
    fn check_with(name: &str, values: &[&str]) -> Result<Accepted, Refused> {
        let others = GOOD.into_iter().filter(|(other, _)| *other != name);
        let lines = others.chain(values.iter().map(|value| (name, *value)));
        check(&Method::GET, Version::HTTP_11, &header_map(lines))
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted_with_its_answer() {
        let accepted = check(&Method::GET, Version::HTTP_11, &header_map(GOOD)).expect("good");
        let expected = header_map([
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "chinwag.v1"),
        ]);
        assert_eq!(accepted.headers(), expected);
        assert_eq!(request_key(*b"the sample nonce"), GOOD[2].1);
        assert_eq!(accept_key(GOOD[2].1), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn without_a_subprotocol_none_is_answered() {
        let accepted = check_with("sec-websocket-protocol", &[]).expect("good");
        assert_eq!(accepted.subprotocol(), None);
        assert!(!accepted.headers().contains_key("sec-websocket-protocol"));
    }

    #[test]
    fn other_ways_to_write_the_same_are_accepted() {
        let spaces = format!("{}chinwag.v1", " ".repeat(10_000));
        let cases: [(&str, &[&str]); 10] = [
            ("upgrade", &["WebSocket"]),
            ("upgrade", &["h2c, websocket"]),
            ("connection", &["keep-alive, Upgrade"]),
            ("connection", &["keep-alive", "upgrade"]),
            ("connection", &["keep-alive,,\tUPGRADE ,"]),
            ("sec-websocket-version", &[" 13 "]),
            ("content-length", &["0"]),
            ("sec-websocket-protocol", &["chat, chinwag.v1"]),
            ("sec-websocket-protocol", &["chat", "chinwag.v1"]),
            ("sec-websocket-protocol", &[&spaces]),
        ];
        for (name, values) in cases {
            let accepted = check_with(name, values).map(|accepted| accepted.subprotocol());
            assert_eq!(accepted, Ok(Some("chinwag.v1")), "{name}: {values:.60?}");
        }
    }

    #[test]
    fn each_header_that_is_wrong_is_refused_by_its_name() {
        let key = GOOD[2].1;
        let long = "A".repeat(64 * 1024);
        let cases: [(&str, &[&str], Refused); 27] = [
            ("upgrade", &[], Refused::Upgrade),
            ("upgrade", &[""], Refused::Upgrade),
            ("upgrade", &["h2c"], Refused::Upgrade),
            ("upgrade", &["websockets"], Refused::Upgrade),
            ("connection", &[], Refused::Connection),
            ("connection", &["close"], Refused::Connection),
            ("connection", &["keep-alive"], Refused::Connection),
            ("connection", &["no upgrade"], Refused::Connection),
            ("sec-websocket-version", &[], Refused::WebSocketVersion),
            ("sec-websocket-version", &["8"], Refused::WebSocketVersion),
            ("sec-websocket-version", &["013"], Refused::WebSocketVersion),
            ("sec-websocket-version", &["13, 8"], Refused::WebSocketVersion),
            ("sec-websocket-version", &["13", "13"], Refused::WebSocketVersion),
            ("sec-websocket-key", &[], Refused::Key),
            ("sec-websocket-key", &[""], Refused::Key),
            ("sec-websocket-key", &[key, key], Refused::Key),
            ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZQ"], Refused::Key),
            ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25j"], Refused::Key),
            ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZSE="], Refused::Key),
            ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZ!=="], Refused::Key),
            ("sec-websocket-key", &[&long], Refused::Key),
            ("sec-websocket-protocol", &[""], Refused::Subprotocol),
            ("sec-websocket-protocol", &["chat"], Refused::Subprotocol),
            ("sec-websocket-protocol", &["Chinwag.V1"], Refused::Subprotocol),
            ("sec-websocket-protocol", &[&long], Refused::Subprotocol),
            ("content-length", &["5"], Refused::Body),
            ("transfer-encoding", &["chunked"], Refused::Body),
        ];
        for (name, values, refused) in cases {
            assert_eq!(check_with(name, values), Err(refused), "{name}: {values:.60?}");
        }
    }

    #[test]
    fn other_methods_and_versions_of_http_are_refused() {
        let headers = header_map(GOOD);
        for method in [Method::POST, Method::HEAD, Method::CONNECT, Method::OPTIONS] {
            let refused = check(&method, Version::HTTP_11, &headers);
            assert_eq!(refused, Err(Refused::Method), "{method}");
        }
        for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2] {
            let refused = check(&Method::GET, version, &headers);
            assert_eq!(refused, Err(Refused::HttpVersion), "{version:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_would_be_accepted() {
        let cases = [
            (Refused::Method, StatusCode::METHOD_NOT_ALLOWED, "allow", "GET"),
            (Refused::Upgrade, StatusCode::UPGRADE_REQUIRED, "upgrade", "websocket"),
            (
                Refused::WebSocketVersion,
                StatusCode::UPGRADE_REQUIRED,
                "sec-websocket-version",
                "13",
            ),
        ];
        for (refused, status, name, value) in cases {
            assert_eq!(refused.status(), status);
            assert_eq!(refused.headers()[name], value);
        }
        for refused in [
            Refused::HttpVersion,
            Refused::Body,
            Refused::Connection,
            Refused::Key,
            Refused::Subprotocol,
        ] {
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
            assert!(refused.headers().is_empty());
        }
    }
}
