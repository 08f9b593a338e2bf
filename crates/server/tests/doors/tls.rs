//! The main port over TLS: the same doors, and what is TLS's own.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chinwag_core::id::RoomId;
use chinwag_core::limit::{HANDSHAKE_WITHIN, OUTBOX_BYTES_MAX, TEXT_BYTES_MAX};
use chinwag_proto::ws::Opcode;
use chinwag_testkit::server::{
    DEADLINE, Door, Exchange, PASSWORD, Response, Server, User, Wire, fresh_key, trust,
    write_certificate,
};
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, StreamOwned};
use serde_json::{Value, json};

/// What the server says without TLS to these bytes, until it has ended.
fn in_the_open(server: &Server, bytes: &[u8]) -> Exchange {
    Exchange::of(&Door::new(server.address()), bytes, DEADLINE)
}

/// A connection that has gone through the handshake, by this configuration.
fn shaken(address: SocketAddr, config: ClientConfig) -> Wire {
    let mut door = Door::new(address);
    door.trust = Some(Arc::new(config));
    let mut wire = Wire::connect(&door);
    if let Wire::Tls(tls) = &mut wire {
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock).expect("the hands are shaken");
        }
    }
    wire
}

fn trusting(server: &Server) -> ClientConfig {
    let trust = server.door().trust.expect("a server with TLS");
    ClientConfig::clone(&trust)
}

fn message(room: RoomId, text: &str) -> Value {
    json!({"type": "message.send", "room": room, "key": fresh_key(), "text": text})
}

#[test]
fn both_doors_are_open_and_all_is_https() {
    let server = Server::with_tls();
    assert!(server.welcome()[0].contains("https://localhost:"), "{:?}", server.welcome());
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.group("trio", &[&bob]);
    let (mut from_ann, mut from_bob) = (ann.socket(), bob.socket());
    for number in 0..50 {
        from_ann.ask(&message(room, &number.to_string()));
    }
    let last = |frame: &Value| frame["body"]["text"] == "49";
    let (before, _) = from_bob.until_one(last);
    let texts: Vec<_> = before.iter().filter_map(|frame| frame["body"]["text"].as_str()).collect();
    assert_eq!(texts, (0..49).map(|number| number.to_string()).collect::<Vec<_>>());
    let history = bob.get(&format!("/v1/rooms/{room}/messages")).expect(200).json();
    assert_eq!(history["head_seq"], before[0]["seq"].as_u64().expect("a seq") + 49);

    let body = json!({"handle": "ann", "password": PASSWORD});
    let signed_in = server.post("/v1/auth/login", &body).expect(200);
    let cookie = signed_in.header("set-cookie").expect("a cookie");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let invite = ann.post("/v1/invites", &json!({})).expect(201).json();
    assert!(invite["link"].as_str().is_some_and(|link| link.starts_with("https://")), "{invite}");
    let host = server.address().to_string();
    let from = |origin: &str| ann.get("/v1/me").header("origin", origin).send().status;
    assert_eq!((from(&format!("https://{host}")), from(&format!("http://{host}"))), (200, 403));
}

/// The longest texts both ways: records that come in parts, and answers of many records.
#[test]
fn what_is_long_comes_whole() {
    let server = Server::with_tls();
    let ann = server.register("ann");
    let room = ann.self_room();
    let mut socket = ann.socket();
    let text = "é".repeat(TEXT_BYTES_MAX / 2);
    for _ in 0..20 {
        let said = socket.command(&message(room, &text));
        assert_eq!(said["type"], "reply", "{said}");
    }
    let page = ann.get(&format!("/v1/rooms/{room}/messages?limit=100")).expect(200).json();
    let messages = page["messages"].as_array().expect("a list");
    let whole = messages.iter().filter(|message| message["body"]["text"] == text.as_str());
    assert_eq!(whole.count(), 20);
    let synced = socket.ask(&json!({"type": "room.sync", "room": room, "after": 0, "limit": 100}));
    assert_eq!(socket.answer(synced)["type"], "reply");
}

/// It holds for every port of a host, and outlives the server: only who is the whole host may ask it.
#[test]
fn only_the_owner_of_a_host_asks_for_https_alone() {
    let asked = |url: Option<&str>| {
        let mut server = Server::with_tls();
        server.restart_with(|raw| raw.public_url = url.map(str::to_owned));
        let answer = server.get("/livez").expect(200);
        answer.header("strict-transport-security").map(str::to_owned)
    };
    assert_eq!(asked(Some("https://chat.example")).as_deref(), Some("max-age=31536000"));
    assert_eq!(asked(Some("https://chat.example:8443")), None);
    assert_eq!(asked(None), None);
    let plain = Server::with(|raw| raw.public_url = Some("https://chat.example".to_owned()));
    let answer = plain.get("/livez").expect(200);
    assert_eq!(answer.header("strict-transport-security"), None, "it is the proxy's to say");
}

#[test]
fn versions_and_protocols_are_those_of_today() {
    let server = Server::with_tls();
    let trusted = trusting(&server);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let builder = ClientConfig::builder_with_provider(Arc::clone(trusted.crypto_provider()));
        let builder = builder.with_protocol_versions(&[version]).expect("a version");
        let mut roots = rustls::RootCertStore::empty();
        let cert = server.folder().join("cert.pem");
        let cert = rustls::pki_types::pem::PemObject::from_pem_file(cert).expect("a certificate");
        roots.add(cert).expect("a certificate");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let Wire::Tls(tls) = shaken(server.address(), config) else { panic!("TLS") };
        assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(tls.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn who_comes_back_resumes() {
    let server = Server::with_tls();
    let config = trusting(&server);
    let come = || {
        let mut wire = shaken(server.address(), config.clone());
        let request = server.get("/livez").bytes();
        wire.write_all(&request).expect("it is taken");
        let mut answer = Vec::new();
        wire.read_to_end(&mut answer).expect("an end that was said");
        let Wire::Tls(tls) = wire else { panic!("TLS") };
        tls.conn.handshake_kind()
    };
    assert_eq!(come(), Some(HandshakeKind::Full));
    assert_eq!(come(), Some(HandshakeKind::Resumed));
}

#[test]
fn plain_http_is_led_to_https_or_told() {
    let server = Server::with_tls();
    let host = server.address().to_string();
    let asked = |method: &str, host: &str| {
        let request = format!("{method} /a?b=c HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let exchange = in_the_open(&server, request.as_bytes());
        assert!(exchange.closed);
        Response::parse(&exchange.heard).expect("an answer")
    };
    let led = asked("GET", &host);
    assert_eq!(
        (led.status, led.header("location")),
        (307, Some(&*format!("https://{host}/a?b=c")))
    );
    let told = asked("POST", &host);
    assert_eq!((told.status, told.code().as_str()), (400, "invalid"));
    assert!(told.text().contains("https"), "{}", told.text());
    assert_eq!(asked("GET", "evil.example").status, 400, "nobody is led elsewhere");
    let socket = format!("GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\r\n");
    let exchange = in_the_open(&server, socket.as_bytes());
    assert_eq!(Response::parse(&exchange.heard).map(|answer| answer.status), Some(307));
}

#[test]
fn a_probe_needs_no_certificate() {
    let server = Server::with_tls();
    let host = server.address().to_string();
    for path in ["/livez", "/readyz"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let exchange = in_the_open(&server, request.as_bytes());
        assert_eq!(
            Response::parse(&exchange.heard).map(|answer| answer.status),
            Some(200),
            "{path}"
        );
    }
}

#[test]
fn garbage_is_answered_with_an_alert_and_an_end() {
    let server = Server::with_tls();
    let ann = server.register("ann");
    let mut socket = ann.socket();
    let garbage: [&[u8]; 6] = [
        &[0x16, 3, 1, 0, 4, 1, 0, 0, 0],
        &[0x16, 3, 1, 0xff, 0xff, 1, 2, 3],
        &[0x17, 3, 3, 0, 1, 0],
        &[0x80, 0x2e, 1, 0, 2],
        &[0; 600],
        &[0xff; 20_000],
    ];
    for bytes in garbage {
        let exchange = in_the_open(&server, bytes);
        assert!(exchange.closed, "{bytes:x?}: {:x?}", exchange.heard);
        // An alert, or nothing where what came was too short to be wrong; never anything else.
        assert!(matches!(exchange.heard.first(), None | Some(0x15)), "{:x?}", exchange.heard);
    }
    assert!(server.figure("chinwag_failed_handshakes_total") >= 6.0);
    socket.send(&json!({"type": "ping"}));
    socket.until("pong");
}

#[test]
fn a_handshake_that_does_not_come_to_its_end_is_cut() {
    let server = Server::with_tls();
    let began = Instant::now();
    let silent = TcpStream::connect(server.address()).expect("it listens");
    let mut slow = TcpStream::connect(server.address()).expect("it listens");
    slow.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]).expect("it is taken");
    for mut stream in [silent, slow] {
        let within = HANDSHAKE_WITHIN + DEADLINE;
        stream.set_read_timeout(Some(within)).expect("a socket takes a timeout");
        let ended = stream.read(&mut [0; 64]);
        assert!(
            matches!(&ended, Ok(0))
                || ended.is_err_and(|it| it.kind() == ErrorKind::ConnectionReset)
        );
    }
    assert!(began.elapsed() >= HANDSHAKE_WITHIN, "sooner than was promised");
}

/// A network that carries one byte at a time.
struct Dribble(TcpStream);

impl Read for Dribble {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let room = into.len().min(1);
        self.0.read(&mut into[..room])
    }
}

impl Write for Dribble {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn records_may_come_byte_by_byte() {
    let server = Server::with_tls();
    let ann = server.register("ann");
    let tcp = TcpStream::connect(server.address()).expect("it listens");
    tcp.set_nodelay(true).expect("a socket takes nodelay");
    tcp.set_read_timeout(Some(DEADLINE)).expect("a socket takes a timeout");
    let name = server.address().ip().into();
    let tls = ClientConnection::new(Arc::new(trusting(&server)), name).expect("a configuration");
    let mut stream = StreamOwned::new(tls, Dribble(tcp));
    let patch = ann.patch("/v1/me", &json!({"display_name": "n".repeat(64)}));
    stream.write_all(&patch.bytes()).expect("it is taken");
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).expect("an end that was said");
    let answer = Response::parse(&heard).expect("an answer");
    assert_eq!(
        (answer.status, answer.json()["display_name"].as_str()),
        (200, Some(&*"n".repeat(64)))
    );
}

#[test]
fn a_drain_says_goodbye_in_tls_too() {
    let server = Server::with_tls();
    let ann = server.register("ann");
    let mut kept = shaken(server.address(), trusting(&server));
    let request = ann.get("/v1/me").header("connection", "keep-alive").bytes();
    let mut socket = ann.socket();
    let mut idle = shaken(server.address(), trusting(&server));
    let mut running = server;
    let stop = std::thread::spawn(move || running.stop());
    socket.until("drain");
    kept.write_all(&request).expect("it is taken");
    let mut heard = Vec::new();
    // An end without `close_notify` would be an error.
    kept.read_to_end(&mut heard).expect("an end that was said");
    let last = Response::parse(&heard).expect("an answer");
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert_eq!(idle.read(&mut [0; 64]).expect("an end that was said"), 0);
    assert_eq!(socket.closed(), 1012);
    drop((kept, idle, socket));
    stop.join().expect("it stops");
}

#[test]
fn a_revoked_session_is_cut_within_a_second() {
    let server = Server::with_tls();
    let ann = server.register("ann");
    let other = ann.sign_in();
    let mut socket = other.socket();
    let began = Instant::now();
    other.request("POST", "/v1/auth/logout").expect(204);
    assert_eq!(socket.closed(), 4401);
    assert!(began.elapsed() <= Duration::from_secs(1) * 4, "{:?}", began.elapsed());
    socket.say(Opcode::Close, &1000_u16.to_be_bytes());
    socket.ended();
}

#[test]
fn a_slow_reader_lags_and_catches_up() {
    let server = Server::with_tls();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.group("pair", &[&bob]);
    let mut slow = bob.socket();
    let mut writer = ann.socket();
    let text = "x".repeat(TEXT_BYTES_MAX);
    let waits = || server.figure("chinwag_lagging_readers{shard=\"0\"}") > 0.0;
    let until = Instant::now() + DEADLINE;
    let mut said = 0;
    // What the systems of both ends hold, and then more than an outbox.
    while !waits() {
        assert!(Instant::now() < until, "it never lagged, after {said} messages");
        for _ in 0..OUTBOX_BYTES_MAX / TEXT_BYTES_MAX / 2 {
            let answer = writer.command(&message(room, &text));
            said = answer["seq"].as_u64().expect("a seq");
        }
    }
    let lagged = slow.until("lagged");
    assert_eq!(lagged["room"], json!(room));
    let after = lagged["head_seq"].as_u64().expect("a seq");
    assert!(after <= said, "{after} of {said}");
    ann.say(room, "and on");
    slow.until_one(|frame| frame["body"]["text"] == "and on");
}

fn shown(address: SocketAddr, cert: &std::path::Path) -> bool {
    let mut config = ClientConfig::clone(&trust(cert));
    config.resumption = Resumption::disabled();
    let mut door = Door::new(address);
    door.trust = Some(Arc::new(config));
    match Wire::connect(&door) {
        Wire::Tls(mut tls) => tls.conn.complete_io(&mut tls.sock).is_ok(),
        Wire::Plain(_) => false,
    }
}

#[test]
fn another_certificate_is_shown_as_soon_as_its_files_are_there() {
    let server = Server::with_tls();
    let ann: User = server.register("ann");
    let mut socket = ann.socket();
    let (cert, key) = (server.folder().join("cert.pem"), server.folder().join("key.pem"));
    assert!(shown(server.address(), &cert));
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (new_cert, new_key) = write_certificate(elsewhere.path());
    // Half of the pair is no pair: the one before stays.
    std::fs::copy(&new_cert, &cert).expect("the folder is ours");
    assert!(!shown(server.address(), &new_cert));
    std::fs::copy(&new_key, &key).expect("the folder is ours");
    let until = Instant::now() + DEADLINE;
    while !shown(server.address(), &new_cert) {
        assert!(Instant::now() < until, "the new certificate is not shown");
    }
    socket.send(&json!({"type": "ping"}));
    socket.until("pong");
}
