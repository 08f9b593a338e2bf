//! A WebSocket echo server for conformance tests: the codec and the handshake of the server, nothing else.
//!
//! `cargo run -p chinwag-proto --example echo -- 9001` prints `listening 127.0.0.1:9001` once it does.
//! Port 0 takes a free one. It echoes text and binary, with limits raised to what Autobahn sends.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use chinwag_proto::ws::handshake::{self, Accepted, Refused};
use chinwag_proto::ws::{Decoder, Limits, Message, Role, encode};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

/// Autobahn's largest message is 16 MiB, in fragments of 64 bytes.
const LIMITS: Limits = Limits { message_bytes: 16 * 1024 * 1024, fragments: 1024 * 1024 };

/// One read takes at most this; the request must fit into it.
const SCRATCH_BYTES: usize = 64 * 1024;

const REQUEST_HEADERS_MAX: usize = 64;

/// What a request is answered with, and where in the buffer it ends.
type Answer = (Result<Accepted, Refused>, usize);

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| io::Error::other("usage: echo PORT"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("listening {}", listener.local_addr()?);
    for socket in listener.incoming() {
        let socket = socket?;
        std::thread::spawn(move || {
            if let Err(error) = serve(socket) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut scratch = vec![0; SCRATCH_BYTES];
    let Some((answer, rest)) = request_read(&mut socket, &mut scratch)? else {
        return socket.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    };
    let (status, headers) = match &answer {
        Ok(accepted) => (StatusCode::SWITCHING_PROTOCOLS, accepted.headers()),
        Err(refused) => (refused.status(), refused.headers()),
    };
    response_write(&mut socket, status, &headers)?;
    if answer.is_err() {
        return Ok(());
    }
    echo(&mut socket, &mut scratch, rest)
}

/// Echoes until either end closes. `rest` is what came in the same packet as the request, at the
/// beginning of `scratch`.
fn echo(socket: &mut TcpStream, scratch: &mut [u8], mut rest: usize) -> io::Result<()> {
    let mut decoder = Decoder::new(Role::Server, LIMITS);
    loop {
        let mut input = &mut scratch[..rest];
        loop {
            match decoder.next(&mut input) {
                Ok(Some(message)) => {
                    socket.write_all(&answer_to(message))?;
                    if let Message::Close { .. } = message {
                        return until_closed(socket, scratch);
                    }
                }
                Ok(None) => break,
                Err(violation) => {
                    let frame = encode::close(violation.close_code(), &violation.to_string());
                    socket.write_all(&frame)?;
                    return until_closed(socket, scratch);
                }
            }
        }
        rest = socket.read(scratch)?;
        if rest == 0 {
            return Ok(());
        }
    }
}

fn answer_to(message: Message<'_>) -> bytes::Bytes {
    match message {
        Message::Text(text) => encode::text(text.as_bytes()),
        Message::Binary(bytes) => encode::binary(bytes),
        Message::Ping(bytes) => encode::pong(bytes),
        Message::Pong(_) => bytes::Bytes::new(),
        Message::Close { code: None, .. } => encode::close_without_code(),
        Message::Close { code: Some(code), .. } => encode::close(code, ""),
    }
}

/// Reads on after our last frame: a socket closed with unread bytes is reset, and the reset may
/// overtake the close frame.
fn until_closed(socket: &mut TcpStream, scratch: &mut [u8]) -> io::Result<()> {
    socket.shutdown(std::net::Shutdown::Write)?;
    while socket.read(scratch)? > 0 {}
    Ok(())
}

/// Reads the request and moves what follows it to the beginning of `scratch`; `None` when it is not
/// one or does not fit.
fn request_read(socket: &mut TcpStream, scratch: &mut [u8]) -> io::Result<Option<Answer>> {
    let mut filled = 0;
    loop {
        let read = socket.read(&mut scratch[filled..])?;
        filled += read;
        if read == 0 {
            return Ok(None);
        }
        match request_check(&scratch[..filled]) {
            Ok(Some((answer, end))) => {
                scratch.copy_within(end..filled, 0);
                return Ok(Some((answer, filled - end)));
            }
            Ok(None) => {}
            Err(_) => return Ok(None),
        }
    }
}

fn request_check(bytes: &[u8]) -> Result<Option<Answer>, Box<dyn std::error::Error>> {
    let mut lines = [httparse::EMPTY_HEADER; REQUEST_HEADERS_MAX];
    let mut request = httparse::Request::new(&mut lines);
    let httparse::Status::Complete(end) = request.parse(bytes)? else {
        return Ok(None);
    };
    let method = Method::from_bytes(request.method.unwrap_or_default().as_bytes())?;
    let version = match request.version {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    };
    let mut headers = HeaderMap::new();
    for line in request.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes())?;
        headers.append(name, HeaderValue::from_bytes(line.value)?);
    }
    let answer = handshake::check(&method, version, &headers);
    Ok(Some((answer, end)))
}

fn response_write(
    socket: &mut TcpStream,
    status: StatusCode,
    headers: &HeaderMap,
) -> io::Result<()> {
    let mut response = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in headers {
        response.extend_from_slice(name.as_str().as_bytes());
        response.extend_from_slice(b": ");
        response.extend_from_slice(value.as_bytes());
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"\r\n");
    socket.write_all(&response)
}
