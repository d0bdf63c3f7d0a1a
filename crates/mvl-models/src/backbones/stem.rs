//! How a backbone begins: the option that fits it to large or to small pictures.

use serde::{Deserialize, Serialize};

/// How much the first layers shrink the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// As published for ImageNet's 224 pixels.
    #[default]
    Imagenet,
    /// Without shrinking, for pictures of about 32 pixels.
    Small,
}

impl Stem {
    /// Stride of a first convolution whose published stride is 2.
    #[must_use]
    pub fn first_stride(self) -> usize {
        match self {
            Self::Imagenet => 2,
            Self::Small => 1,
        }
    }
}
