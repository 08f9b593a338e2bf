//! Names of things: ids, keys, epochs and the numbers of a room's log.
//!
//! On the wire each is an opaque string; these are the only types of this crate that serialise.

#[cfg(feature = "describe")]
mod describe;

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds between the Unix epoch and 2025-01-01, where ids begin to count.
const ID_EPOCH_S: u64 = 1_735_689_600;

/// Digits of an id: lower-case Crockford base 32, which has no `i`, `l`, `o` or `u` to misread.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What each byte is worth as a digit of an id; 255 for what is none.
const DIGIT_VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Length of an id as text: 63 bits, five to a digit.
const ID_TEXT_BYTES: usize = 13;

/// Length of a key as text (RFC 9562 4).
const KEY_TEXT_BYTES: usize = 36;
/// Where in it the dashes are.
const KEY_DASHES: [usize; 4] = [8, 13, 18, 23];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum User {}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Room {}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Session {}

pub type UserId = Id<User>;
pub type RoomId = Id<Room>;
pub type SessionId = Id<Session>;

/// A name for one user, room or session: 63 bits, 31 of seconds since 2025 and 32 of randomness, so
/// that new rows land side by side in an index. The primary key holds it unique; a clash (one in
/// four milliards among the ids of one second) is refused there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id<T>(u64, PhantomData<T>);

impl<T> Id<T> {
    /// An id for something made at `at_ms` (Unix milliseconds) with 32 bits of fresh randomness.
    #[must_use]
    pub fn new(at_ms: u64, random: u32) -> Self {
        let seconds = (at_ms / 1000).saturating_sub(ID_EPOCH_S) & 0x7fff_ffff;
        Self((seconds << 32) | u64::from(random), PhantomData)
    }

    /// The id as the databases keep it, a positive 64-bit integer.
    #[must_use]
    pub fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// The id that [`Id::to_i64`] gave.
    #[must_use]
    pub fn from_i64(stored: i64) -> Self {
        Self(stored.cast_unsigned() & i64::MAX.cast_unsigned(), PhantomData)
    }

    /// The id as its 13 ASCII digits.
    #[must_use]
    pub fn digits(&self) -> [u8; ID_TEXT_BYTES] {
        let mut text = [b'0'; ID_TEXT_BYTES];
        let mut rest = self.0;
        for digit in text.iter_mut().rev() {
            *digit = DIGITS[(rest & 31) as usize];
            rest >>= 5;
        }
        text
    }
}

impl RoomId {
    /// The room of notes to oneself and of what concerns this user alone. It has the user's own
    /// number, so it needs no look-up.
    #[must_use]
    pub fn of_self(user: UserId) -> Self {
        Self(user.0, PhantomData)
    }

    /// True for the `self` room of `user`.
    #[must_use]
    pub fn is_self_of(self, user: UserId) -> bool {
        self.0 == user.0
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.digits()))
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id, key or epoch that this server could have given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct IdError(&'static str);

impl<T> FromStr for Id<T> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        const WHY: IdError = IdError("an id of 13 characters");
        if text.len() != ID_TEXT_BYTES {
            return Err(WHY);
        }
        let mut number = 0_u64;
        for byte in text.bytes() {
            let digit = DIGIT_VALUES[usize::from(byte)];
            if digit == u8::MAX || number > i64::MAX.cast_unsigned() >> 5 {
                return Err(WHY);
            }
            number = (number << 5) | u64::from(digit);
        }
        Ok(Self(number, PhantomData))
    }
}

/// The idempotency key of a command: a UUIDv7 (RFC 9562) that its sender made, unique for ever per
/// room and user. The same key again gets the first answer again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u128);

impl Key {
    /// A key for a command that came without one, from the time and 74 random bits.
    #[must_use]
    pub fn new(at_ms: u64, random: u128) -> Self {
        let time = u128::from(at_ms & 0xffff_ffff_ffff) << 80;
        let rest = random & 0x0fff_3fff_ffff_ffff_ffff;
        Self(time | 0x7000_8000_0000_0000_0000 | rest)
    }

    /// The key as the databases keep it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The key as its 36 ASCII characters.
    #[must_use]
    pub fn digits(self) -> [u8; KEY_TEXT_BYTES] {
        let mut text = [b'-'; KEY_TEXT_BYTES];
        let mut rest = self.0;
        for (place, digit) in text.iter_mut().enumerate().rev() {
            if !KEY_DASHES.contains(&place) {
                *digit = b"0123456789abcdef"[(rest & 15) as usize];
                rest >>= 4;
            }
        }
        text
    }

    /// The key that [`Key::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(stored: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(stored))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.digits()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Key {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        const WHY: IdError = IdError("a UUID of version 7 in its 36-character form");
        let bytes = text.as_bytes();
        if bytes.len() != KEY_TEXT_BYTES {
            return Err(WHY);
        }
        let mut number = 0_u128;
        for (place, &byte) in bytes.iter().enumerate() {
            match (KEY_DASHES.contains(&place), char::from(byte).to_digit(16)) {
                (true, _) if byte == b'-' => {}
                (true, _) | (_, None) => return Err(WHY),
                (_, Some(digit)) => number = (number << 4) | u128::from(digit),
            }
        }
        let (version, variant) = ((number >> 76) & 0xf, (number >> 62) & 0b11);
        if version != 7 || variant != 0b10 {
            return Err(WHY);
        }
        Ok(Self(number))
    }
}

/// The random name of a database's history; restoring a backup makes a new one, and with it every
/// cursor worthless.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u128);

impl Epoch {
    /// A new history, from 128 random bits.
    #[must_use]
    pub fn new(random: u128) -> Self {
        Self(random)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Epoch {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        const WHY: IdError = IdError("an epoch of 32 hexadecimal digits");
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(WHY)
    }
}

/// The number of an event in its room: 1, 2, 3 … with no hole. Zero stands before the first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
    /// The greatest that the wire can carry: JavaScript's safe integers end at 2^53 - 1.
    pub const MAX: Self = Self((1 << 53) - 1);

    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    #[must_use]
    pub fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// A number from the database, where none is negative.
    #[must_use]
    pub fn from_i64(stored: i64) -> Self {
        Self(stored.cast_unsigned())
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Digits as the text that they are.
fn ascii(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

fn text<'de, D: Deserializer<'de>, T: FromStr<Err = IdError>>(from: D) -> Result<T, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    text.parse().map_err(D::Error::custom)
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(ascii(&self.digits()))
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text(from)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(ascii(&self.digits()))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text(from)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_as_it_was_written(at_ms in 0..4_000_000_000_000_u64, random: u32) {
            let id = UserId::new(at_ms, random);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(UserId::from_i64(id.to_i64()), id);
        }

        #[test]
        fn a_key_reads_back_as_it_was_written(at_ms in 0..1_u64 << 48, random: u128) {
            let key = Key::new(at_ms, random);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
            prop_assert_eq!(Key::from_bytes(key.to_bytes()), key);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = (text.parse::<RoomId>(), text.parse::<Key>(), text.parse::<Epoch>());
        }
    }

    #[test]
    fn ids_sort_by_time_as_text_too() {
        let (early, late) = (RoomId::new(1_800_000_000_000, 9), RoomId::new(1_800_000_001_000, 1));
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", "zzzzzzzzzzzzz", "000000000000i", "00000000000000", "000000000000 "] {
            assert!(text.parse::<RoomId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_must_be_a_uuid_of_version_7() {
        assert!("018f4e9e-5b7a-7c3d-9e1f-0123456789ab".parse::<Key>().is_ok());
        for text in [
            "018f4e9e-5b7a-4c3d-9e1f-0123456789ab",
            "018f4e9e-5b7a-7c3d-1e1f-0123456789ab",
            "018f4e9e5b7a7c3d9e1f0123456789ab",
            "018f4e9e-5b7a-7c3d-9e1f-0123456789ag",
            "{18f4e9e-5b7a-7c3d-9e1f-0123456789a}",
        ] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }
}
