//! What every answer has, whoever asks for what: headers, cookies, and to whom `/metrics` answers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use chinwag_core::limit::INBOX_MAX;
use chinwag_server::openapi::ROUTES;
use chinwag_testkit::server::{
    DEADLINE, Door, Exchange, PASSWORD, Request, Response, Server, User,
};
use serde_json::json;

/// What no answer goes without.
const HARDENED: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// A path of the route that leads somewhere.
fn path(template: &str, ann: &User) -> String {
    template
        .replace("{room}", &ann.self_room().to_string())
        .replace("{user}", &ann.id.to_string())
        .replace("{session}", "0000000000007")
        .replace("{code}", "none")
        .replace("{stream}", "0-0-0")
        .replace("{seq}", "1")
}

#[test]
fn every_answer_of_every_route_is_hardened() {
    let server = Server::start();
    let ann = server.register("ann");
    // Deleting the account is no GET: with an empty body it is refused.
    for route in ROUTES {
        let path = path(route.path, &ann);
        let with = server.request(route.method, &path).token(&ann.token);
        let answers = [
            server.request(route.method, &path),
            with.clone(),
            server.request("TRACE", &path),
            with.header("origin", "https://evil.example"),
        ];
        // Signing out comes where the table has it; the others must not notice.
        let answers = if route.path.ends_with("logout") { &answers[..1] } else { &answers[..] };
        for request in answers {
            let answer = request.send();
            for (name, value) in HARDENED {
                assert_eq!(answer.header(name), Some(*value), "{name} of {route:?}");
            }
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{route:?}");
            let policy = answer.header("content-security-policy").unwrap_or_default();
            assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'", "{route:?}");
            assert!(answer.header("permissions-policy").is_some(), "{route:?}");
            let cors = answer.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
            assert_eq!(cors, None, "{route:?} speaks to other sites");
            assert!(answer.status < 500, "{route:?}: {}", answer.status);
        }
    }
}

#[test]
fn the_page_runs_its_own_scripts_alone() {
    let server = Server::start();
    let page = server.get("/").expect(200);
    let policy = page.header("content-security-policy").unwrap_or_default();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte-trusted-html chinwag-worker",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in HARDENED {
        assert_eq!(page.header(name), Some(*value), "{name}");
    }
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let known = page.header("etag").expect("it has a tag");
    server.get("/").header("if-none-match", known).expect(304);
    server.get("/no/such/file").expect(404);
    server.request("POST", "/").expect(405);
    assert_eq!(server.get("/v1/no/such/route").expect(404).code(), "not_found");
}

/// Every route and the socket refuse a page of another site, and say what to do if it is one's own.
#[test]
fn another_origin_is_refused_with_a_hint() {
    let server = Server::start();
    let ann = server.register("ann");
    let host = server.address().to_string();
    let from = |method: &str, path: &str, origin: &str| {
        server.request(method, path).token(&ann.token).header("origin", origin)
    };
    for route in ROUTES {
        let refused =
            from(route.method, &path(route.path, &ann), "https://evil.example").expect(403);
        assert_eq!(refused.code(), "forbidden", "{route:?}");
        assert!(refused.text().contains("--public-url"), "{}", refused.text());
    }
    from("GET", "/v1/me", &format!("http://{host}")).expect(200);
    for origin in [
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        &format!("http://{host}.evil.example"),
    ] {
        from("GET", "/v1/me", origin).expect(403);
        let socket = from("GET", "/v1/ws", origin)
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        assert!(socket.expect(403).text().contains("--public-url"));
    }
    // A browser asks first where a page of another site wants more than a form could.
    let preflight = from("OPTIONS", "/v1/me", "https://evil.example")
        .header("access-control-request-method", "DELETE")
        .expect(403);
    assert!(preflight.header("access-control-allow-origin").is_none());
}

/// The beginning of an answer, for one that is not followed by an end.
fn first_line(door: &Door, request: &Request) -> String {
    let mut stream = TcpStream::connect(door.address).expect("it listens");
    stream.write_all(&request.bytes()).expect("a request is taken");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("an answer comes");
    String::from_utf8_lossy(&head).into_owned()
}

/// A page that was opened under an address of the LAN, which a server that hears every interface names
/// itself, may speak to it: its origin has the host and port of the request.
#[test]
fn a_page_of_the_lan_is_ones_own() {
    let server = Server::with(|raw| {
        raw.listen = SocketAddr::from(([0, 0, 0, 0], 0));
        raw.registration = Some(chinwag_server::config::Registration::Open);
    });
    let port = server.address().port();
    let server = Door::new(SocketAddr::from(([127, 0, 0, 1], port)));
    let body = json!({"handle": "ann", "password": PASSWORD, "refresh": "body"});
    let register = server.request("POST", "/v1/auth/register").json(&body).expect(201);
    let ann = User::of_tokens(&server, PASSWORD, &register.json());
    let urls = ann.get("/v1/addresses").expect(200).json()["urls"].clone();
    let urls: Vec<String> = serde_json::from_value(urls).expect("a list of addresses");
    assert!(urls.len() <= chinwag_core::limit::ADDRESSES_MAX);
    for url in urls.into_iter().chain([format!("http://192.168.1.7:{port}")]) {
        let host = url.strip_prefix("http://").expect("plain HTTP").to_owned();
        assert!(host.ends_with(&format!(":{port}")) && !host.starts_with("127."), "{host}");
        let from = |method: &str, path: &str, origin: &str| {
            ann.request(method, path).header("host", &host).header("origin", origin)
        };
        from("PATCH", "/v1/me", &url).json(&json!({"hue": 7})).expect(200);
        let socket = |origin: &str| {
            from("GET", "/v1/ws", origin)
                .header("connection", "upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .header("sec-websocket-protocol", "chinwag.v1")
        };
        assert_eq!(first_line(&server, &socket(&url)), "HTTP/1.1 101");
        for other in ["http://192.168.1.8:8080", "http://192.168.1.7", "https://evil.example"] {
            from("PATCH", "/v1/me", other).json(&json!({"hue": 8})).expect(403);
            assert_eq!(first_line(&server, &socket(other)), "HTTP/1.1 403");
        }
    }
}

#[test]
fn the_addresses_of_a_server_are_where_others_reach_it() {
    let urls = |server: &Server| {
        let ann = server.register("ann");
        ann.get("/v1/addresses").expect(200).json()["urls"].clone()
    };
    assert_eq!(urls(&Server::start()), json!([]), "on loopback alone");
    let public = Server::with(|raw| {
        raw.public_url = Some("https://chat.example.org".to_owned());
        raw.registration = Some(chinwag_server::config::Registration::Open);
    });
    assert_eq!(urls(&public), json!(["https://chat.example.org"]));
}

/// DNS rebinding: the page's own name leads here, so its origin is the host.
#[test]
fn a_host_that_anyone_may_point_here_is_refused() {
    let server = Server::start();
    let port = server.address().port();
    let at = |path: &str, host: &str| {
        let (host, origin) = (format!("{host}:{port}"), format!("http://{host}:{port}"));
        server.get(path).header("host", &host).header("origin", &origin)
    };
    for path in ["/", "/metrics", "/v1/installation", "/v1/ws", "/no/such/file"] {
        let refused = at(path, "evil.example").expect(403);
        assert!(refused.text().contains("--public-url"), "{}", refused.text());
    }
    for host in ["localhost", "127.0.0.1", "chat", "chat.local"] {
        at("/metrics", host).expect(200);
    }
    let nameless = b"GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n";
    let answer = Exchange::of(&server.door(), nameless, DEADLINE).heard;
    assert_eq!(Response::parse(&answer).map(|answer| answer.status), Some(400));
}

#[test]
fn behind_a_proxy_the_public_url_is_the_origin() {
    let server = Server::with(|raw| {
        raw.public_url = Some("https://chat.example.org".to_owned());
        raw.registration = Some(chinwag_server::config::Registration::Open);
    });
    let ann = server.register("ann");
    let from = |origin: &str| ann.get("/v1/me").header("origin", origin);
    from("https://chat.example.org").expect(200);
    from("http://chat.example.org").expect(403);
    from("https://chat.example.org.evil.example").expect(403);
    let rebound = ann.request("POST", "/v1/invites").header("host", "evil.example").expect(403);
    assert!(rebound.text().contains("--public-url"), "{}", rebound.text());
    let proxied = ann.request("POST", "/v1/invites").header("host", "chat.example.org");
    let made = proxied.expect(201).json();
    let link = made["link"].as_str().unwrap_or_default().to_owned();
    assert!(link.starts_with("https://chat.example.org/#invite="), "{link}");
    assert!(server.welcome()[0].contains("https://chat.example.org"));
}

#[test]
fn the_cookie_is_out_of_reach() {
    let body = json!({"handle": "ann", "password": PASSWORD});
    let set = |public_url: Option<&str>| {
        let server = Server::with(|raw| {
            raw.public_url = public_url.map(str::to_owned);
            raw.registration = Some(chinwag_server::config::Registration::Open);
        });
        let answer = server.post("/v1/auth/register", &body).expect(201);
        assert!(answer.json().get("refresh_token").is_none());
        answer.header("set-cookie").expect("a cookie").to_owned()
    };
    let plain = set(None);
    let flags: Vec<&str> = plain.split("; ").skip(1).collect();
    let sixty_days = format!("Max-Age={}", 60 * 24 * 3600);
    assert_eq!(flags, ["Path=/v1/auth", &sixty_days, "HttpOnly", "SameSite=Strict"]);
    assert!(plain.starts_with("chinwag_"), "{plain}");
    assert!(!set(Some("http://chat.example.org")).contains("Secure"));
    assert!(set(Some("https://chat.example.org")).ends_with("; Secure"));
}

#[test]
fn metrics_are_for_the_one_who_runs_it() {
    let open = Server::start();
    let text = open.get("/metrics").expect(200);
    assert!(
        text.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/openmetrics-text"))
    );
    assert!(text.text().ends_with("# EOF\n"));
    for change in [
        |raw: &mut chinwag_server::config::RawConfig| {
            raw.public_url = Some("https://a.example".to_owned());
        },
        |raw: &mut chinwag_server::config::RawConfig| raw.trusted_hops = 1,
    ] {
        Server::with(change).get("/metrics").expect(404);
    }
    let apart = Server::with(|raw| raw.metrics_listen = Some(([127, 0, 0, 1], 0).into()));
    apart.get("/metrics").expect(404);
    let door = Door::new(apart.metrics_address().expect("a port of its own"));
    assert!(door.request("GET", "/metrics").expect(200).text().contains("chinwag_http_requests"));
    for path in ["/", "/v1/installation", "/livez", "/v1/ws"] {
        door.request("GET", path).expect(404);
    }
}

/// What people do is counted, and nobody is named.
#[test]
fn figures_follow_what_happens() {
    let server = Server::start();
    let [ann, bob] = server.register_all(["zaphod", "bob"]);
    let (mut own, mut sees) = (ann.socket(), bob.socket());
    let room = ann.general();
    let names = [
        "chinwag_events_total",
        "chinwag_deliveries_total",
        "chinwag_commands_total",
        "chinwag_commit_seconds_count",
        "chinwag_opened_sockets_total",
        "chinwag_http_requests_total",
        "chinwag_received_frames_total",
    ];
    let before = names.map(|name| server.figure(name));
    own.command(&json!({"type": "message.send", "room": room,
        "key": chinwag_testkit::server::fresh_key(), "text": "hi"}));
    sees.until_one(|frame| frame["kind"] == "message");
    own.command(&json!({"type": "room.get", "room": "0000000000007"}));
    let after = names.map(|name| server.figure(name));
    assert!(
        after[..4].iter().zip(&before[..4]).all(|(after, before)| after > before),
        "{before:?} {after:?}"
    );
    assert_eq!(after[0] - before[0], 1.0);
    assert_eq!(after[1] - before[1], 2.0);
    assert_eq!(server.figure(r#"chinwag_refusals_total{code="not_found"}"#), 1.0);
    assert_eq!(after[6] - before[6], 2.0);
    assert_eq!(server.figure(r#"chinwag_queue_limit{queue="writer"}"#), 8192.0);
    assert_eq!(server.figure(r#"chinwag_queue_limit{queue="shards"}"#), INBOX_MAX as f64);
    for reason in ["stalled", "overflow", "gone"] {
        let name = format!(r#"chinwag_dropped_readers_total{{reason="{reason}"}}"#);
        assert_eq!(server.figure(&name), 0.0);
    }
    let text = server.get("/metrics").expect(200).text();
    for name in [ann.id.to_string(), room.to_string(), "zaphod".to_owned(), "127.0.0.1".to_owned()]
    {
        assert!(!text.contains(&name), "{name} is in the figures");
    }
}

#[test]
fn probes_say_how_it_is() {
    let server = Server::start();
    assert_eq!(server.get("/livez").expect(200).text(), "ok\n");
    assert_eq!(server.get("/readyz").expect(200).text(), "ok\n");
}
