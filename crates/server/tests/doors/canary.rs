//! Secrets stay where they belong: in the answer that gives them out, and nowhere else.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use chinwag_testkit::server::{PASSWORD, Server};
use rusqlite::Connection;
use serde_json::json;

/// All that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on everything is logged, however small.
fn listen() -> Log {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("no other test listens");
    log
}

fn count(within: &[u8], secret: &[u8]) -> usize {
    within.windows(secret.len()).filter(|bytes| *bytes == secret).count()
}

/// What is in the tables that must never leave them: password hashes, token hashes, signing keys; as
/// bytes and as text.
fn kept(server: &Server) -> Vec<Vec<u8>> {
    let database = Connection::open(server.data().join("chinwag.db")).expect("it opens");
    let mut secrets = Vec::new();
    for sql in [
        "SELECT CAST(password AS BLOB) FROM users WHERE password IS NOT NULL",
        "SELECT hash FROM session_tokens",
        "SELECT secret FROM signing_keys",
        "SELECT token FROM resets",
    ] {
        let mut statement = database.prepare(sql).expect("the tables are as this test knows them");
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("it reads");
        let before = secrets.len();
        for secret in rows {
            let secret = secret.expect("it reads");
            secrets
                .push(secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
            secrets.push(secret);
        }
        assert!(secrets.len() > before, "{sql} finds nothing to look for");
    }
    secrets
}

/// The log is heard, and tells what an operator asks it for.
fn assert_tells(logged: &[u8]) {
    for line in [
        "the log is heard",
        "registered",
        "signed in",
        "sessions ended",
        "refused",
        "a socket came",
        "a socket said hello",
        "a socket is closed",
        "a socket went",
        "drained",
    ] {
        assert!(count(logged, line.as_bytes()) > 0, "the log does not tell: {line}");
    }
}

#[test]
fn no_secret_is_told_or_logged() {
    let log = listen();
    tracing::trace!("the log is heard");
    let mut server = Server::start();
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let device = bob.sign_in();
    let body = json!({"refresh_token": device.refresh_token});
    let rotated = server.post("/v1/auth/refresh", &body).expect(200).json();
    let body = json!({"handle": "bob", "password": PASSWORD});
    let answer = server.post("/v1/auth/login", &body).expect(200);
    let cookie = answer.header("set-cookie").and_then(|set| set.split(';').next()?.split_once('='));
    let cookie = cookie.expect("a cookie").1.to_owned();
    let reset = ann.request("POST", &format!("/v1/users/{}/reset", bob.id)).expect(201).json();
    let invite = ann.request("POST", "/v1/invites").expect(201).json();

    // Everyone asks for everything that one may, rightly and wrongly.
    let group = ann.group("ours", &[&bob]);
    let mut socket = ann.socket();
    socket.command(&json!({"type": "room.list"}));
    socket.command(
        &json!({"type": "message.send", "room": group, "key": "x", "text": PASSWORD.len()}),
    );
    for user in [&ann, &bob] {
        for route in chinwag_server::openapi::ROUTES.iter().filter(|route| route.method == "GET") {
            let path = route.path.replace("{room}", &group.to_string());
            let _ = user.get(&path).send();
        }
        user.post("/v1/auth/password", &json!({"old": "wrong", "new": PASSWORD})).expect(400);
    }
    let mut stranger = server.socket();
    stranger.send(&json!({"type": "hello", "token": format!("{}x", ann.token)}));
    assert_eq!(stranger.closed(), 4401);
    bob.sign_in().request("POST", "/v1/auth/logout").expect(204);
    let nonsense = json!({"handle": {"password": PASSWORD}, "password": PASSWORD});
    server.post("/v1/auth/login", &nonsense).expect(400);

    let heard = server.heard();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let once = [
        ann.refresh_token.clone(),
        bob.refresh_token.clone(),
        device.refresh_token,
        text(&rotated["refresh_token"]),
        cookie,
        ann.token.clone(),
        text(&reset["link"]).split_off(text(&reset["link"]).find('=').unwrap_or_default() + 1),
    ];
    let never = kept(&server);
    drop((socket, stranger));
    server.stop();
    let logged = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_tells(&logged);
    for secret in &once {
        assert!(secret.len() > 20, "{secret:?} is no secret");
        assert_eq!(count(&heard, secret.as_bytes()), 1, "told more than once: {secret}");
        assert_eq!(count(&logged, secret.as_bytes()), 0, "logged: {secret}");
    }
    for secret in &never {
        assert_eq!(count(&heard, secret), 0, "told: {}", String::from_utf8_lossy(secret));
        assert_eq!(count(&logged, secret), 0, "logged: {}", String::from_utf8_lossy(secret));
    }
    assert_eq!(count(&heard, PASSWORD.as_bytes()) + count(&logged, PASSWORD.as_bytes()), 0);
    assert_eq!(count(&heard, b"$argon2") + count(&logged, b"$argon2"), 0);
    assert_eq!(count(&logged, text(&invite["code"]).as_bytes()), 0, "an invite's code is logged");
    // The file and its folder are the server's alone.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(mode(&server.data().join("chinwag.db")), 0o600);
    assert_eq!(mode(server.data()), 0o700);
}
