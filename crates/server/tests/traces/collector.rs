//! A collector in a thread: it takes requests one after the other and reads what is in them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use chinwag_server::config;
use chinwag_testkit::server::DEADLINE;
use serde_json::Value;

/// More requests than a test makes.
const REQUESTS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answering {
    Yes,
    /// It hears and says nothing until [`Collector::hang_up`].
    Never,
}

#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    requests: Receiver<Request>,
    hang_up: SyncSender<()>,
}

/// What one request had in it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
}

#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) kind: u64,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) links: Vec<(String, String)>,
    attributes: Value,
}

impl Collector {
    pub(crate) fn start(answering: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (heard, requests) = sync_channel(REQUESTS_MAX);
        let (hang_up, hung_up) = sync_channel(REQUESTS_MAX);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("it comes whole");
                let Some(request) = read(&mut stream) else { continue };
                if heard.send(request).is_err() {
                    return;
                }
                match answering {
                    Answering::Yes => {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
                    }
                    Answering::Never if hung_up.recv().is_err() => return,
                    Answering::Never => {}
                }
            }
        });
        Self { address, requests, hang_up }
    }

    /// What a server is told, to send everything here.
    pub(crate) fn setting(&self) -> config::Collector {
        let url = format!("http://{}/v1/traces", self.address);
        config::Collector {
            url: url.parse().expect("an address"),
            ratio: 1.0,
            service: "herons' own".to_owned(),
        }
    }

    /// All that it has heard; the server has ended.
    pub(crate) fn heard(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }

    /// Waits for the next request.
    pub(crate) fn hears(&self) -> Request {
        self.requests.recv_timeout(DEADLINE).expect("a request comes")
    }

    /// Ends the connection of the request that waits for its answer.
    pub(crate) fn hang_up(&self) {
        let _ = self.hang_up.send(());
    }
}

impl Span {
    fn of(span: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let number = |value: &Value| text(value).parse().expect("a number of 64 bits is a text");
        let links = span["links"].as_array().expect("a list");
        Self {
            name: text(&span["name"]),
            trace: text(&span["traceId"]),
            id: text(&span["spanId"]),
            parent: text(&span["parentSpanId"]),
            kind: span["kind"].as_u64().expect("a number"),
            start_ns: number(&span["startTimeUnixNano"]),
            end_ns: number(&span["endTimeUnixNano"]),
            links: links.iter().map(|it| (text(&it["traceId"]), text(&it["spanId"]))).collect(),
            attributes: span["attributes"].clone(),
        }
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        let attributes = self.attributes.as_array()?;
        let found = attributes.iter().find(|attribute| attribute["key"] == key)?;
        found["value"]["intValue"].as_str()?.parse().ok()
    }
}

/// One request; none where the peer goes before its end.
fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a body has a length").parse().expect("a number");
        if bytes.len() >= end + 4 + length {
            let text = String::from_utf8(bytes.split_off(end + 4)).expect("JSON is UTF-8");
            return Some(Request { spans: spans(&text), text });
        }
    }
}

fn spans(text: &str) -> Vec<Span> {
    let body: Value = serde_json::from_str(text).expect("OTLP in JSON");
    let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    spans.as_array().expect("a list of spans").iter().map(Span::of).collect()
}
