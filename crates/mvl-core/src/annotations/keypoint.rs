//! A named point of an object, such as a left elbow.

use serde::{Deserialize, Serialize};

/// One point, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Keypoint {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
    /// Whether it was annotated, and can be seen.
    pub visibility: Visibility,
}

/// COCO's three kinds: 0, 1, 2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Not annotated; the coordinates mean nothing.
    #[default]
    Unlabelled,
    /// Annotated but covered by something.
    Hidden,
    /// Annotated and in sight.
    Visible,
}

impl Visibility {
    /// COCO's number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unlabelled => 0,
            Self::Hidden => 1,
            Self::Visible => 2,
        }
    }

    /// From COCO's number; `None` for others.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Unlabelled),
            1 => Some(Self::Hidden),
            2 => Some(Self::Visible),
            _ => None,
        }
    }
}
