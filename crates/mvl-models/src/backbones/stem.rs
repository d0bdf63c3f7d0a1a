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
