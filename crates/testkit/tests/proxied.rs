//! The Rust client behind a proxy that knows nothing of WebSockets: it takes the event stream by itself,
//! and by it all is said and heard, over cuts and a restart.

use std::net::SocketAddr;
use std::time::Duration;

use chinwag_client::link::{Came, Session, Way};
use chinwag_client::sync::Sync;
use chinwag_core::id::RoomId;
use chinwag_core::limit::BEAT_EVERY;
use chinwag_proto::frame::ServerFrame;
use chinwag_testkit::server::{DEADLINE, Server, User};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::timeout;

/// Passes on requests without what they say of the connection itself, as a proxy must (RFC 9110, 7.6.1)
/// and as one does that was not told of WebSockets.
struct Proxy {
    address: SocketAddr,
    /// Grows with each cut, which ends all connections there are.
    cuts: watch::Sender<u32>,
}

impl Proxy {
    async fn open(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let cuts = watch::Sender::new(0);
        let all = cuts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut cut = all.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass(client, server) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts }
    }

    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr) {
    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
    let (mut said, mut heard) = (Said::default(), vec![0; 16 * 1_024]);
    loop {
        tokio::select! {
            read = client.read_buf(&mut said.bytes) => {
                let passed = said.pass_on();
                if !matches!(read, Ok(1..)) || upstream.write_all(&passed).await.is_err() {
                    return;
                }
            }
            read = upstream.read(&mut heard) => match read {
                Ok(count @ 1..) if client.write_all(&heard[..count]).await.is_ok() => {}
                _ => return,
            },
        }
    }
}

/// What a client said and was not passed on yet.
#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    /// Bytes of a body that are still to come.
    body_left: usize,
}

impl Said {
    /// All that can be passed on: whole heads without the lines about the connection, and bodies.
    fn pass_on(&mut self) -> Vec<u8> {
        let mut passed = Vec::new();
        loop {
            let body = self.body_left.min(self.bytes.len());
            passed.extend(self.bytes.drain(..body));
            self.body_left -= body;
            let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let Some(end) = end.filter(|_| self.body_left == 0) else { return passed };
            let head: Vec<u8> = self.bytes.drain(..end + 4).collect();
            for line in String::from_utf8_lossy(&head).lines() {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                match name.to_ascii_lowercase().as_str() {
                    "connection" | "upgrade" => continue,
                    "content-length" => self.body_left = value.trim().parse().expect("a number"),
                    _ => {}
                }
                passed.extend_from_slice(format!("{line}\r\n").as_bytes());
            }
        }
    }
}

fn texts(session: &Session, room: RoomId) -> Vec<String> {
    let Some(room) = session.sync().room(room) else { return Vec::new() };
    let text = |body: &Value| body.get("text").and_then(Value::as_str).map(str::to_owned);
    room.timeline().newest().filter_map(|event| event.body.as_ref().and_then(text)).collect()
}

/// Steps until it is so.
async fn until(session: &mut Session, what: &str, is_so: impl Fn(&Session) -> bool) {
    let steps = async {
        while !is_so(session) {
            session.step().await.expect("the token is good");
        }
    };
    timeout(DEADLINE, steps).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

fn session(proxy: &Proxy, user: &User) -> Session {
    Session::new(proxy.address.to_string(), user.token.clone(), Sync::new())
}

/// The server has a runtime of its own, and so have its clients.
fn scene() -> (Server, Runtime, Proxy) {
    let server = Server::start();
    let runtime = Runtime::new().expect("a runtime starts");
    let proxy = runtime.block_on(Proxy::open(server.address()));
    (server, runtime, proxy)
}

#[test]
fn two_talk_through_a_proxy_that_knows_no_websockets() {
    let (mut server, runtime, proxy) = scene();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let group = ann.group("ours", &[&bob]);
    let mut both = [session(&proxy, &ann), session(&proxy, &bob)];
    runtime.block_on(async {
        for session in &mut both {
            until(session, "one is there", |session| session.sync().is_ready()).await;
            assert_eq!(session.way(), Some(Way::Stream));
        }
    });
    let mut expected = Vec::new();
    for misfortune in ["nothing", "a cut", "a restart"] {
        match misfortune {
            "a cut" => proxy.cut(),
            "a restart" => server.restart(),
            _ => {}
        }
        for (session, who) in both.iter_mut().zip(["ann", "bob"]) {
            expected.push(format!("{who} after {misfortune}"));
            runtime.block_on(say(session, group, &expected));
        }
    }
    runtime.block_on(async {
        for session in &mut both {
            let all = expected.len();
            until(session, "all is there", |session| texts(session, group).len() >= all).await;
            assert_eq!(texts(session, group), expected);
            assert!(session.sync().pending().is_empty());
            assert_eq!(session.way(), Some(Way::Stream));
        }
    });
    drop(both);
}

/// Says the last of these, and waits until all of them are there.
async fn say(session: &mut Session, room: RoomId, texts_so_far: &[String]) {
    let text = texts_so_far.last().cloned().unwrap_or_default();
    session.send(room, text).await.expect("there is room");
    let count = texts_so_far.len();
    until(session, "one's own is there", |session| texts(session, room).len() >= count).await;
}

#[test]
fn signs_of_life_come_through() {
    let (server, runtime, proxy) = scene();
    let ann = server.register("ann");
    let mut session = session(&proxy, &ann);
    runtime.block_on(async {
        until(&mut session, "ann is there", |session| session.sync().is_ready()).await;
        let beat = async {
            while !matches!(session.step().await, Ok(Came::Frame(ServerFrame::Pong, _))) {}
        };
        let within = BEAT_EVERY + Duration::from_secs(5);
        timeout(within, beat).await.expect("a beat in time");
    });
    drop(session);
}
