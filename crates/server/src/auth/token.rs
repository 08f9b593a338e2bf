//! Access tokens (a JWT that says who calls, ten minutes long) and the random tokens that are kept
//! as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chinwag_core::id::{SessionId, UserId};
use chinwag_core::limit::ACCESS_TOKEN_S;
use chinwag_store::SigningKey;
use chinwag_store::write::TokenHash;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Caller;
use crate::clock;

/// The type that tells an access token from any other JWT (RFC 9068).
const TOKEN_TYPE: &str = "at+jwt";
/// An access token is about 300 bytes; what is longer is none.
const TOKEN_BYTES_MAX: usize = 1_024;

/// Makes and checks access tokens: HS256 and nothing else, each with the `kid` of its key.
pub(crate) struct AccessTokens {
    keys: Vec<Key>,
    installation: String,
    validation: Validation,
}

struct Key {
    header: Header,
    /// The header as it stands in every token of this key. What has another, be it of another
    /// algorithm or type, or asking for keys from elsewhere, is none of ours.
    header_text: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: u64,
    exp: u64,
    jti: String,
}

impl Key {
    fn new(key: &SigningKey) -> Self {
        let header = Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let json = serde_json::to_vec(&header).expect("a header serialises");
        Self {
            header,
            header_text: URL_SAFE_NO_PAD.encode(json),
            encoding: EncodingKey::from_secret(&key.secret),
            decoding: DecodingKey::from_secret(&key.secret),
        }
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessTokens(…)")
    }
}

impl AccessTokens {
    /// The first key signs; all are accepted.
    pub(crate) fn new(keys: &[SigningKey], installation: &str) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[installation]);
        validation.set_audience(&[installation]);
        validation.leeway = 0;
        validation.validate_nbf = true;
        Self {
            keys: keys.iter().map(Key::new).collect(),
            installation: installation.to_owned(),
            validation,
        }
    }

    /// A token for the next ten minutes.
    pub(crate) fn issue(&self, caller: Caller, now_ms: u64) -> String {
        let key = &self.keys[0];
        let claims = Claims {
            iss: self.installation.clone(),
            aud: self.installation.clone(),
            sub: caller.user,
            sid: caller.session,
            iat: now_ms / 1000,
            exp: now_ms / 1000 + ACCESS_TOKEN_S,
            jti: format!("{:032x}", clock::random_u128()),
        };
        jsonwebtoken::encode(&key.header, &claims, &key.encoding).expect("claims serialise")
    }

    /// Whose token this is, if it is one of ours and not expired. Whether the session still stands
    /// is for the caller to ask.
    pub(crate) fn check(&self, token: &str) -> Option<Caller> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (header, _) = token.split_once('.')?;
        let key = self.keys.iter().find(|key| key.header_text == header)?;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation).ok()?.claims;
        Some(Caller { user: claims.sub, session: claims.sid })
    }
}

/// A random token of 256 bits, as it is given away, and its hash, as it is kept.
pub(crate) fn random_token() -> (String, TokenHash) {
    let mut bytes = [0; 32];
    clock::random(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(&token);
    (token, hash)
}

/// The hash under which a random token is found. What was never given out has one too, and is not
/// found.
pub(crate) fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests;
