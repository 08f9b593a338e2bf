//! What a server that leaves still does for those who come by HTTP: what has arrived is answered, and
//! nobody is reset. Under load, and with the real program: the torture suite.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chinwag_testkit::server::{DEADLINE, Response, Server, Socket, User};
use serde_json::json;

/// A server that has begun to drain, and a socket that keeps it from its end.
struct Leaving {
    stop: JoinHandle<()>,
    witness: Socket,
}

fn leave(mut server: Server, ann: &User) -> Leaving {
    let mut witness = ann.socket();
    let stop = std::thread::spawn(move || server.stop());
    witness.until("drain");
    Leaving { stop, witness }
}

impl Leaving {
    fn end(self) {
        drop(self.witness);
        self.stop.join().expect("it stops");
    }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket takes a timeout");
    stream
}

/// A request that leaves its connection open.
fn request(user: &User, path: &str) -> Vec<u8> {
    user.get(path).header("connection", "keep-alive").bytes()
}

/// One answer; what is read behind it is an error.
fn answer(stream: &mut TcpStream) -> Response {
    let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).expect("an answer comes, and no reset");
        assert!(count > 0, "it ended before the answer");
        heard.extend_from_slice(&chunk[..count]);
        if let Some(answer) = Response::parse(&heard) {
            return answer;
        }
    }
}

fn ended_cleanly(stream: &mut TcpStream) {
    let ended = stream.read(&mut [0; 64]);
    assert!(matches!(ended, Ok(0)), "{ended:?}");
}

#[test]
fn a_kept_connection_is_answered_once_more_and_told_so() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut kept = connect(&server);
    kept.write_all(&request(&ann, "/v1/me")).expect("it is taken");
    assert_eq!(answer(&mut kept).header("connection"), None);
    let leaving = leave(server, &ann);
    kept.write_all(&request(&ann, "/v1/me")).expect("it is taken");
    let last = answer(&mut kept);
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    ended_cleanly(&mut kept);
    leaving.end();
}

#[test]
fn one_that_came_in_and_asked_nothing_yet_may_still_ask() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut fresh = connect(&server);
    let leaving = leave(server, &ann);
    let post = ann.post("/v1/rooms", &json!({"kind": "channel", "name": "late"}));
    fresh.write_all(&post.header("connection", "keep-alive").bytes()).expect("it is taken");
    let refused = answer(&mut fresh);
    assert_eq!((refused.status, refused.code().as_str()), (503, "busy"));
    assert_eq!(refused.header("connection"), Some("close"));
    ended_cleanly(&mut fresh);
    leaving.end();
}

#[test]
fn a_request_of_which_a_part_has_come_is_heard_out() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut head = connect(&server);
    let bytes = request(&ann, "/v1/me");
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    head.write_all(first).expect("it is taken");
    let mut body = connect(&server);
    let patch = ann.patch("/v1/me", &json!({"hue": 7})).header("connection", "keep-alive").bytes();
    let (early, late) = patch.split_at(patch.len() - 3);
    body.write_all(early).expect("it is taken");
    let mut still = connect(&server);
    let leaving = leave(server, &ann);
    // By when one that was still has ended, these have been given time.
    ended_cleanly(&mut still);
    head.write_all(rest).expect("it is taken");
    assert_eq!(answer(&mut head).status, 200);
    body.write_all(late).expect("it is taken");
    assert_eq!(answer(&mut body).status, 503, "nothing is changed any more");
    ended_cleanly(&mut head);
    ended_cleanly(&mut body);
    leaving.end();
}

#[test]
fn what_comes_after_the_end_is_not_answered_with_a_reset() {
    let server = Server::start();
    let ann = server.register("ann");
    let mut still = connect(&server);
    let leaving = leave(server, &ann);
    ended_cleanly(&mut still);
    still.write_all(&request(&ann, "/v1/me")).expect("it is taken");
    still.set_nonblocking(true).expect("a socket may not wait");
    assert!(matches!(still.read(&mut [0; 64]), Ok(0)), "a reset");
    leaving.end();
}

#[test]
fn nobody_new_comes_in() {
    let server = Server::start();
    let (ann, address) = (server.register("ann"), server.address());
    let leaving = leave(server, &ann);
    let until = Instant::now() + DEADLINE;
    // The port may be told a moment after the sockets are.
    let why = loop {
        assert!(Instant::now() < until, "who knocks is let in");
        if let Err(error) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            break error.kind();
        }
    };
    assert_eq!(why, ErrorKind::TimedOut, "who knocks may come back to the server that follows");
    leaving.end();
    let after = TcpStream::connect(address).expect_err("it is gone").kind();
    assert_eq!(after, ErrorKind::ConnectionRefused);
}

/// An answer is not taken along by the rest of a request that nobody wants to read.
#[test]
fn a_refusal_arrives_though_its_request_goes_on() {
    let server = Server::start();
    let ann = server.register("ann");
    for _ in 0..20 {
        let mut stream = connect(&server);
        let length = 512 * 1024;
        let patch = ann.request("PATCH", "/v1/me").header("content-type", "application/json");
        let mut bytes = patch.header("content-length", &length.to_string()).bytes();
        bytes.extend(std::iter::repeat_n(b' ', length));
        stream.write_all(&bytes).expect("it is taken");
        assert_eq!(answer(&mut stream).status, 413);
        ended_cleanly(&mut stream);
    }
}
