//! The floors: what the kernel alone would cost, which no server can undercut by much.
//!
//! A bare epoll loop on one thread, without accounts, rights, history or JSON. It speaks a small
//! protocol of its own over WebSocket frames, so that the same load drives it:
//!
//! ```text
//! → J<room><room>…     join these rooms, each eight hexadecimal digits       ← J
//! → P<text>            the text begins with its room; everybody in it gets    ← <envelope><text>
//! GET /page?bytes=N    a page that lies ready, so long
//! ```

mod hub;
mod log;
mod socket;

use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result};
use chinwag_proto::ws::handshake::accept_key;
use chinwag_proto::ws::{Decoder, Limits, Message, Role};

use self::hub::Hub;
use self::log::Log;
use self::socket::Socket;
use crate::poll::{Poll, Ready};

/// Bytes read from a socket in one call; the buffer is shared by all.
const SCRATCH_BYTES: usize = 64 * 1_024;
/// Bytes of a request's header.
const REQUEST_BYTES_MAX: usize = 8 * 1_024;
/// Bytes of a page that may be asked for.
const PAGE_BYTES_MAX: usize = 1024 * 1_024;
/// Tokens below the first connection's.
const LISTENER: usize = 0;
const STANDARD_INPUT: usize = 1;
const FIRST_CONNECTION: usize = 2;

/// What a floor does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// One write for each subscriber and message.
    A,
    /// One write for each subscriber and wake-up.
    B,
    /// B, with what arrived in the wake-up written to a file and synced before it is sent.
    C,
}

/// A floor's server.
#[derive(Debug)]
pub(crate) struct Floor {
    poll: Poll,
    listener: TcpListener,
    /// By token less [`FIRST_CONNECTION`], beside the hub's sockets.
    readers: Vec<Reader>,
    /// Places in `readers` that are closed.
    free: Vec<usize>,
    hub: Hub,
    /// An answer that lies ready, and the bytes of its body.
    page: (usize, Vec<u8>),
    scratch: Vec<u8>,
}

/// How far a connection's input has come.
#[derive(Debug)]
enum Reader {
    /// A request whose header is not whole yet.
    Http(Vec<u8>),
    WebSocket(Decoder),
    Closed,
}

impl Floor {
    pub(crate) fn new(
        kind: Kind,
        listen: SocketAddr,
        envelope_bytes: usize,
        log: Option<&Path>,
    ) -> Result<Self> {
        let listener =
            TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        listener.set_nonblocking(true)?;
        // std listens for 128 at once; the load opens more.
        rustix::net::listen(&listener, 4_096)?;
        let log = match kind {
            Kind::C => Some(Log::create(log.context("floor C needs --log")?)?),
            Kind::A | Kind::B => None,
        };
        let (poll, hub) = (Poll::new()?, Hub::new(kind, envelope_bytes, log));
        poll.add(&listener, LISTENER)?;
        Ok(Self {
            poll,
            listener,
            readers: Vec::new(),
            free: Vec::new(),
            hub,
            page: (0, page(0)),
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// Says where it listens and serves until standard input ends, as it does with whoever started it.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("listening on {}", self.listener.local_addr()?);
        self.poll.add(io::stdin(), STANDARD_INPUT)?;
        loop {
            let count = self.poll.wait(None)?;
            for at in 0..count {
                match self.poll.ready(at) {
                    Ready { token: LISTENER, .. } => self.accept()?,
                    Ready { token: STANDARD_INPUT, .. } => return Ok(()),
                    ready => self.serve(ready)?,
                }
            }
            self.hub.deliver(&self.poll)?;
        }
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let at = self.free.pop().unwrap_or(self.readers.len());
            let socket = Socket::new(stream, at + FIRST_CONNECTION);
            self.poll.add(&socket.stream, socket.token)?;
            if at == self.readers.len() {
                self.readers.push(Reader::Closed);
            }
            self.readers[at] = Reader::Http(Vec::new());
            self.hub.open(at, socket);
        }
    }

    fn serve(&mut self, ready: Ready) -> Result<()> {
        let at = ready.token - FIRST_CONNECTION;
        if ready.writable {
            self.hub.flush(at, &self.poll)?;
        }
        if !ready.readable {
            return Ok(());
        }
        let Some(socket) = self.hub.socket(at) else {
            return Ok(());
        };
        match (&socket.stream).read(&mut self.scratch) {
            Ok(0) => self.close(at),
            Ok(bytes) => self.take(at, bytes)?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.close(at),
        }
        Ok(())
    }

    fn close(&mut self, at: usize) {
        self.readers[at] = Reader::Closed;
        self.free.push(at);
        self.hub.close(at);
    }

    fn take(&mut self, at: usize, bytes: usize) -> Result<()> {
        let input = &mut self.scratch[..bytes];
        match &mut self.readers[at] {
            Reader::Closed => Ok(()),
            Reader::WebSocket(decoder) => {
                if !messages(decoder, input, at, &mut self.hub, &self.poll)? {
                    self.close(at);
                }
                Ok(())
            }
            Reader::Http(header) => {
                header.extend_from_slice(input);
                self.request(at)
            }
        }
    }

    /// Answers a request once its header is whole. Nobody sends the next before the answer.
    fn request(&mut self, at: usize) -> Result<()> {
        let Reader::Http(header) = &mut self.readers[at] else {
            return Ok(());
        };
        if header.len() > REQUEST_BYTES_MAX {
            self.close(at);
            return Ok(());
        }
        if !header.ends_with(b"\r\n\r\n") {
            return Ok(());
        }
        let text = String::from_utf8_lossy(header).into_owned();
        header.clear();
        if let Some(key) = field(&text, "sec-websocket-key") {
            let accept = accept_key(key);
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            self.readers[at] = Reader::WebSocket(Decoder::new(Role::Server, Limits::default()));
            return self.hub.send(at, answer.as_bytes(), &self.poll);
        }
        let bytes =
            text.split_once("?bytes=").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        let bytes = bytes.unwrap_or(0_usize).min(PAGE_BYTES_MAX);
        if self.page.0 != bytes {
            self.page = (bytes, page(bytes));
        }
        self.hub.send(at, &self.page.1, &self.poll)
    }
}

/// Acts on what a client said; false when it said good-bye or broke the framing.
fn messages(
    decoder: &mut Decoder,
    mut input: &mut [u8],
    at: usize,
    hub: &mut Hub,
    poll: &Poll,
) -> Result<bool> {
    loop {
        match decoder.next(&mut input) {
            Ok(None) => return Ok(true),
            Ok(Some(Message::Text(text))) => match text.split_at_checked(1) {
                Some(("P", text)) => hub.publish(text, poll)?,
                Some(("J", rooms)) => hub.join(at, rooms, poll)?,
                _ => return Ok(false),
            },
            Ok(Some(Message::Ping(_) | Message::Pong(_))) => {}
            Ok(Some(Message::Binary(_) | Message::Close { .. })) | Err(_) => return Ok(false),
        }
    }
}

/// The value of a header's field.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let fields = header.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim())
}

fn page(bytes: usize) -> Vec<u8> {
    let mut page = Vec::with_capacity(bytes + 64);
    write!(page, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").expect("memory takes all");
    page.resize(page.len() + bytes, b'x');
    page
}
