//! The link against a server of a few lines, over a real socket.

use std::time::Duration;

use chinwag_client::link::{Came, Link, LinkError, Session, Way};
use chinwag_client::outbox::OutboxFile;
use chinwag_client::sync::{Effect, Sync};
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::ws::handshake::accept_key;
use chinwag_proto::ws::{CloseCode, Decoder, Limits, Message, Role, encode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One accepted WebSocket.
struct Peer {
    stream: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    heard: Vec<Heard>,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Frame(Value),
    Pong(Vec<u8>),
}

async fn accept(listener: &TcpListener) -> Peer {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut request).await.expect("a request");
    }
    let request = String::from_utf8(request).expect("ASCII");
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_key(key.expect("a key"));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.expect("it is read");
    let decoder = Decoder::new(Role::Server, Limits::default());
    Peer { stream, decoder, buffer: Vec::new(), heard: Vec::new() }
}

impl Peer {
    async fn say(&mut self, frame: Value) {
        let bytes = encode::text(frame.to_string().as_bytes());
        self.stream.write_all(&bytes).await.expect("it is read");
    }

    async fn heard(&mut self) -> Heard {
        while self.heard.is_empty() {
            self.buffer.clear();
            self.stream.read_buf(&mut self.buffer).await.expect("bytes");
            let mut input = self.buffer.as_mut_slice();
            while let Some(message) = self.decoder.next(&mut input).expect("good frames") {
                self.heard.push(match message {
                    Message::Text(text) => Heard::Frame(serde_json::from_str(text).expect("JSON")),
                    Message::Pong(payload) => Heard::Pong(payload.to_vec()),
                    other => panic!("unexpected: {other:?}"),
                });
            }
        }
        self.heard.remove(0)
    }
}

fn ready(head: u64) -> Value {
    json!({
        "type": "ready", "epoch": "00000000000000000000000000000001", "reset": false,
        "session": "0000000000001", "users": [], "more": false, "now_ms": 0,
        "user": {"id": "0000000000ann", "handle": "ann", "display_name": "Ann", "rank": "member", "created_at_ms": 0},
        "rooms": [{
            "id": "0000000000ann", "kind": "self", "name": null, "history": "all", "posting": "members",
            "role": "owner", "members": 1, "head_seq": head, "n": 0, "read_seq": 0, "read_n": 0,
            "created_at_ms": 0, "last": null
        }],
        "limits": {"text_bytes": 16384, "frame_bytes": 65536, "in_flight": 64, "page": 100, "cursors": 1000, "watch": 100}
    })
}

fn event(seq: u64) -> Value {
    json!({
        "type": "event", "room": "0000000000ann", "seq": seq, "n": seq, "id": "x", "kind": "message",
        "from": "0000000000ann", "at_ms": 0, "body": {"text": "note"}
    })
}

#[tokio::test]
async fn a_session_comes_back_by_itself_and_resumes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        let mut first = accept(&listener).await;
        let hello = json!({"type": "hello", "token": "t"});
        assert_eq!(first.heard().await, Heard::Frame(hello));
        first.say(ready(0)).await;
        first.say(json!({"type": "sticker_storm"})).await;
        first.stream.write_all(&encode::ping(b"there?")).await.expect("it is read");
        assert_eq!(first.heard().await, Heard::Pong(b"there?".to_vec()));
        first.say(event(1)).await;
        drop(first);
        let mut second = accept(&listener).await;
        let Heard::Frame(hello) = second.heard().await else { panic!("no hello") };
        assert_eq!(hello["cursors"], json!([["0000000000ann", 1]]));
        second.say(ready(1)).await;
        let Heard::Frame(sent) = second.heard().await else { panic!("no message") };
        assert_eq!(sent["text"], "written offline");
        let close = encode::close(CloseCode::UNAUTHORIZED, "over");
        second.stream.write_all(&close).await.expect("it is read");
    });
    let mut session = Session::new(address, "t".to_owned(), Sync::new());
    let me = "0000000000ann".parse().expect("an id");
    let mut connected = 0;
    let error = loop {
        match session.step().await {
            Ok(Came::Connected) => connected += 1,
            Ok(Came::Disconnected) => {
                assert!(!session.sync().is_ready());
                session.send(me, "written offline".to_owned()).await.expect("there is room");
            }
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(connected, 2);
    assert_eq!(session.sync().room(me).expect("the self room").cursor().get(), 1);
    assert_eq!(session.sync().pending().len(), 1, "it was not answered and is kept");
    server.await.expect("the server saw what it should");
}

/// The others are asked to leave with it: nobody waits for the connection to be closed.
#[tokio::test]
async fn on_drain_it_comes_back_though_nobody_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        let mut first = accept(&listener).await;
        first.say(ready(0)).await;
        first.say(json!({"type": "drain", "within_ms": 50})).await;
        let mut second = accept(&listener).await;
        second.say(ready(0)).await;
        (first, second)
    });
    let mut session = Session::new(address, "t".to_owned(), Sync::new());
    let mut came = Vec::new();
    while came.iter().filter(|came| matches!(came, Came::Frame(ServerFrame::Ready(_), _))).count()
        < 2
    {
        let step = tokio::time::timeout(Duration::from_secs(10), session.step()).await;
        came.push(step.expect("it does not wait for the end").expect("nothing is refused"));
    }
    let left = came.iter().position(|came| *came == Came::Disconnected).expect("it left");
    assert!(matches!(came[left - 1], Came::Frame(ServerFrame::Drain(_), _)), "{came:?}");
    assert_eq!(came[left + 1], Came::Connected, "at once: the time is over");
    server.await.expect("the server saw what it should");
}

#[tokio::test]
async fn what_is_no_server_is_refused_with_its_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.expect("it is read");
    });
    let error = Link::open(&address).await.expect_err("it is no WebSocket");
    assert!(matches!(&error, LinkError::Refused(why) if why == "403 Forbidden"), "{error}");
    server.await.expect("it answered");
}

#[tokio::test]
async fn a_receive_that_is_dropped_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        let mut peer = accept(&listener).await;
        assert_eq!(peer.heard().await, Heard::Frame(json!({"type": "ping"})));
        let bytes = encode::text(br#"{"type":"pong"}"#);
        for byte in bytes {
            peer.stream.write_all(&[byte]).await.expect("it is read");
            peer.stream.flush().await.expect("it goes out");
            tokio::task::yield_now().await;
        }
        peer
    });
    let mut link = Link::open(&address).await.expect("a connection");
    link.send(&ClientFrame::Ping).await.expect("it goes out");
    let frame = loop {
        tokio::select! {
            biased;
            frame = link.receive() => break frame.expect("a frame"),
            () = tokio::task::yield_now() => {}
        }
    };
    assert_eq!(frame, ServerFrame::Pong);
    let peer = server.await.expect("the server saw what it should");
    link.close().await.expect("the peer is still there");
    drop(peer);
}

/// The program ends between the saying of a message and its answer: the next says it under the same key,
/// and what it was refused is told.
#[tokio::test]
async fn what_is_unsent_is_said_after_a_restart_under_the_same_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        let mut said = Vec::new();
        for refused in [false, true] {
            let mut peer = accept(&listener).await;
            peer.heard().await;
            peer.say(ready(0)).await;
            let Heard::Frame(frame) = peer.heard().await else { panic!("no message") };
            if refused {
                let error = json!({"type": "error", "ref": frame["ref"], "code": "forbidden", "message": "no"});
                peer.say(error).await;
                peer.stream.flush().await.expect("it goes out");
                peer.stream.read_buf(&mut Vec::new()).await.expect("until it leaves");
            }
            said.push((frame["key"].clone(), frame["text"].clone()));
        }
        said
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("outbox");
    let open = || OutboxFile::at(&path).expect("a file");
    let me = "0000000000ann".parse().expect("an id");
    let mut first = Session::new(address.clone(), "t".to_owned(), Sync::new()).with_outbox(open());
    let key = first.send(me, "before the end".to_owned()).await.expect("there is room");
    while first.step().await.expect("a step") != Came::Disconnected {}
    drop(first);

    let mut second = Session::new(address, "t".to_owned(), Sync::new()).with_outbox(open());
    let refused = loop {
        if let Came::Frame(_, effects) = second.step().await.expect("a step") {
            let refusal = effects.iter().find_map(|effect| match effect {
                Effect::Refused { key, .. } => Some(*key),
                _ => None,
            });
            if let Some(key) = refusal {
                break key;
            }
        }
    };
    assert_eq!(refused, key);
    second.discard(key);
    drop(second);
    assert!(open().is_empty(), "it was given up");
    let expected = (json!(key), json!("before the end"));
    assert_eq!(server.await.expect("it heard both"), [expected.clone(), expected]);
}

/// One request of HTTP, and the connection it came on.
async fn requested(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        stream.read_buf(&mut request).await.expect("a request");
    }
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    (stream, line)
}

/// A proxy that knows nothing of WebSockets answers the upgrade as if it were a request.
#[tokio::test]
async fn where_websockets_are_broken_the_stream_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        let mut lines = Vec::new();
        loop {
            let (mut stream, line) = requested(&listener).await;
            let answer = match line.split(' ').nth(1) {
                Some("/v1/ws") => {
                    "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n".to_owned()
                }
                Some("/v1/installation") => {
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned()
                }
                _ => format!(
                    "HTTP/1.1 200 OK\r\n\r\n:\n\ndata: {}\n\nevent: close\ndata: {}\n\n",
                    ready(0),
                    json!({"code": 4401, "reason": "over"})
                ),
            };
            stream.write_all(answer.as_bytes()).await.expect("it is read");
            let is_last = line.starts_with("POST /v1/stream ");
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    });
    let mut session = Session::new(address, "t".to_owned(), Sync::new());
    let mut ways = Vec::new();
    let error = loop {
        match session.step().await {
            Ok(Came::Connected) => ways.push(session.way()),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(ways, [Some(Way::Stream)]);
    assert!(session.sync().me().is_some(), "it was ready");
    let lines = server.await.expect("it was asked");
    let asked = |path: &str| lines.iter().filter(|line| line.contains(path)).count();
    assert_eq!((asked("/v1/ws"), asked("/v1/stream")), (2, 1), "{lines:?}");
}
