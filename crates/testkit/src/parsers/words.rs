//! Ids, texts and what an operator writes.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use chinwag_core::id::{Epoch, Key, UserId};
use chinwag_core::limit::{DRAFT_BYTES_MAX, NAME_BYTES_MAX, PASSWORD_BYTES_MAX, TEXT_BYTES_MAX};
use chinwag_core::text::{DraftText, Handle, MessageText, Name, Password};
use chinwag_server::config::{Config, RawConfig};

pub(super) fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(id) = read_again::<UserId>(&text) {
        assert_eq!(UserId::from_i64(id.to_i64()), id);
    }
    if let Some(key) = read_again::<Key>(&text) {
        assert_eq!(Key::from_bytes(key.to_bytes()), key);
    }
    read_again::<Epoch>(&text);
}

/// What was read is written as text of the same length, and reads back as the same.
fn read_again<T: FromStr + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    let written = read.to_string();
    assert_eq!(written.len(), text.len());
    assert_eq!(written.parse().ok().as_ref(), Some(&read));
    Some(read)
}

pub(super) fn texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(message) = MessageText::new(&text) {
        assert_eq!(message.as_str(), text);
        assert!((1..=TEXT_BYTES_MAX).contains(&text.len()));
    }
    if let Ok(draft) = DraftText::new(text.clone().into_owned()) {
        assert!(draft.as_str() == text && text.len() <= DRAFT_BYTES_MAX);
    }
    if let Ok(name) = Name::new(&text) {
        assert!((1..=NAME_BYTES_MAX).contains(&name.as_str().len()));
        assert!(!name.as_str().chars().any(char::is_control));
        assert_eq!(Name::new(name.as_str()), Ok(name));
    }
    if let Ok(handle) = Handle::new(&text) {
        assert_eq!(Handle::new(handle.as_str()), Ok(handle.clone()));
        assert!(Password::new(handle.as_str().to_owned(), &handle).is_err());
    }
    if let Ok(password) = Password::typed(text.clone().into_owned()) {
        assert!(password.expose() == text && text.len() <= PASSWORD_BYTES_MAX);
    }
}

/// The lines are the public URL, the contact and the directory; the first byte says whether certificates
/// are got.
pub(super) fn configuration(bytes: &[u8]) {
    let (acme, text) =
        bytes.split_first().map_or((false, &[][..]), |(first, text)| (first & 1 == 1, text));
    let text = String::from_utf8_lossy(text);
    let mut lines =
        text.split('\n').map(|line| Some(line.to_owned()).filter(|line| !line.is_empty()));
    let mut next = || lines.next().flatten();
    let raw = RawConfig {
        listen: ([127, 0, 0, 1], 8080).into(),
        public_url: next(),
        data: "x".into(),
        registration: None,
        rate_limits: true,
        metrics_listen: None,
        shards: Some(1),
        trusted_hops: 0,
        tls_cert: None,
        tls_key: None,
        acme,
        acme_contact: next(),
        acme_directory: next(),
        acme_root: None,
        traces: None,
    };
    let Ok(config) = Config::new(raw.clone()) else {
        return;
    };
    let Some(url) = &config.public_url else {
        return;
    };
    assert!(!url.host().is_empty() && !url.authority().contains('@'), "{url:?}");
    assert!(!acme || url.is_https() && url.is_whole_host(), "{url:?}");
    let again = RawConfig { public_url: Some(url.origin().to_owned()), ..raw };
    assert_eq!(Config::new(again).map(|it| it.origin()), Ok(config.origin()));
}
