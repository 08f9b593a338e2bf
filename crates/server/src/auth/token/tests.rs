use super::*;

const NOW_MS: u64 = 4_000_000_000_000;

fn tokens(kid: &str, secret: u8) -> AccessTokens {
    let keys = [SigningKey { kid: kid.to_owned(), secret: [secret; 32] }];
    AccessTokens::new(&keys, "home")
}

fn caller() -> Caller {
    Caller {
        user: UserId::new(1_800_000_000_000, 1),
        session: SessionId::new(1_800_000_000_000, 2),
    }
}

/// The header of our tokens.
const HEADER: &str = r#"{"typ":"at+jwt","alg":"HS256","kid":"a"}"#;

/// A token with a header and claims of one's own, signed with the right key.
fn forge(header: &str, claims: &serde_json::Value) -> String {
    let claims = claims.to_string();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(
        signed.as_bytes(),
        &EncodingKey::from_secret(&[7; 32]),
        Algorithm::HS256,
    );
    format!("{signed}.{}", signature.expect("HS256 signs"))
}

fn claims() -> serde_json::Value {
    let Caller { user, session } = caller();
    serde_json::json!({
        "iss": "home", "aud": "home", "sub": user, "sid": session,
        "iat": NOW_MS / 1000, "exp": NOW_MS / 1000 + 600, "jti": "0",
    })
}

fn with(mut object: serde_json::Value, field: &str, value: serde_json::Value) -> serde_json::Value {
    object[field] = value;
    object
}

#[test]
fn a_token_says_who_calls() {
    let ours = tokens("a", 7);
    assert_eq!(ours.check(&ours.issue(caller(), NOW_MS)), Some(caller()));
    assert_eq!(ours.check(&forge(HEADER, &claims())), Some(caller()), "the forge is true");
}

#[test]
fn another_key_or_installation_is_refused() {
    let token = tokens("a", 7).issue(caller(), NOW_MS);
    assert_eq!(tokens("a", 8).check(&token), None);
    assert_eq!(tokens("b", 7).check(&token), None);
    let keys = [SigningKey { kid: "a".to_owned(), secret: [7; 32] }];
    assert_eq!(AccessTokens::new(&keys, "away").check(&token), None);
}

#[test]
fn an_expired_token_is_refused() {
    let ours = tokens("a", 7);
    assert_eq!(ours.check(&ours.issue(caller(), 1_000_000_000_000)), None);
}

#[test]
fn one_algorithm_one_type_and_no_foreign_keys() {
    let ours = tokens("a", 7);
    let bad = [
        HEADER.replace("HS256", "none"),
        HEADER.replace("HS256", "nOnE"),
        HEADER.replace("HS256", "HS512"),
        HEADER.replace("HS256", "RS256"),
        HEADER.replace("at+jwt", "JWT"),
        HEADER.replace(r#""typ":"at+jwt","#, ""),
        HEADER.replace(r#""kid":"a""#, r#""kid":"../../etc/passwd""#),
        HEADER.replace(r#","kid":"a""#, ""),
        HEADER.replace('}', r#","jku":"https://evil.example/keys"}"#),
        HEADER.replace('}', r#","x5u":"https://evil.example/keys"}"#),
        HEADER.replace('}', r#","jwk":{"kty":"oct","k":"BwcH"}}"#),
        HEADER.replace('}', r#","crit":["exp"]}"#),
        HEADER.replace('}', r#","zip":"DEF"}"#),
        HEADER.replace('}', r#","b64":false}"#),
        HEADER.replace('}', r#","alg":"none"}"#),
    ];
    for header in bad {
        assert_eq!(ours.check(&forge(&header, &claims())), None, "{header}");
    }
}

#[test]
fn every_claim_is_needed_and_of_its_type() {
    let ours = tokens("a", 7);
    for field in ["iss", "aud", "sub", "sid", "iat", "exp", "jti"] {
        let mut missing = claims();
        missing.as_object_mut().expect("an object").remove(field);
        assert_eq!(ours.check(&forge(HEADER, &missing)), None, "{field} is missing");
        for value in [serde_json::json!(null), serde_json::json!([1]), serde_json::json!({"a": 1})]
        {
            let token = forge(HEADER, &with(claims(), field, value.clone()));
            assert_eq!(ours.check(&token), None, "{field}: {value}");
        }
    }
    for exp in ["4000000600", "-1", "x"] {
        let token = forge(HEADER, &with(claims(), "exp", serde_json::json!(exp)));
        assert_eq!(ours.check(&token), None, "exp as the text {exp}");
    }
}

#[test]
fn each_flipped_bit_of_the_signature_is_refused() {
    let ours = tokens("a", 7);
    let token = ours.issue(caller(), NOW_MS);
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&flipped));
        assert_eq!(ours.check(&forged), None, "bit {bit}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let ours = tokens("a", 7);
    let token = ours.issue(caller(), NOW_MS);
    let cut = &token[..token.len() - 1];
    let long = format!("{token}{}", "A".repeat(4_096));
    for text in ["", ".", "..", "a.b.c", cut, &long, &format!("{token}="), &format!(" {token}")] {
        assert_eq!(ours.check(text), None, "{text:.40}");
    }
}

#[test]
fn random_tokens_differ_and_are_kept_as_hashes() {
    let ((a, hash_a), (b, hash_b)) = (random_token(), random_token());
    assert_eq!((a.len(), b.len()), (43, 43));
    assert!(a != b && hash_a != hash_b && hash_a == hash(&a));
}
