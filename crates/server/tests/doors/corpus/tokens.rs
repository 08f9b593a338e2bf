//! Tokens that are none: tampered with, of another server, of another algorithm.

use chinwag_proto::ws::Opcode;
use chinwag_testkit::server::{Heard, Server};
use serde_json::{Value, json};

use super::{AT_ONCE, Scene};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn digit(byte: u8) -> usize {
    ALPHABET.iter().position(|&known| known == byte).expect("a digit")
}

/// Base 64 for URLs, without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_u32, |word, &byte| word << 8 | u32::from(byte))
            << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let word = four.iter().fold(0_usize, |word, &byte| word << 6 | digit(byte))
            << (6 * (4 - four.len()));
        bytes.extend((0..four.len() - 1).map(|place| (word >> (16 - 8 * place)) as u8));
    }
    bytes
}

/// The token with its header or claims changed; the signature stays.
fn changed(token: &str, part: usize, change: impl Fn(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut json: Value = serde_json::from_slice(&decode(&parts[part])).expect("a part is JSON");
    change(&mut json);
    parts[part] = encode(json.to_string().as_bytes());
    parts.join(".")
}

/// The token with one character another, all along it.
fn flipped(token: &str) -> Vec<String> {
    let flip = |place: usize| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[place] = match bytes[place] {
            b'.' => b'A',
            byte => ALPHABET[(digit(byte) + 32) % 64],
        };
        String::from_utf8(bytes).expect("ASCII")
    };
    (0..token.len()).step_by(5).chain([token.len() - 1]).map(flip).collect()
}

fn forged(token: &str, others: &str, user: &Value) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let mut all = flipped(token);
    for alg in ["none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256"] {
        let unsigned = changed(token, 0, |header| header["alg"] = json!(alg));
        all.push(format!("{}.", unsigned.rsplit_once('.').expect("three parts").0));
        all.push(unsigned);
    }
    for (field, value) in [
        ("kid", json!("other")),
        ("kid", json!("")),
        ("kid", json!("../../dev/null")),
        ("kid", Value::Null),
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("jku", json!("http://127.0.0.1/keys")),
        ("x5u", json!("http://127.0.0.1/x")),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
    ] {
        all.push(changed(token, 0, |header| header[field] = value.clone()));
    }
    for (field, value) in [
        ("sub", user.clone()),
        ("sid", json!("0000000000007")),
        ("exp", json!(99_999_999_999_u64)),
        ("exp", json!(0)),
        ("exp", json!("never")),
        ("iss", json!("other")),
        ("aud", json!(["other"])),
        ("iat", json!(-1)),
        ("admin", json!(true)),
    ] {
        all.push(changed(token, 1, |claims| claims[field] = value.clone()));
    }
    let swapped =
        format!("{}.{}.{}", parts[0], others.split('.').nth(1).unwrap_or_default(), parts[2]);
    all.extend([
        others.to_owned(),
        swapped,
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        parts[0].to_owned(),
        parts[..2].join("."),
        format!("{}.{}", parts[0], parts[2]),
        format!("{token}."),
        format!("{token}.x"),
        format!(".{token}"),
        format!("{token}="),
        format!("{token}{}", "A".repeat(1_024)),
        "x".repeat(10_000),
        format!("{}.{}.", parts[0], parts[1]),
        token.to_uppercase(),
        token.replace('.', ","),
        token.chars().rev().collect(),
        "null".to_owned(),
        "undefined".to_owned(),
        "{}".to_owned(),
        "' OR 1=1 --".to_owned(),
    ]);
    all
}

#[test]
fn every_bad_token_is_unauthorized_on_both_doors() {
    let scene = Scene::new();
    let elsewhere = Server::start();
    let others = elsewhere.register("ann").token;
    let token = &scene.ann.token;
    assert_eq!(changed(token, 1, |_| {}).split('.').next(), token.split('.').next());
    let bad = forged(token, &others, &json!(scene.bob.id));
    assert!(bad.len() >= 100, "{}", bad.len());
    let refused = scene.server.get("/v1/me").expect(401).body;
    for bad in &bad {
        assert_ne!(bad, token);
        let answer = scene.answered(bad, &scene.server.get("/v1/me").token(bad).bytes());
        assert_eq!((answer.status, &answer.body), (401, &refused), "{bad}");
        let mut socket = scene.server.socket();
        socket.say(Opcode::Text, json!({"type": "hello", "token": bad}).to_string().as_bytes());
        let heard = socket.next_within(AT_ONCE);
        assert!(matches!(heard, Some(Heard::Closed(Some(4401), _))), "{bad}: {heard:?}");
    }
    scene.ann.get("/v1/me").expect(200);
    scene.assert_unchanged();
}

#[test]
fn a_token_is_a_bearer_s_and_stands_in_its_header() {
    let scene = Scene::new();
    let token = &scene.ann.token;
    for value in [
        token.clone(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Bearer  {token}"),
        format!("Bearer {token} x"),
        format!("Token {token}"),
        "Bearer".to_owned(),
    ] {
        let answer = scene.server.get("/v1/me").header("authorization", &value).send();
        assert_eq!(answer.status, 401, "{value:.20}");
    }
    scene.server.get("/v1/me").header("authorization", &format!("bearer {token}")).expect(200);
    // Nowhere else, where logs and other sites would see it.
    scene.server.get(&format!("/v1/me?access_token={token}")).expect(401);
    scene.server.get("/v1/me").header("cookie", &format!("access_token={token}")).expect(401);
}
