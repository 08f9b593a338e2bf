//! Who may come in at all.

use chinwag_server::config::Registration;
use chinwag_testkit::server::{PASSWORD, Response, Server, User};
use serde_json::{Value, json};

fn invited() -> Server {
    Server::with(|raw| raw.registration = Some(Registration::Invite))
}

fn register(server: &Server, handle: &str, invite: Option<&str>) -> Response {
    let mut body = json!({"handle": handle, "password": PASSWORD, "refresh": "body"});
    if let Some(invite) = invite {
        body["invite"] = json!(invite);
    }
    server.post("/v1/auth/register", &body).send()
}

/// The first account, by the link of the start lines.
fn owner(server: &Server) -> User {
    let link = server.welcome().join(" ");
    let code = link.split_once("/#invite=").expect("the start lines have a link").1;
    let code = code.split_whitespace().next().unwrap_or_default().to_owned();
    assert_eq!(register(server, "ann", None).status, 400, "not without it");
    assert_eq!(register(server, "ann", Some("wrong")).status, 400);
    assert_eq!(register(server, "ann", Some(&code)).status, 201);
    let again = register(server, "eve", Some(&code));
    assert_eq!((again.status, &again.json()["field"]), (400, &json!("invite")), "it is good once");
    sign_in(server, "ann")
}

fn sign_in(server: &Server, handle: &str) -> User {
    let body = json!({"handle": handle, "password": PASSWORD, "refresh": "body"});
    let answer = server.post("/v1/auth/login", &body).expect(200);
    User::of_tokens(&server.door(), PASSWORD, &answer.json())
}

fn invite(owner: &User, body: &Value) -> Value {
    owner.post("/v1/invites", body).expect(201).json()
}

fn code(invite: &Value) -> &str {
    invite["code"].as_str().expect("an invite has a code")
}

#[test]
fn the_start_lines_link_makes_the_first_account() {
    let mut server = invited();
    let before = server.welcome().join(" ");
    let ann = owner(&server);
    assert_eq!(ann.get("/v1/me").expect(200).json()["rank"], "owner");
    server.restart();
    assert!(!server.welcome().join(" ").contains("#invite="), "there is an owner now");
    assert!(before.contains("#invite="));
}

#[test]
fn an_invite_lets_as_many_in_as_it_says() {
    let server = invited();
    let ann = owner(&server);
    let made = invite(&ann, &json!({"uses": 2}));
    let link = made["link"].as_str().unwrap_or_default();
    assert!(link.ends_with(&format!("/#invite={}", code(&made))), "{link}");
    assert_eq!(register(&server, "bob", None).json()["field"], "invite");
    assert_eq!(register(&server, "bob", Some(code(&made))).status, 201);
    // Who was refused for something else has not used it up.
    assert_eq!(register(&server, "bob", Some(code(&made))).status, 409);
    let listed = ann.get("/v1/invites").expect(200).json();
    assert_eq!(
        (&listed["invites"][0]["uses"], &listed["invites"][0]["uses_left"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(register(&server, "eve", Some(code(&made))).status, 201);
    let over = register(&server, "zed", Some(code(&made)));
    assert_eq!((over.status, &over.json()["field"]), (400, &json!("invite")));
    let listed = ann.get("/v1/invites").expect(200).json();
    assert_eq!(listed["invites"], json!([]), "only those are listed that let someone in");
    assert_eq!(sign_in(&server, "bob").get("/v1/invites").send().status, 403);
}

#[test]
fn of_many_at_once_exactly_as_many_come_in() {
    const USES: usize = 3;
    let server = invited();
    let ann = owner(&server);
    let made = invite(&ann, &json!({ "uses": USES }));
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let asks: Vec<_> = (0..10)
            .map(|number| {
                let (server, code) = (&server, code(&made));
                scope.spawn(move || register(server, &format!("user{number}"), Some(code)))
            })
            .collect();
        asks.into_iter().map(|ask| ask.join().expect("it was answered")).collect()
    });
    let (came, not): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(came.len(), USES);
    for answer in not {
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!("invite")));
    }
    let members = ann.see(ann.general())["members"].clone();
    assert_eq!(members, USES + 1);
}

#[test]
fn an_invite_ends_when_it_says_and_when_it_is_withdrawn() {
    let server = invited();
    let ann = owner(&server);
    let short = invite(&ann, &json!({"expires_in_s": 1}));
    let made = invite(&ann, &json!({}));
    let week_ms = 7 * 24 * 3_600_000;
    let at = |field: &str| made[field].as_u64().unwrap_or_default();
    assert_eq!(at("expires_at_ms") - at("created_at_ms"), week_ms);
    ann.delete(&format!("/v1/invites/{}", code(&made))).expect(204);
    assert_eq!(register(&server, "bob", Some(code(&made))).status, 400);
    ann.delete(&format!("/v1/invites/{}", code(&made))).expect(404);
    // The server's own clock says when the second is over.
    let over = short["expires_at_ms"].as_u64().unwrap_or_default();
    while ann.socket_ready().1["now_ms"].as_u64().unwrap_or_default() <= over {}
    assert_eq!(register(&server, "bob", Some(code(&short))).json()["field"], "invite");
}

#[test]
fn where_registration_is_closed_nobody_comes_in() {
    let mut server = Server::with(|raw| raw.registration = Some(Registration::Closed));
    let ann = owner_of_closed(&server);
    let made = invite(&ann, &json!({}));
    for code in [None, Some(code(&made)), Some("wrong")] {
        assert_eq!(register(&server, "bob", code).status, 403);
    }
    assert_eq!(server.get("/v1/installation").expect(200).json()["registration"], "closed");
    server.restart_with(|raw| raw.registration = Some(Registration::Invite));
    assert_eq!(register(&server, "bob", Some(code(&made))).status, 201);
}

fn owner_of_closed(server: &Server) -> User {
    let link = server.welcome().join(" ");
    let code = link.split_once("/#invite=").expect("the start lines have a link").1;
    let code = code.split_whitespace().next().unwrap_or_default();
    assert_eq!(register(server, "ann", Some(code)).status, 201);
    sign_in(server, "ann")
}
