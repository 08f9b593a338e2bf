//! A frame's header (RFC 6455 5.2), both ways: what each byte may be, and how one is written.

use super::{CONTROL_BYTES_MAX, Role, Violation};

/// Most bytes of a header: two, a 64-bit length and a masking key.
pub(super) const HEADER_BYTES_MAX: usize = 14;

const LAST: u8 = 0b1000_0000;
const RESERVED: u8 = 0b0111_0000;
const MASKED: u8 = 0b1000_0000;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message that was begun.
    Continuation = 0,
    /// The first fragment of a text, or all of it.
    Text = 1,
    /// The first fragment of a binary message, or all of it.
    Binary = 2,
    /// The last frame that its sender sends.
    Close = 8,
    /// Asks for a pong.
    Ping = 9,
    /// Answers a ping.
    Pong = 10,
}

impl Opcode {
    /// Whether it may come between the fragments of a message, and has none itself.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn parse(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }
}

/// Reads the first byte: what the frame is, and whether it is the last of its message.
pub(super) fn opcode_read(byte: u8) -> Result<(Opcode, bool), Violation> {
    if byte & RESERVED != 0 {
        return Err(Violation::ReservedBit);
    }
    let opcode = Opcode::parse(byte & 0x0f).ok_or(Violation::ReservedOpcode)?;
    let last = byte & LAST != 0;
    if opcode.is_control() && !last {
        return Err(Violation::ControlFragmented);
    }
    Ok((opcode, last))
}

/// Reads the payload's length from a header's beginning, and tells where it ends; `None` while bytes
/// are missing.
pub(super) fn length_read(
    bytes: &[u8],
    opcode: Opcode,
    role: Role,
) -> Result<Option<(u64, usize)>, Violation> {
    let Some(&second) = bytes.get(1) else {
        return Ok(None);
    };
    mask_bit_check(second, role)?;
    let short = second & !MASKED;
    if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
        return Err(Violation::ControlTooLong);
    }
    let extended = &bytes[2..];
    let (length, end, shortest) = match short {
        126 => {
            let Some(field) = extended.first_chunk() else {
                return Ok(None);
            };
            (u64::from(u16::from_be_bytes(*field)), 4, 126)
        }
        127 => {
            let Some(field) = extended.first_chunk() else {
                return Ok(None);
            };
            (u64::from_be_bytes(*field), 10, 1 << 16)
        }
        short => (u64::from(short), 2, 0),
    };
    if length > i64::MAX as u64 {
        return Err(Violation::LengthNegative);
    }
    if length < shortest {
        return Err(Violation::LengthNotShortest);
    }
    Ok(Some((length, end)))
}

fn mask_bit_check(second: u8, role: Role) -> Result<(), Violation> {
    match (role, second & MASKED != 0) {
        (Role::Server, false) => Err(Violation::Unmasked),
        (Role::Client, true) => Err(Violation::Masked),
        (Role::Server, true) | (Role::Client, false) => Ok(()),
    }
}

/// A header as it stands on the wire, `bytes[..length]`.
pub(super) struct Written {
    bytes: [u8; HEADER_BYTES_MAX],
    length: usize,
}

impl Written {
    /// Writes a header; `key` is for a client's frame.
    pub(super) fn new(
        opcode: Opcode,
        last: bool,
        payload_bytes: usize,
        key: Option<[u8; 4]>,
    ) -> Self {
        let mut written = Self { bytes: [0; HEADER_BYTES_MAX], length: 0 };
        written.push(&[opcode as u8 | if last { LAST } else { 0 }]);
        let masked = if key.is_some() { MASKED } else { 0 };
        match (u8::try_from(payload_bytes), u16::try_from(payload_bytes)) {
            (Ok(short @ 0..=125), _) => written.push(&[masked | short]),
            (_, Ok(medium)) => {
                written.push(&[masked | 126]);
                written.push(&medium.to_be_bytes());
            }
            (_, Err(_)) => {
                written.push(&[masked | 127]);
                written.push(&(payload_bytes as u64).to_be_bytes());
            }
        }
        if let Some(key) = key {
            written.push(&key);
        }
        written
    }

    fn push(&mut self, field: &[u8]) {
        let end = self.length + field.len();
        self.bytes[self.length..end].copy_from_slice(field);
        self.length = end;
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
