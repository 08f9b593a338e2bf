//! HTTP as it may not be: lines, lengths, chunks, and requests hidden in requests.

use std::time::Instant;

use chinwag_testkit::server::{Exchange, Response};

use super::{AT_ONCE, Scene};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// One answer of the four hundreds, and the connection ends.
    Refused,
    /// Refused, or closed without a word: it was never whole.
    RefusedOrClosed,
    /// Nothing of it may be done, whatever is answered.
    Harmless,
}

use Becomes::{Harmless, Refused, RefusedOrClosed};

/// Each with its name. `token` is good, and `victim` is a path that it must not reach.
#[rustfmt::skip]
pub(super) fn cases(token: &str, victim: &str) -> Vec<(&'static str, Vec<u8>, Becomes)> {
    let hidden = format!("DELETE {victim} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let post = |headers: &str, body: &str| {
        format!("POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{headers}\r\n{body}")
    };
    let get = |headers: &str| format!("GET /livez HTTP/1.1\r\n{headers}\r\n");
    let line = |line: &str| format!("{line}\r\nhost: a\r\nconnection: close\r\n\r\n");
    let long = "x".repeat(20_000);
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let text: Vec<(&str, String, Becomes)> = vec![
        ("nothing but lines", "\r\n\r\n\r\n\r\n".to_owned(), RefusedOrClosed),
        ("a word", line("HELLO"), Refused),
        ("two words", line("GET /livez"), Refused),
        ("HTTP/0.9", "GET /livez\r\n\r\n".to_owned(), Refused),
        ("HTTP/3.0", line("GET /livez HTTP/3.0"), Refused),
        ("HTTP/1.2", line("GET /livez HTTP/1.2"), Refused),
        ("http/1.1", line("GET /livez http/1.1"), Refused),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), RefusedOrClosed),
        ("a method with a space", line("GE T /livez HTTP/1.1"), Refused),
        ("a method of other characters", line("G\u{e9}T /livez HTTP/1.1"), Refused),
        ("no method", line(" /livez HTTP/1.1"), Refused),
        ("a NUL in the path", line("GET /liv\0ez HTTP/1.1"), Refused),
        ("a space in the path", line("GET /liv ez HTTP/1.1"), Refused),
        ("a path without a slash", line("GET livez HTTP/1.1"), Refused),
        ("an asterisk", line("GET * HTTP/1.1"), Refused),
        ("a tunnel", line("CONNECT a:80 HTTP/1.1"), Refused),
        ("somebody else's address", line("GET http://evil.example/livez HTTP/1.1"), Harmless),
        ("a long line", line(&format!("GET /{long} HTTP/1.1")), Refused),
        ("a long header", get(&format!("host: a\r\nx: {long}\r\n")), Refused),
        ("a long name", get(&format!("host: a\r\n{long}: x\r\n")), Refused),
        ("two hundred headers", get(&format!("host: a\r\n{many}")), Refused),
        ("a header without a colon", get("host: a\r\nnonsense\r\n"), Refused),
        ("a header without a name", get("host: a\r\n: x\r\n"), Refused),
        ("a space before the colon", get("host: a\r\nx : y\r\n"), Refused),
        ("a folded header", get("host: a\r\nx: y\r\n z\r\n"), Refused),
        ("a folded first header", get(" host: a\r\n"), Refused),
        ("a NUL in a header", get("host: a\r\nx: a\0b\r\n"), Refused),
        ("a line break in a header", get("host: a\r\nx: a\rb\r\n"), Refused),
        ("a control character in a name", get("host: a\r\nx\u{1}: y\r\n"), Refused),
        ("two lengths", post("content-length: 2\r\ncontent-length: 3\r\n", "{}"), Refused),
        ("a list of lengths", post("content-length: 2, 3\r\n", "{}"), Refused),
        ("a negative length", post("content-length: -1\r\n", "{}"), Refused),
        ("a signed length", post("content-length: +2\r\n", "{}"), Refused),
        ("a length in hexadecimal", post("content-length: 0x2\r\n", "{}"), Refused),
        ("a length in words", post("content-length: two\r\n", "{}"), Refused),
        ("a length of 2^64", post("content-length: 18446744073709551616\r\n", "{}"), Refused),
        ("a length of 2^63", post("content-length: 9223372036854775807\r\n", "{}"), RefusedOrClosed),
        ("a length and chunks", post("content-length: 4\r\ntransfer-encoding: chunked\r\n", &format!("0\r\n\r\n{hidden}")), Harmless),
        ("chunks and a length", post("transfer-encoding: chunked\r\ncontent-length: 4\r\n", &format!("0\r\n\r\n{hidden}")), Harmless),
        ("another encoding", post("transfer-encoding: gzip\r\n", &hidden), Refused),
        ("chunks that are not last", post("transfer-encoding: chunked, gzip\r\n", &format!("0\r\n\r\n{hidden}")), Refused),
        ("chunks twice", post("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", &format!("0\r\n\r\n{hidden}")), Harmless),
        ("an unknown encoding", post("transfer-encoding: xchunked\r\n", &format!("0\r\n\r\n{hidden}")), Refused),
        ("chunks behind a tab", post("transfer-encoding:\tchunked\r\n", &format!("zz\r\n{hidden}")), Harmless),
        ("chunks behind a vertical tab", post("transfer-encoding: \u{b}chunked\r\n", &format!("0\r\n\r\n{hidden}")), Refused),
        ("a chunk of no number", post("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"), Refused),
        ("a chunk of a negative number", post("transfer-encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"), Refused),
        ("a chunk of 2^64", post("transfer-encoding: chunked\r\n", "10000000000000000\r\n{}\r\n0\r\n\r\n"), Refused),
        ("a chunk that is longer than it says", post("transfer-encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n"), Refused),
        ("a chunk that is shorter than it says", post("transfer-encoding: chunked\r\n", "5\r\n{}\r\n0\r\n\r\n"), RefusedOrClosed),
        ("an endless extension", post("transfer-encoding: chunked\r\n", &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(40_000))), Refused),
        ("a chunk without its end", post("transfer-encoding: chunked\r\n", "2\r\n{}0\r\n\r\n"), Refused),
        ("trailers without end", post("transfer-encoding: chunked\r\n", &format!("0\r\n{}", "a: b\r\n".repeat(20_000))), RefusedOrClosed),
        ("a body that is shorter than it says", post("content-length: 100\r\n", "{}"), RefusedOrClosed),
        ("no end of the header", "GET /livez HTTP/1.1\r\nhost: a\r\n".to_owned(), RefusedOrClosed),
        ("half a line", "GET /li".to_owned(), RefusedOrClosed),
        ("line feeds alone", "GET /livez HTTP/1.1\nhost: a\nconnection: close\n\n".to_owned(), Harmless),
        ("carriage returns alone", "GET /livez HTTP/1.1\rhost: a\r\r".to_owned(), RefusedOrClosed),
        ("a request behind a request of HTTP/1.0", format!("GET /livez HTTP/1.0\r\n\r\n{hidden}"), Harmless),
        ("a request behind a refused one", format!("{}{hidden}", line("GET /livez HTTP/9.9")), Refused),
        ("an expectation", post("expect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n", "{}"), Harmless),
        ("another expectation", post("expect: miracles\r\ncontent-length: 2\r\nconnection: close\r\n", "{}"), Harmless),
    ];
    let mut all: Vec<_> = text.into_iter().map(|(name, text, becomes)| (name, text.into_bytes(), becomes)).collect();
    all.push(("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), RefusedOrClosed));
    all.push(("random bytes", (0..=255).cycle().take(4_096).collect(), RefusedOrClosed));
    all.push(("only NULs", vec![0; 1_000], RefusedOrClosed));
    all.push(("bytes above ASCII in a header", b"GET /livez HTTP/1.1\r\nhost: a\r\nauthorization: \xff\xfe\r\nconnection: close\r\n\r\n".to_vec(), Harmless));
    all
}

#[test]
fn broken_http_is_refused_and_hides_no_request() {
    let scene = Scene::new();
    let device = scene.ann.sign_in();
    // Signing this session out is what a hidden request would do.
    let sessions = device.get("/v1/sessions").expect(200).json();
    let sessions = sessions["sessions"].as_array().cloned().unwrap_or_default();
    let current = sessions.iter().find(|session| session["current"] == true).expect("it is listed");
    let victim = format!("/v1/sessions/{}", current["id"].as_str().unwrap_or_default());
    for (what, bytes, becomes) in cases(&scene.ann.token, &victim) {
        let since = Instant::now();
        // What is not whole is never answered, so it must end; the others end by themselves.
        let exchange = match becomes {
            RefusedOrClosed => Exchange::of_all(&scene.server.door(), &bytes, AT_ONCE),
            Refused | Harmless => Exchange::of(&scene.server.door(), &bytes, AT_ONCE),
        };
        assert!(exchange.closed && since.elapsed() < AT_ONCE, "{what} hangs: {exchange:?}");
        let answer = Response::parse(&exchange.heard);
        let status = answer.as_ref().map(|answer| answer.status);
        assert!(status.is_none_or(|status| status < 500), "{what}: {answer:?}");
        let fits = match becomes {
            Refused => status.is_some_and(|status| (400..500).contains(&status)),
            RefusedOrClosed => status.is_none_or(|status| (400..500).contains(&status)),
            Harmless => true,
        };
        assert!(fits, "{what}: {answer:?}");
        let alive = device.get("/v1/me").send();
        assert_eq!(
            alive.status,
            200,
            "{what} hid a request: {}",
            String::from_utf8_lossy(&exchange.heard)
        );
    }
    device.delete(&victim).expect(204);
    scene.assert_unchanged();
}

/// Requests that follow each other on one connection are answered each, in order.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let scene = Scene::new();
    let one = |path: &str, last: bool| {
        let connection = if last { "close" } else { "keep-alive" };
        scene.ann.get(path).header("connection", connection).bytes()
    };
    let bytes = [one("/v1/me", false), one("/v1/nowhere", false), one("/livez", true)].concat();
    let exchange = Exchange::of(&scene.server.door(), &bytes, AT_ONCE);
    let text = String::from_utf8_lossy(&exchange.heard).into_owned();
    let statuses: Vec<&str> =
        text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "404", "200"], "{text}");
}
