//! How a request looks when it has come through whatever is in front: the operator names one before it
//! is sent, by a random word that it carries, and asks afterwards what arrived.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header;

use crate::clock;
use crate::http::extract::{forwarded, peer, visitor};

/// The field that carries the word.
pub(crate) const FIELD: &str = "x-chinwag-probe";
/// Requests that are awaited at once; past it the oldest is forgotten.
const AWAITED_MAX: usize = 8;

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub host: String,
    /// The entries of `X-Forwarded-For`, the nearest proxy's last.
    pub forwarded: Vec<String>,
    /// The address that it counts as, and the one that it came from.
    pub address: IpAddr,
    pub peer: IpAddr,
}

/// The requests that are awaited.
#[derive(Debug, Default)]
pub(crate) struct Probes(Mutex<VecDeque<(String, Option<Seen>)>>);

impl Probes {
    /// Awaits a request with the word that is given.
    pub(crate) fn begin(&self) -> String {
        let mut bytes = [0; 16];
        clock::random(&mut bytes);
        let word = URL_SAFE_NO_PAD.encode(bytes);
        let mut awaited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.truncate(AWAITED_MAX - 1);
        awaited.push_front((word.clone(), None));
        word
    }

    /// Looks whether a request is awaited.
    pub(crate) fn note(&self, request: &Request, trusted_hops: u8) {
        let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let Some(word) = text(FIELD) else { return };
        let mut awaited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, seen)) = awaited.iter_mut().find(|(it, _)| it == word) {
            *seen = Some(Seen {
                host: text(header::HOST.as_str()).unwrap_or_default().to_owned(),
                forwarded: forwarded(request.headers()).iter().map(|&it| it.to_owned()).collect(),
                address: visitor(request.headers(), request.extensions(), trusted_hops),
                peer: peer(request.extensions()),
            });
        }
    }

    /// What arrived with the word; none where nothing did.
    pub(crate) fn end(&self, word: &str) -> Option<Seen> {
        let mut awaited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = awaited.iter().position(|(it, _)| it == word)?;
        awaited.remove(place)?.1
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(word: &str) -> Request {
        let builder = http::Request::builder().header(FIELD, word).header("host", "chat.example");
        builder.header("x-forwarded-for", "1.1.1.1, 2.2.2.2").body(Body::empty()).expect("good")
    }

    #[test]
    fn what_is_awaited_is_noted_and_told_once() {
        let probes = Probes::default();
        let word = probes.begin();
        probes.note(&request("another"), 1);
        assert!(probes.end("another").is_none());
        probes.note(&request(&word), 1);
        let seen = probes.end(&word).expect("it came");
        assert_eq!(
            (seen.host.as_str(), seen.address),
            ("chat.example", IpAddr::from([2, 2, 2, 2]))
        );
        assert_eq!(seen.forwarded, ["1.1.1.1", "2.2.2.2"]);
        assert!(probes.end(&word).is_none());
    }

    #[test]
    fn only_so_many_are_awaited() {
        let probes = Probes::default();
        let words: Vec<String> = (0..=AWAITED_MAX).map(|_| probes.begin()).collect();
        for word in &words {
            probes.note(&request(word), 0);
        }
        assert!(probes.end(&words[0]).is_none() && probes.end(&words[1]).is_some());
    }
}
