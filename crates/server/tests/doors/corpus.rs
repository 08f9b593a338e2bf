//! Malformed requests and frames, most of them made from the wire's own types: each is refused
//! clearly and at once, nothing breaks, and nothing changes.

mod bodies;
mod frames;
mod http;
mod json;
mod mutations;
mod tokens;

use std::time::{Duration, Instant};

use chinwag_core::id::RoomId;
use chinwag_testkit::server::{Exchange, Response, Server, User};
use serde_json::{Value, json};

/// Everything is answered or closed within this time.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Ann owns the installation and a group with Bob; what is refused must leave them alone.
struct Scene {
    server: Server,
    ann: User,
    bob: User,
    group: RoomId,
    before: Value,
}

impl Scene {
    fn new() -> Self {
        let server = Server::start();
        let [ann, bob] = server.register_all(["ann", "bob"]);
        let group = ann.group("ours", &[&bob]);
        ann.say(group, "hi");
        ann.request("POST", "/v1/invites").expect(201);
        let mut scene = Self { server, ann, bob, group, before: Value::Null };
        scene.before = scene.state();
        scene
    }

    /// All that can be seen from outside, and how many events there are. Ticks are left out: they are
    /// told up to a second after the marks that they come from.
    fn state(&self) -> Value {
        let of = |user: &User| {
            let paths = ["/v1/me", "/v1/rooms", "/v1/rooms?listed=true"];
            let mut all: Vec<Value> =
                paths.iter().map(|path| user.get(path).expect(200).json()).collect();
            for room in all.iter_mut().filter_map(|it| it["rooms"].as_array_mut()).flatten() {
                room["receipts"].take();
            }
            all.push(user.get(&format!("/v1/rooms/{}/events", self.group)).expect(200).json());
            all.push(user.get(&format!("/v1/rooms/{}/members", self.group)).expect(200).json());
            let sessions = user.get("/v1/sessions").expect(200).json();
            all.push(json!(sessions["sessions"].as_array().map(Vec::len)));
            json!(all)
        };
        let invites = self.ann.get("/v1/invites").expect(200).json();
        let events = self.server.figure("chinwag_events_total");
        json!([of(&self.ann), of(&self.bob), invites, events])
    }

    fn assert_unchanged(&self) {
        assert_eq!(self.state(), self.before);
    }

    /// Says it; the answer comes at once and is no failure of the server.
    fn answered(&self, what: &str, bytes: &[u8]) -> Response {
        let since = Instant::now();
        let exchange = Exchange::of(&self.server.door(), bytes, AT_ONCE);
        assert!(since.elapsed() < AT_ONCE, "it hangs: {what}");
        let answer = Response::parse(&exchange.heard);
        let answer = answer.unwrap_or_else(|| panic!("no answer to {what}: {exchange:?}"));
        assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
        answer
    }
}

/// Half a thousand and more, counted where they are made.
#[test]
fn the_corpus_is_large() {
    let counts = [
        ("bodies", bodies::cases().len()),
        ("frames", frames::cases(&frames::Names::any()).len()),
        ("http", http::cases("a", "b").len()),
        ("framing", frames::broken().len()),
    ];
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    assert!(all >= 900, "{counts:?}");
    assert!(counts.iter().all(|(_, count)| *count >= 30), "{counts:?}");
}
