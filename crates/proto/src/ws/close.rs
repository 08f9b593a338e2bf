//! The close codes: which of them may stand on the wire, and which are ours.

use std::fmt;

/// A close code that may be sent and received (RFC 6455 7.4 and the IANA registry).
///
/// A value outside the ranges below cannot be made: 1005, 1006 and 1015 only describe a connection to
/// the program that held it, 1004 and 1016 to 2999 have no meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The page or the process leaves.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke a rule of the framing.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of message that is not taken: binary.
    pub const UNSUPPORTED: Self = Self(1003);
    /// Text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// The framing was kept but a limit of conduct was not.
    pub const POLICY: Self = Self(1008);
    /// A message above the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// The server met a condition that it did not expect.
    pub const INTERNAL: Self = Self(1011);
    /// The server restarts: come back.
    pub const RESTART: Self = Self(1012);
    /// No, wrong, expired or revoked token.
    pub const UNAUTHORIZED: Self = Self(4401);
    /// No `hello` in time, or no sign of life.
    pub const TIMED_OUT: Self = Self(4408);

    /// The code of this number, or `None` where it may not stand on the wire.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::CloseCode;
    use crate::ws::{Decoder, Limits, Message, Opcode, Role, Violation, encode};

    /// Every number there is, by the range it lies in; the rows cover 0 to 65,535 without a hole.
    const TABLE: [(u16, u16, bool); 9] = [
        (0, 999, false),
        (1000, 1003, true),
        (1004, 1006, false),
        (1007, 1014, true),
        (1015, 1015, false),
        (1016, 1999, false),
        (2000, 2999, false),
        (3000, 4999, true),
        (5000, u16::MAX, false),
    ];

    #[test]
    fn the_table_covers_every_number_once() {
        assert_eq!(TABLE[0].0, 0);
        assert_eq!(TABLE[TABLE.len() - 1].1, u16::MAX);
        for pair in TABLE.windows(2) {
            assert_eq!(pair[0].1 + 1, pair[1].0);
        }
    }

    #[test]
    fn each_number_is_taken_or_refused_on_the_wire_as_the_table_says() {
        for (first, last, valid) in TABLE {
            for number in first..=last {
                let mut wire = Vec::new();
                let payload = number.to_be_bytes();
                encode::client_frame(&mut wire, Opcode::Close, true, &payload, [9, 8, 7, 6]);
                let mut decoder = Decoder::new(Role::Server, Limits::default());
                let message = decoder.next(&mut wire.as_mut_slice());
                let expected = if valid {
                    let code = CloseCode::new(number);
                    Ok(Some(Message::Close { code, reason: "" }))
                } else {
                    Err(Violation::CloseCodeInvalid)
                };
                assert_eq!(message, expected, "{number}");
            }
        }
    }

    #[test]
    fn our_own_codes_may_stand_on_the_wire() {
        for code in [
            CloseCode::NORMAL,
            CloseCode::GOING_AWAY,
            CloseCode::PROTOCOL,
            CloseCode::UNSUPPORTED,
            CloseCode::INVALID_DATA,
            CloseCode::POLICY,
            CloseCode::TOO_BIG,
            CloseCode::INTERNAL,
            CloseCode::RESTART,
            CloseCode::UNAUTHORIZED,
            CloseCode::TIMED_OUT,
        ] {
            assert_eq!(CloseCode::new(code.number()), Some(code));
        }
    }
}
