//! HTTP/1.1 as the event stream needs it: one request after another on a connection, and bodies that
//! come in parts.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::{BodyExt as _, Collected, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::LinkError;

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

/// One connection; it ends with this.
#[derive(Debug)]
pub(super) struct Connection {
    address: String,
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

/// An answer up to its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Incoming,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Result<Self, LinkError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let mut driver = JoinSet::new();
        // How it ended is told to the one who asked.
        driver.spawn(async move { drop(connection.await) });
        Ok(Self { address: address.to_owned(), sender, _driver: driver })
    }

    /// Whether it takes another request.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Asks, and reads the answer up to its body.
    pub(super) async fn ask(&mut self, request: &Request<'_>) -> Result<Answer, LinkError> {
        let request = self.request(request)?;
        let asked = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let answer = timeout(ANSWER_WITHIN, asked).await.map_err(|_| timed_out())?;
        let answer = answer.map_err(failed)?;
        Ok(Answer { status: answer.status().as_u16(), body: answer.into_body() })
    }

    fn request(&self, asked: &Request<'_>) -> Result<http::Request<Full<Bytes>>, LinkError> {
        let Request { method, path, token, body } = *asked;
        let mut request = http::Request::builder().method(method).uri(path);
        request = request.header(HOST, &self.address);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::from(Bytes::copy_from_slice(body.unwrap_or_default()));
        request.body(body).map_err(|why| LinkError::Refused(why.to_string()))
    }
}

/// The next part of a body, or none where it is over.
pub(super) async fn part(body: &mut Incoming) -> Result<Option<Bytes>, LinkError> {
    while let Some(frame) = body.frame().await {
        if let Ok(part) = frame.map_err(failed)?.into_data() {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

/// A whole body, of at most so many bytes.
pub(super) async fn whole(body: Incoming, bytes_max: usize) -> Result<Bytes, LinkError> {
    let read = Limited::new(body, bytes_max).collect();
    let read = timeout(ANSWER_WITHIN, read).await.map_err(|_| timed_out())?;
    read.map(Collected::to_bytes).map_err(|why| match why.downcast::<LengthLimitError>() {
        Ok(_) => LinkError::Refused("the answer has no end".to_owned()),
        Err(why) => io::Error::other(why).into(),
    })
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

/// What is no HTTP refuses; all else is the connection's end.
fn failed(why: hyper::Error) -> LinkError {
    if why.is_parse() {
        return LinkError::Refused(why.to_string());
    }
    io::Error::other(why).into()
}

fn timed_out() -> LinkError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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
            assert!(request[..count].starts_with(b"GET /x HTTP/1.1\r\nhost: 127.0.0.1:"));
            for byte in answer {
                stream.write_all(&[*byte]).await.expect("it is read");
                tokio::task::yield_now().await;
            }
        });
        let mut connection = Connection::open(&address).await.expect("a connection");
        let request = Request { method: "GET", path: "/x", token: None, body: None };
        let answer = connection.ask(&request).await.expect("an answer");
        let body = whole(answer.body, 100).await.map_err(|why| why.to_string());
        server.await.expect("it was asked");
        let is_kept = connection.sender.ready().await.is_ok();
        (answer.status, is_kept, body.map(|body| body.to_vec()))
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
