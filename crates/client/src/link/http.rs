//! HTTP/1.1 as the event stream needs it: one request after another on a connection, and bodies that
//! come in parts.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{LinkError, READ_BYTES};

/// Bytes of an answer's head or of a line that tells the length of a chunk.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// A request without an answer for this long is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// What asks whether there is an answer at all, and how long it waits: the next try waits for it.
const PROBE: &str = "/v1/installation";
const PROBE_WITHIN: Duration = Duration::from_secs(3);

/// What is asked for.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub token: Option<&'a str>,
    pub body: Option<&'a [u8]>,
}

/// One connection, and what came on it and was not taken yet.
#[derive(Debug)]
pub(super) struct Connection {
    address: String,
    stream: TcpStream,
    arrived: BytesMut,
}

/// An answer up to its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// The connection takes another request after this.
    pub is_kept: bool,
    pub body: Body,
}

/// How much of a body is still to come.
#[derive(Debug)]
pub(super) enum Body {
    Bytes(usize),
    /// Left of a chunk; `0` where a size is next.
    Chunk(usize),
    ToTheEnd,
    Over,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Result<Self, LinkError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address: address.to_owned(), stream, arrived: BytesMut::new() })
    }

    /// Asks, and reads the answer up to its body.
    pub(super) async fn ask(&mut self, request: &Request<'_>) -> Result<Answer, LinkError> {
        self.stream.write_all(&bytes(&self.address, request)).await?;
        timeout(ANSWER_WITHIN, self.answer()).await.map_err(|_| timed_out())?
    }

    async fn answer(&mut self) -> Result<Answer, LinkError> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut answer = httparse::Response::new(&mut headers);
            let parsed = answer.parse(&self.arrived);
            match parsed.map_err(|why| LinkError::Refused(why.to_string()))? {
                httparse::Status::Complete(length) => {
                    let answer = read_head(&answer)?;
                    let _ = self.arrived.split_to(length);
                    return Ok(answer);
                }
                httparse::Status::Partial => self.fill(HEAD_BYTES_MAX).await?,
            }
        }
    }

    /// The next part of the body, or none where it is over.
    pub(super) async fn part(&mut self, body: &mut Body) -> Result<Option<Bytes>, LinkError> {
        loop {
            let left = match body {
                Body::Over | Body::Bytes(0) => return Ok(None),
                Body::Chunk(0) => {
                    *body = self.chunk().await?;
                    continue;
                }
                Body::Bytes(left) | Body::Chunk(left) => *left,
                Body::ToTheEnd => usize::MAX,
            };
            if self.arrived.is_empty() {
                match self.fill(usize::MAX).await {
                    Err(LinkError::Io(why))
                        if why.kind() == io::ErrorKind::UnexpectedEof
                            && matches!(body, Body::ToTheEnd) =>
                    {
                        return Ok(None);
                    }
                    filled => filled?,
                }
            }
            let part = self.arrived.split_to(self.arrived.len().min(left)).freeze();
            match body {
                Body::Bytes(left) => *left -= part.len(),
                Body::Chunk(left) => {
                    *left -= part.len();
                    if *left == 0 {
                        self.line().await?;
                    }
                }
                Body::ToTheEnd | Body::Over => {}
            }
            return Ok(Some(part));
        }
    }

    /// The whole body, of at most so many bytes.
    pub(super) async fn whole(
        &mut self,
        mut body: Body,
        bytes_max: usize,
    ) -> Result<Vec<u8>, LinkError> {
        let read = async {
            let mut whole = Vec::new();
            while let Some(part) = self.part(&mut body).await? {
                whole.extend_from_slice(&part);
                if whole.len() > bytes_max {
                    return Err(LinkError::Refused("the answer has no end".to_owned()));
                }
            }
            Ok(whole)
        };
        timeout(ANSWER_WITHIN, read).await.map_err(|_| timed_out())?
    }

    /// Reads the size of a chunk (RFC 9112, 7.1).
    async fn chunk(&mut self) -> Result<Body, LinkError> {
        let line = self.line().await?;
        let size = str::from_utf8(&line).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        match size {
            Some(0) => {
                while !self.line().await?.is_empty() {}
                Ok(Body::Over)
            }
            Some(size) => Ok(Body::Chunk(size)),
            None => Err(LinkError::Refused("a chunk has no size".to_owned())),
        }
    }

    async fn line(&mut self) -> Result<Bytes, LinkError> {
        loop {
            if let Some(end) = self.arrived.windows(2).position(|two| two == b"\r\n") {
                let line = self.arrived.split_to(end).freeze();
                let _ = self.arrived.split_to(2);
                return Ok(line);
            }
            self.fill(HEAD_BYTES_MAX).await?;
        }
    }

    /// Reads more, where there is not more than this already.
    async fn fill(&mut self, bytes_max: usize) -> Result<(), LinkError> {
        if self.arrived.len() > bytes_max {
            return Err(LinkError::Refused("the answer has no end".to_owned()));
        }
        self.arrived.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.arrived).await? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }
}

/// Whether a server answers a request at this address.
pub(super) async fn answers(address: &str) -> bool {
    let asked = async {
        let mut connection = Connection::open(address).await?;
        let request = Request { method: "GET", path: PROBE, token: None, body: None };
        Ok::<_, LinkError>(connection.ask(&request).await?.status)
    };
    matches!(timeout(PROBE_WITHIN, asked).await, Ok(Ok(200)))
}

fn timed_out() -> LinkError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

fn bytes(address: &str, request: &Request<'_>) -> Vec<u8> {
    let Request { method, path, token, body } = request;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    if let Some(token) = token {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if body.is_some() {
        head.push_str("Content-Type: application/json\r\n");
    }
    if *method != "GET" {
        let length = body.map_or(0, <[u8]>::len);
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body.unwrap_or_default()].concat()
}

fn read_head(answer: &httparse::Response<'_, '_>) -> Result<Answer, LinkError> {
    let header = |name: &str| {
        let found = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| str::from_utf8(header.value).ok())
    };
    let is = |name: &str, word: &str| header(name).is_some_and(|it| it.eq_ignore_ascii_case(word));
    let status = answer.code.unwrap_or_default();
    let body = match header("content-length") {
        _ if matches!(status, 204 | 304) => Body::Over,
        _ if is("transfer-encoding", "chunked") => Body::Chunk(0),
        Some(length) => {
            let length = length.trim().parse();
            Body::Bytes(length.map_err(|_| LinkError::Refused("a length is none".to_owned()))?)
        }
        None => Body::ToTheEnd,
    };
    let is_kept =
        answer.version == Some(1) && !is("connection", "close") && !matches!(body, Body::ToTheEnd);
    Ok(Answer { status, is_kept, body })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What is read of an answer whose bytes come one by one.
    async fn read(answer: &'static [u8]) -> (u16, bool, Result<Vec<u8>, String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            let mut request = [0; 1_024];
            let count = stream.read(&mut request).await.expect("a request");
            assert!(request[..count].starts_with(b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:"));
            for byte in answer {
                stream.write_all(&[*byte]).await.expect("it is read");
                tokio::task::yield_now().await;
            }
        });
        let mut connection = Connection::open(&address).await.expect("a connection");
        let request = Request { method: "GET", path: "/x", token: None, body: None };
        let answer = connection.ask(&request).await.expect("an answer");
        let body = connection.whole(answer.body, 100).await.map_err(|why| why.to_string());
        server.await.expect("it was asked");
        (answer.status, answer.is_kept, body)
    }

    #[tokio::test]
    async fn a_body_ends_where_its_head_says() {
        let length = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(read(length).await, (200, true, Ok(b"hi".to_vec())));
        let chunks =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x\r\ni\r\n0\r\n\r\n";
        assert_eq!(read(chunks).await, (200, true, Ok(b"hi".to_vec())));
        let to_the_end = b"HTTP/1.1 200 OK\r\n\r\nhi";
        assert_eq!(read(to_the_end).await, (200, false, Ok(b"hi".to_vec())));
        let nothing = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        assert_eq!(read(nothing).await, (204, false, Ok(Vec::new())));
        let torn = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi";
        assert_eq!(read(torn).await.2, Err("the connection failed".to_owned()));
    }
}
