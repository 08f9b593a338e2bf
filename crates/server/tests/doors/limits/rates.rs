//! How often. Each rate lets its burst through, then says when to come back.

use chinwag_core::limit::{
    ADDRESS_RATE, COMMAND_RATE, LOGIN_RATE, LOOKUP_RATE, Rate, SEND_RATE, SIGNAL_RATE,
};
use chinwag_testkit::server::{PASSWORD, Request, Server, fresh_key};
use serde_json::json;

fn limited() -> Server {
    Server::with(|raw| raw.rate_limits = true)
}

/// Asks until it is too many; how many were not.
fn admitted(rate: Rate, ask: impl Fn() -> Request) -> u32 {
    for count in 0..rate.burst * 4 {
        let answer = ask().send();
        if answer.status != 429 {
            continue;
        }
        assert_eq!(answer.code(), "rate_limited");
        let wait_ms = answer.json()["retry_after_ms"].as_u64().unwrap_or_default();
        let most_ms = (1000.0 / rate.per_second) as u64 + 2;
        assert!((1..=most_ms).contains(&wait_ms), "{wait_ms} of {most_ms}");
        let wait_s = answer.header("retry-after").and_then(|wait| wait.parse().ok());
        assert_eq!(wait_s, Some(wait_ms.div_ceil(1000)));
        return count;
    }
    panic!("four times the burst of {} was let through", rate.burst)
}

/// The burst, and what comes back while it is spent on a slow machine.
fn assert_burst(rate: Rate, spent: u32, admitted: u32) {
    let least = rate.burst.saturating_sub(spent);
    assert!(admitted >= least && admitted < rate.burst * 3, "{admitted} of {}", rate.burst);
}

#[test]
fn what_one_account_asks_for() {
    let server = limited();
    let [ann, bob, eve, zed] = server.register_all(["ann", "bob", "eve", "zed"]);
    let room = ann.self_room();
    let send = || ann.post(&format!("/v1/rooms/{room}/messages"), &json!({"text": "hi"}));
    assert_burst(SEND_RATE, 0, admitted(SEND_RATE, send));
    assert_burst(LOOKUP_RATE, 0, admitted(LOOKUP_RATE, || bob.get("/v1/users?handle=ann")));
    assert_burst(COMMAND_RATE, 0, admitted(COMMAND_RATE, || eve.get("/v1/me")));
    let room = zed.general();
    let typing = || zed.put(&format!("/v1/rooms/{room}/typing"), &json!({"on": true}));
    assert_burst(SIGNAL_RATE, 0, admitted(SIGNAL_RATE, typing));
    // Nobody pays for another.
    zed.get("/v1/me").expect(200);
}

#[test]
fn what_one_socket_asks_for() {
    let server = limited();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let mut socket = ann.socket();
    let general = ann.general();
    let send = || json!({"type": "message.send", "room": ann.self_room(), "key": fresh_key(), "text": "hi"});
    let list = || json!({"type": "room.get", "room": ann.self_room()});
    let asks: [(Rate, &dyn Fn() -> serde_json::Value); 2] =
        [(SEND_RATE, &send), (COMMAND_RATE, &list)];
    for (rate, ask) in asks {
        let refused = (0..rate.burst * 4)
            .map(|_| socket.command(&ask()))
            .find(|answer| answer["type"] == "error");
        let refused = refused.expect("four times the burst");
        assert_eq!(refused["code"], "rate_limited", "{refused}");
        assert!(refused["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0));
    }
    // Signs of life are free, and what is typed above the rate is dropped unseen.
    let mut sees = bob.socket();
    let typing = json!({"type": "typing.set", "room": general, "on": true});
    for _ in 0..SIGNAL_RATE.burst * 2 {
        socket.send(&typing);
    }
    socket.send(&json!({"type": "ping"}));
    socket.until("pong");
    let seen = sees.caught_up(&bob).len() as u32;
    assert_burst(SIGNAL_RATE, 0, seen);
    assert!(seen < SIGNAL_RATE.burst * 2, "all {seen} were let through");
}

#[test]
fn what_one_handle_is_tried_with() {
    let server = limited();
    let ann = server.register("ann");
    let _bob = server.register("bob");
    let login = |handle: &str, password: &str| {
        server.post("/v1/auth/login", &json!({"handle": handle, "password": password}))
    };
    let tried = admitted(LOGIN_RATE, || login("ann", "not this one"));
    assert_burst(LOGIN_RATE, 0, tried);
    // Not even the right one; but who is signed in is not touched, nor is another handle.
    assert_eq!(login("ann", PASSWORD).send().status, 429);
    ann.get("/v1/me").expect(200);
    login("bob", PASSWORD).expect(200);
    // Of a handle that nobody has the same is told.
    assert_burst(LOGIN_RATE, 0, admitted(LOGIN_RATE, || login("ghost", "not this one")));
    // What is no handle is nobody's, so nothing is kept to count it.
    let endless = "x".repeat(60_000);
    for _ in 0..LOGIN_RATE.burst * 2 {
        login(&endless, PASSWORD).expect(401);
    }
}

/// Who guesses at a handle keeps its owner out only where the owner is.
#[test]
fn who_guesses_does_not_keep_the_owner_out() {
    let server = Server::with(|raw| {
        raw.rate_limits = true;
        raw.trusted_hops = 1;
    });
    let _ann = server.register("ann");
    let login = |from: &str, password: &str| {
        let body = json!({"handle": "ann", "password": password});
        server.post("/v1/auth/login", &body).header("x-forwarded-for", from)
    };
    let tried = admitted(LOGIN_RATE, || login("192.0.2.1", "not this one"));
    assert_burst(LOGIN_RATE, 0, tried);
    login("192.0.2.77", PASSWORD).expect(429);
    login("198.51.100.1", PASSWORD).expect(200);
}

#[test]
fn what_one_address_asks_for_without_a_token() {
    let server = limited();
    let ann = server.register("ann");
    let knock = || server.post("/v1/auth/refresh", &json!({"refresh_token": "none"}));
    assert_burst(ADDRESS_RATE, 1, admitted(ADDRESS_RATE, knock));
    // With a token one counts by account, so a whole office can chat behind one address.
    ann.get("/v1/me").expect(200);
    server.get("/v1/installation").expect(200);
}
