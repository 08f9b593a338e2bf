//! The bodies of REST: each field of each type wrong in every way, on every route that takes it.

use chinwag_server::openapi::{ROUTES, Route, document};
use chinwag_testkit::server::{PASSWORD, Request, fresh_key};
use serde_json::{Map, Value, json};

use super::{Scene, json::no_objects, json::no_texts, mutations};

/// One body for one route.
pub(super) struct Case {
    route: &'static Route,
    what: String,
    body: Vec<u8>,
    field: Option<String>,
}

/// A body that would be taken, of each type.
fn good(schema: &str) -> Map<String, Value> {
    let body = match schema {
        "Register" => json!({"handle": "carol", "password": PASSWORD, "display_name": "C"}),
        "Login" => json!({"handle": "nobody", "password": "x"}),
        "Refresh" => json!({"refresh_token": "none"}),
        "PasswordReset" => json!({"token": "none", "new": "another horse"}),
        "PasswordChange" => json!({"old": "", "new": "another horse"}),
        "MePatch" => {
            json!({"display_name": "Ann", "hue": 210, "read_receipts": true, "last_seen": true})
        }
        "MeDelete" => json!({"password": "not this one"}),
        "RankPut" => json!({"rank": "member"}),
        "InviteCreate" => json!({"expires_in_s": 60, "uses": 1}),
        "RoomCreate" => json!({"key": fresh_key(), "kind": "group", "name": "x", "members": []}),
        "RoomPatch" => json!({"key": fresh_key(), "name": "x"}),
        "Keyed" => json!({"key": fresh_key()}),
        "MemberPut" => json!({"key": fresh_key(), "role": "member"}),
        "MessagePost" => json!({"key": fresh_key(), "text": "x"}),
        "Receipt" => json!({"read": 1, "delivered": 1}),
        "DraftPut" => json!({"key": fresh_key(), "text": "x"}),
        "Typing" => json!({"on": true}),
        "PresenceWatch" => json!({"users": []}),
        other => panic!("no good body of the type {other}"),
    };
    body.as_object().cloned().expect("an object")
}

/// Where a value that is wrong elsewhere is not: what a handle or password is compared with may be
/// anything, and is wrong in its own way.
fn is_taken(schema: &str, field: &str, mutation: &str) -> bool {
    let credential = matches!(
        (schema, field),
        ("Login", "handle" | "password") | ("Refresh", "refresh_token")
            // Whose password it is to be, the token says, which is none.
            | ("PasswordReset", "new")
    );
    // A draft may be empty: then there is none any more.
    let draft = (schema, field, mutation) == ("DraftPut", "text", "an empty text");
    draft || credential && matches!(mutation, "an empty text" | "a long text")
}

pub(super) fn cases() -> Vec<Case> {
    let document = document();
    let mut cases = Vec::new();
    for route in ROUTES {
        let Some(shape) = route.request else { continue };
        let name = (shape.name)();
        let schema = &document["components"]["schemas"][&*name];
        let fields = mutations::of_object(&document, schema, &good(&name), |field, mutation| {
            is_taken(&name, field, mutation)
        });
        cases.extend(fields.into_iter().map(|mutation| Case {
            route,
            what: mutation.name,
            body: mutation.text.into_bytes(),
            field: mutation.field,
        }));
        let others = no_objects().into_iter().chain(no_texts());
        cases.extend(others.map(|(what, body)| Case {
            route,
            what: what.to_owned(),
            body,
            field: None,
        }));
    }
    cases
}

fn request(scene: &Scene, route: &Route) -> Request {
    let path = route
        .path
        .replace("{room}", &scene.group.to_string())
        .replace("{user}", &scene.bob.id.to_string())
        .replace("{seq}", "4");
    scene.ann.request(route.method, &path)
}

#[test]
fn every_field_wrong_in_every_way_is_refused_by_its_name() {
    let scene = Scene::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let what = format!("{} on {:?}", case.what, case.route);
        let bytes = request(&scene, case.route).body("application/json", case.body).bytes();
        let answer = scene.answered(&what, &bytes);
        let problem = answer.json();
        let named = problem["field"].as_str().unwrap_or_default();
        let right = match &case.field {
            Some(field) => named == field || named.starts_with(&format!("{field}[")),
            None => !named.is_empty(),
        };
        if answer.status != 400 || problem["code"] != "invalid" || !right {
            wrong.push(format!("{what}: {problem}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are taken or blamed on another:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    scene.assert_unchanged();
}

#[test]
fn a_body_says_that_it_is_json() {
    let scene = Scene::new();
    for route in ROUTES.iter().filter(|route| route.request.is_some()) {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "",
            "application/jsonx",
            "text/json",
            "application/json\u{0}".trim_end_matches('\u{0}').trim_end_matches("json"),
        ] {
            let bytes = request(&scene, route).body(kind, b"{\"a\":1}".to_vec()).bytes();
            let answer = scene.answered(kind, &bytes);
            assert_eq!(
                (answer.status, &answer.json()["field"]),
                (400, &json!("content-type")),
                "{kind} {route:?}"
            );
        }
    }
    // What browsers and libraries write is taken.
    let post = scene.bob.request("POST", &format!("/v1/rooms/{}/messages", scene.group));
    scene.assert_unchanged();
    post.body("Application/JSON; charset=utf-8", b" {\"text\":\"hi\",\"later\":[{}]}\n".to_vec())
        .expect(201);
}

/// What is no id, and what is no number, in a path or behind the question mark.
#[test]
fn paths_and_queries_are_checked_too() {
    let scene = Scene::new();
    let group = scene.group.to_string();
    let long = "x".repeat(4_000);
    let upper = group.to_uppercase();
    let bad = [
        "x",
        "0",
        "..",
        "%00",
        "%ff",
        "%2e%2e%2f",
        "0000000000000000",
        "zzzzzzzzzzzzz",
        "iiiiiiiiiiiii",
        "-1",
        "null",
        "%F0%9F%A6%8A",
        "'",
        "\"",
        "{room}",
        long.as_str(),
    ];
    let mut count = 0;
    for route in ROUTES.iter().filter(|route| route.path.contains('{')) {
        for bad in
            bad.iter().copied().chain([upper.as_str()].into_iter().filter(|upper| **upper != group))
        {
            let path =
                route.path.split('/').map(|part| if part.starts_with('{') { bad } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let mut request = scene.ann.request(route.method, &path);
            if let Some(shape) = route.request {
                request = request.json(&Value::Object(good(&(shape.name)())));
            }
            let answer = scene.answered(&format!("{path:.80} on {route:?}"), &request.bytes());
            assert_eq!(answer.status, 404, "{path:.80} on {route:?}: {}", answer.text());
            assert_eq!(answer.code(), "not_found");
            count += 1;
        }
        for (field, _, _) in route.query {
            for bad in
                ["", "-1", "1.5", "x", "%00", "%ff", "1e9", "18446744073709551616", "[1]", "+1%20"]
            {
                let path = route.path.replace("{room}", &group);
                let request = scene.ann.get(&format!("{path}?{field}={bad}"));
                let answer =
                    scene.answered(&format!("{field}={bad} on {route:?}"), &request.bytes());
                assert_eq!(answer.status, 400, "{field}={bad} on {route:?}: {}", answer.text());
                count += 1;
            }
        }
    }
    assert!(count > 250, "{count}");
    scene.assert_unchanged();
}
