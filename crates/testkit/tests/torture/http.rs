//! Requests over one connection that stays open while it can.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer that does not come within this time never comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Bytes of an answer: a page of a hundred of the longest texts, escaped, fits.
const ANSWER_BYTES_MAX: usize = 16 * 1_024 * 1_024;

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The JSON of the body, or its text; null where there is none.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// After how long to try again, where the server says that this is worth it.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let for_now = matches!(self.status, 429 | 503);
        let hint = self.body["retry_after_ms"].as_u64().filter(|_| for_now)?;
        Some(Duration::from_millis(hint))
    }
}

pub(crate) struct Http {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// One request and its answer. After an error nobody knows what became of it.
    pub(crate) async fn call(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<Answer> {
        self.ask(method, path, token, body).await?;
        self.answer().await
    }

    /// Gives the system a request.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<()> {
        self.ready().await?;
        self.say(method, path, token, body).await
    }

    /// Has a connection that the server has not closed. Where it fails nothing was asked.
    pub(crate) async fn ready(&mut self) -> io::Result<()> {
        // Whoever keeps a connection looks whether it is still one before it asks on it.
        self.stream = self.stream.take().filter(|stream| !is_ended(stream));
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Gives the system a request, on the connection that is there.
    pub(crate) async fn say(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<()> {
        let request = self.request(method, path, token, body);
        let mut stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(request.as_bytes()).await?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Waits for the answer to what was asked.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let mut stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        let answered = timeout(ANSWER_WITHIN, read_answer(&mut stream)).await;
        let (answer, is_last) = answered.expect("a request is answered, or its connection ends")?;
        self.stream = (!is_last).then_some(stream);
        Ok(answer)
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> String {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(token) = token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        let Some(body) = body.map(ToString::to_string) else {
            return request + "\r\n";
        };
        let length = body.len();
        request
            + &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
    }
}

fn is_ended(stream: &TcpStream) -> bool {
    let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
    !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Reads an answer, and whether it was the last of its connection.
async fn read_answer(stream: &mut TcpStream) -> io::Result<(Answer, bool)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, &mut bytes).await?;
    };
    let header = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let status = header.get(9..12).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| broken("no status"))?;
    let length = length(&header, status)?;
    while bytes.len() < end + length {
        read_more(stream, &mut bytes).await?;
    }
    let body = &bytes[end..end + length];
    let body = match body {
        [] => Value::Null,
        body => serde_json::from_slice(body)
            .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into()),
    };
    Ok((Answer { status, body }, header.contains("connection: close")))
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    if stream.read_buf(bytes).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn length(header: &str, status: u16) -> io::Result<usize> {
    let mut fields = header.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match length.and_then(|(_, length)| length.trim().parse().ok()) {
        Some(length) if length <= ANSWER_BYTES_MAX => Ok(length),
        None if status == 204 => Ok(0),
        _ => Err(broken("no length, or too much of it")),
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
