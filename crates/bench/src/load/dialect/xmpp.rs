//! XMPP over WebSocket (RFC 7395) as an anonymous user in rooms (XEP-0045), as ejabberd speaks it.

use anyhow::{Context, Result};

use super::super::TEXT_BYTES;
use super::{Incoming, delivery};

pub(super) const PATH: &str = "/ws";
pub(super) const SUBPROTOCOL: &str = "xmpp";

const ROOMS_AT: &str = "conference.localhost";
const OPEN: &str =
    r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>"#;
const AUTH: &str = r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>"#;
const BIND: &str = concat!(
    r#"<iq xmlns="jabber:client" type="set" id="bind">"#,
    r#"<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>"#
);
const BODY: &[u8] = b"<body>";
/// The presence in which a room tells a newcomer that they are in it.
const OWN_PRESENCE: &[u8] = b"<status code='110'/>";

/// Open, say who one is, open anew, be given an address, then a presence for each room.
pub(super) fn greeting(step: u8, at: usize, rooms: &[u32]) -> Vec<String> {
    match step {
        0 | 2 => vec![OPEN.to_owned()],
        1 => vec![AUTH.to_owned()],
        3 => vec![BIND.to_owned()],
        _ => rooms.iter().map(|room| presence(*room, at)).collect(),
    }
}

fn presence(room: u32, at: usize) -> String {
    format!(
        r#"<presence xmlns="jabber:client" to="{room:08x}@{ROOMS_AT}/c{at}"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>"#
    )
}

pub(super) fn publish(room: &str, text: &str) -> Vec<u8> {
    format!(
        r#"<message xmlns="jabber:client" type="groupchat" to="{room}@{ROOMS_AT}"><body>{text}</body></message>"#
    )
    .into_bytes()
}

pub(super) fn read(stanza: &[u8]) -> Result<Incoming> {
    if stanza.starts_with(b"<message ") {
        return message(stanza);
    }
    let greeted = stanza.starts_with(b"<stream:features")
        || stanza.starts_with(b"<success")
        || stanza.starts_with(b"<iq ") && contains(stanza, b"type='result'");
    Ok(match () {
        () if greeted => Incoming::Greeted,
        () if stanza.starts_with(b"<presence ") && contains(stanza, OWN_PRESENCE) => {
            Incoming::Joined
        }
        () if stanza.starts_with(b"<failure")
            || stanza.starts_with(b"<stream:error")
            || stanza.starts_with(b"<close")
            || contains(stanza, b"type='error'") =>
        {
            Incoming::Refused(String::from_utf8_lossy(stanza).into_owned())
        }
        () => Incoming::Other,
    })
}

/// A room's subject comes as a message without a body.
fn message(stanza: &[u8]) -> Result<Incoming> {
    let Some(body) = find(stanza, BODY) else {
        return Ok(Incoming::Other);
    };
    if contains(&stanza[..body], b"type='error'") {
        return Ok(Incoming::Refused(String::from_utf8_lossy(stanza).into_owned()));
    }
    let text = stanza[body + BODY.len()..].first_chunk::<TEXT_BYTES>();
    delivery(text.context("a text that is too short")?)
}

fn contains(stanza: &[u8], part: &[u8]) -> bool {
    find(stanza, part).is_some()
}

fn find(stanza: &[u8], part: &[u8]) -> Option<usize> {
    stanza.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{all, delivery};
    use super::super::{Dialect, Incoming, text};

    #[test]
    fn what_ejabberd_sends_is_read() {
        let text = text(3, 4);
        let message = |kind: &str| {
            let who = "to='1@localhost/2' from='00000003@conference.localhost/c1'";
            format!(
                "<message xmlns='jabber:client' {who} type='{kind}'><body>{text}</body></message>"
            )
        };
        let said = |stanza: &str| all(&Dialect::Xmpp, stanza.as_bytes());
        assert_eq!(said(&message("groupchat")), [delivery(3, 4, None)]);
        assert!(matches!(said(&message("error"))[..], [Incoming::Refused(_)]));
        assert_eq!(said("<message type='groupchat'><subject/></message>"), [Incoming::Other]);
        assert_eq!(
            said("<presence to='1'><x><status code='201'/><status code='110'/></x></presence>"),
            [Incoming::Joined]
        );
        assert_eq!(said("<presence to='1'></presence>"), [Incoming::Other]);
        assert_eq!(said("<iq type='result' id='bind'></iq>"), [Incoming::Greeted]);
    }
}
