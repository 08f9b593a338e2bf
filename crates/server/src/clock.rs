//! The one place that asks the time and draws randomness; the rest takes them as arguments.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Unix milliseconds, for what is kept and shown.
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The same as the system has it, for a date in words.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Milliseconds since the process began, for deadlines: this clock never goes back.
pub(crate) fn monotonic_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The monotonic clock itself, for durations that are measured.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Fills with the system's randomness.
///
/// # Panics
/// Where the system has none: nothing here would be safe then.
pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives randomness");
}

pub(crate) fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    random(&mut bytes);
    u32::from_ne_bytes(bytes)
}

pub(crate) fn random_u128() -> u128 {
    let mut bytes = [0; 16];
    random(&mut bytes);
    u128::from_ne_bytes(bytes)
}
