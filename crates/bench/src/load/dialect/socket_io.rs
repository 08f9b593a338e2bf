//! Engine.IO 4 and Socket.IO 5 over WebSocket, as socket.io 4 speaks them.
//!
//! A digit tells the packet: `0` open, `2` ping, `3` pong, `4` message; within a message `0` connects
//! to the namespace and `2` is an event.

use anyhow::{Context, Result};

use super::{Incoming, delivery, last_text};

pub(super) const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// After the server's `open`: to the namespace, then into the rooms.
pub(super) fn greeting(step: u8, rooms: &[u32]) -> Vec<String> {
    match step {
        0 => Vec::new(),
        1 => vec!["40".to_owned()],
        _ => {
            let names: Vec<String> = rooms.iter().map(|room| format!(r#""{room:08x}""#)).collect();
            vec![format!(r#"42["join",[{}]]"#, names.join(","))]
        }
    }
}

pub(super) fn publish(text: &str) -> Vec<u8> {
    format!(r#"42["text","{text}"]"#).into_bytes()
}

pub(super) fn read(packet: &[u8]) -> Result<Incoming> {
    if let Some(event) = packet.strip_prefix(br#"42["text",""#) {
        return delivery(last_text(event.strip_suffix(br#""]"#).context("an event of more")?)?);
    }
    Ok(match packet {
        b"2" => Incoming::Asks("3"),
        br#"42["joined"]"# => Incoming::Ready,
        [b'0', ..] | [b'4', b'0', ..] => Incoming::Greeted,
        _ => Incoming::Refused(String::from_utf8_lossy(packet).into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{all, delivery};
    use super::super::{Dialect, Incoming, text};
    use super::publish;

    #[test]
    fn what_it_sends_is_read() {
        let said = |packet: &[u8]| all(&Dialect::SocketIo, packet);
        assert_eq!(said(br#"0{"sid":"x","upgrades":[]}"#), [Incoming::Greeted]);
        assert_eq!(said(br#"40{"sid":"x"}"#), [Incoming::Greeted]);
        assert_eq!(said(b"2"), [Incoming::Asks("3")]);
        assert_eq!(said(&publish(&text(3, 4))), [delivery(3, 4, None)]);
        assert!(matches!(said(br#"44{"message":"no"}"#)[..], [Incoming::Refused(_)]));
    }
}
