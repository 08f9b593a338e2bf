//! How a person is shown to others.

use std::sync::Arc;

use crate::id::UserId;
use crate::limit::HUE_MAX;

/// The colour of a person's picture: an angle on the colour wheel, 0 to 359 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hue(u16);

/// The number is no angle of the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 0 to {HUE_MAX}")]
pub struct NoHue;

impl Hue {
    pub fn new(degrees: u64) -> Result<Self, NoHue> {
        match u16::try_from(degrees) {
            Ok(degrees @ 0..=HUE_MAX) => Ok(Self(degrees)),
            _ => Err(NoHue),
        }
    }

    #[must_use]
    pub fn degrees(self) -> u16 {
        self.0
    }
}

/// What others see of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub user: UserId,
    /// Empty for a deleted account, as is `display_name`.
    pub handle: Arc<str>,
    pub display_name: Arc<str>,
    /// None where its owner chose none; then the client picks one.
    pub hue: Option<Hue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hue_is_an_angle_of_the_wheel() {
        assert_eq!(Hue::new(0).map(Hue::degrees), Ok(0));
        assert_eq!(Hue::new(359).map(Hue::degrees), Ok(359));
        for wrong in [360, 65_536, 65_537, u64::MAX] {
            assert_eq!(Hue::new(wrong), Err(NoHue), "{wrong}");
        }
    }
}
