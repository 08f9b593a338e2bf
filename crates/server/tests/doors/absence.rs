//! What silence leads to. The deadlines are real, so all of them are waited for at once.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chinwag_core::limit::{
    BEAT_EVERY, BODY_WITHIN, DEAD_AFTER, HEADER_WITHIN, HELLO_WITHIN, OFFLINE_AFTER, PING_AFTER,
    STALLED_AFTER,
};
use chinwag_testkit::server::{DEADLINE, Exchange, Heard, Response, Server, Socket, User, Wire};
use serde_json::json;
use socket2::{SockFilter, SockRef};

/// How much later than its deadline something may come: the sweep of each second, and a busy machine.
const LATE: Duration = Duration::from_secs(6);

/// Waits for what is looked for and says how long after `since` it came.
fn wait_for(socket: &mut Socket, since: Instant, is_it: impl Fn(&Heard) -> bool) -> Duration {
    let within = DEAD_AFTER + LATE;
    loop {
        let heard = socket.next_within(within.saturating_sub(since.elapsed()));
        if is_it(&heard.expect("it did not come")) {
            return since.elapsed();
        }
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    now.as_millis() as u64
}

fn check_time(what: &str, took: Duration, deadline: Duration) {
    // A timer's tick may be a little early by another clock.
    let early = deadline.saturating_sub(Duration::from_millis(1_100));
    assert!(took >= early && took <= deadline + LATE, "{what}: {took:?} for {deadline:?}");
}

/// How long the server leaves a connection open that said this and says no more.
fn closed_after(server: &Server, said: &[u8]) -> Duration {
    let since = Instant::now();
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.write_all(said).expect("it is taken");
    let timeout = stream.set_read_timeout(Some(BODY_WITHIN + LATE));
    timeout.expect("a socket takes a timeout");
    let mut heard = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut heard).expect("the server closes it");
    since.elapsed()
}

/// A reload is no absence: only after a while is who left shown as away, and when they were last seen.
fn who_goes_is_away(server: &Server, ann: &User, eve: &User, since: Instant) {
    let mut sees = eve.socket();
    let socket = ann.sign_in().socket();
    let other = server.register("zed");
    let mut away = other.socket();
    sees.send(&json!({"type": "presence.watch", "users": [other.id]}));
    let presence = |online: bool| {
        move |heard: &Heard| match heard {
            Heard::Frame(frame) => frame["kind"] == "presence" && frame["online"] == online,
            _ => false,
        }
    };
    wait_for(&mut sees, since, presence(true));
    // By then they were seen later than their token was given.
    wait_for(&mut away, since, |heard| matches!(heard, Heard::Ping(_)));
    let (left, left_ms) = (Instant::now(), unix_ms());
    drop(away);
    let took = wait_for(&mut sees, left, presence(false));
    check_time("the absence", took, OFFLINE_AFTER);
    let path = format!("/v1/presence?users={}", other.id);
    let last_seen_ms = || eve.get(&path).expect(200).json()["presence"][0]["last_seen_ms"].as_u64();
    let soon = Instant::now() + LATE;
    while last_seen_ms().is_none_or(|at_ms| at_ms.abs_diff(left_ms) > LATE.as_millis() as u64) {
        assert!(Instant::now() < soon, "it is not kept when they went");
    }
    drop(socket);
}

#[test]
fn who_is_silent_is_asked_then_closed() {
    let server = Server::start();
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let since = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut mute = server.socket();
            assert_eq!(
                mute.next_within(HELLO_WITHIN + LATE),
                Some(Heard::Closed(
                    Some(4408),
                    "no hello in time, or silent for too long".to_owned(),
                ))
            );
            check_time("no hello", since.elapsed(), HELLO_WITHIN);
        });
        scope.spawn(|| {
            let mut dead = ann.socket();
            let asked = wait_for(&mut dead, since, |heard| matches!(heard, Heard::Ping(_)));
            check_time("the ping", asked, PING_AFTER);
            let closed = wait_for(&mut dead, since, |heard| {
                *heard
                    == Heard::Closed(
                        Some(4408),
                        "no hello in time, or silent for too long".to_owned(),
                    )
            });
            check_time("the end of the dead", closed, DEAD_AFTER);
        });
        scope.spawn(|| {
            // Whoever gives a sign of life stays.
            let mut alive = bob.socket();
            wait_for(&mut alive, since, |heard| matches!(heard, Heard::Ping(_)));
            alive.send(&json!({"type": "ping"}));
            alive.until("pong");
            while since.elapsed() < DEAD_AFTER + Duration::from_secs(2) {
                let left = (DEAD_AFTER + Duration::from_secs(2)).saturating_sub(since.elapsed());
                let heard = alive.next_within(left);
                assert!(!matches!(heard, Some(Heard::Closed(..) | Heard::Ended)), "{heard:?}");
            }
        });
        scope.spawn(|| {
            let took = closed_after(&server, b"GET /livez HTTP/1.1\r\nhost: a\r\n");
            check_time("half a header", took, HEADER_WITHIN);
        });
        scope.spawn(|| {
            let said = b"POST /v1/auth/login HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
            check_time("half a body", closed_after(&server, said), BODY_WITHIN);
        });
        scope.spawn(|| who_goes_is_away(&server, &ann, &eve, since));
    });
}

/// Has the peer of this connection see no more of it: no segment that comes is taken, and none answered.
fn vanish(wire: &Wire) {
    const RETURN: u16 = 0x06;
    let nothing = [SockFilter::new(RETURN, 0, 0, 0)];
    SockRef::from(wire.tcp()).attach_filter(&nothing).expect("a socket takes a filter");
}

/// An event stream of which nothing is heard by its nature: it lives while what is written to it is
/// taken. One whose peer has vanished is found as soon as a silent WebSocket.
#[test]
fn a_stream_lives_while_its_beats_are_taken() {
    let server = Server::start();
    let [ann, bob, eve] = server.register_all(["ann", "bob", "eve"]);
    let since = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let said = b"POST /v1/stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
            check_time("half a hello", closed_after(&server, said), HELLO_WITHIN);
        });
        scope.spawn(|| {
            let mut alive = ann.stream();
            let mut beats = 0;
            while since.elapsed() < DEAD_AFTER + LATE {
                let heard = alive.next_within(BEAT_EVERY + LATE).expect("a sign of life");
                assert!(matches!(heard, Heard::Ping(_)), "{heard:?}");
                beats += 1;
            }
            assert!(beats >= 4, "{beats} beats");
        });
        scope.spawn(|| {
            let mut sees = eve.socket();
            let mut gone = bob.stream();
            sees.send(&json!({"type": "presence.watch", "users": [bob.id]}));
            let presence = |online: bool| {
                move |heard: &Heard| match heard {
                    Heard::Frame(frame) => frame["kind"] == "presence" && frame["online"] == online,
                    Heard::Ping(_) => false,
                    other => panic!("{other:?}"),
                }
            };
            wait_for(&mut sees, since, presence(true));
            let vanished = Instant::now();
            vanish(gone.wire());
            let found = loop {
                sees.send(&json!({"type": "ping"}));
                let heard = sees.next_within(PING_AFTER).expect("a pong");
                if presence(false)(&heard) {
                    break vanished.elapsed().saturating_sub(OFFLINE_AFTER);
                }
                // The next in a while: a word of its own is all that it may say so often.
                if let Some(heard) = sees.next_within(Duration::from_secs(5))
                    && presence(false)(&heard)
                {
                    break vanished.elapsed().saturating_sub(OFFLINE_AFTER);
                }
            };
            assert!(found >= STALLED_AFTER - Duration::from_secs(2), "{found:?}");
            assert!(found <= DEAD_AFTER, "{found:?}");
        });
    });
}

/// As `nc` does with what it is given.
#[test]
fn who_has_said_all_may_wait_for_the_answer() {
    for server in [Server::start(), Server::with_tls()] {
        let ann = server.register("ann");
        let request = ann.get("/v1/me").header("connection", "keep-alive").bytes();
        let exchange = Exchange::of_all(&server.door(), &request, DEADLINE);
        assert!(exchange.closed, "it is open after all is said");
        let answer = Response::parse(&exchange.heard).expect("an answer");
        assert_eq!(answer.status, 200);
        let half = &request[..request.len() / 2];
        let began = Instant::now();
        assert!(Exchange::of_all(&server.door(), half, DEADLINE).closed);
        assert!(began.elapsed() < HEADER_WITHIN, "half a request waits for its other half");
    }
}
