//! The NATS client protocol: lines, and as many in a frame as the server had to say.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use super::super::TEXT_BYTES;
use super::{Incoming, delivery};

const LINE_END: &[u8] = b"\r\n";

/// After the server's `INFO`: every room is a subject. The pong tells that the subjects are taken.
pub(super) fn greeting(step: u8, rooms: &[u32]) -> Vec<String> {
    if step == 0 {
        return Vec::new();
    }
    let mut said = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n".to_owned();
    for (at, room) in rooms.iter().enumerate() {
        write!(said, "SUB {room:08x} {at}\r\n").expect("memory takes all");
    }
    said.push_str("PING\r\n");
    vec![said]
}

pub(super) fn publish(subject: &str, text: &str) -> Vec<u8> {
    format!("PUB {subject} {}\r\n{text}\r\n", text.len()).into_bytes()
}

/// Takes one line, and a message's text with it. The server ends its frames where a message ends.
pub(super) fn read(input: &mut &[u8]) -> Result<Incoming> {
    let end = input.windows(2).position(|two| two == LINE_END).context("a line without an end")?;
    let line = &input[..end];
    *input = &input[end + LINE_END.len()..];
    if line.starts_with(b"MSG ") {
        let (text, rest) = input.split_at_checked(TEXT_BYTES).context("a part of a message")?;
        *input = rest.strip_prefix(LINE_END).context("a message of another length")?;
        return delivery(text);
    }
    ensure!(!line.is_empty(), "an empty line");
    Ok(match line {
        b"PING" => Incoming::Asks("PONG\r\n"),
        b"PONG" => Incoming::Ready,
        _ if line.starts_with(b"INFO ") => Incoming::Greeted,
        _ => Incoming::Refused(String::from_utf8_lossy(line).into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{all, delivery};
    use super::super::{Dialect, Incoming, text};

    #[test]
    fn a_frame_says_many_things() {
        let message = |number| format!("MSG 00000003 0 128\r\n{}\r\n", text(3, number));
        let frame = format!("INFO {{}} \r\n{}{}PING\r\nPONG\r\n", message(4), message(5));
        let expected = [
            Incoming::Greeted,
            delivery(3, 4, None),
            delivery(3, 5, None),
            Incoming::Asks("PONG\r\n"),
            Incoming::Ready,
        ];
        assert_eq!(all(&Dialect::Nats, frame.as_bytes()), expected);
    }

    #[test]
    fn a_part_of_a_message_is_an_error() {
        let frame = format!("MSG 00000003 0 128\r\n{}", text(3, 4));
        assert!(Dialect::Nats.read(&mut frame.as_bytes()).is_err());
        assert!(Dialect::Nats.read(&mut &b"MSG 00000003"[..]).is_err());
    }
}
