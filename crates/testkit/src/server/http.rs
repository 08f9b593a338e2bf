//! HTTP/1.1 as a test needs it: one request a connection, and bytes as they are.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{DEADLINE, Door, Wire};

/// A request on a connection of its own.
#[derive(Debug, Clone)]
#[must_use]
pub struct Request {
    door: Door,
    line: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn new(door: Door, method: &str, path: &str) -> Self {
        Self { door, line: format!("{method} {path}"), headers: Vec::new(), body: None }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into_bytes())
    }

    /// Bytes, of this type.
    pub fn body(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header("content-type", kind)
    }

    /// The request as it goes over the wire, for one that mixes it with others.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} HTTP/1.1\r\n", self.line).into_bytes();
        let named = |wanted: &str| self.headers.iter().any(|(name, _)| name == wanted);
        let mut line = |name: &str, value: &str| {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        };
        if !named("host") {
            line("host", &self.door.address.to_string());
        }
        if !named("connection") {
            line("connection", "close");
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = &self.body {
            line("content-length", &body.len().to_string());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it and reads the answer.
    ///
    /// # Panics
    /// Where no answer comes within [`DEADLINE`].
    pub fn send(&self) -> Response {
        let mut stream = Wire::connect(&self.door);
        // A server may answer and close before it has heard everything.
        let _ = stream.write_all(&self.bytes());
        let exchange = Exchange::hear(&self.door, &mut stream, DEADLINE, Response::is_framed);
        let answer = Response::parse(&exchange.heard);
        answer.unwrap_or_else(|| panic!("{} was not answered: {exchange:?}", self.line))
    }

    /// Sends it; the answer must have this status.
    ///
    /// # Panics
    /// Where it has another.
    pub fn expect(&self, status: u16) -> Response {
        let answer = self.send();
        let text = answer.text();
        assert_eq!(answer.status, status, "{}: {text:.2000}", self.line);
        answer
    }
}

/// What was heard after some bytes were said.
#[derive(Debug)]
pub struct Exchange {
    pub heard: Vec<u8>,
    /// True where the server closed the connection, false where time ran out first.
    pub closed: bool,
}

impl Exchange {
    /// Says the bytes on a new connection and hears until it is closed or the time has run out.
    #[must_use]
    pub fn of(door: &Door, bytes: &[u8], within: Duration) -> Self {
        let mut stream = Wire::connect(door);
        let _ = stream.write_all(bytes);
        Self::hear(door, &mut stream, within, |_| false)
    }

    /// The same, and nothing more will be said.
    #[must_use]
    pub fn of_all(door: &Door, bytes: &[u8], within: Duration) -> Self {
        let mut stream = Wire::connect(door);
        let _ = stream.write_all(bytes);
        stream.end();
        Self::hear(door, &mut stream, within, |_| false)
    }

    fn hear(
        door: &Door,
        stream: &mut Wire,
        within: Duration,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Self {
        let until = Instant::now() + within;
        let (mut heard, mut chunk) = (Vec::new(), [0; 16 * 1024]);
        let closed = loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || is_enough(&heard) {
                break false;
            }
            stream.set_read_timeout(left);
            match stream.read(&mut chunk) {
                Ok(0) => break true,
                Ok(count) => heard.extend_from_slice(&chunk[..count]),
                Err(error) if is_timeout(&error) => {}
                Err(_) => break true,
            }
        };
        door.hear(&heard);
        Self { heard, closed }
    }
}

pub(super) fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first answer in these bytes, or none where it is not whole.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status: status.parse().ok()?, headers, body: Vec::new() };
        answer.body = answer.body_in(&bytes[end + 4..])?;
        Some(answer)
    }

    /// Whether these bytes are a whole answer that says itself where it ends.
    fn is_framed(bytes: &[u8]) -> bool {
        let framed = |answer: Self| {
            answer.header("content-length").is_some()
                || answer.header("transfer-encoding").is_some()
        };
        Self::parse(bytes).is_some_and(framed)
    }

    fn body_in(&self, rest: &[u8]) -> Option<Vec<u8>> {
        if self.header("transfer-encoding") == Some("chunked") {
            return unchunk(rest);
        }
        match self.header("content-length") {
            Some(length) => Some(rest.get(..length.parse().ok()?)?.to_vec()),
            None => Some(rest.to_vec()),
        }
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// # Panics
    /// Where the body is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let body = serde_json::from_slice(&self.body);
        body.unwrap_or_else(|error| panic!("not JSON ({error}): {:.500}", self.text()))
    }

    /// The code of a problem.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
