//! Requests over one connection that stays open.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// An answer that does not come within this time never comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// Bytes of an answer: a page of a hundred long texts fits many times.
const ANSWER_BYTES_MAX: usize = 16 * 1_024 * 1_024;

#[derive(Debug)]
pub(crate) struct Http {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        Ok(Self { stream, address, buffer: Vec::new() })
    }

    /// One request and its answer.
    pub(crate) fn call(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer<'_>> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(token) = token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        if let Some(body) = body {
            let body = body.to_string();
            let length = body.len();
            request.push_str(&format!(
                "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        } else {
            request.push_str("\r\n");
        }
        self.stream.write_all(request.as_bytes())?;
        self.answer()
    }

    /// One request that must succeed, and its JSON.
    pub(crate) fn ok(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value> {
        let answer = self.call(method, path, token, body)?;
        if !(200..300).contains(&answer.status) {
            let (status, body) = (answer.status, String::from_utf8_lossy(answer.body));
            bail!("{method} {path}: {status} {body}");
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body).with_context(|| format!("{method} {path}: no JSON"))
    }

    fn answer(&mut self) -> Result<Answer<'_>> {
        self.buffer.clear();
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more()?;
        };
        let header = std::str::from_utf8(&self.buffer[..end])?;
        let status =
            header.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        let length = header.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let length: usize = match length {
            Some(length) => length,
            None if status == 204 => 0,
            None => bail!("an answer without a length"),
        };
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        while self.buffer.len() < end + length {
            self.read_more()?;
        }
        Ok(Answer { status, body: &self.buffer[end..end + length] })
    }

    fn read_more(&mut self) -> Result<()> {
        let mut piece = [0; 16 * 1_024];
        let bytes = self.stream.read(&mut piece)?;
        ensure!(bytes > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&piece[..bytes]);
        Ok(())
    }
}
